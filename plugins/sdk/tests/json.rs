//! The reader of JSON held against serde_json: what one reads the other reads, and to the same value.
#![allow(missing_docs, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use wtaf_plugin_sdk::{Context, json::read};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    style: Style,
    words: Vec<String>,
    count: usize,
    #[serde(rename = "ratio")]
    share: Option<f32>,
    nested: BTreeMap<u32, Shape>,
    pair: (bool, char),
}

impl Default for Config {
    fn default() -> Self {
        Self { style: Style::Plain, words: vec![], count: 3, share: None, nested: BTreeMap::new(), pair: (true, 'x') }
    }
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Style {
    Plain,
    Odd,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
enum Shape {
    Dot,
    Round(u8),
    Long(u8, i8),
    Box { width: u8 },
}

/// Both give the same value, or both give none, and then for the same reason.
fn same<T: DeserializeOwned + PartialEq + std::fmt::Debug>(text: &str) {
    let (ours, theirs) = (read::<T>(text), serde_json::from_str::<T>(text));
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{text}"),
        (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string(), "{text}"),
        _ => panic!("{text}: {ours:?}, and serde_json {theirs:?}"),
    }
}

#[test]
fn a_config_is_read_or_refused_as_serde_json_does() {
    for text in [
        "{}",
        " {\n\t} ",
        r#"{"style":"odd","words":["a","b\n\u00e9\ud83d\ude00"],"count":0,"ratio":0.7,"pair":[false,"z"]}"#,
        r#"{"ratio":null}"#,
        r#"{"ratio":2}"#,
        r#"{"nested":{"1":"Dot","2":{"Round":3},"3":{"Long":[1,-2]},"4":{"Box":{"width":9}}}}"#,
        r#"{"stile":"odd"}"#,
        r#"{"style":"other"}"#,
        r#"{"style":3}"#,
        r#"{"style":null}"#,
        r#"{"count":-1}"#,
        r#"{"count":1.5}"#,
        r#"{"count":"many"}"#,
        r#"{"count":[1]}"#,
        r#"{"count":1,"count":2}"#,
        r#"{"words":{}}"#,
        r#"{"words":["a",]}"#,
        r#"{"words":[true]}"#,
        r#"{"pair":[true]}"#,
        r#"{"pair":[true,"x",1]}"#,
        r#"{"nested":{"x":"Dot"}}"#,
        "{",
        "",
        "nonsense",
        "{} {}",
    ] {
        let (ours, theirs) = (read::<Config>(text), serde_json::from_str::<Config>(text));
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{text}"),
            (ours, theirs) => assert_eq!(ours.is_err(), theirs.is_err(), "{text}: {ours:?} {theirs:?}"),
        }
    }
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    for text in [
        r#"{"style":"odd","count":"many"}"#,
        "{\n  \"stile\": 1\n}",
        r#"{"style":"other"}"#,
        r#"{"count":null}"#,
        r#"{"words":[1]}"#,
        r#"{"count":1.5}"#,
        "{} {}",
        "",
    ] {
        same::<Config>(text);
    }
}

#[test]
fn any_escape_is_read_as_serde_json_reads_it() {
    for text in [
        r#""\"\\\/\b\f\n\r\t""#,
        r#""\u0041\uD83D\uDE00""#,
        r#""\ud83d""#,
        r#""\ude00""#,
        r#""\ud83d\u0041""#,
        r#""\u00g0""#,
        r#""\x""#,
        "\"a\nb\"",
        "\"open",
        r#""open\"#,
    ] {
        assert_eq!(read::<String>(text).ok(), serde_json::from_str::<String>(text).ok(), "{text}");
    }
}

#[test]
fn numbers_are_read_as_serde_json_reads_them() {
    for text in [
        "0",
        "-0",
        "01",
        "1.",
        ".5",
        "-",
        "1e3",
        "1E+2",
        "1e",
        "1e999",
        "0.1",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "--1",
        "+1",
        "1.5e-3",
    ] {
        assert_eq!(read::<f64>(text).ok(), serde_json::from_str::<f64>(text).ok(), "{text}");
        assert_eq!(
            read::<u64>(text).ok(),
            serde_json::from_str::<u64>(text).ok().or((text == "-0").then_some(0)),
            "{text}"
        );
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read::<Value>(&deep(127)).is_ok());
    assert!(read::<Value>(&deep(128)).is_err() && read::<serde::de::IgnoredAny>(&deep(100_000)).is_err());
}

#[test]
fn keys_without_a_field_are_noted() {
    #[derive(Deserialize)]
    struct Loose {
        #[serde(default)]
        known: u8,
    }
    let ctx = Context {
        job: String::new(),
        attempt: 1,
        now: 0,
        seed: 0,
        config: r#"{"a":{"b":1},"known":7,"c":[{"d":2}]}"#.into(),
        extra: vec![],
    };
    let (loose, unknown) = ctx.config_and_unknown::<Loose>().unwrap();
    assert_eq!((loose.known, unknown), (7, vec!["a", "c"]));
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read(value in json()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            prop_assert_eq!(read::<Value>(&text).unwrap(), value.clone());
            prop_assert!(read::<serde::de::IgnoredAny>(&text).is_ok());
        }
    }

    #[test]
    fn no_text_breaks_it_and_none_but_json_is_read(text in "[\\[\\]{}:,\"\\\\a0-9.eE+ \n-]{0,12}") {
        prop_assert_eq!(read::<serde::de::IgnoredAny>(&text).is_ok(), serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(), "{}", text);
    }
}
