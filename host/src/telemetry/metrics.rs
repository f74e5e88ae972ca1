//! Metrics for Prometheus: the table of all there are, and the recorder behind `/metrics`.
//!
//! The table is the documentation: `docs/metrics.md` is printed from it, `/metrics` carries its words, and a test holds both to what the engine really gives.

use std::fmt::Write as _;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Seconds: from a stage's fraction of a millisecond to an AI's minutes.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Rises only.
    Counter,
    /// As it is at this moment.
    Gauge,
    /// In buckets, in seconds.
    Histogram,
}

impl Kind {
    /// As Prometheus calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What tells its series apart, each a few values only.
    pub labels: &'static [&'static str],
    /// What it says.
    pub words: &'static str,
}

macro_rules! metrics_table {
    ($($kind:ident $name:literal [$($label:literal),*] $words:literal)*) => {
        &[$(Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], words: $words }),*]
    };
}

/// All there are.
pub const METRICS: &[Metric] = metrics_table! {
    Gauge "wtaf_build_info" ["version"] "1, with the version that runs."
    Gauge "wtaf_ready" [] "1 where the engine takes requests and can work on them: what /readyz says."
    Counter "wtaf_requests_total" ["source", "outcome"] "Requests offered to the queue: accepted, again (delivered before), full, behind (too old a queue), failed."
    Gauge "wtaf_queue_jobs" ["state"] "Jobs waiting, working and failed. Machines that share a queue all tell the same: take the maximum, not the sum."
    Gauge "wtaf_queue_oldest_seconds" [] "How long the oldest waiting request has waited."
    Counter "wtaf_jobs_total" ["status", "source"] "Jobs that ended: done, failed, refused (by rule; the person was told)."
    Histogram "wtaf_job_seconds" [] "From acceptance to a job's end, waiting and retries included."
    Counter "wtaf_jobs_lost_total" [] "Jobs that another worker has taken over, since this one was not heard of for longer than queue.lease."
    Counter "wtaf_fenced_total" [] "Writes for a job that the database refused, since the job belongs to another worker by now."
    Histogram "wtaf_stage_seconds" ["stage"] "One stage of a job."
    Counter "wtaf_pages_published_total" [] "Versions of pages that went live."
    Counter "wtaf_plugin_calls_total" ["plugin", "version", "outcome"] "Calls of plugins: ok, or how they failed (refused, bad-input, internal, contract, too-long, too-much, trapped)."
    Histogram "wtaf_plugin_call_seconds" ["stage"] "One call of a plugin, its fresh instance included."
    Counter "wtaf_plugin_compiles_total" ["how"] "Components made ready: compiled anew, or taken from the cache."
    Counter "wtaf_swaps_total" ["plugin", "event"] "What became of versions: swapped, tried, promoted, settled, refused, rolled-back…"
    Counter "wtaf_ai_calls_total" ["provider", "model", "outcome"] "Tries of AI calls: complete, cut-off, refused, or how they failed."
    Histogram "wtaf_ai_call_seconds" ["provider", "model", "outcome"] "One try, from connect to last byte."
    Histogram "wtaf_ai_first_token_seconds" ["provider", "model"] "Until the first piece of an answer."
    Counter "wtaf_ai_tokens_total" ["provider", "model", "direction"] "Tokens in and out, as the provider counts them."
    Gauge "wtaf_ai_breaker" ["provider"] "0 closed, 1 probing, 2 open: the provider is passed over."
    Counter "wtaf_texts_total" ["outcome"] "Tries of texts to people."
    Counter "wtaf_http_requests_total" ["method", "route", "status"] "Requests answered."
    Histogram "wtaf_http_request_seconds" ["route"] "From a request's head to its answer's head."
    Gauge "process_resident_memory_bytes" [] "Memory in use."
    Gauge "process_open_fds" [] "Open files and sockets."
    Gauge "process_threads" [] "Threads."
    Gauge "process_start_time_seconds" [] "When the process began, seconds since 1970."
};

/// What was collected, for `/metrics` and for who draws it.
pub type Collected = PrometheusHandle;

/// Starts collecting; the handle renders what there is. Each metric is described by its line of the table.
pub fn collect() -> Result<Collected, BuildError> {
    let recorder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?.build_recorder();
    let handle = recorder.handle();
    // Two engines in one process (tests) share the first one's numbers.
    let _ = metrics::set_global_recorder(recorder);
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => {
                describe_counter!(metric.name, metric.words);
                // What seldom happens is there from the start, so that its first time is seen as a rise.
                if metric.labels.is_empty() {
                    metrics::counter!(metric.name).increment(0);
                }
            }
            Kind::Gauge => describe_gauge!(metric.name, metric.words),
            Kind::Histogram => describe_histogram!(metric.name, metric.words),
        }
    }
    metrics::gauge!("wtaf_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    metrics::gauge!("process_start_time_seconds").set(jiff::Timestamp::now().as_duration().as_secs_f64());
    Ok(handle)
}

/// What this process takes of the machine, as of now. Where there is no /proc, nothing is said.
pub fn measure_process() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = |key: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    if let Some(kib) = number("VmRSS") {
        metrics::gauge!("process_resident_memory_bytes").set(kib * 1024.0);
    }
    if let Some(threads) = number("Threads") {
        metrics::gauge!("process_threads").set(threads);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let open = u32::try_from(open.count()).unwrap_or(u32::MAX);
        metrics::gauge!("process_open_fds").set(f64::from(open));
    }
}

/// The table, for docs/metrics.md.
pub fn table() -> String {
    let mut text = String::from("| metric | kind | labels | what |\n|---|---|---|---|\n");
    for Metric { name, kind, labels, words } in METRICS {
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" ");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| `{name}` | {} | {labels} | {words} |", kind.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    const BEGIN: &str = "<!-- from the code: WTAF_UPDATE_DOCS=1 cargo test -p wtaf-host --lib telemetry -->\n";
    const END: &str = "<!-- end -->";

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    /// The first string after each `counter!(` and its kin, in all sources but this one.
    fn used(folder: &Path, found: &mut BTreeSet<(String, &'static str)>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                used(&entry, found);
                continue;
            }
            let text = fs::read_to_string(&entry).unwrap_or_default();
            for (kind, call) in [("counter", "counter!("), ("gauge", "gauge!("), ("histogram", "histogram!(")] {
                for (at, _) in text.match_indices(call).filter(|(at, _)| !text[..*at].ends_with("describe_")) {
                    let rest = text[at + call.len()..].trim_start();
                    if let Some(name) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next())
                        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                    {
                        found.insert((name.to_owned(), kind));
                    }
                }
            }
        }
    }

    #[test]
    fn every_metric_of_the_code_is_in_the_table_and_none_is_there_in_vain() {
        let mut found = BTreeSet::new();
        used(&root().join("host/src"), &mut found);
        let told: BTreeSet<_> = METRICS.iter().map(|metric| (metric.name.to_owned(), metric.kind.as_str())).collect();
        assert_eq!(found, told);
    }

    #[test]
    fn the_page_of_metrics_is_printed_from_the_table() {
        let file = root().join("docs/metrics.md");
        let page = fs::read_to_string(&file).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the page says where the table begins");
        let (_, after) = rest.split_once(END).expect("and where it ends");
        let wanted = format!("{before}{BEGIN}{}{END}{after}", table());
        if std::env::var_os("WTAF_UPDATE_DOCS").is_some() {
            fs::write(&file, wanted).unwrap();
        } else {
            assert_eq!(page, wanted, "WTAF_UPDATE_DOCS=1 writes it anew");
        }
    }

    #[test]
    fn what_dashboard_and_alerts_ask_for_is_there() {
        let known = |name: &str| {
            METRICS.iter().any(|metric| {
                let ends: &[&str] = if metric.kind == Kind::Histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
                ends.iter().any(|end| name.strip_suffix(end) == Some(metric.name))
            })
        };
        for file in ["dashboard.json", "alerts.yaml"] {
            let text = fs::read_to_string(root().join("docs/grafana").join(file)).unwrap();
            let names: BTreeSet<_> = text
                .split(|sign: char| !(sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '_'))
                .filter(|word| word.starts_with("wtaf_") || word.starts_with("process_"))
                .collect();
            assert!(!names.is_empty(), "{file}");
            for name in names {
                assert!(known(name), "{file} asks for {name}, which there is not");
            }
        }
    }
}
