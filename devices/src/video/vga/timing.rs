//! Where the beam is, as closed forms over virtual time, and what the CRTC latches on its way.
//!
//! Document: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "CRT Controller Registers", "Input Status
//! Register 1".
//!
//! No line and no frame costs an event. Frames are counted from an *origin*, the moment at which the totals or the clock
//! changed last; whoever is about to change a register that is latched lets [`Scan::advance`] first do what has happened
//! since. The start address is loaded when vertical retrace starts; a frame then shows it with the preset row scan and the
//! PEL panning of its first line, so that programs which change them during retrace get whole pictures.

use ferrite_core::snapshot::LoadError;
use ferrite_core::time::{Freq, VTime};
use serde::{Deserialize, Serialize};

use super::attribute::{Attribute, PANNING};
use super::crtc::Crtc;
use super::sequencer::Sequencer;

/// The master clocks, doubled so that half of each is a whole number: miscellaneous output, clock select.
const CLOCKS_X2: [u64; 4] = [50_350_000, 56_644_000, 50_350_000, 50_350_000];

/// A raster in dots of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timing {
    clock: Freq,
    /// Dots in a line and lines in a frame; at least 1.
    line: u64,
    lines: u64,
    shown_dots: u64,
    shown_lines: u64,
    /// First line of vertical retrace and how many it has.
    retrace: Option<(u64, u64)>,
}

impl Timing {
    /// The raster that the registers describe. `clock_select` is bits 3:2 of the miscellaneous output register.
    pub fn of(crtc: &Crtc, sequencer: &Sequencer, clock_select: u8) -> Timing {
        let dots = u64::from(sequencer.dots());
        let divider = if sequencer.half_clock() { 4 } else { 2 };
        Timing {
            clock: Freq::new(CLOCKS_X2[usize::from(clock_select & 3)], divider),
            line: u64::from(crtc.total_characters()) * dots,
            lines: u64::from(crtc.total_lines()),
            shown_dots: u64::from(crtc.characters()) * dots,
            shown_lines: u64::from(crtc.lines()),
            retrace: crtc.vertical_retrace().map(|(start, length)| (start.into(), length.into())),
        }
    }

    /// 60 Hz for a picture of this size, with a quarter of each line and a twentieth of the lines blank: for modes that no
    /// CRTC register describes.
    pub fn at_60_hz(width: u32, height: u32) -> Timing {
        let (width, height) = (u64::from(width.max(8)), u64::from(height.max(1)));
        let (line, lines) = (width + width / 4, height + height / 20 + 4);
        Timing {
            clock: Freq::hz(line * lines * 60),
            line,
            lines,
            shown_dots: width,
            shown_lines: height,
            retrace: Some((height + 1, 2)),
        }
    }

    fn frame(&self) -> u64 {
        (self.line * self.lines).max(1)
    }

    /// The dot at which the last vertical retrace up to `dots` began.
    fn last_retrace(&self, dots: u64) -> Option<u64> {
        let (start, _) = self.retrace?;
        let into = dots.checked_sub(start * self.line)?;
        Some(dots - into % self.frame())
    }

    fn same_raster(&self, other: &Timing) -> bool {
        (self.clock, self.line, self.lines) == (other.clock, other.line, other.lines)
    }
}

/// Registers that are latched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Program {
    start: u16,
    preset_row_scan: u8,
    panning: u8,
    interrupt_held_clear: bool,
}

impl Program {
    pub fn of(crtc: &Crtc, attribute: &Attribute) -> Program {
        Program {
            start: crtc.start(),
            preset_row_scan: crtc.preset_row_scan(),
            panning: attribute.0.get(PANNING),
            interrupt_held_clear: crtc.interrupt_held_clear(),
        }
    }
}

/// What the present frame shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Start address.
    pub start: u16,
    /// Preset row scan and byte panning, as the register has them.
    pub preset_row_scan: u8,
    /// PEL panning.
    pub panning: u8,
}

/// The beam and what it latches.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    timing: Timing,
    origin: VTime,
    /// Frames before the origin.
    frames: u64,
    /// Dots since the origin that [`Self::advance`] has seen.
    settled: u64,
    start: u16,
    shown: Shown,
    interrupt: bool,
}

impl Scan {
    pub fn new(timing: Timing) -> Scan {
        Scan { timing, origin: VTime::ZERO, frames: 0, settled: 0, start: 0, shown: Shown::default(), interrupt: false }
    }

    pub fn reset(&mut self, timing: Timing, now: VTime) {
        *self = Scan { origin: now, ..Scan::new(timing) };
    }

    pub fn shown(&self) -> Shown {
        self.shown
    }

    /// The vertical interrupt's latch.
    pub fn interrupt(&self) -> bool {
        self.interrupt
    }

    fn dots(&self, now: VTime) -> u64 {
        self.timing.clock.cycles_at(now.since(self.origin))
    }

    /// Lets everything happen that the beam has come to by `now`.
    pub fn advance(&mut self, now: VTime, program: Program) {
        let dots = self.dots(now);
        if dots > self.settled {
            let from = std::mem::replace(&mut self.settled, dots);
            let frame = dots - dots % self.timing.frame();
            if frame > from {
                // Without any retrace, a frame loads its own start.
                if self.timing.retrace.is_none() || self.timing.last_retrace(frame).is_some_and(|r| r > from) {
                    self.start = program.start;
                }
                self.show(program);
            }
            if self.timing.last_retrace(dots).is_some_and(|r| r > from) {
                self.start = program.start;
                self.interrupt = true;
            }
        }
        self.interrupt &= !program.interrupt_held_clear;
    }

    fn show(&mut self, program: Program) {
        let Program { start: _, preset_row_scan, panning, interrupt_held_clear: _ } = program;
        self.shown = Shown { start: self.start, preset_row_scan, panning };
    }

    /// The registers describe this raster now. Another clock or other totals start a frame.
    pub fn set_timing(&mut self, timing: Timing, now: VTime, program: Program) {
        if !self.timing.same_raster(&timing) {
            self.frames = self.frames(now);
            self.origin = now;
            self.settled = 0;
            self.start = program.start;
            self.show(program);
        }
        self.timing = timing;
    }

    /// Frames since power-on, for what blinks.
    pub fn frames(&self, now: VTime) -> u64 {
        self.frames.wrapping_add(self.dots(now) / self.timing.frame())
    }

    /// Input status 1: the beam is outside the picture, and it is in vertical retrace.
    pub fn status(&self, now: VTime) -> (bool, bool) {
        let t = &self.timing;
        let at = self.dots(now) % t.frame();
        let (line, dot) = (at / t.line.max(1), at % t.line.max(1));
        let blank = line >= t.shown_lines || dot >= t.shown_dots;
        let retrace =
            t.retrace.is_some_and(|(start, length)| (line + t.lines.saturating_sub(start)) % t.lines.max(1) < length);
        (blank, retrace)
    }

    /// When the next vertical retrace starts.
    pub fn next_retrace(&self, now: VTime) -> Option<VTime> {
        let (start, _) = self.timing.retrace?;
        let (dots, first) = (self.dots(now), start * self.timing.line);
        let next = match dots.checked_sub(first) {
            None => first,
            Some(into) => dots - into % self.timing.frame() + self.timing.frame(),
        };
        Some(self.origin.after(self.timing.clock.instant_of(next)))
    }

    pub fn save(&self) -> ScanV1 {
        let Scan { timing: _, origin, frames, settled, start, shown, interrupt } = *self; // timing follows from registers
        let Shown { start: shown_start, preset_row_scan, panning } = shown;
        ScanV1 { origin, frames, settled, start, shown_start, preset_row_scan, panning, interrupt }
    }

    pub fn load(&mut self, s: ScanV1) -> Result<(), LoadError> {
        let ScanV1 { origin, frames, settled, start, shown_start, preset_row_scan, panning, interrupt } = s;
        for (field, value, mask) in
            [("scan.preset_row_scan", preset_row_scan, 0x7f), ("scan.panning", panning, 0x0f_u8)]
        {
            if value & !mask != 0 {
                return Err(LoadError::Invalid { field, value: value.into() });
            }
        }
        let shown = Shown { start: shown_start, preset_row_scan, panning };
        *self = Scan { timing: self.timing, origin, frames, settled, start, shown, interrupt };
        Ok(())
    }

    /// The registers that were loaded beside describe this raster.
    pub fn loaded(&mut self, timing: Timing) {
        self.timing = timing;
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct ScanV1 {
    origin: VTime,
    frames: u64,
    settled: u64,
    start: u16,
    shown_start: u16,
    preset_row_scan: u8,
    panning: u8,
    interrupt: bool,
}
