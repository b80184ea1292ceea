//! FLD, FILD, FBLD, the constants, FXCH, FCMOV, FCHS, FABS. SDM Vol. 2, their entries.

use super::stack::{I16, I32, I64, M32, M64, Operand, ea, note, note_mem, read80, ready};
use crate::cpu::Exception;
use crate::cpu::state::Fpu;
use crate::exec::Exec;
use crate::fp::x87::{Constant, constant, from_bcd, load_f32, load_f64, widen_f32, widen_f64};
use crate::fp::{F80, Flags, X87Env};
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

/// Pushes what `load` makes of a memory operand. A full stack is found first. An unmasked denormal exception does not
/// keep the value from being pushed.
#[inline(always)]
fn push_loaded(fpu: &mut Fpu, load: impl FnOnce(&mut X87Env) -> Option<F80>, widen: impl FnOnce(&mut X87Env) -> F80) {
    if !fpu.has_room() {
        if fpu.overflow() {
            fpu.push(F80::INDEFINITE);
        }
        return;
    }
    let mut env = fpu.env();
    let v = load(&mut env);
    fpu.report(&env);
    match v {
        Some(v) => fpu.push(v),
        None if env.flags == Flags::DE => fpu.push(widen(&mut env)),
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
    let Some(v) = M::value(bits) else { return false };
    if !x.st.fpu.has_room() {
        return false;
    }
    x.st.fpu.leave(0);
    x.st.fpu.push(v);
    true
}

/// FLD m32fp.
pub fn fld_m32(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    if quick::<M32>(x, i) {
        return Ok(());
    }
    fld_m32_whole(x, i)
}

#[inline(never)]
fn fld_m32_whole(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let v = x.read::<32>(i.seg, off)? as u32;
    note_mem(x, i, off);
    push_loaded(&mut x.st.fpu, |env| load_f32(env, v), |env| widen_f32(env, v));
    Ok(())
}

/// FLD m64fp.
pub fn fld_m64(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    if quick::<M64>(x, i) {
        return Ok(());
    }
    fld_m64_whole(x, i)
}

#[inline(never)]
fn fld_m64_whole(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let v = x.read::<64>(i.seg, off)?;
    note_mem(x, i, off);
    push_loaded(&mut x.st.fpu, |env| load_f64(env, v), |env| widen_f64(env, v));
    Ok(())
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
    let fpu = &mut x.st.fpu;
    let p = fpu.phys(i.dst);
    let v = fpu.reg(p);
    if !fpu.holds(p) {
        if fpu.underflow() {
            fpu.push(F80::INDEFINITE);
        }
        return Ok(());
    }
    push_plain(fpu, v);
    Ok(())
}

fn fild<M: Operand>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    if quick::<M>(x, i) {
        return Ok(());
    }
    fild_whole::<M>(x, i)
}

#[inline(never)]
fn fild_whole<M: Operand>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let mut env = x.st.fpu.env();
    let v = M::read(x, i, off, &mut env)?;
    note_mem(x, i, off);
    push_plain(&mut x.st.fpu, v);
    Ok(())
}

/// FILD m16int.
pub fn fild_m16(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    fild::<I16>(x, i)
}

/// FILD m32int.
pub fn fild_m32(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    fild::<I32>(x, i)
}

/// FILD m64int.
pub fn fild_m64(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    fild::<I64>(x, i)
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

fn push_constant(x: &mut Exec, i: &Insn, c: Constant) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let v = constant(c, x.st.fpu.env().round);
    push_plain(&mut x.st.fpu, v);
    Ok(())
}

macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident = $c:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
                push_constant(x, i, Constant::$c)
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
    let fpu = &mut x.st.fpu;
    let (p, q) = (fpu.phys(0), fpu.phys(i.src));
    let (mut a, mut b) = (fpu.reg(p), fpu.reg(q));
    if fpu.holds(p) && fpu.holds(q) {
        fpu.set_c1(false);
    } else {
        if !fpu.underflow() {
            return Ok(());
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
    Ok(())
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

#[inline(always)]
fn sign(x: &mut Exec, i: &Insn, f: fn(F80) -> F80) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    let p = fpu.phys(0);
    if fpu.holds(p) {
        fpu.set_c1(false);
        let v = f(fpu.reg(p));
        fpu.set_reg(p, v);
    } else if fpu.underflow() {
        fpu.set_reg(p, F80::INDEFINITE);
    }
    Ok(())
}

/// FCHS.
pub fn fchs(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    sign(x, i, F80::neg)
}

/// FABS.
pub fn fabs(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    sign(x, i, F80::abs)
}
