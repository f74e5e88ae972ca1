//! `POST /sms/status`: what became of a text that went out. Callbacks come late, twice and out of order; the store ranks them.

use axum::extract::{self, Request};
use http::StatusCode;

use super::trust;
use crate::{
    adapter::sms::{StatusReport, codes},
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
    let error = report.error_code.as_deref().map(codes::words);
    let ours = site.store().text_delivery(&report.sid, report.status, error, Millis::now()).await?;
    if !ours {
        tracing::debug!(sid = report.sid, "a status for a text that is not ours");
    }
    Ok(StatusCode::NO_CONTENT)
}
