//! BT BTS BTR BTC BSF BSR TZCNT LZCNT POPCNT MOVBE. SDM Vol. 2A and 2B.
//!
//! Undefined and chosen: BT and its kin leave `Of Sf Af Pf` alone (and `Zf`, which is defined to stay). BSF and BSR of 0
//! leave the destination alone, as every processor does; besides `Zf` they leave the flags alone. After TZCNT and
//! LZCNT `Of Sf Af Pf` are those of a logical result.

use crate::cpu::Exception;
use crate::isa::Insn;
use crate::isa::insn::flag;
use crate::isa::ops::{Ops, Place};

type R = Result<(), Exception>;

/// What happens to the tested bit.
pub const BT: u8 = 0;
/// BTS.
pub const BTS: u8 = 1;
/// BTR.
pub const BTR: u8 = 2;
/// BTC.
pub const BTC: u8 = 3;

/// `a` with the bit `n` (inside the operand) changed, and `Cf` set to what it was.
#[inline(always)]
fn change<O: Ops, const W: u8>(o: &mut O, a: O::V, n: O::V) -> (O::V, O::V) {
    let one = o.imm(1);
    let bit = o.shl(one, n);
    let was = o.shr(a, n);
    let was = o.and(was, one);
    let r = match W {
        BTS => o.or(a, bit),
        BTR => {
            let not = o.not(bit);
            o.and(a, not)
        }
        _ => o.xor(a, bit),
    };
    (r, was)
}

#[inline(always)]
fn set_cf<O: Ops>(o: &mut O, cf: O::V) {
    let of = o.of();
    o.set_cf_of(cf, of);
}

/// BT, BTS, BTR, BTC of a register, or by an immediate: the number counts modulo the operand size.
#[inline(always)]
pub fn bit<O: Ops, const W: u8, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let n = S::get::<O, B>(o, i)?;
    let inside = o.imm(u64::from(B - 1));
    let n = o.and(n, inside);
    let a = if W == BT { D::get::<O, B>(o, i)? } else { D::get_rmw::<O, B>(o, i)? };
    let (r, was) = change::<O, W>(o, a, n);
    if W != BT {
        D::set::<O, B>(o, i, r)?;
    }
    set_cf(o, was);
    Ok(())
}

/// BT, BTS, BTR, BTC of memory by a register: a bit string that reaches to both sides of the address.
#[inline(always)]
pub fn bit_string<O: Ops, const W: u8, const B: u32>(o: &mut O, i: &Insn) -> R {
    let n = o.reg(i.src);
    let n = o.sext::<B>(n);
    // The operand that holds the bit, in bytes from the address.
    let log = o.imm(u64::from(B.trailing_zeros()));
    let unit = o.sar(n, log);
    let bytes = o.imm(u64::from((B / 8).trailing_zeros()));
    let delta = o.shl(unit, bytes);
    let base = o.ea(i);
    let at = o.add(base, delta);
    let mask = o.imm(i.address_mask());
    let at = o.and(at, mask);
    let inside = o.imm(u64::from(B - 1));
    let n = o.and(n, inside);
    let a = if W == BT { o.load::<B>(i.seg, at)? } else { o.load_rmw::<B>(i.seg, at)? };
    let (r, was) = change::<O, W>(o, a, n);
    if W != BT {
        o.store::<B>(i.seg, at, r)?;
    }
    set_cf(o, was);
    Ok(())
}

/// BSF.
#[inline(always)]
pub fn bsf<O: Ops, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let s = S::get::<O, B>(o, i)?;
    let n = o.ctz(s);
    scan::<O, B>(o, i, s, n);
    Ok(())
}

/// BSR.
#[inline(always)]
pub fn bsr<O: Ops, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let s = S::get::<O, B>(o, i)?;
    let z = o.clz(s);
    let top = o.imm(63);
    let n = o.sub(top, z);
    scan::<O, B>(o, i, s, n);
    Ok(())
}

#[inline(always)]
fn scan<O: Ops, const B: u32>(o: &mut O, i: &Insn, s: O::V, n: O::V) {
    let old = o.reg(i.dst);
    o.put::<B>(i.dst, n);
    let new = o.reg(i.dst);
    let v = o.select(s, new, old);
    o.set_reg(i.dst, v);
    let sp = o.flag_sp();
    o.set_zsp(s, sp);
}

/// TZCNT.
#[inline(always)]
pub fn tzcnt<O: Ops, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let s = S::get::<O, B>(o, i)?;
    let n = o.ctz(s);
    counted::<O, B>(o, i, s, n);
    Ok(())
}

/// LZCNT.
#[inline(always)]
pub fn lzcnt<O: Ops, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let s = S::get::<O, B>(o, i)?;
    let n = o.clz(s);
    let above = o.imm(u64::from(64 - B));
    let n = o.sub(n, above);
    counted::<O, B>(o, i, s, n);
    Ok(())
}

/// `Cf` says that the source was 0, `Zf` that the count is.
#[inline(always)]
fn counted<O: Ops, const B: u32>(o: &mut O, i: &Insn, s: O::V, n: O::V) {
    let zero = o.imm(0);
    let size = o.imm(u64::from(B));
    let n = o.select(s, n, size);
    let none = o.eq(s, zero);
    o.put::<B>(i.dst, n);
    o.flags_logic::<B>(n);
    o.set_cf_of(none, zero);
}

/// POPCNT: `Zf` from the source, all other flags cleared.
#[inline(always)]
pub fn popcnt<O: Ops, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let s = S::get::<O, B>(o, i)?;
    let n = o.popcnt(s);
    o.put::<B>(i.dst, n);
    let zero = o.imm(0);
    let one = o.imm(1);
    o.set_zsp(s, one); // odd parity, no sign
    o.set_co(zero);
    o.set_ax(zero);
    Ok(())
}

/// MOVBE.
#[inline(always)]
pub fn movbe<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> R {
    let n = o.imm(u64::from(64 - B));
    if i.src == crate::cpu::state::ZERO {
        let a = o.ea(i);
        let v = o.load::<B>(i.seg, a)?;
        let v = o.bswap(v);
        let v = o.shr(v, n);
        o.put::<B>(i.dst, v);
        return Ok(());
    }
    let v = o.reg(i.src);
    let v = o.bswap(v);
    let v = o.shr(v, n);
    let a = o.ea(i);
    debug_assert!(i.has(flag::MEM));
    o.store::<B>(i.seg, a, v)
}
