//! What a disk image says about itself: a format that is not raw, or a size that it should have.
//!
//! Documents: Microsoft *FAT: General Overview of On-Disk Format*, "Boot Sector and BPB"; IBM PC/AT Technical Reference, "Fixed disk boot
//! record"; ECMA-119, "Primary Volume Descriptor"; ECMA-130, "Sectors of a digital data track".
//!
//! Everything here only reads bytes that may be anything.

use super::disk::Medium;

/// The size that something on the medium claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Bytes that the image should have at least.
    pub bytes: u64,
    /// What says so.
    pub by: &'static str,
}

/// Sectors that a partition may reach past the end: partitions are rounded to cylinders of 255 heads and 63 sectors.
const CYLINDER: u64 = 255 * 63;

/// Blocks at the end of a CD that burning programs add, and reading programs leave out: 150 of padding, 2 of run-out.
const CD_TAIL: u64 = 152;

fn u16_at(b: &[u8], at: usize) -> Option<u64> {
    Some(u16::from_le_bytes(b.get(at..at + 2)?.try_into().ok()?).into())
}

fn u32_at(b: &[u8], at: usize) -> Option<u64> {
    Some(u32::from_le_bytes(b.get(at..at + 4)?.try_into().ok()?).into())
}

/// What the start of an image says that its size is.
pub fn claim(head: &[u8], medium: Medium) -> Option<Claim> {
    match medium {
        Medium::Cdrom => volume(head),
        Medium::Floppy => file_system(head),
        Medium::Disk => file_system(head).or_else(|| partitions(head)),
    }
}

/// ECMA-119: volume space size and logical block size of the descriptor in sector 16.
fn volume(head: &[u8]) -> Option<Claim> {
    let d = head.get(16 * 2048..)?;
    if d.get(..7)? != b"\x01CD001\x01" || u16_at(d, 128)? != 2048 {
        return None;
    }
    let blocks = u32_at(d, 80)?.saturating_sub(CD_TAIL);
    Some(Claim { bytes: blocks * 2048, by: "the ISO 9660 volume" })
}

/// BPB_TotSec16 or BPB_TotSec32 of a boot sector whose other fields are possible.
fn file_system(head: &[u8]) -> Option<Claim> {
    let byte = |at: usize| head.get(at).copied();
    let jump = matches!((byte(0)?, byte(2)?), (0xeb, 0x90) | (0xe9, _));
    let (per_cluster, media) = (byte(13)?, byte(21)?);
    let possible = jump
        && u16_at(head, 11)? == 512
        && per_cluster.is_power_of_two()
        && (1..=2).contains(&byte(16)?)
        && (media == 0xf0 || media >= 0xf8)
        && u16_at(head, 14)? != 0;
    let sectors = match u16_at(head, 19)? {
        0 => u32_at(head, 32)?,
        n => n,
    };
    (possible && sectors != 0).then_some(Claim { bytes: sectors * 512, by: "the file system" })
}

/// The end of the last partition of a boot record.
fn partitions(head: &[u8]) -> Option<Claim> {
    /// The whole disk, for those who do not know GPT.
    const PROTECTIVE: u8 = 0xee;
    if head.get(510..512)? != [0x55, 0xaa] {
        return None;
    }
    let mut end = 0;
    for n in 0..4 {
        let e = head.get(446 + 16 * n..)?;
        let (flag, kind) = (*e.first()?, *e.get(4)?);
        if flag & 0x7f != 0 || kind == PROTECTIVE {
            return None; // code or data, not a table; or one that says nothing
        }
        if kind != 0 {
            end = end.max(u32_at(e, 8)? + u32_at(e, 12)?);
        }
    }
    let bytes = end.saturating_sub(CYLINDER) * 512;
    (bytes != 0).then_some(Claim { bytes, by: "the last partition" })
}

/// A format whose bytes are not those of the medium.
pub fn other_format(head: &[u8]) -> Option<&'static str> {
    /// Where, what, and what it is then.
    const SIGNATURES: [(usize, &[u8], &str); 11] = [
        (0, b"QFI\xfb", "is a qcow2 image"),
        (0, b"KDMV", "is a VMDK image"),
        (0, b"# Disk DescriptorFile", "is a VMDK descriptor"),
        (0, b"vhdxfile", "is a VHDX image"),
        (0, b"conectix", "is a VHD image"),
        (0x40, b"\x7f\x10\xda\xbe", "is a VDI image"),
        (0, b"\x1f\x8b\x08", "is compressed with gzip"),
        (0, b"\xfd7zXZ\0", "is compressed with xz"),
        (0, b"BZh", "is compressed with bzip2"),
        (0, b"PK\x03\x04", "is a ZIP archive"),
        (0, b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", "has raw CD sectors of 2352 bytes, not 2048"),
    ];
    SIGNATURES.iter().find(|(at, sig, _)| head.get(*at..).is_some_and(|b| b.starts_with(sig))).map(|s| s.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_descriptor_claims_its_blocks_without_the_tail() {
        let mut head = vec![0; 17 * 2048];
        head[16 * 2048..][..7].copy_from_slice(b"\x01CD001\x01");
        head[16 * 2048 + 80..][..4].copy_from_slice(&1152u32.to_le_bytes());
        head[16 * 2048 + 128..][..2].copy_from_slice(&2048u16.to_le_bytes());
        assert_eq!(claim(&head, Medium::Cdrom).map(|c| c.bytes), Some(1000 * 2048));
        assert_eq!(claim(&head, Medium::Disk), None);
        assert_eq!(claim(&head[..17 * 2048 - 1920], Medium::Cdrom), None, "cut in the descriptor");
    }

    #[test]
    fn a_partition_table_claims_the_end_of_its_last_partition() {
        let mut head = vec![0; 512];
        head[510..].copy_from_slice(&[0x55, 0xaa]);
        assert_eq!(claim(&head, Medium::Disk), None);
        head[446] = 0x80;
        head[446 + 4] = 0x83;
        head[446 + 8..][..8].copy_from_slice(&[0, 8, 0, 0, 0, 0, 2, 0]);
        assert_eq!(claim(&head, Medium::Disk).map(|c| c.bytes), Some((0x800 + 0x20000 - CYLINDER) * 512));
        head[446 + 16] = 0x12; // no flag: this is code
        assert_eq!(claim(&head, Medium::Disk), None);
        head[446 + 16] = 0;
        head[446 + 20] = 0xee;
        assert_eq!(claim(&head, Medium::Disk), None);
    }

    #[test]
    fn any_prefix_of_anything_is_read_without_harm() {
        for len in 0..600 {
            for byte in [0, 0x55, 0xeb, 0xff] {
                let head = vec![byte; len];
                for medium in [Medium::Disk, Medium::Cdrom, Medium::Floppy] {
                    assert_eq!(claim(&head, medium), None);
                }
            }
        }
    }

    #[test]
    fn other_formats_are_named() {
        assert_eq!(other_format(b"QFI\xfb\0\0\0\x03"), Some("is a qcow2 image"));
        assert_eq!(other_format(b"\x1f\x8b\x08\0"), Some("is compressed with gzip"));
        assert_eq!(other_format(b"\xeb\x3c\x90MSDOS5.0"), None);
        assert_eq!(other_format(b""), None);
    }
}
