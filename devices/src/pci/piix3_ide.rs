//! 82371SB (PIIX3): the IDE function, with both channels and their bus master.
//!
//! Documents: Intel 82371SB data sheet (290550), "IDETIM—IDE Timing Register", "BMIBA—Bus Master Interface Base Address Register",
//! "PCI Bus Master IDE"; SFF-8038i.
//!
//! The function works in compatibility mode: the board gives the channels the AT's ports and interrupts. They answer while the
//! command register enables I/O and IDETIM decodes the channel. All 28 upper bits of BMIBA can be written, though the chip
//! has 12: firmware that sizes a window by the complement of what reads back then sees 16 ports.
//!
//! *Not modelled:* IDE timing (stored only).

use ferrite_core::bus::Space;
use ferrite_core::device::{Cx, Device, Event, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

use super::config::{ConfigSpace, ConfigV1, header};
use crate::host::{Disk, IdeDrive};
use crate::storage::bus_master::{BusMaster, WINDOW};
use crate::storage::channel::{Channel, ChannelV1, DATA};

/// The registers of channel `n` begin here, laid out as [`crate::storage::channel`] says.
pub const fn channel(n: u8) -> Offset {
    Offset(0x10 * n as u32)
}

/// Interrupt request of channel `n`, an output.
pub const fn irq(n: u8) -> Pin {
    Channel::intrq(n)
}

/// Bus master registers of both channels, which BMIBA places.
const BUS_MASTER: Offset = Offset(0x100);

const BMIBA: u8 = 0x20;
/// Timing of channel 0; that of channel 1 follows.
const IDETIM: u8 = 0x40;
/// IDETIM, bit 15: decode enable.
const IDE: u8 = 0x80;
/// Command: I/O space, bus master.
const IOSE: u8 = 0x01;
const BME: u8 = 0x04;

/// One channel and what moves its data.
struct Port {
    channel: Channel,
    master: BusMaster,
}

/// The IDE function, function 1.
pub struct Piix3Ide {
    config: ConfigSpace,
    ports: [Port; 2],
}

impl Piix3Ide {
    /// The function after reset, with these drives: primary master and slave, secondary master and slave.
    pub fn new(drives: [Option<IdeDrive>; 4]) -> Piix3Ide {
        let mut config = ConfigSpace::new(0x8086, 0x7010, 0x0101_8000);
        config.preset(header::STATUS, &[0x80, 0x02]);
        config.writable(header::COMMAND, &[IOSE | BME, 0x00]);
        config.write_one_clears(header::STATUS, &[0x00, 0x38]);
        config.writable(0x0d, &[0xf0]);
        config.preset(BMIBA, &[0x01]);
        config.writable(BMIBA, &[0xf0, 0xff, 0xff, 0xff]);
        config.writable(IDETIM, &[0xff, 0xf3, 0xff, 0xf3, 0xff]); // IDETIM, SIDETIM
        let [d0, d1, d2, d3] = drives;
        let port = |n, drives| Port { channel: Channel::new(n, drives), master: BusMaster::default() };
        Piix3Ide { config, ports: [port(0, [d0, d1]), port(1, [d2, d3])] }
    }

    /// Puts another medium into the CD-ROM drive in `slot` (0 to 3), or takes it out. False when there is no such drive.
    pub fn insert(&mut self, slot: usize, medium: Option<Box<dyn Disk>>) -> bool {
        self.ports.get_mut(slot / 2).is_some_and(|p| p.channel.insert(slot % 2, medium))
    }

    /// Presses the eject button of the CD-ROM drive in `slot` (0 to 3). False when there is no such drive or the guest has
    /// locked it.
    pub fn eject(&mut self, slot: usize) -> bool {
        self.ports.get_mut(slot / 2).is_some_and(|p| p.channel.eject(slot % 2))
    }

    fn io(&self) -> bool {
        self.config.byte(header::COMMAND) & IOSE != 0
    }

    fn decodes(&self, n: usize) -> bool {
        self.io() && self.config.byte(IDETIM + 2 * n as u8 + 1) & IDE != 0
    }

    fn update(&mut self, cx: &mut Cx<'_>, n: usize) {
        // Without BME the function gets no grant: a transfer waits for it.
        let granted = self.config.byte(header::COMMAND) & BME != 0;
        let Port { channel, master } = &mut self.ports[n];
        channel.update(cx, master, granted);
    }

    fn place(&mut self, cx: &mut Cx<'_>) {
        let base = u64::from(self.config.dword(BMIBA) & !0xf);
        let base = (self.io() && base != 0).then_some(base);
        cx.map(Space::Port, BUS_MASTER, base, 2 * u64::from(WINDOW), Width::B4);
    }

    /// Which channel's register, as [`crate::storage::channel`] numbers them.
    fn task_file(at: Offset) -> Option<(usize, Offset)> {
        (at.0 < 0x20).then_some(((at.0 >> 4) as usize, Offset(at.0 & 0xf)))
    }

    /// Which channel's bus master register.
    fn master(at: Offset) -> Option<(usize, u32)> {
        let at = at.0.checked_sub(BUS_MASTER.0).filter(|at| *at < 2 * WINDOW)?;
        Some(((at / WINDOW) as usize, at % WINDOW))
    }
}

impl Device for Piix3Ide {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width) -> u64 {
        if let Some((n, register)) = Self::task_file(at) {
            if !self.decodes(n) {
                return u64::MAX;
            }
            if register == DATA {
                let (value, done) = self.ports[n].channel.read_data(cx, width);
                if done {
                    self.update(cx, n);
                }
                return value;
            }
            let value = self.ports[n].channel.read(register);
            self.update(cx, n);
            return value.into();
        }
        if let Some((_, register)) = at.config() {
            return self.config.read(register, width);
        }
        match Self::master(at) {
            Some((n, first)) => (0..width.bytes().min(WINDOW - first))
                .fold(0, |v, i| v | u64::from(self.ports[n].master.read(first + i)) << (8 * i)),
            None => u64::MAX,
        }
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width, val: u64) {
        if let Some((n, register)) = Self::task_file(at) {
            if self.decodes(n) {
                self.ports[n].channel.write(cx, register, width, val);
                self.update(cx, n);
            }
        } else if let Some((_, register)) = at.config() {
            self.config.write(register, width, val);
            self.place(cx);
            (0..2).for_each(|n| self.update(cx, n));
        } else if let Some((n, first)) = Self::master(at) {
            for i in 0..width.bytes().min(WINDOW - first) {
                self.ports[n].master.write(first + i, (val >> (8 * i)) as u8);
            }
            self.update(cx, n);
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        let granted = self.config.byte(header::COMMAND) & BME != 0;
        for n in 0..2 {
            let Port { channel, master } = &mut self.ports[n];
            if channel.event(cx, event, granted.then_some(master)) {
                self.update(cx, n);
            }
        }
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.config.reset();
        self.place(cx);
        for n in 0..2 {
            self.ports[n].master.reset();
            self.ports[n].channel.reset(cx);
            self.update(cx, n);
        }
    }

    fn restored(&mut self, cx: &mut Cx<'_>) {
        self.place(cx);
    }
}

/// Saved form, version 2: version 1 had no channels and no bus master.
#[derive(Serialize, Deserialize)]
pub struct Piix3IdeV2 {
    config: ConfigV1,
    channels: [ChannelV1; 2],
    masters: [BusMaster; 2],
}

impl Snapshot for Piix3Ide {
    const KIND: &'static str = "piix3-ide";
    const VERSION: u32 = 2;
    type State = Piix3IdeV2;

    fn save(&self) -> Piix3IdeV2 {
        let Piix3Ide { config, ports: [p0, p1] } = self;
        let [(c0, m0), (c1, m1)] = [p0, p1].map(|Port { channel, master }| (channel.save(), master.clone()));
        Piix3IdeV2 { config: config.save(), channels: [c0, c1], masters: [m0, m1] }
    }

    fn load(&mut self, s: Piix3IdeV2) -> Result<(), LoadError> {
        let Piix3IdeV2 { config, channels, masters } = s;
        for m in &masters {
            m.check()?;
        }
        for (Port { channel, master }, (c, m)) in self.ports.iter_mut().zip(channels.into_iter().zip(masters)) {
            channel.load(c)?;
            *master = m;
        }
        self.config.load(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemDisk;
    use crate::storage::channel::{COUNT, DEVICE, ERROR, LBA_HIGH, LBA_LOW, LBA_MID, STATUS};
    use ferrite_core::rig::Rig;
    use ferrite_core::time::VTime;

    const TABLE: u64 = 0x1000;
    /// Bus master status: error, interrupt, active.
    const ACTIVE: u8 = 1;
    const FAILED: u8 = 2;
    const INTERRUPT: u8 = 4;
    /// Bus master command: to memory.
    const TO_MEMORY: u8 = 9;
    const FROM_MEMORY: u8 = 1;

    fn config(register: u8) -> Offset {
        Offset(Offset::CONFIG + 0x100 + u32::from(register))
    }

    fn image(sectors: usize) -> Box<dyn Disk> {
        let mut bytes = vec![0; sectors * 512];
        for (n, s) in (0u32..).zip(bytes.chunks_exact_mut(512)) {
            s[..4].copy_from_slice(&n.to_le_bytes());
        }
        Box::new(MemDisk::new(bytes))
    }

    /// hda is a disk, hdc a CD-ROM drive; firmware has enabled all.
    fn rig() -> Rig<Piix3Ide> {
        let drives = [Some(IdeDrive::Disk(image(2000))), None, Some(IdeDrive::Cdrom(Some(image(400)))), None];
        let mut ide = Rig::new(Piix3Ide::new(drives));
        ide.write_wide(config(header::COMMAND), Width::B2, (IOSE | BME).into());
        ide.write_wide(config(IDETIM), Width::B4, 0x8000_8000);
        ide
    }

    fn reg(n: u8, at: Offset) -> Offset {
        Offset(channel(n).0 + at.0)
    }

    fn bm(n: u32, at: u32) -> Offset {
        Offset(BUS_MASTER.0 + WINDOW * n + at)
    }

    fn table(ide: &mut Rig<Piix3Ide>, n: u32, regions: &[(u32, u32)]) {
        for (at, (address, count)) in (TABLE..).step_by(8).zip(regions) {
            ide.memory.write(at, &address.to_le_bytes());
            ide.memory.write(at + 4, &count.to_le_bytes());
        }
        ide.write_wide(bm(n, 4), Width::B4, TABLE);
        ide.write(bm(n, 2), FAILED | INTERRUPT);
    }

    /// READ DMA or WRITE DMA of `count` sectors from `lba` on.
    fn command(ide: &mut Rig<Piix3Ide>, command: u8, lba: u8, count: u8) {
        for (at, v) in [(COUNT, count), (LBA_LOW, lba), (LBA_MID, 0), (LBA_HIGH, 0), (DEVICE, 0xe0), (STATUS, command)]
        {
            ide.write(reg(0, at), v);
        }
    }

    fn dword(ide: &Rig<Piix3Ide>, at: u64) -> u32 {
        ide.memory.read_u32(at)
    }

    #[test]
    fn the_function_masters_the_bus_through_16_ports() {
        let mut ide = rig();
        assert_eq!(ide.read_wide(config(8), Width::B4), 0x0101_8000);
        ide.write_wide(config(BMIBA), Width::B4, 0xffff_ffff);
        assert_eq!(ide.read_wide(config(BMIBA), Width::B4), 0xffff_fff1);
    }

    #[test]
    fn a_channel_answers_while_it_is_decoded() {
        let mut ide = rig();
        assert_eq!(ide.read(reg(0, STATUS)), 0x50);
        ide.write_wide(config(IDETIM), Width::B4, 0x8000_0000);
        assert_eq!(ide.read(reg(0, STATUS)), 0xff);
        assert_eq!(ide.read(reg(1, LBA_HIGH)), 0xeb);
        ide.write_wide(config(header::COMMAND), Width::B2, 0);
        assert_eq!(ide.read(reg(1, LBA_HIGH)), 0xff);
    }

    #[test]
    fn a_read_fills_the_regions_and_interrupts_once() {
        let mut ide = rig();
        table(&mut ide, 0, &[(0x2_0000, 0x200), (0x3_0000, 0x8001_fe00 & 0x8000_ffff)]);
        command(&mut ide, 0xc8, 9, 128);
        ide.pass(VTime::ms(1));
        assert!(!ide.level(irq(0)), "the drive waits for the bus master");
        ide.write(bm(0, 0), TO_MEMORY);
        assert_eq!(ide.read(bm(0, 2)), ACTIVE);
        ide.pass(VTime::ms(1));
        assert_eq!(ide.read(bm(0, 2)), INTERRUPT, "done: not active any more");
        assert_eq!((dword(&ide, 0x2_0000), dword(&ide, 0x3_0000), dword(&ide, 0x3_fc00)), (9, 10, 136));
        assert_eq!(ide.take_rises(irq(0)), 1);
        assert_eq!(ide.read(reg(0, STATUS)), 0x50);
        assert!(!ide.level(irq(0)));
        assert_eq!(ide.read(bm(0, 2)), INTERRUPT, "it stays until it is cleared");
        ide.write(bm(0, 2), INTERRUPT);
        assert_eq!(ide.read(bm(0, 2)), 0);
    }

    #[test]
    fn regions_longer_than_the_transfer_leave_the_master_active() {
        let mut ide = rig();
        table(&mut ide, 0, &[(0x2_0000, 0x8000_0400)]);
        ide.write(bm(0, 0), TO_MEMORY);
        command(&mut ide, 0xc8, 5, 1);
        ide.pass(VTime::ms(1));
        assert_eq!(ide.read(bm(0, 2)), INTERRUPT | ACTIVE);
        ide.write(bm(0, 0), 0);
        assert_eq!(ide.read(bm(0, 2)), INTERRUPT);
    }

    #[test]
    fn regions_shorter_than_the_transfer_bring_no_interrupt() {
        let mut ide = rig();
        table(&mut ide, 0, &[(0x2_0000, 0x8000_0300)]);
        ide.write(bm(0, 0), TO_MEMORY);
        command(&mut ide, 0xc8, 5, 2);
        ide.pass(VTime::ms(1));
        assert_eq!((ide.read(bm(0, 2)), ide.level(irq(0))), (0, false));
        assert_eq!(ide.read(reg(0, STATUS)) & 8, 8, "the drive still asks");
        table(&mut ide, 0, &[(0x2_0300, 0x8000_0100)]);
        ide.write(bm(0, 0), 0);
        ide.write(bm(0, 0), TO_MEMORY);
        ide.pass(VTime::ms(1));
        assert_eq!((ide.read(bm(0, 2)), dword(&ide, 0x2_0200)), (INTERRUPT, 6), "another table goes on");
    }

    #[test]
    fn what_was_written_by_dma_is_read_back() {
        let mut ide = rig();
        ide.memory.write(0x2_0000, &[0x5a; 0x2_0000]);
        table(&mut ide, 0, &[(0x2_0000, 0), (0x3_0000, 0x8000_0000)]);
        command(&mut ide, 0xca, 200, 0);
        ide.write(bm(0, 0), FROM_MEMORY);
        ide.pass(VTime::ms(2));
        assert_eq!((ide.read(bm(0, 2)), ide.read(reg(0, STATUS))), (INTERRUPT, 0x50));
        table(&mut ide, 0, &[(0x4_0000, 0x8000_0400)]);
        ide.write(bm(0, 0), 0);
        command(&mut ide, 0xc8, 199, 2);
        ide.write(bm(0, 0), TO_MEMORY);
        ide.pass(VTime::ms(2));
        assert_eq!((dword(&ide, 0x4_0000), dword(&ide, 0x4_0200)), (199, 0x5a5a_5a5a));
    }

    #[test]
    fn without_bus_master_enable_nothing_moves() {
        let mut ide = rig();
        ide.write_wide(config(header::COMMAND), Width::B2, IOSE.into());
        table(&mut ide, 0, &[(0x2_0000, 0x8000_0200)]);
        command(&mut ide, 0xc8, 5, 1);
        ide.write(bm(0, 0), TO_MEMORY);
        ide.pass(VTime::ms(1));
        assert!(!ide.level(irq(0)));
        ide.write_wide(config(header::COMMAND), Width::B2, (IOSE | BME).into());
        ide.pass(VTime::ms(1));
        assert!(ide.level(irq(0)));
    }

    #[test]
    fn a_packet_command_moves_by_dma() {
        let mut ide = rig();
        let packet = |ide: &mut Rig<Piix3Ide>, packet: [u8; 12]| {
            for (at, v) in [(DEVICE, 0xa0), (ERROR, 1), (STATUS, 0xa0)] {
                ide.write(reg(1, at), v);
            }
            ide.pass(VTime::us(50));
            for word in packet.chunks(2) {
                ide.write_wide(reg(1, DATA), Width::B2, u64::from(word[0]) | u64::from(word[1]) << 8);
            }
            ide.write(bm(1, 0), TO_MEMORY);
            ide.pass(VTime::ms(2));
            assert!(ide.level(irq(1)));
            ide.write(bm(1, 0), 0);
            ide.read(reg(1, STATUS))
        };
        assert_eq!(packet(&mut ide, [0; 12]) & 1, 1, "unit attention");
        table(&mut ide, 1, &[(0x2_0000, 0x1000), (0x3_0000, 0x8000_0800)]);
        assert_eq!(packet(&mut ide, [0x28, 0, 0, 0, 0, 10, 0, 0, 3, 0, 0, 0]), 0x50);
        assert_eq!((dword(&ide, 0x2_0000), dword(&ide, 0x2_0800), dword(&ide, 0x3_0000)), (40, 44, 48));
        assert_eq!((ide.read(reg(1, COUNT)), ide.read(bm(1, 2))), (3, INTERRUPT));
    }

    #[test]
    fn a_transfer_in_flight_is_saved() {
        let mut ide = rig();
        table(&mut ide, 0, &[(0x2_0000, 0), (0x3_0000, 0), (0x4_0000, 0x8000_0000)]);
        ide.write(bm(0, 0), TO_MEMORY);
        for (at, v) in [(COUNT, 1), (COUNT, 0x80), (LBA_LOW, 0), (LBA_LOW, 3), (DEVICE, 0xe0), (STATUS, 0x25)] {
            ide.write(reg(0, at), v);
        }
        ide.pass(VTime::us(45));
        assert_ne!(dword(&ide, 0x2_0200), 0, "the first piece is there");
        assert_eq!(dword(&ide, 0x4_0000), 0, "the last is not");
        let saved = ide.device.save();
        let drives = [Some(IdeDrive::Disk(image(2000))), None, Some(IdeDrive::Cdrom(Some(image(400)))), None];
        let mut other = Piix3Ide::new(drives);
        other.load(saved).unwrap();
        let mut loaded = ide.restored(other);
        for rig in [&mut ide, &mut loaded] {
            rig.pass(VTime::ms(1));
            assert_eq!(rig.read(bm(0, 2)), INTERRUPT);
            assert_eq!(dword(rig, 0x4_fe00), 3 + 3 * 128 - 1);
        }
    }
}
