//! The card as its documents describe it, and small pictures in the standard modes.

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

#[test]
fn mode_3_shows_80_by_25_characters_in_cells_of_nine_dots() {
    let mut rig = text_mode();
    poke(&mut rig, 0xb_8000, b"A\x1eB\x17\xc3\x70");
    poke(&mut rig, 0xb_8000 + 24 * 160 + 158, b"Z\x07");
    let f = frame(&mut rig);
    keep("mode3", &f);
    assert_eq!((f.width, f.height), (720, 400));
    assert_eq!(pixel(&f, 0, 0), 0xff_ff_55, "yellow, by palette register 0Eh = 3Eh");
    assert_eq!(pixel(&f, 8, 0), 0x00_00_aa, "the ninth dot is background");
    assert_eq!([1, 2, 7].map(|x| pixel(&f, x, 5)), [0xff_ff_55, 0x00_00_aa, 0xff_ff_55], "A is 41h");
    assert_eq!([18 + 7, 18 + 8].map(|x| pixel(&f, x, 5)), [0; 2], "C3h goes on into the ninth dot");
    assert_eq!(pixel(&f, 18 + 8, 15), GREY);
    assert_eq!(pixel(&f, 79 * 9 + 1, 24 * 16 + 3), GREY);
    let text = rig.device.text(&rig.memory, rig.now()).unwrap();
    assert_eq!((text.columns, text.rows, text.cells.len()), (80, 25, 2000));
    assert_eq!(
        (text.cells[0].code, text.cells[0].foreground, text.cells[0].background),
        (b'A', 0xff_ff_55, 0x00_00_aa)
    );
    assert_eq!(text.to_text().lines().last(), Some(format!("{:79}Z", "").as_str()));
}

#[test]
fn bits_that_do_not_exist_read_zero_and_absent_registers_too() {
    let mut rig = rig();
    out(&mut rig, 0x3c2, 0x63);
    let mut written = |index: u16, n: u8| {
        set(&mut rig, index, n, 0xff);
        inp(&mut rig, index + 1)
    };
    assert_eq!([0, 1, 2, 3, 4, 5].map(|n| written(0x3c4, n)), [3, 0x3d, 0x0f, 0x3f, 0x0e, 0]);
    assert_eq!([0, 3, 4, 5, 8, 9].map(|n| written(0x3ce, n)), [0x0f, 0x1f, 3, 0x7b, 0xff, 0]);
    assert_eq!([0x14, 0x17, 0x18, 0x19].map(|n| written(0x3d4, n)), [0x7f, 0xef, 0xff, 0]);
}

#[test]
fn a_word_write_sets_index_and_data() {
    let mut rig = rig();
    rig.write_wide(port(0x3c4), Width::B2, 0x0602);
    assert_eq!((inp(&mut rig, 0x3c4), inp(&mut rig, 0x3c5)), (2, 6));
}

#[test]
fn the_crtc_is_at_3bx_or_3dx() {
    let mut rig = rig();
    set(&mut rig, 0x3b4, 0x0f, 0x12);
    assert_eq!((inp(&mut rig, 0x3b5), inp(&mut rig, 0x3d5)), (0x12, 0xff));
    out(&mut rig, 0x3c2, 1);
    assert_eq!((inp(&mut rig, 0x3b5), inp(&mut rig, 0x3d5)), (0xff, 0x12));
    out(&mut rig, 0x3da, 3);
    assert_eq!((inp(&mut rig, 0x3ca), inp(&mut rig, 0x3cc)), (3, 1), "feature control and miscellaneous output");
}

#[test]
fn crtc_registers_0_to_7_can_be_protected_but_for_the_line_compare() {
    let mut rig = rig();
    out(&mut rig, 0x3c2, 1);
    set(&mut rig, 0x3d4, 0, 0x5f);
    set(&mut rig, 0x3d4, 3, 0x80);
    set(&mut rig, 0x3d4, 0x11, 0x8e);
    for n in [0, 7] {
        set(&mut rig, 0x3d4, n, 0xff);
    }
    let mut read = |n| {
        out(&mut rig, 0x3d4, n);
        inp(&mut rig, 0x3d5)
    };
    assert_eq!((read(0), read(7), read(0x11)), (0x5f, 0x10, 0x8e));
    set(&mut rig, 0x3d4, 0x11, 0x0e);
    set(&mut rig, 0x3d4, 3, 0);
    out(&mut rig, 0x3d4, 0x11);
    assert_eq!(inp(&mut rig, 0x3d5), 0, "without compatible read, this is the light pen's");
}

#[test]
fn reading_status_1_makes_the_next_attribute_write_an_index() {
    let mut rig = rig();
    out(&mut rig, 0x3c2, 1);
    out(&mut rig, 0x3c0, 0x10);
    inp(&mut rig, 0x3da);
    out(&mut rig, 0x3c0, 0x11);
    out(&mut rig, 0x3c0, 0x2a);
    assert_eq!((inp(&mut rig, 0x3c0), inp(&mut rig, 0x3c1)), (0x11, 0x2a));
    out(&mut rig, 0x3d4, 0x24);
    assert_eq!(inp(&mut rig, 0x3d5), 0);
    out(&mut rig, 0x3c0, 0);
    assert_eq!(inp(&mut rig, 0x3d5), 0x80, "the flip-flop");
}

#[test]
fn a_disabled_card_answers_nowhere_but_at_its_enable() {
    let mut rig = text_mode();
    out(&mut rig, 0x3c3, 0);
    assert_eq!((inp(&mut rig, 0x3cc), peek(&mut rig, 0xb_8000)), (0xff, 0xff));
    poke(&mut rig, 0xb_8000, b"x");
    out(&mut rig, 0x3c3, 1);
    assert_eq!((inp(&mut rig, 0x3cc), peek(&mut rig, 0xb_8000)), (0x67, b' '));
    out(&mut rig, 0x3c2, 0x65);
    assert_eq!(peek(&mut rig, 0xb_8000), 0xff, "miscellaneous output, enable RAM");
}

// ---- timing ----

/// Polls input status 1 every 2 microseconds for `length` and gives where vertical retrace began.
fn retraces(rig: &mut Rig<Vga>, length: VTime) -> Vec<VTime> {
    let (end, mut was, mut starts) = (rig.now().after(length), true, Vec::new());
    while rig.now() < end {
        let is = inp(rig, 0x3da) & 8 != 0;
        if is && !was {
            starts.push(rig.now());
        }
        was = is;
        rig.pass(VTime::us(2));
    }
    starts
}

#[test]
fn text_runs_at_70_hz_and_mode_12h_at_60() {
    // 28.322 MHz / (900 * 449), 25.175 MHz / (800 * 525)
    for (mode, period) in [(&MODE_3, 14_268_060_u64), (&MODE_13, 14_268_123), (&MODE_12, 16_683_217)] {
        let mut rig = rig();
        set_mode(&mut rig, mode);
        let starts = retraces(&mut rig, VTime::ms(200));
        let (first, last) = (starts[0], starts[starts.len() - 1]);
        let mean = last.since(first).0 / (starts.len() as u64 - 1) / 1000;
        assert!(mean.abs_diff(period) < 2000 / 10, "{mean} ns, not {period}");
    }
}

#[test]
fn a_line_is_blank_for_its_blanking_part_and_frames_outside_the_picture() {
    let mut rig = rig();
    set_mode(&mut rig, &MODE_12);
    let line_ps: u64 = 800 * 1_000_000_000_000 / 25_175_000;
    let wait = |rig: &mut Rig<Vga>, bit: u8, level: bool| {
        let mut n = 0u64;
        while (inp(rig, 0x3da) & bit != 0) != level {
            rig.pass(VTime::ns(20));
            n += 20;
        }
        n
    };
    wait(&mut rig, 8, true);
    let retrace = wait(&mut rig, 8, false);
    assert!((2 * line_ps / 1000).abs_diff(retrace) < 40, "from line 490 to 492");
    let porch = wait(&mut rig, 1, false);
    assert!((33 * line_ps / 1000).abs_diff(porch) < 40, "33 lines up to the picture: {porch}");
    let shown = wait(&mut rig, 1, true);
    let blank = wait(&mut rig, 1, false);
    assert!(25_422u64.abs_diff(shown) < 60 && 6_355u64.abs_diff(blank) < 60, "{shown} {blank}");
}

#[test]
fn the_retrace_interrupt_comes_once_a_frame_and_stays_until_it_is_cleared() {
    let mut rig = rig();
    set_mode(&mut rig, &MODE_12);
    assert_eq!(rig.next_event(), None, "nobody waits for retraces");
    let clear = |rig: &mut Rig<Vga>| {
        set(rig, 0x3d4, 0x11, 0x0c);
        set(rig, 0x3d4, 0x11, 0x1c);
    };
    clear(&mut rig);
    assert_eq!(inp(&mut rig, 0x3c2) & 0x80, 0);
    rig.edges.clear();
    rig.pass(VTime::ms(17));
    assert!(rig.level(IRQ));
    assert_eq!(inp(&mut rig, 0x3c2) & 0x80, 0x80);
    rig.pass(VTime::ms(100));
    assert_eq!(rig.take_rises(IRQ), 1);
    for _ in 0..10 {
        clear(&mut rig);
        assert!(!rig.level(IRQ));
        let next = rig.next_event().expect("armed");
        rig.pass_until(next);
        assert_eq!(inp(&mut rig, 0x3da) & 8, 8, "it comes with retrace");
        assert!(rig.level(IRQ));
    }
    set(&mut rig, 0x3d4, 0x11, 0x3c);
    assert!(!rig.level(IRQ), "disabled, it is still pending");
    assert_eq!(inp(&mut rig, 0x3c2) & 0x80, 0x80);
}

/// Waits for the start of vertical retrace.
fn retrace(rig: &mut Rig<Vga>) {
    while inp(rig, 0x3da) & 8 != 0 {
        rig.pass(VTime::us(5));
    }
    while inp(rig, 0x3da) & 8 == 0 {
        rig.pass(VTime::us(5));
    }
}

#[test]
fn a_new_start_address_shows_with_the_frame_after_the_next_retrace() {
    let mut rig = rig();
    set_mode(&mut rig, &MODE_13);
    poke(&mut rig, 0xa_0000, &[1; 320]);
    poke(&mut rig, 0xa_0000 + 0x8000, &[2; 320]);
    let corner = |rig: &mut Rig<Vga>| pixel(&frame(rig), 0, 0);
    let (blue, green) = (0x00_00_aa, 0x00_aa_00);
    retrace(&mut rig);
    rig.pass(VTime::ms(5));
    set(&mut rig, 0x3d4, 0x0c, 0x20); // 2000h * 4
    assert_eq!(corner(&mut rig), blue, "in mid-frame");
    retrace(&mut rig);
    assert_eq!(corner(&mut rig), blue, "loaded, not yet shown");
    attribute(&mut rig, 0x13, 0);
    rig.pass(VTime::ms(2));
    assert_eq!(corner(&mut rig), green);
    set(&mut rig, 0x3d4, 0x0c, 0);
    set(&mut rig, 0x3d4, 0x0c, 0x20);
    rig.pass(VTime::ms(100));
    assert_eq!(corner(&mut rig), green, "what was there between retraces never shows");
}

// ---- pictures ----

#[test]
fn the_cursor_blinks_with_a_sixteenth_of_the_frames_and_attributes_with_half_of_that() {
    let mut rig = text_mode();
    set(&mut rig, 0x3d4, 0x0f, 2);
    poke(&mut rig, 0xb_8000, b"\xff\x87");
    let (mut cursor, mut blinking, mut changes) = (Vec::new(), Vec::new(), 0);
    changed(&mut rig, VTime::ZERO);
    for _ in 0..64 {
        rig.pass(VTime(14_268_060_000));
        changes += u32::from(changed(&mut rig, VTime::ZERO));
        let f = frame(&mut rig);
        cursor.push(pixel(&f, 18, 13) == GREY);
        blinking.push(pixel(&f, 0, 1) == GREY);
        assert_eq!(pixel(&f, 18, 12), 0, "the cursor is lines 13 and 14");
    }
    let toggles = |v: &[bool]| v.windows(2).filter(|w| w[0] != w[1]).count();
    assert_eq!((toggles(&cursor), toggles(&blinking)), (8, 4));
    assert_eq!(changes, 8, "a screen at rest is drawn again only when something blinks");
    set(&mut rig, 0x3d4, 0x0a, 0x2d);
    attribute(&mut rig, 0x10, 4);
    assert_eq!(pixel(&frame(&mut rig), 0, 15), 0x55_55_55, "without blinking, bit 7 is a bright background");
    assert_eq!(rig.device.text(&rig.memory, rig.now()).unwrap().cursor, None);
}

#[test]
fn two_fonts_are_told_apart_by_attribute_bit_3() {
    let mut rig = text_mode();
    set(&mut rig, 0x3c4, 3, 0x20 | 0x04); // A: 5 at 6000h; B: 0
    poke(&mut rig, 0xb_8000, b"A\x07A\x0f");
    let f = frame(&mut rig);
    assert_eq!((pixel(&f, 0, 0), pixel(&f, 9, 0)), (GREY, 0), "nothing was loaded at 6000h");
}

#[test]
fn monochrome_text_is_underlined_by_its_attribute() {
    let mut rig = text_mode();
    set(&mut rig, 0x3d4, 0x14, 0x0d);
    poke(&mut rig, 0xb_8000, b" \x01 \x09 \x11 \x07");
    let f = frame(&mut rig);
    assert_eq!([0, 9, 18, 27].map(|x| pixel(&f, x, 13)), [0x00_00_aa, 0x55_55_ff, 0x00_00_aa, 0]);
    assert_eq!(pixel(&f, 18, 12), 0x00_00_aa, "blue on blue: its background");
}

#[test]
fn mode_4_interleaves_two_bits_and_odd_lines_from_2000h() {
    let mut rig = rig();
    set_mode(&mut rig, &MODE_4);
    poke(&mut rig, 0xb_8000, &[0b00_01_10_11, 0b11_10_01_00]);
    poke(&mut rig, 0xb_a000, &[0xff; 80]);
    let f = frame(&mut rig);
    keep("mode4", &f);
    assert_eq!((f.width, f.height), (320, 400));
    let c = [0, 0x00_ff_aa, 0xaa_55_aa, 0xaa_ff_aa]; // 13h, 15h and 17h of the EGA's 64
    let first: Vec<u32> = (0..8).map(|x| pixel(&f, x, 1)).collect();
    assert_eq!(first, [c[0], c[1], c[2], c[3], c[3], c[2], c[1], c[0]]);
    assert_eq!([2, 3, 4].map(|y| pixel(&f, 319, y)), [c[3], c[3], 0], "the second row of the CGA's odd bank, twice");
}

#[test]
fn mode_6_has_a_bit_for_each_dot() {
    let mut rig = rig();
    set_mode(&mut rig, &MODE_6);
    poke(&mut rig, 0xb_8000, &[0xa0]);
    poke(&mut rig, 0xb_a000 + 79, &[0x01]);
    let f = frame(&mut rig);
    assert_eq!((f.width, f.height), (640, 400));
    assert_eq!([0, 1, 2].map(|x| pixel(&f, x, 0)), [0xaa_ff_aa, 0, 0xaa_ff_aa]);
    assert_eq!(pixel(&f, 639, 2), 0xaa_ff_aa);
}

#[test]
fn mode_12h_draws_sixteen_colours_with_set_reset() {
    let mut rig = rig();
    set_mode(&mut rig, &MODE_12);
    set(&mut rig, 0x3ce, 1, 0x0f);
    for colour in 0..16u8 {
        set(&mut rig, 0x3ce, 0, colour);
        for y in 0..20 {
            poke(&mut rig, 0xa_0000 + (u32::from(colour) * 20 + y) * 80, &[0; 80]);
        }
    }
    let f = frame(&mut rig);
    keep("mode12", &f);
    assert_eq!((f.width, f.height), (640, 480));
    let want: [u32; 16] = [
        0, 0xaa, 0xaa00, 0xaaaa, 0xaa_0000, 0xaa_00aa, 0xaa_5500, 0xaa_aaaa, 0x55_5555, 0x55_55ff, 0x55_ff55,
        0x55_ffff, 0xff_5555, 0xff_55ff, 0xff_ff55, 0xff_ffff,
    ];
    for (colour, want) in (0..).zip(want) {
        assert_eq!([(0, 0), (639, 19)].map(|(x, y)| pixel(&f, x, colour * 20 + y)), [want; 2], "colour {colour}");
    }
}

#[test]
fn mode_13h_is_linear_and_every_row_is_there_twice() {
    let mut rig = rig();
    set_mode(&mut rig, &MODE_13);
    assert_eq!(rig.memory.write_route(0xa_0000), Route::Backing(VRAM), "mapped straight");
    dac(&mut rig, 0, (0..=255).map(|i| [i / 4, 63 - i / 4, 0]));
    let picture: Vec<u8> = (0..64_000u32).map(|i| (i % 320 + i / 320) as u8).collect();
    poke(&mut rig, 0xa_0000, &picture);
    let f = frame(&mut rig);
    keep("mode13", &f);
    assert_eq!((f.width, f.height), (320, 400));
    for (x, y) in [(0, 0), (1, 0), (319, 199), (77, 123)] {
        let i = (x + y) as u8;
        let six = |v: u8| u32::from(v << 2 | v >> 4);
        let want = six(i / 4) << 16 | six(63 - i / 4) << 8;
        assert_eq!([2 * y, 2 * y + 1].map(|y| pixel(&f, x, y)), [want; 2], "{x} {y}");
    }
    assert!(changed(&mut rig, VTime::ZERO), "stores that bypass the device are seen");
    assert!(!changed(&mut rig, VTime::s(10)), "and nothing blinks here");
}

#[test]
fn mode_x_has_a_pixel_in_each_plane_and_pans_by_pixels() {
    let mut rig = rig();
    set_mode(&mut rig, &MODE_13);
    set(&mut rig, 0x3c4, 4, 6);
    for (n, v) in [(0x14, 0), (0x17, 0xe3), (0x11, 0x2c), (0x06, 0x0d), (0x07, 0x3e), (0x10, 0xea), (0x12, 0xdf)] {
        set(&mut rig, 0x3d4, n, v);
    }
    assert_eq!(rig.memory.write_route(0xa_0000), Route::Bus);
    for plane in 0..4 {
        set(&mut rig, 0x3c4, 2, 1 << plane);
        poke(&mut rig, 0xa_0000, &[plane + 1, plane + 9]);
        poke(&mut rig, 0xa_0000 + 239 * 80 + 79, &[plane + 1]);
    }
    rig.pass(VTime::ms(40));
    let f = frame(&mut rig);
    assert_eq!((f.width, f.height), (320, 480));
    let colours: Vec<u32> = (0..8).map(|x| pixel(&f, x, 0)).collect();
    let rgb = |i: u8| rig.device.dac.rgb(i, false);
    assert_eq!(colours, [1, 2, 3, 4, 9, 10, 11, 12].map(rgb));
    assert_eq!(pixel(&f, 319, 479), rgb(4));
    attribute(&mut rig, 0x13, 4); // two pixels
    rig.pass(VTime::ms(40));
    assert_eq!(pixel(&frame(&mut rig), 0, 0), rig.device.dac.rgb(3, false));
}

#[test]
fn below_the_line_compare_memory_starts_at_0_and_may_stand_still() {
    let mut rig = rig();
    set_mode(&mut rig, &MODE_12);
    set(&mut rig, 0x3c4, 2, 1);
    poke(&mut rig, 0xa_0000, &[0x80]); // the split part's corner
    poke(&mut rig, 0xa_0000 + 0x4000, &[0x0f; 80]); // the upper part's first line
    set(&mut rig, 0x3d4, 0x0c, 0x40);
    set(&mut rig, 0x3d4, 0x18, 99);
    set(&mut rig, 0x3d4, 7, 0x2e);
    set(&mut rig, 0x3d4, 9, 0);
    attribute(&mut rig, 0x13, 4);
    rig.pass(VTime::ms(40));
    let f = frame(&mut rig);
    assert_eq!((pixel(&f, 0, 0), pixel(&f, 4, 0)), (0xaa, 0), "panned by four dots");
    assert_eq!([99, 100].map(|y| pixel(&f, 0, y)), [0, 0], "the split part pans too");
    attribute(&mut rig, 0x10, 0x21);
    assert_eq!([99, 100].map(|y| pixel(&frame(&mut rig), 0, y)), [0, 0xaa], "and does not with PPC");
}

#[test]
fn text_scrolls_smoothly_by_preset_row_scan_and_panning() {
    let mut rig = text_mode();
    poke(&mut rig, 0xb_8000 + 160, b"A\x07B\x07");
    let before = frame(&mut rig);
    set(&mut rig, 0x3d4, 8, 5 | 1 << 5); // byte panning: one character
    attribute(&mut rig, 0x13, 2); // three dots
    rig.pass(VTime::ms(40));
    let after = frame(&mut rig);
    for (x, y) in [(9 + 3, 16), (9 + 3 + 5, 16), (9 + 4, 20)] {
        assert_eq!(pixel(&after, x - 12, y - 5), pixel(&before, x, y), "{x} {y}");
    }
    assert_eq!(pixel(&after, 0, 11), GREY);
}

#[test]
fn a_blanked_screen_is_black_in_its_size() {
    let mut rig = text_mode();
    poke(&mut rig, 0xb_8000, b"A\x70");
    let black = Frame::black(720, 400);
    assert!(frame(&mut rig) != black);
    set(&mut rig, 0x3c4, 1, 0x20);
    assert!(frame(&mut rig) == black, "screen off");
    set(&mut rig, 0x3c4, 1, 0);
    set(&mut rig, 0x3c4, 0, 1);
    assert!(frame(&mut rig) == black, "synchronous reset");
    set(&mut rig, 0x3c4, 0, 3);
    inp(&mut rig, 0x3da);
    out(&mut rig, 0x3c0, 0);
    assert!(frame(&mut rig) == black, "palette address source");
    inp(&mut rig, 0x3da);
    out(&mut rig, 0x3c0, 0x20);
    assert!(frame(&mut rig) != black);
}

// ---- DISPI and PCI ----

fn dispi(rig: &mut Rig<Vga>, index: u16, v: u16) {
    rig.write_wide(DISPI, Width::B2, index.into());
    // As the bus splits a word at an odd port.
    let [low, high] = v.to_le_bytes();
    rig.write(Offset(DISPI.0 + 1), low);
    rig.write(Offset(DISPI.0 + 2), high);
}

fn dispi_read(rig: &mut Rig<Vga>, index: u16) -> u16 {
    rig.write_wide(DISPI, Width::B2, index.into());
    u16::from_le_bytes([rig.read(Offset(DISPI.0 + 1)), rig.read(Offset(DISPI.0 + 2))])
}

fn dispi_mode(rig: &mut Rig<Vga>, width: u16, height: u16, bpp: u16, enable: u16) {
    dispi(rig, 4, 0);
    for (n, v) in [(1, width), (2, height), (3, bpp), (4, enable)] {
        dispi(rig, n, v);
    }
    inp(rig, 0x3da);
    out(rig, 0x3c0, 0x20);
}

fn config(register: u8) -> Offset {
    Offset(Offset::CONFIG + u32::from(register))
}

#[test]
fn dispi_tells_what_it_can_and_refuses_the_rest() {
    let mut rig = rig();
    assert_eq!(dispi_read(&mut rig, 0), 0xb0c5);
    dispi(&mut rig, 0, 0xb0c2);
    dispi(&mut rig, 0, 0x1234);
    assert_eq!((dispi_read(&mut rig, 0), dispi_read(&mut rig, 10)), (0xb0c2, 256));
    dispi(&mut rig, 4, 2);
    assert_eq!([1, 2, 3].map(|n| dispi_read(&mut rig, n)), [2560, 1600, 32]);
    out(&mut rig, 0x3c2, 1);
    dispi_mode(&mut rig, 800, 600, 17, 0x41);
    dispi(&mut rig, 1, 640);
    assert_eq!([1, 2, 3, 6].map(|n| dispi_read(&mut rig, n)), [800, 600, 8, 800], "no size changes while it is on");
    dispi(&mut rig, 6, 1024);
    dispi(&mut rig, 8, 2000);
    dispi(&mut rig, 9, 0xffff);
    assert_eq!([6, 7, 8, 9].map(|n| dispi_read(&mut rig, n)), [1024, 0x4000, 224, 0x4000 - 600]);
}

#[test]
fn every_depth_shows_its_colours_from_the_virtual_screen() {
    let cases: [(u16, &[u8], u32); 5] = [
        (8, &[9], 0x55_55_ff),
        (15, &[0x1f, 0x7c], 0xff_00_ff),
        (16, &[0xe0, 0x07], 0x00_ff_00),
        (24, &[1, 2, 3], 0x03_02_01),
        (32, &[1, 2, 3, 0xff], 0x03_02_01),
    ];
    for (bpp, bytes, want) in cases {
        let mut rig = rig();
        out(&mut rig, 0x3c2, 3);
        dispi_mode(&mut rig, 640, 400, bpp, 0x41);
        dac(&mut rig, 9, [[0x15, 0x15, 0x3f]]);
        out(&mut rig, 0x3c6, 0xff);
        dispi(&mut rig, 6, 800);
        dispi(&mut rig, 8, 16);
        dispi(&mut rig, 9, 2);
        let at = (2 * 800 + 16) * bytes.len() as u64;
        rig.memory.load_image(VRAM + at, bytes);
        let f = frame(&mut rig);
        assert_eq!((f.width, f.height), (640, 400));
        assert_eq!((pixel(&f, 0, 0), pixel(&f, 1, 0), pixel(&f, 0, 1)), (want, 0, 0), "{bpp} bpp");
        assert_eq!(rig.device.text(&rig.memory, rig.now()), None);
    }
}

#[test]
fn a_bank_is_in_the_window_straight_and_through_the_device() {
    let mut rig = rig();
    out(&mut rig, 0x3c2, 3);
    dispi_mode(&mut rig, 1024, 768, 8, 1);
    dispi(&mut rig, 5, 3);
    assert_eq!(rig.memory.write_route(0xa_1000), Route::Backing(VRAM + 0x3_1000));
    assert_eq!(rig.memory.write_route(0xb_0000), Route::Bus);
    rig.write_wide(Offset(WINDOW.0 + 0x1234), Width::B4, 0x0403_0201);
    assert_eq!(rig.memory.backing()[(VRAM + 0x3_1234) as usize..][..4], [1, 2, 3, 4]);
    assert_eq!(rig.read_wide(Offset(WINDOW.0 + 0x1235), Width::B2), 0x0302);
    dispi(&mut rig, 5, 256);
    assert_eq!(dispi_read(&mut rig, 5), 3, "there are 256 banks");
    dispi(&mut rig, 4, 0);
    assert_eq!(rig.memory.write_route(0xa_0000), Route::Bus);
}

#[test]
fn enabling_clears_the_screen_unless_told_not_to() {
    let mut rig = rig();
    out(&mut rig, 0x3c2, 3);
    for (enable, want) in [(0x81, 7), (0x01, 0)] {
        rig.memory.load_image(VRAM + 100, &[7]);
        dispi_mode(&mut rig, 640, 480, 8, enable);
        assert_eq!(rig.memory.backing()[VRAM as usize + 100], want);
    }
}

#[test]
fn planar_dispi_modes_bank_their_planes() {
    let mut rig = rig();
    out(&mut rig, 0x3c2, 3);
    for (n, v) in (0..).zip(MODE_12.graphics) {
        set(&mut rig, 0x3ce, n, v);
    }
    set(&mut rig, 0x3c4, 4, 6);
    dispi_mode(&mut rig, 1024, 768, 4, 1);
    for n in 0..16 {
        attribute(&mut rig, n, n);
    }
    attribute(&mut rig, 0x12, 0x0f);
    out(&mut rig, 0x3c6, 0xff);
    dac(&mut rig, 0, ega());
    set(&mut rig, 0x3c4, 2, 0x05);
    let at = 767 * 128 + 127; // 17F7Fh
    dispi(&mut rig, 5, 1);
    poke(&mut rig, 0xa_0000 + (at & 0xffff), &[0x01]);
    assert_eq!(pixel(&frame(&mut rig), 1023, 767), 0xaa_00_aa);
    dispi(&mut rig, 6, 1032);
    dispi(&mut rig, 8, 3);
    poke(&mut rig, 0xa_0000 + 129 * 600 + 1 - 0x1_0000, &[0x80]);
    assert_eq!([4, 5, 6].map(|x| pixel(&frame(&mut rig), x, 600)), [0, 0xaa_00_aa, 0], "x offset of three dots");
}

#[test]
fn the_dac_takes_eight_bits_when_dispi_says_so() {
    let mut rig = rig();
    out(&mut rig, 0x3c2, 3);
    out(&mut rig, 0x3c6, 0xff);
    dispi_mode(&mut rig, 640, 480, 8, 0x21);
    dac(&mut rig, 0, [[0x81, 0x42, 0xff]]);
    assert_eq!(pixel(&frame(&mut rig), 0, 0), 0x81_42_ff);
}

#[test]
fn pci_places_frame_buffer_registers_and_rom() {
    let mut rig = rig();
    assert_eq!(rig.read_wide(config(0), Width::B4), 0x1111_1234);
    assert_eq!(rig.read_wide(config(8), Width::B4) >> 8, 0x03_0000);
    for (bar, want) in [(0x10, 0xff00_0008), (0x14, 0), (0x18, 0xffff_f000), (0x30, 0xffff_8001)] {
        rig.write_wide(config(bar), Width::B4, 0xffff_ffff);
        assert_eq!(rig.read_wide(config(bar), Width::B4), want, "size of BAR {bar:#x}");
    }
    rig.write_wide(config(0x10), Width::B4, 0xe000_0000);
    rig.write_wide(config(0x30), Width::B4, 0xfe00_0001);
    assert_eq!(rig.memory.write_route(0xe000_0000), Route::Bus, "memory space is off");
    rig.write(config(4), 3);
    assert_eq!(rig.memory.write_route(0xe0ff_f000), Route::Backing(VRAM + 0xff_f000));
    assert_eq!(
        (rig.memory.read_route(0xfe00_7000), rig.memory.write_route(0xfe00_7000)),
        (Route::Backing(0x7000), Route::Nowhere)
    );
    rig.write_wide(config(0x30), Width::B4, 0xfe00_0000);
    assert_eq!(rig.memory.read_route(0xfe00_0000), Route::Bus, "the ROM has an enable of its own");
}

#[test]
fn registers_in_memory_are_edid_vga_and_dispi() {
    let mut rig = rig();
    let at = |n: u32| Offset(MMIO.0 + n);
    assert_eq!(rig.read_wide(at(0), Width::B8), 0x00ff_ffff_ffff_ff00);
    rig.write(at(0x402), 0x63);
    assert_eq!(inp(&mut rig, 0x3cc), 0x63);
    assert_eq!(rig.read_wide(at(0x500), Width::B2), 0xb0c5);
    rig.write_wide(at(0x502), Width::B2, 1280);
    assert_eq!((dispi_read(&mut rig, 1), rig.read_wide(at(0x502), Width::B2)), (1280, 1280));
}

#[test]
fn an_isa_card_shows_its_frame_buffer_where_it_is_fixed() {
    let mut rig = Rig::new(Vga::new(VRAM, VRAM_LEN, None).with_fixed_frame_buffer(0xe000_0000));
    rig.memory = GuestMemory::new(VRAM, VRAM_LEN);
    dispi_mode(&mut rig, 640, 480, 8, 1);
    assert_eq!(rig.memory.read_route(0xe000_0000), Route::Bus);
    dispi_mode(&mut rig, 640, 480, 8, 0x41);
    assert_eq!(rig.memory.read_route(0xe000_0000), Route::Backing(VRAM));
}
