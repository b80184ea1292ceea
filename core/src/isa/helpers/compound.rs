//! Instructions of several accesses or steps: PUSHA POPA ENTER CMPXCHG8B CMPXCHG16B CRC32. SDM Vol. 2A and 2B.
//!
//! Registers change only when all accesses have succeeded. PUSHA and ENTER may have written below the stack pointer by
//! then, as the processor does.

use super::string::probe_write;
use crate::cpu::Exception;
use crate::cpu::state::{RAX, RBP, RBX, RCX, RDI, RDX, RSP};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::ops::{Ops, Place};

type R = Result<(), Exception>;

/// Segment number of SS.
const SS: u8 = 2;

/// PUSHA, PUSHAD: the value pushed for SP is the one before the instruction.
///
/// # Errors
/// A fault of a store.
pub fn pusha<const B: u32>(x: &mut Exec, _: &Insn) -> R {
    let sp = x.reg(RSP);
    let mask = x.ctx.sp_mask;
    let n = u64::from(B / 8);
    for r in RAX..=RDI {
        let v = x.reg(r);
        let off = sp.wrapping_sub(n * (u64::from(r) + 1)) & mask;
        x.write::<B>(SS, off, v)?;
    }
    x.set_sp(sp.wrapping_sub(8 * n));
    Ok(())
}

/// POPA, POPAD: the value for SP is thrown away.
///
/// # Errors
/// A fault of a load.
pub fn popa<const B: u32>(x: &mut Exec, _: &Insn) -> R {
    let sp = x.reg(RSP);
    let mask = x.ctx.sp_mask;
    let n = u64::from(B / 8);
    let mut v = [0; 8];
    for (k, r) in (RAX..=RDI).rev().enumerate() {
        v[usize::from(r)] = x.read::<B>(SS, sp.wrapping_add(n * k as u64) & mask)?;
    }
    for r in (RAX..=RDI).filter(|&r| r != RSP) {
        Ops::put::<B>(x, r, v[usize::from(r)]);
    }
    x.set_sp(sp.wrapping_add(8 * n));
    Ok(())
}

/// ENTER. The nesting level counts modulo 32.
///
/// # Errors
/// A fault of an access, or of a write at the final stack pointer.
pub fn enter<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    let mask = x.ctx.sp_mask;
    let n = u64::from(B / 8);
    let level = i.imm >> 16 & 31;
    let room = i.imm & 0xffff;
    let mut bp = x.reg(RBP);
    let mut sp = x.reg(RSP).wrapping_sub(n);
    x.write::<B>(SS, sp & mask, bp)?;
    // BP gets all that the stack uses of SP, cut to the operand size.
    let frame = sp & mask;
    for k in 1..=level {
        let v = if k < level {
            bp = bp.wrapping_sub(n);
            x.read::<B>(SS, bp & mask)?
        } else {
            frame
        };
        sp = sp.wrapping_sub(n);
        x.write::<B>(SS, sp & mask, v)?;
    }
    sp = sp.wrapping_sub(room);
    if x.st.protected() {
        probe_write(x, SS, sp & mask, B / 8)?;
    }
    Ops::put::<B>(x, RBP, frame);
    x.set_sp(sp);
    Ok(())
}

/// Sets `Zf` alone.
fn set_zf(x: &mut Exec, on: bool) {
    x.st.flags.zr = u64::from(!on);
}

/// CMPXCHG8B. The destination is written in either case, as the bus cycle of the processor does.
///
/// # Errors
/// A fault of the access, as for a write.
pub fn cmpxchg8b(x: &mut Exec, i: &Insn) -> R {
    let at = x.ea(i);
    let old = x.read_rmw::<64>(i.seg, at)?;
    let join = |hi: u64, lo: u64| hi << 32 | lo & 0xffff_ffff;
    let want = join(x.reg(RDX), x.reg(RAX));
    let equal = old == want;
    let new = if equal { join(x.reg(RCX), x.reg(RBX)) } else { old };
    x.write::<64>(i.seg, at, new)?;
    if !equal {
        Ops::put::<32>(x, RAX, old);
        Ops::put::<32>(x, RDX, old >> 32);
    }
    set_zf(x, equal);
    Ok(())
}

/// CMPXCHG16B.
///
/// # Errors
/// `#GP(0)` for an address that is not a multiple of 16; a fault of the access.
pub fn cmpxchg16b(x: &mut Exec, i: &Insn) -> R {
    let at = x.ea(i);
    let lin = x.check_segment(i.seg, at, 16, true)?;
    if lin & 15 != 0 {
        return Err(Exception::gp(0));
    }
    let lo = x.read_rmw::<64>(i.seg, at)?;
    let hi = x.read_rmw::<64>(i.seg, at.wrapping_add(8))?;
    let equal = (lo, hi) == (x.reg(RAX), x.reg(RDX));
    let new = if equal { (x.reg(RBX), x.reg(RCX)) } else { (lo, hi) };
    x.write::<64>(i.seg, at, new.0)?;
    x.write::<64>(i.seg, at.wrapping_add(8), new.1)?;
    if !equal {
        x.set_reg(RAX, lo);
        x.set_reg(RDX, hi);
    }
    set_zf(x, equal);
    Ok(())
}

/// The polynomial 11EDC6F41h, reflected.
const CRC32C: u32 = 0x82f6_3b78;

/// CRC32 of `B` bits.
///
/// # Errors
/// A fault of the access.
pub fn crc32<const B: u32, S: Place>(x: &mut Exec, i: &Insn) -> R {
    let v = S::get::<Exec, B>(x, i)?;
    let mut crc = x.reg(i.dst) as u32;
    for b in &v.to_le_bytes()[..B as usize / 8] {
        crc ^= u32::from(*b);
        for _ in 0..8 {
            crc = crc >> 1 ^ CRC32C & 0u32.wrapping_sub(crc & 1);
        }
    }
    x.set_reg(i.dst, u64::from(crc));
    Ok(())
}
