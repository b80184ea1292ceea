//! Virtual time beside the host's: `--clock host`.
//!
//! A guest whose time would run ahead of the host's waits. And what an instruction costs follows what the host makes of it: at a fixed cost a
//! guest would never do more than that cost says, however fast the engine, and be late for good where the engine is slower.

// The host's clock is read here for a machine that is to keep to it; nothing of it reaches any other.
#![allow(clippy::disallowed_methods)]

use ferrite_core::time::VTime;
use std::time::{Duration, Instant};

/// A guest that is late by more than this does not hurry afterwards.
const LAG: Duration = Duration::from_millis(100);
/// Of how many instructions the speed is that the cost follows, and in what time of the host at most: what an idle guest costs is mostly
/// not its instructions'.
const SAMPLE: u64 = 20_000_000;
const PATIENCE: Duration = Duration::from_secs(1);
/// What an instruction may cost, in picoseconds: from 4000 million a second to one.
const COST: [u64; 2] = [250, 1_000_000];

/// Keeps virtual time from running ahead of the host's.
#[derive(Debug)]
pub(crate) struct Pacer {
    host: Instant,
    guest: VTime,
    speed: Speed,
}

impl Pacer {
    /// For a guest that is at `now`.
    pub fn new(now: VTime) -> Self {
        Self { host: Instant::now(), guest: now, speed: Speed::default() }
    }

    /// The guest goes on at `now`, after a pause perhaps.
    pub fn restart(&mut self, now: VTime) {
        (self.host, self.guest) = (Instant::now(), now);
    }

    /// Sleeps until the host's clock has come to `now`.
    pub fn wait(&mut self, now: VTime) {
        let target = Duration::from_nanos(now.since(self.guest).0 / 1000);
        match target.checked_sub(self.host.elapsed()) {
            Some(ahead) => std::thread::sleep(ahead),
            None if self.host.elapsed() - target > LAG => self.restart(now),
            None => {}
        }
    }

    /// The engine ran for `length` of the host's time and retired `insns` instructions, which cost `cost` picoseconds each. What they are to
    /// cost from here on, no less than `least`, if that is another matter now.
    pub fn ran(&mut self, length: Duration, insns: u64, cost: u64, least: u64) -> Option<u64> {
        let followed = self.speed.ran(length, insns, cost).unwrap_or(cost).max(least);
        (followed != cost).then_some(followed)
    }
}

/// What the host makes.
#[derive(Debug, Default)]
struct Speed {
    ran: Duration,
    insns: u64,
}

impl Speed {
    fn ran(&mut self, length: Duration, insns: u64, cost: u64) -> Option<u64> {
        self.ran += length;
        self.insns += insns;
        if self.insns < SAMPLE {
            if self.ran >= PATIENCE {
                *self = Self::default();
            }
            return None;
        }
        let Self { ran, insns } = std::mem::take(self);
        let took = u64::try_from(ran.as_nanos() * 1000 / u128::from(insns)).unwrap_or(u64::MAX);
        // A little room, so that a busy guest keeps up; and no jumps, which its measurements of time would have to follow.
        let wanted = took.saturating_add(took / 16).clamp(COST[0], COST[1]);
        let new = u64::midpoint(cost, wanted);
        (new.abs_diff(cost) > cost / 50).then_some(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cost that follows from a host that takes so many picoseconds an instruction, after so many samples.
    fn settled(takes: u64, cost: u64, samples: u32) -> u64 {
        let mut speed = Speed::default();
        let length = Duration::from_nanos(takes * SAMPLE / 10 / 1000);
        (0..10 * samples).fold(cost, |cost, _| speed.ran(length, SAMPLE / 10, cost).unwrap_or(cost))
    }

    #[test]
    fn the_cost_follows_what_the_host_takes() {
        assert_eq!(settled(2000, 5000, 0), 5000);
        for (takes, first) in [(2000, 5000), (20_000, 5000), (2000, 2000), (1000, 100_000)] {
            let cost = settled(takes, first, 12);
            assert!((takes..takes * 6 / 5).contains(&cost), "{takes} and at first {first}: {cost}");
        }
        assert!(settled(10, 5000, 20) >= COST[0]);
        assert!(settled(10_000_000, 5000, 20) <= COST[1]);
    }

    #[test]
    fn it_goes_half_way_at_a_time_and_then_stays() {
        assert_eq!(settled(1600, 5000, 1), 5000_u64.midpoint(1700));
        let cost = settled(1600, 5000, 12);
        assert_eq!(settled(1600, cost, 5), cost);
    }

    #[test]
    fn the_least_that_a_guest_bears_holds_at_once() {
        let mut pacer = Pacer::new(VTime::ZERO);
        let millisecond = Duration::from_millis(1);
        assert_eq!(pacer.ran(millisecond, 1000, 5000, 5000), None);
        assert_eq!(pacer.ran(millisecond, 1000, 2000, 5000), Some(5000));
        assert_eq!(pacer.ran(millisecond, SAMPLE, 5000, 5000), None, "it would be less");
        assert_eq!(pacer.ran(millisecond, SAMPLE, 5000, 1), Some(2625));
    }

    #[test]
    fn what_an_idle_guest_takes_says_nothing() {
        let mut speed = Speed::default();
        for _ in 0..10_000 {
            assert_eq!(speed.ran(Duration::from_millis(1), 1000, 5000), None);
        }
    }
}
