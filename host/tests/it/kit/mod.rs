//! What tests stand on: throw-away servers that end with the test process.

pub mod pgbouncer;
pub mod postgres;
pub mod server;
