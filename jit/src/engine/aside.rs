//! What the engine does beside running: old code gives way, kept translations are looked up, people are shown what they asked for.

use super::{Jit, Side};
use crate::mode::Mode;
use crate::show::Entered;
use ferrite_core::engine::Hot;
use ferrite_core::exec::Exec;
use ferrite_core::isa::cache::BlockId;
use ferrite_core::memory::PAGE_SIZE;
use std::collections::BTreeMap;

impl Jit {
    /// Drops the oldest translations, but for a region that is about to be placed anew: the memory for code is full.
    #[cold]
    pub(super) fn evict(&mut self, x: &mut Exec, but: u32) {
        let gone = self.memory.advance();
        let mut evicted = vec![false; self.regions.len()];
        for id in 0..self.regions.len() as u32 {
            if id != but && gone.contains(&self.regions[id as usize].code) {
                self.unlink(x, id);
                self.drop_region(x, id);
                let r = &mut self.regions[id as usize];
                (r.code, r.insns, r.runs) = (0, Box::default(), Vec::new());
                evicted[id as usize] = true;
                self.counts.evicted += 1;
            }
        }
        self.evict_drafts(x, &gone);
        self.jumps.forget_branches(&gone);
        // None, when the segment had not been used yet.
        self.counts.emptied += u64::from(evicted.contains(&true));
        // What is still hot comes back before long.
        let heat = self.config.threshold - self.config.threshold / 4;
        for s in &mut self.sides {
            if s.region != 0 && evicted[s.region as usize - 1] {
                *s = Side { heat, region: 0, entry: 0, ..*s };
                if let Some(id) = s.draft.checked_sub(1) {
                    self.drafts.wait(id, self.config.threshold / 4);
                }
            }
        }
    }

    /// Takes up the kept translations, now that the processor is known.
    #[cold]
    pub(super) fn open_shelf(&mut self, x: &Exec) {
        self.opened = true;
        if let Some(Ok(mut store)) = self.shelf.as_ref().map(|s| s.lock()) {
            store.open(&x.model);
        }
    }

    /// Whether a translation of a block is kept. While the shelf is in use by the other thread, none is.
    #[cold]
    pub(super) fn is_kept(&self, x: &Exec, block: BlockId, mode: Mode) -> bool {
        let Some((at, _)) = self.interp.cache.place(block) else { return false };
        let (page, entry) = ((at & !(PAGE_SIZE - 1)) as usize, (at & (PAGE_SIZE - 1)) as u16);
        let Some(Ok(store)) = self.shelf.as_ref().map(|s| s.try_lock()) else { return false };
        x.sys
            .mem
            .backing()
            .get(page..page + PAGE_SIZE as usize)
            .is_some_and(|p| store.knows(mode.number() as u32, entry, p))
    }

    /// Shows a region if it was asked for.
    #[cold]
    pub(super) fn show(&mut self, x: &Exec, id: u32, linear: u64) {
        let r = &self.regions[id as usize];
        let entered = Entered { linear: linear & !(PAGE_SIZE - 1), page: r.page, code: r.code, runs: &r.runs };
        self.shows.look(&entered, || r.request(id, x.model));
    }

    /// See [`ferrite_core::engine::Engine::hottest`].
    pub(super) fn hot(&self) -> Vec<Hot> {
        let mut all: BTreeMap<u64, Hot> = BTreeMap::new();
        for r in self.regions.iter().filter(|r| r.entered > 0) {
            let address = r.linear + u64::from(r.entries.first().copied().unwrap_or(0));
            let hot = all.entry(address).or_insert(Hot { address, entered: 0, retired: 0 });
            hot.entered += r.entered;
            hot.retired += r.retired;
        }
        let mut all: Vec<Hot> = all.into_values().collect();
        all.sort_by_key(|h| std::cmp::Reverse(h.retired));
        all
    }
}

/// See `Jit::first_look`.
pub(super) const fn first_look(threshold: u32) -> u32 {
    let low = threshold & 0xff;
    match threshold {
        0..0x100 => threshold,
        _ if low < 16 => low + 0x100,
        _ => low,
    }
}
