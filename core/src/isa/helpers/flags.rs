//! What touches system flags: PUSHF POPF CLI STI CLD STD, and which flags a model has. HLT, too, and PUSH SP of the 8086.
//! Intel SDM Vol. 1, "EFLAGS Register"; Vol. 2, "PUSHF", "POPF", "CLI", "STI", "HLT"; Vol. 3B, "Virtual-8086 Mode
//! Extensions", "Protected-Mode Virtual Interrupts"; 80286 Programmer's Reference Manual, "Flags Register".

use crate::cpu::flags::{AC, ARITHMETIC, DF, FIXED, ID, IF, IOPL, NT, RF, TF, VIF, VIP, VM};
use crate::cpu::model::ModelName;
use crate::cpu::state::{RSP, cr4};
use crate::cpu::{Activity, Exception, Shadow};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::ops::Ops;

type R = Result<(), Exception>;

/// What virtual-8086 code gets that touches an interrupt flag it may not: the monitor emulates the instruction.
pub const V86_TRAP: Exception = Exception::gp(0);

/// Bits 15:12 read as ones on the 8086.
const I8086_ONES: u64 = 0xf000;

/// The flags that exist, apart from the arithmetic ones' companion bit 1.
#[must_use]
pub const fn existing(model: ModelName) -> u64 {
    let base = ARITHMETIC | TF | IF | DF;
    match model {
        ModelName::I8086 => base,
        ModelName::I80286 => base | IOPL | NT,
        ModelName::I80386 => base | IOPL | NT | RF | VM,
        ModelName::I80486 => base | IOPL | NT | RF | VM | AC,
        _ => base | IOPL | NT | RF | VM | AC | VIF | VIP | ID,
    }
}

/// The flags as they are pushed, before PUSHF and events change bits of their own.
#[must_use]
pub const fn image(x: &Exec) -> u64 {
    let bits = x.st.flags.bits();
    match x.model.name {
        ModelName::I8086 => bits | I8086_ONES,
        ModelName::I80286 if !x.st.protected() => bits & 0x0fff,
        _ => bits,
    }
}

/// Loads the flags in `mask` from `image`, as far as the model has them, and lets the run loop see it.
pub fn load(x: &mut Exec, image: u64, mask: u64) {
    let mut mask = mask & existing(x.model.name);
    let old = x.st.flags.bits();
    let mut new = old;
    match x.model.name {
        ModelName::I8086 => new |= I8086_ONES,
        ModelName::I80286 if !x.st.protected() => {
            // "In real address mode NT and IOPL are clear."
            mask &= !(IOPL | NT);
            new &= 0x0fff;
        }
        _ => {}
    }
    new = new & !mask | image & mask | FIXED;
    x.st.flags.set_bits(new);
    let changed = old ^ new;
    if changed & (TF | AC | RF | VM) != 0 {
        x.refresh();
    }
    if changed & new & IF != 0 {
        x.attention = true;
    }
}

/// Whether `If` belongs to the program: IOPL admits it.
const fn owns_if(x: &Exec) -> bool {
    !x.st.protected() || x.st.cpl <= x.st.flags.iopl()
}

/// PUSHF, PUSHFD, PUSHFQ.
pub fn pushf<const B: u32>(x: &mut Exec, _: &Insn) -> R {
    let mut v = image(x) & !(RF | VM);
    if x.st.v86() && x.st.flags.iopl() < 3 {
        if B != 16 || x.st.cr4 & cr4::VME == 0 {
            return Err(V86_TRAP);
        }
        v = v & !IF | IOPL | if v & VIF != 0 { IF } else { 0 };
    }
    Ops::push::<B>(x, v)
}

/// POPF, POPFD, POPFQ.
pub fn popf<const B: u32>(x: &mut Exec, _: &Insn) -> R {
    let image = x.peek::<B>()?;
    let wide = if B == 16 { 0 } else { AC | ID };
    let plain = ARITHMETIC | TF | DF | NT | wide;
    if x.st.v86() && x.st.flags.iopl() < 3 {
        let pending = x.st.flags.has(VIP) && image & IF != 0;
        if B != 16 || x.st.cr4 & cr4::VME == 0 || pending || image & TF != 0 {
            return Err(V86_TRAP);
        }
        x.drop_stack(2);
        load(x, image, plain);
        x.st.flags.set_system(VIF, image & IF != 0);
        return Ok(());
    }
    let mut mask = plain;
    if owns_if(x) {
        mask |= IF;
    }
    if x.st.cpl == 0 {
        mask |= IOPL;
    }
    x.drop_stack(u64::from(B / 8));
    // The instruction itself cannot set RF: the 32-bit forms clear it.
    load(x, if B == 16 { image } else { image & !RF }, if B == 16 { mask } else { mask | RF });
    Ok(())
}

/// Which flag CLI and STI change.
enum Target {
    If,
    Vif,
}

/// "CLI", Operation: the decision table.
fn target(x: &Exec) -> Result<Target, Exception> {
    if owns_if(x) {
        return Ok(Target::If);
    }
    let extension = if x.st.v86() { cr4::VME } else { cr4::PVI };
    if x.st.cr4 & extension != 0 && x.st.cpl == 3 { Ok(Target::Vif) } else { Err(Exception::gp(0)) }
}

/// CLI.
pub fn cli(x: &mut Exec, _: &Insn) -> R {
    match target(x)? {
        Target::If => x.st.flags.set_system(IF, false),
        Target::Vif => x.st.flags.set_system(VIF, false),
    }
    Ok(())
}

/// STI. When it turns `If` on, interrupts wait for one more instruction.
pub fn sti(x: &mut Exec, _: &Insn) -> R {
    match target(x)? {
        Target::If if x.st.flags.has(IF) => {}
        Target::If => {
            x.st.flags.set_system(IF, true);
            x.st.shadow = Shadow::Sti;
            x.shadow_cast = true;
            x.refresh();
        }
        Target::Vif if x.st.flags.has(VIP) => return Err(Exception::gp(0)),
        Target::Vif => x.st.flags.set_system(VIF, true),
    }
    Ok(())
}

/// CLD.
pub fn cld(x: &mut Exec, _: &Insn) -> R {
    x.st.flags.set_system(DF, false);
    Ok(())
}

/// STD.
pub fn std(x: &mut Exec, _: &Insn) -> R {
    x.st.flags.set_system(DF, true);
    Ok(())
}

/// HLT.
pub fn hlt(x: &mut Exec, _: &Insn) -> R {
    if x.st.cpl != 0 {
        return Err(Exception::gp(0));
    }
    x.st.activity = Activity::Halt;
    x.refresh();
    Ok(())
}

/// PUSH SP on the 8086: the pushed value is the decremented one (80286 Programmer's Reference Manual, "Differences
/// from the 8086", PUSH SP).
pub fn push_sp_8086(x: &mut Exec, _: &Insn) -> R {
    let v = x.st.regs[RSP as usize].wrapping_sub(2);
    Ops::push::<16>(x, v)
}
