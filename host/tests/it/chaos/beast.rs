//! The engine that is killed again and again, and the world around it.

use std::{
    fs,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rand::{Rng, rngs::StdRng};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use wtaf_host::failpoint::{self, Step};

use super::crowd::tag_in;
use crate::kit::{
    ai::{FakeAi, Reply},
    host::{SHIPPED, answer_with, asked_in, binary, until},
    process::client,
    server::free_port,
    twilio::{ACCOUNT, FROM, FakeTwilio, TOKEN},
};

/// What lets the crowd's web app post texts.
pub const BRIDGE: &str = "a-bridge-token";

/// The engine, whether it lives or not.
pub struct Beast {
    folder: TempDir,
    port: u16,
    set: Vec<String>,
    child: Option<Child>,
    client: reqwest::Client,
}

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At the step it was to end at.
    At(Step),
    /// At a moment of chance, at work.
    Working,
    /// At a moment of chance, perhaps before it was ready.
    Starting,
    /// At a moment of chance after it was told to stop.
    Stopping,
}

impl End {
    pub fn name(self) -> &'static str {
        match self {
            Self::At(step) => step.name(),
            Self::Working => "(at work)",
            Self::Starting => "(starting)",
            Self::Stopping => "(stopping)",
        }
    }
}

/// The engine with its AI and its carrier.
pub async fn born(seed: u64, store: Option<url::Url>) -> (Beast, FakeAi, FakeTwilio) {
    const { assert!(failpoint::ARMED, "this build of the engine has no named steps: use a debug build") };
    let (ai, twilio) = (FakeAi::start().await, FakeTwilio::start().await);
    let calls = AtomicUsize::new(0);
    ai.answer(move |call| {
        let n = calls.fetch_add(1, Ordering::SeqCst) as u64;
        let asked = asked_in(call);
        let words = format!("Behold {}", tag_in(&asked).unwrap_or("nothing"));
        // Some of the calls fail for a moment, so that jobs go back to wait.
        if seed.wrapping_add(n).wrapping_mul(0x9e37_79b9_7f4a_7c15).is_multiple_of(11) {
            return Reply::status(503);
        }
        Reply::Slow(answer_with(&words), Duration::from_millis(5))
    });
    twilio.set_pause(Duration::from_millis(15));
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("pipeline.toml"), SHIPPED).expect("the folder is writable");
    let mut set = vec![
        format!(
            r#"ai=[{{ name = "fake", kind = "openai", model = "m", base_url = "{}", api_key = "k", retries = 0, price = {{ input = 1.0, output = 1.0 }} }}]"#,
            ai.openai()
        ),
        "sms.provider=twilio".to_owned(),
        format!("sms.account_sid={ACCOUNT}"),
        format!("sms.auth_token={TOKEN}"),
        format!("sms.from={FROM}"),
        format!("sms.base_url={}", twilio.base_url),
        format!("server.bridge_token={BRIDGE}"),
    ];
    set.extend(store.map(|url| format!("store.url={url}")));
    (Beast { folder, port: free_port(), set, child: None, client: client() }, ai, twilio)
}

impl Beast {
    /// Where it takes texts, while it lives.
    pub fn door(&self) -> Door {
        Door { port: self.port, wtaf: Arc::new(self.data().join("wtaf")) }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The database's address, where it is not the file.
    pub fn store(&self) -> Option<&str> {
        self.set.iter().find_map(|key| key.strip_prefix("store.url="))
    }

    fn spawn(&mut self, fail: Option<String>) {
        assert!(self.child.is_none(), "it lives");
        let mut command: Command = binary();
        command.current_dir(self.folder.path()).args(["run", "pipeline.toml"]);
        command.arg("--set").arg(format!("server.listen=127.0.0.1:{}", self.port));
        for key in &self.set {
            command.arg("--set").arg(key);
        }
        let log = fs::File::create(self.folder.path().join("log")).expect("the folder is writable");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        command.env("WTAF_LOG", "warn,wtaf_host=info");
        if let Some(fail) = fail {
            command.env("WTAF_FAIL", fail);
        }
        self.child = Some(command.spawn().expect("the engine can be started"));
    }

    /// One life, with its end: at a step when it is reached so many times, or at a moment of chance.
    pub async fn live_and_die(&mut self, step: Option<(Step, u32)>, chance: &mut StdRng) -> End {
        self.spawn(step.map(|(step, times)| match step {
            Step::QueueRecovered => step.name().to_owned(),
            // In the middle of a text: the carrier has it, its answer is on the way.
            Step::TextGoing => format!("{}:{times}+8ms", step.name()),
            _ => format!("{}:{times}", step.name()),
        }));
        if let Some((step, _)) = step {
            // A slow machine starts slowly: the step's time counts from then on.
            self.ready().await;
            if self.died_within(Duration::from_millis(3_500)).await {
                return End::At(step);
            }
        }
        let end = match chance.random_range(0..10) {
            0..=2 => {
                self.died_within(Duration::from_millis(chance.random_range(0..700))).await;
                End::Starting
            }
            3 => {
                self.ready().await;
                self.signal("-TERM");
                self.died_within(Duration::from_millis(chance.random_range(0..300))).await;
                End::Stopping
            }
            _ => {
                self.ready().await;
                self.died_within(Duration::from_millis(chance.random_range(0..600))).await;
                End::Working
            }
        };
        self.kill().await;
        end
    }

    /// Another life, without an end.
    pub async fn live(&mut self) {
        self.spawn(None);
        self.ready().await;
    }

    /// Asks it to end, and waits for that.
    pub async fn told_to_stop(&mut self) {
        self.signal("-TERM");
        assert!(self.died_within(Duration::from_mins(1)).await, "it does not stop: {}", self.log());
        self.child = None;
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    async fn died_within(&mut self, patience: Duration) -> bool {
        let Some(child) = &mut self.child else { return true };
        let ended = tokio::time::timeout(patience, child.wait()).await;
        if let Ok(status) = ended {
            let status = status.expect("a child can be waited for");
            // It ended by itself only where it was told to.
            let code = status.code();
            assert!(code.is_none() || code == Some(0), "it ended with {status}: {}", self.log());
            self.child = None;
            return true;
        }
        false
    }

    async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.expect("a child can be killed");
        }
    }

    fn signal(&self, signal: &str) {
        let Some(id) = self.child.as_ref().and_then(Child::id) else { return };
        // It may just have ended.
        let _ = std::process::Command::new("kill").args([signal, &id.to_string()]).stderr(Stdio::null()).status();
    }

    async fn ready(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let ended = self.child.as_mut().is_none_or(|child| child.try_wait().is_ok_and(|status| status.is_some()));
            if ended {
                return;
            }
            let url = format!("http://127.0.0.1:{}/readyz", self.port);
            if self.client.get(url).send().await.is_ok_and(|response| response.status() == 200) {
                return;
            }
            assert!(Instant::now() < deadline, "it is not ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A page, redirects followed.
    pub async fn page(&self, url: &str) -> String {
        let path = url.strip_prefix(&format!("http://localhost:{}", self.port)).expect("an address of ours");
        let response = self.client.get(format!("http://127.0.0.1:{}{path}", self.port)).send().await;
        response.expect("it answers").text().await.expect("a page is text")
    }

    /// Waits until nothing waits to be sent: no text comes any more.
    pub async fn outbox_is_empty(&self, twilio: &FakeTwilio) {
        let mut before = (usize::MAX, Instant::now());
        until("no more texts go out", async || {
            let sent = twilio.sent().len();
            if before.0 != sent {
                before = (sent, Instant::now());
            }
            (before.1.elapsed() > Duration::from_secs(4)).then_some(())
        })
        .await;
    }
}

/// Where texts are handed in.
#[derive(Debug, Clone)]
pub struct Door {
    port: u16,
    wtaf: Arc<PathBuf>,
}

impl Door {
    /// Hands a text in, as a carrier would: nothing where there was no answer.
    pub async fn deliver(&self, client: &reqwest::Client, from: &str, body: &str, sid: &str) -> Option<String> {
        let form = [("From", from), ("Body", body), ("MessageSid", sid), ("NumMedia", "0")];
        let url = format!("http://127.0.0.1:{}/sms/webhook", self.port);
        let response = client.post(url).bearer_auth(BRIDGE).form(&form).send().await.ok()?;
        assert!(response.status().is_success() || response.status().is_server_error(), "{response:?}");
        let job = response.headers().get("x-wtaf-job")?.to_str().ok()?.to_owned();
        response.text().await.ok().map(|_| job)
    }

    /// The file of a job that has ended.
    pub fn ended(&self, job: &str) -> Option<serde_json::Value> {
        let read = |folder: &str| fs::read(self.wtaf.join(folder).join(format!("{job}.json"))).ok();
        serde_json::from_slice(&read("done").or_else(|| read("failed"))?).ok()
    }
}
