//! Memory that holds host code: never writable and executable at one address.
//!
//! It is filled segment by segment. When all are full, the oldest is emptied: code that is still wanted is soon there again, and the
//! rest never was missed.
//!
//! On Linux the same pages are mapped twice, once to write and once to run. Elsewhere pages change between the two.
#![allow(unsafe_code)] // mappings, and writing what is run elsewhere

use crate::Unavailable;
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
    /// Where the running segment ends, and up to where it is used.
    end: usize,
    used: usize,
}

impl CodeMemory {
    /// `size` bytes.
    ///
    /// # Errors
    /// [`Unavailable::Memory`] when the host gives none that may be run.
    pub fn new(size: usize) -> Result<Self, Unavailable> {
        let map = Map::new(size.next_multiple_of(1 << 16)).map_err(|e| Unavailable::Memory(e.to_string()))?;
        Ok(Self { end: map.len(), map, kept: 0, used: 0 })
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
        self.used = start;
        self.end = (start + self.segment()).min(self.map.len());
        let base = self.map.address();
        base + start as u64..base + self.end as u64
    }

    /// Places code; `None` when the segment has no room.
    pub fn place(&mut self, code: &[u8]) -> Option<u64> {
        let at = self.used.next_multiple_of(ALIGN);
        let end = at.checked_add(code.len()).filter(|&e| e <= self.end)?;
        self.map.write(at, code);
        self.used = end;
        Some(self.map.address() + at as u64)
    }

    /// Forgets all code but what is kept. Nothing of it may be running.
    pub fn clear(&mut self) {
        self.used = self.kept;
        self.end = (self.kept + self.segment()).min(self.map.len());
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

    fn write(&mut self, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= self.len, "the caller has made room");
        // SAFETY: in bounds by the assertion; nobody else has the writable mapping, and no code there is running.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.write.add(at), bytes.len()) };
        flush(self.address() + at as u64, bytes.len());
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

    fn write(&mut self, at: usize, bytes: &[u8]) {
        let pages = self.pages.take().expect("put back below");
        let mut pages = pages.make_mut().expect("what was writable before can be so again");
        pages[at..at + bytes.len()].copy_from_slice(bytes);
        self.pages = Some(pages.make_exec().expect("what was executable before can be so again"));
        flush(self.address + at as u64, bytes.len());
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
