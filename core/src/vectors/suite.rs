//! The common model of a test file, whichever form it was read from.

use std::fmt;

/// The chip that a suite was captured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chip {
    /// Intel 8088.
    I8088,
    /// Intel 8086.
    I8086,
    /// NEC V20.
    V20,
    /// NEC V30.
    V30,
    /// Intel 80186.
    I80186,
    /// Intel 80286, captured on a Harris 80C286.
    I80286,
    /// Intel 80386, captured on a 386EX.
    I80386,
}

impl Chip {
    /// From the CPU id of a MOO header, padded with spaces or not, or the `cpu` of a `metadata.json`.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Some(match id.trim() {
            "8088" => Self::I8088,
            "8086" => Self::I8086,
            "V20" => Self::V20,
            "V30" => Self::V30,
            "186" | "80186" => Self::I80186,
            "C286" | "286" | "80286" => Self::I80286,
            "386E" | "386" | "386EX" | "80386" | "80386EX" => Self::I80386,
            _ => return None,
        })
    }

    /// The `--cpu` model with this chip's behaviour, if there is one.
    #[must_use]
    pub fn model(self) -> Option<&'static str> {
        match self {
            Self::I8088 | Self::I8086 => Some("8086"),
            Self::I80286 => Some("80286"),
            Self::I80386 => Some("80386"),
            Self::V20 | Self::V30 | Self::I80186 => None,
        }
    }

    /// The chip that a `--cpu` model stands for, for files that do not name theirs.
    #[must_use]
    pub fn of_model(model: &str) -> Option<Self> {
        match model {
            "8086" => Some(Self::I8086),
            "80286" => Some(Self::I80286),
            "80386" => Some(Self::I80386),
            _ => None,
        }
    }

    /// Whether a test ends with a HLT that belongs to it, as on the 286 and 386, rather than after one instruction.
    #[must_use]
    pub fn ends_with_hlt(self) -> bool {
        matches!(self, Self::I80286 | Self::I80386)
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::I8088 => "8088",
            Self::I8086 => "8086",
            Self::V20 => "V20",
            Self::V30 => "V30",
            Self::I80186 => "80186",
            Self::I80286 => "80286",
            Self::I80386 => "80386",
        })
    }
}

/// A register of a test state. A 16-bit register is the low half of its 32-bit name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // the names are the registers'
pub enum Reg {
    Cr0,
    Cr3,
    Eax,
    Ebx,
    Ecx,
    Edx,
    Esi,
    Edi,
    Ebp,
    Esp,
    Cs,
    Ds,
    Es,
    Fs,
    Gs,
    Ss,
    Eip,
    Eflags,
    Dr6,
    Dr7,
}

impl Reg {
    /// Every register, in the bit order of the `RG32` chunk.
    pub const ALL: [Self; 20] = [
        Self::Cr0,
        Self::Cr3,
        Self::Eax,
        Self::Ebx,
        Self::Ecx,
        Self::Edx,
        Self::Esi,
        Self::Edi,
        Self::Ebp,
        Self::Esp,
        Self::Cs,
        Self::Ds,
        Self::Es,
        Self::Fs,
        Self::Gs,
        Self::Ss,
        Self::Eip,
        Self::Eflags,
        Self::Dr6,
        Self::Dr7,
    ];

    /// The registers of a 16-bit chip, in the bit order of the `REGS` chunk.
    pub const WORDS: [Self; 14] = [
        Self::Eax,
        Self::Ebx,
        Self::Ecx,
        Self::Edx,
        Self::Cs,
        Self::Ss,
        Self::Ds,
        Self::Es,
        Self::Esp,
        Self::Ebp,
        Self::Esi,
        Self::Edi,
        Self::Eip,
        Self::Eflags,
    ];

    /// The name in 32-bit form, lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cr0 => "cr0",
            Self::Cr3 => "cr3",
            Self::Eax => "eax",
            Self::Ebx => "ebx",
            Self::Ecx => "ecx",
            Self::Edx => "edx",
            Self::Esi => "esi",
            Self::Edi => "edi",
            Self::Ebp => "ebp",
            Self::Esp => "esp",
            Self::Cs => "cs",
            Self::Ds => "ds",
            Self::Es => "es",
            Self::Fs => "fs",
            Self::Gs => "gs",
            Self::Ss => "ss",
            Self::Eip => "eip",
            Self::Eflags => "eflags",
            Self::Dr6 => "dr6",
            Self::Dr7 => "dr7",
        }
    }

    /// The name as a chip of `width` spells it: `ax` or `eax`.
    #[must_use]
    pub fn name_in(self, width: Width) -> &'static str {
        let name = self.name();
        match width {
            Width::Word => name.strip_prefix('e').filter(|_| self != Self::Es).unwrap_or(name),
            Width::Dword => name,
        }
    }

    /// From either spelling, `ax` or `eax`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<(Self, Width)> {
        let dword = Self::ALL.into_iter().find(|r| r.name() == name).map(|r| (r, Width::Dword));
        let word = || Self::WORDS.into_iter().find(|r| r.name_in(Width::Word) == name).map(|r| (r, Width::Word));
        dword.or_else(word)
    }

    /// Whether this is a segment register, of which only the low 16 bits count.
    #[must_use]
    pub fn is_segment(self) -> bool {
        matches!(self, Self::Cs | Self::Ds | Self::Es | Self::Fs | Self::Gs | Self::Ss)
    }
}

/// The size of the general registers in a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// 16 bits: 8086 to 80286.
    Word,
    /// 32 bits: from the 80386.
    Dword,
}

/// Some of the registers, each with a value (or, as masks, with the bits that count).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Regs {
    have: u32,
    val: [u32; Reg::ALL.len()],
}

impl Regs {
    /// The value of `reg`, if it is listed.
    #[must_use]
    pub fn get(&self, reg: Reg) -> Option<u32> {
        // `Reg` is numbered in the order of `ALL`, so the index is in range.
        (self.have >> reg as u32 & 1 != 0).then(|| self.val[reg as usize])
    }

    /// Lists `reg`.
    pub fn set(&mut self, reg: Reg, val: u32) {
        self.have |= 1 << reg as u32;
        self.val[reg as usize] = val;
    }

    /// Those listed, in the order of [`Reg::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Reg, u32)> + '_ {
        Reg::ALL.into_iter().filter_map(|r| self.get(r).map(|v| (r, v)))
    }
}

/// Registers and bytes of memory at one end of a test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// `initial` lists every register, `final` those that changed.
    pub regs: Regs,
    /// Physical address and value.
    pub ram: Vec<(u32, u8)>,
}

/// The exception or interrupt that a 286 or 386 test raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised {
    /// Interrupt vector.
    pub vector: u8,
    /// Physical address of the flags word on the stack: undefined flags were pushed there.
    pub flags_at: u32,
}

/// One instruction on the real chip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Test {
    /// Disassembly.
    pub name: String,
    /// Index in the full corpus.
    pub index: u32,
    /// Instruction bytes; on the 286 and 386 with the closing HLT.
    pub bytes: Vec<u8>,
    /// Before.
    pub initial: State,
    /// What had changed after.
    pub last: State,
    /// `EXCP`.
    pub raised: Option<Raised>,
    /// AND masks of the defined bits, for this test alone.
    pub masks: Regs,
    /// Identifies the test, for revocation lists.
    pub hash: Option<[u8; 20]>,
}

/// A file of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// The chip, where the file names it (MOO does, JSON does not unless its registers tell).
    pub chip: Option<Chip>,
    /// Size of the registers.
    pub width: Width,
    /// AND masks of the defined bits, for every test of the file.
    pub masks: Regs,
    /// In the order of the file.
    pub tests: Vec<Test>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn register_names_are_read_in_both_widths() {
        assert_eq!(Reg::from_name("ax"), Some((Reg::Eax, Width::Word)));
        assert_eq!(Reg::from_name("eax"), Some((Reg::Eax, Width::Dword)));
        assert_eq!(Reg::from_name("flags"), Some((Reg::Eflags, Width::Word)));
        assert_eq!(Reg::from_name("es").map(|r| r.0), Some(Reg::Es));
        assert_eq!(Reg::Es.name_in(Width::Word), "es", "`es` is not a 32-bit spelling of `s`");
        assert_eq!(Reg::from_name("rax"), None);
    }

    #[test]
    fn the_order_of_all_is_the_numbering() {
        for (i, r) in Reg::ALL.into_iter().enumerate() {
            assert_eq!(r as usize, i);
        }
    }
}
