//! System management mode: SMI entry, the state save map, RSM. SDM Vol. 3C, "System Management Mode"; AMD APM Vol. 2, "SMRAM
//! State-Save Area".
//!
//! Two maps: that of 32-bit processors ("SMRAM State Save Map"), and for 64-bit processors AMD's. Intel's own for them leaves the
//! hidden parts of segment registers out, and firmware for PCs without Intel's chip sets (SeaBIOS) swaps whole areas of AMD's layout
//! to change modes. What the manuals leave reserved holds what else a return needs. One description of each map serves saving
//! and loading.
//!
//! *Not modelled:* I/O instruction restart (the revision identifier does not claim it); SMRAM ranges are the chipset's.

use super::control::{DR6_ONES, DR6_WRITABLE, DR7_ONES, DR7_WRITABLE, load_pdptes};
use crate::cpu::exception::Exception;
use crate::cpu::feature::Feature;
use crate::cpu::flags;
use crate::cpu::segment::{Seg, Segment, attr};
use crate::cpu::state::{RAX, RBP, RBX, RCX, RDI, RDX, RIP, RSI, RSP, cr0, cr4, efer};
use crate::cpu::{Activity, CpuState, Shadow};
use crate::exec::Exec;
use crate::isa::Insn;

/// The save area ends at SMBASE + 1_0000h; offsets of the maps are from SMBASE + 8000h.
const MAP_BASE: u64 = 0x8000;
/// Where the handler begins, from SMBASE.
const ENTRY: u64 = 0x8000;
/// SMM revision identifier: SMBASE relocation; bits 15:0 tell the 64-bit map from the other.
const REVISION: u64 = 1 << 17;
const REVISION_64: u64 = REVISION | 0x64;
const REVISION_AT: u16 = 0x7efc;

/// Where SMBASE is, in either map.
const fn smbase_at(wide: bool) -> u16 {
    if wide { 0x7f00 } else { 0x7ef8 }
}

/// Auto HALT restart: bit 0 says that the processor was halted, and whether RSM halts it again. Place and bytes.
const fn auto_halt_at(wide: bool) -> (u16, u32) {
    if wide { (0x7ec9, 1) } else { (0x7f02, 2) }
}

/// Moves one field: gets the present value and gives the new one. Saving writes and gives it back; loading reads.
type Field<'a> = &'a mut dyn FnMut(u16, u32, u64) -> u64;

fn field16(io: Field<'_>, at: u16, v: &mut u16) {
    *v = io(at, 2, u64::from(*v)) as u16;
}

fn field32(io: Field<'_>, at: u16, v: &mut u64) {
    *v = io(at, 4, *v & 0xffff_ffff);
}

fn field64(io: Field<'_>, at: u16, v: &mut u64) {
    *v = io(at, 8, *v);
}

/// Base, limit and rights of a segment register, 16 bytes.
fn hidden(io: Field<'_>, at: u16, s: &mut Segment) {
    field64(io, at, &mut s.base);
    s.limit = io(at + 8, 4, s.limit.into()) as u32;
    field16(io, at + 12, &mut s.attr);
}

/// What both maps keep in reserved places, upwards from `at`: tables, CPL and the blocking of NMI. 28 bytes.
fn rest(io: Field<'_>, at: u16, st: &mut CpuState) {
    for (n, t) in [(0, &mut st.gdtr), (12, &mut st.idtr)] {
        field64(io, at + n, &mut t.base);
        field16(io, at + n + 8, &mut t.limit);
    }
    privilege(io, at + 24, st);
}

/// CPL and the blocking of NMI, 4 bytes.
fn privilege(io: Field<'_>, at: u16, st: &mut CpuState) {
    let blocked = u64::from(st.nmi_blocked);
    let packed = io(at, 4, u64::from(st.cpl) | blocked << 2);
    st.cpl = packed as u8 & 3;
    st.nmi_blocked = packed & 4 != 0;
}

/// The map of 32-bit processors.
fn map32(st: &mut CpuState, io: Field<'_>) {
    let mut bits = st.flags.bits();
    field32(io, 0x7ffc, &mut st.cr0);
    field32(io, 0x7ff8, &mut st.cr3);
    field32(io, 0x7ff4, &mut bits);
    st.flags.set_bits(bits);
    field32(io, 0x7ff0, &mut st.regs[RIP as usize]);
    for (n, r) in [RDI, RSI, RBP, RSP, RBX, RDX, RCX, RAX].into_iter().enumerate() {
        field32(io, 0x7fec - 4 * n as u16, &mut st.regs[r as usize]);
    }
    field32(io, 0x7fcc, &mut st.dr6);
    field32(io, 0x7fc8, &mut st.dr7);
    field16(io, 0x7fc4, &mut st.tr.selector);
    field16(io, 0x7fc0, &mut st.ldtr.selector);
    selectors(st, io, 0x7fbc);
    // Reserved from 7F04h to 7FA7h, and below 7EF8h.
    field32(io, 0x7fa0, &mut st.cr4);
    descriptors(st, io, 0x7e00);
    rest(io, 0x7f10, st);
}

/// The map of 64-bit processors.
fn map64(st: &mut CpuState, io: Field<'_>) {
    for (n, s) in st.seg.iter_mut().enumerate() {
        segment64(io, 0x7e00 + 16 * n as u16, s);
    }
    for (at, t) in [(0x7e60, &mut st.gdtr), (0x7e80, &mut st.idtr)] {
        field16(io, at + 4, &mut t.limit);
        field64(io, at + 8, &mut t.base);
    }
    segment64(io, 0x7e70, &mut st.ldtr);
    segment64(io, 0x7e90, &mut st.tr);
    privilege(io, 0x7ecc, st);
    field64(io, 0x7ed0, &mut st.msr.efer);
    field64(io, 0x7f48, &mut st.cr4);
    field64(io, 0x7f50, &mut st.cr3);
    field64(io, 0x7f58, &mut st.cr0);
    field64(io, 0x7f60, &mut st.dr7);
    field64(io, 0x7f68, &mut st.dr6);
    let mut bits = st.flags.bits();
    field64(io, 0x7f70, &mut bits);
    st.flags.set_bits(bits);
    field64(io, 0x7f78, &mut st.regs[RIP as usize]);
    for (n, r) in (8..16).rev().chain([RDI, RSI, RBP, RSP, RBX, RDX, RCX, RAX]).enumerate() {
        field64(io, 0x7f80 + 8 * n as u16, &mut st.regs[r as usize]);
    }
}

/// Selector, attributes (bits 55:52 and 47:40 of a descriptor), limit and base, 16 bytes. The attributes' upper half is
/// reserved; bit 15 keeps [`attr::NULL`].
fn segment64(io: Field<'_>, at: u16, s: &mut Segment) {
    field16(io, at, &mut s.selector);
    let null = s.attr & attr::NULL != 0;
    let mut packed = s.attr & 0xff | s.attr >> 12 << 8 | u16::from(null) << 15;
    field16(io, at + 2, &mut packed);
    s.attr = packed & 0xff | (packed >> 8 & 0xf) << 12 | if packed >> 15 != 0 { attr::NULL } else { 0 };
    s.limit = io(at + 4, 4, s.limit.into()) as u32;
    field64(io, at + 8, &mut s.base);
}

/// GS FS DS SS CS ES, downwards from `at`.
fn selectors(st: &mut CpuState, io: Field<'_>, at: u16) {
    for (n, s) in [Seg::Gs, Seg::Fs, Seg::Ds, Seg::Ss, Seg::Cs, Seg::Es].into_iter().enumerate() {
        field16(io, at - 4 * n as u16, &mut st.seg[s as usize].selector);
    }
}

/// The hidden parts of all eight registers, upwards from `at`: 128 bytes.
fn descriptors(st: &mut CpuState, io: Field<'_>, at: u16) {
    for n in 0..6 {
        hidden(io, at + 16 * n as u16, &mut st.seg[n]);
    }
    hidden(io, at + 96, &mut st.ldtr);
    hidden(io, at + 112, &mut st.tr);
}

/// Byte by byte, since SMBASE may lie anywhere.
fn put(x: &mut Exec, at: u64, n: u32, v: u64) {
    for k in 0..n {
        x.phys_write(at + u64::from(k), 1, v >> (8 * k) & 0xff);
    }
}

fn get(x: &mut Exec, at: u64, n: u32) -> u64 {
    (0..n).fold(0, |v, k| v | x.phys_read(at + u64::from(k), 1) << (8 * k))
}

/// Takes the SMI that waits. Called between instructions; nothing in it can fault.
pub fn enter(x: &mut Exec) {
    let wide = x.model.has(Feature::Lm);
    x.sys.set_smiact(true); // before the first access: it opens SMRAM
    let mut st = x.st.clone();
    let at = u64::from(st.smbase) + MAP_BASE;
    st.smi_pending = false;
    let halted = st.activity == Activity::Halt;
    {
        let mut save = |off: u16, n: u32, v: u64| {
            put(x, at + u64::from(off), n, v);
            v
        };
        if wide {
            map64(&mut st, &mut save);
        } else {
            map32(&mut st, &mut save);
        }
        save(REVISION_AT, 4, if wide { REVISION_64 } else { REVISION });
        save(smbase_at(wide), 4, st.smbase.into());
        let (at, bytes) = auto_halt_at(wide);
        save(at, bytes, u64::from(halted));
    }
    // "Processor Control Register State", "SMM Handler Execution Environment".
    let data = Segment {
        selector: 0,
        attr: attr::P | attr::S | attr::RW | attr::ACCESSED | attr::G,
        limit: u32::MAX,
        base: 0,
    };
    st.seg = [data; 6];
    st.seg[Seg::Cs as usize] = Segment { selector: (st.smbase >> 4) as u16, base: st.smbase.into(), ..data };
    st.regs[RIP as usize] = ENTRY;
    st.flags.set_bits(flags::FIXED);
    st.cr0 &= !(cr0::PE | cr0::EM | cr0::TS | cr0::PG);
    st.cr4 = 0;
    st.msr.efer = 0;
    st.dr7 = 0x400;
    st.cpl = 0;
    st.smm = true;
    st.nmi_blocked = true;
    st.shadow = Shadow::None;
    st.pending_debug = 0;
    st.activity = Activity::Active;
    x.st = st;
    x.flush_tlb();
    x.refresh();
}

/// RSM. A saved state that no processor can be in ends in a shutdown.
///
/// # Errors
/// `#UD` outside SMM.
pub fn rsm(x: &mut Exec, _: &Insn) -> Result<(), Exception> {
    if !x.st.smm {
        return Err(Exception::UD);
    }
    let wide = x.model.has(Feature::Lm);
    let at = u64::from(x.st.smbase) + MAP_BASE;
    let mut st = x.st.clone();
    let halt;
    {
        let mut load = |off: u16, n: u32, _: u64| get(x, at + u64::from(off), n);
        if wide {
            map64(&mut st, &mut load);
        } else {
            map32(&mut st, &mut load);
        }
        // "The processor will update the SMBASE register from the field": relocation.
        st.smbase = load(smbase_at(wide), 4, 0) as u32;
        let (at, bytes) = auto_halt_at(wide);
        halt = load(at, bytes, 0) & 1 != 0;
    }
    st.flags.set_bits(st.flags.bits() & x.model.flags_mask(true) | flags::FIXED);
    st.dr6 = st.dr6 & DR6_WRITABLE | DR6_ONES;
    st.dr7 = st.dr7 & DR7_WRITABLE | DR7_ONES;
    st.smm = false;
    st.activity = if halt { Activity::Halt } else { Activity::Active };
    if !consistent(x, &st) {
        x.st.activity = Activity::Shutdown;
        x.refresh();
        return Ok(());
    }
    if st.cr0 & cr0::PG != 0 && st.cr4 & cr4::PAE != 0 && !st.long_mode() {
        match load_pdptes(x, st.cr3) {
            Ok(p) => st.pdpte = p,
            Err(_) => st.activity = Activity::Shutdown,
        }
    }
    x.st = st;
    x.sys.set_smiact(false);
    x.attention = true; // the memory map is another
    x.flush_tlb();
    x.refresh();
    Ok(())
}

/// Whether a loaded state is one that the processor can be in. "Exiting From SMM": reserved bits of CR4,
/// contradictions in CR0; and what the hidden fields could make of it.
fn consistent(x: &Exec, st: &CpuState) -> bool {
    let cr0_ok = st.cr0 >> 32 == 0
        && !(st.cr0 & cr0::PG != 0 && st.cr0 & cr0::PE == 0)
        && !(st.cr0 & cr0::NW != 0 && st.cr0 & cr0::CD == 0);
    let lma = st.msr.efer & efer::LMA != 0;
    let long_ok = lma == (st.msr.efer & efer::LME != 0 && st.cr0 & cr0::PG != 0) && (!lma || st.cr4 & cr4::PAE != 0);
    let real_ok = st.cr0 & cr0::PE != 0 || (st.cpl == 0 && !st.flags.has(flags::VM));
    let v86_ok = !st.flags.has(flags::VM) || st.cpl == 3;
    cr0_ok
        && long_ok
        && real_ok
        && v86_ok
        && st.cr4 & !x.model.cr4_mask() == 0
        && st.msr.efer & !x.model.efer_mask() == 0
}

#[cfg(test)]
mod tests {
    use super::super::rig::{CODE, Rig};
    use super::*;
    use crate::cpu::ModelName;
    use crate::exec::CodeSize;

    const SMBASE: u64 = 0x3_0000;
    const RSM: &[u8] = &[0x0f, 0xaa];

    fn smi(r: &mut Rig) {
        r.x.st.smi_pending = true;
        r.poll();
    }

    #[test]
    fn the_handler_starts_in_its_own_real_like_mode() {
        let mut r = Rig::long(0);
        smi(&mut r);
        let st = &r.x.st;
        assert!(st.smm && st.nmi_blocked && !st.smi_pending);
        assert_eq!((st.segment(Seg::Cs).base + st.rip(), st.segment(Seg::Cs).selector), (0x3_8000, 0x3000));
        assert_eq!((st.cr0 & (cr0::PE | cr0::PG), st.cr4, st.msr.efer, st.flags.bits(), st.dr7), (0, 0, 0, 2, 0x400));
        assert!(Seg::ALL.iter().all(|&s| st.segment(s).limit == u32::MAX));
        assert_eq!(r.x.ctx.code, CodeSize::Bits16);
    }

    #[test]
    fn rsm_brings_everything_back_in_every_mode() {
        let rigs: [fn() -> Rig; 5] = [
            || Rig::long(3),
            || Rig::long(0),
            || Rig::level3(ModelName::Pentium3),
            || Rig::v86(ModelName::Pentium),
            || Rig::real(ModelName::Max),
        ];
        for make in rigs {
            let mut r = make();
            for n in 0..8 {
                if n != 4 {
                    r.x.st.regs[n] = 0x1111_1111 * n as u64;
                }
            }
            r.x.st.dr[0] = 0x1234;
            let before = r.x.st.clone();
            smi(&mut r);
            for n in 0..8 {
                r.x.st.regs[n] = 0xdead;
            }
            r.x.st.seg[0].base = 0x9999;
            r.run(RSM);
            assert_eq!(r.x.st, before);
        }
    }

    #[test]
    fn the_map_is_where_the_manual_puts_it() {
        let mut r = Rig::protected(ModelName::Pentium3);
        r.x.st.regs[RAX as usize] = 0x1234_5678;
        smi(&mut r);
        let field = |at: u64| r.peek(SMBASE + 0x8000 + at, 4);
        assert_eq!((field(0x7fd0), field(0x7ff0), field(0x7efc), field(0x7ef8)), (0x1234_5678, CODE, 1 << 17, SMBASE));
        let mut r = Rig::long(0);
        r.x.st.regs[RAX as usize] = 0x1234_5678;
        r.x.st.regs[15] = 0xf15;
        smi(&mut r);
        let field = |at: u64| r.peek(SMBASE + 0x8000 + at, 4);
        assert_eq!((field(0x7ff8), field(0x7f78), field(0x7f80), field(0x7efc)), (0x1234_5678, CODE, 0xf15, 0x2_0064));
        let code = r.peek(SMBASE + 0x8000 + 0x7e12, 2);
        assert_eq!(code & 0x298, 0x298, "CS: present, code, 64-bit");
    }

    #[test]
    fn smbase_moves_when_the_handler_changes_its_field() {
        let mut r = Rig::protected(ModelName::Pentium3);
        smi(&mut r);
        r.poke(SMBASE + 0x8000 + 0x7ef8, 4, 0x5_0000);
        r.run(RSM);
        assert_eq!(r.x.st.smbase, 0x5_0000);
        smi(&mut r);
        assert_eq!(r.x.st.segment(Seg::Cs).base, 0x5_0000);
    }

    #[test]
    fn a_halted_processor_halts_again_unless_the_handler_says_no() {
        for again in [true, false] {
            let mut r = Rig::protected(ModelName::Pentium3);
            r.x.st.activity = Activity::Halt;
            smi(&mut r);
            assert_eq!(r.x.st.activity, Activity::Active);
            if !again {
                r.poke(SMBASE + 0x8000 + 0x7f02, 2, 0);
            }
            r.run(RSM);
            assert_eq!(r.x.st.activity == Activity::Halt, again);
        }
    }

    #[test]
    fn rsm_is_undefined_outside_smm_and_shuts_down_on_nonsense() {
        assert_eq!(Rig::protected(ModelName::Max).fault(RSM), Exception::UD);
        let mut r = Rig::protected(ModelName::Pentium3);
        smi(&mut r);
        r.poke(SMBASE + 0x8000 + 0x7ffc, 4, cr0::PG);
        r.run(RSM);
        assert_eq!(r.x.st.activity, Activity::Shutdown);
    }

    #[test]
    fn a_second_smi_waits_for_rsm() {
        let mut r = Rig::protected(ModelName::Pentium3);
        smi(&mut r);
        smi(&mut r);
        assert!(r.x.st.smi_pending, "SMM does not nest");
        r.run(RSM);
        r.poll();
        assert!(r.x.st.smm && !r.x.st.smi_pending);
    }
}
