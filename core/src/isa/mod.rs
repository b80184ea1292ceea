//! Instructions: the decoded form, what each means, and the cache of decoded code.
//!
//! * [`insn`]: the compact decoded form.
//! * [`decode`]: from bytes to it, through `iced-x86`.
//! * [`ops`]: the operations of which meanings are made, with a number or an IR node as their value.
//! * [`sem`]: meanings, written once over [`ops::Ops`], one family a file.
//! * [`helpers`]: what is too big for that, as functions that every engine calls.
//! * [`x87`]: the x87 FPU, all helpers.
//! * [`select`]: which meaning an instruction has, with a `select_*` for each large family.
//! * [`simd`]: what vector operations compute.
//! * [`cache`]: decoded blocks by physical page.

pub mod cache;
pub mod decode;
mod decode80286;
mod decode8086;
pub mod helpers;
pub mod insn;
pub mod ops;
pub mod select;
pub mod select_control;
pub mod select_int;
pub mod select_simd;
pub mod select_system;
pub mod select_x87;
pub mod sem;
pub mod simd;
pub mod x87;

pub use insn::Insn;
pub use ops::Ops;
