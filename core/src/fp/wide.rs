//! Numbers with 128-bit significands, for the transcendental functions.
//!
//! Results are truncated: each operation has a relative error below 2^-125. The few dozen of them in
//! a function leave its result good to more than 110 bits before the one rounding to 64.

use super::num::{Num, Raw};

/// (-1)^sign · sig/2^127 · 2^exp, with bit 127 of `sig` set; zero is `sig == 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wide {
    pub sign: bool,
    pub exp: i32,
    pub sig: u128,
}

/// pi.
pub(super) const PI: Wide = Wide::positive(1, 0xC90F_DAA2_2168_C234_C4C6_628B_80DC_1CD1);
/// pi / 2.
pub(super) const HALF_PI: Wide = Wide { exp: 0, ..PI };

impl From<Num> for Wide {
    fn from(n: Num) -> Self {
        Self { sign: n.sign, exp: n.exp, sig: u128::from(n.sig) << 64 }
    }
}

impl Wide {
    /// A positive number from its normalized significand.
    pub const fn positive(exp: i32, sig: u128) -> Self {
        Self { sign: false, exp, sig }
    }

    /// A number from a significand whose bit 127 weighs 2^exp, normalized or not.
    pub const fn normalize(sign: bool, exp: i32, sig: u128) -> Self {
        if sig == 0 {
            return Self { sign: false, exp: 0, sig };
        }
        let lz = sig.leading_zeros();
        Self { sign, exp: exp - lz as i32, sig: sig << lz }
    }

    /// The integer `v`.
    pub fn integer(v: i32) -> Self {
        Self::normalize(v < 0, 127, v.unsigned_abs().into())
    }

    /// -self.
    pub fn neg(self) -> Self {
        Self { sign: !self.sign, ..self }
    }

    /// The sign flipped when `flip`.
    pub fn with_sign_flipped(self, flip: bool) -> Self {
        Self { sign: self.sign != flip, ..self }
    }

    /// self · b.
    pub fn mul(self, b: Self) -> Self {
        Self::normalize(self.sign != b.sign, self.exp + b.exp + 1, mul_high(self.sig, b.sig))
    }

    /// self / b; `b` must not be zero.
    pub fn div(self, b: Self) -> Self {
        let sign = self.sign != b.sign;
        let less = self.sig < b.sig;
        // The dividend must be below the divisor: halve it if it is not. The bit lost is the last.
        let n = if less { self.sig } else { self.sig >> 1 };
        Self::normalize(sign, self.exp - b.exp - i32::from(less), div_high(n, b.sig))
    }

    /// self + b.
    pub fn add(self, b: Self) -> Self {
        if self.sig == 0 || b.sig == 0 {
            return if self.sig == 0 { b } else { self };
        }
        let (big, small) = if (self.exp, self.sig) >= (b.exp, b.sig) { (self, b) } else { (b, self) };
        let small_sig = small.sig.checked_shr((big.exp - small.exp) as u32).unwrap_or(0);
        if big.sign != small.sign {
            return Self::normalize(big.sign, big.exp, big.sig - small_sig);
        }
        match big.sig.overflowing_add(small_sig) {
            (sum, false) => Self { sig: sum, ..big },
            (sum, true) => Self { sig: sum >> 1 | 1 << 127, exp: big.exp + 1, ..big },
        }
    }

    /// self - b.
    pub fn sub(self, b: Self) -> Self {
        self.add(b.neg())
    }

    /// |self| as a fixed-point fraction of 2^128; self must be below 1 in magnitude.
    pub fn fraction(self) -> u128 {
        self.sig.checked_shr((-1 - self.exp) as u32).unwrap_or(0)
    }

    /// The square of self as a fixed-point fraction of 2^128; self must be below 1 in magnitude.
    pub fn square_fraction(self) -> u128 {
        // The high half of the product of two Q127 numbers is Q126: two bits more to 2^128.
        mul_high(self.sig, self.sig).checked_shr((-2 - 2 * self.exp) as u32).unwrap_or(0)
    }

    /// For rounding. What was computed is never exact, so the sticky bit is set.
    pub fn inexact(self) -> Raw {
        Raw { lo: self.sig as u64 | 1, ..self.exact() }
    }

    /// For rounding, where no bit was lost on the way.
    pub fn exact(self) -> Raw {
        Raw { sign: self.sign, exp: self.exp, hi: (self.sig >> 64) as u64, lo: self.sig as u64 }
    }
}

/// The upper 128 bits of a · b.
#[inline]
pub(super) const fn mul_high(a: u128, b: u128) -> u128 {
    const LOW: u128 = u64::MAX as u128;
    let (ah, al) = (a >> 64, a & LOW);
    let (bh, bl) = (b >> 64, b & LOW);
    let low = al * bl;
    let mid1 = ah * bl + (low >> 64);
    let mid2 = al * bh + (mid1 & LOW);
    ah * bh + (mid1 >> 64) + (mid2 >> 64)
}

/// Floor of n · 2^128 / d, for n < d and bit 127 of `d` set: two digits of long division, base 2^64.
fn div_high(n: u128, d: u128) -> u128 {
    let (q1, r) = div_digit(n, d);
    let (q0, _) = div_digit(r, d);
    u128::from(q1) << 64 | u128::from(q0)
}

/// Quotient and remainder of n · 2^64 / d.
fn div_digit(n: u128, d: u128) -> (u64, u128) {
    let dh = d >> 64;
    let dl = d & u128::from(u64::MAX);
    // The guess from the upper half of the divisor is at most 2 too large.
    let mut q = (n / dh).min(u128::from(u64::MAX));
    let mut rest = n - q * dh;
    while rest >> 64 == 0 && q * dl > rest << 64 {
        q -= 1;
        rest += dh;
    }
    (q as u64, (rest << 64).wrapping_sub(q * dl))
}

/// c[0] + c[1]·x + c[2]·x^2 + ..., for x a fraction of 2^128; the scale of `c` is the result's.
pub(super) fn polynomial(c: &[u128], x: u128) -> u128 {
    c.iter().rev().fold(0, |p, c| c + mul_high(x, p))
}

/// c[0] - c[1]·x + c[2]·x^2 - ..., less one unit: the terms left out and the truncation must not let
/// the result reach c[0].
pub(super) fn alternating(c: &[u128], x: u128) -> u128 {
    c.iter().rev().fold(0, |p, c| c - mul_high(x, p)) - 1
}
