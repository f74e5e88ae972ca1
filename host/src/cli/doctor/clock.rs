//! This machine's clock, as far as it can be judged from here. How far others' are off it is told beside them.

use std::{path::Path, time::Duration};

use super::{Check, Notes};

/// The year this was written in: no clock of a machine that runs it can be before.
const EARLIEST: &str = "2025-01-01T00:00:00Z";
/// What systemd leaves when the clock was set from the network.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";

pub(super) fn check() -> Check {
    Check::blocking("clock", "time", Duration::from_secs(5), || {
        let mut notes = Notes::default();
        let now = jiff::Timestamp::now();
        let early = EARLIEST.parse::<jiff::Timestamp>().is_ok_and(|earliest| now < earliest);
        let todo = "set it, and keep it with NTP: timedatectl set-ntp true";
        if early {
            notes.fail("time", format!("it is not {}", now.strftime("%Y-%m-%d")), todo);
        } else if Path::new("/run/systemd/timesync").exists() && !Path::new(SYNCHRONIZED).exists() {
            notes.warn("time", "not set from the network yet", todo);
        } else {
            notes.ok("time", now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
        }
        notes
    })
}
