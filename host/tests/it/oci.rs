//! Plugins from a registry: pushed, pulled, pinned, moved; and a registry that is away, lies, or was tampered with. Where a test has several threads, it asks
//! as who loads plugins does: without waiting in the runtime.

use std::{fs, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wtaf_host::plugin::oci::{self, Cache, Credentials, Moved, OciError, PullOptions};

use crate::kit::{
    component::in_force,
    host::{ANN, Host, binary, ran},
    registry::{Registry, USER, marked},
};

fn cache() -> (TempDir, Cache) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let cache = Cache::new(&folder.path().join("plugins"));
    (folder, cache)
}

fn hex_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Asks as nobody, whatever the machine's own docker is signed in to.
fn options() -> PullOptions {
    PullOptions { credentials: Some(Credentials::Anonymous), ..PullOptions::default() }
}

fn moved(refreshed: Moved) -> oci::Pulled {
    match refreshed {
        Moved::To(pulled) => pulled,
        Moved::No => panic!("the tag has moved"),
    }
}

#[tokio::test]
async fn what_was_pushed_is_pulled_by_tag_and_by_digest() {
    let registry = Registry::start().await;
    let component = marked("slug", "one");
    let digest = registry.push("acme/wtaf-slug:1.0", &component).await;
    let tag = registry.reference("acme/wtaf-slug:1.0");

    for reference in [tag.clone(), tag.pinned(&digest), registry.reference(&format!("acme/wtaf-slug@{digest}"))] {
        let pulled = oci::pull(&reference, &options()).await.unwrap_or_else(|error| panic!("{reference}: {error}"));

        assert_eq!(pulled.bytes, component);
        assert_eq!((pulled.digest, pulled.manifest_digest), (hex_of(&component), digest.clone()));
    }
    assert_eq!(registry.push("acme/wtaf-slug:1.1", &component).await, digest, "the same again is the same");
}

#[tokio::test]
async fn the_manifest_is_what_other_tools_of_the_field_write_and_read() {
    let registry = Registry::start().await;
    let digest = registry.push("acme/slug:1", &marked("slug", "one")).await;

    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(registry.blob(&digest)).unwrap()).unwrap();
    let config = manifest["config"]["digest"].as_str().unwrap();
    let config: serde_json::Value = serde_json::from_slice(&fs::read(registry.blob(config)).unwrap()).unwrap();

    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!((config["architecture"].as_str(), config["os"].as_str()), (Some("wasm"), Some("wasip2")));
    assert_eq!(config["layerDigests"][0], manifest["layers"][0]["digest"]);
    assert_eq!(config["component"]["exports"][0], "wtaf:stage/slug@0.1.0");
}

#[tokio::test]
async fn a_wrong_digest_gives_nothing() {
    let registry = Registry::start().await;
    let digest = registry.push("acme/slug:1", &marked("slug", "one")).await;
    let other = format!("sha256:{}", hex_of(b"something else"));

    let error = oci::pull(&registry.reference(&format!("acme/slug:1@{other}")), &options()).await.unwrap_err();
    assert!(matches!(error, OciError::Absent { .. }), "{error}");

    // A manifest that was changed in the registry's storage, its size kept.
    let blob = registry.blob(&digest);
    let manifest = fs::read_to_string(&blob).unwrap();
    fs::write(&blob, manifest.replace("a test's", "a pest's")).unwrap();
    let pulled = oci::pull(&registry.reference(&format!("acme/slug@{digest}")), &options()).await;
    assert!(pulled.is_err(), "{pulled:?}");
}

#[tokio::test]
async fn a_component_spoiled_in_the_registry_is_refused() {
    let registry = Registry::start().await;
    let component = marked("slug", "one");
    registry.push("acme/slug:1", &component).await;
    let blob = registry.blob(&hex_of(&component));
    let changed = [b"\0asm".to_vec(), component[4..].iter().map(|byte| byte ^ 1).collect()].concat();
    let longer = [component.clone(), vec![0; 100]].concat();

    for spoiled in [changed, longer, component[..component.len() / 2].to_vec(), Vec::new()] {
        fs::write(&blob, &spoiled).unwrap();
        let (_folder, cache) = cache();

        let error = oci::refresh(&cache, &registry.reference("acme/slug:1"), &options()).await.unwrap_err();

        assert!(matches!(error, OciError::Altered { .. }), "{} bytes: {error}", spoiled.len());
        assert_eq!(cache.component(&hex_of(&component)).unwrap(), None);
    }
}

#[tokio::test]
async fn a_component_over_the_size_is_refused_before_it_is_taken() {
    let registry = Registry::start().await;
    let component = marked("slug", "one");
    registry.push("acme/slug:1", &component).await;
    let most = component.len() as u64;

    let fits = oci::pull(&registry.reference("acme/slug:1"), &PullOptions { most, ..options() }).await;
    let small = PullOptions { most: most - 1, ..options() };
    let refused = oci::pull(&registry.reference("acme/slug:1"), &small).await;

    assert!(fits.is_ok(), "{fits:?}");
    assert!(matches!(refused, Err(OciError::TooLarge { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_away_leaves_what_was_good_last() {
    let registry = Registry::start().await;
    let component = marked("slug", "one");
    let digest = registry.push("acme/slug:1", &component).await;
    let (_folder, cache) = cache();
    let tag = registry.reference("acme/slug:1");
    for reference in [&tag, &tag.pinned(&digest)] {
        assert_eq!(oci::resolve(&cache, reference, &options()).unwrap().bytes, component);
    }

    registry.cut();

    let error = oci::refresh(&cache, &tag, &options()).await.unwrap_err();
    assert!(error.is_away(), "{error}");
    assert_eq!(oci::refresh(&cache, &tag.pinned(&digest), &options()).await.unwrap(), Moved::No);
    for reference in [&tag, &tag.pinned(&digest)] {
        assert_eq!(oci::resolve(&cache, reference, &options()).unwrap().bytes, component);
    }
    let unknown = oci::resolve(&cache, &registry.reference("acme/coach:1"), &options()).unwrap_err();
    assert!(unknown.is_away(), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moved_is_seen_and_changes_nothing_until_it_is_accepted() {
    let registry = Registry::start().await;
    let (one, two) = (marked("slug", "one"), marked("slug", "two"));
    let tag = registry.reference("acme/slug:latest");
    let (_folder, cache) = cache();
    registry.push("acme/slug:latest", &one).await;
    oci::resolve(&cache, &tag, &options()).unwrap();
    assert_eq!(oci::refresh(&cache, &tag, &options()).await.unwrap(), Moved::No);

    registry.push("acme/slug:latest", &two).await;
    let candidate = moved(oci::refresh(&cache, &tag, &options()).await.unwrap());

    assert_eq!(candidate.bytes, two);
    assert_eq!(cache.last_good(&tag).unwrap().unwrap().bytes, one, "a start would still find the first");
    // The component is here already: only the manifest is asked for again.
    fs::remove_file(registry.blob(&hex_of(&two))).unwrap();
    assert_eq!(moved(oci::refresh(&cache, &tag, &options()).await.unwrap()), candidate);
    cache.accept(&tag, &candidate).unwrap();
    assert_eq!(oci::refresh(&cache, &tag, &options()).await.unwrap(), Moved::No);
    assert_eq!(oci::resolve(&cache, &tag, &options()).unwrap().bytes, two);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moves_to_another_role_or_to_nothing_of_ours_is_refused() {
    let registry = Registry::start().await;
    let tag = registry.reference("acme/slug:latest");
    let (_folder, cache) = cache();
    registry.push("acme/slug:latest", &marked("slug", "one")).await;
    oci::resolve(&cache, &tag, &options()).unwrap();

    registry.push("acme/slug:latest", &marked("coach", "one")).await;

    let error = oci::refresh(&cache, &tag, &options()).await.unwrap_err();
    assert!(matches!(error, OciError::OtherRole { .. }), "{error}");
    let absent = oci::pull(&registry.reference("acme/slug:2"), &options()).await.unwrap_err();
    assert!(matches!(absent, OciError::Absent { .. }), "{absent}");
}

#[tokio::test]
async fn a_registry_that_asks_who_is_there_is_told() {
    let registry = Registry::closed().await;
    let component = marked("slug", "one");
    let to = registry.reference("acme/slug:1").to_string();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("slug.wasm"), &component).unwrap();
    let mut push = binary();
    push.current_dir(folder.path()).args(["plugin", "push", "slug.wasm", &to]);
    push.env("WTAF_OCI_USER", USER.0).env("WTAF_OCI_PASSWORD", USER.1);

    let pushed = ran(push).await;
    let known = Credentials::Basic { user: USER.0.into(), password: USER.1.to_owned().into() };
    let stranger = Credentials::Basic { user: USER.0.into(), password: "another".to_owned().into() };
    let pull = async |who: Credentials| {
        oci::pull(&registry.reference("acme/slug:1"), &PullOptions { credentials: Some(who), ..options() }).await
    };

    assert_eq!(pushed.code, Some(0), "{pushed:?}");
    assert!(pushed.out.starts_with(&format!("plugin = \"{to}@sha256:")), "{pushed:?}");
    assert_eq!(pull(known).await.unwrap().bytes, component);
    for who in [Credentials::Anonymous, stranger] {
        let error = pull(who).await.unwrap_err();
        assert!(matches!(error, OciError::Denied { .. }) && !error.to_string().contains("another"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_never_answers_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reference = format!("oci://{}/acme/slug:1", silent.local_addr().unwrap()).parse().unwrap();
    let (_folder, cache) = cache();
    let options = PullOptions { answer_within: Duration::from_millis(100), ..options() };

    let error = oci::resolve(&cache, &reference, &options).unwrap_err();

    assert!(error.is_away() && error.to_string().contains("no answer within 100ms"), "{error}");
}

/// A registry of our own making: what it answers to a path, with a bearer token or without. The reference of `slug:1` in it.
async fn pretending(
    answer: impl Fn(&str, Option<&str>) -> Response + Clone + Send + Sync + 'static,
) -> wtaf_host::config::OciReference {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().fallback(move |request: Request| async move {
        let who = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        answer(request.uri().path(), who)
    });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("oci://{address}/slug:1").parse().unwrap()
}

/// A manifest that names a component.
fn manifest_of(component: &[u8], size: usize) -> String {
    let (kind, digest) = ("application/vnd.oci.image.manifest.v1+json", hex_of(component));
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{kind}","config":{{"mediaType":"application/vnd.wasm.config.v0+json","digest":"sha256:{digest}","size":1}},
        "layers":[{{"mediaType":"application/wasm","digest":"sha256:{digest}","size":{size}}}]}}"#
    )
}

fn endless() -> Response {
    let piece = Bytes::from_static(&[b' '; 1024]);
    let pieces = futures_util::stream::unfold(piece, |piece| async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Some((Ok::<_, std::io::Error>(piece.clone()), piece))
    });
    Response::new(Body::from_stream(pieces))
}

#[tokio::test]
async fn a_manifest_that_is_not_what_was_pinned_is_refused_whatever_the_registry_says() {
    let pinned = format!("sha256:{}", hex_of(b"the manifest that was pinned"));
    let claimed = pinned.clone();
    let tag = pretending(move |path, _| {
        let mut response = Response::new(Body::from(manifest_of(b"abc", 3)));
        if path.contains("/manifests/") {
            response.headers_mut().insert("docker-content-digest", claimed.parse().unwrap());
        }
        response
    })
    .await;

    let error = oci::pull(&tag.pinned(&pinned), &options()).await.unwrap_err();

    assert!(matches!(error, OciError::Altered { .. }), "{error}");
}

#[tokio::test]
async fn a_registry_without_end_is_given_up() {
    let endless_manifest = pretending(|_, _| endless()).await;
    let endless_component = pretending(|path, _| {
        if path.contains("/blobs/") { endless() } else { Response::new(Body::from(manifest_of(b"abc", 10_000))) }
    })
    .await;
    let options = PullOptions { answer_within: Duration::from_millis(300), ..options() };

    let manifest = oci::pull(&endless_manifest, &options).await.unwrap_err();
    let component = oci::pull(&endless_component, &options).await.unwrap_err();

    assert!(manifest.is_away(), "{manifest}");
    assert!(matches!(component, OciError::Altered { .. }), "{component}");
}

#[tokio::test]
async fn what_is_no_single_component_is_told_in_words() {
    let index = pretending(|_, _| Response::new(Body::from(r#"{"schemaVersion":2,"manifests":[]}"#))).await;
    let image = pretending(|_, _| {
        Response::new(Body::from(manifest_of(b"abc", 3).replace("application/wasm", "application/tar")))
    })
    .await;
    let page = pretending(|_, _| Response::new(Body::from("<html>sign in to the hotel's network</html>"))).await;

    for (reference, told) in
        [(index, "index of several images"), (image, "application/tar"), (page, "manifest is none")]
    {
        let error = oci::pull(&reference, &options()).await.unwrap_err();

        assert!(matches!(error, OciError::NoComponent { .. }) && error.to_string().contains(told), "{error}");
    }
}

#[tokio::test]
async fn a_token_is_fetched_where_the_registry_wants_one() {
    let component = marked("slug", "one");
    let given = component.clone();
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", USER.0, USER.1)));
    let tag = pretending(move |path, who| match (path, who) {
        ("/token", Some(who)) if who == basic => Response::new(Body::from(r#"{"token":"t0ken"}"#)),
        (_, Some("Bearer t0ken")) if path.contains("/blobs/") => Response::new(Body::from(given.clone())),
        (_, Some("Bearer t0ken")) => Response::new(Body::from(manifest_of(&given, given.len()))),
        _ => {
            let mut response = Response::new(Body::from("{}"));
            *response.status_mut() = axum::http::StatusCode::UNAUTHORIZED;
            let realm = format!("Bearer realm=\"http://{}/token\",service=\"test\"", REALM.get().unwrap());
            response.headers_mut().insert("www-authenticate", realm.parse().unwrap());
            response
        }
    })
    .await;
    REALM.set(tag.registry().to_owned()).unwrap();
    let known = Credentials::Basic { user: USER.0.into(), password: USER.1.to_owned().into() };

    let pulled = oci::pull(&tag, &PullOptions { credentials: Some(known), ..options() }).await;
    let stranger = oci::pull(&tag, &options()).await.unwrap_err();

    assert_eq!(pulled.unwrap().bytes, component);
    assert!(matches!(stranger, OciError::Denied { .. }), "{stranger}");
}

/// The address of the pretended registry that gives out tokens, known once it listens.
static REALM: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// The digest of the component that named a page.
async fn slug_digest_of_a_page(host: &Host) -> String {
    let job = host.text(ANN, "WTAF a page on otters").await;
    let url = host.made(&job).await;
    assert_eq!(host.page(&url).await.status, 200);
    let job = host.job(&job).await;
    let stages = job["stages"].as_array().expect("a job has stages");
    let slug = stages.iter().find(|stage| stage["name"] == "slug").unwrap_or_else(|| panic!("{job:#}"));
    slug["digest"].as_str().expect("a digest is recorded").trim_start_matches("sha256:").to_owned()
}

#[tokio::test]
async fn an_engine_runs_a_plugin_of_a_registry_and_starts_without_it() {
    let registry = Registry::start().await;
    let (one, two) = (marked("slug", "one"), marked("slug", "two"));
    registry.push("acme/slug:latest", &one).await;
    let tag = registry.reference("acme/slug:latest");
    let mut host = Host::of().set(format!("stage.slug.plugin={tag}")).start().await;
    assert!(hex_of(&one).starts_with(&slug_digest_of_a_page(&host).await));

    host.kill9().await;
    registry.cut();
    host.restart().await;
    assert!(hex_of(&one).starts_with(&slug_digest_of_a_page(&host).await));
    assert!(host.log("a registry was asked in vain: the last good component is used").is_some());

    host.kill9().await;
    registry.mend();
    registry.push("acme/slug:latest", &two).await;
    host.restart().await;
    assert!(hex_of(&two).starts_with(&slug_digest_of_a_page(&host).await));
    assert!(host.log("the tag has moved").is_some());
}

#[tokio::test]
async fn a_tag_that_moves_while_the_engine_runs_is_swapped_in_when_that_is_asked_for() {
    let registry = Registry::start().await;
    let (one, two) = (marked("slug", "one"), marked("slug", "two"));
    registry.push("acme/slug:latest", &one).await;
    let tag = registry.reference("acme/slug:latest");
    let mut host = Host::of().set(format!("stage.slug.plugin={tag}")).set("plugins.refresh=1s").start().await;

    registry.push("acme/slug:latest", &two).await;
    in_force(&host, "slug", &hex_of(&two)).await;
    assert_eq!(slug_digest_of_a_page(&host).await, hex_of(&two));

    registry.cut();
    host.kill9().await;
    host.restart().await;
    assert_eq!(slug_digest_of_a_page(&host).await, hex_of(&two));
}

#[tokio::test]
async fn check_says_what_a_reference_lacks_and_needs_the_registry_once() {
    let registry = Registry::start().await;
    let digest = registry.push("acme/slug:1", &marked("slug", "one")).await;
    let pinned = registry.reference("acme/slug:1").pinned(&digest);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pipeline.toml"), crate::kit::host::SHIPPED).unwrap();
    let check = async |reference: &str| {
        let mut command = binary();
        command.current_dir(folder.path()).arg("check").arg("--set").arg(format!("stage.slug.plugin={reference}"));
        ran(command).await
    };

    let absent = check(&registry.reference("acme/slug:2").to_string()).await;
    let once = check(&pinned.to_string()).await;
    registry.cut();
    let again = check(&pinned.to_string()).await;
    let away = check(&registry.reference("acme/slug:3").to_string()).await;

    assert!(absent.code == Some(78) && absent.out.contains("acme/slug:2 is not there"), "{absent:?}");
    assert_eq!((once.code, again.code), (Some(0), Some(0)), "{once:?} {again:?}");
    assert!(away.code == Some(78) && away.out.contains("must be in reach once"), "{away:?}");
}
