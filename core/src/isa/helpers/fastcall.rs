//! SYSENTER, SYSEXIT, SYSCALL, SYSRET, SWAPGS.
//! Intel SDM Vol. 2B, Operation of each; Vol. 3A, "Performing Fast Calls to System Procedures". SYSCALL outside 64-bit
//! mode is `#UD`, as on every Intel processor.

use crate::cpu::Exception;
use crate::cpu::flags::{FIXED, IF, RF, TF, VM};
use crate::cpu::segment::{Seg, Segment, attr};
use crate::cpu::state::{RCX, RDX, RSP, efer};
use crate::exec::{Exec, canonical};
use crate::interp::DR6_BS;
use crate::isa::Insn;

type R = Result<(), Exception>;

const R11: usize = 11;
/// The flags that SYSRET takes from R11. SDM Vol. 2B, "SYSRET".
const SYSRET_FLAGS: u64 = 0x3c_7fd7;

/// A flat segment as the fast calls make it: base 0, limit 4 GiB, of level `dpl`.
fn flat(selector: u16, dpl: u8, kind: u16) -> Segment {
    let attr = attr::P | attr::S | attr::G | attr::RW | attr::ACCESSED | u16::from(dpl) << 5 | kind;
    Segment { selector, attr, limit: u32::MAX, base: 0 }
}

/// Loads CS and SS for `cpl`, 64-bit or 32-bit code.
fn load(x: &mut Exec, cs: u16, ss: u16, cpl: u8, code64: bool) {
    let size = if code64 { attr::L } else { attr::DB };
    x.st.seg[Seg::Cs as usize] = flat(cs, cpl, attr::CODE | size);
    x.st.seg[Seg::Ss as usize] = flat(ss, cpl, attr::DB);
    x.st.cpl = cpl;
    x.refresh();
}

/// SYSENTER.
pub fn sysenter(x: &mut Exec, _: &Insn) -> R {
    let cs = x.st.msr.sysenter_cs as u16 & !3;
    if !x.st.protected() || cs == 0 {
        return Err(Exception::gp(0));
    }
    let long = x.st.long_mode();
    let mask = if long { u64::MAX } else { 0xffff_ffff };
    x.st.flags.set_system(VM | IF | RF, false);
    x.st.regs[RSP as usize] = x.st.msr.sysenter_esp & mask;
    x.st.set_rip(x.st.msr.sysenter_eip & mask);
    load(x, cs, cs.wrapping_add(8), 0, long);
    Ok(())
}

/// SYSEXIT; `B` is 64 with REX.W.
pub fn sysexit<const B: u32>(x: &mut Exec, _: &Insn) -> R {
    let base = x.st.msr.sysenter_cs as u16 & !3;
    if !x.st.protected() || base == 0 || x.st.cpl != 0 {
        return Err(Exception::gp(0));
    }
    let (mut sp, mut ip) = (x.st.regs[RCX as usize], x.st.regs[RDX as usize]);
    if B == 64 {
        if !canonical(sp) || !canonical(ip) {
            return Err(Exception::gp(0));
        }
    } else {
        sp &= 0xffff_ffff;
        ip &= 0xffff_ffff;
    }
    x.st.regs[RSP as usize] = sp;
    x.st.set_rip(ip);
    let cs = base.wrapping_add(if B == 64 { 32 } else { 16 });
    load(x, cs | 3, cs.wrapping_add(8) | 3, 3, B == 64);
    Ok(())
}

/// SYSCALL.
pub fn syscall(x: &mut Exec, _: &Insn) -> R {
    if !x.st.code64() || x.st.msr.efer & efer::SCE == 0 {
        return Err(Exception::UD);
    }
    x.st.regs[RCX as usize] = x.st.rip();
    let flags = x.st.flags.bits() & !RF;
    x.st.regs[R11] = flags;
    x.st.set_rip(x.st.msr.lstar);
    x.st.flags.set_bits(flags & !x.st.msr.sfmask | FIXED);
    let cs = (x.st.msr.star >> 32) as u16 & !3;
    load(x, cs, cs.wrapping_add(8), 0, true);
    // Whether SYSCALL is single-stepped is decided by the new TF, so that IA32_FMASK can prevent it.
    x.step_masked = !x.st.flags.has(TF);
    Ok(())
}

/// SYSRET; `B` is 64 with REX.W, else it returns to 32-bit code.
pub fn sysret<const B: u32>(x: &mut Exec, _: &Insn) -> R {
    if !x.st.code64() || x.st.msr.efer & efer::SCE == 0 {
        return Err(Exception::UD);
    }
    if x.st.cpl != 0 {
        return Err(Exception::gp(0));
    }
    let mut ip = x.st.regs[RCX as usize];
    if B == 64 {
        if !canonical(ip) {
            return Err(Exception::gp(0));
        }
    } else {
        ip &= 0xffff_ffff;
    }
    x.st.set_rip(ip);
    x.st.flags.set_bits(x.st.regs[R11] & SYSRET_FLAGS | FIXED);
    let base = (x.st.msr.star >> 48) as u16;
    let cs = if B == 64 { base.wrapping_add(16) } else { base };
    load(x, cs | 3, base.wrapping_add(8) | 3, 3, B == 64);
    // "As if the SYSCALL had just completed": TF is seen at once.
    x.step_masked = true;
    if x.st.flags.has(TF) {
        x.st.pending_debug |= DR6_BS;
        x.refresh();
    }
    x.attention = true;
    Ok(())
}

/// SWAPGS.
pub fn swapgs(x: &mut Exec, _: &Insn) -> R {
    if !x.st.code64() {
        return Err(Exception::UD);
    }
    if x.st.cpl != 0 {
        return Err(Exception::gp(0));
    }
    std::mem::swap(&mut x.st.seg[Seg::Gs as usize].base, &mut x.st.msr.kernel_gs_base);
    x.refresh_data_window(Seg::Gs);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::rig::*;
    use super::*;
    use crate::cpu::ModelName;
    use crate::cpu::flags::{AC, NT};

    const M: ModelName = ModelName::Pentium3;
    const SYSENTER: &[u8] = &[0x0f, 0x34];
    const SYSEXIT: &[u8] = &[0x0f, 0x35];
    const SYSCALL: &[u8] = &[0x0f, 0x05];
    const SYSRETQ: &[u8] = &[0x48, 0x0f, 0x07];
    const SYSRETD: &[u8] = &[0x0f, 0x07];

    fn sysenter_msrs(r: &mut Rig) {
        r.x.st.msr.sysenter_cs = 0x103;
        r.x.st.msr.sysenter_esp = 0x7000;
        r.x.st.msr.sysenter_eip = 0x8765;
    }

    #[test]
    fn sysenter_and_sysexit_derive_flat_segments_from_one_selector() {
        let mut r = Rig::level3(M);
        sysenter_msrs(&mut r);
        r.x.st.flags.set_system(IF | NT, true);
        r.run(SYSENTER);
        assert_eq!((r.x.st.cpl, r.x.st.rip(), r.sp()), (0, 0x8765, 0x7000));
        assert_eq!((r.selector(Seg::Cs), r.selector(Seg::Ss)), (0x100, 0x108));
        assert_eq!(r.x.st.flags.bits(), NT | 2);
        r.x.st.regs[RCX as usize] = 0x6000;
        r.x.st.regs[RDX as usize] = 0x8000;
        r.run(SYSEXIT);
        assert_eq!((r.x.st.cpl, r.x.st.rip(), r.sp()), (3, 0x8000, 0x6000));
        assert_eq!((r.selector(Seg::Cs), r.selector(Seg::Ss)), (0x113, 0x11b));
        assert_eq!(r.x.st.segment(Seg::Cs).limit, u32::MAX);
    }

    #[test]
    fn sysenter_needs_protected_mode_and_a_selector() {
        assert_eq!(Rig::level3(M).fault(SYSENTER), Exception::gp(0));
        let mut r = Rig::real(M);
        sysenter_msrs(&mut r);
        r.run(SYSENTER);
        assert_eq!(r.handler(), Some(13));
        let mut r = Rig::level3(M);
        sysenter_msrs(&mut r);
        assert_eq!(r.fault(SYSEXIT), Exception::gp(0), "level 0 only");
    }

    #[test]
    fn sysenter_in_long_mode_enters_64_bit_code() {
        let mut r = Rig::long(3);
        r.set_seg(Seg::Cs, CODE3);
        sysenter_msrs(&mut r);
        r.x.st.msr.sysenter_eip = 0xffff_8000_0000_0000;
        r.run(SYSENTER);
        assert!(r.x.st.code64() && r.x.st.rip() == 0xffff_8000_0000_0000);
        r.x.st.set_rip(CODE);
        r.x.st.regs[RDX as usize] = 1 << 47;
        assert_eq!(r.fault(&[0x48, 0x0f, 0x35]), Exception::gp(0));
    }

    #[test]
    fn syscall_and_sysret_save_and_restore_rip_and_rflags() {
        let mut r = Rig::long(3);
        r.x.st.msr.star = 0x0013_0080 << 32;
        r.x.st.msr.lstar = 0x8765;
        r.x.st.msr.sfmask = IF | TF;
        r.x.st.flags.set_system(IF | AC, true);
        r.run(SYSCALL);
        assert_eq!((r.x.st.cpl, r.x.st.rip(), r.sp()), (0, 0x8765, STACK3));
        assert_eq!((r.selector(Seg::Cs), r.selector(Seg::Ss)), (0x80, 0x88));
        assert_eq!((r.x.st.regs[RCX as usize], r.x.st.regs[R11]), (CODE + 2, IF | AC | 2));
        assert_eq!(r.x.st.flags.bits(), AC | 2);
        r.run(SYSRETQ);
        assert_eq!((r.x.st.cpl, r.x.st.rip(), r.x.st.flags.bits()), (3, CODE + 2, IF | AC | 2));
        assert_eq!((r.selector(Seg::Cs), r.selector(Seg::Ss)), (0x23, 0x1b));
        assert!(r.x.st.code64());
    }

    #[test]
    fn sysret_to_32_bit_code_takes_the_lower_half() {
        let mut r = Rig::long(0);
        r.x.st.msr.star = 0x0013_0080 << 32;
        r.x.st.regs[RCX as usize] = 0xffff_0000_8765;
        r.run(SYSRETD);
        assert_eq!((r.x.st.rip(), r.selector(Seg::Cs), r.x.st.code64()), (0x8765, 0x13, false));
    }

    #[test]
    fn sysret_checks_level_and_target() {
        assert_eq!(Rig::long(3).fault(SYSRETQ), Exception::gp(0));
        let mut r = Rig::long(0);
        r.x.st.regs[RCX as usize] = 1 << 47;
        assert_eq!(r.fault(SYSRETQ), Exception::gp(0));
    }

    #[test]
    fn syscall_is_undefined_without_sce_or_outside_64_bit_code() {
        let mut r = Rig::long(3);
        r.x.st.msr.efer &= !efer::SCE;
        assert_eq!(r.fault(SYSCALL), Exception::UD);
        let mut r = Rig::long(3);
        r.set_seg(Seg::Cs, CODE3);
        assert_eq!(r.fault(SYSCALL), Exception::UD);
    }

    #[test]
    fn fmask_decides_whether_syscall_is_single_stepped() {
        for mask in [0, TF] {
            let mut r = Rig::long(3);
            r.x.st.msr.star = u64::from(CODE64) << 32;
            r.x.st.msr.lstar = 0x8765;
            r.x.st.msr.sfmask = mask;
            r.x.st.flags.set_system(TF, true);
            r.x.refresh();
            r.run(SYSCALL);
            assert_eq!(r.handler().is_some(), mask == 0, "{mask:#x}");
        }
    }

    #[test]
    fn sysret_into_single_stepping_traps_at_once() {
        let mut r = Rig::long(0);
        r.x.st.msr.star = 0x0013_0080 << 32;
        r.x.st.regs[RCX as usize] = 0x8765;
        r.x.st.regs[R11] = TF;
        r.run(SYSRETQ);
        assert_eq!((r.handler(), r.slot(0, 8)), (Some(1), 0x8765));
    }

    #[test]
    fn swapgs_exchanges_the_bases_at_level_0() {
        let mut r = Rig::long(0);
        r.x.st.seg[Seg::Gs as usize].base = 1;
        r.x.st.msr.kernel_gs_base = 2;
        r.run(&[0x0f, 0x01, 0xf8]);
        assert_eq!((r.x.st.segment(Seg::Gs).base, r.x.st.msr.kernel_gs_base), (2, 1));
        assert_eq!(Rig::long(3).fault(&[0x0f, 0x01, 0xf8]), Exception::gp(0));
    }
}
