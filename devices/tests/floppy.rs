//! Diskette transfers on a whole board: the controller, the DMA controllers, memory and the interrupt together.

use ferrite_core::device::Width;
use ferrite_core::system::System;
use ferrite_devices::board::pc_pci::post;
use ferrite_devices::board::{PcConfig, build};
use ferrite_devices::boot::Ram;
use ferrite_devices::host::{FloppyDrive, FloppyKind, MemDisk};

const DOR: u16 = 0x3f2;
const MSR: u16 = 0x3f4;
const FIFO: u16 = 0x3f5;
/// Where the driver below has its buffer: not in the first 64 KiB, so that the page register counts.
const BUFFER: u64 = 0x2_3400;

fn board() -> System {
    let mut image = vec![0; 2880 * 512];
    for (n, s) in image.chunks_exact_mut(512).enumerate() {
        s.fill(n as u8);
        s[..2].copy_from_slice(&(n as u16).to_le_bytes());
    }
    let drive = FloppyDrive { kind: FloppyKind::M1440, medium: Some(Box::new(MemDisk::new(image))) };
    let config = PcConfig { ram: Ram { low: 1 << 20, high: 0 }, floppies: [Some(drive), None], ..PcConfig::default() };
    let mut sys = build(config).expect("the configuration is in range");
    post(&mut sys);
    sys
}

fn out(sys: &mut System, port: u16, bytes: &[u8]) {
    for b in bytes {
        sys.port_write(port, Width::B1, (*b).into());
    }
}

fn inb(sys: &mut System, port: u16) -> u8 {
    sys.port_read(port, Width::B1) as u8
}

/// Sleeps until IRQ 6.
fn wait(sys: &mut System) {
    for _ in 0..10_000 {
        out(sys, 0x20, &[0x0a]); // OCW3: IRR
        if inb(sys, 0x20) & 0x40 != 0 {
            return;
        }
        assert!(sys.skip_to_next_event(), "IRQ 6 comes");
        sys.fire_due_events();
    }
    panic!("no IRQ 6");
}

fn command(sys: &mut System, bytes: &[u8]) {
    for b in bytes {
        assert_eq!(inb(sys, MSR) & 0xc0, 0x80);
        out(sys, FIFO, &[*b]);
    }
}

fn result(sys: &mut System) -> Vec<u8> {
    let mut bytes = Vec::new();
    while inb(sys, MSR) & 0xc0 == 0xc0 {
        bytes.push(inb(sys, FIFO));
    }
    bytes
}

fn start(sys: &mut System) {
    // Firmware's part: the cascade; then reset, four polled drives, SPECIFY, motor, rate, RECALIBRATE.
    out(sys, 0xd6, &[0xc0]);
    out(sys, 0xd4, &[0]);
    out(sys, DOR, &[0x08, 0x0c]);
    wait(sys);
    for n in 0..4 {
        command(sys, &[8]);
        assert_eq!(result(sys), [0xc0 | n, 0]);
    }
    command(sys, &[3, 0xdf, 2]);
    out(sys, DOR, &[0x1c]);
    out(sys, 0x3f7, &[0]);
    command(sys, &[7, 0]);
    wait(sys);
    command(sys, &[8]);
    assert_eq!(result(sys), [0x20, 0]);
}

/// Channel 2 over `len` bytes of the buffer.
fn dma(sys: &mut System, mode: u8, len: u16) {
    out(sys, 0x0a, &[6]);
    out(sys, 0x0c, &[0]);
    out(sys, 0x0b, &[mode | 2]);
    out(sys, 0x04, &(BUFFER as u16).to_le_bytes());
    out(sys, 0x81, &[(BUFFER >> 16) as u8]);
    out(sys, 0x05, &(len - 1).to_le_bytes());
    out(sys, 0x0a, &[2]);
}

#[test]
fn sectors_come_into_memory_and_go_back_by_channel_2() {
    let mut sys = board();
    start(&mut sys);
    dma(&mut sys, 0x44, 3 * 512);
    command(&mut sys, &[0xe6, 0, 0, 0, 17, 2, 18, 0x1b, 0xff]);
    wait(&mut sys);
    assert_eq!(result(&mut sys), [0x04, 0, 0, 0, 1, 2, 2], "MT went on to the second side");
    let mut got = [0; 3 * 512 + 1];
    sys.mem.read(BUFFER, &mut got);
    for (n, sector) in [(0, 16u16), (1, 17), (2, 18)] {
        assert_eq!(got[512 * n..][..2], sector.to_le_bytes());
    }
    assert_eq!(got[3 * 512], 0, "and not a byte more");
    assert_eq!(inb(&mut sys, 0x08) & 4, 4, "terminal count of channel 2");

    sys.mem.write(BUFFER, &[0xa5; 512]);
    dma(&mut sys, 0x48, 512);
    command(&mut sys, &[0xc5, 4, 0, 1, 9, 2, 18, 0x1b, 0xff]);
    wait(&mut sys);
    assert_eq!(result(&mut sys)[..3], [0x04, 0, 0]);
    sys.mem.write(BUFFER, &[0; 512]);
    dma(&mut sys, 0x44, 512);
    command(&mut sys, &[0xe6, 4, 0, 1, 9, 2, 18, 0x1b, 0xff]);
    wait(&mut sys);
    assert_eq!(result(&mut sys)[..3], [0x04, 0, 0]);
    sys.mem.read(BUFFER, &mut got[..512]);
    assert_eq!(got[..512], [0xa5; 512]);
}

#[test]
fn a_masked_channel_overruns() {
    let mut sys = board();
    start(&mut sys);
    out(&mut sys, 0x0a, &[6]);
    command(&mut sys, &[0xe6, 0, 0, 0, 1, 2, 18, 0x1b, 0xff]);
    wait(&mut sys);
    assert_eq!(result(&mut sys)[..3], [0x40, 0x10, 0]);
}
