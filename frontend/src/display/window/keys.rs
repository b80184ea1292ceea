//! Keys of the host by position, as keys of a PC keyboard.
//!
//! Document: W3C *UI Events KeyboardEvent code Values*, whose names winit uses; Microsoft *Keyboard Scan Code Specification*, make
//! codes of set 1.

use ferrite_core::device::Key;
use winit::keyboard::KeyCode;

/// The PC key at this position; nothing for keys that a PC keyboard does not have.
#[must_use]
#[rustfmt::skip]
pub fn key(code: KeyCode) -> Option<Key> {
    use KeyCode as C;
    Some(Key(match code {
        C::Escape => 0x01,
        C::Digit1 => 0x02, C::Digit2 => 0x03, C::Digit3 => 0x04, C::Digit4 => 0x05, C::Digit5 => 0x06,
        C::Digit6 => 0x07, C::Digit7 => 0x08, C::Digit8 => 0x09, C::Digit9 => 0x0a, C::Digit0 => 0x0b,
        C::Minus => 0x0c, C::Equal => 0x0d, C::Backspace => 0x0e, C::Tab => 0x0f,
        C::KeyQ => 0x10, C::KeyW => 0x11, C::KeyE => 0x12, C::KeyR => 0x13, C::KeyT => 0x14, C::KeyY => 0x15,
        C::KeyU => 0x16, C::KeyI => 0x17, C::KeyO => 0x18, C::KeyP => 0x19,
        C::BracketLeft => 0x1a, C::BracketRight => 0x1b, C::Enter => 0x1c,
        C::ControlLeft => 0x1d,
        C::KeyA => 0x1e, C::KeyS => 0x1f, C::KeyD => 0x20, C::KeyF => 0x21, C::KeyG => 0x22, C::KeyH => 0x23,
        C::KeyJ => 0x24, C::KeyK => 0x25, C::KeyL => 0x26, C::Semicolon => 0x27, C::Quote => 0x28, C::Backquote => 0x29,
        C::ShiftLeft => 0x2a, C::Backslash => 0x2b,
        C::KeyZ => 0x2c, C::KeyX => 0x2d, C::KeyC => 0x2e, C::KeyV => 0x2f, C::KeyB => 0x30, C::KeyN => 0x31,
        C::KeyM => 0x32, C::Comma => 0x33, C::Period => 0x34, C::Slash => 0x35, C::ShiftRight => 0x36,
        C::NumpadMultiply => 0x37, C::AltLeft => 0x38, C::Space => 0x39, C::CapsLock => 0x3a,
        C::F1 => 0x3b, C::F2 => 0x3c, C::F3 => 0x3d, C::F4 => 0x3e, C::F5 => 0x3f, C::F6 => 0x40, C::F7 => 0x41,
        C::F8 => 0x42, C::F9 => 0x43, C::F10 => 0x44, C::F11 => 0x57, C::F12 => 0x58,
        C::NumLock => 0x45, C::ScrollLock => 0x46,
        C::Numpad7 => 0x47, C::Numpad8 => 0x48, C::Numpad9 => 0x49, C::NumpadSubtract => 0x4a,
        C::Numpad4 => 0x4b, C::Numpad5 => 0x4c, C::Numpad6 => 0x4d, C::NumpadAdd => 0x4e,
        C::Numpad1 => 0x4f, C::Numpad2 => 0x50, C::Numpad3 => 0x51, C::Numpad0 => 0x52, C::NumpadDecimal => 0x53,
        C::IntlBackslash => 0x56, C::IntlRo => 0x73, C::IntlYen => 0x7d,
        C::KanaMode => 0x70, C::Convert => 0x79, C::NonConvert => 0x7b, C::NumpadComma => 0x7e,
        C::NumpadEnter => 0xe01c, C::ControlRight => 0xe01d, C::NumpadDivide => 0xe035,
        C::PrintScreen => 0xe037, C::AltRight => 0xe038, C::Pause => 0xe11d,
        C::Home => 0xe047, C::ArrowUp => 0xe048, C::PageUp => 0xe049, C::ArrowLeft => 0xe04b,
        C::ArrowRight => 0xe04d, C::End => 0xe04f, C::ArrowDown => 0xe050, C::PageDown => 0xe051,
        C::Insert => 0xe052, C::Delete => 0xe053,
        C::SuperLeft => 0xe05b, C::SuperRight => 0xe05c, C::ContextMenu => 0xe05d,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;

    #[test]
    fn positions_are_those_of_the_named_keys() {
        for (code, name) in [
            (KeyCode::KeyA, "a"),
            (KeyCode::Enter, "enter"),
            (KeyCode::NumpadEnter, "kp_enter"),
            (KeyCode::ArrowUp, "up"),
            (KeyCode::AltRight, "altgr"),
            (KeyCode::F12, "f12"),
            (KeyCode::Pause, "pause"),
            (KeyCode::IntlBackslash, "less"),
        ] {
            assert_eq!(key(code), keys::by_name(name), "{name}");
        }
        assert_eq!(key(KeyCode::BrowserBack), None);
    }
}
