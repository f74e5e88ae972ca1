//! Generated from `wit/`: the shared types once, each world's exports over them.
#![allow(missing_docs, unsafe_code, clippy::pedantic, reason = "generated")]

wit_bindgen::generate!({
    path: "wit",
    inline: "package wtaf:sdk; world shared { import wtaf:stage/types@0.1.0; import wtaf:stage/log@0.1.0; }",
    world: "wtaf:sdk/shared",
    generate_all,
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
});

pub use wtaf::stage::{log, types};

macro_rules! world {
    ($module:ident, $world:literal, $export:literal, $at:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit",
                world: $world,
                with: {
                    "wtaf:stage/types@0.1.0": crate::__bindings::types,
                    "wtaf:stage/log@0.1.0": crate::__bindings::log,
                },
                pub_export_macro: true,
                export_macro_name: $export,
                default_bindings_module: $at,
                additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
            });
        }
    };
}

world!(coach, "coach-plugin", "__export_coach", "wtaf_plugin_sdk::__bindings::coach");
world!(prompt, "prompt-plugin", "__export_prompt", "wtaf_plugin_sdk::__bindings::prompt");
world!(extract, "extract-plugin", "__export_extract", "wtaf_plugin_sdk::__bindings::extract");
world!(slug, "slug-plugin", "__export_slug", "wtaf_plugin_sdk::__bindings::slug");
world!(filter, "filter-plugin", "__export_filter", "wtaf_plugin_sdk::__bindings::filter");
