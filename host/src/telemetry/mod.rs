//! What the engine says of itself: logs, metrics, traces, and a report when it crashes. Never a person's words, and phone numbers only masked.
//!
//! | signal | where to | set by |
//! |---|---|---|
//! | logs | stderr: pretty on a terminal, JSON elsewhere | `WTAF_LOG`, `WTAF_LOG_FORMAT` |
//! | metrics | `/metrics`, for Prometheus | |
//! | traces | a collector, by OTLP | `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin |
//! | crash reports | a folder | `WTAF_CRASH_DIR` |

mod crash;
mod logs;
mod metrics;
pub mod traces;

pub use metrics::{Collected, Kind, METRICS, Metric, collect, measure_process, table};

use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// What has to be ended in order: traces that wait to be sent.
#[must_use = "dropped, the last traces are not sent"]
pub struct Signals {
    traces: Option<traces::Sender>,
}

/// Starts logs, and where the environment asks for them traces and crash reports. Within a Tokio runtime.
pub fn start() -> Signals {
    crash::report_panics();
    let (sender, traces) = match traces::sender() {
        Ok(Some((sender, tracer))) => (Some(sender), Some(tracer)),
        Ok(None) => (None, None),
        Err(why) => {
            eprintln!("wtaf-host: no traces are sent: {why}");
            (None, None)
        }
    };
    let registry =
        tracing_subscriber::registry().with(logs::layer()).with(traces.map(|tracer| traces::layer(tracer).boxed()));
    // A second start in one process (tests) keeps the first one's logs.
    let _ = registry.try_init();
    Signals { traces: sender }
}

impl Signals {
    /// Sends what is left; gives up after a few seconds.
    pub async fn end(self) {
        if let Some(traces) = self.traces {
            traces.end().await;
        }
    }
}
