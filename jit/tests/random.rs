//! A moment of the soak in `examples/lockstep.rs`, with the same programs in every run.
//!
//! `FERRITE_SEED=N FERRITE_ROUNDS=N cargo test -p ferrite-jit --test random` runs others.

#[path = "lockstep/mod.rs"]
mod lockstep;

use ferrite_core::cpu::state::{RCX, RDX};
use ferrite_core::engine::Engine;
use ferrite_core::exec::{Exec, Exit};
use ferrite_core::interp::Interpreter;
use ferrite_jit::{Config, Jit};
use lockstep::{Kind, Soak};

fn soak(kind: Kind, rounds: u64) {
    if let Err(why) = Jit::new(&Config::default()) {
        println!("skipped: {why}");
        return;
    }
    let var = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (first, rounds) = (var("FERRITE_SEED", 1), var("FERRITE_ROUNDS", rounds));
    let mut soak = Soak::new(kind, lockstep::jit);
    let mut retired = 0;
    for seed in first..first + rounds {
        match soak.run(seed) {
            Ok(n) => retired += n,
            Err(report) => panic!("{report}"),
        }
    }
    println!("{kind:?}: {rounds} programs, {retired} instructions");
    assert!(retired > rounds * 100, "the programs end at once: {retired} instructions in {rounds}");
}

#[test]
fn programs_in_16_bit_mode_run_alike() {
    soak(Kind::Bits(16), 60);
}

#[test]
fn programs_in_32_bit_mode_run_alike() {
    soak(Kind::Bits(32), 60);
}

#[test]
fn programs_in_64_bit_mode_run_alike() {
    soak(Kind::Bits(64), 60);
}

#[test]
fn noise_in_every_mode_runs_alike() {
    soak(Kind::Noise, 400);
}

/// Wrong in one register when another holds one value.
#[derive(Debug, Default)]
struct Wrong(Interpreter);

impl Engine for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn run(&mut self, x: &mut Exec, limit: u64) -> Exit {
        let exit = self.0.run(x, limit);
        x.st.regs[usize::from(RDX)] ^= u64::from(x.st.regs[usize::from(RCX)] as u8 == 5);
        exit
    }
    fn run_one(&mut self, x: &mut Exec) -> Option<Exit> {
        self.0.run_one(x)
    }
    fn clear(&mut self, x: &mut Exec) {
        self.0.clear(x);
    }
    fn counters(&self, _: &Exec) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

#[test]
fn a_wrong_engine_is_found_and_what_it_does_wrong_is_short() {
    for kind in [Kind::Bits(16), Kind::Bits(32), Kind::Bits(64), Kind::Noise] {
        let mut soak = Soak::new(kind, |_| Box::new(Wrong::default()));
        // What depends on the count is harder to shorten than most: the shortest of a few.
        let reports: Vec<String> = (1..1000).filter_map(|seed| soak.run(seed).err()).take(4).collect();
        let program = |r: &String| r.lines().take_while(|l| !l.starts_with("differs")).count();
        let report = reports.iter().min_by_key(|r| program(r)).unwrap_or_else(|| panic!("{kind:?}: not found"));
        assert!(report.contains("rdx: interp") && report.contains("differs at"), "{report}");
        assert!(kind == Kind::Noise || program(report) < 16, "{report}");
    }
}
