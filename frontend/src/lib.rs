//! Ferrite as a library: machines are built, run and inspected through this crate.
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the `ferrite` command, one file per sub-command |
//! | [`config`] | what a machine is made of: the options of `run` and the keys of `MACHINE.toml`, one set of names |
//! | [`host`] | files as disks, and the far ends of serial lines |
//! | [`direct`] | putting a boot plan into a machine |
//! | [`pc`] | a machine built from its parts |
//! | [`session`] | running a machine until something ends it |

pub mod cli;
pub mod config;
pub mod direct;
pub mod host;
pub mod pc;
pub mod session;

use std::fmt;

/// Why a command ended without doing what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Wrong options or input: status 2.
    Usage(String),
    /// The host failed, or lacks something: status 4.
    Host(String),
}

impl Failure {
    /// The process's exit status.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Host(_) => 4,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Usage(text) | Self::Host(text)) = self;
        f.write_str(text)
    }
}
