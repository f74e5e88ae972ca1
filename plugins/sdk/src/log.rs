//! Words for the operator. Never put a person's words in them: the host logs at info level.

#[cfg(target_arch = "wasm32")]
pub use crate::__bindings::log::Level;

/// How much it matters.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the usual five")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Sends one line to the host, which adds job, stage, plugin and digest. In a native test it goes to stderr.
pub fn log(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::__bindings::log::log(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?}: {message}");
}

/// [`log`] at the level `warn`.
pub fn warn(message: &str) {
    log(Level::Warn, message);
}

/// [`log`] at the level `debug`.
pub fn debug(message: &str) {
    log(Level::Debug, message);
}
