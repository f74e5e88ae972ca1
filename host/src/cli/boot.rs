//! Puts the engine together from a checked pipeline: the one place where adapters are chosen.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt},
    },
    path::Path,
    sync::Arc,
};

use miette::{IntoDiagnostic, WrapErr};
use tokio_util::sync::CancellationToken;

use super::{ConfigArgs, block_on};
use crate::{
    adapter::{
        ai::{self, Ai},
        bucket::{Bucket, BucketError, NatsBucket},
        nats::{Nats, NatsError},
        queue::{FilesQueue, NatsQueue, Queue, Roles, Room},
        sms,
        store::{self, Hearing, Store},
    },
    config::{self, Checked, Faults, OciReference, Places, PluginSource, QueueBackend, Role, RoleOf},
    engine::{
        Components, Elsewhere, Engine, Outside, Parts, Runner, Workshop,
        swap::{self, LastGood, Swaps},
    },
    plugin::{
        self, Engines, Recordings, Registry, Sandbox,
        oci::{self, Pulled},
        signature::Trust,
    },
};

/// Reads and checks the file.
pub(crate) fn load(args: &ConfigArgs) -> Result<Checked, Faults> {
    config::load(&args.file, &args.set, &Components)
}

/// The same for the engine itself and for whoever operates it: where a file is spoiled, the version that was in force counts.
pub(crate) fn load_to_run(args: &ConfigArgs) -> Result<Checked, Faults> {
    load(args).or_else(|faults| {
        let last_good = config::load(&args.file, &args.set, &LastGood);
        if last_good.is_ok() {
            tracing::warn!(
                "a plugin's file is spoiled or of another role: going on with the versions that were in force"
            );
        }
        // The file's own faults are what someone can mend.
        last_good.or_else(|_| load_with_bucket(args, BTreeMap::new())).map_err(|()| faults)
    })
}

/// The same where a plugin it names may be in the bucket alone, or is about to be put there: `more`, by name.
pub(crate) fn load_with_bucket(args: &ConfigArgs, more: BTreeMap<String, Role>) -> Result<Checked, ()> {
    let home = config::cluster(&args.file, &args.set).ok_or(())?;
    let bucket = NatsBucket::new(&home.bucket, home.nats, None);
    let roles = block_on(async {
        let mut roles = more;
        for name in bucket.plugins().await? {
            let Some(said) = bucket.said(&name).await? else { continue };
            let bytes = match bucket.component(&said.standing.in_force.digest).await {
                Ok(bytes) => bytes,
                Err(error) if error.is_transient() => return Err(error),
                // It is told of when it is to run; the others are as good as before.
                Err(_) => continue,
            };
            // One that is no plugin is told of when it is to run.
            roles.extend(plugin::about(&bytes).ok().map(|about| (name, about.role)));
        }
        Ok::<_, BucketError>(roles)
    });
    let roles = roles.map_err(|_| ())?.map_err(|error| {
        tracing::warn!(bucket = %bucket.called(), %error, "what only the bucket has is not known");
    })?;
    config::load(&args.file, &args.set, &AsInBucket(roles)).map_err(|_| ())
}

/// Roles of what is here, else of what the bucket says.
struct AsInBucket(BTreeMap<String, Role>);

impl RoleOf for AsInBucket {
    fn role_of(&self, source: &PluginSource, places: Places<'_>) -> Result<Role, String> {
        LastGood.role_of(source, places).or_else(|why| self.0.get(&source.name()).copied().ok_or(why))
    }
}

/// Opens the queue in the given roles, over a connection where it needs one.
pub(crate) async fn queue(pipeline: &Checked, nats: Option<&Nats>, roles: Roles) -> miette::Result<Arc<dyn Queue>> {
    let room = Room { most: pipeline.queue.max_waiting, oldest: pipeline.queue.max_age };
    match (&pipeline.queue.backend, nats) {
        (QueueBackend::Nats(settings), Some(nats)) => {
            let opened = NatsQueue::open(nats.clone(), &pipeline.data_dir, roles, room, settings.lease).await;
            Ok(opened.into_diagnostic().wrap_err("the queue in NATS")?)
        }
        _ => Ok(FilesQueue::with_room(&pipeline.data_dir, roles, room).into_diagnostic()?),
    }
}

/// Opens the queue to look, from a verb of its own.
pub(crate) async fn queue_to_look(pipeline: &Checked) -> miette::Result<Arc<dyn Queue>> {
    let nats = nats_of_queue(pipeline).await?;
    queue(pipeline, nats.as_ref(), Roles::NONE).await
}

/// The same, and with files no engine can start meanwhile; whether one runs on other machines cannot be known.
pub(crate) async fn queue_alone(pipeline: &Checked) -> miette::Result<Arc<dyn Queue>> {
    match &pipeline.queue.backend {
        QueueBackend::Files => Ok(FilesQueue::hold(&pipeline.data_dir).into_diagnostic()?),
        QueueBackend::Nats(_) => queue_to_look(pipeline).await,
    }
}

async fn nats_of_queue(pipeline: &Checked) -> miette::Result<Option<Nats>> {
    match &pipeline.queue.backend {
        QueueBackend::Files => Ok(None),
        QueueBackend::Nats(_) => nats(pipeline).await,
    }
}

/// An engine: the half that takes requests in, the half that works, or both.
pub(crate) struct Booted {
    pub engine: Arc<Engine>,
    pub works: Option<Works>,
}

/// The half that works.
pub(crate) struct Works {
    pub runner: Runner,
    pub swaps: Arc<Swaps>,
}

/// Connects everything that the roles need.
pub(crate) async fn boot(
    pipeline: Arc<Checked>,
    roles: Roles,
    overrides: Vec<String>,
    stopping: CancellationToken,
) -> miette::Result<Booted> {
    move_in(&pipeline.data_dir);
    let nats = nats(&pipeline).await?;
    let queue = queue(&pipeline, nats.as_ref(), roles).await?;
    let store = open_store(&pipeline).await?;
    let callback = pipeline.server.url("/sms/status").parse().ok();
    let sms = sms::carrier(&pipeline.sms, &pipeline.data_dir, callback).into_diagnostic()?;
    let engine = Engine::new(Arc::clone(&pipeline), Arc::clone(&queue), Arc::clone(&store), Arc::clone(&sms));
    if !roles.worker {
        return Ok(Booted { engine: Arc::new(engine), works: None });
    }
    let recordings = Arc::new(
        Recordings::open(&pipeline.data_dir, pipeline.plugins.record, pipeline.plugins.record_words)
            .into_diagnostic()?,
    );
    let workshop = Arc::new(workshop(&pipeline, overrides)?);
    look_up_tags(&pipeline).await?;
    let bucket = bucket(&pipeline, nats);
    if let Some(bucket) = &bucket
        && let Err(error) = swap::stock(&**bucket, &pipeline).await
    {
        tracing::warn!(bucket = %bucket.called(), %error, "plugins that only the bucket has could not be had");
    }
    let swaps = start(Arc::clone(&pipeline), Arc::clone(&workshop), Arc::clone(&recordings), bucket).await?;
    swaps.join().await;
    // What changed while nobody ran is looked at before the first job is taken up.
    swaps.look_at_everything().await;
    let elsewhere: Option<Arc<dyn Elsewhere>> =
        pipeline.plugins.source.bucket().map(|_| Arc::clone(&swaps) as Arc<dyn Elsewhere>);
    let outside = Outside { queue, store, sms, recordings, elsewhere, stopping };
    let parts = Parts::new(outside, Arc::clone(swaps.generations()), workshop);
    let engine = Arc::new(engine.with_swaps(Arc::clone(&swaps)).with_pulse(Arc::clone(&parts.pulse)));
    Ok(Booted { engine, works: Some(Works { runner: Runner::new(parts), swaps }) })
}

/// A data directory that somebody made for us and nothing is in yet, such as a checkout's, becomes ours alone, as one that we make is. What is in use is left
/// as its owner has it; the doctor says what it thinks of that.
fn move_in(data: &Path) {
    let is_new = || -> std::io::Result<bool> {
        let mut inside = fs::read_dir(data)?;
        let about = fs::metadata(data)?;
        let others_may = about.mode() & 0o077 != 0 && about.uid() == rustix::process::geteuid().as_raw();
        Ok(others_may && inside.all(|entry| entry.is_ok_and(|entry| entry.file_name().as_bytes().starts_with(b"."))))
    };
    if is_new().unwrap_or(false)
        && let Err(error) = fs::set_permissions(data, fs::Permissions::from_mode(0o700))
    {
        tracing::warn!(folder = %data.display(), %error, "others on this machine may look into the data directory");
    }
}

/// The one connection to NATS of a process that needs it. Only the queue cannot be without: who wants plugins from a bucket begins with what there is.
pub(crate) async fn nats(pipeline: &Checked) -> miette::Result<Option<Nats>> {
    let is_queue = matches!(pipeline.queue.backend, QueueBackend::Nats(_));
    let Some(settings) =
        pipeline.queue.nats.as_ref().filter(|_| is_queue || pipeline.plugins.source.bucket().is_some())
    else {
        return Ok(None);
    };
    match Nats::connect(settings).await {
        Ok(nats) => Ok(Some(nats)),
        Err(NatsError::Away { .. }) if !is_queue => Ok(None),
        Err(error) => Err(error).into_diagnostic().wrap_err("the NATS servers ([queue] nats_url)"),
    }
}

/// The bucket that plugins come from, where there is one; over that connection, or one of its own as soon as there can be one.
pub(crate) fn bucket(pipeline: &Checked, nats: Option<Nats>) -> Option<Arc<dyn Bucket>> {
    let (name, settings) = (pipeline.plugins.source.bucket()?, pipeline.queue.nats.as_ref()?);
    Some(Arc::new(NatsBucket::new(name, settings.clone(), nats)))
}

/// The database.
pub(crate) async fn open_store(pipeline: &Checked) -> miette::Result<Arc<dyn Store>> {
    let hearing = Hearing { listen_url: pipeline.store.listen_url.clone(), ..Hearing::default() };
    store::open_with(&pipeline.store.url, hearing).await.into_diagnostic().wrap_err("the database ([store] url)")
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

async fn start(
    pipeline: Arc<Checked>,
    workshop: Arc<Workshop>,
    recordings: Arc<Recordings>,
    bucket: Option<Arc<dyn Bucket>>,
) -> miette::Result<Arc<Swaps>> {
    let start = move || Swaps::start(&pipeline, workshop, recordings, bucket);
    tokio::task::spawn_blocking(start).await.into_diagnostic()?.into_diagnostic()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(folder: &Path) -> u32 {
        fs::metadata(folder).unwrap().mode() & 0o777
    }

    #[test]
    fn an_empty_data_directory_becomes_ours_alone_and_one_in_use_stays_as_it_is() {
        let new = tempfile::tempdir().unwrap();
        let used = tempfile::tempdir().unwrap();
        for folder in [&new, &used] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            fs::write(folder.path().join(".gitkeep"), "").unwrap();
        }
        fs::write(used.path().join("wtaf.db"), "").unwrap();

        move_in(new.path());
        move_in(used.path());
        move_in(&new.path().join("none"));

        assert_eq!((mode(new.path()), mode(used.path())), (0o700, 0o755));
    }
}
