//! The registers as ports show them: which of them is where, and what a change of one changes.
//!
//! Documents: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Registers"; FreeVGA, "VGA I/O Port Index";
//! Bochs VBE Display API.

use ferrite_core::device::{Cx, Width};
use ferrite_core::time::VTime;

use super::attribute::{OVERSCAN, PANNING, PLANE_ENABLE};
use super::vbe::Effect;
use super::{Vga, graphics, sequencer};

/// Registers as offsets from 3B0h.
pub(super) mod at {
    pub const ATTRIBUTE: u8 = 0x10;
    pub const ATTRIBUTE_DATA: u8 = 0x11;
    /// Written: miscellaneous output. Read: input status 0.
    pub const MISC: u8 = 0x12;
    pub const ENABLE: u8 = 0x13;
    pub const SEQUENCER: u8 = 0x14;
    pub const SEQUENCER_DATA: u8 = 0x15;
    pub const PEL_MASK: u8 = 0x16;
    /// Written: the DAC's read address. Read: its state.
    pub const DAC_READ: u8 = 0x17;
    pub const DAC_WRITE: u8 = 0x18;
    pub const DAC_DATA: u8 = 0x19;
    pub const FEATURE_READ: u8 = 0x1a;
    pub const MISC_READ: u8 = 0x1c;
    pub const GRAPHICS: u8 = 0x1e;
    pub const GRAPHICS_DATA: u8 = 0x1f;
    /// The CRTC's and those beside it, as offsets from 3B0h or 3D0h.
    pub const CRTC: u8 = 0x04;
    pub const CRTC_DATA: u8 = 0x05;
    /// Written: feature control. Read: input status 1.
    pub const STATUS_1: u8 = 0x0a;
}

impl Vga {
    /// The CRTC's registers at 3Bx or 3Dx: their offset when `port` is in the half that is decoded now.
    fn crtc_side(&self, port: u8) -> Option<u8> {
        let base = if self.misc & 1 != 0 { 0x20 } else { 0 };
        port.checked_sub(base).filter(|n| *n < 0x10)
    }

    pub(super) fn read_register(&mut self, cx: &mut Cx<'_>, port: u8) -> u8 {
        if port == at::ENABLE {
            return self.enabled.into();
        }
        if !self.enabled {
            return u8::MAX;
        }
        match port {
            at::ATTRIBUTE => self.attribute.0.index(),
            at::ATTRIBUTE_DATA => self.attribute.0.get(self.attribute.0.index() & 0x1f),
            at::MISC => self.input_status_0(cx.now()),
            at::SEQUENCER => self.sequencer.0.index(),
            at::SEQUENCER_DATA => self.sequencer.0.get(self.sequencer.0.index()),
            at::PEL_MASK => self.dac.mask(),
            at::DAC_READ => self.dac.state(),
            at::DAC_WRITE => self.dac.address(),
            at::DAC_DATA => self.dac.read(),
            at::FEATURE_READ => self.feature,
            at::MISC_READ => self.misc,
            at::GRAPHICS => self.graphics.0.index(),
            at::GRAPHICS_DATA => self.graphics.0.get(self.graphics.0.index()),
            _ => match self.crtc_side(port) {
                Some(at::CRTC) => self.crtc.0.index(),
                Some(at::CRTC_DATA) => self.read_crtc(),
                Some(at::STATUS_1) => self.input_status_1(cx.now()),
                _ => u8::MAX,
            },
        }
    }

    /// A CRTC register, or one of those that IBM does not name but every VGA has: 22h is the latch of the plane that "read
    /// map select" names, 24h the attribute controller's flip-flop, 26h its index. FreeVGA, "Undocumented Registers".
    fn read_crtc(&self) -> u8 {
        match self.crtc.0.index() {
            0x22 => self.latch.to_le_bytes()[usize::from(self.graphics.read_map())],
            0x24 => u8::from(self.attribute_data) << 7,
            0x26 => self.attribute.0.index(),
            _ => self.crtc.read(),
        }
    }

    fn input_status_0(&self, now: VTime) -> u8 {
        // The sense switches of an EGA's colour monitor, read one by one.
        let sense = 0b1001 >> (self.misc >> 2 & 3) & 1;
        u8::from(self.scan_at(now).interrupt()) << 7 | sense << 4
    }

    fn input_status_1(&mut self, now: VTime) -> u8 {
        self.attribute_data = false;
        let (blank, retrace) = self.scan.status(now);
        let colour = self.attribute.0.get(OVERSCAN);
        let pair = match self.attribute.0.get(PLANE_ENABLE) >> 4 & 3 {
            0 => (colour >> 2 & 1) << 1 | colour & 1,
            1 => colour >> 4 & 3,
            2 => (colour >> 3 & 1) << 1 | colour >> 1 & 1,
            _ => colour >> 6 & 3,
        };
        pair << 4 | u8::from(retrace) << 3 | u8::from(blank)
    }

    pub(super) fn write_register(&mut self, cx: &mut Cx<'_>, port: u8, v: u8) {
        if port == at::ENABLE {
            self.enabled = v & 1 != 0;
            self.update_aperture(cx);
            return;
        }
        if !self.enabled {
            return;
        }
        match port {
            at::ATTRIBUTE => self.write_attribute(cx, v),
            at::MISC => {
                self.settle(cx);
                self.misc = v;
                self.update(cx);
            }
            at::SEQUENCER => self.sequencer.0.set_index(v),
            at::SEQUENCER_DATA => self.write_sequencer(cx, v),
            at::PEL_MASK => {
                self.changes += 1;
                self.dac.set_mask(v);
            }
            at::DAC_READ => self.dac.set_read_address(v),
            at::DAC_WRITE => self.dac.set_write_address(v),
            at::DAC_DATA => {
                let whole = self.dac.write(v, self.vbe.eight_bit_dac());
                self.changes += u64::from(whole);
            }
            at::GRAPHICS => self.graphics.0.set_index(v),
            at::GRAPHICS_DATA => {
                let n = self.graphics.0.index();
                if self.graphics.0.set(n, v, 0xff) {
                    // The rest of them is the processor's side only.
                    self.changes += u64::from(matches!(n, graphics::MODE | graphics::MISC));
                    self.update_aperture(cx);
                }
            }
            _ => match self.crtc_side(port) {
                Some(at::CRTC) => self.crtc.0.set_index(v),
                Some(at::CRTC_DATA) => {
                    self.settle(cx);
                    if self.crtc.write(v) {
                        self.update(cx);
                    }
                }
                Some(at::STATUS_1) => self.feature = v & 3,
                _ => {}
            },
        }
    }

    fn write_attribute(&mut self, cx: &mut Cx<'_>, v: u8) {
        self.settle(cx);
        let n = self.attribute.0.index();
        let is_data = self.attribute_data;
        self.attribute_data = !is_data;
        if is_data {
            let n = n & 0x1f;
            let changed = self.attribute.0.set(n, v, 0xff);
            // Panning counts when a frame begins to show it.
            self.changes += u64::from(changed && n != PANNING);
        } else {
            self.attribute.0.set_index(v);
            self.changes += u64::from((n ^ v) & 0x20 != 0);
        }
    }

    fn write_sequencer(&mut self, cx: &mut Cx<'_>, v: u8) {
        let n = self.sequencer.0.index();
        if n == sequencer::MAP_MASK {
            if self.sequencer.0.set(n, v, 0xff) {
                self.update_aperture(cx);
            }
            return;
        }
        self.settle(cx);
        if self.sequencer.0.set(n, v, 0xff) {
            self.update(cx);
        }
    }

    pub(super) fn write_dispi(&mut self, cx: &mut Cx<'_>, index: u16, v: u16) {
        self.settle(cx);
        match self.vbe.write(index, v) {
            Effect::None => return,
            Effect::Changed => {}
            Effect::Clear(len) => self.vram.clear(cx.dma(), len),
        }
        self.update(cx);
        if self.fixed_frame_buffer.is_some() {
            self.place_bars(cx);
        }
    }

    /// The DISPI registers: the index takes words only; a data word comes whole, or as two bytes, low first.
    pub(super) fn read_dispi(&self, at: u32, width: Width) -> u64 {
        let data = self.vbe.read(self.vbe.index());
        match (at, width) {
            (0, Width::B1) => self.vbe.index() & 0xff,
            (0, _) => self.vbe.index(),
            (1, Width::B1) => data & 0xff,
            (2, Width::B1) => data >> 8,
            _ => data,
        }
        .into()
    }

    pub(super) fn write_dispi_port(&mut self, cx: &mut Cx<'_>, at: u32, width: Width, v: u16) {
        let index = self.vbe.index();
        match (at, width) {
            (0, _) => self.vbe.set_index(v),
            (1, Width::B1) => self.vbe.set_low(v as u8),
            (2, Width::B1) => {
                let word = u16::from_le_bytes([self.vbe.low(), v as u8]);
                self.write_dispi(cx, index, word);
            }
            _ => self.write_dispi(cx, index, v),
        }
    }
}
