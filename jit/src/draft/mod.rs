//! Drafts: host code for a block and those that it mostly goes on to, written in one pass as soon as the block has run a few times.
//!
//! The code that [Cranelift](crate::compile) makes is good, and costs as much as some ten thousand executions of what it is made
//! of. Most code that a guest runs is not run that often, and would stay with the interpreter. A draft is what lies between: it
//! costs about as much as a hundred executions, and is several times as fast as the interpreter. Registers are
//! in memory between two instructions, in the form that regions and the interpreter have them in, so that a draft can be left anywhere
//! without ado; and so are flags wherever it is left. An instruction whose access needs more than the TLB is carried out by the
//! interpreter's function, and the draft goes on behind it.
//!
//! * [`trace`]: what an instruction does, as a list of operations, from the one description that all engines share.
//! * [`emit`]: from that list to host code. [`asm`]: the assembler under it.
//! * [`mod@thunks`]: what they are entered by, and what they call.
//! * this file: blocks. [`ends`]: where they go on.
//!
//! A draft is entered as a region is (see [`crate::abi`]), by the convention that Cranelift calls `tail`: what it is called with is in
//! RDI, RSI, RDX and RCX, and it returns in RAX. It saves no register: the [gate] does, once. Hosts that are not
//! x86-64 with the System V convention have no drafts; everything works without them.

mod asm;
mod emit;
mod ends;
mod thunks;
mod trace;

pub use thunks::{THUNKS, gate, thunks};

use crate::abi::{self, Reason};
use crate::jumps::{Fixed, Place};
use crate::links::{self, Link};
use crate::mode::Mode;
use crate::{vector, x87};
use asm::{Alu, EQUAL, GREATER, Host, Label, NOT_EQUAL, RAX, RCX, SIGN, Shift, at};
use emit::flags::Unstored;
use emit::{CELL, EXEC, Emit, Hosts, LEFT, PAGE_IP, Target};
use ferrite_core::cpu::Model;
use ferrite_core::isa::insn::flag;
use ferrite_core::isa::select::Meaning;
use ferrite_core::isa::{Insn, decode};
use ferrite_core::memory::{PAGE_SHIFT, PAGE_SIZE};
use ferrite_core::mmu::tlb;
use trace::Trace;

/// Instructions that take as long as the call of one that a translation would not call.
const DEAR: usize = 18;

/// Whether this host can have drafts.
pub const AVAILABLE: bool = cfg!(all(target_arch = "x86_64", unix));

/// What a draft is made of: a block, or several that lie one behind the other. All but the last go on to the next, or end with a
/// conditional branch.
#[derive(Debug)]
pub struct Block<'a> {
    /// Offset of its first byte in the page, and its bytes.
    pub start: u16,
    pub text: &'a [u8],
    pub mode: Mode,
    pub model: &'a Model,
    pub page: Place,
    /// Where the rest of `text` is fetched from, for one instruction that crosses into the next page: the start of that.
    pub tail: Option<Place>,
    /// Counted down by each execution, by [`Draft::weight`]; below 0 the draft asks for a translation.
    pub counter: u64,
}

/// A draft that was written.
#[derive(Debug)]
pub struct Draft {
    pub code: Vec<u8>,
    /// Guest instructions that it has, and their bytes: an instruction may end it that could be gone on behind.
    pub count: u32,
    pub len: u16,
    /// What an execution counts for.
    pub weight: u8,
    /// Where in it begins what hardly ever runs.
    pub cold: u32,
    /// The displacements that lead from in front of that to behind it, or back.
    pub across: Vec<u32>,
    /// What it has the interpreter's functions carry out; the code has the address.
    pub insns: Box<[Insn]>,
    /// Its branches to places in the page.
    pub links: Vec<Link>,
    /// Where in it 8 bytes are to be the address of which way.
    pub ways: Vec<(u32, Fixed)>,
}

/// Where an instruction is carried out by the interpreter's function after all, and where the draft goes on.
#[derive(Debug)]
struct Slow {
    from: Label,
    /// With what is in registers there, and those whose contents came about behind the branch. `None` where the draft ends, as with all that
    /// has to do with flags.
    back: Option<(Label, Hosts, u32)>,
    index: usize,
    /// Flags that are to be stored first.
    unstored: Option<Unstored>,
}

/// One instruction of a block.
#[derive(Clone, Copy, Debug)]
struct Step {
    insn: Insn,
    /// Offset in the page.
    at: u32,
    /// It can be drafted, as far as its [`Trace`] says.
    drafted: bool,
    /// Where the interpreter's function carries it out: it has to do with the flags, as far as one can tell.
    flags: bool,
    /// See [`links::mostly_to_one_place`].
    to_one_place: bool,
    /// A region would carry it out by itself, and this calls the interpreter's function.
    dear: bool,
    /// The flags that it writes are wanted.
    live: bool,
}

/// Writes drafts.
#[derive(Debug)]
pub struct Drafter {
    emit: Emit,
    steps: Vec<Step>,
    /// What each of them does; there may be more, of drafts before.
    traces: Vec<Trace>,
    slow: Vec<Slow>,
    /// Ways back to the engine, and what [`abi::DRAFT_LEAVE`] is told of each.
    cold: Vec<(Label, u32)>,
    /// Branches out of the middle: instructions not carried out then, flags to be stored, and where they lead.
    sides: Vec<(Label, i32, Option<Unstored>, Target)>,
    /// Ways to what has no entry point, and the registers that the instruction pointer is in.
    missing: Vec<(Label, Host)>,
    /// Branches to places in the page: where in the code the displacement is, where it leads while nothing is there, and the place's offset.
    links: Vec<(usize, Label, u16)>,
    /// Where in the code the address of which way goes.
    ways: Vec<(u32, Fixed)>,
    /// The `rcx` operand of calls: where in the code the address of which instruction goes.
    insns: Vec<Insn>,
    refers: Vec<(usize, usize)>,
}

impl Drafter {
    pub fn new() -> Self {
        Self {
            emit: Emit::new(),
            steps: Vec::new(),
            traces: Vec::new(),
            slow: Vec::new(),
            cold: Vec::new(),
            sides: Vec::new(),
            missing: Vec::new(),
            links: Vec::new(),
            ways: Vec::new(),
            insns: Vec::new(),
            refers: Vec::new(),
        }
    }

    /// Writes the draft of a block; `None` when there is nothing that it would be good for.
    pub fn draft(&mut self, b: &Block<'_>) -> Option<Draft> {
        if !AVAILABLE {
            return None;
        }
        self.read(b)?;
        self.find_live();
        self.emit.begin(b.mode, b.model.name);
        self.slow.clear();
        self.cold.clear();
        self.sides.clear();
        self.missing.clear();
        self.links.clear();
        self.ways.clear();
        self.insns.clear();
        self.refers.clear();
        let entry = self.enter(b);
        let (mut ends, mut count) = (false, 0);
        for n in 0..self.steps.len() {
            ends = self.step(n);
            count += 1;
            if ends {
                break;
            }
            if self.steps[n].insn.has(flag::ENDS) && n + 1 < self.steps.len() {
                self.pass(n)?;
            }
        }
        if !ends {
            self.finish(b, entry)?;
        }
        let sides = std::mem::take(&mut self.sides);
        for &(label, back, unstored, to) in &sides {
            self.emit.asm.place(label);
            if let Some(u) = unstored {
                self.emit.write_flags(u);
            }
            self.emit.asm.alu_imm(Alu::Add, true, LEFT, back);
            self.go(b, entry, to);
        }
        self.sides = sides;
        let cold = self.emit.asm.code.len() as u32;
        self.emit.write_moves();
        self.write_slow();
        for (label, ip) in self.missing.drain(..) {
            self.emit.asm.place(label);
            self.emit.asm.mov(true, PAGE_IP, ip);
            self.emit.asm.mov(true, CELL, RAX);
            self.emit.asm.jmp_at(at(EXEC, abi::word(abi::GO)));
        }
        for (label, word) in self.cold.drain(..) {
            self.emit.asm.place(label);
            self.emit.asm.mov_imm(RAX, word.into());
            self.emit.asm.jmp_at(at(EXEC, abi::word(abi::DRAFT_LEAVE)));
        }
        if !self.emit.asm.finish() {
            return None;
        }
        let insns: Box<[Insn]> = self.insns.as_slice().into();
        let mut code = self.emit.asm.code.clone();
        for &(place, index) in &self.refers {
            let address = (&raw const insns[index]).expose_provenance() as u64;
            code[place..place + 8].copy_from_slice(&address.to_le_bytes());
        }
        let link = |&(at, miss, to): &(usize, Label, u16)| {
            Some(Link { at: at as u32, miss: self.emit.asm.place_of(miss)?, to })
        };
        let links = self.links.iter().map(link).collect::<Option<_>>()?;
        let a = &self.emit.asm;
        let last = &self.steps[count as usize - 1];
        let len = (last.at + u32::from(last.insn.len)) as u16 - b.start;
        let (ways, weight) = (std::mem::take(&mut self.ways), self.weight());
        Some(Draft { code, count, len, weight, cold, across: a.across(cold).collect(), insns, links, ways })
    }

    fn read(&mut self, b: &Block<'_>) -> Option<()> {
        self.steps.clear();
        let mut done = 0;
        while done < b.text.len() {
            let window = &b.text[done..];
            let (mut insn, meaning) =
                decode::translate::<Trace>(&window[..window.len().min(decode::MAX_LENGTH)], b.mode.code(), b.model)
                    .ok()?;
            insn.end = u16::from(insn.len);
            let flags =
                insn.has(flag::ENDS) || meaning.as_ref().is_none_or(|(ins, _)| crate::effects::touches_flags(ins));
            let to_one_place = meaning.as_ref().is_some_and(|(ins, _)| links::mostly_to_one_place(ins));
            let at = u32::from(b.start) + done as u32;
            if self.traces.len() == self.steps.len() {
                self.traces.push(Trace::default());
            }
            let t = &mut self.traces[self.steps.len()];
            t.begin(at + u32::from(insn.len), b.mode.stack_mask());
            let (drafted, inline) = match meaning {
                Some((_, Meaning::Semantic(f))) => (f(t, &insn).is_ok(), true),
                Some((ins, Meaning::Helper(_))) => {
                    // What is aligned for the guest must be so for the host.
                    let native = emit::vector::native(&ins).filter(|_| b.page.base.is_multiple_of(16));
                    let inline = vector::is_inline(&ins) || x87::is_inline(&ins, b.model);
                    (native.map(|v| t.note_vector(&ins, &v, &insn)).is_some(), inline)
                }
                None => (false, false),
            };
            let drafted = drafted && !t.fails;
            let dear = inline && !drafted;
            self.steps.push(Step { insn, at, drafted, flags, to_one_place, dear, live: true });
            done += usize::from(insn.len);
        }
        (!self.steps.is_empty()).then_some(())
    }

    /// Whose flags are wanted: by what follows, by a way out, or behind a branch. And by which registers several accesses are made.
    fn find_live(&mut self) {
        let mut live = true;
        let (mut once, mut shared) = (0, 0);
        for (step, t) in self.steps.iter_mut().zip(&self.traces).rev() {
            live |= step.insn.has(flag::ENDS);
            step.live = live;
            let t = step.drafted.then_some(t);
            for base in t.into_iter().flat_map(Trace::bases) {
                shared |= once & 1 << base;
                once |= 1 << base;
            }
            live = match t {
                None => true,
                Some(t) if t.leaves || t.flags_read != 0 => true,
                Some(t) => live && t.flags_written != crate::effects::ALL,
            };
        }
        self.emit.shared = shared;
    }

    fn len(&self) -> i32 {
        self.steps.len() as i32
    }

    /// What an execution counts for: how much longer it takes for what a translation would not call.
    fn weight(&self) -> u8 {
        let dear = self.steps.iter().filter(|s| s.dear).count();
        (1 + DEAR * dear / self.steps.len()) as u8
    }

    /// The start of the code: is it inside the segment, is all of it there, how often was it run, may all of it retire?
    fn enter(&mut self, b: &Block<'_>) -> Label {
        let start = i32::from(b.start);
        let (n, weight) = (self.len(), self.weight());
        if let Some(tail) = b.tail {
            self.check_tail(start, tail);
        }
        if !self.emit.mode.is_flat() {
            let out = self.leave(start, Reason::Outside, 0);
            let a = &mut self.emit.asm;
            a.lea(true, RAX, at(PAGE_IP, start));
            a.test(64, RAX);
            a.jcc(SIGN, out);
            a.lea(true, RCX, at(RAX, b.text.len() as i32 - 1));
            a.alu_from(Alu::Cmp, true, RCX, at(EXEC, abi::ip_span()));
            a.jcc(GREATER, out);
        }
        let hot = self.leave(start, Reason::Hot, 0);
        let limit = self.leave(start, Reason::Limit, n);
        let a = &mut self.emit.asm;
        let entry = a.label();
        a.place(entry);
        a.mov_imm64(RAX, b.counter);
        a.alu_to_imm(Alu::Sub, false, at(RAX, 0), weight as i8);
        a.jcc(SIGN, hot);
        a.alu_imm(Alu::Sub, true, LEFT, n);
        a.jcc(SIGN, limit);
        entry
    }

    /// Leaves to have the interpreter look, unless the page behind is mapped to where the rest of the code was.
    fn check_tail(&mut self, start: i32, tail: Place) {
        let out = self.leave(start, Reason::Outside, 0);
        let flat = self.emit.mode.is_flat();
        let a = &mut self.emit.asm;
        let (next, entry) = (Host(8), Host(9));
        // Behind the last page of flat 32-bit code is none: no tag is 2^32.
        a.lea(true, next, at(PAGE_IP, PAGE_SIZE as i32));
        if !flat {
            a.alu_from(Alu::Add, true, next, at(EXEC, abi::window_base(1)));
            a.alu_from(Alu::And, true, next, at(EXEC, abi::word(abi::LINEAR_MASK)));
        }
        tlb_entry(a, entry, next, abi::FETCH_TLB);
        a.alu_from(Alu::Cmp, true, next, at(entry, abi::TAG_READ));
        a.jcc(NOT_EQUAL, out);
        a.alu_from(Alu::Add, true, next, at(entry, abi::ADDEND));
        a.mov_imm64(RAX, tail.guest());
        a.alu(Alu::Cmp, true, RAX, next);
        a.jcc(NOT_EQUAL, out);
    }

    /// A way back to the engine, to go on at an offset of the page, `back` instructions being given back.
    fn leave(&mut self, to: i32, reason: Reason, back: i32) -> Label {
        // Behind the page's last byte nothing is left to be given back, and the way is not taken.
        debug_assert!(to < PAGE_SIZE as i32 || back == 0, "{to} is in another page");
        let label = self.emit.asm.label();
        self.cold.push((label, word(reason, to as u32) as u32 | (back as u32) << 16));
        label
    }

    /// One instruction. True when the draft ends behind it.
    fn step(&mut self, n: usize) -> bool {
        let (s, t) = (&self.steps[n], &self.traces[n]);
        let mut drafted = s.drafted;
        if drafted && t.flags_read != 0 && t.leaves {
            self.emit.store_flags(); // words may be made of them before it is left
        }
        while drafted {
            let before = self.emit.known.clone();
            let mark = self.emit.asm.mark();
            let from = self.emit.asm.label();
            let moves = self.emit.moves.len();
            let unstored = self.emit.known.unstored();
            if self.emit.instruction(t, s.live, from).is_ok() {
                if self.emit.slow_used {
                    let flags = t.flags_read | t.flags_written != 0;
                    let back = if flags || s.insn.has(flag::ENDS) {
                        None
                    } else {
                        let back = self.emit.asm.label();
                        self.emit.asm.place(back);
                        Some((back, self.emit.known.host, self.emit.changed(t)))
                    };
                    self.slow.push(Slow { from, back, index: n, unstored });
                }
                return false;
            }
            self.emit.asm.back_to(mark);
            self.emit.moves.truncate(moves);
            self.emit.known = before;
            // Without flags in registers there may be enough of them.
            drafted = unstored.is_some();
            self.emit.store_flags();
        }
        self.call(n)
    }

    /// Has the interpreter's function carry out an instruction; gives control back where it asks for that.
    fn call(&mut self, n: usize) -> bool {
        let s = self.steps[n];
        self.emit.store_flags();
        if s.insn.has(flag::ENDS) {
            // What comes of it is in the CPU's state.
            self.emit_last(n);
            return true;
        }
        self.emit_call(n, if s.flags { abi::DRAFT_RUN_FLAGS } else { abi::DRAFT_RUN });
        self.emit.forget_all();
        if s.flags {
            self.emit.known_words();
        } else {
            self.emit.flags_in_memory();
        }
        let on = self.emit.asm.label();
        self.emit.asm.jcc(EQUAL, on);
        self.emit.return_word(word(Reason::Attention, s.at));
        self.emit.asm.place(on);
        let behind = self.len() - n as i32 - 1;
        self.emit.asm.alu_imm(Alu::Sub, true, LEFT, behind);
        if s.insn.has(flag::REP | flag::REPNE) {
            let limit = self.leave((s.at + u32::from(s.insn.len)) as i32, Reason::Limit, behind);
            self.emit.asm.jcc(SIGN, limit);
        }
        false
    }

    /// The call itself: see [`thunks`]. Behind it [`LEFT`] is what may retire, and the host's flags say whether all is well.
    fn emit_call(&mut self, n: usize, which: usize) {
        let s = self.steps[n];
        let index = self.insns.len();
        self.insns.push(s.insn);
        let before = self.len() - n as i32;
        let a = &mut self.emit.asm;
        a.lea(true, RAX, at(PAGE_IP, (s.at + u32::from(s.insn.len)) as i32));
        a.alu_imm(Alu::Add, true, LEFT, before);
        a.mov_imm64(RCX, 0);
        self.refers.push((a.code.len() - 8, index));
        a.call_at(at(EXEC, abi::word(which)));
    }

    /// The same for what the draft ends with.
    fn emit_last(&mut self, n: usize) {
        self.emit_call(n, abi::DRAFT_LAST);
        self.emit.return_word(word(Reason::Attention, self.steps[n].at));
    }

    /// The ways by which instructions are carried out by the interpreter's functions after all.
    fn write_slow(&mut self) {
        let slow = std::mem::take(&mut self.slow);
        for s in &slow {
            let at = self.steps[s.index].at;
            self.emit.asm.place(s.from);
            if let Some(u) = s.unstored {
                self.emit.write_flags(u);
            }
            match s.back {
                Some((back, hosts, changed)) => {
                    self.emit_call(s.index, abi::DRAFT_RUN);
                    let on = self.emit.asm.label();
                    self.emit.asm.jcc(EQUAL, on);
                    self.emit.return_word(word(Reason::Attention, at));
                    self.emit.asm.place(on);
                    self.emit.asm.alu_imm(Alu::Sub, true, LEFT, self.len() - s.index as i32 - 1);
                    self.emit.reload(&hosts, changed);
                    self.emit.asm.jmp(back);
                }
                None => self.emit_last(s.index),
            }
        }
        self.slow = slow;
    }
}

/// The TLB's entry for a linear address, in the set whose first entry is in a word of [`abi`].
fn tlb_entry(a: &mut asm::Asm, entry: Host, linear: Host, set: usize) {
    // Bits 12 and up say which.
    a.mov(false, entry, linear);
    a.shift_imm(Shift::Shr, false, entry, (PAGE_SHIFT - abi::TLB_SHIFT) as u8);
    a.alu_imm(Alu::And, false, entry, (tlb::ENTRIES as i32 - 1) << abi::TLB_SHIFT);
    a.alu_from(Alu::Add, true, entry, at(EXEC, abi::word(set)));
}

/// What a draft returns.
const fn word(reason: Reason, at: u32) -> u64 {
    abi::word_of(reason, at as u16) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::cpu::ModelName;
    use ferrite_core::exec::CodeSize;
    use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

    /// The instructions of the draft of flat code at an offset of its page.
    fn drafted(start: u16, text: &[u8], code: CodeSize) -> Vec<Instruction> {
        let model = Model::new(ModelName::Max);
        let page = Place { base: 0, at: 0x3000 };
        let tail = (usize::from(start) + text.len() > PAGE_SIZE as usize).then_some(Place { base: 0, at: 0x7000 });
        let block = Block { start, text, mode: Mode::plain(code), model: &model, page, tail, counter: 0x1_0000 };
        let draft = Drafter::new().draft(&block).expect("this can be drafted");
        let all: Vec<Instruction> = Decoder::with_ip(64, &draft.code, 0, DecoderOptions::NONE).iter().collect();
        assert!(all.iter().all(|i| !i.is_invalid()));
        all
    }

    fn calls(code: &[Instruction]) -> usize {
        code.iter().filter(|i| i.mnemonic() == Mnemonic::Call).count()
    }

    #[test]
    fn an_address_far_from_the_instruction_pointer_is_not_cut() {
        if !AVAILABLE {
            return;
        }
        let code = drafted(0, &[0x48, 0x8b, 0x05, 0xff, 0xff, 0xff, 0x7f], CodeSize::Bits64); // mov rax, [rip + 7FFFFFFFh]
        let far = |i: &Instruction| i.op1_kind() == OpKind::Immediate32 && i.immediate32() == 0x8000_0006;
        assert!(code.iter().any(far), "{code:?}");
    }

    #[test]
    fn only_what_may_miss_or_has_no_operations_calls_the_interpreter() {
        if !AVAILABLE {
            return;
        }
        assert_eq!(calls(&drafted(0, &[0x01, 0xd8, 0x40, 0x89, 0xc1], CodeSize::Bits32)), 0); // add, inc, mov
        assert_eq!(calls(&drafted(0, &[0x8b, 0x03], CodeSize::Bits32)), 1); // mov eax, [ebx]: where the TLB misses
        assert_eq!(calls(&drafted(0, &[0x0f, 0xa2], CodeSize::Bits32)), 1); // cpuid
    }

    #[test]
    fn the_host_carries_out_vector_instructions_that_are_the_same_everywhere() {
        if !AVAILABLE {
            return;
        }
        let find = |text: &[u8], code, m: Mnemonic| drafted(0, text, code).into_iter().find(|i| i.mnemonic() == m);
        for code in [CodeSize::Bits32, CodeSize::Bits64] {
            let add = find(&[0x66, 0x0f, 0xfe, 0xd9], code, Mnemonic::Paddd).expect("paddd xmm3, xmm1");
            assert_eq!((add.op0_register(), add.op1_register()), (Register::XMM0, Register::XMM1));
            let from = find(&[0x66, 0x0f, 0xef, 0x43, 0x10], code, Mnemonic::Pxor).expect("pxor xmm0, [rbx + 10h]");
            assert_eq!((from.op1_kind(), from.memory_base()), (OpKind::Memory, Register::RAX), "it is found first");
            let mask = find(&[0x66, 0x0f, 0xd7, 0xc2], code, Mnemonic::Pmovmskb).expect("pmovmskb eax, xmm2");
            assert_eq!((mask.op0_register().size(), mask.op1_register()), (4, Register::XMM1));
        }
        // What rounds, what guesses, what sets flags, what is MMX.
        let others: [&[u8]; 4] =
            [&[0x0f, 0x58, 0xc1], &[0x0f, 0x53, 0xc1], &[0x66, 0x0f, 0x2e, 0xc1], &[0x0f, 0xfe, 0xc1]];
        for text in others {
            let code = drafted(0, text, CodeSize::Bits32);
            assert!(code.iter().all(|i| !i.op0_register().is_vector_register()), "{text:02x?}");
        }
    }

    #[test]
    fn code_across_pages_looks_where_its_second_page_is() {
        if !AVAILABLE {
            return;
        }
        let asks = |code: &[Instruction]| code.iter().filter(|i| i.immediate64() == 0x7000).count();
        let text = [0xb8, 1, 2, 3, 4]; // mov eax, 4030201h
        assert_eq!(asks(&drafted(0xffd, &text, CodeSize::Bits32)), 1);
        assert_eq!(asks(&drafted(0xffb, &text, CodeSize::Bits32)), 0);
    }

    #[test]
    fn what_goes_on_to_another_block_is_counted_once_and_gives_back_what_it_leaves() {
        if !AVAILABLE {
            return;
        }
        let first = [0x85, 0xc0, 0x74, 0x10]; // test eax, eax; je 10h further
        let second = [0x01, 0xd8, 0x41, 0xeb, 0x20]; // add eax, ebx; inc ecx; jmp 20h further
        let code = drafted(0x20, &[&first[..], &second].concat(), CodeSize::Bits32);
        let left = |m, n| {
            let is = |i: &&Instruction| {
                i.mnemonic() == m
                    && i.op0_register() == Register::RSI
                    && i.op1_kind() != OpKind::Register
                    && i.immediate(1) == n
            };
            code.iter().filter(is).count()
        };
        assert_eq!((left(Mnemonic::Sub, 5), left(Mnemonic::Add, 3)), (1, 1), "{code:?}");
        let counted = |i: &&Instruction| i.mnemonic() == Mnemonic::Sub && i.op0_kind() == OpKind::Memory;
        assert_eq!(code.iter().filter(counted).count(), 1, "one counter");
        assert_eq!(calls(&code), 0);
    }

    #[test]
    fn flags_are_stored_where_the_draft_is_left_with_them() {
        if !AVAILABLE {
            return;
        }
        let kinds = |code: &[Instruction]| {
            let disp = abi::word(abi::FLAG_KIND) as i64 as u64;
            let is = |i: &&Instruction| i.op0_kind() == OpKind::Memory && i.memory_displacement64() == disp;
            let stores = code.iter().filter(is).filter(|i| i.mnemonic() == Mnemonic::Mov);
            stores.map(|i| i.immediate(1) as i64 & 0xff).collect::<Vec<_>>()
        };
        let (sub, logic) = (abi::FlagKind::Sub as i64, abi::FlagKind::Logic as i64);
        // cmp eax, ecx; je 10h further; test edx, edx; jne 10h further
        let code = drafted(0x20, &[0x39, 0xc8, 0x74, 0x10, 0x85, 0xd2, 0x75, 0x10], CodeSize::Bits32);
        assert_eq!(kinds(&code), [logic, sub], "at the end, and on the way out before that");
        // cmp eax, ecx; mov ebx, [esi]; test edx, edx: where the load is the interpreter's, an exception saves them.
        let code = drafted(0x20, &[0x39, 0xc8, 0x8b, 0x1e, 0x85, 0xd2], CodeSize::Bits32);
        assert_eq!(kinds(&code), [logic, sub]);
        // cmp eax, ecx; cpuid: whatever is called finds them in memory.
        let code = drafted(0x20, &[0x39, 0xc8, 0x0f, 0xa2], CodeSize::Bits32);
        assert_eq!(kinds(&code), [sub]);
    }

    #[test]
    fn what_hardly_ever_runs_lies_behind_what_does() {
        if !AVAILABLE {
            return;
        }
        let model = Model::new(ModelName::Max);
        let text = [0x8b, 0x03, 0x01, 0xc8, 0xeb, 0x10]; // mov eax, [ebx]; add eax, ecx; jmp 10h further
        let page = Place { base: 0, at: 0x3000 };
        let mode = Mode::plain(CodeSize::Bits32);
        let block = Block { start: 0, text: &text, mode, model: &model, page, tail: None, counter: 0x1_0000 };
        let draft = Drafter::new().draft(&block).expect("this can be drafted");
        let all: Vec<Instruction> = Decoder::with_ip(64, &draft.code, 0, DecoderOptions::NONE).iter().collect();
        let is_cold = |at: u64| at >= u64::from(draft.cold);
        assert!(all.iter().all(|i| i.mnemonic() != Mnemonic::Call || is_cold(i.ip())), "{all:?}");
        let near = |i: &&Instruction| i.op0_kind() == OpKind::NearBranch64;
        let across: Vec<u32> = (all.iter().filter(near))
            .filter(|i| is_cold(i.ip()) != is_cold(i.near_branch_target()))
            .map(|i| i.next_ip() as u32 - 4)
            .collect();
        assert!(across.iter().any(|&at| is_cold(at.into())), "there is a way back");
        assert_eq!(draft.across, across);
    }

    #[test]
    fn a_loop_of_one_block_goes_round_without_leaving() {
        if !AVAILABLE {
            return;
        }
        let code = drafted(0x20, &[0x48, 0x75, 0xfd], CodeSize::Bits32); // dec eax; jnz to it
        let back = code.iter().find(|i| i.mnemonic() == Mnemonic::Jne).expect("a branch to the start");
        let start = code.iter().find(|i| i.ip() == back.near_branch_target()).expect("it leads to an instruction");
        assert_eq!((start.mnemonic(), start.op1_kind()), (Mnemonic::Mov, OpKind::Immediate64), "where it is counted");
    }

    #[test]
    fn what_a_translation_would_not_call_counts_for_more() {
        if !AVAILABLE {
            return;
        }
        let weight = |text: &[u8]| {
            let model = Model::new(ModelName::Max);
            let page = Place { base: 0, at: 0x3000 };
            let mode = Mode::plain(CodeSize::Bits32);
            let block = Block { start: 0, text, mode, model: &model, page, tail: None, counter: 0x1_0000 };
            let draft = Drafter::new().draft(&block).expect("this can be drafted");
            let code: Vec<Instruction> = Decoder::with_ip(64, &draft.code, 0, DecoderOptions::NONE).iter().collect();
            let counts = |i: &&Instruction| i.mnemonic() == Mnemonic::Sub && i.op0_kind() == OpKind::Memory;
            let counts: Vec<u64> = code.iter().filter(counts).map(|i| i.immediate(1)).collect();
            assert_eq!(counts, [u64::from(draft.weight)]);
            draft.weight
        };
        assert_eq!(weight(&[0x01, 0xd8, 0x89, 0xc1]), 1, "add eax, ebx; mov ecx, eax");
        assert_eq!(weight(&[0x0f, 0xa2]), 1, "cpuid, which is called from anywhere");
        assert_eq!(weight(&[0x0f, 0x58, 0xc1]), 19, "addps xmm0, xmm1");
        assert_eq!(weight(&[0xd8, 0xc1, 0x89, 0xc1]), 10, "fadd st(1); mov ecx, eax");
    }

    #[test]
    fn ways_in_the_page_are_branches_that_lead_to_the_engine_at_first() {
        if !AVAILABLE {
            return;
        }
        let model = Model::new(ModelName::Max);
        let page = Place { base: 0, at: 0x3000 };
        let text = [0x85, 0xc0, 0x75, 0x10]; // test eax, eax; jne 10h further
        let mode = Mode::plain(CodeSize::Bits32);
        let block = Block { start: 0x100, text: &text, mode, model: &model, page, tail: None, counter: 0x1_0000 };
        let draft = Drafter::new().draft(&block).expect("this can be drafted");
        let code: Vec<Instruction> = Decoder::with_ip(64, &draft.code, 0, DecoderOptions::NONE).iter().collect();
        assert_eq!(draft.links.iter().map(|l| l.to).collect::<Vec<_>>(), [0x114, 0x104], "taken, and what follows");
        for l in &draft.links {
            assert!(l.is_sound(draft.code.len()));
            let branch =
                code.iter().find(|i| i.next_ip() == u64::from(l.at) + 4).expect("it ends with its displacement");
            assert_eq!(branch.near_branch_target(), u64::from(l.miss));
            let miss = code.iter().find(|i| i.ip() == u64::from(l.miss)).expect("it leads to an instruction");
            let next = word(Reason::Next, u32::from(l.to)) as u32;
            assert_eq!((miss.mnemonic(), miss.immediate32()), (Mnemonic::Mov, next), "the engine's answer");
        }
    }
}
