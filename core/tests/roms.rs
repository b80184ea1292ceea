//! Every test ROM on every CPU model that its header names.
//!
//! Each runs as it is, and once more with a save and a load into a fresh machine half-way: both must end as the header says
//! and in equal states. `ROM=paging cargo test --test roms -- --nocapture` runs those whose name contains the word.

#[path = "rig/roms.rs"]
mod rig;

use ferrite_core::cpu::ModelName;
use ferrite_core::engine::Engine;
use ferrite_core::interp::Interpreter;
use ferrite_test_roms::Rom;

fn interpreter() -> Box<dyn Engine> {
    Box::new(Interpreter::new())
}

#[test]
fn every_rom_holds_on_every_model_it_names() {
    let wanted = std::env::var("ROM").unwrap_or_default();
    rig::for_all(&wanted, |rom, model| rig::check(rom, model, &interpreter));
}

#[test]
fn a_rom_runs_the_same_way_twice() {
    let rom = Rom::find("hello/hello").expect("the ROM hello");
    let digests = [(); 2].map(|()| {
        let mut m = rig::machine(rom, ModelName::Max, interpreter());
        rig::run(&mut m, rig::INSNS);
        (m.retired(), m.digest())
    });
    assert_eq!(digests[0], digests[1]);
}
