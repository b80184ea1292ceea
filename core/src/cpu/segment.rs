//! Segment registers and descriptor tables. Intel SDM Vol. 3A, "Segment Descriptors"; "Segment Registers".

use serde::{Deserialize, Serialize};

/// A segment register, numbered as in the ModR/M `reg` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Seg {
    /// Extra.
    Es = 0,
    /// Code.
    Cs = 1,
    /// Stack.
    Ss = 2,
    /// Data.
    Ds = 3,
    /// FS.
    Fs = 4,
    /// GS.
    Gs = 5,
}

impl Seg {
    /// All six, in order of their numbers.
    pub const ALL: [Self; 6] = [Self::Es, Self::Cs, Self::Ss, Self::Ds, Self::Fs, Self::Gs];

    /// From a ModR/M `reg` field; 6 and 7 are no segment registers.
    #[must_use]
    pub const fn from_field(n: u8) -> Option<Self> {
        match n {
            0 => Some(Self::Es),
            1 => Some(Self::Cs),
            2 => Some(Self::Ss),
            3 => Some(Self::Ds),
            4 => Some(Self::Fs),
            5 => Some(Self::Gs),
            _ => None,
        }
    }
}

/// Access rights as bits 55:40 of a descriptor hold them, the limit's bits (11:8 here) zero, and one bit of our own.
pub mod attr {
    /// Type, four bits. For code and data: accessed, writable/readable, expand-down/conforming, code.
    pub const TYPE: u16 = 0xf;
    /// Accessed (code and data).
    pub const ACCESSED: u16 = 1 << 0;
    /// Writable data or readable code.
    pub const RW: u16 = 1 << 1;
    /// Expand-down data or conforming code.
    pub const EC: u16 = 1 << 2;
    /// Code, not data.
    pub const CODE: u16 = 1 << 3;
    /// Code or data, not a system descriptor.
    pub const S: u16 = 1 << 4;
    /// Descriptor privilege level, two bits.
    pub const DPL: u16 = 3 << 5;
    /// Present.
    pub const P: u16 = 1 << 7;
    /// Available to software.
    pub const AVL: u16 = 1 << 12;
    /// 64-bit code.
    pub const L: u16 = 1 << 13;
    /// Default operation size / big.
    pub const DB: u16 = 1 << 14;
    /// Granularity: the limit counts 4-KiB pages.
    pub const G: u16 = 1 << 15;
    /// Our own, in a place the limit occupies in memory: the register holds a null selector.
    pub const NULL: u16 = 1 << 8;
}

/// A segment register with its hidden part, also used for LDTR and TR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The visible part.
    pub selector: u16,
    /// Access rights, see [`attr`].
    pub attr: u16,
    /// Limit in bytes, granularity applied.
    pub limit: u32,
    /// Linear base.
    pub base: u64,
}

impl Segment {
    /// What reset, real mode and virtual-8086 mode give a data segment: 64 KiB at `selector * 16`.
    #[must_use]
    pub const fn real(selector: u16) -> Self {
        Self {
            selector,
            attr: attr::P | attr::S | attr::RW | attr::ACCESSED,
            limit: 0xffff,
            base: (selector as u64) << 4,
        }
    }

    /// A null selector: unusable.
    #[must_use]
    pub const fn null(selector: u16) -> Self {
        Self { selector, attr: attr::NULL, limit: 0, base: 0 }
    }

    /// Whether the register can be used for memory references (it holds no null selector).
    #[must_use]
    pub const fn usable(&self) -> bool {
        self.attr & attr::NULL == 0
    }

    /// The descriptor's privilege level.
    #[must_use]
    pub const fn dpl(&self) -> u8 {
        (self.attr >> 5 & 3) as u8
    }

    /// The selector's requested privilege level.
    #[must_use]
    pub const fn rpl(&self) -> u8 {
        (self.selector & 3) as u8
    }

    /// Whether all bits of `mask` are set in the access rights.
    #[must_use]
    pub const fn is(&self, mask: u16) -> bool {
        self.attr & mask == mask
    }

    /// The offsets that a code or data segment admits, as an inclusive range; `None` when there is none.
    /// SDM Vol. 3A, "Limit Checking".
    #[must_use]
    pub const fn range(&self) -> Option<(u64, u64)> {
        if !self.usable() {
            return None;
        }
        if self.attr & (attr::S | attr::CODE | attr::EC) == attr::S | attr::EC {
            let top = if self.is(attr::DB) { 0xffff_ffff } else { 0xffff };
            if self.limit as u64 >= top { None } else { Some((self.limit as u64 + 1, top)) }
        } else {
            Some((0, self.limit as u64))
        }
    }

    /// Whether data can be read through it (not execute-only code).
    #[must_use]
    pub const fn readable(&self) -> bool {
        self.usable() && (self.attr & attr::CODE == 0 || self.is(attr::RW))
    }

    /// Whether data can be written through it (writable data).
    #[must_use]
    pub const fn writable(&self) -> bool {
        self.usable() && self.attr & attr::CODE == 0 && self.is(attr::RW)
    }
}

/// GDTR or IDTR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Linear base.
    pub base: u64,
    /// Limit in bytes, the last valid offset.
    pub limit: u16,
}
