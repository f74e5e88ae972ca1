#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wtaf_host::fuzzing::records(data));
