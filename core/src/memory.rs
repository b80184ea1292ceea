//! Guest-physical memory: RAM and ROM behind one map, with dirty pages and pages that hold decoded code.
//!
//! All memory of the machine, RAM and ROM images alike, is one allocation, the *backing*, which stays at one address of the host
//! from the start to the end: translated code reaches into it. A map from
//! guest-physical pages says for each page where reads and where writes go: to a page of the
//! backing, nowhere (a write to ROM), or out on the bus (devices, open bus). Reads and writes are
//! mapped apart because the i440FX PAM registers route them apart (82441FX data sheet,
//! "PAM—Programmable Attribute Map Registers").
//!
//! What the map leaves to the bus may still be memory: that of a card, such as a frame buffer or an option ROM, which its device
//! places as a *window* ([`GuestMemory::place_window`]). The map, which is the host bridge's, comes first.
//!
//! Two facts are tracked for each page of the backing:
//! * which *consumers* (snapshot, display) have not yet seen its last write, and
//! * which 64-byte *granules* of it were decoded as code. A write that touches one is queued in
//!   [`GuestMemory::take_stale_code`], and the engine drops those decodings before the next instruction.

#![allow(unsafe_code)] // `load` and `store`: one comparison an access, proven beside them

use crate::large::ask_for_large_pages;
use std::ops::Range;

/// log2 of the page size.
pub const PAGE_SHIFT: u32 = 12;
/// Bytes in a page, the unit of mapping and of tracking.
pub const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;
/// log2 of the bytes in a granule: a page has 64 of them, so that one `u64` holds a bit for each.
const GRANULE_SHIFT: u32 = 6;

/// Bytes kept behind the backing, so that one comparison admits an access of any width up to it.
const PAD: usize = 16;

/// Bytes of RAM from which the host is asked for large pages. A guest of that size goes through more of its memory than the host's TLB
/// has pages of 4 KiB.
const LARGE: u64 = 64 << 20;

/// A byte position in the backing.
pub type Offset = u64;

/// Where accesses to a guest-physical page go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To the backing, at this position (a multiple of [`PAGE_SIZE`]).
    Backing(Offset),
    /// Writes are dropped; as a route for reads it gives all ones.
    Nowhere,
    /// To the bus: a device, or open bus.
    Bus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Region {
    start: u64,
    end: u64,
    read: Route,
    write: Route,
}

impl Region {
    fn at(route: Route, delta: u64) -> Route {
        match route {
            Route::Backing(base) => Route::Backing(base + delta),
            other => other,
        }
    }
}

/// A region that reads and writes go to the backing of alike.
#[derive(Clone, Copy, Debug, Default)]
struct Main {
    start: u64,
    len: u64,
    at: Offset,
}

impl Main {
    /// The largest of `regions`.
    fn of(regions: &[Region]) -> Self {
        let plain = regions.iter().filter_map(|r| match r.read {
            Route::Backing(at) if r.read == r.write => Some(Self { start: r.start, len: r.end - r.start, at }),
            _ => None,
        });
        plain.max_by_key(|m| m.len).unwrap_or_default()
    }
}

/// Who wants to know that a page was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Consumer {
    /// Incremental snapshots.
    Snapshot = 1,
    /// The display adapter's scan-out.
    Display = 2,
}

const ALL_CONSUMERS: u8 = Consumer::Snapshot as u8 | Consumer::Display as u8;

/// Decoded code that a write has made stale: granules of one page of the backing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleCode {
    /// Position of the page in the backing.
    pub page: Offset,
    /// One bit for each 64-byte granule that was written.
    pub granules: u64,
}

/// A window of a card's memory: the device's number and which of its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WindowId {
    /// Number of the device.
    pub device: u16,
    /// The device's own number for it.
    pub index: u8,
}

/// The memory of a machine. See the module's text.
pub struct GuestMemory {
    /// RAM, ROM images, and [`PAD`] bytes behind them. Never grows, and is never replaced.
    bytes: Vec<u8>,
    /// The last position at which [`PAD`] bytes can be accessed.
    last: usize,
    ram: u64,
    regions: Vec<Region>,
    /// The largest region of plain RAM, looked at before the others.
    main: Main,
    windows: Vec<(WindowId, Region)>,
    dirty: Vec<u8>,
    code: Vec<u64>,
    stale: Vec<StaleCode>,
    generation: u64,
    a20: u64,
}

impl std::fmt::Debug for GuestMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuestMemory").field("ram", &self.ram).field("regions", &self.regions).finish_non_exhaustive()
    }
}

impl GuestMemory {
    /// `ram` bytes of zeroed RAM (rounded up to whole pages) and `rom` bytes of backing for ROM images
    /// behind it. Nothing is mapped yet.
    #[must_use]
    pub fn new(ram: u64, rom: u64) -> Self {
        let ram = ram.next_multiple_of(PAGE_SIZE);
        let total = ram + rom.next_multiple_of(PAGE_SIZE);
        let pages = (total >> PAGE_SHIFT) as usize;
        let mut bytes = vec![0; total as usize + PAD];
        // Translated code makes pointers of `base`.
        bytes.as_mut_ptr().expose_provenance();
        if ram >= LARGE {
            ask_for_large_pages(&mut bytes);
        }
        Self {
            bytes,
            last: total as usize,
            ram,
            regions: Vec::new(),
            main: Main::default(),
            windows: Vec::new(),
            dirty: vec![ALL_CONSUMERS; pages],
            code: vec![0; pages],
            stale: Vec::new(),
            generation: 0,
            a20: u64::MAX,
        }
    }

    /// Flat memory: `ram` bytes of RAM at physical address 0 and nothing else.
    #[must_use]
    pub fn flat(ram: u64) -> Self {
        let mut mem = Self::new(ram, 0);
        mem.map(0..mem.ram, Route::Backing(0), Route::Backing(0));
        mem
    }

    /// Bytes of RAM.
    #[must_use]
    pub fn ram_size(&self) -> u64 {
        self.ram
    }

    /// Bytes of the whole backing, RAM first, then ROM images.
    #[must_use]
    pub fn backing_size(&self) -> u64 {
        self.last as u64
    }

    /// The host's address of the backing's first byte. It stays the same as long as this memory exists, wherever that is moved.
    #[inline(always)]
    #[must_use]
    pub fn base(&self) -> u64 {
        self.bytes.as_ptr().addr() as u64
    }

    /// Routes the guest-physical `range` (page aligned; rounded outwards), replacing what was mapped there.
    /// A backing route that would end past the backing is cut to the bus.
    pub fn map(&mut self, range: Range<u64>, read: Route, write: Route) {
        let start = range.start & !(PAGE_SIZE - 1);
        let end = range.end.next_multiple_of(PAGE_SIZE);
        if start >= end {
            return;
        }
        let fits = |route: Route| match route {
            Route::Backing(at) if at.checked_add(end - start).is_none_or(|e| e > self.backing_size()) => Route::Bus,
            other => other,
        };
        let new = Region { start, end, read: fits(read), write: fits(write) };
        let mut kept = Vec::with_capacity(self.regions.len() + 2);
        for r in &self.regions {
            if r.end <= start || r.start >= end {
                kept.push(*r);
                continue;
            }
            if r.start < start {
                kept.push(Region { end: start, ..*r });
            }
            if r.end > end {
                let delta = end - r.start;
                kept.push(Region {
                    start: end,
                    end: r.end,
                    read: Region::at(r.read, delta),
                    write: Region::at(r.write, delta),
                });
            }
        }
        if (new.read, new.write) != (Route::Bus, Route::Bus) {
            kept.push(new);
        }
        kept.sort_by_key(|r| r.start);
        self.main = Main::of(&kept);
        self.regions = kept;
        self.generation += 1;
    }

    /// Puts a window of a card's memory on the bus, instead of where it was before: whole pages of `range`. It shows where the
    /// map routes to the bus; where windows overlap, the lowest [`WindowId`] answers. [`Route::Bus`] for both takes it off.
    pub fn place_window(&mut self, id: WindowId, range: Range<u64>, read: Route, write: Route) {
        let old = self.windows.iter().position(|(w, _)| *w == id).map(|i| self.windows.remove(i).1);
        let len = range.end.saturating_sub(range.start);
        let fits = |route: Route| match route {
            Route::Backing(at) if at.checked_add(len).is_none_or(|e| e > self.backing_size()) => Route::Bus,
            other => other,
        };
        let new = Region { start: range.start, end: range.end, read: fits(read), write: fits(write) };
        let whole = len != 0 && (range.start | range.end) & (PAGE_SIZE - 1) == 0;
        let new = (whole && (new.read, new.write) != (Route::Bus, Route::Bus)).then_some(new);
        if let Some(new) = new {
            let at = self.windows.partition_point(|(w, _)| *w < id);
            self.windows.insert(at, (id, new));
        }
        if old != new {
            self.generation += 1;
        }
    }

    /// Takes every window off; the devices place theirs again when a snapshot was loaded.
    pub fn remove_windows(&mut self) {
        self.windows.clear();
        self.generation += 1;
    }

    /// Opens or closes the A20 gate. Closed, bit 20 of every physical address is 0.
    pub fn set_a20(&mut self, open: bool) {
        let mask = if open { u64::MAX } else { !(1 << 20) };
        if mask != self.a20 {
            self.a20 = mask;
            self.generation += 1;
        }
    }

    /// Whether the A20 gate is open.
    #[must_use]
    pub fn a20_open(&self) -> bool {
        self.a20 == u64::MAX
    }

    /// A physical address as the CPU's pins send it out, behind the A20 gate. DMA does not pass the gate.
    #[inline]
    #[must_use]
    pub fn a20(&self, phys: u64) -> u64 {
        phys & self.a20
    }

    /// Counts changes of the map. Engines that cache translations compare it and flush.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn region(&self, addr: u64) -> Option<&Region> {
        let i = self.regions.partition_point(|r| r.end <= addr);
        self.regions.get(i).filter(|r| r.start <= addr)
    }

    /// The route that `of` picks for the page of `addr`: the map's, or else that of a card's window.
    #[inline]
    fn route(&self, addr: u64, of: impl Fn(&Region) -> Route) -> Route {
        let in_main = addr.wrapping_sub(self.main.start);
        if in_main < self.main.len {
            return Route::Backing(self.main.at + (in_main & !(PAGE_SIZE - 1)));
        }
        self.route_of_another(addr, of)
    }

    /// The same for what is not in [`Self::main`].
    fn route_of_another(&self, addr: u64, of: impl Fn(&Region) -> Route) -> Route {
        let page = addr & !(PAGE_SIZE - 1);
        match self.region(addr).map_or(Route::Bus, |r| Region::at(of(r), page - r.start)) {
            Route::Bus => self.windows.iter().map(|(_, r)| r).filter(|r| (r.start..r.end).contains(&addr)).fold(
                Route::Bus,
                |found, r| if found == Route::Bus { Region::at(of(r), page - r.start) } else { found },
            ),
            mapped => mapped,
        }
    }

    /// Where a read of the physical page that holds `addr` goes; a backing route names the page's start.
    #[inline]
    #[must_use]
    pub fn read_route(&self, addr: u64) -> Route {
        self.route(addr, |r| r.read)
    }

    /// Where a write to the physical page that holds `addr` goes; a backing route names the page's start.
    #[inline]
    #[must_use]
    pub fn write_route(&self, addr: u64) -> Route {
        self.route(addr, |r| r.write)
    }

    /// True when a write to this page of the backing needs no note: every consumer knows of it already and
    /// no code was decoded from it. Engines may then write to it directly.
    #[must_use]
    pub fn writes_unwatched(&self, page: Offset) -> bool {
        let i = (page >> PAGE_SHIFT) as usize;
        self.dirty[i] == ALL_CONSUMERS && self.code[i] == 0
    }

    /// Reads `N` bytes of the backing, at most 16.
    ///
    /// # Panics
    /// When `at` is past the backing: offsets come from [`Self::read_route`], never from a guest.
    #[inline(always)]
    #[must_use]
    pub fn load<const N: usize>(&self, at: Offset) -> [u8; N] {
        const { assert!(N <= PAD) };
        let at = at as usize;
        if at > self.last {
            outside(at);
        }
        // SAFETY: `at <= last`, and `last + PAD` is the length of `bytes`, fixed when it was made; `N <= PAD`.
        unsafe { self.bytes.as_ptr().add(at).cast::<[u8; N]>().read() }
    }

    /// Writes `N` bytes of the backing, at most 16, without tracking: for pages whose [`Self::writes_unwatched`] holds.
    ///
    /// # Panics
    /// As [`Self::load`].
    #[inline(always)]
    pub fn store<const N: usize>(&mut self, at: Offset, value: [u8; N]) {
        const { assert!(N <= PAD) };
        let at = at as usize;
        if at > self.last {
            outside(at);
        }
        // SAFETY: as in `load`; the exclusive borrow makes the write unobserved.
        unsafe { self.bytes.as_mut_ptr().add(at).cast::<[u8; N]>().write(value) }
    }

    /// The backing, for reading: RAM, then ROM images.
    #[must_use]
    pub fn backing(&self) -> &[u8] {
        &self.bytes[..self.last]
    }

    /// The part of the backing that starts at `at`, for direct writes to unwatched pages.
    #[must_use]
    pub fn backing_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.last]
    }

    /// Notes a write of `len` bytes at `at` in the backing: dirty for all consumers, and code in it stale.
    pub fn note_write(&mut self, at: Offset, len: u64) {
        let mut pos = at;
        let end = at + len;
        while pos < end {
            let page = pos >> PAGE_SHIFT;
            let stop = end.min((page + 1) << PAGE_SHIFT);
            let i = page as usize;
            self.dirty[i] = ALL_CONSUMERS;
            if self.code[i] != 0 {
                let hit = granules(pos & (PAGE_SIZE - 1), stop - pos) & self.code[i];
                if hit != 0 {
                    self.code[i] &= !hit;
                    self.stale.push(StaleCode { page: page << PAGE_SHIFT, granules: hit });
                }
            }
            pos = stop;
        }
    }

    /// Marks `len` bytes at `at` in the backing (inside one page) as decoded code.
    pub fn mark_code(&mut self, at: Offset, len: u64) {
        self.code[(at >> PAGE_SHIFT) as usize] |= granules(at & (PAGE_SIZE - 1), len);
    }

    /// Whether any code of this page of the backing is marked.
    #[must_use]
    pub fn holds_code(&self, page: Offset) -> bool {
        self.code[(page >> PAGE_SHIFT) as usize] != 0
    }

    /// Forgets every code mark and everything stale: the engine has dropped all its decodings.
    pub fn forget_code(&mut self) {
        self.code.fill(0);
        self.stale.clear();
    }

    /// Whether a write has made decoded code stale since the last [`Self::take_stale_code`].
    #[inline(always)]
    #[must_use]
    pub fn has_stale_code(&self) -> bool {
        !self.stale.is_empty()
    }

    /// Takes the list of decoded code that writes have made stale.
    pub fn take_stale_code(&mut self) -> Vec<StaleCode> {
        std::mem::take(&mut self.stale)
    }

    /// Takes the pages (as positions in the backing) written since the last call for this consumer.
    pub fn take_dirty(&mut self, consumer: Consumer) -> Vec<Offset> {
        self.take_dirty_in(0..self.backing_size(), consumer)
    }

    /// As [`Self::take_dirty`], of a part of the backing only, rounded outwards to pages.
    pub fn take_dirty_in(&mut self, part: Range<Offset>, consumer: Consumer) -> Vec<Offset> {
        let first = (part.start >> PAGE_SHIFT) as usize;
        let end = (part.end.div_ceil(PAGE_SIZE) as usize).min(self.dirty.len());
        let mut out = Vec::new();
        for (i, d) in self.dirty.iter_mut().enumerate().take(end).skip(first) {
            if *d & consumer as u8 != 0 {
                *d &= !(consumer as u8);
                out.push((i as u64) << PAGE_SHIFT);
            }
        }
        if !out.is_empty() {
            self.generation += 1; // cached "unwatched" answers are old now
        }
        out
    }

    /// Reads physical memory. Bytes that are not memory read as all ones; the answer is false if there were any.
    pub fn read(&self, addr: u64, out: &mut [u8]) -> bool {
        let mut all = true;
        let mut done = 0;
        while done < out.len() {
            let pos = addr.wrapping_add(done as u64);
            let in_page = pos & (PAGE_SIZE - 1);
            let n = (out.len() - done).min((PAGE_SIZE - in_page) as usize);
            match self.read_route(pos) {
                Route::Backing(page) => {
                    let at = (page + in_page) as usize;
                    out[done..done + n].copy_from_slice(&self.bytes[at..at + n]);
                }
                Route::Nowhere | Route::Bus => {
                    out[done..done + n].fill(0xff);
                    all = false;
                }
            }
            done += n;
        }
        all
    }

    /// Writes physical memory (CPU, DMA or loader), with tracking. Writes to ROM and to the bus are dropped;
    /// the answer is false if there were any.
    pub fn write(&mut self, addr: u64, data: &[u8]) -> bool {
        let mut all = true;
        let mut done = 0;
        while done < data.len() {
            let pos = addr.wrapping_add(done as u64);
            let in_page = pos & (PAGE_SIZE - 1);
            let n = (data.len() - done).min((PAGE_SIZE - in_page) as usize);
            match self.write_route(pos) {
                Route::Backing(page) => {
                    let at = page + in_page;
                    self.bytes[at as usize..at as usize + n].copy_from_slice(&data[done..done + n]);
                    self.note_write(at, n as u64);
                }
                Route::Nowhere | Route::Bus => all = false,
            }
            done += n;
        }
        all
    }

    /// Writes the backing itself, as when a ROM image is loaded; false when it does not fit.
    pub fn load_image(&mut self, at: Offset, data: &[u8]) -> bool {
        let Some(end) = at.checked_add(data.len() as u64).filter(|e| *e <= self.backing_size()) else {
            return false;
        };
        self.bytes[at as usize..end as usize].copy_from_slice(data);
        self.note_write(at, data.len() as u64);
        true
    }

    /// Reads a little-endian `u32` that does not cross a page; all ones where there is no memory.
    #[must_use]
    #[inline]
    pub fn read_u32(&self, addr: u64) -> u32 {
        match self.read_route(addr) {
            Route::Backing(page) => u32::from_le_bytes(self.load(page + (addr & (PAGE_SIZE - 1)))),
            Route::Nowhere | Route::Bus => u32::MAX,
        }
    }

    /// Reads a little-endian `u64` that does not cross a page; all ones where there is no memory.
    #[must_use]
    #[inline]
    pub fn read_u64(&self, addr: u64) -> u64 {
        match self.read_route(addr) {
            Route::Backing(page) => u64::from_le_bytes(self.load(page + (addr & (PAGE_SIZE - 1)))),
            Route::Nowhere | Route::Bus => u64::MAX,
        }
    }
}

#[cold]
#[inline(never)]
fn outside(at: usize) -> ! {
    panic!("position {at:#x} is outside the memory's backing")
}

/// The granules that `len` bytes at `in_page` touch. `in_page + len` is at most a page.
fn granules(in_page: u64, len: u64) -> u64 {
    let first = in_page >> GRANULE_SHIFT;
    let last = (in_page + len - 1) >> GRANULE_SHIFT;
    (u64::MAX >> (63 - last)) & (u64::MAX << first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_mapping_splits_an_earlier_one() {
        let mut mem = GuestMemory::new(0x10_0000, 0x1000);
        mem.map(0..0x10_0000, Route::Backing(0), Route::Backing(0));
        mem.map(0xa_0000..0xc_0000, Route::Bus, Route::Bus);
        mem.map(0xf_f000..0x10_0000, Route::Backing(0x10_0000), Route::Nowhere);
        assert_eq!(mem.read_route(0x9_ffff), Route::Backing(0x9_f000));
        assert_eq!(mem.read_route(0xa_0000), Route::Bus);
        assert_eq!(mem.read_route(0xc_0123), Route::Backing(0xc_0000));
        assert_eq!(mem.read_route(0xf_f800), Route::Backing(0x10_0000));
        assert_eq!(mem.write_route(0xf_f800), Route::Nowhere);
    }

    #[test]
    fn the_largest_region_is_followed_when_it_is_mapped_anew() {
        let mut mem = GuestMemory::new(0x10_0000, 0x1000);
        mem.map(0x1000..0x8000, Route::Backing(0x3000), Route::Backing(0x3000));
        mem.map(0x8000..0xa000, Route::Backing(0), Route::Nowhere);
        assert_eq!(mem.read_route(0x7fff), Route::Backing(0x9000));
        assert_eq!((mem.read_route(0xfff), mem.read_route(0x8000)), (Route::Bus, Route::Backing(0)));
        mem.map(0x2000..0x8000, Route::Backing(0), Route::Nowhere);
        assert_eq!((mem.read_route(0x1fff), mem.write_route(0x1000)), (Route::Backing(0x3000), Route::Backing(0x3000)));
        assert_eq!((mem.read_route(0x2000), mem.write_route(0x2000)), (Route::Backing(0), Route::Nowhere));
        mem.map(0..0x1_0000, Route::Bus, Route::Bus);
        assert_eq!(mem.read_route(0x1000), Route::Bus);
    }

    #[test]
    fn a_write_to_decoded_bytes_is_queued_once_and_others_are_not() {
        let mut mem = GuestMemory::flat(0x4000);
        mem.mark_code(0x1080, 64);
        mem.write(0x1000, &[1; 0x80]);
        assert!(!mem.has_stale_code(), "a neighbour in the same page is not code");
        mem.write(0x10bf, &[1, 2]);
        assert_eq!(mem.take_stale_code(), [StaleCode { page: 0x1000, granules: 1 << 2 }]);
        mem.write(0x10bf, &[1]);
        assert!(!mem.has_stale_code(), "the mark went with the decoding");
    }

    #[test]
    fn reads_past_memory_are_open_bus() {
        let mem = GuestMemory::flat(0x1000);
        let mut b = [0; 4];
        assert!(!mem.read(0xffe, &mut b));
        assert_eq!(b, [0, 0, 0xff, 0xff]);
    }

    #[test]
    fn a_card_s_window_shows_where_the_map_leaves_the_bus() {
        let mut mem = GuestMemory::new(0x4000, 0x4000);
        mem.map(0..0x2000, Route::Backing(0), Route::Backing(0));
        let id = |device| WindowId { device, index: 0 };
        mem.place_window(id(3), 0x1000..0x4000, Route::Backing(0x4000), Route::Nowhere);
        assert_eq!(mem.read_route(0x1000), Route::Backing(0x1000), "the map comes first");
        assert_eq!((mem.read_route(0x2008), mem.write_route(0x3000)), (Route::Backing(0x5000), Route::Nowhere));
        mem.place_window(id(1), 0x2000..0x3000, Route::Bus, Route::Backing(0));
        assert_eq!((mem.read_route(0x2000), mem.write_route(0x2000)), (Route::Backing(0x5000), Route::Backing(0)));
        let before = mem.generation();
        mem.place_window(id(1), 0x2000..0x3000, Route::Bus, Route::Backing(0));
        assert_eq!(mem.generation(), before, "no change, no flush");
        mem.place_window(id(3), 0..0, Route::Bus, Route::Bus);
        assert_eq!(mem.read_route(0x2000), Route::Bus);
        mem.place_window(id(3), 0x8000..0x9000, Route::Backing(0x8000), Route::Bus);
        assert_eq!(mem.read_route(0x8000), Route::Bus, "past the backing");
    }

    #[test]
    fn a_route_past_the_backing_is_the_bus() {
        let mut mem = GuestMemory::new(0x1000, 0);
        mem.map(0..0x2000, Route::Backing(0), Route::Backing(0));
        assert_eq!(mem.read_route(0), Route::Bus);
    }
}
