//! Laws that every device keeps: a loaded state is the saved one, it runs on as the original does,
//! reset gives a fresh device, and no sequence of accesses makes it panic.

use ferrite_core::device::{Device, Event, Input, Key, Offset, Pin, ResetKind, Width};
use ferrite_core::rig::Rig;
use ferrite_core::snapshot::{Snapshot, encode};
use ferrite_core::time::VTime;
use ferrite_devices::dma::i8237::Dma;
use ferrite_devices::host::{Disk, FloppyDrive, FloppyKind, IdeDrive, MemDisk, Null};
use ferrite_devices::input::i8042::I8042;
use ferrite_devices::irq::{coprocessor::CoprocessorError, i8259::Pic};
use ferrite_devices::misc::fw_cfg::{FwCfg, Items};
use ferrite_devices::misc::{
    debug_exit::DebugExit, debugcon::Debugcon, hotplug::Hotplug, port61::Port61, port92::Port92,
};
use ferrite_devices::parallel::lpt::Lpt;
use ferrite_devices::pci::i440fx::{I440fx, Rom};
use ferrite_devices::pci::piix3::Piix3;
use ferrite_devices::pci::piix3_ide::Piix3Ide;
use ferrite_devices::pci::piix4_pm::Piix4Pm;
use ferrite_devices::serial::uart16550::Uart;
use ferrite_devices::storage::i82077::I82077;
use ferrite_devices::storage::isa_ide::IsaIde;
use ferrite_devices::timer::i8254::Pit;
use ferrite_devices::timer::mc146818::{DateTime, Rtc};
use ferrite_devices::video::vga::Vga;

/// xorshift64*: the same traces on every host.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
}

/// Where a device has its registers: most accesses go there, a few anywhere.
struct Registers {
    first: u32,
    count: u32,
    configuration: bool,
}

/// One thing that can happen to a device.
#[derive(Clone, Debug)]
enum Step {
    Read(Offset, Width),
    Write(Offset, Width, u64),
    Drive(Pin, bool),
    Pass(VTime),
    Inject(Input),
    Acknowledge(Option<u8>),
    StrayEvent(Event),
}

fn step(r: &mut Random, regs: &Registers) -> Step {
    let at = match r.below(20) {
        0 => Offset(r.next() as u32),
        1..8 if regs.configuration => Offset(Offset::CONFIG + r.below(0x400) as u32),
        _ => Offset(regs.first + r.below(regs.count.into()) as u32),
    };
    let width = match r.below(8) {
        0 => Width::B2,
        1 => Width::B4,
        2 => Width::B8,
        _ => Width::B1,
    };
    match r.below(40) {
        0..14 => Step::Read(at, width),
        14..30 => Step::Write(at, width, if r.below(2) == 0 { r.next() } else { r.below(64) }),
        30 => Step::Drive(Pin(r.below(40) as u8), r.below(2) == 0),
        31 => Step::Drive(Pin(r.below(8) as u8), r.below(2) == 0),
        32 => Step::Pass(VTime::ms(r.below(600))),
        33..36 => Step::Pass(VTime(r.below(200_000_000))),
        36 => match r.below(3) {
            0 => Step::Inject(Input::Bytes(vec![r.next() as u8; r.below(40) as usize])),
            1 => Step::Inject(Input::Key { key: Key(r.next() as u16), pressed: r.below(2) == 0 }),
            _ => Step::Inject(Input::Mouse {
                dx: r.next() as i16,
                dy: r.next() as i16,
                dz: r.next() as i8,
                buttons: r.next() as u8,
            }),
        },
        37 | 38 => Step::Acknowledge((r.below(2) == 0).then_some(r.below(8) as u8)),
        _ => Step::StrayEvent(Event(r.below(256) as u8)),
    }
}

/// Does a step and gives what can be seen of it.
fn perform<D: Device>(rig: &mut Rig<D>, step: &Step) -> u64 {
    match step {
        Step::Read(at, width) => rig.read_wide(*at, *width),
        Step::Write(at, width, val) => {
            rig.write_wide(*at, *width, *val);
            0
        }
        Step::Drive(pin, level) => {
            rig.drive(*pin, *level);
            0
        }
        Step::Pass(length) => {
            rig.pass(*length);
            0
        }
        Step::Inject(input) => {
            rig.inject(input);
            0
        }
        Step::Acknowledge(cascade) => match rig.with(|d, cx| d.acknowledge(cx, *cascade)) {
            ferrite_core::device::Inta::Vector(v) => v.into(),
            ferrite_core::device::Inta::Cascade(n) => 0x100 | u64::from(n),
            ferrite_core::device::Inta::Silent => 0x200,
        },
        Step::StrayEvent(event) => {
            rig.with(|d, cx| d.event(cx, *event));
            0
        }
    }
}

fn levels<D: Device>(rig: &Rig<D>) -> Vec<bool> {
    (0..32).map(|n| rig.level(Pin(n))).collect()
}

/// Checks all laws for one device.
fn obeys<D: Device + Snapshot>(regs: Registers, fresh: impl Fn() -> D) {
    for seed in 1..=60u64 {
        let mut r = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut rig = Rig::new(fresh());
        for _ in 0..400 {
            perform(&mut rig, &step(&mut r, &regs));
        }

        let saved = encode(&rig.device.save());
        let mut other = fresh();
        let state = D::decode(D::VERSION, &saved).expect("a saved state can be decoded");
        other.load(state).expect("a saved state can be loaded");
        assert_eq!(encode(&other.save()), saved, "{} seed {seed}: load(save(x)) = x", D::KIND);

        let mut loaded = rig.restored(other);
        assert!(loaded.edges.is_empty(), "{} seed {seed}: restoring makes no edge", D::KIND);
        rig.edges.clear();
        for n in 0..200 {
            let step = step(&mut r, &regs);
            let (want, got) = (perform(&mut rig, &step), perform(&mut loaded, &step));
            assert_eq!(got, want, "{} seed {seed}: step {n} {step:?} after loading", D::KIND);
        }
        assert_eq!(loaded.edges, rig.edges, "{} seed {seed}: edges after loading", D::KIND);
        assert_eq!(encode(&loaded.device.save()), encode(&rig.device.save()), "{} seed {seed}", D::KIND);
    }
}

/// A reset device looks like a new one that was reset at the same time.
fn resets<D: Device + Snapshot>(regs: Registers, fresh: impl Fn() -> D) {
    for seed in 1..=20u64 {
        let mut r = Random(seed.wrapping_mul(0xd134_2543_de82_ef95));
        let mut rig = Rig::new(fresh());
        for _ in 0..300 {
            perform(&mut rig, &step(&mut r, &regs));
        }
        for pin in 0..40 {
            rig.drive(Pin(pin), false); // levels on the inputs are not the device's to reset
        }
        rig.reset(ResetKind::Hard);
        let mut new = Rig::new(fresh());
        for pin in 0..40 {
            new.drive(Pin(pin), false);
        }
        new.pass_until(rig.now());
        new.reset(ResetKind::Hard);
        assert_eq!(encode(&rig.device.save()), encode(&new.device.save()), "{} seed {seed}", D::KIND);
        assert_eq!(levels(&rig), levels(&new), "{} seed {seed}", D::KIND);
        assert_eq!(rig.next_event(), new.next_event(), "{} seed {seed}", D::KIND);
    }
}

/// The clock's time and RAM outlive a reset; its enables do not.
fn keeps_its_battery(regs: Registers, fresh: impl Fn() -> Rtc) {
    let (address, data) = (Offset(0), Offset(1));
    let peek = |rig: &mut Rig<Rtc>, at: u8| {
        rig.write(address, at);
        rig.read(data)
    };
    for seed in 1..=20u64 {
        let mut r = Random(seed.wrapping_mul(0xd134_2543_de82_ef95));
        let mut rig = Rig::new(fresh());
        for _ in 0..300 {
            perform(&mut rig, &step(&mut r, &regs));
        }
        let ram = |rig: &mut Rig<Rtc>| (0x0e..0x80).map(|at| peek(rig, at)).collect::<Vec<_>>();
        let before = ram(&mut rig);
        rig.reset(ResetKind::Hard);
        assert_eq!(ram(&mut rig), before, "seed {seed}");
        assert_eq!(peek(&mut rig, 0x0b) & 0x70, 0, "seed {seed}: PIE, AIE and UIE");
        assert!(!rig.level(Pin(0)), "seed {seed}: no interrupt");
    }
}

/// Broken states are refused or harmless, never a panic.
fn survives_tampering<D: Device + Snapshot>(regs: Registers, fresh: impl Fn() -> D) {
    let mut refused = 0;
    for seed in 1..=300u64 {
        let mut r = Random(seed.wrapping_mul(0xa076_1d64_78bd_642f));
        let mut rig = Rig::new(fresh());
        for _ in 0..100 {
            perform(&mut rig, &step(&mut r, &regs));
        }
        let mut bytes = encode(&rig.device.save());
        if bytes.is_empty() {
            return;
        }
        for _ in 0..=r.below(3) {
            let at = r.below(bytes.len() as u64) as usize;
            bytes[at] = r.next() as u8;
        }
        let mut other = fresh();
        match D::decode(D::VERSION, &bytes).and_then(|state| other.load(state)) {
            Err(_) => refused += 1,
            Ok(()) => {
                let mut loaded = rig.restored(other);
                for _ in 0..100 {
                    perform(&mut loaded, &step(&mut r, &regs));
                }
            }
        }
    }
    println!("{}: {refused} of 300 tampered states refused", D::KIND);
}

macro_rules! laws {
    ($($name:ident: $first:literal, $count:literal, $config:literal, $reset:ident, $fresh:expr;)*) => {$(
        mod $name {
            use super::*;

            fn registers() -> Registers {
                Registers { first: $first, count: $count, configuration: $config }
            }

            #[test]
            fn loads_what_it_saved_and_runs_on() {
                obeys(registers(), || $fresh);
            }

            #[test]
            fn reset_does_what_it_should() {
                $reset(registers(), || $fresh);
            }

            #[test]
            fn a_tampered_state_does_no_harm() {
                survives_tampering(registers(), || $fresh);
            }
        }
    )*};
}

fn image(sectors: usize) -> Box<MemDisk> {
    Box::new(MemDisk::new((0..sectors * 512).map(|i| i as u8).collect()))
}

fn disk(sectors: usize) -> Option<IdeDrive> {
    Some(IdeDrive::Disk(image(sectors)))
}

fn cdrom(sectors: usize) -> Option<IdeDrive> {
    Some(IdeDrive::Cdrom(Some(image(sectors))))
}

fn fdc([a, b]: [Option<usize>; 2]) -> I82077 {
    let drive = |sectors: Option<usize>| {
        Some(FloppyDrive { kind: FloppyKind::M1440, medium: sectors.map(|n| image(n) as Box<dyn Disk>) })
    };
    I82077::new([drive(a), drive(b)])
}

// Name: first register, how many, PCI configuration, the law of its reset, and the device.
laws! {
    i8259_master: 0, 3, false, resets, Pic::master(0xf8);
    i8259_slave: 0, 3, false, resets, Pic::slave(0xde);
    i8254: 0, 4, false, resets, Pit::new();
    i8237: 0, 0x50, false, resets, Dma::new();
    mc146818: 0, 2, false, keeps_its_battery, Rtc::new(DateTime::from_unix(1_000_000_000));
    uart16550: 0, 8, false, resets, Uart::new(Box::new(Null));
    i8042: 0, 2, false, resets, I8042::new();
    i440fx: 0, 1, true, resets, I440fx::new(vec![Rom { range: 0xe_0000..0x10_0000, at: 0 }]);
    piix3: 0, 1, true, resets, Piix3::new();
    piix3_ide: 0, 32, true, resets, Piix3Ide::new([None, cdrom(101), None, None]);
    piix4_pm: 0x100, 64, true, resets, Piix4Pm::new();
    i82077: 2, 6, false, resets, fdc([None, None]);
    isa_ide: 0, 9, false, resets, IsaIde::new([None, None]);
    cdrom: 0, 9, false, resets, IsaIde::new([cdrom(4001), None]);
    port61: 0, 1, false, resets, Port61::default();
    port92: 0, 1, false, resets, Port92::default();
    debugcon: 0, 1, false, resets, Debugcon::new(Box::new(Null));
    debug_exit: 0, 1, false, resets, DebugExit;
    hotplug: 0, 68, false, resets, Hotplug;
    coprocessor_error: 0, 2, false, resets, CoprocessorError::default();
    lpt: 0, 3, false, resets, Lpt::new(Some(Box::new(Null)));
    lpt_unplugged: 0, 3, false, resets, Lpt::new(None);
    fw_cfg: 0, 12, false, resets, FwCfg::new(Items::default());
    vga_ports: 0, 0x43, true, resets, Vga::new(0x4_0000, 0x8_0000, Some((0x1_0000, 0x8000)));
    vga_mmio: 0x1400, 0x120, true, resets, Vga::new(0x4_0000, 0x8_0000, None);
    vga_memory: 0x2_0000, 0x2_0000, false, resets, Vga::new(0xc_0000, 0x8_0000, None);
}

/// As for hard disks below.
mod i82077_with_media {
    use super::*;

    #[test]
    fn a_tampered_state_does_no_harm() {
        let registers = || Registers { first: 2, count: 6, configuration: false };
        survives_tampering(registers(), || fdc([Some(2880), Some(1000)]));
    }
}

/// Disks keep what was written, so that a second device needs the same medium: reads only differ
/// by their registers here, and the writes go to a medium that both see as fresh.
mod ata_with_disks {
    use super::*;

    fn registers() -> Registers {
        Registers { first: 0, count: 9, configuration: false }
    }

    #[test]
    fn reset_gives_a_fresh_device() {
        resets(registers(), || IsaIde::new([disk(3000), disk(100)]));
    }

    #[test]
    fn a_tampered_state_does_no_harm() {
        survives_tampering(registers(), || IsaIde::new([disk(3000), disk(100)]));
    }

    #[test]
    fn a_transfer_goes_on_after_loading() {
        for command in [0x20, 0xc4, 0x30, 0xc5, 0xec] {
            let fresh = || IsaIde::new([disk(3000), None]);
            let mut rig = Rig::new(fresh());
            for (at, v) in [(2, 20), (3, 40), (4, 0), (5, 0), (6, 0xe0), (7, command)] {
                rig.write(Offset(at), v);
            }
            let transfer = |rig: &mut Rig<IsaIde>, words: u64| {
                let mut seen = Vec::new();
                for n in 0..words {
                    if n % 64 == 0 {
                        rig.pass(VTime::us(400));
                    }
                    if command & 0x30 == 0x30 || command == 0xc5 {
                        rig.write_wide(Offset(0), Width::B2, n);
                    } else {
                        seen.push(rig.read_wide(Offset(0), Width::B2));
                    }
                    if n % 256 == 9 {
                        seen.push(rig.read(Offset(7)).into());
                    }
                }
                seen
            };
            transfer(&mut rig, 100);
            let mut other = fresh();
            other.load(IsaIde::decode(1, &encode(&rig.device.save())).unwrap()).unwrap();
            let mut loaded = rig.restored(other);
            assert_eq!(transfer(&mut loaded, 1000), transfer(&mut rig, 1000), "{command:#x}");
            assert_eq!(encode(&loaded.device.save()), encode(&rig.device.save()), "{command:#x}");
        }
    }
}
