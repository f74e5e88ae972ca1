//! Which providers make the chain.

use super::*;

fn names(env: &[(&str, &str)], set: &[&str]) -> Vec<String> {
    Case { env, set, ..shipped() }.good().ai.iter().map(|ai| ai.name.clone()).collect()
}

#[test]
fn without_a_key_the_demo_provider_is_alone() {
    assert_eq!(names(&[], &[]), ["demo"]);
}

#[test]
fn a_key_puts_its_providers_in_and_the_demo_provider_out() {
    assert_eq!(names(&[("ANTHROPIC_API_KEY", "k")], &[]), ["claude", "claude-small"]);
    assert_eq!(names(&[("OPENAI_API_KEY", "k")], &[]), ["gpt"]);
    assert_eq!(names(&[("OPENAI_API_KEY", "k"), ("ANTHROPIC_API_KEY", "k")], &[]), ["claude", "claude-small", "gpt"]);
}

#[test]
fn a_server_of_ones_own_may_do_without_a_key() {
    let ollama = r#"ai=[{ name = "x", kind = "openai", model = "m", base_url = "http://127.0.0.1:9/v1" }]"#;
    assert_eq!(names(&[], &[ollama]), ["x"]);
}

#[test]
fn each_kind_has_its_own_address() {
    let checked = Case { env: &[("OPENAI_API_KEY", "k"), ("ANTHROPIC_API_KEY", "k")], ..shipped() }.good();
    let urls: Vec<_> = checked.ai.iter().filter_map(|ai| ai.base_url.as_ref()).map(url::Url::as_str).collect();
    assert_eq!(urls, ["https://api.anthropic.com/", "https://api.anthropic.com/", "https://api.openai.com/v1"]);
    assert_eq!(checked.ai[0].price, Some((3.0, 15.0)));
}

#[test]
fn a_chain_without_any_key_says_which_to_set() {
    let chain = r#"ai=[{ name = "x", kind = "openai", model = "m", api_key = "${OPENAI_API_KEY:-}" }]"#;
    let faults = Case { set: &[chain], ..shipped() }.faults();
    let fault = faults.iter().next().expect("one");
    assert_eq!((fault.code(), faults.len()), (Code::NoProvider, 1));
    assert!(fault.help().is_some_and(|help| help.starts_with("set OPENAI_API_KEY, or add [[ai]]")), "{faults}");
}
