//! Text modes: characters of plane 0 in colours of plane 1, with the fonts of plane 2.
//!
//! Documents: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Alphanumeric Modes", "Character Map
//! Select Register", "Cursor Start Register"; FreeVGA, "VGA Text Mode Operation".

use super::Vga;
use super::crtc::Addressing;
use super::memory::{PLANES, position};
use super::render::{Colours, Line, Lines, blink};
use super::timing::Shown;
use crate::video::frame::{Cell, TextScreen};

/// Bytes that a character has in a font.
const FONT_STEP: u16 = 32;
/// The fonts' plane.
const FONT_PLANE: usize = 2;
/// An attribute without these but with bit 0 is underlined where the underline's scan line is.
const UNDERLINED: (u8, u8) = (0x77, 0x01);

/// A byte's bits as masks, the highest bit first: eight dots at once.
static MASKS: [[u32; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut i = 0;
    while i < 256 * 8 {
        table[i / 8][i % 8] = ((i / 8) as u32 >> (7 - i % 8) & 1).wrapping_neg();
        i += 1;
    }
    table
};

/// All that a line of text is drawn from.
pub(super) struct Page<'a> {
    planes: &'a [u8],
    colours: [u32; 16],
    addressing: Addressing,
    dots: usize,
    fonts: [u16; 2],
    line_graphics: bool,
    /// Attribute bit 7 blinks, and blinking characters are visible now.
    blinks: Option<bool>,
    underline: u8,
    /// Where the cursor is shown, if it is now.
    cursor: Option<(u16, u8, u8)>,
}

impl<'a> Page<'a> {
    pub fn of(vga: &Vga, planes: &'a [u8], colours: &Colours, addressing: Addressing, frames: u64) -> Page<'a> {
        let (visible, cursor_visible) = blink(frames);
        Page {
            planes,
            colours: colours.sixteen,
            addressing,
            dots: vga.sequencer.dots() as usize,
            fonts: vga.sequencer.fonts(),
            line_graphics: vga.attribute.line_graphics(),
            blinks: vga.attribute.blinks().then_some(visible),
            underline: vga.crtc.underline(),
            cursor: vga.crtc.cursor().filter(|_| cursor_visible),
        }
    }

    fn byte(&self, offset: u16, plane: usize) -> u8 {
        self.planes.get(position(offset.into()) as usize + plane).copied().unwrap_or(0)
    }

    /// Foreground and background of an attribute.
    fn pair(&self, attribute: u8) -> (u32, u32) {
        let colour = |n: u8| self.colours[usize::from(n & 0x0f)];
        match self.blinks {
            None => (colour(attribute), colour(attribute >> 4)),
            Some(visible) => {
                let back = colour(attribute >> 4 & 7);
                (if attribute & 0x80 != 0 && !visible { back } else { colour(attribute) }, back)
            }
        }
    }

    /// Draws a scan line, a cell of 8 or 9 dots for each character.
    pub fn draw(&self, line: Line, out: &mut [u32]) {
        for (column, out) in (0..).zip(out.chunks_exact_mut(self.dots)) {
            let counter = self.addressing.counter(line.row, column);
            let offset = self.addressing.offset(counter, line.scan);
            let (code, attribute) = (self.byte(offset, 0), self.byte(offset, 1));
            let font = self.fonts[usize::from(attribute >> 3 & 1)];
            let glyph = font.wrapping_add(u16::from(code) * FONT_STEP).wrapping_add(line.scan.into());
            let (fore, back) = self.pair(attribute);
            let mut bits = u16::from(self.byte(glyph, FONT_PLANE)) << 1;
            // "Mode Control", enable line graphics: codes C0 to DF go on into the ninth dot.
            if self.line_graphics && (0xc0..=0xdf).contains(&code) {
                bits |= bits >> 1 & 1;
            }
            if attribute & UNDERLINED.0 == UNDERLINED.1 && line.scan == self.underline {
                bits = 0x1ff;
            }
            if self.cursor.is_some_and(|(at, first, last)| at == counter && (first..=last).contains(&line.scan)) {
                bits = 0x1ff;
            }
            let (eight, ninth) = out.split_at_mut(8);
            for (dot, mask) in eight.iter_mut().zip(&MASKS[usize::from(bits >> 1 & 0xff)]) {
                *dot = back ^ (fore ^ back) & mask;
            }
            if let [dot] = ninth {
                *dot = if bits & 1 != 0 { fore } else { back };
            }
        }
    }
}

/// The characters on the screen; `None` in graphics modes and while the CRTC does not run.
pub(super) fn screen(vga: &Vga, vram: &[u8], shown: Shown) -> Option<TextScreen> {
    if vga.graphics.is_graphics() || vga.vbe.is_enabled() || !vga.crtc.runs() {
        return None;
    }
    let planes = &vram[..vram.len().min(PLANES as usize)];
    let (colours, addressing) = (Colours::of(vga), vga.crtc.addressing());
    let page = Page::of(vga, planes, &colours, addressing, 0);
    let columns = vga.crtc.characters();
    let cursor_at = vga.crtc.cursor();
    let mut text = TextScreen { columns, ..TextScreen::default() };
    let mut row_above = None;
    for line in Lines::of(vga, shown).take(vga.crtc.lines() as usize) {
        // A row of characters begins with its first scan line, or where the screen does.
        if row_above.is_some() && (line.scan != 0 || row_above == Some((line.row, line.scan))) {
            row_above = Some((line.row, line.scan));
            continue;
        }
        row_above = Some((line.row, line.scan));
        for column in 0..columns {
            let counter = addressing.counter(line.row, column);
            let offset = addressing.offset(counter, line.scan);
            let (code, attribute) = (page.byte(offset, 0), page.byte(offset, 1));
            let (foreground, background) = page.pair(attribute);
            text.cells.push(Cell { code, attribute, foreground, background });
            if cursor_at.is_some_and(|(at, ..)| at == counter) {
                text.cursor = Some((column, text.rows));
            }
        }
        text.rows += 1;
    }
    Some(text)
}
