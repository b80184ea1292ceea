//! RCPSS and RSQRTSS: approximations with a relative error of at most 1.5 · 2^-12, no exceptions.
//!
//! SDM Vol. 2, "RCPSS", "RSQRTSS". Processors differ in the bits; here the exact result is rounded to
//! 13 significand bits, a relative error of at most 2^-13.

use super::nan::{indefinite, quieted};
use crate::fp::binary::{self, Kind, biased_exp, is_negative, kind, unpack};
use crate::fp::env::Round;
use crate::fp::num::{self, Num, Raw, round_sig};

/// Significand bits of the result.
const KEEP: u32 = 13;

/// 1 / a. A denormal counts as a zero, and so does a tiny result, whatever DAZ and FTZ say.
pub fn rcp(a: u32) -> u32 {
    let sign = is_negative(a);
    match kind(a) {
        Kind::Quiet | Kind::Signaling => quieted(a),
        Kind::Zero | Kind::Denormal => binary::signed(sign, <u32 as binary::Binary>::INF),
        Kind::Infinity => binary::signed(sign, 0),
        Kind::Normal => {
            let one = Num { sign: false, exp: 0, sig: 1 << 63 };
            let r = coarse(&num::div(one, unpack(a)));
            if biased_exp(r) == 0 { binary::signed(sign, 0) } else { r }
        }
    }
}

/// 1 / sqrt(a). A denormal counts as a zero, whatever DAZ says.
pub fn rsqrt(a: u32) -> u32 {
    let sign = is_negative(a);
    match kind(a) {
        Kind::Quiet | Kind::Signaling => quieted(a),
        Kind::Zero | Kind::Denormal => binary::signed(sign, <u32 as binary::Binary>::INF),
        Kind::Infinity | Kind::Normal if sign => indefinite(),
        Kind::Infinity => 0,
        Kind::Normal => {
            let one = Num { sign: false, exp: 0, sig: 1 << 63 };
            let root = num::sqrt(unpack(a));
            // The root's own truncation at 64 bits is far below the 13 that are kept.
            let root = Num { sign: false, exp: root.exp, sig: root.hi };
            coarse(&num::div(one, root))
        }
    }
}

fn coarse(r: &Raw) -> u32 {
    let s = round_sig(r, KEEP, Round::Nearest);
    let r = Raw { exp: r.exp + i32::from(s.carry), hi: s.sig, lo: 0, ..*r };
    binary::pack(&r, Round::Nearest, binary::Tiny::Masked).value
}
