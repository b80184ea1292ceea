//! The engine's loop: blocks are interpreted and counted; those that are hot are translated; translations are found again.
#![allow(unsafe_code)] // entering translated code, and handing it addresses

mod aside;
mod drafts;
mod hot;
mod placed;

use crate::abi::{self, REASONS, Reason};
use crate::code::CodeMemory;
use crate::compile::Compiler;
use crate::draft;
use crate::jumps::{Code, Jumps, Place};
use crate::links::{self, Link};
use crate::mode::{Mode, linear_mask};
use crate::persist::{self, Shelf, Store};
use crate::plan::Request;
use crate::show::Shows;
use crate::worker::Worker;
use crate::{Config, Unavailable};
use drafts::Drafts;
use ferrite_core::cpu::Model;
use ferrite_core::engine::{Engine, Hot};
use ferrite_core::exec::{Exec, Exit};
use ferrite_core::interp::{Interpreter, block_here, boundary, pass, run_on};
use ferrite_core::isa::Insn;
use ferrite_core::isa::cache::{BlockId, granules, watch};
use ferrite_core::isa::helpers::interrupt;
use ferrite_core::large;
use ferrite_core::memory::{PAGE_SHIFT, PAGE_SIZE, StaleCode};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Modes that have a jump table at the same time at most: 96 MiB of them, if all were full.
const MAX_TABLES: usize = 16;
/// Instructions between two looks of [`Engine::run`]'s caller at most. See [`crate::kept`].
pub const LONGEST: u64 = 1 << 30;
/// Real changes of a region's code before nothing is translated there any more.
const MAX_CHANGES: u32 = 8;

/// The function that enters regions; see [`Compiler::gate`].
type Gate = unsafe extern "C" fn(*mut u8, u64, u64, u64, u64) -> u64;

/// What the engine knows of a decoded block.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    heat: u32,
    /// Number of the region that was last entered here, plus one.
    region: u32,
    /// Number of its entry.
    entry: u16,
    /// Number of its draft, plus one.
    draft: u32,
    /// A draft of it was lost with what lies behind it: the next one is of its own alone.
    alone: bool,
    /// It was hot, and part of a region already.
    waited: bool,
}

/// Code to enter.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// A region, at one of its entries.
    Region(u32, u16),
    Draft(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Being translated.
    Asked,
    /// Can be entered.
    Live,
    /// Its bytes were written to; it comes back if they are the same.
    Stale,
    /// Not to be asked for again.
    Dead,
    /// Let go of: what lies there now is another matter.
    Gone,
}

/// What came back from a region to be interpreted, as far as it was looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Redo {
    /// The instruction that was the first, and whether there were others.
    at: u16,
    many: bool,
    times: u32,
    /// The count at the first.
    since: u64,
}

#[derive(Debug)]
struct Region {
    life: Life,
    page: u64,
    /// Offsets in the page where it can be entered; what was asked for first.
    entries: Vec<u16>,
    mode: Mode,
    code: u64,
    /// In front of it are the entries that branches want.
    has_entries: bool,
    bytes: u32,
    runs: Vec<(u16, u16)>,
    text: Box<[u8]>,
    /// What its code refers to, and its branches in the page.
    insns: Box<[Insn]>,
    links: Vec<Link>,
    slow: Vec<u16>,
    redo: Redo,
    /// It is being translated once more, with more slow instructions.
    again: bool,
    /// The linear address of its page when it was last entered from here, how often that was, and the instructions that retired until
    /// control came back.
    linear: u64,
    entered: u64,
    retired: u64,
}

impl Region {
    /// How it is entered at one of its entries.
    fn entered_by(&self, n: u16) -> Code {
        let ahead = if self.has_entries { links::ENTRY as u64 * (u64::from(n) + 1) } else { 0 };
        Code { word: self.code | u64::from(n), address: self.code - ahead }
    }

    /// Its number alone is left.
    fn let_go(&mut self) {
        self.life = Life::Gone;
        (self.text, self.insns) = (Box::default(), Box::default());
        (self.runs, self.links, self.slow) = (Vec::new(), Vec::new(), Vec::new());
    }

    /// What it is made of once more.
    fn request(&self, id: u32, model: Model) -> Request {
        let Self { runs, text, mode, slow, .. } = self;
        Request { id, runs: runs.clone(), text: text.clone(), mode: *mode, model, slow: slow.clone() }
    }
}

#[derive(Debug, Default)]
struct Counts {
    regions: u64,
    insns: u64,
    bytes: u64,
    compile_ns: u64,
    enters: u64,
    exits: [u64; REASONS],
    invalidated: u64,
    revived: u64,
    /// How often everything was let go of: see [`Jit::make_room_for`].
    begun_anew: u64,
    /// Segments of code memory that were emptied, and regions and drafts that were in them.
    emptied: u64,
    evicted: u64,
    slow_sites: u64,
    /// Requests of which no translation could be made.
    refused: u64,
    /// Translations that were found instead of made.
    found: u64,
}

/// The engine `jit`.
pub struct Jit {
    interp: Interpreter,
    compiler: Back,
    memory: CodeMemory,
    gate: Gate,
    config: Config,
    /// Translations kept from run to run, and whether they have been taken up.
    shelf: Option<Shelf>,
    shows: Shows,
    opened: bool,
    /// Executions of a block before it is looked up there: no more than the threshold, and as far from it as 256 goes.
    first_look: u32,
    sides: Vec<Side>,
    /// Of which generation of the block cache the sides are.
    cleared: u64,
    regions: Vec<Region>,
    /// Regions by page.
    pages: Vec<Vec<u32>>,
    /// Code that was changed too often: positions in the backing.
    changes: BTreeMap<u64, u32>,
    jumps: Jumps,
    /// See [`abi::GO`]: for any code, and for flat code; of each for the system's, and for users'.
    go: [[u64; 2]; 2],
    mode: Option<Mode>,
    /// [`Exec::contexts`] when the mode was looked at.
    contexts: u64,
    pausing: bool,
    /// What runs next is interpreted: a region came back for that, and the machine was to be looked at first.
    interpret: bool,
    /// Instructions that came back.
    redone: u32,
    drafts: Drafts,
    counts: Counts,
}

/// Where translations are made.
#[derive(Debug)]
enum Back {
    Here(Box<Compiler>),
    There(Worker),
}

impl std::fmt::Debug for Jit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jit").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl Jit {
    /// An engine that has translated nothing yet.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub fn new(config: &Config) -> Result<Self, Unavailable> {
        let mut compiler = Compiler::new()?;
        let gate = if draft::AVAILABLE { Some(draft::gate()) } else { compiler.gate() };
        let mut memory = CodeMemory::new(config.code_cache.max(1))?;
        let no_room = || Unavailable::Memory("no room".to_owned());
        let mut kept = |code: Option<Vec<u8>>| {
            let code = code.ok_or_else(|| Unavailable::Host("no tail calls".to_owned()))?;
            memory.place(&code).ok_or_else(no_room)
        };
        let gate = kept(gate)?;
        let missing = kept(compiler.missing())?;
        let mut go = [[0; 2]; 2];
        for (flat, user) in [(false, false), (false, true), (true, false), (true, true)] {
            go[usize::from(flat)][usize::from(user)] = kept(compiler.go(flat, user))?;
        }
        let drafts = Drafts::new(config, &mut memory).ok_or_else(no_room)?;
        memory.keep();
        // SAFETY: the code at this address was made as a function of this type.
        let gate = unsafe { std::mem::transmute::<*const (), Gate>(gate as *const ()) };
        let store = |dir: &PathBuf| Arc::new(Mutex::new(Store::new(dir, compiler.description(), config.say)));
        let shelf = config.translations.as_ref().map(store);
        let compiler = if config.background {
            Back::There(Worker::new(compiler, shelf.clone()))
        } else {
            Back::Here(Box::new(compiler))
        };
        Ok(Self {
            interp: Interpreter::new(),
            compiler,
            memory,
            gate,
            config: config.clone(),
            first_look: if shelf.is_some() { aside::first_look(config.threshold) } else { config.threshold },
            shelf,
            shows: Shows::new(config.dump.clone(), config.say),
            opened: false,
            sides: Vec::new(),
            cleared: 0,
            regions: Vec::new(),
            pages: Vec::new(),
            changes: BTreeMap::new(),
            jumps: Jumps::new(missing),
            go,
            mode: None,
            contexts: u64::MAX,
            pausing: false,
            interpret: false,
            redone: 0,
            drafts,
            counts: Counts::default(),
        })
    }

    /// Drops decoded and translated code that was written to.
    fn drop_stale(&mut self, x: &mut Exec) {
        if x.sys.mem.has_stale_code() {
            for stale in x.sys.mem.take_stale_code() {
                self.interp.cache.invalidate(stale);
                self.invalidate(x, stale);
            }
        }
    }

    /// Everything that can happen between two instructions, and what of the engine's it concerns.
    fn boundary(&mut self, x: &mut Exec) -> Option<Exit> {
        self.drop_stale(x);
        let exit = boundary(x);
        while let Back::There(worker) = &mut self.compiler
            && let Some((id, done, ns)) = worker.take()
        {
            self.install(x, id, done, ns);
        }
        self.look_at_mode(x);
        exit
    }

    /// Follows what delivered events or helpers have changed of the mode.
    #[inline]
    fn look_at_mode(&mut self, x: &mut Exec) {
        if self.contexts == x.contexts && !self.jumps.is_full() {
            return;
        }
        self.contexts = x.contexts;
        let mode = Mode::of(x);
        // Translated code may have gone from one to another meanwhile: see [`abi::change_mode`].
        if mode == self.mode && mode.is_none_or(|mode| mode.is_running(x)) && !self.jumps.is_full() {
            return;
        }
        self.mode = mode;
        if let Some(mode) = mode {
            let begun_anew = self.make_room_for(mode);
            if begun_anew || !mode.is_running(x) {
                for (other, n) in (abi::OTHER..).zip(abi::OF_MODE) {
                    x.words[other] = if begun_anew { 0 } else { x.words[n] };
                }
            }
            [x.words[abi::JUMPS], x.words[abi::WAYS]] = self.jumps.addresses(mode);
            x.words[abi::MODE] = mode.number() as u64;
            x.words[abi::GO] = self.go[usize::from(mode.is_flat())][usize::from(mode.is_user())];
            x.words[abi::LINEAR_MASK] = linear_mask(x.model.name);
            self.drafts.say_where(x);
        }
    }

    /// Lets go of everything when a guest goes through more modes than have tables, or has code at too many places: the addresses of
    /// tables and cells are in translated code, so that none can go alone. True when it was so.
    fn make_room_for(&mut self, mode: Mode) -> bool {
        let full = !self.jumps.has(mode) && self.jumps.count() >= MAX_TABLES || self.jumps.is_full();
        if full {
            self.drop_all();
            self.jumps.clear();
            self.counts.begun_anew += 1;
        }
        full
    }

    /// Runs the block and what follows it, until something needs a look. True when the engine is to pause.
    fn chain(&mut self, x: &mut Exec, mut block: BlockId) -> bool {
        // What was delivered at this boundary may have more to come behind the next instruction.
        let mut interpret = std::mem::take(&mut self.interpret) || x.attention;
        loop {
            if !interpret && let Some(way) = self.way_at(x, block) {
                let before = x.retired;
                let reason = self.enter(x, way);
                if let Some(e) = x.fault.take() {
                    x.retired += 1;
                    interrupt::deliver(x, e);
                    return self.pausing;
                }
                interpret = matches!(reason, Reason::Redo | Reason::Limit | Reason::Outside);
                let pause = self.pausing && x.retired != before;
                if x.attention || x.retired >= x.limit || pause {
                    // The region must not be entered again first.
                    self.interpret = interpret;
                    return pause;
                }
                let Some(next) = block_here(&mut self.interp.cache, x) else { return false };
                block = next;
                if reason == Reason::Hot {
                    self.draft_is_hot(x, block);
                }
            } else {
                interpret = false;
                let Some(next) = run_on(&mut self.interp.cache, x, block) else { return false };
                block = next;
            }
            // The look-up of where it is may have written to code.
            interpret |= x.attention;
        }
    }

    /// The code to enter at the block that the instruction pointer is at; counts, and asks for some when it is time.
    #[inline]
    fn way_at(&mut self, x: &mut Exec, block: BlockId) -> Option<Way> {
        self.look_at_mode(x);
        let mode = self.mode?;
        if self.cleared != self.interp.cache.cleared {
            self.forget_blocks();
        }
        let at = block as usize;
        if at >= self.sides.len() {
            let end = at + 1024;
            let more = end - self.sides.len();
            large::reserve(&mut self.sides, more);
            self.sides.resize(end, Side::default());
        }
        let side = &mut self.sides[at];
        if side.region != 0 {
            let id = side.region - 1;
            let r = &self.regions[id as usize];
            if r.life == Life::Live && r.mode == mode {
                return Some(Way::Region(id, side.entry));
            }
            if r.mode != mode || !matches!(r.life, Life::Asked | Life::Dead) {
                return self.find(x, block, mode).or_else(|| self.draft_at(x, block, mode));
            }
            return self.draft_at(x, block, mode);
        }
        if side.draft != 0
            && let Some(way) = self.draft_at(x, block, mode)
        {
            return Some(way);
        }
        let side = &mut self.sides[at];
        side.heat += 1;
        let heat = side.heat;
        if side.draft == 0 && self.drafts.threshold != 0 && heat >= self.drafts.threshold {
            // One that had to give way comes back at once.
            return self.known(x, block, mode).or_else(|| self.draft_at(x, block, mode));
        }
        if heat < self.first_look || heat & 0xff != self.first_look & 0xff {
            return None;
        }
        if heat < self.config.threshold && !self.is_kept(x, block, mode) {
            return None;
        }
        self.find(x, block, mode)
    }

    /// The region of a block and a mode; asks for it if there is none.
    #[cold]
    fn find(&mut self, x: &mut Exec, block: BlockId, mode: Mode) -> Option<Way> {
        let (at, _) = self.interp.cache.place(block)?;
        let index = (at >> PAGE_SHIFT) as usize;
        if self.pages.len() <= index {
            self.pages.resize(index + 1, Vec::new());
        }
        let Some((id, number)) = self.entry_of(at, mode) else {
            if self.changes.get(&at).is_some_and(|&n| n >= MAX_CHANGES) {
                self.sides[block as usize].region = 0;
                return None;
            }
            return self.ask(x, block, mode);
        };
        let side = &mut self.sides[block as usize];
        (side.region, side.entry) = (id + 1, number);
        let live = match self.regions[id as usize].life {
            Life::Live => true,
            Life::Asked | Life::Dead | Life::Gone => false,
            Life::Stale => self.revive(x, id),
        };
        live.then_some(Way::Region(id, number))
    }

    /// The region that can be entered at a position, and the number of the entry.
    fn entry_of(&self, at: u64, mode: Mode) -> Option<(u32, u16)> {
        let entry = (at & (PAGE_SIZE - 1)) as u16;
        self.pages.get((at >> PAGE_SHIFT) as usize)?.iter().find_map(|&id| {
            let r = &self.regions[id as usize];
            let number = r.entries.iter().position(|&e| e == entry).filter(|_| r.mode == mode)?;
            Some((id, number as u16))
        })
    }

    /// The region of a block that is there already, or kept from another run.
    #[cold]
    fn known(&mut self, x: &mut Exec, block: BlockId, mode: Mode) -> Option<Way> {
        let (at, _) = self.interp.cache.place(block)?;
        let known = self.entry_of(at, mode).is_some() || self.is_kept(x, block, mode);
        if known { self.find(x, block, mode) } else { None }
    }

    /// Brings a stale region back if the bytes that it was made of are there again; else lets go of it.
    fn revive(&mut self, x: &mut Exec, id: u32) -> bool {
        let r = &mut self.regions[id as usize];
        let page = &x.sys.mem.backing()[r.page as usize..(r.page + PAGE_SIZE) as usize];
        let same =
            r.runs.iter().all(|&(a, b)| page[usize::from(a)..usize::from(b)] == r.text[usize::from(a)..usize::from(b)]);
        if !same {
            let at = r.page + u64::from(r.entries[0]);
            *self.changes.entry(at).or_default() += 1;
            self.drop_region(x, id);
            return false;
        }
        r.life = Life::Live;
        let (page, runs) = (r.page, r.runs.clone());
        for (a, b) in runs {
            watch(x, page, page + u64::from(a), u64::from(b - a));
        }
        self.counts.revived += 1;
        true
    }

    /// Takes a region out of every list. Its number stays unused until all code is dropped.
    fn drop_region(&mut self, x: &Exec, id: u32) {
        self.forget_code(x, id);
        let r = &mut self.regions[id as usize];
        r.let_go();
        let index = (r.page >> PAGE_SHIFT) as usize;
        if let Some(list) = self.pages.get_mut(index) {
            list.retain(|&other| other != id);
        }
    }

    /// Asks for the translation of a block and of what is hot around it.
    fn ask(&mut self, x: &mut Exec, block: BlockId, mode: Mode) -> Option<Way> {
        let (at, _) = self.interp.cache.place(block)?;
        let (page, entry) = (at & !(PAGE_SIZE - 1), (at & (PAGE_SIZE - 1)) as u16);
        let runs = self.runs(page, entry, mode.code());
        let text: Box<[u8]> = x.sys.mem.backing()[page as usize..(page + PAGE_SIZE) as usize].into();
        let id = self.regions.len() as u32;
        let region = Region {
            life: Life::Asked,
            page,
            entries: vec![entry],
            mode,
            code: 0,
            has_entries: false,
            bytes: 0,
            runs,
            text,
            insns: Box::default(),
            links: Vec::new(),
            slow: Vec::new(),
            redo: Redo::default(),
            again: false,
            linear: 0,
            entered: 0,
            retired: 0,
        };
        let req = region.request(id, x.model);
        self.regions.push(region);
        self.pages[(page >> PAGE_SHIFT) as usize].push(id);
        let side = &mut self.sides[block as usize];
        (side.region, side.entry) = (id + 1, 0);
        self.translate(x, req);
        (self.regions[id as usize].life == Life::Live).then_some(Way::Region(id, 0))
    }

    fn translate(&mut self, x: &mut Exec, req: Request) {
        match &mut self.compiler {
            Back::There(worker) => worker.ask(req),
            Back::Here(compiler) => {
                let id = req.id;
                let (done, ns) = crate::worker::timed(|| persist::translate(compiler, self.shelf.as_ref(), &req));
                self.install(x, id, done, ns);
            }
        }
    }

    fn drop_all(&mut self) {
        self.jumps.forget_branches(&(0..u64::MAX));
        self.jumps.forget(&mut self.memory);
        // Requests under way find their region dead. Numbers go on, so that a late answer meets no other region.
        self.regions.iter_mut().for_each(Region::let_go);
        self.pages.clear();
        for s in &mut self.sides {
            *s = Side::default();
        }
        self.drafts.clear();
        self.memory.clear();
    }

    fn forget_blocks(&mut self) {
        self.cleared = self.interp.cache.cleared;
        self.sides.clear();
        self.drafts.clear();
        // Nobody watches over their bytes now.
        for r in &mut self.regions {
            if r.life == Life::Live {
                r.life = Life::Stale;
            }
        }
        self.jumps.forget(&mut self.memory);
    }

    /// Takes out of use the regions that a write has touched.
    fn invalidate(&mut self, x: &mut Exec, stale: StaleCode) {
        self.unlink_drafts(x, stale);
        let Some(list) = self.pages.get((stale.page >> PAGE_SHIFT) as usize) else { return };
        for id in list.clone() {
            let r = &mut self.regions[id as usize];
            if r.life == Life::Live && r.runs.iter().any(|&(a, b)| granules(a.into(), b.into()) & stale.granules != 0) {
                r.life = Life::Stale;
                self.counts.invalidated += 1;
                self.unlink(x, id);
            }
        }
    }

    /// Where to go on at once after a way out: control went where no way was known, or the instruction asked for a look (it went to
    /// another level, say), nothing is due, and there is code for what runs next. The instruction pointer of the page's first byte, and
    /// the code word.
    #[inline]
    fn onward(&mut self, x: &mut Exec, reason: Reason) -> Option<(u64, u64)> {
        let may = matches!(reason, Reason::Next | Reason::Attention) && !self.pausing;
        if !may || x.fault.is_some() || x.retired >= x.limit {
            return None;
        }
        if x.attention {
            let ready = matches!(&self.compiler, Back::There(worker) if worker.is_ready());
            if ready || !pass(x) {
                return None;
            }
        }
        self.look_at_mode(x);
        let place = Place { at: x.reach_code()?, base: x.sys.mem.base() };
        let code = self.jumps.get(self.mode?, place)?;
        Some((x.st.rip().wrapping_sub(place.at & (PAGE_SIZE - 1)), code))
    }

    /// Enters a region or a draft.
    fn enter(&mut self, x: &mut Exec, way: Way) -> Reason {
        let (mode, place, code) = match way {
            Way::Region(id, entry) => {
                let r = &self.regions[id as usize];
                (r.mode, r.page + u64::from(r.entries[usize::from(entry)]), r.entered_by(entry))
            }
            Way::Draft(id) => {
                let (mode, place, code) = self.drafts.place(id);
                (mode, place, Code { word: code, address: code })
            }
        };
        let linear = x.fetch_address();
        let page_ip = x.st.rip().wrapping_sub(linear & (PAGE_SIZE - 1));
        self.set(x, mode, place, code);
        if !self.shows.is_empty()
            && let Way::Region(id, _) = way
        {
            self.show(x, id, linear);
        }
        let before = x.retired;
        let mut onward = (page_ip, code.word);
        let (reason, at) = loop {
            let left = x.limit - x.retired;
            x.words[abi::LEFT] = left;
            abi::follow_views(x);
            self.counts.enters += 1;
            // SAFETY: the gate and what it enters were made for each other and for `Exec` as it is laid out here; the code is live,
            // as is all that the jump table leads to, and it uses `x` alone, through the addresses put there by `look_at_mode`.
            let result = unsafe { (self.gate)((&raw mut *x).cast::<u8>().add(abi::BIAS), left, onward.0, onward.1, 0) };
            x.retired = x.limit.wrapping_sub(x.words[abi::LEFT]);
            x.pending = 0;
            let (reason, at) = abi::result(result);
            self.counts.exits[reason as usize] += 1;
            match self.onward(x, reason) {
                Some(next) => onward = next,
                None => break (reason, at),
            }
        };
        abi::settle_flags(x);
        if let Way::Region(id, _) = way {
            let r = &mut self.regions[id as usize];
            r.linear = linear & !(PAGE_SIZE - 1);
            r.entered += 1;
            r.retired += x.retired.wrapping_sub(before);
        }
        if reason == Reason::Redo {
            self.note_redo(x, at);
        }
        reason
    }
}

impl Engine for Jit {
    fn name(&self) -> &'static str {
        "jit"
    }

    fn run(&mut self, x: &mut Exec, limit: u64) -> Exit {
        if !self.opened {
            self.open_shelf(x);
        }
        x.resume_shadow();
        let exit = self.run_to(x, limit.min(x.retired.saturating_add(LONGEST)));
        x.settle_shadow();
        exit
    }

    fn run_one(&mut self, x: &mut Exec) -> Option<Exit> {
        self.drop_stale(x);
        self.interp.run_one(x)
    }

    fn clear(&mut self, x: &mut Exec) {
        self.interp.clear(x);
        self.drop_all();
        (self.mode, self.contexts) = (None, u64::MAX);
    }

    fn set_pausing(&mut self, on: bool) {
        self.pausing = on;
    }

    fn hottest(&self) -> Vec<Hot> {
        self.hot()
    }

    fn counters(&self, x: &Exec) -> Vec<(&'static str, u64)> {
        let c = &self.counts;
        let mut all = self.interp_counters(x);
        let live = self.regions.iter().filter(|r| r.life == Life::Live);
        let kept = self.shelf.as_ref().and_then(|s| s.lock().ok()).map_or_else(Default::default, |s| s.counts());
        all.extend([
            ("jit_regions", c.regions),
            ("jit_compiled", c.regions - c.found),
            ("jit_refused", c.refused),
            ("jit_regions_live", live.clone().count() as u64),
            ("jit_code_bytes_live", live.map(|r| u64::from(r.bytes)).sum()),
            ("jit_guest_insns", c.insns),
            ("jit_code_bytes", c.bytes),
            ("jit_compile_us", c.compile_ns / 1000),
            ("jit_entered", c.enters),
            ("jit_exit_unknown_target", c.exits[Reason::Next as usize]),
            ("jit_exit_interpret", c.exits[Reason::Redo as usize]),
            ("jit_exit_limit", c.exits[Reason::Limit as usize]),
            ("jit_exit_attention", c.exits[Reason::Attention as usize]),
            ("jit_exit_outside", c.exits[Reason::Outside as usize]),
            ("jit_exit_hot", c.exits[Reason::Hot as usize]),
            ("jit_invalidated", c.invalidated),
            ("jit_revived", c.revived),
            ("jit_begun_anew", c.begun_anew),
            ("jit_segments_emptied", c.emptied),
            ("jit_evicted", c.evicted),
            ("jit_slow_sites", c.slow_sites),
            ("jit_kept_found", kept.found),
            ("jit_kept", kept.kept),
            ("jit_drafts", self.drafts.written),
            ("jit_draft_insns", self.drafts.insns),
            ("jit_draft_bytes", self.drafts.bytes),
            ("jit_draft_us", self.drafts.ns / 1000),
            ("tlb_fills", x.tlb.fills),
            ("tlb_flushes", x.tlb.flushes),
        ]);
        all
    }
}

impl Jit {
    /// [`Engine::run`], with the shadow of an STI perhaps over.
    fn run_to(&mut self, x: &mut Exec, limit: u64) -> Exit {
        x.limit = limit;
        x.attention = true;
        loop {
            if x.attention
                && let Some(exit) = self.boundary(x)
            {
                return exit;
            }
            if x.retired >= x.limit {
                return Exit::Limit;
            }
            if x.ctx.stepping {
                self.interp.step(x);
                continue;
            }
            if let Some(block) = block_here(&mut self.interp.cache, x)
                && self.chain(x, block)
            {
                // As at a limit: what is due at this boundary comes first.
                return if x.attention { self.boundary(x).unwrap_or(Exit::Pause) } else { Exit::Pause };
            }
        }
    }

    fn interp_counters(&self, x: &Exec) -> Vec<(&'static str, u64)> {
        Engine::counters(&self.interp, x)
    }
}
