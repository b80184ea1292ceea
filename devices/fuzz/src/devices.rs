//! Every device with its registers. A new device is a line here.

use ferrite_core::device::{Cx, Offset};
use ferrite_devices::dma::i8237::Dma;
use ferrite_devices::host::{Disk, DiskError, FloppyDrive, FloppyKind, IdeDrive, Null, SECTOR};
use ferrite_devices::input::i8042::I8042;
use ferrite_devices::irq::coprocessor::CoprocessorError;
use ferrite_devices::irq::i8259::Pic;
use ferrite_devices::misc::fw_cfg::{FwCfg, Items};
use ferrite_devices::misc::{
    debug_exit::DebugExit, debugcon::Debugcon, hotplug::Hotplug, port61::Port61, port92::Port92,
};
use ferrite_devices::parallel::lpt::Lpt;
use ferrite_devices::pci::i440fx::{I440fx, Rom};
use ferrite_devices::pci::piix3::Piix3;
use ferrite_devices::pci::piix3_ide::Piix3Ide;
use ferrite_devices::pci::piix4_pm::Piix4Pm;
use ferrite_devices::serial::uart16550::Uart;
use ferrite_devices::storage::i82077::I82077;
use ferrite_devices::storage::isa_ide::IsaIde;
use ferrite_devices::timer::i8254::Pit;
use ferrite_devices::timer::mc146818::{DateTime, Rtc};
use ferrite_devices::video::vga::Vga;

use super::trace::{self, Range, bytes, dwords, words};

/// A device to fuzz.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Where its registers are.
    pub registers: &'static [Range],
    /// Does to it what the bytes say.
    pub run: fn(&[u8]),
}

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|t| t.name == name)
}

/// Configuration space of one function.
const CONFIG: Range = bytes(Offset::CONFIG, 256);
/// The same in doublewords.
const CONFIG_WIDE: Range = dwords(Offset::CONFIG, 64);

/// A disk whose contents are a function of the place, whatever is written: two devices see the same.
struct Pattern(u64);

impl Disk for Pattern {
    fn sectors(&self) -> u64 {
        self.0
    }

    fn read(&mut self, lba: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        let end = lba.checked_add((buf.len() / SECTOR) as u64);
        if end.is_none_or(|e| e > self.0) || lba == 77 {
            return Err(DiskError);
        }
        for (n, b) in buf.iter_mut().enumerate() {
            *b = (lba as usize + n / SECTOR) as u8 ^ n as u8;
        }
        Ok(())
    }

    fn write(&mut self, lba: u64, buf: &[u8]) -> Result<(), DiskError> {
        let end = lba.checked_add((buf.len() / SECTOR) as u64);
        if end.is_none_or(|e| e > self.0) || lba == 99 { Err(DiskError) } else { Ok(()) }
    }
}

fn disk(sectors: u64) -> Option<Box<dyn Disk>> {
    Some(Box::new(Pattern(sectors)))
}

fn fdc() -> I82077 {
    let drive = |kind, medium| Some(FloppyDrive { kind, medium });
    I82077::new([drive(FloppyKind::M1440, disk(2880)), drive(FloppyKind::M1200, disk(720))])
}

/// The host opens a drive's door.
fn change_floppy(fdc: &mut I82077, _: &mut Cx<'_>, what: u8) -> u64 {
    let sectors = [0, 320, 720, 1440, 2400, 2880, 3360, 5760][usize::from(what >> 1 & 7)];
    fdc.insert((what & 1).into(), disk(sectors).filter(|_| sectors != 0)).is_some().into()
}

fn hard_disk(sectors: u64) -> Option<IdeDrive> {
    disk(sectors).map(IdeDrive::Disk)
}

/// Of 2048-byte sectors.
fn cdrom(sectors: u64) -> Option<IdeDrive> {
    Some(IdeDrive::Cdrom(disk(4 * sectors)))
}

/// Another disc, or none, or the button.
fn change_disc(ide: &mut IsaIde, _: &mut Cx<'_>, what: u8) -> u64 {
    match what >> 1 & 3 {
        0 => ide.eject((what & 1).into()).into(),
        1 => ide.insert((what & 1).into(), None).into(),
        _ => ide.insert((what & 1).into(), disk(40 * u64::from(what))).into(),
    }
}

/// The same on the PCI function.
fn change_slot(ide: &mut Piix3Ide, _: &mut Cx<'_>, what: u8) -> u64 {
    match what >> 2 & 3 {
        0 => ide.eject((what & 3).into()).into(),
        1 => ide.insert((what & 3).into(), None).into(),
        _ => ide.insert((what & 3).into(), disk(40 * u64::from(what))).into(),
    }
}

fn vga() -> Vga {
    Vga::new(0x4_0000, 0x8_0000, Some((0x1_0000, 0x8000)))
}

/// A display looks at the screen.
fn look(vga: &mut Vga, cx: &mut Cx<'_>, what: u8) -> u64 {
    let now = cx.now();
    if what & 1 == 0 {
        let frame = vga.frame(cx.dma(), now);
        let area = u64::from(frame.width) * u64::from(frame.height);
        assert_eq!(frame.pixels.len() as u64, area, "a frame is full");
        frame.pixels.iter().fold(area, |sum, p| sum.rotate_left(1) ^ u64::from(*p))
    } else {
        let text = vga.text(cx.dma(), now);
        text.map_or(0, |t| t.to_text().bytes().fold(1, |sum, b| sum.rotate_left(3) ^ u64::from(b)))
    }
}

fn fw_cfg() -> FwCfg {
    let mut items = Items::default();
    items.add(0x0e, &[1, 2, 3, 4]);
    items.add_file("etc/something", vec![7; 300]);
    FwCfg::new(items)
}

/// The host has nothing to do.
fn nothing<D>(_: &mut D, _: &mut Cx<'_>, _: u8) -> u64 {
    0
}

macro_rules! targets {
    ($($name:ident: [$($range:expr),*], $fresh:expr $(, $poke:expr)?;)*) => {
        /// All of them.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            registers: &[$($range),*],
            run: |input| trace::run(&[$($range),*], || $fresh, targets!(@poke $($poke)?), input),
        }),*];
    };
    (@poke) => { nothing };
    (@poke $poke:expr) => { $poke };
}

// Name: registers, the device, and what the host can do to it.
targets! {
    i8259_master: [bytes(0, 3)], Pic::master(0xf8);
    i8259_slave: [bytes(0, 3)], Pic::slave(0xde);
    i8254: [bytes(0, 4)], Pit::new();
    mc146818: [bytes(0, 2)], Rtc::new(DateTime::from_unix(1_000_000_000));
    i8237: [bytes(0, 16), bytes(0x20, 32), bytes(0x40, 16)], Dma::new();
    i82077: [bytes(5, 1), bytes(2, 6)], fdc(), change_floppy;
    uart16550: [bytes(0, 8)], Uart::new(Box::new(Null));
    lpt: [bytes(0, 3)], Lpt::new(Some(Box::new(Null)));
    i8042: [bytes(0, 2)], I8042::new();
    vga: [bytes(0, 48), words(0x40, 2), bytes(0x2_0000, 0x2_0000), CONFIG, words(0x1400, 0x90)], vga(), look;
    isa_ide: [bytes(1, 8), words(0, 1)], IsaIde::new([hard_disk(3000), cdrom(50)]), change_disc;
    cdrom: [bytes(1, 8), words(0, 1)], IsaIde::new([cdrom(1000), hard_disk(5000)]), change_disc;
    isa_ide_one: [bytes(1, 8), words(0, 1)], IsaIde::new([None, hard_disk(3000)]), change_disc;
    i440fx: [CONFIG, CONFIG_WIDE, dwords(0, 2)], I440fx::new(vec![Rom { range: 0xe_0000..0x10_0000, at: 0 }]);
    piix3: [CONFIG, CONFIG_WIDE, bytes(0, 1)], Piix3::new();
    piix3_ide: [bytes(1, 8), words(0, 1), bytes(0x11, 8), words(0x10, 1), bytes(0x100, 16), dwords(0x100, 4), CONFIG],
        Piix3Ide::new([hard_disk(3000), cdrom(100), cdrom(200), hard_disk(70_000)]), change_slot;
    piix4_pm: [CONFIG, CONFIG_WIDE, bytes(0, 2), words(0x100, 32)], Piix4Pm::new();
    fw_cfg: [bytes(0, 12), words(0, 1), dwords(4, 2)], fw_cfg();
    coprocessor_error: [bytes(0, 2)], CoprocessorError::default();
    port61: [bytes(0, 1)], Port61::default();
    port92: [bytes(0, 1)], Port92::default();
    debugcon: [bytes(0, 1)], Debugcon::new(Box::new(Null));
    debug_exit: [bytes(0, 1)], DebugExit;
    hotplug: [bytes(0, 68)], Hotplug;
}
