//! What systemd is told, where it asks (`Type=notify`, `WatchdogSec=`): that the engine is ready, that it is alive, that it stops.

use sd_notify::NotifyState;

/// Ready; from now on a sign of life at half of the time that the watchdog gives. A runtime that hangs gives none, and is started anew.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(patience / 2).await;
            tell(&[NotifyState::Watchdog]);
        }
    });
}

/// The end has begun.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(what: &[NotifyState<'_>]) {
    // Without systemd there is nobody to tell, which is no error.
    if let Err(error) = sd_notify::notify(what) {
        tracing::warn!(%error, "systemd was not told");
    }
}
