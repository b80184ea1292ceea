//! The PC/AT: addresses and wiring, nothing else.
//!
//! Documents: the data sheets of the chips; PC/AT Technical Reference, "System Memory Map", "I/O Address Map", "System
//! Interrupts".
//!
//! Physical memory: RAM below 640 KiB and from 1 MiB up; the firmware's image ends at the top of the address space, and its
//! last 128 KiB also at 1 MiB. Nothing steers what lies between 640 KiB and 1 MiB: cards and the firmware's ROM are there, and no
//! RAM. There is no PCI, no power management and no system management mode.
//!
//! *Not modelled:* shadow RAM. The boards that had it switch it by registers of their own chip sets, each its own way; the AT
//! has ROM there. So firmware that writes to its own image and knows only the i440FX's way to make it RAM, as SeaBIOS, does not run.

use ferrite_core::device::ResetKind;
use ferrite_core::memory::Route;
use ferrite_core::system::System;

use super::at;
use super::config::PcConfig;

/// Where the display's linear frame buffer appears when it is asked for: the address of Bochs' ISA display, which drivers know.
const FRAME_BUFFER: u64 = 0xe000_0000;

pub(super) fn build(config: PcConfig) -> System {
    let (mut mem, layout) = at::memory(&config);
    for rom in layout.low_bios.iter().chain(&layout.low_vgabios) {
        mem.map(rom.range.clone(), Route::Backing(rom.at), Route::Nowhere);
    }
    let mut sys = System::new(mem);
    let irqs = at::interrupt_controllers(&mut sys, false);
    at::timers(&mut sys, &irqs, &config);
    let dma = at::dma(&mut sys);
    if config.vga {
        at::vga(&mut sys, &irqs, &layout, Some(FRAME_BUFFER));
    }
    at::keyboard(&mut sys, &irqs);
    at::serial(&mut sys, &irqs, config.serial, config.serial_speedup);
    at::ide(&mut sys, &irqs, config.ide);
    at::floppies(&mut sys, &irqs, dma, config.floppies);
    at::parallel(&mut sys, &irqs, config.parallel);
    at::coprocessor(&mut sys, &irqs);
    at::debug(&mut sys, config.debugcon, config.firmware_log, config.debug_exit);
    sys.reset(ResetKind::PowerOn);
    sys
}
