//! What a translation may take for granted about the processor's mode.

use crate::abi;
use ferrite_core::cpu::ModelName;
use ferrite_core::exec::{CodeSize, Exec, Window};
use ferrite_core::mmu::tlb::View;

/// What is known of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum SegKind {
    /// Base 0, every 32-bit offset.
    Flat = 0,
    /// Any base, offsets 0 to FFFFh: real mode.
    Real = 1,
    /// Anything: base and bounds are looked at.
    Any = 2,
}

/// The facts a translation is made for, as one number that is equal for equal facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mode(u32);

/// Where the view of fetches is.
const VIEW: u32 = 4;
/// Numbers that [`Mode`] takes: below this.
pub const MODES: usize = 1 << 14;

impl Mode {
    /// The mode that the CPU is in now; `None` for one in which nothing is translated.
    pub fn of(x: &Exec) -> Option<Self> {
        if x.ctx.view == View::Watched || x.ctx.stepping {
            return None;
        }
        let sp = match x.ctx.sp_mask {
            0xffff => 0,
            0xffff_ffff => 1,
            _ => 2,
        };
        let mut bits = x.ctx.code as u32 | sp << 2 | (x.ctx.fetch_view as u32) << VIEW;
        if x.ctx.code != CodeSize::Bits64 {
            for (n, seg) in [0, 2, 3].into_iter().enumerate() {
                bits |= (kind(&x.ctx.win[seg], true) as u32) << (6 + 2 * n);
            }
            let cs = match kind(&x.ctx.win[1], false) {
                // Code may end in front of the last offset.
                SegKind::Flat if x.ctx.ip_span < 0xffff_ffff => SegKind::Any,
                other => other,
            };
            bits |= (cs as u32) << 12;
        }
        Some(Self(bits))
    }

    /// That of flat code of 32 or 64 bits at the highest privilege, or of real mode.
    pub const fn plain(code: CodeSize) -> Self {
        const REAL: u32 = SegKind::Real as u32;
        let size = code as u32;
        match code {
            CodeSize::Bits16 => Self(size | REAL << 6 | REAL << 8 | REAL << 10 | REAL << 12),
            CodeSize::Bits32 => Self(size | 1 << 2),
            CodeSize::Bits64 => Self(size | 2 << 2),
        }
    }

    /// Whether the words of translated code are for it.
    pub fn is_running(self, x: &Exec) -> bool {
        x.words[abi::MODE] == self.number() as u64
    }

    /// Number below [`MODES`].
    pub const fn number(self) -> usize {
        self.0 as usize
    }

    /// Decoding size.
    pub const fn code(self) -> CodeSize {
        match self.0 & 3 {
            0 => CodeSize::Bits16,
            1 => CodeSize::Bits32,
            _ => CodeSize::Bits64,
        }
    }

    /// Bits of RSP that the stack uses.
    pub const fn stack_mask(self) -> u64 {
        match self.0 >> 2 & 3 {
            0 => 0xffff,
            1 => 0xffff_ffff,
            _ => u64::MAX,
        }
    }

    /// Whether code is fetched as users fetch it: at level 3.
    pub const fn is_user(self) -> bool {
        self.0 >> VIEW & 3 == View::User as u32
    }

    /// Whether code has no base, and the instruction pointer no bounds.
    pub fn is_flat(self) -> bool {
        self.code() == CodeSize::Bits64 || self.segment(1) == SegKind::Flat
    }

    /// Whether SS and DS have no base and no bounds, and linear addresses are as wide as registers.
    pub fn has_flat_data(self) -> bool {
        let flat = |seg| self.segment(seg) == SegKind::Flat;
        match self.code() {
            CodeSize::Bits64 => true,
            CodeSize::Bits32 => flat(2) && flat(3),
            CodeSize::Bits16 => false,
        }
    }

    /// What is known of a segment. That of CS is good for reads.
    pub const fn segment(self, seg: u8) -> SegKind {
        let at = match seg {
            0 => 6,
            2 => 8,
            3 => 10,
            1 => 12,
            _ => return SegKind::Any,
        };
        match self.0 >> at & 3 {
            0 => SegKind::Flat,
            1 => SegKind::Real,
            _ => SegKind::Any,
        }
    }
}

fn kind(w: &Window, write: bool) -> SegKind {
    let hi = if write { w.read_hi.min(w.write_hi) } else { w.read_hi };
    match (w.base, w.lo, hi) {
        (0, 0, 0xffff_ffff..) => SegKind::Flat,
        (_, 0, 0xffff) if !write || w.read_hi == w.write_hi => SegKind::Real,
        _ => SegKind::Any,
    }
}

/// Bits of a linear address outside 64-bit mode.
pub const fn linear_mask(model: ModelName) -> u64 {
    match model {
        ModelName::I8086 => 0xf_ffff,
        ModelName::I80286 => 0xff_ffff,
        _ => 0xffff_ffff,
    }
}
