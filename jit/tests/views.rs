//! A system opens its users' memory for an access and closes it again (STAC, CLAC): translated code goes on across both, and sees each.

mod shared;

use shared::{counted, same_by_each};

/// Regions, drafts, regions after drafts.
const SETTINGS: [(u32, u32); 3] = [(3, 0), (u32::MAX, 1), (30, 1)];
/// Instructions of the two kinds that the ROM runs at least, and page faults that it raises at most.
const SWITCHES: u64 = 80_000;
const FAULTS: u64 = 7000;

#[test]
fn users_memory_is_opened_and_closed_within_translated_code() {
    same_by_each(&SETTINGS, "hot/smap32", 3, |got| match counted(got, "jit_exit_attention") {
        looked if looked > SWITCHES / 4 + FAULTS => Err(format!("{looked} times the engine was asked to look")),
        _ => Ok(()),
    });
}
