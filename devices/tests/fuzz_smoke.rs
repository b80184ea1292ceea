//! The fuzz targets of `core/fuzz` that need a board and those of `devices/fuzz`, each run for a moment on inputs that are the
//! same in every run.

#[path = "../../core/fuzz/src/boot.rs"]
mod boot;
#[allow(dead_code)]
#[path = "../../core/fuzz/src/code.rs"]
mod code;
#[allow(dead_code)]
#[path = "../fuzz/src/devices.rs"]
mod devices;
#[allow(dead_code)]
#[path = "../../core/fuzz/src/input.rs"]
mod input;
#[path = "../../core/fuzz/src/pc.rs"]
mod pc;
#[allow(dead_code)]
#[path = "../fuzz/src/seeds.rs"]
mod seeds;
#[allow(dead_code)]
#[path = "../../core/fuzz/src/snapshot.rs"]
mod snapshot;
#[allow(dead_code)]
#[path = "../fuzz/src/trace.rs"]
mod trace;

use input::Random;

#[test]
fn no_kernel_image_panics_or_is_planned_outside_the_ram() {
    let mut random = Random(0xb007);
    for _ in 0..20_000 {
        let len = random.below(200);
        boot::target(&random.bytes(len));
    }
}

#[test]
fn nothing_on_the_ports_of_a_pc_panics_and_every_state_of_it_can_be_saved() {
    let mut random = Random(0x9c);
    for _ in 0..50 {
        let len = random.below(1500);
        pc::target(&random.bytes(len));
    }
}

#[test]
fn no_trace_makes_a_device_panic_or_go_on_otherwise_after_loading() {
    seeds::soak_all(3, 40);
}
