//! A whole PC: code in real mode, any traffic on its ports and buses, input from outside, snapshots in between.

use ferrite_core::cpu::segment::Seg;
use ferrite_core::cpu::state::{CpuState, RIP, RSP};
use ferrite_core::cpu::{Model, ModelName, Segment};
use ferrite_core::device::{DeviceId, Input as Outside, Key};
use ferrite_core::machine::{Limits, Machine};
use ferrite_core::time::VTime;
use ferrite_devices::board::pc_pci::post;
use ferrite_devices::board::{PcConfig, build};
use ferrite_devices::boot::Ram;
use ferrite_devices::host::{FloppyDrive, FloppyKind, IdeDrive, MemDisk, Null};

use super::input::Input;
use super::snapshot;

/// What follows the input's shape byte.
const STEPS: usize = 200;
const CODE: u64 = 0x7c00;

/// Ports of the board, by device; the rest of the port space is chosen now and then.
const PORTS: &[(u16, u16)] = &[
    (0x20, 2),
    (0xa0, 2),
    (0x4d0, 2),
    (0x40, 4),
    (0x60, 5),
    (0x70, 2),
    (0x80, 16),
    (0x92, 1),
    (0x1f0, 8),
    (0x170, 8),
    (0x376, 1),
    (0x3f6, 1),
    (0x3f8, 8),
    (0x2f8, 8),
    (0xb2, 2),
    (0xe9, 1),
    (0xcf8, 8),
    (0x600, 64),
    (0xcf9, 1),
    (0x00, 16),
    (0xc0, 32),
    (0x3f0, 8),
    (0x3b0, 48),
    (0x1ce, 3),
    (0x378, 3),
    (0x510, 12),
];

/// The machine: two serial ports, a printer, a disk on each channel, a CD, a diskette and firmware of HLTs.
fn machine() -> Machine {
    let disk = |sectors: usize| Some(IdeDrive::Disk(Box::new(MemDisk::new(vec![0x42; 512 * sectors]))));
    let config = PcConfig {
        ram: Ram { low: 1 << 20, high: 0 },
        serial: [Some(Box::new(Null)), Some(Box::new(Null)), None, None],
        parallel: Some(Box::new(Null)),
        ide: [disk(64), None, disk(3), Some(IdeDrive::Cdrom(Some(Box::new(MemDisk::new(vec![0x43; 2048 * 20])))))],
        floppies: [
            Some(FloppyDrive { kind: FloppyKind::M1440, medium: Some(Box::new(MemDisk::new(vec![0x44; 512 * 80]))) }),
            None,
        ],
        debugcon: Some(Box::new(Null)),
        bios: Some(vec![0xf4; 0x1_0000]),
        ..PcConfig::default()
    };
    let mut sys = build(config).expect("the configuration is in range");
    post(&mut sys);
    Machine::new(Model::new(ModelName::X86_64V2), sys)
}

/// Does to a PC what the input says.
///
/// # Panics
/// When a machine that has been saved does not load, or a refused snapshot has changed the machine.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut m = machine();
    start(&mut m);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        step(&mut m, &mut input);
    }
    let saved = m.save();
    let mut other = machine();
    if let Err(e) = other.load(&saved) {
        panic!("a state that a guest has reached does not load: {e}");
    }
    assert!(other.save() == saved, "a loaded machine saves another state");
}

/// Real mode at 7C00h with a stack below it; all vectors lead to the same place.
fn start(m: &mut Machine) {
    let mut st = CpuState::reset();
    st.seg = [Segment::real(0); 6];
    st.seg[Seg::Es as usize] = Segment::real(0xb800);
    st.regs[usize::from(RIP)] = CODE;
    st.regs[usize::from(RSP)] = CODE;
    for v in 0..256u64 {
        m.x.sys.mem.write(4 * v, &0x0000_7d00u32.to_le_bytes());
    }
    m.x.sys.mem.write(0x7d00, &[0xcf]); // IRET
    m.x.set_state(st);
}

fn port(input: &mut Input<'_>) -> u16 {
    let n = input.byte();
    match PORTS.get(usize::from(n & 0x1f)) {
        Some(&(base, len)) => base + u16::from(n >> 5) % len,
        None => input.number(2) as u16,
    }
}

fn step(m: &mut Machine, input: &mut Input<'_>) {
    let what = input.byte();
    let width = 1 << (what >> 6).min(2);
    match what & 0xf {
        0..=4 => {
            let at = port(input);
            let val = input.number(width as usize) as u32;
            m.x.port_write(at, width, val);
        }
        5 | 6 => {
            let at = port(input);
            m.x.port_read(at, width);
        }
        7 => {
            // A register of the chip set's configuration space.
            let address = input.number(2) as u32 & 0x3fff;
            let val = input.number(width as usize) as u32;
            m.x.port_write(0xcf8, 4, 1 << 31 | address & !3);
            m.x.port_write(0xcfc + (address & 3) as u16, width, val);
            m.x.port_read(0xcfc, 4);
        }
        8 => {
            let at = input.interesting(0xa_0000) & 0xff_ffff_ffff;
            m.x.phys_write(at & !7, 8, input.interesting(0));
            m.x.phys_read(at & !7, 8);
        }
        9 => outside(m, input),
        10 | 11 => {
            // Time passes while the processor sleeps or loops.
            let code: &[u8] = if what & 0x40 == 0 { &[0xfb, 0xf4, 0xeb, 0xfc] } else { &[0x90, 0xeb, 0xfd] };
            m.x.sys.mem.write(CODE, code);
            let us = input.number(2);
            run(m, 500, VTime::us(us));
        }
        12..=14 => {
            let len = 4 + usize::from(what >> 4);
            let code = input.take(len);
            m.x.sys.mem.write(CODE, code);
            run(m, 200, VTime::ms(60));
        }
        _ => {
            let file = snapshot::changed(&m.save(), input);
            snapshot::attempt(m, &file);
        }
    }
}

fn outside(m: &mut Machine, input: &mut Input<'_>) {
    let device = DeviceId(u16::from(input.byte() & 15));
    let what = match input.below(3) {
        0 => Outside::Bytes(input.take(9).to_vec()),
        1 => Outside::Key { key: Key(input.number(2) as u16), pressed: input.byte() & 1 != 0 },
        _ => {
            let (dx, dy) = (input.number(2) as i16, input.number(2) as i16);
            Outside::Mouse { dx, dy, dz: input.byte() as i8, buttons: input.byte() }
        }
    };
    m.x.sys.inject(device, &what);
}

fn run(m: &mut Machine, insns: u64, time: VTime) {
    start(m);
    let insns = m.retired().saturating_add(insns);
    let time = m.now().after(time);
    m.run(Limits { insns, time });
    assert!(m.retired() <= insns, "{} instructions retired of {insns}", m.retired());
}
