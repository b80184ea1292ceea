//! Decoding for the 80286: at most 10 bytes, no prefixes of the 80386, and LOCK ahead of any instruction.
//! Intel, *80286 Programmer's Reference Manual*, "Instruction Format", "LOCK"; "Interrupt 13" for the length. That LOCK is
//! accepted everywhere is what the hardware-captured vectors show; IOPL guards it in protected mode only.
//!
//! Opcodes of later processors are left to the model's table of features.

use super::decode::{self, Error};
use super::helpers::i80286;
use super::insn::{Insn, flag};
use crate::cpu::Exception;
use crate::cpu::model::Model;
use crate::exec::CodeSize;
use iced_x86::Code;

/// The longest instruction in bytes.
const MAX_LENGTH: usize = 10;

/// Decodes the first instruction of `bytes` as the 80286 does.
///
/// # Errors
/// See [`Error`].
pub fn decode(bytes: &[u8], model: &Model) -> Result<Insn, Error> {
    let bytes = &bytes[..bytes.len().min(MAX_LENGTH)];
    let too_long = |e| if e == Error::Short && bytes.len() == MAX_LENGTH { Error::Fault(Exception::gp(0)) } else { e };
    // What iced-x86 shall see: the bytes without LOCK prefixes.
    let mut buf = [0; MAX_LENGTH];
    let mut n = 0;
    let mut locks = 0;
    let mut prefix = true;
    for &b in bytes {
        if prefix && b == 0xf0 {
            locks += 1;
            continue;
        }
        if prefix && matches!(b, 0x64..=0x67) {
            return Err(Error::Fault(Exception::UD));
        }
        prefix = prefix && matches!(b, 0x26 | 0x2e | 0x36 | 0x3e | 0xf2 | 0xf3);
        buf[n] = b;
        n += 1;
    }
    // FS and GS came later; ModR/M follows the opcode at once.
    let body = &buf[..n];
    let opcode = body.iter().position(|b| !matches!(b, 0x26 | 0x2e | 0x36 | 0x3e | 0xf2 | 0xf3));
    if let Some([0x8c | 0x8e, modrm, ..]) = opcode.map(|at| &body[at..])
        && modrm & 0x20 != 0
    {
        return Err(Error::Fault(Exception::UD));
    }
    let mut i = decode::generic(&buf[..n], CodeSize::Bits16, model).map_err(too_long)?;
    match i.iced() {
        Code::Pop_rm16 if i.has(flag::MEM) => i.run = i80286::pop_mem,
        Code::Aam_imm8 => i.run = i80286::aam,
        _ => {}
    }
    if locks != 0 {
        i.flags |= flag::LOCK;
        i.len += locks;
        i.end += u16::from(locks);
    }
    Ok(i)
}
