//! The two APIs on the wire: what they refuse, how they stream, how they say an error.

use serde_json::{Value, json};

use super::Call;

/// Which API a call speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `/v1/messages`
    Anthropic,
    /// `/v1/chat/completions`
    OpenAi,
}

/// What the real server would refuse, in words.
pub fn fault(api: Api, call: &Call) -> Option<String> {
    let messages = call.body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let missing = |name: &str| call.body[name].is_null().then(|| format!("{name}: Field required"));
    missing("model")
        .or_else(|| missing("messages"))
        .or_else(|| (call.body["stream"] != true).then(|| "stream only".into()))
        .or_else(|| {
            (api == Api::Anthropic).then_some(())?;
            let roles: Vec<&str> = messages.iter().filter_map(|message| message["role"].as_str()).collect();
            let empty =
                messages.iter().any(|message| message["content"].as_str().is_none_or(|text| text.trim().is_empty()));
            missing("max_tokens")
                .or_else(|| {
                    (call.headers.get("anthropic-version")? != "2023-06-01").then(|| "anthropic-version".into())
                })
                .or_else(|| {
                    (!call.headers.contains_key("anthropic-version"))
                        .then(|| "anthropic-version: header is required".into())
                })
                .or_else(|| {
                    roles
                        .iter()
                        .any(|role| !["user", "assistant"].contains(role))
                        .then(|| "messages: unexpected role".into())
                })
                .or_else(|| {
                    roles.windows(2).any(|two| two[0] == two[1]).then(|| "messages: roles must alternate".into())
                })
                .or_else(|| empty.then(|| "messages: text content blocks must be non-empty".into()))
        })
}

/// The error type that goes with a status.
pub fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        500..=503 => "api_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        _ => "invalid_request_error",
    }
}

/// An error in the API's own shape.
pub fn error_body(api: Api, kind: &str, message: &str) -> Value {
    match api {
        Api::Anthropic => json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}),
        Api::OpenAi => json!({"error": {"message": message, "type": kind, "param": null, "code": kind}}),
    }
}

/// Writes one answer to one call.
pub struct Wire {
    api: Api,
    model: String,
    read: usize,
    with_usage: bool,
}

impl Wire {
    /// For a call.
    pub fn new(api: Api, call: &Call) -> Self {
        let model = call.body["model"].as_str().unwrap_or_default().to_owned();
        let with_usage = call.body["stream_options"]["include_usage"] == true;
        Self { api, model, read: call.body.to_string().len() / 4, with_usage }
    }

    /// The API's word for done.
    pub fn complete(&self) -> &'static str {
        if self.api == Api::Anthropic { "end_turn" } else { "stop" }
    }

    /// The API's word for cut off.
    pub fn cut_off(&self) -> &'static str {
        if self.api == Api::Anthropic { "max_tokens" } else { "length" }
    }

    /// A whole answer.
    pub fn answer(&self, text: &str, reason: &str) -> Vec<Vec<u8>> {
        [self.begun(text), self.ended(text, reason)].concat()
    }

    /// A refusal.
    pub fn refusal(&self, text: &str) -> Vec<Vec<u8>> {
        match self.api {
            Api::Anthropic => self.answer(text, "refusal"),
            Api::OpenAi => {
                let mut pieces = self.begun("");
                pieces.push(self.chunk(&json!({"refusal": text}), None));
                [pieces, self.ended(text, "stop")].concat()
            }
        }
    }

    /// Thoughts before the first word.
    pub fn thinking(&self) -> Vec<Vec<u8>> {
        vec![match self.api {
            Api::Anthropic => event(
                "content_block_delta",
                &json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hmm."}}),
            ),
            Api::OpenAi => self.chunk(&json!({"reasoning_content": "Hmm."}), None),
        }]
    }

    /// An answer without its end.
    pub fn begun(&self, text: &str) -> Vec<Vec<u8>> {
        let mut pieces = match self.api {
            Api::Anthropic => {
                let usage = json!({"input_tokens": self.read, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1});
                let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": self.model, "content": [],
                    "stop_reason": null, "stop_sequence": null, "usage": usage});
                let block =
                    json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
                vec![
                    event("message_start", &json!({"type": "message_start", "message": message})),
                    event("content_block_start", &block),
                    event("ping", &json!({"type": "ping"})),
                ]
            }
            Api::OpenAi => vec![self.chunk(&json!({"role": "assistant", "content": "", "refusal": null}), None)],
        };
        let words: Vec<char> = text.chars().collect();
        let size = words.len().div_ceil(8).max(1);
        pieces.extend(words.chunks(size).map(|piece| self.piece(&piece.iter().collect::<String>())));
        pieces
    }

    /// One piece of an answer.
    pub fn piece(&self, text: &str) -> Vec<u8> {
        match self.api {
            Api::Anthropic => event(
                "content_block_delta",
                &json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
            ),
            Api::OpenAi => self.chunk(&json!({"content": text}), None),
        }
    }

    /// An error after the 200.
    pub fn failure(&self, kind: &str) -> Vec<u8> {
        let body = error_body(self.api, kind, "it broke");
        match self.api {
            Api::Anthropic => event("error", &body),
            Api::OpenAi => data(&body),
        }
    }

    fn ended(&self, text: &str, reason: &str) -> Vec<Vec<u8>> {
        let written = text.len() / 4 + 1;
        match self.api {
            Api::Anthropic => vec![
                event("content_block_stop", &json!({"type": "content_block_stop", "index": 0})),
                event(
                    "message_delta",
                    &json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": written}}),
                ),
                event("message_stop", &json!({"type": "message_stop"})),
            ],
            Api::OpenAi => {
                let mut pieces = vec![self.chunk(&json!({}), Some(reason))];
                if self.with_usage {
                    let usage = json!({"prompt_tokens": self.read, "completion_tokens": written, "total_tokens": self.read + written});
                    pieces.push(data(
                        &json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_413_000,
                        "model": self.model, "choices": [], "usage": usage}),
                    ));
                }
                pieces.push(b"data: [DONE]\n\n".to_vec());
                pieces
            }
        }
    }

    fn chunk(&self, delta: &Value, reason: Option<&str>) -> Vec<u8> {
        data(
            &json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_795_413_000, "model": self.model,
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}], "usage": null}),
        )
    }
}

fn event(name: &str, body: &Value) -> Vec<u8> {
    format!("event: {name}\ndata: {body}\n\n").into()
}

fn data(body: &Value) -> Vec<u8> {
    format!("data: {body}\n\n").into()
}
