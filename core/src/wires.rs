//! The netlist: which output pin drives which inputs.
//!
//! The board connects pins. An input that several outputs drive sees their OR, as on a shared
//! line. Changes are queued while a device runs and delivered after it returned, in order, so no
//! device is ever entered twice and a pulse arrives as two edges.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::device::{DeviceId, Pin};
use crate::snapshot::{LoadError, Snapshot};

/// An input of the processor or the power supply that a wire may drive. All are active high here,
/// whatever the chip's own polarity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CpuPin {
    /// Maskable interrupt request, a level.
    Intr,
    /// Non-maskable interrupt, taken on its rising edge.
    Nmi,
    /// System management interrupt, taken on its rising edge.
    Smi,
    /// INIT: restart at the reset vector, caches and most MSRs kept; on its rising edge.
    Init,
    /// Hard reset of the whole board, on its rising edge.
    Reset,
    /// The A20 gate: high lets address line 20 through.
    A20,
    /// IGNNE#: while it is asserted, x87 instructions run in spite of an error that waits; a level.
    Ignne,
}

/// Where a wire ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sink {
    /// An input pin of a device.
    Device(DeviceId, Pin),
    /// An input of the processor.
    Cpu(CpuPin),
}

#[derive(Clone, Debug)]
struct Output {
    /// As the device last set it.
    driven: bool,
    sinks: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Input {
    sink: Sink,
    /// How many outputs hold it high.
    high: usize,
}

/// The netlist and the levels on it.
#[derive(Clone, Debug, Default)]
pub struct Wires {
    outputs: Vec<Output>,
    inputs: Vec<Input>,
    /// `[device][pin]`: index into `outputs`.
    index: Vec<Vec<Option<usize>>>,
    /// Changes not yet delivered: output and its new level.
    queue: VecDeque<(usize, bool)>,
}

impl Wires {
    /// Lets output `from` drive `to`. Both start low.
    pub fn connect(&mut self, from: (DeviceId, Pin), to: Sink) {
        let (device, pin) = (usize::from(from.0.0), usize::from(from.1.0));
        if self.index.len() <= device {
            self.index.resize(device + 1, Vec::new());
        }
        let pins = &mut self.index[device];
        if pins.len() <= pin {
            pins.resize(pin + 1, None);
        }
        let output = *pins[pin].get_or_insert_with(|| {
            self.outputs.push(Output { driven: false, sinks: Vec::new() });
            self.outputs.len() - 1
        });
        let input = self.inputs.iter().position(|i| i.sink == to).unwrap_or_else(|| {
            self.inputs.push(Input { sink: to, high: 0 });
            self.inputs.len() - 1
        });
        if !self.outputs[output].sinks.contains(&input) {
            self.outputs[output].sinks.push(input);
        }
    }

    fn output(&self, device: DeviceId, pin: Pin) -> Option<usize> {
        *self.index.get(usize::from(device.0))?.get(usize::from(pin.0))?
    }

    /// True when the output drives anything.
    pub fn connected(&self, device: DeviceId, pin: Pin) -> bool {
        self.output(device, pin).is_some()
    }

    /// The device sets its output. Delivered by [`Wires::settle_one`].
    pub fn set(&mut self, device: DeviceId, pin: Pin, level: bool) {
        if let Some(output) = self.output(device, pin)
            && self.outputs[output].driven != level
        {
            self.outputs[output].driven = level;
            self.queue.push_back((output, level));
        }
    }

    /// Delivers the oldest change; calls `deliver` for each input whose level it changed.
    /// False when nothing was queued.
    pub fn settle_one(&mut self, mut deliver: impl FnMut(Sink, bool)) -> bool {
        let Some((output, level)) = self.queue.pop_front() else { return false };
        for &sink in &self.outputs[output].sinks {
            let input = &mut self.inputs[sink];
            let before = input.high != 0;
            input.high = if level { input.high + 1 } else { input.high - 1 };
            let after = input.high != 0;
            if before != after {
                deliver(input.sink, after);
            }
        }
        true
    }

    /// True when changes wait to be delivered.
    pub fn unsettled(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Drops all undelivered changes: the way out of a wiring that oscillates.
    pub fn abandon(&mut self) {
        self.queue.clear();
        self.count_levels();
    }

    /// The level that `sink` sees.
    pub fn level(&self, sink: Sink) -> bool {
        self.inputs.iter().any(|i| i.sink == sink && i.high != 0)
    }

    /// True when some output is connected to `sink`.
    pub fn drives(&self, sink: Sink) -> bool {
        self.inputs.iter().any(|i| i.sink == sink)
    }

    fn count_levels(&mut self) {
        for input in &mut self.inputs {
            input.high = 0;
        }
        for output in self.outputs.iter().filter(|o| o.driven) {
            for &sink in &output.sinks {
                self.inputs[sink].high += 1;
            }
        }
    }
}

/// Saved form of [`Wires`], version 1: the level of every output, in the order in which the board
/// connected them. What the inputs see follows from it.
#[derive(Serialize, Deserialize)]
pub struct WiresV1 {
    levels: Vec<bool>,
}

impl Snapshot for Wires {
    const KIND: &'static str = "wires";
    const VERSION: u32 = 1;
    type State = WiresV1;

    fn save(&self) -> WiresV1 {
        // The netlist is the board's, and the queue is empty between device calls.
        let Wires { outputs, inputs: _, index: _, queue: _ } = self;
        WiresV1 { levels: outputs.iter().map(|o| o.driven).collect() }
    }

    fn load(&mut self, s: WiresV1) -> Result<(), LoadError> {
        let WiresV1 { levels } = s;
        if levels.len() != self.outputs.len() {
            return Err(LoadError::Invalid { field: "wires.levels", value: levels.len() as u64 });
        }
        for (output, level) in self.outputs.iter_mut().zip(levels) {
            output.driven = level; // no queue entry: restoring a level makes no edge
        }
        self.queue.clear();
        self.count_levels();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: DeviceId = DeviceId(0);
    const B: DeviceId = DeviceId(1);
    const OUT: Pin = Pin(0);
    const LINE: Sink = Sink::Cpu(CpuPin::Intr);

    fn settle(w: &mut Wires) -> Vec<bool> {
        let mut edges = Vec::new();
        while w.settle_one(|_, level| edges.push(level)) {}
        edges
    }

    fn shared_line() -> Wires {
        let mut w = Wires::default();
        w.connect((A, OUT), LINE);
        w.connect((B, OUT), LINE);
        w
    }

    #[test]
    fn a_shared_line_is_high_while_any_output_is() {
        let mut w = shared_line();
        w.set(A, OUT, true);
        w.set(B, OUT, true);
        assert_eq!(settle(&mut w), [true]);
        w.set(A, OUT, false);
        assert!(settle(&mut w).is_empty());
        assert!(w.level(LINE));
        w.set(B, OUT, false);
        assert_eq!(settle(&mut w), [false]);
    }

    #[test]
    fn a_pulse_within_one_call_arrives_as_two_edges() {
        let mut w = shared_line();
        w.set(A, OUT, true);
        w.set(A, OUT, false);
        assert_eq!(settle(&mut w), [true, false]);
    }

    #[test]
    fn restoring_a_level_makes_no_edge() {
        let mut w = shared_line();
        w.set(A, OUT, true);
        settle(&mut w);
        let mut loaded = shared_line();
        loaded.load(w.save()).unwrap();
        assert!(loaded.level(LINE));
        loaded.set(A, OUT, true);
        assert!(settle(&mut loaded).is_empty());
        loaded.set(A, OUT, false);
        assert_eq!(settle(&mut loaded), [false]);
    }

    #[test]
    fn levels_of_another_board_are_refused() {
        let mut other = Wires::default();
        assert!(other.load(shared_line().save()).is_err());
    }

    #[test]
    fn a_pin_that_drives_nothing_may_be_set() {
        let mut w = shared_line();
        w.set(A, Pin(9), true);
        assert!(!w.unsettled());
        assert!(!w.connected(A, Pin(9)));
    }
}
