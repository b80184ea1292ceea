//! FST, FSTP, FIST, FISTP, FISTTP, FBSTP. SDM Vol. 2, their entries.
//!
//! Memory is written before anything of the FPU changes. When an unmasked exception keeps the value from being
//! stored, the operand is still checked, so that its faults come first as for any other store.

use super::stack::{ea, note, note_mem, ready, write80};
use crate::cpu::Exception;
use crate::cpu::state::Fpu;
use crate::exec::Exec;
use crate::fp::x87::quick::{self, Quick};
use crate::fp::x87::{to_bcd, to_f32, to_f64, to_i16, to_i32, to_i64};
use crate::fp::{F80, Round, X87Env};
use crate::isa::Insn;

/// The usual case of a store of `B` bits that `convert` makes of the control word and ST(0); false when it is another.
#[inline(always)]
fn quick<const B: u32, const POP: bool>(
    x: &mut Exec,
    i: &Insn,
    convert: impl FnOnce(u16, F80) -> Option<Quick<u64>>,
) -> bool {
    let off = ea(x, i);
    let p = x.st.fpu.phys(0);
    if !ready(x) || !x.st.fpu.holds(p) {
        return false;
    }
    let Some(r) = convert(x.st.fpu.control, x.st.fpu.reg(p)) else { return false };
    if !x.write_at_hand::<B>(i.seg, off, r.value) {
        return false;
    }
    note_mem(x, i, off);
    x.st.fpu.leave(r.status);
    if POP {
        x.st.fpu.pop();
    }
    true
}

/// The usual case of what a store does to the stack: what `convert` makes of the control word and ST(0), `None` when it is another.
#[inline(always)]
pub(super) fn usual<const POP: bool>(
    fpu: &mut Fpu,
    convert: impl FnOnce(u16, F80) -> Option<Quick<u64>>,
) -> Option<u64> {
    let p = fpu.phys(0);
    if !fpu.holds(p) {
        return None;
    }
    let r = convert(fpu.control, fpu.reg(p))?;
    fpu.leave(r.status);
    if POP {
        fpu.pop();
    }
    Some(r.value)
}

/// Stores ST(0) as `B` bits that `convert` gives; an empty register stores `indefinite`.
#[inline(never)]
fn store<const B: u32, const POP: bool>(
    x: &mut Exec,
    i: &Insn,
    indefinite: u64,
    convert: impl FnOnce(&mut X87Env, F80) -> Option<u64>,
) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let fpu = &x.st.fpu;
    let p = fpu.phys(0);
    if !fpu.holds(p) {
        return store_empty::<POP>(x, i, off, |x| x.write::<B>(i.seg, off, indefinite));
    }
    let mut env = fpu.env();
    let v = convert(&mut env, fpu.reg(p));
    match v {
        Some(v) => x.write::<B>(i.seg, off, v)?,
        None => drop(x.read_rmw::<B>(i.seg, off)?),
    }
    note_mem(x, i, off);
    let fpu = &mut x.st.fpu;
    fpu.report(&env);
    if POP && v.is_some() {
        fpu.pop();
    }
    Ok(())
}

/// The stack underflow of a store: `write` stores the indefinite when that is masked.
#[cold]
fn store_empty<const POP: bool>(
    x: &mut Exec,
    i: &Insn,
    off: u64,
    write: impl FnOnce(&mut Exec) -> Result<(), Exception>,
) -> Result<(), Exception> {
    if x.st.fpu.control & super::stack::sw::IE != 0 {
        write(x)?;
    } else {
        x.read_rmw::<8>(i.seg, off)?;
    }
    note_mem(x, i, off);
    if x.st.fpu.underflow() && POP {
        x.st.fpu.pop();
    }
    Ok(())
}

/// The single-precision indefinite.
const INDEFINITE_32: u64 = 0xffc0_0000;
/// The double-precision indefinite.
const INDEFINITE_64: u64 = 0xfff8_0000_0000_0000;

macro_rules! stores {
    ($($(#[$doc:meta])* $name:ident = $bits:literal, $pop:literal, $indefinite:expr, $quick:expr, $convert:expr;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
                if quick::<$bits, $pop>(x, i, $quick) {
                    return Ok(());
                }
                store::<$bits, $pop>(x, i, $indefinite, $convert)
            }
        )*
    };
}

// Sign bits above the stored size are cut off by the write.
stores! {
    /// FST m32fp.
    fst_m32 = 32, false, INDEFINITE_32, quick::to_f32, |e, a| to_f32(e, a).map(u64::from);
    /// FSTP m32fp.
    fstp_m32 = 32, true, INDEFINITE_32, quick::to_f32, |e, a| to_f32(e, a).map(u64::from);
    /// FST m64fp.
    fst_m64 = 64, false, INDEFINITE_64, quick::to_f64, to_f64;
    /// FSTP m64fp.
    fstp_m64 = 64, true, INDEFINITE_64, quick::to_f64, to_f64;
    /// FIST m16int.
    fist_m16 = 16, false, 0x8000, |cw, a| quick::to_int::<15>(cw, a, rounding(cw)), |e, a| to_i16(e, a, e.round).map(|v| v as u16 as u64);
    /// FISTP m16int.
    fistp_m16 = 16, true, 0x8000, |cw, a| quick::to_int::<15>(cw, a, rounding(cw)), |e, a| to_i16(e, a, e.round).map(|v| v as u16 as u64);
    /// FIST m32int.
    fist_m32 = 32, false, 0x8000_0000, |cw, a| quick::to_int::<31>(cw, a, rounding(cw)), |e, a| to_i32(e, a, e.round).map(|v| v as u32 as u64);
    /// FISTP m32int.
    fistp_m32 = 32, true, 0x8000_0000, |cw, a| quick::to_int::<31>(cw, a, rounding(cw)), |e, a| to_i32(e, a, e.round).map(|v| v as u32 as u64);
    /// FISTP m64int.
    fistp_m64 = 64, true, 1 << 63, |cw, a| quick::to_int::<63>(cw, a, rounding(cw)), |e, a| to_i64(e, a, e.round).map(|v| v as u64);
    /// FISTTP m16int.
    fisttp_m16 = 16, true, 0x8000, |cw, a| quick::to_int::<15>(cw, a, Round::Zero), |e, a| truncated(e, |e| to_i16(e, a, Round::Zero)).map(|v| v as u16 as u64);
    /// FISTTP m32int.
    fisttp_m32 = 32, true, 0x8000_0000, |cw, a| quick::to_int::<31>(cw, a, Round::Zero), |e, a| truncated(e, |e| to_i32(e, a, Round::Zero)).map(|v| v as u32 as u64);
    /// FISTTP m64int.
    fisttp_m64 = 64, true, 1 << 63, |cw, a| quick::to_int::<63>(cw, a, Round::Zero), |e, a| truncated(e, |e| to_i64(e, a, Round::Zero)).map(|v| v as u64);
}

/// RC of a control word.
#[inline(always)]
pub(super) const fn rounding(cw: u16) -> Round {
    Round::from_rc((cw >> 10) as u32)
}

/// FISTTP always clears C1.
fn truncated<T>(env: &mut X87Env, convert: impl FnOnce(&mut X87Env) -> Option<T>) -> Option<T> {
    let v = convert(env);
    env.rounded_up = false;
    v
}

/// FSTP m80fp: moves bits.
pub fn fstp_m80(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    let off = ea(x, i);
    let p = x.st.fpu.phys(0);
    if ready(x) && x.st.fpu.holds(p) {
        let v = x.st.fpu.reg(p);
        if x.write80_at_hand(i.seg, off, v.sig, v.se) {
            note_mem(x, i, off);
            x.st.fpu.leave(0);
            x.st.fpu.pop();
            return Ok(());
        }
    }
    fstp_m80_whole(x, i)
}

#[inline(never)]
fn fstp_m80_whole(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let p = x.st.fpu.phys(0);
    if !x.st.fpu.holds(p) {
        return store_empty::<true>(x, i, off, |x| write80(x, i, off, F80::INDEFINITE));
    }
    let v = x.st.fpu.reg(p);
    write80(x, i, off, v)?;
    note_mem(x, i, off);
    let fpu = &mut x.st.fpu;
    fpu.set_c1(false);
    fpu.pop();
    Ok(())
}

/// The packed BCD indefinite.
const INDEFINITE_BCD: F80 = F80::new(0xffff, 0xc000_0000_0000_0000);

/// FBSTP m80bcd.
pub fn fbstp(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let p = x.st.fpu.phys(0);
    if !x.st.fpu.holds(p) {
        return store_empty::<true>(x, i, off, |x| write80(x, i, off, INDEFINITE_BCD));
    }
    let mut env = x.st.fpu.env();
    let v = to_bcd(&mut env, x.st.fpu.reg(p));
    match v {
        Some(b) => write80(x, i, off, F80::from_bytes(b))?,
        None => drop(x.read_rmw::<64>(i.seg, off)?),
    }
    note_mem(x, i, off);
    let fpu = &mut x.st.fpu;
    fpu.report(&env);
    if v.is_some() {
        fpu.pop();
    }
    Ok(())
}

/// Copies ST(0) to ST(`n`).
#[inline(always)]
pub(super) fn to_register<const POP: bool>(fpu: &mut Fpu, n: u8) {
    let (p, q) = (fpu.phys(0), fpu.phys(n));
    let v = if fpu.holds(p) {
        fpu.set_c1(false);
        fpu.reg(p)
    } else if fpu.underflow() {
        F80::INDEFINITE
    } else {
        return;
    };
    fpu.set_reg(q, v);
    if POP {
        fpu.pop();
    }
}

#[inline(always)]
fn store_sti<const POP: bool>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    to_register::<POP>(&mut x.st.fpu, i.dst);
    Ok(())
}

/// FST ST(i).
pub fn fst_sti(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    store_sti::<false>(x, i)
}

/// FSTPNCE, the alias D9 D8 that raises nothing for an empty ST(0): it pops, and that is all. Undocumented; as processors do.
pub fn fstpnce(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    if x.st.fpu.holds(x.st.fpu.phys(0)) {
        return fstp_sti(x, i);
    }
    enter!(x, i);
    note(x, i);
    x.st.fpu.set_c1(false);
    x.st.fpu.pop();
    Ok(())
}

/// FSTP ST(i), and its aliases.
pub fn fstp_sti(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    store_sti::<true>(x, i)
}
