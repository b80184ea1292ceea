//! The values that options of `ferrite run` and keys of `MACHINE.toml` take. Each parses from one spelling, so that the
//! command line and the file agree by construction.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ferrite_core::cpu::{Model, ModelName};
use ferrite_devices::board::{Board, BootOrder};
use ferrite_devices::boot::EntryChoice;
use serde::{Deserialize, Deserializer, de};

use crate::display::Display;
use crate::media::Place;

/// Lets a value be written as a string in `MACHINE.toml`.
macro_rules! from_toml_string {
    ($($t:ty),*) => {$(
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

from_toml_string!(
    Size,
    CpuSpec,
    MachineKind,
    BootLetters,
    Accel,
    Drive,
    Serial,
    Debugcon,
    Display,
    ClockSpec,
    SaveAt,
    BootEntry,
    Address
);

/// Bytes: a number with `K`, `M`, `G` or `T` behind it; without one it counts MiB, as in QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let upper = s.trim().to_ascii_uppercase();
        let text = upper.strip_suffix('B').unwrap_or(&upper);
        let text = text.strip_suffix('I').unwrap_or(text); // 64MiB
        let units = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
        let unit = units.into_iter().find_map(|(c, shift)| text.strip_suffix(c).map(|n| (n, shift)));
        let (digits, shift) = unit.unwrap_or((text, 20));
        let number: Option<u64> = digits.trim().parse().ok();
        match number.and_then(|n| n.checked_mul(1 << shift)) {
            Some(0) => Err("a machine needs some memory".to_owned()),
            Some(bytes) => Ok(Self(bytes)),
            None => Err("a size such as 64M or 1G is needed".to_owned()),
        }
    }
}

/// `--cpu`: a model with its features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuSpec {
    /// Spelling of the model, without features.
    pub name: &'static str,
    /// The model.
    pub model: Model,
}

impl CpuSpec {
    /// Whether features were added or removed.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.model != Model::new(self.model.name)
    }
}

impl FromStr for CpuSpec {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let model = Model::parse(s).map_err(|e| {
            let note = if s.starts_with("x86-64-v3") { " (x86-64-v3 needs AVX2: not in this build)" } else { "" };
            format!("{e}{note}")
        })?;
        let name = ModelName::ALL.into_iter().find(|(n, _)| *n == model.name).map_or("max", |(_, text)| text);
        Ok(Self { name, model })
    }
}

/// `--machine`: which board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineKind(pub Board);

impl FromStr for MachineKind {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        s.parse().map(Self)
    }
}

/// `--boot`: the order of what firmware may start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootLetters(pub BootOrder);

impl FromStr for BootLetters {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        s.parse().map(Self)
    }
}

/// The engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Accel {
    /// The fastest that is there.
    #[default]
    Auto,
    /// The interpreter.
    Interp,
    /// The JIT.
    Jit,
    /// KVM.
    Kvm,
}

impl FromStr for Accel {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Ok(match s {
            "auto" => Self::Auto,
            "interp" => Self::Interp,
            "jit" => Self::Jit,
            "kvm" => Self::Kvm,
            _ => return Err("auto, jit, interp or kvm is needed".to_owned()),
        })
    }
}

/// `file=PATH,if=ide|floppy,media=disk|cdrom,format=raw[,index=N][,readonly=on]`; a comma in a path is doubled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drive {
    /// The image; none for a drive that begins empty.
    pub file: Option<PathBuf>,
    /// What kind of drive it is, and where.
    pub place: Place,
    /// Writes are refused.
    pub read_only: bool,
}

impl FromStr for Drive {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let (mut file, mut index, mut read_only, mut floppy, mut cdrom) = (None, None, false, false, None);
        for part in split_doubled(s) {
            let (key, val) = part.split_once('=').ok_or_else(|| format!("`{part}`: key=value is needed"))?;
            let only = |ok: bool, what: &str| if ok { Ok(()) } else { Err(format!("{key}={val}: {what}")) };
            match key {
                "file" => {
                    only(!val.is_empty(), "file=PATH is needed")?;
                    file = Some(PathBuf::from(val));
                }
                "if" => {
                    only(matches!(val, "ide" | "floppy"), "this build has if=ide and if=floppy")?;
                    floppy = val == "floppy";
                }
                "format" => only(val == "raw", "this build reads format=raw")?,
                "media" => {
                    only(matches!(val, "disk" | "cdrom"), "media=disk or media=cdrom is needed")?;
                    cdrom = Some(val == "cdrom");
                }
                "index" => match val.parse() {
                    Ok(n @ 0..=3) => index = Some(n),
                    _ => return Err(format!("index={val}: 0 to 3 is needed")),
                },
                "readonly" | "read-only" => {
                    only(matches!(val, "on" | "off"), "on or off is needed")?;
                    read_only = val == "on";
                }
                _ => return Err(format!("`{key}`: keys are file, if, format, media, index, readonly")),
            }
        }
        let place = match (floppy, cdrom) {
            (true, Some(true)) => return Err("media=cdrom: only with if=ide".to_owned()),
            (true, _) => match index {
                Some(n @ 2..) => return Err(format!("index={n}: a floppy drive is 0 or 1")),
                _ => Place::Floppy(index),
            },
            (false, Some(true)) => Place::Cdrom(index),
            (false, _) => Place::Disk(index),
        };
        if file.is_none() && matches!(place, Place::Disk(_)) {
            return Err("file=PATH is needed".to_owned());
        }
        Ok(Self { file, place, read_only })
    }
}

/// Splits at single commas; `,,` is a comma.
fn split_doubled(s: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut chars = s.chars().peekable();
    while let Some(c) = chars.next() {
        let last = out.len() - 1;
        match c {
            ',' if chars.next_if_eq(&',').is_some() => out[last].push(','),
            ',' => out.push(String::new()),
            c => out[last].push(c),
        }
    }
    out
}

/// The far end of a serial line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Serial {
    /// The terminal, or the pipes, of the process.
    Stdio,
    /// A file that is written from its start.
    File(PathBuf),
    /// A connection to a listening host and port.
    Tcp(String),
    /// A connection to a listening Unix socket.
    Unix(PathBuf),
    /// A new pseudo-terminal, named on standard error.
    Pty,
    /// Nothing is connected.
    Null,
}

impl FromStr for Serial {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s.split_once(':').unwrap_or((s, "")) {
            ("stdio", "") => Ok(Self::Stdio),
            ("pty", "") => Ok(Self::Pty),
            ("null" | "none", "") => Ok(Self::Null),
            ("file", path) if !path.is_empty() => Ok(Self::File(path.into())),
            ("unix", path) if !path.is_empty() => Ok(Self::Unix(path.into())),
            ("tcp", addr) => match addr.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
                Some((host, Ok(_))) if !host.is_empty() => Ok(Self::Tcp(addr.to_owned())),
                _ => Err("tcp:HOST:PORT is needed".to_owned()),
            },
            _ => Err("stdio, file:PATH, tcp:HOST:PORT, unix:PATH, pty or null is needed".to_owned()),
        }
    }
}

/// Where port E9h goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debugcon(pub Serial);

impl FromStr for Debugcon {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s.parse() {
            Ok(end @ (Serial::Stdio | Serial::File(_))) => Ok(Self(end)),
            _ => Err("stdio or file:PATH is needed".to_owned()),
        }
    }
}

/// What virtual time follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClockSpec {
    /// The instruction count alone, at so many million instructions a second.
    Virtual {
        /// Picoseconds of one instruction; the machine's own rate if absent.
        ps_per_insn: Option<u64>,
    },
    /// The same, held back to the host's clock.
    Host,
}

impl FromStr for ClockSpec {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        /// Picoseconds a microsecond: those of an instruction at 1 MIPS.
        const PS_PER_US: f64 = 1e6;
        match s.split_once('=') {
            None if s == "virtual" => Ok(Self::Virtual { ps_per_insn: None }),
            None if s == "host" => Ok(Self::Host),
            Some(("virtual", mips)) => match mips.parse::<f64>() {
                Ok(m) if (0.001..=1e5).contains(&m) => {
                    Ok(Self::Virtual { ps_per_insn: Some((PS_PER_US / m).round().max(1.0) as u64) })
                }
                _ => Err("virtual=MIPS: a number from 0.001 to 100000 is needed".to_owned()),
            },
            _ => Err("virtual, virtual=MIPS or host is needed".to_owned()),
        }
    }
}

/// `INSNS:FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaveAt {
    /// Retired instructions since power-on.
    pub insns: u64,
    /// Where the snapshot goes.
    pub file: PathBuf,
}

impl FromStr for SaveAt {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let parts = s.split_once(':').filter(|(_, file)| !file.is_empty());
        let (insns, file) = parts.and_then(|(n, f)| Some((n.parse().ok()?, f))).ok_or("INSNS:FILE is needed")?;
        Ok(Self { insns, file: file.into() })
    }
}

/// Entry point of a directly booted Linux kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootEntry(pub EntryChoice);

impl FromStr for BootEntry {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "auto" => Ok(Self(EntryChoice::Auto)),
            "16" => Ok(Self(EntryChoice::Bits16)),
            "32" => Ok(Self(EntryChoice::Bits32)),
            "64" => Ok(Self(EntryChoice::Bits64)),
            _ => Err("auto, 16, 32 or 64 is needed".to_owned()),
        }
    }
}

/// A linear guest address in hexadecimal, with or without `0x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub u64);

impl FromStr for Address {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let digits = s.strip_prefix("0x").or_else(|| s.strip_prefix("0X")).unwrap_or(s);
        let hex = !digits.starts_with('+'); // which the parser would take for a sign
        let address = u64::from_str_radix(digits, 16).ok().filter(|_| hex);
        address.map(Self).ok_or_else(|| "a linear address in hexadecimal, such as c0101000, is needed".to_owned())
    }
}

/// A file for output, or standard output.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "PathBuf")]
pub struct Output(pub PathBuf);

impl From<PathBuf> for Output {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl From<&str> for Output {
    fn from(path: &str) -> Self {
        Self(path.into())
    }
}

impl Output {
    /// Whether it is standard output.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        self.0 == Path::new("-")
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrite_core::cpu::Feature;

    #[test]
    fn sizes_have_units_and_default_to_mib() {
        let size = |s: &str| s.parse::<Size>().map(|s| s.0);
        assert_eq!(size("64M"), Ok(64 << 20));
        assert_eq!(size("1g"), Ok(1 << 30));
        assert_eq!(size("512"), Ok(512 << 20));
        assert_eq!(size("640K"), Ok(640 << 10));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        for bad in ["", "M", "0", "-1M", "1.5G", "99999999999999T", "64Q"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cpu_is_a_model_and_features() {
        let c: CpuSpec = "pentium3,+sse2,-sep".parse().unwrap();
        assert!(c.name == "pentium3" && c.is_changed() && c.model.has(Feature::Sse2) && !c.model.has(Feature::Sep));
        assert!("i7".parse::<CpuSpec>().unwrap_err().contains("8086"));
        assert!("x86-64-v3".parse::<CpuSpec>().unwrap_err().contains("AVX2"));
        assert!("max,sse".parse::<CpuSpec>().is_err());
    }

    #[test]
    fn a_drive_may_have_commas_in_its_path() {
        let d: Drive = "file=a,,b.img,if=ide,format=raw,index=2,readonly=on".parse().unwrap();
        assert_eq!(d, Drive { file: Some("a,b.img".into()), place: Place::Disk(Some(2)), read_only: true });
        for bad in ["if=ide", "file=", "file=x,format=qcow2", "file=x,index=4", "file=x,cache=none", "x.img"] {
            assert!(bad.parse::<Drive>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_drive_is_a_disk_a_cdrom_or_a_floppy() {
        let place = |s: &str| s.parse::<Drive>().map(|d| (d.place, d.file.is_some()));
        assert_eq!(place("file=x"), Ok((Place::Disk(None), true)));
        assert_eq!(place("media=cdrom,index=0"), Ok((Place::Cdrom(Some(0)), false)));
        assert_eq!(place("file=x,if=floppy,index=1"), Ok((Place::Floppy(Some(1)), true)));
        assert!(place("file=x,if=floppy,index=2").unwrap_err().contains("0 or 1"));
        assert!(place("file=x,if=floppy,media=cdrom").unwrap_err().contains("if=ide"));
        assert!(place("media=disk").unwrap_err().contains("file=PATH"));
    }

    #[test]
    fn serial_ends_are_told_apart() {
        assert_eq!("tcp:[::1]:99".parse(), Ok(Serial::Tcp("[::1]:99".to_owned())));
        assert_eq!("file:a:b".parse(), Ok(Serial::File("a:b".into())));
        for bad in ["tcp:host", "tcp::1", "file:", "stdio:x", "mon"] {
            assert!(bad.parse::<Serial>().is_err(), "{bad}");
        }
        assert!("tcp:h:1".parse::<Debugcon>().is_err());
    }

    #[test]
    fn clocks_and_saves_are_numbers() {
        assert_eq!("virtual=100".parse(), Ok(ClockSpec::Virtual { ps_per_insn: Some(10_000) }));
        assert!("virtual=0".parse::<ClockSpec>().is_err());
        assert_eq!("1000:x".parse(), Ok(SaveAt { insns: 1000, file: "x".into() }));
        assert!("x:1000".parse::<SaveAt>().is_err());
    }

    #[test]
    fn addresses_are_hexadecimal() {
        for text in ["c0101000", "0xC0101000"] {
            assert_eq!(text.parse(), Ok(Address(0xc010_1000)));
        }
        for bad in ["", "0x", "+1", "c010:0", "1_0000_0000_0000_0000", "g"] {
            assert!(bad.parse::<Address>().unwrap_err().contains("hexadecimal"), "{bad}");
        }
    }
}
