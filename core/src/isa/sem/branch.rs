//! Near control transfers: Jcc JMP CALL RET LOOP JCXZ. SDM Vol. 2A and 2B.

use super::arith::condition;
use crate::cpu::Exception;
use crate::cpu::state::RCX;
use crate::isa::insn::{Insn, flag};
use crate::isa::ops::{Cond, Ops, Place};

type R = Result<(), Exception>;

#[inline(always)]
fn target<O: Ops>(o: &mut O, i: &Insn) -> O::V {
    let next = o.next_ip();
    let d = o.imm(i.imm);
    o.add(next, d)
}

/// Jcc. `B` is the operand size, which cuts the target.
#[inline(always)]
pub fn jcc<O: Ops, const C: u8, const B: u32>(o: &mut O, i: &Insn) -> R {
    let c = o.cond(condition(C));
    let t = target(o, i);
    o.branch::<B>(c, t)
}

/// JMP rel.
#[inline(always)]
pub fn jmp<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> R {
    let t = target(o, i);
    let yes = o.imm(1);
    o.branch::<B>(yes, t)
}

/// JMP r/m.
#[inline(always)]
pub fn jmp_indirect<O: Ops, const B: u32, D: Place>(o: &mut O, i: &Insn) -> R {
    let t = D::get::<O, B>(o, i)?;
    let yes = o.imm(1);
    o.branch::<B>(yes, t)
}

/// CALL rel.
#[inline(always)]
pub fn call<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> R {
    let t = target(o, i);
    call_to::<O, B>(o, t)
}

/// CALL r/m.
#[inline(always)]
pub fn call_indirect<O: Ops, const B: u32, D: Place>(o: &mut O, i: &Insn) -> R {
    let t = D::get::<O, B>(o, i)?;
    if i.has(flag::MEM) {
        o.look_ahead::<B>(t);
    }
    call_to::<O, B>(o, t)
}

#[inline(always)]
fn call_to<O: Ops, const B: u32>(o: &mut O, t: O::V) -> R {
    let next = o.next_ip();
    let yes = o.imm(1);
    let rsp = o.reg(crate::cpu::state::RSP);
    let next = o.zext::<B>(next);
    o.push::<B>(next)?;
    // A target past the limit faults with the push undone: RSP goes back, the bytes below it do not matter.
    let r = o.branch::<B>(yes, t);
    if r.is_err() {
        o.set_reg(crate::cpu::state::RSP, rsp);
    }
    r
}

/// RET, RET imm16.
#[inline(always)]
pub fn ret<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> R {
    let t = o.peek::<B>()?;
    let yes = o.imm(1);
    o.branch::<B>(yes, t)?;
    o.drop_stack(u64::from(B / 8).wrapping_add(i.imm));
    Ok(())
}

/// rCX, cut to the address size `A`, minus one.
#[inline(always)]
fn count_down<O: Ops, const A: u32>(o: &mut O) -> O::V {
    let c = o.get::<A>(RCX);
    let one = o.imm(1);
    let c = o.sub(c, one);
    o.zext::<A>(c)
}

#[inline(always)]
fn loop_if<O: Ops, const A: u32, const B: u32>(o: &mut O, i: &Insn, also: O::V) -> R {
    let c = count_down::<O, A>(o);
    let zero = o.imm(0);
    let done = o.eq(c, zero);
    let one = o.imm(1);
    let more = o.xor(done, one);
    let taken = o.and(more, also);
    let t = target(o, i);
    o.branch::<B>(taken, t)?;
    o.put::<A>(RCX, c);
    Ok(())
}

/// LOOP.
#[inline(always)]
pub fn loop_<O: Ops, const A: u32, const B: u32>(o: &mut O, i: &Insn) -> R {
    let yes = o.imm(1);
    loop_if::<O, A, B>(o, i, yes)
}

/// LOOPE.
#[inline(always)]
pub fn loope<O: Ops, const A: u32, const B: u32>(o: &mut O, i: &Insn) -> R {
    let z = o.cond(Cond::E);
    loop_if::<O, A, B>(o, i, z)
}

/// LOOPNE.
#[inline(always)]
pub fn loopne<O: Ops, const A: u32, const B: u32>(o: &mut O, i: &Insn) -> R {
    let z = o.cond(Cond::Ne);
    loop_if::<O, A, B>(o, i, z)
}

/// JCXZ, JECXZ, JRCXZ.
#[inline(always)]
pub fn jcxz<O: Ops, const A: u32, const B: u32>(o: &mut O, i: &Insn) -> R {
    let c = o.get::<A>(RCX);
    let zero = o.imm(0);
    let c = o.eq(c, zero);
    let t = target(o, i);
    o.branch::<B>(c, t)
}
