//! Names of keys, and the keys of a US keyboard that type a character.
//!
//! Document: Microsoft *Keyboard Scan Code Specification*, "Scan Code Table": keys are known by their make codes of set 1, which
//! name a position, whatever is printed there.

use ferrite_core::device::Key;

/// Left Shift, which `type` holds for capitals.
pub const SHIFT: Key = Key(0x2a);

/// Every key and its names; the first is the one in messages.
#[rustfmt::skip]
const NAMES: &[(u16, &[&str])] = &[
    (0x01, &["esc", "escape"]),
    (0x3b, &["f1"]), (0x3c, &["f2"]), (0x3d, &["f3"]), (0x3e, &["f4"]), (0x3f, &["f5"]), (0x40, &["f6"]),
    (0x41, &["f7"]), (0x42, &["f8"]), (0x43, &["f9"]), (0x44, &["f10"]), (0x57, &["f11"]), (0x58, &["f12"]),
    (0x29, &["grave", "`"]),
    (0x02, &["1"]), (0x03, &["2"]), (0x04, &["3"]), (0x05, &["4"]), (0x06, &["5"]), (0x07, &["6"]), (0x08, &["7"]),
    (0x09, &["8"]), (0x0a, &["9"]), (0x0b, &["0"]), (0x0c, &["minus"]), (0x0d, &["equal", "="]),
    (0x0e, &["backspace", "bs"]), (0x0f, &["tab"]),
    (0x10, &["q"]), (0x11, &["w"]), (0x12, &["e"]), (0x13, &["r"]), (0x14, &["t"]), (0x15, &["y"]), (0x16, &["u"]),
    (0x17, &["i"]), (0x18, &["o"]), (0x19, &["p"]), (0x1a, &["bracketleft", "["]), (0x1b, &["bracketright", "]"]),
    (0x1c, &["enter", "return", "ret"]),
    (0x3a, &["capslock", "caps"]),
    (0x1e, &["a"]), (0x1f, &["s"]), (0x20, &["d"]), (0x21, &["f"]), (0x22, &["g"]), (0x23, &["h"]), (0x24, &["j"]),
    (0x25, &["k"]), (0x26, &["l"]), (0x27, &["semicolon", ";"]), (0x28, &["apostrophe", "'"]),
    (0x2b, &["backslash", "\\"]), (0x56, &["less", "<"]),
    (0x2a, &["shift", "lshift", "shiftleft"]), (0x36, &["rshift", "shiftright"]),
    (0x2c, &["z"]), (0x2d, &["x"]), (0x2e, &["c"]), (0x2f, &["v"]), (0x30, &["b"]), (0x31, &["n"]), (0x32, &["m"]),
    (0x33, &["comma", ","]), (0x34, &["period", "dot", "."]), (0x35, &["slash", "/"]),
    (0x1d, &["ctrl", "lctrl", "control"]), (0xe01d, &["rctrl"]),
    (0x38, &["alt", "lalt"]), (0xe038, &["ralt", "altgr"]),
    (0xe05b, &["win", "lwin", "super", "meta"]), (0xe05c, &["rwin"]), (0xe05d, &["menu", "compose"]),
    (0x39, &["space", "spc"]),
    (0xe037, &["printscreen", "print", "sysrq"]), (0x46, &["scrolllock", "scroll"]), (0xe11d, &["pause", "break"]),
    (0xe052, &["insert", "ins"]), (0xe053, &["delete", "del"]), (0xe047, &["home"]), (0xe04f, &["end"]),
    (0xe049, &["pageup", "pgup"]), (0xe051, &["pagedown", "pgdn", "pgdown"]),
    (0xe048, &["up"]), (0xe050, &["down"]), (0xe04b, &["left"]), (0xe04d, &["right"]),
    (0x45, &["numlock"]), (0xe035, &["kp_divide"]), (0x37, &["kp_multiply"]), (0x4a, &["kp_subtract"]),
    (0x4e, &["kp_add"]), (0xe01c, &["kp_enter"]), (0x53, &["kp_decimal"]),
    (0x52, &["kp_0"]), (0x4f, &["kp_1"]), (0x50, &["kp_2"]), (0x51, &["kp_3"]), (0x4b, &["kp_4"]), (0x4c, &["kp_5"]),
    (0x4d, &["kp_6"]), (0x47, &["kp_7"]), (0x48, &["kp_8"]), (0x49, &["kp_9"]),
    (0xe05e, &["power"]), (0xe05f, &["sleep"]), (0xe063, &["wake"]),
];

/// The key of this name, in any case.
#[must_use]
pub fn by_name(name: &str) -> Option<Key> {
    let name = name.to_ascii_lowercase();
    NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(code, _)| Key(*code))
}

/// A key's name.
#[must_use]
pub fn name(key: Key) -> Option<&'static str> {
    NAMES.iter().find(|(code, _)| *code == key.0).and_then(|(_, names)| names.first().copied())
}

/// Keys held together: `ctrl-alt-del`, `shift-f1`, `enter`. The key minus is `minus`.
///
/// # Errors
/// One line that names the part that is no key.
pub fn chord(text: &str) -> Result<Vec<Key>, String> {
    text.split('-')
        .map(|part| {
            by_name(part).ok_or_else(|| {
                format!(
                    "no key `{part}`: keys are a to z, 0 to 9, f1 to f12, enter, esc, tab, up and so on, with - between"
                )
            })
        })
        .collect()
}

/// What to press for a character on a US keyboard: the key, and whether with Shift. A line feed is Enter.
#[must_use]
pub fn for_char(c: char) -> Option<(Key, bool)> {
    /// Keys of the main block, row by row: what they type alone and with Shift.
    const ROWS: [(u16, &str, &str); 4] = [
        (0x02, "1234567890-=", "!@#$%^&*()_+"),
        (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
        (0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
        (0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    ];
    match c {
        '\n' | '\r' => return Some((Key(0x1c), false)),
        '\t' => return Some((Key(0x0f), false)),
        '\u{8}' => return Some((Key(0x0e), false)),
        '\u{1b}' => return Some((Key(0x01), false)),
        ' ' => return Some((Key(0x39), false)),
        _ => {}
    }
    ROWS.into_iter().find_map(|(first, plain, shifted)| {
        let at = |row: &str| row.chars().position(|x| x == c).map(|n| Key(first + n as u16));
        at(plain).map(|k| (k, false)).or_else(|| at(shifted).map(|k| (k, true)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_printable_character_of_ascii_has_a_key_of_its_own() {
        let mut all: Vec<(Key, bool)> = (' '..='~').map(|c| for_char(c).unwrap_or_else(|| panic!("{c}"))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 95);
        assert_eq!(for_char('é'), None);
        assert_eq!((for_char('A'), for_char('z')), (Some((Key(0x1e), true)), Some((Key(0x2c), false))));
        assert_eq!((for_char('`'), for_char('|')), (Some((Key(0x29), false)), Some((Key(0x2b), true))));
        assert_eq!(for_char('\n'), by_name("Enter").map(|k| (k, false)));
    }

    #[test]
    fn names_and_keys_are_one_to_one() {
        let mut names: Vec<&str> = NAMES.iter().flat_map(|(_, n)| n.iter().copied()).collect();
        let mut codes: Vec<u16> = NAMES.iter().map(|(c, _)| *c).collect();
        let before = (names.len(), codes.len());
        names.sort_unstable();
        names.dedup();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!((names.len(), codes.len()), before);
        assert!(NAMES.iter().all(|(c, n)| name(Key(*c)) == Some(n[0]) && by_name(n[0]) == Some(Key(*c))));
        for c in ('a'..='z').chain('0'..='9') {
            assert_eq!(by_name(&c.to_string()), for_char(c).map(|k| k.0), "{c}");
        }
    }

    #[test]
    fn chords_are_split_at_hyphens() {
        assert_eq!(chord("ctrl-Alt-del"), Ok(vec![Key(0x1d), Key(0x38), Key(0xe053)]));
        assert_eq!(chord("minus"), Ok(vec![Key(0x0c)]));
        assert!(chord("ctrl-hyper").unwrap_err().contains("`hyper`"));
        assert!(chord("").is_err());
    }
}
