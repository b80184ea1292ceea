//! Display memory: how an address of the processor becomes a position in it.
//!
//! Documents: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Video Memory Organization"; FreeVGA,
//! "Accessing the VGA Display Memory".
//!
//! A byte of plane `p` at offset `o` is stored at `(o >> 16) * 256 KiB + ((o & 3) << 16) + (o & fffch) + p`: the four planes
//! of an offset make one doubleword, and what chain 4 addresses (plane `a & 3` at offset `a & !3`, with address bits 17:16
//! as the lowest of the offset) lies at position `a`. So memory in mode 13h, and in every linear mode, can be mapped straight
//! into the address space; the rest comes here.
//!
//! *Not modelled:* memory mode bit 1 (a card with 64 KiB) and the page select of the miscellaneous output register are only
//! stored; reading through a straight mapping does not load the latches.

use std::ops::Range;

use ferrite_core::device::Width;
use ferrite_core::memory::GuestMemory;

use super::Vga;
use super::graphics::{DataPath, spread};

/// Where the window of display memory begins, and its length.
pub(super) const WINDOW: Range<u64> = 0xa_0000..0xc_0000;
/// The planes of a VGA: 4 of 64 KiB.
pub(super) const PLANES: u64 = 0x4_0000;
const BANK: u64 = 0x1_0000;

/// The position of plane 0 at this offset; the other planes follow.
#[inline]
pub(super) fn position(offset: u32) -> u64 {
    u64::from(offset >> 16) << 18 | u64::from(offset & 3) << 16 | u64::from(offset & 0xfffc)
}

/// The card's memory within the backing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vram {
    pub at: u64,
    pub len: u64,
}

impl Vram {
    /// The bytes, as far as the backing has them.
    pub fn bytes<'a>(&self, memory: &'a GuestMemory) -> &'a [u8] {
        let whole = memory.backing();
        let start = (self.at as usize).min(whole.len());
        &whole[start..start.saturating_add(self.len as usize).min(whole.len())]
    }

    #[inline]
    fn has(&self, memory: &GuestMemory, at: u64, len: u64) -> bool {
        at + len <= self.len && self.at + at + len <= memory.backing_size()
    }

    #[inline]
    fn load(&self, memory: &GuestMemory, at: u64) -> u32 {
        if self.has(memory, at, 4) { u32::from_le_bytes(memory.load(self.at + at)) } else { u32::MAX }
    }

    #[inline]
    fn store<const N: usize>(&self, memory: &mut GuestMemory, at: u64, bytes: [u8; N]) {
        if self.has(memory, at, N as u64) {
            let at = self.at + at;
            memory.store(at, bytes);
            // A whole plane's fill writes each page a thousand times: one note does.
            if !memory.writes_unwatched(at & !0xfff) || at >> 12 != (at + N as u64 - 1) >> 12 {
                memory.note_write(at, N as u64);
            }
        }
    }

    /// Zeroes the first `len` bytes.
    pub fn clear(&self, memory: &mut GuestMemory, len: u64) {
        let len = len.min(self.len).min(memory.backing_size().saturating_sub(self.at));
        if len != 0 {
            let start = self.at as usize;
            memory.backing_mut()[start..start + len as usize].fill(0);
            memory.note_write(self.at, len);
        }
    }
}

/// The window at A0000, as the registers make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Aperture {
    /// The processor may access memory at all.
    enabled: bool,
    /// Graphics controller, miscellaneous, bits 3:2.
    map: u8,
    /// A linear mode: 64 KiB from this position on are there.
    linear: Option<u64>,
    /// What a bank adds to an offset in the planes, in planar modes beyond 64 KiB a plane.
    planar_bank: Option<u32>,
    chain_4: bool,
    odd_even_write: bool,
    odd_even_read: bool,
    chains_odd_even: bool,
    map_mask: u32,
    path: DataPath,
}

/// An address of the processor as offset and plane.
struct Place {
    at: u64,
    plane: Option<u8>,
    writable: u32,
}

impl Aperture {
    /// Nothing there.
    pub const NONE: Aperture = Aperture {
        enabled: false,
        map: 0,
        linear: None,
        planar_bank: None,
        chain_4: false,
        odd_even_write: false,
        odd_even_read: false,
        chains_odd_even: false,
        map_mask: 0,
        path: DataPath::NONE,
    };

    pub fn of(vga: &Vga) -> Aperture {
        let (vbe, bank) = (&vga.vbe, u64::from(vga.vbe.bank()) * BANK);
        Aperture {
            enabled: vga.enabled && vga.misc & 2 != 0,
            map: vga.graphics.memory_map(),
            linear: vbe.is_linear().then_some(bank),
            planar_bank: vbe.is_planar().then_some(bank as u32),
            chain_4: vga.sequencer.chain_4(),
            odd_even_write: vga.sequencer.odd_even(),
            odd_even_read: vga.graphics.odd_even(),
            chains_odd_even: vga.graphics.chains_odd_even(),
            map_mask: spread(vga.sequencer.map_mask()),
            path: DataPath::of(&vga.graphics),
        }
    }

    /// The part of the address space that memory can be mapped to straight, and the position that is there.
    pub fn straight(&self) -> Option<(Range<u64>, u64)> {
        if !self.enabled {
            return None;
        }
        if let Some(bank) = self.linear {
            return Some((WINDOW.start..WINDOW.start + BANK, bank));
        }
        let straight =
            self.chain_4 && self.planar_bank.is_none() && self.map_mask == u32::MAX && self.path.is_straight();
        let (start, len) = self.mapped();
        straight.then_some((WINDOW.start + u64::from(start)..WINDOW.start + u64::from(start + len), 0))
    }

    /// Where memory begins in the window, and how much of it there is. "Miscellaneous Register", memory map.
    fn mapped(&self) -> (u32, u32) {
        match self.map {
            0 => (0, 0x2_0000),
            1 => (0, 0x1_0000),
            2 => (0x1_0000, 0x8000),
            _ => (0x1_8000, 0x8000),
        }
    }

    /// Position of the byte at `at` of the window in a linear mode.
    fn linear(&self, at: u32) -> Option<Option<u64>> {
        let bank = self.linear?;
        Some((u64::from(at) < BANK).then_some(bank + u64::from(at)))
    }

    fn place(&self, at: u32, write: bool) -> Option<Place> {
        let (start, len) = self.mapped();
        let a = at.checked_sub(start).filter(|a| *a < len)?;
        let bank = self.planar_bank.unwrap_or(0);
        let limit = if self.planar_bank.is_some() { u32::MAX } else { 0xffff };
        let (offset, plane, writable) = if self.chain_4 {
            let plane = (a & 3) as u8;
            (a & 0xfffc | a >> 16 & 3, Some(plane), 0xff << (8 * plane))
        } else {
            // The lowest address bit picks the plane; where the odd and even planes are chained, bit 16 stands in for it.
            let odd_even = if write { self.odd_even_write } else { self.odd_even_read };
            let offset = if odd_even && self.chains_odd_even { a & 0xfffe | a >> 16 & 1 } else { a };
            let plane = (odd_even && !write).then(|| self.path.odd_even_plane(a));
            (offset, plane, if odd_even { 0x00ff_00ff << (8 * (a & 1)) } else { u32::MAX })
        };
        Some(Place { at: position(offset.wrapping_add(bank) & limit), plane, writable })
    }
}

impl Vga {
    /// The processor reads display memory at `at` of the window.
    pub(super) fn read_memory(&mut self, memory: &GuestMemory, at: u32, width: Width) -> u64 {
        let mut value = u64::MAX;
        for i in 0..width.bytes() {
            let byte = self.read_memory_byte(memory, at.wrapping_add(i));
            value = value & !(0xff << (8 * i)) | u64::from(byte) << (8 * i);
        }
        value
    }

    fn read_memory_byte(&mut self, memory: &GuestMemory, at: u32) -> u8 {
        if !self.aperture.enabled {
            return u8::MAX;
        }
        if let Some(linear) = self.aperture.linear(at) {
            return linear.map_or(u8::MAX, |p| self.vram.load(memory, p & !3).to_le_bytes()[(p & 3) as usize]);
        }
        let Some(place) = self.aperture.place(at, false) else { return u8::MAX };
        self.latch = self.vram.load(memory, place.at);
        self.aperture.path.read(self.latch, place.plane)
    }

    /// The processor writes display memory at `at` of the window.
    pub(super) fn write_memory(&mut self, memory: &mut GuestMemory, at: u32, width: Width, value: u64) {
        if !self.aperture.enabled {
            return;
        }
        for i in 0..width.bytes() {
            self.write_memory_byte(memory, at.wrapping_add(i), (value >> (8 * i)) as u8);
        }
    }

    #[inline]
    fn write_memory_byte(&mut self, memory: &mut GuestMemory, at: u32, byte: u8) {
        if let Some(linear) = self.aperture.linear(at) {
            if let Some(p) = linear {
                self.vram.store(memory, p, [byte]);
            }
            return;
        }
        let Some(place) = self.aperture.place(at, true) else { return };
        let new = self.aperture.path.write(byte, self.latch);
        let mask = place.writable & self.aperture.map_mask;
        let old = if mask == u32::MAX { 0 } else { self.vram.load(memory, place.at) };
        self.vram.store(memory, place.at, (old & !mask | new & mask).to_le_bytes());
    }
}
