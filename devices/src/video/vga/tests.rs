//! The card as its documents describe it, a part a file: this one is the bench, with register values of the standard modes.

mod dispi;
mod pictures;
mod registers;
mod timing;

use super::*;
use ferrite_core::rig::Rig;

/// Register values of a mode. IBM VGA BIOS, "Video Parameter Table", as programs carry it.
struct Mode {
    misc: u8,
    sequencer: [u8; 5],
    crtc: [u8; 25],
    graphics: [u8; 9],
    attribute: [u8; 21],
}

const MODE_3: Mode = Mode {
    misc: 0x67,
    sequencer: [3, 0, 3, 0, 2],
    crtc: [
        0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f,
        0x96, 0xb9, 0xa3, 0xff,
    ],
    graphics: [0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff],
    attribute: [0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0, 0x0f, 8, 0],
};

const MODE_4: Mode = Mode {
    misc: 0x63,
    sequencer: [3, 9, 3, 0, 2],
    crtc: [
        0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x14, 0, 0x96,
        0xb9, 0xa2, 0xff,
    ],
    graphics: [0, 0, 0, 0, 0, 0x30, 0x0f, 0, 0xff],
    attribute: [0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 1, 0, 3, 0, 0],
};

const MODE_6: Mode = Mode {
    misc: 0x63,
    sequencer: [3, 1, 1, 0, 6],
    crtc: [
        0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0, 0x96,
        0xb9, 0xc2, 0xff,
    ],
    graphics: [0, 0, 0, 0, 0, 0, 0x0d, 0, 0xff],
    attribute: [
        0, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 1, 0, 1, 0, 0,
    ],
};

const MODE_12: Mode = Mode {
    misc: 0xe3,
    sequencer: [3, 1, 0x0f, 0, 6],
    crtc: [
        0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x28, 0, 0xe7,
        0x04, 0xe3, 0xff,
    ],
    graphics: [0, 0, 0, 0, 0, 0, 5, 0x0f, 0xff],
    attribute: [0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 1, 0, 0x0f, 0, 0],
};

const MODE_13: Mode = Mode {
    misc: 0x63,
    sequencer: [3, 1, 0x0f, 0, 0x0e],
    crtc: [
        0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96,
        0xb9, 0xa3, 0xff,
    ],
    graphics: [0, 0, 0, 0, 0, 0x40, 5, 0x0f, 0xff],
    attribute: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 0x0f, 0, 0],
};

/// Somewhere in the bench's memory, away from the addresses that the windows would have.
const VRAM: u64 = 0x10_0000;
const VRAM_LEN: u64 = 0x100_0000;

fn rig() -> Rig<Vga> {
    let mut rig = Rig::new(Vga::new(VRAM, VRAM_LEN, Some((0, 0x8000))));
    let mut memory = GuestMemory::new(VRAM, VRAM_LEN);
    memory.map(0..0xa_0000, Route::Backing(0), Route::Backing(0));
    rig.memory = memory;
    rig
}

fn port(n: u16) -> Offset {
    Offset(u32::from(n - 0x3b0))
}

fn out(rig: &mut Rig<Vga>, n: u16, v: u8) {
    rig.write(port(n), v);
}

fn inp(rig: &mut Rig<Vga>, n: u16) -> u8 {
    rig.read(port(n))
}

/// Writes register `index` of the pair at `n`.
fn set(rig: &mut Rig<Vga>, n: u16, index: u8, v: u8) {
    out(rig, n, index);
    out(rig, n + 1, v);
}

fn attribute(rig: &mut Rig<Vga>, index: u8, v: u8) {
    inp(rig, 0x3da);
    out(rig, 0x3c0, index | 0x20);
    out(rig, 0x3c0, v);
}

fn dac(rig: &mut Rig<Vga>, first: u8, colours: impl IntoIterator<Item = [u8; 3]>) {
    out(rig, 0x3c8, first);
    for c in colours.into_iter().flatten() {
        out(rig, 0x3c9, c);
    }
}

/// The EGA's 64 colours as the DAC has them: bits 2:0 give two thirds of red, green and blue, bits 5:3 one third.
fn ega() -> impl Iterator<Item = [u8; 3]> {
    (0..64).map(|i| [2, 1, 0].map(|c| (i >> c & 1) * 42 + (i >> (c + 3) & 1) * 21))
}

fn set_mode(rig: &mut Rig<Vga>, mode: &Mode) {
    let base = if mode.misc & 1 != 0 { 0x3d4 } else { 0x3b4 };
    out(rig, 0x3c2, mode.misc);
    for (n, v) in (0..).zip(mode.sequencer) {
        set(rig, 0x3c4, n, v);
    }
    set(rig, base, 0x11, 0);
    for (n, v) in (0..).zip(mode.crtc) {
        set(rig, base, n, v);
    }
    for (n, v) in (0..).zip(mode.graphics) {
        set(rig, 0x3ce, n, v);
    }
    inp(rig, base + 6);
    for (n, v) in (0..).zip(mode.attribute) {
        out(rig, 0x3c0, n);
        out(rig, 0x3c0, v);
    }
    out(rig, 0x3c0, 0x20);
    out(rig, 0x3c6, 0xff);
    dac(rig, 0, ega());
    rig.pass(VTime::ms(40));
}

/// Writes display memory as the processor does, through the window at A0000.
fn poke(rig: &mut Rig<Vga>, address: u32, bytes: &[u8]) {
    for (a, b) in (address..).zip(bytes) {
        match rig.memory.write_route(a.into()) {
            Route::Backing(_) => assert!(rig.memory.write(a.into(), &[*b])),
            _ => rig.write(Offset(WINDOW.0 + a - 0xa_0000), *b),
        }
    }
}

fn peek(rig: &mut Rig<Vga>, address: u32) -> u8 {
    rig.read(Offset(WINDOW.0 + address - 0xa_0000))
}

fn frame(rig: &mut Rig<Vga>) -> Frame {
    let now = rig.now();
    rig.device.frame(&rig.memory, now)
}

/// Whether the display would be drawn again `later`.
fn changed(rig: &mut Rig<Vga>, later: VTime) -> bool {
    let now = rig.now().after(later);
    rig.device.changed(&mut rig.memory, now)
}

fn pixel(f: &Frame, x: u32, y: u32) -> u32 {
    f.pixels[(y * f.width + x) as usize]
}

/// With FERRITE_PICTURES set to a directory, keeps the picture there for the eye.
fn keep(name: &str, f: &Frame) {
    if let Ok(dir) = std::env::var("FERRITE_PICTURES") {
        let mut ppm = format!("P6 {} {} 255\n", f.width, f.height).into_bytes();
        ppm.extend(f.pixels.iter().flat_map(|p| [(p >> 16) as u8, (p >> 8) as u8, *p as u8]));
        std::fs::write(format!("{dir}/{name}.ppm"), ppm).unwrap();
    }
}

/// A font whose characters are told apart: a frame with the code's bits inside.
fn load_font(rig: &mut Rig<Vga>) {
    set(rig, 0x3c4, 2, 4);
    set(rig, 0x3c4, 4, 6);
    set(rig, 0x3ce, 5, 0);
    set(rig, 0x3ce, 6, 4);
    for code in 0..=255u8 {
        let mut glyph = [code; 16];
        (glyph[0], glyph[15]) = (0xff, 0);
        if code == b' ' || code == 0 {
            glyph = [0; 16];
        }
        poke(rig, 0xa_0000 + u32::from(code) * 32, &glyph);
    }
    set(rig, 0x3c4, 2, 3);
    set(rig, 0x3c4, 4, 2);
    set(rig, 0x3ce, 5, 0x10);
    set(rig, 0x3ce, 6, 0x0e);
}

fn text_mode() -> Rig<Vga> {
    let mut rig = rig();
    set_mode(&mut rig, &MODE_3);
    load_font(&mut rig);
    poke(&mut rig, 0xb_8000, &[b' ', 7].repeat(2000));
    rig
}

const GREY: u32 = 0xaa_aa_aa;
