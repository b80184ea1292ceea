//! Descriptors in memory. Intel SDM Vol. 3A, "Segment Descriptors", "System Descriptor Types", "Call Gates",
//! "IDT Descriptors", "TSS Descriptor"; for the 80286 its Programmer's Reference Manual, "Descriptor Tables".
//!
//! Error codes are handed in as a function of the selector, because the same walk through a table raises `#GP`, `#TS`
//! or `#SS` by who asks. Bit 0 (EXT) is added by the delivery of an event, never here.

use crate::cpu::Exception;
use crate::cpu::model::ModelName;
use crate::cpu::segment::{Segment, attr};
use crate::cpu::state::CpuState;
use crate::exec::Exec;

/// How a fault with a selector error code is made: [`Exception::gp`], [`Exception::ts`] and so on.
pub type Fault = fn(u16) -> Exception;

/// Types of system descriptors; `0x8` more is the 32-bit (in long mode the 64-bit) variant.
#[allow(missing_docs)]
pub mod system {
    pub const TSS16_AVAILABLE: u8 = 1;
    pub const LDT: u8 = 2;
    pub const TSS16_BUSY: u8 = 3;
    pub const CALL16: u8 = 4;
    pub const TASK: u8 = 5;
    pub const INTERRUPT16: u8 = 6;
    pub const TRAP16: u8 = 7;
    pub const TSS32_AVAILABLE: u8 = 9;
    pub const TSS32_BUSY: u8 = 11;
    pub const CALL32: u8 = 12;
    pub const INTERRUPT32: u8 = 14;
    pub const TRAP32: u8 = 15;
    /// The bit that tells a busy TSS from an available one.
    pub const BUSY: u8 = 2;
    /// The bit that tells the 32-bit type from the 16-bit one.
    pub const WIDE: u8 = 8;
}

/// The part of a selector that error codes show: index and table.
#[must_use]
pub const fn code_of(selector: u16) -> u16 {
    selector & !3
}

/// Whether a selector is null: index 0 of the GDT.
#[must_use]
pub const fn is_null(selector: u16) -> bool {
    selector & !3 == 0
}

/// Eight bytes of a descriptor table and where they are.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// The selector that found it.
    pub selector: u16,
    /// The descriptor.
    pub raw: u64,
    /// Its second half, where the descriptor has 16 bytes.
    pub high: u64,
    /// Its linear address.
    pub at: u64,
}

impl Descriptor {
    /// Reads the descriptor of `selector`, which is not null, from the GDT or the LDT.
    ///
    /// # Errors
    /// `fault(selector)` outside the table; `#PF`.
    #[inline]
    pub fn fetch(x: &mut Exec, selector: u16, fault: Fault) -> Result<Self, Exception> {
        let at = table_address(&x.st, selector, 8).ok_or_else(|| fault(code_of(selector)))?;
        let mut raw = x.read_system(at, 8)?;
        if x.model.name <= ModelName::I80286 {
            raw &= 0xffff_ffff_ffff; // the last word is reserved, and ignored
        }
        Ok(Self { selector, raw, high: 0, at })
    }

    /// In long mode, reads the second half of a system descriptor of 16 bytes.
    ///
    /// # Errors
    /// `fault(selector)` outside the table, or when the type bits of the second half are not 0; `#PF`.
    pub fn fetch_high(&mut self, x: &mut Exec, fault: Fault) -> Result<(), Exception> {
        if x.st.long_mode() {
            let e = fault(code_of(self.selector));
            if table_address(&x.st, self.selector, 16).is_none() {
                return Err(e);
            }
            self.high = x.read_system(self.at.wrapping_add(8), 8)?;
            if self.high >> 40 & 0x1f != 0 {
                return Err(e);
            }
        }
        Ok(())
    }

    /// The access rights as [`Segment::attr`] holds them.
    #[must_use]
    pub const fn attr(&self) -> u16 {
        (self.raw >> 40) as u16 & 0xf0ff
    }

    /// Whether all bits of `mask` are set in the access rights.
    #[must_use]
    pub const fn is(&self, mask: u16) -> bool {
        self.attr() & mask == mask
    }

    /// The type of a system descriptor (see [`system`]), or `None` for code and data.
    #[must_use]
    pub const fn system_type(&self) -> Option<u8> {
        if self.is(attr::S) { None } else { Some((self.attr() & attr::TYPE) as u8) }
    }

    /// A code segment.
    #[must_use]
    pub const fn code(&self) -> bool {
        self.is(attr::S | attr::CODE)
    }

    /// A conforming code segment.
    #[must_use]
    pub const fn conforming(&self) -> bool {
        self.is(attr::S | attr::CODE | attr::EC)
    }

    /// A 64-bit code segment, which has L set and D clear.
    #[must_use]
    pub const fn long_code(&self) -> bool {
        self.code() && self.is(attr::L) && !self.is(attr::DB)
    }

    /// A data segment that can be written.
    #[must_use]
    pub const fn writable_data(&self) -> bool {
        self.is(attr::S | attr::RW) && !self.is(attr::CODE)
    }

    /// Data, or code that can be read.
    #[must_use]
    pub const fn readable(&self) -> bool {
        self.is(attr::S) && (!self.is(attr::CODE) || self.is(attr::RW))
    }

    /// Present.
    #[must_use]
    pub const fn present(&self) -> bool {
        self.is(attr::P)
    }

    /// Descriptor privilege level.
    #[must_use]
    pub const fn dpl(&self) -> u8 {
        (self.raw >> 45 & 3) as u8
    }

    /// The selector's requested privilege level.
    #[must_use]
    pub const fn rpl(&self) -> u8 {
        (self.selector & 3) as u8
    }

    /// The limit in bytes.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        let limit = (self.raw & 0xffff | self.raw >> 32 & 0xf_0000) as u32;
        if self.is(attr::G) { limit << 12 | 0xfff } else { limit }
    }

    /// The base, of a system segment in long mode 64 bits wide.
    #[must_use]
    pub const fn base(&self) -> u64 {
        self.raw >> 16 & 0xff_ffff | self.raw >> 32 & 0xff00_0000 | self.high << 32
    }

    /// As a segment register holds it, with `selector` visible.
    #[must_use]
    pub const fn segment(&self, selector: u16) -> Segment {
        Segment { selector, attr: self.attr(), limit: self.limit(), base: self.base() }
    }

    /// As a code segment for `cpl`.
    #[must_use]
    pub const fn code_segment(&self, cpl: u8) -> Segment {
        self.segment(self.selector & !3 | cpl as u16)
    }

    /// Sets the accessed bit of a code or data descriptor in its table, if it is clear.
    ///
    /// # Errors
    /// `#PF`.
    #[inline]
    pub fn mark_accessed(&mut self, x: &mut Exec) -> Result<(), Exception> {
        if self.is(attr::ACCESSED) {
            return Ok(());
        }
        self.raw |= (attr::ACCESSED as u64) << 40;
        x.write_system(self.at.wrapping_add(5), 1, self.raw >> 40 & 0xff)
    }

    /// Sets or clears the busy bit of a TSS descriptor in its table.
    ///
    /// # Errors
    /// `#PF`.
    pub fn set_busy(&mut self, x: &mut Exec, busy: bool) -> Result<(), Exception> {
        let bit = u64::from(system::BUSY) << 40;
        self.raw = if busy { self.raw | bit } else { self.raw & !bit };
        x.write_system(self.at.wrapping_add(5), 1, self.raw >> 40 & 0xff)
    }

    /// The gate that this descriptor is.
    #[must_use]
    pub fn gate(&self) -> Gate {
        let kind = (self.attr() & attr::TYPE) as u8;
        let wide = kind & system::WIDE != 0;
        let low = self.raw & 0xffff;
        Gate {
            kind,
            selector: (self.raw >> 16) as u16,
            offset: if wide { low | self.raw >> 32 & 0xffff_0000 | self.high << 32 } else { low },
            params: (self.raw >> 32 & 0x1f) as u32,
            ist: (self.raw >> 32 & 7) as u8,
        }
    }
}

/// Where a gate leads.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// See [`system`].
    pub kind: u8,
    /// The code segment, or the TSS.
    pub selector: u16,
    /// The entry point.
    pub offset: u64,
    /// Parameters that a call gate copies.
    pub params: u32,
    /// Interrupt stack table entry of a 64-bit gate, 0 for none.
    pub ist: u8,
}

/// The linear address of a descriptor, if `bytes` of it lie inside its table.
#[inline]
fn table_address(st: &CpuState, selector: u16, bytes: u32) -> Option<u64> {
    let (base, limit) = if selector & 4 == 0 {
        (st.gdtr.base, u32::from(st.gdtr.limit))
    } else if st.ldtr.usable() {
        (st.ldtr.base, st.ldtr.limit)
    } else {
        return None;
    };
    let at = u32::from(selector & !7);
    if at + bytes - 1 > limit { None } else { Some(base.wrapping_add(u64::from(at))) }
}

/// In long mode a code segment must not have both L and D set.
#[must_use]
pub fn long_and_default(x: &Exec, d: &Descriptor) -> bool {
    x.st.long_mode() && d.is(attr::L | attr::DB)
}

/// Whether an instruction pointer lies in a code segment, given as it will be loaded.
#[must_use]
pub fn ip_fits(x: &Exec, cs: &Segment, ip: u64) -> bool {
    if x.st.long_mode() && cs.is(attr::L) { crate::exec::canonical(ip) } else { ip <= u64::from(cs.limit) }
}
