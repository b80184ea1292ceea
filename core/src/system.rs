//! The machine without its processor: memory, clock, devices, bus, wires and events.
//!
//! The engine calls in with the exact retired count already in the clock. Every call settles the
//! wires before it returns, so the engine may look at [`System::attention`] right after an access.

use std::any::Any;

use serde::{Deserialize, Serialize};

use crate::bus::{Bus, Space};
use crate::device::{
    AnyDevice, Cx, Device, DeviceId, DmaDirection, Input, Inta, Pin, ResetKind, Stop, Unimplemented, Width,
};
use crate::events::EventQueue;
use crate::memory::GuestMemory;
use crate::snapshot::{self, LoadError, Reader, Snapshot, Writer};
use crate::time::{Clock, VTime};
use crate::wires::{CpuPin, Sink, Wires};

/// What the processor and the run loop must act on, collected since it was last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// NMI had a rising edge.
    pub nmi: bool,
    /// SMI had a rising edge.
    pub smi: bool,
    /// INIT had a rising edge.
    pub init: bool,
    /// The board's reset line had a rising edge: reset the devices too, with [`System::reset`].
    pub reset: bool,
    /// The A20 gate changed: see [`System::a20`].
    pub a20_changed: bool,
    /// The physical memory map changed: cached translations are stale.
    pub map_changed: bool,
    /// A device ends the run.
    pub stop: Option<Stop>,
}

struct Slot {
    name: String,
    device: Box<dyn AnyDevice>,
}

/// The machine as its processor sees it.
pub struct System {
    /// Guest-physical memory.
    pub mem: GuestMemory,
    /// Virtual time. The engine sets `clock.retired` before each call.
    pub clock: Clock,
    slots: Vec<Slot>,
    bus: Bus,
    wires: Wires,
    events: EventQueue,
    unimplemented: Unimplemented,
    /// Interrupt controllers: the master, then its slaves.
    controllers: Vec<DeviceId>,
    /// The input that the processor's SMIACT# drives.
    smiact: Option<(DeviceId, Pin)>,
    /// The input that the processor's FERR# drives.
    ferr: Option<(DeviceId, Pin)>,
    intr: bool,
    /// `Signals::stop` lives in `stop`, so that [`Cx`] can reach it alone.
    signals: Signals,
    signalled: bool,
    stop: Option<Stop>,
    seen_generation: u64,
    /// DMA channels and what they serve: controller, channel, device.
    dma_links: Vec<(DeviceId, u8, DeviceId)>,
    /// Channels that ask for cycles, empty between calls.
    dma_requests: Vec<(DeviceId, u8)>,
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System").field("mem", &self.mem).field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// Changes that one device call may set off before the wiring counts as an oscillator.
const MAX_SETTLE: u32 = 10_000;

/// Cycles that one request may run: two whole channels. A channel that initialises itself and a device that never lets go of
/// DREQ would take the bus for good.
const MAX_DMA_BURST: u32 = 0x2_0000;

impl System {
    /// A machine around `mem`, without devices: the board adds them.
    pub fn new(mem: GuestMemory) -> System {
        System {
            seen_generation: mem.generation(),
            mem,
            clock: Clock::default(),
            slots: Vec::new(),
            bus: Bus::default(),
            wires: Wires::default(),
            events: EventQueue::default(),
            unimplemented: Unimplemented::default(),
            controllers: Vec::new(),
            smiact: None,
            ferr: None,
            intr: false,
            signals: Signals::default(),
            signalled: false,
            stop: None,
            dma_links: Vec::new(),
            dma_requests: Vec::new(),
        }
    }

    /// Flat RAM of `ram` bytes and no devices: every port reads all ones.
    pub fn bare(ram: u64) -> System {
        System::new(GuestMemory::flat(ram))
    }

    // ---- what the board uses ----

    /// Adds a device. Its name is unique in the machine and stays the same in all snapshots.
    ///
    /// # Panics
    /// When the name is taken: a board's mistake.
    pub fn add<T: Device + Snapshot + 'static>(&mut self, name: &str, device: T) -> DeviceId {
        assert!(self.slots.iter().all(|s| s.name != name), "two devices named {name}");
        let id = DeviceId(u16::try_from(self.slots.len()).expect("a board has few devices"));
        self.slots.push(Slot { name: name.into(), device: Box::new(device) });
        id
    }

    /// Lets an output of one device drive an input of another.
    pub fn connect(&mut self, from: (DeviceId, Pin), to: (DeviceId, Pin)) {
        self.wires.connect(from, Sink::Device(to.0, to.1));
    }

    /// Lets an output of a device drive an input of the processor.
    pub fn connect_cpu(&mut self, from: (DeviceId, Pin), to: CpuPin) {
        self.wires.connect(from, Sink::Cpu(to));
    }

    /// Says who answers interrupt acknowledge cycles: the master, then its slaves.
    pub fn set_interrupt_controllers(&mut self, chain: &[DeviceId]) {
        self.controllers = chain.to_vec();
    }

    /// Lets the processor's SMIACT# drive an input of a device.
    pub fn connect_smiact(&mut self, to: (DeviceId, Pin)) {
        self.smiact = Some(to);
    }

    /// Lets the processor's (or coprocessor's) FERR# drive an input of a device.
    pub fn connect_ferr(&mut self, to: (DeviceId, Pin)) {
        self.ferr = Some(to);
    }

    /// Lets `channel` of a DMA controller serve `device`: its DACK# goes there. DREQ is a wire of its own.
    pub fn connect_dma(&mut self, controller: DeviceId, channel: u8, device: DeviceId) {
        self.dma_links.push((controller, channel, device));
    }

    /// The address maps, for the board to fill.
    pub fn bus_mut(&mut self) -> &mut Bus {
        &mut self.bus
    }

    /// The device of this name.
    pub fn device_id(&self, name: &str) -> Option<DeviceId> {
        let at = self.slots.iter().position(|s| s.name == name)?;
        Some(DeviceId(at as u16))
    }

    /// A device, if it is of type `T`.
    pub fn device<T: Any>(&self, id: DeviceId) -> Option<&T> {
        self.slots.get(usize::from(id.0))?.device.as_any().downcast_ref()
    }

    /// A device for the board or the frontend to adjust, if it is of type `T`.
    pub fn device_mut<T: Any>(&mut self, id: DeviceId) -> Option<&mut T> {
        self.slots.get_mut(usize::from(id.0))?.device.as_any_mut().downcast_mut()
    }

    // ---- what the engine uses ----

    /// Reads a port. Ports from 64K on, which a wide access at the end can reach, are open bus.
    pub fn port_read(&mut self, port: u16, width: Width) -> u32 {
        self.bus_read(Space::Port, port.into(), width) as u32
    }

    /// Writes a port.
    pub fn port_write(&mut self, port: u16, width: Width, v: u32) {
        self.bus_write(Space::Port, port.into(), width, v.into());
    }

    /// Reads a physical address that is not memory.
    pub fn mmio_read(&mut self, addr: u64, width: Width) -> u64 {
        self.bus_read(Space::Memory, addr, width)
    }

    /// Writes a physical address that is not memory.
    pub fn mmio_write(&mut self, addr: u64, width: Width, v: u64) {
        self.bus_write(Space::Memory, addr, width, v);
    }

    /// The level of INTR.
    #[inline]
    pub fn intr(&self) -> bool {
        self.intr
    }

    /// Runs an interrupt acknowledge cycle and returns the vector.
    pub fn acknowledge(&mut self) -> u8 {
        let mut cascade = None;
        let mut vector = 0xff; // nobody drives the data bus
        for i in 0..self.controllers.len() {
            match self.call(self.controllers[i], |d, cx| d.acknowledge(cx, cascade)) {
                Some(Inta::Vector(v)) => {
                    vector = v;
                    break;
                }
                Some(Inta::Cascade(n)) => cascade = Some(n),
                Some(Inta::Silent) | None => {}
            }
        }
        vector
    }

    /// The processor enters or leaves system management mode; the memory map may change.
    pub fn set_smiact(&mut self, level: bool) {
        if let Some((device, pin)) = self.smiact {
            self.call(device, |d, cx| d.input(cx, pin, level));
        }
    }

    /// The processor asserts or releases FERR#.
    pub fn set_ferr(&mut self, level: bool) {
        if let Some((device, pin)) = self.ferr {
            self.call(device, |d, cx| d.input(cx, pin, level));
        }
    }

    /// The level of IGNNE#.
    pub fn ignne(&self) -> bool {
        self.wires.level(Sink::Cpu(CpuPin::Ignne))
    }

    /// Takes what came up since the last call.
    pub fn take_signals(&mut self) -> Signals {
        let map_changed = self.mem.generation() != self.seen_generation;
        self.seen_generation = self.mem.generation();
        self.signalled = false;
        Signals { map_changed, stop: self.stop.take(), ..std::mem::take(&mut self.signals) }
    }

    /// The level of the A20 gate. High when the board has none.
    pub fn a20(&self) -> bool {
        self.wires.level(Sink::Cpu(CpuPin::A20)) || !self.wires.drives(Sink::Cpu(CpuPin::A20))
    }

    /// Lets everything happen that is due by now.
    pub fn fire_due_events(&mut self) {
        self.events.acknowledge_front();
        while let Some((device, event)) = self.events.pop_due(self.clock.now()) {
            self.call(device, |d, cx| d.event(cx, event));
        }
        // The caller asks for the deadline after this call.
        self.events.acknowledge_front();
    }

    /// The retired count at which the next event is due.
    pub fn next_deadline(&self) -> Option<u64> {
        self.events.next().map(|t| self.clock.retired_by(t))
    }

    /// The time of the next event.
    pub fn next_event(&self) -> Option<VTime> {
        self.events.next()
    }

    /// The CPU sleeps: moves time to the next event. False when nothing will ever happen.
    pub fn skip_to_next_event(&mut self) -> bool {
        let Some(next) = self.events.next() else { return false };
        self.clock.skip_to(next);
        true
    }

    /// True when the run loop must look at something now: INTR is high, a signal came, the memory
    /// map changed, the run should stop, or an event is due earlier than the last deadline said.
    #[inline]
    pub fn attention(&self) -> bool {
        self.intr
            || self.signalled
            || self.stop.is_some()
            || self.events.front_moved()
            || self.mem.generation() != self.seen_generation
    }

    /// Whether a sleeping processor must look at something before time moves on. INTR counts only when it would be
    /// taken: with interrupts off its level stays, and waiting for it to be looked at would never end.
    pub fn wakes(&self, interruptible: bool) -> bool {
        self.intr && interruptible
            || self.signalled
            || self.stop.is_some()
            || self.mem.generation() != self.seen_generation
    }

    /// Resets every device.
    pub fn reset(&mut self, kind: ResetKind) {
        for i in 0..self.slots.len() {
            let id = DeviceId(i as u16);
            self.events.cancel_all(id);
            self.call(id, |d, cx| d.reset(cx, kind));
        }
        // Edges on the way through reset are not the guest's. A20 keeps its note: its level counts.
        self.signals = Signals { a20_changed: true, ..Signals::default() };
        self.signalled = true;
        self.stop = None;
    }

    /// The outside world acts on a device at the present retired count.
    pub fn inject(&mut self, device: DeviceId, input: &Input) {
        self.call(device, |d, cx| d.host_input(cx, input));
    }

    /// Calls a device of type `T` with its context: for the hand of the host that changes a medium or reads the screen.
    pub fn with_device<T: Any, R>(&mut self, id: DeviceId, f: impl FnOnce(&mut T, &mut Cx<'_>) -> R) -> Option<R> {
        self.call(id, |d, cx| Some(f(d.as_any_mut().downcast_mut()?, cx)))?
    }

    /// What devices were asked for that nothing models.
    pub fn unimplemented(&self) -> &Unimplemented {
        &self.unimplemented
    }

    // ---- inside ----

    fn bus_read(&mut self, space: Space, addr: u64, width: Width) -> u64 {
        let (mut value, mut done) = (0, 0);
        while done < width.bytes() {
            let piece = self.bus.piece(space, addr.wrapping_add(done.into()), width.bytes() - done);
            let part = match piece.target {
                Some((device, at)) => self.call(device, |d, cx| d.read(cx, at, piece.width)).unwrap_or(u64::MAX),
                None => u64::MAX,
            };
            value |= (part & piece.width.mask()) << (8 * done);
            done += piece.width.bytes();
        }
        value
    }

    fn bus_write(&mut self, space: Space, addr: u64, width: Width, v: u64) {
        let mut done = 0;
        while done < width.bytes() {
            let piece = self.bus.piece(space, addr.wrapping_add(done.into()), width.bytes() - done);
            if let Some((device, at)) = piece.target {
                let part = v >> (8 * done) & piece.width.mask();
                self.call(device, |d, cx| d.write(cx, at, piece.width, part));
            }
            done += piece.width.bytes();
        }
    }

    /// Calls one device and settles the wires.
    fn call<R>(&mut self, id: DeviceId, f: impl FnOnce(&mut dyn AnyDevice, &mut Cx<'_>) -> R) -> Option<R> {
        let result = self.call_alone(id, f);
        if self.wires.unsettled() {
            self.settle();
        }
        while let Some((controller, channel)) = self.dma_requests.pop() {
            self.run_dma(controller, channel);
        }
        result
    }

    /// Runs the cycles that a DMA channel has to do now. The processor is off the bus meanwhile and sees them all done.
    fn run_dma(&mut self, controller: DeviceId, channel: u8) {
        let link = self.dma_links.iter().find(|(c, n, _)| (*c, *n) == (controller, channel));
        let device = link.map(|(.., device)| *device);
        for _ in 0..MAX_DMA_BURST {
            let Some(Some(cycle)) = self.call_alone(controller, |d, cx| d.dma_cycle(cx, channel)) else { return };
            let bytes = cycle.width.bytes() as usize;
            match (cycle.direction, device) {
                (DmaDirection::Verify, None) => {}
                (DmaDirection::Verify, Some(device)) => {
                    // DACK# and TC reach the device; the data bus floats.
                    self.call_alone(device, |d, cx| d.dma_read(cx, cycle.last));
                }
                (DmaDirection::ToMemory, device) => {
                    let data = device.and_then(|id| self.call_alone(id, |d, cx| d.dma_read(cx, cycle.last)));
                    self.mem.write(cycle.address, &data.unwrap_or(u16::MAX).to_le_bytes()[..bytes]);
                }
                (DmaDirection::FromMemory, device) => {
                    let mut data = [0; 2];
                    self.mem.read(cycle.address, &mut data[..bytes]);
                    if let Some(id) = device {
                        self.call_alone(id, |d, cx| d.dma_write(cx, u16::from_le_bytes(data), cycle.last));
                    }
                }
            }
            if self.wires.unsettled() {
                self.settle();
            }
        }
    }

    fn call_alone<R>(&mut self, id: DeviceId, f: impl FnOnce(&mut dyn AnyDevice, &mut Cx<'_>) -> R) -> Option<R> {
        let slot = self.slots.get_mut(usize::from(id.0))?;
        let mut cx = Cx {
            device: id,
            now: self.clock.now(),
            memory: &mut self.mem,
            bus: &mut self.bus,
            events: &mut self.events,
            wires: &mut self.wires,
            stop: &mut self.stop,
            dma_requests: &mut self.dma_requests,
            unimplemented: &mut self.unimplemented,
        };
        Some(f(slot.device.as_mut(), &mut cx))
    }

    fn settle(&mut self) {
        let mut changed = Vec::new();
        for _ in 0..MAX_SETTLE {
            if !self.wires.settle_one(|sink, level| changed.push((sink, level))) {
                return;
            }
            for (sink, level) in changed.drain(..) {
                match sink {
                    Sink::Device(id, pin) => {
                        self.call_alone(id, |d, cx| d.input(cx, pin, level));
                    }
                    Sink::Cpu(pin) => self.cpu_input(pin, level),
                }
            }
        }
        tracing::error!("the wires do not settle: the board has a loop");
        self.wires.abandon();
        self.intr = self.wires.level(Sink::Cpu(CpuPin::Intr));
    }

    fn cpu_input(&mut self, pin: CpuPin, level: bool) {
        let s = &mut self.signals;
        match pin {
            CpuPin::Intr => self.intr = level,
            CpuPin::Nmi => s.nmi |= level,
            CpuPin::Smi => s.smi |= level,
            CpuPin::Init => s.init |= level,
            CpuPin::Reset => s.reset |= level,
            CpuPin::A20 => s.a20_changed = true,
            CpuPin::Ignne => {} // its level counts
        }
        self.signalled |= *s != Signals::default();
    }

    // ---- snapshots ----

    /// Saves everything but the processor.
    pub fn save(&self, w: &mut Writer) {
        self.save_devices(w);
        w.section("memory", snapshot::MEMORY_KIND, snapshot::MEMORY_VERSION, &snapshot::encode_memory(&self.mem));
    }

    /// Saves everything but the processor and the content of memory.
    pub fn save_devices(&self, w: &mut Writer) {
        w.part("clock", &self.clock);
        w.part("events", &self.events);
        w.part("wires", &self.wires);
        let Signals { nmi, smi, init, reset, a20_changed, map_changed: _, stop: _ } = self.signals;
        let latches = LatchesV1 { nmi, smi, init, reset, a20_changed, stop: self.stop };
        w.section("signals", LATCHES_KIND, 1, &snapshot::encode(&latches));
        for slot in &self.slots {
            let d = &slot.device;
            w.section(&section_name(&slot.name), d.kind(), d.version(), &d.save_bytes());
        }
    }

    /// The state of this machine's devices, clock, wires and events and of its memory as one number.
    pub fn digest(&self) -> [u8; 32] {
        let mut w = Writer::new();
        self.save(&mut w);
        w.digest()
    }

    /// Loads everything but the processor.
    ///
    /// # Errors
    /// When the snapshot is of another machine or holds a state that no run produces. The system
    /// is unchanged then.
    pub fn load(&mut self, r: &Reader<'_>) -> Result<(), LoadError> {
        let known = |name: &str| self.slots.iter().any(|s| section_name(&s.name) == name);
        if let Some(s) = r.sections().iter().find(|s| s.name.starts_with(DEVICE_PREFIX) && !known(s.name)) {
            return Err(LoadError::UnknownDevice(s.name[DEVICE_PREFIX.len()..].into()));
        }
        let (mut clock, mut events, mut wires) = (self.clock.clone(), self.events.clone(), self.wires.clone());
        r.part("clock", &mut clock)?;
        r.part("events", &mut events)?;
        r.part("wires", &mut wires)?;
        if let Some(d) = events.highest_device().filter(|d| usize::from(d.0) >= self.slots.len()) {
            return Err(LoadError::Invalid { field: "events.device", value: d.0.into() });
        }
        let latches: LatchesV1 = snapshot::decode(LATCHES_KIND, r.section("signals", LATCHES_KIND)?.bytes)?;
        let memory = r.section("memory", snapshot::MEMORY_KIND)?;
        if memory.version != snapshot::MEMORY_VERSION {
            let (found, newest) = (memory.version, snapshot::MEMORY_VERSION);
            return Err(LoadError::TooNew { kind: snapshot::MEMORY_KIND, found, newest });
        }
        let memory = snapshot::decode_memory(memory.bytes, self.mem.backing_size())?;
        self.load_slots(r)?;

        // Nothing fails from here on.
        self.mem.load_image(0, &memory);
        (self.clock, self.events, self.wires) = (clock, events, wires);
        let LatchesV1 { nmi, smi, init, reset, a20_changed, stop } = latches;
        self.signals = Signals { nmi, smi, init, reset, a20_changed, ..Signals::default() };
        self.signalled = true;
        self.stop = stop;
        self.intr = self.wires.level(Sink::Cpu(CpuPin::Intr));
        self.bus.unmap_all_dynamic();
        self.mem.remove_windows();
        for i in 0..self.slots.len() {
            self.call(DeviceId(i as u16), |d, cx| d.restored(cx));
        }
        Ok(())
    }

    /// Loads all devices, or none.
    fn load_slots(&mut self, r: &Reader<'_>) -> Result<(), LoadError> {
        let before: Vec<_> = self.slots.iter().map(|s| s.device.save_bytes()).collect();
        let mut touched = 0;
        let result = self.slots.iter_mut().try_for_each(|slot| {
            touched += 1;
            let s = r.section(&section_name(&slot.name), slot.device.kind())?;
            slot.device.load_bytes(s.version, s.bytes)
        });
        if result.is_err() {
            for (slot, bytes) in self.slots.iter_mut().zip(&before).take(touched) {
                let version = slot.device.version();
                slot.device.load_bytes(version, bytes).expect("a device loads what it has just saved");
            }
        }
        result
    }
}

const DEVICE_PREFIX: &str = "dev.";
const LATCHES_KIND: &str = "signals";

fn section_name(device: &str) -> String {
    format!("{DEVICE_PREFIX}{device}")
}

/// Saved form of the signals that nobody has taken yet, version 1.
#[derive(Serialize, Deserialize)]
struct LatchesV1 {
    nmi: bool,
    smi: bool,
    init: bool,
    reset: bool,
    a20_changed: bool,
    stop: Option<Stop>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Event, Offset};

    /// Counts its own events and pulses its pin with each; a write sets the period.
    #[derive(Default)]
    struct Metronome {
        period_us: u8,
        beats: u8,
        heard: u8,
    }

    const BEAT: Event = Event(0);
    const OUT: Pin = Pin(0);
    const IN: Pin = Pin(0);

    impl Device for Metronome {
        fn read(&mut self, _: &mut Cx<'_>, at: Offset, _: Width) -> u64 {
            if at == Offset(0) { self.beats.into() } else { self.heard.into() }
        }
        fn write(&mut self, cx: &mut Cx<'_>, _: Offset, _: Width, val: u64) {
            self.period_us = val as u8;
            cx.at(cx.now().after(VTime::us(val.max(1))), BEAT);
        }
        fn input(&mut self, _: &mut Cx<'_>, _: Pin, level: bool) {
            self.heard += u8::from(level);
        }
        fn event(&mut self, cx: &mut Cx<'_>, _: Event) {
            self.beats += 1;
            cx.set(OUT, true);
            cx.set(OUT, false);
            cx.at(cx.now().after(VTime::us(self.period_us.into())), BEAT);
        }
        fn reset(&mut self, _: &mut Cx<'_>, _: ResetKind) {
            *self = Metronome::default();
        }
    }

    impl Snapshot for Metronome {
        const KIND: &'static str = "metronome";
        const VERSION: u32 = 1;
        type State = (u8, u8, u8);
        fn save(&self) -> Self::State {
            let Metronome { period_us, beats, heard } = *self;
            (period_us, beats, heard)
        }
        fn load(&mut self, (period_us, beats, heard): Self::State) -> Result<(), LoadError> {
            if beats == 0xee {
                return Err(LoadError::Invalid { field: "beats", value: 0xee });
            }
            *self = Metronome { period_us, beats, heard };
            Ok(())
        }
    }

    /// A metronome at port 10 whose beats a second one at port 20 hears, and NMI with them.
    fn system() -> System {
        let mut sys = System::bare(0x1_0000);
        for (name, port) in [("a", 0x10), ("b", 0x20)] {
            let id = sys.add(name, Metronome::default());
            sys.bus_mut().map(Space::Port, port, 2, id, Offset(0), Width::B1);
        }
        sys.connect((DeviceId(0), OUT), (DeviceId(1), IN));
        sys.connect_cpu((DeviceId(0), OUT), CpuPin::Nmi);
        sys.take_signals();
        sys
    }

    fn run(sys: &mut System, insns: u64) {
        let end = sys.clock.retired + insns;
        while sys.clock.retired < end {
            sys.clock.retired = sys.next_deadline().unwrap_or(end).min(end);
            sys.fire_due_events();
        }
    }

    fn file(sys: &System) -> Vec<u8> {
        let mut w = Writer::new();
        sys.save(&mut w);
        w.finish()
    }

    #[test]
    fn a_port_nobody_has_reads_all_ones() {
        let mut sys = System::bare(0x1000);
        assert_eq!(sys.port_read(0x80, Width::B2), 0xffff);
        assert_eq!(sys.port_read(0xffff, Width::B4), 0xffff_ffff);
        assert_eq!(sys.mmio_read(0xfee0_0000, Width::B8), u64::MAX);
        sys.port_write(0x80, Width::B4, 1);
        assert!(sys.a20(), "without a gate, line 20 is open");
    }

    #[test]
    fn events_drive_wires_and_raise_attention() {
        let mut sys = system();
        assert!(!sys.attention());
        sys.port_write(0x10, Width::B1, 5);
        assert!(sys.attention(), "the deadline given before is too late now");
        sys.fire_due_events();
        assert!(!sys.attention());
        assert_eq!(sys.next_deadline(), Some(1000), "5 us at 5 ns an instruction");
        run(&mut sys, 3500);
        assert_eq!(sys.port_read(0x10, Width::B1), 3);
        assert_eq!(sys.port_read(0x21, Width::B1), 3, "each pulse was one rising edge");
        assert!(sys.take_signals().nmi);
        assert!(!sys.attention());
    }

    #[test]
    fn a_halt_sleeps_to_the_next_event() {
        let mut sys = system();
        assert!(!sys.skip_to_next_event());
        sys.port_write(0x10, Width::B1, 5);
        assert!(sys.skip_to_next_event());
        sys.fire_due_events();
        assert_eq!((sys.clock.retired, sys.port_read(0x10, Width::B1)), (0, 1));
    }

    #[test]
    fn save_load_run_equals_run() {
        let mut straight = system();
        straight.port_write(0x10, Width::B1, 5);
        straight.port_write(0x20, Width::B1, 3);
        run(&mut straight, 2345);
        let saved = file(&straight);
        run(&mut straight, 4321);

        let mut loaded = system();
        loaded.port_write(0x20, Width::B1, 9);
        loaded.mem.write(0x100, &[1, 2, 3]);
        loaded.load(&Reader::new(&saved).unwrap()).unwrap();
        run(&mut loaded, 4321);
        assert_eq!(loaded.digest(), straight.digest());
    }

    #[test]
    fn a_refused_snapshot_changes_nothing() {
        let mut donor = system();
        donor.mem.write(0, &[1]);
        donor.device_mut::<Metronome>(DeviceId(0)).unwrap().beats = 9;
        donor.device_mut::<Metronome>(DeviceId(1)).unwrap().beats = 0xee;
        let saved = file(&donor);
        let mut sys = system();
        run(&mut sys, 10);
        let before = sys.digest();
        assert!(sys.load(&Reader::new(&saved).unwrap()).is_err());
        assert_eq!(sys.digest(), before);
    }

    #[test]
    fn a_snapshot_with_an_unknown_device_is_refused() {
        let mut donor = system();
        donor.add("extra", Metronome::default());
        let saved = file(&donor);
        let error = system().load(&Reader::new(&saved).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "no device `extra` in this machine");
    }
}
