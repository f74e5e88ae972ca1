//! What a page and a friend are known by: HMAC-SHA256 with a key that all nodes share. Each says what it is for, so that none stands for another.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{
    adapter::store::{Friend, Key, PageId},
    job::Millis,
};

/// How long a friend stays joined without the passcode.
const MEMBER: Duration = Duration::from_hours(24 * 30);

/// Signs, and knows its own hand.
pub(super) struct Signer(Key);

impl Signer {
    pub fn new(key: Key) -> Self {
        Self(key)
    }

    /// The token of a page: the same for each of its versions and addresses.
    pub fn page(&self, id: PageId) -> String {
        self.sign(&["page", &id.0.to_string()])
    }

    /// Whether a token is this page's.
    pub fn is_page(&self, id: PageId, token: &str) -> bool {
        same(&self.page(id), token)
    }

    /// The token of a friend, good for a while: `name.until.signature`.
    pub fn member(&self, page: PageId, friend: &Friend, now: Millis) -> String {
        let until = now.after(MEMBER);
        let name = URL_SAFE_NO_PAD.encode(&friend.name);
        [&name, &until.0.to_string(), &self.of_member(page, friend, until)].map(String::as_str).join(".")
    }

    /// Whether a claim is that of this friend, who is who they were when they joined.
    pub fn is_member(&self, page: PageId, friend: &Friend, claim: &Claim, now: Millis) -> bool {
        now < claim.until && same(&self.of_member(page, friend, claim.until), &claim.signature)
    }

    /// Over the hash as well: who gave up a name, or took it up anew with another passcode, is another friend.
    fn of_member(&self, page: PageId, friend: &Friend, until: Millis) -> String {
        let (page, joined, until) = (page.0.to_string(), friend.joined.0.to_string(), until.0.to_string());
        self.sign(&["friend", &page, &friend.name, &joined, &friend.hash, &until])
    }

    fn sign(&self, parts: &[&str]) -> String {
        // A block of the hash: the key and zeros, as HMAC would fill it up.
        let mut key = [0; 64];
        key[..32].copy_from_slice(self.0.bytes());
        let mut mac = Hmac::<Sha256>::new(&key.into());
        for part in parts {
            // Lengths first: no two lists of parts read the same.
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

fn same(ours: &str, given: &str) -> bool {
    bool::from(ours.as_bytes().ct_eq(given.as_bytes()))
}

/// What someone says of themselves, not yet believed.
pub(super) struct Claim {
    name: String,
    until: Millis,
    signature: String,
}

impl Claim {
    /// Reads a friend's token.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '.');
        let name = String::from_utf8(URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok()?;
        let until = Millis(parts.next()?.parse().ok()?);
        Some(Self { name, until, signature: parts.next()?.to_owned() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_413_000_000);

    fn friend(hash: &str, joined: u64) -> Friend {
        Friend { name: "\u{c9}lise. B".into(), hash: hash.into(), joined: Millis(joined) }
    }

    #[test]
    fn a_token_opens_its_own_page_only() {
        let signer = Signer::new(Key::new([7; 32]));
        let token = signer.page(PageId(1));
        assert!(signer.is_page(PageId(1), &token));
        assert!(!signer.is_page(PageId(2), &token) && !signer.is_page(PageId(1), &token[1..]));
        assert!(!Signer::new(Key::new([8; 32])).is_page(PageId(1), &token));
    }

    #[test]
    fn a_friend_is_believed_on_their_page_for_a_while_and_under_the_same_passcode() {
        let signer = Signer::new(Key::new([7; 32]));
        let claim = Claim::read(&signer.member(PageId(1), &friend("h", 5), NOW)).unwrap();
        assert_eq!(claim.name(), "\u{c9}lise. B");
        assert!(signer.is_member(PageId(1), &friend("h", 5), &claim, NOW));
        assert!(!signer.is_member(PageId(2), &friend("h", 5), &claim, NOW));
        assert!(!signer.is_member(PageId(1), &friend("other", 5), &claim, NOW));
        assert!(!signer.is_member(PageId(1), &friend("h", 6), &claim, NOW));
        assert!(!signer.is_member(PageId(1), &friend("h", 5), &claim, NOW.after(MEMBER)));
        let longer = Claim { until: NOW.after(MEMBER * 2), ..claim };
        assert!(!signer.is_member(PageId(1), &friend("h", 5), &longer, NOW));
        for text in ["", "a", "a.b.c", "YQ.9", "\u{e9}.1.x", &signer.page(PageId(1))] {
            assert!(Claim::read(text).is_none(), "{text}");
        }
    }
}
