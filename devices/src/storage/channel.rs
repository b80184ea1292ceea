//! An IDE channel: two drives on one cable, selected by the DEV bit.
//!
//! Document: AT Attachment with Packet Interface - 6 (T13/1410D), "Interface register definitions and descriptions", "Single device
//! configurations", "Software reset protocol".
//!
//! A part of the devices that own channels. Both drives listen to every write; the selected one answers. Where no drive answers,
//! the host's pull-down on DD7 makes BSY read as 0.
//!
//! *Not modelled:* the PDIAG- and DASP- handshake between the drives, overlapped commands.

use ferrite_core::device::{Cx, Event, Offset, Pin, Width};
use ferrite_core::snapshot::LoadError;
use serde::{Deserialize, Serialize};

use super::ata::{AtaDisk, AtaDiskV1};
use super::atapi::{Cdrom, CdromV1};
use super::bus_master::BusMaster;
use super::interface::{BSY, DEV, Direction, Drive, DriveReset};
use crate::host::{Disk, IdeDrive};

/// Data, 16 or 32 bits. The rest of the Command Block follows: error/features, sector count,
/// LBA low, mid and high, device, status/command.
pub const DATA: Offset = Offset(0);
/// Error when read, features when written.
pub const ERROR: Offset = Offset(1);
/// Sector count.
pub const COUNT: Offset = Offset(2);
/// LBA low.
pub const LBA_LOW: Offset = Offset(3);
/// LBA mid.
pub const LBA_MID: Offset = Offset(4);
/// LBA high.
pub const LBA_HIGH: Offset = Offset(5);
/// Device.
pub const DEVICE: Offset = Offset(6);
/// Status when read, command when written.
pub const STATUS: Offset = Offset(7);
/// Alternate status when read, device control when written.
pub const CONTROL: Offset = Offset(8);

/// Device control: high order byte.
const HOB: u8 = 0x80;
/// Device control: software reset.
const SRST: u8 = 0x04;
/// Device control: no interrupts.
const NIEN: u8 = 0x02;

/// EXECUTE DEVICE DIAGNOSTIC, which is for both drives.
const DIAGNOSTIC: u8 = 0x90;
/// DEVICE RESET, which a packet device takes even while it is busy.
const DEVICE_RESET: u8 = 0x08;

/// What floats in when no drive answers.
const NOBODY: u8 = 0x7f;

/// A drive of either kind.
enum Unit {
    Disk(Box<AtaDisk>),
    Cdrom(Box<Cdrom>),
}

impl Unit {
    fn new(drive: IdeDrive, number: u8) -> Unit {
        match drive {
            IdeDrive::Disk(disk) => Unit::Disk(Box::new(AtaDisk::new(disk, number))),
            IdeDrive::Cdrom(medium) => Unit::Cdrom(Box::new(Cdrom::new(medium, number))),
        }
    }

    fn get(&self) -> &dyn Drive {
        match self {
            Unit::Disk(d) => d.as_ref(),
            Unit::Cdrom(d) => d.as_ref(),
        }
    }

    fn get_mut(&mut self) -> &mut dyn Drive {
        match self {
            Unit::Disk(d) => d.as_mut(),
            Unit::Cdrom(d) => d.as_mut(),
        }
    }
}

/// A channel. Its number gives it its events and its interrupt pin.
pub struct Channel {
    number: u8,
    units: [Option<Unit>; 2],
    /// The DEV bit.
    selected: u8,
    control: u8,
    /// INTRQ as last driven; follows from the rest.
    line: bool,
}

impl Channel {
    /// Channel 0 or 1 with these drives as device 0 and device 1.
    pub fn new(number: u8, drives: [Option<IdeDrive>; 2]) -> Channel {
        let [d0, d1] = drives;
        let unit = |drive: Option<IdeDrive>, n| drive.map(|d| Unit::new(d, 2 * number + n));
        Channel { number, units: [unit(d0, 0), unit(d1, 1)], selected: 0, control: 0, line: false }
    }

    /// INTRQ of channel `number`.
    pub const fn intrq(number: u8) -> Pin {
        Pin(number)
    }

    /// BSY of a drive is over.
    fn step_event(&self, unit: usize) -> Event {
        Event(3 * self.number + unit as u8)
    }

    /// The present block has moved by DMA.
    fn dma_event(&self) -> Event {
        Event(3 * self.number + 2)
    }

    fn present(&self) -> Option<&dyn Drive> {
        self.units[usize::from(self.selected)].as_ref().map(Unit::get)
    }

    /// Does what `f` does to a drive and lets its BSY end when it says.
    fn act(
        &mut self,
        cx: &mut Cx<'_>,
        unit: usize,
        f: impl FnOnce(&mut dyn Drive) -> Option<ferrite_core::time::VTime>,
    ) {
        if let Some(delay) = self.units[unit].as_mut().and_then(|u| f(u.get_mut())) {
            cx.at(cx.now().after(delay), self.step_event(unit));
        }
    }

    /// Sets INTRQ; true when it rises.
    pub fn update_line(&mut self, cx: &mut Cx<'_>) -> bool {
        let line = self.control & NIEN == 0 && self.present().is_some_and(|d| d.interface().intrq);
        let rises = line && !self.line;
        self.line = line;
        cx.set(Channel::intrq(self.number), line);
        rises
    }

    /// Sets INTRQ, and starts the next piece of a DMA transfer when drive and bus master are ready for it.
    pub fn update(&mut self, cx: &mut Cx<'_>, master: &mut BusMaster, granted: bool) {
        if self.update_line(cx) {
            master.interrupt();
        }
        if granted
            && master.active()
            && let Some(d) = self.present().filter(|d| d.interface().dmarq())
            && cx.pending(self.dma_event()).is_none()
        {
            cx.at(cx.now().after(d.dma_time()), self.dma_event());
        }
    }

    /// The data register, which is the whole of most traffic.
    pub fn read_data(&mut self, cx: &mut Cx<'_>, width: Width) -> (u64, bool) {
        let n = usize::from(self.selected);
        match &mut self.units[n] {
            Some(unit) => {
                let (value, done) = unit.get_mut().interface_mut().read_data(width.bytes());
                if done {
                    self.act(cx, n, |d| d.block_done());
                }
                (value, done)
            }
            None => (u64::MAX << 8 | u64::from(NOBODY), false),
        }
    }

    fn write_data(&mut self, cx: &mut Cx<'_>, width: Width, val: u64) {
        let n = usize::from(self.selected);
        if let Some(unit) = &mut self.units[n]
            && unit.get_mut().interface_mut().write_data(width.bytes(), val)
        {
            self.act(cx, n, |d| d.block_done());
        }
    }

    /// A byte register.
    pub fn read(&mut self, at: Offset) -> u8 {
        let n = usize::from(self.selected);
        let hob = usize::from(self.control & HOB != 0);
        let is_status = at == STATUS || at == CONTROL;
        let absent = self.units[n].is_none();
        let unit = match &mut self.units {
            [Some(d0), None] if n == 1 => {
                // "Device 0 only configurations": it answers for device 1, with a status of 0. A packet device says
                // nothing else either, or its signature would show twice.
                if is_status || d0.get().packet() {
                    return 0;
                }
                d0
            }
            units => match &mut units[n] {
                Some(unit) => unit,
                None => return NOBODY,
            },
        };
        let i = unit.get_mut().interface_mut();
        match at {
            ERROR => i.error,
            COUNT => i.count[hob],
            LBA_LOW => i.lba_low[hob],
            LBA_MID => i.lba_mid[hob],
            LBA_HIGH => i.lba_high[hob],
            DEVICE => i.device & !DEV | 0xa0 | self.selected << 4,
            _ => {
                if at == STATUS && !absent {
                    i.intrq = false;
                }
                i.status
            }
        }
    }

    /// Any register.
    pub fn write(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width, val: u64) {
        match at {
            DATA => self.write_data(cx, width, val),
            CONTROL => self.write_control(cx, val as u8),
            STATUS => self.write_command(cx, val as u8),
            _ => self.write_parameter(at, val as u8),
        }
    }

    fn write_control(&mut self, cx: &mut Cx<'_>, val: u8) {
        let before = std::mem::replace(&mut self.control, val & (HOB | SRST | NIEN));
        if self.control & !before & SRST != 0 {
            self.reset_drives(cx, DriveReset::Software);
        } else if before & !self.control & SRST != 0 {
            // The drives were busy while the bit was set; their reset takes its time from here.
            for n in 0..2 {
                self.act(cx, n, |d| d.reset(DriveReset::Software));
            }
        }
    }

    fn reset_drives(&mut self, cx: &mut Cx<'_>, kind: DriveReset) {
        self.selected = 0;
        cx.cancel(self.dma_event());
        for n in 0..2 {
            cx.cancel(self.step_event(n));
            let held = self.control & SRST != 0;
            self.act(cx, n, |d| d.reset(kind).filter(|_| !held));
        }
    }

    fn write_parameter(&mut self, at: Offset, val: u8) {
        self.control &= !HOB; // any write to the Command Block
        if at == DEVICE {
            self.selected = u8::from(val & DEV != 0);
        }
        for unit in self.units.iter_mut().flatten() {
            let i = unit.get_mut().interface_mut();
            if i.status & BSY != 0 {
                continue; // "shall not be written while BSY is set"
            }
            let both = |pair: &mut [u8; 2]| *pair = [val, pair[0]];
            match at {
                ERROR => both(&mut i.features),
                COUNT => both(&mut i.count),
                LBA_LOW => both(&mut i.lba_low),
                LBA_MID => both(&mut i.lba_mid),
                LBA_HIGH => both(&mut i.lba_high),
                DEVICE => i.device = val,
                _ => {}
            }
        }
    }

    fn write_command(&mut self, cx: &mut Cx<'_>, command: u8) {
        self.control &= !HOB;
        if self.control & SRST != 0 {
            return;
        }
        if command == DIAGNOSTIC {
            self.reset_drives(cx, DriveReset::Diagnostic);
            return;
        }
        let n = usize::from(self.selected);
        let Some(d) = self.present() else { return };
        if d.interface().status & BSY != 0 && !(command == DEVICE_RESET && d.packet()) {
            return;
        }
        cx.cancel(self.dma_event());
        cx.cancel(self.step_event(n));
        self.act(cx, n, |d| d.command(command));
    }

    /// One of this channel's events is due; false when the event is another's.
    pub fn event(&mut self, cx: &mut Cx<'_>, event: Event, master: Option<&mut BusMaster>) -> bool {
        if let Some(n) = (0..2).find(|n| self.step_event(*n) == event) {
            let busy = |u: &Unit| u.get().interface().status & BSY != 0;
            if self.control & SRST == 0 && self.units[n].as_ref().is_some_and(busy) {
                self.act(cx, n, |d| d.step());
            }
            return true;
        }
        if event != self.dma_event() {
            return false;
        }
        if let Some(master) = master {
            self.move_block(cx, master);
        }
        true
    }

    /// As much of the present block as the bus master's regions take.
    fn move_block(&mut self, cx: &mut Cx<'_>, master: &mut BusMaster) {
        let n = usize::from(self.selected);
        let Some(unit) = &mut self.units[n] else { return };
        let i = unit.get_mut().interface_mut();
        if !i.dmarq() || !master.active() {
            return;
        }
        let moved = match i.direction {
            Direction::In => master.to_memory(cx.dma(), i.rest()),
            Direction::Out => {
                let at = i.position as usize;
                master.from_memory(cx.dma(), i.block.get_mut(at..).unwrap_or_default())
            }
        };
        if i.moved(moved) {
            self.act(cx, n, |d| d.block_done());
        }
    }

    /// RESET#.
    pub fn reset(&mut self, cx: &mut Cx<'_>) {
        self.control = 0;
        self.reset_drives(cx, DriveReset::Hardware);
    }

    fn cdrom(&mut self, unit: usize) -> Option<&mut Cdrom> {
        match self.units.get_mut(unit)? {
            Some(Unit::Cdrom(d)) => Some(d),
            _ => None,
        }
    }

    /// Puts another medium into CD-ROM drive 0 or 1, or takes it out. False when there is no such drive.
    pub fn insert(&mut self, unit: usize, medium: Option<Box<dyn Disk>>) -> bool {
        self.cdrom(unit).map(|d| d.insert(medium)).is_some()
    }

    /// Presses the eject button of CD-ROM drive 0 or 1. False when there is no such drive or the guest has locked it.
    pub fn eject(&mut self, unit: usize) -> bool {
        self.cdrom(unit).is_some_and(Cdrom::press_eject)
    }

    /// The state, whole.
    pub fn save(&self) -> ChannelV1 {
        let Channel { number: _, units, selected, control, line: _ } = self; // the board's, and what follows
        let unit = |u: &Option<Unit>| match u {
            None => UnitV1::Absent,
            Some(Unit::Disk(d)) => UnitV1::Disk(d.save()),
            Some(Unit::Cdrom(d)) => UnitV1::Cdrom(d.save()),
        };
        ChannelV1 { units: [unit(&units[0]), unit(&units[1])], selected: *selected, control: *control }
    }

    /// Takes a saved state over.
    ///
    /// # Errors
    /// When it is of other drives, or no run produces it.
    pub fn load(&mut self, s: ChannelV1) -> Result<(), LoadError> {
        let ChannelV1 { units, selected, control } = s;
        if selected > 1 || control & !(HOB | SRST | NIEN) != 0 {
            return Err(LoadError::Invalid { field: "control", value: control.into() });
        }
        for (n, (mine, theirs)) in self.units.iter_mut().zip(units).enumerate() {
            match (mine, theirs) {
                (None, UnitV1::Absent) => {}
                (Some(Unit::Disk(d)), UnitV1::Disk(s)) => d.load(s)?,
                (Some(Unit::Cdrom(d)), UnitV1::Cdrom(s)) => d.load(s)?,
                _ => return Err(LoadError::Invalid { field: "drives", value: n as u64 }),
            }
        }
        (self.selected, self.control) = (selected, control);
        self.line = self.control & NIEN == 0 && self.present().is_some_and(|d| d.interface().intrq);
        Ok(())
    }
}

/// Saved form, version 1. The media are not part of it.
#[derive(Serialize, Deserialize)]
pub struct ChannelV1 {
    units: [UnitV1; 2],
    selected: u8,
    control: u8,
}

/// Saved form of a drive, version 1.
#[derive(Serialize, Deserialize)]
enum UnitV1 {
    Absent,
    Disk(AtaDiskV1),
    Cdrom(CdromV1),
}
