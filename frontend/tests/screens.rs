//! Every standard mode of the display adapter, drawn by a guest through the firmware's services, against pictures that were looked at.
//!
//! The guest is `bios/tests/screen.asm`: a boot sector that sets the mode at its offset 3, draws text, colour bars, lines and patterns,
//! says `D` on port E9h and stops. The pictures are in `frontend/tests/screens`; `FERRITE_BLESS=1` writes them anew, to be looked at.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use ferrite::pc::Pc;
use ferrite::screen;
use ferrite::session::Guest;
use ferrite_core::time::VTime;
use ferrite_devices::host::{Channel, MemDisk};
use ferrite_devices::video::frame::Frame;

/// Modes of the IBM VGA BIOS, mode X, and VBE modes of every depth.
const MODES: &[(u16, &str)] = &[
    (0x00, "00-text-40-mono"),
    (0x01, "01-text-40"),
    (0x02, "02-text-80-mono"),
    (0x03, "03-text-80"),
    (0x04, "04-320x200x4"),
    (0x05, "05-320x200x4-mono"),
    (0x06, "06-640x200x2"),
    (0x07, "07-text-80-mda"),
    (0x0d, "0d-320x200x16"),
    (0x0e, "0e-640x200x16"),
    (0x0f, "0f-640x350-mono"),
    (0x10, "10-640x350x16"),
    (0x11, "11-640x480x2"),
    (0x12, "12-640x480x16"),
    (0x13, "13-320x200x256"),
    (0xff01, "x-320x240x256"),
    (0x0203, "03-text-350-lines"),
    (0x0403, "03-text-200-lines"),
    (0x0101, "vbe-101-640x480x8"),
    (0x0102, "vbe-102-800x600x4"),
    (0x0103, "vbe-103-800x600x8"),
    (0x0108, "vbe-108-text-80x60"),
    (0x010a, "vbe-10a-text-132x43"),
    (0x0110, "vbe-110-640x480x15"),
    (0x0111, "vbe-111-640x480x16"),
    (0x0112, "vbe-112-640x480x24"),
    (0x0115, "vbe-115-800x600x24"),
    (0x0118, "vbe-118-1024x768x24"),
];

fn picture(mode: u16) -> Frame {
    let mut image = include_bytes!("../../bios/images/screen.bin").to_vec();
    image[3..5].copy_from_slice(&mode.to_le_bytes());
    image.resize(1440 << 10, 0);
    let (port, said) = Channel::new();
    let pc = Pc::builder().cpu("pentium3").memory(8 << 20).floppy(0, Some(Box::new(MemDisk::new(image))));
    let mut pc = pc.debugcon(Box::new(port)).build().expect("a machine");
    let mut verdict = None;
    for _ in 0..600 {
        pc.run_for(VTime::ms(50));
        verdict = said.try_iter().find(|b| matches!(b, b'D' | b'F'));
        if verdict.is_some() {
            break;
        }
    }
    assert_eq!(verdict, Some(b'D'), "mode {mode:#x}: the guest did not draw");
    // What was written last is shown from the next retrace on.
    pc.run_for(VTime::ms(60));
    pc.frame()
}

fn read(file: &Path) -> Option<Frame> {
    let decoder = png::Decoder::new(BufReader::new(std::fs::File::open(file).ok()?));
    let mut reader = decoder.read_info().ok()?;
    let mut bytes = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut bytes).ok()?;
    let pixels = bytes.chunks_exact(3).map(|p| u32::from_be_bytes([0, p[0], p[1], p[2]])).collect();
    (info.color_type == png::ColorType::Rgb).then_some(Frame { width: info.width, height: info.height, pixels })
}

#[test]
fn every_mode_looks_as_it_did_when_it_was_looked_at() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/screens");
    let bless = std::env::var_os("FERRITE_BLESS").is_some();
    let wrong: Vec<String> = std::thread::scope(|threads| {
        let halves = MODES.chunks(MODES.len().div_ceil(2));
        let running: Vec<_> = halves
            .map(|modes| {
                threads.spawn(|| {
                    let compare = |(mode, name): &(u16, &str)| {
                        let (got, file) = (picture(*mode), folder.join(format!("{name}.png")));
                        if bless {
                            screen::write_png("picture", &file, &got).expect("a picture is written");
                            return None;
                        }
                        let Some(want) = read(&file) else { return Some(format!("{name}: no picture")) };
                        let same = got.pixels.iter().zip(&want.pixels).filter(|(a, b)| a == b).count();
                        (got != want).then(|| {
                            format!(
                                "{name}: {}x{} with {same} equal pixels, {}x{} looked at",
                                got.width, got.height, want.width, want.height
                            )
                        })
                    };
                    modes.iter().filter_map(compare).collect::<Vec<_>>()
                })
            })
            .collect();
        running.into_iter().flat_map(|t| t.join().expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
