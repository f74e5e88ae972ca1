//! The plugin verbs where plugins come from a bucket: what is done here is done for every node, and every node's answer is shown.
//!
//! An engine that runs here does it, with its own recordings at hand; without one the bucket is spoken to from here.

use std::{sync::Arc, time::Duration};

use miette::{IntoDiagnostic, miette};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    adapter::bucket::{Bucket, BucketError, Placed, Report, Said, Standing},
    cli::{block_on, boot},
    config::{Checked, PluginSource},
    engine::swap::{how_of, machine},
};

/// The nodes have so long to answer before they are no longer waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The bucket, where it is one that says what runs of this plugin.
pub(super) fn bucket_of(pipeline: &Checked, source: &PluginSource) -> Option<Arc<dyn Bucket>> {
    match source {
        PluginSource::Named(_) => boot::bucket(pipeline, None),
        PluginSource::Path(_) | PluginSource::Digest(_) | PluginSource::Oci(_) => None,
    }
}

/// What the bucket says, and the component that is in force there, where it is there whole.
pub(super) fn known(pipeline: &Checked, source: &PluginSource) -> miette::Result<(Option<Said>, Option<Vec<u8>>)> {
    // A connection lives as long as the runtime it was made in.
    let Some(bucket) = bucket_of(pipeline, source) else { return Ok((None, None)) };
    block_on(async {
        let Some(said) = bucket.said(&source.name()).await.map_err(told)? else { return Ok((None, None)) };
        match bucket.component(&said.standing.in_force.digest).await {
            Ok(bytes) => Ok((Some(said), Some(bytes))),
            // To install something is what mends that.
            Err(BucketError::Missing(_) | BucketError::Tampered { .. }) => Ok((Some(said), None)),
            Err(error) => Err(told(error)),
        }
    })?
}

/// A version that passed every check here.
pub(super) struct Checkup<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub digest: &'a str,
    pub bytes: &'a [u8],
    /// What serves where nobody has installed it into the bucket yet, and its version.
    pub base: Option<(Vec<u8>, String)>,
    pub at_once: bool,
}

/// Puts it into the bucket, over what was read there. In words: how it is tried.
pub(super) async fn put(
    bucket: &dyn Bucket,
    pipeline: &Checked,
    said: Option<Said>,
    version: Checkup<'_>,
) -> miette::Result<String> {
    let Checkup { name, digest, bytes, .. } = version;
    let standing = match (&said, version.base) {
        (Some(said), _) => said.standing.clone(),
        (None, Some((base, called))) => {
            let digest = crate::plugin::digest_of(&base);
            bucket.keep(&digest, &base).await.into_diagnostic()?;
            Standing::begin(Placed::now(&digest, &called, &me()))
        }
        (None, None) => Standing::begin(Placed::now(digest, version.version, &me())),
    };
    // Also where nothing else changes: what is gone or spoiled in the bucket is mended by installing it again.
    let mended = bucket.keep(digest, bytes).await.map_err(told)?;
    if let Some(said) = said.as_ref().filter(|_| standing.in_force.digest == digest && standing.trial.is_none()) {
        if !mended {
            return Ok("was in force already".to_owned());
        }
        // Under a new number, so that nodes that could not have it ask at once.
        bucket.say(name, &standing, Some(said.revision)).await.map_err(told)?;
        return Ok("was in force already, and is whole in the bucket again".to_owned());
    }
    let how = if version.at_once { None } else { how_of(pipeline, name) };
    let next = standing.with(Placed::now(digest, version.version, &me()), how);
    bucket.say(name, &next, said.map(|said| said.revision)).await.map_err(told)?;
    Ok(match how {
        None => "is in force".to_owned(),
        Some(crate::adapter::bucket::How::Shadow) => "runs as a shadow and serves nobody".to_owned(),
        Some(crate::adapter::bucket::How::Canary(share)) => format!("serves {share} people in 100"),
    })
}

/// Goes back, for every node. Gives the version that is in force then.
pub(super) async fn roll_back(bucket: &dyn Bucket, name: &str) -> miette::Result<Placed> {
    let said = bucket.said(name).await.map_err(told)?.ok_or_else(|| never(bucket, name))?;
    let next = said.standing.without(said.standing.newest().id, None, "an operator went back", &me());
    let next = next.ok_or_else(|| miette!("there is no version of {name} before the one in force"))?;
    bucket.say(name, &next, Some(said.revision)).await.map_err(told)?;
    Ok(next.in_force)
}

/// Has every node run what is built into it. Gives whether that is new.
pub(super) async fn hand_back(bucket: &dyn Bucket, name: &str, own: &[u8], version: &str) -> miette::Result<bool> {
    let said = bucket.said(name).await.map_err(told)?.ok_or_else(|| never(bucket, name))?;
    if said.standing.in_force.built_in && said.standing.trial.is_none() {
        return Ok(false);
    }
    let digest = crate::plugin::digest_of(own);
    // A node of another version may be asked to go back to it.
    bucket.keep(&digest, own).await.map_err(told)?;
    let next = said.standing.with(Placed::built_in_now(&digest, version, &me()), None);
    bucket.say(name, &next, Some(said.revision)).await.map_err(told)?;
    Ok(true)
}

/// Gives the version on trial to everyone.
pub(super) async fn promote(bucket: &dyn Bucket, name: &str) -> miette::Result<()> {
    let said = bucket.said(name).await.map_err(told)?.ok_or_else(|| never(bucket, name))?;
    let next = said.standing.trial.as_ref().and_then(|tried| said.standing.promoted(tried.placed.id));
    let next = next.ok_or_else(|| miette!("no version of {name} is on trial"))?;
    bucket.say(name, &next, Some(said.revision)).await.map_err(told)?;
    Ok(())
}

fn never(bucket: &dyn Bucket, name: &str) -> miette::Report {
    miette!("nobody has installed {name} into {} yet", bucket.called())
}

fn told(error: BucketError) -> miette::Report {
    match error {
        BucketError::Overtaken => {
            miette!(help = "`wtaf-host plugin list` shows what counts now; then try again", "{error}")
        }
        error => miette!("{error}"),
    }
}

/// Who says it.
fn me() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "someone".to_owned());
    format!("{user}@{}", machine())
}

/// Waits until every node that is there has followed the bucket, and prints a line a node. Gives whether all of them can run what it says.
pub(super) async fn wait_for_nodes(bucket: &dyn Bucket, name: &str) -> miette::Result<bool> {
    let Some(said) = bucket.said(name).await.into_diagnostic()? else { return Ok(true) };
    let deadline = Instant::now() + PATIENCE;
    let mut told: Vec<ulid::Ulid> = Vec::new();
    let mut well = true;
    loop {
        let of_it = |report: &Report| report.plugin == name;
        let reports: Vec<_> = bucket.reports().await.into_diagnostic()?.into_iter().filter(of_it).collect();
        let (done, waiting): (Vec<_>, Vec<_>) =
            reports.into_iter().partition(|report| report.revision >= said.revision);
        for report in done.iter().filter(|report| !told.contains(&report.node)).collect::<Vec<_>>() {
            println!("{}", line(report));
            well &= report.refused.is_none();
            told.push(report.node);
        }
        if waiting.is_empty() {
            if told.is_empty() {
                println!("no node is there to take it: each does when it starts");
            }
            return Ok(well);
        }
        if Instant::now() > deadline {
            for report in waiting {
                println!(
                    "  {:<24} has not answered yet; it runs {} ({:.12})",
                    report.name, report.version, report.digest
                );
            }
            return Ok(well);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A node's line.
fn line(report: &Report) -> String {
    let state =
        report.refused.as_ref().map_or_else(|| "ok".to_owned(), |why| format!("cannot run what is in force: {why}"));
    format!("  {:<24} {:<10} {:.12}  {state}", report.name, report.version, report.digest)
}

/// A node's line, of what an engine or the bucket shows.
pub(super) fn shown(report: &Value) -> Option<String> {
    serde_json::from_value(report.clone()).ok().map(|report| line(&report))
}

/// What the bucket says, on the rows of what this machine would begin with.
pub(super) async fn add_to(bucket: &dyn Bucket, rows: &mut [Value]) -> Result<(), BucketError> {
    let reports = bucket.reports().await?;
    for row in rows {
        let Some(name) = row["plugin"].as_str().map(str::to_owned) else { continue };
        let of_it: Vec<_> = reports.iter().filter(|report| report.plugin == name).collect();
        row["nodes"] = json!(of_it);
        // A path or a reference is no key of a bucket.
        if !crate::adapter::bucket::is_name(&name) {
            continue;
        }
        let Some(said) = bucket.said(&name).await? else { continue };
        let standing = said.standing;
        row["bucket"] = json!(bucket.called());
        row["from"] = json!(bucket.called());
        row["version"] = json!(standing.in_force.version);
        row["digest"] = json!(standing.in_force.digest);
        row["before"] = json!(standing.before);
        row["set_aside"] = json!(standing.set_aside);
        row["trial"] = standing.trial.map_or(Value::Null, |tried| {
            json!({ "version": tried.placed.version, "digest": tried.placed.digest, "mode": tried.how, "since": tried.placed.since })
        });
    }
    Ok(())
}
