//! PCI: configuration space and the functions of the i440FX chip set.

pub mod config;
pub mod i440fx;
pub mod piix3;
pub mod piix3_ide;
pub mod piix4_pm;
