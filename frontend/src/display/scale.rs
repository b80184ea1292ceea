//! Fitting the guest's picture into a window: where it goes, and drawing it there.
//!
//! A VGA drove a monitor of 4:3 whatever its picture counted, so pixels of the old modes are not square; those of modes made
//! for square pixels are. Drawing averages: each pixel of the window takes what its area covers of the picture. By whole factors that repeats
//! pixels exactly; by others, edges are blended and nothing wobbles.

use ferrite_devices::video::frame::Frame;

/// How a picture fills a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fit {
    /// As large as the window allows, in the monitor's shape.
    #[default]
    Aspect,
    /// By whole factors only, as near to the monitor's shape as they come.
    Integer,
}

/// Where the picture goes in the window, in pixels of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// The shape of the picture on a monitor, width to height.
#[must_use]
pub fn shape(width: u32, height: u32) -> (u32, u32) {
    // Modes from 640x480 on that are neither very wide nor high were made for square pixels.
    let square = width >= 640 && height >= 480 && height * 6 <= width * 5 && width * 10 <= height * 24;
    if square { (width, height) } else { (4, 3) }
}

/// Where a picture of these columns and rows goes.
#[must_use]
pub fn place(picture: (u32, u32), window: (u32, u32), fit: Fit) -> Place {
    let ((pw, ph), (ww, wh)) = (picture, window);
    if pw == 0 || ph == 0 || ww == 0 || wh == 0 {
        return Place::default();
    }
    let (sw, sh) = shape(pw, ph);
    let (sw, sh) = (u64::from(sw), u64::from(sh));
    let by_width = (u64::from(ww) * sh / sw).max(1);
    let (mut width, mut height) =
        if by_width <= u64::from(wh) { (ww, by_width as u32) } else { (((u64::from(wh) * sw / sh).max(1)) as u32, wh) };
    // A window smaller than the picture has no whole factor.
    if fit == Fit::Integer && ww >= pw && wh >= ph {
        let (mut x, mut y) = (ww / pw, wh / ph);
        // The larger factor comes down to the nearest of the wanted shape.
        let ratio = |x: u32, y: u32| f64::from(x * pw) * sh as f64 / (f64::from(y * ph) * sw as f64);
        let off = |x: u32, y: u32| ratio(x, y).ln().abs();
        while x > 1 && off(x - 1, y) < off(x, y) {
            x -= 1;
        }
        while y > 1 && off(x, y - 1) < off(x, y) {
            y -= 1;
        }
        (width, height) = (x * pw, y * ph);
    }
    Place { x: (ww - width) / 2, y: (wh - height) / 2, width, height }
}

/// What one pixel of the target takes of a line of the source: from `first` on, in 256ths.
struct Taps {
    first: usize,
    weights: Vec<u32>,
}

/// For each of `to` pixels, what it covers of `from`.
fn taps(from: u32, to: u32) -> Vec<Taps> {
    let (from, to) = (u64::from(from), u64::from(to));
    (0..to)
        .map(|i| {
            // In units of 1/to of a source pixel.
            let (start, end) = (i * from, (i + 1) * from);
            let (first, last) = (start / to, (end - 1) / to);
            let mut weights: Vec<u32> = (first..=last)
                .map(|s| {
                    let covered = end.min((s + 1) * to) - start.max(s * to);
                    ((covered * 256 + from / 2) / from) as u32
                })
                .collect();
            // Rounding must not make the picture darker or brighter.
            let sum: u32 = weights.iter().sum();
            let largest = (0..weights.len()).max_by_key(|n| weights[*n]).unwrap_or(0);
            weights[largest] = weights[largest] + 256 - sum;
            if weights.len() > 1 && weights[largest] == 256 {
                weights = vec![256];
                return Taps { first: first as usize + largest, weights };
            }
            Taps { first: first as usize, weights }
        })
        .collect()
}

/// The weighted sum of pixels, whose weights add up to 256.
fn blend(pixels: impl Iterator<Item = (u32, u32)>) -> u32 {
    const RB: u32 = 0x00ff_00ff;
    const G: u32 = 0x0000_ff00;
    let half = (0x0080_0080_u32, 0x0000_8000_u32);
    let (rb, g) = pixels.fold(half, |(rb, g), (p, w)| (rb + (p & RB) * w, g + (p & G) * w));
    (rb >> 8) & RB | (g >> 8) & G
}

/// Draws `frame` at `at` into `out`, `0x00RRGGBB` in rows of `width`, with black around it.
pub fn draw(frame: &Frame, at: Place, out: &mut [u32], width: u32) {
    out.fill(0);
    let whole = frame.pixels.len() == frame.width as usize * frame.height as usize;
    if at.width == 0 || at.height == 0 || frame.width == 0 || !whole {
        return;
    }
    let columns = taps(frame.width, at.width);
    let rows = taps(frame.height, at.height);
    let len = at.width as usize;
    // Every row of the picture in the target's width; each is used by the rows around it.
    let mut wide = vec![0; len * frame.height as usize];
    for (line, row) in wide.chunks_exact_mut(len).zip(frame.pixels.chunks_exact(frame.width as usize)) {
        for (pixel, t) in line.iter_mut().zip(&columns) {
            *pixel = match t.weights[..] {
                [_] => row[t.first],
                _ => blend(row[t.first..].iter().copied().zip(t.weights.iter().copied())),
            };
        }
    }
    let stride = width as usize;
    for (n, t) in rows.iter().enumerate() {
        let start = (at.y as usize + n) * stride + at.x as usize;
        let Some(target) = out.get_mut(start..start + len) else { return };
        if t.weights.len() == 1 {
            target.copy_from_slice(&wide[t.first * len..][..len]);
            continue;
        }
        for (x, pixel) in target.iter_mut().enumerate() {
            *pixel = blend(t.weights.iter().enumerate().map(|(k, w)| (wide[(t.first + k) * len + x], *w)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Frame {
        Frame { width, height, pixels: (0..width * height).map(|n| (n * 0x01_0203) & 0xff_ffff).collect() }
    }

    #[test]
    fn old_modes_fill_a_monitor_and_new_ones_have_square_pixels() {
        assert_eq!(place((720, 400), (800, 800), Fit::Aspect), Place { x: 0, y: 100, width: 800, height: 600 });
        assert_eq!(place((320, 400), (640, 480), Fit::Aspect), Place { x: 0, y: 0, width: 640, height: 480 });
        assert_eq!(place((1280, 1024), (1280, 1280), Fit::Aspect), Place { x: 0, y: 128, width: 1280, height: 1024 });
        assert_eq!(place((1920, 1080), (960, 1000), Fit::Aspect), Place { x: 0, y: 230, width: 960, height: 540 });
        assert_eq!(place((720, 400), (0, 10), Fit::Aspect), Place::default());
    }

    #[test]
    fn whole_factors_come_near_the_shape() {
        let p = |w, h, ww, wh| place((w, h), (ww, wh), Fit::Integer);
        assert_eq!(p(320, 400, 700, 480), Place { x: 30, y: 40, width: 640, height: 400 });
        assert_eq!(p(640, 480, 1300, 1300), Place { x: 10, y: 170, width: 1280, height: 960 });
        assert_eq!(p(640, 400, 600, 500).width, 600, "too small for a whole factor: shrunk");
    }

    #[test]
    fn whole_factors_repeat_pixels() {
        let frame = picture(3, 2);
        let mut out = vec![9; 8 * 7];
        draw(&frame, Place { x: 1, y: 1, width: 6, height: 4 }, &mut out, 8);
        for (n, pixel) in out.iter().enumerate() {
            let (x, y) = (n % 8, n / 8);
            let inside = (1..7).contains(&x) && (1..5).contains(&y);
            let want = if inside { frame.pixels[(y - 1) / 2 * 3 + (x - 1) / 2] } else { 0 };
            assert_eq!(*pixel, want, "{x}, {y}");
        }
    }

    #[test]
    fn one_colour_stays_that_colour_at_any_size() {
        for (w, h) in [(7, 5), (13, 17), (64, 3), (1, 1)] {
            let frame = Frame { width: 10, height: 10, pixels: vec![0x12_34fe; 100] };
            let mut out = vec![0; (w * h) as usize];
            draw(&frame, Place { x: 0, y: 0, width: w, height: h }, &mut out, w);
            assert!(out.iter().all(|p| *p == 0x12_34fe), "{w} x {h}");
        }
    }

    #[test]
    fn an_edge_is_blended_where_a_pixel_covers_both_sides() {
        let frame = Frame { width: 2, height: 1, pixels: vec![0, 0xff_ffff] };
        let mut out = vec![0; 3];
        draw(&frame, Place { x: 0, y: 0, width: 3, height: 1 }, &mut out, 3);
        assert_eq!(out, [0, 0x80_8080, 0xff_ffff]);
    }
}
