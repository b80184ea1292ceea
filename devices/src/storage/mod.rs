//! Disks.

pub mod ata;
pub mod floppy_media;
pub mod i82077;
mod identify;
