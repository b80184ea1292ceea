//! What a picture and a fill cost: `cargo bench -p ferrite-devices --bench vga`.
#![allow(clippy::disallowed_methods, missing_docs)] // a bench reads the host's clock

use ferrite_core::device::{Offset, Width};
use ferrite_core::memory::GuestMemory;
use ferrite_core::rig::Rig;
use ferrite_core::time::VTime;
use ferrite_devices::video::vga::{DISPI, Vga, WINDOW};
use std::time::Instant;

const VRAM: u64 = 1 << 20;

fn rig() -> Rig<Vga> {
    let mut rig = Rig::new(Vga::new(VRAM, 16 << 20, None));
    rig.memory = GuestMemory::new(VRAM, 16 << 20);
    rig
}

/// Sets the register `index` of the pair at `port`.
fn set(rig: &mut Rig<Vga>, port: u32, index: u8, v: u8) {
    rig.write_wide(Offset(port - 0x3b0), Width::B2, u64::from(v) << 8 | u64::from(index));
}

/// 80 by 25 characters, 16 planar or 256 chained colours, by what the modes differ in.
fn mode(sequencer: [u8; 5], shift: u8, map: u8, crtc: [(u8, u8); 3], attribute_mode: u8) -> Rig<Vga> {
    let mut rig = rig();
    rig.write(Offset(0x12), 0x63);
    for (n, v) in (0..).zip(sequencer) {
        set(&mut rig, 0x3c4, n, v);
    }
    let common = [(0, 0x5f), (1, 0x4f), (6, 0xbf), (7, 0x1f), (0x10, 0x9c), (0x12, 0x8f), (0x13, 0x28), (0x18, 0xff)];
    for (n, v) in common.into_iter().chain(crtc) {
        set(&mut rig, 0x3d4, n, v);
    }
    for (n, v) in [(5, shift), (6, map), (8, 0xff)] {
        set(&mut rig, 0x3ce, n, v);
    }
    rig.read(Offset(0x2a));
    for (n, v) in [(0x10, attribute_mode), (0x12, 0x0f)] {
        rig.write(Offset(0x10), n);
        rig.write(Offset(0x10), v);
    }
    rig.write(Offset(0x10), 0x20);
    rig.pass(VTime::ms(40));
    rig
}

fn text() -> Rig<Vga> {
    mode([3, 0, 3, 0, 2], 0x10, 0x0e, [(9, 0x4f), (0x14, 0x1f), (0x17, 0xa3)], 0x0c)
}

fn planar() -> Rig<Vga> {
    mode([3, 1, 0x0f, 0, 6], 0, 5, [(9, 0x40), (0x14, 0), (0x17, 0xe3)], 1)
}

fn chained() -> Rig<Vga> {
    mode([3, 1, 0x0f, 0, 0x0e], 0x40, 5, [(9, 0x41), (0x14, 0x40), (0x17, 0xa3)], 0x41)
}

fn linear() -> Rig<Vga> {
    let mut rig = rig();
    for (n, v) in [(1, 2560), (2, 1600), (3, 32), (4, 0x41)] {
        rig.write_wide(DISPI, Width::B2, n);
        rig.write_wide(Offset(DISPI.0 + 2), Width::B2, v);
    }
    rig.write(Offset(0x10), 0x20);
    rig
}

fn time(name: &str, rounds: u32, mut f: impl FnMut()) {
    f();
    let start = Instant::now();
    (0..rounds).for_each(|_| f());
    println!("{name:<36} {:9.1} us", start.elapsed().as_secs_f64() / f64::from(rounds) * 1e6);
}

fn main() {
    let now = VTime::ms(100);
    for (name, mut rig) in [("text 720x400", text()), ("planar 640x400", planar()), ("mode 13h", chained())] {
        time(&format!("a picture of {name}"), 500, || {
            assert!(rig.device.frame(&rig.memory, now).width >= 320);
        });
    }
    let mut rig = linear();
    time("a picture of 2560x1600x32", 50, || assert_eq!(rig.device.frame(&rig.memory, now).width, 2560));
    rig.device.changed(&mut rig.memory, now);
    time("asking whether it changed", 1000, || assert!(!rig.device.changed(&mut rig.memory, now)));
    for (name, width) in [("bytes", Width::B1), ("words", Width::B2), ("doublewords", Width::B4)] {
        let mut rig = planar();
        let value = 0x5555_5555 & width.mask();
        time(&format!("filling 640x480 planar by {name}"), 50, || {
            for at in (0..38_400).step_by(width.bytes() as usize) {
                rig.write_wide(Offset(WINDOW.0 + at), width, value);
            }
        });
    }
}
