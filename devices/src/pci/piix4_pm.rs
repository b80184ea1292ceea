//! 82371AB (PIIX4), function 3: power management, with the ACPI PM1 registers and the APM ports.
//!
//! Documents: Intel 82371AB data sheet (290562), "Power Management PCI Configuration Registers",
//! "Power Management I/O Space Registers"; Advanced Configuration and Power Interface Specification,
//! "PM1 Control Registers".
//!
//! *Not modelled:* the SMBus host, device monitors and their traps, sleep states other than soft off,
//! processor clock control.

use ferrite_core::bus::Space;
use ferrite_core::device::{Cx, Device, Event, Offset, Pin, ResetKind, Stop, Width};
use ferrite_core::snapshot::{LoadError, Snapshot};
use ferrite_core::time::VTime;
use serde::{Deserialize, Serialize};

use super::config::{ConfigSpace, ConfigV1, header};
use crate::timer::acpi_pm::TimerWidth;

/// APMC, the command port; APMS, the status port, follows.
pub const APM: Offset = Offset(0);
/// Where the I/O space begins in the device's offsets; the guest moves it with PMBA.
const IO: u32 = 0x100;
const IO_LEN: u32 = 64;

/// System control interrupt, a level.
pub const SCI: Pin = Pin(0);
/// System management interrupt.
pub const SMI: Pin = Pin(1);
/// Power button, an input.
pub const PWRBTN: Pin = Pin(0);

const OVERFLOW: Event = Event(0);
const WIDTH: TimerWidth = TimerWidth::Bits24;

/// Configuration: PMBA, DEVACTB and PMREGMISC.
const PMBA: u8 = 0x40;
const DEVACTB: u8 = 0x58;
const PMREGMISC: u8 = 0x80;
/// DEVACTB: a write to APMC may make an SMI.
const APMC_EN: u32 = 1 << 25;

/// PMSTS and PMEN.
const TMROF: u16 = 1 << 0;
const GBL: u16 = 1 << 5;
const PWRBTN_BIT: u16 = 1 << 8;
const RTC: u16 = 1 << 10;
/// Status only: the system woke.
const RSM: u16 = 1 << 15;
const ENABLES: u16 = TMROF | GBL | PWRBTN_BIT | RTC;
/// PMCNTRL.
const SCI_EN: u16 = 1 << 0;
/// Commands that change between legacy and ACPI mode. On a board they are words between firmware's tables (FADT, ACPI_ENABLE and
/// ACPI_DISABLE) and its own SMI handler. SeaBIOS names these two and leaves their doing to the machine.
const ACPI_ENABLE: u8 = 0xf1;
const ACPI_DISABLE: u8 = 0xf0;
const SUS_EN: u16 = 1 << 13;
const CNTRL_MASK: u16 = 0x1c03;
/// GLBSTS: APM_STS.
const APM_STS: u16 = 1 << 5;

/// I/O space offsets.
const PMSTS: u32 = 0x00;
const PMEN: u32 = 0x02;
const PMCNTRL: u32 = 0x04;
const PMTMR: u32 = 0x08;
const GPEN: u32 = 0x0e;
const GLBSTS: u32 = 0x18;
const GLBCTL: u32 = 0x28;
const GPO: u32 = 0x34;

/// The function.
pub struct Piix4Pm {
    config: ConfigSpace,
    regs: Regs,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    status: u16,
    enable: u16,
    control: u16,
    gp_enable: u16,
    global_status: u16,
    global_control: u32,
    outputs: u32,
    apmc: u8,
    apms: u8,
    button: bool,
    /// Changes of the timer's top bit that PMSTS has taken note of.
    toggles: u64,
}

impl Default for Piix4Pm {
    fn default() -> Self {
        Piix4Pm::new()
    }
}

impl Piix4Pm {
    /// The function after reset: its I/O space is off.
    pub fn new() -> Piix4Pm {
        let mut config = ConfigSpace::new(0x8086, 0x7113, 0x0680_0003);
        config.preset(header::STATUS, &[0x80, 0x02]);
        config.writable(header::COMMAND, &[0x01]);
        config.preset(header::INTERRUPT_PIN, &[1]);
        config.writable(header::INTERRUPT_LINE, &[0xff]);
        config.preset(PMBA, &[0x01]);
        config.writable(PMBA, &[0xc0, 0xff]);
        config.writable(0x44, &[0xff; 0x28]); // CNTA to DEVRESJ
        config.writable(PMREGMISC, &[0x01]);
        config.preset(0x90, &[0x01]); // SMBBA
        config.writable(0x90, &[0xf0, 0xff]);
        config.writable(0xd2, &[0x0f, 0xff, 0xff, 0xff]); // SMBHSTCFG on
        Piix4Pm { config, regs: Regs { global_control: 0, outputs: 0x7fff_bfff, ..Regs::default() } }
    }

    fn place(&self, cx: &mut Cx<'_>) {
        let base = u64::from(self.config.dword(PMBA) & 0xffc0);
        let on = self.config.byte(PMREGMISC) & 1 != 0 && base != 0;
        cx.map(Space::Port, Offset(IO), on.then_some(base), IO_LEN.into(), Width::B4);
    }

    fn note_overflow(&mut self, now: VTime) {
        let toggles = WIDTH.toggles(now);
        if toggles > self.regs.toggles {
            self.regs.status |= TMROF;
        }
        self.regs.toggles = toggles;
    }

    fn update(&mut self, cx: &mut Cx<'_>) {
        let r = &self.regs;
        cx.set(SCI, r.control & SCI_EN != 0 && r.status & r.enable & ENABLES != 0);
        if r.enable & TMROF != 0 && r.status & TMROF == 0 {
            cx.at(WIDTH.toggle(r.toggles + 1), OVERFLOW);
        } else {
            cx.cancel(OVERFLOW);
        }
    }

    /// The register word or doubleword byte by byte, so that any width works.
    fn io_byte(&self, cx: &Cx<'_>, at: u32) -> u8 {
        let r = &self.regs;
        let (value, base) = match at {
            PMSTS..PMEN => (r.status.into(), PMSTS),
            PMEN..PMCNTRL => (r.enable.into(), PMEN),
            PMCNTRL..0x06 => (r.control.into(), PMCNTRL),
            PMTMR..0x0c => (WIDTH.value(cx.now()), PMTMR),
            GPEN..0x10 => (r.gp_enable.into(), GPEN),
            GLBSTS..0x1a => (r.global_status.into(), GLBSTS),
            GLBCTL..0x2c => (r.global_control, GLBCTL),
            GPO..0x38 => (r.outputs, GPO),
            _ => (0, at),
        };
        (value >> (8 * (at - base))) as u8
    }

    fn write_io_byte(&mut self, cx: &mut Cx<'_>, at: u32, val: u8) {
        let r = &mut self.regs;
        let put16 = |old: u16, base: u32| {
            let shift = 8 * (at - base);
            old & !(0xff << shift) | u16::from(val) << shift
        };
        let put32 = |old: u32, base: u32| {
            let shift = 8 * (at - base);
            old & !(0xff << shift) | u32::from(val) << shift
        };
        match at {
            PMSTS..PMEN => r.status &= !put16(0, PMSTS), // write one to clear
            PMEN..PMCNTRL => r.enable = put16(r.enable, PMEN) & ENABLES,
            PMCNTRL..0x06 => {
                let control = put16(r.control, PMCNTRL);
                r.control = control & CNTRL_MASK;
                if control & SUS_EN != 0 {
                    self.sleep(cx);
                }
            }
            GPEN..0x10 => r.gp_enable = put16(r.gp_enable, GPEN),
            GLBSTS..0x1a => r.global_status &= !put16(0, GLBSTS),
            GLBCTL..0x2c => r.global_control = put32(r.global_control, GLBCTL),
            GPO..0x38 => r.outputs = put32(r.outputs, GPO),
            _ => {} // status of things that are not here, and reserved
        }
    }

    /// SUS_EN was written: "PMCNTRL", SUS_TYP.
    fn sleep(&mut self, cx: &mut Cx<'_>) {
        match self.regs.control >> 10 & 7 {
            0 => cx.stop(Stop::PowerOff),
            _ => {
                // Woken at once: the state is entered and left in no time.
                cx.unimplemented("PIIX4: suspend to RAM or power on suspend", Offset(IO + PMCNTRL));
                self.regs.status |= RSM;
            }
        }
    }

    fn apm_command(&mut self, cx: &mut Cx<'_>, val: u8) {
        self.regs.apmc = val;
        match val {
            ACPI_ENABLE => self.regs.control |= SCI_EN,
            ACPI_DISABLE => self.regs.control &= !SCI_EN,
            _ => {}
        }
        // The data sheet has SMI_EN of GLBCTL as a second condition. Bochs' firmware, written for boards that do without,
        // never sets it and would wait for its first SMI for good.
        if self.config.dword(DEVACTB) & APMC_EN != 0 {
            self.regs.global_status |= APM_STS;
            cx.set(SMI, true);
            cx.set(SMI, false);
        }
    }
}

impl Device for Piix4Pm {
    fn read(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width) -> u64 {
        if let Some((_, register)) = at.config() {
            return self.config.read(register, width);
        }
        if at.0 >= IO {
            self.note_overflow(cx.now());
            self.update(cx);
        }
        (0..width.bytes()).rev().fold(0, |v, i| {
            let byte = match at.0.wrapping_add(i) {
                0 => self.regs.apmc,
                1 => self.regs.apms,
                io @ IO.. => self.io_byte(cx, io - IO),
                _ => 0xff,
            };
            v << 8 | u64::from(byte)
        })
    }

    fn write(&mut self, cx: &mut Cx<'_>, at: Offset, width: Width, val: u64) {
        if let Some((_, register)) = at.config() {
            self.config.write(register, width, val);
            self.place(cx);
            return;
        }
        self.note_overflow(cx.now());
        for i in 0..width.bytes() {
            let byte = (val >> (8 * i)) as u8;
            match at.0.wrapping_add(i) {
                0 => self.apm_command(cx, byte),
                1 => self.regs.apms = byte,
                io @ IO.. => self.write_io_byte(cx, io - IO, byte),
                _ => {}
            }
        }
        self.update(cx);
    }

    fn input(&mut self, cx: &mut Cx<'_>, pin: Pin, level: bool) {
        if pin == PWRBTN {
            if level && !self.regs.button {
                self.regs.status |= PWRBTN_BIT;
            }
            self.regs.button = level;
            self.update(cx);
        }
    }

    fn event(&mut self, cx: &mut Cx<'_>, _: Event) {
        self.note_overflow(cx.now());
        self.update(cx);
    }

    fn reset(&mut self, cx: &mut Cx<'_>, _: ResetKind) {
        let button = self.regs.button;
        *self = Piix4Pm::new();
        self.regs.button = button;
        self.regs.toggles = WIDTH.toggles(cx.now());
        cx.set(SMI, false);
        self.place(cx);
        self.update(cx);
    }

    fn restored(&mut self, cx: &mut Cx<'_>) {
        self.place(cx);
    }
}

/// Saved form, version 1.
#[derive(Serialize, Deserialize)]
pub struct Piix4PmV1 {
    config: ConfigV1,
    regs: Regs,
}

impl Snapshot for Piix4Pm {
    const KIND: &'static str = "piix4-pm";
    const VERSION: u32 = 1;
    type State = Piix4PmV1;

    fn save(&self) -> Piix4PmV1 {
        let Piix4Pm { config, regs } = self;
        Piix4PmV1 { config: config.save(), regs: regs.clone() }
    }

    fn load(&mut self, s: Piix4PmV1) -> Result<(), LoadError> {
        let Piix4PmV1 { config, regs } = s;
        if regs.toggles > WIDTH.toggles(VTime::MAX) {
            return Err(LoadError::Invalid { field: "toggles", value: regs.toggles });
        }
        self.config.load(config)?;
        self.regs = regs;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::rig::Rig;

    fn io(at: u32) -> Offset {
        Offset(IO + at)
    }

    fn config(register: u8) -> Offset {
        Offset(Offset::CONFIG + 0x300 + u32::from(register))
    }

    #[test]
    fn soft_off_ends_the_run() {
        let mut pm = Rig::new(Piix4Pm::new());
        pm.write_wide(io(PMCNTRL), Width::B2, 0x0001);
        assert_eq!(pm.stop, None);
        pm.write_wide(io(PMCNTRL), Width::B2, 0x2001);
        assert_eq!(pm.stop, Some(Stop::PowerOff));
        assert_eq!(pm.read_wide(io(PMCNTRL), Width::B2), 1, "SUS_EN reads 0");
    }

    #[test]
    fn the_timer_overflow_raises_sci_once_it_is_enabled() {
        let mut pm = Rig::new(Piix4Pm::new());
        pm.write_wide(io(PMCNTRL), Width::B2, 1);
        pm.write_wide(io(PMEN), Width::B2, TMROF.into());
        pm.pass(VTime::s(2));
        assert!(!pm.level(SCI));
        pm.pass(VTime::s(1));
        assert!(pm.level(SCI), "bit 23 changed after 2.34 s");
        pm.write_wide(io(PMSTS), Width::B2, TMROF.into());
        assert!(!pm.level(SCI));
        pm.pass(VTime::s(2));
        assert!(pm.level(SCI), "and again after 4.69 s");
    }

    #[test]
    fn the_timer_counts_in_24_bits_and_reads_in_any_width() {
        let mut pm = Rig::new(Piix4Pm::new());
        pm.pass(VTime::s(1));
        assert_eq!(pm.read_wide(io(PMTMR), Width::B4), 3_579_545);
        assert_eq!(pm.read(io(PMTMR + 2)), (3_579_545 >> 16) as u8);
    }

    #[test]
    fn the_power_button_raises_sci() {
        let mut pm = Rig::new(Piix4Pm::new());
        pm.write_wide(io(PMSTS), Width::B4, u64::from(PWRBTN_BIT) << 16);
        pm.write_wide(io(PMCNTRL), Width::B2, 1);
        pm.drive(PWRBTN, true);
        assert!(pm.level(SCI));
        pm.drive(PWRBTN, false);
        assert!(pm.level(SCI), "the status bit holds it");
    }

    #[test]
    fn two_commands_change_between_legacy_and_acpi_mode() {
        let mut pm = Rig::new(Piix4Pm::new());
        pm.write(APM, ACPI_ENABLE);
        assert_eq!(pm.read_wide(io(PMCNTRL), Width::B2) & 1, 1);
        pm.write(APM, ACPI_DISABLE);
        assert_eq!(pm.read_wide(io(PMCNTRL), Width::B2) & 1, 0);
    }

    #[test]
    fn an_apm_command_makes_an_smi_when_it_is_enabled() {
        let mut pm = Rig::new(Piix4Pm::new());
        pm.write(APM, 0x12);
        assert_eq!(pm.take_rises(SMI), 0);
        pm.write_wide(config(DEVACTB), Width::B4, APMC_EN.into());
        pm.write(APM, 0x34);
        assert_eq!(pm.take_rises(SMI), 1);
        assert_eq!((pm.read(APM), pm.read(io(GLBSTS))), (0x34, 0x20));
    }
}
