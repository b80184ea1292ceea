//! Floppy drives, and disks and CD-ROM drives behind IDE channels.
//!
//! A [`channel`] has up to two drives, each with an [`interface`]: the registers, and a block of data between host and medium. What
//! a command does is the drive's: [`ata`] for a disk, [`atapi`] for a CD-ROM drive. A channel belongs to the PCI IDE function
//! ([`crate::pci::piix3_ide`]), which adds a [`bus_master`], or to a card on the ISA bus ([`isa_ide`]).

pub mod ata;
mod ata_features;
pub mod atapi;
mod atapi_answers;
mod atapi_mode;
mod atapi_read;
pub mod bus_master;
mod cd_sector;
pub mod channel;
pub mod floppy_media;
pub mod i82077;
mod identify;
pub mod interface;
pub mod isa_ide;
