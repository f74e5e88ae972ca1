//! `wtaf-host run`: the engine, until it is told to stop.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use miette::{IntoDiagnostic, WrapErr};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{ConfigArgs, Fatal, Outcome, boot, systemd};
use crate::{
    adapter::queue::Roles,
    config::{Checked, SmsProvider},
    engine::swap::Swaps,
    telemetry,
    web::{self, State},
};

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  wtaf-host run\n  wtaf-host run pipeline.toml --set server.listen=127.0.0.1:4040\n  \
                  wtaf-host run --role web                       and, beside it:\n  wtaf-host run --role worker\n\n\
                  WTAF_LOG says what is logged (WTAF_LOG=debug), WTAF_LOG_FORMAT how (pretty, json); logs go to standard error."
)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// What this process does: take requests in and show pages, work on the jobs, or both. With the queue in files one of each may share a data directory;
    /// with NATS there may be as many as you like, each worker with a data directory of its own.
    #[arg(long, visible_alias = "only", value_enum, default_value = "both")]
    role: Role,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Role {
    /// Listens, takes requests in, shows pages.
    Web,
    /// Works on jobs and sends texts. It listens nowhere.
    Worker,
    /// One process for all of it.
    Both,
}

impl Role {
    fn on_the_queue(self) -> Roles {
        Roles { web: self != Self::Worker, worker: self != Self::Web }
    }
}

/// Runs until Ctrl-C or SIGTERM; then takes nothing more in, ends what is in hand, and leaves.
pub(super) fn run(args: &Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config)?;
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().into_diagnostic()?;
    runtime
        .block_on(async {
            let signals = telemetry::start();
            let ended = serve(pipeline, args.role, args.config.set.clone()).await;
            signals.end().await;
            ended
        })
        .map_err(Fatal::Other)
}

async fn serve(mut pipeline: Checked, role: Role, overrides: Vec<String>) -> miette::Result<ExitCode> {
    let metrics = telemetry::collect().into_diagnostic()?;
    // Samples are folded into their histograms by this, whether or not anyone ever asks for /metrics.
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let (draining, stopping) = (CancellationToken::new(), CancellationToken::new());
    let roles = role.on_the_queue();
    let listener = if roles.web { Some(listen(&mut pipeline).await?) } else { None };
    let probed = match pipeline.server.metrics_listen {
        Some(address) => Some(bind(address, "metrics_listen").await?),
        None => None,
    };
    let pipeline = Arc::new(pipeline);
    let booted = boot::boot(Arc::clone(&pipeline), roles, overrides, stopping).await?;
    let state = Arc::new(State { engine: booted.engine, metrics });
    if let Some(probed) = probed {
        tokio::spawn(web::probes(probed, Arc::clone(&state), draining.clone()));
    }
    greet(&pipeline, role, listener.as_ref());
    systemd::ready();
    tokio::spawn(stop_on_signal(draining.clone()));
    let patience = pipeline.server.shutdown_timeout;
    let web = async {
        match listener {
            Some(listener) => answer(listener, state, draining.clone(), patience).await,
            None => Ok(()),
        }
    };
    let works = async {
        let Some(works) = booted.works else { return };
        tokio::spawn(reload_on_signal(Arc::clone(&works.swaps), draining.clone()));
        let swapping = tokio::spawn(works.swaps.run(draining.clone()));
        works.runner.run(draining.clone()).await;
        // It ends by itself once told to drain; a panic in it has nothing left to harm.
        let _ = swapping.await;
    };
    let (served, ()) = tokio::join!(web, works);
    served.into_diagnostic().wrap_err("serving HTTP")?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

async fn listen(pipeline: &mut Checked) -> miette::Result<TcpListener> {
    let listener = bind(pipeline.server.listen, "listen").await?;
    pipeline.listening_on(listener.local_addr().into_diagnostic()?);
    Ok(listener)
}

async fn bind(address: SocketAddr, key: &str) -> miette::Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.into_diagnostic().wrap_err_with(|| format!("listening on {address} ([server] {key})"))
}

async fn answer(
    listener: TcpListener,
    state: Arc<State>,
    draining: CancellationToken,
    patience: Duration,
) -> std::io::Result<()> {
    tokio::select! {
        served = web::serve(listener, state, draining.clone()) => served,
        () = late(draining, patience) => {
            tracing::warn!("requests still in flight were cut off");
            Ok(())
        }
    }
}

/// A client that stops reading must not hold up the end, and with it the locks on the data directory.
async fn late(draining: CancellationToken, patience: Duration) {
    draining.cancelled().await;
    tokio::time::sleep(patience).await;
}

/// The first lines a newcomer reads.
fn greet(pipeline: &Checked, role: Role, listener: Option<&TcpListener>) {
    let providers: Vec<_> = pipeline.ai.iter().map(|ai| ai.name.as_str()).collect();
    let stages: Vec<_> = pipeline.stages.iter().map(|stage| stage.name.as_str()).collect();
    let Some(listener) = listener else {
        tracing::info!(role = "worker", ai = providers.join(" > "), stages = stages.join(" > "), "ready");
        return;
    };
    let listening = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
    if role == Role::Web {
        tracing::info!("this process takes requests in; `wtaf-host run --role worker` works on them");
    }
    tracing::info!(listen = %listening, public_url = %pipeline.server.public_url, ai = providers.join(" > "), stages = stages.join(" > "), "ready");
    if matches!(pipeline.sms.provider, SmsProvider::Console) {
        tracing::info!(
            "text it from {} , chat with it at {} , watch it work at {}",
            pipeline.server.url("/phone"),
            pipeline.server.url("/chat"),
            pipeline.server.url("/console")
        );
    }
}

async fn stop_on_signal(draining: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(mut term) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    systemd::stopping();
    tracing::info!("stopping: taking nothing more in, ending what is in hand");
    draining.cancel();
}

/// SIGHUP does what dropping a file does, where a file system gives no notices.
async fn reload_on_signal(swaps: Arc<Swaps>, draining: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};

    let Ok(mut hup) = signal(SignalKind::hangup()) else { return };
    loop {
        tokio::select! {
            _ = hup.recv() => swaps.poke(),
            () = draining.cancelled() => return,
        }
    }
}

/// Ten thousand jobs that wait on an AI are ten thousand sockets.
fn raise_open_files() {
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}
