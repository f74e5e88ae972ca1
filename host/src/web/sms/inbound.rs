//! From the carrier's form to a request.

use crate::{
    job::{Asker, Media, NotAPhone, Request, Source},
    web::form::{Pairs, first},
};

pub(super) fn request(pairs: &Pairs, token: Option<&str>) -> Result<Request, NotAPhone> {
    let said = |name: &str| first(pairs, name).map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned);
    let count: usize = said("NumMedia").and_then(|n| n.parse().ok()).unwrap_or(0).min(10);
    let media = (0..count).filter_map(|n| {
        Some(Media { url: said(&format!("MediaUrl{n}"))?, media_type: said(&format!("MediaContentType{n}"))? })
    });
    Ok(Request {
        source: Source::Sms,
        asker: Asker::Phone(said("From").unwrap_or_default().parse()?),
        text: first(pairs, "Body").unwrap_or_default().to_owned(),
        media: media.collect(),
        delivery: said("MessageSid").or_else(|| said("SmsSid")).or_else(|| token.map(str::to_owned)),
        opt_out: said("OptOutType"),
        coach: None,
        user_slug: None,
    })
}
