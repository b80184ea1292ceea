//! Each action does what its instruction does.

use super::action::{ACTIONS, Kind, UNUSUAL, UNUSUAL_INTEGER, number};
use crate::cpu::flags::{CF, PF, ZF};
use crate::cpu::model::{Model, ModelName};
use crate::cpu::segment::attr;
use crate::cpu::state::{Fpu, RBX, cr0};
use crate::exec::{CodeSize, Exec};
use crate::fp::F80;
use crate::isa::decode::decode;
use crate::system::System;
use iced_x86::{Decoder, DecoderOptions};

/// Where memory operands are: EBX.
const OPERAND: u64 = 0x2000;
/// States for each encoding.
const ROUNDS: usize = 300;

fn machine() -> Exec {
    let mut x = Exec::new(Model::new(ModelName::Max), System::bare(1 << 20));
    x.st.cr0 = cr0::NE | cr0::ET | cr0::PE;
    for s in &mut x.st.seg {
        (s.base, s.limit) = (0, u32::MAX);
        s.attr |= attr::DB | attr::G;
    }
    x.st.regs[RBX as usize] = OPERAND;
    x.refresh();
    x
}

/// SplitMix64.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*seed ^ *seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// A register's contents: numbers of all sizes, those near 1 more often, and every special kind.
fn contents(seed: &mut u64) -> F80 {
    const J: u64 = 1 << 63;
    let (n, sig) = (next(seed), next(seed));
    let sign = (n >> 32) as u16 & 0x8000;
    let (e, sig) = match n % 12 {
        0 => (0, 0),
        1 => (0, sig & !J),
        2 => (0x7fff, J),
        3 => (0x7fff, sig | J),
        4 => ((n >> 8) as u16 & 0x7fff, sig),
        5 => ((n >> 8) as u16 & 0x7fff, sig | J),
        6 => (0x3fff, J),
        _ => (0x3fe0 + (n >> 8) as u16 % 0x60, sig | J),
    };
    F80::new(sign | e, sig)
}

/// A stack that is nearly full, or not, with any control word.
fn stack(seed: &mut u64) -> Fpu {
    let mut fpu = Fpu::INIT;
    let n = next(seed);
    fpu.set_top((n & 7) as u8);
    for p in 0..8 {
        fpu.set_reg(p, contents(seed));
    }
    fpu.valid = if n & 8 == 0 { next(seed) as u8 } else { 0x7f_u8.rotate_left((n >> 4) as u32 & 7) };
    fpu.control = (n >> 16) as u16 & 0xf00 | if n & 0x300 == 0 { (n >> 40) as u16 & 0x3f } else { 0x3f } | 0x40;
    fpu.status_less_top = (n >> 48) as u16 & 0x4700;
    fpu
}

/// What is alike but for the record of the last instruction.
fn without_record(mut fpu: Fpu) -> Fpu {
    (fpu.opcode, fpu.ip, fpu.cs, fpu.dp, fpu.ds) = (0, 0, 0, 0, 0);
    fpu
}

#[test]
fn each_does_what_its_instruction_does() {
    let mut x = machine();
    let mut seen = vec![false; ACTIONS.len()];
    let registers = (0..8u8).flat_map(|op| (0xc0..=0xff).map(move |modrm| [0xd8 + op, modrm]));
    let memory = (0..8u8).flat_map(|op| (0..8u8).map(move |reg| [0xd8 + op, reg << 3 | 3]));
    let mut seed = 1;
    for code in registers.chain(memory) {
        let ins = Decoder::new(32, &code, DecoderOptions::NONE).decode();
        let Some(n) = number(ins.code()) else { continue };
        seen[n] = true;
        let insn = decode(&code, CodeSize::Bits32, &x.model).expect("an instruction that has an action");
        for _ in 0..ROUNDS {
            let before = stack(&mut seed);
            let mut bits = next(&mut seed);
            if next(&mut seed) & 1 == 0 {
                // A number of either format that is not far from 1.
                bits = bits & 0x8fff_ffff_8fff_ffff | 0x3000_0000_3000_0000;
            }
            x.st.fpu = before;
            x.sys.mem.write(OPERAND, &bits.to_le_bytes());
            (insn.run)(&mut x, &insn).expect("no error was pending");
            let mut after = [0; 8];
            x.sys.mem.read(OPERAND, &mut after);
            let after = u64::from_le_bytes(after);

            let mut fpu = before;
            let low = |v: u64, bytes: u8| v & u64::MAX >> (64 - 8 * u32::from(bytes));
            let numbers = u64::from(insn.dst) | u64::from(insn.src) << 8;
            let context = || format!("{:?} of {bits:x} on {before:x?}", ins.code());
            match ACTIONS[n].kind {
                Kind::Load(bytes) => _ = (ACTIONS[n].action)(&mut fpu, low(bits, bytes)),
                Kind::Registers => _ = (ACTIONS[n].action)(&mut fpu, numbers),
                Kind::Compare => {
                    let codes = (ACTIONS[n].action)(&mut fpu, numbers);
                    let flags: u64 = [(2, ZF), (1, PF), (0, CF)].iter().map(|&(n, flag)| (codes >> n & 1) * flag).sum();
                    assert_eq!(x.st.flags.bits() & (ZF | PF | CF), flags, "{}", context());
                }
                Kind::Store(bytes) | Kind::StoreInteger(bytes) => {
                    let v = (ACTIONS[n].action)(&mut fpu, 0);
                    let fp = matches!(ACTIONS[n].kind, Kind::Store(_));
                    if v == if fp { UNUSUAL } else { UNUSUAL_INTEGER } {
                        assert_eq!(fpu, before, "{}: it gave up", context());
                        continue;
                    }
                    assert_eq!(low(after, bytes), low(v, bytes), "{}", context());
                }
            }
            assert_eq!(without_record(fpu), without_record(x.st.fpu), "{}", context());
        }
    }
    let missing: Vec<_> = (0..ACTIONS.len()).filter(|&n| !seen[n]).map(|n| ACTIONS[n].code).collect();
    assert!(missing.is_empty(), "no encoding met {missing:?}");
}
