//! Every key of pipeline.toml: its name, what it takes, what it is when unset, what it is for.
//!
//! The one place that says so: the walk reads by these tables and the JSON Schema is printed from them.

use std::{net::SocketAddr, path::PathBuf};

use secrecy::SecretString;
use url::Url;

use super::{
    grant::Grant,
    kinds::{
        ADDRESS, BASE_URL, Choice, FILE, FOLDER, FREE, Flag, Free, GRANTED, HOME, KEY, LISTEN, Line, Listed, NAME,
        NAMED_NUMBERS, NATS, NUMBER, NamedNumbers, ORIGIN, OneOrMore, PLUGIN, PROXY, ROLES, Real, Roles, SECRET,
        SENDER, SID, STORE, Section, Sections, Size, TEXT, Time, Whole, real, size, time, whole,
    },
    model::{AdapterStage, AiKind, FilterOn, PluginHome, PluginSource, StoreUrl, When},
    trust::PublicKey,
    walk::{Key, Shape, Table, keys},
};
use crate::job::{Phone, Source, Status};

/// Which queue, before its URL is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Files.
    Files,
    /// NATS.
    Nats,
}

/// Which carrier, before its account is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// None: a phone in the browser.
    Console,
    /// Twilio.
    Twilio,
}

/// How the AI of a test behaves, before its answers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AiPart {
    /// It answers.
    Answers,
    /// Its answer is cut off.
    CutOff,
    /// It will not.
    Refuses,
    /// Nobody answers.
    Down,
}

const BACKENDS: Choice<Backend> = Choice(&[("files", Backend::Files), ("nats", Backend::Nats)]);
const CARRIERS: Choice<Carrier> = Choice(&[("console", Carrier::Console), ("twilio", Carrier::Twilio)]);
const AI_KINDS: Choice<AiKind> =
    Choice(&[("anthropic", AiKind::Anthropic), ("openai", AiKind::OpenAi), ("demo", AiKind::Demo)]);
const ADAPTERS: Choice<AdapterStage> = Choice(&[
    ("ai", AdapterStage::Ai),
    ("publish", AdapterStage::Publish),
    ("files", AdapterStage::Files),
    ("notify", AdapterStage::Notify),
]);
const WHENS: Choice<When> =
    Choice(&[("build", When::Build), ("chat", When::Chat), ("edit", When::Edit), ("reply", When::Reply)]);
const ONS: Choice<FilterOn> = Choice(&[("idea", FilterOn::Idea), ("reply", FilterOn::Reply), ("page", FilterOn::Page)]);
const SOURCES: Choice<Source> = Choice(&[("sms", Source::Sms), ("web", Source::Web), ("file", Source::File)]);
const AI_PARTS: Choice<AiPart> = Choice(&[
    ("answers", AiPart::Answers),
    ("cut-off", AiPart::CutOff),
    ("refuses", AiPart::Refuses),
    ("down", AiPart::Down),
]);
const ENDS: Choice<Status> =
    Choice(&[("done", Status::Done), ("refused", Status::Refused), ("failed", Status::Failed)]);

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MIB: u64 = 1 << 20;
const COUNT: u64 = u32::MAX as u64;

keys! {
    /// The engine: texts and chats in, live pages out. Strings may hold ${NAME} or ${NAME:-default}; an empty string means unset.
    root "this file" {
        /// Where the engine listens, and what the world calls it.
        SERVER: Section = "server", Section(&server::TABLE), or "{}";
        /// The web chat.
        WEB: Section = "web", Section(&web::TABLE), or "{}";
        /// What is kept on disk.
        DATA: Section = "data", Section(&data::TABLE), or "{}";
        /// Where requests wait.
        QUEUE: Section = "queue", Section(&queue::TABLE), or "{}";
        /// The database.
        STORE_: Section = "store", Section(&store::TABLE), or "{}";
        /// The AI providers, in the order they are tried. One whose api_key comes out empty is left out; the demo provider is left out as soon as there is another.
        AI: Sections = "ai", Sections(&ai::TABLE), required;
        /// Who carries the texts.
        SMS: Section = "sms", Section(&sms::TABLE), or "{}";
        /// What one person may ask for, and what a day may cost.
        LIMITS: Section = "limits", Section(&limits::TABLE), or "{}";
        /// The sandbox of the plugins.
        PLUGINS: Section = "plugins", Section(&plugins::TABLE), or "{}";
        /// Which command needs which role: `edit = "degen"`; what is not here is for every coder. New people are coders.
        ROLE_TABLE: Roles = "roles", ROLES, or "{}";
        /// The cast; none means the built-in one.
        COACH: Sections = "coach", Sections(&coach::TABLE), or "[]";
        /// The stages, in order.
        STAGE: Sections = "stage", Sections(&stage::TABLE), required;
        /// Cases for `wtaf-host test`: what comes in, and what must come of it. The engine does not look at them.
        TEST: Sections = "test", Sections(&case::TABLE), or "[]";
    }

    /// Where the engine listens, and what the world calls it.
    server "[server]" {
        /// Where to listen. Port 0 takes any free one.
        LISTEN: Line<SocketAddr> = "listen", ADDRESS, or "\"127.0.0.1:3030\"";
        /// Where /healthz, /readyz and /metrics are served as well, by a worker too, which listens nowhere else. Nothing asks for a token there: an address that only scrapers and probes reach.
        METRICS_LISTEN: Line<SocketAddr> = "metrics_listen", ADDRESS;
        /// What the world calls us: links in texts begin with it, and Twilio's signature covers it. Unset: http://localhost and the port of `listen`.
        PUBLIC_URL: Line<Url> = "public_url", BASE_URL;
        /// Opens the console and the operator's API. Unset: they answer local requests only.
        ADMIN_TOKEN: Line<SecretString> = "admin_token", SECRET;
        /// Lets an existing web app post texts that Twilio has not signed.
        BRIDGE_TOKEN: Line<SecretString> = "bridge_token", SECRET;
        /// An origin of their own for generated pages, such as https://pages.example: another domain, so that no page is ever near a session.
        PAGES_URL: Line<Url> = "pages_url", BASE_URL;
        /// Addresses or networks of the proxies whose forwarding headers are believed.
        TRUSTED_PROXIES: OneOrMore<Line<String>> = "trusted_proxies", OneOrMore(PROXY), or "[]";
        /// How long a shutdown waits for work in hand; what is left goes on at the next start.
        SHUTDOWN_TIMEOUT: Time = "shutdown_timeout", time(0, HOUR), or "\"30s\"";
    }

    /// The web chat.
    web "[web]" {
        /// Whether someone who has not signed in may ask.
        GUESTS: Flag = "guests", Flag, or "true";
        /// Origins of web apps elsewhere that may call the API (CORS).
        ALLOWED_ORIGINS: OneOrMore<Line<String>> = "allowed_origins", OneOrMore(ORIGIN), or "[]";
    }

    /// What is kept on disk.
    data "[data]" {
        /// The folder of the queue, the database and the outbox.
        DIR: Line<PathBuf> = "dir", FOLDER, or "\"data\"";
        /// How long the records of jobs that ended well are kept: the job, its talk, its texts, its costs. Pages and people are kept for good.
        KEEP: Time = "keep", time(DAY, 36_500 * DAY), or "\"90d\"";
    }

    /// Where requests wait.
    queue "[queue]" {
        /// Files under the data directory, or NATS JetStream for several machines.
        BACKEND: Choice<Backend> = "backend", BACKENDS, or "\"files\"";
        /// The NATS servers, for that backend and for plugins from NATS; a user and password, or a token, may stand in the URL.
        NATS_URL: Line<SecretString> = "nats_url", NATS;
        /// A credentials file of NATS (a JWT and its seed), where the servers ask for one.
        NATS_CREDS: Line<PathBuf> = "nats_creds", FILE;
        /// What the names of our streams and buckets begin with, so that several engines may share the servers.
        NATS_PREFIX: Line<String> = "nats_prefix", NAME, or "\"wtaf\"";
        /// On how many servers of a NATS cluster each request is kept: 3 outlives one of them.
        REPLICAS: Whole<usize> = "replicas", whole(1, 5), or "1";
        /// With NATS: a worker that has not been heard of for so long has lost its jobs to the others.
        LEASE: Time = "lease", time(SECOND, HOUR), or "\"30s\"";
        /// Jobs taken up at once, those that wait on an AI included.
        IN_HAND: Whole<usize> = "in_hand", whole(1, 1_000_000), or "20000";
        /// Requests that may wait before new ones are refused.
        MAX_WAITING: Whole<usize> = "max_waiting", whole(1, 100_000_000), or "100000";
        /// How long the oldest of them may have waited before new ones are refused: whoever asked then would wait as long.
        MAX_AGE: Time = "max_age", time(SECOND, 30 * DAY), or "\"15m\"";
        /// Tries a job has before it is given up and the person told.
        MAX_ATTEMPTS: Whole<u32> = "max_attempts", whole(1, 100), or "5";
        /// Builds of one person side by side, on each worker.
        PER_USER: Whole<usize> = "per_user", whole(1, 1_000_000), or "3";
    }

    /// The database.
    store "[store]" {
        /// sqlite://FILE, or postgres://… (Supabase too, directly or through its pooler). Unset: wtaf.db in the data directory.
        URL: Line<StoreUrl> = "url", STORE;
        /// A direct or session URL of the same database, where `url` leads through a transaction pooler: what other machines write is then seen at once, else within a second.
        LISTEN_URL: Line<SecretString> = "listen_url", LISTEN;
    }

    /// An AI provider.
    ai "[[ai]]" {
        /// For logs, metrics and the job's story.
        NAME_: Line<String> = "name", NAME, required;
        /// Which API it speaks: Anthropic's, OpenAI's (and the many that follow it: Ollama, llama.cpp, vLLM, OpenRouter), or none at all.
        KIND: Choice<AiKind> = "kind", AI_KINDS, required;
        /// As the provider names it.
        MODEL: Line<String> = "model", TEXT;
        /// What the provider's own SDK takes. Unset: https://api.anthropic.com, https://api.openai.com/v1.
        BASE_URL_: Line<Url> = "base_url", BASE_URL;
        /// The key. An entry whose key comes out empty is left out; a server of your own may do without this line.
        API_KEY: Line<SecretString> = "api_key", SECRET;
        /// One call in all, from connect to last byte.
        TIMEOUT: Time = "timeout", time(1, 24 * HOUR), or "\"180s\"";
        /// Until the first piece of the answer.
        FIRST_TOKEN_TIMEOUT: Time = "first_token_timeout", time(1, 24 * HOUR), or "\"60s\"";
        /// A provider that asks to wait longer than this is passed over for the job.
        MAX_WAIT: Time = "max_wait", time(0, 24 * HOUR), or "\"5s\"";
        /// Tokens an answer may have.
        MAX_TOKENS: Whole<u32> = "max_tokens", whole(1, COUNT), or "16000";
        /// From 0 (the same each time) to 2. Unset leaves it to the provider.
        TEMPERATURE: Real = "temperature", real(0.0, 2.0);
        /// Calls at once; lowered by itself when the provider says it is too much.
        MAX_CONCURRENT: Whole<usize> = "max_concurrent", whole(1, 1_000_000), or "1000";
        /// Further tries of a call before the next provider is asked.
        RETRIES: Whole<u32> = "retries", whole(0, 20), or "2";
        /// What a million tokens cost in US dollars, for the records and for limits on spending.
        PRICE: Section = "price", Section(&price::TABLE);
        /// US dollars a day for this provider; then the next one is asked.
        SPEND_PER_DAY_: Real = "spend_per_day", real(0.0, 1e9);
    }

    /// US dollars for a million tokens.
    price "price" {
        /// Tokens read.
        INPUT: Real = "input", real(0.0, 100_000.0), required;
        /// Tokens written.
        OUTPUT: Real = "output", real(0.0, 100_000.0), required;
    }

    /// Who carries the texts.
    sms "[sms]" {
        /// The phone in the browser (/phone) and files under data/outbox, or Twilio.
        PROVIDER: Choice<Carrier> = "provider", CARRIERS, or "\"console\"";
        /// Twilio's account, AC….
        ACCOUNT_SID: Line<String> = "account_sid", SID;
        /// Twilio's token; while it is rotated, a list: the first signs our calls, each is accepted on incoming ones.
        AUTH_TOKEN: OneOrMore<Line<SecretString>> = "auth_token", OneOrMore(SECRET);
        /// Our number (+15550001111), shown to people and the sender of texts, or a messaging service (MG…).
        FROM: Line<String> = "from", SENDER;
        /// Where Twilio is; no path.
        BASE_URL_: Line<Url> = "base_url", BASE_URL, or "\"https://api.twilio.com\"";
        /// Whether an order is acknowledged by a text at once.
        ACKNOWLEDGE: Flag = "acknowledge", Flag, or "true";
        /// Texts a second. Unset lets the carrier queue.
        PER_SECOND: Real = "per_second", real(0.01, 10_000.0);
    }

    /// What one person may ask for, and what a day may cost.
    limits "[limits]" {
        /// false switches every limit off, those of guests and queue.per_user too.
        ENABLED: Flag = "enabled", Flag, or "true";
        /// Requests from a guest's address in an hour.
        GUEST_PER_HOUR: Whole<u32> = "guest_per_hour", whole(0, COUNT), or "10";
        /// Orders of one person in an hour.
        PER_HOUR: Whole<u32> = "per_hour", whole(0, COUNT), or "30";
        /// Orders of one person in a day.
        PER_DAY: Whole<u32> = "per_day", whole(0, COUNT), or "60";
        /// Orders of one person in thirty days.
        PER_MONTH: Whole<u32> = "per_month", whole(0, COUNT), or "300";
        /// How many times that a role may have.
        FACTOR: NamedNumbers = "factor", NAMED_NUMBERS, or "{ degen = 2, operator = 10, admin = 10 }";
        /// US dollars a day, all providers together; counted by their price.
        SPEND_PER_DAY: Real = "spend_per_day", real(0.0, 1e9);
        /// US dollars a day for one person's requests; a role may have more, by its factor.
        SPEND_PER_PERSON: Real = "spend_per_person", real(0.0, 1e9);
    }

    /// The sandbox of the plugins.
    plugins "[plugins]" {
        /// A component dropped in here as x.wasm takes the place of plugin x while the engine runs.
        DIR: Line<PathBuf> = "dir", FOLDER, or "\"plugins/installed\"";
        /// Where plugins' sources are, for `plugin new` and `plugin build`; or `nats://BUCKET`: what is installed there is what every node runs.
        SOURCE: Line<PluginHome> = "source", HOME, or "\"plugins\"";
        /// Memory of one call.
        MEMORY: Size = "memory", size(MIB, 4096 * MIB), or "\"64MiB\"";
        /// Processor time of one call.
        DEADLINE: Time = "deadline", time(1, HOUR), or "\"2s\"";
        /// Fuel of one call, a count of instructions that is the same on every machine. Unset: not counted.
        FUEL: Whole<u64> = "fuel", whole(1, u64::MAX);
        /// What one call may take in or give back.
        MESSAGE: Size = "message", size(64 << 10, 1024 * MIB), or "\"8MiB\"";
        /// Stack of one call.
        STACK: Size = "stack", size(64 << 10, 16 * MIB), or "\"512KiB\"";
        /// A new version serves this share of people first, in a hundred; unset: everyone at once. The same person always gets the same version.
        CANARY: Whole<u8> = "canary", whole(1, 100);
        /// A canary is given to everyone after this many jobs…
        CANARY_JOBS: Whole<u32> = "canary_jobs", whole(1, COUNT), or "20";
        /// …and not before this long.
        CANARY_TIME: Time = "canary_time", time(0, 24 * HOUR), or "\"1m\"";
        /// A new version runs beside the old one and serves nobody; its differences are shown, until it is promoted.
        SHADOW: Flag = "shadow", Flag, or "false";
        /// How long a new version is watched. A job that fails on it is run again on the version before; if that succeeds, it is a strike.
        TRIAL: Time = "trial", time(0, 24 * HOUR), or "\"10m\"";
        /// So many strikes roll a version back…
        STRIKES: Whole<u32> = "strikes", whole(1, COUNT), or "3";
        /// …where they are at least this share of its jobs, in a hundred.
        STRIKE_SHARE: Real = "strike_share", real(0.0, 100.0), or "1.0";
        /// Recorded calls that a new version is tried on before it serves anyone; 0: its own examples only.
        REHEARSE: Whole<u32> = "rehearse", whole(0, 10_000), or "20";
        /// Jobs whose plugin calls are kept for rehearsals and replays; 0: none.
        RECORD: Whole<u32> = "record", whole(0, 1_000_000), or "1000";
        /// Whether recordings keep people's words. Without them nothing can be replayed; what happened can still be read.
        RECORD_WORDS: Flag = "record_words", Flag, or "true";
        /// Who may sign plugins, as `wtaf-host plugin keygen` prints it: then one that is unsigned, altered or older than the last is refused. Unset: not asked for.
        KEYS: Listed<Line<PublicKey>> = "keys", Listed(KEY), or "[]";
        /// How often a tag in a registry (oci://…) is looked up again. Unset: once, at start.
        REFRESH: Time = "refresh", time(SECOND, 30 * 24 * HOUR);
    }

    /// Someone who answers and lends pages a voice.
    coach "[[coach]]" {
        /// What orders carry and texters write: `wtaf -id- an idea`.
        ID: Line<String> = "id", NAME, required;
        /// What people read. Unset: the id.
        NAME_: Line<String> = "name", TEXT;
        /// Who that is, in a few words.
        ABOUT: Line<String> = "about", TEXT;
        /// How they speak, for the AI.
        VOICE: Line<String> = "voice", TEXT;
        /// Lines they would say.
        LINES: Listed<Line<String>> = "lines", Listed(TEXT);
        /// Habits.
        QUIRKS: Listed<Line<String>> = "quirks", Listed(TEXT);
        /// Answers when spoken to, and is never listed.
        HIDDEN: Flag = "hidden", Flag;
        /// Anything more that plugins of your own read.
        EXTRA: Free = "extra", FREE;
    }

    /// One stage of the pipeline: a plugin that decides, or an adapter that touches the world.
    stage "[[stage]]" {
        /// Unique; `--set`, logs and metrics call it so.
        NAME_: Line<String> = "name", NAME, required;
        /// A component: a name (its file in plugins.dir, else the built-in one), a path, sha256:…, or oci://registry/name:tag@sha256:….
        PLUGIN_: Line<PluginSource> = "plugin", PLUGIN;
        /// Native code: ai asks the providers, publish makes the page live, files writes it to a folder too, notify tells the person.
        ADAPTER: Choice<AdapterStage> = "adapter", ADAPTERS;
        /// Only for these: build (a page is to be made), edit, chat (a coach answers by AI), reply (the coach has said it already). Unset: wherever there is work for it.
        WHEN: OneOrMore<Choice<When>> = "when", OneOrMore(WHENS);
        /// What a filter looks at.
        ON: OneOrMore<Choice<FilterOn>> = "on", OneOrMore(ONS);
        /// For the plugin, as JSON; for the adapter files: dir.
        CONFIG: Free = "config", FREE, or "{}";
        /// What the plugin is allowed beyond log.
        GRANT: OneOrMore<Line<Grant>> = "grant", OneOrMore(GRANTED), or "[]";
        /// Memory of one call; unset: plugins.memory.
        MEMORY: Size = "memory", size(MIB, 4096 * MIB);
        /// Processor time of one call; unset: plugins.deadline.
        DEADLINE: Time = "deadline", time(1, HOUR);
        /// Fuel of one call; unset: plugins.fuel.
        FUEL: Whole<u64> = "fuel", whole(1, u64::MAX);
        /// What one call may take in or give back; unset: plugins.message.
        MESSAGE: Size = "message", size(64 << 10, 1024 * MIB);
        /// The share of people a new version serves first; unset: plugins.canary.
        CANARY: Whole<u8> = "canary", whole(1, 100);
        /// Whether a new version runs beside the old one first; unset: plugins.shadow.
        SHADOW: Flag = "shadow", Flag;
    }

    /// A case that `wtaf-host test` tries on the plugins themselves, with nobody texted, no AI asked and nothing kept.
    case "[[test]]" {
        /// What it shows, in a sentence; unique.
        NAME_: Line<String> = "name", TEXT, required;
        /// Where it comes in: a text, the web chat, or a dropped file.
        SOURCE: Choice<Source> = "source", SOURCES, or "\"sms\"";
        /// The number it comes from. Unset: one of its own; in the web chat a guest, unless `slug` says who.
        FROM: Line<Phone> = "from", NUMBER;
        /// Someone who has joined before, by the first part of their pages' addresses. Unset: nobody has heard of them.
        SLUG: Line<String> = "slug", NAME;
        /// Their role. Unset: what new people are.
        ROLE: Line<String> = "role", TEXT;
        /// What they asked before, in order; the demo provider answered.
        BEFORE: OneOrMore<Line<String>> = "before", OneOrMore(TEXT), or "[]";
        /// What comes in.
        TEXT_: Line<String> = "text", TEXT, required;
        /// What the AI says, call by call, the last again and again. Unset: what the demo provider says.
        ANSWER: OneOrMore<Line<String>> = "answer", OneOrMore(TEXT);
        /// Whether it answers, is cut off (each answer but the last of several), refuses, or no provider is up.
        AI_: Choice<AiPart> = "ai", AI_PARTS, or "\"answers\"";
        /// What must come of it.
        EXPECT: Section = "expect", Section(&expect::TABLE), or "{}";
    }

    /// What must come of a case. What is not here may be as it likes.
    expect "[test.expect]" {
        /// How the job ends.
        STATUS: Choice<Status> = "status", ENDS, or "\"done\"";
        /// What the coach orders (page, app, game, edit, chat…), or reply or silence where it orders nothing.
        KIND_: Line<String> = "kind", TEXT;
        /// Words in what the person reads, texts and chat together.
        REPLY: OneOrMore<Line<String>> = "reply", OneOrMore(TEXT);
        /// How many texts they get.
        TEXTS: Whole<usize> = "texts", whole(0, 1_000);
        /// What the page is called.
        TITLE: Line<String> = "title", TEXT;
        /// The last part of its address.
        SLUG_: Line<String> = "slug", TEXT;
        /// Words in the page's HTML.
        PAGE: OneOrMore<Line<String>> = "page", OneOrMore(TEXT);
        /// Words in what the AI is told.
        PROMPT: OneOrMore<Line<String>> = "prompt", OneOrMore(TEXT);
        /// The code of what stood in the way: refused, limit, no-page, ai-unavailable, plugin…
        ERROR: Line<String> = "error", TEXT;
        /// The stages that run, in order.
        STAGES: Listed<Line<String>> = "stages", Listed(TEXT);
    }

    /// The config of the adapter files.
    files "the config of the adapter files" {
        /// Where pages are written, as {user}/{app}.html.
        DIR: Line<PathBuf> = "dir", FOLDER, or "\"public\"";
    }

    /// The config of an adapter that needs none.
    bare "the config of this adapter" {
    }
}

/// Whether what stands under a key of this name is likely a secret, wherever it stands.
pub fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["key", "token", "secret", "passw"].iter().any(|word| name.contains(word))
}

/// The section a key belongs to, where only one has it.
pub fn owner_of(name: &str) -> Option<&'static str> {
    let sections = root::TABLE.keys.iter().filter_map(|key| match key.shape() {
        Shape::Table(table) | Shape::Tables(table) => Some(table),
        _ => None,
    });
    // A case has a word for everything, and nobody looks for a setting there.
    let settings = sections.filter(|table| table.called != case::TABLE.called);
    let mut owners = settings.filter(|table| table.key(name).is_some()).map(|table| table.called);
    let owner = owners.next()?;
    owners.next().is_none().then_some(owner)
}

/// Every table, the root first.
#[cfg(test)]
pub fn all_tables() -> Vec<&'static Table> {
    fn below(table: &'static Table, all: &mut Vec<&'static Table>) {
        all.push(table);
        for key in table.keys {
            if let Shape::Table(table) | Shape::Tables(table) = key.shape() {
                below(table, all);
            }
        }
    }
    let mut all = Vec::new();
    below(&root::TABLE, &mut all);
    all
}
