//! The target [`ferrite_fuzz::pc`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ferrite_fuzz::pc::target(bytes));
