//! Which meaning an instruction has: the one table that the interpreter and a translator share.
//!
//! Families that fill a file of their own have a table of their own in `select_*`; the order of asking does not matter,
//! since no instruction is in two of them.

use super::insn::{Handler, Insn, flag};
use super::ops::{Dst, Helper, Imm, Mem, Ops, Semantic, Src};
use super::sem::{arith, branch, flagctl, logic, mov, stack};
use crate::exec::Exec;
use iced_x86::{Code, Instruction, Mnemonic, OpKind};

/// What an instruction means: operations, or a function that every engine calls.
#[derive(Debug)]
pub enum Meaning<O: Ops> {
    /// A function over the engine's operations.
    Semantic(Semantic<O>),
    /// A helper.
    Helper(Helper),
}

impl Meaning<Exec> {
    /// For the interpreter both are the same.
    #[must_use]
    pub fn handler(self) -> Handler {
        match self {
            Self::Semantic(f) | Self::Helper(f) => f,
        }
    }
}

/// How the operands of a two-operand instruction are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Register, register.
    RegReg,
    /// Register, memory.
    RegMem,
    /// Register, immediate.
    RegImm,
    /// Memory, register.
    MemReg,
    /// Memory, immediate.
    MemImm,
}

/// The form of a two-operand instruction.
#[must_use]
pub fn form(ins: &Instruction) -> Option<Form> {
    let mem = |n| ins.op_kind(n) == OpKind::Memory;
    let reg = |n| ins.op_kind(n) == OpKind::Register;
    match (mem(0), mem(1), reg(1)) {
        (true, _, true) => Some(Form::MemReg),
        (true, _, false) => Some(Form::MemImm),
        (false, true, _) => Some(Form::RegMem),
        (false, false, true) => Some(Form::RegReg),
        _ => Some(Form::RegImm),
    }
}

/// Picks the instance for the operand size and form of a two-operand meaning.
macro_rules! binary {
    ($i:expr, $form:expr, $f:ident :: $g:ident) => {
        match $form? {
            Form::RegReg => binary!(@size $i, $f, $g, Dst, Src),
            Form::RegMem => binary!(@size $i, $f, $g, Dst, Mem),
            Form::RegImm => binary!(@size $i, $f, $g, Dst, Imm),
            Form::MemReg => binary!(@size $i, $f, $g, Mem, Src),
            Form::MemImm => binary!(@size $i, $f, $g, Mem, Imm),
        }
    };
    (@size $i:expr, $f:ident, $g:ident, $d:ident, $s:ident) => {
        match $i.bits {
            8 => sem($f::$g::<O, 8, $d, $s>),
            16 => sem($f::$g::<O, 16, $d, $s>),
            32 => sem($f::$g::<O, 32, $d, $s>),
            64 => sem($f::$g::<O, 64, $d, $s>),
            _ => None,
        }
    };
}

/// Picks the instance for the operand size of a one-operand meaning, by whether the operand is memory.
macro_rules! unary {
    ($i:expr, $f:ident :: $g:ident) => {
        match ($i.bits, $i.has(flag::MEM)) {
            (8, false) => sem($f::$g::<O, 8, Dst>),
            (16, false) => sem($f::$g::<O, 16, Dst>),
            (32, false) => sem($f::$g::<O, 32, Dst>),
            (64, false) => sem($f::$g::<O, 64, Dst>),
            (8, true) => sem($f::$g::<O, 8, Mem>),
            (16, true) => sem($f::$g::<O, 16, Mem>),
            (32, true) => sem($f::$g::<O, 32, Mem>),
            (64, true) => sem($f::$g::<O, 64, Mem>),
            _ => None,
        }
    };
}

/// Picks the instance for an operand size.
macro_rules! sized {
    ($bits:expr, $f:ident :: $g:ident) => {
        match $bits {
            8 => sem($f::$g::<O, 8>),
            16 => sem($f::$g::<O, 16>),
            32 => sem($f::$g::<O, 32>),
            64 => sem($f::$g::<O, 64>),
            _ => None,
        }
    };
}

/// Picks the instance for a condition number, with further constants behind it.
macro_rules! conditional {
    ($c:expr, $f:ident :: $g:ident, $($rest:tt)*) => {
        match $c {
            0 => sem($f::$g::<O, 0, $($rest)*>),
            1 => sem($f::$g::<O, 1, $($rest)*>),
            2 => sem($f::$g::<O, 2, $($rest)*>),
            3 => sem($f::$g::<O, 3, $($rest)*>),
            4 => sem($f::$g::<O, 4, $($rest)*>),
            5 => sem($f::$g::<O, 5, $($rest)*>),
            6 => sem($f::$g::<O, 6, $($rest)*>),
            7 => sem($f::$g::<O, 7, $($rest)*>),
            8 => sem($f::$g::<O, 8, $($rest)*>),
            9 => sem($f::$g::<O, 9, $($rest)*>),
            10 => sem($f::$g::<O, 10, $($rest)*>),
            11 => sem($f::$g::<O, 11, $($rest)*>),
            12 => sem($f::$g::<O, 12, $($rest)*>),
            13 => sem($f::$g::<O, 13, $($rest)*>),
            14 => sem($f::$g::<O, 14, $($rest)*>),
            _ => sem($f::$g::<O, 15, $($rest)*>),
        }
    };
}

/// Wraps a semantic function, so that the tables stay short.
pub(super) fn sem<O: Ops>(f: Semantic<O>) -> Option<Meaning<O>> {
    Some(Meaning::Semantic(f))
}

/// Wraps a helper.
pub(super) fn help<O: Ops>(h: Helper) -> Option<Meaning<O>> {
    Some(Meaning::Helper(h))
}

/// The meaning of an instruction, or `None` for one that this processor family does not have.
#[must_use]
pub fn select<O: Ops>(ins: &Instruction, i: &Insn) -> Option<Meaning<O>> {
    select_integer(ins, i)
        .or_else(|| select_branch(ins, i))
        .or_else(|| super::select_control::select(ins, i))
        .or_else(|| super::select_system::select(ins, i))
        .or_else(|| super::select_int::select(ins, i))
        .or_else(|| super::select_simd::select(ins, i))
        .or_else(|| super::select_x87::select(ins, i))
}

fn select_integer<O: Ops>(ins: &Instruction, i: &Insn) -> Option<Meaning<O>> {
    use Mnemonic as M;
    let form = form(ins);
    match ins.mnemonic() {
        M::Mov => select_mov(ins, i),
        M::Add => binary!(i, form, arith::add),
        M::Adc => binary!(i, form, arith::adc),
        M::Sub => binary!(i, form, arith::sub),
        M::Sbb => binary!(i, form, arith::sbb),
        M::Cmp => binary!(i, form, arith::cmp),
        M::And => binary!(i, form, logic::and),
        M::Or => binary!(i, form, logic::or),
        M::Xor => binary!(i, form, logic::xor),
        M::Test => binary!(i, form, logic::test),
        M::Xchg => binary!(i, form, mov::xchg),
        M::Xadd => binary!(i, form, arith::xadd),
        M::Cmpxchg => binary!(i, form, arith::cmpxchg),
        M::Inc => unary!(i, arith::inc),
        M::Dec => unary!(i, arith::dec),
        M::Neg => unary!(i, arith::neg),
        M::Not => unary!(i, logic::not),
        M::Lea => sized!(i.bits, mov::lea),
        M::Bswap => sized!(i.bits, mov::bswap),
        M::Movzx => select_extend(ins, i, false),
        M::Movsx | M::Movsxd => select_extend(ins, i, true),
        M::Cbw => sem(mov::extend_a::<O, 16, 8>),
        M::Cwde => sem(mov::extend_a::<O, 32, 16>),
        M::Cdqe => sem(mov::extend_a::<O, 64, 32>),
        M::Cwd => sem(mov::extend_d::<O, 16>),
        M::Cdq => sem(mov::extend_d::<O, 32>),
        M::Cqo => sem(mov::extend_d::<O, 64>),
        M::Xlatb => sem(mov::xlat::<O>),
        M::Nop | M::Reservednop | M::Pause | M::Endbr32 | M::Endbr64 => sem(mov::nop::<O>),
        M::Clc => sem(flagctl::clc::<O>),
        M::Stc => sem(flagctl::stc::<O>),
        M::Cmc => sem(flagctl::cmc::<O>),
        M::Lahf => sem(flagctl::lahf::<O>),
        M::Sahf => sem(flagctl::sahf::<O>),
        M::Salc => sem(flagctl::salc::<O>),
        M::Push => select_push(ins, i),
        M::Pop => select_pop(ins),
        M::Leave => match ins.code() {
            Code::Leavew => sem(stack::leave::<O, 16>),
            Code::Leaved => sem(stack::leave::<O, 32>),
            _ => sem(stack::leave::<O, 64>),
        },
        _ => select_conditional(ins, i),
    }
}

fn select_conditional<O: Ops>(ins: &Instruction, i: &Insn) -> Option<Meaning<O>> {
    let c = (ins.condition_code() as u8).checked_sub(1)?;
    // `iced_x86::ConditionCode` is `None`, then the conditions in encoding order.
    if ins.is_jcc_short_or_near() {
        return match branch_bits(ins) {
            16 => conditional!(c, branch::jcc, 16),
            32 => conditional!(c, branch::jcc, 32),
            _ => conditional!(c, branch::jcc, 64),
        };
    }
    match (ins.op_count(), i.bits, i.has(flag::MEM)) {
        (1, 8, true) => conditional!(c, arith::setcc, Mem),
        (1, 8, false) => conditional!(c, arith::setcc, Dst),
        (2, 16, false) => conditional!(c, arith::cmovcc, 16, Src),
        (2, 32, false) => conditional!(c, arith::cmovcc, 32, Src),
        (2, 64, false) => conditional!(c, arith::cmovcc, 64, Src),
        (2, 16, true) => conditional!(c, arith::cmovcc, 16, Mem),
        (2, 32, true) => conditional!(c, arith::cmovcc, 32, Mem),
        (2, 64, true) => conditional!(c, arith::cmovcc, 64, Mem),
        _ => None, // LOOPcc
    }
}

/// Operand size of a near branch.
fn branch_bits(ins: &Instruction) -> u32 {
    match ins.op0_kind() {
        OpKind::NearBranch16 => 16,
        OpKind::NearBranch32 => 32,
        _ => 64,
    }
}

fn select_mov<O: Ops>(ins: &Instruction, i: &Insn) -> Option<Meaning<O>> {
    match ins.code() {
        Code::Mov_AL_moffs8 => sem(mov::load_moffs::<O, 8>),
        Code::Mov_AX_moffs16 => sem(mov::load_moffs::<O, 16>),
        Code::Mov_EAX_moffs32 => sem(mov::load_moffs::<O, 32>),
        Code::Mov_RAX_moffs64 => sem(mov::load_moffs::<O, 64>),
        Code::Mov_moffs8_AL => sem(mov::store_moffs::<O, 8>),
        Code::Mov_moffs16_AX => sem(mov::store_moffs::<O, 16>),
        Code::Mov_moffs32_EAX => sem(mov::store_moffs::<O, 32>),
        Code::Mov_moffs64_RAX => sem(mov::store_moffs::<O, 64>),
        _ => {
            let gpr = |n| ins.op_kind(n) != OpKind::Register || ins.op_register(n).is_gpr();
            if !gpr(0) || !gpr(1) {
                return None; // segment, control, debug and test registers
            }
            let form = form(ins);
            binary!(i, form, mov::mov)
        }
    }
}

fn select_extend<O: Ops>(ins: &Instruction, i: &Insn, signed: bool) -> Option<Meaning<O>> {
    let from = match ins.op1_kind() {
        OpKind::Register => ins.op1_register().size() * 8,
        _ => ins.memory_size().size() * 8,
    };
    macro_rules! pick {
        ($f:ident) => {
            match (i.bits, from, i.has(flag::MEM)) {
                (16, 8, false) => sem(mov::$f::<O, 16, 8, Src>),
                (16, 16, false) => sem(mov::$f::<O, 16, 16, Src>),
                (32, 8, false) => sem(mov::$f::<O, 32, 8, Src>),
                (32, 16, false) => sem(mov::$f::<O, 32, 16, Src>),
                (32, 32, false) => sem(mov::$f::<O, 32, 32, Src>),
                (64, 8, false) => sem(mov::$f::<O, 64, 8, Src>),
                (64, 16, false) => sem(mov::$f::<O, 64, 16, Src>),
                (64, 32, false) => sem(mov::$f::<O, 64, 32, Src>),
                (16, 8, true) => sem(mov::$f::<O, 16, 8, Mem>),
                (16, 16, true) => sem(mov::$f::<O, 16, 16, Mem>),
                (32, 8, true) => sem(mov::$f::<O, 32, 8, Mem>),
                (32, 16, true) => sem(mov::$f::<O, 32, 16, Mem>),
                (32, 32, true) => sem(mov::$f::<O, 32, 32, Mem>),
                (64, 8, true) => sem(mov::$f::<O, 64, 8, Mem>),
                (64, 16, true) => sem(mov::$f::<O, 64, 16, Mem>),
                (64, 32, true) => sem(mov::$f::<O, 64, 32, Mem>),
                _ => None,
            }
        };
    }
    if signed { pick!(movsx) } else { pick!(movzx) }
}

fn select_push<O: Ops>(ins: &Instruction, i: &Insn) -> Option<Meaning<O>> {
    let bits = ins.stack_pointer_increment().unsigned_abs() * 8;
    macro_rules! pick {
        ($s:ident) => {
            match bits {
                16 => sem(stack::push::<O, 16, $s>),
                32 => sem(stack::push::<O, 32, $s>),
                64 => sem(stack::push::<O, 64, $s>),
                _ => None,
            }
        };
    }
    match ins.op0_kind() {
        OpKind::Register if ins.op0_register().is_gpr() => pick!(Dst),
        OpKind::Register => None, // segment registers
        OpKind::Memory => pick!(Mem),
        _ => {
            debug_assert!(!i.has(flag::MEM));
            pick!(Imm)
        }
    }
}

fn select_pop<O: Ops>(ins: &Instruction) -> Option<Meaning<O>> {
    let bits = ins.stack_pointer_increment() * 8;
    match (ins.op0_kind(), bits) {
        (OpKind::Register, _) if !ins.op0_register().is_gpr() => None, // segment registers
        (OpKind::Register, 16) => sem(stack::pop::<O, 16>),
        (OpKind::Register, 32) => sem(stack::pop::<O, 32>),
        (OpKind::Register, 64) => sem(stack::pop::<O, 64>),
        (OpKind::Memory, 16) => sem(stack::pop_mem::<O, 16>),
        (OpKind::Memory, 32) => sem(stack::pop_mem::<O, 32>),
        (OpKind::Memory, 64) => sem(stack::pop_mem::<O, 64>),
        _ => None,
    }
}

/// LOOP, LOOPcc and JrCXZ by address size and operand size.
macro_rules! counted {
    ($asize:expr, $bits:expr, $g:ident) => {
        match ($asize, $bits) {
            (0, 16) => sem(branch::$g::<O, 16, 16>),
            (0, 32) => sem(branch::$g::<O, 16, 32>),
            (1, 16) => sem(branch::$g::<O, 32, 16>),
            (1, 32) => sem(branch::$g::<O, 32, 32>),
            (1, 64) => sem(branch::$g::<O, 32, 64>),
            (2, 16) => sem(branch::$g::<O, 64, 16>),
            (2, 64) => sem(branch::$g::<O, 64, 64>),
            _ => None,
        }
    };
}

fn select_branch<O: Ops>(ins: &Instruction, i: &Insn) -> Option<Meaning<O>> {
    use Mnemonic as M;
    let direct = matches!(ins.op0_kind(), OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64);
    match ins.mnemonic() {
        M::Jmp if direct => match branch_bits(ins) {
            16 => sem(branch::jmp::<O, 16>),
            32 => sem(branch::jmp::<O, 32>),
            _ => sem(branch::jmp::<O, 64>),
        },
        M::Call if direct => match branch_bits(ins) {
            16 => sem(branch::call::<O, 16>),
            32 => sem(branch::call::<O, 32>),
            _ => sem(branch::call::<O, 64>),
        },
        M::Jmp if ins.is_jmp_near_indirect() => match (i.bits, i.has(flag::MEM)) {
            (16, false) => sem(branch::jmp_indirect::<O, 16, Dst>),
            (32, false) => sem(branch::jmp_indirect::<O, 32, Dst>),
            (64, false) => sem(branch::jmp_indirect::<O, 64, Dst>),
            (16, true) => sem(branch::jmp_indirect::<O, 16, Mem>),
            (32, true) => sem(branch::jmp_indirect::<O, 32, Mem>),
            (64, true) => sem(branch::jmp_indirect::<O, 64, Mem>),
            _ => None,
        },
        M::Call if ins.is_call_near_indirect() => match (i.bits, i.has(flag::MEM)) {
            (16, false) => sem(branch::call_indirect::<O, 16, Dst>),
            (32, false) => sem(branch::call_indirect::<O, 32, Dst>),
            (64, false) => sem(branch::call_indirect::<O, 64, Dst>),
            (16, true) => sem(branch::call_indirect::<O, 16, Mem>),
            (32, true) => sem(branch::call_indirect::<O, 32, Mem>),
            (64, true) => sem(branch::call_indirect::<O, 64, Mem>),
            _ => None,
        },
        M::Ret => match ins.code() {
            Code::Retnw | Code::Retnw_imm16 => sem(branch::ret::<O, 16>),
            Code::Retnd | Code::Retnd_imm16 => sem(branch::ret::<O, 32>),
            _ => sem(branch::ret::<O, 64>),
        },
        M::Loop | M::Loope | M::Loopne | M::Jcxz | M::Jecxz | M::Jrcxz => {
            let asize = counter_size(ins.code());
            let bits = branch_bits(ins);
            match ins.mnemonic() {
                M::Loop => counted!(asize, bits, loop_),
                M::Loope => counted!(asize, bits, loope),
                M::Loopne => counted!(asize, bits, loopne),
                _ => counted!(asize, bits, jcxz),
            }
        }
        _ => None,
    }
}

/// Address size (as [`Insn::asize`]) of the count register of LOOP and JrCXZ.
fn counter_size(code: Code) -> u8 {
    match code {
        Code::Loop_rel8_16_CX
        | Code::Loop_rel8_32_CX
        | Code::Loope_rel8_16_CX
        | Code::Loope_rel8_32_CX
        | Code::Loopne_rel8_16_CX
        | Code::Loopne_rel8_32_CX
        | Code::Jcxz_rel8_16
        | Code::Jcxz_rel8_32 => 0,
        Code::Loop_rel8_16_RCX
        | Code::Loop_rel8_64_RCX
        | Code::Loope_rel8_16_RCX
        | Code::Loope_rel8_64_RCX
        | Code::Loopne_rel8_16_RCX
        | Code::Loopne_rel8_64_RCX
        | Code::Jrcxz_rel8_16
        | Code::Jrcxz_rel8_64 => 2,
        _ => 1,
    }
}
