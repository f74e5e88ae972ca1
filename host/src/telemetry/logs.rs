//! Logs on stderr: pretty on a terminal, one JSON object a line elsewhere.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt,
    registry::LookupSpan,
};

/// The layer that writes. `WTAF_LOG` chooses what (the syntax of `RUST_LOG`), `info` otherwise; `WTAF_LOG_FORMAT` is `json` or `pretty`.
pub(super) fn layer<S>() -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let pretty = match std::env::var("WTAF_LOG_FORMAT").as_deref() {
        Ok("json") => false,
        Ok("pretty") => true,
        _ => std::io::stderr().is_terminal(),
    };
    if pretty {
        let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        // The lines name their job and stage themselves: the spans around them would say it again.
        let lines = FilterExt::<S>::and(wanted(), filter_fn(is_line));
        return fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(ansi).with_filter(lines).boxed();
    }
    let json = fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(std::io::stderr);
    json.with_filter(wanted()).boxed()
}

fn is_line(meta: &tracing::Metadata<'_>) -> bool {
    meta.is_event()
}

fn wanted() -> EnvFilter {
    EnvFilter::try_from_env("WTAF_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,opentelemetry=warn,async_nats=warn"))
}
