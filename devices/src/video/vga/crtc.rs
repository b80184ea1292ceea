//! CRT controller: the geometry of the picture and the addresses that are displayed.
//!
//! Documents: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "CRT Controller Registers"; FreeVGA,
//! "CRT Controller Registers".
//!
//! *Not modelled:* the horizontal skews, end of blanking, refresh cycles, and what memory gives while "count by two" or
//! "count by four" repeat an address other than that byte again.

use super::registers::Indexed;

const HORIZONTAL_TOTAL: u8 = 0x00;
const HORIZONTAL_DISPLAY_END: u8 = 0x01;
const END_HORIZONTAL_BLANKING: u8 = 0x03;
const VERTICAL_TOTAL: u8 = 0x06;
const OVERFLOW: u8 = 0x07;
/// Preset row scan.
pub(super) const PRESET_ROW_SCAN: u8 = 0x08;
const MAXIMUM_SCAN_LINE: u8 = 0x09;
const CURSOR_START: u8 = 0x0a;
const CURSOR_END: u8 = 0x0b;
const START_HIGH: u8 = 0x0c;
const START_LOW: u8 = 0x0d;
const CURSOR_HIGH: u8 = 0x0e;
const CURSOR_LOW: u8 = 0x0f;
const VERTICAL_RETRACE_START: u8 = 0x10;
/// Vertical retrace end, interrupt control and write protection.
pub(super) const VERTICAL_RETRACE_END: u8 = 0x11;
const VERTICAL_DISPLAY_END: u8 = 0x12;
const OFFSET: u8 = 0x13;
const UNDERLINE: u8 = 0x14;
const MODE_CONTROL: u8 = 0x17;
const LINE_COMPARE: u8 = 0x18;

/// The CRTC's registers.
#[derive(Clone, Debug)]
pub(super) struct Crtc(pub Indexed<25>);

impl Crtc {
    pub fn new() -> Self {
        let mut masks = [0xff; 25];
        for (n, mask) in [(0x08, 0x7f), (0x0a, 0x3f), (0x0b, 0x7f), (0x14, 0x7f), (0x17, 0xef)] {
            masks[n] = mask;
        }
        Crtc(Indexed::new(0x3f, masks))
    }

    fn r(&self, n: u8) -> u8 {
        self.0.get(n)
    }

    /// Writes the selected register. True when it changed.
    pub fn write(&mut self, v: u8) -> bool {
        let n = self.0.index();
        // Vertical retrace end, bit 7: registers 0 to 7 are protected, but for bit 8 of the line compare.
        let protected = n <= OVERFLOW && self.r(VERTICAL_RETRACE_END) & 0x80 != 0;
        let which = match (protected, n) {
            (true, OVERFLOW) => 0x10,
            (true, _) => 0,
            (false, _) => 0xff,
        };
        self.0.set(n, v, which)
    }

    /// Reads the selected register. With "compatible read" clear, 10h and 11h are the light pen's, and there is none.
    pub fn read(&self) -> u8 {
        match self.0.index() {
            VERTICAL_RETRACE_START | VERTICAL_RETRACE_END if self.r(END_HORIZONTAL_BLANKING) & 0x80 == 0 => 0,
            n => self.r(n),
        }
    }

    /// `low` with bits 8 and 9 from the overflow register.
    fn ten_bits(&self, low: u8, bit_8: u8, bit_9: u8) -> u32 {
        let overflow = u32::from(self.r(OVERFLOW));
        u32::from(self.r(low)) | (overflow >> bit_8 & 1) << 8 | (overflow >> bit_9 & 1) << 9
    }

    /// Mode control, bit 2: vertical counts are of two lines.
    fn line_unit(&self) -> u32 {
        1 + u32::from(self.r(MODE_CONTROL) >> 2 & 1)
    }

    /// Characters in a line, with blanking and retrace.
    pub fn total_characters(&self) -> u32 {
        u32::from(self.r(HORIZONTAL_TOTAL)) + 5
    }

    /// Characters displayed.
    pub fn characters(&self) -> u32 {
        (u32::from(self.r(HORIZONTAL_DISPLAY_END)) + 1).min(self.total_characters())
    }

    /// Lines in a frame, with blanking and retrace.
    pub fn total_lines(&self) -> u32 {
        (self.ten_bits(VERTICAL_TOTAL, 0, 5) + 2) * self.line_unit()
    }

    /// Lines displayed.
    pub fn lines(&self) -> u32 {
        ((self.ten_bits(VERTICAL_DISPLAY_END, 1, 6) + 1) * self.line_unit()).min(self.total_lines())
    }

    /// Where vertical retrace begins, and how many lines it lasts: until the low four bits of the line counter are those of
    /// the end register. `None` where the counter never comes to its beginning.
    pub fn vertical_retrace(&self) -> Option<(u32, u32)> {
        let (unit, total) = (self.line_unit(), self.total_lines() / self.line_unit());
        let start = self.ten_bits(VERTICAL_RETRACE_START, 2, 7);
        if start >= total {
            return None;
        }
        let end = u32::from(self.r(VERTICAL_RETRACE_END) & 0x0f);
        let length = match (end.wrapping_sub(start) & 0x0f, end) {
            (0, _) if start + 16 < total => 16,
            (n, _) if n != 0 && start + n < total => n,
            // The counter starts again before.
            (_, end) if end < total => total - start + end,
            _ => total,
        };
        Some((start * unit, length.min(total) * unit))
    }

    /// Line compare: behind this line, the address counter starts from 0.
    pub fn line_compare(&self) -> u32 {
        let bit_9 = u32::from(self.r(MAXIMUM_SCAN_LINE) >> 6 & 1) << 9;
        (u32::from(self.r(LINE_COMPARE)) | u32::from(self.r(OVERFLOW) >> 4 & 1) << 8 | bit_9) * self.line_unit()
    }

    /// The last scan line of a character row.
    pub fn maximum_scan_line(&self) -> u8 {
        self.r(MAXIMUM_SCAN_LINE) & 0x1f
    }

    /// Maximum scan line, bit 7: every scan line twice.
    pub fn doubles(&self) -> bool {
        self.r(MAXIMUM_SCAN_LINE) & 0x80 != 0
    }

    pub fn start(&self) -> u16 {
        u16::from_be_bytes([self.r(START_HIGH), self.r(START_LOW)])
    }

    pub fn preset_row_scan(&self) -> u8 {
        self.r(PRESET_ROW_SCAN)
    }

    /// What a row adds to the address counter.
    pub fn row_step(&self) -> u16 {
        u16::from(self.r(OFFSET)) * 2
    }

    /// Where the cursor is shown, as the address counter, its first and last scan line; `None` when it is off.
    pub fn cursor(&self) -> Option<(u16, u8, u8)> {
        let (start, end) = (self.r(CURSOR_START), self.r(CURSOR_END));
        let at = u16::from_be_bytes([self.r(CURSOR_HIGH), self.r(CURSOR_LOW)]).wrapping_add(u16::from(end >> 5 & 3));
        let (first, last) = (start & 0x1f, end & 0x1f);
        (start & 0x20 == 0 && first <= last).then_some((at, first, last))
    }

    /// The scan line of the underline.
    pub fn underline(&self) -> u8 {
        self.r(UNDERLINE) & 0x1f
    }

    /// Mode control, bit 7: without it there is no retrace, and a monitor has no picture.
    pub fn runs(&self) -> bool {
        self.r(MODE_CONTROL) & 0x80 != 0
    }

    /// Vertical retrace end, bit 4 clear: the interrupt is held clear.
    pub fn interrupt_held_clear(&self) -> bool {
        self.r(VERTICAL_RETRACE_END) & 0x10 == 0
    }

    /// Vertical retrace end, bit 5 clear: the interrupt reaches its pin.
    pub fn interrupt_enabled(&self) -> bool {
        self.r(VERTICAL_RETRACE_END) & 0x20 == 0
    }

    /// How the address counter becomes an address.
    pub fn addressing(&self) -> Addressing {
        let (mode, underline) = (self.r(MODE_CONTROL), self.r(UNDERLINE));
        Addressing {
            unit: match (underline & 0x40 != 0, mode & 0x40 != 0) {
                (true, _) => Unit::Doubleword,
                (false, true) => Unit::Byte,
                (false, false) => Unit::Word { wrap: if mode & 0x20 != 0 { 15 } else { 13 } },
            },
            row_scan_13: mode & 1 == 0,
            row_scan_14: mode & 2 == 0,
            count_shift: if underline & 0x20 != 0 { 2 } else { u32::from(mode >> 3 & 1) },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Byte,
    /// Shifted by one; the lowest bit is this bit of the counter.
    Word {
        wrap: u8,
    },
    Doubleword,
}

/// "CRT Mode Control" and "Underline Location": how a position in a row becomes an offset in the planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Addressing {
    unit: Unit,
    row_scan_13: bool,
    row_scan_14: bool,
    count_shift: u32,
}

impl Addressing {
    /// The address counter at character `column` of a row.
    #[inline]
    pub fn counter(&self, row: u16, column: u32) -> u16 {
        row.wrapping_add((column >> self.count_shift) as u16)
    }

    /// The offset in the planes.
    #[inline]
    pub fn offset(&self, counter: u16, scan_line: u8) -> u16 {
        let mut a = match self.unit {
            Unit::Byte => counter,
            Unit::Word { wrap } => counter << 1 | counter >> wrap & 1,
            // The two bits that leave at the top come in at the bottom.
            Unit::Doubleword => counter.rotate_left(2),
        };
        if self.row_scan_13 {
            a = a & !0x2000 | u16::from(scan_line & 1) << 13;
        }
        if self.row_scan_14 {
            a = a & !0x4000 | u16::from(scan_line >> 1 & 1) << 14;
        }
        a
    }

    /// Whether the scan line is a part of the address.
    pub fn uses_scan_line(&self) -> bool {
        self.row_scan_13 || self.row_scan_14
    }
}
