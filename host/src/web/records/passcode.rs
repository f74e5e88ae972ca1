//! Friends' passcodes: argon2id, made slow on purpose, so it is done beside the threads that answer, a few at a time.

use std::{sync::Arc, time::Duration};

use argon2::{
    Argon2, PasswordHash,
    password_hash::{PasswordHasher, PasswordVerifier, SaltString},
};
use tokio::sync::Semaphore;

use super::{Problem, refuse};
use crate::web::problem;

/// Hashes under way; each takes 19 MiB and a processor for a while.
const AT_ONCE: usize = 2;
/// For a turn.
const PATIENCE: Duration = Duration::from_secs(8);

/// Hashes and checks, in turn.
pub(super) struct Passcodes(Arc<Semaphore>);

impl Default for Passcodes {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Passcodes {
    /// What is kept of a passcode.
    pub async fn hash(&self, passcode: String) -> Result<String, Problem> {
        self.aside(move || {
            let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>())?;
            Ok(Argon2::default().hash_password(passcode.as_bytes(), &salt)?.to_string())
        })
        .await
    }

    /// Whether a passcode is the one that was hashed.
    pub async fn fits(&self, passcode: String, hash: String) -> Result<bool, Problem> {
        self.aside(move || {
            let hash = PasswordHash::new(&hash)?;
            Ok(Argon2::default().verify_password(passcode.as_bytes(), &hash).is_ok())
        })
        .await
    }

    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, argon2::password_hash::Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.0).acquire_owned());
        let turn = turn.await.map_err(|_| refuse::too_many(PATIENCE))?.map_err(|_| problem::internal())?;
        // Whoever hangs up leaves the work going: it keeps its turn.
        let kept = move || {
            let done = work();
            drop(turn);
            done
        };
        let done = tokio::task::spawn_blocking(kept).await.map_err(|_| problem::internal())?;
        done.map_err(|error| {
            tracing::error!(%error, "a passcode could not be hashed or checked");
            problem::internal()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_passcode_fits_its_own_hash_only_and_is_not_in_it() {
        let passcodes = Passcodes::default();
        let hash = passcodes.hash("open sesame".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$") && !hash.contains("sesame"));
        assert!(passcodes.fits("open sesame".into(), hash.clone()).await.unwrap());
        assert!(!passcodes.fits("Open sesame".into(), hash).await.unwrap());
        assert!(passcodes.fits("x".into(), "no hash".into()).await.is_err());
    }
}
