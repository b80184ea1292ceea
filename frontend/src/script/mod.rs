//! `--script`: a file of statements, one a line, that watch the guest and act on it. `docs/script.md` is the manual.
//!
//! A script is read whole before the machine runs, so that a word that does not exist costs nothing. Everything in it happens at
//! virtual times, or when a look of the session (see [`crate::session`]) finds what is waited for, so it happens at the same retired
//! counts in every run.

mod parse;
mod run;

use std::fmt;
use std::sync::Arc;

use ferrite_core::time::VTime;

use crate::display::Command;

pub use parse::parse;
pub use run::{Action, Next, Runner, World};

/// A script that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Of the file, for messages.
    name: String,
    lines: Vec<Arc<Line>>,
}

/// A statement and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    number: usize,
    /// As it was written, without comment.
    source: String,
    statement: Statement,
}

/// What a line asks for. Defaults of its `timeout` and `pace` are already in it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Statement {
    /// Nothing more until this holds; a failure after `timeout`.
    Wait { what: Wait, timeout: VTime },
    /// Nothing more for so long.
    Pause(VTime),
    /// Keys and mouse movements, each followed by a time to wait. A key goes down only when the guest has read those before;
    /// a failure if it has not within `timeout`.
    Send { steps: Vec<(Command, VTime)>, timeout: VTime },
    /// At once.
    Do(Action),
}

/// What can be waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wait {
    /// The text is on the screen.
    Screen(String),
    /// It is not.
    Gone(String),
    /// A serial line has sent it, since the last such wait.
    Serial(String),
    /// The screen has not changed for so long.
    Still(VTime),
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Screen(text) => write!(f, "\"{text}\" is not on the screen"),
            Self::Gone(text) => write!(f, "\"{text}\" is still on the screen"),
            Self::Serial(text) => write!(f, "\"{text}\" has not come on a serial line"),
            Self::Still(_) => f.write_str("the screen has not come to rest"),
        }
    }
}
