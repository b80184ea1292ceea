//! Exact software floating point: the guest's results, NaNs and exception flags on every host.
//!
//! IEEE 754; SDM Vol. 1, "Floating-Point Data Types" to "Floating-Point Exceptions", "Programming
//! with the x87 FPU", "Programming with Intel SSE".
//!
//! A pure library over bit patterns: it knows no register file and no memory. [`x87`] works on
//! [`F80`] under an [`X87Env`], [`sse`] on the bits of single and double values under an [`SseEnv`].
//! Host floating point is used only where its result is proven to be the guest's ([`sse`] says
//! where).
//!
//! *Not modelled:* half precision; the last bits of the transcendental functions and of RCPSS and
//! RSQRTSS as any one processor has them (they stay within the documented error).

mod binary;
mod env;
mod f80;
mod num;
pub mod sse;
mod wide;
pub mod x87;

pub use binary::Binary;
pub use env::{Flags, Precision, Round, SseEnv, X87Env};
pub use f80::{Class, F80};

/// The outcome of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// First operand less than the second.
    Less,
    /// Equal; +0 and -0 are.
    Equal,
    /// First operand greater than the second.
    Greater,
    /// An operand is a NaN, or unsupported.
    Unordered,
}

impl From<core::cmp::Ordering> for Relation {
    fn from(o: core::cmp::Ordering) -> Self {
        match o {
            core::cmp::Ordering::Less => Self::Less,
            core::cmp::Ordering::Equal => Self::Equal,
            core::cmp::Ordering::Greater => Self::Greater,
        }
    }
}

impl Relation {
    /// ZF, PF, CF as FCOMI, COMISS and their like set them, ZF in bit 2, PF in bit 1, CF in bit 0.
    /// The same bits are C3, C2, C0 of FCOM.
    #[inline]
    pub const fn zf_pf_cf(self) -> u8 {
        match self {
            Self::Greater => 0b000,
            Self::Less => 0b001,
            Self::Equal => 0b100,
            Self::Unordered => 0b111,
        }
    }
}

#[cfg(test)]
mod tests;
