//! FSCALE, FXTRACT, FRNDINT.

use super::nan::{denormal, invalid, nan1, nan2};
use super::pack::pack;
use super::store::to_magnitude;
use crate::fp::env::{Flags, X87Env};
use crate::fp::f80::{BIAS, Class, F80};
use crate::fp::num::Raw;

/// FSCALE: a · 2^trunc(b). SDM Vol. 2, "FSCALE", table of results.
pub fn scale(env: &mut X87Env, a: F80, b: F80) -> Option<F80> {
    if let Some(r) = nan2(env, a, b) {
        return r;
    }
    let (ca, cb) = (a.class(), b.class());
    match (ca, cb, b.is_negative()) {
        (Class::Infinity, Class::Infinity, true) | (Class::Zero, Class::Infinity, false) => {
            return invalid(env);
        }
        _ => {}
    }
    denormal(env, &[ca, cb])?;
    match (ca, cb, b.is_negative()) {
        (Class::Infinity | Class::Zero, ..) => return Some(a),
        (_, Class::Infinity, false) => return Some(F80::infinity(a.is_negative())),
        (_, Class::Infinity, true) => return Some(F80::zero(a.is_negative())),
        _ => {}
    }
    // Beyond this every result overflows or underflows, even with its exponent adjusted.
    const FAR: u64 = 0x1_0000;
    let steps = to_magnitude(b, crate::fp::Round::Zero).map_or(FAR, |m| m.value.min(FAR)) as i32;
    let mut r = Raw::from(a.finite());
    r.exp += if b.is_negative() { -steps } else { steps };
    Some(pack(env, &r, 64))
}

/// FXTRACT: (exponent, significand). The exponent replaces ST(0), then the significand is pushed.
pub fn extract(env: &mut X87Env, a: F80) -> Option<(F80, F80)> {
    if let Some(r) = nan1(env, a) {
        return r.map(|v| (v, v));
    }
    let class = a.class();
    match class {
        Class::Infinity => return Some((F80::INFINITY, a)),
        Class::Zero => {
            return env.raise(Flags::ZE).then_some((F80::infinity(true), a));
        }
        _ => {}
    }
    denormal(env, &[class])?;
    let n = a.finite();
    let sig = F80 { se: u16::from(n.sign) << 15 | BIAS as u16, sig: n.sig };
    Some((F80::from_i64(n.exp.into()), sig))
}

/// FRNDINT: to an integer by RC.
pub fn round_to_integer(env: &mut X87Env, a: F80) -> Option<F80> {
    if let Some(r) = nan1(env, a) {
        return r;
    }
    let class = a.class();
    if matches!(class, Class::Infinity | Class::Zero) {
        return Some(a);
    }
    denormal(env, &[class])?;
    let n = a.finite();
    if n.exp >= 63 {
        return Some(a);
    }
    // Below 2^63 in magnitude: rounding cannot leave 64 bits.
    let Some(m) = to_magnitude(a, env.round) else { return Some(a) };
    m.report(env);
    Some(F80::from_magnitude(n.sign, m.value))
}
