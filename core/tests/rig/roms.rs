//! The machine of the test ROMs, on any engine: for this crate's tests and the JIT's.
//!
//! It has 4 MiB of RAM, the ROM below 1 MiB, 16 MiB (where the 80286 begins) and 4 GiB, and the few ports that
//! `test-roms` documents.

use std::fmt::Write as _;

use ferrite_core::bus::Space;
use ferrite_core::cpu::segment::Seg;
use ferrite_core::cpu::{Model, ModelName};
use ferrite_core::device::{Cx, Device, DeviceId, Event, Inta, Offset, Pin, ResetKind, Stop, Width};
use ferrite_core::engine::Engine;
use ferrite_core::machine::{Limits, Machine, Outcome};
use ferrite_core::memory::{GuestMemory, Route};
use ferrite_core::snapshot::{LoadError, Snapshot};
use ferrite_core::system::System;
use ferrite_core::time::VTime;
use ferrite_core::wires::CpuPin;
use ferrite_test_roms::{End, ROMS, Rom};

/// Where engines come from.
pub type MakeEngine<'a> = &'a dyn Fn() -> Box<dyn Engine>;

const RAM: u64 = 4 << 20;
/// More than any ROM needs.
pub const INSNS: u64 = 5_000_000;

/// Ports E9h (text), F4h (the end), F5h: a byte n raises INTR with vector 20h n nanoseconds later, and an interrupt
/// acknowledge takes it back; F6h: bit 0 pulses NMI, bit 1 SMI.
#[derive(Default)]
struct Ports {
    text: Vec<u8>,
    intr: bool,
}

const TEXT: Offset = Offset(0);
const EXIT: Offset = Offset(1);
const DELAY: Offset = Offset(2);
const ALARM: Event = Event(0);
const INTR: Pin = Pin(0);
const NMI: Pin = Pin(1);
const SMI: Pin = Pin(2);

impl Device for Ports {
    fn read(&mut self, _: &mut Cx<'_>, _: Offset, _: Width) -> u64 {
        0xe9
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, val: u64) {
        match at {
            TEXT => self.text.push(val as u8),
            EXIT => cx.stop(Stop::DebugExit(val as u32)),
            DELAY => cx.at(cx.now().after(VTime::ns(val)), ALARM),
            _ => {
                for pin in [NMI, SMI].into_iter().filter(|pin| val >> (pin.0 - NMI.0) & 1 != 0) {
                    cx.set(pin, true);
                    cx.set(pin, false);
                }
            }
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, _: Event) {
        self.intr = true;
        cx.set(INTR, true);
    }

    fn acknowledge(&mut self, cx: &mut Cx<'_>, _: Option<u8>) -> Inta {
        self.intr = false;
        cx.set(INTR, false);
        Inta::Vector(0x20)
    }

    fn reset(&mut self, _: &mut Cx<'_>, _: ResetKind) {}
}

impl Snapshot for Ports {
    const KIND: &'static str = "rom-ports";
    const VERSION: u32 = 1;
    type State = (Vec<u8>, bool);

    fn save(&self) -> Self::State {
        let Self { text, intr } = self;
        (text.clone(), *intr)
    }

    fn load(&mut self, (text, intr): Self::State) -> Result<(), LoadError> {
        *self = Self { text, intr };
        Ok(())
    }
}

/// The machine that `rom` runs in.
pub fn machine(rom: &Rom, model: ModelName, engine: Box<dyn Engine>) -> Machine {
    let len = rom.image.len() as u64;
    let mut mem = GuestMemory::new(RAM, len);
    mem.map(0..RAM, Route::Backing(0), Route::Backing(0));
    for end in [1 << 20, 1 << 24, 1 << 32] {
        mem.map(end - len..end, Route::Backing(RAM), Route::Nowhere);
    }
    assert!(mem.load_image(RAM, rom.image));
    let mut sys = System::new(mem);
    let id: DeviceId = sys.add("ports", Ports::default());
    let bus = sys.bus_mut();
    bus.map(Space::Port, 0xe9, 1, id, TEXT, Width::B1);
    bus.map(Space::Port, 0xf4, 3, id, EXIT, Width::B1);
    sys.connect_cpu((id, INTR), CpuPin::Intr);
    sys.connect_cpu((id, NMI), CpuPin::Nmi);
    sys.connect_cpu((id, SMI), CpuPin::Smi);
    sys.set_interrupt_controllers(&[id]);
    let mut m = Machine::with_engine(Model::new(model), sys, engine);
    m.set_no_reboot(true);
    m
}

/// Runs to a count of retired instructions.
pub fn run(m: &mut Machine, insns: u64) -> Outcome {
    m.run(Limits { insns, ..Limits::default() })
}

/// What went wrong, if anything.
fn verdict(rom: &Rom, m: &Machine, outcome: Outcome) -> Option<String> {
    let ended = match (rom.end(), outcome) {
        (End::Pass, Outcome::Stopped(Stop::DebugExit(0))) => None,
        (End::TripleFault, Outcome::Reset { triple_fault: true }) => None,
        (_, Outcome::Stopped(Stop::DebugExit(255))) => Some(format!(
            "exception {} that nobody expected, error code {:#x}, at {:#x}",
            m.x.sys.mem.read_u32(0x510),
            m.x.sys.mem.read_u32(0x518),
            m.x.sys.mem.read_u32(0x520)
        )),
        (_, Outcome::Stopped(Stop::DebugExit(n))) => Some(format!(
            "check {n} (last exception {} error code {:#x} at {:#x})",
            m.x.sys.mem.read_u32(0x510) as i32,
            m.x.sys.mem.read_u32(0x518),
            m.x.sys.mem.read_u32(0x520)
        )),
        (_, other) => Some(format!("ended with {other:?}")),
    };
    let ports: &Ports = m.x.sys.device(DeviceId(0)).expect("the ports");
    let said = String::from_utf8_lossy(&ports.text);
    ended.or_else(|| (!said.contains(rom.output())).then(|| format!("said {said:?} without {:?}", rom.output())))
}

/// The state, for a failure's message.
pub fn state(m: &Machine) -> String {
    let st = &m.x.st;
    let mut s = format!(
        "{} retired, cs {:#x} rip {:#x} flags {:#x}",
        m.retired(),
        st.segment(Seg::Cs).selector,
        st.rip(),
        st.flags.bits()
    );
    for (name, v) in ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"].iter().zip(st.regs) {
        let _ = write!(s, " {name} {v:#x}");
    }
    let _ = write!(
        s,
        " ss {:#x} cr0 {:#x} cr2 {:#x} cr3 {:#x} cr4 {:#x}",
        st.segment(Seg::Ss).selector,
        st.cr0,
        st.cr2,
        st.cr3,
        st.cr4
    );
    let _ = write!(s, " efer {:#x} cpl {}, at 600h:", st.msr.efer, st.cpl);
    for k in 0..8 {
        let _ = write!(s, " {:x}", m.x.sys.mem.read_u32(0x600 + 4 * k));
    }
    s
}

/// Runs one ROM on one model, each time on a new engine; what failed.
///
/// # Errors
/// What failed.
pub fn check(rom: &Rom, model: ModelName, engine: MakeEngine<'_>) -> Result<(), String> {
    let mut straight = machine(rom, model, engine());
    let outcome = run(&mut straight, INSNS);
    if let Some(what) = verdict(rom, &straight, outcome) {
        return Err(format!("{what}\n    {}", state(&straight)));
    }
    let mut first = machine(rom, model, engine());
    run(&mut first, straight.retired() / 2);
    let mut second = machine(rom, model, engine());
    second.load(&first.save()).map_err(|e| format!("half-way its snapshot does not load: {e}"))?;
    let outcome = run(&mut second, INSNS);
    if let Some(what) = verdict(rom, &second, outcome) {
        return Err(format!("saved and loaded half-way: {what}\n    {}", state(&second)));
    }
    if second.retired() != straight.retired() || second.digest() != straight.digest() {
        return Err(format!(
            "saved and loaded half-way it ends in another state:\n    {}\n    {}",
            state(&straight),
            state(&second)
        ));
    }
    Ok(())
}

/// Calls `check` for every ROM whose name contains `wanted`, on every model that its header names, and tells what failed.
///
/// # Panics
/// When one failed, or none has such a name.
pub fn for_all(wanted: &str, mut check: impl FnMut(&Rom, ModelName) -> Result<(), String>) {
    let mut failures = String::new();
    let mut runs = 0;
    for rom in ROMS.iter().filter(|r| r.name.contains(wanted)) {
        for cpu in rom.cpus() {
            let Some((model, _)) = ModelName::ALL.iter().find(|(_, name)| *name == cpu) else {
                let _ = writeln!(failures, "{}: `; cpu:` names {cpu}, which is no model", rom.name);
                continue;
            };
            runs += 1;
            if let Err(what) = check(rom, *model) {
                let _ = writeln!(failures, "{} on {cpu}: {what}", rom.name);
            }
        }
    }
    assert!(runs > 0, "no ROM has {wanted:?} in its name");
    assert!(failures.is_empty(), "\n{failures}");
}
