//! SET FEATURES and SMART of an ATA disk.
//!
//! Documents: AT Attachment with Packet Interface - 6 (T13/1410D), "SET FEATURES", "SMART"; SFF-8035i for the layout of SMART's
//! data and thresholds.
//!
//! *Not modelled:* acoustic management, release and service interrupts, SMART's logs; its one attribute never changes.

use super::ata::{AtaDisk, Failed, Started};
use super::interface::ABRT;
use crate::host::SECTOR;

/// What the LBA mid and high registers hold in every SMART command.
const SMART_KEY: [u8; 2] = [0x4f, 0xc2];

impl AtaDisk {
    /// "SET FEATURES": the sub-command is in the features register.
    pub(super) fn set_features(&mut self) -> Started {
        let value = self.interface.count[0];
        let s = &mut self.settings;
        match self.interface.features[0] {
            0x01 => self.interface.eight_bit = true,
            0x81 => self.interface.eight_bit = false,
            0x02 => s.write_cache = true,
            0x82 => s.write_cache = false,
            0xaa => s.look_ahead = true,
            0x55 => s.look_ahead = false,
            0x03 => match value {
                // PIO, with the default or a mode of flow control.
                0x00 | 0x01 | 0x08..=0x0c => {}
                // Single-word, multiword and Ultra DMA.
                0x10..=0x12 | 0x20..=0x22 | 0x40..=0x45 => s.dma_mode = value,
                _ => return Err(Failed(ABRT)),
            },
            0x05 if (0x01..=0xfe).contains(&value) => s.apm = Some(value),
            0x85 => s.apm = None,
            // Defaults after a soft reset: settings are always kept. The rest is of ATA-1: retries, ECC and cache segments.
            0x66 | 0xcc | 0x33 | 0x44 | 0x54 | 0x77 | 0x88 | 0x99 | 0xbb => {}
            _ => return Err(Failed(ABRT)),
        }
        self.plain()
    }

    /// "SMART": the sub-command is in the features register.
    pub(super) fn smart(&mut self) -> Started {
        let (sub, value) = (self.interface.features[0], self.interface.count[0]);
        let key = [self.interface.lba_mid[0], self.interface.lba_high[0]];
        if key != SMART_KEY || !self.settings.smart && sub != 0xd8 {
            return Err(Failed(ABRT));
        }
        match sub {
            0xd0 => return self.answer(&smart_data()),
            0xd1 => return self.answer(&smart_thresholds()),
            0xd2 if value == 0x00 || value == 0xf1 => {} // attribute autosave
            0xd3 => {}                                   // save attributes
            0xd4 if matches!(value, 0 | 1 | 2 | 0x7f) => {} // off-line tests end at once
            0xd8 => self.settings.smart = true,
            0xd9 => self.settings.smart = false,
            0xda => {} // RETURN STATUS: the key unchanged says that no threshold was exceeded
            _ => return Err(Failed(ABRT)),
        }
        self.plain()
    }
}

/// The last byte makes the sum of all of them zero.
fn with_sum(mut page: [u8; SECTOR]) -> [u8; SECTOR] {
    page[SECTOR - 1] = page[..SECTOR - 1].iter().fold(0, |sum: u8, b| sum.wrapping_sub(*b));
    page
}

/// Attribute 1, raw read error rate, is the drive's only one.
fn smart_data() -> [u8; SECTOR] {
    let mut page = [0; SECTOR];
    page[0] = 0x10; // revision
    page[2..8].copy_from_slice(&[0x01, 0x0b, 0x00, 100, 100, 0]); // id, flags, value, worst
    page[362] = 0x02; // off-line collection: completed
    page[364..366].copy_from_slice(&1u16.to_le_bytes()); // seconds that one takes
    page[367] = 0x11; // off-line capability: execute immediate, self-test
    page[368] = 0x03; // saves attributes
    page[372..374].copy_from_slice(&[1, 1]); // minutes that the self-tests take
    with_sum(page)
}

fn smart_thresholds() -> [u8; SECTOR] {
    let mut page = [0; SECTOR];
    page[0] = 0x10;
    page[2..4].copy_from_slice(&[0x01, 6]);
    with_sum(page)
}
