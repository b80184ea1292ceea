//! Instructions with labels, and their bytes.

use iced_x86::{BlockEncoder, BlockEncoderOptions, Encoder, Instruction, InstructionBlock, OpKind};

/// Names a place in a program. A place that is gone means the next one.
pub type Label = u32;

/// What is filled in when the places are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Nothing.
    None,
    /// The branch's target.
    Branch(Label),
    /// The displacement is the code address of a place, and so many bytes on, within its instruction.
    Address(Label, u8),
    /// The immediate is the code address of a place.
    Immediate(Label),
}

/// An instruction of a program.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its own name; names rise.
    pub label: Label,
    /// The instruction, with what is fixed left open.
    pub ins: Instruction,
    /// What is fixed.
    pub fix: Fix,
}

/// A program's bytes.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// All of them.
    pub bytes: Vec<u8>,
    /// Where each item begins.
    pub offsets: Vec<u32>,
}

impl Code {
    /// Length of an item.
    pub fn len_of(&self, item: usize) -> u32 {
        let end = self.offsets.get(item + 1).copied().unwrap_or(self.bytes.len() as u32);
        end - self.offsets[item]
    }
}

/// The position of `label` among the items, or of what follows it.
pub fn position(items: &[Item], label: Label) -> usize {
    items.partition_point(|i| i.label < label).min(items.len() - 1)
}

/// Places `items` at `ip`, an offset in the code segment.
pub fn assemble(bits: u32, ip: u64, items: &[Item]) -> Option<Code> {
    let mut instructions: Vec<Instruction> = items.iter().map(|i| i.ins).collect();
    for (n, item) in items.iter().enumerate() {
        // Names for the encoder: the number of the item, from 1.
        instructions[n].set_ip(n as u64 + 1);
        if let Fix::Branch(to) = item.fix {
            let to = position(items, to) as u64 + 1;
            match instructions[n].op0_kind() {
                OpKind::NearBranch16 => instructions[n].set_near_branch16(to as u16),
                OpKind::NearBranch32 => instructions[n].set_near_branch32(to as u32),
                _ => instructions[n].set_near_branch64(to),
            }
        }
    }
    let mut code = encode(bits, ip, &instructions)?;
    if items.iter().any(|i| matches!(i.fix, Fix::Address(..) | Fix::Immediate(_))) {
        for (ins, item) in instructions.iter_mut().zip(items) {
            match item.fix {
                Fix::Address(to, delta) => {
                    let to = position(items, to);
                    let at = ip + u64::from(code.offsets[to]) + u64::from(u32::from(delta) % code.len_of(to).max(1));
                    ins.set_memory_displacement64(at);
                }
                Fix::Immediate(to) => {
                    let at = ip + u64::from(code.offsets[position(items, to)]);
                    match bits {
                        16 => ins.set_immediate16(at as u16),
                        _ => ins.set_immediate32(at as u32),
                    }
                }
                Fix::None | Fix::Branch(_) => {}
            }
        }
        let again = encode(bits, ip, &instructions)?;
        // Addresses have one size, so nothing has moved.
        if again.offsets != code.offsets {
            return None;
        }
        code = again;
    }
    Some(code)
}

fn encode(bits: u32, ip: u64, instructions: &[Instruction]) -> Option<Code> {
    let block = InstructionBlock::new(instructions, ip);
    let result = BlockEncoder::encode(bits, block, BlockEncoderOptions::RETURN_NEW_INSTRUCTION_OFFSETS).ok()?;
    let mut offsets = result.new_instruction_offsets;
    // An instruction that the encoder replaced by several has no offset: it begins where the next one does at the latest.
    let mut next = result.code_buffer.len() as u32;
    for offset in offsets.iter_mut().rev() {
        if *offset == u32::MAX {
            *offset = next;
        }
        next = *offset;
    }
    Some(Code { bytes: result.code_buffer, offsets })
}

/// The bytes of one instruction, if there is an encoding.
pub fn encode_one(bits: u32, ins: &Instruction) -> Option<Vec<u8>> {
    let mut encoder = Encoder::new(bits);
    encoder.encode(ins, 0).ok()?;
    Some(encoder.take_buffer())
}
