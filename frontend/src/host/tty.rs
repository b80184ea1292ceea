//! The terminal of the process in raw mode: every key goes to the guest. Restored when the guard is dropped.

/// Holds the terminal in raw mode.
#[derive(Debug)]
pub struct RawMode {
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

impl RawMode {
    /// Puts standard input into raw mode. `None` if it is no terminal, or the host has no raw mode.
    #[must_use]
    #[cfg(unix)]
    pub fn enter() -> Option<Self> {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let stdin = std::io::stdin();
        let before = tcgetattr(&stdin).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        // Lines that other parts of the process print still begin at the left edge.
        raw.output_modes = before.output_modes;
        tcsetattr(&stdin, OptionalActions::Now, &raw).ok()?;
        Some(Self { before })
    }

    /// Puts standard input into raw mode. `None` if it is no terminal, or the host has no raw mode.
    #[must_use]
    #[cfg(not(unix))]
    pub fn enter() -> Option<Self> {
        None
    }
}

#[cfg(unix)]
impl Drop for RawMode {
    fn drop(&mut self) {
        // Nothing is left to do if the terminal has gone away.
        let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &self.before);
    }
}

/// What a key means to the terminal, as in QEMU: Ctrl-A begins a command.
#[derive(Debug, Default)]
pub struct Escape {
    pending: bool,
}

/// Ctrl-A.
const CTRL_A: u8 = 1;

impl Escape {
    /// Takes the bytes of `keys` that are for the guest into `guest`; true when Ctrl-A X asks to quit.
    pub fn filter(&mut self, keys: &[u8], guest: &mut Vec<u8>) -> bool {
        for &key in keys {
            match (std::mem::take(&mut self.pending), key) {
                (false, CTRL_A) => self.pending = true,
                (true, b'x' | b'X') => return true,
                (true, CTRL_A) | (false, _) => guest.push(key),
                (true, _) => guest.extend([CTRL_A, key]),
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_a_x_quits_even_when_it_comes_in_two_parts() {
        let (mut e, mut out) = (Escape::default(), Vec::new());
        assert!(!e.filter(b"ls\x01", &mut out));
        assert!(e.filter(b"xy", &mut out));
        assert_eq!(out, b"ls");
    }

    #[test]
    fn ctrl_a_twice_is_one_for_the_guest() {
        let (mut e, mut out) = (Escape::default(), Vec::new());
        assert!(!e.filter(b"\x01\x01a\x01b", &mut out));
        assert_eq!(out, b"\x01a\x01b");
    }
}
