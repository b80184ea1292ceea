//! Meanings, written once over [`super::ops::Ops`], one family a file.

pub mod arith;
pub mod bcd;
pub mod bits;
pub mod branch;
pub mod flagctl;
pub mod logic;
pub mod mov;
pub mod muldiv;
pub mod shift;
pub mod stack;
