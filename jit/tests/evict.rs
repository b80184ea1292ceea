//! A code memory that is too small by far: what is evicted is translated again, and the guest sees nothing of it.

#[allow(dead_code)] // some of it is for other tests
#[path = "../../core/tests/rig/roms.rs"]
mod rig;

use ferrite_core::compare;
use ferrite_core::interp::Interpreter;
use ferrite_jit::{Config, Jit};

/// The smallest that there is: a few regions a segment.
const TINY: Config = Config {
    code_cache: 1,
    translations: None,
    perf_map: false,
    dump: Vec::new(),
    threshold: 1,
    background: false,
    say: |line| panic!("{line}"),
};

/// Looks at each run.
const LOOKS: u64 = 5;

fn all(wanted: &str) {
    if let Err(why) = Jit::new(&TINY) {
        println!("skipped: {why}");
        return;
    }
    let mut evicted = 0;
    rig::for_all(wanted, |rom, model| {
        let mut want = rig::machine(rom, model, Box::new(Interpreter::new()));
        rig::run(&mut want, rig::INSNS);
        let end = want.retired();
        let mut want = rig::machine(rom, model, Box::new(Interpreter::new()));
        let mut got = rig::machine(rom, model, Box::new(Jit::new(&TINY).expect("the host had it a moment ago")));
        for count in (1..LOOKS).map(|n| end * n / LOOKS + n).chain([rig::INSNS]) {
            let outcomes = (rig::run(&mut want, count), rig::run(&mut got, count));
            let what = compare::cpus(&want, &got) + &compare::memory(&want, &got) + &compare::devices(&want, &got);
            if outcomes.0 != outcomes.1 || !what.is_empty() {
                return Err(format!("at {count}: {outcomes:?}\n{what}"));
            }
        }
        evicted += got.counters().iter().find(|c| c.0 == "jit_evicted").map_or(0, |c| c.1);
        Ok(())
    });
    assert!(evicted > 100, "{evicted} regions were evicted");
}

#[test]
fn code_that_gives_way_and_comes_back_runs_as_before() {
    all("hot/faults32");
}

#[test]
#[ignore = "every block is translated before it runs: minutes"]
fn every_rom_ends_as_it_should_in_too_little_code_memory() {
    all(&std::env::var("ROM").unwrap_or_default());
}
