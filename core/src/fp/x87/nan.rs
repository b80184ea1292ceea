//! What happens before arithmetic: unsupported encodings, NaNs, denormal operands.
//!
//! SDM Vol. 1, "Operating on SNaNs and QNaNs", the table of rules for handling NaNs.

use crate::fp::env::{Flags, X87Env};
use crate::fp::f80::{Class, F80};

/// The masked response to an invalid operation, or `None`.
#[cold]
pub(super) fn invalid(env: &mut X87Env) -> Option<F80> {
    env.raise(Flags::IE).then_some(F80::INDEFINITE)
}

/// Raises DE if any operand is denormal. `None` when that is unmasked.
#[inline]
pub(super) fn denormal(env: &mut X87Env, operands: &[Class]) -> Option<()> {
    let any = operands.contains(&Class::Denormal) || env.memory_denormal;
    (!any || env.raise(Flags::DE)).then_some(())
}

/// The result of an operation on one operand, if that is a NaN or unsupported.
pub(super) fn nan1(env: &mut X87Env, a: F80) -> Option<Option<F80>> {
    match a.class() {
        Class::Unsupported => Some(invalid(env)),
        Class::Nan if a.is_signaling() => Some(env.raise(Flags::IE).then_some(a.quieted())),
        Class::Nan => Some(Some(a)),
        _ => None,
    }
}

/// The result of an operation on two operands, if one is a NaN or unsupported.
pub(super) fn nan2(env: &mut X87Env, a: F80, b: F80) -> Option<Option<F80>> {
    let (ca, cb) = (a.class(), b.class());
    if ca == Class::Unsupported || cb == Class::Unsupported {
        return Some(invalid(env));
    }
    let (sa, sb) = (a.is_signaling(), b.is_signaling());
    let pick = match (ca == Class::Nan, cb == Class::Nan) {
        (false, false) => return None,
        (true, false) => a,
        (false, true) => b,
        // An SNaN beside a QNaN gives the QNaN; otherwise the larger significand wins, and of
        // equal ones the positive.
        (true, true) if sa != sb => {
            if sa {
                b
            } else {
                a
            }
        }
        (true, true) => {
            let a_wins = (a.sig, b.is_negative()) >= (b.sig, a.is_negative());
            if a_wins { a } else { b }
        }
    };
    if (sa || sb) && !env.raise(Flags::IE) {
        return Some(None);
    }
    Some(Some(pick.quieted()))
}
