//! Interrupt controllers.

pub mod coprocessor;
pub mod i8259;
