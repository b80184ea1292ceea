//! FXSAVE FXRSTOR, XSAVE XRSTOR XSAVEOPT for x87 and SSE state. SDM Vol. 1, "FXSAVE and FXRSTOR Instructions", "Managing
//! State Using the XSAVE Feature Set"; Vol. 2, "FXSAVE", "XSAVE", "XRSTOR", "XSAVEOPT".
//!
//! Every component counts as in use (XINUSE is all ones), which the SDM permits; so XSAVEOPT saves what XSAVE does.

use super::control::edx_eax;
use super::system::whole_operand;
use crate::cpu::Exception;
use crate::cpu::cpuid::XSAVE_BYTES;
use crate::cpu::feature::Feature;
use crate::cpu::state::{Fpu, cr0, cr4};
use crate::exec::{CodeSize, Exec};
use crate::isa::Insn;
use crate::isa::ops::Ops;
use crate::mmu::walk::Access;

type R = Result<(), Exception>;
const GP: Exception = Exception::gp(0);

/// State-component bits of XCR0 and XSTATE_BV.
const X87: u64 = 1 << 0;
const SSE: u64 = 1 << 1;

/// Bytes of the FXSAVE area, the legacy region of the XSAVE area.
const LEGACY: u32 = 512;
/// MXCSR, ST0 and XMM0 in it.
const MXCSR_AT: u64 = 24;
const ST_AT: u64 = 32;
const XMM_AT: u64 = 160;
/// XSTATE_BV and the bytes behind it that must be zero.
const HEADER_AT: u64 = 512;

/// Memory that has been checked, by offset from its first byte.
struct Area<'a> {
    x: &'a mut Exec,
    lin: u64,
}

impl Area<'_> {
    fn read(&mut self, at: u64, n: u32) -> Result<u64, Exception> {
        self.x.read_linear(self.lin.wrapping_add(at), n, Access::Read)
    }

    fn write(&mut self, at: u64, n: u32, v: u64) -> R {
        self.x.write_linear(self.lin.wrapping_add(at), n, v)
    }

    /// x87 state but for MXCSR's bytes. `W` is REX.W: pointers of 64 bits without selectors.
    fn save_x87<const W: bool>(&mut self) -> R {
        let f = self.x.st.fpu;
        self.write(0, 2, f.control.into())?;
        self.write(2, 2, f.status().into())?;
        self.write(4, 2, f.valid.into())?; // and a reserved byte
        self.write(6, 2, f.opcode.into())?;
        if W {
            self.write(8, 8, f.ip)?;
            self.write(16, 8, f.dp)?;
        } else {
            self.write(8, 8, f.ip & 0xffff_ffff | u64::from(f.cs) << 32)?;
            self.write(16, 8, f.dp & 0xffff_ffff | u64::from(f.ds) << 32)?;
        }
        for n in 0..8u8 {
            let r = usize::from(f.top().wrapping_add(n) & 7);
            let at = ST_AT + 16 * u64::from(n);
            self.write(at, 8, f.significand[r])?;
            self.write(at + 8, 8, f.sign_exponent[r].into())?;
        }
        Ok(())
    }

    fn load_x87<const W: bool>(&mut self) -> Result<Fpu, Exception> {
        let mut f = Fpu::INIT;
        f.control = self.read(0, 2)? as u16 & 0x1f7f | 0x40;
        let status = self.read(2, 2)? as u16;
        // ES and B follow from the flags and the masks.
        let es = status & !f.control & 0x3f != 0;
        f.set_status(status & 0x7f7f | if es { 0x8080 } else { 0 });
        f.valid = self.read(4, 1)? as u8;
        f.opcode = self.read(6, 2)? as u16 & 0x7ff;
        let (ip, dp) = (self.read(8, 8)?, self.read(16, 8)?);
        if W {
            (f.ip, f.dp) = (ip, dp);
        } else {
            (f.ip, f.dp) = (ip & 0xffff_ffff, dp & 0xffff_ffff);
            (f.cs, f.ds) = ((ip >> 32) as u16, (dp >> 32) as u16);
        }
        for n in 0..8u8 {
            let r = usize::from(f.top().wrapping_add(n) & 7);
            let at = ST_AT + 16 * u64::from(n);
            f.significand[r] = self.read(at, 8)?;
            f.sign_exponent[r] = self.read(at + 8, 2)? as u16;
        }
        Ok(f)
    }

    fn save_mxcsr(&mut self) -> R {
        let mxcsr = u64::from(self.x.st.mxcsr);
        // The mask of a processor without DAZ reads as 0, which means FFBFh.
        let mask = if self.x.model.has(Feature::Sse2) { u64::from(self.x.model.mxcsr_mask()) } else { 0 };
        self.write(MXCSR_AT, 8, mxcsr | mask << 32)
    }

    /// MXCSR from memory.
    fn load_mxcsr(&mut self) -> Result<u32, Exception> {
        let v = self.read(MXCSR_AT, 4)? as u32;
        if v & !self.x.model.mxcsr_mask() != 0 { Err(GP) } else { Ok(v) }
    }

    /// XMM registers that the mode has.
    const fn xmm_count(&self) -> usize {
        if matches!(self.x.ctx.code, CodeSize::Bits64) { 16 } else { 8 }
    }

    fn save_xmm(&mut self) -> R {
        for n in 0..self.xmm_count() {
            let v = self.x.st.xmm[n];
            let at = XMM_AT + 16 * n as u64;
            self.write(at, 8, v as u64)?;
            self.write(at + 8, 8, (v >> 64) as u64)?;
        }
        Ok(())
    }

    fn load_xmm(&mut self) -> Result<[u128; 16], Exception> {
        let mut xmm = self.x.st.xmm;
        for (n, v) in xmm.iter_mut().enumerate().take(self.xmm_count()) {
            let at = XMM_AT + 16 * n as u64;
            *v = u128::from(self.read(at, 8)?) | u128::from(self.read(at + 8, 8)?) << 64;
        }
        Ok(xmm)
    }
}

fn area<'a>(x: &'a mut Exec, i: &Insn, n: u32, align: u64, access: Access) -> Result<Area<'a>, Exception> {
    let off = x.ea(i);
    let lin = whole_operand(x, i.seg, off, n, align, access)?;
    Ok(Area { x, lin })
}

/// CR0.EM and CR0.TS for FXSAVE and FXRSTOR.
const fn available(x: &Exec) -> R {
    if x.st.cr0 & cr0::EM != 0 {
        Err(Exception::UD)
    } else if x.st.cr0 & cr0::TS != 0 {
        Err(Exception::NM)
    } else {
        Ok(())
    }
}

/// FXSAVE, FXSAVE64. Without CR4.OSFXSR SSE state stays out.
///
/// # Errors
/// `#UD`, `#NM`; `#GP(0)` for a misaligned operand; the fault of the access.
pub fn fxsave<const W: bool>(x: &mut Exec, i: &Insn) -> R {
    available(x)?;
    let sse = x.st.cr4 & cr4::OSFXSR != 0;
    let mut a = area(x, i, LEGACY, 16, Access::Write)?;
    a.save_x87::<W>()?;
    if sse {
        a.save_mxcsr()?;
        a.save_xmm()?;
    }
    Ok(())
}

/// FXRSTOR, FXRSTOR64.
///
/// # Errors
/// `#UD`, `#NM`; `#GP(0)` for a misaligned operand or an MXCSR bit that does not exist; the fault of the access.
pub fn fxrstor<const W: bool>(x: &mut Exec, i: &Insn) -> R {
    available(x)?;
    let sse = x.st.cr4 & cr4::OSFXSR != 0;
    let mut a = area(x, i, LEGACY, 16, Access::Read)?;
    let fpu = a.load_x87::<W>()?;
    if sse {
        let mxcsr = a.load_mxcsr()?;
        let xmm = a.load_xmm()?;
        x.st.mxcsr = mxcsr;
        x.st.xmm = xmm;
    }
    x.st.fpu = fpu;
    Ok(())
}

/// What the XSAVE family begins with; gives the requested components.
const fn requested(x: &Exec) -> Result<u64, Exception> {
    if x.st.cr4 & cr4::OSXSAVE == 0 {
        return Err(Exception::UD);
    }
    if x.st.cr0 & cr0::TS != 0 {
        return Err(Exception::NM);
    }
    Ok(edx_eax(x) & x.st.xcr0)
}

/// XSAVE, XSAVE64, XSAVEOPT, XSAVEOPT64.
///
/// # Errors
/// `#UD` without CR4.OSXSAVE; `#NM`; `#GP(0)` for a misaligned operand; the fault of the access.
pub fn xsave<const W: bool>(x: &mut Exec, i: &Insn) -> R {
    let parts = requested(x)?;
    let mut a = area(x, i, XSAVE_BYTES, 64, Access::Write)?;
    let old = a.read(HEADER_AT, 8)?;
    if parts & X87 != 0 {
        a.save_x87::<W>()?;
    }
    if parts & SSE != 0 {
        a.save_mxcsr()?;
        a.save_xmm()?;
    }
    a.write(HEADER_AT, 8, old | parts)
}

/// XRSTOR, XRSTOR64: what the header does not hold is initialized.
///
/// # Errors
/// `#UD` without CR4.OSXSAVE; `#NM`; `#GP(0)` for a misaligned operand, a header with components that are not enabled or
/// of the compacted form, and an MXCSR bit that does not exist; the fault of the access.
pub fn xrstor<const W: bool>(x: &mut Exec, i: &Insn) -> R {
    let parts = requested(x)?;
    let enabled = x.st.xcr0;
    let mut a = area(x, i, XSAVE_BYTES, 64, Access::Read)?;
    let held = a.read(HEADER_AT, 8)?;
    let compacted = a.read(HEADER_AT + 8, 8)?;
    let reserved = a.read(HEADER_AT + 16, 8)?;
    if held & !enabled != 0 || compacted != 0 || reserved != 0 {
        return Err(GP);
    }
    let fpu = match (parts & X87 != 0, held & X87 != 0) {
        (false, _) => a.x.st.fpu,
        (true, true) => a.load_x87::<W>()?,
        (true, false) => Fpu::INIT,
    };
    let mut xmm = a.x.st.xmm;
    let mut mxcsr = a.x.st.mxcsr;
    if parts & SSE != 0 {
        // MXCSR comes from memory in either case.
        mxcsr = a.load_mxcsr()?;
        if held & SSE != 0 {
            xmm = a.load_xmm()?;
        } else {
            let n = a.xmm_count();
            xmm[..n].fill(0);
        }
    }
    let st = &mut x.st;
    (st.fpu, st.xmm, st.mxcsr) = (fpu, xmm, mxcsr);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::rig::Rig;
    use super::*;
    use crate::cpu::ModelName;

    const AT: u64 = 0x4000;
    const FXSAVE: &[u8] = &[0x0f, 0xae, 0x05, 0, 0x40, 0, 0];
    const FXRSTOR: &[u8] = &[0x0f, 0xae, 0x0d, 0, 0x40, 0, 0];
    const XSAVE: &[u8] = &[0x0f, 0xae, 0x25, 0, 0x40, 0, 0];
    const XRSTOR: &[u8] = &[0x0f, 0xae, 0x2d, 0, 0x40, 0, 0];

    fn rig(model: ModelName) -> Rig {
        let mut r = Rig::protected(model);
        r.x.st.cr4 |= cr4::OSFXSR;
        r
    }

    /// State with a different value everywhere.
    fn fill(x: &mut Exec) {
        let f = &mut x.st.fpu;
        for n in 0..8 {
            f.significand[n] = 0x8000_0000_0000_0100 + n as u64;
            f.sign_exponent[n] = 0x4000 + n as u16;
        }
        f.control = 0x27f;
        f.set_status(0x3000); // TOP = 6
        f.valid = 0xc1;
        (f.opcode, f.ip, f.cs, f.dp, f.ds) = (0x123, 0x1111_2222, 0x33, 0x4444_5555, 0x66);
        for n in 0..16 {
            x.st.xmm[n] = 0x0123_4567_89ab_cdef_0000_0000_0000_0000 + n as u128;
        }
        x.st.mxcsr = 0x1fa0;
    }

    #[test]
    fn fxsave_lays_its_area_out_as_documented() {
        let mut r = rig(ModelName::Max);
        fill(&mut r.x);
        r.run(FXSAVE);
        assert_eq!(r.peek(AT, 8), 0x0123_00c1_3000_027f);
        assert_eq!(r.peek(AT + 8, 8), 0x33_1111_2222);
        assert_eq!(r.peek(AT + 16, 8), 0x66_4444_5555);
        assert_eq!(r.peek(AT + 24, 8), 0xffff_0000_1fa0);
        assert_eq!(r.peek(AT + 32, 8), 0x8000_0000_0000_0106, "ST0 is R6");
        assert_eq!(r.peek(AT + 40, 2), 0x4006);
        assert_eq!(r.peek(AT + 160 + 16 * 7, 8), 7);
        assert_eq!(r.peek(AT + 160 + 16 * 8, 8), 0, "eight registers outside 64-bit mode");
    }

    #[test]
    fn what_is_saved_comes_back() {
        for (save, restore) in [(FXSAVE, FXRSTOR), (XSAVE, XRSTOR)] {
            let mut r = rig(ModelName::Max);
            r.x.st.cr4 |= cr4::OSXSAVE;
            r.x.st.xcr0 = 3;
            r.x.st.regs[0] = 3;
            fill(&mut r.x);
            let (fpu, xmm) = (r.x.st.fpu, r.x.st.xmm);
            r.run(save);
            (r.x.st.fpu, r.x.st.mxcsr) = (Fpu::INIT, 0x1f80);
            r.x.st.xmm[..8].fill(0);
            r.run(restore);
            assert_eq!((r.handler(), r.x.st.fpu, r.x.st.xmm, r.x.st.mxcsr), (None, fpu, xmm, 0x1fa0));
        }
    }

    #[test]
    fn without_osfxsr_sse_state_stays_out() {
        let mut r = Rig::protected(ModelName::Pentium3);
        fill(&mut r.x);
        r.run(FXSAVE);
        assert_eq!((r.peek(AT + 24, 8), r.peek(AT + 160, 8), r.peek(AT, 2)), (0, 0, 0x27f));
    }

    #[test]
    fn the_pentium_3_shows_no_mxcsr_mask_and_refuses_daz() {
        let mut r = rig(ModelName::Pentium3);
        r.run(FXSAVE);
        assert_eq!(r.peek(AT + 28, 4), 0);
        r.poke(AT + 24, 4, 0x1fc0);
        assert_eq!(r.fault(FXRSTOR), GP);
        assert_eq!(r.x.st.mxcsr, 0x1f80);
    }

    #[test]
    fn rex_w_saves_64_bit_pointers_and_64_bit_mode_16_registers() {
        let mut r = Rig::long(0);
        r.x.st.cr4 |= cr4::OSFXSR;
        fill(&mut r.x);
        r.x.st.fpu.ip = 0x7777_1111_2222;
        r.run(&[0x48, 0x0f, 0xae, 0x04, 0x25, 0, 0x40, 0, 0]);
        assert_eq!(r.peek(AT + 8, 8), 0x7777_1111_2222);
        assert_eq!(r.peek(AT + 160 + 16 * 15, 8), 15);
    }

    #[test]
    fn operands_must_be_aligned_and_the_unit_available() {
        let mut r = rig(ModelName::Max);
        assert_eq!(r.fault(&[0x0f, 0xae, 0x05, 8, 0x40, 0, 0]), GP);
        for (bit, e) in [(cr0::TS, Exception::NM), (cr0::EM, Exception::UD)] {
            let mut r = rig(ModelName::Max);
            r.x.st.cr0 |= bit;
            assert_eq!(r.fault(FXSAVE), e);
        }
        let mut r = rig(ModelName::Max);
        assert_eq!(r.fault(XSAVE), Exception::UD, "without OSXSAVE");
        r.x.st.cr4 |= cr4::OSXSAVE;
        r.x.st.set_rip(super::super::rig::CODE);
        assert_eq!(r.fault(&[0x0f, 0xae, 0x25, 0x20, 0x40, 0, 0]), GP, "64-byte alignment");
    }

    #[test]
    fn an_area_that_crosses_into_a_missing_page_is_not_touched() {
        let mut r = rig(ModelName::Max);
        // Two pages of 4 KiB by 32-bit paging, the second missing; code and tables stay mapped.
        for n in 0..16 {
            r.poke(0x2_1000 + 4 * n, 4, n << 12 | 3);
        }
        r.poke(0x2_0000, 4, 0x2_1003);
        r.poke(0x2_1000 + 4 * 5, 4, 0);
        r.x.st.cr3 = 0x2_0000;
        r.x.st.cr0 |= cr0::PG;
        r.x.flush_tlb();
        fill(&mut r.x);
        assert_eq!(r.fault(&[0x0f, 0xae, 0x05, 0, 0x4f, 0, 0]), Exception::pf(2));
        assert_eq!(r.peek(0x4f00, 8), 0);
        assert_eq!(r.x.st.cr2, 0x50ff);
    }

    #[test]
    fn xrstor_initializes_what_the_header_does_not_hold() {
        let mut r = rig(ModelName::Max);
        r.x.st.cr4 |= cr4::OSXSAVE;
        r.x.st.xcr0 = 3;
        r.x.st.regs[0] = 3;
        fill(&mut r.x);
        r.run(XSAVE);
        assert_eq!(r.peek(AT + 512, 8), 3);
        r.poke(AT + 512, 8, 0);
        r.run(XRSTOR);
        assert_eq!((r.x.st.fpu, r.x.st.xmm[7], r.x.st.mxcsr), (Fpu::INIT, 0, 0x1fa0));
        for (at, v) in [(512, 4), (520, 1 << 63), (528, 1)] {
            r.poke(AT + at, 8, v);
            r.x.st.set_rip(super::super::rig::CODE);
            assert_eq!(r.fault(XRSTOR), GP);
            r.poke(AT + at, 8, 0);
        }
    }

    #[test]
    fn xsave_leaves_components_that_were_not_asked_for() {
        let mut r = rig(ModelName::Max);
        r.x.st.cr4 |= cr4::OSXSAVE;
        r.x.st.xcr0 = 3;
        r.x.st.regs[0] = 2;
        fill(&mut r.x);
        r.poke(AT + 512, 8, 1);
        r.run(XSAVE);
        assert_eq!((r.peek(AT, 2), r.peek(AT + 160, 8), r.peek(AT + 512, 8)), (0, 0, 3));
        assert_eq!(r.peek(AT + 168, 8), 0x0123_4567_89ab_cdef);
    }
}
