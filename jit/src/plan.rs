//! What a region is made of, before any code is emitted: its blocks, the ways between them, and what each must keep.

use crate::abi::MAX_ENTRIES;
use crate::effects::{self, Effects};
use crate::kept::{self, Kept};
use crate::mode::Mode;
use crate::{vector, x87};
use ferrite_core::cpu::Model;
use ferrite_core::exec::CodeSize;
use ferrite_core::isa::insn::flag;
use ferrite_core::isa::select::Meaning;
use ferrite_core::isa::{Insn, decode};
use ferrite_core::memory::PAGE_SIZE;
use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, OpAccess, OpKind};

/// A request for a translation: everything it depends on.
#[derive(Clone, Debug)]
pub struct Request {
    /// Number of the region.
    pub id: u32,
    /// First and last-plus-one offsets of straight runs of instructions, the entry's first; each ends where another begins, behind a
    /// transfer of control, or where nothing more is known.
    pub runs: Vec<(u16, u16)>,
    /// The page's bytes.
    pub text: Box<[u8]>,
    /// What may be taken for granted.
    pub mode: Mode,
    /// The processor.
    pub model: Model,
    /// Instructions that came back to be interpreted too often. Their accesses look beyond the TLB; those that are named
    /// twice call the interpreter's function.
    pub slow: Vec<u16>,
}

/// In [`Request::slow`]: every instruction, once. No instruction lies at this offset.
pub const ALL_SLOW: u16 = u16::MAX;

/// How often the instruction at an offset is named in [`Request::slow`].
pub fn came_back(slow: &[u16], at: u16) -> usize {
    slow.iter().filter(|&&s| s == at).count()
}

/// How an instruction is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Its meaning is emitted.
    Inline,
    /// The same, of a vector instruction.
    Vector,
    /// The same, of an x87 instruction: its action is called.
    X87,
    /// The interpreter's function is called.
    Call,
    /// The interpreter's function is called, and the region left behind it: it goes where only it knows.
    Leave,
    /// The region ends in front of it.
    Stop,
}

/// Where control goes behind an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To the next one.
    Next,
    /// To an offset in (or outside) the page.
    Jump(i64),
    /// To an offset, or to the next one.
    Either(i64),
    /// To a computed address.
    Computed,
}

/// An instruction of a region.
#[derive(Clone, Debug)]
pub struct Item {
    /// Offset in the page.
    pub at: u16,
    pub insn: Insn,
    pub ins: Instruction,
    pub how: How,
    pub flow: Flow,
    pub effects: Effects,
    /// A repeated string instruction: it retires as many instructions as it makes iterations.
    pub repeats: bool,
}

impl Item {
    /// It is code of the region's own: no function of the interpreter's runs.
    pub fn is_emitted(&self) -> bool {
        matches!(self.how, How::Inline | How::Vector | How::X87)
    }

    /// It is a call: what it calls returns behind it, as a rule.
    fn calls(&self) -> bool {
        matches!(self.ins.flow_control(), FlowControl::Call | FlowControl::IndirectCall)
    }
}

/// A block of a region.
#[derive(Clone, Debug, Default)]
pub struct PlanBlock {
    pub items: Vec<Item>,
    /// Offset behind its last instruction.
    pub end: u16,
    /// Blocks that follow, by number: taken, then not taken.
    pub taken: Option<usize>,
    pub next: Option<usize>,
    /// Ways into it, and one more if the region can be entered there.
    pub preds: u32,
    /// A way back leads here: the count of instructions is looked at.
    pub header: bool,
    /// Instructions until the next look at the most.
    pub longest: i64,
    /// Registers that may differ from memory at its start.
    pub dirty: u32,
    /// Registers that are read from memory where the block wants them: nothing has changed them yet, and no loop from here on wants them,
    /// for which they would be kept.
    pub fresh: u32,
    /// `Cf` is read before it is written, here or behind.
    pub needs_carry: bool,
    /// All flags are written before anything can see them.
    pub kills_flags: bool,
    /// Something on a way to here writes flags.
    pub flagged: bool,
}

/// A region, analysed.
#[derive(Debug)]
pub struct Plan {
    pub blocks: Vec<PlanBlock>,
    /// Blocks where the region can be entered, by number: what was asked for, where calls return to, where loops begin.
    pub entries: Vec<usize>,
    /// First and last-plus-one offsets of all instructions.
    pub extent: (u16, u16),
    /// Registers that are read or written anywhere.
    pub used: u32,
    /// Guest instructions.
    pub insns: usize,
    /// Registers whose pages it keeps in mind.
    pub kept: Vec<Kept>,
    /// Its blocks are long: what one instruction has computed serves another, and the optimiser has something to find.
    pub long: bool,
}

/// Instructions of a block, on the average, above which it is long.
const LONG: usize = 12;

/// All general registers.
const ALL_REGS: u32 = 0xffff;

impl Plan {
    /// Analyses a request. `None` when its first instruction cannot be translated.
    pub fn new(req: &Request) -> Option<Self> {
        let mut blocks: Vec<PlanBlock> = Vec::with_capacity(req.runs.len());
        let mut info = InstructionInfoFactory::new();
        for &(start, end) in &req.runs {
            blocks.push(read_run(req, start, end, &mut info));
        }
        if blocks.first()?.items.first().is_none_or(|i| i.how == How::Stop) {
            return None;
        }
        let mut plan =
            Self { blocks, entries: vec![0], extent: (u16::MAX, 0), used: 0, insns: 0, kept: Vec::new(), long: false };
        plan.measure();
        plan.long = plan.insns >= LONG * plan.blocks.len();
        plan.connect(&req.runs);
        plan.find_returns(&req.runs);
        let loops = plan.find_headers();
        plan.find_longest();
        plan.spread_writes();
        plan.find_fresh();
        plan.spread_carry();
        if loops && !req.slow.contains(&ALL_SLOW) {
            plan.kept = kept::choose(&plan.blocks, req.mode, &mut info);
        }
        Some(plan)
    }

    fn measure(&mut self) {
        for item in self.blocks.iter().flat_map(|b| &b.items) {
            if item.how == How::Stop {
                continue;
            }
            self.extent.0 = self.extent.0.min(item.at);
            self.extent.1 = self.extent.1.max(item.at + u16::from(item.insn.len));
            self.used |= item.effects.reads | item.effects.writes;
            self.insns += 1;
        }
    }

    fn connect(&mut self, runs: &[(u16, u16)]) {
        let find = |at: i64| runs.iter().position(|&(start, _)| i64::from(start) == at);
        for n in 0..self.blocks.len() {
            let b = &self.blocks[n];
            let end = i64::from(b.end);
            let (taken, next) = match b.items.last() {
                Some(i) if matches!(i.how, How::Stop | How::Leave) => (None, None),
                Some(i) => match i.flow {
                    Flow::Next => (None, find(end)),
                    Flow::Jump(to) => (find(to), None),
                    Flow::Either(to) => (find(to), find(end)),
                    Flow::Computed => (None, None),
                },
                None => (None, find(end)),
            };
            (self.blocks[n].taken, self.blocks[n].next) = (taken, next);
        }
        for n in 0..self.blocks.len() {
            for s in self.successors(n) {
                self.blocks[s].preds += 1;
            }
        }
    }

    /// The blocks of the region that follow a block.
    pub fn successors(&self, n: usize) -> impl Iterator<Item = usize> + use<> {
        [self.blocks[n].taken, self.blocks[n].next].into_iter().flatten()
    }

    /// Whether a block is entered with its state in variables instead of being emitted behind its only predecessor.
    pub fn joins(&self, n: usize) -> bool {
        self.entries.contains(&n) || self.blocks[n].preds != 1
    }

    fn find_returns(&mut self, runs: &[(u16, u16)]) {
        for n in 0..self.blocks.len() {
            let b = &self.blocks[n];
            if b.items.last().is_some_and(|i| i.calls())
                && let Some(behind) = runs.iter().position(|&(start, _)| start == b.end)
            {
                self.add_entry(behind);
            }
        }
    }

    /// Makes a block an entry, unless there are too many or it has nothing that could be translated.
    fn add_entry(&mut self, n: usize) {
        let empty = self.blocks[n].items.first().is_none_or(|i| i.how == How::Stop);
        if !empty && self.entries.len() < MAX_ENTRIES && !self.entries.contains(&n) {
            self.entries.push(n);
        }
    }

    /// Whether some way leads back.
    fn find_headers(&mut self) -> bool {
        let mut loops = false;
        // Depth first, from the entries and then from what they do not lead to, so that every circle has a header. A way to a block
        // that is still being visited leads back.
        let mut state = vec![0u8; self.blocks.len()];
        for root in self.entries.clone().into_iter().chain(0..self.blocks.len()) {
            if state[root] != 0 {
                continue;
            }
            let mut stack = vec![(root, 0usize)];
            state[root] = 1;
            while let Some((n, k)) = stack.pop() {
                if let Some(s) = self.successors(n).nth(k) {
                    stack.push((n, k + 1));
                    match state[s] {
                        0 => {
                            state[s] = 1;
                            stack.push((s, 0));
                        }
                        1 => {
                            self.blocks[s].header = true;
                            loops = true;
                            self.add_entry(s);
                        }
                        _ => {}
                    }
                } else {
                    state[n] = 2;
                }
            }
        }
        for &n in &self.entries {
            self.blocks[n].header = true;
            self.blocks[n].preds += 1;
        }
        loops
    }

    fn find_longest(&mut self) {
        // Without the ways to headers the graph has no cycles: as many rounds as its depth settle it.
        for b in &mut self.blocks {
            b.longest = b.items.len() as i64;
        }
        loop {
            let mut changed = false;
            for n in 0..self.blocks.len() {
                let longest = self.blocks[n].items.len() as i64 + self.longest_behind(n);
                changed |= std::mem::replace(&mut self.blocks[n].longest, longest) != longest;
            }
            if !changed {
                return;
            }
        }
    }

    /// Instructions behind a block's end until the next look, at the most.
    pub fn longest_behind(&self, n: usize) -> i64 {
        self.successors(n).filter(|&s| !self.blocks[s].header).map(|s| self.blocks[s].longest).max().unwrap_or(0)
    }

    fn spread_writes(&mut self) {
        loop {
            let mut changed = false;
            for n in 0..self.blocks.len() {
                let b = &self.blocks[n];
                let out = b.items.iter().fold(b.dirty, |d, i| d | i.effects.writes);
                let flagged = b.flagged || b.items.iter().any(|i| i.effects.flags_written != 0);
                for s in self.successors(n) {
                    let s = &mut self.blocks[s];
                    let (d, f) = (s.dirty | out, s.flagged | flagged);
                    changed |= (d, f) != (s.dirty, s.flagged);
                    (s.dirty, s.flagged) = (d, f);
                }
            }
            if !changed {
                return;
            }
        }
    }

    fn find_fresh(&mut self) {
        let ahead: Vec<Vec<usize>> = (0..self.blocks.len()).map(|n| self.ahead(n)).collect();
        let reads = |n: usize| self.blocks[n].items.iter().fold(0, |r, i| r | i.effects.reads);
        let in_loops: Vec<u32> = (0..).zip(&ahead).map(|(n, to)| if to.contains(&n) { reads(n) } else { 0 }).collect();
        for (n, to) in ahead.iter().enumerate() {
            let wanted = to.iter().fold(0, |r, &m| r | in_loops[m]);
            self.blocks[n].fresh = ALL_REGS & !self.blocks[n].dirty & !wanted;
        }
    }

    /// Blocks that a block leads to: itself only if it is in a loop.
    fn ahead(&self, n: usize) -> Vec<usize> {
        let mut all: Vec<usize> = self.successors(n).collect();
        let mut next = 0;
        while let Some(&m) = all.get(next) {
            for s in self.successors(m) {
                if !all.contains(&s) {
                    all.push(s);
                }
            }
            next += 1;
        }
        all
    }

    /// Whether a block is entered with the flags' operation in variables: see [`FlagState::Held`](crate::tr::FlagState::Held).
    pub fn holds_flags(&self, n: usize) -> bool {
        self.blocks[n].flagged && !self.blocks[n].kills_flags
    }

    fn spread_carry(&mut self) {
        let mut writes = vec![false; self.blocks.len()];
        for (b, w) in self.blocks.iter_mut().zip(&mut writes) {
            for i in &b.items {
                let e = &i.effects;
                if !*w && e.flags_read & effects::C != 0 {
                    b.needs_carry = true;
                }
                *w |= e.flags_written & effects::CO != 0;
            }
            let mut written = 0;
            for i in &b.items {
                let e = &i.effects;
                if e.leaves || i.how != How::Inline || e.flags_read & !written != 0 {
                    break;
                }
                written |= e.flags_written;
                if written & effects::ALL == effects::ALL {
                    b.kills_flags = true;
                    break;
                }
                written |= if written & effects::CO != 0 { effects::C } else { 0 };
            }
        }
        loop {
            let mut changed = false;
            for (n, &writes) in writes.iter().enumerate() {
                if !writes && !self.blocks[n].needs_carry && self.successors(n).any(|s| self.blocks[s].needs_carry) {
                    self.blocks[n].needs_carry = true;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }
}

fn read_run(req: &Request, start: u16, end: u16, info: &mut InstructionInfoFactory) -> PlanBlock {
    let mut b = PlanBlock { end: start, ..PlanBlock::default() };
    while b.end < end {
        let at = b.end;
        let window = &req.text[usize::from(at)..(usize::from(at) + decode::MAX_LENGTH).min(PAGE_SIZE as usize)];
        let Ok((mut insn, meaning)) = decode::translate::<Effects>(window, req.mode.code(), &req.model) else { break };
        insn.end = u16::from(insn.len);
        let item = classify(req, at, insn, meaning, info);
        b.end = at + u16::from(insn.len);
        let ends = matches!(item.how, How::Stop | How::Leave) || item.flow != Flow::Next;
        b.items.push(item);
        if ends {
            break;
        }
    }
    b
}

fn classify(
    req: &Request,
    at: u16,
    insn: Insn,
    meaning: Option<(Instruction, Meaning<Effects>)>,
    info: &mut InstructionInfoFactory,
) -> Item {
    let all = Effects {
        reads: ALL_REGS,
        writes: ALL_REGS,
        flags_read: effects::ALL | effects::C,
        flags_written: effects::ALL,
        leaves: true,
        calls: true,
    };
    let leave_or_call = if insn.has(flag::ENDS) { How::Leave } else { How::Call };
    let Some((ins, meaning)) = meaning else {
        let how = leave_or_call;
        return Item {
            at,
            insn,
            ins: Instruction::default(),
            how,
            flow: Flow::Next,
            effects: all,
            repeats: repeats(&insn),
        };
    };
    let mut flow = Flow::Next;
    let (how, effects) = match meaning {
        Meaning::Semantic(f) => {
            let mut e = Effects::default();
            // Operations that take notes raise nothing.
            let fine = f(&mut e, &insn).is_ok() && !e.calls;
            if insn.has(flag::ENDS) {
                flow = flow_of(req.mode.code(), at, &insn, &ins);
            }
            let slow = e.leaves && came_back(&req.slow, at) > 1;
            match (fine, slow) {
                (true, false) => (How::Inline, e),
                (true, true) if flow == Flow::Next => (How::Call, e),
                _ if insn.has(flag::ENDS) => (How::Leave, all),
                _ => (How::Call, all),
            }
        }
        Meaning::Helper(_) => {
            let e = effects_of_helper(&ins, info);
            let back = came_back(&req.slow, at);
            let inline = back <= usize::from(insn.has(flag::MEM));
            if inline && vector::is_inline(&ins) {
                (How::Vector, vector::effects_inline(&ins, e))
            } else if inline && x87::is_inline(&ins, &req.model) {
                let flags_written = if x87::in_eflags(&ins) { effects::ALL } else { 0 };
                (How::X87, Effects { flags_read: 0, flags_written, ..e })
            } else {
                (leave_or_call, e)
            }
        }
    };
    Item { at, insn, ins, how, flow, effects, repeats: how == How::Call && repeats(&insn) }
}

fn repeats(insn: &Insn) -> bool {
    insn.has(flag::REP | flag::REPNE)
}

/// What a helper reads and writes, as `iced-x86` knows it.
fn effects_of_helper(ins: &Instruction, info: &mut InstructionInfoFactory) -> Effects {
    let mut e = Effects { leaves: true, calls: true, ..Effects::default() };
    for r in info.info(ins).used_registers() {
        if !r.register().is_gpr() {
            continue;
        }
        let bit = 1 << r.register().full_register().number();
        match r.access() {
            OpAccess::None | OpAccess::NoMemAccess => {}
            OpAccess::Read | OpAccess::CondRead => e.reads |= bit,
            _ => {
                e.reads |= bit;
                e.writes |= bit;
            }
        }
    }
    if effects::of_the_processor(ins.rflags_read()) {
        e.flags_read = effects::ALL | effects::C;
    }
    if effects::of_the_processor(ins.rflags_modified()) {
        // Which words it writes, and whether always, is its own affair: what was before must be there.
        e.flags_read = effects::ALL | effects::C;
        e.flags_written = effects::ALL;
    }
    e
}

fn flow_of(code: CodeSize, at: u16, insn: &Insn, ins: &Instruction) -> Flow {
    let next = i64::from(at) + i64::from(insn.len);
    let to = match (ins.op0_kind(), code) {
        (OpKind::NearBranch16, CodeSize::Bits16) => next + i64::from(insn.imm as i16),
        (OpKind::NearBranch32, CodeSize::Bits16 | CodeSize::Bits32) => next + i64::from(insn.imm as i32),
        (OpKind::NearBranch64, CodeSize::Bits64) => next + insn.imm as i64,
        _ => {
            return if ins.flow_control() == FlowControl::ConditionalBranch {
                Flow::Either(i64::MAX)
            } else {
                Flow::Computed
            };
        }
    };
    match ins.flow_control() {
        FlowControl::UnconditionalBranch => Flow::Jump(to),
        FlowControl::ConditionalBranch => Flow::Either(to),
        _ => Flow::Computed, // a call: the callee is a region of its own
    }
}
