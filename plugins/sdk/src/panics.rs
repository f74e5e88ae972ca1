//! Turns a panic into a line in the host's log, so that its operator reads the message and not `unreachable`.

/// Installs the hook; called by the export macros at the start of each call (a call runs in a fresh instance).
pub fn install() {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|info| crate::log::log(crate::log::Level::Error, &info.to_string())));
}
