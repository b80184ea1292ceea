//! Decoded code by physical page.
//!
//! A block is a run of instructions in one page of the memory's backing, decoded under one code size, that ends behind a
//! control transfer, at the page's end, or at [`MAX_BLOCK`] instructions. It is found by the position of its first
//! byte: how it is mapped, and what CPL or segment base it runs under, does not matter.
//! Writes to decoded bytes make the blocks of the 64-byte granules they touch stale. Most such writes are to data beside the code, so a
//! stale block keeps what it was decoded from, and comes back when its bytes are still the same.

use super::decode::{self, MAX_LENGTH};
use super::insn::Insn;
use crate::cpu::Exception;
use crate::cpu::model::ModelName;
use crate::exec::{CodeSize, Exec};
use crate::large::{self, Large};
use crate::memory::{GuestMemory, Offset, PAGE_SHIFT, PAGE_SIZE, Route, StaleCode};
use std::ops::Range;

/// Instructions in a block at most.
pub const MAX_BLOCK: usize = 32;
/// Slots of the first-level table. A power of two.
const SLOTS: usize = 1 << 17;
/// Decoded instructions kept before everything is dropped: 2 Mi, 80 MiB.
const MAX_INSNS: usize = 1 << 21;
const NO_KEY: u64 = u64::MAX;

/// A block's number.
pub type BlockId = u32;

/// What to run next.
#[derive(Debug)]
pub enum Entry {
    /// A cached block.
    Block(BlockId),
    /// One instruction that is not cached: it crosses a page, or is not in memory.
    Single(Insn),
}

#[derive(Clone, Copy, Debug)]
struct Block {
    key: u64,
    first: u32,
    count: u16,
    /// Length in bytes.
    bytes: u16,
    /// Blocks in the same page that ran after this one, by the distance of their first bytes: the likely
    /// successors, found without the TLB or the table.
    links: [Link; 2],
    /// Where the bytes that it was decoded from are kept.
    text: u32,
    /// The key that it had, once a write has made it stale; its `key` is [`NO_KEY`] then.
    stale: u64,
    /// The page of the backing that holds the rest, for a block of one instruction that crosses into it; else [`NO_TAIL`].
    tail: Offset,
}

/// The block lies in one page.
const NO_TAIL: Offset = Offset::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    delta: u64,
    id: BlockId,
}

impl Link {
    /// No instruction pointer moves this far inside a page.
    const NONE: Self = Self { delta: u64::MAX, id: 0 };
}

/// See the module's text.
pub struct BlockCache {
    insns: Vec<Insn>,
    text: Vec<u8>,
    blocks: Vec<Block>,
    slots: Large<(u64, BlockId), SLOTS>,
    pages: Vec<Vec<BlockId>>,
    /// Blocks decoded since the start.
    pub decoded: u64,
    /// Times that everything was dropped: numbers of blocks begin anew then.
    pub cleared: u64,
}

impl std::fmt::Debug for BlockCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockCache").field("blocks", &self.blocks.len()).finish_non_exhaustive()
    }
}

impl Default for BlockCache {
    fn default() -> Self {
        Self {
            insns: Vec::new(),
            text: Vec::new(),
            blocks: Vec::new(),
            slots: Large::new((NO_KEY, 0)),
            pages: Vec::new(),
            decoded: 0,
            cleared: 0,
        }
    }
}

const fn key(at: Offset, code: CodeSize) -> u64 {
    at << 2 | code as u64
}

const fn slot(key: u64) -> usize {
    ((key ^ key >> 17) as usize) & (SLOTS - 1)
}

impl Block {
    /// Whether all of the block, at the instruction pointer, lies inside the code segment.
    #[inline(always)]
    fn fits(&self, x: &Exec) -> bool {
        x.st.rip().wrapping_sub(x.ctx.ip_lo).wrapping_add(u64::from(self.bytes) - 1) <= x.ctx.ip_span
    }

    /// Whether the page behind that of `lin`, where the block starts, is mapped to where its tail was decoded.
    #[inline(always)]
    fn tail_mapped(&self, x: &Exec, lin: u64) -> bool {
        if self.tail == NO_TAIL {
            return true;
        }
        x.fetched(next_page(x, lin)) == Some(self.tail)
    }

    /// The granules of `page`, one of its pages, that the block's bytes touch.
    fn granules(&self, page: Offset) -> u64 {
        let from = (self.key >> 2) & (PAGE_SIZE - 1);
        let run = from..from + u64::from(self.bytes);
        granules_across(page, (self.key >> 2) - from, Some(self.tail), &run)
    }
}

impl BlockCache {
    /// The instructions of a block.
    #[must_use]
    #[inline(always)]
    pub fn insns(&self, id: BlockId) -> &[Insn] {
        let b = &self.blocks[id as usize];
        &self.insns[b.first as usize..b.first as usize + usize::from(b.count)]
    }

    /// The live block that begins at a position and lies in one page.
    #[must_use]
    pub fn find(&self, at: Offset, code: CodeSize) -> Option<BlockId> {
        let key = key(at, code);
        let list = self.pages.get((at >> PAGE_SHIFT) as usize)?;
        list.iter().copied().find(|&id| self.blocks[id as usize].key == key && self.blocks[id as usize].tail == NO_TAIL)
    }

    /// Where a block begins, and its length in bytes; `None` for one that is out of use or crosses into another page.
    #[must_use]
    pub fn place(&self, id: BlockId) -> Option<(Offset, u16)> {
        let b = self.blocks.get(id as usize)?;
        (b.key != NO_KEY && b.tail == NO_TAIL).then_some((b.key >> 2, b.bytes))
    }

    /// As [`Self::place`], of any block, and the page of the backing that holds the rest of one that crosses into it.
    #[must_use]
    pub fn place_across(&self, id: BlockId) -> Option<(Offset, u16, Option<Offset>)> {
        let b = self.blocks.get(id as usize).filter(|b| b.key != NO_KEY)?;
        Some((b.key >> 2, b.bytes, (b.tail != NO_TAIL).then_some(b.tail)))
    }

    /// The block that follows `from`, which began at the instruction pointer `start`, if it is one of the two in the
    /// same page that followed before. The mapping, code segment and mode must not have changed in between.
    #[must_use]
    #[inline(always)]
    pub fn follow(&self, x: &Exec, from: BlockId, start: u64) -> Option<BlockId> {
        let delta = x.st.rip().wrapping_sub(start);
        let b = &self.blocks[from as usize];
        let id = if b.links[0].delta == delta {
            b.links[0].id
        } else if b.links[1].delta == delta {
            b.links[1].id
        } else {
            return None;
        };
        // A block that was dropped has lost its key.
        let next = &self.blocks[id as usize];
        (next.key == b.key.wrapping_add(delta << 2) && next.fits(x)).then_some(id)
    }

    /// Notes that `to` ran after `from`.
    pub fn link(&mut self, from: BlockId, to: BlockId) {
        // `from` may be of the time before everything was dropped; a wrong link does not survive the check of keys.
        let Some(a) = self.blocks.get(from as usize).map(|b| b.key) else { return };
        let b = self.blocks[to as usize].key;
        let page = |key: u64| key >> (PAGE_SHIFT + 2);
        if self.blocks[to as usize].tail != NO_TAIL
            || a == NO_KEY
            || b == NO_KEY
            || page(a) != page(b)
            || (a ^ b) & 3 != 0
        {
            return;
        }
        let links = &mut self.blocks[from as usize].links;
        links[1] = links[0];
        links[0] = Link { delta: (b >> 2).wrapping_sub(a >> 2), id: to };
    }

    /// Drops everything.
    pub fn clear(&mut self, mem: &mut GuestMemory) {
        self.cleared += 1;
        self.insns.clear();
        self.text.clear();
        self.blocks.clear();
        self.slots.fill((NO_KEY, 0));
        self.pages.clear();
        mem.forget_code();
    }

    /// Takes the blocks that a write has made stale out of use.
    pub fn invalidate(&mut self, stale: StaleCode) {
        let Some(list) = self.pages.get_mut((stale.page >> PAGE_SHIFT) as usize) else { return };
        let blocks = &mut self.blocks;
        let slots = &mut self.slots;
        list.retain(|&id| {
            let b = &mut blocks[id as usize];
            if b.stale != NO_KEY || b.key != NO_KEY && b.granules(stale.page) & stale.granules == 0 {
                return true;
            }
            let s = &mut slots[slot(b.key)];
            if s.0 == b.key {
                s.0 = NO_KEY;
            }
            // What links here, and the list of its other page, see that it is gone.
            let key = std::mem::replace(&mut b.key, NO_KEY);
            // One of two pages is not worth watching over.
            if b.tail == NO_TAIL {
                b.stale = key;
            }
            b.stale != NO_KEY
        });
    }

    /// What runs at the instruction pointer.
    ///
    /// # Errors
    /// The fault of the fetch or of the decoding: `#GP`, `#PF`, `#UD`.
    #[inline]
    pub fn lookup(&mut self, x: &mut Exec) -> Result<Entry, Exception> {
        let lin = x.fetch_address();
        if let Some(at) = x.fetched(lin) {
            let key = key(at, x.ctx.code);
            let (found, id) = self.slots[slot(key)];
            if found == key {
                let b = &self.blocks[id as usize];
                if b.fits(x) && b.tail_mapped(x, lin) {
                    return Ok(Entry::Block(id));
                }
            }
        }
        self.lookup_slow(x, lin)
    }

    #[cold]
    #[inline(never)]
    fn lookup_slow(&mut self, x: &mut Exec, lin: u64) -> Result<Entry, Exception> {
        if x.model.name == ModelName::I8086 {
            let ip = x.st.rip() & 0xffff;
            if ip != x.st.rip() {
                x.st.set_rip(ip);
                return self.lookup(x);
            }
        }
        let room = fetch_room(x)?;
        let Some(at) = backing_of(x, lin)? else { return self.single(x, lin, room) };
        let in_page = at & (PAGE_SIZE - 1);
        let page = at - in_page;
        let key = key(at, x.ctx.code);
        let index = (page >> PAGE_SHIFT) as usize;
        if self.pages.len() <= index {
            self.pages.resize(index + 1, Vec::new());
        }
        let known = self.pages[index].iter().position(|&id| {
            let b = &self.blocks[id as usize];
            b.key == key || b.stale == key
        });
        let known = known.and_then(|i| self.revive(x, index, i, at));
        if let Some(id) = known {
            let b = self.blocks[id as usize];
            if b.tail != NO_TAIL {
                // Maps the tail, or raises the fault of its fetch; a tail mapped elsewhere is decoded anew.
                let mapped = u64::from(b.bytes) <= room && backing_of(x, next_page(x, lin))? == Some(b.tail);
                if !mapped {
                    return self.single(x, lin, room);
                }
            }
            if u64::from(b.bytes) <= room {
                self.slots[slot(key)] = (key, id);
                return Ok(Entry::Block(id));
            }
        }
        let avail = (PAGE_SIZE - in_page).min(room) as usize;
        if self.insns.len() + MAX_BLOCK > MAX_INSNS {
            self.clear(&mut x.sys.mem);
            self.pages.resize(index + 1, Vec::new());
        }
        let first = self.insns.len();
        large::reserve(&mut self.insns, MAX_BLOCK);
        let mut bytes = 0usize;
        while self.insns.len() - first < MAX_BLOCK && bytes < avail {
            let from = at as usize + bytes;
            let window = &x.sys.mem.backing()[from..from + (avail - bytes).min(MAX_LENGTH)];
            let Ok(mut insn) = decode::decode(window, x.ctx.code, &x.model) else { break };
            bytes += usize::from(insn.len);
            insn.end = bytes as u16;
            let ends = insn.has(super::insn::flag::ENDS);
            self.insns.push(insn);
            if ends {
                break;
            }
        }
        let count = self.insns.len() - first;
        if count == 0 {
            // The first instruction needs bytes of the next page (or is too long, or invalid).
            if known.is_none()
                && let Some(entry) = self.crossing(x, lin, at, room)?
            {
                return Ok(entry);
            }
            return self.single(x, lin, room);
        }
        let text = self.text.len() as u32;
        large::reserve(&mut self.text, bytes);
        self.text.extend_from_slice(&x.sys.mem.backing()[at as usize..at as usize + bytes]);
        let (first, count, bytes) = (first as u32, count as u16, bytes as u16);
        let links = [Link::NONE; 2];
        Ok(self.enter(x, Block { key, first, count, bytes, links, text, stale: NO_KEY, tail: NO_TAIL }))
    }

    /// The block at place `i` of a page's list: as it is, or back in use if it is stale and its bytes, at `at`, are those that it was
    /// decoded from. One with other bytes leaves the list.
    fn revive(&mut self, x: &mut Exec, index: usize, i: usize, at: Offset) -> Option<BlockId> {
        let id = self.pages[index][i];
        let b = &mut self.blocks[id as usize];
        if b.stale == NO_KEY {
            return Some(id);
        }
        let len = usize::from(b.bytes);
        let now = &x.sys.mem.backing()[at as usize..at as usize + len];
        if now != &self.text[b.text as usize..b.text as usize + len] {
            b.stale = NO_KEY;
            self.pages[index].swap_remove(i);
            return None;
        }
        b.key = std::mem::replace(&mut b.stale, NO_KEY);
        watch(x, at & !(PAGE_SIZE - 1), at, len as u64);
        Some(id)
    }

    /// Puts a decoded block where it will be found, and its bytes under watch.
    fn enter(&mut self, x: &mut Exec, b: Block) -> Entry {
        let id = self.blocks.len() as BlockId;
        let at = b.key >> 2;
        let page = at & !(PAGE_SIZE - 1);
        let here = u64::from(b.bytes).min(page + PAGE_SIZE - at);
        let mut enlist = |page: Offset, at: Offset, len: u64| {
            watch(x, page, at, len);
            let index = (page >> PAGE_SHIFT) as usize;
            if self.pages.len() <= index {
                self.pages.resize(index + 1, Vec::new());
            }
            self.pages[index].push(id);
        };
        enlist(page, at, here);
        if b.tail != NO_TAIL {
            enlist(b.tail, b.tail, u64::from(b.bytes) - here);
        }
        self.slots[slot(b.key)] = (b.key, id);
        large::reserve(&mut self.blocks, 1);
        self.blocks.push(b);
        self.decoded += 1;
        Entry::Block(id)
    }

    /// The instruction at `lin`, at `at` in the backing, that crosses into the next page, as a block of its own. `None` where
    /// that cannot be cached.
    fn crossing(&mut self, x: &mut Exec, lin: u64, at: Offset, room: u64) -> Result<Option<Entry>, Exception> {
        let here = (PAGE_SIZE - (at & (PAGE_SIZE - 1))) as usize;
        if here >= MAX_LENGTH || room <= here as u64 {
            return Ok(None);
        }
        let mut buf = [0; MAX_LENGTH];
        buf[..here].copy_from_slice(&x.sys.mem.backing()[at as usize..at as usize + here]);
        let Err(decode::Error::Short) = decode::decode(&buf[..here], x.ctx.code, &x.model) else { return Ok(None) };
        let Some(tail) = backing_of(x, next_page(x, lin))? else { return Ok(None) };
        let len = MAX_LENGTH.min(room as usize);
        buf[here..len].copy_from_slice(&x.sys.mem.backing()[tail as usize..tail as usize + len - here]);
        let Ok(mut insn) = decode::decode(&buf[..len], x.ctx.code, &x.model) else { return Ok(None) };
        insn.end = u16::from(insn.len);
        let first = self.insns.len() as u32;
        let bytes = u16::from(insn.len);
        self.insns.push(insn);
        let key = key(at, x.ctx.code);
        Ok(Some(
            self.enter(x, Block { key, first, count: 1, bytes, links: [Link::NONE; 2], text: 0, stale: NO_KEY, tail }),
        ))
    }

    /// Decodes one instruction byte by byte, as the processor would fetch it.
    fn single(&mut self, x: &mut Exec, lin: u64, room: u64) -> Result<Entry, Exception> {
        let mut buf = [0u8; MAX_LENGTH];
        let mut have = 0;
        let wrap = x.model.name == ModelName::I8086;
        let cs = x.ctx.win[1].base;
        let ip = x.st.rip();
        loop {
            if have == MAX_LENGTH {
                return Err(Exception::gp(0)); // longer than 15 bytes
            }
            if !wrap && have as u64 >= room {
                return Err(Exception::gp(0));
            }
            let at = if wrap {
                cs.wrapping_add(ip.wrapping_add(have as u64) & 0xffff) & x.ctx.lin_mask
            } else {
                lin.wrapping_add(have as u64) & x.ctx.lin_mask
            };
            let phys = x.fetch_translate(at)?;
            buf[have] = x.phys_read(phys, 1) as u8;
            have += 1;
            match decode::decode(&buf[..have], x.ctx.code, &x.model) {
                Ok(mut insn) => {
                    insn.end = u16::from(insn.len);
                    return Ok(Entry::Single(insn));
                }
                Err(decode::Error::Short) => {}
                Err(decode::Error::Fault(e)) => return Err(e),
            }
        }
    }
}

/// The granules of a page that the bytes from an offset in it to another (behind the last) touch; at least one.
#[must_use]
pub fn granules(from: u64, end: u64) -> u64 {
    let last = end.max(from + 1) - 1;
    (u64::MAX >> (63 - (last >> 6))) & (u64::MAX << (from >> 6))
}

/// The granules of `page` that a run of bytes touches: it lies at offsets of the page `own`, and goes on at the start of `tail` where it is
/// longer than that. Both may be one page.
#[must_use]
pub fn granules_across(page: Offset, own: Offset, tail: Option<Offset>, run: &Range<u64>) -> u64 {
    let head = if page == own { granules(run.start, run.end.min(PAGE_SIZE)) } else { 0 };
    let behind = if tail == Some(page) { granules(0, run.end - PAGE_SIZE) } else { 0 };
    head | behind
}

/// Marks bytes of a page as decoded, so that writes to them are noticed.
pub fn watch(x: &mut Exec, page: Offset, at: Offset, len: u64) {
    if !x.sys.mem.holds_code(page) {
        x.tlb.protect(x.sys.mem.base().wrapping_add(page));
    }
    x.sys.mem.mark_code(at, len);
}

/// The linear address of the page behind that of `lin`.
#[inline(always)]
fn next_page(x: &Exec, lin: u64) -> u64 {
    ((lin | (PAGE_SIZE - 1)).wrapping_add(1)) & x.ctx.lin_mask
}

/// The position in the backing that `lin` is fetched from; `None` when it is not memory.
fn backing_of(x: &mut Exec, lin: u64) -> Result<Option<Offset>, Exception> {
    if let Some(at) = x.fetched(lin) {
        return Ok(Some(at));
    }
    let phys = x.fetch_translate(lin)?;
    let phys = x.sys.mem.a20(phys);
    Ok(match x.sys.mem.read_route(phys) {
        Route::Backing(page) => Some(page + (phys & (PAGE_SIZE - 1))),
        _ => None,
    })
}

/// Bytes from the instruction pointer to the end of the code segment, at least 1.
fn fetch_room(x: &Exec) -> Result<u64, Exception> {
    let from = x.st.rip().wrapping_sub(x.ctx.ip_lo);
    if from > x.ctx.ip_span {
        return Err(Exception::gp(0));
    }
    Ok((x.ctx.ip_span - from).saturating_add(1))
}
