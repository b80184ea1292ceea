//! Where values are: registers of the host, what they hold of the guest's state, and how long they are needed.
//!
//! Every value has a count of the uses that are still to come, and so has every register that one is in. A register without any may be
//! given away, one that holds no place of memory first, then the one whose place was asked for the longest ago.

use super::super::asm::{Alu, At, Cc, Host, NOT_EQUAL, RAX, at};
use super::super::trace::{Trace, V};
use super::{Emit, Is, NOWHERE, PAGE_IP, PLACES, POOL, R, Test, TooMuch, address};

impl Emit {
    /// The registers that places of memory are in, too, a bit for each.
    fn cached_hosts(&self) -> u32 {
        // A bit that is none of theirs for what is nowhere.
        self.known.host.iter().fold(0, |all, &h| all | 1 << (h & 31))
    }

    pub(super) fn is_cached(&self, h: Host) -> bool {
        self.cached_hosts() >> h.0 & 1 != 0
    }

    pub(super) fn forget_host(&mut self, h: Host) {
        for place in &mut self.known.host {
            if *place == h.0 {
                *place = NOWHERE;
            }
        }
    }

    /// Forgets what is in registers, and what the guest's hold.
    pub fn forget_all(&mut self) {
        self.known.host = [NOWHERE; PLACES];
        self.known.roots = std::array::from_fn(|_| self.new_root());
        self.known.vectors = false;
    }

    pub(super) fn alloc(&mut self) -> R<Host> {
        let free = |e: &Self, h: Host| e.held[usize::from(h.0)] == 0;
        let cached = self.cached_hosts();
        let h = POOL.into_iter().find(|&h| free(self, h) && cached >> h.0 & 1 == 0);
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

    pub(super) fn touch(&mut self, h: Host) {
        self.clock += 1;
        self.stamps[usize::from(h.0)] = self.clock;
    }

    pub(super) fn hold(&mut self, h: Host) {
        self.held[usize::from(h.0)] += 1;
    }

    pub(super) fn let_go(&mut self, h: Host) {
        let n = &mut self.held[usize::from(h.0)];
        *n = n.saturating_sub(1);
    }

    /// Says where a value is.
    pub(super) fn define(&mut self, v: V, is: Is) {
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
    pub(super) fn release(&mut self, v: V) {
        let n = &mut self.uses[usize::from(v.0)];
        *n = n.saturating_sub(1);
        for h in self.values[usize::from(v.0)].hosts().into_iter().flatten() {
            self.let_go(h);
        }
    }

    pub(super) fn is(&self, v: V) -> Is {
        self.values[usize::from(v.0)]
    }

    pub(super) fn imm_of(&self, v: V) -> Option<u64> {
        match self.is(v) {
            Is::Imm(n) => Some(n),
            _ => None,
        }
    }

    /// The register that a value is in: good for its low 32 bits, or for all that were asked for.
    pub(super) fn host(&mut self, v: V) -> R<Host> {
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
                match i32::try_from(k) {
                    Ok(k) => self.asm.lea(true, h, at(PAGE_IP, k)),
                    Err(_) => {
                        self.asm.mov_imm(h, k as u64);
                        self.asm.lea(true, h, At { base: PAGE_IP, index: Some(h), disp: 0 });
                    }
                }
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
    pub(super) fn whole(&mut self, t: &Trace, v: V) -> R<Host> {
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
    pub(super) fn dest(&mut self, a: V) -> R<Host> {
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
    pub(super) fn carry_out(&mut self, cc: Cc, test: Test) -> Cc {
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
    pub(super) fn outcome(&mut self, t: &Trace, v: V) -> R<Cc> {
        if let Is::Outcome(cc, test) = self.is(v) {
            return Ok(self.carry_out(cc, test));
        }
        let h = self.host(v)?;
        self.asm.test(if t.width(v) <= 32 { 32 } else { 64 }, h);
        Ok(NOT_EQUAL)
    }

    /// What a place of memory holds, in a register.
    pub(super) fn cached(&mut self, place: usize) -> R<(Host, u8)> {
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
    pub(super) fn put(&mut self, t: &Trace, place: usize, v: V) -> R<()> {
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

    pub(super) fn put_imm(&mut self, place: usize, n: u64) {
        self.known.host[place] = NOWHERE;
        self.write_imm(place, n);
    }

    pub(super) fn write_imm(&mut self, place: usize, n: u64) {
        match i32::try_from(n as i64) {
            Ok(n) => self.asm.store_imm(64, address(place), n),
            Err(_) => {
                self.asm.mov_imm(RAX, n);
                self.asm.store(64, address(place), RAX);
            }
        }
    }
}
