//! What the drives say about themselves.
//!
//! Documents: AT Attachment with Packet Interface - 6 (T13/1410D), "IDENTIFY DEVICE", "IDENTIFY PACKET DEVICE"; ATA-1 and ATA-2
//! for the words that became obsolete and that old drivers ask for.

use super::ata::{Geometry, MAX_MULTIPLE, Settings};
use crate::host::SECTOR;

const FIRMWARE: &str = "1.0";
/// Sectors that 28 bits address.
pub const LBA28_LIMIT: u64 = 1 << 28;

/// What a disk's answer depends on.
pub(super) struct Facts<'a> {
    /// 0 to 3: hda to hdd; it is in the serial number.
    pub number: u8,
    pub settings: &'a Settings,
}

/// The 256 words of a disk, little-endian.
pub(super) fn identify(f: &Facts<'_>) -> [u8; SECTOR] {
    let s = f.settings;
    let default = Geometry::default_of(s.max);
    let mut w = common(f.number, "FERRITE HARDDISK", "FE", s.dma_mode);
    let split = |v: u64| [v as u16, (v >> 16) as u16];
    let bit = |on: bool, n: u32| u16::from(on) << n;
    w[0] = 0x0040; // fixed device
    w[1] = default.cylinders;
    w[3] = default.heads.into();
    w[4] = u16::from(default.sectors) * SECTOR as u16; // bytes per track and sector, of ATA-1
    w[5] = SECTOR as u16;
    w[6] = default.sectors.into();
    w[20] = 3; // of ATA-1: a dual-ported buffer with read caching
    w[21] = 512; // its size in sectors
    w[22] = 4; // bytes that READ LONG appends
    w[47] = 0x8000 | u16::from(MAX_MULTIPLE);
    w[48] = 0x0001; // doubleword I/O, of ATA-1, which drivers ask for
    w[50] = 0x4000;
    w[54] = s.geometry.cylinders;
    w[55] = s.geometry.heads.into();
    w[56] = s.geometry.sectors.into();
    w[57..59].copy_from_slice(&split(s.geometry.capacity()));
    w[59] = if s.multiple == 0 { 0 } else { 0x0100 | u16::from(s.multiple) };
    w[60..62].copy_from_slice(&split(s.max.min(LBA28_LIMIT - 1)));
    // NOP, READ and WRITE BUFFER, host protected area, look-ahead, write cache, power management, SMART.
    w[82] = 0x7469;
    w[83] = 0x7408; // FLUSH CACHE EXT, FLUSH CACHE, 48 bits, advanced power management
    w[84] = 0x4000;
    w[85] = 0x7408 | bit(s.look_ahead, 6) | bit(s.write_cache, 5) | bit(s.smart, 0);
    w[86] = 0x3400 | bit(s.apm.is_some(), 3);
    w[87] = 0x4000;
    w[91] = s.apm.map_or(0, |level| 0x4000 | u16::from(level));
    // Reset passed, device number by jumper, an 80-conductor cable.
    w[93] = 0x6000 | if f.number & 1 == 0 { 0x000b } else { 0x0b00 };
    let ([w100, w101], [w102, w103]) = (split(s.max), split(s.max >> 32));
    w[100..104].copy_from_slice(&[w100, w101, w102, w103]);
    encode(w)
}

/// The 256 words of a CD-ROM drive, little-endian.
pub(super) fn identify_packet(number: u8, dma_mode: u8) -> [u8; SECTOR] {
    let mut w = common(number, "FERRITE CD-ROM", "FC", dma_mode);
    w[0] = 0x85c0; // ATAPI, CD-ROM, removable, DRQ within 50 us of PACKET, 12 bytes
    w[71] = 30; // of ATA-4: ns from PACKET to bus release
    w[72] = 30;
    w[82] = 0x4218; // NOP, DEVICE RESET, PACKET, power management
    w[83] = 0x4000;
    w[84] = 0x4000;
    w[85] = 0x4218;
    w[87] = 0x4000;
    w[93] = 0x6000 | if number & 1 == 0 { 0x000b } else { 0x0b00 };
    encode(w)
}

/// What both kinds say alike.
fn common(number: u8, model: &str, serial: &str, dma_mode: u8) -> [u16; 256] {
    let mut w = [0u16; 256];
    text(&mut w[10..20], &format!("{serial}{number:08}"));
    text(&mut w[23..27], FIRMWARE);
    text(&mut w[27..47], model);
    w[49] = 0x0f00; // IORDY, which can be disabled, LBA, DMA
    w[51] = 0x0200; // PIO mode 2
    w[52] = 0x0200; // of ATA-1: DMA mode 2
    w[53] = 0x0007; // words 54-58, 64-70 and 88 are valid
    let chosen = |class: u8| if dma_mode & 0xf8 == class { 0x0100 << (dma_mode & 7) } else { 0 };
    w[62] = 0x0007 | chosen(0x10); // single-word DMA, of ATA-2
    w[63] = 0x0007 | chosen(0x20);
    w[64] = 0x0003; // PIO modes 3 and 4
    w[65..69].fill(120); // ns a cycle
    w[80] = 0x007e; // ATA-1 to ATA-6
    w[88] = 0x003f | chosen(0x40); // Ultra DMA
    w[255] = 0x00a5;
    w
}

fn encode(words: [u16; 256]) -> [u8; SECTOR] {
    let mut bytes = [0; SECTOR];
    for (b, word) in bytes.chunks_exact_mut(2).zip(words) {
        b.copy_from_slice(&word.to_le_bytes());
    }
    // "Checksum": all bytes add up to zero.
    bytes[SECTOR - 1] = bytes[..SECTOR - 1].iter().fold(0, |sum: u8, b| sum.wrapping_sub(*b));
    bytes
}

/// ASCII with the first character of each pair in the upper byte, padded with spaces.
fn text(words: &mut [u16], s: &str) {
    let mut chars = s.bytes().chain(std::iter::repeat(b' '));
    for w in words {
        *w = u16::from_be_bytes([0; 2].map(|_| chars.next().unwrap_or(b' ')));
    }
}
