//! Windows: pages that a block has looked up, for accesses beside the one that did.
//!
//! Most of a block's accesses are by few registers: the stack's, and the bases of what is worked on. Where it is certain how far two
//! addresses are from each other, the second needs no look at the TLB but only whether it lies in the same page. Where it does not, it is
//! looked up, and the window is of that page from there on: a stack frame may begin in one and end in the next. Nothing that a draft
//! does by itself changes the TLB; where the interpreter's function has run, windows are shut.

use super::super::asm::{ABOVE, Alu, At, Host, Label, RAX, RCX, at};
use super::super::trace::{Op, Trace, V};
use super::{EXEC, Emit, Root, WINDOW, WINDOWS, Window};
use crate::abi;
use crate::mode::SegKind;
use crate::value::{Bin, Un};
use ferrite_core::exec::CodeSize;
use ferrite_core::memory::PAGE_SIZE;

/// A window that is moved to where an access lies: from the label `from` to `back`, or to `slow` where the TLB does not have that.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    from: Label,
    back: Label,
    slow: Label,
    /// The address: a general register, and a number.
    reg: u8,
    plus: i32,
    /// The window's registers, and how far from the window the access is.
    off: Host,
    host: Host,
    far: i32,
    /// The last offset in a page that it may have.
    last: i32,
    write: bool,
}

impl Emit {
    pub(super) fn new_root(&mut self) -> Root {
        self.root += 1;
        Root { id: self.root, plus: 0 }
    }

    /// What an operation's value is, as far as that follows from registers: by 64 bits in 64-bit code, else by 32.
    pub(super) fn root_of(&self, t: &Trace, op: Op) -> Root {
        let of = |v: V| self.roots[usize::from(v.0)];
        let plus = |v: V, n: u64| match of(v) {
            Root { id: 0, .. } => Root::default(),
            Root { id, plus } => Root { id, plus: plus.wrapping_add(n as i64) },
        };
        match op {
            Op::Reg(r) => self.known.roots[usize::from(r)],
            Op::Bin(op, a, b) => match (op, t.op(b)) {
                (Bin::Add, Op::Imm(n)) => plus(a, n),
                (Bin::Sub, Op::Imm(n)) => plus(a, n.wrapping_neg()),
                _ => Root::default(),
            },
            Op::Un(Un::Zext(32), a) if self.mode.code() != CodeSize::Bits64 => of(a),
            _ => Root::default(),
        }
    }

    /// Whether linear addresses in a segment are offsets.
    fn is_flat(&self, seg: u8, write: bool) -> bool {
        match self.mode.code() {
            CodeSize::Bits64 => seg < 4,
            CodeSize::Bits32 => self.mode.segment(seg) == SegKind::Flat && !(seg == 1 && write),
            CodeSize::Bits16 => false,
        }
    }

    /// The window by which an access can be made, and how far it is from that.
    fn window_for(&self, root: Root, write: bool) -> Option<(usize, i32)> {
        (0..WINDOWS).find_map(|k| {
            let w = &self.known.windows[k];
            if w.root.id != root.id || root.id == 0 || write && !w.write || self.known.window(k).is_none() {
                return None;
            }
            let far = root.plus.wrapping_sub(w.root.plus);
            let far = if self.mode.code() == CodeSize::Bits64 { far } else { i64::from(far as i32) };
            (far.unsigned_abs() < PAGE_SIZE).then_some((k, far as i32))
        })
    }

    /// Whether a value is of no use but for the address of an access that will be made by a window.
    pub(super) fn only_leads_near(&self, t: &Trace, v: V) -> bool {
        let mut v = v;
        loop {
            if self.uses[usize::from(v.0)] != 1 {
                return false;
            }
            let behind = usize::from(v.0) + 1;
            let user = t.ops[behind..].iter().zip(behind..).find_map(|(op, n)| match *op {
                Op::Un(Un::Zext(32), a) if a == v && self.mode.code() != CodeSize::Bits64 => Some((V(n as u16), None)),
                Op::Load { off, seg, write, .. } if off == v => Some((v, Some((seg, write)))),
                Op::Store { off, seg, v: stored, .. } if off == v && stored != v => Some((v, Some((seg, true)))),
                _ => None,
            });
            match user {
                Some((next, None)) => v = next,
                Some((_, Some((seg, write)))) => {
                    // Its root is that of what it was made of.
                    let root = self.roots.last().copied().unwrap_or_default();
                    return self.is_flat(seg, write) && self.window_for(root, write).is_some();
                }
                None => return false,
            }
        }
    }

    /// Where the host has an operand that lies beside one that was looked up.
    pub(super) fn near(&mut self, seg: u8, off: V, bytes: u32, write: bool) -> Option<At> {
        if !self.is_flat(seg, write) {
            return None;
        }
        let root = self.roots[usize::from(off.0)];
        let (k, far) = self.window_for(root, write)?;
        let (page_off, host) = self.known.window(k)?;
        let reg = self.known.roots.iter().position(|r| r.id == root.id)?;
        let plus = i32::try_from(root.plus.wrapping_sub(self.known.roots[reg].plus)).ok()?;
        let last = (PAGE_SIZE - u64::from(bytes)) as i32;
        let (from, back) = (self.asm.label(), self.asm.label());
        if far == 0 {
            self.asm.alu_imm(Alu::Cmp, true, page_off, last);
        } else {
            self.asm.lea(true, RCX, at(page_off, far));
            self.asm.alu_imm(Alu::Cmp, true, RCX, last);
        }
        self.may_be_slow();
        self.asm.jcc(ABOVE, from);
        self.asm.place(back);
        let (reg, slow) = (reg as u8, self.slow);
        self.moves.push(Move { from, back, slow, reg, plus, off: page_off, host, far, last, write });
        self.touch(page_off);
        self.touch(host);
        Some(at(host, far))
    }

    /// The ways by which windows are moved.
    pub fn write_moves(&mut self) {
        let long = self.mode.code() == CodeSize::Bits64;
        let a = &mut self.asm;
        for m in self.moves.drain(..) {
            a.place(m.from);
            // Nothing has changed yet: the register is as it was before the instruction.
            a.load(64, RAX, at(EXEC, abi::reg(m.reg)));
            a.lea(long, RAX, at(RAX, m.plus));
            a.call_at(at(EXEC, abi::word(if m.write { abi::DRAFT_LOOK_WRITE } else { abi::DRAFT_LOOK })));
            a.alu_imm(Alu::Cmp, true, RAX, m.last);
            a.jcc(ABOVE, m.slow);
            a.lea(true, m.off, at(RAX, -m.far));
            a.lea(true, m.host, at(RCX, -m.far));
            a.jmp(m.back);
        }
    }

    /// Remembers what was just looked up, where that is worth it: the offset in the page is in RCX, and RAX and `lin` add up to the
    /// host's address.
    pub(super) fn open_window(&mut self, seg: u8, off: V, lin: Host, write: bool) {
        let root = self.roots[usize::from(off.0)];
        let shared = (0..16).any(|r| self.shared >> r & 1 != 0 && self.known.roots[r].id == root.id);
        if root.id == 0 || !shared || !self.is_flat(seg, write) {
            return;
        }
        let age = |k: usize| self.known.window(k).map_or(0, |(h, _)| 1 + self.stamps[usize::from(h.0)]);
        let same = (0..WINDOWS).find(|&k| self.known.windows[k].root.id == root.id);
        let k = same.or_else(|| (0..WINDOWS).min_by_key(|&k| age(k))).unwrap_or(0);
        let place = WINDOW + 2 * k;
        self.known.host[place] = super::NOWHERE;
        self.known.host[place + 1] = super::NOWHERE;
        let Ok(page_off) = self.alloc() else { return };
        self.hold(page_off);
        let host = self.alloc();
        self.let_go(page_off);
        let Ok(host) = host else { return };
        self.asm.mov(true, page_off, RCX);
        self.asm.lea(true, host, At { base: RAX, index: Some(lin), disp: 0 });
        (self.known.host[place], self.known.host[place + 1]) = (page_off.0, host.0);
        self.known.windows[k] = Window { root, write };
    }
}
