//! The guest's screen as a file, and texts on it.

use std::io::{BufWriter, Write};
use std::path::Path;

use ferrite_core::time::VTime;
use ferrite_devices::video::frame::{Frame, TextScreen, unicode};

use crate::Failure;
use crate::cli::reason;

/// What a session knows of the screen.
#[derive(Debug)]
pub struct Seen {
    /// The characters, row after row without anything between; none in a graphics mode.
    text: Option<String>,
    /// The same of what was drawn in a graphics mode.
    drawn: Option<String>,
    /// The last row that is not blank.
    last_row: String,
    /// When it last changed.
    changed: VTime,
}

impl Seen {
    /// Nothing seen at `now`.
    #[must_use]
    pub fn new(now: VTime) -> Self {
        Self { text: None, drawn: None, last_row: String::new(), changed: now }
    }

    /// The screen changed: this is on it now. A cursor that blinks or moves is no change in a text mode.
    pub fn look(&mut self, screen: Option<&TextScreen>, now: VTime) {
        let text = screen.map(characters);
        if text.is_none() || text != self.text {
            self.changed = now;
            if screen.is_some() || self.drawn.is_none() {
                self.last_row = screen.map(last_row).unwrap_or_default();
            }
        }
        self.text = text;
        // What was read in a graphics mode counts until it is read again.
        self.drawn.take_if(|_| screen.is_some());
    }

    /// The screen of a graphics mode: this was read on it.
    pub fn look_drawn(&mut self, screen: Option<&TextScreen>) {
        self.drawn = screen.map(characters);
        self.last_row = screen.map(last_row).unwrap_or_default();
    }

    /// Whether `text` is on the screen: in a row, or running on from the end of one to the next.
    #[must_use]
    pub fn shows(&self, text: &str) -> bool {
        self.text.as_ref().or(self.drawn.as_ref()).is_some_and(|t| t.contains(text))
    }

    /// When it last changed.
    #[must_use]
    pub fn changed(&self) -> VTime {
        self.changed
    }

    /// What is on it, in a few words.
    #[must_use]
    pub fn summary(&self) -> String {
        match &self.text {
            None if self.last_row.is_empty() => "the screen is in a graphics mode, or off".to_owned(),
            Some(_) if self.last_row.is_empty() => "the screen is blank".to_owned(),
            _ => format!("last on the screen: \"{}\"", self.last_row),
        }
    }
}

fn characters(screen: &TextScreen) -> String {
    screen.cells.iter().map(|c| unicode(c.code)).collect()
}

fn last_row(screen: &TextScreen) -> String {
    let shown = screen.to_text();
    shown.lines().rfind(|l| !l.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

/// Writes a picture as PNG: 8 bits for each of red, green and blue.
///
/// # Errors
/// [`Failure::Host`] naming `what` and the file.
pub fn write_png(what: &str, path: &Path, frame: &Frame) -> Result<(), Failure> {
    let fail = |why: String| Failure::Host(format!("{what} {}: {why}", path.display()));
    let bytes = png(frame).map_err(fail)?;
    std::fs::write(path, bytes).map_err(|e| fail(reason(&e)))
}

/// A picture as a PNG file. A screen without pixels is one black pixel: the format has nothing smaller.
///
/// # Errors
/// One line, should the frame be larger than the format allows.
pub fn png(frame: &Frame) -> Result<Vec<u8>, String> {
    let one = Frame::black(1, 1);
    let frame = if frame.pixels.is_empty() { &one } else { frame };
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, frame.width, frame.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let rgb: Vec<u8> = frame.pixels.iter().flat_map(|p| [(p >> 16) as u8, (p >> 8) as u8, *p as u8]).collect();
    let mut writer = encoder.write_header().map_err(|e| e.to_string())?;
    writer.write_image_data(&rgb).map_err(|e| e.to_string())?;
    writer.finish().map_err(|e| e.to_string())?;
    Ok(out)
}

/// Writes a text-mode screen as lines of text; `-` is standard output. In a graphics mode there is none: the file is empty.
///
/// # Errors
/// [`Failure::Host`] naming `what` and the file.
pub fn write_text(what: &str, path: &Path, screen: Option<&TextScreen>) -> Result<(), Failure> {
    let text = screen.map(TextScreen::to_text).unwrap_or_default();
    let written = if path == Path::new("-") {
        let mut out = BufWriter::new(std::io::stdout().lock());
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    } else {
        std::fs::write(path, text)
    };
    written.map_err(|e| Failure::Host(format!("{what} {}: {}", path.display(), reason(&e))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_devices::video::frame::Cell;

    fn screen(columns: u32, text: &str) -> TextScreen {
        let cells: Vec<Cell> = text.bytes().map(|code| Cell { code, ..Cell::default() }).collect();
        TextScreen { columns, rows: cells.len() as u32 / columns, cells, cursor: None }
    }

    #[test]
    fn a_text_is_found_in_a_row_and_across_the_end_of_one() {
        let mut seen = Seen::new(VTime::ZERO);
        assert!(!seen.shows("a"));
        seen.look(Some(&screen(4, "logiin: ")), VTime::ms(1));
        assert!(!seen.shows("login:"));
        seen.look(Some(&screen(4, "  login:    ")), VTime::ms(2));
        assert!(seen.shows("login:") && !seen.shows("login:x"));
        assert_eq!(seen.summary(), "last on the screen: \"gin:\"");
    }

    #[test]
    fn a_moving_cursor_is_no_change_but_a_graphics_mode_always_is() {
        let mut seen = Seen::new(VTime::ZERO);
        let mut s = screen(2, "ab");
        seen.look(Some(&s), VTime::ms(1));
        s.cursor = Some((1, 0));
        seen.look(Some(&s), VTime::ms(2));
        assert_eq!(seen.changed(), VTime::ms(1));
        for ms in [3, 4] {
            seen.look(None, VTime::ms(ms));
            assert_eq!(seen.changed(), VTime::ms(ms));
        }
        assert!(seen.summary().contains("graphics"));
        seen.look_drawn(Some(&s));
        assert!(seen.shows("ab") && seen.changed() == VTime::ms(4) && seen.summary().contains("\"ab\""));
        seen.look(None, VTime::ms(5));
        assert!(seen.shows("ab"), "until it is read again");
        seen.look_drawn(None);
        assert!(!seen.shows("ab"));
    }

    #[test]
    fn a_picture_comes_back_from_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        let frame = Frame { width: 2, height: 1, pixels: vec![0x0012_3456, 0x00ff_0000] };
        write_png("--screenshot", &path, &frame).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut buf = vec![0; 6];
        let info = reader.next_frame(&mut buf).unwrap();
        assert_eq!((info.width, info.height, &buf[..]), (2, 1, &[0x12, 0x34, 0x56, 0xff, 0, 0][..]));
        let e = write_png("--screenshot", dir.path(), &Frame::default()).unwrap_err();
        assert!(e.to_string().starts_with("--screenshot ") && e.status() == 4, "{e}");
    }
}
