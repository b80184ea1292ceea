//! x87 instructions inline: the checks, the operand in memory and what is recorded of the instruction, around a call of its
//! [`action`] on the register stack.
//!
//! SDM Vol. 1, "x87 FPU Instruction and Data (Operand) Pointers"; Vol. 3A, "Device Not Available Exception (#NM)", "x87 FPU
//! Floating-Point Error (#MF)".
//!
//! An action changes the x87 unit alone, so that registers stay where they are around it. Memory always has the unit's state.
//!
//! *Left to the interpreter's functions:* control instructions, 80-bit and BCD operands, FCMOVcc, functions that take long anyway.

use crate::abi;
use crate::helper::FIRST_ACTION;
use crate::tr::{Tr, import};
use crate::value::V;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use ferrite_core::cpu::Model;
use ferrite_core::cpu::segment::Seg;
use ferrite_core::isa::Insn;
use ferrite_core::isa::ops::Ops;
use ferrite_core::isa::x87::action::{self, ACTIONS, Kind, UNUSUAL, UNUSUAL_INTEGER};
use ferrite_core::isa::x87::fault::has_fpu;
use iced_x86::Instruction;

/// Whether an instruction is emitted here.
pub fn is_inline(ins: &Instruction, model: &Model) -> bool {
    action::number(ins.code()).is_some() && has_fpu(model)
}

/// Whether it writes all arithmetic flags, and asks for none.
pub fn in_eflags(ins: &Instruction) -> bool {
    action::number(ins.code()).is_some_and(|n| ACTIONS[n].kind == Kind::Compare)
}

impl Tr<'_, '_> {
    /// Emits an instruction that has an action.
    pub fn x87(&mut self, ins: &Instruction, i: &Insn) {
        let n = action::number(ins.code()).expect("the plan has found it");
        self.require(false, true);
        match ACTIONS[n].kind {
            Kind::Load(bytes) => {
                let off = self.ea(i);
                let host = self.address(i.seg, off, bytes.into(), false);
                let v = self.read_host(host, 8 * u32::from(bytes));
                let v = self.lower(v, 64);
                self.record(i);
                self.record_operand(i, off);
                self.act(n, v);
            }
            kind @ (Kind::Registers | Kind::Compare) => {
                self.record(i);
                let registers = i64::from(i.dst) | i64::from(i.src) << 8;
                let operand = self.b.ins().iconst(types::I64, registers);
                let codes = self.act(n, operand);
                if kind == Kind::Compare {
                    self.codes_to_flags(codes);
                }
            }
            Kind::Store(bytes) => self.store_result(n, i, bytes, UNUSUAL),
            Kind::StoreInteger(bytes) => self.store_result(n, i, bytes, UNUSUAL_INTEGER),
        }
    }

    fn store_result(&mut self, n: usize, i: &Insn, bytes: u8, unusual: u64) {
        let off = self.ea(i);
        let host = self.address(i.seg, off, bytes.into(), true);
        let none = self.b.ins().iconst(types::I64, 0);
        let v = self.act(n, none);
        let failed = self.b.ins().icmp_imm_s(IntCC::Equal, v, unusual as i64);
        self.redo_if(failed);
        let v = self.v.clif(v, 64);
        self.write_host(host, v, 8 * u32::from(bytes));
        self.record(i);
        self.record_operand(i, off);
    }

    /// Records the instruction's opcode and place.
    fn record(&mut self, i: &Insn) {
        let opcode = self.b.ins().iconst(types::I16, i64::from(i.imm as u16));
        self.put_state(opcode, abi::fpu_opcode());
        let ip = self.ip_of(self.at.into());
        let ip = self.lower(ip, 64);
        self.put_state(ip, abi::fpu_ip());
        let cs = self.get_state(types::I16, abi::selector(Seg::Cs as u8));
        self.put_state(cs, abi::fpu_cs());
    }

    /// Records its operand's place.
    fn record_operand(&mut self, i: &Insn, off: V) {
        let dp = self.lower(off, 64);
        self.put_state(dp, abi::fpu_dp());
        let ds = if usize::from(i.seg) < Seg::ALL.len() {
            self.get_state(types::I16, abi::selector(i.seg))
        } else {
            self.b.ins().iconst(types::I16, 0)
        };
        self.put_state(ds, abi::fpu_ds());
    }

    /// Calls an action.
    fn act(&mut self, n: usize, operand: Value) -> Value {
        // They are in memory, and would only be in the way of the call.
        self.s.vector.forget_registers();
        let action = import(self.b, self.imports.call_conv, FIRST_ACTION + n as u32, 2, Some(types::I64));
        let at = self.b.ins().iconst(types::I64, i64::from(abi::fpu()));
        let fpu = self.b.ins().iadd(self.exec, at);
        let call = self.b.ins().call(action, &[fpu, operand]);
        self.b.inst_results(call)[0]
    }

    /// ZF, PF and CF from bits 2 to 0; the other arithmetic flags are clear.
    fn codes_to_flags(&mut self, codes: Value) {
        let codes = self.v.clif(codes, 3);
        let bits = [(1, 0), (2, 1), (4, 4)].map(|(mask, up)| {
            let (mask, up) = (self.imm(mask), self.imm(up));
            let bit = self.and(codes, mask);
            self.shl(bit, up)
        });
        let some = self.or(bits[0], bits[1]);
        let all = self.or(some, bits[2]);
        self.set_arithmetic(all);
    }
}
