//! `POST /sms/webhook`: a text came in. It is durable when this says 200; what is answered goes out through the outbox.

use axum::{
    extract::{self, Request},
    response::Response,
};
use http::HeaderValue;

use super::{
    trust::{self, Via},
    twiml,
};
use crate::{
    adapter::sms::{CarrierWord, Inbound, NotAText, carrier_word},
    web::{Problem, Site, ask, form},
};

/// Said in the carrier's own answer, the one text that does not go through the outbox: there is no job to hang it on.
const BUSY: &str =
    "We have our hands full right now, so this one was not taken in. Please text it again in a few minutes.";

pub(in crate::web) async fn webhook(
    extract::State(site): extract::State<Site>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let pairs = form::pairs(&parts.headers, body).await?;
    let via = trust::check(&site, &parts.uri, &parts.headers, &pairs)?;
    let token = parts.headers.get("i-twilio-idempotency-token").and_then(|v| v.to_str().ok());
    let text = match Inbound::of_form(&pairs, token) {
        Ok(text) => text,
        // A short code or a name in letters: a machine's text, which nobody can answer. To the carrier that is no error.
        Err(error @ NotAText::From { .. }) if via == Via::Carrier => {
            tracing::info!(%error, "a text that cannot be answered was left alone");
            return Ok(twiml::empty());
        }
        Err(error) => {
            return Err(ask::unprocessable("from-malformed", "This is no text that could be answered.")
                .detail(format!("{error}.")));
        }
    };
    let request = text.into_request();
    // Where the carrier has answered, and after STOP, nothing is said; an error lets it use its fallback address.
    let hush = request.opt_out.is_some() || carrier_word(&request.text) == Some(CarrierWord::Stop);
    match site.engine().accept(request).await {
        Ok(accepted) => {
            let mut response = twiml::empty();
            if via != Via::Carrier
                && let Ok(id) = HeaderValue::from_str(&accepted.id().to_string())
            {
                response.headers_mut().insert("x-wtaf-job", id);
            }
            Ok(response)
        }
        // A carrier does nothing more after an error, and the person would hear nothing.
        Err(error) if via == Via::Carrier && !hush => {
            tracing::error!(%error, "a text was not taken in; its sender was told");
            Ok(twiml::words(BUSY))
        }
        Err(error) => Err(error.into()),
    }
}
