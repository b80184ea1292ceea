//! MUL IMUL. SDM Vol. 2A and 2B. Division is in [`crate::isa::helpers::divide`].
//!
//! `Sf Zf Af Pf` are undefined; Ferrite takes them from the low half of the product, `Af` 0.

use crate::cpu::Exception;
use crate::cpu::state::{RAX, RDX};
use crate::isa::Insn;
use crate::isa::insn::HIGH;
use crate::isa::ops::{Ops, Place};

type R = Result<(), Exception>;

/// Flags of a product with the low half `lo`: `Cf` and `Of` say that it does not fit (`over`, 0 or 1).
#[inline(always)]
fn flags_product<O: Ops, const B: u32>(o: &mut O, lo: O::V, over: O::V) {
    let zero = o.imm(0);
    o.flags_result::<B>(lo);
    o.set_cf_of(over, over);
    o.set_ax(zero);
}

#[inline(always)]
fn differ<O: Ops>(o: &mut O, a: O::V, b: O::V) -> O::V {
    let same = o.eq(a, b);
    let one = o.imm(1);
    o.xor(same, one)
}

/// Writes a product of twice `B` bits to AX, or rDX:rAX.
#[inline(always)]
fn put_product<O: Ops, const B: u32>(o: &mut O, lo: O::V, hi: O::V) {
    o.put::<B>(RAX, lo);
    o.put::<B>(if B == 8 { RAX | HIGH } else { RDX }, hi);
}

/// MUL.
#[inline(always)]
pub fn mul<O: Ops, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let b = S::get::<O, B>(o, i)?;
    let a = o.get::<B>(RAX);
    let lo = o.mul(a, b);
    let hi = if B == 64 {
        o.umulh(a, b)
    } else {
        let n = o.imm(u64::from(B & 63));
        o.shr(lo, n)
    };
    put_product::<O, B>(o, lo, hi);
    let zero = o.imm(0);
    let over = differ(o, hi, zero);
    flags_product::<O, B>(o, lo, over);
    Ok(())
}

/// The product of two signed operands: low half (with rubbish above), high half, and whether it does not fit in the low.
#[inline(always)]
fn signed<O: Ops, const B: u32>(o: &mut O, a: O::V, b: O::V) -> (O::V, O::V, O::V) {
    let a = o.sext::<B>(a);
    let b = o.sext::<B>(b);
    let lo = o.mul(a, b);
    if B == 64 {
        let hi = o.smulh(a, b);
        let n = o.imm(63);
        let sign = o.sar(lo, n);
        let over = differ(o, hi, sign);
        (lo, hi, over)
    } else {
        let n = o.imm(u64::from(B & 63));
        let hi = o.shr(lo, n);
        let cut = o.sext::<B>(lo);
        let over = differ(o, cut, lo);
        (lo, hi, over)
    }
}

/// IMUL with one operand.
#[inline(always)]
pub fn imul1<O: Ops, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let b = S::get::<O, B>(o, i)?;
    let a = o.get::<B>(RAX);
    let (lo, hi, over) = signed::<O, B>(o, a, b);
    put_product::<O, B>(o, lo, hi);
    flags_product::<O, B>(o, lo, over);
    Ok(())
}

/// IMUL with two operands.
#[inline(always)]
pub fn imul2<O: Ops, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let b = S::get::<O, B>(o, i)?;
    let a = o.get::<B>(i.dst);
    let (lo, _, over) = signed::<O, B>(o, a, b);
    o.put::<B>(i.dst, lo);
    flags_product::<O, B>(o, lo, over);
    Ok(())
}

/// IMUL with an immediate.
#[inline(always)]
pub fn imul3<O: Ops, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let a = S::get::<O, B>(o, i)?;
    let b = o.imm(i.imm);
    let (lo, _, over) = signed::<O, B>(o, a, b);
    o.put::<B>(i.dst, lo);
    flags_product::<O, B>(o, lo, over);
    Ok(())
}
