//! Pages that a region keeps in mind from block to block: those that the stack's registers, and what a loop steps through memory with,
//! point into.
//!
//! What a block knows of pages ([`Seen`](crate::access::Seen)) it forgets where ways join, so that each block of a loop would look up
//! again what the one before found. For a few registers the page of the last access is a pair of variables of the function instead: its
//! linear address, and what must be added to a linear address in it. An access compares with that first, and looks the TLB up
//! where it lies elsewhere, which makes that page the one that is kept. Where the interpreter's function has run, none is.

use crate::abi;
use crate::access::Tag;
use crate::ahead::Span;
use crate::mode::Mode;
use crate::plan::{Item, PlanBlock};
use crate::tr::{Tr, state_access};
use crate::value::V;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::{FunctionBuilder, Variable};
use ferrite_core::exec::CodeSize;
use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register, UsedMemory};

/// Registers at most whose pages are kept: each takes two of the host's.
const KEPT: usize = 3;
/// An address differs from what is no page near it by this.
const FAR: i64 = i64::MIN;
/// In 64-bit code a page serves accesses no farther than this from the register's value. [`LONGEST`](crate::engine::LONGEST) steps of
/// that size do not lead as far as [`FAR`] either.
const NEAR: u64 = 1 << 31;
/// RSP and RBP, by number.
pub const SP: usize = 4;
pub const BP: usize = 5;

/// A register whose page is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub reg: u8,
    /// It is written through somewhere: only a page that may be written is kept.
    pub write: bool,
}

/// What is to be known of a register for that.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    /// Blocks with accesses by it, and the last of them.
    blocks: usize,
    last: usize,
    write: bool,
    /// It is written other than by going on by a number.
    wild: bool,
}

/// The general register that an access goes by, if by nothing else but a number, and not in a segment that has a base of its own.
pub fn base_alone(m: &UsedMemory) -> Option<Register> {
    let alone = m.index() == Register::None && !matches!(m.segment(), Register::FS | Register::GS);
    (alone && m.base().is_gpr()).then(|| m.base())
}

/// The registers whose pages a region keeps.
pub fn choose(blocks: &[PlanBlock], mode: Mode, info: &mut InstructionInfoFactory) -> Vec<Kept> {
    if !mode.has_flat_data() {
        return Vec::new();
    }
    let mut uses = [Uses::default(); 16];
    for (n, b) in blocks.iter().enumerate() {
        for item in b.items.iter().filter(|i| i.is_emitted()) {
            let all = info.info(&item.ins);
            for m in all.used_memory() {
                let Some(base) = base_alone(m) else { continue };
                let u = &mut uses[base.full_register().number()];
                u.blocks += usize::from(u.blocks == 0 || u.last != n);
                u.last = n;
                u.write |= !matches!(m.access(), OpAccess::Read | OpAccess::CondRead);
            }
        }
        for item in &b.items {
            for (r, u) in uses.iter_mut().enumerate() {
                u.wild |= item.effects.writes >> r & 1 != 0 && !steps(item, r, mode.code());
            }
        }
    }
    let stack = |r: usize| matches!(r, SP | BP);
    // An address may be any number there, and what is no page's must stay none: see `Tr::no_page`.
    let free = |r: usize| stack(r) && mode.code() == CodeSize::Bits32;
    let mut kept: Vec<usize> = (0..16)
        .filter(|&r| {
            let u = uses[r];
            (!u.wild || free(r)) && u.blocks > 0
        })
        .collect();
    kept.sort_by_key(|&r| std::cmp::Reverse((uses[r].blocks, stack(r))));
    kept.truncate(KEPT);
    kept.into_iter().map(|r| Kept { reg: r as u8, write: uses[r].write }).collect()
}

/// Whether an instruction writes a register by adding a number, of 32 bits at most and a sign, to all of it.
fn steps(item: &Item, r: usize, code: CodeSize) -> bool {
    let ins: &Instruction = &item.ins;
    let size = if code == CodeSize::Bits64 { 8 } else { 4 };
    let is = |reg: Register| reg.is_gpr() && reg.full_register().number() == r && reg.size() == size;
    let whole = is(ins.op0_register());
    match ins.mnemonic() {
        Mnemonic::Inc | Mnemonic::Dec => whole,
        Mnemonic::Add | Mnemonic::Sub => {
            whole && ins.op1_kind() != OpKind::Register && ins.op1_kind() != OpKind::Memory
        }
        Mnemonic::Lea => whole && is(ins.memory_base()) && ins.memory_index() == Register::None,
        Mnemonic::Push | Mnemonic::Call | Mnemonic::Ret => r == SP,
        Mnemonic::Pop => r == SP && !(ins.op0_register().is_gpr() && ins.op0_register().full_register().number() == SP),
        _ => false,
    }
}

/// The pages kept, at a point of the function.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    /// In the order of [`Tr::kept`]: the page's linear address and what is added to it; `None` for the function's variables.
    now: [Option<[Value; 2]>; KEPT],
}

/// Variables of the function for the pages kept.
pub type PageVars = Vec<(Kept, [Variable; 2])>;

/// Makes them.
pub fn variables(b: &mut FunctionBuilder<'_>, kept: &[Kept]) -> PageVars {
    kept.iter().map(|&k| (k, [b.declare_var(types::I64), b.declare_var(types::I64)])).collect()
}

impl Tr<'_, '_> {
    /// No page is known from here on.
    pub fn forget_pages(&mut self) {
        for k in 0..self.kept.len() {
            self.s.pages.now[k] = Some(self.no_page(k));
        }
    }

    /// What no access is in: a number behind all addresses; in 64-bit code, where any number may be an address, one that is
    /// so far from the register that the steps it is made of do not lead there. If one ever did, the host would refuse its lowest page.
    fn no_page(&mut self, k: usize) -> [Value; 2] {
        let far = self.b.ins().iconst(types::I64, FAR);
        if self.mode.code() != CodeSize::Bits64 {
            return [far, far];
        }
        let r = usize::from(self.kept[k].0.reg);
        let now = match self.s.regs[r] {
            Some(v) => self.lower(v, 64),
            None => self.b.use_var(self.vars[r]),
        };
        let none = self.b.ins().bxor(now, far);
        [none, self.b.ins().ineg(none)]
    }

    /// Has the function's variables be what is known here.
    pub fn define_pages(&mut self) {
        for k in 0..self.kept.len() {
            let Some(now) = self.s.pages.now[k] else { continue };
            for (var, v) in self.kept[k].1.into_iter().zip(now) {
                self.b.def_var(var, v);
            }
        }
    }

    /// The number of the page that is kept for accesses of this kind at a root and a number.
    pub fn kept_for(&self, root: V, disp: u64, width: u32, write: bool) -> Option<usize> {
        let near = |from: u64| width != 64 || (disp.wrapping_sub(from) as i64).unsigned_abs() < NEAR;
        self.kept.iter().position(|(k, _)| {
            let now = self.s.regs[usize::from(k.reg)].map(|v| self.v.root(v, width));
            (k.write || !write) && now.is_some_and(|(at, from)| at == root && near(from))
        })
    }

    /// Looks an access up in a page that is kept, and else in the TLB: its offset in the page, the host's address, and what its page is
    /// known by.
    pub fn look_in_page(&mut self, k: usize, lin: Value, span: Span, write: bool) -> (Value, Value, Option<Tag>) {
        let (kept, vars) = self.kept[k];
        let [page, addend] = match self.s.pages.now[k] {
            Some(now) => now,
            None => vars.map(|v| self.b.use_var(v)),
        };
        let off = self.b.ins().isub(lin, page);
        let out = self.leaves_page(off, span);
        let (cold, on) = (self.cold_block(), self.b.create_block());
        let [off_on, page_on, addend_on] = [(); 3].map(|()| self.b.append_block_param(on, types::I64));
        self.b.ins().brif(out, cold, &[], on, &[off.into(), page.into(), addend.into()]);
        self.b.switch_to_block(cold);
        let entry = self.tlb_entry(lin);
        let (off, miss) = self.misses(lin, entry, span, write, false);
        self.redo_if(miss);
        let behind = self.b.current_block().expect("there is one");
        self.b.set_cold_block(behind);
        let addend = self.b.ins().load(types::I64, state_access(), entry, abi::ADDEND);
        let mut page = self.b.ins().isub(lin, off);
        if kept.write && !write {
            // One that may not be written is not kept, but this access is made. What is far from it is not canonical.
            let tag = self.b.ins().load(types::I64, state_access(), entry, abi::tag(true));
            let same = self.b.ins().icmp(IntCC::Equal, tag, page);
            let far = self.b.ins().iconst(types::I64, FAR);
            let none = self.b.ins().bxor(page, far);
            page = self.b.ins().select(same, page, none);
        }
        self.b.ins().jump(on, &[off.into(), page.into(), addend.into()]);
        self.b.switch_to_block(on);
        self.s.pages.now[k] = Some([page_on, addend_on]);
        let host = self.b.ins().iadd(addend_on, lin);
        (off_on, host, kept.write.then_some(Tag::Page(page_on)))
    }
}
