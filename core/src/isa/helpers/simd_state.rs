//! What MMX and SSE instructions ask of the CPU before and leave after: control registers, x87 tags, MXCSR.
//!
//! SDM Vol. 3A, "Intel MMX Technology System Programming", "System Programming for Instruction Set Extensions";
//! Vol. 2A, "Exceptions and Exception Classes" of SSE instructions.

use crate::cpu::Exception;
use crate::cpu::model::{Model, ModelName};
use crate::cpu::state::{CpuState, cr0, cr4};

/// Whether an SSE instruction may execute.
///
/// # Errors
/// `#UD` with CR0.EM or without CR4.OSFXSR; `#NM` with CR0.TS.
#[inline(always)]
pub fn require_sse(st: &CpuState) -> Result<(), Exception> {
    if st.cr0 & (cr0::EM | cr0::TS) | !st.cr4 & cr4::OSFXSR == 0 {
        return Ok(());
    }
    Err(if st.cr0 & cr0::EM != 0 || st.cr4 & cr4::OSFXSR == 0 { Exception::UD } else { Exception::NM })
}

/// Whether an MMX instruction may execute.
///
/// # Errors
/// `#UD` with CR0.EM; `#NM` with CR0.TS; `#MF` with an x87 exception pending.
#[inline(always)]
pub fn require_mmx(st: &CpuState) -> Result<(), Exception> {
    if st.cr0 & (cr0::EM | cr0::TS) != 0 {
        return Err(if st.cr0 & cr0::EM != 0 { Exception::UD } else { Exception::NM });
    }
    require_no_pending(st)
}

/// ES of the x87 status word: an unmasked exception waits for the next instruction that asks.
const ES: u16 = 1 << 7;

/// Whether an x87 exception is pending, for instructions that use both MMX and XMM registers.
///
/// # Errors
/// `#MF`.
#[inline(always)]
pub fn require_no_pending(st: &CpuState) -> Result<(), Exception> {
    if st.fpu.status & ES != 0 { Err(Exception::MF) } else { Ok(()) }
}

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
    if matches!(model.name, ModelName::Pentium3) { 0xffbf } else { 0xffff }
}
