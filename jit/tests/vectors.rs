//! A sample of the hardware-captured vectors with every instruction translated: see `core/tests/rig/vectors.rs`.

#[path = "../../core/tests/rig/vectors.rs"]
mod rig;

use ferrite_core::engine::Engine;
use ferrite_core::vectors::suite::Chip;
use ferrite_jit::{Config, Jit, Unavailable};

/// Translates what it meets before it runs, or drafts it.
fn jit((threshold, drafts): (u32, u32)) -> Result<Box<dyn Engine>, Unavailable> {
    let config = Config { threshold, drafts, background: false, ..Config::default() };
    Ok(Box::new(Jit::new(&config)?))
}

fn check(name: &str, chip: Chip) {
    for heat in [(1, 0), (u32::MAX, 1)] {
        match jit(heat) {
            Ok(engine) => rig::check(name, chip, engine),
            Err(why) => println!("skipped: {why}"),
        }
    }
}

#[test]
fn the_8086_agrees_with_the_chip() {
    check("8086", Chip::I8086);
}

#[test]
fn the_80286_agrees_with_the_chip() {
    check("80286", Chip::I80286);
}

#[test]
fn the_80386_agrees_with_the_chip() {
    check("80386", Chip::I80386);
}
