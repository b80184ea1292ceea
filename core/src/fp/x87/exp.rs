//! F2XM1. SDM Vol. 2, "F2XM1".

use super::nan::{denormal, nan1};
use super::pack::pack;
use crate::fp::env::X87Env;
use crate::fp::f80::{Class, F80};
use crate::fp::wide::{Wide, alternating, polynomial};

/// ln 2.
const LN_2: Wide = Wide::positive(-1, 0xB172_17F7_D1CF_79AB_C9E3_B398_03F2_F6AF);

/// 1/(n+1)! in units of 2^-126: the series of (e^y - 1)/y. Its first term left out is below
/// 0.7^29/30! = 2^-122 of the sum.
const SERIES: [u128; 29] = {
    let mut c = [1 << 126; 29];
    let mut n = 1;
    while n < c.len() {
        c[n] = c[n - 1] / (n as u128 + 1);
        n += 1;
    }
    c
};

/// F2XM1: 2^a - 1, for -1 <= a <= 1.
///
/// Outside of that range, where the result is undefined, -infinity gives -1 and every other operand
/// is returned as it is.
pub fn f2xm1(env: &mut X87Env, a: F80) -> Option<F80> {
    if let Some(r) = nan1(env, a) {
        return r;
    }
    let class = a.class();
    match class {
        Class::Zero => return Some(a),
        Class::Infinity => return Some(if a.is_negative() { F80::ONE.neg() } else { a }),
        _ => denormal(env, &[class])?,
    }
    let n = a.finite();
    if n.exp >= 0 {
        // 2^1 - 1 = 1 and 2^-1 - 1 = -1/2 are the only exact results.
        let half = F80 { se: F80::ONE.se - 1, ..F80::ONE }.neg();
        return Some(if a == F80::ONE.neg() { half } else { a });
    }
    let y = Wide::from(n).mul(LN_2);
    let x = y.fraction();
    let p = if n.sign { alternating(&SERIES, x) } else { polynomial(&SERIES, x) };
    let r = y.mul(Wide::normalize(false, 1, p));
    Some(pack(env, &r.inexact(), 64))
}
