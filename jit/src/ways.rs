//! The ways out of a region, and out of [`abi::GO`], to instruction pointers that are not known to lie in the running page.

use crate::abi;
use crate::tr::state_access;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, SigRef, Value, types};
use cranelift_frontend::FunctionBuilder;
use ferrite_core::memory::{PAGE_SHIFT, PAGE_SIZE};
use ferrite_core::mmu::tlb;

/// Where a computed way leads.
pub struct Way {
    /// The word by which what is there is entered, and the address in that.
    pub code: Value,
    pub address: Value,
    pub page_ip: Value,
}

/// Emits the ways to instruction pointers that are not known to lie in the running page.
pub struct Ways<'a, 'b> {
    pub b: &'a mut FunctionBuilder<'b>,
    pub exec: Value,
    /// Whether code has no base, and whether it is a user's.
    pub flat: bool,
    pub user: bool,
}

impl Ways<'_, '_> {
    fn word(&mut self, at: i32) -> Value {
        self.b.ins().load(types::I64, state_access(), self.exec, at)
    }

    fn linear(&mut self, target: Value) -> Value {
        if self.flat {
            return target;
        }
        let base = self.word(abi::window_base(1));
        let mask = self.word(abi::word(abi::LINEAR_MASK));
        let sum = self.b.ins().iadd(base, target);
        self.b.ins().band(sum, mask)
    }

    /// The slot in the jump table: see [`abi::jump_slot`].
    fn slot(&mut self, guest: Value) -> Value {
        let table = self.word(abi::word(abi::JUMPS));
        let up = self.b.ins().ushr_imm_u(guest, i64::from(abi::SLOT_SHIFT));
        let mixed = self.b.ins().bxor(guest, up);
        let slot = self.b.ins().band_imm_u(mixed, abi::JUMP_ENTRIES as i64 - 1);
        let slot = self.b.ins().ishl_imm_u(slot, i64::from(abi::JUMP_SHIFT));
        self.b.ins().iadd(table, slot)
    }

    /// Goes to `miss` where two values differ.
    fn same(&mut self, a: Value, b: Value, miss: Block) {
        let on = self.b.create_block();
        let differ = self.b.ins().icmp(IntCC::NotEqual, a, b);
        self.b.ins().brif(differ, miss, &[], on, &[]);
        self.b.switch_to_block(on);
    }

    /// The linear address of the page's first byte as an instruction pointer.
    fn page_ip(&mut self, target: Value, linear: Value) -> Value {
        let page = self.b.ins().band_imm_s(linear, !(PAGE_SIZE as i64 - 1));
        if self.flat {
            return page;
        }
        let off = self.b.ins().isub(linear, page);
        self.b.ins().isub(target, off)
    }

    /// The way to an instruction pointer that control took before: see [`abi::Way`]. It is at an address, or where the table has it.
    /// Goes to `miss` where it is not known.
    pub fn known(&mut self, target: Value, at: Option<Value>, miss: Block) -> Way {
        let linear = self.linear(target);
        let way = at.unwrap_or_else(|| self.hashed(linear));
        let known = self.b.ins().load(types::I64, state_access(), way, abi::WAY_LINEAR);
        self.same(linear, known, miss);
        let stamp = self.word(abi::stamp(self.user));
        let known = self.b.ins().load(types::I64, state_access(), way, abi::WAY_STAMP);
        self.same(stamp, known, miss);
        let code = self.b.ins().load(types::I64, state_access(), way, abi::WAY_CODE);
        let address = self.b.ins().load(types::I64, state_access(), way, abi::WAY_ADDRESS);
        let page_ip = self.page_ip(target, linear);
        Way { code, address, page_ip }
    }

    /// Goes on at an instruction pointer: by the way at an address, or that which the table has if that is 0; and where that is not known, by
    /// one that is looked up. Goes to `miss` where there is none.
    pub fn go_on(&mut self, sig: SigRef, left: Value, target: Value, at: Value, miss: Block) {
        let linear = self.linear(target);
        let hashed = self.hashed(linear);
        let at = self.b.ins().select(at, at, hashed);
        let unknown = self.b.create_block();
        let way = self.known(target, Some(at), unknown);
        self.go(sig, left, &way, left);
        self.b.switch_to_block(unknown);
        let way = self.look_up(target, at, miss);
        self.go(sig, left, &way, left);
    }

    /// Looks up what is at an instruction pointer, as a fetch does, and keeps it as the way `way` that is known. Goes to `miss` where the
    /// TLB does not have the page, or nothing is known there.
    fn look_up(&mut self, target: Value, way: Value, miss: Block) -> Way {
        let linear = self.linear(target);
        let tlb = self.word(abi::word(abi::FETCH_TLB));
        let at = self.b.ins().ushr_imm_u(linear, i64::from(PAGE_SHIFT - abi::TLB_SHIFT));
        let at = self.b.ins().band_imm_u(at, (tlb::ENTRIES as i64 - 1) << abi::TLB_SHIFT);
        let entry = self.b.ins().iadd(tlb, at);
        let page = self.b.ins().band_imm_s(linear, !(PAGE_SIZE as i64 - 1));
        let tag = self.b.ins().load(types::I64, state_access(), entry, abi::TAG_READ);
        self.same(tag, page, miss);
        let addend = self.b.ins().load(types::I64, state_access(), entry, abi::ADDEND);
        let guest = self.b.ins().iadd(addend, linear);
        let slot = self.slot(guest);
        let known = self.b.ins().load(types::I64, state_access(), slot, 0);
        self.same(known, guest, miss);
        let code = self.b.ins().load(types::I64, state_access(), slot, 8);

        let address = self.address(code);
        let stamp = self.word(abi::stamp(self.user));
        let words =
            [(linear, abi::WAY_LINEAR), (stamp, abi::WAY_STAMP), (code, abi::WAY_CODE), (address, abi::WAY_ADDRESS)];
        for (v, at) in words {
            self.b.ins().store(state_access(), v, way, at);
        }
        let page_ip = self.page_ip(target, linear);
        Way { code, address, page_ip }
    }

    /// Where the table has the way to a linear address.
    fn hashed(&mut self, linear: Value) -> Value {
        let mixed = self.b.ins().imul_imm_u(linear, i64::from(abi::WAY_MIX));
        let at = self.b.ins().ushr_imm_u(mixed, i64::from(abi::WAY_MIXED));
        let at = self.b.ins().band_imm_u(at, i64::from(abi::WAY_MASK));
        let ways = self.word(abi::word(abi::WAYS));
        self.b.ins().iadd(ways, at)
    }

    /// The address in a code word.
    pub fn address(&mut self, code: Value) -> Value {
        self.b.ins().band_imm_s(code, -(abi::MAX_ENTRIES as i64))
    }

    /// Goes on where a way leads; `cell` is for who answers for code that is not there.
    pub fn go(&mut self, sig: SigRef, left: Value, way: &Way, cell: Value) {
        self.b.ins().return_call_indirect(sig, way.address, &[self.exec, left, way.page_ip, way.code, cell]);
    }
}
