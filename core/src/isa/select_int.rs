//! Meanings of shifts, multiplication, division, bits, decimal adjustment, strings and other integer instructions.

use super::helpers::{compound, divide, port, string};
use super::insn::{Insn, flag};
use super::ops::{Dst, Imm, Mem, Ops, Src};
use super::select::{Meaning, help, sem};
use super::sem::{bcd, bits, mov, muldiv, shift};
use iced_x86::{Code, Instruction, Mnemonic, OpKind};

/// Picks the instance for the operand size; `$wrap` is [`sem`] or [`help`].
macro_rules! by_size {
    ($wrap:ident, $bits:expr, $f:ident :: $g:ident, [$($head:tt)*], [$($tail:tt)*]) => {
        match $bits {
            8 => $wrap($f::$g::<$($head)* 8, $($tail)*>),
            16 => $wrap($f::$g::<$($head)* 16, $($tail)*>),
            32 => $wrap($f::$g::<$($head)* 32, $($tail)*>),
            64 => $wrap($f::$g::<$($head)* 64, $($tail)*>),
            _ => None,
        }
    };
}

/// The same without an instance for 8 bits.
macro_rules! by_word {
    ($wrap:ident, $bits:expr, $f:ident :: $g:ident, [$($head:tt)*], [$($tail:tt)*]) => {
        match $bits {
            16 => $wrap($f::$g::<$($head)* 16, $($tail)*>),
            32 => $wrap($f::$g::<$($head)* 32, $($tail)*>),
            64 => $wrap($f::$g::<$($head)* 64, $($tail)*>),
            _ => None,
        }
    };
}

/// One operand that is only read: the register [`Insn::dst`] or memory.
macro_rules! operand {
    ($wrap:ident, $i:expr, $f:ident :: $g:ident, [$($head:tt)*]) => {
        if $i.has(flag::MEM) {
            by_size!($wrap, $i.bits, $f::$g, [$($head)*], [Mem])
        } else {
            by_size!($wrap, $i.bits, $f::$g, [$($head)*], [Dst])
        }
    };
}

/// A source behind a register destination: the register [`Insn::src`] or memory.
macro_rules! source {
    ($i:expr, $f:ident :: $g:ident) => {
        if $i.has(flag::MEM) {
            by_word!(sem, $i.bits, $f::$g, [O,], [Mem])
        } else {
            by_word!(sem, $i.bits, $f::$g, [O,], [Src])
        }
    };
}

/// A shift or rotate: by an immediate, or by CL.
macro_rules! shift {
    ($ins:expr, $i:expr, $g:ident) => {
        match ($i.has(flag::MEM), $ins.op1_kind() == OpKind::Register) {
            (true, true) => by_size!(sem, $i.bits, shift::$g, [O,], [Mem, Src, false]),
            (false, true) => by_size!(sem, $i.bits, shift::$g, [O,], [Dst, Src, false]),
            (true, false) if no_count($i) => by_size!(sem, $i.bits, shift::none, [O,], [Mem]),
            (false, false) if no_count($i) => by_size!(sem, $i.bits, shift::none, [O,], [Dst]),
            (true, false) => by_size!(sem, $i.bits, shift::$g, [O,], [Mem, Imm, true]),
            (false, false) => by_size!(sem, $i.bits, shift::$g, [O,], [Dst, Imm, true]),
        }
    };
}

macro_rules! double_shift {
    ($ins:expr, $i:expr, $g:ident) => {
        match ($i.has(flag::MEM), $ins.op2_kind() == OpKind::Register) {
            (true, true) => by_word!(sem, $i.bits, shift::$g, [O,], [Mem, true]),
            (false, true) => by_word!(sem, $i.bits, shift::$g, [O,], [Dst, true]),
            (true, false) if no_count($i) => by_word!(sem, $i.bits, shift::none, [O,], [Mem]),
            (false, false) if no_count($i) => by_word!(sem, $i.bits, shift::none, [O,], [Dst]),
            (true, false) => by_word!(sem, $i.bits, shift::$g, [O,], [Mem, false]),
            (false, false) => by_word!(sem, $i.bits, shift::$g, [O,], [Dst, false]),
        }
    };
}

/// BT and its kin.
macro_rules! bit {
    ($ins:expr, $i:expr, $w:ident) => {
        match ($i.has(flag::MEM), $ins.op1_kind() == OpKind::Register) {
            (true, true) => by_word!(sem, $i.bits, bits::bit_string, [O, { bits::$w },], []),
            (true, false) => by_word!(sem, $i.bits, bits::bit, [O, { bits::$w },], [Mem, Imm]),
            (false, true) => by_word!(sem, $i.bits, bits::bit, [O, { bits::$w },], [Dst, Src]),
            (false, false) => by_word!(sem, $i.bits, bits::bit, [O, { bits::$w },], [Dst, Imm]),
        }
    };
}

/// Whether the immediate count of a shift is 0 after masking.
fn no_count(i: &Insn) -> bool {
    i.imm & shift::count_mask(u32::from(i.bits)) == 0
}

/// See [`super::select::select`].
pub fn select<O: Ops>(ins: &Instruction, i: &Insn) -> Option<Meaning<O>> {
    use Mnemonic as M;
    match ins.mnemonic() {
        M::Shl | M::Sal => shift!(ins, i, shl),
        M::Shr => shift!(ins, i, shr),
        M::Sar => shift!(ins, i, sar),
        M::Rol => shift!(ins, i, rol),
        M::Ror => shift!(ins, i, ror),
        M::Rcl => shift!(ins, i, rcl),
        M::Rcr => shift!(ins, i, rcr),
        M::Shld => double_shift!(ins, i, shld),
        M::Shrd => double_shift!(ins, i, shrd),
        M::Mul => operand!(sem, i, muldiv::mul, [O,]),
        M::Imul => match ins.op_count() {
            1 => operand!(sem, i, muldiv::imul1, [O,]),
            2 => source!(i, muldiv::imul2),
            _ => source!(i, muldiv::imul3),
        },
        M::Div => operand!(help, i, divide::div, []),
        M::Idiv => operand!(help, i, divide::idiv, []),
        M::Bt => bit!(ins, i, BT),
        M::Bts => bit!(ins, i, BTS),
        M::Btr => bit!(ins, i, BTR),
        M::Btc => bit!(ins, i, BTC),
        M::Bsf => source!(i, bits::bsf),
        M::Bsr => source!(i, bits::bsr),
        M::Tzcnt => source!(i, bits::tzcnt),
        M::Lzcnt => source!(i, bits::lzcnt),
        M::Popcnt => source!(i, bits::popcnt),
        M::Movbe => by_word!(sem, i.bits, bits::movbe, [O,], []),
        M::Daa => sem(bcd::decimal::<O, false>),
        M::Das => sem(bcd::decimal::<O, true>),
        M::Aaa => sem(bcd::ascii::<O, false, false>),
        M::Aas => sem(bcd::ascii::<O, true, false>),
        M::Aad => sem(bcd::aad::<O>),
        M::Aam => help(divide::aam),
        // Hints. PREFETCHNTA and PREFETCHh came with SSE and are there.
        M::Prefetch | M::Prefetchw | M::Prefetchwt1 | M::Prefetchit0 | M::Prefetchit1 | M::Cldemote => {
            sem(mov::nop::<O>)
        }
        _ => select_compound(ins, i).or_else(|| select_string(ins)),
    }
}

fn select_compound<O: Ops>(ins: &Instruction, i: &Insn) -> Option<Meaning<O>> {
    match ins.code() {
        Code::Pushaw => help(compound::pusha::<16>),
        Code::Pushad => help(compound::pusha::<32>),
        Code::Popaw => help(compound::popa::<16>),
        Code::Popad => help(compound::popa::<32>),
        Code::Enterw_imm16_imm8 => help(compound::enter::<16>),
        Code::Enterd_imm16_imm8 => help(compound::enter::<32>),
        Code::Enterq_imm16_imm8 => help(compound::enter::<64>),
        Code::In_AL_imm8 => help(port::input::<8, true>),
        Code::In_AX_imm8 => help(port::input::<16, true>),
        Code::In_EAX_imm8 => help(port::input::<32, true>),
        Code::In_AL_DX => help(port::input::<8, false>),
        Code::In_AX_DX => help(port::input::<16, false>),
        Code::In_EAX_DX => help(port::input::<32, false>),
        Code::Out_imm8_AL => help(port::output::<8, true>),
        Code::Out_imm8_AX => help(port::output::<16, true>),
        Code::Out_imm8_EAX => help(port::output::<32, true>),
        Code::Out_DX_AL => help(port::output::<8, false>),
        Code::Out_DX_AX => help(port::output::<16, false>),
        Code::Out_DX_EAX => help(port::output::<32, false>),
        Code::Cmpxchg8b_m64 => help(compound::cmpxchg8b),
        Code::Cmpxchg16b_m128 => help(compound::cmpxchg16b),
        Code::Crc32_r32_rm8 | Code::Crc32_r64_rm8 if i.has(flag::MEM) => help(compound::crc32::<8, Mem>),
        Code::Crc32_r32_rm16 if i.has(flag::MEM) => help(compound::crc32::<16, Mem>),
        Code::Crc32_r32_rm32 if i.has(flag::MEM) => help(compound::crc32::<32, Mem>),
        Code::Crc32_r64_rm64 if i.has(flag::MEM) => help(compound::crc32::<64, Mem>),
        Code::Crc32_r32_rm8 | Code::Crc32_r64_rm8 => help(compound::crc32::<8, Src>),
        Code::Crc32_r32_rm16 => help(compound::crc32::<16, Src>),
        Code::Crc32_r32_rm32 => help(compound::crc32::<32, Src>),
        Code::Crc32_r64_rm64 => help(compound::crc32::<64, Src>),
        _ => None,
    }
}

fn select_string<O: Ops>(ins: &Instruction) -> Option<Meaning<O>> {
    use Mnemonic as M;
    if !ins.is_string_instruction() {
        return None; // MOVSD and CMPSD are SSE2 instructions, too
    }
    let bits = ins.memory_size().size() * 8;
    match ins.mnemonic() {
        M::Movsb | M::Movsw | M::Movsd | M::Movsq => by_size!(help, bits, string::movs, [], []),
        M::Cmpsb | M::Cmpsw | M::Cmpsd | M::Cmpsq => by_size!(help, bits, string::cmps, [], []),
        M::Scasb | M::Scasw | M::Scasd | M::Scasq => by_size!(help, bits, string::scas, [], []),
        M::Lodsb | M::Lodsw | M::Lodsd | M::Lodsq => by_size!(help, bits, string::lods, [], []),
        M::Stosb | M::Stosw | M::Stosd | M::Stosq => by_size!(help, bits, string::stos, [], []),
        M::Insb | M::Insw | M::Insd => by_size!(help, bits, string::ins, [], []),
        M::Outsb | M::Outsw | M::Outsd => by_size!(help, bits, string::outs, [], []),
        _ => None,
    }
}
