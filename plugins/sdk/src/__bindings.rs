//! Generated from `wit/`: the shared types once, each world's exports over them. `plugins/pack/tests/sdk_bindings.rs` makes them, and holds them to the contract.
#![allow(missing_docs, unsafe_code, clippy::pedantic, rustdoc::all, reason = "generated")]

mod shared {
    include!("__bindings/shared.rs");
}

pub use shared::wtaf::stage::{log, types};

pub mod coach {
    include!("__bindings/coach.rs");
}

pub mod prompt {
    include!("__bindings/prompt.rs");
}

pub mod extract {
    include!("__bindings/extract.rs");
}

pub mod slug {
    include!("__bindings/slug.rs");
}

pub mod filter {
    include!("__bindings/filter.rs");
}
