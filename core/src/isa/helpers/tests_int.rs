//! Integer instructions with known results, and strings against their definition, one iteration at a time.

use super::rig::Rig;
use crate::cpu::ModelName;
use crate::cpu::flags::{AF, CF, DF, OF, PF, SF, ZF};
use crate::cpu::segment::Seg;
use crate::cpu::state::{RAX, RBP, RBX, RCX, RDI, RDX, RSI, RSP};
use crate::exec::Exit;

const ALL: u64 = CF | PF | AF | ZF | SF | OF;

fn set(r: &mut Rig, list: &[(u8, u64)]) {
    for &(n, v) in list {
        r.x.st.regs[usize::from(n)] = v;
    }
}

fn reg(r: &Rig, n: u8) -> u64 {
    r.x.st.regs[usize::from(n)]
}

/// Runs 32-bit code with EAX, ECX and EDX and the flags given; answers EAX and the arithmetic flags.
fn run32(code: &[u8], eax: u64, ecx: u64, edx: u64, flags: u64) -> (u64, u64) {
    let mut r = Rig::protected(ModelName::Max);
    set(&mut r, &[(RAX, eax), (RCX, ecx), (RDX, edx)]);
    r.x.st.flags.set_arithmetic(flags);
    r.run(code);
    (reg(&r, RAX), r.x.st.flags.arithmetic())
}

#[test]
fn shifts_give_the_flags_of_the_last_bit() {
    // shl eax, 1: the carry is the old sign, and the sign has changed.
    assert_eq!(run32(&[0xd1, 0xe0], 0x8000_0001, 0, 0, 0), (2, CF | OF));
    // shl al, cl with 9: everything is gone, the carry, too.
    assert_eq!(run32(&[0xd2, 0xe0], 0xff, 9, 0, ALL).0, 0);
    // shr eax, 4
    assert_eq!(run32(&[0xc1, 0xe8, 4], 0xf8, 0, 0, 0), (0xf, CF | PF));
    // sar al, 7 of a negative number
    assert_eq!(run32(&[0xc0, 0xf8, 7], 0x80, 0, 0, 0), (0xff, PF | SF));
    // sar eax, 31 leaves the sign; the carry is bit 30.
    assert_eq!(run32(&[0xc1, 0xf8, 31], 0xc000_0000, 0, 0, 0), (0xffff_ffff, CF | PF | SF));
}

#[test]
fn a_count_of_zero_leaves_the_flags_alone() {
    for code in [[0xd3, 0xe0], [0xd3, 0xe8], [0xd3, 0xf8], [0xd3, 0xc0], [0xd3, 0xc8], [0xd3, 0xd0], [0xd3, 0xd8]] {
        for flags in [0, ALL, CF | ZF, OF | PF] {
            assert_eq!(run32(&code, 0x1234_5678, 32, 0, flags), (0x1234_5678, flags), "{code:02x?}");
        }
    }
    // shld eax, edx, cl and shrd eax, edx, 32
    assert_eq!(run32(&[0x0f, 0xa5, 0xd0], 5, 0, !0, CF | SF), (5, CF | SF));
    assert_eq!(run32(&[0x0f, 0xac, 0xd0, 0x20], 5, 0, !0, CF | SF), (5, CF | SF));
}

#[test]
fn a_32_bit_shift_by_zero_still_clears_the_upper_half() {
    let mut r = Rig::long(0);
    set(&mut r, &[(RAX, !0), (RCX, 0)]);
    r.run(&[0xd3, 0xe0]); // shl eax, cl
    assert_eq!(reg(&r, RAX), 0xffff_ffff);
}

#[test]
fn rotates_change_only_carry_and_overflow() {
    let others = PF | AF | ZF | SF;
    // rol al, 4; ror eax, 1; rcl eax, 1; rcr al, 9 (all the way round)
    assert_eq!(run32(&[0xc0, 0xc0, 4], 0x12, 0, 0, others), (0x21, others | CF | OF));
    assert_eq!(run32(&[0xd1, 0xc8], 1, 0, 0, others), (0x8000_0000, others | CF | OF));
    assert_eq!(run32(&[0xd1, 0xd0], 0x8000_0000, 0, 0, others | CF), (1, others | CF | OF));
    assert_eq!(run32(&[0xc0, 0xd8, 9], 0x5a, 0, 0, CF).0, 0x5a);
    assert_eq!(run32(&[0xc0, 0xd8, 9], 0x5a, 0, 0, CF).1 & CF, CF);
    // rol ax, 16: the operand is the same, the carry is its bit 0.
    assert_eq!(run32(&[0x66, 0xc1, 0xc0, 16], 0x8001, 0, 0, 0).1 & CF, CF);
}

#[test]
fn double_shifts_bring_in_the_other_register() {
    assert_eq!(run32(&[0x0f, 0xa4, 0xd0, 8], 0x1234_5678, 0, 0xabcd_ef01, 0).0, 0x3456_78ab); // shld eax, edx, 8
    assert_eq!(run32(&[0x0f, 0xac, 0xd0, 8], 0x1234_5678, 0, 0xabcd_ef01, 0).0, 0x0112_3456); // shrd eax, edx, 8
    let mut r = Rig::long(0);
    set(&mut r, &[(RAX, 0x8000_0000_0000_0001), (RDX, 0xf000_0000_0000_0000)]);
    r.run(&[0x48, 0x0f, 0xa4, 0xd0, 4]); // shld rax, rdx, 4
    assert_eq!(reg(&r, RAX), 0x1f);
}

#[test]
fn multiplication_says_whether_the_product_fits() {
    assert_eq!(run32(&[0xf7, 0xe1], 0x1_0000, 0x1_0000, 7, 0).1 & (CF | OF), CF | OF); // mul ecx
    assert_eq!(run32(&[0xf7, 0xe1], 0xffff, 0x1_0000, 7, ALL).1 & (CF | OF), 0);
    assert_eq!(run32(&[0x0f, 0xaf, 0xc1], 0xffff_ffff, 2, 0, ALL), (0xffff_fffe, SF)); // imul eax, ecx: -2
    assert_eq!(run32(&[0x6b, 0xc1, 0x80], 0, 0x100_0000, 0, 0).1 & (CF | OF), 0); // imul eax, ecx, -128
    assert_eq!(run32(&[0x6b, 0xc1, 0x80], 0, 0x100_0001, 0, 0).1 & (CF | OF), CF | OF);
    let mut r = Rig::long(0);
    set(&mut r, &[(RAX, !0), (RCX, !0)]);
    r.run(&[0x48, 0xf7, 0xe1]); // mul rcx
    assert_eq!((reg(&r, RAX), reg(&r, RDX)), (1, !1));
}

#[test]
fn division_faults_when_the_quotient_does_not_fit() {
    let fault = |model, code: &[u8], list: &[(u8, u64)]| {
        let mut r = Rig::real(model);
        set(&mut r, list);
        r.run(code);
        (r.handler(), r.slot(0, 2))
    };
    let at = super::rig::CODE;
    for model in [ModelName::I80286, ModelName::I80386] {
        assert_eq!(fault(model, &[0xf6, 0xf1], &[(RAX, 0x100), (RCX, 1)]), (Some(0), at), "div cl");
        assert_eq!(fault(model, &[0xf7, 0xf9], &[(RAX, 0x8000), (RDX, 0), (RCX, 1)]), (Some(0), at), "idiv cx");
        assert_eq!(fault(model, &[0xf7, 0xf9], &[(RAX, 0x8000), (RDX, 0xffff), (RCX, 1)]).0, None, "-32768 fits");
    }
    let min = [(RAX, 0x8000), (RDX, 0xffff), (RCX, 1)];
    assert_eq!(fault(ModelName::I8086, &[0xf7, 0xf9], &min), (Some(0), at + 2), "but not on the 8086");
    let mut r = Rig::long(0);
    set(&mut r, &[(RAX, 1 << 63), (RDX, !0), (RCX, !0)]);
    r.run(&[0x48, 0xf7, 0xf9]); // idiv rcx: 2^63 does not fit
    assert_eq!(r.handler(), Some(0));
}

#[test]
fn a_128_bit_dividend_is_divided() {
    let mut r = Rig::long(0);
    set(&mut r, &[(RAX, 7), (RDX, 5), (RCX, 6)]);
    r.run(&[0x48, 0xf7, 0xf1]); // div rcx
    let n = (5u128 << 64) + 7;
    assert_eq!((u128::from(reg(&r, RAX)), u128::from(reg(&r, RDX))), (n / 6, n % 6));
    let mut r = Rig::long(0);
    set(&mut r, &[(RAX, 0), (RDX, !0), (RCX, 3)]);
    r.run(&[0x48, 0xf7, 0xf9]); // idiv rcx: -2^64 / 3
    let n = -(1i128 << 64);
    assert_eq!((reg(&r, RAX) as i64, reg(&r, RDX) as i64), ((n / 3) as i64, (n % 3) as i64));
}

#[test]
fn a_bit_string_reaches_to_both_sides() {
    let mut r = Rig::protected(ModelName::I80386);
    set(&mut r, &[(RAX, (-33i32) as u32 as u64), (RBX, 0x5000)]);
    r.poke(0x4ff8, 8, 0);
    r.run(&[0x0f, 0xab, 0x03]); // bts [ebx], eax
    assert_eq!(r.peek(0x4ff8, 4), 1 << 31, "bit -33 is bit 31 of the dword 8 bytes below");
    set(&mut r, &[(RAX, 70)]);
    r.poke(0x5008, 4, 1 << 6);
    r.run(&[0x0f, 0xb3, 0x03]); // btr [ebx], eax
    assert_eq!((r.peek(0x5008, 4), r.x.st.flags.cf()), (0, true));
    // bt with an immediate stays inside the operand.
    r.poke(0x5000, 8, 1 << 2);
    r.run(&[0x0f, 0xba, 0x23, 34]); // bt dword [ebx], 34
    assert!(r.x.st.flags.cf());
}

#[test]
fn scanning_zero_leaves_the_destination_alone() {
    assert_eq!(run32(&[0x0f, 0xbc, 0xc1], 0x77, 0, 0, 0).0, 0x77);
    assert_eq!(run32(&[0x0f, 0xbc, 0xc1], 0x77, 0, 0, 0).1 & ZF, ZF);
    assert_eq!(run32(&[0x0f, 0xbc, 0xc1], 0x77, 0x60, 0, ZF), (5, 0));
    assert_eq!(run32(&[0x0f, 0xbd, 0xc1], 0x77, 0x60, 0, ZF), (6, 0));
    assert_eq!(run32(&[0xf3, 0x0f, 0xb8, 0xc1], 0, 0xff, 0, ALL), (8, 0)); // popcnt
}

#[test]
fn decimal_adjustment_follows_the_manual() {
    let adjust = |op: u8, al: u64, flags: u64| run32(&[op], al, 0, 0, flags);
    assert_eq!(adjust(0x27, 0x9a, 0), (0, CF | AF | ZF | PF)); // daa
    assert_eq!(adjust(0x27, 0x15, AF), (0x1b, AF | PF));
    assert_eq!(adjust(0x2f, 0x05, AF), (0xff, CF | AF | SF | PF)); // das borrows
    assert_eq!(adjust(0x37, 0x00fb, 0).0, 0x201); // aaa carries into AH twice over
    assert_eq!(adjust(0x3f, 0x0200, AF).0, 0x000a, "aas borrows from AH twice over");
    assert_eq!(run32(&[0xd4, 10], 0x4d, 0, 0, 0).0, 0x707); // aam
    assert_eq!(run32(&[0xd5, 10], 0x707, 0, 0, 0).0, 0x4d); // aad
}

#[test]
fn crc32_is_castagnoli() {
    // "123456789" gives E3069283h, complemented at both ends.
    let mut r = Rig::protected(ModelName::Max);
    set(&mut r, &[(RAX, 0xffff_ffff)]);
    for b in b"123456789" {
        set(&mut r, &[(RCX, u64::from(*b))]);
        r.run(&[0xf2, 0x0f, 0x38, 0xf0, 0xc1]); // crc32 eax, cl
    }
    assert_eq!(reg(&r, RAX) ^ 0xffff_ffff, 0xe306_9283);
}

#[test]
fn compare_and_exchange_of_eight_bytes() {
    let mut r = Rig::protected(ModelName::Max);
    r.poke(0x5000, 8, 0x1111_2222_3333_4444);
    set(&mut r, &[(RSI, 0x5000), (RAX, 1), (RDX, 2), (RBX, 5), (RCX, 6)]);
    r.run(&[0x0f, 0xc7, 0x0e]); // cmpxchg8b [esi]
    assert_eq!((reg(&r, RAX), reg(&r, RDX), r.x.st.flags.zf()), (0x3333_4444, 0x1111_2222, false));
    r.run(&[0x0f, 0xc7, 0x0e]);
    assert_eq!((r.peek(0x5000, 8), r.x.st.flags.zf()), (0x0000_0006_0000_0005, true));
}

#[test]
fn enter_copies_the_display() {
    let mut r = Rig::real(ModelName::I80286);
    r.poke(0x6ffc, 4, 0xbbbb_aaaa);
    set(&mut r, &[(RSP, 0x7000), (RBP, 0x7000)]);
    r.run(&[0xc8, 0x10, 0x00, 0x03]); // enter 16, 3
    let words: Vec<u64> = (0..4).map(|n| r.peek(0x6ffe - 2 * n, 2)).collect();
    // BP, then the two outer frames (the first of which the BP just pushed has replaced), then the new frame.
    assert_eq!(words, [0x7000, 0x7000, 0x7000, 0x6ffe]);
    assert_eq!((reg(&r, RBP), reg(&r, RSP)), (0x6ffe, 0x6ff8 - 0x10));
}

#[test]
fn pusha_and_popa_are_inverse_but_for_sp() {
    let mut r = Rig::real(ModelName::I80386);
    let list = [(RAX, 1), (RCX, 2), (RDX, 3), (RBX, 4), (RBP, 6), (RSI, 7), (RDI, 8)];
    set(&mut r, &list);
    let sp = r.sp();
    r.run(&[0x60]);
    assert_eq!((r.slot(0, 2), r.slot(3, 2), r.slot(7, 2)), (8, sp, 1));
    r.poke(r.sp() + 6, 2, 0x1234);
    set(&mut r, &list.map(|(n, _)| (n, 0)));
    r.run(&[0x61]);
    assert!(list.iter().all(|&(n, v)| reg(&r, n) == v));
    assert_eq!(r.sp(), sp);
}

/// A machine about to run `code` over memory filled by `seed`, with the string registers given.
fn string_rig(code: &[u8], rsi: u64, rdi: u64, rcx: u64, down: bool, seed: u64) -> Rig {
    let mut r = Rig::protected(ModelName::Max);
    let mut v = seed;
    for at in (0x1_0000..0x1_8000).step_by(8) {
        v = v.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        r.poke(at, 8, v);
    }
    set(&mut r, &[(RSI, rsi), (RDI, rdi), (RCX, rcx), (RAX, 0x1122_3344)]);
    r.x.st.flags.set_system(DF, down);
    r.code(code);
    r
}

#[test]
fn a_whole_repetition_equals_its_single_iterations() {
    let mut n = 1u64;
    let mut next = |below: u64| {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (n >> 33) % below
    };
    for case in 0..300 {
        // movs and stos of 1, 2 and 4 bytes
        let code: &[u8] = [
            &[0xf3u8, 0xa4][..],
            &[0xf3, 0x66, 0xa5],
            &[0xf3, 0xa5],
            &[0xf3, 0xaa],
            &[0xf3, 0x66, 0xab],
            &[0xf3, 0xab],
        ][next(6) as usize];
        let down = next(2) == 1;
        let rsi = 0x1_3000 + next(0x1800);
        // Near the source as often as far from it, so that they overlap in both ways.
        let rdi = if next(2) == 0 { rsi + next(40) - 20 } else { 0x1_3000 + next(0x1800) };
        let rcx = next(1500);
        let mut whole = string_rig(code, rsi, rdi, rcx, down, case);
        let mut single = string_rig(code, rsi, rdi, rcx, down, case);
        let (start, end) = (whole.x.st.rip(), whole.x.st.rip() + code.len() as u64);
        whole.x.sys.mem.take_dirty(crate::memory::Consumer::Snapshot);
        whole.steps(rcx.max(1));
        for k in 0..rcx.max(1) {
            assert_eq!(single.x.st.rip(), start, "case {case}: iteration {k}");
            single.step();
        }
        assert_eq!(single.x.st.rip(), end, "case {case}");
        assert_eq!(whole.x.retired, rcx.max(1), "case {case}: an iteration is an instruction for the clock");
        assert_eq!(whole.x.st, single.x.st, "case {case}");
        assert!(whole.x.sys.mem.backing() == single.x.sys.mem.backing(), "case {case}: {code:02x?}");
    }
}

#[test]
fn a_fault_in_the_middle_shows_the_iterations_before_it() {
    // The data segment ends in the middle of the destination.
    let mut r = Rig::protected(ModelName::I80386);
    r.x.st.seg[Seg::Es as usize].limit = 0x5fff;
    r.x.refresh();
    set(&mut r, &[(RSI, 0x4000), (RDI, 0x5ff6), (RCX, 9)]);
    r.code(&[0xf3, 0xa5]); // rep movsd
    let at = r.x.st.rip();
    r.steps(3);
    assert_eq!(r.handler(), Some(13));
    assert_eq!((reg(&r, RSI), reg(&r, RDI), reg(&r, RCX)), (0x4008, 0x5ffe, 7));
    assert_eq!(r.slot(1, 4), at, "the instruction is to be restarted");
    assert_eq!(r.x.retired, 3, "two iterations and the faulting instruction");
}

#[test]
fn compares_stop_at_the_first_difference() {
    let mut r = Rig::real(ModelName::I8086);
    r.poke(0x5000, 8, 0x0706_0504_0302_0100);
    r.poke(0x6000, 8, 0x0706_05ff_0302_0100);
    set(&mut r, &[(RSI, 0x5000), (RDI, 0x6000), (RCX, 8)]);
    r.code(&[0xf3, 0xa6]); // repe cmpsb
    r.steps(5);
    assert_eq!((reg(&r, RCX), reg(&r, RSI), r.x.st.flags.zf()), (3, 0x5005, false));
    // repne scasb with a count of 0 does nothing, not even to the flags.
    set(&mut r, &[(RCX, 0)]);
    let flags = r.x.st.flags;
    r.run(&[0xf2, 0xae]);
    assert_eq!((reg(&r, RDI), r.x.st.flags), (0x6005, flags));
}

#[test]
fn the_8086_runs_what_later_processors_reject() {
    let mut r = Rig::real(ModelName::I8086);
    let at = r.x.st.rip();
    r.x.st.flags.set_arithmetic(ZF);
    r.run(&[0x64, 0x10]); // jz, by its alias
    assert_eq!(r.x.st.rip(), at + 0x12);
    set(&mut r, &[(RCX, 33), (RAX, 1)]);
    r.run(&[0xd3, 0xe0]); // shl ax, cl: the count is not masked
    assert_eq!(reg(&r, RAX), 0);
    set(&mut r, &[(RAX, 7), (RDX, 0), (RCX, 2)]);
    r.run(&[0xf3, 0xf7, 0xf9]); // rep idiv cx
    assert_eq!(reg(&r, RAX), 0xfffd);
    r.poke(r.sp(), 2, 0x0800);
    r.run(&[0x0f]); // pop cs
    assert_eq!((r.selector(Seg::Cs), r.x.st.segment(Seg::Cs).base), (0x0800, 0x8000));
}

#[test]
fn the_8086_takes_any_number_of_prefixes() {
    let mut r = Rig::real(ModelName::I8086);
    let mut code = vec![0x26; 40];
    code.push(0x40); // inc ax
    r.code(&code);
    let at = r.x.st.rip();
    r.steps(32);
    assert_eq!((reg(&r, RAX), r.x.st.rip()), (1, at + 41));
}

#[test]
fn the_80286_stops_at_ten_bytes() {
    let mut r = Rig::real(ModelName::I80286);
    let mut code = vec![0x26; 9];
    code.push(0x40);
    r.run(&code);
    assert_eq!(reg(&r, RAX), 1, "nine prefixes are as many as fit");
    code.insert(0, 0xf0);
    r.run(&code);
    assert_eq!(r.handler(), Some(13));
    let mut r = Rig::real(ModelName::I80286);
    r.run(&[0xf0, 0x40]); // lock inc ax
    assert_eq!(reg(&r, RAX), 1);
}

#[test]
fn ports_ask_the_bit_map_above_iopl() {
    let mut r = Rig::level3(ModelName::I80386);
    r.poke(super::rig::TSS + 0x66, 2, 0x80);
    r.poke(super::rig::TSS + 0x80 + 0x60 / 8, 2, 0xfffe);
    set(&mut r, &[(RAX, 0)]);
    r.run(&[0xe4, 0x60]); // in al, 60h
    assert_eq!(reg(&r, RAX), 0xff, "the bit of port 60h is clear");
    assert_eq!(r.fault(&[0x66, 0xe5, 0x60]), crate::cpu::Exception::gp(0), "that of port 61h is not");
}

#[test]
fn the_clocks_limit_ends_a_string_between_two_iterations() {
    let mut r = string_rig(&[0xf3, 0xab], 0, 0x1_3000, 100, false, 1);
    assert_eq!(r.steps(10), Exit::Limit);
    assert_eq!((reg(&r, RCX), reg(&r, RDI)), (90, 0x1_3028), "ten iterations, no more");
}
