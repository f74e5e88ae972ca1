//! `wtaf-host run`: the engine, until it is told to stop.

use std::{process::ExitCode, sync::Arc, time::Duration};

use miette::{IntoDiagnostic, WrapErr};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{ConfigArgs, Fatal, Outcome, boot};
use crate::{
    config::{Checked, SmsProvider},
    engine::swap::Swaps,
    telemetry,
    web::{self, State},
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

/// Runs until Ctrl-C or SIGTERM; then takes nothing more in, ends what is in hand, and leaves.
pub(super) fn run(args: &Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config)?;
    telemetry::logs();
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().into_diagnostic()?;
    runtime.block_on(serve(pipeline, args.config.set.clone())).map_err(Fatal::Other)
}

async fn serve(mut pipeline: Checked, overrides: Vec<String>) -> miette::Result<ExitCode> {
    let metrics = telemetry::metrics().into_diagnostic()?;
    // Samples are folded into their histograms by this, whether or not anyone ever asks for /metrics.
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let (draining, stopping) = (CancellationToken::new(), CancellationToken::new());
    let listener = TcpListener::bind(pipeline.server.listen)
        .await
        .into_diagnostic()
        .wrap_err_with(|| format!("listening on {} ([server] listen)", pipeline.server.listen))?;
    pipeline.listening_on(listener.local_addr().into_diagnostic()?);
    let pipeline = Arc::new(pipeline);
    let booted = boot::boot(Arc::clone(&pipeline), overrides, stopping).await?;
    greet(&pipeline, &listener);
    tokio::spawn(stop_on_signal(draining.clone()));
    tokio::spawn(reload_on_signal(Arc::clone(&booted.swaps), draining.clone()));
    let swapping = tokio::spawn(booted.swaps.run(draining.clone()));
    let state = Arc::new(State { engine: booted.engine, metrics });
    let web = web::serve(listener, state, draining.clone());
    let late = late(draining.clone(), pipeline.server.shutdown_timeout);
    let web = async {
        tokio::select! {
            served = web => served,
            () = late => {
                tracing::warn!("requests still in flight were cut off");
                Ok(())
            }
        }
    };
    let (served, ()) = tokio::join!(web, booted.runner.run(draining.clone()));
    // It ends by itself once told to drain; a panic in it has nothing left to harm.
    let _ = swapping.await;
    served.into_diagnostic().wrap_err("serving HTTP")?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// A client that stops reading must not hold up the end, and with it the locks on the data directory.
async fn late(draining: CancellationToken, patience: Duration) {
    draining.cancelled().await;
    tokio::time::sleep(patience).await;
}

/// The first lines a newcomer reads.
fn greet(pipeline: &Checked, listener: &TcpListener) {
    let providers: Vec<_> = pipeline.ai.iter().map(|ai| ai.name.as_str()).collect();
    let stages: Vec<_> = pipeline.stages.iter().map(|stage| stage.name.as_str()).collect();
    let listening = listener.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string());
    tracing::info!(listen = %listening, public_url = %pipeline.server.public_url, ai = providers.join(" > "), stages = stages.join(" > "), "ready");
    if matches!(pipeline.sms.provider, SmsProvider::Console) {
        tracing::info!(
            "text it from {} , chat with it at {}",
            pipeline.server.url("/phone"),
            pipeline.server.url("/chat")
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
