//! MODE SENSE and MODE SELECT of the CD-ROM drive.
//!
//! Document: Multi-Media Commands - 3 (T10/1363-D), "Mode Parameters for Multi-Media Devices"; SFF-8020i for the header's medium
//! type.

use ferrite_core::snapshot::LoadError;

use super::atapi::{Cdrom, Reply, Sense};
use super::atapi_read::be16;

/// A page whose values a host can change: code and length, defaults, and which bits change.
struct Page {
    default: &'static [u8],
    changeable: &'static [u8],
}

const PAGES: [Page; 3] = [
    // Read error recovery: error recovery parameter, read retry count.
    Page {
        default: &[0x01, 0x0a, 0x00, 0x05, 0, 0, 0, 0, 0, 0, 0, 0],
        changeable: &[0, 0, 0x37, 0xff, 0, 0, 0, 0, 0, 0, 0, 0],
    },
    // CD device parameters: inactivity timer, 60 seconds a minute, 75 frames a second.
    Page { default: &[0x0d, 0x06, 0x00, 0x00, 0, 60, 0, 75], changeable: &[0, 0, 0, 0x0f, 0, 0, 0, 0] },
    // CD audio control: immediate; ports 0 and 1 give the left and right channel at full volume.
    Page {
        default: &[0x0e, 0x0e, 0x04, 0, 0, 0, 0, 75, 0x01, 0xff, 0x02, 0xff, 0, 0, 0, 0],
        changeable: &[0, 0, 0x02, 0, 0, 0, 0, 0, 0x0f, 0xff, 0x0f, 0xff, 0, 0, 0, 0],
    },
];
/// CD capabilities and mechanical status, which cannot be changed.
const CAPABILITIES: u8 = 0x2a;
const ALL_PAGES: u8 = 0x3f;

/// 7056 kB/s: 40 times the speed of audio.
const SPEED: u16 = 7056;

/// The current values of the pages that can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pages([[u8; 16]; 3]);

/// Saved form, version 1.
pub(super) type PagesV1 = [[u8; 16]; 3];

impl Default for Pages {
    fn default() -> Pages {
        Pages([0, 1, 2].map(|n: usize| {
            let mut page = [0; 16];
            page.iter_mut().zip(PAGES[n].default).for_each(|(to, from)| *to = *from);
            page
        }))
    }
}

impl Pages {
    pub fn save(&self) -> PagesV1 {
        self.0
    }

    pub fn load(&mut self, s: PagesV1) -> Result<(), LoadError> {
        for (page, values) in PAGES.iter().zip(&s) {
            let fixed =
                values.iter().zip(page.default.iter().zip(page.changeable)).any(|(v, (d, c))| (v ^ d) & !c != 0);
            if fixed || values.iter().skip(page.default.len()).any(|v| *v != 0) {
                return Err(LoadError::Invalid { field: "pages", value: values[0].into() });
            }
        }
        self.0 = s;
        Ok(())
    }
}

impl Cdrom {
    fn capabilities(&self) -> Vec<u8> {
        let [speed_high, speed_low] = SPEED.to_be_bytes();
        // Reads CD-R, CD-RW and DVD-ROM; mode 2 and several sessions; a tray that can be locked and ejected.
        let lock_state = u8::from(self.locked) << 1;
        vec![
            CAPABILITIES,
            0x14,
            0x0b,
            0x00,
            0x70,
            0x00,
            0x29 | lock_state,
            0x00,
            speed_high,
            speed_low,
            0,
            0,
            0x02,
            0x00,
            speed_high,
            speed_low,
            0,
            0,
            0,
            0,
            0,
            0,
        ]
    }

    /// MODE SENSE (6) and (10).
    pub(super) fn mode_sense(&mut self, packet: &[u8; 12], ten: bool) -> Result<Reply, Sense> {
        let (control, wanted) = (packet[2] >> 6, packet[2] & ALL_PAGES);
        if control == 3 {
            return Err(Sense::SAVING_NOT_SUPPORTED);
        }
        let mut pages = Vec::new();
        for (page, current) in PAGES.iter().zip(self.pages.save()) {
            if wanted != page.default[0] && wanted != ALL_PAGES {
                continue;
            }
            let values = match control {
                0 => &current[..page.default.len()],
                1 => page.changeable,
                _ => page.default,
            };
            pages.extend_from_slice(&page.default[..2]);
            pages.extend_from_slice(&values[2..]);
        }
        if wanted == CAPABILITIES || wanted == ALL_PAGES {
            let mut page = self.capabilities();
            if control == 1 {
                page[2..].fill(0);
            }
            pages.extend(page);
        }
        if pages.is_empty() {
            return Err(Sense::INVALID_FIELD);
        }
        // Medium type: a data disc of 120 mm, none, or the door is open.
        let medium = match self.blocks() {
            Some(_) => 0x01,
            None if self.tray_open => 0x71,
            None => 0x70,
        };
        let (header, allocation) = if ten {
            let [high, low] = (pages.len() as u16 + 6).to_be_bytes();
            (vec![high, low, medium, 0, 0, 0, 0, 0], be16(packet, 7) as usize)
        } else {
            (vec![pages.len() as u8 + 3, medium, 0, 0], packet[4].into())
        };
        let mut answer = header;
        answer.extend(pages);
        answer.truncate(allocation);
        Ok(Reply::Answer(answer))
    }

    /// MODE SELECT (6) and (10): how many parameters come.
    pub(super) fn mode_select(&mut self, packet: &[u8; 12], ten: bool) -> Result<Reply, Sense> {
        // Pages in SCSI-2's format only, and none can be saved.
        if packet[1] & 0x11 != 0x10 {
            return Err(Sense::INVALID_FIELD);
        }
        match if ten { be16(packet, 7) as usize } else { packet[4].into() } {
            0 => Ok(Reply::Done),
            len => Ok(Reply::Parameters(len)),
        }
    }

    /// The parameters of MODE SELECT have come: all are good, or none is taken.
    pub(super) fn take_parameters(&mut self, packet: &[u8; 12], list: &[u8]) -> Result<(), Sense> {
        let ten = packet[0] == 0x55;
        let header = if ten { 8 } else { 4 };
        if list.len() < header {
            return Err(Sense::PARAMETER_LIST_LENGTH);
        }
        let descriptors = if ten { be16(list, 6) as usize } else { list[3].into() };
        let mut rest = list.get(header + descriptors..).ok_or(Sense::PARAMETER_LIST_LENGTH)?;
        let mut new = self.pages.save();
        while !rest.is_empty() {
            let [code, len, ..] = rest else { return Err(Sense::PARAMETER_LIST_LENGTH) };
            let (code, whole) = (code & 0x3f, 2 + usize::from(*len));
            let values = rest.get(..whole).ok_or(Sense::PARAMETER_LIST_LENGTH)?;
            rest = &rest[whole..];
            let Some(n) = PAGES.iter().position(|p| p.default[0] == code && p.default.len() == whole) else {
                return Err(Sense::INVALID_PARAMETER);
            };
            for ((to, from), mask) in new[n].iter_mut().zip(values).zip(PAGES[n].changeable).skip(2) {
                *to = *to & !mask | from & mask;
            }
        }
        self.pages.load(new).map_err(|_| Sense::INVALID_PARAMETER)
    }
}
