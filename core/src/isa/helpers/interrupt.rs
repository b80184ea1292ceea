//! Interrupts and exceptions: delivery, and what is looked at between instructions.

use crate::cpu::Exception;
use crate::exec::{Exec, Exit};

/// Delivers an exception that an instruction raised. RIP is what will be saved.
pub fn deliver(x: &mut Exec, e: Exception) {
    let _ = (x, e);
}

/// Looks at signals and interrupts at an instruction boundary and takes what is due.
pub fn poll(x: &mut Exec) -> Option<Exit> {
    let _ = x;
    None
}

/// The `#DB` fault of an instruction breakpoint at the instruction pointer, if one is set.
pub fn code_breakpoint(x: &mut Exec) -> Option<Exception> {
    let _ = x;
    None
}
