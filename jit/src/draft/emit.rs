//! From the operations of one instruction to host code.
//!
//! The guest's state is in memory: what an operation writes is stored at once, so that nothing has to be put there where a
//! draft is left, but for flags, which are mostly written anew before anybody looks. What lies there and is in a register of the host,
//! too, is remembered until the draft ends or the register is needed.
//!
//! This file has what is known while a block is written, and goes through the operations; [`registers`], [`flags`], [`memory`],
//! [`windows`] and [`values`] write the code of each kind.

pub mod flags;
mod memory;
mod registers;
mod values;
pub mod vector;
mod windows;

use super::asm::{self, Alu, Asm, At, Cc, Host, Label, RAX, RDI, RDX, RSI, Shift, at};
use super::thunks;
use super::trace::{Op, Trace, V};
use crate::abi::{self, FlagKind};
use crate::jumps::Fixed;
use crate::mode::Mode;
use crate::value::{Bin, Un};
use ferrite_core::cpu::ModelName;
use ferrite_core::exec::CodeSize;

/// What a draft keeps where from its start to its end.
pub const EXEC: Host = RDI;
pub const LEFT: Host = RSI;
pub const PAGE_IP: Host = RDX;
/// Where [`abi::GO`] is told of the way.
pub const CELL: Host = Host(8);

/// Registers for values. RAX and RCX are for what is over before the next operation begins, RBP has the frame (see [`crate::frame`]).
const POOL: [Host; 9] = [Host(3), Host(8), Host(9), Host(10), Host(11), Host(12), Host(13), Host(14), Host(15)];

/// Places in memory that may be in a register, too: general registers, then these. Behind them, what is in registers only: of each
/// [`Window`] the offset in the page, and the host's address.
const PLACES: usize = WINDOW + 2 * WINDOWS;
const FLAG_A: usize = 16;
const FLAG_B: usize = 17;
const WORDS: usize = 18;
const WINDOW: usize = 22;
const WINDOWS: usize = 2;
const NOWHERE: u8 = 0xff;
/// The register that each place is in, too.
pub type Hosts = [u8; PLACES];
/// An offset that no access is in a page by, as far as one may be from a window.
const FAR: u64 = 1 << 30;

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

/// What a value is, a number aside: the same number for values of the same origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Root {
    /// What was in some register; 0 for nothing.
    id: u32,
    plus: i64,
}

/// A page that was looked up, in flat segments: where in it an address lay, and where the host has that. Accesses beside it need not
/// look again. The registers that say so are remembered as places are.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    root: Root,
    /// It was looked up to be written to. What may be written may be read.
    write: bool,
}

/// What is known between two instructions: what must come back when the next cannot be drafted.
#[derive(Clone, Debug)]
pub struct Known {
    /// What each general register holds.
    roots: [Root; 16],
    windows: [Window; WINDOWS],
    /// The register that each place is in, too, and the width of what it holds.
    pub host: Hosts,
    width: [u8; PLACES],
    flags: Flags,
    /// They are an operation that memory does not have yet: its operands are in registers, which are held as long.
    unstored: bool,
    /// The word in memory that says which operation the flags follow from is known to be 0.
    settled: bool,
    /// The control registers have been seen to allow vector instructions.
    vectors: bool,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            roots: std::array::from_fn(|r| Root { id: r as u32 + 1, plus: 0 }),
            windows: [Window::default(); WINDOWS],
            host: [NOWHERE; PLACES],
            width: [0; PLACES],
            flags: Flags::Memory,
            unstored: false,
            settled: false,
            vectors: false,
        }
    }
}

/// Where control goes behind the block.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// To this offset in the page.
    Offset(i64),
    /// To this instruction pointer, perhaps by a way of its own.
    At(Host, Option<Fixed>),
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
    roots: Vec<Root>,
    /// The last number of a root.
    root: u32,
    /// General registers by which the block makes several accesses.
    pub shared: u32,
    /// Windows that are moved, where an access does not lie in them.
    pub moves: Vec<windows::Move>,
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

/// The registers of a window.
fn window(hosts: &Hosts, k: usize) -> Option<(Host, Host)> {
    let at = WINDOW + 2 * k;
    let (off, host) = (hosts[at], hosts[at + 1]);
    (off != NOWHERE && host != NOWHERE).then_some((Host(off), Host(host)))
}

impl Known {
    /// The registers of a window.
    fn window(&self, k: usize) -> Option<(Host, Host)> {
        window(&self.host, k)
    }
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
            roots: Vec::new(),
            root: 16,
            shared: 0,
            moves: Vec::new(),
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
        self.root = 16;
        self.moves.clear();
        self.branch = None;
    }

    /// Emits an instruction. `live`: its flags are wanted.
    pub fn instruction(&mut self, t: &Trace, live: bool, slow: Label) -> R<()> {
        self.values.clear();
        self.values.resize(t.ops.len(), Is::Not);
        self.roots.clear();
        self.count_uses(t, live);
        self.held = [0; 16];
        self.hold_flags();
        (self.slow, self.slow_used, self.fresh, self.rmw) = (slow, false, None, None);
        (self.branch, self.checked) = (None, false);
        for (n, &op) in t.ops.iter().enumerate() {
            self.operation(t, V(n as u16), op, live)?;
        }
        if !live && t.flags_written != 0 {
            (self.known.flags, self.known.unstored) = (Flags::Dead, false);
        }
        Ok(())
    }

    fn operation(&mut self, t: &Trace, v: V, op: Op, live: bool) -> R<()> {
        let unused = self.uses[usize::from(v.0)] == 0;
        let root = self.root_of(t, op);
        self.roots.push(root);
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
            // What only leads to a page that is known needs no register.
            Op::Un(_, a) | Op::Bin(_, a, _) if root.id != 0 && self.only_leads_near(t, v) => self.release(a),
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
                let root = self.roots[usize::from(a.0)];
                self.known.roots[usize::from(r)] = if root.id != 0 { root } else { self.new_root() };
                self.release(a);
            }
            Op::Store { bits, seg, off, v: a } => {
                self.check_target(t)?;
                self.ready(t, bits, a)?; // while RAX is free
                let m = self.access(t, seg, off, bits, true)?;
                self.write(bits, m, a)?;
                self.release(off);
                self.release(a);
            }
            Op::StoreBack { bits, v: a } => {
                let h = self.rmw.ok_or(TooMuch)?;
                self.ready(t, bits, a)?;
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
                let operands = kind.words(a, b, r);
                self.set_flags(t, kind, bits, operands)?;
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
            Op::Vector { memory, general } => self.vector(t, v, memory, general)?,
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
                    Bin::Umulh | Bin::Smulh => {
                        add(a, true);
                        add(b, true);
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
                    for v in kind.words(a, b, r) {
                        add(v, bits == 64);
                    }
                }
                Op::Branch { taken, target } => {
                    add(taken, true);
                    add(target, true);
                }
                Op::RaiseIf(c) => add(c, true),
                Op::Vector { memory, general } => {
                    for v in memory.map(|m| m.off).into_iter().chain(general) {
                        add(v, true);
                    }
                }
                _ => {}
            }
        }
    }

    /// How the block ends, after its last instruction.
    pub fn end(&mut self, t: &Trace) -> R<End> {
        let Some((taken, target)) = self.branch.take() else { return Ok(End::Next) };
        if self.imm_of(taken) == Some(0) {
            return Ok(End::Next);
        }
        let to = match self.static_target(t, target) {
            Some(at) => Target::Offset(at),
            None => Target::At(self.whole(t, target)?, self.distance(t, target).map(Fixed::To)),
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
    pub fn reload(&mut self, hosts: &Hosts, mut changed: u32) {
        for (place, &h) in hosts[..WINDOW].iter().enumerate() {
            if h != NOWHERE && changed >> h & 1 != 0 {
                self.asm.load(64, Host(h), address(place));
                changed &= !(1 << h);
            }
        }
        // What was found of pages may not hold any more.
        for k in 0..WINDOWS {
            if let Some((off, _)) = window(hosts, k) {
                self.asm.mov_imm(off, FAR);
            }
        }
    }

    /// `result` for the engine.
    pub fn return_word(&mut self, word: u64) {
        self.asm.mov_imm(RAX, word);
        thunks::return_from_frame(&mut self.asm);
    }
}
