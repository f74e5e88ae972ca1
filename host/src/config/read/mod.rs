//! From the walked document to a [`Pipeline`]: the sections, and the rules between keys.
//!
//! A section's reader takes all its keys before it looks at any, so that one fault hides no other.

mod ai;
mod case;
mod queue;
mod sms;
mod stage;

use serde_json::{Map, Value};
use url::Url;

use super::{
    document::{At, Entry},
    fault::{Code, Found},
    flow,
    keys::{coach, data, limits, plugins, root, server, store, web},
    kinds::{Roles, unknown_role},
    model::{Home, Limits, Pipeline, PluginHome, Plugins, Queue, Server, Store, StoreUrl, TrialRule, Web},
    plugin::{Finder, Places, RoleOf},
    walk::{View, Walk},
};

/// A pipeline, and what only the file knows of it.
pub struct Read {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Whether `server.public_url` was set.
    pub public_url_given: bool,
}

/// Reads a whole document; `None` where a fault was noted.
pub fn pipeline(walk: &mut Walk<'_>, entries: &[Entry], roles: &dyn RoleOf) -> Option<Read> {
    let top = View::new(walk, &root::TABLE, entries, At::TOP, "");
    let server = top.get(walk, &root::SERVER).and_then(|view| read_server(walk, &view));
    let web = top.get(walk, &root::WEB).and_then(|view| read_web(walk, &view));
    let data = top.get(walk, &root::DATA);
    let data_dir = data.as_ref().and_then(|view| view.get(walk, &data::DIR));
    let keep = data.as_ref().and_then(|view| view.get(walk, &data::KEEP));
    let queue = top.get(walk, &root::QUEUE).and_then(|view| queue::read(walk, &view));
    let store = top.get(walk, &root::STORE_).and_then(|view| read_store(walk, &view, data_dir.as_deref()));
    let ai = top.need(walk, &root::AI).and_then(|views| ai::read(walk, &views));
    let sms = top.get(walk, &root::SMS).and_then(|view| sms::read(walk, &view));
    let role_table = top.get(walk, &root::ROLE_TABLE);
    let limits = top.get(walk, &root::LIMITS).and_then(|view| read_limits(walk, &view, role_table.as_ref()));
    let plugins = top.get(walk, &root::PLUGINS).and_then(|view| read_plugins(walk, &view, queue.as_ref()));
    let coaches = top.get(walk, &root::COACH).and_then(|views| read_coaches(walk, &views));
    let plugins_dir = plugins.as_ref().map_or_else(|| walk.base().join("plugins/installed"), |it| it.dir.clone());
    let kept_in = data_dir.clone().unwrap_or_else(|| walk.base().join("data"));
    let stages = top.need(walk, &root::STAGE).and_then(|views| {
        let places = Places { dir: &plugins_dir, data_dir: &kept_in };
        let found = stage::read(walk, &views, &Finder { roles, places });
        flow::check(walk, found)
    });
    let tests =
        top.get(walk, &root::TEST).and_then(|views| case::read(walk, &views, role_table.as_ref(), stages.as_deref()));
    let (server, public_url_given) = server?;
    let pipeline = Pipeline {
        server,
        web: web?,
        data_dir: data_dir?,
        keep: keep?,
        queue: queue?,
        store: store?,
        ai: ai?,
        sms: sms?,
        limits: limits?,
        plugins: plugins?,
        roles: role_table?,
        coaches: coaches?,
        stages: stages?,
        tests: tests?,
    };
    Some(Read { pipeline, public_url_given })
}

/// The bucket that plugins come from, whatever else the document says.
pub fn home(walk: &mut Walk<'_>, entries: &[Entry]) -> Option<Home> {
    let top = View::new(walk, &root::TABLE, entries, At::TOP, "");
    let queue = top.get(walk, &root::QUEUE).and_then(|view| queue::read(walk, &view))?;
    let plugins = top.get(walk, &root::PLUGINS)?;
    match plugins.get(walk, &plugins::SOURCE)? {
        PluginHome::Bucket(bucket) => Some(Home { bucket, nats: queue.nats? }),
        PluginHome::Folder(_) => None,
    }
}

fn read_server(walk: &mut Walk<'_>, view: &View) -> Option<(Server, bool)> {
    let given = view.has(walk, &server::PUBLIC_URL);
    let listen = view.get(walk, &server::LISTEN);
    let metrics_listen = view.get(walk, &server::METRICS_LISTEN);
    let public_url = view.get(walk, &server::PUBLIC_URL);
    let admin_token = view.get(walk, &server::ADMIN_TOKEN);
    let bridge_token = view.get(walk, &server::BRIDGE_TOKEN);
    let pages_url = view.get(walk, &server::PAGES_URL);
    let trusted_proxies = view.get(walk, &server::TRUSTED_PROXIES);
    let shutdown_timeout = view.get(walk, &server::SHUTDOWN_TIMEOUT);
    let listen = listen?;
    let public_url = if given { public_url? } else { local_url(listen.port())? };
    if pages_url.as_ref().is_some_and(|pages| pages.origin() == public_url.origin()) {
        let fault = Found::new(
            Code::Conflict,
            view.at_of(&server::PAGES_URL),
            "`server.pages_url` is where `server.public_url` is, and that protects nothing",
        );
        walk.push(fault.help("give pages a domain of their own, or leave it out"));
    }
    let server = Server {
        listen,
        metrics_listen,
        public_url,
        admin_token,
        bridge_token,
        pages_url,
        trusted_proxies: trusted_proxies?,
        shutdown_timeout: shutdown_timeout?,
    };
    Some((server, given))
}

/// What a browser on this machine calls us.
pub fn local_url(port: u16) -> Option<Url> {
    Url::parse(&format!("http://localhost:{port}")).ok()
}

fn read_web(walk: &mut Walk<'_>, view: &View) -> Option<Web> {
    let guests = view.get(walk, &web::GUESTS);
    let allowed_origins = view.get(walk, &web::ALLOWED_ORIGINS);
    Some(Web { guests: guests?, allowed_origins: allowed_origins? })
}

fn read_store(walk: &mut Walk<'_>, view: &View, data_dir: Option<&std::path::Path>) -> Option<Store> {
    let url = if view.has(walk, &store::URL) {
        view.get(walk, &store::URL)
    } else {
        data_dir.map(|dir| StoreUrl::Sqlite(dir.join("wtaf.db")))
    };
    let listen_url = view.get(walk, &store::LISTEN_URL);
    if let (Some(StoreUrl::Sqlite(_)), true) = (&url, view.has(walk, &store::LISTEN_URL)) {
        let at = view.at_of(&store::LISTEN_URL);
        let fault = Found::new(Code::Conflict, at, "`store.listen_url` is of use with PostgreSQL alone");
        walk.push(fault.help("leave it out, or set store.url to a postgres:// URL"));
    }
    Some(Store { url: url?, listen_url })
}

fn read_limits(walk: &mut Walk<'_>, view: &View, roles: Option<&Map<String, Value>>) -> Option<Limits> {
    let enabled = view.get(walk, &limits::ENABLED);
    let guest_per_hour = view.get(walk, &limits::GUEST_PER_HOUR);
    let per_hour = view.get(walk, &limits::PER_HOUR);
    let per_day = view.get(walk, &limits::PER_DAY);
    let per_month = view.get(walk, &limits::PER_MONTH);
    let spend_per_day = view.get(walk, &limits::SPEND_PER_DAY);
    let spend_per_person = view.get(walk, &limits::SPEND_PER_PERSON);
    let factor = view.get(walk, &limits::FACTOR);
    if let (true, Some(factor), Some(roles)) = (view.has(walk, &limits::FACTOR), &factor, roles) {
        let ladder = Roles::ladder(roles);
        for (role, _, at) in factor.iter().filter(|(role, ..)| !ladder.contains(role)) {
            walk.push(unknown_role("limits.factor", role, &ladder, *at));
        }
    }
    Some(Limits {
        enabled: enabled?,
        guest_per_hour: guest_per_hour?,
        per_hour: per_hour?,
        per_day: per_day?,
        per_month: per_month?,
        factor: factor?.into_iter().map(|(role, factor, _)| (role, factor)).collect(),
        spend_per_day,
        spend_per_person,
    })
}

fn read_plugins(walk: &mut Walk<'_>, view: &View, queue: Option<&Queue>) -> Option<Plugins> {
    let dir = view.get(walk, &plugins::DIR);
    let source = view.get(walk, &plugins::SOURCE);
    if let (Some(PluginHome::Bucket(_)), Some(Queue { nats: None, .. })) = (&source, queue) {
        let at = view.at_of(&plugins::SOURCE);
        let fault = Found::new(Code::Missing, at, "plugins that come from a NATS bucket need `queue.nats_url`");
        walk.push(fault.help("such as nats_url = \"nats://127.0.0.1:4222\" in [queue], whatever its backend is"));
    }
    let memory = view.get(walk, &plugins::MEMORY);
    let deadline = view.get(walk, &plugins::DEADLINE);
    let fuel = view.get(walk, &plugins::FUEL);
    let message = view.get(walk, &plugins::MESSAGE);
    let keys = view.get(walk, &plugins::KEYS);
    let refresh = view.get(walk, &plugins::REFRESH);
    if let (Some(memory), Some(most)) = (memory, message)
        && most > memory
    {
        let at = view.entry_at(&plugins::MESSAGE).or_else(|| view.entry_at(&plugins::MEMORY)).unwrap_or(view.at());
        let fault =
            Found::new(Code::Conflict, at, "`plugins.message` is larger than `plugins.memory`: it could never arrive");
        walk.push(fault.help("a call needs several times the memory of what it takes in"));
    }
    let trial = read_trial(walk, view);
    let stack = view.get(walk, &plugins::STACK);
    let canary = view.get(walk, &plugins::CANARY);
    let shadow = view.get(walk, &plugins::SHADOW);
    let rehearse = view.get(walk, &plugins::REHEARSE);
    let record = view.get(walk, &plugins::RECORD);
    let record_words = view.get(walk, &plugins::RECORD_WORDS);
    Some(Plugins {
        dir: dir?,
        source: source?,
        memory: memory?,
        deadline: deadline?,
        fuel,
        message: message?,
        stack: stack?,
        canary,
        shadow: shadow?,
        trial: trial?,
        rehearse: rehearse? as usize,
        record: record? as usize,
        record_words: record_words?,
        keys: keys?,
        refresh,
    })
}

fn read_trial(walk: &mut Walk<'_>, view: &View) -> Option<TrialRule> {
    let window = view.get(walk, &plugins::TRIAL);
    let least = view.get(walk, &plugins::CANARY_TIME);
    let jobs = view.get(walk, &plugins::CANARY_JOBS);
    let strikes = view.get(walk, &plugins::STRIKES);
    let share = view.get(walk, &plugins::STRIKE_SHARE);
    Some(TrialRule { window: window?, least: least?, jobs: jobs?, strikes: strikes?, share: share? })
}

fn read_coaches(walk: &mut Walk<'_>, views: &[View]) -> Option<Vec<Value>> {
    let mut ids = Vec::new();
    let mut coaches = Vec::new();
    for view in views {
        let id = view.need(walk, &coach::ID);
        if let Some(id) = &id {
            ids.push((id.to_lowercase(), view.at_of(&coach::ID)));
        }
        coaches.push(read_coach(walk, view, id));
    }
    unique(walk, "coach", &ids);
    coaches.into_iter().collect()
}

fn read_coach(walk: &mut Walk<'_>, view: &View, id: Option<String>) -> Option<Value> {
    let mut out = Map::new();
    for key in [&coach::NAME_, &coach::ABOUT, &coach::VOICE] {
        put(&mut out, key.name, view.get(walk, key));
    }
    for key in [&coach::LINES, &coach::QUIRKS] {
        put(&mut out, key.name, view.get(walk, key));
    }
    put(&mut out, coach::HIDDEN.name, view.get(walk, &coach::HIDDEN));
    put(&mut out, coach::EXTRA.name, view.get(walk, &coach::EXTRA));
    out.insert(coach::ID.name.to_owned(), id?.into());
    Some(Value::Object(out))
}

fn put(out: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        out.insert(key.to_owned(), value.into());
    }
}

/// Notes every name that is there twice.
pub fn unique(walk: &mut Walk<'_>, what: &str, names: &[(String, At)]) {
    for (index, (name, at)) in names.iter().enumerate() {
        if let Some((_, first)) = names[..index].iter().find(|(earlier, _)| earlier == name) {
            let fault = Found::new(Code::Duplicate, *at, format!("there are two {what} entries called `{name}`"));
            walk.push(fault.label("again here").also(*first, "first here").help("give one of them another name"));
        }
    }
}
