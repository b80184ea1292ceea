//! The target `code` without libFuzzer, on samples and variants of them: `soak SEED COUNT`. Without instrumentation
//! it runs ten times as many of them; a finding names the number to start from.

use ferrite_fuzz::code;
use ferrite_fuzz::input::Random;
use std::panic::catch_unwind;

fn main() {
    let mut args = std::env::args().skip(1).map(|a| a.parse::<u64>());
    let (Some(Ok(first)), Some(Ok(count))) = (args.next(), args.next()) else {
        eprintln!("soak: a seed and a number of inputs are needed");
        std::process::exit(2);
    };
    let mut findings = 0;
    for n in first..first.saturating_add(count) {
        // The odd factor spreads neighbouring numbers over all bits; the state must not be 0.
        let mut random = Random(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let input = code::sample(&mut random);
        let variant = random.mutate(&input);
        for bytes in [&input, &variant] {
            if catch_unwind(|| code::target(bytes)).is_err() {
                findings += 1;
                eprintln!("soak: seed {n}: {bytes:02x?}");
            }
        }
    }
    println!("{} inputs, {findings} findings", 2 * count);
    std::process::exit(i32::from(findings != 0));
}
