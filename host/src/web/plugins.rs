//! The operator's API of plugins: what runs, another version, back again; and pipeline.toml anew. It does what dropping a file does, and tells what came of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{self, Query, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::json;

use super::{Problem, Site, form, operator};
use crate::{
    adapter::bucket::BucketError,
    engine::swap::{Offer, Refused, ReloadRefused, Swaps, Taken},
    plugin::LARGEST,
};

/// How a version is asked for.
#[derive(Deserialize)]
pub(super) struct How {
    /// It serves everyone at once, whatever the pipeline says of shadows and canaries.
    #[serde(default)]
    at_once: bool,
}

pub(super) async fn list(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let swaps = operated(&site, &uri, &headers)?;
    let mut shown = swaps.show();
    shown["events"] = json!(swaps.events(50));
    Ok(axum::Json(shown).into_response())
}

pub(super) async fn install(
    extract::State(site): extract::State<Site>,
    extract::Path(name): extract::Path<String>,
    Query(how): Query<How>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let swaps = operated(&site, &parts.uri, &parts.headers)?;
    let offer = if how.at_once { Offer::AtOnce } else { Offer::Asked };
    let taken = install_body(swaps, &name, offer, &parts.headers, body).await?.map_err(refused)?;
    Ok(axum::Json(taken).into_response())
}

/// Offers the component in a body; taken, it lies in its place in `plugins.dir`. The inner error is that it was refused.
pub(super) async fn install_body(
    swaps: &Arc<Swaps>,
    name: &str,
    offer: Offer,
    headers: &HeaderMap,
    body: Body,
) -> Result<Result<Taken, Refused>, Problem> {
    if !form::is(headers, "application/wasm") {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-wasm", "A plugin comes as WebAssembly.")
            .todo("Send Content-Type: application/wasm and the component as the body."));
    }
    let source = match swaps.source_called(name) {
        Ok(source) => source,
        Err(unknown) => return Ok(Err(unknown)),
    };
    let bytes = axum::body::to_bytes(body, usize::try_from(LARGEST).unwrap_or(usize::MAX)).await.map_err(|_| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "plugin-too-large", "The component did not arrive whole.")
            .detail(format!("At most {LARGEST} bytes are taken."))
    })?;
    if swaps.is_shared(&source) {
        return Ok(swaps.install(&source, bytes.to_vec(), offer).await);
    }
    let Some(file) = swaps.file_of(&source) else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "plugin-pinned",
            "The pipeline names this plugin by its digest.",
        )
        .todo("Name another digest in pipeline.toml."));
    };
    // Beside its place before it is in force, so that a full disk is found out in time; in its place afterwards, so that a restart finds what runs.
    let draft = Draft::write(&file, &bytes).map_err(|error| on_disk(&error))?;
    let taken = swaps.offer(&source, bytes.to_vec(), offer).await;
    if taken.is_ok() {
        draft.put(&file).map_err(|error| on_disk(&error))?;
    }
    Ok(taken)
}

pub(super) async fn roll_back(
    extract::State(site): extract::State<Site>,
    extract::Path(name): extract::Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let plugin = operated(&site, &uri, &headers)?.roll_back(&name).await.map_err(refused)?;
    let back = json!({ "plugin": name, "version": plugin.about.version, "digest": plugin.digest });
    Ok(axum::Json(back).into_response())
}

pub(super) async fn promote(
    extract::State(site): extract::State<Site>,
    extract::Path(name): extract::Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    operated(&site, &uri, &headers)?.promote(&name).await.map_err(refused)?;
    Ok(axum::Json(json!({ "plugin": name })).into_response())
}

pub(super) async fn reload(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let swaps = operated(&site, &uri, &headers)?;
    let changed = swaps.reload().await.map_err(|why| not_reloaded(&why))?;
    swaps.look_at_everything().await;
    Ok(axum::Json(json!({ "changed": changed, "generation": swaps.generations().current().id })).into_response())
}

/// Why pipeline.toml was not taken, for the one who asked.
pub(super) fn not_reloaded(why: &ReloadRefused) -> Problem {
    let code = match why {
        ReloadRefused::Faults(_) => "bad-pipeline",
        ReloadRefused::NeedsRestart(_) => "needs-restart",
        _ => "pipeline-not-now",
    };
    let todo = match why {
        ReloadRefused::NeedsRestart(_) => {
            "Start the engine anew; `wtaf-host check` says beforehand whether the file holds."
        }
        _ => "Mend the file; `wtaf-host check` shows every fault in it.",
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "pipeline.toml was not taken: what was in force stays.")
        .detail(format!("{}.", why.to_string().trim_end().trim_end_matches('.')))
        .todo(todo)
}

fn operated<'a>(site: &'a Site, uri: &Uri, headers: &HeaderMap) -> Result<&'a Arc<Swaps>, Problem> {
    operator::check(site, uri, headers)?;
    site.engine().swaps().ok_or_else(|| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-worker", "This process serves the web and works on no jobs.")
            .todo("Ask the one that does.")
    })
}

/// A refusal, for the one who asked.
pub(super) fn refused(why: Refused) -> Problem {
    let status = match &why {
        Refused::Unknown { .. } => StatusCode::NOT_FOUND,
        Refused::NothingBefore { .. }
        | Refused::NotOnTrial { .. }
        | Refused::SetAside { .. }
        | Refused::Bucket(BucketError::Overtaken) => StatusCode::CONFLICT,
        Refused::Disk(_) | Refused::Stopping | Refused::Bucket(BucketError::Away(_)) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let problem = Problem::new(status, why.code(), "The plugin was not taken: what was in force stays.");
    let problem = problem.detail(why.to_string());
    match why {
        Refused::Rehearsal(rehearsal) => problem.with("rehearsal", json!(rehearsal)),
        _ => problem,
    }
}

fn on_disk(error: &io::Error) -> Problem {
    tracing::error!(%error, "a plugin that was sent could not be written into its folder");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "plugin-not-written",
        "The plugin could not be written into its folder.",
    )
    .todo("See that plugins.dir exists, is ours to write, and has room.")
}

/// A file beside the place it is meant for; gone again unless it is put there.
struct Draft(Option<PathBuf>);

impl Draft {
    fn write(place: &Path, bytes: &[u8]) -> io::Result<Self> {
        let folder = place.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let path = folder.join(format!(".{name}.{:08x}", rand::random::<u32>()));
        let draft = Self(Some(path.clone()));
        fs::write(&path, bytes)?;
        fs::File::open(&path)?.sync_all()?;
        Ok(draft)
    }

    fn put(mut self, place: &Path) -> io::Result<()> {
        self.0.take().map_or(Ok(()), |path| fs::rename(path, place))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // A leftover draft is hidden, and no plugin's name.
            let _ = fs::remove_file(path);
        }
    }
}
