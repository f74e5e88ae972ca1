//! The binary as a command: its verbs run to their end, its process is sent signals.

use std::{fs, path::Path, process::Stdio};

use serde_json::Value;
use tokio::process::Command;

use super::PATIENCE;

/// Sends signals to one process, which is our own child and not yet waited for.
#[derive(Debug, Clone, Copy)]
pub struct Killer(pub(super) u32);

impl Killer {
    /// The end of the process, without a word to it.
    pub fn kill(self) {
        self.send("-KILL");
    }

    /// Has it stand still, in the middle of whatever it is at.
    pub fn stop(self) {
        self.send("-STOP");
    }

    /// Has it go on.
    pub fn go_on(self) {
        self.send("-CONT");
    }

    pub(super) fn send(self, signal: &str) {
        let sent = std::process::Command::new("kill").args([signal, &self.0.to_string()]).status();
        assert!(sent.expect("kill can be run").success());
    }
}

/// The binary under test, without the environment of whoever runs the tests. `WTAF_TEST_BIN` names another build of it.
pub fn binary() -> Command {
    let path = std::env::var_os("WTAF_TEST_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_wtaf-host").into());
    let mut command = Command::new(path);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// The binary with a disk in memory at a folder, in mounts of its own; without root it becomes root among its own users.
pub(super) fn on_a_disk(options: &str, folder: &Path) -> Command {
    fs::create_dir_all(folder).expect("the folder is ours");
    let inner = binary();
    let mut command = Command::new("unshare");
    command.arg(if is_root() { "-m" } else { "-rm" }).args(["--propagation", "private", "sh", "-c"]);
    command.arg(format!("mount -t tmpfs -o {options} none '{}' && exec \"$@\"", folder.display())).arg("sh");
    command.arg(inner.as_std().get_program());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

pub(super) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;

    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Its output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs a command to its end.
pub async fn ran(mut command: Command) -> Ran {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").expect("it can be started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
