//! What moves while something takes long: on a terminal alone. In a pipe, in a log and with `TERM=dumb` nothing of it is written.

use std::{borrow::Cow, io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

/// Nothing is shown of what ends sooner.
const SOON: Duration = Duration::from_millis(300);

/// Shown until it is dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Something of which nobody knows how long it takes.
    pub(crate) fn of(what: impl Into<Cow<'static, str>>) -> Self {
        Self::begin(ProgressBar::new_spinner(), "{spinner} {msg}  {elapsed}", what)
    }

    /// So many of something.
    pub(crate) fn of_many(what: impl Into<Cow<'static, str>>, many: usize) -> Self {
        Self::begin(ProgressBar::new(many as u64), "{msg}  [{bar:30}] {pos} of {len}  {elapsed}", what)
    }

    fn begin(bar: ProgressBar, template: &str, what: impl Into<Cow<'static, str>>) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if dumb || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_message(what).with_style(style);
        bar.enable_steady_tick(SOON);
        Self(bar)
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
