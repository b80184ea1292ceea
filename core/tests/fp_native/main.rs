//! The software floating point against the processor this test runs on: results, exception flags
//! and C1, over operands rich in special values, from a fixed seed.
//!
//! `FERRITE_FP_CASES` multiplies the number of cases, `FERRITE_FP_SEED` chooses another sequence.
#![cfg(target_arch = "x86_64")]
#![allow(unsafe_code, missing_docs)]

mod operands;
mod quick;
mod sse;
mod transcendental;
mod x87;
mod x87_memory;
mod x87_native;
