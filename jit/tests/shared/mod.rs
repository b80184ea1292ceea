//! What the tests that run ROMs on the JIT share: whether there is one, and the comparison with the interpreter.
#![allow(dead_code)] // none uses all of it

#[path = "../../../core/tests/rig/roms.rs"]
pub mod rig;

use ferrite_core::compare;
use ferrite_core::cpu::ModelName;
use ferrite_core::engine::Engine;
use ferrite_core::interp::Interpreter;
use ferrite_core::machine::Machine;
use ferrite_jit::{Config, Jit};
use ferrite_test_roms::Rom;

/// Whether this host can have no JIT; says why.
pub fn is_missing() -> bool {
    match Jit::new(&Config::default()) {
        Ok(_) => false,
        Err(why) => {
            println!("skipped: {why}");
            true
        }
    }
}

/// A configuration by how soon code is translated, and drafted, on the CPU's thread.
pub fn config((threshold, drafts): (u32, u32)) -> Config {
    Config { threshold, drafts, background: false, ..Config::default() }
}

/// The JIT of a configuration.
pub fn jit(config: &Config) -> Box<dyn Engine> {
    Box::new(Jit::new(config).expect("the host had it a moment ago"))
}

/// The same on the JIT, by how soon code is translated, and drafted: for all models of a ROM. `holds` says what is wrong at the end.
pub fn same_by_each(
    settings: &[(u32, u32)],
    rom: &str,
    looks: u64,
    mut holds: impl FnMut(&Machine) -> Result<(), String>,
) {
    if is_missing() {
        return;
    }
    for &setting in settings {
        let config = config(setting);
        rig::for_all(rom, |rom, model| {
            let got = same_at_any_count(rom, model, jit(&config), looks)?;
            holds(&got).map_err(|why| format!("{setting:?}: {why}"))
        });
    }
}

/// What a machine's engine has counted under a name; 0 for a name that it does not know.
pub fn counted(m: &Machine, name: &str) -> u64 {
    m.counters().iter().find(|c| c.0 == name).map_or(0, |c| c.1)
}

/// Runs both machines to a count and compares how they ended, and all of their state.
pub fn same_at(want: &mut Machine, got: &mut Machine, count: u64) -> Result<(), String> {
    let outcomes = (rig::run(want, count), rig::run(got, count));
    let what = compare::cpus(want, got) + &compare::memory(want, got) + &compare::devices(want, got);
    if outcomes.0 == outcomes.1 && what.is_empty() {
        return Ok(());
    }
    Err(format!("at {count}: {outcomes:?}\n{what}    {}", rig::state(want)))
}

/// The state after any of `looks` counts, and at the end. Gives the machine that ran on `engine`.
pub fn same_at_any_count(rom: &Rom, model: ModelName, engine: Box<dyn Engine>, looks: u64) -> Result<Machine, String> {
    let mut straight = rig::machine(rom, model, Box::new(Interpreter::new()));
    rig::run(&mut straight, rig::INSNS);
    let end = straight.retired();
    let mut want = rig::machine(rom, model, Box::new(Interpreter::new()));
    let mut got = rig::machine(rom, model, engine);
    // Uneven steps, so that the looks fall anywhere in loops.
    for count in (1..looks).map(|n| end * n / looks + n).chain([rig::INSNS]) {
        same_at(&mut want, &mut got, count)?;
    }
    match counted(&got, "jit_refused") {
        0 => Ok(got),
        n => Err(format!("{n} regions could not be translated")),
    }
}
