//! Ferrite's own firmware, as bytes: the system BIOS and the VGA BIOS.
//!
//! The images are assembled from the NASM sources beside them by `bios/assemble.sh` and kept under version control, so that
//! building Ferrite needs no assembler. Everything in them runs as guest code: the firmware behaves the same on every engine and
//! in virtual-8086 mode.
//!
//! Documents: each source names its own at its top.

/// The system BIOS: 128 KiB that appear at E0000-FFFFF and at the end of 4 GiB.
pub const BIOS: &[u8] = include_bytes!("../images/bios.bin");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_fills_two_segments() {
        assert_eq!(BIOS.len(), 0x2_0000);
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
}
