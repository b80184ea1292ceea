//! Random programs on the JIT and on the interpreter: complete states and all memory are equal after any count of instructions.
//!
//! | module | holds |
//! | --- | --- |
//! | [`generate`] | programs |
//! | [`forms`] | the instructions that they are made of |
//! | [`board`] | the machines they run on |
//! | [`asm`] | labels and bytes |
//! | `input`, `fuzz_code` | `core/fuzz`: noise in every mode of every model |
//!
//! A program is found by its seed alone; what diverges is made as short as it can be, and printed.
#![allow(dead_code, missing_docs)] // a test and an example each use a part

pub mod asm;
pub mod board;
pub mod forms;
#[path = "../../../core/fuzz/src/code.rs"]
pub mod fuzz_code;
pub mod generate;
#[path = "../../../core/fuzz/src/input.rs"]
pub mod input;

use asm::assemble;
use board::Config;
use ferrite_core::compare;
use ferrite_core::cpu::{Activity, Model, ModelName};
use ferrite_core::engine::Engine;
use ferrite_core::interp::Interpreter;
use ferrite_core::machine::{Limits, Machine, Outcome};
use ferrite_core::time::VTime;
use ferrite_jit::Jit;
use forms::Forms;
use generate::Program;
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, NasmFormatter};
use input::Random;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Instructions of a program's run.
const INSNS: u64 = 12_000;
/// A shortened program is also compared after each of so many.
const DENSE: u64 = 200;
/// Those of noise, which comes to nothing sooner.
const NOISE_INSNS: u64 = 600;
/// Pauses at one count after which no other is expected.
const IDLE: u32 = 100;
/// Virtual time of a run: halts skip ahead.
const TIME: VTime = VTime::us(2000);

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Programs in 16-, 32- or 64-bit mode.
    Bits(u32),
    /// Noise in every mode.
    Noise,
}

/// How a pair of machines is run.
#[derive(Clone, Debug)]
pub struct Way {
    pub heat: Heat,
    /// The JIT stops at the ends of its regions, and is compared there.
    pub pausing: bool,
    /// Counts at which both are compared.
    pub stops: Vec<u64>,
    /// What is compared with the interpreter.
    pub engine: MakeEngine,
}

/// Executions of a block before it is translated, and before it is drafted.
pub type Heat = (u32, u32);

/// Regions alone, at once or soon; drafts that become regions soon or late; drafts alone, of blocks or of what they are known to go on to.
const HEATS: [Heat; 6] = [(1, 0), (2, 0), (4, 1), (30, 3), (u32::MAX, 1), (u32::MAX, 2)];

/// Makes an engine that translates code that ran so often.
pub type MakeEngine = fn(Heat) -> Box<dyn Engine>;

/// The JIT, translating on the CPU's thread.
pub fn jit((threshold, drafts): Heat) -> Box<dyn Engine> {
    let config = ferrite_jit::Config { threshold, drafts, background: false, ..Default::default() };
    Box::new(Jit::new(&config).expect("the host had it a moment ago"))
}

impl Way {
    fn random(random: &mut Random, insns: u64, engine: MakeEngine) -> Self {
        let (heat, pausing) = (HEATS[random.below(HEATS.len())], random.below(4) == 0);
        let mut stops = Vec::new();
        let longest = [20, 300, 3000][random.below(3)];
        let mut at = 0;
        while at < insns {
            at += 1 + random.below(longest) as u64;
            stops.push(at.min(insns));
        }
        Self { heat, pausing, stops, engine }
    }
}

/// Two machines that should be one.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Retired instructions when it was seen.
    pub at: u64,
    /// When all was well last, and what came next there.
    pub good: (u64, u64),
    pub text: String,
}

/// Runs `make`'s machine on both engines and compares them.
///
/// # Errors
/// The first difference.
pub fn run_both(make: &dyn Fn(Box<dyn Engine>) -> Machine, way: &Way) -> Result<u64, Difference> {
    let mut want = make(Box::new(Interpreter::new()));
    let mut got = make((way.engine)(way.heat));
    got.engine_mut().set_pausing(way.pausing);
    let mut good = (want.retired(), want.x.st.rip());
    let fail = |m: &Machine, good, text: String| Err(Difference { at: m.retired(), good, text });
    let mut idle = 0;
    for &stop in &way.stops {
        let limits = Limits { insns: stop, time: TIME };
        let outcome = loop {
            let before = got.retired();
            let ran = catch_unwind(AssertUnwindSafe(|| got.run(limits)));
            let Ok(outcome) = ran else {
                return fail(&got, good, "the JIT panics".to_owned());
            };
            if outcome != Outcome::Paused {
                break outcome;
            }
            idle = if got.retired() == before { idle + 1 } else { 0 };
            if idle == IDLE {
                return fail(&got, good, "the JIT pauses and goes no further\n".to_owned());
            }
            let here = Limits { insns: got.retired(), time: TIME };
            want.run(here);
            let asleep = |m: &Machine| m.x.st.activity != Activity::Active;
            if asleep(&want) || asleep(&got) {
                continue; // time may have moved in one already
            }
            if let Some(text) = difference(&want, &got) {
                return fail(&got, good, text);
            }
            good = (want.retired(), want.x.st.rip());
        };
        let expected = want.run(limits);
        if outcome != expected {
            let text = format!("the run ended with {outcome:?}, the interpreter's with {expected:?}");
            let more = difference(&want, &got).unwrap_or_default();
            return fail(&got, good, format!("{text}\n{more}"));
        }
        if let Some(text) = difference(&want, &got) {
            return fail(&got, good, text);
        }
        good = (want.retired(), want.x.st.rip());
        if outcome != Outcome::Insns {
            break;
        }
    }
    let devices = compare::devices(&want, &got);
    if !devices.is_empty() {
        return fail(&got, good, devices);
    }
    Ok(got.retired())
}

/// What differs between two machines, a line each.
fn difference(want: &Machine, got: &Machine) -> Option<String> {
    let same_cpu = want.x.st == got.x.st && want.retired() == got.retired() && want.now() == got.now();
    if same_cpu && want.x.sys.mem.backing() == got.x.sys.mem.backing() {
        return None;
    }
    Some(compare::cpus(want, got) + &compare::memory(want, got))
}

impl Program {
    fn code(&self) -> Option<asm::Code> {
        let code = assemble(self.config.bits, self.config.start, &self.items)?;
        (code.bytes.len() < board::LONGEST).then_some(code)
    }

    /// Compares its runs.
    ///
    /// # Errors
    /// The first difference.
    pub fn run_both(&self, way: &Way) -> Result<u64, Difference> {
        let Some(code) = self.code() else { return Ok(0) };
        let start = self.config.start;
        let to: Vec<u64> =
            self.functions.iter().map(|f| start + u64::from(code.offsets[asm::position(&self.items, *f)])).collect();
        run_both(&|engine| self.config.machine(engine, &code, &to), way)
    }

    /// How good a program is: its items, how many of them run at all, how many instructions are the program's own, and how many
    /// faults its handlers see.
    pub fn survey(&self) -> [u64; 4] {
        let Some(code) = self.code() else { return [0; 4] };
        let to = vec![self.config.start; self.functions.len()];
        let mut m = self.config.machine(Box::new(Interpreter::new()), &code, &to);
        let mut ran = vec![false; self.items.len()];
        let mut own = 0;
        for n in 1..=INSNS {
            let at = m.x.st.rip().wrapping_sub(self.config.start);
            if at < code.bytes.len() as u64 {
                own += 1;
                ran[code.offsets.partition_point(|o| u64::from(*o) <= at) - 1] = true;
            }
            if m.run(Limits { insns: n, time: TIME }) != Outcome::Insns {
                break;
            }
        }
        [self.items.len() as u64, ran.iter().filter(|r| **r).count() as u64, own, board::faults(&m)]
    }

    /// The shortest program that still differs, and the fewest stops.
    pub fn minimise(mut self, mut way: Way) -> (Self, Way) {
        let fails = |p: &Self, w: &Way| p.run_both(w).is_err();
        // Stops behind the difference change nothing, and most in front of it.
        if let Err(d) = self.run_both(&way) {
            way.stops.retain(|s| *s <= d.at);
            way.stops.push(d.at + 1);
            for stops in [vec![d.at], vec![d.at + 500], vec![INSNS]] {
                let other = Way { stops, ..way.clone() };
                if fails(&self, &other) {
                    way = other;
                    break;
                }
            }
        }
        let simpler = Config { ticks: None, ..self.config.clone() };
        let quiet = Self { config: simpler, ..self.clone() };
        if fails(&quiet, &way) {
            self = quiet;
        }
        let mut size = self.items.len() / 2;
        while size > 0 {
            let mut at = 0;
            while at < self.items.len() && self.items.len() > 1 {
                let mut shorter = self.clone();
                let end = (at + size).min(shorter.items.len());
                shorter.items.drain(at..end);
                // With fewer instructions the stops lie elsewhere: what differs may do so at others.
                let ways =
                    [way.stops.clone(), (1..=DENSE).collect(), vec![INSNS]].map(|stops| Way { stops, ..way.clone() });
                let found = ways.into_iter().find(|w| !shorter.items.is_empty() && fails(&shorter, w));
                if let Some(w) = found {
                    (self, way) = (shorter, w);
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
        // The first count at which it shows, and the one before, where that stop does not hide it.
        if let [last] = way.stops[..] {
            let (mut good, mut bad) = (0, last);
            while bad - good > 1 {
                let middle = good + (bad - good) / 2;
                let differs = fails(&self, &Way { stops: vec![middle], ..way.clone() });
                *(if differs { &mut bad } else { &mut good }) = middle;
            }
            let ways = [vec![good, bad], vec![bad]].map(|stops| Way { stops, ..way.clone() });
            way = ways.into_iter().find(|w| fails(&self, w)).unwrap_or(way);
        }
        (self, way)
    }

    /// Where and how it differs, with the program.
    fn report(&self, way: &Way) -> String {
        let mut out = String::new();
        let Some(code) = self.code() else { return out };
        let c = &self.config;
        let _ = writeln!(
            out,
            "{}-bit on {:?}, {}, CPL {}, paging {:?}, base {:#x}, ticks {:?}, flags {:#x}, cr0 +{:#x}, cr4 +{:#x}",
            c.bits,
            c.model,
            if c.protected { "protected" } else { "real" },
            if c.user { 3 } else { 0 },
            c.paging,
            c.base,
            c.ticks,
            c.flags,
            c.cr0,
            c.cr4
        );
        let stops = &way.stops[..way.stops.len().min(12)];
        let _ = writeln!(out, "threshold and drafts {:?}, pausing {}, stops {stops:?}", way.heat, way.pausing);
        let pointers: Vec<_> =
            c.pointers.iter().map(|(n, at)| format!("{:?}={at:x}", board::general(c.bits, *n))).collect();
        let _ = writeln!(out, "pointers {}", pointers.join(" "));
        for (n, item) in self.items.iter().enumerate() {
            let from = code.offsets[n] as usize;
            let to = from + code.len_of(n) as usize;
            disassemble(&mut out, c.bits, c.start + from as u64, &code.bytes[from..to]);
            let _ = item;
        }
        match self.run_both(way) {
            Err(d) => {
                let (count, rip) = d.good;
                let _ = writeln!(out, "differs at {}; good at {count}, where RIP was {rip:#x}:", d.at);
                let at = rip.wrapping_sub(c.start) as usize;
                if let Some(bytes) = code.bytes.get(at..) {
                    disassemble(&mut out, c.bits, rip, &bytes[..bytes.len().min(15)]);
                }
                out += &d.text;
            }
            Ok(_) => out += "does not differ when it is run again: the engine depends on something else\n",
        }
        out
    }
}

fn disassemble(out: &mut String, bits: u32, ip: u64, bytes: &[u8]) {
    let mut formatter = NasmFormatter::new();
    let mut decoder = Decoder::with_ip(bits, bytes, ip, DecoderOptions::NONE);
    let mut ins = Instruction::default();
    while decoder.can_decode() {
        let at = decoder.position();
        decoder.decode_out(&mut ins);
        let mut text = String::new();
        formatter.format(&ins, &mut text);
        let hex: String = bytes[at..decoder.position()].iter().map(|b| format!("{b:02x}")).collect();
        let _ = writeln!(out, "  {:6x}  {hex:<24}  {text}", ins.ip());
    }
}

/// Programs of one kind, by number.
pub struct Soak {
    kind: Kind,
    engine: MakeEngine,
    forms: BTreeMap<ModelName, Forms>,
}

impl Soak {
    /// With the engine that is compared with the interpreter.
    pub fn new(kind: Kind, engine: MakeEngine) -> Self {
        Self { kind, engine, forms: BTreeMap::new() }
    }

    /// The program of this number alone: see [`Program::survey`].
    pub fn survey(&mut self, seed: u64) -> [u64; 4] {
        let mut random = start(seed);
        match self.kind {
            Kind::Bits(bits) => self.program(bits, &mut random).survey(),
            Kind::Noise => [0; 4],
        }
    }

    fn program(&mut self, bits: u32, random: &mut Random) -> Program {
        let config = Config::random(bits, random);
        let forms = self.forms.entry(config.model).or_insert_with(|| Forms::new(bits, &Model::new(config.model)));
        Program::random(&config, forms, random)
    }

    /// Runs the program of this number; how many instructions it retired.
    ///
    /// # Errors
    /// A report of the difference.
    pub fn run(&mut self, seed: u64) -> Result<u64, String> {
        let mut random = start(seed);
        match self.kind {
            Kind::Bits(bits) => {
                let program = self.program(bits, &mut random);
                let way = Way::random(&mut random, INSNS, self.engine);
                program.run_both(&way).map_err(|_| {
                    let (program, way) = program.minimise(way);
                    format!("seed {seed}: {}", program.report(&way))
                })
            }
            Kind::Noise => noise(seed, &mut random, self.engine),
        }
    }
}

/// The random numbers of a seed.
fn start(seed: u64) -> Random {
    // The odd factor spreads neighbouring numbers over all bits; the state must not be 0.
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d | 1);
    for _ in 0..4 {
        random.next();
    }
    random
}

/// Noise: an input of the fuzz target `code`, and a variant of it.
fn noise(seed: u64, random: &mut Random, engine: MakeEngine) -> Result<u64, String> {
    let sample = fuzz_code::sample(random);
    let variant = random.mutate(&sample);
    let mut retired = 0;
    for bytes in [sample, variant] {
        let way = Way::random(random, NOISE_INSNS, engine);
        let run = |bytes: &[u8], way: &Way| run_both(&|engine| fuzz_code::build(bytes, engine).0, way);
        match run(&bytes, &way) {
            Ok(n) => retired += n,
            Err(_) => return Err(noise_report(seed, bytes, &way, &run)),
        }
    }
    Ok(retired)
}

/// Runs bytes in a way on both engines.
type Trial<'a> = &'a dyn Fn(&[u8], &Way) -> Result<u64, Difference>;

fn noise_report(seed: u64, mut bytes: Vec<u8>, way: &Way, run: Trial<'_>) -> String {
    // Bytes from the end that are not needed; then any that can be NOPs.
    while let Some((_, shorter)) = bytes.split_last() {
        if run(shorter, way).is_ok() {
            break;
        }
        bytes.truncate(shorter.len());
    }
    for n in 0..bytes.len() {
        let old = std::mem::replace(&mut bytes[n], 0x90);
        if run(&bytes, way).is_ok() {
            bytes[n] = old;
        }
    }
    let mut out = format!("seed {seed}: input {bytes:02x?}\n");
    let (m, name, code) = fuzz_code::build(&bytes, Box::new(Interpreter::new()));
    let _ = writeln!(out, "{}-bit on {name:?}, cr0 {:#x}, cr4 {:#x}", m.x.ctx.code.bits(), m.x.st.cr0, m.x.st.cr4);
    disassemble(&mut out, m.x.ctx.code.bits(), m.x.st.rip(), code);
    let _ = writeln!(
        out,
        "threshold and drafts {:?}, pausing {}, stops {:?}",
        way.heat,
        way.pausing,
        &way.stops[..way.stops.len().min(12)]
    );
    if let Err(d) = run(&bytes, way) {
        let _ = writeln!(out, "differs at {}; good at {}, where RIP was {:#x}", d.at, d.good.0, d.good.1);
        out += &d.text;
    }
    out
}
