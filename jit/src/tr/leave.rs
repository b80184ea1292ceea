//! The ways out of a region: the state in memory, then the word that says why.

use super::{FlagState, State, Tr};
use crate::abi::{self, FlagKind, REASON_SHIFT, Reason};
use crate::value::{Un, V};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};
use ferrite_core::cpu::state::RIP;
use ferrite_core::exec::CodeSize;
use ferrite_core::memory::PAGE_SIZE;

/// Where the count of instructions done is in the word that says why a region is left.
const INFO_DONE: u32 = 16;
/// Blocks that store a state and may serve another way out.
const REMEMBERED: usize = 4;

impl State {
    /// Whether a block that stores `self` serves for `other`, too: only the count may differ.
    fn same(&self, other: &Self) -> bool {
        let flags = match (self.flags, other.flags) {
            (FlagState::Memory { .. } | FlagState::Words { stored: true, .. }, FlagState::Memory { .. })
            | (
                FlagState::Memory { .. } | FlagState::Words { stored: true, .. },
                FlagState::Words { stored: true, .. },
            ) => true,
            (
                FlagState::By { kind, bits, a, b, r },
                FlagState::By { kind: kind2, bits: bits2, a: a2, b: b2, r: r2 },
            ) => (kind, bits, a, b, r) == (kind2, bits2, a2, b2, r2),
            (FlagState::Held { words, .. }, FlagState::Held { words: other, .. }) => words == other,
            (FlagState::Carries(co), FlagState::Carries(other)) => co == other,
            (FlagState::Words { words, stored: false }, FlagState::Words { words: other, stored: false }) => {
                words == other
            }
            _ => false,
        };
        let regs = |s: &Self, n: usize| (s.dirty >> n & 1 != 0).then_some(s.regs[n]);
        flags && self.left == other.left && (0..16).all(|n| regs(self, n) == regs(other, n))
    }
}

impl Tr<'_, '_> {
    /// Stores the registers of `s` that differ from memory, but those in `except`.
    pub fn store_regs(&mut self, s: &State, except: u32) {
        let dirty = s.dirty & !except;
        for r in 0..16u8 {
            if dirty >> r & 1 == 0 {
                continue;
            }
            let v = match s.regs[usize::from(r)] {
                Some(v) => self.lower(v, 64),
                None => self.b.use_var(self.vars[usize::from(r)]),
            };
            self.put_state(v, abi::reg(r));
        }
    }

    /// Stores the flags if they differ from memory.
    pub fn store_flags(&mut self, flags: FlagState) {
        match flags {
            FlagState::Memory { .. } | FlagState::Words { stored: true, .. } => {}
            FlagState::By { kind, bits, a, b, r } => {
                self.put_const(kind.word(bits).into(), abi::word(abi::FLAG_KIND));
                let [first, second] = self.flag_operands(kind, bits, a, b, r);
                self.put_state(first, abi::word(abi::FLAG_A));
                if kind != FlagKind::Logic {
                    self.put_state(second, abi::word(abi::FLAG_B));
                }
            }
            FlagState::Held { words, .. } => {
                for (v, n) in words.into_iter().zip(abi::FLAG_OPERATION) {
                    let v = self.lower(v, 64);
                    self.put_state(v, abi::word(n));
                }
            }
            FlagState::Carries(co) => {
                self.settle_memory();
                let co = self.lower(co, 64);
                self.put_state(co, abi::flag_words()[2]);
            }
            FlagState::Words { words, stored: false } => {
                for (v, at) in words.into_iter().zip(abi::flag_words()) {
                    let v = self.lower(v, 64);
                    self.put_state(v, at);
                }
                self.put_const(0, abi::word(abi::FLAG_KIND));
            }
        }
    }

    /// The three words of an operation that the flags follow from, if they do.
    pub fn flag_operation(&mut self, flags: FlagState) -> Option<[Value; 3]> {
        match flags {
            FlagState::By { kind, bits, a, b, r } => {
                let [a, b] = self.flag_operands(kind, bits, a, b, r);
                Some([self.b.ins().iconst(types::I64, i64::from(kind.word(bits))), a, b])
            }
            FlagState::Held { words, .. } => Some(words.map(|v| self.lower(v, 64))),
            FlagState::Memory { .. } | FlagState::Carries(_) | FlagState::Words { .. } => None,
        }
    }

    /// The same three words of any flags, which are brought to memory if they are no operation.
    pub fn held_flags(&mut self) -> [Value; 3] {
        let flags = self.s.flags;
        if let Some(words) = self.flag_operation(flags) {
            return words;
        }
        if let FlagState::Memory { .. } = flags {
            return abi::FLAG_OPERATION.map(|n| self.get_state(types::I64, abi::word(n)));
        }
        self.store_flags(flags);
        [self.b.ins().iconst(types::I64, 0); 3]
    }

    /// The two words that go with a [`FlagKind`].
    fn flag_operands(&mut self, kind: FlagKind, bits: u32, a: V, b: V, r: V) -> [Value; 2] {
        let [first, second] = kind.words(a, b, r);
        let first = self.lower_zext(first, bits);
        let second = if kind == FlagKind::Logic { first } else { self.lower_zext(second, bits) };
        [first, second]
    }

    fn lower_zext(&mut self, v: V, bits: u32) -> Value {
        let v = if bits == 64 { v } else { self.v.un(Un::Zext(bits), v) };
        self.lower(v, 64)
    }

    /// Returns to the engine with the state `s` in memory and the instruction pointer at the offset `at` of the page.
    ///
    /// Such ways out are many and hardly ever taken, so they share what they can: all that leave with the same state store it in one
    /// block, and all of the region end in one.
    pub fn leave(&mut self, s: &State, reason: Reason, at: u32) {
        let info = i64::from(at) | (reason as i64) << REASON_SHIFT | s.done << INFO_DONE;
        let block = match self.stored.iter().find(|(known, _)| known.same(s)) {
            Some(&(_, block)) => {
                let info = self.b.ins().iconst(types::I64, info);
                self.b.ins().jump(block, &[info.into()]);
                return;
            }
            None => self.cold_block(),
        };
        let word = self.b.ins().iconst(types::I64, info);
        self.b.ins().jump(block, &[word.into()]);
        let info = self.b.append_block_param(block, types::I64);
        self.b.switch_to_block(block);
        let mark = self.v.mark();
        self.store_regs(s, 0);
        if let Some([kind, a, b]) = self.flag_operation(s.flags) {
            let end = self.end_with_flags();
            self.b.ins().jump(end, &[info.into(), s.left.into(), kind.into(), a.into(), b.into()]);
        } else {
            self.store_flags(s.flags);
            let end = self.end();
            self.b.ins().jump(end, &[info.into(), s.left.into()]);
        }
        self.v.forget(mark);
        if self.stored.len() == REMEMBERED {
            self.stored.remove(0);
        }
        self.stored.push((s.clone(), block));
    }

    /// The region's last block, `(info, left)`: stores the instruction pointer and the count, and returns.
    fn end(&mut self) -> Block {
        *self.ends.0.get_or_insert_with(|| {
            let block = self.b.create_block();
            self.b.set_cold_block(block);
            self.b.append_block_param(block, types::I64);
            self.b.append_block_param(block, types::I64);
            block
        })
    }

    /// The block before it that stores an operation as the flags: `(info, left, kind, a, b)`.
    fn end_with_flags(&mut self) -> Block {
        *self.ends.1.get_or_insert_with(|| {
            let block = self.b.create_block();
            self.b.set_cold_block(block);
            for _ in 0..5 {
                self.b.append_block_param(block, types::I64);
            }
            block
        })
    }

    /// Emits the blocks that the ways out share. Nothing is emitted after this.
    pub fn finish(&mut self) {
        if let Some(block) = self.ends.1 {
            let p = self.b.block_params(block).to_vec();
            self.b.switch_to_block(block);
            for (&v, n) in p[2..].iter().zip(abi::FLAG_OPERATION) {
                self.put_state(v, abi::word(n));
            }
            let end = self.end();
            self.b.ins().jump(end, &[p[0].into(), p[1].into()]);
        }
        if let Some(block) = self.ends.0 {
            let p = self.b.block_params(block).to_vec();
            self.b.switch_to_block(block);
            let b = &mut self.b;
            let mask = b.ins().iconst(types::I64, PAGE_SIZE as i64 - 1);
            let at = b.ins().band(p[0], mask);
            let ip = b.ins().iadd(self.page_ip, at);
            let n = b.ins().iconst(types::I32, i64::from(INFO_DONE));
            let done = b.ins().ushr(p[0], n);
            let left = b.ins().isub(p[1], done);
            let mask = b.ins().iconst(types::I64, (1 << INFO_DONE) - 1);
            let result = b.ins().band(p[0], mask);
            self.put_state(ip, abi::reg(RIP));
            self.put_state(left, abi::word(abi::LEFT));
            self.b.ins().return_(&[result]);
        }
    }

    /// Ends the block with a return, the state being stored already.
    pub fn return_reason(&mut self, reason: Reason, at: u32) {
        let r = self.b.ins().iconst(types::I64, (reason as i64) << REASON_SHIFT | i64::from(at));
        self.b.ins().return_(&[r]);
    }

    /// How many instructions may retire after those done at `s`.
    pub fn left_at(&mut self, s: &State) -> Value {
        if s.done == 0 {
            return s.left;
        }
        let n = self.b.ins().iconst(types::I64, s.done);
        self.b.ins().isub(s.left, n)
    }

    /// Whether a branch to `target` faults: where it may at all.
    pub fn is_no_target(&mut self, target: Value) -> Option<Value> {
        if self.mode.code() == CodeSize::Bits64 {
            let n16 = self.b.ins().iconst(types::I32, 16);
            let up = self.b.ins().ishl(target, n16);
            let cut = self.b.ins().sshr(up, n16);
            return Some(self.b.ins().icmp(IntCC::NotEqual, cut, target));
        }
        if self.mode.is_flat() {
            return None;
        }
        let span = self.get_state(types::I64, abi::ip_span());
        Some(self.b.ins().icmp(IntCC::UnsignedGreaterThan, target, span))
    }

    /// Gives the running instruction back to the interpreter where `c` is not 0.
    pub fn redo_if(&mut self, c: Value) {
        let cold = self.cold_block();
        self.split(c, cold);
        let on = self.b.current_block().expect("split has switched to it");
        self.b.switch_to_block(cold);
        self.redo();
        self.b.switch_to_block(on);
    }

    /// Gives the running instruction back to the interpreter.
    pub fn redo(&mut self) {
        let s = self.start.clone();
        self.leave(&s, Reason::Redo, self.at);
    }
}
