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
        // From memory to a general register, too: CVTTSD2SI, say.
        (_, false) => require_sse(x)?,
        (true, true) => require_sse_mmx(x)?,
        (false, true) => require_mmx(x)?,
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

#[cfg(test)]
mod tests {
    use super::super::rig::Rig;
    use super::*;
    use crate::cpu::state::{cr0, cr4};

    /// CVTTSD2SI EAX, [4000h]; CVTPI2PS XMM0, [4000h]; PADDB MM0, [4000h].
    const TO_GENERAL: [u8; 9] = [0xf2, 0x0f, 0x2c, 0x04, 0x25, 0x00, 0x40, 0, 0];
    const FROM_MMX: [u8; 8] = [0x0f, 0x2a, 0x04, 0x25, 0x00, 0x40, 0, 0];
    const MMX: [u8; 8] = [0x0f, 0xfc, 0x04, 0x25, 0x00, 0x40, 0, 0];

    fn rig() -> Rig {
        let mut r = Rig::long(0);
        r.x.st.cr4 |= cr4::OSFXSR;
        r.x.st.cr0 |= cr0::NE;
        r
    }

    #[test]
    fn a_conversion_from_memory_to_a_general_register_is_of_sse() {
        for (text, reports) in [(&TO_GENERAL[..], false), (&FROM_MMX, true), (&MMX, true)] {
            // An exception of the x87 unit waits: invalid operation, not masked.
            let mut r = rig();
            r.x.st.fpu.set_control(0x37e);
            r.x.st.fpu.status_less_top = 0x8081;
            if reports {
                assert_eq!(r.fault(text), Exception::MF);
            } else {
                r.run(text);
                assert_eq!(r.handler(), None, "it does not look at the x87 unit");
            }
        }
        let mut r = rig();
        r.x.st.cr4 &= !cr4::OSFXSR;
        assert_eq!(r.fault(&TO_GENERAL), Exception::UD);
    }
}
