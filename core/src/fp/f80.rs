//! The double extended-precision format. SDM Vol. 1, "Floating-Point Data Types", "x87 FPU Data
//! Types", and "Unsupported Double Extended-Precision Floating-Point Encodings and Pseudo-Denormals".

use super::num::Num;

/// Exponent bias of the format.
pub(super) const BIAS: i32 = 16383;
/// The integer bit, J.
pub(super) const J: u64 = 1 << 63;
/// The bit that makes a NaN quiet.
pub(super) const QUIET: u64 = 1 << 62;
/// The all-ones exponent of infinities and NaNs.
pub(super) const EXP_MAX: u16 = 0x7FFF;

/// An 80-bit x87 register value, any of the 2^80 encodings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct F80 {
    /// The significand, with its explicit integer bit at the top.
    pub sig: u64,
    /// Sign in bit 15, biased exponent in bits 14:0.
    pub se: u16,
}

/// What an encoding is, as FXAM tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Unnormal, pseudo-NaN or pseudo-infinity: invalid as an operand.
    Unsupported,
    /// Quiet or signaling NaN.
    Nan,
    /// Normal finite number.
    Normal,
    /// Infinity.
    Infinity,
    /// Zero.
    Zero,
    /// Denormal or pseudo-denormal.
    Denormal,
}

impl Class {
    /// The condition codes C3, C2, C0 that FXAM reports, in that order from bit 2 down. (An empty
    /// register, which is no property of the value, is 0b101.)
    pub const fn c3_c2_c0(self) -> u8 {
        match self {
            Self::Unsupported => 0b000,
            Self::Nan => 0b001,
            Self::Normal => 0b010,
            Self::Infinity => 0b011,
            Self::Zero => 0b100,
            Self::Denormal => 0b110,
        }
    }
}

impl F80 {
    /// +0.
    pub const ZERO: Self = Self { se: 0, sig: 0 };
    /// +1.
    pub const ONE: Self = Self { se: BIAS as u16, sig: J };
    /// +infinity.
    pub const INFINITY: Self = Self { se: EXP_MAX, sig: J };
    /// The QNaN floating-point indefinite: the masked response to an invalid operation.
    pub const INDEFINITE: Self = Self { se: 0x8000 | EXP_MAX, sig: J | QUIET };

    /// From sign-and-exponent word and significand.
    #[inline]
    pub const fn new(se: u16, sig: u64) -> Self {
        Self { sig, se }
    }

    /// From the ten bytes of memory.
    #[inline]
    pub const fn from_bytes(b: [u8; 10]) -> Self {
        let [a0, a1, a2, a3, a4, a5, a6, a7, e0, e1] = b;
        Self { sig: u64::from_le_bytes([a0, a1, a2, a3, a4, a5, a6, a7]), se: u16::from_le_bytes([e0, e1]) }
    }

    /// The ten bytes of memory.
    #[inline]
    pub const fn to_bytes(self) -> [u8; 10] {
        let [a0, a1, a2, a3, a4, a5, a6, a7] = self.sig.to_le_bytes();
        let [e0, e1] = self.se.to_le_bytes();
        [a0, a1, a2, a3, a4, a5, a6, a7, e0, e1]
    }

    /// The biased exponent field.
    #[inline]
    pub const fn biased_exp(self) -> u16 {
        self.se & EXP_MAX
    }

    /// Whether the sign bit is set.
    #[inline]
    pub const fn is_negative(self) -> bool {
        self.se & 0x8000 != 0
    }

    /// FCHS: the sign bit inverted, whatever the value.
    #[inline]
    pub const fn neg(self) -> Self {
        Self { se: self.se ^ 0x8000, ..self }
    }

    /// FABS: the sign bit cleared, whatever the value.
    #[inline]
    pub const fn abs(self) -> Self {
        Self { se: self.se & EXP_MAX, ..self }
    }

    /// What this encoding is.
    #[inline]
    pub const fn class(self) -> Class {
        match (self.biased_exp(), self.sig & J != 0) {
            (0, _) => {
                if self.sig == 0 {
                    Class::Zero
                } else {
                    Class::Denormal
                }
            }
            (_, false) => Class::Unsupported,
            (EXP_MAX, true) => {
                if self.sig == J {
                    Class::Infinity
                } else {
                    Class::Nan
                }
            }
            _ => Class::Normal,
        }
    }

    /// Whether this is a signaling NaN.
    #[inline]
    pub const fn is_signaling(self) -> bool {
        matches!(self.class(), Class::Nan) && self.sig & QUIET == 0
    }

    /// A normal number. (Only the operations' fast test: denormals take [`Self::finite`].)
    #[inline]
    pub(super) const fn normal(self) -> Option<Num> {
        let e = self.biased_exp();
        // One test for 1 <= e <= 0x7FFE.
        if e.wrapping_sub(1) < EXP_MAX - 1 && self.sig & J != 0 {
            Some(Num { sign: self.is_negative(), exp: e as i32 - BIAS, sig: self.sig })
        } else {
            None
        }
    }

    /// The value of a normal, denormal or pseudo-denormal; `sig` must not be 0.
    #[inline]
    pub(super) const fn finite(self) -> Num {
        let e = self.biased_exp() as i32;
        let e = if e == 0 { 1 } else { e };
        let shift = self.sig.leading_zeros();
        Num {
            sign: self.is_negative(),
            exp: e - BIAS - shift as i32,
            // A zero, which no caller passes, would shift by 64.
            sig: self.sig.wrapping_shl(shift),
        }
    }

    /// Zero with a sign.
    #[inline]
    pub(super) const fn zero(sign: bool) -> Self {
        Self { se: (sign as u16) << 15, sig: 0 }
    }

    /// Infinity with a sign.
    #[inline]
    pub(super) const fn infinity(sign: bool) -> Self {
        Self { se: (sign as u16) << 15 | EXP_MAX, sig: J }
    }

    /// A NaN made quiet, its payload kept.
    #[inline]
    pub(super) const fn quieted(self) -> Self {
        Self { sig: self.sig | QUIET, ..self }
    }

    /// The exact value of an integer (FILD).
    #[inline]
    pub const fn from_i64(v: i64) -> Self {
        Self::from_magnitude(v < 0, v.unsigned_abs())
    }

    /// The exact value of a sign and an integer magnitude.
    #[inline]
    pub(super) const fn from_magnitude(sign: bool, m: u64) -> Self {
        if m == 0 {
            return Self::zero(sign);
        }
        let lz = m.leading_zeros();
        Self { se: (sign as u16) << 15 | (BIAS + 63 - lz as i32) as u16, sig: m << lz }
    }
}
