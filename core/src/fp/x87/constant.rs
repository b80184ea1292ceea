//! FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ.

use crate::fp::env::Round;
use crate::fp::f80::{BIAS, F80};

/// A constant that an instruction loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    /// +1.0
    One,
    /// log2 10
    L2t,
    /// log2 e
    L2e,
    /// pi
    Pi,
    /// log10 2
    Lg2,
    /// ln 2
    Ln2,
    /// +0.0
    Zero,
}

/// The constant, rounded from its exact value by RC. Raises nothing.
pub fn constant(c: Constant, round: Round) -> F80 {
    // Significand truncated to 64 bits, exponent, and whether the next bit is 1 (rounds up to
    // nearest). All values are positive and irrational, so only the up mode and that bit matter.
    let (sig, exp, half) = match c {
        Constant::One => return F80::ONE,
        Constant::Zero => return F80::ZERO,
        Constant::L2t => (0xD49A_784B_CD1B_8AFE, 1, false), // 3.32192809488736234787...
        Constant::L2e => (0xB8AA_3B29_5C17_F0BB, 0, true),  // 1.44269504088896340735...
        Constant::Pi => (0xC90F_DAA2_2168_C234, 1, true),   // 3.14159265358979323846...
        Constant::Lg2 => (0x9A20_9A84_FBCF_F798, -2, true), // 0.30102999566398119521...
        Constant::Ln2 => (0xB172_17F7_D1CF_79AB, -1, true), // 0.69314718055994530941...
    };
    let up = match round {
        Round::Nearest => half,
        Round::Up => true,
        Round::Down | Round::Zero => false,
    };
    F80 { se: (BIAS + exp) as u16, sig: sig + u64::from(up) }
}
