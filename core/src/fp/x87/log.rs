//! FYL2X and FYL2XP1. SDM Vol. 2, "FYL2X", "FYL2XP1", with their tables of results.

use super::nan::{denormal, invalid, nan2};
use super::pack::pack;
use crate::fp::env::{Flags, X87Env};
use crate::fp::f80::{Class, F80, J};
use crate::fp::wide::{Wide, polynomial};

/// 2 / ln 2.
const TWO_OVER_LN_2: Wide = Wide::positive(1, 0xB8AA_3B29_5C17_F0BB_BE87_FED0_691D_3E88);
/// The significand of the square root of 2.
const SQRT_2: u128 = 0xB504_F333_F9DE_6484_597D_89B3_754A_BE9F;
/// 1.
const ONE: Wide = Wide::positive(0, 1 << 127);

/// 1/(2n+1) in units of 2^-127: the series of atanh(s)/s. With s^2 < 0.0295 its first term left out
/// is below 2^-120.
const SERIES: [u128; 23] = {
    let mut c = [1 << 127; 23];
    let mut n = 1;
    while n < c.len() {
        c[n] /= 2 * n as u128 + 1;
        n += 1;
    }
    c
};

/// log2((1 + s)/(1 - s)) = 2/ln 2 · atanh(s), for |s| <= 3 - 2·sqrt(2).
fn log2_of_ratio(s: Wide) -> Wide {
    if s.sig == 0 {
        return s;
    }
    let p = polynomial(&SERIES, s.square_fraction());
    s.mul(Wide::normalize(false, 0, p)).mul(TWO_OVER_LN_2)
}

/// log2 of a positive number. Exact for powers of two.
fn log2(x: Wide) -> Wide {
    // x = m · 2^e with m between sqrt(1/2) and sqrt(2).
    let up = i32::from(x.sig > SQRT_2);
    let m = Wide { exp: -up, ..x };
    let s = m.sub(ONE).div(m.add(ONE));
    Wide::integer(x.exp + up).add(log2_of_ratio(s))
}

/// FYL2X: y · log2(x), x in ST(0), y in ST(1). The result replaces ST(1), then ST(0) is popped.
pub fn fyl2x(env: &mut X87Env, x: F80, y: F80) -> Option<F80> {
    if let Some(r) = nan2(env, x, y) {
        return r;
    }
    let (cx, cy) = (x.class(), y.class());
    if x.is_negative() && cx != Class::Zero {
        return invalid(env);
    }
    let one = cx == Class::Normal && x == F80::ONE;
    // 0 · infinity in all its forms.
    if (cy == Class::Zero && matches!(cx, Class::Zero | Class::Infinity)) || (cy == Class::Infinity && one) {
        return invalid(env);
    }
    if cx == Class::Zero {
        let r = F80::infinity(!y.is_negative());
        if cy == Class::Infinity {
            return Some(r);
        }
        return env.raise(Flags::ZE).then_some(r);
    }
    denormal(env, &[cx, cy])?;
    let log_negative = cx != Class::Infinity && (cx == Class::Denormal || x.finite().exp < 0);
    let sign = y.is_negative() != log_negative;
    if cx == Class::Infinity || cy == Class::Infinity {
        return Some(F80::infinity(sign));
    }
    if cy == Class::Zero || one {
        return Some(F80::zero(sign));
    }
    let n = x.finite();
    let r = Wide::from(y.finite()).mul(log2(Wide::from(n)));
    if n.sig != J {
        return Some(pack(env, &r.inexact(), 64));
    }
    // The logarithm of a power of two is an integer: the product is exact. Processors raise PE for it
    // all the same, and UE for a denormal result.
    let r = pack(env, &r.exact(), 64);
    env.flags |= Flags::PE;
    if r.class() == Class::Denormal {
        env.flags |= Flags::UE;
    }
    Some(r)
}

/// FYL2XP1: y · log2(x + 1), x in ST(0), y in ST(1). The result replaces ST(1), then ST(0) is popped.
///
/// Defined for |x| up to 1 - sqrt(1/2). Beyond, this still gives y · log2(x + 1) for x > -1; x <= -1
/// is invalid.
pub fn fyl2xp1(env: &mut X87Env, x: F80, y: F80) -> Option<F80> {
    if let Some(r) = nan2(env, x, y) {
        return r;
    }
    let (cx, cy) = (x.class(), y.class());
    let infinite = cx == Class::Infinity;
    if (infinite && (cy == Class::Zero || x.is_negative())) || (cx == Class::Zero && cy == Class::Infinity) {
        return invalid(env);
    }
    if cx == Class::Normal && x.is_negative() && x.finite().exp >= 0 {
        return invalid(env);
    }
    denormal(env, &[cx, cy])?;
    let sign = x.is_negative() != y.is_negative();
    if infinite || cy == Class::Infinity {
        return Some(F80::infinity(sign));
    }
    if cx == Class::Zero || cy == Class::Zero {
        return Some(F80::zero(sign));
    }
    let n = Wide::from(x.finite());
    let log = if n.exp < -2 {
        // log2(1 + x) = log2((1 + s)/(1 - s)) with s = x/(2 + x): no bit of a small x is lost.
        log2_of_ratio(n.div(Wide { exp: 1, ..ONE }.add(n)))
    } else {
        log2(ONE.add(n))
    };
    Some(pack(env, &Wide::from(y.finite()).mul(log).inexact(), 64))
}
