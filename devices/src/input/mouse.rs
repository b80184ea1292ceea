//! The PS/2 mouse behind the 8042, with the IntelliMouse wheel.
//!
//! Documents: IBM Personal System/2 Hardware Interface Technical Reference, "Mouse"; Microsoft
//! "IntelliMouse PS/2 Protocol" for the knock of sample rates 200, 100, 80.
//!
//! *Not modelled:* resolution (counts are the host's), scaling 2:1 outside stream mode, the
//! five-button extension.

use std::collections::VecDeque;

use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

const ACK: u8 = 0xfa;
const RESEND: u8 = 0xfe;
const BUFFER: usize = 64;
/// Sample rates that turn the wheel on.
const KNOCK: [u8; 3] = [200, 100, 80];

/// The mouse. Plain data, which is also its saved form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mouse {
    out: VecDeque<u8>,
    last_sent: u8,
    command: Option<u8>,
    reporting: bool,
    remote: bool,
    wrap: bool,
    scaling: bool,
    resolution: u8,
    rate: u8,
    /// The last three sample rates.
    rates: [u8; 3],
    wheel: bool,
    dx: i16,
    dy: i16,
    dz: i16,
    buttons: u8,
    /// Buttons have changed since the last packet.
    clicked: bool,
}

impl Default for Mouse {
    fn default() -> Self {
        Mouse::new()
    }
}

impl Mouse {
    /// After power-on or reset.
    pub fn new() -> Mouse {
        Mouse {
            out: VecDeque::new(),
            last_sent: 0,
            command: None,
            reporting: false,
            remote: false,
            wrap: false,
            scaling: false,
            resolution: 2,
            rate: 100,
            rates: [0; 3],
            wheel: false,
            dx: 0,
            dy: 0,
            dz: 0,
            buttons: 0,
            clicked: false,
        }
    }

    /// True when [`Mouse::take`] has a byte.
    pub fn ready(&self) -> bool {
        !self.out.is_empty()
    }

    /// The next byte for the system.
    pub fn take(&mut self) -> Option<u8> {
        let byte = self.out.pop_front()?;
        if byte != RESEND {
            self.last_sent = byte;
        }
        Some(byte)
    }

    fn reply(&mut self, bytes: &[u8]) {
        if self.out.len() + bytes.len() <= BUFFER {
            self.out.extend(bytes);
        }
    }

    /// A byte from the system.
    pub fn receive(&mut self, byte: u8) {
        if self.wrap && !matches!(byte, 0xec | 0xff) {
            self.reply(&[byte]);
            return;
        }
        if let Some(command) = self.command.take() {
            return self.argument(command, byte);
        }
        match byte {
            0xe6 | 0xe7 => self.scaling = byte == 0xe7,
            0xe8 | 0xf3 => self.command = Some(byte),
            0xe9 => {
                let status = u8::from(self.remote) << 6
                    | u8::from(self.reporting) << 5
                    | u8::from(self.scaling) << 4
                    | (self.buttons & 1) << 2
                    | (self.buttons & 4) >> 1
                    | (self.buttons & 2) >> 1;
                return self.reply(&[ACK, status, self.resolution, self.rate]);
            }
            0xea => self.remote = false,
            0xeb => {
                self.reply(&[ACK]);
                return self.send_packet();
            }
            0xec => self.wrap = false,
            0xee => self.wrap = true,
            0xf0 => self.remote = true,
            0xf2 => return self.reply(&[ACK, if self.wheel { 3 } else { 0 }]),
            0xf4 => self.reporting = true,
            0xf5 => self.reporting = false,
            0xf6 => *self = Mouse { out: std::mem::take(&mut self.out), wheel: self.wheel, ..Mouse::new() },
            0xfe => return self.reply(&[self.last_sent]),
            0xff => {
                *self = Mouse::new();
                return self.reply(&[ACK, 0xaa, 0x00]);
            }
            _ => return self.reply(&[RESEND]),
        }
        self.reply(&[ACK]);
    }

    fn argument(&mut self, command: u8, byte: u8) {
        if command == 0xe8 {
            if byte > 3 {
                return self.reply(&[RESEND]);
            }
            self.resolution = byte;
        } else {
            if byte == 0 {
                return self.reply(&[RESEND]);
            }
            self.rate = byte;
            self.rates = [self.rates[1], self.rates[2], byte];
            self.wheel |= self.rates == KNOCK;
        }
        self.reply(&[ACK]);
    }

    /// The mouse moved or its buttons changed. The answer is the time to the next sample, when
    /// there is something to report.
    pub fn moved(&mut self, dx: i16, dy: i16, dz: i8, buttons: u8) -> Option<VTime> {
        self.dx = self.dx.saturating_add(dx);
        self.dy = self.dy.saturating_add(dy);
        self.dz = self.dz.saturating_add(dz.into());
        self.clicked |= self.buttons != buttons & 7;
        self.buttons = buttons & 7;
        self.next_sample()
    }

    fn next_sample(&self) -> Option<VTime> {
        let news = self.clicked || (self.dx, self.dy) != (0, 0) || self.wheel && self.dz != 0;
        let streaming = self.reporting && !self.remote && !self.wrap;
        (news && streaming).then(|| VTime::us(1_000_000 / u64::from(self.rate.max(1))))
    }

    /// A sample is due; the answer is the time to the next one.
    pub fn sample(&mut self) -> Option<VTime> {
        self.next_sample()?;
        if self.out.is_empty() {
            self.send_packet();
        }
        self.next_sample()
    }

    fn send_packet(&mut self) {
        let clamp = |v: i16| v.clamp(-255, 255);
        let (dx, up) = (clamp(self.dx), clamp(self.dy.saturating_neg()));
        let dz = self.dz.clamp(-8, 7);
        self.dx -= dx;
        self.dy += up;
        self.dz = if self.wheel { self.dz - dz } else { 0 };
        self.clicked = false;
        let first = u8::from(up < 0) << 5 | u8::from(dx < 0) << 4 | 0x08 | self.buttons;
        let mut packet = vec![first, dx as u8, up as u8];
        if self.wheel {
            packet.push(dz as u8);
        }
        self.reply(&packet);
    }

    /// What a snapshot must keep to be believed: the name of the first wrong field.
    pub(crate) fn invalid_field(&self) -> Option<&'static str> {
        (self.out.len() > BUFFER).then_some("mouse.out")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(m: &mut Mouse) -> Vec<u8> {
        std::iter::from_fn(|| m.take()).collect()
    }

    fn told(bytes: &[u8]) -> Mouse {
        let mut m = Mouse::new();
        for b in bytes {
            m.receive(*b);
        }
        drain(&mut m);
        m
    }

    #[test]
    fn reset_announces_a_plain_mouse() {
        let mut m = Mouse::new();
        m.receive(0xff);
        assert_eq!(drain(&mut m), [ACK, 0xaa, 0x00]);
    }

    #[test]
    fn movement_is_reported_with_up_positive() {
        let mut m = told(&[0xf4]);
        assert_eq!(m.moved(5, 3, 0, 1), Some(VTime::ms(10)));
        assert_eq!(m.sample(), None);
        assert_eq!(drain(&mut m), [0x29, 5, 0xfd]);
    }

    #[test]
    fn a_long_way_takes_several_packets() {
        let mut m = told(&[0xf4]);
        m.moved(300, 0, 0, 0);
        assert!(m.sample().is_some());
        assert_eq!(drain(&mut m), [0x08, 255, 0]);
        assert!(m.sample().is_none());
        assert_eq!(drain(&mut m), [0x08, 45, 0]);
    }

    #[test]
    fn the_knock_turns_the_wheel_on() {
        let mut m = told(&[0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf4]);
        m.receive(0xf2);
        assert_eq!(drain(&mut m), [ACK, 3]);
        m.moved(0, 0, -1, 0);
        m.sample();
        assert_eq!(drain(&mut m), [0x08, 0, 0, 0xff]);
    }

    #[test]
    fn nothing_is_reported_before_it_is_enabled() {
        let mut m = Mouse::new();
        assert_eq!(m.moved(5, 5, 0, 1), None);
        assert!(!m.ready());
    }

    #[test]
    fn remote_mode_reports_when_asked() {
        let mut m = told(&[0xf0, 0xf4]);
        assert_eq!(m.moved(1, 0, 0, 0), None);
        m.receive(0xeb);
        assert_eq!(drain(&mut m), [ACK, 0x08, 1, 0]);
    }

    #[test]
    fn wrap_mode_echoes_until_it_is_reset() {
        let mut m = told(&[0xee]);
        m.receive(0xf4);
        m.receive(0xec);
        assert_eq!(drain(&mut m), [0xf4, ACK]);
    }
}
