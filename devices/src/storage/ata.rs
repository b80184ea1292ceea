//! An ATA disk: the General feature set, multiple-sector, DMA and 48-bit transfers, power management, the host protected area.
//!
//! Documents: AT Attachment with Packet Interface - 6 (T13/1410D), "Command descriptions" and the command protocols; ATA-4
//! (T13/1153D) for RECALIBRATE, SEEK, INITIALIZE DEVICE PARAMETERS and the older codes of power management.
//!
//! A command takes a fixed virtual time; the host's disk is read and written at its end, so that a
//! run depends on the disk's contents and never on its speed.
//!
//! *Not modelled:* READ LONG and WRITE LONG, FORMAT TRACK, security, streaming, queued commands, passwords of the host protected
//! area and a maximum that outlives a reset, the time of seeks, the standby timer.

use ferrite_core::snapshot::LoadError;
use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

use super::identify::{Facts, LBA28_LIMIT, identify};
use super::interface::{
    ABRT, BSY, DRDY, DRQ, DSC, Direction, Drive, DriveReset, ERR, IDNF, Interface, LBA, MAX_BLOCK, Path, UNC,
};
use crate::host::{Disk, SECTOR};

/// From a command to its first block: the drive answers from its cache.
const ACCESS: VTime = VTime::us(20);
/// What the drive needs for each sector of a block, at the 133 MB/s of its own bus.
const SECTOR_TIME: VTime = VTime::us(4);
/// From the end of SRST to DRDY. Host software allows 2 ms before it looks, and 31 s after.
const RESET_TIME: VTime = VTime::us(500);

/// The largest block of READ MULTIPLE, in sectors.
pub const MAX_MULTIPLE: u8 = 16;
/// Sectors in a piece of a DMA transfer.
const DMA_SECTORS: u32 = (MAX_BLOCK / SECTOR) as u32;
/// Sectors that 48 bits address.
const LBA48_LIMIT: u64 = 1 << 48;

/// Cylinders, heads and sectors per track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Geometry {
    /// At most 16383, or what fits the medium.
    pub cylinders: u16,
    /// 1 to 16.
    pub heads: u8,
    /// 1 to 63 by default; a guest may choose up to 255.
    pub sectors: u8,
}

impl Geometry {
    fn of(heads: u8, per_track: u8, sectors: u64) -> Geometry {
        let cylinder = (u64::from(heads) * u64::from(per_track)).max(1);
        // 16383 * 16 * 63 is what CHS says of all larger disks. "Annex: CHS translation".
        let sectors = sectors.min(16_383 * 16 * 63);
        Geometry { cylinders: (sectors / cylinder).min(65_535) as u16, heads, sectors: per_track }
    }

    /// The one that the disk has at power-on.
    pub fn default_of(sectors: u64) -> Geometry {
        Geometry::of(16, 63, sectors)
    }

    /// Sectors that it addresses.
    pub fn capacity(self) -> u64 {
        u64::from(self.cylinders) * u64::from(self.heads) * u64::from(self.sectors)
    }
}

/// What ends with the next step or block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// Nothing is under way.
    #[default]
    Idle,
    /// A command without data, or the end of one.
    Plain,
    /// A reset; `true` when it ends with an interrupt.
    Reset(bool),
    /// The block holds a whole answer, such as that of IDENTIFY DEVICE.
    Answer,
    /// The block is for the disk's buffer: WRITE BUFFER.
    Buffer,
    /// Sectors come from the medium.
    Read,
    /// Sectors go to the medium.
    Write,
}

/// How a command addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Addressing {
    #[default]
    Chs,
    Lba28,
    Lba48,
}

/// Power modes, as CHECK POWER MODE says them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Power {
    /// Active.
    Active = 0xff,
    /// Idle.
    Idle = 0x80,
    /// Standby.
    Standby = 0x00,
    /// Asleep until a reset.
    Sleep = 0x01,
}

/// Settings that commands change and that IDENTIFY DEVICE tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub geometry: Geometry,
    /// Sectors in a block of READ MULTIPLE; 0 when the command is off.
    pub multiple: u8,
    /// Sectors that the host may address: SET MAX ADDRESS.
    pub max: u64,
    /// READ NATIVE MAX ADDRESS was the last command, which SET MAX ADDRESS wants.
    pub native_read: bool,
    pub write_cache: bool,
    pub look_ahead: bool,
    pub smart: bool,
    /// Level of advanced power management; `None` when it is off.
    pub apm: Option<u8>,
    /// The DMA mode chosen, as SET FEATURES codes it; 0 for none.
    pub dma_mode: u8,
    pub power: Power,
}

impl Settings {
    fn new(sectors: u64) -> Settings {
        Settings {
            geometry: Geometry::default_of(sectors),
            multiple: MAX_MULTIPLE,
            max: sectors,
            native_read: false,
            write_cache: true,
            look_ahead: true,
            smart: true,
            apm: None,
            dma_mode: 0x22,
            power: Power::Active,
        }
    }
}

/// The transfer under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Transfer {
    addressing: Addressing,
    /// Next sector, and how many are left.
    lba: u64,
    left: u32,
    /// Sectors in a block.
    block: u32,
}

/// A disk.
pub struct AtaDisk {
    pub(super) interface: Interface,
    pub(super) phase: Phase,
    transfer: Transfer,
    pub(super) settings: Settings,
    /// What READ BUFFER and WRITE BUFFER move.
    buffer: Vec<u8>,
    disk: Box<dyn Disk>,
    sectors: u64,
    /// 0 to 3: hda to hdd.
    number: u8,
}

/// How a command ends that cannot be done: bits of the error register.
pub(super) struct Failed(pub u8);

/// How long a command is busy, or why it is not done.
pub(super) type Started = Result<Option<VTime>, Failed>;

impl AtaDisk {
    /// A disk with this medium, ready.
    pub fn new(disk: Box<dyn Disk>, number: u8) -> AtaDisk {
        let sectors = disk.sectors().min(LBA48_LIMIT);
        let mut new = AtaDisk {
            interface: Interface::default(),
            phase: Phase::Idle,
            transfer: Transfer::default(),
            settings: Settings::new(sectors),
            buffer: vec![0; SECTOR],
            disk,
            sectors,
            number,
        };
        new.reset(DriveReset::Hardware);
        new
    }

    /// Sector address and count that the registers name.
    fn target(&self, ext: bool) -> Result<Transfer, Failed> {
        let i = &self.interface;
        let (addressing, lba, count, limit) = if ext {
            let count = u16::from_le_bytes(i.count);
            (Addressing::Lba48, i.lba48(), if count == 0 { 0x1_0000 } else { count.into() }, LBA48_LIMIT)
        } else {
            let count = if i.count[0] == 0 { 0x100 } else { i.count[0].into() };
            if i.device & LBA != 0 {
                (Addressing::Lba28, i.lba28(), count, LBA28_LIMIT)
            } else {
                let g = self.settings.geometry;
                let cylinder = u64::from(u16::from_le_bytes([i.lba_mid[0], i.lba_high[0]]));
                let (head, sector) = (i.device & 0xf, i.lba_low[0]);
                if head >= g.heads || sector == 0 || sector > g.sectors {
                    return Err(Failed(IDNF));
                }
                let track = cylinder * u64::from(g.heads) + u64::from(head);
                (Addressing::Chs, track * u64::from(g.sectors) + u64::from(sector) - 1, count, LBA48_LIMIT)
            }
        };
        let left: u32 = count;
        if lba + u64::from(left) > self.settings.max.min(limit) {
            return Err(Failed(IDNF));
        }
        Ok(Transfer { addressing, lba, left, block: 1 })
    }

    /// Puts the address of `lba` into the registers, in the command's own way.
    fn show_address(&mut self, lba: u64) {
        let g = self.settings.geometry;
        match self.transfer.addressing {
            Addressing::Lba28 => self.interface.put_lba(lba, false),
            Addressing::Lba48 => self.interface.put_lba(lba, true),
            Addressing::Chs => {
                let (track, sector) = (lba / u64::from(g.sectors), lba % u64::from(g.sectors));
                let (cylinder, head) = (track / u64::from(g.heads), track % u64::from(g.heads));
                let [low, high] = (cylinder as u16).to_le_bytes();
                let i = &mut self.interface;
                (i.lba_low[0], i.lba_mid[0], i.lba_high[0]) = (sector as u8 + 1, low, high);
                i.device = i.device & 0xf0 | head as u8;
            }
        }
    }

    /// READ and WRITE in all their forms. `block` is in sectors.
    fn transfer(&mut self, phase: Phase, ext: bool, path: Path, block: u32) -> Started {
        // No block: READ MULTIPLE without SET MULTIPLE MODE.
        if block == 0 || phase == Phase::Write && self.disk.read_only() {
            return Err(Failed(ABRT));
        }
        let mut transfer = self.target(ext)?;
        transfer.block = block;
        (self.transfer, self.phase) = (transfer, phase);
        self.interface.path = path;
        self.settings.power = Power::Active;
        if phase == Phase::Write && path == Path::Pio {
            self.ask_for_block(); // the first block is asked for without an interrupt
            return Ok(None);
        }
        self.interface.status = BSY;
        Ok(Some(if path == Path::Dma { ACCESS } else { ACCESS.after(self.block_time()) }))
    }

    fn read(&mut self, ext: bool, block: u32) -> Started {
        self.transfer(Phase::Read, ext, Path::Pio, block)
    }

    fn write(&mut self, ext: bool, block: u32) -> Started {
        self.transfer(Phase::Write, ext, Path::Pio, block)
    }

    fn dma(&mut self, phase: Phase, ext: bool) -> Started {
        self.transfer(phase, ext, Path::Dma, DMA_SECTORS)
    }

    /// Sectors in the next block.
    fn block_len(&self) -> u32 {
        self.transfer.left.min(self.transfer.block)
    }

    fn block_time(&self) -> VTime {
        VTime(SECTOR_TIME.0 * u64::from(self.block_len()))
    }

    fn ask_for_block(&mut self) {
        let len = self.block_len() as usize * SECTOR;
        let path = self.interface.path;
        self.interface.open(Direction::Out, path, len);
        self.interface.status = DRDY | DSC | DRQ;
    }

    /// Reads the next block from the medium; `false` when that failed.
    fn fetch_block(&mut self) -> bool {
        let len = self.block_len();
        let path = self.interface.path;
        self.interface.open(Direction::In, path, len as usize * SECTOR);
        let (lba, block) = (self.transfer.lba, &mut self.interface.block);
        if self.disk.read(lba, block).is_err() {
            // One bad sector fails the whole call: the address registers shall name it.
            let sectors = (lba..).zip(block.chunks_mut(SECTOR));
            let bad = sectors.take(len as usize).find_map(|(lba, s)| self.disk.read(lba, s).is_err().then_some(lba));
            if let Some(bad) = bad {
                self.fail_at(bad, Failed(UNC));
                return false;
            }
        }
        self.interface.status = DRDY | DSC | DRQ;
        self.advance(len);
        true
    }

    /// Writes the block to the medium; `false` when that failed.
    fn store_block(&mut self) -> bool {
        let len = self.block_len();
        if self.disk.write(self.transfer.lba, &self.interface.block).is_err() {
            // A write fault: ABRT, since ATA-6 has no bit for it.
            self.fail_at(self.transfer.lba, Failed(ABRT));
            return false;
        }
        self.advance(len);
        true
    }

    fn advance(&mut self, len: u32) {
        self.transfer.lba += u64::from(len);
        self.transfer.left -= len.min(self.transfer.left);
    }

    /// The last sector has been moved.
    fn transfer_over(&mut self) {
        self.show_address(self.transfer.lba.saturating_sub(1));
        self.interface.count = [0; 2];
        if self.phase == Phase::Write && !self.settings.write_cache && self.disk.flush().is_err() {
            self.fail(Failed(ABRT));
            return;
        }
        self.finish();
    }

    fn finish(&mut self) {
        self.phase = Phase::Idle;
        self.interface.close();
        self.interface.status = DRDY | DSC;
    }

    pub(super) fn fail(&mut self, Failed(error): Failed) {
        self.finish();
        self.interface.status |= ERR;
        self.interface.error = error;
        self.interface.intrq = true;
    }

    fn fail_at(&mut self, lba: u64, failed: Failed) {
        let left = u64::from(self.transfer.left).saturating_sub(lba.saturating_sub(self.transfer.lba)) as u16;
        self.show_address(lba);
        self.interface.count = left.to_le_bytes();
        self.fail(failed);
    }

    /// A command without data.
    pub(super) fn plain(&mut self) -> Started {
        self.phase = Phase::Plain;
        self.interface.status = BSY;
        Ok(Some(ACCESS))
    }

    /// A command that answers with one block.
    pub(super) fn answer(&mut self, bytes: &[u8]) -> Started {
        self.interface.open(Direction::In, Path::Pio, bytes.len());
        self.interface.block.copy_from_slice(bytes);
        self.phase = Phase::Answer;
        self.interface.status = BSY;
        Ok(Some(ACCESS))
    }

    fn flush(&mut self) -> Started {
        self.disk.flush().map_err(|_| Failed(ABRT))?;
        self.plain()
    }

    fn power(&mut self, mode: Power) -> Started {
        self.settings.power = mode;
        self.plain()
    }

    /// "SET MAX ADDRESS": the host protected area begins behind the new maximum.
    fn set_max(&mut self, after_native: bool, ext: bool) -> Started {
        let last = if ext { self.interface.lba48() } else { self.interface.lba28() };
        // Sub-commands in the features register are those of passwords, which this disk does not have.
        let wrong = !after_native || !ext && self.interface.features[0] != 0;
        if wrong || self.interface.device & LBA == 0 {
            return Err(Failed(ABRT));
        }
        if last >= self.sectors {
            return Err(Failed(IDNF));
        }
        self.settings.max = last + 1;
        self.settings.geometry = Geometry::default_of(self.settings.max);
        self.plain()
    }

    /// "INITIALIZE DEVICE PARAMETERS".
    fn set_geometry(&mut self) -> Started {
        let (heads, sectors) = ((self.interface.device & 0xf) + 1, self.interface.count[0]);
        if sectors == 0 {
            return Err(Failed(ABRT));
        }
        self.settings.geometry = Geometry::of(heads, sectors, self.settings.max);
        self.plain()
    }

    /// "SET MULTIPLE MODE".
    fn set_multiple(&mut self) -> Started {
        let n = self.interface.count[0];
        if n > MAX_MULTIPLE || n != 0 && !n.is_power_of_two() {
            return Err(Failed(ABRT));
        }
        self.settings.multiple = n;
        self.plain()
    }

    fn identify(&mut self) -> Started {
        let facts = Facts { number: self.number, settings: &self.settings };
        let answer = identify(&facts);
        self.answer(&answer)
    }

    /// "Command descriptions".
    fn start(&mut self, command: u8) -> Started {
        let after_native = std::mem::take(&mut self.settings.native_read);
        let multiple = self.settings.multiple.into();
        match command {
            0x20 | 0x21 => self.read(false, 1),
            0x24 => self.read(true, 1),
            0xc4 => self.read(false, multiple),
            0x29 => self.read(true, multiple),
            // 3Ch, WRITE VERIFY of ATA-3, differs in what it does to the medium only.
            0x30 | 0x31 | 0x3c => self.write(false, 1),
            0x34 => self.write(true, 1),
            0xc5 => self.write(false, multiple),
            0x39 => self.write(true, multiple),
            0xc8 | 0xc9 => self.dma(Phase::Read, false),
            0x25 => self.dma(Phase::Read, true),
            0xca | 0xcb => self.dma(Phase::Write, false),
            0x35 => self.dma(Phase::Write, true),
            0x40..=0x42 => {
                self.transfer = self.target(command == 0x42)?; // READ VERIFY SECTOR(S)
                self.plain()
            }
            0x10..=0x1f => self.plain(), // RECALIBRATE
            0x70..=0x7f => {
                let count = std::mem::replace(&mut self.interface.count[0], 1); // SEEK has an address only
                let target = self.target(false);
                self.interface.count[0] = count;
                target?;
                self.plain()
            }
            0x91 => self.set_geometry(),
            0xc6 => self.set_multiple(),
            0xe7 | 0xea => self.flush(),
            0xe0 | 0xe2 | 0x94 | 0x96 => self.power(Power::Standby),
            0xe1 | 0xe3 | 0x95 | 0x97 => self.power(Power::Idle),
            0xe6 | 0x99 => self.power(Power::Sleep),
            0xe5 | 0x98 => {
                self.interface.count[0] = self.settings.power as u8;
                self.plain()
            }
            0xec => self.identify(),
            0xef => self.set_features(),
            0xb0 => self.smart(),
            0xf8 | 0x27 => {
                let last = self.sectors.saturating_sub(1);
                let ext = command == 0x27;
                self.interface.put_lba(if ext { last } else { last.min(LBA28_LIMIT - 1) }, ext);
                self.settings.native_read = true;
                self.plain()
            }
            0xf9 | 0x37 => self.set_max(after_native, command == 0x37),
            0xe4 => {
                let buffer = std::mem::take(&mut self.buffer);
                let started = self.answer(&buffer);
                self.buffer = buffer;
                started
            }
            0xe8 => {
                self.phase = Phase::Buffer;
                self.interface.open(Direction::Out, Path::Pio, SECTOR);
                self.interface.status = DRDY | DSC | DRQ;
                Ok(None)
            }
            // NOP always ends so; so does what this disk does not have.
            _ => Err(Failed(ABRT)),
        }
    }

    /// The state, whole.
    pub fn save(&self) -> AtaDiskV1 {
        let AtaDisk { interface, phase, transfer, settings, buffer, disk: _, sectors: _, number: _ } = self; // the board's
        AtaDiskV1 {
            interface: interface.clone(),
            phase: *phase,
            transfer: *transfer,
            settings: settings.clone(),
            buffer: buffer.clone(),
        }
    }

    /// Takes a saved state over.
    ///
    /// # Errors
    /// When no run produces it.
    pub fn load(&mut self, s: AtaDiskV1) -> Result<(), LoadError> {
        let AtaDiskV1 { interface, phase, transfer, settings, buffer } = s;
        let bad = |field, value| Err(LoadError::Invalid { field, value });
        if let Some(field) = interface.invalid_field() {
            return bad(field, 0);
        }
        let g = settings.geometry;
        if !(1..=16).contains(&g.heads) || g.sectors == 0 {
            return bad("geometry", g.heads.into());
        }
        if settings.multiple > MAX_MULTIPLE || settings.max > self.sectors {
            return bad("settings", settings.max);
        }
        let Transfer { addressing: _, lba, left, block } = transfer;
        let end = lba.checked_add(left.into());
        if end.is_none_or(|e| e > LBA48_LIMIT) || left > 0x1_0000 || block > DMA_SECTORS {
            return bad("transfer", lba);
        }
        if buffer.len() != SECTOR {
            return bad("buffer", buffer.len() as u64);
        }
        // Blocks of a transfer are whole sectors: what the disk is asked to write.
        let writing = phase == Phase::Write && (interface.status & DRQ != 0 || !interface.block.is_empty());
        let block_len = left.min(block) as usize * SECTOR;
        if writing && interface.block.len() != block_len || phase == Phase::Buffer && interface.block.len() != SECTOR {
            return bad("block", interface.block.len() as u64);
        }
        *self = AtaDisk {
            interface,
            phase,
            transfer,
            settings,
            buffer,
            disk: std::mem::replace(&mut self.disk, Box::new(crate::host::MemDisk::default())),
            sectors: self.sectors,
            number: self.number,
        };
        Ok(())
    }
}

impl Drive for AtaDisk {
    fn interface(&self) -> &Interface {
        &self.interface
    }

    fn interface_mut(&mut self) -> &mut Interface {
        &mut self.interface
    }

    fn packet(&self) -> bool {
        false
    }

    fn command(&mut self, command: u8) -> Option<VTime> {
        if self.settings.power == Power::Sleep {
            return None; // nothing but a reset wakes it
        }
        self.finish();
        self.interface.error = 0;
        self.interface.intrq = false;
        self.start(command).unwrap_or_else(|failed| {
            self.fail(failed);
            None
        })
    }

    fn step(&mut self) -> Option<VTime> {
        match self.phase {
            Phase::Idle => return None,
            Phase::Plain => self.finish(),
            Phase::Reset(interrupt) => {
                self.finish();
                self.interface.intrq = interrupt;
                return None;
            }
            Phase::Answer => self.interface.status = DRDY | DSC | DRQ,
            Phase::Buffer => {
                self.buffer.clone_from(&self.interface.block);
                self.finish();
            }
            Phase::Read => {
                // The blocks of a DMA transfer end without an interrupt.
                if !self.fetch_block() || self.interface.path == Path::Dma {
                    return None;
                }
            }
            Phase::Write if self.interface.path == Path::Dma => {
                self.ask_for_block();
                return None;
            }
            Phase::Write => {
                if !self.store_block() {
                    return None;
                }
                if self.transfer.left == 0 {
                    self.transfer_over();
                } else {
                    self.ask_for_block();
                }
            }
        }
        self.interface.intrq = true;
        None
    }

    fn block_done(&mut self) -> Option<VTime> {
        let dma = self.interface.path == Path::Dma;
        match self.phase {
            Phase::Read if self.transfer.left == 0 => {
                self.transfer_over();
                self.interface.intrq |= dma;
                None
            }
            Phase::Read if dma => {
                self.fetch_block();
                None
            }
            Phase::Write if dma => {
                if self.store_block() {
                    if self.transfer.left == 0 {
                        self.transfer_over();
                        self.interface.intrq = true;
                    } else {
                        self.ask_for_block();
                    }
                }
                None
            }
            Phase::Read | Phase::Write => {
                self.interface.status = BSY;
                Some(self.block_time())
            }
            Phase::Buffer => {
                self.interface.status = BSY;
                Some(SECTOR_TIME)
            }
            Phase::Idle | Phase::Plain | Phase::Reset(_) | Phase::Answer => {
                self.finish();
                None
            }
        }
    }

    fn reset(&mut self, kind: DriveReset) -> Option<VTime> {
        self.finish();
        self.transfer = Transfer::default();
        let i = &mut self.interface;
        i.sign(false);
        (i.error, i.features, i.intrq, i.eight_bit) = (0x01, [0; 2], false, false); // diagnostic code: passed
        (i.direction, i.path) = (Direction::In, Path::Pio);
        self.settings.power = Power::Active;
        self.settings.native_read = false;
        if kind == DriveReset::Hardware {
            self.settings = Settings::new(self.sectors);
            self.buffer.fill(0);
            return None;
        }
        // Only device 0 interrupts at the end of a diagnosis of both.
        self.phase = Phase::Reset(kind == DriveReset::Diagnostic && self.number & 1 == 0);
        self.interface.status = BSY;
        Some(RESET_TIME)
    }
}

/// Saved form, version 1. The medium is not part of it.
#[derive(Serialize, Deserialize)]
pub struct AtaDiskV1 {
    interface: Interface,
    phase: Phase,
    transfer: Transfer,
    settings: Settings,
    buffer: Vec<u8>,
}

#[cfg(test)]
#[path = "ata_tests.rs"]
mod tests;
