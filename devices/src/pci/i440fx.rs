//! 82441FX: the host bridge of the i440FX chip set (PMC).
//!
//! Document: Intel 82441FX data sheet (290549), "CONFADD—Configuration Address Register",
//! "PAM—Programmable Attribute Map Registers", "SMRAM—System Management RAM Control Register".
//!
//! *Not modelled:* DRAM timing and row boundaries (stored only), ECC, the host bus error registers, the
//! fixed DRAM hole.

use std::ops::Range;

use ferrite_core::device::{Cx, Device, Offset, Pin, ResetKind, Width};
use ferrite_core::memory::{GuestMemory, Route};
use ferrite_core::snapshot::{LoadError, Snapshot};
use serde::{Deserialize, Serialize};

use super::config::{ConfigSpace, ConfigV1, decode_address, header};

/// CONFADD, a doubleword.
pub const CONFADD: Offset = Offset(0);
/// The processor is in system management mode.
pub const SMIACT: Pin = Pin(0);

/// PAM0, the first of seven.
const PAM: u8 = 0x59;
const SMRAM: u8 = 0x72;
/// SMRAM fields.
const DOPEN: u8 = 0x40;
const DLCK: u8 = 0x10;
const G_SMRAME: u8 = 0x08;
/// C_BASE_SEG: A0000h is the only choice.
const C_BASE_SEG: u8 = 0x02;

/// What the PAM registers steer, in nibbles from PAM0 bits 7:4 on.
const SEGMENTS: [Range<u64>; 13] = [
    0xf_0000..0x10_0000,
    0xc_0000..0xc_4000,
    0xc_4000..0xc_8000,
    0xc_8000..0xc_c000,
    0xc_c000..0xd_0000,
    0xd_0000..0xd_4000,
    0xd_4000..0xd_8000,
    0xd_8000..0xd_c000,
    0xd_c000..0xe_0000,
    0xe_0000..0xe_4000,
    0xe_4000..0xe_8000,
    0xe_8000..0xe_c000,
    0xe_c000..0xf_0000,
];
/// Not of the chip: the subsystem 1AF4:1100 tells firmware that the board has the fw_cfg device (QEMU documentation, "PCI
/// IDs for QEMU").
const SUBSYSTEM: [u8; 4] = [0xf4, 0x1a, 0x00, 0x11];
const VGA_WINDOW: Range<u64> = 0xa_0000..0xc_0000;

/// A ROM on the PCI side of the bridge: guest-physical range and where its image lies in the backing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rom {
    /// Guest-physical, page aligned.
    pub range: Range<u64>,
    /// Position in the backing.
    pub at: u64,
}

/// The bridge.
pub struct I440fx {
    config: ConfigSpace,
    confadd: u32,
    smiact: bool,
    /// What lies under the segments when they are not DRAM. The board's choice.
    roms: Vec<Rom>,
}

impl I440fx {
    /// A bridge with these ROMs below 1 MiB behind it.
    pub fn new(roms: Vec<Rom>) -> I440fx {
        let mut config = ConfigSpace::new(0x8086, 0x1237, 0x0600_0002);
        config.preset(header::COMMAND, &[0x06, 0x00, 0x80, 0x02]);
        config.writable(header::COMMAND, &[0x40, 0x01]);
        config.write_one_clears(header::STATUS, &[0x00, 0xf9]);
        config.writable(0x0d, &[0xf8]); // latency timer
        config.preset(0x2c, &SUBSYSTEM);
        config.preset(0x50, &[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00]); // PMCCFG to DRAMC, DRAMT
        config.writable(0x50, &[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff]);
        config.writable(PAM, &[0x30, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33]);
        config.writable(0x60, &[0xff; 8]); // DRB
        config.preset(SMRAM, &[C_BASE_SEG]);
        config.writable(SMRAM, &[0x78]);
        config.writable(0x90, &[0xff, 0x7f, 0xff, 0x1e]); // ERRCMD, ERRSTS, TRC
        I440fx { config, confadd: 0, smiact: false, roms }
    }

    /// RE and WE of segment `n` of [`SEGMENTS`].
    fn attributes(&self, n: usize) -> (bool, bool) {
        let pam = self.config.byte(PAM + n.div_ceil(2) as u8);
        let nibble = if n.is_multiple_of(2) { pam >> 4 } else { pam };
        (nibble & 1 != 0, nibble & 2 != 0)
    }

    fn behind(&self, at: u64) -> (Route, Route) {
        match self.roms.iter().find(|r| r.range.contains(&at)) {
            Some(rom) => (Route::Backing(rom.at + (at - rom.range.start)), Route::Nowhere),
            None => (Route::Bus, Route::Bus),
        }
    }

    /// Maps C0000 to FFFFF by the PAM registers and A0000 to BFFFF by SMRAM.
    fn map(&self, memory: &mut GuestMemory) {
        for (n, segment) in SEGMENTS.into_iter().enumerate() {
            let (re, we) = self.attributes(n);
            // A ROM may cover a part of a segment: go by pages, or whole where nothing differs.
            for page in segment.step_by(0x1000) {
                let (pci_read, pci_write) = self.behind(page);
                let read = if re { Route::Backing(page) } else { pci_read };
                let write = if we { Route::Backing(page) } else { pci_write };
                if (memory.read_route(page), memory.write_route(page)) != (read, write) {
                    memory.map(page..page + 0x1000, read, write);
                }
            }
        }
        let smram = self.config.byte(SMRAM);
        let open = smram & G_SMRAME != 0 && (smram & DOPEN != 0 || self.smiact);
        let route = if open { Route::Backing(VGA_WINDOW.start) } else { Route::Bus };
        if memory.read_route(VGA_WINDOW.start) != route {
            memory.map(VGA_WINDOW, route, route);
        }
    }

    fn write_config(&mut self, register: u8, width: Width, val: u64) {
        let before = self.config.byte(SMRAM);
        self.config.write(register, width, val);
        let after = self.config.byte(SMRAM);
        if before & DLCK != 0 {
            // Locked: DOPEN stays 0 and the rest read only until reset.
            self.config.set_byte(SMRAM, before);
        } else if after & DLCK != 0 {
            self.config.set_byte(SMRAM, after & !DOPEN);
        }
    }
}

impl Device for I440fx {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width) -> u64 {
        match (at.config(), at, width) {
            (Some((_, register)), ..) => self.config.read(register, width),
            (None, CONFADD, Width::B4) => self.confadd.into(),
            _ => {
                // Narrow accesses are not the bridge's; they find nobody on ISA.
                cx.unimplemented("440FX: narrow read of CONFADD", at);
                u64::MAX
            }
        }
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width, val: u64) {
        match (at.config(), at, width) {
            (Some((_, register)), ..) => {
                self.write_config(register, width, val);
                self.map(cx.memory_map());
            }
            (None, CONFADD, Width::B4) => {
                self.confadd = val as u32 & 0x80ff_fffc;
                cx.select_config(decode_address(self.confadd));
            }
            _ => cx.unimplemented("440FX: narrow write of CONFADD", at),
        }
    }

    fn input(&mut self, cx: &mut Cx<'_>, pin: Pin, level: bool) {
        if pin == SMIACT {
            self.smiact = level;
            self.map(cx.memory_map());
        }
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        self.config.reset();
        self.confadd = 0;
        self.smiact = false;
        cx.select_config(None);
        self.map(cx.memory_map());
    }

    fn restored(&mut self, cx: &mut Cx<'_>) {
        cx.select_config(decode_address(self.confadd));
        self.map(cx.memory_map());
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct I440fxV1 {
    config: ConfigV1,
    confadd: u32,
    smiact: bool,
}

impl Snapshot for I440fx {
    const KIND: &'static str = "i440fx";
    const VERSION: u32 = 1;
    type State = I440fxV1;

    fn save(&self) -> I440fxV1 {
        let I440fx { config, confadd, smiact, roms: _ } = self; // ROMs are the board's
        I440fxV1 { config: config.save(), confadd: *confadd, smiact: *smiact }
    }

    fn load(&mut self, s: I440fxV1) -> Result<(), LoadError> {
        let I440fxV1 { config, confadd, smiact } = s;
        if confadd & !0x80ff_fffc != 0 {
            return Err(LoadError::Invalid { field: "confadd", value: confadd.into() });
        }
        self.config.load(config)?;
        self.confadd = confadd;
        self.smiact = smiact;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    fn config(register: u8) -> Offset {
        Offset(Offset::CONFIG + u32::from(register))
    }

    fn rig() -> Rig<I440fx> {
        let mut rig = Rig::new(I440fx::new(vec![Rom { range: 0xe_0000..0x10_0000, at: 0 }]));
        // The bench has 1 MiB of RAM and no ROM backing: its first 128 KiB play the ROM.
        rig.memory.write(0, b"rom");
        rig
    }

    fn peek(rig: &Rig<I440fx>, addr: u64) -> [u8; 3] {
        let mut b = [0; 3];
        rig.memory.read(addr, &mut b);
        b
    }

    #[test]
    fn it_is_an_82441fx() {
        let mut bridge = rig();
        assert_eq!(bridge.read_wide(config(0), Width::B4), 0x1237_8086);
    }

    #[test]
    fn a_segment_is_rom_until_pam_shadows_it() {
        let mut bridge = rig();
        let at = 0xe_0000;
        assert_eq!(&peek(&bridge, at), b"rom");
        bridge.write(config(0x5e), 0x02); // writes to DRAM, reads from ROM
        bridge.memory.write(at, b"ram");
        assert_eq!(&peek(&bridge, at), b"rom");
        bridge.write(config(0x5e), 0x01); // reads from DRAM, writes to PCI
        bridge.memory.write(at, b"xxx");
        assert_eq!(&peek(&bridge, at), b"ram");
        bridge.reset(ResetKind::Hard);
        assert_eq!(&peek(&bridge, at), b"rom");
    }

    #[test]
    fn pam_0_steers_the_top_segment_only() {
        let mut bridge = rig();
        bridge.write(config(PAM), 0x30);
        assert_eq!(bridge.memory.read_route(0xf_0000), Route::Backing(0xf_0000));
        assert_eq!(bridge.memory.read_route(0xf_f000), Route::Backing(0xf_f000));
        assert_eq!(bridge.memory.read_route(0xe_f000), Route::Backing(0xf000));
        assert_eq!(bridge.memory.read_route(0xc_0000), Route::Bus);
    }

    #[test]
    fn smram_shows_itself_in_management_mode_or_when_open_until_locked() {
        let mut bridge = rig();
        let window = Route::Backing(0xa_0000);
        bridge.write(config(SMRAM), G_SMRAME);
        assert_eq!(bridge.memory.read_route(0xa_0000), Route::Bus);
        bridge.drive(SMIACT, true);
        assert_eq!(bridge.memory.read_route(0xa_0000), window);
        bridge.drive(SMIACT, false);
        bridge.write(config(SMRAM), G_SMRAME | DOPEN);
        assert_eq!(bridge.memory.read_route(0xb_f000), Route::Backing(0xb_f000));
        bridge.write(config(SMRAM), G_SMRAME | DLCK | DOPEN);
        assert_eq!(bridge.memory.read_route(0xa_0000), Route::Bus, "locking closes it");
        bridge.write(config(SMRAM), G_SMRAME | DOPEN);
        assert_eq!(bridge.read(config(SMRAM)), G_SMRAME | DLCK | C_BASE_SEG);
    }
}
