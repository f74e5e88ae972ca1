//! Traces by OTLP, where the environment names a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`; the other `OTEL_…` variables count as well).
//!
//! One trace a job: its id is the trace's id, so that whoever has one has the other, and what several machines did for a job comes together without anything being
//! carried along with it. The first span is made when the job is accepted; each run of the job, on whichever machine, hangs from it.

use std::{cell::Cell, time::Duration};

use opentelemetry::{
    Context, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{
        Span as _, SpanBuilder, SpanContext, SpanKind, TraceContextExt as _, TraceState, Tracer as _,
        TracerProvider as _,
    },
};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{IdGenerator, RandomIdGenerator, Sampler, SdkTracer, SdkTracerProvider},
};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use crate::job::{Job, JobId, Source, StageRecord};

/// For the last traces to be sent at the end.
const PATIENCE: Duration = Duration::from_secs(3);

static TRACER: std::sync::OnceLock<SdkTracer> = std::sync::OnceLock::new();

/// Sends traces to a collector, in the background.
pub(super) struct Sender(SdkTracerProvider);

impl Sender {
    /// Sends what is left.
    pub(super) async fn end(self) {
        // It waits for the background with its own means, which would hold up the runtime that does the sending.
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// What sends, and what makes spans, where the environment names a collector.
pub(super) fn sender() -> Result<Option<(Sender, SdkTracer)>, String> {
    let named = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !named.iter().any(is_set) || std::env::var("OTEL_SDK_DISABLED").is_ok_and(|said| said == "true") {
        return Ok(None);
    }
    // Fails only where one is installed already, which does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().build().map_err(|error| error.to_string())?;
    let exporter =
        SpanExporter::builder().with_http().with_http_client(client).build().map_err(|error| error.to_string())?;
    let batches = opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor::builder(
        exporter,
        opentelemetry_sdk::runtime::Tokio,
    );
    let provider = SdkTracerProvider::builder()
        .with_span_processor(batches.build())
        .with_id_generator(Ids::default())
        .with_sampler(sampler())
        .with_resource(resource())
        .build();
    let tracer = provider.tracer("wtaf-host");
    // A second start in one process keeps the first one's.
    let _ = TRACER.set(tracer.clone());
    Ok(Some((Sender(provider), tracer)))
}

/// What turns our spans into the trace's: the job's, its stages', the calls of an AI; events (log lines) at info and above come along.
pub(super) fn layer<S>(tracer: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let ours = filter_fn(|meta| meta.target().starts_with("wtaf_host") && *meta.level() <= tracing::Level::INFO);
    tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false).with_filter(ours)
}

/// Which traces are sent: all, or the share that `OTEL_TRACES_SAMPLER=traceidratio` asks for. The id alone decides, so every machine decides alike.
fn sampler() -> Sampler {
    let (kind, share) = (std::env::var("OTEL_TRACES_SAMPLER"), std::env::var("OTEL_TRACES_SAMPLER_ARG"));
    match kind.as_deref().unwrap_or_default().trim_start_matches("parentbased_") {
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(share.ok().and_then(|share| share.parse().ok()).unwrap_or(1.0)),
        _ => Sampler::AlwaysOn,
    }
}

fn resource() -> Resource {
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
    if named { resource.build() } else { resource.with_service_name("wtaf-host").build() }
}

thread_local! {
    /// The ids of the next span that is made on this thread, where they are not left to chance.
    static NEXT: Cell<Option<(TraceId, SpanId)>> = const { Cell::new(None) };
}

/// Chance, but for a job's first span.
#[derive(Debug, Default)]
struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NEXT.get().map_or_else(|| self.0.new_trace_id(), |(trace, _)| trace)
    }

    fn new_span_id(&self) -> SpanId {
        NEXT.get().map_or_else(|| self.0.new_span_id(), |(_, span)| span)
    }
}

/// The ids of a job's first span. Its number is the random half of the job's id.
fn first(id: JobId) -> (TraceId, SpanId) {
    let bits = id.bits();
    #[allow(clippy::cast_possible_truncation)]
    let low = bits as u64;
    (TraceId::from(bits), SpanId::from(low.max(1)))
}

/// A job was accepted: its trace begins.
pub fn accepted(id: JobId, source: Source) {
    let Some(tracer) = TRACER.get() else { return };
    let builder = SpanBuilder::from_name("job accepted")
        .with_kind(SpanKind::Producer)
        .with_attributes([KeyValue::new("wtaf.job", id.to_string()), KeyValue::new("wtaf.source", source.as_str())]);
    NEXT.set(Some(first(id)));
    tracer.build_with_context(builder, &Context::new()).end();
    NEXT.set(None);
}

/// The span of one run of a job.
pub fn job(job: &Job) -> Span {
    let span = tracing::info_span!(
        "job",
        otel.kind = "consumer",
        job = %job.id,
        source = job.request.source.as_str(),
        attempt = job.attempts + 1,
        status = tracing::field::Empty,
    );
    if TRACER.get().is_some() {
        let (trace, id) = first(job.id);
        let parent = SpanContext::new(trace, id, TraceFlags::SAMPLED, true, TraceState::default());
        // It can be set: the span was just made.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    span
}

/// The span of one stage of a job.
pub fn stage(record: &StageRecord) -> Span {
    tracing::info_span!(
        "stage",
        otel.name = %format_args!("stage {}", record.name),
        stage = %record.name,
        plugin = record.plugin.as_deref(),
        version = record.version.as_deref(),
        digest = record.digest.as_deref().and_then(|digest| digest.get(..12)),
        attempt = record.attempt,
        "error.type" = tracing::field::Empty,
    )
}

/// Marks a span as failed, with a word that tells failures apart and holds nobody's words.
pub fn failed(span: &Span, word: &str) {
    span.record("error.type", word);
    span.set_status(opentelemetry::trace::Status::error(word.to_owned()));
}
