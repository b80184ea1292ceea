//! What the monitor says about itself, at the start of BAR2.
//!
//! Document: VESA Enhanced EDID Standard 1.3, "Data Format", "Detailed Timing Descriptor", "Standard Timing Identification".

/// 128 bytes: a digital monitor that prefers 1024 by 768.
pub(super) fn edid() -> [u8; 128] {
    let mut e = [0; 128];
    let mut put = |at: usize, bytes: &[u8]| e[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &[0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00]);
    // "FRT" in five bits a letter, product 1, serial number 0, week 1 of 2000, version 1.3.
    put(8, &[0x1a, 0x54, 0x01, 0x00, 0, 0, 0, 0, 1, 10, 1, 3]);
    // Digital; no size; gamma 2.2; colour, sRGB, the first detailed timing is the preferred one.
    put(20, &[0x80, 0, 0, 120, 0x0e]);
    // sRGB's primaries and white.
    put(25, &[0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54]);
    // Established: 640x480, 800x600 and 1024x768 at 60 Hz.
    put(35, &[0x21, 0x08, 0x00]);
    // Standard, all at 60 Hz: aspect 16:10, 4:3, 5:4, 16:9 in bits 7:6 of the second byte.
    let standard = [(1280, 0), (1280, 2), (1440, 0), (1600, 1), (1680, 0), (1920, 3), (1920, 0), (1152, 1)];
    for (n, (width, aspect)) in standard.into_iter().enumerate() {
        put(38 + 2 * n, &[(width / 8 - 31) as u8, aspect << 6]);
    }
    // 1024 by 768 at 60 Hz, VESA: 65 MHz; blanking 320 by 38; sync at 24 for 136 and at 3 for 6; negative.
    put(54, &[0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18, 0x88, 0x36, 0, 0, 0, 0, 0, 0, 0x18]);
    put(72, b"\0\0\0\xfc\0Ferrite\n     ");
    // Range: 50 to 85 Hz, 30 to 100 kHz, up to 330 MHz, no formula.
    put(90, &[0, 0, 0, 0xfd, 0, 50, 85, 30, 100, 33, 0, 0x0a, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20]);
    put(108, &[0, 0, 0, 0x10, 0]); // no descriptor
    e[127] = e.iter().fold(0, |sum: u8, b| sum.wrapping_sub(*b));
    e
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_zero_and_the_preferred_timing_is_1024_by_768() {
        let e = edid();
        assert_eq!(e.iter().fold(0, |sum: u8, b| sum.wrapping_add(*b)), 0);
        let twelve = |low: usize, high: usize| u32::from(e[low]) | u32::from(e[high] >> 4) << 8;
        assert_eq!((twelve(56, 58), twelve(59, 61)), (1024, 768));
    }
}
