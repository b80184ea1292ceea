//! Every instruction that the assembler can write, over all registers and addresses that drafts use, read back by another decoder.

use super::*;
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic as M, OpKind, Register};

/// All but RSP, which no draft names.
const HOSTS: [Host; 15] =
    [RAX, RCX, RDX, RBX, RBP, RSI, RDI, Host(8), Host(9), Host(10), Host(11), Host(12), Host(13), Host(14), Host(15)];

/// With and without a displacement, of each size, at the ends of each.
const DISPLACEMENTS: [i32; 10] = [0, 1, -1, 127, -128, 128, -129, 0x1234, i32::MAX, i32::MIN];

/// Numbers of each size that an instruction may hold.
const NUMBERS: [i32; 11] = [0, 1, -1, 127, -128, 128, -129, 0x7fff, -0x8000, i32::MAX, i32::MIN];

const ALUS: [(Alu, M); 6] = [
    (Alu::Add, M::Add),
    (Alu::Or, M::Or),
    (Alu::And, M::And),
    (Alu::Sub, M::Sub),
    (Alu::Xor, M::Xor),
    (Alu::Cmp, M::Cmp),
];

const SIZES: [u32; 4] = [8, 16, 32, 64];

/// An operand as it should be.
#[derive(Clone, Copy, Debug)]
enum Arg {
    /// A register of so many bits.
    R(u32, Host),
    /// So many bits of memory; 0 where nothing is accessed.
    M(u32, At),
    /// A number, of which so many bits matter.
    I(u32, u64),
    /// A vector register.
    X(u8),
}
use Arg::{I, R};

fn register(bits: u32, h: Host) -> Register {
    const BYTES: [Register; 16] = [
        Register::AL,
        Register::CL,
        Register::DL,
        Register::BL,
        Register::SPL,
        Register::BPL,
        Register::SIL,
        Register::DIL,
        Register::R8L,
        Register::R9L,
        Register::R10L,
        Register::R11L,
        Register::R12L,
        Register::R13L,
        Register::R14L,
        Register::R15L,
    ];
    let first = match bits {
        8 => return BYTES[usize::from(h.0)],
        16 => Register::AX,
        32 => Register::EAX,
        _ => Register::RAX,
    };
    first + u32::from(h.0)
}

/// Bases, with and without an index, and all displacements.
fn addresses() -> Vec<At> {
    let mut all = Vec::new();
    for base in HOSTS {
        for index in std::iter::once(None).chain(HOSTS.map(Some)) {
            all.extend(DISPLACEMENTS.map(|disp| At { base, index, disp }));
        }
    }
    all
}

/// Decodes what is written, which must be one instruction.
fn one(write: impl FnOnce(&mut Asm)) -> (Instruction, Vec<u8>) {
    let mut a = Asm::default();
    write(&mut a);
    assert!(a.finish());
    let i = Decoder::with_ip(64, &a.code, 0, DecoderOptions::NONE).decode();
    assert!(!i.is_invalid() && i.len() == a.code.len(), "{:02x?} is not one instruction", a.code);
    (i, a.code)
}

fn check(write: impl FnOnce(&mut Asm), mnemonic: M, args: &[Arg]) {
    let (i, code) = one(write);
    let what = || format!("{code:02x?} is {i:?}, not {mnemonic:?} {args:?}");
    assert_eq!(i.mnemonic(), mnemonic, "{}", what());
    assert_eq!(i.op_count() as usize, args.len(), "{}", what());
    for (n, &arg) in args.iter().enumerate() {
        let n = n as u32;
        match arg {
            R(bits, h) => {
                assert_eq!(i.op_kind(n), OpKind::Register, "{}", what());
                assert_eq!(i.op_register(n), register(bits, h), "{}", what());
            }
            Arg::M(bits, m) => {
                assert_eq!(i.op_kind(n), OpKind::Memory, "{}", what());
                assert_eq!(i.memory_base(), register(64, m.base), "{}", what());
                assert_eq!(i.memory_index(), m.index.map_or(Register::None, |h| register(64, h)), "{}", what());
                assert_eq!(i.memory_index_scale(), 1, "{}", what());
                assert_eq!(i.memory_displacement64(), m.disp as i64 as u64, "{}", what());
                assert_eq!(i.memory_size().size() * 8, bits as usize, "{}", what());
                // As short as it can be: RBP and R13 have no form without a displacement.
                let most = match m.disp {
                    0 if m.base.0 & 7 != 5 => 0,
                    -128..=127 => 1,
                    _ => 8,
                };
                assert_eq!(i.memory_displ_size(), most, "{}", what());
            }
            Arg::X(r) => assert_eq!(i.op_register(n), Register::XMM0 + u32::from(r), "{}", what()),
            I(bits, v) => assert_eq!((i.immediate(n) ^ v) & (u64::MAX >> (64 - bits)), 0, "{}", what()),
        }
    }
}

/// Both operand sizes of most instructions.
fn both(mut f: impl FnMut(bool, u32)) {
    f(false, 32);
    f(true, 64);
}

#[test]
fn moves_between_registers_and_of_numbers_say_what_was_asked_for() {
    for d in HOSTS {
        for s in HOSTS {
            both(|wide, bits| check(|a| a.mov(wide, d, s), M::Mov, &[R(bits, d), R(bits, s)]));
        }
        for v in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
            check(|a| a.mov_imm(d, v), M::Mov, &[R(32, d), I(32, v)]);
        }
        for v in [1 << 32, i64::MAX as u64, i64::MIN as u64, u64::MAX, 0xffff_ffff_8000_0000, 0xffff_ffff_7fff_ffff] {
            check(|a| a.mov_imm(d, v), M::Mov, &[R(64, d), I(64, v)]);
        }
        for v in [0, 1, u64::MAX, 0x1234_5678_9abc_def0] {
            check(|a| a.mov_imm64(d, v), M::Mov, &[R(64, d), I(64, v)]);
            assert_eq!(one(|a| a.mov_imm64(d, v)).1.len(), 10, "there is room for any number");
        }
    }
}

#[test]
fn loads_and_stores_reach_every_address_in_every_size() {
    for m in addresses() {
        for r in 0..8 {
            check(|a| a.load_vector(r, m), M::Movdqu, &[Arg::X(r), Arg::M(128, m)]);
            check(|a| a.store_vector(m, r), M::Movdqu, &[Arg::M(128, m), Arg::X(r)]);
        }
        for h in HOSTS {
            check(|a| a.load(8, h, m), M::Movzx, &[R(32, h), Arg::M(8, m)]);
            check(|a| a.load(16, h, m), M::Movzx, &[R(32, h), Arg::M(16, m)]);
            check(|a| a.load(32, h, m), M::Mov, &[R(32, h), Arg::M(32, m)]);
            check(|a| a.load(64, h, m), M::Mov, &[R(64, h), Arg::M(64, m)]);
            for bits in SIZES {
                check(|a| a.store(bits, m, h), M::Mov, &[Arg::M(bits, m), R(bits, h)]);
            }
            both(|wide, bits| check(|a| a.lea(wide, h, m), M::Lea, &[R(bits, h), Arg::M(0, m)]));
        }
        for v in NUMBERS {
            for bits in SIZES {
                check(|a| a.store_imm(bits, m, v), M::Mov, &[Arg::M(bits, m), I(bits, v as i64 as u64)]);
            }
        }
    }
}

#[test]
fn arithmetic_says_what_was_asked_for() {
    for (op, mnemonic) in ALUS {
        for d in HOSTS {
            for s in HOSTS {
                both(|wide, bits| check(|a| a.alu(op, wide, d, s), mnemonic, &[R(bits, d), R(bits, s)]));
                for bits in SIZES {
                    check(|a| a.alu_sized(op, bits, d, s), mnemonic, &[R(bits, d), R(bits, s)]);
                }
            }
            for v in NUMBERS {
                let n = v as i64 as u64;
                both(|wide, bits| check(|a| a.alu_imm(op, wide, d, v), mnemonic, &[R(bits, d), I(bits, n)]));
                for bits in SIZES {
                    check(|a| a.alu_sized_imm(op, bits, d, v), mnemonic, &[R(bits, d), I(bits, n)]);
                }
            }
        }
        for m in addresses() {
            both(|wide, bits| {
                for d in HOSTS {
                    check(|a| a.alu_from(op, wide, d, m), mnemonic, &[R(bits, d), Arg::M(bits, m)]);
                }
                for v in [0, 1, -1, 127, -128] {
                    let n = i64::from(v) as u64;
                    check(|a| a.alu_to_imm(op, wide, m, v), mnemonic, &[Arg::M(bits, m), I(bits, n)]);
                }
            });
        }
    }
}

#[test]
fn what_has_one_register_says_which() {
    for d in HOSTS {
        for bits in SIZES {
            check(|a| a.test(bits, d), M::Test, &[R(bits, d), R(bits, d)]);
            check(|a| a.step(bits, false, d), M::Inc, &[R(bits, d)]);
            check(|a| a.step(bits, true, d), M::Dec, &[R(bits, d)]);
        }
        both(|wide, bits| {
            check(|a| a.not(wide, d), M::Not, &[R(bits, d)]);
            for (op, mnemonic) in [(Shift::Shl, M::Shl), (Shift::Shr, M::Shr), (Shift::Sar, M::Sar)] {
                for n in [1, 2, 31, 63] {
                    check(|a| a.shift_imm(op, wide, d, n), mnemonic, &[R(bits, d), I(8, n.into())]);
                }
                check(|a| a.shift(op, wide, d), mnemonic, &[R(bits, d), R(8, RCX)]);
            }
        });
        check(|a| a.bswap64(d), M::Bswap, &[R(64, d)]);
        check(|a| a.push(d), M::Push, &[R(64, d)]);
        check(|a| a.pop(d), M::Pop, &[R(64, d)]);
        check(|a| a.call(d), M::Call, &[R(64, d)]);
    }
    for m in addresses() {
        check(|a| a.jmp_at(m), M::Jmp, &[Arg::M(64, m)]);
        check(|a| a.call_at(m), M::Call, &[Arg::M(64, m)]);
    }
    check(Asm::ret, M::Ret, &[]);
}

#[test]
fn what_has_two_registers_says_which() {
    for d in HOSTS {
        check(|a| a.mul(true, d), M::Imul, &[R(64, d)]);
        check(|a| a.mul(false, d), M::Mul, &[R(64, d)]);
        for s in HOSTS {
            both(|wide, bits| {
                check(|a| a.imul(wide, d, s), M::Imul, &[R(bits, d), R(bits, s)]);
                for n in [0x61c8_8647, -5] {
                    let v = i64::from(n) as u64;
                    check(|a| a.imul_imm(wide, d, s, n), M::Imul, &[R(bits, d), R(bits, s), I(bits, v)]);
                }
                check(|a| a.movsx(wide, 8, d, s), M::Movsx, &[R(bits, d), R(8, s)]);
                check(|a| a.movsx(wide, 16, d, s), M::Movsx, &[R(bits, d), R(16, s)]);
                check(|a| a.movsx(wide, 32, d, s), M::Movsxd, &[R(bits, d), R(32, s)]);
            });
            check(|a| a.movzx(8, d, s), M::Movzx, &[R(32, d), R(8, s)]);
            check(|a| a.movzx(16, d, s), M::Movzx, &[R(32, d), R(16, s)]);
            check(|a| a.count(Count::Ones, d, s), M::Popcnt, &[R(64, d), R(64, s)]);
            check(|a| a.count(Count::Trailing, d, s), M::Tzcnt, &[R(64, d), R(64, s)]);
            check(|a| a.count(Count::Leading, d, s), M::Lzcnt, &[R(64, d), R(64, s)]);
        }
    }
}

#[test]
fn all_vectors_go_to_the_stack_and_come_from_there() {
    let read = |write: &dyn Fn(&mut Asm)| {
        let mut a = Asm::default();
        write(&mut a);
        Decoder::new(64, &a.code, DecoderOptions::NONE).iter().collect::<Vec<Instruction>>()
    };
    let (save, load) = (read(&|a| a.save_vectors()), read(&|a| a.load_vectors()));
    let moves = |at: &Instruction| (at.mnemonic(), at.memory_base(), at.memory_displacement64() / 16);
    for x in 0..16 {
        let (s, l) = (&save[x + 1], &load[x]);
        assert_eq!(moves(s), (M::Movups, Register::RSP, x as u64));
        assert_eq!(moves(l), moves(s));
        assert_eq!((s.op1_register(), l.op0_register()), (Register::XMM0 + x as u32, Register::XMM0 + x as u32));
    }
    for (at, mnemonic) in [(&save[0], M::Sub), (&load[16], M::Add)] {
        assert_eq!((at.mnemonic(), at.op0_register(), at.immediate64()), (mnemonic, Register::RSP, 256));
    }
    assert_eq!((save.len(), load.len()), (17, 17));
}

/// By the number of the condition: what moves, what sets, what branches.
const CONDITIONS: [[M; 3]; 16] = [
    [M::Cmovo, M::Seto, M::Jo],
    [M::Cmovno, M::Setno, M::Jno],
    [M::Cmovb, M::Setb, M::Jb],
    [M::Cmovae, M::Setae, M::Jae],
    [M::Cmove, M::Sete, M::Je],
    [M::Cmovne, M::Setne, M::Jne],
    [M::Cmovbe, M::Setbe, M::Jbe],
    [M::Cmova, M::Seta, M::Ja],
    [M::Cmovs, M::Sets, M::Js],
    [M::Cmovns, M::Setns, M::Jns],
    [M::Cmovp, M::Setp, M::Jp],
    [M::Cmovnp, M::Setnp, M::Jnp],
    [M::Cmovl, M::Setl, M::Jl],
    [M::Cmovge, M::Setge, M::Jge],
    [M::Cmovle, M::Setle, M::Jle],
    [M::Cmovg, M::Setg, M::Jg],
];

#[test]
fn conditions_are_those_of_their_numbers() {
    for (n, [cmov, set, _]) in CONDITIONS.into_iter().enumerate() {
        let cc = Cc(n as u8);
        for d in HOSTS {
            check(|a| a.setcc(cc, d), set, &[R(8, d)]);
            for s in HOSTS {
                both(|wide, bits| check(|a| a.cmov(cc, wide, d, s), cmov, &[R(bits, d), R(bits, s)]));
            }
        }
    }
    let named = [
        (BELOW, M::Jb),
        (EQUAL, M::Je),
        (NOT_EQUAL, M::Jne),
        (ABOVE, M::Ja),
        (SIGN, M::Js),
        (PARITY, M::Jp),
        (LESS, M::Jl),
        (GREATER, M::Jg),
    ];
    for (cc, jump) in named {
        assert_eq!(CONDITIONS[usize::from(cc.0)][2], jump);
    }
}

#[test]
fn branches_lead_to_their_labels_forwards_and_backwards() {
    let mut a = Asm::default();
    let (back, on) = (a.label(), a.label());
    a.ret();
    a.place(back);
    for n in 0..16 {
        a.jcc(Cc(n), back);
        a.jcc(Cc(n), on);
    }
    a.jmp(back);
    a.jmp(on);
    a.ret();
    a.place(on);
    let end = a.code.len() as u64;
    a.ret();
    assert!(a.finish());
    let all: Vec<Instruction> = Decoder::with_ip(64, &a.code, 0, DecoderOptions::NONE).iter().collect();
    let [first, branches @ .., last, target] = all.as_slice() else { panic!("there are more") };
    assert!([first, last, target].iter().all(|i| i.mnemonic() == M::Ret));
    assert_eq!(branches.len(), 2 * 17);
    for (n, i) in branches.iter().enumerate() {
        let jump = CONDITIONS.get(n / 2).map_or(M::Jmp, |c| c[2]);
        assert_eq!((i.mnemonic(), i.near_branch_target()), (jump, if n % 2 == 0 { 1 } else { end }));
    }
}

#[test]
fn a_label_without_a_place_is_noticed() {
    let mut a = Asm::default();
    let label = a.label();
    a.jmp(label);
    assert!(!a.finish());
    a.place(label);
    assert!(a.finish());
}

#[test]
fn what_is_taken_back_leaves_nothing_behind() {
    let mut a = Asm::default();
    let (kept, dropped) = (a.label(), a.label());
    a.jmp(kept);
    let mark = a.mark();
    a.jcc(EQUAL, dropped); // which never gets a place
    a.mov_imm64(RAX, 1);
    a.back_to(mark);
    a.place(kept);
    a.ret();
    assert!(a.finish());
    assert_eq!(a.code, [0xe9, 0, 0, 0, 0, 0xc3]);
}
