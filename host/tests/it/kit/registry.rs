//! A registry: Debian's docker-registry on this machine, on a line that can be cut, with its storage in reach of whoever wants to spoil it.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use wtaf_host::{
    config::OciReference,
    plugin::{
        about,
        oci::{self, Credentials, Labels},
    },
};

use super::{line::Line, process::Peer, server::program};

/// The user and password of a registry that asks for one.
pub const USER: (&str, &str) = ("mo", "hunter2");

/// bcrypt of that password.
const HASH: &str = "$2b$04$9nCX8XORiOhEiDad5m.xOOJzKCclylN//eTS1RAoZyKY5YYkD4HqG";

/// A running registry; it ends when dropped.
pub struct Registry {
    folder: TempDir,
    line: Line,
    _peer: Peer,
}

impl Registry {
    /// One that is open to everyone.
    pub async fn start() -> Self {
        Self::serving("").await
    }

    /// One that asks who is there.
    pub async fn closed() -> Self {
        Self::serving("auth:\n  htpasswd:\n    realm: test\n    path: FOLDER/users\n").await
    }

    async fn serving(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let binary = program("docker-registry", &[], "apt-get install docker-registry");
        let place = folder.path().display().to_string();
        fs::write(folder.path().join("users"), format!("{}:{HASH}\n", USER.0)).expect("the folder is writable");
        let peer = Peer::start("wtaf-registry", |port| {
            let config = format!(
                "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: {place}/storage\n\
                 http:\n  addr: 127.0.0.1:{port}\n{}",
                more.replace("FOLDER", &place)
            );
            let file = folder.path().join("config.yml");
            fs::write(&file, config).expect("the folder is writable");
            let mut command = Command::new(binary);
            command.arg("serve").arg(file).env_clear().stdin(Stdio::null());
            command
        });
        let port = peer.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a URL has a port");
        Self { folder, line: Line::to(port, true).await, _peer: peer }
    }

    /// How it is reached: with a registry's name before any repository's.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.line.port)
    }

    /// Something in it, such as `acme/slug:1`.
    pub fn reference(&self, name: &str) -> OciReference {
        format!("oci://{}/{name}", self.host()).parse().expect("a reference")
    }

    /// Puts a component there; the digest of its manifest.
    pub async fn push(&self, name: &str, component: &[u8]) -> String {
        let labels = Labels { title: "a test's".into(), about: about(component).expect("a component") };
        let pushed = oci::push(&self.reference(name), component, &labels, &Credentials::Anonymous).await;
        pushed.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The file of a blob or manifest in its storage, by its digest.
    pub fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        let file = self.folder.path().join("storage/docker/registry/v2/blobs/sha256").join(&hex[..2]).join(hex);
        let file = file.join("data");
        assert!(file.is_file(), "{digest} is not in the registry");
        file
    }

    /// Nobody reaches it any more.
    pub fn cut(&self) {
        self.line.cut();
    }

    /// It is back.
    pub fn mend(&self) {
        self.line.mend();
    }
}

/// The built-in slug plugin with a mark of one's own, which makes it another component that does the same.
pub fn marked(name: &str, mark: &str) -> Vec<u8> {
    let embedded = wtaf_bundle::embedded(name).expect("a built-in plugin");
    let mut bytes = embedded.bytes.to_vec();
    let length = u8::try_from(mark.len()).expect("a short mark");
    // A custom section called `mark`.
    bytes.extend_from_slice(&[0, length + 5, 4]);
    bytes.extend_from_slice(b"mark");
    bytes.extend_from_slice(mark.as_bytes());
    bytes
}
