//! CPU models: which features each has, by one table that CPUID, the decoder and the control registers all read.

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
}

/// A model: a name and what it decides outside CPUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Which processor.
    pub name: ModelName,
    /// Width of physical addresses in bits.
    pub phys_bits: u32,
    /// 1-GiB pages.
    pub gib_pages: bool,
}

impl Model {
    /// The model as its maker shipped it.
    #[must_use]
    pub const fn new(name: ModelName) -> Self {
        let phys_bits = match name {
            ModelName::I8086 => 20,
            ModelName::I80286 => 24,
            ModelName::I80386 | ModelName::I80486 | ModelName::Pentium => 32,
            ModelName::Pentium3 | ModelName::Pentium4 => 36,
            _ => 40,
        };
        Self { name, phys_bits, gib_pages: matches!(name, ModelName::Max) }
    }
}
