//! The data path between processor and planes against a model that goes bit by bit, as the documents tell it; and registers
//! full of nonsense.

use super::ports::at;
use super::*;
use ferrite_core::rig::Rig;

/// xorshift64*: the same cases on every host.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 32) as u8
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
}

/// FreeVGA, "Accessing the VGA Display Memory", on four arrays.
struct Model {
    planes: Vec<[u8; 4]>,
    latch: [u8; 4],
    graphics: [u8; 9],
    sequencer: [u8; 5],
}

impl Model {
    /// Offset in the planes, if the window has anything at `at`.
    fn decode(&self, at: u32, odd_even: bool) -> Option<usize> {
        let a = match self.graphics[6] >> 2 & 3 {
            0 => Some(at),
            1 => (at < 0x1_0000).then_some(at),
            2 => (0x1_0000..0x1_8000).contains(&at).then(|| at - 0x1_0000),
            _ => (at >= 0x1_8000).then(|| at - 0x1_8000),
        }?;
        Some(if self.sequencer[4] & 8 != 0 {
            (a & 0xfffc) as usize + (a / 0x1_0000) as usize
        } else if odd_even && self.graphics[6] & 2 != 0 {
            (a & 0xfffe) as usize + (a / 0x1_0000) as usize
        } else {
            (a & 0xffff) as usize
        })
    }

    fn write(&mut self, at: u32, v: u8) {
        let (chain_4, odd_even) = (self.sequencer[4] & 8 != 0, self.sequencer[4] & 4 == 0);
        let Some(offset) = self.decode(at, odd_even) else { return };
        let g = self.graphics;
        let mode = g[5] & 3;
        for plane in 0..4usize {
            let addressed = match (chain_4, odd_even) {
                (true, _) => at as usize % 4 == plane,
                (false, true) => at as usize % 2 == plane % 2,
                (false, false) => true,
            };
            if !addressed || self.sequencer[2] >> plane & 1 == 0 {
                continue;
            }
            let rotated = v.rotate_right(u32::from(g[3] & 7));
            let mut result = 0;
            for bit in 0..8 {
                let latched = self.latch[plane] >> bit & 1;
                let set_reset = g[0] >> plane & 1;
                let data = match mode {
                    0 if g[1] >> plane & 1 != 0 => set_reset,
                    0 => rotated >> bit & 1,
                    2 => v >> plane & 1,
                    _ => set_reset,
                };
                let data = match g[3] >> 3 & 3 {
                    0 => data,
                    1 => data & latched,
                    2 => data | latched,
                    _ => data ^ latched,
                };
                let mask = if mode == 3 { g[8] & rotated } else { g[8] };
                let data = if mode == 1 || mask >> bit & 1 == 0 { latched } else { data };
                result |= data << bit;
            }
            self.planes[offset][plane] = result;
        }
    }

    fn read(&mut self, at: u32) -> u8 {
        let odd_even = self.graphics[5] & 0x10 != 0;
        let Some(offset) = self.decode(at, odd_even) else { return 0xff };
        self.latch = self.planes[offset];
        let g = self.graphics;
        if g[5] & 8 != 0 {
            let equal = |bit: &u8| (0..4).all(|p| g[7] >> p & 1 == 0 || self.latch[p] >> bit & 1 == g[2] >> p & 1);
            return (0..8u8).filter(equal).fold(0, |v, bit| v | 1 << bit);
        }
        let plane = match (self.sequencer[4] & 8 != 0, odd_even) {
            (true, _) => at as usize % 4,
            (false, true) => usize::from(g[4] & 2) + at as usize % 2,
            (false, false) => usize::from(g[4] & 3),
        };
        self.latch[plane]
    }
}

const VRAM: u64 = 0x10_0000;
const VRAM_LEN: u64 = 0x8_0000;

fn rig() -> Rig<Vga> {
    let mut rig = Rig::new(Vga::new(VRAM, VRAM_LEN, None));
    rig.memory = GuestMemory::new(VRAM, VRAM_LEN);
    rig
}

fn set(rig: &mut Rig<Vga>, index: u8, n: u8, v: u8) {
    rig.write(Offset(index.into()), n);
    rig.write(Offset(u32::from(index) + 1), v);
}

#[test]
fn every_write_and_read_does_what_the_model_does() {
    let mut r = Random(0x5eed);
    let mut rig = rig();
    rig.write(Offset(at::MISC.into()), 2);
    let mut model = Model { planes: vec![[0; 4]; 0x1_0000], latch: [0; 4], graphics: [0; 9], sequencer: [0; 5] };
    for round in 0..3000 {
        // Everything may be set; usual values come often.
        for n in 0..9u8 {
            if r.below(3) == 0 {
                let mask = [0x0f, 0x0f, 0x0f, 0x1f, 3, 0x7b, 0x0f, 0x0f, 0xff][usize::from(n)];
                let usual = [0, 0, 0, 0, 0, 0, 4, 0x0f, 0xff][usize::from(n)];
                let v = if r.below(2) == 0 { usual } else { r.byte() & mask };
                model.graphics[usize::from(n)] = v;
                set(&mut rig, at::GRAPHICS, n, v);
            }
        }
        for (n, usual) in [(2u8, 0x0f), (4, 6)] {
            if r.below(3) == 0 {
                let v = if r.below(2) == 0 { usual } else { r.byte() & [0, 0, 0x0f, 0, 0x0e][usize::from(n)] };
                model.sequencer[usize::from(n)] = v;
                set(&mut rig, at::SEQUENCER, n, v);
            }
        }
        for step in 0..20 {
            let at = if r.below(2) == 0 { r.below(0x2_0000) } else { r.below(4) * 0x8000 + r.below(64) } as u32;
            let width = Width::ALL[r.below(4) as usize];
            let at = at & !(width.bytes() - 1);
            if r.below(3) == 0 {
                let want = (0..width.bytes()).fold(0, |v, i| v | u64::from(model.read(at + i)) << (8 * i));
                let got = rig.read_wide(Offset(WINDOW.0 + at), width);
                assert_eq!(got, want, "round {round}, step {step}: {:x?} {:x?}", model.graphics, model.sequencer);
            } else {
                let v = r.next() & width.mask();
                (0..width.bytes()).for_each(|i| model.write(at + i, (v >> (8 * i)) as u8));
                rig.write_wide(Offset(WINDOW.0 + at), width, v);
            }
        }
    }
    let memory = &rig.memory.backing()[VRAM as usize..];
    for (o, planes) in model.planes.iter().enumerate() {
        let position = (o & 3) << 16 | o & 0xfffc;
        assert_eq!(memory[position..position + 4], *planes, "offset {o:#x}");
    }
}

#[test]
fn chain_4_is_the_same_through_the_device_and_mapped_straight() {
    let mut rig = rig();
    rig.write(Offset(at::MISC.into()), 2);
    for (n, v) in [(2, 0x0f), (4, 0x0e)] {
        set(&mut rig, at::SEQUENCER, n, v);
    }
    set(&mut rig, at::GRAPHICS, 8, 0xff);
    set(&mut rig, at::GRAPHICS, 6, 1);
    assert_eq!(rig.memory.read_route(0xb_f000), Route::Backing(VRAM + 0x1_f000));
    let mut r = Random(4);
    for _ in 0..2000 {
        let (at, v) = (r.below(0x2_0000), r.byte());
        rig.write(Offset(WINDOW.0 + at as u32), v);
        let mut seen = [0];
        assert!(rig.memory.read(0xa_0000 + at, &mut seen));
        assert_eq!((seen[0], rig.read(Offset(WINDOW.0 + at as u32))), (v, v));
    }
    set(&mut rig, at::GRAPHICS, 8, 0xfe);
    assert_eq!(rig.memory.read_route(0xa_0000), Route::Bus, "a bit mask needs the data path");
}

/// Sets everything at random.
fn nonsense(rig: &mut Rig<Vga>, r: &mut Random) {
    for _ in 0..200 {
        match r.below(8) {
            0 => set(rig, at::SEQUENCER, r.byte(), if r.below(4) == 0 { r.byte() } else { 3 }),
            1 => set(rig, at::GRAPHICS, r.byte(), r.byte()),
            2 | 3 => {
                let base = if r.below(2) == 0 { 0x04 } else { 0x24 };
                set(rig, base, r.byte() & 0x1f, r.byte());
            }
            4 => rig.write(Offset(at::ATTRIBUTE.into()), r.byte() | 0x20),
            5 => {
                rig.write_wide(DISPI, Width::B2, r.below(11));
                let v = if r.below(2) == 0 { r.next() } else { r.below(2600) };
                rig.write_wide(Offset(DISPI.0 + 2), Width::B2, v);
            }
            6 => rig.write(Offset(r.below(0x30) as u32), r.byte()),
            _ => rig.pass(VTime::us(r.below(20_000))),
        }
    }
}

#[test]
fn no_setting_of_the_registers_draws_past_its_bounds() {
    let mut r = Random(77);
    let (mut pictures, mut texts) = (0, 0);
    for _ in 0..150 {
        let mut rig = rig();
        nonsense(&mut rig, &mut r);
        set(&mut rig, 0x24, 0x17, r.byte() | 0x80);
        set(&mut rig, 0x04, 0x17, r.byte() | 0x80);
        let now = rig.now();
        let f = rig.device.frame(&rig.memory, now);
        assert!((1..=4096).contains(&f.width) && (1..=4096).contains(&f.height));
        assert_eq!(f.pixels.len(), (f.width * f.height) as usize);
        pictures += u32::from(f.width != 640);
        if let Some(t) = rig.device.text(&rig.memory, now) {
            assert_eq!(t.cells.len(), (t.columns * t.rows) as usize);
            texts += 1;
        }
        rig.device.changed(&mut rig.memory, now);
        assert!(!rig.device.changed(&mut rig.memory, now), "nothing happened between");
    }
    assert!(pictures > 50 && texts > 10, "{pictures} {texts}");
}

#[test]
fn looking_at_the_screen_leaves_no_trace_and_a_loaded_card_draws_the_same() {
    use ferrite_core::snapshot::{Snapshot, encode};
    let mut r = Random(99);
    for _ in 0..40 {
        let mut rig = rig();
        nonsense(&mut rig, &mut r);
        let now = rig.now().after(VTime::ms(r.below(50)));
        rig.pass_until(now);
        let before = encode(&rig.device.save());
        let picture = rig.device.frame(&rig.memory, now);
        rig.device.changed(&mut rig.memory, now);
        assert_eq!(encode(&rig.device.save()), before);
        let mut other = Vga::new(VRAM, VRAM_LEN, None);
        other.load(Vga::decode(1, &before).unwrap()).unwrap();
        assert!(other.frame(&rig.memory, now) == picture);
        let later = now.after(VTime::ms(30));
        assert!(other.frame(&rig.memory, later) == rig.device.frame(&rig.memory, later));
    }
}
