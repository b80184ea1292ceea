//! `--dump-translation`: what became of the code at an address, for people.

use crate::compile::Compiler;
use crate::plan::Request;
use ferrite_core::memory::PAGE_SIZE;
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, Mnemonic, NasmFormatter};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The addresses that are asked for.
pub struct Shows {
    wanted: Vec<u64>,
    /// Of those, what has been shown.
    found: BTreeSet<u64>,
    /// Addresses and host code that have been shown.
    shown: BTreeSet<(u64, u64)>,
    compiler: Option<Compiler>,
    say: fn(&str),
}

/// A region that is about to be entered.
pub struct Entered<'a> {
    /// The linear address of its page.
    pub linear: u64,
    /// Where its page is in guest memory.
    pub page: u64,
    /// Where its host code is.
    pub code: u64,
    pub runs: &'a [(u16, u16)],
}

impl Shows {
    /// For linear addresses; texts go to `say`.
    pub fn new(wanted: Vec<u64>, say: fn(&str)) -> Self {
        Self { wanted, found: BTreeSet::new(), shown: BTreeSet::new(), compiler: None, say }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Shows a region if it holds one of the addresses and has not been shown.
    pub fn look(&mut self, r: &Entered<'_>, request: impl Fn() -> Request) {
        for at in self.wanted.clone() {
            let Some(offset) = at.checked_sub(r.linear).filter(|&o| o < PAGE_SIZE) else { continue };
            let holds = r.runs.iter().any(|&(a, b)| (u64::from(a)..u64::from(b)).contains(&offset));
            if holds && self.shown.insert((at, r.code)) {
                self.found.insert(at);
                let text = self.text(at, r, &request());
                (self.say)(&text);
            }
        }
    }

    fn text(&mut self, at: u64, r: &Entered<'_>, req: &Request) -> String {
        if self.compiler.is_none() {
            self.compiler = Compiler::new().ok();
        }
        let explained = self.compiler.as_mut().and_then(|c| c.explain(req));
        let Some((done, clif, vcode)) = explained else {
            return format!("--dump-translation {at:x}: its region cannot be translated a second time");
        };
        let entry = r.linear + req.runs.first().map_or(0, |r| u64::from(r.0));
        let mut s = format!(
            "--dump-translation {at:x}: region entered at {entry:x}, physical page {:x}, {} guest instructions, {} bytes of host code\n",
            r.page,
            done.count,
            done.code.len()
        );
        s.push_str("guest code:\n");
        let mut runs = req.runs.clone();
        runs.sort_unstable();
        let bits = req.mode.code().bits();
        for (a, b) in runs {
            let bytes = req.text.get(usize::from(a)..usize::from(b)).unwrap_or_default();
            disassemble(&mut s, bytes, bits, r.linear + u64::from(a), req.model.decoder_options());
            s.push('\n');
        }
        let _ = write!(s, "CLIF:\n{clif}\nhost code:\n");
        if cfg!(target_arch = "x86_64") {
            disassemble(&mut s, &done.code, 64, r.code, DecoderOptions::NONE);
        } else {
            s.push_str(&vcode);
        }
        s
    }
}

impl Drop for Shows {
    fn drop(&mut self) {
        for at in self.wanted.iter().filter(|at| !self.found.contains(at)) {
            (self.say)(&format!("--dump-translation {at:x}: no translation of the code there was run"));
        }
    }
}

fn disassemble(out: &mut String, bytes: &[u8], bits: u32, at: u64, options: u32) {
    let mut formatter = NasmFormatter::new();
    let mut text = String::new();
    for ins in Decoder::with_ip(bits, bytes, at, options).iter() {
        text.clear();
        formatter.format(&ins, &mut text);
        let first = ins.ip().wrapping_sub(at) as usize;
        let hex: String = bytes[first..first + ins.len()].iter().map(|b| format!("{b:02x}")).collect();
        let _ = writeln!(out, "  {:8x}  {hex:<22} {text}", ins.ip());
    }
}

/// Instructions in host code, of which `vcode` is the code generator's text. What only fills the place of others does not count.
pub fn host_instructions(code: &[u8], vcode: &str) -> usize {
    if cfg!(target_arch = "x86_64") {
        let fills = |i: &Instruction| matches!(i.mnemonic(), Mnemonic::Nop | Mnemonic::Int3);
        return Decoder::with_ip(64, code, 0, DecoderOptions::NONE).iter().filter(|i| !fills(i)).count();
    }
    vcode.lines().filter(|l| !l.trim().is_empty() && !l.trim_end().ends_with(':')).count()
}
