//! An ATAPI CD-ROM drive: the PACKET protocol, sense, the medium and its tray.
//!
//! Documents: AT Attachment with Packet Interface - 6 (T13/1410D), "PACKET", "PACKET command protocol"; SFF-8020i, ATA Packet
//! Interface for CD-ROMs 2.6; Multi-Media Commands - 3 (T10/1363-D); SCSI Primary Commands - 2 (T10/1236-D).
//!
//! The medium is an image of 2048-byte sectors: a disc of one session with one track in mode 1.
//!
//! *Not modelled:* audio, sub-channels beyond an empty answer, several sessions, overlapped commands, the time that tray and
//! spindle take.

use ferrite_core::snapshot::LoadError;
use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

use super::atapi_mode::{Pages, PagesV1};
use super::identify::identify_packet;
use super::interface::{ABRT, BSY, DRDY, DRQ, DSC, Direction, Drive, DriveReset, ERR, Interface, MAX_BLOCK, Path};
use crate::host::{Disk, SECTOR};

/// Bytes of a sector's user data.
pub const BLOCK: usize = 2048;
/// Disk sectors in one of the medium's.
const SECTORS: u64 = (BLOCK / SECTOR) as u64;
/// Bytes of a command packet.
const PACKET: usize = 12;

/// From PACKET to the request for the packet: "within 50 us", as IDENTIFY PACKET DEVICE says.
const PACKET_TIME: VTime = VTime::us(5);
/// From the packet to the first data: from the drive's cache.
const ACCESS: VTime = VTime::us(50);
/// From the last data to the status.
const STATUS_TIME: VTime = VTime::us(10);
/// From the end of a reset to the signature.
const RESET_TIME: VTime = VTime::us(500);

/// Interrupt reason: the packet, or the status.
const CD: u8 = 0x01;
/// Interrupt reason: to the host.
const IO: u8 = 0x02;
/// PACKET features: DMA, overlap.
const DMA: u8 = 0x01;
const OVL: u8 = 0x02;

/// Why a packet command failed: sense key, additional sense code and qualifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sense(pub u8, pub u8, pub u8);

impl Sense {
    pub const NONE: Sense = Sense(0, 0, 0);
    /// No medium, the tray is closed.
    pub const NO_MEDIUM: Sense = Sense(2, 0x3a, 0x01);
    /// No medium, the tray is open.
    pub const TRAY_OPEN: Sense = Sense(2, 0x3a, 0x02);
    /// Unrecovered read error.
    pub const READ_ERROR: Sense = Sense(3, 0x11, 0x00);
    pub const PARAMETER_LIST_LENGTH: Sense = Sense(5, 0x1a, 0x00);
    pub const INVALID_OPCODE: Sense = Sense(5, 0x20, 0x00);
    pub const OUT_OF_RANGE: Sense = Sense(5, 0x21, 0x00);
    pub const INVALID_FIELD: Sense = Sense(5, 0x24, 0x00);
    pub const INVALID_PARAMETER: Sense = Sense(5, 0x26, 0x00);
    pub const SAVING_NOT_SUPPORTED: Sense = Sense(5, 0x39, 0x00);
    pub const REMOVAL_PREVENTED: Sense = Sense(5, 0x53, 0x02);
    pub const ILLEGAL_MODE_FOR_TRACK: Sense = Sense(5, 0x64, 0x00);
    /// Not ready to ready change: the medium may have changed.
    pub const MEDIUM_CHANGED: Sense = Sense(6, 0x28, 0x00);
    /// Power on, reset, or bus device reset occurred.
    pub const RESET_OCCURRED: Sense = Sense(6, 0x29, 0x00);
}

/// Media events of GET EVENT STATUS NOTIFICATION. MMC-3, "Media Class Events".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum MediaEvent {
    #[default]
    NoChange = 0,
    EjectRequest = 1,
    NewMedia = 2,
    MediaRemoval = 3,
}

/// What ends with the next step or block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// Nothing is under way.
    #[default]
    Idle,
    /// An ATA command without data.
    Plain,
    /// A reset; `true` when it ends with an interrupt.
    Reset(bool),
    /// The block holds the answer of an ATA command.
    Identify,
    /// The host is to send the packet.
    Packet,
    /// The packet is here.
    Execute,
    /// Data of a packet command to the host.
    DataIn,
    /// Data of a packet command from the host.
    DataOut,
    /// The status of a packet command is next.
    Status,
}

/// Where the data of a packet command come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Source {
    /// [`Cdrom::answer`].
    #[default]
    Answer,
    /// Sectors from this one on; the parts of a raw sector that READ CD asked for.
    Medium { lba: u32, parts: u8 },
}

/// The data of a packet command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Transfer {
    source: Source,
    /// Bytes in all, and those in blocks so far.
    total: u64,
    done: u64,
    /// The host's byte count limit.
    limit: u32,
    path: Path,
}

/// What a packet command has to do after it was understood.
pub(super) enum Reply {
    /// Nothing.
    Done,
    /// Send this.
    Answer(Vec<u8>),
    /// Send parts of these sectors.
    Sectors { lba: u32, count: u32, parts: u8 },
    /// Receive so many bytes of parameters.
    Parameters(usize),
}

/// A CD-ROM drive.
pub struct Cdrom {
    interface: Interface,
    phase: Phase,
    transfer: Transfer,
    packet: [u8; PACKET],
    answer: Vec<u8>,
    pub(super) sense: Sense,
    /// Unit attention conditions: a reset, another medium.
    pub(super) was_reset: bool,
    pub(super) medium_changed: bool,
    pub(super) event: MediaEvent,
    pub(super) tray_open: bool,
    /// The guest prevents removal of the medium.
    pub(super) locked: bool,
    pub(super) pages: Pages,
    /// The DMA mode chosen, as SET FEATURES codes it.
    dma_mode: u8,
    medium: Option<Box<dyn Disk>>,
    /// 0 to 3: hda to hdd.
    number: u8,
}

impl Cdrom {
    /// A drive with this medium in its closed tray.
    pub fn new(medium: Option<Box<dyn Disk>>, number: u8) -> Cdrom {
        let mut new = Cdrom {
            interface: Interface::default(),
            phase: Phase::Idle,
            transfer: Transfer::default(),
            packet: [0; PACKET],
            answer: Vec::new(),
            sense: Sense::NONE,
            was_reset: true,
            medium_changed: false,
            event: MediaEvent::NoChange,
            tray_open: false,
            locked: false,
            pages: Pages::default(),
            dma_mode: 0x22,
            medium,
            number,
        };
        new.reset(DriveReset::Hardware);
        new
    }

    /// The host changes the medium: the tray closes over it.
    pub fn insert(&mut self, medium: Option<Box<dyn Disk>>) {
        self.tray_open = false;
        self.event = if medium.is_some() { MediaEvent::NewMedia } else { MediaEvent::MediaRemoval };
        self.medium_changed = medium.is_some();
        self.medium = medium;
    }

    /// The button on the front. False when the guest has locked the tray, which then hears of the wish.
    pub fn press_eject(&mut self) -> bool {
        if self.locked {
            self.event = MediaEvent::EjectRequest;
            return false;
        }
        self.open_tray();
        true
    }

    pub(super) fn open_tray(&mut self) {
        self.tray_open = true;
        self.medium_changed = false;
        self.event = MediaEvent::MediaRemoval;
    }

    pub(super) fn close_tray(&mut self) {
        if std::mem::take(&mut self.tray_open) && self.medium.is_some() {
            self.medium_changed = true;
            self.event = MediaEvent::NewMedia;
        }
    }

    /// Sectors of the medium, if one can be read. A last sector that the image does not fill is padded.
    pub(super) fn blocks(&self) -> Option<u32> {
        let medium = self.medium.as_ref().filter(|_| !self.tray_open)?;
        Some(u32::try_from(medium.sectors().div_ceil(SECTORS)).unwrap_or(u32::MAX))
    }

    /// Fills `out`, whole sectors, from sector `lba` on.
    pub(super) fn read_blocks(&mut self, lba: u32, out: &mut [u8]) -> Result<(), Sense> {
        let medium = self.medium.as_mut().filter(|_| !self.tray_open).ok_or(Sense::NO_MEDIUM)?;
        let first = u64::from(lba) * SECTORS;
        let there = medium.sectors().saturating_sub(first).saturating_mul(SECTOR as u64);
        let (data, padding) = out.split_at_mut(out.len().min(usize::try_from(there).unwrap_or(usize::MAX)));
        padding.fill(0);
        if data.is_empty() {
            return Ok(());
        }
        medium.read(first, data).map_err(|_| Sense::READ_ERROR)
    }

    /// Takes a pending unit attention condition.
    pub(super) fn attention(&mut self) -> Option<Sense> {
        if std::mem::take(&mut self.was_reset) {
            self.medium_changed = false; // one report stands for both
            Some(Sense::RESET_OCCURRED)
        } else {
            std::mem::take(&mut self.medium_changed).then_some(Sense::MEDIUM_CHANGED)
        }
    }

    // ---- the PACKET protocol ----

    fn busy(&mut self, phase: Phase, time: VTime) -> Option<VTime> {
        self.phase = phase;
        self.interface.status = BSY;
        Some(time)
    }

    fn start_packet(&mut self) -> Option<VTime> {
        let i = &self.interface;
        if i.features[0] & OVL != 0 {
            self.abort();
            return None;
        }
        let limit = u16::from_le_bytes([i.lba_mid[0], i.lba_high[0]]);
        let path = if i.features[0] & DMA != 0 { Path::Dma } else { Path::Pio };
        // "The host should not set the byte count limit to zero": as 65534, the largest.
        let limit = if limit == 0 || limit == 0xffff { 0xfffe } else { limit.into() };
        self.transfer = Transfer { limit, path, ..Transfer::default() };
        self.busy(Phase::Packet, PACKET_TIME)
    }

    fn execute(&mut self) -> Option<VTime> {
        let packet = self.packet;
        match self.packet_command(&packet) {
            Ok(Reply::Done) => self.status(Sense::NONE),
            Ok(Reply::Answer(answer)) => {
                self.transfer.total = answer.len() as u64;
                self.answer = answer;
                self.next_block();
            }
            Ok(Reply::Sectors { lba, count, parts }) => {
                self.transfer.source = Source::Medium { lba, parts };
                self.transfer.total = u64::from(count) * self.unit() as u64;
                self.next_block();
            }
            Ok(Reply::Parameters(len)) => {
                self.transfer.total = len as u64;
                self.answer = Vec::with_capacity(len);
                self.next_parameters();
            }
            Err(sense) => self.status(sense),
        }
        None
    }

    /// Bytes that belong together: blocks hold whole units where the limit allows it.
    fn unit(&self) -> usize {
        match self.transfer.source {
            Source::Answer => 1,
            Source::Medium { parts, .. } => super::cd_sector::len(parts),
        }
    }

    /// Bytes in the next block. "Byte count limit": an odd one is lowered by one unless it ends the transfer.
    fn block_len(&self) -> usize {
        let left = (self.transfer.total - self.transfer.done).min(1 << 32) as usize;
        let limit = match self.transfer.path {
            Path::Dma => MAX_BLOCK,
            Path::Pio => (self.transfer.limit as usize & !1).max(2),
        };
        let unit = self.unit().max(1);
        if left <= limit.max(self.transfer.limit as usize) {
            left.min(MAX_BLOCK)
        } else if limit >= unit {
            limit / unit * unit
        } else {
            limit
        }
    }

    /// Fills the next block and offers it.
    fn next_block(&mut self) {
        let len = self.block_len();
        if len == 0 {
            self.status(Sense::NONE);
            return;
        }
        let Transfer { source, done, path, .. } = self.transfer;
        // A word moves at a time by DMA: an odd end has a byte of padding.
        let room = if path == Path::Dma { len.next_multiple_of(2) } else { len };
        self.interface.open(Direction::In, path, room);
        let mut block = std::mem::take(&mut self.interface.block);
        let filled = match source {
            Source::Answer => {
                let part = self.answer.get(done as usize..).unwrap_or_default();
                block.fill(0);
                block.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
                Ok(())
            }
            Source::Medium { lba, parts } => {
                let room = block.len().min(len);
                self.fill_from_medium(lba, parts, done, &mut block[..room])
            }
        };
        self.interface.block = block;
        match filled {
            Ok(()) => {
                self.transfer.done += len as u64;
                self.phase = Phase::DataIn;
                self.offer(IO, len);
            }
            Err(sense) => self.status(sense),
        }
    }

    /// Asks for the next block of parameters.
    fn next_parameters(&mut self) {
        let len = self.block_len();
        let path = self.transfer.path;
        self.interface.open(Direction::Out, path, len);
        self.transfer.done += len as u64;
        self.phase = Phase::DataOut;
        self.offer(0, len);
    }

    fn offer(&mut self, reason: u8, len: usize) {
        let i = &mut self.interface;
        i.status = DRDY | DSC | DRQ;
        i.count[0] = reason;
        [i.lba_mid[0], i.lba_high[0]] = (len as u16).to_le_bytes();
        i.intrq |= self.transfer.path == Path::Pio;
    }

    /// Ends a packet command.
    fn status(&mut self, sense: Sense) {
        if self.packet[0] != REQUEST_SENSE {
            self.sense = sense;
        }
        self.finish();
        let i = &mut self.interface;
        i.status = DRDY | DSC;
        i.count[0] = CD | IO;
        i.intrq = true;
        if sense != Sense::NONE {
            i.status |= ERR;
            // Illegal requests and aborted commands are aborted in ATA's terms, too.
            i.error = sense.0 << 4 | if matches!(sense.0, 5 | 0xb) { ABRT } else { 0 };
        }
    }

    // ---- ATA commands ----

    fn finish(&mut self) {
        self.phase = Phase::Idle;
        self.interface.close();
        self.answer.clear();
    }

    fn abort(&mut self) {
        self.finish();
        let i = &mut self.interface;
        i.status = DRDY | DSC | ERR;
        i.error = ABRT;
        i.intrq = true;
    }

    /// "SET FEATURES": transfer modes; a CD-ROM drive has no write cache.
    fn set_features(&mut self) -> Option<VTime> {
        let value = self.interface.count[0];
        match (self.interface.features[0], value) {
            (0x03, 0x00 | 0x01 | 0x08..=0x0c) => {}
            (0x03, 0x10..=0x12 | 0x20..=0x22 | 0x40..=0x45) => self.dma_mode = value,
            (0x66 | 0xcc, _) => {}
            _ => {
                self.abort();
                return None;
            }
        }
        self.busy(Phase::Plain, ACCESS)
    }

    /// The state, whole.
    pub(super) fn save(&self) -> CdromV1 {
        let Cdrom {
            interface,
            phase,
            transfer,
            packet,
            answer,
            sense,
            was_reset,
            medium_changed,
            event,
            tray_open,
            locked,
            pages,
            dma_mode,
            medium,
            number: _, // the board's
        } = self;
        CdromV1 {
            interface: interface.clone(),
            phase: *phase,
            transfer: *transfer,
            packet: *packet,
            answer: answer.clone(),
            sense: *sense,
            was_reset: *was_reset,
            medium_changed: *medium_changed,
            event: *event,
            tray_open: *tray_open,
            locked: *locked,
            pages: pages.save(),
            dma_mode: *dma_mode,
            medium: medium.as_ref().map(|m| m.sectors()),
        }
    }

    /// Takes a saved state over. Where the medium is another one now, the guest is told so.
    ///
    /// # Errors
    /// When no run produces it.
    pub(super) fn load(&mut self, s: CdromV1) -> Result<(), LoadError> {
        let CdromV1 {
            interface,
            phase,
            transfer,
            packet,
            answer,
            sense,
            was_reset,
            medium_changed,
            event,
            tray_open,
            locked,
            pages,
            dma_mode,
            medium,
        } = s;
        let bad = |field, value| Err(LoadError::Invalid { field, value });
        if let Some(field) = interface.invalid_field() {
            return bad(field, 0);
        }
        if transfer.done > transfer.total || transfer.total > 1 << 40 {
            return bad("transfer", transfer.done);
        }
        if answer.len() > MAX_BLOCK {
            return bad("answer", answer.len() as u64);
        }
        if phase == Phase::Packet && interface.status & DRQ != 0 && interface.block.len() != PACKET {
            return bad("packet", interface.block.len() as u64);
        }
        self.pages.load(pages)?;
        (self.interface, self.phase, self.transfer, self.packet) = (interface, phase, transfer, packet);
        (self.answer, self.sense, self.was_reset, self.medium_changed) = (answer, sense, was_reset, medium_changed);
        (self.event, self.tray_open, self.locked, self.dma_mode) = (event, tray_open, locked, dma_mode);
        let now = self.medium.as_ref().map(|m| m.sectors());
        if now != medium && !self.tray_open {
            self.medium_changed = now.is_some();
            self.event = if now.is_some() { MediaEvent::NewMedia } else { MediaEvent::MediaRemoval };
        }
        Ok(())
    }
}

/// The one command that does not replace the sense data.
pub(super) const REQUEST_SENSE: u8 = 0x03;

impl Drive for Cdrom {
    fn interface(&self) -> &Interface {
        &self.interface
    }

    fn interface_mut(&mut self) -> &mut Interface {
        &mut self.interface
    }

    fn packet(&self) -> bool {
        true
    }

    fn command(&mut self, command: u8) -> Option<VTime> {
        if command == 0x08 {
            return self.reset(DriveReset::Device);
        }
        self.finish();
        self.interface.error = 0;
        self.interface.intrq = false;
        match command {
            0xa0 => self.start_packet(),
            0xa1 => {
                self.interface.open(Direction::In, Path::Pio, SECTOR);
                self.interface.block.copy_from_slice(&identify_packet(self.number, self.dma_mode));
                self.busy(Phase::Identify, ACCESS)
            }
            0xef => self.set_features(),
            // STANDBY, IDLE and SLEEP, immediate or not; FLUSH CACHE: nothing to do.
            0xe0..=0xe3 | 0xe6 | 0x94..=0x97 | 0x99 | 0xe7 => self.busy(Phase::Plain, ACCESS),
            0xe5 | 0x98 => {
                self.interface.count[0] = 0xff; // CHECK POWER MODE: active
                self.busy(Phase::Plain, ACCESS)
            }
            // "IDENTIFY DEVICE", "READ SECTOR(S)": a packet device aborts them and shows its signature.
            0xec | 0x20 => {
                let device = self.interface.device;
                self.interface.sign(true);
                self.interface.device = device;
                self.abort();
                None
            }
            _ => {
                self.abort();
                None
            }
        }
    }

    fn step(&mut self) -> Option<VTime> {
        match self.phase {
            Phase::Idle => {}
            Phase::Plain => {
                self.finish();
                self.interface.status = DRDY | DSC;
                self.interface.intrq = true;
            }
            Phase::Reset(interrupt) => {
                self.finish();
                self.interface.status = 0; // DRDY waits for the first command
                self.interface.intrq = interrupt;
            }
            Phase::Identify => {
                self.interface.status = DRDY | DSC | DRQ;
                self.interface.intrq = true;
            }
            Phase::Packet => {
                self.interface.open(Direction::Out, Path::Pio, PACKET);
                self.interface.status = DRDY | DSC | DRQ;
                self.interface.count[0] = CD;
            }
            Phase::Execute => return self.execute(),
            Phase::DataIn => self.next_block(),
            Phase::DataOut => self.next_parameters(),
            Phase::Status => self.status(Sense::NONE),
        }
        None
    }

    fn block_done(&mut self) -> Option<VTime> {
        let over = self.transfer.done >= self.transfer.total;
        let dma = self.transfer.path == Path::Dma;
        match self.phase {
            Phase::Packet => {
                for (to, from) in self.packet.iter_mut().zip(&self.interface.block) {
                    *to = *from;
                }
                self.interface.close();
                self.busy(Phase::Execute, ACCESS)
            }
            Phase::DataIn if over => {
                self.interface.close();
                self.busy(Phase::Status, STATUS_TIME)
            }
            Phase::DataIn if dma => {
                self.next_block();
                None
            }
            // The next block comes at 100 MB/s.
            Phase::DataIn => self.busy(Phase::DataIn, VTime::ns(10 * self.block_len() as u64)),
            Phase::DataOut => {
                let block = &self.interface.block;
                let room = MAX_BLOCK.saturating_sub(self.answer.len());
                self.answer.extend_from_slice(&block[..block.len().min(room)]);
                self.interface.close();
                if !over {
                    return self.busy(Phase::DataOut, STATUS_TIME);
                }
                let (packet, parameters) = (self.packet, std::mem::take(&mut self.answer));
                match self.take_parameters(&packet, &parameters) {
                    Ok(()) => self.busy(Phase::Status, STATUS_TIME),
                    Err(sense) => {
                        self.status(sense);
                        None
                    }
                }
            }
            Phase::Idle | Phase::Plain | Phase::Reset(_) | Phase::Identify | Phase::Execute | Phase::Status => {
                self.finish();
                self.interface.status = DRDY | DSC;
                None
            }
        }
    }

    fn reset(&mut self, kind: DriveReset) -> Option<VTime> {
        self.finish();
        self.transfer = Transfer::default();
        let i = &mut self.interface;
        let device = i.device;
        i.sign(true);
        (i.error, i.features, i.status, i.intrq, i.eight_bit) = (0x01, [0; 2], 0, false, false);
        (i.direction, i.path) = (Direction::In, Path::Pio);
        match kind {
            DriveReset::Hardware => {
                (self.packet, self.sense) = ([0; PACKET], Sense::NONE);
                (self.was_reset, self.medium_changed, self.event) = (true, false, MediaEvent::NoChange);
                (self.tray_open, self.locked) = (false, false);
                (self.pages, self.dma_mode) = (Pages::default(), 0x22);
                return None;
            }
            DriveReset::Device => i.device = device & 0x10,
            DriveReset::Software | DriveReset::Diagnostic => {}
        }
        // Only device 0 interrupts at the end of a diagnosis of both.
        let interrupt = kind == DriveReset::Diagnostic && self.number & 1 == 0;
        self.busy(Phase::Reset(interrupt), RESET_TIME)
    }
}

/// Saved form, version 1. The medium is not part of it, but for its size.
#[derive(Serialize, Deserialize)]
pub struct CdromV1 {
    interface: Interface,
    phase: Phase,
    transfer: Transfer,
    packet: [u8; PACKET],
    answer: Vec<u8>,
    sense: Sense,
    was_reset: bool,
    medium_changed: bool,
    event: MediaEvent,
    tray_open: bool,
    locked: bool,
    pages: PagesV1,
    dma_mode: u8,
    medium: Option<u64>,
}

#[cfg(test)]
#[path = "atapi_tests.rs"]
mod tests;
