//! What tests share.

pub mod twilio;
