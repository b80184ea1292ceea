//! How blocks end: branches in the page, and ways to other pages.

use super::asm::{Alu, Cc, Host, Label, NOT_EQUAL, RAX, RCX, Shift, at};
use super::emit::{EXEC, End, PAGE_IP, Target};
use super::{Block, Drafter};
use crate::abi::{self, Reason};
use crate::jumps::Fixed;
use ferrite_core::memory::PAGE_SIZE;

impl Drafter {
    /// The branch at the end of a block that is not the last.
    pub(super) fn pass(&mut self, n: usize) -> Option<()> {
        match self.emit.end(&self.traces[n]).ok()? {
            End::Next => {}
            End::Jump(_) => return None,
            End::Either(cc, to) => {
                let taken = self.emit.asm.label();
                self.emit.asm.jcc(cc, taken);
                self.sides.push((taken, self.len() - n as i32 - 1, self.emit.known.unstored(), to));
            }
        }
        Some(())
    }

    /// What follows the last instruction.
    pub(super) fn finish(&mut self, b: &Block<'_>, entry: Label) -> Option<()> {
        let behind = Target::Offset(i64::from(b.start) + b.text.len() as i64);
        self.emit.store_flags();
        match self.emit.end(&self.traces[self.steps.len() - 1]).ok()? {
            End::Next => self.go(b, entry, behind),
            End::Jump(Target::At(ip, None)) => {
                let last = &self.steps[self.steps.len() - 1];
                let way = last.to_one_place.then_some(Fixed::From(last.at as u16));
                self.go(b, entry, Target::At(ip, way));
            }
            End::Jump(to) => self.go(b, entry, to),
            End::Either(cc, to) if let Some(k) = self.in_page(to) => {
                self.branch(b, entry, Some(cc), k);
                self.go(b, entry, behind);
            }
            End::Either(cc, to) => {
                let taken = self.emit.asm.label();
                self.emit.asm.jcc(cc, taken);
                self.go(b, entry, behind);
                self.emit.asm.place(taken);
                self.go(b, entry, to);
            }
        }
        Some(())
    }

    /// The offset in the page of a target whose place is known: the page that runs is mapped where it is.
    fn in_page(&self, to: Target) -> Option<i64> {
        match to {
            Target::Offset(k) if self.emit.mode.is_flat() && (0..PAGE_SIZE as i64).contains(&k) => Some(k),
            _ => None,
        }
    }

    /// A branch to an offset in the page, on a condition if there is one: to the draft's own start, or to what is there, and while
    /// nothing is to a way back to the engine.
    fn branch(&mut self, b: &Block<'_>, entry: Label, cc: Option<Cc>, k: i64) {
        let own = k == i64::from(b.start);
        let to = if own { entry } else { self.leave(k as i32, Reason::Next, 0) };
        let a = &mut self.emit.asm;
        match cc {
            Some(cc) => a.jcc(cc, to),
            None => a.jmp(to),
        }
        if !own {
            // Both end with the displacement.
            self.links.push((a.code.len() - 4, to, k as u16));
        }
    }

    /// Goes on at a target.
    pub(super) fn go(&mut self, b: &Block<'_>, entry: Label, to: Target) {
        if let Some(k) = self.in_page(to) {
            return self.branch(b, entry, None, k);
        }
        let ip = Host(10);
        let a = &mut self.emit.asm;
        let way = match to {
            Target::Offset(k) => {
                a.lea(true, ip, at(PAGE_IP, k as i32));
                Some(Fixed::To(k))
            }
            Target::At(other, way) => {
                if other != ip {
                    a.mov(true, ip, other);
                }
                way
            }
        };
        self.go_anywhere(ip, way);
    }

    /// Goes on at an instruction pointer, by a way that is known (see [`abi::Way`]), or else as [`abi::GO`] does.
    fn go_anywhere(&mut self, ip: Host, way: Option<Fixed>) {
        let (flat, user) = (self.emit.mode.is_flat(), self.emit.mode.is_user());
        let a = &mut self.emit.asm;
        let linear = if flat { ip } else { Host(9) };
        if !flat {
            a.load(64, linear, at(EXEC, abi::window_base(1)));
            a.alu(Alu::Add, true, linear, ip);
            a.alu_from(Alu::And, true, linear, at(EXEC, abi::word(abi::LINEAR_MASK)));
        }
        let miss = a.label();
        self.missing.push((miss, ip));
        if let Some(way) = way {
            a.mov_imm64(RAX, 0);
            self.ways.push((a.code.len() as u32 - 8, way));
        } else {
            a.imul_imm(true, RAX, linear, abi::WAY_MIX as i32);
            a.shift_imm(Shift::Shr, true, RAX, abi::WAY_MIXED as u8);
            a.alu_imm(Alu::And, false, RAX, abi::WAY_MASK as i32);
            a.alu_from(Alu::Add, true, RAX, at(EXEC, abi::word(abi::WAYS)));
        }
        a.alu_from(Alu::Cmp, true, linear, at(RAX, abi::WAY_LINEAR));
        a.jcc(NOT_EQUAL, miss);
        a.load(64, RCX, at(EXEC, abi::stamp(user)));
        a.alu_from(Alu::Cmp, true, RCX, at(RAX, abi::WAY_STAMP));
        a.jcc(NOT_EQUAL, miss);
        a.load(64, RCX, at(RAX, abi::WAY_CODE));
        // The page's instruction pointer: the target without its offset in the page.
        if flat {
            a.mov(true, PAGE_IP, ip);
            a.alu_imm(Alu::And, true, PAGE_IP, -(PAGE_SIZE as i32));
        } else {
            a.alu_imm(Alu::And, false, linear, PAGE_SIZE as i32 - 1);
            a.mov(true, PAGE_IP, ip);
            a.alu(Alu::Sub, true, PAGE_IP, linear);
        }
        a.jmp_at(at(RAX, abi::WAY_ADDRESS));
    }
}
