//! Control goes from a user's code to its system's and back, in modes of two privileges, without the engine.

mod shared;

use shared::{config, counted, is_missing, jit, rig, same_at_any_count};

/// Regions, drafts, regions after drafts.
const SETTINGS: [(u32, u32); 3] = [(3, 0), (u32::MAX, 1), (30, 1)];
/// Changes of mode between two that the ROM makes, and among three.
const BETWEEN_TWO: u64 = 80_000;
const AMONG_THREE: u64 = 3000;

#[test]
fn system_calls_stay_in_translated_code() {
    if is_missing() {
        return;
    }
    for (threshold, drafts) in SETTINGS {
        let config = config((threshold, drafts));
        rig::for_all("hot/syscalls64", |rom, model| {
            let got = same_at_any_count(rom, model, jit(&config), 5)?;
            let entered = counted(&got, "jit_entered");
            if entered > BETWEEN_TWO / 8 + AMONG_THREE {
                return Err(format!("{threshold}, {drafts}: {entered} times by way of the engine"));
            }
            Ok(())
        });
    }
}
