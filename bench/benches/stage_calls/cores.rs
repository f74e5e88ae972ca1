//! Holds processes to one core, or lets them have two.

use std::process::{Command, Stdio};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    One,
    Both,
}

impl Cores {
    pub fn threads(self) -> usize {
        match self {
            Self::One => 1,
            Self::Both => 2,
        }
    }

    /// This process with all its threads, and a peer's. Without `taskset` nothing is held, and the figures of one core are those of one thread at best.
    pub fn hold(self, peer: Option<u32>) {
        let cores = if self == Self::One { "0" } else { "0-1" };
        for process in [Some(std::process::id()), peer].into_iter().flatten() {
            let _ = Command::new("taskset")
                .args(["-a", "-c", "-p", cores, &process.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}
