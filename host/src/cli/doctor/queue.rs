//! What waits, and what was given up.

use std::{fs, path::Path, sync::Arc, time::Duration};

use super::{Check, Notes};
use crate::config::{Checked, QueueBackend};

pub(super) fn check(pipeline: &Arc<Checked>) -> Check {
    let pipeline = Arc::clone(pipeline);
    Check::blocking("queue", "files", Duration::from_secs(10), move || match &pipeline.queue.backend {
        QueueBackend::Files => files(&pipeline.data_dir.join("wtaf")),
        QueueBackend::Nats(_) => {
            let mut notes = Notes::default();
            notes.ok("backend", "NATS JetStream");
            notes
        }
    })
}

fn files(root: &Path) -> Notes {
    let mut notes = Notes::default();
    let count = |name: &str| {
        fs::read_dir(root.join(name)).map_or(0, |files| files.flatten().filter(|file| is_job(&file.path())).count())
    };
    notes.ok("backend", format!("files in {}: {} wait, {} at work", root.display(), count("new"), count("work")));
    let failed = count("failed");
    if failed > 0 {
        notes.warn(
            "failed",
            format!("{failed} jobs were given up"),
            "wtaf-host jobs list --status failed, then wtaf-host jobs retry ID",
        );
    }
    let damaged =
        ["new", "work", "done", "failed"].iter().flat_map(|name| fs::read_dir(root.join(name))).flatten().flatten();
    let damaged = damaged.filter(|file| file.path().extension().is_some_and(|end| end == "damaged")).count();
    if damaged > 0 {
        notes.warn(
            "damaged",
            format!("{damaged} files could not be read as jobs"),
            format!("look at *.damaged in {}", root.display()),
        );
    }
    notes
}

fn is_job(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "json")
}
