//! A pipeline's trust in one value: its keys, and which releases it has seen.

use std::path::Path;

use super::{Newest, NewestError, NotTrusted, Signed, check, claimed_name};
use crate::config::{PublicKey, Role};

/// Whose releases are let in, and how old they may be.
#[derive(Debug)]
pub struct Trust {
    keys: Vec<PublicKey>,
    /// Nothing is kept where nothing is asked for.
    newest: Option<Newest>,
}

impl Trust {
    /// Of `plugins.keys`, over the folder where the engine keeps components.
    pub fn open(keys: &[PublicKey], kept: &Path) -> Result<Self, NewestError> {
        let newest = if keys.is_empty() { None } else { Some(Newest::open(kept)?) };
        Ok(Self { keys: keys.to_vec(), newest })
    }

    /// Whether a component may be let in as a plugin of this name and role (see [`check`]). `None`: no signatures are asked for.
    pub fn admit(&self, bytes: &[u8], name: Option<&str>, role: Role) -> Result<Option<Signed>, NotTrusted> {
        let Some(newest) = &self.newest else { return Ok(None) };
        let claimed = name.map(str::to_owned).or_else(|| claimed_name(bytes));
        check(bytes, name, role, &self.keys, claimed.and_then(|name| newest.of(&name)))
    }

    /// The same for a release that served here before, and is gone back to: it may be older than the newest.
    pub fn admit_again(&self, bytes: &[u8], name: Option<&str>, role: Role) -> Result<Option<Signed>, NotTrusted> {
        check(bytes, name, role, &self.keys, None)
    }

    /// A release is in use: from now on none older is let in.
    pub fn in_use(&self, signed: &Signed) -> Result<(), NewestError> {
        self.newest.as_ref().map_or(Ok(()), |newest| newest.raise(&signed.name, signed.counter))
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::{super::sign, *};

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn once_a_release_is_in_use_none_older_is_let_in_but_to_go_back() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_bytes(&[1; 32]);
        let keys = [PublicKey::from(key.verifying_key())];
        let release = |counter| sign(COMPONENT, "slug", Role::Slug, counter, &key).unwrap();
        let trust = Trust::open(&keys, folder.path()).unwrap();
        let eight = trust.admit(&release(8), Some("slug"), Role::Slug).unwrap().unwrap();
        assert!(trust.admit(&release(7), Some("slug"), Role::Slug).is_ok(), "the eighth is not in use yet");

        trust.in_use(&eight).unwrap();

        let again = Trust::open(&keys, folder.path()).unwrap();
        let older = Err(NotTrusted::Older { counter: 7, newest: 8 });
        assert_eq!(again.admit(&release(7), Some("slug"), Role::Slug), older);
        assert_eq!(again.admit(&release(7), None, Role::Slug), older, "by digest too");
        assert!(again.admit(&release(8), Some("slug"), Role::Slug).is_ok());
        assert!(again.admit_again(&release(7), Some("slug"), Role::Slug).is_ok());
    }

    #[test]
    fn without_keys_nothing_is_asked_for_and_nothing_kept() {
        let folder = tempfile::tempdir().unwrap();
        let trust = Trust::open(&[], folder.path()).unwrap();
        assert_eq!(trust.admit(COMPONENT, Some("slug"), Role::Slug), Ok(None));
        trust.in_use(&Signed { key: String::new(), counter: 1, name: "slug".into() }).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
