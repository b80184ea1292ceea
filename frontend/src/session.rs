//! Running a machine until something ends it.
//!
//! The host's clock is read here, for statistics and for `--clock host`, and nowhere deeper.

#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ferrite_core::device::Stop;
use ferrite_core::machine::{Limits, Outcome};
use ferrite_core::time::{PS_PER_S, VTime};
use serde::Serialize;

use crate::Failure;
use crate::cli::reason;
use crate::config::SaveAt;
use crate::host::chars::{Incoming, Lines};

/// What a session needs of a machine.
pub trait Guest {
    /// Runs up to the limits.
    fn run(&mut self, limits: Limits) -> Outcome;
    /// Retired instructions since power-on.
    fn retired(&self) -> u64;
    /// Virtual time since power-on.
    fn now(&self) -> VTime;
    /// A hash of the complete state.
    fn digest(&self) -> [u8; 32];
    /// A snapshot.
    fn save(&self) -> Vec<u8>;
    /// Bytes arrive on serial line `line`.
    fn serial_input(&mut self, line: usize, bytes: Vec<u8>);
    /// Figures for `--stats`: name and count.
    fn counters(&self) -> Vec<(&'static str, u64)>;
}

/// Whether virtual time waits for the host's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it goes.
    #[default]
    Free,
    /// Never ahead of the host's clock.
    Host,
}

/// When a session ends and what it leaves behind.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// `--limit-insns`.
    pub limit_insns: Option<u64>,
    /// `--limit-time`, in virtual time.
    pub limit_time: Option<VTime>,
    /// `--save-at`.
    pub saves: Vec<SaveAt>,
    /// `--clock host`.
    pub pace: Pace,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The guest switched the machine off.
    PowerOff,
    /// The guest wrote this value to the debug-exit port.
    DebugExit(u32),
    /// `--until-serial` was met.
    Found,
    /// Ctrl-A X.
    Quit,
    /// A limit was reached.
    Limit,
    /// The CPU is halted for good: no event, and interrupts are off.
    Dead,
    /// A triple fault under `--no-reboot`.
    TripleFault,
    /// A reset under `--no-reboot`.
    Reset,
}

impl End {
    /// The exit status of `ferrite run`.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::PowerOff | Self::Found | Self::Quit | Self::Reset => 0,
            Self::DebugExit(v) => (v << 1 | 1) as u8,
            Self::TripleFault => 6,
            // A limit would be reached without anything happening in between.
            Self::Limit | Self::Dead => 124,
        }
    }

    /// Its name in statistics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PowerOff => "power-off",
            Self::DebugExit(_) => "debug-exit",
            Self::Found => "until-serial",
            Self::Quit => "quit",
            Self::Limit => "limit",
            Self::Dead => "halted",
            Self::TripleFault => "triple-fault",
            Self::Reset => "reset",
        }
    }
}

/// What `--stats` writes.
#[derive(Debug, Clone, Serialize)]
pub struct Stats {
    /// Retired instructions, of this session alone.
    pub instructions: u64,
    /// Host seconds of the session.
    pub host_seconds: f64,
    /// Million instructions a host second.
    pub mips: f64,
    /// Virtual seconds since power-on.
    pub virtual_seconds: f64,
    /// How the run ended.
    pub end: &'static str,
    /// Exit status.
    pub status: u8,
    /// The engine's and the machine's own counts.
    #[serde(flatten)]
    pub counters: BTreeMap<&'static str, u64>,
    /// Returns from the machine to the session, by cause.
    pub exits: BTreeMap<&'static str, u64>,
}

/// Virtual time between two looks at the outside world: below what a person notices.
const SLICE: VTime = VTime(PS_PER_S / 100);

/// Instructions between two looks, where virtual time is slow: a few milliseconds of host time.
const SLICE_INSNS: u64 = 1 << 20;

/// Runs `guest` as `plan` says.
///
/// # Errors
/// [`Failure::Host`] when a snapshot cannot be written.
pub fn run(guest: &mut dyn Guest, lines: &Lines, plan: &Plan) -> Result<(End, Stats), Failure> {
    let started = Instant::now();
    let (first_insn, first_time) = (guest.retired(), guest.now());
    let mut saves = plan.saves.clone();
    saves.sort_by_key(|s| s.insns);
    let mut saves = saves.into_iter().filter(|s| s.insns >= first_insn).peekable();
    let mut exits = BTreeMap::new();

    let end = loop {
        while let Some(save) = saves.next_if(|s| s.insns <= guest.retired()) {
            write_snapshot(&save, &guest.save())?;
        }
        if plan.limit_insns.is_some_and(|n| guest.retired() >= n) || plan.limit_time.is_some_and(|t| guest.now() >= t) {
            break End::Limit;
        }
        if let Some(end) = take_input(guest, lines) {
            break end;
        }
        let limits = Limits {
            insns: [plan.limit_insns, saves.peek().map(|s| s.insns), Some(guest.retired().saturating_add(SLICE_INSNS))]
                .into_iter()
                .flatten()
                .fold(u64::MAX, u64::min),
            time: plan.limit_time.unwrap_or(VTime::MAX).min(guest.now().after(SLICE)),
        };
        let outcome = guest.run(limits);
        lines.flush();
        *exits.entry(outcome_name(outcome)).or_insert(0) += 1;
        if let Some(end) = ended(outcome) {
            break end;
        }
        if lines.found() {
            break End::Found;
        }
        if plan.pace == Pace::Host {
            wait(started, guest.now().since(first_time));
        }
    };
    lines.flush();

    let host_seconds = started.elapsed().as_secs_f64();
    let instructions = guest.retired() - first_insn;
    let stats = Stats {
        instructions,
        host_seconds,
        mips: instructions as f64 / host_seconds.max(1e-9) / 1e6,
        virtual_seconds: guest.now().0 as f64 / PS_PER_S as f64,
        end: end.name(),
        status: end.status(),
        counters: guest.counters().into_iter().collect(),
        exits,
    };
    Ok((end, stats))
}

/// Gives the guest what came in; an end if that was a wish to quit.
fn take_input(guest: &mut dyn Guest, lines: &Lines) -> Option<End> {
    for incoming in lines.incoming() {
        match incoming {
            Incoming::Bytes(_, bytes) if bytes.is_empty() => {}
            Incoming::Bytes(line, bytes) => guest.serial_input(line, bytes),
            Incoming::Quit => return Some(End::Quit),
        }
    }
    None
}

fn ended(outcome: Outcome) -> Option<End> {
    match outcome {
        Outcome::Insns | Outcome::Time => None,
        Outcome::Stopped(Stop::PowerOff) => Some(End::PowerOff),
        Outcome::Stopped(Stop::DebugExit(v)) => Some(End::DebugExit(v)),
        Outcome::Reset { triple_fault: true } => Some(End::TripleFault),
        Outcome::Reset { triple_fault: false } => Some(End::Reset),
        Outcome::Dead => Some(End::Dead),
    }
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Insns => "instructions",
        Outcome::Time => "time",
        _ => ended(outcome).map_or("time", End::name),
    }
}

/// Sleeps until the host's clock has come to `virtual_time`.
fn wait(started: Instant, virtual_time: VTime) {
    let target = Duration::from_nanos(virtual_time.0 / 1000);
    if let Some(ahead) = target.checked_sub(started.elapsed()) {
        std::thread::sleep(ahead);
    }
}

/// Writes a snapshot beside its place and moves it there, so that a failure leaves no half of one.
fn write_snapshot(save: &SaveAt, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = save.file.clone().into_os_string();
    name.push(".part");
    let part = std::path::PathBuf::from(name);
    std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, &save.file)).map_err(|e| {
        // What could not be completed is of no use to anyone.
        let _ = std::fs::remove_file(&part);
        Failure::Host(format!("--save-at {}: {}", save.file.display(), reason(&e)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Retires as asked; ends at `ends_at` with `outcome`.
    struct Fake {
        retired: u64,
        ends_at: u64,
        outcome: Outcome,
    }

    impl Guest for Fake {
        fn run(&mut self, limits: Limits) -> Outcome {
            let by_time = limits.time.0 / 5000;
            self.retired = limits.insns.min(by_time).min(self.ends_at);
            if self.retired == self.ends_at { self.outcome } else { Outcome::Insns }
        }
        fn retired(&self) -> u64 {
            self.retired
        }
        fn now(&self) -> VTime {
            VTime(self.retired * 5000)
        }
        fn digest(&self) -> [u8; 32] {
            [0; 32]
        }
        fn save(&self) -> Vec<u8> {
            self.retired.to_le_bytes().to_vec()
        }
        fn serial_input(&mut self, _: usize, _: Vec<u8>) {}
        fn counters(&self) -> Vec<(&'static str, u64)> {
            vec![("tlb_misses", 3)]
        }
    }

    fn guest(ends_at: u64, outcome: Outcome) -> Fake {
        Fake { retired: 0, ends_at, outcome }
    }

    #[test]
    fn a_limit_is_reached_exactly_and_gives_124() {
        let mut g = guest(u64::MAX, Outcome::Insns);
        let plan = Plan { limit_insns: Some(3_000_001), ..Plan::default() };
        let (end, stats) = run(&mut g, &Lines::default(), &plan).unwrap();
        assert_eq!((end, end.status(), g.retired, stats.instructions), (End::Limit, 124, 3_000_001, 3_000_001));
        let plan = Plan { limit_time: Some(VTime::s(1)), ..Plan::default() };
        let mut g = guest(u64::MAX, Outcome::Insns);
        assert_eq!(run(&mut g, &Lines::default(), &plan).unwrap().0, End::Limit);
        assert_eq!(g.now(), VTime::s(1));
    }

    #[test]
    fn each_end_has_its_status() {
        let status = |o| run(&mut guest(10, o), &Lines::default(), &Plan::default()).unwrap().0.status();
        assert_eq!(status(Outcome::Stopped(Stop::PowerOff)), 0);
        assert_eq!(status(Outcome::Stopped(Stop::DebugExit(0x10))), 0x21);
        assert_eq!(status(Outcome::Stopped(Stop::DebugExit(0xff))), 0xff);
        assert_eq!(status(Outcome::Reset { triple_fault: true }), 6);
        assert_eq!(status(Outcome::Reset { triple_fault: false }), 0);
        assert_eq!(status(Outcome::Dead), 124);
    }

    #[test]
    fn snapshots_are_taken_at_their_counts() {
        let dir = tempfile::tempdir().unwrap();
        let at = |insns| SaveAt { insns, file: dir.path().join(insns.to_string()) };
        let plan = Plan { saves: vec![at(2_000_003), at(0), at(1_500_000)], ..Plan::default() };
        run(&mut guest(5_000_000, Outcome::Dead), &Lines::default(), &plan).unwrap();
        for n in [0u64, 1_500_000, 2_000_003] {
            assert_eq!(std::fs::read(at(n).file).unwrap(), n.to_le_bytes());
        }
        let plan = Plan { saves: vec![SaveAt { insns: 0, file: "/no/such/folder/x".into() }], ..Plan::default() };
        let e = run(&mut guest(5, Outcome::Dead), &Lines::default(), &plan).unwrap_err();
        assert_eq!((e.status(), e.to_string().contains("--save-at /no/such/folder/x")), (4, true));
    }
}
