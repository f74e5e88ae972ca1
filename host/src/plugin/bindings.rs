//! Generated from `wit/`: the shared types once, each world's exports over them.
#![allow(missing_docs, clippy::pedantic, reason = "generated")]

mod shared {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "package wtaf:host; world shared { import wtaf:stage/types@0.1.0; import wtaf:stage/log@0.1.0; }",
        world: "wtaf:host/shared",
        additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
    });
}

pub use shared::wtaf::stage::{log, types};

macro_rules! world {
    ($module:ident, $world:literal) => {
        pub mod $module {
            wasmtime::component::bindgen!({
                path: "wit",
                world: $world,
                with: {
                    "wtaf:stage/types@0.1.0": crate::plugin::bindings::types,
                    "wtaf:stage/log@0.1.0": crate::plugin::bindings::log,
                },
                exports: { default: async },
                additional_derives: [Clone, PartialEq, serde::Serialize, serde::Deserialize],
            });
        }
    };
}

pub(super) mod worlds {
    world!(coach, "coach-plugin");
    world!(prompt, "prompt-plugin");
    world!(extract, "extract-plugin");
    world!(slug, "slug-plugin");
    world!(filter, "filter-plugin");
}

pub use worlds::{
    coach::exports::wtaf::stage::coach, extract::exports::wtaf::stage::extract, filter::exports::wtaf::stage::filter,
    prompt::exports::wtaf::stage::prompt,
};
