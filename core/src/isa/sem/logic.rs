//! AND OR XOR TEST NOT. SDM Vol. 2A and 2B. `Af` is undefined after them; Ferrite clears it, as hardware does.

use crate::cpu::Exception;
use crate::isa::Insn;
use crate::isa::ops::{Ops, Place};

type R = Result<(), Exception>;

macro_rules! logical {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[inline(always)]
        pub fn $name<O: Ops, const B: u32, D: Place, S: Place>(o: &mut O, i: &Insn) -> R {
            let b = S::get::<O, B>(o, i)?;
            let a = D::get_rmw::<O, B>(o, i)?;
            let r = o.$name(a, b);
            D::set_back::<O, B>(o, i, r)?;
            o.flags_logic::<B>(r);
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
    o.flags_logic::<B>(r);
    Ok(())
}

/// NOT: no flags.
#[inline(always)]
pub fn not<O: Ops, const B: u32, D: Place>(o: &mut O, i: &Insn) -> R {
    let a = D::get_rmw::<O, B>(o, i)?;
    let r = o.not(a);
    D::set_back::<O, B>(o, i, r)
}
