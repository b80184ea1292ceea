//! The arithmetic flags: how they are left, and the conditions that follow from them.
//!
//! An instruction says of which operation its flags are; its operands are kept in registers, to be stored where the draft may be left
//! before other flags are written, and nothing is computed. A condition is then a comparison (or the like) of the same operands by the
//! host, whose conditions are the guest's. Where it is not known of which operation they are, a function makes words of them first; see
//! [`crate::abi::flag_words`].

use super::super::asm::{Alu, At, Cc, EQUAL, Host, NOT_EQUAL, PARITY, RAX, RCX, Shift, at};
use super::super::trace::{Trace, V};
use super::{EXEC, Emit, FLAG_A, FLAG_B, Flags, Is, Known, NOWHERE, R, Source, Test, TooMuch, WINDOW, WORDS, address};
use crate::abi::{self, FlagKind};
use ferrite_core::isa::ops::Cond;

/// An operation that the flags follow from and that memory does not have yet: the word for what it is, and its operands.
#[derive(Clone, Copy, Debug)]
pub struct Unstored {
    kind: i32,
    operands: [Operand; 2],
}

#[derive(Clone, Copy, Debug)]
enum Operand {
    /// Of an operation that has one only.
    None,
    Imm(u64),
    In(Host),
}

impl Unstored {
    /// The registers that it is in.
    fn hosts(self) -> impl Iterator<Item = Host> {
        self.operands.into_iter().filter_map(|o| if let Operand::In(h) = o { Some(h) } else { None })
    }
}

impl Known {
    /// The flags, if memory does not have them.
    pub fn unstored(&self) -> Option<Unstored> {
        let Flags::By { kind, bits, a, b } = self.flags else { return None };
        let operand = |s: Source| match s {
            Source::Imm(n) => Operand::Imm(n),
            Source::Place(p) => Operand::In(Host(self.host[p])),
        };
        let second = if kind == FlagKind::Logic { Operand::None } else { operand(b) };
        self.unstored.then(|| Unstored { kind: kind.word(bits) as i32, operands: [operand(a), second] })
    }
}

impl Emit {
    /// Has memory have the flags.
    pub fn store_flags(&mut self) {
        if let Some(u) = self.known.unstored() {
            self.write_flags(u);
            self.known.unstored = false;
        }
    }

    /// Has the registers that unstored flags are in not be given away.
    pub(super) fn hold_flags(&mut self) {
        for h in self.known.unstored().into_iter().flat_map(Unstored::hosts) {
            self.hold(h);
        }
    }

    /// Stores flags that were not stored at some point of the draft; where that is left, say.
    pub fn write_flags(&mut self, u: Unstored) {
        self.asm.store_imm(64, at(EXEC, abi::word(abi::FLAG_KIND)), u.kind);
        for (operand, place) in u.operands.into_iter().zip([FLAG_A, FLAG_B]) {
            match operand {
                Operand::None => {}
                Operand::Imm(n) => self.write_imm(place, n),
                Operand::In(h) => self.asm.store(64, address(place), h),
            }
        }
    }

    /// Has the flags in memory be words.
    pub(super) fn settle(&mut self) -> R<()> {
        self.store_flags();
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
        self.known.host[FLAG_A..WINDOW].fill(NOWHERE);
        (self.known.flags, self.known.settled, self.known.unstored) = (Flags::Words, true, false);
    }

    /// The flags are in memory as they were, whatever it is that they follow from.
    pub fn flags_in_memory(&mut self) {
        (self.known.flags, self.known.unstored) = (Flags::Memory, false);
    }

    /// Before a flag word is written.
    pub(super) fn writes_words(&mut self, t: &Trace) -> R<()> {
        if self.known.flags == Flags::Words {
            return Ok(());
        }
        if t.flags_written == crate::effects::ALL && !t.names_flags && self.fresh.is_none() {
            if !self.known.settled {
                self.asm.store_imm(64, at(EXEC, abi::word(abi::FLAG_KIND)), 0);
            }
            self.known_words();
            self.fresh = Some(0);
            return Ok(());
        }
        self.settle()
    }

    /// A register that has an operand of the flags, held.
    pub(super) fn source(&mut self, s: Source) -> R<Host> {
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

    pub(super) fn condition(&mut self, v: V, c: Cond) -> R<()> {
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
    pub(super) fn condition_of_words(&mut self, c: Cond, d: Host) {
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

    pub(super) fn set_flags(&mut self, t: &Trace, kind: FlagKind, bits: u32, [a, b]: [V; 2]) -> R<()> {
        // Before anything of what they follow from is overwritten.
        for v in [a, b] {
            if self.imm_of(v).is_none() {
                if bits == 64 {
                    self.whole(t, v)?
                } else {
                    self.host(v)?
                };
            }
        }
        let source = |e: &mut Self, v: V, place: usize| -> R<Source> {
            if let Some(n) = e.imm_of(v) {
                e.known.host[place] = NOWHERE;
                return Ok(Source::Imm(n));
            }
            let h = e.host(v)?;
            let Is::In(_, w) = e.is(v) else { return Err(TooMuch) };
            (e.known.host[place], e.known.width[place]) = (h.0, w);
            Ok(Source::Place(place))
        };
        let a = source(self, a, FLAG_A)?;
        let b = if kind == FlagKind::Logic { Source::Imm(0) } else { source(self, b, FLAG_B)? };
        self.known.host[WORDS..WINDOW].fill(NOWHERE);
        self.known.flags = Flags::By { kind, bits, a, b };
        // A way out may store this and come back.
        (self.known.unstored, self.known.settled) = (true, false);
        self.hold_flags();
        Ok(())
    }
}
