//! From bytes to the decoded form, through `iced-x86`.
//!
//! The decoder works at instruction pointer 0: everything relative to it is kept as a displacement, so a decoding is
//! good for every address its bytes are mapped at.

use super::insn::{HIGH, Insn, flag};
use super::ops::Ops;
use super::select::{self, Meaning};
use super::x87::fault;
use crate::cpu::Exception;
use crate::cpu::model::{Model, ModelName};
use crate::cpu::state::{RIP, ZERO};
use crate::exec::{CodeSize, Exec};
use iced_x86::{Code, Decoder, DecoderError, FlowControl, Instruction, OpKind, Register};

/// The longest instruction in bytes. SDM Vol. 2A, "Instruction Format".
pub const MAX_LENGTH: usize = 15;

/// Why bytes gave no instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// More bytes are needed.
    Short,
    /// The processor raises this.
    Fault(Exception),
}

/// Decodes the first instruction of `bytes`.
///
/// # Errors
/// See [`Error`].
pub fn decode(bytes: &[u8], code: CodeSize, model: &Model) -> Result<Insn, Error> {
    match model.name {
        ModelName::I8086 => super::decode8086::decode(bytes),
        ModelName::I80286 => super::decode80286::decode(bytes, model),
        _ => generic(bytes, code, model),
    }
}

/// Decodes the first instruction of `bytes` for a translator: what [`decode`] gives, and its meaning over the operations `O`.
/// `None` for the meaning when only the interpreter's function has it.
///
/// # Errors
/// See [`Error`].
pub fn translate<O: Ops>(bytes: &[u8], code: CodeSize, model: &Model) -> Result<Translated<O>, Error> {
    let i = decode(bytes, code, model)?;
    let mut d = Decoder::with_ip(code.bits(), bytes, 0, model.decoder_options());
    let ins = d.decode();
    // The fronts of the oldest processors have meanings of their own, and so has what no coprocessor answers.
    let meaning = if selected(&ins, &i) { select::select::<O>(&ins, &i) } else { None };
    Ok((i, meaning.map(|m| (ins, m))))
}

/// Whether an instruction's meaning is the one that the common table has for it. Not generic and not inlined: functions have
/// one address in one crate only.
#[inline(never)]
fn selected(ins: &Instruction, i: &Insn) -> bool {
    ins.len() == usize::from(i.len)
        && ins.code() as u16 == i.code
        && select::select::<Exec>(ins, i).is_some_and(|m| m.handler() as usize == i.run as usize)
}

/// What [`translate`] gives: the decoded form, and what `iced-x86` says with the meaning.
pub type Translated<O> = (Insn, Option<(Instruction, Meaning<O>)>);

/// The decoder of the 80386 and everything later; the front for the 80286 uses it, too.
pub(super) fn generic(bytes: &[u8], code: CodeSize, model: &Model) -> Result<Insn, Error> {
    let escape = escape(bytes, code);
    if let Some(at) = escape
        && !fault::has_fpu(model)
    {
        return unanswered(bytes, at, code, model);
    }
    let ins = read(bytes, code, model)?;
    let mut i = convert(&ins, code);
    if let Some(at) = escape {
        i.imm = fop(bytes, at).into();
    }
    match select::select::<Exec>(&ins, &i) {
        Some(meaning) => i.run = meaning.handler(),
        None => return Err(Error::Fault(Exception::UD)),
    }
    Ok(i)
}

fn read(bytes: &[u8], code: CodeSize, model: &Model) -> Result<Instruction, Error> {
    let mut d = Decoder::with_ip(code.bits(), bytes, 0, model.decoder_options());
    let ins = d.decode();
    match d.last_error() {
        DecoderError::None => {}
        DecoderError::NoMoreBytes if bytes.len() < MAX_LENGTH => return Err(Error::Short),
        DecoderError::NoMoreBytes => return Err(Error::Fault(Exception::gp(0))),
        _ if bytes.len() >= MAX_LENGTH && too_long(bytes, code, model) => return Err(Error::Fault(Exception::gp(0))),
        _ => return Err(Error::Fault(Exception::UD)),
    }
    if model.admits(&ins) { Ok(ins) } else { Err(Error::Fault(Exception::UD)) }
}

/// Whether an instruction that the decoder refuses goes on behind its 15th byte. It does not tell that from an undefined
/// one, but such an instruction begins with a prefix too many: without it, the decoder asks for the 16th byte.
fn too_long(bytes: &[u8], code: CodeSize, model: &Model) -> bool {
    let mut d = Decoder::with_ip(code.bits(), &bytes[1..MAX_LENGTH], 0, model.decoder_options());
    let _ = d.decode();
    d.last_error() == DecoderError::NoMoreBytes
}

/// Where the opcode of an ESC instruction is, D8 to DF.
fn escape(bytes: &[u8], code: CodeSize) -> Option<usize> {
    let is_prefix = |b: u8| match b {
        0x26 | 0x2e | 0x36 | 0x3e | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3 => true,
        0x40..=0x4f => code == CodeSize::Bits64,
        _ => false,
    };
    let at = bytes.iter().position(|&b| !is_prefix(b))?;
    bytes.get(at).filter(|b| matches!(b, 0xd8..=0xdf)).map(|_| at)
}

/// The opcode's low three bits and the ModR/M byte. SDM Vol. 1, "Last Instruction Opcode".
fn fop(bytes: &[u8], at: usize) -> u16 {
    let byte = |n| u16::from(bytes.get(n).copied().unwrap_or(0));
    (byte(at) & 7) << 8 | byte(at + 1)
}

/// An ESC instruction that no coprocessor answers. Every ModR/M byte is good then; length and operand are those of D8.
fn unanswered(bytes: &[u8], at: usize, code: CodeSize, model: &Model) -> Result<Insn, Error> {
    let mut copy = [0; MAX_LENGTH];
    let n = bytes.len().min(MAX_LENGTH);
    copy[..n].copy_from_slice(&bytes[..n]);
    if let Some(b) = copy.get_mut(at) {
        *b = 0xd8;
    }
    let mut i = convert(&read(&copy[..n], code, model)?, code);
    i.run = fault::no_coprocessor;
    Ok(i)
}

/// A register operand as [`Insn`] numbers it.
#[must_use]
pub fn register(r: Register) -> u8 {
    match r {
        Register::AH => HIGH,
        Register::CH => HIGH | 1,
        Register::DH => HIGH | 2,
        Register::BH => HIGH | 3,
        Register::RIP | Register::EIP => RIP,
        Register::None => ZERO,
        _ if r.is_gpr8() => r.full_register().number() as u8, // SPL-DIL are not numbered after AH-BH here
        _ => r.number() as u8,
    }
}

/// Everything but the meaning.
#[must_use]
pub fn convert(ins: &Instruction, code: CodeSize) -> Insn {
    let mut i = Insn {
        run: undefined,
        imm: 0,
        disp: 0,
        code: ins.code() as u16,
        end: ins.len() as u16,
        len: ins.len() as u8,
        dst: ZERO,
        src: ZERO,
        src2: ZERO,
        base: ZERO,
        index: ZERO,
        scale: 0,
        asize: code as u8,
        seg: 3,
        bits: 0,
        flags: 0,
    };
    if ins.has_rep_prefix() {
        i.flags |= flag::REP;
    }
    if ins.has_repne_prefix() {
        i.flags |= flag::REPNE;
    }
    if ins.has_lock_prefix() {
        i.flags |= flag::LOCK;
    }
    if ins.flow_control() != FlowControl::Next {
        i.flags |= flag::ENDS;
    }
    for n in 0..ins.op_count() {
        operand(ins, n, code, &mut i);
    }
    if i.bits == 0 && ins.op_count() > 0 {
        i.bits = operand_bits(ins);
    }
    i
}

fn operand(ins: &Instruction, n: u32, code: CodeSize, i: &mut Insn) {
    use OpKind as K;
    match ins.op_kind(n) {
        K::Register => {
            let r = register(ins.op_register(n));
            match n {
                0 => i.dst = r,
                1 => i.src = r,
                _ => i.src2 = r,
            }
        }
        K::NearBranch16 | K::NearBranch32 | K::NearBranch64 => {
            i.imm = ins.near_branch_target().wrapping_sub(ins.len() as u64);
        }
        K::FarBranch16 => i.imm = u64::from(ins.far_branch16()) | u64::from(ins.far_branch_selector()) << 32,
        K::FarBranch32 => i.imm = u64::from(ins.far_branch32()) | u64::from(ins.far_branch_selector()) << 32,
        K::Immediate8_2nd => i.imm |= u64::from(ins.immediate8_2nd()) << 16,
        K::Immediate8
        | K::Immediate16
        | K::Immediate32
        | K::Immediate64
        | K::Immediate8to16
        | K::Immediate8to32
        | K::Immediate8to64
        | K::Immediate32to64 => i.imm |= ins.immediate(n),
        K::Memory => memory(ins, code, i),
        K::MemorySegSI | K::MemorySegDI | K::MemoryESDI => string_operand(ins, 0, i),
        K::MemorySegESI | K::MemorySegEDI | K::MemoryESEDI => string_operand(ins, 1, i),
        K::MemorySegRSI | K::MemorySegRDI | K::MemoryESRDI => string_operand(ins, 2, i),
    }
}

/// String instructions know their registers; only the address size and the overridable segment are kept.
fn string_operand(ins: &Instruction, asize: u8, i: &mut Insn) {
    i.flags |= flag::MEM;
    i.asize = asize;
    i.seg = segment(ins);
}

fn segment(ins: &Instruction) -> u8 {
    match ins.memory_segment() {
        Register::ES => 0,
        Register::CS => 1,
        Register::SS => 2,
        Register::FS => 4,
        Register::GS => 5,
        _ => 3,
    }
}

fn memory(ins: &Instruction, code: CodeSize, i: &mut Insn) {
    i.flags |= flag::MEM;
    i.seg = segment(ins);
    let (base, index) = (ins.memory_base(), ins.memory_index());
    i.base = register(base);
    i.index = register(index);
    i.scale = ins.memory_index_scale().trailing_zeros() as u8;
    let size = if base != Register::None {
        base.size()
    } else if index != Register::None {
        index.size()
    } else {
        ins.memory_displ_size() as usize
    };
    i.asize = match size {
        2 => 0,
        4 => 1,
        8 => 2,
        _ => code as u8,
    };
    let mut disp = ins.memory_displacement64();
    if ins.is_ip_rel_memory_operand() {
        disp = disp.wrapping_sub(ins.len() as u64);
    }
    i.disp = disp as i32;
    if matches!(
        ins.code(),
        Code::Mov_AL_moffs8
            | Code::Mov_AX_moffs16
            | Code::Mov_EAX_moffs32
            | Code::Mov_RAX_moffs64
            | Code::Mov_moffs8_AL
            | Code::Mov_moffs16_AX
            | Code::Mov_moffs32_EAX
            | Code::Mov_moffs64_RAX
    ) {
        i.imm = disp; // 64 bits wide in 64-bit mode
    }
}

/// Operand size: that of the first operand that has one.
fn operand_bits(ins: &Instruction) -> u8 {
    let of_register = |r: Register| if r.is_gpr() { (r.size() * 8) as u8 } else { 0 };
    for n in 0..ins.op_count() {
        let b = match ins.op_kind(n) {
            OpKind::Register => of_register(ins.op_register(n)),
            OpKind::Memory
            | OpKind::MemorySegSI
            | OpKind::MemorySegESI
            | OpKind::MemorySegRSI
            | OpKind::MemorySegDI
            | OpKind::MemorySegEDI
            | OpKind::MemorySegRDI
            | OpKind::MemoryESDI
            | OpKind::MemoryESEDI
            | OpKind::MemoryESRDI => (ins.memory_size().size() * 8).min(64) as u8,
            _ => 0,
        };
        if b != 0 {
            return b;
        }
    }
    0
}

fn undefined(_: &mut Exec, _: &Insn) -> Result<(), Exception> {
    Err(Exception::UD)
}
