//! The scalar operations of SSE, SSE2, SSE3 and SSE4.1, and elements of the packed ones.
//!
//! SDM Vol. 1, "SIMD Floating-Point Exceptions"; "Response to SNaNs and QNaNs" in the table of rules
//! for handling NaNs; Vol. 2, the entry of each instruction.
//!
//! Operations take bit patterns, `u32` for single and `u64` for double, and always return the masked
//! response; [`SseEnv::commit`](crate::fp::SseEnv::commit) says whether the destination is written.
//! `a` is the first source (the destination of a two-operand form), `b` the second.
//!
//! # The host's arithmetic
//!
//! Addition, subtraction, multiplication, division and square root use the host's when all of this
//! holds: rounding is to nearest; PE is masked and already set, so that exactness need not be known;
//! the operands are zeros or normal (or infinite or NaN, which the next condition excludes); the
//! result is normal and above the least normal exponent. IEEE 754 then allows one result, in which
//! DAZ, FTZ, NaNs, overflow and tininess (before or after rounding) play no part, and PE is the only
//! exception that could be raised. Hosts of this project round to nearest by default and Rust
//! forbids changing that.

mod approx;
mod arith;
mod compare;
mod convert;
mod nan;

pub use approx::{rcp, rsqrt};
pub use arith::{add, div, mul, sqrt, sub};
pub use compare::{comi, compare, max, min, ucomi};
pub use convert::{from_i32, from_i64, narrow, round_to_integral, to_i32, to_i64, widen};
