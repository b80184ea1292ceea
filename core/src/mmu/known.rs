//! The translations that the processor remembers: what the architecture calls its TLB.
//!
//! SDM Vol. 3A, "Caching Translation Information": a processor may use a translation until it is told to forget it, whatever
//! the tables in memory say by then. When it walks again can be seen (accessed and dirty flags, changes of the tables
//! that no invalidation announced), so it must not hang on which engine runs. Hence this rule: **a translation stays until an
//! invalidation takes it**, and instructions and data have translations apart, so that neither disturbs the other. What is asked
//! for, and in which order, follows from the instructions alone.
//!
//! A rule needs a bound: when [`LIMIT`] translations were made since the last whole flush, the next one flushes first.
//!
//! Global pages have a table of their own, which a load of CR3 leaves alone. Vol. 3A, "Global Pages". All others have one for each
//! *space*: what a process-context identifier names, of which [`super::tlb::Tlb`] remembers some at a time. Vol. 3A, "Process-Context
//! Identifiers (PCIDs)".
//!
//! The table is open-addressed (linear probing, at most half full). A flush costs nothing: each slot names the flush that it
//! was made after.

use super::tlb::View;
use super::walk::{Access, Translation};
use crate::memory::PAGE_SIZE;

/// Translations made between two whole flushes at most.
pub const LIMIT: usize = 1 << 16;
/// Slots at first, log2.
const MIN_BITS: u32 = 12;

const READ: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const FETCH: u64 = 1 << 2;
const GLOBAL: u64 = 1 << 3;

/// What a key has in its low bits when it is of an instruction fetch; the view is below.
const OF_FETCH: u64 = 1 << 2;
/// The key of a translation that was invalidated: of no asker.
const DEAD: u64 = PAGE_SIZE - 1;
/// Every asker, as low bits of keys. Instruction fetches do not look at SMAP.
const ASKERS: [u64; 5] = [
    View::Supervisor as u64,
    View::SupervisorSmap as u64,
    View::User as u64,
    View::Supervisor as u64 | OF_FETCH,
    View::User as u64 | OF_FETCH,
];

/// A remembered translation of one page of 4 KiB, perhaps a piece of a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page(u64);

impl Page {
    /// The page of a linear address without paging: everything is allowed.
    #[must_use]
    pub const fn identity(lin: u64) -> Self {
        Self(lin & !(PAGE_SIZE - 1) | READ | WRITE | FETCH)
    }

    /// What a walk gave to this kind of access.
    #[must_use]
    pub fn walked(t: &Translation, access: Access) -> Self {
        let right = |on, bit| if on { bit } else { 0 };
        let rights = if access == Access::Fetch {
            right(t.fetchable, FETCH)
        } else {
            right(t.readable, READ) | right(t.write_ready, WRITE)
        };
        Self(t.phys & !(PAGE_SIZE - 1) | rights | right(t.global, GLOBAL))
    }

    /// Physical address of its first byte, not behind the A20 gate.
    #[must_use]
    pub const fn phys(&self) -> u64 {
        self.0 & !(PAGE_SIZE - 1)
    }

    /// Whether a load of CR3 leaves it alone.
    #[must_use]
    pub const fn is_global(&self) -> bool {
        self.0 & GLOBAL != 0
    }

    /// Whether it serves an access of this kind without a walk.
    #[must_use]
    pub const fn allows(&self, access: Access) -> bool {
        self.0
            & match access {
                Access::Read => READ,
                Access::Write => WRITE,
                Access::Fetch => FETCH,
            }
            != 0
    }
}

#[derive(Clone, Copy)]
struct Slot {
    key: u64,
    page: Page,
    epoch: u32,
}

impl Slot {
    /// Of no epoch.
    const EMPTY: Self = Self { key: DEAD, page: Page(0), epoch: 0 };
}

/// See the module's text.
pub struct Known {
    /// By number of the space.
    spaces: Vec<Table>,
    current: usize,
    global: Table,
}

impl Default for Known {
    fn default() -> Self {
        Self { spaces: vec![Table::default()], current: 0, global: Table::default() }
    }
}

impl Known {
    fn local(&self) -> &Table {
        &self.spaces[self.current]
    }

    /// Goes on in another space: a number below [`super::tlb::SPACES`].
    pub fn enter(&mut self, space: usize) {
        if self.spaces.len() <= space {
            self.spaces.resize_with(space + 1, Table::default);
        }
        self.current = space;
    }

    /// The translation for an asker, if it is known. [`View::Watched`] knows none.
    #[must_use]
    pub fn get(&self, view: View, lin: u64, access: Access) -> Option<Page> {
        self.local().get(view, lin, access).or_else(|| self.global.get(view, lin, access))
    }

    /// Whether one more translation, for this asker, is one too many: a flush must come first.
    #[must_use]
    pub fn full_for(&self, view: View, lin: u64, access: Access) -> bool {
        let made: usize = self.spaces.iter().chain([&self.global]).map(|t| t.made).sum();
        made >= LIMIT && self.get(view, lin, access).is_none()
    }

    /// Remembers a translation, instead of an older one for the same asker. It is a piece of a page of `1 << page_bits` bytes. True when
    /// other spaces may know another one by now than before: it is global, or that was which it replaces.
    pub fn put(&mut self, view: View, lin: u64, access: Access, page: Page, page_bits: u32) -> bool {
        let key = key(view, lin, access);
        if page.is_global() {
            self.global.put(view, lin, access, page, page_bits);
            for space in &mut self.spaces {
                space.forget_for(key);
            }
            true
        } else {
            self.spaces[self.current].put(view, lin, access, page, page_bits);
            self.global.forget_for(key)
        }
    }

    /// Forgets everything.
    pub fn flush(&mut self) {
        self.spaces.iter_mut().for_each(Table::flush);
        self.global.flush();
    }

    /// Forgets all of a space: global pages are of none.
    pub fn flush_space(&mut self, space: usize) {
        if let Some(table) = self.spaces.get_mut(space) {
            table.flush();
        }
    }

    /// Whether users may have global pages.
    #[must_use]
    pub const fn users_have_global(&self) -> bool {
        self.global.has_any_for(View::User as u64) || self.global.has_any_for(View::User as u64 | OF_FETCH)
    }

    /// Forgets one page of 4 KiB for every asker, in this space, or of all.
    pub fn forget(&mut self, lin: u64) {
        self.spaces[self.current].forget(lin);
        self.global.forget(lin);
    }

    /// Forgets the aligned 4 MiB around `lin` for every asker, in this space, or of all.
    pub fn forget_region(&mut self, lin: u64) {
        self.spaces[self.current].forget_region(lin);
        self.global.forget_region(lin);
    }

    /// The largest piece of the address space around `lin` that one page may fill, as log2 of its size rounded up to 12, 22 or
    /// 64: what INVLPG must take.
    #[must_use]
    pub fn reach(&self, lin: u64) -> u32 {
        self.local().reach(lin).max(self.global.reach(lin))
    }
}

/// Translations of which some are forgotten one by one, or all at once.
struct Table {
    slots: Vec<Slot>,
    /// log2 of the slots in use, the first ones.
    bits: u32,
    /// Number of the current flush; slots of others are empty.
    epoch: u32,
    /// Translations made since the last flush. Those invalidated count, too: their slots are in use.
    made: usize,
    /// For whom translations were made since, a bit for each number of [`asker`].
    askers: u8,
    /// Which 4-MiB regions (by address bits 33:22) may hold pieces of large pages.
    large: [u64; 64],
    /// A piece of a 1-GiB page is known.
    huge: bool,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            slots: vec![Slot::EMPTY; 1 << MIN_BITS],
            bits: MIN_BITS,
            epoch: 1,
            made: 0,
            askers: 0,
            large: [0; 64],
            huge: false,
        }
    }
}

const fn key(view: View, lin: u64, access: Access) -> u64 {
    let fetch = if matches!(access, Access::Fetch) { OF_FETCH } else { 0 };
    lin & !(PAGE_SIZE - 1) | view as u64 | fetch
}

/// The number of a key's asker.
const fn asker(key: u64) -> u64 {
    key & 7
}

/// Word and bit of a 4-MiB region in [`Table::large`].
const fn region(lin: u64) -> (usize, u64) {
    ((lin >> 28 & 63) as usize, 1 << (lin >> 22 & 63))
}

impl Table {
    /// Where the key is, or else the empty slot that ends the search for it.
    #[inline]
    fn find(&self, key: u64) -> usize {
        let mask = (1 << self.bits) - 1;
        let mut i = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - self.bits)) as usize;
        // At most half of the slots are in use.
        while self.slots[i].epoch == self.epoch && self.slots[i].key != key {
            i = (i + 1) & mask;
        }
        i
    }

    /// Whether a search may find something: the slots are all over the host's memory, and users seldom have global pages, say.
    const fn has_any_for(&self, key: u64) -> bool {
        self.askers >> asker(key) & 1 != 0
    }

    /// The translation for an asker, if it is known. [`View::Watched`] knows none.
    fn get(&self, view: View, lin: u64, access: Access) -> Option<Page> {
        let key = key(view, lin, access);
        if !self.has_any_for(key) {
            return None;
        }
        let s = &self.slots[self.find(key)];
        (s.epoch == self.epoch).then_some(s.page)
    }

    /// Remembers a translation, instead of an older one for the same asker. It is a piece of a page of `1 << page_bits` bytes.
    fn put(&mut self, view: View, lin: u64, access: Access, page: Page, page_bits: u32) {
        match page_bits {
            12 => {}
            21 | 22 => {
                let (word, bit) = region(lin);
                self.large[word] |= bit;
            }
            _ => self.huge = true,
        }
        let key = key(view, lin, access);
        let mut i = self.find(key);
        if self.slots[i].epoch != self.epoch {
            if 2 * (self.made + 1) > 1 << self.bits {
                self.grow();
                i = self.find(key);
            }
            self.made += 1;
            self.askers |= 1 << asker(key);
        }
        self.slots[i] = Slot { key, page, epoch: self.epoch };
    }

    /// Doubles the slots in use.
    #[cold]
    fn grow(&mut self) {
        let live: Vec<Slot> = self.current().filter(|s| s.key != DEAD).copied().collect();
        self.bits += 1;
        if self.slots.len() < 1 << self.bits {
            self.slots.resize(1 << self.bits, Slot::EMPTY);
        }
        self.new_epoch();
        for s in live {
            let i = self.find(s.key);
            self.slots[i] = Slot { epoch: self.epoch, ..s };
        }
    }

    fn current(&self) -> impl Iterator<Item = &Slot> {
        self.slots[..1 << self.bits].iter().filter(|s| s.epoch == self.epoch)
    }

    fn new_epoch(&mut self) {
        if self.epoch == u32::MAX {
            self.slots.fill(Slot::EMPTY);
            self.epoch = 0;
        }
        self.epoch += 1;
    }

    /// Forgets everything.
    fn flush(&mut self) {
        // Few slots stay in the host's caches; what needs many gets them again.
        if 8 * self.made < 1 << self.bits && self.bits > MIN_BITS {
            self.bits -= 1;
        }
        self.made = 0;
        self.askers = 0;
        self.large = [0; 64];
        self.huge = false;
        self.new_epoch();
    }

    /// Forgets one page of 4 KiB for every asker.
    fn forget(&mut self, lin: u64) {
        for asker in ASKERS {
            self.forget_for(lin & !(PAGE_SIZE - 1) | asker);
        }
    }

    /// True when it was known.
    fn forget_for(&mut self, key: u64) -> bool {
        if !self.has_any_for(key) {
            return false;
        }
        let i = self.find(key);
        let known = self.slots[i].epoch == self.epoch;
        if known {
            // It stays in use, for searches that go past it.
            self.slots[i].key = DEAD;
        }
        known
    }

    /// Forgets the aligned 4 MiB around `lin` for every asker.
    fn forget_region(&mut self, lin: u64) {
        for s in &mut self.slots[..1 << self.bits] {
            if s.epoch == self.epoch && s.key >> 22 == lin >> 22 {
                s.key = DEAD;
            }
        }
    }

    /// The largest piece of the address space around `lin` that one page may fill, as log2 of its size rounded up to 12, 22 or
    /// 64: what INVLPG must take.
    fn reach(&self, lin: u64) -> u32 {
        let (word, bit) = region(lin);
        if self.huge {
            64
        } else if self.large[word] & bit != 0 {
            22
        } else {
            12
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RW: u64 = READ | WRITE;

    fn page(n: u64) -> Page {
        Page(n << 12 | RW)
    }

    fn put(k: &mut Known, n: u64) {
        k.put(View::User, n << 12, Access::Read, page(n), 12);
    }

    fn has(k: &Known, n: u64) -> bool {
        k.get(View::User, n << 12 | 0x123, Access::Write) == Some(page(n))
    }

    #[test]
    fn all_of_the_limit_are_remembered_and_one_more_is_too_many() {
        let mut k = Known::default();
        for n in 0..LIMIT as u64 {
            assert!(!k.full_for(View::User, n << 12, Access::Read));
            put(&mut k, n * 4097); // pages that the direct table would hold in few places
        }
        assert!((0..LIMIT as u64).all(|n| has(&k, n * 4097)));
        assert!(k.full_for(View::User, 1 << 12, Access::Read));
        assert!(!k.full_for(View::User, 4097 << 12, Access::Read), "one known is written anew");
        assert!(k.local().slots.len() <= 2 * LIMIT);
        k.flush();
        assert!((0..LIMIT as u64).all(|n| !has(&k, n * 4097)));
    }

    #[test]
    fn a_forgotten_page_does_not_hide_those_behind_it() {
        let mut k = Known::default();
        for n in 0..2000 {
            put(&mut k, n);
        }
        for n in (0..2000).step_by(3) {
            k.forget(n << 12);
        }
        for n in 0..2000 {
            assert_eq!(has(&k, n), n % 3 != 0, "page {n}");
        }
        for n in 2000..5000 {
            put(&mut k, n);
        }
        assert!((0..5000).all(|n| has(&k, n) == (n >= 2000 || n % 3 != 0)), "growing keeps what is known");
    }

    #[test]
    fn the_last_epoch_s_slots_do_not_come_back_when_epochs_start_again() {
        let mut k = Known::default();
        put(&mut k, 7); // in epoch 1
        k.spaces[0].epoch = u32::MAX;
        put(&mut k, 8);
        k.flush();
        assert_eq!(k.spaces[0].epoch, 1);
        assert!(!has(&k, 7) && !has(&k, 8));
    }

    #[test]
    fn a_large_page_s_pieces_go_together() {
        let mut k = Known::default();
        k.put(View::User, 0x40_3000, Access::Fetch, page(1), 21);
        k.put(View::Supervisor, 0x7f_f000, Access::Read, page(2), 22);
        put(&mut k, 0x800);
        assert_eq!((k.reach(0x55_0000), k.reach(0x80_0000), k.reach(0x1_0040_0000)), (22, 12, 12));
        k.forget_region(0x55_0000);
        assert_eq!(k.get(View::User, 0x40_3000, Access::Fetch), None);
        assert_eq!(k.get(View::Supervisor, 0x7f_f000, Access::Read), None);
        assert!(has(&k, 0x800));
        k.put(View::User, 0, Access::Read, page(1), 30);
        assert_eq!(k.reach(0x80_0000), 64);
        k.flush();
        assert_eq!(k.reach(0x55_0000), 12);
    }

    #[test]
    fn askers_know_apart() {
        let mut k = Known::default();
        put(&mut k, 5);
        assert_eq!(k.get(View::Supervisor, 5 << 12, Access::Read), None);
        assert_eq!(k.get(View::User, 5 << 12, Access::Fetch), None);
        k.put(View::User, 5 << 12, Access::Fetch, page(9), 12);
        assert!(has(&k, 5));
        k.forget(5 << 12);
        assert!(!has(&k, 5));
        assert_eq!(k.get(View::User, 5 << 12, Access::Fetch), None);
    }

    #[test]
    fn a_load_of_cr3_leaves_global_pages_alone() {
        let mut k = Known::default();
        let global = |n: u64| Page(n << 12 | RW | GLOBAL);
        put(&mut k, 1);
        k.put(View::User, 2 << 12, Access::Read, global(2), 12);
        // The same page as the one kind and then as the other: the latest holds.
        k.put(View::User, 3 << 12, Access::Read, global(3), 12);
        put(&mut k, 3);
        put(&mut k, 4);
        k.put(View::User, 4 << 12, Access::Read, global(4), 12);
        k.flush_space(0);
        let known = |k: &Known, n: u64| k.get(View::User, n << 12, Access::Read).is_some();
        assert_eq!([1, 2, 3, 4].map(|n| known(&k, n)), [false, true, false, true]);
        k.forget(2 << 12);
        assert!(!known(&k, 2));
        k.flush();
        assert!(!known(&k, 4));
    }
}
