//! Compiles the four built-in plugins to components, so that a plain `cargo build` makes the whole engine.
//!
//! `WTAF_BUNDLE_DIR` points at ready-made `coach.wasm`, `prompt.wasm`, `extract.wasm`, `slug.wasm` instead. As a package, away from the repository, this crate
//! has them ready-made in `ready/`: `scripts/release bundle` puts them there before it is published.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const PLUGINS: [&str; 4] = ["coach", "prompt", "extract", "slug"];
const TARGET: &str = "wasm32-unknown-unknown";

fn main() {
    println!("cargo::rerun-if-env-changed=WTAF_BUNDLE_DIR");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let done = match env::var_os("WTAF_BUNDLE_DIR") {
        Some(dir) => copy_ready_made(Path::new(&dir), &out),
        None => match ready_made() {
            Some(dir) => copy_ready_made(&dir, &out),
            None => build_from_source(&out),
        },
    };
    if let Err(why) = done {
        eprintln!("\nThe built-in plugins could not be made.\n{why}\n");
        std::process::exit(1);
    }
}

/// Where there are no sources of the plugins to build.
fn ready_made() -> Option<PathBuf> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    (!here.join("../coach/Cargo.toml").exists()).then(|| here.join("ready")).filter(|dir| dir.exists())
}

fn copy_ready_made(dir: &Path, out: &Path) -> Result<(), String> {
    for plugin in PLUGINS {
        let from = dir.join(format!("{plugin}.wasm"));
        println!("cargo::rerun-if-changed={}", from.display());
        fs::copy(&from, out.join(format!("{plugin}.wasm"))).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    Ok(())
}

fn build_from_source(out: &Path) -> Result<(), String> {
    // Asked of cargo at run time: a target folder may serve more than one checkout.
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?;
    let workspace = Path::new(&here).join("../..");
    for part in
        PLUGINS.map(|plugin| format!("plugins/{plugin}")).iter().map(String::as_str).chain(["plugins/sdk", "wit"])
    {
        watch(&workspace.join(part));
    }
    ensure_target()?;
    // A target folder of its own: the outer cargo holds the lock of the shared one.
    let guests = out.join("guests");
    run(guest_cargo(&workspace, &guests))?;
    for plugin in PLUGINS {
        let module = guests.join(TARGET).join("guest").join(format!("wtaf_plugin_{plugin}.wasm"));
        let packed = pack(&module, &workspace.join("plugins").join(plugin))?;
        fs::write(out.join(format!("{plugin}.wasm")), packed).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Sources only: a test's snapshot must not rebuild the engine.
fn watch(part: &Path) {
    let named = ["src", "Cargo.toml", "words", "templates", "cast.json", "cast", "plugin.toml", "examples"];
    let inside: Vec<_> = named.iter().map(|name| part.join(name)).filter(|path| path.exists()).collect();
    for path in if inside.is_empty() { vec![part.to_owned()] } else { inside } {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

fn guest_cargo(workspace: &Path, guests: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace).args(["build", "--profile", "guest", "--target", TARGET, "--target-dir"]).arg(guests);
    cargo.args(["--config", wtaf_plugin_pack::CARGO_CONFIG]);
    for plugin in PLUGINS {
        cargo.args(["-p", &format!("wtaf-plugin-{plugin}")]);
    }
    // What the outer build was told is not for the guests: its flags, its lint driver, its target, its linker.
    for name in [
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_PROFILE_RELEASE_DEBUG",
        "CLIPPY_ARGS",
    ] {
        cargo.env_remove(name);
    }
    cargo
}

/// The component of one plugin, with its manifest inside.
fn pack(module: &Path, project: &Path) -> Result<Vec<u8>, String> {
    let bytes = fs::read(module).map_err(|error| format!("{}: {error}", module.display()))?;
    let manifest = wtaf_plugin_pack::Manifest::read(project).map_err(|error| error.to_string())?;
    // The built-in plugins are released with the engine, under its version.
    let engine = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    if manifest.version != engine {
        let toml = project.join("plugin.toml");
        return Err(format!("{}: version = {:?}, but the crate has {engine:?}", toml.display(), manifest.version));
    }
    wtaf_plugin_pack::componentize(&bytes)
        .and_then(|component| wtaf_plugin_pack::seal(&component, &manifest))
        .map_err(|error| format!("{}: {error}", module.display()))
}

fn ensure_target() -> Result<(), String> {
    if target_installed() {
        return Ok(());
    }
    let added = Command::new("rustup").args(["target", "add", TARGET]).output();
    let why = match added {
        Ok(output) if output.status.success() && target_installed() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => format!("rustup could not be run: {error}"),
    };
    Err(format!(
        "They need the Rust target {TARGET}, which is not installed, and `rustup target add {TARGET}` did not help:\n  {why}\n\
         Either install it (rustup target add {TARGET}, or your distribution's package with Rust's standard library for WebAssembly),\n\
         or set WTAF_BUNDLE_DIR to a folder with coach.wasm, prompt.wasm, extract.wasm and slug.wasm built elsewhere\n\
         (`wtaf-host plugin export coach --out coach.wasm` writes them out of any engine)."
    ))
}

fn target_installed() -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let Ok(output) = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output() else {
        return false;
    };
    let libdir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    fs::read_dir(libdir).is_ok_and(|mut entries| entries.next().is_some())
}

fn run(mut command: Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("cargo could not be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("cargo build of the plugins failed:\n{}", String::from_utf8_lossy(&output.stderr)))
}
