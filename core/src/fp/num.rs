//! Finite arithmetic shared by all formats: 64-bit significands, 128-bit intermediate results whose
//! last bit is sticky, and one rounding step.

use super::env::Round;

/// A finite nonzero number: (-1)^sign · sig/2^63 · 2^exp, with bit 63 of `sig` set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Num {
    pub sign: bool,
    pub exp: i32,
    pub sig: u64,
}

/// A result before rounding: (-1)^sign · hi:lo/2^127 · 2^exp.
///
/// Bit 63 of `hi` is set, except that an exact zero is `hi == 0`. Bit 0 of `lo` also stands for
/// everything below it (sticky).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw {
    pub sign: bool,
    pub exp: i32,
    pub hi: u64,
    pub lo: u64,
}

/// A significand after rounding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounded {
    pub sig: u64,
    /// The significand overflowed to 2.0: `sig` is 1.0 and the exponent must go up by one.
    pub carry: bool,
    pub inexact: bool,
    /// The magnitude went up.
    pub up: bool,
}

impl From<Num> for Raw {
    #[inline]
    fn from(n: Num) -> Self {
        Raw { sign: n.sign, exp: n.exp, hi: n.sig, lo: 0 }
    }
}

impl Raw {
    /// An exact zero.
    pub const ZERO: Self = Self { sign: false, exp: 0, hi: 0, lo: 0 };

    /// Normalizes a 128-bit significand whose bit 127 weighs 2^exp.
    #[inline]
    pub fn normalize(sign: bool, exp: i32, sig: u128) -> Self {
        if sig == 0 {
            return Self::ZERO;
        }
        let lz = sig.leading_zeros();
        let sig = sig << lz;
        Raw { sign, exp: exp - lz as i32, hi: (sig >> 64) as u64, lo: sig as u64 }
    }

    /// The significand shifted right by `n`, its exponent kept: the form of a denormal.
    #[inline]
    pub fn denormalized(self, n: u32) -> Self {
        let sig = shift_right_jam(u128::from(self.hi) << 64 | u128::from(self.lo), n);
        Raw { hi: (sig >> 64) as u64, lo: sig as u64, ..self }
    }
}

/// `v >> n` with every lost bit ORed into bit 0.
#[inline]
pub(super) fn shift_right_jam(v: u128, n: u32) -> u128 {
    match n {
        0 => v,
        1..128 => v >> n | u128::from(v << (128 - n) != 0),
        _ => u128::from(v != 0),
    }
}

/// Rounds hi:lo to its top `keep` bits, 1 to 64. `hi` need not be normalized.
#[inline]
pub(super) fn round_sig(r: &Raw, keep: u32, mode: Round) -> Rounded {
    const HALF: u64 = 1 << 63;
    let (rest, unit) = if keep >= 64 { (r.lo, 1) } else { (r.hi << keep | u64::from(r.lo != 0), 1 << (64 - keep)) };
    let kept = r.hi & !(unit - 1);
    let up = match mode {
        // Without short circuits: half of all roundings go up, which no branch predictor can know.
        Round::Nearest => (rest > HALF) | ((rest == HALF) & (kept & unit != 0)),
        Round::Down => r.sign && rest != 0,
        Round::Up => !r.sign && rest != 0,
        Round::Zero => false,
    };
    let (sig, carry) = kept.overflowing_add(unit & u64::from(up).wrapping_neg());
    Rounded { sig: if carry { HALF } else { sig }, carry, inexact: rest != 0, up }
}

/// a + b. An exact zero comes back positive; its sign is the caller's business.
#[inline]
pub(super) fn add(a: Num, b: Num) -> Raw {
    let (big, small) = if (a.exp, a.sig) >= (b.exp, b.sig) { (a, b) } else { (b, a) };
    let d = (big.exp - small.exp) as u32;
    let x = u128::from(big.sig) << 64;
    // A sticky bit below a difference of two or more bits cannot be promoted by the normalization,
    // which then shifts by at most one; below that nothing is lost.
    let y = shift_right_jam(u128::from(small.sig) << 64, d);
    if a.sign == b.sign {
        let (sum, carry) = x.overflowing_add(y);
        if carry {
            let sum = sum >> 1 | 1 << 127 | (sum & 1);
            Raw { sign: a.sign, exp: big.exp + 1, hi: (sum >> 64) as u64, lo: sum as u64 }
        } else {
            Raw { sign: a.sign, exp: big.exp, hi: (sum >> 64) as u64, lo: sum as u64 }
        }
    } else {
        Raw::normalize(big.sign, big.exp, x - y)
    }
}

/// a · b.
#[inline]
pub(super) fn mul(a: Num, b: Num) -> Raw {
    let p = u128::from(a.sig) * u128::from(b.sig);
    // The product of two numbers in [1, 2) is in [1, 4).
    let lz = (p >> 127 == 0) as u32;
    let p = p << lz;
    Raw { sign: a.sign != b.sign, exp: a.exp + b.exp + 1 - lz as i32, hi: (p >> 64) as u64, lo: p as u64 }
}

/// a / b.
#[inline]
pub(super) fn div(a: Num, b: Num) -> Raw {
    let less = a.sig < b.sig;
    let n = u128::from(a.sig) << if less { 64 } else { 63 };
    let d = u128::from(b.sig);
    let hi = (n / d) as u64; // in [2^63, 2^64) by the choice of the shift
    let rem = n - u128::from(hi) * d;
    let lo = match (rem << 1).cmp(&d) {
        _ if rem == 0 => 0,
        core::cmp::Ordering::Less => 1,
        core::cmp::Ordering::Equal => 1 << 63,
        core::cmp::Ordering::Greater => 1 << 63 | 1,
    };
    Raw { sign: a.sign != b.sign, exp: a.exp - b.exp - i32::from(less), hi, lo }
}

/// The square root of the magnitude of `a`.
#[inline]
pub(super) fn sqrt(a: Num) -> Raw {
    // sqrt(m · 2^e) with e even: m in [1, 4) becomes a radicand of 127 or 128 bits.
    let odd = a.exp & 1;
    let n = u128::from(a.sig) << (63 + odd);
    let hi = isqrt(n);
    let rem = n - u128::from(hi) * u128::from(hi);
    // (hi + 1/2)^2 = hi^2 + hi + 1/4: the remainder tells on which side of the half we are; an
    // exact half would need rem = hi + 1/4 and cannot be.
    let lo = match rem {
        0 => 0,
        r if r > u128::from(hi) => 1 << 63 | 1,
        _ => 1,
    };
    Raw { sign: false, exp: (a.exp - odd) >> 1, hi, lo }
}

/// Floor of the square root of `n`, which must be at least 2^126.
#[inline]
fn isqrt(n: u128) -> u64 {
    // The host's root is only a first guess, good to about 52 bits; the integer steps below make
    // the result exact whatever the guess was.
    let guess = ((n >> 64) as u64 as f64).sqrt() * 4_294_967_296.0;
    let mut x = if guess >= 18_446_744_073_709_551_615.0 { u64::MAX } else { guess as u64 };
    x = x.max(1 << 62);
    // One Newton step: x' = x + (n - x^2) / 2x, as a signed correction of at most 13 bits, for which the host's division
    // will do: n - x^2 has 78 bits at most.
    let rest = n.wrapping_sub(u128::from(x) * u128::from(x)) as i128;
    let step = ((rest >> 32) as i64 as f64) / ((x >> 32) as f64 * 2.0);
    x = x.saturating_add_signed(step as i64);
    while u128::from(x) * u128::from(x) > n {
        x -= 1;
    }
    while x < u64::MAX && u128::from(x + 1) * u128::from(x + 1) <= n {
        x += 1;
    }
    x
}
