//! Direct boot: what firmware and a boot loader would have left in memory and in the CPU, worked out from bytes.
//!
//! Documents: Linux *Documentation/arch/x86/boot.rst* ([`linux`]), *Multiboot Specification version 0.6.96*
//! ([`multiboot`]), *System V ABI, ELF* ([`elf`]), *ACPI Specification 1.0b* ([`acpi`]).
//!
//! Everything here is a pure function: bytes in, a [`BootPlan`] out. The caller copies the writes into guest memory
//! and loads [`Entry`] into the CPU.
//!
//! *Not modelled:* BIOS services. A 16-bit entry works only where firmware answers INT 10h, 13h, 15h and 16h.
//! PVH and multiboot 2 images are refused by name.

pub mod acpi;
mod aml;
pub mod elf;
pub mod linux;
pub mod multiboot;

use thiserror::Error;

/// Start of the extended BIOS data area, the top 1 KiB of conventional memory.
pub const EBDA: u64 = 0x9_fc00;

/// End of conventional memory.
const CONVENTIONAL_END: u64 = 0xa_0000;

/// Start of extended memory.
pub const ONE_MIB: u64 = 0x10_0000;

/// Start of the memory above the PCI hole.
pub const FOUR_GIB: u64 = 1 << 32;

/// Why an image cannot be booted. The text names the field; the caller adds option and file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BootError {
    /// None of the formats.
    #[error(
        "not a kernel: neither a Linux bzImage (`HdrS` at offset 0x202) nor a multiboot image (header in the first 8192 bytes)"
    )]
    NotAKernel,
    /// The file ends too early.
    #[error("truncated in {field}: {need} bytes needed, the file has {have}")]
    Truncated {
        /// What was being read.
        field: &'static str,
        /// Length that the file would need.
        need: u64,
        /// Length that it has.
        have: u64,
    },
    /// A header field that the format does not allow or that this machine cannot satisfy.
    #[error("{field}: {why}")]
    Field {
        /// The field as its document calls it.
        field: &'static str,
        /// What is wrong and what would be right.
        why: String,
    },
    /// It does not fit.
    #[error(
        "{what} ({need} KiB) does not fit into the RAM: {have} KiB are free where it may go; a larger --memory would help"
    )]
    TooLarge {
        /// `the kernel`, `the initrd` and so on.
        what: &'static str,
        /// KiB needed.
        need: u64,
        /// KiB of the largest free space.
        have: u64,
    },
}

/// The RAM of the machine, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ram {
    /// From 0 up to the PCI hole.
    pub low: u64,
    /// From 4 GiB.
    pub high: u64,
}

/// Which entry point of a Linux kernel to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EntryChoice {
    /// 64-bit where kernel and CPU have long mode, else 32-bit.
    #[default]
    Auto,
    /// Real mode; needs BIOS services.
    Bits16,
    /// Protected mode, paging off.
    Bits32,
    /// Long mode, identity-mapped.
    Bits64,
}

/// What to boot, and on what.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The kernel image.
    pub kernel: &'a [u8],
    /// The initial RAM disk; a module for multiboot.
    pub initrd: Option<&'a [u8]>,
    /// The kernel command line.
    pub cmdline: &'a str,
    /// RAM of the machine.
    pub ram: Ram,
    /// Entry point.
    pub entry: EntryChoice,
    /// Whether the CPU model has long mode.
    pub long_mode: bool,
}

/// What to put where, and how the CPU starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootPlan {
    /// Physical address and bytes; no two overlap. All other memory is zero.
    pub writes: Vec<(u64, Vec<u8>)>,
    /// CPU state.
    pub entry: Entry,
}

/// The mode that the CPU starts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Real mode.
    Real,
    /// Protected mode, paging off, flat 4 GiB segments.
    Protected32,
    /// Long mode with 4-level paging, CS.L = 1.
    Long64,
}

/// A segment register with its hidden part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Segment {
    /// Visible part.
    pub selector: u16,
    /// Linear base address.
    pub base: u64,
    /// Limit in bytes, granularity already applied.
    pub limit: u32,
    /// Descriptor bits 55:52 and 47:40 as in bits 15:12 and 7:0: G D/B L AVL, P DPL S type.
    pub access: u16,
}

/// CPU state at the first instruction. Registers that are not here are as after reset; RFLAGS is 2 (IF = 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Mode.
    pub mode: Mode,
    /// Instruction pointer.
    pub rip: u64,
    /// RAX.
    pub rax: u64,
    /// RBX.
    pub rbx: u64,
    /// RSI.
    pub rsi: u64,
    /// RSP.
    pub rsp: u64,
    /// CS.
    pub cs: Segment,
    /// DS, ES, FS, GS and SS.
    pub data: Segment,
    /// GDTR: base and limit.
    pub gdtr: (u64, u16),
    /// CR0.
    pub cr0: u64,
    /// CR3.
    pub cr3: u64,
    /// CR4.
    pub cr4: u64,
    /// IA32_EFER.
    pub efer: u64,
}

/// CR0.PE.
const CR0_PE: u64 = 1;
/// CR0.ET, wired to 1 from the 486 on.
const CR0_ET: u64 = 1 << 4;
/// CR0.PG.
const CR0_PG: u64 = 1 << 31;
/// CR4.PAE.
const CR4_PAE: u64 = 1 << 5;
/// IA32_EFER.LME and LMA.
const EFER_LME_LMA: u64 = 1 << 8 | 1 << 10;

/// Where the GDT of a 32- or 64-bit entry is.
const GDT: u64 = 0x1000;
/// Where the page tables of a 64-bit entry are: PML4, PDPT, then four page directories.
const PAGE_TABLES: u64 = 0x2000;
/// Top of the one-page stack of a 32- or 64-bit entry.
const STACK_TOP: u64 = 0x9000;
/// The first address that belongs to the image: below are the vectors, the BIOS data area and the tables above.
const LOW_FREE: u64 = STACK_TOP;

/// A code segment descriptor's access bits: G, D, P, S, execute/read, accessed.
const CODE32: u16 = 0xc09b;
/// The same with L instead of D.
const CODE64: u16 = 0xa09b;
/// A data segment's: G, B, P, S, read/write, accessed.
const DATA32: u16 = 0xc093;

/// Works out how to boot `req.kernel`, whatever its format.
///
/// # Errors
/// [`BootError`] names the field that is wrong, or what does not fit.
pub fn plan(req: &Request<'_>) -> Result<BootPlan, BootError> {
    if linux::is_linux(req.kernel) {
        linux::plan(req)
    } else if multiboot::find_header(req.kernel).is_some() {
        multiboot::plan(req)
    } else {
        Err(BootError::NotAKernel)
    }
}

impl Entry {
    /// Flat 32-bit protected mode with `selector` for code and the next one for data, as [`flat_gdt`] has them.
    fn protected32(selector: u16, rip: u64) -> Self {
        let flat = |selector, access| Segment { selector, base: 0, limit: u32::MAX, access };
        Self {
            mode: Mode::Protected32,
            rip,
            rax: 0,
            rbx: 0,
            rsi: 0,
            rsp: STACK_TOP,
            cs: flat(selector, CODE32),
            data: flat(selector + 8, DATA32),
            gdtr: (GDT, 4 * 8 - 1),
            cr0: CR0_PE | CR0_ET,
            cr3: 0,
            cr4: 0,
            efer: 0,
        }
    }

    /// Long mode over the tables that [`identity_map`] writes.
    fn long64(selector: u16, rip: u64) -> Self {
        let mut e = Self::protected32(selector, rip);
        e.mode = Mode::Long64;
        e.cs.access = CODE64;
        e.cr0 |= CR0_PG;
        e.cr3 = PAGE_TABLES;
        e.cr4 = CR4_PAE;
        e.efer = EFER_LME_LMA;
        e
    }
}

/// A GDT with a flat code segment at selector 10h and flat data at 18h, which boot.rst asks for (`__BOOT_CS`,
/// `__BOOT_DS`).
fn flat_gdt(code: u16) -> (u64, Vec<u8>) {
    let descriptor = |access: u16| {
        let bits = u64::from(access);
        0xffff | (bits & 0xff) << 40 | 0xf << 48 | (bits >> 12) << 52
    };
    let table = [0, 0, descriptor(code), descriptor(DATA32)];
    (GDT, table.iter().flat_map(|d| d.to_le_bytes()).collect())
}

/// Page tables that map the first 4 GiB onto itself with 2 MiB pages.
fn identity_map() -> (u64, Vec<u8>) {
    /// P, R/W.
    const TABLE: u64 = 3;
    /// P, R/W, PS.
    const PAGE_2M: u64 = 0x83;
    let mut out = vec![0; 6 * 4096];
    let mut put = |index: usize, val: u64| out[index * 8..index * 8 + 8].copy_from_slice(&val.to_le_bytes());
    put(0, PAGE_TABLES + 0x1000 + TABLE);
    for i in 0..4u64 {
        put(512 + i as usize, PAGE_TABLES + 0x2000 + i * 0x1000 + TABLE);
    }
    for i in 0..2048u64 {
        put(1024 + i as usize, (i << 21) + PAGE_2M);
    }
    (PAGE_TABLES, out)
}

/// A kind of memory in the E820 map. ACPI Specification, "Address Range Types".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeType {
    /// RAM for the guest to use.
    Memory = 1,
    /// Not for the guest.
    Reserved = 2,
    /// ACPI tables: RAM once the guest has read them.
    AcpiReclaim = 3,
    /// The FACS: never RAM.
    AcpiNvs = 4,
}

/// One entry of the E820 map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub base: u64,
    /// Bytes.
    pub len: u64,
    /// Kind.
    pub kind: RangeType,
}

/// The E820 map of a machine with `ram`, the ACPI tables in the last 64 KiB below the PCI hole.
#[must_use]
pub fn e820(ram: Ram) -> Vec<Range> {
    use RangeType::{AcpiNvs, AcpiReclaim, Memory, Reserved};
    let tables = acpi::tables_base(ram);
    let facs = acpi::facs_base(ram);
    let span = |base: u64, end: u64, kind| Range { base, len: end.saturating_sub(base), kind };
    let map = [
        span(0, EBDA, Memory),
        span(EBDA, CONVENTIONAL_END, Reserved),
        span(0xf_0000, ONE_MIB, Reserved), // firmware
        span(ONE_MIB, tables, Memory),
        span(tables, facs, AcpiReclaim),
        span(facs, ram.low, AcpiNvs),
        span(0xfffc_0000, FOUR_GIB, Reserved), // firmware again, below 4 GiB
        Range { base: FOUR_GIB, len: ram.high, kind: Memory },
    ];
    map.into_iter().filter(|r| r.len != 0).collect()
}

/// The BIOS data area that operating systems read: COM port addresses, the EBDA's segment, KiB of conventional memory.
fn bios_data_area() -> (u64, Vec<u8>) {
    let mut bda = vec![0; 0x100];
    for (slot, port) in bda.chunks_exact_mut(2).zip([0x3f8u16, 0x2f8, 0x3e8, 0x2e8]) {
        slot.copy_from_slice(&port.to_le_bytes());
    }
    bda[0x0e..0x10].copy_from_slice(&((EBDA >> 4) as u16).to_le_bytes());
    bda[0x13..0x15].copy_from_slice(&((EBDA >> 10) as u16).to_le_bytes());
    (0x400, bda)
}

/// Free memory below 4 GiB, for placing parts of an image.
struct Layout {
    /// Sorted, apart, non-empty: start and end.
    free: Vec<(u64, u64)>,
}

impl Layout {
    fn new(ram: Ram) -> Result<Self, BootError> {
        let tables = acpi::tables_base(ram);
        if tables < ONE_MIB + 0x1_0000 {
            return Err(BootError::TooLarge { what: "direct boot", need: 2048, have: ram.low >> 10 });
        }
        Ok(Self { free: vec![(LOW_FREE, EBDA), (ONE_MIB, tables)] })
    }

    /// Takes `len` bytes at `base`.
    fn take(&mut self, what: &'static str, base: u64, len: u64) -> Result<(), BootError> {
        let len = len.max(1);
        let end = base.saturating_add(len);
        let Some(i) = self.free.iter().position(|&(s, e)| s <= base && end <= e) else {
            let have = self.free.iter().find(|&&(s, e)| s <= base && base < e).map_or(0, |&(_, e)| e - base);
            return Err(BootError::TooLarge { what, need: len.div_ceil(1024), have: have >> 10 });
        };
        let (s, e) = self.free.remove(i);
        for part in [(end, e), (s, base)] {
            if part.0 < part.1 {
                self.free.insert(i, part);
            }
        }
        Ok(())
    }

    /// Takes `len` bytes as high as possible with the last one at most `max`; `align` is a power of two.
    fn take_high(&mut self, what: &'static str, len: u64, align: u64, max: u64) -> Result<u64, BootError> {
        let limit = max.saturating_add(1);
        let fit = |&(s, e): &(u64, u64)| {
            let base = e.min(limit).checked_sub(len.max(1))? & !(align - 1);
            (base >= s).then_some(base)
        };
        let Some(base) = self.free.iter().rev().find_map(fit) else {
            let have = self.free.iter().map(|&(s, e)| e.min(limit).saturating_sub(s)).max().unwrap_or(0);
            return Err(BootError::TooLarge { what, need: len.div_ceil(1024), have: have >> 10 });
        };
        self.take(what, base, len)?;
        Ok(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAM: Ram = Ram { low: 64 << 20, high: 0 };

    #[test]
    fn the_map_covers_the_ram_without_overlap() {
        let map = e820(Ram { low: 0xc000_0000, high: 1 << 30 });
        assert!(map.windows(2).all(|w| w[0].base + w[0].len <= w[1].base));
        let usable: u64 = map.iter().filter(|r| r.kind == RangeType::Memory).map(|r| r.len).sum();
        assert_eq!(usable, 0xc000_0000 + (1 << 30) - 0x1_0000 - (ONE_MIB - EBDA));
        assert_eq!(e820(RAM).last().unwrap().kind, RangeType::Reserved, "no memory above 4 GiB, no entry for it");
    }

    #[test]
    fn a_layout_gives_nothing_twice() {
        let mut l = Layout::new(RAM).unwrap();
        l.take("a", ONE_MIB, 1 << 20).unwrap();
        assert!(l.take("b", ONE_MIB + 4096, 1).is_err());
        let top = l.take_high("c", 5000, 4096, u64::from(u32::MAX)).unwrap();
        assert_eq!(top, acpi::tables_base(RAM) - 8192);
        assert_eq!(l.take_high("d", 1, 4096, 0x1_ffff).unwrap(), 0x1_f000);
        let e = l.take_high("the initrd", 1 << 30, 4096, u64::MAX).unwrap_err().to_string();
        assert!(e.starts_with("the initrd (1048576 KiB) does not fit"), "{e}");
        assert!(l.take("e", u64::MAX, u64::MAX).is_err());
    }

    #[test]
    fn the_gdt_is_flat() {
        let (_, gdt) = flat_gdt(CODE32);
        assert_eq!(gdt[16..24], 0x00cf_9b00_0000_ffffu64.to_le_bytes());
        assert_eq!(gdt[24..32], 0x00cf_9300_0000_ffffu64.to_le_bytes());
        assert_eq!(flat_gdt(CODE64).1[16..24], 0x00af_9b00_0000_ffffu64.to_le_bytes());
    }

    #[test]
    fn the_identity_map_ends_at_4_gib() {
        let (base, t) = identity_map();
        let at = |i: usize| u64::from_le_bytes(t[i * 8..i * 8 + 8].try_into().unwrap());
        assert_eq!((at(0), at(512), at(515)), (base + 0x1003, base + 0x2003, base + 0x5003));
        assert_eq!((at(1024), at(1024 + 2047)), (0x83, 0xffe0_0083));
        assert!(base + t.len() as u64 <= STACK_TOP - 0x1000);
    }

    #[test]
    fn what_is_no_kernel_is_refused() {
        let req =
            Request { kernel: &[], initrd: None, cmdline: "", ram: RAM, entry: EntryChoice::Auto, long_mode: true };
        for kernel in [&b""[..], b"x", &[0; 100_000]] {
            assert_eq!(plan(&Request { kernel, ..req }), Err(BootError::NotAKernel));
        }
    }
}
