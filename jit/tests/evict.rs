//! A code memory that is too small by far: what is evicted is translated again, and the guest sees nothing of it.

mod shared;

use ferrite_jit::Config;
use shared::{counted, is_missing, jit, rig, same_at_any_count};

/// The smallest that there is: a few regions a segment.
const TINY: Config = Config {
    code_cache: 1,
    translations: None,
    perf_map: false,
    dump: Vec::new(),
    threshold: 3,
    drafts: 1,
    background: false,
    say: |line| panic!("{line}"),
};

/// Looks at each run.
const LOOKS: u64 = 5;

fn all(wanted: &str) {
    if is_missing() {
        return;
    }
    let mut evicted = 0;
    rig::for_all(wanted, |rom, model| {
        let got = same_at_any_count(rom, model, jit(&TINY), LOOKS)?;
        evicted += counted(&got, "jit_evicted");
        Ok(())
    });
    // On a host without drafts all regions of such a ROM have room.
    let has_drafts = cfg!(all(target_arch = "x86_64", unix));
    assert!(evicted > 100 || !has_drafts, "{evicted} translations were evicted");
}

#[test]
fn code_that_gives_way_and_comes_back_runs_as_before() {
    all("hot/faults32");
}

#[test]
fn drafts_that_gave_way_are_written_again() {
    if is_missing() {
        return;
    }
    let config = |code_cache| Config { code_cache, threshold: u32::MAX, ..TINY };
    let written = |code_cache| {
        let mut drafts = 0;
        rig::for_all("hot/faults32", |rom, model| {
            let got = same_at_any_count(rom, model, jit(&config(code_cache)), LOOKS)?;
            drafts += counted(&got, "jit_drafts");
            Ok(())
        });
        drafts
    };
    let (few, many) = (written(64 << 20), written(1));
    // A host that has no drafts writes none.
    assert!(few == 0 || many > few, "{few} drafts with room, {many} without");
}

#[test]
#[ignore = "every block is translated before it runs: minutes"]
fn every_rom_ends_as_it_should_in_too_little_code_memory() {
    all(&std::env::var("ROM").unwrap_or_default());
}
