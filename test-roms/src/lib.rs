//! Test ROMs: NASM sources with the assembled images beside them.
//!
//! A ROM is mapped so that it ends at 1 MiB and at 4 GiB, and is entered at the reset vector. It writes what it wants to
//! say to port E9h and ends with a byte to port F4h: 0 when all its checks held, else the number of the first that did
//! not. The machine that runs them has two more ports: a byte n to F5h raises INTR with vector 20h n nanoseconds later; bit 0
//! of a byte to F6h pulses NMI, bit 1 SMI. ROMs of the group `events` use these. The source's header says what it shows and what is expected:
//!
//! ```text
//! ; what: faults of ring 0 with their vectors, error codes and saved EIP
//! ; cpu: 80386 pentium3 max          every model it runs on
//! ; output: text                     what port E9h must hold (optional)
//! ; end: triple-fault                instead of a byte of 0 (optional)
//! ```

/// A ROM and its source.
#[derive(Clone, Copy, Debug)]
pub struct Rom {
    /// `group/name`.
    pub name: &'static str,
    /// The NASM source, whose header holds the expectations.
    pub source: &'static str,
    /// The assembled image.
    pub image: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/roms.rs"));

/// The built-in demonstration: the beginning of a floppy of 1440 KiB, the rest of which is zeros.
pub const DEMO_FLOPPY: &[u8] = include_bytes!("../demo/demo.bin");

/// How a ROM is expected to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a byte of 0 to the debug-exit port.
    Pass,
    /// With a triple fault.
    TripleFault,
}

impl Rom {
    /// The ROM of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Rom> {
        ROMS.iter().find(|r| r.name == name)
    }

    fn header(&self, key: &str) -> Option<&'static str> {
        self.source.lines().take_while(|l| l.starts_with(';')).find_map(|l| {
            let (k, v) = l.trim_start_matches([';', ' ']).split_once(':')?;
            (k == key).then(|| v.trim())
        })
    }

    /// What it shows, in one line.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.header("what").unwrap_or_default()
    }

    /// The CPU models it runs on.
    pub fn cpus(&self) -> impl Iterator<Item = &'static str> {
        self.header("cpu").unwrap_or_default().split_whitespace()
    }

    /// Text that must appear on port E9h.
    #[must_use]
    pub fn output(&self) -> &'static str {
        self.header("output").unwrap_or_default()
    }

    /// How it must end.
    #[must_use]
    pub fn end(&self) -> End {
        match self.header("end") {
            Some("triple-fault") => End::TripleFault,
            _ => End::Pass,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstration_is_bootable() {
        assert_eq!((DEMO_FLOPPY.len() % 512, &DEMO_FLOPPY[510..512]), (0, &[0x55, 0xaa][..]));
    }

    #[test]
    fn every_rom_says_what_it_shows_and_where_it_runs() {
        for rom in ROMS {
            assert!(!rom.what().is_empty(), "{}: no `; what:` line", rom.name);
            assert!(rom.cpus().count() > 0, "{}: no `; cpu:` line", rom.name);
            assert_eq!(rom.image.len() % 4096, 0, "{}: the image is not whole pages", rom.name);
        }
        assert!(Rom::find("hello/hello").is_some());
    }
}
