#![no_main]

#[path = "../entry/coach.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::coach(data));
