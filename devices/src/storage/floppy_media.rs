//! Diskettes as raw images, the formats that they have, and the drives that turn them.
//!
//! Documents: ECMA-66, ECMA-70, ECMA-78, ECMA-99, ECMA-100, ECMA-125 and ECMA-147 (data interchange on flexible disk
//! cartridges), for tracks, sectors and densities; Microsoft, "FAT: General Overview of On-Disk Format", "BPB", which
//! says how an image of an odd size was meant.
//!
//! An image holds the sectors of cylinder 0 head 0, cylinder 0 head 1, cylinder 1 head 0 and so on. One that ends early is
//! read as if zeros followed; they cannot be written. What lies behind the last sector of its format is out of reach.
//! A raw image says nothing of address marks: all sectors are there, with their usual numbers, and none is deleted.
//! Formatting cylinder 0, head 0 with other sectors gives the whole medium that layout, as far as the image reaches; on every
//! other track the sectors that the layout has are filled, and others are not there afterwards either.
//!
//! *Not modelled:* single density (FM), tracks that differ from each other, copy protection.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::host::{Disk, DiskError, FloppyKind, SECTOR};

/// What the medium is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Density {
    /// Double: 250 kbit/s at 300 rpm.
    Double,
    /// High: 500 kbit/s.
    High,
    /// Extra high: 1 Mbit/s, perpendicular recording.
    Extra,
}

/// Data rate in the coding of the 82077AA's DRATE bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// 500 kbit/s.
    K500 = 0,
    /// 300 kbit/s.
    K300 = 1,
    /// 250 kbit/s.
    K250 = 2,
    /// 1 Mbit/s.
    M1 = 3,
}

impl Rate {
    /// From DRATE1:DRATE0; other bits do not count.
    pub fn from_bits(bits: u8) -> Rate {
        match bits & 3 {
            0 => Rate::K500,
            1 => Rate::K300,
            2 => Rate::K250,
            _ => Rate::M1,
        }
    }
}

/// The layout of a medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Geometry {
    /// Cylinders.
    pub cylinders: u8,
    /// Sides.
    pub heads: u8,
    /// Sectors of a track, numbered from 1.
    pub sectors: u8,
    /// The sector's size: 128 << `n` bytes.
    pub n: u8,
    /// What it is recorded with.
    pub density: Density,
}

/// Cylinders that a drive's head reaches, and more than any format has.
pub const MAX_CYLINDERS: u8 = 86;
/// Those of a 48 tpi drive.
const MAX_CYLINDERS_48_TPI: u8 = 43;
/// More sectors than fit on a track of any density: 25,000 bytes at 1 Mbit/s, in sectors of 128 bytes and their gaps.
const MAX_SECTORS: u8 = 128;
/// The largest size code of the 82077AA: 16 KiB.
pub const MAX_N: u8 = 7;

const fn format(cylinders: u8, heads: u8, sectors: u8, density: Density) -> Geometry {
    Geometry { cylinders, heads, sectors, n: 2, density }
}

use Density::{Double, Extra, High};

/// The formats in use, by size.
const FORMATS: [Geometry; 22] = [
    format(40, 1, 8, Double), // 160K
    format(40, 1, 9, Double), // 180K
    format(40, 2, 8, Double), // 320K
    format(40, 2, 9, Double), // 360K
    format(80, 2, 8, Double), // 640K
    format(80, 2, 9, Double), // 720K
    format(80, 2, 10, Double),
    format(82, 2, 10, Double),
    format(83, 2, 10, Double),
    format(80, 2, 15, High), // 1.2M
    format(80, 2, 18, High), // 1.44M
    format(82, 2, 18, High),
    format(83, 2, 18, High),
    format(80, 2, 20, High),
    format(80, 2, 21, High), // 1.68M, DMF
    format(82, 2, 21, High), // 1.72M
    format(83, 2, 21, High),
    format(80, 2, 22, High),
    format(82, 2, 22, High),
    format(80, 2, 36, Extra), // 2.88M
    format(80, 2, 39, Extra),
    format(80, 2, 40, Extra),
];

/// Why an image is no diskette for a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MediumError {
    /// It holds nothing.
    #[error("the image is empty")]
    Empty,
    /// No format that the drive reads has so many sectors.
    #[error("an image of {sectors} sectors does not fit a {drive}; its media have up to {most}")]
    TooLarge {
        /// Of the image.
        sectors: u64,
        /// The drive, in words.
        drive: &'static str,
        /// Sectors of the drive's largest format.
        most: u64,
    },
}

impl Geometry {
    /// Bytes of a sector.
    pub fn sector_len(self) -> usize {
        128 << self.n
    }

    /// Bytes of the medium.
    fn bytes(self) -> u64 {
        u64::from(self.cylinders) * u64::from(self.heads) * u64::from(self.sectors) * self.sector_len() as u64
    }

    /// Sectors of [`SECTOR`] bytes.
    pub fn total(self) -> u64 {
        self.bytes() / SECTOR as u64
    }

    /// A state that formatting can produce.
    pub fn is_valid(self) -> bool {
        (1..=MAX_CYLINDERS).contains(&self.cylinders)
            && (1..=2).contains(&self.heads)
            && (1..=MAX_SECTORS).contains(&self.sectors)
            && self.n <= MAX_N
    }

    /// The format that an image of this size and boot sector has in a drive of `kind`.
    ///
    /// # Errors
    /// When no format that the drive reads holds the image.
    pub fn detect(kind: FloppyKind, sectors: u64, boot: &[u8; SECTOR]) -> Result<Geometry, MediumError> {
        if sectors == 0 {
            return Err(MediumError::Empty);
        }
        let readable = || FORMATS.into_iter().filter(|g| kind.reads(*g));
        let native = Some(kind.native()).filter(|g| g.total() >= sectors);
        let (exact, next) = (readable().find(|g| g.total() == sectors), readable().find(|g| g.total() > sectors));
        let most = readable().map(Geometry::total).max().unwrap_or(0);
        exact.or_else(|| described(boot).filter(|g| kind.reads(*g))).or(native).or(next).ok_or(MediumError::TooLarge {
            sectors,
            drive: kind.words(),
            most,
        })
    }
}

/// The format that a BIOS parameter block tells of.
fn described(boot: &[u8; SECTOR]) -> Option<Geometry> {
    let word = |at: usize| u16::from_le_bytes([boot[at], boot[at + 1]]);
    let (bytes, total, sectors, heads) = (word(0x0b), word(0x13), word(0x18), word(0x1a));
    let same =
        |g: &Geometry| u16::from(g.sectors) == sectors && u16::from(g.heads) == heads && g.total() == u64::from(total);
    FORMATS.into_iter().filter(|_| usize::from(bytes) == SECTOR).find(same)
}

impl FloppyKind {
    /// In words, for messages.
    pub fn words(self) -> &'static str {
        match self {
            FloppyKind::K360 => "360K drive",
            FloppyKind::M1200 => "1.2M drive",
            FloppyKind::K720 => "720K drive",
            FloppyKind::M1440 => "1.44M drive",
            FloppyKind::M2880 => "2.88M drive",
        }
    }

    /// The drive that an image of this size and boot sector was made for: what a board takes when nobody says.
    pub fn for_image(sectors: u64, boot: &[u8; SECTOR]) -> FloppyKind {
        let exact = FORMATS.into_iter().find(|g| g.total() == sectors);
        match exact.or_else(|| described(boot)) {
            Some(g) if g.cylinders <= MAX_CYLINDERS_48_TPI => FloppyKind::K360,
            Some(g) if g.sectors == 15 => FloppyKind::M1200,
            Some(Geometry { density: Extra, .. }) => FloppyKind::M2880,
            None if sectors > FloppyKind::M1440.native().total() && described(boot).is_none() => FloppyKind::M2880,
            _ => FloppyKind::M1440,
        }
    }

    /// The format that the drive is named for.
    fn native(self) -> Geometry {
        match self {
            FloppyKind::K360 => format(40, 2, 9, Double),
            FloppyKind::M1200 => format(80, 2, 15, High),
            FloppyKind::K720 => format(80, 2, 9, Double),
            FloppyKind::M1440 => format(80, 2, 18, High),
            FloppyKind::M2880 => format(80, 2, 36, Extra),
        }
    }

    fn reads(self, g: Geometry) -> bool {
        match self {
            FloppyKind::K360 => g.density == Double && g.cylinders <= MAX_CYLINDERS_48_TPI,
            FloppyKind::K720 => g.density == Double,
            // At 360 rpm a track has 10,416 bytes: 17 sectors and their gaps.
            FloppyKind::M1200 => g.density == Double || g.density == High && g.sectors <= 17,
            FloppyKind::M1440 => g.density <= High,
            FloppyKind::M2880 => true,
        }
    }

    /// The rate at which the drive delivers media of a density.
    fn rate(self, density: Density) -> Rate {
        match (density, self) {
            (Double, FloppyKind::M1200) => Rate::K300, // 250 kbit/s at 300 rpm come faster at 360
            (Double, _) => Rate::K250,
            (High, _) => Rate::K500,
            (Extra, _) => Rate::M1,
        }
    }

    /// What the drive records at this rate.
    fn records(self, rate: Rate) -> Option<Density> {
        [Double, High, Extra].into_iter().filter(|d| *d <= self.native().density).find(|d| self.rate(*d) == rate)
    }

    /// Picoseconds of a revolution: 360 rpm for the 1.2M drive, 300 rpm for the others.
    pub fn revolution(self) -> u64 {
        match self {
            FloppyKind::M1200 => 166_666_666_667,
            _ => 200_000_000_000,
        }
    }

    /// The drive has a change line. Pin 34 of a 360K drive is something else.
    fn has_change_line(self) -> bool {
        self != FloppyKind::K360
    }

    /// Where the head stops.
    fn cylinders(self) -> u8 {
        if self == FloppyKind::K360 { MAX_CYLINDERS_48_TPI } else { MAX_CYLINDERS }
    }
}

/// A medium in a drive.
pub(super) struct Medium {
    disk: Box<dyn Disk>,
    /// `None`: nothing on it that the drive can read.
    pub(super) geometry: Option<Geometry>,
}

impl Medium {
    fn new(kind: FloppyKind, mut disk: Box<dyn Disk>) -> Medium {
        let mut boot = [0; SECTOR];
        let sectors = disk.sectors();
        // An unreadable boot sector says nothing of the format.
        let known = sectors != 0 && disk.read(0, &mut boot).is_ok();
        let geometry = Geometry::detect(kind, sectors, if known { &boot } else { &[0; SECTOR] }).ok();
        Medium { disk, geometry }
    }

    /// The bytes from `at` on; zeros behind the image's end.
    fn read(&mut self, at: u64, out: &mut [u8]) -> Result<(), DiskError> {
        let mut sector = [0; SECTOR];
        let mut done = 0;
        while done < out.len() {
            let (lba, skip) = split(at + done as u64);
            let len = (SECTOR - skip).min(out.len() - done);
            sector.fill(0);
            if lba < self.disk.sectors() {
                self.disk.read(lba, &mut sector)?;
            }
            out[done..done + len].copy_from_slice(&sector[skip..skip + len]);
            done += len;
        }
        Ok(())
    }

    fn write(&mut self, at: u64, data: &[u8]) -> Result<(), DiskError> {
        let mut sector = [0; SECTOR];
        let mut done = 0;
        while done < data.len() {
            let (lba, skip) = split(at + done as u64);
            let len = (SECTOR - skip).min(data.len() - done);
            if lba >= self.disk.sectors() {
                return Err(DiskError);
            }
            if len < SECTOR {
                self.disk.read(lba, &mut sector)?;
            }
            sector[skip..skip + len].copy_from_slice(&data[done..done + len]);
            self.disk.write(lba, &sector)?;
            done += len;
        }
        Ok(())
    }
}

/// A byte's sector and its place in it.
fn split(at: u64) -> (u64, usize) {
    (at / SECTOR as u64, (at % SECTOR as u64) as usize)
}

/// A track under a head: what its ID fields say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Track {
    /// C of all IDs.
    pub c: u8,
    /// H.
    pub h: u8,
    /// R runs from 1 to this.
    pub sectors: u8,
    /// N.
    pub n: u8,
    /// Where its data lies in the image.
    at: u64,
}

impl Track {
    /// Bytes of a sector.
    pub fn sector_len(self) -> usize {
        128 << self.n
    }

    fn sector_at(self, slot: u8) -> u64 {
        self.at + u64::from(slot) * self.sector_len() as u64
    }
}

/// A drive with its head and what is in it.
pub(super) struct Drive {
    pub kind: FloppyKind,
    pub medium: Option<Medium>,
    /// Where the head stands, in the drive's own steps.
    pub position: u8,
    /// The change latch: set when a medium leaves, cleared by a step with one inside.
    pub changed: bool,
}

impl Drive {
    pub fn new(kind: FloppyKind, disk: Option<Box<dyn Disk>>) -> Drive {
        Drive { kind, medium: disk.map(|d| Medium::new(kind, d)), position: 0, changed: true }
    }

    /// Another medium, or none.
    pub fn insert(&mut self, disk: Option<Box<dyn Disk>>) -> Option<Box<dyn Disk>> {
        let old = std::mem::replace(&mut self.medium, disk.map(|d| Medium::new(self.kind, d)));
        self.changed = true;
        old.map(|mut m| {
            // A medium that cannot be made durable now was written as far as it could be.
            let _ = m.disk.flush();
            m.disk
        })
    }

    /// DSKCHG, high when active.
    pub fn change_line(&self) -> bool {
        self.kind.has_change_line() && (self.changed || self.medium.is_none())
    }

    pub fn write_protected(&self) -> bool {
        self.medium.as_ref().is_some_and(|m| m.disk.read_only())
    }

    pub fn track_0(&self) -> bool {
        self.position == 0
    }

    /// `n` step pulses inwards, or outwards when negative.
    pub fn step(&mut self, n: i16) {
        let last = i16::from(self.kind.cylinders() - 1);
        self.position = i16::from(self.position).saturating_add(n).clamp(0, last) as u8;
        if n != 0 && self.medium.is_some() {
            self.changed = false;
        }
    }

    /// A 96 tpi drive makes two steps per cylinder of a 48 tpi medium.
    fn cylinder(&self, g: Geometry) -> u8 {
        let double = self.kind == FloppyKind::M1200 && g.cylinders <= MAX_CYLINDERS_48_TPI;
        if double { self.position / 2 } else { self.position }
    }

    fn track_of(&self, g: Geometry, head: u8) -> Track {
        let c = self.cylinder(g);
        let number = u64::from(c) * u64::from(g.heads) + u64::from(head);
        let at = number * u64::from(g.sectors) * g.sector_len() as u64;
        Track { c, h: head, sectors: g.sectors, n: g.n, at }
    }

    /// The track under `head`, when there is one that can be read at `rate`.
    pub fn track(&self, head: u8, rate: Rate) -> Option<Track> {
        let g = self.medium.as_ref()?.geometry?;
        let there = self.cylinder(g) < g.cylinders && head < g.heads && self.kind.rate(g.density) == rate;
        there.then(|| self.track_of(g, head))
    }

    /// The data field of a sector, by its place on the track.
    pub fn read(&mut self, track: Track, slot: u8) -> Result<Vec<u8>, DiskError> {
        let medium = self.medium.as_mut().ok_or(DiskError)?;
        let mut data = vec![0; track.sector_len()];
        medium.read(track.sector_at(slot), &mut data)?;
        Ok(data)
    }

    /// Writes a whole data field.
    pub fn write(&mut self, track: Track, slot: u8, data: &[u8]) -> Result<(), DiskError> {
        self.medium.as_mut().ok_or(DiskError)?.write(track.sector_at(slot), data)
    }

    /// Writes a track of these ID fields (C, H, R, N), all data being `filler`.
    pub fn format(&mut self, head: u8, rate: Rate, ids: &[[u8; 4]], filler: u8) -> Result<(), DiskError> {
        let (kind, first) = (self.kind, self.position == 0 && head == 0);
        let Some(density) = kind.records(rate) else { return Ok(()) };
        let Some(medium) = &mut self.medium else { return Err(DiskError) };
        if first && let Some(g) = layout(kind, density, ids, medium) {
            medium.geometry = Some(g);
        }
        let Some(track) = self.track(head, rate) else { return Ok(()) };
        let data = vec![filler; track.sector_len()];
        for &[c, h, r, n] in ids {
            if (c, h, n) == (track.c, track.h, track.n) && (1..=track.sectors).contains(&r) {
                self.write(track, r - 1, &data)?;
            }
        }
        Ok(())
    }

    /// The motor stops: what was written becomes durable.
    pub fn flush(&mut self) {
        if let Some(m) = &mut self.medium {
            // The guest has no way to hear of it; every write was reported for itself.
            let _ = m.disk.flush();
        }
    }
}

/// The layout that a medium gets when its first track is formatted so. `None` when it keeps its own: the same sectors, or
/// more than the image holds.
fn layout(kind: FloppyKind, density: Density, ids: &[[u8; 4]], medium: &Medium) -> Option<Geometry> {
    let n = ids.first()?[3];
    let sectors = u8::try_from(ids.len()).ok()?;
    let old = medium.geometry.unwrap_or(kind.native());
    if medium.geometry.is_some() && (old.sectors, old.n, old.density) == (sectors, n, density) {
        return None;
    }
    let few = old.cylinders <= MAX_CYLINDERS_48_TPI;
    let cylinders = match kind {
        FloppyKind::K360 | FloppyKind::M1200 if density == Double => [40, 40], // 48 tpi
        _ if few && density == Double => [old.cylinders, 40],
        _ => [old.cylinders.max(80), 80],
    };
    let capacity = medium.disk.sectors() * SECTOR as u64;
    let fits = |g: &Geometry| g.is_valid() && g.bytes() <= capacity;
    cylinders.into_iter().map(|cylinders| Geometry { cylinders, heads: old.heads, sectors, n, density }).find(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemDisk;

    const BLANK: [u8; SECTOR] = [0; SECTOR];

    fn bpb(total: u16, sectors: u16, heads: u16) -> [u8; SECTOR] {
        let mut boot = BLANK;
        for (at, v) in [(0x0b, 512), (0x13, total), (0x18, sectors), (0x1a, heads)] {
            boot[at..at + 2].copy_from_slice(&v.to_le_bytes());
        }
        boot
    }

    fn shape(kind: FloppyKind, sectors: u64, boot: &[u8; SECTOR]) -> (u8, u8, u8) {
        let g = Geometry::detect(kind, sectors, boot).unwrap();
        (g.cylinders, g.heads, g.sectors)
    }

    #[test]
    fn every_standard_size_is_known_by_its_size() {
        use FloppyKind::{K360, K720, M1200, M1440, M2880};
        for (kib, kind, want) in [
            (160, K360, (40, 1, 8)),
            (180, K360, (40, 1, 9)),
            (320, M1200, (40, 2, 8)),
            (360, M1440, (40, 2, 9)),
            (720, K720, (80, 2, 9)),
            (1200, M1200, (80, 2, 15)),
            (1440, M1440, (80, 2, 18)),
            (1680, M1440, (80, 2, 21)),
            (1722, M1440, (82, 2, 21)),
            (2880, M2880, (80, 2, 36)),
        ] {
            assert_eq!(shape(kind, kib * 2, &BLANK), want, "{kib}K");
        }
    }

    #[test]
    fn an_image_cut_short_is_of_the_drives_own_format_unless_its_parameter_block_knows_better() {
        let kind = FloppyKind::M1440;
        assert_eq!(shape(kind, 700, &BLANK), (80, 2, 18));
        assert_eq!(shape(kind, 700, &bpb(1440, 9, 2)), (80, 2, 9));
        assert_eq!(shape(kind, 2881, &BLANK), (82, 2, 18), "larger than the drive's own");
        assert_eq!(shape(kind, 1450, &bpb(1440, 9, 2)), (80, 2, 9), "something behind the last sector");
        assert_eq!(shape(kind, 2880, &bpb(1440, 9, 2)), (80, 2, 18), "an exact size counts more");
    }

    #[test]
    fn a_drive_refuses_what_its_head_cannot_read() {
        let refused = Geometry::detect(FloppyKind::M1440, 5760, &BLANK).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "an image of 5760 sectors does not fit a 1.44M drive; its media have up to 3608"
        );
        assert!(Geometry::detect(FloppyKind::K720, 2880, &BLANK).is_err());
        assert!(Geometry::detect(FloppyKind::K360, 1440, &BLANK).is_err());
        assert!(Geometry::detect(FloppyKind::M1200, 2880, &BLANK).is_err());
        assert_eq!(Geometry::detect(FloppyKind::M1440, 0, &BLANK), Err(MediumError::Empty));
    }

    #[test]
    fn an_image_names_its_drive() {
        for (sectors, kind) in [
            (320, FloppyKind::K360),
            (720, FloppyKind::K360),
            (1440, FloppyKind::M1440),
            (2400, FloppyKind::M1200),
            (2000, FloppyKind::M1440),
            (3360, FloppyKind::M1440),
            (4000, FloppyKind::M2880),
            (5760, FloppyKind::M2880),
        ] {
            assert_eq!(FloppyKind::for_image(sectors, &BLANK), kind, "{sectors}");
        }
    }

    #[test]
    fn tracks_lie_in_the_image_cylinder_by_cylinder() {
        let mut drive = Drive::new(FloppyKind::M1200, Some(Box::new(MemDisk::new(vec![0; 720 * SECTOR]))));
        drive.step(6);
        assert_eq!(drive.track(0, Rate::K250), None, "250 kbit/s media come at 300 here");
        let track = drive.track(1, Rate::K300).unwrap();
        assert_eq!((track.c, track.h, track.sectors), (3, 1, 9), "two steps a cylinder");
        drive.write(track, 8, &[7; SECTOR]).unwrap();
        assert_eq!(track.sector_at(8), ((3 * 2 + 1) * 9 + 8) * 512);
        assert_eq!(drive.read(track, 8).unwrap(), [7; SECTOR]);
        drive.step(80);
        assert_eq!(drive.track(0, Rate::K300), None, "no track beyond the last");
    }

    #[test]
    fn behind_the_end_of_an_image_are_zeros_that_stay() {
        let mut drive = Drive::new(FloppyKind::M1440, Some(Box::new(MemDisk::new(vec![9; 20 * SECTOR]))));
        let track = drive.track(1, Rate::K500).unwrap();
        assert_eq!(drive.read(track, 1).unwrap()[..2], [9, 9]);
        assert_eq!(drive.read(track, 2).unwrap()[..2], [0, 0]);
        assert_eq!(drive.write(track, 2, &[1; SECTOR]), Err(DiskError));
    }

    #[test]
    fn formatting_the_first_track_changes_the_layout_within_the_image() {
        let ids = |sectors: u8, n: u8| (1..=sectors).map(|r| [0, 0, r, n]).collect::<Vec<_>>();
        let mut drive = Drive::new(FloppyKind::M1440, Some(Box::new(MemDisk::new(vec![9; 2880 * SECTOR]))));
        drive.format(0, Rate::K250, &ids(9, 2), 0xf6).unwrap();
        let g = drive.medium.as_ref().unwrap().geometry.unwrap();
        assert_eq!((g.cylinders, g.heads, g.sectors, g.density), (80, 2, 9, Double));
        assert_eq!(drive.track(0, Rate::K500), None);
        let track = drive.track(0, Rate::K250).unwrap();
        assert_eq!(drive.read(track, 8).unwrap()[511], 0xf6);
        assert_eq!(drive.read(drive.track(1, Rate::K250).unwrap(), 0).unwrap()[0], 9, "only this track");

        drive.format(0, Rate::K500, &ids(21, 2), 0).unwrap();
        assert_eq!(drive.track(0, Rate::K500), None, "21 sectors are more than this image holds");
        drive.format(0, Rate::K500, &ids(9, 3), 0x55).unwrap();
        assert_eq!(drive.track(0, Rate::K500).map(|t| (t.sectors, t.n)), Some((9, 3)));
        drive.format(0, Rate::K500, &ids(26, 1), 0x66).unwrap();
        assert_eq!(drive.track(0, Rate::K500).map(|t| drive.read(t, 25).unwrap()), Some(vec![0x66; 256]));
    }

    #[test]
    fn the_change_line_falls_with_a_step_and_only_with_a_medium_inside() {
        let mut drive = Drive::new(FloppyKind::M1440, None);
        drive.step(1);
        assert!(drive.change_line());
        drive.insert(Some(Box::new(MemDisk::new(vec![0; 1440 * SECTOR]))));
        assert!(drive.change_line());
        drive.step(-1);
        assert!(!drive.change_line());
        drive.insert(None);
        assert!(drive.change_line());
        assert!(!Drive::new(FloppyKind::K360, None).change_line(), "it has no such line");
    }
}
