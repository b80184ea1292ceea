//! The picture: display memory through the shift registers, the attribute controller and the DAC.
//!
//! Documents: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Graphics Mode Register" (shift register
//! modes), "Display Modes"; FreeVGA, "VGA Display Generation".
//!
//! A graphics pixel is a dot; where two dots make a pixel of eight bits, it is those two. In graphics, character clocks have
//! eight dots whatever the sequencer says.

use super::crtc::Addressing;
use super::graphics::Shift;
use super::memory::{PLANES, position};
use super::timing::Shown;
use super::{Vga, text};
use crate::video::frame::Frame;

/// Blinking attributes are on for 16 frames and off for 16; the cursor twice as fast.
const ATTRIBUTE_FRAMES: u64 = 16;
const CURSOR_FRAMES: u64 = 8;

/// A monitor without a signal shows black of this size.
const NO_SIGNAL: (u32, u32) = (640, 400);

/// What the DAC makes of dots and pixels.
pub(super) struct Colours {
    /// Of four bits.
    pub sixteen: [u32; 16],
    /// Of eight bits that are made of two dots.
    pub pixels: [u32; 256],
}

impl Colours {
    pub fn of(vga: &Vga) -> Colours {
        let wide = vga.vbe.eight_bit_dac();
        Colours {
            sixteen: std::array::from_fn(|i| vga.dac.rgb(vga.attribute.colour(i as u8), wide)),
            pixels: std::array::from_fn(|i| vga.dac.rgb(vga.attribute.colour_8(i as u8), wide)),
        }
    }
}

/// A scan line: where the CRTC's counters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Address counter at its left end.
    pub row: u16,
    /// Scan line of the character row.
    pub scan: u8,
    /// PEL panning, as the register has it.
    pub panning: Option<u8>,
}

/// The CRTC's way down a frame, line by line.
pub(super) struct Lines {
    line: Line,
    at: u32,
    maximum: u8,
    doubles: bool,
    second: bool,
    step: u16,
    compare: u32,
    pans_top_only: bool,
}

impl Lines {
    pub fn of(vga: &Vga, shown: Shown) -> Lines {
        let bytes = u16::from(shown.preset_row_scan >> 5 & 3);
        Lines {
            line: Line {
                row: shown.start.wrapping_add(bytes),
                scan: shown.preset_row_scan & 0x1f,
                panning: Some(shown.panning),
            },
            at: 0,
            maximum: vga.crtc.maximum_scan_line(),
            doubles: vga.crtc.doubles(),
            second: false,
            step: vga.crtc.row_step(),
            compare: vga.crtc.line_compare(),
            pans_top_only: vga.attribute.pans_top_only(),
        }
    }
}

impl Iterator for Lines {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let line = self.line;
        if self.at == self.compare {
            // Below, the split screen: from address 0 and scan line 0.
            let panning = if self.pans_top_only { None } else { line.panning };
            self.line = Line { row: 0, scan: 0, panning };
            self.second = false;
        } else if self.doubles && !self.second {
            self.second = true;
        } else {
            self.second = false;
            if line.scan == self.maximum {
                self.line.scan = 0;
                self.line.row = line.row.wrapping_add(self.step);
            } else {
                self.line.scan = (line.scan + 1) & 0x1f; // a preset past the maximum comes around
            }
        }
        self.at += 1;
        Some(line)
    }
}

/// After how many frames the picture may change by blinking alone.
pub(super) fn blink_frames(vga: &Vga) -> u64 {
    if vga.vbe.is_linear() {
        return u64::MAX;
    }
    let text = !vga.graphics.is_graphics() && !vga.vbe.is_enabled();
    match (text && vga.crtc.cursor().is_some(), vga.attribute.blinks()) {
        (true, _) => CURSOR_FRAMES,
        (false, true) => ATTRIBUTE_FRAMES,
        (false, false) => u64::MAX,
    }
}

/// Blinking attributes show now, and the cursor does.
pub(super) fn blink(frames: u64) -> (bool, bool) {
    ((frames / ATTRIBUTE_FRAMES).is_multiple_of(2), (frames / CURSOR_FRAMES).is_multiple_of(2))
}

/// What scan lines are drawn from.
enum Source<'a> {
    Dots(Box<Dots<'a>>),
    Page(text::Page<'a>),
}

/// The picture of the frame that has this number.
pub(super) fn frame(vga: &Vga, vram: &[u8], shown: Shown, frames: u64) -> Frame {
    let blank = !vga.attribute.displays() || vga.sequencer.screen_off();
    if vga.vbe.is_enabled() {
        let (width, height) = vga.vbe.size();
        let mut frame = Frame::black(width, height);
        if !blank {
            draw_dispi(vga, vram, frames, &mut frame);
        }
        return frame;
    }
    if !vga.crtc.runs() {
        return Frame::black(NO_SIGNAL.0, NO_SIGNAL.1);
    }
    let (characters, height) = (vga.crtc.characters(), vga.crtc.lines());
    let graphics = vga.graphics.is_graphics();
    let eight_bit = vga.attribute.eight_bit();
    let cell = match (graphics, eight_bit) {
        (true, true) => 4,
        (true, false) => 8,
        (false, _) => vga.sequencer.dots(),
    };
    let mut frame = Frame::black(characters * cell, height);
    if blank || vga.sequencer.held_in_reset() {
        return frame;
    }
    let planes = &vram[..vram.len().min(PLANES as usize)];
    let colours = Colours::of(vga);
    let addressing = vga.crtc.addressing();
    let width = (characters * cell) as usize;
    // One character more than the screen is wide comes in from the right when the picture is panned.
    let mut line_buffer = vec![0; width + cell as usize];
    let source = if graphics {
        Source::Dots(Box::new(Dots::of(vga, planes, &colours, addressing, frames)))
    } else {
        Source::Page(text::Page::of(vga, planes, &colours, addressing, frames))
    };
    let depends_on_scan = !graphics || addressing.uses_scan_line();
    let mut previous: Option<Line> = None;
    for (y, line) in Lines::of(vga, shown).take(height as usize).enumerate() {
        let at = y * width;
        let same = |p: Line| Line { scan: if depends_on_scan { p.scan } else { line.scan }, ..p } == line;
        if previous.is_some_and(same) {
            frame.pixels.copy_within(at - width..at, at);
            continue;
        }
        previous = Some(line);
        match &source {
            Source::Dots(dots) => dots.draw(line, &mut line_buffer),
            Source::Page(page) => page.draw(line, &mut line_buffer),
        }
        let shift = panning(line.panning, cell, eight_bit && graphics);
        frame.pixels[at..at + width].copy_from_slice(&line_buffer[shift..shift + width]);
    }
    frame
}

/// Pixels that the picture moves to the left. "Horizontal PEL Panning Register".
fn panning(register: Option<u8>, cell: u32, eight_bit: bool) -> usize {
    usize::from(match (register, cell) {
        (None, _) => 0,
        // With nine dots, 8 is no shift at all and 0 is one dot.
        (Some(p), 9) => {
            if p >= 8 {
                0
            } else {
                p + 1
            }
        }
        (Some(p), _) if eight_bit => p >> 1 & 3,
        (Some(p), _) => p & 7,
    })
}

/// A byte's bits as eight bytes of 0 or 1, the highest bit in the lowest byte: the leftmost dot first.
static BITS: [u64; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut bit = 0;
        while bit < 8 {
            table[i] |= ((i >> (7 - bit) & 1) as u64) << (8 * bit);
            bit += 1;
        }
        i += 1;
    }
    table
};

/// A byte's pairs of bits as four bytes of 0 to 3, the highest pair in the lowest byte.
const fn pairs(byte: u8) -> u32 {
    let b = byte as u32;
    b >> 6 & 3 | (b >> 4 & 3) << 8 | (b >> 2 & 3) << 16 | (b & 3) << 24
}

/// Eight dots of four bits each, leftmost in the lowest byte, of the same byte of four planes.
#[inline]
fn dots_of(planes: u32, shift: Shift) -> u64 {
    let p = planes.to_le_bytes();
    match shift {
        Shift::Planes => {
            let bits = p.map(|b| BITS[usize::from(b)]);
            bits[0] | bits[1] << 1 | bits[2] << 2 | bits[3] << 3
        }
        Shift::Interleaved => {
            let [p0, p1, p2, p3] = p.map(|b| u64::from(pairs(b)));
            p0 | p2 << 2 | (p1 | p3 << 2) << 32
        }
        Shift::Nibbles => u64::from_le_bytes(std::array::from_fn(|i| {
            let b = p[i / 2];
            if i % 2 == 0 { b >> 4 } else { b & 0x0f }
        })),
    }
}

#[inline]
fn doubleword(memory: &[u8], at: usize) -> u32 {
    memory.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// A graphics mode of the VGA.
struct Dots<'a> {
    memory: &'a [u8],
    shift: Shift,
    eight_bit: bool,
    addressing: Addressing,
    sixteen: [u32; 16],
    pixels: [u32; 256],
}

impl<'a> Dots<'a> {
    fn of(vga: &Vga, memory: &'a [u8], colours: &Colours, addressing: Addressing, frames: u64) -> Dots<'a> {
        let mut sixteen = colours.sixteen;
        if vga.attribute.blinks() && !blink(frames).0 {
            // Blinking graphics change plane 3 of what the attribute controller takes from the planes; "Attribute Mode
            // Control Register", and the palette of the BIOS's mode 0Fh, whose third colour blinks by it.
            sixteen = std::array::from_fn(|i| {
                let enabled = i as u8 & vga.attribute.plane_enable();
                vga.dac.rgb(vga.attribute.colour_of(enabled ^ 8), vga.vbe.eight_bit_dac())
            });
        }
        let (shift, eight_bit) = (vga.graphics.shift(), vga.attribute.eight_bit());
        Dots { memory, shift, eight_bit, addressing, sixteen, pixels: colours.pixels }
    }

    fn draw(&self, line: Line, out: &mut [u32]) {
        let cell = if self.eight_bit { 4 } else { 8 };
        for (column, out) in (0..).zip(out.chunks_exact_mut(cell)) {
            let counter = self.addressing.counter(line.row, column);
            let four = doubleword(self.memory, position(self.addressing.offset(counter, line.scan).into()) as usize);
            self.put(four, out);
        }
    }

    #[inline]
    fn put(&self, four: u32, out: &mut [u32]) {
        if self.eight_bit && self.shift == Shift::Nibbles {
            for (pixel, byte) in out.iter_mut().zip(four.to_le_bytes()) {
                *pixel = self.pixels[usize::from(byte)];
            }
            return;
        }
        let dots = dots_of(four, self.shift).to_le_bytes();
        if self.eight_bit {
            for (pixel, two) in out.iter_mut().zip(dots.chunks_exact(2)) {
                *pixel = self.pixels[usize::from(two[0] << 4 | two[1])];
            }
        } else {
            for (pixel, dot) in out.iter_mut().zip(dots) {
                *pixel = self.sixteen[usize::from(dot & 0x0f)];
            }
        }
    }
}

/// The modes of DISPI.
fn draw_dispi(vga: &Vga, vram: &[u8], frames: u64, frame: &mut Frame) {
    let (vbe, width) = (&vga.vbe, frame.width as usize);
    let (x, y) = vbe.offset();
    let (line, x) = (vbe.line() as usize, x as usize);
    let colours = Colours::of(vga);
    let table: [u32; 256] = std::array::from_fn(|i| vga.dac.rgb(i as u8, vbe.eight_bit_dac()));
    let dots = Dots::of(vga, vram, &colours, vga.crtc.addressing(), frames);
    let bytes = usize::from(vbe.bpp().div_ceil(8));
    for (n, out) in frame.pixels.chunks_exact_mut(width.max(1)).enumerate() {
        let row = (y as usize + n) * line;
        if vbe.bpp() == 4 {
            draw_planar(&dots, row, x, out);
            continue;
        }
        let start = row + x * bytes;
        let Some(source) = vram.get(start..start + width * bytes) else { continue };
        match vbe.bpp() {
            8 => convert(out, source, |[i]: [u8; 1]| table[usize::from(i)]),
            15 => convert(out, source, |b| {
                let v = u32::from(u16::from_le_bytes(b));
                five(v >> 10) << 16 | five(v >> 5) << 8 | five(v)
            }),
            16 => convert(out, source, |b| {
                let v = u32::from(u16::from_le_bytes(b));
                let green = v >> 5 & 0x3f;
                five(v >> 11) << 16 | (green << 2 | green >> 4) << 8 | five(v)
            }),
            24 => convert(out, source, |[b, g, r]: [u8; 3]| u32::from_be_bytes([0, r, g, b])),
            _ => convert(out, source, |b| u32::from_le_bytes(b) & 0xff_ffff),
        }
    }
}

/// Five bits as eight.
const fn five(v: u32) -> u32 {
    let v = v & 0x1f;
    v << 3 | v >> 2
}

#[inline]
fn convert<const N: usize>(out: &mut [u32], source: &[u8], colour: impl Fn([u8; N]) -> u32) {
    let (pixels, _) = source.as_chunks::<N>();
    for (out, pixel) in out.iter_mut().zip(pixels) {
        *out = colour(*pixel);
    }
}

fn draw_planar(dots: &Dots<'_>, row: usize, x: usize, out: &mut [u32]) {
    let (first, skip) = (row + x / 8, x % 8);
    // Bytes on the line: one more when it does not begin with one.
    for n in 0..=out.len() / 8 {
        let offset = (first + n) as u32;
        let four = doubleword(dots.memory, position(offset) as usize);
        let d = dots_of(four, Shift::Planes).to_le_bytes();
        let eight = d.map(|dot| dots.sixteen[usize::from(dot & 0x0f)]);
        let at = (8 * n).saturating_sub(skip);
        let from = if n == 0 { skip } else { 0 };
        for (out, pixel) in out.iter_mut().skip(at).zip(&eight[from..]) {
            *out = *pixel;
        }
    }
}
