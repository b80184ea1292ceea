//! What the 8086 does its own way. Intel, *iAPX 86/88, 186/188 User's Manual*; what that leaves open, and the undocumented
//! opcodes, as the hardware-captured vectors show it.
//!
//! * Shift counts are not masked: CL counts up to 255 steps. `D0`-`D3` with reg 6 set the operand to all ones.
//! * A divide error is reported behind the instruction. IDIV has no quotient of -128 or -32768.
//! * A repeat prefix ahead of MUL, IMUL and IDIV negates the product or quotient: the microcode uses one flag for both.
//! * DAA and DAS compare AL with 9Fh when `Af` is set; AAA and AAS do not carry between AL and AH.
//!
//! *Not modelled:* register forms of LEA, LES, LDS and of far CALL and JMP, which use an address left over from an earlier
//! instruction: here they do nothing. A repeated string instruction that is interrupted forgets no prefix.

use super::divide::{self, quotient};
use super::far;
use super::segload::real_segment;
use crate::cpu::Exception;
use crate::cpu::Seg;
use crate::cpu::flags::{AF, CF, OF};
use crate::cpu::state::{RAX, RCX, RDX};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::insn::{HIGH, flag};
use crate::isa::ops::{Ops, Place};

type R = Result<(), Exception>;

/// Set in [`Insn::src2`] of a shift that takes its count from CL; the bits below hold the reg field.
pub const BY_CL: u8 = 8;

/// `D0`-`D3`: one step at a time, as the microcode does.
///
/// # Errors
/// A fault of the access.
pub fn shift<const B: u32, D: Place>(x: &mut Exec, i: &Insn) -> R {
    let count = if i.src2 & BY_CL != 0 { Ops::get::<8>(x, RCX) } else { 1 };
    let old = D::get_rmw::<Exec, B>(x, i)?;
    let mut v = old;
    if count == 0 {
        return D::set::<Exec, B>(x, i, v);
    }
    let top = u64::from(B - 1);
    let (mut cf, mut of) = (u64::from(x.st.flags.cf()), 0);
    for _ in 0..count {
        let (low, high) = (v & 1, v >> top);
        let (r, out) = match i.src2 & 7 {
            0 => (v << 1 | high, high),
            1 => (v >> 1 | low << top, low),
            2 => (v << 1 | cf, high),
            3 => (v >> 1 | cf << top, low),
            4 => (v << 1, high),
            5 => (v >> 1, low),
            6 => (u64::MAX, 0),
            _ => (v >> 1 | high << top, low),
        };
        cf = out;
        v = Ops::zext::<B>(x, r);
        // Left: the new sign against the carry. Right: a change of sign.
        of = if i.src2 & 1 == 0 { v >> top ^ cf } else { v >> top ^ high };
    }
    D::set::<Exec, B>(x, i, v)?;
    if i.src2 & 7 == 6 {
        x.flags_logic::<B>(v);
    } else {
        if i.src2 & 4 != 0 {
            Ops::flags_result::<B>(x, v);
            x.st.flags.ax = 0;
        }
        x.set_cf_of(cf, of);
    }
    Ok(())
}

/// DIV.
///
/// # Errors
/// `#DE`.
pub fn div<const B: u32, S: Place>(x: &mut Exec, i: &Insn) -> R {
    divide::div::<B, S>(x, i).map_err(Exception::as_trap)
}

/// IDIV. The magnitude of the quotient must fit below the sign; a repeat prefix then negates it.
///
/// # Errors
/// `#DE`.
pub fn idiv<const B: u32, S: Place>(x: &mut Exec, i: &Insn) -> R {
    let d = S::get::<Exec, B>(x, i)?;
    let (q, r) = quotient::<B>(x, d).map_err(Exception::as_trap)?;
    if q == -1 << (B - 1) {
        return Err(Exception::DE.as_trap());
    }
    let q = if i.has(flag::REP | flag::REPNE) { -q } else { q };
    divide::put::<B>(x, q as u64, r as u64);
    Ok(())
}

/// AAM. With a base of 0 the flags are those of the comparison 0 - 0 that finds it.
///
/// # Errors
/// `#DE`.
pub fn aam(x: &mut Exec, i: &Insn) -> R {
    if i.imm & 0xff == 0 {
        x.flags_logic::<8>(0);
    }
    divide::aam(x, i).map_err(Exception::as_trap)
}

/// MUL and IMUL behind a repeat prefix: the product is negated.
///
/// # Errors
/// A fault of the access.
pub fn negated_product<const B: u32, S: Place, const SIGNED: bool>(x: &mut Exec, i: &Insn) -> R {
    let b = S::get::<Exec, B>(x, i)?;
    let a = Ops::get::<B>(x, RAX);
    let (a, b) = if SIGNED { (x.sext::<B>(a), x.sext::<B>(b)) } else { (a, b) };
    let p = a.wrapping_mul(b).wrapping_neg();
    let (lo, hi) = (x.zext::<B>(p), x.zext::<B>(p >> B));
    Ops::put::<B>(x, RAX, lo);
    Ops::put::<B>(x, if B == 8 { RAX | HIGH } else { RDX }, hi);
    let fits = if SIGNED { x.sext::<B>(lo) == p } else { hi == 0 };
    Ops::flags_result::<B>(x, lo);
    x.set_cf_of(u64::from(!fits), u64::from(!fits));
    Ok(())
}

/// DAA; with `SUB` DAS.
///
/// # Errors
/// None.
pub fn decimal<const SUB: bool>(x: &mut Exec, _: &Insn) -> R {
    let al = Ops::get::<8>(x, RAX);
    let af = x.st.flags.af();
    let low = al & 0xf > 9 || af;
    let high = al > if af { 0x9f } else { 0x99 } || x.st.flags.cf();
    let adjust = if low { 6 } else { 0 } + if high { 0x60 } else { 0 };
    let r = if SUB { al.wrapping_sub(adjust) } else { al + adjust } & 0xff;
    Ops::put::<8>(x, RAX, r);
    x.flags_logic::<8>(r);
    let f = x.st.flags.arithmetic() & !(CF | AF | OF);
    x.st.flags.set_arithmetic(f | if high { CF } else { 0 } | if low { AF } else { 0 });
    Ok(())
}

/// ESC without a coprocessor: the memory operand is read.
///
/// # Errors
/// A fault of the access.
pub fn esc(x: &mut Exec, i: &Insn) -> R {
    if i.has(flag::MEM) {
        let at = x.ea(i);
        x.read::<16>(i.seg, at)?;
    }
    Ok(())
}

fn set_cs(x: &mut Exec, selector: u64) {
    let cs = real_segment(&x.st, Seg::Cs, selector as u16);
    let ip = x.st.rip() & 0xffff;
    far::enter(x, cs, ip);
}

/// POP CS, opcode 0F.
///
/// # Errors
/// A fault of the access.
pub fn pop_cs(x: &mut Exec, _: &Insn) -> R {
    let v = x.peek::<16>()?;
    x.drop_stack(2);
    set_cs(x, v);
    Ok(())
}

/// MOV CS, r/m16.
///
/// # Errors
/// A fault of the access.
pub fn mov_cs<S: Place>(x: &mut Exec, i: &Insn) -> R {
    let v = S::get::<Exec, 16>(x, i)?;
    set_cs(x, v);
    Ok(())
}
