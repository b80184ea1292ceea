//! What a display adapter shows: a picture, and in text modes the characters behind it.
//!
//! Characters are those of code page 437, the set in the ROM of the IBM PC (Technical Reference, "Of Characters,
//! Keystrokes, and Colors").

/// A picture as it leaves the adapter, before the monitor stretches it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Columns of pixels.
    pub width: u32,
    /// Rows of pixels. Rows that the adapter scans twice are here twice.
    pub height: u32,
    /// `0x00RRGGBB`, row by row from the top left: `width * height` of them.
    pub pixels: Vec<u32>,
}

impl Frame {
    /// A black picture.
    pub fn black(width: u32, height: u32) -> Frame {
        Frame { width, height, pixels: vec![0; width as usize * height as usize] }
    }
}

/// A character on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Code, in code page 437 unless the guest has loaded another font.
    pub code: u8,
    /// Attribute as the guest wrote it: bits 3:0 foreground, 6:4 background, 7 blink or bright background.
    pub attribute: u8,
    /// `0x00RRGGBB` of the foreground, through palette and DAC.
    pub foreground: u32,
    /// `0x00RRGGBB` of the background.
    pub background: u32,
}

/// A screen of characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextScreen {
    /// Characters in a row.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
    /// Row by row: `columns * rows` of them.
    pub cells: Vec<Cell>,
    /// Column and row of the cursor while it is shown (blink aside).
    pub cursor: Option<(u32, u32)>,
}

impl TextScreen {
    /// The characters as lines of Unicode text, without spaces at their ends, each closed by a line feed.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for row in self.cells.chunks(self.columns.max(1) as usize) {
            let line: String = row.iter().map(|c| unicode(c.code)).collect();
            out.push_str(line.trim_end_matches(' '));
            out.push('\n');
        }
        out
    }
}

/// Codes 0 to 31 and 127 of code page 437 as the adapter draws them.
const LOW: [char; 32] = [
    ' ', '☺', '☻', '♥', '♦', '♣', '♠', '•', '◘', '○', '◙', '♂', '♀', '♪', '♫', '☼', '►', '◄', '↕', '‼', '¶', '§', '▬',
    '↨', '↑', '↓', '→', '←', '∟', '↔', '▲', '▼',
];

const HIGH: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å', 'É', 'æ', 'Æ', 'ô', 'ö', 'ò', 'û',
    'ù', 'ÿ', 'Ö', 'Ü', '¢', '£', '¥', '₧', 'ƒ', 'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '⌐', '¬', '½', '¼', '¡',
    '«', '»', '░', '▒', '▓', '│', '┤', '╡', '╢', '╖', '╕', '╣', '║', '╗', '╝', '╜', '╛', '┐', '└', '┴', '┬', '├', '─',
    '┼', '╞', '╟', '╚', '╔', '╩', '╦', '╠', '═', '╬', '╧', '╨', '╤', '╥', '╙', '╘', '╒', '╓', '╫', '╪', '┘', '┌', '█',
    '▄', '▌', '▐', '▀', 'α', 'ß', 'Γ', 'π', 'Σ', 'σ', 'µ', 'τ', 'Φ', 'Θ', 'Ω', 'δ', '∞', 'φ', 'ε', '∩', '≡', '±', '≥',
    '≤', '⌠', '⌡', '÷', '≈', '°', '∙', '·', '√', 'ⁿ', '²', '■', ' ',
];

/// The character that code page 437 has for `code`. 0 and 255 are blank.
pub fn unicode(code: u8) -> char {
    match code {
        0..32 => LOW[usize::from(code)],
        127 => '⌂',
        128.. => HIGH[usize::from(code) - 128],
        _ => code.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_unicode() {
        let cells = b"A \xc9\xcd \0  ".map(|code| Cell { code, ..Cell::default() }).to_vec();
        let screen = TextScreen { columns: 4, rows: 2, cells, cursor: None };
        assert_eq!(screen.to_text(), "A ╔═\n\n");
    }

    #[test]
    fn the_code_page_has_every_character_once_but_the_blank() {
        let mut all: Vec<char> = (0..=255).map(unicode).collect();
        assert_eq!((all[0x7f], all[0xe1], all[0xfe]), ('⌂', 'ß', '■'));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 254, "0, 32 and 255 are blank");
    }
}
