//! Memory that holds host code: never writable and executable at one address.
//!
//! It is filled segment by segment. When all are full, the oldest is emptied: code that is still wanted is soon there again, and the
//! rest never was missed. What of some code hardly ever runs is put at its segment's other end, so that what does run lies close together.
//!
//! On Linux the same pages are mapped twice, once to write and once to run. Elsewhere pages change between the two.
#![allow(unsafe_code)] // mappings, and writing what is run elsewhere

use crate::Unavailable;
use crate::jumps::Branch;
use std::ops::Range;
use std::ptr;

/// Code is placed at multiples of this.
const ALIGN: usize = 16;

/// Segments at most, and bytes of one at least.
const SEGMENTS: usize = 8;
const SEGMENT: usize = 1 << 14;

/// A stretch of memory for code.
#[derive(Debug)]
pub struct CodeMemory {
    map: Map,
    /// Bytes at the start that are never given up.
    kept: usize,
    /// Where the running segment ends, up to where it is used, and from where on.
    end: usize,
    used: usize,
    cold: usize,
}

/// Where code of two parts was placed.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    pub at: u64,
    /// The offset at which the second part begins, and how many bytes further on it was put than that.
    cold: u32,
    apart: u32,
}

impl Placed {
    /// Where, from [`Self::at`] on, what was at an offset of the code has come to lie.
    pub fn offset(&self, n: u32) -> u32 {
        if n < self.cold { n } else { n + self.apart }
    }
}

impl CodeMemory {
    /// `size` bytes.
    ///
    /// # Errors
    /// [`Unavailable::Memory`] when the host gives none that may be run.
    pub fn new(size: usize) -> Result<Self, Unavailable> {
        let map = Map::new(size.next_multiple_of(1 << 16)).map_err(|e| Unavailable::Memory(e.to_string()))?;
        Ok(Self { end: map.len(), cold: map.len(), map, kept: 0, used: 0 })
    }

    /// Has the code that was placed until now stay; what follows is placed in segments.
    pub fn keep(&mut self) {
        self.kept = self.used.next_multiple_of(ALIGN);
        self.clear();
    }

    fn segment(&self) -> usize {
        let room = self.map.len() - self.kept;
        (room / (room / SEGMENT).clamp(1, SEGMENTS)).next_multiple_of(ALIGN)
    }

    /// Goes on to the next segment, the oldest. Gives the addresses of the code that is to be forgotten: none of it may be running.
    pub fn advance(&mut self) -> Range<u64> {
        let start = if self.end == self.map.len() { self.kept } else { self.end };
        self.begin(start);
        let base = self.map.address();
        base + start as u64..base + self.end as u64
    }

    /// Places code; `None` when the segment has no room.
    pub fn place(&mut self, code: &[u8]) -> Option<u64> {
        let at = self.used.next_multiple_of(ALIGN);
        let end = at.checked_add(code.len()).filter(|&e| e <= self.cold)?;
        self.map.write_all(std::iter::once((at, code)));
        self.used = end;
        Some(self.map.address() + at as u64)
    }

    /// Places code whose bytes from `cold` on hardly ever run: apart from the others, in the same segment. `across` are the displacements
    /// that lead from the one part to the other. `None` when the segment has no room.
    pub fn place_apart(&mut self, code: &mut [u8], cold: u32, across: &[u32]) -> Option<Placed> {
        let at = self.used.next_multiple_of(ALIGN);
        let behind = at.checked_add(cold as usize)?;
        let start = self.cold.checked_sub(code.len() - cold as usize).filter(|&s| s >= behind)?;
        let apart = (start - behind) as u32;
        for &from in across {
            let d = &mut code[from as usize..from as usize + 4];
            let old = i32::from_le_bytes([d[0], d[1], d[2], d[3]]);
            let by = if from < cold { apart } else { apart.wrapping_neg() };
            d.copy_from_slice(&old.wrapping_add_unsigned(by).to_le_bytes());
        }
        let (first, second) = code.split_at(cold as usize);
        self.map.write_all([(at, first), (start, second)].into_iter());
        (self.used, self.cold) = (behind, start);
        Some(Placed { at: self.map.address() + at as u64, cold, apart })
    }

    /// Has branches lead to `to`, or for 0 (or what is too far away) to where each leads when nothing is at its target.
    ///
    /// They are written by another address than they run at. The processors that have branches snoop by the physical one, and between
    /// here and the next translated code lies a way through the gate.
    pub fn lead(&mut self, branches: &[Branch], to: u64) {
        let base = self.map.address();
        let written = branches.iter().map(|b| {
            let d = |to: u64| i32::try_from(to.wrapping_sub(b.at + 4) as i64).ok().filter(|_| to != 0);
            let d = d(to).or_else(|| d(b.miss)).unwrap_or_default();
            ((b.at - base) as usize, d.to_le_bytes())
        });
        self.map.write_all(written);
    }

    /// What is at an address.
    #[cfg(test)]
    pub fn bytes(&self, at: u64, len: usize) -> &[u8] {
        assert!(at >= self.map.address() && at + len as u64 <= self.map.address() + self.map.len() as u64);
        // SAFETY: the bytes are mapped, by the assertion, and cannot change while this is borrowed.
        unsafe { std::slice::from_raw_parts(ptr::with_exposed_provenance(at as usize), len) }
    }

    /// Forgets all code but what is kept. Nothing of it may be running.
    pub fn clear(&mut self) {
        self.begin(self.kept);
    }

    /// Has what follows be placed in the segment that starts at an offset.
    fn begin(&mut self, start: usize) {
        self.used = start;
        self.end = (start + self.segment()).min(self.map.len());
        self.cold = self.end;
    }
}

#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Map {
    write: *mut u8,
    run: *mut u8,
    len: usize,
}

// SAFETY: the two mappings belong to this value alone.
#[cfg(target_os = "linux")]
unsafe impl Send for Map {}

#[cfg(target_os = "linux")]
impl Map {
    fn new(len: usize) -> std::io::Result<Self> {
        use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        let file = memfd_create("ferrite-code", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, len as u64)?;
        let map = |prot| {
            // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
            unsafe { mmap(ptr::null_mut(), len, prot, MapFlags::SHARED, &file, 0) }
        };
        let write = map(ProtFlags::READ | ProtFlags::WRITE)?.cast();
        let run = map(ProtFlags::READ | ProtFlags::EXEC)?.cast();
        Ok(Self { write, run, len })
    }

    fn len(&self) -> usize {
        self.len
    }

    fn address(&self) -> u64 {
        self.run as u64
    }

    /// Writes pieces, each to an offset.
    fn write_all<T: AsRef<[u8]>>(&mut self, pieces: impl Iterator<Item = (usize, T)>) {
        for (at, bytes) in pieces {
            let bytes = bytes.as_ref();
            assert!(at + bytes.len() <= self.len, "the caller has made room");
            // SAFETY: in bounds by the assertion; nobody else has the writable mapping, and no code there is running.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.write.add(at), bytes.len()) };
            flush(self.address() + at as u64, bytes.len());
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: both were mapped by `new` with this length, and nothing points into them any more.
        unsafe {
            let _ = rustix::mm::munmap(self.write.cast(), self.len);
            let _ = rustix::mm::munmap(self.run.cast(), self.len);
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Map {
    /// Taken out while its protection changes.
    pages: Option<memmap2::Mmap>,
    address: u64,
    len: usize,
}

#[cfg(not(target_os = "linux"))]
impl Map {
    fn new(len: usize) -> std::io::Result<Self> {
        let pages = memmap2::MmapMut::map_anon(len)?.make_exec()?;
        Ok(Self { address: pages.as_ptr() as u64, pages: Some(pages), len })
    }

    fn len(&self) -> usize {
        self.len
    }

    fn address(&self) -> u64 {
        self.address
    }

    /// Writes pieces, each to an offset.
    fn write_all<T: AsRef<[u8]>>(&mut self, pieces: impl Iterator<Item = (usize, T)>) {
        let mut pieces = pieces.peekable();
        if pieces.peek().is_none() {
            return;
        }
        let pages = self.pages.take().expect("put back below");
        let mut pages = pages.make_mut().expect("what was writable before can be so again");
        let mut written = Vec::new();
        for (at, bytes) in pieces {
            let bytes = bytes.as_ref();
            pages[at..at + bytes.len()].copy_from_slice(bytes);
            written.push((at, bytes.len()));
        }
        self.pages = Some(pages.make_exec().expect("what was executable before can be so again"));
        for (at, len) in written {
            flush(self.address + at as u64, len);
        }
    }
}

/// Makes written code visible to instruction fetches, where the host does not do that by itself.
fn flush(address: u64, len: usize) {
    // SAFETY: the range is mapped; the call changes no memory.
    let _ = unsafe { wasmtime_internal_jit_icache_coherence::clear_cache(address as *const _, len) };
    let _ = wasmtime_internal_jit_icache_coherence::pipeline_flush_mt();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hardly_ever_runs_is_put_at_the_other_end_and_found_from_both() {
        let Ok(mut memory) = CodeMemory::new(1 << 16) else { return };
        let (mut last, mut first) = (0, u64::MAX);
        let mut placed = 0;
        loop {
            // jmp to the second part, and back.
            let mut code = [0x90, 0xe9, 2, 0, 0, 0, 0xcc, 0xcc, 0x90, 0xe9, 0xf2, 0xff, 0xff, 0xff];
            let Some(at) = memory.place_apart(&mut code, 8, &[2, 10]) else { break };
            let cold = at.at + u64::from(at.offset(8));
            assert_eq!((at.offset(7), cold - at.at >= 8), (7, true));
            let lead = |from: u64, len: u64| {
                let d = memory.bytes(from + len - 4, 4);
                (from + len).wrapping_add_signed(i32::from_le_bytes([d[0], d[1], d[2], d[3]]).into())
            };
            assert_eq!((lead(at.at + 1, 5), lead(cold + 1, 5)), (cold, at.at));
            assert!(at.at >= last && cold + 6 <= first && at.at + 8 <= cold, "{at:x?}");
            (last, first) = (at.at + 8, cold);
            placed += 1;
        }
        assert!(placed > 500 && first - last < 32, "{placed}: {last:x} {first:x}");
        let gone = memory.advance();
        assert!(memory.place_apart(&mut [0; 16], 8, &[]).is_some_and(|p| gone.contains(&p.at)));
    }

    #[test]
    fn the_oldest_segment_gives_way_and_what_is_kept_stays() {
        let Ok(mut memory) = CodeMemory::new(1 << 16) else { return };
        let kept = memory.place(&[0xc3; 100]).expect("room");
        memory.keep();
        let piece = vec![0x90; SEGMENT / 3];
        let (mut live, mut emptied) = (Vec::<u64>::new(), 0);
        for n in 0..100 {
            let at = memory.place(&piece).unwrap_or_else(|| {
                let gone = memory.advance();
                assert!(!gone.contains(&kept), "{gone:x?}");
                let before = live.len();
                live.retain(|at| !gone.contains(at));
                emptied += usize::from(live.len() < before);
                memory.place(&piece).expect("an empty segment has room")
            });
            let len = piece.len() as u64;
            assert!(at >= kept + 100 && live.iter().all(|&o| at + len <= o || o + len <= at), "{n}: {at:x} {live:x?}");
            live.push(at);
            assert!(live.windows(2).all(|w| w[0] != w[1]) && live.len() >= 6.min(n + 1), "{n}: {}", live.len());
        }
        assert!(emptied > 20, "{emptied}");
        assert_eq!(memory.place(&[0; 2 * SEGMENT]), None, "more than a segment");
    }
}
