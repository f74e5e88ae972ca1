//! The shipped pipeline.toml: it runs as it stands, and it is the documentation.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;

use super::{super::keys, *};

#[test]
fn the_shipped_file_checks_with_nothing_in_the_environment() {
    let checked = shipped().good();
    assert_eq!(
        checked.stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>(),
        ["coach", "prompt", "ai", "extract", "slug", "publish", "notify"]
    );
    assert_eq!(checked.ai.iter().map(|ai| ai.name.as_str()).collect::<Vec<_>>(), ["demo"]);
    assert_eq!(checked.server.url("/x"), "http://localhost:3030/x");
    assert!(checked.server.admin_token.is_none());
    assert!(matches!(checked.sms.provider, SmsProvider::Console));
    assert!(matches!(&checked.store.url, StoreUrl::Sqlite(file) if file == Path::new("/srv/wtaf/data/wtaf.db")));
    assert_eq!(checked.text(), SHIPPED);
}

#[test]
fn every_default_it_shows_is_the_default() {
    let shown: Value = toml::from_str(&switched_on(SHIPPED)).expect("it is TOML");
    let mut compared = 0;
    for table in keys::all_tables() {
        let section = match table.called {
            "[[ai]]" => shown.pointer("/ai/0"),
            called => shown.get(called.trim_matches(['[', ']'])).filter(|section| section.is_object()),
        };
        for key in table.keys {
            let default = schema::property(*key)["default"].clone();
            let value = section.and_then(|section| section.get(key.name()));
            // Lists show an example: their default is to be empty.
            if let (Some(value), false) = (value, default.is_null() || default == serde_json::json!([])) {
                assert_eq!(*value, default, "{} of {}", key.name(), table.called);
                compared += 1;
            }
        }
    }
    assert!(compared > 25, "{compared}");
}

#[test]
fn everything_it_shows_can_be_switched_on_at_once() {
    let all = switched_on(SHIPPED);
    let checked = Case { text: &all, ..Case::default() }.good();
    assert_eq!(checked.ai.iter().map(|ai| ai.name.as_str()).collect::<Vec<_>>(), ["ollama"]);
    assert_eq!(checked.stages.len(), 11);
    assert_eq!(checked.coaches.len(), 1);
    assert_eq!(checked.server.page_url("/a/b"), "https://pages.example/a/b");
    assert_eq!(checked.stages[9].config["dir"], "/srv/wtaf/public");
}

#[test]
fn it_shows_every_key_there_is() {
    for table in keys::all_tables() {
        for key in table.keys.iter().map(|key| key.name()) {
            let shown = SHIPPED.lines().any(|line| {
                let line = line.trim_start_matches('#');
                line.starts_with(&format!("{key} ="))
                    || line.starts_with(&format!("[{key}]"))
                    || line.starts_with(&format!("[[{key}]]"))
            });
            assert!(shown || table.called == "price", "{} of {} is not shown", key, table.called);
        }
    }
}

#[test]
fn stages_without_when_stand_wherever_there_is_work_for_them() {
    use When::{Build, Chat, Edit, Reply};
    let checked = shipped().good();
    let when = |name: &str| checked.stages.iter().find(|stage| stage.name == name).map(|stage| stage.when.clone());
    assert_eq!(when("coach"), Some(vec![Build, Edit, Chat, Reply]));
    assert_eq!(when("ai"), Some(vec![Build, Edit, Chat]));
    assert_eq!(when("slug"), Some(vec![Build]));
    assert_eq!(when("publish"), Some(vec![Build, Edit]));
    assert_eq!(when("notify"), Some(vec![Build, Edit, Chat, Reply]));
}

#[test]
fn unset_keys_have_their_defaults() {
    let checked = shipped().good();
    assert_eq!(checked.server.shutdown_timeout, Duration::from_secs(30));
    assert_eq!((checked.queue.in_hand, checked.queue.max_waiting), (20_000, 100_000));
    assert_eq!((checked.limits.per_hour, checked.limits.per_day, checked.limits.per_month), (30, 60, 300));
    assert_eq!(checked.plugins.memory, 64 << 20);
    assert_eq!(checked.plugins.dir, Path::new("/srv/wtaf/plugins/installed"));
    assert!(checked.limits.enabled && checked.web.guests && checked.sms.acknowledge);
}

#[test]
fn every_default_can_be_read() {
    let lookup = |_: &str| None;
    let mut walk = Walk::new(Path::new("/"), &lookup, Vec::new());
    for table in keys::all_tables() {
        for key in table.keys {
            assert!(key.default_reads(&mut walk), "{} of {}", key.name(), table.called);
        }
    }
    assert!(walk.is_clean());
}

#[test]
fn an_unset_public_url_follows_the_port_the_kernel_chose() {
    let mut checked = Case { set: &["server.listen=127.0.0.1:0"], ..shipped() }.good();
    checked.listening_on(SocketAddr::from(([127, 0, 0, 1], 4711)));
    assert_eq!(checked.server.url("/"), "http://localhost:4711/");

    let mut named = Case { set: &["server.public_url=https://wtaf.example/"], ..shipped() }.good();
    named.listening_on(SocketAddr::from(([127, 0, 0, 1], 4711)));
    assert_eq!(named.server.url("/"), "https://wtaf.example/");
}

#[test]
fn twilio_needs_only_its_three_variables_and_the_word() {
    let env = [("TWILIO_ACCOUNT_SID", "AC0123"), ("TWILIO_AUTH_TOKEN", "tok"), ("TWILIO_FROM", "+15550001111")];
    let checked = Case { env: &env, set: &["sms.provider=twilio"], ..shipped() }.good();
    let SmsProvider::Twilio(twilio) = &checked.sms.provider else { panic!("it is Twilio") };
    assert_eq!((twilio.account_sid.as_str(), twilio.auth_tokens.len()), ("AC0123", 1));
    assert_eq!(twilio.base_url.as_str(), "https://api.twilio.com/");
    assert_eq!(checked.sms.from.as_deref(), Some("+15550001111"));

    let faults = Case { set: &["sms.provider=twilio"], ..shipped() }.messages();
    assert_eq!(faults.len(), 3, "{faults:?}");
}

#[test]
fn the_schema_in_docs_is_the_one_the_walk_reads_by() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pipeline.schema.json");
    let printed = crate::config::schema_text();
    if std::env::var_os("WTAF_UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &printed).expect("docs can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, printed, "run the tests once with WTAF_UPDATE_SCHEMA=1");
}

#[test]
fn the_shipped_file_fits_its_schema_switched_on_or_not() {
    for text in [SHIPPED.to_owned(), switched_on(SHIPPED)] {
        let value: Value = toml::from_str(&text).expect("it is TOML");
        let mut misfits = Vec::new();
        misfit(&schema(), &value, "", &mut misfits);
        assert_eq!(misfits, [] as [String; 0]);
    }
}

#[test]
fn the_schema_knows_every_key_and_no_other() {
    let schema = schema().to_string();
    for table in keys::all_tables() {
        assert!(!table.doc.trim().is_empty(), "{} says what it is for", table.called);
        for key in table.keys {
            assert!(schema.contains(&format!("\"{}\":", key.name())), "{}", key.name());
            assert!(!key.doc().is_empty(), "{} says what it is for", key.name());
        }
    }
    let mut misfits = Vec::new();
    misfit(&super::super::schema(), &serde_json::json!({ "sever": {}, "ai": [], "stage": [] }), "", &mut misfits);
    assert_eq!(misfits, ["/sever is unknown"]);
}

#[test]
fn the_graph_shows_stages_and_ways() {
    insta::assert_snapshot!(mermaid(&shipped().good()));
}

/// As much of JSON Schema as ours uses.
fn misfit(schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let fits = choices.iter().any(|choice| {
            let mut inner = Vec::new();
            misfit(choice, value, at, &mut inner);
            inner.is_empty()
        });
        if !fits {
            out.push(format!("{at} fits no choice"));
        }
    }
    let typed = match schema.get("type").and_then(Value::as_str) {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some(other) => panic!("our schemas have no type {other}"),
        None => true,
    };
    if !typed {
        out.push(format!("{at} is of another type"));
    }
    if schema.get("enum").and_then(Value::as_array).is_some_and(|words| !words.contains(value)) {
        out.push(format!("{at} is another word"));
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        match (schema.pointer(&format!("/properties/{key}")), schema.get("additionalProperties")) {
            (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => {
                misfit(schema, inner, &format!("{at}/{key}"), out);
            }
            (None, Some(_)) => out.push(format!("{at}/{key} is unknown")),
            (None, None) => {}
        }
    }
    for required in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if value.get(required).is_none() {
            out.push(format!("{at}/{required} is missing"));
        }
    }
    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
        misfit(&schema["items"], inner, &format!("{at}/{index}"), out);
    }
}

/// With every `#key = value` and `#[table]` taken up.
pub fn switched_on(text: &str) -> String {
    text.lines().map(|line| if is_off(line) { &line[1..] } else { line }).collect::<Vec<_>>().join("\n")
}

fn is_off(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()))
}
