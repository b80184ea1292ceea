//! Random programs on the JIT and the interpreter, for as long as they are given:
//! `cargo run --release -p ferrite-jit --example lockstep -- 16|32|64|noise [SECONDS [SEED]] [-v]`.
//!
//! The first difference ends it with status 1 and the shortest program that has it. The seed that is printed finds it again at
//! once. `-s` says how much of the programs runs instead. With `-v` each seed is printed before its program runs, for the case that the process itself dies.
#![allow(clippy::disallowed_methods)] // how long it runs is a matter of the host's clock

#[path = "../tests/lockstep/mod.rs"]
mod lockstep;

use lockstep::{Kind, Soak};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let (flags, args): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|a| a.starts_with('-'));
    let kind = match args.first().map(String::as_str) {
        Some("16") => Kind::Bits(16),
        Some("32") => Kind::Bits(32),
        Some("64") => Kind::Bits(64),
        Some("noise") => Kind::Noise,
        _ => {
            eprintln!("lockstep: 16, 32, 64 or noise is needed, then seconds and a seed");
            return ExitCode::from(2);
        }
    };
    let number = |n: usize, default: u64| args.get(n).map_or(Some(default), |a| a.parse().ok());
    let (Some(seconds), Some(first)) = (number(1, 10), number(2, 1)) else {
        eprintln!("lockstep: seconds and seed are numbers");
        return ExitCode::from(2);
    };
    if let Err(why) = ferrite_jit::Jit::new(&ferrite_jit::Config::default()) {
        eprintln!("lockstep: {why}");
        return ExitCode::from(4);
    }
    if flags.iter().any(|f| f == "-s") {
        let mut soak = Soak::new(kind);
        let sum =
            (first..first + 100).map(|n| soak.survey(n)).fold([0; 4], |a, b| std::array::from_fn(|n| a[n] + b[n]));
        println!(
            "of 100 programs: {} items, {} run, {} instructions in them, {} faults",
            sum[0], sum[1], sum[2], sum[3]
        );
        return ExitCode::SUCCESS;
    }
    let verbose = flags.iter().any(|f| f == "-v");
    let (start, end) = (Instant::now(), Duration::from_secs(seconds));
    let mut said = Duration::ZERO;
    let mut soak = Soak::new(kind);
    let mut retired = 0;
    let mut seed = first;
    while start.elapsed() < end {
        if verbose {
            eprintln!("seed {seed}");
        }
        match soak.run(seed) {
            Ok(n) => retired += n,
            Err(report) => {
                println!("{report}");
                return ExitCode::FAILURE;
            }
        }
        seed += 1;
        if start.elapsed() >= said + Duration::from_secs(10) {
            said = start.elapsed();
            eprintln!("{} s: up to seed {seed}, {retired} instructions", said.as_secs());
        }
    }
    println!("{kind:?}: {} programs from seed {first}, {retired} instructions, no difference", seed - first);
    ExitCode::SUCCESS
}
