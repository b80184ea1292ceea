//! What a block's accesses have ahead of them: how far those behind reach that go by the same register.
//!
//! An access in a page that was looked up shows that it lies in the page, and what lies between two such bytes does so, too (see
//! [`Seen`](crate::access::Seen)). So whoever looks a page up, or goes farther than those before, shows it at once for all that
//! follow in the block, which then need to show nothing: a function that saves four registers and fills its frame looks once. Where one
//! that follows does not lie in the page, the instruction that looked is given back to the interpreter instead of that one. It would have
//! been given back as often; but where any has been too often, none looks ahead.

use crate::mode::{Mode, SegKind};
use crate::plan::{How, Item};
use ferrite_core::exec::CodeSize;
use ferrite_core::memory::PAGE_SIZE;
use iced_x86::{InstructionInfoFactory, Mnemonic, OpKind, Register, UsedMemory};

/// Bytes around an access, seen from its address: from the first to behind the last.
pub type Span = (i64, i64);

/// What does not reach beyond itself.
pub const NONE: Span = (0, 0);

/// Farther than this from an access nobody looks.
const FAR: i64 = PAGE_SIZE as i64 / 4;

/// RSP and RBP, by number.
const SP: usize = 4;
const BP: usize = 5;

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
        let base = self.whole(m.base())?;
        if m.index() != Register::None || matches!(m.segment(), Register::FS | Register::GS) {
            return None;
        }
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
    let flat = |seg| mode.code() == CodeSize::Bits64 || mode.segment(seg) == SegKind::Flat;
    let bits = match mode.code() {
        CodeSize::Bits64 => 64,
        CodeSize::Bits32 if flat(2) && flat(3) => 32,
        _ => return spans,
    };
    let mut registers = Registers::new(bits);
    // Accesses since the interpreter's function ran: of which instruction, where, how many bytes.
    let mut made: Vec<(usize, Value, i64)> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        if !matches!(item.how, How::Inline | How::Vector | How::X87) {
            made.clear();
        } else {
            let used = info.info(&item.ins).used_memory();
            for m in used {
                let Some(at) = registers.address(m) else { continue };
                let bytes = m.memory_size().size() as i64;
                for &(k, from, _) in made.iter().filter(|(_, from, _)| from.of == at.of) {
                    let delta = registers.cut(at.plus.wrapping_sub(from.plus));
                    if delta.abs() < FAR {
                        let span = &mut spans[k];
                        *span = (span.0.min(delta), span.1.max(delta + bytes));
                    }
                }
                if used.len() == 1 {
                    made.push((n, at, bytes));
                }
            }
        }
        registers.step(item);
    }
    spans
}
