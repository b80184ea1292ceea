//! The command bytes of the 82077AA, told apart once. Data sheet, Table 5-1 "82077AA Command Set".

use serde::{Deserialize, Serialize};

/// A data transfer command, and those others that have an execution phase on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Op {
    Read,
    ReadDeleted,
    ReadTrack,
    ReadId,
    Write,
    Verify,
    Format,
    /// SCAN: disk bytes equal to, not above, not below the host's.
    Scan(Compare),
}

/// The condition of a SCAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Compare {
    Equal,
    LowOrEqual,
    HighOrEqual,
}

impl Compare {
    /// A byte meets the condition. "An FF byte from either side" is met by everything.
    pub fn met(self, disk: u8, host: u8) -> bool {
        let meets = match self {
            Compare::Equal => disk == host,
            Compare::LowOrEqual => disk <= host,
            Compare::HighOrEqual => disk >= host,
        };
        meets || disk == 0xff || host == 0xff
    }
}

/// A command, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Transfer {
        op: Op,
        mt: bool,
        mfm: bool,
        sk: bool,
    },
    Specify,
    SenseDriveStatus,
    Recalibrate,
    SenseInterruptStatus,
    DumpReg,
    Seek,
    /// Inwards with DIR set.
    RelativeSeek {
        inwards: bool,
    },
    Version,
    Perpendicular,
    Configure,
    Lock {
        lock: bool,
    },
}

/// Upper bits that a command byte may have.
const MT: u8 = 0x80;
const MFM: u8 = 0x40;
const SK: u8 = 0x20;

impl Command {
    /// `None` for an invalid code.
    pub fn decode(byte: u8) -> Option<Command> {
        let flags = byte & (MT | MFM | SK);
        let transfer = |op, allowed: u8| {
            let (mt, mfm, sk) = (flags & MT != 0, flags & MFM != 0, flags & SK != 0);
            (flags & !allowed == 0).then_some(Command::Transfer { op, mt, mfm, sk })
        };
        let plain = |command| (flags == 0).then_some(command);
        match byte & 0x1f {
            0x02 => transfer(Op::ReadTrack, MFM | SK), // the 8272A has SK here
            0x03 => plain(Command::Specify),
            0x04 => plain(Command::SenseDriveStatus),
            // WRITE DELETED DATA differs in a mark that a raw image has no place for.
            0x05 | 0x09 => transfer(Op::Write, MT | MFM),
            0x06 => transfer(Op::Read, MT | MFM | SK),
            0x07 => plain(Command::Recalibrate),
            0x08 => plain(Command::SenseInterruptStatus),
            0x0a => transfer(Op::ReadId, MFM),
            0x0c => transfer(Op::ReadDeleted, MT | MFM | SK),
            0x0d => transfer(Op::Format, MFM),
            0x0e => plain(Command::DumpReg),
            0x0f if flags & MT != 0 && flags & SK == 0 => Some(Command::RelativeSeek { inwards: flags & MFM != 0 }),
            0x0f => plain(Command::Seek),
            0x10 => plain(Command::Version),
            0x11 => transfer(Op::Scan(Compare::Equal), MT | MFM | SK),
            0x12 => plain(Command::Perpendicular),
            0x13 => plain(Command::Configure),
            0x14 if flags & !MT == 0 => Some(Command::Lock { lock: flags != 0 }),
            0x16 => transfer(Op::Verify, MT | MFM | SK),
            0x19 => transfer(Op::Scan(Compare::LowOrEqual), MT | MFM | SK),
            0x1d => transfer(Op::Scan(Compare::HighOrEqual), MT | MFM | SK),
            _ => None,
        }
    }

    /// Bytes of the command phase, the first one among them.
    pub fn len(self) -> usize {
        match self {
            Command::Transfer { op: Op::ReadId, .. } => 2,
            Command::Transfer { op: Op::Format, .. } => 6,
            Command::Transfer { .. } => 9,
            Command::SenseInterruptStatus | Command::DumpReg | Command::Version | Command::Lock { .. } => 1,
            Command::SenseDriveStatus | Command::Recalibrate | Command::Perpendicular => 2,
            Command::Specify | Command::Seek | Command::RelativeSeek { .. } => 3,
            Command::Configure => 4,
        }
    }
}
