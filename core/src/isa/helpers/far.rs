//! Far JMP, CALL and RET, direct, through call gates, and to tasks.
//! Intel SDM Vol. 2A and 2B, "JMP", "CALL", "RET", Operation; Vol. 3A, "Privilege Level Checking When Transferring
//! Program Control Between Code Segments".

use super::descriptor::{Descriptor, code_of, ip_fits, is_null, long_and_default, system};
use super::frame::Stack;
use super::segload::{far_pointer, real_segment, stack_segment};
use super::task::{self, Why};
use crate::cpu::Exception;
use crate::cpu::model::ModelName;
use crate::cpu::segment::{Seg, Segment, attr};
use crate::cpu::state::RSP;
use crate::exec::Exec;
use crate::isa::Insn;

type R = Result<(), Exception>;

/// Whether a transfer leaves a return address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Jump,
    /// CALL with an operand size in bytes.
    Call(u32),
}

/// JMP ptr16:16 and ptr16:32.
pub fn jmp_direct(x: &mut Exec, i: &Insn) -> R {
    transfer(x, i.imm & 0xffff_ffff, (i.imm >> 32) as u16, Kind::Jump)
}

/// JMP m16:16, m16:32, m16:64.
pub fn jmp_indirect<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    let (off, selector) = far_pointer::<B>(x, i)?;
    transfer(x, off, selector, Kind::Jump)
}

/// CALL ptr16:16 and ptr16:32.
pub fn call_direct<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    transfer(x, i.imm & 0xffff_ffff, (i.imm >> 32) as u16, Kind::Call(B / 8))
}

/// CALL m16:16, m16:32, m16:64.
pub fn call_indirect<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    let (off, selector) = far_pointer::<B>(x, i)?;
    transfer(x, off, selector, Kind::Call(B / 8))
}

fn transfer(x: &mut Exec, off: u64, selector: u16, kind: Kind) -> R {
    if !x.st.real_segments() {
        return protected(x, off, selector, kind);
    }
    let cs = real_segment(&x.st, Seg::Cs, selector);
    if let Kind::Call(n) = kind {
        let mut s = Stack::current(x);
        s.check_room(x, u64::from(n) * 2)?;
        check_ip(x, &cs, off)?;
        push_return(x, &mut s, n)?;
        s.commit(x);
    } else {
        check_ip(x, &cs, off)?;
    }
    enter(x, cs, off);
    Ok(())
}

/// `#GP(0)` for an instruction pointer that a code segment does not hold. The 8086 knows no limits.
///
/// # Errors
/// See above.
pub fn check_ip(x: &Exec, cs: &Segment, ip: u64) -> R {
    if ip_fits(x, cs, ip) || x.model.name == ModelName::I8086 { Ok(()) } else { Err(Exception::gp(0)) }
}

/// Pushes CS and the instruction pointer.
fn push_return(x: &mut Exec, s: &mut Stack, n: u32) -> R {
    let (cs, ip) = (x.st.segment(Seg::Cs).selector, x.st.rip());
    s.push(x, n, u64::from(cs))?;
    s.push(x, n, ip)
}

/// Goes there: nothing can fault any more.
pub fn enter(x: &mut Exec, cs: Segment, ip: u64) {
    go(x, cs, ip);
    x.refresh();
}

/// The same for a caller that changes more and refreshes the derived state itself.
pub const fn go(x: &mut Exec, cs: Segment, ip: u64) {
    x.st.seg[Seg::Cs as usize] = cs;
    x.st.set_rip(ip);
}

fn protected(x: &mut Exec, off: u64, selector: u16, kind: Kind) -> R {
    if is_null(selector) {
        return Err(Exception::gp(0));
    }
    let gp = Exception::gp(code_of(selector));
    let mut d = Descriptor::fetch(x, selector, Exception::gp)?;
    if let Some(t) = d.system_type() {
        return to_system(x, d, t, kind);
    }
    let cpl = x.st.cpl;
    let reachable = if d.conforming() { d.dpl() <= cpl } else { d.rpl() <= cpl && d.dpl() == cpl };
    if !d.code() || !reachable || long_and_default(x, &d) {
        return Err(gp);
    }
    if !d.present() {
        return Err(Exception::np(code_of(selector)));
    }
    d.mark_accessed(x)?;
    let cs = d.code_segment(cpl);
    if let Kind::Call(n) = kind {
        let mut s = Stack::current(x);
        s.check_room(x, u64::from(n) * 2)?;
        check_ip(x, &cs, off)?;
        push_return(x, &mut s, n)?;
        s.commit(x);
    } else {
        check_ip(x, &cs, off)?;
    }
    enter(x, cs, off);
    Ok(())
}

/// A far transfer whose selector names a system descriptor.
fn to_system(x: &mut Exec, mut d: Descriptor, t: u8, kind: Kind) -> R {
    use system as t_;
    let gp = Exception::gp(code_of(d.selector));
    let legacy = !x.st.long_mode();
    let wide = x.model.name >= ModelName::I80386;
    // The same rule for all: a gate or TSS must be visible from CPL and from RPL.
    let visible = d.dpl() >= x.st.cpl.max(d.rpl());
    let why = if kind == Kind::Jump { Why::Jump } else { Why::Call };
    match t {
        t_::CALL16 if legacy && visible => through_call_gate(x, &mut d, kind),
        t_::CALL32 if wide && visible => through_call_gate(x, &mut d, kind),
        t_::TASK if legacy && visible => {
            if !d.present() {
                return Err(Exception::np(code_of(d.selector)));
            }
            task::through_gate(x, d.gate().selector, why)
        }
        t_::TSS16_AVAILABLE if legacy && visible => task::switch(x, d, why),
        t_::TSS32_AVAILABLE if legacy && wide && visible => task::switch(x, d, why),
        _ => Err(gp),
    }
}

fn through_call_gate(x: &mut Exec, d: &mut Descriptor, kind: Kind) -> R {
    let long = x.st.long_mode();
    if long {
        d.fetch_high(x, Exception::gp)?;
    }
    if !d.present() {
        return Err(Exception::np(code_of(d.selector)));
    }
    let gate = d.gate();
    if is_null(gate.selector) {
        return Err(Exception::gp(0));
    }
    let gp = Exception::gp(code_of(gate.selector));
    let mut c = Descriptor::fetch(x, gate.selector, Exception::gp)?;
    let cpl = x.st.cpl;
    let reachable = match kind {
        Kind::Jump if !c.conforming() => c.dpl() == cpl,
        _ => c.dpl() <= cpl,
    };
    if !c.code() || !reachable || long && !c.long_code() {
        return Err(gp);
    }
    if !c.present() {
        return Err(Exception::np(code_of(gate.selector)));
    }
    c.mark_accessed(x)?;
    let n = match (long, gate.kind == system::CALL32) {
        (true, _) => 8,
        (false, true) => 4,
        (false, false) => 2,
    };
    if kind != Kind::Jump && !c.conforming() && c.dpl() < cpl {
        return more_privilege(x, &c, gate.offset, n, gate.params);
    }
    let cs = c.code_segment(cpl);
    if kind != Kind::Jump {
        let mut s = Stack::current(x);
        if long {
            s = Stack::long(s.seg, s.sp, cpl);
        }
        s.check_room(x, u64::from(n) * 2)?;
        check_ip(x, &cs, gate.offset)?;
        push_return(x, &mut s, n)?;
        s.commit(x);
    } else {
        check_ip(x, &cs, gate.offset)?;
    }
    enter(x, cs, gate.offset);
    Ok(())
}

/// "CALL", Operation, "MORE-PRIVILEGE": a new stack from the TSS, the old one's address and parameters on it.
fn more_privilege(x: &mut Exec, c: &Descriptor, off: u64, n: u32, params: u32) -> R {
    let dpl = c.dpl();
    let long = x.st.long_mode();
    let params = if long { 0 } else { params };
    let mut s = if long { Stack::inner_long(x, 4 + 8 * u64::from(dpl), dpl)? } else { Stack::inner(x, dpl)? };
    s.check_room(x, u64::from(n) * (4 + u64::from(params)))?;
    let cs = c.code_segment(dpl);
    check_ip(x, &cs, off)?;
    let mut copied = [0; 31];
    let mut old = Stack::current(x);
    let (old_ss, old_sp) = (old.seg.selector, old.sp);
    let copied = &mut copied[..params as usize];
    for p in copied.iter_mut() {
        *p = old.pop(x, n)?;
    }
    s.push(x, n, u64::from(old_ss))?;
    s.push(x, n, old_sp)?;
    for p in copied.iter().rev() {
        s.push(x, n, *p)?;
    }
    push_return(x, &mut s, n)?;
    s.commit(x);
    x.st.cpl = dpl;
    enter(x, cs, off);
    Ok(())
}

/// RET far, with or without an immediate, operand size `B`.
pub fn ret<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    let n = B / 8;
    let release = i.imm & 0xffff;
    let mut s = Stack::current(x);
    let ip = s.pop(x, n)?;
    let selector = s.pop(x, n)? as u16;
    if x.st.real_segments() {
        let cs = real_segment(&x.st, Seg::Cs, selector);
        check_ip(x, &cs, ip)?;
        s.skip(release);
        s.commit(x);
        enter(x, cs, ip);
        return Ok(());
    }
    let (cs, rpl) = return_segment(x, selector)?;
    if rpl == x.st.cpl {
        check_ip(x, &cs, ip)?;
        s.skip(release);
        s.commit(x);
        enter(x, cs, ip);
        return Ok(());
    }
    s.skip(release);
    let sp = s.pop(x, n)?;
    let ss = s.pop(x, n)? as u16;
    let to64 = x.st.long_mode() && cs.is(attr::L);
    let ss = stack_segment(x, ss, rpl, to64, Exception::gp)?;
    check_ip(x, &cs, ip)?;
    x.st.cpl = rpl;
    outer_stack(x, ss, sp, to64, release);
    drop_inaccessible(x);
    enter(x, cs, ip);
    Ok(())
}

/// The code segment that a return goes to, and the level. Shared by RET and IRET.
///
/// # Errors
/// `#GP`, `#NP`, `#PF`, as "RET", Operation, lists them.
pub fn return_segment(x: &mut Exec, selector: u16) -> Result<(Segment, u8), Exception> {
    if is_null(selector) {
        return Err(Exception::gp(0));
    }
    let mut d = Descriptor::fetch(x, selector, Exception::gp)?;
    let rpl = d.rpl();
    let level = if d.conforming() { d.dpl() <= rpl } else { d.dpl() == rpl };
    if !d.code() || rpl < x.st.cpl || !level || long_and_default(x, &d) {
        return Err(Exception::gp(code_of(selector)));
    }
    if !d.present() {
        return Err(Exception::np(code_of(selector)));
    }
    d.mark_accessed(x)?;
    Ok((d.segment(selector), rpl))
}

/// Takes over the stack of an outer level. A 16-bit stack segment leaves the upper bits of ESP as they are.
pub fn outer_stack(x: &mut Exec, ss: Segment, sp: u64, to64: bool, release: u64) {
    let sp = sp.wrapping_add(release);
    let old = x.st.regs[RSP as usize];
    x.st.regs[RSP as usize] = if to64 {
        sp
    } else if ss.is(attr::DB) {
        sp & 0xffff_ffff
    } else {
        old & !0xffff | sp & 0xffff
    };
    x.st.seg[Seg::Ss as usize] = ss;
}

/// After a return to an outer level, data segments of inner levels become unusable.
pub fn drop_inaccessible(x: &mut Exec) {
    let cpl = x.st.cpl;
    for s in [Seg::Es, Seg::Ds, Seg::Fs, Seg::Gs] {
        let seg = &mut x.st.seg[s as usize];
        let conforming = seg.is(attr::CODE | attr::EC);
        if seg.usable() && !conforming && seg.dpl() < cpl {
            *seg = Segment { base: seg.base, ..Segment::null(0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rig::*;
    use super::*;
    use crate::cpu::state::{RAX, cr0};

    const M: ModelName = ModelName::Pentium3;

    /// JMP or CALL ptr16:32.
    fn direct(opcode: u8, selector: u16, off: u32) -> Vec<u8> {
        let mut v = vec![opcode];
        v.extend(off.to_le_bytes());
        v.extend(selector.to_le_bytes());
        v
    }
    const JMP: u8 = 0xea;
    const CALL: u8 = 0x9a;
    /// JMP and CALL m16:32 (m16:64 with REX.W) at 0x5000, in 64-bit code without a base.
    const JMP_M64: &[u8] = &[0x48, 0xff, 0x2c, 0x25, 0x00, 0x50, 0, 0];
    const CALL_M32_IN_64: &[u8] = &[0xff, 0x1c, 0x25, 0x00, 0x50, 0, 0];

    #[test]
    fn real_mode_pushes_cs_and_ip_and_returns() {
        let mut r = Rig::real(M);
        r.run(&[0x9a, 0x34, 0x12, 0x00, 0x20]); // call 2000:1234
        assert_eq!((r.selector(Seg::Cs), r.x.st.rip(), r.sp()), (0x2000, 0x1234, SP0 - 4));
        assert_eq!(r.slot(0, 4), CODE + 5);
        r.run(&[0xca, 0x06, 0x00]); // retf 6
        assert_eq!((r.selector(Seg::Cs), r.x.st.rip(), r.sp()), (0, CODE + 5, SP0 + 6));
    }

    #[test]
    fn real_mode_keeps_an_operand_size_of_32_inside_the_limit() {
        let mut r = Rig::real(M);
        r.run(&[0x66, 0xea, 0, 0, 1, 0, 0, 0]); // jmp 0:10000h
        assert_eq!(r.handler(), Some(13));
        assert_eq!(r.slot(0, 2), CODE);
    }

    #[test]
    fn a_stack_pointer_of_1_wraps_on_the_8086_and_faults_from_the_80286_on() {
        let mut r = Rig::real(ModelName::I8086);
        r.x.st.regs[RSP as usize] = 3;
        r.run(&[0x9a, 0x34, 0x12, 0x00, 0x20]);
        assert_eq!((r.sp(), r.peek(0xffff, 1), r.peek(0, 1)), (0xffff, 0x05, 0x80));
        let mut r = Rig::real(ModelName::I80286);
        r.x.st.regs[RSP as usize] = 3;
        r.run(&[0x9a, 0x34, 0x12, 0x00, 0x20]);
        assert_eq!(r.x.st.activity, crate::cpu::Activity::Shutdown, "#SS has no room for its frame");
    }

    #[test]
    fn a_jump_reaches_code_of_the_same_level_and_conforming_code() {
        let mut r = Rig::protected(M);
        r.run(&direct(JMP, CODE16, 0x8765));
        assert_eq!((r.selector(Seg::Cs), r.x.st.rip()), (CODE16, 0x8765));
        assert_eq!(r.x.ctx.code, crate::exec::CodeSize::Bits16);
        let mut r = Rig::level3(M);
        r.run(&direct(JMP, CONFORMING, 0x8765));
        assert_eq!((r.selector(Seg::Cs), r.x.st.cpl), (CONFORMING | 3, 3));
    }

    #[test]
    fn direct_transfers_check_selector_type_level_presence_and_limit() {
        for op in [JMP, CALL] {
            let cases = [
                (0, Exception::gp(0)),
                (0xff8, Exception::gp(0xff8)),
                (DATA0, Exception::gp(DATA0)),
                (CODE0 | 1, Exception::gp(CODE0)),
                (CODE3, Exception::gp(CODE3 & !3)),
                (LDT_SEL, Exception::gp(LDT_SEL)),
                (TSS_SEL, Exception::gp(TSS_SEL)), // busy
                (ABSENT_CODE, Exception::np(ABSENT_CODE)),
            ];
            for (selector, e) in cases {
                assert_eq!(Rig::protected(M).fault(&direct(op, selector, 0)), e, "{op:#x} {selector:#x}");
            }
            assert_eq!(Rig::protected(M).fault(&direct(op, CODE16, 0x1_0000)), Exception::gp(0));
            assert_eq!(Rig::level3(M).fault(&direct(op, CODE0, 0)), Exception::gp(CODE0));
        }
    }

    #[test]
    fn a_call_without_room_for_its_return_address_changes_nothing() {
        let mut r = Rig::protected(M);
        r.gdt(OWN, descriptor(0, SP0 - 8, DATA | attr::DB | attr::EC)); // expand-down: from SP0 - 7 on
        r.set_seg(Seg::Ss, OWN);
        // The handler needs a stack of its own: the fault is delivered to a task.
        r.code(&direct(CALL, CODE0, 0x8765));
        r.poke(IDT + 8 * 12, 8, gate(5, 0, TSS_B_SEL, 0, 0));
        r.poke(TSS_B + 0x4c, 2, u64::from(CODE0));
        r.poke(TSS_B + 0x50, 2, u64::from(DATA0));
        r.poke(TSS_B + 0x38, 4, STACK0);
        r.poke(TSS_B + 0x20, 4, HANDLERS);
        r.step();
        assert_eq!((r.x.st.rip(), r.slot(0, 4)), (HANDLERS, 0), "#SS(0)");
        assert_eq!((r.peek(TSS + 0x20, 4), r.peek(TSS + 0x38, 4)), (CODE, SP0));
    }

    fn with_call_gate(mut r: Rig, kind: u8, dpl: u8, selector: u16, params: u8) -> Rig {
        r.gdt(OWN, gate(kind, dpl, selector, 0x8765, params));
        r
    }

    #[test]
    fn a_call_gate_to_an_inner_level_copies_parameters_and_ret_releases_them() {
        let mut r = with_call_gate(Rig::level3(M), 12, 3, CODE0, 2);
        r.poke(STACK3, 8, 0x2222_2222_1111_1111);
        r.run(&direct(CALL, OWN | 3, 0));
        assert_eq!((r.x.st.cpl, r.selector(Seg::Cs), r.x.st.rip()), (0, CODE0, 0x8765));
        assert_eq!((r.selector(Seg::Ss), r.sp()), (DATA0, STACK0 - 24));
        let frame: Vec<_> = (0..6).map(|n| r.slot(n, 4)).collect();
        assert_eq!(frame, [CODE + 7, CODE3.into(), 0x1111_1111, 0x2222_2222, STACK3, DATA3.into()]);
        r.set_seg(Seg::Ds, DATA0);
        r.run(&[0xca, 0x08, 0x00]); // retf 8
        assert_eq!((r.x.st.cpl, r.selector(Seg::Cs), r.x.st.rip()), (3, CODE3, CODE + 7));
        assert_eq!((r.selector(Seg::Ss), r.sp()), (DATA3, STACK3 + 8));
        assert_eq!(r.selector(Seg::Ds), 0, "level 3 may not keep a segment of level 0");
        assert_eq!(r.selector(Seg::Es), DATA3);
    }

    #[test]
    fn a_16_bit_call_gate_pushes_words() {
        let mut r = with_call_gate(Rig::level3(M), 4, 3, CODE0, 1);
        r.poke(STACK3, 2, 0x1111);
        r.run(&direct(CALL, OWN | 3, 0));
        let frame: Vec<_> = (0..5).map(|n| r.slot(n, 2)).collect();
        assert_eq!(frame, [CODE + 7, CODE3.into(), 0x1111, STACK3, DATA3.into()]);
        r.run(&[0x66, 0xca, 0x02, 0x00]); // retfw 2
        assert_eq!((r.x.st.cpl, r.x.st.rip(), r.sp()), (3, CODE + 7, STACK3 + 2));
    }

    #[test]
    fn a_call_gate_at_the_same_level_keeps_the_stack() {
        let mut r = with_call_gate(Rig::protected(M), 12, 0, CODE0, 3);
        r.run(&direct(CALL, OWN, 0));
        assert_eq!((r.sp(), r.x.st.rip()), (SP0 - 8, 0x8765));
        // Conforming code runs at the caller's level.
        let mut r = with_call_gate(Rig::level3(M), 12, 3, CONFORMING, 0);
        r.run(&direct(CALL, OWN | 3, 0));
        assert_eq!((r.x.st.cpl, r.selector(Seg::Cs), r.sp()), (3, CONFORMING | 3, STACK3 - 8));
    }

    #[test]
    fn call_gates_are_checked_before_what_they_lead_to() {
        let cases = [
            (0, CODE0, CALL, Exception::gp(OWN)),   // gate DPL < CPL
            (3, 0, CALL, Exception::gp(0)),         // null
            (3, DATA0, CALL, Exception::gp(DATA0)), // no code
            (3, CODE0, JMP, Exception::gp(CODE0)),  // a jump changes no level
            (3, ABSENT_CODE, CALL, Exception::np(ABSENT_CODE)),
        ];
        for (dpl, selector, op, e) in cases {
            let mut r = with_call_gate(Rig::level3(M), 12, dpl, selector, 0);
            assert_eq!(r.fault(&direct(op, OWN | 3, 0)), e);
        }
        let mut r = Rig::level3(M);
        r.gdt(OWN, gate(12, 3, CODE0, 0x8765, 0) & !(1 << 47));
        assert_eq!(r.fault(&direct(CALL, OWN | 3, 0)), Exception::np(OWN));
        // The 80286 knows no 32-bit gates.
        let mut r = with_call_gate(Rig::protected(ModelName::I80286), 12, 0, CODE0, 0);
        r.run(&[0x9a, 0, 0, OWN as u8, 0]);
        assert_eq!((r.handler(), r.slot(0, 2)), (Some(13), OWN.into()));
    }

    #[test]
    fn the_inner_stack_is_checked_with_ts_and_ss() {
        let cases = [
            (0, Exception::ts(0)),
            (DATA3, Exception::ts(DATA3 & !3)),
            (READ_ONLY, Exception::ts(READ_ONLY)),
            (ABSENT, Exception::ss(ABSENT)),
        ];
        for (ss, e) in cases {
            let mut r = with_call_gate(Rig::level3(M), 12, 3, CODE0, 0);
            // #TS and #SS go to level 3 itself, since the inner stack is unusable.
            for v in [10, 11, 12] {
                r.poke(IDT + 8 * v, 8, gate(14, 0, CONFORMING, HANDLERS + 16 * v, 0));
            }
            r.poke(TSS + 8, 2, u64::from(ss));
            r.run(&direct(CALL, OWN | 3, 0));
            assert_eq!(r.handler(), Some(e.vector().into()), "{ss:#x}");
            assert_eq!(Some(r.slot(0, 4) as u32), e.code());
            assert_eq!(r.slot(1, 4), CODE);
        }
    }

    #[test]
    fn far_returns_check_in_the_order_of_the_manual() {
        let cases = [
            (0, Exception::gp(0)),
            (DATA3, Exception::gp(DATA3 & !3)),
            (CODE0 | 3, Exception::gp(CODE0)), // DPL 0 for RPL 3
            (CODE3 & !3, Exception::gp(CODE3 & !3)),
            (ABSENT_CODE, Exception::np(ABSENT_CODE)),
        ];
        for (selector, e) in cases {
            let mut r = Rig::protected(M);
            r.poke(SP0, 8, 0x8765 | u64::from(selector) << 32);
            assert_eq!(r.fault(&[0xcb]), e, "{selector:#x}");
        }
        let mut r = Rig::protected(M);
        r.poke(SP0, 8, 0x8765 | u64::from(CODE3) << 32);
        r.poke(SP0 + 8, 8, 0x6000 | u64::from(DATA0) << 32);
        assert_eq!(r.fault(&[0xcb]), Exception::gp(DATA0), "SS must be of the level returned to");
        let mut r = Rig::level3(M);
        r.poke(STACK3, 8, 0x8765 | u64::from(CODE0) << 32);
        assert_eq!(r.fault(&[0xcb]), Exception::gp(CODE0), "no return to an inner level");
    }

    #[test]
    fn long_mode_far_transfers_go_to_compatibility_mode_and_back() {
        let mut r = Rig::long(0);
        r.poke(0x5000, 8, 0x8765 | u64::from(CODE0) << 32);
        r.run(CALL_M32_IN_64);
        assert_eq!((r.selector(Seg::Cs), r.x.st.rip(), r.x.st.code64()), (CODE0, 0x8765, false));
        assert_eq!((r.sp(), r.slot(0, 4), r.slot(1, 4)), (SP0 - 8, CODE + 7, CODE64.into()));
        r.run(&[0xcb]); // retf
        assert_eq!((r.x.st.rip(), r.x.st.code64(), r.sp()), (CODE + 7, true, SP0));
        r.poke(0x5000, 8, 0x8000_0000_0000);
        r.poke(0x5008, 2, CODE64.into());
        assert_eq!(r.fault(JMP_M64), Exception::gp(0), "not canonical");
    }

    #[test]
    fn a_64_bit_call_gate_switches_stacks_without_a_segment() {
        let mut r = with_call_gate(Rig::long(3), 12, 3, CODE64, 5);
        r.gdt(OWN + 8, 0);
        r.poke(0x5000, 8, u64::from(OWN | 3) << 32);
        r.run(CALL_M32_IN_64);
        assert_eq!((r.x.st.cpl, r.selector(Seg::Ss), r.sp()), (0, 0, STACK0 - 32));
        let frame: Vec<_> = (0..4).map(|n| r.slot(n, 8)).collect();
        assert_eq!(frame, [CODE + 7, CODE64_3.into(), STACK3, DATA3.into()]);
        r.run(&[0x48, 0xcb]); // retfq
        assert_eq!((r.x.st.cpl, r.sp(), r.selector(Seg::Ss)), (3, STACK3, DATA3));
        // The second half's type must be 0, and the target 64-bit code.
        let mut r = with_call_gate(Rig::long(3), 12, 3, CODE64, 0);
        r.gdt(OWN + 8, 1 << 40);
        r.poke(0x5000, 8, u64::from(OWN | 3) << 32);
        assert_eq!(r.fault(CALL_M32_IN_64), Exception::gp(OWN));
        let mut r = with_call_gate(Rig::long(3), 12, 3, CODE0, 0);
        r.poke(0x5000, 8, u64::from(OWN | 3) << 32);
        assert_eq!(r.fault(CALL_M32_IN_64), Exception::gp(CODE0));
    }

    #[test]
    fn parameters_come_from_a_stack_with_the_callers_rights() {
        let mut r = with_call_gate(Rig::level3(M), 12, 3, CODE0, 1);
        r.gdt(DATA3, descriptor(0, STACK3 + 1, DATA | attr::DPL | attr::DB));
        r.set_seg(Seg::Ss, DATA3);
        assert_eq!(r.fault(&direct(CALL, OWN | 3, 0)), Exception::ss(0));
        assert_eq!(r.x.st.cr0 & cr0::TS, 0);
        assert_eq!(r.x.st.regs[RAX as usize], 0);
    }
}
