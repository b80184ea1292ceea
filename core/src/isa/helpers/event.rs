//! Delivery of one interrupt or exception, in every mode.
//! Intel SDM Vol. 2A, "INT n/INTO/INT3/INT1", Operation; Vol. 3A, "Exception and Interrupt Handling",
//! "Interrupt Handling in Real-Address Mode", "Exception and Interrupt Handling in 64-bit Mode".
//!
//! [`enter`] either goes to the handler or changes nothing and says what went wrong; what to do then is decided in
//! [`super::interrupt`].

use super::descriptor::{Descriptor, code_of, ip_fits, is_null, system};
use super::far;
use super::flags::image;
use super::frame::Stack;
use super::segload::real_segment;
use super::task::{self, Why};
use crate::cpu::flags::{AC, IF, NT, RF, TF, VM};
use crate::cpu::model::ModelName;
use crate::cpu::segment::{Seg, Segment};
use crate::cpu::{Activity, Exception, Shadow};
use crate::exec::Exec;

type R = Result<(), Exception>;

/// Where an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// INT n, INT3, INTO: a gate's DPL must admit it.
    Software,
    /// ICEBP.
    Icebp,
    /// An exception that reports the instruction it stopped.
    Fault,
    /// An exception that reports the instruction after which it comes.
    Trap,
    /// NMI or an interrupt from the controller.
    External,
}

/// An interrupt or exception on its way to a handler.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// The vector.
    pub vector: u8,
    /// The error code, if the exception has one.
    pub code: Option<u32>,
    /// Its source.
    pub kind: Kind,
}

impl From<Exception> for Event {
    fn from(e: Exception) -> Self {
        let kind = if e.is_trap() { Kind::Trap } else { Kind::Fault };
        Self { vector: e.vector(), code: e.code(), kind }
    }
}

impl Event {
    /// An event without an error code.
    #[must_use]
    pub const fn plain(vector: u8, kind: Kind) -> Self {
        Self { vector, code: None, kind }
    }

    /// An error code that names an entry of the IDT.
    const fn idt_code(&self) -> u16 {
        (self.vector as u16) << 3 | 2
    }

    /// The flags that the handler finds saved. SDM Vol. 3B, "Instruction-Breakpoint Exception Condition", for RF.
    const fn image(&self, x: &Exec) -> u64 {
        let bits = image(x) & !RF;
        let rf = matches!(self.kind, Kind::Fault) || x.st.unfinished && !matches!(self.kind, Kind::Software);
        if rf && x.model.name as u8 >= ModelName::I80386 as u8 { bits | RF } else { bits }
    }
}

/// Goes to the handler of an event. RIP is what is saved.
///
/// # Errors
/// The exception that came up instead. If it is a trap, a task switch has happened.
pub fn enter(x: &mut Exec, e: &Event) -> R {
    let result = if !x.st.protected() {
        real(x, e)
    } else if x.st.long_mode() {
        long(x, e)
    } else {
        protected(x, e)
    };
    if let Err(fault) = result {
        return Err(if e.kind == Kind::Software { fault } else { with_ext(fault) });
    }
    if e.vector == 1 && e.kind != Kind::Software {
        x.st.dr7 &= !(1 << 13); // GD: the debug handler may use the debug registers
    }
    x.st.shadow = Shadow::None;
    x.st.activity = Activity::Active;
    x.st.unfinished = false;
    x.attention = true;
    x.refresh();
    Ok(())
}

/// EXT in a selector error code: the fault came up while an event was delivered that the program did not ask for.
const fn with_ext(e: Exception) -> Exception {
    match (e.vector(), e.code()) {
        (10..=13, Some(code)) => {
            let new = Exception::with_code(e.vector(), code | 1);
            if e.is_trap() { new.as_trap() } else { new }
        }
        _ => e,
    }
}

/// Real mode: the vector table holds an offset and a segment.
fn real(x: &mut Exec, e: &Event) -> R {
    let at = u64::from(e.vector) * 4;
    if at + 3 > u64::from(x.st.idtr.limit) {
        match x.model.name {
            ModelName::I8086 => {}
            // "Interrupt table limit too small"
            ModelName::I80286 | ModelName::I80386 => return Err(Exception::plain(8)),
            _ => return Err(Exception::gp(e.idt_code())),
        }
    }
    let entry = x.read_system(x.st.idtr.base.wrapping_add(at), 4)?;
    let cs = real_segment(&x.st, Seg::Cs, (entry >> 16) as u16);
    let ip = entry & 0xffff;
    let mut s = Stack::for_event(x);
    s.check_room(x, 6)?;
    far::check_ip(x, &cs, ip)?;
    s.push(x, 2, e.image(x))?;
    push_return(x, &mut s, 2)?;
    s.commit(x);
    x.st.flags.set_system(IF | TF | AC | RF, false);
    far::go(x, cs, ip);
    Ok(())
}

fn push_return(x: &mut Exec, s: &mut Stack, n: u32) -> R {
    let (cs, ip) = (x.st.segment(Seg::Cs).selector, x.st.rip());
    s.push(x, n, u64::from(cs))?;
    s.push(x, n, ip)
}

/// The IDT's descriptor for an event, checked as a gate of one of the types in `types`.
fn idt_gate(x: &mut Exec, e: &Event, bytes: u64, types: &[u8]) -> Result<Descriptor, Exception> {
    let gp = Exception::gp(e.idt_code());
    let at = u64::from(e.vector) * bytes;
    if at + bytes - 1 > u64::from(x.st.idtr.limit) {
        return Err(gp);
    }
    let at = x.st.idtr.base.wrapping_add(at);
    let mut d = Descriptor { selector: 0, raw: x.read_system(at, 8)?, high: 0, at };
    if bytes == 16 {
        d.high = x.read_system(at.wrapping_add(8), 8)? & 0xffff_ffff;
    }
    if !d.system_type().is_some_and(|t| types.contains(&t)) || e.kind == Kind::Software && d.dpl() < x.st.cpl {
        return Err(gp);
    }
    if d.present() { Ok(d) } else { Err(Exception::np(e.idt_code())) }
}

/// The handler's code segment.
fn handler(x: &mut Exec, selector: u16) -> Result<Descriptor, Exception> {
    if is_null(selector) {
        return Err(Exception::gp(0));
    }
    let c = Descriptor::fetch(x, selector, Exception::gp)?;
    if !c.code() || c.dpl() > x.st.cpl || x.st.long_mode() && !c.long_code() {
        return Err(Exception::gp(code_of(selector)));
    }
    if c.present() { Ok(c) } else { Err(Exception::np(code_of(selector))) }
}

/// Protected and virtual-8086 mode.
fn protected(x: &mut Exec, e: &Event) -> R {
    use system as t;
    let types: &[u8] = if x.model.name == ModelName::I80286 {
        &[t::TASK, t::INTERRUPT16, t::TRAP16]
    } else {
        &[t::TASK, t::INTERRUPT16, t::TRAP16, t::INTERRUPT32, t::TRAP32]
    };
    let g = idt_gate(x, e, 8, types)?.gate();
    if g.kind == t::TASK {
        return through_task_gate(x, e, g.selector);
    }
    let mut c = handler(x, g.selector)?;
    let n = if g.kind & t::WIDE != 0 { 4 } else { 2 };
    let code_bytes = if e.code.is_some() { u64::from(n) } else { 0 };
    let inner = !c.conforming() && c.dpl() < x.st.cpl;
    let v86 = x.st.v86();
    if v86 && !(inner && c.dpl() == 0) {
        return Err(Exception::gp(code_of(g.selector)));
    }
    let cpl = if inner { c.dpl() } else { x.st.cpl };
    let mut s = if inner { Stack::inner(x, cpl)? } else { Stack::for_event(x) };
    let words = if v86 {
        9
    } else if inner {
        5
    } else {
        3
    };
    s.check_room(x, words * u64::from(n) + code_bytes)?;
    c.mark_accessed(x)?;
    let cs = c.code_segment(cpl);
    if !ip_fits(x, &cs, g.offset) {
        return Err(Exception::gp(0));
    }
    if v86 {
        for r in [Seg::Gs, Seg::Fs, Seg::Ds, Seg::Es] {
            let v = x.st.segment(r).selector;
            s.push(x, n, u64::from(v))?;
        }
    }
    if inner {
        let old = Stack::current(x);
        s.push(x, n, u64::from(old.seg.selector))?;
        s.push(x, n, old.sp)?;
    }
    s.push(x, n, e.image(x))?;
    push_return(x, &mut s, n)?;
    if let Some(code) = e.code {
        s.push(x, n, u64::from(code))?;
    }
    s.commit(x);
    if v86 {
        for r in [Seg::Gs, Seg::Fs, Seg::Ds, Seg::Es] {
            x.st.seg[r as usize] = Segment::null(0);
        }
    }
    x.st.cpl = cpl;
    x.st.flags.set_system(TF | NT | VM | RF, false);
    if g.kind & 1 == 0 {
        x.st.flags.set_system(IF, false);
    }
    far::go(x, cs, g.offset);
    Ok(())
}

/// A task gate: the error code goes on the new task's stack.
fn through_task_gate(x: &mut Exec, e: &Event, selector: u16) -> R {
    task::through_gate(x, selector, Why::Event(e.image(x)))?;
    let Some(code) = e.code else { return Ok(()) };
    let n = if x.st.tr.attr & u16::from(system::WIDE) != 0 { 4 } else { 2 };
    let mut s = Stack::for_event(x);
    s.push(x, n, u64::from(code)).map_err(Exception::as_trap)?;
    s.commit(x);
    Ok(())
}

/// Long mode: 64-bit gates, and a frame that always holds SS and RSP.
fn long(x: &mut Exec, e: &Event) -> R {
    let g = idt_gate(x, e, 16, &[system::INTERRUPT32, system::TRAP32])?.gate();
    let mut c = handler(x, g.selector)?;
    let inner = !c.conforming() && c.dpl() < x.st.cpl;
    let cpl = if inner { c.dpl() } else { x.st.cpl };
    let mut s = match (g.ist, inner) {
        (0, true) => Stack::inner_long(x, 4 + 8 * u64::from(cpl), cpl)?,
        (0, false) => Stack::long(*x.st.segment(Seg::Ss), x.st.regs[crate::cpu::state::RSP as usize], cpl),
        (ist, _) => Stack::inner_long(x, 0x24 + 8 * (u64::from(ist) - 1), cpl)?,
    };
    c.mark_accessed(x)?;
    let cs = c.code_segment(cpl);
    if !ip_fits(x, &cs, g.offset) {
        return Err(Exception::gp(0));
    }
    let old = Stack::current(x);
    s.sp &= !0xf;
    s.push(x, 8, u64::from(old.seg.selector))?;
    s.push(x, 8, old.sp)?;
    s.push(x, 8, e.image(x))?;
    push_return(x, &mut s, 8)?;
    if let Some(code) = e.code {
        s.push(x, 8, u64::from(code))?;
    }
    s.commit(x);
    x.st.cpl = cpl;
    x.st.flags.set_system(TF | NT | RF, false);
    if g.kind & 1 == 0 {
        x.st.flags.set_system(IF, false);
    }
    far::go(x, cs, g.offset);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::rig::*;
    use super::*;
    use crate::cpu::flags::IOPL;
    use crate::cpu::segment::attr;
    use crate::cpu::state::cr0;

    const M: ModelName = ModelName::Pentium3;
    const INT_40: &[u8] = &[0xcd, 0x40];
    const UD2: &[u8] = &[0x0f, 0x0b];
    const STI_FLAGS: u64 = IF | IOPL;

    #[test]
    fn real_mode_pushes_three_words_and_clears_if_and_tf() {
        let mut r = Rig::real(M);
        r.x.st.flags.set_system(IF | AC, true);
        r.run(INT_40);
        assert_eq!((r.handler(), r.sp()), (Some(0x40), SP0 - 6));
        assert_eq!((r.slot(0, 2), r.slot(1, 2), r.slot(2, 2)), (CODE + 2, 0, IF | 2));
        assert_eq!(r.x.st.flags.bits(), 2);
    }

    #[test]
    fn real_mode_looks_at_idtr_except_on_the_8086() {
        for (model, vector) in [(ModelName::I80386, 8), (M, 13)] {
            let mut r = Rig::real(model);
            r.x.st.idtr.limit = 4 * 0x40 - 1;
            r.run(INT_40);
            assert_eq!((r.handler(), r.slot(0, 2)), (Some(vector), CODE), "{model:?}: no error code in real mode");
        }
        let mut r = Rig::real(ModelName::I8086);
        r.x.st.idtr.limit = 0;
        r.run(INT_40);
        assert_eq!((r.handler(), r.slot(2, 2) >> 12), (Some(0x40), 0xf));
    }

    #[test]
    fn the_same_level_pushes_on_its_own_stack() {
        let mut r = Rig::protected(M);
        r.x.st.flags.set_system(STI_FLAGS | NT, true);
        r.run(INT_40);
        assert_eq!((r.handler(), r.sp()), (Some(0x40), SP0 - 12));
        assert_eq!((r.slot(0, 4), r.slot(1, 4) as u16, r.slot(2, 4)), (CODE + 2, CODE0, STI_FLAGS | NT | 2));
        assert_eq!(r.x.st.flags.bits(), IOPL | 2, "an interrupt gate clears IF");
    }

    #[test]
    fn a_trap_gate_leaves_if_and_a_16_bit_gate_pushes_words() {
        let mut r = Rig::protected(M);
        r.x.st.flags.set_system(STI_FLAGS, true);
        r.poke(IDT + 8 * 0x40, 8, gate(7, 0, CODE0, HANDLERS + 0x400, 0));
        r.run(INT_40);
        assert_eq!((r.handler(), r.sp(), r.slot(0, 2)), (Some(0x40), SP0 - 6, CODE + 2));
        assert!(r.x.st.flags.has(IF));
    }

    #[test]
    fn an_inner_level_gets_a_new_stack_and_a_fault_its_code_and_rf() {
        let mut r = Rig::level3(M);
        r.x.st.flags.set_system(IF, true);
        r.run(UD2);
        assert_eq!((r.handler(), r.x.st.cpl, r.sp()), (Some(6), 0, STACK0 - 20));
        let frame: Vec<_> = (0..5).map(|n| r.slot(n, 4)).collect();
        assert_eq!(frame, [CODE, CODE3.into(), IF | RF | 2, STACK3, DATA3.into()]);
        assert_eq!((r.selector(Seg::Cs), r.selector(Seg::Ss)), (CODE0, DATA0));
    }

    #[test]
    fn int_n_needs_a_gate_of_its_level_and_exceptions_do_not() {
        assert_eq!(Rig::level3(M).fault(INT_40), Exception::gp(0x40 * 8 + 2));
        let mut r = Rig::level3(M);
        r.poke(IDT + 8 * 0x40, 8, gate(14, 3, CODE0, HANDLERS + 0x400, 0));
        r.run(INT_40);
        assert_eq!((r.handler(), r.slot(0, 4)), (Some(0x40), CODE + 2));
        assert_eq!(Rig::level3(M).fault(&[0xcc]), Exception::gp(3 * 8 + 2), "INT3 is a software interrupt, too");
        let mut r = Rig::level3(M);
        r.run(&[0xf1]);
        assert_eq!((r.handler(), r.slot(0, 4)), (Some(1), CODE + 1), "INT1 is not");
    }

    #[test]
    fn error_codes_of_a_delivery_name_the_gate_or_the_segment_and_say_ext() {
        // (gate, EXT clear: INT 40h)
        let cases = [
            (0, Exception::gp(0x202)),
            (gate(12, 0, CODE0, 0, 0), Exception::gp(0x202)),
            (gate(14, 0, CODE0, 0, 0) & !(1 << 47), Exception::np(0x202)),
            (gate(14, 0, 0, 0, 0), Exception::gp(0)),
            (gate(14, 0, DATA0, 0, 0), Exception::gp(DATA0)),
            (gate(14, 0, CODE3, 0, 0), Exception::gp(CODE3 & !3)),
            (gate(14, 0, ABSENT_CODE, 0, 0), Exception::np(ABSENT_CODE)),
            (gate(14, 0, CODE16, 0x1_0000, 0), Exception::gp(0)),
            (gate(5, 0, DATA0, 0, 0), Exception::gp(DATA0)),
            (gate(5, 0, TSS_SEL, 0, 0), Exception::gp(TSS_SEL)), // busy
        ];
        for (raw, e) in cases {
            let mut r = Rig::protected(M);
            r.poke(IDT + 8 * 0x40, 8, raw);
            assert_eq!(r.fault(INT_40), e, "{raw:#x}");
            // The same for an exception, with EXT set.
            let mut r = Rig::protected(M);
            r.poke(IDT + 8 * 6, 8, raw);
            let code = if raw == 0 || e.code() == Some(0x202) { 6 * 8 + 2 } else { e.code().unwrap_or(0) };
            assert_eq!(r.fault(UD2), Exception::with_code(e.vector(), code | 1), "{raw:#x}");
        }
        let mut r = Rig::protected(M);
        r.x.st.idtr.limit = 0x40 * 8 + 6;
        assert_eq!(r.fault(INT_40), Exception::gp(0x202), "the gate must lie in the IDT entirely");
    }

    #[test]
    fn virtual_8086_mode_saves_and_clears_all_data_segments() {
        let mut r = Rig::v86(M);
        for (k, s) in [Seg::Es, Seg::Ds, Seg::Fs, Seg::Gs].into_iter().enumerate() {
            r.x.st.seg[s as usize].selector = 0x111 * (k as u16 + 1);
        }
        r.x.refresh();
        r.run(UD2);
        assert_eq!((r.handler(), r.x.st.cpl, r.sp(), r.x.st.v86()), (Some(6), 0, STACK0 - 36, false));
        let frame: Vec<_> = (0..9).map(|n| r.slot(n, 4)).collect();
        assert_eq!(frame, [CODE, 0, VM | IOPL | IF | RF | 2, STACK3, 0, 0x111, 0x222, 0x333, 0x444]);
        assert!([Seg::Es, Seg::Ds, Seg::Fs, Seg::Gs].iter().all(|s| !r.x.st.segment(*s).usable()));
    }

    #[test]
    fn from_virtual_8086_mode_only_level_0_is_reached() {
        for selector in [CONFORMING, CODE3] {
            let mut r = Rig::v86(M);
            r.poke(IDT + 8 * 6, 8, gate(14, 0, selector, HANDLERS, 0));
            r.run(UD2);
            assert_eq!((r.handler(), r.slot(0, 4)), (Some(13), u64::from(selector & !3 | 1)));
        }
    }

    #[test]
    fn the_inner_stack_must_have_room_for_the_whole_frame() {
        let mut r = Rig::level3(M);
        r.gdt(OWN, descriptor(0, STACK0 - 17, DATA | attr::DB | attr::EC)); // room for 16 bytes
        r.poke(TSS + 8, 2, OWN.into());
        r.poke(IDT + 8 * 12, 8, gate(14, 0, CONFORMING, HANDLERS + 16 * 12, 0));
        r.run(UD2);
        assert_eq!((r.handler(), r.slot(0, 4)), (Some(12), u64::from(OWN | 1)));
        assert_eq!((r.x.st.cpl, r.slot(1, 4)), (3, CODE));
    }

    #[test]
    fn a_page_fault_during_delivery_is_reported_with_cr2() {
        let mut r = Rig::level3(M);
        // One page table: everything but the page of the inner stack.
        r.poke(0x2_0000, 4, 0x2_1007);
        for k in 0..256 {
            r.poke(0x2_1000 + 4 * k, 4, k << 12 | 7);
        }
        r.poke(0x2_1000 + 4 * 6, 4, 0);
        r.x.st.cr3 = 0x2_0000;
        r.x.st.cr0 |= cr0::PG;
        r.x.flush_tlb();
        r.x.st.regs[4] = 0x5000;
        r.poke(IDT + 8 * 14, 8, gate(14, 0, CONFORMING, HANDLERS + 16 * 14, 0));
        r.run(UD2);
        assert_eq!((r.handler(), r.x.st.cr2, r.slot(0, 4)), (Some(14), STACK0 - 4, 2), "a supervisor's write");
    }

    #[test]
    fn long_mode_aligns_the_stack_and_always_saves_it() {
        let mut r = Rig::long(0);
        r.x.st.regs[4] = SP0 - 3;
        r.run(UD2);
        assert_eq!((r.handler(), r.sp()), (Some(6), ((SP0 - 3) & !15) - 40));
        let frame: Vec<_> = (0..5).map(|n| r.slot(n, 8)).collect();
        assert_eq!(frame, [CODE, CODE64.into(), RF | 2, SP0 - 3, DATA0.into()]);
        assert_eq!(r.selector(Seg::Ss), DATA0, "the same level keeps SS");
    }

    #[test]
    fn long_mode_changes_level_with_a_null_ss_and_uses_ist() {
        let mut r = Rig::long(3);
        r.run(UD2);
        assert_eq!((r.handler(), r.x.st.cpl, r.selector(Seg::Ss), r.sp()), (Some(6), 0, 0, STACK0 - 40));
        let mut r = Rig::long(0);
        r.poke(IDT + 16 * 6 + 4, 1, 2); // IST2
        r.poke(TSS + 0x2c, 8, 0x6808);
        r.run(UD2);
        assert_eq!(r.sp(), 0x6800 - 40);
        let mut r = Rig::long(0);
        r.poke(IDT + 16 * 6 + 4, 1, 1);
        r.poke(TSS + 0x24, 8, 1 << 47);
        assert_eq!(r.fault(UD2), Exception::ss(1), "a stack that is not canonical");
    }

    #[test]
    fn long_mode_takes_64_bit_gates_to_64_bit_code_only() {
        for (raw, e) in [
            (gate(5, 0, CODE64, 0, 0), Exception::gp(6 * 8 + 3)),
            (gate(6, 0, CODE64, 0, 0), Exception::gp(6 * 8 + 3)),
            (gate(14, 0, CODE0, 0, 0), Exception::gp(CODE0 | 1)),
        ] {
            let mut r = Rig::long(0);
            r.poke(IDT + 16 * 6, 8, raw);
            assert_eq!(r.fault(UD2), e);
        }
    }

    #[test]
    fn compatibility_mode_is_left_through_the_same_gates() {
        let mut r = Rig::long(3);
        r.set_seg(Seg::Cs, CODE3);
        r.run(UD2);
        assert_eq!((r.handler(), r.x.st.code64(), r.slot(1, 8)), (Some(6), true, CODE3.into()));
        assert_eq!(r.slot(3, 8), STACK3);
    }
}
