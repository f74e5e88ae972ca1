//! What pipeline.toml says, as types. A value of these is free of strings that must be checked again.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::{case::Case, grant::Grant, reference::OciReference, trust::PublicKey};

/// A whole pipeline.toml.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// `[server]`
    pub server: Server,
    /// `[web]`
    pub web: Web,
    /// `data.dir`, absolute.
    pub data_dir: PathBuf,
    /// `data.keep`.
    pub keep: Duration,
    /// `[queue]`
    pub queue: Queue,
    /// `[store]`
    pub store: Store,
    /// `[[ai]]`, in fallback order; never empty.
    pub ai: Vec<Ai>,
    /// `[sms]`
    pub sms: Sms,
    /// `[limits]`
    pub limits: Limits,
    /// `[plugins]`
    pub plugins: Plugins,
    /// `[roles]`: `ladder` and the least role a command needs, handed to the coach.
    pub roles: Map<String, Value>,
    /// `[[coach]]`, handed to the coach and the prompt plugin alike; empty means the built-in cast.
    pub coaches: Vec<Value>,
    /// `[[stage]]`, in order; never empty.
    pub stages: Vec<Stage>,
    /// `[[test]]`, in order.
    pub tests: Vec<Case>,
}

/// A pipeline that passed every check, the flow from stage to stage included. Only `config` makes one.
#[derive(Debug, Clone)]
pub struct Checked {
    pub(super) pipeline: Pipeline,
    pub(super) public_url_given: bool,
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) listening: Option<SocketAddr>,
}

impl Checked {
    /// The file it came from.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The file's text, unexpanded: what may be recorded and shown.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl std::ops::Deref for Checked {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.pipeline
    }
}

/// `[server]`
#[derive(Debug, Clone)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where probes and scrapers ask as well.
    pub metrics_listen: Option<SocketAddr>,
    /// What the outside calls us; no trailing slash in what [`Server::url`] makes of it.
    pub public_url: Url,
    /// Opens the console and the operator's API.
    pub admin_token: Option<SecretString>,
    /// Lets an existing web app post unsigned texts.
    pub bridge_token: Option<SecretString>,
    /// Serves generated pages from an origin of their own.
    pub pages_url: Option<Url>,
    /// Addresses or networks (`10.0.0.0/8`) whose forwarding headers are believed.
    pub trusted_proxies: Vec<String>,
    /// How long a shutdown waits for work in hand.
    pub shutdown_timeout: Duration,
}

impl Server {
    /// `public_url` with a path that begins with `/`.
    pub fn url(&self, path: &str) -> String {
        join(&self.public_url, path)
    }

    /// Where generated pages are linked: `pages_url`, else `public_url`.
    pub fn page_url(&self, path: &str) -> String {
        join(self.pages_url.as_ref().unwrap_or(&self.public_url), path)
    }
}

fn join(base: &Url, path: &str) -> String {
    format!("{}{path}", base.as_str().trim_end_matches('/'))
}

/// `[web]`
#[derive(Debug, Clone)]
pub struct Web {
    /// Whether someone without a session may ask.
    pub guests: bool,
    /// Origins of web apps elsewhere that may call the API (CORS).
    pub allowed_origins: Vec<String>,
}

/// `[queue]`
#[derive(Debug, Clone)]
pub struct Queue {
    /// Which one.
    pub backend: QueueBackend,
    /// The NATS servers, where they are named; plugins may come from there with either backend.
    pub nats: Option<Nats>,
    /// Jobs taken up at once, those that wait on an AI included.
    pub in_hand: usize,
    /// Requests that may wait before new ones are refused.
    pub max_waiting: usize,
    /// How long the oldest may have waited before new ones are refused.
    pub max_age: Duration,
    /// Tries a job has before it is in `failed/`.
    pub max_attempts: u32,
    /// Builds of one person side by side.
    pub per_user: usize,
}

/// Where requests wait.
#[derive(Debug, Clone)]
pub enum QueueBackend {
    /// Files under the data directory.
    Files,
    /// NATS JetStream.
    Nats(Nats),
}

/// The NATS servers, and what of them is ours.
#[derive(Debug, Clone)]
pub struct Nats {
    /// One or several, separated by commas; may hold a password: not for printing.
    pub url: SecretString,
    /// A credentials file.
    pub creds: Option<PathBuf>,
    /// What the names of our streams and buckets begin with.
    pub prefix: String,
    /// On how many servers a request is kept.
    pub replicas: usize,
    /// How long a silent worker keeps its jobs.
    pub lease: Duration,
}

impl Nats {
    /// The servers, without user and password.
    pub fn at(&self) -> String {
        let servers = self.url.expose_secret().split(',').map(|one| match url::Url::parse(one.trim()) {
            Ok(url) => format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(4222)),
            Err(_) => "?".to_owned(),
        });
        servers.collect::<Vec<_>>().join(", ")
    }
}

/// `[store]`
#[derive(Debug, Clone)]
pub struct Store {
    /// Which database.
    pub url: StoreUrl,
    /// Where to listen for what other processes write, if not there; may hold a password: not for printing.
    pub listen_url: Option<SecretString>,
}

/// Which database.
#[derive(Debug, Clone)]
pub enum StoreUrl {
    /// A file, absolute.
    Sqlite(PathBuf),
    /// `postgres://…`, password included: not for printing.
    Postgres(SecretString),
}

/// One of `[[ai]]`.
#[derive(Debug, Clone)]
pub struct Ai {
    /// For logs, metrics and the job's story.
    pub name: String,
    /// Which API it speaks.
    pub kind: AiKind,
    /// As the provider names it.
    pub model: String,
    /// What the provider's own SDK takes: OpenAI's ends in `/v1`, Anthropic's has no path.
    pub base_url: Option<Url>,
    /// The key.
    pub api_key: Option<SecretString>,
    /// One call in all, from connect to last byte.
    pub timeout: Duration,
    /// Until the first piece of the answer.
    pub first_token_timeout: Duration,
    /// A provider that asks to wait longer than this is passed over for this job.
    pub max_wait: Duration,
    /// Tokens an answer may have.
    pub max_tokens: u32,
    /// 0 to 2.
    pub temperature: Option<f32>,
    /// Calls at once; lowered by itself after a 429.
    pub max_concurrent: usize,
    /// Further tries of one call before the next provider.
    pub retries: u32,
    /// US dollars for a million tokens read, and written.
    pub price: Option<(f64, f64)>,
    /// US dollars a day for this provider.
    pub spend_per_day: Option<f64>,
}

/// Which API a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AiKind {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI chat completions, and whatever speaks it.
    OpenAi,
    /// The library of mini apps, no key needed.
    Demo,
}

/// `[sms]`
#[derive(Debug, Clone)]
pub struct Sms {
    /// Who carries the texts.
    pub provider: SmsProvider,
    /// Our number, E.164; shown to people, and the sender of texts.
    pub from: Option<String>,
    /// Whether an order is acknowledged by a text at once.
    pub acknowledge: bool,
    /// Texts a second; unset lets the carrier queue.
    pub per_second: Option<f64>,
}

/// Who carries the texts.
#[derive(Debug, Clone)]
pub enum SmsProvider {
    /// `/phone` and files under `data/outbox/`.
    Console,
    /// Twilio.
    Twilio(Twilio),
}

/// What Twilio needs.
#[derive(Debug, Clone)]
pub struct Twilio {
    /// `AC…`
    pub account_sid: String,
    /// The first one signs our calls; each is accepted on incoming ones (rotation). Never empty.
    pub auth_tokens: Vec<SecretString>,
    /// `https://api.twilio.com`, no path.
    pub base_url: Url,
}

/// `[limits]`
#[derive(Debug, Clone)]
pub struct Limits {
    /// `false` switches every limit off.
    pub enabled: bool,
    /// Requests a guest's address may make in an hour.
    pub guest_per_hour: u32,
    /// Orders of one person in an hour.
    pub per_hour: u32,
    /// In a day.
    pub per_day: u32,
    /// In thirty days.
    pub per_month: u32,
    /// A factor per role, such as `operator = 10`.
    pub factor: Vec<(String, f64)>,
    /// US dollars a day, all providers.
    pub spend_per_day: Option<f64>,
    /// US dollars a day for one person.
    pub spend_per_person: Option<f64>,
}

/// `[plugins]`
#[derive(Debug, Clone)]
pub struct Plugins {
    /// Where dropped components are watched for, absolute.
    pub dir: PathBuf,
    /// Where plugins are at home.
    pub source: PluginHome,
    /// Bytes one call may use.
    pub memory: u64,
    /// Processor time of one call.
    pub deadline: Duration,
    /// Fuel for one call, where someone asks for it.
    pub fuel: Option<u64>,
    /// Bytes a call may take in or give back.
    pub message: u64,
    /// Bytes of stack.
    pub stack: u64,
    /// People in a hundred that a new version serves first; unset: everyone.
    pub canary: Option<u8>,
    /// Whether a new version runs beside the old one first.
    pub shadow: bool,
    /// When a version on trial stays, and when it goes.
    pub trial: TrialRule,
    /// Recorded calls a new version is tried on before it serves anyone.
    pub rehearse: usize,
    /// Jobs whose calls are kept.
    pub record: usize,
    /// Whether recordings keep people's words.
    pub record_words: bool,
    /// Who may sign; empty: signatures are not asked for.
    pub keys: Vec<PublicKey>,
    /// How often a tag in a registry is looked up again; unset: once, at start.
    pub refresh: Option<Duration>,
}

/// Where plugins are at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginHome {
    /// Where their sources are, for `plugin new` and `plugin build`; absolute.
    Folder(PathBuf),
    /// A bucket on the queue's NATS servers: what is in force there is in force on every node.
    Bucket(String),
}

/// A bucket that plugins come from, and where it is.
#[derive(Debug, Clone)]
pub struct Home {
    /// Its name.
    pub bucket: String,
    /// The servers.
    pub nats: Nats,
}

impl PluginHome {
    /// The bucket's name.
    pub fn bucket(&self) -> Option<&str> {
        match self {
            Self::Folder(_) => None,
            Self::Bucket(name) => Some(name),
        }
    }
}

/// When a version on trial stays, and when it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrialRule {
    /// How long a version that serves everyone is watched.
    pub window: Duration,
    /// The least time a canary serves its share.
    pub least: Duration,
    /// The fewest jobs a canary has part in before everyone gets it.
    pub jobs: u32,
    /// Strikes that roll it back…
    pub strikes: u32,
    /// …where they are at least so many in a hundred jobs.
    pub share: f64,
}

/// One of `[[stage]]`.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Unique.
    pub name: String,
    /// What runs.
    pub runs: Runs,
    /// For which decisions. A checked pipeline has it written out: where the file says nothing, every decision there is work for.
    pub when: Vec<When>,
    /// What a filter looks at.
    pub on: Vec<FilterOn>,
    /// `config`, handed to the plugin as JSON, or read by the adapter (`files`: `dir`, made absolute).
    pub config: Map<String, Value>,
    /// What the plugin is allowed beyond `log`.
    pub grant: Vec<Grant>,
    /// Overrides `plugins.memory`.
    pub memory: Option<u64>,
    /// Overrides `plugins.deadline`.
    pub deadline: Option<Duration>,
    /// Overrides `plugins.fuel`.
    pub fuel: Option<u64>,
    /// Overrides `plugins.message`.
    pub message: Option<u64>,
    /// Overrides `plugins.canary`.
    pub canary: Option<u8>,
    /// Overrides `plugins.shadow`.
    pub shadow: Option<bool>,
}

/// What a stage runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runs {
    /// A component.
    Plugin {
        /// How the file names it.
        source: PluginSource,
        /// What it is, by its own exports.
        role: Role,
    },
    /// Native code.
    Adapter(AdapterStage),
}

impl Runs {
    /// Whether a plugin decides here.
    pub fn is_plugin(&self) -> bool {
        matches!(self, Self::Plugin { .. })
    }
}

/// How pipeline.toml names a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PluginSource {
    /// `<plugins.dir>/x.wasm` when that is there, else the embedded one.
    Named(String),
    /// A file, absolute.
    Path(PathBuf),
    /// `sha256:…` of a component the engine keeps.
    Digest(String),
    /// In a registry.
    Oci(OciReference),
}

impl PluginSource {
    /// What it is known by, whichever version it is at the moment.
    pub fn key(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Path(path) => path.display().to_string(),
            Self::Digest(digest) => digest.clone(),
            Self::Oci(reference) => reference.to_string(),
        }
    }

    /// A short name, for people and for logs.
    pub fn name(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Path(path) => path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            Self::Digest(digest) => digest.chars().take(19).collect(),
            Self::Oci(reference) => reference.name().to_owned(),
        }
    }
}

/// A plugin's role: its world, less `-plugin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Decides and speaks.
    Coach,
    /// Writes AI calls.
    Prompt,
    /// Finds pages in answers.
    Extract,
    /// Names pages.
    Slug,
    /// Looks at, changes or refuses.
    Filter,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Coach, Self::Prompt, Self::Extract, Self::Slug, Self::Filter];

    /// The interface's name in `wtaf:stage`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Coach => "coach",
            Self::Prompt => "prompt",
            Self::Extract => "extract",
            Self::Slug => "slug",
            Self::Filter => "filter",
        }
    }
}

/// The native stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AdapterStage {
    /// Asks the chain of providers.
    Ai,
    /// Makes the page live.
    Publish,
    /// Writes the page to a folder as well.
    Files,
    /// Tells the person.
    Notify,
}

impl AdapterStage {
    /// The word in pipeline.toml.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ai => "ai",
            Self::Publish => "publish",
            Self::Files => "files",
            Self::Notify => "notify",
        }
    }
}

/// Which decisions a stage runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// A page is to be made (every order but chat and edit).
    Build,
    /// A coach answers by AI.
    Chat,
    /// A page gets a new version.
    Edit,
    /// The coach has already said what there is to say.
    Reply,
}

impl When {
    /// The word in pipeline.toml.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Chat => "chat",
            Self::Edit => "edit",
            Self::Reply => "reply",
        }
    }
}

/// What a filter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FilterOn {
    /// What came in.
    Idea,
    /// What is said.
    Reply,
    /// What is published.
    Page,
}
