//! What the engine says of itself: metrics that are what their page says, and one trace a job.

use std::collections::{BTreeMap, BTreeSet};

use wtaf_host::telemetry::{Kind, METRICS};

use crate::kit::{
    ai::{FakeAi, Reply},
    collector::{Collector, attribute},
    component::{Component, drop_in},
    host::{ANN, Host, answer_with, link, until},
};

/// What `/metrics` says: the kind of each metric, and the labels of its series.
fn scraped(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut found: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a kind follows");
            found.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if let Some((name, labels)) = line.split_once('{').filter(|_| !line.starts_with('#')) {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            let base = if found.contains_key(name) { name } else { base };
            let labels = labels.split_once('}').map_or("", |(labels, _)| labels);
            let names = labels.split("\",").filter_map(|pair| pair.split_once('=')).map(|(name, _)| name.to_owned());
            let known = found.get_mut(base).unwrap_or_else(|| panic!("no type was told of {name}"));
            known.1.extend(names.filter(|name| name != "le" && name != "quantile"));
        }
    }
    found
}

#[tokio::test]
async fn every_metric_of_the_page_is_there_and_every_one_that_is_there_is_on_the_page() {
    let ai = FakeAi::start().await;
    ai.always(Reply::text(answer_with("hello")));
    let host = Host::asking(&ai).await;
    host.made(&host.text(ANN, "WTAF a tip calculator").await).await;
    drop_in(&host, "slug", &Component::version("slug", "9.0.0").bytes);

    let wanted: BTreeMap<String, (String, BTreeSet<String>)> = METRICS
        .iter()
        .map(|metric| {
            let labels = metric.labels.iter().map(|label| (*label).to_owned()).collect();
            (metric.name.to_owned(), (metric.kind.as_str().to_owned(), labels))
        })
        .collect();
    let told = until("every metric is there", async || {
        let told = scraped(&host.get("/metrics").await.text().await.ok()?);
        let unknown: Vec<_> = told.keys().filter(|name| !wanted.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "not on the page: {unknown:?}");
        wanted.keys().all(|name| told.contains_key(name)).then_some(told)
    })
    .await;

    assert_eq!(told, wanted);
    assert!(METRICS.iter().any(|metric| metric.kind == Kind::Histogram));
}

#[tokio::test]
async fn a_job_is_one_trace_whose_id_is_its_own_and_nobodys_words_are_in_it() {
    let (ai, collector) = (FakeAi::start().await, Collector::start().await);
    ai.always(Reply::text(answer_with("an answer nobody should read")));
    let host = Host::of().ai([link("first", &ai)]).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()).start().await;

    let id = host.text(ANN, "WTAF a secret surprise party").await;
    host.made(&id).await;
    let trace = hex::encode(id.parse::<ulid::Ulid>().unwrap().to_bytes());
    let spans = until("the trace is there", async || {
        let spans = collector.trace(&trace);
        spans.iter().any(|span| span.name == "job").then_some(spans)
    })
    .await;

    let named =
        |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {spans:#?}"));
    let (first, job) = (named("job accepted"), named("job"));
    assert!(first.parent_span_id.is_empty());
    assert_eq!(job.parent_span_id, first.span_id);
    assert_eq!(attribute(job, "status").as_deref(), Some("done"));
    for stage in ["coach", "prompt", "ai", "extract", "slug", "publish", "notify"] {
        assert_eq!(named(&format!("stage {stage}")).parent_span_id, job.span_id, "{stage}");
    }
    let chat = named("chat m-first");
    assert_eq!(chat.parent_span_id, named("stage ai").span_id);
    assert_eq!(attribute(chat, "gen_ai.request.model").as_deref(), Some("m-first"));
    assert_eq!(attribute(chat, "gen_ai.operation.name").as_deref(), Some("chat"));
    assert!(attribute(chat, "gen_ai.usage.output_tokens").is_some());
    let all = format!("{:?}", collector.spans());
    for words in ["surprise", "nobody should read", ANN] {
        assert!(!all.contains(words), "{words} is in a trace");
    }
}

#[tokio::test]
async fn a_stage_that_fails_is_marked_in_its_trace() {
    let (ai, collector) = (FakeAi::start().await, Collector::start().await);
    ai.always(Reply::status(500));
    let host = Host::of()
        .ai([link("first", &ai)])
        .set("queue.max_attempts=1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .start()
        .await;

    let id = host.text(ANN, "WTAF a tip calculator").await;
    assert_eq!(host.ended(&id).await["status"], "failed");

    let stage =
        until("the stage is there", async || collector.spans().into_iter().find(|span| span.name == "stage ai")).await;
    assert!(attribute(&stage, "error.type").is_some(), "{stage:?}");
    assert_eq!(stage.status.map(|status| status.code), Some(2), "an error, by OTLP's numbers");
}

#[tokio::test]
async fn a_collector_that_is_away_delays_no_page() {
    let ai = FakeAi::start().await;
    ai.always(Reply::text(answer_with("hello")));
    let away = format!("http://127.0.0.1:{}", crate::kit::server::free_port());
    let host = Host::of().ai([link("first", &ai)]).env("OTEL_EXPORTER_OTLP_ENDPOINT", &away).start().await;

    host.made(&host.text(ANN, "WTAF a tip calculator").await).await;
}

#[tokio::test]
async fn at_its_end_the_engine_sends_what_is_left_of_its_traces() {
    let (ai, collector) = (FakeAi::start().await, Collector::start().await);
    ai.always(Reply::text(answer_with("hello")));
    let mut host = Host::of()
        .ai([link("first", &ai)])
        // Left to itself it would send them in an hour.
        .env("OTEL_BSP_SCHEDULE_DELAY", "3600000")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .start()
        .await;
    let id = host.text(ANN, "WTAF a tip calculator").await;
    host.made(&id).await;
    until("the job has ended", async || host.log("job ended")).await;

    host.sigterm();
    assert_eq!(host.exit().await, Some(0));

    assert!(collector.spans().iter().any(|span| span.name == "job"));
}

#[tokio::test]
async fn a_worker_answers_probes_and_scrapers_on_an_address_of_their_own() {
    let ai = FakeAi::start().await;
    let port = crate::kit::server::free_port();
    let mut host = Host::of()
        .ai([link("first", &ai)])
        .role("worker")
        .set(format!("server.metrics_listen=127.0.0.1:{port}"))
        .unstarted();
    host.begin();
    let ask = async |path: &str| reqwest::get(format!("http://127.0.0.1:{port}{path}")).await.ok();

    let ready = until("it is ready", async || ask("/readyz").await.filter(|answer| answer.status() == 200)).await;
    let metrics = ask("/metrics").await.expect("it answers").text().await.unwrap();

    assert_eq!(ready.json::<serde_json::Value>().await.unwrap()["ready"], true);
    assert!(metrics.contains("wtaf_queue_jobs{state=\"waiting\"} 0"), "{metrics}");
    assert_eq!(ask("/chat").await.expect("it answers").status(), 404);
}

#[tokio::test]
async fn systemd_is_told_when_it_is_ready_alive_and_stopping() {
    let ai = FakeAi::start().await;
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let told = tokio::net::UnixDatagram::bind(&socket).unwrap();
    let mut host = Host::of()
        .ai([link("first", &ai)])
        .env("NOTIFY_SOCKET", socket.to_str().unwrap())
        .env("WATCHDOG_USEC", "200000")
        .start()
        .await;
    let next = async || {
        let mut words = [0; 64];
        let length =
            tokio::time::timeout(std::time::Duration::from_mins(1), told.recv(&mut words)).await.unwrap().unwrap();
        String::from_utf8_lossy(&words[..length]).trim().to_owned()
    };

    assert_eq!(next().await, "READY=1");
    assert_eq!(next().await, "WATCHDOG=1");
    host.sigterm();
    while next().await != "STOPPING=1" {}
    assert_eq!(host.exit().await, Some(0));
}
