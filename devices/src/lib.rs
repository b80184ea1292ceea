//! The devices and boards of Ferrite, an x86 PC in software.

pub mod boot;
pub mod host;
