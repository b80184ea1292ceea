#![allow(clippy::disallowed_methods, missing_docs, unsafe_code)]
use ferrite_core::cpu::segment::{Seg, attr};
use ferrite_core::cpu::{CpuState, Model, ModelName, Segment};
use ferrite_core::engine::Engine;
use ferrite_core::exec::Exec;
use ferrite_core::interp::Interpreter;
use ferrite_core::system::System;
use ferrite_jit::{Config, Jit};
use std::time::Instant;

const LOOPS: [(&str, &[u8]); 6] = [
    ("alu", include_bytes!("../../core/benches/loops/alu.bin")),
    ("memory", include_bytes!("../../core/benches/loops/memory.bin")),
    ("call/return", include_bytes!("../../core/benches/loops/call.bin")),
    ("string", include_bytes!("../../core/benches/loops/string.bin")),
    ("x87", include_bytes!("../../core/benches/loops/x87.bin")),
    ("sse", include_bytes!("../../core/benches/loops/sse.bin")),
];
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
    let only = std::env::args().nth(1);
    for (name, code) in LOOPS {
        if only.as_deref().is_some_and(|o| o != name) {
            continue;
        }
        let mut a = flat32(code);
        let mut b = flat32(code);
        let mut interp = Interpreter::new();
        let mut jit = Jit::new(&Config { threshold: 50, background: false, ..Config::default() }).unwrap();
        for n in [1_000_000u64, 1_000_001, 1_000_777, 3_000_000] {
            interp.run(&mut a, n);
            Engine::run(&mut jit, &mut b, n);
            if a.st != b.st || a.retired != b.retired {
                println!("{name}: differ at {n}: {} {}", a.retired, b.retired);
                println!("{:x?}\n{:x?}", &a.st.regs[..17], &b.st.regs[..17]);
                println!("{:x} {:x}", a.st.flags.bits(), b.st.flags.bits());
                break;
            }
        }
        let t = Instant::now();
        interp.run(&mut a, 53_000_000);
        let ti = t.elapsed().as_secs_f64();
        let t = Instant::now();
        Engine::run(&mut jit, &mut b, 53_000_000);
        let tj = t.elapsed().as_secs_f64();
        println!(
            "{name:<12} interp {:8.1} jit {:8.1} MIPS  {}",
            50.0 / ti,
            50.0 / tj,
            if a.st == b.st { "equal" } else { "DIFFER" }
        );
        println!("   {:?}", jit.counters(&b));
    }
}
