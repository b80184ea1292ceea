//! Bootable media under firmware: loaders, memory tests, an installer, an installed system. Each is a script in `scripts/`, run
//! under our own firmware and under SeaBIOS, whose end without an error is the proof.
//!
//! *Not here, for want of hardware that the machine does not have yet:* Xen (local and I/O APIC), iPXE's and Linux's network boots (cards),
//! and in the sweep of Linux's drivers what is not a drive (ne2k-pci, e1000, pcnet32, 8139; SB16, AC97; UHCI; I/O APIC, HPET).

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::pace;

/// What the machine starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Firmware {
    Own,
    SeaBios,
    /// Nothing but itself: it drives the display's option ROM as it finds it.
    UBoot,
}

fn cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/guests")
}

/// A run of a script.
struct Booted {
    dir: TempDir,
    status: Option<i32>,
    serial: String,
    said: String,
}

impl Booted {
    fn passed(&self) {
        let screen = std::fs::read_to_string(self.dir.path().join("screen")).unwrap_or_default();
        let tail = &self.serial[self.serial.floor_char_boundary(self.serial.len().saturating_sub(2000))..];
        assert_eq!(self.status, Some(0), "{}\nscreen:\n{screen}\nserial:\n{tail}", self.said);
    }
}

/// Runs `script` with an image in a drive; nothing where an image or time is missing, which is said.
fn boot(script: &str, firmware: Firmware, drive: &str, image: &str, more: &[&str]) -> Option<Booted> {
    let (media, firmwares) = (cache().join("media"), cache().join("firmware"));
    let mut needed = vec![media.join(image)];
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrite"));
    command.arg("run").arg(drive).arg(media.join(image)).arg("--script");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/boots/scripts/{script}.script")));
    let (bios, vga) = match firmware {
        Firmware::Own => (None, None),
        Firmware::SeaBios => (Some("bios-256k.bin"), Some("vgabios-stdvga.bin")),
        Firmware::UBoot => (Some("u-boot.rom"), None),
    };
    for (option, image) in [("--bios", bios), ("--vgabios", vga)] {
        if let Some(image) = image.map(|i| firmwares.join(i)) {
            command.arg(option).arg(&image);
            needed.push(image);
        }
    }
    for file in needed {
        if !file.is_file() {
            pace::not_run(&format!("no {} (tests/boots/fetch.sh makes it)", file.display()));
            return None;
        }
    }
    if !pace::may_start() {
        return None;
    }
    command.args(["--display", "none", "--no-reboot", "--limit-time", "6000", "--serial", "file:serial"]);
    command.args(["--dump-screen", "screen", "--stats", "stats"]).args(more).current_dir(dir.path());
    crate::engine(&mut command, more);
    let output = pace::output(&mut command)?;
    let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap_or_default();
    let stats: serde_json::Value = serde_json::from_slice(&read("stats")).unwrap_or_default();
    println!(
        "{image} under {firmware:?}: {} instructions, {} virtual s, {} s",
        stats["instructions"], stats["virtual_seconds"], stats["host_seconds"]
    );
    let serial = String::from_utf8_lossy(&read("serial")).replace('\r', "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(Booted { status: output.status.code(), serial, said, dir })
}

fn passes(script: &str, firmware: Firmware, drive: &str, image: &str, more: &[&str]) {
    if let Some(booted) = boot(script, firmware, drive, image, &[&["--disposable"], more].concat()) {
        booted.passed();
    }
}

/// A script whose screenshots are the pictures in `screens/SCRIPT-NAME.png`, which were looked at. `FERRITE_BLESS=1` writes them anew.
fn shows(script: &str, firmware: Firmware, drive: &str, image: &str, pictures: &[&str], more: &[&str]) {
    let Some(booted) = boot(script, firmware, drive, image, &[&["--disposable"], more].concat()) else { return };
    booted.passed();
    for name in pictures {
        let shown = booted.dir.path().join(format!("{name}.png"));
        let known = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/boots/screens/{script}-{name}.png"));
        if std::env::var_os("FERRITE_BLESS").is_some() {
            std::fs::copy(&shown, &known).expect("a picture can be written");
        }
        let ((size, shown), (known_size, known)) = (pixels(&shown), pixels(&known));
        assert_eq!(size, known_size, "{name}: width and height");
        let same = shown.chunks(3).zip(known.chunks(3)).filter(|(a, b)| a == b).count();
        let all = shown.len() / 3;
        assert!(same * SAME.1 >= all * SAME.0, "{name}: {same} of {all} pixels are those of the known picture");
    }
}

/// The part of a picture's pixels that must be those of the known one: all but a pointer elsewhere, or a few words of a later release.
const SAME: (usize, usize) = (99, 100);

/// Width, height, and three bytes for each pixel of a PNG file.
fn pixels(path: &Path) -> ((u32, u32), Vec<u8>) {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect("a PNG file");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a picture that fits into memory")];
    let info = reader.next_frame(&mut bytes).expect("a picture");
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight), "{}", path.display());
    bytes.truncate(info.buffer_size());
    ((info.width, info.height), bytes)
}

/// A loader that starts the small guest, which says by its sums on the serial line that it computes what the host does.
fn starts_linux(script: &str, firmware: Firmware, drive: &str, image: &str, cpu: &str) {
    if let Some(booted) = boot(script, firmware, drive, image, &["--disposable", "-m", "256M", "--cpu", cpu]) {
        booted.passed();
        for (name, value) in super::SMALL {
            let line = format!("SUM {name} {value}");
            assert!(booted.serial.lines().any(|l| l == line), "no `{line}`:\n{}", booted.serial);
        }
    }
}

/// Boots the installed system from a copy of its disk, and looks at the file system after it has switched itself off.
fn installed(firmware: Firmware) {
    let image = cache().join("media/root.img");
    if !image.is_file() {
        pace::not_run(&format!("no {} (tests/boots/fetch.sh makes it)", image.display()));
        return;
    }
    // Beside the image: the copy is as large, and sparse where the file system of the host shares blocks.
    let copy = cache().join(format!("media/root-{firmware:?}.img"));
    let copied = Command::new("cp").args(["--sparse=always", "--reflink=auto"]).arg(&image).arg(&copy).status();
    assert!(copied.is_ok_and(|s| s.success()), "a copy of {}", image.display());
    let name = format!("root-{firmware:?}.img");
    let booted = boot("root", firmware, "--hda", &name, &["-m", "256M", "--cpu", "pentium3"]);
    if let Some(booted) = booted {
        booted.passed();
        is_clean(&copy);
    }
    std::fs::remove_file(&copy).expect("the copy goes");
}

/// That the file system in the first partition of a disk has no errors.
fn is_clean(disk: &Path) {
    let mut check = Command::new("e2fsck");
    check.args(["-f", "-n"]).arg(format!("{}?offset={}", disk.display(), 1 << 20));
    check.env("PATH", format!("{}:/sbin:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
    match check.output() {
        Ok(out) => {
            let said = String::from_utf8_lossy(&out.stdout).into_owned();
            assert!(out.status.success(), "the file system is not clean:\n{said}");
        }
        Err(e) => println!("the file system was not looked at: e2fsck: {e}"),
    }
}

macro_rules! boots {
    ($($(#[$doc:meta])* $name:ident: $call:ident($($arg:expr),*);)*) => {$(
        mod $name {
            use super::*;

            $(#[$doc])*
            #[test]
            #[ignore = "needs tests/boots/fetch.sh"]
            fn under_our_firmware() {
                with(Firmware::Own);
            }

            $(#[$doc])*
            #[test]
            #[ignore = "needs tests/boots/fetch.sh"]
            fn under_seabios() {
                with(Firmware::SeaBios);
            }

            fn with(firmware: Firmware) {
                boots!(@call firmware, $call, $($arg),*);
            }
        }
    )*};
    (@call $fw:ident, $call:ident, $script:expr, $($arg:expr),*) => { $call($script, $fw, $($arg),*) };
}

boots! {
    grub_rescue_cd: passes("grub", "--cdrom", "grub-cd.iso", &[]);
    grub_rescue_floppy: passes("grub", "--fda", "grub-floppy.img", &[]);
    grub_cd_linux: starts_linux("linux", "--cdrom", "grub-linux.iso", "pentium3");
    grub_linux_rt: starts_linux("grub-rt", "--cdrom", "grub-kernels.iso", "pentium4");
    grub_linux16: starts_linux("grub-linux16", "--cdrom", "grub-kernels.iso", "pentium3");
    grub_memtest16: passes("grub-memtest16", "--cdrom", "grub-kernels.iso", &["-m", "32M"]);
    grub_multiboot2: passes("grub-multiboot2", "--cdrom", "grub-kernels.iso", &["-m", "32M"]);
    syslinux_floppy: passes("syslinux-floppy", "--fda", "syslinux-floppy.img", &["-m", "32M"]);
    isolinux_cd_linux: starts_linux("linux", "--cdrom", "isolinux.iso", "pentium3");
    syslinux_disk_linux: starts_linux("linux", "--hda", "syslinux-disk.img", "pentium3");
    memtest_floppy: passes("memtest", "--fda", "memtest-floppy.img", &["-m", "16M", "--cpu", "pentium3"]);
    memtest_cd: passes("memtest-banner", "--cdrom", "memtest-cd.iso", &["-m", "32M"]);
    ipxe_cd: passes("ipxe", "--cdrom", "ipxe.iso", &[]);
    installer_cd: passes("installer", "--cdrom", "installer.iso", &["-m", "512M", "--cpu", "pentium3"]);
    installer_gtk_cd: shows("installer-gtk", "--cdrom", "installer-gtk.iso", &["language", "location"], &["-m", "1280M", "--cpu", "x86-64-v2"]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn u_boot_reads_a_disk() {
    let cd = cache().join("media/isolinux.iso");
    let cd = cd.to_str().expect("the cache has a plain name");
    passes("u-boot", Firmware::UBoot, "--hda", "syslinux-disk.img", &["--cdrom", cd]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn installed_debian_under_our_firmware() {
    installed(Firmware::Own);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn installed_debian_under_seabios() {
    installed(Firmware::SeaBios);
}

/// Other firmware: what it says on the screen.
fn firmware(bios: &str, vgabios: Option<&str>, text: &str, more: &[&str]) {
    let dir = cache().join("firmware");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrite"));
    command.arg("run").arg("--bios").arg(dir.join(bios));
    if let Some(vga) = vgabios {
        command.arg("--vgabios").arg(dir.join(vga));
    }
    if !dir.join(bios).is_file() {
        pace::not_run(&format!("no {} (tests/boots/fetch.sh fetches it)", dir.join(bios).display()));
        return;
    }
    if !pace::may_start() {
        return;
    }
    command.args(["--display", "none", "--until-screen", text, "--limit-time", "120"]).args(more);
    crate::engine(&mut command, more);
    let Some(output) = pace::output(&mut command) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn seabios_says_that_nothing_boots() {
    firmware("bios-256k.bin", Some("vgabios-stdvga.bin"), "No bootable device", &[]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn the_bochs_bios_says_that_nothing_boots() {
    firmware("BIOS-bochs-latest", Some("vgabios.stdvga.bin"), "No bootable device", &[]);
}
