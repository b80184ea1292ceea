//! Ferrite as a library: machines are built, run and inspected through this crate.
//!
//! A machine comes from [`Pc::builder`]. It runs when it is told to and as far as it is told to; what the outside world does to it happens
//! between two runs. Its screen, its state and a snapshot can be had at any such point. Nothing in it depends on the host's clock.
//!
//! ```
//! use ferrite::session::Guest;
//! use ferrite::{Outcome, Pc, Stop, VTime};
//!
//! // Firmware ends at 1 MiB; the processor begins 16 bytes before. This one says `!` to port E9h and ends with status 21h.
//! let mut firmware = vec![0xf4; 0x10000];
//! firmware[0xfff0..0xfff8].copy_from_slice(&[0xb0, b'!', 0xe6, 0xe9, 0xb0, 0x10, 0xe6, 0xf4]);
//! let (port, bytes) = ferrite::ports::Channel::new();
//!
//! let mut pc = Pc::builder().cpu("80486").memory(4 << 20).bios(firmware).debugcon(Box::new(port)).debug_exit(true).build()?;
//! let before = pc.snapshot();
//! assert_eq!(pc.run_for(VTime::ms(1)), Outcome::Stopped(Stop::DebugExit(0x10)));
//! assert_eq!((bytes.try_recv(), pc.retired()), (Ok(b'!'), 4));
//!
//! pc.load(&before).expect("it is one of this machine");
//! assert_eq!(pc.retired(), 0);
//! # Ok::<(), ferrite::Failure>(())
//! ```
//!
//! | module | holds |
//! | --- | --- |
//! | [`builder`] | describing a machine |
//! | [`cli`] | the `ferrite` command, one file per sub-command |
//! | [`config`] | what a machine is made of: the options of `run` and the keys of `MACHINE.toml`, one set of names |
//! | [`direct`] | putting a boot plan into a machine |
//! | [`display`] | windows and terminals, and what stands between them and a session |
//! | [`engine`] | which engine runs a machine |
//! | [`host`] | files as disks, and the far ends of serial lines |
//! | [`keys`] | names of keys, and which of them type a character |
//! | [`lockstep`] | two machines on two engines, compared |
//! | [`media`] | drives and what is in them |
//! | [`pc`] | a machine built from its parts |
//! | [`screen`] | the guest's screen as a file, and texts on it |
//! | [`script`] | scripts that watch and drive a guest |
//! | [`session`] | running a machine until something ends it |

pub mod builder;
pub mod cli;
pub mod config;
pub mod direct;
pub mod display;
pub mod engine;
pub mod host;
pub mod keys;
pub mod lockstep;
pub mod media;
mod pacer;
pub mod pc;
pub mod screen;
pub mod script;
pub mod session;

use std::fmt;

pub use builder::Builder;
pub use ferrite_core::device::{Input, Key, Stop};
pub use ferrite_core::machine::{Limits, Outcome};
pub use ferrite_core::time::VTime;
pub use ferrite_devices::host as ports;
pub use ferrite_devices::video::frame::{Frame, TextScreen};
pub use pc::Pc;

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

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Usage(text) | Self::Host(text)) = self;
        f.write_str(text)
    }
}
