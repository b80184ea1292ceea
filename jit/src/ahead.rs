//! What a block's accesses have ahead of them: how far those behind reach that go by the same register.
//!
//! An access in a page that was looked up shows that it lies in the page, and what lies between two such bytes does so, too (see
//! [`Seen`](crate::access::Seen)). So whoever looks a page up, or goes farther than those before, shows it at once for all that
//! follow in the block, which then need to show nothing: a function that saves four registers and fills its frame looks once. Where one
//! that follows does not lie in the page, the instruction that looked is given back to the interpreter instead of that one. It would have
//! been given back as often; but where any has been too often, none looks ahead.

use crate::kept::{BP, SP, base_alone};
use crate::mode::Mode;
use crate::plan::Item;
use ferrite_core::exec::CodeSize;
use ferrite_core::memory::PAGE_SIZE;
use iced_x86::{InstructionInfoFactory, Mnemonic, OpKind, Register, UsedMemory};

/// Bytes around an access, seen from its address: from the first to behind the last.
pub type Span = (i64, i64);

/// What does not reach beyond itself.
pub const NONE: Span = (0, 0);

/// Farther than this from an access nobody looks.
const FAR: i64 = PAGE_SIZE as i64 / 4;

/// A number that is not known, and how much more than that something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value {
    of: u32,
    plus: i64,
}

/// What general registers hold, as far as that follows from what they held.
struct Registers {
    now: [Value; 16],
    /// Numbers that came up.
    known: u32,
    bits: u32,
}

impl Registers {
    fn new(bits: u32) -> Self {
        Self { now: std::array::from_fn(|r| Value { of: r as u32, plus: 0 }), known: 16, bits }
    }

    fn forget(&mut self, r: usize) {
        self.now[r] = Value { of: self.known, plus: 0 };
        self.known += 1;
    }

    /// The number of a register that is as wide as an address.
    fn whole(&self, r: Register) -> Option<usize> {
        (r.is_gpr() && r.size() * 8 == self.bits as usize).then(|| r.number())
    }

    /// A displacement, or a sum with one, as an address has it.
    fn cut(&self, n: i64) -> i64 {
        if self.bits == 32 { i64::from(n as i32) } else { n }
    }

    /// The address of an access by one register.
    fn address(&self, m: &UsedMemory) -> Option<Value> {
        let base = self.whole(base_alone(m)?)?;
        let Value { of, plus } = self.now[base];
        Some(Value { of, plus: self.cut(plus.wrapping_add(m.displacement() as i64)) })
    }

    /// What is so behind an instruction.
    fn step(&mut self, item: &Item) {
        let ins = &item.ins;
        let before = self.now;
        for r in (0..16).filter(|r| item.effects.writes >> r & 1 != 0) {
            self.forget(r);
        }
        let plus = |r: usize, n: i64| {
            let Value { of, plus } = before[r];
            Value { of, plus: self.cut(plus.wrapping_add(n)) }
        };
        let to = self.whole(ins.op0_register());
        let pops = matches!(ins.mnemonic(), Mnemonic::Pop) && to != Some(SP);
        if pops || matches!(ins.mnemonic(), Mnemonic::Push) {
            self.now[SP] = plus(SP, i64::from(ins.stack_pointer_increment()));
            return;
        }
        if ins.mnemonic() == Mnemonic::Leave {
            self.now[SP] = plus(BP, i64::from(self.bits / 8));
            return;
        }
        let Some(to) = to else { return };
        let immediate = !matches!(ins.op1_kind(), OpKind::Register | OpKind::Memory);
        self.now[to] = match ins.mnemonic() {
            Mnemonic::Inc => plus(to, 1),
            Mnemonic::Dec => plus(to, -1),
            Mnemonic::Add if immediate => plus(to, ins.immediate(1) as i64),
            Mnemonic::Sub if immediate => plus(to, (ins.immediate(1) as i64).wrapping_neg()),
            Mnemonic::Mov if ins.op1_kind() == OpKind::Register => match self.whole(ins.op1_register()) {
                Some(from) => before[from],
                None => return,
            },
            Mnemonic::Lea if ins.memory_index() == Register::None => match self.whole(ins.memory_base()) {
                Some(from) => plus(from, ins.memory_displacement64() as i64),
                None => return,
            },
            _ => return,
        };
    }
}

/// For each instruction of a block, how far it is to look: [`NONE`] for one that accesses no memory, or twice.
pub fn spans(items: &[Item], mode: Mode, info: &mut InstructionInfoFactory) -> Vec<Span> {
    let mut spans = vec![NONE; items.len()];
    if !mode.has_flat_data() {
        return spans;
    }
    let bits = if mode.code() == CodeSize::Bits64 { 64 } else { 32 };
    let mut registers = Registers::new(bits);
    // Accesses since the interpreter's function ran: of which instruction, and where.
    let mut made: Vec<(usize, Value)> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        if !item.is_emitted() {
            made.clear();
        } else {
            let used = info.info(&item.ins).used_memory();
            for m in used {
                let Some(at) = registers.address(m) else { continue };
                let bytes = m.memory_size().size() as i64;
                for &(k, from) in made.iter().filter(|(_, from)| from.of == at.of) {
                    let delta = registers.cut(at.plus.wrapping_sub(from.plus));
                    if delta.abs() < FAR {
                        let span = &mut spans[k];
                        *span = (span.0.min(delta), span.1.max(delta + bytes));
                    }
                }
                if used.len() == 1 {
                    made.push((n, at));
                }
            }
        }
        registers.step(item);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, Request};
    use ferrite_core::cpu::{Model, ModelName};

    fn of(code: CodeSize, bytes: &[u8]) -> Vec<Span> {
        let mut text = vec![0; PAGE_SIZE as usize];
        text[..bytes.len()].copy_from_slice(bytes);
        let (mode, model) = (Mode::plain(code), Model::new(ModelName::Max));
        let req = Request { id: 0, runs: vec![(0, bytes.len() as u16)], text: text.into(), mode, model, slow: vec![] };
        let plan = Plan::new(&req).expect("it can be translated");
        assert_eq!(plan.blocks.len(), 1);
        spans(&plan.blocks[0].items, mode, &mut InstructionInfoFactory::new())
    }

    #[test]
    fn a_frame_is_looked_for_where_its_first_word_is_pushed() {
        // push ebp; mov ebp, esp; push ebx; sub esp, 10h; mov eax, [ebp+8]; mov [esp+4], eax; leave
        let all = of(CodeSize::Bits32, b"\x55\x89\xe5\x53\x83\xec\x10\x8b\x45\x08\x89\x44\x24\x04\xc9");
        assert_eq!(all, [(-16, 12), NONE, (-12, 16), NONE, (-24, 0), (0, 20), NONE]);
        // push rbx; sub rsp, 10h; mov rax, [rsp+18h]; add rsp, 10h; pop rbx
        let all = of(CodeSize::Bits64, b"\x53\x48\x83\xec\x10\x48\x8b\x44\x24\x18\x48\x83\xc4\x10\x5b");
        assert_eq!(all, [(0, 16), NONE, (-8, 0), NONE, NONE]);
    }

    #[test]
    fn what_is_far_unknown_or_behind_a_call_is_not() {
        // mov eax, [ebx]; mov ecx, [ebx+400h]; mov edx, [ebx+3FCh]
        let far = of(CodeSize::Bits32, b"\x8b\x03\x8b\x8b\x00\x04\x00\x00\x8b\x93\xfc\x03\x00\x00");
        assert_eq!(far, [(0, 0x400), (-4, 0), NONE]);
        // mov eax, [ebx]; mov ebx, [ebx+4]; mov ecx, [ebx+8]; mov edx, [ebx+esi+4]; mov edx, fs:[ebx+4]
        let unknown = of(CodeSize::Bits32, b"\x8b\x03\x8b\x5b\x04\x8b\x4b\x08\x8b\x54\x33\x04\x64\x8b\x53\x04");
        assert_eq!(unknown, [(0, 8), NONE, NONE, NONE, NONE]);
        // mov eax, [ebx]; cpuid; mov ecx, [ebx+4]: the interpreter's function writes EBX, and may change the TLB.
        assert_eq!(of(CodeSize::Bits32, b"\x8b\x03\x0f\xa2\x8b\x4b\x04"), [NONE; 3]);
        // mov ax, [bx]; mov cx, [bx+2]
        assert_eq!(of(CodeSize::Bits16, b"\x8b\x07\x8b\x4f\x02"), [NONE; 2]);
        // push dword [ebx]; mov eax, [ebx+4]; mov ecx, [esp]: an instruction that accesses memory twice shows nothing.
        assert_eq!(of(CodeSize::Bits32, b"\xff\x33\x8b\x43\x04\x8b\x0c\x24"), [NONE; 3]);
    }

    #[test]
    fn addresses_wrap_at_four_gigabytes() {
        // mov eax, [ebx-4]; lea ecx, [ebx+7FFFFFFFh]; add ecx, 7FFFFFFFh; mov edx, [ecx+6]: EBX + 4.
        let all = of(CodeSize::Bits32, b"\x8b\x43\xfc\x8d\x8b\xff\xff\xff\x7f\x81\xc1\xff\xff\xff\x7f\x8b\x51\x06");
        assert_eq!(all, [(0, 12), NONE, NONE, NONE]);
    }
}
