//! Where code can be entered, by where the host has the first byte of its guest code.
//!
//! Each place where there is code, or that code leads to, has a *cell*, which stays where it is as long as any code does. It knows what
//! code is there, and the *branches* of translated code that lead there: they are written anew whenever code comes and goes, so that
//! control goes from code to code of one page by a branch of the host. Control that leaves a page goes by a [`Way`]: that of the branch
//! where it mostly leads to one place, which is a way of its own (see [`Fixed`]), and else one in the small table of its mode, by linear
//! address. What no way knows is looked for in the mode's large table, by the host's address.
//!
//! Where branches are not written ([`links::AVAILABLE`](crate::links::AVAILABLE)), code reads the cell instead: the word by which what is
//! there is entered, and the offset in the page for the function that it leads to when nothing is.

use crate::abi::{JUMP_ENTRIES, MAX_ENTRIES, WAY_ENTRIES, Way, jump_slot};
use crate::code::CodeMemory;
use crate::mode::{MODES, Mode};
use ferrite_core::large::{self, Large};
use ferrite_core::memory::{PAGE_SHIFT, PAGE_SIZE};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

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

/// Code that can be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The word by which it is entered (see [`crate::abi`]).
    pub word: u64,
    /// Where a branch enters it.
    pub address: u64,
}

/// A branch of translated code: the addresses of its displacement, and of where it leads while no code is at its target.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    pub at: u64,
    pub miss: u64,
}

/// What has a way of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fixed {
    /// What leads so many bytes from the start of a page.
    To(i64),
    /// The branch at an offset in a page: it is computed, but hardly ever to another place than before.
    From(u16),
}

/// Cells in a piece of memory.
const PIECE: usize = 1024;
/// Ways in a piece: 2 MiB.
const OWN_WAYS: usize = 1 << 16;
/// Cells at most, and as many ways: everything is dropped then.
const MAX_CELLS: usize = 1 << 20;

/// An entry: the host's address of guest code, and the word by which code is entered there. All 0 when there is none.
type Entry = [u64; 2];

/// What a mode has. Translated code reads the entries, and reads and writes the ways.
#[derive(Debug)]
struct Table {
    entries: Large<Entry, JUMP_ENTRIES>,
    /// The number of each entry's cell.
    cells: Large<u32, JUMP_ENTRIES>,
    ways: Large<Cell<Way>, WAY_ENTRIES>,
}

impl Table {
    fn new() -> Self {
        Self { entries: Large::new([0; 2]), cells: Large::new(0), ways: Large::new(Cell::new(Way::NONE)) }
    }
}

/// What branches to a cell's place are to know.
#[derive(Clone, Debug, Default)]
struct Led {
    /// Where they enter what is there; 0 for nothing.
    to: u64,
    branches: Vec<Branch>,
}

/// See the module's text.
#[derive(Debug)]
pub struct Jumps {
    /// By number of the mode.
    tables: Vec<Option<Table>>,
    /// Each the word by which code is entered, and the offset in the page. Translated code reads them.
    cells: Vec<Box<[[Cell<u64>; 2]; PIECE]>>,
    /// By number of the cell.
    led: Vec<Led>,
    /// Ways that belong to branches, and the number of each by mode and page of the backing. Translated code reads and writes them.
    fixed: Vec<Large<Cell<Way>, OWN_WAYS>>,
    numbers: BTreeMap<(Mode, usize, Fixed), usize>,
    /// Cells by page of the backing: each with its mode and the offset in the page.
    known: Vec<Vec<(u32, u16, u32)>>,
    /// By which the answer for what is not there is entered.
    missing: u64,
}

impl Jumps {
    /// `missing`: the address of the function that a cell leads to when nothing is there.
    pub fn new(missing: u64) -> Self {
        Self {
            tables: (0..MODES).map(|_| None).collect(),
            cells: Vec::new(),
            led: Vec::new(),
            fixed: Vec::new(),
            numbers: BTreeMap::new(),
            known: Vec::new(),
            missing,
        }
    }

    /// Whether a mode has tables.
    pub fn has(&self, mode: Mode) -> bool {
        self.tables[mode.number()].is_some()
    }

    /// Modes that have them.
    pub fn count(&self) -> usize {
        self.tables.iter().flatten().count()
    }

    /// Whether everything should be dropped before more is made.
    pub fn is_full(&self) -> bool {
        self.led.len().max(self.numbers.len()) >= MAX_CELLS
    }

    /// The host's addresses of a mode's large and small table, which it has from here on.
    pub fn addresses(&mut self, mode: Mode) -> [u64; 2] {
        let table = self.tables[mode.number()].get_or_insert_with(Table::new);
        [table.entries.as_ptr().expose_provenance() as u64, table.ways.as_ptr().expose_provenance() as u64]
    }

    fn at(&self, cell: u32) -> &[Cell<u64>; 2] {
        &self.cells[cell as usize / PIECE][cell as usize % PIECE]
    }

    /// The number of the cell for what the host has at `guest`, where the table knows it.
    fn tabled(&self, mode: Mode, guest: u64) -> Option<u32> {
        let (table, slot) = (self.tables[mode.number()].as_ref()?, jump_slot(guest));
        (table.entries[slot][0] == guest).then(|| table.cells[slot])
    }

    /// The number of a place's cell, if it has one.
    fn find(&self, mode: Mode, place: Place) -> Option<u32> {
        self.tabled(mode, place.guest()).or_else(|| {
            let (mode, offset) = (mode.number() as u32, place.offset());
            Some(self.known.get(place.page())?.iter().find(|k| (k.0, k.1) == (mode, offset))?.2)
        })
    }

    /// The number of a place's cell.
    fn make(&mut self, mode: Mode, place: Place) -> u32 {
        self.find(mode, place).unwrap_or_else(|| self.add(mode, place))
    }

    fn add(&mut self, mode: Mode, place: Place) -> u32 {
        if self.led.len().is_multiple_of(PIECE) {
            self.cells.push(Box::new([const { [Cell::new(0), Cell::new(0)] }; PIECE]));
        }
        let cell = self.led.len() as u32;
        large::reserve(&mut self.led, 1);
        self.led.push(Led::default());
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
        self.at(cell).as_ptr().expose_provenance() as u64
    }

    /// The host's address of the way of a branch, for code of a page.
    pub fn fixed(&mut self, mode: Mode, page: Place, which: Fixed) -> u64 {
        let next = self.numbers.len();
        let n = *self.numbers.entry((mode, page.page(), which)).or_insert(next);
        if n / OWN_WAYS == self.fixed.len() {
            self.fixed.push(Large::new(Cell::new(Way::NONE)));
        }
        self.fixed[n / OWN_WAYS][n % OWN_WAYS].as_ptr().expose_provenance() as u64
    }

    /// The word by which a place's code is entered, if there is any. The table has it from here on.
    #[inline]
    pub fn get(&mut self, mode: Mode, place: Place) -> Option<u64> {
        let guest = place.guest();
        let entry = self.tables[mode.number()].as_ref()?.entries[jump_slot(guest)];
        if entry[0] == guest { Some(entry[1]) } else { self.ask_cell(mode, place) }
    }

    /// The same for what has lost its entry in the table to another.
    #[cold]
    fn ask_cell(&mut self, mode: Mode, place: Place) -> Option<u64> {
        let cell = self.find(mode, place)?;
        let word = self.at(cell)[0].get();
        if word == self.missing {
            return None;
        }
        self.enter(mode, place, word, cell);
        Some(word)
    }

    /// Has the table know what a place's code is entered by.
    fn enter(&mut self, mode: Mode, place: Place, word: u64, cell: u32) {
        let slot = jump_slot(place.guest());
        if let Some(table) = &mut self.tables[mode.number()] {
            (table.entries[slot], table.cells[slot]) = ([place.guest(), word], cell);
        }
    }

    /// Has a branch lead to what is at a place, from here on.
    pub fn link(&mut self, memory: &mut CodeMemory, mode: Mode, place: Place, branch: Branch) {
        let cell = self.make(mode, place);
        let led = &mut self.led[cell as usize];
        led.branches.push(branch);
        if led.to != 0 {
            memory.lead(&[branch], led.to);
        }
    }

    /// Guest code is entered by `code`. True when it was entered by another before: no way to that may be taken any more.
    #[must_use]
    pub fn set(&mut self, memory: &mut CodeMemory, mode: Mode, place: Place, code: Code) -> bool {
        if !self.has(mode) {
            return false;
        }
        let cell = self.make(mode, place);
        self.enter(mode, place, code.word, cell);
        let led = &mut self.led[cell as usize];
        if led.to != code.address {
            led.to = code.address;
            memory.lead(&led.branches, led.to);
        }
        let before = self.at(cell)[0].replace(code.word);
        before != code.word && before != self.missing
    }

    /// It is no more, if it is any entry of the code at `code`. True when it was: no way to it may be taken any more.
    #[must_use]
    pub fn unset(&mut self, memory: &mut CodeMemory, mode: Mode, place: Place, code: u64) -> bool {
        let Some(cell) = self.find(mode, place) else { return false };
        let entered = &self.at(cell)[0];
        if entered.get() & !(MAX_ENTRIES as u64 - 1) != code {
            return false;
        }
        entered.set(self.missing);
        let table = self.tables[mode.number()].as_mut();
        if let Some(entry) = table.map(|t| &mut t.entries[jump_slot(place.guest())]).filter(|e| e[0] == place.guest()) {
            *entry = [0; 2];
        }
        let led = &mut self.led[cell as usize];
        led.to = 0;
        memory.lead(&led.branches, 0);
        true
    }

    /// Forgets all code, and ways. Tables and cells stay where they are, and branches as they lead nowhere.
    pub fn forget(&mut self, memory: &mut CodeMemory) {
        for (cell, led) in self.led.iter_mut().enumerate() {
            self.cells[cell / PIECE][cell % PIECE][0].set(self.missing);
            if std::mem::take(&mut led.to) != 0 {
                memory.lead(&led.branches, 0);
            }
        }
        for table in self.tables.iter_mut().flatten() {
            table.entries.fill([0; 2]);
        }
        let fixed = self.fixed.iter().flat_map(|piece| piece.iter());
        let hashed = self.tables.iter().flatten().flat_map(|table| table.ways.iter());
        fixed.chain(hashed).for_each(|way| way.set(Way::NONE));
    }

    /// Lets go of the branch to a place whose displacement is at an address.
    pub fn forget_branch(&mut self, mode: Mode, place: Place, at: u64) {
        if let Some(cell) = self.find(mode, place) {
            self.led[cell as usize].branches.retain(|b| b.at != at);
        }
    }

    /// Lets go of the branches in memory that is used anew.
    pub fn forget_branches(&mut self, gone: &Range<u64>) {
        for led in &mut self.led {
            led.branches.retain(|b| !gone.contains(&b.at));
        }
    }

    /// Lets go of tables and cells. No code may be left that refers to them.
    pub fn clear(&mut self) {
        self.tables.fill_with(|| None);
        (self.cells, self.led, self.known) = (Vec::new(), Vec::new(), Vec::new());
        (self.fixed, self.numbers) = (Vec::new(), BTreeMap::new());
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

    fn code(word: u64) -> Code {
        Code { word, address: word & !(MAX_ENTRIES as u64 - 1) }
    }

    /// With a table for flat code of 32 bits, and memory that has branches.
    struct Rig {
        jumps: Jumps,
        mode: Mode,
        memory: CodeMemory,
        /// Where the code of the branches is.
        base: u64,
    }

    impl Rig {
        fn new() -> Option<Self> {
            let (mut jumps, mode) = (Jumps::new(MISSING), Mode::plain(CodeSize::Bits32));
            assert!(!jumps.has(mode));
            assert!(jumps.addresses(mode).iter().all(|&table| table != 0));
            let mut memory = CodeMemory::new(1 << 16).ok()?;
            let base = memory.place(&[0; 0x1000])?;
            Some(Self { jumps, mode, memory, base })
        }

        fn set(&mut self, at: u64, word: u64) -> bool {
            self.jumps.set(&mut self.memory, self.mode, place(at), code(word))
        }

        fn unset(&mut self, at: u64, word: u64) -> bool {
            self.jumps.unset(&mut self.memory, self.mode, place(at), word)
        }

        fn get(&mut self, at: u64) -> Option<u64> {
            self.jumps.get(self.mode, place(at))
        }

        fn ways(&self) -> &[Cell<Way>] {
            self.jumps.tables[self.mode.number()].as_ref().map_or(&[], |table| &table.ways[..])
        }

        /// What translated code finds in the table.
        fn tabled(&self, at: u64) -> Option<u64> {
            let entry = self.jumps.tables[self.mode.number()].as_ref()?.entries[jump_slot(place(at).guest())];
            (entry[0] == place(at).guest()).then_some(entry[1])
        }

        /// The word by which a cell is left, and the offset that it holds.
        fn held(&self, at: u64) -> Option<(u64, u64)> {
            let cell = self.jumps.find(self.mode, place(at)).map(|c| self.jumps.at(c));
            cell.map(|c| (c[0].get(), c[1].get()))
        }

        /// Adds a branch to a place, whose displacement is `at` bytes into the code; its miss is in the byte behind that.
        fn link(&mut self, to: u64, at: u64) {
            let branch = Branch { at: self.base + at, miss: self.base + at + 5 };
            self.jumps.link(&mut self.memory, self.mode, place(to), branch);
        }

        /// Where a branch leads: bytes into the code.
        fn led(&self, at: u64) -> i64 {
            let d = self.memory.bytes(self.base + at, 4).try_into().map(i32::from_le_bytes);
            at as i64 + 4 + i64::from(d.expect("four bytes"))
        }
    }

    /// A place in another page that is looked for in the same slot.
    fn neighbour(at: u64) -> u64 {
        let slot = jump_slot(place(at).guest());
        (at + PAGE_SIZE..).find(|&other| jump_slot(place(other).guest()) == slot).expect("there are fewer slots")
    }

    #[test]
    fn what_is_set_is_found_until_it_is_unset() {
        let Some(mut r) = Rig::new() else { return };
        assert_eq!(r.get(0x1234), None);
        assert!(!r.set(0x1234, 0x9003), "nothing was there");
        assert_eq!((r.get(0x1234), r.get(0x1235)), (Some(0x9003), None));
        assert!(!r.set(0x1234, 0x9003), "it is no other");
        assert!(!r.unset(0x1234, 0x8000));
        assert_eq!(r.get(0x1234), Some(0x9003), "that was other code");
        assert!(r.unset(0x1234, 0x9000));
        assert_eq!(r.get(0x1234), None, "any entry of the code goes");
        assert!(!r.unset(0x1234, 0x9000), "it is gone");
        r.set(0x1234, 0x9003);
        assert!(r.set(0x1234, 0xa000), "ways to the one before must not be taken");
    }

    #[test]
    fn branches_of_a_page_that_lead_to_one_place_share_a_way() {
        let Some(mut r) = Rig::new() else { return };
        let other_mode = Mode::plain(CodeSize::Bits64);
        let way = |r: &mut Rig, at, which| r.jumps.fixed(r.mode, place(at), which);
        let one = way(&mut r, 0x3000, Fixed::To(-0x120));
        assert_eq!(way(&mut r, 0x3ffc, Fixed::To(-0x120)), one, "of any place in the page");
        let others = [
            way(&mut r, 0x3000, Fixed::To(0x1120)),
            way(&mut r, 0x4000, Fixed::To(-0x120)),
            way(&mut r, 0x3000, Fixed::From(0x120)),
            r.jumps.fixed(other_mode, place(0x3000), Fixed::To(-0x120)),
        ];
        assert!(others.iter().all(|other| other.abs_diff(one) >= size_of::<Way>() as u64), "{one:x}, {others:x?}");
        for n in 0..2 * PIECE as i64 {
            way(&mut r, 0x5000, Fixed::To(n));
        }
        assert_eq!(way(&mut r, 0x3000, Fixed::To(-0x120)), one, "they stay where they are");

        let known = Way { linear: 0x1120, stamp: 7, code: 0x9000, address: 0x9000 };
        r.jumps.fixed[0][0].set(known);
        r.jumps.forget(&mut r.memory);
        assert_eq!(r.jumps.fixed[0][0].get().stamp, 0, "what was there is forgotten");
        assert_eq!(way(&mut r, 0x3000, Fixed::To(-0x120)), one);
        r.jumps.clear();
        assert!(r.jumps.fixed.is_empty() && r.jumps.numbers.is_empty());
    }

    #[test]
    fn a_mode_without_a_table_takes_nothing() {
        let Some(mut r) = Rig::new() else { return };
        let (mode, other) = (r.mode, Mode::plain(CodeSize::Bits64));
        r.mode = other;
        r.set(8, 0x9000);
        assert_eq!(r.get(8), None);
        assert_eq!((r.jumps.count(), r.jumps.has(mode), r.jumps.has(other)), (1, true, false));
        r.jumps.addresses(other);
        r.set(8, 0x9000);
        assert_eq!(r.get(8), Some(0x9000));
        r.mode = mode;
        assert_eq!(r.get(8), None, "the modes have tables of their own");
    }

    #[test]
    fn a_cell_leads_to_what_is_there_and_else_to_the_answer_for_that() {
        let Some(mut r) = Rig::new() else { return };
        let early = r.jumps.cell(r.mode, place(0x5010));
        assert_eq!(r.held(0x5010), Some((MISSING, 0x10)));
        r.set(0x5010, 0x9002);
        assert_eq!(r.held(0x5010), Some((0x9002, 0x10)));
        assert_eq!(r.jumps.cell(r.mode, place(0x5010)), early, "it stays where it is");
        r.unset(0x5010, 0x9000);
        assert_eq!(r.held(0x5010), Some((MISSING, 0x10)));

        r.set(0x5020, 0xa000);
        r.jumps.cell(r.mode, place(0x5020));
        assert_eq!(r.held(0x5020), Some((0xa000, 0x20)), "it was there before");
        assert_eq!(r.held(0x6020), None);
    }

    #[test]
    fn branches_follow_what_comes_and_goes() {
        let Some(mut r) = Rig::new() else { return };
        let (one, other) = (r.base + 0x800, r.base + 0x900);
        r.link(0x5010, 0x10);
        assert_eq!(r.led(0x10), 0x14, "it is as it was written until something comes");
        r.set(0x5010, one);
        r.link(0x5010, 0x20);
        r.link(0x5020, 0x30);
        assert_eq!((r.led(0x10), r.led(0x20)), (0x800, 0x800), "the early and the late");
        r.set(0x5010, other);
        assert_eq!((r.led(0x10), r.led(0x20), r.led(0x30)), (0x900, 0x900, 0x34), "only those to the place");
        r.unset(0x5010, other);
        assert_eq!((r.led(0x10), r.led(0x20)), (0x15, 0x25), "each to its miss");

        r.set(0x5010, one);
        r.jumps.forget(&mut r.memory);
        assert_eq!((r.led(0x10), r.led(0x20)), (0x15, 0x25));
        r.set(0x5010, MISSING << 32);
        assert_eq!(r.led(0x10), 0x15, "no displacement reaches that");

        r.jumps.forget_branch(r.mode, place(0x5010), r.base + 0x20);
        r.set(0x5010, other);
        assert_eq!((r.led(0x10), r.led(0x20)), (0x900, 0x25), "the second is of code that is no more");
        r.link(0x5010, 0x20);
        r.unset(0x5010, other);

        r.jumps.forget_branches(&(r.base..r.base + 0x20));
        r.set(0x5010, other);
        assert_eq!((r.led(0x10), r.led(0x20)), (0x15, 0x900), "the first is other code by now");
    }

    #[test]
    fn two_places_in_one_slot_share_it_but_not_their_cells() {
        let Some(mut r) = Rig::new() else { return };
        let (one, other) = (0x5010, neighbour(0x5010));
        r.set(one, 0x9000);
        r.set(other, 0xa000);
        assert_eq!((r.tabled(one), r.tabled(other)), (None, Some(0xa000)), "the later one has it");
        assert_eq!((r.get(one), r.tabled(one), r.tabled(other)), (Some(0x9000), Some(0x9000), None), "it is asked for");
        assert_eq!(r.get(other), Some(0xa000));
        let entered = |r: &Rig, at| r.held(at).map(|c| c.0);
        assert_eq!((entered(&r, one), entered(&r, other)), (Some(0x9000), Some(0xa000)));

        assert!(r.unset(one, 0x9000));
        assert_eq!(entered(&r, one), Some(MISSING), "though the slot is another's");
        assert_eq!((r.get(one), r.get(other), entered(&r, other)), (None, Some(0xa000), Some(0xa000)));
    }

    #[test]
    fn forgetting_leaves_tables_and_cells_where_they_are() {
        let Some(mut r) = Rig::new() else { return };
        let tables = r.jumps.addresses(r.mode);
        // More than one piece of memory has.
        let cells: Vec<u64> = (0..3 * PIECE as u64).map(|n| r.jumps.cell(r.mode, place(n * 8))).collect();
        for n in 0..3 * PIECE as u64 {
            r.set(n * 8, 0x9000);
        }
        let way = Way { linear: 5, stamp: 1, code: 1, address: 1 };
        r.ways()[5].set(way);
        r.jumps.forget(&mut r.memory);
        assert_eq!(r.jumps.addresses(r.mode), tables);
        assert!(r.ways().iter().all(|w| w.get().stamp == 0), "no way is known");
        for (n, &cell) in cells.iter().enumerate() {
            let at = n as u64 * 8;
            assert_eq!((r.get(at), r.held(at)), (None, Some((MISSING, at % PAGE_SIZE))));
            assert_eq!(r.jumps.cell(r.mode, place(at)), cell);
        }
        let mut apart = cells;
        apart.sort_unstable();
        apart.dedup();
        assert_eq!(apart.len(), 3 * PIECE, "each has its own");

        r.jumps.clear();
        assert_eq!((r.jumps.count(), r.jumps.led.len()), (0, 0));
        assert_eq!(r.held(0), None);
    }
}
