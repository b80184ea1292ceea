//! Control and debug registers, and the checks on CR0 and CR4 that x87, MMX and SSE instructions begin with.
//! SDM Vol. 3A, "Control Registers", "Debug Registers"; Vol. 2, the exception tables of the instructions.

use crate::cpu::Exception;
use crate::cpu::state::{cr0, cr4};
use crate::exec::Exec;
use crate::isa::Insn;

type R = Result<(), Exception>;

/// ESC on a machine without a coprocessor: the CPU computes the address, nobody answers, nothing changes.
/// i386 manual, "ESC"; FNINIT, FNSTSW AX shows programs that nobody is there.
///
/// # Errors
/// `#NM` under CR0.EM or CR0.TS.
pub fn no_coprocessor(x: &mut Exec, _: &Insn) -> R {
    require_fpu(x)
}

/// FSW.ES: an unmasked x87 exception waits.
const FSW_ES: u16 = 1 << 7;

/// What every x87 instruction but FWAIT begins with. Vol. 3A, "x87 FPU Device Not Available Exception".
///
/// # Errors
/// `#NM` under CR0.EM or CR0.TS.
#[inline]
pub fn require_fpu(x: &Exec) -> R {
    if x.st.cr0 & (cr0::EM | cr0::TS) != 0 { Err(Exception::NM) } else { Ok(()) }
}

/// What WAIT/FWAIT begins with.
///
/// # Errors
/// `#NM` when CR0.MP and CR0.TS are both set; CR0.EM does not matter.
#[inline]
pub fn require_wait(x: &Exec) -> R {
    if x.st.cr0 & (cr0::MP | cr0::TS) == cr0::MP | cr0::TS { Err(Exception::NM) } else { Ok(()) }
}

/// Reports an unmasked x87 exception that waits. With CR0.NE clear it is reported through FERR# instead,
/// outside the instruction stream, and nothing happens here.
///
/// # Errors
/// `#MF`.
#[inline]
pub fn report_x87(x: &Exec) -> R {
    if x.st.fpu.status & FSW_ES != 0 && x.st.cr0 & cr0::NE != 0 { Err(Exception::MF) } else { Ok(()) }
}

/// What an MMX instruction begins with. Vol. 3A, "Intel MMX Technology System Programming".
///
/// # Errors
/// `#UD` under CR0.EM, `#NM` under CR0.TS, `#MF` when an x87 exception waits.
#[inline]
pub fn require_mmx(x: &Exec) -> R {
    if x.st.cr0 & cr0::EM != 0 {
        return Err(Exception::UD);
    }
    if x.st.cr0 & cr0::TS != 0 {
        return Err(Exception::NM);
    }
    report_x87(x)
}

/// What an SSE instruction on XMM registers or MXCSR begins with. Vol. 3A, "Enabling SSE".
///
/// # Errors
/// `#UD` under CR0.EM or without CR4.OSFXSR, `#NM` under CR0.TS.
#[inline]
pub fn require_sse(x: &Exec) -> R {
    if x.st.cr0 & cr0::EM != 0 || x.st.cr4 & cr4::OSFXSR == 0 {
        return Err(Exception::UD);
    }
    if x.st.cr0 & cr0::TS != 0 { Err(Exception::NM) } else { Ok(()) }
}

/// What an instruction begins with that works on XMM and MMX registers both (CVTPI2PS, MOVDQ2Q).
///
/// # Errors
/// Those of [`require_sse`], then `#MF` when an x87 exception waits.
#[inline]
pub fn require_sse_mmx(x: &Exec) -> R {
    require_sse(x)?;
    report_x87(x)
}
