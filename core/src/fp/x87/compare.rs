//! FCOM, FUCOM, FCOMI, FUCOMI, FTST.

use super::nan::denormal;
use crate::fp::Relation;
use crate::fp::env::{Flags, X87Env};
use crate::fp::f80::{Class, F80};

/// How a compare takes a quiet NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unordered {
    /// Every NaN is invalid: FCOM, FCOMI, FTST, FICOM.
    Invalid,
    /// Only an SNaN is invalid: FUCOM, FUCOMI.
    Quiet,
}

/// a compared with b. FTST compares with [`F80::ZERO`].
///
/// `None` for an unmasked exception: codes and stack unchanged, as the Operation section of FCOM has
/// it. (Some processors write the codes even so.)
pub fn compare(env: &mut X87Env, a: F80, b: F80, nan: Unordered) -> Option<Relation> {
    let (ca, cb) = (a.class(), b.class());
    let unsupported = ca == Class::Unsupported || cb == Class::Unsupported;
    if unsupported || ca == Class::Nan || cb == Class::Nan {
        let invalid = unsupported || nan == Unordered::Invalid || a.is_signaling() || b.is_signaling();
        return (!invalid || env.raise(Flags::IE)).then_some(Relation::Unordered);
    }
    denormal(env, &[ca, cb])?;
    Some(order(a, b))
}

fn order(a: F80, b: F80) -> Relation {
    if a.sig == 0 && b.sig == 0 {
        return Relation::Equal;
    }
    if a.is_negative() != b.is_negative() {
        return if a.is_negative() { Relation::Less } else { Relation::Greater };
    }
    // A pseudo-denormal has the value of exponent 1. Zeros stay below everything.
    let key = |v: F80| (v.biased_exp().max(u16::from(v.sig >> 63 != 0)), v.sig);
    let (x, y) = if a.is_negative() { (b, a) } else { (a, b) };
    Relation::from(key(x).cmp(&key(y)))
}
