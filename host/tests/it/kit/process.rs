//! The real binary, and servers and programs that did not come from our hands, each as a child that ends with its value. Every one listens on a free port and
//! keeps its words in a log that a failing test shows.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use wtaf_host::{
    adapter::store::{self, OutboxText, Store},
    config::StoreUrl,
    job::Phone,
};

use super::server::{Running, free_port};

/// For whatever has to happen: the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program that `scripts/test` installs, named from the folder of tools.
pub fn tool(path: &str) -> PathBuf {
    let folder = std::env::var_os("WTAF_TEST_TOOLS").map_or_else(default_folder, PathBuf::from);
    let file = folder.join(path);
    assert!(
        file.exists(),
        "this test needs {path}, which is not in {}: run scripts/test, which installs it",
        folder.display()
    );
    file
}

/// `test-tools` in cargo's target folder: this binary is `target/debug/deps/it-…`.
fn default_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own file");
    own.ancestors().nth(3).expect("it is in cargo's target folder").join("test-tools")
}

/// The Python of the folder of tools, with its peers installed.
pub fn python() -> PathBuf {
    tool("venv/bin/python")
}

/// A file of `host/tests/peers`.
pub fn peer(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(file)
}

/// Runs one of our Python files to its end, and gives what it printed, as JSON.
pub fn ask_python(file: &str, arguments: &[&str], input: &Value) -> Value {
    let mut child = Command::new(python())
        .arg(peer(file))
        .args(arguments)
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python can be started");
    // What it does not read is no fault: it says itself what it lacks.
    let _ = child.stdin.take().expect("it was piped").write_all(input.to_string().as_bytes());
    let output = child.wait_with_output().expect("a child can be waited for");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{file} failed: {said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{file} printed no JSON ({error}): {said}"))
}

/// A client that goes to this machine without a proxy.
pub fn client() -> reqwest::Client {
    // Fails only where one is installed already, which does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client can be made")
}

/// Waits until there is something, and gives it; after a minute the test fails with what `otherwise` says.
pub async fn eventually<T, F>(mut look: impl FnMut() -> F, otherwise: impl Fn() -> String) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {}", otherwise());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Somebody else's server; it ends when dropped.
pub struct Peer {
    folder: PathBuf,
    port: u16,
    _running: Running,
}

impl Peer {
    /// Starts a server that is told its port by `command`, and waits until it takes connections.
    pub fn start(name: &str, command: impl FnOnce(u16) -> Command) -> Self {
        let port = free_port();
        let mut command = command(port);
        let folder = folder(name);
        command.stdin(Stdio::null()).env("NO_COLOR", "1");
        let mut running = Running::start(command, &folder);
        running.wait_for(port);
        Self { folder, port, _running: running }
    }

    /// Its root, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        log(&self.folder)
    }
}

/// The real binary with the default pipeline and a folder of its own; it ends when dropped.
pub struct Engine {
    folder: PathBuf,
    address: String,
    client: reqwest::Client,
    _running: Running,
}

impl Engine {
    /// `wtaf-host run pipeline.toml` with these keys set, none of this machine's environment, on a free port; it is ready when this returns.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let folder = folder("wtaf-engine");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipeline.toml");
        fs::copy(shipped, folder.join("pipeline.toml")).expect("the default pipeline is there");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wtaf-host"));
        command
            .args(["run", "pipeline.toml", "--set", "server.listen=127.0.0.1:0"])
            .current_dir(&folder)
            .stdin(Stdio::null());
        for (key, value) in settings {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        command.env_clear().env("WTAF_LOG_FORMAT", "json");
        let running = Running::start(command, &folder);
        let ready = async || log(&folder).lines().find_map(address);
        let address = eventually(ready, || log(&folder)).await;
        Self { folder, address, client: client(), _running: running }
    }

    /// An address of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Posts a form, signed or not.
    pub async fn post(&self, path: &str, form: &[(String, String)], signature: Option<&str>) -> reqwest::Response {
        let mut request = self.client.post(self.url(path)).form(form);
        if let Some(signature) = signature {
            request = request.header("x-twilio-signature", signature);
        }
        request.send().await.unwrap_or_else(|error| panic!("the engine does not answer ({error}): {}", self.log()))
    }

    /// A text from a number, as `/phone` sends it (the console is the carrier). Gives its job.
    pub async fn text(&self, from: &str, words: &str) -> String {
        let form =
            [("From", from), ("Body", words), ("NumMedia", "0")].map(|(name, value)| (name.into(), value.into()));
        let response = self.post("/sms/webhook", &form, None).await;
        assert_eq!(response.status(), 200, "{}", self.log());
        response.headers()["x-wtaf-job"].to_str().expect("an id is plain").to_owned()
    }

    /// A job once it has ended, as the API tells of it.
    pub async fn ended(&self, job: &str, within: Duration) -> Value {
        let deadline = Instant::now() + within;
        loop {
            let response =
                self.client.get(self.url(&format!("/api/jobs/{job}"))).send().await.expect("the engine answers");
            let job: Value = response.json().await.expect("a job is JSON");
            if matches!(job["status"].as_str(), Some("done" | "failed" | "refused")) {
                return job;
            }
            assert!(Instant::now() < deadline, "not within {within:?}: {job:#}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The first text to a number that is as wanted, once there is one.
    pub async fn text_to(&self, number: &str, wanted: impl Fn(&OutboxText) -> bool) -> OutboxText {
        let number: Phone = number.parse().expect("a number");
        let store = self.store().await;
        let texts = async || store.texts_to(&number, 50).await.expect("the database can be read");
        let found = async || texts().await.into_iter().rev().find(|text| wanted(text));
        eventually(found, || self.log()).await
    }

    /// Its database, looked at from beside it.
    pub async fn store(&self) -> Arc<dyn Store> {
        store::open(&StoreUrl::Sqlite(self.folder.join("data/wtaf.db"))).await.expect("its database can be opened")
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        log(&self.folder)
    }
}

/// The address in the line that says it is ready.
fn address(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["message"] == "ready").then(|| line["listen"].as_str().map(str::to_owned))?
}

fn folder(name: &str) -> PathBuf {
    tempfile::Builder::new().prefix(name).tempdir().expect("a temporary folder can be made").keep()
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}
