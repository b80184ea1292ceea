//! Meanings, written once over [`super::ops::Ops`], one family a file.

pub mod arith;
pub mod branch;
pub mod flagctl;
pub mod logic;
pub mod mov;
pub mod stack;
