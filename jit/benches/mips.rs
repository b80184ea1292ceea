//! Guest MIPS of each engine on fixed, in-tree loops: `cargo bench -p ferrite-jit [-- NAME]`.
//!
//! The loops are those of `core/benches/loops`: 32-bit ones, and 16-bit ones that run in real mode. An iteration of a repeated string
//! instruction counts as an instruction, as everywhere in Ferrite.
#![allow(clippy::disallowed_methods, missing_docs)] // a bench reads the host's clock

use ferrite_core::cpu::segment::{Seg, attr};
use ferrite_core::cpu::{CpuState, Model, ModelName, Segment};
use ferrite_core::engine::Engine;
use ferrite_core::exec::Exec;
use ferrite_core::interp::Interpreter;
use ferrite_core::system::System;
use ferrite_jit::{Config, Jit};
use std::time::{Duration, Instant};

/// A loop's name, its mode and its code.
type Loop = (&'static str, u32, &'static [u8]);

macro_rules! code {
    ($name:literal) => {
        include_bytes!(concat!("../../core/benches/loops/", $name, ".bin"))
    };
}

const LOOPS: [Loop; 9] = [
    ("alu", 32, code!("alu")),
    ("memory", 32, code!("memory")),
    ("call/return", 32, code!("call")),
    ("string", 32, code!("string")),
    ("x87", 32, code!("x87")),
    ("sse", 32, code!("sse")),
    ("alu16", 16, code!("alu16")),
    ("memory16", 16, code!("memory16")),
    ("call16", 16, code!("call16")),
];

/// Long enough for hot code to be translated.
const WARM_UP: Duration = Duration::from_millis(300);
const MEASURED: Duration = Duration::from_millis(1000);
/// Instructions between two looks at the clock.
const STEP: u64 = 2_000_000;

/// Flat 32-bit protected mode, ring 0, SSE enabled, or real mode; at linear 1000h.
fn machine(bits: u32, code: &[u8]) -> Exec {
    let mut x = Exec::new(Model::new(ModelName::Max), System::bare(1 << 20));
    x.sys.mem.write(0x1000, code);
    let mut st = CpuState::reset();
    if bits == 32 {
        let data = attr::P | attr::S | attr::RW | attr::ACCESSED | attr::DB | attr::G;
        for s in Seg::ALL {
            let a = if s == Seg::Cs { data | attr::CODE } else { data };
            st.seg[s as usize] = Segment { selector: 8, attr: a, limit: u32::MAX, base: 0 };
        }
        st.cr0 = 0x33;
        st.cr4 = 0x600;
    } else {
        st.seg = [Segment::real(0); 6];
        st.seg[Seg::Ds as usize] = Segment::real(0x2000);
        st.seg[Seg::Ss as usize] = Segment::real(0x4000);
    }
    st.set_rip(0x1000);
    x.set_state(st);
    x
}

fn mips(engine: &mut dyn Engine, x: &mut Exec) -> f64 {
    let mut run = |length: Duration| {
        let (start, from) = (Instant::now(), x.retired);
        while start.elapsed() < length {
            let limit = x.retired + STEP;
            engine.run(x, limit);
        }
        (x.retired - from) as f64 / start.elapsed().as_secs_f64() / 1e6
    };
    run(WARM_UP);
    run(MEASURED)
}

fn main() {
    let only = std::env::args().nth(1).filter(|a| !a.starts_with('-'));
    if let Err(why) = Jit::new(&Config::default()) {
        println!("no JIT: {why}");
    }
    println!("{:<12} {:>8} {:>8}   MIPS", "loop", "interp", "jit");
    for (name, bits, code) in LOOPS {
        if only.as_deref().is_some_and(|o| !name.contains(o)) {
            continue;
        }
        let interp = mips(&mut Interpreter::new(), &mut machine(bits, code));
        let Ok(mut jit) = Jit::new(&Config::default()) else {
            println!("{name:<12} {interp:8.1}        -");
            continue;
        };
        let jit = mips(&mut jit, &mut machine(bits, code));
        println!("{name:<12} {interp:8.1} {jit:8.1}   {:6.1} times", jit / interp);
    }
}
