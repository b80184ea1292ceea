//! The instructions that programs are made of: which forms of which families a mode and a model have, and how often each is taken.

use super::input::Random;
use ferrite_core::cpu::Model;
use iced_x86::{
    Code, CpuidFeature as F, EncodingKind, FlowControl, Instruction, Mnemonic as M, OpCodeOperandKind as K,
};

/// Forms by family, each as lists of one mnemonic.
pub struct Forms {
    families: Vec<(usize, Vec<Vec<Code>>)>,
    /// MMX and SSE once more, for programs of hardly anything else.
    pub vectors: Vec<Vec<Code>>,
}

/// What most code is made of.
const COMMON: [M; 46] = [
    M::Mov,
    M::Mov,
    M::Mov,
    M::Add,
    M::Add,
    M::Sub,
    M::Cmp,
    M::Cmp,
    M::Test,
    M::And,
    M::Or,
    M::Xor,
    M::Lea,
    M::Inc,
    M::Dec,
    M::Movzx,
    M::Movsx,
    M::Movsxd,
    M::Shl,
    M::Shr,
    M::Sar,
    M::Rol,
    M::Ror,
    M::Rcl,
    M::Rcr,
    M::Adc,
    M::Sbb,
    M::Neg,
    M::Not,
    M::Imul,
    M::Mul,
    M::Push,
    M::Pop,
    M::Sete,
    M::Setb,
    M::Setle,
    M::Cmove,
    M::Cmova,
    M::Bt,
    M::Bts,
    M::Xchg,
    M::Cmpxchg,
    M::Xadd,
    M::Shld,
    M::Bswap,
    M::Cwde,
];

/// What would end the program, or is made by hand below.
const LEFT_OUT: [M; 24] = [
    M::Ret,
    M::Retf,
    M::Enter,
    M::Hlt,
    M::Lgdt,
    M::Lidt,
    M::Lldt,
    M::Ltr,
    M::Wrmsr,
    M::Rsm,
    M::Loadall,
    M::Insb,
    M::Insw,
    M::Insd,
    M::Outsb,
    M::Outsw,
    M::Outsd,
    M::In,
    M::Out,
    M::Popf,
    M::Popfd,
    M::Popfq,
    M::Swapgs,
    M::Wbinvd,
];

impl Forms {
    /// Those of a mode and model.
    pub fn new(bits: u32, model: &Model) -> Self {
        let all: Vec<Code> = Code::values().filter(|c| usable(*c, bits, model)).collect();
        let of = |wanted: &dyn Fn(&Code) -> bool| {
            let mut by: Vec<(M, Vec<Code>)> = Vec::new();
            for c in all.iter().filter(|c| wanted(c)) {
                match by.iter_mut().find(|(m, _)| *m == c.mnemonic()) {
                    Some((_, list)) => list.push(*c),
                    None => by.push((c.mnemonic(), vec![*c])),
                }
            }
            by.into_iter().map(|(_, list)| list).collect::<Vec<_>>()
        };
        let has = |c: &Code, list: &[F]| c.cpuid_features().iter().any(|f| list.contains(f));
        let fpu = [F::FPU, F::FPU287, F::FPU387, F::FPU387SL_ONLY];
        let sse = [F::SSE, F::SSE2, F::SSE3, F::SSSE3, F::SSE4_1, F::SSE4_2, F::AES, F::PCLMULQDQ];
        let mut common = Vec::new();
        for m in COMMON {
            common.extend(of(&|c| c.mnemonic() == m && !has(c, &sse)));
        }
        let mut families = vec![
            (100, common),
            (9, of(&|c| has(c, &fpu))),
            (7, of(&|c| has(c, &[F::MMX]))),
            (18, of(&|c| has(c, &sse))),
            (16, of(&|c| !has(c, &fpu) && !has(c, &sse) && !has(c, &[F::MMX]))),
        ];
        families.retain(|(_, f)| !f.is_empty());
        let vectors = of(&|c| has(c, &sse) || has(c, &[F::MMX]));
        Self { families, vectors }
    }

    /// One of them, by the weights of families; one of common integer code alone if vectors are to be avoided.
    pub fn pick(&self, random: &mut Random, avoid_vectors: bool) -> Code {
        let families = if avoid_vectors { &self.families[..1] } else { &self.families[..] };
        let mut n = random.below(families.iter().map(|(w, _)| w).sum());
        let family = families.iter().find(|(w, _)| {
            let found = n < *w;
            n = n.wrapping_sub(*w);
            found
        });
        Self::of(&family.expect("the weights' sum is the bound").1, random)
    }

    /// One of a family: each mnemonic is as likely as any other.
    pub fn of(family: &[Vec<Code>], random: &mut Random) -> Code {
        let list = &family[random.below(family.len())];
        list[random.below(list.len())]
    }
}

fn usable(c: Code, bits: u32, model: &Model) -> bool {
    let info = c.op_code();
    let mode = match bits {
        16 => info.mode16(),
        32 => info.mode32(),
        _ => info.mode64(),
    };
    let mut ins = Instruction::default();
    ins.set_code(c);
    let listed = |f: &F| !matches!(f, F::FPU | F::FPU287 | F::FPU387) || model.has(ferrite_core::cpu::Feature::Fpu);
    info.is_instruction()
        && mode
        && info.encoding() == EncodingKind::Legacy
        && !info.is_privileged()
        && ins.flow_control() == FlowControl::Next
        && c.cpuid_features().iter().all(listed)
        && !LEFT_OUT.contains(&c.mnemonic())
        && !info.op_kinds().iter().any(|k| matches!(k, K::cr_reg | K::dr_reg | K::tr_reg))
}
