//! From linear addresses to physical ones: what the TLB is filled with, and when that goes.
//!
//! SDM Vol. 3A, "Paging", "Translation Lookaside Buffers (TLBs)", "Access Rights".

use super::Exec;
use crate::cpu::Exception;
use crate::cpu::flags::AC;
use crate::cpu::state::{CpuState, cr0, cr4};
use crate::memory::{Offset, PAGE_SIZE, Route};
use crate::mmu::known::Page;
use crate::mmu::tlb::{Entry, View, no_tag};
use crate::mmu::walk::{Access, Walk, translate};

impl Exec {
    /// Drops all translations: CR3, CR0.PG, CR4 and EFER changes.
    pub fn flush_tlb(&mut self) {
        self.tlb.flush(self.pcid());
        // The code running may be mapped differently now.
        self.attention = true;
    }

    /// The process-context identifier of what is translated now; 0 where there are none.
    pub(crate) const fn pcid(&self) -> u16 {
        if self.st.cr4 & cr4::PCIDE != 0 { (self.st.cr3 & 0xfff) as u16 } else { 0 }
    }

    /// Drops the translations of all but global pages: a load of CR3. With process-context identifiers, those of one that is not
    /// loaded now stay, and its own if they are to be kept, too. SDM Vol. 3A, "Operations that Invalidate TLBs and
    /// Paging-Structure Caches".
    pub fn follow_cr3(&mut self, keep: bool) {
        self.tlb.enter(self.pcid(), keep);
        self.attention = true;
    }

    /// Drops the translations with a process-context identifier, but of global pages: INVPCID.
    pub fn forget_space(&mut self, pcid: u16) {
        self.tlb.flush_space(pcid);
        self.attention = true;
    }

    /// Drops the translations of all but global pages, with every identifier: INVPCID.
    pub fn forget_spaces(&mut self) {
        self.tlb.flush_spaces();
        self.attention = true;
    }

    /// Drops the translations of the page that holds one linear address: INVLPG.
    pub fn invalidate_page(&mut self, lin: u64) {
        self.tlb.invalidate(lin);
        self.attention = true;
    }

    /// Drops the TLB's entries if the memory map has changed since they were filled. What the processor knows stays: the map is behind
    /// its translations.
    pub fn follow_map(&mut self) {
        if self.sys.mem.generation() != self.map_generation {
            self.map_generation = self.sys.mem.generation();
            self.tlb.forget_entries();
            self.attention = true;
        }
    }

    /// A page fault: CR2, and the page is known no more. SDM Vol. 3A, "Operations that Invalidate TLBs and
    /// Paging-Structure Caches".
    pub fn page_fault(&mut self, lin: u64, code: u32) -> Exception {
        self.st.cr2 = lin;
        self.tlb.forget(lin);
        self.attention = true;
        Exception::pf(code)
    }

    /// Translates for the current CPL and fills the TLB. Tables are walked only for what is not [known](crate::mmu::known).
    ///
    /// # Errors
    /// `#PF`, with CR2 written.
    pub fn translate(&mut self, lin: u64, access: Access) -> Result<u64, Exception> {
        let view = asker(&self.st, access);
        debug_assert!(
            access == Access::Fetch || self.ctx.view == View::Watched || self.ctx.view == view,
            "a refresh is due"
        );
        self.translate_for(view, lin, access)
    }

    /// Translates for an asker, which need not be the code that runs, and fills the TLB.
    ///
    /// # Errors
    /// `#PF`, with CR2 written.
    pub fn translate_for(&mut self, view: View, lin: u64, access: Access) -> Result<u64, Exception> {
        match self.find(view, lin, access, true) {
            Ok(phys) => Ok(phys),
            Err(code) => Err(self.page_fault(lin, code)),
        }
    }

    /// Translates for an asker and fills the TLB. Tables are walked only for what is not known; without `marks`, only as far as nothing
    /// in them needs to be changed for it.
    fn find(&mut self, view: View, lin: u64, access: Access, marks: bool) -> Result<u64, u32> {
        let in_page = lin & (PAGE_SIZE - 1);
        if self.st.cr0 & cr0::PG == 0 {
            self.fill(view, lin, access, Page::identity(lin));
            return Ok(lin);
        }
        match self.tlb.known.get(view, lin, access) {
            Some(page) if page.allows(access) => {
                self.fill(view, lin, access, page);
                return Ok(page.phys() | in_page);
            }
            // A new walk takes its place, and whoever asks may go on with what was known.
            Some(_) if !marks => return Err(0),
            _ => {}
        }
        let w = Walk {
            access,
            user: view == View::User,
            smap: view == View::SupervisorSmap,
            phys_bits: self.model.phys_bits,
            gib_pages: self.model.gib_pages,
            marks,
        };
        self.walks += 1;
        let t = translate(&self.st, &mut self.sys.mem, lin, w)?;
        self.walk_wrote();
        if self.tlb.known.full_for(view, lin, access) {
            self.flush_tlb();
        }
        let page = Page::walked(&t, access);
        self.tlb.know(view, lin, access, page, t.page_bits);
        self.fill(view, lin, access, page);
        Ok(t.phys)
    }

    /// Accessed and dirty flags are memory like any other: code may have been decoded from it.
    pub fn walk_wrote(&mut self) {
        if self.sys.mem.has_stale_code() {
            self.attention = true;
        }
    }

    /// Fills the entry for a page as far as plain loads and stores do for it.
    pub(super) fn fill(&mut self, view: View, lin: u64, access: Access, known: Page) {
        let mem = &self.sys.mem;
        let page = lin & !(PAGE_SIZE - 1);
        let phys = mem.a20(known.phys());
        let tag = |on| if on { page } else { no_tag(lin) };
        let (addend, read, write) = match mem.read_route(phys) {
            Route::Backing(at) => {
                let write = known.allows(Access::Write)
                    && mem.writes_unwatched(at)
                    && mem.write_route(phys) == Route::Backing(at);
                (mem.base().wrapping_add(at).wrapping_sub(page), true, write)
            }
            _ => (0, false, false),
        };
        let new = match access {
            Access::Fetch => Entry { read: tag(read), write: no_tag(lin), addend },
            _ => Entry { read: tag(read && known.allows(Access::Read)), write: tag(write), addend },
        };
        let old = match access {
            Access::Fetch => self.tlb.fetch_entry(view, lin),
            _ => self.tlb.entry(view, lin),
        };
        // One that maps nothing directly must take an older one of the same page away, but not another's.
        if [new.read, new.write, old.read, old.write].contains(&page) {
            *self.tlb.fill(view, lin, access, known.is_global()) = new;
        }
    }

    /// Where the host has `bytes` bytes at a linear address, if they lie in one page of memory that may be read (or written) as it is;
    /// tables are walked for it, but not marked: who asks may have to give the instruction back, and it is another that retires first
    /// then. `None` otherwise, with nothing done.
    pub fn reach(&mut self, lin: u64, bytes: u64, write: bool) -> Option<u64> {
        let inside = (lin & (PAGE_SIZE - 1)) + bytes <= PAGE_SIZE && canonical(lin);
        if !inside || self.ctx.view == View::Watched {
            return None;
        }
        let access = if write { Access::Write } else { Access::Read };
        self.find(asker(&self.st, access), lin, access, false).ok()?;
        let e = self.tlb.entry(self.ctx.view, lin);
        let tag = if write { e.write } else { e.read };
        (tag == lin & !(PAGE_SIZE - 1) && !self.attention).then(|| lin.wrapping_add(e.addend))
    }

    /// The position in the backing of the code that is fetched next, if its page is memory and maps it without marks in the tables: see
    /// [`Self::reach`]. `None`, too, where the instruction pointer is not in the code segment, or not canonical.
    #[inline]
    pub fn reach_code(&mut self) -> Option<Offset> {
        if self.st.rip().wrapping_sub(self.ctx.ip_lo) > self.ctx.ip_span {
            return None;
        }
        let lin = self.fetch_address();
        if let Some(at) = self.fetched(lin) {
            return (!self.attention).then_some(at);
        }
        self.find(self.ctx.fetch_view, lin, Access::Fetch, false).ok()?;
        self.fetched(lin).filter(|_| !self.attention)
    }

    /// The position in the backing of what is fetched from a linear address, where the TLB has its page at hand.
    #[inline(always)]
    #[must_use]
    pub fn fetched(&self, lin: u64) -> Option<Offset> {
        let e = self.tlb.fetch_entry(self.ctx.fetch_view, lin);
        (e.read == lin & !(PAGE_SIZE - 1)).then(|| self.position(e, lin))
    }

    /// The `bytes` bytes (at most 16) at a linear address that lie in two pages, of which [`Self::reach`] has both for reading.
    pub fn gather(&mut self, lin: u64, bytes: u64) -> Option<u128> {
        let here = PAGE_SIZE - (lin & (PAGE_SIZE - 1));
        if here >= bytes {
            return None;
        }
        let first = self.reach(lin, here, false)?;
        let second = self.reach(lin.wrapping_add(here) & self.ctx.lin_mask, bytes - here, false)?;
        let mut all = [0; 16];
        let mem = &self.sys.mem;
        let at = |host: u64, n: u64| {
            let from = host.wrapping_sub(mem.base()) as usize;
            &mem.backing()[from..from + n as usize]
        };
        let (a, b) = (at(first, here), at(second, bytes - here));
        all[..a.len()].copy_from_slice(a);
        all[a.len()..a.len() + b.len()].copy_from_slice(b);
        Some(u128::from_le_bytes(all))
    }

    /// The position in the backing that an entry, whose tag matches, gives to a linear address.
    #[inline(always)]
    #[must_use]
    pub fn position(&self, e: &Entry, lin: u64) -> Offset {
        lin.wrapping_add(e.addend).wrapping_sub(self.sys.mem.base())
    }

    /// Translates an implicit supervisor access: descriptor tables, TSS, interrupt tables.
    ///
    /// # Errors
    /// `#PF`, with CR2 written.
    pub fn translate_system(&mut self, lin: u64, access: Access) -> Result<u64, Exception> {
        self.translate_for(self.system_view(), lin, access)
    }

    /// Who asks in an implicit supervisor access: EFLAGS.AC does not open user pages to it. SDM Vol. 3A, "Access Rights".
    pub(super) const fn system_view(&self) -> View {
        if self.st.cr4 & cr4::SMAP != 0 { View::SupervisorSmap } else { View::Supervisor }
    }
}

/// Whose rights an access of the current CPL has. A fetch does not look at SMAP.
pub(super) fn asker(st: &CpuState, access: Access) -> View {
    asker_at(st, st.cpl, access)
}

/// The same at a level that need not be the current one.
pub fn asker_at(st: &CpuState, cpl: u8, access: Access) -> View {
    if cpl == 3 {
        View::User
    } else if access != Access::Fetch && st.cr4 & cr4::SMAP != 0 && !st.flags.has(AC) {
        View::SupervisorSmap
    } else {
        View::Supervisor
    }
}

/// Whether bits 63:47 of a linear address are all equal.
#[must_use]
#[inline]
pub const fn canonical(lin: u64) -> bool {
    ((lin << 16) as i64 >> 16) as u64 == lin
}
