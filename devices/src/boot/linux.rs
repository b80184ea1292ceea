//! Linux bzImage.
//!
//! Document: Linux *Documentation/arch/x86/boot.rst*, "The Real-Mode Kernel Header", "32-bit Boot Protocol", "64-bit Boot
//! Protocol"; *Documentation/arch/x86/zero-page.rst* for the offsets past the header.
//!
//! *Not modelled:* zImage (loaded low) and protocols before 2.02 (Linux 2.4.0-test3), whose command line has no pointer.

use super::{
    BootError, BootPlan, CODE32, CODE64, EBDA, Entry, EntryChoice, LOW_FREE, Layout, Mode, ONE_MIB, Range, Request,
    Segment, acpi, bios_data_area, e820, flat_gdt, identity_map,
};

/// `header`: "HdrS".
const HDRS: &[u8] = b"HdrS";

/// Where `boot_params` goes; for a 16-bit entry the boot sector and setup code, whose header is the same one.
const BOOT_PARAMS: u64 = 0x1_0000;
/// Size of `boot_params`.
const BOOT_PARAMS_LEN: usize = 0x1000;
/// Where the command line of a 32- or 64-bit entry goes; up to the EBDA there is room for any `cmdline_size`.
const CMDLINE: u64 = 0x2_0000;
/// Offset of heap end, stack top and command line in the segment of a 16-bit entry: the value that boot.rst advises
/// for protocol 2.02 and a kernel loaded high.
const HEAP_END: u64 = 0xe000;

/// `loadflags`, LOADED_HIGH.
const LOADED_HIGH: u8 = 1;
/// `loadflags`, CAN_USE_HEAP.
const CAN_USE_HEAP: u8 = 0x80;
/// `xloadflags`, XLF_KERNEL_64.
const XLF_KERNEL_64: u16 = 1;
/// `type_of_loader`: a loader without an assigned number.
const LOADER_UNDEFINED: u8 = 0xff;
/// `initrd_addr_max` before protocol 2.03.
const OLD_INITRD_ADDR_MAX: u64 = 0x37ff_ffff;
/// `cmdline_size` before protocol 2.06.
const OLD_CMDLINE_SIZE: u32 = 255;
/// Offset of the 64-bit entry point from the load address.
const ENTRY_64: u64 = 0x200;
/// Entries that the E820 table of `boot_params` holds.
const E820_MAX: usize = 128;

/// The fields of the header that a loader reads.
struct Header {
    setup_len: usize,
    kernel_len: usize,
    version: u16,
    end: usize,
    initrd_addr_max: u64,
    alignment: u64,
    relocatable: bool,
    xloadflags: u16,
    cmdline_size: u32,
    pref_address: Option<u64>,
    init_size: u64,
}

/// Whether the image has a Linux header.
#[must_use]
pub fn is_linux(image: &[u8]) -> bool {
    image.get(0x202..0x206) == Some(HDRS)
}

fn field<const N: usize>(image: &[u8], at: usize) -> [u8; N] {
    // Past the end a field is zero, as fields past the end of an older header are.
    image.get(at..at + N).and_then(|b| b.try_into().ok()).unwrap_or([0; N])
}

fn u16_at(image: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(field(image, at))
}

fn u32_at(image: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(field(image, at))
}

impl Header {
    fn read(image: &[u8]) -> Result<Self, BootError> {
        let bad = |field, why: String| Err(BootError::Field { field, why });
        let have = image.len() as u64;
        let boot_flag = u16_at(image, 0x1fe);
        if boot_flag != 0xaa55 {
            return bad("boot_flag", format!("{boot_flag:#06x} where 0xaa55 belongs"));
        }
        let version = u16_at(image, 0x206);
        if version < 0x202 {
            let why =
                format!("boot protocol {}.{:02}: 2.02 (Linux 2.4) or later is needed", version >> 8, version & 0xff);
            return bad("version", why);
        }
        if image.get(0x211).is_none_or(|f| f & LOADED_HIGH == 0) {
            return bad("loadflags", "LOADED_HIGH is clear: a zImage; a bzImage is needed".into());
        }
        let sects = match field::<1>(image, 0x1f1)[0] {
            0 => 4, // boot.rst: "for backwards compatibility"
            n => usize::from(n),
        };
        let setup_len = (sects + 1) * 512;
        let kernel_len = u32_at(image, 0x1f4) as u64 * 16;
        let Some(rest) = image.get(setup_len..) else {
            return Err(BootError::Truncated { field: "the setup code (setup_sects)", need: setup_len as u64, have });
        };
        // `syssize` counts paragraphs, so the file may end up to 15 bytes earlier.
        if rest.len() as u64 + 15 < kernel_len || kernel_len == 0 {
            let need = setup_len as u64 + kernel_len.max(1);
            return Err(BootError::Truncated { field: "the protected-mode code (syssize)", need, have });
        }
        let from = |v: u16| version >= v;
        let alignment = if from(0x205) { u64::from(u32_at(image, 0x230)) } else { 0 };
        if from(0x205) && !alignment.is_power_of_two() {
            return bad("kernel_alignment", format!("{alignment:#x} is not a power of two"));
        }
        let pref_address = from(0x20a).then(|| u64::from_le_bytes(field(image, 0x258)));
        Ok(Self {
            setup_len,
            kernel_len: rest.len().min(kernel_len as usize),
            version,
            end: 0x202 + usize::from(field::<1>(image, 0x201)[0]),
            initrd_addr_max: if from(0x203) { u32_at(image, 0x22c).into() } else { OLD_INITRD_ADDR_MAX },
            alignment,
            relocatable: from(0x205) && field::<1>(image, 0x234)[0] != 0,
            xloadflags: if from(0x20c) { u16_at(image, 0x236) } else { 0 },
            cmdline_size: if from(0x206) { u32_at(image, 0x238) } else { OLD_CMDLINE_SIZE },
            pref_address,
            init_size: if from(0x20a) { u32_at(image, 0x260).into() } else { kernel_len },
        })
    }

    /// Where the protected-mode code goes.
    fn load_address(&self) -> Result<u64, BootError> {
        match self.pref_address {
            Some(at) if self.relocatable => {
                if at % self.alignment != 0 || !(ONE_MIB..1 << 32).contains(&at) {
                    let why = format!("{at:#x} is not a multiple of kernel_alignment between 1 MiB and 4 GiB");
                    return Err(BootError::Field { field: "pref_address", why });
                }
                Ok(at)
            }
            _ if self.relocatable => Ok(ONE_MIB.next_multiple_of(self.alignment)),
            _ => Ok(ONE_MIB),
        }
    }
}

/// Works out how to boot a bzImage.
///
/// # Errors
/// [`BootError`] names the field of the header.
pub fn plan(req: &Request<'_>) -> Result<BootPlan, BootError> {
    let image = req.kernel;
    let header = Header::read(image)?;
    let entry = choose_entry(req, &header)?;
    if req.cmdline.len() as u64 > header.cmdline_size.into() || req.cmdline.len() as u64 >= EBDA - CMDLINE {
        let (len, max) = (req.cmdline.len(), header.cmdline_size);
        return Err(BootError::Field {
            field: "cmdline_size",
            why: format!("command line of {len} bytes: this kernel takes {max}"),
        });
    }
    if entry == EntryChoice::Bits16 && req.cmdline.len() as u64 >= 0x1_0000 - HEAP_END {
        let why = format!("command line of {} bytes: the 16-bit entry has room for 8191", req.cmdline.len());
        return Err(BootError::Field { field: "cmd_line_ptr", why });
    }
    if req.cmdline.contains('\0') {
        return Err(BootError::Field { field: "cmd_line_ptr", why: "the command line holds a NUL".into() });
    }

    let mut layout = Layout::new(req.ram)?;
    // Low memory has fixed tenants: `boot_params` or the setup code, the command line, the kernel's trampolines.
    layout.take("low memory", LOW_FREE, EBDA - LOW_FREE)?;
    let load = header.load_address()?;
    // All that the kernel needs before it looks at the memory map, and at least its own bytes.
    layout.take("the kernel (init_size)", load, header.init_size.max(header.kernel_len as u64))?;
    let kernel = image[header.setup_len..][..header.kernel_len].to_vec();
    let mut writes = vec![(load, kernel), bios_data_area()];
    writes.extend(acpi::tables(req.ram));

    let mut initrd_at = (0, 0);
    if let Some(initrd) = req.initrd {
        let len = initrd.len() as u64;
        let at = layout.take_high("the initrd", len, 0x1000, header.initrd_addr_max)?;
        initrd_at = (at as u32, len as u32);
        writes.push((at, initrd.to_vec()));
    }

    let cmdline = if entry == EntryChoice::Bits16 { BOOT_PARAMS + HEAP_END } else { CMDLINE };
    writes.push((cmdline, [req.cmdline.as_bytes(), &[0]].concat()));
    let mut params = if entry == EntryChoice::Bits16 {
        image[..header.setup_len].to_vec()
    } else {
        zero_page(image, &header, &e820(req.ram))
    };
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(slot) = params.get_mut(at..at + bytes.len()) {
            slot.copy_from_slice(bytes);
        }
    };
    put(0x1fa, &0xffffu16.to_le_bytes()); // vid_mode: normal
    put(0x210, &[LOADER_UNDEFINED]);
    put(0x211, &[image[0x211] | CAN_USE_HEAP]);
    put(0x214, &(load as u32).to_le_bytes()); // code32_start
    put(0x218, &initrd_at.0.to_le_bytes()); // ramdisk_image
    put(0x21c, &initrd_at.1.to_le_bytes()); // ramdisk_size
    put(0x224, &(HEAP_END as u16 - 0x200).to_le_bytes()); // heap_end_ptr
    put(0x228, &(cmdline as u32).to_le_bytes()); // cmd_line_ptr
    writes.push((BOOT_PARAMS, params));

    let entry = match entry {
        EntryChoice::Bits16 => real_mode_entry(),
        EntryChoice::Bits64 => {
            writes.extend([flat_gdt(CODE64), identity_map()]);
            Entry { rsi: BOOT_PARAMS, ..Entry::long64(0x10, load + ENTRY_64) }
        }
        EntryChoice::Bits32 | EntryChoice::Auto => {
            writes.push(flat_gdt(CODE32));
            Entry { rsi: BOOT_PARAMS, ..Entry::protected32(0x10, load) }
        }
    };
    Ok(BootPlan { writes, entry })
}

fn choose_entry(req: &Request<'_>, header: &Header) -> Result<EntryChoice, BootError> {
    let kernel_64 = header.xloadflags & XLF_KERNEL_64 != 0;
    match req.entry {
        EntryChoice::Auto if kernel_64 && req.long_mode => Ok(EntryChoice::Bits64),
        EntryChoice::Auto if kernel_64 => Err(BootError::Field {
            field: "xloadflags",
            why: "this is a 64-bit kernel: it needs a --cpu with long mode, such as x86-64-v1".into(),
        }),
        EntryChoice::Auto => Ok(EntryChoice::Bits32),
        EntryChoice::Bits64 if !kernel_64 => Err(BootError::Field {
            field: "xloadflags",
            why: "XLF_KERNEL_64 is clear: no 64-bit entry; 32 would do".into(),
        }),
        EntryChoice::Bits64 if !req.long_mode => {
            Err(BootError::Field { field: "xloadflags", why: "the 64-bit entry needs a --cpu with long mode".into() })
        }
        EntryChoice::Bits16 if header.setup_len as u64 > HEAP_END - 0x400 => Err(BootError::Field {
            field: "setup_sects",
            why: "the setup code leaves no room for heap and stack".into(),
        }),
        other => Ok(other),
    }
}

/// `boot_params`: the kernel's own header over zeros, and the memory map.
fn zero_page(image: &[u8], header: &Header, map: &[Range]) -> Vec<u8> {
    /// Offset of `hdr`; the header ends where its jump instruction says, at most at the next field.
    const HDR: usize = 0x1f1;
    const HDR_END: usize = 0x290;
    let mut page = vec![0; BOOT_PARAMS_LEN];
    let end = header.end.clamp(HDR, HDR_END);
    page[HDR..end].copy_from_slice(&image[HDR..end]);

    let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
    if header.version >= 0x20e {
        put(0x70, &acpi::RSDP.to_le_bytes()); // acpi_rsdp_addr
    }
    // Older kernels read sizes in KiB above 1 MiB, not the map.
    let extended: u64 = map.iter().find(|r| r.base == ONE_MIB).map_or(0, |r| r.len >> 10);
    put(0x002, &(extended.min(0xfc00) as u16).to_le_bytes()); // screen_info.ext_mem_k
    put(0x1e0, &u32::try_from(extended).unwrap_or(u32::MAX).to_le_bytes()); // alt_mem_k
    let count = map.len().min(E820_MAX);
    put(0x1e8, &[count as u8]); // e820_entries
    for (i, r) in map.iter().take(count).enumerate() {
        let entry = [&r.base.to_le_bytes()[..], &r.len.to_le_bytes(), &(r.kind as u32).to_le_bytes()].concat();
        put(0x2d0 + i * 20, &entry);
    }
    page
}

/// Real mode at the second sector of the setup code, segments and stack as boot.rst, "Running the Kernel", says.
fn real_mode_entry() -> Entry {
    let segment = |selector: u16, access| Segment { selector, base: u64::from(selector) << 4, limit: 0xffff, access };
    let base = (BOOT_PARAMS >> 4) as u16;
    Entry {
        mode: Mode::Real,
        rip: 0,
        rax: 0,
        rbx: 0,
        rsi: 0,
        rsp: HEAP_END,
        cs: segment(base + 0x20, 0x009b),
        data: segment(base, 0x0093),
        gdtr: (0, 0xffff),
        cr0: super::CR0_ET,
        cr3: 0,
        cr4: 0,
        efer: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ram;
    use super::*;

    const RAM: Ram = Ram { low: 64 << 20, high: 0 };

    /// A kernel of one setup sector and 4000 bytes of code, protocol 2.15, relocatable to 16 MiB.
    fn kernel() -> Vec<u8> {
        let mut k = vec![0; 1024];
        let mut put = |at: usize, b: &[u8]| k[at..at + b.len()].copy_from_slice(b);
        put(0x1f1, &[1]);
        put(0x1f4, &250u32.to_le_bytes());
        put(0x1fe, &[0x55, 0xaa, 0xeb, 0x6a]);
        put(0x202, HDRS);
        put(0x206, &0x20fu16.to_le_bytes());
        put(0x211, &[1]);
        put(0x22c, &0x7fff_ffffu32.to_le_bytes());
        put(0x230, &0x20_0000u32.to_le_bytes());
        put(0x234, &[1, 21]);
        put(0x236, &XLF_KERNEL_64.to_le_bytes());
        put(0x238, &2047u32.to_le_bytes());
        put(0x258, &0x100_0000u64.to_le_bytes());
        put(0x260, &0x10_0000u32.to_le_bytes());
        k.extend([0xf4; 4000]);
        k
    }

    fn request(kernel: &[u8]) -> Request<'_> {
        Request {
            kernel,
            initrd: Some(b"cpio"),
            cmdline: "console=ttyS0",
            ram: RAM,
            entry: EntryChoice::Auto,
            long_mode: true,
        }
    }

    fn written(plan: &BootPlan, at: u64) -> &[u8] {
        &plan.writes.iter().find(|w| w.0 == at).expect("written").1
    }

    fn error(patch: impl Fn(&mut Vec<u8>)) -> String {
        let mut k = kernel();
        patch(&mut k);
        super::super::plan(&request(&k)).unwrap_err().to_string()
    }

    #[test]
    fn a_64_bit_kernel_starts_in_long_mode() {
        let k = kernel();
        let p = plan(&request(&k)).unwrap();
        assert_eq!((p.entry.mode, p.entry.rip, p.entry.rsi), (Mode::Long64, 0x100_0200, BOOT_PARAMS));
        assert_eq!((p.entry.cs.selector, p.entry.data.selector), (0x10, 0x18));
        assert_eq!(written(&p, 0x100_0000), &k[1024..]);
        assert_eq!(written(&p, CMDLINE), b"console=ttyS0\0");
        let page = written(&p, BOOT_PARAMS);
        assert_eq!(u32_at(page, 0x228), CMDLINE as u32);
        assert_eq!((page[0x210], page[0x211]), (0xff, 0x81));
        let initrd = u32_at(page, 0x218);
        assert_eq!(u64::from(initrd), acpi::tables_base(RAM) - 0x1000);
        assert_eq!((written(&p, initrd.into()), u32_at(page, 0x21c)), (&b"cpio"[..], 4));
        let n = usize::from(page[0x1e8]);
        assert_eq!(n, e820(RAM).len());
        assert_eq!(u64::from_le_bytes(field(page, 0x2d0 + 3 * 20)), ONE_MIB);
    }

    #[test]
    fn a_64_bit_kernel_is_refused_without_long_mode_and_a_32_bit_one_is_not() {
        let k = kernel();
        for entry in [EntryChoice::Auto, EntryChoice::Bits64] {
            let e = plan(&Request { long_mode: false, entry, ..request(&k) }).unwrap_err();
            assert!(e.to_string().contains("--cpu with long mode"), "{e}");
        }
        let mut k = k;
        k[0x236] &= !(XLF_KERNEL_64 as u8);
        let p = plan(&Request { long_mode: false, ..request(&k) }).unwrap();
        assert_eq!((p.entry.mode, p.entry.rip, p.entry.cr3), (Mode::Protected32, 0x100_0000, 0));
    }

    #[test]
    fn the_16_bit_entry_is_the_setup_code_itself() {
        let k = kernel();
        let p = plan(&Request { entry: EntryChoice::Bits16, ..request(&k) }).unwrap();
        assert_eq!((p.entry.cs.base + p.entry.rip, p.entry.data.selector), (0x1_0200, 0x1000));
        let setup = written(&p, BOOT_PARAMS);
        assert_eq!((setup.len(), u32_at(setup, 0x228)), (1024, 0x1_e000));
        assert_eq!((u16_at(setup, 0x224), u32_at(setup, 0x214)), (0xde00, 0x100_0000));
    }

    #[test]
    fn no_two_writes_overlap() {
        for entry in [EntryChoice::Bits16, EntryChoice::Bits32, EntryChoice::Bits64] {
            let k = kernel();
            let mut w: Vec<_> = plan(&Request { entry, ..request(&k) }).unwrap().writes;
            w.sort();
            assert!(w.windows(2).all(|p| p[0].0 + p[0].1.len() as u64 <= p[1].0));
        }
    }

    #[test]
    fn an_initrd_that_would_fit_only_into_low_memory_is_refused() {
        let e = error(|k| k[0x22c..0x230].copy_from_slice(&0x1_4fff_u32.to_le_bytes()));
        assert!(e.contains("the initrd"), "{e}");
    }

    #[test]
    fn each_wrong_field_is_named() {
        let says = |e: String, want: &str| assert!(e.contains(want), "{e}");
        says(error(|k| k[0x1fe] = 0), "boot_flag: 0xaa00");
        says(error(|k| k[0x206] = 1), "boot protocol 2.01");
        says(error(|k| k[0x211] = 0), "zImage");
        says(error(|k| k[0x230..0x234].fill(0)), "kernel_alignment");
        says(error(|k| k[0x258] = 1), "pref_address");
        says(
            error(|k| k.truncate(2000)),
            "truncated in the protected-mode code (syssize): 5024 bytes needed, the file has 2000",
        );
        says(error(|k| k[0x1f1] = 200), "setup_sects");
        says(error(|k| k[0x263] = 0x10), "the kernel (init_size)");
        says(error(|k| k[0x238..0x23c].fill(0)), "command line of 13 bytes: this kernel takes 0");
        says(error(|k| k[0x22c..0x230].fill(0)), "the initrd");
    }

    #[test]
    fn an_old_kernel_is_loaded_at_1_mib() {
        let mut k = kernel();
        k[0x206] = 3;
        let p = plan(&request(&k)).unwrap();
        assert_eq!((p.entry.mode, p.entry.rip), (Mode::Protected32, ONE_MIB));
    }

    #[test]
    fn no_header_byte_makes_it_panic() {
        let whole = kernel();
        for at in 0x1f1..0x270 {
            for v in [0, 1, 0x7f, 0x80, 0xff] {
                let mut k = whole.clone();
                k[at] = v;
                for entry in [EntryChoice::Auto, EntryChoice::Bits16, EntryChoice::Bits32] {
                    let _ = super::super::plan(&Request { entry, ..request(&k) });
                }
            }
        }
        for len in 0..whole.len() {
            assert!(super::super::plan(&request(&whole[..len])).is_err() || len + 15 >= whole.len());
        }
    }
}
