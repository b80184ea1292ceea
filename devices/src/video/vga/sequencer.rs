//! Sequencer: dot clock, which planes the processor writes, where the fonts lie.
//!
//! Document: IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", "Sequencer Registers".

use super::registers::Indexed;

/// Reset. Bits 1:0: synchronous and asynchronous reset, both 1 to run.
pub(super) const RESET: u8 = 0;
/// Clocking mode.
pub(super) const CLOCKING: u8 = 1;
/// Map mask.
pub(super) const MAP_MASK: u8 = 2;
/// Character map select.
pub(super) const CHARACTER_MAP: u8 = 3;
/// Memory mode.
pub(super) const MEMORY_MODE: u8 = 4;

/// The sequencer's registers.
#[derive(Clone, Debug)]
pub(super) struct Sequencer(pub Indexed<5>);

impl Sequencer {
    pub fn new() -> Self {
        Sequencer(Indexed::new(0x07, [0x03, 0x3d, 0x0f, 0x3f, 0x0e]))
    }

    pub fn held_in_reset(&self) -> bool {
        self.0.get(RESET) != 3
    }

    /// Clocking mode, bit 0: dots in a character clock.
    pub fn dots(&self) -> u32 {
        if self.0.get(CLOCKING) & 1 != 0 { 8 } else { 9 }
    }

    /// Clocking mode, bit 3: the dot clock is the master clock divided by 2.
    pub fn half_clock(&self) -> bool {
        self.0.get(CLOCKING) & 8 != 0
    }

    /// Clocking mode, bit 5.
    pub fn screen_off(&self) -> bool {
        self.0.get(CLOCKING) & 0x20 != 0
    }

    pub fn map_mask(&self) -> u8 {
        self.0.get(MAP_MASK)
    }

    /// Memory mode, bit 2 clear: even addresses write planes 0 and 2, odd ones 1 and 3.
    pub fn odd_even(&self) -> bool {
        self.0.get(MEMORY_MODE) & 4 == 0
    }

    /// Memory mode, bit 3: the two low address bits pick the plane.
    pub fn chain_4(&self) -> bool {
        self.0.get(MEMORY_MODE) & 8 != 0
    }

    /// Where in plane 2 the character generators lie: that of characters with attribute bit 3 clear (map B), then set (map A).
    /// "Character Map Select": the third bit of each selects the odd 8 KiB.
    pub fn fonts(&self) -> [u16; 2] {
        let v = u16::from(self.0.get(CHARACTER_MAP));
        [(v & 3) << 14 | (v >> 4 & 1) << 13, (v >> 2 & 3) << 14 | (v >> 5 & 1) << 13]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_bit_of_a_character_map_is_its_odd_8_kib() {
        let mut s = Sequencer::new();
        s.0.set(CHARACTER_MAP, 0b01_0010, 0xff);
        assert_eq!(s.fonts(), [0xa000, 0], "B = 6, A = 0");
        s.0.set(CHARACTER_MAP, 0b10_1100, 0xff);
        assert_eq!(s.fonts(), [0, 0xe000], "B = 0, A = 7");
    }
}
