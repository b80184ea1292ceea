//! FCOM, FUCOM, FICOM, FTST, FCOMI, FUCOMI with their popping forms, and FXAM. SDM Vol. 2, their entries.

use super::stack::{I16, I32, M32, M64, Operand, ea, note, note_mem, ready};
use crate::cpu::Exception;
use crate::cpu::flags::{CF, PF, ZF};
use crate::cpu::state::Fpu;
use crate::exec::Exec;
use crate::fp::x87::{Unordered, compare, quick};
use crate::fp::{F80, Flags, Relation, X87Env};
use crate::isa::Insn;
use crate::isa::ops::{Helper, Ops};
use crate::isa::select::{Meaning, help};
use iced_x86::Code;

/// What a comparison came to.
#[derive(Clone, Copy)]
struct Outcome {
    relation: Relation,
    /// No unmasked exception keeps the instruction from popping.
    pops: bool,
}

/// The relation of ST(0) to `b`; an empty register is unordered.
///
/// Processors report the relation even when an unmasked exception keeps the instruction from popping. (The SDM says
/// of FCOM that the codes are not set then; AMD's processors were seen to set them.)
#[inline(always)]
fn relate(fpu: &mut Fpu, mut env: X87Env, b: Option<F80>, nan: Unordered) -> Outcome {
    let p = fpu.phys(0);
    let Some(b) = b.filter(|_| fpu.holds(p)) else {
        return Outcome { relation: Relation::Unordered, pops: fpu.underflow() };
    };
    let masks = core::mem::replace(&mut env.masks, Flags::all());
    let relation = compare(&mut env, fpu.reg(p), b, nan).unwrap_or(Relation::Unordered);
    env.masks = masks;
    env.rounded_up = false;
    fpu.report(&env);
    Outcome { relation, pops: env.unmasked().is_empty() }
}

/// Sets the codes and pops `POPS` registers.
#[inline(always)]
fn finish<const POPS: u32>(fpu: &mut Fpu, r: Outcome) {
    fpu.set_codes(r.relation.zf_pf_cf());
    if r.pops {
        for _ in 0..POPS {
            fpu.pop();
        }
    }
}

#[inline(never)]
fn whole_with<M: Operand, const POPS: u32>(fpu: &mut Fpu, bits: u64) {
    let mut env = fpu.env();
    let b = M::widen(bits, &mut env);
    let r = relate(fpu, env, Some(b), Unordered::Invalid);
    finish::<POPS>(fpu, r);
}

/// A comparison with a memory operand.
#[inline(always)]
pub(super) fn operand_in_memory<M: Operand, const POPS: u32>(fpu: &mut Fpu, bits: u64) {
    let p = fpu.phys(0);
    let usual = M::value(bits).filter(|_| fpu.holds(p)).and_then(|b| quick::compare(fpu.reg(p), b));
    match usual {
        Some(codes) => quick_codes::<POPS>(fpu, codes),
        None => whole_with::<M, POPS>(fpu, bits),
    }
}

fn memory<M: Operand, const POPS: u32>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    if ready(x) {
        let off = ea(x, i);
        if let Some(bits) = M::peek(x, i, off) {
            note_mem(x, i, off);
            operand_in_memory::<M, POPS>(&mut x.st.fpu, bits);
            return Ok(());
        }
    }
    memory_whole::<M, POPS>(x, i)
}

#[inline(never)]
fn memory_whole<M: Operand, const POPS: u32>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let bits = M::read(x, i, off)?;
    note_mem(x, i, off);
    whole_with::<M, POPS>(&mut x.st.fpu, bits);
    Ok(())
}

/// Sets the codes of a comparison that raised nothing, and pops.
#[inline(always)]
fn quick_codes<const POPS: u32>(fpu: &mut Fpu, codes: u8) {
    fpu.leave(0);
    fpu.set_codes(codes);
    for _ in 0..POPS {
        fpu.pop();
    }
}

/// The usual case of a comparison with ST(n): the codes. C1 is cleared.
#[inline(always)]
fn quick_register(fpu: &mut Fpu, n: u8) -> Option<u8> {
    let (p, q) = (fpu.phys(0), fpu.phys(n));
    if !fpu.holds(p) || !fpu.holds(q) {
        return None;
    }
    let codes = quick::compare(fpu.reg(p), fpu.reg(q))?;
    fpu.leave(0);
    Some(codes)
}

#[inline(never)]
fn register(fpu: &mut Fpu, n: u8, nan: Unordered) -> Outcome {
    let q = fpu.phys(n);
    let b = fpu.holds(q).then(|| fpu.reg(q));
    relate(fpu, fpu.env(), b, nan)
}

/// A comparison with ST(`n`).
#[inline(always)]
pub(super) fn to_codes<const POPS: u32>(fpu: &mut Fpu, n: u8, nan: Unordered) {
    match quick_register(fpu, n) {
        Some(codes) => quick_codes::<POPS>(fpu, codes),
        None => {
            let r = register(fpu, n, nan);
            finish::<POPS>(fpu, r);
        }
    }
}

/// A comparison with ST(`n`) whose result goes to EFLAGS: ZF, PF and CF in bits 2 to 0.
#[inline(always)]
pub(super) fn to_eflags<const POPS: u32>(fpu: &mut Fpu, n: u8, nan: Unordered) -> u8 {
    let (codes, pops) = match quick_register(fpu, n) {
        Some(codes) => (codes, true),
        None => {
            let r = register(fpu, n, nan);
            (r.relation.zf_pf_cf(), r.pops)
        }
    };
    for _ in 0..if pops { POPS } else { 0 } {
        fpu.pop();
    }
    codes
}

/// As [`to_codes`], as an instruction.
#[inline(always)]
fn with_register<const POPS: u32>(x: &mut Exec, i: &Insn, n: u8, nan: Unordered) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    to_codes::<POPS>(&mut x.st.fpu, n, nan);
    Ok(())
}

fn fcom<const POPS: u32>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    with_register::<POPS>(x, i, i.src, Unordered::Invalid)
}

fn fucom<const POPS: u32>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    with_register::<POPS>(x, i, i.src, Unordered::Quiet)
}

/// FCOMPP: against ST(1).
fn fcompp(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    with_register::<2>(x, i, 1, Unordered::Invalid)
}

/// FUCOMPP: against ST(1).
fn fucompp(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    with_register::<2>(x, i, 1, Unordered::Quiet)
}

/// FCOMI and its like. `Of`, `Sf` and `Af` are cleared.
#[inline(always)]
fn in_eflags<const POPS: u32>(x: &mut Exec, i: &Insn, nan: Unordered) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let codes = to_eflags::<POPS>(&mut x.st.fpu, i.src, nan);
    let bit = |n: u8, flag: u64| u64::from(codes >> n & 1) * flag;
    x.st.flags.set_arithmetic(bit(2, ZF) | bit(1, PF) | bit(0, CF));
    Ok(())
}

fn fcomi<const POPS: u32>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    in_eflags::<POPS>(x, i, Unordered::Invalid)
}

fn fucomi<const POPS: u32>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    in_eflags::<POPS>(x, i, Unordered::Quiet)
}

/// FTST: against +0.
fn ftst(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    let r = relate(fpu, fpu.env(), Some(F80::ZERO), Unordered::Invalid);
    finish::<0>(fpu, r);
    Ok(())
}

/// FXAM. C1 is the sign, even of an empty register.
fn fxam(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    /// C3, C2, C0 of an empty register.
    const EMPTY: u8 = 0b101;
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    let p = fpu.phys(0);
    let v = fpu.reg(p);
    fpu.set_codes(if fpu.holds(p) { v.class().c3_c2_c0() } else { EMPTY });
    fpu.set_c1(v.is_negative());
    Ok(())
}

/// The meaning of a compare instruction.
pub(in crate::isa) fn select<O: Ops>(code: Code) -> Option<Meaning<O>> {
    use Code as C;
    let h: Helper = match code {
        C::Fcom_m32fp => memory::<M32, 0>,
        C::Fcomp_m32fp => memory::<M32, 1>,
        C::Fcom_m64fp => memory::<M64, 0>,
        C::Fcomp_m64fp => memory::<M64, 1>,
        C::Ficom_m16int => memory::<I16, 0>,
        C::Ficomp_m16int => memory::<I16, 1>,
        C::Ficom_m32int => memory::<I32, 0>,
        C::Ficomp_m32int => memory::<I32, 1>,
        // The second encodings are undocumented: FCOM2, FCOMP3, FCOMP5.
        C::Fcom_st0_sti | C::Fcom_st0_sti_DCD0 => fcom::<0>,
        C::Fcomp_st0_sti | C::Fcomp_st0_sti_DCD8 | C::Fcomp_st0_sti_DED0 => fcom::<1>,
        C::Fcompp => fcompp,
        C::Fucom_st0_sti => fucom::<0>,
        C::Fucomp_st0_sti => fucom::<1>,
        C::Fucompp => fucompp,
        C::Fcomi_st0_sti => fcomi::<0>,
        C::Fcomip_st0_sti => fcomi::<1>,
        C::Fucomi_st0_sti => fucomi::<0>,
        C::Fucomip_st0_sti => fucomi::<1>,
        C::Ftst => ftst,
        C::Fxam => fxam,
        _ => return None,
    };
    help(h)
}
