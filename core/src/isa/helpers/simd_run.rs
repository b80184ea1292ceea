//! Executes vector instructions: an operation between two places.

use super::control::{require_mmx, require_sse, require_sse_mmx};
use super::simd_place::{Source, Target};
use super::simd_state::{enter_mmx, simd_exception};
use crate::cpu::Exception;
use crate::exec::Exec;
use crate::fp::SseEnv;
use crate::isa::Insn;
use crate::isa::simd::Operation;

/// The instruction that applies `P` to `D` and `S` and writes `D`.
///
/// # Errors
/// `#UD` and `#NM` by the control registers, `#MF`, the faults of the accesses, `#XM`.
pub fn run<P: Operation, D: Target, S: Source>(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    let mmx = D::MMX || S::MMX;
    match (D::SSE || S::SSE, mmx) {
        (true, false) => require_sse(x)?,
        (true, true) => require_sse_mmx(x)?,
        _ => require_mmx(x)?,
    }
    let b = S::get(x, i)?;
    let a = D::old(x, i);
    let c = if P::XMM0 { x.st.xmm[0] } else { u128::from(i.imm) };
    let mut env = SseEnv::new(x.st.mxcsr);
    let r = P::apply(&mut env, a, b, c);
    if P::FLOAT {
        match env.commit() {
            Ok(mxcsr) => x.st.mxcsr = mxcsr,
            Err(mxcsr) => {
                x.st.mxcsr = mxcsr; // the flags are set even though the destination is not
                return Err(simd_exception(&x.st));
            }
        }
    }
    D::put(x, i, r)?;
    if mmx {
        enter_mmx(&mut x.st);
    }
    Ok(())
}
