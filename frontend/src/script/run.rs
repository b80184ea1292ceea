//! Carrying out a script, one question of the session at a time.

use std::collections::VecDeque;

use ferrite_core::time::{PS_PER_S, VTime};

use super::{Line, Script, Statement, Wait};
use crate::Failure;
use crate::display::Command;
use crate::screen::Seen;

/// What a script sees of the machine.
#[derive(Debug)]
pub struct World<'a> {
    /// Virtual time.
    pub now: VTime,
    /// The screen.
    pub screen: &'a Seen,
    /// The keyboard has codes that the guest has not read.
    pub keys_pending: bool,
}

/// What the session is to do for a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// As a display's user would.
    Command(Command),
    /// Bytes for COM1.
    Serial(Vec<u8>),
    /// A line for standard error.
    Log(String),
    /// End the run with this status.
    Exit(u8),
    /// End the run: something did not come. One line that says what and where.
    Fail(String),
}

/// A script's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Do this and ask again.
    Do(Action),
    /// Ask again at the next look, and at this time if it is earlier.
    Wait(Option<VTime>),
    /// The script has no more lines.
    Over,
}

/// Until the keyboard is looked at again while the guest does not read it.
const KEY_POLL: VTime = VTime::ms(1);

/// Bytes of each serial line that a wait can still find.
const HEARD: usize = 64 << 10;

/// A script in progress.
#[derive(Debug)]
pub struct Runner {
    script: Script,
    /// The present line.
    at: usize,
    /// When it began.
    entered: Option<VTime>,
    /// What is left of its keys and movements.
    queue: VecDeque<(Command, VTime)>,
    /// When the next of them is due.
    ready: VTime,
    /// Since when that has waited for the guest to read its keyboard.
    blocked: Option<VTime>,
    /// What each serial line has sent since the last wait for one.
    heard: Vec<Vec<u8>>,
}

impl From<Script> for Runner {
    fn from(script: Script) -> Self {
        Self {
            script,
            at: 0,
            entered: None,
            queue: VecDeque::new(),
            ready: VTime::ZERO,
            blocked: None,
            heard: Vec::new(),
        }
    }
}

impl Runner {
    /// A serial line has sent `bytes`.
    pub fn hear(&mut self, line: usize, bytes: &[u8]) {
        if self.heard.len() <= line {
            self.heard.resize_with(line + 1, Vec::new);
        }
        let Some(held) = self.heard.get_mut(line) else { return };
        held.extend(bytes);
        let surplus = held.len().saturating_sub(HEARD);
        held.drain(..surplus);
    }

    /// A failure of what a line asked for, with its place.
    #[must_use]
    pub fn at_fault(&self, failure: Failure) -> Failure {
        // The line has been left already.
        let line = self.at.checked_sub(1).and_then(|n| self.script.lines.get(n));
        let place = line.map_or_else(|| self.script.name.clone(), |l| format!("{}:{}", self.script.name, l.number));
        match failure {
            Failure::Usage(why) => Failure::Usage(format!("{place}: {why}")),
            Failure::Host(why) => Failure::Host(format!("{place}: {why}")),
        }
    }

    /// What is to be done now.
    pub fn next(&mut self, world: &World<'_>) -> Next {
        loop {
            let Some(line) = self.script.lines.get(self.at).cloned() else { return Next::Over };
            if let Some(next) = self.step(world, &line) {
                return next;
            }
            self.leave();
        }
    }

    /// What `line` wants now; none when it is done.
    fn step(&mut self, world: &World<'_>, line: &Line) -> Option<Next> {
        let first = self.entered.is_none();
        let entered = *self.entered.get_or_insert(world.now);
        match &line.statement {
            Statement::Do(action) => {
                self.leave();
                Some(Next::Do(action.clone()))
            }
            Statement::Pause(length) => {
                let end = entered.after(*length);
                (world.now < end).then_some(Next::Wait(Some(end)))
            }
            Statement::Send { steps, timeout } => {
                if first {
                    self.queue = steps.iter().cloned().collect();
                    self.ready = world.now;
                }
                self.send(world, line, *timeout)
            }
            Statement::Wait { what, timeout } => {
                if self.holds(what, world, entered) {
                    return None;
                }
                let end = entered.after(*timeout);
                if world.now >= end {
                    return Some(self.fail(line, &what.to_string(), *timeout, world));
                }
                let rest = match what {
                    Wait::Still(length) => world.screen.changed().max(entered).after(*length),
                    _ => end,
                };
                Some(Next::Wait(Some(end.min(rest))))
            }
        }
    }

    fn leave(&mut self) {
        self.at += 1;
        self.entered = None;
        self.blocked = None;
    }

    /// The next key or movement of the line; none after the last.
    fn send(&mut self, world: &World<'_>, line: &Line, timeout: VTime) -> Option<Next> {
        if world.now < self.ready {
            return Some(Next::Wait(Some(self.ready)));
        }
        let goes_down = matches!(self.queue.front(), Some((Command::Key { pressed: true, .. }, _)));
        if goes_down && world.keys_pending {
            let since = *self.blocked.get_or_insert(world.now);
            if world.now >= since.after(timeout) {
                return Some(self.fail(line, "the guest has not read its keyboard", timeout, world));
            }
            return Some(Next::Wait(Some(world.now.after(KEY_POLL))));
        }
        self.blocked = None;
        let (command, then) = self.queue.pop_front()?;
        self.ready = world.now.after(then);
        Some(Next::Do(Action::Command(command)))
    }

    fn holds(&mut self, what: &Wait, world: &World<'_>, entered: VTime) -> bool {
        match what {
            Wait::Screen(text) => world.screen.shows(text),
            Wait::Gone(text) => !world.screen.shows(text),
            Wait::Still(length) => world.now.since(world.screen.changed().max(entered)) >= *length,
            Wait::Serial(text) => {
                let found = self.heard.iter_mut().find_map(|held| {
                    let at = held.windows(text.len()).position(|w| w == text.as_bytes())?;
                    Some((held, at + text.len()))
                });
                match found {
                    Some((held, end)) => {
                        held.drain(..end);
                        true
                    }
                    None => false,
                }
            }
        }
    }

    /// The script ends here.
    fn fail(&mut self, line: &Line, what: &str, timeout: VTime, world: &World<'_>) -> Next {
        self.at = self.script.lines.len();
        let place = format!("{}:{}: {}", self.script.name, line.number, line.source);
        let seconds = timeout.0 as f64 / PS_PER_S as f64;
        Next::Do(Action::Fail(format!("{place}: {what} after {seconds} s; {}", world.screen.summary())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse;
    use ferrite_core::device::Key;
    use ferrite_devices::video::frame::{Cell, TextScreen};

    /// A machine as far as a script sees it.
    struct Rig {
        runner: Runner,
        now: VTime,
        screen: Seen,
        keys_pending: bool,
    }

    impl Rig {
        fn new(text: &str) -> Self {
            let runner = parse("t", text).unwrap().into();
            Self { runner, now: VTime::ZERO, screen: Seen::new(VTime::ZERO), keys_pending: false }
        }

        fn next(&mut self) -> Next {
            self.runner.next(&World { now: self.now, screen: &self.screen, keys_pending: self.keys_pending })
        }

        fn show(&mut self, text: &str) {
            let cells: Vec<Cell> = text.bytes().map(|code| Cell { code, ..Cell::default() }).collect();
            let screen = TextScreen { columns: cells.len() as u32, rows: 1, cells, cursor: None };
            self.screen.look(Some(&screen), self.now);
        }

        /// All that is done until the script waits for something other than time, each with its time in milliseconds.
        fn actions(&mut self) -> Vec<(u64, Action)> {
            let mut out = Vec::new();
            loop {
                match self.next() {
                    Next::Do(action) => out.push((self.now.0 / 1_000_000_000, action)),
                    Next::Wait(Some(t)) if t > self.now => self.now = t,
                    _ => return out,
                }
            }
        }
    }

    fn key(code: u16, pressed: bool) -> Action {
        Action::Command(Command::Key { key: Key(code), pressed })
    }

    #[test]
    fn typed_keys_have_their_times() {
        let mut rig = Rig::new("type \"aB\"\nlog done");
        let want = [
            (0, key(0x1e, true)),
            (20, key(0x1e, false)),
            (40, key(0x2a, true)),
            (40, key(0x30, true)),
            (60, key(0x30, false)),
            (60, key(0x2a, false)),
            (80, Action::Log("done".into())),
        ];
        assert_eq!(rig.actions(), want);
    }

    #[test]
    fn a_key_waits_until_the_guest_has_read_those_before_it() {
        let mut rig = Rig::new("timeout 2\ntype ab");
        assert_eq!(rig.next(), Next::Do(key(0x1e, true)));
        rig.now = VTime::ms(20);
        rig.keys_pending = true;
        assert_eq!(rig.next(), Next::Do(key(0x1e, false)), "a release does not wait");
        rig.now = VTime::ms(40);
        assert_eq!(rig.next(), Next::Wait(Some(VTime::ms(41))));
        rig.now = VTime::ms(500);
        rig.keys_pending = false;
        assert_eq!(rig.next(), Next::Do(key(0x30, true)));
        rig.keys_pending = true;
        let mut rig = Rig { keys_pending: true, ..Rig::new("timeout 2\ntype a") };
        let (ms, Action::Fail(text)) = rig.actions().remove(0) else { panic!() };
        assert!(ms == 2000 && text.contains("has not read its keyboard"), "{text}");
    }

    #[test]
    fn a_text_on_the_screen_lets_it_go_on_and_its_absence_fails_with_what_was_there() {
        let mut rig = Rig::new("wait screen login: timeout 3\nexit 7\n");
        assert_eq!(rig.next(), Next::Wait(Some(VTime::s(3))));
        rig.now = VTime::s(1);
        rig.show("debian login: ");
        assert_eq!(rig.next(), Next::Do(Action::Exit(7)));
        assert_eq!(rig.next(), Next::Over);

        let mut rig = Rig::new("\n\nwait screen login: timeout 3 # c\n");
        rig.show("panic ");
        let actions = rig.actions();
        let text = "t:3: wait screen login: timeout 3: \"login:\" is not on the screen after 3 s; last on the screen: \"panic\"";
        assert_eq!(actions, [(3000, Action::Fail(text.into()))]);
    }

    #[test]
    fn serial_text_is_found_across_pieces_and_only_once() {
        let mut rig = Rig::new("wait serial ab\nwait serial ab timeout 1\n");
        rig.runner.hear(1, b"xa");
        assert!(matches!(rig.next(), Next::Wait(_)));
        rig.runner.hear(1, b"by");
        assert_eq!(rig.next(), Next::Wait(Some(VTime::s(1))), "the second wait needs it again");
        rig.runner.hear(1, &[b'z'; 2 * HEARD]);
        assert_eq!(rig.runner.heard[1].len(), HEARD);
        rig.runner.hear(0, b"ab");
        assert_eq!(rig.next(), Next::Over);
    }

    #[test]
    fn a_screen_is_still_when_it_has_not_changed_for_the_time() {
        let mut rig = Rig::new("wait still 2\nexit\n");
        assert_eq!(rig.next(), Next::Wait(Some(VTime::s(2))));
        rig.now = VTime::s(1);
        rig.show("x");
        assert_eq!(rig.next(), Next::Wait(Some(VTime::s(3))));
        rig.now = VTime::s(3);
        assert_eq!(rig.next(), Next::Do(Action::Exit(0)));
    }

    #[test]
    fn a_failed_command_names_its_line() {
        let mut rig = Rig::new("wait time 0\neject fda\n");
        assert!(matches!(rig.next(), Next::Do(Action::Command(Command::Eject { .. }))));
        assert_eq!(rig.runner.at_fault(Failure::Host("no".into())), Failure::Host("t:2: no".into()));
    }
}
