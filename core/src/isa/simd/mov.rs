//! Moves that change what they move. SDM Vol. 2, "MOVHLPS" to "MOVSS".

use super::lanes::LOW;

/// All of the source: MOVAPS, MOVDQA, MOVD and the like; the destination cuts off what it does not hold.
#[must_use]
#[inline(always)]
pub const fn all(b: u128) -> u128 {
    b
}

/// MOVQ between XMM registers: bits 127:64 become zero.
#[must_use]
#[inline(always)]
pub const fn low64(b: u128) -> u128 {
    b & LOW
}

/// MOVSS between registers.
#[must_use]
#[inline(always)]
pub const fn into_low32(a: u128, b: u128) -> u128 {
    a & !0xffff_ffff | b & 0xffff_ffff
}

/// MOVSD between registers, MOVLPS, MOVLPD.
#[must_use]
#[inline(always)]
pub const fn into_low64(a: u128, b: u128) -> u128 {
    a & !LOW | b & LOW
}

/// MOVLHPS, MOVHPS, MOVHPD.
#[must_use]
#[inline(always)]
pub const fn into_high64(a: u128, b: u128) -> u128 {
    a & LOW | b << 64
}

/// MOVHLPS.
#[must_use]
#[inline(always)]
pub const fn high64_into_low64(a: u128, b: u128) -> u128 {
    a & !LOW | b >> 64
}

/// MOVHPS and MOVHPD to memory.
#[must_use]
#[inline(always)]
pub const fn high64(b: u128) -> u128 {
    b >> 64
}
