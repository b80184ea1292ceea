//! The software TLB, in the one format that every engine uses.
//!
//! Two layers. [`Known`] is what the processor remembers and decides when tables are walked. In front of it, for speed only, are
//! *entries* that translated code and the interpreter try first: direct mapped, one set for each *view* of memory (who is
//! asking), for users in each space, and sets of their own for instruction fetches: code and data that lie as far apart as a set
//! reaches would else take an entry from each other all the time. An entry carries a tag for reads and one for writes; a tag that
//! does not match sends the access to the slow path. So an access that needs more than a plain load or store simply never gets a tag: devices,
//! pages with decoded code (writes), pages whose dirty bit is still clear (writes), pages under a watchpoint.
//!
//! An entry may go at any time, and that changes nothing but speed; it never says more than what is known.

use super::known::{Known, Page};
use super::walk::Access;
use crate::large::Large;
use crate::memory::{PAGE_SHIFT, PAGE_SIZE};
use std::mem::offset_of;

/// Entries in one set. A power of two: for 256 MiB, as programs that pack files have them at hand. A set has 2 MiB.
pub const ENTRIES: usize = 65536;

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

/// Where the sets are in the [`Group`] of the system: the data of each view but [`View::User`] has the view's number.
const SYSTEM_FETCHES: usize = View::User as usize;
/// Where they are in a group of users.
const USER_DATA: usize = 0;
const USER_FETCHES: usize = 1;

/// Spaces that are remembered at the same time at most: those of the process-context identifiers that CR3 had last.
pub const SPACES: usize = 8;
/// The identifier of a space that is not in use: those of a guest have 12 bits.
const NO_PCID: u16 = u16::MAX;

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

/// A set of entries.
struct Set {
    entries: Large<Entry, ENTRIES>,
    /// Which of them are of global pages only, a bit each.
    global: Box<[u64; ENTRIES / 64]>,
}

impl Default for Set {
    fn default() -> Self {
        let mut entries = Large::new(Entry::empty(PAGE_SIZE));
        entries[0] = Entry::empty(0);
        Self { entries, global: Box::new([0; ENTRIES / 64]) }
    }
}

/// Sets of entries, and which of them are in use, so that a flush costs what was filled.
struct Group<const N: usize> {
    sets: [Set; N],
    /// The set for fetches.
    fetches: usize,
    /// Entries in use that are of global pages only, and all others: each is in the list of its kind, and may be in the other, too.
    filled: [Vec<Place>; 2],
    /// Changes when an entry for fetches goes or becomes another's. No two groups ever have the same.
    stamp: u64,
}

/// A set, and the number of an entry in it.
type Place = (u8, u16);

impl<const N: usize> Group<N> {
    /// The group with this number, below [`SPACES`] and one.
    fn new(number: usize, fetches: usize) -> Self {
        let sets = std::array::from_fn(|_| Set::default());
        Self { sets, fetches, filled: [Vec::new(), Vec::new()], stamp: 1 + number as u64 }
    }

    #[inline(always)]
    fn at(&self, set: usize, lin: u64) -> &Entry {
        &self.sets[set].entries[number(lin)]
    }

    fn base_address(&self, set: usize) -> u64 {
        self.sets[set].entries.as_ptr().expose_provenance() as u64
    }

    /// What was remembered with the stamp is so no more.
    fn new_stamp(&mut self) {
        self.stamp += 1 + SPACES as u64;
    }

    /// An entry is about to be changed.
    fn note_change(&mut self, set: usize, n: usize) {
        if set == self.fetches && !self.sets[set].entries[n].is_empty(some_lin(n)) {
            self.new_stamp();
        }
    }

    fn clear(&mut self, set: usize, n: usize) {
        self.note_change(set, n);
        self.sets[set].entries[n] = Entry::empty(some_lin(n));
    }

    fn fill(&mut self, set: usize, lin: u64, global: bool) -> &mut Entry {
        let n = number(lin);
        self.note_change(set, n);
        let s = &self.sets[set];
        let was = s.global[n / 64] >> (n % 64) & 1 != 0;
        if was != global || s.entries[n].is_empty(lin) {
            if self.filled[usize::from(global)].len() >= 4 * ENTRIES * N {
                self.forget_entries();
            }
            let word = &mut self.sets[set].global[n / 64];
            *word = *word & !(1 << (n % 64)) | u64::from(global) << (n % 64);
            self.filled[usize::from(global)].push((set as u8, n as u16));
        }
        &mut self.sets[set].entries[n]
    }

    /// Drops all but what is of global pages.
    fn flush_local(&mut self) {
        let mut local = std::mem::take(&mut self.filled[0]);
        for (set, n) in local.drain(..).map(|(set, n)| (usize::from(set), usize::from(n))) {
            if self.sets[set].global[n / 64] >> (n % 64) & 1 == 0 {
                self.clear(set, n);
            }
        }
        self.filled[0] = local;
    }

    fn forget_entries(&mut self) {
        let mut filled = std::mem::take(&mut self.filled);
        for (set, n) in filled.iter_mut().flat_map(|list| list.drain(..)) {
            self.clear(set.into(), n.into());
        }
        self.filled = filled;
    }

    /// Drops the page of `lin`.
    fn forget(&mut self, lin: u64) {
        let page = lin & !(PAGE_SIZE - 1);
        for set in 0..N {
            // The slot keeps its place in `filled`: emptying it twice is harmless, and `fill` may note it twice.
            let e = self.at(set, lin);
            if [e.read, e.write].contains(&page) {
                self.clear(set, number(lin));
            }
        }
    }

    /// Drops the aligned 4 MiB around `lin`.
    fn forget_region(&mut self, lin: u64) {
        self.new_stamp();
        // What is empty leaves the list: else each INVLPG and the fill behind it would make it longer, to its limit.
        let sets = &mut self.sets;
        for list in &mut self.filled {
            list.retain(|&(set, n)| {
                let some = some_lin(n.into());
                let e = &mut sets[usize::from(set)].entries[usize::from(n)];
                if [e.read, e.write].iter().any(|&t| t != no_tag(some) && t >> 22 == lin >> 22) {
                    *e = Entry::empty(some);
                }
                !e.is_empty(some)
            });
        }
    }

    fn protect(&mut self, page: u64) {
        for &(set, n) in self.filled.iter().flatten() {
            let e = &mut self.sets[usize::from(set)].entries[usize::from(n)];
            let none = no_tag(some_lin(n.into()));
            if e.write != none && e.write.wrapping_add(e.addend) == page {
                e.write = none;
            }
        }
    }
}

/// A linear address that the entry with a number could be for.
const fn some_lin(n: usize) -> u64 {
    (n as u64) << PAGE_SHIFT
}

/// All entries, and what is known. See the module's text.
///
/// Where CR4.PCIDE is set a system names the address spaces of its users, and need not have them forgotten when it goes from one to
/// another. Each space that is remembered has its own entries for users; the system's own are of global pages, but for those with which it
/// looks at its users' memory, which go at each change. SDM Vol. 3A, "Process-Context Identifiers (PCIDs)".
pub struct Tlb {
    system: Group<4>,
    /// Of the present space.
    users: Group<2>,
    /// Of the other spaces, by number; of the present one, `None`.
    parked: Vec<Option<Group<2>>>,
    /// The identifier of each space, and how many entries into spaces there were at its last one since the last whole flush.
    pcids: Vec<(u16, u64)>,
    /// The number of the present space.
    space: usize,
    entered: u64,
    /// The translations that the processor remembers.
    pub known: Known,
    /// Entries filled since the machine started.
    pub fills: u64,
    /// Flushes since the machine started: whole, or of a space.
    pub flushes: u64,
}

impl Default for Tlb {
    fn default() -> Self {
        Self {
            system: Group::new(SPACES, SYSTEM_FETCHES),
            users: Group::new(0, USER_FETCHES),
            parked: vec![None],
            pcids: vec![(0, 0)],
            space: 0,
            entered: 0,
            known: Known::default(),
            fills: 0,
            flushes: 0,
        }
    }
}

impl std::fmt::Debug for Tlb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tlb").field("pcids", &self.pcids).field("space", &self.space).finish_non_exhaustive()
    }
}

impl Tlb {
    /// Where the stamp for fetches, of a user or not, is in this. It changes when an entry for such fetches goes or becomes another's, by
    /// [`Self::forget_ways`], and with the space for users. Who remembers where code at a linear address is, remembers this with it. Never
    /// 0. A system's own code is in global pages, so that its stamp outlives most loads of CR3; and that of users is the same again
    /// when their space is.
    #[must_use]
    pub const fn stamp_offset(user: bool) -> usize {
        if user {
            offset_of!(Self, users) + offset_of!(Group<2>, stamp)
        } else {
            offset_of!(Self, system) + offset_of!(Group<4>, stamp)
        }
    }

    #[cfg(test)]
    pub(super) fn users_stamp(&self) -> u64 {
        self.users.stamp
    }

    /// Code that somebody remembers to be somewhere is not there any more: see [`Self::stamp_offset`].
    pub fn forget_ways(&mut self) {
        self.system.new_stamp();
        self.each_space(Group::new_stamp);
    }

    fn each_space(&mut self, mut f: impl FnMut(&mut Group<2>)) {
        f(&mut self.users);
        self.parked.iter_mut().flatten().for_each(f);
    }

    /// The entry that could hold the page of `lin`, for data.
    #[inline(always)]
    #[must_use]
    pub fn entry(&self, view: View, lin: u64) -> &Entry {
        match view {
            View::User => self.users.at(USER_DATA, lin),
            _ => self.system.at(view as usize, lin),
        }
    }

    /// The entry that could hold the page of `lin`, for fetches.
    #[inline(always)]
    #[must_use]
    pub fn fetch_entry(&self, view: View, lin: u64) -> &Entry {
        match view {
            View::User => self.users.at(USER_FETCHES, lin),
            _ => self.system.at(SYSTEM_FETCHES, lin),
        }
    }

    /// The host's address of the first entry of a view's data, or fetches, for translated code: that of page number n is at
    /// `n % ENTRIES * size_of::<Entry>()` from it. It stays as long as this TLB, wherever that is moved, but another space has another for
    /// [`View::User`].
    #[must_use]
    pub fn base_address(&self, view: View, access: Access) -> u64 {
        match (view, access) {
            (View::User, Access::Fetch) => self.users.base_address(USER_FETCHES),
            (View::User, _) => self.users.base_address(USER_DATA),
            (_, Access::Fetch) => self.system.base_address(SYSTEM_FETCHES),
            _ => self.system.base_address(view as usize),
        }
    }

    /// The entry for the page of `lin`, to fill. Notes it for the next flush; one that is `global` is left alone by
    /// [`Self::flush_local`].
    pub fn fill(&mut self, view: View, lin: u64, access: Access, global: bool) -> &mut Entry {
        self.fills += 1;
        match (view, access) {
            (View::User, Access::Fetch) => self.users.fill(USER_FETCHES, lin, global),
            (View::User, _) => self.users.fill(USER_DATA, lin, global),
            (_, Access::Fetch) => self.system.fill(SYSTEM_FETCHES, lin, global),
            _ => self.system.fill(view as usize, lin, global),
        }
    }

    /// Remembers a translation: see [`Known::put`].
    pub fn know(&mut self, view: View, lin: u64, access: Access, page: Page, page_bits: u32) {
        if self.known.put(view, lin, access, page, page_bits) && view == View::User {
            self.parked.iter_mut().flatten().for_each(|users| users.forget(lin));
        }
    }

    /// Drops everything; the space is that of an identifier from here on.
    pub fn flush(&mut self, pcid: u16) {
        self.flushes += 1;
        self.known.flush();
        self.forget_entries();
        // No other space may be taken for this one, and nothing that follows may hang on what was before.
        self.pcids.fill((NO_PCID, 0));
        self.pcids[self.space].0 = pcid;
        self.entered = 0;
    }

    /// Drops everything of the present space: all but global pages.
    pub fn flush_local(&mut self) {
        self.flushes += 1;
        self.known.flush_space(self.space);
        self.system.flush_local();
        self.users.flush_local();
    }

    /// INVPCID with an identifier: drops everything of its space.
    pub fn flush_space(&mut self, pcid: u16) {
        if self.pcids[self.space].0 == pcid {
            self.flush_local();
        } else if let Some(space) = self.space_of(pcid) {
            self.flush_parked(space);
        }
    }

    /// Drops everything of every space.
    pub fn flush_spaces(&mut self) {
        self.flush_local();
        // The present one's is not parked.
        (0..self.pcids.len()).for_each(|space| self.flush_parked(space));
    }

    fn flush_parked(&mut self, space: usize) {
        if let Some(users) = &mut self.parked[space] {
            self.flushes += 1;
            self.known.flush_space(space);
            users.forget_entries();
        }
    }

    /// A load of CR3 with an identifier: its space is the present one, and is as it was left if `keep`.
    pub fn enter(&mut self, pcid: u16, keep: bool) {
        if self.pcids[self.space].0 != pcid {
            self.system.flush_local();
            let space = self.space_of(pcid).or_else(|| self.space_of(NO_PCID)).unwrap_or_else(|| self.give_away());
            self.entered += 1;
            self.pcids[space] = (pcid, self.entered);
            let users = self.parked[space].take().unwrap_or_else(|| Group::new(space, USER_FETCHES));
            self.parked[self.space] = Some(std::mem::replace(&mut self.users, users));
            self.space = space;
            self.known.enter(space);
        }
        if !keep {
            self.flush_local();
        }
    }

    /// A space for an identifier that has none, empty: a new one, or that which was left the longest time ago.
    fn give_away(&mut self) -> usize {
        if self.pcids.len() < SPACES {
            self.pcids.push((NO_PCID, 0));
            self.parked.push(None);
            return self.pcids.len() - 1;
        }
        let others = (0..SPACES).filter(|&s| s != self.space);
        let space = others.min_by_key(|&s| self.pcids[s].1).unwrap_or_default();
        self.flush_parked(space);
        space
    }

    fn space_of(&self, pcid: u16) -> Option<usize> {
        self.pcids.iter().position(|p| p.0 == pcid)
    }

    /// Drops every entry; what is known stays. For changes of the map, of what is watched and of who looks at writes.
    pub fn forget_entries(&mut self) {
        self.system.forget_entries();
        self.each_space(Group::forget_entries);
    }

    /// Drops what is known of the 4-KiB page of one linear address, in this space or of all.
    pub fn forget(&mut self, lin: u64) {
        let in_all = self.known.users_have_global();
        self.known.forget(lin);
        self.system.forget(lin);
        if in_all {
            self.each_space(|users| users.forget(lin));
        } else {
            self.users.forget(lin);
        }
    }

    /// INVLPG: drops the page of `lin`, whatever size it had when it was walked, in this space or of all.
    pub fn invalidate(&mut self, lin: u64) {
        match self.known.reach(lin) {
            12 => self.forget(lin),
            22 => {
                // All pieces lie in one aligned 4-MiB region.
                self.known.forget_region(lin);
                self.system.forget_region(lin);
                self.each_space(|users| users.forget_region(lin));
            }
            _ => self.flush(self.pcids[self.space].0),
        }
    }

    /// Takes the right to write directly from every entry that maps the page of the backing at the host's address `page`:
    /// code was decoded from it.
    pub fn protect(&mut self, page: u64) {
        self.system.protect(page);
        self.each_space(|users| users.protect(page));
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
        let stamps = |tlb: &Tlb| [tlb.system.stamp, tlb.users.stamp];
        let mut last = stamps(&tlb);
        // Of the system's, and of the user's.
        let mut changed = |tlb: &Tlb| {
            let before = std::mem::replace(&mut last, stamps(tlb));
            [before[0] != last[0], before[1] != last[1]]
        };
        let (none, user, all) = ([false; 2], [false, true], [true; 2]);
        assert!(!stamps(&tlb).contains(&0), "what was never stamped matches nothing");
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
        tlb.invalidate(page);
        assert_eq!(changed(&tlb), none, "that page has the entry no more");
        assert_eq!(tlb.fetch_entry(View::User, page).read, same_entry);
        tlb.invalidate(same_entry);
        assert_eq!(changed(&tlb), user, "it is gone");
        tlb.flush(0);
        assert_eq!(changed(&tlb), none, "there was none left");
        fill(&mut tlb, page, Access::Fetch);
        tlb.flush_local();
        assert_eq!(changed(&tlb), user);
        tlb.fill(View::Supervisor, page, Access::Fetch, true).read = page;
        tlb.flush_local();
        assert_eq!(changed(&tlb), none, "it is global");
        tlb.flush(0);
        assert_eq!(changed(&tlb), [true, false]);
        tlb.forget_ways();
        assert_eq!(changed(&tlb), all);
    }
}
