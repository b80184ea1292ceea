//! Which helper an x87 instruction is.
//!
//! The encodings that `iced-x86` names with a byte (`DCD0` and others) and FSTPNCE, FFREEP are undocumented aliases
//! that every processor from the 80387 on has.

use super::insn::Insn;
use super::ops::{Helper, Ops};
use super::select::{Meaning, help};
use super::x87::{arith, compare, control, env, fault, load, store, transcendental as trans};
use iced_x86::{Code, Instruction};

/// The meaning of an x87 instruction, or EMMS.
pub(super) fn select<O: Ops>(ins: &Instruction, _: &Insn) -> Option<Meaning<O>> {
    let code = ins.code();
    select_move(code)
        .or_else(|| select_function(code))
        .or_else(|| select_control(code))
        .and_then(help)
        .or_else(|| arith::select(code))
        .or_else(|| compare::select(code))
}

fn select_move(code: Code) -> Option<Helper> {
    use Code as C;
    Some(match code {
        C::Fld_m32fp => load::fld_m32,
        C::Fld_m64fp => load::fld_m64,
        C::Fld_m80fp => load::fld_m80,
        C::Fld_sti => load::fld_sti,
        C::Fild_m16int => load::fild_m16,
        C::Fild_m32int => load::fild_m32,
        C::Fild_m64int => load::fild_m64,
        C::Fbld_m80bcd => load::fbld,
        C::Fld1 => load::fld1,
        C::Fldl2t => load::fldl2t,
        C::Fldl2e => load::fldl2e,
        C::Fldpi => load::fldpi,
        C::Fldlg2 => load::fldlg2,
        C::Fldln2 => load::fldln2,
        C::Fldz => load::fldz,
        C::Fxch_st0_sti | C::Fxch_st0_sti_DDC8 | C::Fxch_st0_sti_DFC8 => load::fxch,
        C::Fcmovb_st0_sti => load::fcmovb,
        C::Fcmove_st0_sti => load::fcmove,
        C::Fcmovbe_st0_sti => load::fcmovbe,
        C::Fcmovu_st0_sti => load::fcmovu,
        C::Fcmovnb_st0_sti => load::fcmovnb,
        C::Fcmovne_st0_sti => load::fcmovne,
        C::Fcmovnbe_st0_sti => load::fcmovnbe,
        C::Fcmovnu_st0_sti => load::fcmovnu,
        C::Fst_m32fp => store::fst_m32,
        C::Fstp_m32fp => store::fstp_m32,
        C::Fst_m64fp => store::fst_m64,
        C::Fstp_m64fp => store::fstp_m64,
        C::Fstp_m80fp => store::fstp_m80,
        C::Fst_sti => store::fst_sti,
        C::Fstpnce_sti => store::fstpnce,
        C::Fstp_sti | C::Fstp_sti_DFD0 | C::Fstp_sti_DFD8 => store::fstp_sti,
        C::Fist_m16int => store::fist_m16,
        C::Fistp_m16int => store::fistp_m16,
        C::Fist_m32int => store::fist_m32,
        C::Fistp_m32int => store::fistp_m32,
        C::Fistp_m64int => store::fistp_m64,
        C::Fisttp_m16int => store::fisttp_m16,
        C::Fisttp_m32int => store::fisttp_m32,
        C::Fisttp_m64int => store::fisttp_m64,
        C::Fbstp_m80bcd => store::fbstp,
        _ => return None,
    })
}

fn select_function(code: Code) -> Option<Helper> {
    use Code as C;
    Some(match code {
        C::Fchs => load::fchs,
        C::Fabs => load::fabs,
        C::Fsqrt => arith::fsqrt,
        C::Frndint => trans::frndint,
        C::Fscale => trans::fscale,
        C::Fxtract => trans::fxtract,
        C::Fprem => trans::fprem,
        C::Fprem1 => trans::fprem1,
        C::F2xm1 => trans::f2xm1,
        C::Fyl2x => trans::fyl2x,
        C::Fyl2xp1 => trans::fyl2xp1,
        C::Fpatan => trans::fpatan,
        C::Fptan => trans::fptan,
        C::Fsin => trans::fsin,
        C::Fcos => trans::fcos,
        C::Fsincos => trans::fsincos,
        _ => return None,
    })
}

fn select_control(code: Code) -> Option<Helper> {
    use Code as C;
    Some(match code {
        C::Wait => fault::fwait,
        C::Fninit => control::fninit,
        C::Fnclex => control::fnclex,
        C::Fldcw_m2byte => control::fldcw,
        C::Fnstcw_m2byte => control::fnstcw,
        C::Fnstsw_m2byte => control::fnstsw,
        C::Fnstsw_AX => control::fnstsw_ax,
        C::Fneni | C::Fndisi | C::Fnsetpm => control::ignored,
        C::Fnop => control::fnop,
        C::Fincstp => control::fincstp,
        C::Fdecstp => control::fdecstp,
        C::Ffree_sti => control::ffree,
        C::Ffreep_sti => control::ffreep,
        C::Emms => control::emms,
        C::Fnstenv_m14byte => env::fnstenv_14,
        C::Fnstenv_m28byte => env::fnstenv_28,
        C::Fldenv_m14byte => env::fldenv_14,
        C::Fldenv_m28byte => env::fldenv_28,
        C::Fnsave_m94byte => env::fnsave_94,
        C::Fnsave_m108byte => env::fnsave_108,
        C::Frstor_m94byte => env::frstor_94,
        C::Frstor_m108byte => env::frstor_108,
        _ => return None,
    })
}
