//! A small budget of changed inputs for every parser, the same each time; what once broke one is in `fuzz/corpus/`.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::*;
use crate::job::{Asker, JobIds, Millis, Request, Source};

/// Inputs for each parser where no time is given.
const INPUTS: u32 = 400;
/// The longest input, which is the longest body anybody may send.
const LONGEST: usize = 64 * 1024;
/// Processor time an input may take, unoptimised. What is linear takes a hundredth.
const PATIENCE: Duration = Duration::from_secs(4);

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Files of a folder, in the order of their names.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// Processor time of this thread: the machine may be busy with a hundred other tests.
fn processor_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Throws seeds and changed copies of them at a parser.
fn throw(name: &str, parse: fn(&[u8]), mut seeds: Vec<Vec<u8>>, words: &[&str]) {
    let known = files(&format!("fuzz/corpus/{name}"));
    seeds.extend(known);
    seeds.push(Vec::new());
    for seed in &seeds {
        judge(name, parse, seed);
    }
    let seconds: Option<u64> = std::env::var("WTAF_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    // The same inputs on every machine, others in a longer run.
    let mut chance = seconds.map_or_else(|| StdRng::seed_from_u64(5), |_| StdRng::from_os_rng());
    let mut thrown = 0_u32;
    while until.map_or(thrown < INPUTS, |until| Instant::now() < until) {
        let input = changed(&seeds, words, &mut chance);
        judge(name, parse, &input);
        thrown += 1;
    }
    println!("{name}: {thrown} inputs and {} seeds", seeds.len());
}

fn judge(name: &str, parse: fn(&[u8]), input: &[u8]) {
    let before = processor_time();
    let held = catch_unwind(AssertUnwindSafe(|| parse(input)));
    let took = processor_time().saturating_sub(before);
    let shown = || BASE64_STANDARD.encode(&input[..input.len().min(4_096)]);
    assert!(held.is_ok(), "{name} broke; put this into fuzz/corpus/{name}/ with `base64 -d`: {}", shown());
    assert!(took < PATIENCE, "{name} took {took:?} for {} bytes that begin with {}", input.len(), shown());
}

/// A seed with a few things done to it.
fn changed(seeds: &[Vec<u8>], words: &[&str], chance: &mut StdRng) -> Vec<u8> {
    let mut input = seeds.choose(chance).cloned().unwrap_or_default();
    for _ in 0..chance.random_range(1..8) {
        let at = chance.random_range(0..=input.len());
        let end = chance.random_range(at..=input.len().min(at + 200));
        match chance.random_range(0..9) {
            0 if at < input.len() => input[at] ^= 1 << chance.random_range(0..8),
            1 if at < input.len() => input[at] = chance.random(),
            2 => drop(input.drain(at..end)),
            3 => input.truncate(at),
            4 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            // The shape of quadratic work: the same again and again.
            5 => {
                let again = input[at..end.min(at + 20)].repeat(chance.random_range(1..400));
                input.splice(at..at, again);
            }
            6 => {
                let other = seeds.choose(chance).map(Vec::as_slice).unwrap_or_default();
                let from = chance.random_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            7 => {
                let many = chance.random_range(1..50);
                let word = words.choose(chance).copied().unwrap_or_default().repeat(many);
                input.splice(at..at, word.into_bytes());
            }
            _ => {
                let word = words.choose(chance).copied().unwrap_or_default();
                input.splice(at..at, word.bytes());
            }
        }
        input.truncate(LONGEST);
    }
    input
}

fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

const FORMS: [&str; 3] = [
    "12345678From=%2B15558675310&Body=wtaf+a+snake+game&MessageSid=SM1&NumMedia=2&MediaUrl0=https%3A%2F%2Fx&OptOutType=STOP",
    "MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003",
    "RSOYDt4T1cUTdK1PDd93/VVr8B8=/sms/webhook?foo=1&bar=2           CallSid=CA1&From=%2B1415&To=%2B1800&Digits=1&Digits=2",
];
const IN_FORMS: [&str; 14] = [
    "&",
    "=",
    "%",
    "%00",
    "%F0%9F%90%8D",
    "+",
    "From=",
    "Body=",
    "MessageSid=",
    "NumMedia=999999999999",
    "STOP",
    "&&",
    "=&",
    "%2B1",
];

#[test]
fn a_text_of_any_shape_is_taken_or_refused() {
    throw("webhook", webhook, texts(&FORMS), &IN_FORMS);
}

#[test]
fn a_status_of_any_shape_is_taken_or_passed_over() {
    throw("status", status, texts(&FORMS), &IN_FORMS);
}

#[test]
fn no_form_makes_a_signature_fit() {
    throw("signature", signature, texts(&FORMS), &IN_FORMS);
}

#[test]
fn a_pipeline_of_any_shape_is_taken_or_told_of() {
    let mut seeds = files("host/tests/broken");
    seeds.extend(files("").into_iter().filter(|bytes| bytes.windows(8).any(|window| window == b"[[stage]")));
    let words = [
        "[",
        "]",
        "[[",
        "a.b.",
        "= {",
        "\"",
        "'''",
        "${SECRET}",
        "${SECRET:-x}",
        "$$",
        "\n",
        "[[stage]]\n",
        "plugin = ",
        "\u{feff}",
        "{a={a=",
    ];
    throw("pipeline", pipeline, seeds, &words);
}

#[test]
fn a_file_of_the_queue_of_any_shape_is_a_job_or_is_none() {
    let request = Request {
        source: Source::Sms,
        asker: Asker::Phone("+15550001111".parse().unwrap()),
        text: "wtaf a page".into(),
        media: vec![],
        delivery: Some("SM1".into()),
        opt_out: None,
        coach: None,
        user_slug: None,
    };
    let job = Job::new(JobIds::default().next(Millis(5)), request, Millis(5));
    let seeds = vec![serde_json::to_vec_pretty(&job).unwrap(), serde_json::to_vec(&job).unwrap()];
    let words = [
        "{",
        "}",
        "[",
        "]",
        "null",
        "-1",
        "1e999",
        "\"phone\"",
        "\"guest\"",
        "\\u0000",
        "\\ud800",
        "[[[[[[[[",
        "{\"a\":",
    ];
    throw("job_file", job_file, seeds, &words);
}

#[test]
fn a_dropped_file_of_any_shape_is_a_request_or_refused() {
    let seeds = texts(&[
        "SENDER: +15550001111\nUSER_SLUG:brave-otter\nCOACH: Alex\n\na page\n\nabout otters\n",
        "\u{feff}SENDER: +1555000\r\n\r\nx",
    ]);
    throw(
        "drop_in",
        drop_in,
        seeds,
        &["SENDER:", "USER_SLUG:", "COACH:", "\n", "\r", "\n\n", ":", "../", "\u{feff}", " "],
    );
}

#[test]
fn a_component_of_any_shape_is_one_or_is_none() {
    let seeds = wtaf_bundle::EMBEDDED
        .iter()
        .map(|embedded| embedded.bytes[..embedded.bytes.len().min(20_000)].to_vec())
        .collect();
    throw(
        "component",
        component,
        seeds,
        &["\0asm\r\0\x01\0", "\0", "\x7f\x7f\x7f\x7f\x7f", "wtaf:stage/slug@0.1.0", "version"],
    );
}

#[test]
fn a_manifest_of_any_shape_names_a_component_or_none() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let seed = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[{{"mediaType":"application/wasm","digest":"{digest}","size":7}}]}}"#
    );
    throw(
        "manifest",
        manifest,
        vec![seed.into_bytes()],
        &["{", "[", "\"layers\":", "sha256:", "../", "null", "-1", "application/wasm", ","],
    );
}

#[test]
fn headers_of_any_shape_say_who_asks_or_nothing() {
    let seeds = texts(&[
        "wtaf_session=aaaaaaaaaaaaaaaaaaaaaaaa; a=b\nBearer aaaaaaaaaaaaaaaaaaaaaaaa\nlocalhost:3030\nhttp://localhost:3030\n1.2.3.4, 10.0.0.1\n7\n;;;=;",
    ]);
    throw(
        "headers",
        headers,
        seeds,
        &["wtaf_session=", ";", "=", "Bearer ", "[::1]", "@", ",", "\n", "::ffff:", "xn--", "\t"],
    );
}

#[test]
fn the_body_of_a_record_of_any_shape_is_one_or_is_refused() {
    let seeds = texts(&[
        "0{\"name\": \"Ann \\\"\u{e9}\\\"\", \"days\": [1.50, true, null, {\"a\": {}}]}",
        "1wtaf_token=t&name=Ann+%22%C3%A9%22&days=Mon&data-wtaf=rsvp&a=&days=Tue",
    ]);
    let words = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        ",",
        ":",
        "1e999",
        "[[[[[[[[[",
        "&",
        "=",
        "%00",
        "+",
        "days=",
        "wtaf_token=",
        " ",
        "\n",
    ];
    throw("records", records, seeds, &words);
}
