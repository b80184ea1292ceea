//! The page walker. Intel SDM Vol. 3A, "Paging": 32-bit, PAE and 4-level paging, accessed and dirty
//! flags, access rights, page-fault exceptions.
//!
//! *Not modelled:* memory types (PAT, PCD, PWT), protection keys, 5-level paging. What is remembered of global pages, and with
//! process-context identifiers, is [`super::tlb`]'s and [`super::known`]'s matter.

use crate::cpu::state::{CpuState, cr0, cr4, efer};
use crate::memory::GuestMemory;

/// What a linear access is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A data read.
    Read,
    /// A data write, or a read whose result will be written back.
    Write,
    /// An instruction fetch.
    Fetch,
}

/// What the walker needs to know beyond the page tables.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    /// What the access is for.
    pub access: Access,
    /// A user-mode access (CPL 3 and not implicit).
    pub user: bool,
    /// Supervisor access to user pages is prohibited (CR4.SMAP, and EFLAGS.AC is clear or the access implicit).
    pub smap: bool,
    /// Physical-address bits of the model.
    pub phys_bits: u32,
    /// The model has 1-GiB pages.
    pub gib_pages: bool,
    /// Accessed and dirty flags are set. Without, a walk that would set one fails instead, and nothing is changed.
    pub marks: bool,
}

/// A translation that the access is allowed to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// Physical address.
    pub phys: u64,
    /// Writes are allowed and the dirty flag is set, so later writes need no walk.
    pub write_ready: bool,
    /// Data reads are allowed by the same walk.
    pub readable: bool,
    /// Instruction fetches are allowed by the same walk.
    pub fetchable: bool,
    /// log2 of the page's size.
    pub page_bits: u32,
    /// A global page, with CR4.PGE set: a load of CR3 does not take it.
    pub global: bool,
}

const P: u64 = 1 << 0;
const RW: u64 = 1 << 1;
const US: u64 = 1 << 2;
const A: u64 = 1 << 5;
const D: u64 = 1 << 6;
const PS: u64 = 1 << 7;
const G: u64 = 1 << 8;
const NX: u64 = 1 << 63;

/// Page-fault error code bits. SDM Vol. 3A, "Page-Fault Exceptions".
pub mod code {
    /// The page was present: a rights violation.
    pub const P: u32 = 1 << 0;
    /// A write.
    pub const W: u32 = 1 << 1;
    /// A user-mode access.
    pub const U: u32 = 1 << 2;
    /// A reserved bit was set.
    pub const RSVD: u32 = 1 << 3;
    /// An instruction fetch (reported with NX or SMEP enabled).
    pub const ID: u32 = 1 << 4;
}

/// Rights gathered on the way down.
struct Rights {
    writable: bool,
    user: bool,
    nx: bool,
}

/// Translates `lin`, setting accessed and dirty flags as the processor does.
///
/// # Errors
/// The `#PF` error code. Nothing but accessed flags of paging-structure entries above the failing one was changed. Where it was not to
/// mark: any code.
pub fn translate(st: &CpuState, mem: &mut GuestMemory, lin: u64, w: Walk) -> Result<Translation, u32> {
    if st.cr0 & cr0::PG == 0 {
        return Ok(Translation {
            phys: lin,
            write_ready: true,
            readable: true,
            fetchable: true,
            page_bits: 12,
            global: false,
        });
    }
    if st.long_mode() {
        walk_long(st, mem, lin, w)
    } else if st.cr4 & cr4::PAE != 0 {
        let entry = st.pdpte[(lin >> 30 & 3) as usize];
        if entry & P == 0 {
            return Err(fault(st, w, false, false));
        }
        let rights = Rights { writable: true, user: true, nx: false };
        walk_wide(st, mem, lin, w, entry & phys_mask(w), 1, rights)
    } else {
        walk_legacy(st, mem, lin, w)
    }
}

fn phys_mask(w: Walk) -> u64 {
    ((1u64 << w.phys_bits) - 1) & !0xfff
}

/// The error code of a fault. `present` tells a violation from a missing page.
fn fault(st: &CpuState, w: Walk, present: bool, reserved: bool) -> u32 {
    let fetch_reported = (st.cr4 & cr4::PAE != 0 && st.msr.efer & efer::NXE != 0) || st.cr4 & cr4::SMEP != 0;
    let mut c = 0;
    if present {
        c |= code::P;
    }
    if w.access == Access::Write {
        c |= code::W;
    }
    if w.user {
        c |= code::U;
    }
    if reserved {
        c |= code::P | code::RSVD;
    }
    if w.access == Access::Fetch && fetch_reported {
        c |= code::ID;
    }
    c
}

/// What the gathered rights allow this asker: (read, write, fetch).
fn allowed(st: &CpuState, w: Walk, r: &Rights) -> (bool, bool, bool) {
    let nx = r.nx && st.msr.efer & efer::NXE != 0;
    if w.user {
        (r.user, r.user && r.writable, r.user && !nx)
    } else {
        let data = !r.user || !w.smap;
        let write = data && (r.writable || st.cr0 & cr0::WP == 0);
        let smep = r.user && st.cr4 & cr4::SMEP != 0;
        let fetch = !nx && !smep;
        (data, write, fetch)
    }
}

fn finish(
    st: &CpuState,
    w: Walk,
    r: &Rights,
    phys: u64,
    leaf: u64,
    mut write_leaf: impl FnMut(u64),
) -> Result<Translation, u32> {
    let (read, write, fetch) = allowed(st, w, r);
    let ok = match w.access {
        Access::Read => read,
        Access::Write => write,
        Access::Fetch => fetch,
    };
    if !ok {
        return Err(fault(st, w, true, false));
    }
    let mut new = leaf | A;
    if w.access == Access::Write {
        new |= D;
    }
    if new != leaf {
        if !w.marks {
            return Err(0);
        }
        write_leaf(new);
    }
    let global = leaf & G != 0 && st.cr4 & cr4::PGE != 0;
    Ok(Translation {
        phys,
        write_ready: write && new & D != 0,
        readable: read,
        fetchable: fetch,
        page_bits: 12,
        global,
    })
}

fn walk_legacy(st: &CpuState, mem: &mut GuestMemory, lin: u64, w: Walk) -> Result<Translation, u32> {
    let pde_at = (st.cr3 & 0xffff_f000) | (lin >> 20 & 0xffc);
    let pde = u64::from(mem.read_u32(pde_at));
    if pde & P == 0 {
        return Err(fault(st, w, false, false));
    }
    let mut r = Rights { writable: pde & RW != 0, user: pde & US != 0, nx: false };
    if pde & PS != 0 && st.cr4 & cr4::PSE != 0 {
        // PSE-36: bits 20:13 of the entry are physical address bits 39:32; bit 21 is reserved, as are those
        // above the model's physical width.
        let high = (pde >> 13 & 0xff) << 32;
        if pde >> 21 & 1 != 0 || high >> w.phys_bits != 0 {
            return Err(fault(st, w, true, true));
        }
        let phys = high | (pde & 0xffc0_0000) | (lin & 0x3f_ffff);
        let t = finish(st, w, &r, phys, pde, |v| put32(mem, pde_at, v))?;
        return Ok(Translation { page_bits: 22, ..t });
    }
    let pte_at = (pde & 0xffff_f000) | (lin >> 10 & 0xffc);
    let pte = u64::from(mem.read_u32(pte_at));
    if pde & A == 0 {
        if !w.marks {
            return Err(0);
        }
        put32(mem, pde_at, pde | A);
    }
    if pte & P == 0 {
        return Err(fault(st, w, false, false));
    }
    r.writable &= pte & RW != 0;
    r.user &= pte & US != 0;
    finish(st, w, &r, (pte & 0xffff_f000) | (lin & 0xfff), pte, |v| put32(mem, pte_at, v))
}

fn walk_long(st: &CpuState, mem: &mut GuestMemory, lin: u64, w: Walk) -> Result<Translation, u32> {
    let rights = Rights { writable: true, user: true, nx: false };
    walk_wide(st, mem, lin, w, st.cr3 & phys_mask(w), 3, rights)
}

/// Entries of 64 bits, from `level` (3 = PML4, 1 = page directory) down to the page table.
fn walk_wide(
    st: &CpuState,
    mem: &mut GuestMemory,
    lin: u64,
    w: Walk,
    mut table: u64,
    level: u32,
    mut r: Rights,
) -> Result<Translation, u32> {
    let nxe = st.msr.efer & efer::NXE != 0;
    let mut reserved = !((1u64 << w.phys_bits) - 1) & 0x000f_ffff_ffff_f000;
    if !nxe {
        reserved |= NX;
    }
    if !st.long_mode() {
        reserved |= 0x7ff0_0000_0000_0000; // PAE has no ignored bits 62:52
    }
    for level in (0..=level).rev() {
        let shift = 12 + 9 * level;
        let at = table | ((lin >> shift & 0x1ff) << 3);
        let e = mem.read_u64(at);
        if e & P == 0 {
            return Err(fault(st, w, false, false));
        }
        let leaf = level == 0 || e & PS != 0;
        let large_ok = level == 1 || (level == 2 && w.gib_pages);
        let low_reserved = if leaf && level > 0 { ((1u64 << shift) - 1) & !0x1fff } else { 0 };
        if e & (reserved | low_reserved) != 0 || (leaf && level > 0 && !large_ok) {
            return Err(fault(st, w, true, true));
        }
        r.writable &= e & RW != 0;
        r.user &= e & US != 0;
        r.nx |= e & NX != 0;
        if leaf {
            let page = (1u64 << shift) - 1;
            let phys = (e & phys_mask(w) & !page) | (lin & page);
            let t = finish(st, w, &r, phys, e, |v| {
                mem.write(at, &v.to_le_bytes());
            })?;
            return Ok(Translation { page_bits: shift, ..t });
        }
        if e & A == 0 {
            if !w.marks {
                return Err(0);
            }
            mem.write(at, &(e | A).to_le_bytes());
        }
        table = e & phys_mask(w);
    }
    unreachable!("level 0 is always a leaf")
}

fn put32(mem: &mut GuestMemory, at: u64, v: u64) {
    mem.write(at, &(v as u32).to_le_bytes());
}
