//! A sample of the hardware-captured vectors with every instruction translated: see `core/tests/rig/vectors.rs`.

#[path = "../../core/tests/rig/vectors.rs"]
mod rig;

use ferrite_core::engine::Engine;
use ferrite_core::vectors::suite::Chip;
use ferrite_jit::{Config, Jit, Unavailable};

/// Translates what it meets, before it runs.
fn jit() -> Result<Box<dyn Engine>, Unavailable> {
    let config = Config { threshold: 1, background: false, ..Config::default() };
    Ok(Box::new(Jit::new(&config)?))
}

fn check(name: &str, chip: Chip) {
    match jit() {
        Ok(engine) => rig::check(name, chip, engine),
        Err(why) => println!("skipped: {why}"),
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
