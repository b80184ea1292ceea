//! CLC STC CMC LAHF SAHF SALC. SDM Vol. 2A and 2B. What touches system flags is in `helpers`.

use crate::cpu::Exception;
use crate::cpu::state::RAX;
use crate::isa::Insn;
use crate::isa::ops::Ops;

type R = Result<(), Exception>;

/// CLC.
#[inline(always)]
pub fn clc<O: Ops>(o: &mut O, _: &Insn) -> R {
    let of = o.of();
    let c = o.imm(0);
    o.set_cf_of(c, of);
    Ok(())
}

/// STC.
#[inline(always)]
pub fn stc<O: Ops>(o: &mut O, _: &Insn) -> R {
    let of = o.of();
    let c = o.imm(1);
    o.set_cf_of(c, of);
    Ok(())
}

/// CMC.
#[inline(always)]
pub fn cmc<O: Ops>(o: &mut O, _: &Insn) -> R {
    let of = o.of();
    let c = o.cf();
    let one = o.imm(1);
    let c = o.xor(c, one);
    o.set_cf_of(c, of);
    Ok(())
}

/// LAHF.
#[inline(always)]
pub fn lahf<O: Ops>(o: &mut O, _: &Insn) -> R {
    let f = o.arithmetic();
    let fixed = o.imm(crate::cpu::flags::FIXED);
    let f = o.or(f, fixed);
    o.put::<8>(RAX | crate::isa::insn::HIGH, f);
    Ok(())
}

/// SAHF: `Of` stays.
#[inline(always)]
pub fn sahf<O: Ops>(o: &mut O, _: &Insn) -> R {
    let ah = o.get::<8>(RAX | crate::isa::insn::HIGH);
    let low = o.imm(0xd5);
    let new = o.and(ah, low);
    let f = o.arithmetic();
    let of = o.imm(crate::cpu::flags::OF);
    let of = o.and(f, of);
    let f = o.or(new, of);
    o.set_arithmetic(f);
    Ok(())
}

/// SALC: AL becomes FFh or 0 by `Cf`. Undocumented, on every processor outside 64-bit mode.
#[inline(always)]
pub fn salc<O: Ops>(o: &mut O, _: &Insn) -> R {
    let c = o.cf();
    let zero = o.imm(0);
    let v = o.sub(zero, c);
    o.put::<8>(RAX, v);
    Ok(())
}
