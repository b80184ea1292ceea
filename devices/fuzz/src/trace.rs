//! What can happen to a device, read from a fuzzer's bytes, and the laws that must hold all the while.
//!
//! A device may be forked: its state is saved and loaded into a second one, and from there on both get the same and must
//! show the same. What lies beyond the device (disks, lines) is without memory, so that this holds for it too.

use ferrite_core::device::{
    Cx, Device, DmaDirection, Event, Input as Outside, Inta, Key, Offset, Pin, ResetKind, Width,
};
use ferrite_core::rig::Rig;
use ferrite_core::snapshot::{Snapshot, encode};
use ferrite_core::time::VTime;

use super::input::Input;

/// Steps of one trace.
const STEPS: usize = 300;
/// Copies made in one trace: each takes the bench's whole memory along.
const FORKS: usize = 3;
/// Looks of the host (a frame may be megabytes).
const POKES: usize = 4;
/// Virtual time that may pass beside the steps from event to event: a timer may have a million events a second.
const TIME: VTime = VTime::ms(150);

/// `count` registers of `width` bytes from offset `first` on.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Offset of the first one.
    pub first: u32,
    /// How many.
    pub count: u32,
    /// Bytes of each.
    pub width: u8,
}

/// `count` byte registers.
pub const fn bytes(first: u32, count: u32) -> Range {
    Range { first, count, width: 1 }
}

/// `count` registers of two bytes.
pub const fn words(first: u32, count: u32) -> Range {
    Range { first, count, width: 2 }
}

/// `count` registers of four bytes.
pub const fn dwords(first: u32, count: u32) -> Range {
    Range { first, count, width: 4 }
}

/// The hand of the host on a device of this type.
pub type Poke<D> = fn(&mut D, &mut Cx<'_>, u8) -> u64;

/// The first byte of each step: these bits say what.
const KINDS: u8 = 0x1f;

/// Kinds of steps by number. What comes often has several.
#[allow(missing_docs)]
pub mod kind {
    pub const WRITE: u8 = 0; // to 8
    pub const MEMORY: u8 = 9;
    pub const READ: u8 = 10; // to 14
    pub const WRITE_MANY: u8 = 15;
    pub const READ_MANY: u8 = 16;
    pub const WRITE_WIDE: u8 = 17;
    pub const READ_WIDE: u8 = 18;
    pub const ANYWHERE: u8 = 19;
    pub const DRIVE: u8 = 20;
    pub const PASS_SHORT: u8 = 21;
    pub const PASS_LONG: u8 = 22;
    pub const NEXT_EVENT: u8 = 23;
    pub const INJECT: u8 = 24;
    pub const ACKNOWLEDGE: u8 = 25;
    pub const STRAY_EVENT: u8 = 26;
    pub const FORK: u8 = 27;
    pub const RESET: u8 = 28;
    pub const DMA: u8 = 29;
    pub const POKE: u8 = 30;
    pub const TAMPER: u8 = 31;
}

/// One thing that happens to a device.
#[derive(Clone, Debug)]
enum Step {
    Read {
        at: Offset,
        width: Width,
        times: u32,
    },
    /// The first value and what is added for each further one.
    Write {
        at: Offset,
        width: Width,
        value: u64,
        step: u64,
        times: u32,
    },
    /// The processor writes to memory, for what masters the bus to find.
    Memory(u64, u64),
    Drive(Pin, bool),
    Pass(VTime),
    NextEvent,
    Inject(Outside),
    Acknowledge(Option<u8>),
    StrayEvent(Event),
    Fork,
    Reset(ResetKind),
    /// A controller's cycles on a channel.
    DmaCycles(u8),
    /// DACK# for a device: `count` cycles, the last one with TC.
    Dack {
        read: bool,
        count: u32,
        tc: bool,
    },
    Poke(u8),
    /// Bytes of the saved state change, and the device goes on from there if it takes it.
    Tamper(Vec<(u16, u8)>),
}

fn register(registers: &[Range], input: &mut Input<'_>) -> (Offset, Width) {
    let range = registers[if registers.len() > 1 { input.below(registers.len()) } else { 0 }];
    let n = input.number(if range.count > 256 { 3 } else { 1 }) as u32 % range.count;
    (Offset(range.first.wrapping_add(n * u32::from(range.width))), Width::of(range.width.into()))
}

fn outside(input: &mut Input<'_>) -> Outside {
    match input.below(3) {
        0 => Outside::Bytes(input.take(9).to_vec()),
        1 => Outside::Key { key: Key(input.number(2) as u16), pressed: input.byte() & 1 != 0 },
        _ => {
            let (dx, dy) = (input.number(2) as i16, input.number(2) as i16);
            Outside::Mouse { dx, dy, dz: input.byte() as i8, buttons: input.byte() }
        }
    }
}

fn step(registers: &[Range], input: &mut Input<'_>) -> Step {
    let what = input.byte();
    match what & KINDS {
        kind::WRITE..kind::MEMORY => {
            let (at, width) = register(registers, input);
            Step::Write { at, width, value: input.number(width.bytes() as usize), step: 0, times: 1 }
        }
        kind::MEMORY => Step::Memory(16 * input.number(2), input.number(8)),
        kind::READ..kind::WRITE_MANY => {
            let (at, width) = register(registers, input);
            Step::Read { at, width, times: 1 }
        }
        kind::WRITE_MANY => {
            let (at, width) = register(registers, input);
            let (times, value) = (u32::from(input.byte()) + 1, input.number(width.bytes() as usize));
            Step::Write { at, width, value, step: input.byte().into(), times }
        }
        kind::READ_MANY => {
            let (at, width) = register(registers, input);
            Step::Read { at, width, times: u32::from(input.byte()) + 1 }
        }
        kind::WRITE_WIDE | kind::READ_WIDE | kind::ANYWHERE => {
            let width = Width::ALL[usize::from(what >> 5) & 3];
            let at = match what & KINDS {
                kind::ANYWHERE => Offset(input.interesting(Offset::CONFIG.into()) as u32),
                _ => register(registers, input).0,
            };
            if what & KINDS == kind::READ_WIDE || what & KINDS == kind::ANYWHERE && what & 0x80 != 0 {
                Step::Read { at, width, times: 1 }
            } else {
                Step::Write { at, width, value: input.number(width.bytes() as usize), step: 0, times: 1 }
            }
        }
        kind::DRIVE => {
            let pin = input.byte();
            Step::Drive(Pin(pin >> 1 & 0x3f), pin & 1 != 0)
        }
        kind::PASS_SHORT => Step::Pass(VTime::ns(input.number(2) * 100)),
        kind::PASS_LONG => Step::Pass(VTime::us(200 * input.number(1))),
        kind::NEXT_EVENT => Step::NextEvent,
        kind::INJECT => Step::Inject(outside(input)),
        kind::ACKNOWLEDGE => Step::Acknowledge((what & 0x80 != 0).then_some(what >> 5 & 3)),
        kind::STRAY_EVENT => Step::StrayEvent(Event(input.byte())),
        kind::FORK => Step::Fork,
        kind::RESET => Step::Reset(if what & 0x80 != 0 { ResetKind::PowerOn } else { ResetKind::Hard }),
        kind::DMA => match what >> 6 {
            0 => Step::DmaCycles(input.byte()),
            n => Step::Dack { read: n == 1, count: 4 * u32::from(input.byte()) + 4, tc: what & 0x20 != 0 },
        },
        kind::POKE => Step::Poke(input.byte()),
        _ => Step::Tamper((0..=what >> 5 & 3).map(|_| (input.number(2) as u16, input.byte())).collect()),
    }
}

/// Mixes what was seen into one number.
fn mix(seen: u64, value: u64) -> u64 {
    (seen ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

/// Does a step and gives what can be seen of it.
fn perform<D: Device>(rig: &mut Rig<D>, step: &Step, poke: Poke<D>) -> u64 {
    match *step {
        Step::Read { at, width, times } => (0..times).fold(0, |seen, _| mix(seen, rig.read_wide(at, width))),
        Step::Write { at, width, value, step, times } => {
            for n in 0..u64::from(times) {
                rig.write_wide(at, width, value.wrapping_add(step * n));
            }
            0
        }
        Step::Memory(at, value) => {
            rig.memory.write(at, &value.to_le_bytes());
            0
        }
        Step::Drive(pin, level) => {
            rig.drive(pin, level);
            0
        }
        Step::Pass(length) => {
            rig.pass(length);
            0
        }
        Step::NextEvent => {
            if let Some(next) = rig.next_event() {
                rig.pass_until(next);
            }
            rig.now().0
        }
        Step::Inject(ref input) => {
            rig.inject(input);
            0
        }
        Step::Acknowledge(cascade) => match rig.with(|d, cx| d.acknowledge(cx, cascade)) {
            Inta::Vector(v) => v.into(),
            Inta::Cascade(n) => 0x100 | u64::from(n),
            Inta::Silent => 0x200,
        },
        Step::StrayEvent(event) => {
            rig.with(|d, cx| d.event(cx, event));
            0
        }
        Step::Reset(kind) => {
            rig.reset(kind);
            0
        }
        Step::DmaCycles(channel) => {
            (0..200).map_while(|_| rig.with(|d, cx| d.dma_cycle(cx, channel))).fold(0, |seen, c| {
                let direction = match c.direction {
                    DmaDirection::Verify => 0,
                    DmaDirection::ToMemory => 1,
                    DmaDirection::FromMemory => 2,
                };
                mix(mix(seen, c.address), direction << 8 | u64::from(c.width.bytes()) << 1 | u64::from(c.last))
            })
        }
        Step::Dack { read, count, tc } => (1..=count).fold(0, |seen, n| {
            let last = tc && n == count;
            if read {
                mix(seen, rig.with(|d, cx| d.dma_read(cx, last)).into())
            } else {
                rig.with(|d, cx| d.dma_write(cx, n as u16, last));
                seen
            }
        }),
        Step::Poke(what) => rig.with(|d, cx| poke(d, cx, what)),
        Step::Fork | Step::Tamper(_) => 0,
    }
}

fn levels<D: Device>(rig: &Rig<D>) -> u32 {
    (0..32).filter(|n| rig.level(Pin(*n))).fold(0, |bits, n| bits | 1 << n)
}

/// A new device to which the host did what it did to the first: a medium is not part of a saved state.
fn another<D: Device>(fresh: &impl Fn() -> D, poke: Poke<D>, done: &[u8]) -> D {
    if done.is_empty() {
        return fresh();
    }
    let mut rig = Rig::new(fresh());
    done.iter().for_each(|what| {
        rig.with(|d, cx| poke(d, cx, *what));
    });
    rig.device
}

/// Gives the second device the state of the first.
fn load<D: Device + Snapshot>(rig: &Rig<D>, mut other: D) -> D {
    let saved = encode(&rig.device.save());
    let state = D::decode(D::VERSION, &saved).expect("a saved state can be decoded");
    if let Err(e) = other.load(state) {
        panic!("{}: a state that a guest has reached does not load: {e}", D::KIND);
    }
    assert!(encode(&other.save()) == saved, "{}: load(save(x)) = x", D::KIND);
    other
}

/// A second bench with everything as on the first.
fn copy<D: Device + Snapshot>(rig: &Rig<D>, other: D) -> Rig<D> {
    let loaded = rig.restored(load(rig, other));
    assert!(loaded.edges.is_empty(), "{}: loading makes no edge", D::KIND);
    assert_eq!(levels(&loaded), levels(rig), "{}: levels after loading", D::KIND);
    loaded
}

/// Does to a device what the bytes say.
///
/// # Panics
/// When a saved state does not load, or a loaded device shows something else than the one that was saved.
pub fn run<D: Device + Snapshot>(registers: &[Range], fresh: impl Fn() -> D, poke: Poke<D>, bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut rig = Rig::new(fresh());
    let mut twin: Option<Rig<D>> = None;
    let (mut forks, mut pokes, mut time) = (0, Vec::new(), VTime::ZERO);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let step = step(registers, &mut input);
        match &step {
            Step::Fork if forks < FORKS => {
                forks += 1;
                rig.edges.clear();
                twin = Some(copy(&rig, another(&fresh, poke, &pokes)));
            }
            Step::Tamper(changes) if forks < FORKS => {
                forks += 1;
                if let Some(changed) = tampered(&rig, another(&fresh, poke, &pokes), changes) {
                    (rig, twin) = (changed, None);
                }
            }
            Step::Pass(length) if time.after(*length) > TIME => continue,
            Step::Poke(_) if pokes.len() == POKES => continue,
            Step::Poke(what) => pokes.push(*what),
            _ => {}
        }
        if let Step::Pass(length) = step {
            time = time.after(length);
        }
        let want = perform(&mut rig, &step, poke);
        if let Some(twin) = &mut twin {
            let got = perform(twin, &step, poke);
            assert_eq!(got, want, "{}: {step:x?} after loading", D::KIND);
        }
    }
    if let Some(twin) = twin {
        assert!(twin.edges == rig.edges, "{}: edges after loading", D::KIND);
        assert!(encode(&twin.device.save()) == encode(&rig.device.save()), "{}: the state after loading", D::KIND);
        assert!(twin.memory.backing() == rig.memory.backing(), "{}: memory after loading", D::KIND);
    }
    load(&rig, another(&fresh, poke, &pokes));
}

/// A device with a state that differs in some bytes, if it takes it.
fn tampered<D: Device + Snapshot>(rig: &Rig<D>, mut other: D, changes: &[(u16, u8)]) -> Option<Rig<D>> {
    let mut saved = encode(&rig.device.save());
    if saved.is_empty() {
        return None;
    }
    for (at, value) in changes {
        let at = usize::from(*at) % saved.len();
        saved[at] = *value;
    }
    other.load(D::decode(D::VERSION, &saved).ok()?).ok()?;
    Some(rig.restored(other))
}
