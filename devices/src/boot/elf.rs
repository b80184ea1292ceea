//! Reading ELF executables: as much as loading one by its program headers takes.
//!
//! Document: *System V Application Binary Interface*, "ELF Header", "Program Header"; *ELF-64 Object File Format*.
//!
//! *Not modelled:* sections, relocation, dynamic linking.

use super::BootError;

/// Segments that an image may have: more than any linker makes of a kernel.
const MAX_SEGMENTS: usize = 256;

/// A loadable part of an executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load<'a> {
    /// Physical address.
    pub paddr: u64,
    /// Virtual address.
    pub vaddr: u64,
    /// Bytes from the file.
    pub data: &'a [u8],
    /// Bytes in memory, at least as many; the rest is zero.
    pub memsz: u64,
}

/// An executable for x86.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elf<'a> {
    /// Entry point, a virtual address.
    pub entry: u64,
    /// Program headers of type PT_LOAD with memory, in file order.
    pub loads: Vec<Load<'a>>,
}

impl<'a> Elf<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`BootError`] names the field.
    pub fn read(file: &'a [u8]) -> Result<Self, BootError> {
        let bad = |field, why: String| Err(BootError::Field { field, why });
        let have = file.len() as u64;
        let bytes = |field, at: u64, n: u64| -> Result<&'a [u8], BootError> {
            let end = at.saturating_add(n);
            let range = usize::try_from(at).ok().zip(usize::try_from(end).ok());
            range.and_then(|(s, e)| file.get(s..e)).ok_or(BootError::Truncated { field, need: end, have })
        };
        let int = |field, at: u64, n: u64| -> Result<u64, BootError> {
            Ok(bytes(field, at, n)?.iter().rev().fold(0, |v, &b| v << 8 | u64::from(b)))
        };
        if bytes("e_ident", 0, 16)?.get(..4) != Some(b"\x7fELF") {
            return bad("e_ident", "not an ELF file".into());
        }
        let wide = match int("EI_CLASS", 4, 1)? {
            1 => false,
            2 => true,
            n => return bad("EI_CLASS", format!("{n}: 1 (32-bit) or 2 (64-bit) is needed")),
        };
        if int("EI_DATA", 5, 1)? != 1 {
            return bad("EI_DATA", "a little-endian file is needed".into());
        }
        let kind = int("e_type", 16, 2)?;
        if kind != 2 {
            return bad("e_type", format!("{kind}: 2 (executable) is needed"));
        }
        let machine = int("e_machine", 18, 2)?;
        if machine != 3 && machine != 62 {
            return bad("e_machine", format!("{machine}: 3 (386) or 62 (x86-64) is needed"));
        }
        let (word, phoff, phentsize_at) = if wide { (8, 32, 54) } else { (4, 28, 42) };
        let entry = int("e_entry", 24, word)?;
        let phoff = int("e_phoff", phoff, word)?;
        let phentsize = int("e_phentsize", phentsize_at, 2)?;
        let phnum = int("e_phnum", phentsize_at + 2, 2)?;
        if phentsize < if wide { 56 } else { 32 } {
            return bad("e_phentsize", format!("{phentsize} is too small for a program header"));
        }
        if phnum == 0 || phnum as usize > MAX_SEGMENTS {
            return bad("e_phnum", format!("{phnum}: 1 to {MAX_SEGMENTS} program headers are needed"));
        }
        let mut loads = Vec::new();
        for i in 0..phnum {
            let at = phoff.saturating_add(i * phentsize);
            let get = |off: u64, n: u64| int("the program headers", at.saturating_add(off), n);
            /// PT_LOAD.
            const PT_LOAD: u64 = 1;
            if get(0, 4)? != PT_LOAD {
                continue;
            }
            // p_offset, p_vaddr, p_paddr, p_filesz, p_memsz: in this order in both classes, after p_flags in the wide.
            let first = if wide { 8 } else { 4 };
            let mut f = [0; 5];
            for (k, slot) in f.iter_mut().enumerate() {
                *slot = get(first + k as u64 * word, word)?;
            }
            let [offset, vaddr, paddr, filesz, memsz] = f;
            if memsz < filesz {
                return bad("p_memsz", format!("{memsz:#x} is less than p_filesz {filesz:#x} in program header {i}"));
            }
            if memsz != 0 {
                loads.push(Load { paddr, vaddr, data: bytes("a segment", offset, filesz)?, memsz });
            }
        }
        Ok(Self { entry, loads })
    }

    /// The entry point as a physical address: `e_entry` is virtual, and kernels linked high give another `p_paddr`.
    #[must_use]
    pub fn physical_entry(&self) -> u64 {
        let within = |l: &&Load<'_>| self.entry.checked_sub(l.vaddr).is_some_and(|d| d < l.memsz);
        match self.loads.iter().find(within) {
            Some(l) => l.paddr.wrapping_add(self.entry - l.vaddr),
            None => self.entry,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An ELF32 with one segment: `code` at `paddr` (`vaddr` 3 GiB higher), 16 bytes of bss, entry at its start + 12.
    pub fn sample(paddr: u32, code: &[u8]) -> Vec<u8> {
        let mut f = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let vaddr = paddr.wrapping_add(0xc000_0000);
        f.extend([2, 0, 3, 0, 1, 0, 0, 0]);
        for v in [vaddr + 12, 52, 0, 0, 52 | 32 << 16, 1, 0] {
            f.extend(v.to_le_bytes());
        }
        let len = code.len() as u32;
        for v in [1, 84, vaddr, paddr, len, len + 16, 7, 4] {
            f.extend(u32::to_le_bytes(v));
        }
        f.extend(code);
        f
    }

    #[test]
    fn a_segment_and_its_entry_are_physical() {
        let f = sample(0x10_0000, b"code that is here");
        let e = Elf::read(&f).unwrap();
        assert_eq!(e.loads.len(), 1);
        assert_eq!((e.loads[0].paddr, e.loads[0].data, e.loads[0].memsz), (0x10_0000, &b"code that is here"[..], 33));
        assert_eq!(e.physical_entry(), 0x10_000c);
    }

    #[test]
    fn truncation_and_every_changed_byte_are_survived() {
        let f = sample(0x10_0000, b"code");
        for n in 0..f.len() {
            assert!(Elf::read(&f[..n]).is_err(), "{n}");
        }
        for i in 0..f.len() {
            for v in [0, 0x80, 0xff] {
                let mut bad = f.clone();
                bad[i] = v;
                if let Ok(e) = Elf::read(&bad) {
                    let _ = e.physical_entry();
                }
            }
        }
    }

    #[test]
    fn another_machine_is_refused_by_name() {
        let mut f = sample(0, b"");
        f[18] = 40;
        assert_eq!(Elf::read(&f).unwrap_err().to_string(), "e_machine: 40: 3 (386) or 62 (x86-64) is needed");
    }
}
