//! Every test ROM with every instruction translated: see `core/tests/rig/roms.rs`.
//!
//! Each ROM must end as its header says, and at every count at which it is looked at its state must be the interpreter's.
//! `ROM=paging cargo test -p ferrite-jit --test roms` runs those whose name contains the word.

mod shared;

use ferrite_core::engine::Engine;
use shared::{is_missing, rig, same_at_any_count};

/// Looks at each run.
const LOOKS: u64 = 7;

/// How soon code is translated, and drafted: at once and never; when it has been interpreted, and drafts have run; never, and at once; and
/// never, and when it is known what it goes on to.
const HEATS: [(u32, u32); 4] = [(1, 0), (4, 2), (u32::MAX, 1), (u32::MAX, 2)];

fn jit(heat: (u32, u32)) -> Box<dyn Engine> {
    shared::jit(&shared::config(heat))
}

#[test]
fn every_rom_holds_on_every_model_it_names() {
    if is_missing() {
        return;
    }
    let wanted = std::env::var("ROM").unwrap_or_default();
    rig::for_all(&wanted, |rom, model| HEATS.iter().try_for_each(|n| rig::check(rom, model, &|| jit(*n))));
}

#[test]
fn after_any_count_the_state_is_the_interpreters() {
    if is_missing() {
        return;
    }
    let wanted = std::env::var("ROM").unwrap_or_default();
    rig::for_all(&wanted, |rom, model| {
        HEATS.iter().try_for_each(|&n| {
            let same = same_at_any_count(rom, model, jit(n), LOOKS);
            same.map(drop).map_err(|e| format!("threshold and drafts {n:?}, {e}"))
        })
    });
}
