//! The CPU, memory and machine core of Ferrite. It knows no host: no file, no clock, no thread.

pub mod cpu;
pub mod exec;
pub mod fp;
pub mod interp;
pub mod isa;
pub mod memory;
pub mod mmu;
pub mod system;
