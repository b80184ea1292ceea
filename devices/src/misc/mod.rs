//! Small things on the board.

pub mod debug_exit;
pub mod debugcon;
pub mod port61;
pub mod port92;
