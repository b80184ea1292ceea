//! Memory: from an offset in a segment to where the host has the operand, and what a branch's target must pass.
//!
//! An access is made in place where its segment's window admits it and the TLB has its page; every other is carried out by the
//! interpreter's function, which makes all checks in their order. So nothing here raises an exception. SDM Vol. 3A, "Limit
//! Checking"; Vol. 1, "Canonical Addressing".

use super::super::asm::{ABOVE, Alu, At, Cc, GREATER, Host, LESS, NOT_EQUAL, RAX, RCX, Shift, at};
use super::super::tlb_entry;
use super::super::trace::{Op, Trace, V};
use super::{EXEC, Emit, Is, R, TooMuch};
use crate::abi;
use crate::mode::{SegKind, linear_mask};
use crate::value::Un;
use ferrite_core::exec::CodeSize;
use ferrite_core::memory::PAGE_SIZE;

impl Emit {
    /// Gives the instruction to the interpreter where the condition holds.
    pub(super) fn slow_if(&mut self, cc: Cc) {
        self.may_be_slow();
        self.asm.jcc(cc, self.slow);
    }

    /// From here on the instruction may be given to the interpreter.
    pub(super) fn may_be_slow(&mut self) {
        if !self.slow_used {
            (self.slow_used, self.taken) = (true, 0);
        }
    }

    /// The linear address of an offset, in a register that is held; see [`crate::access`].
    pub(super) fn linear(&mut self, t: &Trace, seg: u8, off: V, bytes: u32, write: bool) -> R<Host> {
        let h = self.whole(t, off)?;
        let kind = match self.mode.segment(seg) {
            _ if self.mode.code() == CodeSize::Bits64 => SegKind::Flat,
            SegKind::Flat | SegKind::Real if seg == 1 && write => SegKind::Any,
            kind => kind,
        };
        let long = self.mode.code() == CodeSize::Bits64;
        match kind {
            SegKind::Flat if long && seg >= 4 => {
                let d = self.dest(off)?;
                self.asm.load(64, RAX, at(EXEC, abi::window_base(seg)));
                self.asm.lea(true, d, At { base: RAX, index: Some(h), disp: 0 });
                self.hold(d);
                return Ok(d);
            }
            SegKind::Flat if long || t.width(off) <= 32 => {
                self.hold(h);
                return Ok(h);
            }
            SegKind::Flat => {
                let d = self.dest(off)?;
                self.asm.mov(false, d, h);
                self.hold(d);
                return Ok(d);
            }
            SegKind::Real => {
                self.asm.alu_imm(Alu::Cmp, true, h, 0x1_0000 - bytes as i32);
                self.slow_if(ABOVE);
            }
            SegKind::Any => {
                self.asm.alu_from(Alu::Cmp, true, h, at(EXEC, abi::window_lo(seg)));
                self.slow_if(LESS);
                self.asm.lea(true, RAX, at(h, bytes as i32 - 1));
                self.asm.alu_from(Alu::Cmp, true, RAX, at(EXEC, abi::window_hi(seg, write)));
                self.slow_if(GREATER);
            }
        }
        let d = self.dest(off)?;
        self.asm.load(32, RAX, at(EXEC, abi::window_base(seg)));
        self.asm.lea(false, d, At { base: RAX, index: Some(h), disp: 0 });
        let mask = linear_mask(self.model);
        if mask != 0xffff_ffff {
            self.asm.alu_imm(Alu::And, false, d, mask as i32);
        }
        self.hold(d);
        Ok(d)
    }

    /// Looks the page of a linear address up. The host's address is what RAX and the register add up to; RCX is the offset in the page.
    pub(super) fn look_up(&mut self, lin: Host, bytes: u32, write: bool) {
        tlb_entry(&mut self.asm, RAX, lin, abi::TLB);
        self.asm.mov(true, RCX, lin);
        self.asm.alu_from(Alu::Sub, true, RCX, at(RAX, abi::tag(write)));
        self.asm.alu_imm(Alu::Cmp, true, RCX, (PAGE_SIZE - u64::from(bytes)) as i32);
        self.slow_if(ABOVE);
        self.asm.load(64, RAX, at(RAX, abi::ADDEND));
    }

    /// Where the host has an operand. RAX may be part of it.
    pub(super) fn access(&mut self, t: &Trace, seg: u8, off: V, bits: u32, write: bool) -> R<At> {
        if let Some(near) = self.near(seg, off, bits / 8, write) {
            return Ok(near);
        }
        let lin = self.linear(t, seg, off, bits / 8, write)?;
        self.look_up(lin, bits / 8, write);
        self.open_window(seg, off, lin, write);
        self.let_go(lin);
        Ok(At { base: RAX, index: Some(lin), disp: 0 })
    }

    /// Whether an instruction of the host can have the number that is to be stored.
    fn short(bits: u32, n: u64) -> bool {
        bits < 64 || i32::try_from(n as i64).is_ok()
    }

    /// Has what will be stored be in a register, if it must.
    pub(super) fn ready(&mut self, t: &Trace, bits: u32, v: V) -> R<()> {
        if self.imm_of(v).is_none_or(|n| !Self::short(bits, n)) {
            if bits == 64 {
                self.whole(t, v)?
            } else {
                self.host(v)?
            };
        }
        Ok(())
    }

    /// Stores what is [ready](Self::ready).
    pub(super) fn write(&mut self, bits: u32, m: At, v: V) -> R<()> {
        if let Some(n) = self.imm_of(v)
            && Self::short(bits, n)
        {
            self.asm.store_imm(bits, m, n as i32);
            return Ok(());
        }
        let h = self.host(v)?;
        self.asm.store(bits, m, h);
        Ok(())
    }

    /// Before anything changes: a target outside the code segment, or not canonical, is the interpreter's affair.
    pub(super) fn check_target(&mut self, t: &Trace) -> R<()> {
        if std::mem::replace(&mut self.checked, true) {
            return Ok(());
        }
        let Some(Op::Branch { target, .. }) = t.ops.iter().copied().find(|o| matches!(o, Op::Branch { .. })) else {
            return Ok(());
        };
        if self.static_target(t, target).is_some() {
            return Ok(());
        }
        let long = self.mode.code() == CodeSize::Bits64;
        if self.mode.is_flat() && !long {
            return Ok(());
        }
        // The cut to the operand's size may come later.
        let (target, bits) = match (self.is(target), t.op(target)) {
            (Is::Not, Op::Un(Un::Zext(bits), inner)) => (inner, bits),
            _ => (target, 64),
        };
        if matches!(self.is(target), Is::Not) {
            return Err(TooMuch);
        }
        match bits {
            16 => {
                let h = self.host(target)?;
                self.asm.movzx(16, RAX, h);
            }
            32 => {
                let h = self.host(target)?;
                self.asm.mov(false, RAX, h);
            }
            _ => {
                let h = self.whole(t, target)?;
                self.asm.mov(true, RAX, h);
            }
        }
        if long {
            self.asm.mov(true, RCX, RAX);
            self.asm.shift_imm(Shift::Shl, true, RAX, 16);
            self.asm.shift_imm(Shift::Sar, true, RAX, 16);
            self.asm.alu(Alu::Cmp, true, RAX, RCX);
            self.slow_if(NOT_EQUAL);
        } else {
            self.asm.alu_from(Alu::Cmp, true, RAX, at(EXEC, abi::ip_span()));
            self.slow_if(ABOVE);
        }
        Ok(())
    }

    /// The offset in this page that a branch is certain to lead to.
    pub fn static_target(&self, t: &Trace, target: V) -> Option<i64> {
        self.distance(t, target).filter(|at| self.mode.is_flat() && (0..PAGE_SIZE as i64).contains(at))
    }

    /// How far from the start of the page a branch leads, where that is known.
    pub fn distance(&self, t: &Trace, target: V) -> Option<i64> {
        match (t.op(target), self.mode.code()) {
            (Op::Ip(at), CodeSize::Bits64) => Some(at),
            (Op::Un(Un::Zext(32), inner), CodeSize::Bits32) => match t.op(inner) {
                Op::Ip(at) => Some(i64::from(at as i32)),
                _ => None,
            },
            _ => None,
        }
    }
}
