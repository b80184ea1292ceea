//! Multiboot version 1 images: ELF, or any file whose header carries addresses (the "a.out kludge").
//!
//! Document: *Multiboot Specification version 0.6.96*, "Header", "Machine state", "Boot information format".
//!
//! *Not modelled:* a wish for a video mode (header flag 2) is met with the text mode that is there; drives, APM and VBE
//! tables are not given.

use super::elf::Elf;
use super::{
    BootError, BootPlan, CODE32, EBDA, Entry, Layout, ONE_MIB, Range, Request, acpi, bios_data_area, e820, flat_gdt,
};

/// `magic` of the header.
const HEADER_MAGIC: u32 = 0x1bad_b002;
/// What EAX holds at entry.
const LOADER_MAGIC: u64 = 0x2bad_b002;
/// The header lies within the first 8192 bytes.
const SEARCH: usize = 8192;
/// `flags` bit 16: the address fields are valid.
const ADDRESSES: u32 = 1 << 16;
/// `flags` bits that a loader must understand or refuse: 15:0. Known are page-aligned modules, memory, video.
const UNKNOWN: u32 = 0xfff8;

/// `flags` of the information: memory, command line, modules, map, loader name.
const INFO_FLAGS: u32 = 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9;
/// Bytes of the information structure up to `vbe_interface_len`.
const INFO_LEN: usize = 120;

const LOADER_NAME: &[u8] = b"Ferrite\0";

/// Offset of the multiboot header, if there is one whose checksum is right.
#[must_use]
pub fn find_header(image: &[u8]) -> Option<usize> {
    let head = &image[..image.len().min(SEARCH)];
    let sum = |w: &[u8]| {
        let word = |i: usize| w.get(i..i + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
        word(0) == HEADER_MAGIC && word(0).wrapping_add(word(4)).wrapping_add(word(8)) == 0
    };
    head.windows(12).step_by(4).position(sum).map(|i| i * 4)
}

/// Parts of the image with their addresses, and the entry point.
struct Image {
    parts: Vec<(u64, Vec<u8>, u64)>,
    entry: u64,
}

/// Works out how to boot a multiboot image.
///
/// # Errors
/// [`BootError`] names the field of the header.
pub fn plan(req: &Request<'_>) -> Result<BootPlan, BootError> {
    let at = find_header(req.kernel).ok_or(BootError::NotAKernel)?;
    let mut words = [0; 8];
    for (w, b) in words.iter_mut().zip(req.kernel[at..].chunks_exact(4)) {
        *w = u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    }
    let [_, flags, _, header, load, load_end, bss_end, entry] = words;
    if flags & UNKNOWN != 0 {
        let why = format!("{flags:#x} asks for features that multiboot 0.6.96 does not define (bits 3 to 15)");
        return Err(BootError::Field { field: "multiboot flags", why });
    }
    let image = if flags & ADDRESSES != 0 {
        let fields = [header, load, load_end, bss_end, entry].map(u64::from);
        kludge(req.kernel, at, fields)?
    } else {
        elf(req.kernel)?
    };

    let mut layout = Layout::new(req.ram)?;
    let mut writes = vec![bios_data_area(), flat_gdt(CODE32)];
    writes.extend(acpi::tables(req.ram));
    for (paddr, data, memsz) in image.parts {
        layout.take("a segment of the kernel", paddr, memsz)?;
        writes.push((paddr, data));
    }
    let mut module = None;
    if let Some(initrd) = req.initrd {
        let len = initrd.len() as u64;
        let start = layout.take_high("the initrd", len, 0x1000, u64::from(u32::MAX))?;
        writes.push((start, initrd.to_vec()));
        module = Some((start as u32, (start + len) as u32));
    }
    if req.cmdline.contains('\0') {
        return Err(BootError::Field { field: "command line", why: "it holds a NUL".into() });
    }
    let map = e820(req.ram);
    let info_len = info(0, req.cmdline, module, &map).len() as u64;
    // Low, where kernels of this kind expect the loader's data.
    let info_at = layout.take_high("the boot information", info_len, 0x1000, EBDA - 1)?;
    writes.push((info_at, info(info_at as u32, req.cmdline, module, &map)));
    let entry = Entry { rax: LOADER_MAGIC, rbx: info_at, ..Entry::protected32(0x10, image.entry) };
    Ok(BootPlan { writes, entry })
}

fn elf(file: &[u8]) -> Result<Image, BootError> {
    let elf = Elf::read(file)?;
    let parts = elf.loads.iter().map(|l| (l.paddr, l.data.to_vec(), l.memsz)).collect();
    Ok(Image { parts, entry: elf.physical_entry() })
}

/// "The address fields of Multiboot header".
fn kludge(file: &[u8], at: usize, fields: [u64; 5]) -> Result<Image, BootError> {
    let bad = |field, why: String| Err(BootError::Field { field, why });
    let [header, load, load_end, bss_end, entry] = fields;
    let at = at as u64;
    // The byte at `load_addr` in memory is this one in the file.
    let Some(start) = header.checked_sub(load).and_then(|d| at.checked_sub(d)) else {
        return bad(
            "multiboot load_addr",
            format!("{load:#x} lies more before header_addr {header:#x} than the file has"),
        );
    };
    let rest = &file[start as usize..];
    let data = match load_end {
        0 => rest, // the whole file
        _ => {
            let len = load_end.saturating_sub(load);
            match rest.get(..len as usize) {
                Some(data) if load_end > load => data,
                Some(_) => {
                    return bad("multiboot load_end_addr", format!("{load_end:#x} is not above load_addr {load:#x}"));
                }
                None => {
                    let (need, have) = (start + len, file.len() as u64);
                    return Err(BootError::Truncated { field: "the image (load_end_addr)", need, have });
                }
            }
        }
    };
    let end = load + data.len() as u64;
    if bss_end != 0 && bss_end < end {
        return bad("multiboot bss_end_addr", format!("{bss_end:#x} lies within the image, which ends at {end:#x}"));
    }
    let memsz = end.max(bss_end) - load;
    Ok(Image { parts: vec![(load, data.to_vec(), memsz)], entry })
}

/// The information structure at `at`, with all that it points to behind it.
fn info(at: u32, cmdline: &str, module: Option<(u32, u32)>, map: &[Range]) -> Vec<u8> {
    let mut out = vec![0; INFO_LEN];
    let append = |out: &mut Vec<u8>, bytes: &[u8]| {
        let place = at + out.len() as u32;
        out.extend(bytes);
        out.resize(out.len().next_multiple_of(4), 0);
        place
    };
    let cmdline_at = append(&mut out, &[cmdline.as_bytes(), &[0]].concat());
    let name_at = append(&mut out, LOADER_NAME);
    let mut mods = (0, 0);
    if let Some((start, end)) = module {
        let string = append(&mut out, b"\0");
        let entry: Vec<u8> = [start, end, string, 0].iter().flat_map(|w| w.to_le_bytes()).collect();
        mods = (1, append(&mut out, &entry));
    }
    let table: Vec<u8> = map
        .iter()
        .flat_map(|r| {
            let (base, len) = (r.base.to_le_bytes(), r.len.to_le_bytes());
            [&20u32.to_le_bytes()[..], &base, &len, &(r.kind as u32).to_le_bytes()].concat()
        })
        .collect();
    let map_at = append(&mut out, &table);
    let upper = map.iter().find(|r| r.base == ONE_MIB).map_or(0, |r| r.len >> 10);

    let mut put = |at: usize, val: u32| out[at..at + 4].copy_from_slice(&val.to_le_bytes());
    put(0, INFO_FLAGS);
    put(4, (EBDA >> 10) as u32); // mem_lower
    put(8, upper as u32); // mem_upper
    put(16, cmdline_at);
    put(20, mods.0);
    put(24, mods.1);
    put(44, table.len() as u32);
    put(48, map_at);
    put(64, name_at);
    out
}

#[cfg(test)]
mod tests {
    use super::super::{EntryChoice, Mode, Ram};
    use super::*;

    fn header(flags: u32, addresses: [u32; 5]) -> Vec<u8> {
        let sum = 0u32.wrapping_sub(HEADER_MAGIC).wrapping_sub(flags);
        let words = [HEADER_MAGIC, flags, sum].into_iter().chain(addresses);
        words.flat_map(u32::to_le_bytes).collect()
    }

    fn request(kernel: &[u8]) -> Request<'_> {
        Request {
            kernel,
            initrd: Some(b"module"),
            cmdline: "one two",
            ram: Ram { low: 32 << 20, high: 0 },
            entry: EntryChoice::Auto,
            long_mode: true,
        }
    }

    fn word(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn an_elf_image_gets_its_information() {
        let f = super::super::elf::tests::sample(0x20_0000, &header(3, [0; 5]));
        let p = super::super::plan(&request(&f)).unwrap();
        assert_eq!((p.entry.mode, p.entry.rip, p.entry.rax), (Mode::Protected32, 0x20_000c, LOADER_MAGIC));
        let (at, info) = p.writes.iter().find(|w| w.0 == p.entry.rbx).unwrap();
        let inside = |field: usize| &info[word(info, field) as usize - *at as usize..];
        assert!(inside(16).starts_with(b"one two\0"));
        assert_eq!(word(info, 20), 1);
        let (start, end) = (word(inside(24), 0), word(inside(24), 4));
        assert_eq!((start % 4096, end - start), (0, 6));
        assert_eq!(word(info, 44) as usize, 24 * e820(request(&f).ram).len());
        assert_eq!((word(inside(48), 0), word(inside(48), 20)), (20, 1));
    }

    #[test]
    fn the_address_fields_load_any_file() {
        let mut f = vec![0x90; 16];
        f.extend(header(ADDRESSES, [0x10_0010, 0x10_0000, 0x10_0040, 0x10_1000, 0x10_0030]));
        f.resize(64, 0xf4);
        let p = super::super::plan(&request(&f)).unwrap();
        assert_eq!(p.entry.rip, 0x10_0030);
        assert!(p.writes.contains(&(0x10_0000, f.clone())));
        f.truncate(60);
        let e = super::super::plan(&request(&f)).unwrap_err().to_string();
        assert_eq!(e, "truncated in the image (load_end_addr): 64 bytes needed, the file has 60");
    }

    #[test]
    fn what_cannot_be_met_is_named() {
        let says = |flags, addresses, want: &str| {
            let e = super::super::plan(&request(&header(flags, addresses))).unwrap_err().to_string();
            assert!(e.contains(want), "{e}");
        };
        says(1 << 4, [0; 5], "multiboot flags: 0x10");
        says(ADDRESSES, [0x10_0000, 0x10_0001, 0, 0, 0], "load_addr");
        says(ADDRESSES, [0x10_0000, 0x10_0000, 0x10_0000, 0, 0], "load_end_addr");
        says(ADDRESSES, [0x10_0000, 0x10_0000, 0, 0x10_0001, 0], "bss_end_addr");
        says(ADDRESSES, [0xf000_0000, 0xf000_0000, 0, 0, 0], "a segment of the kernel");
        says(0, [0; 5], "not an ELF file");
    }
}
