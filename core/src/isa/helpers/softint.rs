//! INT n, INT3, INTO, INT1, BOUND, and the instructions that are there to be undefined.
//! Intel SDM Vol. 2A, "INT n/INTO/INT3/INT1", "BOUND"; Vol. 2B, "UD"; Vol. 3B, "Handling Software-Generated Interrupts
//! in Virtual-8086 Mode".

use super::event::{Event, Kind, enter};
use super::far::{check_ip, enter as go};
use super::flags::V86_TRAP;
use super::frame::Stack;
use super::segload::real_segment;
use crate::cpu::Exception;
use crate::cpu::flags::{IF, IOPL, NT, RF, TF, VIF};
use crate::cpu::segment::{Seg, attr};
use crate::cpu::state::cr4;
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::ops::Ops;

type R = Result<(), Exception>;

/// The I/O map base in the 32-bit TSS.
const TSS32_IO_MAP: u64 = 0x66;

/// INT n.
pub fn int(x: &mut Exec, i: &Insn) -> R {
    let vector = i.imm as u8;
    if x.st.v86() {
        let trusted = x.st.flags.iopl() == 3;
        if x.st.cr4 & cr4::VME != 0 && !redirected(x, vector)? {
            virtual_8086_handler(x, vector, trusted)?;
            x.step_masked = true;
            return Ok(());
        }
        if !trusted {
            return Err(V86_TRAP);
        }
    }
    software(x, Event::plain(vector, Kind::Software))
}

/// INT3: never redirected, and free of IOPL.
pub fn int3(x: &mut Exec, _: &Insn) -> R {
    software(x, Event::plain(3, Kind::Software))
}

/// INTO.
pub fn into(x: &mut Exec, _: &Insn) -> R {
    if x.st.flags.of() { software(x, Event::plain(4, Kind::Software)) } else { Ok(()) }
}

/// INT1 (ICEBP): `#DB` without a debug condition and without a look at the gate's DPL.
pub fn int1(x: &mut Exec, _: &Insn) -> R {
    software(x, Event::plain(1, Kind::Icebp))
}

fn software(x: &mut Exec, e: Event) -> R {
    enter(x, &e)?;
    // TF was on the stack before a single step could be reported.
    x.step_masked = true;
    Ok(())
}

/// Whether the redirection bitmap sends a vector to the protected-mode handler.
fn redirected(x: &mut Exec, vector: u8) -> Result<bool, Exception> {
    let tr = x.st.tr;
    let limit = u64::from(tr.limit);
    if tr.attr & 8 == 0 || limit < TSS32_IO_MAP + 1 {
        return Err(Exception::gp(0));
    }
    let map = x.read_system(tr.base.wrapping_add(TSS32_IO_MAP), 2)?;
    // The 32 bytes below the I/O map.
    let at = (map + u64::from(vector >> 3)).wrapping_sub(32);
    if at > limit {
        return Err(Exception::gp(0));
    }
    let bits = x.read_system(tr.base.wrapping_add(at), 1)?;
    Ok(bits >> (vector & 7) & 1 != 0)
}

/// Methods 5 and 6: the 8086 program's own handler, through the vector table at linear address 0.
fn virtual_8086_handler(x: &mut Exec, vector: u8, trusted: bool) -> R {
    let entry = x.read_system(u64::from(vector) * 4, 4)?;
    let cs = real_segment(&x.st, Seg::Cs, (entry >> 16) as u16);
    let ip = entry & 0xffff;
    let mut image = x.st.flags.bits();
    if !trusted {
        let vif = image & VIF != 0;
        image = image & !IF | IOPL | if vif { IF } else { 0 };
    }
    let mut s = Stack::current(x);
    s.check_room(x, 6)?;
    check_ip(x, &cs, ip)?;
    s.push(x, 2, image)?;
    let (old_cs, old_ip) = (x.st.segment(Seg::Cs).selector, x.st.rip());
    s.push(x, 2, u64::from(old_cs))?;
    s.push(x, 2, old_ip)?;
    s.commit(x);
    x.st.flags.set_system(if trusted { IF } else { VIF } | TF | NT | RF, false);
    debug_assert!(cs.is(attr::DPL));
    go(x, cs, ip);
    Ok(())
}

/// BOUND: the index against the signed bounds in memory, lower first.
pub fn bound<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    let at = x.ea(i);
    let lower = x.read::<B>(i.seg, at)?;
    let upper = x.read::<B>(i.seg, at.wrapping_add(u64::from(B / 8)) & i.address_mask())?;
    let index = x.get::<B>(i.dst);
    let [index, lower, upper] = [index, lower, upper].map(|v| x.sext::<B>(v) as i64);
    if index < lower || index > upper { Err(Exception::BR) } else { Ok(()) }
}

/// UD0, UD1, UD2.
pub fn undefined(_: &mut Exec, _: &Insn) -> R {
    Err(Exception::UD)
}

#[cfg(test)]
mod tests {
    use super::super::rig::*;
    use super::*;
    use crate::cpu::ModelName;
    use crate::cpu::flags::OF;
    use crate::cpu::state::RAX;

    const M: ModelName = ModelName::Pentium3;
    const INT_40: &[u8] = &[0xcd, 0x40];

    /// Virtual-8086 mode with VME and an I/O map at 0x88, so that the redirection bitmap begins at 0x68.
    fn vme(trusted: bool, redirect: bool) -> Rig {
        let mut r = Rig::v86(M);
        r.x.st.cr4 |= cr4::VME;
        r.x.st.flags.set_system(IOPL, trusted);
        r.poke(TSS + TSS32_IO_MAP, 2, 0x88);
        r.poke(TSS + 0x68 + 8, 1, u64::from(redirect));
        r.poke(4 * 0x40, 4, 0x0700_1234);
        r.poke(IDT + 8 * 0x40, 8, gate(14, 3, CODE0, HANDLERS + 0x400, 0));
        r.x.refresh();
        r
    }

    #[test]
    fn without_vme_int_n_needs_iopl_3() {
        let mut r = Rig::v86(M);
        r.poke(IDT + 8 * 0x40, 8, gate(14, 3, CODE0, HANDLERS + 0x400, 0));
        r.run(INT_40);
        assert_eq!(r.handler(), Some(0x40));
        let mut r = Rig::v86(M);
        r.x.st.flags.set_system(IOPL, false);
        r.run(INT_40);
        assert_eq!((r.handler(), r.slot(0, 4), r.slot(1, 4)), (Some(13), 0, CODE));
    }

    #[test]
    fn a_clear_bit_of_the_redirection_map_goes_to_the_8086_handler() {
        let mut r = vme(true, false);
        r.run(INT_40);
        assert_eq!((r.selector(Seg::Cs), r.x.st.rip(), r.sp()), (0x700, 0x1234, STACK3 - 6));
        assert_eq!((r.slot(0, 2), r.slot(2, 2)), (CODE + 2, IOPL | IF | 2));
        assert!(r.x.st.v86() && !r.x.st.flags.has(IF));

        let mut r = vme(false, false);
        r.x.st.flags.set_system(VIF, true);
        r.run(INT_40);
        assert_eq!(r.slot(2, 2), IOPL | IF | 2, "VIF shows as IF");
        assert!(r.x.st.flags.has(IF) && !r.x.st.flags.has(VIF));
    }

    #[test]
    fn a_set_bit_goes_to_the_monitor() {
        let mut r = vme(true, true);
        r.run(INT_40);
        assert_eq!((r.handler(), r.x.st.v86()), (Some(0x40), false));
        let mut r = vme(false, true);
        r.run(INT_40);
        assert_eq!((r.handler(), r.slot(0, 4)), (Some(13), 0));
    }

    #[test]
    fn a_redirection_map_past_the_tss_faults() {
        let mut r = vme(true, false);
        r.poke(TSS + TSS32_IO_MAP, 2, 0x118);
        r.run(INT_40);
        assert_eq!(r.handler(), Some(13));
    }

    #[test]
    fn int3_in_virtual_8086_mode_asks_neither_iopl_nor_the_map() {
        let mut r = vme(false, false);
        r.poke(IDT + 8 * 3, 8, gate(14, 3, CODE0, HANDLERS + 0x30, 0));
        r.run(&[0xcc]);
        assert_eq!((r.handler(), r.slot(0, 4)), (Some(3), CODE + 1));
    }

    #[test]
    fn into_interrupts_on_overflow_only() {
        let mut r = Rig::real(M);
        r.run(&[0xce]);
        assert_eq!(r.x.st.rip(), CODE + 1);
        r.x.st.flags.set_arithmetic(OF);
        r.run(&[0xce]);
        assert_eq!((r.handler(), r.slot(0, 2)), (Some(4), CODE + 2));
    }

    #[test]
    fn bound_compares_signed_and_faults() {
        for (index, ok) in [(-2i16, false), (-1, true), (5, true), (6, false)] {
            let mut r = Rig::real(M);
            r.poke(0x5000, 4, 0x0005_ffff); // -1 to 5
            r.x.st.regs[RAX as usize] = u64::from(index as u16);
            r.run(&[0x62, 0x06, 0x00, 0x50]); // bound ax, [0x5000]
            assert_eq!(r.handler(), if ok { None } else { Some(5) }, "{index}");
            assert!(ok || r.slot(0, 2) == CODE);
        }
    }

    #[test]
    fn undefined_instructions_are() {
        for code in [&[0x0f, 0x0b][..], &[0x0f, 0xb9, 0xc0], &[0x0f, 0xff, 0xc0]] {
            assert_eq!(Rig::protected(M).fault(code), Exception::UD);
        }
    }
}
