//! Everything that touches the world: the queue, AI providers, the store, SMS, files. An adapter never names a stage.

pub mod ai;
pub mod bucket;
pub mod nats;
pub mod queue;
pub mod sms;
pub mod store;
