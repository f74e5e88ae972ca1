//! The engine as its user runs it: the real binary, the shipped pipeline.toml in an empty folder, texts and chats over real HTTP.
//!
//! ```ignore
//! let mut host = Host::of().ai([link("first", &ai)]).set("limits.per_hour=2").start().await;
//! let job = host.text(ANN, "WTAF a snake game").await;
//! let page = host.page(host.ended(&job).await["url"].as_str().unwrap()).await;
//! ```
//!
//! It is killed when dropped; a test that fails shows its last log lines.

mod command;
mod setup;
mod talk;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use self::command::{is_root, on_a_disk};
pub use self::{
    command::{Killer, Ran, binary, ran},
    setup::{Setup, link, link_with},
    talk::{Asked, answer_with, asked_in},
};
use super::ai::FakeAi;

/// The pipeline that is shipped.
pub const SHIPPED: &str = include_str!("../../../../pipeline.toml");

/// Numbers of people that do not exist.
pub const ANN: &str = "+15550102001";
pub const BOB: &str = "+15550102002";

/// For everything that has to happen: the machine may be busy with a hundred other tests, and a text that a crash caught between the outbox and the
/// carrier is given to the next sender after two minutes.
const PATIENCE: Duration = Duration::from_mins(3);

/// A running engine, and its folder, which outlives a crash of it.
pub struct Host {
    folder: TempDir,
    setup: Setup,
    port: u16,
    child: Option<Child>,
    logs: Arc<Mutex<Vec<Value>>>,
    client: Client,
}

impl Host {
    /// What is shipped, with the demo provider.
    pub fn of() -> Setup {
        Setup {
            pipeline: SHIPPED.to_owned(),
            set: Vec::new(),
            files: Vec::new(),
            env: Vec::new(),
            role: None,
            disk: None,
        }
    }

    /// What is shipped, as it stands.
    pub async fn start() -> Self {
        Self::of().start().await
    }

    /// With one fake provider.
    pub async fn asking(ai: &FakeAi) -> Self {
        Self::of().ai([link("fake", ai)]).start().await
    }

    /// Starts it in its folder, again after its end.
    pub async fn restart(&mut self) {
        self.spawn();
        self.answers("/readyz").await;
    }

    /// Starts it, and waits for nothing: a worker listens nowhere.
    pub fn begin(&mut self) {
        self.spawn();
    }

    fn spawn(&mut self) {
        assert!(self.child.is_none(), "it still runs");
        self.logs.lock().unwrap().clear();
        let mut command = self.command("run");
        if let Some(role) = self.setup.role {
            command.args(["--role", role]);
        }
        let mut child = command.spawn().expect("the engine can be started");
        let stderr = child.stderr.take().expect("its stderr is ours");
        let logs = Arc::clone(&self.logs);
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                logs.lock().unwrap().push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        self.child = Some(child);
    }

    async fn answers(&mut self, path: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(ready) = self.log("ready") {
                let listening = format!("127.0.0.1:{}", self.port);
                assert_eq!(ready["listen"], listening, "it listens where it was told to");
                if self.get(path).await.status() == StatusCode::OK {
                    return;
                }
            }
            let ended = self.child.as_mut().expect("it was started").try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "it ended before it was ready: {ended:?}");
            assert!(Instant::now() < deadline, "it is not ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A verb on its pipeline, in its folder, with no key of the outside; `run` and others take the file first, `jobs` and others a `--config`.
    fn command(&self, verb: &str) -> Command {
        let mut command = self.setup.disk.map_or_else(binary, |options| on_a_disk(options, &self.data()));
        command.current_dir(self.folder.path()).arg(verb).arg("pipeline.toml");
        command.envs(self.setup.env.iter().map(|(name, value)| (name, value)));
        command.arg("--set").arg(format!("server.listen=127.0.0.1:{}", self.port));
        for key in &self.setup.set {
            command.arg("--set").arg(key);
        }
        command.env("WTAF_LOG_FORMAT", "json");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// A second engine over the same folder, on another port.
    pub fn twin(&self) -> Command {
        let mut command = self.command("run");
        command.arg("--set").arg("server.listen=127.0.0.1:0").stdout(Stdio::piped());
        command
    }

    /// The half that works, over the same folder.
    pub fn worker(&self) -> Command {
        let mut command = self.command("run");
        command.args(["--role", "worker"]);
        command
    }

    /// Does something where its disk is mounted.
    pub fn in_its_mounts(&self, script: &str) {
        let id = self.child.as_ref().and_then(Child::id).expect("it runs").to_string();
        let mut command = std::process::Command::new("nsenter");
        command.args(["--target", &id, "--mount"]);
        if !is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["sh", "-c", &format!("cd '{}' && {script}", self.folder.path().display())]);
        let done = command.output().expect("nsenter can be run: it is in util-linux");
        assert!(done.status.success(), "{script}: {done:?}");
    }

    /// The most memory it had in use so far, bytes.
    pub fn most_memory(&self) -> u64 {
        let id = self.child.as_ref().and_then(Child::id).expect("it runs");
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("Linux tells");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is told");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("it is a number");
        kib * 1024
    }

    /// Where it listens.
    pub fn address(&self) -> (&'static str, u16) {
        ("127.0.0.1", self.port)
    }

    /// The jobs that are done, in the order in which they were.
    pub fn ended_in_order(&self) -> Vec<String> {
        let folder = self.data().join("wtaf/done");
        let mut ended: Vec<_> = self
            .jobs_in("done")
            .into_iter()
            .map(|job| (fs::metadata(folder.join(format!("{job}.json"))).and_then(|file| file.modified()).ok(), job))
            .collect();
        ended.sort();
        ended.into_iter().map(|(_, job)| job).collect()
    }

    /// Another verb in its folder, to its end: exit code, stdout, stderr.
    pub async fn cli(&self, arguments: &[&str]) -> Ran {
        let mut command = binary();
        command.current_dir(self.folder.path()).args(arguments);
        ran(command).await
    }

    /// The same of an engine with settings of its own: it is given them too.
    pub async fn cli_as_set(&self, arguments: &[&str]) -> Ran {
        let own = [self.listen()];
        let keys = own.iter().chain(&self.setup.set).flat_map(|key| ["--set", key.as_str()]);
        self.cli(&arguments.iter().copied().chain(keys).collect::<Vec<_>>()).await
    }

    /// A plain GET; a host that does not answer fails the test.
    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.expect("it answers")
    }

    /// A request to be filled in by the test.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The `--set` that its verbs need to find it.
    pub fn listen(&self) -> String {
        format!("server.listen=127.0.0.1:{}", self.port)
    }

    /// What it calls itself.
    pub fn public(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// `data/`.
    pub fn data(&self) -> PathBuf {
        let here = self.folder.path().join("data");
        match self.child.as_ref().and_then(Child::id) {
            // Its mounts are its own: from outside they are seen through its eyes.
            Some(id) if self.setup.disk.is_some() => {
                Path::new("/proc").join(id.to_string()).join("root").join(here.strip_prefix("/").expect("absolute"))
            }
            _ => here,
        }
    }

    /// The folder with its pipeline.toml.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    // Its life.

    /// Every line it has logged since it started.
    pub fn logs(&self) -> Vec<Value> {
        self.logs.lock().unwrap().clone()
    }

    /// The first line with this message.
    pub fn log(&self, message: &str) -> Option<Value> {
        self.logs.lock().unwrap().iter().find(|line| line["message"] == message).cloned()
    }

    /// The end of the process, without a word to it.
    pub async fn kill9(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().await.expect("a child can be killed");
    }

    /// Asks it to end.
    pub fn sigterm(&self) {
        self.killer().send("-TERM");
    }

    /// Asks it to look at its files again.
    pub fn hangup(&self) {
        self.killer().send("-HUP");
    }

    /// What can kill it while something else is under way.
    pub fn killer(&self) -> Killer {
        Killer(self.child.as_ref().and_then(Child::id).expect("it runs"))
    }

    /// Waits for its end: the exit code.
    pub async fn exit(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("it runs");
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends in time");
        status.expect("a child can be waited for").code()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.logs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for line in logs.iter().skip(logs.len().saturating_sub(40)) {
                eprintln!("{line}");
            }
        }
    }
}

/// Asks until there is an answer.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
