//! Operands: DAZ, NaNs, and the default response to an invalid operation.

use crate::fp::binary::{self, Binary, Kind, kind};
use crate::fp::env::{Flags, SseEnv};

/// An operand after DAZ, with what it is.
#[derive(Clone, Copy)]
pub(super) struct Operand<B> {
    pub bits: B,
    pub kind: Kind,
}

impl<B: Binary> Operand<B> {
    #[inline]
    pub fn new(env: &SseEnv, bits: B) -> Self {
        match kind(bits) {
            Kind::Denormal if env.daz() => Self { bits: signed_zero(bits), kind: Kind::Zero },
            kind => Self { bits, kind },
        }
    }

    #[inline]
    pub fn is_negative(self) -> bool {
        binary::is_negative(self.bits)
    }
}

fn signed_zero<B: Binary>(a: B) -> B {
    binary::signed(binary::is_negative(a), 0)
}

/// The NaN made quiet.
#[inline]
pub(super) fn quieted<B: Binary>(a: B) -> B {
    B::from_bits(a.bits() | B::QUIET)
}

/// The QNaN floating-point indefinite.
#[inline]
pub(super) fn indefinite<B: Binary>() -> B {
    binary::signed(true, B::INF | B::QUIET)
}

/// Raises IE and gives the masked response.
#[cold]
pub(super) fn invalid<B: Binary>(env: &mut SseEnv) -> B {
    env.flags |= Flags::IE;
    indefinite()
}

/// The result when an operand is a NaN: the first NaN, made quiet.
#[inline]
pub(super) fn nan2<B: Binary>(env: &mut SseEnv, a: Operand<B>, b: Operand<B>) -> Option<B> {
    if a.kind == Kind::Signaling || b.kind == Kind::Signaling {
        env.flags |= Flags::IE;
    }
    if a.kind.is_nan() {
        Some(quieted(a.bits))
    } else if b.kind.is_nan() {
        Some(quieted(b.bits))
    } else {
        None
    }
}

/// The result when the operand is a NaN.
#[inline]
pub(super) fn nan1<B: Binary>(env: &mut SseEnv, a: Operand<B>) -> Option<B> {
    nan2(env, a, a)
}

/// Raises DE if an operand is denormal.
#[inline]
pub(super) fn denormal(env: &mut SseEnv, a: Kind, b: Kind) {
    if a == Kind::Denormal || b == Kind::Denormal {
        env.flags |= Flags::DE;
    }
}
