//! Retrace, blanking, the interrupt, what the beam latches.

use super::*;

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
