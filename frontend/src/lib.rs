//! Ferrite as a library: machines are built, run and inspected through this crate.
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the `ferrite` command, one file per sub-command |
//! | [`config`] | what a machine is made of: the options of `run` and the keys of `MACHINE.toml`, one set of names |
//! | [`direct`] | putting a boot plan into a machine |
//! | [`display`] | windows and terminals, and what stands between them and a session |
//! | [`host`] | files as disks, and the far ends of serial lines |
//! | [`keys`] | names of keys, and which of them type a character |
//! | [`media`] | drives and what is in them |
//! | [`pc`] | a machine built from its parts |
//! | [`screen`] | the guest's screen as a file, and texts on it |
//! | [`script`] | scripts that watch and drive a guest |
//! | [`session`] | running a machine until something ends it |

pub mod cli;
pub mod config;
pub mod direct;
pub mod display;
pub mod host;
pub mod keys;
pub mod media;
pub mod pc;
pub mod screen;
pub mod script;
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
