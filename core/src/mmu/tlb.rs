//! The software TLB, in the one format that every engine uses.
//!
//! Direct mapped, one set of entries for each *view* of memory (who is asking). An entry carries a tag for reads, one
//! for writes and one for instruction fetches; a tag that does not match sends the access to the slow path. So
//! an access that needs more than a plain load or store simply never gets a tag: devices, pages with decoded
//! code (writes), pages whose dirty bit is still clear (writes), pages under a watchpoint.

/// Entries in one view. A power of two.
pub const ENTRIES: usize = 4096;
/// A tag that no linear page address equals.
pub const NO_TAG: u64 = 1;

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

/// Number of views.
pub const VIEWS: usize = 4;

/// One page. All three tags are linear page addresses, or [`NO_TAG`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Entry {
    /// Tag for reads.
    pub read: u64,
    /// Tag for writes.
    pub write: u64,
    /// Tag for instruction fetches.
    pub fetch: u64,
    /// Added (wrapping) to a linear address it gives the position in the memory's backing.
    pub addend: u64,
}

impl Entry {
    /// Matches nothing.
    pub const EMPTY: Self = Self { read: NO_TAG, write: NO_TAG, fetch: NO_TAG, addend: 0 };
}

/// All views' entries, and which of them are in use, so that a flush costs what was filled.
pub struct Tlb {
    entries: Box<[Entry; ENTRIES * VIEWS]>,
    filled: Vec<u16>,
    /// Which 4-MiB regions (by address bits 27:22) may hold entries made of large pages.
    large: u64,
    /// Some entry was made of a 1-GiB page.
    huge: bool,
    /// Entries filled since the machine started.
    pub fills: u64,
    /// Whole flushes since the machine started.
    pub flushes: u64,
}

impl Default for Tlb {
    fn default() -> Self {
        Self {
            entries: Box::new([Entry::EMPTY; ENTRIES * VIEWS]),
            filled: Vec::new(),
            large: 0,
            huge: false,
            fills: 0,
            flushes: 0,
        }
    }
}

impl std::fmt::Debug for Tlb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tlb").field("filled", &self.filled.len()).finish_non_exhaustive()
    }
}

impl Tlb {
    #[inline(always)]
    fn index(view: View, lin: u64) -> usize {
        (view as usize * ENTRIES) | (lin as usize >> 12 & (ENTRIES - 1))
    }

    /// The entry that could hold the page of `lin`.
    #[inline(always)]
    #[must_use]
    pub fn entry(&self, view: View, lin: u64) -> &Entry {
        &self.entries[Self::index(view, lin)]
    }

    /// The same, to fill. Notes it for the next flush.
    pub fn fill(&mut self, view: View, lin: u64) -> &mut Entry {
        let i = Self::index(view, lin);
        self.fills += 1;
        let e = &mut self.entries[i];
        if e.read == NO_TAG && e.write == NO_TAG && e.fetch == NO_TAG {
            self.filled.push(i as u16);
        }
        e
    }

    /// Drops everything.
    pub fn flush(&mut self) {
        self.flushes += 1;
        self.large = 0;
        self.huge = false;
        for i in self.filled.drain(..) {
            self.entries[usize::from(i)] = Entry::EMPTY;
        }
    }

    /// Drops the page of one linear address in every view.
    pub fn flush_page(&mut self, lin: u64) {
        for view in [View::Supervisor, View::SupervisorSmap, View::User, View::Watched] {
            // The slot keeps its place in `filled`: emptying it twice is harmless, and `fill` may note it twice.
            self.entries[Self::index(view, lin)] = Entry::EMPTY;
        }
        if self.filled.len() > 4 * ENTRIES * VIEWS {
            self.flush();
        }
    }

    /// Notes that the entry filled for `lin` is a piece of a page of `1 << page_bits` bytes.
    pub fn note_page(&mut self, lin: u64, page_bits: u32) {
        match page_bits {
            12 => {}
            21 | 22 => self.large |= 1 << (lin >> 22 & 63),
            _ => self.huge = true,
        }
    }

    /// INVLPG: drops the page of `lin`, whatever size it had when its entries were filled.
    pub fn invalidate(&mut self, lin: u64) {
        if self.huge {
            self.flush();
        } else if self.large >> (lin >> 22 & 63) & 1 != 0 {
            // All pieces lie in one aligned 4-MiB region.
            for &i in &self.filled {
                let e = &mut self.entries[usize::from(i)];
                if [e.read, e.write, e.fetch].iter().any(|&t| t != NO_TAG && t >> 22 == lin >> 22) {
                    *e = Entry::EMPTY;
                }
            }
        } else {
            self.flush_page(lin);
        }
    }

    /// Takes the right to write directly from every entry that maps the backing page at `page`:
    /// code was decoded from it.
    pub fn protect(&mut self, page: u64) {
        for &i in &self.filled {
            let e = &mut self.entries[usize::from(i)];
            if e.write != NO_TAG && e.write.wrapping_add(e.addend) == page {
                e.write = NO_TAG;
            }
        }
    }
}
