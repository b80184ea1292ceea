//! From a request to host code.

use crate::abi::{self, MAX_ENTRIES, Reason};
use crate::frame::{self, SHARED};
use crate::links::{self, Link};
use crate::plan::{Plan, Request};
use crate::tr::state_access;
use crate::ways::Ways;
use crate::{Unavailable, region};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::entity::EntityRef;
use cranelift_codegen::ir::{
    ExternalName, Function, InstBuilder, Opcode, UserExternalName, UserFuncName, Value, types,
};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use ferrite_core::cpu::state::RIP;
use ferrite_core::isa::Insn;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An address to be written into host code: 8 bytes at `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Offset in the code.
    pub at: u32,
    /// Which address: see [`crate::helper::Import`].
    pub import: u32,
    /// Added to it.
    pub addend: i64,
}

/// The runs and the slow instructions of a request.
pub type Of = (Vec<(u16, u16)>, Vec<u16>);

/// A translation.
#[derive(Debug)]
pub struct Translation {
    /// Host code.
    pub code: Vec<u8>,
    /// Addresses in it.
    pub patches: Vec<Patch>,
    /// Branches in it to places in its page.
    pub links: Vec<Link>,
    /// Instructions that it has carried out by the interpreter's functions.
    pub insns: Box<[Insn]>,
    /// Their offsets in the page.
    pub places: Vec<u16>,
    /// Guest instructions.
    pub count: usize,
    /// Offsets in the page where it can be entered, by the number of the entry.
    pub entries: Vec<u16>,
    /// The runs and slow instructions that it is of, where it was found and they may be others than those asked for.
    pub of: Option<Of>,
}

/// The compiler: Cranelift, with what it keeps from one function to the next.
pub struct Compiler {
    isa: OwnedTargetIsa,
    /// The same, for code that is worth more work.
    thorough: OwnedTargetIsa,
    ctx: Context,
    fctx: FunctionBuilderContext,
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").field("isa", &self.isa.name()).finish_non_exhaustive()
    }
}

impl Compiler {
    /// For this host.
    ///
    /// # Errors
    /// [`Unavailable::Host`].
    pub fn new() -> Result<Self, Unavailable> {
        let no = |e: &dyn std::fmt::Display| Unavailable::Host(e.to_string());
        let make = |opt_level| {
            let mut flags = settings::builder();
            for (name, value) in [
                ("opt_level", opt_level),
                ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
                ("preserve_frame_pointers", "true"), // tail calls need it
                ("enable_alias_analysis", "false"),
                ("unwind_info", "false"),
            ] {
                flags.set(name, value).map_err(|e| no(&e))?;
            }
            cranelift_native::builder().map_err(|e| no(&e))?.finish(settings::Flags::new(flags)).map_err(|e| no(&e))
        };
        let (isa, thorough) = (make("none")?, make("speed")?);
        if isa.pointer_bits() != 64 {
            return Err(Unavailable::Host("a host of 64 bits is needed".to_owned()));
        }
        Ok(Self { isa, thorough, ctx: Context::new(), fctx: FunctionBuilderContext::new() })
    }

    /// The host and all that was chosen for it, as text that differs where code may.
    pub fn description(&self) -> String {
        let host = self.isa.isa_flags().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        format!("{} {} {host}", self.isa.triple(), self.isa.flags())
    }

    /// Translates. `None` when the region cannot be: its first instruction is none that is translated, or Cranelift refuses it, or
    /// panics at it: the region is left to the other engines then, and what comes after it is translated.
    pub fn translate(&mut self, req: &Request) -> Option<Translation> {
        catch_unwind(AssertUnwindSafe(|| self.make(req))).unwrap_or_else(|_| {
            let at = req.runs.first().map_or(0, |r| r.0);
            tracing::error!(
                "the translator panicked at a region of {:?} at offset {at:x}h of its page",
                req.mode.code()
            );
            // Whatever state these were left in.
            (self.ctx, self.fctx) = (Context::new(), FunctionBuilderContext::new());
            None
        })
    }

    fn make(&mut self, req: &Request) -> Option<Translation> {
        let plan = Plan::new(req)?;
        self.ctx.clear();
        let insns = region::emit(&mut self.ctx.func, &mut self.fctx, self.isa.as_ref(), req, &plan);
        let (code, patches, links) = self.finish(plan.long)?;
        let (places, insns): (Vec<u16>, Vec<Insn>) = insns.into_iter().unzip();
        let entries = plan.entries.iter().map(|&n| req.runs[n].0).collect();
        let insns = insns.into_boxed_slice();
        Some(Translation { code, patches, links, insns, places, count: plan.insns, entries, of: None })
    }

    /// Translates for a person: also the CLIF, and the host code as text where the code generator gives one.
    pub fn explain(&mut self, req: &Request) -> Option<(Translation, String, String)> {
        let plan = Plan::new(req)?;
        self.ctx.clear();
        let _ = region::emit(&mut self.ctx.func, &mut self.fctx, self.isa.as_ref(), req, &plan);
        let clif = self.ctx.func.display().to_string();
        self.ctx.set_disasm(true);
        self.finish(plan.long)?;
        let host = self.ctx.compiled_code().and_then(|c| c.vcode.clone()).unwrap_or_default();
        Some((self.translate(req)?, clif, host))
    }

    fn finish(&mut self, thorough: bool) -> Option<(Vec<u8>, Vec<Patch>, Vec<Link>)> {
        if SAVES_NOTHING {
            save_nothing(&mut self.ctx.func);
        }
        drop_loads(&mut self.ctx.func);
        let isa = if thorough { &self.thorough } else { &self.isa };
        let compiled = match self.ctx.compile(isa.as_ref(), &mut ControlPlane::default()) {
            Ok(compiled) => compiled,
            Err(e) => {
                tracing::error!("a region cannot be compiled: {:?}", e.inner);
                return None;
            }
        };
        let mut code = compiled.code_buffer().to_vec();
        let relocs = compiled.buffer.relocs().to_vec();
        let calls: Vec<u32> = compiled.buffer.call_sites().map(|c| c.ret_addr).collect();
        let moved = if SHARED { frame::share(&mut code, &calls)? } else { Vec::new() };
        let (mut patches, mut links) = (Vec::with_capacity(relocs.len()), Vec::new());
        for r in relocs {
            let FinalizedRelocTarget::ExternalName(ExternalName::User(name)) = r.target else { return None };
            let UserExternalName { namespace, index: import } = self.ctx.func.params.user_named_funcs()[name];
            if (namespace, r.kind, r.addend) == (region::PLACES, Reloc::X86CallPCRel4, -4) {
                let by = moved.iter().find(|m| m.end == r.offset + 4).map_or(0, |m| m.by);
                links.push(links::add_miss(&mut code, r.offset - by, import as u16));
                continue;
            }
            if r.kind != Reloc::Abs8 {
                tracing::error!("a region needs a relocation that is not supported: {:?}", r.kind);
                return None;
            }
            patches.push(Patch { at: r.offset, import, addend: r.addend });
        }
        Some((code, patches, links))
    }

    /// A function made by hand: `make` gets the builder and the arguments.
    fn build(&mut self, conv: CallConv, make: impl FnOnce(&mut FunctionBuilder<'_>, &[Value])) -> Option<Vec<u8>> {
        self.ctx.clear();
        self.ctx.func.signature = region::signature(conv);
        self.ctx.func.name = UserFuncName::user(1, 0);
        let mut b = FunctionBuilder::new(&mut self.ctx.func, &mut self.fctx);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let params = b.block_params(entry).to_vec();
        make(&mut b, &params);
        b.seal_all_blocks();
        b.finalize(self.isa.frontend_config());
        Some(self.finish(false)?.0)
    }

    /// The function by which the engine enters regions: as they are, but of the host's calling convention.
    pub fn gate(&mut self) -> Option<Vec<u8>> {
        self.build(self.isa.default_call_conv(), |b, p| {
            let callee = b.import_signature(region::signature(CallConv::Tail));
            let mask = b.ins().iconst(types::I64, -(MAX_ENTRIES as i64));
            let function = b.ins().band(p[3], mask);
            let call = b.ins().call_indirect(callee, function, p);
            let r = b.inst_results(call)[0];
            b.ins().return_(&[r]);
        })
    }

    /// What a cell leads to when nothing is there: goes back to the engine, for the place that the cell is of.
    pub fn missing(&mut self) -> Option<Vec<u8>> {
        self.build(CallConv::Tail, |b, p| {
            let at = b.ins().load(types::I64, state_access(), p[4], 8);
            let ip = b.ins().iadd(p[2], at);
            give_back(b, p, ip);
        })
    }

    /// See [`abi::GO`]; for code that is `flat`, or any, and a user's or not.
    pub fn go(&mut self, flat: bool, user: bool) -> Option<Vec<u8>> {
        self.build(CallConv::Tail, |b, p| {
            let (exec, left, target) = (p[0], p[1], p[2]);
            let miss = b.create_block();
            b.set_cold_block(miss);
            let sig = b.import_signature(region::signature(CallConv::Tail));
            let mut ways = Ways { b, exec, flat, user };
            ways.go_on(sig, left, target, p[4], miss);
            b.switch_to_block(miss);
            give_back(b, p, target);
        })
    }
}

/// Whether translated code leaves the saving of registers to the gate: a function of the `tail` convention saves those that
/// System V has a callee save, though nobody in between wants them. The code generator's convention `winch` saves none, and takes the
/// same arguments in the same registers; tail calls of it are refused by nothing but assertions.
const SAVES_NOTHING: bool = cfg!(all(target_arch = "x86_64", not(debug_assertions)));

/// Has a function, and those that it calls, be of the convention that saves nothing instead of `tail`.
fn save_nothing(func: &mut Function) {
    let Function { stencil, .. } = func;
    let all = stencil.dfg.signatures.values_mut().chain([&mut stencil.signature]);
    for signature in all.filter(|s| s.call_conv == CallConv::Tail) {
        signature.call_conv = CallConv::Winch;
    }
}

/// Takes loads out whose results nobody uses: all registers of a region are read in its first block, also those that are written first,
/// and the flags' words are read together. The code generator keeps every load.
fn drop_loads(func: &mut Function) {
    let mut used = vec![false; func.dfg.num_values()];
    let mut loads = Vec::new();
    for block in func.layout.blocks() {
        for inst in func.layout.block_insts(block) {
            for v in func.dfg.inst_values(inst) {
                used[func.dfg.resolve_aliases(v).index()] = true;
            }
            if func.dfg.insts[inst].opcode() == Opcode::Load {
                loads.push(inst);
            }
        }
    }
    for inst in loads {
        if func.dfg.inst_results(inst).iter().all(|v| !used[v.index()]) {
            func.layout.remove_inst(inst);
        }
    }
}

/// Returns to the engine, to go on at an instruction pointer.
fn give_back(b: &mut FunctionBuilder<'_>, p: &[Value], ip: Value) {
    b.ins().store(state_access(), ip, p[0], abi::reg(RIP));
    b.ins().store(state_access(), p[1], p[0], abi::word(abi::LEFT));
    let r = b.ins().iconst(types::I64, (Reason::Next as i64) << abi::REASON_SHIFT);
    b.ins().return_(&[r]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Mode;
    use ferrite_core::cpu::{Model, ModelName};
    use ferrite_core::exec::CodeSize;
    use ferrite_core::memory::PAGE_SIZE;

    #[test]
    fn a_panic_costs_one_region_only() {
        let Ok(mut compiler) = Compiler::new() else { return };
        let mut text = vec![0; PAGE_SIZE as usize];
        text[..2].copy_from_slice(&[0x40, 0xc3]); // inc eax; ret
        let good = Request {
            id: 0,
            runs: vec![(0, 2)],
            text: text.into(),
            mode: Mode::plain(CodeSize::Bits32),
            model: Model::new(ModelName::Max),
            slow: Vec::new(),
        };
        let short = Request { text: Box::default(), ..good.clone() }; // no request has less than a page
        assert!(compiler.translate(&short).is_none());
        assert_eq!(compiler.translate(&good).map(|t| t.count), Some(2));
    }
}
