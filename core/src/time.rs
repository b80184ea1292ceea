//! Virtual time: picoseconds since power-on, exact frequencies, and the clock that turns retired
//! instructions into time.
//!
//! Nothing here reads a host clock. An instruction always costs the same number of picoseconds, unless whoever
//! runs the machine says otherwise, so the time of every event is a function of the instruction count alone.

use serde::{Deserialize, Serialize};

use crate::snapshot::{LoadError, Snapshot};

/// Picoseconds in a second.
pub const PS_PER_S: u64 = 1_000_000_000_000;

/// A point in virtual time, or a length of it: picoseconds. 64 bits hold 213 days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VTime(pub u64);

impl VTime {
    /// Power-on.
    pub const ZERO: VTime = VTime(0);
    /// Later than anything that happens.
    pub const MAX: VTime = VTime(u64::MAX);

    /// `n` nanoseconds.
    pub const fn ns(n: u64) -> VTime {
        VTime(n.saturating_mul(1_000))
    }

    /// `n` microseconds.
    pub const fn us(n: u64) -> VTime {
        VTime(n.saturating_mul(1_000_000))
    }

    /// `n` milliseconds.
    pub const fn ms(n: u64) -> VTime {
        VTime(n.saturating_mul(1_000_000_000))
    }

    /// `n` seconds.
    pub const fn s(n: u64) -> VTime {
        VTime(n.saturating_mul(PS_PER_S))
    }

    /// This point moved later by `length`; stays at [`VTime::MAX`] past the end.
    #[must_use]
    pub const fn after(self, length: VTime) -> VTime {
        VTime(self.0.saturating_add(length.0))
    }

    /// The length from `earlier` to this point, zero when `earlier` lies later.
    #[must_use]
    pub const fn since(self, earlier: VTime) -> VTime {
        VTime(self.0.saturating_sub(earlier.0))
    }
}

/// An exact frequency of `num / den` hertz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freq {
    num: u64,
    den: u64,
}

impl Freq {
    /// `num / den` hertz.
    ///
    /// # Panics
    /// When either is zero; every frequency is a constant of a chip or proven non-zero.
    pub const fn new(num: u64, den: u64) -> Freq {
        assert!(num != 0 && den != 0, "a frequency is positive and finite");
        Freq { num, den }
    }

    /// A whole number of hertz.
    ///
    /// # Panics
    /// When `hz` is zero.
    pub const fn hz(hz: u64) -> Freq {
        Freq::new(hz, 1)
    }

    /// Whole cycles elapsed at `t`, rounded down.
    /// Always from power-on, never from the last call: rounding cannot add up.
    pub const fn cycles_at(self, t: VTime) -> u64 {
        (t.0 as u128 * self.num as u128 / (self.den as u128 * PS_PER_S as u128)) as u64
    }

    /// The first instant at which `n` cycles have elapsed; [`VTime::MAX`] when time does not reach.
    pub const fn instant_of(self, n: u64) -> VTime {
        let Some(scaled) = (n as u128 * self.den as u128).checked_mul(PS_PER_S as u128) else {
            return VTime::MAX;
        };
        let ps = scaled.div_ceil(self.num as u128);
        if ps > u64::MAX as u128 { VTime::MAX } else { VTime(ps as u64) }
    }
}

/// The machine's clock: retired instructions to virtual time.
///
/// `now = retired * ps_per_insn + skipped`; a halted CPU moves `skipped` forward to the next event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Instructions retired since power-on. The engine sets it before any device can look.
    pub retired: u64,
    ps_per_insn: u64,
    /// Signed, so that changing the rate in mid-run can keep the present time.
    skipped: i128,
}

impl Clock {
    /// 200 million instructions a virtual second: the default rate.
    pub const DEFAULT_PS_PER_INSN: u64 = 5_000;

    /// A clock at power-on that charges `ps_per_insn` picoseconds an instruction (at least one).
    pub fn new(ps_per_insn: u64) -> Clock {
        Clock { retired: 0, ps_per_insn: ps_per_insn.max(1), skipped: 0 }
    }

    /// Picoseconds of one instruction.
    pub fn ps_per_insn(&self) -> u64 {
        self.ps_per_insn
    }

    /// Changes the rate from here on; the present time stays.
    pub fn set_ps_per_insn(&mut self, ps: u64) {
        let ps = ps.max(1);
        let run = |per: u64| i128::from(self.retired) * i128::from(per);
        self.skipped += run(self.ps_per_insn) - run(ps);
        self.ps_per_insn = ps;
    }

    /// The present.
    pub fn now(&self) -> VTime {
        self.at(self.retired)
    }

    /// The time at which `retired` instructions will have retired if nothing halts.
    pub fn at(&self, retired: u64) -> VTime {
        let ps = i128::from(retired) * i128::from(self.ps_per_insn) + self.skipped;
        VTime(ps.clamp(0, i128::from(u64::MAX)) as u64)
    }

    /// The smallest retired count at which `t` has come, never less than the present count.
    pub fn retired_by(&self, t: VTime) -> u64 {
        let ps = i128::from(t.0) - self.skipped;
        let per = i128::from(self.ps_per_insn);
        let count = ps.div_euclid(per) + i128::from(ps.rem_euclid(per) != 0);
        (count.clamp(0, i128::from(u64::MAX)) as u64).max(self.retired)
    }

    /// Moves the present to `t` without retiring anything: the CPU sleeps. Never backwards.
    pub fn skip_to(&mut self, t: VTime) {
        self.skipped += i128::from(t.since(self.now()).0);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new(Self::DEFAULT_PS_PER_INSN)
    }
}

/// Saved form of [`Clock`], version 1.
#[derive(Serialize, Deserialize)]
pub struct ClockV1 {
    retired: u64,
    ps_per_insn: u64,
    skipped: i128,
}

impl Snapshot for Clock {
    const KIND: &'static str = "clock";
    const VERSION: u32 = 1;
    type State = ClockV1;

    fn save(&self) -> ClockV1 {
        let Clock { retired, ps_per_insn, skipped } = *self;
        ClockV1 { retired, ps_per_insn, skipped }
    }

    fn load(&mut self, s: ClockV1) -> Result<(), LoadError> {
        let ClockV1 { retired, ps_per_insn, skipped } = s;
        if ps_per_insn == 0 {
            return Err(LoadError::Invalid { field: "ps_per_insn", value: 0 });
        }
        // No run counts this far, and counts behind a loaded one must not wrap.
        if retired > u64::MAX / 2 {
            return Err(LoadError::Invalid { field: "retired", value: retired });
        }
        // A clock that shows a time before power-on or past the end of time would stand still.
        let ran = i128::from(retired) * i128::from(ps_per_insn);
        if !ran.checked_add(skipped).is_some_and(|now| (0..i128::from(u64::MAX)).contains(&now)) {
            return Err(LoadError::Invalid { field: "skipped", value: skipped as u64 });
        }
        *self = Clock { retired, ps_per_insn, skipped };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIT_CLK: Freq = Freq::new(105_000_000, 88);

    #[test]
    fn a_cycle_has_elapsed_at_its_instant_and_not_a_picosecond_before() {
        for n in [1, 2, 3, 1193, 65_536, 1_193_182, 987_654_321] {
            let t = PIT_CLK.instant_of(n);
            assert_eq!(PIT_CLK.cycles_at(t), n);
            assert_eq!(PIT_CLK.cycles_at(VTime(t.0 - 1)), n - 1);
        }
    }

    #[test]
    fn the_pit_frequency_does_not_drift_in_a_day() {
        // 86,400 s at 105,000,000/88 Hz are 103,090,909,090 whole cycles.
        assert_eq!(PIT_CLK.cycles_at(VTime::s(86_400)), 103_090_909_090);
    }

    #[test]
    fn a_cycle_beyond_the_end_of_time_never_comes() {
        assert_eq!(Freq::hz(1).instant_of(u64::MAX), VTime::MAX);
    }

    #[test]
    fn retired_by_is_the_first_count_that_reaches_the_time() {
        let mut clock = Clock::default();
        assert_eq!(clock.retired_by(VTime(1)), 1);
        assert_eq!(clock.retired_by(VTime(5_000)), 1);
        assert_eq!(clock.retired_by(VTime(5_001)), 2);
        clock.retired = 10;
        assert_eq!(clock.retired_by(VTime(0)), 10, "the past is now");
    }

    #[test]
    fn a_halt_skips_time_without_retiring() {
        let mut clock = Clock { retired: 3, ..Clock::default() };
        clock.skip_to(VTime::ms(1));
        assert_eq!(clock.now(), VTime::ms(1));
        assert_eq!(clock.retired_by(VTime(VTime::ms(1).0 + 5_000)), 4);
        clock.skip_to(VTime::ZERO);
        assert_eq!(clock.now(), VTime::ms(1), "time never runs backwards");
    }

    #[test]
    fn a_snapshot_whose_clock_would_stand_still_or_wrap_is_refused() {
        let state = |retired, skipped| ClockV1 { retired, ps_per_insn: 5_000, skipped };
        let mut clock = Clock::default();
        assert!(clock.load(state(u64::MAX - 1, 0)).is_err());
        assert!(clock.load(state(10, -50_001)).is_err(), "before power-on");
        assert!(clock.load(state(10, i128::MAX)).is_err(), "past the end");
        assert_eq!(clock.load(state(10, -50_000)), Ok(()));
    }

    #[test]
    fn changing_the_rate_keeps_the_present() {
        let mut clock = Clock { retired: 1000, ..Clock::default() };
        let now = clock.now();
        clock.set_ps_per_insn(20_000);
        assert_eq!(clock.now(), now);
        clock.retired += 1;
        assert_eq!(clock.now().since(now), VTime(20_000));
    }
}
