//! Behaviour of the engine with real parts: one test binary, a module a behaviour.

mod ai;
mod judge;
mod kit;
mod model;
mod prism;
mod queue;
mod store;
mod twilio_sdk;
