//! AND OR XOR TEST NOT. SDM Vol. 2A and 2B. `Af` is undefined after them; Ferrite clears it, as hardware does.

use crate::cpu::Exception;
use crate::isa::Insn;
use crate::isa::ops::{Ops, Place};

type R = Result<(), Exception>;

/// Flags of a logical result: `Cf` and `Of` are cleared.
#[inline(always)]
pub fn flags_logic<O: Ops, const B: u32>(o: &mut O, r: O::V) {
    let zero = o.imm(0);
    o.flags_result::<B>(r);
    o.set_co(zero);
    o.set_ax(zero);
}

macro_rules! logical {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[inline(always)]
        pub fn $name<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
            let b = S::get::<O, B>(o, i)?;
            let a = D::get_rmw::<O, B>(o, i)?;
            let r = o.$name(a, b);
            D::set_back::<O, B>(o, i, r)?;
            flags_logic::<O, B>(o, r);
            Ok(())
        }
    };
}
logical!(and, "AND.");
logical!(or, "OR.");
logical!(xor, "XOR.");

/// TEST.
#[inline(always)]
pub fn test<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
    let a = D::get::<O, B>(o, i)?;
    let b = S::get::<O, B>(o, i)?;
    let r = o.and(a, b);
    flags_logic::<O, B>(o, r);
    Ok(())
}

/// NOT: no flags.
#[inline(always)]
pub fn not<O: Ops, const B: u32, D: Place>(o: &mut O, i: &Insn) -> R {
    let a = D::get_rmw::<O, B>(o, i)?;
    let r = o.not(a);
    D::set_back::<O, B>(o, i, r)
}
