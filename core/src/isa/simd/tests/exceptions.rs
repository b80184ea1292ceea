//! What the host cannot be asked in place: exceptions, memory operands, MMX state, and that no instruction is missing.

use super::{Registers, cpu, inputs, insn, known, load, store};
use crate::cpu::Exception;
use crate::cpu::model::{Model, ModelName};
use crate::cpu::state::{RDI, cr0, cr4};
use crate::exec::{CodeSize, Exec};
use crate::isa::decode::{convert, decode};
use crate::isa::insn::flag;
use crate::isa::select_simd;
use iced_x86::{Code, CpuidFeature, Decoder, DecoderOptions, EncodingKind, Instruction};
use std::collections::{BTreeMap, BTreeSet};

/// Instructions of these features that another family has.
fn elsewhere(c: Code) -> bool {
    matches!(
        c,
        Code::Crc32_r32_rm8 | Code::Crc32_r64_rm8 | Code::Crc32_r32_rm16 | Code::Crc32_r32_rm32 | Code::Crc32_r64_rm64
    ) || c.mnemonic() == iced_x86::Mnemonic::Pause
}

fn is_ours(c: Code) -> bool {
    use CpuidFeature as F;
    let ours = [F::MMX, F::SSE, F::SSE2, F::SSE3, F::SSSE3, F::SSE4_1, F::SSE4_2, F::AES, F::PCLMULQDQ];
    let f = c.cpuid_features();
    c.encoding() == EncodingKind::Legacy && f.iter().any(|f| ours.contains(f)) && !f.contains(&F::FPU) && !elsewhere(c)
}

/// Every instruction of the 0F, 0F38 and 0F3A maps in 64-bit mode, with a register and with [rdi] as its operand.
fn all_instructions() -> BTreeMap<(Code, bool), (Instruction, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for prefix in [None, Some(0x66), Some(0xf2), Some(0xf3)] {
        for rex in [None, Some(0x48)] {
            for map in [&[][..], &[0x38], &[0x3a]] {
                for opcode in 0..=255u8 {
                    for modrm in (0..8).map(|r| r << 3 | 7).chain(0xc0..=0xff) {
                        let mut b: Vec<u8> = prefix.into_iter().chain(rex).chain([0x0f]).collect();
                        b.extend_from_slice(map);
                        b.extend([opcode, modrm, 1, 0, 0, 0]);
                        let ins = Decoder::new(64, &b, DecoderOptions::NONE).decode();
                        let mem = (0..ins.op_count()).any(|n| ins.op_kind(n) == iced_x86::OpKind::Memory);
                        if is_ours(ins.code()) {
                            found.entry((ins.code(), mem)).or_insert((ins, b));
                        }
                    }
                }
            }
        }
    }
    found
}

#[test]
fn no_instruction_is_missing() {
    let all = all_instructions();
    let seen: BTreeSet<Code> = all.keys().map(|k| k.0).collect();
    let missed: Vec<Code> = Code::values().filter(|&c| is_ours(c) && !seen.contains(&c)).collect();
    assert!(missed.is_empty(), "the search did not come upon {missed:?}");
    for ((code, _), (ins, _)) in &all {
        let i = convert(ins, CodeSize::Bits64);
        assert!(select_simd::select::<Exec>(ins, &i).is_some(), "{code:?}: {ins}");
    }
}

#[test]
fn every_register_form_has_known_results() {
    use Code as C;
    let known: BTreeSet<u16> = known().iter().map(|k| k.insn(0).code).collect();
    for ((code, mem), (ins, _)) in all_instructions() {
        let hint = matches!(
            ins.mnemonic(),
            iced_x86::Mnemonic::Lfence | iced_x86::Mnemonic::Mfence | iced_x86::Mnemonic::Sfence
        );
        let stores = matches!(code, C::Maskmovq_rDI_mm_mm | C::Maskmovdqu_rDI_xmm_xmm);
        assert!(mem || hint || stores || known.contains(&(code as u16)), "{ins} is not compared with the host");
    }
}

const DATA: u64 = 0x8000;

/// A CPU whose RDI points at `DATA`.
fn cpu_with_data() -> Exec {
    let mut x = cpu();
    x.st.regs[usize::from(RDI)] = DATA;
    x
}

/// The memory form of a register form whose source is register 1 of its kind: mod and r/m become [rdi].
fn memory_form(bytes: &[u8], immediate: bool) -> Option<Vec<u8>> {
    let mut b = bytes.to_vec();
    let at = b.len() - 1 - usize::from(immediate);
    if b[at] & 0xc0 != 0xc0 || at < 2 {
        return None;
    }
    b[at] = b[at] & 0x38 | 7;
    let mut long = b.clone();
    long.resize(15, 0x90);
    let i = decode(&long, CodeSize::Bits64, &Model::new(ModelName::Max)).ok()?;
    (i.has(flag::MEM) && usize::from(i.len) == b.len()).then_some(b)
}

#[test]
fn memory_operands_count_as_register_operands_do() {
    let mut compared = 0;
    for form in known() {
        let name = form.name.as_str();
        // Loads that clear what the register form keeps, and the choice that INSERTPS makes only in a register.
        let differs = ["movss", "movsd ", "movlhps", "movhlps", "insertps"].iter().any(|n| name.starts_with(n));
        if differs || name.contains("store form") {
            continue;
        }
        let Some(bytes) = memory_form(&form.bytes, form.immediate) else { continue };
        let (reg, mem) = (insn(&form.bytes), insn(&bytes));
        let to_memory = ["pextr", "extractps", "movd eax", "movq rax"].iter().any(|n| name.starts_with(n));
        if to_memory {
            continue;
        }
        for n in 0..48 {
            let before = inputs::registers(n);
            let mut x = cpu();
            load(&mut x, &before);
            (reg.run)(&mut x, &reg).unwrap();
            let want = store(&x, 0);
            let mut x = cpu_with_data();
            load(&mut x, &before);
            let source = match reg.src {
                0 => before.rax.into(),
                _ if name.contains("mm1") && !name.contains("xmm1") => before.mm[1].into(),
                _ => before.xmm[1],
            };
            x.sys.mem.write(DATA, &source.to_le_bytes());
            (mem.run)(&mut x, &mem).unwrap();
            assert_eq!(store(&x, 0), want, "{name} with [rdi]");
        }
        compared += 1;
    }
    assert!(compared > 250, "{compared}");
}

fn run(x: &mut Exec, bytes: &[u8]) -> Result<(), Exception> {
    let i = insn(bytes);
    (i.run)(x, &i)
}

#[test]
fn stores_write_what_they_name_and_no_more() {
    let before = Registers {
        xmm: [0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100; 3],
        mm: [0x7766_5544_3322_1100; 2],
        rax: 0x8899_aabb_ccdd_eeff,
        ..inputs::registers(0)
    };
    let cases: [(&[u8], &[u8]); 16] = [
        (&[0x0f, 0x29, 0x07], &before.xmm[0].to_le_bytes()), // movaps [rdi],xmm0
        (&[0x0f, 0x11, 0x07], &before.xmm[0].to_le_bytes()), // movups [rdi],xmm0
        (&[0x66, 0x0f, 0xe7, 0x07], &before.xmm[0].to_le_bytes()), // movntdq [rdi],xmm0
        (&[0xf3, 0x0f, 0x11, 0x07], &[0, 1, 2, 3]),          // movss [rdi],xmm0
        (&[0xf2, 0x0f, 0x11, 0x07], &[0, 1, 2, 3, 4, 5, 6, 7]), // movsd [rdi],xmm0
        (&[0x0f, 0x13, 0x07], &[0, 1, 2, 3, 4, 5, 6, 7]),    // movlps [rdi],xmm0
        (&[0x0f, 0x17, 0x07], &[8, 9, 10, 11, 12, 13, 14, 15]), // movhps [rdi],xmm0
        (&[0x66, 0x0f, 0xd6, 0x07], &[0, 1, 2, 3, 4, 5, 6, 7]), // movq [rdi],xmm0
        (&[0x66, 0x0f, 0x7e, 0x07], &[0, 1, 2, 3]),          // movd [rdi],xmm0
        (&[0x0f, 0x7f, 0x07], &before.mm[0].to_le_bytes()),  // movq [rdi],mm0
        (&[0x0f, 0xe7, 0x07], &before.mm[0].to_le_bytes()),  // movntq [rdi],mm0
        (&[0x0f, 0x7e, 0x07], &[0, 0x11, 0x22, 0x33]),       // movd [rdi],mm0
        (&[0x0f, 0xc3, 0x07], &[0xff, 0xee, 0xdd, 0xcc]),    // movnti [rdi],eax
        (&[0x66, 0x0f, 0x3a, 0x14, 0x07, 0x15], &[5]),       // pextrb [rdi],xmm0,15h
        (&[0x66, 0x0f, 0x3a, 0x15, 0x07, 0x0b], &[6, 7]),    // pextrw [rdi],xmm0,0Bh
        (&[0x66, 0x0f, 0x3a, 0x17, 0x07, 0x07], &[12, 13, 14, 15]), // extractps [rdi],xmm0,7
    ];
    for (code, want) in cases {
        let mut x = cpu_with_data();
        load(&mut x, &before);
        x.sys.mem.write(DATA - 8, &[0xee; 40]);
        run(&mut x, code).unwrap();
        let mut got = [0; 40];
        x.sys.mem.read(DATA - 8, &mut got);
        let mut expected = [0xee; 40];
        expected[8..8 + want.len()].copy_from_slice(want);
        assert_eq!(got, expected, "{code:02x?}");
    }
}

#[test]
fn loads_of_scalars_clear_the_rest_of_the_register() {
    for (code, bytes) in
        [(&[0xf3, 0x0f, 0x10, 0x07], 4), (&[0xf2, 0x0f, 0x10, 0x07], 8), (&[0xf3, 0x0f, 0x7e, 0x07], 8)]
    {
        let mut x = cpu_with_data();
        x.st.xmm[0] = u128::MAX;
        x.sys.mem.write(DATA, &[0x5a; 16]);
        run(&mut x, code).unwrap();
        assert_eq!(x.st.xmm[0], 0x5a5a_5a5a_5a5a_5a5a_5a5a_5a5a_5a5a_5a5a & (u128::MAX >> (128 - 8 * bytes)));
    }
}

#[test]
fn insertps_from_memory_ignores_the_source_field() {
    let mut x = cpu_with_data();
    x.sys.mem.write(DATA, &0x1234_5678u32.to_le_bytes());
    x.st.xmm[0] = u128::MAX;
    run(&mut x, &[0x66, 0x0f, 0x3a, 0x21, 0x07, 0xe1]).unwrap(); // insertps xmm0,[rdi],0E1h
    assert_eq!(x.st.xmm[0], 0xffff_ffff_1234_5678_ffff_ffff_0000_0000);
}

#[test]
fn a_misaligned_operand_of_sixteen_bytes_is_a_general_protection_fault() {
    let aligned: [&[u8]; 6] = [
        &[0x66, 0x0f, 0x6f, 0x07],       // movdqa xmm0,[rdi]
        &[0x66, 0x0f, 0x7f, 0x07],       // movdqa [rdi],xmm0
        &[0x0f, 0x2b, 0x07],             // movntps [rdi],xmm0
        &[0x66, 0x0f, 0xfe, 0x07],       // paddd xmm0,[rdi]
        &[0x66, 0x0f, 0x2d, 0x07],       // cvtpd2pi mm0,[rdi]
        &[0x66, 0x0f, 0x38, 0x17, 0x07], // ptest xmm0,[rdi]
    ];
    let free: [&[u8]; 7] = [
        &[0x0f, 0x10, 0x07],                // movups xmm0,[rdi]
        &[0xf3, 0x0f, 0x7f, 0x07],          // movdqu [rdi],xmm0
        &[0xf2, 0x0f, 0xf0, 0x07],          // lddqu xmm0,[rdi]
        &[0x66, 0x0f, 0x3a, 0x63, 0x07, 0], // pcmpistri xmm0,[rdi],0
        &[0xf2, 0x0f, 0x58, 0x07],          // addsd xmm0,[rdi]
        &[0xf3, 0x0f, 0xe6, 0x07],          // cvtdq2pd xmm0,[rdi]
        &[0x0f, 0xfe, 0x07],                // paddd mm0,[rdi]
    ];
    for warm in [false, true] {
        for step in 1..16 {
            let fresh = || {
                let mut x = cpu_with_data();
                if warm {
                    x.write::<8>(3, DATA, 0).unwrap(); // the page is in the TLB
                }
                x.st.regs[usize::from(RDI)] += step;
                x
            };
            for code in aligned {
                let mut x = fresh();
                let before = x.st.clone();
                assert_eq!(run(&mut x, code), Err(Exception::gp(0)), "{code:02x?}");
                assert_eq!(x.st, before);
            }
            for code in free {
                assert_eq!(run(&mut fresh(), code), Ok(()), "{code:02x?}");
            }
        }
    }
}

#[test]
fn an_operand_across_two_pages_is_read_and_written_whole() {
    let mut x = cpu_with_data();
    x.st.regs[usize::from(RDI)] = DATA + 0x1000 - 5;
    x.st.xmm[0] = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210;
    run(&mut x, &[0x0f, 0x11, 0x07]).unwrap(); // movups [rdi],xmm0
    run(&mut x, &[0x0f, 0x10, 0x0f]).unwrap(); // movups xmm1,[rdi]
    assert_eq!(x.st.xmm[1], x.st.xmm[0]);
}

const SSE: &[u8] = &[0x0f, 0x58, 0xc1]; // addps xmm0,xmm1
const MMX: &[u8] = &[0x0f, 0xfc, 0xc1]; // paddb mm0,mm1
const BOTH: &[u8] = &[0xf2, 0x0f, 0xd6, 0xc1]; // movdq2q mm0,xmm1
const MOVNTI: &[u8] = &[0x0f, 0xc3, 0x07]; // movnti [rdi],eax

#[test]
fn control_registers_keep_vector_instructions_from_executing() {
    let check = |set: &dyn Fn(&mut Exec), sse, mmx, both| {
        for (code, want) in [(SSE, sse), (MMX, mmx), (BOTH, both), (MOVNTI, Ok(()))] {
            let mut x = cpu_with_data();
            set(&mut x);
            let before = x.st.clone();
            assert_eq!(run(&mut x, code), want, "{code:02x?}");
            assert!(want.is_ok() || x.st == before);
        }
    };
    let (ud, nm, mf) = (Err(Exception::UD), Err(Exception::NM), Err(Exception::MF));
    check(&|_| {}, Ok(()), Ok(()), Ok(()));
    check(&|x| x.st.cr0 |= cr0::EM, ud, ud, ud);
    check(&|x| x.st.cr0 |= cr0::TS, nm, nm, nm);
    check(&|x| x.st.cr0 |= cr0::EM | cr0::TS, ud, ud, ud);
    check(&|x| x.st.cr4 &= !cr4::OSFXSR, ud, Ok(()), ud);
    check(
        &|x| {
            x.st.cr0 |= cr0::NE;
            x.st.fpu.set_status(0x81)
        },
        Ok(()),
        mf,
        mf,
    );
    check(
        &|x| {
            x.st.cr4 &= !cr4::OSFXSR;
            x.st.cr0 |= cr0::TS
        },
        ud,
        nm,
        ud,
    );
}

#[test]
fn mmx_instructions_leave_the_x87_registers_valid_and_top_at_zero() {
    let fresh = || {
        let mut x = cpu_with_data();
        x.st.fpu.set_status(5 << 11);
        x.st.fpu.valid = 0x21;
        x
    };
    let enters: [&[u8]; 6] = [
        MMX,
        BOTH,
        &[0x0f, 0x7e, 0xc0], // movd eax,mm0
        &[0x0f, 0x2a, 0xc1], // cvtpi2ps xmm0,mm1
        &[0x0f, 0x2a, 0x07], // cvtpi2ps xmm0,[rdi]
        &[0x0f, 0xf7, 0xc1], // maskmovq mm0,mm1
    ];
    for code in enters {
        let mut x = fresh();
        run(&mut x, code).unwrap();
        assert_eq!((x.st.fpu.top(), x.st.fpu.valid), (0, 0xff), "{code:02x?}");
    }
    let stays: [&[u8]; 2] = [SSE, &[0x66, 0x0f, 0x2a, 0x07]]; // cvtpi2pd xmm0,[rdi]
    for code in stays {
        let mut x = fresh();
        run(&mut x, code).unwrap();
        assert_eq!((x.st.fpu.top(), x.st.fpu.valid), (5, 0x21), "{code:02x?}");
    }
    let mut x = fresh();
    run(&mut x, MMX).unwrap();
    assert_eq!((x.st.fpu.sign_exponent[0], x.st.fpu.sign_exponent[1]), (0xffff, 0));
    run(&mut x, &[0x0f, 0x77]).unwrap(); // emms
    assert_eq!((x.st.fpu.top(), x.st.fpu.valid), (0, 0));
}

#[test]
fn an_unmasked_exception_sets_its_flag_and_writes_nothing() {
    let one = 0x3f80_0000_3f80_0000_3f80_0000_3f80_0000;
    for (osxmmexcpt, want) in [(true, Exception::XM), (false, Exception::UD)] {
        let mut x = cpu();
        if !osxmmexcpt {
            x.st.cr4 &= !cr4::OSXMMEXCPT;
        }
        x.st.mxcsr = 0x1f80 & !(1 << 9); // ZM clear
        x.st.xmm[0] = one;
        x.st.xmm[1] = one & !(0xffff_ffff << 64); // one element divides by zero
        assert_eq!(run(&mut x, &[0x0f, 0x5e, 0xc1]), Err(want)); // divps xmm0,xmm1
        assert_eq!(x.st.xmm[0], one);
        assert_eq!(x.st.mxcsr & 0x3f, 1 << 2);
    }
}

#[test]
fn a_dot_product_stops_at_the_step_that_raises_an_unmasked_exception() {
    let v = |e: [f32; 4]| e.iter().rev().fold(0, |v, e| v << 32 | u128::from(e.to_bits()));
    let overflow = (v([3e38, -3e38, 1.0, 1.0]), v([10.0, 10.0, 1.0, 1.0]));
    let zero_times_infinity = (v([0.1, -0.0, 1.0, 1.0]), v([0.1, f32::INFINITY, 1.0, 1.0]));
    // Flags as an x86-64 processor (AMD EPYC) leaves them.
    for ((a, b), unmasked, flags) in
        [(overflow, 0x80, 0x29), (zero_times_infinity, 0x80, 0x01), (overflow, 0x400, 0x28)]
    {
        let mut x = cpu();
        x.st.mxcsr = 0x1f80 & !unmasked;
        (x.st.xmm[0], x.st.xmm[1]) = (a, b);
        assert_eq!(run(&mut x, &[0x66, 0x0f, 0x3a, 0x40, 0xc1, 0xff]), Err(Exception::XM)); // dpps xmm0,xmm1,0FFh
        assert_eq!((x.st.xmm[0], x.st.mxcsr & 0x3f), (a, flags));
    }
}

#[test]
fn comparisons_with_an_unmasked_invalid_leave_the_flags() {
    let mut x = cpu();
    x.st.mxcsr = 0x1f80 & !(1 << 7); // IM clear
    x.st.xmm[1] = 0x7fc0_0000;
    x.st.flags.set_arithmetic(0x8d5);
    assert_eq!(run(&mut x, &[0x0f, 0x2f, 0xc1]), Err(Exception::XM)); // comiss xmm0,xmm1
    assert_eq!(x.st.flags.arithmetic(), 0x8d5);
    assert_eq!(run(&mut x, &[0x0f, 0x2e, 0xc1]), Ok(())); // ucomiss: a quiet NaN is not invalid
    assert_eq!(x.st.flags.arithmetic(), 0x45);
}

#[test]
fn mxcsr_takes_only_bits_that_exist() {
    let mut x = cpu_with_data();
    x.sys.mem.write(DATA, &0x1_0000u32.to_le_bytes());
    assert_eq!(run(&mut x, &[0x0f, 0xae, 0x17]), Err(Exception::gp(0))); // ldmxcsr [rdi]
    assert_eq!(x.st.mxcsr, 0x1f80);
    x.sys.mem.write(DATA, &0xffc0u32.to_le_bytes());
    run(&mut x, &[0x0f, 0xae, 0x17]).unwrap();
    run(&mut x, &[0x0f, 0xae, 0x5f, 4]).unwrap(); // stmxcsr [rdi+4]
    let mut got = [0; 4];
    x.sys.mem.read(DATA + 4, &mut got);
    assert_eq!(u32::from_le_bytes(got), 0xffc0);
    // The Pentium III has no DAZ.
    x.model = Model::new(ModelName::Pentium3);
    assert_eq!(run(&mut x, &[0x0f, 0xae, 0x17]), Err(Exception::gp(0)));
}

#[test]
fn masked_stores_write_the_chosen_bytes() {
    let mut x = cpu_with_data();
    x.sys.mem.write(DATA, &[0xee; 16]);
    x.st.xmm[0] = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100;
    x.st.xmm[1] = 0x80 | 0x80 << 24 | 0x7f << 32 | 0xff << 120;
    run(&mut x, &[0x66, 0x0f, 0xf7, 0xc1]).unwrap(); // maskmovdqu xmm0,xmm1
    let mut got = [0; 16];
    x.sys.mem.read(DATA, &mut got);
    let mut want = [0xee; 16];
    (want[0], want[3], want[15]) = (0, 3, 15);
    assert_eq!(got, want);
}
