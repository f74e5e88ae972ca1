//! Behaviour of the engine with real parts: one test binary, a module a behaviour.

mod ai;
mod architecture;
mod authoring;
mod browser;
mod check;
mod commands;
mod crash;
mod database;
mod faults;
mod flow;
mod hostile;
mod judge;
mod kit;
mod model;
mod oci;
mod operate;
mod prism;
mod queue;
mod records;
mod sandbox;
mod signed;
mod sms;
mod store;
mod swap;
mod trial;
mod twilio_sdk;
