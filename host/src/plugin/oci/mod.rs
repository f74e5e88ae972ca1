//! Plugins from registries: `oci://registry/name:tag@sha256:…`, kept by digest, so that a registry that is away stops nothing.
//!
//! What is pulled is bounded in size and time, and every digest is computed here: a registry is believed in nothing but which manifest a tag means.
//! [`pull`] asks a registry; [`Cache`] is what was accepted, by reference and by digest; [`resolve`] is the synchronous way in for who loads plugins;
//! [`refresh`] says whether a tag has moved, and changes nothing that is in use until the caller [accepts](Cache::accept) it.

mod artifact;
mod cache;
mod credentials;
mod registry;

use std::{future::Future, path::PathBuf, time::Duration};

use futures_util::future::join_all;

#[cfg(any(test, fuzzing))]
pub(crate) use self::artifact::read as read_manifest;
pub use self::{
    artifact::Labels,
    cache::Cache,
    credentials::{Credentials, from_environment},
};
use super::{NotAPlugin, about};
use crate::config::{OciReference, PluginSource, Role, Runs, Stage};

/// Bytes a component may have.
pub const MOST: u64 = 64 << 20;

/// A component as a registry gave it, its digests checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The component.
    pub bytes: Vec<u8>,
    /// SHA-256 of the component, hex.
    pub digest: String,
    /// `sha256:…` of the manifest that names it: what a reference is pinned to.
    pub manifest_digest: String,
}

/// How long to wait, how much to take, who asks.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// Until the manifest is there: a registry that is away is given up after this.
    pub answer_within: Duration,
    /// The whole of it.
    pub timeout: Duration,
    /// Bytes a component may have.
    pub most: u64,
    /// Who asks; unset: [`from_environment`].
    pub credentials: Option<Credentials>,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self { answer_within: Duration::from_secs(5), timeout: Duration::from_mins(1), most: MOST, credentials: None }
    }
}

impl PullOptions {
    fn credentials(&self, reference: &OciReference) -> Credentials {
        self.credentials.clone().unwrap_or_else(|| from_environment(reference.registry()))
    }
}

/// Why a registry gave no component.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// It does not answer, or not sensibly: another time it may.
    #[error("{registry} cannot be asked: {why}")]
    Away {
        /// The registry.
        registry: String,
        /// Why.
        why: String,
    },
    /// Someone else may.
    #[error(
        "{registry} refuses ({why}): sign in with WTAF_OCI_USER and WTAF_OCI_PASSWORD, or with `auths` in docker's config.json (its credential helpers are not asked)"
    )]
    Denied {
        /// The registry.
        registry: String,
        /// Why.
        why: String,
    },
    /// No such thing.
    #[error("{reference} is not there: {why}")]
    Absent {
        /// What was asked for.
        reference: String,
        /// Why.
        why: String,
    },
    /// What came is not what its digest says.
    #[error("{reference} is not what its digest says, and is not used: {why}")]
    Altered {
        /// What was asked for.
        reference: String,
        /// Why.
        why: String,
    },
    /// Larger than a component may be.
    #[error("{reference} is larger than {most} bytes")]
    TooLarge {
        /// What was asked for.
        reference: String,
        /// The bound.
        most: u64,
    },
    /// Something else than a component.
    #[error("{reference} holds no component: {why}")]
    NoComponent {
        /// What was asked for.
        reference: String,
        /// Why.
        why: String,
    },
    /// A component that is no plugin.
    #[error("{reference}: {why}")]
    NotAPlugin {
        /// What was asked for.
        reference: String,
        /// Why.
        why: NotAPlugin,
    },
    /// The tag now means a plugin of another role.
    #[error(
        "{reference} is now a {} plugin and was a {} plugin: give it a tag of its own, and name that in pipeline.toml",
        is.as_str(),
        was.as_str()
    )]
    OtherRole {
        /// What was asked for.
        reference: String,
        /// What is in use.
        was: Role,
        /// What the tag means now.
        is: Role,
    },
    /// What is kept on this machine cannot be read or written.
    #[error("{path}: {source}")]
    Local {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl OciError {
    /// Whether asking again later may help.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }
}

/// Whether a reference means something new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It means what was accepted last.
    No,
    /// It means this. It is kept by digest and not in use: load it, rehearse it, then [`Cache::accept`] it.
    To(Pulled),
}

/// Asks the registry, and keeps nothing.
pub async fn pull(reference: &OciReference, options: &PullOptions) -> Result<Pulled, OciError> {
    within(reference, options.timeout, async {
        let session = registry::Session::open(reference, &options.credentials(reference))?;
        let found = within(reference, options.answer_within, session.manifest()).await?;
        let bytes = session.component(&found, options.most).await?;
        Ok(Pulled { bytes, digest: found.digest().to_owned(), manifest_digest: found.manifest_digest })
    })
    .await
}

/// Puts a component into a registry under the reference's tag; gives the digest of its manifest.
pub async fn push(
    reference: &OciReference,
    bytes: &[u8],
    labels: &Labels,
    credentials: &Credentials,
) -> Result<String, OciError> {
    let session = registry::Session::open(reference, credentials)?;
    // As much time as a slow line needs for the largest component there is.
    within(reference, Duration::from_mins(10), session.push(bytes, labels)).await
}

/// Whether a reference means something else than what was accepted last. A reference with a digest never does.
pub async fn refresh(cache: &Cache, reference: &OciReference, options: &PullOptions) -> Result<Moved, OciError> {
    let asked = reference.clone();
    let last = cache.apart(move |cache| cache.last_good(&asked)).await?;
    if last.is_some() && !reference.moves() {
        return Ok(Moved::No);
    }
    let known = last.as_ref().map(|last| last.manifest_digest.as_str());
    let Some(pulled) = within(reference, options.timeout, pull_if_new(cache, reference, options, known)).await? else {
        return Ok(Moved::No);
    };
    if last.as_ref().is_some_and(|last| last.digest == pulled.digest) {
        // The same component under a new manifest: there is nothing to swap.
        let asked = reference.clone();
        return cache.apart(move |cache| cache.accept(&asked, &pulled)).await.map(|()| Moved::No);
    }
    let is = role_of(reference, &pulled)?;
    if let Some(was) = last.and_then(|last| about(&last.bytes).ok()).map(|about| about.role).filter(|was| *was != is) {
        return Err(OciError::OtherRole { reference: reference.to_string(), was, is });
    }
    cache.apart(move |cache| cache.keep(&pulled).map(|()| Moved::To(pulled))).await
}

/// What a reference means now, unless that is the manifest known already. A component that is kept is not asked for again.
async fn pull_if_new(
    cache: &Cache,
    reference: &OciReference,
    options: &PullOptions,
    known: Option<&str>,
) -> Result<Option<Pulled>, OciError> {
    let session = registry::Session::open(reference, &options.credentials(reference))?;
    let found = within(reference, options.answer_within, session.manifest()).await?;
    if known == Some(found.manifest_digest.as_str()) {
        return Ok(None);
    }
    let digest = found.digest().to_owned();
    let sought = digest.clone();
    let bytes = match cache.apart(move |cache| cache.component(&sought)).await? {
        Some(kept) => kept,
        None => session.component(&found, options.most).await?,
    };
    Ok(Some(Pulled { bytes, digest, manifest_digest: found.manifest_digest }))
}

/// What a reference means, for who loads plugins and cannot wait on a network: what was accepted last; the registry is asked only where that is nothing.
pub fn resolve(cache: &Cache, reference: &OciReference, options: &PullOptions) -> Result<Pulled, OciError> {
    if let Some(kept) = cache.last_good(reference)? {
        return Ok(kept);
    }
    let pulled = blocking(reference, pull(reference, options)).map_err(|error| match error {
        OciError::Away { registry, why } => {
            let why = format!("{why}; nothing is kept of {reference} yet, so the registry must be in reach once");
            OciError::Away { registry, why }
        }
        other => other,
    })?;
    role_of(reference, &pulled)?;
    cache.accept(reference, &pulled)?;
    Ok(pulled)
}

/// At start: looks every tag up once, and takes what it means now where `admit` has nothing against it. Whatever goes wrong, the last good component stays,
/// and a line of the log says so.
pub async fn at_start(
    cache: &Cache,
    stages: &[Stage],
    options: &PullOptions,
    admit: impl Fn(&OciReference, Role, &Pulled) -> Result<(), String>,
) {
    let mut tags: Vec<(&OciReference, Role)> = Vec::new();
    for stage in stages {
        if let Runs::Plugin { source: PluginSource::Oci(reference), role } = &stage.runs
            && reference.moves()
            && !tags.iter().any(|(known, _)| *known == reference)
        {
            tags.push((reference, *role));
        }
    }
    // Side by side: registries that are away are waited for once.
    join_all(tags.into_iter().map(|(reference, role)| look_up(cache, reference, role, options, &admit))).await;
}

async fn look_up(
    cache: &Cache,
    reference: &OciReference,
    role: Role,
    options: &PullOptions,
    admit: &impl Fn(&OciReference, Role, &Pulled) -> Result<(), String>,
) {
    let plugin = reference.name();
    let moved = match refresh(cache, reference, options).await {
        Ok(Moved::No) => return,
        Ok(Moved::To(pulled)) => pulled,
        Err(error) => {
            tracing::warn!(plugin, %reference, %error, "a registry was asked in vain: the last good component is used");
            return;
        }
    };
    let accepted = || cache.accept(reference, &moved).map_err(|error| error.to_string());
    match admit(reference, role, &moved).and_then(|()| accepted()) {
        Ok(()) => {
            tracing::info!(plugin, %reference, digest = %moved.digest, manifest = %moved.manifest_digest, "the tag has moved");
        }
        Err(why) => {
            tracing::warn!(plugin, %reference, why, "the tag has moved to what is not let in: the last good component is used");
        }
    }
}

fn role_of(reference: &OciReference, pulled: &Pulled) -> Result<Role, OciError> {
    let about = about(&pulled.bytes);
    about.map(|about| about.role).map_err(|why| OciError::NotAPlugin { reference: reference.to_string(), why })
}

async fn within<T>(
    reference: &OciReference,
    time: Duration,
    asked: impl Future<Output = Result<T, OciError>>,
) -> Result<T, OciError> {
    tokio::time::timeout(time, asked).await.unwrap_or_else(|_| {
        Err(OciError::Away { registry: reference.registry().to_owned(), why: format!("no answer within {time:?}") })
    })
}

/// Waits for it on a thread of its own, with or without a runtime around the caller.
fn blocking<T: Send>(
    reference: &OciReference,
    asked: impl Future<Output = Result<T, OciError>> + Send,
) -> Result<T, OciError> {
    let away = |why: String| OciError::Away { registry: reference.registry().to_owned(), why };
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| away(error.to_string()))?.block_on(asked)
        });
        waiting.join().unwrap_or_else(|_| Err(away("the thread that asked it ended".into())))
    })
}
