//! What is too big to be made of [`super::ops::Ops`]: functions over the CPU that every engine calls.

pub mod descriptor;
pub mod event;
pub mod far;
pub mod fastcall;
pub mod flags;
pub mod frame;
pub mod interrupt;
pub mod iret;
pub mod segload;
pub mod softint;
pub mod task;

#[cfg(test)]
mod rig;
