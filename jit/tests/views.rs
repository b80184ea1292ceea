//! A system opens its users' memory for an access and closes it again (STAC, CLAC): translated code goes on across both, and sees each.

mod shared;

use shared::{config, counted, is_missing, jit, rig, same_at_any_count};

/// Regions, drafts, regions after drafts.
const SETTINGS: [(u32, u32); 3] = [(3, 0), (u32::MAX, 1), (30, 1)];
/// Instructions of the two kinds that the ROM runs at least, and page faults that it raises at most.
const SWITCHES: u64 = 80_000;
const FAULTS: u64 = 7000;

#[test]
fn users_memory_is_opened_and_closed_within_translated_code() {
    if is_missing() {
        return;
    }
    for (threshold, drafts) in SETTINGS {
        let config = config((threshold, drafts));
        rig::for_all("hot/smap32", |rom, model| {
            let got = same_at_any_count(rom, model, jit(&config), 3)?;
            let looked = counted(&got, "jit_exit_attention");
            if looked > SWITCHES / 4 + FAULTS {
                return Err(format!("{threshold}, {drafts}: {looked} times the engine was asked to look"));
            }
            Ok(())
        });
    }
}
