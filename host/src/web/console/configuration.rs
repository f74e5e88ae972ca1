//! `/console/configuration`: pipeline.toml as it is in force, its secrets hidden; since when, and what was refused last; and reading it again.

use askama::Template;
use axum::{
    extract::{self, Request},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, Uri};

use super::{
    Frame, Here, Shut, back_to,
    disk::Room,
    door, frame, page,
    plugins::{self, Told},
    swaps, words,
};
use crate::{
    engine::swap::Swaps,
    plugin::ledger::{Event, What},
    web::{Problem, Site, plugins::not_reloaded},
};

/// Lines of the journal that are looked through.
const EVENTS: usize = 400;

#[derive(Template)]
#[template(path = "console/configuration.html")]
struct View {
    title: &'static str,
    frame: Frame,
    generation: Option<String>,
    path: String,
    data: String,
    room: Option<String>,
    listen: String,
    version: &'static str,
    lines: Vec<String>,
    reloaded: Option<Told>,
    /// The last refusal, unless the file was taken since.
    refused: Option<Told>,
    /// A stale refusal, for the record.
    before: Option<Told>,
}

pub(crate) async fn show(
    extract::State(site): extract::State<Site>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Shut> {
    let frame = frame(&site, Here::Configuration, &uri, &headers).await?;
    let current = site.engine().swaps().map(|swaps| swaps.generations().current());
    let pipeline = current.as_ref().map_or_else(|| site.config_arc(), |current| &current.pipeline);
    let events = site.engine().swaps().map(|swaps| swaps.events(EVENTS)).unwrap_or_default();
    let of_file: Vec<&Event> = events.iter().filter(|event| Swaps::is_of_pipeline(event)).collect();
    let reloaded = of_file.iter().rev().find(|event| matches!(event.what, What::Reloaded));
    let refused = of_file.iter().rev().find(|event| matches!(event.what, What::Refused { .. }));
    let stands = matches!((reloaded, refused), (Some(good), Some(bad)) if good.at >= bad.at);
    let text = pipeline.shown();
    let view = View {
        title: "Configuration",
        generation: current.as_ref().map(|current| current.id.to_string()),
        path: pipeline.path().display().to_string(),
        data: pipeline.data_dir.display().to_string(),
        room: Room::at(&pipeline.data_dir).map(Room::words),
        listen: site.config_arc().listening().to_string(),
        version: env!("CARGO_PKG_VERSION"),
        lines: words::masked(&text).lines().map(str::to_owned).collect(),
        reloaded: reloaded.map(|event| plugins::told(event)),
        before: refused.filter(|_| stands).map(|event| plugins::told(event)),
        refused: refused.filter(|_| !stands).map(|event| plugins::told(event)),
        frame,
    };
    Ok(page(&site, &view)?)
}

/// Reads the file again.
pub(crate) async fn reload(extract::State(site): extract::State<Site>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    door::act(&site, &parts.uri, &parts.headers)?;
    let swaps = swaps(&site).map_err(back_to(Here::Configuration))?;
    let changed = swaps.reload().await.map_err(|why| back_to(Here::Configuration)(not_reloaded(&why)))?;
    swaps.look_at_everything().await;
    let done = if changed { "reloaded" } else { "unchanged" };
    Ok(Redirect::to(&format!("{}?done={done}", Here::Configuration.path())).into_response())
}
