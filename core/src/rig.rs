//! A test bench for one device: it drives pins, reads and writes registers, lets time pass and
//! watches the outputs. For tests of devices, here and in other crates.

use crate::bus::Bus;
use crate::device::{Cx, Device, DeviceId, Input, Offset, Pin, ResetKind, Stop, Unimplemented, Width};
use crate::events::EventQueue;
use crate::memory::GuestMemory;
use crate::time::VTime;
use crate::wires::{Sink, Wires};

/// One device on the bench.
pub struct Rig<D> {
    /// The device.
    pub device: D,
    /// Memory that it may master.
    pub memory: GuestMemory,
    /// What it asked for to end the run.
    pub stop: Option<Stop>,
    /// Edges of all outputs so far.
    pub edges: Vec<(Pin, bool)>,
    /// What it reported as not modelled.
    pub unimplemented: Unimplemented,
    now: VTime,
    events: EventQueue,
    wires: Wires,
    bus: Bus,
    /// Channels on which a DMA controller asked for cycles.
    pub dma_requests: Vec<(DeviceId, u8)>,
}

const SELF: DeviceId = DeviceId(0);
/// The bench watches this many output pins.
const PINS: u8 = 32;

impl<D: Device> Rig<D> {
    /// Puts `device` on the bench, powered on.
    pub fn new(device: D) -> Rig<D> {
        let mut wires = Wires::default();
        for pin in 0..PINS {
            wires.connect((SELF, Pin(pin)), Sink::Device(SELF, Pin(pin)));
        }
        let mut rig = Rig {
            device,
            memory: GuestMemory::flat(0x10_0000),
            stop: None,
            edges: Vec::new(),
            unimplemented: Unimplemented::default(),
            now: VTime::ZERO,
            events: EventQueue::default(),
            wires,
            bus: Bus::default(),
            dma_requests: Vec::new(),
        };
        rig.reset(ResetKind::PowerOn);
        rig.edges.clear();
        rig
    }

    /// Calls the device with a context.
    pub fn with<R>(&mut self, f: impl FnOnce(&mut D, &mut Cx<'_>) -> R) -> R {
        let mut cx = Cx {
            device: SELF,
            now: self.now,
            memory: &mut self.memory,
            bus: &mut self.bus,
            events: &mut self.events,
            wires: &mut self.wires,
            stop: &mut self.stop,
            dma_requests: &mut self.dma_requests,
            unimplemented: &mut self.unimplemented,
        };
        let result = f(&mut self.device, &mut cx);
        let edges = &mut self.edges;
        while self.wires.settle_one(|sink, level| {
            if let Sink::Device(_, pin) = sink {
                edges.push((pin, level));
            }
        }) {}
        result
    }

    /// Resets the device.
    pub fn reset(&mut self, kind: ResetKind) {
        self.events.cancel_all(SELF);
        self.with(|d, cx| d.reset(cx, kind));
    }

    /// Reads a byte register.
    pub fn read(&mut self, at: Offset) -> u8 {
        self.read_wide(at, Width::B1) as u8
    }

    /// Writes a byte register.
    pub fn write(&mut self, at: Offset, val: u8) {
        self.write_wide(at, Width::B1, val.into());
    }

    /// Reads in any width.
    pub fn read_wide(&mut self, at: Offset, width: Width) -> u64 {
        self.with(|d, cx| d.read(cx, at, width)) & width.mask()
    }

    /// Writes in any width.
    pub fn write_wide(&mut self, at: Offset, width: Width, val: u64) {
        self.with(|d, cx| d.write(cx, at, width, val & width.mask()));
    }

    /// Drives an input pin.
    pub fn drive(&mut self, pin: Pin, level: bool) {
        self.with(|d, cx| d.input(cx, pin, level));
    }

    /// The outside world acts.
    pub fn inject(&mut self, input: &Input) {
        self.with(|d, cx| d.host_input(cx, input));
    }

    /// The level of an output pin.
    pub fn level(&self, pin: Pin) -> bool {
        self.wires.level(Sink::Device(SELF, pin))
    }

    /// Rising edges of `pin` since the last call; forgets all edges.
    pub fn take_rises(&mut self, pin: Pin) -> usize {
        std::mem::take(&mut self.edges).into_iter().filter(|e| *e == (pin, true)).count()
    }

    /// Virtual time.
    pub fn now(&self) -> VTime {
        self.now
    }

    /// Lets `length` pass, with every event at its own time.
    pub fn pass(&mut self, length: VTime) {
        self.pass_until(self.now.after(length));
    }

    /// Lets time pass up to `end`.
    pub fn pass_until(&mut self, end: VTime) {
        while let Some(next) = self.events.next().filter(|t| *t <= end) {
            self.now = self.now.max(next);
            if let Some((_, event)) = self.events.pop_due(self.now) {
                self.with(|d, cx| d.event(cx, event));
            }
        }
        self.now = self.now.max(end);
    }

    /// When the next event is due.
    pub fn next_event(&self) -> Option<VTime> {
        self.events.next()
    }

    /// Another device that takes over the events, levels, memory and time of this bench, as after loading
    /// a snapshot into a new machine.
    pub fn restored(&self, device: D) -> Rig<D> {
        let mut memory = GuestMemory::flat(self.memory.ram_size());
        memory.load_image(0, self.memory.backing());
        let mut rig = Rig {
            device,
            memory,
            stop: self.stop,
            edges: Vec::new(),
            unimplemented: Unimplemented::default(),
            now: self.now,
            events: self.events.clone(),
            wires: self.wires.clone(),
            bus: Bus::default(),
            dma_requests: Vec::new(),
        };
        rig.with(|d, cx| d.restored(cx));
        rig
    }
}
