//! NMI status and control register, port 61h of the PC/AT.
//!
//! Document: 82371SB (PIIX3) data sheet (290550), "NMISC—NMI Status and Control Register".
//!
//! *Not modelled:* SERR# and IOCHK#: nothing here raises them, so bits 7 and 6 read 0.

use ferrite_core::device::{Cx, Device, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use ferrite_core::time::Freq;
use serde::{Deserialize, Serialize};

/// Drives GATE 2 of the timer.
pub const GATE2: Pin = Pin(0);
/// Speaker data enable.
pub const SPEAKER: Pin = Pin(1);
/// OUT 2 of the timer.
pub const OUT2: Pin = Pin(0);

/// The refresh detect bit toggles with each refresh request, which counter 1 makes every 18 ticks
/// of 105,000,000/88 Hz on a PC, whatever it is programmed to.
const REFRESH: Freq = Freq::new(105_000_000, 88 * 18);

/// The register.
#[derive(Default)]
pub struct Port61 {
    /// Bits 3:0, which can be written.
    control: u8,
    out2: bool,
}

impl Device for Port61 {
    fn read(&mut self, cx: &mut Cx<'_>, _: Offset, _: Width) -> u64 {
        let refresh = (REFRESH.cycles_at(cx.now()) & 1) as u8;
        u64::from(self.control | refresh << 4 | u8::from(self.out2) << 5)
    }

    fn write(&mut self, cx: &mut Cx<'_>, _: Offset, _: Width, val: u64) {
        self.control = val as u8 & 0xf;
        cx.set(GATE2, self.control & 1 != 0);
        cx.set(SPEAKER, self.control & 2 != 0);
    }

    fn input(&mut self, _: &mut Cx<'_>, pin: Pin, level: bool) {
        if pin == OUT2 {
            self.out2 = level;
        }
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.control = 0;
        cx.set(GATE2, false);
        cx.set(SPEAKER, false);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct Port61V1 {
    control: u8,
    out2: bool,
}

impl Snapshot for Port61 {
    const KIND: &'static str = "port61";
    const VERSION: u32 = 1;
    type State = Port61V1;

    fn save(&self) -> Port61V1 {
        let Port61 { control, out2 } = *self;
        Port61V1 { control, out2 }
    }

    fn load(&mut self, s: Port61V1) -> Result<(), LoadError> {
        let Port61V1 { control, out2 } = s;
        if control > 0xf {
            return Err(LoadError::Invalid { field: "control", value: control.into() });
        }
        *self = Port61 { control, out2 };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;
    use ferrite_core::time::VTime;

    const REG: Offset = Offset(0);

    #[test]
    fn bit_0_gates_the_timer_and_bit_5_shows_its_output() {
        let mut port = Rig::new(Port61::default());
        port.write(REG, 0xf1);
        assert!(port.level(GATE2));
        assert_eq!(port.read(REG), 0x01, "the upper half cannot be written");
        port.drive(OUT2, true);
        assert_eq!(port.read(REG) & 0x20, 0x20);
    }

    #[test]
    fn the_refresh_bit_toggles_every_15_microseconds() {
        let mut port = Rig::new(Port61::default());
        let mut toggles = 0;
        let mut last = port.read(REG) & 0x10;
        for _ in 0..1000 {
            port.pass(VTime::us(1));
            let bit = port.read(REG) & 0x10;
            toggles += u32::from(bit != last);
            last = bit;
        }
        assert_eq!(toggles, 66, "1 ms / 15.09 us");
    }
}
