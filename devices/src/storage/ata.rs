//! An ATA channel with up to two disks, in PIO.
//!
//! Document: AT Attachment with Packet Interface - 6 (INCITS 361, T13/1410D), "Interface register
//! definitions and descriptions", "Command descriptions", "PIO data-in command protocol", "PIO data-out
//! command protocol", "Single device configurations".
//!
//! A command takes a fixed virtual time; the host's disk is read and written at its end, so that a
//! run depends on the disk's contents and never on its speed.
//!
//! *Not modelled:* DMA (its commands are aborted until a bus master drives them), SMART, security,
//! host protected area, the time of seeks and of resets, the address registers after a transfer.

use ferrite_core::device::{Cx, Device, Event, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

use super::identify::{Facts, LBA28_LIMIT, identify};
use crate::host::{Disk, SECTOR};

/// Data, 16 or 32 bits. The rest of the command block follows: error/features, sector count,
/// LBA low, mid and high, device, status/command.
pub const DATA: Offset = Offset(0);
const ERROR: Offset = Offset(1);
const COUNT: Offset = Offset(2);
const LBA_LOW: Offset = Offset(3);
const LBA_MID: Offset = Offset(4);
const LBA_HIGH: Offset = Offset(5);
const DEVICE: Offset = Offset(6);
const STATUS: Offset = Offset(7);
/// Alternate status when read, device control when written.
pub const CONTROL: Offset = Offset(8);

/// Interrupt request of the selected device, unless nIEN masks it.
pub const INTRQ: Pin = Pin(0);

/// The command of drive 0 or 1 goes on.
const STEP: [Event; 2] = [Event(0), Event(1)];

/// From a command to its first block, and for each block: a drive that answers from its cache at
/// the 16.7 MB/s of PIO mode 4.
const ACCESS: VTime = VTime::us(100);
const SECTOR_TIME: VTime = VTime::us(31);

/// Status.
const BSY: u8 = 0x80;
const DRDY: u8 = 0x40;
const DSC: u8 = 0x10;
const DRQ: u8 = 0x08;
const ERR: u8 = 0x01;
/// Error.
const UNC: u8 = 0x40;
const IDNF: u8 = 0x10;
const ABRT: u8 = 0x04;
/// Device: LBA, and the device number.
const LBA: u8 = 0x40;
const DEV: u8 = 0x10;
/// Device control: HOB, SRST, nIEN.
const HOB: u8 = 0x80;
const SRST: u8 = 0x04;
const NIEN: u8 = 0x02;

/// The largest block of READ MULTIPLE, in sectors.
pub const MAX_MULTIPLE: u8 = 16;
/// What floats in when no drive answers: DD7 is pulled down.
const NOBODY: u8 = 0x7f;

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

    /// Sectors that it addresses.
    pub fn capacity(self) -> u64 {
        u64::from(self.cylinders) * u64::from(self.heads) * u64::from(self.sectors)
    }
}

/// What a command does with the data register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    #[default]
    Idle,
    /// Sectors come from the medium.
    Read,
    /// IDENTIFY DEVICE: the buffer is full already.
    Answer,
    /// Sectors go to the medium.
    Write,
    /// No data: the interrupt comes when the step is over.
    Plain,
}

/// A disk's registers and the command under way. Plain data, which is also its saved form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    features: u8,
    error: u8,
    status: u8,
    /// Each with the value that it held before: a 48-bit command takes both.
    count: [u8; 2],
    lba_low: [u8; 2],
    lba_mid: [u8; 2],
    lba_high: [u8; 2],
    intrq: bool,
    geometry: Geometry,
    multiple: u8,
    phase: Phase,
    /// Next sector of the transfer and how many are left.
    lba: u64,
    left: u32,
    /// Sectors in a block of this transfer.
    block: u8,
    buffer: Vec<u8>,
    position: u32,
}

struct Drive {
    regs: Regs,
    disk: Box<dyn Disk>,
    sectors: u64,
    unit: u8,
}

/// How a command ends that cannot be done: bits of the error register.
struct Failed(u8);

impl Drive {
    fn new(disk: Box<dyn Disk>, unit: u8) -> Drive {
        let sectors = disk.sectors().min(1 << 48);
        Drive { regs: Regs::new(Geometry::of(16, 63, sectors)), disk, sectors, unit }
    }

    /// The state after power-on, hardware reset, SRST and EXECUTE DEVICE DIAGNOSTIC: "Signature".
    fn reset(&mut self, hard: bool) {
        let Regs { geometry, multiple, .. } = self.regs;
        self.regs = Regs::new(if hard { Geometry::of(16, 63, self.sectors) } else { geometry });
        if !hard {
            self.regs.multiple = multiple;
        }
    }

    /// Sector address and count that the registers name.
    fn target(&self, device: u8, ext: bool) -> Result<(u64, u32), Failed> {
        let r = &self.regs;
        let bytes = |a: u8, b: u8, c: u8, d: u8| u64::from(u32::from_le_bytes([a, b, c, d]));
        let low = bytes(r.lba_low[0], r.lba_mid[0], r.lba_high[0], 0);
        let (lba, count) = if ext {
            let high = bytes(r.lba_low[1], r.lba_mid[1], r.lba_high[1], 0);
            let count = u16::from_le_bytes(r.count);
            (high << 24 | low, if count == 0 { 0x1_0000 } else { count.into() })
        } else {
            let count = if r.count[0] == 0 { 0x100 } else { r.count[0].into() };
            let lba = if device & LBA != 0 {
                u64::from(device & 0xf) << 24 | low
            } else {
                let g = r.geometry;
                let cylinder = u64::from(u16::from_le_bytes([r.lba_mid[0], r.lba_high[0]]));
                let (head, sector) = (device & 0xf, r.lba_low[0]);
                if head >= g.heads || sector == 0 || sector > g.sectors {
                    return Err(Failed(IDNF));
                }
                (cylinder * u64::from(g.heads) + u64::from(head)) * u64::from(g.sectors) + u64::from(sector) - 1
            };
            (lba, count)
        };
        let end = lba + u64::from(count);
        if end > self.sectors || !ext && device & LBA != 0 && end > LBA28_LIMIT {
            return Err(Failed(IDNF));
        }
        Ok((lba, count))
    }

    /// Starts a transfer; the answer is how long until the first step, when one is needed.
    fn start(&mut self, phase: Phase, device: u8, ext: bool, block: u8) -> Result<Option<VTime>, Failed> {
        let (lba, left) = self.target(device, ext)?;
        let r = &mut self.regs;
        (r.phase, r.lba, r.left, r.block) = (phase, lba, left, block);
        if phase == Phase::Write {
            self.ask_for_block();
            return Ok(None); // the first block is asked for without an interrupt
        }
        r.status = BSY;
        Ok(Some(ACCESS.after(self.block_time())))
    }

    fn block_len(&self) -> u32 {
        self.regs.left.min(self.regs.block.max(1).into())
    }

    fn block_time(&self) -> VTime {
        VTime(SECTOR_TIME.0 * u64::from(self.block_len()))
    }

    fn ask_for_block(&mut self) {
        let len = self.block_len() as usize * SECTOR;
        let r = &mut self.regs;
        r.buffer = vec![0; len];
        r.position = 0;
        r.status = DRDY | DSC | DRQ;
    }

    fn finish(&mut self) {
        let r = &mut self.regs;
        r.phase = Phase::Idle;
        r.status = DRDY | DSC;
        r.buffer.clear();
        r.position = 0;
    }

    fn fail(&mut self, Failed(error): Failed) {
        self.finish();
        self.regs.status |= ERR;
        self.regs.error = error;
        self.regs.intrq = true;
    }

    /// BSY ends: a block was fetched, stored, or the command is over.
    fn step(&mut self) {
        let len = self.block_len();
        match self.regs.phase {
            Phase::Idle => return,
            Phase::Plain => self.finish(),
            Phase::Answer => self.regs.status = DRDY | DSC | DRQ,
            Phase::Read => {
                self.ask_for_block();
                if self.disk.read(self.regs.lba, &mut self.regs.buffer).is_err() {
                    self.fail(Failed(UNC));
                    return;
                }
                self.advance(len);
            }
            Phase::Write => {
                if self.disk.write(self.regs.lba, &self.regs.buffer).is_err() {
                    self.fail(Failed(ABRT));
                    return;
                }
                self.advance(len);
                if self.regs.left == 0 { self.finish() } else { self.ask_for_block() }
            }
        }
        self.regs.intrq = true;
    }

    fn advance(&mut self, len: u32) {
        self.regs.lba += u64::from(len);
        self.regs.left -= len.min(self.regs.left);
    }

    /// The guest has emptied or filled the buffer.
    fn block_done(&mut self) -> Option<VTime> {
        match self.regs.phase {
            Phase::Read if self.regs.left != 0 => {
                self.regs.status = BSY;
                Some(self.block_time())
            }
            Phase::Write => {
                self.regs.status = BSY;
                Some(self.block_time())
            }
            _ => {
                self.finish();
                None
            }
        }
    }

    fn ready_for_data(&self, write: bool) -> bool {
        self.regs.status & (BSY | DRQ) == DRQ && (self.regs.phase == Phase::Write) == write
    }

    fn read_data(&mut self, bytes: u32) -> (u64, Option<VTime>) {
        if !self.ready_for_data(false) {
            return (0, None);
        }
        let r = &mut self.regs;
        let at = r.position as usize;
        let part = r.buffer.get(at..).unwrap_or_default();
        let value = part.iter().take(bytes as usize).rev().fold(0, |v, b| v << 8 | u64::from(*b));
        r.position += bytes;
        let done = r.position as usize >= r.buffer.len();
        (value, if done { self.block_done() } else { None })
    }

    fn write_data(&mut self, bytes: u32, val: u64) -> Option<VTime> {
        if !self.ready_for_data(true) {
            return None;
        }
        let r = &mut self.regs;
        let at = r.position as usize;
        for (to, from) in r.buffer.iter_mut().skip(at).zip(&val.to_le_bytes()[..bytes as usize]) {
            *to = *from;
        }
        r.position += bytes;
        if r.position as usize >= r.buffer.len() { self.block_done() } else { None }
    }

    /// "Command descriptions". The answer is the time to the command's first step.
    fn command(&mut self, cx: &mut Cx<'_>, device: u8, command: u8) -> Result<Option<VTime>, Failed> {
        self.regs.error = 0;
        self.regs.intrq = false;
        self.finish();
        let multiple = self.regs.multiple;
        match command {
            0x20 | 0x21 => self.start(Phase::Read, device, false, 1),
            0x24 => self.start(Phase::Read, device, true, 1),
            0x30 | 0x31 | 0x3c => self.start(Phase::Write, device, false, 1),
            0x34 => self.start(Phase::Write, device, true, 1),
            0xc4 | 0x29 | 0xc5 | 0x39 if multiple == 0 => Err(Failed(ABRT)),
            0xc4 => self.start(Phase::Read, device, false, multiple),
            0x29 => self.start(Phase::Read, device, true, multiple),
            0xc5 => self.start(Phase::Write, device, false, multiple),
            0x39 => self.start(Phase::Write, device, true, multiple),
            0x40..=0x42 => {
                self.target(device, command == 0x42)?; // READ VERIFY
                self.plain()
            }
            0x10..=0x1f | 0x70..=0x7f => self.plain(), // RECALIBRATE, SEEK
            0x91 => {
                let (heads, sectors) = ((device & 0xf) + 1, self.regs.count[0]);
                if sectors == 0 {
                    return Err(Failed(ABRT));
                }
                self.regs.geometry = Geometry::of(heads, sectors, self.sectors);
                self.plain()
            }
            0xc6 => {
                let n = self.regs.count[0];
                if n > MAX_MULTIPLE || n != 0 && !n.is_power_of_two() {
                    return Err(Failed(ABRT));
                }
                self.regs.multiple = n;
                self.plain()
            }
            0xe7 | 0xea => match self.disk.flush() {
                Ok(()) => self.plain(),
                Err(_) => Err(Failed(ABRT)),
            },
            // STANDBY, IDLE, SLEEP and their older codes: the spindle is nobody's concern.
            0xe0..=0xe3 | 0xe6 | 0x94..=0x97 | 0x99 => self.plain(),
            0xe5 | 0x98 => {
                self.regs.count[0] = 0xff; // CHECK POWER MODE: active
                self.plain()
            }
            0xec => {
                let facts = Facts {
                    unit: self.unit,
                    default: Geometry::of(16, 63, self.sectors),
                    current: self.regs.geometry,
                    sectors: self.sectors,
                    multiple,
                };
                self.regs.buffer = identify(&facts).to_vec();
                self.regs.phase = Phase::Answer;
                self.regs.left = 0;
                self.regs.status = BSY;
                Ok(Some(ACCESS))
            }
            0xef => self.set_features(),
            0xf8 | 0x27 => {
                self.put_lba(self.sectors.saturating_sub(1), command == 0x27); // READ NATIVE MAX ADDRESS
                self.plain()
            }
            // NOP, DEVICE RESET, packets, SMART: aborting is how a disk without them answers.
            0x00 | 0x08 | 0xa0 | 0xa1 | 0xb0 => Err(Failed(ABRT)),
            _ => {
                cx.unimplemented("ATA: command", Offset(command.into()));
                Err(Failed(ABRT))
            }
        }
    }

    fn plain(&mut self) -> Result<Option<VTime>, Failed> {
        self.regs.phase = Phase::Plain;
        self.regs.status = BSY;
        Ok(Some(ACCESS))
    }

    /// "SET FEATURES": caches and power management have no effect here; of the transfer modes, PIO's.
    fn set_features(&mut self) -> Result<Option<VTime>, Failed> {
        let mode = self.regs.count[0];
        match self.regs.features {
            0x02 | 0x82 | 0x55 | 0xaa | 0x66 | 0xcc | 0x05 | 0x85 => self.plain(),
            0x03 if mode < 2 || (0x08..=0x0c).contains(&mode) => self.plain(),
            _ => Err(Failed(ABRT)),
        }
    }

    fn put_lba(&mut self, lba: u64, ext: bool) {
        let lba = if ext { lba } else { lba.min(LBA28_LIMIT - 1) };
        let [low, mid, high, low2, mid2, high2, ..] = lba.to_le_bytes();
        let r = &mut self.regs;
        r.lba_low = [low, low2];
        r.lba_mid = [mid, mid2];
        r.lba_high = [high, high2];
    }

    fn write(&mut self, at: Offset, val: u8) {
        let r = &mut self.regs;
        let both = |pair: &mut [u8; 2]| *pair = [val, pair[0]];
        match at {
            ERROR => r.features = val,
            COUNT => both(&mut r.count),
            LBA_LOW => both(&mut r.lba_low),
            LBA_MID => both(&mut r.lba_mid),
            LBA_HIGH => both(&mut r.lba_high),
            _ => {}
        }
    }

    fn read(&self, at: Offset, hob: bool) -> u8 {
        let r = &self.regs;
        match at {
            ERROR => r.error,
            COUNT => r.count[usize::from(hob)],
            LBA_LOW => r.lba_low[usize::from(hob)],
            LBA_MID => r.lba_mid[usize::from(hob)],
            LBA_HIGH => r.lba_high[usize::from(hob)],
            _ => r.status,
        }
    }
}

impl Regs {
    fn new(geometry: Geometry) -> Regs {
        Regs {
            features: 0,
            error: 0x01, // diagnostic code: passed
            status: DRDY | DSC,
            count: [1, 0],
            lba_low: [1, 0],
            lba_mid: [0; 2],
            lba_high: [0; 2],
            intrq: false,
            geometry,
            multiple: MAX_MULTIPLE,
            phase: Phase::Idle,
            lba: 0,
            left: 0,
            block: 1,
            buffer: Vec::new(),
            position: 0,
        }
    }

    /// The name of the first field that no run produces.
    fn invalid_field(&self) -> Option<&'static str> {
        let g = self.geometry;
        if !(1..=16).contains(&g.heads) || g.sectors == 0 {
            Some("geometry")
        } else if self.multiple > MAX_MULTIPLE || self.block > MAX_MULTIPLE {
            Some("multiple")
        } else if self.buffer.len() > usize::from(MAX_MULTIPLE) * SECTOR || !self.buffer.len().is_multiple_of(SECTOR) {
            Some("buffer")
        } else if self.position as usize > self.buffer.len() {
            Some("position")
        } else if self.left > 0x1_0000 {
            Some("left")
        } else if self.lba > 1 << 48 {
            Some("lba")
        } else {
            None
        }
    }
}

/// A channel.
pub struct AtaChannel {
    drives: [Option<Drive>; 2],
    /// The device register, which both drives hold.
    device: u8,
    control: u8,
}

impl AtaChannel {
    /// A channel with these disks as device 0 and device 1.
    pub fn new(disks: [Option<Box<dyn Disk>>; 2]) -> AtaChannel {
        let [d0, d1] = disks;
        AtaChannel { drives: [d0.map(|d| Drive::new(d, 0)), d1.map(|d| Drive::new(d, 1))], device: 0, control: 0 }
    }

    fn selected(&self) -> usize {
        usize::from(self.device & DEV != 0)
    }

    fn schedule(cx: &mut Cx<'_>, drive: usize, delay: Option<VTime>) {
        if let Some(delay) = delay {
            cx.at(cx.now().after(delay), STEP[drive]);
        }
    }

    fn update(&mut self, cx: &mut Cx<'_>) {
        let intrq = self.drives[self.selected()].as_ref().is_some_and(|d| d.regs.intrq);
        cx.set(INTRQ, intrq && self.control & NIEN == 0);
    }

    fn soft_reset(&mut self, cx: &mut Cx<'_>, hard: bool) {
        self.device = 0;
        for (drive, event) in self.drives.iter_mut().zip(STEP) {
            cx.cancel(event);
            if let Some(d) = drive {
                d.reset(hard);
            }
        }
    }

    fn read_register(&mut self, at: Offset) -> u8 {
        let n = self.selected();
        let hob = self.control & HOB != 0;
        match (&mut self.drives, n) {
            ([None, None], _) => NOBODY,
            _ if at == DEVICE => self.device | 0xa0,
            _ if self.control & SRST != 0 => BSY,
            // "Device 0 responds for a device 1 that is not present": its status reads 0.
            ([Some(_), None], 1) | ([None, Some(_)], 0) if at == STATUS || at == CONTROL => 0,
            ([Some(d), None], 1) => d.read(at, hob),
            ([None, Some(_)], 0) => NOBODY,
            (drives, n) => {
                let Some(d) = &mut drives[n] else { return NOBODY };
                if at == STATUS {
                    d.regs.intrq = false;
                }
                d.read(at, hob)
            }
        }
    }

    fn write_command(&mut self, cx: &mut Cx<'_>, command: u8) {
        if command == 0x90 {
            // EXECUTE DEVICE DIAGNOSTIC is for both; device 0 interrupts.
            self.soft_reset(cx, false);
            if let [Some(d), _] = &mut self.drives {
                d.regs.intrq = true;
            }
            return;
        }
        let (n, device) = (self.selected(), self.device);
        let Some(d) = &mut self.drives[n] else { return };
        if d.regs.status & BSY != 0 {
            return; // "shall not be written while BSY is set"
        }
        match d.command(cx, device, command) {
            Ok(delay) => Self::schedule(cx, n, delay),
            Err(failed) => d.fail(failed),
        }
    }
}

impl Device for AtaChannel {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width) -> u64 {
        let value = if at == DATA {
            let n = self.selected();
            match &mut self.drives[n] {
                Some(d) => {
                    let (value, delay) = d.read_data(width.bytes());
                    Self::schedule(cx, n, delay);
                    value
                }
                None => u64::MAX,
            }
        } else {
            self.read_register(at).into()
        };
        self.update(cx);
        value
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width, val: u64) {
        let n = self.selected();
        match at {
            DATA => {
                if let Some(d) = &mut self.drives[n] {
                    let delay = d.write_data(width.bytes(), val);
                    Self::schedule(cx, n, delay);
                }
            }
            CONTROL => {
                let before = std::mem::replace(&mut self.control, val as u8 & (HOB | SRST | NIEN));
                if self.control & SRST != 0 && before & SRST == 0 {
                    self.soft_reset(cx, false);
                }
            }
            STATUS if self.control & SRST == 0 => self.write_command(cx, val as u8),
            _ => {
                self.control &= !HOB; // any write to the command block
                let val = val as u8;
                if at == DEVICE {
                    self.device = val;
                }
                // Both devices take the parameters; only one that is idle listens.
                for d in self.drives.iter_mut().flatten().filter(|d| d.regs.status & (BSY | DRQ) == 0) {
                    d.write(at, val);
                }
            }
        }
        self.update(cx);
    }

    fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        if let Some(n) = STEP.iter().position(|e| *e == event)
            && let Some(d) = &mut self.drives[n]
        {
            d.step();
        }
        self.update(cx);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.control = 0;
        self.soft_reset(cx, true);
        self.update(cx);
    }
}

/// Saved form, version 1. The media are not part of it.
#[derive(Serialize, Deserialize)]
pub struct AtaV1 {
    drives: [Option<Regs>; 2],
    device: u8,
    control: u8,
}

impl Snapshot for AtaChannel {
    const KIND: &'static str = "ata";
    const VERSION: u32 = 1;
    type State = AtaV1;

    fn save(&self) -> AtaV1 {
        let AtaChannel { drives, device, control } = self;
        let regs = |d: &Option<Drive>| {
            d.as_ref().map(|d| {
                let Drive { regs, disk: _, sectors: _, unit: _ } = d; // the board's
                regs.clone()
            })
        };
        AtaV1 { drives: [regs(&drives[0]), regs(&drives[1])], device: *device, control: *control }
    }

    fn load(&mut self, s: AtaV1) -> Result<(), LoadError> {
        let AtaV1 { drives, device, control } = s;
        for (mine, theirs) in self.drives.iter().zip(&drives) {
            if mine.is_some() != theirs.is_some() {
                return Err(LoadError::Invalid { field: "drives", value: theirs.is_some().into() });
            }
            if let Some(field) = theirs.as_ref().and_then(Regs::invalid_field) {
                return Err(LoadError::Invalid { field, value: 0 });
            }
        }
        for (mine, theirs) in self.drives.iter_mut().zip(drives) {
            if let (Some(mine), Some(theirs)) = (mine, theirs) {
                mine.regs = theirs;
            }
        }
        (self.device, self.control) = (device, control & (HOB | SRST | NIEN));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{DiskError, MemDisk};
    use ferrite_core::rig::Rig;

    const SECTORS: usize = 4 * 16 * 63;

    /// A disk whose sectors begin with their number.
    fn disk() -> Box<MemDisk> {
        let mut bytes = vec![0; SECTORS * SECTOR];
        for (n, s) in bytes.chunks_exact_mut(SECTOR).enumerate() {
            s[..4].copy_from_slice(&(n as u32).to_le_bytes());
            s[511] = n as u8;
        }
        Box::new(MemDisk::new(bytes))
    }

    fn rig() -> Rig<AtaChannel> {
        Rig::new(AtaChannel::new([Some(disk()), None]))
    }

    fn set(ata: &mut Rig<AtaChannel>, regs: &[(Offset, u8)]) {
        for (at, v) in regs {
            ata.write(*at, *v);
        }
    }

    fn lba28(ata: &mut Rig<AtaChannel>, lba: u32, count: u8) {
        let [low, mid, high, top] = lba.to_le_bytes();
        set(ata, &[(COUNT, count), (LBA_LOW, low), (LBA_MID, mid), (LBA_HIGH, high), (DEVICE, 0xe0 | top)]);
    }

    /// Waits for the interrupt and gives the status.
    fn wait(ata: &mut Rig<AtaChannel>) -> u8 {
        ata.pass(VTime::ms(2));
        assert!(ata.level(INTRQ), "the interrupt came");
        ata.read(STATUS)
    }

    fn words(ata: &mut Rig<AtaChannel>, n: usize) -> Vec<u16> {
        (0..n).map(|_| ata.read_wide(DATA, Width::B2) as u16).collect()
    }

    #[test]
    fn a_disk_shows_the_signature_and_an_empty_channel_floats() {
        let mut ata = rig();
        assert_eq!([COUNT, LBA_LOW, LBA_MID, LBA_HIGH, STATUS].map(|at| ata.read(at)), [1, 1, 0, 0, 0x50]);
        ata.write(DEVICE, 0xb0);
        assert_eq!(ata.read(STATUS), 0, "device 0 answers for device 1");
        let mut empty = Rig::new(AtaChannel::new([None, None]));
        assert_eq!(empty.read(STATUS), NOBODY);
    }

    #[test]
    fn identify_tells_geometry_capacity_and_adds_up_to_zero() {
        let mut ata = rig();
        ata.write(STATUS, 0xec);
        assert_eq!(ata.read(CONTROL), BSY);
        assert_eq!(wait(&mut ata), DRDY | DSC | DRQ);
        assert!(!ata.level(INTRQ), "reading the status takes the interrupt");
        let w = words(&mut ata, 256);
        assert_eq!((w[1], w[3], w[6]), (4, 16, 63));
        assert_eq!(u32::from(w[60]) | u32::from(w[61]) << 16, SECTORS as u32);
        assert_eq!(w[27].to_be_bytes(), *b"FE");
        let sum = w.iter().flat_map(|w| w.to_le_bytes()).fold(0u8, u8::wrapping_add);
        assert_eq!(sum, 0);
        assert_eq!(ata.read(STATUS), DRDY | DSC);
    }

    #[test]
    fn a_read_interrupts_before_each_sector_and_not_after_the_last() {
        let mut ata = rig();
        lba28(&mut ata, 1000, 2);
        ata.write(STATUS, 0x20);
        for n in 1000..1002 {
            assert_eq!(wait(&mut ata) & (BSY | DRQ), DRQ);
            assert_eq!(words(&mut ata, 256)[0], n);
        }
        ata.pass(VTime::ms(2));
        assert!(!ata.level(INTRQ));
        assert_eq!(ata.read(STATUS), DRDY | DSC);
    }

    #[test]
    fn a_write_interrupts_after_each_sector() {
        let mut ata = rig();
        lba28(&mut ata, 7, 2);
        ata.write(STATUS, 0x30);
        assert!(!ata.level(INTRQ), "the first block is asked for by DRQ alone");
        for fill in [0x1111_1111, 0x2222_2222] {
            assert_eq!(ata.read(CONTROL) & (BSY | DRQ), DRQ);
            for _ in 0..128 {
                ata.write_wide(DATA, Width::B4, fill);
            }
            wait(&mut ata);
        }
        assert_eq!(ata.read(STATUS), DRDY | DSC);
        let mut back = [0; 2 * SECTOR];
        ata.device.drives[0].as_mut().unwrap().disk.read(7, &mut back).unwrap();
        assert_eq!((back[0], back[511], back[512], back[1023]), (0x11, 0x11, 0x22, 0x22));
    }

    #[test]
    fn read_multiple_moves_blocks() {
        let mut ata = rig();
        set(&mut ata, &[(COUNT, 4), (STATUS, 0xc6)]);
        wait(&mut ata);
        lba28(&mut ata, 0, 6);
        ata.write(STATUS, 0xc4);
        wait(&mut ata);
        assert_eq!(words(&mut ata, 4 * 256)[3 * 256], 3);
        wait(&mut ata);
        assert_eq!(words(&mut ata, 2 * 256)[256], 5);
        assert_eq!(ata.read(STATUS), DRDY | DSC);
    }

    #[test]
    fn all_three_ways_of_addressing_reach_the_same_sector() {
        let mut ata = rig();
        let lba = 2 * 16 * 63 + 5 * 63 + 9; // cylinder 2, head 5, sector 10
        let chs = [(COUNT, 1), (LBA_LOW, 10), (LBA_MID, 2), (LBA_HIGH, 0), (DEVICE, 0xa5), (STATUS, 0x20)];
        set(&mut ata, &chs);
        wait(&mut ata);
        assert_eq!(words(&mut ata, 256)[0], lba);
        let [low, mid] = lba.to_le_bytes();
        for (at, v) in [(COUNT, 1), (LBA_LOW, low), (LBA_MID, mid), (LBA_HIGH, 0)] {
            set(&mut ata, &[(at, 0), (at, v)]);
        }
        set(&mut ata, &[(DEVICE, 0xe0), (STATUS, 0x24)]);
        wait(&mut ata);
        assert_eq!(words(&mut ata, 256)[0], lba);
    }

    #[test]
    fn an_address_past_the_end_is_not_found() {
        let mut ata = rig();
        lba28(&mut ata, SECTORS as u32 - 1, 2);
        ata.write(STATUS, 0x20);
        assert_eq!(wait(&mut ata), DRDY | DSC | ERR);
        assert_eq!(ata.read(ERROR), IDNF);
        set(&mut ata, &[(LBA_LOW, 0), (DEVICE, 0xa0), (STATUS, 0x20)]);
        wait(&mut ata);
        assert_eq!(ata.read(ERROR), IDNF, "sectors count from 1");
    }

    #[test]
    fn what_a_disk_lacks_is_aborted() {
        let mut ata = rig();
        for command in [0x00, 0xa1, 0xc8, 0xb0] {
            ata.write(STATUS, command);
            assert_eq!(wait(&mut ata) & ERR, ERR);
            assert_eq!(ata.read(ERROR), ABRT, "{command:#x}");
        }
        set(&mut ata, &[(ERROR, 3), (COUNT, 0x45), (STATUS, 0xef)]);
        wait(&mut ata);
        assert_eq!(ata.read(ERROR), ABRT, "Ultra DMA cannot be chosen");
    }

    #[test]
    fn a_host_error_is_an_uncorrectable_sector() {
        struct Broken;
        impl Disk for Broken {
            fn sectors(&self) -> u64 {
                100
            }
            fn read(&mut self, _: u64, _: &mut [u8]) -> Result<(), DiskError> {
                Err(DiskError)
            }
            fn write(&mut self, _: u64, _: &[u8]) -> Result<(), DiskError> {
                Err(DiskError)
            }
        }
        let mut ata = Rig::new(AtaChannel::new([Some(Box::new(Broken)), None]));
        lba28(&mut ata, 0, 1);
        ata.write(STATUS, 0x20);
        assert_eq!(wait(&mut ata), DRDY | DSC | ERR);
        assert_eq!(ata.read(ERROR), UNC);
    }

    #[test]
    fn nien_masks_the_interrupt() {
        let mut ata = rig();
        ata.write(CONTROL, NIEN);
        ata.write(STATUS, 0xe7);
        ata.pass(VTime::ms(1));
        assert!(!ata.level(INTRQ));
        assert_eq!(ata.read(CONTROL), DRDY | DSC);
        ata.write(CONTROL, 0);
        assert!(ata.level(INTRQ));
    }

    #[test]
    fn soft_reset_ends_a_transfer_and_restores_the_signature() {
        let mut ata = rig();
        lba28(&mut ata, 5, 200);
        ata.write(STATUS, 0x20);
        ata.write(CONTROL, SRST);
        assert_eq!(ata.read(CONTROL), BSY);
        ata.write(CONTROL, 0);
        ata.pass(VTime::ms(2));
        assert!(!ata.level(INTRQ));
        assert_eq!([COUNT, LBA_LOW, ERROR, STATUS].map(|at| ata.read(at)), [1, 1, 1, 0x50]);
    }

    #[test]
    fn each_device_keeps_its_own_command() {
        let mut ata = Rig::new(AtaChannel::new([Some(disk()), Some(disk())]));
        lba28(&mut ata, 3, 1);
        ata.write(STATUS, 0x20);
        set(&mut ata, &[(DEVICE, 0xf0), (STATUS, 0xe5)]);
        ata.pass(VTime::ms(1));
        assert_eq!(ata.read(STATUS), DRDY | DSC);
        assert_eq!(ata.read(COUNT), 0xff);
        ata.write(DEVICE, 0xe0);
        assert_eq!(ata.read(STATUS) & DRQ, DRQ);
        assert_eq!(words(&mut ata, 1), [3]);
    }
}
