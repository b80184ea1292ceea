//! Where the operands of vector instructions are: one type for each kind of place.
//!
//! SDM Vol. 2A, "Exceptions and Exception Classes": operands of 128 bits in memory are aligned, unless the instruction
//! says otherwise; a misaligned one is `#GP(0)`, found after the segment's checks and before the page's.
//! *Not modelled:* AMD's misaligned SSE mode.

use super::simd_state::write_mm;
use crate::cpu::Exception;
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::ops::Ops;

type R<T> = Result<T, Exception>;

#[inline(always)]
fn read16<const ALIGNED: bool>(x: &mut Exec, i: &Insn) -> R<u128> {
    let off = x.ea(i);
    match x.direct::<false, ALIGNED>(i.seg, off, 16) {
        Some(at) => Ok(u128::from_le_bytes(x.sys.mem.load(at))),
        None if ALIGNED => read_aligned(x, i.seg, off),
        None => read_unaligned(x, i.seg, off),
    }
}

#[inline(always)]
fn write16<const ALIGNED: bool>(x: &mut Exec, i: &Insn, v: u128) -> R<()> {
    let off = x.ea(i);
    match x.direct::<true, ALIGNED>(i.seg, off, 16) {
        Some(at) => {
            x.sys.mem.store(at, v.to_le_bytes());
            Ok(())
        }
        None if ALIGNED => write_aligned(x, i.seg, off, v),
        None => write_unaligned(x, i.seg, off, v),
    }
}

/// An operand that is read.
pub trait Source {
    /// An XMM register.
    const SSE: bool = false;
    /// An MMX register, or memory that counts as one.
    const MMX: bool = false;

    /// Its value, zero-extended.
    ///
    /// # Errors
    /// The fault of the access.
    fn get(x: &mut Exec, i: &Insn) -> R<u128>;
}

/// An operand that is written, and may have been read before.
pub trait Target {
    /// An XMM register.
    const SSE: bool = false;
    /// An MMX register.
    const MMX: bool = false;

    /// The old value of a register; of what is only written, 0.
    fn old(x: &Exec, i: &Insn) -> u128;
    /// Writes as many of the low bits as there is room for.
    ///
    /// # Errors
    /// The fault of the access; nothing was written.
    fn put(x: &mut Exec, i: &Insn, v: u128) -> R<()>;
}

macro_rules! places {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;
    )*};
}

places! {
    /// XMM register.
    Xmm;
    /// MMX register.
    Mm;
    /// General register, 32 bits.
    R32;
    /// General register, 64 bits.
    R64;
    /// Immediate.
    Imm8;
    /// Memory.
    M8;
    /// Memory.
    M16;
    /// Memory.
    M32;
    /// Memory.
    M64;
    /// Memory of an instruction that enters MMX state for it as for a register.
    MmxM64;
    /// Memory, aligned.
    M128;
    /// Memory, not necessarily aligned.
    U128;
    /// EFLAGS are written, an XMM register is read.
    Eflags;
}

impl Source for Xmm {
    const SSE: bool = true;
    #[inline(always)]
    fn get(x: &mut Exec, i: &Insn) -> R<u128> {
        Ok(x.st.xmm[usize::from(i.src & 15)])
    }
}

impl Target for Xmm {
    const SSE: bool = true;
    #[inline(always)]
    fn old(x: &Exec, i: &Insn) -> u128 {
        x.st.xmm[usize::from(i.dst & 15)]
    }
    #[inline(always)]
    fn put(x: &mut Exec, i: &Insn, v: u128) -> R<()> {
        x.st.xmm[usize::from(i.dst & 15)] = v;
        Ok(())
    }
}

impl Source for Mm {
    const MMX: bool = true;
    #[inline(always)]
    fn get(x: &mut Exec, i: &Insn) -> R<u128> {
        Ok(x.st.fpu.significand[usize::from(i.src & 7)].into())
    }
}

impl Target for Mm {
    const MMX: bool = true;
    #[inline(always)]
    fn old(x: &Exec, i: &Insn) -> u128 {
        x.st.fpu.significand[usize::from(i.dst & 7)].into()
    }
    #[inline(always)]
    fn put(x: &mut Exec, i: &Insn, v: u128) -> R<()> {
        write_mm(&mut x.st, i.dst, v as u64);
        Ok(())
    }
}

macro_rules! general {
    ($($name:ident, $bits:literal;)*) => {$(
        impl Source for $name {
            #[inline(always)]
            fn get(x: &mut Exec, i: &Insn) -> R<u128> {
                Ok(Ops::get::<$bits>(x, i.src).into())
            }
        }

        impl Target for $name {
            #[inline(always)]
            fn old(_: &Exec, _: &Insn) -> u128 {
                0
            }
            #[inline(always)]
            fn put(x: &mut Exec, i: &Insn, v: u128) -> R<()> {
                Ops::put::<$bits>(x, i.dst, v as u64);
                Ok(())
            }
        }
    )*};
}

general! {
    R32, 32;
    R64, 64;
}

impl Source for Imm8 {
    #[inline(always)]
    fn get(_: &mut Exec, i: &Insn) -> R<u128> {
        Ok(i.imm.into())
    }
}

macro_rules! memory {
    ($($name:ident, $bits:literal;)*) => {$(
        impl Source for $name {
            #[inline(always)]
            fn get(x: &mut Exec, i: &Insn) -> R<u128> {
                let off = x.ea(i);
                Ok(x.read::<$bits>(i.seg, off)?.into())
            }
        }

        impl Target for $name {
            #[inline(always)]
            fn old(_: &Exec, _: &Insn) -> u128 {
                0
            }
            #[inline(always)]
            fn put(x: &mut Exec, i: &Insn, v: u128) -> R<()> {
                let off = x.ea(i);
                x.write::<$bits>(i.seg, off, v as u64)
            }
        }
    )*};
}

memory! {
    M8, 8;
    M16, 16;
    M32, 32;
    M64, 64;
}

impl Source for MmxM64 {
    const MMX: bool = true;
    #[inline(always)]
    fn get(x: &mut Exec, i: &Insn) -> R<u128> {
        M64::get(x, i)
    }
}

macro_rules! wide {
    ($($name:ident, $aligned:literal;)*) => {$(
        impl Source for $name {
            #[inline(always)]
            fn get(x: &mut Exec, i: &Insn) -> R<u128> {
                read16::<$aligned>(x, i)
            }
        }

        impl Target for $name {
            #[inline(always)]
            fn old(_: &Exec, _: &Insn) -> u128 {
                0
            }
            #[inline(always)]
            fn put(x: &mut Exec, i: &Insn, v: u128) -> R<()> {
                write16::<$aligned>(x, i, v)
            }
        }
    )*};
}

wide! {
    M128, true;
    U128, false;
}

fn check_aligned(x: &Exec, seg: u8, off: u64, write: bool) -> R<()> {
    let lin = x.check_segment(seg, off, 16, write)?;
    if lin & 15 != 0 { Err(Exception::gp(0)) } else { Ok(()) }
}

#[cold]
#[inline(never)]
fn read_aligned(x: &mut Exec, seg: u8, off: u64) -> R<u128> {
    check_aligned(x, seg, off, false)?;
    x.read128(seg, off)
}

#[cold]
#[inline(never)]
fn read_unaligned(x: &mut Exec, seg: u8, off: u64) -> R<u128> {
    x.read128(seg, off)
}

#[cold]
#[inline(never)]
fn write_aligned(x: &mut Exec, seg: u8, off: u64, v: u128) -> R<()> {
    check_aligned(x, seg, off, true)?;
    // One page, and the segment admits all of it: when the first half could be written, so can the second.
    x.write::<64>(seg, off, v as u64)?;
    x.write::<64>(seg, off.wrapping_add(8), (v >> 64) as u64)
}

#[cold]
#[inline(never)]
fn write_unaligned(x: &mut Exec, seg: u8, off: u64, v: u128) -> R<()> {
    x.write128(seg, off, v)
}

impl Target for Eflags {
    const SSE: bool = true;
    #[inline(always)]
    fn old(x: &Exec, i: &Insn) -> u128 {
        Xmm::old(x, i)
    }
    #[inline(always)]
    fn put(x: &mut Exec, _: &Insn, v: u128) -> R<()> {
        x.st.flags.set_arithmetic(v as u64);
        Ok(())
    }
}
