//! The file: it is good already, else doctor would not have begun. What it leaves open.

use std::{os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use super::{Check, Notes, is_private};
use crate::config::{AiKind, Checked};

pub(super) fn check(pipeline: &Arc<Checked>) -> Check {
    let pipeline = Arc::clone(pipeline);
    Check::blocking("config", "file", Duration::from_secs(5), move || look(&pipeline))
}

fn look(pipeline: &Checked) -> Notes {
    let mut notes = Notes::default();
    let stages: Vec<_> = pipeline.stages.iter().map(|stage| stage.name.as_str()).collect();
    notes.ok("file", format!("{} is good: {}", pipeline.path().display(), stages.join(" → ")));
    secrets(pipeline, &mut notes);
    if pipeline.limits.enabled {
        notes.ok("limits", "on");
    } else {
        notes.warn(
            "limits",
            "every limit is off: anyone may ask for anything",
            "set limits.enabled = true before anyone else can reach this",
        );
    }
    spending(pipeline, &mut notes);
    notes
}

/// A file of keys is nobody else's business.
fn secrets(pipeline: &Checked, notes: &mut Notes) {
    let Some(file) = pipeline.path().parent().map(|folder| folder.join(".env")) else { return };
    let Ok(about) = file.metadata() else { return };
    if is_private(about.permissions().mode()) {
        notes.ok(".env", "for its owner alone");
    } else {
        notes.warn(".env", "others on this machine may read the keys in it", format!("chmod 600 {}", file.display()));
    }
}

fn spending(pipeline: &Checked, notes: &mut Notes) {
    let limits = &pipeline.limits;
    let limited = limits.spend_per_day.is_some()
        || limits.spend_per_person.is_some()
        || pipeline.ai.iter().any(|ai| ai.spend_per_day.is_some());
    let unpriced: Vec<_> = pipeline
        .ai
        .iter()
        .filter(|ai| ai.kind != AiKind::Demo && ai.price.is_none())
        .map(|ai| ai.name.as_str())
        .collect();
    if limited && !unpriced.is_empty() {
        notes.warn(
            "spending",
            format!("a day's spending is limited, and what {} costs is not known", unpriced.join(", ")),
            "give each [[ai]] a price = { input = …, output = … } (US dollars for a million tokens)",
        );
    }
}
