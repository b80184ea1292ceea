//! PCI configuration space of one function, and the address register of mechanism #1.
//!
//! Document: PCI Local Bus Specification 2.1, "Configuration Space Organization", "Configuration
//! Mechanism #1". A part of the functions' devices; the bus routes accesses to them
//! ([`ferrite_core::bus`]).

use ferrite_core::bus::Bdf;
use ferrite_core::device::Width;
use ferrite_core::snapshot::LoadError;
use serde::{Deserialize, Serialize};

/// Offsets of the common header.
pub mod header {
    /// Command, 16 bits.
    pub const COMMAND: u8 = 0x04;
    /// Status, 16 bits.
    pub const STATUS: u8 = 0x06;
    /// Revision, programming interface, subclass, class.
    pub const CLASS: u8 = 0x08;
    /// Header type; bit 7: the device has several functions.
    pub const HEADER_TYPE: u8 = 0x0e;
    /// Interrupt line, for software to remember.
    pub const INTERRUPT_LINE: u8 = 0x3c;
    /// Interrupt pin: 1 is INTA#.
    pub const INTERRUPT_PIN: u8 = 0x3d;
}

/// The 256 bytes of one function, and which bits of them a guest can change.
#[derive(Clone)]
pub struct ConfigSpace {
    bytes: [u8; 256],
    reset: [u8; 256],
    writable: [u8; 256],
    /// Status bits: writing 1 clears.
    clears: [u8; 256],
}

impl ConfigSpace {
    /// A function with these identities; `class` is class, subclass, interface and revision.
    pub fn new(vendor: u16, device: u16, class: u32) -> ConfigSpace {
        let zero = [0; 256];
        let mut c = ConfigSpace { bytes: zero, reset: zero, writable: zero, clears: zero };
        c.preset(0, &vendor.to_le_bytes());
        c.preset(2, &device.to_le_bytes());
        c.preset(header::CLASS, &class.to_le_bytes());
        c
    }

    /// Gives registers their value after reset.
    pub fn preset(&mut self, at: u8, bytes: &[u8]) {
        for (i, b) in (usize::from(at)..256).zip(bytes) {
            self.reset[i] = *b;
            self.bytes[i] = *b;
        }
    }

    /// Lets the guest change these bits.
    pub fn writable(&mut self, at: u8, masks: &[u8]) {
        for (i, m) in (usize::from(at)..256).zip(masks) {
            self.writable[i] = *m;
        }
    }

    /// Lets the guest clear these bits by writing 1.
    pub fn write_one_clears(&mut self, at: u8, masks: &[u8]) {
        for (i, m) in (usize::from(at)..256).zip(masks) {
            self.clears[i] = *m;
        }
    }

    /// Back to the values after reset.
    pub fn reset(&mut self) {
        self.bytes = self.reset;
    }

    /// One register byte.
    pub fn byte(&self, at: u8) -> u8 {
        self.bytes[usize::from(at)]
    }

    /// A doubleword; `at` is rounded down to one.
    pub fn dword(&self, at: u8) -> u32 {
        let at = at & !3;
        u32::from_le_bytes([0, 1, 2, 3].map(|i| self.byte(at + i)))
    }

    /// Changes a byte on the chip's own account.
    pub fn set_byte(&mut self, at: u8, value: u8) {
        self.bytes[usize::from(at)] = value;
    }

    /// A guest's read. Past the end of the space it wraps, which no aligned access reaches.
    pub fn read(&self, at: u8, width: Width) -> u64 {
        (0..width.bytes()).rev().fold(0, |v, i| v << 8 | u64::from(self.byte(at.wrapping_add(i as u8))))
    }

    /// A guest's write.
    pub fn write(&mut self, at: u8, width: Width, val: u64) {
        for i in 0..width.bytes() {
            let at = usize::from(at.wrapping_add(i as u8));
            let new = (val >> (8 * i)) as u8;
            let old = self.bytes[at];
            let mask = self.writable[at];
            self.bytes[at] = (old & !mask | new & mask) & !(new & self.clears[at]);
        }
    }

    /// The saved form.
    pub fn save(&self) -> ConfigV1 {
        let ConfigSpace { bytes, reset: _, writable: _, clears: _ } = self; // the rest is the chip's
        ConfigV1 { bytes: bytes.to_vec() }
    }

    /// Takes a saved form over.
    ///
    /// # Errors
    /// When bits differ that neither guest nor chip can change.
    pub fn load(&mut self, s: ConfigV1) -> Result<(), LoadError> {
        let ConfigV1 { bytes } = s;
        let len = bytes.len() as u64;
        let bytes: [u8; 256] = bytes.try_into().map_err(|_| LoadError::Invalid { field: "config.len", value: len })?;
        for (i, byte) in bytes.iter().enumerate() {
            if (byte ^ self.reset[i]) & !(self.writable[i] | self.clears[i]) != 0 {
                return Err(LoadError::Invalid { field: "config", value: i as u64 });
            }
        }
        self.bytes = bytes;
        Ok(())
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct ConfigV1 {
    bytes: Vec<u8>,
}

/// What CONFADD names: nothing while bit 31 is clear.
pub fn decode_address(confadd: u32) -> Option<(Bdf, u8)> {
    let [register, low, bus, enable] = confadd.to_le_bytes();
    (enable & 0x80 != 0).then_some((Bdf { bus, device: low >> 3, function: low & 7 }, register & 0xfc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_writable_bits_change_and_status_bits_clear() {
        let mut c = ConfigSpace::new(0x8086, 0x1237, 0x0600_0002);
        c.preset(0x06, &[0x80, 0x22]);
        c.write_one_clears(0x06, &[0x00, 0xf9]);
        c.writable(0x50, &[0x0f]);
        c.write(0x00, Width::B4, 0);
        c.write(0x50, Width::B4, 0xffff_ffff);
        c.write(0x06, Width::B2, 0xffff);
        assert_eq!(c.read(0x00, Width::B4), 0x1237_8086);
        assert_eq!(c.read(0x50, Width::B4), 0x0f);
        assert_eq!(c.read(0x06, Width::B2), 0x0280);
    }

    #[test]
    fn the_address_register_names_bus_device_function_and_register() {
        let want = Bdf { bus: 2, device: 31, function: 7 };
        assert_eq!(decode_address(0x8002_ff43), Some((want, 0x40)));
        assert_eq!(decode_address(0x0002_ff43), None);
    }

    #[test]
    fn a_saved_space_of_another_chip_is_refused() {
        let c = ConfigSpace::new(0x8086, 0x1237, 0);
        assert!(ConfigSpace::new(0x8086, 0x7000, 0).load(c.save()).is_err());
    }
}
