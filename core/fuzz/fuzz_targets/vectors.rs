//! The target [`ferrite_fuzz::vectors`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ferrite_fuzz::vectors::target(bytes));
