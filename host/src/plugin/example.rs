//! A plugin's own examples as calls: what an author left out is filled in, what they expect is looked for.

use serde_json::{Map, Value, json};
use wtaf_plugin_pack::Example;

use super::{Answer, Call, Fault, Grants, Limits, PluginError, Question, bindings::types};

/// An example that can be put to its plugin.
#[derive(Debug, Clone)]
pub struct Trying {
    /// What it shows.
    pub name: String,
    /// The call.
    pub call: Call,
    expect: Expect,
}

#[derive(Debug, Clone)]
enum Expect {
    /// Any answer that keeps the contract.
    Any,
    /// One that fits a pattern.
    Like(Value),
    /// An error of this case.
    Error(String),
}

impl Trying {
    /// Makes a call of an example; if it is none, why.
    pub fn of(example: &Example, (limits, grants): (Limits, Grants)) -> Result<Self, String> {
        let question = question(&example.call)?;
        let context = context(&example.context)?;
        let expect = match &example.expect {
            None => Expect::Any,
            Some(Value::Object(one)) if one.len() == 1 && one.contains_key("answer") => {
                Expect::Like(one["answer"].clone())
            }
            Some(Value::Object(one)) if one.len() == 1 && one.get("error").is_some_and(Value::is_string) => {
                Expect::Error(one["error"].as_str().unwrap_or_default().to_owned())
            }
            Some(_) => return Err("`expect` is {\"answer\": …} or {\"error\": \"refused\"}".into()),
        };
        let call = Call { stage: "example".into(), limits, grants, context, question };
        Ok(Self { name: example.name.clone(), call, expect })
    }

    /// Whether what came of it is what its author expects; if not, why not.
    pub fn judge(&self, outcome: &Result<Answer, PluginError>) -> Result<(), String> {
        match (&self.expect, outcome) {
            (Expect::Error(case), Err(error)) if said(&error.fault) == Some(case.as_str()) => Ok(()),
            (Expect::Error(case), Err(error)) => Err(format!("was to say `{case}`, and: {}", error.fault)),
            (Expect::Error(case), Ok(answer)) => Err(format!("was to say `{case}`, and answered {}", answer.to_json())),
            (_, Err(error)) => Err(error.fault.to_string()),
            (Expect::Any, Ok(_)) => Ok(()),
            (Expect::Like(pattern), Ok(answer)) => fits(pattern, &answer.to_json(), "answer"),
        }
    }
}

fn said(fault: &Fault) -> Option<&'static str> {
    match fault {
        Fault::Refused(_) => Some("refused"),
        Fault::BadInput(_) => Some("bad-input"),
        Fault::Internal(_) => Some("internal"),
        Fault::Contract(_) | Fault::Trapped { .. } => None,
    }
}

/// An object's keys that a pattern leaves out are not looked at; all else is to be equal.
fn fits(pattern: &Value, found: &Value, at: &str) -> Result<(), String> {
    match (pattern, found) {
        (Value::Object(pattern), Value::Object(found)) => pattern.iter().try_for_each(|(key, wanted)| {
            let at = format!("{at}.{key}");
            match found.get(key) {
                Some(found) => fits(wanted, found, &at),
                None => Err(format!("{at} is not there; wanted {wanted}")),
            }
        }),
        (Value::Array(pattern), Value::Array(found)) if pattern.len() == found.len() => pattern
            .iter()
            .zip(found)
            .enumerate()
            .try_for_each(|(n, (wanted, found))| fits(wanted, found, &format!("{at}[{n}]"))),
        (wanted, found) if wanted == found => Ok(()),
        (wanted, found) => Err(format!("{at} is {found}; wanted {wanted}")),
    }
}

fn question(call: &Value) -> Result<Question, String> {
    let one = call.as_object().filter(|one| one.len() == 1).and_then(|one| one.iter().next());
    let Some((function, arguments)) = one else {
        return Err("`call` names one function: {\"propose\": {…}}".into());
    };
    let Some(usual) = usual(function) else {
        return Err(format!(
            "`{function}` is no function of wtaf:stage (decide, say, compose, extract, propose, apply)"
        ));
    };
    let mut filled = json!({ function: over(usual, arguments) });
    complete_content(&mut filled);
    serde_json::from_value(filled).map_err(|error| format!("`call`: {error}"))
}

/// A filter's content is a case with a request or a page in it, which have much that an example need not say.
fn complete_content(call: &mut Value) {
    let Some(content) = call.pointer_mut("/apply/content") else { return };
    for (case, usual) in [("Idea", request()), ("Page", page())] {
        if let Some(inner) = content.get(case) {
            *content = json!({ case: over(usual, inner) });
            return;
        }
    }
}

fn context(differs: &Value) -> Result<types::Context, String> {
    let mut differs = differs.clone();
    // As in pipeline.toml, `config` may be written as the table it is.
    if let Some(config @ Value::Object(_)) = differs.get("config") {
        differs["config"] = config.to_string().into();
    }
    let usual = json!({
        "job": "01JEXAMPLE0000000000000000", "attempt": 1, "now": 1_767_225_600_000_u64, "seed": 7, "config": "{}",
        "extra": [["coaches", "[]"], ["roles", "{}"], ["public-url", "https://wtaf.example"]],
    });
    serde_json::from_value(over(usual, &differs)).map_err(|error| format!("`context`: {error}"))
}

fn usual(function: &str) -> Option<Value> {
    Some(match function {
        "decide" => json!({ "request": request(), "person": person(), "pages": [], "thread": [] }),
        "say" => json!({ "person": person(), "occasion": { "name": "", "values": [] } }),
        "compose" => json!({ "order": order(), "person": person(), "thread": [], "material": [] }),
        "extract" => json!({ "order": order(), "answer": "", "finished": true }),
        "propose" => json!({ "order": order(), "title": null, "taken": [] }),
        "apply" => json!({}),
        _ => return None,
    })
}

fn order() -> Value {
    json!({ "kind": "page", "text": "a page", "coach": null, "page": null, "why": "an example", "extra": [] })
}

fn person() -> Value {
    json!({ "slug": "brave-otter", "role": "coder", "standing": "active", "extra": [] })
}

fn request() -> Value {
    json!({ "text": "", "source": "sms", "media": [], "extra": [] })
}

fn page() -> Value {
    json!({ "audience": "everyone", "title": null, "html": "", "assets": [], "extra": [] })
}

fn over(usual: Value, given: &Value) -> Value {
    match (usual, given) {
        (Value::Object(usual), Value::Object(given)) => {
            let mut all: Map<String, Value> = usual;
            for (key, value) in given {
                let before = all.remove(key).unwrap_or(Value::Null);
                all.insert(key.clone(), over(before, value));
            }
            Value::Object(all)
        }
        (_, given) => given.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(json: Value) -> Example {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_an_author_leaves_out_is_filled_in() {
        let short = example(json!({
            "name": "short", "context": { "config": { "style": "words" } },
            "call": { "apply": { "content": { "Page": { "html": "<p>hi" } } } },
        }));

        let trying = Trying::of(&short, Default::default()).unwrap();

        assert_eq!(trying.call.context.config, r#"{"style":"words"}"#);
        let Question::Apply { content: super::super::filter::Content::Page(page) } = trying.call.question else {
            panic!("it is a page")
        };
        assert_eq!((page.html.as_str(), page.audience.as_str()), ("<p>hi", "everyone"));
    }

    #[test]
    fn what_is_no_call_says_so() {
        let refused = |call: Value| question(&call).unwrap_err();
        assert!(refused(json!({ "guess": {} })).contains("guess"));
        assert!(refused(json!([])).contains("one function"));
        assert!(
            refused(json!({ "propose": { "taken": 3 } })).contains("taken")
                || !refused(json!({ "propose": { "taken": 3 } })).is_empty()
        );
    }

    #[test]
    fn a_pattern_looks_at_what_it_names_only() {
        let found = json!({ "then": { "Reply": "hello" }, "actions": [] });
        assert_eq!(fits(&json!({ "then": { "Reply": "hello" } }), &found, "answer"), Ok(()));
        let why = fits(&json!({ "then": { "Reply": "bye" } }), &found, "answer").unwrap_err();
        assert!(why.contains("answer.then.Reply") && why.contains("bye"), "{why}");
    }

    #[test]
    fn the_built_in_plugins_examples_are_calls() {
        for plugin in wtaf_bundle::EMBEDDED {
            let manifest = wtaf_plugin_pack::Manifest::of(plugin.bytes).unwrap().unwrap();
            assert!(!manifest.examples.is_empty(), "{}", plugin.name);
            for example in &manifest.examples {
                Trying::of(example, Default::default())
                    .unwrap_or_else(|why| panic!("{}: {}: {why}", plugin.name, example.name));
            }
        }
    }
}
