//! A machine built from its parts.

use ferrite_core::device::{DeviceId, Input};
use ferrite_core::machine::{Limits, Machine, Outcome};
use ferrite_core::snapshot::LoadError;
use ferrite_core::time::VTime;
use ferrite_devices::board::pc_pci::{self, ConfigError, PcConfig};
use ferrite_devices::boot::{BootPlan, Ram};
use ferrite_devices::host::{CharPort, Disk, Null};
use ferrite_test_roms::Rom;

use crate::Failure;
use crate::config::CpuSpec;
use crate::direct;
use crate::session::Guest;

/// What the machine starts with.
#[derive(Debug)]
pub enum Boot {
    /// The built-in demonstration.
    BuiltIn,
    /// Firmware, which finds a disk.
    Firmware,
    /// A kernel that is already in memory.
    Direct(BootPlan),
}

/// Everything that makes a machine.
pub struct Parts {
    /// CPU model and features.
    pub cpu: CpuSpec,
    /// RAM.
    pub ram: Ram,
    /// Picoseconds of one instruction; the machine's own rate if absent.
    pub ps_per_insn: Option<u64>,
    /// Seed of every source of randomness.
    pub seed: u64,
    /// Disks by IDE position.
    pub disks: [Option<Box<dyn Disk>>; 4],
    /// Host ends of COM1 and so on.
    pub serial: Vec<Box<dyn CharPort>>,
    /// Host end of port E9h.
    pub debugcon: Option<Box<dyn CharPort>>,
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
}

/// The ROM of the built-in demonstration.
const DEMO: &str = "hello/hello";

/// How much faster than its divisor says a serial line runs. At 115200 baud a character takes as long as 17,000
/// instructions, and a guest that polls would burn them all; nobody is at the far end who needs the real rate.
const SERIAL_SPEEDUP: u32 = 64;

/// Builds the machine.
///
/// # Errors
/// [`Failure::Usage`] for parts that this build does not have.
pub fn build(parts: Parts) -> Result<Pc, Failure> {
    let rom = match &parts.boot {
        Boot::BuiltIn => Rom::find(DEMO).map(|r| r.image.to_vec()),
        Boot::Firmware => {
            return Err(Failure::Usage(
                "this build has no firmware to boot a disk with: --kernel is needed".to_owned(),
            ));
        }
        Boot::Direct(_) => None,
    };
    let mut serial = parts.serial.into_iter();
    let config = PcConfig {
        ram: parts.ram,
        // A PC has COM1 and COM2, connected or not.
        serial: std::array::from_fn(|n| serial.next().or_else(|| (n < 2).then(|| Box::new(Null) as Box<dyn CharPort>))),
        disks: parts.disks,
        serial_speedup: SERIAL_SPEEDUP,
        debugcon: parts.debugcon,
        debug_exit: parts.debug_exit,
        bios: rom,
        ..PcConfig::default()
    };
    let mut sys = pc_pci::build(config).map_err(|e| match e {
        ConfigError::Ram { .. } => Failure::Usage(format!("--memory: {e}")),
        ConfigError::Bios(_) => Failure::Usage(e.to_string()),
    })?;
    if let Some(ps) = parts.ps_per_insn {
        sys.clock.set_ps_per_insn(ps);
    }
    if matches!(parts.boot, Boot::Direct(_)) {
        pc_pci::post(&mut sys);
    }
    let serial = (1..=4).map(|n| sys.device_id(&format!("com{n}"))).collect();
    let mut machine = Machine::new(parts.cpu.model, sys);
    machine.set_no_reboot(parts.no_reboot);
    if let Boot::Direct(plan) = parts.boot {
        direct::install(&mut machine.x, &plan);
        // A reset starts the kernel again: there is no firmware that would find it.
        machine.set_reset_hook(Box::new(move |x| {
            pc_pci::post(&mut x.sys);
            direct::install(x, &plan);
        }));
    }
    Ok(Pc { machine, serial })
}

impl Pc {
    /// Loads a snapshot.
    ///
    /// # Errors
    /// [`LoadError`] if it is none, or one of another machine.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.machine.load(bytes)
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

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("decoded_blocks", self.machine.decoded_blocks()), ("tlb_misses", self.machine.x.walks)]
    }
}
