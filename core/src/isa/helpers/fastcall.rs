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
    x.refresh();
    Ok(())
}
