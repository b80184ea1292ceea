//! System control port A, port 92h: fast A20 and fast reset.
//!
//! Document: PS/2 technical reference, "System Control Port A"; 82371SB (PIIX3) data sheet (290550),
//! "P92—Port 92 Register".
//!
//! *Not modelled:* the disk activity lights and the password lock.

use ferrite_core::device::{Cx, Device, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

/// Bit 1: opens the A20 gate, ORed with that of the keyboard controller.
pub const A20: Pin = Pin(0);
/// Pulses when bit 0 goes from 0 to 1.
pub const INIT: Pin = Pin(1);

/// The register.
#[derive(Default)]
pub struct Port92 {
    value: u8,
}

/// Bits that hold what is written.
const WRITABLE: u8 = 0x03;

impl Device for Port92 {
    fn read(&mut self, _: &mut Cx<'_>, _: Offset, _: Width) -> u64 {
        self.value.into()
    }

    fn write(&mut self, cx: &mut Cx<'_>, _: Offset, _: Width, val: u64) {
        let val = val as u8 & WRITABLE;
        if val & !self.value & 1 != 0 {
            cx.set(INIT, true);
            cx.set(INIT, false);
        }
        self.value = val;
        cx.set(A20, val & 2 != 0);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.value = 0;
        cx.set(A20, false);
        cx.set(INIT, false);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct Port92V1 {
    value: u8,
}

impl Snapshot for Port92 {
    const KIND: &'static str = "port92";
    const VERSION: u32 = 1;
    type State = Port92V1;

    fn save(&self) -> Port92V1 {
        let Port92 { value } = *self;
        Port92V1 { value }
    }

    fn load(&mut self, s: Port92V1) -> Result<(), LoadError> {
        let Port92V1 { value } = s;
        if value & !WRITABLE != 0 {
            return Err(LoadError::Invalid { field: "value", value: value.into() });
        }
        *self = Port92 { value };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    #[test]
    fn bit_1_opens_a20_and_only_a_rising_bit_0_resets() {
        let mut port = Rig::new(Port92::default());
        port.write(Offset(0), 2);
        assert!(port.level(A20));
        port.write(Offset(0), 3);
        assert_eq!(port.take_rises(INIT), 1);
        port.write(Offset(0), 3);
        assert_eq!(port.take_rises(INIT), 0);
        assert_eq!(port.read(Offset(0)), 3);
    }
}
