//! Attribute controller: from the four bits of a dot to the eight that address the DAC.
//!
//! Document: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Attribute Controller Registers".
//!
//! *Not modelled:* the palette's lock while the palette address source is 1: a write takes effect anyway, as clones do it.

use super::registers::Indexed;

/// Attribute mode control.
pub(super) const MODE: u8 = 0x10;
/// Overscan colour.
pub(super) const OVERSCAN: u8 = 0x11;
/// Colour plane enable, and the video status multiplexer.
pub(super) const PLANE_ENABLE: u8 = 0x12;
/// Horizontal PEL panning.
pub(super) const PANNING: u8 = 0x13;
/// Colour select.
pub(super) const COLOUR_SELECT: u8 = 0x14;

/// Mode control: graphics, not text. The graphics controller has a bit of its own, which this model goes by.
const LGE: u8 = 0x04;
const BLINK: u8 = 0x08;
const PPC: u8 = 0x20;
const PCS: u8 = 0x40;
const P54S: u8 = 0x80;

/// The attribute controller's registers. Index bit 5 is the palette address source.
#[derive(Clone, Debug)]
pub(super) struct Attribute(pub Indexed<21>);

impl Attribute {
    pub fn new() -> Self {
        let mut masks = [0x3f; 21];
        masks[usize::from(MODE)] = 0xef;
        masks[usize::from(OVERSCAN)] = 0xff;
        masks[usize::from(PANNING)] = 0x0f;
        masks[usize::from(COLOUR_SELECT)] = 0x0f;
        Attribute(Indexed::new(0x3f, masks))
    }

    /// Palette address source: 0 gives the palette to the processor and blanks the screen.
    pub fn displays(&self) -> bool {
        self.0.index() & 0x20 != 0
    }

    fn mode(&self, bit: u8) -> bool {
        self.0.get(MODE) & bit != 0
    }

    /// Line graphics characters continue into the ninth dot.
    pub fn line_graphics(&self) -> bool {
        self.mode(LGE)
    }

    /// Attribute bit 7 blinks; else it is the background's intensity.
    pub fn blinks(&self) -> bool {
        self.mode(BLINK)
    }

    /// PEL panning compatibility: the part below the line compare does not pan.
    pub fn pans_top_only(&self) -> bool {
        self.mode(PPC)
    }

    /// Two dots make one pixel of eight bits.
    pub fn eight_bit(&self) -> bool {
        self.mode(PCS)
    }

    pub fn plane_enable(&self) -> u8 {
        self.0.get(PLANE_ENABLE) & 0x0f
    }

    /// What four bits of a dot become.
    pub fn colour(&self, dot: u8) -> u8 {
        self.colour_of(dot & self.plane_enable())
    }

    /// What palette register `n` gives.
    pub fn colour_of(&self, n: u8) -> u8 {
        let p = self.0.get(n & 0x0f);
        let select = self.0.get(COLOUR_SELECT);
        let low = if self.mode(P54S) { p & 0x0f | (select & 3) << 4 } else { p };
        low | (select & 0x0c) << 4
    }

    /// What eight bits become where two dots make a pixel: each half passes the palette, whose upper bits nobody takes.
    pub fn colour_8(&self, pixel: u8) -> u8 {
        let half = |dot: u8| self.0.get(dot & self.plane_enable()) & 0x0f;
        half(pixel >> 4) << 4 | half(pixel & 0x0f)
    }
}
