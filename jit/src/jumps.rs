//! Where code can be entered, by where the host has the first byte of its guest code.
//!
//! For each mode there is a *table*, in which translated code looks by itself when it leaves for an address that it computes (see
//! [`crate::abi::GO`]). Most of a table is never touched, and costs nothing then. Where a way leads to a place in the same page, the
//! place is known when the code is made, and has a *cell*: the word by which what is there is entered, and the offset in the page
//! for the function that it leads to when nothing is. Both stay where they are as long as any code does.

use crate::abi::{JUMP_ENTRIES, MAX_ENTRIES, jump_slot};
use crate::mode::{MODES, Mode};
use ferrite_core::memory::{PAGE_SHIFT, PAGE_SIZE};
use std::cell::Cell;

/// A place in guest memory: the host's address of the backing, and the position in that.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub base: u64,
    pub at: u64,
}

impl Place {
    /// The host's address.
    pub fn guest(self) -> u64 {
        self.base.wrapping_add(self.at)
    }

    fn offset(self) -> u16 {
        (self.at & (PAGE_SIZE - 1)) as u16
    }

    fn page(self) -> usize {
        (self.at >> PAGE_SHIFT) as usize
    }
}

/// Cells in a piece of memory.
const PIECE: usize = 1024;
/// Cells at most: everything is dropped then.
const MAX_CELLS: usize = 1 << 20;

/// An entry: the host's address of guest code, and the word by which its translation is entered. All 0 when there is none.
type Entry = [u64; 2];

/// See the module's text.
#[derive(Debug)]
pub struct Jumps {
    tables: Vec<Box<[Entry]>>,
    /// Each the word by which code is entered, and the offset in the page. Translated code reads them.
    cells: Vec<Box<[[Cell<u64>; 2]; PIECE]>>,
    used: usize,
    /// Cells by page of the backing: each with its mode and the offset in the page.
    known: Vec<Vec<(u32, u16, u32)>>,
    /// By which the answer for what is not there is entered.
    missing: u64,
}

impl Jumps {
    /// `missing`: the address of the function that a cell leads to when nothing is there.
    pub fn new(missing: u64) -> Self {
        let tables = vec![Box::default(); MODES];
        Self { tables, cells: Vec::new(), used: 0, known: Vec::new(), missing }
    }

    /// Whether a mode has a table.
    pub fn has(&self, mode: Mode) -> bool {
        !self.tables[mode.number()].is_empty()
    }

    /// Modes that have one.
    pub fn count(&self) -> usize {
        self.tables.iter().filter(|t| !t.is_empty()).count()
    }

    /// Whether everything should be dropped before more is made.
    pub fn is_full(&self) -> bool {
        self.used >= MAX_CELLS
    }

    /// The host's address of a mode's table, which it has from here on.
    pub fn address(&mut self, mode: Mode) -> u64 {
        let table = &mut self.tables[mode.number()];
        if table.is_empty() {
            *table = vec![[0; 2]; JUMP_ENTRIES].into_boxed_slice();
        }
        table.as_ptr().expose_provenance() as u64
    }

    fn at(&self, cell: u32) -> &[Cell<u64>; 2] {
        &self.cells[cell as usize / PIECE][cell as usize % PIECE]
    }

    fn cell_of(&self, mode: Mode, place: Place) -> Option<&[Cell<u64>; 2]> {
        let (mode, offset) = (mode.number() as u32, place.offset());
        let known = self.known.get(place.page())?.iter().find(|k| (k.0, k.1) == (mode, offset))?;
        Some(self.at(known.2))
    }

    /// The host's address of the cell for guest code.
    pub fn cell(&mut self, mode: Mode, place: Place) -> u64 {
        if self.cell_of(mode, place).is_none() {
            if self.used.is_multiple_of(PIECE) {
                self.cells.push(Box::new([const { [Cell::new(0), Cell::new(0)] }; PIECE]));
            }
            let cell = self.used as u32;
            self.used += 1;
            if self.known.len() <= place.page() {
                self.known.resize(place.page() + 1, Vec::new());
            }
            self.known[place.page()].push((mode.number() as u32, place.offset(), cell));
            let guest = place.guest();
            let slot = self.tables[mode.number()].get(jump_slot(guest)).copied().unwrap_or_default();
            self.at(cell)[0].set(if slot[0] == guest { slot[1] } else { self.missing });
            self.at(cell)[1].set(place.offset().into());
        }
        self.cell_of(mode, place).map_or(0, |c| c.as_ptr().expose_provenance() as u64)
    }

    /// The word by which guest code is entered that the host has at `guest`, if it is known.
    pub fn get(&self, mode: Mode, guest: u64) -> Option<u64> {
        let slot = self.tables[mode.number()].get(jump_slot(guest))?;
        (slot[0] == guest).then_some(slot[1])
    }

    /// Guest code is entered by `code`.
    pub fn set(&mut self, mode: Mode, place: Place, code: u64) {
        let guest = place.guest();
        let Some(slot) = self.tables[mode.number()].get_mut(jump_slot(guest)) else { return };
        if *slot == [guest, code] {
            return; // and so has its cell
        }
        *slot = [guest, code];
        if let Some(cell) = self.cell_of(mode, place) {
            cell[0].set(code);
        }
    }

    /// It is no more, if it is any entry of the code at `code`.
    pub fn unset(&mut self, mode: Mode, place: Place, code: u64) {
        let is = |word: u64| word & !(MAX_ENTRIES as u64 - 1) == code;
        let guest = place.guest();
        if let Some(slot) = self.tables[mode.number()].get_mut(jump_slot(guest))
            && slot[0] == guest
            && is(slot[1])
        {
            *slot = [0; 2];
        }
        if let Some(cell) = self.cell_of(mode, place)
            && is(cell[0].get())
        {
            cell[0].set(self.missing);
        }
    }

    /// Forgets all entries. Tables and cells stay where they are.
    pub fn forget(&mut self) {
        for table in &mut self.tables {
            table.fill([0; 2]);
        }
        for cell in 0..self.used as u32 {
            self.at(cell)[0].set(self.missing);
        }
    }

    /// Lets go of tables and cells. No code may be left that refers to them.
    pub fn clear(&mut self) {
        self.tables.fill(Box::default());
        (self.cells, self.used, self.known) = (Vec::new(), 0, Vec::new());
    }
}
