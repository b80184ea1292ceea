//! The operations of which the meaning of an instruction is made.
//!
//! A meaning is a function over `O: Ops`. The interpreter's `O` is [`crate::exec::Exec`], where a value is a number;
//! a translator's `O` emits code and a value is a node of it. So a meaning never looks into a value with a Rust `if`:
//! it says [`Ops::select`] or [`Ops::branch`]. What it may look at are the fields of [`Insn`], which are constants
//! for a translator.
//!
//! Values are 64 bits wide. An operand of fewer bits is zero-extended; the result of an operation may have
//! rubbish above the operand size until [`Ops::zext`] or a write cuts it off.

use super::insn::{HIGH, Insn};
use crate::cpu::Exception;
use crate::cpu::state::{RIP, RSP};

/// A function too big to be made of operations; every engine calls it.
pub type Helper = super::insn::Handler;

/// The meaning of an instruction for one engine.
pub type Semantic<O> = fn(&mut O, &Insn) -> Result<(), Exception>;

/// The sixteen conditions, in encoding order. SDM Vol. 1, "EFLAGS Condition Codes".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Cond {
    O,
    No,
    B,
    Ae,
    E,
    Ne,
    Be,
    A,
    S,
    Ns,
    P,
    Np,
    L,
    Ge,
    Le,
    G,
}

/// See the module's text. `B` is an operand size in bits: 8, 16, 32 or 64.
#[allow(missing_docs)]
pub trait Ops: Sized {
    /// A value of up to 64 bits.
    type V: Copy;

    fn imm(&mut self, v: u64) -> Self::V;
    fn add(&mut self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(&mut self, a: Self::V, b: Self::V) -> Self::V;
    /// Low 64 bits of the product.
    fn mul(&mut self, a: Self::V, b: Self::V) -> Self::V;
    /// High 64 bits of the unsigned 128-bit product.
    fn umulh(&mut self, a: Self::V, b: Self::V) -> Self::V;
    /// High 64 bits of the signed 128-bit product.
    fn smulh(&mut self, a: Self::V, b: Self::V) -> Self::V;
    fn and(&mut self, a: Self::V, b: Self::V) -> Self::V;
    fn or(&mut self, a: Self::V, b: Self::V) -> Self::V;
    fn xor(&mut self, a: Self::V, b: Self::V) -> Self::V;
    fn not(&mut self, a: Self::V) -> Self::V;
    /// Shifts; the count is taken modulo 64.
    fn shl(&mut self, a: Self::V, n: Self::V) -> Self::V;
    fn shr(&mut self, a: Self::V, n: Self::V) -> Self::V;
    fn sar(&mut self, a: Self::V, n: Self::V) -> Self::V;
    /// 1 or 0.
    fn eq(&mut self, a: Self::V, b: Self::V) -> Self::V;
    fn ult(&mut self, a: Self::V, b: Self::V) -> Self::V;
    fn slt(&mut self, a: Self::V, b: Self::V) -> Self::V;
    /// `a` when `c` is not 0, else `b`.
    fn select(&mut self, c: Self::V, a: Self::V, b: Self::V) -> Self::V;
    /// Leading zeros of 64 bits.
    fn clz(&mut self, a: Self::V) -> Self::V;
    /// Trailing zeros of 64 bits.
    fn ctz(&mut self, a: Self::V) -> Self::V;
    fn popcnt(&mut self, a: Self::V) -> Self::V;
    fn bswap(&mut self, a: Self::V) -> Self::V;
    fn zext<const B: u32>(&mut self, a: Self::V) -> Self::V;
    fn sext<const B: u32>(&mut self, a: Self::V) -> Self::V;

    /// All 64 bits of a register.
    fn reg(&mut self, r: u8) -> Self::V;
    fn set_reg(&mut self, r: u8, v: Self::V);

    /// Reads memory; see [`Insn::seg`] for the segment's numbers.
    ///
    /// # Errors
    /// The fault of the access.
    fn load<const B: u32>(&mut self, seg: u8, off: Self::V) -> Result<Self::V, Exception>;
    /// Reads memory that the instruction will write back: faults as a write does.
    ///
    /// # Errors
    /// The fault of the access.
    fn load_rmw<const B: u32>(&mut self, seg: u8, off: Self::V) -> Result<Self::V, Exception>;
    /// Writes back to where [`Ops::load_rmw`] last read.
    ///
    /// # Errors
    /// None that [`Ops::load_rmw`] would not have raised.
    fn store_back<const B: u32>(&mut self, v: Self::V) -> Result<(), Exception>;
    /// Writes memory.
    ///
    /// # Errors
    /// The fault of the access; nothing was written.
    fn store<const B: u32>(&mut self, seg: u8, off: Self::V, v: Self::V) -> Result<(), Exception>;
    /// Bits of RSP that count: 16, 32 or 64 of them.
    fn stack_mask(&mut self) -> Self::V;

    /// The lazy flag words; see [`crate::cpu::flags`].
    fn flag_zr(&mut self) -> Self::V;
    fn flag_sp(&mut self) -> Self::V;
    fn flag_co(&mut self) -> Self::V;
    fn flag_ax(&mut self) -> Self::V;
    /// Sets `Zf` from `zr` being zero, `Sf` from bit 63 of `sp` and `Pf` from its low byte.
    fn set_zsp(&mut self, zr: Self::V, sp: Self::V);
    fn set_co(&mut self, co: Self::V);
    fn set_ax(&mut self, ax: Self::V);
    /// The six arithmetic flags in their places.
    fn arithmetic(&mut self) -> Self::V;
    fn set_arithmetic(&mut self, bits: Self::V);
    /// 1 when the condition holds, else 0.
    fn cond(&mut self, c: Cond) -> Self::V;
    /// The direction flag: 1 or 0.
    fn df(&mut self) -> Self::V;

    /// Goes to `target` (cut to `B` bits) when `taken` is not 0.
    ///
    /// # Errors
    /// `#GP(0)` for a target outside the code segment or not canonical.
    fn branch<const B: u32>(&mut self, taken: Self::V, target: Self::V) -> Result<(), Exception>;
    /// Control will go to `target` (cut to `B` bits) when memory has been written that `target` may have been read from: an engine that
    /// gives instructions back looks at it here, where nothing has been done yet. It raises nothing: [`Ops::branch`] does.
    #[inline(always)]
    fn look_ahead<const B: u32>(&mut self, _target: Self::V) {}
    /// Raises `e` when `c` is not 0.
    ///
    /// # Errors
    /// `e`.
    fn raise_if(&mut self, c: Self::V, e: Exception) -> Result<(), Exception>;
    /// Calls a helper.
    ///
    /// # Errors
    /// What the helper raises.
    fn call(&mut self, h: Helper, i: &Insn) -> Result<(), Exception>;

    // Made of the above, the same for every engine.

    /// The offset of the memory operand.
    #[inline(always)]
    fn ea(&mut self, i: &Insn) -> Self::V {
        let base = self.reg(i.base);
        let index = self.reg(i.index);
        let n = self.imm(u64::from(i.scale));
        let scaled = self.shl(index, n);
        let disp = self.imm(i.disp as i64 as u64);
        let sum = self.add(base, scaled);
        let sum = self.add(sum, disp);
        let mask = self.imm(i.address_mask());
        self.and(sum, mask)
    }

    /// A register operand of `B` bits, zero-extended.
    #[inline(always)]
    fn get<const B: u32>(&mut self, r: u8) -> Self::V {
        if B == 8 {
            let v = self.reg(r & !HIGH);
            let n = self.imm(u64::from(r >> 2 & 8)); // HIGH >> 2 = 8
            let v = self.shr(v, n);
            self.zext::<8>(v)
        } else {
            let v = self.reg(r);
            self.zext::<B>(v)
        }
    }

    /// Writes a register operand: 8 and 16 bits keep the rest, 32 bits clear the upper half.
    #[inline(always)]
    fn put<const B: u32>(&mut self, r: u8, v: Self::V) {
        match B {
            64 => self.set_reg(r, v),
            32 => {
                let v = self.zext::<32>(v);
                self.set_reg(r, v);
            }
            16 => {
                let v = self.zext::<16>(v);
                let keep = self.imm(!0xffff);
                let old = self.reg(r);
                let old = self.and(old, keep);
                let new = self.or(old, v);
                self.set_reg(r, new);
            }
            _ => {
                let sh = u64::from(r >> 2 & 8);
                let keep = self.imm(!(0xff << sh));
                let n = self.imm(sh);
                let v = self.zext::<8>(v);
                let v = self.shl(v, n);
                let old = self.reg(r & !HIGH);
                let old = self.and(old, keep);
                let new = self.or(old, v);
                self.set_reg(r & !HIGH, new);
            }
        }
    }

    /// `Zf`, `Sf` and `Pf` from a result of `B` bits.
    #[inline(always)]
    fn flags_result<const B: u32>(&mut self, r: Self::V) {
        let s = self.sext::<B>(r);
        self.set_zsp(s, s);
    }

    /// All flags of `r = a + b`.
    #[inline(always)]
    fn flags_add<const B: u32>(&mut self, a: Self::V, b: Self::V, r: Self::V) {
        self.flags_adc::<B>(a, b, r);
    }

    /// All flags of `r = a - b`.
    #[inline(always)]
    fn flags_sub<const B: u32>(&mut self, a: Self::V, b: Self::V, r: Self::V) {
        self.flags_sbb::<B>(a, b, r);
    }

    /// All flags of `r = a + b + carry`.
    #[inline(always)]
    fn flags_adc<const B: u32>(&mut self, a: Self::V, b: Self::V, r: Self::V) {
        // Carries out of each bit: generated by both, or by one and not in the sum.
        let nr = self.not(r);
        let both = self.and(a, b);
        let any = self.or(a, b);
        let passed = self.and(any, nr);
        let carries = self.or(both, passed);
        self.flags_carries::<B>(carries, a, b, r);
    }

    /// All flags of `r = a - b - borrow`.
    #[inline(always)]
    fn flags_sbb<const B: u32>(&mut self, a: Self::V, b: Self::V, r: Self::V) {
        let na = self.not(a);
        let generated = self.and(na, b);
        let any = self.or(na, b);
        let passed = self.and(any, r);
        let borrows = self.or(generated, passed);
        self.flags_carries::<B>(borrows, a, b, r);
    }

    /// All flags from the carries or borrows out of each bit of `r = a ± b`.
    #[inline(always)]
    fn flags_carries<const B: u32>(&mut self, carries: Self::V, a: Self::V, b: Self::V, r: Self::V) {
        let n = self.imm(u64::from(64 - B));
        let co = self.shl(carries, n);
        let ab = self.xor(a, b);
        let ax = self.xor(ab, r);
        self.flags_result::<B>(r);
        self.set_co(co);
        self.set_ax(ax);
    }

    /// Flags of `r = a + one`: as of an addition, but `Cf` stays.
    #[inline(always)]
    fn flags_inc<const B: u32>(&mut self, a: Self::V, one: Self::V, r: Self::V) {
        let cf = self.cf();
        self.flags_add::<B>(a, one, r);
        let of = self.of();
        self.set_cf_of(cf, of);
    }

    /// Flags of `r = a - one`: as of a subtraction, but `Cf` stays.
    #[inline(always)]
    fn flags_dec<const B: u32>(&mut self, a: Self::V, one: Self::V, r: Self::V) {
        let cf = self.cf();
        self.flags_sub::<B>(a, one, r);
        let of = self.of();
        self.set_cf_of(cf, of);
    }

    /// Flags of a logical result: `Cf`, `Of` and `Af` are cleared.
    #[inline(always)]
    fn flags_logic<const B: u32>(&mut self, r: Self::V) {
        let zero = self.imm(0);
        self.flags_result::<B>(r);
        self.set_co(zero);
        self.set_ax(zero);
    }

    /// `Cf` and `Of` from two values that are 0 or 1.
    #[inline(always)]
    fn set_cf_of(&mut self, cf: Self::V, of: Self::V) {
        let n63 = self.imm(63);
        let n62 = self.imm(62);
        let x = self.xor(cf, of);
        let hi = self.shl(cf, n63);
        let lo = self.shl(x, n62);
        let co = self.or(hi, lo);
        self.set_co(co);
    }

    /// `Cf` as 0 or 1.
    #[inline(always)]
    fn cf(&mut self) -> Self::V {
        let co = self.flag_co();
        let n = self.imm(63);
        self.shr(co, n)
    }

    /// `Of` as 0 or 1.
    #[inline(always)]
    fn of(&mut self) -> Self::V {
        self.cond(Cond::O)
    }

    /// The instruction pointer: that of the next instruction.
    #[inline(always)]
    fn next_ip(&mut self) -> Self::V {
        self.reg(RIP)
    }

    /// Pushes `v` as `B` bits.
    ///
    /// # Errors
    /// The fault of the store; RSP is unchanged then.
    #[inline(always)]
    fn push<const B: u32>(&mut self, v: Self::V) -> Result<(), Exception> {
        let sp = self.reg(RSP);
        let n = self.imm(u64::from(B / 8));
        let new = self.sub(sp, n);
        let mask = self.stack_mask();
        let off = self.and(new, mask);
        self.store::<B>(2, off, v)?;
        self.set_sp(new);
        Ok(())
    }

    /// Reads `B` bits at the top of the stack without moving RSP.
    ///
    /// # Errors
    /// The fault of the load.
    #[inline(always)]
    fn peek<const B: u32>(&mut self) -> Result<Self::V, Exception> {
        let sp = self.reg(RSP);
        let mask = self.stack_mask();
        let off = self.and(sp, mask);
        self.load::<B>(2, off)
    }

    /// Moves RSP up by `bytes`.
    #[inline(always)]
    fn drop_stack(&mut self, bytes: u64) {
        let sp = self.reg(RSP);
        let n = self.imm(bytes);
        let new = self.add(sp, n);
        self.set_sp(new);
    }

    /// Writes the bits of RSP that count: SP alone, or ESP or RSP. The upper half of RSP that ESP was is 0 then, as of every register
    /// of 32 bits that is written (SDM Vol. 1, "General-Purpose Registers in 64-Bit Mode").
    #[inline(always)]
    fn set_sp(&mut self, new: Self::V) {
        let mask = self.stack_mask();
        let counts = self.sext::<32>(mask);
        let keep = self.not(counts);
        let old = self.reg(RSP);
        let old = self.and(old, keep);
        let new = self.and(new, mask);
        let v = self.or(old, new);
        self.set_reg(RSP, v);
    }
}

/// Where an operand is. Meanings are generic over it, so that each form is its own function.
pub trait Place {
    /// Reads it.
    ///
    /// # Errors
    /// The fault of a memory access.
    fn get<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> Result<O::V, Exception>;
    /// Reads it to write it back.
    ///
    /// # Errors
    /// The fault of a memory access, as a write.
    fn get_rmw<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> Result<O::V, Exception>;
    /// Writes it.
    ///
    /// # Errors
    /// The fault of a memory access.
    fn set<O: Ops, const B: u32>(o: &mut O, i: &Insn, v: O::V) -> Result<(), Exception>;
    /// Writes it after [`Place::get_rmw`].
    ///
    /// # Errors
    /// None that [`Place::get_rmw`] would not have raised.
    #[inline(always)]
    fn set_back<O: Ops, const B: u32>(o: &mut O, i: &Insn, v: O::V) -> Result<(), Exception> {
        Self::set::<O, B>(o, i, v)
    }
}

/// The register `Insn::dst`.
#[derive(Debug)]
pub struct Dst;
/// The register `Insn::src`.
#[derive(Debug)]
pub struct Src;
/// The memory operand.
#[derive(Debug)]
pub struct Mem;
/// The immediate; cannot be written.
#[derive(Debug)]
pub struct Imm;

macro_rules! register_place {
    ($t:ident, $field:ident) => {
        impl Place for $t {
            #[inline(always)]
            fn get<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> Result<O::V, Exception> {
                Ok(o.get::<B>(i.$field))
            }
            #[inline(always)]
            fn get_rmw<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> Result<O::V, Exception> {
                Ok(o.get::<B>(i.$field))
            }
            #[inline(always)]
            fn set<O: Ops, const B: u32>(o: &mut O, i: &Insn, v: O::V) -> Result<(), Exception> {
                o.put::<B>(i.$field, v);
                Ok(())
            }
        }
    };
}
register_place!(Dst, dst);
register_place!(Src, src);

impl Place for Mem {
    #[inline(always)]
    fn get<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> Result<O::V, Exception> {
        let a = o.ea(i);
        o.load::<B>(i.seg, a)
    }
    #[inline(always)]
    fn get_rmw<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> Result<O::V, Exception> {
        let a = o.ea(i);
        o.load_rmw::<B>(i.seg, a)
    }
    #[inline(always)]
    fn set<O: Ops, const B: u32>(o: &mut O, i: &Insn, v: O::V) -> Result<(), Exception> {
        let a = o.ea(i);
        o.store::<B>(i.seg, a, v)
    }
    #[inline(always)]
    fn set_back<O: Ops, const B: u32>(o: &mut O, _: &Insn, v: O::V) -> Result<(), Exception> {
        o.store_back::<B>(v)
    }
}

impl Place for Imm {
    #[inline(always)]
    fn get<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> Result<O::V, Exception> {
        let v = o.imm(i.imm);
        Ok(o.zext::<B>(v))
    }
    #[inline(always)]
    fn get_rmw<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> Result<O::V, Exception> {
        Self::get::<O, B>(o, i)
    }
    #[inline(always)]
    fn set<O: Ops, const B: u32>(_: &mut O, _: &Insn, _: O::V) -> Result<(), Exception> {
        // No encoding writes an immediate; selection never pairs one with a writing meaning.
        Err(Exception::UD)
    }
}
