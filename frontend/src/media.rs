//! Drives and the media in them: from the options that name image files to what the board takes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ferrite_devices::host::{Disk, FloppyDrive, FloppyKind, IdeDrive, MemDisk, SECTOR};

use crate::Failure;
use crate::host::disk::{Medium, RawDisk, Writes};
use crate::host::twin;

/// A drive, by the name of the option that fills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A floppy drive: 0 or 1.
    Floppy(u8),
    /// A position on the IDE channels: 0 primary master, 1 primary slave, 2 and 3 secondary.
    Ide(u8),
    /// The first CD-ROM drive, wherever it is.
    Cdrom,
}

/// Names of slots.
const SLOTS: [(&str, Slot); 7] = [
    ("fda", Slot::Floppy(0)),
    ("fdb", Slot::Floppy(1)),
    ("hda", Slot::Ide(0)),
    ("hdb", Slot::Ide(1)),
    ("hdc", Slot::Ide(2)),
    ("hdd", Slot::Ide(3)),
    ("cdrom", Slot::Cdrom),
];

impl FromStr for Slot {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let found = SLOTS.iter().find(|(name, _)| *name == s).map(|(_, slot)| *slot);
        found.ok_or_else(|| format!("no drive `{s}`: fda, fdb, cdrom or hda to hdd is needed"))
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SLOTS.iter().find(|(_, slot)| slot == self).map_or("drive", |(name, _)| name))
    }
}

/// What is asked for at one drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The option that asked, for messages.
    pub option: String,
    /// Where it goes; the first free position of its kind if absent.
    pub place: Place,
    /// The image; none for a drive without a medium.
    pub file: Option<PathBuf>,
    /// The guest may not write.
    pub read_only: bool,
}

/// Where a drive goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A floppy drive.
    Floppy(Option<u8>),
    /// A hard disk on IDE.
    Disk(Option<u8>),
    /// A CD-ROM drive on IDE: the secondary master first, as on most PCs.
    Cdrom(Option<u8>),
}

impl Place {
    /// Positions to try, in order.
    fn positions(self) -> Vec<usize> {
        match self {
            Self::Floppy(Some(n)) | Self::Disk(Some(n)) | Self::Cdrom(Some(n)) => vec![usize::from(n)],
            Self::Floppy(None) => vec![0, 1],
            Self::Disk(None) => vec![0, 1, 2, 3],
            Self::Cdrom(None) => vec![2, 3, 1, 0],
        }
    }
}

/// The drives of a machine.
#[derive(Default)]
pub struct Drives {
    /// hda to hdd.
    pub ide: [Option<IdeDrive>; 4],
    /// fda and fdb.
    pub floppies: [Option<FloppyDrive>; 2],
}

impl fmt::Debug for Drives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = (self.ide.iter().flatten().count(), self.floppies.iter().flatten().count());
        f.debug_tuple("Drives").field(&given).finish()
    }
}

impl Drives {
    /// The same drives for a second machine, which sees its own writes only; the media are written by the first.
    #[must_use]
    pub fn split(&mut self) -> Self {
        let mut second = Self::default();
        let mut medium = |m: &mut Box<dyn Disk>| {
            let (first, other) = twin::split(std::mem::replace(m, Box::new(MemDisk::default())));
            *m = first;
            other
        };
        for (first, second) in self.ide.iter_mut().zip(&mut second.ide) {
            *second = first.as_mut().map(|drive| match drive {
                IdeDrive::Disk(disk) => IdeDrive::Disk(medium(disk)),
                IdeDrive::Cdrom(disk) => IdeDrive::Cdrom(disk.as_mut().map(&mut medium)),
            });
        }
        for (first, second) in self.floppies.iter_mut().zip(&mut second.floppies) {
            *second = first
                .as_mut()
                .map(|drive| FloppyDrive { kind: drive.kind, medium: drive.medium.as_mut().map(&mut medium) });
        }
        second
    }

    /// Whether there is no drive at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ide.iter().all(Option::is_none) && self.floppies.iter().all(Option::is_none)
    }
}

/// Opens what `requests` name and puts it in place; `disposable` keeps all writes in memory.
///
/// Whoever names a position gets it; the others get what is free then, in the order in which they came.
///
/// # Errors
/// [`Failure::Usage`] for two drives in one place or on one file, [`Failure::Host`] for a file that is no image.
pub fn open_all(requests: &[Request], disposable: bool) -> Result<Drives, Failure> {
    let mut drives = Drives::default();
    let mut ide: [Option<&Request>; 4] = [None; 4];
    let mut floppies: [Option<&Request>; 2] = [None; 2];
    let fixed = |r: &&Request| matches!(r.place, Place::Floppy(Some(_)) | Place::Disk(Some(_)) | Place::Cdrom(Some(_)));
    for r in requests.iter().filter(fixed).chain(requests.iter().filter(|r| !fixed(r))) {
        let is_floppy = matches!(r.place, Place::Floppy(_));
        let places: &mut [Option<&Request>] = if is_floppy { &mut floppies } else { &mut ide };
        let mut taken = None;
        let free = r.place.positions().into_iter().find(|n| {
            let holder = places.get(*n).copied().flatten();
            taken = holder.or(taken);
            holder.is_none()
        });
        match (free.and_then(|n| places.get_mut(n)), taken) {
            (Some(place), _) => *place = Some(r),
            (None, Some(other)) if fixed(&r) => {
                let what = r.place.positions().first().map_or(String::new(), |n| position_name(is_floppy, *n));
                return Err(Failure::Usage(format!("{}: {} already has {what}", r.option, other.option)));
            }
            (None, _) => {
                let all = if is_floppy { "both floppy drives are taken" } else { "all four IDE positions are taken" };
                return Err(Failure::Usage(format!("{}: {all}", r.option)));
            }
        }
    }
    check_files_differ(requests)?;
    for (drive, r) in drives.ide.iter_mut().zip(ide).filter_map(|(d, r)| Some((d, r?))) {
        *drive = Some(match (&r.file, r.place) {
            (Some(file), Place::Cdrom(_)) => IdeDrive::Cdrom(Some(open_cdrom(&r.option, file)?)),
            (None, Place::Cdrom(_)) => IdeDrive::Cdrom(None),
            (Some(file), _) => {
                IdeDrive::Disk(Box::new(RawDisk::open(&r.option, file, writes(r, disposable), Medium::Disk)?))
            }
            (None, _) => return Err(Failure::Usage(format!("{}: a disk needs file=PATH", r.option))),
        });
    }
    for (drive, r) in drives.floppies.iter_mut().zip(floppies).filter_map(|(d, r)| Some((d, r?))) {
        *drive = Some(match &r.file {
            Some(file) => {
                let disk = RawDisk::open(&r.option, file, writes(r, disposable), Medium::Floppy)?;
                floppy_drive(Some(Box::new(disk)))
            }
            None => floppy_drive(None),
        });
    }
    Ok(drives)
}

fn position_name(is_floppy: bool, n: usize) -> String {
    let n = u8::try_from(n).unwrap_or(u8::MAX);
    if is_floppy { Slot::Floppy(n).to_string() } else { format!("{} (IDE position {n})", Slot::Ide(n)) }
}

fn writes(r: &Request, disposable: bool) -> Writes {
    match (r.read_only, disposable) {
        (true, _) => Writes::Refused,
        (false, true) => Writes::Disposable,
        (false, false) => Writes::Through,
    }
}

fn open_cdrom(option: &str, file: &Path) -> Result<Box<dyn Disk>, Failure> {
    Ok(Box::new(RawDisk::open(option, file, Writes::Refused, Medium::Cdrom)?))
}

/// Opens an image for a drive of a running machine.
///
/// # Errors
/// As [`open_all`]; a hard disk cannot be changed.
pub fn open_one(slot: Slot, file: &Path, disposable: bool) -> Result<Box<dyn Disk>, Failure> {
    let option = slot.to_string();
    match slot {
        Slot::Floppy(_) => {
            let writes = if disposable { Writes::Disposable } else { Writes::Through };
            Ok(Box::new(RawDisk::open(&option, file, writes, Medium::Floppy)?))
        }
        Slot::Cdrom | Slot::Ide(_) => open_cdrom(&option, file),
    }
}

/// Two drives on one file would each write without the other's knowledge.
fn check_files_differ(requests: &[Request]) -> Result<(), Failure> {
    let files: Vec<_> = requests.iter().filter_map(|r| Some((r, identity(r.file.as_deref()?)?))).collect();
    for (n, (r, id)) in files.iter().enumerate() {
        if let Some((other, _)) = files.iter().take(n).find(|(_, x)| x == id) {
            let file = r.file.as_deref().unwrap_or(Path::new("")).display();
            return Err(Failure::Usage(format!(
                "{} {file}: the same file as {}; each drive needs a file of its own",
                r.option, other.option
            )));
        }
    }
    Ok(())
}

/// What two names of one file have in common. `None` where nothing is: opening it will say why.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.dev(), meta.ino()))
}

/// What two names of one file have in common. `None` where nothing is: opening it will say why.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    std::fs::canonicalize(path).ok()
}

/// A drive for this medium, as its size and its boot sector tell; one without a medium is a 1.44M drive.
pub(crate) fn floppy_drive(mut medium: Option<Box<dyn Disk>>) -> FloppyDrive {
    let mut boot = [0; SECTOR];
    let kind = medium.as_mut().map_or(FloppyKind::M1440, |m| {
        // A boot sector that cannot be read tells nothing.
        let read = m.sectors() != 0 && m.read(0, &mut boot).is_ok();
        FloppyKind::for_image(m.sectors(), if read { &boot } else { &[0; SECTOR] })
    });
    FloppyDrive { kind, medium }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(dir: &Path, name: &str, len: usize) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, vec![0; len]).unwrap();
        path
    }

    fn request(option: &str, place: Place, file: Option<PathBuf>) -> Request {
        Request { option: option.to_owned(), place, file, read_only: false }
    }

    fn says(requests: &[Request], status: u8, want: &[&str]) {
        let e = open_all(requests, false).unwrap_err();
        let text = e.to_string();
        assert!(e.status() == status && !text.contains('\n') && want.iter().all(|w| text.contains(w)), "{text}");
    }

    #[test]
    fn who_names_a_position_gets_it_and_the_others_what_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let file = |n: &str| Some(image(dir.path(), n, 2048));
        let drives = open_all(
            &[
                request("--drive", Place::Disk(None), file("a")),
                request("--cdrom", Place::Cdrom(None), file("b")),
                request("--hda", Place::Disk(Some(0)), file("c")),
                request("--drive", Place::Cdrom(None), None),
            ],
            false,
        )
        .unwrap();
        let kinds = drives.ide.each_ref().map(|d| match d {
            Some(IdeDrive::Disk(_)) => "disk",
            Some(IdeDrive::Cdrom(Some(_))) => "cd",
            Some(IdeDrive::Cdrom(None)) => "empty",
            None => "none",
        });
        assert_eq!(kinds, ["disk", "disk", "cd", "empty"]);
        assert!(!drives.is_empty() && open_all(&[], false).unwrap().is_empty());
    }

    #[test]
    fn two_drives_in_one_place_are_named_both() {
        let dir = tempfile::tempdir().unwrap();
        let file = |n: &str| Some(image(dir.path(), n, 2048));
        let cd = request("--cdrom", Place::Cdrom(Some(2)), file("cd"));
        says(&[cd, request("--hdc", Place::Disk(Some(2)), file("d"))], 2, &["--hdc", "--cdrom already has hdc"]);
        let many: Vec<_> = (0..5).map(|n| request("--drive", Place::Disk(None), file(&n.to_string()))).collect();
        says(&many, 2, &["--drive", "four IDE positions"]);
        let many: Vec<_> = (0..3).map(|n| request("--drive", Place::Floppy(None), file(&n.to_string()))).collect();
        says(&many, 2, &["both floppy drives"]);
    }

    #[test]
    fn two_drives_on_one_file_are_refused_whatever_name_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let a = image(dir.path(), "a", 2048);
        let other = dir.path().join(".").join("a");
        let requests =
            [request("--hda", Place::Disk(Some(0)), Some(a)), request("--fda", Place::Floppy(Some(0)), Some(other))];
        says(&requests, 2, &["--fda", "same file as --hda"]);
    }

    #[test]
    fn the_size_of_a_floppy_chooses_its_drive() {
        let kib = |k: usize| floppy_drive(Some(Box::new(MemDisk::new(vec![0; k << 10])))).kind;
        assert_eq!([160, 180, 320, 360].map(kib), [FloppyKind::K360; 4]);
        assert_eq!(kib(1200), FloppyKind::M1200);
        assert_eq!([720, 1440, 1680, 1722].map(kib), [FloppyKind::M1440; 4]);
        assert_eq!(kib(2880), FloppyKind::M2880);
        assert_eq!(floppy_drive(None).kind, FloppyKind::M1440);
    }

    #[test]
    fn slots_have_the_names_of_the_options() {
        for (name, slot) in SLOTS {
            assert_eq!((name.parse(), slot.to_string()), (Ok(slot), name.to_owned()));
        }
        assert!("hde".parse::<Slot>().unwrap_err().contains("fda, fdb, cdrom"));
    }
}
