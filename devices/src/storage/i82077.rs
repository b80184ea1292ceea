//! 82077AA floppy disk controller with up to two drives, in PC/AT mode.
//!
//! Documents: Intel 82077AA data sheet (290166), "Register Set", "Controller Phases", "Command Set/Descriptions", "Status Register
//! Encoding", "Drive Polling"; Intel 8272A data sheet (210606), "Command Descriptions", for the SCAN commands.
//!
//! The command's drive bits choose a PCN and show in the results; which drive steps and turns is the DOR's choice. A command on
//! a drive without a medium or with its motor off waits for index pulses that do not come, as on the chip, until it is reset.
//!
//! *Time:* steps take what SPECIFY says. Media turn [`SPEED`] times as fast as real ones, so that a guest that waits for a
//! disk in a loop does not spend most of its instructions there; sectors still pass in their order, each once in a
//! turn, and a sector just missed costs a whole one. A sector moves between chip and host at once when it has passed.
//!
//! *Not modelled:* the PS/2 and Model 30 modes (SRA and SRB are not driven in AT mode); head load and unload times; the
//! gating of the drive selects by the motor enables; single density; CRC errors other than those of the host's medium; the
//! underrun of a host that does not use DMA: the disk waits for it; precompensation, gap lengths, power down and the
//! perpendicular mode (stored only).

mod command;
mod state;
mod transfer;

#[cfg(test)]
mod tests;

use ferrite_core::device::{Cx, Device, Event, Offset, Pin, ResetKind, Width};
use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

use self::command::Command;
pub use self::state::I82077V1;
use self::transfer::Transfer;
use super::floppy_media::{Drive, Geometry, Rate};
use crate::host::{Disk, FloppyDrive};

/// Digital output register.
pub const DOR: Offset = Offset(2);
/// Tape drive register.
pub const TDR: Offset = Offset(3);
/// Main status register; written, the data rate select register.
pub const MSR: Offset = Offset(4);
/// The FIFO.
pub const FIFO: Offset = Offset(5);
/// Digital input register; written, the configuration control register.
pub const DIR: Offset = Offset(7);

/// Interrupt request, an output.
pub const INT: Pin = Pin(0);
/// DMA request, an output.
pub const DRQ: Pin = Pin(1);

/// How many times as fast as a real one a medium turns.
pub const SPEED: u64 = 16;

// DOR.
const RESET: u8 = 1 << 2; // RESET#: 0 holds the chip in reset
const DMAGATE: u8 = 1 << 3;

// MSR.
const RQM: u8 = 1 << 7;
const DIO: u8 = 1 << 6;
const NON_DMA: u8 = 1 << 5;
const CMD_BSY: u8 = 1 << 4;

// DSR.
const SW_RESET: u8 = 1 << 7;

// ST0.
const ABNORMAL: u8 = 0x40;
const INVALID: u8 = 0x80;
const POLLED: u8 = 0xc0;
const SE: u8 = 1 << 5;
const EC: u8 = 1 << 4;

// CONFIGURE, second byte.
const EIS: u8 = 1 << 6;
const EFIFO: u8 = 1 << 5;
const POLL: u8 = 1 << 4;

/// "The 82077AA steps 79 times" in RECALIBRATE.
const RECALIBRATE_STEPS: i16 = 79;

/// The next thing on the disk.
const EXECUTE: Event = Event(0);
/// A seek of drive `n` ends.
const SEEK_END: [Event; 4] = [Event(1), Event(2), Event(3), Event(4)];
/// The first polling loop after a reset is through.
const POLLING: Event = Event(5);
/// From the end of reset to the interrupt of that loop.
const POLL_TIME: VTime = VTime::us(100);
/// What a seek takes beside its steps.
const SEEK_OVERHEAD: VTime = VTime::us(50);

/// Nobody has written DRATE since the hardware reset: whatever passes the head is read, and a transfer seeks its cylinder. On the chip
/// only media of 250 kbit/s could be read then; Bochs' firmware, which leaves both to the controller, boots from all.
const NO_RATE: u8 = 1 << 7;

/// A SEEK, RELATIVE SEEK or RECALIBRATE under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seek {
    /// The drive that the DOR selected.
    drive: u8,
    /// Step pulses; positive ones go inwards.
    steps: i16,
    /// PCN afterwards.
    pcn: u8,
    /// Without SE and the drive.
    st0: u8,
}

/// The registers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    dor: u8,
    tdr: u8,
    dsr: u8,
    /// DRATE, from the DSR or the CCR, whichever was written last, or [`NO_RATE`].
    rate: u8,
    /// Command bytes so far.
    command: Vec<u8>,
    /// Result bytes to come, the last one first.
    result: Vec<u8>,
    /// The interrupt of a result phase.
    result_int: bool,
    /// The interrupt of what SENSE INTERRUPT STATUS tells.
    sense_int: bool,
    pcn: [u8; 4],
    seeks: [Option<Seek>; 4],
    /// ST0 for SENSE INTERRUPT STATUS, by drive.
    ended: [Option<u8>; 4],
    /// The bytes of SPECIFY.
    specify: [u8; 2],
    configure: u8,
    pretrk: u8,
    lock: bool,
    perpendicular: u8,
    /// SC or EOT of the last command that had one.
    last_eot: u8,
    transfer: Option<Transfer>,
}

impl Regs {
    const fn new() -> Regs {
        Regs {
            dor: 0,
            tdr: 0,
            dsr: 2,
            rate: NO_RATE | 2, // "250 Kbps after hardware reset"
            command: Vec::new(),
            result: Vec::new(),
            result_int: false,
            sense_int: false,
            pcn: [0; 4],
            seeks: [None; 4],
            ended: [None; 4],
            specify: [0; 2],
            configure: EFIFO,
            pretrk: 0,
            lock: false,
            perpendicular: 0,
            last_eot: 0,
            transfer: None,
        }
    }

    fn non_dma(&self) -> bool {
        self.specify[1] & 1 != 0
    }

    fn selected(&self) -> usize {
        usize::from(self.dor & 3)
    }

    /// The time of a step pulse. "SPECIFY", "Drive Control Delays".
    fn step_time(&self) -> u64 {
        let half_us = match Rate::from_bits(self.rate) {
            Rate::M1 => 1_000,
            Rate::K500 => 2_000,
            Rate::K300 => 3_333,
            Rate::K250 => 4_000,
        };
        u64::from(16 - (self.specify[0] >> 4)) * half_us / 2
    }

    fn seek_time(&self, steps: i16) -> VTime {
        SEEK_OVERHEAD.after(VTime::us(self.step_time() * u64::from(steps.unsigned_abs())))
    }
}

/// The controller and its drives.
pub struct I82077 {
    regs: Regs,
    drives: [Option<Drive>; 2],
    speed: u64,
}

impl I82077 {
    /// A controller with these drives.
    pub fn new(drives: [Option<FloppyDrive>; 2]) -> I82077 {
        let drives = drives.map(|d| d.map(|FloppyDrive { kind, medium }| Drive::new(kind, medium)));
        I82077 { regs: Regs::new(), drives, speed: SPEED }
    }

    /// Lets media turn `speed` times (at least once) as fast as real ones.
    #[must_use]
    pub fn with_speed(mut self, speed: u64) -> I82077 {
        self.speed = speed.clamp(1, 1000);
        self
    }

    /// Whether there is a drive 0 or 1.
    pub fn has_drive(&self, drive: usize) -> bool {
        self.drives.get(drive).is_some_and(Option::is_some)
    }

    /// Puts a medium into a drive, or takes it out; returns what was in it. `None` also when there is no such drive.
    pub fn insert(&mut self, drive: usize, disk: Option<Box<dyn Disk>>) -> Option<Box<dyn Disk>> {
        self.drives.get_mut(drive)?.as_mut()?.insert(disk)
    }

    /// The layout of the medium in a drive.
    pub fn geometry(&self, drive: usize) -> Option<Geometry> {
        self.drives.get(drive)?.as_ref()?.medium.as_ref()?.geometry
    }

    /// The light of a drive: its motor turns and it is selected.
    pub fn active(&self, drive: usize) -> bool {
        drive < 2 && self.regs.selected() == drive && self.regs.dor & 0x10 << drive != 0
    }

    fn drive(&mut self, n: usize) -> Option<&mut Drive> {
        self.drives.get_mut(n)?.as_mut()
    }

    fn selected(&mut self) -> Option<&mut Drive> {
        self.drive(self.regs.selected())
    }

    fn update(&self, cx: &mut Cx<'_>) {
        // DMAGATE disables both pins; in reset nothing asks.
        let gate = self.regs.dor & (RESET | DMAGATE) == RESET | DMAGATE;
        let waits = self.regs.transfer.as_ref().is_some_and(Transfer::waits_for_host);
        let pio = self.regs.non_dma();
        cx.set(INT, gate && (self.regs.result_int || self.regs.sense_int || pio && waits));
        cx.set(DRQ, gate && !pio && waits);
    }

    // ---- reset and polling ----

    fn software_reset(&mut self, cx: &mut Cx<'_>) {
        for event in SEEK_END.into_iter().chain([EXECUTE, POLLING]) {
            cx.cancel(event);
        }
        let r = &self.regs;
        // LOCK keeps EFIFO, FIFOTHR and PRETRK; EIS and POLL take their defaults in any case.
        let (configure, pretrk) = if r.lock { (r.configure & !(EIS | POLL), r.pretrk) } else { (EFIFO, 0) };
        self.regs = Regs {
            dor: r.dor,
            tdr: r.tdr,
            dsr: r.dsr,
            rate: r.rate,
            specify: r.specify,
            lock: r.lock,
            perpendicular: r.perpendicular & !3, // "GAP and WGATE are cleared", the drives' bits stay
            configure,
            pretrk,
            ..Regs::new()
        };
    }

    /// Every drive turns from not ready to ready in the first polling loop.
    fn leave_reset(&mut self, cx: &mut Cx<'_>) {
        self.regs.ended = [0, 1, 2, 3].map(|n| Some(POLLED | n));
        cx.at(cx.now().after(POLL_TIME), POLLING);
    }

    /// What polling found is old news once a drive is at work.
    fn forget_polling(&mut self, cx: &mut Cx<'_>) {
        cx.cancel(POLLING);
        let polled = |st0: &mut u8| *st0 & POLLED == POLLED;
        for ended in &mut self.regs.ended {
            if ended.take_if(polled).is_some() {
                self.regs.sense_int = false;
            }
        }
    }

    fn write_dor(&mut self, cx: &mut Cx<'_>, val: u8) {
        let old = std::mem::replace(&mut self.regs.dor, val);
        for (n, drive) in self.drives.iter_mut().enumerate() {
            if let Some(d) = drive
                && old & !val & 0x10 << n != 0
            {
                d.flush();
            }
        }
        if val & RESET == 0 {
            self.software_reset(cx);
        } else if old & RESET == 0 {
            self.leave_reset(cx);
        }
    }

    fn write_dsr(&mut self, cx: &mut Cx<'_>, val: u8) {
        (self.regs.dsr, self.regs.rate) = (val & !SW_RESET, val & 3);
        if val & SW_RESET != 0 && self.regs.dor & RESET != 0 {
            self.software_reset(cx);
            self.leave_reset(cx);
        }
    }

    // ---- the FIFO ----

    fn status(&self) -> u8 {
        let r = &self.regs;
        if r.dor & RESET == 0 {
            return 0;
        }
        let busy = (0..4).filter(|n| r.seeks[*n].is_some()).fold(0, |bits, n| bits | 1 << n);
        let phase = match &r.transfer {
            Some(t) if r.non_dma() => {
                let ready = if t.waits_for_host() { RQM } else { 0 };
                let out = if t.gives() { DIO } else { 0 };
                CMD_BSY | NON_DMA | ready | out
            }
            Some(_) => CMD_BSY,
            None if !r.result.is_empty() => RQM | DIO | CMD_BSY,
            None if !r.command.is_empty() => RQM | CMD_BSY,
            None => RQM,
        };
        phase | busy
    }

    fn read_fifo(&mut self, cx: &mut Cx<'_>) -> u8 {
        if self.regs.transfer.is_some() {
            if !self.regs.non_dma() {
                return 0xff;
            }
            cx.set(INT, false); // the next byte asks again
            return self.give(cx, false);
        }
        let Some(byte) = self.regs.result.pop() else { return 0xff };
        self.regs.result_int = false;
        byte
    }

    fn write_fifo(&mut self, cx: &mut Cx<'_>, val: u8) {
        if self.regs.dor & RESET == 0 || !self.regs.result.is_empty() {
            return;
        }
        if self.regs.transfer.is_some() {
            if self.regs.non_dma() {
                cx.set(INT, false);
                self.take(cx, val, false);
            }
            return;
        }
        self.regs.command.push(val);
        match Command::decode(self.regs.command[0]) {
            None => {
                self.regs.command.clear();
                self.regs.result = vec![INVALID];
            }
            Some(command) if self.regs.command.len() >= command.len() => {
                let bytes = std::mem::take(&mut self.regs.command);
                // A command's parameters, those that it lacks 0.
                let mut p = [0; 9];
                p[..bytes.len()].copy_from_slice(&bytes);
                self.execute(cx, command, p);
            }
            Some(_) => {}
        }
    }

    fn execute(&mut self, cx: &mut Cx<'_>, command: Command, p: [u8; 9]) {
        let unit = p[1] & 3;
        match command {
            Command::Transfer { op, mt, mfm, sk } => {
                self.forget_polling(cx);
                self.begin(cx, Transfer::new(op, [mt, mfm, sk], p));
            }
            Command::Specify => self.regs.specify = [p[1], p[2]],
            Command::SenseDriveStatus => self.regs.result = vec![self.st3(p[1] & 7)],
            Command::Recalibrate => self.recalibrate(cx, unit),
            Command::SenseInterruptStatus => self.sense_interrupt(cx),
            Command::DumpReg => {
                let r = &mut self.regs;
                let lock = if r.lock { 0x80 } else { 0 };
                let mut all = r.pcn.to_vec();
                all.extend(r.specify);
                all.extend([r.last_eot, lock | r.perpendicular, r.configure, r.pretrk]);
                all.reverse();
                r.result = all;
            }
            Command::Seek => {
                let steps = i16::from(p[2]) - i16::from(self.regs.pcn[usize::from(unit)]);
                self.seek(cx, unit, steps, p[2], 0);
            }
            Command::RelativeSeek { inwards } => {
                let (pcn, rcn) = (self.regs.pcn[usize::from(unit)], p[2]);
                let steps = if inwards { i16::from(rcn) } else { -i16::from(rcn) };
                self.seek(cx, unit, steps, pcn.wrapping_add(steps as u8), 0);
            }
            Command::Version => self.regs.result = vec![0x90],
            Command::Perpendicular => {
                // OW allows the drives' bits to change.
                let keep = if p[1] & 0x80 != 0 { 0 } else { self.regs.perpendicular & 0x3c };
                self.regs.perpendicular = keep | p[1] & if p[1] & 0x80 != 0 { 0x3f } else { 3 };
            }
            Command::Configure => (self.regs.configure, self.regs.pretrk) = (p[2] & 0x7f, p[3]),
            Command::Lock { lock } => {
                self.regs.lock = lock;
                self.regs.result = vec![u8::from(lock) << 4];
            }
        }
    }

    /// ST3. The 82077AA has no pins for ready and two sides: both bits are 1.
    fn st3(&mut self, head_and_unit: u8) -> u8 {
        let drive = self.selected();
        let t0 = drive.as_ref().is_some_and(|d| d.track_0());
        let wp = drive.is_some_and(|d| d.write_protected());
        0x28 | head_and_unit | u8::from(t0) << 4 | u8::from(wp) << 6
    }

    // ---- seeks ----

    fn seek(&mut self, cx: &mut Cx<'_>, unit: u8, steps: i16, pcn: u8, st0: u8) {
        self.forget_polling(cx);
        let n = usize::from(unit);
        self.regs.ended[n] = None;
        self.regs.seeks[n] = Some(Seek { drive: self.regs.dor & 3, steps, pcn, st0 });
        cx.at(cx.now().after(self.regs.seek_time(steps)), SEEK_END[n]);
    }

    fn recalibrate(&mut self, cx: &mut Cx<'_>, unit: u8) {
        // Without a drive TRK0 never comes.
        let away = self.selected().map_or(i16::MAX, |d| d.position.into());
        let st0 = if away > RECALIBRATE_STEPS { ABNORMAL | EC } else { 0 };
        self.regs.pcn[usize::from(unit)] = 0;
        self.seek(cx, unit, -away.min(RECALIBRATE_STEPS), 0, st0);
    }

    fn seek_ended(&mut self, cx: &mut Cx<'_>, n: usize) {
        let Some(Seek { drive, steps, pcn, st0 }) = self.regs.seeks[n].take() else { return };
        if let Some(d) = self.drive(drive.into()) {
            d.step(steps);
        }
        self.regs.pcn[n] = pcn;
        // "The H bit in ST0 will always return a 0."
        self.regs.ended[n] = Some(st0 | SE | n as u8);
        self.regs.sense_int = true;
        cx.set(INT, false); // an edge of its own
    }

    fn sense_interrupt(&mut self, cx: &mut Cx<'_>) {
        let r = &mut self.regs;
        let found = (0..4).find_map(|n| Some((r.ended[n].take()?, r.pcn[n])));
        let Some((st0, pcn)) = found else {
            r.result = vec![INVALID];
            return;
        };
        r.result = vec![pcn, st0];
        cx.cancel(POLLING);
        // Another drive's seek that has ended meanwhile makes an edge of its own; four polled drives make one in all.
        cx.set(INT, false);
        r.sense_int = r.ended.iter().flatten().any(|st0| st0 & POLLED != POLLED);
    }
}

impl Device for I82077 {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width) -> u64 {
        let value = match at {
            DOR => self.regs.dor,
            TDR => 0xfc | self.regs.tdr,
            MSR => self.status(),
            FIFO => self.read_fifo(cx),
            // Bits 6:0 belong to the hard disk controller of the AT.
            DIR => 0x7f | u8::from(self.selected().is_some_and(|d| d.change_line())) << 7,
            _ => 0xff,
        };
        self.update(cx);
        value.into()
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, val: u64) {
        let val = val as u8;
        match at {
            DOR => self.write_dor(cx, val),
            TDR => self.regs.tdr = val & 3,
            MSR => self.write_dsr(cx, val),
            FIFO => self.write_fifo(cx, val),
            DIR => self.regs.rate = val & 3,
            _ => {}
        }
        self.update(cx);
    }

    fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        if event == EXECUTE {
            self.proceed(cx);
        } else if event == POLLING {
            self.regs.sense_int |= self.regs.ended.iter().flatten().any(|st0| st0 & POLLED == POLLED);
        } else if let Some(n) = SEEK_END.iter().position(|e| *e == event) {
            self.seek_ended(cx, n);
        }
        self.update(cx);
    }

    fn dma_read(&mut self, cx: &mut Cx<'_>, last: bool) -> u16 {
        let mut byte = 0xff;
        if !self.regs.non_dma() && self.regs.dor & DMAGATE != 0 {
            byte = self.dma_cycle(cx, byte, last);
        }
        self.update(cx);
        byte.into()
    }

    fn dma_write(&mut self, cx: &mut Cx<'_>, data: u16, last: bool) {
        if !self.regs.non_dma() && self.regs.dor & DMAGATE != 0 {
            self.dma_cycle(cx, data as u8, last);
        }
        self.update(cx);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.regs = Regs::new();
        for d in self.drives.iter_mut().flatten() {
            (d.position, d.changed) = (0, true);
            d.flush();
        }
        self.update(cx);
    }
}

impl I82077 {
    /// DACK# is asserted: the byte goes the way that the command needs, whatever the DMA controller does with the bus.
    fn dma_cycle(&mut self, cx: &mut Cx<'_>, data: u8, last: bool) -> u8 {
        if self.regs.transfer.as_ref().is_some_and(Transfer::gives) {
            return self.give(cx, last);
        }
        self.take(cx, data, last);
        0xff
    }
}
