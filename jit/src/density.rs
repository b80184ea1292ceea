//! How much host code becomes of guest code.

use crate::compile::Compiler;
use crate::mode::Mode;
use crate::plan::{Flow, Plan, Request};
use crate::show;
use ferrite_core::cpu::{Model, ModelName};
use ferrite_core::exec::CodeSize;
use ferrite_core::memory::PAGE_SIZE;

/// Guest and host instructions of the region that is made of `bytes`, as flat code of the highest privilege (16 `bits`: in real mode)
/// on the processor `max`. Ways out of the region count, as they are part of its code. `(0, 0)` for what cannot be translated, or on a
/// host without a code generator.
#[must_use]
pub fn density(bytes: &[u8], bits: u32) -> (usize, usize) {
    let code = match bits {
        16 => CodeSize::Bits16,
        32 => CodeSize::Bits32,
        _ => CodeSize::Bits64,
    };
    let mut text = vec![0; PAGE_SIZE as usize];
    let len = bytes.len().min(text.len());
    text[..len].copy_from_slice(&bytes[..len]);
    let mode = Mode::plain(code);
    let runs = vec![(0, len as u16)];
    let mut req = Request { id: 0, runs, text: text.into(), mode, model: Model::new(ModelName::Max), slow: Vec::new() };
    req.runs = runs_of(&req, len as u16);
    let Ok(mut compiler) = Compiler::new() else { return (0, 0) };
    let Some((done, _, host)) = compiler.explain(&req) else { return (0, 0) };
    (done.count, show::host_instructions(&done.code, &host))
}

/// Splits the one run of a request behind its branches, and where they lead.
fn runs_of(req: &Request, end: u16) -> Vec<(u16, u16)> {
    let mut starts = vec![0u16];
    let mut at = 0;
    while at < end {
        let part = Request { runs: vec![(at, end)], ..req.clone() };
        let Some(plan) = Plan::new(&part) else { break };
        let Some(last) = plan.blocks.first().and_then(|b| b.items.last()) else { break };
        at = last.at + u16::from(last.insn.len);
        starts.push(at);
        if let Flow::Jump(to) | Flow::Either(to) = last.flow {
            starts.extend(u16::try_from(to).ok());
        }
    }
    starts.retain(|&s| s < end);
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([end]);
    starts.iter().copied().zip(ends).collect()
}
