//! The execution phase of the commands that work on a track, sector by sector.

use ferrite_core::device::Cx;
use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

use super::command::Op;
use super::{ABNORMAL, EIS, EXECUTE, I82077, INT, NO_RATE, SE};
use crate::storage::floppy_media::{Drive, MAX_N, Rate, Track};

// ST1.
const EN: u8 = 1 << 7;
const DE: u8 = 1 << 5;
const OR: u8 = 1 << 4;
const ND: u8 = 1 << 2;
const NW: u8 = 1 << 1;
const MA: u8 = 1 << 0;

// ST2.
const CM: u8 = 1 << 6;
const DD: u8 = 1 << 5;
const WC: u8 = 1 << 4;
const SH: u8 = 1 << 3;
const SN: u8 = 1 << 2;

/// ST0: the drive reported a fault.
const EC: u8 = super::EC;

/// How often a command that waits for index pulses looks for them.
const NO_INDEX: VTime = VTime::ms(100);

/// From the command to the refusal of a medium that is write protected.
const NOTCH: VTime = VTime::us(100);

/// The longest data field.
const MAX_SECTOR: usize = 128 << MAX_N;

/// What the command does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// An implied seek is under way.
    Seeking,
    /// No index pulses: no medium, or it does not turn.
    Standing,
    /// The sector's data field passes.
    Reading,
    /// The host takes the data.
    Giving,
    /// The host gives data while the sector comes.
    Taking,
    /// The sector has passed and the host, without DMA, has not given all yet.
    Late,
    /// What was looked for is not there; the second index pulse ends the command.
    Failing,
}

/// A command under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transfer {
    op: Op,
    mt: bool,
    mfm: bool,
    sk: bool,
    /// VERIFY: count sectors.
    ec: bool,
    unit: u8,
    head: u8,
    /// The head of the last sector, for ST0.
    shown_head: u8,
    c: u8,
    h: u8,
    r: u8,
    n: u8,
    eot: u8,
    /// DTL; SC of FORMAT and VERIFY; STP of SCAN.
    dtl: u8,
    /// FORMAT: the filler byte.
    filler: u8,
    stage: Stage,
    /// Sectors read so far.
    count: u8,
    st0: u8,
    st1: u8,
    st2: u8,
    buffer: Vec<u8>,
    /// Bytes that the host has taken, or how many it is to give.
    position: u16,
    tc: bool,
}

impl Transfer {
    /// From the bytes `p` of the command phase.
    pub fn new(op: Op, [mt, mfm, sk]: [bool; 3], p: [u8; 9]) -> Transfer {
        let (unit, head) = (p[1] & 3, p[1] >> 2 & 1);
        let mut t = Transfer {
            op,
            mt: mt && op != Op::ReadTrack,
            mfm,
            sk,
            ec: p[1] & 0x80 != 0,
            unit,
            head,
            shown_head: head,
            c: p[2],
            h: p[3],
            r: p[4],
            n: p[5],
            eot: p[6],
            dtl: p[8],
            filler: 0,
            stage: Stage::Standing,
            count: 0,
            st0: 0,
            st1: 0,
            st2: 0,
            buffer: Vec::new(),
            position: 0,
            tc: false,
        };
        if op == Op::Format {
            (t.n, t.dtl, t.filler) = (p[2], p[3], p[5]);
            (t.c, t.h, t.r, t.eot) = (0, 0, 0, p[3]);
        }
        t
    }

    /// A byte could be moved.
    pub fn waits_for_host(&self) -> bool {
        match self.stage {
            Stage::Giving => usize::from(self.position) < self.buffer.len(),
            Stage::Taking | Stage::Late => !self.tc && self.buffer.len() < usize::from(self.position),
            _ => false,
        }
    }

    /// Bytes go to the host.
    pub fn gives(&self) -> bool {
        self.stage == Stage::Giving
    }

    pub fn is_valid(&self) -> bool {
        let room = self.buffer.len() <= MAX_SECTOR && usize::from(self.position) <= MAX_SECTOR;
        let inside = self.stage != Stage::Giving || usize::from(self.position) <= self.buffer.len();
        self.unit < 4 && self.head < 2 && self.shown_head < 2 && room && inside
    }

    /// Everything that the host was asked for came, or TC did.
    fn has_all(&self) -> bool {
        self.tc || self.buffer.len() >= usize::from(self.position)
    }

    /// C, H and R move on to the next sector; true at the end of the cylinder. Table 5-6, "Result Phase Table".
    fn advance(&mut self) -> bool {
        if self.r != self.eot {
            self.r = self.r.wrapping_add(1);
            return false;
        }
        self.r = 1;
        let second = self.head == 1;
        if self.mt {
            (self.h, self.head) = (self.h ^ 1, self.head ^ 1);
            if !second {
                return false;
            }
        }
        self.c = self.c.wrapping_add(1);
        true
    }

    /// As [`Transfer::advance`], in steps of STP.
    fn advance_scan(&mut self) -> bool {
        match self.r.checked_add(self.dtl.clamp(1, 2)) {
            Some(r) if r <= self.eot => {
                self.r = r;
                false
            }
            _ => {
                self.r = self.eot;
                self.advance()
            }
        }
    }

    /// The place of the sector on the track, or what is wrong with it as bits of ST1 and ST2; `coming` is the next to pass.
    fn find(&self, track: Track, coming: u8) -> Result<u8, (u8, u8)> {
        match self.op {
            Op::ReadId => Ok(coming),
            // Every sector of the track as it comes, whatever its number.
            Op::ReadTrack => Ok(self.count % track.sectors),
            _ if (self.c, self.h, self.n) == (track.c, track.h, track.n) && (1..=track.sectors).contains(&self.r) => {
                Ok(self.r - 1)
            }
            _ if self.c != track.c => Err((ND, WC)),
            _ => Err((ND, 0)),
        }
    }

    /// How much of a data field moves. "If N = 00, DTL is the length".
    fn data_len(&self, track: Track) -> usize {
        if track.n == 0 { usize::from(self.dtl).clamp(1, 128) } else { track.sector_len() }
    }

    fn compares(&self) -> bool {
        matches!(self.op, Op::Scan(_))
    }
}

/// The rotation of a medium.
#[derive(Clone, Copy)]
struct Turn {
    now: VTime,
    period: u64,
}

impl Turn {
    fn index_after(self, turns: u64) -> VTime {
        VTime(self.now.0 - self.now.0 % self.period).after(VTime(self.period.saturating_mul(turns)))
    }

    /// When the data field of sector `slot` of `count` has passed. Its ID comes at the start of the sector's share of the
    /// track; what is left after the data is gap 3, in which the host prepares the next command.
    fn passed(self, slot: u8, count: u8) -> VTime {
        let share = self.period / u64::from(count.max(1));
        let start = u64::from(slot) * share;
        let angle = self.now.0 % self.period;
        let wait = if angle <= start { start - angle } else { self.period - angle + start };
        self.now.after(VTime(wait + share / 10 * 9))
    }

    /// The sector whose ID comes next.
    fn next_slot(self, count: u8) -> u8 {
        let share = (self.period / u64::from(count.max(1))).max(1);
        ((self.now.0 % self.period).div_ceil(share) % u64::from(count.max(1))) as u8
    }
}

impl I82077 {
    /// The rotation under the selected drive's head. `None` when there is no index pulse.
    fn turn(&mut self, cx: &Cx<'_>) -> Option<Turn> {
        let (n, speed) = (self.regs.selected(), self.speed);
        let motor = self.regs.dor & 0x10 << n != 0;
        let drive = self.selected().filter(|d| motor && d.medium.is_some())?;
        Some(Turn { now: cx.now(), period: drive.kind.revolution() / speed })
    }

    fn track(&mut self, t: &Transfer) -> Option<Track> {
        // No mark is found on a double-density track in single density.
        let (head, rate) = (t.head, self.regs.rate);
        let drive = self.selected().filter(|_| t.mfm)?;
        if rate & NO_RATE != 0 {
            return [Rate::K250, Rate::K300, Rate::K500, Rate::M1].into_iter().find_map(|rate| drive.track(head, rate));
        }
        drive.track(head, Rate::from_bits(rate))
    }

    /// The command phase is over.
    pub(super) fn begin(&mut self, cx: &mut Cx<'_>, mut t: Transfer) {
        if !matches!(t.op, Op::ReadId) {
            self.regs.last_eot = t.eot;
        }
        let pcn = self.regs.pcn[usize::from(t.unit)];
        let implied = self.regs.configure & EIS != 0 || self.regs.rate & NO_RATE != 0;
        if implied && !matches!(t.op, Op::ReadId | Op::Format) && t.c != pcn {
            t.stage = Stage::Seeking;
            let steps = i16::from(t.c) - i16::from(pcn);
            cx.at(cx.now().after(self.regs.seek_time(steps)), EXECUTE);
            self.regs.transfer = Some(t);
        } else {
            self.sector(cx, t);
        }
    }

    /// The time has come for the next step of the command.
    pub(super) fn proceed(&mut self, cx: &mut Cx<'_>) {
        let Some(mut t) = self.regs.transfer.take() else { return };
        match t.stage {
            Stage::Seeking => {
                let pcn = &mut self.regs.pcn[usize::from(t.unit)];
                let steps = i16::from(t.c) - i16::from(*pcn);
                *pcn = t.c;
                t.st0 |= SE;
                if let Some(d) = self.selected() {
                    d.step(steps);
                }
                self.sector(cx, t);
            }
            Stage::Standing => self.sector(cx, t),
            Stage::Reading => self.read_sector(cx, t),
            Stage::Giving => self.overrun(cx, t),
            Stage::Taking if t.has_all() => self.write_sector(cx, t),
            Stage::Taking if self.regs.non_dma() => {
                t.stage = Stage::Late;
                self.regs.transfer = Some(t);
            }
            Stage::Taking => self.overrun(cx, t),
            Stage::Late => self.regs.transfer = Some(t), // the host's next byte goes on
            Stage::Failing => self.finish(cx, t, ABNORMAL),
        }
    }

    /// No cycle came in the time of a whole sector.
    fn overrun(&mut self, cx: &mut Cx<'_>, mut t: Transfer) {
        t.st1 |= OR;
        self.finish(cx, t, ABNORMAL);
    }

    /// Looks for the next sector.
    fn sector(&mut self, cx: &mut Cx<'_>, mut t: Transfer) {
        t.shown_head = t.head;
        let Some(turn) = self.turn(cx) else {
            self.stand(cx, t);
            return;
        };
        let writes = matches!(t.op, Op::Write | Op::Format);
        if writes && self.selected().is_some_and(|d| d.write_protected()) {
            t.st1 |= NW;
            t.stage = Stage::Failing;
            cx.at(cx.now().after(NOTCH), EXECUTE);
            self.regs.transfer = Some(t);
            return;
        }
        if t.op == Op::Format {
            self.ask(cx, t, turn.index_after(2), 4 * usize::from(self.regs.last_eot));
            return;
        }
        let track = self.track(&t);
        let found = track.ok_or((MA, 0)).and_then(|k| Ok((k, t.find(k, turn.next_slot(k.sectors))?)));
        match found {
            Err((st1, st2)) => {
                (t.st1, t.st2) = (t.st1 | st1, t.st2 | st2);
                t.stage = Stage::Failing;
                cx.at(turn.index_after(2), EXECUTE);
                self.regs.transfer = Some(t);
            }
            Ok((track, slot)) if t.op == Op::Write || t.compares() => {
                let len = t.data_len(track);
                self.ask(cx, t, turn.passed(slot, track.sectors), len);
            }
            Ok((track, slot)) => {
                t.stage = Stage::Reading;
                t.position = slot.into();
                cx.at(turn.passed(slot, track.sectors), EXECUTE);
                self.regs.transfer = Some(t);
            }
        }
    }

    /// Waits for index pulses.
    fn stand(&mut self, cx: &mut Cx<'_>, mut t: Transfer) {
        t.stage = Stage::Standing;
        t.buffer.clear();
        cx.at(cx.now().after(NO_INDEX), EXECUTE);
        self.regs.transfer = Some(t);
    }

    /// Asks the host for `len` bytes until `due`.
    fn ask(&mut self, cx: &mut Cx<'_>, mut t: Transfer, due: VTime, len: usize) {
        t.stage = Stage::Taking;
        t.buffer.clear();
        t.position = len.min(MAX_SECTOR) as u16;
        cx.at(due, EXECUTE);
        self.regs.transfer = Some(t);
    }

    /// A data field has passed under the head.
    fn read_sector(&mut self, cx: &mut Cx<'_>, mut t: Transfer) {
        let (Some(turn), Some(track)) = (self.turn(cx), self.track(&t)) else {
            self.sector(cx, t); // it has stopped, or is another medium
            return;
        };
        let slot = (t.position as u8).min(track.sectors - 1);
        if t.op == Op::ReadId {
            (t.c, t.h, t.r, t.n) = (track.c, track.h, slot + 1, track.n);
            self.finish(cx, t, 0);
            return;
        }
        if t.op == Op::ReadDeleted && t.sk {
            t.st2 |= CM;
            self.next(cx, t);
            return;
        }
        let Some(Ok(mut data)) = self.selected().map(|d| d.read(track, slot)) else {
            (t.st1, t.st2) = (t.st1 | DE, t.st2 | DD);
            self.finish(cx, t, ABNORMAL);
            return;
        };
        if t.op == Op::Verify {
            self.next(cx, t);
            return;
        }
        if t.op == Op::ReadTrack && (t.c, t.h, t.r, t.n) != (track.c, track.h, slot + 1, track.n) {
            t.st1 |= ND;
        }
        data.truncate(t.data_len(track));
        (t.stage, t.buffer, t.position) = (Stage::Giving, data, 0);
        if !self.regs.non_dma() {
            cx.at(cx.now().after(VTime(turn.period / u64::from(track.sectors))), EXECUTE);
        }
        self.regs.transfer = Some(t);
    }

    /// The place that the host's data is for has come.
    fn write_sector(&mut self, cx: &mut Cx<'_>, mut t: Transfer) {
        let track = self.track(&t);
        if self.turn(cx).is_none() {
            self.stand(cx, t);
            return;
        }
        let rate = Rate::from_bits(self.regs.rate);
        let drive = |fdc: &mut I82077, f: &mut dyn FnMut(&mut Drive) -> bool| fdc.selected().is_some_and(f);
        if t.op == Op::Format {
            let ids: Vec<_> = t.buffer.as_chunks::<4>().0.to_vec();
            if let Some(&[c, h, r, n]) = ids.last() {
                (t.c, t.h, t.r, t.n) = (c, h, r, n);
            }
            // A track in single density could not be read again: it is not written.
            let done = !t.mfm || drive(self, &mut |d| d.format(t.head, rate, &ids, t.filler).is_ok());
            self.finish_write(cx, t, done);
            return;
        }
        let Some((track, Ok(slot))) = track.map(|k| (k, t.find(k, 0))) else {
            t.st1 |= MA;
            self.finish(cx, t, ABNORMAL);
            return;
        };
        if let Op::Scan(compare) = t.op {
            let Some(Ok(data)) = self.selected().map(|d| d.read(track, slot)) else {
                (t.st1, t.st2) = (t.st1 | DE, t.st2 | DD);
                self.finish(cx, t, ABNORMAL);
                return;
            };
            let pairs = || data.iter().zip(&t.buffer);
            let (met, equal) = (pairs().all(|(d, h)| compare.met(*d, *h)), pairs().all(|(d, h)| d == h));
            if met {
                t.st2 |= if equal { SH } else { 0 };
                self.finish(cx, t, 0);
            } else {
                self.next(cx, t);
            }
            return;
        }
        // "The rest of the sector is filled with zeros" after TC.
        t.buffer.resize(track.sector_len(), 0);
        if drive(self, &mut |d| d.write(track, slot, &t.buffer).is_ok()) {
            self.next(cx, t);
        } else {
            self.finish_write(cx, t, false);
        }
    }

    /// A medium that the host cannot write is a drive with a fault.
    fn finish_write(&mut self, cx: &mut Cx<'_>, mut t: Transfer, done: bool) {
        t.st0 |= if done { 0 } else { EC };
        self.finish(cx, t, if done { 0 } else { ABNORMAL });
    }

    /// A sector is done: goes on to the next one or ends the command.
    fn next(&mut self, cx: &mut Cx<'_>, mut t: Transfer) {
        t.count = t.count.wrapping_add(1);
        if t.op == Op::ReadDeleted && !t.sk {
            // A sector without the mark: "address not incremented, next sector not searched for".
            t.st2 |= CM;
            self.finish(cx, t, 0);
            return;
        }
        let over = match t.op {
            Op::Scan(_) => t.advance_scan(),
            Op::ReadTrack => {
                t.r = t.r.wrapping_add(1);
                t.count == t.eot
            }
            _ => t.advance(),
        };
        // VERIFY has no TC: EC makes the count an implicit one; without EC, EOT ends it.
        let (verify, counted) = (t.op == Op::Verify, t.ec && t.count == t.dtl);
        if t.tc && t.compares() {
            t.st2 |= SN;
            self.finish(cx, t, 0);
        } else if t.tc || verify && counted || verify && over && !t.ec {
            self.finish(cx, t, 0);
        } else if over && t.compares() {
            t.st2 |= SN;
            self.finish(cx, t, 0);
        } else if over {
            t.st1 |= EN;
            self.finish(cx, t, ABNORMAL);
        } else {
            self.sector(cx, t);
        }
    }

    /// The result phase.
    fn finish(&mut self, cx: &mut Cx<'_>, t: Transfer, ic: u8) {
        cx.cancel(EXECUTE);
        let st0 = ic | t.st0 | t.shown_head << 2 | t.unit;
        self.regs.result = vec![t.n, t.r, t.h, t.c, t.st2, t.st1, st0];
        self.regs.transfer = None;
        // The last byte's request and that of the result are two.
        cx.set(INT, false);
        self.regs.result_int = true;
    }

    // ---- the host's side ----

    /// The host reads a byte.
    pub(super) fn give(&mut self, cx: &mut Cx<'_>, last: bool) -> u8 {
        let Some(mut t) = self.regs.transfer.take_if(|t| t.gives() && t.waits_for_host()) else { return 0xff };
        let byte = t.buffer.get(usize::from(t.position)).copied().unwrap_or(0xff);
        t.position += 1;
        t.tc |= last;
        if t.tc || usize::from(t.position) >= t.buffer.len() {
            self.next(cx, t);
        } else {
            self.regs.transfer = Some(t);
        }
        byte
    }

    /// The host writes a byte.
    pub(super) fn take(&mut self, cx: &mut Cx<'_>, byte: u8, last: bool) {
        let Some(mut t) = self.regs.transfer.take_if(|t| !t.gives() && t.waits_for_host()) else { return };
        t.buffer.push(byte);
        t.tc |= last;
        if t.stage == Stage::Late && t.has_all() {
            // The sector comes again with the next turn.
            t.stage = Stage::Taking;
            let due = match (self.turn(cx), self.track(&t)) {
                (Some(turn), _) if t.op == Op::Format => turn.index_after(2),
                (Some(turn), Some(k)) => turn.passed(t.find(k, 0).unwrap_or(0), k.sectors),
                _ => cx.now().after(NO_INDEX),
            };
            cx.at(due, EXECUTE);
        }
        self.regs.transfer = Some(t);
    }
}
