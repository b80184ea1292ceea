//! The host's side of a machine: files as disks, far ends of serial lines, the terminal.

pub mod chars;
pub mod disk;
pub mod image;
pub mod tty;
pub mod twin;
