//! A [`Target`] over an engine: the CPU of a model in flat RAM.

use super::run::{Ran, Target, Until};
use super::suite::{Chip, Reg, Regs};
use crate::cpu::flags::Flags;
use crate::cpu::segment::{Seg, Segment};
use crate::cpu::state::{RAX, RBP, RBX, RCX, RDI, RDX, RIP, RSI, RSP};
use crate::cpu::{CpuState, Model, ModelName};
use crate::engine::Engine;
use crate::exec::{Exec, Exit};
use crate::system::System;

/// An engine as a test target.
#[derive(Debug)]
pub struct Bare {
    x: Exec,
    engine: Box<dyn Engine>,
}

impl Bare {
    /// The CPU model that behaves like `chip`, if there is one.
    #[must_use]
    pub fn new(chip: Chip, engine: Box<dyn Engine>) -> Option<Self> {
        let (name, ram) = match chip.model()? {
            "8086" => (ModelName::I8086, 1 << 20),
            "80286" => (ModelName::I80286, 16 << 20),
            _ => (ModelName::I80386, 16 << 20),
        };
        let mut sys = System::bare(ram);
        sys.mem.set_a20(name != ModelName::I8086); // the 8086 has no twenty-first address line: it wraps
        Some(Self { x: Exec::new(Model::new(name), sys), engine })
    }
}

/// Where a register of the tests lives in [`CpuState`].
enum Place {
    General(u8),
    Segment(Seg),
    Flags,
    Cr0,
    Cr3,
    Dr6,
    Dr7,
}

fn place(reg: Reg) -> Place {
    match reg {
        Reg::Eax => Place::General(RAX),
        Reg::Ebx => Place::General(RBX),
        Reg::Ecx => Place::General(RCX),
        Reg::Edx => Place::General(RDX),
        Reg::Esi => Place::General(RSI),
        Reg::Edi => Place::General(RDI),
        Reg::Ebp => Place::General(RBP),
        Reg::Esp => Place::General(RSP),
        Reg::Eip => Place::General(RIP),
        Reg::Cs => Place::Segment(Seg::Cs),
        Reg::Ds => Place::Segment(Seg::Ds),
        Reg::Es => Place::Segment(Seg::Es),
        Reg::Fs => Place::Segment(Seg::Fs),
        Reg::Gs => Place::Segment(Seg::Gs),
        Reg::Ss => Place::Segment(Seg::Ss),
        Reg::Eflags => Place::Flags,
        Reg::Cr0 => Place::Cr0,
        Reg::Cr3 => Place::Cr3,
        Reg::Dr6 => Place::Dr6,
        Reg::Dr7 => Place::Dr7,
    }
}

impl Target for Bare {
    fn set_regs(&mut self, regs: &Regs) {
        let mut st = CpuState::reset();
        for (reg, val) in regs.iter() {
            let wide = u64::from(val);
            match place(reg) {
                Place::General(n) => st.regs[usize::from(n)] = wide,
                Place::Segment(Seg::Cs) => {
                    // A far jump in real mode changes selector and base, no more.
                    let cs = &mut st.seg[Seg::Cs as usize];
                    (cs.selector, cs.base) = (val as u16, wide << 4);
                }
                Place::Segment(s) => st.seg[s as usize] = Segment::real(val as u16),
                Place::Flags => st.flags = Flags::from_bits(wide),
                // The bits that a program can set; the rest are as after reset.
                Place::Cr0 => st.cr0 = st.cr0 & !0x8000_000f | wide & 0x8000_000f,
                Place::Cr3 => st.cr3 = wide,
                Place::Dr6 => st.dr6 |= wide,
                Place::Dr7 => st.dr7 |= wide,
            }
        }
        self.x.st = st;
        self.x.flush_tlb();
        self.x.refresh();
    }

    fn write(&mut self, addr: u32, val: u8) {
        self.x.sys.mem.write(addr.into(), &[val]);
    }

    fn run(&mut self, until: Until) -> Ran {
        match until {
            Until::OneInstruction => match self.engine.run_one(&mut self.x) {
                Some(Exit::Shutdown) => Ran::Shutdown,
                _ => Ran::Done,
            },
            Until::Hlt { limit } => {
                let limit = self.x.retired.saturating_add(limit);
                match self.engine.run(&mut self.x, limit) {
                    Exit::Halted => Ran::Done,
                    Exit::Shutdown => Ran::Shutdown,
                    Exit::Limit | Exit::Stop | Exit::Pause => Ran::Limit,
                }
            }
        }
    }

    fn reg(&self, reg: Reg) -> u32 {
        let st = &self.x.st;
        (match place(reg) {
            Place::General(n) => st.regs[usize::from(n)],
            Place::Segment(s) => st.segment(s).selector.into(),
            Place::Flags => st.flags.bits(),
            Place::Cr0 => st.cr0,
            Place::Cr3 => st.cr3,
            Place::Dr6 => st.dr6,
            Place::Dr7 => st.dr7,
        }) as u32
    }

    fn read(&self, addr: u32) -> u8 {
        let mut byte = [0];
        self.x.sys.mem.read(addr.into(), &mut byte);
        byte[0]
    }
}
