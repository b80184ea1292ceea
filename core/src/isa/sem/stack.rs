//! PUSH POP LEAVE. SDM Vol. 2B.

use crate::cpu::Exception;
use crate::cpu::state::{RBP, RSP};
use crate::isa::Insn;
use crate::isa::ops::{Ops, Place};

type R = Result<(), Exception>;

/// PUSH r/m and imm. `PUSH SP` pushes the value before the decrement (80286 and later).
#[inline(always)]
pub fn push<O: Ops, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let v = S::get::<O, B>(o, i)?;
    o.push::<B>(v)
}

/// POP r.
#[inline(always)]
pub fn pop<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> R {
    let v = o.peek::<B>()?;
    o.drop_stack(u64::from(B / 8));
    o.put::<B>(i.dst, v);
    Ok(())
}

/// POP m: the address is computed with RSP already incremented, and RSP goes back if the store faults.
#[inline(always)]
pub fn pop_mem<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> R {
    let v = o.peek::<B>()?;
    let rsp = o.reg(RSP);
    o.drop_stack(u64::from(B / 8));
    let a = o.ea(i);
    let r = o.store::<B>(i.seg, a, v);
    if r.is_err() {
        o.set_reg(RSP, rsp);
    }
    r
}

/// LEAVE.
#[inline(always)]
pub fn leave<O: Ops, const B: u32>(o: &mut O, _: &Insn) -> R {
    let bp = o.reg(RBP);
    let mask = o.stack_mask();
    let off = o.and(bp, mask);
    let v = o.load::<B>(2, off)?;
    let n = o.imm(u64::from(B / 8));
    let sp = o.add(bp, n);
    o.set_sp(sp);
    o.put::<B>(RBP, v);
    Ok(())
}
