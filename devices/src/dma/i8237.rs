//! Two 8237A DMA controllers with their page registers, as the PC/AT wires them.
//!
//! Documents: Intel 8237A data sheet (231466), "Register Description", "DMA Operation"; IBM PC/AT Technical Reference, "DMA
//! Circuitry"; 82371SB (PIIX3) data sheet (290550), "DMA Register Description".
//!
//! Channels 0 to 3 are those of the first controller and move bytes: a page register gives A23:16. Channels 5 to 7 are of the
//! second and move words: its A15:0 drive A16:1, and the page register A23:17. The first controller reaches the bus through
//! channel 4, so nothing moves before that is set to cascade mode and unmasked. One device holds both, because an address and
//! the way to the bus are made of parts of all of them.
//!
//! A request is served at once: the processor never sees a channel in the middle of a burst.
//!
//! *Not modelled:* the time of cycles, and with it compressed timing, extended write and priorities (two channels never meet on the
//! bus); memory-to-memory transfers (the AT's page registers follow DACK, which those do not give; PIIX3 reserves the
//! bit); the sense of DACK; the end of a transfer by a device's EOP#.

use ferrite_core::device::{Cx, Device, DmaCycle, DmaDirection, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

/// The first controller's sixteen registers.
pub const CONTROLLER_1: Offset = Offset(0);
/// The second controller's, at every other of 32 offsets: A0 is not decoded.
pub const CONTROLLER_2: Offset = Offset(0x20);
/// The sixteen page registers.
pub const PAGES: Offset = Offset(0x40);

/// DREQ of channel `n`, an input.
pub const fn dreq(n: u8) -> Pin {
    Pin(n)
}

/// Which page register belongs to channels 0 to 7; that of 4 holds A23:17 of refresh cycles. The others are scratch.
const PAGE_OF: [usize; 8] = [0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa];
/// The channel of the second controller through which the first one asks for the bus.
const CASCADE: u8 = 4;

// Command register.
const MEMORY_TO_MEMORY: u8 = 1 << 0;
const DISABLE: u8 = 1 << 2;
const DREQ_LOW: u8 = 1 << 6;

/// Mode register, bits 7:6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Demand,
    Single,
    Block,
    Cascade,
}

/// One channel: base registers, current registers, mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Channel {
    base_address: u16,
    base_count: u16,
    address: u16,
    count: u16,
    mode: u8,
}

impl Channel {
    fn mode(self) -> Mode {
        match self.mode >> 6 {
            0 => Mode::Demand,
            1 => Mode::Single,
            2 => Mode::Block,
            _ => Mode::Cascade,
        }
    }

    fn direction(self) -> DmaDirection {
        match self.mode >> 2 & 3 {
            1 => DmaDirection::ToMemory,
            2 => DmaDirection::FromMemory,
            _ => DmaDirection::Verify, // 11 is illegal and moves nothing
        }
    }

    /// Counts a cycle; true at terminal count.
    fn advance(&mut self) -> bool {
        let decrement = self.mode & 1 << 5 != 0;
        self.address = if decrement { self.address.wrapping_sub(1) } else { self.address.wrapping_add(1) };
        self.count = self.count.wrapping_sub(1);
        self.count == u16::MAX
    }

    fn auto_initializes(self) -> bool {
        self.mode & 1 << 4 != 0
    }
}

/// One 8237A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Chip {
    channels: [Channel; 4],
    command: u8,
    /// TC bits of the status register.
    reached_tc: u8,
    request: u8,
    mask: u8,
    /// Channels whose block transfer has begun: it goes on without DREQ until TC.
    block: u8,
    /// The first/last flip-flop: the high byte is next.
    high_byte: bool,
}

impl Chip {
    const fn new() -> Chip {
        let channel = Channel { base_address: 0, base_count: 0, address: 0, count: 0, mode: 0 };
        Chip { channels: [channel; 4], command: 0, reached_tc: 0, request: 0, mask: 0xf, block: 0, high_byte: false }
    }

    /// "Master Clear has the same effect as the hardware Reset": the channels keep their registers.
    fn master_clear(&mut self) {
        *self = Chip { channels: self.channels, ..Chip::new() };
    }

    /// Channels that ask for service, with the levels of DREQ.
    fn requests(&self, dreq: u8) -> u8 {
        let sense = if self.command & DREQ_LOW != 0 { 0xf } else { 0 };
        (dreq ^ sense) & 0xf
    }

    /// Channel `n` has a cycle to do, as far as this chip is concerned.
    fn wants(&self, n: u8, dreq: u8) -> bool {
        let bit = 1 << n;
        if self.command & DISABLE != 0 || self.channels[usize::from(n)].mode() == Mode::Cascade {
            return false;
        }
        // "The software requests are nonmaskable"; they are served in block mode only.
        let software = self.request & bit != 0 && self.channels[usize::from(n)].mode() == Mode::Block;
        let hardware = self.mask & bit == 0 && (self.requests(dreq) | self.block) & bit != 0;
        software || hardware
    }

    fn read(&mut self, register: u8, dreq: u8) -> u8 {
        match register {
            0..8 => {
                let c = &self.channels[usize::from(register >> 1)];
                let [low, high] = if register & 1 == 0 { c.address } else { c.count }.to_le_bytes();
                self.high_byte = !self.high_byte;
                if self.high_byte { low } else { high }
            }
            8 => (self.requests(dreq) | self.request) << 4 | std::mem::take(&mut self.reached_tc),
            0xd => 0,         // the temporary register: nothing moves through it
            0xf => self.mask, // PIIX3, "RWAMB"; not driven on the 8237A
            _ => 0xff,
        }
    }

    fn write(&mut self, register: u8, val: u8) {
        let n = usize::from(val & 3);
        let bit = 1 << n;
        let put = |set: bool, old: u8| if set { old | bit } else { old & !bit };
        match register {
            0..8 => {
                let c = &mut self.channels[usize::from(register >> 1)];
                let (base, current) = match register & 1 {
                    0 => (&mut c.base_address, &mut c.address),
                    _ => (&mut c.base_count, &mut c.count),
                };
                for word in [base, current] {
                    let [low, high] = word.to_le_bytes();
                    *word = u16::from_le_bytes(if self.high_byte { [low, val] } else { [val, high] });
                }
                self.high_byte = !self.high_byte;
            }
            8 => self.command = val,
            9 => self.request = put(val & 4 != 0, self.request),
            0xa => self.mask = put(val & 4 != 0, self.mask),
            0xb => {
                self.channels[n].mode = val & !3;
                self.block &= !bit;
            }
            0xc => self.high_byte = false,
            0xd => self.master_clear(),
            0xe => self.mask = 0,
            _ => self.mask = val & 0xf,
        }
    }

    /// Does a cycle of channel `n`; the address before it, and whether it was the last.
    fn cycle(&mut self, n: u8) -> (Channel, bool) {
        let bit = 1 << n;
        let channel = &mut self.channels[usize::from(n)];
        let before = *channel;
        let last = channel.advance();
        if channel.mode() == Mode::Block {
            self.block |= bit;
        }
        if last {
            self.reached_tc |= bit;
            self.request &= !bit;
            self.block &= !bit;
            if channel.auto_initializes() {
                (channel.address, channel.count) = (channel.base_address, channel.base_count);
            } else {
                self.mask |= bit;
            }
        }
        (before, last)
    }
}

/// The DMA controllers of a PC/AT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dma {
    chips: [Chip; 2],
    pages: [u8; 16],
    /// Levels of DREQ.
    dreq: u8,
}

impl Default for Dma {
    fn default() -> Self {
        Dma::new()
    }
}

impl Dma {
    /// Both controllers after reset, all channels masked.
    pub fn new() -> Dma {
        Dma { chips: [Chip::new(); 2], pages: [0; 16], dreq: 0 }
    }

    /// The way from the first controller to the bus is open.
    fn cascaded(&self) -> bool {
        let second = &self.chips[1];
        second.command & DISABLE == 0 && second.mask & 1 == 0 && second.channels[0].mode() == Mode::Cascade
    }

    fn wants(&self, channel: u8) -> bool {
        match channel {
            0..4 => self.cascaded() && self.chips[0].wants(channel, self.dreq & 0xf),
            CASCADE..8 => self.chips[1].wants(channel - CASCADE, self.dreq >> 4),
            _ => false,
        }
    }

    /// Asks for the bus for whatever a change has let through.
    fn request(&self, cx: &mut Cx<'_>) {
        // The machine serves the latest request first; channel 0 has the highest priority.
        for channel in (0..8).rev().filter(|n| self.wants(*n)) {
            cx.request_dma(channel);
        }
    }
}

impl Device for Dma {
    fn read(&mut self, _: &mut Cx<'_>, at: Offset, _: Width) -> u64 {
        let value = match at.0 {
            0..0x10 => self.chips[0].read(at.0 as u8, self.dreq & 0xf),
            0x20..0x40 => self.chips[1].read((at.0 as u8 & 0x1f) >> 1, self.dreq >> 4),
            0x40..0x50 => self.pages[(at.0 & 0xf) as usize],
            _ => 0xff,
        };
        value.into()
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, val: u64) {
        let val = val as u8;
        let (chip, register) = match at.0 {
            0..0x10 => (0, at.0 as u8),
            0x20..0x40 => (1, (at.0 as u8 & 0x1f) >> 1),
            0x40..0x50 => {
                self.pages[(at.0 & 0xf) as usize] = val;
                return;
            }
            _ => return,
        };
        self.chips[chip].write(register, val);
        if register == 8 && val & MEMORY_TO_MEMORY != 0 {
            cx.unimplemented("dma: memory-to-memory transfer", at);
        }
        self.request(cx);
    }

    fn input(&mut self, cx: &mut Cx<'_>, pin: Pin, level: bool) {
        if pin.0 < 8 && pin.0 != CASCADE {
            let bit = 1 << pin.0;
            self.dreq = if level { self.dreq | bit } else { self.dreq & !bit };
            if self.wants(pin.0) {
                cx.request_dma(pin.0);
            }
        }
    }

    fn dma_cycle(&mut self, _: &mut Cx<'_>, channel: u8) -> Option<DmaCycle> {
        if !self.wants(channel) {
            return None;
        }
        let (chip, n) = (usize::from(channel >> 2), channel & 3);
        let (before, last) = self.chips[chip].cycle(n);
        let page = u64::from(self.pages[PAGE_OF[usize::from(channel & 7)]]);
        let address = u64::from(before.address);
        let (address, width) = match chip {
            0 => (page << 16 | address, Width::B1),
            _ => ((page & 0xfe) << 16 | address << 1, Width::B2),
        };
        Some(DmaCycle { address, width, direction: before.direction(), last })
    }

    fn reset(&mut self, _: &mut Cx<'_>, _: ResetKind) {
        *self = Dma { dreq: self.dreq, ..Dma::new() };
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct DmaV1 {
    chips: [Chip; 2],
    pages: [u8; 16],
    dreq: u8,
}

impl Snapshot for Dma {
    const KIND: &'static str = "i8237";
    const VERSION: u32 = 1;
    type State = DmaV1;

    fn save(&self) -> DmaV1 {
        let Dma { chips, pages, dreq } = *self;
        DmaV1 { chips, pages, dreq }
    }

    fn load(&mut self, s: DmaV1) -> Result<(), LoadError> {
        let DmaV1 { chips, pages, dreq } = s;
        for chip in &chips {
            let Chip { channels, command: _, reached_tc, request, mask, block, high_byte: _ } = chip;
            for (field, value) in [("reached_tc", reached_tc), ("request", request), ("mask", mask), ("block", block)] {
                if *value > 0xf {
                    return Err(LoadError::Invalid { field, value: (*value).into() });
                }
            }
            if let Some(c) = channels.iter().find(|c| c.mode & 3 != 0) {
                return Err(LoadError::Invalid { field: "mode", value: c.mode.into() });
            }
        }
        if dreq & 1 << CASCADE != 0 {
            return Err(LoadError::Invalid { field: "dreq", value: dreq.into() });
        }
        *self = Dma { chips, pages, dreq };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    const COMMAND: u32 = 8;
    const REQUEST: u32 = 9;
    const SINGLE_MASK: u32 = 0xa;
    const MODE: u32 = 0xb;
    const CLEAR_FLIP_FLOP: u32 = 0xc;
    const MASTER_CLEAR: u32 = 0xd;
    const ALL_MASKS: u32 = 0xf;

    /// A register of the controller of `channel`.
    fn reg(channel: u8, register: u32) -> Offset {
        if channel < 4 { Offset(register) } else { Offset(CONTROLLER_2.0 + 2 * register) }
    }

    fn word(dma: &mut Rig<Dma>, channel: u8, register: u32, val: u16) {
        dma.write(reg(channel, CLEAR_FLIP_FLOP), 0);
        for byte in val.to_le_bytes() {
            dma.write(reg(channel, register), byte);
        }
    }

    fn current(dma: &mut Rig<Dma>, channel: u8) -> (u16, u16) {
        dma.write(reg(channel, CLEAR_FLIP_FLOP), 0);
        let n = 2 * u32::from(channel & 3);
        let [a, b, c, d] = [n, n, n + 1, n + 1].map(|r| dma.read(reg(channel, r)));
        (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))
    }

    fn set_up(dma: &mut Rig<Dma>, channel: u8, mode: u8, page: u8, address: u16, count: u16) {
        let n = 2 * u32::from(channel & 3);
        word(dma, channel, n, address);
        word(dma, channel, n + 1, count);
        dma.write(Offset(PAGES.0 + PAGE_OF[usize::from(channel)] as u32), page);
        dma.write(reg(channel, MODE), mode | channel & 3);
        dma.write(reg(channel, SINGLE_MASK), channel & 3);
    }

    /// Firmware has set up the cascade.
    fn rig() -> Rig<Dma> {
        let mut dma = Rig::new(Dma::new());
        dma.write(reg(4, MODE), 0xc0);
        dma.write(reg(4, SINGLE_MASK), 0);
        dma
    }

    fn cycles(dma: &mut Rig<Dma>, channel: u8) -> Vec<DmaCycle> {
        std::iter::from_fn(|| dma.with(|d, cx| d.dma_cycle(cx, channel))).take(1000).collect()
    }

    #[test]
    fn a_byte_channel_counts_up_from_its_page_and_ends_masked() {
        let mut dma = rig();
        set_up(&mut dma, 2, 0x46, 0x12, 0xfffe, 2); // single, write
        dma.drive(dreq(2), true);
        assert_eq!(dma.dma_requests.len(), 1);
        let seen = cycles(&mut dma, 2);
        let addresses: Vec<_> = seen.iter().map(|c| (c.address, c.last)).collect();
        assert_eq!(addresses, [(0x12_fffe, false), (0x12_ffff, false), (0x12_0000, true)], "no carry into the page");
        assert!(seen.iter().all(|c| c.width == Width::B1 && c.direction == DmaDirection::ToMemory));
        assert_eq!(dma.read(reg(0, COMMAND)), 0x44, "TC and the request that is still there");
        assert_eq!(dma.read(reg(0, COMMAND)), 0x40, "reading takes the TC bits");
        assert_eq!(dma.read(reg(0, ALL_MASKS)) & 4, 4);
        assert_eq!(current(&mut dma, 2), (1, 0xffff));
    }

    #[test]
    fn a_word_channel_addresses_words_in_pages_of_128_kib() {
        let mut dma = rig();
        set_up(&mut dma, 5, 0x48, 0x13, 0xffff, 1); // read
        dma.drive(dreq(5), true);
        let seen = cycles(&mut dma, 5);
        assert_eq!(seen.iter().map(|c| c.address).collect::<Vec<_>>(), [0x13_fffe, 0x12_0000]);
        assert!(seen.iter().all(|c| c.width == Width::B2 && c.direction == DmaDirection::FromMemory));
    }

    #[test]
    fn the_first_controller_needs_the_cascade() {
        let mut dma = Rig::new(Dma::new());
        set_up(&mut dma, 1, 0x44, 0, 0, 7);
        dma.drive(dreq(1), true);
        assert!(dma.dma_requests.is_empty());
        dma.write(reg(4, MODE), 0xc0);
        dma.write(reg(4, SINGLE_MASK), 0);
        assert_eq!(dma.dma_requests.len(), 1, "unmasking channel 4 lets the request through");
        dma.write(reg(4, COMMAND), 4);
        assert!(cycles(&mut dma, 1).is_empty(), "a disabled second controller closes it again");
    }

    #[test]
    fn auto_initialize_starts_over_and_stays_unmasked() {
        let mut dma = rig();
        set_up(&mut dma, 3, 0x54, 0, 0x100, 1);
        dma.drive(dreq(3), true);
        let seen = cycles(&mut dma, 3);
        assert_eq!(seen.len(), 1000, "until DREQ falls");
        assert!(seen.iter().enumerate().all(|(n, c)| c.address == 0x100 + n as u64 % 2 && c.last == (n % 2 == 1)));
        dma.drive(dreq(3), false);
        assert!(cycles(&mut dma, 3).is_empty());
        assert_eq!(dma.read(reg(0, ALL_MASKS)) & 8, 0);
    }

    #[test]
    fn a_block_goes_on_without_dreq() {
        let mut dma = rig();
        set_up(&mut dma, 1, 0xa8, 0, 5, 9); // block, decrement, read
        dma.drive(dreq(1), true);
        dma.with(|d, cx| d.dma_cycle(cx, 1));
        dma.drive(dreq(1), false);
        let seen = cycles(&mut dma, 1);
        assert_eq!(seen.len(), 9);
        assert_eq!((seen[0].address, seen[8].address), (4, 0xfffc));
        assert!(cycles(&mut dma, 1).is_empty());
    }

    #[test]
    fn a_software_request_is_not_masked_and_ends_at_terminal_count() {
        let mut dma = rig();
        set_up(&mut dma, 0, 0x80, 0, 0, 3); // block, verify
        dma.write(reg(0, SINGLE_MASK), 4);
        dma.write(reg(0, REQUEST), 4);
        assert_eq!(dma.dma_requests.len(), 1);
        assert_eq!(dma.read(reg(0, COMMAND)), 0x10);
        assert_eq!(cycles(&mut dma, 0).len(), 4);
        assert_eq!(dma.read(reg(0, COMMAND)), 0x01);
    }

    #[test]
    fn the_command_register_disables_and_turns_the_sense_of_dreq() {
        let mut dma = rig();
        set_up(&mut dma, 2, 0x44, 0, 0, 1);
        dma.write(reg(0, COMMAND), DISABLE);
        dma.drive(dreq(2), true);
        assert!(dma.dma_requests.is_empty());
        dma.write(reg(0, COMMAND), DREQ_LOW);
        assert!(dma.dma_requests.is_empty());
        assert_eq!(dma.read(reg(0, COMMAND)), 0xb0);
        dma.drive(dreq(2), false);
        assert_eq!(dma.dma_requests.len(), 1);
    }

    #[test]
    fn the_flip_flop_alternates_for_reads_and_writes_alike() {
        let mut dma = rig();
        dma.write(reg(0, CLEAR_FLIP_FLOP), 0);
        dma.write(Offset(4), 0x34);
        dma.read(Offset(5));
        dma.write(Offset(4), 0x56);
        assert_eq!(current(&mut dma, 2).0, 0x56, "low byte twice");
        dma.read(Offset(4));
        dma.write(reg(0, MASTER_CLEAR), 0);
        dma.write(Offset(4), 0x78);
        assert_eq!(current(&mut dma, 2).0, 0x78, "master clear points to the low byte");
        assert_eq!(dma.read(reg(0, ALL_MASKS)), 0xf);
        dma.write(reg(0, 0xe), 0);
        assert_eq!(dma.read(reg(0, ALL_MASKS)), 0);
    }

    #[test]
    fn page_registers_read_back_also_those_without_a_channel() {
        let mut dma = rig();
        for n in 0..16 {
            dma.write(Offset(PAGES.0 + n), 0x90 + n as u8);
        }
        assert!((0..16).all(|n| dma.read(Offset(PAGES.0 + n)) == 0x90 + n as u8));
    }
}
