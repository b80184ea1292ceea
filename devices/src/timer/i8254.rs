//! 8254 programmable interval timer.
//!
//! Document: Intel 8254 data sheet (231164), "Mode Definitions", "Read Operations", "Operation Common
//! to All Modes".
//!
//! Nothing counts here. A counter keeps the tick at which its counting element was loaded and
//! with what; its value, its output and the next edge follow from the present tick. Only edges
//! of outputs that drive something cost an event.
//!
//! *Not modelled:* the wait between the write of a count and its loading at the falling CLK edge in
//! finer steps than one CLK; counts of 1 in modes 2 and 3, which the data sheet forbids, keep OUT high.

use ferrite_core::device::{Cx, Device, Event, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use ferrite_core::time::Freq;
use serde::{Deserialize, Serialize};

/// CLK: the 315/22 MHz crystal divided by 12.
pub const PIT_CLK: Freq = Freq::new(105_000_000, 88);

/// The control word register; offsets 0 to 2 are the counters.
pub const CONTROL: Offset = Offset(3);

/// OUT of counter `n`.
pub const fn out(n: u8) -> Pin {
    Pin(n)
}

/// GATE of counter `n`.
pub const fn gate(n: u8) -> Pin {
    Pin(n)
}

/// RW1:RW0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Access {
    Lsb = 1,
    Msb = 2,
    Word = 3,
}

/// The counting element, at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Element {
    /// Nothing was loaded since the control word; it stands at this value.
    Stopped(u16),
    /// It was loaded with `n` and would have been at the start of its pattern at tick `from`.
    Counting { from: i64, n: u32 },
    /// GATE holds it, `elapsed` ticks into its pattern.
    Held { elapsed: i64, n: u32 },
}

/// CR will be transferred to the counting element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Load {
    at: i64,
    n: u32,
    /// Ticks into the pattern at which it enters: the low half of mode 3, when not zero.
    enter: i64,
}

/// One of the three counters. Plain data, which is also its saved form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counter {
    mode: u8,
    bcd: bool,
    access: Access,
    /// Count register, as written.
    cr: u16,
    /// A count was written since the control word.
    written: bool,
    /// The LSB of a two-byte write, waiting for the MSB.
    lsb: Option<u8>,
    /// The next read of a two-byte count gives the MSB.
    read_msb: bool,
    latched: Option<u16>,
    status: Option<u8>,
    null: bool,
    gate: bool,
    element: Element,
    load: Option<Load>,
}

/// Ticks of the high half of mode 3.
const fn high_half(n: i64) -> i64 {
    (n + 1) / 2
}

impl Counter {
    fn new(gate: bool) -> Counter {
        Counter {
            mode: 0,
            bcd: false,
            access: Access::Word,
            cr: 0,
            written: false,
            lsb: None,
            read_msb: false,
            latched: None,
            status: None,
            null: true,
            gate,
            element: Element::Stopped(0),
            load: None,
        }
    }

    fn modulus(&self) -> i64 {
        if self.bcd { 10_000 } else { 0x1_0000 }
    }

    /// The count that CR stands for; 0 is the largest one.
    fn count(&self) -> u32 {
        let cr = u32::from(self.cr);
        match (cr, self.bcd) {
            (0, false) => 0x1_0000,
            (0, true) => 10_000,
            (_, false) => cr,
            (_, true) => [12, 8, 4, 0].iter().fold(0, |n, shift| n * 10 + (cr >> shift & 0xf)),
        }
    }

    /// The element `e` ticks after it was loaded with `n`: its value and OUT. "Mode Definitions".
    fn pattern(&self, e: i64, n: u32) -> (i64, bool) {
        let n = i64::from(n.max(1));
        match self.mode {
            0 | 1 => (n - e, e >= n),
            2 => {
                let left = n - e % n;
                (left, left != 1 || n == 1)
            }
            3 => {
                let (p, half) = (e % n, high_half(n));
                let high = p < half;
                ((n & !1) - 2 * if high { p } else { p - half }, high)
            }
            _ => (n - e, e != n),
        }
    }

    /// Ticks after loading at which OUT next changes.
    fn next_edge(&self, e: i64, n: u32) -> Option<i64> {
        let n = i64::from(n.max(1));
        match self.mode {
            0 | 1 => (e < n).then_some(n),
            2 | 3 if n == 1 => None,
            2 => Some(e + if e % n == n - 1 { 1 } else { n - 1 - e % n }),
            3 => {
                let (p, half) = (e % n, high_half(n));
                Some(e + if p < half { half - p } else { n - p })
            }
            _ => (e <= n).then_some(if e < n { n } else { n + 1 }),
        }
    }

    /// Brings the transfer of CR up to date.
    fn sync(&mut self, now: i64) {
        if let Some(Load { at, n, enter }) = self.load.filter(|l| now >= l.at) {
            self.load = None;
            self.null = false;
            self.element = if self.gate || matches!(self.mode, 1 | 5) {
                Element::Counting { from: at - enter, n }
            } else {
                Element::Held { elapsed: 0, n }
            };
        }
    }

    fn value(&self, now: i64) -> u16 {
        let (value, _) = match self.element {
            Element::Stopped(v) => return v,
            Element::Counting { from, n } => self.pattern(now - from, n),
            Element::Held { elapsed, n } => self.pattern(elapsed, n),
        };
        let value = value.rem_euclid(self.modulus()) as u16;
        if !self.bcd {
            return value;
        }
        [1000, 100, 10, 1].iter().fold(0, |bcd, place| bcd << 4 | (value / place % 10))
    }

    fn out(&self, now: i64) -> bool {
        match self.element {
            Element::Stopped(_) => self.mode != 0,
            Element::Counting { from, n } => self.pattern(now - from, n).1,
            Element::Held { .. } if matches!(self.mode, 2 | 3) => true,
            Element::Held { elapsed, n } => self.pattern(elapsed, n).1,
        }
    }

    /// The tick of the next change of anything that shows outside.
    fn next_change(&self, now: i64) -> Option<i64> {
        let edge = match self.element {
            Element::Counting { from, n } => self.next_edge(now - from, n).map(|e| from + e),
            _ => None,
        };
        [edge, self.load.map(|l| l.at)].into_iter().flatten().min()
    }

    fn control(&mut self, now: i64, val: u8) {
        self.sync(now);
        *self = Counter {
            mode: match val >> 1 & 7 {
                m @ (6 | 7) => m - 4, // "X10" and "X11"
                m => m,
            },
            bcd: val & 1 != 0,
            access: match val >> 4 & 3 {
                1 => Access::Lsb,
                2 => Access::Msb,
                _ => Access::Word,
            },
            element: Element::Stopped(self.value(now)),
            ..Counter::new(self.gate)
        };
    }

    fn write(&mut self, now: i64, val: u8) {
        self.sync(now);
        let cr = match (self.access, self.lsb) {
            (Access::Lsb, _) => u16::from(val),
            (Access::Msb, _) => u16::from(val) << 8,
            (Access::Word, Some(lsb)) => u16::from_le_bytes([lsb, val]),
            (Access::Word, None) => {
                self.lsb = Some(val);
                if self.mode == 0 {
                    // "Writing the first byte disables counting. OUT is set low immediately."
                    self.element = Element::Stopped(self.value(now));
                    self.load = None;
                }
                return;
            }
        };
        self.lsb = None;
        self.cr = cr;
        self.null = true;
        let first = !std::mem::replace(&mut self.written, true);
        let n = self.count();
        let next = Load { at: now + 1, n, enter: 0 };
        self.load = match (self.mode, self.element) {
            (0, _) => {
                self.element = Element::Stopped(self.value(now));
                Some(next)
            }
            (4, _) => Some(next),
            (1 | 5, _) => self.load, // waits for the trigger
            (2, Element::Counting { from, n: old }) if !first => {
                let old = i64::from(old.max(1));
                Some(Load { at: from + ((now - from) / old + 1) * old, ..next })
            }
            (3, Element::Counting { from, n: old }) if !first => {
                // The new count enters at the end of the present half cycle.
                let at = self.next_edge(now - from, old).map_or(now + 1, |e| from + e);
                let high = self.pattern(now - from, old).1;
                let enter = if high && old > 1 { high_half(n.into()) } else { 0 };
                Some(Load { at, n, enter })
            }
            _ => Some(next),
        };
    }

    fn latch_count(&mut self, now: i64) {
        self.sync(now);
        if self.latched.is_none() {
            self.latched = Some(self.value(now));
        }
    }

    fn latch_status(&mut self, now: i64) {
        self.sync(now);
        if self.status.is_none() {
            let flags = u8::from(self.out(now)) << 7 | u8::from(self.null) << 6;
            self.status = Some(flags | (self.access as u8) << 4 | self.mode << 1 | u8::from(self.bcd));
        }
    }

    fn read(&mut self, now: i64) -> u8 {
        self.sync(now);
        if let Some(status) = self.status.take() {
            return status;
        }
        let [lsb, msb] = self.latched.unwrap_or_else(|| self.value(now)).to_le_bytes();
        let (byte, last) = match self.access {
            Access::Lsb => (lsb, true),
            Access::Msb => (msb, true),
            Access::Word if self.read_msb => (msb, true),
            Access::Word => (lsb, false),
        };
        self.read_msb = !last;
        if last {
            self.latched = None;
        }
        byte
    }

    /// "Gate Pin Operations Summary".
    fn set_gate(&mut self, now: i64, level: bool) {
        self.sync(now);
        if std::mem::replace(&mut self.gate, level) == level {
            return;
        }
        let trigger = Load { at: now + 1, n: self.count(), enter: 0 };
        match (self.mode, level, self.element) {
            (0 | 4, false, Element::Counting { from, n }) => {
                self.element = Element::Held { elapsed: now - from, n };
            }
            (0 | 4, true, Element::Held { elapsed, n }) => {
                self.element = Element::Counting { from: now - elapsed, n };
            }
            (1 | 5, true, _) if self.written => self.load = Some(trigger),
            (2 | 3, false, Element::Counting { n, .. }) => {
                self.element = Element::Held { elapsed: 0, n };
                self.load = None;
            }
            (2 | 3, true, _) if self.written => self.load = Some(trigger),
            _ => {}
        }
    }
}

/// An 8254. GATE 0 and 1 are strapped high, as on every PC; GATE 2 is an input pin.
pub struct Pit {
    counters: [Counter; 3],
}

impl Default for Pit {
    fn default() -> Self {
        Pit::new()
    }
}

impl Pit {
    /// A timer that nobody has programmed: the data sheet leaves its state open, and it counts nothing here.
    pub fn new() -> Pit {
        Pit { counters: [true, true, false].map(Counter::new) }
    }

    fn tick(cx: &Cx<'_>) -> i64 {
        // 2^64 ps are 2^45 ticks.
        PIT_CLK.cycles_at(cx.now()) as i64
    }

    fn update(&mut self, cx: &mut Cx<'_>) {
        let now = Self::tick(cx);
        for (n, c) in (0u8..).zip(&mut self.counters) {
            if !cx.connected(out(n)) {
                continue;
            }
            c.sync(now);
            cx.set(out(n), c.out(now));
            match c.next_change(now) {
                Some(tick) => cx.at(PIT_CLK.instant_of(tick as u64), Event(n)),
                None => cx.cancel(Event(n)),
            }
        }
    }

    fn read_back(&mut self, now: i64, val: u8) {
        for (n, c) in self.counters.iter_mut().enumerate() {
            if val >> (n + 1) & 1 == 0 {
                continue;
            }
            if val & 0x20 == 0 {
                c.latch_count(now);
            }
            if val & 0x10 == 0 {
                c.latch_status(now);
            }
        }
    }
}

impl Device for Pit {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width) -> u64 {
        let now = Self::tick(cx);
        match self.counters.get_mut(at.0 as usize) {
            Some(c) => c.read(now).into(),
            None => u64::MAX, // the control word cannot be read
        }
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, val: u64) {
        let (now, val) = (Self::tick(cx), val as u8);
        if let Some(c) = self.counters.get_mut(at.0 as usize) {
            c.write(now, val);
        } else if at == CONTROL {
            match (self.counters.get_mut(usize::from(val >> 6)), val >> 4 & 3) {
                (None, _) => self.read_back(now, val),
                (Some(c), 0) => c.latch_count(now),
                (Some(c), _) => c.control(now, val),
            }
        }
        self.update(cx);
    }

    fn input(&mut self, cx: &mut Cx<'_>, pin: Pin, level: bool) {
        let now = Self::tick(cx);
        if let Some(c) = self.counters.get_mut(usize::from(pin.0)) {
            c.set_gate(now, level);
            self.update(cx);
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, _: Event) {
        self.update(cx);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        // No reset pin; a machine that starts again finds it as at power-on, gates as they are.
        self.counters = std::array::from_fn(|n| Counter::new(self.counters[n].gate));
        self.update(cx);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct PitV1 {
    counters: [Counter; 3],
}

impl Snapshot for Pit {
    const KIND: &'static str = "i8254";
    const VERSION: u32 = 1;
    type State = PitV1;

    fn save(&self) -> PitV1 {
        let Pit { counters } = self;
        PitV1 { counters: counters.clone() }
    }

    fn load(&mut self, s: PitV1) -> Result<(), LoadError> {
        let PitV1 { counters } = s;
        for c in &counters {
            if c.mode > 5 {
                return Err(LoadError::Invalid { field: "mode", value: c.mode.into() });
            }
            // Ticks and counts beyond these come from no run, and would overflow arithmetic.
            let (tick, n) = match c.element {
                Element::Stopped(_) => (0, 0),
                Element::Counting { from, n } => (from, n),
                Element::Held { elapsed, n } => (elapsed, n),
            };
            let load = c.load.unwrap_or(Load { at: 0, n: 0, enter: 0 });
            for t in [tick, load.at, load.enter] {
                if t.unsigned_abs() > 1 << 46 {
                    return Err(LoadError::Invalid { field: "tick", value: t as u64 });
                }
            }
            for n in [n, load.n] {
                if n > 0x1_0000 {
                    return Err(LoadError::Invalid { field: "n", value: n.into() });
                }
            }
        }
        self.counters = counters;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    const C0: Offset = Offset(0);
    const C2: Offset = Offset(2);

    fn rig() -> Rig<Pit> {
        Rig::new(Pit::new())
    }

    /// Programs counter `n` (LSB then MSB) in `mode`.
    fn program(pit: &mut Rig<Pit>, n: u8, mode: u8, count: u16) {
        pit.write(CONTROL, n << 6 | 0x30 | mode << 1);
        for byte in count.to_le_bytes() {
            pit.write(Offset(n.into()), byte);
        }
    }

    fn ticks(pit: &mut Rig<Pit>, n: u64) {
        let now = PIT_CLK.cycles_at(pit.now());
        pit.pass_until(PIT_CLK.instant_of(now + n));
    }

    fn count(pit: &mut Rig<Pit>, at: Offset) -> u16 {
        u16::from_le_bytes([pit.read(at), pit.read(at)])
    }

    #[test]
    fn mode_0_raises_out_n_plus_1_ticks_after_the_write_and_counts_on() {
        let mut pit = rig();
        program(&mut pit, 0, 0, 100);
        ticks(&mut pit, 100);
        assert!(!pit.level(out(0)));
        ticks(&mut pit, 1);
        assert!(pit.level(out(0)));
        ticks(&mut pit, 1);
        assert_eq!(count(&mut pit, C0), 0xffff);
    }

    #[test]
    fn mode_0_stops_while_gate_is_low() {
        let mut pit = rig();
        pit.drive(gate(2), true);
        program(&mut pit, 2, 0, 100);
        ticks(&mut pit, 51);
        pit.drive(gate(2), false);
        ticks(&mut pit, 1000);
        assert_eq!(count(&mut pit, C2), 50);
        pit.drive(gate(2), true);
        ticks(&mut pit, 49);
        assert!(!pit.level(out(2)));
        ticks(&mut pit, 1);
        assert!(pit.level(out(2)));
    }

    #[test]
    fn mode_1_gives_one_low_pulse_for_each_gate_edge() {
        let mut pit = rig();
        program(&mut pit, 2, 1, 10);
        ticks(&mut pit, 50);
        assert!(pit.level(out(2)), "nothing without a trigger");
        pit.drive(gate(2), true);
        ticks(&mut pit, 1);
        assert!(!pit.level(out(2)));
        ticks(&mut pit, 9);
        assert!(!pit.level(out(2)));
        ticks(&mut pit, 1);
        assert!(pit.level(out(2)));
    }

    #[test]
    fn mode_2_is_low_for_one_tick_in_each_period() {
        let mut pit = rig();
        program(&mut pit, 0, 2, 10);
        ticks(&mut pit, 1);
        pit.edges.clear();
        ticks(&mut pit, 1000);
        assert_eq!(pit.take_rises(out(0)), 100);
        ticks(&mut pit, 9);
        assert!(!pit.level(out(0)));
        assert_eq!(count(&mut pit, C0), 1);
    }

    #[test]
    fn mode_3_splits_an_odd_count_unevenly() {
        let mut pit = rig();
        program(&mut pit, 0, 3, 5);
        ticks(&mut pit, 1);
        let mut seen = Vec::new();
        for _ in 0..10 {
            seen.push((pit.level(out(0)), count(&mut pit, C0)));
            ticks(&mut pit, 1);
        }
        let period = [(true, 4), (true, 2), (true, 0), (false, 4), (false, 2)];
        assert_eq!(seen, [period, period].concat());
    }

    #[test]
    fn a_new_count_in_mode_3_waits_for_the_end_of_the_half_cycle() {
        let mut pit = rig();
        program(&mut pit, 0, 3, 100);
        ticks(&mut pit, 11);
        for byte in [20, 0] {
            pit.write(C0, byte);
        }
        ticks(&mut pit, 39);
        assert!(pit.level(out(0)), "the old half cycle ends first");
        ticks(&mut pit, 1);
        assert!(!pit.level(out(0)));
        ticks(&mut pit, 10);
        assert!(pit.level(out(0)), "the low half has the new length");
    }

    #[test]
    fn mode_4_strobes_once_and_mode_5_for_each_trigger() {
        for mode in [4, 5] {
            let mut pit = rig();
            pit.drive(gate(2), mode == 4);
            program(&mut pit, 2, mode, 10);
            pit.drive(gate(2), true);
            pit.edges.clear();
            ticks(&mut pit, 11);
            assert!(!pit.level(out(2)), "mode {mode}");
            ticks(&mut pit, 1);
            assert!(pit.level(out(2)), "mode {mode}");
            ticks(&mut pit, 200_000);
            assert_eq!(pit.take_rises(out(2)), 1, "mode {mode}");
        }
    }

    #[test]
    fn bcd_counts_in_decimal() {
        let mut pit = rig();
        pit.write(CONTROL, 0x31); // mode 0, BCD
        for byte in [0x00, 0x10] {
            pit.write(C0, byte);
        }
        ticks(&mut pit, 2);
        assert_eq!(count(&mut pit, C0), 0x0999);
    }

    #[test]
    fn a_latched_count_stands_still_until_it_is_read() {
        let mut pit = rig();
        program(&mut pit, 0, 2, 1000);
        ticks(&mut pit, 101);
        pit.write(CONTROL, 0x00);
        ticks(&mut pit, 50);
        pit.write(CONTROL, 0x00);
        assert_eq!(count(&mut pit, C0), 900, "the second latch command is ignored");
        assert_eq!(count(&mut pit, C0), 850);
    }

    #[test]
    fn read_back_gives_status_then_count() {
        let mut pit = rig();
        program(&mut pit, 0, 2, 1000);
        pit.write(CONTROL, 0xc2);
        assert_eq!(pit.read(C0), 0xf4, "OUT high, null count, two bytes, mode 2");
        pit.with(|_, _| ());
        assert_eq!(count(&mut pit, C0), 0);
        ticks(&mut pit, 1);
        pit.write(CONTROL, 0xe2);
        assert_eq!(pit.read(C0), 0xb4, "the count was loaded");
    }

    #[test]
    fn the_timer_does_not_drift() {
        let mut pit = rig();
        program(&mut pit, 0, 2, 11_932);
        pit.pass(ferrite_core::time::VTime::s(100));
        // 100 s are 119,318,181 ticks; the first edge rises 11,933 ticks after the write.
        assert_eq!(pit.take_rises(out(0)), 1 + (119_318_181 - 1) / 11_932);
    }

    #[test]
    fn a_counter_that_is_not_counting_costs_no_event() {
        let mut pit = rig();
        program(&mut pit, 0, 0, 10);
        ticks(&mut pit, 100);
        assert_eq!(pit.next_event(), None);
    }
}
