//! A conversation with one registry about one reference. oci-client speaks the protocol and signs in; what it is told is bounded and checked here.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use oci_client::{
    Client, Reference, RegistryOperation,
    client::{ClientConfig, ClientProtocol},
    errors::{OciDistributionError as Told, OciErrorCode},
    secrets::RegistryAuth,
};
use tokio::io::AsyncWrite;

use super::{
    Credentials, Labels, OciError,
    artifact::{self, Artifact, Found, MANIFEST, sha256},
};
use crate::config::OciReference;

/// Bytes a manifest may have: what registries themselves allow.
const MOST_MANIFEST: usize = 4 << 20;

/// One registry, one reference, one user.
pub struct Session {
    client: Client,
    asked: OciReference,
    reference: Reference,
    auth: RegistryAuth,
}

impl Session {
    /// Connects to nothing yet.
    pub fn open(asked: &OciReference, credentials: &Credentials) -> Result<Self, OciError> {
        // Fails only where one is installed already, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Without TLS to this machine alone: what is asked of another could be read, and changed, on the way.
        let protocol = if asked.is_local() {
            ClientProtocol::HttpsExcept(vec![asked.registry().to_owned()])
        } else {
            ClientProtocol::Https
        };
        let config = ClientConfig {
            protocol,
            connect_timeout: Some(Duration::from_secs(5)),
            read_timeout: Some(Duration::from_secs(30)),
            platform_resolver: None,
            user_agent: concat!("wtaf-host/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let client = Client::try_from(config)
            .map_err(|error| OciError::Away { registry: asked.registry().to_owned(), why: error.to_string() })?;
        let (registry, repository) = (asked.registry().to_owned(), asked.repository().to_owned());
        let reference = match (asked.digest(), asked.tag()) {
            (Some(digest), _) => Reference::with_digest(registry, repository, digest.to_owned()),
            (None, tag) => Reference::with_tag(registry, repository, tag.unwrap_or("latest").to_owned()),
        };
        Ok(Self { client, asked: asked.clone(), reference, auth: credentials.auth() })
    }

    /// What the reference means now.
    pub async fn manifest(&self) -> Result<Found, OciError> {
        self.sign_in(RegistryOperation::Pull).await?;
        // The client reads a manifest whole; the caller's deadline is what bounds one without end.
        let pulled = self.client.pull_manifest_raw(&self.reference, &self.auth, &[MANIFEST]).await;
        let (bytes, _) = pulled.map_err(|error| self.failed(error))?;
        if bytes.len() > MOST_MANIFEST {
            return Err(OciError::TooLarge { reference: self.asked.to_string(), most: MOST_MANIFEST as u64 });
        }
        let digest = sha256(&bytes);
        if let Some(pinned) = self.asked.digest().filter(|pinned| *pinned != digest) {
            return Err(self.altered(format!("the manifest for {pinned} has the digest {digest}")));
        }
        artifact::read(&bytes).map_err(|why| OciError::NoComponent { reference: self.asked.to_string(), why })
    }

    /// The component a manifest names.
    pub async fn component(&self, found: &Found, most: u64) -> Result<Vec<u8>, OciError> {
        let too_large = || OciError::TooLarge { reference: self.asked.to_string(), most };
        if found.size > most {
            return Err(too_large());
        }
        let layer = format!("sha256:{}", found.digest());
        let mut bounded = Bounded { bytes: Vec::new(), room: found.size, full: false };
        let pulled = self.client.pull_blob(&self.reference, layer.as_str(), &mut bounded).await;
        if bounded.full {
            return Err(self.altered(format!("more came than the {} bytes its manifest says", found.size)));
        }
        pulled.map_err(|error| self.failed(error))?;
        let digest = sha256(&bounded.bytes);
        if digest != layer {
            return Err(self.altered(format!("what came for {layer} has the digest {digest}")));
        }
        Ok(bounded.bytes)
    }

    /// Puts a component there; the digest of its manifest.
    pub async fn push(&self, component: &[u8], labels: &Labels) -> Result<String, OciError> {
        self.sign_in(RegistryOperation::Push).await?;
        let Artifact { config, manifest } = Artifact::of(component, labels);
        for blob in [component, &config] {
            let digest = sha256(blob);
            let there = self.client.blob_exists(&self.reference, &digest).await.unwrap_or(false);
            if !there {
                let pushed = self.client.push_blob(&self.reference, blob.to_vec(), &digest).await;
                pushed.map_err(|error| self.failed(error))?;
            }
        }
        let digest = sha256(&manifest);
        let kind = http::HeaderValue::from_static(MANIFEST);
        self.client.push_manifest_raw(&self.reference, manifest, kind).await.map_err(|error| self.failed(error))?;
        Ok(digest)
    }

    async fn sign_in(&self, operation: RegistryOperation) -> Result<(), OciError> {
        let signed_in = self.client.auth(&self.reference, &self.auth, operation).await;
        signed_in.map(|_| ()).map_err(|error| self.failed(error))
    }

    fn altered(&self, why: String) -> OciError {
        OciError::Altered { reference: self.asked.to_string(), why }
    }

    /// The client's errors by what can be done about them.
    fn failed(&self, error: Told) -> OciError {
        let (registry, reference) = (self.asked.registry().to_owned(), self.asked.to_string());
        match error {
            Told::DigestError(why) => self.altered(why.to_string()),
            Told::AuthenticationFailure(_) | Told::UnauthorizedError { .. } => {
                OciError::Denied { registry, why: "it does not know us".into() }
            }
            Told::ServerError { code: 401 | 403, .. } => OciError::Denied { registry, why: "we may not".into() },
            Told::ServerError { code: 404, .. } | Told::ImageManifestNotFoundError(_) => {
                OciError::Absent { reference, why: "the registry does not know it".into() }
            }
            Told::ServerError { code, .. } => OciError::Away { registry, why: format!("it answers {code}") },
            Told::RegistryError { envelope, .. } => {
                let why = plain(&envelope.errors.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; "));
                let has = |codes: &[OciErrorCode]| envelope.errors.iter().any(|error| codes.contains(&error.code));
                if has(&[OciErrorCode::Denied, OciErrorCode::Unauthorized]) {
                    OciError::Denied { registry, why }
                } else if has(&[OciErrorCode::Toomanyrequests]) {
                    OciError::Away { registry, why }
                } else {
                    OciError::Absent { reference, why }
                }
            }
            other => OciError::Away { registry, why: plain(&chain(&other)) },
        }
    }
}

/// An error with what is behind it: the outermost alone says only that a request failed.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut told: Vec<String> = causes.map(ToString::to_string).collect();
    told.dedup();
    told.join(": ")
}

/// A registry's own words, fit for a log and a terminal.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// Takes as much as was announced and nothing more.
struct Bounded {
    bytes: Vec<u8>,
    room: u64,
    full: bool,
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.bytes.len() as u64 + bytes.len() as u64 > self.room {
            self.full = true;
            return Poll::Ready(Err(io::Error::other("more than was announced")));
        }
        self.bytes.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
