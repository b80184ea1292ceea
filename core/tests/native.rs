//! The interpreter against the host CPU: random instances of every user-mode instruction form.
//!
//! Each instance runs natively and in the interpreter from the same registers and memory, in 64-bit mode; registers, defined
//! flags, x87 and SSE state, memory and faults must be equal. The seed is fixed; others:
//!
//! ```text
//! FERRITE_SEED=7 FERRITE_ROUNDS=100000 cargo test --release -p ferrite-core --test native -- --nocapture
//! FERRITE_FORM=Imul cargo test ...     only forms whose name contains this
//! ```
#![allow(missing_docs, unsafe_code, clippy::disallowed_types)]

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[test]
fn the_interpreter_equals_the_host_cpu() {
    println!("skipped: this host is not x86-64 Linux");
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[path = "native/generate.rs"]
mod generate;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[path = "native/guest.rs"]
mod guest;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[path = "native/host.rs"]
mod host;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use guest::State;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
fn the_interpreter_equals_the_host_cpu() {
    use generate::{Rng, forms, instance};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let var = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let (seed, rounds) = (var("FERRITE_SEED", 1), var("FERRITE_ROUNDS", 300));
    let only = std::env::var("FERRITE_FORM").unwrap_or_default();
    let mut guest = guest::Guest::new();
    let (mut ran, mut failures, mut bad_forms) = (0u64, Vec::new(), Vec::new());
    for code in forms() {
        let name = format!("{code:?}");
        if !name.contains(&only) {
            continue;
        }
        let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (code as u64 + 1) << 32 | 1);
        let mut bad = 0;
        for _ in 0..rounds {
            let Some((ins, bytes, state, data)) = instance(code, &mut rng) else { continue };
            let (mut want, mut want_data) = (state.clone(), data.clone());
            let signal = host::run(&bytes, &mut want, &mut want_data);
            let (mut got, mut got_data) = (state.clone(), data.clone());
            let run = AssertUnwindSafe(|| guest.run(&bytes, &mut got, &mut got_data));
            let Ok(fault) = catch_unwind(run) else {
                bad += 1;
                failures.push(format!("{name}: {ins} ({bytes:02x?}) panics"));
                break;
            };
            ran += 1;
            if let Some(why) = guest::difference(&ins, (signal, &want, &want_data), (fault, &got, &got_data)) {
                bad += 1;
                if bad == 1 {
                    failures.push(format!("{name}: {ins} ({bytes:02x?})\n  from {}\n  {why}", state.brief()));
                }
            }
        }
        if bad > 0 {
            bad_forms.push(format!("{name} ({bad}/{rounds})"));
        }
    }
    println!("{ran} instances ran natively and in the interpreter");
    assert!(ran > 0, "no form was generated");
    assert!(failures.is_empty(), "{}\n{} forms differ: {}", failures.join("\n"), bad_forms.len(), bad_forms.join(", "));
}
