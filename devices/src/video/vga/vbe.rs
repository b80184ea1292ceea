//! The "DISPI" interface of the Bochs display: linear modes up to 2560 by 1600 beyond what the VGA's registers describe.
//!
//! Document: Bochs VBE Display API (version B0C5), "VBE_DISPI_INDEX_*".
//!
//! While it is enabled, picture and timing follow these registers (the raster is 60 Hz); in modes of 8 bits and more the
//! window at A0000 shows the bank straight, whatever the VGA's registers say, and in the mode of 4 bits they rule it, with
//! the bank on top of the plane's offset. The VGA's registers keep their values.

use ferrite_core::snapshot::LoadError;
use serde::{Deserialize, Serialize};

const ID: u16 = 0;
const XRES: u16 = 1;
const YRES: u16 = 2;
const BPP: u16 = 3;
const ENABLE: u16 = 4;
const BANK: u16 = 5;
const VIRT_WIDTH: u16 = 6;
const VIRT_HEIGHT: u16 = 7;
const X_OFFSET: u16 = 8;
const Y_OFFSET: u16 = 9;
const VIDEO_MEMORY_64K: u16 = 10;

/// ENABLE fields.
const ENABLED: u16 = 0x01;
const GETCAPS: u16 = 0x02;
const EIGHT_BIT_DAC: u16 = 0x20;
const LFB_ENABLED: u16 = 0x40;
const NOCLEARMEM: u16 = 0x80;

const ID_FIRST: u16 = 0xb0c0;
const ID_LAST: u16 = 0xb0c5;
/// The largest picture.
pub(super) const MAX: (u16, u16, u16) = (2560, 1600, 32);
/// A bank register beyond this has bits that select something else.
const MAX_BANK: u16 = 0x1ff;

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing that anyone sees.
    None,
    /// Another picture, or another bank in the window.
    Changed,
    /// The mode is on now, and its memory is to be cleared: so many bytes.
    Clear(u64),
}

/// The DISPI registers.
#[derive(Clone, Debug)]
pub(super) struct Vbe {
    index: u16,
    /// The low half of a data word that arrives in two bytes.
    low: u8,
    id: u16,
    xres: u16,
    yres: u16,
    bpp: u16,
    enable: u16,
    bank: u16,
    virt_width: u16,
    x_offset: u16,
    y_offset: u16,
    /// Bytes of display memory: the card's.
    memory: u64,
}

impl Vbe {
    pub fn new(memory: u64) -> Vbe {
        Vbe {
            index: 0,
            low: 0,
            id: ID_LAST,
            xres: 640,
            yres: 480,
            bpp: 8,
            enable: 0,
            bank: 0,
            virt_width: 640,
            x_offset: 0,
            y_offset: 0,
            memory,
        }
    }

    pub fn reset(&mut self) {
        *self = Vbe::new(self.memory);
    }

    pub fn is_enabled(&self) -> bool {
        self.enable & ENABLED != 0
    }

    /// Enabled in a mode of 8 bits or more.
    pub fn is_linear(&self) -> bool {
        self.is_enabled() && self.bpp != 4
    }

    /// Enabled in the mode of 4 planes.
    pub fn is_planar(&self) -> bool {
        self.is_enabled() && self.bpp == 4
    }

    pub fn eight_bit_dac(&self) -> bool {
        self.enable & EIGHT_BIT_DAC != 0
    }

    /// The linear frame buffer was asked for: a card on ISA shows it then.
    pub fn frame_buffer_enabled(&self) -> bool {
        self.enable & (ENABLED | LFB_ENABLED) == ENABLED | LFB_ENABLED
    }

    pub fn bank(&self) -> u16 {
        self.bank
    }

    pub fn size(&self) -> (u32, u32) {
        (self.xres.into(), self.yres.into())
    }

    pub fn bpp(&self) -> u16 {
        self.bpp
    }

    pub fn offset(&self) -> (u32, u32) {
        (self.x_offset.into(), self.y_offset.into())
    }

    /// Bytes from a line to the next, of each plane where there are planes.
    pub fn line(&self) -> u64 {
        let width = u64::from(self.virt_width);
        match self.bpp {
            4 => width / 8,
            bpp => width * u64::from(bpp.div_ceil(8)),
        }
    }

    /// Bytes of a plane, or of all memory where there are none.
    fn space(&self) -> u64 {
        if self.bpp == 4 { self.memory / 4 } else { self.memory }
    }

    fn virt_height(&self) -> u16 {
        (self.space() / self.line().max(1)).min(u16::MAX.into()) as u16
    }

    pub fn index(&self) -> u16 {
        self.index
    }

    pub fn set_index(&mut self, v: u16) {
        self.index = v;
    }

    pub fn set_low(&mut self, v: u8) {
        self.low = v;
    }

    pub fn low(&self) -> u8 {
        self.low
    }

    /// Reads register `index`.
    pub fn read(&self, index: u16) -> u16 {
        let caps = self.enable & GETCAPS != 0;
        match index {
            ID => self.id,
            XRES if caps => MAX.0,
            YRES if caps => MAX.1,
            BPP if caps => MAX.2,
            XRES => self.xres,
            YRES => self.yres,
            BPP => self.bpp,
            ENABLE => self.enable,
            BANK => self.bank,
            VIRT_WIDTH => self.virt_width,
            VIRT_HEIGHT => self.virt_height(),
            X_OFFSET => self.x_offset,
            Y_OFFSET => self.y_offset,
            VIDEO_MEMORY_64K => (self.memory >> 16).min(u16::MAX.into()) as u16,
            _ => 0,
        }
    }

    /// Writes register `index`. Values that the interface does not know are dropped.
    pub fn write(&mut self, index: u16, v: u16) -> Effect {
        let idle = !self.is_enabled();
        match index {
            ID if (ID_FIRST..=ID_LAST).contains(&v) => self.id = v,
            // Widths are whole bytes of a plane.
            XRES if idle && v <= MAX.0 && v >= 8 => {
                self.xres = v & !7;
                self.virt_width = self.xres;
            }
            YRES if idle && (1..=MAX.1).contains(&v) => self.yres = v,
            BPP if idle && matches!(v, 0 | 4 | 8 | 15 | 16 | 24 | 32) => self.bpp = if v == 0 { 8 } else { v },
            ENABLE => return self.write_enable(v),
            BANK if !idle && v <= MAX_BANK && u64::from(v) << 16 < self.space() => self.bank = v,
            VIRT_WIDTH if !idle => {
                self.virt_width = (v & !7).clamp(self.xres, 0x7ff8);
                self.clamp_offsets();
            }
            X_OFFSET if !idle => {
                self.x_offset = v;
                self.clamp_offsets();
            }
            Y_OFFSET if !idle => {
                self.y_offset = v;
                self.clamp_offsets();
            }
            _ => return Effect::None,
        }
        Effect::Changed
    }

    fn write_enable(&mut self, v: u16) -> Effect {
        let was = self.is_enabled();
        self.enable = v & (ENABLED | GETCAPS | EIGHT_BIT_DAC | LFB_ENABLED | NOCLEARMEM);
        if was == self.is_enabled() {
            return Effect::Changed;
        }
        (self.bank, self.x_offset, self.y_offset) = (0, 0, 0);
        self.virt_width = self.xres;
        if was || v & NOCLEARMEM != 0 {
            return Effect::Changed;
        }
        let planes = if self.bpp == 4 { 4 } else { 1 };
        // Planes are stored in pieces of 64 KiB each.
        Effect::Clear((self.line() * u64::from(self.yres)).next_multiple_of(0x1_0000) * planes)
    }

    /// Keeps the picture inside the virtual one.
    fn clamp_offsets(&mut self) {
        self.x_offset = self.x_offset.min(self.virt_width.saturating_sub(self.xres));
        self.y_offset = self.y_offset.min(self.virt_height().saturating_sub(self.yres));
    }

    pub fn save(&self) -> VbeV1 {
        let Vbe { index, low, id, xres, yres, bpp, enable, bank, virt_width, x_offset, y_offset, memory: _ } = *self;
        VbeV1 { index, low, id, xres, yres, bpp, enable, bank, virt_width, x_offset, y_offset }
    }

    pub fn load(&mut self, s: VbeV1) -> Result<(), LoadError> {
        let VbeV1 { index, low, id, xres, yres, bpp, enable, bank, virt_width, x_offset, y_offset } = s;
        let known = [
            ("dispi.id", id, (ID_FIRST..=ID_LAST).contains(&id)),
            ("dispi.xres", xres, xres & 7 == 0 && (8..=MAX.0).contains(&xres)),
            ("dispi.yres", yres, (1..=MAX.1).contains(&yres)),
            ("dispi.bpp", bpp, matches!(bpp, 4 | 8 | 15 | 16 | 24 | 32)),
            ("dispi.enable", enable, enable & !0xe3 == 0),
            ("dispi.bank", bank, bank <= MAX_BANK),
            ("dispi.virt_width", virt_width, virt_width & 7 == 0 && (xres..=0x7ff8).contains(&virt_width)),
        ];
        if let Some((field, value, _)) = known.into_iter().find(|(.., good)| !good) {
            return Err(LoadError::Invalid { field, value: value.into() });
        }
        let memory = self.memory;
        let mut new = Vbe { index, low, id, xres, yres, bpp, enable, bank, virt_width, x_offset, y_offset, memory };
        new.clamp_offsets();
        if (new.x_offset, new.y_offset) != (x_offset, y_offset) {
            let value = u64::from(x_offset) << 16 | u64::from(y_offset);
            return Err(LoadError::Invalid { field: "dispi.offset", value });
        }
        *self = new;
        Ok(())
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct VbeV1 {
    index: u16,
    low: u8,
    id: u16,
    xres: u16,
    yres: u16,
    bpp: u16,
    enable: u16,
    bank: u16,
    virt_width: u16,
    x_offset: u16,
    y_offset: u16,
}
