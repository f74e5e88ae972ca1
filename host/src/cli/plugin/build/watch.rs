//! `plugin build --watch`: a build on every save.
//!
//! What tools leave behind (`target`, `node_modules`, anything that begins with a dot) is not watched. A build that fails is told of, and leaves the file there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::Duration,
};

use miette::{IntoDiagnostic, WrapErr, miette};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::{Args, once};
use crate::cli::{Outcome, OutputFormat};

/// A save is over when nothing has changed for so long: editors write, rename and touch.
const STILL: Duration = Duration::from_millis(100);

/// What is made by tools, not by the author.
const MADE: [&str; 4] = ["target", "node_modules", "__pycache__", "venv"];

/// Builds, then again after every save, until it is stopped.
pub(super) fn watch(args: &Args) -> Outcome {
    let dir = args.dir.canonicalize().into_diagnostic().wrap_err_with(|| args.dir.display().to_string())?;
    // Watched before the first build: what is saved meanwhile is not missed.
    let mut saves = Saves::of(&dir)?;
    build(args);
    loop {
        saves.wait()?;
        build(args);
    }
}

fn build(args: &Args) {
    match once(args) {
        Ok(built) => match args.format {
            OutputFormat::Json => println!("{}", built.json()),
            OutputFormat::Text => println!("{} in {:.2} s", built.out.display(), built.took.as_secs_f32()),
        },
        Err(error) => eprintln!("{error:?}\nnot built: the last good one stays"),
    }
}

/// Tells of saves in a project.
struct Saves {
    dir: PathBuf,
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    events: Receiver<notify::Result<Event>>,
}

impl Saves {
    fn of(dir: &Path) -> miette::Result<Self> {
        let (sender, events) = mpsc::channel();
        let watcher = notify::recommended_watcher(move |event| {
            // Nobody listens any more only when all of it ends.
            let _ = sender.send(event);
        })
        .into_diagnostic()?;
        let mut saves = Self { dir: dir.to_owned(), watcher, watched: BTreeSet::new(), events };
        saves.watcher.watch(dir, RecursiveMode::NonRecursive).into_diagnostic()?;
        saves.watch_folders()?;
        Ok(saves)
    }

    /// The project's own folders, each whole. Those of tools hold tens of thousands of files that nobody saves.
    fn watch_folders(&mut self) -> miette::Result<()> {
        self.watched.retain(|folder| folder.is_dir());
        for entry in fs::read_dir(&self.dir).into_diagnostic()?.flatten() {
            let folder = entry.path();
            if folder.is_dir() && is_authors(&self.dir, &folder) && !self.watched.contains(&folder) {
                self.watcher.watch(&folder, RecursiveMode::Recursive).into_diagnostic()?;
                self.watched.insert(folder);
            }
        }
        Ok(())
    }

    /// Returns when something was saved and all has been still for a moment.
    fn wait(&mut self) -> miette::Result<()> {
        let mut saved = false;
        loop {
            let event = if saved {
                match self.events.recv_timeout(STILL) {
                    Ok(event) => event,
                    Err(RecvTimeoutError::Timeout) => return self.watch_folders(),
                    Err(RecvTimeoutError::Disconnected) => return Err(gone()),
                }
            } else {
                self.events.recv().map_err(|_| gone())?
            };
            // A watcher that lost count cannot say what changed: something did.
            saved |= event.map_or(true, |event| is_save(&self.dir, &event));
        }
    }
}

fn gone() -> miette::Report {
    miette!("the project is no longer watched")
}

fn is_save(dir: &Path, event: &Event) -> bool {
    !event.kind.is_access() && event.paths.iter().any(|path| is_authors(dir, path))
}

/// Whether a path in the project is the author's, and not what a tool makes.
fn is_authors(dir: &Path, path: &Path) -> bool {
    let Ok(inside) = path.strip_prefix(dir) else { return false };
    let mut parts = inside.iter().map(|part| part.to_string_lossy()).peekable();
    parts.peek().is_some()
        && parts.all(|part| {
            let made = MADE.contains(&&*part) || part == "Cargo.lock" || part == "package-lock.json";
            !made && !part.starts_with('.') && !part.ends_with(".wasm") && !part.ends_with('~')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_make_is_no_save() {
        let is_authors = |path: &str| is_authors(Path::new("/p"), Path::new(path));
        for path in ["/p/src/lib.rs", "/p/plugin.toml", "/p/examples/a.json", "/p/wit/slug.wit", "/p/plugin.js"] {
            assert!(is_authors(path), "{path}");
        }
        for path in [
            "/p",
            "/q/src/lib.rs",
            "/p/target/release/x.rs",
            "/p/node_modules/a/b.js",
            "/p/__pycache__/plugin.pyc",
            "/p/.git/index",
            "/p/src/.lib.rs.swp",
            "/p/src/lib.rs~",
            "/p/Cargo.lock",
            "/p/my.wasm",
        ] {
            assert!(!is_authors(path), "{path}");
        }
    }
}
