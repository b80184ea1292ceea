//! What the CPU sees of the rest of the machine.

use crate::memory::GuestMemory;

/// Width of an access to a port or to memory-mapped registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One byte.
    B1,
    /// Two bytes.
    B2,
    /// Four bytes.
    B4,
    /// Eight bytes.
    B8,
}

impl Width {
    /// From a number of bytes: 1, 2, 4, or else 8.
    #[must_use]
    pub const fn of(bytes: u32) -> Self {
        match bytes {
            1 => Self::B1,
            2 => Self::B2,
            4 => Self::B4,
            _ => Self::B8,
        }
    }
}

/// Placeholder clock.
#[derive(Debug, Default)]
pub struct Clock {
    retired: u64,
}
impl Clock {
    /// Sets.
    pub fn set_retired(&mut self, n: u64) {
        self.retired = n;
    }
}

/// Placeholder until the bus lands.
#[derive(Debug)]
pub struct System {
    /// Memory.
    pub mem: GuestMemory,
    /// Clock.
    pub clock: Clock,
}

#[allow(missing_docs)]
impl System {
    #[must_use]
    pub fn bare(ram: u64) -> Self {
        Self { mem: GuestMemory::flat(ram), clock: Clock::default() }
    }
    pub fn port_read(&mut self, _: u16, w: Width) -> u32 {
        match w {
            Width::B1 => 0xff,
            Width::B2 => 0xffff,
            _ => u32::MAX,
        }
    }
    pub fn port_write(&mut self, _: u16, _: Width, _: u32) {}
    pub fn mmio_read(&mut self, _: u64, w: Width) -> u64 {
        match w {
            Width::B1 => 0xff,
            Width::B2 => 0xffff,
            Width::B4 => u64::from(u32::MAX),
            Width::B8 => u64::MAX,
        }
    }
    pub fn mmio_write(&mut self, _: u64, _: Width, _: u64) {}
    pub fn intr(&self) -> bool {
        false
    }
    pub fn acknowledge(&mut self) -> u8 {
        0xff
    }
    pub fn attention(&self) -> bool {
        false
    }
}
