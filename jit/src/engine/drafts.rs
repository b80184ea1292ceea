//! The drafts that there are: which block each is of, how hot it is, and when it is out of use.
//!
//! A draft belongs to a decoded block, and is good whenever that block is: the bytes are the same then. It is entered from here through
//! its block, and from other code as [`crate::jumps`] says, to which it is lost when the bytes are written to. One that goes on to the
//! blocks behind its own is lost for good when theirs are.

use super::{Jit, Life, Side, Way};
use crate::Config;
use crate::abi;
use crate::code::CodeMemory;
use crate::draft::{self, Block, Drafter};
use crate::jumps::Place;
use crate::links::Link;
use crate::mode::Mode;
use ferrite_core::exec::{CodeSize, Exec};
use ferrite_core::isa::Insn;
use ferrite_core::isa::cache::{BlockId, granules, granules_across};
use ferrite_core::isa::insn::flag;
use ferrite_core::large;
use ferrite_core::memory::{PAGE_SHIFT, PAGE_SIZE, StaleCode};
use iced_x86::FlowControl;
use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

/// Counters in a piece of memory.
const COUNTERS: usize = 1024;
/// Executions of a draft between two looks whether its translation is there.
const AGAIN: u32 = 1000;
/// Instructions in a draft of several blocks at most, about.
const LONG: usize = 96;
/// A draft goes on to a block that has run so many times less, or more, often than one that is drafted; one that has run more often
/// still is mostly come to from elsewhere.
const LESS: u32 = 4;
const MORE: u32 = 16;
/// A draft that asks for nothing any more: so many executions are no matter.
const NEVER: u32 = i32::MAX as u32;

/// A draft.
#[derive(Debug)]
struct One {
    /// Its page, and the first and last-plus-one offsets of what it has; the page with what is behind the end of that.
    page: u64,
    run: (u16, u16),
    /// Where its own block ends: what it has may go on.
    own: u16,
    tail: Option<u64>,
    mode: Mode,
    /// 0 when it is out of use for good.
    code: u64,
    /// What an execution counts for.
    weight: u8,
    block: BlockId,
    /// What its code refers to, and its branches in the page.
    _insns: Box<[Insn]>,
    links: Vec<Link>,
    /// The draft of the same block for another mode, plus one.
    next: u32,
}

impl One {
    /// The pages that its code is of.
    fn pages(&self) -> impl Iterator<Item = u64> + use<> {
        std::iter::once(self.page).chain(self.tail)
    }

    /// The granules of `page`, one of its pages, that its bytes touch.
    fn granules(&self, page: u64) -> u64 {
        granules_across(page, self.page, self.tail, &(self.run.0.into()..self.run.1.into()))
    }

    /// The granules of its page that the blocks behind its own touch.
    fn granules_behind(&self) -> u64 {
        if self.own < self.run.1 { granules(self.own.into(), self.run.1.into()) } else { 0 }
    }
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Drafts {
    /// Executions of a block before it is drafted; 0 where none is.
    pub threshold: u32,
    /// Executions of a draft before its code is translated.
    hot: u32,
    drafter: Drafter,
    thunks: [u64; draft::THUNKS],
    all: Vec<One>,
    free: Vec<u32>,
    /// How often each may still run: what translated code counts down. They stay where they are.
    counters: Vec<Box<[Cell<u32>; COUNTERS]>>,
    /// Drafts by page.
    pages: Vec<Vec<u32>>,
    pub written: u64,
    pub insns: u64,
    pub bytes: u64,
    pub ns: u64,
}

impl Drafts {
    /// `None` when the memory has no room for what drafts call.
    pub fn new(config: &Config, memory: &mut CodeMemory) -> Option<Self> {
        let mut thunks = [0; draft::THUNKS];
        if draft::AVAILABLE {
            for (at, code) in thunks.iter_mut().zip(draft::thunks()) {
                *at = memory.place(&code)?;
            }
        }
        Some(Self {
            threshold: if draft::AVAILABLE { config.drafts } else { 0 },
            hot: config.threshold.clamp(1, NEVER),
            drafter: Drafter::new(),
            thunks,
            all: Vec::new(),
            free: Vec::new(),
            counters: Vec::new(),
            pages: Vec::new(),
            written: 0,
            insns: 0,
            bytes: 0,
            ns: 0,
        })
    }

    /// Forgets all drafts.
    pub fn clear(&mut self) {
        self.all.clear();
        self.free.clear();
        self.pages.clear();
    }

    /// Puts what drafts call where they find it.
    pub fn say_where(&self, x: &mut Exec) {
        for (n, at) in abi::THUNKS.into_iter().zip(self.thunks) {
            x.words[n] = at;
        }
    }

    /// Mode, position and code of a draft.
    pub fn place(&self, id: u32) -> (Mode, u64, u64) {
        let d = &self.all[id as usize];
        (d.mode, d.page + u64::from(d.run.0), d.code)
    }

    fn counter(&mut self, id: u32) -> &Cell<u32> {
        let (piece, n) = (id as usize / COUNTERS, id as usize % COUNTERS);
        while self.counters.len() <= piece {
            self.counters.push(Box::new([const { Cell::new(0) }; COUNTERS]));
        }
        &self.counters[piece][n]
    }

    /// Lets a draft run so many times before it asks for a translation.
    pub fn wait(&mut self, id: u32, times: u32) {
        self.counter(id).set(times);
    }

    /// Executions of a block, those of its draft among them.
    pub fn heat(&self, side: Side) -> u32 {
        let Some(id) = side.draft.checked_sub(1) else { return side.heat };
        let left = self.counters.get(id as usize / COUNTERS).map_or(0, |c| c[id as usize % COUNTERS].get());
        // One that has been counted out, or asks for nothing, is as hot as can be.
        let counted = if left >= self.hot { self.hot } else { self.hot - left };
        side.heat.saturating_add(counted / self.weight(side))
    }

    fn weight(&self, side: Side) -> u32 {
        side.draft.checked_sub(1).map_or(1, |id| self.all[id as usize].weight.into())
    }

    /// Executions by which a block is so hot that its code is translated.
    pub fn executions(&self, side: Side) -> u32 {
        self.hot / self.weight(side)
    }

    /// Where the blocks begin and end that a block's draft goes on to.
    pub fn behind(&self, side: Side) -> Option<Range<u16>> {
        let d = &self.all[side.draft.checked_sub(1)? as usize];
        Some(d.own..d.run.1)
    }

    /// The drafts of code in a page.
    fn of_page(&self, page: u64) -> &[u32] {
        self.pages.get((page >> PAGE_SHIFT) as usize).map_or(&[], Vec::as_slice)
    }

    /// Has a draft found by its pages.
    fn enlist(&mut self, id: u32) {
        for page in self.all[id as usize].pages() {
            let index = (page >> PAGE_SHIFT) as usize;
            if self.pages.len() <= index {
                self.pages.resize(index + 1, Vec::new());
            }
            self.pages[index].push(id);
        }
    }

    fn add(&mut self, one: One) -> u32 {
        match self.free.pop() {
            Some(id) => {
                self.all[id as usize] = one;
                id
            }
            None => {
                large::reserve(&mut self.all, 1);
                self.all.push(one);
                self.all.len() as u32 - 1
            }
        }
    }
}

impl Jit {
    /// The draft of a block; writes it if there is none yet.
    pub(super) fn draft_at(&mut self, x: &mut Exec, block: BlockId, mode: Mode) -> Option<Way> {
        if self.drafts.threshold == 0 {
            return None;
        }
        let first = self.sides[block as usize].draft;
        let mut next = first;
        while let Some(id) = next.checked_sub(1) {
            let d = &self.drafts.all[id as usize];
            if d.mode == mode {
                return (d.code != 0).then_some(Way::Draft(id));
            }
            next = d.next;
        }
        self.write_draft(x, block, mode, first)
    }

    #[cold]
    fn write_draft(&mut self, x: &mut Exec, block: BlockId, mode: Mode, next: u32) -> Option<Way> {
        let (at, len, tail) = self.interp.cache.place_across(block)?;
        let page = at & !(PAGE_SIZE - 1);
        let start = (at & (PAGE_SIZE - 1)) as u16;
        let own = start + len;
        // What a draft was made of before may be other bytes by now.
        let old = self.drafts.of_page(page).iter().copied().find(|&id| {
            let d = &self.drafts.all[id as usize];
            d.page == page && d.run.0 == start && d.mode == mode
        });
        if let Some(old) = old {
            self.drop_draft(x, old);
        }
        let side = self.sides[block as usize];
        let long = if tail.is_none() && !side.alone { self.goes_on(page, start, block, mode.code()) } else { own };
        let (run, insns) = ((start, own), Box::default());
        let one = One { page, run, own, tail, mode, code: 0, weight: 1, block, _insns: insns, links: Vec::new(), next };
        let id = self.drafts.add(one);
        let left = self.drafts.hot.saturating_sub(side.heat).max(1);
        let counter = self.drafts.counter(id);
        counter.set(left);
        let counter = counter.as_ptr().expose_provenance() as u64;
        let bytes = x.sys.mem.backing();
        let len = long - start;
        let here = usize::from(len).min((page + PAGE_SIZE - at) as usize);
        let mut text: Cow<'_, [u8]> = Cow::Borrowed(&bytes[at as usize..at as usize + here]);
        if let Some(tail) = tail {
            text.to_mut().extend_from_slice(&bytes[tail as usize..tail as usize + usize::from(len) - here]);
        }
        let place = |at: u64| Place { base: x.sys.mem.base(), at };
        let (here, tail_place) = (place(page), tail.map(place));
        let request = Block { start, text: &text, mode, model: &x.model, page: here, tail: tail_place, counter };
        let drafter = &mut self.drafts.drafter;
        let (done, ns) = crate::worker::timed(|| {
            drafter.draft(&request).or_else(|| {
                // Too much, perhaps, for what is one block alone is not.
                let text = &request.text[..usize::from(own - start)];
                (own < long).then(|| drafter.draft(&Block { text, ..request }))?
            })
        });
        self.drafts.ns += ns;
        self.drafts.enlist(id);
        self.sides[block as usize].draft = id + 1;
        // Without one, the block stays with the interpreter, and is not asked about again.
        let mut done = done?;
        self.drafts.written += 1;
        self.drafts.insns += u64::from(done.count);
        self.drafts.bytes += done.code.len() as u64;
        for (at, which) in std::mem::take(&mut done.ways) {
            let (at, way) = (at as usize, self.jumps.fixed(mode, here, which));
            done.code[at..at + 8].copy_from_slice(&way.to_le_bytes());
        }
        let placed = self.place(x, u32::MAX, |memory| memory.place_apart(&mut done.code, done.cold, &done.across))?;
        for l in &mut done.links {
            (l.at, l.miss) = (placed.offset(l.at), placed.offset(l.miss));
        }
        let code = placed.at;
        self.link(mode, here, code, &done.links);
        let d = &mut self.drafts.all[id as usize];
        (d.run.1, d.code, d._insns, d.links) = (start + done.len, code, done.insns, done.links);
        d.weight = done.weight;
        if self.config.perf_map {
            let (len, cold) = (done.code.len() as u64, u64::from(done.cold));
            crate::dump::perf_map("draft", code, done.cold as usize, at);
            crate::dump::perf_map("draft-cold", code + u64::from(placed.offset(done.cold)), (len - cold) as usize, at);
        }
        Some(Way::Draft(id))
    }

    /// The end of the blocks that the one at `start` goes on to one behind the other: those that ran about as often, as far as is known by
    /// now.
    fn goes_on(&self, page: u64, start: u16, mut block: BlockId, code: CodeSize) -> u16 {
        let cache = &self.interp.cache;
        let (mut end, mut insns) = (start, 0);
        loop {
            let list = cache.insns(block);
            let Some(last) = list.last() else { return end };
            end += last.end;
            insns += list.len();
            let through = !last.has(flag::ENDS) || last.iced().flow_control() == FlowControl::ConditionalBranch;
            if !through || insns >= LONG || u64::from(end) >= PAGE_SIZE {
                return end;
            }
            let Some(next) = cache.find(page + u64::from(end), code) else { return end };
            let side = self.sides.get(next as usize).copied().unwrap_or_default();
            let (heat, drafted) = (self.drafts.heat(side), self.drafts.threshold);
            if side.region != 0 || heat < drafted / LESS || heat > drafted.saturating_mul(MORE) {
                return end;
            }
            block = next;
        }
    }

    /// A draft that ran to the block has run often enough: what it is of is translated.
    #[cold]
    pub(super) fn draft_is_hot(&mut self, x: &mut Exec, block: BlockId) {
        self.look_at_mode(x);
        let Some(mode) = self.mode else { return };
        let Some(side) = self.sides.get_mut(block as usize) else { return };
        side.heat = side.heat.max(self.drafts.executions(*side));
        let Side { region, waited, .. } = *side;
        let inside = if region == 0 && !waited { self.inside(block, mode) } else { None };
        if region == 0 && inside.is_none() {
            let _ = self.find(x, block, mode);
        }
        let side = &mut self.sides[block as usize];
        let times = match (inside, side.region.checked_sub(1)) {
            // While a translation is under way, the draft goes on, and looks whether it is there.
            (Some(Life::Asked), _) => AGAIN,
            (None, Some(id)) if self.regions[id as usize].life == Life::Asked => AGAIN,
            // All of a loop is hot at once, and one region has it: who comes here from elsewhere may have another later.
            (Some(_), _) => {
                side.waited = true;
                (self.drafts.hot / 4).max(1)
            }
            (None, _) => NEVER,
        };
        if let Some(Way::Draft(id)) = self.draft_at(x, block, mode) {
            self.drafts.wait(id, times);
        }
    }

    /// Where no region is entered at a block, whether one that has it is being translated, or live.
    fn inside(&self, block: BlockId, mode: Mode) -> Option<Life> {
        let (at, _) = self.interp.cache.place(block)?;
        if self.entry_of(at, mode).is_some() {
            return None;
        }
        let start = (at & (PAGE_SIZE - 1)) as u16;
        self.pages.get((at >> PAGE_SHIFT) as usize)?.iter().find_map(|&id| {
            let r = &self.regions[id as usize];
            let has = r.mode == mode && r.runs.iter().any(|&(a, _)| a == start);
            (has && matches!(r.life, Life::Asked | Life::Live)).then_some(r.life)
        })
    }

    /// Takes a draft out of the jump table.
    fn unlink_draft(&mut self, x: &mut Exec, id: u32) {
        let (mode, place, code) = self.drafts.place(id);
        self.unset(x, mode, place, code);
    }

    /// Takes the drafts that a write has touched out of the jump table. Their blocks know when they are good again, but not of what lies
    /// behind them.
    pub(super) fn unlink_drafts(&mut self, x: &mut Exec, stale: StaleCode) {
        for id in self.drafts.of_page(stale.page).to_vec() {
            let d = &self.drafts.all[id as usize];
            if d.granules_behind() & stale.granules != 0 {
                // Data beside code is written again and again: not a draft for each time.
                let block = d.block as usize;
                if let Some(side) = self.sides.get(block).copied() {
                    self.sides[block] = Side { heat: self.drafts.heat(side), alone: true, ..side };
                }
                self.drop_draft(x, id);
            } else if d.granules(stale.page) & stale.granules != 0 {
                self.unlink_draft(x, id);
            }
        }
    }

    /// Lets go of a draft.
    fn drop_draft(&mut self, x: &mut Exec, id: u32) {
        self.unlink_draft(x, id);
        let d = &mut self.drafts.all[id as usize];
        let (mode, at, code) = (d.mode, d.page, std::mem::take(&mut d.code));
        let links = std::mem::take(&mut d.links);
        d._insns = Box::default();
        self.forget_links(mode, Place { base: x.sys.mem.base(), at }, code, &links);
        let d = &self.drafts.all[id as usize];
        let (block, next) = (d.block, d.next);
        for page in d.pages() {
            if let Some(list) = self.drafts.pages.get_mut((page >> PAGE_SHIFT) as usize) {
                list.retain(|&other| other != id);
            }
        }
        // Out of the chain of its block.
        if let Some(side) = self.sides.get_mut(block as usize) {
            let mut link = &mut side.draft;
            while *link != 0 && *link != id + 1 {
                let at = (*link - 1) as usize;
                link = &mut self.drafts.all[at].next;
            }
            if *link == id + 1 {
                *link = next;
            }
        }
        self.drafts.free.push(id);
    }

    /// Lets go of the drafts whose code lies in memory that is used anew.
    pub(super) fn evict_drafts(&mut self, x: &mut Exec, gone: &Range<u64>) {
        for id in 0..self.drafts.all.len() as u32 {
            if gone.contains(&self.drafts.all[id as usize].code) {
                self.drop_draft(x, id);
                self.counts.evicted += 1;
            }
        }
    }
}
