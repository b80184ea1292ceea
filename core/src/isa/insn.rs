//! The decoded form of an instruction: what every execution needs, computed once.

use crate::cpu::Exception;
use crate::exec::Exec;

/// A function that carries out one instruction on the interpreter's CPU. RIP already points behind the instruction;
/// on an error it is put back, and nothing else may have changed.
pub type Handler = fn(&mut Exec, &Insn) -> Result<(), Exception>;

/// Prefix and property bits, [`Insn::flags`].
pub mod flag {
    /// F3 prefix, where it is REP/REPE.
    pub const REP: u8 = 1 << 0;
    /// F2 prefix, where it is REPNE.
    pub const REPNE: u8 = 1 << 1;
    /// F0 prefix.
    pub const LOCK: u8 = 1 << 2;
    /// The instruction may change RIP, the mode or the decoding itself: a block ends behind it.
    pub const ENDS: u8 = 1 << 3;
    /// A memory operand is present.
    pub const MEM: u8 = 1 << 4;
}

/// A register operand of 8 bits that is AH, CH, DH or BH: added to the register's number.
pub const HIGH: u8 = 0x20;

/// One decoded instruction.
///
/// Register operands are indices of [`crate::cpu::CpuState::regs`] (8-bit AH-BH with [`HIGH`] added), or the
/// number of a segment, control, debug, x87, MMX or XMM register where the instruction has such an operand.
#[derive(Clone, Copy, Debug)]
pub struct Insn {
    /// The interpreter's meaning.
    pub run: Handler,
    /// Immediate, sign- or zero-extended as the instruction wants it; a branch's displacement; a far pointer
    /// (selector in bits 47:32); ENTER's second operand in bits 23:16; the address of MOV to or from `moffs`;
    /// the FOP of an x87 instruction.
    pub imm: u64,
    /// Displacement of the memory operand, sign-extended to 64 bits when used.
    pub disp: i32,
    /// `iced_x86::Code` as a number.
    pub code: u16,
    /// Offset of the next instruction from the start of the block that holds this one.
    pub end: u16,
    /// Length in bytes, 1 to 15.
    pub len: u8,
    /// Destination register.
    pub dst: u8,
    /// Source register.
    pub src: u8,
    /// Third register operand.
    pub src2: u8,
    /// Base register of the memory operand, or RIP, or ZERO.
    pub base: u8,
    /// Index register of the memory operand, or ZERO.
    pub index: u8,
    /// log2 of the scale.
    pub scale: u8,
    /// Address size: 0 for 16, 1 for 32, 2 for 64 bits. See [`Insn::address_mask`].
    pub asize: u8,
    /// Segment of the memory operand, after overrides.
    pub seg: u8,
    /// Operand size in bits where the instruction has one: 8, 16, 32, 64.
    pub bits: u8,
    /// See [`flag`].
    pub flags: u8,
}

/// Masks by [`Insn::asize`].
pub const ADDRESS_MASK: [u64; 4] = [0xffff, 0xffff_ffff, u64::MAX, u64::MAX];

impl Insn {
    /// Bits of an address that count.
    #[must_use]
    #[inline(always)]
    pub const fn address_mask(&self) -> u64 {
        ADDRESS_MASK[(self.asize & 3) as usize]
    }

    /// Whether any of the [`flag`] bits is set.
    #[must_use]
    #[inline(always)]
    pub const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The instruction's `iced_x86` code.
    #[must_use]
    pub fn iced(&self) -> iced_x86::Code {
        iced_x86::Code::try_from(usize::from(self.code)).unwrap_or(iced_x86::Code::INVALID)
    }
}
