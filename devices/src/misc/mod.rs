//! Small things on the board.

pub mod debug_exit;
pub mod debugcon;
pub mod fw_cfg;
pub mod hotplug;
pub mod port61;
pub mod port92;
