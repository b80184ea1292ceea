//! Shuffles, packs, unpacks, blends, insertions and extractions. SDM Vol. 2, each instruction's "Operation".

use super::lanes::{LOW, i16x8, i32x4, u8x16, u16x8, u32x4, u64x2};
use std::array::from_fn;

/// Interleaves the halves of two vectors, starting at element `$at`.
macro_rules! unpacks {
    ($($mnemonic:literal $name:ident: $shape:ident, $at:literal;)*) => {$(
        #[doc = concat!($mnemonic, ".")]
        #[must_use]
        #[inline]
        pub fn $name(a: u128, b: u128) -> u128 {
            let (a, b) = ($shape::split(a), $shape::split(b));
            $shape::join(from_fn(|i| if i % 2 == 0 { a[$at + i / 2] } else { b[$at + i / 2] }))
        }
    )*};
}

unpacks! {
    "PUNPCKLBW" punpcklbw: u8x16, 0;
    "PUNPCKLWD" punpcklwd: u16x8, 0;
    "PUNPCKLDQ, UNPCKLPS" punpckldq: u32x4, 0;
    "PUNPCKLQDQ, UNPCKLPD" punpcklqdq: u64x2, 0;
    "PUNPCKHBW" punpckhbw: u8x16, 8;
    "PUNPCKHWD" punpckhwd: u16x8, 4;
    "PUNPCKHDQ, UNPCKHPS" punpckhdq: u32x4, 2;
    "PUNPCKHQDQ, UNPCKHPD" punpckhqdq: u64x2, 1;
}

/// Narrows signed elements of `a`, then of `b`, with saturation to the range of the narrow type.
macro_rules! packs {
    ($($mnemonic:literal $name:ident: $from:ident, $n:literal, $to:ident, $narrow:ty, $store:ty;)*) => {$(
        #[doc = concat!($mnemonic, ".")]
        #[must_use]
        #[inline]
        pub fn $name(a: u128, b: u128) -> u128 {
            let (a, b) = ($from::split(a), $from::split(b));
            $to::join(from_fn(|i| {
                let e = if i < $n { a[i] } else { b[i - $n] };
                e.clamp(<$narrow>::MIN.into(), <$narrow>::MAX.into()) as $store
            }))
        }
    )*};
}

packs! {
    "PACKSSWB" packsswb: i16x8, 8, u8x16, i8, u8;
    "PACKUSWB" packuswb: i16x8, 8, u8x16, u8, u8;
    "PACKSSDW" packssdw: i32x4, 4, u16x8, i16, u16;
    "PACKUSDW" packusdw: i32x4, 4, u16x8, u16, u16;
}

/// PMOVSXxx and PMOVZXxx: the lowest elements, widened.
macro_rules! extends {
    ($($mnemonic:literal $name:ident: $from:ident, $to:ident, $wide:ty;)*) => {$(
        #[doc = concat!($mnemonic, ".")]
        #[must_use]
        #[inline]
        pub fn $name(b: u128) -> u128 {
            let b = super::lanes::$from::split(b);
            super::lanes::$to::join(from_fn(|i| <$wide>::from(b[i])))
        }
    )*};
}

extends! {
    "PMOVSXBW" pmovsxbw: i8x16, i16x8, i16;
    "PMOVSXBD" pmovsxbd: i8x16, i32x4, i32;
    "PMOVSXBQ" pmovsxbq: i8x16, i64x2, i64;
    "PMOVSXWD" pmovsxwd: i16x8, i32x4, i32;
    "PMOVSXWQ" pmovsxwq: i16x8, i64x2, i64;
    "PMOVSXDQ" pmovsxdq: i32x4, i64x2, i64;
    "PMOVZXBW" pmovzxbw: u8x16, u16x8, u16;
    "PMOVZXBD" pmovzxbd: u8x16, u32x4, u32;
    "PMOVZXBQ" pmovzxbq: u8x16, u64x2, u64;
    "PMOVZXWD" pmovzxwd: u16x8, u32x4, u32;
    "PMOVZXWQ" pmovzxwq: u16x8, u64x2, u64;
    "PMOVZXDQ" pmovzxdq: u32x4, u64x2, u64;
}

/// The field of two bits that chooses element `i`.
#[inline(always)]
const fn pick(imm: u8, i: usize) -> usize {
    (imm >> (2 * i) & 3) as usize
}

/// PSHUFB: a byte of `b` with bit 7 set clears.
#[must_use]
#[inline]
pub fn pshufb(a: u128, b: u128) -> u128 {
    let v = u8x16::split(a);
    u8x16::map(b, |e| if e & 0x80 != 0 { 0 } else { v[usize::from(e & 15)] })
}

/// PSHUFD.
#[must_use]
#[inline]
pub fn pshufd(b: u128, imm: u8) -> u128 {
    let b = u32x4::split(b);
    u32x4::join(from_fn(|i| b[pick(imm, i)]))
}

/// PSHUFLW.
#[must_use]
#[inline]
pub fn pshuflw(b: u128, imm: u8) -> u128 {
    let b = u16x8::split(b);
    u16x8::join(from_fn(|i| if i < 4 { b[pick(imm, i)] } else { b[i] }))
}

/// PSHUFHW.
#[must_use]
#[inline]
pub fn pshufhw(b: u128, imm: u8) -> u128 {
    let b = u16x8::split(b);
    u16x8::join(from_fn(|i| if i < 4 { b[i] } else { b[4 + pick(imm, i - 4)] }))
}

/// SHUFPS.
#[must_use]
#[inline]
pub fn shufps(a: u128, b: u128, imm: u8) -> u128 {
    let (a, b) = (u32x4::split(a), u32x4::split(b));
    u32x4::join(from_fn(|i| if i < 2 { a[pick(imm, i)] } else { b[pick(imm, i)] }))
}

/// SHUFPD.
#[must_use]
#[inline]
pub fn shufpd(a: u128, b: u128, imm: u8) -> u128 {
    let (a, b) = (u64x2::split(a), u64x2::split(b));
    u64x2::join([a[usize::from(imm & 1)], b[usize::from(imm >> 1 & 1)]])
}

/// PALIGNR: 16 bytes of `a:b` from byte `imm` on; past the end are zeros.
#[must_use]
#[inline]
pub const fn palignr(a: u128, b: u128, imm: u8) -> u128 {
    match imm as u32 {
        0 => b,
        n @ 1..=15 => b >> (8 * n) | a << (128 - 8 * n),
        n @ 16..=31 => a >> (8 * (n - 16)),
        _ => 0,
    }
}

/// PBLENDW.
#[must_use]
#[inline]
pub fn pblendw(a: u128, b: u128, imm: u8) -> u128 {
    let (a, b) = (u16x8::split(a), u16x8::split(b));
    u16x8::join(from_fn(|i| if imm >> i & 1 != 0 { b[i] } else { a[i] }))
}

/// BLENDPS.
#[must_use]
#[inline]
pub fn blendps(a: u128, b: u128, imm: u8) -> u128 {
    let (a, b) = (u32x4::split(a), u32x4::split(b));
    u32x4::join(from_fn(|i| if imm >> i & 1 != 0 { b[i] } else { a[i] }))
}

/// BLENDPD.
#[must_use]
#[inline]
pub fn blendpd(a: u128, b: u128, imm: u8) -> u128 {
    let (a, b) = (u64x2::split(a), u64x2::split(b));
    u64x2::join(from_fn(|i| if imm >> i & 1 != 0 { b[i] } else { a[i] }))
}

/// Chooses bits of `b` where `mask` is set.
#[inline(always)]
const fn choose(a: u128, b: u128, mask: u128) -> u128 {
    a & !mask | b & mask
}

/// PBLENDVB: by the signs of the bytes of XMM0.
#[must_use]
#[inline]
pub fn pblendvb(a: u128, b: u128, xmm0: u128) -> u128 {
    choose(a, b, super::lanes::i8x16::map(xmm0, |e| e >> 7))
}

/// BLENDVPS.
#[must_use]
#[inline]
pub fn blendvps(a: u128, b: u128, xmm0: u128) -> u128 {
    choose(a, b, i32x4::map(xmm0, |e| e >> 31))
}

/// BLENDVPD.
#[must_use]
#[inline]
pub fn blendvpd(a: u128, b: u128, xmm0: u128) -> u128 {
    choose(a, b, super::lanes::i64x2::map(xmm0, |e| e >> 63))
}

/// `a` with the element of `bits` bits number `n` replaced by the lowest of `b`.
#[inline(always)]
const fn insert(a: u128, b: u128, bits: u32, n: u32) -> u128 {
    let mask = u128::MAX >> (128 - bits);
    choose(a, (b & mask) << (bits * n), mask << (bits * n))
}

/// PINSRB.
#[must_use]
#[inline]
pub const fn pinsrb(a: u128, b: u128, imm: u8) -> u128 {
    insert(a, b, 8, imm as u32 & 15)
}

/// PINSRW.
#[must_use]
#[inline]
pub const fn pinsrw(a: u128, b: u128, imm: u8) -> u128 {
    insert(a, b, 16, imm as u32 & 7)
}

/// PINSRD.
#[must_use]
#[inline]
pub const fn pinsrd(a: u128, b: u128, imm: u8) -> u128 {
    insert(a, b, 32, imm as u32 & 3)
}

/// PINSRQ.
#[must_use]
#[inline]
pub const fn pinsrq(a: u128, b: u128, imm: u8) -> u128 {
    insert(a, b, 64, imm as u32 & 1)
}

/// PEXTRB.
#[must_use]
#[inline]
pub const fn pextrb(b: u128, imm: u8) -> u128 {
    b >> (8 * (imm & 15)) & 0xff
}

/// PEXTRW.
#[must_use]
#[inline]
pub const fn pextrw(b: u128, imm: u8) -> u128 {
    b >> (16 * (imm & 7)) & 0xffff
}

/// PEXTRD, EXTRACTPS.
#[must_use]
#[inline]
pub const fn pextrd(b: u128, imm: u8) -> u128 {
    b >> (32 * (imm & 3)) & 0xffff_ffff
}

/// PEXTRQ.
#[must_use]
#[inline]
pub const fn pextrq(b: u128, imm: u8) -> u128 {
    b >> (64 * (imm & 1)) & LOW
}

/// INSERTPS from a register: `imm[7:6]` chooses the source element, `imm[5:4]` the place, `imm[3:0]` clears.
#[must_use]
#[inline]
pub fn insertps(a: u128, b: u128, imm: u8) -> u128 {
    insertps_m32(a, pextrd(b, imm >> 6), imm)
}

/// INSERTPS from memory: `imm[7:6]` does not count.
#[must_use]
#[inline]
pub fn insertps_m32(a: u128, b: u128, imm: u8) -> u128 {
    let r = u32x4::split(pinsrd(a, b, imm >> 4));
    u32x4::join(from_fn(|i| if imm >> i & 1 != 0 { 0 } else { r[i] }))
}

/// MOVSLDUP.
#[must_use]
#[inline]
pub fn movsldup(b: u128) -> u128 {
    pshufd(b, 0b10_10_00_00)
}

/// MOVSHDUP.
#[must_use]
#[inline]
pub fn movshdup(b: u128) -> u128 {
    pshufd(b, 0b11_11_01_01)
}

/// MOVDDUP.
#[must_use]
#[inline]
pub const fn movddup(b: u128) -> u128 {
    b & LOW | b << 64
}
