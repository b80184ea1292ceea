//! What keeps an x87 instruction from running: no FPU to use, or an error that waits to be reported.
//!
//! SDM Vol. 3A, "Device Not Available Exception (#NM)", "x87 FPU Floating-Point Error (#MF)"; Vol. 1,
//! "MS-DOS Compatibility Sub-mode".
//!
//! An unmasked exception sets ES and B at once and is reported by the next waiting instruction: as `#MF` with
//! CR0.NE set. With NE clear FERR# is asserted there and the instruction waits in front of itself until the interrupt
//! that the board makes of FERR# (IRQ 13) has been taken; time goes on meanwhile. The pin falls at the first boundary
//! behind the instruction that cleared the error or set NE; the engine is asked for attention there. While the board answers with
//! IGNNE#, waiting instructions run in spite of the error, so that a handler may begin with one.

use super::stack::sw;
use crate::cpu::Exception;
use crate::cpu::Feature;
use crate::cpu::model::Model;
use crate::cpu::state::{CpuState, cr0};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::insn::flag;

/// CR0 bits that make an ESC instruction raise `#NM`.
pub(super) const UNAVAILABLE: u64 = cr0::EM | cr0::TS;

/// An instruction that perhaps cannot run now: `#NM`, `#MF`, or waiting for IRQ 13 (true).
///
/// # Errors
/// The exception.
#[cold]
pub(super) fn blocked(x: &mut Exec, i: &Insn) -> Result<bool, Exception> {
    if x.st.cr0 & UNAVAILABLE != 0 {
        return Err(Exception::NM);
    }
    pending(x, i)
}

/// The report of a pending error: `#MF`, or waiting for IRQ 13 in front of the instruction (true). False when the error is to be
/// ignored. ES is set.
///
/// # Errors
/// `#MF`.
#[cold]
pub fn pending(x: &mut Exec, i: &Insn) -> Result<bool, Exception> {
    if x.st.cr0 & cr0::NE != 0 {
        return Err(Exception::MF);
    }
    if x.sys.ignne() {
        return Ok(false);
    }
    x.ferr = true;
    x.sync_clock();
    x.sys.set_ferr(true);
    x.st.set_rip(x.st.rip().wrapping_sub(u64::from(i.len)));
    x.attention = true;
    Ok(true)
}

/// The error that FERR# told of is gone.
#[cold]
pub fn release_ferr(x: &mut Exec) {
    x.ferr = false;
    x.sys.set_ferr(false);
}

/// The level that FERR# has at the next waiting instruction: an unmasked error is pending and CR0.NE leaves it to the board.
#[must_use]
pub const fn ferr(st: &CpuState) -> bool {
    st.fpu.status_less_top & sw::ES != 0 && st.cr0 & cr0::NE == 0
}

/// WAIT/FWAIT. `#NM` only when MP and TS are both set.
pub fn fwait(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    const TASK: u64 = cr0::MP | cr0::TS;
    if x.st.cr0 & TASK == TASK {
        return Err(Exception::NM);
    }
    if x.st.fpu.status_less_top & sw::ES != 0 {
        pending(x, i)?;
    }
    Ok(())
}

/// Whether the processor answers ESC instructions. The 8087, 80287 and 80387 are chips of their own; the models have
/// none.
#[must_use]
pub const fn has_fpu(model: &Model) -> bool {
    model.has(Feature::Fpu)
}

/// An ESC instruction without a coprocessor: CR0.EM and TS decide whether software is asked to emulate it; if not,
/// nobody answers and it does nothing. The first word of the operand is checked against its segment even so (seen on an
/// 80286).
pub fn no_coprocessor(x: &mut Exec, i: &Insn) -> Result<(), Exception> {
    enter_no_wait!(x);
    if i.has(flag::MEM) {
        let off = super::stack::ea(x, i);
        x.check_segment(i.seg, off, 2, false)?;
    }
    Ok(())
}
