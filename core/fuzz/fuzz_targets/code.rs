//! The target [`ferrite_fuzz::code`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ferrite_fuzz::code::target(bytes));
