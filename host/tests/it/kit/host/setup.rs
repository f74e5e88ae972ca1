//! An engine before it runs: its file, its flags, its environment, its disk.

use std::{fs, sync::Arc};

use reqwest::Client;

use super::{Host, PATIENCE};
use crate::kit::{ai::FakeAi, server::free_port};

/// A file the engine is configured with, before it runs.
#[derive(Debug, Clone)]
pub struct Setup {
    pub(super) pipeline: String,
    pub(super) set: Vec<String>,
    pub(super) files: Vec<(String, String)>,
    pub(super) env: Vec<(String, String)>,
    pub(super) role: Option<&'static str>,
    pub(super) disk: Option<&'static str>,
}

impl Setup {
    /// The shipped pipeline, changed.
    pub fn pipeline(mut self, change: impl FnOnce(&str) -> String) -> Self {
        let changed = change(&self.pipeline);
        assert_ne!(changed, self.pipeline, "the change of pipeline.toml changed nothing");
        self.pipeline = changed;
        self
    }

    /// One more `--set`.
    pub fn set(mut self, key: impl Into<String>) -> Self {
        self.set.push(key.into());
        self
    }

    /// The chain of providers.
    pub fn ai(self, links: impl IntoIterator<Item = String>) -> Self {
        let links: Vec<_> = links.into_iter().collect();
        self.set(format!("ai=[{}]", links.join(", ")))
    }

    /// A file beside pipeline.toml.
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// One more variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `web`, without the half that works.
    pub fn role(mut self, role: &'static str) -> Self {
        self.role = Some(role);
        self
    }

    /// Its data directory is a disk in memory of its own, mounted with these options (`size=64m`). It is seen by the engine alone, and gone with it.
    pub fn disk(mut self, options: &'static str) -> Self {
        self.disk = Some(options);
        self
    }

    /// Its folder, and nothing that runs.
    pub fn unstarted(self) -> Host {
        self.prepare()
    }

    /// Runs it, in an empty folder but for its pipeline.toml, until it is ready.
    pub async fn start(self) -> Host {
        let mut host = self.prepare();
        host.restart().await;
        host
    }

    /// Runs it until it listens, which is before it is ready when a part of it is away.
    pub async fn start_unready(self) -> Host {
        let mut host = self.prepare();
        host.spawn();
        host.answers("/healthz").await;
        host
    }

    fn prepare(self) -> Host {
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::write(folder.path().join("pipeline.toml"), &self.pipeline).expect("the folder is writable");
        for (name, text) in &self.files {
            fs::write(folder.path().join(name), text).expect("the folder is writable");
        }
        // Only once in the process, and never undone: another test may have installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No connection outlives its request: the server at the other end may be killed at any moment.
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(PATIENCE)
            .build()
            .expect("a client can be made");
        let port = free_port();
        Host { folder, setup: self, port, child: None, logs: Arc::default(), client }
    }
}

/// An entry for `[[ai]]` that asks a fake by OpenAI's protocol: no further tries, so that a fault is the next provider's turn at once.
pub fn link(name: &str, server: &FakeAi) -> String {
    link_with(name, server, "retries = 0")
}

/// The same with other keys.
pub fn link_with(name: &str, server: &FakeAi, keys: &str) -> String {
    let url = server.openai();
    format!(r#"{{ name = "{name}", kind = "openai", model = "m-{name}", base_url = "{url}", api_key = "k", {keys} }}"#)
}
