//! FST, FIST and FISTTP: from register format to memory formats.

use crate::fp::binary::{self, Binary, Tiny};
use crate::fp::env::{Flags, Round, X87Env};
use crate::fp::f80::{Class, F80};
use crate::fp::num::{Raw, round_sig};

/// FST(P) m32fp. `None` also for unmasked overflow and underflow: nothing is stored or popped.
pub fn to_f32(env: &mut X87Env, a: F80) -> Option<u32> {
    store(env, a)
}

/// FST(P) m64fp. `None` also for unmasked overflow and underflow: nothing is stored or popped.
pub fn to_f64(env: &mut X87Env, a: F80) -> Option<u64> {
    store(env, a)
}

fn store<B: Binary>(env: &mut X87Env, a: F80) -> Option<B> {
    let sign = a.is_negative();
    match a.class() {
        Class::Unsupported => {
            return env.raise(Flags::IE).then(|| binary::signed(true, B::INF | B::QUIET));
        }
        Class::Nan => {
            let payload = a.sig >> (64 - B::P) & B::FRAC;
            if a.is_signaling() && !env.raise(Flags::IE) {
                return None;
            }
            return Some(binary::signed(sign, B::INF | B::QUIET | payload));
        }
        Class::Infinity => return Some(binary::signed(sign, B::INF)),
        Class::Zero => return Some(binary::signed(sign, 0)),
        Class::Normal | Class::Denormal => {}
    }
    let tiny = if env.masks.contains(Flags::UE) { Tiny::Masked } else { Tiny::Unmasked };
    let p = binary::pack::<B>(&Raw::from(a.finite()), env.round, tiny);
    let stops = p.flags & (Flags::OE | Flags::UE);
    if !env.masks.contains(stops) {
        // Nothing is stored, so nothing was inexact.
        env.flags |= stops;
        return None;
    }
    env.flags |= p.flags;
    env.rounded_up = p.up;
    Some(p.value)
}

/// FIST(P) m16int with `env.round`, or FISTTP with [`Round::Zero`]. The masked response to a NaN or
/// a value out of range is the integer indefinite.
pub fn to_i16(env: &mut X87Env, a: F80, round: Round) -> Option<i16> {
    to_int(env, a, round, 15).map(|v| v as i16)
}

/// FIST(P) m32int, as [`to_i16`].
pub fn to_i32(env: &mut X87Env, a: F80, round: Round) -> Option<i32> {
    to_int(env, a, round, 31).map(|v| v as i32)
}

/// FISTP m64int, as [`to_i16`].
pub fn to_i64(env: &mut X87Env, a: F80, round: Round) -> Option<i64> {
    to_int(env, a, round, 63)
}

/// To a two's complement integer with `bits` bits below the sign.
fn to_int(env: &mut X87Env, a: F80, round: Round, bits: u32) -> Option<i64> {
    let Some(m) = to_magnitude(a, round) else {
        return env.raise(Flags::IE).then_some(i64::MIN >> (63 - bits));
    };
    let limit = 1u64 << bits;
    if m.value > limit || (m.value == limit && !a.is_negative()) {
        return env.raise(Flags::IE).then_some(i64::MIN >> (63 - bits));
    }
    m.report(env);
    Some(if a.is_negative() { (m.value as i64).wrapping_neg() } else { m.value as i64 })
}

/// A value rounded to an integer, without its sign.
pub(super) struct Magnitude {
    pub value: u64,
    inexact: bool,
    up: bool,
}

impl Magnitude {
    /// Raises PE and sets C1 as the rounding requires.
    pub fn report(&self, env: &mut X87Env) {
        env.rounded_up = self.up;
        if self.inexact {
            env.flags |= Flags::PE;
        }
    }
}

/// Rounds to an integer; `None` for NaNs, infinities, unsupported, and magnitudes of 2^64 or more.
pub(super) fn to_magnitude(a: F80, round: Round) -> Option<Magnitude> {
    match a.class() {
        Class::Zero => return Some(Magnitude { value: 0, inexact: false, up: false }),
        Class::Normal | Class::Denormal => {}
        _ => return None,
    }
    let n = a.finite();
    if n.exp > 63 {
        return None;
    }
    // Bit 0 of `hi` must weigh 1: the value is sig · 2^(exp - 63).
    let r = Raw::from(n).denormalized((63 - n.exp) as u32);
    let s = round_sig(&r, 64, round);
    if s.carry {
        return None;
    }
    Some(Magnitude { value: s.sig, inexact: s.inexact, up: s.up })
}
