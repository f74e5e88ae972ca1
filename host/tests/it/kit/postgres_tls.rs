//! A PostgreSQL that speaks TLS, with a certificate for `localhost` that an authority of the tests' own has signed.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use sqlx::{AssertSqlSafe, Connection, Executor};
use url::Url;

use super::{
    postgres::{connect, local},
    server::{RunAs, Running, program},
};

const INSTALL: &str = "apt-get install openssl (Debian, Ubuntu)";

static SERVER: LazyLock<Encrypted> = LazyLock::new(Encrypted::start);

/// The server, and what to trust.
pub struct Encrypted {
    url: Url,
    /// Who signed its certificate.
    pub authority: PathBuf,
    /// Someone else.
    pub stranger: PathBuf,
    _running: Running,
}

/// The one that tests share.
pub async fn server() -> &'static Encrypted {
    tokio::task::spawn_blocking(|| &*SERVER).await.expect("the server starts")
}

impl Encrypted {
    /// A new, empty database, at one of the host's names and with these parameters.
    pub async fn database(&self, host: &str, parameters: &str) -> Url {
        let name = format!("tls_{}", ulid());
        let mut conn = connect(&self.url).await;
        conn.execute(AssertSqlSafe(format!("create database {name}"))).await.expect("a database can be made");
        conn.close().await.expect("a connection can be closed");
        let mut url = self.url.clone();
        url.set_host(Some(host)).expect("a host can be set");
        url.set_path(&name);
        url.set_query(Some(parameters));
        url
    }

    fn start() -> Self {
        let mut files = None;
        let (port, running) = local(|run_as, folder| {
            let (authority, stranger) = (authority(run_as, folder, "authority"), authority(run_as, folder, "stranger"));
            certificate(run_as, folder);
            files = Some((authority, stranger));
            let file = |name: &str| folder.join(name).display().to_string();
            vec![
                "ssl=on".into(),
                format!("ssl_cert_file={}", file("server.pem")),
                format!("ssl_key_file={}", file("server.key")),
            ]
        });
        let (authority, stranger) = files.expect("the settings were asked for");
        let url = format!("postgres://postgres:hush@127.0.0.1:{port}/postgres");
        Self { url: url.parse().expect("that is a URL"), authority, stranger, _running: running }
    }
}

fn ulid() -> String {
    wtaf_host::job::JobIds::default().next(wtaf_host::job::Millis::now()).to_string().to_lowercase()
}

fn openssl(run_as: &RunAs, folder: &Path, arguments: &[&str]) {
    let made = run_as
        .command(&program("openssl", &[], INSTALL), folder)
        .args(arguments)
        .output()
        .expect("openssl can be started");
    assert!(made.status.success(), "openssl failed: {}", String::from_utf8_lossy(&made.stderr));
}

const KEY: [&str; 4] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

/// Makes someone who signs, and says where the certificate is.
pub fn authority(run_as: &RunAs, folder: &Path, name: &str) -> PathBuf {
    let (key, pem, subject) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN=the tests' {name}"));
    let mut arguments = vec!["req", "-x509", "-nodes", "-days", "30", "-subj", &subject, "-keyout", &key, "-out", &pem];
    arguments.extend(KEY);
    openssl(run_as, folder, &arguments);
    folder.join(pem)
}

/// Has `server.pem` and `server.key` for `localhost` made, signed by that folder's `authority`.
pub fn certificate(run_as: &RunAs, folder: &Path) {
    let mut arguments =
        vec!["req", "-new", "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"];
    arguments.extend(KEY);
    openssl(run_as, folder, &arguments);
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
        .expect("it is written");
    let sign = [
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "authority.pem",
        "-CAkey",
        "authority.key",
        "-CAcreateserial",
        "-days",
        "30",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ];
    openssl(run_as, folder, &sign);
}
