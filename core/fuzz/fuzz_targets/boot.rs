//! The target [`ferrite_fuzz::boot`] under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ferrite_fuzz::boot::target(bytes));
