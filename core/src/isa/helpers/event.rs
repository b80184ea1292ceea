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
use crate::cpu::segment::{Seg, Segment, attr};
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
        let rf = matches!(self.kind, Kind::Fault) || x.unfinished && !matches!(self.kind, Kind::Software);
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
    x.unfinished = false;
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
    far::enter(x, cs, ip);
    Ok(())
}

fn push_return(x: &mut Exec, s: &mut Stack, n: u32) -> R {
    let (cs, ip) = (x.st.segment(Seg::Cs).selector, x.st.rip());
    s.push(x, n, u64::from(cs))?;
    s.push(x, n, ip)
}

/// The IDT's descriptor for an event, checked as a gate of one of the types in `types`.
fn gate(x: &mut Exec, e: &Event, bytes: u64, types: &[u8]) -> Result<Descriptor, Exception> {
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
    if !c.code() || c.dpl() > x.st.cpl || x.st.long_mode() && !(c.is(attr::L) && !c.is(attr::DB)) {
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
    let g = gate(x, e, 8, types)?.gate();
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
    far::enter(x, cs, g.offset);
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
    let g = gate(x, e, 16, &[system::INTERRUPT32, system::TRAP32])?.gate();
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
    far::enter(x, cs, g.offset);
    Ok(())
}
