//! Twilio's codes in one table: what each means, and what it asks of whom. Both answers to a send and status callbacks are read with it.

use super::SmsError;

/// What a code asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// They opted out at the carrier: their standing follows.
    Left,
    /// Nothing was processed: send again later.
    Later,
    /// This text will not reach this number: do not send it again.
    GiveUp,
    /// The operator has something to mend.
    Operator,
}

/// A code, explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// As Twilio has it.
    pub code: u32,
    /// What it asks for.
    pub asks: Asks,
    /// In words, with what to do where someone can.
    pub words: &'static str,
}

const fn row(code: u32, asks: Asks, words: &'static str) -> Explained {
    Explained { code, asks, words }
}

/// In order of the codes.
const TABLE: &[Explained] = &[
    row(20003, Asks::Operator, "Twilio does not know these credentials: check sms.account_sid and sms.auth_token"),
    row(20005, Asks::Operator, "the Twilio account is not active: see its console"),
    row(20404, Asks::Operator, "Twilio has no such account: check sms.account_sid and sms.base_url"),
    row(20429, Asks::Later, "too many requests at once; nothing was processed"),
    row(21211, Asks::GiveUp, "the number is not a valid one"),
    row(21212, Asks::Operator, "sms.from is no number Twilio can send from"),
    row(21408, Asks::Operator, "sending to that region is not enabled: see geo permissions in Twilio's console"),
    row(21602, Asks::GiveUp, "the text has no words"),
    row(21603, Asks::Operator, "there is no sender: set sms.from"),
    row(21606, Asks::Operator, "sms.from cannot send texts to that number: use an SMS number of this account"),
    row(21608, Asks::Operator, "a trial account texts verified numbers only: verify this one or upgrade"),
    row(21610, Asks::Left, "the person has opted out at the carrier"),
    row(21611, Asks::Later, "the sender's queue is full: more is sent than the number may send"),
    row(21612, Asks::GiveUp, "that number cannot be reached from this sender"),
    row(21614, Asks::GiveUp, "the number is not a mobile number"),
    row(21617, Asks::GiveUp, "the text is longer than 1600 characters"),
    row(21659, Asks::Operator, "sms.from is not a number of this account"),
    row(21703, Asks::Operator, "the messaging service has no sender: add a number to it"),
    row(30001, Asks::Later, "the sender's queue overflowed"),
    row(30002, Asks::Operator, "the Twilio account is suspended: see its console"),
    row(30003, Asks::GiveUp, "the phone cannot be reached (off, or out of coverage)"),
    row(30004, Asks::GiveUp, "the carrier or the person blocks these texts"),
    row(30005, Asks::GiveUp, "the number is unknown to its carrier, or no longer in use"),
    row(30006, Asks::GiveUp, "the number is a landline, or its carrier takes no texts"),
    row(
        30007,
        Asks::GiveUp,
        "the carrier filtered the text; the same text must not be sent again (short links are the usual cause)",
    ),
    row(30008, Asks::GiveUp, "the carrier does not say why it was not delivered"),
    row(30022, Asks::Later, "the campaign's rate limit is exceeded"),
    row(30023, Asks::Later, "the brand's daily limit is reached"),
    row(30032, Asks::Operator, "the toll-free number is not verified: see Twilio's console"),
    row(30034, Asks::Operator, "the number is not registered for A2P 10DLC: see Twilio's console"),
    row(30036, Asks::GiveUp, "it waited longer than it was valid for"),
    row(30044, Asks::GiveUp, "a trial account cannot send texts this long"),
];

/// What a code means; nothing for one that is not in the table.
pub fn explain(code: u32) -> Option<&'static Explained> {
    TABLE.binary_search_by_key(&code, |row| row.code).ok().map(|at| &TABLE[at])
}

/// A failed delivery in words, for the outbox and the operator.
pub fn words(code: &str) -> String {
    match code.parse().ok().and_then(explain) {
        Some(known) => format!("{} (code {code})", known.words),
        None => format!("not delivered (code {code}; see https://www.twilio.com/docs/api/errors/{code})"),
    }
}

/// Twilio's answer that it did not take a text, as what to do about it.
pub(super) fn refusal(status: u16, code: Option<u32>, said: &str, after: Option<std::time::Duration>) -> SmsError {
    let known = code.and_then(explain);
    let words = known.map_or_else(|| format!("Twilio answered {status}: {said}"), |known| known.words.to_owned());
    let code_word = code.map_or_else(|| format!("HTTP {status}"), |code| code.to_string());
    match (status, known.map(|known| known.asks)) {
        (_, Some(Asks::Left)) => SmsError::Left,
        (429, _) | (_, Some(Asks::Later)) => SmsError::Later { why: format!("{words} (code {code_word})"), after },
        (500.., _) => SmsError::Unsure { why: format!("Twilio answered {status}, and may have taken the text") },
        (_, Some(Asks::Operator)) | (300..=399 | 401..=405, None) => {
            SmsError::Misconfigured { code: code_word, why: words }
        }
        (_, Some(Asks::GiveUp) | None) => SmsError::Undeliverable { code: code_word, why: words },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_table_is_in_order_and_every_row_is_found() {
        assert!(TABLE.is_sorted_by_key(|row| row.code));
        assert!(TABLE.iter().all(|row| explain(row.code) == Some(row)));
        assert_eq!(explain(1), None);
    }

    #[test]
    fn each_answer_asks_for_the_right_thing() {
        let asks = |status, code| refusal(status, code, "said", Some(Duration::from_secs(3)));
        assert_eq!(asks(400, Some(21610)), SmsError::Left);
        assert!(matches!(asks(429, Some(20429)), SmsError::Later { after: Some(after), .. } if after.as_secs() == 3));
        assert!(matches!(asks(429, None), SmsError::Later { .. }));
        assert!(matches!(asks(400, Some(21611)), SmsError::Later { .. }));
        assert!(matches!(asks(401, Some(20003)), SmsError::Misconfigured { .. }));
        assert!(matches!(asks(401, None), SmsError::Misconfigured { .. }));
        assert!(matches!(asks(302, None), SmsError::Misconfigured { .. }));
        assert!(matches!(asks(400, Some(21408)), SmsError::Misconfigured { .. }));
        assert!(matches!(asks(400, Some(21614)), SmsError::Undeliverable { .. }));
        assert!(matches!(asks(400, Some(99999)), SmsError::Undeliverable { .. }));
        assert!(matches!(asks(503, None), SmsError::Unsure { .. }));
        assert!(matches!(asks(500, Some(20500)), SmsError::Unsure { .. }));
    }

    #[test]
    fn an_unknown_code_is_told_with_where_to_look() {
        assert!(words("30003").contains("cannot be reached"));
        assert!(words("12345").contains("errors/12345"));
    }
}
