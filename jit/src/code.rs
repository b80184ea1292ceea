//! Memory that holds host code: never writable and executable at one address.
//!
//! On Linux the same pages are mapped twice, once to write and once to run. Elsewhere pages change between the two.
#![allow(unsafe_code)] // mappings, and writing what is run elsewhere

use crate::Unavailable;
use std::ptr;

/// Code is placed at multiples of this.
const ALIGN: usize = 16;

/// A stretch of memory for code, filled from its start.
#[derive(Debug)]
pub struct CodeMemory {
    map: Map,
    used: usize,
}

impl CodeMemory {
    /// `size` bytes.
    ///
    /// # Errors
    /// [`Unavailable::Memory`] when the host gives none that may be run.
    pub fn new(size: usize) -> Result<Self, Unavailable> {
        Ok(Self {
            map: Map::new(size.next_multiple_of(1 << 16)).map_err(|e| Unavailable::Memory(e.to_string()))?,
            used: 0,
        })
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Places code; `None` when there is no room. `patch` may change the bytes, knowing where they will run.
    pub fn place(&mut self, code: &[u8], patch: impl FnOnce(&mut [u8])) -> Option<u64> {
        let at = self.used.next_multiple_of(ALIGN);
        let end = at.checked_add(code.len()).filter(|&e| e <= self.map.len())?;
        let mut bytes = code.to_vec();
        patch(&mut bytes);
        self.map.write(at, &bytes);
        self.used = end;
        Some(self.map.address() + at as u64)
    }

    /// Leaves out bytes at the start.
    pub fn skip(&mut self, bytes: usize) {
        self.used += bytes;
    }

    /// Forgets all code. Nothing of it may be running.
    pub fn clear(&mut self) {
        self.used = 0;
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
