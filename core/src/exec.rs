//! One CPU executing in its system: the state, what is derived from it for speed, and every access to memory.
//!
//! Reads and writes go through a segment *window* (the offsets a segment admits for the access, computed when the
//! segment is loaded) and the software TLB. Both either answer at once or send the access to the slow path here, which
//! does every check in the order of the SDM (Vol. 3A, "Protection", "Paging") and raises the exception.

use crate::cpu::flags::{AC, DF, RF, TF};
use crate::cpu::model::{Model, ModelName};
use crate::cpu::segment::{Seg, attr};
use crate::cpu::state::{CpuState, Shadow, cr0, cr4};
use crate::cpu::{Activity, Exception};
use crate::device::{Stop, Width};
use crate::memory::{Offset, PAGE_SIZE, Route};
use crate::mmu::known::Page;
use crate::mmu::tlb::{Entry, NO_TAG, Tlb, View};
use crate::mmu::walk::{Access, Walk, translate};
use crate::system::System;

/// The offsets that a segment admits: `lo..=hi`. An empty window sends every access to the slow path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Added to the offset it gives the linear address.
    pub base: u64,
    /// First offset, for reads and writes.
    pub lo: i64,
    /// Last offset for reads.
    pub read_hi: i64,
    /// Last offset for writes.
    pub write_hi: i64,
}

impl Window {
    const EMPTY: Self = Self { base: 0, lo: i64::MAX, read_hi: -1, write_hi: -1 };
}

/// How instruction bytes are to be decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum CodeSize {
    /// 16-bit default operands and addresses.
    #[default]
    Bits16 = 0,
    /// 32-bit.
    Bits32 = 1,
    /// 64-bit mode.
    Bits64 = 2,
}

impl CodeSize {
    /// 16, 32 or 64.
    #[must_use]
    pub const fn bits(self) -> u32 {
        16 << self as u32
    }
}

/// What follows from the state and is asked for at every instruction. Recomputed by [`Exec::refresh`].
#[derive(Clone, Debug)]
pub struct Ctx {
    /// By segment register; two more, always empty, so that an index of three bits needs no check.
    pub win: [Window; 8],
    /// Bits of a linear address that exist.
    pub lin_mask: u64,
    /// Bits of RSP that the stack uses.
    pub sp_mask: u64,
    /// Which set of TLB entries data accesses use.
    pub view: View,
    /// Which set instruction fetches use: neither a watch nor SMAP concerns them.
    pub fetch_view: View,
    /// Decoding size.
    pub code: CodeSize,
    /// First instruction pointer that may be branched to.
    pub ip_lo: u64,
    /// Last one minus the first (the range may wrap round 0: canonical addresses).
    pub ip_span: u64,
    /// Something must be looked at after each instruction: single steps, shadows, breakpoints.
    pub stepping: bool,
}

/// Why an engine came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The limit of retired instructions was reached.
    Limit,
    /// The CPU is halted and nothing wakes it: time must be moved to the next event.
    Halted,
    /// The CPU shut down: a triple fault.
    Shutdown,
    /// The system asks the run loop to stop (power-off, debug exit, reset).
    Stop,
    /// A boundary of the engine's own, under [`crate::engine::Engine::set_pausing`].
    Pause,
}

/// Where the last read-modify-write access read.
#[derive(Clone, Copy, Debug)]
struct Rmw {
    /// Position in the backing, or [`NOWHERE`].
    at: u64,
    /// Offset and segment, for the slow path.
    off: u64,
    seg: u8,
}

/// No position: the write-back takes the slow path.
const NOWHERE: u64 = u64::MAX;

/// Words in [`Exec::words`].
pub const ENGINE_WORDS: usize = 16;

/// A CPU and the system it runs in.
///
/// What translated code names most often comes first: so an offset of eight bits is enough for it.
#[derive(Debug)]
#[repr(C)]
pub struct Exec {
    /// Words that the engine's translated code reaches by the address of this structure; no state of the machine.
    pub words: [u64; ENGINE_WORDS],
    /// Architectural state.
    pub st: CpuState,
    /// Which processor it is.
    pub model: Model,
    /// Derived state.
    pub ctx: Ctx,
    /// Software TLB.
    pub tlb: Tlb,
    /// Memory, bus, clock and devices.
    pub sys: System,
    /// Instructions (and iterations of repeated ones) retired up to the start of the running block.
    pub retired: u64,
    /// Instructions of the running block retired before the running instruction.
    pub pending: u64,
    /// The engine stops in front of this count.
    pub limit: u64,
    /// The engine must look at the machine before the next instruction.
    pub attention: bool,
    /// The memory map's generation that the TLB's entries were filled under.
    pub map_generation: u64,
    rmw: Rmw,
    /// How often [`Ctx`] became another, but for the windows of FS and GS: what an engine derived from it may be of old when this has changed.
    pub contexts: u64,
    /// An exception that an instruction raised and that the engine has yet to deliver, for engines that cannot do so on the spot.
    pub fault: Option<Exception>,
    /// A device ended the run; [`Exit::Stop`] says so.
    pub stop: Option<Stop>,
    /// No firmware lies where INIT leads to: it ends the run of the engine as the reset line does.
    pub init_resets: bool,
    /// FERR# may be asserted: looked at when it may fall.
    pub ferr: bool,
    /// TLB misses that walked the page tables.
    pub walks: u64,
    /// The last instruction cast an interrupt shadow.
    pub shadow_cast: bool,
    /// The count at which the shadow of STI holds: that of the boundary behind it. [`Exec::settle_shadow`] ends it at others.
    pub sti_at: u64,
    /// The last instruction is not single-stepped although TF was set before it (INT n, SYSCALL).
    pub step_masked: bool,
    /// The last instruction set RF itself (IRET, task switch): it survives the instruction's end.
    pub rf_kept: bool,
}

impl Exec {
    /// A CPU after reset.
    #[must_use]
    pub fn new(model: Model, sys: System) -> Self {
        let mut x = Self {
            st: model.reset_state(),
            model,
            ctx: Ctx {
                win: [Window::EMPTY; 8],
                lin_mask: 0,
                sp_mask: 0,
                view: View::Supervisor,
                fetch_view: View::Supervisor,
                code: CodeSize::Bits16,
                ip_lo: 0,
                ip_span: 0,
                stepping: false,
            },
            tlb: Tlb::default(),
            map_generation: sys.mem.generation(),
            sys,
            retired: 0,
            pending: 0,
            limit: 0,
            attention: true,
            rmw: Rmw { at: NOWHERE, off: 0, seg: 0 },
            stop: None,
            fault: None,
            contexts: 0,
            init_resets: false,
            ferr: false,
            walks: 0,
            words: [0; ENGINE_WORDS],
            shadow_cast: false,
            sti_at: 0,
            step_masked: false,
            rf_kept: false,
        };
        x.refresh();
        x
    }

    /// Replaces the architectural state: a reset, a direct boot, a snapshot.
    pub fn set_state(&mut self, st: CpuState) {
        self.st = st;
        self.ferr = crate::isa::x87::fault::ferr(&self.st);
        self.pending = 0;
        self.flush_tlb();
        self.refresh();
    }

    /// Recomputes [`Ctx`] after a load of ES, DS, FS or GS: no more than the segment's window follows from it, so that nothing must
    /// be looked at before the next instruction.
    #[inline]
    pub fn refresh_data_window(&mut self, s: Seg) {
        debug_assert!(!matches!(s, Seg::Cs | Seg::Ss), "more follows from these");
        let new = window(&self.st, s, self.st.code64());
        let old = std::mem::replace(&mut self.ctx.win[s as usize], new);
        // Systems load DS and ES on each way in and out, most often with what they hold; no mode says anything of FS and GS.
        self.contexts += u64::from(old != new && matches!(s, Seg::Es | Seg::Ds));
    }

    /// Recomputes [`Ctx`] after a change of segments, control registers, CPL or system flags.
    pub fn refresh(&mut self) {
        self.contexts += 1;
        let st = &self.st;
        let code64 = st.code64();
        self.ctx.lin_mask = match self.model.name {
            ModelName::I8086 => 0xf_ffff,
            ModelName::I80286 => 0xff_ffff,
            _ if code64 => u64::MAX,
            _ => 0xffff_ffff,
        };
        for s in Seg::ALL {
            self.ctx.win[s as usize] = window(st, s, code64);
        }
        let ss = st.segment(Seg::Ss);
        self.ctx.sp_mask = if code64 {
            u64::MAX
        } else if ss.is(attr::DB) {
            0xffff_ffff
        } else {
            0xffff
        };
        let cs = st.segment(Seg::Cs);
        self.ctx.code = if code64 {
            CodeSize::Bits64
        } else if cs.is(attr::DB) {
            CodeSize::Bits32
        } else {
            CodeSize::Bits16
        };
        (self.ctx.ip_lo, self.ctx.ip_span) =
            if code64 { (0xffff_8000_0000_0000, (1 << 48) - 1) } else { (0, u64::from(cs.limit)) };
        let view = asker(st, Access::Read);
        let alignment = st.cpl == 3 && st.cr0 & cr0::AM != 0 && st.flags.has(AC);
        // Data breakpoints: R/W field of a length-enabled DR that is not "instruction execution".
        let watched =
            st.dr7 & 0xff != 0 && (0..4).any(|n| st.dr7 >> (2 * n) & 3 != 0 && st.dr7 >> (16 + 4 * n) & 3 != 0);
        self.ctx.fetch_view = asker(st, Access::Fetch);
        self.ctx.view = if alignment || watched { View::Watched } else { view };
        self.ctx.stepping = st.flags.has(TF | RF)
            || st.shadow == Shadow::MovSs
            || st.pending_debug != 0
            || st.dr7 & 0xff != 0
            || st.activity != Activity::Active;
        // Links between decoded blocks hold only while mapping, code segment and mode stay as they are.
        self.attention = true;
    }

    /// STI turned `If` on: interrupts wait for one more instruction. Nothing needs a look before one waits.
    pub fn cast_sti_shadow(&mut self) {
        self.st.shadow = Shadow::Sti;
        self.shadow_cast = true;
        self.sti_at = self.count() + 1;
        self.attention |= self.sys.intr();
    }

    /// Ends the shadow of an STI that is not the instruction in front of this boundary. As long as no interrupt waits, the
    /// instruction behind STI runs like any other, and only its count tells that the shadow is over.
    pub fn settle_shadow(&mut self) {
        if self.st.shadow == Shadow::Sti && self.sti_at != self.retired {
            self.st.shadow = Shadow::None;
        }
    }

    /// An engine starts from a state in which a shadow holds.
    pub const fn resume_shadow(&mut self) {
        self.sti_at = self.retired;
    }

    /// The count of retired instructions as of the running instruction.
    #[must_use]
    #[inline]
    pub const fn count(&self) -> u64 {
        self.retired + self.pending
    }

    /// Tells the system the exact count, before it is asked anything.
    #[inline]
    pub fn sync_clock(&mut self) {
        self.sys.clock.retired = self.count();
    }

    /// Drops all translations: CR3, CR0.PG, CR4 and EFER changes.
    pub fn flush_tlb(&mut self) {
        self.tlb.flush();
        // The code running may be mapped differently now.
        self.attention = true;
    }

    /// Drops the translations of all but global pages: a load of CR3. SDM Vol. 3A, "Operations that Invalidate TLBs and
    /// Paging-Structure Caches".
    pub fn flush_tlb_local(&mut self) {
        self.tlb.flush_local();
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
        let in_page = lin & (PAGE_SIZE - 1);
        if self.st.cr0 & cr0::PG == 0 {
            self.fill(view, lin, access, Page::identity(lin));
            return Ok(lin);
        }
        if let Some(page) = self.tlb.known.get(view, lin, access).filter(|p| p.allows(access)) {
            self.fill(view, lin, access, page);
            return Ok(page.phys() | in_page);
        }
        let w = Walk {
            access,
            user: view == View::User,
            smap: view == View::SupervisorSmap,
            phys_bits: self.model.phys_bits,
            gib_pages: self.model.gib_pages,
        };
        self.walks += 1;
        let t = match translate(&self.st, &mut self.sys.mem, lin, w) {
            Ok(t) => t,
            Err(code) => return Err(self.page_fault(lin, code)),
        };
        self.walk_wrote();
        if self.tlb.known.full_for(view, lin, access) {
            self.flush_tlb();
        }
        let page = Page::walked(&t, access);
        self.tlb.known.put(view, lin, access, page, t.page_bits);
        self.fill(view, lin, access, page);
        Ok(t.phys)
    }

    /// Accessed and dirty flags are memory like any other: code may have been decoded from it.
    pub fn walk_wrote(&mut self) {
        if self.sys.mem.has_stale_code() {
            self.attention = true;
        }
    }

    /// Fills the entry for a page as far as plain loads and stores do for it. Data and fetches share an entry while they agree on
    /// where the page is.
    fn fill(&mut self, view: View, lin: u64, access: Access, known: Page) {
        let mem = &self.sys.mem;
        let page = lin & !(PAGE_SIZE - 1);
        let phys = mem.a20(known.phys());
        let tag = |on| if on { page } else { NO_TAG };
        let (addend, read, write) = match mem.read_route(phys) {
            Route::Backing(at) => {
                let write = known.allows(Access::Write)
                    && mem.writes_unwatched(at)
                    && mem.write_route(phys) == Route::Backing(at);
                (mem.base().wrapping_add(at).wrapping_sub(page), true, write)
            }
            _ => (0, false, false),
        };
        let old = *self.tlb.entry(view, lin);
        let shared = read && old.addend == addend;
        let kept = |tag| if shared && tag == page { page } else { NO_TAG };
        let new = if access == Access::Fetch {
            Entry { read: kept(old.read), write: kept(old.write), fetch: tag(read), addend }
        } else {
            let read = tag(read && known.allows(Access::Read));
            Entry { read, write: tag(write), fetch: kept(old.fetch), addend }
        };
        // One that maps nothing directly must take an older one of the same page away, but not another's.
        if new.read == page
            || new.write == page
            || new.fetch == page
            || [old.read, old.write, old.fetch].contains(&page)
        {
            // An entry that keeps something of what it said before is global if both are.
            let keeps = match access {
                Access::Fetch => new.read == page || new.write == page,
                _ => new.fetch == page,
            };
            let global = known.is_global() && (!keeps || self.tlb.is_global(view, lin));
            *self.tlb.fill(view, lin, global) = new;
        }
    }

    /// Where the host has `bytes` bytes at a linear address, if they lie in one page of memory that may be read (or written) as it is;
    /// tables are walked for it as for an access. `None` otherwise: nothing but what a processor may do ahead of time was done.
    pub fn reach(&mut self, lin: u64, bytes: u64, write: bool) -> Option<u64> {
        let inside = (lin & (PAGE_SIZE - 1)) + bytes <= PAGE_SIZE && canonical(lin);
        if !inside || self.ctx.view == View::Watched {
            return None;
        }
        let cr2 = self.st.cr2;
        let access = if write { Access::Write } else { Access::Read };
        if self.translate(lin, access).is_err() {
            self.st.cr2 = cr2; // the fault is raised by who carries the instruction out
            return None;
        }
        let e = self.tlb.entry(self.ctx.view, lin);
        let tag = if write { e.write } else { e.read };
        (tag == lin & !(PAGE_SIZE - 1) && !self.attention).then(|| lin.wrapping_add(e.addend))
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
    const fn system_view(&self) -> View {
        if self.st.cr4 & cr4::SMAP != 0 { View::SupervisorSmap } else { View::Supervisor }
    }

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

    /// Where `n` bytes are in the backing, if the segment's window and the TLB admit the access at once. With `ALIGNED`,
    /// `n` is a power of two and a misaligned access is not admitted.
    #[inline(always)]
    #[must_use]
    pub fn direct<const WRITE: bool, const ALIGNED: bool>(&self, seg: u8, off: u64, n: u64) -> Option<u64> {
        let w = &self.ctx.win[usize::from(seg & 7)];
        let lin = w.base.wrapping_add(off) & self.ctx.lin_mask;
        let e = self.tlb.entry(self.ctx.view, lin);
        let (hi, tag) = if WRITE { (w.write_hi, e.write) } else { (w.read_hi, e.read) };
        // Low bits of a misaligned address never match a tag.
        let low = if ALIGNED { n - 1 } else { 0 };
        let ok = off as i64 >= w.lo
            && off as i64 <= hi.wrapping_sub(n as i64 - 1)
            && tag == lin & (!(PAGE_SIZE - 1) | low)
            && (ALIGNED || lin & (PAGE_SIZE - 1) <= PAGE_SIZE - n);
        ok.then(|| self.position(e, lin))
    }

    /// Reads memory through a segment.
    ///
    /// # Errors
    /// The access's fault.
    #[inline(always)]
    pub fn read<const B: u32>(&mut self, seg: u8, off: u64) -> Result<u64, Exception> {
        if let Some(at) = self.direct::<false, false>(seg, off, u64::from(B / 8)) {
            return Ok(self.load_at::<B>(at));
        }
        self.read_slow(seg, off, B / 8, Access::Read)
    }

    /// Reads memory that will be written back: needs the right to write.
    ///
    /// # Errors
    /// The access's fault, as for a write.
    #[inline(always)]
    pub fn read_rmw<const B: u32>(&mut self, seg: u8, off: u64) -> Result<u64, Exception> {
        if let Some(at) = self.direct::<true, false>(seg, off, u64::from(B / 8)) {
            self.rmw.at = at;
            return Ok(self.load_at::<B>(at));
        }
        self.rmw = Rmw { at: NOWHERE, off, seg };
        self.read_slow(seg, off, B / 8, Access::Write)
    }

    /// Writes back to where [`Self::read_rmw`] last read.
    ///
    /// # Errors
    /// The access's fault; after a successful [`Self::read_rmw`] there is none.
    #[inline(always)]
    pub fn write_back<const B: u32>(&mut self, v: u64) -> Result<(), Exception> {
        if self.rmw.at == NOWHERE {
            return self.write_slow(self.rmw.seg, self.rmw.off, B / 8, v);
        }
        self.store_at::<B>(self.rmw.at, v);
        Ok(())
    }

    /// Writes memory through a segment.
    ///
    /// # Errors
    /// The access's fault; nothing was written.
    #[inline(always)]
    pub fn write<const B: u32>(&mut self, seg: u8, off: u64, v: u64) -> Result<(), Exception> {
        if let Some(at) = self.direct::<true, false>(seg, off, u64::from(B / 8)) {
            self.store_at::<B>(at, v);
            return Ok(());
        }
        self.write_slow(seg, off, B / 8, v)
    }

    /// What [`Self::read`] would read, where that needs no look at page tables or devices. Changes nothing.
    #[inline(always)]
    #[must_use]
    pub fn read_at_hand<const B: u32>(&self, seg: u8, off: u64) -> Option<u64> {
        let at = self.direct::<false, false>(seg, off, u64::from(B / 8))?;
        Some(self.load_at::<B>(at))
    }

    /// Writes as [`Self::write`] does, where that needs no look at page tables or devices; otherwise false, and nothing was
    /// written.
    #[inline(always)]
    #[must_use]
    pub fn write_at_hand<const B: u32>(&mut self, seg: u8, off: u64, v: u64) -> bool {
        let Some(at) = self.direct::<true, false>(seg, off, u64::from(B / 8)) else { return false };
        self.store_at::<B>(at, v);
        true
    }

    /// [`Self::read_at_hand`] for the ten bytes of an x87 register: the significand, then sign and exponent.
    #[inline(always)]
    #[must_use]
    pub fn read80_at_hand(&self, seg: u8, off: u64) -> Option<(u64, u16)> {
        let at = self.direct::<false, false>(seg, off, 10)?;
        Some((self.load_at::<64>(at), self.load_at::<16>(at + 8) as u16))
    }

    /// [`Self::write_at_hand`] for the ten bytes of an x87 register.
    #[inline(always)]
    #[must_use]
    pub fn write80_at_hand(&mut self, seg: u8, off: u64, significand: u64, sign_exponent: u16) -> bool {
        let Some(at) = self.direct::<true, false>(seg, off, 10) else { return false };
        self.store_at::<64>(at, significand);
        self.store_at::<16>(at + 8, sign_exponent.into());
        true
    }

    #[inline(always)]
    fn load_at<const B: u32>(&self, at: u64) -> u64 {
        match B {
            8 => u64::from(u8::from_le_bytes(self.sys.mem.load(at))),
            16 => u64::from(u16::from_le_bytes(self.sys.mem.load(at))),
            32 => u64::from(u32::from_le_bytes(self.sys.mem.load(at))),
            _ => u64::from_le_bytes(self.sys.mem.load(at)),
        }
    }

    #[inline(always)]
    fn store_at<const B: u32>(&mut self, at: u64, v: u64) {
        match B {
            8 => self.sys.mem.store(at, [v as u8]),
            16 => self.sys.mem.store(at, (v as u16).to_le_bytes()),
            32 => self.sys.mem.store(at, (v as u32).to_le_bytes()),
            _ => self.sys.mem.store(at, v.to_le_bytes()),
        }
    }

    /// Reads 128 bits, not necessarily aligned.
    ///
    /// # Errors
    /// The access's fault.
    pub fn read128(&mut self, seg: u8, off: u64) -> Result<u128, Exception> {
        let hi_off = off.wrapping_add(8);
        let lo = self.read::<64>(seg, off)?;
        let hi = self.read::<64>(seg, hi_off)?;
        Ok(u128::from(lo) | u128::from(hi) << 64)
    }

    /// Writes 128 bits, not necessarily aligned.
    ///
    /// # Errors
    /// The access's fault; nothing was written.
    pub fn write128(&mut self, seg: u8, off: u64, v: u128) -> Result<(), Exception> {
        let hi_off = off.wrapping_add(8);
        // Both halves must be writable before either is written.
        self.read_rmw::<64>(seg, hi_off)?;
        self.write::<64>(seg, off, v as u64)?;
        self.write::<64>(seg, hi_off, (v >> 64) as u64)
    }

    /// +1 or -1 times `n`, by the direction flag.
    #[must_use]
    #[inline(always)]
    pub const fn string_step(&self, n: u64) -> u64 {
        if self.st.flags.has(DF) { n.wrapping_neg() } else { n }
    }

    /// Goes to an instruction pointer inside the current code segment.
    ///
    /// # Errors
    /// `#GP(0)` past the limit or not canonical.
    #[inline(always)]
    pub fn jump(&mut self, target: u64) -> Result<(), Exception> {
        if target.wrapping_sub(self.ctx.ip_lo) > self.ctx.ip_span {
            return Err(Exception::gp(0));
        }
        self.st.set_rip(target);
        Ok(())
    }
}

/// Whose rights an access of the current CPL has. A fetch does not look at SMAP.
fn asker(st: &CpuState, access: Access) -> View {
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

/// The window of a segment register. Bounds are signed, so that `hi - (n - 1)` of an empty or tiny segment goes
/// below every offset instead of wrapping; in 64-bit mode, where all offsets are admitted, they span all of `i64`.
#[inline]
fn window(st: &CpuState, s: Seg, code64: bool) -> Window {
    let seg = st.segment(s);
    if code64 {
        let base = if matches!(s, Seg::Fs | Seg::Gs) { seg.base } else { 0 };
        return Window { base, lo: i64::MIN, read_hi: i64::MAX, write_hi: i64::MAX };
    }
    let Some((lo, hi)) = seg.range() else { return Window::EMPTY };
    let real = st.real_segments();
    Window {
        base: seg.base,
        lo: lo as i64,
        read_hi: if real || seg.readable() { hi as i64 } else { -1 },
        write_hi: if real || seg.writable() { hi as i64 } else { -1 },
    }
}
