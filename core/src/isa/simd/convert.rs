//! Conversions between integers and floating point, and between the two formats. SDM Vol. 2, "CVTDQ2PD" to "CVTTSS2SI".

use super::lanes::{i32x4, u32x4, u64x2};
use super::mov::{into_low32, into_low64};
use crate::fp::{Round, SseEnv, sse};

/// CVTDQ2PS.
#[must_use]
#[inline]
pub fn cvtdq2ps(env: &mut SseEnv, b: u128) -> u128 {
    let b = i32x4::split(b);
    u32x4::join(b.map(|b| sse::from_i32(env, b)))
}

/// CVTDQ2PD, CVTPI2PD: the two lower elements; always exact.
#[must_use]
#[inline]
pub fn cvtdq2pd(env: &mut SseEnv, b: u128) -> u128 {
    let [b0, b1, ..] = i32x4::split(b);
    u64x2::join([sse::from_i32(env, b0), sse::from_i32(env, b1)])
}

/// CVTPI2PS: to the two lower elements.
#[must_use]
#[inline]
pub fn cvtpi2ps(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    let [b0, b1, ..] = i32x4::split(b);
    into_low64(a, u32x4::join([sse::from_i32(env, b0), sse::from_i32(env, b1), 0, 0]))
}

/// From single or double elements to integers of 32 bits; `$round` of the environment.
macro_rules! to_integers {
    ($($t:literal $ps2dq:ident $ps2pi:ident $pd2dq:ident $ss32:ident $ss64:ident $sd32:ident $sd64:ident: $round:expr;)*) => {$(
        #[doc = concat!("CVT", $t, "PS2DQ.")]
        #[must_use]
        #[inline]
        pub fn $ps2dq(env: &mut SseEnv, b: u128) -> u128 {
            let round = $round(env);
            i32x4::join(u32x4::split(b).map(|b| sse::to_i32(env, b, round)))
        }

        #[doc = concat!("CVT", $t, "PS2PI: the two lower elements.")]
        #[must_use]
        #[inline]
        pub fn $ps2pi(env: &mut SseEnv, b: u128) -> u128 {
            let round = $round(env);
            let [b0, b1, ..] = u32x4::split(b);
            i32x4::join([sse::to_i32(env, b0, round), sse::to_i32(env, b1, round), 0, 0])
        }

        #[doc = concat!("CVT", $t, "PD2DQ, CVT", $t, "PD2PI: bits 127:64 become zero.")]
        #[must_use]
        #[inline]
        pub fn $pd2dq(env: &mut SseEnv, b: u128) -> u128 {
            let round = $round(env);
            let [b0, b1] = u64x2::split(b);
            i32x4::join([sse::to_i32(env, b0, round), sse::to_i32(env, b1, round), 0, 0])
        }

        #[doc = concat!("CVT", $t, "SS2SI to 32 bits.")]
        #[must_use]
        #[inline]
        pub fn $ss32(env: &mut SseEnv, b: u128) -> u128 {
            let round = $round(env);
            u128::from(sse::to_i32(env, b as u32, round) as u32)
        }

        #[doc = concat!("CVT", $t, "SS2SI to 64 bits.")]
        #[must_use]
        #[inline]
        pub fn $ss64(env: &mut SseEnv, b: u128) -> u128 {
            let round = $round(env);
            u128::from(sse::to_i64(env, b as u32, round) as u64)
        }

        #[doc = concat!("CVT", $t, "SD2SI to 32 bits.")]
        #[must_use]
        #[inline]
        pub fn $sd32(env: &mut SseEnv, b: u128) -> u128 {
            let round = $round(env);
            u128::from(sse::to_i32(env, b as u64, round) as u32)
        }

        #[doc = concat!("CVT", $t, "SD2SI to 64 bits.")]
        #[must_use]
        #[inline]
        pub fn $sd64(env: &mut SseEnv, b: u128) -> u128 {
            let round = $round(env);
            u128::from(sse::to_i64(env, b as u64, round) as u64)
        }
    )*};
}

const fn truncate(_: &SseEnv) -> Round {
    Round::Zero
}

to_integers! {
    "" cvtps2dq cvtps2pi cvtpd2dq cvtss2si32 cvtss2si64 cvtsd2si32 cvtsd2si64: SseEnv::round;
    "T" cvttps2dq cvttps2pi cvttpd2dq cvttss2si32 cvttss2si64 cvttsd2si32 cvttsd2si64: truncate;
}

/// CVTSI2SS from 32 bits.
#[must_use]
#[inline]
pub fn cvtsi2ss32(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    into_low32(a, sse::from_i32::<u32>(env, b as i32).into())
}

/// CVTSI2SS from 64 bits.
#[must_use]
#[inline]
pub fn cvtsi2ss64(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    into_low32(a, sse::from_i64::<u32>(env, b as i64).into())
}

/// CVTSI2SD from 32 bits: always exact.
#[must_use]
#[inline]
pub fn cvtsi2sd32(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    into_low64(a, sse::from_i32::<u64>(env, b as i32).into())
}

/// CVTSI2SD from 64 bits.
#[must_use]
#[inline]
pub fn cvtsi2sd64(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    into_low64(a, sse::from_i64::<u64>(env, b as i64).into())
}

/// CVTPS2PD: the two lower elements.
#[must_use]
#[inline]
pub fn cvtps2pd(env: &mut SseEnv, b: u128) -> u128 {
    let [b0, b1, ..] = u32x4::split(b);
    u64x2::join([sse::widen(env, b0), sse::widen(env, b1)])
}

/// CVTPD2PS: bits 127:64 become zero.
#[must_use]
#[inline]
pub fn cvtpd2ps(env: &mut SseEnv, b: u128) -> u128 {
    let [b0, b1] = u64x2::split(b);
    u32x4::join([sse::narrow(env, b0), sse::narrow(env, b1), 0, 0])
}

/// CVTSS2SD.
#[must_use]
#[inline]
pub fn cvtss2sd(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    into_low64(a, sse::widen(env, b as u32).into())
}

/// CVTSD2SS.
#[must_use]
#[inline]
pub fn cvtsd2ss(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    into_low32(a, sse::narrow(env, b as u64).into())
}
