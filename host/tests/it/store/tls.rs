//! Encrypted ways to PostgreSQL, each mode against a real server: what is let in, what is refused, and in which words.

use sqlx::Connection;
use wtaf_host::adapter::store;

use super::{person, postgres_url};
use crate::kit::{postgres, postgres_tls, process::eventually};

/// What is said where it is refused.
async fn refused(url: &url::Url) -> String {
    // On a busy machine the server may take longer than anyone waits, which is another matter, and no error at the start.
    let tried = async || store::open(&postgres_url(url)).await.err();
    let error = eventually(tried, || "it is let in".into()).await;
    assert!(!error.is_transient(), "whoever starts it is told at once: {error}");
    let words = error.to_string();
    assert!(!words.contains("hush") && !words.contains("postgres://"), "{words}");
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mode_does_what_it_says_where_the_certificate_is_good() {
    let server = postgres_tls::server().await;
    let root = format!("sslrootcert={}", server.authority.display());
    for (host, mode, encrypted) in [
        ("localhost", "sslmode=disable".to_owned(), false),
        ("localhost", "sslmode=prefer".to_owned(), true),
        ("localhost", "sslmode=require".to_owned(), true),
        ("127.0.0.1", format!("sslmode=verify-ca&{root}"), true),
        ("localhost", format!("sslmode=verify-full&{root}"), true),
        ("localhost", format!("ssl-mode=verify-full&ssl-ca={}", server.authority.display()), true),
    ] {
        let url = server.database(host, &mode).await;

        let store = store::open(&postgres_url(&url)).await.unwrap_or_else(|error| panic!("{mode}: {error}"));

        person(&*store, "fox").await;
        let mut look = url.clone();
        look.set_host(Some("127.0.0.1")).unwrap();
        look.set_query(Some("sslmode=disable"));
        let mut conn = postgres::connect(&look).await;
        let ssl = "select bool_and(s.ssl) from pg_stat_ssl s join pg_stat_activity a using (pid) \
                   where a.datname = current_database() and a.pid <> pg_backend_pid()";
        let ssl: Option<bool> = sqlx::query_scalar(ssl).fetch_one(&mut conn).await.unwrap();
        assert_eq!(ssl, Some(encrypted), "{mode}");
        conn.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_to_be_trusted_is_refused_with_what_to_do() {
    let server = postgres_tls::server().await;
    let root = |file: &std::path::Path| format!("sslmode=verify-full&sslrootcert={}", file.display());

    let stranger = refused(&server.database("localhost", &root(&server.stranger)).await).await;
    let nobody = refused(&server.database("localhost", "sslmode=verify-ca").await).await;
    let name = refused(&server.database("127.0.0.1", &root(&server.authority)).await).await;
    let missing = refused(&server.database("localhost", &root("/no/such/file.pem".as_ref())).await).await;
    let odd = refused(&server.database("localhost", &root("/etc/passwd".as_ref())).await).await;

    for words in [stranger, nobody] {
        assert!(words.contains("signed by nobody we know") && words.contains("sslrootcert"), "{words}");
    }
    assert!(name.contains("localhost") && name.contains("verify-ca"), "{name}");
    assert!(missing.contains("/no/such/file.pem"), "{missing}");
    assert!(odd.contains("certificate") || odd.contains("sslrootcert"), "{odd}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    let mut plain = postgres::database().await;
    plain.set_query(Some("sslmode=require"));
    let words = refused(&plain).await;
    assert!(words.contains("offers no TLS") && words.contains("ssl = on"), "{words}");
}
