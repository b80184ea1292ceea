//! An assembler for the little of x86-64 that drafts are made of. Intel SDM Vol. 2A, "Instruction Format", and each instruction's
//! page.
//!
//! Every branch inside a draft has a displacement of 32 bits: drafts are written once, from front to end, and a label is nearly always
//! further on than the code that refers to it.

/// A register of the host, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host(pub u8);

pub const RAX: Host = Host(0);
pub const RCX: Host = Host(1);
pub const RDX: Host = Host(2);
pub const RBX: Host = Host(3);
pub const RSP: Host = Host(4);
pub const RBP: Host = Host(5);
pub const RSI: Host = Host(6);
pub const RDI: Host = Host(7);

/// A condition, as Jcc, SETcc and CMOVcc have it in their low four bits. They are the guest's sixteen, in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cc(pub u8);

pub const BELOW: Cc = Cc(2);
pub const EQUAL: Cc = Cc(4);
pub const NOT_EQUAL: Cc = Cc(5);
pub const ABOVE: Cc = Cc(7);
pub const SIGN: Cc = Cc(8);
pub const PARITY: Cc = Cc(10);
pub const LESS: Cc = Cc(12);
pub const GREATER: Cc = Cc(15);

/// The arithmetic of opcodes 00 to 3F and 81, by its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alu {
    Add = 0,
    Or = 1,
    And = 4,
    Sub = 5,
    Xor = 6,
    Cmp = 7,
}

/// The shifts of opcodes C1 and D3, by their number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    Shl = 4,
    Shr = 5,
    Sar = 7,
}

/// What is counted by opcodes 0F B8 to 0F BD behind F3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Ones = 0xb8,
    Trailing = 0xbc,
    Leading = 0xbd,
}

/// Whether the host has POPCNT, TZCNT and LZCNT. SDM Vol. 2A, "CPUID".
pub fn counts_bits() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("popcnt") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("lzcnt");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Something in memory.
#[derive(Clone, Copy, Debug)]
pub struct At {
    pub base: Host,
    pub index: Option<Host>,
    pub disp: i32,
}

/// What lies `disp` bytes behind where a register points.
pub const fn at(base: Host, disp: i32) -> At {
    At { base, index: None, disp }
}

/// A place in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(u32);

/// The code, and the places in it. What it was may be had again with [`Asm::back_to`].
#[derive(Debug, Default)]
pub struct Asm {
    pub code: Vec<u8>,
    /// Where each label is, once that is known.
    places: Vec<Option<u32>>,
    /// Displacements to be written, and the labels that they lead to.
    fixups: Vec<(u32, Label)>,
}

/// Up to 16 bytes, which are written at once.
#[derive(Clone, Copy, Debug, Default)]
struct Bytes {
    all: u128,
    count: u32,
}

impl Bytes {
    fn byte(&mut self, b: u8) {
        self.all |= u128::from(b) << (8 * self.count);
        self.count += 1;
    }

    fn word(&mut self, v: i32) {
        self.all |= u128::from(v as u32) << (8 * self.count);
        self.count += 4;
    }

    /// The REX prefix where there must be one. `byte` says that a register of numbers 4 to 7 is meant as an 8-bit one.
    fn rex(&mut self, wide: bool, reg: u8, index: u8, base: u8, byte: bool) {
        let b = 0x40 | u8::from(wide) << 3 | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (base >> 3 & 1);
        if b != 0x40 || byte {
            self.byte(b);
        }
    }

    fn opcode(&mut self, opcode: &[u8]) {
        opcode.iter().for_each(|&b| self.byte(b));
    }
}

/// How far the code has come.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    code: usize,
    fixups: usize,
}

impl Asm {
    pub fn clear(&mut self) {
        self.code.clear();
        self.places.clear();
        self.fixups.clear();
    }

    pub fn mark(&self) -> Mark {
        Mark { code: self.code.len(), fixups: self.fixups.len() }
    }

    /// Forgets what was written since. Labels placed since then must not be used again.
    pub fn back_to(&mut self, mark: Mark) {
        self.code.truncate(mark.code);
        self.fixups.truncate(mark.fixups);
    }

    pub fn label(&mut self) -> Label {
        self.places.push(None);
        Label(self.places.len() as u32 - 1)
    }

    /// Puts a label here.
    pub fn place(&mut self, label: Label) {
        self.places[label.0 as usize] = Some(self.code.len() as u32);
    }

    /// Where a label is, if it has been placed.
    pub fn place_of(&self, label: Label) -> Option<u32> {
        self.places[label.0 as usize]
    }

    /// Writes all displacements. False when a label has no place.
    pub fn finish(&mut self) -> bool {
        for &(from, label) in &self.fixups {
            let Some(to) = self.places[label.0 as usize] else { return false };
            let from = from as usize;
            let d = (i64::from(to) - (from as i64 + 4)) as i32;
            self.code[from..from + 4].copy_from_slice(&d.to_le_bytes());
        }
        true
    }

    /// The displacements between what lies in front of an offset and what lies behind it. All labels have places.
    pub fn across(&self, offset: u32) -> impl Iterator<Item = u32> {
        let leads = move |&(from, label): &(u32, Label)| {
            let to = self.places[label.0 as usize]?;
            ((from < offset) != (to < offset)).then_some(from)
        };
        self.fixups.iter().filter_map(leads)
    }

    fn byte(&mut self, b: u8) {
        self.code.push(b);
    }

    fn word(&mut self, v: i32) {
        self.code.extend_from_slice(&v.to_le_bytes());
    }

    fn refer(&mut self, label: Label) {
        self.fixups.push((self.code.len() as u32, label));
        self.word(0);
    }

    fn write(&mut self, b: Bytes) {
        let end = self.code.len() + b.count as usize;
        self.code.extend_from_slice(&b.all.to_le_bytes());
        self.code.truncate(end);
    }

    /// REX alone, in front of what names one register.
    fn rex(&mut self, wide: bool, base: Host) {
        let mut i = Bytes::default();
        i.rex(wide, 0, 0, base.0, false);
        self.write(i);
    }

    /// `opcode` with a register and a register or memory operand that is a register.
    fn rr(&mut self, wide: bool, opcode: &[u8], reg: u8, rm: Host, byte: bool) {
        let mut i = Bytes::default();
        i.rex(wide, reg, 0, rm.0, byte);
        i.opcode(opcode);
        i.byte(0xc0 | (reg & 7) << 3 | (rm.0 & 7));
        self.write(i);
    }

    /// The same with an operand in memory.
    fn rm(&mut self, wide: bool, opcode: &[u8], reg: u8, m: At, byte: bool) {
        let mut i = Bytes::default();
        i.rex(wide, reg, m.index.map_or(0, |i| i.0), m.base.0, byte);
        i.opcode(opcode);
        let small = i8::try_from(m.disp).is_ok();
        let mode = match (m.disp, m.base.0 & 7) {
            (0, b) if b != 5 => 0x00,
            _ if small => 0x40,
            _ => 0x80,
        };
        match m.index {
            None if m.base.0 & 7 != 4 => i.byte(mode | (reg & 7) << 3 | (m.base.0 & 7)),
            index => {
                i.byte(mode | (reg & 7) << 3 | 4);
                i.byte(index.map_or(4, |i| i.0 & 7) << 3 | (m.base.0 & 7));
            }
        }
        match mode {
            0x40 => i.byte(m.disp as u8),
            0x80 => i.word(m.disp),
            _ => {}
        }
        self.write(i);
    }

    pub fn mov(&mut self, wide: bool, d: Host, s: Host) {
        self.rr(wide, &[0x89], s.0, d, false);
    }

    /// A number. Leaves the flags alone.
    pub fn mov_imm(&mut self, d: Host, v: u64) {
        if let Ok(v) = u32::try_from(v) {
            self.rex(false, d);
            self.byte(0xb8 | (d.0 & 7));
            self.word(v as i32);
        } else if let Ok(v) = i32::try_from(v as i64) {
            self.rr(true, &[0xc7], 0, d, false);
            self.word(v);
        } else {
            self.mov_imm64(d, v);
        }
    }

    /// The same in ten bytes, whatever the number.
    pub fn mov_imm64(&mut self, d: Host, v: u64) {
        self.rex(true, d);
        self.byte(0xb8 | (d.0 & 7));
        self.code.extend_from_slice(&v.to_le_bytes());
    }

    /// Reads 8, 16, 32 or 64 bits, zero-extended.
    pub fn load(&mut self, bits: u32, d: Host, m: At) {
        match bits {
            8 => self.rm(false, &[0x0f, 0xb6], d.0, m, false),
            16 => self.rm(false, &[0x0f, 0xb7], d.0, m, false),
            32 => self.rm(false, &[0x8b], d.0, m, false),
            _ => self.rm(true, &[0x8b], d.0, m, false),
        }
    }

    pub fn store(&mut self, bits: u32, m: At, s: Host) {
        match bits {
            8 => self.rm(false, &[0x88], s.0, m, s.0 >= 4),
            16 => {
                self.byte(0x66);
                self.rm(false, &[0x89], s.0, m, false);
            }
            32 => self.rm(false, &[0x89], s.0, m, false),
            _ => self.rm(true, &[0x89], s.0, m, false),
        }
    }

    /// Writes a number; for 64 bits it is sign-extended.
    pub fn store_imm(&mut self, bits: u32, m: At, v: i32) {
        match bits {
            8 => {
                self.rm(false, &[0xc6], 0, m, false);
                self.byte(v as u8);
            }
            16 => {
                self.byte(0x66);
                self.rm(false, &[0xc7], 0, m, false);
                self.code.extend_from_slice(&(v as u16).to_le_bytes());
            }
            32 | 64 => {
                self.rm(bits == 64, &[0xc7], 0, m, false);
                self.word(v);
            }
            _ => {}
        }
    }

    /// MOVDQU from memory to a vector register of the host.
    pub fn load_vector(&mut self, d: u8, m: At) {
        self.byte(0xf3);
        self.rm(false, &[0x0f, 0x6f], d, m, false);
    }

    /// MOVDQU from a vector register to memory.
    pub fn store_vector(&mut self, m: At, s: u8) {
        self.byte(0xf3);
        self.rm(false, &[0x0f, 0x7f], s, m, false);
    }

    pub fn lea(&mut self, wide: bool, d: Host, m: At) {
        self.rm(wide, &[0x8d], d.0, m, false);
    }

    pub fn alu(&mut self, op: Alu, wide: bool, d: Host, s: Host) {
        self.rr(wide, &[(op as u8) << 3 | 1], s.0, d, false);
    }

    pub fn alu_imm(&mut self, op: Alu, wide: bool, d: Host, v: i32) {
        if let Ok(v) = i8::try_from(v) {
            self.rr(wide, &[0x83], op as u8, d, false);
            self.byte(v as u8);
        } else {
            self.rr(wide, &[0x81], op as u8, d, false);
            self.word(v);
        }
    }

    /// `d = d op [m]`.
    pub fn alu_from(&mut self, op: Alu, wide: bool, d: Host, m: At) {
        self.rm(wide, &[(op as u8) << 3 | 3], d.0, m, false);
    }

    /// `[m] = [m] op v`.
    pub fn alu_to_imm(&mut self, op: Alu, wide: bool, m: At, v: i8) {
        self.rm(wide, &[0x83], op as u8, m, false);
        self.byte(v as u8);
    }

    /// CMP and ADD of any operand size, for the flags of the guest's operation.
    pub fn alu_sized(&mut self, op: Alu, bits: u32, d: Host, s: Host) {
        match bits {
            8 => self.rr(false, &[(op as u8) << 3], s.0, d, s.0 >= 4 || d.0 >= 4),
            16 => {
                self.byte(0x66);
                self.alu(op, false, d, s);
            }
            _ => self.alu(op, bits == 64, d, s),
        }
    }

    /// The same with a number, sign-extended from 32 bits for 64.
    pub fn alu_sized_imm(&mut self, op: Alu, bits: u32, d: Host, v: i32) {
        match bits {
            8 => {
                self.rr(false, &[0x80], op as u8, d, d.0 >= 4);
                self.byte(v as u8);
            }
            16 => {
                self.byte(0x66);
                self.rr(false, &[0x81], op as u8, d, false);
                self.code.extend_from_slice(&(v as u16).to_le_bytes());
            }
            _ => self.alu_imm(op, bits == 64, d, v),
        }
    }

    /// TEST of a register with itself.
    pub fn test(&mut self, bits: u32, r: Host) {
        match bits {
            8 => self.rr(false, &[0x84], r.0, r, r.0 >= 4),
            16 => {
                self.byte(0x66);
                self.rr(false, &[0x85], r.0, r, false);
            }
            _ => self.rr(bits == 64, &[0x85], r.0, r, false),
        }
    }

    /// INC and DEC, of any operand size.
    pub fn step(&mut self, bits: u32, down: bool, d: Host) {
        let reg = u8::from(down);
        match bits {
            8 => self.rr(false, &[0xfe], reg, d, d.0 >= 4),
            16 => {
                self.byte(0x66);
                self.rr(false, &[0xff], reg, d, false);
            }
            _ => self.rr(bits == 64, &[0xff], reg, d, false),
        }
    }

    pub fn not(&mut self, wide: bool, d: Host) {
        self.rr(wide, &[0xf7], 2, d, false);
    }

    /// `d = s * v`. SDM Vol. 2A, "IMUL", opcode 69.
    pub fn imul_imm(&mut self, wide: bool, d: Host, s: Host, v: i32) {
        self.rr(wide, &[0x69], d.0, s, false);
        self.code.extend(v.to_le_bytes());
    }

    pub fn imul(&mut self, wide: bool, d: Host, s: Host) {
        self.rr(wide, &[0x0f, 0xaf], d.0, s, false);
    }

    /// RDX:RAX = RAX * `s`.
    pub fn mul(&mut self, signed: bool, s: Host) {
        self.rr(true, &[0xf7], if signed { 5 } else { 4 }, s, false);
    }

    pub fn bswap64(&mut self, d: Host) {
        self.rex(true, d);
        self.byte(0x0f);
        self.byte(0xc8 | (d.0 & 7));
    }

    /// Of 64 bits.
    pub fn count(&mut self, what: Count, d: Host, s: Host) {
        self.byte(0xf3);
        self.rr(true, &[0x0f, what as u8], d.0, s, false);
    }

    pub fn shift_imm(&mut self, op: Shift, wide: bool, d: Host, n: u8) {
        self.rr(wide, &[0xc1], op as u8, d, false);
        self.byte(n);
    }

    /// Shifts by CL.
    pub fn shift(&mut self, op: Shift, wide: bool, d: Host) {
        self.rr(wide, &[0xd3], op as u8, d, false);
    }

    /// The low 8 or 16 bits, zero-extended.
    pub fn movzx(&mut self, bits: u32, d: Host, s: Host) {
        if bits == 8 {
            self.rr(false, &[0x0f, 0xb6], d.0, s, s.0 >= 4);
        } else {
            self.rr(false, &[0x0f, 0xb7], d.0, s, false);
        }
    }

    /// The low 8, 16 or 32 bits, sign-extended.
    pub fn movsx(&mut self, wide: bool, bits: u32, d: Host, s: Host) {
        match bits {
            8 => self.rr(wide, &[0x0f, 0xbe], d.0, s, s.0 >= 4),
            16 => self.rr(wide, &[0x0f, 0xbf], d.0, s, false),
            _ => self.rr(wide, &[0x63], d.0, s, false),
        }
    }

    pub fn setcc(&mut self, cc: Cc, d: Host) {
        self.rr(false, &[0x0f, 0x90 | cc.0], 0, d, d.0 >= 4);
    }

    pub fn cmov(&mut self, cc: Cc, wide: bool, d: Host, s: Host) {
        self.rr(wide, &[0x0f, 0x40 | cc.0], d.0, s, false);
    }

    pub fn jcc(&mut self, cc: Cc, to: Label) {
        self.byte(0x0f);
        self.byte(0x80 | cc.0);
        self.refer(to);
    }

    pub fn jmp(&mut self, to: Label) {
        self.byte(0xe9);
        self.refer(to);
    }

    pub fn jmp_at(&mut self, m: At) {
        self.rm(false, &[0xff], 4, m, false);
    }

    pub fn call_at(&mut self, m: At) {
        self.rm(false, &[0xff], 2, m, false);
    }

    pub fn call(&mut self, r: Host) {
        self.rr(false, &[0xff], 2, r, false);
    }

    pub fn jmp_to(&mut self, r: Host) {
        self.rr(false, &[0xff], 4, r, false);
    }

    /// Puts all XMM registers on the stack. SDM Vol. 2B, "MOVUPS".
    pub fn save_vectors(&mut self) {
        self.code.extend([0x48, 0x81, 0xec]); // sub rsp, imm32
        self.code.extend((16 * 16u32).to_le_bytes());
        self.vectors_on_stack(0x11);
    }

    /// Takes them from there.
    pub fn load_vectors(&mut self) {
        self.vectors_on_stack(0x10);
        self.code.extend([0x48, 0x81, 0xc4]); // add rsp, imm32
        self.code.extend((16 * 16u32).to_le_bytes());
    }

    fn vectors_on_stack(&mut self, opcode: u8) {
        for x in 0..16u8 {
            if x >= 8 {
                self.byte(0x44);
            }
            self.code.extend([0x0f, opcode, 0x84 | (x & 7) << 3, 0x24]); // [rsp + disp32]
            self.code.extend((16 * u32::from(x)).to_le_bytes());
        }
    }

    pub fn call_to(&mut self, to: Label) {
        self.byte(0xe8);
        self.refer(to);
    }

    pub fn ret(&mut self) {
        self.byte(0xc3);
    }

    /// Takes the frame away that RBP points to. SDM Vol. 2A, "LEAVE".
    pub fn leave(&mut self) {
        self.byte(0xc9);
    }

    pub fn push(&mut self, r: Host) {
        self.rex(false, r);
        self.byte(0x50 | (r.0 & 7));
    }

    pub fn pop(&mut self, r: Host) {
        self.rex(false, r);
        self.byte(0x58 | (r.0 & 7));
    }
}

#[cfg(test)]
mod tests;
