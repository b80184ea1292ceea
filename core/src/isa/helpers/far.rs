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
    x.st.seg[Seg::Cs as usize] = cs;
    x.st.set_rip(ip);
    x.refresh();
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
    if !c.code() || !reachable || long && !(c.is(attr::L) && !c.is(attr::DB)) {
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
