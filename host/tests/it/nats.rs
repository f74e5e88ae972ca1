//! The connection to NATS, against a real server that goes and comes back.

use std::time::Duration;

use wtaf_host::{adapter::nats::Nats, config};

use crate::kit::nats::{self, Server};

fn settings(url: String) -> config::Nats {
    config::Nats { url: url.into(), creds: None, prefix: nats::prefix(), replicas: 1, lease: Duration::from_secs(30) }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_on_a_shared_server_begin_with_our_prefix() {
    let settings = settings(nats::url().await);
    let nats = Nats::connect(&settings).await.expect("the server is there");
    let bucket = async_nats::jetstream::kv::Config { bucket: nats.name("things"), ..Default::default() };

    let made = nats.jetstream().create_key_value(bucket).await.expect("a bucket can be made");

    assert_eq!(made.name, format!("{}_things", settings.prefix));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_comes_back_when_the_server_does() {
    let mut server = Server::start(&[]);
    let nats = Nats::connect(&settings(server.url())).await.expect("the server is there");
    let bucket = async_nats::jetstream::kv::Config { bucket: nats.name("kept"), ..Default::default() };
    let kept = nats.jetstream().create_key_value(bucket).await.expect("a bucket can be made");
    kept.put("key", "value".into()).await.expect("it can be written to");

    server.stop();
    kept.get("key").await.expect_err("nobody answers");
    server.start_again();

    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    loop {
        match kept.get("key").await {
            Ok(value) => break assert_eq!(value.as_deref(), Some(&b"value"[..])),
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
        }
    }
}
