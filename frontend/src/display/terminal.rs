//! `--display terminal`: the guest's screen in the user's terminal.
//!
//! Text modes are shown as text in their own colours, graphics modes as half blocks, two pixels a character. The last row is a
//! status line. Ctrl-A is the way out: then X ends the run, S takes a screenshot, A types Ctrl-A; everything else typed is the guest's.
//! A terminal tells only which character was typed, so each becomes the keys that type it on a US keyboard.

// The host's clock paces what was typed; nothing of it reaches the machine.
#![allow(clippy::disallowed_methods)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use ferrite_core::device::Key;
use ferrite_core::time::PS_PER_S;
use ferrite_devices::video::frame::{Frame, TextScreen, unicode};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Style};

use super::scale::{self, Fit};
use super::{Command, Screen, Shared, State, View, free_name};
use crate::Failure;
use crate::cli::reason;
use crate::keys;

/// Between two looks at the keyboard and at the picture.
const LOOK: Duration = Duration::from_millis(15);

/// Between two keys of what was pasted: the guest's keyboard holds 16 bytes, and its firmware 16 keys.
const PACE: Duration = Duration::from_millis(30);

/// The terminal of standard input and output.
pub struct TerminalDisplay;

impl TerminalDisplay {
    /// Looks whether there is a terminal.
    ///
    /// # Errors
    /// [`Failure::Host`] where there is none.
    pub fn open() -> Result<Self, Failure> {
        use std::io::IsTerminal;
        if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
            return Ok(Self);
        }
        let why = "standard input and output are no terminal; none would do";
        Err(Failure::Host(format!("--display terminal: {why}")))
    }
}

impl Screen for TerminalDisplay {
    fn run(self: Box<Self>, shared: &Arc<Shared>, commands: &Sender<Command>) -> Result<(), Failure> {
        let mut terminal = ratatui::try_init().map_err(|e| failure(&e))?;
        let shown = show(&mut terminal, shared, commands);
        ratatui::restore();
        shown.map_err(|e| failure(&e))
    }
}

fn failure(e: &std::io::Error) -> Failure {
    Failure::Host(format!("--display terminal: {}", reason(e)))
}

fn show(terminal: &mut ratatui::DefaultTerminal, shared: &Shared, commands: &Sender<Command>) -> std::io::Result<()> {
    let mut keyboard = Keyboard::default();
    let mut drawn = None;
    loop {
        let view = shared.view();
        if view.status.state == State::Ended {
            return Ok(());
        }
        let now = (view.version, keyboard.prefix);
        if drawn.replace(now) != Some(now) {
            draw(terminal, &view, keyboard.prefix)?;
        }
        while event::poll(if keyboard.queue.is_empty() { LOOK } else { Duration::ZERO })? {
            match event::read()? {
                Event::Key(e) if e.kind != KeyEventKind::Release => keyboard.typed(e),
                Event::Resize(..) => drawn = None,
                _ => {}
            }
            if keyboard.queue.len() < 2 {
                break;
            }
        }
        if let Some(wait) = keyboard.send_due(commands) {
            std::thread::sleep(wait.min(LOOK));
        }
    }
}

fn draw(terminal: &mut ratatui::DefaultTerminal, view: &View, prefix: bool) -> std::io::Result<()> {
    terminal.draw(|f| {
        let area = f.area();
        let screen = Rect { height: area.height.saturating_sub(1), ..area };
        let cursor = match &view.text {
            Some(text) => draw_text(text, screen, f.buffer_mut()),
            None => draw_picture(&view.frame, screen, f.buffer_mut()),
        };
        let line = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
        let style = Style::new().fg(Color::Black).bg(Color::Gray);
        f.buffer_mut().set_style(line, style);
        f.buffer_mut().set_stringn(line.x, line.y, status(view, prefix), line.width.into(), style);
        if let Some(at) = cursor {
            f.set_cursor_position(at);
        }
    })?;
    Ok(())
}

fn status(view: &View, prefix: bool) -> String {
    if prefix {
        return " Ctrl-A and then: X ends the run, S takes a screenshot, A types Ctrl-A".to_owned();
    }
    let s = &view.status;
    let state = if s.state == State::Paused { "paused".to_owned() } else { format!("{:.0} MIPS", s.mips) };
    let message = s.message.as_deref().map(|m| format!(" | {m}")).unwrap_or_default();
    format!(" Ferrite | {state} | {:.1} s | Ctrl-A X ends{message}", s.now.0 as f64 / PS_PER_S as f64)
}

fn colour(rgb: u32) -> Color {
    let [b, g, r, _] = rgb.to_le_bytes();
    Color::Rgb(r, g, b)
}

/// The part of the screen that holds the cursor, where the terminal is smaller. Gives the cursor's place.
fn draw_text(text: &TextScreen, area: Rect, out: &mut Buffer) -> Option<Position> {
    let (columns, rows) = (text.columns.min(area.width.into()), text.rows.min(area.height.into()));
    let (at_x, at_y) = text.cursor.unwrap_or((0, 0));
    let left = at_x.saturating_sub(columns.saturating_sub(1)).min(text.columns - columns);
    let top = at_y.saturating_sub(rows.saturating_sub(1)).min(text.rows - rows);
    for y in 0..rows {
        for x in 0..columns {
            let index = (top + y) * text.columns + left + x;
            let Some(cell) = text.cells.get(index as usize) else { continue };
            let style = Style::new().fg(colour(cell.foreground)).bg(colour(cell.background));
            out[(area.x + x as u16, area.y + y as u16)].set_char(unicode(cell.code)).set_style(style);
        }
    }
    let (x, y) = text.cursor?;
    let inside = (left..left + columns).contains(&x) && (top..top + rows).contains(&y);
    inside.then(|| Position::new(area.x + (x - left) as u16, area.y + (y - top) as u16))
}

/// Two pixels a character: the upper is the ink of a half block, the lower its ground.
fn draw_picture(frame: &Frame, area: Rect, out: &mut Buffer) -> Option<Position> {
    let size = (u32::from(area.width), u32::from(area.height) * 2);
    let mut pixels = vec![0; size.0 as usize * size.1 as usize];
    scale::draw(frame, scale::place((frame.width, frame.height), size, Fit::Aspect), &mut pixels, size.0);
    let width = usize::from(area.width);
    for (y, pair) in (area.y..area.bottom()).zip(pixels.chunks_exact(2 * width.max(1))) {
        for (x, (upper, lower)) in (area.x..area.right()).zip(pair[..width].iter().zip(&pair[width..])) {
            out[(x, y)].set_char('▀').set_style(Style::new().fg(colour(*upper)).bg(colour(*lower)));
        }
    }
    None
}

/// What is typed, on its way to the guest.
#[derive(Default)]
struct Keyboard {
    /// Ctrl-A was typed.
    prefix: bool,
    /// Groups of commands, each one stroke.
    queue: VecDeque<Vec<Command>>,
    last: Option<Instant>,
}

impl Keyboard {
    fn typed(&mut self, e: KeyEvent) {
        let ctrl_a = e.code == KeyCode::Char('a') && e.modifiers == KeyModifiers::CONTROL;
        if !std::mem::take(&mut self.prefix) {
            if ctrl_a {
                self.prefix = true;
            } else {
                self.stroke(e);
            }
            return;
        }
        match e.code {
            KeyCode::Char('x' | 'X') => self.queue.push_front(vec![Command::Quit]),
            KeyCode::Char('s' | 'S') => {
                self.queue.extend(free_name().map(|f| vec![Command::Screenshot(f)]));
            }
            KeyCode::Char('a' | 'A') => self.stroke(KeyEvent::new(KeyCode::Char('a'), KeyModifiers::CONTROL)),
            _ => {}
        }
    }

    fn stroke(&mut self, e: KeyEvent) {
        let Some(held) = keys_for(e) else { return };
        let down = held.iter().map(|k| Command::Key { key: *k, pressed: true });
        let up = held.iter().rev().map(|k| Command::Key { key: *k, pressed: false });
        self.queue.push_back(down.chain(up).collect());
    }

    /// Sends a stroke if it is time for one; how long until the next.
    fn send_due(&mut self, commands: &Sender<Command>) -> Option<Duration> {
        let early = self.last.and_then(|t| PACE.checked_sub(t.elapsed())).filter(|d| !d.is_zero());
        if early.is_none()
            && let Some(stroke) = self.queue.pop_front()
        {
            self.last = Some(Instant::now());
            for command in stroke {
                // A session that is over has no ears, and its end is on the way.
                let _ = commands.send(command);
            }
        }
        (!self.queue.is_empty()).then_some(early.unwrap_or(PACE))
    }
}

/// The keys that are held for what was typed, modifiers first.
fn keys_for(e: KeyEvent) -> Option<Vec<Key>> {
    const CTRL: Key = Key(0x1d);
    const ALT: Key = Key(0x38);
    let named = |name: &str| keys::by_name(name).map(|k| (k, false));
    let (key, shift) = match e.code {
        KeyCode::Char(c) => keys::for_char(c)?,
        KeyCode::Null => named("space")?, // Ctrl-Space
        KeyCode::Enter => named("enter")?,
        KeyCode::Esc => named("esc")?,
        KeyCode::Backspace => named("backspace")?,
        KeyCode::Tab => named("tab")?,
        KeyCode::BackTab => (keys::by_name("tab")?, true),
        KeyCode::Delete => named("delete")?,
        KeyCode::Insert => named("insert")?,
        KeyCode::Home => named("home")?,
        KeyCode::End => named("end")?,
        KeyCode::PageUp => named("pageup")?,
        KeyCode::PageDown => named("pagedown")?,
        KeyCode::Up => named("up")?,
        KeyCode::Down => named("down")?,
        KeyCode::Left => named("left")?,
        KeyCode::Right => named("right")?,
        KeyCode::F(n) => named(&format!("f{n}"))?,
        _ => return None,
    };
    // Shift of a character is the character's own; with other keys the terminal may tell.
    let shift = shift || !matches!(e.code, KeyCode::Char(_)) && e.modifiers.contains(KeyModifiers::SHIFT);
    let ctrl = e.code == KeyCode::Null || e.modifiers.contains(KeyModifiers::CONTROL);
    let held = [(ctrl, CTRL), (e.modifiers.contains(KeyModifiers::ALT), ALT), (shift, keys::SHIFT), (true, key)];
    Some(held.into_iter().filter(|(on, _)| *on).map(|(_, k)| k).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_devices::video::frame::Cell;

    fn names(code: KeyCode, modifiers: KeyModifiers) -> Vec<&'static str> {
        keys_for(KeyEvent::new(code, modifiers)).unwrap().into_iter().filter_map(keys::name).collect()
    }

    #[test]
    fn characters_become_the_keys_that_type_them() {
        assert_eq!(names(KeyCode::Char('a'), KeyModifiers::NONE), ["a"]);
        assert_eq!(names(KeyCode::Char('A'), KeyModifiers::SHIFT), ["shift", "a"]);
        assert_eq!(names(KeyCode::Char('c'), KeyModifiers::CONTROL), ["ctrl", "c"]);
        assert_eq!(names(KeyCode::F(12), KeyModifiers::ALT), ["alt", "f12"]);
        assert_eq!(names(KeyCode::BackTab, KeyModifiers::SHIFT), ["shift", "tab"]);
        assert_eq!(keys_for(KeyEvent::new(KeyCode::Char('é'), KeyModifiers::NONE)), None);
    }

    #[test]
    fn ctrl_a_x_ends_the_run_before_all_that_waits() {
        let mut k = Keyboard::default();
        let (tx, rx) = std::sync::mpsc::channel();
        for c in "hello".chars() {
            k.typed(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        }
        k.typed(KeyEvent::new(KeyCode::Char('a'), KeyModifiers::CONTROL));
        assert!(k.prefix);
        k.typed(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::NONE));
        k.send_due(&tx);
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), [Command::Quit]);
    }

    #[test]
    fn what_was_pasted_is_paced() {
        let mut k = Keyboard::default();
        let (tx, rx) = std::sync::mpsc::channel();
        for c in "ab".chars() {
            k.typed(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        }
        assert!(k.send_due(&tx).is_some_and(|d| d <= PACE));
        assert_eq!(rx.try_iter().count(), 2, "a key's press and release");
        k.send_due(&tx);
        assert_eq!(rx.try_iter().count(), 0, "the next one waits");
    }

    #[test]
    fn a_small_terminal_shows_the_part_with_the_cursor() {
        let cells = (0..80 * 25).map(|n| Cell { code: b'A' + (n / 80) as u8, ..Cell::default() }).collect();
        let text = TextScreen { columns: 80, rows: 25, cells, cursor: Some((3, 24)) };
        let area = Rect::new(0, 0, 10, 5);
        let mut out = Buffer::empty(area);
        assert_eq!(draw_text(&text, area, &mut out), Some(Position::new(3, 4)));
        assert_eq!((out[(0, 0)].symbol(), out[(9, 4)].symbol()), ("U", "Y"));
    }

    #[test]
    fn a_picture_is_two_pixels_a_character() {
        let frame =
            Frame { width: 4, height: 4, pixels: (0..16).map(|n| if n < 8 { 0xff_0000 } else { 0xff }).collect() };
        let area = Rect::new(0, 0, 8, 3);
        let mut out = Buffer::empty(area);
        draw_picture(&frame, area, &mut out);
        let middle = &out[(4, 1)];
        assert_eq!((middle.symbol(), middle.fg, middle.bg), ("▀", Color::Rgb(255, 0, 0), Color::Rgb(0, 0, 255)));
    }
}
