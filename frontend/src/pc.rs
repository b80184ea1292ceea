//! A machine built from its parts.

use std::path::PathBuf;

use ferrite_core::cpu::Feature;
use ferrite_core::cpu::state::cr4;
use ferrite_core::device::{Cx, DeviceId, Input, Key};
use ferrite_core::engine::Engine;
use ferrite_core::machine::{Limits, Machine, Outcome};
use ferrite_core::snapshot::LoadError;
use ferrite_core::time::{Clock, VTime};
use ferrite_devices::board::{self, Board, BootOrder, ConfigError, PcConfig, pc_pci};
use ferrite_devices::boot::{BootPlan, Ram};
use ferrite_devices::host::{CharPort, Disk, FloppyDrive, IdeDrive, Null};
use ferrite_devices::input::i8042::I8042;
use ferrite_devices::pci::piix3_ide::Piix3Ide;
use ferrite_devices::storage::i82077::I82077;
use ferrite_devices::storage::isa_ide::IsaIde;
use ferrite_devices::video::frame::{Frame, TextScreen};
use ferrite_devices::video::glyphs::Glyphs;
use ferrite_devices::video::vga::Vga;

use crate::Failure;
use crate::builder::Builder;
use crate::config::CpuSpec;
use crate::direct;
use crate::display::Mouse;
use crate::media::Slot;
use crate::session::Guest;

/// What the machine starts with.
#[derive(Debug)]
pub enum Boot {
    /// Firmware, which finds a disk.
    Firmware,
    /// A kernel that is already in memory.
    Direct(BootPlan),
}

/// An image given by an option, with the path that its errors name.
#[derive(Debug, Clone)]
pub struct Image {
    /// Where it came from.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Everything that makes a machine.
pub struct Parts {
    /// Which board.
    pub board: Board,
    /// CPU model and features.
    pub cpu: CpuSpec,
    /// What runs it.
    pub engine: Box<dyn Engine>,
    /// RAM.
    pub ram: Ram,
    /// Picoseconds of one instruction; the machine's own rate if absent.
    pub ps_per_insn: Option<u64>,
    /// Seed of every source of randomness.
    pub seed: u64,
    /// The real-time clock at power-on, in seconds since 1970; the machine's own date if absent.
    pub start_time: Option<u64>,
    /// Drives by IDE position.
    pub ide: [Option<IdeDrive>; 4],
    /// Floppy drives.
    pub floppies: [Option<FloppyDrive>; 2],
    /// What firmware starts from.
    pub boot_order: BootOrder,
    /// Firmware other than the built-in one.
    pub bios: Option<Image>,
    /// Option ROM of the display adapter, other than the built-in one.
    pub vgabios: Option<Image>,
    /// Host ends of COM1 and so on.
    pub serial: Vec<Box<dyn CharPort>>,
    /// Host end of port E9h.
    pub debugcon: Option<Box<dyn CharPort>>,
    /// Host end of port 402h.
    pub firmware_log: Option<Box<dyn CharPort>>,
    /// Whether port F4h ends the run.
    pub debug_exit: bool,
    /// Whether a reset ends the run.
    pub no_reboot: bool,
    /// What it starts with.
    pub boot: Boot,
}

/// A PC.
#[derive(Debug)]
pub struct Pc {
    machine: Machine,
    serial: Vec<Option<DeviceId>>,
    keyboard: Option<DeviceId>,
    vga: Option<DeviceId>,
    /// Which IDE positions are CD-ROM drives.
    cdroms: [bool; 4],
    /// The first of them.
    cdrom: Option<usize>,
}

/// What came of changing a medium.
enum Change {
    Done,
    NoDrive,
    /// No format of the drive has this size.
    Unreadable,
    /// The guest keeps the tray shut.
    Locked,
}

/// How much faster than its divisor says a serial line runs. At 115200 baud a character takes as long as 17,000
/// instructions, and a guest that polls would burn them all; nobody is at the far end who needs the real rate.
const SERIAL_SPEEDUP: u32 = 64;

/// Builds the machine.
///
/// # Errors
/// [`Failure::Usage`] for parts that this build does not have.
pub fn build(parts: Parts) -> Result<Pc, Failure> {
    let image = |image: &Option<Image>| image.as_ref().map(|i| i.bytes.clone());
    let rom = match &parts.boot {
        Boot::Firmware => Some(image(&parts.bios).unwrap_or_else(|| ferrite_bios::BIOS.to_vec())),
        Boot::Direct(_) => None,
    };
    if parts.board == Board::IsaPc && matches!(parts.boot, Boot::Direct(_)) {
        return Err(Failure::Usage("--kernel: only with --machine pc".to_owned()));
    }
    let cdroms = parts.ide.each_ref().map(|d| matches!(d, Some(IdeDrive::Cdrom(_))));
    let mut serial = parts.serial.into_iter();
    let model = &parts.cpu.model;
    let config = PcConfig {
        kind: parts.board,
        ram: parts.ram,
        address_lines: model.phys_bits as u8,
        coprocessor: model.has(Feature::Fpu),
        // A PC has COM1 and COM2, connected or not.
        serial: std::array::from_fn(|n| serial.next().or_else(|| (n < 2).then(|| Box::new(Null) as Box<dyn CharPort>))),
        ide: parts.ide,
        floppies: parts.floppies,
        boot_order: parts.boot_order,
        serial_speedup: SERIAL_SPEEDUP,
        debugcon: parts.debugcon,
        firmware_log: parts.firmware_log,
        debug_exit: parts.debug_exit,
        bios: rom,
        vgabios: Some(image(&parts.vgabios).unwrap_or_else(|| ferrite_bios::VGABIOS.to_vec())),
        start_time: parts.start_time.unwrap_or(PcConfig::default().start_time),
        ..PcConfig::default()
    };
    let option = |option: &str, image: &Option<Image>, e: ConfigError| {
        let path = image.as_ref().map(|i| i.path.display().to_string()).unwrap_or_default();
        Failure::Host(format!("{option} {path}: {e}"))
    };
    let mut sys = board::build(config).map_err(|e| match e {
        ConfigError::Ram { .. } => Failure::Usage(format!("--memory: {e}")),
        ConfigError::Bios(_) => option("--bios", &parts.bios, e),
        ConfigError::VgaBiosSize(_) | ConfigError::VgaBiosSignature(..) | ConfigError::VgaBiosLength { .. } => {
            option("--vgabios", &parts.vgabios, e)
        }
    })?;
    if let Some(ps) = parts.ps_per_insn {
        sys.clock.set_ps_per_insn(ps);
    }
    if matches!(parts.boot, Boot::Direct(_)) {
        pc_pci::post(&mut sys);
    }
    let serial = (1..=4).map(|n| sys.device_id(&format!("com{n}"))).collect();
    let (keyboard, vga) = (sys.device_id("kbc"), sys.device_id("vga"));
    let mut machine = Machine::with_engine(parts.cpu.model, sys, parts.engine);
    machine.set_no_reboot(parts.no_reboot);
    if let Boot::Direct(plan) = parts.boot {
        direct::install(&mut machine.x, &plan);
        // A reset starts the kernel again: there is no firmware that would find it.
        machine.set_reset_hook(Box::new(move |x| {
            pc_pci::post(&mut x.sys);
            direct::install(x, &plan);
        }));
    }
    let cdrom = cdroms.iter().position(|c| *c);
    Ok(Pc { machine, serial, keyboard, vga, cdroms, cdrom })
}

impl Pc {
    /// Begins the description of a machine.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Runs for `length` of virtual time, or until the guest ends the run.
    pub fn run_for(&mut self, length: VTime) -> Outcome {
        let time = self.machine.now().after(length);
        self.machine.run(Limits { time, ..Limits::default() })
    }

    /// Gives an input to the device of this name (`com1`, `kbc`) at the present count. False if there is no such device.
    pub fn inject(&mut self, device: &str, input: &Input) -> bool {
        let id = self.machine.x.sys.device_id(device);
        id.map(|id| self.machine.x.sys.inject(id, input)).is_some()
    }

    /// A snapshot of the whole machine, for [`Pc::load`] on one that was built alike.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        self.machine.save()
    }

    /// Loads a snapshot.
    ///
    /// # Errors
    /// [`LoadError`] if it is none, or one of another machine.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.machine.load(bytes)
    }

    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(crate) fn machine_mut(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn with_vga<R>(&mut self, f: impl FnOnce(&mut Vga, &mut Cx<'_>) -> R) -> Option<R> {
        self.vga.and_then(|id| self.machine.x.sys.with_device(id, f))
    }

    fn insert_floppy(&mut self, drive: usize, medium: Option<Box<dyn Disk>>) -> Change {
        let sys = &mut self.machine.x.sys;
        let put = |fdc: &mut I82077, _: &mut Cx<'_>| {
            let filled = medium.is_some();
            if !fdc.has_drive(drive) {
                return Change::NoDrive;
            }
            fdc.insert(drive, medium);
            if filled && fdc.geometry(drive).is_none() {
                fdc.insert(drive, None);
                return Change::Unreadable;
            }
            Change::Done
        };
        sys.device_id("fdc").and_then(|id| sys.with_device(id, put)).unwrap_or(Change::NoDrive)
    }

    /// Into the CD-ROM drive at an IDE position.
    fn insert_cd(&mut self, position: usize, medium: Option<Box<dyn Disk>>) -> Change {
        let sys = &mut self.machine.x.sys;
        // What is not there, `insert` would not find either: only then does `eject` mean a lock.
        let change = |there: bool, free: bool| match (there, free) {
            (_, true) => Change::Done,
            (true, false) => Change::Locked,
            (false, false) => Change::NoDrive,
        };
        let there = self.cdroms.get(position).copied().unwrap_or(false);
        if let Some(id) = sys.device_id("ide") {
            let put =
                |ide: &mut Piix3Ide, _: &mut Cx<'_>| change(there, ide.eject(position) && ide.insert(position, medium));
            return sys.with_device(id, put).unwrap_or(Change::NoDrive);
        }
        let unit = position % 2;
        let put = |ide: &mut IsaIde, _: &mut Cx<'_>| change(there, ide.eject(unit) && ide.insert(unit, medium));
        let id = sys.device_id(&format!("ide{}", position / 2));
        id.and_then(|id| sys.with_device(id, put)).unwrap_or(Change::NoDrive)
    }

    fn keyboard(&self) -> Option<&I8042> {
        self.keyboard.and_then(|id| self.machine.x.sys.device(id))
    }

    /// The font that the display's firmware draws with in graphics modes, where its vectors and variables are in place: IBM PS/2 and PC
    /// BIOS Interface Technical Reference, "Interrupt Vectors" (1Fh, 43h), "BIOS Data Area" (40:85, bytes a character).
    fn glyphs(&self) -> Option<Glyphs> {
        let mem = &self.machine.x.sys.mem;
        let read = |addr: u64, len: usize| {
            let mut bytes = vec![0; len];
            mem.read(addr, &mut bytes).then_some(bytes)
        };
        let vector = |n: u64| {
            let at = mem.read_u32(4 * n);
            u64::from(at >> 16) * 16 + u64::from(at & 0xffff)
        };
        let rows = usize::from(*read(0x485, 2)?.first()?);
        if !(1..=32).contains(&rows) {
            return None;
        }
        let font = match rows {
            8 => [read(vector(0x43), 128 * 8)?, read(vector(0x1f), 128 * 8)?].concat(),
            _ => read(vector(0x43), 256 * rows)?,
        };
        Glyphs::new(&font, rows)
    }

    /// A key or a movement, for the keyboard controller.
    fn input(&mut self, input: &Input) {
        if let Some(id) = self.keyboard {
            self.machine.x.sys.inject(id, input);
        }
    }
}

impl Guest for Pc {
    fn run(&mut self, limits: Limits) -> Outcome {
        self.machine.run(limits)
    }

    fn retired(&self) -> u64 {
        self.machine.retired()
    }

    fn now(&self) -> VTime {
        self.machine.now()
    }

    fn ps_per_insn(&self) -> u64 {
        self.machine.x.sys.clock.ps_per_insn()
    }

    /// Old systems and programs measure how often a loop runs in a while, and fail where that is too often (those of Turbo Pascal's CRT unit
    /// beyond a processor of 200 MHz, Windows 95 beyond 350). What uses physical-address extension is younger than that.
    fn least_ps_per_insn(&self) -> u64 {
        if self.machine.x.st.cr4 & cr4::PAE != 0 { 1 } else { Clock::DEFAULT_PS_PER_INSN }
    }

    fn set_ps_per_insn(&mut self, ps: u64) {
        self.machine.x.sys.clock.set_ps_per_insn(ps);
    }

    fn digest(&self) -> [u8; 32] {
        self.machine.digest()
    }

    fn save(&self) -> Vec<u8> {
        self.machine.save()
    }

    fn serial_input(&mut self, line: usize, bytes: Vec<u8>) {
        if let Some(&Some(id)) = self.serial.get(line) {
            self.machine.x.sys.inject(id, &Input::Bytes(bytes));
        }
    }

    fn screen_changed(&mut self) -> bool {
        self.with_vga(|vga, cx| {
            let now = cx.now();
            vga.changed(cx.dma(), now)
        })
        .unwrap_or(false)
    }

    fn frame(&mut self) -> Frame {
        self.with_vga(|vga, cx| {
            let now = cx.now();
            vga.frame(cx.dma(), now)
        })
        .unwrap_or_default()
    }

    fn text(&self) -> Option<TextScreen> {
        let sys = &self.machine.x.sys;
        self.vga.and_then(|id| sys.device::<Vga>(id))?.text(&sys.mem, sys.clock.now())
    }

    fn drawn_text(&mut self) -> Option<TextScreen> {
        let glyphs = self.glyphs()?;
        Some(glyphs.read(&self.frame()))
    }

    fn key(&mut self, key: Key, pressed: bool) {
        self.input(&Input::Key { key, pressed });
    }

    fn keys_pending(&self) -> bool {
        self.keyboard().is_some_and(I8042::keys_pending)
    }

    fn leds(&self) -> u8 {
        self.keyboard().map_or(0, I8042::leds)
    }

    fn mouse(&mut self, mouse: Mouse) {
        let Mouse { dx, dy, dz, buttons } = mouse;
        self.input(&Input::Mouse { dx, dy, dz, buttons });
    }

    fn insert(&mut self, slot: Slot, medium: Option<Box<dyn Disk>>) -> Result<(), String> {
        let done = match (slot, self.cdrom) {
            (Slot::Floppy(n), _) => self.insert_floppy(usize::from(n), medium),
            (Slot::Cdrom, Some(n)) => self.insert_cd(n, medium),
            (Slot::Ide(n), _) => self.insert_cd(usize::from(n), medium),
            (Slot::Cdrom, None) => Change::NoDrive,
        };
        match done {
            Change::Done => Ok(()),
            Change::NoDrive => Err(format!("this machine has no drive with a removable medium at {slot}")),
            Change::Unreadable => Err(format!("{slot} is a drive that does not read media of this size")),
            Change::Locked => Err(format!("the guest has locked the drive {slot}; it must eject the medium itself")),
        }
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let mut counters = self.machine.counters();
        counters.push(("tlb_misses", self.machine.x.walks));
        counters
    }

    fn hottest(&self) -> Vec<ferrite_core::engine::Hot> {
        self.machine.hottest()
    }
}
