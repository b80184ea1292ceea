//! FSIN, FCOS, FSINCOS, FPTAN. SDM Vol. 2, their entries; Vol. 1, "Approximation of Pi".
//!
//! The argument is reduced by pi/2 as the processor knows it, which is pi rounded to 66 bits, and
//! that reduction is exact.

use super::nan::{denormal, invalid, nan1};
use super::pack::pack;
use crate::fp::env::X87Env;
use crate::fp::f80::{Class, F80};
use crate::fp::num::Num;
use crate::fp::wide::{Wide, alternating};

/// The result of a trigonometric instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduced<T> {
    /// C2 = 0.
    Complete(T),
    /// C2 = 1: |ST(0)| >= 2^63; registers unchanged.
    OutOfRange,
}

/// The 66 bits of pi, which are pi/2 in units of 2^-65.
const HALF_PI: u128 = 0xC_90FD_AA22_168C_234C >> 2;

/// 1/(2n)! (from 0) and 1/(2n+1)! (from 1) in units of 2^-127: the series of cos(r) and sin(r)/r,
/// their signs left to the sum. With r^2 < 0.617 the first term left out is below 2^-120.
const fn factorials(first: u128) -> [u128; 17] {
    let mut c = [1 << 127; 17];
    let mut n = 1;
    while n < c.len() {
        let k = first + 2 * n as u128;
        c[n] = c[n - 1] / (k * (k - 1));
        n += 1;
    }
    c
}
const COS: [u128; 17] = factorials(0);
const SIN: [u128; 17] = factorials(1);

/// x = quadrant · pi/2 + r, |r| <= pi/4; only the quadrant's low two bits count.
fn reduce(x: Num) -> (u32, Wide) {
    if x.exp < -1 {
        return (0, Wide::from(x));
    }
    // |x| in units of 2^-65 is sig << (exp + 2), at most 64 steps, taken in two parts.
    let shift = (x.exp + 2) as u32;
    let first = shift.min(62);
    let v = u128::from(x.sig) << first;
    let (q, rem) = (v / HALF_PI, v % HALF_PI);
    let v = rem << (shift - first);
    let (q, rem) = ((q << (shift - first)) + v / HALF_PI, v % HALF_PI);
    let past = rem << 1 > HALF_PI;
    let (q, rem) = if past { (q + 1, HALF_PI - rem) } else { (q, rem) };
    let q = q as u32 & 3;
    let r = Wide::normalize(past, 127 - 65, rem).with_sign_flipped(x.sign);
    (if x.sign { q.wrapping_neg() & 3 } else { q }, r)
}

fn sin_of(r: Wide) -> Wide {
    r.mul(Wide::normalize(false, 0, alternating(&SIN, r.square_fraction())))
}

fn cos_of(r: Wide) -> Wide {
    Wide::normalize(false, 0, alternating(&COS, r.square_fraction()))
}

/// Sine and cosine, as far as `want` asks.
fn sine(x: Num) -> Wide {
    let (q, r) = reduce(x);
    let s = if q & 1 == 0 { sin_of(r) } else { cos_of(r) };
    s.with_sign_flipped(q & 2 != 0)
}

fn cosine(x: Num) -> Wide {
    let (q, r) = reduce(x);
    let c = if q & 1 == 0 { cos_of(r) } else { sin_of(r) };
    c.with_sign_flipped(q == 1 || q == 2)
}

fn tangent(x: Num) -> Wide {
    let (q, r) = reduce(x);
    if q & 1 == 0 { sin_of(r).div(cos_of(r)) } else { cos_of(r).div(sin_of(r)).neg() }
}

/// What all of them do with special operands. `both` is the result for a NaN; `zero` for a zero.
fn trig<T>(
    env: &mut X87Env,
    a: F80,
    same: impl Fn(F80) -> T,
    zero: T,
    f: impl FnOnce(&mut X87Env, Num) -> T,
) -> Option<Reduced<T>> {
    if let Some(r) = nan1(env, a) {
        return r.map(|v| Reduced::Complete(same(v)));
    }
    let class = a.class();
    match class {
        Class::Zero => return Some(Reduced::Complete(zero)),
        Class::Infinity => return invalid(env).map(|v| Reduced::Complete(same(v))),
        _ => {}
    }
    let n = a.finite();
    if n.exp >= 63 {
        return Some(Reduced::OutOfRange);
    }
    denormal(env, &[class])?;
    Some(Reduced::Complete(f(env, n)))
}

/// FSIN.
pub fn fsin(env: &mut X87Env, a: F80) -> Option<Reduced<F80>> {
    trig(env, a, |v| v, a, |env, n| pack(env, &sine(n).inexact(), 64))
}

/// FCOS.
pub fn fcos(env: &mut X87Env, a: F80) -> Option<Reduced<F80>> {
    trig(env, a, |v| v, F80::ONE, |env, n| pack(env, &cosine(n).inexact(), 64))
}

/// FSINCOS: (sine, cosine). The sine replaces ST(0), then the cosine is pushed.
pub fn fsincos(env: &mut X87Env, a: F80) -> Option<Reduced<(F80, F80)>> {
    trig(
        env,
        a,
        |v| (v, v),
        (a, F80::ONE),
        |env, n| {
            let sin = pack(env, &sine(n).inexact(), 64);
            (sin, pack(env, &cosine(n).inexact(), 64))
        },
    )
}

/// FPTAN: the tangent, which replaces ST(0); then 1.0 is pushed, or the NaN when the result is one.
pub fn fptan(env: &mut X87Env, a: F80) -> Option<Reduced<F80>> {
    trig(env, a, |v| v, a, |env, n| pack(env, &tangent(n).inexact(), 64))
}
