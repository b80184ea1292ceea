//! What a meaning reads and writes, found by carrying it out over operations that only take notes.

use ferrite_core::cpu::Exception;
use ferrite_core::isa::Insn;
use ferrite_core::isa::ops::{Cond, Helper, Ops};

/// `Zf`, `Sf`, `Pf`.
pub const ZSP: u8 = 1;
/// `Cf` and `Of`.
pub const CO: u8 = 2;
/// `Af`.
pub const AX: u8 = 4;
/// `Cf` alone, as something read.
pub const C: u8 = 8;
/// All that can be written.
pub const ALL: u8 = ZSP | CO | AX;

/// Whether there are any among `iced-x86`'s flags but the condition codes of the x87 unit.
pub const fn of_the_processor(flags: u32) -> bool {
    use iced_x86::RflagsBits as F;
    flags & !(F::C0 | F::C1 | F::C2 | F::C3) != 0
}

/// Whether an instruction has to do with the arithmetic flags, or others beside them.
pub fn touches_flags(ins: &iced_x86::Instruction) -> bool {
    of_the_processor(ins.rflags_read() | ins.rflags_modified())
}

/// What a condition reads.
pub const fn read_by(c: Cond) -> u8 {
    match c {
        Cond::B | Cond::Ae => C,
        Cond::O | Cond::No => CO,
        Cond::Be | Cond::A => C | ZSP,
        Cond::E | Cond::Ne | Cond::S | Cond::Ns | Cond::P | Cond::Np => ZSP,
        Cond::L | Cond::Ge | Cond::Le | Cond::G => CO | ZSP,
    }
}

/// What of `which` is read from before, where `written` was written first.
pub const fn unwritten(which: u8, written: u8) -> u8 {
    which & !if written & CO != 0 { written | C } else { written }
}

/// See the module's text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effects {
    /// General registers read, a bit for each.
    pub reads: u32,
    /// General registers written.
    pub writes: u32,
    /// Flag words read before they were written.
    pub flags_read: u8,
    /// Flag words written.
    pub flags_written: u8,
    /// It accesses memory or may raise an exception.
    pub leaves: bool,
    /// It calls a helper.
    pub calls: bool,
}

impl Effects {
    fn flags(&mut self, which: u8) {
        self.flags_read |= unwritten(which, self.flags_written);
    }
}

macro_rules! silent {
    ($($f:ident($($a:ident),*);)*) => {
        $(fn $f(&mut self, $($a: ()),*) { $(let () = $a;)* })*
    };
}

impl Ops for Effects {
    type V = ();

    fn imm(&mut self, _: u64) {}
    silent! {
        add(a, b); sub(a, b); mul(a, b); umulh(a, b); smulh(a, b); and(a, b); or(a, b); xor(a, b); not(a);
        shl(a, b); shr(a, b); sar(a, b); eq(a, b); ult(a, b); slt(a, b); select(a, b, c); clz(a); ctz(a); popcnt(a); bswap(a);
    }
    fn zext<const B: u32>(&mut self, (): ()) {}
    fn sext<const B: u32>(&mut self, (): ()) {}

    fn reg(&mut self, r: u8) {
        if r < 16 && self.writes >> r & 1 == 0 {
            self.reads |= 1 << r;
        }
    }
    fn set_reg(&mut self, r: u8, (): ()) {
        if r < 16 {
            self.writes |= 1 << r;
        }
    }

    fn load<const B: u32>(&mut self, _: u8, (): ()) -> Result<(), Exception> {
        self.leaves = true;
        Ok(())
    }
    fn load_rmw<const B: u32>(&mut self, _: u8, (): ()) -> Result<(), Exception> {
        self.leaves = true;
        Ok(())
    }
    fn store_back<const B: u32>(&mut self, (): ()) -> Result<(), Exception> {
        Ok(())
    }
    fn store<const B: u32>(&mut self, _: u8, (): (), (): ()) -> Result<(), Exception> {
        self.leaves = true;
        Ok(())
    }
    fn stack_mask(&mut self) {}

    fn flag_zr(&mut self) {
        self.flags(ZSP);
    }
    fn flag_sp(&mut self) {
        self.flags(ZSP);
    }
    fn flag_co(&mut self) {
        self.flags(CO | C);
    }
    fn flag_ax(&mut self) {
        self.flags(AX);
    }
    fn set_zsp(&mut self, (): (), (): ()) {
        self.flags_written |= ZSP;
    }
    fn set_co(&mut self, (): ()) {
        self.flags_written |= CO;
    }
    fn set_ax(&mut self, (): ()) {
        self.flags_written |= AX;
    }
    fn arithmetic(&mut self) {
        self.flags(ALL | C);
    }
    fn set_arithmetic(&mut self, (): ()) {
        self.flags_written |= ALL;
    }
    fn cf(&mut self) {
        self.flags(C);
    }
    fn cond(&mut self, c: Cond) {
        self.flags(read_by(c));
    }
    fn df(&mut self) {}

    fn branch<const B: u32>(&mut self, (): (), (): ()) -> Result<(), Exception> {
        Ok(())
    }
    fn raise_if(&mut self, (): (), _: Exception) -> Result<(), Exception> {
        self.leaves = true;
        Ok(())
    }
    fn call(&mut self, _: Helper, _: &Insn) -> Result<(), Exception> {
        self.calls = true;
        Ok(())
    }
}
