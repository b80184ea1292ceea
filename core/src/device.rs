//! What a device is: plain data with functions, and the context through which everything reaches it.
//!
//! A device holds no lock, channel or callback and knows neither its ports nor its interrupt
//! number. The board says what its pins drive and where its registers appear. Host handles that a
//! device must own (a disk image, the far end of a serial line) are traits of the devices crate,
//! and are not part of its state.

use std::any::Any;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::bus::{Bdf, Bus, Space};
use crate::events::EventQueue;
use crate::memory::{GuestMemory, Route, WindowId};
use crate::snapshot::{LoadError, Snapshot};
use crate::time::VTime;
use crate::wires::Wires;

/// A device of a machine, by number in the order in which the board added them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceId(pub u16);

/// A pin of one device. Inputs and outputs are numbered apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pin(pub u8);

/// An event that one device schedules for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event(pub u8);

/// A register of a device, as the bus counts from the start of its window.
///
/// PCI configuration space is part of it: function `f`, register `r` is `CONFIG + f * 0x100 + r`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Offset(pub u32);

impl Offset {
    /// Where the configuration space of a PCI device begins.
    pub const CONFIG: u32 = 0x8000_0000;

    /// Function and register, when this is an access to PCI configuration space.
    pub fn config(self) -> Option<(u8, u8)> {
        let at = self.0.checked_sub(Self::CONFIG)?;
        Some(((at >> 8) as u8, at as u8))
    }
}

/// How many bytes one access moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Width {
    /// A byte.
    B1,
    /// A word.
    B2,
    /// A doubleword.
    B4,
    /// A quadword.
    B8,
}

impl Width {
    /// All four, narrowest first.
    pub const ALL: [Width; 4] = [Width::B1, Width::B2, Width::B4, Width::B8];

    /// From a number of bytes: 1, 2, 4, or else 8.
    pub const fn of(bytes: u32) -> Width {
        match bytes {
            1 => Width::B1,
            2 => Width::B2,
            4 => Width::B4,
            _ => Width::B8,
        }
    }

    /// Bytes.
    pub const fn bytes(self) -> u32 {
        1 << self as u32
    }

    /// All ones in this width.
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - 8 * self.bytes())
    }
}

/// What kind of reset reaches a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResetKind {
    /// Power came on. Battery-backed memory survives.
    PowerOn,
    /// RESET# of the board was asserted with power on.
    Hard,
}

/// Why a device ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// The guest switched the machine off.
    PowerOff,
    /// The guest wrote this value to the debug-exit port.
    DebugExit(u32),
}

/// A key by its position: the make code of scan code set 1, `0xe0xx` for the extended ones.
/// Pause is `0xe11d`, Print Screen `0xe037`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(pub u16);

/// Something that the outside world does to a device. The run loop stamps it with a retired
/// count, so that a recording can repeat it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// Bytes arrive on a serial line.
    Bytes(Vec<u8>),
    /// A key goes down or up.
    Key {
        /// Which.
        key: Key,
        /// Down.
        pressed: bool,
    },
    /// The mouse moved or its buttons changed.
    Mouse {
        /// Right, in counts.
        dx: i16,
        /// Towards the user, in counts.
        dy: i16,
        /// Wheel steps towards the user.
        dz: i8,
        /// Bit 0 left, bit 1 right, bit 2 middle.
        buttons: u8,
    },
}

/// The answer to an interrupt acknowledge cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inta {
    /// The vector is on the data bus.
    Vector(u8),
    /// The cascade lines carry this number: the slave with this identity answers.
    Cascade(u8),
    /// Not addressed.
    Silent,
}

/// Which way a DMA cycle moves data, as the controller's mode register says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DmaDirection {
    /// DACK# alone: nothing moves.
    Verify,
    /// From the device to memory.
    ToMemory,
    /// From memory to the device.
    FromMemory,
}

/// One cycle of a DMA controller's channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmaCycle {
    /// Physical address in memory.
    pub address: u64,
    /// [`Width::B1`], or [`Width::B2`] on the AT's channels 5 to 7.
    pub width: Width,
    /// Which way.
    pub direction: DmaDirection,
    /// Terminal count: the channel's last cycle.
    pub last: bool,
}

/// A chip or a card.
///
/// Every function is total: any offset, width, value, pin and event number may come.
pub trait Device: Send {
    /// The guest reads `width` bytes at `at`; the bus drops bits above the width.
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width) -> u64;

    /// The guest writes `width` bytes at `at`; `val` has no bits above the width.
    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width, val: u64);

    /// An input pin changed to `level`.
    fn input(&mut self, cx: &mut Cx<'_>, pin: Pin, level: bool) {
        let _ = (cx, pin, level);
    }

    /// An event that this device scheduled is due.
    fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        let _ = (cx, event);
    }

    /// The outside world acts on the device. Inputs that it has no use for are dropped.
    fn host_input(&mut self, cx: &mut Cx<'_>, input: &Input) {
        let _ = (cx, input);
    }

    /// Returns to the state after `kind` of reset. Pending events are already cancelled.
    fn reset(&mut self, cx: &mut Cx<'_>, kind: ResetKind);

    /// The processor acknowledges an interrupt; `cascade` is what a master put on the cascade
    /// lines, `None` for the master itself. Only interrupt controllers answer.
    fn acknowledge(&mut self, cx: &mut Cx<'_>, cascade: Option<u8>) -> Inta {
        let _ = (cx, cascade);
        Inta::Silent
    }

    /// A DMA controller is asked for the next cycle of `channel`: it counts the cycle as done. `None` when the channel has nothing to do
    /// now (masked, no DREQ, the controller is disabled).
    fn dma_cycle(&mut self, cx: &mut Cx<'_>, channel: u8) -> Option<DmaCycle> {
        let _ = (cx, channel);
        None
    }

    /// DACK# with IOR#: the device puts a byte (or word, as the channel is) on the data bus. `last` is TC.
    fn dma_read(&mut self, cx: &mut Cx<'_>, last: bool) -> u16 {
        let _ = (cx, last);
        u16::MAX
    }

    /// DACK# with IOW#: the device takes a byte (or word) from the data bus. `last` is TC.
    fn dma_write(&mut self, cx: &mut Cx<'_>, data: u16, last: bool) {
        let _ = (cx, data, last);
    }

    /// The state was loaded: establish again what the device has mapped on the bus and in memory.
    fn restored(&mut self, cx: &mut Cx<'_>) {
        let _ = cx;
    }
}

/// A [`Device`] whose state type is forgotten, as the machine holds it.
pub(crate) trait AnyDevice: Device {
    fn kind(&self) -> &'static str;
    fn version(&self) -> u32;
    fn save_bytes(&self) -> Vec<u8>;
    fn load_bytes(&mut self, version: u32, bytes: &[u8]) -> Result<(), LoadError>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Device + Snapshot + 'static> AnyDevice for T {
    fn kind(&self) -> &'static str {
        T::KIND
    }

    fn version(&self) -> u32 {
        T::VERSION
    }

    fn save_bytes(&self) -> Vec<u8> {
        crate::snapshot::encode(&self.save())
    }

    fn load_bytes(&mut self, version: u32, bytes: &[u8]) -> Result<(), LoadError> {
        self.load(T::decode(version, bytes)?)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// What devices did that nothing models: counted, each distinct one logged once.
#[derive(Clone, Debug, Default)]
pub struct Unimplemented {
    seen: Vec<(&'static str, Offset)>,
    count: u64,
}

impl Unimplemented {
    /// Distinct accesses remembered; a hostile guest must not make the list grow without bound.
    const MAX_SEEN: usize = 256;

    fn note(&mut self, what: &'static str, at: Offset) {
        self.count += 1;
        if self.seen.len() < Self::MAX_SEEN && !self.seen.contains(&(what, at)) {
            self.seen.push((what, at));
            tracing::warn!(target: "unimplemented", "{what}, offset {:#x}", at.0);
        }
    }

    /// How often it happened.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What happened, each once, in the order of the first time.
    pub fn seen(&self) -> &[(&'static str, Offset)] {
        &self.seen
    }
}

/// The context of a device call: time, pins, events, memory and the bus.
pub struct Cx<'a> {
    pub(crate) device: DeviceId,
    pub(crate) now: VTime,
    pub(crate) memory: &'a mut GuestMemory,
    pub(crate) bus: &'a mut Bus,
    pub(crate) events: &'a mut EventQueue,
    pub(crate) wires: &'a mut Wires,
    pub(crate) stop: &'a mut Option<Stop>,
    pub(crate) dma_requests: &'a mut Vec<(DeviceId, u8)>,
    pub(crate) unimplemented: &'a mut Unimplemented,
}

impl Cx<'_> {
    /// Virtual time.
    pub fn now(&self) -> VTime {
        self.now
    }

    /// Sets an output pin. What it drives sees the change after the call.
    pub fn set(&mut self, pin: Pin, level: bool) {
        self.wires.set(self.device, pin, level);
    }

    /// True when the board connected this output, so that its edges are worth an event.
    pub fn connected(&self, pin: Pin) -> bool {
        self.wires.connected(self.device, pin)
    }

    /// Makes `event` happen at `time`, instead of any earlier appointment of it.
    pub fn at(&mut self, time: VTime, event: Event) {
        self.events.schedule(time, self.device, event);
    }

    /// Forgets `event` if it is pending.
    pub fn cancel(&mut self, event: Event) {
        self.events.cancel(self.device, event);
    }

    /// When `event` will happen.
    pub fn pending(&self, event: Event) -> Option<VTime> {
        self.events.pending(self.device, event)
    }

    /// Guest memory as a bus master sees it. Writes make code in it stale.
    pub fn dma(&mut self) -> &mut GuestMemory {
        self.memory
    }

    /// Puts a window of this device's own memory, which lies in the backing, on the bus at `range` (whole pages); see
    /// [`GuestMemory::place_window`]. What a route leaves to the bus reaches the device's registers, if it mapped any there.
    pub fn place_window(&mut self, index: u8, range: Range<u64>, read: Route, write: Route) {
        self.memory.place_window(WindowId { device: self.device.0, index }, range, read, write);
    }

    /// Takes such a window off the bus.
    pub fn remove_window(&mut self, index: u8) {
        self.place_window(index, 0..0, Route::Bus, Route::Bus);
    }

    /// Asks for bus cycles on `channel` of this DMA controller: after the call, the machine runs them, one after the other,
    /// for as long as [`Device::dma_cycle`] gives one.
    pub fn request_dma(&mut self, channel: u8) {
        self.dma_requests.push((self.device, channel));
    }

    /// The physical memory map, for chips that steer it (PAM, SMRAM).
    pub fn memory_map(&mut self) -> &mut GuestMemory {
        self.memory
    }

    /// Moves one of this device's windows: registers from `offset` on, `len` bytes of `space`,
    /// taken in pieces of at most `width`. `None` takes it off the bus.
    pub fn map(&mut self, space: Space, offset: Offset, base: Option<u64>, len: u64, width: Width) {
        self.bus.unmap_dynamic(space, self.device, offset);
        if let Some(base) = base {
            self.bus.map_dynamic(space, base, len, self.device, offset, width);
        }
    }

    /// Turns the PCI configuration data window to a function's register, or away (`None`).
    pub fn select_config(&mut self, target: Option<(Bdf, u8)>) {
        self.bus.select_config(target);
    }

    /// Ends the run; the first request wins.
    pub fn stop(&mut self, stop: Stop) {
        self.stop.get_or_insert(stop);
    }

    /// The guest asked for something that this device does not model.
    pub fn unimplemented(&mut self, what: &'static str, at: Offset) {
        self.unimplemented.note(what, at);
    }
}
