//! `--lockstep`: one machine on the interpreter, one on the JIT, with the same inputs; the first difference ends the run.
//!
//! The JIT pauses wherever one of its regions ends. At every pause the interpreter is taken to the same count of retired
//! instructions, and the CPUs' states, counts and times must be equal. Devices are compared at the first pause of every
//! 2^20 instructions, memory more seldom where there is much of it, and both at the end and before a snapshot is written.
//!
//! No comparison changes either machine: what is written to memory is not tracked, all of it is compared.
//!
//! A pause at which a processor sleeps is passed over. Time moves while it sleeps, and which of the two has already moved it
//! depends on where the pause lies; both have when instructions retire again.
//!
//! The interpreter's machine is the one that is seen and heard: its screen, its serial lines, its disks. The other one's output goes
//! nowhere, and its disks are [`crate::host::twin`]s.

use std::fmt::Write as _;

use ferrite_core::compare;
use ferrite_core::cpu::Activity;
use ferrite_core::device::Key;
use ferrite_core::machine::{Limits, Machine, Outcome};
use ferrite_core::mmu::walk::Access;
use ferrite_core::snapshot::LoadError;
use ferrite_core::time::VTime;
use ferrite_devices::host::Disk;
use ferrite_devices::video::frame::{Frame, TextScreen};
use iced_x86::{Decoder, DecoderOptions, Formatter, NasmFormatter};

use crate::display::Mouse;
use crate::host::twin;
use crate::media::Slot;
use crate::pc::Pc;
use crate::session::Guest;

/// Instructions between two comparisons of the devices.
const DEVICES_EVERY: u64 = 1 << 20;

/// Bytes of memory for which one instruction more lies between two comparisons of memory: comparing costs less than running then.
const BYTES_PER_INSN: u64 = 4;

/// Pauses at one count after which no other is expected.
const IDLE: u32 = 1000;

/// Bytes of code that a report shows.
const SHOWN: usize = 48;
/// Instructions of it.
const SHOWN_INSNS: usize = 6;

/// A place in the guest's code.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    retired: u64,
    cs: u16,
    rip: u64,
}

impl Place {
    fn of(m: &Machine) -> Self {
        let cs = m.x.st.segment(ferrite_core::cpu::segment::Seg::Cs).selector;
        Self { retired: m.retired(), cs, rip: m.x.st.rip() }
    }
}

/// How much two machines are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Depth {
    devices: bool,
    memory: bool,
}

/// Two machines that should be one.
#[derive(Debug)]
pub struct Lockstep {
    /// On the interpreter.
    want: Pc,
    /// On the JIT.
    got: Pc,
    /// Where they were equal last.
    good: Place,
    /// Counts of the next comparison of devices and of memory.
    devices_at: u64,
    memory_at: u64,
    compared: u64,
    compared_whole: u64,
    passed_over: u64,
    report: Option<String>,
}

impl Lockstep {
    /// Two machines that were built alike, `want` on the interpreter and `got` on an engine that pauses.
    #[must_use]
    pub fn new(want: Pc, mut got: Pc) -> Self {
        got.machine_mut().engine_mut().set_pausing(true);
        let good = Place::of(want.machine());
        Self {
            want,
            got,
            good,
            devices_at: 0,
            memory_at: 0,
            compared: 0,
            compared_whole: 0,
            passed_over: 0,
            report: None,
        }
    }

    /// Loads a snapshot into both.
    ///
    /// # Errors
    /// [`LoadError`] if it is none, or one of another machine.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.want.load(bytes)?;
        self.got.load(bytes)?;
        self.good = Place::of(self.want.machine());
        (self.devices_at, self.memory_at) = (0, 0);
        Ok(())
    }

    /// Takes the interpreter to where the JIT is and compares. False when they differ.
    fn follow(&mut self, end: VTime) -> bool {
        let at = self.got.machine().retired();
        self.want.machine_mut().run(Limits { insns: at, time: end });
        let (a, b) = (&self.want.machine().x.st, &self.got.machine().x.st);
        if a.activity != Activity::Active || b.activity != Activity::Active {
            self.passed_over += 1;
            return true;
        }
        let depth = Depth { devices: at >= self.devices_at, memory: at >= self.memory_at };
        self.compare(depth, "")
    }

    /// Compares, and keeps a report that begins with `what` if they differ.
    fn compare(&mut self, depth: Depth, what: &str) -> bool {
        let (a, b) = (self.want.machine(), self.got.machine());
        let retired = a.retired();
        self.compared += 1;
        let mut same = what.is_empty() && a.x.st == b.x.st && retired == b.retired() && a.now() == b.now();
        if depth.devices {
            same = same && compare::devices_digest(a) == compare::devices_digest(b);
            self.devices_at = (retired / DEVICES_EVERY).saturating_add(1).saturating_mul(DEVICES_EVERY);
        }
        if depth.memory {
            let (x, y) = (a.x.sys.mem.backing(), b.x.sys.mem.backing());
            same = same && x == y;
            self.memory_at = retired.saturating_add((x.len() as u64 / BYTES_PER_INSN).max(DEVICES_EVERY));
            self.compared_whole += 1;
        }
        if same {
            self.good = Place::of(a);
            return true;
        }
        let mut report = format!("--lockstep: the JIT and the interpreter differ after {retired} instructions{what}\n");
        let Place { retired, cs, rip } = self.good;
        // A `String` takes all that is written to it.
        let _ = writeln!(report, "  equal for the last time after {retired}, at {cs:04x}:{rip:x}, where there is now");
        report += &code(self.want.machine_mut(), rip);
        let (a, b) = (self.want.machine(), self.got.machine());
        report = report + &compare::cpus(a, b) + &compare::memory(a, b) + &compare::devices(a, b);
        self.report = Some(report);
        false
    }
}

/// The code at `rip`, as the processor's present segment and page tables find it. For a machine that does not run again.
fn code(m: &mut Machine, rip: u64) -> String {
    let x = &mut m.x;
    let start = x.ctx.win[1].base.wrapping_add(rip) & x.ctx.lin_mask;
    let mut bytes = Vec::new();
    for n in 0..SHOWN as u64 {
        let Ok(phys) = x.translate(start.wrapping_add(n), Access::Read) else { break };
        let mut byte = [0];
        if !x.sys.mem.read(phys, &mut byte) {
            break;
        }
        bytes.extend(byte);
    }
    let mut out = String::new();
    let mut formatter = NasmFormatter::new();
    let mut decoder = Decoder::with_ip(x.ctx.code.bits(), &bytes, rip, DecoderOptions::NONE);
    for _ in 0..SHOWN_INSNS {
        let from = decoder.position();
        if !decoder.can_decode() {
            break;
        }
        let ins = decoder.decode();
        let mut text = String::new();
        formatter.format(&ins, &mut text);
        let hex: String =
            bytes.get(from..decoder.position()).unwrap_or_default().iter().map(|b| format!("{b:02x}")).collect();
        let _ = writeln!(out, "    {:8x}  {hex:<24}  {text}", ins.ip());
    }
    out
}

impl Guest for Lockstep {
    fn run(&mut self, limits: Limits) -> Outcome {
        if self.report.is_some() {
            return Outcome::Insns; // nobody runs it further
        }
        let (mut before, mut idle) = (self.got.retired(), 0);
        loop {
            let outcome = self.got.machine_mut().run(limits);
            if outcome == Outcome::Paused {
                let retired = self.got.retired();
                idle = if retired == before { idle + 1 } else { 0 };
                before = retired;
                if idle == IDLE {
                    self.compare(Depth { devices: true, memory: true }, ", where the JIT pauses and goes no further");
                    return Outcome::Insns;
                }
                if self.follow(limits.time) {
                    continue;
                }
                return Outcome::Insns;
            }
            let wanted = self.want.machine_mut().run(limits);
            let at = self.want.machine().retired();
            let what = match outcome == wanted {
                true => String::new(),
                false => format!(", where the interpreter ends with {wanted:?} and the JIT with {outcome:?}"),
            };
            self.compare(Depth { devices: at >= self.devices_at, memory: at >= self.memory_at }, &what);
            return wanted;
        }
    }

    fn ps_per_insn(&self) -> u64 {
        self.want.ps_per_insn()
    }

    fn least_ps_per_insn(&self) -> u64 {
        self.want.least_ps_per_insn()
    }

    fn set_ps_per_insn(&mut self, ps: u64) {
        self.want.set_ps_per_insn(ps);
        self.got.set_ps_per_insn(ps);
    }

    fn retired(&self) -> u64 {
        self.want.retired()
    }

    fn now(&self) -> VTime {
        self.want.now()
    }

    fn digest(&self) -> [u8; 32] {
        self.want.digest()
    }

    fn save(&self) -> Vec<u8> {
        self.want.save()
    }

    fn serial_input(&mut self, line: usize, bytes: Vec<u8>) {
        self.want.serial_input(line, bytes.clone());
        self.got.serial_input(line, bytes);
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let mut counters = self.got.counters();
        counters.push(("lockstep_compared", self.compared));
        counters.push(("lockstep_compared_memory", self.compared_whole));
        counters.push(("lockstep_passed_over", self.passed_over));
        counters
    }

    fn hottest(&self) -> Vec<ferrite_core::engine::Hot> {
        self.got.hottest()
    }

    fn screen_changed(&mut self) -> bool {
        self.want.screen_changed()
    }

    fn frame(&mut self) -> Frame {
        self.want.frame()
    }

    fn text(&self) -> Option<TextScreen> {
        self.want.text()
    }

    fn key(&mut self, key: Key, pressed: bool) {
        self.want.key(key, pressed);
        self.got.key(key, pressed);
    }

    fn keys_pending(&self) -> bool {
        self.want.keys_pending()
    }

    fn leds(&self) -> u8 {
        self.want.leds()
    }

    fn mouse(&mut self, mouse: Mouse) {
        self.want.mouse(mouse);
        self.got.mouse(mouse);
    }

    fn insert(&mut self, slot: Slot, medium: Option<Box<dyn Disk>>) -> Result<(), String> {
        let (first, second) = medium.map(twin::split).unzip();
        let done = self.want.insert(slot, first);
        let other = self.got.insert(slot, second);
        if done != other && self.report.is_none() {
            self.compare(Depth { devices: true, memory: true }, ", where a change of medium has two ends");
        }
        done
    }

    fn verify(&mut self) {
        if self.report.is_none() {
            self.compare(Depth { devices: true, memory: true }, "");
        }
    }

    fn divergence(&self) -> Option<&str> {
        self.report.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::engine::Engine;
    use ferrite_core::exec::{Exec, Exit};
    use ferrite_core::interp::Interpreter;
    use ferrite_devices::host::{MemDisk, SECTOR};

    /// Stops every few instructions, as an engine of regions does, and makes one mistake.
    #[derive(Debug)]
    struct Regions {
        interp: Interpreter,
        pausing: bool,
        wrong_at: u64,
        mistake: fn(&mut Exec),
    }

    impl Engine for Regions {
        fn name(&self) -> &'static str {
            "regions"
        }
        fn run(&mut self, x: &mut Exec, limit: u64) -> Exit {
            let step = x.retired.saturating_add(7).min(limit);
            let exit = self.interp.run(x, step);
            if x.retired >= self.wrong_at {
                self.wrong_at = u64::MAX;
                (self.mistake)(x);
            }
            if exit == Exit::Limit && step < limit && self.pausing { Exit::Pause } else { exit }
        }
        fn run_one(&mut self, x: &mut Exec) -> Option<Exit> {
            self.interp.run_one(x)
        }
        fn clear(&mut self, x: &mut Exec) {
            self.interp.clear(x);
        }
        fn set_pausing(&mut self, on: bool) {
            self.pausing = on;
        }
        fn counters(&self, _: &Exec) -> Vec<(&'static str, u64)> {
            Vec::new()
        }
    }

    /// The built-in demonstration, which halts between ticks, with a mistake of the second engine's.
    fn demonstration(wrong_at: u64, mistake: fn(&mut Exec)) -> Lockstep {
        let engine = Regions { interp: Interpreter::new(), pausing: false, wrong_at, mistake };
        Pc::builder().memory(4 << 20).build_lockstep(Box::new(engine)).unwrap()
    }

    fn run(pair: &mut Lockstep, ms: u64) -> Outcome {
        let time = pair.now().after(VTime::ms(ms));
        pair.run(Limits { time, ..Limits::default() })
    }

    #[test]
    fn two_engines_that_agree_run_on_through_halts_and_interrupts() {
        let mut pair = demonstration(u64::MAX, |_| ());
        for n in 0..40 {
            assert_eq!(run(&mut pair, 20), Outcome::Time);
            if n % 10 == 9 {
                pair.key(Key(0x1c), n % 20 == 9);
                pair.serial_input(0, vec![b'x']);
            }
            pair.verify();
            assert_eq!(pair.divergence(), None);
        }
        assert!(pair.compared > 10_000 && pair.retired() > 100_000, "{:?}", pair.counters());
    }

    #[test]
    fn a_wrong_register_is_seen_at_the_next_pause() {
        let mut pair = demonstration(1000, |x| x.st.regs[0] ^= 0x100);
        run(&mut pair, 20);
        let report = pair.divergence().expect("a difference").to_owned();
        for want in ["after 1001 instructions", "last time after 994, at ", "rax: interp 0x", ", regions 0x"] {
            assert!(report.contains(want), "no `{want}` in\n{report}");
        }
        assert!(report.lines().count() > 3 && !report.contains("memory"), "{report}");
        let at = pair.retired();
        run(&mut pair, 20);
        assert_eq!(pair.retired(), at, "it stops there");
    }

    #[test]
    fn a_wrong_byte_is_seen_by_the_next_whole_comparison() {
        let mut pair = demonstration(1000, |x| {
            x.sys.mem.write(0x3f_0123, &[0x55]);
        });
        run(&mut pair, 20);
        pair.verify();
        let report = pair.divergence().expect("a difference");
        assert!(report.contains("memory 0x3f0120: interp 00") && !report.contains("rax"), "{report}");
    }

    #[test]
    fn a_wrong_end_is_a_difference() {
        let mut pair = demonstration(1000, |x| {
            x.st.flags.set_bits(2);
            x.st.activity = Activity::Halt;
        });
        run(&mut pair, 20);
        let report = pair.divergence().expect("a difference");
        assert!(report.contains("the JIT with Dead"), "{report}");
    }

    #[test]
    fn the_medium_is_written_once_and_both_machines_see_it() {
        let (mut a, mut b) = twin::split(Box::new(MemDisk::new(vec![0; 1440 << 10])));
        let mut pair = demonstration(u64::MAX, |_| ());
        pair.insert(Slot::Floppy(0), Some(Box::new(MemDisk::new(vec![1; 1440 << 10])))).unwrap();
        assert!(pair.insert(Slot::Cdrom, None).is_err());
        assert_eq!(pair.divergence(), None);
        a.write(5, &[9; SECTOR]).unwrap();
        let mut buf = [1; SECTOR];
        b.read(5, &mut buf).unwrap();
        assert_eq!(buf, [0; SECTOR], "not yet written by the second");
    }
}
