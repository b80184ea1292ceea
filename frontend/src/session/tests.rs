//! Sessions with a guest that only counts.

use super::*;
use ferrite_devices::video::frame::Cell;

/// Retires as asked; ends at `ends_at` with `outcome`.
struct Fake {
    retired: u64,
    ends_at: u64,
    outcome: Outcome,
    /// What came from outside, with its count.
    inputs: Vec<(u64, String)>,
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
    fn ps_per_insn(&self) -> u64 {
        5000
    }
    fn set_ps_per_insn(&mut self, ps: u64) {
        self.inputs.push((self.retired, format!("cost {ps}")));
    }
    fn digest(&self) -> [u8; 32] {
        [0; 32]
    }
    fn save(&self) -> Vec<u8> {
        self.retired.to_le_bytes().to_vec()
    }
    fn serial_input(&mut self, _: usize, _: Vec<u8>) {}
    fn screen_changed(&mut self) -> bool {
        true
    }
    fn frame(&mut self) -> Frame {
        Frame::default()
    }
    fn text(&self) -> Option<TextScreen> {
        let count = format!("{:08}", self.retired);
        let cells = count.bytes().map(|code| Cell { code, ..Cell::default() }).collect();
        Some(TextScreen { columns: 8, rows: 1, cells, cursor: None })
    }
    fn key(&mut self, key: Key, pressed: bool) {
        self.inputs.push((self.retired, format!("{:x} {pressed}", key.0)));
    }
    fn keys_pending(&self) -> bool {
        false
    }
    fn leds(&self) -> u8 {
        0
    }
    fn mouse(&mut self, mouse: Mouse) {
        self.inputs.push((self.retired, format!("{mouse:?}")));
    }
    fn insert(&mut self, slot: Slot, _: Option<Box<dyn Disk>>) -> Result<(), String> {
        Err(format!("no {slot}"))
    }
    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("tlb_misses", 3)]
    }
}

fn guest(ends_at: u64, outcome: Outcome) -> Fake {
    Fake { retired: 0, ends_at, outcome, inputs: Vec::new() }
}

fn session(guest: &mut Fake, plan: &Plan) -> Result<Report, Failure> {
    run(guest, &Lines::default(), plan, Outside::default())
}

/// Inputs of a run under a script.
fn scripted(text: &str, plan: &Plan) -> (Report, Vec<(u64, String)>) {
    let mut guest = guest(u64::MAX, Outcome::Insns);
    let script = Some(Runner::from(crate::script::parse("t", text).unwrap()));
    let report = run(&mut guest, &Lines::default(), plan, Outside { script, ..Outside::default() }).unwrap();
    (report, guest.inputs)
}

#[test]
fn a_script_acts_at_exact_times_and_looks_at_the_screen_on_a_grid() {
    // 200 million instructions a second: 1.5 ms are 300,000. The text is the count, seen every 2^20.
    let text = "wait time 0.0015\npress a\nwait screen 0314572 timeout 1\npress b\nexit 3\n";
    let (report, inputs) = scripted(text, &Plan::default());
    assert_eq!((report.end, report.end.status()), (End::Script(3), 3));
    assert_eq!(inputs, [(300_000, "1e true".into()), (3_145_728, "30 true".into())]);
    let dir = tempfile::tempdir().unwrap();
    let saves = (1..9).map(|n| SaveAt { insns: n * 123_457, file: dir.path().join(n.to_string()) }).collect();
    assert_eq!(scripted(text, &Plan { saves, ..Plan::default() }).1, inputs, "whatever else stops the machine");
}

#[test]
fn beside_the_host_s_clock_the_cost_of_an_instruction_follows_the_host() {
    let limit_time = Some(VTime::ms(250));
    let mut fake = guest(u64::MAX, Outcome::Insns);
    let begun = Instant::now();
    session(&mut fake, &Plan { limit_time, pace: Pace::Host, ..Plan::default() }).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(240), "it waited");
    // Its instructions take no time at all: half way from 5000 to the least.
    let first = fake.inputs.first().map(|(at, cost)| (*at, cost.starts_with("cost 2")));
    assert_eq!(first, Some((20_000_000, true)), "{:?}", fake.inputs);
    let mut fake = guest(u64::MAX, Outcome::Insns);
    session(&mut fake, &Plan { limit_time, ..Plan::default() }).unwrap();
    assert_eq!(fake.inputs, [], "virtual time is the instructions' alone");
}

#[test]
fn a_script_that_waits_in_vain_ends_the_run_with_124() {
    let (report, _) = scripted("wait screen nothing timeout 0.1\n", &Plan::default());
    assert_eq!((report.end, report.end.status()), (End::ScriptFailed, 124));
    let text = report.message.unwrap();
    assert!(text.starts_with("t:1: ") && text.contains("last on the screen: \"20"), "{text}");
}

#[test]
fn a_text_on_the_screen_ends_the_run() {
    let plan = Plan { until_screen: Some("02097152".into()), ..Plan::default() };
    let mut g = guest(u64::MAX, Outcome::Insns);
    assert_eq!((session(&mut g, &plan).unwrap().end, g.retired), (End::Shown, 2 << 20));
}

#[test]
fn a_display_gets_pictures_and_its_commands_reach_the_guest() {
    let shared = Shared::new();
    let (tx, rx) = std::sync::mpsc::channel();
    tx.send(Command::Key { key: Key(0x1c), pressed: true }).unwrap();
    tx.send(Command::Insert { slot: Slot::Cdrom, file: "x".into() }).unwrap();
    tx.send(Command::Pause).unwrap();
    let mut g = guest(u64::MAX, Outcome::Insns);
    let outside = Outside { commands: Some(rx), shared: Some(Arc::clone(&shared)), script: None };
    let display = std::thread::spawn({
        let shared = Arc::clone(&shared);
        move || {
            let mut view = shared.view();
            while view.status.state != State::Paused {
                view = shared.wait(view.version, Duration::from_secs(10));
            }
            tx.send(Command::Resume).unwrap();
            tx.send(Command::Quit).unwrap();
            view
        }
    });
    let report = run(&mut g, &Lines::default(), &Plan::default(), outside).unwrap();
    let view = display.join().unwrap();
    assert_eq!((report.end, g.inputs), (End::Quit, vec![(0, "1c true".to_owned())]));
    assert!(view.text.is_some() && view.status.message.unwrap().contains("no cdrom"));
}

#[test]
fn a_limit_is_reached_exactly_and_gives_124() {
    let mut g = guest(u64::MAX, Outcome::Insns);
    let plan = Plan { limit_insns: Some(3_000_001), ..Plan::default() };
    let Report { end, stats, .. } = session(&mut g, &plan).unwrap();
    assert_eq!((end, end.status(), g.retired, stats.instructions), (End::Limit, 124, 3_000_001, 3_000_001));
    let plan = Plan { limit_time: Some(VTime::s(1)), ..Plan::default() };
    let mut g = guest(u64::MAX, Outcome::Insns);
    assert_eq!(session(&mut g, &plan).unwrap().end, End::Limit);
    assert_eq!(g.now(), VTime::s(1));
}

#[test]
fn each_end_has_its_status() {
    let status = |o| session(&mut guest(10, o), &Plan::default()).unwrap().end.status();
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
    session(&mut guest(5_000_000, Outcome::Dead), &plan).unwrap();
    for n in [0u64, 1_500_000, 2_000_003] {
        assert_eq!(std::fs::read(at(n).file).unwrap(), n.to_le_bytes());
    }
    let plan = Plan { saves: vec![SaveAt { insns: 0, file: "/no/such/folder/x".into() }], ..Plan::default() };
    let e = session(&mut guest(5, Outcome::Dead), &plan).unwrap_err();
    assert_eq!((e.status(), e.to_string().contains("--save-at /no/such/folder/x")), (4, true));
}
