//! Reading the disc: READ(10) and (12), READ CD and READ CD MSF, and the sectors behind them.
//!
//! Document: Multi-Media Commands - 3 (T10/1363-D), "READ (10)", "READ CD", "READ CD MSF".
//!
//! *Not modelled:* C2 error pointers and sub-channel data, which are refused.

use super::atapi::{BLOCK, Cdrom, Reply, Sense};
use super::cd_sector::{self, HEADER, USER};

pub(super) fn be16(packet: &[u8], at: usize) -> u32 {
    u16::from_be_bytes([packet[at], packet[at + 1]]).into()
}

pub(super) fn be32(packet: &[u8], at: usize) -> u32 {
    be16(packet, at) << 16 | be16(packet, at + 2)
}

impl Cdrom {
    fn sectors(&mut self, lba: u32, count: u32, parts: u8) -> Result<Reply, Sense> {
        let blocks = self.ready()?;
        if lba.checked_add(count).is_none_or(|end| end > blocks) || lba >= blocks {
            return Err(Sense::OUT_OF_RANGE);
        }
        Ok(if count == 0 || parts == 0 { Reply::Done } else { Reply::Sectors { lba, count, parts } })
    }

    /// READ (10) and READ (12).
    pub(super) fn read_data(&mut self, lba: u32, count: u32) -> Result<Reply, Sense> {
        self.sectors(lba, count, USER)
    }

    /// READ CD: sector type, then the parts that are wanted.
    pub(super) fn read_cd(&mut self, packet: &[u8; 12], lba: u32, count: u32) -> Result<Reply, Sense> {
        self.ready()?;
        match packet[1] >> 2 & 7 {
            0 | 2 => {}
            1 | 3 | 4 | 5 => return Err(Sense::ILLEGAL_MODE_FOR_TRACK), // CD-DA and mode 2
            _ => return Err(Sense::INVALID_FIELD),
        }
        if packet[9] & 0x06 != 0 || packet[10] & 0x07 != 0 {
            return Err(Sense::INVALID_FIELD);
        }
        self.sectors(lba, count, packet[9] & 0xb8)
    }

    /// READ CD MSF: from the first address up to, not including, the second.
    pub(super) fn read_cd_msf(&mut self, packet: &[u8; 12]) -> Result<Reply, Sense> {
        let address = |at: usize| cd_sector::lba([packet[at], packet[at + 1], packet[at + 2]]);
        let (Some(from), Some(to)) = (address(3), address(6)) else { return Err(Sense::INVALID_FIELD) };
        let count = to.checked_sub(from).ok_or(Sense::INVALID_FIELD)?;
        self.read_cd(packet, from, count)
    }

    /// READ HEADER, of SFF-8020i: mode and address of a sector.
    pub(super) fn read_header(&mut self, packet: &[u8; 12]) -> Result<Reply, Sense> {
        let (lba, blocks) = (be32(packet, 2), self.ready()?);
        if lba >= blocks {
            return Err(Sense::OUT_OF_RANGE);
        }
        let mut answer = vec![1, 0, 0, 0];
        answer.extend(super::atapi_answers::address(lba, packet[1] & 2 != 0));
        answer.truncate(be16(packet, 7) as usize);
        Ok(Reply::Answer(answer))
    }

    /// Bytes `done` and following of these parts of the sectors from `lba` on.
    pub(super) fn fill_from_medium(&mut self, lba: u32, parts: u8, done: u64, out: &mut [u8]) -> Result<(), Sense> {
        let unit = cd_sector::len(parts).max(1);
        let mut sector = u64::from(lba) + done / unit as u64;
        let mut inside = (done % unit as u64) as usize;
        let mut out = out;
        while !out.is_empty() {
            let at = u32::try_from(sector).map_err(|_| Sense::OUT_OF_RANGE)?;
            if parts & (0xf8 & !(HEADER << 1)) == USER && inside == 0 && out.len() >= BLOCK {
                // Whole sectors of user data in one piece.
                let whole = out.len() / BLOCK;
                let (now, rest) = out.split_at_mut(whole * BLOCK);
                self.read_blocks(at, now)?;
                out = rest;
                sector += whole as u64;
                continue;
            }
            let mut user = [0; BLOCK];
            self.read_blocks(at, &mut user)?;
            let mut bytes = [0; 2352];
            cd_sector::write(parts, at, &user, &mut bytes);
            let n = out.len().min(unit - inside);
            let (now, rest) = out.split_at_mut(n);
            now.copy_from_slice(&bytes[inside..inside + n]);
            (out, inside, sector) = (rest, 0, sector + 1);
        }
        Ok(())
    }
}
