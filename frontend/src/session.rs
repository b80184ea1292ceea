//! Running a machine until something ends it.
//!
//! The session lets the machine run from one *look* at the outside world to the next. Looks lie on a grid of virtual time and of
//! retired instructions, so they are at the same points in every run with the same inputs, whatever else stops the machine in
//! between; screen and serial texts are compared only there, and a script acts there or at the exact times it asks for.
//!
//! The host's clock is read here, for statistics and for `--clock host`, and nowhere deeper.

#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use ferrite_core::device::{Key, Stop};
use ferrite_core::engine::Hot;
use ferrite_core::machine::{Limits, Outcome};
use ferrite_core::time::{PS_PER_S, VTime};
use ferrite_devices::host::Disk;
use ferrite_devices::video::frame::{Frame, TextScreen};
use serde::Serialize;

use crate::Failure;
use crate::cli::reason;
use crate::config::SaveAt;
use crate::display::{Command, Mouse, Publisher, Shared, State, Status};
use crate::host::chars::{Incoming, Lines};
use crate::media::{self, Slot};
use crate::pacer::Pacer;
use crate::screen::{self, Seen};
use crate::script::{Action, Next, Runner, World};

/// What a session needs of a machine.
pub trait Guest {
    /// Runs up to the limits.
    fn run(&mut self, limits: Limits) -> Outcome;
    /// Retired instructions since power-on.
    fn retired(&self) -> u64;
    /// Virtual time since power-on.
    fn now(&self) -> VTime;
    /// What an instruction costs, in picoseconds of virtual time.
    fn ps_per_insn(&self) -> u64;
    /// The least that it may cost for what runs now, where the guest's speed follows the host's.
    fn least_ps_per_insn(&self) -> u64 {
        1
    }
    /// Changes what an instruction costs from here on.
    fn set_ps_per_insn(&mut self, ps: u64);
    /// A hash of the complete state.
    fn digest(&self) -> [u8; 32];
    /// A snapshot.
    fn save(&self) -> Vec<u8>;
    /// Bytes arrive on serial line `line`.
    fn serial_input(&mut self, line: usize, bytes: Vec<u8>);
    /// Figures for `--stats`: name and count.
    fn counters(&self) -> Vec<(&'static str, u64)>;
    /// Where the engine spent its time, the most first.
    fn hottest(&self) -> Vec<Hot> {
        Vec::new()
    }
    /// Whether there is anything to draw again since the last call.
    fn screen_changed(&mut self) -> bool;
    /// The picture.
    fn frame(&mut self) -> Frame;
    /// The characters on the screen, in text modes.
    fn text(&self) -> Option<TextScreen>;
    /// Characters that firmware's routines have drawn in a graphics mode.
    fn drawn_text(&mut self) -> Option<TextScreen> {
        None
    }
    /// A key goes down or up.
    fn key(&mut self, key: Key, pressed: bool);
    /// Whether the keyboard has codes that the guest has not read.
    fn keys_pending(&self) -> bool;
    /// The keyboard's LEDs: bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock.
    fn leds(&self) -> u8;
    /// The mouse moves, or its buttons change.
    fn mouse(&mut self, mouse: Mouse);
    /// Puts a medium into a drive, or takes it out.
    ///
    /// # Errors
    /// One line, when the machine has no such drive or its medium cannot be removed.
    fn insert(&mut self, slot: Slot, medium: Option<Box<dyn Disk>>) -> Result<(), String>;
    /// Compares all of what is two machines that should be one.
    fn verify(&mut self) {}
    /// In what they differ, if they do: the guest runs no further then.
    fn divergence(&self) -> Option<&str> {
        None
    }
}

/// Whether virtual time waits for the host's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it goes.
    #[default]
    Free,
    /// Beside the host's clock: never ahead of it, and as close as the host's speed allows.
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
    /// `--until-screen`.
    pub until_screen: Option<String>,
    /// `--disposable`, for media that are inserted later.
    pub disposable: bool,
}

/// Who takes part in a session from outside. None of them may slow the guest's time, nor change it but by an input.
#[derive(Debug, Default)]
pub struct Outside {
    /// What a display's user does.
    pub commands: Option<Receiver<Command>>,
    /// What a display draws.
    pub shared: Option<Arc<Shared>>,
    /// A script.
    pub script: Option<Runner>,
}

/// How a session went.
#[derive(Debug, Clone)]
pub struct Report {
    /// How it ended.
    pub end: End,
    /// For `--stats`.
    pub stats: Stats,
    /// What a person should know about the end, as one line.
    pub message: Option<String>,
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
    /// `--until-screen` was met.
    Shown,
    /// Ctrl-A X, or the window was closed.
    Quit,
    /// A script's `exit`, with its status.
    Script(u8),
    /// What a script waited for did not come.
    ScriptFailed,
    /// A limit was reached.
    Limit,
    /// The CPU is halted for good: no event, and interrupts are off.
    Dead,
    /// Two engines differ, under `--lockstep`.
    Diverged,
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
            Self::PowerOff | Self::Found | Self::Shown | Self::Quit | Self::Reset => 0,
            Self::Script(status) => status,
            Self::DebugExit(v) => (v << 1 | 1) as u8,
            Self::TripleFault => 6,
            Self::Diverged => 8,
            // A limit would be reached without anything happening in between.
            Self::Limit | Self::Dead | Self::ScriptFailed => 124,
        }
    }

    /// Its name in statistics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PowerOff => "power-off",
            Self::DebugExit(_) => "debug-exit",
            Self::Found => "until-serial",
            Self::Shown => "until-screen",
            Self::Script(_) => "script",
            Self::ScriptFailed => "script-failed",
            Self::Quit => "quit",
            Self::Limit => "limit",
            Self::Dead => "halted",
            Self::Diverged => "diverged",
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
    /// Where the engine spent its time, if it knows: the most instructions first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hottest: Vec<Hottest>,
}

/// A line of the list of hot guest code in [`Stats`].
#[derive(Debug, Clone, Serialize)]
pub struct Hottest {
    /// Its linear address, in hexadecimal.
    pub address: String,
    /// How often the engine's loop went there.
    pub entered: u64,
    /// Instructions that retired until control came back, there and in what it went on to.
    pub instructions: u64,
}

/// Lines in the list of hot guest code.
const HOTTEST: usize = 20;

impl From<Hot> for Hottest {
    fn from(Hot { address, entered, retired }: Hot) -> Self {
        Self { address: format!("{address:x}"), entered, instructions: retired }
    }
}

/// Virtual time between two looks at the outside world: below what a person notices.
const SLICE: VTime = VTime(PS_PER_S / 100);

/// Instructions between two looks, where virtual time is slow: a few milliseconds of host time.
const SLICE_INSNS: u64 = 1 << 20;

/// Virtual time between two readings of a screen in a graphics mode, which is work for the host.
const READ: VTime = VTime(PS_PER_S / 10);

/// How often a machine that stands still looks whether it may go on.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs `guest` as `plan` says.
///
/// # Errors
/// [`Failure::Host`] when a file that the plan or a script names cannot be written or read.
pub fn run(guest: &mut dyn Guest, lines: &Lines, plan: &Plan, outside: Outside) -> Result<Report, Failure> {
    let started = Instant::now();
    let first_insn = guest.retired();
    let mut session = Session::new(guest, lines, plan, outside);
    let mut ended = session.run();
    // At its end a run is compared whole.
    session.guest.verify();
    if let (Ok(end), Some(report)) = (&mut ended, session.guest.divergence()) {
        (*end, session.message) = (End::Diverged, Some(report.to_owned()));
    }
    lines.flush();
    session.publish(true);
    let Session { guest, exits, message, .. } = session;
    let end = ended?;

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
        hottest: guest.hottest().into_iter().take(HOTTEST).map(Hottest::from).collect(),
    };
    Ok(Report { end, stats, message })
}

/// A run in progress.
struct Session<'a> {
    guest: &'a mut dyn Guest,
    lines: &'a Lines,
    plan: &'a Plan,
    commands: Option<Receiver<Command>>,
    script: Option<Runner>,
    publisher: Option<Publisher>,
    /// Not yet taken, by count.
    saves: std::vec::IntoIter<SaveAt>,
    exits: BTreeMap<&'static str, u64>,
    /// Virtual time and count of the next look, whichever comes first.
    look_at: (VTime, u64),
    /// When the script wants to be asked again.
    script_at: Option<VTime>,
    seen: Seen,
    /// The screen differs from what `seen` holds.
    stale: bool,
    /// The screen of a graphics mode has not been read since it changed, and may be from then on.
    unread: bool,
    read_at: VTime,
    paused: bool,
    /// For the display's status line, and about the end.
    message: Option<String>,
}

impl<'a> Session<'a> {
    fn new(guest: &'a mut dyn Guest, lines: &'a Lines, plan: &'a Plan, outside: Outside) -> Self {
        let Outside { commands, shared, script } = outside;
        let (retired, now) = (guest.retired(), guest.now());
        let mut saves = plan.saves.clone();
        saves.retain(|s| s.insns >= retired);
        saves.sort_by_key(|s| s.insns);
        Self {
            lines,
            plan,
            commands,
            script,
            publisher: shared.map(|s| Publisher::new(s, retired)),
            saves: saves.into_iter(),
            exits: BTreeMap::new(),
            look_at: (now, retired),
            script_at: None,
            seen: Seen::new(now),
            stale: true,
            unread: false,
            read_at: now,
            paused: false,
            message: None,
            guest,
        }
    }

    fn run(&mut self) -> Result<End, Failure> {
        let mut pacer = Pacer::new(self.guest.now());
        loop {
            let (retired, now) = (self.guest.retired(), self.guest.now());
            while self.saves.as_slice().first().is_some_and(|s| s.insns <= retired) {
                let bytes = self.verified().save();
                if let Some(save) = self.saves.next() {
                    write_snapshot("--save-at", &save.file, &bytes)?;
                }
            }
            if now >= self.look_at.0 || retired >= self.look_at.1 {
                // The next point of the grid: a function of where the machine is, not of how it got here.
                let slices = (now.0 / SLICE.0).saturating_add(1);
                let insns = (retired / SLICE_INSNS).saturating_add(1);
                self.look_at = (VTime(slices.saturating_mul(SLICE.0)), insns.saturating_mul(SLICE_INSNS));
                if let Some(end) = self.look()? {
                    return Ok(end);
                }
            } else if self.script_at.is_some_and(|t| now >= t)
                && let Some(end) = self.ask_script()?
            {
                return Ok(end);
            }
            let plan = self.plan;
            if plan.limit_insns.is_some_and(|n| retired >= n) || plan.limit_time.is_some_and(|t| now >= t) {
                return Ok(End::Limit);
            }
            if self.paused {
                if let Some(end) = self.stand_still()? {
                    return Ok(end);
                }
                pacer.restart(now);
                continue;
            }
            let saves = self.saves.as_slice();
            let limits = Limits {
                insns: [plan.limit_insns, saves.first().map(|s| s.insns), Some(self.look_at.1)]
                    .into_iter()
                    .flatten()
                    .fold(u64::MAX, u64::min),
                time: [plan.limit_time, self.script_at, Some(self.look_at.0)]
                    .into_iter()
                    .flatten()
                    .fold(VTime::MAX, VTime::min),
            };
            let begun = Instant::now();
            let outcome = self.guest.run(limits);
            self.lines.flush();
            *self.exits.entry(outcome_name(outcome)).or_insert(0) += 1;
            if self.guest.divergence().is_some() {
                return Ok(End::Diverged);
            }
            if self.lines.found() {
                return Ok(End::Found);
            }
            if let Some(end) = ended(outcome) {
                return self.last_look(end);
            }
            if plan.pace == Pace::Host {
                let insns = self.guest.retired().saturating_sub(retired);
                let (cost, least) = (self.guest.ps_per_insn(), self.guest.least_ps_per_insn());
                if let Some(cost) = pacer.ran(begun.elapsed(), insns, cost, least) {
                    self.guest.set_ps_per_insn(cost);
                }
                pacer.wait(self.guest.now());
            }
        }
    }

    /// The guest is at its end. Where it only stands still, what it showed last may be what the run waits for, and a person may want to
    /// read it: "It is now safe to turn off your computer".
    fn last_look(&mut self, end: End) -> Result<End, Failure> {
        if end != End::Dead {
            return Ok(end);
        }
        self.read_at = self.guest.now();
        if let Some(found) = self.look()? {
            return Ok(found);
        }
        let plan = self.plan;
        let limited = plan.limit_insns.is_some() || plan.limit_time.is_some() || plan.until_screen.is_some();
        if self.commands.is_none() || self.script.is_some() || limited {
            return Ok(end);
        }
        self.message = Some("the CPU is halted for good".to_owned());
        self.publish(true);
        loop {
            if let Some(end) = self.stand_still()? {
                return Ok(end);
            }
        }
    }

    /// Takes what has come in, and looks at the screen.
    fn look(&mut self) -> Result<Option<End>, Failure> {
        for incoming in self.lines.incoming() {
            match incoming {
                Incoming::Bytes(_, bytes) if bytes.is_empty() => {}
                Incoming::Bytes(line, bytes) => self.guest.serial_input(line, bytes),
                Incoming::Quit => return Ok(Some(End::Quit)),
            }
        }
        while let Some(command) = self.commands.as_ref().and_then(|c| c.try_recv().ok()) {
            if let Some(end) = self.obey(command) {
                return Ok(Some(end));
            }
        }
        let watched = self.plan.until_screen.is_some() || self.script.is_some();
        let due = self.publisher.as_ref().is_some_and(Publisher::due);
        if (watched || due) && self.guest.screen_changed() {
            self.stale = true;
            if let Some(p) = &mut self.publisher {
                p.mark();
            }
        }
        if watched && std::mem::take(&mut self.stale) {
            let text = self.guest.text();
            self.seen.look(text.as_ref(), self.guest.now());
            self.unread = text.is_none();
        }
        if watched {
            if self.unread && self.guest.now() >= self.read_at {
                self.unread = false;
                self.read_at = self.guest.now().after(READ);
                self.seen.look_drawn(self.guest.drawn_text().as_ref());
            }
            if self.plan.until_screen.as_ref().is_some_and(|text| self.seen.shows(text)) {
                return Ok(Some(End::Shown));
            }
        }
        let end = self.ask_script()?;
        self.publish(false);
        Ok(end)
    }

    /// Does what the script wants done now.
    fn ask_script(&mut self) -> Result<Option<End>, Failure> {
        let Some(mut script) = self.script.take() else { return Ok(None) };
        for (line, bytes) in self.lines.heard() {
            script.hear(line, &bytes);
        }
        loop {
            let world = World { now: self.guest.now(), screen: &self.seen, keys_pending: self.guest.keys_pending() };
            match script.next(&world) {
                Next::Wait(until) => {
                    self.script_at = until;
                    self.script = Some(script);
                    return Ok(None);
                }
                Next::Over => {
                    self.script_at = None;
                    return Ok(None);
                }
                Next::Do(Action::Serial(bytes)) => self.guest.serial_input(0, bytes),
                Next::Do(Action::Log(text)) => eprintln!("{text}"),
                Next::Do(Action::Exit(status)) => return Ok(Some(End::Script(status))),
                Next::Do(Action::Fail(why)) => {
                    self.message = Some(why);
                    return Ok(Some(End::ScriptFailed));
                }
                Next::Do(Action::Command(command)) => {
                    if let Some(end) = self.execute(command).map_err(|f| script.at_fault(f))? {
                        return Ok(Some(end));
                    }
                }
            }
        }
    }

    /// Does what a display's user wants; what goes wrong is shown there.
    fn obey(&mut self, command: Command) -> Option<End> {
        let note = match &command {
            Command::Screenshot(path) | Command::DumpScreen(path) | Command::Save(path) => {
                Some(format!("saved {}", path.display()))
            }
            Command::Insert { slot, file } => Some(format!("{slot}: {}", file.display())),
            Command::Eject { slot } => Some(format!("{slot}: ejected")),
            _ => None,
        };
        match self.execute(command) {
            Ok(end) => {
                self.message = note.or(self.message.take());
                end
            }
            Err(failure) => {
                self.message = Some(failure.to_string());
                None
            }
        }
    }

    fn execute(&mut self, command: Command) -> Result<Option<End>, Failure> {
        match command {
            Command::Key { key, pressed } => self.guest.key(key, pressed),
            Command::Mouse(mouse) => self.guest.mouse(mouse),
            Command::Quit => return Ok(Some(End::Quit)),
            Command::Pause => self.paused = true,
            Command::Resume => self.paused = false,
            Command::Screenshot(path) => screen::write_png("screenshot", &path, &self.guest.frame())?,
            Command::DumpScreen(path) => screen::write_text("dump", &path, self.guest.text().as_ref())?,
            Command::Save(path) => write_snapshot("save", &path, &self.verified().save())?,
            Command::Insert { slot, file } => {
                // First out with the old one: it may be the same file.
                let fail = |why| Failure::Usage(format!("insert {slot} {}: {why}", file.display()));
                self.guest.insert(slot, None).map_err(fail)?;
                let medium = media::open_one(slot, &file, self.plan.disposable)?;
                self.guest.insert(slot, Some(medium)).map_err(fail)?;
            }
            Command::Eject { slot } => {
                self.guest.insert(slot, None).map_err(|why| Failure::Usage(format!("eject {slot}: {why}")))?;
            }
        }
        Ok(None)
    }

    /// The guest, compared as a whole where it is two.
    fn verified(&mut self) -> &dyn Guest {
        self.guest.verify();
        self.guest
    }

    /// Waits for a command while the machine is paused.
    fn stand_still(&mut self) -> Result<Option<End>, Failure> {
        let Some(commands) = &self.commands else {
            self.paused = false; // nobody is there to end it
            return Ok(None);
        };
        match commands.recv_timeout(PAUSE) {
            Ok(command) => {
                let end = self.obey(command);
                self.publish(true);
                Ok(end)
            }
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                self.publish(false);
                Ok(None)
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => Ok(Some(End::Quit)),
        }
    }

    /// Leaves picture and figures for the display when it is time for that, or `now`.
    fn publish(&mut self, now: bool) {
        let Some(p) = &mut self.publisher else { return };
        if !now && !p.due() {
            return;
        }
        let status = Status {
            state: if self.paused { State::Paused } else { State::Running },
            mips: 0.0,
            now: self.guest.now(),
            leds: self.guest.leds(),
            message: self.message.take(),
        };
        let (retired, guest) = (self.guest.retired(), &mut *self.guest);
        p.show(status, retired, || (guest.frame(), guest.text()));
    }
}

/// The host's clock, in seconds since 1970, for the real-time clock of a machine that follows it.
#[must_use]
pub fn host_time() -> Option<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().map(|d| d.as_secs())
}

fn ended(outcome: Outcome) -> Option<End> {
    match outcome {
        Outcome::Insns | Outcome::Time | Outcome::Paused => None,
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

/// Writes a snapshot beside its place and moves it there, so that a failure leaves no half of one.
fn write_snapshot(what: &str, file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = file.to_path_buf().into_os_string();
    name.push(".part");
    let part = std::path::PathBuf::from(name);
    std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, file)).map_err(|e| {
        // What could not be completed is of no use to anyone.
        let _ = std::fs::remove_file(&part);
        Failure::Host(format!("{what} {}: {}", file.display(), reason(&e)))
    })
}

#[cfg(test)]
mod tests;
