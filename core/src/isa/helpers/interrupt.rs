//! Interrupts and exceptions between instructions: what is due, in which order, and what follows from a fault during a
//! delivery. Intel SDM Vol. 3A, "Priority Among Concurrent Events", "Interrupt 8—Double Fault Exception (#DF)",
//! "Masking Maskable Hardware Interrupts", "Handling Multiple NMIs"; Vol. 3B, "Debug Registers", "Debug Exceptions".
//!
//! One event is delivered by [`super::event`].

use super::event::{Event, Kind, enter};
use crate::cpu::flags::{IF, RF};
use crate::cpu::state::{RDX, cr0};
use crate::cpu::{Activity, Exception, Shadow};
use crate::exec::{Exec, Exit};
use crate::interp::DR6_BS;

/// Vector of the debug exception.
const DB: u8 = 1;
/// Vector of the non-maskable interrupt.
const NMI: u8 = 2;
/// Vector of the double fault.
const DF: u8 = 8;
/// DR6.B0 to B3.
const DR6_B: u64 = 0xf;

/// How exceptions combine. SDM Vol. 3A, table "Interrupt and Exception Classes".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Benign,
    Contributory,
    PageFault,
    DoubleFault,
}

impl Class {
    const fn of(e: &Event) -> Self {
        if matches!(e.kind, Kind::External | Kind::Software | Kind::Icebp) {
            return Self::Benign;
        }
        match e.vector {
            0 | 10..=13 => Self::Contributory,
            14 => Self::PageFault,
            DF => Self::DoubleFault,
            _ => Self::Benign,
        }
    }
}

/// What is delivered after `second` came up during the delivery of `first`; `None` is a shutdown.
/// SDM Vol. 3A, table "Conditions for Generating a Double Fault".
fn combine(first: &Event, second: Exception) -> Option<Event> {
    let next = Event::from(second);
    match (Class::of(first), Class::of(&next)) {
        (Class::DoubleFault, Class::Benign) => Some(next),
        (Class::DoubleFault, _) => None,
        (Class::Contributory, Class::Contributory) | (Class::PageFault, Class::Contributory | Class::PageFault) => {
            Some(Event { vector: DF, code: Some(0), kind: next.kind })
        }
        _ => Some(next),
    }
}

/// Delivers an exception that an instruction raised. RIP is what will be saved.
pub fn deliver(x: &mut Exec, e: Exception) {
    if !e.is_trap() {
        // The instruction has not happened, nor have its accesses.
        x.st.pending_debug = 0;
    }
    deliver_event(x, Event::from(e));
}

/// Delivers an event and, where that fails, what it leads to: at most a shutdown.
fn deliver_event(x: &mut Exec, mut e: Event) {
    while let Err(second) = enter(x, &e) {
        match combine(&e, second) {
            Some(next) => e = next,
            None => {
                x.st.activity = Activity::Shutdown;
                x.refresh();
                return;
            }
        }
    }
}

/// Looks at signals and interrupts at an instruction boundary and takes what is due.
pub fn poll(x: &mut Exec) -> Option<Exit> {
    // These report what the last instruction did to the one after it, which is now.
    x.shadow_cast = false;
    x.rf_kept = false;
    x.step_masked = false;
    if x.sys.attention()
        && let Some(exit) = take_signals(x)
    {
        return Some(exit);
    }
    debug_traps(x);
    let shadow = x.st.shadow;
    if x.st.nmi_pending && !x.st.nmi_blocked && shadow != Shadow::MovSs {
        x.st.nmi_pending = false;
        x.st.nmi_blocked = true;
        deliver_event(x, Event::plain(NMI, Kind::External));
    }
    let awake = x.st.activity != Activity::Shutdown;
    if awake && x.st.flags.has(IF) && shadow == Shadow::None && x.sys.intr() {
        x.sync_clock();
        let vector = x.sys.acknowledge();
        deliver_event(x, Event::plain(vector, Kind::External));
    }
    None
}

/// Signals of the machine.
fn take_signals(x: &mut Exec) -> Option<Exit> {
    let s = x.sys.take_signals();
    if s.a20_changed {
        let open = x.sys.a20();
        x.sys.mem.set_a20(open);
        x.flush_tlb();
    }
    x.st.nmi_pending |= s.nmi;
    x.st.smi_pending |= s.smi;
    if s.stop.is_some() {
        x.stop = s.stop;
        return Some(Exit::Stop);
    }
    if s.reset {
        return Some(Exit::Stop);
    }
    if s.init {
        init(x);
    }
    None
}

/// Debug conditions that wait: single steps, data breakpoints, the T flag of a task.
fn debug_traps(x: &mut Exec) {
    if x.st.pending_debug == 0 || x.st.activity == Activity::Shutdown {
        return;
    }
    if x.st.shadow == Shadow::MovSs {
        // Data breakpoints of a load of SS wait; its single step is lost.
        x.st.pending_debug &= !DR6_BS;
        return;
    }
    x.st.dr6 |= std::mem::take(&mut x.st.pending_debug);
    deliver_event(x, Event::plain(DB, Kind::Trap));
}

/// INIT: a reset that leaves caches, MSRs, x87, SSE and SMBASE as they are.
/// SDM Vol. 3A, table "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT".
fn init(x: &mut Exec) {
    let mut new = x.model.reset_state();
    let old = &x.st;
    new.regs[RDX as usize] = old.regs[RDX as usize];
    new.cr0 = new.cr0 & !(cr0::CD | cr0::NW) | old.cr0 & (cr0::CD | cr0::NW);
    new.msr = old.msr;
    new.msr.efer = 0;
    new.fpu = old.fpu;
    new.xmm = old.xmm;
    new.mxcsr = old.mxcsr;
    new.xcr0 = old.xcr0;
    new.smbase = old.smbase;
    new.smi_pending = old.smi_pending;
    x.st = new;
    x.flush_tlb();
    x.refresh();
}

/// The `#DB` fault of an instruction breakpoint at the instruction pointer, if one is set.
///
/// It is marked as a trap, since RIP is already that of the instruction and the saved RF is not set by it.
/// SDM Vol. 3B, "Instruction-Breakpoint Exception Condition".
pub fn code_breakpoint(x: &mut Exec) -> Option<Exception> {
    if x.st.dr7 & 0xff == 0 || x.st.flags.has(RF) || x.st.shadow == Shadow::MovSs {
        return None;
    }
    let lin = x.fetch_address();
    let mut hit = 0;
    for n in 0..4 {
        let enabled = x.st.dr7 >> (2 * n) & 3 != 0;
        // R/W = 00 is execution; LEN must be 00 with it.
        let here = x.st.dr7 >> (16 + 4 * n) & 0xf == 0 && x.st.dr[n] == lin;
        if enabled && here {
            hit |= 1 << n;
        }
    }
    if hit == 0 {
        return None;
    }
    x.st.dr6 = x.st.dr6 & !DR6_B | hit;
    Some(Exception::DB.as_trap())
}
