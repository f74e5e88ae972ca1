//! pipeline.toml, from text to a checked pipeline.
//!
//! The rest of the engine sees only [`Checked`]: every string expanded, every unit parsed, every fault already told. Every fault is found, not
//! the first, and each says where, why and what to do. Nothing here opens a socket or a database.

mod case;
mod document;
mod dotenv;
mod expand;
mod fault;
mod flow;
mod grant;
mod graph;
mod keys;
mod kinds;
mod model;
mod overrides;
#[cfg(test)]
mod page;
mod plugin;
mod read;
mod reference;
mod render;
mod schema;
mod shown;
mod trust;
mod units;
mod walk;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use secrecy::ExposeSecret;

pub use self::{
    case::{Acquaintance, AiSays, Case, Expect, Wanted},
    fault::{Code, Fault, Faults, Spot},
    grant::{Grant, UnknownGrant},
    graph::mermaid,
    model::*,
    plugin::{Places, RoleOf},
    reference::{NotAReference, OciReference},
    schema::{schema, schema_text},
    trust::{NotAKey, PublicKey, SECRET_KEY},
};
use self::{
    document::{At, Slip},
    fault::{Found, Source},
    walk::Walk,
};

/// What a pipeline is made of.
pub struct Sources<'a> {
    /// The file, as the person named it: diagnostics begin with it, relative paths start from its folder.
    pub path: &'a Path,
    /// Its text.
    pub text: &'a str,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The `.env` beside the file; the environment goes before it.
    pub dotenv: BTreeMap<String, String>,
    /// `--set key=value`, in order.
    pub overrides: &'a [String],
}

/// Reads the file and the `.env` beside it, and checks all of it.
pub fn load(path: &Path, overrides: &[String], roles: &dyn RoleOf) -> Result<Checked, Faults> {
    load_text(path, &read_file(path)?, overrides, roles)
}

/// The same for a text that is not in the file, or no longer is: relative paths and the `.env` are those of the file.
pub fn load_text(path: &Path, text: &str, overrides: &[String], roles: &dyn RoleOf) -> Result<Checked, Faults> {
    let env_path = path.with_file_name(".env");
    let (dotenv, bad_lines) = dotenv::read(&env_path).map_err(|error| {
        let message = format!("{} cannot be read: {error}", env_path.display());
        elsewhere(&env_path, "", vec![Found::new(Code::Dotenv, At::TOP, message)])
    })?;
    if !bad_lines.is_empty() {
        return Err(bad_dotenv(&env_path, &bad_lines));
    }
    let env = |name: &str| std::env::var(name).ok();
    parse(Sources { path, text, env: &env, dotenv, overrides }, roles)
}

/// Checks a text.
pub fn parse(sources: Sources<'_>, roles: &dyn RoleOf) -> Result<Checked, Faults> {
    let Sources { path, text, env, dotenv, overrides } = sources;
    let base = folder_of(path);
    let lookup = |name: &str| env(name).or_else(|| dotenv.get(name).cloned());
    let mut texts = vec![Source { name: path.display().to_string(), text: text.to_owned() }];
    texts.extend(
        overrides
            .iter()
            .enumerate()
            .map(|(index, text)| Source { name: format!("--set {}", index + 1), text: text.clone() }),
    );
    let mut walk = Walk::new(&base, &lookup, texts);

    let (mut entries, slips) = document::document(text);
    if entries.is_empty() && slips.is_empty() {
        let message = "the file is empty: there is no pipeline in it";
        walk.push(
            Found::new(Code::Empty, At::TOP, message).help("begin with the pipeline.toml that comes with wtaf-host"),
        );
        let (texts, found) = walk.finish();
        return Err(Faults::new(texts, found));
    }
    for (index, text) in overrides.iter().enumerate() {
        if let Err(fault) = overrides::apply(&mut entries, text, index + 1) {
            walk.push(*fault);
            if let Some(at) = overrides::doubtful(text, index + 1) {
                walk.hide(at);
            }
        }
    }
    let read = read::pipeline(&mut walk, &entries, roles);
    match read {
        Some(read) if walk.is_clean() && slips.is_empty() => Ok(Checked {
            pipeline: read.pipeline,
            public_url_given: read.public_url_given,
            path: path.to_owned(),
            text: text.to_owned(),
            listening: None,
        }),
        _ => {
            slips.iter().flat_map(|slip| secrets_near(text, slip.at)).for_each(|at| walk.hide(at));
            let (texts, found) = walk.finish();
            Err(Faults::new(texts, with_slips(text, found, &slips)))
        }
    }
}

/// The bucket that plugins come from, as far as a file can be read that does not hold without what is in it.
pub fn cluster(path: &Path, overrides: &[String]) -> Option<Home> {
    let text = read_file(path).ok()?;
    let (dotenv, _) = dotenv::read(&path.with_file_name(".env")).ok()?;
    let base = folder_of(path);
    let lookup = |name: &str| std::env::var(name).ok().or_else(|| dotenv.get(name).cloned());
    let mut texts = vec![Source { name: path.display().to_string(), text: text.clone() }];
    texts.extend(overrides.iter().map(|text| Source { name: String::new(), text: text.clone() }));
    let mut walk = Walk::new(&base, &lookup, texts);
    let (mut entries, _) = document::document(&text);
    for (index, text) in overrides.iter().enumerate() {
        overrides::apply(&mut entries, text, index + 1).ok()?;
    }
    read::home(&mut walk, &entries)
}

impl Checked {
    /// The file's text as an operator may see it: variables by their names, secrets as stars.
    pub fn shown(&self) -> String {
        let server = &self.pipeline.server;
        let of_sms = match &self.pipeline.sms.provider {
            SmsProvider::Twilio(twilio) => twilio.auth_tokens.as_slice(),
            SmsProvider::Console => &[],
        };
        let keys = self.pipeline.ai.iter().filter_map(|ai| ai.api_key.as_ref());
        let tokens = server.admin_token.iter().chain(&server.bridge_token);
        let known: Vec<&str> = keys.chain(tokens).chain(of_sms).map(ExposeSecret::expose_secret).collect();
        shown::without_secrets(&self.text, &known)
    }

    /// The same with all that it would keep in a folder that may be thrown away: for trying cases, beside an engine that runs.
    #[must_use]
    pub fn kept_in(&self, folder: &Path) -> Self {
        let mut other = self.clone();
        let pipeline = &mut other.pipeline;
        folder.clone_into(&mut pipeline.data_dir);
        pipeline.queue.backend = QueueBackend::Files;
        pipeline.store = Store { url: StoreUrl::Sqlite(folder.join("wtaf.db")), listen_url: None };
        pipeline.sms.provider = SmsProvider::Console;
        for stage in &mut pipeline.stages {
            if matches!(stage.runs, Runs::Adapter(AdapterStage::Files)) {
                let dir = folder.join("files").to_string_lossy().into_owned();
                stage.config.insert("dir".to_owned(), dir.into());
            }
        }
        other
    }

    /// Where the engine really listens, once it does.
    pub fn listening(&self) -> SocketAddr {
        self.listening.unwrap_or(self.pipeline.server.listen)
    }

    /// Takes note of where the engine really listens: where the file names no `server.public_url`, that follows the port the kernel chose.
    pub fn listening_on(&mut self, address: SocketAddr) {
        self.listening = Some(address);
        if let (false, Some(url)) = (self.public_url_given, read::local_url(address.port())) {
            self.pipeline.server.public_url = url;
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

fn read_file(path: &Path) -> Result<String, Faults> {
    let bytes = std::fs::read(path).map_err(|error| {
        let message = format!("{} cannot be read: {error}", path.display());
        let help = "name the file: wtaf-host run pipeline.toml";
        elsewhere(path, "", vec![Found::new(Code::Unreadable, At::TOP, message).help(help)])
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let start = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let at = At { source: 0, start, end: start + 1 };
        elsewhere(path, &text, vec![Found::new(Code::Unreadable, at, "the file is not UTF-8").help("save it as UTF-8")])
    })
}

/// Its lines hold secrets, so none is shown: line breaks are all the source there is.
fn bad_dotenv(path: &Path, lines: &[usize]) -> Faults {
    let last = lines.iter().copied().max().unwrap_or(1);
    let found = lines.iter().map(|line| {
        let at = At { source: 0, start: line - 1, end: line - 1 };
        Found::new(Code::Dotenv, at, "this line is no NAME=value").help("quote values with spaces: NAME=\"two words\"")
    });
    elsewhere(path, &"\n".repeat(last), found.collect())
}

fn elsewhere(path: &Path, text: &str, found: Vec<Found>) -> Faults {
    Faults::new(vec![Source { name: path.display().to_string(), text: text.to_owned() }], found)
}

/// Adds slips of syntax, and drops what may be nothing but their echo: what is missing, and what stands under a broken header.
fn with_slips(text: &str, found: Vec<Found>, slips: &[Slip]) -> Vec<Found> {
    if slips.is_empty() {
        return found;
    }
    let zones: Vec<_> = slips.iter().map(|slip| zone(text, slip.at)).collect();
    let echo = |found: &Found| {
        let inside = found.at.source == 0 && zones.iter().any(|zone| zone.contains(&found.at.start));
        inside || found.code.is_of_absence()
    };
    let mut all: Vec<_> = found.into_iter().filter(|found| !echo(found)).collect();
    all.extend(slips.iter().map(slip_fault));
    all
}

fn slip_fault(slip: &Slip) -> Found {
    if slip.message.starts_with("duplicate key") {
        return Found::new(Code::Duplicate, slip.at, "this is set twice").help("keep one of the two");
    }
    Found::new(Code::Syntax, slip.at, format!("not TOML: {}", slip.message))
}

/// What stands under keys that sound secret, on lines the parser did not understand.
fn secrets_near(text: &str, at: At) -> Vec<At> {
    let zone = zone(text, at);
    let mut start = zone.start;
    let mut secrets = Vec::new();
    for line in text[zone].split_inclusive('\n') {
        if let Some((key, _)) = line.split_once('=').filter(|(key, _)| keys::sounds_secret(key)) {
            let value = line[key.len() + 1..].trim();
            let from = start + line.len() - line[key.len() + 1..].trim_start().len();
            secrets.push(At { source: 0, start: from, end: from + value.len() });
        }
        start += line.len();
    }
    secrets
}

/// The bytes a slip makes doubtful: its line, and where that is a header, all up to the next.
fn zone(text: &str, at: At) -> std::ops::Range<usize> {
    let start = text.floor_char_boundary(at.start.min(text.len()));
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let end_of_line = |from: usize| text[from..].find('\n').map_or(text.len(), |at| from + at + 1);
    let mut end = end_of_line(start);
    if text[line..].trim_start().starts_with('[') {
        while end < text.len() && !text[end..].trim_start_matches([' ', '\t']).starts_with('[') {
            end = end_of_line(end);
        }
    }
    line..end.max(at.end)
}
