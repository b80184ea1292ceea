//! What can be chosen about a machine, and what is wrong with a choice.

use std::str::FromStr;

use thiserror::Error;

use crate::boot::{ONE_MIB, Ram};
use crate::host::{CharPort, FloppyDrive, IdeDrive, Null};

/// Which board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Board {
    /// i440FX, PIIX3 and PIIX4 power management, with PCI.
    #[default]
    Pc,
    /// The PC/AT: ISA only.
    IsaPc,
}

impl FromStr for Board {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "pc" => Ok(Self::Pc),
            "isapc" => Ok(Self::IsaPc),
            _ => Err("pc or isapc is needed".to_owned()),
        }
    }
}

/// What firmware may start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootDevice {
    /// `a`: the first floppy drive.
    Floppy,
    /// `c`: the first hard disk.
    Disk,
    /// `d`: the first CD-ROM drive.
    Cdrom,
    /// `n`: a boot ROM of a network card.
    Network,
}

impl BootDevice {
    /// The number that it has in CMOS registers 3Dh and 38h, as Bochs' firmware defined them.
    pub(super) const fn cmos(self) -> u8 {
        match self {
            Self::Floppy => 1,
            Self::Disk => 2,
            Self::Cdrom => 3,
            Self::Network => 4,
        }
    }
}

/// The order in which firmware tries: a word of the letters of [`BootDevice`], each at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootOrder(Vec<BootDevice>);

impl BootOrder {
    /// From first to last; what comes again is left out.
    pub fn new(devices: Vec<BootDevice>) -> Self {
        let mut order = Vec::new();
        for device in devices {
            if !order.contains(&device) {
                order.push(device);
            }
        }
        Self(order)
    }

    /// First to last.
    pub fn devices(&self) -> &[BootDevice] {
        &self.0
    }

    /// Whether `a` comes before `b`, or `b` not at all.
    pub(super) fn prefers(&self, a: BootDevice, b: BootDevice) -> bool {
        let at = |d| self.0.iter().position(|x| *x == d);
        at(a).is_some_and(|a| at(b).is_none_or(|b| a < b))
    }
}

impl Default for BootOrder {
    /// Removable first, as on the AT; the CD after the disk, so that an installed system starts with its CD inside.
    fn default() -> Self {
        Self(vec![BootDevice::Floppy, BootDevice::Disk, BootDevice::Cdrom])
    }
}

impl FromStr for BootOrder {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let error = || "letters of a (floppy), c (disk), d (CD) and n (network) are needed, each once".to_owned();
        let mut order = Vec::new();
        for letter in s.chars() {
            let device = match letter {
                'a' => BootDevice::Floppy,
                'c' => BootDevice::Disk,
                'd' => BootDevice::Cdrom,
                'n' => BootDevice::Network,
                _ => return Err(error()),
            };
            if order.contains(&device) {
                return Err(error());
            }
            order.push(device);
        }
        if order.is_empty() { Err(error()) } else { Ok(Self(order)) }
    }
}

/// What can be chosen about a machine.
pub struct PcConfig {
    /// Which board.
    pub kind: Board,
    /// RAM, at least 1 MiB below the PCI hole, whole MiB.
    pub ram: Ram,
    /// Address lines of the processor, 20, 24 or from 32 on: where it looks for the reset vector.
    pub address_lines: u8,
    /// The processor has a coprocessor, inside or beside it.
    pub coprocessor: bool,
    /// COM1 to COM4; `None` leaves the port out.
    pub serial: [Option<Box<dyn CharPort>>; 4],
    /// How many times faster than their baud rate serial characters travel; 1 is the chip.
    pub serial_speedup: u32,
    /// The printer at LPT1; `None` leaves nothing plugged in.
    pub parallel: Option<Box<dyn CharPort>>,
    /// hda to hdd: primary master and slave, secondary master and slave.
    pub ide: [Option<IdeDrive>; 4],
    /// fda and fdb.
    pub floppies: [Option<FloppyDrive>; 2],
    /// What firmware starts from.
    pub boot_order: BootOrder,
    /// Where bytes of port E9h go; `None` leaves the port out.
    pub debugcon: Option<Box<dyn CharPort>>,
    /// Where bytes of port 402h go, which SeaBIOS and Bochs' firmware log to; `None` leaves the port out.
    pub firmware_log: Option<Box<dyn CharPort>>,
    /// A write to port F4h ends the run.
    pub debug_exit: bool,
    /// The real-time clock at power-on, in seconds since 1970.
    pub start_time: u64,
    /// Firmware image, whole pages, at most 16 MiB.
    pub bios: Option<Vec<u8>>,
    /// A VGA adapter.
    pub vga: bool,
    /// Its option ROM: 55h AAh, at most 64 KiB.
    pub vgabios: Option<Vec<u8>>,
}

impl Default for PcConfig {
    fn default() -> Self {
        PcConfig {
            kind: Board::Pc,
            ram: Ram { low: 128 << 20, high: 0 },
            address_lines: 32,
            coprocessor: true,
            serial: [Some(Box::new(Null)), None, None, None],
            serial_speedup: 1,
            parallel: None,
            ide: [None, None, None, None],
            floppies: [None, None],
            boot_order: BootOrder::default(),
            debugcon: None,
            firmware_log: None,
            debug_exit: false,
            start_time: 946_684_800, // 2000-01-01: any fixed date keeps runs alike
            bios: None,
            vga: true,
            vgabios: None,
        }
    }
}

/// Why a machine cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// RAM is too small, too large, or ends inside a MiB.
    #[error(
        "memory of {low} bytes below the PCI hole and {high} above 4 GiB: whole MiB are possible, \
             from 1 MiB to {max_low} bytes below and up to {max_high} above"
    )]
    Ram {
        /// Below the hole.
        low: u64,
        /// From 4 GiB.
        high: u64,
        /// Most that the board takes below the hole.
        max_low: u64,
        /// Most that it takes above 4 GiB.
        max_high: u64,
    },
    /// The firmware image has an impossible size.
    #[error("firmware of {0} bytes: a multiple of 4096, at most 16 MiB, is possible")]
    Bios(usize),
    /// The option ROM has an impossible size.
    #[error("option ROM of {0} bytes: a multiple of 512, at most 65536, is possible")]
    VgaBiosSize(usize),
    /// The option ROM has no signature.
    #[error("option ROM begins with {0:02x} {1:02x}: 55 aa is needed")]
    VgaBiosSignature(u8, u8),
    /// The option ROM is cut off.
    #[error("option ROM of {have} bytes: its length byte says {need}")]
    VgaBiosLength {
        /// As the third byte says.
        need: usize,
        /// As it is.
        have: usize,
    },
}

/// Where RAM below 4 GiB ends at the latest: PCI and the firmware have the rest.
pub const MAX_LOW: u64 = 0xf000_0000;
/// Most RAM from 4 GiB on.
pub const MAX_HIGH: u64 = 60 << 30;
/// Most firmware: what lies below 4 GiB without running into the chip set's own addresses.
const MAX_BIOS: usize = 16 << 20;
/// What C0000-CFFFF can show of an option ROM.
const MAX_VGABIOS: usize = 0x1_0000;

impl PcConfig {
    /// # Errors
    /// When the board cannot have what is asked for.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Ram { low, high } = self.ram;
        let whole = low.is_multiple_of(ONE_MIB) && high.is_multiple_of(ONE_MIB);
        let (max_low, max_high) = match (self.kind, self.address_lines) {
            (_, ..32) => (16 * ONE_MIB, 0),
            (Board::IsaPc, _) => (MAX_LOW, 0),
            (Board::Pc, _) => (MAX_LOW, MAX_HIGH),
        };
        if !whole || !(ONE_MIB..=max_low).contains(&low) || high > max_high {
            return Err(ConfigError::Ram { low, high, max_low, max_high });
        }
        if let Some(image) = &self.bios
            && (image.is_empty() || !image.len().is_multiple_of(4096) || image.len() > MAX_BIOS)
        {
            return Err(ConfigError::Bios(image.len()));
        }
        match &self.vgabios {
            Some(image) => check_option_rom(image),
            None => Ok(()),
        }
    }
}

/// PC/AT Technical Reference, "Adapter ROM": 55h, AAh, length in units of 512 bytes.
fn check_option_rom(image: &[u8]) -> Result<(), ConfigError> {
    if image.is_empty() || !image.len().is_multiple_of(512) || image.len() > MAX_VGABIOS {
        return Err(ConfigError::VgaBiosSize(image.len()));
    }
    let &[first, second, blocks, ..] = image else { return Err(ConfigError::VgaBiosSize(image.len())) };
    if (first, second) != (0x55, 0xaa) {
        return Err(ConfigError::VgaBiosSignature(first, second));
    }
    let need = usize::from(blocks) * 512;
    if need > image.len() { Err(ConfigError::VgaBiosLength { need, have: image.len() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_order_is_a_word_of_letters() {
        use BootDevice::*;
        assert_eq!("dca".parse::<BootOrder>().unwrap().devices(), [Cdrom, Disk, Floppy]);
        for bad in ["", "x", "aa", "a,c"] {
            assert!(bad.parse::<BootOrder>().is_err(), "{bad}");
        }
        let order = BootOrder::default();
        assert!(order.prefers(Floppy, Disk) && !order.prefers(Cdrom, Disk) && order.prefers(Cdrom, Network));
    }

    #[test]
    fn an_option_rom_is_looked_at_before_it_is_used() {
        let with = |image: Vec<u8>| PcConfig { vgabios: Some(image), ..PcConfig::default() }.check();
        let mut rom = vec![0; 1024];
        rom[..3].copy_from_slice(&[0x55, 0xaa, 2]);
        assert_eq!(with(rom.clone()), Ok(()));
        rom[2] = 3;
        assert_eq!(with(rom.clone()), Err(ConfigError::VgaBiosLength { need: 1536, have: 1024 }));
        rom[0] = 0;
        assert_eq!(with(rom), Err(ConfigError::VgaBiosSignature(0, 0xaa)));
        for bad in [0, 100, 0x1_0200] {
            assert_eq!(with(vec![0x55; bad]), Err(ConfigError::VgaBiosSize(bad)));
        }
    }

    #[test]
    fn a_processor_with_24_address_lines_has_16_mib_at_most() {
        let of = |address_lines, mib: u64| {
            PcConfig { address_lines, ram: Ram { low: mib << 20, high: 0 }, ..PcConfig::default() }.check().is_ok()
        };
        assert!(of(24, 16) && !of(24, 17) && of(32, 17));
    }
}
