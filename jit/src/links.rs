//! Branches between translations of one page: what lies around a region's code for them.
//!
//! A way to a place of the running page is a branch of the host with a displacement of 32 bits, which is written anew when code at its
//! target comes and goes (see [`crate::jumps`]). While nothing is there it leads to a *miss* behind the region's code, which
//! returns to the engine. A branch passes no code word, so that a region that wants one has *entries* in front of its code,
//! which supply it. Intel SDM Vol. 2A, "JMP", "LEA".

use crate::abi::{self, MAX_ENTRIES, Reason};
use crate::draft;

/// Whether this host has them.
pub const AVAILABLE: bool = draft::AVAILABLE;

/// A branch in code: the offsets of its displacement and of its miss, and the offset in the page that it is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub at: u32,
    pub miss: u32,
    pub to: u16,
}

impl Link {
    /// Whether it lies in code of a length, and leads into the page.
    pub fn is_sound(&self, len: usize) -> bool {
        let fits = |at: u32, n| (at as usize).saturating_add(n) <= len;
        fits(self.at, 4) && fits(self.miss, 1) && u64::from(self.to) < ferrite_core::memory::PAGE_SIZE
    }
}

/// Bytes of an entry, of which 12 are used: what lies behind any number of them is aligned as code is, whose low bits say which entry.
pub const ENTRY: usize = MAX_ENTRIES;

/// Appends the miss of the branch whose displacement is at `at`, and has it lead there.
pub fn add_miss(code: &mut Vec<u8>, at: u32, to: u16) -> Link {
    let miss = code.len() as u32;
    code.push(0xb8); // mov eax, result
    code.extend(abi::word_of(Reason::Next, to).to_le_bytes());
    code.extend([0xff, 0xa7]); // jmp [rdi + disp]
    code.extend(abi::word(abi::DRAFT_LEAVE).to_le_bytes());
    put(code, at as usize, miss as usize);
    Link { at, miss, to }
}

/// The entries of a region with `count` of them, from the last to the first: code that the region's follows.
pub fn entries(count: usize) -> Vec<u8> {
    let region = count * ENTRY;
    let mut code = vec![0xcc; region]; // int3
    for n in 0..count {
        let at = region - (n + 1) * ENTRY;
        code[at..at + 3].copy_from_slice(&[0x48, 0x8d, 0x0d]); // lea rcx, [rip + disp]
        put(&mut code, at + 3, region + n);
        code[at + 7] = 0xe9; // jmp
        put(&mut code, at + 8, region);
    }
    code
}

/// Writes the displacement at `at` that leads to `to`.
fn put(code: &mut [u8], at: usize, to: usize) {
    let d = (to as i64 - (at as i64 + 4)) as i32;
    code[at..at + 4].copy_from_slice(&d.to_le_bytes());
}
