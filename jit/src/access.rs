//! Accesses to guest memory: segments, the software TLB inline, and what a block knows of pages that it has looked up.

use crate::abi;
use crate::ahead::Span;
use crate::mode::{SegKind, linear_mask};
use crate::tr::{Tr, state_access};
use crate::value::{Bin, Un, V, int};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Value, types};
use ferrite_core::exec::CodeSize;
use ferrite_core::memory::{PAGE_SHIFT, PAGE_SIZE};
use ferrite_core::mmu::tlb::ENTRIES;

/// Pages that a block keeps in mind.
const SEEN: usize = 6;
/// An offset in a page that nothing is near.
const FAR: i64 = 1 << 30;

/// A page that was found in the TLB, as a rule, and where an access lay in it. It holds until something else than translated code runs:
/// nothing that translated code does by itself changes the TLB.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The linear address is this, a constant aside.
    root: V,
    disp: u64,
    /// Bytes from here to there, seen from the linear address, were shown to lie in the page: what lies between two such bytes does.
    span: Span,
    /// The linear address, its offset in the page, and the host's address.
    lin: Value,
    off: Value,
    host: Value,
    /// What its page is known by, if that says whether it may be written, and whether it has. What may be written may be read.
    tag: Option<Tag>,
    write: bool,
    /// The linear address is a multiple of this.
    align: u64,
    /// It may have been found by [`Tr::look_further`] instead: `host` is good for that access only then, and `off` is [`FAR`].
    reached: bool,
}

/// What a page that was found is known by.
#[derive(Clone, Copy, Debug)]
pub enum Tag {
    /// Its entry in the TLB.
    Entry(Value),
    /// The linear address of one that may be written: what was found lies in that, or may not.
    Page(Value),
}

/// Flags of an access to guest memory.
pub fn guest_access() -> MemFlagsData {
    let mut f = MemFlagsData::new();
    f.set_notrap();
    f.set_endianness(Endianness::Little);
    f
}

/// Whether the host rotates a register into another in one instruction, but shifts it in two: BMI2's RORX.
fn rotates() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("bmi2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

impl Tr<'_, '_> {
    /// The linear address of an offset in a segment, after the checks that the mode does not make needless.
    fn linear(&mut self, seg: u8, off: V, bytes: u64, write: bool) -> V {
        if self.mode.code() == CodeSize::Bits64 {
            if seg < 4 {
                return off;
            }
            let base = self.get_state(types::I64, abi::window_base(seg));
            let base = self.v.clif(base, 64);
            return self.v.bin(Bin::Add, base, off);
        }
        let kind = match self.mode.segment(seg) {
            SegKind::Flat if seg == 1 && write => SegKind::Any,
            SegKind::Real if seg == 1 && write => SegKind::Any,
            kind => kind,
        };
        match kind {
            SegKind::Flat => return self.v.un(Un::Zext(32), off),
            SegKind::Real => {
                let limit = self.v.imm(0x1_0000 - bytes);
                let over = self.v.cmp_unsigned(IntCC::UnsignedGreaterThan, off, limit);
                if self.v.constant(over) != Some(0) && (bytes > 1 || self.v.width(off) > 16) {
                    let over = self.v.lower_condition(self.b, over);
                    self.redo_if(over);
                }
            }
            SegKind::Any => {
                let off = self.lower(off, 64);
                let lo = self.get_state(types::I64, abi::window_lo(seg));
                let hi = self.get_state(types::I64, abi::window_hi(seg, write));
                let below = self.b.ins().icmp(IntCC::SignedLessThan, off, lo);
                let n = self.b.ins().iconst(types::I64, bytes as i64 - 1);
                let hi = self.b.ins().isub(hi, n);
                let above = self.b.ins().icmp(IntCC::SignedGreaterThan, off, hi);
                let out = self.b.ins().bor(below, above);
                self.redo_if(out);
            }
        }
        let base = self.get_state(types::I64, abi::window_base(seg));
        let base = self.v.clif(base, 32);
        let lin = self.v.bin(Bin::Add, base, off);
        let mask = self.v.imm(linear_mask(self.model));
        self.v.bin(Bin::And, lin, mask)
    }

    /// The host address of `bytes` bytes in a segment. The instruction is interpreted where the TLB does not have the page, or
    /// the access crosses into the next.
    ///
    /// Where the block has looked a page up by the same register already, no more than that the access lies in the same page is left
    /// to be shown.
    pub fn address(&mut self, seg: u8, off: V, bytes: u64, write: bool) -> Value {
        self.address_of(seg, off, bytes, write, false)
    }

    /// The same; with `aligned`, of an access that faults where it is not (by its size, a power of two).
    pub fn address_of(&mut self, seg: u8, off: V, bytes: u64, write: bool, aligned: bool) -> Value {
        let lin = self.linear(seg, off, bytes, write);
        let width = if self.mode.code() == CodeSize::Bits64 { 64 } else { 32 };
        let (root, disp) = self.v.root(lin, width);
        if let Some(k) = self.seen.iter().position(|s| s.root == root)
            && let Some(host) = self.address_near(k, disp, width, bytes, write, aligned)
        {
            return host;
        }
        let lin = self.lower(lin, 64);
        let reach = self.alone && !aligned;
        let kept = if self.alone || aligned { None } else { self.kept_for(root, disp, width, write) };
        let span = if aligned { (0, bytes as i64) } else { self.span(0, bytes) };
        let (off, host, tag) = match kept {
            Some(k) => self.look_in_page(k, lin, span, write),
            None => self.look_up(lin, span, write, aligned),
        };
        if self.v.constant(root).is_none() {
            self.seen.retain(|s| s.root != root);
            if self.seen.len() == SEEN {
                self.seen.remove(0);
            }
            let align = if aligned { bytes } else { 1 };
            self.seen.push(Seen { root, disp, span, lin, off, host, tag, write, align, reached: reach });
        }
        host
    }

    /// What an access to bytes at a distance shows to lie in the page, seen from where that is counted: they, and what is ahead.
    fn span(&self, delta: i64, bytes: u64) -> Span {
        (delta + self.ahead.0, delta + self.ahead.1.max(bytes as i64))
    }

    /// Looks an access up in the TLB, with all that is to lie in its page: its offset in that, the host's address, and the entry.
    fn look_up(&mut self, lin: Value, span: Span, write: bool, aligned: bool) -> (Value, Value, Option<Tag>) {
        let entry = self.tlb_entry(lin);
        let (off, miss) = self.misses(lin, entry, span, write, aligned);
        let (off, host) = if self.alone && !aligned {
            self.reach(lin, off, entry, miss, span.1 as u64, write)
        } else {
            self.redo_if(miss);
            let addend = self.b.ins().load(types::I64, state_access(), entry, abi::ADDEND);
            (off, self.b.ins().iadd(addend, lin))
        };
        (off, host, Some(Tag::Entry(entry)))
    }

    /// The offset of an access in the page that an entry's tag is of, and whether it, or what else is to, does not lie in that. With
    /// `aligned`, one that is not aligned by its size does not, and nothing else is looked at.
    pub fn misses(&mut self, lin: Value, entry: Value, span: Span, write: bool, aligned: bool) -> (Value, Value) {
        let tag = self.b.ins().load(types::I64, state_access(), entry, abi::tag(write));
        let off = self.b.ins().isub(lin, tag);
        let miss = if aligned {
            self.b.ins().band_imm_s(off, !(PAGE_SIZE as i64 - span.1))
        } else {
            self.leaves_page(off, span)
        };
        (off, miss)
    }

    /// Whether not all of a span lies in the page that `off` is an offset in.
    pub fn leaves_page(&mut self, off: Value, span: Span) -> Value {
        let first = if span.0 == 0 {
            off
        } else {
            let n = self.b.ins().iconst(types::I64, span.0);
            self.b.ins().iadd(off, n)
        };
        let last = PAGE_SIZE as i64 - (span.1 - span.0);
        self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, first, last)
    }

    /// The offset in the page, and the host address, behind a look at the TLB. Where that missed, [`Self::look_further`]: this is for
    /// instructions that miss often. What was found so is near nothing.
    fn reach(&mut self, lin: Value, off: Value, entry: Value, miss: Value, bytes: u64, write: bool) -> (Value, Value) {
        let (hit, cold, on) = (self.b.create_block(), self.cold_block(), self.b.create_block());
        let (host, at) = (self.b.append_block_param(on, types::I64), self.b.append_block_param(on, types::I64));
        self.b.ins().brif(miss, cold, &[], hit, &[]);
        self.b.switch_to_block(hit);
        let addend = self.b.ins().load(types::I64, state_access(), entry, abi::ADDEND);
        let found = self.b.ins().iadd(addend, lin);
        self.b.ins().jump(on, &[found.into(), off.into()]);
        self.b.switch_to_block(cold);
        let found = self.look_further(lin, bytes, write);
        let far = self.b.ins().iconst(types::I64, FAR);
        self.b.ins().jump(on, &[found.into(), far.into()]);
        self.b.switch_to_block(on);
        (at, host)
    }

    /// The host address by the engine's function, which looks beyond the TLB, and puts together what is to be read from two pages. Where
    /// it finds none, the instruction is interpreted.
    fn look_further(&mut self, lin: Value, bytes: u64, write: bool) -> Value {
        let found = if let Some(keeping) = self.imports.keeping {
            let f = abi::word(if write { abi::KEEPING_REACH_WRITE } else { abi::KEEPING_REACH });
            let f = self.get_state(types::I64, f);
            let n = self.b.ins().iconst(types::I64, bytes as i64);
            self.b.ins().call_indirect(keeping.reach, f, &[self.exec, lin, n]);
            self.get_state(types::I64, abi::word(abi::REACHED))
        } else {
            let what = self.b.ins().iconst(types::I64, bytes as i64 | i64::from(write) << 8);
            let call = self.b.ins().call(self.imports.reach, &[self.exec, lin, what]);
            self.b.inst_results(call)[0]
        };
        let (on, none) = (self.cold_block(), self.cold_block());
        self.b.ins().brif(found, on, &[], none, &[]);
        self.b.switch_to_block(none);
        self.redo();
        self.b.switch_to_block(on);
        found
    }

    /// As [`Self::address_of`], by the page found for the `k`th of those seen. `None` where it is too far away, or was not looked up for
    /// that by an instruction that misses often.
    fn address_near(
        &mut self,
        k: usize,
        disp: u64,
        width: u32,
        bytes: u64,
        write: bool,
        aligned: bool,
    ) -> Option<Value> {
        let seen = self.seen[k];
        let delta = disp.wrapping_sub(seen.disp) as i64;
        let delta = if width == 32 { i64::from(delta as i32) } else { delta };
        if delta.unsigned_abs() >= PAGE_SIZE / 2 {
            return None;
        }
        let unchecked = if write && !seen.write { Some(seen.tag?) } else { None };
        let checked = unchecked.is_none();
        let may = if self.alone { checked && !aligned && self.imports.keeping.is_some() } else { !seen.reached };
        if !may {
            return None;
        }
        let known = aligned && seen.align >= bytes && delta as u64 & (bytes - 1) == 0;
        if aligned && !known {
            let n = self.b.ins().iconst(types::I64, delta);
            let lin = self.b.ins().iadd(seen.lin, n);
            let low = self.b.ins().band_imm_u(lin, bytes as i64 - 1);
            self.redo_if(low);
            if delta as u64 & (bytes - 1) == 0 {
                self.seen[k].align = bytes;
            }
        }
        // What was put together from two pages may be something else by now: it is looked at each time.
        if self.alone {
            let out = self.leaves_page(seen.off, (delta, delta + bytes as i64));
            return Some(self.beside(&seen, delta, width, out, bytes, write));
        }
        if delta < seen.span.0 || delta + bytes as i64 > seen.span.1 {
            let span = self.span(delta, bytes);
            let out = self.leaves_page(seen.off, span);
            self.redo_if(out);
            self.seen[k].span = (seen.span.0.min(span.0), seen.span.1.max(span.1));
        }
        if let Some(tag) = unchecked {
            let tag = match tag {
                Tag::Page(page) => page,
                Tag::Entry(entry) => self.b.ins().load(types::I64, state_access(), entry, abi::tag(true)),
            };
            let off = self.b.ins().isub(seen.lin, tag);
            let miss = self.b.ins().icmp(IntCC::NotEqual, off, seen.off);
            self.redo_if(miss);
        }
        self.seen[k].write |= write;
        if delta == 0 {
            return Some(seen.host);
        }
        let n = self.b.ins().iconst(types::I64, delta);
        Some(self.b.ins().iadd(seen.host, n))
    }

    /// What is `delta` behind a host address, or where that is `out` of the page [`Self::look_further`].
    fn beside(&mut self, seen: &Seen, delta: i64, width: u32, out: Value, bytes: u64, write: bool) -> Value {
        let (cold, on) = (self.cold_block(), self.b.create_block());
        let found = self.b.append_block_param(on, types::I64);
        let n = self.b.ins().iconst(types::I64, delta);
        let near = self.b.ins().iadd(seen.host, n);
        self.b.ins().brif(out, cold, &[], on, &[near.into()]);
        self.b.switch_to_block(cold);
        let mut lin = self.b.ins().iadd(seen.lin, n);
        if width == 32 {
            lin = self.b.ins().band_imm_u(lin, 0xffff_ffff);
        }
        let other = self.look_further(lin, bytes, write);
        self.b.ins().jump(on, &[other.into()]);
        self.b.switch_to_block(on);
        found
    }

    /// The TLB's entry for a linear address, in the view of data accesses.
    pub fn tlb_entry(&mut self, lin: Value) -> Value {
        // Bits 12 and up say which.
        let n = self.b.ins().iconst(types::I32, i64::from(PAGE_SHIFT - abi::TLB_SHIFT));
        let at = if rotates() { self.b.ins().rotr(lin, n) } else { self.b.ins().ushr(lin, n) };
        let mask = self.b.ins().iconst(types::I64, (ENTRIES as i64 - 1) << abi::TLB_SHIFT);
        let at = self.b.ins().band(at, mask);
        let first = self.b.ins().load(types::I64, state_access(), self.exec, abi::word(abi::TLB));
        self.b.ins().iadd(first, at)
    }

    /// Reads `bits` from a host address, zero-extended.
    pub fn read_host(&mut self, host: Value, bits: u32) -> V {
        let f = guest_access();
        let v = match bits {
            8 => self.b.ins().uload8(types::I64, f, host, 0),
            16 => self.b.ins().uload16(types::I64, f, host, 0),
            32 => self.b.ins().uload32(f, host, 0),
            _ => self.b.ins().load(types::I64, f, host, 0),
        };
        self.v.clif(v, bits)
    }

    /// Writes the low `bits` to a host address.
    pub fn write_host(&mut self, host: Value, v: V, bits: u32) {
        let v = self.lower(v, bits);
        debug_assert_eq!(self.b.func.dfg.value_type(v), int(bits));
        self.b.ins().store(guest_access(), v, host, 0);
    }
}
