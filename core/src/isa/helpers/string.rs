//! MOVS CMPS SCAS LODS STOS INS OUTS with their repeat prefixes. SDM Vol. 2B, "REP/REPE/REPZ/REPNE/REPNZ".
//!
//! Each iteration is an instruction of its own for the clock, for interrupts and for faults: registers always show the
//! completed iterations. MOVS and STOS that stay inside pages which the TLB maps for direct access move whole runs at
//! once, with the same result.
//!
//! *Not modelled:* the fast-string order of stores; the results cannot differ for one CPU.

use super::port;
use crate::cpu::state::{RAX, RCX, RDI, RDX, RSI};
use crate::cpu::{Exception, ModelName};
use crate::exec::Exec;
use crate::isa::Insn;
use crate::isa::cache::MAX_BLOCK;
use crate::isa::insn::flag;
use crate::isa::ops::Ops;
use crate::memory::PAGE_SIZE;
use crate::mmu::walk::Access;

type R = Result<(), Exception>;

/// Segment number of ES, which the destination always uses.
const ES: u8 = 0;

/// See [`Step::overrun`].
struct Overrun {
    si: bool,
    di: bool,
    cx: u64,
}

/// What one string instruction does once.
trait Step {
    /// One iteration; `Ok(true)` when the repeat condition ends it early.
    fn one<const B: u32>(x: &mut Exec, i: &Insn) -> Result<bool, Exception>;

    /// Which index registers the 80286 has moved, and what it has taken off CX, when in real mode a word at FFFFh (of the
    /// source, of the destination) overruns the segment. The hardware-captured vectors show it; no manual does.
    fn overrun(source: bool, destination: bool) -> Overrun;

    /// Up to `max` iterations at once, if that is possible without a fault; 0 if not.
    #[inline(always)]
    fn many<const B: u32>(_: &mut Exec, _: &Insn, _max: u64) -> u64 {
        0
    }
}

/// An index register, cut to the address size.
#[inline(always)]
fn index(x: &Exec, i: &Insn, r: u8) -> u64 {
    x.st.regs[usize::from(r & 31)] & i.address_mask()
}

/// Writes an index or count register: 16 bits keep the rest, 32 bits clear the upper half.
#[inline(always)]
fn set_index(x: &mut Exec, i: &Insn, r: u8, v: u64) {
    match i.asize {
        0 => Ops::put::<16>(x, r, v),
        1 => Ops::put::<32>(x, r, v),
        _ => x.set_reg(r, v),
    }
}

/// The state that a segment overrun of the 80286 leaves behind.
#[cold]
fn overrun<S: Step, const B: u32>(x: &mut Exec, i: &Insn) {
    let end = |r| index(x, i, r) == 0xffff;
    let o = S::overrun(end(RSI), end(RDI));
    if o.si {
        advance::<B>(x, i, RSI, 1);
    }
    if o.di {
        advance::<B>(x, i, RDI, 1);
    }
    if i.has(flag::REP | flag::REPNE) {
        let left = x.st.regs[usize::from(RCX)].wrapping_sub(o.cx);
        set_index(x, i, RCX, left);
    }
}

/// Whether a fault of a string instruction leaves a trace in the registers.
fn leaves_a_trace(x: &Exec, e: Exception) -> bool {
    x.model.name == ModelName::I80286 && !x.st.protected() && e.vector() == 13
}

#[inline(always)]
fn advance<const B: u32>(x: &mut Exec, i: &Insn, r: u8, times: u64) {
    let step = x.string_step(u64::from(B / 8)).wrapping_mul(times);
    let v = x.st.regs[usize::from(r & 31)].wrapping_add(step);
    set_index(x, i, r, v);
}

/// Whether a compare with this `Zf` ends the repetition.
#[inline(always)]
fn ends(x: &Exec, i: &Insn) -> bool {
    if i.has(flag::REPNE) { x.st.flags.zf() } else { i.has(flag::REP) && !x.st.flags.zf() }
}

/// Runs a string instruction with whatever prefix it has.
#[inline(always)]
fn run<S: Step, const B: u32>(x: &mut Exec, i: &Insn) -> R {
    if !i.has(flag::REP | flag::REPNE) {
        return match S::one::<B>(x, i) {
            Ok(_) => Ok(()),
            Err(e) => {
                if leaves_a_trace(x, e) {
                    overrun::<S, B>(x, i);
                }
                Err(e)
            }
        };
    }
    let mut left = index(x, i, RCX);
    let room = x.limit.saturating_sub(x.count()).max(1);
    let mut done = 0;
    let mut over = left == 0;
    let looked = x.attention;
    while !over && done < room {
        let n = S::many::<B>(x, i, left.min(room - done));
        let n = if n != 0 {
            n
        } else {
            match S::one::<B>(x, i) {
                Ok(end) => over = end,
                Err(e) => {
                    x.st.unfinished = false;
                    if leaves_a_trace(x, e) {
                        overrun::<S, B>(x, i);
                    }
                    return Err(e);
                }
            }
            1
        };
        done += n;
        left -= n;
        x.retired += n; // at once: a device that the next iteration asks must see the exact count
        set_index(x, i, RCX, left);
        over |= left == 0;
        // Something wants to be looked at before the next iteration: an interrupt, a trap, code that was written.
        if x.attention || looked {
            break;
        }
    }
    x.retired -= done.min(1); // the loop counts the last one
    x.st.unfinished = !over;
    // The block that holds this instruction was cut for a limit that the iterations have come closer to.
    if done > 1 && x.limit.saturating_sub(x.count()) <= MAX_BLOCK as u64 {
        x.attention = true;
    }
    if !over {
        x.st.set_rip(x.st.rip().wrapping_sub(u64::from(i.len)));
        x.attention = true;
    }
    Ok(())
}

/// A run of string elements inside one page and its segment: offset of its lowest byte in the backing and its length in
/// elements, at most `max`. `None` when the TLB does not map the page for this, or not even one element fits.
#[inline(always)]
fn span<const B: u32>(x: &Exec, i: &Insn, seg: u8, off: u64, write: bool, max: u64) -> Option<(u64, u64)> {
    let n = u64::from(B / 8);
    let w = &x.ctx.win[usize::from(seg & 7)];
    let lin = w.base.wrapping_add(off) & x.ctx.lin_mask;
    let e = x.tlb.entry(x.ctx.view, lin);
    let hi = if write { w.write_hi } else { w.read_hi };
    let tag = if write { e.write } else { e.read };
    let at = lin & (PAGE_SIZE - 1);
    if tag != lin - at || at + n > PAGE_SIZE || (off as i64) < w.lo || off as i64 > hi.wrapping_sub(n as i64 - 1) {
        return None;
    }
    let start = x.position(e, lin);
    // The first element fits. How many follow before the page, the segment or the address size ends?
    if x.string_step(1) == 1 {
        let page = (PAGE_SIZE - at) / n;
        let window = (hi.wrapping_sub(off as i64) as u64).saturating_add(1) / n;
        let wrap = (i.address_mask() - off) / n;
        let k = page.min(window).min(wrap.max(1)).min(max);
        Some((start, k))
    } else {
        let below = (off as i64).wrapping_sub(w.lo) as u64;
        let k = (at / n).min(below / n).min(off / n).saturating_add(1).min(max);
        Some((start.wrapping_sub((k - 1) * n), k))
    }
}

struct Movs;
impl Step for Movs {
    fn overrun(source: bool, _: bool) -> Overrun {
        Overrun { si: true, di: !source, cx: if source { 1 } else { 2 } }
    }

    #[inline(always)]
    fn one<const B: u32>(x: &mut Exec, i: &Insn) -> Result<bool, Exception> {
        let v = x.read::<B>(i.seg, index(x, i, RSI))?;
        x.write::<B>(ES, index(x, i, RDI), v)?;
        advance::<B>(x, i, RSI, 1);
        advance::<B>(x, i, RDI, 1);
        Ok(false)
    }

    #[inline(always)]
    fn many<const B: u32>(x: &mut Exec, i: &Insn, max: u64) -> u64 {
        if max < 4 {
            return 0;
        }
        let Some((_, k)) = span::<B>(x, i, i.seg, index(x, i, RSI), false, max) else { return 0 };
        let Some((_, k)) = span::<B>(x, i, ES, index(x, i, RDI), true, k) else { return 0 };
        // Again with the length that both have: going down, the lowest byte depends on it.
        let Some((from, _)) = span::<B>(x, i, i.seg, index(x, i, RSI), false, k) else { return 0 };
        let Some((to, _)) = span::<B>(x, i, ES, index(x, i, RDI), true, k) else { return 0 };
        let bytes = k * u64::from(B / 8);
        // A copy that reads what it has written (a fill by overlapping) goes element by element.
        let behind = if x.string_step(1) == 1 { to > from } else { to < from };
        if behind && from < to + bytes && to < from + bytes {
            return 0;
        }
        let mem = x.sys.mem.backing_mut();
        mem.copy_within(from as usize..(from + bytes) as usize, to as usize);
        advance::<B>(x, i, RSI, k);
        advance::<B>(x, i, RDI, k);
        k
    }
}

struct Stos;
impl Step for Stos {
    fn overrun(_: bool, _: bool) -> Overrun {
        Overrun { si: false, di: true, cx: 2 }
    }

    #[inline(always)]
    fn one<const B: u32>(x: &mut Exec, i: &Insn) -> Result<bool, Exception> {
        let v = Ops::get::<B>(x, RAX);
        x.write::<B>(ES, index(x, i, RDI), v)?;
        advance::<B>(x, i, RDI, 1);
        Ok(false)
    }

    #[inline(always)]
    fn many<const B: u32>(x: &mut Exec, i: &Insn, max: u64) -> u64 {
        if max < 4 {
            return 0;
        }
        let Some((to, k)) = span::<B>(x, i, ES, index(x, i, RDI), true, max) else { return 0 };
        let n = (B / 8) as usize;
        let v = x.reg(RAX).to_le_bytes();
        let to = to as usize;
        let mem = &mut x.sys.mem.backing_mut()[to..to + k as usize * n];
        if n == 1 || v[..n].iter().all(|&b| b == v[0]) {
            mem.fill(v[0]);
        } else {
            for e in mem.chunks_exact_mut(n) {
                e.copy_from_slice(&v[..n]);
            }
        }
        advance::<B>(x, i, RDI, k);
        k
    }
}

struct Lods;
impl Step for Lods {
    fn overrun(_: bool, _: bool) -> Overrun {
        Overrun { si: true, di: false, cx: 1 }
    }

    #[inline(always)]
    fn one<const B: u32>(x: &mut Exec, i: &Insn) -> Result<bool, Exception> {
        let v = x.read::<B>(i.seg, index(x, i, RSI))?;
        Ops::put::<B>(x, RAX, v);
        advance::<B>(x, i, RSI, 1);
        Ok(false)
    }
}

struct Scas;
impl Step for Scas {
    fn overrun(_: bool, _: bool) -> Overrun {
        Overrun { si: false, di: true, cx: 1 }
    }

    #[inline(always)]
    fn one<const B: u32>(x: &mut Exec, i: &Insn) -> Result<bool, Exception> {
        let b = x.read::<B>(ES, index(x, i, RDI))?;
        let a = Ops::get::<B>(x, RAX);
        x.flags_sub::<B>(a, b, a.wrapping_sub(b));
        advance::<B>(x, i, RDI, 1);
        Ok(ends(x, i))
    }
}

struct Cmps;
impl Step for Cmps {
    fn overrun(_: bool, destination: bool) -> Overrun {
        Overrun { si: !destination, di: true, cx: u64::from(!destination) }
    }

    #[inline(always)]
    fn one<const B: u32>(x: &mut Exec, i: &Insn) -> Result<bool, Exception> {
        let b = x.read::<B>(ES, index(x, i, RDI))?;
        let a = x.read::<B>(i.seg, index(x, i, RSI))?;
        x.flags_sub::<B>(a, b, a.wrapping_sub(b));
        advance::<B>(x, i, RSI, 1);
        advance::<B>(x, i, RDI, 1);
        Ok(ends(x, i))
    }
}

/// Raises what a write of `n` bytes would raise, and writes nothing.
///
/// # Errors
/// The fault.
pub fn probe_write(x: &mut Exec, seg: u8, off: u64, n: u32) -> R {
    let lin = x.check_segment(seg, off, n, true)?;
    x.translate(lin, Access::Write)?;
    let last = lin.wrapping_add(u64::from(n) - 1) & x.ctx.lin_mask;
    if (lin ^ last) & !(PAGE_SIZE - 1) != 0 {
        x.translate(last, Access::Write)?;
    }
    Ok(())
}

struct Ins;
impl Step for Ins {
    fn overrun(_: bool, _: bool) -> Overrun {
        Overrun { si: false, di: true, cx: 2 }
    }

    /// The destination is checked before the port is read: a fault must not lose what the device gave.
    fn one<const B: u32>(x: &mut Exec, i: &Insn) -> Result<bool, Exception> {
        let dx = x.reg(RDX) as u16;
        port::check(x, dx, B / 8)?;
        let off = index(x, i, RDI);
        probe_write(x, ES, off, B / 8)?;
        let v = x.port_read(dx, B / 8);
        x.write::<B>(ES, off, u64::from(v))?;
        advance::<B>(x, i, RDI, 1);
        Ok(false)
    }
}

struct Outs;
impl Step for Outs {
    fn overrun(_: bool, _: bool) -> Overrun {
        Overrun { si: true, di: false, cx: 1 }
    }

    fn one<const B: u32>(x: &mut Exec, i: &Insn) -> Result<bool, Exception> {
        let dx = x.reg(RDX) as u16;
        port::check(x, dx, B / 8)?;
        let v = x.read::<B>(i.seg, index(x, i, RSI))?;
        x.port_write(dx, B / 8, v as u32);
        advance::<B>(x, i, RSI, 1);
        Ok(false)
    }
}

macro_rules! instruction {
    ($name:ident, $step:ident, $doc:literal) => {
        #[doc = $doc]
        ///
        /// # Errors
        /// A fault of an access; the iterations before it have happened.
        pub fn $name<const B: u32>(x: &mut Exec, i: &Insn) -> R {
            run::<$step, B>(x, i)
        }
    };
}
instruction!(movs, Movs, "MOVS.");
instruction!(stos, Stos, "STOS.");
instruction!(lods, Lods, "LODS.");
instruction!(scas, Scas, "SCAS.");
instruction!(cmps, Cmps, "CMPS.");
instruction!(ins, Ins, "INS.");
instruction!(outs, Outs, "OUTS.");
