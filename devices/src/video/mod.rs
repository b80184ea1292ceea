//! Display adapters, and what they show.

pub mod frame;
pub mod glyphs;
pub mod vga;
