//! What is sealed is found again, and bytes of any kind do no harm.
#![allow(missing_docs, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use wtaf_plugin_pack::{Example, Format, Manifest, ManifestError, PackError, seal};

/// The smallest component there is.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

fn manifest() -> Manifest {
    Manifest {
        format: Format::V1,
        name: "haiku".into(),
        version: "1.0.0".into(),
        role: "slug".into(),
        about: "Names like small poems".into(),
        grants: vec![],
        config: BTreeMap::new(),
        budget: Some(1_000_000),
        examples: vec![Example {
            name: "a title".into(),
            call: json!({ "propose": { "title": "Snake", "taken": ["snake"] } }),
            context: json!({ "seed": 7 }),
            expect: Some(json!({ "answer": ["snake-game"] })),
        }],
    }
}

fn custom(name: &str, data: &[u8]) -> Vec<u8> {
    let size = name.len() + 1 + data.len();
    assert!(size < 128, "one byte will do for a size here");
    [&[0, u8::try_from(size).unwrap(), u8::try_from(name.len()).unwrap()], name.as_bytes(), data].concat()
}

#[test]
fn a_manifest_is_replaced_and_everything_else_is_kept() {
    let before = [EMPTY, &custom("name", b"kept"), &custom("version", b"0.0.1")].concat();
    let once = seal(&before, &manifest()).unwrap();
    let newer = Manifest { version: "2.0.0".into(), ..manifest() };

    let twice = seal(&once, &newer).unwrap();

    assert_eq!(Manifest::of(&twice).unwrap(), Some(newer));
    let count = |part: &[u8]| twice.windows(part.len()).filter(|window| *window == part).count();
    assert_eq!((count(b"kept"), count(b"version0.0.1"), count(b"version2.0.0"), count(b"wtaf:plugin")), (1, 0, 1, 1));
    assert_eq!(twice.len(), once.len());
}

#[test]
fn a_section_inside_a_nested_module_is_not_the_plugins_own() {
    let module = [b"\0asm\x01\0\0\0".as_slice(), &custom("wtaf:plugin", b"{}")].concat();
    let nested = [EMPTY, &[1, u8::try_from(module.len()).unwrap()], &module].concat();

    assert_eq!(Manifest::of(&nested).unwrap(), None);
    let sealed = seal(&nested, &manifest()).unwrap();
    assert!(sealed.starts_with(&nested));
    assert_eq!(Manifest::of(&sealed).unwrap(), Some(manifest()));
}

#[test]
fn what_is_no_plugin_is_told_in_words() {
    let of = |bytes: &[u8]| match Manifest::of(bytes) {
        Ok(found) => format!("{found:?}"),
        Err(error) => error.to_string(),
    };
    let with = |data: &[u8]| of(&[EMPTY, &custom("wtaf:plugin", data)].concat());
    let told = [
        of(b""),
        of(b"#!/bin/sh"),
        of(b"\0asm\x01\0\0\0"),
        of(EMPTY),
        of(&[EMPTY, &[0, 200]].concat()),
        of(&[EMPTY, &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 1]].concat()),
        of(&[EMPTY, &custom("wtaf:plugin", b"{}"), &custom("wtaf:plugin", b"{}")].concat()),
        with(b"\xff\xfe"),
        with(b"{}"),
        with(br#"{"format":"wtaf-plugin-9","shape":"new"}"#),
        with(br#"{"format":"wtaf-plugin-1","name":"x"}"#),
        with(br#"{"format":"wtaf-plugin-1","name":"../x","version":"1.0.0","role":"slug","about":"x"}"#),
        with(br#"{"format":"wtaf-plugin-1","name":"x","version":"1.0.0","role":"king","about":"x"}"#),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_manifest_larger_than_any_host_reads_is_not_written() {
    let mut large = manifest();
    large.examples[0].call = json!({ "propose": { "title": "x".repeat(5 << 20) } });

    assert!(matches!(seal(EMPTY, &large), Err(PackError::Manifest(ManifestError::TooLarge { .. }))));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn examples() -> impl Strategy<Value = Vec<Example>> {
    let one =
        ("\\PC{0,8}", values(), prop::collection::btree_map("[a-z]{1,6}", values(), 0..3), prop::option::of(values()));
    let one = one.prop_map(|(name, title, context, answer)| Example {
        name: format!("n{name}"),
        call: json!({ "propose": { "title": title } }),
        context: Value::Object(context.into_iter().collect()),
        expect: answer.map(|answer| json!({ "answer": answer })),
    });
    prop::collection::vec(one, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sealed_is_found_again(
        name in "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", version in "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}(-rc\\.1)?", about in "[a-zA-Z][^\\n]{0,40}",
        grants in prop::collection::vec("\\PC{0,8}", 0..3), config in prop::collection::btree_map("[a-z]{1,6}", "\\PC{0,8}", 0..3),
        budget: Option<u64>, examples in examples(),
    ) {
        let manifest = Manifest { format: Format::V1, name, version, role: "slug".into(), about, grants, config, budget, examples };
        let sealed = seal(EMPTY, &manifest).unwrap();
        prop_assert_eq!(Manifest::of(&sealed).unwrap(), Some(manifest));
    }

    #[test]
    fn no_bytes_do_any_harm(tail in prop::collection::vec(any::<u8>(), 0..200), data in prop::collection::vec(any::<u8>(), 0..60), cut: prop::sample::Index) {
        let hostile = [EMPTY, &custom("wtaf:plugin", &data), &tail].concat();
        let _ = Manifest::of(&hostile);
        let _ = seal(&hostile, &manifest());
        let sealed = seal(EMPTY, &manifest()).unwrap();
        let _ = Manifest::of(&sealed[..cut.index(sealed.len())]);
        let mut flipped = sealed.clone();
        let at = cut.index(flipped.len());
        flipped[at] ^= tail.first().copied().unwrap_or(1);
        let _ = Manifest::of(&flipped);
        let _ = Manifest::of(&tail);
    }
}
