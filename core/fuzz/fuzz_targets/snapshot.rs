//! The target [`ferrite_fuzz::snapshot`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ferrite_fuzz::snapshot::target(bytes));
