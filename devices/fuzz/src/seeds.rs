//! Traces that do what drivers do: mutations of them reach what noise does not.

use super::devices::{TARGETS, Target};
use super::input::Random;
use super::trace::{Range, kind};

/// Writes the bytes of a trace for one target.
struct Script {
    registers: &'static [Range],
    out: Vec<u8>,
}

impl Script {
    fn new(target: &Target) -> Script {
        Script { registers: target.registers, out: Vec::new() }
    }

    /// Selects the register at offset `at`; the width of its range. Offsets outside all ranges do not occur below.
    fn register(&mut self, at: u32, width: u8) -> usize {
        let inside = |r: &Range| {
            let n = at.wrapping_sub(r.first) / u32::from(r.width);
            (r.width == width && at >= r.first && n < r.count).then_some(n)
        };
        let found = self.registers.iter().enumerate().find_map(|(i, r)| Some((i, r, inside(r)?)));
        let (i, range, n) = found.unwrap_or((0, &self.registers[0], 0));
        if self.registers.len() > 1 {
            self.out.push(i as u8);
        }
        self.out.extend(&n.to_le_bytes()[..if range.count > 256 { 3 } else { 1 }]);
        range.width.into()
    }

    fn write(&mut self, at: u32, value: u8) -> &mut Script {
        self.out.push(kind::WRITE);
        self.register(at, 1);
        self.out.push(value);
        self
    }

    fn writes(&mut self, at: u32, values: &[u8]) -> &mut Script {
        values.iter().for_each(|v| {
            self.write(at, *v);
        });
        self
    }

    fn write_wide(&mut self, at: u32, width: u8, value: u32) -> &mut Script {
        self.out.push(kind::WRITE);
        let len = self.register(at, width);
        self.out.extend(&value.to_le_bytes()[..len]);
        self
    }

    fn read(&mut self, at: u32, times: u8) -> &mut Script {
        self.out.push(kind::READ_MANY);
        self.register(at, 1);
        self.out.push(times.saturating_sub(1));
        self
    }

    fn read_wide(&mut self, at: u32, width: u8, times: u16) -> &mut Script {
        self.out.push(kind::READ_MANY);
        self.register(at, width);
        self.out.push((times - 1) as u8);
        self
    }

    fn fill(&mut self, at: u32, width: u8, times: u16) -> &mut Script {
        self.out.push(kind::WRITE_MANY);
        let len = self.register(at, width);
        self.out.push((times - 1) as u8);
        self.out.extend(&[0x5a; 4][..len]);
        self.out.push(3);
        self
    }

    fn op(&mut self, bytes: &[u8]) -> &mut Script {
        self.out.extend(bytes);
        self
    }

    fn next(&mut self, times: usize) -> &mut Script {
        (0..times).for_each(|_| self.out.push(kind::NEXT_EVENT));
        self
    }

    fn fork(&mut self) -> &mut Script {
        self.op(&[kind::FORK])
    }

    fn pass_us(&mut self, us: u16) -> &mut Script {
        self.op(&[kind::PASS_SHORT]).op(&(us * 10).to_le_bytes())
    }
}

/// A diskette controller's driver: reset, seek, and each command by DMA and without.
fn floppy(target: &Target) -> Vec<Vec<u8>> {
    const COMMANDS: &[&[u8]] = &[
        &[0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff],
        &[0xc6, 0, 0, 0, 17, 2, 18, 0x1b, 0xff],
        &[0xc5, 0, 0, 0, 18, 2, 18, 0x1b, 0xff],
        &[0x49, 4, 0, 1, 1, 2, 18, 0x1b, 0xff],
        &[0x6c, 0, 0, 0, 17, 2, 18, 0x1b, 0xff],
        &[0x42, 0, 0, 0, 1, 2, 3, 0x1b, 0xff],
        &[0xd6, 0x80, 0, 0, 1, 2, 18, 0x1b, 20],
        &[0x51, 0, 0, 0, 1, 2, 18, 0x1b, 2],
        &[0x59, 0, 0, 0, 1, 2, 4, 0x1b, 1],
        &[0x4d, 0, 2, 18, 0x54, 0xf6],
        &[0x4d, 0, 2, 9, 0x54, 0xf6],
        &[0x4a, 0],
        &[0x0f, 0, 40],
        &[0x8f, 0, 3],
        &[0x07, 1],
        &[0x13, 0, 0x57, 0],
        &[0x0e],
        &[0x94],
        &[0x12, 0x83],
        &[0x04, 0],
    ];
    let mut all = Vec::new();
    for specify in [2, 3] {
        for command in COMMANDS {
            let mut s = Script::new(target);
            s.write(2, 0x0c).next(1);
            for _ in 0..4 {
                s.write(5, 8).read(5, 2);
            }
            s.write(2, 0x1c).writes(5, &[3, 0xdf, specify]).write(7, 0).writes(5, &[7, 0]).next(1);
            s.write(5, 8).read(5, 2).writes(5, command);
            for _ in 0..3 {
                if specify == 2 {
                    s.op(&[kind::DMA | 0x80, 17, kind::NEXT_EVENT, kind::DMA | 0x40, 63, kind::DMA | 0x60, 63]);
                } else {
                    s.fill(5, 1, 72).next(1).read(5, 255).fill(5, 1, 256);
                }
                s.fork().next(1);
            }
            s.read(4, 1).read(5, 7);
            all.push(s.out);
        }
    }
    all
}

/// Channels in every mode with their requests.
fn dma(target: &Target) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for mode in [0x46, 0x58, 0x94, 0x2a, 0xc0, 0x10] {
        for channel in [2u8, 5] {
            let (base, step) = if channel < 4 { (0, 1) } else { (0x20, 2) };
            let reg = |r: u32| base + step * r;
            let n = u32::from(channel & 3);
            let mut s = Script::new(target);
            s.write(0x20 + 2 * 0xb, 0xc0).write(0x20 + 2 * 0xa, 0).write(reg(0xc), 0);
            s.writes(reg(2 * n), &[0xf0, 0xff]).writes(reg(2 * n + 1), &[0x20, 0]).write(0x41, 3).write(0x4b, 5);
            s.write(reg(0xb), mode | channel & 3).write(reg(0xa), channel & 3);
            s.op(&[kind::DRIVE, channel << 1 | 1, kind::DMA, channel]).fork().write(reg(9), 4 | channel & 3);
            s.op(&[kind::DMA, channel, kind::DRIVE, channel << 1, kind::DMA, channel]);
            s.read(reg(8), 2).read(reg(2 * n), 2).write(reg(0xd), 0).read(reg(0xf), 1);
            all.push(s.out);
        }
    }
    all
}

/// Commands of a packet device, the first bytes of their packets.
const PACKETS: &[&[u8]] = &[
    &[0x00],
    &[0x03, 0, 0, 0, 18],
    &[0x12, 0, 0, 0, 36],
    &[0x1b, 0, 0, 0, 2],
    &[0x1b, 0, 0, 0, 3],
    &[0x1e, 0, 0, 0, 1],
    &[0x25],
    &[0x28, 0, 0, 0, 0, 5, 0, 0, 3],
    &[0x2b, 0, 0, 0, 0, 9],
    &[0x42, 0, 0x40, 1, 0, 0, 0, 0, 48],
    &[0x43, 2, 0, 0, 0, 0, 1, 0, 200],
    &[0x43, 0, 1, 0, 0, 0, 0, 0, 12],
    &[0x43, 2, 2, 0, 0, 0, 1, 2, 0],
    &[0x45, 0, 0, 0, 0, 0, 0, 0, 9],
    &[0x46, 0, 0, 0, 0, 0, 0, 0, 80],
    &[0x47, 0, 0, 0, 2, 0, 0, 3, 0],
    &[0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8],
    &[0x4b, 0, 0, 0, 0, 0, 0, 0, 1],
    &[0x51, 0, 0, 0, 0, 0, 0, 0, 34],
    &[0x55, 0x10, 0, 0, 0, 0, 0, 0, 24],
    &[0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 200],
    &[0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 28],
    &[0xa8, 0, 0, 0, 0, 5, 0, 0, 0, 2],
    &[0xad, 0, 0, 0, 0, 0, 0, 0, 8, 0],
    &[0xb9, 0, 0, 0, 2, 16, 0, 2, 20, 0xf8],
    &[0xbb, 0, 0xff, 0xff],
    &[0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8],
    &[0xbe, 0, 0, 0, 0, 5, 0, 0, 2, 0xf8, 1],
    &[0xbe, 4, 0, 0, 0, 5, 0, 0, 1, 0x10],
];

/// The chip set's function needs its decoders on, and a descriptor table for its bus master.
fn ide_prefix(target: &Target, s: &mut Script, to_memory: bool) {
    if target.name != "piix3_ide" {
        return;
    }
    let config = 0x8000_0000;
    s.write(config + 4, 5).write(config + 0x41, 0x80).write(config + 0x43, 0x80).write(config + 0x21, 0xc0);
    // Two pieces of memory at 8000h, described at 1000h.
    s.op(&[kind::MEMORY, 0, 1]).op(&0x0400_0000_8000u64.to_le_bytes()).op(&[kind::MEMORY, 1, 1]).op(&[0; 8]);
    s.op(&[kind::MEMORY, 0x80, 1]).op(&0x8000_0800_0000_9000u64.to_le_bytes());
    for at in [0x104, 0x10c] {
        s.write_wide(at, 4, 0x1000).write(at - 4, if to_memory { 8 } else { 0 });
    }
}

fn start_bus_master(target: &Target, s: &mut Script, to_memory: bool) {
    if target.name == "piix3_ide" {
        s.write(0x100, if to_memory { 9 } else { 1 });
    }
}

/// ATA commands with their parameters and data, and packets.
fn ata(target: &Target) -> Vec<Vec<u8>> {
    let commands = [
        0x00, 0x08, 0x10, 0x20, 0x24, 0x25, 0x27, 0x29, 0x30, 0x34, 0x35, 0x37, 0x39, 0x40, 0x42, 0x70, 0x90, 0x91,
        0xa1, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0xe0, 0xe1, 0xe3, 0xe5, 0xe7, 0xea, 0xec, 0xef, 0xf8, 0xf9, 0xb0,
    ];
    let mut all = Vec::new();
    for command in commands {
        let to_memory = !matches!(command, 0xca | 0x35);
        let mut s = Script::new(target);
        ide_prefix(target, &mut s, to_memory);
        s.write(2, 4).write(7, 0xc6).next(1).read(7, 1);
        for (at, v) in [(1, 3), (2, 2), (3, 9), (4, 0), (5, 0), (6, 0xe0), (7, command)] {
            s.write(at, v);
        }
        start_bus_master(target, &mut s, to_memory);
        for _ in 0..2 {
            s.next(1).read(7, 1).read_wide(0, 2, 256).fork().fill(0, 2, 256);
        }
        s.next(2).write(6, 0xf0).write(7, command).next(1).read(1, 1).write(8, 4).write(8, 0).read(7, 1);
        all.push(s.out);
    }
    // The packet device is the master on `cdrom`, the slave elsewhere.
    let select = if target.name == "cdrom" { 0xa0 } else { 0xb0 };
    for packet in PACKETS {
        for by_dma in [0, 1] {
            let mut s = Script::new(target);
            ide_prefix(target, &mut s, true);
            s.write(6, select);
            for (at, v) in [(7, 0xa1), (1, by_dma), (4, 0xfe), (5, 0xff), (7, 0xa0)] {
                s.write(at, v).next(1);
            }
            let mut bytes = packet.to_vec();
            bytes.resize(12, 0);
            for pair in bytes.chunks(2) {
                s.write_wide(0, 2, u32::from(pair[0]) | u32::from(pair[1]) << 8);
            }
            start_bus_master(target, &mut s, true);
            for _ in 0..2 {
                s.next(1).read(7, 1).fork().read_wide(0, 2, 256).fill(0, 2, 12);
            }
            s.op(&[kind::POKE, 0]).next(1).read(1, 7).op(&[kind::POKE, 0x1f]).write(7, 0xa0).next(2);
            all.push(s.out);
        }
    }
    all
}

/// Mode tables, memory accesses in each write mode, DISPI modes, and a look.
fn vga(target: &Target) -> Vec<Vec<u8>> {
    const CRTC_TEXT: [u8; 25] = [
        0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28,
        0x1f, 0x96, 0xb9, 0xa3, 0xff,
    ];
    const CRTC_320: [u8; 25] = [
        0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e, 0x8f, 0x28, 0x40,
        0x96, 0xb9, 0xa3, 0xff,
    ];
    let mut all = Vec::new();
    // CRTC, memory mode, graphics mode, miscellaneous of the graphics controller, attribute mode.
    let modes = [(CRTC_TEXT, 2, 0x10, 0x0e, 0x0c), (CRTC_320, 0xe, 0x40, 5, 0x41), (CRTC_320, 6, 0, 5, 1)];
    for (crtc, memory, mode, misc, attribute) in modes {
        for write_mode in 0..4 {
            let mut s = Script::new(target);
            s.write(0x12, 0x67);
            for (n, v) in [(0, 3), (1, 0), (2, 0xf), (4, memory)] {
                s.write(0x14, n).write(0x15, v);
            }
            s.write(0x24, 0x11).write(0x25, 0);
            for (n, v) in crtc.into_iter().enumerate() {
                s.write(0x24, n as u8).write(0x25, v);
            }
            for (n, v) in [(1, 0xf), (3, 8), (5, mode | write_mode), (6, misc), (7, 0xf), (8, 0xc3)] {
                s.write(0x1e, n).write(0x1f, v);
            }
            s.read(0x2a, 1).writes(0x10, &[0x10, attribute, 0x12, 0xf, 0x20]);
            s.write(0x18, 1).writes(0x19, &[1, 2, 63]).fill(0x2_0000, 1, 64).fork();
            for at in [0x2_0000, 0x3_8000, 0x3_8001, 0x2_1234] {
                s.read(at, 1).write(at, 0xa5);
            }
            s.op(&[kind::POKE, 0, kind::POKE, 1]).next(2);
            all.push(s.out);
        }
    }
    for bpp in [4, 8, 15, 16, 24, 32] {
        let mut s = Script::new(target);
        s.write_wide(0x8000_0010, 1, 0).op(&[0]);
        for (n, v) in [(0, 0xb0c5), (1, 320), (2, 200), (3, bpp), (4, 0x41), (5, 1), (6, 400), (8, 3), (9, 5)] {
            s.write_wide(0x40, 2, n).write_wide(0x42, 2, v);
        }
        s.fill(0x2_0000, 1, 32).fork().read(0x2_0010, 4).op(&[kind::POKE, 0]).write_wide(0x40, 2, 4);
        s.write_wide(0x42, 2, 0).op(&[kind::POKE, 0]);
        all.push(s.out);
    }
    all
}

fn others(target: &Target) -> Vec<Vec<u8>> {
    let mut s = Script::new(target);
    let mut all = Vec::new();
    match target.name {
        "i8259_master" | "i8259_slave" => {
            for icw4 in [1, 3, 0x11, 0x1d] {
                s.write(0, 0x11).write(1, 0x20).write(1, 4).write(1, icw4).write(1, 0);
                for ir in [3, 5, 0] {
                    s.op(&[kind::DRIVE, ir << 1 | 1, kind::ACKNOWLEDGE]).fork().op(&[kind::DRIVE, ir << 1]);
                }
                s.writes(0, &[0x0b]).read(0, 1).writes(0, &[0x20, 0xa0, 0xc3, 0x80, 0x60, 0x68, 0x0c]).read(0, 1);
                s.write(2, 0xff).read(1, 1);
            }
        }
        "i8254" => {
            for mode in 0..6 {
                for n in 0..3u8 {
                    s.write(3, n << 6 | 0x30 | mode << 1).writes(n.into(), &[10, 0]).op(&[kind::DRIVE, n << 1 | 1]);
                    s.pass_us(20).fork().write(3, 0xc2 | 2 << n).read(n.into(), 3).op(&[kind::DRIVE, n << 1]).next(2);
                    s.write(3, n << 6 | 0x11 | mode << 1).write(n.into(), 7).next(3).write(3, n << 6).read(n.into(), 2);
                }
            }
        }
        "mc146818" => {
            for (register, value) in [(0xa, 0x26), (0xb, 0x7a), (1, 0x59), (3, 0xff), (5, 0xc0), (0xb, 0x06), (0, 0x58)]
            {
                s.write(0, register).write(1, value).next(2).write(0, 0xc).read(1, 1).fork();
            }
            for register in 0..16 {
                s.write(0, register).read(1, 1).write(1, 0x23);
            }
        }
        "uart16550" => {
            s.write(3, 0x83).write(0, 1).write(1, 0).write(3, 3).write(2, 0xc7).write(1, 0xf).write(4, 0xb);
            s.op(&[kind::INJECT, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).next(3).read(2, 1).read(0, 4).fork();
            s.fill(0, 1, 20).next(5).read(5, 1).write(4, 0x1f).fill(0, 1, 3).next(6).read(0, 3).read(6, 2);
        }
        "i8042" => {
            let key = |code: u16, pressed: u8| [kind::INJECT, 1, code as u8, (code >> 8) as u8, pressed];
            s.write(1, 0x60).write(0, 0x47).write(1, 0xa8);
            for command in [0xff, 0xf2, 0xf4, 0xf5, 0xf6, 0xee, 0xea] {
                s.write(0, command).next(2).read(0, 3).write(1, 0xd4).write(0, command).next(2).read(0, 4);
            }
            for pair in [[0xf0, 3], [0xf3, 0], [0xed, 7], [0xfb, 0x1c]] {
                s.writes(0, &pair).next(2).read(0, 2);
            }
            for command in [[0xf3, 200], [0xf3, 100], [0xf3, 80], [0xe8, 3]] {
                s.write(1, 0xd4).write(0, command[0]).write(1, 0xd4).write(0, command[1]).next(1).read(0, 2);
            }
            s.write(1, 0xd4).write(0, 0xf4).next(1).read(0, 1).fork();
            s.op(&key(0x1e, 1)).op(&key(0xe11d, 1)).op(&key(0xe037, 0)).next(4).read(0, 3).next(3).read(0, 3);
            s.op(&[kind::INJECT, 2, 5, 0, 0xfb, 0xff, 1, 3]).next(3).read(0, 4).next(1).read(0, 4);
            for command in [0x20, 0xaa, 0xab, 0xa9, 0xc0, 0xd0, 0xe0, 0xad, 0xae, 0xa7, 0xd1, 0xdd, 0xdf, 0xf0] {
                s.write(1, command).next(1).read(0, 1).write(0, 3);
            }
        }
        "fw_cfg" => {
            for key in [0x00, 0x01, 0x0e, 0x19, 0x20] {
                s.write_wide(0, 2, key).read(1, 80);
            }
            s.fork().write_wide(4, 4, 0).write_wide(8, 4, 0x0010_0000);
        }
        "lpt" => {
            s.write(0, 0x41).write(2, 0x1d).write(2, 0x1c).next(2).read(1, 2).fork().write(2, 0x3c).read(0, 1);
        }
        "piix4_pm" => {
            let config = 0x8000_0000;
            s.write_wide(config + 0x40, 4, 0x0601).write_wide(config + 0x80, 4, 1).write_wide(
                config + 0x58,
                4,
                1 << 25,
            );
            s.write_wide(0x102, 2, 0x0521).next(1).write_wide(0x104, 2, 1).fork().write(0, 0xf1).read(1, 1);
            s.write_wide(0x100, 2, 0xffff).read_wide(0x108, 2, 2).write_wide(0x104, 2, 0x2001);
        }
        _ => {
            for range in target.registers {
                for (n, value) in (0..range.count.min(256)).zip([0xff, 0x00, 0x5a, 0x81].into_iter().cycle()) {
                    s.write_wide(range.first + n * u32::from(range.width), range.width, value * 0x0101_0101);
                    s.read_wide(range.first + n * u32::from(range.width), range.width, 1);
                }
                s.fork();
                all.push(std::mem::take(&mut s.out));
            }
        }
    }
    all.push(s.out);
    all
}

/// Traces for one target.
pub fn seeds(target: &Target) -> Vec<Vec<u8>> {
    match target.name {
        "i82077" => floppy(target),
        "i8237" => dma(target),
        "isa_ide" | "isa_ide_one" | "cdrom" | "piix3_ide" => ata(target),
        "vga" => vga(target),
        _ => others(target),
    }
}

/// Runs one target on its seeds, `mutations` variants of each, and `noise` random traces.
pub fn soak(target: &Target, random: &mut Random, mutations: usize, noise: usize) {
    for seed in seeds(target) {
        (target.run)(&seed);
        for _ in 0..mutations {
            (target.run)(&random.mutate(&seed));
        }
    }
    for _ in 0..noise {
        let len = random.below(800);
        (target.run)(&random.bytes(len));
    }
}

/// All targets, each for a moment.
pub fn soak_all(mutations: usize, noise: usize) {
    let mut random = Random(0xdef1_ce5e_ed00_0001);
    for target in TARGETS {
        soak(target, &mut random, mutations, noise);
    }
}
