//! What an engine is: a strategy over [`Exec`].
//!
//! Every engine leaves the complete architectural state at exactly the count of retired instructions it was given, takes
//! interrupts at the same boundaries and makes the same accesses. So which one ran cannot be told from the machine's state.

use crate::exec::{Exec, Exit};
use crate::interp::Interpreter;

/// A place where an engine spent its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hot {
    /// The linear address of the guest's code.
    pub address: u64,
    /// How often the engine's loop went to it.
    pub entered: u64,
    /// Instructions that retired before control came back, there and in what it went on to.
    pub retired: u64,
}

/// See the module's text.
pub trait Engine: std::fmt::Debug + Send {
    /// Its name, as `--accel` spells it.
    fn name(&self) -> &'static str;

    /// Runs until `limit` instructions have retired in all, or something else stops the CPU. [`Exit::Limit`] may come before that: when a
    /// device wants to be asked earlier by now, or after very many instructions.
    fn run(&mut self, x: &mut Exec, limit: u64) -> Exit;

    /// Runs exactly one instruction (with all its iterations, if repeated) or delivers one event.
    fn run_one(&mut self, x: &mut Exec) -> Option<Exit>;

    /// Drops all that was made of the memory's content, as after a snapshot was loaded.
    fn clear(&mut self, x: &mut Exec);

    /// Whether [`Self::run`] comes back with [`Exit::Pause`] at each boundary where this engine's own code ends, for comparing
    /// it with another one. An engine that has no such boundaries may ignore it.
    fn set_pausing(&mut self, _: bool) {}

    /// Its counts, by name, for `--stats`.
    fn counters(&self, x: &Exec) -> Vec<(&'static str, u64)>;

    /// Where it spent its time, the most first; nothing for an engine that does not know.
    fn hottest(&self) -> Vec<Hot> {
        Vec::new()
    }
}

impl Engine for Interpreter {
    fn name(&self) -> &'static str {
        "interp"
    }

    fn run(&mut self, x: &mut Exec, limit: u64) -> Exit {
        self.run(x, limit)
    }

    fn run_one(&mut self, x: &mut Exec) -> Option<Exit> {
        self.run_one(x)
    }

    fn clear(&mut self, x: &mut Exec) {
        self.clear(x);
    }

    fn counters(&self, _: &Exec) -> Vec<(&'static str, u64)> {
        vec![("decoded_blocks", self.decoded_blocks())]
    }
}
