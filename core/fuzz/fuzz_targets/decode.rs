//! The target [`ferrite_fuzz::decode`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ferrite_fuzz::decode::target(bytes));
