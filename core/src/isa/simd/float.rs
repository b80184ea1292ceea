//! Floating-point arithmetic and comparison under MXCSR. SDM Vol. 1, "SIMD Floating-Point Exceptions"; Vol. 2,
//! "ADDPD" to "XORPS", "DPPD", "DPPS", "ROUNDPD" to "ROUNDSS".
//!
//! One environment sees all elements of an instruction, so that their exceptions are ORed before any is reported.
//! RCPx and RSQRTx are [`crate::fp::sse::rcp`] and [`crate::fp::sse::rsqrt`]: the exact result rounded to 13
//! significant bits, the same on every host and within the documented 1.5 · 2^-12.

use super::lanes::{u32x4, u64x2};
use super::mov::{into_low32, into_low64};
use crate::fp::{SseEnv, sse};

/// Four forms of an operation on two elements: packed and scalar, single and double.
macro_rules! binary {
    ($($mnemonic:literal $ps:ident $pd:ident $ss:ident $sd:ident: $f:path;)*) => {$(
        #[doc = concat!($mnemonic, "PS.")]
        #[must_use]
        #[inline]
        pub fn $ps(env: &mut SseEnv, a: u128, b: u128) -> u128 {
            u32x4::zip(a, b, |a, b| $f(env, a, b))
        }

        #[doc = concat!($mnemonic, "PD.")]
        #[must_use]
        #[inline]
        pub fn $pd(env: &mut SseEnv, a: u128, b: u128) -> u128 {
            u64x2::zip(a, b, |a, b| $f(env, a, b))
        }

        #[doc = concat!($mnemonic, "SS.")]
        #[must_use]
        #[inline]
        pub fn $ss(env: &mut SseEnv, a: u128, b: u128) -> u128 {
            into_low32(a, $f(env, a as u32, b as u32).into())
        }

        #[doc = concat!($mnemonic, "SD.")]
        #[must_use]
        #[inline]
        pub fn $sd(env: &mut SseEnv, a: u128, b: u128) -> u128 {
            into_low64(a, $f(env, a as u64, b as u64).into())
        }
    )*};
}

binary! {
    "ADD" addps addpd addss addsd: sse::add;
    "SUB" subps subpd subss subsd: sse::sub;
    "MUL" mulps mulpd mulss mulsd: sse::mul;
    "DIV" divps divpd divss divsd: sse::div;
    "MIN" minps minpd minss minsd: sse::min;
    "MAX" maxps maxpd maxss maxsd: sse::max;
}

/// SQRTPS.
#[must_use]
#[inline]
pub fn sqrtps(env: &mut SseEnv, b: u128) -> u128 {
    u32x4::map(b, |b| sse::sqrt(env, b))
}

/// SQRTPD.
#[must_use]
#[inline]
pub fn sqrtpd(env: &mut SseEnv, b: u128) -> u128 {
    u64x2::map(b, |b| sse::sqrt(env, b))
}

/// SQRTSS.
#[must_use]
#[inline]
pub fn sqrtss(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    into_low32(a, sse::sqrt(env, b as u32).into())
}

/// SQRTSD.
#[must_use]
#[inline]
pub fn sqrtsd(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    into_low64(a, sse::sqrt(env, b as u64).into())
}

/// RCPPS.
#[must_use]
pub fn rcpps(b: u128) -> u128 {
    u32x4::map(b, sse::rcp)
}

/// RCPSS.
#[must_use]
pub fn rcpss(a: u128, b: u128) -> u128 {
    into_low32(a, sse::rcp(b as u32).into())
}

/// RSQRTPS.
#[must_use]
pub fn rsqrtps(b: u128) -> u128 {
    u32x4::map(b, sse::rsqrt)
}

/// RSQRTSS.
#[must_use]
pub fn rsqrtss(a: u128, b: u128) -> u128 {
    into_low32(a, sse::rsqrt(b as u32).into())
}

/// The legacy forms know eight predicates.
const PREDICATE: u8 = 7;

/// CMPPS.
#[must_use]
#[inline]
pub fn cmpps(env: &mut SseEnv, a: u128, b: u128, imm: u8) -> u128 {
    u32x4::zip(a, b, |a, b| u32::from(sse::compare(env, a, b, imm & PREDICATE)).wrapping_neg())
}

/// CMPPD.
#[must_use]
#[inline]
pub fn cmppd(env: &mut SseEnv, a: u128, b: u128, imm: u8) -> u128 {
    u64x2::zip(a, b, |a, b| u64::from(sse::compare(env, a, b, imm & PREDICATE)).wrapping_neg())
}

/// CMPSS.
#[must_use]
#[inline]
pub fn cmpss(env: &mut SseEnv, a: u128, b: u128, imm: u8) -> u128 {
    let r = sse::compare(env, a as u32, b as u32, imm & PREDICATE);
    into_low32(a, u128::from(r).wrapping_neg())
}

/// CMPSD.
#[must_use]
#[inline]
pub fn cmpsd(env: &mut SseEnv, a: u128, b: u128, imm: u8) -> u128 {
    let r = sse::compare(env, a as u64, b as u64, imm & PREDICATE);
    into_low64(a, u128::from(r).wrapping_neg())
}

/// ZF, PF, CF of a comparison at their places in EFLAGS: bits 6, 2 and 0.
#[inline(always)]
fn eflags(r: crate::fp::Relation) -> u128 {
    let bits = u128::from(r.zf_pf_cf());
    (bits & 4) << 4 | (bits & 2) << 1 | bits & 1
}

/// COMISS: EFLAGS.
#[must_use]
#[inline]
pub fn comiss(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    eflags(sse::comi(env, a as u32, b as u32))
}

/// COMISD: EFLAGS.
#[must_use]
#[inline]
pub fn comisd(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    eflags(sse::comi(env, a as u64, b as u64))
}

/// UCOMISS: EFLAGS.
#[must_use]
#[inline]
pub fn ucomiss(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    eflags(sse::ucomi(env, a as u32, b as u32))
}

/// UCOMISD: EFLAGS.
#[must_use]
#[inline]
pub fn ucomisd(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    eflags(sse::ucomi(env, a as u64, b as u64))
}

/// ADDSUBPS: even elements subtract.
#[must_use]
pub fn addsubps(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    let (a, b) = (u32x4::split(a), u32x4::split(b));
    u32x4::join([
        sse::sub(env, a[0], b[0]),
        sse::add(env, a[1], b[1]),
        sse::sub(env, a[2], b[2]),
        sse::add(env, a[3], b[3]),
    ])
}

/// ADDSUBPD.
#[must_use]
pub fn addsubpd(env: &mut SseEnv, a: u128, b: u128) -> u128 {
    let (a, b) = (u64x2::split(a), u64x2::split(b));
    u64x2::join([sse::sub(env, a[0], b[0]), sse::add(env, a[1], b[1])])
}

/// HADDPS and HADDPD, HSUBPS and HSUBPD: neighbours of `a`, then of `b`, the lower element first.
macro_rules! horizontal {
    ($($mnemonic:literal $ps:ident $pd:ident: $f:path;)*) => {$(
        #[doc = concat!($mnemonic, "PS.")]
        #[must_use]
        pub fn $ps(env: &mut SseEnv, a: u128, b: u128) -> u128 {
            let (a, b) = (u32x4::split(a), u32x4::split(b));
            u32x4::join([$f(env, a[0], a[1]), $f(env, a[2], a[3]), $f(env, b[0], b[1]), $f(env, b[2], b[3])])
        }

        #[doc = concat!($mnemonic, "PD.")]
        #[must_use]
        pub fn $pd(env: &mut SseEnv, a: u128, b: u128) -> u128 {
            let (a, b) = (u64x2::split(a), u64x2::split(b));
            u64x2::join([$f(env, a[0], a[1]), $f(env, b[0], b[1])])
        }
    )*};
}

horizontal! {
    "HADD" haddps haddpd: sse::add;
    "HSUB" hsubps hsubpd: sse::sub;
}

/// Ends a step of an instruction of several: the next one starts from the MXCSR that this one leaves. False when an
/// unmasked exception ends the instruction here; later steps then raise nothing.
fn step(env: &mut SseEnv) -> bool {
    match env.commit() {
        Ok(mxcsr) => {
            *env = SseEnv::new(mxcsr);
            true
        }
        Err(_) => false, // to be found again by whoever executes the instruction
    }
}

/// DPPS: products chosen by `imm[7:4]`, summed as (0 + 1) + (2 + 3), to the elements chosen by `imm[3:0]`.
/// Every product and sum is rounded and can raise exceptions, step after step; a product that is not chosen is +0 and
/// raises none.
#[must_use]
pub fn dpps(env: &mut SseEnv, a: u128, b: u128, imm: u8) -> u128 {
    let old = a;
    let (a, b) = (u32x4::split(a), u32x4::split(b));
    let mut p = [0u32; 4];
    for (i, p) in p.iter_mut().enumerate() {
        if imm >> (4 + i) & 1 != 0 {
            *p = sse::mul(env, a[i], b[i]);
        }
    }
    if !step(env) {
        return old;
    }
    let low = sse::add(env, p[0], p[1]);
    let high = sse::add(env, p[2], p[3]);
    if !step(env) {
        return old;
    }
    let sum = sse::add(env, low, high);
    u32x4::join(std::array::from_fn(|i| if imm >> i & 1 != 0 { sum } else { 0 }))
}

/// DPPD.
#[must_use]
pub fn dppd(env: &mut SseEnv, a: u128, b: u128, imm: u8) -> u128 {
    let old = a;
    let (a, b) = (u64x2::split(a), u64x2::split(b));
    let mut p = [0u64; 2];
    for (i, p) in p.iter_mut().enumerate() {
        if imm >> (4 + i) & 1 != 0 {
            *p = sse::mul(env, a[i], b[i]);
        }
    }
    if !step(env) {
        return old;
    }
    let sum = sse::add(env, p[0], p[1]);
    u64x2::join(std::array::from_fn(|i| if imm >> i & 1 != 0 { sum } else { 0 }))
}

/// ROUNDPS.
#[must_use]
pub fn roundps(env: &mut SseEnv, b: u128, imm: u8) -> u128 {
    u32x4::map(b, |b| sse::round_to_integral(env, b, imm))
}

/// ROUNDPD.
#[must_use]
pub fn roundpd(env: &mut SseEnv, b: u128, imm: u8) -> u128 {
    u64x2::map(b, |b| sse::round_to_integral(env, b, imm))
}

/// ROUNDSS.
#[must_use]
pub fn roundss(env: &mut SseEnv, a: u128, b: u128, imm: u8) -> u128 {
    into_low32(a, sse::round_to_integral(env, b as u32, imm).into())
}

/// ROUNDSD.
#[must_use]
pub fn roundsd(env: &mut SseEnv, a: u128, b: u128, imm: u8) -> u128 {
    into_low64(a, sse::round_to_integral(env, b as u64, imm).into())
}
