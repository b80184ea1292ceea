//! Control instructions, and those that only move TOP or tags. SDM Vol. 2, their entries.

use super::fault::pending;
use super::stack::{ea, note, sw};
use crate::cpu::Exception;
use crate::cpu::state::{Fpu, RAX, cr0};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::ops::Ops;

/// FNINIT. Register contents stay.
pub fn fninit(x: &mut Exec, _: &Insn) -> Result<(), Exception> {
    enter_no_wait!(x);
    initialize(&mut x.st.fpu);
    x.attention = true; // FERR# may fall
    Ok(())
}

/// What FNINIT and FNSAVE leave.
pub(super) fn initialize(fpu: &mut Fpu) {
    let Fpu { significand, sign_exponent, .. } = *fpu;
    *fpu = Fpu::INIT;
    (fpu.significand, fpu.sign_exponent) = (significand, sign_exponent);
}

/// FNCLEX.
pub fn fnclex(x: &mut Exec, _: &Insn) -> Result<(), Exception> {
    enter_no_wait!(x);
    x.st.fpu.status_less_top &= !(sw::EXCEPTIONS | sw::SF | sw::ES | sw::B);
    x.attention = true; // FERR# may fall
    Ok(())
}

/// FLDCW. Unmasking a flag that is set makes it pending.
pub fn fldcw(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let v = x.read::<16>(i.seg, off)?;
    x.st.fpu.set_control(v as u16);
    Ok(())
}

/// FNSTCW.
pub fn fnstcw(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter_no_wait!(x);
    let off = ea(x, i);
    x.write::<16>(i.seg, off, x.st.fpu.control.into())
}

/// FNSTSW m16.
pub fn fnstsw(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter_no_wait!(x);
    let off = ea(x, i);
    x.write::<16>(i.seg, off, x.st.fpu.status().into())
}

/// FNSTSW AX.
pub fn fnstsw_ax(x: &mut Exec, _: &Insn) -> Result<(), Exception> {
    enter_no_wait!(x);
    x.put::<16>(RAX, x.st.fpu.status().into());
    Ok(())
}

/// FNENI, FNDISI (8087) and FNSETPM (80287): later processors do nothing.
pub fn ignored(x: &mut Exec, _: &Insn) -> Result<(), Exception> {
    enter_no_wait!(x);
    Ok(())
}

/// FNOP.
pub fn fnop(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    Ok(())
}

#[inline(always)]
fn move_top(x: &mut Exec, i: &Insn, by: u8) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    fpu.set_c1(false);
    fpu.set_top(fpu.top().wrapping_add(by));
    Ok(())
}

/// FINCSTP.
pub fn fincstp(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    move_top(x, i, 1)
}

/// FDECSTP.
pub fn fdecstp(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    move_top(x, i, 7)
}

/// FFREE.
pub fn ffree(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    fpu.set_c1(false);
    fpu.valid &= !(1 << fpu.phys(i.dst));
    Ok(())
}

/// FFREEP (undocumented): FFREE, then pop.
pub fn ffreep(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    fpu.set_c1(false);
    fpu.valid &= !(1 << fpu.phys(i.dst));
    fpu.pop();
    Ok(())
}

/// EMMS: all tags empty, TOP 0. Like every MMX instruction it is `#UD` under CR0.EM.
pub fn emms(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    if x.st.cr0 & cr0::EM != 0 {
        return Err(Exception::UD);
    }
    if x.st.cr0 & cr0::TS != 0 {
        return Err(Exception::NM);
    }
    if x.st.fpu.status_less_top & sw::ES != 0 && pending(x, i)? {
        return Ok(());
    }
    x.st.fpu.valid = 0;
    x.st.fpu.set_top(0);
    Ok(())
}
