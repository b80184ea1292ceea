//! Ferrite's own firmware, as bytes: the system BIOS and the VGA BIOS.
//!
//! The images are assembled from the NASM sources beside them by `bios/assemble.sh` and kept under version control, so that
//! building Ferrite needs no assembler. Everything in them runs as guest code: the firmware behaves the same on every engine and
//! in virtual-8086 mode.
//!
//! Documents: each source names its own at its top.

/// The system BIOS: 128 KiB that appear at E0000-FFFFF and at the end of 4 GiB.
pub const BIOS: &[u8] = include_bytes!("../images/bios.bin");

/// The VGA BIOS: an option ROM, a multiple of 2 KiB, that appears at C0000.
pub const VGABIOS: &[u8] = include_bytes!("../images/vgabios.bin");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_fills_two_segments() {
        assert_eq!(BIOS.len(), 0x2_0000);
    }

    #[test]
    fn the_option_rom_says_its_length_and_adds_up_to_zero() {
        assert_eq!(VGABIOS[..2], [0x55, 0xaa]);
        assert_eq!(usize::from(VGABIOS[2]) * 512, VGABIOS.len());
        assert!(VGABIOS.len().is_multiple_of(2048) && VGABIOS.len() <= 0x1_0000);
        assert_eq!(VGABIOS.iter().fold(0u8, |sum, b| sum.wrapping_add(*b)), 0);
    }

    #[test]
    fn the_reset_vector_jumps_to_the_self_test() {
        assert_eq!(BIOS[0x1_fff0..0x1_fff5], [0xea, 0x5b, 0xe0, 0x00, 0xf0]);
        assert_eq!(BIOS[0x1_fffe], 0xfc, "the model byte of an AT");
    }

    #[test]
    fn no_table_is_to_be_found_before_the_self_test_made_it_true() {
        for signature in [&b"RSD PTR "[..], b"_SM_", b"_MP_", b"_32_", b"$PIR", b"$PnP"] {
            let found = BIOS.chunks(16).any(|line| line.starts_with(signature));
            assert!(!found, "{:?}", String::from_utf8_lossy(signature));
        }
    }

    #[test]
    fn the_option_rom_is_for_the_display_adapter() {
        let pcir = usize::from(u16::from_le_bytes([VGABIOS[0x18], VGABIOS[0x19]]));
        assert_eq!(VGABIOS[pcir..pcir + 8], *b"PCIR\x34\x12\x11\x11");
        assert_eq!(VGABIOS[pcir + 13..pcir + 16], [0x00, 0x00, 0x03], "class code");
        assert_eq!(VGABIOS[pcir + 16..pcir + 18], [VGABIOS[2], 0], "length in units of 512");
    }

    #[test]
    fn the_option_rom_says_ibm_where_programs_look_for_it() {
        assert_eq!(VGABIOS[0x1e..0x21], *b"IBM");
    }

    #[test]
    fn the_screen_test_is_a_boot_sector_that_draws_in_text() {
        let screen = include_bytes!("../images/screen.bin");
        assert_eq!(screen[3..5], [0x03, 0x00], "the mode at its fixed place");
        assert_eq!(screen[510..512], [0x55, 0xaa]);
    }
}
