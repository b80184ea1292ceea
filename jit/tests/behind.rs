//! A loop is one region, however many blocks it is of, which are all hot at the same time; where they lie one behind the other it is one
//! draft before, though none but the first is counted then.

mod shared;

use shared::{config, counted, is_missing, jit, rig, same_at_any_count};

/// Instructions of the ROM's loops.
const LOOPS: u64 = 14 + 14;

#[test]
fn a_loop_is_one_region() {
    if is_missing() {
        return;
    }
    for (threshold, drafts) in [(2000, 40), (2000, 2), (300, 100)] {
        rig::for_all("hot/behind32", |rom, model| {
            let got = same_at_any_count(rom, model, jit(&config((threshold, drafts))), 5)?;
            let made = ["jit_regions", "jit_guest_insns"].map(|name| counted(&got, name));
            if made != [2, LOOPS] {
                return Err(format!("{threshold}, {drafts}: {made:?} regions and instructions in them"));
            }
            // The ways into the loops, the loops, of which one has jumps, and what little runs often before.
            match counted(&got, "jit_drafts") {
                0..18 => Ok(()),
                n => Err(format!("{threshold}, {drafts}: {n} drafts")),
            }
        });
    }
}

#[test]
fn data_beside_code_is_not_worth_a_draft_for_each_write() {
    if is_missing() {
        return;
    }
    rig::for_all("hot/beside32", |rom, model| {
        let got = same_at_any_count(rom, model, jit(&config((u32::MAX, 40))), 5)?;
        match counted(&got, "jit_drafts") {
            n @ 30.. => Err(format!("{n} drafts")),
            _ => Ok(()),
        }
    });
}
