//! One device under libFuzzer: the variable `FERRITE_DEVICE` names which.
#![no_main]

use std::sync::OnceLock;

use ferrite_devices_fuzz::devices::{Target, target};

static TARGET: OnceLock<&Target> = OnceLock::new();

fn chosen() -> &'static Target {
    let name = std::env::var("FERRITE_DEVICE").unwrap_or_default();
    target(&name).unwrap_or_else(|| {
        eprintln!("device: FERRITE_DEVICE is `{name}`, which is no target; the program `seed` lists them");
        std::process::exit(2)
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.get_or_init(chosen).run)(bytes));
