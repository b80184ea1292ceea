//! The register stack: contents, tags, TOP, stack faults, and the status word.
//!
//! SDM Vol. 1, "x87 FPU Data Registers", "x87 FPU Status Register", "x87 FPU Tag Word", "Stack Overflow or Underflow
//! Exception (#IS)".

use crate::cpu::Exception;
use crate::cpu::segment::Seg;
use crate::cpu::state::Fpu;
use crate::exec::Exec;
use crate::fp::x87::quick::{self, Number, Quick};
use crate::fp::{Class, F80, X87Env};
use crate::isa::Insn;
use crate::isa::ops::Ops;

/// Status word bits.
#[allow(missing_docs)]
pub mod sw {
    pub const IE: u16 = 1 << 0;
    pub const PE: u16 = 1 << 5;
    /// All six exception flags.
    pub const EXCEPTIONS: u16 = 0x3f;
    pub const SF: u16 = 1 << 6;
    pub const ES: u16 = 1 << 7;
    pub const C0: u16 = 1 << 8;
    pub const C1: u16 = 1 << 9;
    pub const C2: u16 = 1 << 10;
    pub const TOP: u16 = 7 << 11;
    pub const C3: u16 = 1 << 14;
    pub const B: u16 = 1 << 15;
}

/// Bits of the control word that can be written: masks, PC, RC, and the infinity control that nothing reads.
const CONTROL_WRITABLE: u16 = 0x1f3f;
/// Bit 6 of the control word reads as 1.
const CONTROL_FIXED: u16 = 0x40;

impl Fpu {
    /// The physical register that is ST(`n`).
    #[must_use]
    #[inline(always)]
    pub const fn phys(&self, n: u8) -> usize {
        (self.top().wrapping_add(n) & 7) as usize
    }

    /// Contents of a physical register, whatever its tag.
    #[must_use]
    #[inline(always)]
    pub const fn reg(&self, p: usize) -> F80 {
        F80::new(self.sign_exponent[p & 7], self.significand[p & 7])
    }

    /// Writes a physical register and tags it valid.
    #[inline(always)]
    pub const fn set_reg(&mut self, p: usize, v: F80) {
        self.significand[p & 7] = v.sig;
        self.sign_exponent[p & 7] = v.se;
        self.valid |= 1 << (p & 7);
    }

    /// Whether a physical register holds something.
    #[must_use]
    #[inline(always)]
    pub const fn holds(&self, p: usize) -> bool {
        self.valid >> (p & 7) & 1 != 0
    }

    /// Replaces the contents of a register in use, and what an operation without exceptions leaves in the status word: a
    /// new C1, perhaps PE.
    #[inline(always)]
    pub const fn replace(&mut self, p: usize, v: Quick<F80>) {
        self.significand[p & 7] = v.value.sig;
        self.sign_exponent[p & 7] = v.value.se;
        self.leave(v.status);
    }

    /// Leaves PE and C1 as in `status`, PE if it was set, and all else as it was.
    #[inline(always)]
    pub const fn leave(&mut self, status: u16) {
        self.status_less_top = self.status_less_top & !sw::C1 | status;
    }

    /// Empties ST(0) and moves TOP up.
    #[inline(always)]
    pub const fn pop(&mut self) {
        let top = self.top();
        self.valid &= !(1 << top);
        self.set_top(top.wrapping_add(1));
    }

    /// Whether the register that a push would take is empty.
    #[must_use]
    #[inline(always)]
    pub const fn has_room(&self) -> bool {
        !self.holds(self.phys(7))
    }

    /// Moves TOP down and writes the new ST(0).
    #[inline(always)]
    pub const fn push(&mut self, v: F80) {
        let top = self.phys(7);
        self.set_top(top as u8);
        self.set_reg(top, v);
    }

    /// The environment that the control word asks for.
    #[must_use]
    #[inline(always)]
    pub const fn env(&self) -> X87Env {
        X87Env::from_control_word(self.control)
    }

    /// Takes over what an operation raised, and C1.
    #[inline(always)]
    pub fn report(&mut self, env: &X87Env) {
        self.report_exceptions(env);
        self.set_c1(env.rounded_up);
    }

    /// Takes over what an operation raised; the condition codes stay.
    #[inline(always)]
    pub fn report_exceptions(&mut self, env: &X87Env) {
        self.status_less_top |= u16::from(env.flags.bits());
        if !env.unmasked().is_empty() {
            self.status_less_top |= sw::ES | sw::B;
        }
    }

    /// Writes C1.
    #[inline(always)]
    pub const fn set_c1(&mut self, c1: bool) {
        self.status_less_top = self.status_less_top & !sw::C1 | (c1 as u16) << 9;
    }

    /// Writes C3, C2 and C0 from bits 2 to 0 of `codes`.
    #[inline(always)]
    pub const fn set_codes(&mut self, codes: u8) {
        let c = codes as u16;
        self.status_less_top =
            self.status_less_top & !(sw::C3 | sw::C2 | sw::C0) | (c & 4) << 12 | (c & 2) << 9 | (c & 1) << 8;
    }

    /// A use of an empty register: IE, SF, C1 clear. True when the masked response applies.
    #[cold]
    pub fn underflow(&mut self) -> bool {
        self.stack_fault(false)
    }

    /// A push onto a register in use: IE, SF, C1 set. True when the masked response applies.
    #[cold]
    pub fn overflow(&mut self) -> bool {
        self.stack_fault(true)
    }

    fn stack_fault(&mut self, c1: bool) -> bool {
        self.status_less_top |= sw::IE | sw::SF;
        self.set_c1(c1);
        let masked = self.control & sw::IE != 0;
        if !masked {
            self.status_less_top |= sw::ES | sw::B;
        }
        masked
    }

    /// Makes ES and B follow from the flags and masks, as after either was written directly.
    pub const fn summarize(&mut self) {
        if self.status_less_top & !self.control & sw::EXCEPTIONS != 0 {
            self.status_less_top |= sw::ES | sw::B;
        } else {
            self.status_less_top &= !(sw::ES | sw::B);
        }
    }

    /// Loads the control word; ES and B follow.
    pub const fn set_control(&mut self, cw: u16) {
        self.control = cw & CONTROL_WRITABLE | CONTROL_FIXED;
        self.summarize();
    }

    /// The full tag word, two bits a physical register: 0 valid, 1 zero, 2 special, 3 empty.
    #[must_use]
    pub fn tag_word(&self) -> u16 {
        (0..8).fold(0, |word, p| {
            let tag = match self.reg(p).class() {
                _ if !self.holds(p) => 3,
                Class::Normal => 0,
                Class::Zero => 1,
                _ => 2,
            };
            word | tag << (2 * p)
        })
    }

    /// Takes from a full tag word which registers are empty; the rest of it follows from the contents.
    pub fn set_tag_word(&mut self, word: u16) {
        self.valid = (0..8).fold(0, |v, p| v | u8::from(word >> (2 * p) & 3 != 3) << p);
    }
}

/// Records the last instruction's opcode and place. Every instruction but the control instructions does.
#[inline(always)]
pub(super) fn note(x: &mut Exec, i: &Insn) {
    let st = &mut x.st;
    st.fpu.opcode = i.imm as u16;
    st.fpu.ip = st.regs[crate::cpu::state::RIP as usize].wrapping_sub(u64::from(i.len));
    st.fpu.cs = st.seg[Seg::Cs as usize].selector;
}

/// Records the last instruction with its memory operand at offset `off`.
#[inline(always)]
pub(super) fn note_mem(x: &mut Exec, i: &Insn, off: u64) {
    note(x, i);
    x.st.fpu.dp = off;
    x.st.fpu.ds = x.st.seg.get(usize::from(i.seg)).map_or(0, |s| s.selector);
}

/// Reads the ten bytes of an m80 operand.
pub(super) fn read80(x: &mut Exec, i: &Insn, off: u64) -> Result<F80, Exception> {
    let sig = x.read::<64>(i.seg, off)?;
    let se = x.read::<16>(i.seg, off.wrapping_add(8))?;
    Ok(F80::new(se as u16, sig))
}

/// Writes the ten bytes of an m80 operand.
pub(super) fn write80(x: &mut Exec, i: &Insn, off: u64, v: F80) -> Result<(), Exception> {
    // Both parts must be writable before either is written.
    x.read_rmw::<16>(i.seg, off.wrapping_add(8))?;
    x.write::<64>(i.seg, off, v.sig)?;
    x.write::<16>(i.seg, off.wrapping_add(8), v.se.into())
}

/// A memory operand of an arithmetic, compare or integer load instruction.
pub(super) trait Operand {
    /// Its bits in memory.
    fn read(x: &mut Exec, i: &Insn, off: u64) -> Result<u64, Exception>;

    /// The same, if they are at hand; changes nothing.
    fn peek(x: &Exec, i: &Insn, off: u64) -> Option<u64>;

    /// The value, exactly. A denormal or SNaN is reported by the operation that uses it.
    fn widen(bits: u64, env: &mut X87Env) -> F80;

    /// The value as a load has it, which reports a denormal or SNaN itself.
    fn load(bits: u64, env: &mut X87Env) -> Option<F80>;

    /// The value of a normal number.
    fn number(bits: u64) -> Option<Number>;

    /// The value of a number or zero.
    fn value(bits: u64) -> Option<F80>;
}

/// m32fp.
#[derive(Debug)]
pub struct M32;
/// m64fp.
#[derive(Debug)]
pub struct M64;
/// m16int.
#[derive(Debug)]
pub struct I16;
/// m32int.
#[derive(Debug)]
pub struct I32;
/// m64int.
#[derive(Debug)]
pub struct I64;

impl Operand for M32 {
    #[inline(always)]
    fn read(x: &mut Exec, i: &Insn, off: u64) -> Result<u64, Exception> {
        x.read::<32>(i.seg, off)
    }
    #[inline(always)]
    fn peek(x: &Exec, i: &Insn, off: u64) -> Option<u64> {
        x.read_at_hand::<32>(i.seg, off)
    }
    #[inline(always)]
    fn widen(bits: u64, env: &mut X87Env) -> F80 {
        crate::fp::x87::widen_f32(env, bits as u32)
    }
    #[inline(always)]
    fn load(bits: u64, env: &mut X87Env) -> Option<F80> {
        crate::fp::x87::load_f32(env, bits as u32)
    }
    #[inline(always)]
    fn number(bits: u64) -> Option<Number> {
        quick::number_f32(bits as u32)
    }
    #[inline(always)]
    fn value(bits: u64) -> Option<F80> {
        quick::from_f32(bits as u32)
    }
}
impl Operand for M64 {
    #[inline(always)]
    fn read(x: &mut Exec, i: &Insn, off: u64) -> Result<u64, Exception> {
        x.read::<64>(i.seg, off)
    }
    #[inline(always)]
    fn peek(x: &Exec, i: &Insn, off: u64) -> Option<u64> {
        x.read_at_hand::<64>(i.seg, off)
    }
    #[inline(always)]
    fn widen(bits: u64, env: &mut X87Env) -> F80 {
        crate::fp::x87::widen_f64(env, bits)
    }
    #[inline(always)]
    fn load(bits: u64, env: &mut X87Env) -> Option<F80> {
        crate::fp::x87::load_f64(env, bits)
    }
    #[inline(always)]
    fn number(bits: u64) -> Option<Number> {
        quick::number_f64(bits)
    }
    #[inline(always)]
    fn value(bits: u64) -> Option<F80> {
        quick::from_f64(bits)
    }
}
impl Operand for I16 {
    #[inline(always)]
    fn read(x: &mut Exec, i: &Insn, off: u64) -> Result<u64, Exception> {
        x.read::<16>(i.seg, off)
    }
    #[inline(always)]
    fn peek(x: &Exec, i: &Insn, off: u64) -> Option<u64> {
        x.read_at_hand::<16>(i.seg, off)
    }
    #[inline(always)]
    fn widen(bits: u64, _: &mut X87Env) -> F80 {
        F80::from_i64(i64::from(bits as i16))
    }
    #[inline(always)]
    fn load(bits: u64, env: &mut X87Env) -> Option<F80> {
        Some(Self::widen(bits, env))
    }
    #[inline(always)]
    fn number(bits: u64) -> Option<Number> {
        quick::number_int(i64::from(bits as i16))
    }
    #[inline(always)]
    fn value(bits: u64) -> Option<F80> {
        Some(F80::from_i64(i64::from(bits as i16)))
    }
}
impl Operand for I32 {
    #[inline(always)]
    fn read(x: &mut Exec, i: &Insn, off: u64) -> Result<u64, Exception> {
        x.read::<32>(i.seg, off)
    }
    #[inline(always)]
    fn peek(x: &Exec, i: &Insn, off: u64) -> Option<u64> {
        x.read_at_hand::<32>(i.seg, off)
    }
    #[inline(always)]
    fn widen(bits: u64, _: &mut X87Env) -> F80 {
        F80::from_i64(i64::from(bits as i32))
    }
    #[inline(always)]
    fn load(bits: u64, env: &mut X87Env) -> Option<F80> {
        Some(Self::widen(bits, env))
    }
    #[inline(always)]
    fn number(bits: u64) -> Option<Number> {
        quick::number_int(i64::from(bits as i32))
    }
    #[inline(always)]
    fn value(bits: u64) -> Option<F80> {
        Some(F80::from_i64(i64::from(bits as i32)))
    }
}
impl Operand for I64 {
    #[inline(always)]
    fn read(x: &mut Exec, i: &Insn, off: u64) -> Result<u64, Exception> {
        x.read::<64>(i.seg, off)
    }
    #[inline(always)]
    fn peek(x: &Exec, i: &Insn, off: u64) -> Option<u64> {
        x.read_at_hand::<64>(i.seg, off)
    }
    #[inline(always)]
    fn widen(bits: u64, _: &mut X87Env) -> F80 {
        F80::from_i64(bits as i64)
    }
    #[inline(always)]
    fn load(bits: u64, env: &mut X87Env) -> Option<F80> {
        Some(Self::widen(bits, env))
    }
    #[inline(always)]
    fn number(bits: u64) -> Option<Number> {
        quick::number_int(bits as i64)
    }
    #[inline(always)]
    fn value(bits: u64) -> Option<F80> {
        Some(F80::from_i64(bits as i64))
    }
}

/// The offset of the memory operand.
#[inline(always)]
pub(super) fn ea(x: &mut Exec, i: &Insn) -> u64 {
    Ops::ea(x, i)
}

/// Whether an instruction may begin: see [`fault::blocked`](super::fault::blocked).
#[inline(always)]
pub(super) const fn ready(x: &Exec) -> bool {
    (x.st.cr0 & super::fault::UNAVAILABLE) | (x.st.fpu.status_less_top & sw::ES) as u64 == 0
}
