//! ADD ADC SUB SBB CMP INC DEC NEG XADD CMPXCHG. SDM Vol. 2A and 2B, each instruction's "Operation" and "Flags Affected".

use crate::cpu::Exception;
use crate::isa::Insn;
use crate::isa::ops::{Cond, Ops, Place};

type R = Result<(), Exception>;

/// ADD.
#[inline(always)]
pub fn add<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let b = S::get::<O, B>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let r = o.add(a, b);
    D::set_back::<O, B>(o, i, r)?; // a fault must leave the flags alone
    o.flags_add::<B>(a, b, r);
    Ok(())
}

/// ADC.
#[inline(always)]
pub fn adc<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let b = S::get::<O, B>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let c = o.cf();
    let sum = o.add(a, b);
    let r = o.add(sum, c);
    D::set_back::<O, B>(o, i, r)?;
    o.flags_adc::<B>(a, b, r);
    Ok(())
}

/// SUB.
#[inline(always)]
pub fn sub<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let b = S::get::<O, B>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let r = o.sub(a, b);
    D::set_back::<O, B>(o, i, r)?;
    o.flags_sub::<B>(a, b, r);
    Ok(())
}

/// SBB.
#[inline(always)]
pub fn sbb<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let b = S::get::<O, B>(o, i)?;
    let a = D::get_rmw::<O, B>(o, i)?;
    let c = o.cf();
    let dif = o.sub(a, b);
    let r = o.sub(dif, c);
    D::set_back::<O, B>(o, i, r)?;
    o.flags_sbb::<B>(a, b, r);
    Ok(())
}

/// CMP.
#[inline(always)]
pub fn cmp<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let a = D::get::<O, B>(o, i)?;
    let b = S::get::<O, B>(o, i)?;
    let r = o.sub(a, b);
    o.flags_sub::<B>(a, b, r);
    Ok(())
}

/// INC: as ADD 1, but `Cf` stays.
#[inline(always)]
pub fn inc<O: Ops, const B: u32, D: Place>(o: &mut O, i: &Insn) -> R {
    let a = D::get_rmw::<O, B>(o, i)?;
    let one = o.imm(1);
    let r = o.add(a, one);
    D::set_back::<O, B>(o, i, r)?;
    o.flags_inc::<B>(a, one, r);
    Ok(())
}

/// DEC: as SUB 1, but `Cf` stays.
#[inline(always)]
pub fn dec<O: Ops, const B: u32, D: Place>(o: &mut O, i: &Insn) -> R {
    let a = D::get_rmw::<O, B>(o, i)?;
    let one = o.imm(1);
    let r = o.sub(a, one);
    D::set_back::<O, B>(o, i, r)?;
    o.flags_dec::<B>(a, one, r);
    Ok(())
}

/// NEG.
#[inline(always)]
pub fn neg<O: Ops, const B: u32, D: Place>(o: &mut O, i: &Insn) -> R {
    let b = D::get_rmw::<O, B>(o, i)?;
    let a = o.imm(0);
    let r = o.sub(a, b);
    D::set_back::<O, B>(o, i, r)?;
    o.flags_sub::<B>(a, b, r);
    Ok(())
}

/// XADD. The register is written before the destination's register would be: `XADD r, r` with one register keeps the sum.
#[inline(always)]
pub fn xadd<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let a = D::get_rmw::<O, B>(o, i)?;
    let b = S::get::<O, B>(o, i)?;
    let r = o.add(a, b);
    if i.has(crate::isa::insn::flag::MEM) {
        D::set_back::<O, B>(o, i, r)?;
        S::set::<O, B>(o, i, a)?;
    } else {
        S::set::<O, B>(o, i, a)?;
        D::set_back::<O, B>(o, i, r)?;
    }
    o.flags_add::<B>(a, b, r);
    Ok(())
}

/// CMPXCHG. The destination is written in either case, as the bus cycle of the processor does.
#[inline(always)]
pub fn cmpxchg<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let d = D::get_rmw::<O, B>(o, i)?;
    let s = S::get::<O, B>(o, i)?;
    let a = o.get::<B>(crate::cpu::state::RAX);
    let r = o.sub(a, d);
    let equal = o.eq(a, d);
    let new = o.select(equal, s, d);
    if B == 32 && !i.has(crate::isa::insn::flag::MEM) {
        // A 32-bit register destination is written (and its upper half cleared) only on success; EAX only on failure.
        let full_d = o.reg(i.dst);
        let full_a = o.reg(crate::cpu::state::RAX);
        let put_d = o.select(equal, s, full_d);
        o.set_reg(i.dst, put_d);
        let after = o.reg(crate::cpu::state::RAX);
        let same = o.eq(after, full_a);
        let keep = o.select(same, full_a, after);
        let put_a = o.select(equal, keep, d);
        o.set_reg(crate::cpu::state::RAX, put_a);
    } else {
        D::set_back::<O, B>(o, i, new)?;
        let old = o.reg(crate::cpu::state::RAX);
        o.put::<B>(crate::cpu::state::RAX, d);
        let loaded = o.reg(crate::cpu::state::RAX);
        let put_a = o.select(equal, old, loaded);
        o.set_reg(crate::cpu::state::RAX, put_a);
    }
    o.flags_sub::<B>(a, d, r);
    Ok(())
}

/// SETcc.
#[inline(always)]
pub fn setcc<O: Ops, const C: u8, D: Place>(o: &mut O, i: &Insn) -> R {
    let v = o.cond(condition(C));
    D::set::<O, 8>(o, i, v)
}

/// CMOVcc. The source is read, and a 32-bit destination's upper half cleared, even if the condition fails.
#[inline(always)]
pub fn cmovcc<O: Ops, const C: u8, const B: u32, S: Place>(o: &mut O, i: &Insn) -> R {
    let s = S::get::<O, B>(o, i)?;
    let c = o.cond(condition(C));
    let d = o.get::<B>(i.dst);
    let v = o.select(c, s, d);
    o.put::<B>(i.dst, v);
    Ok(())
}

/// The condition with this number.
#[inline(always)]
#[must_use]
pub const fn condition(c: u8) -> Cond {
    use Cond::*;
    [O, No, B, Ae, E, Ne, Be, A, S, Ns, P, Np, L, Ge, Le, G][(c & 15) as usize]
}
