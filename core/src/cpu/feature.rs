//! The one table of features: where CPUID shows each, what the command line calls it, which instructions and which
//! bits of CR4 and EFER it opens, and what it needs. SDM Vol. 2A, "CPUID"; Vol. 3A, "Control Registers".
//!
//! CPUID, the decoder and the reserved-bit checks all read this table, so they cannot disagree.

use crate::cpu::state::{cr4, efer};
use iced_x86::CpuidFeature as Gate;

/// A register of CPUID's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Reg {
    Eax = 0,
    Ebx = 1,
    Ecx = 2,
    Edx = 3,
}

/// Where CPUID shows a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuidBit {
    /// EAX on input.
    pub leaf: u32,
    /// ECX on input.
    pub subleaf: u32,
    /// Which register of the answer.
    pub reg: Reg,
    /// Which bit.
    pub bit: u32,
}

/// One feature.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub feature: Feature,
    /// The command line's name for it.
    pub name: &'static str,
    /// Where CPUID shows it; `None` for one that has no bit.
    pub cpuid: Option<CpuidBit>,
    /// The instructions that come with it, as the decoder groups them.
    pub gates: &'static [Gate],
    /// CR4 bits that may be set.
    pub cr4: u64,
    /// EFER bits that may be set.
    pub efer: u64,
    /// Features without which it makes no sense.
    pub needs: &'static [Feature],
}

macro_rules! place {
    (-) => {
        None
    };
    ($leaf:literal / $sub:literal $reg:ident $bit:literal) => {
        Some(CpuidBit { leaf: $leaf, subleaf: $sub, reg: Reg::$reg, bit: $bit })
    };
}

macro_rules! features {
    ($($id:ident $name:literal ($($place:tt)*) [$($gate:ident)*] cr4 $cr4:expr; efer $efer:expr; needs [$($need:ident)*])*) => {
        /// A feature that a model has or lacks. The names are those of the table's lines.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        #[repr(u8)]
        pub enum Feature {
            $($id,)*
        }

        /// The table, in the order of [`Feature`].
        pub const ROWS: &[Row] = &[
            $(Row {
                feature: Feature::$id,
                name: $name,
                cpuid: place!($($place)*),
                gates: &[$(Gate::$gate),*],
                cr4: $cr4,
                efer: $efer,
                needs: &[$(Feature::$need),*],
            },)*
        ];
    };
}

features! {
    // Without a CPUID bit.
    Fpu "fpu" (1/0 Edx 0) [FPU FPU287 FPU387] cr4 0; efer 0; needs []
    Cpuid "cpuid" (-) [CPUID] cr4 0; efer 0; needs []
    Nopl "nopl" (-) [MULTIBYTENOP] cr4 0; efer 0; needs [Cpuid]
    Pmc "pmc" (-) [RDPMC] cr4 cr4::PCE; efer 0; needs [Cpuid Msr]
    // Leaf 1, EDX.
    Vme "vme" (1/0 Edx 1) [] cr4 cr4::VME | cr4::PVI; efer 0; needs [Cpuid]
    De "de" (1/0 Edx 2) [] cr4 cr4::DE; efer 0; needs [Cpuid]
    Pse "pse" (1/0 Edx 3) [] cr4 cr4::PSE; efer 0; needs [Cpuid]
    Tsc "tsc" (1/0 Edx 4) [TSC] cr4 cr4::TSD; efer 0; needs [Cpuid]
    Msr "msr" (1/0 Edx 5) [MSR] cr4 0; efer 0; needs [Cpuid]
    Pae "pae" (1/0 Edx 6) [] cr4 cr4::PAE; efer 0; needs [Cpuid]
    Mce "mce" (1/0 Edx 7) [] cr4 cr4::MCE; efer 0; needs [Cpuid]
    Cx8 "cx8" (1/0 Edx 8) [CX8] cr4 0; efer 0; needs [Cpuid]
    Apic "apic" (1/0 Edx 9) [] cr4 0; efer 0; needs [Cpuid]
    Sep "sep" (1/0 Edx 11) [SEP] cr4 0; efer 0; needs [Msr]
    Mtrr "mtrr" (1/0 Edx 12) [] cr4 0; efer 0; needs [Msr]
    Pge "pge" (1/0 Edx 13) [] cr4 cr4::PGE; efer 0; needs [Cpuid]
    Mca "mca" (1/0 Edx 14) [] cr4 0; efer 0; needs [Msr Mce]
    Cmov "cmov" (1/0 Edx 15) [CMOV] cr4 0; efer 0; needs [Cpuid]
    Pat "pat" (1/0 Edx 16) [] cr4 0; efer 0; needs [Msr]
    Pse36 "pse36" (1/0 Edx 17) [] cr4 0; efer 0; needs [Pse]
    Clflush "clflush" (1/0 Edx 19) [CLFSH] cr4 0; efer 0; needs [Cpuid]
    Mmx "mmx" (1/0 Edx 23) [MMX] cr4 0; efer 0; needs [Fpu Cpuid]
    Fxsr "fxsr" (1/0 Edx 24) [FXSR] cr4 cr4::OSFXSR; efer 0; needs [Fpu Cpuid]
    Sse "sse" (1/0 Edx 25) [SSE] cr4 cr4::OSXMMEXCPT; efer 0; needs [Mmx Fxsr]
    Sse2 "sse2" (1/0 Edx 26) [SSE2] cr4 0; efer 0; needs [Sse]
    Ss "ss" (1/0 Edx 27) [] cr4 0; efer 0; needs [Cpuid]
    // Leaf 1, ECX.
    Sse3 "sse3" (1/0 Ecx 0) [SSE3] cr4 0; efer 0; needs [Sse2]
    Pclmulqdq "pclmulqdq" (1/0 Ecx 1) [PCLMULQDQ] cr4 0; efer 0; needs [Sse2]
    Monitor "monitor" (1/0 Ecx 3) [MONITOR] cr4 0; efer 0; needs [Cpuid]
    Ssse3 "ssse3" (1/0 Ecx 9) [SSSE3] cr4 0; efer 0; needs [Sse3]
    Cx16 "cx16" (1/0 Ecx 13) [CMPXCHG16B] cr4 0; efer 0; needs [Lm]
    Pcid "pcid" (1/0 Ecx 17) [] cr4 cr4::PCIDE; efer 0; needs [Lm]
    Sse41 "sse4.1" (1/0 Ecx 19) [SSE4_1] cr4 0; efer 0; needs [Ssse3]
    Sse42 "sse4.2" (1/0 Ecx 20) [SSE4_2] cr4 0; efer 0; needs [Sse41]
    Movbe "movbe" (1/0 Ecx 22) [MOVBE] cr4 0; efer 0; needs [Cpuid]
    Popcnt "popcnt" (1/0 Ecx 23) [POPCNT] cr4 0; efer 0; needs [Cpuid]
    Aes "aes" (1/0 Ecx 25) [AES] cr4 0; efer 0; needs [Sse2]
    Xsave "xsave" (1/0 Ecx 26) [XSAVE] cr4 cr4::OSXSAVE; efer 0; needs [Fxsr]
    // Leaf 7.
    Fsgsbase "fsgsbase" (7/0 Ebx 0) [FSGSBASE] cr4 cr4::FSGSBASE; efer 0; needs [Lm]
    Smep "smep" (7/0 Ebx 7) [] cr4 cr4::SMEP; efer 0; needs [Cpuid]
    Erms "erms" (7/0 Ebx 9) [] cr4 0; efer 0; needs [Cpuid]
    Invpcid "invpcid" (7/0 Ebx 10) [INVPCID] cr4 0; efer 0; needs [Pge]
    Smap "smap" (7/0 Ebx 20) [SMAP] cr4 cr4::SMAP; efer 0; needs [Cpuid]
    Umip "umip" (7/0 Ecx 2) [] cr4 cr4::UMIP; efer 0; needs [Cpuid]
    Rdpid "rdpid" (7/0 Ecx 22) [RDPID] cr4 0; efer 0; needs [Rdtscp]
    ArchCapabilities "arch-capabilities" (7/0 Edx 29) [] cr4 0; efer 0; needs [Msr]
    // Leaf 0Dh, sub-leaf 1.
    Xsaveopt "xsaveopt" (0xd/1 Eax 0) [XSAVEOPT] cr4 0; efer 0; needs [Xsave]
    // Leaf 8000_0001h.
    LahfLm "lahf_lm" (0x8000_0001/0 Ecx 0) [] cr4 0; efer 0; needs [Lm]
    Lzcnt "abm" (0x8000_0001/0 Ecx 5) [LZCNT] cr4 0; efer 0; needs [Popcnt]
    Prefetchw "3dnowprefetch" (0x8000_0001/0 Ecx 8) [PREFETCHW] cr4 0; efer 0; needs [Nopl]
    Syscall "syscall" (0x8000_0001/0 Edx 11) [SYSCALL] cr4 0; efer efer::SCE; needs [Lm]
    Nx "nx" (0x8000_0001/0 Edx 20) [] cr4 0; efer efer::NXE; needs [Pae Msr]
    Pdpe1gb "pdpe1gb" (0x8000_0001/0 Edx 26) [] cr4 0; efer 0; needs [Lm]
    Rdtscp "rdtscp" (0x8000_0001/0 Edx 27) [RDTSCP] cr4 0; efer 0; needs [Tsc Msr]
    Lm "lm" (0x8000_0001/0 Edx 29) [X64] cr4 0; efer efer::LME | efer::LMA; needs [Pae Msr Cx8 Cmov Pge Sse2 Nopl]
    // Leaf 8000_0007h.
    Invtsc "invtsc" (0x8000_0007/0 Edx 8) [] cr4 0; efer 0; needs [Tsc]
}

impl Feature {
    /// Its line of the table.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// By the command line's name, where `-` and `_` are the same.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let name = match name {
            "pni" => "sse3",
            "lzcnt" => "abm",
            "sse4_1" | "sse4-1" => "sse4.1",
            "sse4_2" | "sse4-2" => "sse4.2",
            n => n,
        };
        let same = |row: &&Row| row.name.replace('_', "-") == name.replace('_', "-");
        ROWS.iter().find(same).map(|row| row.feature)
    }
}

/// A set of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u64);

// One bit each.
const _: () = assert!(ROWS.len() <= 64);

impl Features {
    /// These.
    #[must_use]
    pub const fn of(list: &[Feature]) -> Self {
        let mut bits = 0;
        let mut n = 0;
        while n < list.len() {
            bits |= 1 << list[n] as u64;
            n += 1;
        }
        Self(bits)
    }

    /// These and those of `list`.
    #[must_use]
    pub const fn with(self, list: &[Feature]) -> Self {
        Self(self.0 | Self::of(list).0)
    }

    /// Whether `f` is among them.
    #[must_use]
    #[inline]
    pub const fn has(self, f: Feature) -> bool {
        self.0 >> f as u64 & 1 != 0
    }

    /// Adds or removes one.
    pub const fn set(&mut self, f: Feature, on: bool) {
        let bit = 1 << f as u64;
        self.0 = if on { self.0 | bit } else { self.0 & !bit };
    }

    /// Their lines of the table.
    pub fn rows(self) -> impl Iterator<Item = &'static Row> {
        ROWS.iter().filter(move |row| self.has(row.feature))
    }
}

/// [`NO_FEATURE`], or the feature that opens each of the decoder's groups.
const GATES: [u8; 256] = {
    let mut table = [NO_FEATURE; 256];
    let mut r = 0;
    while r < ROWS.len() {
        let mut g = 0;
        while g < ROWS[r].gates.len() {
            table[ROWS[r].gates[g] as usize] = r as u8;
            g += 1;
        }
        r += 1;
    }
    table
};
const NO_FEATURE: u8 = 0xff;

/// The feature that opens a group of instructions, if one does.
#[must_use]
pub fn gate(group: Gate) -> Option<Feature> {
    let at = GATES.get(group as usize).copied().unwrap_or(NO_FEATURE);
    ROWS.get(usize::from(at)).map(|row| row.feature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_at_its_feature_s_place() {
        for (n, row) in ROWS.iter().enumerate() {
            assert_eq!(row.feature as usize, n, "{}", row.name);
            assert_eq!(Feature::by_name(row.name), Some(row.feature));
        }
    }

    #[test]
    fn no_two_features_share_a_cpuid_bit_or_a_group() {
        for (n, a) in ROWS.iter().enumerate() {
            for b in &ROWS[n + 1..] {
                assert!(a.cpuid.is_none() || a.cpuid != b.cpuid, "{} and {}", a.name, b.name);
                assert!(a.gates.iter().all(|g| !b.gates.contains(g)), "{} and {}", a.name, b.name);
            }
        }
    }
}
