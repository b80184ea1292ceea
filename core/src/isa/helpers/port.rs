//! IN OUT, and the permission that INS and OUTS need, too. SDM Vol. 1, "Input/Output", "I/O Permission Bit Map"; Vol. 2A.

use crate::cpu::Exception;
use crate::cpu::state::{RAX, RDX};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::ops::Ops;

type R = Result<(), Exception>;

/// The I/O map base in the 32-bit TSS.
const TSS32_IO_MAP: u64 = 0x66;

/// Whether `n` bytes at `port` may be accessed.
///
/// # Errors
/// `#GP(0)`; `#PF` of the bit map.
#[inline]
pub fn check(x: &mut Exec, port: u16, n: u32) -> R {
    if !x.st.protected() || !x.st.v86() && x.st.cpl <= x.st.flags.iopl() {
        return Ok(());
    }
    check_map(x, port, n)
}

#[cold]
fn check_map(x: &mut Exec, port: u16, n: u32) -> R {
    let tr = x.st.tr;
    let limit = u64::from(tr.limit);
    // Only the 32- and 64-bit TSS (types 9 and 11) have a map.
    if tr.attr & 8 == 0 || limit < TSS32_IO_MAP + 1 {
        return Err(Exception::gp(0));
    }
    let map = x.read_system(tr.base.wrapping_add(TSS32_IO_MAP), 2)?;
    // Two bytes are always read, so that a port next to the end needs one byte more.
    let at = map + u64::from(port >> 3);
    if at + 1 > limit {
        return Err(Exception::gp(0));
    }
    let bits = x.read_system(tr.base.wrapping_add(at), 2)?;
    if bits >> (port & 7) & ((1 << n) - 1) != 0 { Err(Exception::gp(0)) } else { Ok(()) }
}

/// The port: the immediate, or DX.
const fn port<const IMM: bool>(x: &Exec, i: &Insn) -> u16 {
    if IMM { i.imm as u16 & 0xff } else { x.st.regs[RDX as usize] as u16 }
}

/// IN.
///
/// # Errors
/// See [`check`].
pub fn input<const B: u32, const IMM: bool>(x: &mut Exec, i: &Insn) -> R {
    let port = port::<IMM>(x, i);
    check(x, port, B / 8)?;
    let v = x.port_read(port, B / 8);
    Ops::put::<B>(x, RAX, u64::from(v));
    Ok(())
}

/// OUT.
///
/// # Errors
/// See [`check`].
pub fn output<const B: u32, const IMM: bool>(x: &mut Exec, i: &Insn) -> R {
    let port = port::<IMM>(x, i);
    check(x, port, B / 8)?;
    let v = Ops::get::<B>(x, RAX);
    x.port_write(port, B / 8, v as u32);
    Ok(())
}
