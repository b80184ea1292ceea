//! Accesses that the fast path does not admit: every check in the order of the SDM, any alignment, devices and ports, and those that the
//! processor makes by itself.
//!
//! SDM Vol. 3A, "Limit Checking", "Access Rights", "Breakpoint Field Recognition".

use super::Exec;
use super::paging::{asker, canonical};
use crate::cpu::Exception;
use crate::cpu::flags::AC;
use crate::cpu::model::ModelName;
use crate::cpu::segment::Seg;
use crate::cpu::state::cr0;
use crate::device::Width;
use crate::memory::{Offset, PAGE_SIZE, Route};
use crate::mmu::tlb::View;
use crate::mmu::walk::Access;

impl Exec {
    /// Where `n` bytes at a linear address are in the backing, if the TLB lets this asker at them at once.
    #[inline]
    fn at_once(&self, view: View, lin: u64, n: u32, write: bool) -> Option<Offset> {
        let e = self.tlb.entry(view, lin);
        let tag = if write { e.write } else { e.read };
        let in_page = lin & (PAGE_SIZE - 1);
        (tag == lin - in_page && in_page <= PAGE_SIZE - u64::from(n)).then(|| self.position(e, lin))
    }

    /// Reads `n` bytes (1 to 8) with the rights of an asker, where the TLB lets it at them at once.
    #[inline]
    #[must_use]
    pub fn read_at_once(&self, view: View, lin: u64, n: u32) -> Option<u64> {
        self.at_once(view, lin, n, false).map(|at| self.load_at::<64>(at) & u64::MAX >> (64 - 8 * n))
    }

    /// Writes `n` bytes with the rights of an asker, where that is a power of two up to 8 and the TLB lets it at them at once; else
    /// false, and nothing was written.
    #[inline]
    #[must_use]
    pub fn write_at_once(&mut self, view: View, lin: u64, n: u32, v: u64) -> bool {
        let Some(at) = self.at_once(view, lin, n, true) else { return false };
        match n {
            1 => self.store_at::<8>(at, v),
            2 => self.store_at::<16>(at, v),
            4 => self.store_at::<32>(at, v),
            8 => self.store_at::<64>(at, v),
            _ => return false,
        }
        true
    }

    /// Reads physical memory or a device; `n` is 1, 2, 4 or 8 and the access does not cross a page.
    pub fn phys_read(&mut self, phys: u64, n: u32) -> u64 {
        let phys = self.sys.mem.a20(phys);
        match self.sys.mem.read_route(phys) {
            Route::Backing(page) => {
                let mut b = [0; 8];
                let at = page + (phys & (PAGE_SIZE - 1));
                b[..n as usize].copy_from_slice(&self.sys.mem.backing()[at as usize..at as usize + n as usize]);
                u64::from_le_bytes(b)
            }
            Route::Nowhere => u64::MAX >> (64 - 8 * n),
            Route::Bus => {
                self.sync_clock();
                let v = self.sys.mmio_read(phys, Width::of(n));
                self.after_io();
                v
            }
        }
    }

    /// Writes physical memory or a device; see [`Self::phys_read`].
    pub fn phys_write(&mut self, phys: u64, n: u32, v: u64) {
        let phys = self.sys.mem.a20(phys);
        match self.sys.mem.write_route(phys) {
            Route::Backing(_) => {
                self.sys.mem.write(phys, &v.to_le_bytes()[..n as usize]);
                if self.sys.mem.has_stale_code() {
                    self.attention = true;
                }
            }
            Route::Nowhere => {}
            Route::Bus => {
                self.sync_clock();
                self.sys.mmio_write(phys, Width::of(n), v);
                self.after_io();
            }
        }
    }

    /// Reads a port. The caller has checked the privilege.
    pub fn port_read(&mut self, port: u16, n: u32) -> u32 {
        self.sync_clock();
        let v = self.sys.port_read(port, Width::of(n));
        self.after_io();
        v
    }

    /// Writes a port. The caller has checked the privilege.
    pub fn port_write(&mut self, port: u16, n: u32, v: u32) {
        self.sync_clock();
        self.sys.port_write(port, Width::of(n), v);
        self.after_io();
    }

    fn after_io(&mut self) {
        if self.sys.attention() || self.sys.mem.has_stale_code() {
            self.attention = true;
        }
        self.follow_map();
    }

    /// Reads `n` bytes (1 to 8) at a linear address as the implicit supervisor.
    ///
    /// # Errors
    /// `#PF`.
    #[inline]
    pub fn read_system(&mut self, lin: u64, n: u32) -> Result<u64, Exception> {
        let lin = lin & self.system_mask();
        match self.read_at_once(self.system_view(), lin, n) {
            Some(v) => Ok(v),
            None => self.read_system_slow(lin, n),
        }
    }

    #[cold]
    fn read_system_slow(&mut self, lin: u64, n: u32) -> Result<u64, Exception> {
        if (lin & (PAGE_SIZE - 1)) + u64::from(n) <= PAGE_SIZE {
            let p = self.translate_system(lin, Access::Read)?;
            return Ok(self.phys_read(p, n));
        }
        let mut v = 0;
        for k in 0..n {
            let at = lin.wrapping_add(u64::from(k)) & self.system_mask();
            let p = self.translate_system(at, Access::Read)?;
            v |= self.phys_read(p, 1) << (8 * k);
        }
        Ok(v)
    }

    /// Writes `n` bytes (1 to 8) at a linear address as the implicit supervisor.
    ///
    /// # Errors
    /// `#PF`; nothing was written.
    pub fn write_system(&mut self, lin: u64, n: u32, v: u64) -> Result<(), Exception> {
        let lin = lin & self.system_mask();
        if self.write_at_once(self.system_view(), lin, n, v) {
            return Ok(());
        }
        let p = self.translate_system(lin, Access::Write)?;
        if (lin & (PAGE_SIZE - 1)) + u64::from(n) <= PAGE_SIZE {
            self.phys_write(p, n, v);
            return Ok(());
        }
        let last = lin.wrapping_add(u64::from(n) - 1) & self.system_mask();
        self.translate_system(last, Access::Write)?;
        for k in 0..n {
            let at = lin.wrapping_add(u64::from(k)) & self.system_mask();
            let p = self.translate_system(at, Access::Write)?;
            self.phys_write(p, 1, v >> (8 * k) & 0xff);
        }
        Ok(())
    }

    /// Linear-address bits for implicit accesses: in long mode table bases are 64 bits wide in compatibility mode, too.
    const fn system_mask(&self) -> u64 {
        if self.st.long_mode() { u64::MAX } else { self.ctx.lin_mask }
    }

    /// Checks a data access against its segment and gives the linear address of its first byte.
    ///
    /// # Errors
    /// `#GP(0)` or `#SS(0)`.
    pub fn check_segment(&self, seg: u8, off: u64, n: u32, write: bool) -> Result<u64, Exception> {
        let s = &self.st.seg[usize::from(seg)];
        // In real mode the 80286 has one interrupt, 13, for all segments.
        let i286_real = self.model.name == ModelName::I80286 && !self.st.protected();
        let fault = if seg == Seg::Ss as u8 && !i286_real { Exception::ss(0) } else { Exception::gp(0) };
        if self.st.code64() {
            let base = if seg >= Seg::Fs as u8 { s.base } else { 0 };
            let lin = base.wrapping_add(off);
            let last = lin.wrapping_add(u64::from(n) - 1);
            return if canonical(lin) && canonical(last) { Ok(lin) } else { Err(fault) };
        }
        let lin = s.base.wrapping_add(off) & self.ctx.lin_mask;
        if self.model.name == ModelName::I8086 {
            return Ok(lin); // no limits; the caller wraps a word at FFFFh
        }
        if !(if write { s.writable() } else { s.readable() }) && !self.st.real_segments() {
            return Err(if s.usable() { Exception::gp(0) } else { fault });
        }
        match s.range() {
            Some((lo, hi)) if off >= lo && off <= hi && hi - off >= u64::from(n) - 1 => Ok(lin),
            _ => Err(fault),
        }
    }

    fn align_check(&self, lin: u64, n: u32) -> Result<(), Exception> {
        let st = &self.st;
        let on = st.cpl == 3 && st.cr0 & cr0::AM != 0 && st.flags.has(AC);
        if on && lin & (u64::from(n) - 1) != 0 { Err(Exception::ac()) } else { Ok(()) }
    }

    /// Notes data breakpoints that an access hits; the trap comes after the instruction.
    /// SDM Vol. 3A, "Breakpoint Field Recognition".
    pub fn watch(&mut self, lin: u64, n: u32, write: bool) {
        for k in 0..4 {
            let rw = self.st.dr7 >> (16 + 4 * k) & 3;
            let len = match self.st.dr7 >> (18 + 4 * k) & 3 {
                0 => 1,
                1 => 2,
                2 => 8,
                _ => 4,
            };
            if rw == 0 || (rw == 1 && !write) || (rw == 2) {
                continue;
            }
            let start = self.st.dr[k] & !(len - 1);
            if lin < start.wrapping_add(len) && start < lin.wrapping_add(u64::from(n)) {
                // DR6 shows a match even if the breakpoint is not enabled; only enabled ones trap.
                let enabled = self.st.dr7 >> (2 * k) & 3 != 0;
                if enabled {
                    self.st.pending_debug |= 1 << k;
                    self.attention = true;
                    self.ctx.stepping = true;
                }
            }
        }
    }

    /// The slow path of a read: every check, any alignment, devices.
    ///
    /// # Errors
    /// The access's fault.
    #[cold]
    #[inline(never)]
    pub fn read_slow(&mut self, seg: u8, off: u64, n: u32, access: Access) -> Result<u64, Exception> {
        if self.model.name == ModelName::I8086 && n == 2 && off & 0xffff == 0xffff {
            let lo = self.read_slow(seg, 0xffff, 1, access)?;
            return Ok(lo | self.read_slow(seg, 0, 1, access)? << 8);
        }
        let lin = self.check_segment(seg, off, n, access == Access::Write)?;
        self.align_check(lin, n)?;
        let v = self.read_linear(lin, n, access)?;
        if self.ctx.view == View::Watched {
            self.watch(lin, n, access == Access::Write);
        }
        Ok(v)
    }

    /// Reads `n` bytes at a linear address with the rights of the current CPL.
    ///
    /// # Errors
    /// `#PF`.
    pub fn read_linear(&mut self, lin: u64, n: u32, access: Access) -> Result<u64, Exception> {
        let lin = lin & self.ctx.lin_mask;
        if let Some(at) = self.at_once(asker(&self.st, access), lin, n, access == Access::Write) {
            return Ok(self.load_at::<64>(at) & u64::MAX >> (64 - 8 * n));
        }
        if (lin & (PAGE_SIZE - 1)) + u64::from(n) <= PAGE_SIZE {
            let p = self.translate(lin, access)?;
            return Ok(self.phys_read(p, n));
        }
        let first = PAGE_SIZE - (lin & (PAGE_SIZE - 1));
        let p0 = self.translate(lin, access)?;
        let p1 = self.translate(lin.wrapping_add(first) & self.ctx.lin_mask, access)?;
        let mut v = 0;
        for k in 0..u64::from(n) {
            let p = if k < first { p0 + k } else { p1 + (k - first) };
            v |= self.phys_read(p, 1) << (8 * k);
        }
        Ok(v)
    }

    /// The slow path of a write.
    ///
    /// # Errors
    /// The access's fault; nothing was written.
    #[cold]
    #[inline(never)]
    pub fn write_slow(&mut self, seg: u8, off: u64, n: u32, v: u64) -> Result<(), Exception> {
        if self.model.name == ModelName::I8086 && n == 2 && off & 0xffff == 0xffff {
            self.write_slow(seg, 0xffff, 1, v & 0xff)?;
            return self.write_slow(seg, 0, 1, v >> 8);
        }
        let lin = self.check_segment(seg, off, n, true)?;
        self.align_check(lin, n)?;
        self.write_linear(lin, n, v)?;
        if self.ctx.view == View::Watched {
            self.watch(lin, n, true);
        }
        Ok(())
    }

    /// Writes `n` bytes at a linear address with the rights of the current CPL.
    ///
    /// # Errors
    /// `#PF`; nothing was written.
    pub fn write_linear(&mut self, lin: u64, n: u32, v: u64) -> Result<(), Exception> {
        let lin = lin & self.ctx.lin_mask;
        if self.write_at_once(asker(&self.st, Access::Write), lin, n, v) {
            return Ok(());
        }
        let p0 = self.translate(lin, Access::Write)?;
        if (lin & (PAGE_SIZE - 1)) + u64::from(n) <= PAGE_SIZE {
            self.phys_write(p0, n, v);
            return Ok(());
        }
        let first = PAGE_SIZE - (lin & (PAGE_SIZE - 1));
        let p1 = self.translate(lin.wrapping_add(first) & self.ctx.lin_mask, Access::Write)?;
        for k in 0..u64::from(n) {
            let p = if k < first { p0 + k } else { p1 + (k - first) };
            self.phys_write(p, 1, v >> (8 * k) & 0xff);
        }
        Ok(())
    }
}
