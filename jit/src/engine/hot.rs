//! What is hot: which code a region is made of, and which of its instructions come back too often.

use super::{Jit, Life, Redo};
use crate::plan::{ALL_SLOW, came_back};
use ferrite_core::exec::{CodeSize, Exec};
use ferrite_core::isa::Insn;
use ferrite_core::isa::insn::flag;
use ferrite_core::memory::{PAGE_SHIFT, PAGE_SIZE};
use iced_x86::FlowControl;
use std::ops::Range;

/// Instructions in a region at most, about.
const MAX_INSNS: usize = 128;
/// Runs of instructions in a region at most.
const MAX_RUNS: usize = 64;
/// Returns from one region before it is asked whether they come too often.
const REDO_SAMPLE: u32 = 16;
/// Of these, one is looked at.
const REDO_STEP: u32 = 7;
/// Retired instructions between two returns from one region below which what returned is translated another way: with a look beyond the TLB
/// of its own, and where that does not help, as a call.
const REDO_DISTANCE: [u64; 2] = [40_000, 2000];

impl Jit {
    /// Straight runs of decoded instructions that are reached from an entry inside its page and are not cold.
    pub(super) fn runs(&self, page: u64, entry: u16, code: CodeSize) -> Vec<(u16, u16)> {
        let block = self.interp.cache.find(page + u64::from(entry), code);
        let side = block.and_then(|block| self.sides.get(block as usize)).copied().unwrap_or_default();
        // Half as hot as the entry is.
        let cold = self.drafts.executions(side) / 2;
        let mut starts = vec![entry];
        let mut found: Vec<(u16, u16)> = Vec::new();
        // What drafts go on to is not counted where it lies.
        let mut drafted: Vec<Range<u16>> = Vec::new();
        let mut cold_yet: Vec<u16> = Vec::new();
        let mut insns = 0;
        let mut next = 0;
        while next < starts.len() && found.len() < MAX_RUNS && insns < MAX_INSNS {
            let start = starts[next];
            next += 1;
            let Some(block) = self.interp.cache.find(page + u64::from(start), code) else { continue };
            let side = self.sides.get(block as usize).copied().unwrap_or_default();
            // What is an entry already is left to its own region: to go there costs little.
            if start != entry && side.region != 0 {
                continue;
            }
            let counted = start == entry || self.drafts.heat(side) > cold;
            if !counted && !drafted.iter().any(|d| d.contains(&start)) {
                cold_yet.push(start);
                continue;
            }
            if counted && let Some(behind) = self.drafts.behind(side) {
                starts.extend(cold_yet.extract_if(.., |at| behind.contains(at)));
                drafted.push(behind);
            }
            let list = self.interp.cache.insns(block);
            insns += list.len();
            let Some(last) = list.last() else { continue };
            let end = start + last.end;
            found.push((start, end));
            let mut add = |at: i64| {
                if let Ok(at) = u16::try_from(at)
                    && u64::from(at) < PAGE_SIZE
                    && !starts.contains(&at)
                {
                    starts.push(at);
                }
            };
            let (flow, target) = static_flow(last, i64::from(end), code);
            // What lies behind is looked at first: its draft may say more.
            if flow {
                add(end.into());
            }
            if let Some(target) = target {
                add(target);
            }
        }
        // A run ends where another begins at one of its instructions.
        let firsts: Vec<u16> = found.iter().map(|&(s, _)| s).collect();
        for (start, end) in &mut found {
            let Some(block) = self.interp.cache.find(page + u64::from(*start), code) else { continue };
            for i in self.interp.cache.insns(block) {
                let behind = *start + i.end;
                if behind < *end && firsts.contains(&behind) {
                    *end = behind;
                    break;
                }
            }
        }
        found
    }

    /// An instruction came back to be interpreted. One that does so all the time is better called.
    pub(super) fn note_redo(&mut self, x: &mut Exec, at: u16) {
        self.redone = self.redone.wrapping_add(1);
        if !self.redone.is_multiple_of(REDO_STEP) {
            return; // a sample is enough, and less work
        }
        // The region that came back may be another than the one entered: found by the instruction's place.
        let linear = x.fetch_address() & !(PAGE_SIZE - 1);
        let Some(page) = x.fetched(linear) else { return };
        let index = (page >> PAGE_SHIFT) as usize;
        let (mode, now) = (self.mode, x.retired);
        for n in 0.. {
            let Some(&id) = self.pages.get(index).and_then(|list| list.get(n)) else { return };
            let r = &mut self.regions[id as usize];
            if r.life != Life::Live || Some(r.mode) != mode || !r.runs.iter().any(|&(a, b)| (a..b).contains(&at)) {
                continue;
            }
            let redo = &mut r.redo;
            if redo.times == 0 {
                *redo = Redo { at, times: 0, many: false, since: now };
            }
            redo.times += 1;
            redo.many |= redo.at != at;
            if redo.times < REDO_SAMPLE {
                continue;
            }
            let distance = (now - redo.since) / u64::from(REDO_SAMPLE * REDO_STEP);
            let many = redo.many;
            *redo = Redo::default();
            let all = r.slow.contains(&ALL_SLOW);
            let known = came_back(&r.slow, at).max(usize::from(all));
            if known < 2 && distance < REDO_DISTANCE[known] && !r.again && r.slow.len() < 32 {
                r.again = true;
                // What several have, a stack that goes on in another page say, many may have: not one translation for each.
                if known == 0 && (many || !r.slow.is_empty()) {
                    r.slow.push(ALL_SLOW);
                } else {
                    r.slow.extend(std::iter::repeat_n(at, known + 1 - came_back(&r.slow, at)));
                }
                let req = r.request(id, x.model);
                self.counts.slow_sites += 1;
                // Until it is there, drafts are the better code: they look further by themselves.
                if self.drafts.threshold != 0 {
                    r.life = Life::Asked;
                    self.unlink(x, id);
                }
                self.translate(x, req);
            }
        }
    }
}

/// Whether control goes on behind an instruction that ends at `end`, and where else it goes.
fn static_flow(i: &Insn, end: i64, code: CodeSize) -> (bool, Option<i64>) {
    if !i.has(flag::ENDS) {
        return (true, None);
    }
    let target = end
        + match code {
            CodeSize::Bits16 => i64::from(i.imm as i16),
            CodeSize::Bits32 => i64::from(i.imm as i32),
            CodeSize::Bits64 => i.imm as i64,
        };
    match i.iced().flow_control() {
        FlowControl::ConditionalBranch => (true, Some(target)),
        FlowControl::UnconditionalBranch if i.iced().is_jmp_short_or_near() => (false, Some(target)),
        // What is called returns.
        FlowControl::Call | FlowControl::IndirectCall => (true, None),
        _ => (false, None),
    }
}
