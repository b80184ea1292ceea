//! The CPU, memory and machine core of Ferrite. It knows no host: no file, no clock, no thread.

pub mod cpu;
pub mod fp;
pub mod memory;
pub mod mmu;
