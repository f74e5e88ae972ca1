//! The plugins: each is found, is what it is used as, is signed where that is asked for, and starts.

use std::{sync::Arc, time::Duration};

use super::{Check, Notes};
use crate::{
    config::{Checked, PluginSource},
    engine::sources,
    plugin::{self, Engines, Plugin, Sandbox, Shelf, ledger::Ledger, signature::Trust},
};

/// One with an interpreter inside takes seconds to compile.
const LIMIT: Duration = Duration::from_mins(2);

pub(super) fn check(pipeline: &Arc<Checked>) -> Check {
    let pipeline = Arc::clone(pipeline);
    Check::blocking("plugins", "sandbox", LIMIT, move || {
        let mut notes = Notes::default();
        look(&pipeline, &mut notes);
        notes
    })
}

fn look(pipeline: &Checked, notes: &mut Notes) {
    // Without the folder of compiled code: nothing is to be left there.
    let engines = Engines { data_dir: None, ..Engines::of(pipeline) };
    let sandbox = match Sandbox::new(&engines) {
        Ok(sandbox) => sandbox,
        Err(error) => {
            return notes.fail(
                "sandbox",
                format!("{error:#}"),
                "WebAssembly needs virtual memory to reserve: see ulimit -v, and vm.overcommit_memory",
            );
        }
    };
    let trust = match Trust::open(&pipeline.plugins.keys, &pipeline.data_dir.join("plugins")) {
        Ok(trust) => trust,
        Err(error) => {
            return notes.fail(
                "signatures",
                error.to_string(),
                "get that file back from a copy: without it older releases would be let in",
            );
        }
    };
    match pipeline.plugins.keys.len() {
        0 => notes.ok("signatures", "not asked for (plugins.keys is empty)"),
        n => notes.ok("signatures", format!("asked for, of {n} signers")),
    }
    for source in sources(pipeline) {
        one(pipeline, &sandbox, &trust, &source, notes);
    }
}

fn one(pipeline: &Checked, sandbox: &Arc<Sandbox>, trust: &Trust, source: &PluginSource, notes: &mut Notes) {
    let name = source.name();
    let todo = format!("wtaf-host plugin list shows what is in force, wtaf-host plugin rollback {name} goes back");
    let bytes = match plugin::component(source, &pipeline.plugins.dir, &Shelf::new(&pipeline.data_dir)) {
        Ok(bytes) => bytes,
        Err(error) => return notes.fail(name, error.to_string(), todo),
    };
    let loaded = match Plugin::load(sandbox, &name, &bytes) {
        Ok(loaded) => loaded,
        Err(error) => return notes.fail(name, error.to_string(), todo),
    };
    let asked = match source {
        PluginSource::Digest(_) => None,
        _ => Some(name.as_str()),
    };
    let built_in = plugin::is_built_in(&bytes);
    let signed = match trust.admit(&bytes, asked, loaded.about.role) {
        _ if built_in => "built in".to_owned(),
        Ok(Some(signed)) => format!("release {} signed by {:.16}…", signed.counter, signed.key),
        Ok(None) => "not signed".to_owned(),
        Err(why) => {
            return notes.fail(name, why.to_string(), "install a signed release: wtaf-host plugin install FILE");
        }
    };
    let found = format!("{} {} {:.12}, {signed}", loaded.about.role.as_str(), loaded.about.version, loaded.digest);
    let in_force = Ledger::look(&pipeline.data_dir).ok();
    let in_force =
        in_force.as_ref().and_then(|ledger| ledger.entry(&source.key())).map(|entry| entry.in_force.digest.clone());
    match in_force {
        Some(digest) if digest != loaded.digest => {
            notes.warn(name, format!("{found}; in force is {digest:.12}"), todo);
        }
        _ => notes.ok(name, found),
    }
}
