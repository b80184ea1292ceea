//! Ferrite as a library: machines are built, run and inspected through this crate.
