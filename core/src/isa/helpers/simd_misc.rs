//! MMX and SSE instructions that are not an operation between two places: EMMS, MXCSR, masked stores, MOVNTI,
//! PCMPxSTRx, hints. SDM Vol. 2, each instruction's "Operation".
//!
//! *Not modelled:* caches and the order of memory accesses: prefetches and fences do nothing, non-temporal moves
//! are moves.

use super::control::{require_mmx, require_sse};
use super::simd_state::{enter_mmx, mxcsr_mask};
use crate::cpu::Exception;
use crate::cpu::state::{RAX, RCX, RDI, RDX};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::ops::Ops;
use crate::isa::simd::strings;

type R = Result<(), Exception>;

/// PREFETCHx, LFENCE, SFENCE, MFENCE.
///
/// # Errors
/// None.
pub fn hint(_: &mut Exec, _: &Insn) -> R {
    Ok(())
}

/// EMMS: all x87 registers become empty.
///
/// # Errors
/// `#UD`, `#NM`, `#MF`.
pub fn emms(x: &mut Exec, _: &Insn) -> R {
    require_mmx(x)?;
    x.st.fpu.valid = 0;
    x.st.fpu.set_top(0);
    Ok(())
}

/// LDMXCSR.
///
/// # Errors
/// `#UD`, `#NM`; the fault of the access; `#GP(0)` for a bit that does not exist.
pub fn ldmxcsr(x: &mut Exec, i: &Insn) -> R {
    require_sse(x)?;
    let off = x.ea(i);
    let v = x.read::<32>(i.seg, off)? as u32;
    if v & !mxcsr_mask(&x.model) != 0 {
        return Err(Exception::gp(0));
    }
    x.st.mxcsr = v;
    Ok(())
}

/// STMXCSR.
///
/// # Errors
/// `#UD`, `#NM`; the fault of the access.
pub fn stmxcsr(x: &mut Exec, i: &Insn) -> R {
    require_sse(x)?;
    let off = x.ea(i);
    x.write::<32>(i.seg, off, x.st.mxcsr.into())
}

/// MOVNTI: it uses no XMM register and asks nothing of the control registers.
///
/// # Errors
/// The fault of the access.
pub fn movnti<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    let off = x.ea(i);
    let v = Ops::get::<B>(x, i.src);
    x.write::<B>(i.seg, off, v)
}

/// MASKMOVQ.
///
/// # Errors
/// `#UD`, `#NM`, `#MF`; the fault of the access.
pub fn maskmovq(x: &mut Exec, i: &Insn) -> R {
    require_mmx(x)?;
    let v = x.st.fpu.significand[usize::from(i.src & 7)];
    let mask = x.st.fpu.significand[usize::from(i.src2 & 7)];
    masked_store(x, i, v.into(), mask.into())?;
    enter_mmx(&mut x.st);
    Ok(())
}

/// MASKMOVDQU.
///
/// # Errors
/// `#UD`, `#NM`; the fault of the access.
pub fn maskmovdqu(x: &mut Exec, i: &Insn) -> R {
    require_sse(x)?;
    let v = x.st.xmm[usize::from(i.src & 15)];
    let mask = x.st.xmm[usize::from(i.src2 & 15)];
    masked_store(x, i, v, mask)
}

/// Stores the bytes whose mask has bit 7 set at rDI. Bytes that are not stored do not fault.
fn masked_store(x: &mut Exec, i: &Insn, v: u128, mask: u128) -> R {
    let start = x.st.regs[usize::from(RDI)];
    let chosen = (0..16u64).filter(|k| mask >> (8 * k + 7) & 1 != 0);
    let at = |k: u64| start.wrapping_add(k) & i.address_mask();
    for k in chosen.clone() {
        // All of them must be writable before one is written.
        let lin = x.check_segment(i.seg, at(k), 1, true)?;
        x.translate(lin & x.ctx.lin_mask, crate::mmu::walk::Access::Write)?;
    }
    for k in chosen {
        x.write::<8>(i.seg, at(k), (v >> (8 * k)) as u64 & 0xff)?;
    }
    Ok(())
}

/// PCMPxSTRx: `WIDE` takes lengths from 64 bits of RAX and RDX, `EXPLICIT` takes them from registers at all,
/// `MASK` gives XMM0 instead of ECX; `MEM` says where the second operand is.
///
/// # Errors
/// `#UD`, `#NM`; the fault of the access.
pub fn pcmpstr<const EXPLICIT: bool, const WIDE: bool, const MASK: bool, const MEM: bool>(x: &mut Exec, i: &Insn) -> R {
    require_sse(x)?;
    let imm = i.imm as u8;
    let b = if MEM {
        let off = x.ea(i);
        x.read128(i.seg, off)?
    } else {
        x.st.xmm[usize::from(i.src & 15)]
    };
    let a = x.st.xmm[usize::from(i.dst & 15)];
    let (a_len, b_len) = if EXPLICIT {
        let length = |r: u8| {
            let v = x.st.regs[usize::from(r)] as i64;
            strings::explicit_length(if WIDE { v } else { (v as i32).into() }, imm)
        };
        (length(RAX), length(RDX))
    } else {
        (strings::implicit_length(a, imm), strings::implicit_length(b, imm))
    };
    let r = strings::compare(a, a_len, b, b_len, imm);
    if MASK {
        x.st.xmm[0] = r.mask(imm);
    } else {
        x.st.regs[usize::from(RCX)] = r.index(imm).into();
    }
    x.st.flags.set_arithmetic(r.eflags);
    Ok(())
}
