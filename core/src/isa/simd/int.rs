//! Packed integer arithmetic, logic, comparison and shifts. SDM Vol. 2, "PABSB" to "PXOR", "PTEST", "MPSADBW".

use super::lanes::{LOW, i8x16, i16x8, i32x4, i64x2, mask8, mask16, mask32, mask64, u8x16, u16x8, u32x4, u64x2};
use std::array::from_fn;

/// Operations that take pairs of elements: name, shape, function of a pair.
macro_rules! zips {
    ($($mnemonic:literal $name:ident: $shape:ident, $f:expr;)*) => {$(
        #[doc = concat!($mnemonic, ".")]
        #[must_use]
        #[inline]
        pub fn $name(a: u128, b: u128) -> u128 {
            $shape::zip(a, b, $f)
        }
    )*};
}

zips! {
    "PADDB" paddb: u8x16, u8::wrapping_add;
    "PADDW" paddw: u16x8, u16::wrapping_add;
    "PADDD" paddd: u32x4, u32::wrapping_add;
    "PADDQ" paddq: u64x2, u64::wrapping_add;
    "PADDSB" paddsb: i8x16, i8::saturating_add;
    "PADDSW" paddsw: i16x8, i16::saturating_add;
    "PADDUSB" paddusb: u8x16, u8::saturating_add;
    "PADDUSW" paddusw: u16x8, u16::saturating_add;
    "PSUBB" psubb: u8x16, u8::wrapping_sub;
    "PSUBW" psubw: u16x8, u16::wrapping_sub;
    "PSUBD" psubd: u32x4, u32::wrapping_sub;
    "PSUBQ" psubq: u64x2, u64::wrapping_sub;
    "PSUBSB" psubsb: i8x16, i8::saturating_sub;
    "PSUBSW" psubsw: i16x8, i16::saturating_sub;
    "PSUBUSB" psubusb: u8x16, u8::saturating_sub;
    "PSUBUSW" psubusw: u16x8, u16::saturating_sub;
    "PMINUB" pminub: u8x16, Ord::min;
    "PMINUW" pminuw: u16x8, Ord::min;
    "PMINUD" pminud: u32x4, Ord::min;
    "PMINSB" pminsb: i8x16, Ord::min;
    "PMINSW" pminsw: i16x8, Ord::min;
    "PMINSD" pminsd: i32x4, Ord::min;
    "PMAXUB" pmaxub: u8x16, Ord::max;
    "PMAXUW" pmaxuw: u16x8, Ord::max;
    "PMAXUD" pmaxud: u32x4, Ord::max;
    "PMAXSB" pmaxsb: i8x16, Ord::max;
    "PMAXSW" pmaxsw: i16x8, Ord::max;
    "PMAXSD" pmaxsd: i32x4, Ord::max;
    "PCMPEQB" pcmpeqb: i8x16, |a, b| mask8(a == b);
    "PCMPEQW" pcmpeqw: i16x8, |a, b| mask16(a == b);
    "PCMPEQD" pcmpeqd: i32x4, |a, b| mask32(a == b);
    "PCMPEQQ" pcmpeqq: i64x2, |a, b| mask64(a == b);
    "PCMPGTB" pcmpgtb: i8x16, |a, b| mask8(a > b);
    "PCMPGTW" pcmpgtw: i16x8, |a, b| mask16(a > b);
    "PCMPGTD" pcmpgtd: i32x4, |a, b| mask32(a > b);
    "PCMPGTQ" pcmpgtq: i64x2, |a, b| mask64(a > b);
    "PAVGB" pavgb: u8x16, |a, b| ((u16::from(a) + u16::from(b) + 1) >> 1) as u8;
    "PAVGW" pavgw: u16x8, |a, b| ((u32::from(a) + u32::from(b) + 1) >> 1) as u16;
    "PMULLW" pmullw: u16x8, u16::wrapping_mul;
    "PMULLD" pmulld: u32x4, u32::wrapping_mul;
    "PMULHW" pmulhw: i16x8, |a, b| ((i32::from(a) * i32::from(b)) >> 16) as i16;
    "PMULHUW" pmulhuw: u16x8, |a, b| ((u32::from(a) * u32::from(b)) >> 16) as u16;
    "PMULHRSW" pmulhrsw: i16x8, |a, b| ((((i32::from(a) * i32::from(b)) >> 14) + 1) >> 1) as i16;
    "PMULUDQ" pmuludq: u64x2, |a, b| (a & 0xffff_ffff) * (b & 0xffff_ffff);
    "PMULDQ" pmuldq: i64x2, |a, b| i64::from(a as i32) * i64::from(b as i32);
    "PSIGNB" psignb: i8x16, |a, b| if b < 0 { a.wrapping_neg() } else if b == 0 { 0 } else { a };
    "PSIGNW" psignw: i16x8, |a, b| if b < 0 { a.wrapping_neg() } else if b == 0 { 0 } else { a };
    "PSIGND" psignd: i32x4, |a, b| if b < 0 { a.wrapping_neg() } else if b == 0 { 0 } else { a };
}

/// PAND, ANDPS, ANDPD.
#[must_use]
#[inline]
pub const fn pand(a: u128, b: u128) -> u128 {
    a & b
}

/// PANDN, ANDNPS, ANDNPD.
#[must_use]
#[inline]
pub const fn pandn(a: u128, b: u128) -> u128 {
    !a & b
}

/// POR, ORPS, ORPD.
#[must_use]
#[inline]
pub const fn por(a: u128, b: u128) -> u128 {
    a | b
}

/// PXOR, XORPS, XORPD.
#[must_use]
#[inline]
pub const fn pxor(a: u128, b: u128) -> u128 {
    a ^ b
}

/// PABSB. The most negative number stays.
#[must_use]
#[inline]
pub fn pabsb(b: u128) -> u128 {
    i8x16::map(b, i8::wrapping_abs)
}

/// PABSW.
#[must_use]
#[inline]
pub fn pabsw(b: u128) -> u128 {
    i16x8::map(b, i16::wrapping_abs)
}

/// PABSD.
#[must_use]
#[inline]
pub fn pabsd(b: u128) -> u128 {
    i32x4::map(b, i32::wrapping_abs)
}

/// PMADDWD. Only four times -8000h wraps.
#[must_use]
#[inline]
pub fn pmaddwd(a: u128, b: u128) -> u128 {
    let (a, b) = (i16x8::split(a), i16x8::split(b));
    let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
    i32x4::join(from_fn(|i| product(2 * i).wrapping_add(product(2 * i + 1))))
}

/// PMADDUBSW: unsigned elements of `a`, signed ones of `b`.
#[must_use]
#[inline]
pub fn pmaddubsw(a: u128, b: u128) -> u128 {
    let (a, b) = (u8x16::split(a), i8x16::split(b));
    let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
    i16x8::join(from_fn(|i| (product(2 * i) + product(2 * i + 1)).clamp(i16::MIN.into(), i16::MAX.into()) as i16))
}

/// PSADBW: a sum for each half.
#[must_use]
#[inline]
pub fn psadbw(a: u128, b: u128) -> u128 {
    let (a, b) = (u8x16::split(a), u8x16::split(b));
    let sum = |half: usize| (8 * half..8 * half + 8).map(|i| u64::from(a[i].abs_diff(b[i]))).sum();
    u64x2::join(from_fn(sum))
}

/// MPSADBW: sums over four bytes of `b` (at 4 · `imm[1:0]`) against each of eight places of `a` (from 4 · `imm[2]`).
#[must_use]
pub fn mpsadbw(a: u128, b: u128, imm: u8) -> u128 {
    let (a, b) = (u8x16::split(a), u8x16::split(b));
    let (a_at, b_at) = (usize::from(imm >> 2 & 1) * 4, usize::from(imm & 3) * 4);
    u16x8::join(from_fn(|i| (0..4).map(|k| u16::from(a[a_at + i + k].abs_diff(b[b_at + k]))).sum()))
}

/// PHMINPOSUW: the least word, and behind it the first place it stands at.
#[must_use]
pub fn phminposuw(b: u128) -> u128 {
    let mut least = (u16::MAX, 0);
    for (i, &e) in u16x8::split(b).iter().enumerate() {
        if e < least.0 {
            least = (e, i as u128);
        }
    }
    u128::from(least.0) | least.1 << 16
}

/// Horizontal operations: neighbours of `a`, then neighbours of `b`.
macro_rules! horizontal {
    ($($mnemonic:literal $name:ident: $shape:ident, $n:literal, $f:expr;)*) => {$(
        #[doc = concat!($mnemonic, ".")]
        #[must_use]
        #[inline]
        pub fn $name(a: u128, b: u128) -> u128 {
            let (a, b) = ($shape::split(a), $shape::split(b));
            $shape::join(from_fn(|i| if i < $n { $f(a[2 * i], a[2 * i + 1]) } else { $f(b[2 * i - 2 * $n], b[2 * i + 1 - 2 * $n]) }))
        }
    )*};
}

horizontal! {
    "PHADDW" phaddw: i16x8, 4, i16::wrapping_add;
    "PHADDD" phaddd: i32x4, 2, i32::wrapping_add;
    "PHADDSW" phaddsw: i16x8, 4, i16::saturating_add;
    "PHSUBW" phsubw: i16x8, 4, i16::wrapping_sub;
    "PHSUBD" phsubd: i32x4, 2, i32::wrapping_sub;
    "PHSUBSW" phsubsw: i16x8, 4, i16::saturating_sub;
}

/// Shifts by one count, bits 63:0 of `b`: name, shape, bits of an element, whether a count that is too large counts
/// as the largest (arithmetic shifts) or clears, shift.
macro_rules! shifts {
    ($($mnemonic:literal $name:ident: $shape:ident, $bits:literal, $arithmetic:literal, $f:expr;)*) => {$(
        #[doc = concat!($mnemonic, ".")]
        #[must_use]
        #[inline]
        pub fn $name(a: u128, b: u128) -> u128 {
            let n = b as u64;
            if n >= $bits && !$arithmetic {
                return 0;
            }
            let n = n.min($bits - 1) as u32;
            $shape::map(a, |e| $f(e, n))
        }
    )*};
}

shifts! {
    "PSLLW" psllw: u16x8, 16, false, |e, n| e << n;
    "PSLLD" pslld: u32x4, 32, false, |e, n| e << n;
    "PSLLQ" psllq: u64x2, 64, false, |e, n| e << n;
    "PSRLW" psrlw: u16x8, 16, false, |e, n| e >> n;
    "PSRLD" psrld: u32x4, 32, false, |e, n| e >> n;
    "PSRLQ" psrlq: u64x2, 64, false, |e, n| e >> n;
    "PSRAW" psraw: i16x8, 16, true, |e, n| e >> n;
    "PSRAD" psrad: i32x4, 32, true, |e, n| e >> n;
}

/// PSLLDQ: by bytes.
#[must_use]
#[inline]
pub const fn pslldq(a: u128, b: u128) -> u128 {
    if b > 15 { 0 } else { a << (8 * b) }
}

/// PSRLDQ: by bytes.
#[must_use]
#[inline]
pub const fn psrldq(a: u128, b: u128) -> u128 {
    if b > 15 { 0 } else { a >> (8 * b) }
}

/// PTEST: ZF in bit 6, CF in bit 0, as in EFLAGS.
#[must_use]
#[inline]
pub const fn ptest(a: u128, b: u128) -> u128 {
    ((a & b == 0) as u128) << 6 | (!a & b == 0) as u128
}

/// PMOVMSKB, also of an MMX register.
#[must_use]
#[inline]
pub fn pmovmskb(b: u128) -> u128 {
    signs(u8x16::split(b).map(|e| e >> 7 != 0))
}

/// MOVMSKPS.
#[must_use]
#[inline]
pub fn movmskps(b: u128) -> u128 {
    signs(u32x4::split(b).map(|e| e >> 31 != 0))
}

/// MOVMSKPD.
#[must_use]
#[inline]
pub fn movmskpd(b: u128) -> u128 {
    signs(u64x2::split(b).map(|e| e >> 63 != 0))
}

#[inline(always)]
fn signs<const N: usize>(v: [bool; N]) -> u128 {
    let mut r = 0u32;
    for (i, s) in v.into_iter().enumerate() {
        r |= u32::from(s) << i;
    }
    r.into()
}

/// The lower half of a vector, the upper one zero.
#[must_use]
#[inline]
pub const fn low(v: u128) -> u128 {
    v & LOW
}
