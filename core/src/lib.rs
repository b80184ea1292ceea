//! The CPU, memory and machine core of Ferrite. It knows no host: no file, no clock, no thread.

pub mod bus;
pub mod compare;
pub mod cpu;
pub mod device;
pub mod engine;
pub mod events;
pub mod exec;
pub mod fp;
pub mod interp;
pub mod isa;
pub mod large;
pub mod machine;
pub mod memory;
pub mod mmu;
pub mod rig;
pub mod snapshot;
pub mod system;
pub mod time;
pub mod vectors;
pub mod wires;
