//! Small pictures in the standard modes.

use super::*;

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
