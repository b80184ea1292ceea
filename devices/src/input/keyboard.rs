//! The PS/2 keyboard behind the 8042: scan code sets 1, 2 and 3, typematic repeat, LEDs.
//!
//! Documents: IBM Personal System/2 Hardware Interface Technical Reference, "Keyboards (101- and
//! 102-Key)": "Commands from the System", "Scan Codes"; Microsoft "Keyboard Scan Code Specification".
//!
//! A part of the controller's device: it has no pins of its own, and time reaches it as arguments.
//!
//! *Not modelled:* the 122-key keyboards; Num Lock and Shift prefixes of the grey keys, which
//! drivers ignore; the basic assurance test takes 50 ms, not the 300 of the first models.

use std::collections::VecDeque;

use ferrite_core::device::Key;
use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

/// Set 2 to set 1, as the 8042 translates: codes 00-7F. Scan Code Specification, appendix; also read
/// backwards to find the set 2 code of a key.
#[rustfmt::skip]
const TRANSLATE: [u8; 128] = [
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
];

/// A set 2 byte as the controller translates it to set 1; F0 is the controller's own matter.
pub fn translate(set2: u8) -> u8 {
    match set2 {
        0x83 => 0x41, // F7
        0x84 => 0x54, // SysRq
        0x00..=0x7f => TRANSLATE[usize::from(set2)],
        _ => set2, // responses pass
    }
}

/// The set 2 code of a set 1 code.
fn set2_of(set1: u8) -> u8 {
    match set1 {
        0x41 => 0x83,
        0x54 => 0x84,
        _ => TRANSLATE.iter().position(|c| *c == set1).unwrap_or(0) as u8,
    }
}

/// Set 3 differs from set 2 in these keys (first column: [`Key`]).
#[rustfmt::skip]
const SET3: [(u16, u8); 53] = [
    (0x01, 0x08), (0x1a, 0x54), (0x1b, 0x5b), (0x1d, 0x11), (0x2b, 0x5c), (0x37, 0x7e), (0x38, 0x19),
    (0x3a, 0x14), (0x3b, 0x07), (0x3c, 0x0f), (0x3d, 0x17), (0x3e, 0x1f), (0x3f, 0x27), (0x40, 0x2f),
    (0x41, 0x37), (0x42, 0x3f), (0x43, 0x47), (0x44, 0x4f), (0x45, 0x76), (0x46, 0x5f), (0x4a, 0x84),
    (0x4e, 0x7c), (0x54, 0x57), (0x56, 0x13), (0x57, 0x56), (0x58, 0x5e), (0xe01c, 0x79), (0xe01d, 0x58),
    (0xe035, 0x77), (0xe037, 0x57), (0xe038, 0x39), (0xe047, 0x6e), (0xe048, 0x63), (0xe049, 0x6f),
    (0xe04b, 0x61), (0xe04d, 0x6a), (0xe04f, 0x65), (0xe050, 0x60), (0xe051, 0x6d), (0xe052, 0x67),
    (0xe053, 0x64), (0xe05b, 0x8b), (0xe05c, 0x8c), (0xe05d, 0x8d), (0xe11d, 0x62), (0xe05e, 0x00),
    (0xe05f, 0x00), (0xe063, 0x00), (0xe010, 0x00), (0xe019, 0x00), (0xe020, 0x00), (0xe02e, 0x00),
    (0xe030, 0x00),
];

const PRINT_SCREEN: Key = Key(0xe037);
const PAUSE: Key = Key(0xe11d);

/// Bytes the output buffer holds.
const BUFFER: usize = 16;
/// The assurance test after FF. A real one takes 300 ms and more; firmware that waits by counting accesses to ports, each of which takes
/// a microsecond there and one instruction here, gives up long before.
pub(crate) const BAT: VTime = VTime::ms(1);

const ACK: u8 = 0xfa;
const RESEND: u8 = 0xfe;
const BAT_OK: u8 = 0xaa;
/// 10.9 characters a second after half a second. "Set Typematic Rate/Delay (hex F3)", default.
const DEFAULT_TYPEMATIC: u8 = 0x2b;

/// Key types of set 3, as commands F7 to F9 and FB to FD set them.
const TYPEMATIC: u8 = 1;
const MAKE_BREAK: u8 = 2;

/// The keyboard. Plain data, which is also its saved form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyboard {
    out: VecDeque<u8>,
    last_sent: u8,
    /// A command that waits for its argument.
    command: Option<u8>,
    scanning: bool,
    /// Scan code set, 1 to 3.
    set: u8,
    /// Bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock.
    leds: u8,
    typematic: u8,
    /// The key that repeats.
    repeating: Option<Key>,
    /// Key types of set 3, one for each code.
    types: Vec<u8>,
}

impl Default for Keyboard {
    fn default() -> Self {
        Keyboard::new()
    }
}

impl Keyboard {
    /// After a passed assurance test.
    pub fn new() -> Keyboard {
        Keyboard {
            out: VecDeque::new(),
            last_sent: BAT_OK,
            command: None,
            scanning: true,
            set: 2,
            leds: 0,
            typematic: DEFAULT_TYPEMATIC,
            repeating: None,
            types: default_types(),
        }
    }

    /// True when [`Keyboard::take`] has a byte.
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

    /// The LEDs: bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock.
    pub fn leds(&self) -> u8 {
        self.leds
    }

    /// A byte from the system. The answer is true when the assurance test starts: its result
    /// comes `BAT` later, through [`Keyboard::finish_bat`].
    pub fn receive(&mut self, byte: u8) -> bool {
        if let Some(command) = self.command.take()
            && self.argument(command, byte)
        {
            return false;
        }
        self.command(byte)
    }

    /// True when the byte was an argument; a command byte instead of one is a command.
    fn argument(&mut self, command: u8, byte: u8) -> bool {
        let valid = match command {
            0xed => byte < 8,
            0xf0 => byte < 4,
            0xf3 => byte < 0x80,
            _ => byte < 0xed, // a key of set 3
        };
        if !valid {
            return false;
        }
        self.reply(ACK);
        match command {
            0xed => self.leds = byte,
            0xf0 if byte == 0 => self.reply(self.set),
            0xf0 => self.set = byte,
            0xf3 => self.typematic = byte,
            _ => {
                self.types[usize::from(byte)] = key_type(command);
                self.command = Some(command); // more keys may follow
            }
        }
        true
    }

    /// "Commands from the System".
    fn command(&mut self, byte: u8) -> bool {
        match byte {
            0xed | 0xf0 | 0xf3 | 0xfb..=0xfd => {
                self.command = Some(byte);
                self.reply(ACK);
            }
            0xee => self.reply(0xee),
            0xf2 => [ACK, 0xab, 0x83].into_iter().for_each(|b| self.reply(b)),
            0xf4 => {
                self.out.clear();
                self.repeating = None;
                self.scanning = true;
                self.reply(ACK);
            }
            0xf5 | 0xf6 => {
                self.set_defaults();
                self.scanning = byte == 0xf6;
                self.reply(ACK);
            }
            0xf7..=0xfa => {
                self.types.fill(key_type(byte));
                self.reply(ACK);
            }
            0xfe => self.reply(self.last_sent),
            0xff => {
                *self = Keyboard { scanning: false, ..Keyboard::new() };
                self.reply(ACK);
                return true;
            }
            _ => self.reply(RESEND),
        }
        false
    }

    fn set_defaults(&mut self) {
        self.out.clear();
        self.typematic = DEFAULT_TYPEMATIC;
        self.types = default_types();
        self.repeating = None;
    }

    /// The assurance test has passed.
    pub fn finish_bat(&mut self) {
        self.scanning = true;
        self.reply(BAT_OK);
    }

    fn reply(&mut self, byte: u8) {
        if self.out.len() < BUFFER {
            self.out.push_back(byte);
        }
    }

    /// A key goes down or up. The answer is the time to the first repeat, when it repeats.
    pub fn key(&mut self, key: Key, pressed: bool) -> Option<VTime> {
        if !self.scanning {
            return None;
        }
        self.send_code(key, pressed);
        if !pressed {
            if self.repeating == Some(key) {
                self.repeating = None;
            }
            return None;
        }
        self.repeating = (key != PAUSE && self.repeats(key)).then_some(key);
        self.repeating?;
        // Delay: (1 + bits 6:5) times 250 ms.
        Some(VTime::ms(250 * (1 + u64::from(self.typematic >> 5 & 3))))
    }

    /// The repeating key's time has come; the answer is the time to its next one.
    pub fn repeat(&mut self) -> Option<VTime> {
        let key = self.repeating?;
        self.send_code(key, true);
        // Period: (8 + A) * 2^B * 4.17 ms, A in bits 2:0, B in bits 4:3.
        let (a, b) = (u64::from(self.typematic & 7), u32::from(self.typematic >> 3 & 3));
        Some(VTime::us((8 + a) * (4170 << b)))
    }

    fn repeats(&self, key: Key) -> bool {
        self.set != 3 || self.types[usize::from(set3_of(key))] & TYPEMATIC != 0
    }

    /// Puts a make or break code into the buffer, or, when there is no room, the overrun code.
    fn send_code(&mut self, key: Key, pressed: bool) {
        let code = self.code(key, pressed);
        if code.is_empty() || self.out.len() + code.len() < BUFFER {
            self.out.extend(code);
        } else if self.out.len() < BUFFER {
            self.out.push_back(if self.set == 1 { 0xff } else { 0x00 });
        }
    }

    /// "Scan Codes".
    fn code(&self, key: Key, pressed: bool) -> Vec<u8> {
        let [prefix, low] = key.0.to_be_bytes();
        let extended = prefix == 0xe0;
        match (self.set, key) {
            (3, _) => {
                let code = set3_of(key);
                match (code, pressed) {
                    (0, _) => vec![],
                    (_, true) => vec![code],
                    (_, false) if self.types[usize::from(code)] & MAKE_BREAK != 0 => vec![0xf0, code],
                    _ => vec![],
                }
            }
            // Pause has no break code of its own.
            (1, PAUSE) if pressed => vec![0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5],
            (_, PAUSE) if pressed => vec![0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77],
            (_, PAUSE) => vec![],
            (1, PRINT_SCREEN) if pressed => vec![0xe0, 0x2a, 0xe0, 0x37],
            (1, PRINT_SCREEN) => vec![0xe0, 0xb7, 0xe0, 0xaa],
            (_, PRINT_SCREEN) if pressed => vec![0xe0, 0x12, 0xe0, 0x7c],
            (_, PRINT_SCREEN) => vec![0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12],
            (1, _) => {
                let code = low & 0x7f | if pressed { 0 } else { 0x80 };
                if extended { vec![0xe0, code] } else { vec![code] }
            }
            _ => {
                let code = set2_of(low & 0x7f);
                let mut bytes = if extended { vec![0xe0] } else { vec![] };
                if code == 0 {
                    return vec![]; // no such key
                }
                if !pressed {
                    bytes.push(0xf0);
                }
                bytes.push(code);
                bytes
            }
        }
    }

    /// What a snapshot must keep to be believed: the name of the first wrong field.
    pub(crate) fn invalid_field(&self) -> Option<&'static str> {
        if self.out.len() > BUFFER {
            Some("keyboard.out")
        } else if !(1..=3).contains(&self.set) {
            Some("keyboard.set")
        } else if self.types.len() != 256 {
            Some("keyboard.types")
        } else {
            None
        }
    }
}

fn set3_of(key: Key) -> u8 {
    match SET3.iter().find(|(k, _)| *k == key.0) {
        Some((_, code)) => *code,
        None => set2_of(key.0 as u8 & 0x7f),
    }
}

fn key_type(command: u8) -> u8 {
    match command {
        0xf7 | 0xfb => TYPEMATIC,
        0xf8 | 0xfc => MAKE_BREAK,
        0xf9 | 0xfd => 0, // make only
        _ => TYPEMATIC | MAKE_BREAK,
    }
}

/// Set 3 after reset: shifting keys make and break, Right Ctrl and Right Alt and the function keys
/// make only, all others repeat.
fn default_types() -> Vec<u8> {
    let mut types = vec![TYPEMATIC; 256];
    for code in [0x11, 0x12, 0x14, 0x19, 0x59] {
        types[code] = MAKE_BREAK;
    }
    for code in (0x07..=0x4f).step_by(8).chain([0x08, 0x39, 0x56, 0x57, 0x58, 0x5e, 0x5f, 0x62, 0x76]) {
        types[code] = 0;
    }
    types
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Key = Key(0x1e);
    const RIGHT_CTRL: Key = Key(0xe01d);

    fn drain(k: &mut Keyboard) -> Vec<u8> {
        std::iter::from_fn(|| k.take()).collect()
    }

    fn in_set(set: u8) -> Keyboard {
        let mut k = Keyboard::new();
        k.receive(0xf0);
        k.receive(set);
        assert_eq!(drain(&mut k), [ACK, ACK]);
        k
    }

    #[test]
    fn a_key_has_its_codes_in_each_set() {
        let want: [(u8, &[u8], &[u8]); 3] = [
            (1, &[0x1e, 0xe0, 0x1d], &[0x9e, 0xe0, 0x9d]),
            (2, &[0x1c, 0xe0, 0x14], &[0xf0, 0x1c, 0xe0, 0xf0, 0x14]),
            (3, &[0x1c, 0x58], &[]),
        ];
        for (set, make, release) in want {
            let mut k = in_set(set);
            for (pressed, codes) in [(true, make), (false, release)] {
                k.key(A, pressed);
                k.key(RIGHT_CTRL, pressed);
                assert_eq!(drain(&mut k), codes, "set {set}");
            }
        }
    }

    #[test]
    fn translation_of_set_2_gives_set_1() {
        for set1 in (0x01..=0x53).chain([0x54, 0x56, 0x57, 0x58]) {
            assert_eq!(translate(set2_of(set1)), set1);
        }
    }

    #[test]
    fn identify_reports_an_mf2_keyboard() {
        let mut k = Keyboard::new();
        k.receive(0xf2);
        assert_eq!(drain(&mut k), [ACK, 0xab, 0x83]);
    }

    #[test]
    fn a_command_instead_of_an_argument_is_a_command() {
        let mut k = Keyboard::new();
        k.receive(0xed);
        k.receive(0xee);
        assert_eq!(drain(&mut k), [ACK, 0xee]);
        k.receive(0xed);
        k.receive(5);
        assert_eq!(k.leds(), 5);
    }

    #[test]
    fn a_held_key_repeats_at_the_typematic_rate() {
        let mut k = Keyboard::new();
        k.receive(0xf3);
        k.receive(0x00);
        drain(&mut k);
        assert_eq!(k.key(A, true), Some(VTime::ms(250)));
        assert_eq!(k.repeat(), Some(VTime::us(33_360)), "30 a second");
        assert_eq!(drain(&mut k), [0x1c, 0x1c]);
        k.key(A, false);
        assert_eq!(k.repeat(), None);
    }

    #[test]
    fn a_full_buffer_ends_with_the_overrun_code() {
        let mut k = Keyboard::new();
        for _ in 0..40 {
            k.key(A, true);
        }
        let codes = drain(&mut k);
        assert_eq!((codes.len(), codes[14], codes[15]), (16, 0x1c, 0x00));
    }

    #[test]
    fn a_disabled_keyboard_is_silent() {
        let mut k = Keyboard::new();
        k.receive(0xf5);
        drain(&mut k);
        k.key(A, true);
        assert!(!k.ready());
    }

    #[test]
    fn in_set_3_a_key_can_be_made_to_break() {
        let mut k = in_set(3);
        for byte in [0xfc, 0x1c, 0xf4] {
            k.receive(byte);
        }
        drain(&mut k);
        k.key(A, true);
        k.key(A, false);
        assert_eq!(drain(&mut k), [0x1c, 0xf0, 0x1c]);
    }
}
