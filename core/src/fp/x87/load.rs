//! FLD of single and double operands, and the widening of memory operands.

use crate::fp::binary::{Binary, Kind, is_negative, kind, unpack};
use crate::fp::env::{Flags, X87Env};
use crate::fp::f80::{BIAS, EXP_MAX, F80, J};

/// FLD m32fp: raises IE for an SNaN (quieted) and DE for a denormal.
pub fn load_f32(env: &mut X87Env, v: u32) -> Option<F80> {
    load(env, v)
}

/// FLD m64fp: raises IE for an SNaN (quieted) and DE for a denormal.
pub fn load_f64(env: &mut X87Env, v: u64) -> Option<F80> {
    load(env, v)
}

/// The m32fp operand of an arithmetic or compare instruction: raises nothing by itself; the
/// operation that follows in this environment reports an SNaN or a denormal.
#[inline]
pub fn widen_f32(env: &mut X87Env, v: u32) -> F80 {
    widen(env, v)
}

/// The m64fp operand of an arithmetic or compare instruction, as [`widen_f32`].
#[inline]
pub fn widen_f64(env: &mut X87Env, v: u64) -> F80 {
    widen(env, v)
}

fn load<B: Binary>(env: &mut X87Env, v: B) -> Option<F80> {
    let r = widen(env, v);
    if env.memory_denormal && !env.raise(Flags::DE) {
        return None;
    }
    if r.is_signaling() {
        return env.raise(Flags::IE).then_some(r.quieted());
    }
    Some(r)
}

#[inline]
fn widen<B: Binary>(env: &mut X87Env, v: B) -> F80 {
    let sign = u16::from(is_negative(v)) << 15;
    match kind(v) {
        Kind::Zero => F80 { se: sign, sig: 0 },
        Kind::Infinity | Kind::Quiet | Kind::Signaling => {
            F80 { se: sign | EXP_MAX, sig: J | (v.bits() & B::FRAC) << (64 - B::P) }
        }
        k => {
            env.memory_denormal |= k == Kind::Denormal;
            let n = unpack(v);
            F80 { se: sign | (n.exp + BIAS) as u16, sig: n.sig }
        }
    }
}
