//! What every PC has since the AT: memory map, interrupt controllers, timer, clock, keyboard, serial ports.
//!
//! Document: PC/AT Technical Reference, "System Memory Map", "I/O Address Map", "System Interrupts".

use ferrite_core::bus::Space;
use ferrite_core::device::{DeviceId, Offset, Pin, Width};
use ferrite_core::memory::{GuestMemory, Route};
use ferrite_core::system::System;
use ferrite_core::wires::CpuPin;

use super::cmos;
use super::config::PcConfig;
use crate::boot::{FOUR_GIB, ONE_MIB, Ram};
use crate::dma::i8237::{self, Dma};
use crate::host::{CharPort, FloppyDrive, IdeDrive};
use crate::input::i8042::{self, I8042};
use crate::irq::coprocessor::{self, CoprocessorError};
use crate::irq::i8259::{self, Pic, ir};
use crate::misc::debug_exit::DebugExit;
use crate::misc::debugcon::Debugcon;
use crate::misc::port61::{self, Port61};
use crate::misc::port92::{self, Port92};
use crate::parallel::lpt::{self, Lpt};
use crate::pci::i440fx::Rom;
use crate::serial::uart16550::{self, Uart};
use crate::storage::channel;
use crate::storage::i82077::{self, I82077};
use crate::storage::isa_ide::{self, IsaIde};
use crate::timer::i8254::{self, Pit};
use crate::timer::mc146818::{self, DateTime, Rtc};
use crate::video::vga::{self, Vga};

/// The part of the firmware that also appears below 1 MiB.
const LOW_BIOS: u64 = 0x2_0000;
/// Where a processor with 24 address lines ends.
const SIXTEEN_MIB: u64 = 16 << 20;

/// Ports and interrupts of COM1 to COM4.
const COM: [(u64, u8); 4] = [(0x3f8, 4), (0x2f8, 3), (0x3e8, 4), (0x2e8, 3)];
/// Command block, control block and interrupt of the IDE channels.
pub(super) const IDE: [(u64, u64, u8); 2] = [(0x1f0, 0x3f6, 14), (0x170, 0x376, 15)];

pub(super) fn ports(sys: &mut System, base: u64, len: u64, device: DeviceId, offset: u32, width: Width) {
    sys.bus_mut().map(Space::Port, base, len, device, Offset(offset), width);
}

/// Where the option ROM of the display adapter appears on a board without PCI.
const VGA_ROM: u64 = 0xc_0000;
/// The display adapter's memory: as much as a mode of 2560x1600x32 needs, and a power of two.
const VRAM: u64 = 16 << 20;

/// Where things lie in the memory's backing, behind RAM.
pub(super) struct Layout {
    /// The end of the firmware as it appears below 1 MiB.
    pub low_bios: Option<Rom>,
    /// The option ROM as it appears below 1 MiB where no PCI bus places it.
    pub low_vgabios: Option<Rom>,
    /// Position and length of the whole option ROM: a power of two, as a base address register decodes.
    vgabios: Option<(u64, u64)>,
    /// Position of the display adapter's memory.
    vram: u64,
}

/// RAM below 640 KiB, from 1 MiB on and from 4 GiB on; the firmware's image ends at 4 GiB (at 16 MiB for a processor with 24
/// address lines). What lies between 640 KiB and 1 MiB is the board's.
pub(super) fn memory(config: &PcConfig) -> (GuestMemory, Layout) {
    let Ram { low, high } = config.ram;
    let image = config.bios.as_deref().unwrap_or_default();
    let len = image.len() as u64;
    let vga_image = config.vgabios.as_deref().filter(|_| config.vga).unwrap_or_default();
    let vga_len = if vga_image.is_empty() { 0 } else { vga_image.len().next_power_of_two().max(0x1000) as u64 };
    let vram_len = if config.vga { VRAM } else { 0 };
    let mut mem = GuestMemory::new(low + high, len + vga_len + vram_len);
    mem.map(0..0xa_0000, Route::Backing(0), Route::Backing(0));
    mem.map(ONE_MIB..low, Route::Backing(ONE_MIB), Route::Backing(ONE_MIB));
    mem.map(FOUR_GIB..FOUR_GIB + high, Route::Backing(low), Route::Backing(low));
    let mut low_bios = None;
    if len != 0 {
        let at = mem.ram_size();
        mem.load_image(at, image);
        mem.map(FOUR_GIB - len..FOUR_GIB, Route::Backing(at), Route::Nowhere);
        let shown = len.min(LOW_BIOS);
        if config.address_lines < 32 {
            mem.map(SIXTEEN_MIB - shown..SIXTEEN_MIB, Route::Backing(at + len - shown), Route::Nowhere);
        }
        low_bios = Some(Rom { range: ONE_MIB - shown..ONE_MIB, at: at + len - shown });
    }
    let (vga_at, vram) = (mem.ram_size() + len, mem.ram_size() + len + vga_len);
    mem.load_image(vga_at, vga_image);
    let vgabios = (vga_len != 0).then_some((vga_at, vga_len));
    let low_vgabios = vgabios.map(|(at, len)| Rom { range: VGA_ROM..VGA_ROM + len, at });
    (mem, Layout { low_bios, low_vgabios, vgabios, vram })
}

/// The interrupt inputs of the board.
pub(super) struct Irqs {
    master: DeviceId,
    slave: DeviceId,
}

impl Irqs {
    pub(super) fn connect(&self, sys: &mut System, from: (DeviceId, Pin), irq: u8) {
        let to = if irq < 8 { (self.master, ir(irq)) } else { (self.slave, ir(irq - 8)) };
        sys.connect(from, to);
    }
}

/// The 8259s; `elcr`: with the PIIX3's edge/level control registers.
pub(super) fn interrupt_controllers(sys: &mut System, elcr: bool) -> Irqs {
    // ELCR: IRQ 0, 1, 2, 8 and 13 are always edges.
    let master = sys.add("pic0", Pic::master(0xf8));
    let slave = sys.add("pic1", Pic::slave(0xde));
    for (id, base, at) in [(master, 0x20, 0x4d0), (slave, 0xa0, 0x4d1)] {
        ports(sys, base, 2, id, i8259::COMMAND.0, Width::B1);
        if elcr {
            ports(sys, at, 1, id, i8259::ELCR.0, Width::B1);
        }
    }
    sys.connect((slave, i8259::INT), (master, ir(2)));
    sys.connect_cpu((master, i8259::INT), CpuPin::Intr);
    sys.set_interrupt_controllers(&[master, slave]);
    Irqs { master, slave }
}

/// 8254, port 61h and the clock with its CMOS RAM.
pub(super) fn timers(sys: &mut System, irqs: &Irqs, config: &PcConfig) {
    let pit = sys.add("pit", Pit::new());
    ports(sys, 0x40, 4, pit, 0, Width::B1);
    irqs.connect(sys, (pit, i8254::out(0)), 0);
    let port61 = sys.add("port61", Port61::default());
    ports(sys, 0x61, 1, port61, 0, Width::B1);
    sys.connect((port61, port61::GATE2), (pit, i8254::gate(2)));
    sys.connect((pit, i8254::out(2)), (port61, port61::OUT2));

    let mut rtc = Rtc::new(DateTime::from_unix(config.start_time));
    for (at, value) in cmos::contents(config) {
        rtc.set_cmos(at, value);
    }
    rtc.seal_cmos();
    let rtc = sys.add("rtc", rtc);
    ports(sys, 0x70, 2, rtc, mc146818::ADDRESS.0, Width::B1);
    irqs.connect(sys, (rtc, mc146818::IRQ), 8);
}

/// The 8237s and their page registers.
pub(super) fn dma(sys: &mut System) -> DeviceId {
    let dma = sys.add("dma", Dma::new());
    ports(sys, 0x00, 0x10, dma, i8237::CONTROLLER_1.0, Width::B1);
    ports(sys, 0xc0, 0x20, dma, i8237::CONTROLLER_2.0, Width::B1);
    ports(sys, 0x80, 0x10, dma, i8237::PAGES.0, Width::B1);
    dma
}

/// The display adapter: ports, and its window at A0000h. Gives the device, for the board's bus.
pub(super) fn vga(sys: &mut System, irqs: &Irqs, layout: &Layout, frame_buffer: Option<u64>) -> DeviceId {
    let mut vga = Vga::new(layout.vram, VRAM, layout.vgabios);
    if let Some(base) = frame_buffer {
        vga = vga.with_fixed_frame_buffer(base);
    }
    let id = sys.add("vga", vga);
    // 3BCh to 3BFh, between the two, are a parallel port's.
    ports(sys, 0x3b0, 0x0c, id, vga::REGISTERS.0, Width::B1);
    ports(sys, 0x3c0, 0x20, id, vga::REGISTERS.0 + 0x10, Width::B1);
    ports(sys, 0x1ce, 3, id, vga::DISPI.0, Width::B2);
    sys.bus_mut().map(Space::Memory, 0xa_0000, vga::WINDOW_LEN, id, vga::WINDOW, Width::B8);
    irqs.connect(sys, (id, vga::IRQ), 9);
    id
}

/// 8042 and port 92h.
pub(super) fn keyboard(sys: &mut System, irqs: &Irqs) {
    let kbc = sys.add("kbc", I8042::new());
    ports(sys, 0x60, 1, kbc, i8042::DATA.0, Width::B1);
    ports(sys, 0x64, 1, kbc, i8042::COMMAND.0, Width::B1);
    irqs.connect(sys, (kbc, i8042::IRQ_KEYBOARD), 1);
    irqs.connect(sys, (kbc, i8042::IRQ_MOUSE), 12);
    sys.connect_cpu((kbc, i8042::A20), CpuPin::A20);
    sys.connect_cpu((kbc, i8042::INIT), CpuPin::Init);
    let port92 = sys.add("port92", Port92::default());
    ports(sys, 0x92, 1, port92, 0, Width::B1);
    sys.connect_cpu((port92, port92::A20), CpuPin::A20);
    sys.connect_cpu((port92, port92::INIT), CpuPin::Init);
}

/// COM1 to COM4.
pub(super) fn serial(sys: &mut System, irqs: &Irqs, hosts: [Option<Box<dyn CharPort>>; 4], speedup: u32) {
    for (n, host) in (0u8..).zip(hosts) {
        if let Some(host) = host {
            let id = sys.add(&format!("com{}", n + 1), Uart::new(host).with_speedup(speedup));
            let (base, irq) = COM[usize::from(n)];
            ports(sys, base, 8, id, 0, Width::B1);
            irqs.connect(sys, (id, uart16550::IRQ), irq);
        }
    }
}

/// Lets the registers of an IDE channel, from `registers` on, appear where the AT has them.
pub(super) fn ide_channel(
    sys: &mut System,
    irqs: &Irqs,
    wiring: (u64, u64, u8),
    irq: (DeviceId, Pin),
    registers: Offset,
) {
    let (command, control, line) = wiring;
    let at = |register: Offset| registers.0 + register.0;
    ports(sys, command, 1, irq.0, at(channel::DATA), Width::B4);
    ports(sys, command + 1, 7, irq.0, at(channel::ERROR), Width::B1);
    ports(sys, control, 1, irq.0, at(channel::CONTROL), Width::B1);
    irqs.connect(sys, irq, line);
}

/// Two IDE channels as cards.
pub(super) fn ide(sys: &mut System, irqs: &Irqs, drives: [Option<IdeDrive>; 4]) {
    let [hda, hdb, hdc, hdd] = drives;
    for (n, drives) in [[hda, hdb], [hdc, hdd]].into_iter().enumerate() {
        let id = sys.add(&format!("ide{n}"), IsaIde::new(drives));
        ide_channel(sys, irqs, IDE[n], (id, isa_ide::INTRQ), Offset(0));
    }
}

/// The floppy controller. 3F6h, among its ports, is the IDE channel's.
pub(super) fn floppies(sys: &mut System, irqs: &Irqs, dma: DeviceId, drives: [Option<FloppyDrive>; 2]) {
    const CHANNEL: u8 = 2;
    let fdc = sys.add("fdc", I82077::new(drives));
    ports(sys, 0x3f2, 4, fdc, i82077::DOR.0, Width::B1);
    ports(sys, 0x3f7, 1, fdc, i82077::DIR.0, Width::B1);
    irqs.connect(sys, (fdc, i82077::INT), 6);
    sys.connect((fdc, i82077::DRQ), (dma, i8237::dreq(CHANNEL)));
    sys.connect_dma(dma, CHANNEL, fdc);
}

/// The printer port, LPT1.
pub(super) fn parallel(sys: &mut System, irqs: &Irqs, printer: Option<Box<dyn CharPort>>) {
    let id = sys.add("lpt1", Lpt::new(printer));
    ports(sys, 0x378, 3, id, 0, Width::B1);
    irqs.connect(sys, (id, lpt::IRQ), 7);
}

/// Coprocessor errors: FERR# to IRQ 13, ports F0h and F1h.
pub(super) fn coprocessor(sys: &mut System, irqs: &Irqs) {
    let id = sys.add("coprocessor", CoprocessorError::default());
    ports(sys, 0xf0, 2, id, 0, Width::B1);
    irqs.connect(sys, (id, coprocessor::IRQ13), 13);
    sys.connect_cpu((id, coprocessor::IGNNE), CpuPin::Ignne);
    sys.connect_ferr((id, coprocessor::FERR));
}

/// Ports E9h, 402h and F4h.
pub(super) fn debug(sys: &mut System, console: Option<Box<dyn CharPort>>, log: Option<Box<dyn CharPort>>, exit: bool) {
    for (name, port, host) in [("debugcon", 0xe9, console), ("firmware-log", 0x402, log)] {
        if let Some(host) = host {
            let id = sys.add(name, Debugcon::new(host));
            ports(sys, port, 1, id, 0, Width::B1);
        }
    }
    if exit {
        let id = sys.add("debug-exit", DebugExit);
        ports(sys, 0xf4, 1, id, 0, Width::B4);
    }
}
