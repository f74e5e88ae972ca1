//! `plugin uninstall`: what was installed goes, and the version that is built into the engine serves again; on every node, where plugins come from a bucket.

use std::{io::ErrorKind, process::ExitCode, time::Duration};

use miette::{IntoDiagnostic, WrapErr, miette};

use super::{everywhere, install::source_called, rollback};
use crate::{
    cli::{Outcome, block_on, boot, operate::Running},
    config::{Checked, PluginSource},
    plugin,
};

/// An engine that runs has so long to notice that the file is gone.
const PATIENCE: Duration = Duration::from_secs(15);

/// Removes what was installed.
pub(super) fn uninstall(args: &rollback::Args) -> Outcome {
    let pipeline = boot::load_to_run(&args.config.clone().into())?;
    let source = source_called(&pipeline, &args.name)?;
    let name = source.name();
    let own = match &source {
        PluginSource::Named(name) => plugin::built_in(name),
        PluginSource::Path(_) | PluginSource::Digest(_) | PluginSource::Oci(_) => None,
    };
    let own = own.ok_or_else(|| {
        miette!(
            help = "`wtaf-host plugin rollback` goes to the version before; to do without it, take its stage out of pipeline.toml",
            "no version of {name} is built in: without the one that is installed nothing would serve"
        )
    })?;
    let version = plugin::about(own).into_diagnostic()?.version;
    let Some(bucket) = everywhere::bucket_of(&pipeline, &source) else {
        block_on(here(&pipeline, &name, own, &version))??;
        return Ok(ExitCode::SUCCESS);
    };
    let well = block_on(async {
        let handed_back = everywhere::hand_back(&*bucket, &name, own, &version).await?;
        println!(
            "{name}: each node runs the version that is built into it{}",
            if handed_back { "" } else { " already" }
        );
        everywhere::wait_for_nodes(&*bucket, &name).await
    })??;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// On this machine alone: as deleting the file does.
async fn here(pipeline: &Checked, name: &str, own: &[u8], version: &str) -> miette::Result<()> {
    let file = pipeline.plugins.dir.join(format!("{name}.wasm"));
    match std::fs::remove_file(&file) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("{name}: nothing is installed at {}", file.display());
            return Ok(());
        }
        Err(error) => return Err(error).into_diagnostic().wrap_err_with(|| file.display().to_string()),
    }
    let Some(running) = Running::find(pipeline).await? else {
        println!("{name}: the version that is built in ({version}) is in force with the next start");
        return Ok(());
    };
    let digest = plugin::digest_of(own);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        let shown = running.plugins().await?;
        let mut lines = shown["plugins"].as_array().into_iter().flatten();
        if lines.any(|line| line["name"] == name && line["digest"] == digest) {
            println!("{name}: the version that is built in ({version}) is in force");
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(miette!(help = "`wtaf-host plugin list` says why", "{name}: the engine has not gone back yet"))
}
