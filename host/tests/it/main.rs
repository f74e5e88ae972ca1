//! Behaviour of the engine with real parts: one test binary, a module a behaviour.

mod ai;
mod kit;
mod queue;
mod sms;
mod store;
