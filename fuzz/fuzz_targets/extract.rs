#![no_main]

#[path = "../entry/extract.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::extract(data));
