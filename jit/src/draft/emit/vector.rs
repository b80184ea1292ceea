//! Vector instructions: the host carries them out as they are.
//!
//! Only those are taken whose results are the same on every processor that has them: no arithmetic that rounds, nothing that looks at
//! MXCSR, no approximations. XMM registers are in the guest's state; XMM0 and XMM1 of the host are for what one instruction works on.
//! SDM Vol. 2A, "Exceptions and Exception Classes"; Vol. 3A, "System Programming for Instruction Set Extensions".

use super::super::asm::{Alu, EQUAL, Host, NOT_EQUAL, RAX, RCX, at};
use super::super::trace::{Operand, Trace, V};
use super::{EXEC, Emit, Is, R, TooMuch};
use crate::abi;
use crate::simd::reads_target;
use ferrite_core::cpu::state::{cr0, cr4};
use ferrite_core::isa::select_simd::{Place, Vector, describe};
use ferrite_core::isa::simd::VecOp;
use iced_x86::{CpuidFeature, Encoder, Instruction, OpKind, Register};

/// Whether the host has what an instruction needs.
fn has(feature: CpuidFeature) -> bool {
    use CpuidFeature as F;
    #[cfg(target_arch = "x86_64")]
    return match feature {
        F::SSE | F::SSE2 => true,
        F::SSE3 => is_x86_feature_detected!("sse3"),
        F::SSSE3 => is_x86_feature_detected!("ssse3"),
        F::SSE4_1 => is_x86_feature_detected!("sse4.1"),
        F::AES => is_x86_feature_detected!("aes"),
        F::PCLMULQDQ => is_x86_feature_detected!("pclmulqdq"),
        _ => false,
    };
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = feature == F::SSE;
        false
    }
}

/// What a vector instruction does, if the host may carry it out.
pub fn native(ins: &Instruction) -> Option<Vector> {
    use VecOp as O;
    let v = describe(ins)?;
    let guess = matches!(v.op, O::Rcpps | O::Rsqrtps | O::Rcpss | O::Rsqrtss);
    let mmx = v.target == Place::Mm || v.source == Place::Mm;
    let fine = !guess && !mmx && v.target != Place::Eflags && !v.op.is_float() && !v.op.reads_xmm0();
    (fine && ins.cpuid_features().iter().all(|&f| has(f))).then_some(v)
}

impl Emit {
    /// Emits [`Trace::vector`].
    pub(super) fn vector(&mut self, t: &Trace, v: V, memory: Option<Operand>, general: Option<V>) -> R<()> {
        let mut ins = t.vector.ok_or(TooMuch)?;
        let what = describe(&ins).ok_or(TooMuch)?;
        let (target, source) = (ins.op0_register(), ins.op1_register());
        self.allow_vectors();
        if let Some(general) = general {
            let h = self.whole(t, general)?;
            ins.set_op1_register(general_register(source, h));
        }
        if let Some(m) = memory {
            self.locate(t, m)?;
            ins.set_memory_base(Register::RAX);
            ins.set_memory_index(Register::None);
            ins.set_memory_index_scale(1);
            ins.set_memory_displacement64(0);
            ins.set_memory_displ_size(0);
            ins.set_segment_prefix(Register::None);
        }
        if ins.op1_kind() == OpKind::Register && source.is_xmm() {
            self.asm.load_vector(1, at(EXEC, abi::xmm(source.number() as u8)));
            ins.set_op1_register(Register::XMM1);
        }
        let mut result = None;
        if ins.op0_kind() == OpKind::Register {
            if target.is_xmm() {
                if reads_target(&what) {
                    self.asm.load_vector(0, at(EXEC, abi::xmm(target.number() as u8)));
                }
                ins.set_op0_register(Register::XMM0);
            } else {
                let h = self.alloc()?;
                ins.set_op0_register(general_register(target, h));
                result = Some(h);
            }
        }
        let mut encoder = Encoder::new(64);
        encoder.encode(&ins, 0).map_err(|_| TooMuch)?;
        self.asm.code.extend(encoder.take_buffer());
        match result {
            Some(h) => self.define(v, Is::In(h, (8 * target.size()) as u8)),
            None if target.is_xmm() => self.asm.store_vector(at(EXEC, abi::xmm(target.number() as u8)), 0),
            None => {}
        }
        for used in memory.map(|m| m.off).into_iter().chain(general) {
            self.release(used);
        }
        Ok(())
    }

    /// Gives the instruction to the interpreter unless the control registers allow it.
    fn allow_vectors(&mut self) {
        if self.known.vectors {
            return;
        }
        self.asm.load(32, RAX, at(EXEC, abi::cr0()));
        self.asm.alu_imm(Alu::And, false, RAX, (cr0::EM | cr0::TS) as i32);
        self.slow_if(NOT_EQUAL);
        self.asm.load(32, RAX, at(EXEC, abi::cr4()));
        self.asm.alu_imm(Alu::And, false, RAX, cr4::OSFXSR as i32);
        self.slow_if(EQUAL);
        self.known.vectors = true;
    }

    /// Has RAX point to where the host has an operand.
    fn locate(&mut self, t: &Trace, m: Operand) -> R<()> {
        if !m.aligned {
            let found = self.access(t, m.seg, m.off, m.bits, m.write)?;
            self.asm.lea(true, RAX, found);
            return Ok(());
        }
        let lin = self.linear(t, m.seg, m.off, m.bits / 8, m.write)?;
        self.asm.mov(false, RCX, lin);
        self.asm.alu_imm(Alu::And, false, RCX, (m.bits / 8 - 1) as i32);
        self.slow_if(NOT_EQUAL);
        self.look_up(lin, m.bits / 8, m.write);
        self.asm.alu(Alu::Add, true, RAX, lin);
        self.let_go(lin);
        Ok(())
    }
}

/// A register of the host, as large as one of the guest.
fn general_register(like: Register, h: Host) -> Register {
    let first = if like.size() == 8 { Register::RAX } else { Register::EAX };
    first + u32::from(h.0)
}
