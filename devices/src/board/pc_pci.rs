//! A PC with the i440FX chip set: addresses and wiring, nothing else.
//!
//! Documents: the data sheets of the chips; PC/AT Technical Reference, "I/O Address Map", "System
//! Interrupts".
//!
//! Physical memory: RAM below 640 KiB, from 1 MiB up to the PCI hole, and the rest of it from 4 GiB on; the
//! firmware's image ends at 4 GiB, and its last 128 KiB also at 1 MiB; what lies between 640 KiB and
//! 1 MiB is the 440FX's to steer.

use ferrite_core::bus::{Bdf, Space};
use ferrite_core::device::{DeviceId, Offset, Pin, ResetKind, Width};
use ferrite_core::memory::{GuestMemory, Route};
use ferrite_core::system::System;
use ferrite_core::wires::CpuPin;
use thiserror::Error;

use crate::boot::acpi::{PM_BASE, SCI_IRQ};
use crate::boot::{FOUR_GIB, ONE_MIB, Ram};
use crate::host::{CharPort, Disk, IdeDrive, Null};
use crate::input::i8042::{self, I8042};
use crate::irq::i8259::{self, Pic, ir};
use crate::misc::debug_exit::DebugExit;
use crate::misc::debugcon::Debugcon;
use crate::misc::port61::{self, Port61};
use crate::misc::port92::{self, Port92};
use crate::pci::i440fx::{self, I440fx, Rom};
use crate::pci::piix3::{self, Piix3};
use crate::pci::piix3_ide::{self, Piix3Ide};
use crate::pci::piix4_pm::{self, Piix4Pm};
use crate::serial::uart16550::{self, Uart};
use crate::storage::channel;
use crate::timer::i8254::{self, Pit};
use crate::timer::mc146818::{self, DateTime, Rtc};

/// What can be chosen about a machine.
pub struct PcConfig {
    /// RAM, at least 1 MiB below the PCI hole, whole MiB.
    pub ram: Ram,
    /// COM1 to COM4; `None` leaves the port out.
    pub serial: [Option<Box<dyn CharPort>>; 4],
    /// How many times faster than their baud rate serial characters travel; 1 is the chip.
    pub serial_speedup: u32,
    /// hda to hdd: primary master and slave, secondary master and slave.
    pub disks: [Option<Box<dyn Disk>>; 4],
    /// Where bytes of port E9h go; `None` leaves the port out.
    pub debugcon: Option<Box<dyn CharPort>>,
    /// A write to port F4h ends the run.
    pub debug_exit: bool,
    /// The real-time clock at power-on, in seconds since 1970.
    pub start_time: u64,
    /// Firmware image, whole pages, at most 16 MiB.
    pub bios: Option<Vec<u8>>,
}

impl Default for PcConfig {
    fn default() -> Self {
        PcConfig {
            ram: Ram { low: 128 << 20, high: 0 },
            serial: [Some(Box::new(Null)), None, None, None],
            serial_speedup: 1,
            disks: [None, None, None, None],
            debugcon: None,
            debug_exit: false,
            start_time: 946_684_800, // 2000-01-01: any fixed date keeps runs alike
            bios: None,
        }
    }
}

/// Why a machine cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// RAM is too small, too large, or ends inside a MiB.
    #[error(
        "memory of {low} bytes below the PCI hole and {high} above 4 GiB: whole MiB are possible, \
             from 1 MiB to {MAX_LOW} bytes below and up to {MAX_HIGH} above"
    )]
    Ram {
        /// Below the hole.
        low: u64,
        /// From 4 GiB.
        high: u64,
    },
    /// The firmware image has an impossible size.
    #[error("firmware of {0} bytes: a multiple of 4096, at most 16 MiB, is possible")]
    Bios(usize),
}

/// Where RAM below 4 GiB ends at the latest: PCI and the firmware have the rest.
pub const MAX_LOW: u64 = 0xf000_0000;
/// Most RAM from 4 GiB on.
pub const MAX_HIGH: u64 = 60 << 30;
const MIB: u64 = ONE_MIB;
/// The part of the firmware that also appears below 1 MiB.
const LOW_BIOS: u64 = 0x2_0000;
const MAX_BIOS: usize = 16 << 20;

/// Ports and interrupts of COM1 to COM4.
const COM: [(u64, u8); 4] = [(0x3f8, 4), (0x2f8, 3), (0x3e8, 4), (0x2e8, 3)];
/// Command block, control block and interrupt of the IDE channels.
const IDE: [(u64, u64, u8); 2] = [(0x1f0, 0x3f6, 14), (0x170, 0x376, 15)];
/// Where [`post`] places the bus master of the IDE function.
const BMIBA: u32 = 0xc000;
/// Where [`post`] routes PIRQA# to PIRQD#.
const PIRQ_IRQS: [u8; 4] = [10, 11, 10, 11];

/// Builds the machine, powered on.
///
/// # Errors
/// When the configuration asks for what the board cannot have.
pub fn build(config: PcConfig) -> Result<System, ConfigError> {
    let PcConfig { ram, serial, serial_speedup, disks, debugcon, debug_exit, start_time, bios } = config;
    let mut sys = System::new(memory(ram, bios.as_deref())?);
    let roms = bios.as_deref().map(|image| low_bios(ram, image)).into_iter().collect();

    let irqs = interrupt_controllers(&mut sys);
    timers(&mut sys, &irqs, ram, start_time, &disks);
    keyboard(&mut sys, &irqs);
    pci(&mut sys, &irqs, roms, disks.map(|d| d.map(IdeDrive::Disk)));
    for (n, host) in (0u8..).zip(serial) {
        if let Some(host) = host {
            let uart = Uart::new(host).with_speedup(serial_speedup);
            let id = sys.add(&format!("com{}", n + 1), uart);
            let (base, irq) = COM[usize::from(n)];
            ports(&mut sys, base, 8, id, 0, Width::B1);
            irqs.connect(&mut sys, (id, uart16550::IRQ), irq);
        }
    }
    if let Some(host) = debugcon {
        let id = sys.add("debugcon", Debugcon::new(host));
        ports(&mut sys, 0xe9, 1, id, 0, Width::B1);
    }
    if debug_exit {
        let id = sys.add("debug-exit", DebugExit);
        ports(&mut sys, 0xf4, 1, id, 0, Width::B4);
    }
    sys.reset(ResetKind::PowerOn);
    Ok(sys)
}

/// What the firmware's power-on self test leaves behind, for guests that are booted without one:
/// RAM below 1 MiB, PCI interrupts routed, IDE decoded, power management placed and in ACPI mode.
pub fn post(sys: &mut System) {
    let mut config = |device: u8, function: u8, register: u8, width: Width, val: u32| {
        let address = 1 << 31 | u32::from(device) << 11 | u32::from(function) << 8 | u32::from(register & !3);
        sys.port_write(0xcf8, Width::B4, address);
        sys.port_write(0xcfc + u16::from(register & 3), width, val);
    };
    config(0, 0, 0x59, Width::B1, 0x30); // PAM0: F0000-FFFFF
    for pam in 0x5a..=0x5f {
        config(0, 0, pam, Width::B1, 0x33);
    }
    for (n, irq) in (0..).zip(PIRQ_IRQS) {
        config(1, 0, 0x60 + n, Width::B1, irq.into()); // PIRQRC
    }
    config(1, 1, 0x20, Width::B4, BMIBA);
    config(1, 1, 0x04, Width::B2, 5); // IDE: I/O space, bus master
    config(1, 1, 0x40, Width::B4, 0x8000_8000); // IDETIM: decode both channels
    config(1, 3, 0x3c, Width::B1, SCI_IRQ.into());
    config(1, 3, 0x40, Width::B4, u32::from(PM_BASE) | 1); // PMBA
    config(1, 3, 0x80, Width::B1, 1); // PMIOSE
    config(1, 3, 0x04, Width::B2, 1);
    sys.port_write(PM_BASE + 4, Width::B2, 1); // SCI_EN
    // PCI interrupts and SCI are levels: ELCR. All of them are the slave's.
    let levels = PIRQ_IRQS.iter().chain([&SCI_IRQ]).fold(0, |elcr, irq| elcr | 1 << (irq - 8));
    sys.port_write(0x4d1, Width::B1, levels);
    sys.port_write(0xcf8, Width::B4, 0);
}

fn ports(sys: &mut System, base: u64, len: u64, device: DeviceId, offset: u32, width: Width) {
    sys.bus_mut().map(Space::Port, base, len, device, Offset(offset), width);
}

fn memory(ram: Ram, bios: Option<&[u8]>) -> Result<GuestMemory, ConfigError> {
    let Ram { low, high } = ram;
    let whole = low.is_multiple_of(MIB) && high.is_multiple_of(MIB);
    if !whole || !(MIB..=MAX_LOW).contains(&low) || high > MAX_HIGH {
        return Err(ConfigError::Ram { low, high });
    }
    let image = bios.unwrap_or_default();
    if !image.len().is_multiple_of(4096) || image.len() > MAX_BIOS || bios.is_some_and(<[u8]>::is_empty) {
        return Err(ConfigError::Bios(image.len()));
    }
    let len = image.len() as u64;
    let mut mem = GuestMemory::new(low + high, len);
    mem.map(0..0xa_0000, Route::Backing(0), Route::Backing(0));
    mem.map(MIB..low, Route::Backing(MIB), Route::Backing(MIB));
    mem.map(FOUR_GIB..FOUR_GIB + high, Route::Backing(low), Route::Backing(low));
    if len != 0 {
        let at = mem.ram_size();
        mem.load_image(at, image);
        mem.map(FOUR_GIB - len..FOUR_GIB, Route::Backing(at), Route::Nowhere);
    }
    Ok(mem)
}

/// The end of the firmware as it appears below 1 MiB.
fn low_bios(ram: Ram, image: &[u8]) -> Rom {
    let len = image.len() as u64;
    let shown = len.min(LOW_BIOS);
    Rom { range: MIB - shown..MIB, at: ram.low + ram.high + len - shown }
}

/// The interrupt inputs of the board.
struct Irqs {
    master: DeviceId,
    slave: DeviceId,
}

impl Irqs {
    fn connect(&self, sys: &mut System, from: (DeviceId, Pin), irq: u8) {
        let to = if irq < 8 { (self.master, ir(irq)) } else { (self.slave, ir(irq - 8)) };
        sys.connect(from, to);
    }
}

fn interrupt_controllers(sys: &mut System) -> Irqs {
    // ELCR: IRQ 0, 1, 2, 8 and 13 are always edges.
    let master = sys.add("pic0", Pic::master(0xf8));
    let slave = sys.add("pic1", Pic::slave(0xde));
    for (id, base, elcr) in [(master, 0x20, 0x4d0), (slave, 0xa0, 0x4d1)] {
        ports(sys, base, 2, id, i8259::COMMAND.0, Width::B1);
        ports(sys, elcr, 1, id, i8259::ELCR.0, Width::B1);
    }
    sys.connect((slave, i8259::INT), (master, ir(2)));
    sys.connect_cpu((master, i8259::INT), CpuPin::Intr);
    sys.set_interrupt_controllers(&[master, slave]);
    Irqs { master, slave }
}

fn timers(sys: &mut System, irqs: &Irqs, ram: Ram, start_time: u64, disks: &[Option<Box<dyn Disk>>; 4]) {
    let pit = sys.add("pit", Pit::new());
    ports(sys, 0x40, 4, pit, 0, Width::B1);
    irqs.connect(sys, (pit, i8254::out(0)), 0);
    let port61 = sys.add("port61", Port61::default());
    ports(sys, 0x61, 1, port61, 0, Width::B1);
    sys.connect((port61, port61::GATE2), (pit, i8254::gate(2)));
    sys.connect((pit, i8254::out(2)), (port61, port61::OUT2));

    let mut rtc = Rtc::new(DateTime::from_unix(start_time));
    for (at, value) in cmos(ram, disks) {
        rtc.set_cmos(at, value);
    }
    rtc.seal_cmos();
    let rtc = sys.add("rtc", rtc);
    ports(sys, 0x70, 2, rtc, mc146818::ADDRESS.0, Width::B1);
    irqs.connect(sys, (rtc, mc146818::IRQ), 8);
}

/// CMOS RAM as PC firmware keeps it. PC/AT Technical Reference, "CMOS RAM"; memory above 64 MiB as
/// Award's and Bochs' firmware have it.
fn cmos(ram: Ram, disks: &[Option<Box<dyn Disk>>; 4]) -> Vec<(u8, u8)> {
    let extended = ((ram.low - MIB) >> 10).min(0xfc00) as u16;
    let above_16m = (ram.low.saturating_sub(16 * MIB) >> 16) as u16;
    let above_4g = ram.high >> 16;
    let equipment = 0x06; // mathematics coprocessor, pointing device
    let types = disks[..2].iter().fold(0, |t, d| t << 4 | if d.is_some() { 0xf } else { 0 });
    let [ext_low, ext_high] = extended.to_le_bytes();
    let [above_low, above_high] = above_16m.to_le_bytes();
    let [big0, big1, big2, ..] = above_4g.to_le_bytes();
    vec![
        (0x12, types), // 47: the type is in 19h or 1Ah
        (0x14, equipment),
        (0x15, 0x80), // 640 KiB
        (0x16, 0x02),
        (0x17, ext_low),
        (0x18, ext_high),
        (0x19, if disks[0].is_some() { 47 } else { 0 }),
        (0x1a, if disks[1].is_some() { 47 } else { 0 }),
        (0x30, ext_low),
        (0x31, ext_high),
        (0x34, above_low),
        (0x35, above_high),
        (0x5b, big0),
        (0x5c, big1),
        (0x5d, big2),
    ]
}

fn keyboard(sys: &mut System, irqs: &Irqs) {
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

fn pci(sys: &mut System, irqs: &Irqs, roms: Vec<Rom>, drives: [Option<IdeDrive>; 4]) {
    let bdf = |device, function| Bdf { bus: 0, device, function };

    let isa = sys.add("piix3-isa", Piix3::new());
    // Before CONFADD, which covers this byte for doubleword accesses only.
    ports(sys, 0xcf9, 1, isa, piix3::RC.0, Width::B1);
    for n in 3..16 {
        irqs.connect(sys, (isa, piix3::irq(n)), n);
    }
    sys.connect_cpu((isa, piix3::RESET), CpuPin::Reset);
    sys.connect_cpu((isa, piix3::INIT), CpuPin::Init);

    let host = sys.add("i440fx", I440fx::new(roms));
    ports(sys, 0xcf8, 4, host, i440fx::CONFADD.0, Width::B4);
    sys.bus_mut().set_config_window(0xcfc);
    sys.connect_smiact((host, i440fx::SMIACT));

    let ide = sys.add("ide", Piix3Ide::new(drives));
    for (n, (command, control, irq)) in (0..).zip(IDE) {
        let at = |register: Offset| piix3_ide::channel(n).0 + register.0;
        ports(sys, command, 1, ide, at(channel::DATA), Width::B4);
        ports(sys, command + 1, 7, ide, at(channel::ERROR), Width::B1);
        ports(sys, control, 1, ide, at(channel::CONTROL), Width::B1);
        irqs.connect(sys, (ide, piix3_ide::irq(n)), irq);
    }
    let pm = sys.add("piix4-pm", Piix4Pm::new());
    ports(sys, 0xb2, 2, pm, piix4_pm::APM.0, Width::B1);
    irqs.connect(sys, (pm, piix4_pm::SCI), SCI_IRQ);
    sys.connect_cpu((pm, piix4_pm::SMI), CpuPin::Smi);
    for (at, id) in [(bdf(0, 0), host), (bdf(1, 0), isa), (bdf(1, 1), ide), (bdf(1, 3), pm)] {
        sys.bus_mut().attach_function(at, id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Channel, MemDisk};
    use ferrite_core::device::Stop;
    use ferrite_core::snapshot::{Reader, Writer};
    use std::sync::mpsc::Receiver;

    fn pc() -> (System, Receiver<u8>) {
        let (port, bytes) = Channel::new();
        let config = PcConfig {
            ram: Ram { low: 4 << 20, high: 0 },
            serial: [Some(Box::new(port)), None, None, None],
            disks: [Some(Box::new(MemDisk::new(vec![0x5a; 1 << 20]))), None, None, None],
            debug_exit: true,
            ..PcConfig::default()
        };
        (build(config).unwrap(), bytes)
    }

    fn out(sys: &mut System, port: u16, val: u8) {
        sys.port_write(port, Width::B1, val.into());
    }

    fn inb(sys: &mut System, port: u16) -> u8 {
        sys.port_read(port, Width::B1) as u8
    }

    fn run(sys: &mut System, insns: u64) {
        let end = sys.clock.retired + insns;
        while sys.clock.retired < end {
            sys.clock.retired = sys.next_deadline().unwrap_or(end).min(end);
            sys.fire_due_events();
        }
    }

    /// 8259s as a PC's firmware sets them up, all interrupts on.
    fn start_pics(sys: &mut System) {
        for (base, vector, cascade) in [(0x20, 0x08, 4), (0xa0, 0x70, 2)] {
            out(sys, base, 0x11);
            for v in [vector, cascade, 1, 0] {
                out(sys, base + 1, v);
            }
        }
    }

    #[test]
    fn the_timer_interrupts_through_the_master() {
        let (mut sys, _bytes) = pc();
        out(&mut sys, 0x43, 0x34);
        out(&mut sys, 0x40, 0xa9);
        out(&mut sys, 0x40, 0x04); // 1193: 1 kHz
        start_pics(&mut sys); // after the timer: OUT rose when its mode was set
        assert!(!sys.intr());
        run(&mut sys, 200_300);
        assert!(sys.intr() && sys.attention());
        assert_eq!(sys.acknowledge(), 0x08);
        assert!(!sys.intr());
    }

    #[test]
    fn the_clock_interrupts_through_the_slave() {
        let (mut sys, _bytes) = pc();
        start_pics(&mut sys);
        out(&mut sys, 0x70, 0x0b);
        out(&mut sys, 0x71, 0x12); // update-ended interrupt
        run(&mut sys, 200_000_001);
        assert_eq!(sys.acknowledge(), 0x70);
        out(&mut sys, 0xa0, 0x0b);
        assert_eq!(inb(&mut sys, 0xa0), 1, "in service in the slave");
        out(&mut sys, 0x20, 0x0b);
        assert_eq!(inb(&mut sys, 0x20), 4, "and its input in the master");
    }

    #[test]
    fn the_functions_of_the_chip_set_are_on_the_pci_bus() {
        let (mut sys, _bytes) = pc();
        let mut id = |device: u32, function: u32| {
            sys.port_write(0xcf8, Width::B4, 1 << 31 | device << 11 | function << 8);
            sys.port_read(0xcfc, Width::B4)
        };
        assert_eq!(id(0, 0), 0x1237_8086);
        assert_eq!(id(1, 0), 0x7000_8086);
        assert_eq!(id(1, 1), 0x7010_8086);
        assert_eq!(id(1, 3), 0x7113_8086);
        assert_eq!(id(2, 0), 0xffff_ffff);
    }

    #[test]
    fn after_post_the_guest_can_switch_off() {
        let (mut sys, _bytes) = pc();
        post(&mut sys);
        sys.mem.write(0xf_0000, &[1, 2, 3]);
        assert_eq!(sys.mem.read_u32(0xf_0000), 0x0003_0201, "RAM lies below 1 MiB");
        sys.port_write(PM_BASE + 4, Width::B2, 1 << 13 | 1);
        assert!(sys.attention());
        assert_eq!(sys.take_signals().stop, Some(Stop::PowerOff));
    }

    #[test]
    fn either_gate_opens_a20() {
        let (mut sys, _bytes) = pc();
        assert!(sys.a20());
        out(&mut sys, 0x64, 0xd1);
        out(&mut sys, 0x60, 0xdd);
        assert!(!sys.a20() && sys.take_signals().a20_changed);
        out(&mut sys, 0x92, 2);
        assert!(sys.a20());
    }

    #[test]
    fn reset_lines_reach_the_processor() {
        let (mut sys, _bytes) = pc();
        sys.take_signals();
        out(&mut sys, 0x64, 0xfe);
        assert!(sys.take_signals().init);
        out(&mut sys, 0xcf9, 0x02);
        out(&mut sys, 0xcf9, 0x06);
        let signals = sys.take_signals();
        assert!(signals.reset && !signals.init);
    }

    #[test]
    fn the_firmware_appears_at_both_ends() {
        let mut image = vec![0; 0x4_0000];
        image[0x3_fff0..].copy_from_slice(b"reset vector is!");
        let sys = build(PcConfig { bios: Some(image), ..PcConfig::default() }).unwrap();
        for at in [0xffff_fff0, 0xf_fff0] {
            let mut b = [0; 16];
            sys.mem.read(at, &mut b);
            assert_eq!(&b, b"reset vector is!");
        }
        assert!(build(PcConfig { bios: Some(vec![0; 5000]), ..PcConfig::default() }).is_err());
        let ram = Ram { low: 4096, high: 0 };
        let error = build(PcConfig { ram, ..PcConfig::default() }).err();
        assert_eq!(error, Some(ConfigError::Ram { low: 4096, high: 0 }));
    }

    #[test]
    fn memory_beyond_the_hole_goes_on_at_4_gib() {
        let ram = Ram { low: 1 << 20, high: 1 << 20 };
        let mut sys = build(PcConfig { ram, ..PcConfig::default() }).unwrap();
        assert!(sys.mem.write(FOUR_GIB, &[1]) && !sys.mem.write(1 << 20, &[1]));
        sys.port_write(0x70, Width::B1, 0x5b);
        assert_eq!(inb(&mut sys, 0x71), 0x10, "64 KiB units above 4 GiB");
    }

    #[test]
    fn save_load_run_equals_run_for_the_whole_board() {
        let (mut straight, _a) = pc();
        post(&mut straight);
        start_pics(&mut straight);
        for (port, val) in [(0x43, 0x36), (0x40, 0), (0x40, 8), (0x61, 1), (0x43, 0xb6), (0x42, 9), (0x42, 1)] {
            out(&mut straight, port, val);
        }
        for (port, val) in [(0x3fc, 0x0b), (0x3f9, 2), (0x3f8, b'x'), (0x3f8, b'y'), (0x60, 0xff), (0x1f7, 0xec)] {
            out(&mut straight, port, val);
        }
        run(&mut straight, 12_345);
        let mut w = Writer::new();
        straight.save(&mut w);
        let file = w.finish();
        let (mut loaded, _b) = pc();
        loaded.load(&Reader::new(&file).unwrap()).unwrap();
        assert_eq!(loaded.digest(), straight.digest());
        for sys in [&mut straight, &mut loaded] {
            run(sys, 3_000_000);
            out(sys, 0x80, 0);
            assert!(sys.intr());
            sys.acknowledge();
            sys.port_read(PM_BASE + 8, Width::B4);
            sys.port_read(0xcfc, Width::B4);
            run(sys, 3_000_000);
        }
        assert_eq!(loaded.digest(), straight.digest());
    }

    #[test]
    fn the_same_build_gives_the_same_digest() {
        assert_eq!(pc().0.digest(), pc().0.digest());
    }
}
