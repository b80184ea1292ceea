//! What an ATA disk says about itself.
//!
//! Document: AT Attachment with Packet Interface - 6 (INCITS 361, T13/1410D), "IDENTIFY DEVICE".

use super::ata::{Geometry, MAX_MULTIPLE};
use crate::host::SECTOR;

const MODEL: &str = "FERRITE HARDDISK";
const FIRMWARE: &str = "1.0";
/// Sectors that 28 bits address.
pub const LBA28_LIMIT: u64 = 1 << 28;

/// What the answer depends on.
pub struct Facts {
    /// 0 to 3: hda to hdd; it is in the serial number.
    pub unit: u8,
    /// The geometry at power-on.
    pub default: Geometry,
    /// The geometry that INITIALIZE DEVICE PARAMETERS has set.
    pub current: Geometry,
    /// Sectors on the medium.
    pub sectors: u64,
    /// Sectors in a block of READ MULTIPLE; 0 when the command is off.
    pub multiple: u8,
}

/// The 256 words, little-endian.
pub fn identify(f: &Facts) -> [u8; SECTOR] {
    let mut w = [0u16; 256];
    let split = |v: u64| [v as u16, (v >> 16) as u16];
    w[0] = 0x0040; // fixed device
    w[1] = f.default.cylinders;
    w[3] = f.default.heads.into();
    w[6] = f.default.sectors.into();
    text(&mut w[10..20], &format!("FE{:08}", f.unit));
    text(&mut w[23..27], FIRMWARE);
    text(&mut w[27..47], MODEL);
    w[47] = 0x8000 | u16::from(MAX_MULTIPLE);
    w[48] = 0x0001; // doubleword I/O, of ATA-1, which drivers ask for
    w[49] = 0x0a00; // LBA, IORDY; no DMA
    w[50] = 0x4000;
    w[51] = 0x0200; // PIO mode 2
    w[53] = 0x0003; // words 54-58 and 64-70 are valid
    w[54] = f.current.cylinders;
    w[55] = f.current.heads.into();
    w[56] = f.current.sectors.into();
    w[57..59].copy_from_slice(&split(f.current.capacity()));
    w[59] = if f.multiple == 0 { 0 } else { 0x0100 | u16::from(f.multiple) };
    w[60..62].copy_from_slice(&split(f.sectors.min(LBA28_LIMIT - 1)));
    w[64] = 0x0003; // PIO modes 3 and 4
    w[67] = 120; // ns a cycle
    w[68] = 120;
    w[80] = 0x007e; // ATA-1 to ATA-6
    w[82] = 0x4068; // NOP, look-ahead, write cache, power management
    w[83] = 0x7400; // FLUSH CACHE EXT, FLUSH CACHE, 48 bits
    w[84] = 0x4000;
    w[85] = 0x4068;
    w[86] = 0x3400;
    w[87] = 0x4000;
    w[93] = 0x4000 | if f.unit & 1 == 0 { 0x000b } else { 0x0b00 }; // diagnostics passed, jumpers
    let [w100, w101] = split(f.sectors);
    let [w102, w103] = split(f.sectors >> 32);
    w[100..104].copy_from_slice(&[w100, w101, w102, w103]);
    w[255] = 0x00a5;

    let mut bytes = [0; SECTOR];
    for (b, word) in bytes.chunks_exact_mut(2).zip(w) {
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
