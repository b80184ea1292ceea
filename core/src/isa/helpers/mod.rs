//! What is too big to be made of [`super::ops::Ops`]: functions over the CPU that every engine calls.

pub mod compound;
pub mod control;
pub mod descriptor;
pub mod divide;
pub mod event;
pub mod far;
pub mod fastcall;
pub mod flags;
pub mod frame;
pub mod i80286;
pub mod i8086;
pub mod interrupt;
pub mod iret;
pub mod port;
pub mod segload;
pub mod simd_misc;
pub mod simd_place;
pub mod simd_run;
pub mod simd_state;
pub mod smm;
pub mod softint;
pub mod string;
pub mod system;
pub mod tables;
pub mod task;
pub mod xsave;

#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests_int;
