//! The packet commands of the CD-ROM drive, and what it says about itself and its disc.
//!
//! Documents: Multi-Media Commands - 3 (T10/1363-D), "Command Descriptions", "Features"; SPC-2 for INQUIRY and REQUEST SENSE;
//! SFF-8020i for what drivers of its time send.

use super::atapi::{Cdrom, MediaEvent, REQUEST_SENSE, Reply, Sense};
use super::atapi_read::{be16, be32};
use super::cd_sector::msf;

/// Sectors of the largest CD: 99:59:74. What is larger is a DVD.
const CD_LIMIT: u32 = 100 * 60 * 75 - 150;
/// Profiles of MMC-3, "Features".
const CD_ROM: u16 = 0x0008;
const DVD_ROM: u16 = 0x0010;
/// The lead-out, in tables of contents.
const LEAD_OUT: u8 = 0xaa;
/// A data track, recorded without interruption, whose position the sub-channel tells.
const DATA_TRACK: u8 = 0x14;

/// A sector's address in four bytes, as it is or in minutes, seconds and frames.
pub(super) fn address(lba: u32, as_msf: bool) -> [u8; 4] {
    if as_msf {
        let [m, s, f] = msf(lba);
        [0, m, s, f]
    } else {
        lba.to_be_bytes()
    }
}

/// An answer, cut to what the host has room for.
fn answer(mut bytes: Vec<u8>, allocation: u32) -> Result<Reply, Sense> {
    bytes.truncate(allocation as usize);
    Ok(if bytes.is_empty() { Reply::Done } else { Reply::Answer(bytes) })
}

/// Puts the number of bytes that follow into the first two.
fn with_length(mut bytes: Vec<u8>) -> Vec<u8> {
    let len = bytes.len() as u16 - 2;
    bytes[..2].copy_from_slice(&len.to_be_bytes());
    bytes
}

impl Cdrom {
    /// The number of sectors, or why nothing can be read now.
    pub(super) fn ready(&self) -> Result<u32, Sense> {
        let missing = if self.tray_open { Sense::TRAY_OPEN } else { Sense::NO_MEDIUM };
        self.blocks().filter(|b| *b != 0).ok_or(missing)
    }

    /// "Command Descriptions".
    pub(super) fn packet_command(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        // INQUIRY, REQUEST SENSE, GET CONFIGURATION and GET EVENT STATUS NOTIFICATION work under unit attention.
        if !matches!(p[0], 0x12 | REQUEST_SENSE | 0x46 | 0x4a)
            && let Some(sense) = self.attention()
        {
            return Err(sense);
        }
        match p[0] {
            0x00 => self.ready().map(|_| Reply::Done), // TEST UNIT READY
            REQUEST_SENSE => self.request_sense(p),
            0x12 => self.inquiry(p),
            0x15 => self.mode_select(p, false),
            0x55 => self.mode_select(p, true),
            0x1a => self.mode_sense(p, false),
            0x5a => self.mode_sense(p, true),
            0x1b => self.start_stop(p),
            0x1e => {
                self.locked = p[4] & 1 != 0; // PREVENT ALLOW MEDIUM REMOVAL
                Ok(Reply::Done)
            }
            0x23 => self.read_format_capacities(p),
            0x25 => {
                let last = self.ready()? - 1; // READ CAPACITY
                answer([last.to_be_bytes(), 2048u32.to_be_bytes()].concat(), 8)
            }
            0x28 => self.read_data(be32(p, 2), be16(p, 7)),
            0xa8 => self.read_data(be32(p, 2), be32(p, 6)),
            0xbe => self.read_cd(p, be32(p, 2), be32(p, 5) & 0xff_ffff),
            0xb9 => self.read_cd_msf(p),
            0x44 => self.read_header(p),
            // SEEK and VERIFY look for a place on the disc.
            0x2b | 0x2f => match self.ready()? {
                blocks if be32(p, 2) < blocks => Ok(Reply::Done),
                _ => Err(Sense::OUT_OF_RANGE),
            },
            0x42 => self.read_sub_channel(p),
            0x43 => self.read_toc(p),
            // PLAY AUDIO in its forms, SCAN, PAUSE: the only track holds data.
            0x45 | 0x47 | 0x48 | 0xa5 | 0xba | 0x4b => {
                self.ready()?;
                Err(Sense::ILLEGAL_MODE_FOR_TRACK)
            }
            0x4e | 0x35 => self.ready().map(|_| Reply::Done), // STOP PLAY, SYNCHRONIZE CACHE
            0x46 => self.get_configuration(p),
            0x4a => self.get_event(p),
            0x51 => self.read_disc_information(p),
            0x52 => self.read_track_information(p),
            0xad => self.read_dvd_structure(p),
            0xbb => Ok(Reply::Done), // SET CD SPEED: there is one
            // MECHANISM STATUS: no changer; byte 1 says that the door is open.
            0xbd => answer(vec![0, u8::from(self.tray_open) << 4, 0, 0, 0, 0, 0, 0], be16(p, 8)),
            _ => Err(Sense::INVALID_OPCODE),
        }
    }

    fn request_sense(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        let kept = std::mem::take(&mut self.sense);
        let Sense(key, code, qualifier) = if kept == Sense::NONE { self.attention().unwrap_or(kept) } else { kept };
        let mut sense = vec![0; 18];
        (sense[0], sense[2], sense[7], sense[12], sense[13]) = (0x70, key, 10, code, qualifier);
        answer(sense, p[4].into())
    }

    fn inquiry(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        if p[1] & 3 != 0 || p[2] != 0 {
            return Err(Sense::INVALID_FIELD); // no vital product data
        }
        let mut data = vec![0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0]; // CD-ROM, removable, ATAPI
        data.extend_from_slice(b"FERRITE CD-ROM          1.0 ");
        answer(data, be16(p, 3))
    }

    fn start_stop(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        // Power conditions change nothing; without LoEj, START turns the spindle.
        match (p[4] >> 4, p[4] & 3) {
            (0, 2) if self.locked => return Err(Sense::REMOVAL_PREVENTED),
            (0, 2) if !self.tray_open => self.open_tray(),
            (0, 3) => self.close_tray(),
            (0, 1) => return self.ready().map(|_| Reply::Done),
            _ => {}
        }
        Ok(Reply::Done)
    }

    fn read_format_capacities(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        // One descriptor: the current medium is formatted, or there is none.
        let (blocks, kind) = self.blocks().map_or((0, 3), |b| (b, 2));
        let mut data = vec![0, 0, 0, 8];
        data.extend(blocks.to_be_bytes());
        data.extend([kind, 0x00, 0x08, 0x00]);
        answer(data, be16(p, 7))
    }

    fn read_sub_channel(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        self.ready()?;
        let as_msf = p[1] & 2 != 0;
        let mut data = vec![0, 0x15, 0, 0]; // no audio status to return
        if p[2] & 0x40 != 0 {
            match p[3] {
                0x01 => {
                    data.extend([0x01, DATA_TRACK, 1, 1]);
                    data.extend(address(0, as_msf));
                    data.extend(address(0, as_msf));
                }
                0x02 => data.extend([&[0x02][..], &[0; 19]].concat()), // no catalogue number
                0x03 if p[6] == 1 => data.extend([&[0x03, DATA_TRACK, 1][..], &[0; 17]].concat()), // no ISRC
                _ => return Err(Sense::INVALID_FIELD),
            }
        }
        let len = data.len() as u8 - 4;
        data[3] = len;
        answer(data, be16(p, 7))
    }

    /// READ TOC/PMA/ATIP. SFF-8020i has the format in the last byte.
    fn read_toc(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        let blocks = self.ready()?;
        let (as_msf, number) = (p[1] & 2 != 0, p[6]);
        let format = if p[2] & 0xf != 0 { p[2] & 0xf } else { p[9] >> 6 };
        let mut toc = vec![0, 0, 1, 1]; // first and last track, or session
        let mut track = |n: u8, lba: u32| {
            toc.extend([0, DATA_TRACK, n, 0]);
            toc.extend(address(lba, as_msf));
        };
        match format {
            0 if number <= 1 || number == LEAD_OUT => {
                if number <= 1 {
                    track(1, 0);
                }
                track(LEAD_OUT, blocks);
            }
            1 => track(1, 0), // the first track of the last session
            2 if number <= 1 => {
                // Session, control, point; the pointers are always minutes, seconds and frames.
                let mut point = |point: u8, [m, s, f]: [u8; 3]| {
                    toc.extend([1, DATA_TRACK, 0, point, 0, 0, 0, 0, m, s, f]);
                };
                point(0xa0, [1, 0, 0]);
                point(0xa1, [1, 0, 0]);
                point(0xa2, msf(blocks));
                point(0x01, msf(0));
            }
            _ => return Err(Sense::INVALID_FIELD),
        }
        answer(with_length(toc), be16(p, 7))
    }

    /// The current profile: 0 without a medium.
    fn profile(&self) -> u16 {
        match self.blocks() {
            None => 0,
            Some(blocks) if blocks <= CD_LIMIT => CD_ROM,
            Some(_) => DVD_ROM,
        }
    }

    fn get_configuration(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        let current = self.profile();
        let cd = current == CD_ROM;
        let dvd = current == DVD_ROM;
        // Code, version, persistent, current, data.
        let core = [0, 0, 0, 2]; // physical interface: ATAPI
        let removable = [0x29, 0, 0, 0]; // tray, eject, lock
        let readable = [0, 0, 8, 0, 0, 1, 1, 0]; // 2048 bytes, blocking 1, page 01h present
        let mut profiles = Vec::new();
        for profile in [DVD_ROM, CD_ROM] {
            profiles.extend(profile.to_be_bytes());
            profiles.extend([u8::from(profile == current), 0]);
        }
        let features: [(u16, u8, bool, &[u8]); 7] = [
            (0x0000, 0x03, true, &profiles),
            (0x0001, 0x03, true, &core),
            (0x0003, 0x03, true, &removable),
            (0x0010, 0x00, cd || dvd, &readable),
            (0x001e, 0x00, cd, &[0, 0, 0, 0]),
            (0x001f, 0x00, dvd, &[]),
            (0x0100, 0x03, true, &[]), // power management
        ];
        let (kind, first) = (p[1] & 3, be16(p, 2) as u16);
        let mut data = vec![0; 6];
        data.extend(current.to_be_bytes());
        for (code, flags, is_current, body) in features {
            let wanted = match kind {
                0 => code >= first,
                1 => code >= first && is_current,
                2 => code == first,
                _ => return Err(Sense::INVALID_FIELD),
            };
            if wanted {
                data.extend(code.to_be_bytes());
                data.extend([flags & !1 | u8::from(is_current), body.len() as u8]);
                data.extend(body);
            }
        }
        let len = data.len() as u32 - 4;
        data[..4].copy_from_slice(&len.to_be_bytes());
        answer(data, be16(p, 7))
    }

    /// GET EVENT STATUS NOTIFICATION: polled, media class only.
    fn get_event(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        const MEDIA: u8 = 4;
        if p[1] & 1 == 0 {
            return Err(Sense::INVALID_FIELD); // asynchronous
        }
        let allocation = be16(p, 7);
        let mut data = vec![0, 2, 0x80, 1 << MEDIA]; // no event available
        if p[4] & 1 << MEDIA != 0 {
            // An event is over once it was sent.
            let event = if allocation > 4 { std::mem::take(&mut self.event) } else { MediaEvent::NoChange };
            let status = u8::from(self.tray_open) | u8::from(self.blocks().is_some()) << 1;
            data = vec![0, 6, MEDIA, 1 << MEDIA, event as u8, status, 0, 0];
        }
        answer(data, allocation)
    }

    fn read_disc_information(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        self.ready()?;
        let mut data = vec![0; 34];
        data[2] = 0x0e; // disc and last session complete
        data[3..7].copy_from_slice(&[1, 1, 1, 1]); // first track, sessions, first and last track of the last session
        data[7] = 0x20; // unrestricted use
        data[17..20].fill(0xff); // no further session can begin
        data[20] = 0xff;
        data[21..24].fill(0xff);
        answer(with_length(data), be16(p, 7))
    }

    fn read_track_information(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        let blocks = self.ready()?;
        // By address, or by track or session number.
        let at = be32(p, 2);
        let is_track = match p[1] & 3 {
            0 => at < blocks,
            1 | 2 => at == 1,
            _ => false,
        };
        if !is_track {
            return Err(Sense::INVALID_FIELD);
        }
        let mut data = vec![0; 28];
        (data[2], data[3], data[5], data[6]) = (1, 1, 0x04, 0x01); // track, session, data track, mode 1
        data[24..28].copy_from_slice(&blocks.to_be_bytes());
        answer(with_length(data), be16(p, 7))
    }

    /// READ DVD STRUCTURE: physical format and copyright, of a disc too large for a CD.
    fn read_dvd_structure(&mut self, p: &[u8; 12]) -> Result<Reply, Sense> {
        const FIRST: u32 = 0x3_0000; // where the data area of a DVD begins
        let blocks = self.ready()?;
        let allocation = be16(p, 8);
        if self.profile() != DVD_ROM || p[6] != 0 {
            return Err(Sense::INVALID_FIELD);
        }
        let body = match p[7] {
            0x00 => {
                // DVD-ROM, 120 mm, one layer; first and last sector.
                let mut body = vec![0; 2048];
                body[..4].copy_from_slice(&[0x01, 0x0f, 0x01, 0x00]);
                body[4..8].copy_from_slice(&FIRST.to_be_bytes());
                body[8..12].copy_from_slice(&FIRST.saturating_add(blocks - 1).to_be_bytes());
                body
            }
            0x01 => vec![0; 4], // no protection, all regions
            _ => return Err(Sense::INVALID_FIELD),
        };
        answer(with_length([vec![0; 4], body].concat()), allocation)
    }
}
