//! The public keys of `plugins.keys`: whose releases run here.
//!
//! Only the key is here; what it signs and how that is checked is the plugin layer's.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::VerifyingKey;

/// What a public key begins with.
const PUBLIC: &str = "ed25519:";

/// What `wtaf-host plugin keygen` writes before a secret key: no public key can be taken for one, and none for a public one.
pub const SECRET_KEY: &str = "ed25519-secret:";

/// Someone who may sign plugins: `ed25519:` and 32 bytes in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key itself.
    pub fn verifying(&self) -> &VerifyingKey {
        &self.0
    }
}

impl From<VerifyingKey> for PublicKey {
    fn from(key: VerifyingKey) -> Self {
        Self(key)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", BASE64_STANDARD.encode(self.0.as_bytes()))
    }
}

/// Why a text is no public key. The text is not repeated: it may be a secret one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// The other half.
    #[error(
        "is a secret key: it signs, and whoever reads this file could; make a new one and write its public half here"
    )]
    Secret,
    /// Another sort of key, or none.
    #[error("does not begin with `ed25519:`")]
    Kind,
    /// Letters that base64 has not, or too few of them.
    #[error("has no base64 after `ed25519:`")]
    Base64,
    /// Cut short, or too long.
    #[error("has {0} bytes after `ed25519:`, and a key has 32")]
    Length(usize),
    /// Everyone could sign for it, or nobody.
    #[error("is no point of the curve that a signature could be checked by")]
    Weak,
}

impl FromStr for PublicKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        if text.starts_with(SECRET_KEY) {
            return Err(NotAKey::Secret);
        }
        let text = text.strip_prefix(PUBLIC).ok_or(NotAKey::Kind)?;
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| NotAKey::Base64)?;
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| NotAKey::Length(bytes.len()))?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NotAKey::Weak)?;
        if key.is_weak() { Err(NotAKey::Weak) } else { Ok(Self(key)) }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_key_reads_as_it_was_written() {
        let key = PublicKey::from(SigningKey::from_bytes(&[7; 32]).verifying_key());
        assert_eq!(key.to_string().parse(), Ok(key));
    }

    #[rstest]
    #[case("", NotAKey::Kind)]
    #[case("ssh-ed25519 AAAA", NotAKey::Kind)]
    #[case("ed25519:not base64", NotAKey::Base64)]
    #[case("ed25519:AAAA", NotAKey::Length(3))]
    #[case("ed25519-secret:AAAA", NotAKey::Secret)]
    // The point of order one: any signature would fit it.
    #[case("ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", NotAKey::Weak)]
    fn what_is_no_key_is_told_apart(#[case] text: &str, #[case] why: NotAKey) {
        assert_eq!(text.parse::<PublicKey>(), Err(why));
    }
}
