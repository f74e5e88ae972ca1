#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wtaf_host::fuzzing::drop_in(data));
