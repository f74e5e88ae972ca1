//! The engine as its user runs it: the real binary, the shipped pipeline.toml in an empty folder, texts and chats over real HTTP.
//!
//! ```ignore
//! let mut host = Host::of().ai([link("first", &ai)]).set("limits.per_hour=2").start().await;
//! let job = host.text(ANN, "WTAF a snake game").await;
//! let page = host.page(host.ended(&job).await["url"].as_str().unwrap()).await;
//! ```
//!
//! It is killed when dropped; a test that fails shows its last log lines.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{ai::FakeAi, server::free_port};

/// The pipeline that is shipped.
pub const SHIPPED: &str = include_str!("../../../../pipeline.toml");

/// Numbers of people that do not exist.
pub const ANN: &str = "+15550102001";
pub const BOB: &str = "+15550102002";

/// For everything that has to happen: the machine may be busy with a hundred other tests, and a text that a crash caught between the outbox and the
/// carrier is given to the next sender after two minutes.
const PATIENCE: Duration = Duration::from_mins(3);

/// A file the engine is configured with, before it runs.
#[derive(Debug, Clone)]
pub struct Setup {
    pipeline: String,
    set: Vec<String>,
    files: Vec<(String, String)>,
    env: Vec<(String, String)>,
    role: Option<&'static str>,
    disk: Option<&'static str>,
}

/// A running engine, and its folder, which outlives a crash of it.
pub struct Host {
    folder: TempDir,
    setup: Setup,
    port: u16,
    child: Option<Child>,
    logs: Arc<Mutex<Vec<Value>>>,
    client: Client,
}

/// What `POST /api/chat` answered.
#[derive(Debug, Clone)]
pub struct Asked {
    pub id: String,
    pub session: String,
    pub status_url: String,
    pub events_url: String,
}

/// A text that went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub to: String,
    pub at: String,
    pub body: String,
    pub file: String,
}

impl Sent {
    /// The addresses in it.
    pub fn links(&self) -> Vec<&str> {
        self.body.split_whitespace().filter(|word| word.contains("://")).collect()
    }
}

/// A live page as a browser gets it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub status: u16,
    pub location: Option<String>,
    pub policy: String,
    pub html: String,
}

/// An entry for `[[ai]]` that asks a fake by OpenAI's protocol: no further tries, so that a fault is the next provider's turn at once.
pub fn link(name: &str, server: &FakeAi) -> String {
    link_with(name, server, "retries = 0")
}

/// The same with other keys.
pub fn link_with(name: &str, server: &FakeAi, keys: &str) -> String {
    let url = server.openai();
    format!(r#"{{ name = "{name}", kind = "openai", model = "m-{name}", base_url = "{url}", api_key = "k", {keys} }}"#)
}

impl Setup {
    /// The shipped pipeline, changed.
    pub fn pipeline(mut self, change: impl FnOnce(&str) -> String) -> Self {
        let changed = change(&self.pipeline);
        assert_ne!(changed, self.pipeline, "the change of pipeline.toml changed nothing");
        self.pipeline = changed;
        self
    }

    /// One more `--set`.
    pub fn set(mut self, key: impl Into<String>) -> Self {
        self.set.push(key.into());
        self
    }

    /// The chain of providers.
    pub fn ai(self, links: impl IntoIterator<Item = String>) -> Self {
        let links: Vec<_> = links.into_iter().collect();
        self.set(format!("ai=[{}]", links.join(", ")))
    }

    /// A file beside pipeline.toml.
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// One more variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `web`, without the half that works.
    pub fn role(mut self, role: &'static str) -> Self {
        self.role = Some(role);
        self
    }

    /// Its data directory is a disk in memory of its own, mounted with these options (`size=64m`). It is seen by the engine alone, and gone with it.
    pub fn disk(mut self, options: &'static str) -> Self {
        self.disk = Some(options);
        self
    }

    /// Its folder, and nothing that runs.
    pub fn unstarted(self) -> Host {
        self.prepare()
    }

    /// Runs it, in an empty folder but for its pipeline.toml, until it is ready.
    pub async fn start(self) -> Host {
        let mut host = self.prepare();
        host.restart().await;
        host
    }

    /// Runs it until it listens, which is before it is ready when a part of it is away.
    pub async fn start_unready(self) -> Host {
        let mut host = self.prepare();
        host.spawn();
        host.answers("/healthz").await;
        host
    }

    fn prepare(self) -> Host {
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::write(folder.path().join("pipeline.toml"), &self.pipeline).expect("the folder is writable");
        for (name, text) in &self.files {
            fs::write(folder.path().join(name), text).expect("the folder is writable");
        }
        // Only once in the process, and never undone: another test may have installed the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No connection outlives its request: the server at the other end may be killed at any moment.
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(PATIENCE)
            .build()
            .expect("a client can be made");
        let port = free_port();
        Host { folder, setup: self, port, child: None, logs: Arc::default(), client }
    }
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

    // Texts and chats.

    /// Texts it, and gives the job.
    pub async fn text(&self, from: &str, body: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let sid = format!("SM{:032x}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.text_with_sid(from, body, &sid).await
    }

    /// Texts it under a carrier's id of its own.
    pub async fn text_with_sid(&self, from: &str, body: &str, sid: &str) -> String {
        self.try_text(from, body, sid).await.expect("the text is taken")
    }

    /// The same where it may be refused, or there is nobody to take it.
    pub async fn try_text(&self, from: &str, body: &str, sid: &str) -> Result<String, String> {
        let form = [("From", from), ("Body", body), ("MessageSid", sid), ("NumMedia", "0")];
        let url = self.url("/sms/webhook");
        let response = self.client.post(url).form(&form).send().await.map_err(|error| error.to_string())?;
        if response.status() != StatusCode::OK {
            return Err(format!("{}: {}", response.status(), response.text().await.unwrap_or_default()));
        }
        let job = response.headers()["x-wtaf-job"].to_str().expect("an id is plain").to_owned();
        let answer = response.text().await.map_err(|error| error.to_string())?;
        assert!(answer.contains("<Response/>"), "{answer}");
        Ok(job)
    }

    /// Asks in the chat, as a guest nobody has seen before.
    pub async fn ask(&self, message: &str) -> Asked {
        self.ask_as(message, None).await
    }

    /// Asks in the chat, as the guest of a session.
    pub async fn ask_as(&self, message: &str, session: Option<&str>) -> Asked {
        let mut body = json!({ "message": message });
        if let Some(session) = session {
            body["session"] = json!(session);
        }
        let response = self.client.post(self.url("/api/chat")).json(&body).send().await.expect("it answers");
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let answer: Value = response.json().await.expect("the answer is JSON");
        let text = |name: &str| answer[name].as_str().expect("the answer is complete").to_owned();
        Asked {
            id: text("id"),
            session: text("session"),
            status_url: text("status_url"),
            events_url: text("events_url"),
        }
    }

    // What came of it.

    /// A job as the API shows it to anyone.
    pub async fn job(&self, id: &str) -> Value {
        self.job_for(id, None).await
    }

    /// A job as the API shows it to a session.
    pub async fn job_for(&self, id: &str, session: Option<&str>) -> Value {
        let mut request = self.client.get(self.url(&format!("/api/jobs/{id}")));
        if let Some(session) = session {
            request = request.bearer_auth(session);
        }
        let response = request.send().await.expect("it answers");
        assert_eq!(response.status(), StatusCode::OK, "job {id}");
        response.json().await.expect("a job is JSON")
    }

    /// A job at its end.
    pub async fn ended(&self, id: &str) -> Value {
        until(&format!("job {id} ends"), async || {
            let job = self.job(id).await;
            matches!(job["status"].as_str(), Some("done" | "failed" | "refused")).then_some(job)
        })
        .await
    }

    /// A job that ended in a page: its address.
    pub async fn made(&self, id: &str) -> String {
        let job = self.ended(id).await;
        assert_eq!(job["status"], "done", "{job:#}");
        job["url"].as_str().unwrap_or_else(|| panic!("no page: {job:#}")).to_owned()
    }

    /// The job's own file, wherever in the queue it is.
    pub fn file_of(&self, id: &str) -> Option<(&'static str, Value)> {
        ["new", "work", "done", "failed"].into_iter().find_map(|folder| {
            let text = fs::read_to_string(self.data().join("wtaf").join(folder).join(format!("{id}.json"))).ok()?;
            Some((folder, serde_json::from_str(&text).expect("a job's file is JSON")))
        })
    }

    /// The ids of the jobs in one of the queue's folders.
    pub fn jobs_in(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.data().join("wtaf").join(folder)).expect("the queue has its folders");
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect()
    }

    /// Every text that went out to a number, in order.
    pub fn texts(&self, to: &str) -> Vec<Sent> {
        self.outbox().into_iter().filter(|sent| sent.to == to).collect()
    }

    /// Every text that went out.
    pub fn outbox(&self) -> Vec<Sent> {
        let entries = fs::read_dir(self.data().join("outbox")).expect("there is an outbox");
        let files = entries.flatten().map(|entry| entry.path());
        let mut sent: Vec<_> =
            files.filter(|file| file.extension().is_some_and(|e| e == "txt")).map(|file| read(&file)).collect();
        sent.sort_by(|a, b| (&a.at, &a.file).cmp(&(&b.at, &b.file)));
        sent
    }

    /// The first text to a number that fits, as soon as it went out.
    pub async fn told(&self, to: &str, fits: impl Fn(&Sent) -> bool) -> Sent {
        until(&format!("a text goes out to {to}"), async || self.texts(to).into_iter().find(&fits)).await
    }

    /// The text that announces a page.
    pub async fn told_of(&self, to: &str, url: &str) -> Sent {
        self.told(to, |sent| sent.body.contains(url)).await
    }

    /// A page at an address of ours; what follows the host and port counts.
    pub async fn page(&self, url: &str) -> Shown {
        let base = self.public();
        let path = url.strip_prefix(base.as_str()).unwrap_or(url);
        assert!(path.starts_with('/'), "{url} is not below {base}");
        let response = self.get(path).await;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, location) = (response.status().as_u16(), header("location"));
        let policy = header("content-security-policy").unwrap_or_default();
        Shown { status, location, policy, html: response.text().await.expect("a page is text") }
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

/// Sends signals to one process, which is our own child and not yet waited for.
#[derive(Debug, Clone, Copy)]
pub struct Killer(u32);

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

    fn send(self, signal: &str) {
        let sent = std::process::Command::new("kill").args([signal, &self.0.to_string()]).status();
        assert!(sent.expect("kill can be run").success());
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

/// The binary under test, without the environment of whoever runs the tests. `WTAF_TEST_BIN` names another build of it.
pub fn binary() -> Command {
    let path = std::env::var_os("WTAF_TEST_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_wtaf-host").into());
    let mut command = Command::new(path);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// The binary with a disk in memory at a folder, in mounts of its own; without root it becomes root among its own users.
fn on_a_disk(options: &str, folder: &Path) -> Command {
    fs::create_dir_all(folder).expect("the folder is ours");
    let inner = binary();
    let mut command = Command::new("unshare");
    command.arg(if is_root() { "-m" } else { "-rm" }).args(["--propagation", "private", "sh", "-c"]);
    command.arg(format!("mount -t tmpfs -o {options} none '{}' && exec \"$@\"", folder.display())).arg("sh");
    command.arg(inner.as_std().get_program());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn is_root() -> bool {
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

/// A page as an AI writes it, in a fence, with prose around it.
pub fn answer_with(words: &str) -> String {
    format!(
        "Here you are:\n\n```html\n<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{words}</title></head>\n\
         <body><h1>{words}</h1><p>Made for you.</p></body>\n</html>\n```\n\nEnjoy!"
    )
}

/// What the person said, in a call as an AI sees it: the last message.
pub fn asked_in(call: &super::ai::Call) -> String {
    let messages = call.body["messages"].as_array().expect("a call has messages");
    messages.last().and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
}

fn read(file: &Path) -> Sent {
    let text = fs::read_to_string(file).expect("a text in the outbox is readable");
    let (head, body) = text.split_once("\n\n").expect("a text has a head and a body");
    let field = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {head}")).trim().to_owned()
    };
    let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
    Sent { to: field("To:"), at: field("At:"), body: body.strip_suffix('\n').unwrap_or(body).to_owned(), file: name }
}
