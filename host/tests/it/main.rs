//! Tests of the engine with real parts: real files, a real PostgreSQL, real HTTP. One binary, so that it is linked once.

mod kit;
mod store;
