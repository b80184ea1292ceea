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
/// PC in the control word.
const PC: u16 = 3 << 8;
/// RC, PC and PM for rounding to the nearest number of 64 bits, PE masked.
const EXTENDED: u16 = PM | 3 << 8;
/// The same for 53 bits.
const DOUBLE: u16 = PM | 2 << 8;
/// The same for 24 bits.
const SINGLE: u16 = PM;
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

/// A normal number.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// Sign and exponent, which is neither 0 nor 7FFFh. The upper half is 0.
    se: u32,
    /// With the integer bit set.
    sig: u64,
}

impl Number {
    #[inline(always)]
    const fn exponent(self) -> u32 {
        self.se & EXP_MAX as u32
    }
}

/// A register's contents as a number.
#[inline(always)]
#[must_use]
pub const fn number(v: F80) -> Option<Number> {
    let se = v.se as u32;
    // Of the exponents only 0 and 7FFFh have no bit of 7FFEh when one is added.
    if (se + 1) & 0x7ffe == 0 || v.sig & J == 0 {
        return None;
    }
    Some(Number { se, sig: v.sig })
}

/// An m32fp operand as a number.
#[inline(always)]
#[must_use]
pub const fn number_f32(v: u32) -> Option<Number> {
    let e = v >> 23 & 0xff;
    if e.wrapping_sub(1) >= 0xfe {
        return None;
    }
    Some(Number { se: (v >> 16 & SIGN as u32) + e + (BIAS - 127) as u32, sig: J | (v as u64) << 40 })
}

/// An m64fp operand as a number.
#[inline(always)]
#[must_use]
pub const fn number_f64(v: u64) -> Option<Number> {
    let e = (v >> 52) as u32 & 0x7ff;
    if e.wrapping_sub(1) >= 0x7fe {
        return None;
    }
    Some(Number { se: ((v >> 48) as u32 & SIGN as u32) + e + (BIAS - 1023) as u32, sig: J | v << 11 })
}

/// An integer operand as a number.
#[inline(always)]
#[must_use]
pub const fn number_int(v: i64) -> Option<Number> {
    if v == 0 {
        return None;
    }
    let F80 { se, sig } = F80::from_i64(v);
    Some(Number { se: se as u32, sig })
}

#[inline(always)]
const fn is_zero(v: F80) -> bool {
    v.sig | v.biased_exp() as u64 == 0
}

/// Neither NaN, infinity, denormal nor an unsupported encoding. Tests for the likelier first.
#[inline(always)]
const fn is_usual(v: F80) -> bool {
    number(v).is_some() || is_zero(v)
}

/// The operation `$f` for the precision that the control word asks for, if it asks for rounding to nearest with PE masked.
macro_rules! at_precision {
    ($cw:ident, $f:ident($($a:expr),*)) => {
        match $cw & (RC | PC | PM) {
            EXTENDED => $f::<64>($($a),*),
            DOUBLE => $f::<53>($($a),*),
            SINGLE => $f::<24>($($a),*),
            _ => None,
        }
    };
}

/// Rounds hi:lo, whose top bit is set and weighs 2^(e - bias), to nearest with `N` bits. Bit 15 of `sign` is the sign.
#[inline(always)]
fn round<const N: u32>(sign: u32, e: u32, hi: u64, lo: u64) -> Option<Quick<F80>> {
    // The whole operation treats a result as tiny by its exponent before rounding and as too large by that behind it. One
    // test leaves both to it, and the largest exponent with them.
    if e.wrapping_sub(1) >= EXP_MAX as u32 - 2 {
        return None;
    }
    // Up above the half, and at the half when that makes the last bit even. A carry out of the significand leaves 0.
    let (sig, rest, up) = if N == 64 {
        let up = lo > HALF - (hi & 1);
        (hi.wrapping_add(u64::from(up)), lo, up)
    } else {
        let rest = hi << N | u64::from(lo != 0);
        let up = rest > HALF - (hi >> (64 - N) & 1);
        ((hi >> (64 - N) << (64 - N)).wrapping_add(u64::from(up) << (64 - N)), rest, up)
    };
    let (sig, e) = if sig == 0 { (J, e + 1) } else { (sig, e) };
    Some(Quick { value: F80 { sig, se: (sign & u32::from(SIGN) | e) as u16 }, status: status(rest != 0, up) })
}

/// a + b.
#[inline(always)]
fn sum<const N: u32>(a: Number, b: Number) -> Option<Quick<F80>> {
    // Without branches: which operand has the larger exponent is nothing that can be predicted.
    let d = a.exponent().wrapping_sub(b.exponent()) as i32;
    let swap = d >> 31;
    let other = (a.sig ^ b.sig) & swap as i64 as u64;
    let (big, small) = (a.sig ^ other, b.sig ^ other);
    let sign = a.se ^ ((a.se ^ b.se) & swap as u32);
    let e = a.exponent().wrapping_sub((d & swap) as u32);
    let d = ((d ^ swap) - swap) as u32;
    // `small` at the exponent of `big`, in 128 bits, the last of them sticky.
    let (yh, yl) = if d < 64 {
        (small >> d, small << 1 << (63 - d))
    } else if d < 128 {
        (0, small >> (d - 64) | u64::from(small << 1 << (127 - d) != 0))
    } else {
        (0, 1)
    };
    if (a.se ^ b.se) & u32::from(SIGN) == 0 {
        let (s, carry) = big.overflowing_add(yh);
        if carry {
            return round::<N>(sign, e + 1, s >> 1 | J, s << 63 | yl >> 1 | yl & 1);
        }
        return round::<N>(sign, e, s, yl);
    }
    if d == 0 {
        // Exact but for the precision; the larger significand has the sign. Equal numbers give +0.
        let hi = big.abs_diff(small);
        if hi == 0 {
            return Some(Quick { value: F80::ZERO, status: 0 });
        }
        let lz = hi.leading_zeros();
        return round::<N>(sign ^ u32::from(big < small) << 15, e.wrapping_sub(lz), hi << lz, 0);
    }
    let (lo, borrow) = 0u64.overflowing_sub(yl);
    let hi = big.wrapping_sub(yh).wrapping_sub(u64::from(borrow));
    if hi == 0 {
        return None; // what is left in `lo` alone is rare
    }
    let lz = hi.leading_zeros();
    // A sticky bit moves by at most one place: more is shifted only where the exponents differ by one.
    round::<N>(sign, e.wrapping_sub(lz), hi << lz | lo >> 1 >> (63 - lz), lo << lz)
}

/// FADD.
#[inline(always)]
#[must_use]
pub fn add(cw: u16, a: Number, b: Number) -> Option<Quick<F80>> {
    at_precision!(cw, sum(a, b))
}

/// FSUB: a - b.
#[inline(always)]
#[must_use]
pub fn sub(cw: u16, a: Number, b: Number) -> Option<Quick<F80>> {
    let b = Number { se: b.se ^ u32::from(SIGN), ..b };
    at_precision!(cw, sum(a, b))
}

/// FMUL.
#[inline(always)]
#[must_use]
pub fn mul(cw: u16, a: Number, b: Number) -> Option<Quick<F80>> {
    let p = u128::from(a.sig) * u128::from(b.sig);
    let (hi, lo) = ((p >> 64) as u64, p as u64);
    // The product of two numbers in [1, 2) is in [1, 4), one half as likely as the other.
    let low = !hi >> 63;
    let e = (a.exponent() + b.exponent() + 1 - low as u32).wrapping_sub(BIAS as u32);
    at_precision!(cw, round(a.se ^ b.se, e, hi << low | lo >> 63 & low, lo << low))
}

/// FDIV: a / b.
#[inline(always)]
#[must_use]
pub fn div(cw: u16, a: Number, b: Number) -> Option<Quick<F80>> {
    let less = a.sig < b.sig;
    let n = u128::from(a.sig) << 63 << u32::from(less);
    let hi = (n / u128::from(b.sig)) as u64; // in [2^63, 2^64) by the choice of the shift
    // Below 2^64, as it is less than the divisor: the upper halves need no subtraction.
    let rem = (n as u64).wrapping_sub(hi.wrapping_mul(b.sig));
    // It is never just half the divisor: the odd number 2 hi + 1, of 65 bits, would then divide `a.sig`.
    let lo = u64::from(rem > b.sig >> 1) << 63 | u64::from(rem != 0);
    let e = (a.exponent() + BIAS as u32 - u32::from(less)).wrapping_sub(b.exponent());
    at_precision!(cw, round(a.se ^ b.se, e, hi, lo))
}

/// FSQRT.
#[inline(always)]
#[must_use]
pub fn sqrt(cw: u16, a: F80) -> Option<Quick<F80>> {
    if number(a).is_none() || a.is_negative() {
        return None;
    }
    let r = num::sqrt(a.finite());
    at_precision!(cw, round(0, (r.exp + BIAS) as u32, r.hi, r.lo))
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
    if cw & PM == 0 || number(a).is_none() {
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
