//! What every drive on an IDE channel has: the Command Block registers, and a block of data on its way.
//!
//! Document: AT Attachment with Packet Interface - 6 (T13/1410D), "Interface register definitions and descriptions".
//!
//! Data move in *blocks*: what goes through the data register between two interrupts, or one piece of a DMA transfer. The drive
//! fills the block before it sets DRQ and takes it when the last word has gone.

use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

/// Status: busy.
pub const BSY: u8 = 0x80;
/// Status: device ready.
pub const DRDY: u8 = 0x40;
/// Status: device seek complete, as ATA-1 to ATA-3 have it.
pub const DSC: u8 = 0x10;
/// Status: data request.
pub const DRQ: u8 = 0x08;
/// Status: error (CHK for packets).
pub const ERR: u8 = 0x01;
/// Error: uncorrectable data.
pub const UNC: u8 = 0x40;
/// Error: ID not found.
pub const IDNF: u8 = 0x10;
/// Error: command aborted.
pub const ABRT: u8 = 0x04;
/// Device: the address is a logical block.
pub const LBA: u8 = 0x40;
/// Device: device 1 is selected.
pub const DEV: u8 = 0x10;

/// The largest block: a piece of a DMA transfer, or what the byte count of a packet command can say.
pub const MAX_BLOCK: usize = 0x1_0000;

/// Which way the block goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// To the host.
    #[default]
    In,
    /// From the host.
    Out,
}

/// How the block moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Path {
    /// Through the data register.
    #[default]
    Pio,
    /// By DMARQ and DMACK#.
    Dma,
}

/// Which reset a drive sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveReset {
    /// RESET#.
    Hardware,
    /// SRST in the Device Control register.
    Software,
    /// EXECUTE DEVICE DIAGNOSTIC.
    Diagnostic,
    /// DEVICE RESET, which leaves the other drive alone.
    Device,
}

/// Registers of one drive. Plain data, which is also its saved form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Features, then what it held before: a 48-bit command takes both, here and below.
    pub features: [u8; 2],
    /// Error.
    pub error: u8,
    /// Status.
    pub status: u8,
    /// Sector count; interrupt reason of a packet command.
    pub count: [u8; 2],
    /// LBA bits 7:0, or the sector.
    pub lba_low: [u8; 2],
    /// LBA bits 15:8, or the low byte of the cylinder, or of the byte count.
    pub lba_mid: [u8; 2],
    /// LBA bits 23:16, or the high byte of the cylinder, or of the byte count.
    pub lba_high: [u8; 2],
    /// Device.
    pub device: u8,
    /// The drive asks for an interrupt.
    pub intrq: bool,
    /// SET FEATURES 01h: the data register is 8 bits wide.
    pub eight_bit: bool,
    /// The block's way.
    pub direction: Direction,
    /// And its path.
    pub path: Path,
    /// The block.
    pub block: Vec<u8>,
    /// What of it has moved.
    pub position: u32,
}

impl Interface {
    /// "Signature": what the registers hold after a reset. `packet` for a drive with the PACKET command set.
    pub fn sign(&mut self, packet: bool) {
        let [mid, high] = if packet { [0x14, 0xeb] } else { [0, 0] };
        self.count = [1, 0];
        self.lba_low = [1, 0];
        self.lba_mid = [mid, 0];
        self.lba_high = [high, 0];
        self.device = 0;
    }

    /// The name of the first field that no run produces.
    pub fn invalid_field(&self) -> Option<&'static str> {
        if self.block.len() > MAX_BLOCK {
            Some("block")
        } else if self.position as usize > self.block.len() {
            Some("position")
        } else {
            None
        }
    }

    /// The data register has a word for the host, or wants one.
    fn moves(&self, direction: Direction) -> bool {
        self.status & (BSY | DRQ) == DRQ && (self.direction, self.path) == (direction, Path::Pio)
    }

    /// DMARQ is asserted.
    pub fn dmarq(&self) -> bool {
        self.status & (BSY | DRQ) == DRQ && self.path == Path::Dma
    }

    /// What has not moved yet.
    pub fn rest(&self) -> &[u8] {
        self.block.get(self.position as usize..).unwrap_or_default()
    }

    /// Counts `bytes` as moved; true when the block has gone whole.
    pub fn moved(&mut self, bytes: usize) -> bool {
        let position = (self.position as usize + bytes).min(self.block.len());
        self.position = position as u32;
        position == self.block.len()
    }

    /// How many bytes of the block an access of `width` bytes moves: the data register is 16 bits wide, and a byte access takes
    /// the whole word; two bytes are one cycle, four are two.
    fn step(&self, width: u32) -> (usize, usize) {
        if self.eight_bit { (1, width.div_ceil(2) as usize) } else { (2, width.div_ceil(2) as usize) }
    }

    /// The host reads the data register; the flag says that the block has gone.
    pub fn read_data(&mut self, width: u32) -> (u64, bool) {
        if !self.moves(Direction::In) {
            return (0, false);
        }
        let (step, cycles) = self.step(width);
        let mut value = 0;
        for (n, bytes) in self.rest().chunks(step).take(cycles).enumerate() {
            let word = bytes.iter().rev().fold(0, |v, b| v << 8 | u64::from(*b));
            value |= word << (16 * n);
        }
        (value, self.moved(step * cycles))
    }

    /// The host writes the data register; the answer says that the block is full.
    pub fn write_data(&mut self, width: u32, value: u64) -> bool {
        if !self.moves(Direction::Out) {
            return false;
        }
        let (step, cycles) = self.step(width);
        let at = self.position as usize;
        for (n, to) in self.block.iter_mut().skip(at).take(step * cycles).enumerate() {
            let shift = if step == 1 { 16 * n } else { 8 * n };
            *to = (value >> shift) as u8;
        }
        self.moved(step * cycles)
    }

    /// Makes room for a block of `len` bytes and lets it go `direction`. What the host does not write stays as it was in the
    /// block before; a drive overwrites the whole block or none of it.
    pub fn open(&mut self, direction: Direction, path: Path, len: usize) {
        self.block.resize(len.min(MAX_BLOCK), 0);
        (self.direction, self.path, self.position) = (direction, path, 0);
    }

    /// No data any more.
    pub fn close(&mut self) {
        self.block.clear();
        self.position = 0;
        self.status &= !DRQ;
    }

    /// LBA in 28 bits.
    pub fn lba28(&self) -> u64 {
        let [low, mid, high] = [self.lba_low, self.lba_mid, self.lba_high].map(|r| r[0]);
        u32::from_le_bytes([low, mid, high, self.device & 0xf]).into()
    }

    /// LBA in 48 bits.
    pub fn lba48(&self) -> u64 {
        let [low, mid, high] = [self.lba_low, self.lba_mid, self.lba_high];
        u64::from_le_bytes([low[0], mid[0], high[0], low[1], mid[1], high[1], 0, 0])
    }

    /// Puts an address of 28 or 48 bits into the registers.
    pub fn put_lba(&mut self, lba: u64, ext: bool) {
        let [b0, b1, b2, b3, b4, b5, ..] = lba.to_le_bytes();
        if ext {
            (self.lba_low, self.lba_mid, self.lba_high) = ([b0, b3], [b1, b4], [b2, b5]);
        } else {
            (self.lba_low[0], self.lba_mid[0], self.lba_high[0]) = (b0, b1, b2);
            self.device = self.device & 0xf0 | b3 & 0xf;
        }
    }
}

/// A drive, as its channel sees it. A function that starts something says how long BSY will last: after that time,
/// [`Drive::step`] is called.
pub trait Drive: Send {
    /// Its registers.
    fn interface(&self) -> &Interface;

    /// Its registers.
    fn interface_mut(&mut self) -> &mut Interface;

    /// True for the PACKET command set.
    fn packet(&self) -> bool;

    /// The host wrote the Command register. Not called while BSY is set, except for DEVICE RESET to a packet device.
    fn command(&mut self, command: u8) -> Option<VTime>;

    /// BSY is over.
    fn step(&mut self) -> Option<VTime>;

    /// The block has gone to the host, or has come from it, whole.
    fn block_done(&mut self) -> Option<VTime>;

    /// How long the DMA transfer of the present block takes.
    fn dma_time(&self) -> VTime {
        // Four gigabytes a second: a drive that answers from its cache, whatever its mode is called.
        VTime::ns(self.interface().rest().len() as u64 / 4)
    }

    /// Any reset. After [`DriveReset::Hardware`] the drive is ready at once; else BSY is set until `step`.
    fn reset(&mut self, kind: DriveReset) -> Option<VTime>;
}
