//! The engine's parts and the whole engine, against real HTTP, real files and real databases.

mod ai;
mod kit;
