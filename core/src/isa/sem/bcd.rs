//! DAA DAS AAA AAS AAD. SDM Vol. 2A. AAM divides and is in [`crate::isa::helpers::divide`].
//!
//! Undefined and chosen: DAA and DAS clear `Of`. AAA and AAS take `Zf Sf Pf` from AL
//! and clear `Of`. AAD clears `Cf Of Af`. The 8086 adds to AL and AH apart in AAA and AAS; that is what `APART` is for.

use crate::cpu::Exception;
use crate::cpu::flags::AF;
use crate::cpu::state::RAX;
use crate::isa::Insn;
use crate::isa::insn::HIGH;
use crate::isa::ops::Ops;

type R = Result<(), Exception>;

/// `Af` as 0 or 1.
#[inline(always)]
fn af<O: Ops>(o: &mut O) -> O::V {
    let f = o.arithmetic();
    let m = o.imm(AF);
    let f = o.and(f, m);
    let n = o.imm(4);
    o.shr(f, n)
}

/// `Zf Sf Pf` from `al`, and `Cf` and `Af` from values that are 0 or 1.
#[inline(always)]
fn flags<O: Ops>(o: &mut O, al: O::V, cf: O::V, af: O::V) {
    let zero = o.imm(0);
    o.flags_result::<8>(al);
    o.set_cf_of(cf, zero);
    let n = o.imm(4);
    let ax = o.shl(af, n);
    o.set_ax(ax);
}

/// Whether the low digit of `al` is past 9, or `Af` is set.
#[inline(always)]
fn low_digit<O: Ops>(o: &mut O, al: O::V) -> O::V {
    let af = af(o);
    let m = o.imm(0xf);
    let digit = o.and(al, m);
    let nine = o.imm(9);
    let past = o.ult(nine, digit);
    o.or(past, af)
}

/// DAA; with `SUB` DAS.
#[inline(always)]
pub fn decimal<O: Ops, const SUB: bool>(o: &mut O, _: &Insn) -> R {
    let al = o.get::<8>(RAX);
    let cf = o.cf();
    let low = low_digit(o, al);
    let limit = o.imm(0x99);
    let past = o.ult(limit, al);
    let high = o.or(past, cf);
    let six = o.imm(6);
    let sixty = o.imm(0x60);
    let a = o.mul(low, six);
    let b = o.mul(high, sixty);
    let adjust = o.add(a, b);
    let r = if SUB { o.sub(al, adjust) } else { o.add(al, adjust) };
    let r = o.zext::<8>(r);
    o.put::<8>(RAX, r);
    // DAS may also borrow when it takes the 6 from a low AL.
    let carry = if SUB {
        let under = o.ult(al, a);
        o.or(high, under)
    } else {
        high
    };
    flags(o, r, carry, low);
    Ok(())
}

/// AAA; with `SUB` AAS. With `APART` the adjustment of AL does not carry into AH (8086).
#[inline(always)]
pub fn ascii<O: Ops, const SUB: bool, const APART: bool>(o: &mut O, _: &Insn) -> R {
    let ax = o.get::<16>(RAX);
    let al = o.get::<8>(RAX);
    let adjust = low_digit(o, al);
    let r = if APART {
        let six = o.imm(6);
        let low = o.mul(adjust, six);
        let ah = o.get::<8>(RAX | HIGH);
        let (al, ah) = if SUB { (o.sub(al, low), o.sub(ah, adjust)) } else { (o.add(al, low), o.add(ah, adjust)) };
        let al = o.zext::<8>(al);
        let n = o.imm(8);
        let ah = o.shl(ah, n);
        o.or(ah, al)
    } else {
        let k = o.imm(0x106);
        let k = o.mul(adjust, k);
        if SUB { o.sub(ax, k) } else { o.add(ax, k) }
    };
    let mask = o.imm(0xff0f);
    let r = o.and(r, mask);
    o.put::<16>(RAX, r);
    flags(o, r, adjust, adjust);
    Ok(())
}

/// AAD.
#[inline(always)]
pub fn aad<O: Ops>(o: &mut O, i: &Insn) -> R {
    let al = o.get::<8>(RAX);
    let ah = o.get::<8>(RAX | HIGH);
    let base = o.imm(i.imm & 0xff);
    let tens = o.mul(ah, base);
    let r = o.add(al, tens);
    let r = o.zext::<8>(r);
    o.put::<16>(RAX, r);
    let zero = o.imm(0);
    flags(o, r, zero, zero);
    Ok(())
}
