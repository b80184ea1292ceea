//! The card's side of PCI: configuration space, the frame buffer (BAR0), registers in memory (BAR2), the option ROM.
//!
//! Documents: PCI Local Bus Specification 2.1, "Base Addresses", "Expansion ROM Base Address Register"; QEMU, "QEMU
//! Standard VGA" (BAR2: EDID at 0, the VGA's registers at 400h, DISPI at 500h).
//!
//! The VGA's own ports and its window at A0000 are the board's to decode: they answer whatever the command register says.

use ferrite_core::bus::Space;
use ferrite_core::device::{Cx, Offset, Width};
use ferrite_core::memory::Route;

use super::edid::edid;
use super::memory::Vram;
use super::{MMIO, Vga};
use crate::pci::config::{ConfigSpace, header};

const BAR0: u8 = 0x10;
const BAR2: u8 = 0x18;
const ROM_BAR: u8 = 0x30;
/// Command: the function answers in memory space.
const MEMORY_SPACE: u8 = 2;
const MMIO_LEN: u64 = 0x1000;

/// Windows of the card's memory, lowest first where they overlap.
pub(super) const WINDOW_BANK: u8 = 0;
const WINDOW_FRAME_BUFFER: u8 = 1;
const WINDOW_ROM: u8 = 2;

/// Configuration space of the card: frame buffer and ROM have whole powers of two.
pub(super) fn config_space(vram: Vram, rom: Option<Vram>) -> ConfigSpace {
    let mut config = ConfigSpace::new(0x1234, 0x1111, 0x0300_0002);
    config.writable(header::COMMAND, &[0x03]);
    config.writable(header::INTERRUPT_LINE, &[0xff]);
    let size_mask = |len: u64, fixed: u32| (!(len.next_power_of_two().max(0x1000) as u32 - 1) & !fixed).to_le_bytes();
    config.preset(BAR0, &[0x08]); // prefetchable
    config.writable(BAR0, &size_mask(vram.len, 0xf));
    config.writable(BAR2, &size_mask(MMIO_LEN, 0xf));
    if let Some(rom) = rom {
        let [low, rest @ ..] = size_mask(rom.len, 0x7ff);
        config.writable(ROM_BAR, &[low | 1]);
        config.writable(ROM_BAR + 1, &rest);
    }
    config
}

impl Vga {
    pub(super) fn write_config(&mut self, cx: &mut Cx<'_>, register: u8, width: Width, val: u64) {
        self.config.write(register, width, val);
        self.place_bars(cx);
    }

    /// Puts the card where configuration space says.
    pub(super) fn place_bars(&mut self, cx: &mut Cx<'_>) {
        let decodes = self.config.byte(header::COMMAND) & MEMORY_SPACE != 0;
        let bar = |at: u8, mask: u32| {
            let base = u64::from(self.config.dword(at) & mask);
            (decodes && base != 0).then_some(base)
        };
        let frame_buffer =
            bar(BAR0, !0xf).or_else(|| self.fixed_frame_buffer.filter(|_| self.vbe.frame_buffer_enabled()));
        let registers = bar(BAR2, !0xf);
        // By its own enable bit alone: Bochs' firmware copies the ROM before it enables memory space, which the specification
        // makes the second condition.
        let rom = u64::from(self.config.dword(ROM_BAR) & !0x7ff);
        let rom = (rom != 0 && self.config.byte(ROM_BAR) & 1 != 0).then_some(rom);

        match frame_buffer {
            Some(base) => {
                let route = Route::Backing(self.vram.at);
                cx.place_window(WINDOW_FRAME_BUFFER, base..base + self.vram.len, route, route);
            }
            None => cx.remove_window(WINDOW_FRAME_BUFFER),
        }
        match rom.zip(self.rom) {
            Some((base, rom)) => {
                cx.place_window(WINDOW_ROM, base..base + rom.len, Route::Backing(rom.at), Route::Nowhere);
            }
            None => cx.remove_window(WINDOW_ROM),
        }
        if self.registers_at != registers {
            self.registers_at = registers;
            cx.map(Space::Memory, MMIO, registers, MMIO_LEN, Width::B4);
        }
    }

    /// A byte of BAR2.
    pub(super) fn read_mmio(&mut self, cx: &mut Cx<'_>, at: u32) -> u8 {
        match at {
            0x400..0x420 => self.read_register(cx, (at - 0x400 + 0x10) as u8),
            0..0x80 => edid()[at as usize],
            0x500..0x516 => {
                let v = self.vbe.read(((at - 0x500) / 2) as u16);
                v.to_le_bytes()[(at & 1) as usize]
            }
            _ => u8::MAX,
        }
    }

    /// A byte written to BAR2. A DISPI register takes its word with the upper byte.
    pub(super) fn write_mmio(&mut self, cx: &mut Cx<'_>, at: u32, byte: u8) {
        match at {
            0x400..0x420 => self.write_register(cx, (at - 0x400 + 0x10) as u8, byte),
            0x500..0x516 if at & 1 == 0 => self.vbe.set_low(byte),
            0x500..0x516 => {
                let word = u16::from_le_bytes([self.vbe.low(), byte]);
                self.write_dispi(cx, ((at - 0x500) / 2) as u16, word);
            }
            _ => cx.unimplemented("VGA: write to registers in memory", Offset(at)),
        }
    }
}
