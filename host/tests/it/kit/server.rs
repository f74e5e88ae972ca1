//! A server of someone else's making, run as a child: found on this machine, never as root, gone with the test process whatever becomes of that.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// Finds a program in these folders, else on the PATH. Without it the test fails, and says how to get it: a test that is skipped in silence proves nothing.
pub fn program(name: &str, folders: &[PathBuf], install: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders.iter().cloned().chain(on_path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("these tests need {name}, which is not on this machine. Install it: {install}"))
}

/// The user that servers run as when the tests run as root: `postgres`, else `nobody`. Both servers refuse to be run by root.
pub struct RunAs(Option<(u32, u32)>);

impl RunAs {
    /// Whoever may run a server here.
    pub fn unprivileged() -> Self {
        let me = fs::metadata("/proc/self").map_or(1, |own| own.uid());
        if me != 0 {
            return Self(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd is readable");
        let user = |name: &str| {
            let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut numbers = line.split(':').skip(2).map(str::parse::<u32>);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        };
        let user = user("postgres").or_else(|| user("nobody"));
        Self(Some(user.expect("as root the tests need a user postgres or nobody to run servers as")))
    }

    /// A command that runs as that user, in a folder it can enter.
    pub fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null());
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }

    /// A new folder that belongs to that user. It is removed by the server's end.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = tempfile::Builder::new().prefix(name).tempdir().expect("a temporary folder can be made").keep();
        if let Some((user, group)) = self.0 {
            chown(&folder, Some(user), Some(group)).expect("root may give a folder away");
        }
        folder
    }
}

/// A port that is free, and that no outgoing connection will take while its server is down between two runs (those use 32768 and above).
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(97);
    loop {
        let offset = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let port = 12_000 + u16::try_from(offset).expect("below 20,000");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A running server.
pub struct Running {
    child: Child,
    _reaper: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it, and a shell that ends it and removes its folder as soon as the test process is gone (its standard input closes then, even after a crash).
    pub fn start(mut command: Command, folder: &Path) -> Self {
        let log = folder.join("log");
        let file = fs::File::create(&log).expect("the folder is writable");
        command.stdout(file.try_clone().expect("a file can be cloned")).stderr(file).process_group(0);
        let child = command.spawn().expect("the server can be started");
        // Its own children may still write for a moment after it is gone: hence the second removal.
        let script = format!(
            "cat >/dev/null; kill -QUIT {0}; sleep 1; kill -KILL {0}; rm -rf \"$1\"; sleep 2; rm -rf \"$1\"",
            child.id()
        );
        let reaper = Command::new("/bin/sh")
            .args(["-c", &script, "sh"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("sh can be started");
        Self { child, _reaper: reaper, log }
    }

    /// Ends it at once, as a machine that fails does. It is not waited for, so that its number stays its own until this is dropped.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }

    /// Waits until it takes connections.
    pub fn wait_for(&mut self, port: u16) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = self.child.try_wait().expect("a child can be asked");
            let log = || fs::read_to_string(&self.log).unwrap_or_default();
            assert!(ended.is_none(), "the server ended: {}", log());
            assert!(Instant::now() < deadline, "the server does not take connections: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
