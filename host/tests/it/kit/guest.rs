//! Plugins made for a test: of the hostile crate beside this one, of a core module's text, of WIT alone.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve, WorldId};

/// The misbehaving slug plugin: it does what its stage's `config = { does = "…" }` says.
pub fn hostile() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let module = build("wtaf-test-hostile", "wasm32-unknown-unknown");
        encode(&std::fs::read(&module).expect("cargo has built it"))
    })
}

/// The same made for WASI, with what only that can ask for.
pub fn hostile_with_wasi() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| std::fs::read(build("wtaf-test-hostile", "wasm32-wasip2")).expect("cargo has built it"))
}

/// The plugin that another crate of the workspace is: the benchmarks have one.
#[allow(dead_code, reason = "the benchmarks, which share this file, use it")]
pub fn of_crate(package: &str) -> Vec<u8> {
    encode(&std::fs::read(build(package, "wasm32-unknown-unknown")).expect("cargo has built it"))
}

/// A slug plugin whose whole code is the given text of a core module, which exports a memory and [`PROPOSE`], `(param i32) (result i32)`.
pub fn of_core(text: &str) -> Vec<u8> {
    of_core_in("slug-plugin", text)
}

/// The same of any world of ours.
fn of_core_in(world: &str, text: &str) -> Vec<u8> {
    let (resolve, world) = stage_world(world);
    of_module(wat::parse_str(text).expect("the text is a module"), &resolve, world)
}

/// A coach that answers with the person's own words; where they begin with an S, its first try never ends.
pub fn stalling_coach() -> Vec<u8> {
    // A call's arguments lie one after another: at 8 the context's `attempt`, at 48 and 52 the request's `text`. What is not written is zero: `ok`, no
    // actions, `reply`; and of `say` no words.
    of_core_in(
        "coach-plugin",
        r#"(module
            (memory (export "memory") 64)
            (global $free (mut i32) (i32.const 1024))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
                (local.set $at (i32.and
                    (i32.add (global.get $free) (i32.const 15))
                    (i32.const -16)))
                (global.set $free (i32.add (local.get $at) (local.get 3)))
                (local.get $at))
            (func (export "wtaf:stage/coach@0.1.0#decide") (param $asked i32) (result i32)
                (if (i32.and
                        (i32.eq (i32.load offset=8 (local.get $asked)) (i32.const 1))
                        (i32.eq (i32.load8_u (i32.load offset=48 (local.get $asked))) (i32.const 0x53)))
                    (then (loop $stalls (br $stalls))))
                (i32.store (i32.const 24) (i32.load offset=48 (local.get $asked)))
                (i32.store (i32.const 28) (i32.load offset=52 (local.get $asked)))
                (i32.const 8))
            (func (export "wtaf:stage/coach@0.1.0#say") (param i32) (result i32) (i32.const 8)))"#,
    )
}

/// What a slug plugin's core module exports.
pub const PROPOSE: &str = "wtaf:stage/slug@0.1.0#propose";

/// A component of a world of wtaf:stage, each function a trap; `change` is made in the WIT first.
pub fn of_stage(world: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let files: String = ["types", "coach", "prompt", "extract", "slug", "filter"]
        .iter()
        .map(|name| std::fs::read_to_string(wit().join(format!("{name}.wit"))).expect("the contract is there"))
        .map(|text| text.replace("package wtaf:stage@0.1.0;", ""))
        .collect();
    let text = change(&format!("package wtaf:stage@0.1.0;\n{files}"));
    let package = resolve.push_str("stage.wit", &text).expect("it is WIT");
    let world = resolve.select_world(&[package], Some(world)).expect("it has the world");
    dummy(&resolve, world)
}

/// A component of any world, which may name wtaf:stage's interfaces; each function is a trap.
pub fn of_wit(text: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(wit()).expect("the contract is WIT");
    let package = resolve.push_str("test.wit", text).expect("it is WIT");
    let world = resolve.select_world(&[package], None).expect("it has one world");
    dummy(&resolve, world)
}

fn stage_world(world: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit()).expect("the contract is WIT");
    let world = resolve.select_world(&[package], Some(world)).expect("it has the world");
    (resolve, world)
}

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

fn dummy(resolve: &Resolve, world: WorldId) -> Vec<u8> {
    of_module(dummy_module(resolve, world, ManglingAndAbi::Standard32), resolve, world)
}

fn of_module(mut module: Vec<u8>, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).expect("a module takes metadata");
    encode(&module)
}

fn encode(module: &[u8]) -> Vec<u8> {
    let encoder = ComponentEncoder::default();
    let encoder = encoder.module(module).expect("it is a module of a world");
    encoder.validate(true).encode().expect("it is a component")
}

/// Builds a crate of guests; cargo sees for itself whether there is anything to do.
fn build(package: &str, target: &str) -> PathBuf {
    // A folder of its own: another cargo may hold the lock of the shared one.
    let own = std::env::current_exe().expect("a test knows its own file");
    let folder = own.ancestors().nth(3).expect("it is in cargo's target folder").join("test-guests");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    cargo.args(["build", "--package", package, "--profile", "guest", "--target", target, "--target-dir"]);
    cargo.arg(&folder).args(["--config", wtaf_plugin_pack::CARGO_CONFIG]);
    for name in
        ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"]
    {
        cargo.env_remove(name);
    }
    let output = cargo.output().expect("cargo can be run");
    assert!(
        output.status.success(),
        "{package} cannot be built for {target} (scripts/test installs what that needs):\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    folder.join(target).join("guest").join(format!("{}.wasm", package.replace('-', "_")))
}
