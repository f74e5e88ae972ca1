//! Secrets of the engine's own that all its processes must share: made once, by whoever needs one first, and kept in the store.

use std::fmt;

use async_trait::async_trait;

use super::Result;

/// Thirty-two bytes of chance. Shows itself to nobody by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// From the store.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For signing.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Secrets.
#[async_trait]
pub trait Keys {
    /// The secret of this name, made now if there is none; the same for every process, for ever.
    async fn key(&self, name: &str) -> Result<Key>;
}
