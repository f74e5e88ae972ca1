//! What tests share: stand-ins for the world outside that speak its real protocols.

pub mod ai;
