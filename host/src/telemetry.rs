//! Logs and metrics: pretty on a terminal, JSON elsewhere; never a person's words, and phone numbers only masked.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Seconds: from a stage's fraction of a millisecond to an AI's minutes.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// Starts logging to stderr. `WTAF_LOG` chooses what (the syntax of `RUST_LOG`), `info` otherwise; `WTAF_LOG_FORMAT` is `json` or `pretty`.
pub fn logs() {
    let filter = EnvFilter::try_from_env("WTAF_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let pretty = match std::env::var("WTAF_LOG_FORMAT").as_deref() {
        Ok("json") => false,
        Ok("pretty") => true,
        _ => std::io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    // A second start in one process (tests) keeps the first one's logs.
    let _ = if pretty {
        let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        registry.with(fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(ansi)).try_init()
    } else {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
    };
}

/// Starts collecting metrics; the handle renders them for `/metrics`.
pub fn metrics() -> Result<PrometheusHandle, metrics_exporter_prometheus::BuildError> {
    let recorder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?.build_recorder();
    let handle = recorder.handle();
    // Two engines in one process (tests) share the first one's numbers.
    let _ = metrics::set_global_recorder(recorder);
    Ok(handle)
}
