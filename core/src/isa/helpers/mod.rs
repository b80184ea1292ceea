//! What is too big to be made of [`super::ops::Ops`]: functions over the CPU that every engine calls.

pub mod control;
pub mod interrupt;
