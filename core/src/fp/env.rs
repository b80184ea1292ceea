//! The environment of an operation: rounding, exception masks, and what was raised.
//!
//! SDM Vol. 1, "Floating-Point Exceptions"; "x87 FPU Control Word"; "MXCSR Control and Status Register".

bitflags::bitflags! {
    /// The six floating-point exceptions, at the bit positions shared by the x87 status word, the
    /// x87 control word (masks), and MXCSR bits 5:0.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Flags: u8 {
        /// Invalid operation.
        const IE = 1 << 0;
        /// Denormal operand.
        const DE = 1 << 1;
        /// Divide by zero.
        const ZE = 1 << 2;
        /// Numeric overflow.
        const OE = 1 << 3;
        /// Numeric underflow.
        const UE = 1 << 4;
        /// Inexact result (precision).
        const PE = 1 << 5;
    }
}

impl Flags {
    /// The exceptions found before a result is computed: unmasked, they leave the destination alone.
    pub const PRE: Self = Self::IE.union(Self::DE).union(Self::ZE);
}

/// The rounding mode, numbered as the RC field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// To nearest, ties to even.
    Nearest = 0,
    /// Toward minus infinity.
    Down = 1,
    /// Toward plus infinity.
    Up = 2,
    /// Toward zero (truncate).
    Zero = 3,
}

impl Round {
    /// Decodes a two-bit RC field; higher bits are ignored.
    #[inline]
    pub const fn from_rc(rc: u32) -> Self {
        match rc & 3 {
            0 => Self::Nearest,
            1 => Self::Down,
            2 => Self::Up,
            _ => Self::Zero,
        }
    }
}

/// The x87 precision control field: how many significand bits FADD, FSUB, FMUL, FDIV and FSQRT keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 24 bits.
    Single,
    /// 53 bits.
    Double,
    /// 64 bits.
    Extended,
}

impl Precision {
    /// Decodes a two-bit PC field. The reserved encoding 01B behaves as 64 bits.
    #[inline]
    pub const fn from_pc(pc: u16) -> Self {
        match pc & 3 {
            0 => Self::Single,
            2 => Self::Double,
            _ => Self::Extended,
        }
    }

    /// Significand bits kept, the integer bit included.
    #[inline]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Single => 24,
            Self::Double => 53,
            Self::Extended => 64,
        }
    }
}

/// Controls and results of x87 operations.
///
/// Make one per instruction with [`X87Env::from_control_word`], run the operation, then OR
/// [`flags`](Self::flags) into the status word and copy [`rounded_up`](Self::rounded_up) to C1.
/// An operation that returns `None` met an unmasked exception that leaves the destination (and the
/// stack top) unchanged. `Some` may still come with an unmasked exception (see
/// [`unmasked`](Self::unmasked)): the result is stored first.
#[derive(Clone, Copy, Debug)]
pub struct X87Env {
    /// RC.
    pub round: Round,
    /// PC.
    pub precision: Precision,
    /// Exception masks: a set bit is masked.
    pub masks: Flags,
    /// Exceptions raised since this environment was made.
    pub flags: Flags,
    /// Whether the last rounding went away from zero: C1 after an inexact result.
    pub rounded_up: bool,
    /// Set by [`x87::widen_f32`](super::x87::widen_f32) and
    /// [`widen_f64`](super::x87::widen_f64): the memory operand was denormal in its own format. The
    /// operation that consumes it raises DE in its place in the priorities.
    pub memory_denormal: bool,
}

impl X87Env {
    /// Decodes RC, PC and the masks of an x87 control word.
    #[inline]
    pub const fn from_control_word(cw: u16) -> Self {
        Self {
            round: Round::from_rc((cw >> 10) as u32),
            precision: Precision::from_pc(cw >> 8),
            masks: Flags::from_bits_truncate(cw as u8),
            flags: Flags::empty(),
            rounded_up: false,
            memory_denormal: false,
        }
    }

    /// The raised exceptions that are not masked: when not empty, ES and B become set.
    #[inline]
    pub const fn unmasked(&self) -> Flags {
        self.flags.difference(self.masks)
    }

    /// Raises `f` and says whether the masked response applies.
    #[inline]
    pub(super) fn raise(&mut self, f: Flags) -> bool {
        self.flags |= f;
        self.masks.contains(f)
    }
}

/// Controls and results of SSE operations.
///
/// Make one per instruction with [`SseEnv::new`], run every element through it, then
/// [`commit`](Self::commit). Every operation returns its masked response.
#[derive(Clone, Copy, Debug)]
pub struct SseEnv {
    /// MXCSR as it was before the instruction.
    pub mxcsr: u32,
    /// Exceptions raised since this environment was made.
    pub flags: Flags,
}

/// MXCSR.DAZ: denormal inputs count as zeros.
const DAZ: u32 = 1 << 6;
/// MXCSR.PM.
const PM: u32 = 1 << 12;
/// MXCSR.PE.
const PE: u32 = 1 << 5;
/// MXCSR.RC, bits 14:13.
const RC: u32 = 3 << 13;
/// MXCSR.FTZ: tiny results become zeros, when underflow is masked.
const FTZ: u32 = 1 << 15;

impl SseEnv {
    /// An environment under the controls of `mxcsr`.
    #[inline]
    pub const fn new(mxcsr: u32) -> Self {
        Self { mxcsr, flags: Flags::empty() }
    }

    /// The new MXCSR: `Ok` when the results are to be stored, `Err` when an unmasked exception (#XM)
    /// leaves the destination unchanged. MXCSR takes the flags in both cases. SDM Vol. 1, "SIMD
    /// Floating-Point Exception Conditions".
    ///
    /// # Errors
    /// The MXCSR to load before raising #XM (or #UD when CR4.OSXMMEXCPT is clear).
    #[inline]
    pub const fn commit(&self) -> Result<u32, u32> {
        let masks = self.masks();
        // An unmasked pre-computation exception in any element keeps all results from being
        // computed, so no post-computation exception is seen.
        let pre = self.flags.intersection(Flags::PRE);
        if !pre.difference(masks).is_empty() {
            return Err(self.mxcsr | pre.bits() as u32);
        }
        let mxcsr = self.mxcsr | self.flags.bits() as u32;
        if self.flags.difference(masks).is_empty() { Ok(mxcsr) } else { Err(mxcsr) }
    }

    /// MXCSR.RC.
    #[inline]
    pub const fn round(&self) -> Round {
        Round::from_rc(self.mxcsr >> 13)
    }

    /// The exception masks, MXCSR bits 12:7.
    #[inline]
    pub const fn masks(&self) -> Flags {
        Flags::from_bits_truncate((self.mxcsr >> 7) as u8)
    }

    /// MXCSR.DAZ.
    #[inline]
    pub const fn daz(&self) -> bool {
        self.mxcsr & DAZ != 0
    }

    /// Whether a tiny result becomes zero: FTZ acts only while underflow is masked.
    #[inline]
    pub(super) const fn flushes(&self) -> bool {
        self.mxcsr & FTZ != 0 && self.masks().contains(Flags::UE)
    }

    /// Whether inexactness need not be known: round to nearest, PE masked and already set.
    ///
    /// Then a host operation on normal operands with a comfortably normal result has the guest's
    /// result, and raises nothing that is not already recorded.
    #[inline]
    pub(super) const fn inexact_is_known(&self) -> bool {
        self.mxcsr & (RC | PM | PE) == PM | PE
    }
}
