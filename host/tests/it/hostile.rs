//! Plugins that loop, bloat, flood, lie and spy: each breaks its own job only, or is refused before it runs.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use rstest::rstest;
use wtaf_host::plugin::{Answer, Engines, Fault, Limits, LoadError, NotAPlugin, Plugin, Sandbox};

use crate::kit::{
    ask,
    guest::{self, PROPOSE},
    host::{ANN, BOB, Host, until},
};

/// One engine for all of them: what one test's guest does is no matter of the others.
fn sandbox() -> &'static Arc<Sandbox> {
    static STARTED: OnceLock<Arc<Sandbox>> = OnceLock::new();
    STARTED.get_or_init(|| Sandbox::new(&Engines::default()).expect("the engine starts"))
}

fn hostile() -> Arc<Plugin> {
    static LOADED: OnceLock<Arc<Plugin>> = OnceLock::new();
    Arc::clone(LOADED.get_or_init(|| Arc::new(load(guest::hostile()).expect("it is a plugin"))))
}

fn load(bytes: &[u8]) -> Result<Plugin, LoadError> {
    Plugin::load(sandbox(), "hostile", bytes)
}

fn does(what: &str) -> String {
    format!(r#"{{"does":"{what}"}}"#)
}

fn brief() -> Limits {
    Limits { deadline: Duration::from_millis(200), ..Limits::default() }
}

// What it does while it runs.

#[rstest]
#[case::an_endless_loop("loop", "stopped after 200 ms of processor time")]
#[case::one_huge_allocation("one-huge-allocation", "bytes of memory, 67108864 are allowed")]
#[case::many_small_allocations("many-small-allocations", "bytes of memory, 67108864 are allowed")]
#[case::deep_recursion("recurse", "recursed too deep")]
#[case::a_panic("panic", "panicked: the otter is out of fish (at ")]
#[case::a_string_of_a_gigabyte("a-gigabyte", "bytes of memory, 67108864 are allowed")]
#[case::an_answer_that_is_too_long("twenty-megabytes", "passed more than 8388608 bytes in one call")]
#[case::a_flood_of_calls("call-flood", "stopped after 200 ms of processor time")]
#[case::a_loop_that_says_it_panicked("pretends-to-panic", "stopped after 200 ms of processor time")]
#[tokio::test]
async fn a_call_that_misbehaves_is_stopped_with_its_cause_in_words(#[case] what: &str, #[case] words: &str) {
    let plugin = hostile();

    let asked = plugin.ask(ask::propose(&does(what), brief())).await;

    let error = asked.outcome.expect_err("it is stopped");
    let said = error.to_string();
    assert!(said.starts_with("plugin hostile 0.0.0 (slug, ") && said.contains(words), "{said}");
    let Fault::Trapped { backtrace, .. } = &error.fault else { panic!("{said}") };
    let own = |frame: &String| frame.contains("wtaf_test_hostile") || frame.contains("wtaf:stage/slug");
    assert!(what == "twenty-megabytes" || backtrace.iter().any(own), "where it was stopped: {backtrace:?}");
    assert_eq!(
        ask::name(&plugin, &ask::propose("{}", brief())).await,
        "well-behaved",
        "the next call is none the worse"
    );
}

#[tokio::test]
async fn what_it_logs_beyond_its_share_is_counted_and_dropped() {
    let asked = hostile().ask(ask::propose(&does("log-flood"), Limits::default())).await;

    assert!(asked.outcome.is_ok());
    assert_eq!(asked.used.lines, 10_000);
}

#[rstest]
#[case::a_name_that_is_no_slug("no-slug")]
#[tokio::test]
async fn an_answer_that_breaks_the_contract_is_its_fault(#[case] what: &str) {
    let asked = hostile().ask(ask::propose(&does(what), brief())).await;

    let error = asked.outcome.expect_err("the answer is no good");
    assert!(matches!(&error.fault, Fault::Contract(why) if why.contains("no name that is a slug")), "{error}");
}

#[tokio::test]
async fn what_it_says_of_itself_is_short_and_moves_no_cursor() {
    let asked = hostile().ask(ask::propose(&does("says-it-failed"), Limits::default())).await;

    let error = asked.outcome.expect_err("it says so").to_string();
    assert!(error.contains("says it failed") && error.contains("\nred and long"), "{error:.100}");
    assert!(error.len() < 3_000 && !error.contains(['\u{1b}', '\u{7}']), "{error:.100}");
}

#[tokio::test]
async fn nothing_lives_on_from_one_call_to_the_next() {
    let plugin = hostile();
    let counts = ask::propose(&does("counts"), Limits::default());

    for _ in 0..3 {
        assert_eq!(ask::name(&plugin, &counts).await, "call-1");
    }
}

#[tokio::test]
async fn while_plugins_misbehave_the_calls_of_others_are_answered() {
    let forever = Limits { deadline: Duration::from_hours(1), ..Limits::default() };
    let mut at_it = tokio::task::JoinSet::new();
    for what in ["loop", "call-flood", "loop"] {
        let plugin = Arc::new(load(guest::hostile()).expect("it is a plugin"));
        for _ in 0..4 {
            let (plugin, call) = (Arc::clone(&plugin), ask::propose(&does(what), forever));
            at_it.spawn(async move { plugin.ask(call).await });
        }
    }
    let good = Arc::new(load(guest::hostile()).expect("it is a plugin"));

    for _ in 0..100 {
        assert_eq!(ask::name(&good, &ask::propose("{}", Limits::default())).await, "well-behaved");
    }

    assert!(at_it.try_join_next().is_none(), "all of that happened while they were at it");
}

// What takes more than Rust to say.

#[tokio::test]
async fn tables_are_memory_too_and_have_an_end_of_their_own() {
    // It grows one table until that is refused, and names the size it got to by the length of its name.
    let greedy = guest::of_core(&format!(
        r#"(module
            (table $t 1 funcref)
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "{PROPOSE}") (param i32) (result i32)
                (loop $more
                    (br_if $more (i32.ne (i32.const -1) (table.grow $t (ref.null func) (i32.const 1000)))))
                (if (i32.lt_u (table.size $t) (i32.const 90000)) (then unreachable))
                (if (i32.gt_u (table.size $t) (i32.const 100000)) (then unreachable))
                (i32.store (i32.const 8) (i32.const 0))
                (i32.store (i32.const 12) (i32.const 32))
                (i32.store (i32.const 16) (i32.const 1))
                (i32.store (i32.const 32) (i32.const 64))
                (i32.store (i32.const 36) (i32.const 4))
                (i32.store (i32.const 64) (i32.const 0x6c6c7566))
                (i32.const 8)))"#
    ));
    let plugin = Arc::new(load(&greedy).expect("it is a plugin"));

    let enough = plugin.ask(ask::propose("{}", Limits::default())).await;
    let small = Limits { memory: 512 << 10, ..Limits::default() };
    let scarce = plugin.ask(ask::propose("{}", small)).await;

    assert_eq!(enough.outcome.expect("a table that does not grow is no fault"), Answer::Names(vec!["full".into()]));
    assert!(enough.used.memory > 700 << 10, "{}", enough.used.memory);
    let error = scarce.outcome.expect_err("it is stopped").to_string();
    assert!(error.contains("bytes of memory, 524288 are allowed"), "{error}");
}

#[tokio::test]
async fn a_thousand_strings_that_are_the_same_megabyte_are_a_thousand_megabytes() {
    let liar = guest::of_core(&format!(
        r#"(module
            (memory (export "memory") 32)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "{PROPOSE}") (param i32) (result i32) (local $at i32)
                (local.set $at (i32.const 65536))
                (loop $more
                    (i32.store (local.get $at) (i32.const 1000000))
                    (i32.store offset=4 (local.get $at) (i32.const 1000000))
                    (local.set $at (i32.add (local.get $at) (i32.const 8)))
                    (br_if $more (i32.lt_u (local.get $at) (i32.const 73536))))
                (i32.store (i32.const 12) (i32.const 65536))
                (i32.store (i32.const 16) (i32.const 1000))
                (i32.const 8)))"#
    ));
    let plugin = Arc::new(load(&liar).expect("it is a plugin"));

    let error = plugin.ask(ask::propose("{}", brief())).await.outcome.expect_err("it is stopped").to_string();

    assert!(error.contains("passed more than 8388608 bytes in one call"), "{error}");
}

#[rstest]
#[case::beyond_its_memory("(i32.store (i32.const 12) (i32.const 0x7fffffff)) (i32.store (i32.const 16) (i32.const 1))")]
#[case::of_a_case_there_is_not("(i32.store (i32.const 8) (i32.const 77))")]
#[case::nowhere("(drop (i32.const 0)) unreachable")]
#[tokio::test]
async fn an_answer_that_is_not_there_is_its_fault(#[case] writes: &str) {
    let liar = guest::of_core(&format!(
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "{PROPOSE}") (param i32) (result i32) {writes} (i32.const 8)))"#
    ));
    let plugin = Arc::new(load(&liar).expect("it is a plugin"));

    let error = plugin.ask(ask::propose("{}", brief())).await.outcome.expect_err("it is stopped");

    assert!(matches!(error.fault, Fault::Trapped { .. }), "{error}");
}

#[tokio::test]
async fn one_that_takes_its_arguments_to_nowhere_is_at_fault() {
    let liar = guest::of_core(&format!(
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0x7ffffff0))
            (func (export "{PROPOSE}") (param i32) (result i32) (i32.const 8)))"#
    ));
    let plugin = Arc::new(load(&liar).expect("it is a plugin"));

    let error = plugin.ask(ask::propose("{}", brief())).await.outcome.expect_err("it is stopped");

    assert!(matches!(error.fault, Fault::Trapped { .. }), "{error}");
}

// What is refused before it runs.

#[rstest]
#[case::loops("(loop $more (br $more))", "stopped after 2000 ms of processor time")]
#[case::traps("unreachable", "unreachable")]
#[case::recurses("(call $start)", "recursed too deep")]
fn one_that_cannot_be_set_going_is_refused(#[case] start: &str, #[case] words: &str) {
    let eager = guest::of_core(&format!(
        r#"(module
            (memory (export "memory") 1)
            (func $start {start})
            (start $start)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "{PROPOSE}") (param i32) (result i32) (i32.const 8)))"#
    ));

    let error = load(&eager).err().expect("it is refused").to_string();

    assert!(error.starts_with("hostile does not start: ") && error.contains(words), "{error}");
}

#[test]
fn one_that_needs_more_memory_than_most_is_left_to_its_stages_limit() {
    let large = guest::of_core(&format!(
        r#"(module
            (memory (export "memory") 2000)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "{PROPOSE}") (param i32) (result i32) (i32.const 8)))"#
    ));

    load(&large).expect("a stage may have given it so much");
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let whole = guest::hostile();
    let cuts = (0..64).chain((64..whole.len()).step_by(whole.len() / 200));

    for cut in cuts {
        let refused = load(&whole[..cut]);
        assert!(refused.is_err(), "{cut} of {} bytes", whole.len());
    }
}

#[test]
fn a_file_with_a_bit_turned_is_refused_or_a_plugin_and_never_more() {
    let whole = guest::hostile();
    let mut refused = 0;

    for n in 0..100 {
        let mut spoiled = whole.to_vec();
        spoiled[n * (whole.len() / 100)] ^= 1 << (n % 8);
        refused += usize::from(load(&spoiled).is_err());
    }

    assert!(refused > 0, "some of them break it");
}

#[rstest]
#[case::nothing(b"", "not a whole WebAssembly file")]
#[case::text(b"name = \"slug\"", "not a whole WebAssembly file")]
#[case::a_core_module(b"\0asm\x01\0\0\0", "core module, not a component")]
#[case::an_empty_component(b"\0asm\x0d\0\x01\0", "exports none of wtaf:stage's interfaces")]
fn what_is_no_plugin_is_refused_in_words(#[case] bytes: &[u8], #[case] words: &str) {
    let error = load(bytes).err().expect("it is refused").to_string();

    assert!(error.starts_with("hostile: ") && error.contains(words), "{error}");
}

#[test]
fn native_code_is_never_taken_for_a_plugin() {
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    let engine = wasmtime::Engine::new(&config).expect("an engine");
    let native = engine.precompile_component(guest::hostile()).expect("it compiles");

    let error = load(&native).err().expect("it is refused");

    assert!(matches!(error, LoadError::NotAPlugin { why: NotAPlugin::Precompiled, .. }), "{error}");
}

#[test]
fn a_component_of_no_world_of_ours_is_refused() {
    let other = guest::of_wit("package test:other; world other { export greet: func(name: string) -> string; }");

    let error = load(&other).err().expect("it is refused").to_string();

    assert!(error.contains("exports none of wtaf:stage's interfaces") && error.contains("greet"), "{error}");
}

#[test]
fn a_component_of_two_worlds_is_refused() {
    let both = guest::of_wit(
        "package test:both; world both { export wtaf:stage/slug@0.1.0; export wtaf:stage/filter@0.1.0; }",
    );

    let error = load(&both).err().expect("it is refused").to_string();

    assert!(error.contains("more than one role (slug and filter)") || error.contains("(filter and slug)"), "{error}");
}

#[test]
fn a_component_of_a_later_contract_is_refused_by_its_version() {
    let later = guest::of_stage("slug-plugin", |wit| wit.replace("@0.1.0", "@0.2.0"));

    let error = load(&later).err().expect("it is refused").to_string();

    assert!(error.contains("made for wtaf:stage 0.2.0, this host speaks 0.1.0"), "{error}");
}

#[test]
fn a_component_of_a_patch_of_our_contract_is_taken() {
    let patched = guest::of_stage("slug-plugin", |wit| wit.replace("@0.1.0", "@0.1.1"));

    load(&patched).expect("it fits");
}

#[test]
fn a_component_whose_function_is_another_is_refused() {
    let other = guest::of_stage("slug-plugin", |wit| {
        wit.replace("title: option<string>, taken: list<string>)", "title: string, taken: list<string>)")
    });

    let error = load(&other).err().expect("it is refused").to_string();

    assert!(error.contains("not those of its world") && error.contains("expected `option` found `string`"), "{error}");
}

#[rstest]
#[case::a_foreign_interface(
    "package evil:thing@1.0.0 { interface shell { run: func(line: string); } }",
    "evil:thing/shell@1.0.0"
)]
#[case::the_web("package wasi:http@0.2.0 { interface types { get: func(url: string); } }", "wasi:http/types@0.2.0")]
#[case::a_later_wasi(
    "package wasi:cli@0.3.0 { interface environment { all: func() -> list<string>; } }",
    "wasi:cli/environment@0.3.0"
)]
#[case::more_of_our_own(
    "package wtaf:secrets@0.1.0 { interface keys { all: func() -> list<string>; } }",
    "wtaf:secrets/keys@0.1.0"
)]
fn a_component_that_asks_for_more_than_there_is_is_refused(#[case] package: &str, #[case] import: &str) {
    let spy = guest::of_wit(&format!(
        "package test:spy;\n world spy {{ import {import}; export wtaf:stage/slug@0.1.0; }}\n{package}"
    ));

    let error = load(&spy).err().expect("it is refused");

    assert!(matches!(&error, LoadError::NotGranted { imports, .. } if imports == &[import.to_owned()]), "{error}");
    assert!(error.to_string().contains(import), "{error}");
}

#[test]
fn a_component_of_more_parts_than_there_is_room_for_is_refused() {
    let tables = "(table 1 funcref)".repeat(20);
    let crowd = guest::of_core(&format!(
        r#"(module {tables}
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "{PROPOSE}") (param i32) (result i32) (i32.const 8)))"#
    ));

    let error = load(&crowd).err().expect("it is refused").to_string();

    assert!(error.starts_with("hostile does not fit: ") && error.contains("tables"), "{error}");
}

// The same through the whole engine.

/// A host whose slug stage is the hostile plugin, which does this.
async fn host_with(what: &str, deadline: &str) -> (Host, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("hostile.wasm");
    std::fs::write(&file, guest::hostile()).expect("the folder is writable");
    let host = Host::of()
        .set(format!("stage.slug.plugin={}", file.display()))
        .set(format!("stage.slug.config={{ does = \"{what}\" }}"))
        .set(format!("stage.slug.deadline={deadline}"))
        .set("queue.max_attempts=1")
        .start()
        .await;
    (host, folder)
}

#[rstest]
#[case::an_endless_loop("loop", "stopped after 2000 ms of processor time")]
#[case::a_memory_bomb("many-small-allocations", "67108864 are allowed")]
#[case::a_panic("panic", "the otter is out of fish")]
#[tokio::test]
async fn a_misbehaving_plugin_fails_its_own_job_and_the_person_is_told(#[case] what: &str, #[case] words: &str) {
    let (host, _folder) = host_with(what, "2s").await;

    let id = host.text(ANN, "WTAF a tip calculator").await;
    let job = host.ended(&id).await;

    assert_eq!((job["status"].as_str(), job["error"]["code"].as_str()), (Some("failed"), Some("plugin")), "{job:#}");
    let (_, file) = host.file_of(&id).expect("the job's story is kept");
    let cause = file["error"]["message"].as_str().unwrap_or_default();
    assert!(
        cause.contains("plugin hostile") && cause.contains(words) && cause.contains("\n  in wtaf:stage/slug"),
        "{cause}"
    );
    let told = host.told(ANN, |text| text.body.contains("did not come out")).await;
    assert!(!told.body.contains("otter") && !told.body.contains("plugin"), "plain words: {}", told.body);
}

#[tokio::test]
async fn a_filter_where_a_namer_is_wanted_is_a_fault_of_the_file() {
    let filter = guest::of_stage("filter-plugin", str::to_owned);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("slug.wasm");
    std::fs::write(&file, filter).expect("the folder is writable");
    let host = Host::start().await;

    let set = format!("stage.slug.plugin={}", file.display());
    let checked = host.cli(&["check", "pipeline.toml", "--set", &set]).await;

    assert_ne!(checked.code, Some(0));
    assert!(checked.err.contains("filter") || checked.out.contains("filter"), "{checked:?}");
}

#[tokio::test]
async fn while_a_plugin_misbehaves_everyone_else_is_served() {
    let (host, _folder) = host_with("loop", "1h").await;

    let mut stuck = Vec::new();
    for n in 0..6 {
        stuck.push(host.text(&format!("+1555010500{n}"), "WTAF a page that never gets its name").await);
    }
    for id in &stuck {
        let extracted = |line: &serde_json::Value| {
            line["message"] == "stage ended" && line["stage"] == "extract" && line["job"] == id.as_str()
        };
        until("only its name is missing", async || host.logs().iter().any(extracted).then_some(())).await;
    }
    for n in 0..10 {
        let asked = host.text(BOB, "help").await;
        assert_eq!(host.ended(&asked).await["status"], "done", "the {n}th of another person");
    }

    for id in &stuck {
        assert_eq!(host.job(id).await["status"], "running", "all of that happened while they were at it");
    }
}

#[test]
fn every_row_of_the_tables_in_the_security_chapter_is_a_test() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = String::new();
    for folder in ["tests/it", "src", "../plugins/coach/tests", "../plugins/extract/tests"] {
        read_all(&root.join(folder), &mut tests);
    }
    let chapter = std::fs::read_to_string(root.join("../docs/security.md")).expect("it is there");
    // A table whose last column says so is one of tests.
    let mut rows = Vec::new();
    let mut shows = false;
    for line in chapter.lines() {
        match line.starts_with("| ") {
            true if line.ends_with("| shown by |") => shows = true,
            true if shows => rows.push(line),
            true => {}
            false => shows &= line.starts_with("|-"),
        }
    }

    assert!(rows.len() > 60, "{}", rows.len());
    for row in rows {
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let named: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{row}");
        for name in named {
            assert!(tests.contains(&format!("fn {name}(")), "{name} is no test");
        }
    }
}

fn read_all(folder: &std::path::Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(&path, text);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("source is text"));
        }
    }
}
