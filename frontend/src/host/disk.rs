//! Raw image files as disks, written through or with an overlay in memory that is thrown away.
//!
//! What the guest writes is in the file when its command ends, so that an emulator that is killed loses nothing; what it flushes is on
//! the host's medium. A file that a machine writes is locked against every other user of it, one that is only read against writers
//! (advisory locks: `flock` on Unix).

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use ferrite_devices::host::{Disk, DiskError, FloppyKind, SECTOR};
use ferrite_devices::storage::floppy_media::Geometry;

use super::image::{self, Claim};
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

/// What an image is the content of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A hard disk: whole sectors of 512 bytes.
    Disk,
    /// A CD: sectors of 2048 bytes, the last one padded.
    Cdrom,
    /// A floppy disk. An image of a size that is no format's has the format that its boot sector tells of, else 1.44M if that is large
    /// enough; the rest of it is blank.
    Floppy,
}

/// How much of an image is looked at to see what it is: all of an ISO 9660 primary volume descriptor.
const HEAD: u64 = 17 * 2048;

/// A raw image file.
#[derive(Debug)]
pub struct RawDisk {
    file: File,
    /// Bytes in the file; what the medium has beyond reads as zeros.
    len: u64,
    /// Sectors of the medium.
    sectors: u64,
    writes: Writes,
    overlay: BTreeMap<u64, Box<[u8; SECTOR]>>,
}

impl RawDisk {
    /// Opens and locks `path`, which `option` named.
    ///
    /// An image that is written must be what it says it is: whole sectors, and not shorter than its own partition table or file system
    /// claims. A disk that is not written may be cut; what is missing reads as zeros.
    ///
    /// # Errors
    /// [`Failure::Host`] if the file cannot be opened as `writes` needs, is locked, or is no image of a `medium`.
    pub fn open(option: &str, path: &Path, writes: Writes, medium: Medium) -> Result<Self, Failure> {
        let fail = |why: String| Failure::Host(format!("{option} {}: {why}", path.display()));
        // Before it is opened: that of a pipe would wait for its other end.
        let meta = std::fs::metadata(path).map_err(|e| fail(reason(&e)))?;
        if meta.is_dir() {
            return Err(fail("is a directory; a raw disk image is needed".to_owned()));
        }
        if !is_image_like(&meta) {
            return Err(fail("is no file; a raw disk image is needed".to_owned()));
        }
        let through = writes == Writes::Through;
        let mut file = OpenOptions::new().read(true).write(through).open(path).map_err(|e| {
            let denied = matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem);
            let hint = if through && denied && File::open(path).is_ok() {
                " (read-only: --disposable keeps writes in memory)"
            } else {
                ""
            };
            fail(format!("{}{hint}", reason(&e)))
        })?;
        lock(&file, through).map_err(fail)?;
        // A block device has no length of its own: its end is.
        let len = file.seek(SeekFrom::End(0)).map_err(|e| fail(reason(&e)))?;
        if len == 0 {
            return Err(fail("is empty; a raw disk image is needed".to_owned()));
        }
        let mut head = Vec::new();
        file.rewind().and_then(|()| (&file).take(HEAD).read_to_end(&mut head)).map_err(|e| fail(reason(&e)))?;
        if let Some(format) = image::other_format(&head) {
            return Err(fail(format!("{format}; a raw image is needed")));
        }
        let sectors = whole_sectors(len, writes, medium, &head).map_err(fail)?;
        let strict = through || medium == Medium::Cdrom;
        if let Some(Claim { bytes, by }) = image::claim(&head, medium).filter(|c| strict && c.bytes > len) {
            let hint = if through { " (--disposable takes it as it is)" } else { "" };
            return Err(fail(format!("truncated: {by} reaches to byte {bytes}, the file has {len}{hint}")));
        }
        Ok(Self { file, len, sectors, writes, overlay: BTreeMap::new() })
    }

    /// Byte position of `lba`, if `len` bytes from there are on the disk.
    fn position(&self, lba: u64, len: usize) -> Result<u64, DiskError> {
        let count = (len / SECTOR) as u64;
        let end = lba.checked_add(count).filter(|e| *e <= self.sectors && len.is_multiple_of(SECTOR));
        end.and_then(|_| lba.checked_mul(SECTOR as u64)).ok_or(DiskError)
    }

    fn read_file(&self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        let there = self.len.saturating_sub(at).min(buf.len() as u64) as usize;
        let (held, beyond) = buf.split_at_mut(there);
        read_exact_at(&self.file, held, at)?;
        beyond.fill(0);
        Ok(())
    }

    fn write_file(&mut self, at: u64, buf: &[u8]) -> io::Result<()> {
        write_all_at(&self.file, buf, at)?;
        self.len = self.len.max(at + buf.len() as u64);
        Ok(())
    }
}

/// A file or a block device.
#[cfg(unix)]
fn is_image_like(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    meta.is_file() || meta.file_type().is_block_device()
}

/// A file.
#[cfg(not(unix))]
fn is_image_like(meta: &std::fs::Metadata) -> bool {
    meta.is_file()
}

/// Takes the lock, which lasts as long as the file is open. A file system without locks has none to offer.
fn lock(file: &File, exclusive: bool) -> Result<(), String> {
    let taken = if exclusive { file.try_lock() } else { file.try_lock_shared() };
    match taken {
        Err(TryLockError::WouldBlock) if exclusive => {
            Err("is in use by another machine or drive (locked); each needs an image of its own".to_owned())
        }
        Err(TryLockError::WouldBlock) => Err("is being written by another machine or drive (locked)".to_owned()),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Sectors of a medium whose image has `len` bytes and begins with `head`.
fn whole_sectors(len: u64, writes: Writes, medium: Medium, head: &[u8]) -> Result<u64, String> {
    let sectors = len.div_ceil(SECTOR as u64);
    let odd = len % SECTOR as u64;
    if odd != 0 && writes == Writes::Through {
        return Err(format!(
            "{len} bytes are {} sectors of 512 and {odd} bytes: truncated? (--disposable pads it in memory)",
            len / SECTOR as u64
        ));
    }
    match medium {
        Medium::Disk => Ok(sectors),
        Medium::Cdrom => Ok(sectors.next_multiple_of(4)),
        Medium::Floppy => {
            let boot = boot_sector(head);
            // At least its own size: what lies behind the last sector of a format is out of reach, not lost.
            match Geometry::detect(FloppyKind::for_image(sectors, &boot), sectors, &boot) {
                Ok(g) => Ok(g.total().max(sectors)),
                Err(_) => Err(format!(
                    "{len} bytes are more than a floppy disk holds: images have 160K, 180K, 320K, 360K, 720K, 1.2M, 1.44M \
                     or 2.88M (2949120 bytes)"
                )),
            }
        }
    }
}

/// The first sector of an image, zeros where there is none.
fn boot_sector(head: &[u8]) -> [u8; SECTOR] {
    let mut boot = [0; SECTOR];
    boot.iter_mut().zip(head).for_each(|(to, from)| *to = *from);
    boot
}

#[cfg(unix)]
fn read_exact_at(file: &File, buf: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buf, at)
}

#[cfg(unix)]
fn write_all_at(file: &File, buf: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, buf, at)
}

#[cfg(not(unix))]
fn read_exact_at(mut file: &File, buf: &mut [u8], at: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(buf)
}

#[cfg(not(unix))]
fn write_all_at(mut file: &File, buf: &[u8], at: u64) -> io::Result<()> {
    use std::io::Write;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(buf)
}

impl Disk for RawDisk {
    fn sectors(&self) -> u64 {
        self.sectors
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
                    let held = self.overlay.entry(sector).or_insert_with(|| Box::new([0; SECTOR]));
                    held.copy_from_slice(data);
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
    use std::io::Write;

    fn image(len: usize) -> tempfile::NamedTempFile {
        let mut f = tempfile::NamedTempFile::new().unwrap();
        f.write_all(&vec![0x5a; len]).unwrap();
        f
    }

    fn open(f: &tempfile::NamedTempFile, writes: Writes, medium: Medium) -> Result<RawDisk, String> {
        RawDisk::open("--it", f.path(), writes, medium).map_err(|e| {
            let text = e.to_string();
            assert!(e.status() == 4 && text.starts_with("--it ") && !text.contains('\n'), "{text}");
            text
        })
    }

    #[test]
    fn writes_go_through_and_stay() {
        let f = image(1024);
        let mut d = open(&f, Writes::Through, Medium::Disk).unwrap();
        d.write(1, &[7; SECTOR]).unwrap();
        d.flush().unwrap();
        assert_eq!(std::fs::read(f.path()).unwrap(), [[0x5a; SECTOR], [7; SECTOR]].concat());
        assert_eq!(d.write(2, &[7; SECTOR]), Err(DiskError), "past the end");
        assert_eq!(d.write(u64::MAX, &[7; SECTOR]), Err(DiskError));
    }

    #[test]
    fn disposable_writes_are_read_back_and_never_reach_the_file() {
        let f = image(1536);
        let mut d = open(&f, Writes::Disposable, Medium::Disk).unwrap();
        d.write(1, &[7; SECTOR]).unwrap();
        let mut buf = [0; 3 * SECTOR];
        d.read(0, &mut buf).unwrap();
        assert_eq!(buf, *[[0x5a; SECTOR], [7; SECTOR], [0x5a; SECTOR]].as_flattened());
        assert_eq!(std::fs::read(f.path()).unwrap(), [0x5a; 1536]);
    }

    #[test]
    fn an_odd_end_is_padded_where_nothing_is_written_and_refused_where_it_would_be() {
        let f = image(600);
        let mut d = open(&f, Writes::Refused, Medium::Disk).unwrap();
        assert_eq!((d.sectors(), d.read_only()), (2, true));
        let mut buf = [1; SECTOR];
        d.read(1, &mut buf).unwrap();
        assert_eq!((buf[87], buf[88], buf[511]), (0x5a, 0, 0));
        assert_eq!(d.write(0, &buf), Err(DiskError));
        drop(d);
        let e = open(&f, Writes::Through, Medium::Disk).unwrap_err();
        assert!(e.contains("600 bytes") && e.contains("88 bytes") && e.contains("--disposable"), "{e}");
        assert_eq!(open(&f, Writes::Refused, Medium::Cdrom).unwrap().sectors(), 4);
    }

    #[test]
    fn a_floppy_of_another_size_is_blank_behind_its_image_and_grows_when_written_there() {
        let f = image(1024);
        let mut d = open(&f, Writes::Through, Medium::Floppy).unwrap();
        assert_eq!(d.sectors(), 2880);
        let mut buf = [1; SECTOR];
        d.read(2879, &mut buf).unwrap();
        assert_eq!(buf, [0; SECTOR]);
        d.write(4, &[7; SECTOR]).unwrap();
        d.read(3, &mut buf).unwrap();
        assert_eq!((buf, std::fs::metadata(f.path()).unwrap().len()), ([0; SECTOR], 2560));
        for (kib, sectors) in [(160, 320), (360, 720), (720, 1440), (1200, 2400), (1680, 3360), (2500, 5760)] {
            assert_eq!(open(&image(kib << 10), Writes::Through, Medium::Floppy).unwrap().sectors(), sectors);
        }
        let e = open(&image((3200 << 10) + 512), Writes::Through, Medium::Floppy).unwrap_err();
        assert!(e.contains("1.44M") && e.contains("2.88M"), "{e}");
    }

    #[test]
    fn what_is_no_image_is_named() {
        let e = open(&image(0), Writes::Refused, Medium::Disk).unwrap_err();
        assert!(e.contains("is empty"), "{e}");
        let e = |path: &Path, w| RawDisk::open("--hda", path, w, Medium::Disk).unwrap_err().to_string();
        assert!(e(Path::new("/no/such"), Writes::Through).contains("No such file"));
        for writes in [Writes::Refused, Writes::Through] {
            assert!(e(&std::env::temp_dir(), writes).contains("is a directory"));
        }
        #[cfg(unix)]
        assert!(e(Path::new("/dev/null"), Writes::Refused).contains("is no file"));
    }

    #[test]
    fn a_writer_locks_others_out_and_readers_share() {
        let f = image(1024);
        let writer = open(&f, Writes::Through, Medium::Disk).unwrap();
        for writes in [Writes::Through, Writes::Disposable, Writes::Refused] {
            assert!(open(&f, writes, Medium::Disk).unwrap_err().contains("locked"));
        }
        drop(writer);
        let readers = [Writes::Refused, Writes::Disposable].map(|w| open(&f, w, Medium::Disk).unwrap());
        assert!(open(&f, Writes::Through, Medium::Disk).unwrap_err().contains("in use"));
        drop(readers);
        assert!(open(&f, Writes::Through, Medium::Disk).is_ok());
    }

    #[test]
    fn an_image_that_says_it_is_longer_is_truncated_unless_nothing_is_written() {
        let f = image(0);
        let mut boot = [0u8; 1024];
        boot[..3].copy_from_slice(&[0xeb, 0x3c, 0x90]);
        boot[11..28].copy_from_slice(&[0, 2, 1, 1, 0, 2, 224, 0, 0x40, 0x0b, 0xf0, 9, 0, 18, 0, 2, 0]);
        boot[510..512].copy_from_slice(&[0x55, 0xaa]);
        f.as_file().write_all(&boot).unwrap();
        let e = open(&f, Writes::Through, Medium::Floppy).unwrap_err();
        assert!(e.contains("truncated: the file system reaches to byte 1474560, the file has 1024"), "{e}");
        assert!(open(&f, Writes::Disposable, Medium::Floppy).is_ok());
    }
}
