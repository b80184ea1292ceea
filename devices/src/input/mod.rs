//! Keyboard and mouse.

pub mod i8042;
pub mod keyboard;
pub mod mouse;
