//! What is too big to be made of [`super::ops::Ops`]: functions over the CPU that every engine calls.

pub mod compound;
pub mod control;
pub mod divide;
pub mod interrupt;
pub mod string;
