//! One CPU executing in its system: the state, what is derived from it for speed, and every access to memory.
//!
//! Reads and writes go through a segment *window* (the offsets a segment admits for the access, computed when the
//! segment is loaded) and the software TLB. Both either answer at once or send the access to the slow path (`exec::slow`), which
//! does every check in the order of the SDM (Vol. 3A, "Protection", "Paging") and raises the exception.

mod paging;
mod slow;

pub use paging::{asker_at, canonical};

use crate::cpu::flags::{AC, DF, RF, TF};
use crate::cpu::model::{Model, ModelName};
use crate::cpu::segment::{Seg, attr};
use crate::cpu::state::{CpuState, Shadow, cr0};
use crate::cpu::{Activity, Exception};
use crate::device::Stop;
use crate::memory::PAGE_SIZE;
use crate::mmu::tlb::{Tlb, View};
use crate::mmu::walk::Access;
use crate::system::System;
use paging::asker;

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

/// What follows from the state and is asked for at every instruction. Recomputed by [`Exec::refresh`], some of it by
/// [`Exec::refresh_view`] and [`Exec::refresh_data_window`].
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
pub const ENGINE_WORDS: usize = 28;

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
    /// How often [`Ctx`] became another, but for the windows of FS and GS and for [`Ctx::view`] between STAC and CLAC: what an engine
    /// derived from the rest may be of old when this has changed.
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

    /// Recomputes [`Ctx`] after a change of EFLAGS.AC at level 0: no more than who is asking for data follows from it, so that nothing
    /// must be looked at before the next instruction.
    pub fn refresh_view(&mut self) {
        debug_assert_eq!(self.st.cpl, 0, "there is no alignment check");
        if self.ctx.view != View::Watched {
            self.ctx.view = asker(&self.st, Access::Read);
        }
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
