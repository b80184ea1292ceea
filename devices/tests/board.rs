//! Whole machines with small firmware: what takes processor and board together.

use ferrite_core::cpu::Model;
use ferrite_core::device::Stop;
use ferrite_core::machine::{Limits, Machine, Outcome};
use ferrite_core::time::VTime;
use ferrite_devices::board::{Board, PcConfig, build};
use ferrite_devices::boot::Ram;
use ferrite_devices::host::{FloppyDrive, FloppyKind, IdeDrive, MemDisk, Null};

/// A machine whose firmware is `code` at F000:E000.
fn machine(kind: Board, cpu: &str, code: &[u8]) -> Machine {
    let mut image = vec![0xf4; 0x1_0000];
    image[0xe000..0xe000 + code.len()].copy_from_slice(code);
    image[0xfff0..0xfff5].copy_from_slice(&[0xea, 0x00, 0xe0, 0x00, 0xf0]); // jmp f000:e000
    let model = Model::parse(cpu).unwrap();
    let disk = |sectors: usize| Box::new(MemDisk::new(vec![0x5a; 512 * sectors]));
    let config = PcConfig {
        kind,
        ram: Ram { low: 2 << 20, high: 0 },
        address_lines: model.phys_bits as u8,
        bios: Some(image),
        vgabios: Some(vec![0x55, 0xaa, 1].into_iter().chain([0; 509]).collect()),
        parallel: Some(Box::new(Null)),
        ide: [Some(IdeDrive::Disk(disk(4000))), None, Some(IdeDrive::Cdrom(Some(disk(400)))), None],
        floppies: [Some(FloppyDrive { kind: FloppyKind::M1440, medium: Some(disk(2880)) }), None],
        debug_exit: true,
        ..PcConfig::default()
    };
    Machine::new(model, build(config).unwrap())
}

const SECOND: Limits = Limits { insns: 10_000_000, time: VTime::s(1) };

/// Sets the vector of IRQ 13 and both 8259s up, unmasks the zero-divide exception, divides by zero, and goes on to the next
/// waiting instruction with interrupts on; then it exits with what the handler counted. The handler writes F0h, runs a waiting
/// instruction with the error still there, clears it and ends the interrupt.
const COPROCESSOR_ERROR: &[u8] = &[
    0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, // cli; ds, ss = 0; sp = 7c00
    0xc7, 0x06, 0xd4, 0x01, 0x51, 0xe0, 0xc7, 0x06, 0xd6, 0x01, 0x00, 0xf0, // [75h * 4] = f000:e051
    0xb0, 0x11, 0xe6, 0x20, 0xe6, 0xa0, 0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x70, 0xe6, 0xa1, // ICW1, ICW2
    0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x02, 0xe6, 0xa1, 0xb0, 0x01, 0xe6, 0x21, 0xe6, 0xa1, // ICW3, ICW4
    0xb0, 0xfb, 0xe6, 0x21, 0xb0, 0xdf, 0xe6, 0xa1, // OCW1: cascade and IRQ 13
    0xdb, 0xe3, 0x2e, 0xd9, 0x2e, 0x4f, 0xe0, // fninit; fldcw [cs:e04f]
    0xd9, 0xee, 0xd9, 0xe8, 0xd8, 0xf1, 0xfb, 0xd9, 0xe8, // fldz; fld1; fdiv st, st(1); sti; fld1
    0xa0, 0x00, 0x05, 0xe6, 0xf4, // exit with [500h]
    0x7b, 0x03, // the control word
    0xfe, 0x06, 0x00, 0x05, 0xe6, 0xf0, 0xd9, 0xe8, 0xdb, 0xe2, // inc [500h]; out f0, al; fld1; fnclex
    0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0xcf, // EOI; iret
];

#[test]
fn a_coprocessor_error_is_interrupt_13_and_port_f0_lets_its_handler_go_on() {
    for (kind, cpu) in [(Board::Pc, "max"), (Board::Pc, "pentium"), (Board::IsaPc, "80486")] {
        let mut m = machine(kind, cpu, COPROCESSOR_ERROR);
        assert_eq!(m.run(SECOND), Outcome::Stopped(Stop::DebugExit(1)), "{cpu}");
    }
}

/// With 0Ah in the shutdown byte (CMOS 0Fh) it jumps to where 40:67 leads, which exits with the 8259's mask. Otherwise it
/// prepares that, sets the mask to 5Ah and does what `reset` says.
fn restart(reset: &[u8]) -> Vec<u8> {
    let mut code = vec![
        0xb0, 0x0f, 0xe6, 0x70, 0xe4, 0x71, 0x31, 0xdb, 0x8e, 0xdb, // al = CMOS 0Fh; ds = 0
        0x3c, 0x0a, 0x74, 0x21, // resume?
        0xb0, 0x5a, 0xe6, 0x21, 0xb0, 0x0f, 0xe6, 0x70, 0xb0, 0x0a, 0xe6, 0x71, // the mask; CMOS 0Fh = 0Ah
        0xc7, 0x06, 0x67, 0x04, 0x33, 0xe0, 0xc7, 0x06, 0x69, 0x04, 0x00, 0xf0, // [40:67] = f000:e033
    ];
    let mut reset = reset.to_vec();
    reset.resize(8, 0x90);
    code.extend(reset);
    code.extend([0xf4, 0xff, 0x2e, 0x67, 0x04]); // hlt; resume: jmp far [467h]
    code.extend([0xe4, 0x21, 0xe6, 0xf4]); // exit with the mask
    code
}

const SHUTDOWN: &[u8] = &[0x0f, 0x01, 0x1e, 0x00, 0x06, 0xcc]; // lidt [600h], which is empty; int3
const KEYBOARD: &[u8] = &[0xb0, 0xfe, 0xe6, 0x64];
const PORT_92: &[u8] = &[0xb0, 0x01, 0xe6, 0x92];
const SOFT_RC: &[u8] = &[0xba, 0xf9, 0x0c, 0xb0, 0x04, 0xee];
const HARD_RC: &[u8] = &[0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee];

#[test]
fn a_reset_of_the_processor_alone_leaves_the_board_for_the_shutdown_byte_to_use() {
    for (name, reset) in [("shutdown", SHUTDOWN), ("8042", KEYBOARD), ("port 92h", PORT_92)] {
        for (kind, cpu) in [(Board::Pc, "max"), (Board::IsaPc, "80286"), (Board::IsaPc, "80386")] {
            let mut m = machine(kind, cpu, &restart(reset));
            assert_eq!(m.run(SECOND), Outcome::Stopped(Stop::DebugExit(0x5a)), "{name} on {cpu}");
        }
    }
    let mut m = machine(Board::Pc, "pentium3", &restart(SOFT_RC));
    assert_eq!(m.run(SECOND), Outcome::Stopped(Stop::DebugExit(0x5a)));
}

#[test]
fn a_hard_reset_resets_the_board_and_spares_cmos() {
    let mut m = machine(Board::Pc, "pentium3", &restart(HARD_RC));
    assert_eq!(m.run(SECOND), Outcome::Stopped(Stop::DebugExit(0)), "the mask after power-on");
}

#[test]
fn a_shutdown_ends_the_run_when_reboots_are_not_wanted() {
    let mut m = machine(Board::Pc, "max", &restart(SHUTDOWN));
    m.set_no_reboot(true);
    assert_eq!(m.run(SECOND), Outcome::Reset { triple_fault: true });
}

/// Writes each value to each port of the list in turn, for ever.
fn hammer(ports: &[u16]) -> Vec<u8> {
    let mut code = Vec::new();
    for (n, port) in ports.iter().enumerate() {
        let [low, high] = port.to_le_bytes();
        code.extend([0xba, low, high, 0xec, 0x00, 0xd8, 0x04, n as u8, 0xee, 0xec]); // in; add al, bl; add al, n; out; in
    }
    let back = -(code.len() as i32 + 5);
    let [low, high, ..] = back.to_le_bytes();
    code.extend([0xfe, 0xc3, 0xe9, low, high]); // inc bl; jmp
    code
}

#[test]
fn every_device_of_both_boards_runs_on_after_loading_as_before() {
    let ports = [
        0x20, 0x21, 0xa1, 0x40, 0x42, 0x43, 0x61, 0x60, 0x64, 0x70, 0x71, 0x80, 0x08, 0x0b, 0xd6, 0xd4, 0x04, 0x05,
        0x81, 0x3f2, 0x3f5, 0x3f7, 0x1f1, 0x1f6, 0x1f7, 0x176, 0x177, 0x170, 0x378, 0x37a, 0x3f8, 0x3fb, 0x3c0, 0x3c4,
        0x3c5, 0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x3c9, 0x3da, 0x1ce, 0x1cf, 0xf0,
    ];
    for (kind, cpu) in [(Board::Pc, "max"), (Board::IsaPc, "80386")] {
        let fresh = || machine(kind, cpu, &hammer(&ports));
        let to = |insns| Limits { insns, ..Limits::default() };
        let mut straight = fresh();
        straight.run(to(30_001));
        let mut loaded = fresh();
        loaded.load(&straight.save()).unwrap();
        assert_eq!(loaded.digest(), straight.digest());
        let outcomes = [&mut straight, &mut loaded].map(|m| m.run(to(90_000)));
        assert_eq!(outcomes[0], outcomes[1]);
        assert_eq!(loaded.digest(), straight.digest(), "{cpu}");
    }
}

#[test]
fn an_isa_board_has_its_roms_below_1_mib_and_at_the_top_and_no_ram_between() {
    let mut m = machine(Board::IsaPc, "80286", &[0xf4]);
    let mem = &mut m.x.sys.mem;
    let peek = |mem: &ferrite_core::memory::GuestMemory, at: u64| {
        let mut b = [0; 2];
        mem.read(at, &mut b);
        b
    };
    assert_eq!(peek(mem, 0xc_0000), [0x55, 0xaa]);
    for top in [0x10_0000, 0x100_0000, 0x1_0000_0000] {
        assert_eq!(peek(mem, top - 16), [0xea, 0x00], "{top:#x}");
    }
    mem.write(0xf_fff0, &[0, 0]);
    mem.write(0xd_0000, &[1, 2]);
    assert_eq!((peek(mem, 0xf_fff0), peek(mem, 0xd_0000)), ([0xea, 0x00], [0xff, 0xff]));
    assert_eq!(m.x.sys.port_read(0xcfc, ferrite_core::device::Width::B4), u32::MAX, "no PCI");
}
