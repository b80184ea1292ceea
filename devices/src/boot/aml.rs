//! Encoding of the few ACPI Machine Language terms that the DSDT needs.
//!
//! Document: *ACPI Specification 1.0b*, "ACPI Machine Language (AML) Specification"; "Resource Data Types for ACPI".

/// AML bytes.
pub type Aml = Vec<u8>;

/// A name of one or more 4-character segments apart by dots; `\` first means the root.
pub fn name(path: &str) -> Aml {
    let (mut out, rest) = match path.strip_prefix('\\') {
        Some(rest) => (vec![b'\\'], rest),
        None => (Vec::new(), path),
    };
    let segs: Vec<&str> = rest.split('.').filter(|s| !s.is_empty()).collect();
    match segs.len() {
        0 => out.push(0),
        1 => {}
        2 => out.push(0x2e),              // DualNamePrefix
        n => out.extend([0x2f, n as u8]), // MultiNamePrefix
    }
    for seg in segs {
        out.extend(seg.bytes().chain(*b"____").take(4));
    }
    out
}

/// An integer in its shortest form.
pub fn int(val: u32) -> Aml {
    match val {
        0 | 1 => vec![val as u8],
        2..=0xff => vec![0x0a, val as u8],
        0x100..=0xffff => [&[0x0b][..], &(val as u16).to_le_bytes()].concat(),
        _ => [&[0x0c][..], &val.to_le_bytes()].concat(),
    }
}

/// `op PkgLength body`. The length counts its own bytes.
fn package_op(op: &[u8], body: &[u8]) -> Aml {
    [op, &pkg_length(body.len(), true), body].concat()
}

fn pkg_length(body: usize, with_itself: bool) -> Aml {
    for extra in 0..4 {
        let len = body + if with_itself { extra + 1 } else { 0 };
        if extra == 0 && len < 0x40 {
            return vec![len as u8];
        }
        if extra > 0 && len >> (4 + 8 * extra) == 0 {
            let lead = (extra << 6 | len & 15) as u8;
            return [&[lead][..], &(len >> 4).to_le_bytes()[..extra]].concat();
        }
    }
    Vec::new() // 256 MiB of AML: not reachable from the fixed tables that use this
}

/// `Name (path, value)`.
pub fn name_is(path: &str, value: &[u8]) -> Aml {
    [&[0x08][..], &name(path), value].concat()
}

/// `Scope (path) {body}`.
pub fn scope(path: &str, body: &[Aml]) -> Aml {
    package_op(&[0x10], &[name(path), body.concat()].concat())
}

/// `Device (path) {body}`.
pub fn device(path: &str, body: &[Aml]) -> Aml {
    package_op(&[0x5b, 0x82], &[name(path), body.concat()].concat())
}

/// `Method (path, args) {body}`, not serialized.
pub fn method(path: &str, args: u8, body: &[Aml]) -> Aml {
    package_op(&[0x14], &[name(path), vec![args], body.concat()].concat())
}

/// `Package () {items}`, at most 255.
pub fn package(items: &[Aml]) -> Aml {
    package_op(&[0x12], &[vec![items.len() as u8], items.concat()].concat())
}

/// `ResourceTemplate () {items}`: a buffer with the end tag.
pub fn resources(items: &[Aml]) -> Aml {
    let bytes = [items.concat(), vec![0x79, 0]].concat();
    package_op(&[0x11], &[int(bytes.len() as u32), bytes].concat())
}

/// `EisaId ("PNP0A03")`.
pub fn eisa_id(id: &str) -> Aml {
    let letters = id.bytes().take(3).fold(0u16, |v, c| v << 5 | u16::from(c.wrapping_sub(0x40) & 31));
    let number = id.get(3..).and_then(|h| u16::from_str_radix(h, 16).ok()).unwrap_or(0);
    [&[0x0c][..], &letters.to_be_bytes(), &number.to_be_bytes()].concat()
}

/// `OperationRegion (path, PCI_Config, offset, len)`.
pub fn pci_config_region(path: &str, offset: u32, len: u32) -> Aml {
    [vec![0x5b, 0x80], name(path), vec![0x02], int(offset), int(len)].concat()
}

/// `Field (region, ByteAcc, NoLock, Preserve) {names of 8 bits each}`.
pub fn byte_fields(region: &str, names: &[&str]) -> Aml {
    let list = names.iter().flat_map(|n| [name(n), pkg_length(8, false)].concat());
    package_op(&[0x5b, 0x81], &[name(region), vec![0x01], list.collect()].concat())
}

/// `Return (value)`.
pub fn ret(value: &[u8]) -> Aml {
    [&[0xa4][..], value].concat()
}

/// `If (predicate) {body}`.
pub fn when(predicate: &[u8], body: &[Aml]) -> Aml {
    package_op(&[0xa0], &[predicate, &body.concat()].concat())
}

/// Two operands and a target: `And`, `Or`, `ShiftLeft`.
#[derive(Clone, Copy)]
pub enum Op2 {
    ShiftLeft = 0x79,
    And = 0x7b,
    Or = 0x7d,
}

/// `op (a, b, target)`; an empty target is none.
pub fn op2(op: Op2, a: &[u8], b: &[u8], target: &[u8]) -> Aml {
    let none: &[u8] = &[0];
    [&[op as u8][..], a, b, if target.is_empty() { none } else { target }].concat()
}

/// `LNot (value)`.
pub fn not(value: &[u8]) -> Aml {
    [&[0x92][..], value].concat()
}

/// `CreateWordField (buffer, index, path)`.
pub fn word_field(buffer: &[u8], index: u32, path: &str) -> Aml {
    [&[0x8b][..], buffer, &int(index), &name(path)].concat()
}

/// `FindSetRightBit (source, target)`: counted from 1, 0 if there is none.
pub fn find_set_right_bit(source: &[u8], target: &[u8]) -> Aml {
    [&[0x82][..], source, target].concat()
}

/// `Decrement (target)`.
pub fn decrement(target: &[u8]) -> Aml {
    [&[0x76][..], target].concat()
}

/// `Store (source, target)`.
pub fn store(source: &[u8], target: &[u8]) -> Aml {
    [&[0x70][..], source, target].concat()
}

/// `Local0`.
pub const LOCAL0: &[u8] = &[0x60];
/// `Arg0`.
pub const ARG0: &[u8] = &[0x68];

/// `IO (Decode16, base, base, 1, len)`.
pub fn io(base: u16, len: u8) -> Aml {
    let b = base.to_le_bytes();
    vec![0x47, 1, b[0], b[1], b[0], b[1], 1, len]
}

/// `IRQNoFlags () {irqs}`: edge, active high.
pub fn irq(irqs: &[u8]) -> Aml {
    let mask = irqs.iter().fold(0u16, |m, i| m | 1 << (i & 15));
    [&[0x22][..], &mask.to_le_bytes()].concat()
}

/// `IRQ (Level, ActiveLow, Shared) {irqs}`.
pub fn irq_shared(irqs: &[u8]) -> Aml {
    let mut out = irq(irqs);
    out[0] = 0x23;
    out.push(0x18);
    out
}

/// What a bridge passes on. "WORD Address Space Descriptor", "DWORD Address Space Descriptor".
#[derive(Clone, Copy)]
pub enum Space {
    Bus,
    Io,
    Memory,
}

/// A range that a bridge passes on, both ends fixed.
pub fn bridge(space: Space, min: u32, max: u32) -> Aml {
    /// _MIF and _MAF.
    const FIXED: u8 = 0x0c;
    let (kind, specific) = match space {
        Space::Memory => (0, 1), // read-write
        Space::Io => (1, 3),     // entire range
        Space::Bus => (2, 0),
    };
    let fields = [0, min, max, 0, max.wrapping_sub(min).wrapping_add(1)]; // granularity, min, max, translation, length
    match space {
        Space::Memory => {
            let mut out = vec![0x87, 0x17, 0, kind, FIXED, specific];
            out.extend(fields.iter().flat_map(|f| f.to_le_bytes()));
            out
        }
        Space::Io | Space::Bus => {
            let mut out = vec![0x88, 0x0d, 0, kind, FIXED, specific];
            out.extend(fields.iter().flat_map(|f| (*f as u16).to_le_bytes()));
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_their_prefixes() {
        assert_eq!(name("\\_S5"), b"\\_S5_");
        assert_eq!(name("\\_SB.PCI0"), b"\\\x2e_SB_PCI0");
        assert_eq!(name("A.B.C"), b"\x2f\x03A___B___C___");
    }

    #[test]
    fn a_package_length_counts_itself() {
        assert_eq!(pkg_length(0x3e, true), [0x3f]);
        assert_eq!(pkg_length(0x3f, true), [0x41, 0x04], "two bytes: 0x41 in all");
        assert_eq!(pkg_length(0xffd, true), [0x4f, 0xff]);
        assert_eq!(pkg_length(0xffe, true), [0x81, 0x00, 0x01]);
        assert_eq!(pkg_length(8, false), [8]);
    }

    #[test]
    fn an_eisa_id_is_compressed() {
        assert_eq!(eisa_id("PNP0A03"), [0x0c, 0x41, 0xd0, 0x0a, 0x03]);
    }
}
