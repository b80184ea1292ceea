//! Stacks as transfers of control use them: written before they become current, or read before they cease to be.
//!
//! Nothing here changes RSP: a transfer takes [`Stack::sp`] over once nothing can fault any more.

use super::descriptor::{Descriptor, code_of, is_null};
use crate::cpu::model::ModelName;
use crate::cpu::segment::{Seg, Segment, attr};
use crate::cpu::state::{RSP, cr0};
use crate::cpu::{Exception, flags};
use crate::exec::{Exec, asker_at, canonical};
use crate::memory::PAGE_SIZE;
use crate::mmu::View;
use crate::mmu::walk::Access;

/// A stack and a position in it.
#[derive(Clone, Copy, Debug)]
pub struct Stack {
    /// The stack segment.
    pub seg: Segment,
    /// The stack pointer: all bits of RSP.
    pub sp: u64,
    /// Bits of it that count.
    mask: u64,
    /// A 64-bit stack: no segment, but canonical addresses.
    long: bool,
    /// Accesses are made with the rights of this level.
    cpl: u8,
    /// Error code of a `#SS` for want of room.
    code: u16,
    /// Accesses belong to the instruction: alignment is checked at level 3.
    explicit: bool,
}

impl Stack {
    /// The stack in use.
    #[must_use]
    pub const fn current(x: &Exec) -> Self {
        Self {
            seg: *x.st.segment(Seg::Ss),
            sp: x.st.regs[RSP as usize],
            mask: x.ctx.sp_mask,
            long: x.st.code64(),
            cpl: x.st.cpl,
            code: 0,
            explicit: true,
        }
    }

    /// The stack in use, for the delivery of an event.
    #[must_use]
    pub const fn for_event(x: &Exec) -> Self {
        Self { explicit: false, ..Self::current(x) }
    }

    /// A stack of another level, in a segment that [`Self::inner`] or a return has checked.
    #[must_use]
    pub const fn other(seg: Segment, sp: u64, cpl: u8) -> Self {
        let mask = if seg.is(attr::DB) { 0xffff_ffff } else { 0xffff };
        Self { seg, sp, mask, long: false, cpl, code: code_of(seg.selector), explicit: false }
    }

    /// A 64-bit stack.
    #[must_use]
    pub const fn long(seg: Segment, sp: u64, cpl: u8) -> Self {
        Self { seg, sp, mask: u64::MAX, long: true, cpl, code: 0, explicit: false }
    }

    /// The stack for level `dpl` that the TSS names. SDM Vol. 3A, "Stack Switching".
    ///
    /// # Errors
    /// `#TS`, `#SS` and `#PF`, as "CALL", Operation, "MORE-PRIVILEGE" lists them.
    pub fn inner(x: &mut Exec, dpl: u8) -> Result<Self, Exception> {
        let tr = x.st.tr;
        let (at, selector_at, n) = if tr.attr & 8 != 0 {
            (u64::from(dpl) * 8 + 4, u64::from(dpl) * 8 + 8, 4)
        } else {
            (u64::from(dpl) * 4 + 2, u64::from(dpl) * 4 + 4, 2)
        };
        if selector_at + 1 > u64::from(tr.limit) {
            return Err(Exception::ts(code_of(tr.selector)));
        }
        let sp = x.read_system(tr.base.wrapping_add(at), n)?;
        let selector = x.read_system(tr.base.wrapping_add(selector_at), 2)? as u16;
        let ts = Exception::ts(code_of(selector));
        if is_null(selector) {
            return Err(ts);
        }
        let mut d = Descriptor::fetch(x, selector, Exception::ts)?;
        if d.rpl() != dpl || d.dpl() != dpl || !d.writable_data() {
            return Err(ts);
        }
        if !d.present() {
            return Err(Exception::ss(code_of(selector)));
        }
        d.mark_accessed(x)?;
        Ok(Self::other(d.segment(selector), sp, dpl))
    }

    /// A stack pointer from the 64-bit TSS, at byte `at` of it.
    ///
    /// # Errors
    /// `#TS` past the TSS's limit; `#SS` when not canonical; `#PF`.
    pub fn inner_long(x: &mut Exec, at: u64, cpl: u8) -> Result<Self, Exception> {
        let tr = x.st.tr;
        if at + 7 > u64::from(tr.limit) {
            return Err(Exception::ts(code_of(tr.selector)));
        }
        let sp = x.read_system(tr.base.wrapping_add(at), 8)?;
        if !canonical(sp) {
            return Err(Exception::ss(0));
        }
        let seg = if cpl == x.st.cpl { *x.st.segment(Seg::Ss) } else { Segment::null(u16::from(cpl)) };
        Ok(Self::long(seg, sp, cpl))
    }

    /// Whether `n` bytes at `off` can be accessed.
    fn check(&self, x: &Exec, off: u64, n: u32, write: bool) -> Result<u64, Exception> {
        let fault = Exception::ss(self.code);
        if self.long {
            let last = off.wrapping_add(u64::from(n) - 1);
            return if canonical(off) && canonical(last) { Ok(off) } else { Err(fault) };
        }
        let lin = self.seg.base.wrapping_add(off);
        match x.model.name {
            ModelName::I8086 => return Ok(lin & 0xf_ffff),
            // "Segment overrun", interrupt 13, for all segments.
            ModelName::I80286 if !x.st.protected() && off + u64::from(n) > 0x1_0000 => return Err(Exception::gp(0)),
            _ => {}
        }
        let admitted = match self.seg.range() {
            Some((lo, hi)) => off >= lo && off <= hi && hi - off >= u64::from(n) - 1,
            None => false,
        };
        if !admitted || !x.st.real_segments() && write && !self.seg.writable() {
            return Err(fault);
        }
        Ok(lin & 0xffff_ffff & x.ctx.lin_mask)
    }

    /// Checks that `bytes` can be pushed, before any of them is.
    ///
    /// # Errors
    /// `#SS`.
    pub fn check_room(&self, x: &Exec, bytes: u64) -> Result<(), Exception> {
        if x.model.name == ModelName::I8086 {
            return Ok(());
        }
        let off = self.sp.wrapping_sub(bytes) & self.mask;
        if off <= self.mask - bytes && x.model.name != ModelName::I80286 {
            // In one piece: all of it is admitted if its two ends are.
            return self.check(x, off, bytes as u32, true).map(drop);
        }
        let mut k = 2;
        while k <= bytes {
            self.check(x, self.sp.wrapping_sub(k) & self.mask, 2, true)?;
            k += 2;
        }
        Ok(())
    }

    /// `#AC`, for an instruction's own accesses at level 3.
    fn check_alignment(&self, x: &Exec, lin: u64, n: u32) -> Result<(), Exception> {
        let on = self.explicit && self.cpl == 3 && x.st.cr0 & cr0::AM != 0 && x.st.flags.has(flags::AC);
        if on && lin & (u64::from(n) - 1) != 0 { Err(Exception::ac()) } else { Ok(()) }
    }

    /// Pushes the low `n` bytes of `v`.
    ///
    /// # Errors
    /// `#SS`, `#PF`, `#AC`.
    pub fn push(&mut self, x: &mut Exec, n: u32, v: u64) -> Result<(), Exception> {
        let off = self.sp.wrapping_sub(u64::from(n)) & self.mask;
        if x.model.name == ModelName::I8086 && off == 0xffff && n == 2 {
            // A word at the end of the segment wraps to its beginning.
            let (hi, lo) = (self.check(x, 0, 1, true)?, self.check(x, off, 1, true)?);
            write_as(x, self.cpl, lo, 1, v & 0xff)?;
            write_as(x, self.cpl, hi, 1, v >> 8 & 0xff)?;
        } else {
            let lin = self.check(x, off, n, true)?;
            self.check_alignment(x, lin, n)?;
            write_as(x, self.cpl, lin, n, v)?;
        }
        self.sp = self.sp & !self.mask | off;
        Ok(())
    }

    /// Pops `n` bytes.
    ///
    /// # Errors
    /// `#SS`, `#PF`, `#AC`.
    pub fn pop(&mut self, x: &mut Exec, n: u32) -> Result<u64, Exception> {
        let off = self.sp & self.mask;
        let v = if x.model.name == ModelName::I8086 && off == 0xffff && n == 2 {
            let (lo, hi) = (self.check(x, off, 1, false)?, self.check(x, 0, 1, false)?);
            read_as(x, self.cpl, lo, 1)? | read_as(x, self.cpl, hi, 1)? << 8
        } else {
            let lin = self.check(x, off, n, false)?;
            self.check_alignment(x, lin, n)?;
            read_as(x, self.cpl, lin, n)?
        };
        self.skip(u64::from(n));
        Ok(v)
    }

    /// Pops and drops `bytes`, without a look at them.
    pub const fn skip(&mut self, bytes: u64) {
        self.sp = self.sp & !self.mask | self.sp.wrapping_add(bytes) & self.mask;
    }

    /// Makes this the stack in use. The caller refreshes the derived state.
    pub const fn commit(&self, x: &mut Exec) {
        x.st.seg[Seg::Ss as usize] = self.seg;
        x.st.regs[RSP as usize] = self.sp;
    }
}

/// The physical addresses of both parts of an access that may cross a page, and the size of the first part.
fn parts(x: &mut Exec, view: View, lin: u64, n: u32, access: Access) -> Result<(u64, u64, u32), Exception> {
    let room = (PAGE_SIZE - (lin & (PAGE_SIZE - 1))).min(u64::from(n)) as u32;
    let first = x.translate_for(view, lin, access)?;
    let second = if room < n {
        let mask = if x.st.long_mode() { u64::MAX } else { x.ctx.lin_mask };
        x.translate_for(view, lin.wrapping_add(u64::from(room)) & mask, access)?
    } else {
        0
    };
    Ok((first, second, room))
}

/// Reads `n` bytes at a linear address with the rights of `cpl`.
///
/// # Errors
/// `#PF`.
fn read_as(x: &mut Exec, cpl: u8, lin: u64, n: u32) -> Result<u64, Exception> {
    let view = asker_at(&x.st, cpl, Access::Read);
    if x.ctx.view != View::Watched
        && let Some(v) = x.read_at_once(view, lin, n)
    {
        return Ok(v);
    }
    let (first, second, room) = parts(x, view, lin, n, Access::Read)?;
    if x.ctx.view == View::Watched {
        x.watch(lin, n, false);
    }
    if room == n {
        return Ok(x.phys_read(first, n));
    }
    let mut v = 0;
    for k in 0..n {
        let at = if k < room { first + u64::from(k) } else { second + u64::from(k - room) };
        v |= x.phys_read(at, 1) << (8 * k);
    }
    Ok(v)
}

/// Writes `n` bytes at a linear address with the rights of `cpl`.
///
/// # Errors
/// `#PF`; nothing was written.
fn write_as(x: &mut Exec, cpl: u8, lin: u64, n: u32, v: u64) -> Result<(), Exception> {
    let view = asker_at(&x.st, cpl, Access::Write);
    if x.ctx.view != View::Watched && x.write_at_once(view, lin, n, v) {
        return Ok(());
    }
    let (first, second, room) = parts(x, view, lin, n, Access::Write)?;
    if x.ctx.view == View::Watched {
        x.watch(lin, n, true);
    }
    if room == n {
        x.phys_write(first, n, v);
        return Ok(());
    }
    for k in 0..n {
        let at = if k < room { first + u64::from(k) } else { second + u64::from(k - room) };
        x.phys_write(at, 1, v >> (8 * k) & 0xff);
    }
    Ok(())
}
