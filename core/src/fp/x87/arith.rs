//! FADD, FSUB, FMUL, FDIV, FSQRT.

use super::nan::{denormal, invalid, nan1, nan2};
use super::pack::pack;
use crate::fp::env::{Flags, Round, X87Env};
use crate::fp::f80::{Class, F80};
use crate::fp::num;

/// FADD: a + b.
#[inline]
pub fn add(env: &mut X87Env, a: F80, b: F80) -> Option<F80> {
    sum(env, a, b, false)
}

/// FSUB: a - b. (FSUBR: swap the operands.)
#[inline]
pub fn sub(env: &mut X87Env, a: F80, b: F80) -> Option<F80> {
    sum(env, a, b, true)
}

#[inline]
fn sum(env: &mut X87Env, a: F80, b: F80, negate_b: bool) -> Option<F80> {
    if let (Some(x), Some(mut y)) = (a.normal(), b.normal())
        && !env.memory_denormal
    {
        y.sign ^= negate_b;
        let r = num::add(x, y);
        if r.hi != 0 {
            return Some(pack(env, &r, env.precision.bits()));
        }
    }
    sum_slow(env, a, b, negate_b)
}

#[cold]
fn sum_slow(env: &mut X87Env, a: F80, b: F80, negate_b: bool) -> Option<F80> {
    if let Some(r) = nan2(env, a, b) {
        return r;
    }
    let (ca, cb) = (a.class(), b.class());
    let b_sign = b.is_negative() != negate_b;
    if ca == Class::Infinity && cb == Class::Infinity && a.is_negative() != b_sign {
        return invalid(env);
    }
    denormal(env, &[ca, cb])?;
    env.rounded_up = false;
    let cancelled = F80::zero(env.round == Round::Down);
    let r = match (ca, cb) {
        (Class::Infinity, _) => return Some(a),
        (_, Class::Infinity) => return Some(F80::infinity(b_sign)),
        (Class::Zero, Class::Zero) => {
            return Some(if a.is_negative() == b_sign { F80::zero(b_sign) } else { cancelled });
        }
        (Class::Zero, _) => num::Raw::from(num::Num { sign: b_sign, ..b.finite() }),
        (_, Class::Zero) => num::Raw::from(a.finite()),
        _ => num::add(a.finite(), num::Num { sign: b_sign, ..b.finite() }),
    };
    if r.hi == 0 {
        return Some(cancelled);
    }
    Some(pack(env, &r, env.precision.bits()))
}

/// FMUL: a · b.
#[inline]
pub fn mul(env: &mut X87Env, a: F80, b: F80) -> Option<F80> {
    if let (Some(x), Some(y)) = (a.normal(), b.normal())
        && !env.memory_denormal
    {
        return Some(pack(env, &num::mul(x, y), env.precision.bits()));
    }
    mul_slow(env, a, b)
}

#[cold]
fn mul_slow(env: &mut X87Env, a: F80, b: F80) -> Option<F80> {
    if let Some(r) = nan2(env, a, b) {
        return r;
    }
    let (ca, cb) = (a.class(), b.class());
    let sign = a.is_negative() != b.is_negative();
    if matches!((ca, cb), (Class::Infinity, Class::Zero) | (Class::Zero, Class::Infinity)) {
        return invalid(env);
    }
    denormal(env, &[ca, cb])?;
    env.rounded_up = false;
    if ca == Class::Infinity || cb == Class::Infinity {
        return Some(F80::infinity(sign));
    }
    if ca == Class::Zero || cb == Class::Zero {
        return Some(F80::zero(sign));
    }
    Some(pack(env, &num::mul(a.finite(), b.finite()), env.precision.bits()))
}

/// FDIV: a / b. (FDIVR: swap the operands.)
#[inline]
pub fn div(env: &mut X87Env, a: F80, b: F80) -> Option<F80> {
    if let (Some(x), Some(y)) = (a.normal(), b.normal())
        && !env.memory_denormal
    {
        return Some(pack(env, &num::div(x, y), env.precision.bits()));
    }
    div_slow(env, a, b)
}

#[cold]
fn div_slow(env: &mut X87Env, a: F80, b: F80) -> Option<F80> {
    if let Some(r) = nan2(env, a, b) {
        return r;
    }
    let (ca, cb) = (a.class(), b.class());
    let sign = a.is_negative() != b.is_negative();
    match (ca, cb) {
        (Class::Infinity, Class::Infinity) | (Class::Zero, Class::Zero) => return invalid(env),
        (Class::Normal | Class::Denormal, Class::Zero) => {
            denormal(env, &[ca])?;
            return env.raise(Flags::ZE).then_some(F80::infinity(sign));
        }
        _ => {}
    }
    denormal(env, &[ca, cb])?;
    env.rounded_up = false;
    if ca == Class::Infinity || cb == Class::Zero {
        return Some(F80::infinity(sign));
    }
    if ca == Class::Zero || cb == Class::Infinity {
        return Some(F80::zero(sign));
    }
    Some(pack(env, &num::div(a.finite(), b.finite()), env.precision.bits()))
}

/// FSQRT.
#[inline]
pub fn sqrt(env: &mut X87Env, a: F80) -> Option<F80> {
    if let Some(x) = a.normal()
        && !x.sign
    {
        return Some(pack(env, &num::sqrt(x), env.precision.bits()));
    }
    if let Some(r) = nan1(env, a) {
        return r;
    }
    let class = a.class();
    if class == Class::Zero {
        return Some(a);
    }
    if a.is_negative() {
        return invalid(env);
    }
    denormal(env, &[class])?;
    if class == Class::Infinity {
        return Some(a);
    }
    Some(pack(env, &num::sqrt(a.finite()), env.precision.bits()))
}
