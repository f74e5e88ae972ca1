//! Where cases are tried: the plugins are compiled once; each case has a database, an AI and a person of its own.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use miette::{IntoDiagnostic, WrapErr, miette};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::came::Came;
use crate::{
    adapter::{
        ai::Script,
        queue::MemoryQueue,
        sms::{Sms, SmsError, Taken, Text},
        store::{self, Store},
    },
    config::{Acquaintance, Case, Checked, StoreUrl},
    engine::{Generation, Generations, OnRecord, Outside, Parts, Plugins, Rebuild, see_through, sources},
    job::{Asker, GuestKey, JobId, Millis, Phone, Request, Source, reserved::RESERVED},
    plugin::{Engines, Plugin, Recordings, Registry, Sandbox},
};

/// The number of whoever has none: of no country's, and so nobody's.
const NOBODY: &str = "+999000000000";

/// What new people are, where `[roles] new` does not say.
const NEW: &str = "coder";

/// What all cases share.
pub(super) struct Lab {
    /// As it is, but for where things are kept.
    pipeline: Checked,
    plugins: Plugins,
    spare_coach: Arc<Plugin>,
    folder: TempDir,
    /// A database with its tables, to copy.
    tables: PathBuf,
}

impl Lab {
    /// Compiles what the pipeline names, or takes what an engine has compiled before.
    pub(super) async fn open(pipeline: &Checked) -> miette::Result<Self> {
        let of = pipeline.clone();
        let loaded = tokio::task::spawn_blocking(move || load(&of)).await.into_diagnostic()?;
        let (plugins, spare_coach) = loaded?;
        let folder = folder().into_diagnostic().wrap_err("a folder for what the cases keep")?;
        let tables = folder.path().join("tables.db");
        store::migrate(&StoreUrl::Sqlite(tables.clone())).await.into_diagnostic()?;
        Ok(Self { pipeline: pipeline.clone(), plugins, spare_coach, folder, tables })
    }

    /// Tries a case.
    pub(super) async fn run(&self, number: usize, case: &Case) -> miette::Result<Came> {
        let home = self.folder.path().join(number.to_string());
        std::fs::create_dir(&home).into_diagnostic()?;
        let ai = Arc::new(Script::default());
        let parts = self.parts(home, &ai).await?;
        let asker = asker(case)?;
        if let Some(known) = &case.known {
            self.introduce(&*parts.store, &asker, known).await?;
        }
        let seed = seed(case);
        for text in &case.before {
            ask(&parts, case, &asker, text, seed).await?;
        }
        ai.play(&case.ai);
        let job = ask(&parts, case, &asker, &case.text, seed).await?;
        let job = parts.queue.find(job).await.into_diagnostic()?.ok_or_else(|| miette!("its job is gone"))?;
        Came::of(job, &*parts.store, ai.heard()).await.into_diagnostic()
    }

    /// An engine's parts with nothing behind them.
    async fn parts(&self, home: PathBuf, ai: &Arc<Script>) -> miette::Result<Arc<Parts>> {
        let pipeline = Arc::new(self.pipeline.kept_in(&home));
        if let StoreUrl::Sqlite(file) = &pipeline.store.url {
            std::fs::copy(&self.tables, file).into_diagnostic()?;
        }
        let store = store::open(&pipeline.store.url).await.into_diagnostic()?;
        let spare_coach = Arc::clone(&self.spare_coach);
        let ai = Arc::clone(ai);
        let generation = Generation::new(Arc::clone(&pipeline), ai, &self.plugins, spare_coach).into_diagnostic()?;
        let generations = Generations::new(&Arc::new(generation), &home).into_diagnostic()?;
        let outside = Outside {
            queue: Arc::new(MemoryQueue::default()),
            store,
            sms: Arc::new(Nobody),
            recordings: Arc::new(Recordings::open(&home, 0, false).into_diagnostic()?),
            elsewhere: None,
            stopping: CancellationToken::new(),
        };
        Ok(Parts::new(outside, Arc::new(generations), Arc::new(Unneeded)))
    }

    async fn introduce(&self, store: &dyn Store, asker: &Asker, known: &Acquaintance) -> miette::Result<()> {
        let new = self.pipeline.roles.get("new").and_then(serde_json::Value::as_str).unwrap_or(NEW);
        let role = known.role.as_deref().unwrap_or(new);
        let since = Millis::now().before(std::time::Duration::from_hours(24));
        let slugs = [known.slug.clone()];
        let joined = store.join(asker, &slugs, RESERVED, role, since).await.into_diagnostic()?;
        if joined.person.slug != known.slug {
            return Err(miette!("nobody may be called `{}`", known.slug));
        }
        store.confirm(joined.person.id).await.into_diagnostic()
    }
}

/// Everything the pipeline names, as it is at this moment, and the engine's own coach.
fn load(pipeline: &Checked) -> miette::Result<(Plugins, Arc<Plugin>)> {
    // Trying leaves nothing behind: what is compiled is kept only where an engine keeps such already.
    let engines =
        Engines { data_dir: Some(pipeline.data_dir.clone()).filter(|dir| dir.exists()), ..Engines::of(pipeline) };
    let sandbox = Sandbox::new(&engines).map_err(|error| miette!("the WebAssembly engine: {error:#}"))?;
    let registry = Registry::new(sandbox, &pipeline.plugins.dir, &pipeline.data_dir);
    let mut plugins = Plugins::new();
    for source in sources(pipeline) {
        let plugin =
            registry.load(&source).into_diagnostic().wrap_err_with(|| format!("the plugin {}", source.name()))?;
        plugins.insert(source.key(), plugin);
    }
    Ok((plugins, registry.embedded("coach").into_diagnostic()?))
}

/// In memory where the machine has such a folder: what is kept there is synced to no disk.
fn folder() -> std::io::Result<TempDir> {
    let named = |at: &mut tempfile::Builder<'_, '_>| at.prefix("wtaf-test-").tempdir_in("/dev/shm");
    named(&mut tempfile::Builder::new()).or_else(|_| tempfile::Builder::new().prefix("wtaf-test-").tempdir())
}

fn asker(case: &Case) -> miette::Result<Asker> {
    Ok(match (&case.from, case.source, &case.known) {
        (Some(phone), ..) => Asker::Phone(phone.clone()),
        (None, Source::Web, None) => Asker::Guest(GuestKey::of_token(&case.name)),
        (None, ..) => Asker::Phone(NOBODY.parse::<Phone>().into_diagnostic()?),
    })
}

/// Chance is the same each time a case is tried.
fn seed(case: &Case) -> u64 {
    let digest = Sha256::digest(case.name.as_bytes());
    digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// Has a request worked on until nothing more will come of it.
async fn ask(parts: &Arc<Parts>, case: &Case, asker: &Asker, text: &str, seed: u64) -> miette::Result<JobId> {
    let request = Request {
        source: case.source,
        asker: asker.clone(),
        text: text.to_owned(),
        media: Vec::new(),
        delivery: None,
        opt_out: None,
        coach: None,
        user_slug: None,
    };
    parts.queue.accept(request).await.into_diagnostic()?;
    let mut job = parts.queue.next().await.into_diagnostic()?;
    job.seed = seed;
    Ok(see_through(parts, job).await.into_diagnostic()?.id)
}

/// A carrier that carries nothing. Nobody asks it: texts stay in the outbox of the case.
struct Nobody;

#[async_trait]
impl Sms for Nobody {
    async fn send(&self, _text: &Text) -> Result<Taken, SmsError> {
        Err(SmsError::Undeliverable {
            code: "test".to_owned(),
            why: "nobody is texted while cases are tried".to_owned(),
        })
    }

    async fn find_taken(&self, _to: &Phone, _body: &str, _since: Millis) -> Result<Option<Taken>, SmsError> {
        Ok(None)
    }
}

/// Each case begins and ends on the one generation there is.
struct Unneeded;

impl Rebuild for Unneeded {
    fn rebuild(&self, _record: &OnRecord, _now: &Checked) -> Result<Generation, String> {
        Err("a case has one generation".to_owned())
    }
}
