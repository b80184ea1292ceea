//! Hardware task switching through 16-bit and 32-bit TSSs.
//! Intel SDM Vol. 3A, "Task Management": "Task Switching", "Exception Conditions Checked During a Task Switch",
//! "16-Bit Task-State Segment"; 80286 Programmer's Reference Manual, "Task Operations".
//!
//! A switch has a point of no return: everything that belongs to the old task is checked and saved before it. What
//! faults after it, faults in the new task: such an exception is returned as a trap, so that the new task's instruction
//! pointer stays.

use super::descriptor::{Descriptor, code_of, ip_fits, is_null, system};
use super::segload::{data_segment, stack_segment};
use crate::cpu::flags::{FIXED, Flags, NT};
use crate::cpu::segment::{Seg, Segment, attr};
use crate::cpu::state::{cr0, cr4};
use crate::cpu::{Exception, Shadow};
use crate::exec::Exec;
use crate::mmu::walk::Access;

type R = Result<(), Exception>;

/// DR6.BT: a switch to a task whose T flag is set.
pub const DR6_BT: u64 = 1 << 15;
/// DR7.L0 to L3 and LE: breakpoints of one task.
const DR7_LOCAL: u64 = 0x155;

/// What switches tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// JMP: the old task is left for good.
    Jump,
    /// CALL: the new task is nested.
    Call,
    /// An interrupt or exception: nested, with the flags image of the old task.
    Event(u64),
    /// IRET with NT set.
    Return,
}

impl Why {
    const fn nests(self) -> bool {
        matches!(self, Self::Call | Self::Event(_))
    }
}

/// Offsets in a TSS.
struct Layout {
    /// Bytes of a slot.
    n: u32,
    ip: u64,
    flags: u64,
    regs: u64,
    segs: u64,
    seg_count: usize,
    ldt: u64,
    /// The smallest limit of the new task's TSS.
    limit: u32,
}

const TSS16: Layout =
    Layout { n: 2, ip: 0x0e, flags: 0x10, regs: 0x12, segs: 0x22, seg_count: 4, ldt: 0x2a, limit: 0x2b };
const TSS32: Layout =
    Layout { n: 4, ip: 0x20, flags: 0x24, regs: 0x28, segs: 0x48, seg_count: 6, ldt: 0x60, limit: 0x67 };
/// CR3 in the 32-bit TSS.
const TSS32_CR3: u64 = 0x1c;
/// The T flag in the 32-bit TSS.
const TSS32_T: u64 = 0x64;

const fn layout(wide: bool) -> &'static Layout {
    if wide { &TSS32 } else { &TSS16 }
}

/// Switches to the task that a task gate names.
///
/// # Errors
/// As [`switch`]; `#GP` when the selector names no available TSS of the GDT.
pub fn through_gate(x: &mut Exec, selector: u16, why: Why) -> R {
    let gp = Exception::gp(code_of(selector));
    if is_null(selector) || selector & 4 != 0 {
        return Err(gp);
    }
    let d = Descriptor::fetch(x, selector, Exception::gp)?;
    match d.system_type() {
        Some(system::TSS16_AVAILABLE | system::TSS32_AVAILABLE) => switch(x, d, why),
        _ => Err(gp),
    }
}

/// IRET with NT set: back to the task in the link field.
///
/// # Errors
/// As [`switch`]; `#TS` when the link names no busy TSS of the GDT.
pub fn return_from_nested(x: &mut Exec) -> R {
    let base = x.st.tr.base;
    let selector = x.read_system(base, 2)? as u16;
    let ts = Exception::ts(code_of(selector));
    if is_null(selector) || selector & 4 != 0 {
        return Err(ts);
    }
    let d = Descriptor::fetch(x, selector, Exception::ts)?;
    match d.system_type() {
        Some(system::TSS16_BUSY | system::TSS32_BUSY) => switch(x, d, Why::Return),
        _ => Err(ts),
    }
}

/// The new task's state as its TSS holds it.
struct Image {
    cr3: u64,
    ip: u64,
    flags: u64,
    regs: [u64; 8],
    segs: [u16; 6],
    ldt: u16,
    trap: bool,
}

/// Switches to the task of a TSS descriptor whose type and visibility the caller has checked.
///
/// # Errors
/// Before the point of no return `#GP`, `#NP`, `#TS` and `#PF`; after it, the same as traps.
pub fn switch(x: &mut Exec, mut d: Descriptor, why: Why) -> R {
    let code = code_of(d.selector);
    if d.selector & 4 != 0 {
        return Err(Exception::gp(code));
    }
    if !d.present() {
        return Err(Exception::np(code));
    }
    let wide = d.attr() & u16::from(system::WIDE) != 0;
    let new = layout(wide);
    if d.limit() < new.limit {
        return Err(Exception::ts(code));
    }
    let old_tr = x.st.tr;
    let old_wide = old_tr.attr & u16::from(system::WIDE) != 0;
    let old = layout(old_wide);
    let save_end = old.segs + old.seg_count as u64 * u64::from(old.n) - 1;
    if save_end > u64::from(old_tr.limit) {
        return Err(Exception::ts(code_of(old_tr.selector)));
    }

    // Every page that will be touched, so that nothing faults half-way.
    for at in [old.ip, save_end] {
        x.translate_system(linear(&old_tr, at), Access::Write)?;
    }
    let target = d.segment(d.selector);
    x.translate_system(linear(&target, 0), if why.nests() { Access::Write } else { Access::Read })?;
    x.translate_system(linear(&target, u64::from(new.limit)), Access::Read)?;
    x.translate_system(d.at.wrapping_add(5), Access::Write)?;
    let mut old_d = match why {
        Why::Jump | Why::Return => {
            let old_d = Descriptor::fetch(x, old_tr.selector & !7, Exception::ts)?;
            x.translate_system(old_d.at.wrapping_add(5), Access::Write)?;
            Some(old_d)
        }
        Why::Call | Why::Event(_) => None,
    };

    let flags = match why {
        Why::Event(image) => image,
        Why::Return => x.st.flags.bits() & !NT,
        _ => x.st.flags.bits(),
    };
    save(x, &old_tr, old, flags)?;
    if let Some(old_d) = &mut old_d {
        old_d.set_busy(x, false)?;
    }
    if why.nests() {
        x.write_system(linear(&target, 0), 2, u64::from(old_tr.selector))?;
    }
    let image = read_image(x, &target, new, wide)?;
    d.set_busy(x, true)?;

    // The point of no return.
    x.st.tr = d.segment(d.selector);
    take_over(x, &image, why, wide);
    load_segments(x, &image).map_err(Exception::as_trap)
}

/// The linear address of a byte of a TSS.
fn linear(tss: &Segment, at: u64) -> u64 {
    tss.base.wrapping_add(at) & 0xffff_ffff
}

fn save(x: &mut Exec, tr: &Segment, l: &Layout, flags: u64) -> R {
    let n = u64::from(l.n);
    let ip = x.st.rip();
    x.write_system(linear(tr, l.ip), l.n, ip)?;
    x.write_system(linear(tr, l.flags), l.n, flags)?;
    for r in 0..8 {
        let v = x.st.regs[r];
        x.write_system(linear(tr, l.regs + r as u64 * n), l.n, v)?;
    }
    for s in 0..l.seg_count {
        let v = x.st.seg[s].selector;
        // The upper half of a slot is reserved and stays.
        x.write_system(linear(tr, l.segs + s as u64 * n), 2, u64::from(v))?;
    }
    Ok(())
}

fn read_image(x: &mut Exec, tss: &Segment, l: &Layout, wide: bool) -> Result<Image, Exception> {
    let n = u64::from(l.n);
    let mut i = Image {
        cr3: if wide { x.read_system(linear(tss, TSS32_CR3), 4)? } else { 0 },
        ip: x.read_system(linear(tss, l.ip), l.n)?,
        flags: x.read_system(linear(tss, l.flags), l.n)?,
        regs: [0; 8],
        segs: [0; 6],
        ldt: x.read_system(linear(tss, l.ldt), 2)? as u16,
        trap: wide && x.read_system(linear(tss, TSS32_T), 1)? & 1 != 0,
    };
    for (r, v) in i.regs.iter_mut().enumerate() {
        *v = x.read_system(linear(tss, l.regs + r as u64 * n), l.n)?;
        if !wide {
            *v |= 0xffff_0000; // what processors do with the half that the TSS does not hold
        }
    }
    for (s, v) in i.segs.iter_mut().take(l.seg_count).enumerate() {
        *v = x.read_system(linear(tss, l.segs + s as u64 * n), 2)? as u16;
    }
    Ok(i)
}

/// Loads everything that cannot fault. Segment registers hold their selectors, but are unusable.
fn take_over(x: &mut Exec, i: &Image, why: Why, wide: bool) {
    x.st.cr0 |= cr0::TS;
    x.st.dr7 &= !DR7_LOCAL;
    if wide && x.st.cr0 & cr0::PG != 0 {
        x.st.cr3 = i.cr3;
        if x.st.cr4 & cr4::PAE != 0 {
            // SDM Vol. 3A, "PDPTE Registers": a task switch loads them, too.
            for k in 0..4u64 {
                x.st.pdpte[k as usize] = x.phys_read((i.cr3 & !0x1f) + 8 * k, 8);
            }
        }
        x.follow_cr3(false);
    }
    let nt = if why.nests() { NT } else { 0 };
    x.st.flags = Flags::from_bits((i.flags | nt) & x.model.flags_mask(true) | FIXED);
    x.st.set_rip(i.ip);
    for (r, v) in i.regs.iter().enumerate() {
        x.st.regs[r] = if x.model.name == crate::cpu::ModelName::I80286 { *v & 0xffff } else { *v };
    }
    for (s, selector) in i.segs.iter().enumerate() {
        x.st.seg[s] = Segment::null(*selector);
    }
    x.st.ldtr = Segment::null(i.ldt);
    x.st.cpl = if x.st.v86() { 3 } else { i.segs[Seg::Cs as usize] as u8 & 3 };
    x.st.shadow = Shadow::None;
    if i.trap {
        x.st.pending_debug |= DR6_BT;
    }
    x.rf_kept = true;
    x.attention = true;
    x.refresh();
}

fn load_segments(x: &mut Exec, i: &Image) -> R {
    load_ldt(x, i.ldt)?;
    if x.st.v86() {
        for (s, selector) in i.segs.iter().enumerate() {
            let real = Segment::real(*selector);
            x.st.seg[s] = Segment { attr: real.attr | attr::DPL, ..real };
        }
    } else {
        load_cs_ss(x, i)?;
        for s in [Seg::Ds, Seg::Es, Seg::Fs, Seg::Gs] {
            x.st.seg[s as usize] = data_segment(x, i.segs[s as usize], Exception::ts)?;
        }
    }
    x.refresh();
    if ip_fits(x, x.st.segment(Seg::Cs), i.ip) { Ok(()) } else { Err(Exception::gp(0)) }
}

fn load_ldt(x: &mut Exec, selector: u16) -> R {
    if is_null(selector) {
        return Ok(());
    }
    let ts = Exception::ts(code_of(selector));
    if selector & 4 != 0 {
        return Err(ts);
    }
    let d = Descriptor::fetch(x, selector, Exception::ts)?;
    if d.system_type() != Some(system::LDT) || !d.present() {
        return Err(ts);
    }
    x.st.ldtr = d.segment(selector);
    Ok(())
}

fn load_cs_ss(x: &mut Exec, i: &Image) -> R {
    let cpl = x.st.cpl;
    let cs = i.segs[Seg::Cs as usize];
    let ts = Exception::ts(code_of(cs));
    if is_null(cs) {
        return Err(ts);
    }
    let mut d = Descriptor::fetch(x, cs, Exception::ts)?;
    let level = if d.conforming() { d.dpl() <= cpl } else { d.dpl() == cpl };
    if !d.code() || !level {
        return Err(ts);
    }
    x.st.seg[Seg::Ss as usize] = stack_segment(x, i.segs[Seg::Ss as usize], cpl, false, Exception::ts)?;
    x.refresh();
    if !d.present() {
        return Err(Exception::np(code_of(cs)));
    }
    d.mark_accessed(x)?;
    x.st.seg[Seg::Cs as usize] = d.segment(cs);
    x.refresh();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::rig::*;
    use super::*;
    use crate::cpu::ModelName;
    use crate::cpu::flags::{IF, VM};
    use crate::cpu::state::{RAX, RDI, RSP};

    const M: ModelName = ModelName::Pentium3;
    const ENTRY: u64 = 0x8765;

    /// Fills the 32-bit TSS at TSS_B with a task of level 0.
    fn task_b(r: &mut Rig) {
        r.poke(TSS_B + 0x20, 4, ENTRY);
        r.poke(TSS_B + 0x24, 4, IF | 2);
        for k in 0..8 {
            r.poke(TSS_B + 0x28 + 4 * k, 4, 0x100 + k);
        }
        r.poke(TSS_B + 0x38, 4, STACK0);
        for (k, s) in [DATA0, CODE0, DATA0, DATA0, DATA3, 0].into_iter().enumerate() {
            r.poke(TSS_B + 0x48 + 4 * k as u64, 4, s.into());
        }
        r.poke(TSS_B + 0x60, 4, LDT_SEL.into());
    }

    fn to(opcode: u8, selector: u16) -> [u8; 7] {
        let [lo, hi] = selector.to_le_bytes();
        [opcode, 0, 0, 0, 0, lo, hi]
    }
    const JMP: u8 = 0xea;
    const CALL: u8 = 0x9a;

    fn busy(r: &Rig, selector: u16) -> bool {
        r.peek(GDT + u64::from(selector) + 5, 1) & 2 != 0
    }

    #[test]
    fn a_jump_saves_one_task_and_loads_the_other() {
        let mut r = Rig::protected(M);
        task_b(&mut r);
        r.x.st.regs[RDI as usize] = 0x7777;
        r.x.st.dr7 = 0x455; // the local enables
        r.run(&to(JMP, TSS_B_SEL));
        // The old task.
        assert_eq!((r.peek(TSS + 0x20, 4), r.peek(TSS + 0x24, 4)), (CODE + 7, 2));
        assert_eq!((r.peek(TSS + 0x38, 4), r.peek(TSS + 0x44, 4)), (SP0, 0x7777));
        assert_eq!((r.peek(TSS + 0x4c, 2) as u16, r.peek(TSS + 0x5c, 2) as u16), (CODE0, DATA0));
        // The new one.
        assert_eq!((r.x.st.rip(), r.sp(), r.x.st.flags.bits()), (ENTRY, STACK0, IF | 2));
        assert_eq!((r.x.st.regs[RAX as usize], r.x.st.regs[RDI as usize]), (0x100, 0x107));
        let selectors = Seg::ALL.map(|s| r.selector(s));
        assert_eq!(selectors, [DATA0, CODE0, DATA0, DATA0, DATA3, 0]);
        assert_eq!((r.x.st.ldtr.selector, r.x.st.ldtr.base), (LDT_SEL, LDT));
        assert_eq!((r.x.st.tr.selector, r.x.st.tr.base), (TSS_B_SEL, TSS_B));
        assert!(r.x.st.cr0 & cr0::TS != 0);
        assert_eq!(r.x.st.dr7 & 0xff, 0);
        assert_eq!((busy(&r, TSS_SEL), busy(&r, TSS_B_SEL)), (false, true));
        assert_eq!(r.peek(TSS_B, 2), 0, "a jump writes no link");
    }

    #[test]
    fn a_call_nests_and_iret_comes_back() {
        let mut r = Rig::protected(M);
        task_b(&mut r);
        r.run(&to(CALL, TSS_B_SEL));
        assert_eq!((r.x.st.rip(), r.peek(TSS_B, 2) as u16), (ENTRY, TSS_SEL));
        assert!(r.x.st.flags.has(NT));
        assert_eq!((busy(&r, TSS_SEL), busy(&r, TSS_B_SEL)), (true, true));
        r.run(&[0xcf]); // iret
        assert_eq!((r.x.st.rip(), r.sp(), r.x.st.tr.selector), (CODE + 7, SP0, TSS_SEL));
        assert_eq!((busy(&r, TSS_SEL), busy(&r, TSS_B_SEL)), (true, false));
        assert!(!r.x.st.flags.has(NT));
        assert_eq!(r.peek(TSS_B + 0x20, 4), ENTRY + 1, "the task continues behind its IRET");
        assert_eq!(r.peek(TSS_B + 0x24, 4) & NT, 0, "NT is cleared in the image that IRET saves");
    }

    #[test]
    fn a_16_bit_tss_holds_words() {
        let mut r = Rig::protected(M);
        for (at, v) in [(0x0e, ENTRY), (0x10, IF | 2), (0x12, 0x1234), (0x1a, 0x7000), (0x2a, 0)] {
            r.poke(TSS_W + at, 2, v);
        }
        for (k, s) in [DATA0, CODE0, DATA0, DATA0].into_iter().enumerate() {
            r.poke(TSS_W + 0x22 + 2 * k as u64, 2, s.into());
        }
        r.run(&to(CALL, TSS16_SEL));
        assert_eq!((r.x.st.rip(), r.x.st.regs[RAX as usize]), (ENTRY, 0xffff_1234));
        assert_eq!((r.selector(Seg::Fs), r.x.st.segment(Seg::Fs).usable()), (0, false));
        assert_eq!(r.x.st.regs[RSP as usize], 0xffff_7000);
        r.set_seg(Seg::Ss, DATA16);
        r.run(&[0xcf]);
        assert_eq!((r.x.st.rip(), r.peek(TSS_W + 0x0e, 2)), (CODE + 7, ENTRY + 1));
    }

    #[test]
    fn the_80286_switches_through_its_own_tss() {
        let mut r = Rig::protected(ModelName::I80286);
        for (at, v) in [(0x0e, ENTRY), (0x10, 2), (0x12, 0x1234), (0x1a, 0x7000), (0x2a, 0)] {
            r.poke(TSS_W + at, 2, v);
        }
        for (k, s) in [DATA0, CODE0, DATA0, DATA0].into_iter().enumerate() {
            r.poke(TSS_W + 0x22 + 2 * k as u64, 2, s.into());
        }
        let [lo, hi] = TSS16_SEL.to_le_bytes();
        r.run(&[0xea, 0, 0, lo, hi]);
        assert_eq!((r.x.st.rip(), r.x.st.regs[RAX as usize]), (ENTRY, 0x1234));
    }

    #[test]
    fn an_exception_through_a_task_gate_leaves_its_code_on_the_new_stack() {
        let mut r = Rig::protected(M);
        task_b(&mut r);
        r.poke(IDT + 8 * 13, 8, gate(5, 0, TSS_B_SEL, 0, 0));
        r.run(&[0x8e, 0x1d, 0, 0x50, 0, 0]); // mov ds, [0x5000]: null, fine
        r.poke(0x5000, 2, EXECUTE_ONLY.into());
        let at = r.x.st.rip();
        r.run(&[0x2e, 0x8e, 0x1d, 0, 0x50, 0, 0]); // mov ds, cs:[0x5000]
        assert_eq!((r.x.st.rip(), r.sp(), r.slot(0, 4) as u16), (ENTRY, STACK0 - 4, EXECUTE_ONLY));
        assert_eq!(r.peek(TSS + 0x20, 4), at, "a fault saves its own instruction");
        assert!(r.peek(TSS + 0x24, 4) & crate::cpu::flags::RF != 0);
    }

    #[test]
    fn what_is_wrong_with_the_tss_itself_faults_in_the_old_task() {
        let mut r = Rig::protected(M);
        r.gdt(OWN, descriptor(TSS_B, 0x66, attr::P | 9));
        assert_eq!(r.fault(&to(JMP, OWN)), Exception::ts(OWN), "limit below 103");
        let mut r = Rig::protected(M);
        r.gdt(OWN, descriptor(TSS_B, 0x67, 9));
        assert_eq!(r.fault(&to(JMP, OWN)), Exception::np(OWN));
        assert_eq!(Rig::level3(M).fault(&to(JMP, TSS_B_SEL)), Exception::gp(TSS_B_SEL));
        let mut r = Rig::protected(M);
        r.x.st.flags.set_system(NT, true);
        r.poke(TSS, 2, TSS_B_SEL.into());
        assert_eq!(r.fault(&[0xcf]), Exception::ts(TSS_B_SEL), "IRET wants a busy TSS");
    }

    #[test]
    fn what_is_wrong_with_its_segments_faults_in_the_new_task() {
        let cases = [
            (0x60, TSS_SEL, Exception::ts(TSS_SEL)), // LDT
            (0x4c, 0, Exception::ts(0)),             // CS
            (0x4c, DATA0, Exception::ts(DATA0)),
            (0x4c, ABSENT_CODE, Exception::np(ABSENT_CODE)),
            (0x50, 0, Exception::ts(0)), // SS
            (0x50, DATA3, Exception::ts(DATA3 & !3)),
            (0x50, ABSENT, Exception::ss(ABSENT)),
            (0x54, EXECUTE_ONLY, Exception::ts(EXECUTE_ONLY)), // DS
            (0x48, ABSENT, Exception::np(ABSENT)),             // ES
        ];
        for (at, selector, e) in cases {
            let mut r = Rig::protected(M);
            task_b(&mut r);
            r.poke(TSS_B + at, 2, selector.into());
            // The handler is the first task, through a gate: the new task's stack may be unusable.
            r.poke(IDT + 8 * u64::from(e.vector()), 8, gate(5, 0, OWN, 0, 0));
            r.gdt(OWN, descriptor(0x3800, 0x67, attr::P | 9));
            r.poke(0x3820, 4, HANDLERS);
            r.poke(0x3838, 4, STACK0);
            r.poke(0x384c, 2, CODE0.into());
            r.poke(0x3850, 2, DATA0.into());
            r.run(&to(JMP, TSS_B_SEL));
            assert_eq!((r.x.st.rip(), r.slot(0, 4) as u32), (HANDLERS, e.code().unwrap_or(0)), "{at:#x} {selector:#x}");
            assert_eq!(r.peek(0x3800, 2) as u16, TSS_B_SEL, "{at:#x}: nested in the new task");
            assert_eq!(r.peek(TSS_B + 0x20, 4), ENTRY);
        }
    }

    #[test]
    fn a_task_can_be_a_virtual_8086_one() {
        let mut r = Rig::protected(M);
        task_b(&mut r);
        r.poke(TSS_B + 0x24, 4, VM | 2);
        for k in 0..6 {
            r.poke(TSS_B + 0x48 + 4 * k, 2, 0x700 + k);
        }
        r.run(&to(JMP, TSS_B_SEL));
        assert!(r.x.st.v86());
        assert_eq!((r.x.st.cpl, r.x.st.segment(Seg::Cs).base), (3, 0x7010));
    }

    #[test]
    fn the_t_flag_traps_before_the_first_instruction() {
        let mut r = Rig::protected(M);
        task_b(&mut r);
        r.poke(TSS_B + 0x64, 2, 1);
        r.run(&to(JMP, TSS_B_SEL));
        assert_eq!((r.handler(), r.slot(0, 4)), (Some(1), ENTRY));
        assert!(r.x.st.dr6 & DR6_BT != 0);
    }

    #[test]
    fn a_new_page_directory_comes_with_the_task() {
        let mut r = Rig::protected(M);
        task_b(&mut r);
        r.x.st.cr4 |= cr4::PSE;
        for at in [0x2_0000, 0x2_1000] {
            r.poke(at, 4, 0x83); // 4 MiB one to one
        }
        r.x.st.cr3 = 0x2_0000;
        r.x.st.cr0 |= cr0::PG;
        r.x.flush_tlb();
        r.poke(TSS_B + 0x1c, 4, 0x2_1000);
        r.run(&to(JMP, TSS_B_SEL));
        assert_eq!((r.x.st.cr3, r.x.st.rip()), (0x2_1000, ENTRY));
    }
}
