//! Putting a boot plan into a machine.

use ferrite_core::cpu::CpuState;
use ferrite_core::cpu::segment::{Seg, Segment, Table};
use ferrite_core::cpu::state::{RAX, RBX, RSI, RSP};
use ferrite_core::exec::Exec;
use ferrite_devices::boot::{self, BootPlan, Entry};

/// Copies the plan's bytes into memory and starts the CPU at its entry.
pub fn install(x: &mut Exec, plan: &BootPlan) {
    for (addr, bytes) in &plan.writes {
        x.sys.mem.write(*addr, bytes);
    }
    x.set_state(cpu_state(x, &plan.entry));
}

/// The state after reset with the entry's registers.
fn cpu_state(x: &Exec, e: &Entry) -> CpuState {
    let Entry { mode: _, rip, rax, rbx, rsi, rsp, cs, data, gdtr, cr0, cr3, cr4, efer } = *e;
    let mut st = x.model.reset_state();
    st.set_rip(rip);
    for (reg, val) in [(RAX, rax), (RBX, rbx), (RSI, rsi), (RSP, rsp)] {
        st.regs[usize::from(reg)] = val;
    }
    for seg in [Seg::Ds, Seg::Es, Seg::Fs, Seg::Gs, Seg::Ss] {
        st.seg[seg as usize] = segment(&data);
    }
    st.seg[Seg::Cs as usize] = segment(&cs);
    st.gdtr = Table { base: gdtr.0, limit: gdtr.1 };
    (st.cr0, st.cr3, st.cr4, st.msr.efer) = (cr0, cr3, cr4, efer);
    st
}

fn segment(s: &boot::Segment) -> Segment {
    let boot::Segment { selector, base, limit, access } = *s;
    Segment { selector, attr: access, limit, base }
}
