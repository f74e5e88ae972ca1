//! Puts the engine together from a checked pipeline: the one place where adapters are chosen.

use std::sync::Arc;

use miette::{IntoDiagnostic, WrapErr};
use tokio_util::sync::CancellationToken;

use super::ConfigArgs;
use crate::{
    adapter::{
        ai::{self, Ai},
        queue::{FilesQueue, Queue, Roles},
        sms,
        store::{self, Store},
    },
    config::{self, Checked, Faults, QueueBackend},
    engine::{Components, Engine, Generations, Outside, Parts, Plugins, Runner, Workshop, sources},
    plugin::{Engines, Recordings, Registry, Sandbox},
};

/// Reads and checks the file.
pub(crate) fn load(args: &ConfigArgs) -> Result<Checked, Faults> {
    config::load(&args.file, &args.set, &Components)
}

/// Opens the queue in the given roles.
pub(crate) fn queue(pipeline: &Checked, roles: Roles) -> miette::Result<Arc<FilesQueue>> {
    match &pipeline.queue.backend {
        QueueBackend::Files => {
            FilesQueue::open(&pipeline.data_dir, roles, pipeline.queue.max_waiting).into_diagnostic()
        }
        QueueBackend::Nats(_) => Err(miette::miette!(
            help = "set queue.backend = \"files\"",
            "queue.backend = \"nats\" is not built into this version"
        )),
    }
}

/// A whole engine, both halves.
pub(crate) struct Booted {
    pub engine: Arc<Engine>,
    pub runner: Runner,
}

/// Connects everything.
pub(crate) async fn boot(
    pipeline: Arc<Checked>,
    overrides: Vec<String>,
    stopping: CancellationToken,
) -> miette::Result<Booted> {
    let queue: Arc<dyn Queue> = queue(&pipeline, Roles { web: true, worker: true })?;
    let store = open_store(&pipeline).await?;
    let callback = pipeline.server.url("/sms/status").parse().ok();
    let sms = sms::carrier(&pipeline.sms, &pipeline.data_dir, callback).into_diagnostic()?;
    let recordings = Recordings::open(&pipeline.data_dir, pipeline.plugins.record, pipeline.plugins.record_words)
        .into_diagnostic()?;
    let workshop = Arc::new(workshop(&pipeline, overrides)?);
    let generations = Arc::new(generations(Arc::clone(&pipeline), Arc::clone(&workshop)).await?);
    let engine = Arc::new(Engine::new(pipeline, Arc::clone(&queue), Arc::clone(&store), Arc::clone(&sms)));
    let outside = Outside { queue, store, sms, recordings: Arc::new(recordings), stopping };
    let parts = Parts::new(outside, generations, workshop);
    Ok(Booted { engine, runner: Runner::new(parts) })
}

/// The database.
pub(crate) async fn open_store(pipeline: &Checked) -> miette::Result<Arc<dyn Store>> {
    store::open(&pipeline.store.url).await.into_diagnostic().wrap_err("the database ([store] url)")
}

fn workshop(pipeline: &Checked, overrides: Vec<String>) -> miette::Result<Workshop> {
    let sandbox =
        Sandbox::new(&Engines::of(pipeline)).map_err(|error| miette::miette!("the WebAssembly engine: {error:#}"))?;
    let registry = Arc::new(Registry::new(sandbox, &pipeline.plugins.dir, &pipeline.data_dir));
    let chain = |pipeline: &Checked| -> Result<Arc<dyn Ai>, String> {
        Ok(Arc::new(ai::chain(&pipeline.ai).map_err(|error| error.to_string())?))
    };
    Ok(Workshop::new(registry, pipeline.path(), overrides, Box::new(chain)))
}

async fn generations(pipeline: Arc<Checked>, workshop: Arc<Workshop>) -> miette::Result<Generations> {
    let load = move || -> miette::Result<Generations> {
        let mut plugins = Plugins::new();
        for source in sources(&pipeline) {
            plugins.insert(source.key(), workshop.registry().load(&source).into_diagnostic()?);
        }
        workshop.registry().sandbox().give_way();
        let generation = workshop.assemble(Arc::clone(&pipeline), plugins).into_diagnostic()?;
        Generations::new(Arc::new(generation), &pipeline.data_dir).into_diagnostic()
    };
    tokio::task::spawn_blocking(load).await.into_diagnostic()?
}
