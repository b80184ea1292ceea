//! The usual case of each operation: normal numbers (loads, stores and compares: and zeros), precision exceptions masked.
//!
//! SDM Vol. 1, "Precision Control Field", "Rounding Control Field", "Inexact-Result (Precision) Exception (#P)".
//!
//! A function here gives what the whole operation (in the module beside it) gives, or `None` where it does not know: for every
//! other operand and control word, for a result that is denormal or too large, and wherever something but PE would be raised.
//! It has no environment to build and report: the control word goes in, PE and C1 come out where the status word has them.
//! What it computes is independent of the whole operations, which the tests use.

use crate::fp::env::{Flags, Round};
use crate::fp::f80::{BIAS, EXP_MAX, F80, J};
use crate::fp::num;

/// A result, and the PE and C1 that its rounding adds to a status word whose C1 is clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quick<T> {
    /// The result.
    pub value: T,
    /// PE and C1 at their places in the status word.
    pub status: u16,
}

/// The control word's precision mask.
const PM: u16 = Flags::PE.bits() as u16;
/// RC in the control word.
const RC: u16 = 3 << 10;
/// PC in the control word; all ones is 64 bits.
const PC: u16 = 3 << 8;
/// PC: 24 bits.
const PC_24: u16 = 0;
/// PC: 53 bits.
const PC_53: u16 = 2 << 8;
/// The sign bit of a sign-and-exponent word.
const SIGN: u16 = 0x8000;
/// Half a unit of the 64-bit significand, in the word below it.
const HALF: u64 = 1 << 63;

/// PE when anything was lost, C1 when the magnitude went up.
#[inline(always)]
const fn status(inexact: bool, up: bool) -> u16 {
    (inexact as u16) << 5 | (up as u16) << 9
}

/// Whether results are rounded to nearest and inexact ones are nothing to stop for.
#[inline(always)]
const fn rounds_to_nearest(cw: u16) -> bool {
    cw & (RC | PM) == PM
}

#[inline(always)]
const fn exponent(v: F80) -> u32 {
    v.biased_exp() as u32
}

/// A normal number: one test for 1 <= exponent <= 7FFEh, one for the integer bit.
#[inline(always)]
const fn is_normal(v: F80) -> bool {
    (exponent(v).wrapping_sub(1) < EXP_MAX as u32 - 1) & (v.sig & J != 0)
}

#[inline(always)]
const fn both_normal(a: F80, b: F80) -> bool {
    exponent(a).wrapping_sub(1) < EXP_MAX as u32 - 1
        && exponent(b).wrapping_sub(1) < EXP_MAX as u32 - 1
        && a.sig & b.sig & J != 0
}

#[inline(always)]
const fn is_zero(v: F80) -> bool {
    v.sig | v.biased_exp() as u64 == 0
}

/// Neither NaN, infinity, denormal nor an unsupported encoding. Tests for the likelier first.
#[inline(always)]
const fn is_usual(v: F80) -> bool {
    is_normal(v) || is_zero(v)
}

/// Rounds hi:lo, whose top bit is set and weighs 2^(e - bias), to nearest at the control word's precision. `sign` is the
/// word of which bit 15 is the sign.
#[inline(always)]
fn round(cw: u16, sign: u32, e: u32, hi: u64, lo: u64) -> Option<Quick<F80>> {
    /// Keeps `N` bits of `hi`, fewer than 64: what they become (0 is 2.0), whether something was lost, whether it went up.
    #[inline(always)]
    fn narrow<const N: u32>(hi: u64, lo: u64) -> (u64, bool, bool) {
        let unit = 1u64 << (64 - N);
        let rest = hi << N | u64::from(lo != 0);
        // Up above the half, and at the half when that makes the last bit even.
        let up = rest > HALF - (hi >> (64 - N) & 1);
        ((hi & !(unit - 1)).wrapping_add(u64::from(up) << (64 - N)), rest != 0, up)
    }
    // The whole operation treats a result as tiny by its exponent before rounding and as too large by that behind it. One
    // test leaves both to it, and the largest exponent with them.
    if e.wrapping_sub(1) >= u32::from(EXP_MAX) - 2 {
        return None;
    }
    let (sig, inexact, up) = if cw & PC == PC {
        let up = lo > HALF - (hi & 1);
        (hi.wrapping_add(u64::from(up)), lo != 0, up)
    } else {
        match cw & PC {
            PC_24 => narrow::<24>(hi, lo),
            PC_53 => narrow::<53>(hi, lo),
            _ => return None, // the reserved encoding
        }
    };
    let (sig, e) = if sig == 0 { (J, e + 1) } else { (sig, e) };
    Some(Quick { value: F80 { sig, se: (sign & u32::from(SIGN) | e) as u16 }, status: status(inexact, up) })
}

/// a + b; with `negate` = 8000h a - b.
#[inline(always)]
fn sum(cw: u16, a: F80, b: F80, negate: u16) -> Option<Quick<F80>> {
    if !rounds_to_nearest(cw) || !both_normal(a, b) {
        return None;
    }
    let (ea, eb) = (exponent(a), exponent(b));
    let (sa, sb) = (u32::from(a.se), u32::from(b.se ^ negate));
    // Without branches: which operand is the larger is nothing that can be predicted.
    let swap = (ea < eb) | ((ea == eb) & (a.sig < b.sig));
    let other = (a.sig ^ b.sig) & u64::from(swap).wrapping_neg();
    let (big, small) = (a.sig ^ other, b.sig ^ other);
    let sign = sa ^ ((sa ^ sb) & u32::from(swap).wrapping_neg());
    let (d, e) = (ea.abs_diff(eb), ea.max(eb));
    // `small` at the exponent of `big`, in 128 bits, the last of them sticky.
    let (yh, yl) = if d < 64 {
        (small >> d, small << 1 << (63 - d))
    } else if d < 128 {
        (0, small >> (d - 64) | u64::from(small << 1 << (127 - d) != 0))
    } else {
        (0, 1)
    };
    if (sa ^ sb) & u32::from(SIGN) == 0 {
        let (s, carry) = big.overflowing_add(yh);
        let c = u32::from(carry);
        // By one place to the right where there was a carry.
        let hi = s >> c | u64::from(c) << 63;
        let lo = (s & u64::from(c)) << 63 | yl >> c | yl & 1;
        return round(cw, sign, e + c, hi, lo);
    }
    let (lo, borrow) = 0u64.overflowing_sub(yl);
    let hi = big.wrapping_sub(yh).wrapping_sub(u64::from(borrow));
    if hi == 0 {
        // Equal numbers give +0. What is left in `lo` alone is rare.
        return if lo == 0 { Some(Quick { value: F80::ZERO, status: 0 }) } else { None };
    }
    let lz = hi.leading_zeros();
    // A sticky bit moves by at most one place: more is shifted only where the exponents differ by one or not at all.
    round(cw, sign, e.wrapping_sub(lz), hi << lz | lo >> 1 >> (63 - lz), lo << lz)
}

/// FADD.
#[inline(always)]
#[must_use]
pub fn add(cw: u16, a: F80, b: F80) -> Option<Quick<F80>> {
    sum(cw, a, b, 0)
}

/// FSUB: a - b.
#[inline(always)]
#[must_use]
pub fn sub(cw: u16, a: F80, b: F80) -> Option<Quick<F80>> {
    sum(cw, a, b, SIGN)
}

/// FMUL.
#[inline(always)]
#[must_use]
pub fn mul(cw: u16, a: F80, b: F80) -> Option<Quick<F80>> {
    if !rounds_to_nearest(cw) || !both_normal(a, b) {
        return None;
    }
    let p = u128::from(a.sig) * u128::from(b.sig);
    let (hi, lo) = ((p >> 64) as u64, p as u64);
    // The product of two numbers in [1, 2) is in [1, 4), one as likely as the other.
    let low = !hi >> 63;
    let e = exponent(a) + exponent(b) + 1 - low as u32;
    round(cw, u32::from(a.se ^ b.se), e.wrapping_sub(BIAS as u32), hi << low | lo >> 63 & low, lo << low)
}

/// FDIV: a / b.
#[inline(always)]
#[must_use]
pub fn div(cw: u16, a: F80, b: F80) -> Option<Quick<F80>> {
    if !rounds_to_nearest(cw) || !both_normal(a, b) {
        return None;
    }
    let less = a.sig < b.sig;
    let n = u128::from(a.sig) << 63 << u32::from(less);
    let hi = (n / u128::from(b.sig)) as u64; // in [2^63, 2^64) by the choice of the shift
    // Below 2^64, as it is less than the divisor: the upper halves need no subtraction.
    let rem = (n as u64).wrapping_sub(hi.wrapping_mul(b.sig));
    // It is never just half the divisor: the odd number 2 hi + 1, of 65 bits, would then divide `a.sig`.
    let lo = u64::from(rem > b.sig >> 1) << 63 | u64::from(rem != 0);
    let e = (exponent(a) + BIAS as u32 - u32::from(less)).wrapping_sub(exponent(b));
    round(cw, u32::from(a.se ^ b.se), e, hi, lo)
}

/// FSQRT of a positive number.
#[inline(always)]
#[must_use]
pub fn sqrt(cw: u16, a: F80) -> Option<Quick<F80>> {
    if !rounds_to_nearest(cw) || !is_normal(a) || a.is_negative() {
        return None;
    }
    let r = num::sqrt(a.finite());
    round(cw, 0, (r.exp + BIAS) as u32, r.hi, r.lo)
}

/// ZF, PF, CF of the comparison of a with b, as [`Relation::zf_pf_cf`](crate::fp::Relation::zf_pf_cf) has them. Raises nothing:
/// no operand is a NaN.
#[inline(always)]
#[must_use]
pub fn compare(a: F80, b: F80) -> Option<u8> {
    if !(is_usual(a) && is_usual(b)) {
        return None;
    }
    let (ea, eb) = (a.biased_exp(), b.biased_exp());
    let nearer = (ea < eb) | ((ea == eb) & (a.sig < b.sig));
    let same_sign = (a.se ^ b.se) & SIGN == 0;
    let equal = ((a.se == b.se) & (a.sig == b.sig)) | (a.sig | b.sig == 0);
    let less = a.is_negative() ^ (same_sign & nearer);
    Some(u8::from(equal) << 2 | u8::from(less & !equal))
}

/// FLD m32fp, or the value of such an operand.
#[inline(always)]
#[must_use]
pub fn from_f32(v: u32) -> Option<F80> {
    let se = (v >> 16) as u16 & SIGN;
    let e = v >> 23 & 0xff;
    if e.wrapping_sub(1) < 0xfe {
        return Some(F80 { se: se | (e as u16 + (BIAS - 127) as u16), sig: J | u64::from(v) << 40 });
    }
    (v << 1 == 0).then_some(F80 { se, sig: 0 })
}

/// FLD m64fp, or the value of such an operand.
#[inline(always)]
#[must_use]
pub fn from_f64(v: u64) -> Option<F80> {
    let se = (v >> 48) as u16 & SIGN;
    let e = v >> 52 & 0x7ff;
    if e.wrapping_sub(1) < 0x7fe {
        return Some(F80 { se: se | (e as u16 + (BIAS - 1023) as u16), sig: J | v << 11 });
    }
    (v << 1 == 0).then_some(F80 { se, sig: 0 })
}

/// FST to a format of `P` significand bits, its exponent biased by `bias`.
#[inline(always)]
fn store<const P: u32>(cw: u16, a: F80, bias: i32) -> Option<Quick<u64>> {
    let sign = u64::from(a.se >> 15);
    // 127 for 32 bits, 1023 for 64: the format has one bit more than twice the bias takes.
    let width = if P == 24 { 32 } else { 64 };
    let sign = sign << (width - 1);
    if !rounds_to_nearest(cw) {
        return None;
    }
    let e = i32::from(a.biased_exp()) - (BIAS - bias);
    // Neither tiny before rounding nor, with a carry, too large.
    if ((e as u32).wrapping_sub(1) >= 2 * bias as u32 - 1) | (a.sig & J == 0) {
        return is_zero(a).then_some(Quick { value: sign, status: 0 });
    }
    let rest = a.sig << P;
    let kept = a.sig >> (64 - P);
    let up = rest > HALF - (kept & 1);
    // The integer bit adds one to the exponent below it, as does a carry out of the significand.
    let value = sign | (((e - 1) as u64) << (P - 1)).wrapping_add(kept + u64::from(up));
    Some(Quick { value, status: status(rest != 0, up) })
}

/// FST m32fp.
#[inline(always)]
#[must_use]
pub fn to_f32(cw: u16, a: F80) -> Option<Quick<u64>> {
    store::<24>(cw, a, 127)
}

/// FST m64fp.
#[inline(always)]
#[must_use]
pub fn to_f64(cw: u16, a: F80) -> Option<Quick<u64>> {
    store::<53>(cw, a, 1023)
}

/// The magnitude of a normal number as an integer of at most `bits` bits (rounding may make it 2^`bits`), with what it lost.
#[inline(always)]
fn integer(cw: u16, a: F80, round: Round, bits: i32) -> Option<Quick<u64>> {
    if cw & PM == 0 || !is_normal(a) {
        return None;
    }
    // How many bits are behind the point.
    let s = BIAS + 63 - i32::from(a.biased_exp());
    if s < 64 - bits {
        return None;
    }
    let (whole, rest) = if s <= 64 { (a.sig >> 1 >> (s - 1), a.sig << (64 - s)) } else { (0, 1) };
    let up = match round {
        Round::Nearest => rest > HALF - (whole & 1),
        Round::Down => a.is_negative() & (rest != 0),
        Round::Up => !a.is_negative() & (rest != 0),
        Round::Zero => false,
    };
    Some(Quick { value: whole + u64::from(up), status: status(rest != 0, up) })
}

/// FIST and FISTTP to an integer with `BITS` bits below the sign.
#[inline(always)]
#[must_use]
pub fn to_int<const BITS: u32>(cw: u16, a: F80, round: Round) -> Option<Quick<u64>> {
    if is_zero(a) {
        return Some(Quick { value: 0, status: 0 });
    }
    let m = integer(cw, a, round, BITS as i32)?;
    if m.value >> BITS != 0 {
        return None;
    }
    let negative = u64::from(a.is_negative()).wrapping_neg();
    Some(Quick { value: (m.value ^ negative).wrapping_sub(negative), ..m })
}

/// FRNDINT.
#[inline(always)]
#[must_use]
pub fn round_to_integer(cw: u16, a: F80) -> Option<Quick<F80>> {
    let m = integer(cw, a, Round::from_rc(u32::from(cw) >> 10), 63)?;
    Some(Quick { value: F80::from_magnitude(a.is_negative(), m.value), status: m.status })
}
