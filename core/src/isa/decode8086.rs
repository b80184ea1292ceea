//! Decoding for the 8086: it has no invalid opcodes, no limit of length, and meanings of its own for what later processors
//! rejected. Intel, *iAPX 86/88, 186/188 User's Manual*, "Machine Instruction Encoding and Decoding"; the gaps in the map as
//! the hardware-captured vectors show them.
//!
//! | bytes | the 8086 decodes |
//! |---|---|
//! | `0F` | POP CS |
//! | `60`-`6F` | as `70`-`7F` |
//! | `8C`, `8E` | a segment register of two bits; MOV CS |
//! | `8F`, `C6`, `C7` | any reg field |
//! | `C0 C1 C8 C9` | as `C2 C3 CA CB` |
//! | `D0`-`D3` /6 | SETMO: all ones |
//! | `D8`-`DF` | ESC |
//! | `F1` | as `F0` |
//! | `FE` /2-/7, `FF` /7 | as `FF`, /6 |
//!
//! Bytes are rewritten to what `iced-x86` knows, and the result is corrected.
//! An 8086 takes any number of prefixes; here the first of more than [`MAX_PREFIXES`] is an instruction without effect.

use super::decode::{Error, convert};
use super::helpers::{flags, i8086};
use super::insn::{Handler, Insn, flag};
use super::ops::{Dst, Mem};
use super::select;
use super::sem::{bcd, mov};
use crate::exec::{CodeSize, Exec};
use iced_x86::{Decoder, DecoderError, DecoderOptions};

/// Prefixes ahead of one instruction: with its six bytes they fit into the longest instruction of later processors.
pub const MAX_PREFIXES: usize = 9;
/// Bytes of an instruction without prefixes.
const MAX_BODY: usize = 6;

/// What the prefixes say. Of several of one kind the last counts.
#[derive(Clone, Copy, Default)]
struct Prefixes {
    count: usize,
    segment: Option<u8>,
    repeat: Option<u8>,
}

impl Prefixes {
    fn read(bytes: &[u8]) -> Self {
        let mut p = Self::default();
        for &b in bytes {
            match b {
                0x26 | 0x2e | 0x36 | 0x3e => p.segment = Some(b),
                0xf2 | 0xf3 => p.repeat = Some(b),
                0xf0 | 0xf1 => {}
                _ => break,
            }
            p.count += 1;
        }
        p
    }
}

/// Decodes the first instruction of `bytes` as the 8086 does.
///
/// # Errors
/// [`Error::Short`] when more bytes are needed, and nothing else.
pub fn decode(bytes: &[u8]) -> Result<Insn, Error> {
    let p = Prefixes::read(bytes);
    if p.count > MAX_PREFIXES {
        let mut i = plain(&[0x90])?;
        i.len = 1;
        return Ok(i);
    }
    let body = &bytes[p.count..];
    let &opcode = body.first().ok_or(Error::Short)?;
    let string = matches!(opcode, 0xa4..=0xa7 | 0xaa..=0xaf);
    // Prefixes that iced-x86 shall see, then the body.
    let mut buf = [0; 2 + MAX_BODY];
    let mut n = 0;
    for prefix in [p.segment, p.repeat.filter(|_| string)].into_iter().flatten() {
        buf[n] = prefix;
        n += 1;
    }
    let shown = n;
    let body = &body[..body.len().min(MAX_BODY)];
    buf[n..n + body.len()].copy_from_slice(body);
    n += body.len();
    let own = rewrite(&mut buf[shown..n], p.repeat.is_some())?;
    let mut i = plain(&buf[..n])?;
    i.len = (usize::from(i.len) - shown + p.count) as u8;
    if p.repeat.is_some() {
        i.flags |= if p.repeat == Some(0xf2) { flag::REPNE } else { flag::REP };
    }
    if let Some(own) = own {
        own.apply(&mut i);
    }
    Ok(i)
}

/// Through `iced-x86`.
fn plain(bytes: &[u8]) -> Result<Insn, Error> {
    let mut d = Decoder::with_ip(16, bytes, 0, DecoderOptions::NONE);
    let ins = d.decode();
    if d.last_error() == DecoderError::NoMoreBytes {
        return Err(Error::Short);
    }
    let mut i = convert(&ins, CodeSize::Bits16);
    // What is left without a meaning has none on the 8086, and no exception either.
    i.run = select::select::<Exec>(&ins, &i).map_or(mov::nop::<Exec> as Handler, |m| m.handler());
    Ok(i)
}

/// A meaning that only the 8086 has.
enum Own {
    /// Whatever the operands are.
    Run(Handler),
    /// By the place of the operand: register, memory.
    Operand(Handler, Handler),
    /// As `Run`, and the block ends.
    Ends(Handler, Handler),
    /// `D0`-`D3`: 8 or 16 bits, with this in [`Insn::src2`].
    Shift(bool, u8),
}

impl Own {
    fn apply(self, i: &mut Insn) {
        let mem = i.has(flag::MEM);
        i.run = match self {
            Self::Run(h) => h,
            Self::Operand(reg, at) => {
                if mem {
                    at
                } else {
                    reg
                }
            }
            Self::Ends(reg, at) => {
                i.flags |= flag::ENDS;
                if mem { at } else { reg }
            }
            Self::Shift(wide, how) => {
                i.src2 = how;
                match (wide, mem) {
                    (false, false) => i8086::shift::<8, Dst>,
                    (false, true) => i8086::shift::<8, Mem>,
                    (true, false) => i8086::shift::<16, Dst>,
                    (true, true) => i8086::shift::<16, Mem>,
                }
            }
        };
    }
}

/// Changes an instruction's bytes to those with the same operands that every later processor knows, and names the
/// meaning where no later one has it.
fn rewrite(b: &mut [u8], repeat: bool) -> Result<Option<Own>, Error> {
    use Own::{Ends, Operand, Run, Shift};
    let modrm = b.get(1).copied().ok_or(Error::Short);
    let own = match b[0] {
        0x0f => {
            b[0] = 0x1f; // POP DS
            Ends(i8086::pop_cs, i8086::pop_cs)
        }
        0x27 => Run(i8086::decimal::<false>),
        0x2f => Run(i8086::decimal::<true>),
        0x37 => Run(bcd::ascii::<Exec, false, true>),
        0x3f => Run(bcd::ascii::<Exec, true, true>),
        0x54 => Run(flags::push_sp_8086),
        0x60..=0x6f => {
            b[0] += 0x10;
            return Ok(None);
        }
        0x8c => {
            b[1] = modrm? & !0x20;
            return Ok(None);
        }
        0x8e => {
            b[1] = modrm? & !0x20;
            if b[1] & 0x38 != 0x08 {
                return Ok(None);
            }
            b[0] = 0xff; // PUSH r/m16: the operand is the first
            b[1] |= 0x30;
            Ends(i8086::mov_cs::<Dst>, i8086::mov_cs::<Mem>)
        }
        0x8f | 0xc6 | 0xc7 => {
            b[1] = modrm? & !0x38;
            return Ok(None);
        }
        0x8d | 0xc4 | 0xc5 if modrm? >= 0xc0 => {
            b[0] = 0x89; // MOV r/m16, r16
            Run(mov::nop::<Exec>)
        }
        0x9b => Run(mov::nop::<Exec>), // WAIT: the TEST pin is active
        0xc0 | 0xc1 | 0xc8 | 0xc9 => {
            b[0] += 2;
            return Ok(None);
        }
        0xd0..=0xd3 => {
            let by_cl = if b[0] & 2 != 0 { i8086::BY_CL } else { 0 };
            Shift(b[0] & 1 != 0, modrm? >> 3 & 7 | by_cl)
        }
        0xd4 => Run(i8086::aam),
        0xd8..=0xdf => {
            modrm?;
            b[0] = 0x8b; // MOV r16, r/m16
            Run(i8086::esc)
        }
        0xf6 | 0xf7 => match (b[0] & 1, modrm? >> 3 & 7) {
            (0, 4) if repeat => {
                Operand(i8086::negated_product::<8, Dst, false>, i8086::negated_product::<8, Mem, false>)
            }
            (_, 4) if repeat => {
                Operand(i8086::negated_product::<16, Dst, false>, i8086::negated_product::<16, Mem, false>)
            }
            (0, 5) if repeat => Operand(i8086::negated_product::<8, Dst, true>, i8086::negated_product::<8, Mem, true>),
            (_, 5) if repeat => {
                Operand(i8086::negated_product::<16, Dst, true>, i8086::negated_product::<16, Mem, true>)
            }
            (0, 6) => Operand(i8086::div::<8, Dst>, i8086::div::<8, Mem>),
            (_, 6) => Operand(i8086::div::<16, Dst>, i8086::div::<16, Mem>),
            (0, 7) => Operand(i8086::idiv::<8, Dst>, i8086::idiv::<8, Mem>),
            (_, 7) => Operand(i8086::idiv::<16, Dst>, i8086::idiv::<16, Mem>),
            _ => return Ok(None),
        },
        0xfe | 0xff => return group5(b, modrm?),
        _ => return Ok(None),
    };
    Ok(Some(own))
}

/// `FE` and `FF`.
fn group5(b: &mut [u8], modrm: u8) -> Result<Option<Own>, Error> {
    let (register, mut reg) = (modrm >= 0xc0, modrm >> 3 & 7);
    if reg >= 2 {
        b[0] = 0xff;
    }
    if reg == 7 {
        reg = 6;
        b[1] = modrm & !0x08;
    }
    Ok(match reg {
        3 | 5 if register => {
            b[0] = 0x89;
            Some(Own::Run(mov::nop::<Exec>))
        }
        6 if register && modrm & 7 == 4 => Some(Own::Run(flags::push_sp_8086)),
        _ => None,
    })
}
