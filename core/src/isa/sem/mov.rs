//! MOV MOVZX MOVSX XCHG LEA BSWAP CBW CWD XLAT. SDM Vol. 2A and 2B.

use crate::cpu::Exception;
use crate::cpu::state::{RAX, RBX, RDX};
use crate::isa::Insn;
use crate::isa::ops::{Ops, Place};

type R = Result<(), Exception>;

/// MOV.
#[inline(always)]
pub fn mov<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let v = S::get::<O, B>(o, i)?;
    D::set::<O, B>(o, i, v)
}

/// MOV from `moffs`: the address is the immediate.
#[inline(always)]
pub fn load_moffs<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> R {
    let a = o.imm(i.imm & i.address_mask());
    let v = o.load::<B>(i.seg, a)?;
    o.put::<B>(RAX, v);
    Ok(())
}

/// MOV to `moffs`.
#[inline(always)]
pub fn store_moffs<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> R {
    let a = o.imm(i.imm & i.address_mask());
    let v = o.get::<B>(RAX);
    o.store::<B>(i.seg, a, v)
}

/// MOVZX from `F` to `B` bits.
#[inline(always)]
pub fn movzx<O: Ops, const B: u32, const F: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let v = S::get::<O, F>(o, i)?;
    o.put::<B>(i.dst, v);
    Ok(())
}

/// MOVSX and MOVSXD from `F` to `B` bits.
#[inline(always)]
pub fn movsx<O: Ops, const B: u32, const F: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let v = S::get::<O, F>(o, i)?;
    let v = o.sext::<F>(v);
    o.put::<B>(i.dst, v);
    Ok(())
}

/// XCHG.
#[inline(always)]
pub fn xchg<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let d = D::get_rmw::<O, B>(o, i)?;
    let s = S::get::<O, B>(o, i)?;
    D::set_back::<O, B>(o, i, s)?;
    S::set::<O, B>(o, i, d)
}

/// LEA.
#[inline(always)]
pub fn lea<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> R {
    let a = o.ea(i);
    o.put::<B>(i.dst, a);
    Ok(())
}

/// BSWAP. On 16 bits it is undefined; processors give 0.
#[inline(always)]
pub fn bswap<O: Ops, const B: u32>(o: &mut O, i: &Insn) -> R {
    let v = if B == 16 {
        o.imm(0)
    } else {
        let v = o.reg(i.dst);
        let v = o.bswap(v);
        let n = o.imm(u64::from(64 - B));
        o.shr(v, n)
    };
    o.put::<B>(i.dst, v);
    Ok(())
}

/// CBW, CWDE, CDQE: the accumulator's lower half sign-extended to `B` bits.
#[inline(always)]
pub fn extend_a<O: Ops, const B: u32, const H: u32>(o: &mut O, _: &Insn) -> R {
    let v = o.reg(RAX);
    let v = o.sext::<H>(v);
    o.put::<B>(RAX, v);
    Ok(())
}

/// CWD, CDQ, CQO: the accumulator's sign in all of rDX.
#[inline(always)]
pub fn extend_d<O: Ops, const B: u32>(o: &mut O, _: &Insn) -> R {
    let v = o.reg(RAX);
    let v = o.sext::<B>(v);
    let n = o.imm(63);
    let v = o.sar(v, n);
    o.put::<B>(RDX, v);
    Ok(())
}

/// XLAT.
#[inline(always)]
pub fn xlat<O: Ops>(o: &mut O, i: &Insn) -> R {
    let b = o.reg(RBX);
    let al = o.get::<8>(RAX);
    let a = o.add(b, al);
    let mask = o.imm(i.address_mask());
    let a = o.and(a, mask);
    let v = o.load::<8>(i.seg, a)?;
    o.put::<8>(RAX, v);
    Ok(())
}

/// NOP and what is one here: PAUSE, prefetches, the multi-byte form, ENDBR.
#[inline(always)]
pub fn nop<O: Ops>(_: &mut O, _: &Insn) -> R {
    Ok(())
}
