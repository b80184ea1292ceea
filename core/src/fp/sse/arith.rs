//! ADDSx, SUBSx, MULSx, DIVSx, SQRTSx.

use super::nan::{Operand, denormal, invalid, nan1, nan2};
use crate::fp::binary::{self, Binary, HostOp, Kind, Tiny, biased_exp, unpack};
use crate::fp::env::{Flags, Round, SseEnv};
use crate::fp::num::{self, Num, Raw};

/// a + b.
#[inline]
pub fn add<B: Binary>(env: &mut SseEnv, a: B, b: B) -> B {
    fast(env, HostOp::Add, a, b).unwrap_or_else(|| sum(env, a, b, false))
}

/// a - b.
#[inline]
pub fn sub<B: Binary>(env: &mut SseEnv, a: B, b: B) -> B {
    fast(env, HostOp::Sub, a, b).unwrap_or_else(|| sum(env, a, b, true))
}

/// a · b.
#[inline]
pub fn mul<B: Binary>(env: &mut SseEnv, a: B, b: B) -> B {
    fast(env, HostOp::Mul, a, b).unwrap_or_else(|| product(env, a, b))
}

/// a / b.
#[inline]
pub fn div<B: Binary>(env: &mut SseEnv, a: B, b: B) -> B {
    fast(env, HostOp::Div, a, b).unwrap_or_else(|| quotient(env, a, b))
}

/// The square root.
#[inline]
pub fn sqrt<B: Binary>(env: &mut SseEnv, a: B) -> B {
    if env.inexact_is_known() {
        let r = a.host_sqrt();
        // A root of a positive normal number is far from both ends of the range.
        if biased_exp(a) != 0 && is_comfortable(r) {
            return r;
        }
    }
    root(env, a)
}

/// The host's result where the module's argument shows it to be the guest's.
#[inline(always)]
fn fast<B: Binary>(env: &SseEnv, op: HostOp, a: B, b: B) -> Option<B> {
    if !env.inexact_is_known() {
        return None;
    }
    let r = B::host(op, a, b);
    let ok = not_denormal(a) && not_denormal(b) && is_comfortable(r);
    ok.then_some(r)
}

#[inline(always)]
fn not_denormal<B: Binary>(a: B) -> bool {
    biased_exp(a) != 0 || a.bits() & !B::SIGN == 0
}

/// Normal, and not in the lowest binade, where a result may have been tiny before it was rounded.
#[inline(always)]
fn is_comfortable<B: Binary>(r: B) -> bool {
    biased_exp(r).wrapping_sub(2) < B::EXP_MAX - 2
}

/// Rounds a nonzero result and raises what that raises.
#[inline]
pub(super) fn finish<B: Binary>(env: &mut SseEnv, r: &Raw) -> B {
    let tiny = if env.flushes() {
        Tiny::Flush
    } else if env.masks().contains(Flags::UE) {
        Tiny::Masked
    } else {
        Tiny::Unmasked
    };
    let p = binary::pack(r, env.round(), tiny);
    env.flags |= p.flags;
    p.value
}

fn sum<B: Binary>(env: &mut SseEnv, a: B, b: B, negate_b: bool) -> B {
    let (a, b) = (Operand::new(env, a), Operand::new(env, b));
    if let Some(r) = nan2(env, a, b) {
        return r;
    }
    let b_sign = b.is_negative() != negate_b;
    if a.kind == Kind::Infinity && b.kind == Kind::Infinity && a.is_negative() != b_sign {
        return invalid(env);
    }
    denormal(env, a.kind, b.kind);
    let negated = |n: Num| Num { sign: b_sign, ..n };
    let r = match (a.kind, b.kind) {
        (Kind::Infinity, _) => return a.bits,
        (_, Kind::Infinity) => return binary::signed(b_sign, B::INF),
        (Kind::Zero, Kind::Zero) if a.is_negative() == b_sign => return a.bits,
        (Kind::Zero, Kind::Zero) => Raw::ZERO,
        (Kind::Zero, _) => Raw::from(negated(unpack(b.bits))),
        (_, Kind::Zero) => Raw::from(unpack(a.bits)),
        _ => num::add(unpack(a.bits), negated(unpack(b.bits))),
    };
    if r.hi == 0 {
        return binary::signed(env.round() == Round::Down, 0);
    }
    finish(env, &r)
}

fn product<B: Binary>(env: &mut SseEnv, a: B, b: B) -> B {
    let (a, b) = (Operand::new(env, a), Operand::new(env, b));
    if let Some(r) = nan2(env, a, b) {
        return r;
    }
    let sign = a.is_negative() != b.is_negative();
    let zero = a.kind == Kind::Zero || b.kind == Kind::Zero;
    let infinite = a.kind == Kind::Infinity || b.kind == Kind::Infinity;
    if zero && infinite {
        return invalid(env);
    }
    denormal(env, a.kind, b.kind);
    if zero {
        return binary::signed(sign, 0);
    }
    if infinite {
        return binary::signed(sign, B::INF);
    }
    finish(env, &num::mul(unpack(a.bits), unpack(b.bits)))
}

fn quotient<B: Binary>(env: &mut SseEnv, a: B, b: B) -> B {
    let (a, b) = (Operand::new(env, a), Operand::new(env, b));
    if let Some(r) = nan2(env, a, b) {
        return r;
    }
    let sign = a.is_negative() != b.is_negative();
    match (a.kind, b.kind) {
        (Kind::Infinity, Kind::Infinity) | (Kind::Zero, Kind::Zero) => return invalid(env),
        (Kind::Normal | Kind::Denormal, Kind::Zero) => {
            // Divide-by-zero outranks the denormal operand, which then is not looked at.
            env.flags |= Flags::ZE;
            return binary::signed(sign, B::INF);
        }
        _ => {}
    }
    denormal(env, a.kind, b.kind);
    if a.kind == Kind::Infinity {
        return binary::signed(sign, B::INF);
    }
    if a.kind == Kind::Zero || b.kind == Kind::Infinity {
        return binary::signed(sign, 0);
    }
    finish(env, &num::div(unpack(a.bits), unpack(b.bits)))
}

fn root<B: Binary>(env: &mut SseEnv, a: B) -> B {
    let a = Operand::new(env, a);
    if let Some(r) = nan1(env, a) {
        return r;
    }
    if a.kind == Kind::Zero {
        return a.bits;
    }
    if a.is_negative() {
        return invalid(env);
    }
    denormal(env, a.kind, a.kind);
    if a.kind == Kind::Infinity {
        return a.bits;
    }
    finish(env, &num::sqrt(unpack(a.bits)))
}
