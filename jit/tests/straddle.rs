//! A stack frame across two pages: what lies in the second is not found beside the first, and must not cost a way back to the engine
//! each time, nor a translation for each instruction.

mod shared;

use shared::{config, counted, is_missing, jit, rig, same_at_any_count};

/// Regions, which hold on to a page in a straight line; drafts, which move their window.
const SETTINGS: [(u32, u32); 3] = [(3, 0), (3, 1), (u32::MAX, 1)];
/// Rounds that the ROM makes, each with tens of accesses in the second page.
const ROUNDS: u64 = 20_000;

#[test]
fn what_goes_past_an_edge_is_as_the_interpreter_has_it() {
    if is_missing() {
        return;
    }
    for config in SETTINGS.map(config) {
        for rom in ["hot/gather32", "hot/top32"] {
            rig::for_all(rom, |rom, model| same_at_any_count(rom, model, jit(&config), 3).map(drop));
        }
    }
}

#[test]
fn accesses_in_its_second_page_stay_in_translated_code() {
    if is_missing() {
        return;
    }
    for (threshold, drafts) in SETTINGS {
        let config = config((threshold, drafts));
        rig::for_all("hot/straddle32", |rom, model| {
            let got = same_at_any_count(rom, model, jit(&config), 3)?;
            let (redone, again) = (counted(&got, "jit_exit_interpret"), counted(&got, "jit_slow_sites"));
            if redone > ROUNDS / 10 || again > 8 {
                return Err(format!("{threshold}, {drafts}: {redone} came back, {again} translations more"));
            }
            Ok(())
        });
    }
}
