//! Parallel ports.

pub mod lpt;
