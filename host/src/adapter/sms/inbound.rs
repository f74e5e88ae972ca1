//! A text as the carrier posts it: a form, judged by shape, made a request.

use crate::{
    adapter::store::TextStatus,
    job::{Asker, Media, Phone, Request, Source},
};

/// More than a carrier ever sends with one text.
const MAX_MEDIA: usize = 10;

/// A text that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Who sent it.
    pub from: Phone,
    /// The words.
    pub body: String,
    /// What makes a second delivery recognisable: `MessageSid`, else the carrier's idempotency token. An opaque word.
    pub delivery: Option<String>,
    /// Pictures and the like.
    pub media: Vec<Media>,
    /// `OptOutType`: the carrier has already answered, and so do not.
    pub opt_out: Option<String>,
    /// The account it was sent to.
    pub account: Option<String>,
}

/// Why a form is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAText {
    /// No sender.
    #[error("the form has no From: post From (the sender's number), Body and MessageSid")]
    NoFrom,
    /// The sender is no phone number one could text back to.
    #[error(
        "From is {what}; it must be a phone number in E.164 form, such as +15550001111 (in a form post the plus sign is written %2B)"
    )]
    From {
        /// What it is instead, in words, without the value.
        what: &'static str,
    },
}

impl Inbound {
    /// Reads the webhook's form. `idempotency_token` is the header `I-Twilio-Idempotency-Token`.
    pub fn of_form(form: &[(String, String)], idempotency_token: Option<&str>) -> Result<Self, NotAText> {
        let from = sender(field(form, "From").ok_or(NotAText::NoFrom)?)?;
        let delivery = ["MessageSid", "SmsMessageSid", "SmsSid"].iter().find_map(|name| filled(form, name));
        Ok(Self {
            from,
            body: field(form, "Body").unwrap_or_default().to_owned(),
            delivery: delivery.or(idempotency_token.filter(|token| !token.is_empty())).map(str::to_owned),
            media: media(form),
            opt_out: filled(form, "OptOutType").map(str::to_owned),
            account: filled(form, "AccountSid").map(str::to_owned),
        })
    }

    /// As the queue takes it.
    pub fn into_request(self) -> Request {
        Request {
            source: Source::Sms,
            asker: Asker::Phone(self.from),
            text: self.body,
            media: self.media,
            delivery: self.delivery,
            opt_out: self.opt_out,
            coach: None,
            user_slug: None,
        }
    }
}

/// What a carrier says has become of a text of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// The carrier's id for the text.
    pub sid: String,
    /// Where it stands.
    pub status: TextStatus,
    /// The carrier's code, where it failed.
    pub error_code: Option<String>,
}

/// What a callback's address names our own id of the text by: the callback may be there before the carrier's answer is written down.
pub const TEXT_ID: &str = "text";

impl StatusReport {
    /// Reads a status callback's form; nothing when it tells nothing new (a status that is not about sending).
    pub fn of_form(form: &[(String, String)]) -> Option<Self> {
        let sid = filled(form, "MessageSid").or_else(|| filled(form, "SmsSid"))?;
        let status = status(filled(form, "MessageStatus").or_else(|| filled(form, "SmsStatus"))?)?;
        let error_code = filled(form, "ErrorCode").filter(|code| *code != "0").map(str::to_owned);
        Some(Self { sid: sid.to_owned(), status, error_code })
    }
}

/// The carrier's word for where a text stands, in ours.
pub fn status(word: &str) -> Option<TextStatus> {
    match word {
        "accepted" | "scheduled" | "queued" | "sending" | "sent" | "partially_delivered" => Some(TextStatus::Sent),
        "delivered" | "read" => Some(TextStatus::Delivered),
        "undelivered" | "failed" | "canceled" => Some(TextStatus::Failed),
        _ => None,
    }
}

fn sender(text: &str) -> Result<Phone, NotAText> {
    // A plus sign that was posted bare is a blank once the form is decoded.
    let restored = text.strip_prefix(' ').filter(|digits| digits.starts_with(|c: char| c.is_ascii_digit()));
    let text = restored.map_or_else(|| text.trim().to_owned(), |digits| format!("+{}", digits.trim_end()));
    text.parse().map_err(|_| NotAText::From {
        what: match text.as_str() {
            "" => "empty",
            text if text.starts_with("whatsapp:") => "a WhatsApp address, and this engine speaks SMS",
            text if text.contains(':') => "an address of another channel, and this engine speaks SMS",
            text if text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit()) => {
                "a short code, which cannot be answered"
            }
            text if text.bytes().all(|b| b.is_ascii_digit()) => "a number without its plus sign and country code",
            _ => "no phone number",
        },
    })
}

fn media(form: &[(String, String)]) -> Vec<Media> {
    let count = field(form, "NumMedia").and_then(|count| count.trim().parse().ok()).unwrap_or(0usize);
    let one = |n: usize| {
        let url = filled(form, &format!("MediaUrl{n}"))?.to_owned();
        let media_type = field(form, &format!("MediaContentType{n}")).unwrap_or("application/octet-stream").to_owned();
        Some(Media { url, media_type })
    };
    (0..count.min(MAX_MEDIA)).filter_map(one).collect()
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn filled<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    field(form, name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_text_becomes_a_request_with_its_words_untouched() {
        let inbound = Inbound::of_form(
            &form(&[
                ("From", "+15558675310"),
                ("Body", " wtaf\na page 🐍 "),
                ("MessageSid", "SM1"),
                ("NumMedia", "2"),
                ("MediaUrl0", "https://api.example/0"),
                ("MediaContentType0", "image/png"),
                ("MediaUrl1", "https://api.example/1"),
                ("OptOutType", "STOP"),
                ("SomethingNew", "x"),
            ]),
            Some("token"),
        );
        let request = inbound.unwrap().into_request();
        assert_eq!((request.text.as_str(), request.delivery.as_deref()), (" wtaf\na page 🐍 ", Some("SM1")));
        assert_eq!(request.media.len(), 2);
        assert_eq!(request.opt_out.as_deref(), Some("STOP"));
    }

    #[test]
    fn without_its_id_a_text_is_known_by_the_carriers_token() {
        let delivery = |pairs: &[(&str, &str)], token| Inbound::of_form(&form(pairs), token).unwrap().delivery;
        let from = ("From", "+15558675310");
        assert_eq!(delivery(&[from, ("MessageSid", "")], Some("t")).as_deref(), Some("t"));
        assert_eq!(delivery(&[from, ("SmsSid", "SM2")], Some("t")).as_deref(), Some("SM2"));
        assert_eq!(delivery(&[from], None), None);
    }

    #[test]
    fn a_plus_sign_that_was_posted_bare_is_understood() {
        let from = Inbound::of_form(&form(&[("From", " 15558675310")]), None).unwrap().from;
        assert_eq!(from.e164(), "+15558675310");
    }

    #[test]
    fn who_cannot_be_texted_back_is_refused_in_words_that_do_not_show_them() {
        for (from, told) in [
            ("", "empty"),
            ("whatsapp:+15558675310", "WhatsApp"),
            ("rcs:brand_agent", "another channel"),
            ("24273", "short code"),
            ("15558675310", "without its plus sign"),
            ("Anonymous", "no phone number"),
        ] {
            let why = Inbound::of_form(&form(&[("From", from)]), None).unwrap_err().to_string();
            assert!(why.contains(told), "{from}: {why}");
            assert!(from.is_empty() || !why.contains(from), "{why}");
        }
        assert_eq!(Inbound::of_form(&form(&[("Body", "x")]), None), Err(NotAText::NoFrom));
    }

    #[test]
    fn a_status_callback_is_read_and_an_unknown_status_changes_nothing() {
        let of = |pairs: &[(&str, &str)]| StatusReport::of_form(&form(pairs));
        let failed = of(&[("MessageSid", "SM1"), ("MessageStatus", "undelivered"), ("ErrorCode", "30003")]).unwrap();
        assert_eq!((failed.status, failed.error_code.as_deref()), (TextStatus::Failed, Some("30003")));
        assert_eq!(of(&[("SmsSid", "SM1"), ("SmsStatus", "delivered")]).unwrap().status, TextStatus::Delivered);
        assert_eq!(of(&[("MessageSid", "SM1"), ("MessageStatus", "received")]), None);
        assert_eq!(of(&[("MessageStatus", "sent")]), None);
    }
}
