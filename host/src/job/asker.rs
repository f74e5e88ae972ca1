//! Who asks: a phone number, or a guest of the web chat. A number never shows itself by accident.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A phone number in E.164: `+` and 7 to 15 digits. `Display` and `Debug` mask it; [`Phone::e164`] is the way to the whole of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// The text is no phone number in E.164.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number in E.164 form (a plus sign and 7 to 15 digits, such as +15550001111)")]
pub struct NotAPhone;

impl Phone {
    /// The whole number, for providers and the store; never for a log.
    pub fn e164(&self) -> &str {
        &self.0
    }
}

impl FromStr for Phone {
    type Err = NotAPhone;

    fn from_str(text: &str) -> Result<Self, NotAPhone> {
        let digits = text.strip_prefix('+').ok_or(NotAPhone)?;
        // No country's code begins with a zero.
        let fits =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAPhone) }
    }
}

impl TryFrom<String> for Phone {
    type Error = NotAPhone;

    fn try_from(text: String) -> Result<Self, NotAPhone> {
        text.parse()
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Short numbers too keep more digits to themselves than they show.
        write!(f, "{}•••{}", &self.0[..3], &self.0[self.0.len() - 2..])
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({self})")
    }
}

/// A guest of the web chat, known by the digest of the session token their browser holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GuestKey(String);

impl GuestKey {
    /// The key for a session token; the token itself is kept nowhere.
    pub fn of_token(token: &str) -> Self {
        Self(hex::encode(&Sha256::digest(token.as_bytes())[..16]))
    }

    /// As the store keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// From the store.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for GuestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuestKey({}…)", &self.0[..self.0.len().min(6)])
    }
}

/// Who asks. Two requests with the same asker are decided in the order they came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asker {
    /// Someone with a phone number: a texter, or a signed-in person in the chat.
    Phone(Phone),
    /// Someone in the web chat who has not signed in.
    Guest(GuestKey),
}

impl Asker {
    /// The number, where there is one.
    pub fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Phone(phone) => Some(phone),
            Self::Guest(_) => None,
        }
    }

    /// What hashes are made of; never for a log.
    pub fn key(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.e164(),
            Self::Guest(key) => key.as_str(),
        }
    }
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(phone) => phone.fmt(f),
            Self::Guest(key) => write!(f, "guest {}", &key.0[..key.0.len().min(6)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_masks_itself_wherever_it_is_printed() {
        let phone: Phone = "+15558675310".parse().unwrap();
        assert_eq!(phone.to_string(), "+15•••10");
        assert_eq!(format!("{phone:?}"), "Phone(+15•••10)");
    }

    #[test]
    fn what_is_not_e164_is_refused() {
        for text in [
            "",
            "+",
            "15558675310",
            "+1555867531x",
            "+123456",
            "+1234567890123456",
            "whatsapp:+15558675310",
            "+１５５５８６７",
            "+05558675310",
        ] {
            assert_eq!(text.parse::<Phone>(), Err(NotAPhone), "{text}");
        }
    }

    #[test]
    fn numbers_of_any_country_are_numbers() {
        for text in ["+15558675310", "+358401234567", "+447700900123", "+2905123", "+862012345678901", "+551199998888"]
        {
            assert_eq!(text.parse::<Phone>().map(|phone| phone.e164().to_owned()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn the_shortest_number_is_masked_too() {
        assert_eq!("+1234567".parse::<Phone>().unwrap().to_string(), "+12•••67");
    }
}
