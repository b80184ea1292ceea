//! COMISx, UCOMISx, CMPSx, MINSx, MAXSx.

use super::nan::{Operand, denormal};
use crate::fp::Relation;
use crate::fp::binary::{Binary, Kind};
use crate::fp::env::{Flags, SseEnv};

/// COMISx: every NaN is invalid.
#[inline]
pub fn comi<B: Binary>(env: &mut SseEnv, a: B, b: B) -> Relation {
    relation(env, a, b, true)
}

/// UCOMISx: only an SNaN is invalid.
#[inline]
pub fn ucomi<B: Binary>(env: &mut SseEnv, a: B, b: B) -> Relation {
    relation(env, a, b, false)
}

/// For each predicate 0 to 15, the relations that make it true: bit 0 less, 1 equal, 2 greater,
/// 3 unordered. SDM Vol. 2, "CMPPD", "Comparison Predicate for VCMPPD and VCMPPS Instructions".
const TRUE_FOR: [u8; 16] = [
    0b0010, // EQ
    0b0001, // LT
    0b0011, // LE
    0b1000, // UNORD
    0b1101, // NEQ
    0b1110, // NLT
    0b1100, // NLE
    0b0111, // ORD
    0b1010, // EQ, unordered
    0b1001, // NGE
    0b1011, // NGT
    0b0000, // FALSE
    0b0101, // NEQ, ordered
    0b0110, // GE
    0b0100, // GT
    0b1111, // TRUE
];

/// For each predicate 0 to 15, whether a quiet NaN is invalid; bit 4 of the predicate inverts it.
const SIGNALS: u16 = 0b0110_0110_0110_0110;

/// CMPSx with an immediate predicate: 0 to 7, or 0 to 31 of the VEX form (higher bits are ignored;
/// the legacy form passes its low three bits).
#[inline]
pub fn compare<B: Binary>(env: &mut SseEnv, a: B, b: B, predicate: u8) -> bool {
    let low = usize::from(predicate & 15);
    let signals = (SIGNALS >> low & 1 != 0) != (predicate & 16 != 0);
    let bit = match relation(env, a, b, signals) {
        Relation::Less => 0,
        Relation::Equal => 1,
        Relation::Greater => 2,
        Relation::Unordered => 3,
    };
    TRUE_FOR[low] >> bit & 1 != 0
}

/// MINSx: b when both are zeros or either is a NaN.
#[inline]
pub fn min<B: Binary>(env: &mut SseEnv, a: B, b: B) -> B {
    let less = relation(env, a, b, true) == Relation::Less;
    Operand::new(env, if less { a } else { b }).bits
}

/// MAXSx: b when both are zeros or either is a NaN.
#[inline]
pub fn max<B: Binary>(env: &mut SseEnv, a: B, b: B) -> B {
    let greater = relation(env, a, b, true) == Relation::Greater;
    Operand::new(env, if greater { a } else { b }).bits
}

#[inline]
fn relation<B: Binary>(env: &mut SseEnv, a: B, b: B, quiet_is_invalid: bool) -> Relation {
    let (a, b) = (Operand::new(env, a), Operand::new(env, b));
    if a.kind.is_nan() || b.kind.is_nan() {
        if quiet_is_invalid || a.kind == Kind::Signaling || b.kind == Kind::Signaling {
            env.flags |= Flags::IE;
        }
        return Relation::Unordered;
    }
    denormal(env, a.kind, b.kind);
    Relation::from(key(a).cmp(&key(b)))
}

/// An integer in the order of the values; both zeros give 0.
#[inline]
fn key<B: Binary>(a: Operand<B>) -> i64 {
    let magnitude = (a.bits.bits() & !B::SIGN) as i64;
    if a.is_negative() { -magnitude } else { magnitude }
}
