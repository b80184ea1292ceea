//! Every instruction form against known results, and on x86-64 hosts against the host itself.
//!
//! `known.txt` has a line for each form: its bytes (`ii` is an immediate, tried with all 256 values), a digest of the
//! results over a fixed sequence of inputs, and its name. On x86-64 hosts [`host`] shows that the results are those of
//! the host's own instruction, and writes the file when `FERRITE_BLESS` is set.

mod exceptions;
#[cfg(target_arch = "x86_64")]
mod host;
mod inputs;
#[cfg(target_arch = "x86_64")]
mod stubs;
mod vectors;

use crate::cpu::model::{Model, ModelName};
use crate::cpu::segment::{Seg, attr};
use crate::cpu::state::{cr0, cr4, efer};
use crate::exec::{CodeSize, Exec};
use crate::isa::Insn;
use crate::isa::decode::decode;
use crate::system::System;
use std::fmt::Write;

/// What an instruction form reads and writes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Registers {
    xmm: [u128; 3],
    mm: [u64; 2],
    rax: u64,
    rcx: u64,
    rdx: u64,
    /// The arithmetic flags.
    eflags: u64,
    mxcsr: u32,
    /// Where the host's own MXCSR is kept meanwhile.
    host_mxcsr: u32,
}

/// CF, PF, AF, ZF, SF, OF.
const ARITHMETIC: u64 = 0x8d5;

/// A CPU in 64-bit mode without paging (which no real one has, but nothing here asks), SSE enabled.
fn cpu() -> Exec {
    let mut x = Exec::new(Model::new(ModelName::Max), System::bare(1 << 20));
    x.st.cr0 |= cr0::PE;
    x.st.cr4 |= cr4::OSFXSR | cr4::OSXMMEXCPT;
    x.st.msr.efer |= efer::LMA | efer::LME;
    x.st.seg[Seg::Cs as usize].attr |= attr::L;
    x.refresh();
    x
}

fn insn(bytes: &[u8]) -> Insn {
    let mut b = bytes.to_vec();
    b.resize(15, 0x90);
    decode(&b, CodeSize::Bits64, &Model::new(ModelName::Max)).unwrap_or_else(|e| panic!("{bytes:02x?}: {e:?}"))
}

fn load(x: &mut Exec, r: &Registers) {
    x.st.xmm[..3].copy_from_slice(&r.xmm);
    x.st.fpu.significand[..2].copy_from_slice(&r.mm);
    x.st.regs[0] = r.rax;
    x.st.regs[1] = r.rcx;
    x.st.regs[2] = r.rdx;
    x.st.flags.set_arithmetic(r.eflags);
    x.st.mxcsr = r.mxcsr;
}

fn store(x: &Exec, host_mxcsr: u32) -> Registers {
    Registers {
        xmm: [x.st.xmm[0], x.st.xmm[1], x.st.xmm[2]],
        mm: [x.st.fpu.significand[0], x.st.fpu.significand[1]],
        rax: x.st.regs[0],
        rcx: x.st.regs[1],
        rdx: x.st.regs[2],
        eflags: x.st.flags.arithmetic(),
        mxcsr: x.st.mxcsr,
        host_mxcsr,
    }
}

/// The registers after an instruction.
fn execute(x: &mut Exec, i: &Insn, r: &Registers) -> Registers {
    load(x, r);
    (i.run)(x, i).unwrap_or_else(|e| panic!("{:?}: {e:?}", i.iced()));
    store(x, r.host_mxcsr)
}

/// FNV-1a over all that an instruction can have changed.
fn digest(mut h: u64, r: &Registers) -> u64 {
    let Registers { xmm, mm, rax, rcx, rdx, eflags, mxcsr, host_mxcsr: _ } = *r;
    let words = xmm.iter().flat_map(|v| [*v as u64, (*v >> 64) as u64]).chain(mm);
    for w in words.chain([rax, rcx, rdx, eflags, mxcsr.into()]) {
        for b in w.to_le_bytes() {
            h = (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    h
}

const FNV: u64 = 0xcbf2_9ce4_8422_2325;

/// One line of `known.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    bytes: Vec<u8>,
    /// The last byte is an immediate.
    immediate: bool,
    digest: u64,
    name: String,
}

impl Known {
    /// Number of values of the immediate.
    fn values(&self) -> u32 {
        if self.immediate { 256 } else { 1 }
    }

    /// Number of inputs for each of them.
    fn trials(&self) -> u64 {
        if self.immediate { inputs::TRIALS / 64 } else { inputs::TRIALS }
    }

    fn insn(&self, imm: u32) -> Insn {
        let mut b = self.bytes.clone();
        if self.immediate {
            *b.last_mut().unwrap() = imm as u8;
        }
        insn(&b)
    }

    /// Executes everything; `check` sees immediate, input and result of each.
    fn run(&self, mut check: impl FnMut(u32, &Registers, &Registers)) -> u64 {
        let mut x = cpu();
        let mut h = FNV;
        for imm in 0..self.values() {
            let i = self.insn(imm);
            for n in 0..self.trials() {
                let before = inputs::registers(u64::from(imm) * self.trials() + n);
                let after = execute(&mut x, &i, &before);
                check(imm, &before, &after);
                h = digest(h, &after);
            }
        }
        h
    }

    fn line(&self) -> String {
        let mut s = String::new();
        let n = self.bytes.len() - usize::from(self.immediate);
        for b in &self.bytes[..n] {
            write!(s, "{b:02x}").unwrap();
        }
        if self.immediate {
            s += "ii";
        }
        format!("{s:<16} {:016x} {}\n", self.digest, self.name)
    }
}

fn known() -> Vec<Known> {
    let parse = |line: &str| {
        let (code, rest) = line.split_once(' ').unwrap();
        let (digest, name) = rest.trim_start().split_once(' ').unwrap();
        let code = code.as_bytes().chunks(2).map(|c| std::str::from_utf8(c).unwrap());
        let immediate = code.clone().any(|c| c == "ii");
        let bytes = code.map(|c| if c == "ii" { 0 } else { u8::from_str_radix(c, 16).unwrap() }).collect();
        Known { bytes, immediate, digest: u64::from_str_radix(digest, 16).unwrap(), name: name.to_owned() }
    };
    include_str!("known.txt").lines().map(parse).collect()
}
