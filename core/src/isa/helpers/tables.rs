//! Descriptor tables and what asks them without loading a segment: LGDT LIDT SGDT SIDT LLDT SLDT LTR STR LAR LSL VERR
//! VERW ARPL. SDM Vol. 2, each instruction's "Operation"; Vol. 3A, "Pointer Validation", "Memory-Management Registers".

use super::control::{privileged, user_mode_prevented};
use super::descriptor::{Descriptor, code_of, is_null, system};
use crate::cpu::Exception;
use crate::cpu::flags::ZF;
use crate::cpu::model::ModelName;
use crate::cpu::segment::{Segment, Table};
use crate::exec::{Exec, canonical};
use crate::isa::Insn;
use crate::isa::insn::flag;
use crate::isa::ops::Ops;

type R = Result<(), Exception>;

/// Reads limit and base of a table register; `B` is the operand size. A base has 24 bits for 16-bit operands.
fn read_table<const B: u32>(x: &mut Exec, i: &Insn) -> Result<Table, Exception> {
    privileged(x)?;
    let off = x.ea(i);
    let next = off.wrapping_add(2) & i.address_mask();
    let limit = x.read::<16>(i.seg, off)? as u16;
    let base = match B {
        64 => x.read::<64>(i.seg, next)?,
        32 => x.read::<32>(i.seg, next)?,
        _ => x.read::<32>(i.seg, next)? & 0xff_ffff,
    };
    if B == 64 && !canonical(base) {
        return Err(Exception::gp(0));
    }
    Ok(Table { base, limit })
}

/// Writes a table register to memory, whole or not at all. The 80286 fills the byte above its 24 bits with ones.
fn write_table<const B: u32>(x: &mut Exec, i: &Insn, t: Table) -> R {
    user_mode_prevented(x)?;
    let off = x.ea(i);
    let next = off.wrapping_add(2) & i.address_mask();
    if B == 64 {
        x.read_rmw::<64>(i.seg, next)?;
        x.write::<16>(i.seg, off, t.limit.into())?;
        return x.write::<64>(i.seg, next, t.base);
    }
    let base = if x.model.name == ModelName::I80286 { t.base | 0xff00_0000 } else { t.base };
    x.read_rmw::<32>(i.seg, next)?;
    x.write::<16>(i.seg, off, t.limit.into())?;
    x.write::<32>(i.seg, next, base & 0xffff_ffff)
}

/// LGDT.
///
/// # Errors
/// `#GP(0)` above level 0 or for a base that is not canonical; the fault of the access.
pub fn lgdt<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    x.st.gdtr = read_table::<B>(x, i)?;
    Ok(())
}

/// LIDT.
///
/// # Errors
/// As for [`lgdt`].
pub fn lidt<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    x.st.idtr = read_table::<B>(x, i)?;
    Ok(())
}

/// SGDT.
///
/// # Errors
/// `#GP(0)` under CR4.UMIP; the fault of the access.
pub fn sgdt<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    write_table::<B>(x, i, x.st.gdtr)
}

/// SIDT.
///
/// # Errors
/// As for [`sgdt`].
pub fn sidt<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    write_table::<B>(x, i, x.st.idtr)
}

/// Instructions that exist in protected mode only, and not in virtual-8086 mode.
const fn protected(x: &Exec) -> R {
    if x.st.real_segments() { Err(Exception::UD) } else { Ok(()) }
}

/// The selector operand: a word in memory or in the register `r`.
fn selector(x: &mut Exec, i: &Insn, r: u8) -> Result<u16, Exception> {
    if i.has(flag::MEM) {
        let off = x.ea(i);
        return Ok(x.read::<16>(i.seg, off)? as u16);
    }
    Ok(x.get::<16>(r) as u16)
}

/// Stores a selector into a register of `B` bits, or into 16 bits of memory.
fn store_selector<const B: u32>(x: &mut Exec, i: &Insn, v: u16) -> R {
    protected(x)?;
    user_mode_prevented(x)?;
    if i.has(flag::MEM) {
        let off = x.ea(i);
        return x.write::<16>(i.seg, off, v.into());
    }
    x.put::<B>(i.dst, v.into());
    Ok(())
}

/// SLDT.
///
/// # Errors
/// `#UD` outside protected mode; `#GP(0)` under CR4.UMIP; the fault of the access.
pub fn sldt<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    store_selector::<B>(x, i, x.st.ldtr.selector)
}

/// STR.
///
/// # Errors
/// As for [`sldt`].
pub fn str<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    store_selector::<B>(x, i, x.st.tr.selector)
}

/// A system descriptor of the GDT whose type is in `types`, present, with its second half in long mode.
fn system_descriptor(x: &mut Exec, selector: u16, types: &[u8]) -> Result<Descriptor, Exception> {
    if selector & 4 != 0 {
        return Err(Exception::gp(code_of(selector)));
    }
    let mut d = Descriptor::fetch(x, selector, Exception::gp)?;
    if !d.system_type().is_some_and(|t| types.contains(&t)) {
        return Err(Exception::gp(code_of(selector)));
    }
    if !d.present() {
        return Err(Exception::np(code_of(selector)));
    }
    d.fetch_high(x, Exception::gp)?;
    if !canonical(d.base()) {
        return Err(Exception::gp(code_of(selector)));
    }
    Ok(d)
}

/// LLDT.
///
/// # Errors
/// `#UD` outside protected mode; `#GP(0)` above level 0; `#GP` or `#NP` with the selector; the fault of the access.
pub fn lldt(x: &mut Exec, i: &Insn) -> R {
    protected(x)?;
    privileged(x)?;
    let s = selector(x, i, i.dst)?;
    x.st.ldtr = if is_null(s) { Segment::null(s) } else { system_descriptor(x, s, &[system::LDT])?.segment(s) };
    Ok(())
}

/// LTR: the task becomes busy.
///
/// # Errors
/// As for [`lldt`]; `#GP(0)` for a null selector.
pub fn ltr(x: &mut Exec, i: &Insn) -> R {
    protected(x)?;
    privileged(x)?;
    let s = selector(x, i, i.dst)?;
    if is_null(s) {
        return Err(Exception::gp(0));
    }
    let types: &[u8] =
        if x.st.long_mode() { &[system::TSS32_AVAILABLE] } else { &[system::TSS16_AVAILABLE, system::TSS32_AVAILABLE] };
    let mut d = system_descriptor(x, s, types)?;
    d.set_busy(x, true)?;
    x.st.tr = d.segment(s);
    Ok(())
}

/// The descriptor that LAR, LSL, VERR and VERW may look at, or `None`: null, outside its table, or hidden by privilege.
fn visible(x: &mut Exec, selector: u16) -> Result<Option<Descriptor>, Exception> {
    if is_null(selector) {
        return Ok(None);
    }
    // A selector outside its table is an answer here, not a fault; a page fault remains one.
    let d = match Descriptor::fetch(x, selector, Exception::gp) {
        Ok(d) => d,
        Err(e) if e == Exception::gp(code_of(selector)) => return Ok(None),
        Err(e) => return Err(e),
    };
    let hidden = !d.conforming() && (d.dpl() < x.st.cpl || d.dpl() < d.rpl());
    Ok((!hidden).then_some(d))
}

fn set_zf(x: &mut Exec, on: bool) {
    let f = x.st.flags.arithmetic() & !ZF;
    x.st.flags.set_arithmetic(if on { f | ZF } else { f });
}

/// LAR.
///
/// # Errors
/// `#UD` outside protected mode; the fault of an access.
pub fn lar<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    protected(x)?;
    let s = selector(x, i, i.src)?;
    let types: u16 = if x.st.long_mode() {
        1 << system::LDT | 1 << system::TSS32_AVAILABLE | 1 << system::TSS32_BUSY | 1 << system::CALL32
    } else {
        0b0001_1010_0011_1110 // 1 to 5, 9, 11, 12
    };
    let d = visible(x, s)?.filter(|d| d.system_type().is_none_or(|t| types >> t & 1 != 0));
    if let Some(d) = d {
        let rights = d.raw >> 32;
        x.put::<B>(i.dst, if B == 16 { rights & 0xff00 } else { rights & 0x00f0_ff00 });
    }
    set_zf(x, d.is_some());
    Ok(())
}

/// LSL.
///
/// # Errors
/// As for [`lar`].
pub fn lsl<const B: u32>(x: &mut Exec, i: &Insn) -> R {
    protected(x)?;
    let s = selector(x, i, i.src)?;
    let types: u16 = if x.st.long_mode() {
        1 << system::LDT | 1 << system::TSS32_AVAILABLE | 1 << system::TSS32_BUSY
    } else {
        0b0000_1010_0000_1110 // 1 to 3, 9, 11
    };
    let d = visible(x, s)?.filter(|d| d.system_type().is_none_or(|t| types >> t & 1 != 0));
    if let Some(d) = d {
        x.put::<B>(i.dst, d.limit().into());
    }
    set_zf(x, d.is_some());
    Ok(())
}

/// VERR.
///
/// # Errors
/// As for [`lar`].
pub fn verr(x: &mut Exec, i: &Insn) -> R {
    protected(x)?;
    let s = selector(x, i, i.dst)?;
    let ok = visible(x, s)?.is_some_and(|d| d.readable());
    set_zf(x, ok);
    Ok(())
}

/// VERW.
///
/// # Errors
/// As for [`lar`].
pub fn verw(x: &mut Exec, i: &Insn) -> R {
    protected(x)?;
    let s = selector(x, i, i.dst)?;
    let ok = visible(x, s)?.is_some_and(|d| d.writable_data());
    set_zf(x, ok);
    Ok(())
}

/// ARPL: raises the first selector's RPL to that of the second.
///
/// # Errors
/// `#UD` outside protected mode; the fault of the access.
pub fn arpl(x: &mut Exec, i: &Insn) -> R {
    protected(x)?;
    let mem = i.has(flag::MEM);
    let off = x.ea(i);
    let old = if mem { x.read_rmw::<16>(i.seg, off)? } else { x.get::<16>(i.dst) };
    let rpl = x.get::<16>(i.src) & 3;
    let raise = old & 3 < rpl;
    if raise {
        let new = old & !3 | rpl;
        if mem {
            x.write::<16>(i.seg, off, new)?;
        } else {
            x.put::<16>(i.dst, new);
        }
    }
    set_zf(x, raise);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::rig::*;
    use super::*;
    use crate::cpu::segment::attr;
    use crate::cpu::state::{RAX, RCX, cr4};

    const M: ModelName = ModelName::Max;

    fn with_ax(mut r: Rig, v: u16) -> Rig {
        r.x.st.regs[RAX as usize] = v.into();
        r
    }

    #[test]
    fn a_table_s_base_has_24_bits_under_16_bit_operands() {
        let mut r = Rig::real(M);
        r.poke(0x4000, 8, 0x1234_5678_9abc);
        r.run(&[0x0f, 0x01, 0x16, 0, 0x40]);
        assert_eq!(r.x.st.gdtr, Table { base: 0x34_5678, limit: 0x9abc });
        r.run(&[0x66, 0x0f, 0x01, 0x16, 0, 0x40]);
        assert_eq!(r.x.st.gdtr, Table { base: 0x1234_5678, limit: 0x9abc });
        r.poke(0x4000, 8, 0);
        r.run(&[0x0f, 0x01, 0x06, 0, 0x40]);
        assert_eq!(r.peek(0x4000, 8), 0x1234_5678_9abc, "SGDT stores all 32 bits");
    }

    #[test]
    fn the_80286_stores_ones_above_the_base() {
        let mut r = Rig::real(ModelName::I80286);
        r.x.st.gdtr = Table { base: 0x12_3456, limit: 0x789a };
        r.run(&[0x0f, 0x01, 0x06, 0, 0x40]);
        assert_eq!(r.peek(0x4000, 8), 0xff12_3456_789a);
    }

    #[test]
    fn long_mode_loads_ten_bytes_and_wants_them_canonical() {
        let mut r = Rig::long(0);
        r.poke(0x4000, 8, 0x2_0000_1234);
        r.poke(0x4008, 2, 0x0001);
        assert_eq!(r.fault(&[0x0f, 0x01, 0x14, 0x25, 0, 0x40, 0, 0]), Exception::gp(0));
        let mut r = Rig::long(0);
        r.poke(0x4008, 2, 0xffff);
        r.poke(0x4000, 8, 0xffff_8000_0000_1234);
        r.run(&[0x0f, 0x01, 0x14, 0x25, 0, 0x40, 0, 0]);
        assert_eq!(r.x.st.gdtr, Table { base: 0xffff_ffff_8000_0000, limit: 0x1234 });
    }

    #[test]
    fn umip_keeps_the_tables_from_level_3() {
        let mut r = Rig::level3(M);
        r.run(&[0x0f, 0x01, 0x0d, 0, 0x40, 0, 0]);
        assert_eq!(r.peek(0x4002, 4), IDT);
        for bytes in [&[0x0f, 0x01, 0x0d, 0, 0x40, 0, 0][..], &[0x0f, 0x00, 0xc0], &[0x66, 0x0f, 0x00, 0xc8]] {
            let mut r = Rig::level3(M);
            r.x.st.cr4 |= cr4::UMIP;
            assert_eq!(r.fault(bytes), Exception::gp(0), "{bytes:02x?}");
        }
        assert_eq!(Rig::level3(M).fault(&[0x0f, 0x01, 0x15, 0, 0x40, 0, 0]), Exception::gp(0), "LGDT always");
    }

    #[test]
    fn what_needs_selectors_is_undefined_in_real_and_virtual_8086_mode() {
        let codes: [&[u8]; 8] = [
            &[0x0f, 0x00, 0xc0],
            &[0x0f, 0x00, 0xc8],
            &[0x0f, 0x00, 0xd0],
            &[0x0f, 0x00, 0xd8],
            &[0x0f, 0x02, 0xc8],
            &[0x0f, 0x03, 0xc8],
            &[0x0f, 0x00, 0xe0],
            &[0x63, 0xc8],
        ];
        for bytes in codes {
            for mut r in [Rig::real(M), Rig::v86(M)] {
                r.run(bytes);
                assert_eq!(r.handler(), Some(6), "{bytes:02x?}");
            }
        }
    }

    #[test]
    fn ltr_marks_the_task_busy_and_refuses_a_busy_one() {
        let mut r = with_ax(Rig::protected(M), TSS_B_SEL);
        r.run(&[0x0f, 0x00, 0xd8]);
        assert_eq!((r.x.st.tr.selector, r.x.st.tr.base, r.x.st.tr.attr), (TSS_B_SEL, TSS_B, attr::P | 0xb));
        assert_eq!(r.peek(GDT + u64::from(TSS_B_SEL) + 5, 1), 0x8b);
        let gp = |s: u16| Exception::gp(s & !3);
        for (s, e) in [
            (TSS_B_SEL, Exception::gp(TSS_B_SEL)),
            (0, gp(0)),
            (LDT_SEL, gp(LDT_SEL)),
            (TSS16_SEL | 4, gp(TSS16_SEL | 4)),
            (0x0ff8, gp(0x0ff8)),
        ] {
            r.x.st.regs[RAX as usize] = s.into();
            r.x.st.set_rip(CODE);
            assert_eq!(r.fault(&[0x0f, 0x00, 0xd8]), e, "{s:#x}");
        }
        let mut r = with_ax(Rig::protected(M), OWN);
        r.gdt(OWN, descriptor(TSS, 0x67, 9));
        assert_eq!(r.fault(&[0x0f, 0x00, 0xd8]), Exception::np(OWN));
        assert_eq!(with_ax(Rig::level3(M), TSS_B_SEL).fault(&[0x0f, 0x00, 0xd8]), Exception::gp(0));
    }

    #[test]
    fn lldt_takes_null_and_in_long_mode_16_bytes() {
        let mut r = with_ax(Rig::protected(M), LDT_SEL);
        r.run(&[0x0f, 0x00, 0xd0]);
        assert_eq!((r.x.st.ldtr.base, r.x.st.ldtr.limit), (LDT, 0x1f));
        let mut r = with_ax(r, 0);
        r.run(&[0x0f, 0x00, 0xd0]);
        assert!(!r.x.st.ldtr.usable());
        let mut r = with_ax(Rig::long(0), OWN);
        r.gdt(OWN, descriptor(0x1234_5000, 0x1f, attr::P | 2));
        r.poke(GDT + u64::from(OWN) + 8, 8, 0xffff_8000);
        r.run(&[0x0f, 0x00, 0xd0]);
        assert_eq!(r.x.st.ldtr.base, 0xffff_8000_1234_5000);
    }

    fn lar(mut r: Rig, selector: u16) -> Option<u64> {
        r.x.st.regs[RAX as usize] = selector.into();
        r.x.st.regs[RCX as usize] = 0x5555;
        r.run(&[0x0f, 0x02, 0xc8]);
        r.x.st.flags.zf().then_some(r.x.st.regs[RCX as usize])
    }

    #[test]
    fn lar_shows_rights_where_privilege_lets_it() {
        assert_eq!(lar(Rig::protected(M), CODE3), Some(0xc0_fb00));
        assert_eq!(lar(Rig::protected(M), DATA0 | 1), None, "RPL counts");
        assert_eq!(lar(Rig::level3(M), DATA0), None);
        assert_eq!(lar(Rig::level3(M), CONFORMING | 3), Some(0xc0_9f00), "conforming code is for all");
        assert_eq!(lar(Rig::protected(M), TSS16_SEL), Some(0x8100));
        assert_eq!(lar(Rig::long(0), TSS16_SEL), None, "long mode has no 16-bit TSS");
        assert_eq!(lar(Rig::protected(M), 0), None);
        assert_eq!(lar(Rig::protected(M), 0x0ff8), None);
    }

    #[test]
    fn a_failing_lar_leaves_its_destination() {
        let mut r = Rig::protected(M);
        r.x.st.regs[RCX as usize] = 0x5555;
        r.run(&[0x0f, 0x02, 0xc8]);
        assert_eq!(r.x.st.regs[RCX as usize], 0x5555);
    }

    #[test]
    fn lsl_gives_the_limit_in_bytes() {
        let mut r = with_ax(Rig::protected(M), DATA3);
        r.run(&[0x0f, 0x03, 0xc8]);
        assert_eq!((r.x.st.regs[RCX as usize], r.x.st.flags.zf()), (0xffff_ffff, true));
        let mut r = with_ax(Rig::protected(M), TSS16_SEL);
        r.run(&[0x0f, 0x03, 0xc8]);
        assert_eq!(r.x.st.regs[RCX as usize], 0x2b);
    }

    #[test]
    fn verr_and_verw_tell_what_could_be_accessed() {
        let ask = |rig: fn(ModelName) -> Rig, s: u16, modrm: u8| {
            let mut r = with_ax(rig(M), s);
            r.run(&[0x0f, 0x00, modrm]);
            r.x.st.flags.zf()
        };
        let both = |s| (ask(Rig::protected, s, 0xe0), ask(Rig::protected, s, 0xe8));
        assert_eq!(both(DATA0), (true, true));
        assert_eq!(both(READ_ONLY), (true, false));
        assert_eq!(both(CODE0), (true, false));
        assert_eq!(both(EXECUTE_ONLY), (false, false));
        assert_eq!(both(TSS_SEL), (false, false));
        assert!(!ask(Rig::level3, DATA0, 0xe0));
        assert!(ask(Rig::level3, CONFORMING | 3, 0xe0));
    }

    #[test]
    fn arpl_raises_and_never_lowers() {
        for (dst, src, want, zf) in [(0x10u16, 0x1bu16, 0x13, true), (0x13, 0x18, 0x13, false), (0x12, 2, 0x12, false)]
        {
            let mut r = with_ax(Rig::protected(M), dst);
            r.x.st.regs[RCX as usize] = src.into();
            r.run(&[0x63, 0xc8]);
            assert_eq!((r.x.st.regs[RAX as usize], r.x.st.flags.zf()), (want, zf));
        }
    }
}
