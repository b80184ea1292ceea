//! The single- and double-precision formats as bit patterns. SDM Vol. 1, "Floating-Point Data Types".

use super::env::{Flags, Round};
use super::num::{Num, Raw, round_sig};

mod sealed {
    pub trait Sealed {}
    impl Sealed for u32 {}
    impl Sealed for u64 {}
}

/// The bits of a binary32 (`u32`) or binary64 (`u64`) value.
///
/// The operations of [`sse`](super::sse) take either; the width chooses the format.
pub trait Binary: sealed::Sealed + Copy + Eq + core::fmt::Debug + core::fmt::LowerHex {
    /// Significand bits, the implied one included.
    const P: u32;
    /// All bits.
    const WIDTH: u32;
    /// Exponent bias.
    const BIAS: i32 = (1 << (Self::WIDTH - Self::P - 1)) - 1;
    /// Biased exponent of infinities and NaNs.
    const EXP_MAX: u64 = (1 << (Self::WIDTH - Self::P)) - 1;
    /// The fraction field.
    const FRAC: u64 = (1 << (Self::P - 1)) - 1;
    /// The sign bit.
    const SIGN: u64 = 1 << (Self::WIDTH - 1);
    /// The bit that makes a NaN quiet.
    const QUIET: u64 = 1 << (Self::P - 2);
    /// +infinity.
    const INF: u64 = Self::EXP_MAX << (Self::P - 1);

    /// The bits, widened.
    fn bits(self) -> u64;
    /// From widened bits, whose upper part must be zero.
    fn from_bits(b: u64) -> Self;
    /// Host addition, subtraction, multiplication, division: IEEE 754 results for numbers.
    fn host(op: HostOp, a: Self, b: Self) -> Self;
    /// Host square root.
    fn host_sqrt(self) -> Self;
}

/// The operations that [`Binary::host`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostOp {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a * b
    Mul,
    /// a / b
    Div,
}

macro_rules! binary {
    ($bits:ty, $float:ty, $p:literal) => {
        impl Binary for $bits {
            const P: u32 = $p;
            const WIDTH: u32 = <$bits>::BITS;

            #[inline]
            fn bits(self) -> u64 {
                u64::from(self)
            }

            #[inline]
            fn from_bits(b: u64) -> Self {
                b as $bits
            }

            #[inline]
            fn host(op: HostOp, a: Self, b: Self) -> Self {
                let (a, b) = (<$float>::from_bits(a), <$float>::from_bits(b));
                match op {
                    HostOp::Add => a + b,
                    HostOp::Sub => a - b,
                    HostOp::Mul => a * b,
                    HostOp::Div => a / b,
                }
                .to_bits()
            }

            #[inline]
            fn host_sqrt(self) -> Self {
                <$float>::from_bits(self).sqrt().to_bits()
            }
        }
    };
}

binary!(u32, f32, 24);
binary!(u64, f64, 53);

/// What an encoding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zero,
    Denormal,
    Normal,
    Infinity,
    Quiet,
    Signaling,
}

impl Kind {
    #[inline]
    pub fn is_nan(self) -> bool {
        matches!(self, Self::Quiet | Self::Signaling)
    }
}

#[inline]
pub(super) fn biased_exp<B: Binary>(a: B) -> u64 {
    a.bits() >> (B::P - 1) & B::EXP_MAX
}

#[inline]
pub(super) fn is_negative<B: Binary>(a: B) -> bool {
    a.bits() & B::SIGN != 0
}

#[inline]
pub(super) fn kind<B: Binary>(a: B) -> Kind {
    let frac = a.bits() & B::FRAC;
    match biased_exp(a) {
        0 if frac == 0 => Kind::Zero,
        0 => Kind::Denormal,
        e if e < B::EXP_MAX => Kind::Normal,
        _ if frac == 0 => Kind::Infinity,
        _ if frac & B::QUIET != 0 => Kind::Quiet,
        _ => Kind::Signaling,
    }
}

/// The value of a finite nonzero encoding.
#[inline]
pub(super) fn unpack<B: Binary>(a: B) -> Num {
    let frac = a.bits() & B::FRAC;
    let (e, sig) = match biased_exp(a) {
        0 => (1, frac),
        e => (e as i32, frac | (1 << (B::P - 1))),
    };
    // Zero, which no caller passes, would shift by 64.
    let shift = sig.leading_zeros();
    Num { sign: is_negative(a), exp: e - B::BIAS - (shift as i32 - (64 - B::P as i32)), sig: sig.wrapping_shl(shift) }
}

#[inline]
pub(super) fn signed<B: Binary>(sign: bool, magnitude: u64) -> B {
    B::from_bits(magnitude | if sign { B::SIGN } else { 0 })
}

/// A result in a format, what it raised as the masked response, and how it was rounded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packed<B> {
    pub value: B,
    pub flags: Flags,
    pub up: bool,
}

/// How [`pack`] treats underflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tiny {
    /// UE when tiny and inexact: the masked response.
    Masked,
    /// As `Masked`, but the result is a zero (FTZ).
    Flush,
    /// UE whenever tiny. PE then tells whether the unbounded-exponent result is inexact.
    Unmasked,
}

/// Rounds a nonzero result into format `B`. Tininess is detected after rounding.
pub(super) fn pack<B: Binary>(r: &Raw, mode: Round, tiny: Tiny) -> Packed<B> {
    let e = r.exp + B::BIAS;
    let unbounded = round_sig(r, B::P, mode);
    let rounded_e = e + i32::from(unbounded.carry);
    let inexact = |yes: bool| if yes { Flags::PE } else { Flags::empty() };
    if rounded_e >= B::EXP_MAX as i32 {
        let to_infinity = match mode {
            Round::Nearest => true,
            Round::Down => r.sign,
            Round::Up => !r.sign,
            Round::Zero => false,
        };
        let value = signed(r.sign, if to_infinity { B::INF } else { B::INF - 1 });
        return Packed { value, flags: Flags::OE | Flags::PE, up: to_infinity };
    }
    if rounded_e >= 1 && e >= 1 {
        let value = field::<B>(r.sign, rounded_e, unbounded.sig);
        return Packed { value, flags: inexact(unbounded.inexact), up: unbounded.up };
    }
    let is_tiny = rounded_e < 1;
    if is_tiny {
        match tiny {
            Tiny::Flush => {
                let flags = Flags::UE | Flags::PE;
                return Packed { value: signed(r.sign, 0), flags, up: false };
            }
            Tiny::Unmasked => {
                let flags = Flags::UE | inexact(unbounded.inexact);
                return Packed { value: signed(r.sign, 0), flags, up: unbounded.up };
            }
            Tiny::Masked => {}
        }
    }
    let d = round_sig(&r.denormalized((1 - e) as u32), B::P, mode);
    // A denormal that rounds up to the least normal has the integer bit set: exponent 1.
    let value = signed(r.sign, d.sig >> (64 - B::P));
    let flags = match (d.inexact, is_tiny) {
        (false, _) => Flags::empty(),
        (true, false) => Flags::PE,
        (true, true) => Flags::UE | Flags::PE,
    };
    Packed { value, flags, up: d.up }
}

#[inline]
fn field<B: Binary>(sign: bool, e: i32, sig: u64) -> B {
    let frac = sig >> (64 - B::P) & B::FRAC;
    signed(sign, (e as u64) << (B::P - 1) | frac)
}
