//! A PgBouncer in transaction mode before the cluster, with few server connections and so with every chance to mix its clients up.

use std::{fs, sync::LazyLock};

use tokio::sync::OnceCell;
use url::Url;

use super::server::{RunAs, Running, free_port, program};

const INSTALL: &str = "apt-get install pgbouncer (Debian, Ubuntu) or brew install pgbouncer";

static POOLER: LazyLock<OnceCell<Pooler>> = LazyLock::new(OnceCell::new);

struct Pooler {
    port: u16,
    _running: Running,
}

/// The same database, through the pooler.
pub async fn before(database: &Url) -> Url {
    let server = database.clone();
    let pooler = POOLER
        .get_or_init(|| async { tokio::task::spawn_blocking(move || Pooler::start(&server)).await.expect("it starts") })
        .await;
    let mut url = database.clone();
    url.set_host(Some("127.0.0.1")).expect("a host can be set");
    url.set_port(Some(pooler.port)).expect("a port can be set");
    url.set_query(Some("pgbouncer=true&connection_limit=1"));
    url
}

impl Pooler {
    fn start(server: &Url) -> Self {
        let run_as = RunAs::unprivileged();
        let folder = run_as.folder("wtaf-pgbouncer-");
        let port = free_port();
        let (host, server_port) = (server.host_str().unwrap_or("127.0.0.1"), server.port().unwrap_or(5432));
        let users = folder.join("users");
        fs::write(&users, format!("\"{}\" \"{}\"\n", server.username(), server.password().unwrap_or("")))
            .expect("the folder is writable");
        let settings = folder.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={host} port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 3\n\
             max_client_conn = 2000\nmax_db_connections = 3\n",
            users.display()
        );
        fs::write(&settings, text).expect("the folder is writable");
        let mut command = run_as.command(&program("pgbouncer", &[], INSTALL), &folder);
        command.arg(&settings);
        let mut running = Running::start(command, &folder);
        running.wait_for(port);
        Self { port, _running: running }
    }
}
