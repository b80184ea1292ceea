//! 8042 keyboard controller of the PC/AT and PS/2, with keyboard and mouse attached.
//!
//! Document: IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device
//! Controller": "Controller Status Register", "Controller Command Byte", "Controller Commands".
//!
//! *Not modelled:* line parity and timeout errors, the password commands, polling the input port
//! (C1h, C2h), the keyboard lock.

use std::collections::VecDeque;

use ferrite_core::device::{Cx, Device, Event, Input, Offset, Pin, ResetKind, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

use super::keyboard::{self, Keyboard};
use super::mouse::Mouse;

/// Output buffer when read, input buffer (data) when written.
pub const DATA: Offset = Offset(0);
/// Status when read, input buffer (command) when written.
pub const COMMAND: Offset = Offset(1);

/// Keyboard interrupt.
pub const IRQ_KEYBOARD: Pin = Pin(0);
/// Mouse interrupt.
pub const IRQ_MOUSE: Pin = Pin(1);
/// P21: opens the A20 gate.
pub const A20: Pin = Pin(2);
/// P20, inverted: restarts the processor.
pub const INIT: Pin = Pin(3);

const FRAME: Event = Event(0);
const BAT: Event = Event(1);
const REPEAT: Event = Event(2);
const SAMPLE: Event = Event(3);

/// A frame is 11 bits at 12.5 kHz, the middle of the clock's allowed 10 to 16.7 kHz.
const FRAME_TIME: VTime = VTime::us(880);

/// Status.
const OBF: u8 = 0x01;
const SYS: u8 = 0x04;
const A2: u8 = 0x08;
const UNLOCKED: u8 = 0x10;
const AUX_OBF: u8 = 0x20;

/// Controller command byte.
const KEYBOARD_INT: u8 = 0x01;
const MOUSE_INT: u8 = 0x02;
const CCB_SYS: u8 = 0x04;
const KEYBOARD_OFF: u8 = 0x10;
const MOUSE_OFF: u8 = 0x20;
const TRANSLATE: u8 = 0x40;

/// Output port P2.
const P2_RUN: u8 = 0x01;
const P2_A20: u8 = 0x02;

/// Results of commands that wait for the output buffer.
const REPLIES: usize = 16;

/// Whose byte is in the output buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Source {
    Keyboard,
    Mouse,
}

/// The controller.
pub struct I8042 {
    regs: Regs,
    keyboard: Keyboard,
    mouse: Mouse,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    /// RAM; location 0 is the command byte.
    ram: [u8; 32],
    output: u8,
    full: Option<Source>,
    /// The last write was a command.
    a2: bool,
    /// A command that waits for its data byte.
    command: Option<u8>,
    p2: u8,
    replies: VecDeque<(Source, u8)>,
    /// F0 came from the keyboard: the next code is a break code.
    releasing: bool,
}

impl Regs {
    fn new() -> Regs {
        let mut ram = [0; 32];
        // Interfaces off, as after the controller's reset; the A20 gate open, as its ports come up.
        ram[0] = KEYBOARD_OFF | MOUSE_OFF;
        Regs {
            ram,
            output: 0,
            full: None,
            a2: false,
            command: None,
            p2: P2_RUN | P2_A20,
            replies: VecDeque::new(),
            releasing: false,
        }
    }
}

impl Default for I8042 {
    fn default() -> Self {
        I8042::new()
    }
}

impl I8042 {
    /// A controller with a keyboard and a mouse, at power-on.
    pub fn new() -> I8042 {
        I8042 { regs: Regs::new(), keyboard: Keyboard::new(), mouse: Mouse::new() }
    }

    /// The keyboard's LEDs: bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock.
    pub fn leds(&self) -> u8 {
        self.keyboard.leds()
    }

    /// True while the keyboard has codes that the guest has not read.
    pub fn keys_pending(&self) -> bool {
        self.keyboard.ready() || self.regs.full == Some(Source::Keyboard)
    }

    fn ccb(&self) -> u8 {
        self.regs.ram[0]
    }

    fn status(&self) -> u8 {
        let r = &self.regs;
        let full = match r.full {
            None => 0,
            Some(Source::Keyboard) => OBF,
            Some(Source::Mouse) => OBF | AUX_OBF,
        };
        full | if self.ccb() & CCB_SYS != 0 { SYS } else { 0 } | if r.a2 { A2 } else { 0 } | UNLOCKED
    }

    fn p2(&self) -> u8 {
        // P24 and P25 follow the output buffer, P26 and P27 the device lines, high when idle.
        let full = match self.regs.full {
            None => 0,
            Some(Source::Keyboard) => 0x10,
            Some(Source::Mouse) => 0x20,
        };
        self.regs.p2 & 0x0f | full | 0xc0
    }

    fn write_p2(&mut self, cx: &mut Cx<'_>, val: u8) {
        self.regs.p2 = val;
        cx.set(A20, val & P2_A20 != 0);
        cx.set(INIT, val & P2_RUN == 0);
    }

    fn reply(&mut self, from: Source, byte: u8) {
        if self.regs.replies.len() < REPLIES {
            self.regs.replies.push_back((from, byte));
        }
    }

    /// Fills the output buffer from the controller's replies, or arranges for a device's next
    /// frame; then sets the pins.
    fn settle(&mut self, cx: &mut Cx<'_>) {
        if self.regs.full.is_none()
            && let Some((from, byte)) = self.regs.replies.pop_front()
        {
            self.regs.output = byte;
            self.regs.full = Some(from);
        }
        let waiting = self.keyboard.ready() && self.ccb() & KEYBOARD_OFF == 0
            || self.mouse.ready() && self.ccb() & MOUSE_OFF == 0;
        if self.regs.full.is_none() && waiting && cx.pending(FRAME).is_none() {
            cx.at(cx.now().after(FRAME_TIME), FRAME);
        }
        let (full, ccb) = (self.regs.full, self.ccb());
        cx.set(IRQ_KEYBOARD, full == Some(Source::Keyboard) && ccb & KEYBOARD_INT != 0);
        cx.set(IRQ_MOUSE, full == Some(Source::Mouse) && ccb & MOUSE_INT != 0);
    }

    /// A frame from a device has arrived.
    fn take_frame(&mut self) {
        if self.regs.full.is_some() {
            return;
        }
        if self.ccb() & KEYBOARD_OFF == 0
            && let Some(byte) = self.keyboard.take()
        {
            if self.ccb() & TRANSLATE == 0 {
                self.regs.output = byte;
            } else if byte == 0xf0 {
                self.regs.releasing = true;
                return; // the code that follows carries it in bit 7
            } else {
                let release = std::mem::take(&mut self.regs.releasing);
                self.regs.output = keyboard::translate(byte) | if release { 0x80 } else { 0 };
            }
            self.regs.full = Some(Source::Keyboard);
        } else if self.ccb() & MOUSE_OFF == 0
            && let Some(byte) = self.mouse.take()
        {
            self.regs.output = byte;
            self.regs.full = Some(Source::Mouse);
        }
    }

    /// "Controller Commands".
    fn command(&mut self, cx: &mut Cx<'_>, command: u8) {
        self.regs.command = None;
        match command {
            0x20..=0x3f => self.reply(Source::Keyboard, self.regs.ram[usize::from(command & 0x1f)]),
            0x60..=0x7f | 0xd1..=0xd4 => self.regs.command = Some(command),
            0xa7 => self.regs.ram[0] |= MOUSE_OFF,
            0xa8 => self.regs.ram[0] &= !MOUSE_OFF,
            0xa9 | 0xab => self.reply(Source::Keyboard, 0x00), // interface test: no error
            0xaa => {
                self.regs.ram[0] |= CCB_SYS | KEYBOARD_OFF | MOUSE_OFF;
                self.reply(Source::Keyboard, 0x55);
            }
            0xad => self.regs.ram[0] |= KEYBOARD_OFF,
            0xae => self.regs.ram[0] &= !KEYBOARD_OFF,
            0xc0 => self.reply(Source::Keyboard, 0x80), // P17: not locked
            0xd0 => self.reply(Source::Keyboard, self.p2()),
            0xe0 => self.reply(Source::Keyboard, 0x00), // T0, T1: lines low
            // Pulse the P2 bits that are 0 for about 6 us.
            0xf0..=0xff => {
                if command & P2_RUN == 0 {
                    cx.set(INIT, true);
                    cx.set(INIT, self.regs.p2 & P2_RUN == 0);
                }
            }
            _ => cx.unimplemented("8042: controller command", Offset(command.into())),
        }
    }

    fn data(&mut self, cx: &mut Cx<'_>, val: u8) {
        match self.regs.command.take() {
            Some(c @ 0x60..=0x7f) => self.regs.ram[usize::from(c & 0x1f)] = val,
            Some(0xd1) => self.write_p2(cx, val),
            Some(0xd2) => self.reply(Source::Keyboard, val),
            Some(0xd3) => self.reply(Source::Mouse, val),
            Some(0xd4) => {
                self.regs.ram[0] &= !MOUSE_OFF;
                self.mouse.receive(val);
                self.after_mouse(cx, None);
            }
            _ => {
                // Sending to the keyboard turns its interface on.
                self.regs.ram[0] &= !KEYBOARD_OFF;
                if self.keyboard.receive(val) {
                    cx.at(cx.now().after(keyboard::BAT), BAT);
                }
            }
        }
    }

    fn after_mouse(&mut self, cx: &mut Cx<'_>, next: Option<VTime>) {
        if let Some(delay) = next
            && cx.pending(SAMPLE).is_none()
        {
            cx.at(cx.now().after(delay), SAMPLE);
        }
    }
}

impl Device for I8042 {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width) -> u64 {
        match at {
            DATA => {
                self.regs.full = None;
                let byte = self.regs.output;
                // The request falls before the next byte may raise it.
                cx.set(IRQ_KEYBOARD, false);
                cx.set(IRQ_MOUSE, false);
                self.settle(cx);
                byte.into()
            }
            COMMAND => self.status().into(),
            _ => u64::MAX,
        }
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, _: Width, val: u64) {
        let val = val as u8;
        self.regs.a2 = at == COMMAND;
        match at {
            DATA => self.data(cx, val),
            COMMAND => self.command(cx, val),
            _ => cx.unimplemented("8042: write past its registers", at),
        }
        self.settle(cx);
    }

    fn event(&mut self, cx: &mut Cx<'_>, event: Event) {
        match event {
            FRAME => self.take_frame(),
            BAT => self.keyboard.finish_bat(),
            REPEAT => {
                if let Some(delay) = self.keyboard.repeat() {
                    cx.at(cx.now().after(delay), REPEAT);
                }
            }
            SAMPLE => {
                let next = self.mouse.sample();
                self.after_mouse(cx, next);
            }
            _ => {}
        }
        self.settle(cx);
    }

    fn host_input(&mut self, cx: &mut Cx<'_>, input: &Input) {
        match *input {
            Input::Key { key, pressed } => match self.keyboard.key(key, pressed) {
                Some(delay) => cx.at(cx.now().after(delay), REPEAT),
                None if pressed => cx.cancel(REPEAT),
                None => {} // the release of another key leaves the repetition alone
            },
            Input::Mouse { dx, dy, dz, buttons } => {
                let next = self.mouse.moved(dx, dy, dz, buttons);
                self.after_mouse(cx, next);
            }
            Input::Bytes(_) => {}
        }
        self.settle(cx);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        *self = I8042::new();
        self.write_p2(cx, P2_RUN | P2_A20);
        self.settle(cx);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct I8042V1 {
    regs: Regs,
    keyboard: Keyboard,
    mouse: Mouse,
}

impl Snapshot for I8042 {
    const KIND: &'static str = "i8042";
    const VERSION: u32 = 1;
    type State = I8042V1;

    fn save(&self) -> I8042V1 {
        let I8042 { regs, keyboard, mouse } = self;
        I8042V1 { regs: regs.clone(), keyboard: keyboard.clone(), mouse: mouse.clone() }
    }

    fn load(&mut self, s: I8042V1) -> Result<(), LoadError> {
        let I8042V1 { regs, keyboard, mouse } = s;
        if regs.replies.len() > REPLIES {
            return Err(LoadError::Invalid { field: "replies", value: regs.replies.len() as u64 });
        }
        if let Some(field) = keyboard.invalid_field().or(mouse.invalid_field()) {
            return Err(LoadError::Invalid { field, value: 0 });
        }
        *self = I8042 { regs, keyboard, mouse };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::device::Key;
    use ferrite_core::rig::Rig;

    const A: Key = Key(0x1e);

    /// Interrupts and translation on, both interfaces on.
    fn ready() -> Rig<I8042> {
        let mut kbc = Rig::new(I8042::new());
        kbc.write(COMMAND, 0x60);
        kbc.write(DATA, 0x47);
        kbc
    }

    fn press(kbc: &mut Rig<I8042>, key: Key, pressed: bool) {
        kbc.inject(&Input::Key { key, pressed });
    }

    /// Reads bytes until none comes for a while.
    fn drain(kbc: &mut Rig<I8042>) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..100 {
            if kbc.read(COMMAND) & OBF != 0 {
                out.push(kbc.read(DATA));
            }
            kbc.pass(VTime::us(900));
        }
        out
    }

    #[test]
    fn the_self_test_passes_and_sets_the_system_flag() {
        let mut kbc = Rig::new(I8042::new());
        assert_eq!(kbc.read(COMMAND) & SYS, 0);
        kbc.write(COMMAND, 0xaa);
        assert_eq!(kbc.read(COMMAND) & (OBF | SYS), OBF | SYS);
        assert_eq!(kbc.read(DATA), 0x55);
        assert_eq!(kbc.read(COMMAND) & OBF, 0);
    }

    #[test]
    fn a_key_arrives_translated_with_an_interrupt_for_each_byte() {
        let mut kbc = ready();
        press(&mut kbc, A, true);
        assert!(!kbc.level(IRQ_KEYBOARD), "the frame takes its time");
        kbc.pass(FRAME_TIME);
        assert!(kbc.level(IRQ_KEYBOARD));
        assert_eq!(kbc.read(DATA), 0x1e);
        assert!(!kbc.level(IRQ_KEYBOARD));
        press(&mut kbc, A, false);
        assert_eq!(drain(&mut kbc), [0x9e]);
    }

    #[test]
    fn without_translation_the_guest_sees_set_2() {
        let mut kbc = ready();
        kbc.write(COMMAND, 0x60);
        kbc.write(DATA, 0x00);
        press(&mut kbc, Key(0xe048), true);
        press(&mut kbc, Key(0xe048), false);
        assert_eq!(drain(&mut kbc), [0xe0, 0x75, 0xe0, 0xf0, 0x75]);
        assert!(!kbc.level(IRQ_KEYBOARD));
    }

    #[test]
    fn keyboard_reset_answers_and_tests_itself() {
        let mut kbc = ready();
        kbc.write(DATA, 0xff);
        assert_eq!(drain(&mut kbc), [0xfa, 0xaa]);
    }

    #[test]
    fn a_disabled_interface_holds_its_bytes_back() {
        let mut kbc = ready();
        kbc.write(COMMAND, 0xad);
        press(&mut kbc, A, true);
        assert!(drain(&mut kbc).is_empty());
        kbc.write(COMMAND, 0xae);
        assert_eq!(drain(&mut kbc), [0x1e]);
    }

    #[test]
    fn mouse_bytes_are_marked_and_have_their_own_interrupt() {
        let mut kbc = ready();
        kbc.write(COMMAND, 0xd4);
        kbc.write(DATA, 0xf4);
        kbc.pass(FRAME_TIME);
        assert_eq!(kbc.read(COMMAND) & (OBF | AUX_OBF), OBF | AUX_OBF);
        assert!(kbc.level(IRQ_MOUSE) && !kbc.level(IRQ_KEYBOARD));
        assert_eq!(kbc.read(DATA), 0xfa);
        kbc.inject(&Input::Mouse { dx: 1, dy: 0, dz: 0, buttons: 1 });
        assert_eq!(drain(&mut kbc), [0x09, 1, 0]);
    }

    #[test]
    fn the_loop_command_returns_a_byte_as_if_from_the_mouse() {
        let mut kbc = ready();
        kbc.write(COMMAND, 0xd3);
        kbc.write(DATA, 0x5a);
        assert_eq!(kbc.read(COMMAND) & AUX_OBF, AUX_OBF);
        assert_eq!(kbc.read(DATA), 0x5a);
    }

    #[test]
    fn the_output_port_gates_a20_and_restarts_the_processor() {
        let mut kbc = Rig::new(I8042::new());
        assert!(kbc.level(A20));
        kbc.write(COMMAND, 0xd1);
        kbc.write(DATA, 0xdd);
        assert!(!kbc.level(A20));
        kbc.write(COMMAND, 0xd0);
        assert_eq!(kbc.read(DATA) & 3, 1);
        assert_eq!(kbc.take_rises(INIT), 0);
        kbc.write(COMMAND, 0xfe);
        assert_eq!(kbc.take_rises(INIT), 1);
        assert!(!kbc.level(INIT));
    }

    #[test]
    fn a_held_key_repeats_until_it_is_released() {
        let mut kbc = ready();
        press(&mut kbc, A, true);
        kbc.pass(VTime::ms(1));
        kbc.read(DATA);
        let mut repeats = 0;
        for _ in 0..100 {
            kbc.pass(VTime::ms(10));
            if kbc.read(COMMAND) & OBF != 0 {
                assert_eq!(kbc.read(DATA), 0x1e);
                repeats += 1;
            }
        }
        assert_eq!(repeats, 6, "10.9 a second after half a second");
        press(&mut kbc, A, false);
        assert_eq!(drain(&mut kbc), [0x9e]);
    }
}
