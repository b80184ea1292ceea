//! CPUID, the time-stamp counter, MSRs, cache and TLB maintenance and the rest of what only systems use.
//! SDM Vol. 2, each instruction's "Operation".
//!
//! *Not modelled:* caches (INVD, WBINVD and CLFLUSH change nothing), performance counters (they read as 0), monitored
//! ranges: MWAIT returns at once, as the SDM permits at any time.

use super::control::{edx_eax, privileged, set_edx_eax};
use crate::cpu::cpuid::cpuid as answer;
use crate::cpu::flags::AC;
use crate::cpu::segment::Seg;
use crate::cpu::state::{RAX, RBX, RCX, RDX, cr4};
use crate::cpu::{Exception, msr};
use crate::exec::{Exec, canonical};
use crate::isa::Insn;
use crate::isa::ops::Ops;
use crate::mmu::walk::Access;

type R = Result<(), Exception>;
const GP: Exception = Exception::gp(0);

/// CPUID.
///
/// # Errors
/// None.
pub fn cpuid(x: &mut Exec, _: &Insn) -> R {
    let reg = |n: u8| x.st.regs[n as usize] as u32;
    let r = answer(&x.model, &x.st, reg(RAX), reg(RCX));
    for (n, v) in [RAX, RBX, RCX, RDX].into_iter().zip(r) {
        x.st.regs[n as usize] = v.into();
    }
    Ok(())
}

/// RDTSC and RDTSCP above level 0 under CR4.TSD.
const fn may_read_tsc(x: &Exec) -> R {
    if x.st.cr4 & cr4::TSD != 0 && x.st.cpl != 0 { Err(GP) } else { Ok(()) }
}

/// RDTSC.
///
/// # Errors
/// `#GP(0)` under CR4.TSD.
pub fn rdtsc(x: &mut Exec, _: &Insn) -> R {
    may_read_tsc(x)?;
    let v = msr::tsc(x);
    set_edx_eax(x, v);
    Ok(())
}

/// RDTSCP.
///
/// # Errors
/// `#GP(0)` under CR4.TSD.
pub fn rdtscp(x: &mut Exec, i: &Insn) -> R {
    rdtsc(x, i)?;
    x.st.regs[RCX as usize] = x.st.msr.tsc_aux;
    Ok(())
}

/// RDPID.
///
/// # Errors
/// None.
pub fn rdpid(x: &mut Exec, i: &Insn) -> R {
    x.st.regs[usize::from(i.dst & 31)] = x.st.msr.tsc_aux;
    Ok(())
}

/// RDPMC: two counters that count nothing.
///
/// # Errors
/// `#GP(0)` above level 0 without CR4.PCE, and for a counter that does not exist.
pub fn rdpmc(x: &mut Exec, _: &Insn) -> R {
    if (x.st.cpl != 0 && x.st.cr4 & cr4::PCE == 0) || x.st.regs[RCX as usize] as u32 > 1 {
        return Err(GP);
    }
    set_edx_eax(x, 0);
    Ok(())
}

/// RDMSR.
///
/// # Errors
/// `#GP(0)` above level 0; see [`msr::read`].
pub fn rdmsr(x: &mut Exec, _: &Insn) -> R {
    privileged(x)?;
    let v = msr::read(x, x.st.regs[RCX as usize] as u32)?;
    set_edx_eax(x, v);
    Ok(())
}

/// WRMSR.
///
/// # Errors
/// `#GP(0)` above level 0; see [`msr::write`].
pub fn wrmsr(x: &mut Exec, _: &Insn) -> R {
    privileged(x)?;
    let v = edx_eax(x);
    msr::write(x, x.st.regs[RCX as usize] as u32, v)
}

/// INVD, WBINVD.
///
/// # Errors
/// `#GP(0)` above level 0.
pub fn flush_caches(x: &mut Exec, _: &Insn) -> R {
    privileged(x)
}

/// The linear address of the memory operand, unchecked.
fn linear(x: &mut Exec, i: &Insn) -> u64 {
    let off = x.ea(i);
    let fs_gs = i.seg >= Seg::Fs as u8;
    let base = if x.st.code64() && !fs_gs { 0 } else { x.st.seg[usize::from(i.seg)].base };
    base.wrapping_add(off) & x.ctx.lin_mask
}

/// INVLPG.
///
/// # Errors
/// `#GP(0)` above level 0.
pub fn invlpg(x: &mut Exec, i: &Insn) -> R {
    privileged(x)?;
    let lin = linear(x, i);
    x.invalidate_page(lin);
    Ok(())
}

/// INVPCID. SDM Vol. 2A. A page of a space that is not the present one goes with all of that, which is permitted.
///
/// # Errors
/// `#GP(0)` above level 0, for a type that does not exist and for a bad descriptor; the fault of the access.
pub fn invpcid(x: &mut Exec, i: &Insn) -> R {
    privileged(x)?;
    let off = x.ea(i);
    let pcid = x.read::<64>(i.seg, off)?;
    let lin = x.read::<64>(i.seg, off.wrapping_add(8) & i.address_mask())?;
    let kind = wide(x, i.dst);
    let disabled = x.st.cr4 & cr4::PCIDE == 0 && pcid != 0;
    let bad = match kind {
        0 => disabled || !canonical(lin),
        1 => disabled,
        2 | 3 => false,
        _ => true,
    };
    if bad || pcid >> 12 != 0 {
        return Err(GP);
    }
    match kind {
        0 if pcid == u64::from(x.pcid()) => x.invalidate_page(lin),
        0 | 1 => x.forget_space(pcid as u16),
        2 => x.flush_tlb(),
        _ => x.forget_spaces(),
    }
    Ok(())
}

/// CLFLUSH: checked like a read of one byte; code that cannot be read is allowed.
///
/// # Errors
/// The fault of the access.
pub fn clflush(x: &mut Exec, i: &Insn) -> R {
    let off = x.ea(i);
    x.read::<8>(i.seg, off)?;
    Ok(())
}

/// MONITOR: checks its operands; no range is monitored.
///
/// # Errors
/// `#UD` above level 0; `#GP(0)` for extensions; the fault of a read.
pub fn monitor(x: &mut Exec, i: &Insn) -> R {
    if x.st.cpl != 0 {
        return Err(Exception::UD);
    }
    if x.st.regs[RCX as usize] as u32 != 0 {
        return Err(GP);
    }
    let off = x.st.regs[RAX as usize] & i.address_mask();
    x.read::<8>(i.seg, off)?;
    Ok(())
}

/// MWAIT: returns at once.
///
/// # Errors
/// `#UD` above level 0; `#GP(0)` for an extension other than "interrupts wake even when masked".
pub fn mwait(x: &mut Exec, _: &Insn) -> R {
    if x.st.cpl != 0 {
        return Err(Exception::UD);
    }
    if x.st.regs[RCX as usize] as u32 & !1 != 0 { Err(GP) } else { Ok(()) }
}

/// CLAC, STAC.
///
/// # Errors
/// `#UD` above level 0.
pub fn set_ac<const ON: bool>(x: &mut Exec, _: &Insn) -> R {
    if x.st.cpl != 0 {
        return Err(Exception::UD);
    }
    x.st.flags.set_system(AC, ON);
    x.refresh_view();
    Ok(())
}

/// What RDFSBASE and its family begin with.
const fn base_instructions(x: &Exec) -> R {
    if x.st.cr4 & cr4::FSGSBASE == 0 { Err(Exception::UD) } else { Ok(()) }
}

/// RDFSBASE, RDGSBASE; `S` is the segment register.
///
/// # Errors
/// `#UD` without CR4.FSGSBASE.
pub fn read_base<const B: u32, const S: usize>(x: &mut Exec, i: &Insn) -> R {
    base_instructions(x)?;
    x.put::<B>(i.dst, x.st.seg[S].base);
    Ok(())
}

/// WRFSBASE, WRGSBASE.
///
/// # Errors
/// `#UD` without CR4.FSGSBASE; `#GP(0)` for an address that is not canonical.
pub fn write_base<const B: u32, const S: usize>(x: &mut Exec, i: &Insn) -> R {
    base_instructions(x)?;
    let v = x.get::<B>(i.dst);
    if !canonical(v) {
        return Err(GP);
    }
    x.st.seg[S].base = v;
    x.refresh();
    Ok(())
}

/// A register operand that is 64 bits wide in 64-bit mode.
fn wide(x: &Exec, r: u8) -> u64 {
    let v = x.st.regs[usize::from(r & 31)];
    if x.st.code64() { v } else { v & 0xffff_ffff }
}

/// Checks that all of `n` bytes at `seg:off` can be read or written, and gives the linear address. The operand is
/// aligned to `align`, so that pages are its only seams.
///
/// # Errors
/// `#GP(0)` for a misaligned operand; the fault of the access.
pub fn whole_operand(x: &mut Exec, seg: u8, off: u64, n: u32, align: u64, access: Access) -> Result<u64, Exception> {
    let lin = x.check_segment(seg, off, n, access == Access::Write)?;
    if lin & (align - 1) != 0 {
        return Err(GP);
    }
    x.translate(lin, access)?;
    let last = lin.wrapping_add(u64::from(n) - 1) & x.ctx.lin_mask;
    if last >> 12 != lin >> 12 {
        x.translate(last, access)?;
    }
    Ok(lin)
}

#[cfg(test)]
mod tests {
    use super::super::rig::Rig;
    use super::*;
    use crate::cpu::ModelName;
    use crate::cpu::state::cr0;

    const M: ModelName = ModelName::Max;

    #[test]
    fn cpuid_answers_in_four_registers_and_clears_their_upper_halves() {
        let mut r = Rig::long(3);
        r.x.st.regs[RAX as usize] = 0xffff_ffff_0000_0000;
        r.x.st.regs[RCX as usize] = u64::MAX;
        r.run(&[0x0f, 0xa2]);
        assert_eq!(r.x.st.regs[RBX as usize], 0x756e_6547);
        assert_eq!(r.x.st.regs[RCX as usize], 0x6c65_746e);
    }

    #[test]
    fn an_old_model_has_no_such_instruction() {
        for (model, bytes) in [
            (ModelName::I80386, &[0x0f, 0xa2][..]),
            (ModelName::I80486, &[0x0f, 0x31]),
            (ModelName::I80486, &[0x0f, 0x32]),
            (ModelName::Pentium, &[0x0f, 0xae, 0x05, 0, 0x40, 0, 0]),
            (ModelName::I80386, &[0x0f, 0x01, 0x3d, 0, 0x40, 0, 0]),
            (M, &[0x0f, 0x01, 0xc8]),
        ] {
            assert_eq!(Rig::protected(model).fault(bytes), Exception::UD, "{bytes:02x?} on {model}");
        }
    }

    #[test]
    fn tsd_keeps_the_counter_from_level_3() {
        let mut r = Rig::level3(M);
        r.run(&[0x0f, 0x31]);
        assert_eq!(r.handler(), None);
        r.x.st.cr4 |= cr4::TSD;
        assert_eq!(r.fault(&[0x0f, 0x31]), GP);
    }

    #[test]
    fn each_read_of_the_counter_is_one_instruction_later() {
        let mut r = Rig::long(0);
        r.run(&[0x0f, 0x31]);
        let first = r.x.st.regs[RAX as usize];
        r.x.st.msr.tsc_aux = 77;
        r.run(&[0x0f, 0x01, 0xf9]);
        let ps = r.x.sys.clock.ps_per_insn();
        assert_eq!(r.x.st.regs[RAX as usize], first + ps / 1000);
        assert_eq!(r.x.st.regs[RCX as usize], 77);
    }

    #[test]
    fn msrs_belong_to_level_0_and_travel_in_edx_eax() {
        assert_eq!(Rig::level3(M).fault(&[0x0f, 0x32]), GP);
        assert_eq!(Rig::level3(M).fault(&[0x0f, 0x30]), GP);
        let mut r = Rig::protected(M);
        r.x.st.regs[RCX as usize] = u64::from(msr::index::LSTAR);
        r.x.st.regs[RAX as usize] = 0x8000_1234;
        r.x.st.regs[RDX as usize] = 0xffff_ffff;
        r.run(&[0x0f, 0x30]);
        assert_eq!(r.x.st.msr.lstar, 0xffff_ffff_8000_1234);
        r.x.st.regs[RAX as usize] = 0;
        r.run(&[0x0f, 0x32]);
        assert_eq!(r.x.st.regs[RAX as usize], 0x8000_1234);
    }

    /// 64-bit mode where 0 to 2 MiB is one page, mapped again at 4 MiB by a page that can be moved.
    fn mapped_twice() -> Rig {
        let mut r = Rig::long(0);
        r.poke(0x1_2010, 8, 0x87);
        r
    }

    #[test]
    fn invlpg_drops_every_piece_of_a_large_page() {
        let mut r = mapped_twice();
        r.poke(0x4000, 4, 1);
        r.poke(0x5000, 4, 2);
        let read = |r: &mut Rig, at: u64| r.x.read::<32>(3, at);
        assert_eq!(read(&mut r, 0x40_4000), Ok(1));
        assert_eq!(read(&mut r, 0x40_5000), Ok(2));
        r.poke(0x1_2010, 8, 0); // unmapped, but still in the TLB
        assert_eq!(read(&mut r, 0x40_5000), Ok(2));
        r.run(&[0x0f, 0x01, 0x3c, 0x25, 0, 0x40, 0x40, 0]); // invlpg [0x404000]
        assert_eq!(r.handler(), None);
        assert_eq!(read(&mut r, 0x40_5000), Err(Exception::pf(0)));
    }

    #[test]
    fn invpcid_checks_type_and_descriptor() {
        let go = |kind: u64, pcid: u64, lin: u64| {
            let mut r = mapped_twice();
            r.poke(0x4000, 8, pcid);
            r.poke(0x4008, 8, lin);
            r.x.st.regs[RAX as usize] = kind;
            r.run(&[0x66, 0x48, 0x0f, 0x38, 0x82, 0x04, 0x25, 0, 0x40, 0, 0]);
            r.handler()
        };
        assert_eq!(go(2, 0, 0), None);
        assert_eq!(go(4, 0, 0), Some(13));
        assert_eq!(go(0, 0, 1 << 50), Some(13));
        assert_eq!(go(1, 5, 0), Some(13), "PCIDs are off");
        assert_eq!(go(2, 1 << 12, 0), Some(13));
    }

    #[test]
    fn fs_and_gs_bases_need_cr4_and_canonical_addresses() {
        let mut r = Rig::long(3);
        assert_eq!(r.fault(&[0xf3, 0x48, 0x0f, 0xae, 0xc0]), Exception::UD);
        let mut r = Rig::long(3);
        r.x.st.cr4 |= cr4::FSGSBASE;
        r.x.st.regs[RAX as usize] = 0x7fff_1234_5678;
        r.run(&[0xf3, 0x48, 0x0f, 0xae, 0xd8]); // wrgsbase rax
        assert_eq!(r.x.st.segment(Seg::Gs).base, 0x7fff_1234_5678);
        assert_eq!(r.x.ctx.win[5].base, 0x7fff_1234_5678, "in force at once");
        r.x.st.regs[RAX as usize] = 1 << 47;
        assert_eq!(r.fault(&[0xf3, 0x48, 0x0f, 0xae, 0xd8]), GP);
    }

    #[test]
    fn stac_and_clac_switch_smap_at_once() {
        let mut r = Rig::long(0);
        r.x.st.cr4 |= cr4::SMAP;
        // Pages of the rig are user pages: run the helpers, not code from them.
        r.x.refresh();
        assert_eq!(r.x.read::<8>(3, 0x4000), Err(Exception::pf(1)));
        let nop = crate::isa::decode::decode(&[0x90], r.x.ctx.code, &r.x.model).unwrap();
        set_ac::<true>(&mut r.x, &nop).unwrap();
        assert_eq!(r.x.read::<8>(3, 0x4000), Ok(0));
        set_ac::<false>(&mut r.x, &nop).unwrap();
        assert_eq!(r.x.read::<8>(3, 0x4000), Err(Exception::pf(1)));
        assert_eq!(Rig::level3(M).fault(&[0x0f, 0x01, 0xcb]), Exception::UD);
    }

    #[test]
    fn performance_counters_need_pce_above_level_0() {
        let mut r = Rig::level3(ModelName::Pentium3);
        assert_eq!(r.fault(&[0x0f, 0x33]), GP);
        let mut r = Rig::level3(ModelName::Pentium3);
        r.x.st.cr4 |= cr4::PCE;
        r.run(&[0x0f, 0x33]);
        assert_eq!((r.x.st.regs[RAX as usize], r.handler()), (0, None));
    }

    #[test]
    fn port_permission_follows_iopl_and_the_bit_map() {
        let mut r = Rig::level3(M);
        r.poke(super::super::rig::TSS + 0x66, 2, 0x68);
        r.x.st.tr.limit = 0x67;
        assert_eq!(r.fault(&[0xe4, 0x60]), GP, "the TSS has no map");
        let mut r = Rig::level3(M);
        r.poke(super::super::rig::TSS + 0x66, 2, 0x70);
        r.poke(super::super::rig::TSS + 0x70 + 12, 2, 0xfffe);
        r.run(&[0xe4, 0x60]);
        assert_eq!((r.handler(), r.x.st.regs[RAX as usize]), (None, 0xff));
        assert_eq!(r.fault(&[0xe5, 0x60]), GP, "port 61h is closed");
        let mut r = Rig::level3(M);
        r.x.st.flags.set_system(crate::cpu::flags::IOPL, true);
        r.run(&[0xe5, 0x60]);
        assert_eq!(r.x.st.regs[RAX as usize], 0xffff_ffff);
        let mut r = Rig::v86(M);
        r.poke(super::super::rig::TSS + 12, 1, 1); // the map begins at 0
        r.run(&[0xe4, 0x60]);
        assert_eq!(r.handler(), Some(13), "IOPL does not matter in virtual-8086 mode");
    }

    #[test]
    fn a_real_mode_monitor_can_turn_protection_on_and_go_on() {
        let mut r = Rig::real(M);
        r.x.st.regs[RAX as usize] = cr0::PE | cr0::ET;
        r.run(&[0x0f, 0x22, 0xc0]);
        assert!(r.x.st.protected());
        r.run(&[0x90]);
        assert_eq!(r.handler(), None);
    }
}
