//! The software TLB, in the one format that every engine uses.
//!
//! Two layers. [`Known`] is what the processor remembers and decides when tables are walked. In front of it, for speed only, are
//! *entries* that translated code and the interpreter try first: direct mapped, one set for each *view* of memory (who is
//! asking), and sets of their own for instruction fetches: code and data that lie as far apart as a set reaches would else take an
//! entry from each other all the time. An entry carries a tag for reads and one for writes; a tag that does not match
//! sends the access to the slow path. So an access that needs more than a plain load or store simply never gets a tag: devices,
//! pages with decoded code (writes), pages whose dirty bit is still clear (writes), pages under a watchpoint.
//!
//! An entry may go at any time, and that changes nothing but speed; it never says more than what is known.

use super::known::Known;
use super::walk::Access;
use crate::memory::{PAGE_SHIFT, PAGE_SIZE, ask_for_large_pages};

/// Entries in one set. A power of two.
pub const ENTRIES: usize = 16384;

/// A tag that no address matches which is looked for where that of `lin` is: the page of another entry. So a linear address is in the
/// page of a tag if, and only if, it is less than [`PAGE_SIZE`] above that.
#[must_use]
pub const fn no_tag(lin: u64) -> u64 {
    if number(lin) == 0 { PAGE_SIZE } else { 0 }
}

/// The number of the entry, in its set, for the page of a linear address.
const fn number(lin: u64) -> usize {
    (lin >> PAGE_SHIFT) as usize & (ENTRIES - 1)
}

/// Who is asking; chooses the set of entries. SDM Vol. 3A, "Access Rights".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum View {
    /// CPL 0-2, or an implicit supervisor access.
    #[default]
    Supervisor = 0,
    /// CPL 0-2 with SMAP in force (EFLAGS.AC clear): user pages fault.
    SupervisorSmap = 1,
    /// CPL 3.
    User = 2,
    /// Never filled: every access takes the slow path (alignment checks, data breakpoints).
    Watched = 3,
}

/// Sets of entries: one for the data of each view, then those for the fetches of [`View::Supervisor`] and of [`View::User`].
const SETS: usize = 6;
/// The first of those for fetches.
const FETCHES: usize = 4;
/// The sets that are ever filled: not the data of [`View::Watched`].
const FILLED: [usize; 5] = [0, 1, 2, 4, 5];

/// The set in which an asker's accesses are looked for.
const fn set_of(view: View, access: Access) -> usize {
    match (access, view) {
        (Access::Read | Access::Write, _) => view as usize,
        (Access::Fetch, View::User) => FETCHES + 1,
        (Access::Fetch, _) => FETCHES,
    }
}

/// One page. Tags are linear page addresses, or [`no_tag`]. 32 bytes, never in two of the host's cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub struct Entry {
    /// Tag for reads; in the sets for fetches, for those.
    pub read: u64,
    /// Tag for writes.
    pub write: u64,
    /// Added (wrapping) to a linear address it gives the host's address of the byte: see
    /// [`GuestMemory::base`](crate::memory::GuestMemory::base).
    pub addend: u64,
}

impl Entry {
    /// What matches nothing, for the page of a linear address.
    #[must_use]
    pub const fn empty(lin: u64) -> Self {
        let tag = no_tag(lin);
        Self { read: tag, write: tag, addend: 0 }
    }

    /// Whether this, the entry for the page of `lin`, matches nothing.
    fn is_empty(&self, lin: u64) -> bool {
        [self.read, self.write] == [no_tag(lin); 2]
    }
}

/// All entries, which of them are in use (so that a flush costs what was filled), and what is known.
pub struct Tlb {
    entries: Box<[Entry; ENTRIES * SETS]>,
    /// Which of them are of global pages only, a bit each.
    global: Box<[u64; ENTRIES * SETS / 64]>,
    /// Entries in use that are of global pages only, and all others: each is in the list of its kind, and may be in the other, too.
    filled: [Vec<u32>; 2],
    /// The translations that the processor remembers.
    pub known: Known,
    /// By set of entries for fetches, of [`View::Supervisor`] and of [`View::User`]: changes when one of them goes or becomes another's,
    /// and by [`Self::forget_ways`]. Who remembers where code at a linear address is, remembers this with it. Never 0. A system's
    /// own code is in global pages, so that the first outlives most loads of CR3.
    pub stamps: [u64; 2],
    /// Entries filled since the machine started.
    pub fills: u64,
    /// Whole flushes since the machine started.
    pub flushes: u64,
}

/// An array on the heap that was never on the stack, where it would be too large. Who looks in it looks all over it.
fn boxed<T: Copy + std::fmt::Debug, const N: usize>(each: T) -> Box<[T; N]> {
    let mut all = Vec::with_capacity(N);
    ask_for_large_pages(all.spare_capacity_mut());
    all.resize(N, each);
    all.into_boxed_slice().try_into().expect("it has N elements")
}

impl Default for Tlb {
    fn default() -> Self {
        let mut entries: Box<[Entry; ENTRIES * SETS]> = boxed(Entry::empty(PAGE_SIZE));
        for i in (0..ENTRIES * SETS).step_by(ENTRIES) {
            entries[i] = Entry::empty(0);
        }
        Self {
            entries,
            global: Box::new([0; ENTRIES * SETS / 64]),
            filled: [Vec::new(), Vec::new()],
            known: Known::default(),
            stamps: [1; 2],
            fills: 0,
            flushes: 0,
        }
    }
}

impl std::fmt::Debug for Tlb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tlb").field("filled", &self.filled.each_ref().map(Vec::len)).finish_non_exhaustive()
    }
}

impl Tlb {
    #[inline(always)]
    const fn index(set: usize, lin: u64) -> usize {
        (set * ENTRIES) | number(lin)
    }

    /// A linear address that the entry at an index could be for.
    const fn some_lin(i: usize) -> u64 {
        (i as u64) << PAGE_SHIFT
    }

    fn clear(&mut self, i: usize) {
        self.note_change(i);
        self.entries[i] = Entry::empty(Self::some_lin(i));
    }

    /// Code that somebody remembers to be somewhere is not there any more: see [`Self::stamps`].
    pub fn forget_ways(&mut self) {
        self.stamps = self.stamps.map(|s| s + 1);
    }

    /// An entry is about to be changed.
    fn note_change(&mut self, i: usize) {
        if i >= FETCHES * ENTRIES && !self.entries[i].is_empty(Self::some_lin(i)) {
            self.stamps[i / ENTRIES - FETCHES] += 1;
        }
    }

    /// The entry that could hold the page of `lin`, for data.
    #[inline(always)]
    #[must_use]
    pub fn entry(&self, view: View, lin: u64) -> &Entry {
        &self.entries[Self::index(view as usize, lin)]
    }

    /// The entry that could hold the page of `lin`, for fetches.
    #[inline(always)]
    #[must_use]
    pub fn fetch_entry(&self, view: View, lin: u64) -> &Entry {
        &self.entries[Self::index(set_of(view, Access::Fetch), lin)]
    }

    /// The host's address of the first entry of a view's data, or fetches, for translated code: that of page number n is at
    /// `n % ENTRIES * size_of::<Entry>()` from it. It stays as long as this TLB, wherever that is moved.
    #[must_use]
    pub fn base_address(&self, view: View, access: Access) -> u64 {
        (&raw const self.entries[set_of(view, access) * ENTRIES]).expose_provenance() as u64
    }

    /// The entry for the page of `lin`, to fill. Notes it for the next flush; one that is `global` is left alone by
    /// [`Self::flush_local`].
    pub fn fill(&mut self, view: View, lin: u64, access: Access, global: bool) -> &mut Entry {
        let i = Self::index(set_of(view, access), lin);
        self.fills += 1;
        self.note_change(i);
        let was = self.global[i / 64] >> (i % 64) & 1 != 0;
        let e = &self.entries[i];
        if was != global || e.is_empty(lin) {
            if self.filled[usize::from(global)].len() >= 4 * ENTRIES * SETS {
                self.forget_entries();
            }
            self.global[i / 64] = self.global[i / 64] & !(1 << (i % 64)) | u64::from(global) << (i % 64);
            self.filled[usize::from(global)].push(i as u32);
        }
        &mut self.entries[i]
    }

    /// Drops everything.
    pub fn flush(&mut self) {
        self.flushes += 1;
        self.known.flush();
        self.forget_entries();
    }

    /// Drops everything but what is of global pages.
    pub fn flush_local(&mut self) {
        self.flushes += 1;
        self.known.flush_local();
        let mut local = std::mem::take(&mut self.filled[0]);
        for i in local.drain(..).map(|i| i as usize) {
            if self.global[i / 64] >> (i % 64) & 1 == 0 {
                self.clear(i);
            }
        }
        self.filled[0] = local;
    }

    /// Drops every entry; what is known stays. For changes of the map, of what is watched and of who looks at writes.
    pub fn forget_entries(&mut self) {
        let mut filled = std::mem::take(&mut self.filled);
        for i in filled.iter_mut().flat_map(|list| list.drain(..)) {
            self.clear(i as usize);
        }
        self.filled = filled;
    }

    /// Drops what is known of the 4-KiB page of one linear address.
    pub fn forget(&mut self, lin: u64) {
        self.known.forget(lin);
        for set in FILLED {
            // The slot keeps its place in `filled`: emptying it twice is harmless, and `fill` may note it twice.
            self.clear(Self::index(set, lin));
        }
    }

    /// INVLPG: drops the page of `lin`, whatever size it had when it was walked.
    pub fn invalidate(&mut self, lin: u64) {
        match self.known.reach(lin) {
            12 => self.forget(lin),
            22 => {
                // All pieces lie in one aligned 4-MiB region.
                self.known.forget_region(lin);
                self.forget_ways();
                // What is empty leaves the list: else each INVLPG and the fill behind it would make it longer, to its limit.
                let entries = &mut self.entries;
                for list in &mut self.filled {
                    list.retain(|&i| {
                        let (e, some) = (&mut entries[i as usize], Self::some_lin(i as usize));
                        if [e.read, e.write].iter().any(|&t| t != no_tag(some) && t >> 22 == lin >> 22) {
                            *e = Entry::empty(some);
                        }
                        !e.is_empty(some)
                    });
                }
            }
            _ => self.flush(),
        }
    }

    /// Takes the right to write directly from every entry that maps the page of the backing at the host's address `page`:
    /// code was decoded from it.
    pub fn protect(&mut self, page: u64) {
        for &i in self.filled.iter().flatten() {
            let e = &mut self.entries[i as usize];
            let none = no_tag(Self::some_lin(i as usize));
            if e.write != none && e.write.wrapping_add(e.addend) == page {
                e.write = none;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_changes_when_an_entry_for_fetches_does() {
        let mut tlb = Tlb::default();
        let fill = |tlb: &mut Tlb, lin: u64, access| {
            let e = tlb.fill(View::User, lin, access, false);
            (e.read, e.addend) = (lin, 0x1000);
        };
        let mut last = tlb.stamps;
        // Of the system's, and of the user's.
        let mut changed = |tlb: &Tlb| {
            let before = std::mem::replace(&mut last, tlb.stamps);
            [before[0] != last[0], before[1] != last[1]]
        };
        let (none, user, all) = ([false; 2], [false, true], [true; 2]);
        assert!(!tlb.stamps.contains(&0), "what was never stamped matches nothing");
        let (page, same_entry) = (0x5000, 0x5000 + ENTRIES as u64 * PAGE_SIZE);

        fill(&mut tlb, page, Access::Read);
        fill(&mut tlb, page, Access::Fetch);
        assert_eq!(changed(&tlb), none, "who knew of no code there has nothing to forget");
        tlb.invalidate(page + PAGE_SIZE);
        assert_eq!(changed(&tlb), none, "that was another page");
        fill(&mut tlb, same_entry, Access::Read);
        assert_eq!(changed(&tlb), none, "that was data");
        fill(&mut tlb, same_entry, Access::Fetch);
        assert_eq!(changed(&tlb), user, "it is another's");
        tlb.invalidate(same_entry);
        assert_eq!(changed(&tlb), user, "it is gone");
        tlb.flush();
        assert_eq!(changed(&tlb), none, "there was none left");
        fill(&mut tlb, page, Access::Fetch);
        tlb.flush_local();
        assert_eq!(changed(&tlb), user);
        tlb.fill(View::Supervisor, page, Access::Fetch, true).read = page;
        tlb.flush_local();
        assert_eq!(changed(&tlb), none, "it is global");
        tlb.flush();
        assert_eq!(changed(&tlb), [true, false]);
        tlb.forget_ways();
        assert_eq!(changed(&tlb), all);
    }
}
