//! From the operations of one instruction to host code.
//!
//! The guest's state is always in memory: what an operation writes is stored at once, so that nothing has to be put there where a
//! draft is left. What lies there and is in a register of the host, too, is remembered until the draft ends or the register is needed.

use super::asm::{
    self, ABOVE, Alu, Asm, At, BELOW, Cc, Count, EQUAL, GREATER, Host, LESS, Label, NOT_EQUAL, PARITY, RAX, RCX, RDI,
    RDX, RSI, Shift, at,
};
use super::trace::{Op, Trace, V};
use crate::abi::{self, FlagKind};
use crate::mode::{Mode, SegKind, linear_mask};
use crate::value::{Bin, Un};
use cranelift_codegen::ir::condcodes::IntCC;
use ferrite_core::cpu::ModelName;
use ferrite_core::exec::CodeSize;
use ferrite_core::isa::ops::Cond;
use ferrite_core::memory::PAGE_SIZE;
use ferrite_core::mmu::tlb;

/// What a draft keeps where from its start to its end.
pub const EXEC: Host = RDI;
pub const LEFT: Host = RSI;
pub const PAGE_IP: Host = RDX;

/// Registers for values. RAX and RCX are for what is over before the next operation begins.
const POOL: [Host; 10] =
    [Host(3), Host(5), Host(8), Host(9), Host(10), Host(11), Host(12), Host(13), Host(14), Host(15)];

/// Places in memory that may be in a register, too: general registers, then these.
const PLACES: usize = 22;
const FLAG_A: usize = 16;
const FLAG_B: usize = 17;
const WORDS: usize = 18;
const NOWHERE: u8 = 0xff;

/// This instruction cannot be drafted: it needs too much.
#[derive(Debug)]
pub struct TooMuch;

type R<T> = Result<T, TooMuch>;

/// An operand of the operation that the flags follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Imm(u64),
    Place(usize),
}

/// The arithmetic flags between two instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flags {
    /// In memory: as words, or as an operation.
    Memory,
    /// In memory, as words.
    Words,
    /// In memory, as this operation.
    By { kind: FlagKind, bits: u32, a: Source, b: Source },
    /// They will be written before anybody reads them.
    Dead,
}

/// A comparison that is carried out where its outcome is needed.
#[derive(Clone, Copy, Debug)]
enum Test {
    Cmp(u32, Host, Host),
    CmpImm(u32, Host, i32),
    /// With itself.
    Zero(u32, Host),
    /// The sum's flags.
    Sum(u32, Host, Host),
    /// The flags of what an increment (or decrement) left here.
    Step(u32, bool, Host),
}

/// Where a value is.
#[derive(Clone, Copy, Debug)]
enum Is {
    /// Nowhere yet.
    Not,
    Imm(u64),
    Ip(i64),
    /// In a register; no bit at or above the second is set, or all are.
    In(Host, u8),
    Outcome(Cc, Test),
}

impl Is {
    fn hosts(self) -> [Option<Host>; 2] {
        match self {
            Self::In(h, _) => [Some(h), None],
            Self::Outcome(_, t) => match t {
                Test::Cmp(_, a, b) | Test::Sum(_, a, b) => [Some(a), Some(b)],
                Test::CmpImm(_, a, _) | Test::Zero(_, a) | Test::Step(_, _, a) => [Some(a), None],
            },
            _ => [None, None],
        }
    }
}

/// What is known between two instructions: what must come back when the next cannot be drafted.
#[derive(Clone, Debug)]
pub struct Known {
    /// The register that each place is in, too, and the width of what it holds.
    host: [u8; PLACES],
    width: [u8; PLACES],
    flags: Flags,
    /// The word in memory that says which operation the flags follow from, if it is known.
    kind: Option<i32>,
}

impl Default for Known {
    fn default() -> Self {
        Self { host: [NOWHERE; PLACES], width: [0; PLACES], flags: Flags::Memory, kind: None }
    }
}

/// Where control goes behind the block.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// To this offset in the page.
    Offset(i64),
    /// To this instruction pointer.
    At(Host),
}

/// How a block ends.
#[derive(Debug)]
pub enum End {
    /// With the next instruction.
    Next,
    Jump(Target),
    /// To the target if the outcome holds.
    Either(Cc, Target),
}

/// The emitter of a block. See the module's text.
#[derive(Debug)]
pub struct Emit {
    pub asm: Asm,
    pub mode: Mode,
    pub model: ModelName,
    pub known: Known,
    values: Vec<Is>,
    /// Uses of each value that are still to come, and whether any needs more than 32 bits.
    uses: Vec<u16>,
    wide: Vec<bool>,
    /// Uses of what is in each register of the host.
    held: [u16; 16],
    stamps: [u32; 16],
    clock: u32,
    /// The host's address that was read to be written back.
    rmw: Option<Host>,
    /// Where the running instruction goes when the interpreter must carry it out.
    slow: Label,
    pub slow_used: bool,
    /// Registers that were given away since it first may have gone there.
    taken: u32,
    /// Flag words written by the running instruction while the others were not made.
    fresh: Option<u8>,
    branch: Option<(V, V)>,
    checked: bool,
    /// The host has the instructions that count bits.
    counts: bool,
}

fn address(place: usize) -> At {
    let disp = match place {
        0..16 => abi::reg(place as u8),
        FLAG_A => abi::word(abi::FLAG_A),
        FLAG_B => abi::word(abi::FLAG_B),
        n => abi::flag_words()[n - WORDS],
    };
    at(EXEC, disp)
}

fn imm32(v: u64, wide: bool) -> Option<i32> {
    if wide { i32::try_from(v as i64).ok() } else { Some(v as u32 as i32) }
}

impl Emit {
    pub fn new() -> Self {
        let mut asm = Asm::default();
        let slow = asm.label();
        Self {
            asm,
            mode: Mode::plain(CodeSize::Bits32),
            model: ModelName::I8086,
            known: Known::default(),
            values: Vec::new(),
            uses: Vec::new(),
            wide: Vec::new(),
            held: [0; 16],
            stamps: [0; 16],
            clock: 0,
            rmw: None,
            slow,
            slow_used: false,
            taken: 0,
            fresh: None,
            branch: None,
            checked: false,
            counts: asm::counts_bits(),
        }
    }

    /// Begins a block.
    pub fn begin(&mut self, mode: Mode, model: ModelName) {
        self.asm.clear();
        (self.mode, self.model) = (mode, model);
        self.known = Known::default();
        self.branch = None;
    }

    pub fn is_flat(&self) -> bool {
        self.mode.code() == CodeSize::Bits64 || self.mode.segment(1) == SegKind::Flat
    }

    // ---- registers ----

    fn is_cached(&self, h: Host) -> bool {
        self.known.host.contains(&h.0)
    }

    fn forget_host(&mut self, h: Host) {
        for place in &mut self.known.host {
            if *place == h.0 {
                *place = NOWHERE;
            }
        }
    }

    /// Forgets what is in registers.
    pub fn forget_all(&mut self) {
        self.known.host = [NOWHERE; PLACES];
    }

    fn alloc(&mut self) -> R<Host> {
        let free = |e: &Self, h: Host| e.held[usize::from(h.0)] == 0;
        let h = POOL.into_iter().find(|&h| free(self, h) && !self.is_cached(h));
        let h = match h {
            Some(h) => h,
            None => {
                let old = POOL.into_iter().filter(|&h| free(self, h)).min_by_key(|h| self.stamps[usize::from(h.0)]);
                let h = old.ok_or(TooMuch)?;
                self.forget_host(h);
                h
            }
        };
        self.touch(h);
        self.taken |= 1 << h.0;
        Ok(h)
    }

    fn touch(&mut self, h: Host) {
        self.clock += 1;
        self.stamps[usize::from(h.0)] = self.clock;
    }

    fn hold(&mut self, h: Host) {
        self.held[usize::from(h.0)] += 1;
    }

    fn let_go(&mut self, h: Host) {
        let n = &mut self.held[usize::from(h.0)];
        *n = n.saturating_sub(1);
    }

    /// Says where a value is.
    fn define(&mut self, v: V, is: Is) {
        let n = self.uses[usize::from(v.0)];
        for h in self.values[usize::from(v.0)].hosts().into_iter().flatten() {
            let held = &mut self.held[usize::from(h.0)];
            *held = held.saturating_sub(n);
        }
        for h in is.hosts().into_iter().flatten() {
            self.held[usize::from(h.0)] += n;
        }
        self.values[usize::from(v.0)] = is;
    }

    /// One use of a value is over.
    fn release(&mut self, v: V) {
        let n = &mut self.uses[usize::from(v.0)];
        *n = n.saturating_sub(1);
        for h in self.values[usize::from(v.0)].hosts().into_iter().flatten() {
            self.let_go(h);
        }
    }

    fn is(&self, v: V) -> Is {
        self.values[usize::from(v.0)]
    }

    fn imm_of(&self, v: V) -> Option<u64> {
        match self.is(v) {
            Is::Imm(n) => Some(n),
            _ => None,
        }
    }

    /// The register that a value is in: good for its low 32 bits, or for all that were asked for.
    fn host(&mut self, v: V) -> R<Host> {
        match self.is(v) {
            Is::In(h, _) => {
                self.touch(h);
                Ok(h)
            }
            Is::Imm(n) => {
                let h = self.alloc()?;
                self.asm.mov_imm(h, n);
                self.define(v, Is::In(h, (64 - n.leading_zeros()) as u8));
                Ok(h)
            }
            Is::Ip(k) => {
                let h = self.alloc()?;
                self.asm.lea(true, h, at(PAGE_IP, k as i32));
                self.define(v, Is::In(h, 64));
                Ok(h)
            }
            Is::Outcome(cc, test) => {
                let h = self.alloc()?;
                let cc = self.carry_out(cc, test);
                self.asm.setcc(cc, RAX);
                self.asm.movzx(8, h, RAX);
                self.define(v, Is::In(h, 1));
                Ok(h)
            }
            Is::Not => Err(TooMuch),
        }
    }

    /// The register that has all 64 bits of a value.
    fn whole(&mut self, t: &Trace, v: V) -> R<Host> {
        let h = self.host(v)?;
        if let Is::In(_, w) = self.is(v)
            && w > 32
            && t.width(v) <= 32
        {
            let d = self.alloc()?;
            self.asm.mov(false, d, h);
            self.define(v, Is::In(d, 32));
            return Ok(d);
        }
        Ok(h)
    }

    /// A register for a result: that of an operand whose last use this is, or another.
    fn dest(&mut self, a: V) -> R<Host> {
        if let Is::In(h, _) = self.is(a)
            && self.uses[usize::from(a.0)] == 1
            && self.held[usize::from(h.0)] == 1
            && !self.is_cached(h)
        {
            return Ok(h);
        }
        self.alloc()
    }

    /// Emits the comparison; gives the condition under which the outcome holds.
    fn carry_out(&mut self, cc: Cc, test: Test) -> Cc {
        match test {
            Test::Cmp(bits, a, b) => self.asm.alu_sized(Alu::Cmp, bits, a, b),
            Test::CmpImm(bits, a, n) => self.asm.alu_sized_imm(Alu::Cmp, bits, a, n),
            Test::Zero(bits, a) => self.asm.test(bits, a),
            Test::Sum(bits, a, b) => {
                self.asm.mov(true, RAX, a);
                self.asm.alu_sized(Alu::Add, bits, RAX, b);
            }
            Test::Step(bits, down, a) => {
                self.asm.mov(true, RAX, a);
                self.asm.step(bits, !down, RAX);
                self.asm.step(bits, down, RAX);
            }
        }
        cc
    }

    /// Emits what sets the host's flags by whether a value is not 0; gives the condition.
    fn outcome(&mut self, t: &Trace, v: V) -> R<Cc> {
        if let Is::Outcome(cc, test) = self.is(v) {
            return Ok(self.carry_out(cc, test));
        }
        let h = self.host(v)?;
        self.asm.test(if t.width(v) <= 32 { 32 } else { 64 }, h);
        Ok(NOT_EQUAL)
    }

    /// What a place of memory holds, in a register.
    fn cached(&mut self, place: usize) -> R<(Host, u8)> {
        let h = self.known.host[place];
        if h != NOWHERE {
            self.touch(Host(h));
            return Ok((Host(h), self.known.width[place]));
        }
        let h = self.alloc()?;
        self.asm.load(64, h, address(place));
        (self.known.host[place], self.known.width[place]) = (h.0, 64);
        Ok((h, 64))
    }

    /// Stores a value where it belongs, and remembers the register that has it.
    fn put(&mut self, t: &Trace, place: usize, v: V) -> R<()> {
        if let Some(n) = self.imm_of(v) {
            self.put_imm(place, n);
            return Ok(());
        }
        let h = self.whole(t, v)?;
        let Is::In(_, w) = self.is(v) else { return Err(TooMuch) };
        self.asm.store(64, address(place), h);
        (self.known.host[place], self.known.width[place]) = (h.0, w);
        Ok(())
    }

    fn put_imm(&mut self, place: usize, n: u64) {
        self.known.host[place] = NOWHERE;
        match i32::try_from(n as i64) {
            Ok(n) => self.asm.store_imm(64, address(place), n),
            Err(_) => {
                self.asm.mov_imm(RAX, n);
                self.asm.store(64, address(place), RAX);
            }
        }
    }

    // ---- flags ----

    fn put_kind(&mut self, kind: i32) {
        if self.known.kind != Some(kind) {
            self.asm.store_imm(64, at(EXEC, abi::word(abi::FLAG_KIND)), kind);
            self.known.kind = Some(kind);
        }
    }

    /// Has the flags in memory be words.
    fn settle(&mut self) -> R<()> {
        match self.known.flags {
            Flags::Words => return Ok(()),
            Flags::Dead => return Err(TooMuch),
            Flags::By { .. } => self.asm.call_at(at(EXEC, abi::word(abi::DRAFT_SETTLE))),
            Flags::Memory => {
                let done = self.asm.label();
                self.asm.alu_to_imm(Alu::Cmp, true, at(EXEC, abi::word(abi::FLAG_KIND)), 0);
                self.asm.jcc(EQUAL, done);
                self.asm.call_at(at(EXEC, abi::word(abi::DRAFT_SETTLE)));
                self.asm.place(done);
            }
        }
        self.known_words();
        Ok(())
    }

    /// From here on the flags in memory are words, and none is in a register.
    pub fn known_words(&mut self) {
        self.known.host[FLAG_A..].fill(NOWHERE);
        (self.known.flags, self.known.kind) = (Flags::Words, Some(0));
    }

    /// Before a flag word is written.
    fn writes_words(&mut self, t: &Trace) -> R<()> {
        if self.known.flags == Flags::Words {
            return Ok(());
        }
        if t.flags_written == crate::effects::ALL && !t.names_flags && self.fresh.is_none() {
            self.put_kind(0);
            self.known_words();
            self.fresh = Some(0);
            return Ok(());
        }
        self.settle()
    }

    /// A register that has an operand of the flags, held.
    fn source(&mut self, s: Source) -> R<Host> {
        let h = match s {
            Source::Imm(n) => {
                let h = self.alloc()?;
                self.asm.mov_imm(h, n);
                h
            }
            Source::Place(p) => self.cached(p)?.0,
        };
        self.hold(h);
        Ok(h)
    }

    fn condition(&mut self, v: V, c: Cond) -> R<()> {
        let cc = Cc(c as u8);
        if let Flags::By { kind, bits, a, b } = self.known.flags {
            let is = match (kind, c) {
                (FlagKind::Sub, _) => {
                    let ha = self.source(a)?;
                    match b {
                        Source::Imm(n) if bits < 64 || i32::try_from(n as i64).is_ok() => {
                            self.let_go(ha);
                            Some(Is::Outcome(cc, Test::CmpImm(bits, ha, n as i32)))
                        }
                        _ => {
                            let hb = self.source(b)?;
                            self.let_go(ha);
                            self.let_go(hb);
                            Some(Is::Outcome(cc, Test::Cmp(bits, ha, hb)))
                        }
                    }
                }
                (FlagKind::Logic, _) => {
                    let h = self.source(a)?;
                    self.let_go(h);
                    Some(Is::Outcome(cc, Test::Zero(bits, h)))
                }
                (FlagKind::Add, _) => {
                    let ha = self.source(a)?;
                    let hb = self.source(b)?;
                    self.let_go(ha);
                    self.let_go(hb);
                    Some(Is::Outcome(cc, Test::Sum(bits, ha, hb)))
                }
                (FlagKind::Inc | FlagKind::Dec, Cond::B | Cond::Ae) => {
                    let h = self.source(b)?;
                    self.let_go(h);
                    Some(Is::Outcome(if c == Cond::B { NOT_EQUAL } else { EQUAL }, Test::Zero(64, h)))
                }
                (_, Cond::Be | Cond::A) => None,
                (FlagKind::Inc | FlagKind::Dec, _) => {
                    let h = self.source(a)?;
                    self.let_go(h);
                    Some(Is::Outcome(cc, Test::Step(bits, kind == FlagKind::Dec, h)))
                }
            };
            if let Some(is) = is {
                self.define(v, is);
                return Ok(());
            }
        }
        self.settle()?;
        if self.fresh.is_some() {
            return Err(TooMuch);
        }
        let d = self.alloc()?;
        self.condition_of_words(c, d);
        self.define(v, Is::In(d, 1));
        Ok(())
    }

    /// A condition from the flag words, as 0 or 1.
    fn condition_of_words(&mut self, c: Cond, d: Host) {
        let [zr, sp, co, _] = abi::flag_words().map(|disp| at(EXEC, disp));
        let simple = |e: &mut Self, c: Cond, d: Host| match c {
            Cond::O => {
                e.asm.load(64, d, co);
                e.asm.lea(true, RCX, At { base: d, index: Some(d), disp: 0 });
                e.asm.alu(Alu::Xor, true, d, RCX);
                e.asm.shift_imm(Shift::Shr, true, d, 63);
            }
            Cond::B => {
                e.asm.load(64, d, co);
                e.asm.shift_imm(Shift::Shr, true, d, 63);
            }
            Cond::S => {
                e.asm.load(64, d, sp);
                e.asm.shift_imm(Shift::Shr, true, d, 63);
            }
            Cond::P => {
                e.asm.load(8, RAX, sp);
                e.asm.test(8, RAX);
                e.asm.setcc(PARITY, RAX);
                e.asm.movzx(8, d, RAX);
            }
            _ => {
                e.asm.alu_to_imm(Alu::Cmp, true, zr, 0);
                e.asm.setcc(EQUAL, RAX);
                e.asm.movzx(8, d, RAX);
            }
        };
        let plain = match c {
            Cond::No => Cond::O,
            Cond::Ae => Cond::B,
            Cond::Ne => Cond::E,
            Cond::A => Cond::Be,
            Cond::Ns => Cond::S,
            Cond::Np => Cond::P,
            Cond::Ge => Cond::L,
            Cond::G => Cond::Le,
            c => c,
        };
        match plain {
            Cond::Be => {
                simple(self, Cond::B, d);
                simple(self, Cond::E, RAX);
                self.asm.alu(Alu::Or, false, d, RAX);
            }
            Cond::L | Cond::Le => {
                simple(self, Cond::O, d);
                simple(self, Cond::S, RAX);
                self.asm.alu(Alu::Xor, false, d, RAX);
                if plain == Cond::Le {
                    simple(self, Cond::E, RAX);
                    self.asm.alu(Alu::Or, false, d, RAX);
                }
            }
            c => simple(self, c, d),
        }
        if c != plain {
            self.asm.alu_imm(Alu::Xor, false, d, 1);
        }
    }

    fn set_flags(&mut self, kind: FlagKind, bits: u32, [a, b]: [V; 2]) -> R<()> {
        // Before anything of what they follow from is overwritten.
        for v in [a, b] {
            if self.imm_of(v).is_none() {
                self.host(v)?;
            }
        }
        self.put_kind(kind as i32 | (bits as i32) << 8);
        let source = |e: &mut Self, v: V, place: usize| -> R<Source> {
            if let Some(n) = e.imm_of(v) {
                e.put_imm(place, n);
                return Ok(Source::Imm(n));
            }
            let h = e.host(v)?;
            let Is::In(_, w) = e.is(v) else { return Err(TooMuch) };
            e.asm.store(64, address(place), h);
            (e.known.host[place], e.known.width[place]) = (h.0, w);
            Ok(Source::Place(place))
        };
        let a = source(self, a, FLAG_A)?;
        let b = if kind == FlagKind::Logic { Source::Imm(0) } else { source(self, b, FLAG_B)? };
        self.known.host[WORDS..].fill(NOWHERE);
        self.known.flags = Flags::By { kind, bits, a, b };
        Ok(())
    }

    // ---- memory ----

    /// Gives the instruction to the interpreter where the condition holds.
    fn slow_if(&mut self, cc: Cc) {
        if !self.slow_used {
            (self.slow_used, self.taken) = (true, 0);
        }
        self.asm.jcc(cc, self.slow);
    }

    /// The linear address of an offset, in a register that is held; see [`crate::access`].
    fn linear(&mut self, t: &Trace, seg: u8, off: V, bytes: u32, write: bool) -> R<Host> {
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

    /// Looks the page of a linear address up. Its address is what RAX and the register add up to.
    fn look_up(&mut self, lin: Host, bytes: u32, write: bool) {
        self.asm.mov(false, RAX, lin);
        self.asm.shift_imm(Shift::Shr, false, RAX, 12 - 5);
        self.asm.alu_imm(Alu::And, false, RAX, (tlb::ENTRIES as i32 - 1) << 5);
        self.asm.alu_from(Alu::Add, true, RAX, at(EXEC, abi::word(abi::TLB)));
        if bytes == 1 {
            self.asm.mov(true, RCX, lin);
        } else {
            self.asm.lea(true, RCX, at(lin, bytes as i32 - 1));
        }
        self.asm.alu_imm(Alu::And, true, RCX, -(PAGE_SIZE as i32));
        self.asm.alu_from(Alu::Cmp, true, RCX, at(RAX, if write { 8 } else { 0 }));
        self.slow_if(NOT_EQUAL);
        self.asm.load(64, RAX, at(RAX, 24));
    }

    /// Where the host has an operand. RAX is part of it.
    fn access(&mut self, t: &Trace, seg: u8, off: V, bits: u32, write: bool) -> R<At> {
        let lin = self.linear(t, seg, off, bits / 8, write)?;
        self.look_up(lin, bits / 8, write);
        self.let_go(lin);
        Ok(At { base: RAX, index: Some(lin), disp: 0 })
    }

    fn write(&mut self, bits: u32, m: At, v: V) -> R<()> {
        if let Some(n) = self.imm_of(v)
            && (bits < 64 || i32::try_from(n as i64).is_ok())
        {
            self.asm.store_imm(bits, m, n as i32);
            return Ok(());
        }
        let h = self.host(v)?;
        self.asm.store(bits, m, h);
        Ok(())
    }

    // ---- operations ----

    fn unary(&mut self, t: &Trace, v: V, op: Un, a: V) -> R<()> {
        let wide = self.wide[usize::from(v.0)];
        let width = t.width(v).min(64) as u8;
        if op == Un::Zext(32) || (op == Un::Sext(32) && !wide) {
            // What is asked for is there already, but perhaps for the bits above: who minds them, cuts them off.
            let h = self.host(a)?;
            let Is::In(_, w) = self.is(a) else { return Err(TooMuch) };
            self.release(a);
            self.define(v, Is::In(h, w));
            return Ok(());
        }
        let h = match op {
            Un::Not if !wide => self.host(a)?,
            Un::Zext(_) | Un::Sext(_) => self.host(a)?,
            Un::Not => self.whole(t, a)?,
            Un::Bswap => self.whole(t, a)?,
            Un::Clz | Un::Ctz | Un::Popcnt if !self.counts => return Err(TooMuch),
            Un::Clz | Un::Ctz | Un::Popcnt => self.whole(t, a)?,
        };
        let d = self.dest(a)?;
        let mut width = width;
        match op {
            Un::Clz => self.asm.count(Count::Leading, d, h),
            Un::Ctz => self.asm.count(Count::Trailing, d, h),
            Un::Popcnt => self.asm.count(Count::Ones, d, h),
            Un::Zext(bits) => self.asm.movzx(bits, d, h),
            Un::Sext(bits) => {
                self.asm.movsx(wide, bits, d, h);
                width = if wide { 64 } else { 32 };
            }
            Un::Not => {
                if d != h {
                    self.asm.mov(wide, d, h);
                }
                self.asm.not(wide, d);
                width = if wide { 64 } else { 32 };
            }
            _ => {
                if d != h {
                    self.asm.mov(true, d, h);
                }
                self.asm.bswap64(d);
                width = 64;
            }
        }
        self.release(a);
        self.define(v, Is::In(d, width));
        Ok(())
    }

    fn binary(&mut self, t: &Trace, v: V, op: Bin, a: V, b: V) -> R<()> {
        // What is shifted right needs the bits that come down.
        let right = matches!(op, Bin::Shr | Bin::Sar);
        let wide = self.wide[usize::from(v.0)] || right && !(op == Bin::Shr && t.width(a) <= 32);
        let width = if wide { t.width(v) as u8 } else { (t.width(v) as u8).min(32) };
        let ha = if wide { self.whole(t, a)? } else { self.host(a)? };
        if matches!(op, Bin::Shl | Bin::Shr | Bin::Sar) {
            let shift = match op {
                Bin::Shl => Shift::Shl,
                Bin::Shr => Shift::Shr,
                _ => Shift::Sar,
            };
            // Counts of 32 and more make no sense to the host for fewer than 64 bits.
            let n = self.imm_of(b).map(|n| (n & 63) as u8);
            let wide = wide || n.is_none_or(|n| n >= 32);
            let ha = if wide { self.whole(t, a)? } else { ha };
            let hb = if n.is_none() { Some(self.host(b)?) } else { None };
            let d = self.dest(a)?;
            if let Some(hb) = hb {
                self.asm.mov(false, RCX, hb);
            }
            if d != ha {
                self.asm.mov(wide, d, ha);
            }
            match n {
                Some(n) => self.asm.shift_imm(shift, wide, d, n),
                None => self.asm.shift(shift, wide, d),
            }
            self.release(a);
            self.release(b);
            let width = if wide { t.width(v) as u8 } else { width };
            self.define(v, Is::In(d, width));
            return Ok(());
        }
        let imm = self.imm_of(b).and_then(|n| imm32(n, wide)).filter(|_| op != Bin::Mul);
        let hb = match imm {
            Some(_) => None,
            None => Some(if wide { self.whole(t, b)? } else { self.host(b)? }),
        };
        let d = self.dest(a)?;
        let alu = match op {
            Bin::Add => Some(Alu::Add),
            Bin::Sub => Some(Alu::Sub),
            Bin::And => Some(Alu::And),
            Bin::Or => Some(Alu::Or),
            Bin::Xor => Some(Alu::Xor),
            _ => None,
        };
        match (alu, imm, hb) {
            (Some(Alu::Add), Some(n), _) if d != ha => self.asm.lea(wide, d, at(ha, n)),
            (Some(Alu::Add), _, Some(hb)) if d != ha => {
                self.asm.lea(wide, d, At { base: ha, index: Some(hb), disp: 0 });
            }
            (Some(alu), Some(n), _) => {
                if d != ha {
                    self.asm.mov(wide, d, ha);
                }
                self.asm.alu_imm(alu, wide, d, n);
            }
            (alu, _, Some(hb)) => {
                if d != ha {
                    self.asm.mov(wide, d, ha);
                }
                match alu {
                    Some(alu) => self.asm.alu(alu, wide, d, hb),
                    None => self.asm.imul(wide, d, hb),
                }
            }
            _ => return Err(TooMuch),
        }
        self.release(a);
        self.release(b);
        self.define(v, Is::In(d, width));
        Ok(())
    }

    fn compare(&mut self, t: &Trace, v: V, cc: IntCC, a: V, b: V) -> R<()> {
        let cc = match cc {
            IntCC::Equal => EQUAL,
            IntCC::UnsignedLessThan => BELOW,
            _ => LESS,
        };
        let ha = self.whole(t, a)?;
        let is = match self.imm_of(b).and_then(|n| imm32(n, true)) {
            Some(n) => Is::Outcome(cc, Test::CmpImm(64, ha, n)),
            None => {
                let hb = self.whole(t, b)?;
                Is::Outcome(cc, Test::Cmp(64, ha, hb))
            }
        };
        self.define(v, is);
        self.release(a);
        self.release(b);
        Ok(())
    }

    fn select(&mut self, t: &Trace, v: V, [c, a, b]: [V; 3]) -> R<()> {
        let wide = self.wide[usize::from(v.0)];
        let (ha, hb) = if wide { (self.whole(t, a)?, self.whole(t, b)?) } else { (self.host(a)?, self.host(b)?) };
        let d = self.alloc()?;
        self.asm.mov(wide, d, hb);
        let cc = self.outcome(t, c)?;
        self.asm.cmov(cc, wide, d, ha);
        let width = if wide { t.width(v) as u8 } else { 32 };
        for v in [c, a, b] {
            self.release(v);
        }
        self.define(v, Is::In(d, width));
        Ok(())
    }

    /// Before anything changes: a target outside the code segment, or not canonical, is the interpreter's affair.
    fn check_target(&mut self, t: &Trace) -> R<()> {
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
        if self.is_flat() && !long {
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
        let at = match (t.op(target), self.mode.code()) {
            (Op::Ip(at), CodeSize::Bits64) => at,
            (Op::Un(Un::Zext(32), inner), CodeSize::Bits32) => match t.op(inner) {
                Op::Ip(at) => i64::from(at as i32),
                _ => return None,
            },
            _ => return None,
        };
        (self.is_flat() && (0..PAGE_SIZE as i64).contains(&at)).then_some(at)
    }

    /// Emits an instruction. `live`: its flags are wanted.
    pub fn instruction(&mut self, t: &Trace, live: bool, slow: Label) -> R<()> {
        self.values.clear();
        self.values.resize(t.ops.len(), Is::Not);
        self.count_uses(t, live);
        self.held = [0; 16];
        (self.slow, self.slow_used, self.fresh, self.rmw) = (slow, false, None, None);
        (self.branch, self.checked) = (None, false);
        for (n, &op) in t.ops.iter().enumerate() {
            self.operation(t, V(n as u16), op, live)?;
        }
        if !live && t.flags_written != 0 {
            self.known.flags = Flags::Dead;
        }
        Ok(())
    }

    fn operation(&mut self, t: &Trace, v: V, op: Op, live: bool) -> R<()> {
        let unused = self.uses[usize::from(v.0)] == 0;
        match op {
            Op::Imm(n) => self.define(v, Is::Imm(n)),
            Op::Ip(k) => self.define(v, Is::Ip(k)),
            Op::Reg(_)
            | Op::Un(..)
            | Op::Bin(..)
            | Op::Cmp(..)
            | Op::Select(..)
            | Op::Word(_)
            | Op::Cond(_)
            | Op::Df
                if unused => {}
            Op::Reg(r) => {
                let (h, w) = self.cached(usize::from(r))?;
                self.define(v, Is::In(h, w));
            }
            Op::Un(op, a) => self.unary(t, v, op, a)?,
            Op::Bin(op, a, b) => self.binary(t, v, op, a, b)?,
            Op::Cmp(cc, a, b) => self.compare(t, v, cc, a, b)?,
            Op::Select(c, a, b) => self.select(t, v, [c, a, b])?,
            Op::Load { bits, seg, off, write } => {
                // A register that the address is in may take the result: it is read before that is written.
                let m = self.access(t, seg, off, bits, write)?;
                self.release(off);
                let h = self.alloc()?;
                if write {
                    self.asm.lea(true, h, m);
                    self.hold(h);
                    self.rmw = Some(h);
                    if !unused {
                        let d = self.alloc()?;
                        self.asm.load(bits, d, at(h, 0));
                        self.define(v, Is::In(d, bits as u8));
                    }
                } else if !unused {
                    self.asm.load(bits, h, m);
                    self.define(v, Is::In(h, bits as u8));
                }
            }
            Op::Word(n) => {
                self.settle()?;
                if self.fresh.is_some_and(|done| done >> n & 1 == 0) {
                    return Err(TooMuch);
                }
                let (h, w) = self.cached(WORDS + usize::from(n))?;
                self.define(v, Is::In(h, w));
            }
            Op::Cond(c) => self.condition(v, c)?,
            Op::Df => {
                let d = self.alloc()?;
                self.asm.load(64, d, at(EXEC, abi::flag_system()));
                let n = ferrite_core::cpu::flags::DF.trailing_zeros() as u8;
                self.asm.shift_imm(Shift::Shr, true, d, n);
                self.asm.alu_imm(Alu::And, false, d, 1);
                self.define(v, Is::In(d, 1));
            }
            Op::SetReg(r, a) => {
                self.check_target(t)?;
                self.put(t, usize::from(r), a)?;
                self.release(a);
            }
            Op::Store { bits, seg, off, v: a } => {
                self.check_target(t)?;
                if self.imm_of(a).is_none() {
                    self.host(a)?; // while RAX is free
                }
                let imm64 = self.imm_of(a).filter(|&n| bits == 64 && i32::try_from(n as i64).is_err());
                if imm64.is_some() {
                    self.host(a)?;
                }
                let m = self.access(t, seg, off, bits, true)?;
                self.write(bits, m, a)?;
                self.release(off);
                self.release(a);
            }
            Op::StoreBack { bits, v: a } => {
                let h = self.rmw.ok_or(TooMuch)?;
                self.write(bits, at(h, 0), a)?;
                self.release(a);
                self.let_go(h);
                self.rmw = None;
            }
            Op::SetWord(..) | Op::Flags { .. } if !live => {}
            Op::SetWord(n, a) => {
                self.writes_words(t)?;
                self.put(t, WORDS + usize::from(n), a)?;
                if let Some(done) = &mut self.fresh {
                    *done |= 1 << n;
                }
                self.release(a);
            }
            Op::Flags { kind, bits, a, b, r } => {
                let operands = match kind {
                    FlagKind::Add | FlagKind::Sub => [a, b],
                    FlagKind::Logic => [r, r],
                    FlagKind::Inc | FlagKind::Dec => [r, b],
                };
                self.set_flags(kind, bits, operands)?;
                for v in operands {
                    self.release(v);
                }
            }
            Op::Branch { taken, target } => {
                self.check_target(t)?;
                self.branch = Some((taken, target));
            }
            Op::RaiseIf(c) => {
                let cc = self.outcome(t, c)?;
                self.slow_if(cc);
                self.release(c);
            }
        }
        Ok(())
    }

    /// How often each value is used, and whether for more than 32 bits.
    fn count_uses(&mut self, t: &Trace, live: bool) {
        let n = t.ops.len();
        self.uses.clear();
        self.uses.resize(n, 0);
        self.wide.clear();
        self.wide.resize(n, false);
        let (uses, wide) = (&mut self.uses, &mut self.wide);
        for (n, op) in t.ops.iter().enumerate().rev() {
            let (used, here) = (uses[n] > 0, wide[n]);
            let mut add = |v: V, w: bool| {
                uses[usize::from(v.0)] += 1;
                wide[usize::from(v.0)] |= w && t.width(v) > 32;
            };
            match *op {
                Op::Un(op, a) if used => add(
                    a,
                    match op {
                        Un::Zext(_) | Un::Sext(_) => false,
                        Un::Not => here,
                        Un::Bswap | Un::Clz | Un::Ctz | Un::Popcnt => true,
                    },
                ),
                Op::Bin(op, a, b) if used => match op {
                    Bin::Shl => {
                        // Shifted by what is not known, or far: at 64 bits.
                        let far = !matches!(t.op(b), Op::Imm(n) if n & 63 < 32);
                        add(a, here || far);
                        add(b, false);
                    }
                    Bin::Shr | Bin::Sar => {
                        add(a, true);
                        add(b, false);
                    }
                    _ => {
                        add(a, here);
                        add(b, here);
                    }
                },
                Op::Cmp(_, a, b) if used => {
                    add(a, true);
                    add(b, true);
                }
                Op::Select(c, a, b) if used => {
                    add(c, true);
                    add(a, here);
                    add(b, here);
                }
                Op::Load { off, .. } => add(off, true),
                Op::Store { off, v, bits, .. } => {
                    add(off, true);
                    add(v, bits == 64);
                }
                Op::StoreBack { v, bits } => add(v, bits == 64),
                Op::SetReg(_, v) => add(v, true),
                Op::SetWord(_, v) if live => add(v, true),
                Op::Flags { kind, bits, a, b, r } if live => {
                    let operands = match kind {
                        FlagKind::Add | FlagKind::Sub => [a, b],
                        FlagKind::Logic => [r, r],
                        FlagKind::Inc | FlagKind::Dec => [r, b],
                    };
                    for v in operands {
                        add(v, bits == 64);
                    }
                }
                Op::Branch { taken, target } => {
                    add(taken, true);
                    add(target, true);
                }
                Op::RaiseIf(c) => add(c, true),
                _ => {}
            }
        }
    }

    /// How the block ends, after its last instruction.
    pub fn end(&mut self, t: &Trace) -> R<End> {
        let Some((taken, target)) = self.branch else { return Ok(End::Next) };
        if self.imm_of(taken) == Some(0) {
            return Ok(End::Next);
        }
        let to = match self.static_target(t, target) {
            Some(at) => Target::Offset(at),
            None => Target::At(self.whole(t, target)?),
        };
        if self.imm_of(taken).is_some() {
            return Ok(End::Jump(to));
        }
        Ok(End::Either(self.outcome(t, taken)?, to))
    }

    /// Registers whose contents differ from what they were when the running instruction may have gone to the interpreter.
    pub fn changed(&self, t: &Trace) -> u32 {
        // What a function of the host need not keep.
        let mut changed = self.taken | 0xf << 8;
        for op in &t.ops {
            if let Op::SetReg(r, _) = op {
                let h = self.known.host[usize::from(*r)];
                changed |= if h == NOWHERE { 0 } else { 1 << h };
            }
        }
        changed
    }

    /// Loads again what is remembered to be in registers, as far as they have changed.
    pub fn reload(&mut self, known: &Known, mut changed: u32) {
        for (place, &h) in known.host.iter().enumerate() {
            if h != NOWHERE && changed >> h & 1 != 0 {
                self.asm.load(64, Host(h), address(place));
                changed &= !(1 << h);
            }
        }
    }

    /// `result` for the engine.
    pub fn return_word(&mut self, word: u64) {
        self.asm.mov_imm(RAX, word);
        self.asm.ret();
    }
}
