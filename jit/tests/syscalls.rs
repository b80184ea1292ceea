//! Control goes from a user's code to its system's and back, in modes of two privileges, without the engine.

mod shared;

use shared::{counted, same_by_each};

/// Regions, drafts, regions after drafts.
const SETTINGS: [(u32, u32); 3] = [(3, 0), (u32::MAX, 1), (30, 1)];
/// Changes of mode between two that the ROM makes, and among three.
const BETWEEN_TWO: u64 = 80_000;
const AMONG_THREE: u64 = 3000;

#[test]
fn system_calls_stay_in_translated_code() {
    same_by_each(&SETTINGS, "hot/syscalls64", 5, |got| match counted(got, "jit_entered") {
        entered if entered > BETWEEN_TWO / 8 + AMONG_THREE => Err(format!("{entered} times by way of the engine")),
        _ => Ok(()),
    });
}
