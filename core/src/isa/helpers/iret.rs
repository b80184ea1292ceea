//! IRET, IRETD, IRETQ. Intel SDM Vol. 2A, "IRET/IRETD/IRETQ", Operation.

use super::descriptor::ip_fits;
use super::far::{check_ip, drop_inaccessible, go, outer_stack, return_segment};
use super::flags::{self as flag_image, V86_TRAP};
use super::frame::Stack;
use super::segload::{real_segment, stack_segment};
use super::task;
use crate::cpu::Exception;
use crate::cpu::flags::{AC, ARITHMETIC, DF, ID, IF, IOPL, NT, RF, TF, VIF, VIP, VM};
use crate::cpu::segment::{Seg, Segment, attr};
use crate::cpu::state::{RSP, cr4};
use crate::exec::Exec;
use crate::isa::Insn;

type R = Result<(), Exception>;

/// IRET with an operand size of `B` bits.
pub fn iret<const B: u32>(x: &mut Exec, _: &Insn) -> R {
    if !x.st.protected() {
        real::<B>(x)?;
    } else if x.st.v86() {
        virtual_8086::<B>(x)?;
    } else if x.st.flags.has(NT) {
        if x.st.long_mode() {
            return Err(Exception::gp(0));
        }
        // NMIs are admitted again even if a fault in the other task comes first.
        x.st.nmi_blocked = false;
        x.attention = true;
        return task::return_from_nested(x);
    } else {
        protected::<B>(x)?;
    }
    x.st.nmi_blocked = false;
    x.rf_kept = true;
    x.attention = true;
    x.refresh();
    Ok(())
}

fn real<const B: u32>(x: &mut Exec) -> R {
    let n = B / 8;
    let mut s = Stack::current(x);
    let ip = s.pop(x, n)?;
    let selector = s.pop(x, n)? as u16;
    let image = s.pop(x, n)?;
    let cs = real_segment(&x.st, Seg::Cs, selector);
    check_ip(x, &cs, ip)?;
    s.commit(x);
    let mask = ARITHMETIC | TF | IF | DF | IOPL | NT | if B == 16 { 0 } else { RF | AC | ID };
    flag_image::load(x, image, mask);
    go(x, cs, ip);
    Ok(())
}

/// "RETURN-FROM-VIRTUAL-8086-MODE": stays in virtual-8086 mode.
fn virtual_8086<const B: u32>(x: &mut Exec) -> R {
    let trusted = x.st.flags.iopl() == 3;
    if !trusted && (B != 16 || x.st.cr4 & cr4::VME == 0) {
        return Err(Exception::gp(0));
    }
    let n = B / 8;
    let mut s = Stack::current(x);
    let ip = s.pop(x, n)?;
    let selector = s.pop(x, n)? as u16;
    let image = s.pop(x, n)?;
    let cs = real_segment(&x.st, Seg::Cs, selector);
    check_ip(x, &cs, ip)?;
    let plain = ARITHMETIC | TF | DF | NT | if B == 16 { 0 } else { RF | AC | ID };
    if trusted {
        flag_image::load(x, image, plain | IF);
    } else {
        if image & TF != 0 || x.st.flags.has(VIP) && image & IF != 0 {
            return Err(V86_TRAP);
        }
        flag_image::load(x, image, plain);
        x.st.flags.set_system(VIF, image & IF != 0);
    }
    s.commit(x);
    go(x, cs, ip);
    Ok(())
}

fn protected<const B: u32>(x: &mut Exec) -> R {
    let n = B / 8;
    let mut s = Stack::current(x);
    let ip = s.pop(x, n)?;
    let selector = s.pop(x, n)? as u16;
    let image = s.pop(x, n)?;
    let cpl = x.st.cpl;
    if B == 32 && image & VM != 0 && cpl == 0 && !x.st.long_mode() {
        return to_virtual_8086(x, s, ip, selector, image);
    }
    let (cs, rpl) = return_segment(x, selector)?;
    let to64 = x.st.long_mode() && cs.is(attr::L);
    let outer = rpl != cpl;
    // 64-bit code always returns with a stack.
    if outer || x.st.code64() {
        let sp = s.pop(x, n)?;
        let ss = s.pop(x, n)? as u16;
        let ss = stack_segment(x, ss, rpl, to64, Exception::gp)?;
        check_ip(x, &cs, ip)?;
        load_flags::<B>(x, image);
        x.st.cpl = rpl;
        outer_stack(x, ss, sp, to64, 0);
    } else {
        check_ip(x, &cs, ip)?;
        load_flags::<B>(x, image);
        s.commit(x);
    }
    if outer {
        drop_inaccessible(x);
    }
    go(x, cs, ip);
    Ok(())
}

/// The flags that a return in protected mode changes, by the level that returns.
fn load_flags<const B: u32>(x: &mut Exec, image: u64) {
    let mut mask = ARITHMETIC | TF | DF | NT;
    if B != 16 {
        mask |= RF | AC | ID;
    }
    if x.st.cpl <= x.st.flags.iopl() {
        mask |= IF;
    }
    if x.st.cpl == 0 {
        mask |= IOPL | if B == 16 { 0 } else { VIF | VIP };
    }
    flag_image::load(x, image, mask);
}

/// "RETURN-TO-VIRTUAL-8086-MODE": the frame holds all segment registers.
fn to_virtual_8086(x: &mut Exec, mut s: Stack, ip: u64, selector: u16, image: u64) -> R {
    let sp = s.pop(x, 4)?;
    let mut selectors = [0; 5]; // SS ES DS FS GS
    for v in &mut selectors {
        *v = s.pop(x, 4)? as u16;
    }
    let segment = |selector| {
        let real = Segment::real(selector);
        Segment { attr: real.attr | attr::DPL, ..real }
    };
    let cs = segment(selector);
    if !ip_fits(x, &cs, ip & 0xffff_ffff) {
        return Err(Exception::gp(0));
    }
    flag_image::load(x, image, !0);
    for (s, v) in [Seg::Ss, Seg::Es, Seg::Ds, Seg::Fs, Seg::Gs].into_iter().zip(selectors) {
        x.st.seg[s as usize] = segment(v);
    }
    x.st.regs[RSP as usize] = sp;
    x.st.cpl = 3;
    go(x, cs, ip);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::rig::*;
    use super::*;
    use crate::cpu::ModelName;

    const M: ModelName = ModelName::Pentium3;
    const IRET: &[u8] = &[0xcf];
    const IRET_O: &[u8] = &[0x66, 0xcf];
    const IRETQ: &[u8] = &[0x48, 0xcf];

    /// Writes a frame of `n`-byte slots to the top of the stack.
    fn frame(r: &mut Rig, n: usize, slots: &[u64]) {
        for (k, v) in slots.iter().enumerate() {
            let at = r.sp() + (k * n) as u64;
            r.poke(at, n, *v);
        }
    }

    #[test]
    fn real_mode_loads_all_flags_of_the_model() {
        let cases = [
            (ModelName::I8086, 0xffd7),
            (ModelName::I80286, 0x0fd7), // "In real address mode NT and IOPL are clear."
            (ModelName::I80386, 0x7fd7),
            (M, 0x7fd7),
        ];
        for (model, flags) in cases {
            let mut r = Rig::real(model);
            frame(&mut r, 2, &[0x1234, 0x2000, 0xffff & !TF]);
            r.run(IRET);
            assert_eq!((r.selector(Seg::Cs), r.x.st.rip(), r.sp()), (0x2000, 0x1234, SP0 + 6), "{model:?}");
            assert_eq!(r.x.st.flags.bits(), flags & !TF, "{model:?}");
        }
    }

    #[test]
    fn real_mode_iretd_leaves_vm_vif_and_vip() {
        let mut r = Rig::real(M);
        frame(&mut r, 4, &[0x1234, 0x2000, 0xffff_ffff & !TF]);
        r.run(IRET_O);
        assert_eq!(r.x.st.flags.bits() & !RF, 0x24_7ed7 & !TF);
    }

    #[test]
    fn the_same_level_keeps_ss_and_pops_three_slots() {
        let mut r = Rig::protected(M);
        frame(&mut r, 4, &[0x8765, CODE0.into(), IF | ID | IOPL]);
        r.x.st.nmi_blocked = true;
        r.run(IRET);
        assert_eq!((r.x.st.rip(), r.sp(), r.selector(Seg::Ss)), (0x8765, SP0 + 12, DATA0));
        assert_eq!(r.x.st.flags.bits(), IF | ID | IOPL | 2);
        assert!(!r.x.st.nmi_blocked);
    }

    #[test]
    fn an_outer_level_gets_its_stack_and_loses_inner_segments() {
        let mut r = Rig::protected(M);
        r.set_seg(Seg::Es, DATA3);
        frame(&mut r, 4, &[0x8765, CODE3.into(), IF, STACK3, DATA3.into()]);
        r.run(IRET);
        assert_eq!((r.x.st.cpl, r.x.st.rip(), r.sp(), r.selector(Seg::Ss)), (3, 0x8765, STACK3, DATA3));
        assert_eq!((r.selector(Seg::Ds), r.selector(Seg::Es)), (0, DATA3));
        assert!(r.x.st.flags.has(IF), "the level that returns decides about IF");
    }

    #[test]
    fn level_3_changes_neither_if_nor_iopl() {
        let mut r = Rig::level3(M);
        frame(&mut r, 4, &[0x8765, CODE3.into(), IF | IOPL | NT | AC]);
        r.run(IRET);
        assert_eq!(r.x.st.flags.bits(), NT | AC | 2);
    }

    #[test]
    fn a_16_bit_stack_segment_gets_16_bits_of_the_stack_pointer() {
        let mut r = Rig::protected(M);
        r.gdt(OWN, descriptor(0, 0xffff, DATA | attr::DPL));
        frame(&mut r, 4, &[0x8765, CODE3.into(), 2, 0x1234_5678, (OWN | 3).into()]);
        r.run(IRET);
        assert_eq!(r.sp(), 0x5678 | SP0 & !0xffff);
    }

    #[test]
    fn bad_frames_fault_and_change_nothing() {
        let cases: [(&[u64], Exception); 5] = [
            (&[0, 0, 2], Exception::gp(0)),
            (&[0, DATA0 as u64, 2], Exception::gp(DATA0)),
            (&[0, ABSENT_CODE as u64, 2], Exception::np(ABSENT_CODE)),
            (&[0, CODE3 as u64, 2, 0, DATA0 as u64], Exception::gp(DATA0)),
            (&[0x1_0000, CODE16 as u64, 2], Exception::gp(0)),
        ];
        for (slots, e) in cases {
            let mut r = Rig::protected(M);
            frame(&mut r, 4, slots);
            assert_eq!(r.fault(IRET), e);
        }
    }

    #[test]
    fn level_0_returns_to_virtual_8086_mode_with_all_segments() {
        let mut r = Rig::protected(M);
        frame(&mut r, 4, &[0x8765, 0x111, VM | IF, 0x6000, 0x222, 0x333, 0x444, 0x555, 0x666]);
        r.run(IRET);
        assert!(r.x.st.v86() && r.x.st.cpl == 3);
        let all = [Seg::Cs, Seg::Ss, Seg::Es, Seg::Ds, Seg::Fs, Seg::Gs].map(|s| r.selector(s));
        assert_eq!(all, [0x111, 0x222, 0x333, 0x444, 0x555, 0x666]);
        assert_eq!((r.sp(), r.x.st.segment(Seg::Gs).base), (0x6000, 0x6660));
        // Level 3 cannot: VM in its image is ignored.
        let mut r = Rig::level3(M);
        frame(&mut r, 4, &[0x8765, CODE3.into(), VM | 2]);
        r.run(IRET);
        assert!(!r.x.st.v86());
    }

    #[test]
    fn virtual_8086_code_needs_iopl_3_or_vme() {
        let mut r = Rig::v86(M);
        frame(&mut r, 2, &[0x1234, 0x2000, 2]);
        r.run(IRET);
        assert_eq!((r.selector(Seg::Cs), r.x.st.rip(), r.sp()), (0x2000, 0x1234, STACK3 + 6));
        assert_eq!(r.x.st.flags.bits(), VM | IOPL | 2, "IF changes, IOPL does not");

        let mut r = Rig::v86(M);
        r.x.st.flags.set_system(IOPL, false);
        frame(&mut r, 2, &[0x1234, 0x2000, 2]);
        r.run(IRET);
        assert_eq!(r.handler(), Some(13));

        let mut r = Rig::v86(M);
        r.x.st.flags.set_system(IOPL, false);
        r.x.st.cr4 |= cr4::VME;
        frame(&mut r, 2, &[0x1234, 0x2000, IF]);
        r.run(IRET);
        assert_eq!(r.x.st.flags.bits(), VM | VIF | IF | 2);
        r.x.st.flags.set_system(VIP, true);
        frame(&mut r, 2, &[0x1234, 0x2000, IF]);
        r.run(IRET);
        assert_eq!(r.handler(), Some(13), "a virtual interrupt waits");
    }

    #[test]
    fn rf_lasts_for_one_instruction() {
        let mut r = Rig::protected(M);
        frame(&mut r, 4, &[CODE + 0x40, CODE0.into(), RF]);
        r.poke(CODE + 0x40, 2, 0x9090);
        r.run(IRET);
        assert!(r.x.st.flags.has(RF));
        r.step();
        assert!(!r.x.st.flags.has(RF));
    }

    #[test]
    fn long_mode_always_returns_with_a_stack_and_knows_no_nested_tasks() {
        let mut r = Rig::long(0);
        frame(&mut r, 8, &[0x8765, CODE64.into(), IF, 0x7123, 0]);
        r.run(IRETQ);
        assert_eq!((r.x.st.rip(), r.sp(), r.selector(Seg::Ss)), (0x8765, 0x7123, 0), "a null SS is good enough");
        let mut r = Rig::long(0);
        frame(&mut r, 8, &[0x8765, CODE3.into(), IF, STACK3, DATA3.into()]);
        r.run(IRETQ);
        assert_eq!((r.x.st.cpl, r.x.st.code64(), r.sp()), (3, false, STACK3), "to compatibility mode");
        let mut r = Rig::long(0);
        frame(&mut r, 8, &[0x8765, CODE64_3.into(), IF, STACK3, 3]);
        assert_eq!(r.fault(IRETQ), Exception::gp(0), "level 3 needs a stack segment");
        let mut r = Rig::long(0);
        r.x.st.flags.set_system(NT, true);
        assert_eq!(r.fault(IRETQ), Exception::gp(0));
    }
}
