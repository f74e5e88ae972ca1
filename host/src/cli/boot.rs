//! Puts the engine together from a checked pipeline: the one place where adapters are chosen.

use std::sync::Arc;

use miette::{IntoDiagnostic, WrapErr};
use tokio_util::sync::CancellationToken;

use super::ConfigArgs;
use crate::{
    adapter::{
        ai,
        queue::{FilesQueue, Queue, Roles},
        sms,
        store::{self, Store},
    },
    config::{self, Checked, Faults, OciReference, Places, PluginSource, QueueBackend, Role, RoleOf},
    engine::{Engine, Generation, Parts, Runner},
    plugin::{
        self, Registry, Sandbox,
        oci::{self, Pulled},
        signature::Trust,
    },
};

/// Answers the flow check by reading the components themselves.
pub(crate) struct Components;

impl RoleOf for Components {
    fn role_of(&self, source: &PluginSource, places: Places<'_>) -> Result<Role, String> {
        plugin::role_of(source, places)
    }
}

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
pub(crate) async fn boot(pipeline: Arc<Checked>, stopping: CancellationToken) -> miette::Result<Booted> {
    let queue: Arc<dyn Queue> = queue(&pipeline, Roles { web: true, worker: true })?;
    let store = open_store(&pipeline).await?;
    let callback = pipeline.server.url("/sms/status").parse().ok();
    let sms = sms::carrier(&pipeline.sms, &pipeline.data_dir, callback).into_diagnostic()?;
    let ai = Arc::new(ai::chain(&pipeline.ai).into_diagnostic()?);
    let generation = generation(Arc::clone(&pipeline)).await?;
    let engine = Arc::new(Engine::new(pipeline, Arc::clone(&queue), Arc::clone(&store), Arc::clone(&sms)));
    let parts = Parts::new(generation, queue, store, ai, sms, stopping);
    Ok(Booted { engine, runner: Runner::new(parts) })
}

/// The database.
pub(crate) async fn open_store(pipeline: &Checked) -> miette::Result<Arc<dyn Store>> {
    store::open(&pipeline.store.url).await.into_diagnostic().wrap_err("the database ([store] url)")
}

async fn generation(pipeline: Arc<Checked>) -> miette::Result<Generation> {
    look_up_tags(&pipeline).await?;
    let load = move || -> miette::Result<Generation> {
        let sandbox = Sandbox::new(plugin::counts_fuel(&pipeline))
            .map_err(|error| miette::miette!("the WebAssembly engine: {error:#}"))?;
        let registry = Registry::new(sandbox, &pipeline.plugins.dir, &pipeline.data_dir);
        Generation::load(Arc::clone(&pipeline), &registry).into_diagnostic()
    };
    tokio::task::spawn_blocking(load).await.into_diagnostic()?
}

/// What tags in registries mean now; one that is signed by nobody we know goes on meaning what it did.
async fn look_up_tags(pipeline: &Checked) -> miette::Result<()> {
    let kept = pipeline.data_dir.join("plugins");
    let trust = Trust::open(&pipeline.plugins.keys, &kept).into_diagnostic()?;
    let admit = |reference: &OciReference, role: Role, pulled: &Pulled| {
        let checked = trust.admit(&pulled.bytes, Some(reference.name()), role);
        checked.map(|_| ()).map_err(|why| why.to_string())
    };
    oci::at_start(&oci::Cache::new(&kept), &pipeline.stages, &oci::PullOptions::default(), admit).await;
    Ok(())
}
