//! Signed releases, from the author's shell to the engine that asks for them.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wtaf_host::plugin::{
    digest_of,
    signature::{Signed, Trust},
};

use crate::kit::{
    component::{Component, drop_in, events, in_force, installed},
    host::{ANN, Host, Ran, SHIPPED, binary, ran, until},
    registry::{Registry, marked},
};

/// An author's folder: a component and a key.
struct Author {
    folder: TempDir,
    public: String,
}

impl Author {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::write(folder.path().join("slug.wasm"), marked("slug", "one")).unwrap();
        let made = cli(folder.path(), &["plugin", "keygen", "--out", "author.key"]).await;
        assert_eq!(made.code, Some(0), "{made:?}");
        let read: toml::Value = toml::from_str(&made.out).expect("what is printed fits into pipeline.toml");
        let public = read["plugins"]["keys"][0].as_str().expect("a key").to_owned();
        fs::write(folder.path().join("pipeline.toml"), SHIPPED).unwrap();
        Self { folder, public }
    }

    async fn sign(&self, counter: &str) -> Vec<u8> {
        let key = ["plugin", "sign", "slug.wasm", "--key", "author.key", "--counter", counter];
        let signed = cli(self.folder.path(), &key).await;
        assert_eq!(signed.code, Some(0), "{signed:?}");
        self.component()
    }

    fn component(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("slug.wasm")).unwrap()
    }

    /// Whether a pipeline that trusts a key would let the component in under a name.
    async fn verify(&self, key: &str, name: &str) -> Ran {
        let keys = format!("plugins.keys=[\"{key}\"]");
        cli(self.folder.path(), &["plugin", "verify", "slug.wasm", "--name", name, "--set", &keys]).await
    }
}

async fn cli(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = binary();
    command.current_dir(folder).args(arguments);
    ran(command).await
}

#[tokio::test]
async fn a_key_is_its_owners_alone_and_never_written_over() {
    let author = Author::new().await;
    let file = author.folder.path().join("author.key");
    let before = fs::read_to_string(&file).unwrap();

    let again = cli(author.folder.path(), &["plugin", "keygen", "--out", "author.key"]).await;

    assert_eq!(again.code, Some(1), "{again:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = before.lines().last().unwrap().split(':').nth(1).unwrap();
    assert!(!format!("{again:?}").contains(secret));
}

#[tokio::test]
async fn what_is_signed_is_let_in_under_its_name_by_who_trusts_the_signer() {
    let author = Author::new().await;
    let stranger = Author::new().await;
    let unsigned = author.verify(&author.public, "slug").await;
    author.sign("7").await;

    let good = author.verify(&author.public, "slug").await;
    let foreign = author.verify(&stranger.public, "slug").await;
    let renamed = author.verify(&author.public, "coach").await;

    assert!(unsigned.code == Some(1) && unsigned.err.contains("not signed"), "{unsigned:?}");
    assert!(good.code == Some(0) && good.out.contains("release 7 of slug"), "{good:?}");
    assert!(foreign.code == Some(1) && foreign.err.contains("not in plugins.keys"), "{foreign:?}");
    assert!(renamed.code == Some(1) && renamed.err.contains("signed as the plugin slug"), "{renamed:?}");
}

#[tokio::test]
async fn signing_again_makes_one_signature_and_a_changed_file_has_none() {
    let author = Author::new().await;
    let first = author.sign("7").await;
    let second = author.sign("8").await;
    assert_eq!(first.len(), second.len());
    let again = author.verify(&author.public, "slug").await;
    assert!(again.out.contains("release 8 of slug"), "{again:?}");

    let mut changed = second;
    let mark = changed.windows(7).position(|bytes| bytes == b"markone").expect("the mark is in it") + 4;
    changed[mark..mark + 3].copy_from_slice(b"two");
    fs::write(author.folder.path().join("slug.wasm"), changed).unwrap();

    let refused = author.verify(&author.public, "slug").await;
    assert!(refused.code == Some(1) && refused.err.contains("changed after it was signed"), "{refused:?}");
}

#[tokio::test]
async fn an_older_release_than_the_last_in_use_is_refused() {
    let author = Author::new().await;
    let kept = author.folder.path().join("data/plugins");
    let keys = [author.public.parse().expect("a key")];
    Trust::open(&keys, &kept)
        .unwrap()
        .in_use(&Signed { key: author.public.clone(), counter: 8, name: "slug".into() })
        .unwrap();

    author.sign("7").await;
    let older = author.verify(&author.public, "slug").await;
    author.sign("8").await;
    let same = author.verify(&author.public, "slug").await;

    assert!(older.code == Some(1) && older.err.contains("release 7, and 8 was let in before"), "{older:?}");
    assert_eq!(same.code, Some(0), "{same:?}");
}

#[tokio::test]
async fn what_is_signed_under_one_name_is_not_published_under_another() {
    let author = Author::new().await;
    author.sign("7").await;

    let refused =
        cli(author.folder.path(), &["plugin", "push", "slug.wasm", "oci://localhost:1/acme/wtaf-slug:1"]).await;

    assert!(refused.code == Some(1) && refused.err.contains("--name wtaf-slug"), "{refused:?}");
}

#[tokio::test]
async fn a_tag_that_moves_to_an_unsigned_component_goes_on_meaning_the_signed_one() {
    let author = Author::new().await;
    let signed = author.sign("7").await;
    let registry = Registry::start().await;
    registry.push("acme/slug:latest", &signed).await;
    let mut host = Host::of()
        .set(format!("stage.slug.plugin={}", registry.reference("acme/slug:latest")))
        .set(format!("plugins.keys=[\"{}\"]", author.public))
        .start()
        .await;

    host.kill9().await;
    registry.push("acme/slug:latest", &marked("slug", "two")).await;
    host.restart().await;

    let job = host.text(ANN, "WTAF a page on otters").await;
    host.made(&job).await;
    let told = host.log("the tag has moved to what is not let in: the last good component is used");
    assert!(told.is_some_and(|line| line["why"].as_str().is_some_and(|why| why.contains("not signed"))));
    let story = host.job(&job).await.to_string();
    assert!(story.contains(&hex::encode(Sha256::digest(&signed))[..12]), "{story}");
}

#[tokio::test]
async fn a_running_engine_takes_signed_releases_only_and_no_older_one_once_a_trial_is_over() {
    let author = Author::new().await;
    let (unsigned, seven) = (fs::read(author.folder.path().join("slug.wasm")).unwrap(), author.sign("7").await);
    let eight = author.sign("8").await;
    let host = Host::of().set(format!("plugins.keys=[\"{}\"]", author.public)).set("plugins.trial=0s").start().await;
    let refusals = async || events(&host, "refused").await;

    drop_in(&host, "slug", &unsigned);
    let first = until("it is refused", async || refusals().await.pop()).await;
    drop_in(&host, "slug", &eight);
    in_force(&host, "slug", &digest_of(&eight)).await;
    drop_in(&host, "slug", &seven);
    let second = until("it is refused", async || refusals().await.get(1).cloned()).await;
    fs::remove_file(installed(&host).join("slug.wasm")).unwrap();
    in_force(&host, "slug", &Component::built_in("slug").digest).await;

    assert!(first["why"].as_str().unwrap().contains("not signed"), "{first}");
    assert!(second["why"].as_str().unwrap().contains("release 7, and 8 was let in before"), "{second}");
    let job = host.ended(&host.text(ANN, "WTAF a tip calculator").await).await;
    assert_eq!(job["status"], "done");
}
