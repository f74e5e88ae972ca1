//! Behaviour of the engine with real parts: one test binary, a module a behaviour.

mod ai;
mod architecture;
mod check;
mod commands;
mod crash;
mod faults;
mod flow;
mod kit;
mod queue;
mod sms;
mod store;
