//! The Anthropic Messages API: what a call looks like, what its events mean. Pure; [`super::http`] sends and listens.

use std::sync::atomic::AtomicBool;

use http::{HeaderMap, HeaderValue, header};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AiCall, Speaker,
    chain::{SetupFault, turns},
    client::Trust,
    http::{Dialect, HttpProvider, Misread, Read, Reader},
    provider::{Ending, Named, Usage},
    sse::Event,
};
use crate::{config, job::Finish};

const BASE: &str = "https://api.anthropic.com";
const VERSION: &str = "2023-06-01";

/// The provider of an entry.
pub(super) fn provider(entry: &config::Ai, trust: &Trust) -> Result<HttpProvider<Anthropic>, SetupFault> {
    let (wires, url) = HttpProvider::<Anthropic>::reach(entry, BASE, "/v1/messages", trust)?;
    let own = url.host_str() == Some("api.anthropic.com");
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
    if let Some(key) = &entry.api_key {
        let mut value = HeaderValue::from_str(key.expose_secret().trim()).map_err(|_| SetupFault::KeyShape)?;
        value.set_sensitive(true);
        headers.insert("x-api-key", value);
    } else if own {
        return Err(SetupFault::NoKey("ANTHROPIC_API_KEY"));
    }
    let key_hint = if own { "ANTHROPIC_API_KEY".to_owned() } else { format!("api_key of the [[ai]] {:?}", entry.name) };
    let named = Named(entry.name.clone());
    let bare = AtomicBool::new(false);
    Ok(HttpProvider { named, entry: entry.clone(), key_hint, wires, url, headers, dialect: Anthropic, bare })
}

/// The dialect.
pub(super) struct Anthropic;

impl Dialect for Anthropic {
    fn body(&self, entry: &config::Ai, call: &AiCall, bare: bool) -> Vec<u8> {
        let (system, messages): (Vec<_>, Vec<_>) =
            turns(call, Some(Speaker::System)).into_iter().partition(|(speaker, _)| *speaker == Speaker::System);
        let system = system.into_iter().enumerate().map(|(at, (_, text))| SystemBlock {
            r#type: "text",
            text,
            // The first block is the rules, the same for every call: worth the price of a write to the cache.
            cache_control: (at == 0).then_some(CacheControl { r#type: "ephemeral" }),
        });
        let messages = messages.into_iter().map(|(speaker, content)| Turn {
            role: if speaker == Speaker::Assistant { "assistant" } else { "user" },
            content,
        });
        let body = Body {
            model: &entry.model,
            max_tokens: call.max_tokens.map_or(entry.max_tokens, |tokens| tokens.min(entry.max_tokens)),
            temperature: call.temperature.or(entry.temperature).filter(|_| !bare).map(|warmth| warmth.clamp(0.0, 1.0)),
            system: system.collect(),
            messages: messages.collect(),
            stream: true,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(AnthropicReader::default())
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<SystemBlock>,
    messages: Vec<Turn>,
    stream: bool,
}

#[derive(Serialize)]
struct SystemBlock {
    r#type: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
struct CacheControl {
    r#type: &'static str,
}

#[derive(Serialize)]
struct Turn {
    role: &'static str,
    content: String,
}

/// Reads one answer.
#[derive(Default)]
struct AnthropicReader {
    id: Option<String>,
    model: Option<String>,
    reason: Option<String>,
    usage: Usage,
}

#[derive(Deserialize)]
struct Started {
    message: StartedMessage,
}

#[derive(Deserialize)]
struct StartedMessage {
    id: Option<String>,
    model: Option<String>,
    #[serde(default)]
    usage: Counts,
}

/// Each count is what there is so far; one that is missing stays as it was.
#[derive(Deserialize, Default)]
struct Counts {
    #[serde(rename = "input_tokens")]
    input: Option<u64>,
    #[serde(rename = "cache_read_input_tokens")]
    cached: Option<u64>,
    #[serde(rename = "cache_creation_input_tokens")]
    to_cache: Option<u64>,
    #[serde(rename = "output_tokens")]
    output: Option<u64>,
}

#[derive(Deserialize)]
struct BlockDelta {
    delta: Delta,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "thinking_delta")]
    Thinking,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageDelta {
    delta: Stopped,
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Stopped {
    stop_reason: Option<String>,
}

impl Reader for AnthropicReader {
    fn read(&mut self, event: &Event) -> Result<Read, Misread> {
        let data: Value = serde_json::from_str(&event.data).map_err(|_| Misread::Senseless("an event is not JSON"))?;
        let kind = data.get("type").and_then(Value::as_str).unwrap_or(&event.name).to_owned();
        match kind.as_str() {
            "message_start" => {
                let Started { message } = typed(data)?;
                (self.id, self.model) = (message.id, message.model);
                self.count(&message.usage);
                Ok(Read::Nothing)
            }
            "content_block_delta" => Ok(match typed::<BlockDelta>(data)?.delta {
                Delta::Text { text } => Read::Text(text),
                Delta::Thinking => Read::Thinking,
                Delta::Other => Read::Nothing,
            }),
            "message_delta" => {
                let MessageDelta { delta, usage } = typed(data)?;
                self.reason = delta.stop_reason.or(self.reason.take());
                self.count(&usage.unwrap_or_default());
                Ok(Read::Nothing)
            }
            "message_stop" => self.done(),
            "error" => Err(Misread::Failed(data)),
            // The API promises new kinds of events; OpenAI's chunks have no type at all.
            _ if data.get("choices").is_some() => Err(Misread::Foreign("answers in OpenAI's format")),
            _ if data.get("error").is_some() => Err(Misread::Failed(data)),
            _ => Ok(Read::Nothing),
        }
    }
}

impl AnthropicReader {
    fn count(&mut self, counts: &Counts) {
        let set = |count: &mut u64, new: Option<u64>| *count = new.unwrap_or(*count);
        set(&mut self.usage.fresh, counts.input);
        set(&mut self.usage.cached, counts.cached);
        set(&mut self.usage.to_cache, counts.to_cache);
        set(&mut self.usage.output, counts.output);
    }

    fn done(&mut self) -> Result<Read, Misread> {
        let reason = self.reason.take().ok_or(Misread::Senseless("the answer ended without saying why"))?;
        let finish = match reason.as_str() {
            "end_turn" | "stop_sequence" => Finish::Complete,
            "max_tokens" | "model_context_window_exceeded" => Finish::CutOff,
            "refusal" => Finish::Refused,
            _ => return Err(Misread::Foreign("the answer ended for a reason we do not know")),
        };
        Ok(Read::Done(Ending { finish, reason, id: self.id.take(), model: self.model.take(), usage: self.usage }))
    }
}

fn typed<T: serde::de::DeserializeOwned>(data: Value) -> Result<T, Misread> {
    serde_json::from_value(data).map_err(|_| Misread::Senseless("an event lacks what it must have"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::ai::sse::recorded;

    /// As the API's documents show it: a ping between, a thought first, a kind of event we do not know, Windows line ends.
    const STREAM: &str = "event: message_start\r\n\
        data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-x\",\
        \"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"cache_read_input_tokens\":1000,\"cache_creation_input_tokens\":7,\
        \"output_tokens\":1}}}\r\n\r\n\
        event: content_block_start\r\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\r\n\r\n\
        event: ping\r\ndata: {\"type\": \"ping\"}\r\n\r\n\
        event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Hm\"}}\r\n\r\n\
        event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"x\"}}\r\n\r\n\
        event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hé \"}}\r\n\r\n\
        event: surprise\r\ndata: {\"type\":\"surprise\"}\r\n\r\n\
        event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"🐍\"}}\r\n\r\n\
        event: message_delta\r\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\
        \"usage\":{\"output_tokens\":15}}\r\n\r\n\
        event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n";

    #[tokio::test]
    async fn a_recorded_stream_reads_the_same_in_whatever_pieces() {
        for size in [1, 3, 1000, 100_000] {
            let mut reader = AnthropicReader::default();
            let (mut text, mut thoughts, mut ending) = (String::new(), 0, None);
            for event in recorded(STREAM.as_bytes(), size).await {
                match reader.read(&event.unwrap()).unwrap() {
                    Read::Text(piece) => text.push_str(&piece),
                    Read::Thinking => thoughts += 1,
                    Read::Done(done) => ending = Some(done),
                    Read::Nothing => {}
                }
            }
            let ending = ending.unwrap();
            assert_eq!((text.as_str(), thoughts), ("Hé 🐍", 1));
            assert_eq!((ending.finish, ending.model.as_deref()), (Finish::Complete, Some("claude-x")));
            assert_eq!(ending.usage, Usage { fresh: 25, cached: 1000, to_cache: 7, output: 15 });
        }
    }

    #[test]
    fn a_stop_without_a_reason_proves_nothing() {
        let stop = Event { name: "message_stop".into(), data: "{\"type\":\"message_stop\"}".into() };
        assert!(matches!(AnthropicReader::default().read(&stop), Err(Misread::Senseless(_))));
    }

    #[test]
    fn a_chunk_of_the_other_api_is_recognised() {
        let chunk = Event { name: "message".into(), data: "{\"choices\":[]}".into() };
        assert!(matches!(AnthropicReader::default().read(&chunk), Err(Misread::Foreign(_))));
    }
}
