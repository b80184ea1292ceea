//! 82371SB (PIIX3): the PCI to ISA bridge.
//!
//! Document: Intel 82371SB data sheet (290550), "PIRQRC\[A:D\]—PIRQ Route Control Registers", "RC—Reset
//! Control Register".
//!
//! The chip's 8259s, 8254 and DMA controllers are devices of their own; the edge/level control
//! register sits in the 8259s, whose inputs it steers.
//!
//! *Not modelled:* ISA timing and decode enables (stored only), the USB function.

use ferrite_core::device::{Cx, Device, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

use super::config::{ConfigSpace, ConfigV1, header};

/// Reset control register.
pub const RC: Offset = Offset(0);

/// PIRQA# to PIRQD#, inputs 0 to 3, high when asserted.
pub const fn pirq(n: u8) -> Pin {
    Pin(n)
}

/// The ISA interrupt `n` that routed PIRQs drive, an output.
pub const fn irq(n: u8) -> Pin {
    Pin(n)
}

/// Hard reset of the board, an output.
pub const RESET: Pin = Pin(16);
/// INIT of the processor, an output.
pub const INIT: Pin = Pin(17);

const PIRQRC: u8 = 0x60;
/// Interrupts that a PIRQ may be routed to: 3-7, 9-12, 14, 15. "PIRQRC", bits 3:0.
const ROUTABLE: u16 = 0xdef8;
/// RC: a 0 to 1 transition resets.
const RCPU: u8 = 4;
/// RC: the reset is a hard one.
const SRST: u8 = 2;

/// The ISA bridge, function 0.
pub struct Piix3 {
    config: ConfigSpace,
    rc: u8,
    /// Levels of PIRQ inputs.
    pirqs: u8,
}

impl Default for Piix3 {
    fn default() -> Self {
        Piix3::new()
    }
}

impl Piix3 {
    /// The bridge after reset.
    pub fn new() -> Piix3 {
        let mut config = ConfigSpace::new(0x8086, 0x7000, 0x0601_0000);
        config.preset(header::COMMAND, &[0x07, 0x00, 0x00, 0x02]);
        config.writable(header::COMMAND, &[0x08, 0x01]);
        config.write_one_clears(header::STATUS, &[0x00, 0x78]);
        config.preset(header::HEADER_TYPE, &[0x80]);
        config.preset(0x4c, &[0x4d, 0x00, 0x03, 0x00]); // IORT, XBCS
        config.writable(0x4c, &[0x7f, 0x00, 0xff, 0x01]);
        config.preset(PIRQRC, &[0x80; 4]);
        config.writable(PIRQRC, &[0x8f; 4]);
        config.preset(0x69, &[0x02]); // TOM
        config.writable(0x69, &[0xfe, 0x91]);
        config.preset(0x70, &[0x80]); // MBIRQ0
        config.writable(0x70, &[0xcf]);
        config.preset(0x76, &[0x0c, 0x0c]); // MBDMA
        config.writable(0x76, &[0x8f, 0x8f, 0xff, 0xff]);
        config.writable(0x80, &[0x7f, 0x00, 0x0f]); // APICBASE, DLC
        config.preset(0xa0, &[0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0f]); // SMICNTL to CTLTMR
        config.writable(0xa0, &[0x1f, 0x00, 0xff, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff]);
        Piix3 { config, rc: 0, pirqs: 0 }
    }

    fn update(&self, cx: &mut Cx<'_>) {
        let mut irqs = 0u16;
        for n in 0..4 {
            let route = self.config.byte(PIRQRC + n);
            if route & 0x80 == 0 && self.pirqs >> n & 1 != 0 {
                irqs |= 1 << (route & 0xf);
            }
        }
        for n in 0..16 {
            cx.set(irq(n), irqs & ROUTABLE & 1 << n != 0);
        }
    }
}

impl Device for Piix3 {
    fn read(&mut self, _: &mut Cx<'_>, at: Offset, width: Width) -> u64 {
        match at.config() {
            Some((_, register)) => self.config.read(register, width),
            None => self.rc.into(),
        }
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width, val: u64) {
        if let Some((_, register)) = at.config() {
            self.config.write(register, width, val);
            self.update(cx);
            return;
        }
        let val = val as u8 & (RCPU | SRST);
        if val & !self.rc & RCPU != 0 {
            let pin = if val & SRST != 0 { RESET } else { INIT };
            cx.set(pin, true);
            cx.set(pin, false);
        }
        self.rc = val;
    }

    fn input(&mut self, cx: &mut Cx<'_>, pin: Pin, level: bool) {
        if pin.0 < 4 {
            let bit = 1 << pin.0;
            self.pirqs = if level { self.pirqs | bit } else { self.pirqs & !bit };
            self.update(cx);
        }
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.config.reset();
        self.rc = 0;
        cx.set(RESET, false);
        cx.set(INIT, false);
        self.update(cx);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct Piix3V1 {
    config: ConfigV1,
    rc: u8,
    pirqs: u8,
}

impl Snapshot for Piix3 {
    const KIND: &'static str = "piix3-isa";
    const VERSION: u32 = 1;
    type State = Piix3V1;

    fn save(&self) -> Piix3V1 {
        let Piix3 { config, rc, pirqs } = self;
        Piix3V1 { config: config.save(), rc: *rc, pirqs: *pirqs }
    }

    fn load(&mut self, s: Piix3V1) -> Result<(), LoadError> {
        let Piix3V1 { config, rc, pirqs } = s;
        if rc & !(RCPU | SRST) != 0 || pirqs > 0xf {
            return Err(LoadError::Invalid { field: "rc", value: rc.into() });
        }
        self.config.load(config)?;
        (self.rc, self.pirqs) = (rc, pirqs);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    fn config(register: u8) -> Offset {
        Offset(Offset::CONFIG + u32::from(register))
    }

    #[test]
    fn two_pirqs_routed_together_share_the_interrupt() {
        let mut bridge = Rig::new(Piix3::new());
        bridge.drive(pirq(0), true);
        assert!(!bridge.level(irq(11)), "routing is off after reset");
        bridge.write_wide(config(PIRQRC), Width::B2, 0x0b0b);
        assert!(bridge.level(irq(11)));
        bridge.drive(pirq(1), true);
        bridge.drive(pirq(0), false);
        assert!(bridge.level(irq(11)));
        bridge.write(config(PIRQRC + 1), 0x0a);
        assert!(!bridge.level(irq(11)) && bridge.level(irq(10)));
    }

    #[test]
    fn a_pirq_cannot_be_routed_to_a_system_interrupt() {
        let mut bridge = Rig::new(Piix3::new());
        bridge.drive(pirq(2), true);
        for n in [0, 1, 2, 8, 13] {
            bridge.write(config(PIRQRC + 2), n);
            assert!(!bridge.level(irq(n)), "IRQ{n}");
        }
    }

    #[test]
    fn reset_control_chooses_between_hard_and_soft() {
        let mut bridge = Rig::new(Piix3::new());
        bridge.write(RC, 0x02);
        bridge.write(RC, 0x06);
        assert_eq!(bridge.edges, [(RESET, true), (RESET, false)]);
        bridge.edges.clear();
        bridge.write(RC, 0x00);
        bridge.write(RC, 0x04);
        assert_eq!(bridge.edges, [(INIT, true), (INIT, false)]);
    }
}
