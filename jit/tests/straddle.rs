//! A stack frame across two pages: what lies in the second is not found beside the first, and must not cost a way back to the engine
//! each time, nor a translation for each instruction.

mod shared;

use shared::{counted, same_by_each};

/// Regions, which hold on to a page in a straight line; drafts, which move their window.
const SETTINGS: [(u32, u32); 3] = [(3, 0), (3, 1), (u32::MAX, 1)];
/// Rounds that the ROM makes, each with tens of accesses in the second page.
const ROUNDS: u64 = 20_000;

#[test]
fn what_goes_past_an_edge_is_as_the_interpreter_has_it() {
    for rom in ["hot/gather32", "hot/top32"] {
        same_by_each(&SETTINGS, rom, 3, |_| Ok(()));
    }
}

#[test]
fn accesses_in_its_second_page_stay_in_translated_code() {
    same_by_each(&SETTINGS, "hot/straddle32", 3, |got| {
        let (redone, again) = (counted(got, "jit_exit_interpret"), counted(got, "jit_slow_sites"));
        if redone > ROUNDS / 10 || again > 8 {
            return Err(format!("{redone} came back, {again} translations more"));
        }
        Ok(())
    });
}
