//! A PC with the i440FX chip set: addresses and wiring, nothing else.
//!
//! Documents: the data sheets of the chips; PC/AT Technical Reference, "I/O Address Map", "System
//! Interrupts".
//!
//! Physical memory: RAM below 640 KiB, from 1 MiB up to the PCI hole, and the rest of it from 4 GiB on; the
//! firmware's image ends at 4 GiB, and its last 128 KiB also at 1 MiB; what lies between 640 KiB and
//! 1 MiB is the 440FX's to steer.
//!
//! PCI interrupts: pin INTA# of device n leads to PIRQ (n - 1) mod 4 (0 is PIRQA#), each further pin to the next one, so that
//! neighbouring slots differ; firmware tells it in $PIR and DSDT. The devices that are here have none of these pins: the IDE channels have
//! the AT's interrupts, power management has SCI, and the display's retrace interrupt is IRQ 9, the AT's IRQ 2.

use ferrite_core::bus::Bdf;
use ferrite_core::device::{ResetKind, Width};
use ferrite_core::system::System;
use ferrite_core::wires::CpuPin;

use super::at::{self, Irqs, ports};
use super::config::PcConfig;
use crate::boot::acpi::{PM_BASE, SCI_IRQ};
use crate::boot::{FOUR_GIB, Ram};
use crate::host::IdeDrive;
use crate::misc::fw_cfg::{self, FwCfg, Items};
use crate::misc::hotplug::{self, Hotplug};
use crate::pci::i440fx::{self, I440fx, Rom};
use crate::pci::piix3::{self, Piix3};
use crate::pci::piix3_ide::{self, Piix3Ide};
use crate::pci::piix4_pm::{self, Piix4Pm};

/// Where [`post`] places the bus master of the IDE function.
const BMIBA: u32 = 0xc000;
/// Where [`post`] routes PIRQA# to PIRQD#.
const PIRQ_IRQS: [u8; 4] = [10, 11, 10, 11];

pub(super) fn build(mut config: PcConfig) -> System {
    let (mem, layout) = at::memory(&config);
    let mut sys = System::new(mem);
    let irqs = at::interrupt_controllers(&mut sys, true);
    at::timers(&mut sys, &irqs, &config);
    let dma = at::dma(&mut sys);
    at::keyboard(&mut sys, &irqs);
    pci(&mut sys, &irqs, layout.low_bios.iter().cloned().collect());
    ide(&mut sys, &irqs, std::mem::take(&mut config.ide));
    if config.vga {
        let vga = at::vga(&mut sys, &irqs, &layout, None);
        sys.bus_mut().attach_function(bdf(2, 0), vga);
    }
    fw_cfg(&mut sys, config.ram);
    hotplug(&mut sys);
    at::serial(&mut sys, &irqs, config.serial, config.serial_speedup);
    at::floppies(&mut sys, &irqs, dma, config.floppies);
    at::parallel(&mut sys, &irqs, config.parallel);
    at::coprocessor(&mut sys, &irqs);
    at::debug(&mut sys, config.debugcon, config.firmware_log, config.debug_exit);
    sys.reset(ResetKind::PowerOn);
    sys
}

/// What the firmware's power-on self test leaves behind, for guests that are booted without one:
/// RAM below 1 MiB, PCI interrupts routed, IDE decoded, power management placed and in ACPI mode, the first DMA controller's way
/// to the bus open.
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
    // Drivers set their own channels only: channel 4 in cascade mode, and not masked.
    sys.port_write(0xd6, Width::B1, 0xc0);
    sys.port_write(0xd4, Width::B1, 0);
}

const fn bdf(device: u8, function: u8) -> Bdf {
    Bdf { bus: 0, device, function }
}

fn pci(sys: &mut System, irqs: &Irqs, roms: Vec<Rom>) {
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

    let pm = sys.add("piix4-pm", Piix4Pm::new());
    ports(sys, 0xb2, 2, pm, piix4_pm::APM.0, Width::B1);
    irqs.connect(sys, (pm, piix4_pm::SCI), SCI_IRQ);
    sys.connect_cpu((pm, piix4_pm::SMI), CpuPin::Smi);
    for (at, id) in [(bdf(0, 0), host), (bdf(1, 0), isa), (bdf(1, 3), pm)] {
        sys.bus_mut().attach_function(at, id);
    }
}

/// The PIIX3's IDE function, whose channels appear at the AT's addresses.
fn ide(sys: &mut System, irqs: &Irqs, drives: [Option<IdeDrive>; 4]) {
    let ide = sys.add("ide", Piix3Ide::new(drives));
    for (n, wiring) in (0..).zip(at::IDE) {
        at::ide_channel(sys, irqs, wiring, (ide, piix3_ide::irq(n)), piix3_ide::channel(n));
    }
    sys.bus_mut().attach_function(bdf(1, 1), ide);
}

/// What SeaBIOS's ACPI tables watch.
fn hotplug(sys: &mut System) {
    let id = sys.add("hotplug", Hotplug);
    for (base, len, at) in [(0xae00, 16, hotplug::PCI), (0xaf00, 32, hotplug::CPUS), (0xafe0, 4, hotplug::GPE0)] {
        ports(sys, base, len, id, at.0, Width::B4);
    }
}

/// What SeaBIOS asks for. Boot order and drives it takes from CMOS RAM.
fn fw_cfg(sys: &mut System, ram: Ram) {
    const RAM_SIZE: u16 = 0x03;
    const NB_CPUS: u16 = 0x05;
    const MAX_CPUS: u16 = 0x0f;
    /// Type of an entry of `etc/e820`.
    const E820_RAM: u32 = 1;

    let mut items = Items::default();
    items.add(RAM_SIZE, &(ram.low + ram.high).to_le_bytes());
    items.add(NB_CPUS, &1u16.to_le_bytes());
    items.add(MAX_CPUS, &1u16.to_le_bytes());
    let mut e820 = Vec::new();
    for (base, len) in [(0, ram.low), (FOUR_GIB, ram.high)] {
        if len != 0 {
            e820.extend(base.to_le_bytes());
            e820.extend(len.to_le_bytes());
            e820.extend(E820_RAM.to_le_bytes());
        }
    }
    items.add_file("etc/e820", e820);
    let id = sys.add("fw-cfg", FwCfg::new(items));
    ports(sys, 0x510, 1, id, fw_cfg::SELECTOR.0, Width::B2);
    ports(sys, 0x511, 1, id, fw_cfg::DATA.0, Width::B1);
    ports(sys, 0x514, 8, id, fw_cfg::DMA.0, Width::B4);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{ConfigError, PcConfig, build};
    use crate::host::{Channel, IdeDrive, MemDisk};
    use ferrite_core::device::Stop;
    use ferrite_core::snapshot::{Reader, Writer};
    use std::sync::mpsc::Receiver;

    fn pc() -> (System, Receiver<u8>) {
        let (port, bytes) = Channel::new();
        let config = PcConfig {
            ram: Ram { low: 4 << 20, high: 0 },
            serial: [Some(Box::new(port)), None, None, None],
            ide: [Some(IdeDrive::Disk(Box::new(MemDisk::new(vec![0x5a; 1 << 20])))), None, None, None],
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
        assert_eq!(id(2, 0), 0x1111_1234);
        assert_eq!(id(3, 0), 0xffff_ffff);
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
    fn after_post_a_floppy_drives_channel_reaches_memory() {
        let (mut sys, _bytes) = pc();
        post(&mut sys);
        sys.mem.write(0x1000, &[0xaa; 4]);
        // Channel 2, block mode, to memory at 1000h, two bytes, by a software request: nobody drives the bus.
        for (port, val) in [(0x0b, 0x86), (0x81, 0), (0x04, 0), (0x04, 0x10), (0x05, 1), (0x05, 0), (0x09, 6)] {
            out(&mut sys, port, val);
        }
        assert_eq!(inb(&mut sys, 0x08) & 4, 4, "terminal count");
        assert_eq!(sys.mem.read_u32(0x1000), 0xaaaa_ffff);
    }

    #[test]
    fn a_printer_port_is_free_beside_the_display() {
        let (mut sys, _bytes) = pc();
        let card = sys.add("card", crate::misc::debugcon::Debugcon::new(Box::new(crate::host::Null)));
        ports(&mut sys, 0x3bb, 6, card, 0, Width::B1);
        let seen: Vec<u8> = (0x3bb..=0x3c0).map(|port| inb(&mut sys, port)).collect();
        assert_eq!(seen[1..5], [0xe9; 4]);
        assert!(seen[0] != 0xe9 && seen[5] != 0xe9, "the ports around it are the display's");
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
        assert!(matches!(error, Some(ConfigError::Ram { low: 4096, high: 0, .. })));
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
