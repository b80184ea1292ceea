//! A moment of the soak in `examples/lockstep.rs`, with the same programs in every run.
//!
//! `FERRITE_SEED=N FERRITE_ROUNDS=N cargo test -p ferrite-jit --test random` runs others.

#[path = "lockstep/mod.rs"]
mod lockstep;

use ferrite_jit::{Config, Jit};
use lockstep::{Kind, Soak};

fn soak(kind: Kind, rounds: u64) {
    if let Err(why) = Jit::new(&Config::default()) {
        println!("skipped: {why}");
        return;
    }
    let var = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (first, rounds) = (var("FERRITE_SEED", 1), var("FERRITE_ROUNDS", rounds));
    let mut soak = Soak::new(kind);
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
