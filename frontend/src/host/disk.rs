//! Raw image files as disks, written through or with an overlay in memory that is thrown away.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use ferrite_devices::host::{Disk, DiskError, SECTOR};

use crate::Failure;
use crate::cli::reason;

/// What becomes of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// They go to the file.
    Through,
    /// They stay in memory and are lost at the end of the run.
    Disposable,
    /// The guest is told that they fail.
    Refused,
}

/// A raw image file.
#[derive(Debug)]
pub struct RawDisk {
    file: File,
    /// Bytes in the file; a last sector that is not whole reads as padded with zeros.
    len: u64,
    writes: Writes,
    overlay: BTreeMap<u64, Box<[u8; SECTOR]>>,
}

impl RawDisk {
    /// Opens `path`, which `option` named.
    ///
    /// # Errors
    /// [`Failure::Host`] if the file cannot be opened as `writes` needs or is empty.
    pub fn open(option: &str, path: &Path, writes: Writes) -> Result<Self, Failure> {
        let fail = |why: String| Failure::Host(format!("{option} {}: {why}", path.display()));
        let through = writes == Writes::Through;
        let file = OpenOptions::new().read(true).write(through).open(path).map_err(|e| {
            let hint = if through && e.kind() == io::ErrorKind::PermissionDenied {
                " (--disposable writes nothing)"
            } else {
                ""
            };
            fail(format!("{}{hint}", reason(&e)))
        })?;
        let meta = file.metadata().map_err(|e| fail(reason(&e)))?;
        if meta.is_dir() {
            return Err(fail("is a folder; a raw disk image is needed".to_owned()));
        }
        // A block device has no length of its own: its end is.
        let len = (&file).seek(SeekFrom::End(0)).map_err(|e| fail(reason(&e)))?;
        if len == 0 {
            return Err(fail("is empty; a raw disk image is needed".to_owned()));
        }
        Ok(Self { file, len, writes, overlay: BTreeMap::new() })
    }

    /// Byte position of `lba`, if `len` bytes from there are on the disk.
    fn position(&self, lba: u64, len: usize) -> Result<u64, DiskError> {
        let count = (len / SECTOR) as u64;
        let end = lba.checked_add(count).filter(|e| *e <= self.sectors() && len.is_multiple_of(SECTOR));
        end.map(|_| lba * SECTOR as u64).ok_or(DiskError)
    }

    fn read_file(&mut self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        let there = self.len.saturating_sub(at).min(buf.len() as u64) as usize;
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut buf[..there])?;
        buf[there..].fill(0);
        Ok(())
    }

    fn write_file(&mut self, at: u64, buf: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(buf)?;
        self.len = self.len.max(at + buf.len() as u64);
        Ok(())
    }
}

impl Disk for RawDisk {
    fn sectors(&self) -> u64 {
        self.len.div_ceil(SECTOR as u64)
    }

    fn read(&mut self, lba: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        let at = self.position(lba, buf.len())?;
        self.read_file(at, buf).map_err(|_| DiskError)?;
        let end = lba + (buf.len() / SECTOR) as u64;
        for (sector, data) in self.overlay.range(lba..end) {
            buf[(sector - lba) as usize * SECTOR..][..SECTOR].copy_from_slice(&data[..]);
        }
        Ok(())
    }

    fn write(&mut self, lba: u64, buf: &[u8]) -> Result<(), DiskError> {
        let at = self.position(lba, buf.len())?;
        match self.writes {
            Writes::Refused => Err(DiskError),
            Writes::Through => self.write_file(at, buf).map_err(|_| DiskError),
            Writes::Disposable => {
                for (sector, data) in (lba..).zip(buf.chunks_exact(SECTOR)) {
                    let mut held = Box::new([0; SECTOR]);
                    held.copy_from_slice(data);
                    self.overlay.insert(sector, held);
                }
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        match self.writes {
            Writes::Through => self.file.sync_data().map_err(|_| DiskError),
            Writes::Disposable | Writes::Refused => Ok(()),
        }
    }

    fn read_only(&self) -> bool {
        self.writes == Writes::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(len: usize) -> tempfile::NamedTempFile {
        let mut f = tempfile::NamedTempFile::new().unwrap();
        f.write_all(&vec![0x5a; len]).unwrap();
        f
    }

    #[test]
    fn writes_go_through_and_stay() {
        let f = image(1024);
        let mut d = RawDisk::open("--hda", f.path(), Writes::Through).unwrap();
        d.write(1, &[7; SECTOR]).unwrap();
        d.flush().unwrap();
        assert_eq!(std::fs::read(f.path()).unwrap(), [[0x5a; SECTOR], [7; SECTOR]].concat());
        assert_eq!(d.write(2, &[7; SECTOR]), Err(DiskError), "past the end");
        assert_eq!(d.write(u64::MAX, &[7; SECTOR]), Err(DiskError));
    }

    #[test]
    fn disposable_writes_are_read_back_and_never_reach_the_file() {
        let f = image(1536);
        let mut d = RawDisk::open("--hda", f.path(), Writes::Disposable).unwrap();
        d.write(1, &[7; SECTOR]).unwrap();
        let mut buf = [0; 3 * SECTOR];
        d.read(0, &mut buf).unwrap();
        assert_eq!(buf, *[[0x5a; SECTOR], [7; SECTOR], [0x5a; SECTOR]].as_flattened());
        assert_eq!(std::fs::read(f.path()).unwrap(), [0x5a; 1536]);
    }

    #[test]
    fn an_odd_end_reads_as_padded_with_zeros() {
        let f = image(600);
        let mut d = RawDisk::open("--hda", f.path(), Writes::Refused).unwrap();
        assert_eq!((d.sectors(), d.read_only()), (2, true));
        let mut buf = [1; SECTOR];
        d.read(1, &mut buf).unwrap();
        assert_eq!((buf[87], buf[88], buf[511]), (0x5a, 0, 0));
        assert_eq!(d.write(0, &buf), Err(DiskError));
    }

    #[test]
    fn what_is_no_image_is_named() {
        let f = image(0);
        let e = RawDisk::open("--hdb", f.path(), Writes::Refused).unwrap_err();
        assert!(e.to_string().starts_with("--hdb ") && e.to_string().contains("is empty"), "{e}");
        assert!(RawDisk::open("--hda", Path::new("/no/such"), Writes::Through).is_err());
        assert!(RawDisk::open("--hda", &std::env::temp_dir(), Writes::Refused).is_err());
    }
}
