//! IRET, IRETD, IRETQ. Intel SDM Vol. 2A, "IRET/IRETD/IRETQ", Operation.

use super::descriptor::ip_fits;
use super::far::{check_ip, drop_inaccessible, enter, outer_stack, return_segment};
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
    enter(x, cs, ip);
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
    enter(x, cs, ip);
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
    enter(x, cs, ip);
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
    enter(x, cs, ip);
    Ok(())
}
