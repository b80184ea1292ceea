//! DISPI modes, banks, PCI and ISA.

use super::*;

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
