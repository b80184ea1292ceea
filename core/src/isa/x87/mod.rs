//! The x87 FPU's instructions.
//!
//! Intel SDM Vol. 1, "Programming with the x87 FPU"; Vol. 2, the entry of each instruction; Vol. 3A, "Handling x87
//! FPU Errors in Software" (MS-DOS compatibility), "x87 FPU Floating-Point Error (#MF)". The numbers come from
//! [`crate::fp`]; here are the register stack, its faults, the status word and what is recorded of an instruction.
//!
//! * [`stack`]: registers, tags, TOP, stack faults, condition codes.
//! * [`action`]: what they do to the stack alone, for translated code.
//! * [`fault`]: `#NM`, and errors that wait for the next waiting instruction.
//! * [`load`], [`store`], [`arith`], [`compare`], [`transcendental`], [`control`], [`mod@env`]: the instructions.
//!
//! The usual case of an instruction (normal numbers, memory at hand, no stack fault, no exception but a masked PE) goes a
//! short way, `quick`, that gives up where it finds that the case is another. The instruction then runs *whole*.
//! The whole instruction would do the same in the usual case: a short way is for speed alone. Where it gives up it has
//! changed nothing, but that it may have recorded the instruction when the whole is sure to do so, too.
//!
//! All of it is helpers. A decoded instruction carries its FOP (11 bits) in [`Insn::imm`](super::Insn::imm).
//!
//! *Not modelled:* the busy bit and FWAIT as concurrency (the FPU is always done); MISC_ENABLE's fopcode mode (FOP is always recorded, which software that expects the Pentium 4's default sees as one
//! of the values it may see); the deprecation of FCS and FDS; the 8087's and 80287's projective infinity and
//! their looser exception rules: what differs between generations follows the 80387 and later.

/// Leaves the instruction when the FPU is not available or an error is pending. See [`fault::blocked`].
macro_rules! enter {
    ($x:ident, $i:ident) => {
        if ($x.st.cr0 & $crate::isa::x87::fault::UNAVAILABLE)
            | u64::from($x.st.fpu.status_less_top & $crate::isa::x87::stack::sw::ES)
            != 0
        {
            if $crate::isa::x87::fault::blocked($x, $i)? {
                return Ok(());
            }
        }
    };
}

/// Leaves a non-waiting instruction when the FPU is not available.
macro_rules! enter_no_wait {
    ($x:ident) => {
        if $x.st.cr0 & $crate::isa::x87::fault::UNAVAILABLE != 0 {
            return Err($crate::cpu::Exception::NM);
        }
    };
}

pub mod action;
pub mod arith;
pub mod compare;
pub mod control;
pub mod env;
pub mod fault;
pub mod load;
pub mod stack;
pub mod store;
pub mod transcendental;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_action;
#[cfg(all(test, target_arch = "x86_64"))]
mod tests_native;
