//! A PostgreSQL cluster for the life of the test process, and a database in it for each test. `DATABASE_URL` names another server to use.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use url::Url;

use super::server::{RunAs, Running, free_port, program};

const INSTALL: &str =
    "apt-get install postgresql (Debian, Ubuntu) or brew install postgresql@17; or set DATABASE_URL to a server's URL";

static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

struct Cluster {
    url: Url,
    _running: Option<Running>,
}

/// A new, empty database; roles as Supabase has them are there.
pub async fn database() -> Url {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let cluster = tokio::task::spawn_blocking(|| &*CLUSTER).await.expect("the cluster starts");
    let name = format!("wtaf_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut conn = connect(&cluster.url).await;
    for role in ["anon nologin", "authenticated nologin", "service_role nologin bypassrls"] {
        let role = format!(
            "do $$ begin create role {role}; exception when duplicate_object or unique_violation then null; end $$"
        );
        conn.execute(AssertSqlSafe(role)).await.expect("a role can be made");
    }
    let create = AssertSqlSafe(format!("create database {name} template template0"));
    conn.execute(create).await.expect("a database can be made");
    conn.close().await.expect("a connection can be closed");
    let mut url = cluster.url.clone();
    url.set_path(&name);
    // As Supabase does it: whatever is made is everyone's, and row-level security has to see to the rest.
    let mut conn = connect(&url).await;
    let open = "alter default privileges in schema public grant all on tables to anon, authenticated, service_role; \
                alter default privileges in schema public grant all on sequences to anon, authenticated, service_role; \
                alter default privileges in schema public grant all on functions to anon, authenticated, service_role; \
                grant usage on schema public to anon, authenticated, service_role";
    conn.execute(open).await.expect("privileges can be given");
    conn.close().await.expect("a connection can be closed");
    url
}

/// A connection of the test's own, to look at the tables behind the store's back.
pub async fn connect(url: &Url) -> PgConnection {
    // A pooler refuses a parameter that it does not know.
    let options = PgConnectOptions::from_str(url.as_str()).expect("a database's address").extra_float_digits(None);
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        match PgConnection::connect_with(&options).await {
            Ok(conn) => return conn,
            Err(error) if Instant::now() > deadline => panic!("PostgreSQL does not answer: {error}"),
            // It takes connections a moment before it answers them.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

impl Cluster {
    fn start() -> Self {
        if let Some(url) = std::env::var("DATABASE_URL").ok().filter(|url| url.starts_with("postgres")) {
            return Self { url: url.parse().expect("DATABASE_URL is a URL"), _running: None };
        }
        let (port, running) = local(|_, _| Vec::new());
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        Self { url: url.parse().expect("that is a URL"), _running: Some(running) }
    }
}

/// A cluster on this machine, with further settings that may name files in its folder.
pub(super) fn local(settings: impl FnOnce(&RunAs, &Path) -> Vec<String>) -> (u16, Running) {
    let folders = installed();
    let run_as = RunAs::unprivileged();
    let folder = run_as.folder("wtaf-postgres-");
    let data = folder.join("data");
    let made = run_as
        .command(&program("initdb", &folders, INSTALL), &folder)
        .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
        .arg(&data)
        .output()
        .expect("initdb can be started");
    assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
    let port = free_port();
    let mut command = run_as.command(&program("postgres", &folders, INSTALL), &folder);
    command.arg("-D").arg(&data).arg("-k").arg(&folder).args(["-p", &port.to_string()]);
    // Nothing here outlives the process, so nothing has to reach the disk.
    let usual = [
        "listen_addresses=127.0.0.1",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=300",
    ];
    for setting in usual.map(str::to_owned).into_iter().chain(settings(&run_as, &folder)) {
        command.args(["-c", &setting]);
    }
    let mut running = Running::start(command, &folder);
    running.wait_for(port);
    (port, running)
}

/// Folders with PostgreSQL's programs, newest version first.
fn installed() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]
        .iter()
        .filter_map(|root| std::fs::read_dir(root).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path().join("bin")))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    folders.sort();
    folders.reverse();
    folders
}
