//! Display adapters, and what they show.

pub mod frame;
pub mod vga;
