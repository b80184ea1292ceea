//! A VGA at register level, with the linear modes of the Bochs display, as PCI or ISA card.
//!
//! Documents: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"; FreeVGA; Bochs VBE Display API; PCI Local
//! Bus Specification 2.1. The parts name theirs.
//!
//! The card's memory lies in the machine's backing; `memory.rs` says how. A display looks at it with [`Vga::frame`],
//! [`Vga::text`] and [`Vga::changed`], which change nothing that the guest or a snapshot can see. A frame is drawn from the
//! registers as they are then, with the start address, preset row scan and PEL panning of the frame that the beam is in.
//!
//! *Not modelled:* effects of register writes between the lines of one frame, the overscan border, the light pen, the
//! monitor's sense of the DAC's outputs (the switches say: a colour monitor), feature connector, and what the video status
//! multiplexer shows inside the picture (the overscan colour there too).

mod attribute;
mod crtc;
mod dac;
mod edid;
mod graphics;
mod memory;
mod pci;
mod ports;
mod registers;
mod render;
mod sequencer;
mod state;
mod text;
mod timing;
mod vbe;

use ferrite_core::device::{Cx, Device, Event, Offset, Pin, ResetKind, Width};
use ferrite_core::memory::{Consumer, GuestMemory, Route};
use ferrite_core::time::VTime;

pub use state::VgaV1;

use super::frame::{Frame, TextScreen};
use crate::pci::config::ConfigSpace;
use attribute::Attribute;
use crtc::Crtc;
use dac::Dac;
use graphics::Graphics;
use memory::{Aperture, PLANES, Vram, WINDOW as WINDOW_AT};
use sequencer::Sequencer;
use timing::{Program, Scan, Shown, Timing};
use vbe::Vbe;

/// The VGA's registers, 48 bytes: the board puts them at 3B0h, but for 3BCh to 3BFh, which are a parallel port's.
pub const REGISTERS: Offset = Offset(0);
/// The DISPI registers, 3 bytes: index word at 0, data word at 1, where a bus splits it, or at 2. The board puts them at 1CEh.
pub const DISPI: Offset = Offset(0x40);
/// What BAR2 shows: the card places it itself.
const MMIO: Offset = Offset(0x1000);
/// Display memory as the registers show it, 128 KiB: the board puts it at A0000h, in accesses of any width.
pub const WINDOW: Offset = Offset(0x2_0000);
/// Bytes of [`WINDOW`].
pub const WINDOW_LEN: u64 = WINDOW_AT.end - WINDOW_AT.start;

/// The vertical retrace interrupt, an output: IRQ 2 of the PC, IRQ 9 of the AT.
pub const IRQ: Pin = Pin(0);

const RETRACE: Event = Event(0);

/// What a picture was drawn from; equal keys and clean memory give equal pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    registers: u64,
    shown: Shown,
    /// Frames in steps of the fastest blink that is on the screen.
    blink: u64,
}

/// The card.
pub struct Vga {
    sequencer: Sequencer,
    graphics: Graphics,
    crtc: Crtc,
    attribute: Attribute,
    /// The attribute controller's flip-flop: the next write is data.
    attribute_data: bool,
    dac: Dac,
    vbe: Vbe,
    /// Miscellaneous output.
    misc: u8,
    feature: u8,
    /// Video subsystem enable, bit 0.
    enabled: bool,
    /// The byte of each plane that the processor read last.
    latch: u32,
    scan: Scan,
    config: ConfigSpace,

    // The board's choices.
    vram: Vram,
    rom: Option<Vram>,
    fixed_frame_buffer: Option<u64>,

    // What follows from the registers.
    aperture: Aperture,
    registers_at: Option<u64>,

    // The display's, of no concern to the guest: changes of registers, and what was drawn last.
    changes: u64,
    seen: Option<Key>,
}

impl Vga {
    /// A card whose memory is `vram_len` bytes at `vram_at` of the backing, and its option ROM, if it has one, `len` bytes
    /// at `at`: whole pages. A VGA's own 256 KiB are the least.
    pub fn new(vram_at: u64, vram_len: u64, rom: Option<(u64, u64)>) -> Vga {
        let vram = Vram { at: vram_at, len: vram_len };
        let rom = rom.map(|(at, len)| Vram { at, len });
        let (sequencer, crtc) = (Sequencer::new(), Crtc::new());
        let scan = Scan::new(Timing::of(&crtc, &sequencer, 0));
        let mut vga = Vga {
            sequencer,
            graphics: Graphics::new(),
            crtc,
            attribute: Attribute::new(),
            attribute_data: false,
            dac: Dac::new(),
            vbe: Vbe::new(vram_len),
            misc: 0,
            feature: 0,
            enabled: true,
            latch: 0,
            scan,
            config: pci::config_space(vram, rom),
            vram,
            rom,
            fixed_frame_buffer: None,
            aperture: Aperture::NONE,
            registers_at: None,
            changes: 0,
            seen: None,
        };
        vga.aperture = Aperture::of(&vga);
        vga
    }

    /// An ISA card: the linear frame buffer appears at this address when DISPI asks for it.
    #[must_use]
    pub fn with_fixed_frame_buffer(mut self, base: u64) -> Vga {
        self.fixed_frame_buffer = Some(base);
        self
    }

    fn program(&self) -> Program {
        Program::of(&self.crtc, &self.attribute)
    }

    fn timing(&self) -> Timing {
        if self.vbe.is_enabled() {
            let (width, height) = self.vbe.size();
            Timing::at_60_hz(width, height)
        } else {
            Timing::of(&self.crtc, &self.sequencer, self.misc >> 2)
        }
    }

    /// The beam as it is at `now`.
    fn scan_at(&self, now: VTime) -> Scan {
        let mut scan = self.scan.clone();
        scan.advance(now, self.program());
        scan
    }

    /// Before a register changes that the beam latches.
    fn settle(&mut self, cx: &Cx<'_>) {
        self.scan.advance(cx.now(), self.program());
    }

    /// After a register changed.
    fn update(&mut self, cx: &mut Cx<'_>) {
        self.changes += 1;
        let program = self.program();
        self.scan.advance(cx.now(), program);
        self.scan.set_timing(self.timing(), cx.now(), program);
        self.update_aperture(cx);
        self.update_interrupt(cx);
    }

    fn update_interrupt(&mut self, cx: &mut Cx<'_>) {
        let open = self.crtc.interrupt_enabled() && !self.crtc.interrupt_held_clear();
        cx.set(IRQ, open && self.scan.interrupt());
        match self.scan.next_retrace(cx.now()).filter(|_| open && !self.scan.interrupt() && cx.connected(IRQ)) {
            Some(time) => cx.at(time, RETRACE),
            None => cx.cancel(RETRACE),
        }
    }

    /// After a register changed that memory accesses go by.
    fn update_aperture(&mut self, cx: &mut Cx<'_>) {
        let before = self.aperture.straight();
        self.aperture = Aperture::of(self);
        if self.aperture.straight() != before {
            self.place_bank(cx);
        }
    }

    /// Maps display memory straight into the window at A0000, where that is possible.
    fn place_bank(&self, cx: &mut Cx<'_>) {
        match self.aperture.straight() {
            Some((range, position)) => {
                let route = Route::Backing(self.vram.at + position);
                cx.place_window(pci::WINDOW_BANK, range, route, route);
            }
            None => cx.remove_window(pci::WINDOW_BANK),
        }
    }

    // ---- the display's side ----

    /// The picture that the beam draws at `now`.
    pub fn frame(&mut self, mem: &GuestMemory, now: VTime) -> Frame {
        let scan = self.scan_at(now);
        render::frame(self, self.vram.bytes(mem), scan.shown(), scan.frames(now))
    }

    /// The characters on the screen, in text modes.
    pub fn text(&self, mem: &GuestMemory, now: VTime) -> Option<TextScreen> {
        text::screen(self, self.vram.bytes(mem), self.scan_at(now).shown())
    }

    /// Whether [`Self::frame`] has something else to show than when this was asked last.
    pub fn changed(&mut self, mem: &mut GuestMemory, now: VTime) -> bool {
        let scan = self.scan_at(now);
        let blink = scan.frames(now) / render::blink_frames(self);
        let key = Key { registers: self.changes, shown: scan.shown(), blink };
        let redraw = self.seen.replace(key) != Some(key);
        let len = if self.vbe.is_enabled() { self.vram.len } else { PLANES.min(self.vram.len) };
        let written = !mem.take_dirty_in(self.vram.at..self.vram.at + len, Consumer::Display).is_empty();
        redraw || written
    }
}

impl Device for Vga {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width) -> u64 {
        if let Some((_, register)) = at.config() {
            return self.config.read(register, width);
        }
        match at.0 {
            0..0x30 => bytes(at.0, 0x30, width, |n| self.read_register(cx, n as u8)),
            0x40..0x43 => self.read_dispi(at.0 - DISPI.0, width),
            0x1000..0x2000 => bytes(at.0 - MMIO.0, 0x1000, width, |n| self.read_mmio(cx, n)),
            0x2_0000..0x4_0000 => self.read_memory(cx.dma(), at.0 - WINDOW.0, width),
            _ => u64::MAX,
        }
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width, val: u64) {
        if let Some((_, register)) = at.config() {
            return self.write_config(cx, register, width, val);
        }
        let each = |at: u32| (at..at + width.bytes()).zip(val.to_le_bytes());
        match at.0 {
            0..0x30 => each(at.0).take_while(|(n, _)| *n < 0x30).for_each(|(n, v)| self.write_register(cx, n as u8, v)),
            0x40..0x43 => self.write_dispi_port(cx, at.0 - DISPI.0, width, val as u16),
            0x1000..0x2000 => each(at.0 - MMIO.0).for_each(|(n, v)| self.write_mmio(cx, n, v)),
            0x2_0000..0x4_0000 => self.write_memory(cx.dma(), at.0 - WINDOW.0, width, val),
            _ => {}
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, _: Event) {
        self.settle(cx);
        self.update_interrupt(cx);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.sequencer.0.reset();
        self.graphics.0.reset();
        self.crtc.0.reset();
        self.attribute.0.reset();
        self.attribute_data = false;
        self.dac = Dac::new();
        self.vbe.reset();
        (self.misc, self.feature, self.enabled, self.latch) = (0, 0, true, 0);
        self.config.reset();
        self.scan.reset(self.timing(), cx.now());
        self.changes += 1;
        self.restored(cx);
        self.update_interrupt(cx);
    }

    fn restored(&mut self, cx: &mut Cx<'_>) {
        self.aperture = Aperture::of(self);
        self.registers_at = None;
        self.seen = None;
        cx.map(ferrite_core::bus::Space::Memory, MMIO, None, 0, Width::B4);
        self.place_bank(cx);
        self.place_bars(cx);
    }
}

/// An access as bytes, from the lowest address; those past `end` float.
fn bytes(at: u32, end: u32, width: Width, mut read: impl FnMut(u32) -> u8) -> u64 {
    (0..width.bytes()).fold(u64::MAX, |value, i| {
        if at + i >= end {
            return value;
        }
        value & !(0xff << (8 * i)) | u64::from(read(at + i)) << (8 * i)
    })
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
