//! What MMX and SSE instructions leave behind beside their result: x87 tags, MXCSR's exceptions.
//! What they ask before is in [`super::control`].
//!
//! SDM Vol. 3A, "Intel MMX Technology System Programming", "System Programming for Instruction Set Extensions".

use crate::cpu::Exception;
use crate::cpu::model::Model;
use crate::cpu::state::{CpuState, cr4};

/// The x87 state after every MMX instruction but EMMS: all registers valid, TOP = 0.
#[inline(always)]
pub fn enter_mmx(st: &mut CpuState) {
    st.fpu.valid = 0xff;
    st.fpu.set_top(0);
}

/// Writes an MMX register: sign and exponent of the x87 register become ones.
#[inline(always)]
pub fn write_mm(st: &mut CpuState, n: u8, v: u64) {
    let n = usize::from(n & 7);
    st.fpu.significand[n] = v;
    st.fpu.sign_exponent[n] = 0xffff;
}

/// Raises the exception of an unmasked SIMD floating-point condition.
#[cold]
#[must_use]
pub fn simd_exception(st: &CpuState) -> Exception {
    if st.cr4 & cr4::OSXMMEXCPT != 0 { Exception::XM } else { Exception::UD }
}

/// Bits of MXCSR that exist. SDM Vol. 1, "Guidelines for Writing to the MXCSR Register": DAZ came with the Pentium 4.
#[must_use]
pub const fn mxcsr_mask(model: &Model) -> u32 {
    model.mxcsr_mask()
}
