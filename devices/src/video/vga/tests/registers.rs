//! Registers: which bits exist, where they answer.

use super::*;

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
