//! Graphics controller: what happens between the processor's byte and the four planes.
//!
//! Document: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Graphics Controller Registers" and
//! "Write Mode 0" to "Write Mode 3".
//!
//! A `u32` holds the same byte of all four planes, plane 0 in bits 7:0, so that every step of the data path is one
//! operation.

use super::registers::Indexed;

const SET_RESET: u8 = 0;
const ENABLE_SET_RESET: u8 = 1;
const COLOUR_COMPARE: u8 = 2;
const DATA_ROTATE: u8 = 3;
const READ_MAP: u8 = 4;
/// Graphics mode.
pub(super) const MODE: u8 = 5;
/// Miscellaneous: memory map, chain, graphics.
pub(super) const MISC: u8 = 6;
const COLOUR_DONT_CARE: u8 = 7;
const BIT_MASK: u8 = 8;

/// How the display shifts the planes out: mode, bits 6:5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    /// A bit of each plane makes a dot.
    Planes,
    /// Two bits at a time, planes 0 and 2 first, then 1 and 3: as the CGA stores them.
    Interleaved,
    /// Four bits at a time, plane after plane.
    Nibbles,
}

/// The graphics controller's registers.
#[derive(Clone, Debug)]
pub(super) struct Graphics(pub Indexed<9>);

impl Graphics {
    pub fn new() -> Self {
        Graphics(Indexed::new(0x0f, [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff]))
    }

    /// Miscellaneous, bit 0.
    pub fn is_graphics(&self) -> bool {
        self.0.get(MISC) & 1 != 0
    }

    /// Miscellaneous, bit 1: odd/even, the lowest address bit comes from above.
    pub fn chains_odd_even(&self) -> bool {
        self.0.get(MISC) & 2 != 0
    }

    /// Miscellaneous, bits 3:2.
    pub fn memory_map(&self) -> u8 {
        self.0.get(MISC) >> 2 & 3
    }

    /// Mode, bit 4: the lowest address bit picks the plane of a read.
    pub fn odd_even(&self) -> bool {
        self.0.get(MODE) & 0x10 != 0
    }

    pub fn read_map(&self) -> u8 {
        self.0.get(READ_MAP)
    }

    pub fn shift(&self) -> Shift {
        match self.0.get(MODE) >> 5 & 3 {
            0 => Shift::Planes,
            1 => Shift::Interleaved,
            _ => Shift::Nibbles,
        }
    }
}

/// A mask of four bits with each spread over the byte of its plane.
pub(super) const fn spread(planes: u8) -> u32 {
    let p = planes as u32;
    ((p & 1) | (p & 2) << 7 | (p & 4) << 14 | (p & 8) << 21) * 0xff
}

const fn all_planes(byte: u8) -> u32 {
    byte as u32 * 0x0101_0101
}

/// The data path, with what can be computed from the registers beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DataPath {
    write_mode: u8,
    rotate: u32,
    function: u8,
    set_reset: u32,
    enable: u32,
    bit_mask: u8,
    read_map: u8,
    compares: bool,
    compare: u32,
    care: u32,
}

impl DataPath {
    /// All registers 0.
    pub const NONE: DataPath = DataPath {
        write_mode: 0,
        rotate: 0,
        function: 0,
        set_reset: 0,
        enable: 0,
        bit_mask: 0,
        read_map: 0,
        compares: false,
        compare: 0,
        care: 0,
    };

    pub fn of(g: &Graphics) -> DataPath {
        let r = |n| g.0.get(n);
        DataPath {
            write_mode: r(MODE) & 3,
            rotate: u32::from(r(DATA_ROTATE) & 7),
            function: r(DATA_ROTATE) >> 3,
            set_reset: spread(r(SET_RESET)),
            enable: spread(r(ENABLE_SET_RESET)),
            bit_mask: r(BIT_MASK),
            read_map: r(READ_MAP),
            compares: r(MODE) & 8 != 0,
            compare: spread(r(COLOUR_COMPARE)),
            care: spread(r(COLOUR_DONT_CARE)),
        }
    }

    /// Bytes pass unchanged in both directions, so that memory may be mapped straight.
    pub fn is_straight(&self) -> bool {
        let DataPath { write_mode, rotate, function, set_reset: _, enable, bit_mask, compares, .. } = *self;
        (write_mode, rotate, function, enable, bit_mask, compares) == (0, 0, 0, 0, 0xff, false)
    }

    /// What the planes get (before the map mask) when the processor writes `byte` over `latch`.
    #[inline]
    pub fn write(&self, byte: u8, latch: u32) -> u32 {
        let rotated = byte.rotate_right(self.rotate);
        let (data, bits) = match self.write_mode {
            0 => (all_planes(rotated) & !self.enable | self.set_reset & self.enable, self.bit_mask),
            1 => return latch,
            2 => (spread(byte & 0x0f), self.bit_mask),
            _ => (self.set_reset, rotated & self.bit_mask),
        };
        let data = match self.function {
            0 => data,
            1 => data & latch,
            2 => data | latch,
            _ => data ^ latch,
        };
        let bits = all_planes(bits);
        data & bits | latch & !bits
    }

    /// What the processor reads of the latched planes; `plane` where the address picks it.
    #[inline]
    pub fn read(&self, latch: u32, plane: Option<u8>) -> u8 {
        if self.compares {
            let differs = (latch ^ self.compare) & self.care;
            let [a, b, c, d] = differs.to_le_bytes();
            return !(a | b | c | d);
        }
        latch.to_le_bytes()[usize::from(plane.unwrap_or(self.read_map) & 3)]
    }

    /// The plane of a read where only the lowest address bit picks it.
    pub fn odd_even_plane(&self, address: u32) -> u8 {
        self.read_map & 2 | (address & 1) as u8
    }
}
