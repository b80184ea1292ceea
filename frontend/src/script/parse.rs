//! Reading a script.

use std::sync::Arc;

use ferrite_core::device::Key;
use ferrite_core::time::{PS_PER_S, VTime};

use super::{Action, Line, Script, Statement, Wait};
use crate::display::{Command, Mouse};
use crate::keys;

/// First words of statements, for messages.
const WORDS: &str =
    "wait, timeout, type, pace, key, press, release, mouse, screenshot, dump, insert, eject, save, serial, log, exit";

/// How long a wait lasts before it fails, unless the script says otherwise.
const TIMEOUT: VTime = VTime::s(60);

/// From one key of `type` to the next. The slowest guests look at their keyboard once in a timer tick of 55 ms, but their interrupt
/// routine keeps 15 keys, and none goes down before the one before it was read from the keyboard.
const PACE: VTime = VTime::ms(40);

/// From one key of a chord to the next.
const CHORD: VTime = VTime::ms(10);

/// For how long a chord and a mouse button are held.
const HOLD: VTime = VTime::ms(40);

/// Counts of one movement of the mouse: a packet holds 255, and drivers accelerate large ones.
const STEP: i32 = 100;

/// From one movement to the next: two samples of a mouse at its default rate of 100 a second.
const STEP_TIME: VTime = VTime::ms(20);

/// The longest movement, in counts.
const MOVE_MAX: i32 = 100_000;

/// Reads a script; `name` is that of its file.
///
/// # Errors
/// One line with file and line of the first mistake, and what would be right.
pub fn parse(name: &str, text: &str) -> Result<Script, String> {
    let mut lines = Vec::new();
    let mut parser = Parser { timeout: TIMEOUT, pace: PACE, buttons: 0 };
    for (number, raw) in (1..).zip(text.lines()) {
        let fail = |why: String| format!("{name}:{number}: {why}");
        let (words, source) = split(raw).map_err(fail)?;
        let mut words = Words { words, at: 0 };
        if words.words.is_empty() {
            continue;
        }
        let statement = parser.statement(&mut words).and_then(|s| words.end().map(|()| s)).map_err(fail)?;
        if let Some(statement) = statement {
            lines.push(Arc::new(Line { number, source, statement }));
        }
    }
    Ok(Script { name: name.to_owned(), lines })
}

/// The words of a line, with quotes and escapes resolved, and the line without its comment.
fn split(line: &str) -> Result<(Vec<String>, String), String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut end = line.len();
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if quoted => {
                quoted = false;
                words.extend(word.take());
            }
            '"' if word.is_none() => {
                quoted = true;
                word = Some(String::new());
            }
            '\\' if quoted => {
                let mut rest = chars.as_str().chars();
                let (c, len) = escape(&mut rest)?;
                word.get_or_insert_default().push(c);
                for _ in 0..len {
                    chars.next();
                }
            }
            c if quoted => word.get_or_insert_default().push(c),
            '#' if word.is_none() => {
                end = at;
                break;
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if quoted {
        return Err("the text has no closing \"".to_owned());
    }
    words.extend(word);
    Ok((words, line.get(..end).unwrap_or(line).trim().to_owned()))
}

/// The character of what follows a backslash, and how many characters that was.
fn escape(rest: &mut std::str::Chars<'_>) -> Result<(char, usize), String> {
    Ok(match rest.next() {
        Some('n') => ('\n', 1),
        Some('r') => ('\r', 1),
        Some('t') => ('\t', 1),
        Some('e') => ('\u{1b}', 1),
        Some(c @ ('"' | '\\')) => (c, 1),
        Some('x') => {
            let digits: String = rest.take(2).collect();
            match u8::from_str_radix(&digits, 16) {
                Ok(n) if digits.len() == 2 && n < 0x80 => (n.into(), 3),
                _ => return Err(format!("\\x{digits}: two digits from 00 to 7f are needed")),
            }
        }
        other => {
            let c = other.map(String::from).unwrap_or_default();
            return Err(format!("\\{c}: \\n, \\r, \\t, \\e, \\\", \\\\ and \\x00 to \\x7f are possible"));
        }
    })
}

/// The words of a line that are not yet read.
struct Words {
    words: Vec<String>,
    at: usize,
}

impl Words {
    fn next(&mut self) -> Option<&str> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    /// The next one, of which messages say that it is `what`.
    fn need(&mut self, what: &str) -> Result<&str, String> {
        self.next().ok_or_else(|| format!("{what} is needed at the end of the line"))
    }

    fn text(&mut self, what: &str) -> Result<String, String> {
        let text = self.need(what)?;
        if text.is_empty() { Err(format!("{what} is empty")) } else { Ok(text.to_owned()) }
    }

    /// Seconds as a time.
    fn seconds(&mut self) -> Result<VTime, String> {
        let word = self.need("a number of seconds")?;
        let number = word.parse().ok().filter(|s| (0.0..=1e6).contains(s));
        let seconds: f64 = number.ok_or_else(|| format!("`{word}`: seconds from 0 to 1000000 are needed"))?;
        Ok(VTime((seconds * PS_PER_S as f64) as u64))
    }

    fn integer(&mut self, what: &str, max: i32) -> Result<i32, String> {
        let word = self.need(what)?;
        let number = word.parse().ok().filter(|n: &i32| n.abs() <= max);
        number.ok_or_else(|| format!("`{word}`: {what} from -{max} to {max} is needed"))
    }

    fn end(&self) -> Result<(), String> {
        match self.words.get(self.at) {
            Some(word) => Err(format!("`{word}` is one word too many; texts with spaces need quotes")),
            None => Ok(()),
        }
    }
}

/// What later lines depend on.
struct Parser {
    timeout: VTime,
    pace: VTime,
    /// The mouse's.
    buttons: u8,
}

impl Parser {
    /// The statement of a line; none for one that only sets a default.
    fn statement(&mut self, words: &mut Words) -> Result<Option<Statement>, String> {
        let command = |c| Statement::Do(Action::Command(c));
        let word = words.need("a statement")?.to_owned();
        Ok(Some(match word.as_str() {
            "wait" => self.wait(words)?,
            "timeout" => {
                self.timeout = words.seconds()?;
                return Ok(None);
            }
            "pace" => {
                let ms = words.integer("milliseconds", 10_000)?;
                self.pace = VTime::ms(u64::try_from(ms).map_err(|_| format!("`{ms}`: from 0 to 10000 is needed"))?);
                return Ok(None);
            }
            "type" => {
                let text = words.text("a text")?;
                self.send(self.strokes(&text)?)
            }
            "key" => {
                let mut steps = chord(words.need("a key, such as enter or ctrl-alt-del,")?)?;
                while let Some(word) = words.next() {
                    steps.extend(chord(word)?);
                }
                self.send(steps)
            }
            "press" | "release" => {
                let mut steps = Vec::new();
                for key in keys::chord(words.need("a key")?)? {
                    steps.push((Command::Key { key, pressed: word == "press" }, CHORD));
                }
                self.send(steps)
            }
            "mouse" => {
                let steps = self.mouse(words)?;
                self.send(steps)
            }
            "screenshot" => command(Command::Screenshot(words.text("a file")?.into())),
            "dump" => command(Command::DumpScreen(words.text("a file")?.into())),
            "save" => command(Command::Save(words.text("a file")?.into())),
            "insert" => {
                let slot = words.need("a drive")?.parse()?;
                command(Command::Insert { slot, file: words.text("an image")?.into() })
            }
            "eject" => command(Command::Eject { slot: words.need("a drive")?.parse()? }),
            "serial" => Statement::Do(Action::Serial(words.text("a text")?.into_bytes())),
            "log" => Statement::Do(Action::Log(words.text("a text")?)),
            "exit" => Statement::Do(Action::Exit(match words.next() {
                Some(word) => word.parse().map_err(|_| format!("`{word}`: a status from 0 to 255 is needed"))?,
                None => 0,
            })),
            _ => return Err(format!("unknown word `{word}`; possible: {WORDS}")),
        }))
    }

    fn send(&self, steps: Vec<(Command, VTime)>) -> Statement {
        Statement::Send { steps, timeout: self.timeout }
    }

    fn wait(&self, words: &mut Words) -> Result<Statement, String> {
        let word = words.need("screen, gone, serial, still or time")?.to_owned();
        let what = match word.as_str() {
            "time" => return Ok(Statement::Pause(words.seconds()?)),
            "screen" => Wait::Screen(words.text("a text")?),
            "gone" => Wait::Gone(words.text("a text")?),
            "serial" => Wait::Serial(words.text("a text")?),
            "still" => Wait::Still(words.seconds()?),
            _ => return Err(format!("unknown word `{word}`; possible after wait: screen, gone, serial, still, time")),
        };
        let timeout = match words.next() {
            None => self.timeout,
            Some("timeout") => words.seconds()?,
            Some(other) => return Err(format!("unknown word `{other}`; possible here: timeout SECS")),
        };
        Ok(Statement::Wait { what, timeout })
    }

    /// The keys that type `text`.
    fn strokes(&self, text: &str) -> Result<Vec<(Command, VTime)>, String> {
        let half = VTime(self.pace.0 / 2);
        let mut steps = Vec::new();
        for c in text.chars() {
            let (key, shifted) =
                keys::for_char(c).ok_or_else(|| format!("no key of a US keyboard types `{}`", c.escape_debug()))?;
            let mut put = |key: Key, pressed: bool, then: VTime| steps.push((Command::Key { key, pressed }, then));
            if shifted {
                put(keys::SHIFT, true, VTime::ZERO);
            }
            put(key, true, half);
            put(key, false, if shifted { VTime::ZERO } else { half });
            if shifted {
                put(keys::SHIFT, false, half);
            }
        }
        Ok(steps)
    }

    fn mouse(&mut self, words: &mut Words) -> Result<Vec<(Command, VTime)>, String> {
        let word = words.need("move, button or wheel")?.to_owned();
        let mut steps = Vec::new();
        match word.as_str() {
            "move" => {
                let mut dx = words.integer("a number of counts", MOVE_MAX)?;
                let mut dy = words.integer("a number of counts", MOVE_MAX)?;
                while (dx, dy) != (0, 0) {
                    let (x, y) = (dx.clamp(-STEP, STEP), dy.clamp(-STEP, STEP));
                    (dx, dy) = (dx - x, dy - y);
                    let moved = Mouse { dx: x as i16, dy: y as i16, dz: 0, buttons: self.buttons };
                    steps.push((Command::Mouse(moved), STEP_TIME));
                }
            }
            "wheel" => {
                let n = words.integer("a number of steps", 1000)?;
                for _ in 0..n.abs() {
                    let turned = Mouse { dz: n.signum() as i8, buttons: self.buttons, ..Mouse::default() };
                    steps.push((Command::Mouse(turned), STEP_TIME));
                }
            }
            "button" => {
                let bit = match words.need("left, right or middle")? {
                    "left" => 1,
                    "right" => 2,
                    "middle" => 4,
                    other => return Err(format!("unknown word `{other}`; possible: left, right, middle")),
                };
                let action = words.need("down, up or click")?;
                let (down, up) = match action {
                    "down" => (true, false),
                    "up" => (false, true),
                    "click" => (true, true),
                    other => return Err(format!("unknown word `{other}`; possible: down, up, click")),
                };
                if down {
                    self.buttons |= bit;
                    steps.push((Command::Mouse(Mouse { buttons: self.buttons, ..Mouse::default() }), HOLD));
                }
                if up {
                    self.buttons &= !bit;
                    steps.push((Command::Mouse(Mouse { buttons: self.buttons, ..Mouse::default() }), HOLD));
                }
            }
            _ => return Err(format!("unknown word `{word}`; possible after mouse: move, button, wheel")),
        }
        Ok(steps)
    }
}

/// Keys that go down one after the other and up in the opposite order.
fn chord(text: &str) -> Result<Vec<(Command, VTime)>, String> {
    let keys = keys::chord(text)?;
    let mut steps: Vec<_> = keys.iter().map(|k| (Command::Key { key: *k, pressed: true }, CHORD)).collect();
    if let Some(last) = steps.last_mut() {
        last.1 = HOLD;
    }
    steps.extend(keys.iter().rev().map(|k| (Command::Key { key: *k, pressed: false }, CHORD)));
    if let Some(last) = steps.last_mut() {
        last.1 = HOLD;
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Slot;

    fn statements(text: &str) -> Vec<Statement> {
        parse("t", text).unwrap().lines.iter().map(|l| l.statement.clone()).collect()
    }

    fn wrong(text: &str, want: &[&str]) {
        let e = parse("t", text).unwrap_err();
        assert!(!e.contains('\n') && want.iter().all(|w| e.contains(w)), "{text}: {e}");
    }

    #[test]
    fn texts_have_quotes_and_escapes_and_a_comment_ends_a_line() {
        let s = statements("# nothing\n\n  log \"a # b\\n\\\"\\x41\" # this\nwait time 0.5\nexit\n");
        assert_eq!(
            s,
            [
                Statement::Do(Action::Log("a # b\n\"A".into())),
                Statement::Pause(VTime::ms(500)),
                Statement::Do(Action::Exit(0))
            ]
        );
        assert_eq!(parse("t", "exit 3 # why").unwrap().lines[0].source, "exit 3");
    }

    #[test]
    fn defaults_hold_for_the_lines_behind_them() {
        let s = statements("wait screen x\ntimeout 5\nwait serial y\nwait gone z timeout 7\n");
        let wait = |what, timeout| Statement::Wait { what, timeout };
        assert_eq!(
            s,
            [
                wait(Wait::Screen("x".into()), VTime::s(60)),
                wait(Wait::Serial("y".into()), VTime::s(5)),
                wait(Wait::Gone("z".into()), VTime::s(7))
            ]
        );
    }

    #[test]
    fn a_chord_is_released_in_the_opposite_order() {
        let [Statement::Send { steps, .. }] = &statements("key ctrl-alt-del")[..] else { panic!() };
        let got: Vec<_> = steps
            .iter()
            .map(|(c, _)| match c {
                Command::Key { key, pressed } => (key.0, *pressed),
                _ => panic!(),
            })
            .collect();
        let want = [(0x1d, true), (0x38, true), (0xe053, true), (0xe053, false), (0x38, false), (0x1d, false)];
        assert_eq!(got, want);
    }

    #[test]
    fn a_long_way_of_the_mouse_is_made_in_steps_with_the_buttons_held() {
        let s = statements("mouse button left down\nmouse move 250 -100\nmouse button left up\n");
        let moves = |s: &Statement| match s {
            Statement::Send { steps, .. } => steps.clone(),
            _ => panic!(),
        };
        let at = |dx, dy| Command::Mouse(Mouse { dx, dy, dz: 0, buttons: 1 });
        let got: Vec<Command> = moves(&s[1]).into_iter().map(|(c, _)| c).collect();
        assert_eq!(got, [at(100, -100), at(100, 0), at(50, 0)]);
        assert_eq!(moves(&s[2])[0].0, Command::Mouse(Mouse::default()));
    }

    #[test]
    fn drives_and_files_are_read() {
        let s = statements("insert fda \"a b.img\"\neject cdrom\n");
        let command = |c| Statement::Do(Action::Command(c));
        assert_eq!(
            s,
            [
                command(Command::Insert { slot: Slot::Floppy(0), file: "a b.img".into() }),
                command(Command::Eject { slot: Slot::Cdrom })
            ]
        );
    }

    #[test]
    fn mistakes_are_named_with_their_line_and_what_would_be_right() {
        wrong("\nwiat screen x", &["t:2: ", "unknown word `wiat`", "wait, timeout, type"]);
        wrong("wait for x", &["t:1: ", "`for`", "screen, gone, serial, still, time"]);
        wrong("wait screen", &["a text is needed"]);
        wrong("wait screen \"\"", &["a text is empty"]);
        wrong("wait screen a b", &["`b`", "timeout SECS"]);
        wrong("wait screen a timeout x", &["`x`", "seconds"]);
        wrong("wait time -1", &["`-1`", "seconds"]);
        wrong("wait time nan", &["`nan`", "seconds"]);
        wrong("type \"a", &["closing"]);
        wrong("type \"\\q\"", &["\\q", "\\n"]);
        wrong("type \"\\x8\"", &["\\x8", "two digits"]);
        wrong("type \"\\xff\"", &["\\xff", "7f"]);
        wrong("type é", &["US keyboard", "é"]);
        wrong("type a b", &["`b`", "quotes"]);
        wrong("key hyper-x", &["no key `hyper`"]);
        wrong("mouse jump", &["`jump`", "move, button, wheel"]);
        wrong("mouse move 1", &["counts"]);
        wrong("mouse button left twice", &["`twice`", "click"]);
        wrong("insert hdx file", &["no drive `hdx`", "cdrom"]);
        wrong("insert fda", &["an image is needed"]);
        wrong("exit 256", &["`256`", "0 to 255"]);
        wrong("pace -5", &["-5"]);
    }
}
