//! Disks.

pub mod ata;
mod identify;
