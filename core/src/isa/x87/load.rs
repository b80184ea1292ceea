//! FLD, FILD, FBLD, the constants, FXCH, FCMOV, FCHS, FABS. SDM Vol. 2, their entries.

use super::stack::{I16, I32, I64, M32, M64, Operand, ea, note, note_mem, read80, ready};
use crate::cpu::Exception;
use crate::cpu::state::Fpu;
use crate::exec::Exec;
use crate::fp::x87::{Constant, constant, from_bcd};
use crate::fp::{F80, Flags};
use crate::isa::Insn;
use crate::isa::ops::{Cond, Ops};

/// Pushes a value that raised nothing.
#[inline(always)]
fn push_plain(fpu: &mut Fpu, v: F80) {
    if fpu.has_room() {
        fpu.set_c1(false);
        fpu.push(v);
    } else if fpu.overflow() {
        fpu.push(F80::INDEFINITE);
    }
}

/// Pushes a memory operand. A full stack is found first. An unmasked denormal exception does not keep the value from being pushed.
#[inline(never)]
pub(super) fn push_whole<M: Operand>(fpu: &mut Fpu, bits: u64) {
    if !fpu.has_room() {
        if fpu.overflow() {
            fpu.push(F80::INDEFINITE);
        }
        return;
    }
    let mut env = fpu.env();
    let v = M::load(bits, &mut env);
    fpu.report(&env);
    match v {
        Some(v) => fpu.push(v),
        None if env.flags == Flags::DE => fpu.push(M::widen(bits, &mut env)),
        None => {}
    }
}

/// The usual case of pushing a memory operand; false when it is another.
#[inline(always)]
fn quick<M: Operand>(x: &mut Exec, i: &Insn) -> bool {
    if !ready(x) {
        return false;
    }
    let off = ea(x, i);
    let Some(bits) = M::peek(x, i, off) else { return false };
    note_mem(x, i, off);
    push_usual::<M>(&mut x.st.fpu, bits)
}

/// The same for a stack alone and an operand that has been read.
#[inline(always)]
pub(super) fn push_usual<M: Operand>(fpu: &mut Fpu, bits: u64) -> bool {
    let Some(v) = M::value(bits).filter(|_| fpu.has_room()) else { return false };
    fpu.leave(0);
    fpu.push(v);
    true
}

/// FLD and FILD of a memory operand.
#[inline(always)]
fn push<M: Operand>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    if quick::<M>(x, i) {
        return Ok(());
    }
    push_from_memory::<M>(x, i)
}

#[inline(never)]
fn push_from_memory<M: Operand>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let bits = M::read(x, i, off)?;
    note_mem(x, i, off);
    push_whole::<M>(&mut x.st.fpu, bits);
    Ok(())
}

/// FLD m32fp.
pub fn fld_m32(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    push::<M32>(x, i)
}

/// FLD m64fp.
pub fn fld_m64(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    push::<M64>(x, i)
}

/// FLD m80fp: moves bits, so that nothing is an invalid operand.
pub fn fld_m80(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    let off = ea(x, i);
    if ready(x)
        && x.st.fpu.has_room()
        && let Some((sig, se)) = x.read80_at_hand(i.seg, off)
    {
        note_mem(x, i, off);
        x.st.fpu.leave(0);
        x.st.fpu.push(F80::new(se, sig));
        return Ok(());
    }
    fld_m80_whole(x, i)
}

#[inline(never)]
fn fld_m80_whole(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let v = read80(x, i, off)?;
    note_mem(x, i, off);
    push_plain(&mut x.st.fpu, v);
    Ok(())
}

/// FLD ST(i). An empty register is found before a full stack.
pub fn fld_sti(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    push_copy(&mut x.st.fpu, i.dst);
    Ok(())
}

/// Pushes ST(`n`).
#[inline(always)]
pub(super) fn push_copy(fpu: &mut Fpu, n: u8) {
    let p = fpu.phys(n);
    let v = fpu.reg(p);
    if fpu.holds(p) {
        push_plain(fpu, v);
    } else if fpu.underflow() {
        fpu.push(F80::INDEFINITE);
    }
}

/// FILD m16int.
pub fn fild_m16(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    push::<I16>(x, i)
}

/// FILD m32int.
pub fn fild_m32(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    push::<I32>(x, i)
}

/// FILD m64int.
pub fn fild_m64(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    push::<I64>(x, i)
}

/// FBLD m80bcd.
pub fn fbld(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let v = read80(x, i, off)?;
    note_mem(x, i, off);
    push_plain(&mut x.st.fpu, from_bcd(v.to_bytes()));
    Ok(())
}

/// Pushes a constant.
#[inline(always)]
pub(super) fn push_constant(fpu: &mut Fpu, c: Constant) {
    let v = constant(c, fpu.env().round);
    push_plain(fpu, v);
}

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident = $c:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
                enter!(x, i);
                note(x, i);
                push_constant(&mut x.st.fpu, Constant::$c);
                Ok(())
            }
        )*
    };
}

constants! {
    /// FLD1.
    fld1 = One;
    /// FLDL2T.
    fldl2t = L2t;
    /// FLDL2E.
    fldl2e = L2e;
    /// FLDPI.
    fldpi = Pi;
    /// FLDLG2.
    fldlg2 = Lg2;
    /// FLDLN2.
    fldln2 = Ln2;
    /// FLDZ.
    fldz = Zero;
}

/// FXCH. An empty register is filled with the indefinite first, when that is masked.
pub fn fxch(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    exchange(&mut x.st.fpu, i.src);
    Ok(())
}

/// Exchanges ST(0) and ST(`n`).
#[inline(always)]
pub(super) fn exchange(fpu: &mut Fpu, n: u8) {
    let (p, q) = (fpu.phys(0), fpu.phys(n));
    let (mut a, mut b) = (fpu.reg(p), fpu.reg(q));
    if fpu.holds(p) && fpu.holds(q) {
        fpu.set_c1(false);
    } else {
        if !fpu.underflow() {
            return;
        }
        if !fpu.holds(p) {
            a = F80::INDEFINITE;
        }
        if !fpu.holds(q) {
            b = F80::INDEFINITE;
        }
    }
    fpu.set_reg(p, b);
    fpu.set_reg(q, a);
}

/// FCMOVcc. An empty register is found whether or not the move is made.
#[inline(always)]
fn fcmov<const NEGATE: bool>(x: &mut Exec, i: &Insn, cond: Cond) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let moves = (x.cond(cond) != 0) != NEGATE;
    let fpu = &mut x.st.fpu;
    let (p, q) = (fpu.phys(0), fpu.phys(i.src));
    if !fpu.holds(p) || !fpu.holds(q) {
        if fpu.underflow() {
            fpu.set_reg(p, F80::INDEFINITE);
        }
        return Ok(());
    }
    if moves {
        let v = fpu.reg(q);
        fpu.set_reg(p, v);
    }
    Ok(())
}

macro_rules! moves {
    ($($(#[$doc:meta])* $name:ident = $cond:ident, $negate:literal;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
                fcmov::<$negate>(x, i, Cond::$cond)
            }
        )*
    };
}

moves! {
    /// FCMOVB.
    fcmovb = B, false;
    /// FCMOVE.
    fcmove = E, false;
    /// FCMOVBE.
    fcmovbe = Be, false;
    /// FCMOVU.
    fcmovu = P, false;
    /// FCMOVNB.
    fcmovnb = B, true;
    /// FCMOVNE.
    fcmovne = E, true;
    /// FCMOVNBE.
    fcmovnbe = Be, true;
    /// FCMOVNU.
    fcmovnu = P, true;
}

/// Changes the sign of ST(0).
#[inline(always)]
pub(super) fn sign(fpu: &mut Fpu, f: fn(F80) -> F80) {
    let p = fpu.phys(0);
    if fpu.holds(p) {
        fpu.set_c1(false);
        let v = f(fpu.reg(p));
        fpu.set_reg(p, v);
    } else if fpu.underflow() {
        fpu.set_reg(p, F80::INDEFINITE);
    }
}

/// FCHS.
pub fn fchs(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    sign(&mut x.st.fpu, F80::neg);
    Ok(())
}

/// FABS.
pub fn fabs(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    sign(&mut x.st.fpu, F80::abs);
    Ok(())
}
