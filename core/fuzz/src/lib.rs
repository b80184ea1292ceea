//! Fuzz targets: functions from bytes to nothing that must come back, without a panic, in bounded time and memory.
//!
//! | module | the bytes are |
//! | --- | --- |
//! | [`decode`] | an instruction, in every mode of every model |
//! | [`snapshot`] | a snapshot file, or the changes to make to a good one |
//! | [`vectors`] | a file of hardware test vectors |
//! | [`code`] | a processor's mode, state and tables, and the code that it runs |
//! | [`pc`] | code on a whole PC, with its devices, and what comes in from outside |
//! | [`boot`] | a kernel image |
//!
//! The modules name nothing of this crate but [`input`], so that `tests/fuzz_smoke.rs` of ferrite-core and
//! ferrite-devices can include them by path and run each for a moment with every test run.

pub mod boot;
pub mod code;
pub mod decode;
pub mod input;
pub mod pc;
pub mod snapshot;
pub mod vectors;
