//! The saved form. Display memory is saved with the machine's memory.

use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

use super::dac::DacV1;
use super::registers::IndexedV1;
use super::timing::ScanV1;
use super::vbe::VbeV1;
use super::{Aperture, Vga};
use crate::pci::config::ConfigV1;

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct VgaV1 {
    sequencer: IndexedV1,
    graphics: IndexedV1,
    crtc: IndexedV1,
    attribute: IndexedV1,
    attribute_data: bool,
    dac: DacV1,
    vbe: VbeV1,
    misc: u8,
    feature: u8,
    enabled: bool,
    latch: u32,
    scan: ScanV1,
    config: ConfigV1,
}

impl Snapshot for Vga {
    const KIND: &'static str = "vga";
    const VERSION: u32 = 1;
    type State = VgaV1;

    fn save(&self) -> VgaV1 {
        let Vga {
            sequencer,
            graphics,
            crtc,
            attribute,
            attribute_data,
            dac,
            vbe,
            misc,
            feature,
            enabled,
            latch,
            scan,
            config,
            vram: _, // the board's
            rom: _,
            fixed_frame_buffer: _,
            aperture: _, // follow from the registers
            registers_at: _,
            changes: _, // the display's
            seen: _,
        } = self;
        VgaV1 {
            sequencer: sequencer.0.save(),
            graphics: graphics.0.save(),
            crtc: crtc.0.save(),
            attribute: attribute.0.save(),
            attribute_data: *attribute_data,
            dac: dac.save(),
            vbe: vbe.save(),
            misc: *misc,
            feature: *feature,
            enabled: *enabled,
            latch: *latch,
            scan: scan.save(),
            config: config.save(),
        }
    }

    fn load(&mut self, s: VgaV1) -> Result<(), LoadError> {
        let VgaV1 {
            sequencer,
            graphics,
            crtc,
            attribute,
            attribute_data,
            dac,
            vbe,
            misc,
            feature,
            enabled,
            latch,
            scan,
            config,
        } = s;
        if feature & !3 != 0 {
            return Err(LoadError::Invalid { field: "vga.feature", value: feature.into() });
        }
        // Into copies, so that a refused state leaves the card as it was.
        let mut parts = (self.sequencer.clone(), self.graphics.clone(), self.crtc.clone(), self.attribute.clone());
        parts.0.0.load("vga.sequencer", sequencer)?;
        parts.1.0.load("vga.graphics", graphics)?;
        parts.2.0.load("vga.crtc", crtc)?;
        parts.3.0.load("vga.attribute", attribute)?;
        let (mut new_dac, mut new_vbe, mut new_scan) = (self.dac.clone(), self.vbe.clone(), self.scan.clone());
        new_dac.load(dac)?;
        new_vbe.load(vbe)?;
        new_scan.load(scan)?;
        self.config.load(config)?;
        (self.sequencer, self.graphics, self.crtc, self.attribute) = parts;
        (self.dac, self.vbe, self.scan) = (new_dac, new_vbe, new_scan);
        (self.attribute_data, self.misc, self.feature) = (attribute_data, misc, feature);
        (self.enabled, self.latch) = (enabled, latch);
        // What follows from the registers.
        self.scan.loaded(self.timing());
        self.aperture = Aperture::of(self);
        Ok(())
    }
}
