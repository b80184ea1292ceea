//! FPREM and FPREM1. SDM Vol. 2, "FPREM", "FPREM1".

use super::nan::{denormal, invalid, nan2};
use super::pack::pack;
use crate::fp::env::X87Env;
use crate::fp::f80::{Class, F80};
use crate::fp::num::{Num, Raw};

/// What FPREM or FPREM1 leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remainder {
    /// The new ST(0).
    pub value: F80,
    /// The low three bits of the quotient: Q2 goes to C0, Q1 to C3, Q0 to C1. Zero when partial.
    pub quotient: u8,
    /// C2: the reduction is incomplete.
    pub partial: bool,
}

/// FPREM: the remainder of a / b with the quotient truncated.
pub fn fprem(env: &mut X87Env, a: F80, b: F80) -> Option<Remainder> {
    remainder(env, a, b, false)
}

/// FPREM1: the remainder of a / b with the quotient rounded to nearest even (IEEE 754).
pub fn fprem1(env: &mut X87Env, a: F80, b: F80) -> Option<Remainder> {
    remainder(env, a, b, true)
}

fn remainder(env: &mut X87Env, a: F80, b: F80, nearest: bool) -> Option<Remainder> {
    let whole = |value| Remainder { value, quotient: 0, partial: false };
    if let Some(r) = nan2(env, a, b) {
        return r.map(whole);
    }
    let (ca, cb) = (a.class(), b.class());
    if ca == Class::Infinity || cb == Class::Zero {
        return invalid(env).map(whole);
    }
    denormal(env, &[ca, cb])?;
    if ca == Class::Zero {
        return Some(whole(a));
    }
    if cb == Class::Infinity {
        return Some(whole(pack(env, &Raw::from(a.finite()), 64)));
    }
    let (x, y) = (a.finite(), b.finite());
    let d = x.exp - y.exp;
    if d >= 64 {
        // Between 32 and 63 exponent steps at a time, so that the rest needs 0 to 63 steps more.
        let n = 32 | (d & 31);
        let (_, rem) = divide(x.sig, y.sig, n as u32);
        // The exponent of the remainder's unit is b's, scaled by the steps left out.
        let value = from_units(env, x.sign, y.exp + d - n, rem);
        return Some(Remainder { value, quotient: 0, partial: true });
    }
    let (mut q, mut rem) = match d {
        0.. => divide(x.sig, y.sig, d as u32),
        // |a| < |b|, and by a half or less: |a| < |b|/2 when d <= -2.
        -1 if nearest => (0, u128::from(x.sig)),
        _ => (0, 0),
    };
    let mut sign = x.sign;
    if d < -1 || (d < 0 && !nearest) {
        return Some(whole(pack(env, &Raw::from(x), 64)));
    }
    // In units of 2^(y.exp - 63), or half of that when d is -1.
    let (unit_exp, divisor) = if d < 0 { (x.exp, u128::from(y.sig) << 1) } else { (y.exp, u128::from(y.sig)) };
    if nearest {
        let twice = rem << 1;
        if twice > divisor || (twice == divisor && q & 1 != 0) {
            rem = divisor - rem;
            q = q.wrapping_add(1);
            sign = !sign;
        }
    }
    let value = if rem == 0 { F80::zero(x.sign) } else { from_units(env, sign, unit_exp, rem) };
    Some(Remainder { value, quotient: (q & 7) as u8, partial: false })
}

/// Quotient and remainder of (a · 2^n) / b, where a/b < 2 and n <= 63.
fn divide(a: u64, b: u64, n: u32) -> (u64, u128) {
    let (a, b) = (u128::from(a) << n, u128::from(b));
    ((a / b) as u64, a % b)
}

/// `units` · 2^(exp - 63), exactly: fewer than 65 bits are significant.
fn from_units(env: &mut X87Env, sign: bool, exp: i32, units: u128) -> F80 {
    let r = Raw::normalize(sign, exp + 64, units);
    if r.hi == 0 {
        return F80::zero(sign);
    }
    let n = Num { sign, exp: r.exp, sig: r.hi };
    pack(env, &Raw::from(n), 64)
}
