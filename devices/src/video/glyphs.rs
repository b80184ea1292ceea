//! Text that was drawn: a picture is cut into cells of a font's size, and each is looked for among the font's glyphs.
//!
//! Document: IBM PS/2 and PC BIOS Interface Technical Reference, INT 10h, "Character Generator Routine" (the glyphs of graphics modes:
//! INT 43h, and INT 1Fh for the upper half of those of 8 rows).

use std::collections::BTreeMap;

use super::frame::{Cell, Frame, TextScreen};

/// Columns of pixels in a cell.
const WIDTH: usize = 8;
/// Rows of pixels in the tallest cell.
const MAX_ROWS: usize = 32;

/// Which character has a glyph. One that is all background is a blank, whatever its code.
#[derive(Debug)]
pub struct Glyphs {
    rows: usize,
    codes: BTreeMap<Vec<u8>, u8>,
}

impl Glyphs {
    /// A font of `rows` bytes a character, bit 7 leftmost, from code 0 on. Nothing for one without rows, or with more than 32.
    pub fn new(font: &[u8], rows: usize) -> Option<Glyphs> {
        if !(1..=MAX_ROWS).contains(&rows) {
            return None;
        }
        let mut codes = BTreeMap::new();
        for (code, glyph) in (0..=u8::MAX).zip(font.chunks_exact(rows)) {
            // Where two look alike, letters win over what a font repeats behind them.
            codes.entry(glyph.to_vec()).or_insert(code);
        }
        Some(Glyphs { rows, codes })
    }

    /// What is written on `frame`, on the grid of cells that begins at its top left. A cell of more than two colours, or with
    /// something else in it, is blank. Modes that show each row or column twice are seen through.
    pub fn read(&self, frame: &Frame) -> TextScreen {
        let (width, height) = (frame.width as usize, frame.height as usize);
        let pixel = |x: usize, y: usize| frame.pixels.get(y * width + x).copied().unwrap_or(0);
        let wide = width.is_multiple_of(2)
            && (0..height).all(|y| (0..width / 2).all(|x| pixel(2 * x, y) == pixel(2 * x + 1, y)));
        let tall = height.is_multiple_of(2)
            && (0..height / 2).all(|y| (0..width).all(|x| pixel(x, 2 * y) == pixel(x, 2 * y + 1)));
        let (dx, dy) = (1 + usize::from(wide), 1 + usize::from(tall));
        let (columns, rows) = (width / dx / WIDTH, height / dy / self.rows);
        let at = |row: usize, column: usize| {
            let first = pixel(column * WIDTH * dx, row * self.rows * dy);
            let mut other = None;
            let mut drawn = Vec::with_capacity(self.rows);
            for y in 0..self.rows {
                let mut bits = 0;
                for x in 0..WIDTH {
                    let p = pixel((column * WIDTH + x) * dx, (row * self.rows + y) * dy);
                    if p != first && *other.get_or_insert(p) != p {
                        return Cell::default();
                    }
                    bits = bits << 1 | u8::from(p != first);
                }
                drawn.push(bits);
            }
            let Some(other) = other else { return Cell { code: b' ', background: first, ..Cell::default() } };
            if let Some(&code) = self.codes.get(&drawn) {
                return Cell { code, foreground: other, background: first, ..Cell::default() };
            }
            drawn.iter_mut().for_each(|bits| *bits = !*bits);
            let code = self.codes.get(&drawn).copied().unwrap_or(0);
            Cell { code, foreground: first, background: other, ..Cell::default() }
        };
        let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let cells = cells.map(|(row, column)| at(row, column)).collect();
        TextScreen { columns: columns as u32, rows: rows as u32, cells, cursor: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows a character: code 1 is a dot at the top left, code 2 all but that dot, 3 a line, 4 the same line.
    const FONT: [u8; 10] = [0, 0, 0x80, 0, 0x7f, 0xfe, 0xff, 0, 0xff, 0];

    fn codes(frame: &Frame) -> Vec<u8> {
        Glyphs::new(&FONT, 2).unwrap().read(frame).cells.iter().map(|c| c.code).collect()
    }

    /// Three cells side by side, each pixel `dx` by `dy`.
    fn frame(glyphs: [[u8; 2]; 3], dx: usize, dy: usize) -> Frame {
        let (width, height) = (24 * dx, 2 * dy);
        let bit = |i: usize| glyphs[i % width / dx / 8][i / width / dy] >> (7 - i % width / dx % 8) & 1;
        let pixels = (0..width * height).map(|i| [0x11, 0xff_ffff][usize::from(bit(i))]).collect();
        Frame { width: width as u32, height: height as u32, pixels }
    }

    #[test]
    fn glyphs_are_read_in_any_two_colours_and_at_any_size() {
        for (dx, dy) in [(1, 1), (2, 1), (1, 2), (2, 2)] {
            assert_eq!(codes(&frame([[0x80, 0], [0x7f, 0xfe], [0, 0]], dx, dy)), [1, 2, b' '], "{dx} by {dy}");
        }
        let line = Glyphs::new(&FONT, 2).unwrap().read(&frame([[0xff, 0], [0, 0], [0x80, 0]], 1, 1)).cells[0];
        assert_eq!((line.code, line.foreground, line.background), (3, 0xff_ffff, 0x11));
    }

    #[test]
    fn what_is_no_glyph_is_blank() {
        assert_eq!(codes(&frame([[0x55, 0], [0xff, 0xff], [0, 0x80]], 1, 1)), [0, b' ', 0]);
        let mut coloured = frame([[0x80, 0]; 3], 1, 1);
        coloured.pixels[1] = 0x22_2222;
        assert_eq!(codes(&coloured), [0, 1, 1]);
        assert!(codes(&Frame::default()).is_empty());
        assert!(Glyphs::new(&FONT, 0).is_none() && Glyphs::new(&FONT, 33).is_none());
    }
}
