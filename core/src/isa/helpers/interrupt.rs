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

/// Delivers an event and, where that fails, what it leads to: at most a shutdown. The chain ends, since no fault of a
/// delivery is benign: alignment is not checked in it.
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

/// Whether anything of the processor's own waits for a boundary, or keeps something waiting: then [`poll`] must be asked. What
/// waits in the machine is told by [`System::attention`](crate::system::System::attention).
#[inline]
#[must_use]
pub fn waits(x: &Exec) -> bool {
    let st = &x.st;
    st.pending_debug != 0 || st.smi_pending || st.nmi_pending || st.activity != Activity::Active
}

/// Past a boundary: these report what the last instruction did to the one after it.
#[inline]
pub const fn forget_last(x: &mut Exec) {
    x.shadow_cast = false;
    x.rf_kept = false;
    x.step_masked = false;
}

/// Looks at signals and interrupts at an instruction boundary and takes what is due.
pub fn poll(x: &mut Exec) -> Option<Exit> {
    forget_last(x);
    if x.sys.attention() {
        if let Some(exit) = take_signals(x) {
            return Some(exit);
        }
        // A device may have made an appointment before the one that the engine was to stop at.
        if let Some(next) = x.sys.next_deadline() {
            x.limit = x.limit.min(next);
        }
    }
    x.settle_shadow();
    debug_traps(x);
    let shadow = x.st.shadow;
    if shadow == Shadow::Sti && (x.st.smi_pending && !x.st.smm || x.sys.intr()) {
        x.ctx.stepping = true; // they are due behind the next instruction
    }
    if x.st.smi_pending && !x.st.smm && shadow == Shadow::None && x.st.activity != Activity::Shutdown {
        super::smm::enter(x);
    }
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
    if s.reset || s.init && x.init_resets {
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
pub fn init(x: &mut Exec) {
    if x.st.smm {
        x.sys.set_smiact(false);
    }
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

#[cfg(test)]
mod tests {
    use super::super::rig::*;
    use super::*;
    use crate::cpu::ModelName;
    use crate::cpu::flags::TF;
    use crate::cpu::segment::Seg;
    use crate::cpu::state::RAX;

    const M: ModelName = ModelName::Pentium3;
    const UD2: &[u8] = &[0x0f, 0x0b];
    const NOPS: &[u8] = &[0x90; 4];

    /// Breaks the gate of a vector, so that its delivery raises `#GP`.
    fn broken(r: &mut Rig, vector: u64) {
        r.poke(IDT + 8 * vector, 8, 0);
    }

    #[test]
    fn a_fault_during_a_benign_one_is_delivered_in_its_place() {
        let mut r = Rig::protected(M);
        broken(&mut r, 6);
        assert_eq!(r.fault(UD2), Exception::gp(6 * 8 + 3));
    }

    #[test]
    fn two_contributory_faults_make_a_double_fault() {
        let mut r = Rig::protected(M);
        broken(&mut r, 13);
        r.run(&[0x8e, 0x1d, 0, 0x50, 0, 0]);
        r.poke(0x5000, 2, CODE0.into());
        r.x.st.regs[RAX as usize] = 0xff8;
        let at = r.x.st.rip();
        r.run(&[0x8e, 0xc0]); // mov es, ax
        assert_eq!((r.handler(), r.slot(0, 4), r.slot(1, 4)), (Some(8), 0, at));
    }

    #[test]
    fn a_fault_during_a_double_fault_shuts_down() {
        let mut r = Rig::protected(M);
        r.x.st.idtr.limit = 0;
        assert_eq!(r.run(UD2), Exit::Shutdown);
        assert_eq!(r.x.st.activity, Activity::Shutdown);
        assert_eq!((r.x.st.rip(), r.sp()), (CODE, SP0));
    }

    #[test]
    fn classes_combine_as_the_table_says() {
        let event = |v| Event::plain(v, Kind::Fault);
        let second = |v| Exception::with_code(v, 0);
        let cases = [
            (6, 13, Some(13)),
            (1, 14, Some(14)),
            (13, 14, Some(14)),
            (13, 11, Some(8)),
            (0, 12, Some(8)),
            (14, 14, Some(8)),
            (14, 13, Some(8)),
            (8, 13, None),
            (8, 14, None),
        ];
        for (first, then, want) in cases {
            assert_eq!(combine(&event(first), second(then)).map(|e| e.vector), want, "{first} then {then}");
        }
        // An interrupt with the number of a contributory exception is none.
        let int13 = Event::plain(13, Kind::External);
        assert_eq!(combine(&int13, second(13)).map(|e| e.vector), Some(13));
    }

    #[test]
    fn an_nmi_is_taken_once_until_iret() {
        let mut r = Rig::protected(M);
        r.code(NOPS);
        r.x.st.nmi_pending = true;
        r.poll();
        assert_eq!((r.handler(), r.slot(0, 4)), (Some(2), CODE));
        r.x.st.nmi_pending = true;
        r.poll();
        assert_eq!(r.sp(), SP0 - 12, "blocked");
        r.run(&[0xcf]);
        assert_eq!((r.handler(), r.sp()), (Some(2), SP0 - 12), "taken right after IRET");
    }

    #[test]
    fn an_nmi_ends_hlt() {
        let mut r = Rig::protected(M);
        assert_eq!(r.run(&[0xf4]), Exit::Halted);
        r.x.st.nmi_pending = true;
        r.poll();
        assert_eq!((r.x.st.activity, r.handler(), r.slot(0, 4)), (Activity::Active, Some(2), CODE + 1));
    }

    #[test]
    fn a_single_step_comes_after_the_instruction_with_tf_saved() {
        let mut r = Rig::protected(M);
        r.x.st.flags.set_system(TF, true);
        r.x.refresh();
        r.run(NOPS);
        assert_eq!((r.handler(), r.slot(0, 4), r.slot(2, 4)), (Some(1), CODE + 1, TF | 2));
        assert_eq!(r.x.st.dr6 & DR6_BS, DR6_BS);
        assert!(!r.x.st.flags.has(TF));
    }

    #[test]
    fn popf_that_sets_tf_lets_one_more_instruction_run() {
        let mut r = Rig::protected(M);
        r.poke(SP0, 4, TF | 2);
        r.run(&[0x9d, 0x90, 0x90]); // popf
        assert_eq!(r.handler(), None);
        r.step();
        assert_eq!((r.handler(), r.slot(0, 4)), (Some(1), CODE + 2));
    }

    #[test]
    fn software_interrupts_are_not_single_stepped() {
        let mut r = Rig::protected(M);
        r.x.st.flags.set_system(TF, true);
        r.x.refresh();
        r.run(&[0xcd, 0x40]);
        assert_eq!((r.handler(), r.x.st.pending_debug), (Some(0x40), 0));
        assert_eq!(r.slot(2, 4), TF | 2);
    }

    #[test]
    fn a_faulting_instruction_is_not_single_stepped() {
        let mut r = Rig::protected(M);
        r.x.st.flags.set_system(TF, true);
        r.x.refresh();
        r.run(UD2);
        assert_eq!((r.handler(), r.x.st.pending_debug), (Some(6), 0));
    }

    #[test]
    fn a_code_breakpoint_is_a_fault_that_rf_passes() {
        let mut r = Rig::protected(M);
        r.x.st.dr[1] = CODE;
        r.x.st.dr7 = 0x404;
        r.x.refresh();
        r.run(NOPS);
        assert_eq!((r.handler(), r.slot(0, 4), r.slot(2, 4) & RF), (Some(1), CODE, 0));
        assert_eq!(r.x.st.dr6 & 0xf, 2);
        r.poke(r.sp() + 8, 4, RF | 2);
        r.run(&[0xcf]); // iret
        r.step();
        assert_eq!((r.x.st.rip(), r.handler()), (CODE + 1, None));
    }

    #[test]
    fn a_data_breakpoint_traps_behind_the_access() {
        let mut r = Rig::protected(M);
        r.x.st.dr[0] = 0x5000;
        r.x.st.dr7 = 0x402 | 0b1101 << 16; // four bytes, writes
        r.x.refresh();
        r.run(&[0xa0, 0x02, 0x50, 0, 0]); // mov al, [0x5002]
        assert_eq!(r.handler(), None);
        r.run(&[0xa2, 0x02, 0x50, 0, 0]); // mov [0x5002], al
        assert_eq!((r.handler(), r.slot(0, 4), r.x.st.dr6 & 0xf), (Some(1), CODE + 10, 1));
    }

    #[test]
    fn the_debug_handler_is_entered_with_gd_clear() {
        let mut r = Rig::protected(M);
        r.x.st.dr7 |= 1 << 13;
        r.run(&[0xf1]);
        assert_eq!((r.handler(), r.x.st.dr7 & 1 << 13), (Some(1), 0));
    }

    #[test]
    fn a_load_of_ss_postpones_its_data_breakpoint_and_loses_its_single_step() {
        let mut r = Rig::protected(M);
        r.poke(0x5000, 2, DATA0.into());
        r.x.st.dr[0] = 0x5000;
        r.x.st.dr7 = 0x402 | 0b0111 << 16; // two bytes, reads and writes
        r.x.st.flags.set_system(TF, true);
        r.x.refresh();
        r.run(&[0x8e, 0x15, 0x00, 0x50, 0, 0, 0x90, 0x90]); // mov ss, [0x5000]
        assert_eq!(r.handler(), None);
        r.step();
        assert_eq!((r.handler(), r.slot(0, 4)), (Some(1), CODE + 7));
        assert_eq!(r.x.st.dr6 & (DR6_BS | 0xf), DR6_BS | 1);
    }

    #[test]
    fn init_keeps_what_a_reset_would_not() {
        let mut r = Rig::protected(M);
        r.x.st.xmm[3] = 7;
        r.x.st.msr.sysenter_cs = 8;
        r.x.st.regs[RAX as usize] = 9;
        init(&mut r.x);
        assert_eq!((r.x.st.xmm[3], r.x.st.msr.sysenter_cs, r.x.st.regs[RAX as usize]), (7, 8, 0));
        assert_eq!((r.selector(Seg::Cs), r.x.st.rip(), r.x.st.protected()), (0xf000, 0xfff0, false));
    }
}
