//! A stack frame across two pages: what lies in the second is not found beside the first, and must not cost a way back to the engine
//! each time, nor a translation for each instruction.

mod shared;

use ferrite_jit::Config;
use shared::{is_missing, jit, rig, same_at_any_count};

/// Regions, which hold on to a page in a straight line; drafts, which move their window.
const SETTINGS: [(u32, u32); 3] = [(3, 0), (3, 1), (u32::MAX, 1)];
/// Rounds that the ROM makes, each with tens of accesses in the second page.
const ROUNDS: u64 = 20_000;

#[test]
fn accesses_in_its_second_page_stay_in_translated_code() {
    if is_missing() {
        return;
    }
    for (threshold, drafts) in SETTINGS {
        let config = Config { threshold, drafts, background: false, ..Config::default() };
        for rom in ["hot/gather32", "hot/top32"] {
            rig::for_all(rom, |rom, model| same_at_any_count(rom, model, jit(&config), 3).map(drop));
        }
        rig::for_all("hot/straddle32", |rom, model| {
            let got = same_at_any_count(rom, model, jit(&config), 3)?;
            let counters = got.counters();
            let counter = |name: &str| counters.iter().find(|c| c.0 == name).map_or(0, |c| c.1);
            let (redone, again) = (counter("jit_exit_interpret"), counter("jit_slow_sites"));
            if redone > ROUNDS / 10 || again > 8 {
                return Err(format!("{threshold}, {drafts}: {redone} came back, {again} translations more"));
            }
            Ok(())
        });
    }
}
