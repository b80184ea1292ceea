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

/// INVPCID. All entries go, which every type of it permits.
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
    x.flush_tlb();
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
    x.refresh();
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
