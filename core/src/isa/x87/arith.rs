//! FADD, FMUL, FSUB(R), FDIV(R) in all their forms, and FSQRT. SDM Vol. 2, their entries.

use super::stack::{I16, I32, M32, M64, Operand, ea, note, note_mem, ready};
use crate::cpu::Exception;
use crate::cpu::state::Fpu;
use crate::exec::Exec;
use crate::fp::x87::quick::{self, Number, Quick, number};
use crate::fp::{F80, X87Env, x87};
use crate::isa::Insn;
use crate::isa::ops::{Helper, Ops};
use crate::isa::select::{Meaning, help};
use iced_x86::Code;

/// An operation on destination and source.
pub(super) trait Operation {
    fn run(env: &mut X87Env, dst: F80, src: F80) -> Option<F80>;

    /// The usual case.
    fn quick(cw: u16, dst: Number, src: Number) -> Option<Quick<F80>>;
}

macro_rules! operations {
    ($($name:ident: $f:ident($x:ident, $y:ident);)*) => {
        $(
            pub(super) struct $name;
            impl Operation for $name {
                #[inline(always)]
                fn run(env: &mut X87Env, dst: F80, src: F80) -> Option<F80> {
                    let ($x, $y) = pair!($x, $y, dst, src);
                    x87::$f(env, $x, $y)
                }
                #[inline(always)]
                fn quick(cw: u16, dst: Number, src: Number) -> Option<Quick<F80>> {
                    let ($x, $y) = pair!($x, $y, dst, src);
                    quick::$f(cw, $x, $y)
                }
            }
        )*
    };
}

macro_rules! pair {
    (dst, src, $d:ident, $s:ident) => {
        ($d, $s)
    };
    (src, dst, $d:ident, $s:ident) => {
        ($s, $d)
    };
}

operations! {
    Add: add(dst, src);
    Mul: mul(dst, src);
    Sub: sub(dst, src);
    Subr: sub(src, dst);
    Div: div(dst, src);
    Divr: div(src, dst);
}

/// The usual case of ST(0) := ST(0) op `b`; false when it is another, and nothing has changed.
#[inline(always)]
pub(super) fn usual_with<A: Operation>(fpu: &mut Fpu, b: Option<Number>) -> bool {
    let p = fpu.phys(0);
    let Some(b) = b.filter(|_| fpu.holds(p)) else { return false };
    let Some(r) = number(fpu.reg(p)).and_then(|a| A::quick(fpu.control, a, b)) else { return false };
    fpu.replace(p, r);
    true
}

#[inline(never)]
pub(super) fn whole_with<A: Operation, M: Operand>(fpu: &mut Fpu, bits: u64) {
    let mut env = fpu.env();
    let b = M::widen(bits, &mut env);
    let p = fpu.phys(0);
    if !fpu.holds(p) {
        underflow::<false>(fpu, p);
        return;
    }
    let r = A::run(&mut env, fpu.reg(p), b);
    fpu.report(&env);
    if let Some(r) = r {
        fpu.set_reg(p, r);
    }
}

/// ST(0) := ST(0) op memory.
fn memory<A: Operation, M: Operand>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    if ready(x) {
        let off = ea(x, i);
        if let Some(bits) = M::peek(x, i, off) {
            note_mem(x, i, off);
            if usual_with::<A>(&mut x.st.fpu, M::number(bits)) {
                return Ok(());
            }
        }
    }
    memory_whole::<A, M>(x, i)
}

#[inline(never)]
fn memory_whole<A: Operation, M: Operand>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    let off = ea(x, i);
    let bits = M::read(x, i, off)?;
    note_mem(x, i, off);
    whole_with::<A, M>(&mut x.st.fpu, bits);
    Ok(())
}

/// The usual case of dst := dst op src; false when it is another, and nothing has changed.
#[inline(always)]
pub(super) fn usual_between<A: Operation, const POP: bool>(fpu: &mut Fpu, dst: u8, src: u8) -> bool {
    let (p, q) = (fpu.phys(dst), fpu.phys(src));
    if !fpu.holds(p) || !fpu.holds(q) {
        return false;
    }
    let (Some(a), Some(b)) = (number(fpu.reg(p)), number(fpu.reg(q))) else { return false };
    let Some(r) = A::quick(fpu.control, a, b) else { return false };
    fpu.replace(p, r);
    if POP {
        fpu.pop();
    }
    true
}

#[inline(never)]
pub(super) fn whole_between<A: Operation, const POP: bool>(fpu: &mut Fpu, dst: u8, src: u8) {
    let (p, q) = (fpu.phys(dst), fpu.phys(src));
    if !fpu.holds(p) || !fpu.holds(q) {
        underflow::<POP>(fpu, p);
        return;
    }
    let mut env = fpu.env();
    let r = A::run(&mut env, fpu.reg(p), fpu.reg(q));
    fpu.report(&env);
    if let Some(r) = r {
        fpu.set_reg(p, r);
        if POP {
            fpu.pop();
        }
    }
}

/// dst := dst op src, where one of them is ST(0).
fn registers<A: Operation, const POP: bool>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter!(x, i);
    note(x, i);
    let fpu = &mut x.st.fpu;
    if !usual_between::<A, POP>(fpu, i.dst, i.src) {
        whole_between::<A, POP>(fpu, i.dst, i.src);
    }
    Ok(())
}

#[cold]
fn underflow<const POP: bool>(fpu: &mut Fpu, dst: usize) {
    if fpu.underflow() {
        fpu.set_reg(dst, F80::INDEFINITE);
        if POP {
            fpu.pop();
        }
    }
}

/// The form of an arithmetic instruction for one operation.
fn form<A: Operation>(code: Code) -> Option<Helper> {
    use Code as C;
    Some(match code {
        C::Fadd_m32fp | C::Fmul_m32fp | C::Fsub_m32fp | C::Fsubr_m32fp | C::Fdiv_m32fp | C::Fdivr_m32fp => {
            memory::<A, M32>
        }
        C::Fadd_m64fp | C::Fmul_m64fp | C::Fsub_m64fp | C::Fsubr_m64fp | C::Fdiv_m64fp | C::Fdivr_m64fp => {
            memory::<A, M64>
        }
        C::Fiadd_m16int | C::Fimul_m16int | C::Fisub_m16int | C::Fisubr_m16int | C::Fidiv_m16int | C::Fidivr_m16int => {
            memory::<A, I16>
        }
        C::Fiadd_m32int | C::Fimul_m32int | C::Fisub_m32int | C::Fisubr_m32int | C::Fidiv_m32int | C::Fidivr_m32int => {
            memory::<A, I32>
        }
        C::Fadd_st0_sti
        | C::Fmul_st0_sti
        | C::Fsub_st0_sti
        | C::Fsubr_st0_sti
        | C::Fdiv_st0_sti
        | C::Fdivr_st0_sti
        | C::Fadd_sti_st0
        | C::Fmul_sti_st0
        | C::Fsub_sti_st0
        | C::Fsubr_sti_st0
        | C::Fdiv_sti_st0
        | C::Fdivr_sti_st0 => registers::<A, false>,
        C::Faddp_sti_st0
        | C::Fmulp_sti_st0
        | C::Fsubp_sti_st0
        | C::Fsubrp_sti_st0
        | C::Fdivp_sti_st0
        | C::Fdivrp_sti_st0 => registers::<A, true>,
        _ => return None,
    })
}

/// The meaning of an arithmetic instruction.
pub(in crate::isa) fn select<O: Ops>(code: Code) -> Option<Meaning<O>> {
    use iced_x86::Mnemonic as M;
    let h = match code.mnemonic() {
        M::Fadd | M::Faddp | M::Fiadd => form::<Add>(code),
        M::Fmul | M::Fmulp | M::Fimul => form::<Mul>(code),
        M::Fsub | M::Fsubp | M::Fisub => form::<Sub>(code),
        M::Fsubr | M::Fsubrp | M::Fisubr => form::<Subr>(code),
        M::Fdiv | M::Fdivp | M::Fidiv => form::<Div>(code),
        M::Fdivr | M::Fdivrp | M::Fidivr => form::<Divr>(code),
        _ => None,
    };
    help(h?)
}

/// FSQRT.
pub fn fsqrt(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    super::transcendental::unary(x, i, quick::sqrt, x87::sqrt)
}
