//! Operations whose MMX form is not the lower half of the XMM form: those that reach across the middle of a register.
//! SDM Vol. 1, "MMX Instructions"; Vol. 2, the entries' MMX forms.

use super::lanes::{LOW, u16x8};
use super::{int, shuffle};
use std::array::from_fn;

/// Both operands in one vector: what works on `a`, then on `b`, gives the MMX result in the lower half.
#[inline(always)]
const fn both(a: u128, b: u128) -> u128 {
    a & LOW | b << 64
}

macro_rules! halves {
    ($($mnemonic:literal $name:ident: $from:ident;)*) => {$(
        #[doc = concat!($mnemonic, ".")]
        #[must_use]
        #[inline]
        pub fn $name(a: u128, b: u128) -> u128 {
            $from::$name(both(a, b), 0) & LOW
        }
    )*};
}

halves! {
    "PACKSSWB" packsswb: shuffle;
    "PACKUSWB" packuswb: shuffle;
    "PACKSSDW" packssdw: shuffle;
    "PHADDW" phaddw: int;
    "PHADDD" phaddd: int;
    "PHADDSW" phaddsw: int;
    "PHSUBW" phsubw: int;
    "PHSUBD" phsubd: int;
    "PHSUBSW" phsubsw: int;
}

/// PUNPCKHBW.
#[must_use]
#[inline]
pub fn punpckhbw(a: u128, b: u128) -> u128 {
    shuffle::punpcklbw(a >> 32, b >> 32)
}

/// PUNPCKHWD.
#[must_use]
#[inline]
pub fn punpckhwd(a: u128, b: u128) -> u128 {
    shuffle::punpcklwd(a >> 32, b >> 32)
}

/// PUNPCKHDQ.
#[must_use]
#[inline]
pub fn punpckhdq(a: u128, b: u128) -> u128 {
    shuffle::punpckldq(a >> 32, b >> 32)
}

/// PSHUFB: three bits of each index count.
#[must_use]
#[inline]
pub fn pshufb(a: u128, b: u128) -> u128 {
    shuffle::pshufb(a, b & 0x8787_8787_8787_8787)
}

/// PSHUFW.
#[must_use]
#[inline]
pub fn pshufw(b: u128, imm: u8) -> u128 {
    let b = u16x8::split(b);
    u16x8::join(from_fn(|i| if i < 4 { b[usize::from(imm >> (2 * i) & 3)] } else { 0 }))
}

/// PALIGNR: 8 bytes of `a:b` from byte `imm` on; past the end are zeros.
#[must_use]
#[inline]
pub const fn palignr(a: u128, b: u128, imm: u8) -> u128 {
    if imm > 15 { 0 } else { both(b, a) >> (8 * imm) }
}

/// PINSRW.
#[must_use]
#[inline]
pub const fn pinsrw(a: u128, b: u128, imm: u8) -> u128 {
    shuffle::pinsrw(a, b, imm & 3)
}

/// PEXTRW.
#[must_use]
#[inline]
pub const fn pextrw(b: u128, imm: u8) -> u128 {
    shuffle::pextrw(b, imm & 3)
}
