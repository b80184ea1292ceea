//! The targets without libFuzzer, on variants of their seeds and on noise: `soak SECONDS SEED [TARGET...]`. Without
//! instrumentation it runs many times as many traces; a finding prints its bytes.

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use ferrite_devices_fuzz::devices::{TARGETS, Target};
use ferrite_devices_fuzz::input::Random;
use ferrite_devices_fuzz::seeds::seeds;

fn main() {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [seconds, seed, names @ ..] = &args[..] else { usage() };
    let (Ok(seconds), Ok(seed)) = (seconds.parse(), seed.parse::<u64>()) else { usage() };
    let wanted = |t: &&Target| names.is_empty() || names.iter().any(|n| n == t.name);
    let mut findings = 0;
    for target in TARGETS.iter().filter(wanted) {
        findings += soak(target, Duration::from_secs(seconds), seed);
    }
    std::process::exit(i32::from(findings != 0));
}

fn usage() -> ! {
    eprintln!("soak: SECONDS for each target and a SEED are needed, then the targets to run (all when none is named)");
    std::process::exit(2)
}

/// Findings of one target.
fn soak(target: &Target, time: Duration, seed: u64) -> usize {
    let (seeds, start) = (seeds(target), Instant::now());
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (mut runs, mut findings, mut slowest) = (0u64, 0, Duration::ZERO);
    while start.elapsed() < time && findings < 5 {
        let mut bytes = match random.below(8) {
            0 => random.bytes(800),
            _ => seeds[random.below(seeds.len())].clone(),
        };
        for _ in 0..random.below(6) {
            bytes = match random.below(4) {
                0 => {
                    let other = random.below(seeds.len());
                    [random.mutate(&bytes), random.mutate(&seeds[other])].concat()
                }
                _ => random.mutate(&bytes),
            };
        }
        bytes.truncate(4000);
        let begin = Instant::now();
        if catch_unwind(|| (target.run)(&bytes)).is_err() {
            findings += 1;
            eprintln!("soak: {}: {bytes:02x?}", target.name);
        }
        (runs, slowest) = (runs + 1, slowest.max(begin.elapsed()));
    }
    println!("{}: {runs} traces, the slowest {} ms, {findings} findings", target.name, slowest.as_millis());
    findings
}
