//! Every instruction form, compiled and run, against the instruction set's own functions.
//!
//! The forms are those of the core's list of known results, each of which names an encoding with register operands.
//! A memory operand is a source whose upper part is zero, so that scalars stand for it here.

mod compile;
#[allow(dead_code)]
#[path = "../../../../core/src/isa/simd/tests/inputs.rs"]
mod inputs;
#[cfg(feature = "all-arch")]
mod targets;

use super::{PLAIN, PLAIN_MASK};
use compile::{Frame, Function, Known, Shape};
use ferrite_core::cpu::model::{Model, ModelName};
use ferrite_core::cpu::segment::{Seg, attr};
use ferrite_core::cpu::state::{cr0, cr4, efer};
use ferrite_core::exec::{CodeSize, Exec};
use ferrite_core::isa::Insn;
use ferrite_core::isa::decode::decode;
use ferrite_core::isa::select_simd::{Place, Vector, describe};
use ferrite_core::system::System;
use iced_x86::{Instruction, Register};

/// What an instruction form reads and writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Registers {
    xmm: [u128; 3],
    mm: [u64; 2],
    rax: u64,
    rcx: u64,
    rdx: u64,
    eflags: u64,
    mxcsr: u32,
    host_mxcsr: u32,
}

/// CF, PF, AF, ZF, SF, OF.
const ARITHMETIC: u64 = 0x8d5;

/// One line of the list.
struct Form {
    name: String,
    bytes: Vec<u8>,
    immediate: bool,
}

fn forms() -> Vec<Form> {
    let parse = |line: &str| {
        let (code, rest) = line.split_once(' ').unwrap();
        let name = rest.trim_start().split_once(' ').unwrap().1.to_owned();
        let immediate = code.ends_with("ii");
        let code = code.replace("ii", "00");
        let bytes = (0..code.len()).step_by(2).map(|i| u8::from_str_radix(&code[i..i + 2], 16).unwrap()).collect();
        Form { name, bytes, immediate }
    };
    include_str!("../../../../core/src/isa/simd/tests/known.txt").lines().map(parse).collect()
}

impl Form {
    fn with(&self, imm: u8) -> Vec<u8> {
        let mut b = self.bytes.clone();
        if self.immediate {
            *b.last_mut().unwrap() = imm;
        }
        b.resize(15, 0x90);
        b
    }

    fn instruction(&self) -> Instruction {
        iced_x86::Decoder::new(64, &self.with(0), 0).decode()
    }

    /// The immediates to try.
    fn immediates(&self) -> Vec<u8> {
        if !self.immediate {
            return vec![0];
        }
        (0..40).chain((40..=255).step_by(9)).chain([0x40, 0x80, 0xc0, 0xe4, 0x1b, 0xff]).collect()
    }
}

fn cpu() -> Exec {
    let mut x = Exec::new(Model::new(ModelName::Max), System::bare(1 << 20));
    x.st.cr0 |= cr0::PE;
    x.st.cr4 |= cr4::OSFXSR | cr4::OSXMMEXCPT;
    x.st.msr.efer |= efer::LMA | efer::LME;
    x.st.seg[Seg::Cs as usize].attr |= attr::L;
    x.refresh();
    x
}

/// The registers after an instruction; `None` when it raised an exception.
fn reference(x: &mut Exec, i: &Insn, r: &Registers) -> Option<Registers> {
    x.st.xmm[..3].copy_from_slice(&r.xmm);
    x.st.fpu.significand[..2].copy_from_slice(&r.mm);
    x.st.regs[0] = r.rax;
    x.st.flags.set_arithmetic(r.eflags);
    x.st.mxcsr = r.mxcsr;
    (i.run)(x, i).ok()?;
    Some(Registers {
        xmm: [x.st.xmm[0], x.st.xmm[1], x.st.xmm[2]],
        mm: [x.st.fpu.significand[0], x.st.fpu.significand[1]],
        rax: x.st.regs[0],
        eflags: x.st.flags.arithmetic(),
        mxcsr: x.st.mxcsr,
        ..*r
    })
}

impl Registers {
    fn place(&mut self, r: Register) -> Slot<'_> {
        match r {
            Register::EAX | Register::RAX => Slot::Half(&mut self.rax),
            Register::MM0 => Slot::Half(&mut self.mm[0]),
            Register::MM1 => Slot::Half(&mut self.mm[1]),
            Register::XMM0 => Slot::Full(&mut self.xmm[0]),
            Register::XMM1 => Slot::Full(&mut self.xmm[1]),
            Register::XMM2 => Slot::Full(&mut self.xmm[2]),
            _ => panic!("{r:?}"),
        }
    }

    fn value(&self, r: Register) -> u128 {
        match { *self }.place(r) {
            Slot::Half(v) if r == Register::EAX => u128::from(*v as u32),
            Slot::Half(v) => u128::from(*v),
            Slot::Full(v) => *v,
        }
    }

    fn set(&mut self, r: Register, value: u128) {
        match self.place(r) {
            Slot::Half(v) => *v = value as u64,
            Slot::Full(v) => *v = value,
        }
    }
}

enum Slot<'a> {
    Half(&'a mut u64),
    Full(&'a mut u128),
}

/// A compiled form.
struct Rig {
    name: String,
    v: Vector,
    target: Register,
    source: Option<Register>,
    function: Function,
    insn: Insn,
    shape: Shape,
    known: Known,
    imm: u8,
}

impl Rig {
    /// `None` when the operation is left to its helper.
    fn new(form: &Form, imm: u8, shape: Shape, known: Known) -> Option<Self> {
        let ins = form.instruction();
        let v = describe(&ins)?;
        let source = (v.source != Place::Imm8).then(|| ins.op1_register());
        let function = Function::new(&v, imm, shape, known)?;
        let insn = decode(&form.with(imm), CodeSize::Bits64, &Model::new(ModelName::Max)).unwrap();
        Some(Self { name: form.name.clone(), v, target: ins.op0_register(), source, function, insn, shape, known, imm })
    }

    /// Compares one input, and says whether the fast path was taken.
    fn check(&self, x: &mut Exec, mut before: Registers) -> bool {
        if let Some(s) = self.source {
            let v = before.value(s) & self.shape.mask();
            before.set(s, v);
        }
        let after = reference(x, &self.insn, &before);
        let mut frame = Frame {
            target: before.value(self.target),
            source: self.source.map_or(0, |s| before.value(s)),
            xmm0: before.xmm[0],
            out: 0,
            mxcsr: before.mxcsr,
            fast: 0,
        };
        if matches!(self.v.target, Place::Xmm | Place::Eflags) && self.target == self.source.unwrap_or_default() {
            frame.target = frame.source;
        }
        self.function.call(&mut frame);
        if frame.fast == 0 {
            return false;
        }
        let at = || format!("{} imm {:#x} {:?} {:?}: {before:x?}", self.name, self.imm, self.shape, self.known);
        let Some(after) = after else { panic!("no exception in {}", at()) };
        assert_eq!(after.mxcsr, before.mxcsr, "MXCSR of {}", at());
        let (want, got) = match self.v.target {
            Place::Eflags => (u128::from(after.eflags), frame.out),
            Place::R32 => (after.value(self.target), u128::from(frame.out as u32)),
            Place::R64 | Place::Mm => (after.value(self.target), u128::from(frame.out as u64)),
            _ => (after.value(self.target), frame.out),
        };
        assert_eq!(got, want, "{got:x} instead of {want:x} of {}", at());
        true
    }
}

/// Inputs of trial `n`, with some exceptions unmasked at times.
fn input(n: u64) -> Registers {
    let mut r = inputs::registers(n);
    if n.is_multiple_of(5) {
        r.mxcsr ^= (n / 5 % 64) as u32 * 0x80;
    }
    r
}

fn shapes(v: &Vector) -> &'static [Shape] {
    match v.source {
        Place::Xmm => &[Shape::Vector, Shape::I64, Shape::F64, Shape::I32, Shape::F32],
        Place::Mm => &[Shape::Vector, Shape::I64, Shape::F64],
        Place::R64 => &[Shape::I64],
        Place::R32 => &[Shape::I32, Shape::I64],
        _ => &[Shape::Vector],
    }
}

fn compare(forms: impl Iterator<Item = Form>) -> usize {
    let mut x = cpu();
    let mut compared = 0;
    for form in forms {
        let Some(v) = describe(&form.instruction()) else { continue };
        for imm in form.immediates() {
            // All shapes of the source for some of the immediates.
            let shapes = if imm % 16 == 0 { shapes(&v) } else { &shapes(&v)[..1] };
            for &shape in shapes {
                for known in [Known::Nothing, Known::Plain] {
                    if known == Known::Plain && !super::needs_mxcsr(v.op, imm) {
                        continue;
                    }
                    let Some(rig) = Rig::new(&form, imm, shape, known) else { continue };
                    let trials = if form.immediate { 48 } else { 3000 };
                    let first = u64::from(imm) * 64;
                    for n in first..first + trials {
                        let mut r = input(n);
                        if known == Known::Plain {
                            r.mxcsr = r.mxcsr & !PLAIN_MASK | PLAIN;
                        }
                        compared += usize::from(rig.check(&mut x, r));
                    }
                }
            }
        }
    }
    compared
}

#[test]
fn forms_without_an_immediate_give_the_instructions_results() {
    assert!(compare(forms().into_iter().filter(|f| !f.immediate)) > 1_000_000);
}

#[test]
fn forms_with_an_immediate_give_the_instructions_results() {
    assert!(compare(forms().into_iter().filter(|f| f.immediate)) > 100_000);
}

#[test]
fn nearly_all_operations_are_inline() {
    let left: Vec<_> = forms()
        .iter()
        .filter(|f| describe(&f.instruction()).is_some())
        .filter(|f| Rig::new(f, 0, Shape::Vector, Known::Nothing).is_none())
        .map(|f| f.name.split(' ').next().unwrap().to_owned())
        .collect();
    let called = "phminposuw mpsadbw rcpps rsqrtps rcpss rsqrtss dpps dppd";
    let crypto = "aesenc aesenclast aesdec aesdeclast aesimc aeskeygenassist pclmulqdq";
    for f in forms().iter().filter(|f| describe(&f.instruction()).is_some()) {
        let inline = !called.split_whitespace().any(|m| Some(m) == f.name.split(' ').next());
        assert_eq!(crate::vector::is_inline(&f.instruction()), inline, "{}", f.name);
    }
    let mut expected: Vec<_> = called.split_whitespace().chain(crypto.split_whitespace()).map(str::to_owned).collect();
    let mut left = left;
    expected.sort();
    left.sort();
    left.dedup();
    assert_eq!(left, expected);
}

/// Elements of ordinary size: singles or doubles between 1/8 and 64, some of them zero.
fn ordinary(n: u64, double: bool) -> u128 {
    let v = inputs::registers(n * 12 + if double { 4 } else { 3 }).xmm[0];
    match n % 7 {
        0 if double => v << 64,
        0 => v << 32,
        _ => v,
    }
}

#[test]
fn ordinary_numbers_take_the_fast_path() {
    let mut x = cpu();
    let mut seen = 0;
    for form in forms() {
        let ins = form.instruction();
        let Some(v) = describe(&ins) else { continue };
        let Some(rig) = Rig::new(&form, 0, Shape::Vector, Known::Nothing) else { continue };
        let double = ["pd", "sd", "pd2dq", "pd2ps", "pd2pi", "sd2si", "sd2ss"].iter().any(|s| {
            let m = form.name.split(' ').next().unwrap();
            m.ends_with(s) && !m.ends_with("2pd") && !m.ends_with("2sd")
        });
        for n in 0..200u64 {
            // No divisor is 0, and no root of a negative number is taken.
            let (a, mut b) = (ordinary(2 * n, double), ordinary(7 * n + 1, double));
            if form.name.starts_with("sqrt") {
                b &= if double { !(1 << 63 | 1 << 127) } else { 0x7fff_ffff_7fff_ffff_7fff_ffff_7fff_ffff };
            }
            let mut r = Registers { mxcsr: 0x1fa0, ..Registers::default() };
            r.set(ins.op0_register(), a);
            if v.source != Place::Imm8 && ins.op1_register() != ins.op0_register() {
                r.set(ins.op1_register(), b);
            }
            assert!(rig.check(&mut x, r), "{} of {a:x} and {b:x}", form.name);
            seen += 1;
        }
    }
    assert!(seen > 10_000);
}

#[test]
fn exact_results_take_the_fast_path_before_anything_was_rounded() {
    let mut x = cpu();
    let pairs = [(6.0f64, 3.0f64), (-8.0, 0.5), (1e6, 1e3), (0.0, 7.0), (81.0, 9.0), (-4.0, 16.0), (1.5, 0.25)];
    let mut seen = 0;
    for form in forms() {
        let name = form.name.split(' ').next().unwrap().to_owned();
        let operation = name.strip_suffix(['s', 'd']).and_then(|n| n.strip_suffix(['p', 's'])).unwrap_or_default();
        // Without a fused multiply-add, quotients and roots go to the helper.
        let rounds_often = ["div", "sqrt"].contains(&operation);
        let sums = ["add", "sub", "mul", "hadd", "hsub", "addsub"].contains(&operation);
        if !sums && (!rounds_often || !compile::fma()) {
            continue;
        }
        let ins = form.instruction();
        let Some(rig) = Rig::new(&form, 0, Shape::Vector, Known::Nothing) else { continue };
        let single = name.ends_with("ps") || name.ends_with("ss");
        for (p, q) in pairs {
            let (p, q) = match operation {
                "sqrt" => (p, q * q),
                "div" => (p * q, q),
                _ => (p, q),
            };
            let v = |f: f64| {
                if single {
                    let b = u128::from((f as f32).to_bits());
                    b | b << 32 | b << 64 | b << 96
                } else {
                    let b = u128::from(f.to_bits());
                    b | b << 64
                }
            };
            let mut r = Registers { mxcsr: 0x1f80, ..Registers::default() };
            r.set(ins.op0_register(), v(p));
            r.set(ins.op1_register(), v(q));
            assert!(rig.check(&mut x, r), "{name} of {p} and {q}");
            seen += 1;
        }
    }
    assert!(seen >= 7 * 18, "{seen}");
}
