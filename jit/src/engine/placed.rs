//! Code that was made is put into memory, and found from other code; and is not any more.

use super::{Jit, Life, Side};
use crate::code::CodeMemory;
use crate::compile::Translation;
use crate::helper::{self, Import};
use crate::jumps::{Branch, Code, Fixed, Place};
use crate::links::{self, Link};
use crate::mode::Mode;
use ferrite_core::exec::Exec;

impl Jit {
    /// Takes a region's entries out of the jump table.
    pub(super) fn unlink(&mut self, x: &mut Exec, id: u32) {
        for n in 0..self.regions[id as usize].entries.len() {
            let r = &self.regions[id as usize];
            self.unset(x, r.mode, r.page + u64::from(r.entries[n]), r.code);
        }
    }

    /// Guest code at a position is entered by `code`.
    pub(super) fn set(&mut self, x: &mut Exec, mode: Mode, at: u64, code: Code) {
        if self.jumps.set(&mut self.memory, mode, Place { base: x.sys.mem.base(), at }, code) {
            x.tlb.forget_ways();
        }
    }

    /// It is no more, if it was by the code at `code`.
    pub(super) fn unset(&mut self, x: &mut Exec, mode: Mode, at: u64, code: u64) {
        if self.jumps.unset(&mut self.memory, mode, Place { base: x.sys.mem.base(), at }, code) {
            x.tlb.forget_ways();
        }
    }

    /// Has the branches of code that was just placed lead to what is at their targets in the page.
    pub(super) fn link(&mut self, mode: Mode, page: Place, code: u64, links: &[Link]) {
        for l in links {
            let place = Place { at: page.at + u64::from(l.to), ..page };
            let branch = Branch { at: code + u64::from(l.at), miss: code + u64::from(l.miss) };
            self.jumps.link(&mut self.memory, mode, place, branch);
        }
    }

    /// They are no more.
    pub(super) fn forget_links(&mut self, mode: Mode, page: Place, code: u64, links: &[Link]) {
        for l in links {
            let place = Place { at: page.at + u64::from(l.to), ..page };
            self.jumps.forget_branch(mode, place, code + u64::from(l.at));
        }
    }

    /// Places code, where need be in memory that other code must leave: but for what belongs to the region `but`.
    pub(super) fn place<T>(
        &mut self,
        x: &mut Exec,
        but: u32,
        mut place: impl FnMut(&mut CodeMemory) -> Option<T>,
    ) -> Option<T> {
        place(&mut self.memory).or_else(|| {
            self.evict(x, but);
            place(&mut self.memory)
        })
    }

    /// The branches of a region's code are no more.
    pub(super) fn forget_code(&mut self, x: &Exec, id: u32) {
        let r = &mut self.regions[id as usize];
        let (mode, code, at) = (r.mode, r.code, r.page);
        let links = std::mem::take(&mut r.links);
        self.forget_links(mode, Place { base: x.sys.mem.base(), at }, code, &links);
    }

    /// Puts a finished translation to use.
    pub(super) fn install(&mut self, x: &mut Exec, id: u32, done: Option<Translation>, ns: u64) {
        self.counts.compile_ns += ns;
        let Some(r) = self.regions.get_mut(id as usize) else { return };
        r.again = false;
        if r.life == Life::Gone {
            return; // everything was dropped meanwhile
        }
        let Some(mut done) = done else {
            self.counts.refused += 1;
            r.life = Life::Dead;
            self.unlink(x, id); // nobody watches over it from here on
            return;
        };
        if let Some((runs, slow)) = done.of {
            (r.runs, r.slow) = (runs, slow);
            self.counts.found += 1;
        }
        let insns = done.insns.as_ptr() as u64;
        let (mode, base, page) = (r.mode, x.sys.mem.base(), r.page);
        let place = |at: i64| Place { base, at: page.wrapping_add_signed(at) };
        for p in &done.patches {
            let address = match p.import {
                n if n == Import::Cell as u32 => self.jumps.cell(mode, place(p.addend)),
                n if n == Import::WayTo as u32 => self.jumps.fixed(mode, place(0), Fixed::To(p.addend)),
                n if n == Import::WayFrom as u32 => self.jumps.fixed(mode, place(0), Fixed::From(p.addend as u16)),
                n => helper::address(n).unwrap_or(insns).wrapping_add_signed(p.addend),
            };
            let at = p.at as usize;
            done.code[at..at + 8].copy_from_slice(&address.to_ne_bytes());
        }
        // One that has no use for its code word needs no entries either.
        let wants = links::AVAILABLE && (done.entries.len() > 1 || !mode.is_flat());
        let mut around = links::entries(if wants { done.entries.len() } else { 0 });
        let ahead = around.len() as u64;
        around.append(&mut done.code);
        let placed = self.place(x, id, |memory| memory.place(&around));
        self.unlink(x, id); // from the code before
        self.forget_code(x, id);
        let Some(placed) = placed else {
            self.regions[id as usize].life = Life::Dead; // larger than a segment
            return;
        };
        let code = placed + ahead;
        self.link(mode, Place { base, at: page }, code, &done.links);
        let r = &mut self.regions[id as usize];
        (r.code, r.insns, r.links) = (code, done.insns, done.links);
        (r.bytes, r.has_entries) = (around.len() as u32, wants);
        if r.entries != done.entries {
            let known = std::mem::replace(&mut r.entries, done.entries);
            if known.len() > 1 {
                // Their numbers are others now.
                self.sides.iter_mut().filter(|s| s.region == id + 1).for_each(|s| *s = Side::default());
            }
        }
        r.life = Life::Stale; // until its bytes have been looked at, and watched
        self.counts.regions += 1;
        self.counts.insns += done.count as u64;
        self.counts.bytes += around.len() as u64;
        if self.config.perf_map {
            let r = &self.regions[id as usize];
            crate::dump::perf_map("region", placed, around.len(), r.page + u64::from(r.entries[0]));
        }
        if self.revive(x, id) {
            self.note_entries(x, id);
        }
    }

    /// Has blocks that a region can be entered at know it, and drafts go there.
    fn note_entries(&mut self, x: &mut Exec, id: u32) {
        for n in 0..self.regions[id as usize].entries.len() {
            let r = &self.regions[id as usize];
            let (mode, at, code) = (r.mode, r.page + u64::from(r.entries[n]), r.entered_by(n as u16));
            self.set(x, mode, at, code);
            let Some(block) = self.interp.cache.find(at, mode.code()) else { continue };
            if let Some(side) = self.sides.get_mut(block as usize)
                && side.region == 0
            {
                (side.region, side.entry) = (id + 1, n as u16);
            }
        }
    }
}
