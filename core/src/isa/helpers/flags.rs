//! What touches system flags: PUSHF POPF CLI STI CLD STD, and which flags a model has. HLT, too, and PUSH SP of the 8086.
//! Intel SDM Vol. 1, "EFLAGS Register"; Vol. 2, "PUSHF", "POPF", "CLI", "STI", "HLT"; Vol. 3B, "Virtual-8086 Mode
//! Extensions", "Protected-Mode Virtual Interrupts"; 80286 Programmer's Reference Manual, "Flags Register".

use crate::cpu::flags::{AC, ARITHMETIC, DF, FIXED, ID, IF, IOPL, NT, RF, TF, VIF, VIP, VM};
use crate::cpu::model::ModelName;
use crate::cpu::state::{RSP, cr4};
use crate::cpu::{Activity, Exception};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::ops::Ops;

type R = Result<(), Exception>;

/// What virtual-8086 code gets that touches an interrupt flag it may not: the monitor emulates the instruction.
pub const V86_TRAP: Exception = Exception::gp(0);

/// Bits 15:12 read as ones on the 8086.
const I8086_ONES: u64 = 0xf000;

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
    let mut mask = mask & x.model.flags_mask(x.st.protected());
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
    // An interrupt may have waited for it.
    if changed & new & IF != 0 && x.sys.intr() {
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
            x.cast_sti_shadow();
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

#[cfg(test)]
mod tests {
    use super::super::rig::*;
    use super::*;
    use crate::cpu::Shadow;

    const M: ModelName = ModelName::Pentium3;
    const PUSHF: &[u8] = &[0x9c];
    const POPF: &[u8] = &[0x9d];
    const POPFW: &[u8] = &[0x66, 0x9d];
    const CLI: &[u8] = &[0xfa];
    const STI: &[u8] = &[0xfb];

    #[test]
    fn flags_that_a_model_lacks_cannot_be_set() {
        let cases = [
            (ModelName::I80386, IOPL | NT | IF | DF | ARITHMETIC | 2),
            (ModelName::I80486, IOPL | NT | IF | DF | ARITHMETIC | AC | ID | 2),
            (M, IOPL | NT | IF | DF | ARITHMETIC | AC | ID | 2),
        ];
        for (model, want) in cases {
            let mut r = Rig::protected(model);
            r.poke(SP0, 4, 0xffff_ffff & !TF);
            r.run(POPF);
            assert_eq!((r.x.st.flags.bits(), r.sp()), (want, SP0 + 4), "{model:?}");
        }
    }

    #[test]
    fn the_top_four_bits_tell_the_8086_from_the_80286() {
        for (model, want) in [(ModelName::I8086, 0xf002), (ModelName::I80286, 0x0002), (M, 0x7002)] {
            let mut r = Rig::real(model);
            r.poke(SP0, 2, 0x7000);
            r.run(POPF);
            r.run(PUSHF);
            assert_eq!(r.slot(0, 2), want, "{model:?}");
        }
    }

    #[test]
    fn level_3_pops_neither_iopl_nor_without_iopl_if() {
        let mut r = Rig::level3(M);
        r.poke(STACK3, 4, IF | IOPL | DF);
        r.run(POPF);
        assert_eq!(r.x.st.flags.bits(), DF | 2);
        let mut r = Rig::level3(M);
        r.x.st.flags.set_system(IOPL, true);
        r.poke(STACK3, 4, IF);
        r.run(POPF);
        assert_eq!(r.x.st.flags.bits(), IF | IOPL | 2);
    }

    #[test]
    fn pushf_hides_rf_and_vm() {
        let mut r = Rig::v86(M);
        r.x.st.flags.set_system(RF, true);
        r.run(&[0x66, 0x9c]); // pushfd
        assert_eq!(r.slot(0, 4), IOPL | IF | 2);
    }

    #[test]
    fn virtual_8086_code_without_iopl_traps_or_has_a_virtual_if() {
        for code in [PUSHF, POPF, CLI, STI] {
            let mut r = Rig::v86(M);
            r.x.st.flags.set_system(IOPL, false);
            r.run(code);
            assert_eq!((r.handler(), r.slot(0, 4)), (Some(13), 0), "{code:x?}");
        }
        let mut r = Rig::v86(M);
        r.x.st.flags.set_system(IOPL, false);
        r.x.st.cr4 |= cr4::VME;
        r.run(STI);
        assert!(r.x.st.flags.has(VIF));
        r.run(PUSHF);
        assert_eq!(r.slot(0, 2), IF | IOPL | 2);
        r.run(CLI);
        assert!(!r.x.st.flags.has(VIF) && r.x.st.flags.has(IF));
        r.poke(r.sp(), 2, IF | DF);
        r.run(POPF);
        assert!(r.x.st.flags.has(VIF) && r.x.st.flags.has(DF) && r.x.st.flags.iopl() == 0);
        r.x.st.flags.set_system(VIP, true);
        r.run(STI);
        assert_eq!(r.handler(), Some(13), "a virtual interrupt waits");
    }

    #[test]
    fn vme_does_not_cover_32_bit_pushes_and_pops() {
        for code in [&[0x66, 0x9c], POPFW] {
            let mut r = Rig::v86(M);
            r.x.st.flags.set_system(IOPL, false);
            r.x.st.cr4 |= cr4::VME;
            r.run(code); // the prefix makes 32 bits of it here
            assert_eq!(r.handler(), Some(13));
        }
    }

    #[test]
    fn protected_mode_virtual_interrupts_are_for_cli_and_sti_at_level_3() {
        assert_eq!(Rig::level3(M).fault(CLI), Exception::gp(0));
        let mut r = Rig::level3(M);
        r.x.st.cr4 |= cr4::PVI;
        r.run(STI);
        assert!(r.x.st.flags.has(VIF) && !r.x.st.flags.has(IF));
        r.x.st.flags.set_system(VIP, true);
        assert_eq!(r.fault(STI), Exception::gp(0));
    }

    #[test]
    fn sti_casts_a_shadow_only_when_it_changes_if() {
        let mut r = Rig::protected(M);
        r.code(&[0xfb, 0xfb, 0x90]);
        r.step();
        assert_eq!(r.x.st.shadow, Shadow::Sti);
        r.step();
        assert_eq!(r.x.st.shadow, Shadow::None);
    }

    #[test]
    fn sti_and_popf_ask_for_no_look_while_no_interrupt_waits() {
        let mut r = Rig::protected(M);
        r.x.attention = false;
        let sti = crate::isa::decode::decode(&[0xfb], r.x.ctx.code, &r.x.model).expect("STI");
        (sti.run)(&mut r.x, &sti).unwrap();
        assert_eq!((r.x.st.shadow, r.x.ctx.stepping, r.x.attention), (Shadow::Sti, false, false));
        r.x.st.flags.set_system(IF, false);
        load(&mut r.x, IF, IF);
        assert!(r.x.st.flags.has(IF) && !r.x.attention);
    }

    #[test]
    fn hlt_is_for_level_0() {
        assert_eq!(Rig::level3(M).fault(&[0xf4]), Exception::gp(0));
        let mut r = Rig::protected(M);
        r.run(&[0xf4]);
        assert_eq!((r.x.st.activity, r.x.st.rip()), (Activity::Halt, CODE + 1));
    }

    #[test]
    fn push_sp_pushes_the_new_value_on_the_8086_only() {
        for (model, want) in [(ModelName::I8086, SP0 - 2), (ModelName::I80286, SP0)] {
            for code in [&[0x54][..], &[0xff, 0xf4]] {
                let mut r = Rig::real(model);
                r.run(code);
                assert_eq!((r.slot(0, 2), r.sp()), (want, SP0 - 2), "{model:?} {code:x?}");
            }
        }
    }
}
