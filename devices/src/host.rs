//! What devices want from the host: a place for serial bytes and a block device. Files, sockets
//! and terminals belong to the frontend; here are only the traits and memory-backed forms.

use std::sync::mpsc;

/// Bytes per sector of every disk here.
pub const SECTOR: usize = 512;

/// The far end of a serial line or a debug port, towards the host. Bytes towards the guest come
/// as [`ferrite_core::device::Input::Bytes`], stamped with their time.
pub trait CharPort: Send {
    /// The guest sent a byte.
    fn transmit(&mut self, byte: u8);
}

/// Drops everything.
#[derive(Debug, Default)]
pub struct Null;

impl CharPort for Null {
    fn transmit(&mut self, _: u8) {}
}

/// Hands every byte to the receiving end of a channel, for the frontend and for tests.
#[derive(Debug)]
pub struct Channel(mpsc::Sender<u8>);

impl Channel {
    /// The port and where its bytes come out.
    pub fn new() -> (Channel, mpsc::Receiver<u8>) {
        let (tx, rx) = mpsc::channel();
        (Channel(tx), rx)
    }
}

impl CharPort for Channel {
    fn transmit(&mut self, byte: u8) {
        // A receiver that has gone away wants no more bytes; the guest goes on.
        let _ = self.0.send(byte);
    }
}

/// The host could not read or write the medium. The guest sees an uncorrectable error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskError;

/// A block device of whole sectors.
pub trait Disk: Send {
    /// Sectors on the medium.
    fn sectors(&self) -> u64;

    /// Fills `buf`, a whole number of sectors, from sector `lba` on.
    ///
    /// # Errors
    /// When the host fails or the range is not on the medium.
    fn read(&mut self, lba: u64, buf: &mut [u8]) -> Result<(), DiskError>;

    /// Writes `buf`, a whole number of sectors, from sector `lba` on.
    ///
    /// # Errors
    /// As [`Disk::read`], and when the medium is read-only.
    fn write(&mut self, lba: u64, buf: &[u8]) -> Result<(), DiskError>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// When the host fails.
    fn flush(&mut self) -> Result<(), DiskError> {
        Ok(())
    }

    /// Writes are refused.
    fn read_only(&self) -> bool {
        false
    }
}

/// What sits at a position of an IDE channel.
pub enum IdeDrive {
    /// A hard disk.
    Disk(Box<dyn Disk>),
    /// A CD-ROM drive and the medium in it: raw sectors of 2048 bytes, as four of [`SECTOR`].
    Cdrom(Option<Box<dyn Disk>>),
}

/// A floppy drive and the medium in it.
pub struct FloppyDrive {
    /// What the drive can do.
    pub kind: FloppyKind,
    /// A raw image, cylinder by cylinder, head by head.
    pub medium: Option<Box<dyn Disk>>,
}

/// Kinds of floppy drives; the numbers are those of CMOS register 10h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloppyKind {
    /// 5¼ inch, 360 KiB.
    K360 = 1,
    /// 5¼ inch, 1.2 MiB.
    M1200 = 2,
    /// 3½ inch, 720 KiB.
    K720 = 3,
    /// 3½ inch, 1.44 MiB.
    M1440 = 4,
    /// 3½ inch, 2.88 MiB.
    M2880 = 5,
}

/// A disk in memory.
#[derive(Clone, Debug, Default)]
pub struct MemDisk {
    bytes: Vec<u8>,
}

impl MemDisk {
    /// A disk with these contents, padded to whole sectors.
    pub fn new(mut bytes: Vec<u8>) -> MemDisk {
        bytes.resize(bytes.len().next_multiple_of(SECTOR), 0);
        MemDisk { bytes }
    }

    fn range(&self, lba: u64, len: usize) -> Result<std::ops::Range<usize>, DiskError> {
        let start = usize::try_from(lba).ok().and_then(|l| l.checked_mul(SECTOR)).ok_or(DiskError)?;
        let end = start.checked_add(len).filter(|e| *e <= self.bytes.len()).ok_or(DiskError)?;
        Ok(start..end)
    }
}

impl Disk for MemDisk {
    fn sectors(&self) -> u64 {
        (self.bytes.len() / SECTOR) as u64
    }

    fn read(&mut self, lba: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        let range = self.range(lba, buf.len())?;
        buf.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    fn write(&mut self, lba: u64, buf: &[u8]) -> Result<(), DiskError> {
        let range = self.range(lba, buf.len())?;
        self.bytes[range].copy_from_slice(buf);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_disk_refuses_what_is_not_on_it() {
        let mut disk = MemDisk::new(vec![7; 513]);
        assert_eq!(disk.sectors(), 2);
        let mut buf = [0; SECTOR];
        assert_eq!(disk.read(1, &mut buf), Ok(()));
        assert_eq!(buf[..2], [7, 0]);
        assert_eq!(disk.read(2, &mut buf), Err(DiskError));
        assert_eq!(disk.read(u64::MAX, &mut buf), Err(DiskError));
        assert_eq!(disk.write(2, &buf), Err(DiskError));
    }
}
