//! Every test ROM with every instruction translated: see `core/tests/rig/roms.rs`.
//!
//! Each ROM must end as its header says, and at every count at which it is looked at its state must be the interpreter's.
//! `ROM=paging cargo test -p ferrite-jit --test roms` runs those whose name contains the word.

#[path = "../../core/tests/rig/roms.rs"]
mod rig;

use ferrite_core::compare;
use ferrite_core::cpu::ModelName;
use ferrite_core::engine::Engine;
use ferrite_core::interp::Interpreter;
use ferrite_jit::{Config, Jit};
use ferrite_test_roms::Rom;

/// Looks at each run.
const LOOKS: u64 = 7;

/// How soon code is translated: at once, and when it has been interpreted.
const THRESHOLDS: [u32; 2] = [1, 3];

fn jit(threshold: u32) -> Box<dyn Engine> {
    let config = Config { threshold, background: false, ..Config::default() };
    Box::new(Jit::new(&config).expect("the host had it a moment ago"))
}

fn is_missing() -> bool {
    match Jit::new(&Config::default()) {
        Ok(_) => false,
        Err(why) => {
            println!("skipped: {why}");
            true
        }
    }
}

#[test]
fn every_rom_holds_on_every_model_it_names() {
    if is_missing() {
        return;
    }
    let wanted = std::env::var("ROM").unwrap_or_default();
    rig::for_all(&wanted, |rom, model| THRESHOLDS.iter().try_for_each(|n| rig::check(rom, model, &|| jit(*n))));
}

/// The state after any count, and at the end.
fn same_at_any_count(rom: &Rom, model: ModelName, threshold: u32) -> Result<(), String> {
    let whole = |m: &mut ferrite_core::machine::Machine| (rig::run(m, rig::INSNS), m.retired());
    let mut straight = rig::machine(rom, model, Box::new(Interpreter::new()));
    let (_, end) = whole(&mut straight);
    let mut want = rig::machine(rom, model, Box::new(Interpreter::new()));
    let mut got = rig::machine(rom, model, jit(threshold));
    // Uneven steps, so that the looks fall anywhere in loops.
    for count in (1..LOOKS).map(|n| end * n / LOOKS + n).chain([rig::INSNS]) {
        let outcomes = (rig::run(&mut want, count), rig::run(&mut got, count));
        let what = compare::cpus(&want, &got) + &compare::memory(&want, &got) + &compare::devices(&want, &got);
        if outcomes.0 != outcomes.1 || !what.is_empty() {
            let state = rig::state(&want);
            return Err(format!("at {count}, threshold {threshold}: {outcomes:?}\n{what}    {state}"));
        }
    }
    Ok(())
}

#[test]
fn after_any_count_the_state_is_the_interpreters() {
    if is_missing() {
        return;
    }
    let wanted = std::env::var("ROM").unwrap_or_default();
    rig::for_all(&wanted, |rom, model| THRESHOLDS.iter().try_for_each(|n| same_at_any_count(rom, model, *n)));
}
