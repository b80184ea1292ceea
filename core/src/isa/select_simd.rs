//! Which meaning an MMX or SSE instruction has: an operation of [`VecOp`], and the places of its operands.
//!
//! [`describe`] is the table that every engine can use; [`select`] gives the interpreter's function for it.

use super::helpers::simd_misc as misc;
use super::helpers::simd_place as place;
use super::helpers::simd_run::run;
use super::insn::{Insn, flag};
use super::ops::{Helper, Ops};
use super::select::{Meaning, help};
use super::simd::VecOp;
use super::simd::op::{for_each_vec_op, op};
use iced_x86::{Code, Instruction, Mnemonic, OpKind, Register};

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// XMM register.
    Xmm,
    /// MMX register.
    Mm,
    /// General register, 32 bits.
    R32,
    /// General register, 64 bits.
    R64,
    /// Immediate.
    Imm8,
    /// Memory, 8 bits.
    M8,
    /// Memory, 16 bits.
    M16,
    /// Memory, 32 bits.
    M32,
    /// Memory, 64 bits.
    M64,
    /// Memory, 128 bits, aligned.
    M128,
    /// Memory, 128 bits, any alignment.
    U128,
    /// EFLAGS as the target; the register operand in its place is read only.
    Eflags,
}

/// A vector instruction as an operation between two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vector {
    /// What it computes.
    pub op: VecOp,
    /// What it writes, and reads as `a` if that is a register.
    pub target: Place,
    /// What it reads as `b`.
    pub source: Place,
}

/// The operation and places of an instruction, if it is one of [`VecOp`].
#[must_use]
pub fn describe(ins: &Instruction) -> Option<Vector> {
    let (mut target, source) = (place_of(ins, 0)?, place_of(ins, 1)?);
    let op = match moved(ins, target, source) {
        Some(op) => op,
        None => variant(ins, VecOp::of(ins.mnemonic())?, target, source),
    };
    if matches!(op, VecOp::Ptest | VecOp::Comiss | VecOp::Comisd | VecOp::Ucomiss | VecOp::Ucomisd) {
        target = Place::Eflags;
    }
    Some(Vector { op, target, source })
}

fn place_of(ins: &Instruction, n: u32) -> Option<Place> {
    let unaligned = matches!(ins.mnemonic(), Mnemonic::Movups | Mnemonic::Movupd | Mnemonic::Movdqu | Mnemonic::Lddqu);
    Some(match ins.op_kind(n) {
        OpKind::Register => {
            let r: Register = ins.op_register(n);
            if r.is_xmm() {
                Place::Xmm
            } else if r.is_mm() {
                Place::Mm
            } else if r.is_gpr32() {
                Place::R32
            } else if r.is_gpr64() {
                Place::R64
            } else {
                return None;
            }
        }
        OpKind::Immediate8 => Place::Imm8,
        OpKind::Memory => match ins.memory_size().size() {
            1 => Place::M8,
            2 => Place::M16,
            4 => Place::M32,
            8 => Place::M64,
            16 if unaligned => Place::U128,
            16 => Place::M128,
            _ => return None,
        },
        _ => return None,
    })
}

/// Moves, and the mnemonics that string instructions share.
fn moved(ins: &Instruction, target: Place, source: Place) -> Option<VecOp> {
    use Mnemonic as M;
    let registers = target == Place::Xmm && source == Place::Xmm;
    match ins.code() {
        Code::Movsd_xmm_xmmm64 | Code::Movsd_xmmm64_xmm => {
            return Some(if registers { VecOp::MovIntoLow64 } else { VecOp::Mov });
        }
        Code::Cmpsd_xmm_xmmm64_imm8 => return Some(VecOp::CmpsdXmm),
        _ => {}
    }
    Some(match ins.mnemonic() {
        M::Movaps | M::Movapd | M::Movups | M::Movupd | M::Movdqa | M::Movdqu | M::Lddqu | M::Movntdqa => VecOp::Mov,
        M::Movntps | M::Movntpd | M::Movntdq | M::Movntq | M::Movd | M::Movq2dq | M::Movdq2q => VecOp::Mov,
        M::Movq if registers => VecOp::MovLow64,
        M::Movq => VecOp::Mov,
        M::Movss if registers => VecOp::MovIntoLow32,
        M::Movss => VecOp::Mov,
        M::Movlps | M::Movlpd if target == Place::Xmm => VecOp::MovIntoLow64,
        M::Movlps | M::Movlpd => VecOp::Mov,
        M::Movhps | M::Movhpd if target == Place::Xmm => VecOp::MovIntoHigh64,
        M::Movhps | M::Movhpd => VecOp::MovHigh64,
        M::Movlhps => VecOp::MovIntoHigh64,
        M::Movhlps => VecOp::MovHighIntoLow64,
        M::Pshufw => VecOp::PshufwMm,
        M::Cvtsi2ss | M::Cvtsi2sd | M::Cvtss2si | M::Cvttss2si | M::Cvtsd2si | M::Cvttsd2si => scalar_convert(ins)?,
        _ => return None,
    })
}

fn scalar_convert(ins: &Instruction) -> Option<VecOp> {
    Some(match ins.code() {
        Code::Cvtsi2ss_xmm_rm32 => VecOp::Cvtsi2ss32,
        Code::Cvtsi2ss_xmm_rm64 => VecOp::Cvtsi2ss64,
        Code::Cvtsi2sd_xmm_rm32 => VecOp::Cvtsi2sd32,
        Code::Cvtsi2sd_xmm_rm64 => VecOp::Cvtsi2sd64,
        Code::Cvtss2si_r32_xmmm32 => VecOp::Cvtss2si32,
        Code::Cvtss2si_r64_xmmm32 => VecOp::Cvtss2si64,
        Code::Cvtsd2si_r32_xmmm64 => VecOp::Cvtsd2si32,
        Code::Cvtsd2si_r64_xmmm64 => VecOp::Cvtsd2si64,
        Code::Cvttss2si_r32_xmmm32 => VecOp::Cvttss2si32,
        Code::Cvttss2si_r64_xmmm32 => VecOp::Cvttss2si64,
        Code::Cvttsd2si_r32_xmmm64 => VecOp::Cvttsd2si32,
        Code::Cvttsd2si_r64_xmmm64 => VecOp::Cvttsd2si64,
        _ => return None,
    })
}

/// The operation of a form that differs from what its mnemonic's name stands for.
fn variant(ins: &Instruction, op: VecOp, target: Place, source: Place) -> VecOp {
    use VecOp as V;
    if target == Place::Mm {
        return match op {
            V::Packsswb => V::PacksswbMm,
            V::Packuswb => V::PackuswbMm,
            V::Packssdw => V::PackssdwMm,
            V::Phaddw => V::PhaddwMm,
            V::Phaddd => V::PhadddMm,
            V::Phaddsw => V::PhaddswMm,
            V::Phsubw => V::PhsubwMm,
            V::Phsubd => V::PhsubdMm,
            V::Phsubsw => V::PhsubswMm,
            V::Punpckhbw => V::PunpckhbwMm,
            V::Punpckhwd => V::PunpckhwdMm,
            V::Punpckhdq => V::PunpckhdqMm,
            V::Pshufb => V::PshufbMm,
            V::Palignr => V::PalignrMm,
            V::Pinsrw => V::PinsrwMm,
            _ => op,
        };
    }
    match (op, source) {
        (V::Pextrw, Place::Mm) => V::PextrwMm,
        (V::Insertps, Place::M32) => V::InsertpsM32,
        _ => {
            debug_assert!(ins.op_count() >= 2);
            op
        }
    }
}

/// The meaning of an MMX or SSE instruction.
#[must_use]
pub fn select<O: Ops>(ins: &Instruction, i: &Insn) -> Option<Meaning<O>> {
    special(ins, i).or_else(|| describe(ins).and_then(handler)).and_then(help)
}

/// Instructions that are not operations between two places.
fn special(ins: &Instruction, i: &Insn) -> Option<Helper> {
    use Mnemonic as M;
    let mem = i.has(flag::MEM);
    Some(match ins.mnemonic() {
        M::Prefetchnta | M::Prefetcht0 | M::Prefetcht1 | M::Prefetcht2 | M::Lfence | M::Mfence | M::Sfence => {
            misc::hint
        }
        M::Emms => misc::emms,
        M::Ldmxcsr => misc::ldmxcsr,
        M::Stmxcsr => misc::stmxcsr,
        M::Movnti if i.bits == 64 => misc::movnti::<64>,
        M::Movnti => misc::movnti::<32>,
        M::Maskmovq => misc::maskmovq,
        M::Maskmovdqu => misc::maskmovdqu,
        M::Pcmpestri if mem => misc::pcmpstr::<true, false, false, true>,
        M::Pcmpestri => misc::pcmpstr::<true, false, false, false>,
        M::Pcmpestri64 if mem => misc::pcmpstr::<true, true, false, true>,
        M::Pcmpestri64 => misc::pcmpstr::<true, true, false, false>,
        M::Pcmpestrm if mem => misc::pcmpstr::<true, false, true, true>,
        M::Pcmpestrm => misc::pcmpstr::<true, false, true, false>,
        M::Pcmpestrm64 if mem => misc::pcmpstr::<true, true, true, true>,
        M::Pcmpestrm64 => misc::pcmpstr::<true, true, true, false>,
        M::Pcmpistri if mem => misc::pcmpstr::<false, false, false, true>,
        M::Pcmpistri => misc::pcmpstr::<false, false, false, false>,
        M::Pcmpistrm if mem => misc::pcmpstr::<false, false, true, true>,
        M::Pcmpistrm => misc::pcmpstr::<false, false, true, false>,
        _ => return None,
    })
}

/// The pairs of places that each word of the list of operations stands for.
macro_rules! pairs {
    (v, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm Xmm, Xmm M128) };
    (vv, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm Xmm) };
    (v64, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm Xmm, Xmm M64) };
    (v32, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm Xmm, Xmm M32) };
    (v16, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm Xmm, Xmm M16) };
    (v_m32, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm M32) };
    (m, $p:ty, $v:ident) => { pairs!(@ $p, $v, Mm Mm, Mm M64) };
    (vm, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm Xmm, Xmm M128, Mm Mm, Mm M64) };
    (low, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm Xmm, Xmm M128, Mm Mm, Mm M32) };
    (shift, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm Xmm, Xmm M128, Xmm Imm8, Mm Mm, Mm M64, Mm Imm8) };
    (bytes, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm Imm8) };
    (flags128, $p:ty, $v:ident) => { pairs!(@ $p, $v, Eflags Xmm, Eflags M128) };
    (flags64, $p:ty, $v:ident) => { pairs!(@ $p, $v, Eflags Xmm, Eflags M64) };
    (flags32, $p:ty, $v:ident) => { pairs!(@ $p, $v, Eflags Xmm, Eflags M32) };
    (sign, $p:ty, $v:ident) => { pairs!(@ $p, $v, R32 Xmm, R64 Xmm) };
    (sign_mm, $p:ty, $v:ident) => { pairs!(@ $p, $v, R32 Xmm, R64 Xmm, R32 Mm, R64 Mm) };
    (insert8, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm R32, Xmm R64, Xmm M8) };
    (insert16, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm R32, Xmm R64, Xmm M16) };
    (insert32, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm R32, Xmm M32) };
    (insert64, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm R64, Xmm M64) };
    (insert_mm, $p:ty, $v:ident) => { pairs!(@ $p, $v, Mm R32, Mm R64, Mm M16) };
    (extract8, $p:ty, $v:ident) => { pairs!(@ $p, $v, R32 Xmm, R64 Xmm, M8 Xmm) };
    (extract16, $p:ty, $v:ident) => { pairs!(@ $p, $v, R32 Xmm, R64 Xmm, M16 Xmm) };
    (extract32, $p:ty, $v:ident) => { pairs!(@ $p, $v, R32 Xmm, R64 Xmm, M32 Xmm) };
    (extract64, $p:ty, $v:ident) => { pairs!(@ $p, $v, R64 Xmm, M64 Xmm) };
    (extract_mm, $p:ty, $v:ident) => { pairs!(@ $p, $v, R32 Mm, R64 Mm) };
    (store64, $p:ty, $v:ident) => { pairs!(@ $p, $v, M64 Xmm) };
    (from_gpr32, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm R32, Xmm M32) };
    (from_gpr64, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm R64, Xmm M64) };
    (to_gpr32_m32, $p:ty, $v:ident) => { pairs!(@ $p, $v, R32 Xmm, R32 M32) };
    (to_gpr32_m64, $p:ty, $v:ident) => { pairs!(@ $p, $v, R32 Xmm, R32 M64) };
    (to_gpr64_m32, $p:ty, $v:ident) => { pairs!(@ $p, $v, R64 Xmm, R64 M32) };
    (to_gpr64_m64, $p:ty, $v:ident) => { pairs!(@ $p, $v, R64 Xmm, R64 M64) };
    (to_mm64, $p:ty, $v:ident) => { pairs!(@ $p, $v, Mm Xmm, Mm M64) };
    (to_mm128, $p:ty, $v:ident) => { pairs!(@ $p, $v, Mm Xmm, Mm M128) };
    (from_mm_or_m64, $p:ty, $v:ident) => { pairs!(@ $p, $v, Xmm Mm, Xmm M64) };
    // CVTPI2PS enters MMX state for a memory operand, too; CVTPI2PD does not.
    (from_mm, $p:ty, $v:ident) => {
        match ($v.target, $v.source) {
            (Place::Xmm, Place::Mm) => Some(run::<$p, place::Xmm, place::Mm> as Helper),
            (Place::Xmm, Place::M64) => Some(run::<$p, place::Xmm, place::MmxM64> as Helper),
            _ => None,
        }
    };
    (any, $p:ty, $v:ident) => {
        pairs!(@ $p, $v,
            Xmm Xmm, Xmm M128, Xmm U128, Xmm M64, Xmm M32, Xmm R32, Xmm R64, Xmm Mm,
            M128 Xmm, U128 Xmm, M64 Xmm, M32 Xmm, R32 Xmm, R64 Xmm,
            Mm Mm, Mm M64, Mm M32, Mm R32, Mm R64, Mm Xmm,
            M64 Mm, M32 Mm, R32 Mm, R64 Mm)
    };
    (@ $p:ty, $v:ident, $($d:ident $s:ident),*) => {
        match ($v.target, $v.source) {
            $((Place::$d, Place::$s) => Some(run::<$p, place::$d, place::$s> as Helper),)*
            _ => None,
        }
    };
}

macro_rules! handlers {
    (mnemonics { $($m:ident, $ms:ident, $ma:ident, $mf:path;)* } others { $($x:ident, $xs:ident, $xa:ident, $xf:path;)* }) => {
        fn handler(v: Vector) -> Option<Helper> {
            match v.op {
                $(VecOp::$m => pairs!($ms, op::$m, v),)*
                $(VecOp::$x => pairs!($xs, op::$x, v),)*
            }
        }
    };
}

for_each_vec_op!(handlers);
