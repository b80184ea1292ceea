//! Direct memory access on the ISA bus.

pub mod i8237;
