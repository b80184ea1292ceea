//! Guest MIPS of the interpreter on fixed, in-tree loops: `cargo bench -p ferrite-core [-- NAME]`.
//!
//! An iteration of a repeated string instruction counts as an instruction, as everywhere in Ferrite.
#![allow(clippy::disallowed_methods, missing_docs)] // a bench reads the host's clock

use ferrite_core::cpu::segment::{Seg, attr};
use ferrite_core::cpu::{CpuState, Model, ModelName, Segment};
use ferrite_core::exec::Exec;
use ferrite_core::interp::Interpreter;
use ferrite_core::system::System;
use std::time::Instant;

const LOOPS: [(&str, &[u8]); 6] = [
    ("alu", include_bytes!("loops/alu.bin")),
    ("memory", include_bytes!("loops/memory.bin")),
    ("call/return", include_bytes!("loops/call.bin")),
    ("string", include_bytes!("loops/string.bin")),
    ("x87", include_bytes!("loops/x87.bin")),
    ("sse", include_bytes!("loops/sse.bin")),
];
const WARM_UP: u64 = 1_000_000;
const INSNS: u64 = 50_000_000;

/// Flat 32-bit protected mode, ring 0, SSE enabled, at linear 1000h.
fn flat32(code: &[u8]) -> Exec {
    let mut x = Exec::new(Model::new(ModelName::Max), System::bare(1 << 20));
    x.sys.mem.write(0x1000, code);
    let mut st = CpuState::reset();
    let data = attr::P | attr::S | attr::RW | attr::ACCESSED | attr::DB | attr::G;
    for s in Seg::ALL {
        let a = if s == Seg::Cs { data | attr::CODE } else { data };
        st.seg[s as usize] = Segment { selector: 8, attr: a, limit: u32::MAX, base: 0 };
    }
    st.cr0 = 0x33;
    st.cr4 = 0x600;
    st.set_rip(0x1000);
    x.st = st;
    x.refresh();
    x
}

fn main() {
    let only = std::env::args().nth(1).filter(|a| !a.starts_with('-'));
    for (name, code) in LOOPS {
        if only.as_deref().is_some_and(|o| o != name) {
            continue;
        }
        let mut x = flat32(code);
        let mut cpu = Interpreter::new();
        cpu.run(&mut x, WARM_UP);
        let start = Instant::now();
        cpu.run(&mut x, WARM_UP + INSNS);
        let mips = (x.retired - WARM_UP) as f64 / start.elapsed().as_secs_f64() / 1e6;
        println!("{name:<12} interpreter  {mips:8.1} MIPS");
    }
}
