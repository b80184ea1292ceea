//! Where code can be entered, by where the host has the first byte of its guest code.
//!
//! Each place where there is code, or that code leads to, has a *cell*: the word by which what is there is entered, and the offset in
//! the page for the function that it leads to when nothing is. A cell stays where it is as long as any code does, so that a way to a
//! place in the same page has its address in it. Control that leaves a page looks in two tables, of its mode, which lead to cells: in
//! the small one by linear address (see [`Way`]), and where that does not know it, in the large one by the host's address. Most of
//! that is never touched, and costs nothing then.

use crate::abi::{JUMP_ENTRIES, MAX_ENTRIES, WAY_ENTRIES, Way, jump_slot};
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

/// An entry: the host's address of guest code, and that of its cell. All 0 when there is none.
type Entry = [u64; 2];

/// What a mode has. Translated code reads the entries, and reads and writes the ways.
#[derive(Clone, Debug, Default)]
struct Table {
    entries: Box<[Entry]>,
    /// The number of each entry's cell.
    cells: Box<[u32]>,
    ways: Box<[Cell<Way>]>,
}

/// See the module's text.
#[derive(Debug)]
pub struct Jumps {
    tables: Vec<Table>,
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
        Self { tables: vec![Table::default(); MODES], cells: Vec::new(), used: 0, known: Vec::new(), missing }
    }

    /// Whether a mode has tables.
    pub fn has(&self, mode: Mode) -> bool {
        !self.tables[mode.number()].entries.is_empty()
    }

    /// Modes that have them.
    pub fn count(&self) -> usize {
        self.tables.iter().filter(|t| !t.entries.is_empty()).count()
    }

    /// Whether everything should be dropped before more is made.
    pub fn is_full(&self) -> bool {
        self.used >= MAX_CELLS
    }

    /// The host's addresses of a mode's large and small table, which it has from here on.
    pub fn addresses(&mut self, mode: Mode) -> [u64; 2] {
        let table = &mut self.tables[mode.number()];
        if table.entries.is_empty() {
            table.entries = vec![[0; 2]; JUMP_ENTRIES].into_boxed_slice();
            table.cells = vec![0; JUMP_ENTRIES].into_boxed_slice();
            table.ways = vec![Cell::default(); WAY_ENTRIES].into_boxed_slice();
        }
        [table.entries.as_ptr().expose_provenance() as u64, table.ways.as_ptr().expose_provenance() as u64]
    }

    fn at(&self, cell: u32) -> &[Cell<u64>; 2] {
        &self.cells[cell as usize / PIECE][cell as usize % PIECE]
    }

    fn address_of(&self, cell: u32) -> u64 {
        self.at(cell).as_ptr().expose_provenance() as u64
    }

    /// The number of the cell for what the host has at `guest`, where the table knows it.
    fn tabled(&self, mode: Mode, guest: u64) -> Option<u32> {
        let (table, slot) = (&self.tables[mode.number()], jump_slot(guest));
        (table.entries.get(slot)?[0] == guest).then(|| table.cells[slot])
    }

    /// The number of a place's cell, if it has one.
    fn find(&self, mode: Mode, place: Place) -> Option<u32> {
        self.tabled(mode, place.guest()).or_else(|| {
            let (mode, offset) = (mode.number() as u32, place.offset());
            Some(self.known.get(place.page())?.iter().find(|k| (k.0, k.1) == (mode, offset))?.2)
        })
    }

    /// The number of a place's cell, which the table knows from here on, if the mode has one.
    fn make(&mut self, mode: Mode, place: Place) -> u32 {
        let cell = self.find(mode, place).unwrap_or_else(|| self.add(mode, place));
        let (guest, address) = (place.guest(), self.address_of(cell));
        let (table, slot) = (&mut self.tables[mode.number()], jump_slot(guest));
        if let Some(entry) = table.entries.get_mut(slot) {
            (*entry, table.cells[slot]) = ([guest, address], cell);
        }
        cell
    }

    fn add(&mut self, mode: Mode, place: Place) -> u32 {
        if self.used.is_multiple_of(PIECE) {
            self.cells.push(Box::new([const { [Cell::new(0), Cell::new(0)] }; PIECE]));
        }
        let cell = self.used as u32;
        self.used += 1;
        if self.known.len() <= place.page() {
            self.known.resize(place.page() + 1, Vec::new());
        }
        self.known[place.page()].push((mode.number() as u32, place.offset(), cell));
        let at = self.at(cell);
        at[0].set(self.missing);
        at[1].set(place.offset().into());
        cell
    }

    /// The host's address of the cell for guest code.
    pub fn cell(&mut self, mode: Mode, place: Place) -> u64 {
        let cell = self.make(mode, place);
        self.address_of(cell)
    }

    /// The word by which guest code is entered that the host has at `guest`, if it is known.
    pub fn get(&self, mode: Mode, guest: u64) -> Option<u64> {
        let code = self.at(self.tabled(mode, guest)?)[0].get();
        (code != self.missing).then_some(code)
    }

    /// Guest code is entered by `code`.
    pub fn set(&mut self, mode: Mode, place: Place, code: u64) {
        if self.has(mode) {
            let cell = self.make(mode, place);
            self.at(cell)[0].set(code);
        }
    }

    /// It is no more, if it is any entry of the code at `code`.
    pub fn unset(&mut self, mode: Mode, place: Place, code: u64) {
        if let Some(cell) = self.find(mode, place).map(|cell| &self.at(cell)[0])
            && cell.get() & !(MAX_ENTRIES as u64 - 1) == code
        {
            cell.set(self.missing);
        }
    }

    /// Forgets all code, and ways. Tables and cells stay where they are.
    pub fn forget(&mut self) {
        for cell in 0..self.used as u32 {
            self.at(cell)[0].set(self.missing);
        }
        for way in self.tables.iter().flat_map(|t| &t.ways) {
            way.take();
        }
    }

    /// Lets go of tables and cells. No code may be left that refers to them.
    pub fn clear(&mut self) {
        self.tables.fill(Table::default());
        (self.cells, self.used, self.known) = (Vec::new(), 0, Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::exec::CodeSize;

    /// The function for what is not there.
    const MISSING: u64 = 0x7000_0000;
    const BASE: u64 = 0x10_0000;

    fn place(at: u64) -> Place {
        Place { base: BASE, at }
    }

    /// With a table for flat code of 32 bits.
    fn jumps() -> (Jumps, Mode) {
        let (mut jumps, mode) = (Jumps::new(MISSING), Mode::plain(CodeSize::Bits32));
        assert!(!jumps.has(mode));
        assert!(jumps.addresses(mode).iter().all(|&table| table != 0));
        (jumps, mode)
    }

    /// By which a cell is left, and the offset that it holds.
    fn held(jumps: &Jumps, mode: Mode, at: u64) -> Option<(u64, u64)> {
        jumps.find(mode, place(at)).map(|c| jumps.at(c)).map(|c| (c[0].get(), c[1].get()))
    }

    /// A place in another page that is looked for in the same slot.
    fn neighbour(at: u64) -> u64 {
        let slot = jump_slot(place(at).guest());
        (at + PAGE_SIZE..).find(|&other| jump_slot(place(other).guest()) == slot).expect("there are fewer slots")
    }

    #[test]
    fn what_is_set_is_found_until_it_is_unset() {
        let (mut jumps, mode) = jumps();
        let guest = place(0x1234).guest();
        assert_eq!(jumps.get(mode, guest), None);
        jumps.set(mode, place(0x1234), 0x9003);
        assert_eq!(jumps.get(mode, guest), Some(0x9003));
        assert_eq!(jumps.get(mode, guest + 1), None);
        jumps.unset(mode, place(0x1234), 0x8000);
        assert_eq!(jumps.get(mode, guest), Some(0x9003), "that was other code");
        jumps.unset(mode, place(0x1234), 0x9000);
        assert_eq!(jumps.get(mode, guest), None, "any entry of the code goes");
    }

    #[test]
    fn a_mode_without_a_table_takes_nothing() {
        let (mut jumps, mode) = jumps();
        let other = Mode::plain(CodeSize::Bits64);
        jumps.set(other, place(8), 0x9000);
        assert_eq!(jumps.get(other, place(8).guest()), None);
        assert_eq!((jumps.count(), jumps.has(mode), jumps.has(other)), (1, true, false));
        jumps.addresses(other);
        jumps.set(other, place(8), 0x9000);
        assert_eq!(jumps.get(other, place(8).guest()), Some(0x9000));
        assert_eq!(jumps.get(mode, place(8).guest()), None, "the modes have tables of their own");
    }

    #[test]
    fn a_cell_leads_to_what_is_there_and_else_to_the_answer_for_that() {
        let (mut jumps, mode) = jumps();
        let early = jumps.cell(mode, place(0x5010));
        assert_eq!(held(&jumps, mode, 0x5010), Some((MISSING, 0x10)));
        jumps.set(mode, place(0x5010), 0x9002);
        assert_eq!(held(&jumps, mode, 0x5010), Some((0x9002, 0x10)));
        assert_eq!(jumps.cell(mode, place(0x5010)), early, "it stays where it is");
        jumps.unset(mode, place(0x5010), 0x9000);
        assert_eq!(held(&jumps, mode, 0x5010), Some((MISSING, 0x10)));

        jumps.set(mode, place(0x5020), 0xa000);
        jumps.cell(mode, place(0x5020));
        assert_eq!(held(&jumps, mode, 0x5020), Some((0xa000, 0x20)), "it was there before");
        assert_eq!(held(&jumps, mode, 0x6020), None);
    }

    #[test]
    fn two_places_in_one_slot_share_it_but_not_their_cells() {
        let (mut jumps, mode) = jumps();
        let (one, other) = (0x5010, neighbour(0x5010));
        jumps.cell(mode, place(one));
        jumps.cell(mode, place(other));
        jumps.set(mode, place(one), 0x9000);
        jumps.set(mode, place(other), 0xa000);
        let found = |j: &Jumps, at| j.get(mode, place(at).guest());
        assert_eq!((found(&jumps, one), found(&jumps, other)), (None, Some(0xa000)), "the later one has it");
        let entered = |j: &Jumps, at| held(j, mode, at).map(|c| c.0);
        assert_eq!((entered(&jumps, one), entered(&jumps, other)), (Some(0x9000), Some(0xa000)));

        jumps.unset(mode, place(one), 0x9000);
        assert_eq!(entered(&jumps, one), Some(MISSING), "though the slot is another's");
        assert_eq!((found(&jumps, other), entered(&jumps, other)), (Some(0xa000), Some(0xa000)));
    }

    #[test]
    fn forgetting_leaves_tables_and_cells_where_they_are() {
        let (mut jumps, mode) = jumps();
        let tables = jumps.addresses(mode);
        // More than one piece of memory has.
        let cells: Vec<u64> = (0..3 * PIECE as u64).map(|n| jumps.cell(mode, place(n * 8))).collect();
        for n in 0..3 * PIECE as u64 {
            jumps.set(mode, place(n * 8), 0x9000);
        }
        jumps.tables[mode.number()].ways[5].set(Way { linear: 5, stamp: 1, cell: 1 });
        jumps.forget();
        assert_eq!(jumps.addresses(mode), tables);
        assert!(jumps.tables[mode.number()].ways.iter().all(|w| w.get().stamp == 0), "no way is known");
        for (n, &cell) in cells.iter().enumerate() {
            let at = n as u64 * 8;
            assert_eq!(jumps.get(mode, place(at).guest()), None);
            assert_eq!(held(&jumps, mode, at), Some((MISSING, at % PAGE_SIZE)));
            assert_eq!(jumps.cell(mode, place(at)), cell);
        }
        let mut apart = cells;
        apart.sort_unstable();
        apart.dedup();
        assert_eq!(apart.len(), 3 * PIECE, "each has its own");

        jumps.clear();
        assert_eq!((jumps.count(), jumps.used), (0, 0));
        assert_eq!(held(&jumps, mode, 0), None);
    }
}
