//! CPUID: the answers, of which every feature bit comes from [`super::feature`]. SDM Vol. 2A, "CPUID—CPU Identification".
//!
//! *Not modelled:* processor serial number, thermal and power leaf bits (leaf 6), performance monitoring (0Ah),
//! cores and threads (leaves 4 and 0Bh describe one).

use super::feature::{Feature, Reg};
use super::model::{Model, ModelName};
use super::msr::{MISC_LIMIT_CPUID, TSC_HZ};
use super::state::{CpuState, cr4};

/// "GenuineIntel" in EBX, EDX, ECX.
const VENDOR: [u32; 3] = [0x756e_6547, 0x4965_6e69, 0x6c65_746e];

/// Bytes of the XSAVE area for x87 and SSE: the legacy region and the header.
pub const XSAVE_BYTES: u32 = 512 + 64;

/// EAX, EBX, ECX and EDX for leaf `leaf` and sub-leaf `sub`.
#[must_use]
pub fn cpuid(m: &Model, st: &CpuState, leaf: u32, sub: u32) -> [u32; 4] {
    let max_basic = max_basic(m, st);
    let max_extended = max_extended(m);
    let known = leaf <= max_basic || (0x8000_0000..=max_extended).contains(&leaf);
    // "If a value is entered that is higher than the maximum, the data for the highest basic leaf is returned."
    let leaf = if known { leaf } else { max_basic };
    let mut r = match leaf {
        0 => [max_basic, VENDOR[0], VENDOR[2], VENDOR[1]],
        1 => {
            let line = if m.has(Feature::Clflush) { 64 / 8 } else { 0 };
            [m.signature(), line << 8 | 1 << 16, 0, 0]
        }
        2 => descriptors(m),
        4 => cache(m, sub),
        5 if m.has(Feature::Monitor) => [64, 64, 0, 0],
        0xd if sub == 0 => [super::msr::XCR0_MASK as u32, XSAVE_BYTES, XSAVE_BYTES, 0],
        // Crystal clock of 25 MHz times 40.
        0x15 => [1, 40, (TSC_HZ / 40) as u32, 0],
        0x16 => [(TSC_HZ / 1_000_000) as u32, (TSC_HZ / 1_000_000) as u32, 100, 0],
        0x8000_0000 => [max_extended, 0, 0, 0],
        0x8000_0002..=0x8000_0004 => brand(m, leaf - 0x8000_0002),
        // L2: 64-byte lines, 8-way (code 6), 256 KiB.
        0x8000_0006 => [0, 0, 256 << 16 | 6 << 12 | 64, 0],
        0x8000_0008 => [m.phys_bits | 48 << 8, 0, 0, 0],
        _ => [0; 4],
    };
    for row in m.features.rows() {
        if let Some(at) = row.cpuid
            && (at.leaf, at.subleaf) == (leaf, if has_subleaves(leaf) { sub } else { 0 })
        {
            r[at.reg as usize] |= 1 << at.bit;
        }
    }
    dynamic(m, st, leaf, &mut r);
    r
}

/// Bits that follow the state.
fn dynamic(m: &Model, st: &CpuState, leaf: u32, r: &mut [u32; 4]) {
    if leaf == 1 && st.cr4 & cr4::OSXSAVE != 0 {
        r[Reg::Ecx as usize] |= 1 << 27;
    }
    // Intel processors show SYSCALL in 64-bit mode only.
    if leaf == 0x8000_0001
        && !st.code64()
        && m.has(Feature::Syscall)
        && let Some(at) = Feature::Syscall.row().cpuid
    {
        r[at.reg as usize] &= !(1 << at.bit);
    }
}

const fn has_subleaves(leaf: u32) -> bool {
    matches!(leaf, 4 | 7 | 0xb | 0xd)
}

fn max_basic(m: &Model, st: &CpuState) -> u32 {
    let max = match m.name {
        _ if m.has(Feature::Xsave) => 0x16,
        ModelName::Max => 0x16,
        _ if m.features.rows().any(|r| r.cpuid.is_some_and(|c| c.leaf == 7)) => 0xb,
        ModelName::X86_64V2 => 0xb,
        ModelName::X86_64V1 => 5,
        ModelName::Pentium3 | ModelName::Pentium4 => 2,
        _ => 1,
    };
    if st.msr.misc_enable & MISC_LIMIT_CPUID != 0 { max.min(3) } else { max }
}

/// 0 where there are no extended leaves.
fn max_extended(m: &Model) -> u32 {
    match m.name {
        ModelName::X86_64V1 | ModelName::X86_64V2 | ModelName::Max => 0x8000_0008,
        _ if m.features.rows().any(|r| r.cpuid.is_some_and(|c| c.leaf > 0x8000_0000)) => 0x8000_0008,
        ModelName::Pentium4 => 0x8000_0004,
        _ => 0,
    }
}

/// Leaf 2, cache and TLB descriptors; AL says that one call gives them all.
const fn descriptors(m: &Model) -> [u32; 4] {
    match m.family() {
        // 4-KiB and 4-MiB TLBs; L1 16 + 16 KiB; L2 256 KiB, 8-way (82h).
        6 if matches!(m.name, ModelName::Pentium3) => [0x0302_0101, 0, 0, 0x0c04_0882],
        // Instruction TLB (50h), data TLB (5Bh), L1 8 KiB (66h); trace cache (70h), L2 512 KiB (7Bh).
        15 => [0x665b_5001, 0, 0, 0x007b_7000],
        // Leaf 4 describes the caches (FFh).
        6 => [0x0000_ff01, 0, 0, 0],
        _ => [0; 4],
    }
}

/// Leaf 4, one cache a sub-leaf: type, level, ways, size.
fn cache(m: &Model, sub: u32) -> [u32; 4] {
    // (type, level, ways, KiB): 32 + 32 KiB L1, 256 KiB L2, 8 MiB L3; on family 15 16 KiB L1 and 1 MiB L2.
    let caches: &[(u32, u32, u32, u32)] = if m.family() == 15 {
        &[(1, 1, 8, 16), (3, 2, 8, 1024)]
    } else {
        &[(1, 1, 8, 32), (2, 1, 8, 32), (3, 2, 8, 256), (3, 3, 16, 8192)]
    };
    let Some(&(kind, level, ways, kib)) = caches.get(sub as usize) else { return [0; 4] };
    let sets = kib * 1024 / (64 * ways);
    [kind | level << 5 | 1 << 8, (ways - 1) << 22 | (64 - 1), sets - 1, 0]
}

/// A third of the brand string.
fn brand(m: &Model, part: u32) -> [u32; 4] {
    let text: &str = match m.name {
        ModelName::Max => "Ferrite virtual CPU",
        ModelName::X86_64V2 => "Ferrite virtual CPU x86-64-v2",
        ModelName::X86_64V1 => "Ferrite virtual CPU x86-64-v1",
        ModelName::Pentium4 => "Intel(R) Pentium(R) 4 CPU 1.00GHz",
        _ => "Ferrite virtual CPU",
    };
    let mut bytes = [0u8; 48];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    let at = part as usize * 16;
    std::array::from_fn(|n| {
        let b = &bytes[at + 4 * n..];
        u32::from_le_bytes([b[0], b[1], b[2], b[3]])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::feature::ROWS;

    fn ask(text: &str, leaf: u32, sub: u32) -> [u32; 4] {
        let m = Model::parse(text).unwrap();
        cpuid(&m, &m.reset_state(), leaf, sub)
    }

    #[test]
    fn the_vendor_is_spelled_out() {
        let [max, b, c, d] = ask("pentium3", 0, 0);
        let text: Vec<u8> = [b, d, c].iter().flat_map(|r| r.to_le_bytes()).collect();
        assert_eq!((max, text.as_slice()), (2, &b"GenuineIntel"[..]));
    }

    #[test]
    fn every_feature_of_a_model_shows_in_its_bit_and_no_other_does() {
        for (name, text) in ModelName::ALL.into_iter().skip(3) {
            let m = Model::new(name);
            for row in ROWS {
                let Some(at) = row.cpuid else { continue };
                if row.feature == Feature::Syscall {
                    continue;
                }
                let reach = at.leaf <= max_basic(&m, &m.reset_state()) || at.leaf > 0x7fff_ffff;
                let r = ask(text, at.leaf, at.subleaf);
                if reach && (at.leaf < 0x8000_0000 || at.leaf <= max_extended(&m)) {
                    assert_eq!(r[at.reg as usize] >> at.bit & 1 != 0, m.has(row.feature), "{} on {text}", row.name);
                } else {
                    assert!(!m.has(row.feature), "{} on {text} is out of reach", row.name);
                }
            }
        }
    }

    #[test]
    fn syscall_shows_in_64_bit_mode_only() {
        let m = Model::new(ModelName::Max);
        let mut st = m.reset_state();
        assert_eq!(cpuid(&m, &st, 0x8000_0001, 0)[3] >> 11 & 1, 0);
        st.msr.efer = super::super::state::efer::LMA;
        st.seg[1].attr |= super::super::segment::attr::L;
        assert_eq!(cpuid(&m, &st, 0x8000_0001, 0)[3] >> 11 & 1, 1);
    }

    #[test]
    fn osxsave_follows_cr4() {
        let m = Model::new(ModelName::Max);
        let mut st = m.reset_state();
        assert_eq!(cpuid(&m, &st, 1, 0)[2] >> 27 & 1, 0);
        st.cr4 = cr4::OSXSAVE;
        assert_eq!(cpuid(&m, &st, 1, 0)[2] >> 27 & 1, 1);
    }

    #[test]
    fn a_leaf_past_the_last_answers_as_the_highest_basic_one() {
        assert_eq!(ask("pentium", 0x8000_0000, 0), ask("pentium", 1, 0));
        assert_eq!(ask("pentium3", 0x4000_0000, 0), ask("pentium3", 2, 0));
    }

    #[test]
    fn a_leaf_7_feature_switched_on_by_hand_can_be_seen() {
        assert_eq!(ask("x86-64-v1,+smep", 7, 0)[1], 1 << 7);
        assert_eq!(ask("x86-64-v1,+smep", 7, 1), [0; 4]);
    }

    #[test]
    fn the_brand_string_names_ferrite() {
        let text: Vec<u8> = (2..5).flat_map(|n| ask("max", 0x8000_0000 + n, 0)).flat_map(u32::to_le_bytes).collect();
        assert!(text.starts_with(b"Ferrite virtual CPU\0"));
    }

    #[test]
    fn the_time_stamp_counter_s_frequency_is_that_of_leaf_15h() {
        let [den, num, crystal, _] = ask("max", 0x15, 0);
        assert_eq!(u64::from(crystal) * u64::from(num) / u64::from(den), TSC_HZ);
    }
}
