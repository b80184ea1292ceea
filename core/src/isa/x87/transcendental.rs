//! The functions of one or two registers: FRNDINT, FSCALE, FXTRACT, FPREM, FPREM1, F2XM1, FYL2X, FYL2XP1, FPATAN,
//! FPTAN, FSIN, FCOS, FSINCOS. SDM Vol. 2, their entries.

use super::stack::{note, ready, sw};
use crate::cpu::Exception;
use crate::cpu::state::Fpu;
use crate::exec::Exec;
use crate::fp::x87::quick::{self, Quick};
use crate::fp::x87::{self, Reduced, Remainder};
use crate::fp::{Class, F80, X87Env};
use crate::isa::Insn;

/// ST(0) := f(ST(0)), `quick` in the usual case.
#[inline(always)]
pub(super) fn unary(
    x: &mut Exec,
    i: &Insn,
    quick: impl FnOnce(u16, F80) -> Option<Quick<F80>>,
    f: fn(&mut X87Env, F80) -> Option<F80>,
) -> Result<(), Exception> {
    let p = x.st.fpu.phys(0);
    if ready(x)
        && x.st.fpu.holds(p)
        && let Some(r) = quick(x.st.fpu.control, x.st.fpu.reg(p))
    {
        note(x, i);
        x.st.fpu.replace(p, r);
        return Ok(());
    }
    unary_whole(x, i, f)
}

#[inline(never)]
fn unary_whole(x: &mut Exec, i: &Insn, f: fn(&mut X87Env, F80) -> Option<F80>) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    let p = fpu.phys(0);
    if !fpu.holds(p) {
        if fpu.underflow() {
            fpu.set_reg(p, F80::INDEFINITE);
        }
        return Ok(());
    }
    let mut env = fpu.env();
    let r = f(&mut env, fpu.reg(p));
    fpu.report(&env);
    if let Some(r) = r {
        fpu.set_reg(p, r);
    }
    Ok(())
}

/// FRNDINT.
pub fn frndint(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    unary(x, i, quick::round_to_integer, x87::round_to_integer)
}

/// F2XM1.
pub fn f2xm1(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    unary(x, i, |_, _| None, x87::f2xm1)
}

/// ST(1) := f(ST(0), ST(1)), then pop; or ST(0) := f(ST(0), ST(1)).
#[inline]
fn binary<const POP: bool>(
    x: &mut Exec,
    i: &Insn,
    f: fn(&mut X87Env, F80, F80) -> Option<F80>,
) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    let (p, q) = (fpu.phys(0), fpu.phys(1));
    let r = if fpu.holds(p) && fpu.holds(q) {
        let mut env = fpu.env();
        let r = f(&mut env, fpu.reg(p), fpu.reg(q));
        fpu.report(&env);
        r
    } else {
        fpu.underflow().then_some(F80::INDEFINITE)
    };
    if let Some(r) = r {
        fpu.set_reg(if POP { q } else { p }, r);
        if POP {
            fpu.pop();
        }
    }
    Ok(())
}

/// FSCALE.
pub fn fscale(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    binary::<false>(x, i, x87::scale)
}

/// FYL2X.
pub fn fyl2x(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    binary::<true>(x, i, x87::fyl2x)
}

/// FYL2XP1.
pub fn fyl2xp1(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    binary::<true>(x, i, x87::fyl2xp1)
}

/// FPATAN.
pub fn fpatan(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    binary::<true>(x, i, x87::fpatan)
}

fn remainder(x: &mut Exec, i: &Insn, f: fn(&mut X87Env, F80, F80) -> Option<Remainder>) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    let (p, q) = (fpu.phys(0), fpu.phys(1));
    fpu.status_less_top &= !sw::C2;
    if !fpu.holds(p) || !fpu.holds(q) {
        if fpu.underflow() {
            fpu.set_reg(p, F80::INDEFINITE);
        }
        return Ok(());
    }
    let mut env = fpu.env();
    let r = f(&mut env, fpu.reg(p), fpu.reg(q));
    fpu.report_exceptions(&env);
    fpu.set_c1(false);
    if let Some(r) = r {
        fpu.set_reg(p, r.value);
        if r.value.class() == Class::Nan {
            return Ok(()); // there is no quotient: C0 and C3 stay
        }
        // C0, C3, C1 are Q2, Q1, Q0.
        fpu.set_codes(r.quotient >> 2 & 1 | (r.quotient & 2) << 1 | u8::from(r.partial) << 1);
        fpu.set_c1(r.quotient & 1 != 0);
    }
    Ok(())
}

/// FPREM.
pub fn fprem(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    remainder(x, i, x87::fprem)
}

/// FPREM1.
pub fn fprem1(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    remainder(x, i, x87::fprem1)
}

/// Whether an instruction that replaces ST(0) and pushes can do so; otherwise its stack fault is reported.
fn room_to_split(fpu: &mut Fpu) -> bool {
    let masked = if !fpu.holds(fpu.phys(0)) {
        fpu.underflow()
    } else if !fpu.has_room() {
        fpu.overflow()
    } else {
        return true;
    };
    if masked {
        split(fpu, F80::INDEFINITE, F80::INDEFINITE);
    }
    false
}

/// Replaces ST(0) and pushes.
fn split(fpu: &mut Fpu, below: F80, top: F80) {
    fpu.set_reg(fpu.phys(0), below);
    fpu.push(top);
}

/// FXTRACT: the exponent replaces ST(0), the significand is pushed.
pub fn fxtract(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    if !room_to_split(fpu) {
        return Ok(());
    }
    let mut env = fpu.env();
    let r = x87::extract(&mut env, fpu.reg(fpu.phys(0)));
    fpu.report(&env);
    if let Some((exponent, significand)) = r {
        split(fpu, exponent, significand);
    }
    Ok(())
}

/// Finishes a trigonometric instruction: C2 tells whether `|ST(0)|` was small enough.
fn reduced<T>(fpu: &mut Fpu, env: &X87Env, r: Option<Reduced<T>>, put: impl FnOnce(&mut Fpu, T)) {
    fpu.report(env);
    fpu.status_less_top &= !sw::C2;
    match r {
        Some(Reduced::Complete(v)) => put(fpu, v),
        Some(Reduced::OutOfRange) => fpu.status_less_top |= sw::C2,
        None => {}
    }
}

fn trigonometric(x: &mut Exec, i: &Insn, f: fn(&mut X87Env, F80) -> Option<Reduced<F80>>) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    let p = fpu.phys(0);
    if !fpu.holds(p) {
        fpu.status_less_top &= !sw::C2;
        if fpu.underflow() {
            fpu.set_reg(p, F80::INDEFINITE);
        }
        return Ok(());
    }
    let mut env = fpu.env();
    let r = f(&mut env, fpu.reg(p));
    reduced(fpu, &env, r, |fpu, v| fpu.set_reg(p, v));
    Ok(())
}

/// FSIN.
pub fn fsin(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    trigonometric(x, i, x87::fsin)
}

/// FCOS.
pub fn fcos(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    trigonometric(x, i, x87::fcos)
}

/// FSINCOS: the sine replaces ST(0), the cosine is pushed.
pub fn fsincos(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    if !room_to_split(fpu) {
        fpu.status_less_top &= !sw::C2;
        return Ok(());
    }
    let mut env = fpu.env();
    let r = x87::fsincos(&mut env, fpu.reg(fpu.phys(0)));
    reduced(fpu, &env, r, |fpu, (sine, cosine)| split(fpu, sine, cosine));
    Ok(())
}

/// FPTAN: the tangent replaces ST(0), 1.0 is pushed (behind a NaN: the NaN again).
pub fn fptan(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    if !room_to_split(fpu) {
        fpu.status_less_top &= !sw::C2;
        return Ok(());
    }
    let mut env = fpu.env();
    let r = x87::fptan(&mut env, fpu.reg(fpu.phys(0)));
    reduced(fpu, &env, r, |fpu, v| {
        let above = if v.class() == Class::Nan { v } else { F80::ONE };
        split(fpu, v, above);
    });
    Ok(())
}
