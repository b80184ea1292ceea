//! A region's function: blocks of guest code as one function of CLIF.

use crate::abi::{self, FlagKind, Reason};
use crate::ahead;
use crate::draft;
use crate::helper::Import;
use crate::kept::{self, Pages};
use crate::links;
use crate::mode::SegKind;
use crate::plan::{ALL_SLOW, How, Item, Plan, Request};
use crate::simd::Host;
use crate::tr::{FlagState, Imports, Keeping, State, Tr, import, state_access};
use crate::value::V;
use crate::vector::VectorState;
use crate::ways::{Way, Ways};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Block, ExtFuncData, ExternalName, FuncRef, Function, GlobalValue, GlobalValueData, InstBuilder,
    JumpTableData, SigRef, Signature, UserExternalName, UserFuncName, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use ferrite_core::cpu::state::RIP;
use ferrite_core::exec::CodeSize;
use ferrite_core::isa::Insn;
use ferrite_core::isa::select::{self, Meaning};
use ferrite_core::memory::PAGE_SIZE;
use iced_x86::InstructionInfoFactory;

/// The signature of a region: `(exec, left, page_ip, code, cell) -> result`.
pub fn signature(call_conv: CallConv) -> Signature {
    let mut sig = Signature::new(call_conv);
    sig.params.extend([AbiParam::new(types::I64); 5]);
    sig.returns.push(AbiParam::new(types::I64));
    sig
}

/// The functions that carry instructions out: see [`Import::Run`] and what follows it.
struct Run {
    plain: FuncRef,
    with_flags: FuncRef,
    last: FuncRef,
}

struct Region<'p, 'a, 'b> {
    t: Tr<'a, 'b>,
    plan: &'p Plan,
    req: &'p Request,
    blocks: Vec<Option<Block>>,
    left: Variable,
    carry: Variable,
    /// Of [`FlagState::Held`].
    flags: [Variable; 3],
    sig: SigRef,
    run: Run,
    insns: GlobalValue,
    /// Each with its offset in the page.
    table: Vec<(u16, Insn)>,
    info: InstructionInfoFactory,
    /// What it has for vectors.
    host: Option<Host>,
    /// The block whose instructions are being emitted.
    running: usize,
}

/// Emits a region. Gives the instructions that it calls the interpreter's functions for, in the order of their table.
pub fn emit(
    func: &mut Function,
    ctx: &mut FunctionBuilderContext,
    isa: &dyn TargetIsa,
    req: &Request,
    plan: &Plan,
) -> Vec<(u16, Insn)> {
    func.signature = signature(CallConv::Tail);
    func.name = UserFuncName::user(0, req.id);
    let mut b = FunctionBuilder::new(func, ctx);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let params = b.block_params(entry).to_vec();
    let (exec, left, page_ip, code) = (params[0], params[1], params[2], params[3]);

    let host = isa.default_call_conv();
    let settle = import(&mut b, host, Import::Settle as u32, 1, None);
    let reach = import(&mut b, host, Import::Reach as u32, 3, Some(types::I64));
    let keeping = draft::AVAILABLE.then(|| Keeping::new(&mut b));
    let status = Some(types::I32);
    let [plain, with_flags, last] =
        [Import::Run, Import::RunWithFlags, Import::RunLast].map(|n| import(&mut b, host, n as u32, 2, status));
    let run = Run { plain, with_flags, last };
    let name = b.func.declare_imported_user_function(UserExternalName { namespace: 0, index: Import::Insns as u32 });
    let insns = b.create_global_value(GlobalValueData::Symbol {
        name: ExternalName::user(name),
        offset: 0.into(),
        colocated: false,
        tls: false,
    });
    let sig = b.import_signature(signature(CallConv::Tail));

    let vars = std::array::from_fn(|_| b.declare_var(types::I64));
    let kept = kept::variables(&mut b, &plan.kept);
    let (left_var, carry) = (b.declare_var(types::I64), b.declare_var(types::I64));
    let flags = std::array::from_fn(|_| b.declare_var(types::I64));
    let t = Tr::new(
        &mut b,
        vars,
        kept,
        exec,
        left,
        page_ip,
        req.mode,
        req.model.name,
        Imports { settle, reach, call_conv: host, keeping },
    );
    let blocks = vec![None; plan.blocks.len()];
    let (table, info, host) = (Vec::new(), InstructionInfoFactory::new(), Host::of(isa));
    let mut r =
        Region { t, plan, req, blocks, left: left_var, carry, flags, sig, run, insns, table, info, host, running: 0 };
    r.enter(left, code);
    r.t.finish();
    let table = std::mem::take(&mut r.table);
    b.seal_all_blocks();
    b.finalize(isa.frontend_config());
    table
}

/// The namespace of the functions that are places in the region's page: see [`crate::links`].
pub const PLACES: u32 = 1;

impl Region<'_, '_, '_> {
    fn enter(&mut self, left: Value, code: Value) {
        self.check_extent(code);
        self.t.b.def_var(self.left, left);
        for n in 0..self.plan.blocks.len() {
            if self.plan.joins(n) && self.plan.blocks[n].preds > 0 {
                self.blocks[n] = Some(self.t.b.create_block());
            }
        }
        self.dispatch(code);
        for n in 0..self.plan.blocks.len() {
            if self.blocks[n].is_some() {
                self.start_join(n);
            }
        }
    }

    /// Goes to the block that the word `code` names.
    fn dispatch(&mut self, code: Value) {
        let plan = self.plan;
        if let [only] = plan.entries[..] {
            return self.enter_at(only);
        }
        // Ways in, each of which counts and goes to its block.
        let entries: Vec<Block> = plan.entries.iter().map(|_| self.t.b.create_block()).collect();
        self.choose(code, &entries);
        for (&n, &way) in plan.entries.iter().zip(&entries) {
            self.t.b.switch_to_block(way);
            self.enter_at(n);
        }
    }

    /// Reads what a block wants, which the region is entered at, and goes there. What is read for nothing is taken out again later.
    fn enter_at(&mut self, n: usize) {
        let (s, mark) = (self.t.s.clone(), self.t.v.mark());
        for r in 0..16u8 {
            if self.plan.used >> r & 1 != 0 {
                let v = self.t.get_state(types::I64, abi::reg(r));
                self.t.b.def_var(self.t.vars[usize::from(r)], v);
            }
        }
        self.t.forget_pages();
        self.t.define_pages();
        self.define_flags(n);
        self.check_left(self.plan.blocks[n].longest, self.start_of(n));
        let block = self.join(n);
        self.t.b.ins().jump(block, &[]);
        self.t.v.forget(mark);
        self.t.s = s;
        self.t.stored.clear();
    }

    /// Branches by the number of the entry.
    fn choose(&mut self, code: Value, entries: &[Block]) {
        let b = &mut *self.t.b;
        let code = b.ins().ireduce(types::I32, code);
        let mask = b.ins().iconst(types::I32, abi::MAX_ENTRIES as i64 - 1);
        let n = b.ins().band(code, mask);
        if let [first, second] = entries[..] {
            b.ins().brif(n, second, &[], first, &[]);
            return;
        }
        let calls: Vec<_> = entries.iter().map(|&e| b.func.dfg.block_call(e, &[])).collect();
        // Not the first of them again: what the blocks are given will be added to each.
        let other = b.func.dfg.block_call(entries[0], &[]);
        let table = b.create_jump_table(JumpTableData::new(other, &calls));
        b.ins().br_table(n, table);
    }

    fn join(&self, n: usize) -> Block {
        self.blocks[n].expect("a block that joins has one")
    }

    /// Returns where the region would run past the end of the code segment, or before its start; and where 16-bit branches, which cut the
    /// instruction pointer, would not stay in the page.
    fn check_extent(&mut self, code: Value) {
        let size = self.req.mode.code();
        if size == CodeSize::Bits64 || size == CodeSize::Bits32 && self.req.mode.segment(1) == SegKind::Flat {
            return;
        }
        let (lo, hi) = self.plan.extent;
        let t = &mut self.t;
        let first = t.b.ins().iconst(types::I64, i64::from(lo));
        let first = t.b.ins().iadd(t.page_ip, first);
        let mut span = t.get_state(types::I64, abi::ip_span());
        if size == CodeSize::Bits16 {
            let low = t.b.ins().iconst(types::I64, 0xffff);
            span = t.b.ins().umin(span, low);
        }
        let len = t.b.ins().iconst(types::I64, i64::from(hi - lo) - 1);
        let last = t.b.ins().isub(span, len);
        let zero = t.b.ins().iconst(types::I64, 0);
        let before = t.b.ins().icmp(IntCC::SignedLessThan, first, zero);
        let behind = t.b.ins().icmp(IntCC::SignedGreaterThan, first, last);
        let out = t.b.ins().bor(before, behind);
        let cold = t.cold_block();
        t.split(out, cold);
        let on = t.b.current_block().expect("split has switched to it");
        t.b.switch_to_block(cold);
        // Where it was entered.
        let mask = t.b.ins().iconst(types::I64, abi::MAX_ENTRIES as i64 - 1);
        let n = t.b.ins().band(code, mask);
        let mut at = t.b.ins().iconst(types::I64, i64::from(self.req.runs[self.plan.entries[0]].0));
        for (k, &block) in self.plan.entries.iter().enumerate().skip(1) {
            let other = t.b.ins().iconst(types::I64, i64::from(self.req.runs[block].0));
            let k = t.b.ins().iconst(types::I64, k as i64);
            let this = t.b.ins().icmp(IntCC::Equal, n, k);
            at = t.b.ins().select(this, other, at);
        }
        let ip = t.b.ins().iadd(t.page_ip, at);
        t.put_state(ip, abi::reg(RIP));
        t.put_state(t.s.left, abi::word(abi::LEFT));
        t.return_reason(Reason::Outside, 0);
        t.b.switch_to_block(on);
    }

    /// Emits a block that is entered with its state in variables, and all that follow it alone.
    fn start_join(&mut self, n: usize) {
        let block = self.join(n);
        self.t.b.switch_to_block(block);
        self.t.v.forget(0);
        self.t.stored.clear();
        self.t.seen.clear();
        let left = self.t.b.use_var(self.left);
        let cf = if self.plan.blocks[n].needs_carry {
            let cf = self.t.b.use_var(self.carry);
            Some(self.t.v.clif(cf, 1))
        } else {
            None
        };
        let flags = if self.plan.holds_flags(n) {
            let words = self.flags.map(|v| {
                let v = self.t.b.use_var(v);
                self.t.v.clif(v, 64)
            });
            FlagState::Held { words, cf }
        } else {
            FlagState::Memory { cf }
        };
        let dirty = self.plan.blocks[n].dirty;
        let vector = VectorState::default();
        self.t.s = State { regs: [None; 16], dirty, defs: 0, flags, left, done: 0, vector, pages: Pages::default() };
        self.block(n);
    }

    fn start_of(&self, n: usize) -> u32 {
        self.req.runs[n].0.into()
    }

    /// Returns at `at` when fewer than `n` instructions may retire.
    fn check_left(&mut self, n: i64, at: u32) {
        let t = &mut self.t;
        let s = t.s.clone();
        let left = t.left_at(&s);
        let n = t.b.ins().iconst(types::I64, n);
        let few = t.b.ins().icmp(IntCC::SignedLessThan, left, n);
        let cold = t.cold_block();
        t.split(few, cold);
        let on = t.b.current_block().expect("split has switched to it");
        t.b.switch_to_block(cold);
        t.leave(&s, Reason::Limit, at);
        t.b.switch_to_block(on);
    }

    /// Emits a block's instructions where the builder is, then what follows.
    fn block(&mut self, n: usize) {
        self.running = n;
        let plan = self.plan;
        let block = &plan.blocks[n];
        self.t.fresh = block.fresh;
        let count = block.items.len();
        let slow = |at: u16| self.req.slow.contains(&at) || self.req.slow.contains(&ALL_SLOW);
        let ahead = if block.items.iter().any(|i| slow(i.at)) {
            vec![ahead::NONE; count]
        } else {
            ahead::spans(&block.items, self.req.mode, &mut self.info)
        };
        for (k, item) in block.items.iter().enumerate() {
            self.t.at = item.at.into();
            self.t.len = item.insn.len.into();
            self.t.start = self.t.s.clone();
            self.t.branch = None;
            self.t.alone = slow(item.at);
            self.t.ahead = ahead[k];
            match item.how {
                How::Stop => {
                    self.t.redo();
                    return;
                }
                How::Vector => {
                    if self.t.vector(&item.ins, &item.insn, self.host) {
                        self.t.s.done += 1;
                    } else {
                        self.call(item);
                    }
                }
                How::X87 => {
                    self.t.x87(&item.ins, &item.insn);
                    self.t.s.done += 1;
                }
                How::Leave => {
                    self.leave_by(item);
                    return;
                }
                How::Call => {
                    self.call(item);
                    if item.repeats {
                        let behind = (count - k - 1) as i64 + plan.longest_behind(n);
                        self.check_left(behind, u32::from(item.at) + u32::from(item.insn.len));
                    }
                }
                How::Inline => {
                    let Some(Meaning::Semantic(f)) = select::select::<Tr<'_, '_>>(&item.ins, &item.insn) else {
                        unreachable!("the plan has seen its meaning")
                    };
                    f(&mut self.t, &item.insn).expect("a translator's operations raise nothing");
                    self.t.s.done += 1;
                }
            }
        }
        self.finish(n);
    }

    /// What follows a block.
    fn finish(&mut self, n: usize) {
        let b = &self.plan.blocks[n];
        let next = b.next;
        let Some(branch) = self.t.branch else {
            let ip = self.t.ip_of(b.end.into());
            return self.go(next, ip, false);
        };
        match self.t.v.constant(branch.taken) {
            Some(0) => {
                let ip = self.t.ip_of(b.end.into());
                self.go(next, ip, false);
            }
            Some(_) => self.go(b.taken, branch.target, true),
            None => {
                let c = self.t.v.lower_condition(self.t.b, branch.taken);
                let (yes, no) = (self.t.b.create_block(), self.t.b.create_block());
                self.t.b.ins().brif(c, yes, &[], no, &[]);
                let (s, start, at) = (self.t.s.clone(), self.t.start.clone(), (self.t.at, self.t.len));
                let (mark, stored, seen) = (self.t.v.mark(), self.t.stored.clone(), self.t.seen.clone());
                self.t.b.switch_to_block(yes);
                self.go(b.taken, branch.target, true);
                self.t.v.forget(mark);
                (self.t.stored, self.t.seen) = (stored, seen);
                self.running = n;
                (self.t.s, self.t.start) = (s, start);
                (self.t.at, self.t.len) = at;
                self.t.b.switch_to_block(no);
                let ip = self.t.ip_of(b.end.into());
                self.go(next, ip, false);
            }
        }
    }

    /// Ends the block with the way to another of the region, or out of it to the instruction pointer `ip`.
    fn go(&mut self, to: Option<usize>, ip: V, branched: bool) {
        match to {
            Some(n) if self.plan.joins(n) => {
                if self.plan.blocks[n].header {
                    // Counted on the ways to it, where what the flags follow from is at hand: it need not be stored for this.
                    let s = self.t.s.clone();
                    (self.t.s.left, self.t.s.done) = (self.t.left_at(&s), 0);
                    self.check_left(self.plan.blocks[n].longest, self.start_of(n));
                }
                self.settle_for(n);
                let block = self.join(n);
                self.t.b.ins().jump(block, &[]);
            }
            Some(n) => {
                if self.plan.blocks[n].header {
                    let (at, longest) = (self.start_of(n), self.plan.blocks[n].longest);
                    self.check_left(longest, at);
                }
                self.block(n);
            }
            None => self.exit(ip, branched),
        }
    }

    /// Brings the state to where a block that joins ways expects it: registers and flags in variables.
    fn settle_for(&mut self, n: usize) {
        self.define_flags(n);
        for r in 0..16usize {
            if self.t.s.defs >> r & 1 != 0
                && let Some(v) = self.t.s.regs[r]
            {
                let v = self.t.lower(v, 64);
                self.t.b.def_var(self.t.vars[r], v);
            }
        }
        self.t.define_pages();
        let s = self.t.s.clone();
        let left = self.t.left_at(&s);
        self.t.b.def_var(self.left, left);
    }

    /// Brings the flags, and `Cf` besides, to where a block expects them.
    fn define_flags(&mut self, n: usize) {
        use ferrite_core::isa::ops::Ops;
        if self.plan.blocks[n].needs_carry {
            let cf = self.t.cf();
            let cf = self.t.lower(cf, 64);
            self.t.b.def_var(self.carry, cf);
        }
        if self.plan.holds_flags(n) {
            let words = self.t.held_flags();
            for (var, v) in self.flags.into_iter().zip(words) {
                self.t.b.def_var(var, v);
            }
        } else if !self.plan.blocks[n].kills_flags {
            let flags = self.t.s.flags;
            self.t.store_flags(flags);
        }
    }

    /// Leaves the region for the code at `ip`: to its entry point, if that is known, or to the engine.
    fn exit(&mut self, ip: V, branched: bool) {
        let code64 = self.req.mode.code() == CodeSize::Bits64;
        let (flat, user) = (self.req.mode.is_flat(), self.req.mode.is_user());
        if !code64 && branched {
            let target = self.t.lower(ip, 64);
            if let Some(out) = self.t.is_no_target(target) {
                self.t.redo_if(out);
            }
        }
        let s = self.t.s.clone();
        let t = &mut self.t;
        t.store_regs(&s, 0);
        t.store_flags(s.flags);
        let target = t.lower(ip, 64);
        let left = t.left_at(&s);
        let (exec, page_ip) = (t.exec, t.page_ip);
        let to = t.v.distance(ip, t.page_ip, t.mode.code().bits());
        // The page that runs is mapped where it is: the entry's place is known.
        if let Some(to) = self.same_page(flat, to) {
            if links::AVAILABLE {
                let place = self.place(to);
                self.t.b.ins().return_call(place, &[exec, left, page_ip]);
                return;
            }
            let cell = self.address(Import::Cell, to.into());
            let code = self.t.b.ins().load(types::I64, state_access(), cell, 0);
            let mut ways = Ways { b: self.t.b, exec, flat, user };
            let address = ways.address(code);
            return ways.go(self.sig, left, &Way { code, address, page_ip }, cell);
        }
        let way =
            to.map(|to| (Import::WayTo, to)).or_else(|| Some((Import::WayFrom, self.mostly_to_one_place()?.into())));
        let way = way.map(|(which, n)| self.address(which, n));
        let cold = self.t.cold_block();
        let mut ways = Ways { b: self.t.b, exec, flat, user };
        let to = ways.known(target, way, cold);
        ways.go(self.sig, left, &to, left);
        self.t.b.switch_to_block(cold);
        if code64 && branched {
            self.check_canonical(&s, target);
        }
        let t = &mut self.t;
        let go = t.get_state(types::I64, abi::word(abi::GO));
        let way = way.unwrap_or_else(|| t.b.ins().iconst(types::I64, 0));
        t.b.ins().return_call_indirect(self.sig, go, &[t.exec, left, target, left, way]);
    }

    /// The offset that a way out leads to, which is so far from the start of the page, where it is certain to lie in this.
    fn same_page(&self, flat: bool, to: Option<i64>) -> Option<u16> {
        // Where offsets in the segment can wrap, only what lies between the region's instructions is certain.
        let (lo, hi) = if flat { (0, PAGE_SIZE as u16) } else { self.plan.extent };
        u16::try_from(to?).ok().filter(|to| (lo..hi).contains(to))
    }

    /// The offset of the running block's last instruction, where that goes to what it reads from always the same place.
    fn mostly_to_one_place(&self) -> Option<u16> {
        let last = self.plan.blocks[self.running].items.last()?;
        links::mostly_to_one_place(&last.ins).then_some(last.at)
    }

    /// What is at an offset of the page, as a function that a branch leads to.
    fn place(&mut self, offset: u16) -> FuncRef {
        let b = &mut *self.t.b;
        let mut sig = signature(CallConv::Tail);
        sig.params.truncate(3);
        let signature = b.import_signature(sig);
        let name = UserExternalName { namespace: PLACES, index: offset.into() };
        let name = ExternalName::user(b.func.declare_imported_user_function(name));
        b.import_function(ExtFuncData { name, signature, colocated: true, patchable: false })
    }

    /// An address that is known when the region is put into memory.
    fn address(&mut self, n: Import, addend: i64) -> Value {
        let b = &mut *self.t.b;
        let name = b.func.declare_imported_user_function(UserExternalName { namespace: 0, index: n as u32 });
        let global = b.create_global_value(GlobalValueData::Symbol {
            name: ExternalName::user(name),
            offset: addend.into(),
            colocated: false,
            tls: false,
        });
        b.ins().symbol_value(types::I64, global)
    }

    /// Gives a branch to an address that is not canonical back to the interpreter, though the state `s` behind it is stored already.
    fn check_canonical(&mut self, s: &State, target: Value) {
        let t = &mut self.t;
        let Some(bad) = t.is_no_target(target) else { return };
        let cold = t.cold_block();
        t.split(bad, cold);
        let on = t.b.current_block().expect("split has switched to it");
        t.b.switch_to_block(cold);
        t.start.dirty |= s.dirty;
        t.redo();
        t.b.switch_to_block(on);
    }

    /// Has the interpreter's function carry out an instruction behind which nothing is known: everything is in memory.
    fn leave_by(&mut self, item: &Item) {
        let s = self.t.s.clone();
        self.t.store_regs(&s, 0);
        self.t.store_flags(s.flags);
        let status = self.run(item, &s, self.run.last);
        let t = &mut self.t;
        let cold = t.cold_block();
        t.split(status, cold);
        // What comes of it is in the CPU's state.
        let [left, ip, go] =
            [abi::word(abi::LEFT), abi::reg(RIP), abi::word(abi::GO)].map(|n| t.get_state(types::I64, n));
        let none = t.b.ins().iconst(types::I64, 0);
        t.b.ins().return_call_indirect(self.sig, go, &[t.exec, left, ip, none, none]);
        t.b.switch_to_block(cold);
        t.return_reason(Reason::Attention, t.at);
    }

    /// The call of one of [`Run`]: its status.
    fn run(&mut self, item: &Item, s: &State, function: FuncRef) -> Value {
        let index = self.table.len();
        self.table.push((item.at, item.insn));
        let t = &mut self.t;
        let next = t.ip_of(i64::from(t.at + t.len));
        let next = t.lower(next, 64);
        t.put_state(next, abi::reg(RIP));
        let left = t.left_at(s);
        t.put_state(left, abi::word(abi::LEFT));
        let table = t.b.ins().symbol_value(types::I64, self.insns);
        let offset = t.b.ins().iconst(types::I64, (index * size_of::<Insn>()) as i64);
        let insn = t.b.ins().iadd(table, offset);
        let call = t.b.ins().call(function, &[t.exec, insn]);
        t.b.inst_results(call)[0]
    }

    /// Has the interpreter's function carry out an instruction.
    fn call(&mut self, item: &Item) {
        let e = item.effects;
        self.t.seen.clear();
        let touched = e.reads | e.writes;
        let flags = e.flags_read | e.flags_written != 0;
        let mut s = self.t.s.clone();
        let stored = s.dirty & touched;
        let t = &mut self.t;
        t.store_regs(&State { dirty: stored, ..s.clone() }, 0);
        s.dirty &= !stored;
        if flags {
            t.store_flags(s.flags);
        }
        let status = self.run(item, &s, if flags { self.run.with_flags } else { self.run.plain });
        let t = &mut self.t;
        let cold = t.cold_block();
        t.split(status, cold);
        let on = t.b.current_block().expect("split has switched to it");

        // What the function may write is in memory already; the count is, too.
        t.b.switch_to_block(cold);
        let mark = t.v.mark();
        t.store_regs(&s, e.writes);
        if !flags {
            t.store_flags(s.flags);
        }
        t.return_reason(Reason::Attention, t.at);
        t.v.forget(mark);

        t.b.switch_to_block(on);
        for r in 0..16u8 {
            if e.writes >> r & 1 != 0 {
                let v = t.get_state(types::I64, abi::reg(r));
                s.regs[usize::from(r)] = Some(t.v.clif(v, 64));
                s.defs |= 1 << r;
            }
        }
        if flags {
            s.flags = FlagState::Memory { cf: None };
        }
        s.vector = VectorState::default();
        s.done += 1;
        if item.repeats {
            s.left = t.get_state(types::I64, abi::word(abi::LEFT));
            s.done = 0;
        }
        t.s = s;
        t.forget_pages();
    }
}

/// Keeps [`FlagKind`]'s numbers in reach of the text above.
const _: () = assert!(FlagKind::Add as u64 == 1);
