//! SHL SHR SAR ROL ROR RCL RCR SHLD SHRD. SDM Vol. 2A and 2B, each instruction's "Operation" and "Flags Affected".
//!
//! Counts are masked to 5 bits (6 for 64-bit operands); the 8086, which does not mask, has shifts of its own in
//! [`crate::isa::helpers::i8086`]. What is undefined there and chosen here:
//!
//! * `Of` after a count other than 1 follows from the last step, as for a count of 1: this is what chips do that shift
//!   bit by bit, and what Intel's later ones show for SHL, SHLD, SHRD and the rotates.
//! * `Af` is cleared by shifts and left alone by rotates.
//! * `Cf` after a shift of 8 or 16 bits by more than the operand's size is 0 (the sign for SAR).
//! * A 16-bit SHLD or SHRD by more than 16 goes on with the destination behind the source.
//!
//! A count of 0 leaves all flags alone. `K` says that the count is known not to be 0, so that nothing has to be selected.

use crate::cpu::Exception;
use crate::cpu::state::RCX;
use crate::isa::Insn;
use crate::isa::ops::{Ops, Place};

type R = Result<(), Exception>;

/// Mask of a shift's count for an operand of `B` bits.
#[must_use]
pub const fn count_mask(bits: u32) -> u64 {
    if bits == 64 { 63 } else { 31 }
}

/// The masked count from an 8-bit operand.
#[inline(always)]
fn count<O: Ops, const B: u32, N: Place>(o: &mut O, i: &Insn) -> Result<O::V, Exception> {
    let n = N::get::<O, 8>(o, i)?;
    let mask = o.imm(count_mask(B));
    Ok(o.and(n, mask))
}

/// All flags of a shift's result; they stay if `n` is 0.
#[inline(always)]
fn flags_shift<O: Ops, const B: u32, const K: bool>(o: &mut O, n: O::V, r: O::V, co: O::V) {
    let s = o.sext::<B>(r);
    let zero = o.imm(0);
    if K {
        o.set_zsp(s, s);
        o.set_co(co);
        o.set_ax(zero);
        return;
    }
    let (zr, sp, old_co, ax) = (o.flag_zr(), o.flag_sp(), o.flag_co(), o.flag_ax());
    let zr = o.select(n, s, zr);
    let sp = o.select(n, s, sp);
    let co = o.select(n, co, old_co);
    let ax = o.select(n, zero, ax);
    o.set_zsp(zr, sp);
    o.set_co(co);
    o.set_ax(ax);
}

/// `Cf` and `Of` of a rotate; they stay if `n` is 0.
#[inline(always)]
fn flags_rotate<O: Ops, const K: bool>(o: &mut O, n: O::V, co: O::V) {
    if K {
        o.set_co(co);
        return;
    }
    let old = o.flag_co();
    let co = o.select(n, co, old);
    o.set_co(co);
}

/// The `co` word of two values whose lowest bits are `Cf` and `Of`.
#[inline(always)]
fn co_word<O: Ops>(o: &mut O, cf: O::V, of: O::V) -> O::V {
    let n63 = o.imm(63);
    let n1 = o.imm(1);
    let x = o.xor(cf, of);
    let hi = o.shl(cf, n63);
    let lo = o.shl(x, n63);
    let lo = o.shr(lo, n1);
    o.or(hi, lo)
}

/// A shift or rotate by an immediate that is 0 after masking: the operand is touched, nothing else happens.
#[inline(always)]
pub fn none<O: Ops, const B: u32, D: Place>(o: &mut O, i: &Insn) -> R {
    let a = D::get_rmw::<O, B>(o, i)?;
    D::set::<O, B>(o, i, a)
}

/// SHL, SAL.
#[inline(always)]
pub fn shl<O: Ops, const B: u32, D: Place, N: Place, const K: bool>(o: &mut O, i: &Insn) -> R {
    let n = count::<O, B, N>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let r = o.shl(a, n);
    D::set::<O, B>(o, i, r)?;
    // The last step: bit B-1 goes to Cf, bit B-2 becomes the sign.
    let one = o.imm(1);
    let n1 = o.sub(n, one);
    let last = o.shl(a, n1);
    let up = o.imm(u64::from(64 - B));
    let co = o.shl(last, up);
    flags_shift::<O, B, K>(o, n, r, co);
    Ok(())
}

/// SHR.
#[inline(always)]
pub fn shr<O: Ops, const B: u32, D: Place, N: Place, const K: bool>(o: &mut O, i: &Insn) -> R {
    let n = count::<O, B, N>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let r = o.shr(a, n);
    D::set::<O, B>(o, i, r)?;
    let one = o.imm(1);
    let n1 = o.sub(n, one);
    let last = o.shr(a, n1);
    let top = o.imm(u64::from(B - 1));
    let of = o.shr(last, top);
    let co = co_word(o, last, of);
    flags_shift::<O, B, K>(o, n, r, co);
    Ok(())
}

/// SAR.
#[inline(always)]
pub fn sar<O: Ops, const B: u32, D: Place, N: Place, const K: bool>(o: &mut O, i: &Insn) -> R {
    let n = count::<O, B, N>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let a = o.sext::<B>(a);
    let r = o.sar(a, n);
    D::set::<O, B>(o, i, r)?;
    let one = o.imm(1);
    let n1 = o.sub(n, one);
    let last = o.sar(a, n1);
    let zero = o.imm(0);
    let co = co_word(o, last, zero);
    flags_shift::<O, B, K>(o, n, r, co);
    Ok(())
}

/// ROL.
#[inline(always)]
pub fn rol<O: Ops, const B: u32, D: Place, N: Place, const K: bool>(o: &mut O, i: &Insn) -> R {
    let n = count::<O, B, N>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let inside = o.imm(u64::from(B - 1));
    let m = o.and(n, inside);
    let size = o.imm(u64::from(B));
    let back = o.sub(size, m);
    let hi = o.shl(a, m);
    let lo = o.shr(a, back);
    let r = o.or(hi, lo);
    D::set::<O, B>(o, i, r)?;
    // Cf is the lowest bit, Of its difference from the highest.
    let sign = o.shr(r, inside);
    let of = o.xor(r, sign);
    let co = co_word(o, r, of);
    flags_rotate::<O, K>(o, n, co);
    Ok(())
}

/// ROR.
#[inline(always)]
pub fn ror<O: Ops, const B: u32, D: Place, N: Place, const K: bool>(o: &mut O, i: &Insn) -> R {
    let n = count::<O, B, N>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let inside = o.imm(u64::from(B - 1));
    let m = o.and(n, inside);
    let size = o.imm(u64::from(B));
    let back = o.sub(size, m);
    let lo = o.shr(a, m);
    let hi = o.shl(a, back);
    let r = o.or(hi, lo);
    D::set::<O, B>(o, i, r)?;
    // Cf is the highest bit, Of its difference from the next.
    let up = o.imm(u64::from(64 - B));
    let co = o.shl(r, up);
    flags_rotate::<O, K>(o, n, co);
    Ok(())
}

/// The count of RCL and RCR, modulo the operand's bits and `Cf` for 8 and 16 bits.
#[inline(always)]
fn through<O: Ops, const B: u32>(o: &mut O, n: O::V) -> O::V {
    match B {
        8 => {
            // n / 9 for n up to 31 is n * 57 >> 9.
            let k = o.imm(57);
            let q = o.mul(n, k);
            let s = o.imm(9);
            let q = o.shr(q, s);
            let whole = o.mul(q, s);
            o.sub(n, whole)
        }
        16 => {
            let s = o.imm(16);
            let over = o.ult(s, n);
            let m = o.imm(17);
            let whole = o.mul(over, m);
            o.sub(n, whole)
        }
        _ => n,
    }
}

/// RCL.
#[inline(always)]
pub fn rcl<O: Ops, const B: u32, D: Place, N: Place, const K: bool>(o: &mut O, i: &Insn) -> R {
    let n = count::<O, B, N>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let cf = o.cf();
    let m = through::<O, B>(o, n);
    let (r, out) = if B == 64 {
        let one = o.imm(1);
        let m1 = o.sub(m, one);
        let size = o.imm(64);
        let back = o.sub(size, m);
        let hi = o.shl(a, m);
        let mid = o.shl(cf, m1);
        let half = o.shr(a, one);
        let lo = o.shr(half, back);
        let r = o.or(hi, mid);
        let r = o.or(r, lo);
        let out = o.shr(a, back);
        (o.select(m, r, a), o.select(m, out, cf))
    } else {
        let size = o.imm(u64::from(B));
        let wide = o.shl(cf, size);
        let wide = o.or(wide, a);
        let all = o.imm(u64::from(B + 1));
        let back = o.sub(all, m);
        let hi = o.shl(wide, m);
        let lo = o.shr(wide, back);
        let r = o.or(hi, lo);
        (r, o.shr(r, size))
    };
    D::set::<O, B>(o, i, r)?;
    let top = o.imm(u64::from(B - 1));
    let sign = o.shr(r, top);
    let of = o.xor(out, sign);
    let co = co_word(o, out, of);
    flags_rotate::<O, K>(o, n, co);
    Ok(())
}

/// RCR.
#[inline(always)]
pub fn rcr<O: Ops, const B: u32, D: Place, N: Place, const K: bool>(o: &mut O, i: &Insn) -> R {
    let n = count::<O, B, N>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let cf = o.cf();
    let m = through::<O, B>(o, n);
    let (r, out) = if B == 64 {
        let one = o.imm(1);
        let m1 = o.sub(m, one);
        let size = o.imm(64);
        let back = o.sub(size, m);
        let lo = o.shr(a, m);
        let mid = o.shl(cf, back);
        let double = o.shl(a, one);
        let hi = o.shl(double, back);
        let r = o.or(lo, mid);
        let r = o.or(r, hi);
        let out = o.shr(a, m1);
        (o.select(m, r, a), o.select(m, out, cf))
    } else {
        let size = o.imm(u64::from(B));
        let wide = o.shl(cf, size);
        let wide = o.or(wide, a);
        let all = o.imm(u64::from(B + 1));
        let back = o.sub(all, m);
        let lo = o.shr(wide, m);
        let hi = o.shl(wide, back);
        let r = o.or(lo, hi);
        (r, o.shr(r, size))
    };
    D::set::<O, B>(o, i, r)?;
    // Of is the difference of the two highest bits.
    let below = o.imm(u64::from(B - 2));
    let next = o.shr(r, below);
    let one = o.imm(1);
    let sign = o.shr(next, one);
    let of = o.xor(next, sign);
    let co = co_word(o, out, of);
    flags_rotate::<O, K>(o, n, co);
    Ok(())
}

/// The count of SHLD and SHRD: the immediate, or CL.
#[inline(always)]
fn double_count<O: Ops, const B: u32, const CL: bool>(o: &mut O, i: &Insn) -> O::V {
    let n = if CL { o.reg(RCX) } else { o.imm(i.imm) };
    let mask = o.imm(count_mask(B));
    o.and(n, mask)
}

/// SHLD. Without `CL` the immediate is not 0 after masking.
#[inline(always)]
pub fn shld<O: Ops, const B: u32, D: Place, const CL: bool>(o: &mut O, i: &Insn) -> R {
    let n = double_count::<O, B, CL>(o, i);
    let b = o.get::<B>(i.src);
    let a = D::get_rmw::<O, B>(o, i)?;
    let one = o.imm(1);
    let n1 = o.sub(n, one);
    let n32 = o.imm(32);
    // `last` is the state before the last step, with the destination at the top of 64 (16 bits: 48) bits.
    let (r, co) = match B {
        16 => {
            let n16 = o.imm(16);
            let hi = o.shl(a, n32);
            let mid = o.shl(b, n16);
            let wide = o.or(hi, mid);
            let wide = o.or(wide, a);
            let last = o.shl(wide, n1);
            let r = o.shl(wide, n);
            (o.shr(r, n32), o.shl(last, n16))
        }
        32 => {
            let hi = o.shl(a, n32);
            let wide = o.or(hi, b);
            let last = o.shl(wide, n1);
            let r = o.shl(wide, n);
            (o.shr(r, n32), last)
        }
        _ => {
            let last = o.shl(a, n1);
            let size = o.imm(64);
            let back = o.sub(size, n);
            let hi = o.shl(a, n);
            let lo = o.shr(b, back);
            let r = o.or(hi, lo);
            (o.select(n, r, a), last)
        }
    };
    D::set::<O, B>(o, i, r)?;
    double_flags::<O, B, CL>(o, n, r, co);
    Ok(())
}

/// SHRD. Without `CL` the immediate is not 0 after masking.
#[inline(always)]
pub fn shrd<O: Ops, const B: u32, D: Place, const CL: bool>(o: &mut O, i: &Insn) -> R {
    let n = double_count::<O, B, CL>(o, i);
    let b = o.get::<B>(i.src);
    let a = D::get_rmw::<O, B>(o, i)?;
    let one = o.imm(1);
    let n1 = o.sub(n, one);
    let (r, cf) = match B {
        16 => {
            let n32 = o.imm(32);
            let n16 = o.imm(16);
            let hi = o.shl(a, n32);
            let mid = o.shl(b, n16);
            let wide = o.or(hi, mid);
            let wide = o.or(wide, a);
            (o.shr(wide, n), o.shr(wide, n1))
        }
        32 => {
            let n32 = o.imm(32);
            let hi = o.shl(b, n32);
            let wide = o.or(hi, a);
            (o.shr(wide, n), o.shr(wide, n1))
        }
        _ => {
            let size = o.imm(64);
            let back = o.sub(size, n);
            let lo = o.shr(a, n);
            let hi = o.shl(b, back);
            let r = o.or(lo, hi);
            (o.select(n, r, a), o.shr(a, n1))
        }
    };
    D::set::<O, B>(o, i, r)?;
    let below = o.imm(u64::from(B - 2));
    let next = o.shr(r, below);
    let sign = o.shr(next, one);
    let of = o.xor(next, sign);
    let co = co_word(o, cf, of);
    double_flags::<O, B, CL>(o, n, r, co);
    Ok(())
}

#[inline(always)]
fn double_flags<O: Ops, const B: u32, const CL: bool>(o: &mut O, n: O::V, r: O::V, co: O::V) {
    if CL {
        flags_shift::<O, B, false>(o, n, r, co);
    } else {
        flags_shift::<O, B, true>(o, n, r, co);
    }
}
