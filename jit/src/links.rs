//! Branches between translations of one page: what lies around a region's code for them.
//!
//! A way to a place of the running page is a branch of the host with a displacement of 32 bits, which is written anew when code at its
//! target comes and goes (see [`crate::jumps`]). While nothing is there it leads to a *miss* behind the region's code, which
//! returns to the engine. A branch passes no code word, so that a region that wants one has *entries* in front of its code,
//! which supply it. Intel SDM Vol. 2A, "JMP", "LEA".

use crate::abi::{self, MAX_ENTRIES, Reason};
use crate::draft;
use iced_x86::Instruction;

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

/// Whether an instruction goes to what it reads from always the same place, as stubs of dynamic linkers do: it mostly is one place
/// itself.
pub fn mostly_to_one_place(ins: &Instruction) -> bool {
    use iced_x86::{FlowControl, OpKind, Register};
    let base = ins.memory_base();
    matches!(ins.flow_control(), FlowControl::IndirectBranch | FlowControl::IndirectCall)
        && ins.op0_kind() == OpKind::Memory
        && ins.memory_index() == Register::None
        && (base == Register::None || ins.is_ip_rel_memory_operand())
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

#[cfg(test)]
mod tests {
    use super::*;
    use iced_x86::{Decoder, DecoderOptions};

    #[test]
    fn only_what_reads_where_to_go_from_one_place_mostly_goes_to_one() {
        let stub = |bits, code: &[u8]| mostly_to_one_place(&Decoder::new(bits, code, DecoderOptions::NONE).decode());
        assert!(stub(64, &[0xff, 0x25, 0, 0x10, 0, 0]), "jmp [rip + 1000h]");
        assert!(stub(64, &[0xff, 0x15, 0, 0x10, 0, 0]), "call [rip + 1000h]");
        assert!(stub(64, &[0xff, 0x14, 0x25, 0, 0x10, 0, 0]), "call [1000h]");
        assert!(stub(32, &[0xff, 0x25, 0, 0x10, 0, 0]), "jmp [1000h]");
        assert!(!stub(32, &[0xff, 0x24, 0x85, 0, 0x10, 0, 0]), "jmp [eax*4 + 1000h]");
        assert!(!stub(64, &[0xff, 0x60, 0x10]), "jmp [rax + 10h]");
        assert!(!stub(64, &[0xff, 0xe0]), "jmp rax");
        assert!(!stub(64, &[0xc3]), "ret");
        assert!(!stub(64, &[0xff, 0x35, 0, 0x10, 0, 0]), "push [rip + 1000h]");
        assert!(!stub(64, &[0xe9, 0, 0x10, 0, 0]), "jmp: that is known without reading");
    }
}
