//! CVTxx2xx, ROUNDSx.

use super::arith::finish;
use super::nan::{Operand, denormal, nan1, quieted};
use crate::fp::binary::{self, Binary, Kind, unpack};
use crate::fp::env::{Flags, Round, SseEnv};
use crate::fp::num::{Num, Raw, Rounded, round_sig};

/// CVTSx2SI and the like with `env.round()`, CVTTSx2SI with [`Round::Zero`]. NaNs and values out of
/// range are invalid and give the integer indefinite.
#[inline]
pub fn to_i32<B: Binary>(env: &mut SseEnv, a: B, round: Round) -> i32 {
    to_int(env, a, round, 31) as i32
}

/// To a 64-bit integer, as [`to_i32`].
#[inline]
pub fn to_i64<B: Binary>(env: &mut SseEnv, a: B, round: Round) -> i64 {
    to_int(env, a, round, 63)
}

#[inline]
fn to_int<B: Binary>(env: &mut SseEnv, a: B, round: Round, bits: u32) -> i64 {
    let indefinite = i64::MIN >> (63 - bits);
    let a = Operand::new(env, a);
    let n = match a.kind {
        Kind::Zero => return 0,
        Kind::Normal | Kind::Denormal => unpack(a.bits),
        _ => {
            env.flags |= Flags::IE;
            return indefinite;
        }
    };
    let limit = 1u64 << bits;
    let r = to_magnitude(n, round).filter(|m| m.sig < limit || (m.sig == limit && n.sign));
    let Some(m) = r else {
        env.flags |= Flags::IE;
        return indefinite;
    };
    if m.inexact {
        env.flags |= Flags::PE;
    }
    if n.sign { (m.sig as i64).wrapping_neg() } else { m.sig as i64 }
}

/// The magnitude rounded to an integer; `None` when it takes 64 bits or more.
#[inline]
fn to_magnitude(n: Num, round: Round) -> Option<Rounded> {
    if n.exp > 63 {
        return None;
    }
    let r = Raw::from(n).denormalized((63 - n.exp) as u32);
    Some(round_sig(&r, 64, round)).filter(|m| !m.carry)
}

/// CVTSI2Sx and the like from a 32-bit integer. Only PE can be raised.
#[inline]
pub fn from_i32<B: Binary>(env: &mut SseEnv, v: i32) -> B {
    from_i64(env, v.into())
}

/// From a 64-bit integer.
#[inline]
pub fn from_i64<B: Binary>(env: &mut SseEnv, v: i64) -> B {
    if v == 0 {
        return binary::signed(false, 0);
    }
    let m = v.unsigned_abs();
    let lz = m.leading_zeros();
    if m >> B::P == 0 {
        // Exact: place the leading one on the implied bit, where it adds one to the exponent.
        let e = (B::BIAS + 62 - lz as i32) as u64;
        let frac = (m << lz) >> (64 - B::P);
        return binary::signed(v < 0, (e << (B::P - 1)) + frac);
    }
    finish(env, &Raw { sign: v < 0, exp: 63 - lz as i32, hi: m << lz, lo: 0 })
}

/// CVTSS2SD.
#[inline]
pub fn widen(env: &mut SseEnv, a: u32) -> u64 {
    convert(env, a)
}

/// CVTSD2SS.
#[inline]
pub fn narrow(env: &mut SseEnv, a: u64) -> u32 {
    convert(env, a)
}

#[inline]
fn convert<A: Binary, B: Binary>(env: &mut SseEnv, a: A) -> B {
    let a = Operand::new(env, a);
    let sign = a.is_negative();
    match a.kind {
        Kind::Zero => binary::signed(sign, 0),
        Kind::Infinity => binary::signed(sign, B::INF),
        Kind::Quiet | Kind::Signaling => {
            if a.kind == Kind::Signaling {
                env.flags |= Flags::IE;
            }
            // The payload keeps its upper bits.
            let top = (a.bits.bits() & A::FRAC) << (64 - A::P);
            binary::signed(sign, B::INF | B::QUIET | top >> (64 - B::P))
        }
        Kind::Normal | Kind::Denormal => {
            denormal(env, a.kind, a.kind);
            finish(env, &Raw::from(unpack(a.bits)))
        }
    }
}

/// ROUNDSx. `imm` bits 1:0 are RC, bit 2 chooses MXCSR.RC instead, bit 3 suppresses PE.
#[inline]
pub fn round_to_integral<B: Binary>(env: &mut SseEnv, a: B, imm: u8) -> B {
    let a = Operand::new(env, a);
    if let Some(r) = nan1(env, a) {
        return quieted(r);
    }
    if matches!(a.kind, Kind::Zero | Kind::Infinity) {
        return a.bits;
    }
    let n = unpack(a.bits);
    if n.exp >= B::P as i32 - 1 {
        return a.bits;
    }
    let round = if imm & 4 != 0 { env.round() } else { Round::from_rc(imm.into()) };
    let Some(m) = to_magnitude(n, round) else { return a.bits };
    if m.inexact && imm & 8 == 0 {
        env.flags |= Flags::PE;
    }
    if m.sig == 0 {
        return binary::signed(n.sign, 0);
    }
    // An integer of at most P bits: exact.
    let r = Raw::normalize(n.sign, 63, u128::from(m.sig) << 64);
    binary::pack(&r, Round::Zero, binary::Tiny::Masked).value
}
