//! What the setup program and the power-on self test of a PC's firmware leave in CMOS RAM.
//!
//! Documents: PC/AT Technical Reference, "CMOS RAM Addresses"; for what came later (memory above 64 MiB, boot order,
//! geometry of drive type 47, number of processors) the layout of Award's and Bochs' firmware, which everybody reads.

use super::config::{BootDevice, PcConfig};
use crate::boot::{ONE_MIB, Ram};
use crate::host::{FloppyDrive, IdeDrive};

/// Drive type 47 (in 19h or 1Ah): the geometry stands in CMOS RAM too.
const USER_TYPE: u8 = 47;

/// Locations and their values. The checksum is the clock chip's part.
pub(super) fn contents(config: &PcConfig) -> Vec<(u8, u8)> {
    let mut out = memory(config.ram, config.address_lines);
    let kind = |n: usize| config.floppies[n].as_ref().map_or(0, |FloppyDrive { kind, .. }| *kind as u8);
    out.push((0x10, kind(0) << 4 | kind(1)));
    out.push((0x14, equipment(config)));
    out.extend(disks(config));
    out.extend(boot_order(config));
    out.push((0x5f, 0)); // processors beside the first
    out
}

/// RAM as the power-on self test finds it: no more than the processor reaches.
fn memory(ram: Ram, address_lines: u8) -> Vec<(u8, u8)> {
    let reach = 1u64.checked_shl(address_lines.into()).unwrap_or(u64::MAX);
    let low = ram.low.min(reach);
    let extended = ((low - ONE_MIB.min(low)) >> 10).min(0xfc00) as u16;
    let above_16m = (low.saturating_sub(16 * ONE_MIB) >> 16) as u16;
    let [ext_low, ext_high] = extended.to_le_bytes();
    let [above_low, above_high] = above_16m.to_le_bytes();
    let [big0, big1, big2, ..] = (ram.high >> 16).to_le_bytes();
    vec![
        (0x15, 0x80), // 640 KiB
        (0x16, 0x02),
        (0x17, ext_low),
        (0x18, ext_high),
        (0x30, ext_low),
        (0x31, ext_high),
        (0x34, above_low),
        (0x35, above_high),
        (0x5b, big0),
        (0x5c, big1),
        (0x5d, big2),
    ]
}

/// Location 14h: floppy drives, display (EGA and later have codes of their own firmware: 00), pointing device, coprocessor.
fn equipment(config: &PcConfig) -> u8 {
    let floppies = match config.floppies.iter().flatten().count() as u8 {
        0 => 0,
        n => (n - 1) << 6 | 1,
    };
    let display = if config.vga { 0x00 } else { 0x30 };
    floppies | display | 0x04 | u8::from(config.coprocessor) << 1
}

/// Types and geometries of the disks of the primary channel (19h and 1Ah; 1Bh and 24h on) and how firmware translates
/// geometries (39h and 3Ah: 0 not, 1 by LBA).
fn disks(config: &PcConfig) -> Vec<(u8, u8)> {
    let mut out = Vec::new();
    let (mut types, mut translations) = (0, 0);
    for (n, drive) in (0u8..).zip(&config.ide) {
        let Some(IdeDrive::Disk(disk)) = drive else { continue };
        // As IDENTIFY DEVICE tells it: ATA, "CHS translation".
        let cylinders = (disk.sectors() / (16 * 63)).min(16_383) as u16;
        let large = cylinders > 1024;
        translations |= u8::from(large) << (2 * n);
        let [low, high] = cylinders.to_le_bytes();
        let (at, nibble, extended) = match n {
            0 => (0x1b, 4, 0x19),
            1 => (0x24, 0, 0x1a),
            _ => continue,
        };
        types |= 0xf << nibble;
        out.push((extended, USER_TYPE));
        // Cylinders, heads, write precompensation (none), control (more than 8 heads, no retries), landing zone, sectors.
        let geometry = [low, high, 16, 0xff, 0xff, 0xc8, low, high, 63];
        out.extend((at..).zip(geometry));
    }
    out.extend([(0x12, types), (0x39, translations)]);
    out
}

/// 3Dh: first and second device; 38h: third in bits 7:4, and bit 0: boot sectors of floppies need no signature.
/// 2Dh bit 5, older: A: before C:.
fn boot_order(config: &PcConfig) -> [(u8, u8); 3] {
    let order = config.boot_order.devices();
    let nth = |n: usize| order.get(n).map_or(0, |d| d.cmos());
    let a_first = config.boot_order.prefers(BootDevice::Floppy, BootDevice::Disk);
    [(0x2d, u8::from(a_first) << 5), (0x38, nth(2) << 4 | 1), (0x3d, nth(1) << 4 | nth(0))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{FloppyKind, MemDisk};

    fn at(config: &PcConfig, location: u8) -> u8 {
        let all = contents(config);
        let found: Vec<u8> = all.iter().filter(|(l, _)| *l == location).map(|(_, v)| *v).collect();
        assert!(found.len() <= 1, "{location:#x} once");
        found.first().copied().unwrap_or(0)
    }

    #[test]
    fn two_floppy_drives_are_in_types_and_equipment() {
        let drive = |kind| Some(FloppyDrive { kind, medium: None });
        let floppies = [drive(FloppyKind::M1440), drive(FloppyKind::M1200)];
        let config = PcConfig { floppies, ..PcConfig::default() };
        assert_eq!((at(&config, 0x10), at(&config, 0x14)), (0x42, 0x47));
        assert_eq!(at(&PcConfig::default(), 0x14), 0x06);
        assert_eq!(at(&PcConfig { vga: false, coprocessor: false, ..PcConfig::default() }, 0x14), 0x34);
    }

    #[test]
    fn disks_are_of_type_47_and_tell_their_geometry() {
        let disk = |mib: usize| Some(IdeDrive::Disk(Box::new(MemDisk::new(vec![0; mib << 20]))));
        let config = PcConfig { ide: [disk(1), Some(IdeDrive::Cdrom(None)), None, disk(600)], ..PcConfig::default() };
        assert_eq!((at(&config, 0x12), at(&config, 0x19), at(&config, 0x1a)), (0xf0, 47, 0));
        assert_eq!([0x1b, 0x1c, 0x1d, 0x23].map(|l| at(&config, l)), [2, 0, 16, 63]);
        assert_eq!(at(&config, 0x39), 0x40, "the fourth has more than 1024 cylinders");
    }

    #[test]
    fn the_boot_order_is_there_in_both_forms() {
        let of = |s: &str| PcConfig { boot_order: s.parse().unwrap(), ..PcConfig::default() };
        assert_eq!([0x2d, 0x38, 0x3d].map(|l| at(&of("adc"), l)), [0x20, 0x21, 0x31]);
        assert_eq!([0x2d, 0x38, 0x3d].map(|l| at(&of("c"), l)), [0x00, 0x01, 0x02]);
    }

    #[test]
    fn an_8086_has_no_memory_above_what_it_reaches() {
        let of = |address_lines| {
            let config = PcConfig { address_lines, ram: Ram { low: 16 << 20, high: 0 }, ..PcConfig::default() };
            [0x17, 0x18, 0x30, 0x31, 0x34, 0x35].map(|l| at(&config, l))
        };
        assert_eq!((of(20), of(24)), ([0; 6], [0x00, 0x3c, 0x00, 0x3c, 0, 0]));
    }

    #[test]
    fn memory_is_told_in_each_of_its_units() {
        let config = PcConfig { ram: Ram { low: 64 << 20, high: 1 << 30 }, ..PcConfig::default() };
        assert_eq!([0x17, 0x18, 0x34, 0x35, 0x5c].map(|l| at(&config, l)), [0x00, 0xfc, 0x00, 0x03, 0x40]);
    }
}
