//! Boards: which chips there are, where their registers appear and what their pins drive. Port
//! numbers appear only here.

mod at;
mod cmos;
mod config;
pub mod pc_at;
pub mod pc_pci;

use ferrite_core::system::System;

pub use config::{Board, BootDevice, BootOrder, ConfigError, MAX_HIGH, MAX_LOW, PcConfig};

/// Builds the machine, powered on.
///
/// # Errors
/// When the configuration asks for what the board cannot have.
pub fn build(config: PcConfig) -> Result<System, ConfigError> {
    config.check()?;
    Ok(match config.kind {
        Board::Pc => pc_pci::build(config),
        Board::IsaPc => pc_at::build(config),
    })
}
