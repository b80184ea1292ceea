//! The devices and boards of Ferrite, an x86 PC in software.
//!
//! One chip per module, in folders by function; a device knows no port, interrupt number or peer.
//! `board` says what a machine consists of; [`host`] is what devices want from outside; [`boot`]
//! loads kernels without firmware.

pub mod board;
pub mod boot;
pub mod dma;
pub mod host;
pub mod input;
pub mod irq;
pub mod misc;
pub mod parallel;
pub mod pci;
pub mod serial;
pub mod storage;
pub mod timer;
pub mod video;
