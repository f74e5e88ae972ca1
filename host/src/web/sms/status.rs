//! `POST /sms/status`: what became of a text that went out. Callbacks come late, twice and out of order; the store ranks them.

use axum::extract::{self, Request};
use http::StatusCode;

use super::trust;
use crate::{
    adapter::{
        sms::{
            StatusReport, TEXT_ID,
            codes::{self, Asks},
        },
        store::Heard,
    },
    job::Millis,
    web::{Problem, Site, form},
};

pub(in crate::web) async fn status(
    extract::State(site): extract::State<Site>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    let pairs = form::pairs(&parts.headers, body).await?;
    trust::signed(&site, &parts.uri, &parts.headers, &pairs)?;
    let Some(report) = StatusReport::of_form(&pairs) else {
        return Ok(StatusCode::NO_CONTENT);
    };
    let code = report.error_code.as_deref();
    // A messaging service takes the text first and is told afterwards that its reader has opted out.
    let known = code.and_then(|code| code.parse().ok()).and_then(codes::explain);
    let left = known.is_some_and(|code| code.asks == Asks::Left);
    let heard = Heard {
        sid: report.sid.clone(),
        id: form::first(&form::query(&parts.uri), TEXT_ID).map(str::to_owned),
        status: report.status,
        error: code.map(codes::words),
        left,
    };
    match site.store().text_delivery(heard, Millis::now()).await? {
        Some(to) if left => tracing::info!(%to, "the carrier says they left"),
        Some(_) => {}
        None => tracing::debug!(sid = report.sid, "a status for a text that is not ours"),
    }
    Ok(StatusCode::NO_CONTENT)
}
