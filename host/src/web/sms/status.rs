//! `POST /sms/status`: what became of a text that went out. Callbacks come late, twice and out of order; the store ranks them.

use axum::extract::{self, Request};
use http::StatusCode;

use super::trust;
use crate::{
    adapter::store::TextStatus,
    job::Millis,
    web::{Problem, Site, ask, form},
};

pub(in crate::web) async fn status(
    extract::State(site): extract::State<Site>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (parts, body) = request.into_parts();
    let pairs = form::pairs(&parts.headers, body).await?;
    trust::signed(&site, &parts.uri, &parts.headers, &pairs)?;
    let sid = form::first(&pairs, "MessageSid").or_else(|| form::first(&pairs, "SmsSid"));
    let (Some(sid), Some(word)) =
        (sid, form::first(&pairs, "MessageStatus").or_else(|| form::first(&pairs, "SmsStatus")))
    else {
        return Err(ask::unprocessable("status-incomplete", "The callback names no text or no status."));
    };
    let error = form::first(&pairs, "ErrorCode").filter(|code| !code.is_empty() && *code != "0");
    match rank(word) {
        Some(status) => {
            let ours = site
                .store()
                .text_delivery(
                    sid,
                    status,
                    error.map(|code| format!("the carrier says {word} (code {code})")),
                    Millis::now(),
                )
                .await?;
            if !ours {
                tracing::debug!(sid, "a status for a text that is not ours");
            }
        }
        None => tracing::debug!(word, "a status that changes nothing"),
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The carrier's word as our status; what comes before sending says nothing new.
fn rank(word: &str) -> Option<TextStatus> {
    match word {
        "sent" => Some(TextStatus::Sent),
        "delivered" | "read" => Some(TextStatus::Delivered),
        "undelivered" | "failed" | "canceled" => Some(TextStatus::Failed),
        _ => None,
    }
}
