//! ACPI tables of the i440FX/PIIX3 machine: RSDP, RSDT, FADT, FACS, DSDT.
//!
//! Document: *ACPI Specification 1.0b*, "ACPI Software Programming Model".
//!
//! Version 1.0 throughout (no XSDT), which every operating system that knows ACPI reads. The machine is always in ACPI
//! mode: SMI_CMD is 0 and the power management block's SCI_EN is wired to 1.
//!
//! *Not modelled:* MADT (no APIC yet), HPET, general-purpose events, sleep states other than S5.

use super::aml::{self, Op2, Space};
use super::{EBDA, Ram};

/// I/O base of the power management block: PM1 status and enable, PM1 control at +4, PM timer at +8.
pub const PM_BASE: u16 = 0xb000;
/// The interrupt that the power management block raises.
pub const SCI_IRQ: u8 = 9;
/// SLP_TYP that PM1 control takes for soft off, as in the PIIX4 ("SUS_TYP", 000).
pub const SLP_TYP_S5: u8 = 0;

/// Where the RSDP is: the first 16-byte boundary of the extended BIOS data area past its size byte.
pub const RSDP: u64 = EBDA + 0x10;

/// Room for the tables at the top of the memory below the PCI hole.
const AREA: u64 = 0x1_0000;
/// Room for the FACS at the end of it.
const FACS_AREA: u64 = 0x1000;
/// Offsets within the area.
const RSDT_AT: u64 = 0;
const FADT_AT: u64 = 0x40;
const DSDT_AT: u64 = 0x100;

/// Where the tables begin.
#[must_use]
pub fn tables_base(ram: Ram) -> u64 {
    (ram.low & !(AREA - 1)).saturating_sub(AREA)
}

/// Where the FACS is.
#[must_use]
pub fn facs_base(ram: Ram) -> u64 {
    tables_base(ram) + AREA - FACS_AREA
}

/// All tables with their addresses. `ram.low` is at least 2 MiB.
#[must_use]
pub fn tables(ram: Ram) -> Vec<(u64, Vec<u8>)> {
    let base = tables_base(ram);
    let dsdt = table(*b"DSDT", 1, &dsdt(ram));
    let fadt = table(*b"FACP", 1, &fadt((base + DSDT_AT) as u32, facs_base(ram) as u32));
    let rsdt = table(*b"RSDT", 1, &((base + FADT_AT) as u32).to_le_bytes());
    let mut ebda = vec![1; 1]; // its own size in KiB
    ebda.resize((RSDP - EBDA) as usize, 0);
    ebda.extend(rsdp((base + RSDT_AT) as u32));
    vec![(EBDA, ebda), (base + RSDT_AT, rsdt), (base + FADT_AT, fadt), (base + DSDT_AT, dsdt), (facs_base(ram), facs())]
}

/// The byte that makes the sum of all zero.
fn checksum(bytes: &[u8]) -> u8 {
    0u8.wrapping_sub(bytes.iter().fold(0, |s, b| s.wrapping_add(*b)))
}

/// "System Description Table Header" and `body`.
fn table(signature: [u8; 4], revision: u8, body: &[u8]) -> Vec<u8> {
    let len = (36 + body.len()) as u32;
    let mut out = [&signature[..], &len.to_le_bytes(), &[revision, 0], b"FERRIT", b"FERRITE "].concat();
    out.extend([&1u32.to_le_bytes()[..], b"FERR", &1u32.to_le_bytes(), body].concat());
    out[9] = checksum(&out);
    out
}

/// "Root System Description Pointer".
fn rsdp(rsdt: u32) -> Vec<u8> {
    let mut out = [b"RSD PTR ", &[0][..], b"FERRIT", &[0], &rsdt.to_le_bytes()].concat();
    out[8] = checksum(&out);
    out
}

/// "Firmware ACPI Control Structure": no waking vector, no global lock user.
fn facs() -> Vec<u8> {
    let mut out = vec![0; 64];
    out[..4].copy_from_slice(b"FACS");
    out[4] = 64;
    out
}

/// "Fixed ACPI Description Table" past its header; offsets are the specification's, which count the header.
fn fadt(dsdt: u32, facs: u32) -> Vec<u8> {
    /// WBINVD, PROC_C1, PWR_BUTTON and SLP_BUTTON (neither exists), FIX_RTC (no wake-up status).
    const FLAGS: u32 = 1 | 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6;
    let mut out = vec![0; 116];
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    let port = |p: u16| u32::from(p).to_le_bytes();
    put(36, &facs.to_le_bytes());
    put(40, &dsdt.to_le_bytes());
    put(46, &u16::from(SCI_IRQ).to_le_bytes());
    put(56, &port(PM_BASE)); // PM1a_EVT_BLK
    put(64, &port(PM_BASE + 4)); // PM1a_CNT_BLK
    put(76, &port(PM_BASE + 8)); // PM_TMR_BLK
    put(88, &[4, 2, 0, 4]); // lengths of PM1_EVT, PM1_CNT, PM2_CNT, PM_TM
    put(96, &0xffffu16.to_le_bytes()); // P_LVL2_LAT: no C2
    put(98, &0xffffu16.to_le_bytes()); // P_LVL3_LAT: no C3
    put(108, &[0x32]); // CENTURY, index into CMOS
    put(112, &FLAGS.to_le_bytes());
    out.split_off(36)
}

/// The AML: S5, the PCI root bridge with its interrupt routing, and the devices behind the ISA bridge.
fn dsdt(ram: Ram) -> Vec<u8> {
    let s5 = [SLP_TYP_S5, SLP_TYP_S5, 0, 0].map(|v| aml::int(v.into()));
    let links: Vec<_> = (0..4).map(link).collect();
    let fields = aml::byte_fields("PCI0.ISA_.PIRQ", &["PRQA", "PRQB", "PRQC", "PRQD"]);
    [
        aml::name_is("\\_S5", &aml::package(&s5)),
        aml::scope("\\_SB", &[root_bridge(ram)]),
        aml::scope("\\_SB", &[fields, links.concat()]),
    ]
    .concat()
}

fn root_bridge(ram: Ram) -> Vec<u8> {
    let hole = ram.low.clamp(0x8000_0000, 0xf000_0000) as u32;
    let crs = [
        aml::bridge(Space::Bus, 0, 0xff),
        aml::io(0xcf8, 8), // the configuration ports are the bridge's own
        aml::bridge(Space::Io, 0, 0xcf7),
        aml::bridge(Space::Io, 0xd00, 0xffff),
        aml::bridge(Space::Memory, 0xa_0000, 0xb_ffff),
        aml::bridge(Space::Memory, hole, 0xfebf_ffff),
    ];
    aml::device(
        "PCI0",
        &[
            aml::name_is("_HID", &aml::eisa_id("PNP0A03")),
            aml::name_is("_UID", &aml::int(0)),
            aml::name_is("_CRS", &aml::resources(&crs)),
            aml::name_is("_PRT", &routing()),
            isa_bridge(),
        ],
    )
}

/// Interrupt pin 0 to 3 of a slot goes to PIRQ A to D, rotated by slot so that pin A of the slots is spread evenly. Slot 1
/// (the PIIX3) is not rotated.
#[must_use]
pub fn pirq_of(slot: u8, pin: u8) -> u8 {
    slot.wrapping_add(pin).wrapping_sub(1) & 3
}

const LINK_NAMES: [&str; 4] = ["LNKA", "LNKB", "LNKC", "LNKD"];
const FIELD_NAMES: [&str; 4] = ["PRQA", "PRQB", "PRQC", "PRQD"];

/// `_PRT`: every pin of every slot to its link device.
fn routing() -> Vec<u8> {
    let entry = |slot: u8, pin: u8| {
        let link = LINK_NAMES[usize::from(pirq_of(slot, pin))];
        let address = u32::from(slot) << 16 | 0xffff;
        aml::package(&[aml::int(address), aml::int(pin.into()), aml::name(link), aml::int(0)])
    };
    let all: Vec<_> = (0..32).flat_map(|slot| (0..4).map(move |pin| entry(slot, pin))).collect();
    aml::package(&all)
}

/// A PCI interrupt link over a PIRQRC register of the PIIX3: bit 7 off, bits 3:0 the IRQ.
fn link(i: usize) -> Vec<u8> {
    let reg = aml::name(FIELD_NAMES[i]);
    let irqs = aml::irq_shared(&[5, 10, 11]);
    let buffer = aml::name("BUFF");
    aml::device(
        LINK_NAMES[i],
        &[
            aml::name_is("_HID", &aml::eisa_id("PNP0C0F")),
            aml::name_is("_UID", &aml::int(i as u32 + 1)),
            aml::name_is("_PRS", &aml::resources(&[irqs])),
            aml::name_is("BUFF", &aml::resources(&[aml::irq_shared(&[])])),
            aml::word_field(&buffer, 1, "IRQW"),
            aml::method(
                "_STA",
                0,
                &[
                    // present and working, not decoding
                    aml::when(&aml::op2(Op2::And, &reg, &aml::int(0x80), &[]), &[aml::ret(&aml::int(9))]),
                    aml::ret(&aml::int(11)),
                ],
            ),
            aml::method("_DIS", 0, &[aml::op2(Op2::Or, &reg, &aml::int(0x80), &reg)]),
            aml::method(
                "_CRS",
                0,
                &[
                    aml::store(&aml::int(0), &aml::name("IRQW")),
                    aml::when(
                        // Off leaves no IRQ in the mask.
                        &aml::not(&aml::op2(Op2::And, &reg, &aml::int(0x80), &[])),
                        &[
                            aml::op2(Op2::And, &reg, &aml::int(15), aml::LOCAL0),
                            aml::op2(Op2::ShiftLeft, &aml::int(1), aml::LOCAL0, &aml::name("IRQW")),
                        ],
                    ),
                    aml::ret(&buffer),
                ],
            ),
            aml::method(
                "_SRS",
                1,
                &[
                    aml::word_field(aml::ARG0, 1, "IRQS"),
                    aml::find_set_right_bit(&aml::name("IRQS"), aml::LOCAL0),
                    aml::decrement(aml::LOCAL0),
                    aml::store(aml::LOCAL0, &reg),
                ],
            ),
        ],
    )
}

/// The PIIX3 ISA bridge, slot 1, and what is behind it.
fn isa_bridge() -> Vec<u8> {
    let isa = |path, id, uid: u32, crs: &[Vec<u8>]| {
        aml::device(
            path,
            &[
                aml::name_is("_HID", &aml::eisa_id(id)),
                aml::name_is("_UID", &aml::int(uid)),
                aml::name_is("_CRS", &aml::resources(crs)),
            ],
        )
    };
    aml::device(
        "ISA_",
        &[
            aml::name_is("_ADR", &aml::int(0x1_0000)),
            aml::pci_config_region("PIRQ", 0x60, 4), // PIRQRC A to D
            isa("PIC_", "PNP0000", 0, &[aml::io(0x20, 2), aml::io(0xa0, 2), aml::io(0x4d0, 2), aml::irq(&[2])]),
            isa("TIMR", "PNP0100", 0, &[aml::io(0x40, 4), aml::irq(&[0])]),
            isa("RTC_", "PNP0B00", 0, &[aml::io(0x70, 2), aml::irq(&[8])]),
            isa("KBD_", "PNP0303", 0, &[aml::io(0x60, 1), aml::io(0x64, 1), aml::irq(&[1])]),
            isa("MOU_", "PNP0F13", 0, &[aml::irq(&[12])]),
            isa("COM1", "PNP0501", 1, &[aml::io(0x3f8, 8), aml::irq(&[4])]),
            isa("COM2", "PNP0501", 2, &[aml::io(0x2f8, 8), aml::irq(&[3])]),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAM: Ram = Ram { low: 64 << 20, high: 0 };

    fn at(addr: u64) -> Vec<u8> {
        tables(RAM).into_iter().find(|t| t.0 == addr).expect("a table").1
    }

    fn pointer(bytes: &[u8], at: usize) -> u64 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()).into()
    }

    #[test]
    fn the_chain_of_pointers_ends_in_each_table() {
        let rsdp = at(EBDA).split_off(0x10);
        assert_eq!((&rsdp[..8], checksum(&rsdp)), (&b"RSD PTR "[..], 0));
        let rsdt = at(pointer(&rsdp, 16));
        let fadt = at(pointer(&rsdt, 36));
        let dsdt = at(pointer(&fadt, 40));
        for (t, name) in [(&rsdt, b"RSDT"), (&fadt, b"FACP"), (&dsdt, b"DSDT")] {
            assert_eq!((&t[..4], checksum(t), pointer(t, 4)), (&name[..], 0, t.len() as u64));
        }
        assert_eq!(fadt.len(), 116);
        assert!(at(pointer(&fadt, 36)).starts_with(b"FACS"));
        assert!(RSDP.is_multiple_of(16));
    }

    #[test]
    fn the_tables_do_not_overlap() {
        let mut t = tables(RAM);
        t.sort();
        assert!(t.windows(2).all(|w| w[0].0 + w[0].1.len() as u64 <= w[1].0));
        assert!(t.iter().all(|(a, b)| *a + b.len() as u64 <= RAM.low));
    }

    #[test]
    fn pins_rotate_over_the_links() {
        assert_eq!([pirq_of(1, 0), pirq_of(1, 3), pirq_of(2, 0), pirq_of(0, 0), pirq_of(3, 1)], [0, 3, 1, 3, 3]);
    }

    /// Writes the DSDT for a disassembler: `FERRITE_DSDT=FILE cargo test -p ferrite-devices dsdt`.
    #[test]
    fn the_dsdt_can_be_written_out_for_a_disassembler() {
        let dsdt = table(*b"DSDT", 1, &dsdt(RAM));
        assert_eq!(checksum(&dsdt), 0);
        if let Some(path) = std::env::var_os("FERRITE_DSDT") {
            std::fs::write(path, dsdt).unwrap();
        }
    }
}
