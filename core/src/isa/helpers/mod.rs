//! What is too big to be made of [`super::ops::Ops`]: functions over the CPU that every engine calls.

pub mod interrupt;
pub mod simd_misc;
pub mod simd_place;
pub mod simd_run;
pub mod simd_state;
