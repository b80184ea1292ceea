//! 16550A universal asynchronous receiver/transmitter, as a PC's serial port wires it.
//!
//! Document: National Semiconductor PC16550D data sheet (RRD-B30M75), "Registers", "FIFO Interrupt Mode
//! Operation".
//!
//! Characters take the time that divisor and line format give them. The host gets a byte when the
//! guest hands it over, not when its stop bit ends, so that a guest that powers off with a full FIFO
//! loses no output. The far end honours flow control: while the receiver is full, it waits.
//!
//! *Not modelled:* parity and framing errors (no line makes any), the DMA signals of FCR bit 3, a
//! divisor of 0 (counts as 1), stick parity.

use std::collections::VecDeque;

use ferrite_core::device::{Cx, Device, Event, Input, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use ferrite_core::time::{Freq, VTime};
use serde::{Deserialize, Serialize};

use crate::host::CharPort;

/// RBR, THR; DLL while DLAB is set.
pub const DATA: Offset = Offset(0);
/// IER; DLM while DLAB is set.
pub const IER: Offset = Offset(1);
/// IIR when read, FCR when written.
pub const IIR_FCR: Offset = Offset(2);
/// Line control.
pub const LCR: Offset = Offset(3);
/// Modem control.
pub const MCR: Offset = Offset(4);
/// Line status.
pub const LSR: Offset = Offset(5);
/// Modem status.
pub const MSR: Offset = Offset(6);
/// Scratch.
pub const SCR: Offset = Offset(7);

/// INTR, through the PC's buffer that OUT2 opens.
pub const IRQ: Pin = Pin(0);
/// Modem inputs, high when asserted.
pub const CTS: Pin = Pin(4);
/// See [`CTS`].
pub const DSR: Pin = Pin(5);
/// See [`CTS`].
pub const RI: Pin = Pin(6);
/// See [`CTS`].
pub const DCD: Pin = Pin(7);

const SENT: Event = Event(0);
const RECEIVED: Event = Event(1);
const TIMEOUT: Event = Event(2);

/// Half bits at divisor 1: 1.8432 MHz / 16 bits a second.
const HALF_BITS: Freq = Freq::hz(2 * 1_843_200 / 16);
const FIFO: usize = 16;
/// Bytes that may wait on the line; more from the host are refused by dropping them.
const LINE: usize = 1 << 20;

/// IER.
const ERBFI: u8 = 1;
const ETBEI: u8 = 2;
const ELSI: u8 = 4;
const EDSSI: u8 = 8;
/// LCR.
const STB: u8 = 0x04;
const PEN: u8 = 0x08;
const BREAK: u8 = 0x40;
const DLAB: u8 = 0x80;
/// MCR.
const OUT2: u8 = 0x08;
const LOOP: u8 = 0x10;
/// LSR.
const DR: u8 = 0x01;
const OE: u8 = 0x02;
const BI: u8 = 0x10;
const ERRORS: u8 = 0x1e;
const THRE: u8 = 0x20;
const TEMT: u8 = 0x40;
const FIFO_ERROR: u8 = 0x80;
/// MSR: the delta of RI is of its trailing edge only.
const TERI: u8 = 0x04;

/// Why INTR is up, by priority. "Interrupt Identification Register", table IV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Source {
    LineStatus = 0x06,
    Data = 0x04,
    Timeout = 0x0c,
    ThrEmpty = 0x02,
    ModemStatus = 0x00,
}

/// All that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    ier: u8,
    lcr: u8,
    mcr: u8,
    scr: u8,
    divisor: u16,
    fifo: bool,
    /// Bytes in the receiver FIFO that raise the interrupt.
    trigger: u8,
    /// Received bytes with their error bits.
    rx: VecDeque<(u8, u8)>,
    tx: VecDeque<u8>,
    /// TSR, while it shifts.
    shifting: Option<u8>,
    overrun: bool,
    /// Levels of the modem inputs, in the places of MSR.
    lines: u8,
    deltas: u8,
    thre_interrupt: bool,
    timeout_interrupt: bool,
    /// Bytes under way from the host.
    line: VecDeque<u8>,
}

/// A serial port.
pub struct Uart {
    regs: Regs,
    host: Box<dyn CharPort>,
    /// Characters take this many times less than their bits would. The board's choice.
    speedup: u32,
}

impl Uart {
    /// A port whose far end is `host`, with CTS, DSR and DCD asserted.
    pub fn new(host: Box<dyn CharPort>) -> Uart {
        let lines = [CTS, DSR, DCD].iter().fold(0, |l, pin| l | 1 << pin.0);
        Uart { regs: Regs::at_reset(lines), host, speedup: 1 }
    }

    /// Makes characters `n` times as fast as the divisor says (1 is the chip, 0 counts as 1).
    #[must_use]
    pub fn with_speedup(mut self, n: u32) -> Uart {
        self.speedup = n.max(1);
        self
    }

    /// How long `n` characters take.
    fn characters(&self, n: u64) -> VTime {
        let r = &self.regs;
        let data = 5 + u64::from(r.lcr & 3);
        let stop = match (r.lcr & STB != 0, data) {
            (false, _) => 2,
            (true, 5) => 3, // one and a half
            (true, _) => 4,
        };
        let half_bits = 2 * (1 + data + u64::from(r.lcr & PEN != 0)) + stop;
        let length = HALF_BITS.instant_of(n * half_bits * u64::from(r.divisor.max(1)));
        VTime((length.0 / u64::from(self.speedup)).max(1))
    }

    fn start_sending(&mut self, cx: &mut Cx<'_>) {
        if self.regs.shifting.is_some() {
            return;
        }
        self.regs.shifting = self.regs.tx.pop_front();
        if self.regs.shifting.is_some() {
            self.regs.thre_interrupt |= self.regs.tx.is_empty();
            cx.at(cx.now().after(self.characters(1)), SENT);
        }
    }

    fn write_thr(&mut self, cx: &mut Cx<'_>, val: u8) {
        let r = &mut self.regs;
        r.thre_interrupt = false;
        let room = if r.fifo { FIFO } else { 1 };
        if r.tx.len() >= room {
            // THR is overwritten; a full FIFO refuses the byte.
            if r.fifo {
                return;
            }
            r.tx.clear();
        }
        r.tx.push_back(val);
        if r.mcr & LOOP == 0 {
            self.host.transmit(val);
        }
        self.start_sending(cx);
    }

    fn receiver_full(&self) -> bool {
        self.regs.rx.len() >= if self.regs.fifo { FIFO } else { 1 }
    }

    fn receive(&mut self, cx: &mut Cx<'_>, byte: u8, errors: u8) {
        if self.receiver_full() {
            self.regs.overrun = true;
            if !self.regs.fifo {
                self.regs.rx.clear(); // RBR is overwritten; with FIFOs, the shift register is
            }
        }
        if !self.receiver_full() {
            self.regs.rx.push_back((byte, errors));
        }
        self.watch_timeout(cx);
    }

    /// Four character times without a byte coming or going. "FIFO Interrupt Mode Operation".
    fn watch_timeout(&mut self, cx: &mut Cx<'_>) {
        if self.regs.fifo && !self.regs.rx.is_empty() {
            cx.at(cx.now().after(self.characters(4)), TIMEOUT);
        } else {
            cx.cancel(TIMEOUT);
        }
    }

    /// Lets the next byte from the host travel, if the receiver has room.
    fn pull_line(&mut self, cx: &mut Cx<'_>) {
        let r = &self.regs;
        if !r.line.is_empty() && r.mcr & LOOP == 0 && !self.receiver_full() && cx.pending(RECEIVED).is_none() {
            cx.at(cx.now().after(self.characters(1)), RECEIVED);
        }
    }

    fn read_rbr(&mut self, cx: &mut Cx<'_>) -> u8 {
        let byte = self.regs.rx.pop_front().map_or(0, |(b, _)| b);
        self.regs.timeout_interrupt = false;
        self.watch_timeout(cx);
        self.pull_line(cx);
        byte
    }

    fn lsr(&self) -> u8 {
        let r = &self.regs;
        let mut lsr = if r.overrun { OE } else { 0 };
        if let Some((_, errors)) = r.rx.front() {
            lsr |= DR | errors;
        }
        if r.tx.is_empty() {
            lsr |= THRE | if r.shifting.is_none() { TEMT } else { 0 };
        }
        if r.fifo && r.rx.iter().any(|(_, errors)| *errors != 0) {
            lsr |= FIFO_ERROR;
        }
        lsr
    }

    /// Modem inputs as MSR shows them; in loopback the outputs come back.
    fn modem(&self) -> u8 {
        let mcr = self.regs.mcr;
        if mcr & LOOP == 0 {
            return self.regs.lines;
        }
        // DTR to DSR, RTS to CTS, OUT1 to RI, OUT2 to DCD. "Modem Control Register", bit 4.
        (mcr & 1) << 5 | (mcr & 2) << 3 | (mcr & 4) << 4 | (mcr & 8) << 4
    }

    fn note_modem(&mut self, before: u8) {
        let after = self.modem();
        let changed = (before ^ after) >> 4;
        let rang = before & !after & 1 << RI.0 != 0;
        self.regs.deltas |= changed & !TERI | if rang { TERI } else { 0 };
    }

    fn source(&self) -> Option<Source> {
        let r = &self.regs;
        let on = |enable: u8| r.ier & enable != 0;
        let enough = if r.fifo { usize::from(r.trigger) } else { 1 };
        if on(ELSI) && self.lsr() & ERRORS != 0 {
            Some(Source::LineStatus)
        } else if on(ERBFI) && r.rx.len() >= enough {
            Some(Source::Data)
        } else if on(ERBFI) && r.timeout_interrupt {
            Some(Source::Timeout)
        } else if on(ETBEI) && r.thre_interrupt {
            Some(Source::ThrEmpty)
        } else if on(EDSSI) && r.deltas != 0 {
            Some(Source::ModemStatus)
        } else {
            None
        }
    }

    fn update(&mut self, cx: &mut Cx<'_>) {
        // Loopback turns the OUT2 pin off, and with it the buffer to the bus.
        let buffer = self.regs.mcr & (OUT2 | LOOP) == OUT2;
        cx.set(IRQ, buffer && self.source().is_some());
    }

    fn read_iir(&mut self) -> u8 {
        let source = self.source();
        if source == Some(Source::ThrEmpty) {
            self.regs.thre_interrupt = false;
        }
        source.map_or(1, |s| s as u8) | if self.regs.fifo { 0xc0 } else { 0 }
    }

    fn write_fcr(&mut self, cx: &mut Cx<'_>, val: u8) {
        let on = val & 1 != 0;
        let switched = on != self.regs.fifo;
        self.regs.fifo = on;
        if switched || on && val & 2 != 0 {
            self.regs.rx.clear();
            self.regs.timeout_interrupt = false;
            cx.cancel(TIMEOUT);
        }
        if switched || on && val & 4 != 0 {
            let waiting = !self.regs.tx.is_empty();
            self.regs.tx.clear();
            self.regs.thre_interrupt |= waiting;
        }
        if on {
            self.regs.trigger = [1, 4, 8, 14][usize::from(val >> 6)];
        }
        self.pull_line(cx);
    }
}

impl Regs {
    fn at_reset(lines: u8) -> Regs {
        Regs {
            ier: 0,
            lcr: 0,
            mcr: 0,
            scr: 0,
            divisor: 12, // 9600 baud; the data sheet leaves the latches open
            fifo: false,
            trigger: 1,
            rx: VecDeque::new(),
            tx: VecDeque::new(),
            shifting: None,
            overrun: false,
            lines,
            deltas: 0,
            thre_interrupt: false,
            timeout_interrupt: false,
            line: VecDeque::new(),
        }
    }
}

impl Device for Uart {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width) -> u64 {
        let dlab = self.regs.lcr & DLAB != 0;
        let value = match at {
            DATA if dlab => self.regs.divisor as u8,
            DATA => self.read_rbr(cx),
            IER if dlab => (self.regs.divisor >> 8) as u8,
            IER => self.regs.ier,
            IIR_FCR => self.read_iir(),
            LCR => self.regs.lcr,
            MCR => self.regs.mcr,
            LSR => {
                let lsr = self.lsr();
                self.regs.overrun = false;
                if let Some((_, errors)) = self.regs.rx.front_mut() {
                    *errors = 0;
                }
                lsr
            }
            MSR => self.modem() | std::mem::take(&mut self.regs.deltas),
            SCR => self.regs.scr,
            _ => 0xff,
        };
        self.update(cx);
        value.into()
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, val: u64) {
        let val = val as u8;
        let dlab = self.regs.lcr & DLAB != 0;
        match at {
            DATA if dlab => self.regs.divisor = self.regs.divisor & 0xff00 | u16::from(val),
            DATA => self.write_thr(cx, val),
            IER if dlab => self.regs.divisor = self.regs.divisor & 0xff | u16::from(val) << 8,
            IER => {
                // Enabling the interrupt while THR is empty raises it.
                let enabled = val & !self.regs.ier & ETBEI != 0;
                self.regs.thre_interrupt |= enabled && self.regs.tx.is_empty();
                self.regs.ier = val & 0xf;
            }
            IIR_FCR => self.write_fcr(cx, val),
            LCR => {
                let broke = val & !self.regs.lcr & BREAK != 0;
                self.regs.lcr = val;
                if broke && self.regs.mcr & LOOP != 0 {
                    self.receive(cx, 0, BI);
                }
            }
            MCR => {
                let before = self.modem();
                self.regs.mcr = val & 0x1f;
                self.note_modem(before);
                self.pull_line(cx);
            }
            SCR => self.regs.scr = val,
            _ => {} // LSR and MSR: "not recommended", no effect
        }
        self.update(cx);
    }

    fn input(&mut self, cx: &mut Cx<'_>, pin: Pin, level: bool) {
        if !(CTS.0..=DCD.0).contains(&pin.0) {
            return;
        }
        let before = self.modem();
        let bit = 1 << pin.0;
        self.regs.lines = if level { self.regs.lines | bit } else { self.regs.lines & !bit };
        self.note_modem(before);
        self.update(cx);
    }

    fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        match event {
            SENT => {
                if let Some(byte) = self.regs.shifting.take()
                    && self.regs.mcr & LOOP != 0
                {
                    self.receive(cx, byte, 0);
                }
                self.start_sending(cx);
            }
            RECEIVED => {
                if self.regs.mcr & LOOP == 0
                    && !self.receiver_full()
                    && let Some(byte) = self.regs.line.pop_front()
                {
                    self.receive(cx, byte, 0);
                }
                self.pull_line(cx);
            }
            TIMEOUT => self.regs.timeout_interrupt = true,
            _ => {}
        }
        self.update(cx);
    }

    fn host_input(&mut self, cx: &mut Cx<'_>, input: &Input) {
        if let Input::Bytes(bytes) = input {
            let room = LINE.saturating_sub(self.regs.line.len());
            self.regs.line.extend(bytes.iter().take(room));
            self.pull_line(cx);
        }
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.regs = Regs::at_reset(self.regs.lines);
        self.update(cx);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct UartV1 {
    regs: Regs,
}

impl Snapshot for Uart {
    const KIND: &'static str = "uart16550";
    const VERSION: u32 = 1;
    type State = UartV1;

    fn save(&self) -> UartV1 {
        let Uart { regs, host: _, speedup: _ } = self; // the board's and the host's
        UartV1 { regs: regs.clone() }
    }

    fn load(&mut self, s: UartV1) -> Result<(), LoadError> {
        let UartV1 { regs } = s;
        let longest = if regs.fifo { FIFO } else { 1 };
        for (field, len, limit) in
            [("rx", regs.rx.len(), longest), ("tx", regs.tx.len(), longest), ("line", regs.line.len(), LINE)]
        {
            if len > limit {
                return Err(LoadError::Invalid { field, value: len as u64 });
            }
        }
        if !matches!(regs.trigger, 1 | 4 | 8 | 14) {
            return Err(LoadError::Invalid { field: "trigger", value: regs.trigger.into() });
        }
        self.regs = regs;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Channel, Null};
    use ferrite_core::rig::Rig;
    use std::sync::mpsc::Receiver;

    /// Ten bits at 115200 baud, and a little.
    const CHAR: VTime = VTime::us(87);

    /// 115200 8N1, OUT2 on.
    fn rig() -> (Rig<Uart>, Receiver<u8>) {
        let (port, bytes) = Channel::new();
        let mut uart = Rig::new(Uart::new(Box::new(port)));
        for (at, v) in [(LCR, 0x83), (DATA, 1), (IER, 0), (LCR, 3), (MCR, 0x0b)] {
            uart.write(at, v);
        }
        (uart, bytes)
    }

    fn send(uart: &mut Rig<Uart>, bytes: &[u8]) {
        uart.inject(&Input::Bytes(bytes.to_vec()));
    }

    #[test]
    fn thre_comes_back_at_once_and_temt_after_the_character() {
        let (mut uart, bytes) = rig();
        assert_eq!(uart.read(LSR), THRE | TEMT);
        uart.write(DATA, b'a');
        assert_eq!(uart.read(LSR), THRE, "the byte went on to the shift register");
        uart.write(DATA, b'b');
        assert_eq!(uart.read(LSR), 0);
        uart.pass(CHAR);
        assert_eq!(uart.read(LSR), THRE);
        uart.pass(CHAR);
        assert_eq!(uart.read(LSR), THRE | TEMT);
        assert_eq!(bytes.try_iter().collect::<Vec<_>>(), b"ab");
    }

    #[test]
    fn characters_take_the_time_of_their_bits() {
        let mut uart = Rig::new(Uart::new(Box::new(Null)));
        for (at, v) in [(LCR, 0x80), (DATA, 96), (IER, 0), (LCR, 0x1f)] {
            uart.write(at, v); // 1200 baud, 8 bits, parity, two stop bits
        }
        uart.write(DATA, 0);
        uart.pass(VTime::us(9_999));
        assert_eq!(uart.read(LSR) & TEMT, 0);
        uart.pass(VTime::us(1));
        assert_eq!(uart.read(LSR) & TEMT, TEMT, "12 bits at 1200 baud are 10 ms");
    }

    #[test]
    fn the_transmitter_interrupt_is_cleared_by_reading_iir() {
        let (mut uart, _bytes) = rig();
        uart.write(IER, ETBEI);
        assert!(uart.level(IRQ), "enabling it with THR empty raises it");
        assert_eq!(uart.read(IIR_FCR), 0x02);
        assert!(!uart.level(IRQ));
        uart.write(DATA, 1);
        uart.write(DATA, 2);
        assert!(!uart.level(IRQ));
        uart.pass(CHAR);
        assert!(uart.level(IRQ), "THR emptied again");
    }

    #[test]
    fn a_16_byte_fifo_raises_thre_when_it_is_empty() {
        let (mut uart, bytes) = rig();
        uart.write(IIR_FCR, 0x01);
        for b in 0..18 {
            uart.write(DATA, b);
        }
        assert_eq!(bytes.try_iter().count(), 17, "one shifts, 16 wait, one is lost");
        uart.pass(VTime(CHAR.0 * 16));
        assert_eq!(uart.read(LSR) & (THRE | TEMT), THRE);
    }

    #[test]
    fn received_bytes_interrupt_at_the_trigger_or_after_a_timeout() {
        let (mut uart, _bytes) = rig();
        uart.write(IIR_FCR, 0x41); // trigger at 4
        uart.write(IER, ERBFI);
        send(&mut uart, b"abcde");
        uart.pass(VTime(CHAR.0 * 3));
        assert!(!uart.level(IRQ));
        uart.pass(CHAR);
        assert_eq!(uart.read(IIR_FCR), 0xc4);
        uart.pass(CHAR);
        for b in b"abcd" {
            assert_eq!(uart.read(DATA), *b);
        }
        assert!(!uart.level(IRQ));
        uart.pass(VTime(CHAR.0 * 4));
        assert_eq!(uart.read(IIR_FCR), 0xcc, "one byte has waited four character times");
        assert_eq!(uart.read(DATA), b'e');
        assert_eq!(uart.read(IIR_FCR), 0xc1);
    }

    #[test]
    fn the_far_end_waits_while_the_receiver_is_full() {
        let (mut uart, _bytes) = rig();
        send(&mut uart, b"xyz");
        uart.pass(VTime::ms(10));
        let mut got = Vec::new();
        for _ in 0..3 {
            assert_eq!(uart.read(LSR) & (DR | OE), DR);
            got.push(uart.read(DATA));
            uart.pass(CHAR);
        }
        assert_eq!(got, b"xyz");
    }

    #[test]
    fn interrupts_are_identified_by_priority() {
        let (mut uart, _bytes) = rig();
        uart.write(IER, 0x0f);
        uart.drive(CTS, false);
        send(&mut uart, b"a");
        uart.pass(CHAR);
        assert_eq!(uart.read(IIR_FCR), 0x04);
        uart.read(DATA);
        assert_eq!(uart.read(IIR_FCR), 0x02);
        assert_eq!(uart.read(IIR_FCR), 0x00);
        assert_eq!(uart.read(MSR) & 0x11, 0x01, "CTS is off and has changed");
        assert_eq!(uart.read(IIR_FCR), 0x01);
    }

    #[test]
    fn loopback_returns_data_and_modem_lines_and_hides_from_the_host() {
        let (mut uart, bytes) = rig();
        uart.write(MCR, LOOP | 0x0a);
        assert_eq!(uart.read(MSR) & 0xf0, 0x90, "OUT2 and RTS");
        uart.write(DATA, 0x5a);
        uart.pass(CHAR);
        assert_eq!(uart.read(DATA), 0x5a);
        assert_eq!(bytes.try_iter().count(), 0);
        uart.write(DATA, 1);
        uart.pass(CHAR);
        uart.write(DATA, 2);
        uart.pass(CHAR);
        assert_eq!(uart.read(LSR) & (OE | DR), OE | DR);
        assert_eq!(uart.read(DATA), 2, "without FIFOs the newer byte wins");
        uart.write(LCR, 3 | BREAK);
        assert_eq!(uart.read(LSR) & BI, BI);
    }

    #[test]
    fn out2_gates_the_interrupt() {
        let (mut uart, _bytes) = rig();
        uart.write(MCR, 0x03);
        uart.write(IER, ETBEI);
        assert!(!uart.level(IRQ));
        uart.write(MCR, 0x0b);
        assert!(uart.level(IRQ));
    }

    #[test]
    fn the_ring_indicator_counts_its_trailing_edge_only() {
        let (mut uart, _bytes) = rig();
        uart.drive(RI, true);
        assert_eq!(uart.read(MSR) & 0x0f, 0);
        uart.drive(RI, false);
        assert_eq!(uart.read(MSR) & 0x0f, TERI);
    }
}
