//! The test kit: real servers and faithful fakes, each started by the test that wants it.

pub mod ai;
pub mod ask;
pub mod collector;
pub mod component;
pub mod fleet;
pub mod guest;
pub mod host;
pub mod line;
pub mod nats;
pub mod pgbouncer;
pub mod postgres;
pub mod postgres_tls;
pub mod process;
pub mod registry;
pub mod server;
pub mod texter;
pub mod twilio;
