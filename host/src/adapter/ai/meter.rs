//! What is seen of a try: its span by the GenAI conventions, its metrics. Never a word of the prompt or the answer.

use std::time::Duration;

use tracing::{Span, field::Empty};

use super::{AiCall, AiError, BreakerState, provider::Ending};
use crate::{
    config::{self, AiKind},
    job::Finish,
};

/// The span of one try.
pub(super) fn span(entry: &config::Ai, call: &AiCall) -> Span {
    let provider = match entry.kind {
        AiKind::Anthropic => "anthropic",
        AiKind::OpenAi => "openai",
        AiKind::Demo => "demo",
    };
    let span = tracing::info_span!(
        "chat",
        otel.name = %format_args!("chat {}", entry.model),
        otel.kind = "client",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = provider,
        gen_ai.request.model = %entry.model,
        gen_ai.request.stream = true,
        gen_ai.request.max_tokens = call.max_tokens.unwrap_or(entry.max_tokens).min(entry.max_tokens),
        gen_ai.request.temperature = Empty,
        gen_ai.response.id = Empty,
        gen_ai.response.model = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.response.time_to_first_chunk = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.usage.cache_creation.input_tokens = Empty,
        server.address = entry.base_url.as_ref().and_then(url::Url::host_str),
        server.port = entry.base_url.as_ref().and_then(url::Url::port_or_known_default),
        "error.type" = Empty,
        wtaf.ai.provider = %entry.name,
        wtaf.ai.purpose = %call.purpose,
    );
    if let Some(temperature) = call.temperature.or(entry.temperature) {
        span.record("gen_ai.request.temperature", f64::from(temperature));
    }
    span
}

/// One try has ended.
pub(super) fn tried(
    entry: &config::Ai,
    span: &Span,
    took: Duration,
    first: Option<Duration>,
    outcome: &Result<Ending, AiError>,
) {
    let (provider, model) = (entry.name.clone(), entry.model.clone());
    let word = match outcome {
        Ok(Ending { finish: Finish::Complete, .. }) => "complete",
        Ok(Ending { finish: Finish::CutOff, .. }) => "cut-off",
        Ok(Ending { finish: Finish::Refused, .. }) => "refused",
        Err(error) => error.outcome(),
    };
    if let Some(first) = first {
        span.record("gen_ai.response.time_to_first_chunk", first.as_secs_f64());
        metrics::histogram!("wtaf_ai_first_token_seconds", "provider" => provider.clone(), "model" => model.clone())
            .record(first);
    }
    match outcome {
        Ok(ending) => answered(entry, span, ending),
        Err(_) => {
            span.record("error.type", word);
        }
    }
    let labels = [("provider", provider), ("model", model), ("outcome", word.to_owned())];
    metrics::counter!("wtaf_ai_calls_total", &labels).increment(1);
    metrics::histogram!("wtaf_ai_call_seconds", &labels).record(took);
}

fn answered(entry: &config::Ai, span: &Span, ending: &Ending) {
    let usage = ending.usage;
    span.record("gen_ai.response.finish_reasons", ending.reason.as_str());
    span.record("gen_ai.response.model", ending.model.as_deref().unwrap_or(&entry.model));
    if let Some(id) = &ending.id {
        span.record("gen_ai.response.id", id.as_str());
    }
    span.record("gen_ai.usage.input_tokens", usage.input());
    span.record("gen_ai.usage.output_tokens", usage.output);
    span.record("gen_ai.usage.cache_read.input_tokens", usage.cached);
    span.record("gen_ai.usage.cache_creation.input_tokens", usage.to_cache);
    for (direction, tokens) in [("input", usage.input()), ("output", usage.output)] {
        let labels =
            [("provider", entry.name.clone()), ("model", entry.model.clone()), ("direction", direction.into())];
        metrics::counter!("wtaf_ai_tokens_total", &labels).increment(tokens);
    }
}

/// The breaker's state after a try.
pub(super) fn breaker(provider: &str, state: BreakerState) {
    let value = match state {
        BreakerState::Closed | BreakerState::Paused => 0.0,
        BreakerState::Probing => 1.0,
        BreakerState::Open => 2.0,
    };
    metrics::gauge!("wtaf_ai_breaker", "provider" => provider.to_owned()).set(value);
}
