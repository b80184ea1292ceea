//! The video DAC: 256 colours of three components.
//!
//! Documents: IBM PS/2 Hardware Interface Technical Reference, "Video Digital-to-Analog Converter"; Inmos IMSG171 data
//! sheet, "Accessing the colour look-up table" (one address register, which a read address advances at once).

use ferrite_core::snapshot::LoadError;
use serde::{Deserialize, Serialize};

/// The DAC.
#[derive(Clone, Debug)]
pub(super) struct Dac {
    mask: u8,
    address: u8,
    /// The address came through the read address register.
    reading: bool,
    /// Next component: red, green, blue.
    component: u8,
    latch: [u8; 3],
    colours: [[u8; 3]; 256],
}

impl Dac {
    pub fn new() -> Self {
        Dac { mask: 0xff, address: 0, reading: false, component: 0, latch: [0; 3], colours: [[0; 3]; 256] }
    }

    pub fn mask(&self) -> u8 {
        self.mask
    }

    pub fn set_mask(&mut self, v: u8) {
        self.mask = v;
    }

    /// DAC state: 3 after a read address was written, 0 after a write address.
    pub fn state(&self) -> u8 {
        if self.reading { 3 } else { 0 }
    }

    pub fn address(&self) -> u8 {
        self.address
    }

    pub fn set_read_address(&mut self, v: u8) {
        self.latch = self.colours[usize::from(v)];
        self.address = v.wrapping_add(1);
        self.reading = true;
        self.component = 0;
    }

    pub fn set_write_address(&mut self, v: u8) {
        self.address = v;
        self.reading = false;
        self.component = 0;
    }

    pub fn read(&mut self) -> u8 {
        let v = self.latch.get(usize::from(self.component)).copied().unwrap_or(0);
        if self.step() {
            self.latch = self.colours[usize::from(self.address)];
            self.address = self.address.wrapping_add(1);
        }
        v
    }

    /// Takes a component; with the third, the colour changes (true). `wide`: eight bits count, else six.
    pub fn write(&mut self, v: u8, wide: bool) -> bool {
        if let Some(c) = self.latch.get_mut(usize::from(self.component)) {
            *c = if wide { v } else { v & 0x3f };
        }
        let whole = self.step();
        if whole {
            self.colours[usize::from(self.address)] = self.latch;
            self.address = self.address.wrapping_add(1);
        }
        whole
    }

    fn step(&mut self) -> bool {
        self.component = (self.component + 1) % 3;
        self.component == 0
    }

    /// `0x00RRGGBB` of a colour, through the PEL mask.
    pub fn rgb(&self, pixel: u8, wide: bool) -> u32 {
        let [r, g, b] = self.colours[usize::from(pixel & self.mask)].map(|c| {
            let c = u32::from(c);
            // Full scale of six bits is full scale of eight.
            if wide { c } else { (c & 0x3f) << 2 | (c & 0x3f) >> 4 }
        });
        r << 16 | g << 8 | b
    }

    pub fn save(&self) -> DacV1 {
        let Dac { mask, address, reading, component, latch, colours } = self;
        DacV1 {
            mask: *mask,
            address: *address,
            reading: *reading,
            component: *component,
            latch: *latch,
            colours: colours.to_vec(),
        }
    }

    pub fn load(&mut self, s: DacV1) -> Result<(), LoadError> {
        let DacV1 { mask, address, reading, component, latch, colours } = s;
        if component > 2 {
            return Err(LoadError::Invalid { field: "dac.component", value: component.into() });
        }
        let len = colours.len() as u64;
        let colours = colours.try_into().map_err(|_| LoadError::Invalid { field: "dac.colours", value: len })?;
        *self = Dac { mask, address, reading, component, latch, colours };
        Ok(())
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct DacV1 {
    mask: u8,
    address: u8,
    reading: bool,
    component: u8,
    latch: [u8; 3],
    colours: Vec<[u8; 3]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_writes_make_a_colour_and_step_to_the_next() {
        let mut dac = Dac::new();
        dac.set_write_address(255);
        assert!(!dac.write(1, false) && !dac.write(0xff, false));
        assert_eq!(dac.rgb(255, false), 0, "two components change nothing");
        assert!(dac.write(3, false));
        assert_eq!(dac.rgb(255, false), 0x04_ff_0c);
        assert_eq!(dac.address(), 0, "it wraps");
        dac.set_read_address(255);
        assert_eq!([dac.read(), dac.read(), dac.read()], [1, 0x3f, 3]);
        assert_eq!((dac.state(), dac.read()), (3, 0), "colour 0 follows");
    }

    #[test]
    fn the_mask_is_applied_before_the_table() {
        let mut dac = Dac::new();
        dac.set_write_address(1);
        for _ in 0..3 {
            dac.write(0x80, true);
        }
        dac.set_mask(0x0f);
        assert_eq!(dac.rgb(0xf1, true), 0x80_80_80);
    }
}
