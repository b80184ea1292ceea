//! MMX and SSE to SSE4.2, AES-NI and PCLMULQDQ: what each operation computes.
//!
//! Intel SDM Vol. 1, "Programming with Intel MMX Technology" and the following chapters; Vol. 2, each instruction's
//! "Operation".
//!
//! An operation is a pure function of vectors of 128 bits: `a` is the destination as it was, `b` the source, `c` the
//! immediate (or XMM0, for the variable blends). An MMX register is a vector whose upper half is zero, and whatever an
//! operation leaves there is cut off. Where operands come from and go to is no part of it: see
//! [`crate::isa::helpers::simd_place`]. So a [`VecOp`] is what a translator maps to its own vector operations.
//!
//! * [`lanes`]: vectors as arrays.
//! * [`int`], [`shuffle`], [`mov`], [`mmx`]: integer operations; the last holds those whose MMX form is not just the
//!   lower half of the XMM form.
//! * [`float`], [`convert`]: operations under MXCSR, on [`crate::fp`].
//! * [`strings`]: PCMPxSTRx. [`aes`]: AES-NI and PCLMULQDQ.
//! * [`op`]: the list of all operations.

pub mod aes;
pub mod convert;
pub mod float;
pub mod int;
pub mod lanes;
pub mod mmx;
pub mod mov;
pub mod op;
pub mod shuffle;
pub mod strings;

pub use op::{Operation, VecOp};

#[cfg(test)]
mod tests;
