//! A fuzz target for every device: the bytes are a trace of what happens to it.
//!
//! [`trace`] reads the bytes and does what they say to a device on the bench; [`devices`] lists the devices with their
//! registers; [`seeds`] writes traces that do something sensible, for a fuzzer to begin with.
//!
//! The modules name nothing of this crate but each other and [`input`], so that `devices/tests/fuzz_smoke.rs` can include them
//! by path and run each target for a moment with every test run.

pub mod devices;
#[path = "../../../core/fuzz/src/input.rs"]
pub mod input;
pub mod seeds;
pub mod trace;
