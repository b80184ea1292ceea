//! The parallel port with a printer at its other end.
//!
//! Documents: PC/AT Technical Reference, "Serial/Parallel Adapter", "Parallel Printer Port"; PS/2 Hardware Interface
//! Technical Reference, "Parallel Port Controller" (direction bit, interrupt status); IEEE 1284, "Compatibility Mode".
//!
//! The printer takes a byte when nSTROBE goes low, is busy for a fixed virtual time, and acknowledges. Without a printer
//! the pull-ups show: busy, out of paper.
//!
//! *Not modelled:* EPP and ECP; bytes from the far end (with the direction bit set, the data lines float high).

use ferrite_core::device::{Cx, Device, Event, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

use crate::host::CharPort;

/// Data latch.
const DATA: Offset = Offset(0);
const STATUS: Offset = Offset(1);
const CONTROL: Offset = Offset(2);

/// The interrupt: nACK went high again.
pub const IRQ: Pin = Pin(0);

/// From the strobe to nACK, and how long nACK is low: IEEE 1284, "Compatibility Mode", has 0.5 us at least for the pulse.
const BUSY_TIME: VTime = VTime::us(10);
const ACK_TIME: VTime = VTime::us(5);

const ACK_FALLS: Event = Event(0);
const ACK_RISES: Event = Event(1);

/// Status. Bits 1:0 are not used and read 1; BUSY is inverted on its way.
const NOT_BUSY: u8 = 0x80;
const NACK: u8 = 0x40;
const PE: u8 = 0x20;
const SLCT: u8 = 0x10;
const NERROR: u8 = 0x08;
/// 0 while an interrupt waits: PS/2.
const NIRQ: u8 = 0x04;
const UNUSED: u8 = 0x03;
/// Control.
const STROBE: u8 = 0x01;
const NINIT: u8 = 0x04;
const IRQEN: u8 = 0x10;
const DIRECTION: u8 = 0x20;
/// Bits 7:6 are not there.
const CONTROL_ONES: u8 = 0xc0;

/// Where the printer is with the last byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Printer {
    #[default]
    Ready,
    Busy,
    Acknowledging,
}

/// Plain data, which is also the saved form.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Regs {
    data: u8,
    control: u8,
    printer: Printer,
    /// nACK rose with IRQEN set, and status was not read since.
    irq: bool,
}

/// The port.
pub struct Lpt {
    regs: Regs,
    host: Option<Box<dyn CharPort>>,
}

impl Lpt {
    /// A port with this printer, or nothing, plugged in.
    pub fn new(host: Option<Box<dyn CharPort>>) -> Lpt {
        Lpt { regs: Regs::default(), host }
    }

    fn status(&self) -> u8 {
        let irq = if self.regs.irq { 0 } else { NIRQ };
        let lines = match (&self.host, self.regs.printer) {
            (None, _) => NACK | PE | SLCT | NERROR,
            _ if self.regs.control & NINIT == 0 => NACK | SLCT | NERROR,
            (_, Printer::Ready) => NOT_BUSY | NACK | SLCT | NERROR,
            (_, Printer::Busy) => NACK | SLCT | NERROR,
            (_, Printer::Acknowledging) => SLCT | NERROR,
        };
        lines | irq | UNUSED
    }

    fn write_control(&mut self, cx: &mut Cx<'_>, val: u8) {
        let rising = val & !self.regs.control;
        self.regs.control = val & !CONTROL_ONES;
        if self.regs.control & IRQEN == 0 {
            self.regs.irq = false;
        }
        if val & NINIT == 0 {
            self.regs.printer = Printer::Ready;
            cx.cancel(ACK_FALLS);
            cx.cancel(ACK_RISES);
        } else if rising & STROBE != 0
            && self.regs.printer == Printer::Ready
            && let Some(host) = &mut self.host
        {
            // With the direction reversed the latch does not drive the lines.
            host.transmit(if val & DIRECTION == 0 { self.regs.data } else { 0xff });
            self.regs.printer = Printer::Busy;
            self.regs.irq = false;
            cx.at(cx.now().after(BUSY_TIME), ACK_FALLS);
        }
        cx.set(IRQ, self.regs.irq);
    }
}

impl Device for Lpt {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width) -> u64 {
        let value = match at {
            DATA if self.regs.control & DIRECTION != 0 => 0xff,
            DATA => self.regs.data,
            STATUS => {
                let status = self.status();
                self.regs.irq = false;
                cx.set(IRQ, false);
                status
            }
            CONTROL => self.regs.control | CONTROL_ONES,
            _ => 0xff,
        };
        value.into()
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, val: u64) {
        match at {
            DATA => self.regs.data = val as u8,
            CONTROL => self.write_control(cx, val as u8),
            _ => {}
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        match (event, self.regs.printer) {
            (ACK_FALLS, Printer::Busy) => {
                self.regs.printer = Printer::Acknowledging;
                cx.at(cx.now().after(ACK_TIME), ACK_RISES);
            }
            (ACK_RISES, Printer::Acknowledging) => {
                self.regs.printer = Printer::Ready;
                self.regs.irq = self.regs.control & IRQEN != 0;
                cx.set(IRQ, self.regs.irq);
            }
            _ => {}
        }
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.regs = Regs::default();
        cx.set(IRQ, false);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct LptV1 {
    regs: Regs,
}

impl Snapshot for Lpt {
    const KIND: &'static str = "lpt";
    const VERSION: u32 = 1;
    type State = LptV1;

    fn save(&self) -> LptV1 {
        let Lpt { regs, host: _ } = self; // the host's end
        LptV1 { regs: regs.clone() }
    }

    fn load(&mut self, s: LptV1) -> Result<(), LoadError> {
        let LptV1 { regs } = s;
        if regs.control & CONTROL_ONES != 0 {
            return Err(LoadError::Invalid { field: "control", value: regs.control.into() });
        }
        if regs.irq && regs.control & IRQEN == 0 {
            return Err(LoadError::Invalid { field: "irq", value: 1 });
        }
        self.regs = regs;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Channel;
    use ferrite_core::rig::Rig;
    use std::sync::mpsc::Receiver;

    fn printer() -> (Rig<Lpt>, Receiver<u8>) {
        let (port, bytes) = Channel::new();
        let mut lpt = Rig::new(Lpt::new(Some(Box::new(port))));
        lpt.write(CONTROL, NINIT | 0x08);
        (lpt, bytes)
    }

    fn send(lpt: &mut Rig<Lpt>, byte: u8, control: u8) {
        lpt.write(DATA, byte);
        lpt.write(CONTROL, control | STROBE);
        lpt.write(CONTROL, control);
    }

    #[test]
    fn a_strobe_prints_the_byte_and_the_printer_acknowledges() {
        let (mut lpt, bytes) = printer();
        assert_eq!(lpt.read(STATUS), 0xdf);
        send(&mut lpt, b'A', 0x0c);
        assert_eq!(lpt.read(STATUS) & (NOT_BUSY | NACK), NACK);
        lpt.pass(VTime::us(12));
        assert_eq!(lpt.read(STATUS) & (NOT_BUSY | NACK), 0);
        lpt.pass(VTime::us(4));
        assert_eq!(lpt.read(STATUS), 0xdf);
        assert_eq!(bytes.try_iter().collect::<Vec<_>>(), b"A");
    }

    #[test]
    fn the_end_of_the_acknowledgement_interrupts_when_enabled() {
        let (mut lpt, _bytes) = printer();
        send(&mut lpt, b'A', 0x1c);
        lpt.pass(VTime::us(14));
        assert!(!lpt.level(IRQ));
        lpt.pass(VTime::us(2));
        assert!(lpt.level(IRQ));
        assert_eq!(lpt.read(STATUS) & NIRQ, 0);
        assert!(!lpt.level(IRQ), "reading the status takes it");
        send(&mut lpt, b'B', 0x0c);
        lpt.pass(VTime::us(20));
        assert!(!lpt.level(IRQ), "not enabled");
    }

    #[test]
    fn a_busy_printer_takes_nothing() {
        let (mut lpt, bytes) = printer();
        send(&mut lpt, b'A', 0x0c);
        send(&mut lpt, b'B', 0x0c);
        lpt.pass(VTime::ms(1));
        send(&mut lpt, b'C', 0x0c);
        assert_eq!(bytes.try_iter().collect::<Vec<_>>(), b"AC");
    }

    #[test]
    fn the_latch_reads_back_and_floats_when_the_direction_is_reversed() {
        let (mut lpt, _bytes) = printer();
        lpt.write(DATA, 0x5a);
        assert_eq!(lpt.read(DATA), 0x5a);
        lpt.write(CONTROL, 0x24);
        assert_eq!((lpt.read(DATA), lpt.read(CONTROL)), (0xff, 0xe4));
    }

    #[test]
    fn nothing_plugged_in_is_busy_and_out_of_paper() {
        let mut lpt = Rig::new(Lpt::new(None));
        lpt.write(CONTROL, NINIT);
        send(&mut lpt, b'A', 0x0c);
        assert_eq!(lpt.read(STATUS), 0x7f);
    }
}
