//! MOV and POP to segment registers, PUSH and MOV from them, LDS LES LFS LGS LSS.
//! Intel SDM Vol. 2A and 2B, "MOV", "POP", "PUSH", "LDS/LES/LFS/LGS/LSS"; Vol. 3A, "Segment Registers".

use super::descriptor::{Descriptor, Fault, code_of, is_null};
use crate::cpu::model::ModelName;
use crate::cpu::segment::{Seg, Segment, attr};
use crate::cpu::state::{CpuState, RSP};
use crate::cpu::{Exception, Shadow};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::insn::flag;
use crate::isa::ops::Ops;

type R = Result<(), Exception>;

/// What a load in real or virtual-8086 mode makes of a segment register: in real mode the limit and the default size
/// stay as they were ("unreal mode" lives on that).
#[must_use]
pub fn real_segment(st: &CpuState, s: Seg, selector: u16) -> Segment {
    let new = Segment::real(selector);
    if st.v86() {
        return Segment { attr: new.attr | attr::DPL, ..new };
    }
    let old = st.segment(s);
    if !old.usable() {
        return new;
    }
    Segment { attr: new.attr | old.attr & (attr::DB | attr::G), limit: old.limit, ..new }
}

/// The hidden part that a protected-mode load of a data segment register or SS takes on.
///
/// # Errors
/// `#GP`, `#NP`, `#SS`, `#PF`; the register is not touched here.
#[inline]
pub fn protected_segment(x: &mut Exec, s: Seg, selector: u16) -> Result<Segment, Exception> {
    if s == Seg::Ss {
        return stack_segment(x, selector, x.st.cpl, x.st.code64(), Exception::gp);
    }
    data_segment(x, selector, Exception::gp)
}

/// The hidden part of a data segment register.
///
/// # Errors
/// `fault` (`#GP`, or `#TS` in a task switch), `#NP`, `#PF`.
#[inline]
pub fn data_segment(x: &mut Exec, selector: u16, fault: Fault) -> Result<Segment, Exception> {
    if is_null(selector) {
        return Ok(Segment::null(selector));
    }
    let mut d = Descriptor::fetch(x, selector, fault)?;
    if !d.readable() || !d.conforming() && d.dpl() < d.rpl().max(x.st.cpl) {
        return Err(fault(code_of(selector)));
    }
    if !d.present() {
        return Err(Exception::np(code_of(selector)));
    }
    d.mark_accessed(x)?;
    Ok(d.segment(selector))
}

/// The hidden part of SS for a program that runs, or will run, at `cpl`; `code64` says that it is 64-bit code.
///
/// # Errors
/// `fault` (`#GP`, or `#TS` in a task switch), `#SS` when not present, `#PF`.
pub fn stack_segment(x: &mut Exec, selector: u16, cpl: u8, code64: bool, fault: Fault) -> Result<Segment, Exception> {
    if is_null(selector) {
        // 64-bit code below level 3 runs well without a stack segment.
        if code64 && cpl != 3 && selector as u8 & 3 == cpl {
            return Ok(Segment::null(selector));
        }
        return Err(fault(code_of(selector)));
    }
    let mut d = Descriptor::fetch(x, selector, fault)?;
    if d.rpl() != cpl || d.dpl() != cpl || !d.writable_data() {
        return Err(fault(code_of(selector)));
    }
    if !d.present() {
        return Err(Exception::ss(code_of(selector)));
    }
    d.mark_accessed(x)?;
    Ok(d.segment(selector))
}

/// What `s` would hold after a load of `selector`.
#[inline]
fn resolve(x: &mut Exec, s: Seg, selector: u16) -> Result<Segment, Exception> {
    if x.st.real_segments() { Ok(real_segment(&x.st, s, selector)) } else { protected_segment(x, s, selector) }
}

/// Puts a resolved segment in its register.
#[inline]
fn commit(x: &mut Exec, s: Seg, new: Segment) {
    x.st.seg[s as usize] = new;
    match s {
        Seg::Cs | Seg::Ss => x.refresh(),
        _ => x.refresh_data_window(s),
    }
}

/// After a load of SS, nothing may come between it and the load of SP.
fn cast_shadow(x: &mut Exec) {
    x.st.shadow = Shadow::MovSs;
    x.shadow_cast = true;
}

/// The segment register a field names. FS and GS came with the 80386.
#[inline]
fn named(x: &Exec, field: u8) -> Result<Seg, Exception> {
    match Seg::from_field(field) {
        Some(Seg::Fs | Seg::Gs) if x.model.name < ModelName::I80386 => Err(Exception::UD),
        Some(s) => Ok(s),
        None => Err(Exception::UD),
    }
}

/// MOV Sreg, r/m16. CS cannot be loaded this way.
pub fn mov_to(x: &mut Exec, i: &Insn) -> R {
    let s = named(x, i.dst)?;
    if s == Seg::Cs {
        return Err(Exception::UD);
    }
    let selector = if i.has(flag::MEM) {
        let off = x.ea(i);
        x.read::<16>(i.seg, off)?
    } else {
        x.get::<16>(i.src)
    } as u16;
    let new = resolve(x, s, selector)?;
    if s == Seg::Ss {
        cast_shadow(x);
    }
    commit(x, s, new);
    Ok(())
}

/// MOV r/m, Sreg: memory takes 16 bits, a register the selector zero-extended to the operand size.
pub fn mov_from(x: &mut Exec, i: &Insn) -> R {
    let selector = u64::from(x.st.segment(named(x, i.src)?).selector);
    if i.has(flag::MEM) {
        let off = x.ea(i);
        return x.write::<16>(i.seg, off, selector);
    }
    match i.bits {
        16 => x.put::<16>(i.dst, selector),
        _ => x.put::<64>(i.dst, selector),
    }
    Ok(())
}

/// PUSH Sreg. With 32 bits, processors from the first 64-bit models on write only the selector's 16 bits and
/// leave the upper half of the stack's slot alone (SDM Vol. 2B, "PUSH", Description).
pub fn push<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    let selector = u64::from(x.st.segment(named(x, i.dst)?).selector);
    if B == 32 && x.model.name >= ModelName::X86_64V1 {
        let new = x.st.regs[RSP as usize].wrapping_sub(4);
        x.write::<16>(2, new & x.ctx.sp_mask, selector)?;
        x.set_sp(new);
        return Ok(());
    }
    Ops::push::<B>(x, selector)
}

/// POP Sreg. RSP moves before the register is loaded, by the old stack's size.
pub fn pop<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    let s = named(x, i.dst)?;
    let selector = x.peek::<16>()? as u16;
    let new = resolve(x, s, selector)?;
    x.drop_stack(u64::from(B / 8));
    if s == Seg::Ss {
        cast_shadow(x);
    }
    commit(x, s, new);
    Ok(())
}

/// LDS, LES, LFS, LGS, LSS: a far pointer from memory with an offset of `B` bits. `S` is the segment register.
pub fn load_far<const B: u32, const S: u8>(x: &mut Exec, i: &Insn) -> R {
    let s = named(x, S)?;
    let (off, selector) = far_pointer::<B>(x, i)?;
    let new = resolve(x, s, selector)?;
    x.put::<B>(i.dst, off);
    // No shadow: LSS loads SP by itself.
    commit(x, s, new);
    Ok(())
}

/// Reads a far pointer in memory: the offset, then the selector.
///
/// # Errors
/// The faults of the access.
pub fn far_pointer<const B: u32>(x: &mut Exec, i: &Insn) -> Result<(u64, u16), Exception> {
    if !i.has(flag::MEM) {
        return Err(Exception::UD);
    }
    let at = x.ea(i);
    let off = x.read::<B>(i.seg, at)?;
    let mask = match x.model.name {
        // Before the 80386 an address has 16 bits, and so has the sum.
        ModelName::I8086 | ModelName::I80286 => 0xffff,
        _ => u64::MAX,
    };
    let selector = x.read::<16>(i.seg, at.wrapping_add(u64::from(B / 8)) & mask)?;
    Ok((off, selector as u16))
}

#[cfg(test)]
mod tests {
    use super::super::rig::*;
    use super::*;
    use crate::cpu::state::{RAX, RBX};

    const M: ModelName = ModelName::Pentium3;
    const MOV_DS_AX: &[u8] = &[0x8e, 0xd8];
    const MOV_SS_AX: &[u8] = &[0x8e, 0xd0];

    fn with_ax(mut r: Rig, v: u16) -> Rig {
        r.x.st.regs[RAX as usize] = u64::from(v);
        r
    }

    #[test]
    fn real_mode_takes_the_selector_times_16_and_keeps_the_limit() {
        let mut r = with_ax(Rig::real(M), 0x1234);
        r.x.st.seg[Seg::Ds as usize].limit = u32::MAX;
        r.run(MOV_DS_AX);
        let ds = *r.x.st.segment(Seg::Ds);
        assert_eq!((ds.selector, ds.base, ds.limit), (0x1234, 0x12340, u32::MAX));
    }

    #[test]
    fn virtual_8086_mode_gives_64_kib_of_level_3() {
        let mut r = with_ax(Rig::v86(M), 0x1234);
        r.x.st.seg[Seg::Ds as usize].limit = u32::MAX;
        r.run(MOV_DS_AX);
        let ds = *r.x.st.segment(Seg::Ds);
        assert_eq!((ds.base, ds.limit, ds.dpl()), (0x12340, 0xffff, 3));
    }

    #[test]
    fn a_descriptor_is_loaded_and_marked_accessed() {
        let mut r = with_ax(Rig::protected(M), OWN);
        r.gdt(OWN, descriptor(0x12_3456, 0x7ff, attr::P | attr::S | attr::RW | attr::DB));
        r.run(MOV_DS_AX);
        let ds = *r.x.st.segment(Seg::Ds);
        assert_eq!((ds.base, ds.limit, ds.selector), (0x12_3456, 0x7ff, OWN));
        assert_eq!(r.peek(GDT + u64::from(OWN) + 5, 1), 0x93);
    }

    #[test]
    fn a_null_selector_loads_and_faults_on_use() {
        let mut r = with_ax(Rig::protected(M), 3);
        r.run(MOV_DS_AX);
        assert_eq!(r.selector(Seg::Ds), 3);
        assert_eq!(r.fault(&[0xa0, 0, 0, 0, 0]), Exception::gp(0)); // mov al, [0]
    }

    #[test]
    fn data_loads_check_table_type_privilege_and_presence_in_this_order() {
        let cases = [
            (0x0ff8, Exception::gp(0x0ff8)),   // past the GDT
            (0x0014 | 4, Exception::gp(0x14)), // no LDT
            (EXECUTE_ONLY, Exception::gp(EXECUTE_ONLY)),
            (TSS_B_SEL, Exception::gp(TSS_B_SEL)), // system descriptor
            (DATA0 | 1, Exception::gp(DATA0)),     // RPL 1 > DPL 0
            (ABSENT, Exception::np(ABSENT)),
        ];
        for (selector, e) in cases {
            assert_eq!(with_ax(Rig::protected(M), selector).fault(MOV_DS_AX), e, "{selector:#x}");
        }
        assert_eq!(with_ax(Rig::level3(M), DATA0).fault(MOV_DS_AX), Exception::gp(DATA0));
        // Conforming code can be read from everywhere.
        let mut r = with_ax(Rig::level3(M), CONFORMING | 3);
        r.run(MOV_DS_AX);
        assert_eq!(r.selector(Seg::Ds), CONFORMING | 3);
    }

    #[test]
    fn stack_loads_want_writable_data_of_exactly_this_level() {
        let cases = [
            (0, Exception::gp(0)),
            (DATA0 | 3, Exception::gp(DATA0)),
            (DATA3, Exception::gp(DATA3 & !3)),
            (READ_ONLY, Exception::gp(READ_ONLY)),
            (CODE0, Exception::gp(CODE0)),
            (ABSENT, Exception::ss(ABSENT)),
        ];
        for (selector, e) in cases {
            assert_eq!(with_ax(Rig::protected(M), selector).fault(MOV_SS_AX), e, "{selector:#x}");
        }
    }

    #[test]
    fn a_load_of_ss_shadows_exactly_one_instruction() {
        let mut r = with_ax(Rig::protected(M), DATA0);
        r.code(&[0x8e, 0xd0, 0x90, 0x90]);
        r.x.st.nmi_pending = true;
        r.x.st.nmi_blocked = true;
        r.step();
        r.x.st.nmi_blocked = false;
        assert_eq!(r.x.st.shadow, Shadow::MovSs);
        r.step();
        assert_eq!(r.handler(), Some(2));
        assert_eq!(r.slot(0, 4), CODE + 3, "the NMI waits for the instruction after MOV SS");
    }

    #[test]
    fn ss_can_be_null_in_64_bit_code_below_level_3_only() {
        let mut r = with_ax(Rig::long(0), 0);
        r.run(MOV_SS_AX);
        assert_eq!(r.selector(Seg::Ss), 0);
        r.run(&[0x50]); // push rax works all the same
        assert_eq!(r.sp(), SP0 - 8);
        assert_eq!(with_ax(Rig::long(0), 1).fault(MOV_SS_AX), Exception::gp(0));
        assert_eq!(with_ax(Rig::long(3), 3).fault(MOV_SS_AX), Exception::gp(0));
    }

    #[test]
    fn mov_from_a_segment_register_fills_a_register_and_16_bits_of_memory() {
        let mut r = Rig::protected(M);
        r.x.st.regs[RAX as usize] = 0xffff_ffff;
        r.run(&[0x8c, 0xd8]); // mov eax, ds
        assert_eq!(r.x.st.regs[RAX as usize], u64::from(DATA0));
        r.x.st.regs[RAX as usize] = 0xffff_ffff;
        r.run(&[0x66, 0x8c, 0xd8]); // mov ax, ds
        assert_eq!(r.x.st.regs[RAX as usize], 0xffff_0010);
        r.poke(0x5000, 4, 0xffff_ffff);
        r.run(&[0x8c, 0x1d, 0x00, 0x50, 0, 0]); // mov [0x5000], ds
        assert_eq!(r.peek(0x5000, 4), 0xffff_0010);
        assert_eq!(r.fault(&[0x8e, 0xc8]), Exception::UD); // mov cs, ax
    }

    #[test]
    fn push_and_pop_move_the_stack_by_the_operand_size() {
        let mut r = Rig::protected(M);
        r.poke(SP0 - 4, 4, 0xffff_ffff);
        r.run(&[0x1e]); // push ds
        assert_eq!((r.sp(), r.slot(0, 4)), (SP0 - 4, u64::from(DATA0)));
        r.poke(SP0 - 4, 4, 0xffff_0000 | u64::from(DATA3));
        r.run(&[0x07]); // pop es
        assert_eq!((r.sp(), r.selector(Seg::Es)), (SP0, DATA3));
        let mut r = Rig::long(0);
        r.poke(SP0 - 8, 8, u64::MAX);
        r.run(&[0x0f, 0xa0]); // push fs
        assert_eq!((r.sp(), r.slot(0, 8)), (SP0 - 8, u64::from(DATA0)));
    }

    #[test]
    fn a_pop_that_faults_leaves_the_stack_pointer() {
        let mut r = Rig::protected(M);
        r.run(&[0x6a, 0x08]); // push 8 (CODE0 can be read: change it to execute-only)
        r.poke(SP0 - 4, 4, u64::from(EXECUTE_ONLY));
        assert_eq!(r.fault(&[0x1f]), Exception::gp(EXECUTE_ONLY)); // pop ds
        assert_eq!(r.sp(), SP0 - 4 - 16);
    }

    #[test]
    fn fs_and_gs_came_with_the_80386() {
        for code in [[0x8e, 0xe0], [0x8c, 0xe8]] {
            let mut r = Rig::real(ModelName::I80286);
            r.run(&code);
            assert_eq!((r.handler(), r.slot(0, 2)), (Some(6), CODE), "{code:x?}");
        }
    }

    #[test]
    fn a_pop_at_the_last_byte_is_interrupt_13_on_the_80286_and_12_later() {
        for (model, vector) in [(ModelName::I80286, 13), (ModelName::I80386, 12)] {
            let mut r = Rig::real(model);
            r.x.st.regs[RSP as usize] = 0xffff;
            r.run(&[0x07]); // pop es
            assert_eq!((r.handler(), r.sp()), (Some(vector), 0xfff9), "{model:?}");
        }
    }

    #[test]
    fn les_loads_both_or_neither() {
        let mut r = Rig::protected(M);
        r.poke(0x5000, 8, 0x1122_3344 | u64::from(DATA3) << 32);
        r.run(&[0xc4, 0x1d, 0x00, 0x50, 0, 0]); // les ebx, [0x5000]
        assert_eq!((r.x.st.regs[RBX as usize], r.selector(Seg::Es)), (0x1122_3344, DATA3));
        r.poke(0x5004, 2, u64::from(ABSENT));
        assert_eq!(r.fault(&[0x0f, 0xb4, 0x05, 0x00, 0x50, 0, 0]), Exception::np(ABSENT)); // lfs eax, [0x5000]
        assert_eq!(r.selector(Seg::Fs), DATA0);
    }
}
