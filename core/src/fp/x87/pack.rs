//! Rounding into the register format.
//!
//! SDM Vol. 1, "Precision Control Field", "Numeric Overflow Exception (#O)", "Numeric Underflow
//! Exception (#U)", "Inexact-Result (Precision) Exception (#P)".

use crate::fp::env::{Flags, Round, X87Env};
use crate::fp::f80::{BIAS, EXP_MAX, F80};
use crate::fp::num::{Raw, round_sig};

/// What an unmasked overflow or underflow adds to or takes from the exponent of a register result.
const BIAS_ADJUST: i32 = 24576;

/// Rounds a nonzero result to `keep` significand bits; the exponent range is the register's.
///
/// Sets C1 ([`X87Env::rounded_up`]) for an inexact result and clears it otherwise.
#[inline]
pub(super) fn pack(env: &mut X87Env, r: &Raw, keep: u32) -> F80 {
    let e = r.exp + BIAS;
    let s = round_sig(r, keep, env.round);
    env.rounded_up = s.up;
    let rounded_e = e + i32::from(s.carry);
    if e < 1 || rounded_e >= EXP_MAX as i32 {
        return pack_extreme(env, r, keep);
    }
    env.flags |= if s.inexact { Flags::PE } else { Flags::empty() };
    F80 { se: field(r.sign, rounded_e), sig: s.sig }
}

#[inline]
fn field(sign: bool, e: i32) -> u16 {
    u16::from(sign) << 15 | e as u16
}

#[cold]
fn pack_extreme(env: &mut X87Env, r: &Raw, keep: u32) -> F80 {
    let s = round_sig(r, keep, env.round);
    let e = r.exp + BIAS + i32::from(s.carry);
    let inexact = |env: &mut X87Env, yes: bool| {
        if yes {
            env.flags |= Flags::PE;
        }
    };
    if e >= EXP_MAX as i32 {
        if !env.raise(Flags::OE) {
            inexact(env, s.inexact);
            let e = e - BIAS_ADJUST;
            if e < EXP_MAX as i32 {
                return F80 { se: field(r.sign, e), sig: s.sig };
            }
            // Only FSCALE gets this far out of range.
            env.flags |= Flags::PE;
            env.rounded_up = true;
            return F80::infinity(r.sign);
        }
        env.flags |= Flags::PE;
        let to_infinity = match env.round {
            Round::Nearest => true,
            Round::Down => r.sign,
            Round::Up => !r.sign,
            Round::Zero => false,
        };
        env.rounded_up = to_infinity;
        if to_infinity {
            return F80::infinity(r.sign);
        }
        let sig = if keep >= 64 { u64::MAX } else { !(u64::MAX >> keep) };
        return F80 { se: field(r.sign, EXP_MAX as i32 - 1), sig };
    }
    let tiny = e < 1;
    if tiny && !env.masks.contains(Flags::UE) {
        env.flags |= Flags::UE;
        inexact(env, s.inexact);
        let e = e + BIAS_ADJUST;
        if e >= 1 {
            return F80 { se: field(r.sign, e), sig: s.sig };
        }
        env.flags |= Flags::PE;
        env.rounded_up = false;
        return F80::zero(r.sign);
    }
    let d = round_sig(&r.denormalized((1 - (r.exp + BIAS)) as u32), keep, env.round);
    env.rounded_up = d.up;
    if d.inexact {
        env.flags |= if tiny { Flags::UE | Flags::PE } else { Flags::PE };
    }
    // Rounding up to the least normal sets the integer bit, which makes the exponent 1.
    F80 { se: field(r.sign, i32::from(d.sig >> 63 != 0)), sig: d.sig }
}
