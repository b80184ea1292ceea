//! A whole machine: CPU, system and engine, and the loop that moves them through virtual time.
//!
//! Time is retired instructions. The loop asks the system when its next event is due, lets the engine run exactly that far,
//! and fires the event; a halted CPU moves time straight there. So the same inputs give the same run under every engine.

use crate::cpu::flags::IF;
use crate::cpu::state::ZERO;
use crate::cpu::{Activity, CpuState, Model};
use crate::device::{ResetKind, Stop};
use crate::engine::Engine;
use crate::exec::{Exec, Exit};
use crate::interp::Interpreter;
use crate::isa::helpers::interrupt;
use crate::snapshot::{LoadError, Reader, Snapshot, Writer};
use crate::system::System;
use crate::time::VTime;
use serde::{Deserialize, Serialize};

/// Why [`Machine::run`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The count of retired instructions was reached.
    Insns,
    /// The virtual time was reached.
    Time,
    /// The guest switched the machine off, or wrote to the debug-exit port.
    Stopped(Stop),
    /// A triple fault, or a reset, under [`Machine::set_no_reboot`].
    Reset {
        /// It was a triple fault.
        triple_fault: bool,
    },
    /// The CPU is halted with interrupts off and nothing can wake it.
    Dead,
    /// The engine came to a boundary of its own: see [`Engine::set_pausing`].
    Paused,
}

/// How far a run may go.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Retired instructions since power-on.
    pub insns: u64,
    /// Virtual time since power-on.
    pub time: VTime,
}

impl Default for Limits {
    fn default() -> Self {
        Self { insns: u64::MAX, time: VTime(u64::MAX) }
    }
}

/// See the module's text.
pub struct Machine {
    /// The CPU and its system.
    pub x: Exec,
    engine: Box<dyn Engine>,
    no_reboot: bool,
    /// What a reset does beyond the hardware's part.
    reset_hook: Option<ResetHook>,
}

/// See [`Machine::set_reset_hook`].
pub type ResetHook = Box<dyn Fn(&mut Exec) + Send>;

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine").field("x", &self.x).finish_non_exhaustive()
    }
}

impl Machine {
    /// A machine after power-on, on the interpreter.
    #[must_use]
    pub fn new(model: Model, sys: System) -> Self {
        Self::with_engine(model, sys, Box::new(Interpreter::new()))
    }

    /// A machine after power-on.
    #[must_use]
    pub fn with_engine(model: Model, sys: System, engine: Box<dyn Engine>) -> Self {
        Self { x: Exec::new(model, sys), engine, no_reboot: false, reset_hook: None }
    }

    /// What runs the CPU.
    pub fn engine_mut(&mut self) -> &mut dyn Engine {
        self.engine.as_mut()
    }

    /// The engine's name, as `--accel` spells it.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        self.engine.name()
    }

    /// Whether a reset or a triple fault ends the run instead of starting the guest again.
    pub const fn set_no_reboot(&mut self, on: bool) {
        self.no_reboot = on;
    }

    /// Retired instructions since power-on.
    #[must_use]
    pub const fn retired(&self) -> u64 {
        self.x.retired
    }

    /// Virtual time since power-on.
    #[must_use]
    pub fn now(&self) -> VTime {
        self.x.sys.clock.now()
    }

    /// The engine's own counts, by name.
    #[must_use]
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        self.engine.counters(&self.x)
    }

    /// Where the engine spent its time, the most first.
    #[must_use]
    pub fn hottest(&self) -> Vec<crate::engine::Hot> {
        self.engine.hottest()
    }

    /// Sets what is done after every reset: a directly booted kernel is put into memory again.
    ///
    /// There is no firmware then. It is what makes a reset out of the INIT that the keyboard controller raises (INIT alone leads
    /// to the reset vector, and leaves the devices as they are), so INIT resets such a machine.
    pub fn set_reset_hook(&mut self, hook: ResetHook) {
        self.x.init_resets = true;
        self.reset_hook = Some(hook);
    }

    /// Runs until a limit is reached or the guest ends the run.
    pub fn run(&mut self, limits: Limits) -> Outcome {
        loop {
            self.x.sys.clock.retired = self.x.retired;
            self.x.sys.fire_due_events();
            if self.x.retired >= limits.insns {
                return Outcome::Insns;
            }
            if self.x.sys.clock.now() >= limits.time {
                return Outcome::Time;
            }
            let until = limits.insns.min(self.x.sys.clock.retired_by(limits.time));
            let next = self.x.sys.next_deadline().unwrap_or(u64::MAX).max(self.x.retired);
            match self.engine.run(&mut self.x, next.min(until)) {
                Exit::Limit => {}
                Exit::Pause => {
                    self.x.sys.clock.retired = self.x.retired;
                    self.x.sys.fire_due_events();
                    return Outcome::Paused;
                }
                Exit::Halted => {
                    self.x.sys.clock.retired = self.x.retired;
                    if !self.sleep(limits.time) {
                        return Outcome::Dead;
                    }
                }
                Exit::Stop => {
                    if let Some(stop) = self.x.stop.take() {
                        return Outcome::Stopped(stop);
                    }
                    if let Some(outcome) = self.reset(false) {
                        return outcome;
                    }
                }
                Exit::Shutdown => {
                    if let Some(outcome) = self.reset(true) {
                        return outcome;
                    }
                }
            }
        }
    }

    /// The CPU is halted: moves time to the next event, or to `end`. False when nothing can wake it.
    fn sleep(&mut self, end: VTime) -> bool {
        if self.x.sys.wakes(self.x.interruptible()) {
            return true; // something came up in the meantime
        }
        // With interrupts off only NMI, SMI, INIT and reset wake it, and no event raises those; INTR may be up for ever.
        if !self.x.st.flags.has(IF) && self.x.st.activity == Activity::Halt {
            return false;
        }
        let sys = &mut self.x.sys;
        match sys.next_event() {
            Some(next) if next <= end => sys.skip_to_next_event(),
            Some(_) => {
                sys.clock.skip_to(end);
                true
            }
            None => false,
        }
    }

    /// The reset line, or what PC hardware makes of a shutdown cycle: it resets the processor alone (82371SB data sheet, "INIT";
    /// so does the AT, whose firmware returns from protected mode that way). Without firmware to find that out, all is reset.
    /// `Some` when the run ends here.
    fn reset(&mut self, triple_fault: bool) -> Option<Outcome> {
        if self.no_reboot {
            return Some(Outcome::Reset { triple_fault });
        }
        if triple_fault && self.reset_hook.is_none() {
            interrupt::init(&mut self.x);
            return None;
        }
        self.x.sys.reset(ResetKind::Hard);
        let state = self.x.model.reset_state();
        self.x.set_state(state);
        self.x.sys.set_ferr(false);
        if let Some(hook) = &self.reset_hook {
            hook(&mut self.x);
        }
        None
    }

    /// Saves the whole machine.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let mut w = Writer::new();
        self.write(&mut w);
        w.finish()
    }

    fn write(&self, w: &mut Writer) {
        w.part("cpu0", &Cpu { st: self.x.st.clone(), model: self.x.model.name as u8 });
        self.x.sys.save(w);
    }

    /// A number that is equal for machines in equal states.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut w = Writer::new();
        self.write(&mut w);
        w.digest()
    }

    /// Loads what [`Self::save`] saved on a machine of the same make.
    ///
    /// # Errors
    /// When the bytes are no snapshot of such a machine. The machine is unchanged then.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        let r = Reader::new(bytes)?;
        let mut cpu = Cpu { st: self.x.st.clone(), model: self.x.model.name as u8 };
        r.part("cpu0", &mut cpu)?;
        self.x.sys.load(&r)?;
        self.x.set_state(cpu.st);
        self.x.retired = self.x.sys.clock.retired;
        self.engine.clear(&mut self.x);
        Ok(())
    }
}

/// The CPU's part of a snapshot.
struct Cpu {
    st: CpuState,
    model: u8,
}

/// Saved form of a CPU, version 1.
#[derive(Serialize, Deserialize)]
struct CpuV1 {
    st: CpuState,
    model: u8,
}

impl Snapshot for Cpu {
    const KIND: &'static str = "cpu";
    const VERSION: u32 = 1;
    type State = CpuV1;

    fn save(&self) -> CpuV1 {
        let Self { st, model } = self;
        CpuV1 { st: st.clone(), model: *model }
    }

    fn load(&mut self, s: CpuV1) -> Result<(), LoadError> {
        let CpuV1 { st, model } = s;
        if model != self.model {
            return Err(LoadError::Invalid { field: "cpu.model", value: model.into() });
        }
        if st.cpl > 3 {
            return Err(LoadError::Invalid { field: "cpu.cpl", value: st.cpl.into() });
        }
        if let Some(&value) = st.regs[usize::from(ZERO)..].iter().find(|v| **v != 0) {
            return Err(LoadError::Invalid { field: "cpu.regs", value });
        }
        self.st = st;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Space;
    use crate::cpu::ModelName;
    use crate::cpu::segment::{Seg, Segment};
    use crate::cpu::state::{RIP, RSP};
    use crate::device::{Cx, Device, Offset, Pin, Width};
    use crate::wires::CpuPin;

    /// Drives INTR with the bit that was written last.
    struct Line;

    impl Device for Line {
        fn read(&mut self, _: &mut Cx<'_>, _: Offset, _: Width) -> u64 {
            0
        }
        fn write(&mut self, cx: &mut Cx<'_>, _: Offset, _: Width, val: u64) {
            cx.set(Pin(0), val & 1 != 0);
        }
        fn reset(&mut self, _: &mut Cx<'_>, _: ResetKind) {}
    }

    impl Snapshot for Line {
        const KIND: &'static str = "line";
        const VERSION: u32 = 1;
        type State = ();
        fn save(&self) {}
        fn load(&mut self, (): ()) -> Result<(), LoadError> {
            Ok(())
        }
    }

    /// Real mode at 1000h, with every vector leading to 2000h, where there is an IRET.
    fn machine(code: &[u8]) -> Machine {
        let mut sys = System::bare(0x1_0000);
        let line = sys.add("line", Line);
        sys.bus_mut().map(Space::Port, 0x40, 1, line, Offset(0), Width::B1);
        sys.connect_cpu((line, Pin(0)), CpuPin::Intr);
        for vector in 0..256 {
            sys.mem.write(4 * vector, &[0, 0x20, 0, 0]);
        }
        sys.mem.write(0x2000, &[0xcf]);
        sys.mem.write(0x1000, code);
        let mut m = Machine::new(Model::new(ModelName::Pentium3), sys);
        let mut st = CpuState::reset();
        st.seg = [Segment::real(0); 6];
        (st.regs[usize::from(RIP)], st.regs[usize::from(RSP)]) = (0x1000, 0x8000);
        m.x.set_state(st);
        m
    }

    const LIMITS: Limits = Limits { insns: 1000, time: VTime::ms(1) };

    #[test]
    fn a_halt_with_interrupts_off_ends_the_run_though_intr_is_high() {
        let mut m = machine(&[0xf4]);
        m.x.port_write(0x40, 1, 1);
        assert_eq!(m.run(LIMITS), Outcome::Dead);
        assert_eq!(m.retired(), 1);
    }

    #[test]
    fn a_guest_that_shuts_down_after_every_reset_still_meets_the_limit() {
        // The reset vector lies outside memory: open bus is FF FF, an invalid opcode, and the table holds nothing.
        let mut m = machine(&[0xf4]);
        m.x.st.seg[Seg::Cs as usize].base = 0xffff_0000;
        m.x.st.idtr.limit = 0;
        m.x.refresh();
        for vector in 0..256 {
            m.x.sys.mem.write(4 * vector, &[0xff; 4]);
        }
        assert_eq!(m.run(LIMITS), Outcome::Insns);
        assert_eq!(m.retired(), LIMITS.insns);
    }

    #[test]
    fn init_resets_a_machine_without_firmware_and_no_other() {
        let code = [0xb0, 0x01, 0xe6, 0x40, 0xeb, 0xfe]; // mov al, 1; out 40h, al; jmp $
        let with_init = || {
            let mut m = machine(&code);
            let line = m.x.sys.device_id("line").unwrap();
            m.x.sys.connect_cpu((line, Pin(0)), CpuPin::Init);
            m
        };
        let mut m = with_init();
        m.set_no_reboot(true);
        assert_eq!(m.run(LIMITS), Outcome::Insns, "the firmware at the reset vector goes on");
        let mut m = with_init();
        m.set_reset_hook(Box::new(|_| {}));
        m.set_no_reboot(true);
        assert_eq!(m.run(LIMITS), Outcome::Reset { triple_fault: false });
        assert_eq!(m.retired(), 2);
    }

    #[test]
    fn an_exception_whose_handler_raises_it_again_still_meets_the_limit() {
        let mut m = machine(&[0x0f, 0x0b]); // ud2
        m.x.sys.mem.write(0x2000, &[0x0f, 0x0b]);
        assert_eq!(m.run(LIMITS), Outcome::Insns);
        assert_eq!(m.retired(), LIMITS.insns);
    }

    #[test]
    fn interrupts_that_never_end_still_let_instructions_retire() {
        let mut m = machine(&[0xfb, 0xeb, 0xfe]); // sti; jmp $
        m.x.sys.mem.write(0x2000, &[0xfb, 0xcf]);
        m.x.port_write(0x40, 1, 1);
        assert_eq!(m.run(LIMITS), Outcome::Insns);
        assert_eq!(m.retired(), LIMITS.insns);
    }
    /// Where a machine is after `n` instructions, made in runs of `step`: its digest, and the instruction pointer.
    fn after(code: &[u8], intr: u32, n: u64, step: u64) -> ([u8; 32], u64) {
        let mut m = machine(code);
        m.x.sys.mem.write(0x2000, &[0x90, 0xcf]); // the handler: nop; iret
        m.x.port_write(0x40, 1, intr);
        while m.retired() < n {
            let insns = (m.retired() + step).min(n);
            assert_eq!(m.run(Limits { insns, ..LIMITS }), Outcome::Insns);
        }
        (m.digest(), m.x.st.rip())
    }

    #[test]
    fn an_interrupt_comes_one_instruction_behind_sti() {
        // It waits at the STI, or comes up in the instruction behind it.
        let waits = [0xfb, 0x40, 0x40, 0xeb, 0xfe]; // sti; inc ax; inc ax; jmp $
        let comes = [0xb0, 0x01, 0xfb, 0xe6, 0x40, 0x40, 0xeb, 0xfe]; // mov al, 1; sti; out 40h, al; inc ax
        assert_eq!([1, 2, 3].map(|n| after(&waits, 1, n, n).1), [0x1001, 0x2000, 0x2001]);
        assert_eq!([2, 3, 4].map(|n| after(&comes, 0, n, n).1), [0x1003, 0x2000, 0x2001]);
        // That instruction may take it back.
        let takes_back = [0xfb, 0xfa, 0x40, 0x40, 0xeb, 0xfe]; // sti; cli; inc ax
        assert_eq!([2, 3, 4].map(|n| after(&takes_back, 1, n, n).1), [0x1002, 0x1003, 0x1004]);
    }

    #[test]
    fn nobody_can_tell_where_runs_end_around_sti_and_a_load_of_ss() {
        // mov al, 1; sti; sti; nop; cli; sti; mov ss, bx; cli; mov ss, bx; sti; out 40h, al; cli; xor al, 1; out 40h, al; sti;
        // pushf; cli; popf; nop; jmp to the first STI
        let code = [
            0xb0, 0x01, 0xfb, 0xfb, 0x90, 0xfa, 0xfb, 0x8e, 0xd3, 0xfa, 0x8e, 0xd3, 0xfb, 0xe6, 0x40, 0xfa, 0x34, 0x01,
            0xe6, 0x40, 0xfb, 0x9c, 0xfa, 0x9d, 0x90, 0xeb, 0xe7,
        ];
        for intr in [0, 1] {
            for n in 1..120 {
                let whole = after(&code, intr, n, n);
                assert_eq!(
                    [1, 2, 3].map(|step| after(&code, intr, n, step)),
                    [whole; 3],
                    "{n} instructions, INTR {intr}"
                );
            }
        }
    }
}
