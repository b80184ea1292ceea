//! EFLAGS with its arithmetic bits held lazily. Intel SDM Vol. 1, "EFLAGS Register".
//!
//! An arithmetic instruction stores what its flags follow from, not the flags:
//!
//! | word | holds | gives |
//! |---|---|---|
//! | `zr` | the result | `Zf` = it is zero |
//! | `sp` | the result, sign-extended to 64 bits | `Sf` = bit 63; `Pf` = even parity of bits 7:0 |
//! | `co` | the carries out of each bit, moved to the top | `Cf` = bit 63; `Of` = bit 63 xor bit 62 |
//! | `ax` | operand xor operand xor result | `Af` = bit 4 |
//!
//! No word says which instruction it was, so reading a flag needs no dispatch, and in translated code a
//! word that is not read is plain dead code. `zr` and `sp` are two words because POPF can set
//! combinations that no result has (`Zf` with `Sf`).

use serde::{Deserialize, Serialize};

/// Carry.
pub const CF: u64 = 1 << 0;
/// Reserved, reads as 1.
pub const FIXED: u64 = 1 << 1;
/// Parity.
pub const PF: u64 = 1 << 2;
/// Auxiliary carry.
pub const AF: u64 = 1 << 4;
/// Zero.
pub const ZF: u64 = 1 << 6;
/// Sign.
pub const SF: u64 = 1 << 7;
/// Trap.
pub const TF: u64 = 1 << 8;
/// Interrupt enable.
pub const IF: u64 = 1 << 9;
/// Direction.
pub const DF: u64 = 1 << 10;
/// Overflow.
pub const OF: u64 = 1 << 11;
/// I/O privilege level, two bits.
pub const IOPL: u64 = 3 << 12;
/// Nested task.
pub const NT: u64 = 1 << 14;
/// Resume.
pub const RF: u64 = 1 << 16;
/// Virtual-8086 mode.
pub const VM: u64 = 1 << 17;
/// Alignment check / access control.
pub const AC: u64 = 1 << 18;
/// Virtual interrupt flag.
pub const VIF: u64 = 1 << 19;
/// Virtual interrupt pending.
pub const VIP: u64 = 1 << 20;
/// Identification: a program that can toggle it has CPUID.
pub const ID: u64 = 1 << 21;
/// The six arithmetic flags.
pub const ARITHMETIC: u64 = CF | PF | AF | ZF | SF | OF;

/// The flags register. See the module's text for the four lazy words.
///
/// Saved as its architectural image, so that equal flags are saved equally however they came about.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub struct Flags {
    /// Zero when `Zf` is set.
    pub zr: u64,
    /// Bit 63 is `Sf`, even parity of bits 7:0 is `Pf`.
    pub sp: u64,
    /// Bit 63 is `Cf`, bit 63 xor bit 62 is `Of`.
    pub co: u64,
    /// Bit 4 is `Af`.
    pub ax: u64,
    /// All other bits in their places, the arithmetic ones zero.
    pub system: u64,
}

impl Default for Flags {
    fn default() -> Self {
        Self::from_bits(FIXED)
    }
}

impl Flags {
    /// From the architectural image.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        let mut f = Self { zr: 0, sp: 0, co: 0, ax: 0, system: bits & !ARITHMETIC | FIXED };
        f.set_arithmetic(bits);
        f
    }

    /// The architectural image.
    #[must_use]
    #[inline]
    pub const fn bits(&self) -> u64 {
        self.system | self.arithmetic()
    }

    /// The six arithmetic flags in their places.
    #[must_use]
    #[inline]
    pub const fn arithmetic(&self) -> u64 {
        self.cf() as u64
            | (self.pf() as u64) << 2
            | (self.af() as u64) << 4
            | (self.zf() as u64) << 6
            | (self.sf() as u64) << 7
            | (self.of() as u64) << 11
    }

    /// Sets the six arithmetic flags from their places in `bits`.
    #[inline]
    pub const fn set_arithmetic(&mut self, bits: u64) {
        self.zr = (bits & ZF == 0) as u64;
        // Parity of 0 is even, of 1 odd.
        self.sp = (bits & SF) << 56 | (bits & PF == 0) as u64;
        let cf = bits & CF;
        let of = bits >> 11 & 1;
        self.co = cf << 63 | (cf ^ of) << 62;
        self.ax = bits & AF;
    }

    /// Replaces every bit, arithmetic and system.
    #[inline]
    pub const fn set_bits(&mut self, bits: u64) {
        *self = Self::from_bits(bits);
    }

    /// Sets or clears system bits.
    #[inline]
    pub const fn set_system(&mut self, mask: u64, on: bool) {
        self.system = if on { self.system | mask } else { self.system & !mask };
    }

    /// Carry.
    #[must_use]
    #[inline(always)]
    pub const fn cf(&self) -> bool {
        self.co >> 63 != 0
    }

    /// Parity: set when the low byte of the result has an even number of ones.
    #[must_use]
    #[inline(always)]
    pub const fn pf(&self) -> bool {
        (self.sp as u8).count_ones() & 1 == 0
    }

    /// Auxiliary carry.
    #[must_use]
    #[inline(always)]
    pub const fn af(&self) -> bool {
        self.ax & AF != 0
    }

    /// Zero.
    #[must_use]
    #[inline(always)]
    pub const fn zf(&self) -> bool {
        self.zr == 0
    }

    /// Sign.
    #[must_use]
    #[inline(always)]
    pub const fn sf(&self) -> bool {
        self.sp >> 63 != 0
    }

    /// Overflow.
    #[must_use]
    #[inline(always)]
    pub const fn of(&self) -> bool {
        (self.co ^ self.co << 1) >> 63 != 0
    }

    /// The I/O privilege level, 0 to 3.
    #[must_use]
    #[inline]
    pub const fn iopl(&self) -> u8 {
        (self.system >> 12 & 3) as u8
    }

    /// Whether any of the system bits in `mask` is set.
    #[must_use]
    #[inline(always)]
    pub const fn has(&self, mask: u64) -> bool {
        self.system & mask != 0
    }
}

impl From<u64> for Flags {
    fn from(bits: u64) -> Self {
        Self::from_bits(bits)
    }
}

impl From<Flags> for u64 {
    fn from(f: Flags) -> Self {
        f.bits()
    }
}

impl PartialEq for Flags {
    /// Two values are equal when their architectural images are.
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for Flags {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_arithmetic_flags_survives() {
        for n in 0..64u64 {
            let bits =
                n & 1 | (n >> 1 & 1) << 2 | (n >> 2 & 1) << 4 | (n >> 3 & 1) << 6 | (n >> 4 & 1) << 7 | (n >> 5) << 11;
            assert_eq!(Flags::from_bits(bits | IF).bits(), bits | IF | FIXED);
        }
    }
}
