//! A sample of the hardware-captured vectors, run on the models that stand for the chips.

#[path = "rig/vectors.rs"]
mod rig;

use ferrite_core::interp::Interpreter;
use ferrite_core::vectors::suite::Chip;

#[test]
fn the_8086_agrees_with_the_chip() {
    rig::check("8086", Chip::I8086, Box::new(Interpreter::new()));
}

#[test]
fn the_80286_agrees_with_the_chip() {
    rig::check("80286", Chip::I80286, Box::new(Interpreter::new()));
}

#[test]
fn the_80386_agrees_with_the_chip() {
    rig::check("80386", Chip::I80386, Box::new(Interpreter::new()));
}
