//! Control, debug and test registers: MOV CR, MOV DR, MOV TR, LMSW, SMSW, CLTS, XSETBV, XGETBV; and what MMX and SSE
//! instructions ask of CR0 and CR4. SDM Vol. 3A, "Control Registers", "Paging", "Initializing IA-32e Mode"; Vol. 3B,
//! "Debug Registers"; Vol. 2, "MOV—Move to/from Control Registers" and its neighbours, and the exception tables. i386
//! manual, "Test Registers"; 80286 manual, "Machine Status Word".
//!
//! *Not modelled:* cache disable and write-through (CD, NW) beyond their consistency check; the test registers are
//! storage and test nothing; CR8 holds a priority that nothing compares until there is a local APIC.

use crate::cpu::feature::Feature;
use crate::cpu::model::{MSW_286_ONES, ModelName};
use crate::cpu::msr::XCR0_MASK;
use crate::cpu::segment::{Seg, attr};
use crate::cpu::state::{RAX, RCX, RDX, cr0, cr4, efer};
use crate::cpu::{CpuState, Exception};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::insn::flag;
use crate::isa::ops::Ops;

type R = Result<(), Exception>;
const GP: Exception = Exception::gp(0);

/// DR6.BD: an instruction would have used a debug register under DR7.GD.
const DR6_BD: u64 = 1 << 13;
/// DR6 bits that are always 1, and those that can be written. Vol. 3B, "Debug Status Register (DR6)".
pub(super) const DR6_ONES: u64 = 0xffff_0ff0;
pub(super) const DR6_WRITABLE: u64 = 0xe00f;
/// DR7.GD: general detect.
const DR7_GD: u64 = 1 << 13;
/// DR7 bits that are always 1, and those that can be written. Vol. 3B, "Debug Control Register (DR7)".
pub(super) const DR7_ONES: u64 = 0x400;
pub(super) const DR7_WRITABLE: u64 = 0xffff_23ff;

/// FSW.ES: an unmasked x87 exception waits.
const FSW_ES: u16 = 1 << 7;

/// Reports an unmasked x87 exception that waits. With CR0.NE clear it is reported through FERR# instead,
/// outside the instruction stream, and nothing happens here.
///
/// # Errors
/// `#MF`.
#[inline]
pub fn report_x87(x: &Exec) -> R {
    if x.st.fpu.status_less_top & FSW_ES != 0 && x.st.cr0 & cr0::NE != 0 { Err(Exception::MF) } else { Ok(()) }
}

/// What an MMX instruction begins with. Vol. 3A, "Intel MMX Technology System Programming".
///
/// # Errors
/// `#UD` under CR0.EM, `#NM` under CR0.TS, `#MF` when an x87 exception waits.
#[inline]
pub fn require_mmx(x: &Exec) -> R {
    if x.st.cr0 & cr0::EM != 0 {
        return Err(Exception::UD);
    }
    if x.st.cr0 & cr0::TS != 0 {
        return Err(Exception::NM);
    }
    report_x87(x)
}

/// What an SSE instruction on XMM registers or MXCSR begins with. Vol. 3A, "Enabling SSE".
///
/// # Errors
/// `#UD` under CR0.EM or without CR4.OSFXSR, `#NM` under CR0.TS.
#[inline]
pub fn require_sse(x: &Exec) -> R {
    if x.st.cr0 & cr0::EM != 0 || x.st.cr4 & cr4::OSFXSR == 0 {
        return Err(Exception::UD);
    }
    if x.st.cr0 & cr0::TS != 0 { Err(Exception::NM) } else { Ok(()) }
}

/// What an instruction begins with that works on XMM and MMX registers both (CVTPI2PS, MOVDQ2Q).
///
/// # Errors
/// Those of [`require_sse`], then `#MF` when an x87 exception waits.
#[inline]
pub fn require_sse_mmx(x: &Exec) -> R {
    require_sse(x)?;
    report_x87(x)
}

/// What only level 0 may do.
///
/// # Errors
/// `#GP(0)`.
#[inline]
pub const fn privileged(x: &Exec) -> R {
    if x.st.cpl == 0 { Ok(()) } else { Err(GP) }
}

/// SGDT, SIDT, SLDT, SMSW and STR under CR4.UMIP.
///
/// # Errors
/// `#GP(0)` above level 0.
#[inline]
pub const fn user_mode_prevented(x: &Exec) -> R {
    if x.st.cr4 & cr4::UMIP != 0 && x.st.cpl != 0 { Err(GP) } else { Ok(()) }
}

/// A register operand as wide as control registers are: 64 bits in 64-bit mode.
fn wide(x: &Exec, r: u8) -> u64 {
    let v = x.st.regs[usize::from(r & 31)];
    if x.st.code64() { v } else { v & 0xffff_ffff }
}

fn set_wide(x: &mut Exec, r: u8, v: u64) {
    x.st.regs[usize::from(r & 31)] = if x.st.code64() { v } else { v & 0xffff_ffff };
}

/// MOV r, CRn.
///
/// # Errors
/// `#UD` for a register that does not exist; `#GP(0)` above level 0.
pub fn read_cr(x: &mut Exec, i: &Insn) -> R {
    let v = match i.src {
        0 => x.st.cr0,
        2 => x.st.cr2,
        3 => x.st.cr3,
        4 if x.model.has(Feature::Cpuid) => x.st.cr4,
        8 if x.st.code64() => x.st.cr8,
        _ => return Err(Exception::UD),
    };
    privileged(x)?;
    set_wide(x, i.dst, v);
    Ok(())
}

/// MOV CRn, r.
///
/// # Errors
/// `#UD` for a register that does not exist; `#GP(0)` above level 0, for reserved bits and for combinations that
/// contradict each other.
pub fn write_cr(x: &mut Exec, i: &Insn) -> R {
    let exists = match i.dst {
        0 | 2 | 3 => true,
        4 => x.model.has(Feature::Cpuid),
        8 => x.st.code64(),
        _ => false,
    };
    if !exists {
        return Err(Exception::UD);
    }
    privileged(x)?;
    let v = wide(x, i.src);
    match i.dst {
        0 => write_cr0(x, v),
        2 => {
            x.st.cr2 = v;
            Ok(())
        }
        3 => write_cr3(x, v),
        4 => write_cr4(x, v),
        _ => {
            if v > 0xf {
                return Err(GP);
            }
            x.st.cr8 = v;
            x.attention = true;
            Ok(())
        }
    }
}

/// Writes CR0 with every check and consequence. Vol. 2B, "MOV—Move to/from Control Registers"; Vol. 3A,
/// "Initializing IA-32e Mode".
///
/// # Errors
/// `#GP(0)`; nothing has changed.
pub fn write_cr0(x: &mut Exec, v: u64) -> R {
    let mask = x.model.cr0_mask();
    let set = |bit: u64| v & bit != 0;
    if v >> 32 != 0 || (set(cr0::PG) && !set(cr0::PE)) {
        return Err(GP);
    }
    if mask & cr0::NW != 0 && set(cr0::NW) && !set(cr0::CD) {
        return Err(GP);
    }
    let fixed = if x.model.name >= ModelName::I80486 { cr0::ET } else { 0 };
    let new = v & mask | fixed;
    let old = x.st.cr0;
    let changed = old ^ new;
    let mut efer_new = x.st.msr.efer;
    let mut pdpte = None;
    if changed & cr0::PG != 0 {
        if new & cr0::PG != 0 {
            if efer_new & efer::LME != 0 {
                let cs_long = x.st.segment(Seg::Cs).is(attr::L);
                if x.st.cr4 & cr4::PAE == 0 || cs_long {
                    return Err(GP);
                }
                efer_new |= efer::LMA;
            }
        } else {
            if x.st.code64() || x.st.cr4 & cr4::PCIDE != 0 {
                return Err(GP);
            }
            efer_new &= !efer::LMA;
        }
    }
    let pae = new & cr0::PG != 0 && x.st.cr4 & cr4::PAE != 0 && efer_new & efer::LMA == 0;
    if pae && changed & (cr0::PG | cr0::CD | cr0::NW) != 0 {
        pdpte = Some(load_pdptes(x, x.st.cr3)?);
    }
    x.st.cr0 = new;
    x.st.msr.efer = efer_new;
    if let Some(p) = pdpte {
        x.st.pdpte = p;
    }
    // Without paging before and after, addresses mean what they meant.
    if changed & cr0::PG != 0 || new & cr0::PG != 0 && changed & (cr0::WP | cr0::PE) != 0 {
        x.flush_tlb();
    }
    x.refresh();
    Ok(())
}

/// The four page-directory-pointer-table entries that `cr3` locates. Vol. 3A, "PDPTE Registers".
///
/// # Errors
/// `#GP(0)` when a present one has a reserved bit set.
pub fn load_pdptes(x: &mut Exec, cr3: u64) -> Result<[u64; 4], Exception> {
    let reserved = !((1u64 << x.model.phys_bits) - 1) | 0x1e6;
    let mut entries = [0; 4];
    for (n, e) in entries.iter_mut().enumerate() {
        *e = x.phys_read((cr3 & 0xffff_ffe0) + 8 * n as u64, 8);
        if *e & 1 != 0 && *e & reserved != 0 {
            return Err(GP);
        }
    }
    Ok(entries)
}

/// PAE paging is on: 32-bit, with page-directory-pointer-table entry registers.
const fn pae_paging(st: &CpuState) -> bool {
    st.cr0 & cr0::PG != 0 && st.cr4 & cr4::PAE != 0 && !st.long_mode()
}

fn write_cr3(x: &mut Exec, v: u64) -> R {
    let (mut v, mut keep) = (v, false);
    if x.st.code64() {
        if x.st.cr4 & cr4::PCIDE != 0 {
            // SDM Vol. 3A, "Operations that Invalidate TLBs and Paging-Structure Caches": "do not invalidate".
            keep = v >> 63 != 0;
            v &= !(1 << 63);
        }
        if v >> x.model.phys_bits != 0 {
            return Err(GP);
        }
    }
    if pae_paging(&x.st) {
        x.st.pdpte = load_pdptes(x, v)?;
    }
    x.st.cr3 = v;
    x.follow_cr3(keep);
    Ok(())
}

fn write_cr4(x: &mut Exec, v: u64) -> R {
    if v & !x.model.cr4_mask() != 0 {
        return Err(GP);
    }
    let changed = v ^ x.st.cr4;
    if x.st.long_mode() && v & cr4::PAE == 0 {
        return Err(GP);
    }
    if changed & v & cr4::PCIDE != 0 && (!x.st.long_mode() || x.st.cr3 & 0xfff != 0) {
        return Err(GP);
    }
    let paging = cr4::PSE | cr4::PAE | cr4::PGE | cr4::SMEP;
    let mut pdpte = None;
    if changed & paging != 0 && x.st.cr0 & cr0::PG != 0 && v & cr4::PAE != 0 && !x.st.long_mode() {
        pdpte = Some(load_pdptes(x, x.st.cr3)?);
    }
    x.st.cr4 = v;
    if let Some(p) = pdpte {
        x.st.pdpte = p;
    }
    if changed & (paging | cr4::PCIDE | cr4::SMAP) != 0 {
        x.flush_tlb();
    }
    x.refresh();
    Ok(())
}

/// LMSW: PE can be set, not cleared; MP, EM and TS follow the operand.
///
/// # Errors
/// `#GP(0)` above level 0; the fault of the access.
pub fn lmsw(x: &mut Exec, i: &Insn) -> R {
    privileged(x)?;
    let v = operand16(x, i)?;
    let from = cr0::PE | cr0::MP | cr0::EM | cr0::TS;
    let new = x.st.cr0 & !(from & !cr0::PE) | v & from;
    if x.model.name == ModelName::I80286 {
        x.st.cr0 = new | MSW_286_ONES;
        x.refresh();
        return Ok(());
    }
    write_cr0(x, new)
}

/// The word in memory or in the first operand's register.
fn operand16(x: &mut Exec, i: &Insn) -> Result<u64, Exception> {
    if i.has(flag::MEM) {
        let off = x.ea(i);
        return x.read::<16>(i.seg, off);
    }
    Ok(x.get::<16>(i.dst))
}

/// SMSW to a register of `B` bits, or 16 bits of memory.
///
/// # Errors
/// `#GP(0)` under CR4.UMIP; the fault of the access.
pub fn smsw<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    user_mode_prevented(x)?;
    let v = x.st.cr0;
    if i.has(flag::MEM) {
        let off = x.ea(i);
        return x.write::<16>(i.seg, off, v & 0xffff);
    }
    x.put::<B>(i.dst, v);
    Ok(())
}

/// CLTS.
///
/// # Errors
/// `#GP(0)` above level 0.
pub fn clts(x: &mut Exec, _: &Insn) -> R {
    privileged(x)?;
    x.st.cr0 &= !cr0::TS;
    Ok(())
}

/// What MOV DR begins with; DR4 and DR5 are DR6 and DR7 unless CR4.DE forbids them.
fn debug_register(x: &mut Exec, n: u8) -> Result<u8, Exception> {
    if n > 7 || (matches!(n, 4 | 5) && x.st.cr4 & cr4::DE != 0) {
        return Err(Exception::UD);
    }
    privileged(x)?;
    if x.st.dr7 & DR7_GD != 0 {
        // A fault that says so in DR6; delivering it clears GD, so that the handler can look.
        x.st.dr6 |= DR6_BD;
        x.st.dr7 &= !DR7_GD;
        return Err(Exception::DB);
    }
    Ok(if matches!(n, 4 | 5) { n + 2 } else { n })
}

/// MOV r, DRn.
///
/// # Errors
/// `#UD`, `#GP(0)`; `#DB` under DR7.GD.
pub fn read_dr(x: &mut Exec, i: &Insn) -> R {
    let v = match debug_register(x, i.src)? {
        n @ 0..=3 => x.st.dr[usize::from(n)],
        6 => x.st.dr6,
        _ => x.st.dr7,
    };
    set_wide(x, i.dst, v);
    Ok(())
}

/// MOV DRn, r.
///
/// # Errors
/// `#UD`, `#GP(0)`; `#DB` under DR7.GD.
pub fn write_dr(x: &mut Exec, i: &Insn) -> R {
    let n = debug_register(x, i.dst)?;
    let v = wide(x, i.src);
    match n {
        0..=3 => x.st.dr[usize::from(n)] = v,
        _ if v >> 32 != 0 => return Err(GP),
        6 => x.st.dr6 = v & DR6_WRITABLE | DR6_ONES,
        _ => {
            let ones = if x.model.name >= ModelName::I80486 { DR7_ONES } else { 0 };
            x.st.dr7 = v & DR7_WRITABLE | ones;
        }
    }
    x.refresh();
    Ok(())
}

/// The test register, TR6 and TR7 on the 80386, TR3 to TR7 on the 80486, as an index of `CpuState::test`.
fn test_register(x: &Exec, n: u8) -> Result<usize, Exception> {
    let first = if x.model.name == ModelName::I80386 { 6 } else { 3 };
    if !(first..=7).contains(&n) {
        return Err(Exception::UD);
    }
    privileged(x)?;
    Ok(usize::from(n - 3))
}

/// MOV r32, TRn.
///
/// # Errors
/// `#UD`, `#GP(0)`.
pub fn read_tr(x: &mut Exec, i: &Insn) -> R {
    let n = test_register(x, i.src)?;
    set_wide(x, i.dst, x.st.test[n].into());
    Ok(())
}

/// MOV TRn, r32.
///
/// # Errors
/// `#UD`, `#GP(0)`.
pub fn write_tr(x: &mut Exec, i: &Insn) -> R {
    let n = test_register(x, i.dst)?;
    x.st.test[n] = wide(x, i.src) as u32;
    Ok(())
}

/// EDX:EAX as one value.
#[must_use]
pub const fn edx_eax(x: &Exec) -> u64 {
    (x.st.regs[RDX as usize] & 0xffff_ffff) << 32 | x.st.regs[RAX as usize] & 0xffff_ffff
}

/// Writes EDX:EAX; the upper halves of RAX and RDX become 0.
pub const fn set_edx_eax(x: &mut Exec, v: u64) {
    x.st.regs[RAX as usize] = v & 0xffff_ffff;
    x.st.regs[RDX as usize] = v >> 32;
}

/// XGETBV.
///
/// # Errors
/// `#UD` without CR4.OSXSAVE; `#GP(0)` for any register but XCR0.
pub fn xgetbv(x: &mut Exec, _: &Insn) -> R {
    if x.st.cr4 & cr4::OSXSAVE == 0 {
        return Err(Exception::UD);
    }
    if x.st.regs[RCX as usize] as u32 != 0 {
        return Err(GP);
    }
    set_edx_eax(x, x.st.xcr0);
    Ok(())
}

/// XSETBV.
///
/// # Errors
/// `#UD` without CR4.OSXSAVE; `#GP(0)` above level 0, for any register but XCR0 and for components that do not exist.
pub fn xsetbv(x: &mut Exec, _: &Insn) -> R {
    if x.st.cr4 & cr4::OSXSAVE == 0 {
        return Err(Exception::UD);
    }
    privileged(x)?;
    let v = edx_eax(x);
    if x.st.regs[RCX as usize] as u32 != 0 || v & 1 == 0 || v & !XCR0_MASK != 0 {
        return Err(GP);
    }
    x.st.xcr0 = v;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::rig::{CODE, CODE64, Rig};
    use super::*;
    use crate::cpu::state::RIP;

    const M: ModelName = ModelName::Max;
    const MOV_CR0_EAX: &[u8] = &[0x0f, 0x22, 0xc0];
    const MOV_CR3_EAX: &[u8] = &[0x0f, 0x22, 0xd8];
    const MOV_CR4_EAX: &[u8] = &[0x0f, 0x22, 0xe0];
    const MOV_EAX_CR0: &[u8] = &[0x0f, 0x20, 0xc0];

    fn with_eax(mut r: Rig, v: u64) -> Rig {
        r.x.st.regs[RAX as usize] = v;
        r
    }

    #[test]
    fn control_registers_belong_to_level_0() {
        for bytes in [
            MOV_CR0_EAX,
            MOV_CR3_EAX,
            MOV_CR4_EAX,
            MOV_EAX_CR0,
            &[0x0f, 0x06],
            &[0x0f, 0x01, 0xf0],
            &[0x0f, 0x23, 0xf8],
        ] {
            assert_eq!(Rig::level3(M).fault(bytes), GP, "{bytes:02x?}");
        }
        assert_eq!(Rig::level3(M).fault(&[0x0f, 0x20, 0xc8]), Exception::UD, "CR1 does not exist, whoever asks");
    }

    #[test]
    fn cr0_refuses_what_contradicts_itself() {
        for v in [cr0::PG, cr0::PE | cr0::NW, 0] {
            let mut r = with_eax(Rig::protected(M), v);
            if v == 0 {
                r.run(MOV_CR0_EAX); // back to real mode is fine
                assert_eq!(r.x.st.cr0, cr0::ET);
            } else {
                assert_eq!(r.fault(MOV_CR0_EAX), GP, "{v:#x}");
            }
        }
    }

    #[test]
    fn et_is_fixed_from_the_80486_on_and_the_80386_lacks_its_new_bits() {
        let mut r = with_eax(Rig::protected(M), 0xffff_ffff & !cr0::PG);
        r.run(MOV_CR0_EAX);
        assert_eq!(r.x.st.cr0, 0x6005_003f);
        let mut r = with_eax(Rig::protected(ModelName::I80386), 0xffff_ffff & !cr0::PG);
        r.run(MOV_CR0_EAX);
        assert_eq!(r.x.st.cr0, 0x1f);
    }

    #[test]
    fn cr4_refuses_the_bits_that_the_model_lacks() {
        assert_eq!(with_eax(Rig::protected(ModelName::Pentium), cr4::PAE).fault(MOV_CR4_EAX), GP);
        let mut r = with_eax(Rig::protected(ModelName::Pentium3), cr4::PAE | cr4::OSFXSR);
        r.run(MOV_CR4_EAX);
        assert_eq!(r.x.st.cr4, cr4::PAE | cr4::OSFXSR);
        assert_eq!(with_eax(Rig::protected(ModelName::Pentium3), cr4::SMAP).fault(MOV_CR4_EAX), GP);
        assert_eq!(Rig::protected(ModelName::I80386).fault(MOV_CR4_EAX), Exception::UD, "no CR4");
    }

    #[test]
    fn pcids_need_long_mode_and_a_clean_cr3() {
        assert_eq!(with_eax(Rig::protected(M), cr4::PCIDE).fault(MOV_CR4_EAX), GP);
        let mut r = Rig::long(0);
        r.x.st.cr3 |= 0x18;
        let v = r.x.st.cr4 | cr4::PCIDE;
        let mut r = with_eax(r, v);
        assert_eq!(r.fault(MOV_CR4_EAX), GP);
        let mut r = with_eax(Rig::long(0), v);
        r.run(MOV_CR4_EAX);
        assert_eq!(r.x.st.cr4, v);
        let cr3 = r.x.st.cr3;
        let mut r = with_eax(r, cr3 | 1 << 63 | 5);
        r.run(MOV_CR3_EAX);
        assert_eq!(r.x.st.cr3, cr3 | 5, "bit 63 is not kept");
        let v = r.x.st.cr0 & !cr0::PG;
        assert_eq!(with_eax(r, v).fault(MOV_CR0_EAX), GP);
    }

    #[test]
    fn paging_with_lme_needs_pae_and_turns_long_mode_on() {
        let mut r = Rig::long(0);
        let st = &mut r.x.st;
        (st.cr0, st.msr.efer) = (st.cr0 & !cr0::PG, efer::LME);
        r.set_seg(Seg::Cs, super::super::rig::CODE0);
        let v = r.x.st.cr0 | cr0::PG;
        let mut r = with_eax(r, v);
        r.x.st.cr4 &= !cr4::PAE;
        assert_eq!(write_cr0(&mut r.x, v), Err(GP));
        r.x.st.cr4 |= cr4::PAE;
        r.run(MOV_CR0_EAX);
        assert_eq!(r.x.st.msr.efer, efer::LME | efer::LMA);
        assert!(!r.x.st.code64(), "compatibility mode until CS is loaded");
        let v = r.x.st.cr4 & !cr4::PAE;
        let mut r = with_eax(r, v);
        assert_eq!(write_cr4(&mut r.x, v), Err(GP), "PAE stays while LMA is set");
        let v = r.x.st.cr0 & !cr0::PG;
        let mut r = with_eax(r, v);
        r.run(MOV_CR0_EAX);
        assert_eq!(r.x.st.msr.efer, efer::LME, "leaving compatibility mode clears LMA");
    }

    #[test]
    fn paging_cannot_be_left_in_64_bit_code_nor_entered_with_cs_l() {
        let r = Rig::long(0);
        let v = r.x.st.cr0 & !cr0::PG;
        assert_eq!(with_eax(r, v).fault(MOV_CR0_EAX), GP);
        let mut r = Rig::long(0);
        r.set_seg(Seg::Cs, CODE64);
        let st = &mut r.x.st;
        (st.cr0, st.msr.efer) = (st.cr0 & !cr0::PG, efer::LME);
        let v = st.cr0 | cr0::PG;
        assert_eq!(write_cr0(&mut r.x, v), Err(GP));
    }

    #[test]
    fn pae_paging_loads_its_four_entries_and_checks_them() {
        let mut r = Rig::protected(ModelName::Pentium3);
        r.x.st.cr4 = cr4::PAE;
        r.x.st.cr3 = 0x5000 | 0x20;
        for n in 0..4 {
            r.poke(0x5020 + 8 * n, 8, 0x1_0001 + 0x1000 * n);
        }
        let v = r.x.st.cr0 | cr0::PG;
        r.poke(0x5028, 8, 0x1_1001 | 2); // bit 1 is reserved
        assert_eq!(write_cr0(&mut r.x, v), Err(GP));
        r.poke(0x5028, 8, 0x2); // not present: anything goes
        assert_eq!(write_cr0(&mut r.x, v), Ok(()));
        assert_eq!(r.x.st.pdpte, [0x1_0001, 2, 0x1_2001, 0x1_3001]);
        r.poke(0x5028, 8, 1 << 36 | 1);
        assert_eq!(write_cr3(&mut r.x, 0x5020), Err(GP), "36 address bits");
    }

    #[test]
    fn lmsw_sets_pe_and_never_clears_it() {
        let mut r = with_eax(Rig::real(M), 9);
        r.run(&[0x0f, 0x01, 0xf0]);
        assert_eq!(r.x.st.cr0 & 0xf, 9);
        let mut r = with_eax(Rig::protected(M), 6);
        r.run(&[0x0f, 0x01, 0xf0]);
        assert_eq!(r.x.st.cr0 & 0xf, 7);
        let mut r = with_eax(Rig::real(ModelName::I80286), 0xfff5);
        r.run(&[0x0f, 0x01, 0xf0]);
        assert_eq!(r.x.st.cr0, 0xfff5);
        r.run(&[0x0f, 0x01, 0xe3]); // smsw bx
        assert_eq!(r.x.st.regs[3], 0xfff5);
    }

    #[test]
    fn smsw_gives_all_of_cr0_to_a_register_and_16_bits_to_memory() {
        let mut r = Rig::protected(M);
        r.poke(0x4000, 4, 0xdead_beef);
        r.run(&[0x0f, 0x01, 0xe0]);
        assert_eq!(r.x.st.regs[0], r.x.st.cr0);
        r.run(&[0x0f, 0x01, 0x25, 0, 0x40, 0, 0]);
        assert_eq!(r.peek(0x4000, 4), 0xdead_0000 | r.x.st.cr0 & 0xffff);
        let mut r = Rig::level3(M);
        r.x.st.cr4 |= cr4::UMIP;
        assert_eq!(r.fault(&[0x0f, 0x01, 0xe0]), GP);
    }

    #[test]
    fn debug_registers_4_and_5_are_6_and_7_unless_de_forbids_it() {
        let mut r = with_eax(Rig::protected(M), 0xffff_ffff);
        r.run(&[0x0f, 0x23, 0xe0]); // mov dr4, eax
        assert_eq!(r.x.st.dr6, 0xffff_efff);
        r.x.st.cr4 |= cr4::DE;
        assert_eq!(r.fault(&[0x0f, 0x23, 0xe0]), Exception::UD);
    }

    #[test]
    fn general_detect_guards_the_debug_registers_once() {
        let mut r = with_eax(Rig::protected(M), 0x2000);
        r.run(&[0x0f, 0x23, 0xf8]); // mov dr7, eax
        assert_eq!(r.x.st.dr7, 0x2400);
        assert_eq!(r.fault(&[0x0f, 0x21, 0xf8]), Exception::DB);
        assert_eq!((r.x.st.dr6 & DR6_BD, r.x.st.dr7), (DR6_BD, 0x400));
    }

    #[test]
    fn upper_halves_of_dr6_dr7_and_cr8_must_be_zero() {
        for bytes in [&[0x0f, 0x23, 0xf0][..], &[0x0f, 0x23, 0xf8], &[0x44, 0x0f, 0x22, 0xc0]] {
            assert_eq!(with_eax(Rig::long(0), 1 << 32).fault(bytes), GP, "{bytes:02x?}");
        }
        let mut r = with_eax(Rig::long(0), 9);
        r.run(&[0x44, 0x0f, 0x22, 0xc0]); // mov cr8, rax
        assert_eq!(r.x.st.cr8, 9);
    }

    #[test]
    fn test_registers_exist_on_the_80386_and_80486_only() {
        let mut r = with_eax(Rig::protected(ModelName::I80386), 0x1234);
        r.run(&[0x0f, 0x26, 0xf0]); // mov tr6, eax
        r.x.st.regs[RAX as usize] = 0;
        r.run(&[0x0f, 0x24, 0xf0]);
        assert_eq!(r.x.st.regs[RAX as usize], 0x1234);
        assert_eq!(r.fault(&[0x0f, 0x26, 0xd8]), Exception::UD, "TR3 came with the 80486");
        assert_eq!(Rig::protected(ModelName::Pentium).fault(&[0x0f, 0x24, 0xf0]), Exception::UD);
    }

    #[test]
    fn xcr0_takes_x87_and_sse_only() {
        let mut r = with_eax(Rig::protected(M), 3);
        r.x.st.regs[RDX as usize] = 0;
        assert_eq!(r.fault(&[0x0f, 0x01, 0xd1]), Exception::UD, "without OSXSAVE");
        r.x.st.cr4 |= cr4::OSXSAVE;
        r.x.st.regs[RIP as usize] = CODE;
        r.run(&[0x0f, 0x01, 0xd1]);
        assert_eq!(r.x.st.xcr0, 3);
        for v in [2, 7, 0] {
            let mut r = with_eax(Rig::protected(M), v);
            r.x.st.regs[RDX as usize] = 0;
            r.x.st.cr4 |= cr4::OSXSAVE;
            assert_eq!(r.fault(&[0x0f, 0x01, 0xd1]), GP, "{v}");
        }
    }
}
