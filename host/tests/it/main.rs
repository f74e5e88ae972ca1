//! The engine's parts, tested against real files, real HTTP and real databases.

mod kit;
mod queue;
mod sms;
