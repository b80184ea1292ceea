//! Where code can be entered, by where the host has the first byte of its guest code: a table for each mode.
//!
//! Translated code looks in them by itself (see [`crate::abi::jump_slot`]), with the addresses that it was made with, so a table stays
//! where it is as long as any code does. Most of a table is never touched, and costs nothing then.

use crate::abi::{JUMP_ENTRIES, MAX_ENTRIES, jump_slot};
use crate::mode::{MODES, Mode};

/// An entry: the host's address of guest code, and the word by which its translation is entered. All 0 when there is none.
type Entry = [u64; 2];

/// See the module's text.
#[derive(Debug)]
pub struct Jumps(Vec<Box<[Entry]>>);

impl Jumps {
    pub fn new() -> Self {
        Self(vec![Box::default(); MODES])
    }

    /// Whether a mode has a table.
    pub fn has(&self, mode: Mode) -> bool {
        !self.0[mode.number()].is_empty()
    }

    /// Modes that have one.
    pub fn count(&self) -> usize {
        self.0.iter().filter(|t| !t.is_empty()).count()
    }

    /// The host's address of a mode's table, which it has from here on.
    pub fn address(&mut self, mode: Mode) -> u64 {
        let table = &mut self.0[mode.number()];
        if table.is_empty() {
            *table = vec![[0; 2]; JUMP_ENTRIES].into_boxed_slice();
        }
        table.as_ptr().expose_provenance() as u64
    }

    /// Guest code at `guest` is entered by `code`.
    pub fn set(&mut self, mode: Mode, guest: u64, code: u64) {
        if let Some(slot) = self.0[mode.number()].get_mut(jump_slot(guest)) {
            *slot = [guest, code];
        }
    }

    /// It is no more, if it is any entry of the code at `code`.
    pub fn unset(&mut self, mode: Mode, guest: u64, code: u64) {
        if let Some(slot) = self.0[mode.number()].get_mut(jump_slot(guest))
            && slot[0] == guest
            && slot[1] & !(MAX_ENTRIES as u64 - 1) == code
        {
            *slot = [0; 2];
        }
    }

    /// Forgets all entries. The tables stay where they are.
    pub fn forget(&mut self) {
        for table in &mut self.0 {
            table.fill([0; 2]);
        }
    }

    /// Lets go of the tables. No code may be left that refers to them.
    pub fn clear(&mut self) {
        self.0.fill(Box::default());
    }
}
