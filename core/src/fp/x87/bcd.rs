//! FBLD and FBSTP: packed decimal. SDM Vol. 1, "BCD and Packed BCD Integers"; Vol. 2, "FBLD", "FBSTP".

use super::store::to_magnitude;
use crate::fp::env::{Flags, X87Env};
use crate::fp::f80::F80;

/// The packed BCD indefinite.
const INDEFINITE: [u8; 10] = [0, 0, 0, 0, 0, 0, 0, 0xC0, 0xFF, 0xFF];
/// The first magnitude that needs more than 18 digits.
const TOO_BIG: u64 = 1_000_000_000_000_000_000;

/// FBLD. Digits above 9, whose result is undefined, count as their binary value.
pub fn from_bcd(b: [u8; 10]) -> F80 {
    let [digits @ .., sign] = b;
    // 9 bytes of at most 15·11 each stay below 2^64.
    let m = digits.iter().rev().fold(0u64, |m, d| m * 100 + u64::from((d >> 4) * 10 + (d & 15)));
    F80::from_magnitude(sign & 0x80 != 0, m)
}

/// FBSTP: rounded by RC. The masked response to a NaN or more than 18 digits is the BCD indefinite.
pub fn to_bcd(env: &mut X87Env, a: F80) -> Option<[u8; 10]> {
    let Some(m) = to_magnitude(a, env.round).filter(|m| m.value < TOO_BIG) else {
        return env.raise(Flags::IE).then_some(INDEFINITE);
    };
    m.report(env);
    let mut out = [0; 10];
    let [digits @ .., sign] = &mut out;
    let mut rest = m.value;
    for d in digits {
        let pair = (rest % 100) as u8;
        *d = ((pair / 10) << 4) | (pair % 10);
        rest /= 100;
    }
    *sign = u8::from(a.is_negative()) << 7;
    Some(out)
}
