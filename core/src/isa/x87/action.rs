//! What an instruction does to the register stack alone, for translated code: that has seen that the FPU is there and no error waits,
//! records the instruction, and knows where its operand in memory is.
//!
//! SDM Vol. 2, the entries of the instructions. Each does what its instruction's function does behind these steps.

use super::arith::{self, Add, Div, Divr, Mul, Operation, Sub, Subr};
use super::stack::{I16, I32, I64, M32, M64, Operand};
use super::{compare, load, store};
use crate::cpu::state::Fpu;
use crate::fp::Round;
use crate::fp::x87::{Constant, Unordered, quick};
use iced_x86::Code;

/// Takes the operand, and gives what [`Kind`] says.
pub type Action = extern "C" fn(&mut Fpu, u64) -> u64;

/// What an action takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The bits of an operand of so many bytes in memory. Nothing is given.
    Load(u8),
    /// The number of the destination, and that of the source eight bits up. Nothing is given.
    Registers,
    /// The same. What is given has ZF, PF and CF in bits 2 to 0; the other arithmetic flags are clear.
    Compare,
    /// Nothing. What is given is to be stored, in so many bytes; [`UNUSUAL`] where that is not known, and nothing has changed.
    Store(u8),
    /// The same, of an integer; [`UNUSUAL_INTEGER`].
    StoreInteger(u8),
}

/// No usual number is stored as this: it would be a NaN.
pub const UNUSUAL: u64 = u64::MAX;
/// No usual integer is stored as this: it has more bits, or is the indefinite.
pub const UNUSUAL_INTEGER: u64 = 1 << 63;

/// An instruction's action.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The instruction.
    pub code: Code,
    /// What the action takes and gives.
    pub kind: Kind,
    /// The action.
    pub action: Action,
}

/// The number in [`ACTIONS`] of an instruction's action.
#[must_use]
pub fn number(code: Code) -> Option<usize> {
    ACTIONS.iter().position(|e| e.code == code)
}

const fn registers(operand: u64) -> (u8, u8) {
    (operand as u8, (operand >> 8) as u8)
}

extern "C" fn with<A: Operation, M: Operand>(fpu: &mut Fpu, bits: u64) -> u64 {
    if !arith::usual_with::<A>(fpu, M::number(bits)) {
        arith::whole_with::<A, M>(fpu, bits);
    }
    0
}

extern "C" fn between<A: Operation, const POP: bool>(fpu: &mut Fpu, operand: u64) -> u64 {
    let (dst, src) = registers(operand);
    if !arith::usual_between::<A, POP>(fpu, dst, src) {
        arith::whole_between::<A, POP>(fpu, dst, src);
    }
    0
}

extern "C" fn compare_with<M: Operand, const POPS: u32>(fpu: &mut Fpu, bits: u64) -> u64 {
    compare::operand_in_memory::<M, POPS>(fpu, bits);
    0
}

extern "C" fn compare_to<const QUIET: bool, const POPS: u32>(fpu: &mut Fpu, operand: u64) -> u64 {
    compare::to_codes::<POPS>(fpu, registers(operand).1, quiet::<QUIET>());
    0
}

/// FCOMPP and FUCOMPP, which name no register.
extern "C" fn compare_both<const QUIET: bool>(fpu: &mut Fpu, _: u64) -> u64 {
    compare::to_codes::<2>(fpu, 1, quiet::<QUIET>());
    0
}

extern "C" fn compare_in_eflags<const QUIET: bool, const POPS: u32>(fpu: &mut Fpu, operand: u64) -> u64 {
    compare::to_eflags::<POPS>(fpu, registers(operand).1, quiet::<QUIET>()).into()
}

const fn quiet<const QUIET: bool>() -> Unordered {
    if QUIET { Unordered::Quiet } else { Unordered::Invalid }
}

extern "C" fn fld<M: Operand>(fpu: &mut Fpu, bits: u64) -> u64 {
    if !load::push_usual::<M>(fpu, bits) {
        load::push_whole::<M>(fpu, bits);
    }
    0
}

extern "C" fn fld_sti(fpu: &mut Fpu, operand: u64) -> u64 {
    load::push_copy(fpu, registers(operand).0);
    0
}

extern "C" fn fxch(fpu: &mut Fpu, operand: u64) -> u64 {
    load::exchange(fpu, registers(operand).1);
    0
}

extern "C" fn fst_sti<const POP: bool>(fpu: &mut Fpu, operand: u64) -> u64 {
    store::to_register::<POP>(fpu, registers(operand).0);
    0
}

macro_rules! simple {
    ($($name:ident: $f:expr;)*) => {
        $(extern "C" fn $name(fpu: &mut Fpu, _: u64) -> u64 {
            let f: fn(&mut Fpu) = $f;
            f(fpu);
            0
        })*
    };
}

simple! {
    fchs: |f| load::sign(f, crate::fp::F80::neg);
    fabs: |f| load::sign(f, crate::fp::F80::abs);
    fld1: |f| load::push_constant(f, Constant::One);
    fldl2t: |f| load::push_constant(f, Constant::L2t);
    fldl2e: |f| load::push_constant(f, Constant::L2e);
    fldpi: |f| load::push_constant(f, Constant::Pi);
    fldlg2: |f| load::push_constant(f, Constant::Lg2);
    fldln2: |f| load::push_constant(f, Constant::Ln2);
    fldz: |f| load::push_constant(f, Constant::Zero);
}

macro_rules! stores {
    ($($name:ident: $unusual:ident, $quick:expr;)*) => {
        $(extern "C" fn $name<const POP: bool>(fpu: &mut Fpu, _: u64) -> u64 {
            store::usual::<POP>(fpu, $quick).unwrap_or($unusual)
        })*
    };
}

stores! {
    fst_m32: UNUSUAL, quick::to_f32;
    fst_m64: UNUSUAL, quick::to_f64;
    fist_m16: UNUSUAL_INTEGER, |cw, a| quick::to_int::<15>(cw, a, store::rounding(cw));
    fist_m32: UNUSUAL_INTEGER, |cw, a| quick::to_int::<31>(cw, a, store::rounding(cw));
    fist_m64: UNUSUAL_INTEGER, |cw, a| quick::to_int::<63>(cw, a, store::rounding(cw));
    fisttp_m16: UNUSUAL_INTEGER, |cw, a| quick::to_int::<15>(cw, a, Round::Zero);
    fisttp_m32: UNUSUAL_INTEGER, |cw, a| quick::to_int::<31>(cw, a, Round::Zero);
    fisttp_m64: UNUSUAL_INTEGER, |cw, a| quick::to_int::<63>(cw, a, Round::Zero);
}

const fn entry(code: Code, kind: Kind, action: Action) -> Entry {
    Entry { code, kind, action }
}

macro_rules! actions {
    ($($code:ident $kind:expr, $action:expr;)*) => {
        &[$(entry(Code::$code, $kind, $action)),*]
    };
}

use Kind::{Compare, Load, Registers, Store, StoreInteger};

/// All actions. Translated code that is kept names them by number.
pub static ACTIONS: &[Entry] = actions! {
    Fadd_m32fp Load(4), with::<Add, M32>;
    Fadd_m64fp Load(8), with::<Add, M64>;
    Fiadd_m16int Load(2), with::<Add, I16>;
    Fiadd_m32int Load(4), with::<Add, I32>;
    Fmul_m32fp Load(4), with::<Mul, M32>;
    Fmul_m64fp Load(8), with::<Mul, M64>;
    Fimul_m16int Load(2), with::<Mul, I16>;
    Fimul_m32int Load(4), with::<Mul, I32>;
    Fsub_m32fp Load(4), with::<Sub, M32>;
    Fsub_m64fp Load(8), with::<Sub, M64>;
    Fisub_m16int Load(2), with::<Sub, I16>;
    Fisub_m32int Load(4), with::<Sub, I32>;
    Fsubr_m32fp Load(4), with::<Subr, M32>;
    Fsubr_m64fp Load(8), with::<Subr, M64>;
    Fisubr_m16int Load(2), with::<Subr, I16>;
    Fisubr_m32int Load(4), with::<Subr, I32>;
    Fdiv_m32fp Load(4), with::<Div, M32>;
    Fdiv_m64fp Load(8), with::<Div, M64>;
    Fidiv_m16int Load(2), with::<Div, I16>;
    Fidiv_m32int Load(4), with::<Div, I32>;
    Fdivr_m32fp Load(4), with::<Divr, M32>;
    Fdivr_m64fp Load(8), with::<Divr, M64>;
    Fidivr_m16int Load(2), with::<Divr, I16>;
    Fidivr_m32int Load(4), with::<Divr, I32>;
    Fadd_st0_sti Registers, between::<Add, false>;
    Fadd_sti_st0 Registers, between::<Add, false>;
    Faddp_sti_st0 Registers, between::<Add, true>;
    Fmul_st0_sti Registers, between::<Mul, false>;
    Fmul_sti_st0 Registers, between::<Mul, false>;
    Fmulp_sti_st0 Registers, between::<Mul, true>;
    Fsub_st0_sti Registers, between::<Sub, false>;
    Fsub_sti_st0 Registers, between::<Sub, false>;
    Fsubp_sti_st0 Registers, between::<Sub, true>;
    Fsubr_st0_sti Registers, between::<Subr, false>;
    Fsubr_sti_st0 Registers, between::<Subr, false>;
    Fsubrp_sti_st0 Registers, between::<Subr, true>;
    Fdiv_st0_sti Registers, between::<Div, false>;
    Fdiv_sti_st0 Registers, between::<Div, false>;
    Fdivp_sti_st0 Registers, between::<Div, true>;
    Fdivr_st0_sti Registers, between::<Divr, false>;
    Fdivr_sti_st0 Registers, between::<Divr, false>;
    Fdivrp_sti_st0 Registers, between::<Divr, true>;
    Fcom_m32fp Load(4), compare_with::<M32, 0>;
    Fcomp_m32fp Load(4), compare_with::<M32, 1>;
    Fcom_m64fp Load(8), compare_with::<M64, 0>;
    Fcomp_m64fp Load(8), compare_with::<M64, 1>;
    Ficom_m16int Load(2), compare_with::<I16, 0>;
    Ficomp_m16int Load(2), compare_with::<I16, 1>;
    Ficom_m32int Load(4), compare_with::<I32, 0>;
    Ficomp_m32int Load(4), compare_with::<I32, 1>;
    Fcom_st0_sti Registers, compare_to::<false, 0>;
    Fcomp_st0_sti Registers, compare_to::<false, 1>;
    Fucom_st0_sti Registers, compare_to::<true, 0>;
    Fucomp_st0_sti Registers, compare_to::<true, 1>;
    Fcompp Registers, compare_both::<false>;
    Fucompp Registers, compare_both::<true>;
    Fcomi_st0_sti Compare, compare_in_eflags::<false, 0>;
    Fcomip_st0_sti Compare, compare_in_eflags::<false, 1>;
    Fucomi_st0_sti Compare, compare_in_eflags::<true, 0>;
    Fucomip_st0_sti Compare, compare_in_eflags::<true, 1>;
    Fld_m32fp Load(4), fld::<M32>;
    Fld_m64fp Load(8), fld::<M64>;
    Fild_m16int Load(2), fld::<I16>;
    Fild_m32int Load(4), fld::<I32>;
    Fild_m64int Load(8), fld::<I64>;
    Fld_sti Registers, fld_sti;
    Fxch_st0_sti Registers, fxch;
    Fchs Registers, fchs;
    Fabs Registers, fabs;
    Fld1 Registers, fld1;
    Fldl2t Registers, fldl2t;
    Fldl2e Registers, fldl2e;
    Fldpi Registers, fldpi;
    Fldlg2 Registers, fldlg2;
    Fldln2 Registers, fldln2;
    Fldz Registers, fldz;
    Fst_sti Registers, fst_sti::<false>;
    Fstp_sti Registers, fst_sti::<true>;
    Fst_m32fp Store(4), fst_m32::<false>;
    Fstp_m32fp Store(4), fst_m32::<true>;
    Fst_m64fp Store(8), fst_m64::<false>;
    Fstp_m64fp Store(8), fst_m64::<true>;
    Fist_m16int StoreInteger(2), fist_m16::<false>;
    Fistp_m16int StoreInteger(2), fist_m16::<true>;
    Fist_m32int StoreInteger(4), fist_m32::<false>;
    Fistp_m32int StoreInteger(4), fist_m32::<true>;
    Fistp_m64int StoreInteger(8), fist_m64::<true>;
    Fisttp_m16int StoreInteger(2), fisttp_m16::<true>;
    Fisttp_m32int StoreInteger(4), fisttp_m32::<true>;
    Fisttp_m64int StoreInteger(8), fisttp_m64::<true>;
};
