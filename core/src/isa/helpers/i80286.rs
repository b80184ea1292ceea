//! What the 80286 leaves behind in real mode, as the hardware-captured vectors show it. What it does with strings is in
//! [`super::string`].

use super::divide;
use crate::cpu::Exception;
use crate::cpu::flags::ARITHMETIC;
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::ops::Ops;

type R = Result<(), Exception>;

/// POP m16: when the store overruns its segment in real mode, SP has moved already.
///
/// # Errors
/// A fault of an access.
pub fn pop_mem(x: &mut Exec, i: &Insn) -> R {
    let v = x.peek::<16>()?;
    let at = x.ea(i);
    if let Err(e) = x.write::<16>(i.seg, at, v) {
        if !x.st.protected() {
            x.drop_stack(2);
        }
        return Err(e);
    }
    x.drop_stack(2);
    Ok(())
}

/// AAM: with a base of 0 the arithmetic flags are cleared before the divide error.
///
/// # Errors
/// `#DE`.
pub fn aam(x: &mut Exec, i: &Insn) -> R {
    if i.imm & 0xff == 0 {
        let cleared = x.st.flags.bits() & !ARITHMETIC;
        x.st.flags.set_arithmetic(cleared);
    }
    divide::aam(x, i)
}
