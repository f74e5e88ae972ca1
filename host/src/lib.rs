//! The engine behind a phone number: texts and chats in, live web pages out.
//!
//! `pipeline.toml` names the stages; everything that decides is a WebAssembly component ([`plugin`]), everything that touches the world is a
//! native [`adapter`]. ARCHITECTURE.md has the map. Dependencies run one way: [`cli`] → [`web`] → [`engine`] → {[`plugin`], [`adapter`]} →
//! {[`config`], [`job`]}.

pub mod adapter;
pub mod cli;
pub mod config;
pub mod engine;
#[doc(hidden)]
pub mod failpoint;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod job;
pub mod plugin;
pub mod telemetry;
pub mod web;
