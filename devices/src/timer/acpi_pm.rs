//! The ACPI power management timer: a counter of 24 or 32 bits at three times the PC's timer clock.
//!
//! Document: Advanced Configuration and Power Interface Specification, "Power Management Timer". A part
//! of the chip that carries the PM1 registers, not a device of its own.

use ferrite_core::time::{Freq, VTime};

/// 3.579545 MHz: 315/88 MHz exactly.
pub const PM_CLK: Freq = Freq::new(315_000_000, 88);

/// How wide the counter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerWidth {
    /// TMR_VAL_EXT = 0.
    Bits24 = 24,
    /// TMR_VAL_EXT = 1.
    Bits32 = 32,
}

impl TimerWidth {
    /// TMR_VAL at `now`.
    pub fn value(self, now: VTime) -> u32 {
        (PM_CLK.cycles_at(now) & (u64::MAX >> (64 - self as u32))) as u32
    }

    /// How often the most significant bit has changed by `now`; each change sets TMR_STS.
    pub fn toggles(self, now: VTime) -> u64 {
        PM_CLK.cycles_at(now) >> (self as u32 - 1)
    }

    /// When the most significant bit has changed `n` times.
    pub fn toggle(self, n: u64) -> VTime {
        PM_CLK.instant_of(n.saturating_mul(1 << (self as u32 - 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_24_bit_timer_wraps_after_4_69_seconds() {
        let w = TimerWidth::Bits24;
        assert_eq!(w.value(VTime::s(4)), 14_318_181);
        assert_eq!(w.value(VTime::s(5)), 17_897_727 - (1 << 24));
        assert_eq!(TimerWidth::Bits32.value(VTime::s(5)), 17_897_727);
    }

    #[test]
    fn the_top_bit_changes_twice_in_each_round() {
        let w = TimerWidth::Bits24;
        let t = w.toggle(1);
        assert_eq!((w.toggles(t), w.value(t)), (1, 1 << 23));
        assert_eq!(w.toggles(VTime(t.0 - 1)), 0);
    }
}
