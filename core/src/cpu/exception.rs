//! Exceptions as values. Intel SDM Vol. 3A, "Interrupt and Exception Handling", "Exception and Interrupt Vectors".

use std::num::NonZeroU64;

/// A fault or trap that an instruction raised, before it is delivered.
///
/// Packed into one non-zero word, so that `Result<(), Exception>` travels in one register:
/// bits 7:0 the vector, bits 39:8 the error code, bit 40 whether there is one, bit 41 whether the exception is a
/// trap (reported after the instruction), bit 63 always set.
///
/// The linear address of a page fault is not part of it: whoever raises `#PF` has written CR2.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Exception(NonZeroU64);

const HAS_CODE: u64 = 1 << 40;
const TRAP: u64 = 1 << 41;
const SET: u64 = 1 << 63;

impl Exception {
    /// `#DE`, divide error.
    pub const DE: Self = Self::plain(0);
    /// `#DB`, debug, as a fault.
    pub const DB: Self = Self::plain(1);
    /// `#BR`, BOUND range exceeded.
    pub const BR: Self = Self::plain(5);
    /// `#UD`, invalid opcode.
    pub const UD: Self = Self::plain(6);
    /// `#NM`, device (x87) not available.
    pub const NM: Self = Self::plain(7);
    /// `#MF`, x87 floating-point error.
    pub const MF: Self = Self::plain(16);
    /// `#XM`, SIMD floating-point exception.
    pub const XM: Self = Self::plain(19);
    /// Coprocessor segment overrun, vector 9 (80286, 80386).
    pub const COPROCESSOR_OVERRUN: Self = Self::plain(9);

    const fn pack(bits: u64) -> Self {
        // `SET` keeps the word from being zero.
        match NonZeroU64::new(bits | SET) {
            Some(v) => Self(v),
            None => unreachable!(),
        }
    }

    /// An exception without an error code.
    #[must_use]
    pub const fn plain(vector: u8) -> Self {
        Self::pack(vector as u64)
    }

    /// An exception with an error code.
    #[must_use]
    pub const fn with_code(vector: u8, code: u32) -> Self {
        Self::pack(vector as u64 | (code as u64) << 8 | HAS_CODE)
    }

    /// `#TS`, invalid TSS, with a selector error code.
    #[must_use]
    pub const fn ts(code: u16) -> Self {
        Self::with_code(10, code as u32)
    }

    /// `#NP`, segment not present.
    #[must_use]
    pub const fn np(code: u16) -> Self {
        Self::with_code(11, code as u32)
    }

    /// `#SS`, stack-segment fault.
    #[must_use]
    pub const fn ss(code: u16) -> Self {
        Self::with_code(12, code as u32)
    }

    /// `#GP`, general protection.
    #[must_use]
    pub const fn gp(code: u16) -> Self {
        Self::with_code(13, code as u32)
    }

    /// `#PF`, page fault. CR2 is written by the caller.
    #[must_use]
    pub const fn pf(code: u32) -> Self {
        Self::with_code(14, code)
    }

    /// `#AC`, alignment check; its error code is always 0.
    #[must_use]
    pub const fn ac() -> Self {
        Self::with_code(17, 0)
    }

    /// The same exception, reported as a trap: the saved instruction pointer is that of the next instruction.
    #[must_use]
    pub const fn as_trap(self) -> Self {
        Self::pack(self.0.get() | TRAP)
    }

    /// The vector, 0 to 31.
    #[must_use]
    pub const fn vector(self) -> u8 {
        self.0.get() as u8
    }

    /// The error code, if this exception pushes one.
    #[must_use]
    pub const fn code(self) -> Option<u32> {
        if self.0.get() & HAS_CODE != 0 { Some((self.0.get() >> 8) as u32) } else { None }
    }

    /// Whether it is reported after the instruction.
    #[must_use]
    pub const fn is_trap(self) -> bool {
        self.0.get() & TRAP != 0
    }
}

impl std::fmt::Debug for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const NAMES: [&str; 20] = [
            "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "#9", "#TS", "#NP", "#SS", "#GP", "#PF",
            "#15", "#MF", "#AC", "#MC", "#XM",
        ];
        match NAMES.get(usize::from(self.vector())) {
            Some(n) => f.write_str(n)?,
            None => write!(f, "#{}", self.vector())?,
        }
        if let Some(c) = self.code() {
            write!(f, "({c:#x})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_of_it_fits_one_register() {
        assert_eq!(size_of::<Result<(), Exception>>(), 8);
    }

    #[test]
    fn vector_code_and_kind_survive_packing() {
        let e = Exception::gp(0xfffc).as_trap();
        assert_eq!((e.vector(), e.code(), e.is_trap()), (13, Some(0xfffc), true));
        assert_eq!(Exception::UD.code(), None);
        assert_eq!(format!("{:?}", Exception::pf(7)), "#PF(0x7)");
    }
}
