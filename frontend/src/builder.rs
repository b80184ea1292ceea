//! Describing a machine: what is not said takes the value that `ferrite run` gives it.

use std::path::PathBuf;

use ferrite_core::cpu::Feature;
use ferrite_core::engine::Engine;
use ferrite_core::interp::Interpreter;
use ferrite_devices::board::{Board, BootDevice, BootOrder};
use ferrite_devices::boot::{self, EntryChoice, Ram, Request};
use ferrite_devices::host::{CharPort, Disk, FloppyDrive, FloppyKind, IdeDrive, MemDisk, Null};

use crate::Failure;
use crate::config::{Accel, CpuSpec};
use crate::engine;
use crate::lockstep::Lockstep;
use crate::media::{self, Drives};
use crate::pc::{self, Boot, Image, Parts, Pc};

/// RAM unless something else is said.
const DEFAULT_MEMORY: u64 = 128 << 20;

/// RAM below this lies under the PCI hole, the rest above 4 GiB.
const LOW_RAM_MAX: u64 = 0xc000_0000;

/// More than any host of today can back, and than 40 address bits reach.
const MEMORY_MAX: u64 = 1 << 39;

/// A kernel that is booted without firmware.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    pub image: Image,
    pub initrd: Option<Vec<u8>>,
    pub append: String,
    pub entry: EntryChoice,
}

/// The description of a machine: see the crate's text for an example.
///
/// Without firmware, kernel or drive it is the built-in demonstration.
#[derive(Default)]
pub struct Builder {
    pub(crate) board: Board,
    /// An error waits for [`Builder::build`].
    pub(crate) cpu: Option<Result<CpuSpec, String>>,
    pub(crate) accel: Accel,
    /// One that is there already, whatever `accel` says.
    pub(crate) engine: Option<Box<dyn Engine>>,
    pub(crate) memory: Option<u64>,
    pub(crate) ps_per_insn: Option<u64>,
    pub(crate) seed: u64,
    pub(crate) start_time: Option<u64>,
    pub(crate) drives: Drives,
    pub(crate) boot_order: Option<BootOrder>,
    pub(crate) bios: Option<Image>,
    pub(crate) vgabios: Option<Image>,
    pub(crate) kernel: Option<Kernel>,
    pub(crate) serial: Vec<Box<dyn CharPort>>,
    pub(crate) debugcon: Option<Box<dyn CharPort>>,
    pub(crate) firmware_log: Option<Box<dyn CharPort>>,
    pub(crate) debug_exit: bool,
    pub(crate) no_reboot: bool,
    /// What it starts with comes from a snapshot.
    pub(crate) loads_snapshot: bool,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("board", &self.board).field("drives", &self.drives).finish_non_exhaustive()
    }
}

impl Builder {
    /// The board; a PC with PCI unless this is called.
    #[must_use]
    pub fn board(mut self, board: Board) -> Self {
        self.board = board;
        self
    }

    /// CPU model and features, as `--cpu` takes them: `80486`, `pentium3,-sse`. The one with everything unless this is called.
    #[must_use]
    pub fn cpu(mut self, spec: &str) -> Self {
        self.cpu = Some(spec.parse());
        self
    }

    /// What runs the machine, as `--accel` takes it; [`Accel::Auto`] unless this is called. Every engine gives the same run.
    #[must_use]
    pub fn accel(mut self, accel: Accel) -> Self {
        self.accel = accel;
        self
    }

    /// An engine that runs the machine, such as a [`ferrite_jit::Jit`] with settings of its own.
    #[must_use]
    pub fn engine(mut self, engine: Box<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// RAM in bytes, whole MiB; 128 MiB unless this is called, less where the processor cannot address so much.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// What an instruction costs, in picoseconds of virtual time; 5000 unless this is called.
    #[must_use]
    pub fn ps_per_insn(mut self, ps: u64) -> Self {
        self.ps_per_insn = Some(ps);
        self
    }

    /// The seed of every source of randomness in the machine.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The real-time clock at power-on, in seconds since 1970. Always the same date unless this is called.
    #[must_use]
    pub fn start_time(mut self, seconds: u64) -> Self {
        self.start_time = Some(seconds);
        self
    }

    /// Firmware: a multiple of 4096 bytes that ends at 4 GiB and at 1 MiB.
    #[must_use]
    pub fn bios(mut self, bytes: Vec<u8>) -> Self {
        self.bios = Some(Image { path: PathBuf::new(), bytes });
        self
    }

    /// The option ROM of the display adapter.
    #[must_use]
    pub fn vgabios(mut self, bytes: Vec<u8>) -> Self {
        self.vgabios = Some(Image { path: PathBuf::new(), bytes });
        self
    }

    /// A Linux bzImage or a multiboot image to boot directly, with its initial RAM disk and command line.
    #[must_use]
    pub fn kernel(mut self, bytes: Vec<u8>, initrd: Option<Vec<u8>>, append: &str) -> Self {
        let image = Image { path: PathBuf::new(), bytes };
        self.kernel = Some(Kernel { image, initrd, append: append.to_owned(), entry: EntryChoice::Auto });
        self
    }

    /// A hard disk at an IDE position: 0 primary master, 1 primary slave, 2 and 3 secondary. Others are ignored.
    #[must_use]
    pub fn disk(mut self, position: usize, disk: Box<dyn Disk>) -> Self {
        if let Some(place) = self.drives.ide.get_mut(position) {
            *place = Some(IdeDrive::Disk(disk));
        }
        self
    }

    /// A CD-ROM drive at an IDE position, and what is in it: sectors of 2048 bytes, as four of 512.
    #[must_use]
    pub fn cdrom(mut self, position: usize, medium: Option<Box<dyn Disk>>) -> Self {
        if let Some(place) = self.drives.ide.get_mut(position) {
            *place = Some(IdeDrive::Cdrom(medium));
        }
        self
    }

    /// Floppy drive 0 or 1 for the kind of medium that is in it; one without is a 1.44M drive.
    #[must_use]
    pub fn floppy(mut self, drive: usize, medium: Option<Box<dyn Disk>>) -> Self {
        if let Some(place) = self.drives.floppies.get_mut(drive) {
            *place = Some(media::floppy_drive(medium));
        }
        self
    }

    /// What firmware tries to start, in order. Floppy, disk, CD unless this is called, drives that begin empty last.
    #[must_use]
    pub fn boot_order(mut self, order: BootOrder) -> Self {
        self.boot_order = Some(order);
        self
    }

    /// The far end of the next serial line, COM1 first.
    #[must_use]
    pub fn serial(mut self, port: Box<dyn CharPort>) -> Self {
        self.serial.push(port);
        self
    }

    /// Where bytes of port E9h go.
    #[must_use]
    pub fn debugcon(mut self, port: Box<dyn CharPort>) -> Self {
        self.debugcon = Some(port);
        self
    }

    /// Where bytes of port 402h go, which SeaBIOS and Bochs' firmware log to.
    #[must_use]
    pub fn firmware_log(mut self, port: Box<dyn CharPort>) -> Self {
        self.firmware_log = Some(port);
        self
    }

    /// Whether a write to port F4h ends the run.
    #[must_use]
    pub fn debug_exit(mut self, on: bool) -> Self {
        self.debug_exit = on;
        self
    }

    /// Whether a reset or a triple fault ends the run.
    #[must_use]
    pub fn no_reboot(mut self, on: bool) -> Self {
        self.no_reboot = on;
        self
    }

    /// The machine twice: on the interpreter, and on `engine`, which is compared with it. What the second one sends goes nowhere, and
    /// what it writes to disks only it sees.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn build_lockstep(mut self, engine: Box<dyn Engine>) -> Result<Lockstep, Failure> {
        let drives = self.drives.split();
        let second = Self {
            board: self.board,
            cpu: self.cpu.clone(),
            accel: self.accel,
            engine: Some(engine),
            memory: self.memory,
            ps_per_insn: self.ps_per_insn,
            seed: self.seed,
            start_time: self.start_time,
            drives,
            boot_order: self.boot_order.clone(),
            bios: self.bios.clone(),
            vgabios: self.vgabios.clone(),
            kernel: self.kernel.clone(),
            serial: self.serial.iter().map(|_| Box::new(Null) as Box<dyn CharPort>).collect(),
            debugcon: self.debugcon.as_ref().map(|_| Box::new(Null) as Box<dyn CharPort>),
            firmware_log: self.firmware_log.as_ref().map(|_| Box::new(Null) as Box<dyn CharPort>),
            debug_exit: self.debug_exit,
            no_reboot: self.no_reboot,
            loads_snapshot: self.loads_snapshot,
        };
        self.engine = Some(Box::new(Interpreter::new()));
        Ok(Lockstep::new(self.build()?, second.build()?))
    }

    /// The machine, powered on.
    ///
    /// # Errors
    /// [`Failure`] naming, by the option of `ferrite run`, what cannot be had.
    pub fn build(self) -> Result<Pc, Failure> {
        let cpu = self.cpu.unwrap_or_else(|| "max".parse());
        let cpu = cpu.map_err(|e| Failure::Usage(format!("--cpu: {e}")))?;
        // No more than the processor can address, unless it was asked for.
        let memory = self.memory.unwrap_or_else(|| DEFAULT_MEMORY.min(addressable(cpu.model.phys_bits)));
        if memory > MEMORY_MAX {
            return Err(Failure::Usage(format!("--memory: at most {}G", MEMORY_MAX >> 30)));
        }
        let ram = Ram { low: memory.min(LOW_RAM_MAX), high: memory.saturating_sub(LOW_RAM_MAX) };
        let mut drives = self.drives;
        let boot = match &self.kernel {
            Some(kernel) => Boot::Direct(plan(kernel, &cpu, ram)?),
            None => Boot::Firmware,
        };
        let demonstrates = self.kernel.is_none() && !self.loads_snapshot && self.bios.is_none() && drives.is_empty();
        // A PC has a floppy drive, and something may be put into it later.
        let [drive_a, _] = &mut drives.floppies;
        let drive_a = drive_a.get_or_insert(FloppyDrive { kind: FloppyKind::M1440, medium: None });
        if demonstrates {
            drive_a.medium = Some(Box::new(demonstration()));
        }
        let engine = match self.engine {
            Some(engine) => engine,
            None => engine::make(self.accel, &ferrite_jit::Config::default(), |line| tracing::warn!("{line}"))?,
        };
        let boot_order = self.boot_order.unwrap_or_else(|| default_order(&drives));
        pc::build(Parts {
            board: self.board,
            cpu,
            engine,
            ram,
            ps_per_insn: self.ps_per_insn,
            seed: self.seed,
            start_time: self.start_time,
            ide: drives.ide,
            floppies: drives.floppies,
            boot_order,
            bios: self.bios,
            vgabios: self.vgabios,
            serial: self.serial,
            debugcon: self.debugcon,
            firmware_log: self.firmware_log,
            debug_exit: self.debug_exit,
            no_reboot: self.no_reboot,
            boot,
        })
    }
}

/// What a processor with so many address lines reaches.
fn addressable(lines: u32) -> u64 {
    1 << lines.max(20)
}

/// The board's order, with drives that are empty behind those that are not: firmware finds out slowly that a floppy drive is.
fn default_order(drives: &Drives) -> BootOrder {
    let ide = |f: fn(&IdeDrive) -> bool| drives.ide.iter().flatten().any(f);
    let filled = |device: &BootDevice| match device {
        BootDevice::Floppy => drives.floppies.iter().flatten().any(|d| d.medium.is_some()),
        BootDevice::Disk => ide(|d| matches!(d, IdeDrive::Disk(_))),
        BootDevice::Cdrom => ide(|d| matches!(d, IdeDrive::Cdrom(Some(_)))),
        BootDevice::Network => false,
    };
    let mut order = BootOrder::default().devices().to_vec();
    order.sort_by_key(|d| !filled(d));
    BootOrder::new(order)
}

/// The built-in demonstration disk.
fn demonstration() -> MemDisk {
    let mut image = ferrite_test_roms::DEMO_FLOPPY.to_vec();
    image.resize(1440 << 10, 0);
    MemDisk::new(image)
}

fn plan(kernel: &Kernel, cpu: &CpuSpec, ram: Ram) -> Result<boot::BootPlan, Failure> {
    let request = Request {
        kernel: &kernel.image.bytes,
        initrd: kernel.initrd.as_deref(),
        cmdline: &kernel.append,
        ram,
        entry: kernel.entry,
        long_mode: cpu.model.has(Feature::Lm),
    };
    boot::plan(&request).map_err(|e| Failure::Usage(format!("--kernel {}: {e}", kernel.image.path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_no_more_than_the_processor_reaches_unless_it_is_asked_for() {
        assert_eq!([20, 24, 32, 40].map(|lines| DEFAULT_MEMORY.min(addressable(lines)) >> 20), [1, 16, 128, 128]);
    }

    #[test]
    fn what_has_a_medium_is_tried_before_what_has_none() {
        let disk = || Box::new(MemDisk::new(vec![0; 1 << 20])) as Box<dyn Disk>;
        let order = |b: Builder| default_order(&b.drives).devices().to_vec();
        use BootDevice::{Cdrom, Disk as Hard, Floppy};
        assert_eq!(order(Builder::default()), [Floppy, Hard, Cdrom]);
        assert_eq!(order(Builder::default().disk(0, disk())), [Hard, Floppy, Cdrom]);
        assert_eq!(order(Builder::default().cdrom(2, Some(disk())).floppy(0, None)), [Cdrom, Floppy, Hard]);
        let both = Builder::default().floppy(0, Some(disk())).disk(0, disk()).cdrom(2, None);
        assert_eq!(order(both), [Floppy, Hard, Cdrom]);
    }
}
