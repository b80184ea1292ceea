//! The inputs of trial `n`: the same on every host.

use super::Registers;

/// Inputs for each form without an immediate.
pub const TRIALS: u64 = 4096;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[(self.next() % from.len() as u64) as usize]
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

const SINGLES: [u32; 30] = [
    0,
    0x8000_0000,
    1,
    0x8000_0001,
    0x007f_ffff,
    0x807f_ffff,
    0x0080_0000,
    0x8080_0000,
    0x0080_0001,
    0x3f80_0000,
    0xbf80_0000,
    0x3f80_0001,
    0x3f00_0000,
    0x3fc0_0000,
    0xbfc0_0000,
    0x4020_0000,
    0x7f7f_ffff,
    0xff7f_ffff,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0000,
    0xffc0_0001,
    0x7f80_0001,
    0xffbf_ffff,
    0x4eff_ffff,
    0x4f00_0000,
    0xcf00_0000,
    0xcf00_0001,
    0x5f00_0000,
    0xdf00_0000,
];

const DOUBLES: [u64; 36] = [
    0,
    1 << 63,
    1,
    1 << 63 | 1,
    0x000f_ffff_ffff_ffff,
    0x800f_ffff_ffff_ffff,
    0x0010_0000_0000_0000,
    0x8010_0000_0000_0000,
    0x0010_0000_0000_0001,
    0x3ff0_0000_0000_0000,
    0xbff0_0000_0000_0000,
    0x3ff0_0000_0000_0001,
    0x3fe0_0000_0000_0000,
    0x3ff8_0000_0000_0000,
    0xbff8_0000_0000_0000,
    0x4004_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0xffef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0001,
    0x7ff0_0000_0000_0001,
    0xfff7_ffff_ffff_ffff,
    0x41df_ffff_ffc0_0000,
    0x41df_ffff_ffe0_0000,
    0x41e0_0000_0000_0000,
    0xc1e0_0000_0000_0000,
    0xc1e0_0000_0010_0000,
    0x43e0_0000_0000_0000,
    0xc3e0_0000_0000_0000,
    0x380f_ffff_ffff_ffff,
    0x3690_0000_0000_0000,
    0x36a0_0000_0000_0000,
    0x47ef_ffff_f000_0000,
    0x380f_ffff_e000_0001,
];

const BYTES: [u8; 8] = [0, 1, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x40];

/// A vector of one of several kinds: any bits, special values, values of like size, text, small numbers.
fn vector(r: &mut Random, kind: u64) -> u128 {
    let lanes32 =
        |r: &mut Random, f: &mut dyn FnMut(&mut Random) -> u32| (0..4).fold(0u128, |v, _| v << 32 | u128::from(f(r)));
    match kind {
        0 => r.wide(),
        1 => lanes32(r, &mut |r| r.pick(&SINGLES)),
        2 => u128::from(r.pick(&DOUBLES)) << 64 | u128::from(r.pick(&DOUBLES)),
        // Exponents near each other, so that sums cancel and round.
        3 => lanes32(r, &mut |r| {
            let v = r.next() as u32;
            v & 0x807f_ffff | (0x3e80_0000 + (v >> 8 & 7) * 0x0080_0000)
        }),
        4 => {
            let f = |v: u64| v & 0x800f_ffff_ffff_ffff | (0x3fd0 + (v >> 8 & 7) * 0x10) << 48;
            u128::from(f(r.next())) << 64 | u128::from(f(r.next()))
        }
        5 => (0..16).fold(0, |v, _| v << 8 | u128::from(r.pick(&BYTES))),
        // Text of few letters, with ends, as bytes and as words.
        6 => (0..16).fold(0, |v, _| v << 8 | u128::from(r.pick(b"aabc\0") as u64)),
        7 => (0..8).fold(0, |v, _| v << 16 | u128::from(r.pick(&[1u16, 2, 3, 0xffff, 0x61, 0]))),
        // A count or a small integer.
        8 => u128::from(r.next() % 70),
        // Small and negative integers in every element.
        9 => lanes32(r, &mut |r| (r.next() as i32 >> (r.next() % 32)) as u32),
        // Tiny and huge numbers, whose products and quotients leave the range.
        10 => lanes32(r, &mut |r| {
            let v = r.next() as u32;
            v & 0x807f_ffff | r.pick(&[0x0000_0000, 0x0080_0000, 0x2000_0000, 0x1f80_0000, 0x5f80_0000, 0x7f00_0000])
        }),
        _ => {
            let mut f = || {
                let v = r.next();
                v & 0x800f_ffff_ffff_ffff
                    | r.pick(&[0, 0x0010, 0x2000, 0x1ff0, 0x5ff0, 0x7fe0, 0x36b0, 0x3810, 0x47e0]) << 48
            };
            u128::from(f()) << 64 | u128::from(f())
        }
    }
}

/// All registers of trial `n`.
pub fn registers(n: u64) -> Registers {
    let r = &mut Random(n.wrapping_mul(0x5851_f42d_4c95_7f2d));
    let kind = n % 12;
    // Mostly both operands are of one kind.
    let other = if r.next() & 3 == 0 { r.next() % 12 } else { kind };
    let xmm = [vector(r, kind), vector(r, other), r.wide()];
    let mm = [vector(r, kind) as u64, vector(r, other) as u64];
    let length = |r: &mut Random| match r.next() % 4 {
        0 => r.next(),
        1 => r.next() % 20,
        2 => (r.next() % 20).wrapping_neg(),
        _ => (r.next() << 32) | (r.next() % 20),
    };
    let (rax, rcx, rdx) = (length(r), r.next(), length(r));
    // RC, FTZ, DAZ and flags at random (the plain setting often); all exceptions masked, for the host's sake.
    let controls = if r.pick(&[true, false, false]) { 0 } else { r.next() as u32 & 0xe040 };
    let flags = r.pick(&[0, 0x20, 0x3f, r.0 as u32 & 0x3f]);
    let eflags = r.next() & super::ARITHMETIC;
    Registers { xmm, mm, rax, rcx, rdx, eflags, mxcsr: 0x1f80 | controls | flags, host_mxcsr: 0 }
}
