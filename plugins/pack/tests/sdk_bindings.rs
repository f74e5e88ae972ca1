//! The bindings in `plugins/sdk/src/__bindings/` are what wit-bindgen makes of `wit/`. They are kept rather than made by its macro in every build: the macro brings a parser of
//! WIT and a printer of Rust with it, which took half of the time that the first build of a plugin took.
//!
//! `WTAF_UPDATE_BINDINGS=1 cargo test -p wtaf-plugin-pack --test sdk_bindings` makes them anew. It stands here and not
//! beside them so that it runs when they do not fit.

use std::{fs, path::Path};

use wit_bindgen_core::{Files, WorldGenerator, wit_parser::Resolve};
use wit_bindgen_rust::{Opts, WithOption};

const SHARED: &str = "package wtaf:sdk; world shared { import wtaf:stage/types@0.1.0; import wtaf:stage/log@0.1.0; }";

#[test]
fn what_is_kept_is_what_wit_bindgen_makes_of_the_contract() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/src/__bindings");
    let roles = ["coach", "prompt", "extract", "slug", "filter"];
    let made = roles.map(|role| (role, of_role(role)));
    for (name, made) in made.into_iter().chain([("shared", shared())]) {
        let file = folder.join(format!("{name}.rs"));
        if std::env::var_os("WTAF_UPDATE_BINDINGS").is_some() {
            fs::write(&file, &made).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(kept == made, "{} is not of this contract: WTAF_UPDATE_BINDINGS=1 makes it anew", file.display());
    }
}

/// The types and the log, once for all worlds.
fn shared() -> String {
    generate("wtaf:sdk/shared", Opts { generate_all: true, ..opts() })
}

/// One world's exports, over the shared types.
fn of_role(role: &str) -> String {
    let path = |module: &str| WithOption::Path(format!("crate::__bindings::{module}"));
    let opts = Opts {
        with: vec![
            ("wtaf:stage/types@0.1.0".to_owned(), path("types")),
            ("wtaf:stage/log@0.1.0".to_owned(), path("log")),
        ],
        pub_export_macro: true,
        export_macro_name: Some(format!("__export_{role}")),
        default_bindings_module: Some(format!("wtaf_plugin_sdk::__bindings::{role}")),
        ..opts()
    };
    generate(&format!("{role}-plugin"), opts)
}

fn opts() -> Opts {
    let derives = ["PartialEq", "serde::Serialize", "serde::Deserialize"];
    Opts { format: true, additional_derive_attributes: derives.map(str::to_owned).to_vec(), ..Opts::default() }
}

fn generate(world: &str, opts: Opts) -> String {
    let mut resolve = Resolve::default();
    let (stage, _) = resolve.push_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
    let sdk = resolve.push_str("shared.wit", SHARED).unwrap();
    let world = resolve.select_world(&[if world.contains('/') { sdk } else { stage }], Some(world)).unwrap();
    let mut files = Files::default();
    opts.build().generate(&mut resolve, world, &mut files).unwrap();
    let (_, made) = files.iter().next().unwrap();
    String::from_utf8(made.to_vec()).unwrap()
}
