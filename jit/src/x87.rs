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
use crate::plan::came_back;
use crate::tr::Tr;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, ExtFuncData, ExternalName, InstBuilder, Signature, UserExternalName, Value, types,
};
use ferrite_core::cpu::Model;
use ferrite_core::cpu::segment::Seg;
use ferrite_core::cpu::state::cr0;
use ferrite_core::isa::Insn;
use ferrite_core::isa::insn::flag;
use ferrite_core::isa::ops::Ops;
use ferrite_core::isa::x87::action::{self, ACTIONS, Kind, UNUSUAL, UNUSUAL_INTEGER};
use ferrite_core::isa::x87::fault::has_fpu;
use iced_x86::Instruction;

/// ES of the status word.
const ES: i64 = 1 << 7;

/// Whether an instruction is emitted here; `slow` as in [`crate::plan::Request`].
pub fn is_inline(ins: &Instruction, insn: &Insn, at: u16, model: &Model, slow: &[u16]) -> bool {
    action::number(ins.code()).is_some() && has_fpu(model) && came_back(slow, at) <= usize::from(insn.has(flag::MEM))
}

/// Whether it writes all arithmetic flags, and asks for none.
pub fn in_eflags(ins: &Instruction) -> bool {
    action::number(ins.code()).is_some_and(|n| ACTIONS[n].kind == Kind::Compare)
}

impl Tr<'_, '_> {
    /// Emits an instruction that has an action.
    pub fn x87(&mut self, ins: &Instruction, i: &Insn) {
        let n = action::number(ins.code()).expect("the plan has found it");
        self.begin();
        let registers = u64::from(i.dst) | u64::from(i.src) << 8;
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
            Kind::Registers => {
                self.record(i);
                let operand = self.b.ins().iconst(types::I64, registers as i64);
                self.act(n, operand);
            }
            Kind::Compare => {
                self.record(i);
                let operand = self.b.ins().iconst(types::I64, registers as i64);
                let codes = self.act(n, operand);
                self.codes_to_flags(codes);
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

    /// Gives the instruction back where there is no FPU to use, or an error waits to be reported.
    fn begin(&mut self) {
        if !self.s.vector.fpu {
            let on = self.get_state(types::I64, abi::cr0());
            let off = self.b.ins().band_imm_u(on, (cr0::EM | cr0::TS) as i64);
            self.redo_if(off);
            self.s.vector.fpu = true;
        }
        let status = self.get_state(types::I16, abi::fpu_status());
        let waits = self.b.ins().band_imm_u(status, ES);
        self.redo_if(waits);
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
    fn record_operand(&mut self, i: &Insn, off: crate::value::V) {
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
        let host = self.b.func.dfg.signatures[self.b.func.dfg.ext_funcs[self.imports.settle].signature].call_conv;
        let mut signature = Signature::new(host);
        signature.params.extend([AbiParam::new(types::I64); 2]);
        signature.returns.push(AbiParam::new(types::I64));
        let signature = self.b.import_signature(signature);
        let index = FIRST_ACTION + n as u32;
        let name = self.b.func.declare_imported_user_function(UserExternalName { namespace: 0, index });
        let data = ExtFuncData { name: ExternalName::user(name), signature, colocated: false, patchable: false };
        let action = self.b.import_function(data);
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
