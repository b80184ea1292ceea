//! What one instruction does, as a list of operations: an instance of [`Ops`] that takes notes.
//!
//! A value is the number of the operation that makes it. Numbers that follow from numbers are computed here, so that of an effective
//! address only what the encoding really has is left.

use crate::abi::FlagKind;
use crate::effects::{self, ALL, AX, C, CO, ZSP};
use crate::value::{Bin, Un};
use cranelift_codegen::ir::condcodes::IntCC;
use ferrite_core::cpu::Exception;
use ferrite_core::cpu::state::{RIP, ZERO};
use ferrite_core::isa::Insn;
use ferrite_core::isa::ops::{Cond, Helper, Ops};
use ferrite_core::isa::select_simd::{Place, Vector};
use iced_x86::Instruction;

/// A value: the number of an operation of the running instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V(pub u16);

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Imm(u64),
    /// The instruction pointer of an offset in the page.
    Ip(i64),
    Reg(u8),
    Un(Un, V),
    Bin(Bin, V, V),
    /// 1 or 0, by all 64 bits.
    Cmp(IntCC, V, V),
    Select(V, V, V),
    /// `write`: it will be written back.
    Load {
        bits: u32,
        seg: u8,
        off: V,
        write: bool,
    },
    /// A lazy flag word, by its number in [`crate::abi::flag_words`].
    Word(u8),
    Cond(Cond),
    Df,
    SetReg(u8, V),
    Store {
        bits: u32,
        seg: u8,
        off: V,
        v: V,
    },
    StoreBack {
        bits: u32,
        v: V,
    },
    SetWord(u8, V),
    /// The flags are those of an operation.
    Flags {
        kind: FlagKind,
        bits: u32,
        a: V,
        b: V,
        r: V,
    },
    Branch {
        taken: V,
        target: V,
    },
    RaiseIf(V),
    /// [`Trace::vector`], with its operand in memory, or the general register that it reads. Makes what it writes to a general register.
    Vector {
        memory: Option<Operand>,
        general: Option<V>,
    },
}

/// An operand in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    pub bits: u32,
    pub seg: u8,
    pub off: V,
    pub write: bool,
    /// It faults where it is not aligned by its size.
    pub aligned: bool,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Trace {
    pub ops: Vec<Op>,
    /// No bit of each value at or above this one is set.
    widths: Vec<u8>,
    /// Flag words read before they are written, and those written: as [`crate::effects`] has them.
    pub flags_read: u8,
    pub flags_written: u8,
    /// It says of which operation the flags are, and perhaps changes words of them besides.
    pub names_flags: bool,
    /// It may be given back to the interpreter.
    pub leaves: bool,
    /// It cannot be drafted.
    pub fails: bool,
    /// The instruction that [`Op::Vector`] stands for.
    pub vector: Option<Instruction>,
    /// It has changed something: carrying it out again from its start would do harm.
    changed: bool,
    /// Bits of RSP that the stack uses, and the offset in the page behind the instruction.
    stack_mask: u64,
    next: u32,
}

impl Trace {
    /// Begins anew, for an instruction that ends at the offset `next` of the page.
    pub fn begin(&mut self, next: u32, stack_mask: u64) {
        self.ops.clear();
        self.widths.clear();
        (self.flags_read, self.flags_written, self.leaves, self.fails) = (0, 0, false, false);
        (self.changed, self.names_flags) = (false, false);
        (self.next, self.stack_mask) = (next, stack_mask);
    }

    pub fn op(&self, v: V) -> Op {
        self.ops[usize::from(v.0)]
    }

    pub fn width(&self, v: V) -> u32 {
        u32::from(self.widths[usize::from(v.0)])
    }

    /// The general register that each access is made by, numbers aside.
    pub fn bases(&self) -> impl Iterator<Item = u8> {
        self.ops.iter().filter_map(|op| {
            let (Op::Load { off, .. } | Op::Store { off, .. } | Op::Vector { memory: Some(Operand { off, .. }), .. }) =
                *op
            else {
                return None;
            };
            let mut v = off;
            loop {
                match self.op(v) {
                    Op::Reg(r) => return Some(r),
                    Op::Un(Un::Zext(_), a) | Op::Bin(Bin::Add | Bin::Sub, a, _) => v = a,
                    _ => return None,
                }
            }
        })
    }

    /// Notes a vector instruction, which the host carries out as it is.
    pub fn note_vector(&mut self, ins: &Instruction, v: &Vector, i: &Insn) {
        self.vector = Some(*ins);
        let general = match v.source {
            Place::R32 => Some(self.get::<32>(i.src)),
            Place::R64 => Some(self.get::<64>(i.src)),
            _ => None,
        };
        let operand =
            [(v.target, true), (v.source, false)].into_iter().find_map(|(p, write)| Some((bits_of(p)?, p, write)));
        let memory = operand.map(|(bits, place, write)| {
            let off = self.ea(i);
            Operand { bits, seg: i.seg, off, write, aligned: place == Place::M128 }
        });
        self.leaves();
        let result = self.push(Op::Vector { memory, general }, 64);
        self.changed = true;
        match v.target {
            Place::R32 => self.put::<32>(i.dst, result),
            Place::R64 => self.put::<64>(i.dst, result),
            _ => {}
        }
    }

    fn push(&mut self, op: Op, width: u32) -> V {
        if let Some(same) = self.found(op) {
            return same;
        }
        self.ops.push(op);
        self.widths.push(width as u8);
        // An instruction has some tens of operations.
        V((self.ops.len() - 1) as u16)
    }

    /// Where the same has been computed already.
    fn found(&self, op: Op) -> Option<V> {
        // Each by what it is made of alone: this is asked for every operation.
        let at = match op {
            Op::Imm(n) => self.ops.iter().position(|o| matches!(*o, Op::Imm(m) if m == n))?,
            Op::Ip(n) => self.ops.iter().position(|o| matches!(*o, Op::Ip(m) if m == n))?,
            Op::Un(op, a) => self.ops.iter().position(|o| matches!(*o, Op::Un(p, b) if (p, b) == (op, a)))?,
            Op::Bin(op, a, b) => {
                self.ops.iter().position(|o| matches!(*o, Op::Bin(p, c, d) if (p, c, d) == (op, a, b)))?
            }
            Op::Reg(r) => {
                let last = self
                    .ops
                    .iter()
                    .rposition(|o| matches!(*o, Op::SetReg(..)) || matches!(*o, Op::Reg(s) if s == r))?;
                if !matches!(self.ops[last], Op::Reg(_)) {
                    return None;
                }
                last
            }
            Op::Cmp(..) | Op::Select(..) => self.ops.iter().position(|&o| o == op)?,
            _ => return None,
        };
        Some(V(at as u16))
    }

    fn constant(&self, v: V) -> Option<u64> {
        match self.op(v) {
            Op::Imm(n) => Some(n),
            _ => None,
        }
    }

    fn un(&mut self, op: Un, a: V) -> V {
        if let Some(n) = self.constant(a) {
            return self.imm(crate::value::fold_un(op, n));
        }
        let width = match op {
            Un::Zext(w) if self.width(a) <= w => return a,
            Un::Sext(w) if self.width(a) < w || w == 64 => return a,
            Un::Zext(w) => w,
            Un::Clz | Un::Ctz | Un::Popcnt => 7,
            Un::Not | Un::Sext(_) | Un::Bswap => 64,
        };
        self.push(Op::Un(op, a), width)
    }

    fn bin(&mut self, op: Bin, a: V, b: V) -> V {
        let (x, y) = (self.constant(a), self.constant(b));
        if let (Some(x), Some(y)) = (x, y) {
            return self.imm(crate::value::fold(op, x, y));
        }
        match op {
            Bin::And | Bin::Or if a == b => return a,
            Bin::Xor | Bin::Sub if a == b => return self.imm(0),
            _ => {}
        }
        let (wa, wb) = (self.width(a), self.width(b));
        match (op, x, y) {
            (Bin::Add | Bin::Or | Bin::Xor | Bin::Sub | Bin::Shl | Bin::Shr | Bin::Sar, _, Some(0)) => return a,
            (Bin::Add | Bin::Or | Bin::Xor, Some(0), _) => return b,
            (Bin::And, _, Some(u64::MAX)) => return a,
            (Bin::And, _, Some(0)) | (Bin::And, Some(0), _) => return self.imm(0),
            (Bin::And, _, Some(0xffff_ffff)) => return self.un(Un::Zext(32), a),
            (Bin::And, _, Some(0xffff)) => return self.un(Un::Zext(16), a),
            (Bin::And, _, Some(0xff)) => return self.un(Un::Zext(8), a),
            (Bin::Add, _, Some(n)) => {
                if let Op::Ip(at) = self.op(a) {
                    return self.push(Op::Ip(at.wrapping_add(n as i64)), 64);
                }
            }
            // A number comes second.
            (Bin::Add | Bin::And | Bin::Or | Bin::Xor | Bin::Mul, Some(_), None) => return self.bin(op, b, a),
            _ => {}
        }
        let width = match op {
            Bin::And => wa.min(wb),
            Bin::Or | Bin::Xor => wa.max(wb),
            Bin::Shr => y.map_or(wa, |n| wa.saturating_sub((n & 63) as u32)),
            _ => 64,
        };
        self.push(Op::Bin(op, a, b), width.max(1))
    }

    fn cmp(&mut self, cc: IntCC, a: V, b: V) -> V {
        if let (Some(x), Some(y)) = (self.constant(a), self.constant(b)) {
            let holds = match cc {
                IntCC::Equal => x == y,
                IntCC::UnsignedLessThan => x < y,
                _ => (x as i64) < y as i64,
            };
            return self.imm(holds.into());
        }
        self.push(Op::Cmp(cc, a, b), 1)
    }

    /// A way out.
    fn leaves(&mut self) {
        self.leaves = true;
        self.fails |= self.changed;
    }

    fn reads(&mut self, which: u8) {
        self.flags_read |= effects::unwritten(which, self.flags_written);
    }

    fn flags(&mut self, kind: FlagKind, bits: u32, a: V, b: V, r: V) {
        self.flags_written |= ALL;
        (self.changed, self.names_flags) = (true, true);
        self.push(Op::Flags { kind, bits, a, b, r }, 0);
    }

    fn load_as(&mut self, bits: u32, seg: u8, off: V, write: bool) -> V {
        self.leaves();
        self.push(Op::Load { bits, seg, off, write }, bits)
    }
}

/// The bits of an operand in memory.
const fn bits_of(place: Place) -> Option<u32> {
    Some(match place {
        Place::M8 => 8,
        Place::M16 => 16,
        Place::M32 => 32,
        Place::M64 => 64,
        Place::M128 | Place::U128 => 128,
        _ => return None,
    })
}

macro_rules! binary {
    ($($f:ident $op:ident;)*) => {
        $(fn $f(&mut self, a: V, b: V) -> V { self.bin(Bin::$op, a, b) })*
    };
}

impl Ops for Trace {
    type V = V;

    fn imm(&mut self, v: u64) -> V {
        self.push(Op::Imm(v), 64 - v.leading_zeros())
    }
    binary! { add Add; sub Sub; mul Mul; umulh Umulh; smulh Smulh; and And; or Or; xor Xor; shl Shl; shr Shr; sar Sar; }
    fn not(&mut self, a: V) -> V {
        self.un(Un::Not, a)
    }
    fn eq(&mut self, a: V, b: V) -> V {
        self.cmp(IntCC::Equal, a, b)
    }
    fn ult(&mut self, a: V, b: V) -> V {
        self.cmp(IntCC::UnsignedLessThan, a, b)
    }
    fn slt(&mut self, a: V, b: V) -> V {
        self.cmp(IntCC::SignedLessThan, a, b)
    }
    fn select(&mut self, c: V, a: V, b: V) -> V {
        match self.constant(c) {
            Some(0) => return b,
            Some(_) => return a,
            None if a == b => return a,
            None => {}
        }
        let width = self.width(a).max(self.width(b));
        self.push(Op::Select(c, a, b), width)
    }
    fn clz(&mut self, a: V) -> V {
        self.un(Un::Clz, a)
    }
    fn ctz(&mut self, a: V) -> V {
        self.un(Un::Ctz, a)
    }
    fn popcnt(&mut self, a: V) -> V {
        self.un(Un::Popcnt, a)
    }
    fn bswap(&mut self, a: V) -> V {
        self.un(Un::Bswap, a)
    }
    fn zext<const B: u32>(&mut self, a: V) -> V {
        self.un(Un::Zext(B), a)
    }
    fn sext<const B: u32>(&mut self, a: V) -> V {
        self.un(Un::Sext(B), a)
    }

    fn reg(&mut self, r: u8) -> V {
        match r {
            ZERO => self.imm(0),
            RIP => self.push(Op::Ip(self.next.into()), 64),
            0..16 => self.push(Op::Reg(r), 64),
            _ => {
                self.fails = true;
                self.imm(0)
            }
        }
    }
    fn set_reg(&mut self, r: u8, v: V) {
        self.fails |= r >= 16;
        self.changed = true;
        self.push(Op::SetReg(r, v), 0);
    }

    fn load<const B: u32>(&mut self, seg: u8, off: V) -> Result<V, Exception> {
        Ok(self.load_as(B, seg, off, false))
    }
    fn load_rmw<const B: u32>(&mut self, seg: u8, off: V) -> Result<V, Exception> {
        Ok(self.load_as(B, seg, off, true))
    }
    fn store_back<const B: u32>(&mut self, v: V) -> Result<(), Exception> {
        self.changed = true;
        self.push(Op::StoreBack { bits: B, v }, 0);
        Ok(())
    }
    fn store<const B: u32>(&mut self, seg: u8, off: V, v: V) -> Result<(), Exception> {
        self.leaves();
        self.changed = true;
        self.push(Op::Store { bits: B, seg, off, v }, 0);
        Ok(())
    }
    fn stack_mask(&mut self) -> V {
        self.imm(self.stack_mask)
    }

    fn flag_zr(&mut self) -> V {
        self.reads(ZSP);
        self.push(Op::Word(0), 64)
    }
    fn flag_sp(&mut self) -> V {
        self.reads(ZSP);
        self.push(Op::Word(1), 64)
    }
    fn flag_co(&mut self) -> V {
        self.reads(CO | C);
        self.push(Op::Word(2), 64)
    }
    fn flag_ax(&mut self) -> V {
        self.reads(AX);
        self.push(Op::Word(3), 64)
    }
    fn set_zsp(&mut self, zr: V, sp: V) {
        self.flags_written |= ZSP;
        self.changed = true;
        self.push(Op::SetWord(0, zr), 0);
        self.push(Op::SetWord(1, sp), 0);
    }
    fn set_co(&mut self, co: V) {
        self.flags_written |= CO;
        self.changed = true;
        self.push(Op::SetWord(2, co), 0);
    }
    fn set_ax(&mut self, ax: V) {
        self.flags_written |= AX;
        self.changed = true;
        self.push(Op::SetWord(3, ax), 0);
    }
    fn arithmetic(&mut self) -> V {
        self.fails = true;
        self.imm(0)
    }
    fn set_arithmetic(&mut self, _: V) {
        self.fails = true;
    }
    fn cond(&mut self, c: Cond) -> V {
        self.reads(effects::read_by(c));
        self.push(Op::Cond(c), 1)
    }
    fn cf(&mut self) -> V {
        self.cond(Cond::B)
    }
    fn df(&mut self) -> V {
        self.push(Op::Df, 1)
    }
    fn flags_add<const B: u32>(&mut self, a: V, b: V, r: V) {
        if self.op(r) == Op::Bin(Bin::Add, a, b) || self.op(r) == Op::Bin(Bin::Add, b, a) {
            self.flags(FlagKind::Add, B, a, b, r);
        } else {
            self.flags_adc::<B>(a, b, r);
        }
    }
    fn flags_sub<const B: u32>(&mut self, a: V, b: V, r: V) {
        if self.constant(b) == Some(0) {
            self.flags(FlagKind::Logic, B, a, b, r); // nothing is borrowed
        } else {
            self.flags(FlagKind::Sub, B, a, b, r);
        }
    }
    fn flags_inc<const B: u32>(&mut self, a: V, _: V, r: V) {
        let cf = self.cf();
        self.flags(FlagKind::Inc, B, a, cf, r);
    }
    fn flags_dec<const B: u32>(&mut self, a: V, _: V, r: V) {
        let cf = self.cf();
        self.flags(FlagKind::Dec, B, a, cf, r);
    }
    fn flags_logic<const B: u32>(&mut self, r: V) {
        self.flags(FlagKind::Logic, B, r, r, r);
    }

    fn branch<const B: u32>(&mut self, taken: V, target: V) -> Result<(), Exception> {
        // Cutting the instruction pointer of a place in the page is left to who knows where the page lies.
        let target = match self.op(target) {
            Op::Ip(_) if B == 64 => target,
            _ => self.un(Un::Zext(B), target),
        };
        self.push(Op::Branch { taken, target }, 0);
        Ok(())
    }
    fn raise_if(&mut self, c: V, _: Exception) -> Result<(), Exception> {
        if self.constant(c) != Some(0) {
            self.leaves();
            self.push(Op::RaiseIf(c), 0);
        }
        Ok(())
    }
    fn call(&mut self, _: Helper, _: &Insn) -> Result<(), Exception> {
        self.fails = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::cpu::{Model, ModelName};
    use ferrite_core::exec::CodeSize;
    use ferrite_core::isa::decode;
    use ferrite_core::isa::select::Meaning;

    /// What an instruction at the start of a page does.
    fn traced(bytes: &[u8], code: CodeSize) -> Trace {
        let (insn, meaning) = decode::translate::<Trace>(bytes, code, &Model::new(ModelName::Max)).expect("valid");
        assert_eq!(usize::from(insn.len), bytes.len());
        let Some((_, Meaning::Semantic(f))) = meaning else { panic!("{bytes:02x?} has no meaning here") };
        let mut t = Trace::default();
        t.begin(insn.len.into(), if code == CodeSize::Bits64 { u64::MAX } else { 0xffff_ffff });
        f(&mut t, &insn).expect("nothing is raised here");
        t
    }

    fn load(t: &Trace) -> (u32, Op) {
        let mut loads = t.ops.iter().filter_map(|&o| match o {
            Op::Load { bits, off, .. } => Some((bits, t.op(off))),
            _ => None,
        });
        let found = loads.next().expect("a load");
        assert_eq!(loads.next(), None);
        found
    }

    #[test]
    fn numbers_that_follow_from_numbers_are_computed() {
        let mut t = Trace::default();
        let (a, b) = (t.imm(0xf0), t.imm(3));
        for (v, n) in [
            (t.add(a, b), 0xf3),
            (t.sub(b, a), 3u64.wrapping_sub(0xf0)),
            (t.and(a, b), 0),
            (t.shl(a, b), 0x780),
            (t.ult(a, b), 0),
            (t.eq(b, b), 1),
            (t.not(b), !3),
            (t.sext::<8>(a), 0xf0u8 as i8 as u64),
        ] {
            assert_eq!(t.op(v), Op::Imm(n));
        }
        assert!(!t.fails);
    }

    #[test]
    fn what_changes_nothing_is_no_operation() {
        let mut t = Trace::default();
        let (r, zero, all) = (t.reg(1), t.imm(0), t.imm(u64::MAX));
        let before = t.ops.len();
        for v in [t.add(r, zero), t.add(zero, r), t.or(r, zero), t.shl(r, zero), t.and(r, all)] {
            assert_eq!(v, r);
        }
        let cut = t.zext::<16>(r);
        assert_eq!(t.zext::<32>(cut), cut, "it has no bits above");
        assert_eq!(t.select(all, r, zero), r);
        assert_eq!(t.select(zero, r, cut), cut);
        assert_eq!(t.ops.len(), before + 1);
        let low = t.imm(0xff);
        let v = t.and(low, r);
        assert_eq!(t.op(v), Op::Un(Un::Zext(8), r), "a mask is a cut");
    }

    #[test]
    fn what_was_computed_is_not_computed_again_but_a_register_that_was_written_is_read() {
        let mut t = Trace::default();
        let (a, b) = (t.reg(1), t.reg(2));
        let sum = t.add(a, b);
        let (again, other) = (t.reg(1), t.reg(2));
        assert_eq!((again, other, t.add(again, other)), (a, b, sum));
        let zero = t.xor(again, a);
        assert_eq!((t.op(zero), t.and(a, again)), (Op::Imm(0), a));
        t.set_reg(1, sum);
        assert_ne!(t.reg(1), a);
        assert_ne!(t.reg(2), b, "no later than that, to be simple");
        let one = t.load::<8>(3, a).expect("a load is only noted");
        assert_ne!(t.load::<8>(3, a).expect("so is this"), one, "memory may have changed");
    }

    #[test]
    fn of_an_effective_address_only_what_the_encoding_has_is_left() {
        let cut = |t: &Trace, r| matches!(load(t).1, Op::Un(Un::Zext(32), v) if t.op(v) == Op::Reg(r));
        let t = traced(&[0x8b, 0x05, 0x78, 0x56, 0x34, 0x12], CodeSize::Bits32); // mov eax, [12345678h]
        assert_eq!(load(&t), (32, Op::Imm(0x1234_5678)));
        assert!(!t.ops.iter().any(|o| matches!(o, Op::Bin(..) | Op::Reg(_))), "{:?}", t.ops);
        let t = traced(&[0x8b, 0x03], CodeSize::Bits32); // mov eax, [ebx]
        assert!(cut(&t, 3) && !t.ops.iter().any(|o| matches!(o, Op::Bin(..))), "{:?}", t.ops);
        let t = traced(&[0x8b, 0x0c, 0xd0], CodeSize::Bits64); // mov ecx, [rax + rdx * 8]
        assert_eq!(t.ops.iter().filter(|o| matches!(o, Op::Bin(..))).count(), 2, "{:?}", t.ops);
        let t = traced(&[0x8a, 0x05, 0xf9, 0xff, 0xff, 0xff], CodeSize::Bits64); // mov al, [rip - 7]
        assert_eq!(load(&t), (8, Op::Ip(-1)), "an offset in the page, which may be in front of it");
    }

    #[test]
    fn a_way_out_behind_a_change_cannot_be_drafted() {
        for (bytes, fails) in [
            (&[0x8f, 0x00][..], true), // pop [rax]: the stack pointer moves before the store may fault
            (&[0xff, 0x30], false),    // push [rax]
            (&[0x58], false),          // pop rax
            (&[0x01, 0x18], false),    // add [rax], ebx: what is read to be written back can be written
            (&[0x86, 0x18], false),    // xchg [rax], bl
            (&[0xff, 0x10], false),    // call [rax]
            (&[0xc3], false),          // ret
        ] {
            let t = traced(bytes, CodeSize::Bits64);
            assert_eq!(t.fails, fails, "{bytes:02x?}: {:?}", t.ops);
            assert!(t.leaves);
        }
        let mut t = Trace::default();
        let v = t.reg(0);
        t.set_reg(1, v);
        let _ = t.load::<8>(3, v);
        assert!(t.fails);
        assert!(!traced(&[0x01, 0xd8], CodeSize::Bits32).leaves, "add eax, ebx stays here");
    }

    #[test]
    fn no_value_has_a_bit_above_its_width() {
        let mut t = Trace::default();
        let r = t.reg(2);
        let (six, byte) = (t.imm(6), t.zext::<8>(r));
        let word = t.load::<16>(3, r).expect("a load is only noted");
        let (flag, count) = (t.cond(Cond::O), t.popcnt(r));
        for (v, width) in [
            (r, 64),
            (six, 3),
            (byte, 8),
            (word, 16),
            (flag, 1),
            (count, 7),
            (t.and(r, byte), 8),
            (t.or(word, byte), 16),
            (t.xor(flag, byte), 8),
            (t.shr(word, six), 10),
            (t.add(byte, byte), 64),
            (t.eq(r, word), 1),
            (t.select(flag, byte, word), 16),
            (t.sext::<8>(word), 64),
            (t.bswap(word), 64),
        ] {
            assert_eq!(t.width(v), width, "{:?}", t.op(v));
        }
    }

    #[test]
    fn flags_that_an_instruction_writes_itself_are_not_read() {
        assert_eq!(traced(&[0x01, 0xd8], CodeSize::Bits32).flags_read, 0); // add eax, ebx
        assert_eq!(traced(&[0x01, 0xd8], CodeSize::Bits32).flags_written, ALL);
        assert_eq!(traced(&[0x40], CodeSize::Bits32).flags_read, C, "inc eax keeps the carry");
        assert_eq!(traced(&[0x74, 0x00], CodeSize::Bits32).flags_read, ZSP); // je
        assert_eq!(traced(&[0x76, 0x00], CodeSize::Bits32).flags_read, C | ZSP); // jbe
    }
}
