//! OpenAI's chat completions, and what speaks it (Ollama, llama.cpp, vLLM, OpenRouter): the call, and what its chunks mean. Pure.

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

const BASE: &str = "https://api.openai.com/v1";

/// The provider of an entry.
pub(super) fn provider(entry: &config::Ai, trust: &Trust) -> Result<HttpProvider<OpenAi>, SetupFault> {
    let (wires, url) = HttpProvider::<OpenAi>::reach(entry, BASE, "/chat/completions", trust)?;
    let own = url.host_str() == Some("api.openai.com");
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
    if let Some(key) = &entry.api_key {
        let bearer = format!("Bearer {}", key.expose_secret().trim());
        let mut value = HeaderValue::from_str(&bearer).map_err(|_| SetupFault::KeyShape)?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    } else if own {
        return Err(SetupFault::NoKey("OPENAI_API_KEY"));
    }
    let key_hint = if own { "OPENAI_API_KEY".to_owned() } else { format!("api_key of the [[ai]] {:?}", entry.name) };
    let named = Named(entry.name.clone());
    let (dialect, bare) = (OpenAi { own }, AtomicBool::new(false));
    Ok(HttpProvider { named, entry: entry.clone(), key_hint, wires, url, headers, dialect, bare })
}

/// The dialect.
pub(super) struct OpenAi {
    /// OpenAI itself, whose newer models refuse `max_tokens`; most others know no other word.
    pub own: bool,
}

impl Dialect for OpenAi {
    fn body(&self, entry: &config::Ai, call: &AiCall, bare: bool) -> Vec<u8> {
        let tokens = call.max_tokens.map_or(entry.max_tokens, |tokens| tokens.min(entry.max_tokens));
        // One block of rules: the templates of many local models take no second.
        let messages = turns(call, None).into_iter().map(|(speaker, content)| Turn {
            role: match speaker {
                Speaker::System => "system",
                Speaker::User => "user",
                Speaker::Assistant => "assistant",
            },
            content,
        });
        let body = Body {
            model: &entry.model,
            max_completion_tokens: self.own.then_some(tokens),
            max_tokens: (!self.own).then_some(tokens),
            temperature: call.temperature.or(entry.temperature).filter(|_| !bare),
            messages: messages.collect(),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(OpenAiReader::default())
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    messages: Vec<Turn>,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Turn {
    role: &'static str,
    content: String,
}

/// Reads one answer.
#[derive(Default)]
struct OpenAiReader {
    id: Option<String>,
    model: Option<String>,
    reason: Option<String>,
    refused: bool,
    usage: Usage,
}

#[derive(Deserialize)]
struct Chunk {
    id: Option<String>,
    model: Option<String>,
    /// Null in the last chunk of some servers.
    choices: Option<Vec<Choice>>,
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    /// What thinking models of other houses say first.
    #[serde(alias = "reasoning")]
    reasoning_content: Option<String>,
}

#[derive(Deserialize)]
struct Counts {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

impl Reader for OpenAiReader {
    fn read(&mut self, event: &Event) -> Result<Read, Misread> {
        if event.data.trim() == "[DONE]" {
            return self.done();
        }
        let data: Value = serde_json::from_str(&event.data).map_err(|_| Misread::Senseless("a chunk is not JSON"))?;
        if data.get("error").is_some_and(|error| !error.is_null()) || event.name == "error" {
            return Err(Misread::Failed(data));
        }
        if data.get("choices").is_none() && data.get("usage").is_none() {
            return Err(Misread::Foreign("answers in another format than OpenAI's"));
        }
        let lacks = |_| Misread::Senseless("a chunk lacks what it must have");
        let chunk: Chunk = serde_json::from_value(data).map_err(lacks)?;
        self.id = chunk.id.or(self.id.take());
        self.model = chunk.model.or(self.model.take());
        if let Some(counts) = chunk.usage {
            self.usage.fresh = counts.prompt_tokens.unwrap_or(self.usage.fresh);
            self.usage.output = counts.completion_tokens.unwrap_or(self.usage.output);
        }
        // One choice was asked for.
        let Some(choice) = chunk.choices.unwrap_or_default().into_iter().next() else { return Ok(Read::Nothing) };
        self.reason = choice.finish_reason.or(self.reason.take());
        let delta = choice.delta.unwrap_or_default();
        let refusal = delta.refusal.filter(|words| !words.is_empty());
        self.refused |= refusal.is_some();
        match delta.content.filter(|words| !words.is_empty()).or(refusal) {
            Some(words) => Ok(Read::Text(words)),
            None if delta.reasoning_content.is_some_and(|words| !words.is_empty()) => Ok(Read::Thinking),
            None => Ok(Read::Nothing),
        }
    }
}

impl OpenAiReader {
    fn done(&mut self) -> Result<Read, Misread> {
        let reason = self.reason.take().ok_or(Misread::Senseless("the answer ended without a finish_reason"))?;
        let finish = match reason.as_str() {
            _ if self.refused => Finish::Refused,
            "stop" | "eos" | "eos_token" | "stop_sequence" | "end_turn" => Finish::Complete,
            "length" | "max_tokens" | "model_length" => Finish::CutOff,
            "content_filter" | "refusal" | "safety" => Finish::Refused,
            "error" => return Err(Misread::Senseless("it failed in the middle of its answer")),
            _ => return Err(Misread::Foreign("the answer ended for a reason we do not know")),
        };
        Ok(Read::Done(Ending { finish, reason, id: self.id.take(), model: self.model.take(), usage: self.usage }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::ai::{sample, sse::recorded};

    /// What several servers send: comments while it waits, data without a space, thoughts, null choices beside the usage.
    const STREAM: &str = ": PROCESSING\n\n\
        data: {\"id\":\"c-1\",\"model\":\"m-2\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n\
        data:{\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"Hm\"}}]}\n\n\
        data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"Hé \"}}]}\n\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"🐍\"},\"finish_reason\":null}],\"error\":null}\n\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n\
        data: {\"choices\":null,\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4}}\n\n\
        data: [DONE]\n\n";

    #[tokio::test]
    async fn a_recorded_stream_reads_the_same_in_whatever_pieces() {
        for size in [1, 3, 1000, 100_000] {
            let mut reader = OpenAiReader::default();
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
            assert_eq!((ending.finish, ending.model.as_deref()), (Finish::CutOff, Some("m-2")));
            assert_eq!(ending.usage, Usage { fresh: 9, output: 4, ..Usage::default() });
        }
    }

    #[test]
    fn openai_itself_is_told_max_completion_tokens_and_others_max_tokens() {
        let (call, entry) = (sample::call("a timer"), sample::entry(config::AiKind::OpenAi));
        for (own, key) in [(true, "max_completion_tokens"), (false, "max_tokens")] {
            let body: Value = serde_json::from_slice(&OpenAi { own }.body(&entry, &call, false)).unwrap();
            let tokens: Vec<_> =
                body.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("max_")).collect();
            assert_eq!(tokens, [(&key.to_owned(), &Value::from(77))]);
        }
    }
}
