//! CPU models: a name, the features it has ([`super::feature`]), and what differs beyond features.
//!
//! Sources: Intel 8086, 80286, i386 and i486 programmer's reference manuals; AP-485, "Intel Processor Identification
//! and the CPUID Instruction"; SDM Vol. 3A, "Processor State After Reset"; Vol. 3B, "Architecture Compatibility".
//!
//! 8086, 80286 and 80386 come without their coprocessor; `+fpu` plugs it in. `max` is all that Ferrite implements.
//! The two x86-64 levels carry the features of the psABI's levels and what kernels take for granted with them.

use super::feature::{Feature, Features, ROWS, gate};
use super::flags;
use super::segment::{Seg, Segment, attr};
use super::state::{CpuState, RDX, RIP, cr0};
use iced_x86::{Code, CpuidFeature, DecoderOptions, Instruction, Mnemonic};
use thiserror::Error;

/// A processor that Ferrite can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum ModelName {
    I8086,
    I80286,
    I80386,
    I80486,
    Pentium,
    Pentium3,
    Pentium4,
    X86_64V1,
    X86_64V2,
    Max,
}

impl ModelName {
    /// All of them, oldest first, with the spelling of the command line.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::I8086, "8086"),
        (Self::I80286, "80286"),
        (Self::I80386, "80386"),
        (Self::I80486, "80486"),
        (Self::Pentium, "pentium"),
        (Self::Pentium3, "pentium3"),
        (Self::Pentium4, "pentium4"),
        (Self::X86_64V1, "x86-64-v1"),
        (Self::X86_64V2, "x86-64-v2"),
        (Self::Max, "max"),
    ];

    /// The spelling of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    const fn features(self) -> Features {
        use Feature as F;
        const I486: Features = Features::of(&[F::Fpu, F::Cpuid, F::Vme, F::Pse]);
        const PENTIUM: Features = I486.with(&[F::De, F::Tsc, F::Msr, F::Mce, F::Cx8, F::Mmx, F::Pmc]);
        const PENTIUM3: Features = PENTIUM.with(&[
            F::Pae,
            F::Sep,
            F::Mtrr,
            F::Pge,
            F::Mca,
            F::Cmov,
            F::Pat,
            F::Pse36,
            F::Fxsr,
            F::Sse,
            F::Nopl,
        ]);
        const PENTIUM4: Features = PENTIUM3.with(&[F::Clflush, F::Sse2, F::Ss]);
        const V1: Features = PENTIUM4.with(&[F::Lm, F::Syscall, F::Nx]);
        const V2: Features = V1.with(&[
            F::Sse3,
            F::Ssse3,
            F::Sse41,
            F::Sse42,
            F::Popcnt,
            F::Cx16,
            F::LahfLm,
            F::Rdtscp,
            F::Invtsc,
            F::ArchCapabilities,
        ]);
        const MAX: Features = V2.with(&[
            F::Pcid,
            F::Xsave,
            F::Xsaveopt,
            F::Fsgsbase,
            F::Smep,
            F::Erms,
            F::Invpcid,
            F::Smap,
            F::Umip,
            F::Rdpid,
            F::Movbe,
            F::Pclmulqdq,
            F::Aes,
            F::Lzcnt,
            F::Prefetchw,
            F::Pdpe1gb,
        ]);
        match self {
            Self::I8086 | Self::I80286 | Self::I80386 => Features::of(&[]),
            Self::I80486 => I486,
            Self::Pentium => PENTIUM,
            Self::Pentium3 => PENTIUM3,
            Self::Pentium4 => PENTIUM4,
            Self::X86_64V1 => V1,
            Self::X86_64V2 => V2,
            Self::Max => MAX,
        }
    }
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a `--cpu` value is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// No such model.
    #[error("no CPU model `{name}`; there are {}", ModelName::ALL.map(|m| m.1).join(", "))]
    UnknownModel {
        /// As given.
        name: String,
    },
    /// No such feature.
    #[error("no CPU feature `{name}`; there are {}", ROWS.iter().map(|r| r.name).collect::<Vec<_>>().join(", "))]
    UnknownFeature {
        /// As given.
        name: String,
    },
    /// A part between commas that does not begin with a sign.
    #[error("`{part}` in a CPU model must be `+feature` or `-feature`")]
    NoSign {
        /// As given.
        part: String,
    },
    /// A feature that needs another one, which is off.
    #[error("CPU feature `{feature}` needs `{needs}`, which is off")]
    Needs {
        /// The one that is on.
        feature: &'static str,
        /// The one it needs.
        needs: &'static str,
    },
    /// A feature that the model is too old for.
    #[error("CPU feature `{feature}` needs at least an 80486, not `{model}`")]
    TooOld {
        /// The feature.
        feature: &'static str,
        /// The model.
        model: ModelName,
    },
    /// A feature whose device does not exist yet.
    #[error("CPU feature `{feature}` needs a device that this machine does not have")]
    NoDevice {
        /// The feature.
        feature: &'static str,
    },
}

/// A model: a name, its features and what it decides outside CPUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Which processor.
    pub name: ModelName,
    /// Width of physical addresses in bits.
    pub phys_bits: u32,
    /// 1-GiB pages.
    pub gib_pages: bool,
    /// What it has.
    pub features: Features,
}

impl Model {
    /// The model as its maker shipped it.
    #[must_use]
    pub const fn new(name: ModelName) -> Self {
        Self::with_features(name, name.features())
    }

    const fn with_features(name: ModelName, features: Features) -> Self {
        let phys_bits = match name {
            ModelName::I8086 => 20,
            ModelName::I80286 => 24,
            ModelName::I80386 | ModelName::I80486 | ModelName::Pentium => 32,
            ModelName::Pentium3 | ModelName::Pentium4 => 36,
            _ => 40,
        };
        Self { name, phys_bits, gib_pages: features.has(Feature::Pdpe1gb), features }
    }

    /// From the command line: `NAME[,+feature|,-feature]...`.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let mut parts = text.split(',').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let Some(&(name, _)) = ModelName::ALL.iter().find(|m| m.1 == name) else {
            return Err(ModelError::UnknownModel { name: name.into() });
        };
        let mut features = name.features();
        for part in parts {
            let (on, feature) = match part.split_at_checked(1) {
                Some(("+", f)) => (true, f),
                Some(("-", f)) => (false, f),
                _ => return Err(ModelError::NoSign { part: part.into() }),
            };
            let Some(f) = Feature::by_name(feature) else {
                return Err(ModelError::UnknownFeature { name: feature.into() });
            };
            if on && (f == Feature::Apic || (f == Feature::Fpu && name == ModelName::I8086)) {
                return Err(ModelError::NoDevice { feature: f.row().name });
            }
            features.set(f, on);
        }
        for row in features.rows() {
            if name < ModelName::I80486 && row.feature != Feature::Fpu {
                return Err(ModelError::TooOld { feature: row.name, model: name });
            }
            if let Some(missing) = row.needs.iter().find(|&&n| !features.has(n)) {
                return Err(ModelError::Needs { feature: row.name, needs: missing.row().name });
            }
        }
        Ok(Self::with_features(name, features))
    }

    /// Whether the model has a feature.
    #[must_use]
    #[inline]
    pub const fn has(&self, f: Feature) -> bool {
        self.features.has(f)
    }

    /// CR4 bits that may be set. Without any, there is no CR4.
    #[must_use]
    pub fn cr4_mask(&self) -> u64 {
        self.features.rows().fold(0, |bits, row| bits | row.cr4)
    }

    /// EFER bits that exist. Without any, there is no EFER.
    #[must_use]
    pub fn efer_mask(&self) -> u64 {
        self.features.rows().fold(0, |bits, row| bits | row.efer)
    }

    /// CR0 bits that can be written. ET of the 80386 says which coprocessor it found and can be written;
    /// from the 80486 on it is always 1.
    #[must_use]
    pub const fn cr0_mask(&self) -> u64 {
        use cr0::{AM, CD, EM, ET, MP, NE, NW, PE, PG, TS, WP};
        match self.name {
            ModelName::I8086 => 0,
            ModelName::I80286 => PE | MP | EM | TS,
            ModelName::I80386 => PE | MP | EM | TS | ET | PG,
            _ => PE | MP | EM | TS | NE | WP | AM | NW | CD | PG,
        }
    }

    /// EFLAGS bits that POPF, IRET and the like can change at all, privilege aside. `protected` says whether
    /// CR0.PE is set: the 80286 has IOPL and NT in protected mode only.
    #[must_use]
    pub const fn flags_mask(&self, protected: bool) -> u64 {
        use flags::{AC, ARITHMETIC, DF, ID, IF, IOPL, NT, RF, TF, VIF, VIP, VM};
        let old = ARITHMETIC | TF | IF | DF;
        match self.name {
            ModelName::I8086 => old,
            ModelName::I80286 if !protected => old,
            ModelName::I80286 => old | IOPL | NT,
            ModelName::I80386 => old | IOPL | NT | RF | VM,
            _ => {
                let mut mask = old | IOPL | NT | RF | VM | AC;
                if self.has(Feature::Cpuid) {
                    mask |= ID;
                }
                if self.has(Feature::Vme) {
                    mask |= VIF | VIP;
                }
                mask
            }
        }
    }

    /// FLAGS bits that always read as 1: bit 1, and on the 8086 bits 15:12.
    #[must_use]
    pub const fn flags_ones(&self) -> u64 {
        match self.name {
            ModelName::I8086 => 0xf000 | flags::FIXED,
            _ => flags::FIXED,
        }
    }

    /// MXCSR bits that exist: DAZ came with SSE2.
    #[must_use]
    pub const fn mxcsr_mask(&self) -> u32 {
        if self.has(Feature::Sse2) { 0xffff } else { 0xffbf }
    }

    /// How the decoder must read the bytes.
    #[must_use]
    pub const fn decoder_options(&self) -> u32 {
        // The prefix of TZCNT (BMI1), LZCNT and WBNOINVD is ignored where they are unknown. Hints are no operations.
        let mut o = DecoderOptions::NO_MPFX_0FBC | DecoderOptions::NO_WBNOINVD | DecoderOptions::FORCE_RESERVED_NOP;
        if !self.has(Feature::Lzcnt) {
            o |= DecoderOptions::NO_MPFX_0FBD;
        }
        match self.name {
            ModelName::I8086 => {}
            ModelName::I80286 => o |= DecoderOptions::LOADALL286,
            ModelName::I80386 | ModelName::I80486 => o |= DecoderOptions::MOV_TR,
            _ => {}
        }
        if self.has(Feature::Lm) && !self.has(Feature::LahfLm) {
            o |= DecoderOptions::NO_LAHF_SAHF_64;
        }
        o
    }

    /// Whether the model has an instruction. Coprocessor instructions count as present without the coprocessor,
    /// too: they mean something else then, but are not undefined.
    #[must_use]
    pub fn admits(&self, ins: &Instruction) -> bool {
        if ins.code() == Code::Paddq_mm_mmm64 || ins.code() == Code::Psubq_mm_mmm64 {
            return self.has(Feature::Sse2); // the decoder counts them as MMX
        }
        ins.cpuid_features().iter().all(|&group| self.admits_group(group))
            && !(self.name < ModelName::I80386 && ins.mnemonic() == Mnemonic::Int1)
    }

    fn admits_group(&self, group: CpuidFeature) -> bool {
        use CpuidFeature as G;
        match group {
            G::INTEL8086 | G::FPU => true,
            G::INTEL8086_ONLY => self.name == ModelName::I8086,
            G::INTEL186 | G::INTEL286 | G::FPU287 => self.name >= ModelName::I80286,
            G::INTEL286_ONLY => self.name == ModelName::I80286,
            G::INTEL386 | G::FPU387 => self.name >= ModelName::I80386,
            G::INTEL486 | G::SMM => self.name >= ModelName::I80486,
            G::MOV_TR => matches!(self.name, ModelName::I80386 | ModelName::I80486),
            G::PAUSE => true, // REP NOP where it is unknown
            _ => gate(group).is_some_and(|f| self.has(f)),
        }
    }

    /// Family, model and stepping as CPUID leaf 1 gives them in EAX, and reset leaves them in EDX.
    #[must_use]
    pub const fn signature(&self) -> u32 {
        match self.name {
            ModelName::I8086 | ModelName::I80286 => 0,
            ModelName::I80386 => 0x0308,                     // 386DX, D stepping
            ModelName::I80486 => 0x0480,                     // IntelDX4
            ModelName::Pentium => 0x0543,                    // with MMX, P55C
            ModelName::Pentium3 => 0x0683,                   // Coppermine
            ModelName::Pentium4 => 0x0f29,                   // Northwood
            ModelName::X86_64V1 => 0x0f41,                   // Prescott, with Intel 64
            ModelName::X86_64V2 | ModelName::Max => 0x1067a, // Penryn
        }
    }

    /// The family, with its extension.
    #[must_use]
    pub const fn family(&self) -> u32 {
        self.signature() >> 8 & 0xf
    }

    /// The state that a hardware reset gives. SDM Vol. 3A, "Processor State After Reset".
    #[must_use]
    pub fn reset_state(&self) -> CpuState {
        let mut st = CpuState::reset();
        st.regs[usize::from(RDX)] = u64::from(self.signature());
        st.flags.set_bits(self.flags_ones());
        match self.name {
            ModelName::I8086 => {
                st.seg[Seg::Cs as usize] = Segment {
                    attr: attr::P | attr::S | attr::CODE | attr::RW | attr::ACCESSED,
                    ..Segment::real(0xffff)
                };
                st.regs[usize::from(RIP)] = 0;
                st.cr0 = 0;
            }
            ModelName::I80286 => {
                st.seg[Seg::Cs as usize].base = 0xff_0000;
                st.cr0 = MSW_286_ONES;
            }
            ModelName::I80386 => st.cr0 = if self.has(Feature::Fpu) { cr0::ET } else { 0 },
            _ => {}
        }
        if self.name <= ModelName::I80386 {
            st.idtr.limit = 0x3ff;
            st.dr7 = 0;
        }
        if self.family() >= 6 {
            st.msr.apic_base = super::msr::APIC_BASE_RESET;
            st.msr.misc_enable = super::msr::MISC_ENABLE_RESET;
        }
        st
    }
}

/// Bits of the 80286's machine status word that always read as 1. 80286 programmer's reference, "Machine Status Word".
pub const MSW_286_ONES: u64 = 0xfff0;

impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name.as_str())?;
        let usual = self.name.features();
        for row in ROWS {
            match (usual.has(row.feature), self.has(row.feature)) {
                (false, true) => write!(f, ",+{}", row.name)?,
                (true, false) => write!(f, ",-{}", row.name)?,
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::state::cr4;
    use iced_x86::Decoder;

    fn admits(name: ModelName, bits: u32, bytes: &[u8]) -> bool {
        let m = Model::new(name);
        let ins = Decoder::new(bits, bytes, m.decoder_options()).decode();
        !ins.is_invalid() && m.admits(&ins)
    }

    #[test]
    fn every_model_satisfies_the_needs_of_its_own_features() {
        for (name, text) in ModelName::ALL {
            assert_eq!(Model::parse(text), Ok(Model::new(name)));
            assert_eq!(Model::new(name).to_string(), text);
        }
    }

    #[test]
    fn features_are_switched_by_name_and_shown_again() {
        let m = Model::parse("pentium3,+sse2,-sep").unwrap();
        assert!(m.has(Feature::Sse2) && !m.has(Feature::Sep));
        assert_eq!(m.to_string(), "pentium3,-sep,+sse2");
        assert_eq!(Model::parse(&m.to_string()), Ok(m));
    }

    #[test]
    fn a_bad_model_is_refused_in_one_line_that_names_what_is_wrong() {
        let text = |s: &str| Model::parse(s).unwrap_err().to_string();
        assert!(text("pentium9").starts_with("no CPU model `pentium9`; there are 8086, 80286"));
        assert!(text("max,+warp").starts_with("no CPU feature `warp`; there are fpu,"));
        assert_eq!(text("max,sse2"), "`sse2` in a CPU model must be `+feature` or `-feature`");
        assert_eq!(text("max,"), "`` in a CPU model must be `+feature` or `-feature`");
        assert_eq!(text("pentium,+sse2"), "CPU feature `sse2` needs `sse`, which is off");
        assert_eq!(text("80386,+cx8"), "CPU feature `cx8` needs at least an 80486, not `80386`");
        assert_eq!(text("max,+apic"), "CPU feature `apic` needs a device that this machine does not have");
        assert_eq!(text("max,é"), "`é` in a CPU model must be `+feature` or `-feature`");
    }

    #[test]
    fn an_instruction_newer_than_the_model_is_not_admitted() {
        use ModelName::*;
        let since: [(u32, &[u8], ModelName); 16] = [
            (16, &[0xc1, 0xe0, 4], I80286),                  // shl ax, 4
            (16, &[0x66, 0x01, 0xc0], I80386),               // add eax, eax
            (16, &[0x0f, 0xc8], I80486),                     // bswap
            (16, &[0x0f, 0xa2], I80486),                     // cpuid
            (32, &[0x0f, 0x31], Pentium),                    // rdtsc
            (32, &[0x0f, 0xc7, 0x08], Pentium),              // cmpxchg8b [eax]
            (32, &[0x0f, 0x6f, 0xc0], Pentium),              // movq mm0, mm0
            (32, &[0x0f, 0x44, 0xc0], Pentium3),             // cmove eax, eax
            (32, &[0xdb, 0xf0], Pentium3),                   // fcomi
            (32, &[0x0f, 0x1f, 0x00], Pentium3),             // nop [eax]
            (32, &[0x0f, 0x58, 0xc0], Pentium3),             // addps
            (32, &[0x66, 0x0f, 0x58, 0xc0], Pentium4),       // addpd
            (32, &[0x0f, 0xd4, 0xc0], Pentium4),             // paddq mm0, mm0
            (64, &[0x48, 0x01, 0xc0], X86_64V1),             // add rax, rax
            (64, &[0x66, 0x0f, 0x38, 0x37, 0xc0], X86_64V2), // pcmpgtq
            (64, &[0xf3, 0x48, 0x0f, 0xae, 0xc0], Max),      // rdfsbase rax
        ];
        for (bits, bytes, first) in since {
            for (name, text) in ModelName::ALL.into_iter().skip(1) {
                assert_eq!(admits(name, bits, bytes), name >= first, "{bytes:02x?} on {text}");
            }
        }
    }

    #[test]
    fn nothing_that_ferrite_lacks_is_admitted_even_by_max() {
        for bytes in
            [&[0x0f, 0xc7, 0xf0][..], &[0xc5, 0xf8, 0x58, 0xc0], &[0x0f, 0x01, 0xc1], &[0x0f, 0x38, 0xcb, 0xc0]]
        {
            assert!(!admits(ModelName::Max, 64, bytes), "{bytes:02x?}"); // rdrand, vaddps, vmcall, sha256rnds2
        }
    }

    #[test]
    fn prefixes_that_later_made_new_instructions_are_ignored() {
        let m = Model::parse("max,-abm").unwrap();
        let decode = |b: &[u8]| Decoder::new(64, b, m.decoder_options()).decode();
        assert_eq!(decode(&[0xf3, 0x0f, 0xbc, 0xc1]).mnemonic(), Mnemonic::Bsf); // tzcnt
        assert_eq!(decode(&[0xf3, 0x0f, 0xbd, 0xc1]).mnemonic(), Mnemonic::Bsr); // lzcnt
        for hint in [&[0xf3, 0x0f, 0x1e, 0xfa][..], &[0x0f, 0x0d, 0x08], &[0x0f, 0x18, 0x08]] {
            assert_eq!(decode(hint).mnemonic(), Mnemonic::Reservednop, "{hint:02x?}"); // endbr64, prefetchw, prefetcht0
            assert!(m.admits(&decode(hint)));
        }
    }

    #[test]
    fn control_register_masks_follow_from_the_features() {
        assert_eq!(Model::new(ModelName::I80386).cr4_mask(), 0);
        assert_eq!(Model::parse("80486,-vme,-pse,-cpuid").unwrap().cr4_mask(), 0);
        assert_eq!(Model::new(ModelName::Pentium).cr4_mask(), 0x1f | cr4::MCE | cr4::PCE);
        assert_eq!(Model::new(ModelName::Pentium4).efer_mask(), 0);
        assert_eq!(Model::new(ModelName::X86_64V1).efer_mask(), 0xd01);
        assert_eq!(Model::parse("x86-64-v1,-nx").unwrap().efer_mask(), 0x501);
        assert_eq!(Model::parse("max,-smap").unwrap().cr4_mask() & (cr4::SMAP | cr4::SMEP), cr4::SMEP);
    }

    #[test]
    fn each_generation_adds_its_flags() {
        let mask = |s: &str| Model::parse(s).unwrap().flags_mask(true);
        assert_eq!(mask("8086") & !0xfff, 0);
        assert_eq!(mask("80286") & !0xfff, flags::IOPL | flags::NT);
        assert_eq!(Model::new(ModelName::I80286).flags_mask(false) & !0xfff, 0);
        assert_eq!(mask("80386") & flags::AC, 0);
        assert_eq!(mask("80486,-cpuid,-vme,-pse") & (flags::AC | flags::ID), flags::AC);
        assert_eq!(mask("80486") & flags::ID, flags::ID);
    }

    #[test]
    fn reset_state_is_that_of_the_model() {
        let st = |n| Model::new(n).reset_state();
        let s = st(ModelName::I8086);
        assert_eq!((s.segment(Seg::Cs).base + s.rip(), s.flags.bits()), (0xf_fff0, 0xf002));
        let s = st(ModelName::I80286);
        assert_eq!((s.segment(Seg::Cs).base + s.rip(), s.cr0), (0xff_fff0, 0xfff0));
        let s = st(ModelName::I80386);
        assert_eq!((s.regs[2], s.cr0, s.idtr.limit), (0x308, 0, 0x3ff));
        let s = st(ModelName::Pentium3);
        assert_eq!((s.segment(Seg::Cs).base + s.rip(), s.regs[2], s.cr0), (0xffff_fff0, 0x683, 0x6000_0010));
    }
}
