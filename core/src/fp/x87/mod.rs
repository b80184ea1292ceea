//! The x87 operations.
//!
//! SDM Vol. 1, "Programming with the x87 FPU"; Vol. 2, the entry of each instruction.
//!
//! Every operation takes an [`X87Env`](super::X87Env) and returns `None` when an unmasked exception leaves the
//! destination, the stack top and (for compares) the condition codes unchanged.
//!
//! *Not here:* the register stack, its faults and tags, C0 to C3 (given as plain results), and the
//! pending-exception mechanism.

mod arith;
mod atan;
mod bcd;
mod compare;
mod constant;
mod exp;
mod load;
mod log;
mod nan;
mod pack;
pub mod quick;
mod rem;
mod scale;
mod store;
mod trig;

pub use arith::{add, div, mul, sqrt, sub};
pub use atan::fpatan;
pub use bcd::{from_bcd, to_bcd};
pub use compare::{Unordered, compare};
pub use constant::{Constant, constant};
pub use exp::f2xm1;
pub use load::{load_f32, load_f64, widen_f32, widen_f64};
pub use log::{fyl2x, fyl2xp1};
pub use rem::{Remainder, fprem, fprem1};
pub use scale::{extract, round_to_integer, scale};
pub use store::{to_f32, to_f64, to_i16, to_i32, to_i64};
pub use trig::{Reduced, fcos, fptan, fsin, fsincos};
