//! Kernel images: bzImage, multiboot, ELF.

use ferrite_devices::boot::{EntryChoice, Ram, Request, plan};

use super::input::Input;

const MIB: u64 = 1 << 20;

/// Plans the boot of an image. The first bytes choose the machine; then comes the image.
///
/// # Panics
/// When a plan writes outside the RAM or writes two things to one place.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let shape = input.byte();
    let low = input.choose(&[MIB, 2 * MIB, 16 * MIB, 17 * MIB, 128 * MIB, 3072 * MIB, 3840 * MIB]);
    let high = input.choose(&[0, 0, MIB, 1024 * MIB, 60 << 30]);
    let initrd = vec![0x5a; usize::from(input.byte()) * 64];
    let cmdline = "x".repeat(usize::from(input.byte()) * 17);
    let kernel = placed(&mut input);
    let req = Request {
        kernel: &kernel,
        initrd: (shape & 1 != 0).then_some(&initrd[..]),
        cmdline: &cmdline,
        ram: Ram { low, high },
        entry: [EntryChoice::Auto, EntryChoice::Bits16, EntryChoice::Bits32, EntryChoice::Bits64]
            [usize::from(shape >> 1 & 3)],
        long_mode: shape & 8 != 0,
    };
    let Ok(plan) = plan(&req) else { return };
    let mut spans: Vec<_> = plan.writes.iter().map(|(at, b)| (*at, at + b.len() as u64)).collect();
    spans.sort_unstable();
    for w in spans.windows(2) {
        assert!(w[0].1 <= w[1].0, "{:x?} and {:x?} overlap", w[0], w[1]);
    }
    for (from, to) in spans {
        assert!(to <= low || (from >= 1 << 32 && to <= (1 << 32) + high), "{from:#x}..{to:#x} is not in the RAM");
    }
}

/// The image: the rest of the input, or the skeleton of a format with the rest laid over its header.
fn placed(input: &mut Input<'_>) -> Vec<u8> {
    let kind = input.byte();
    let header = input.rest();
    let over = |mut image: Vec<u8>, at: usize| {
        let n = header.len().min(image.len() - at);
        image[at..at + n].copy_from_slice(&header[..n]);
        image
    };
    match kind & 3 {
        0 => header.to_vec(),
        1 => {
            // boot.rst, "The Real-Mode Kernel Header": 1F1h on, with its two magic numbers.
            let mut image = over(vec![0; 0x400 + usize::from(kind >> 2) * 512], 0x1f1);
            image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
            image[0x202..0x206].copy_from_slice(b"HdrS");
            image
        }
        2 => {
            // Multiboot Specification, "The layout of Multiboot header"; the fuzzer owns flags and addresses.
            let mut image = over(vec![0; 0x800], 0x100 + 4);
            image[0x100..0x104].copy_from_slice(&0x1bad_b002u32.to_le_bytes());
            sum(&mut image, 0x100);
            image
        }
        _ => {
            // ELF: the fuzzer owns all behind the magic; a multiboot header follows.
            let mut image = over(vec![0; 0x800], 4);
            image[..4].copy_from_slice(b"\x7fELF");
            image[0x700..0x704].copy_from_slice(&0x1bad_b002u32.to_le_bytes());
            sum(&mut image, 0x700);
            image
        }
    }
}

/// Makes magic, flags and checksum of a multiboot header add up to 0.
fn sum(image: &mut [u8], at: usize) {
    let word = |n: usize| u32::from_le_bytes([image[n], image[n + 1], image[n + 2], image[n + 3]]);
    let checksum = 0u32.wrapping_sub(word(at)).wrapping_sub(word(at + 4));
    image[at + 8..at + 12].copy_from_slice(&checksum.to_le_bytes());
}
