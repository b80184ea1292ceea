//! Timers and clocks.

pub mod acpi_pm;
pub mod i8254;
pub mod mc146818;
