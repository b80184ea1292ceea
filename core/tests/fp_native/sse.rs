//! Scalar SSE instructions, all exceptions masked, under every RC, DAZ, FTZ and sticky flags.

use crate::operands::{Rng, cases};
use crate::x87::Mismatches;
use core::arch::asm;
use ferrite_core::fp::sse;
use ferrite_core::fp::{Round, SseEnv};

/// The default MXCSR: all masked, nothing raised.
const DEFAULT: u32 = 0x1F80;

/// RC, DAZ, FTZ, and now and then flags that are already set.
fn mxcsr(rng: &mut Rng) -> u32 {
    let rc = if rng.below(2) == 0 { 0 } else { rng.below(4) as u32 };
    let daz = u32::from(rng.below(3) == 0);
    let ftz = u32::from(rng.below(3) == 0);
    let sticky = [0, 0x20, 0x3F][rng.below(3) as usize];
    DEFAULT | rc << 13 | daz << 6 | ftz << 15 | sticky
}

/// XMM0 and RAX after the instruction, and MXCSR, and ZF, PF, CF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Native {
    xmm: u64,
    rax: u64,
    mxcsr: u32,
    zf_pf_cf: u8,
}

type Instruction = fn(u32, u64, u64) -> Native;

/// A function that runs the instruction with XMM0 = a, XMM1 = b, RAX = a.
macro_rules! native {
    ($ins:literal) => {{
        fn run(mxcsr: u32, a: u64, b: u64) -> Native {
            let (mut after, default) = (0u32, DEFAULT);
            let (mut xmm, mut rax) = (a, a);
            let eflags: u64;
            // SAFETY: every exception is masked in `mxcsr`, and MXCSR is put back before the end.
            // The tested instruction touches XMM0, XMM1, RAX and flags only.
            unsafe {
                asm!(
                    "movq xmm0, rax",
                    "movq xmm1, rdx",
                    "ldmxcsr dword ptr [rsi]",
                    $ins,
                    "pushfq",
                    "pop rcx",
                    "stmxcsr dword ptr [rdi]",
                    "ldmxcsr dword ptr [r8]",
                    "movq rdx, xmm0",
                    inout("rax") rax,
                    inout("rdx") b => xmm,
                    out("rcx") eflags,
                    in("rsi") &raw const mxcsr,
                    in("rdi") &raw mut after,
                    in("r8") &raw const default,
                    out("xmm0") _,
                    out("xmm1") _,
                );
            }
            let zf_pf_cf = ((eflags >> 6 & 1) << 2 | (eflags >> 2 & 1) << 1 | eflags & 1) as u8;
            Native { xmm, rax, mxcsr: after, zf_pf_cf }
        }
        run as Instruction
    }};
}

fn pair(rng: &mut Rng, width: u32) -> (u64, u64) {
    let p = if width == 32 { 24 } else { 53 };
    let a = rng.binary(width, p);
    (a, rng.near_bits(a, width, p))
}

/// Compares `pick` of what the processor leaves with `ours`, and MXCSR.
fn compare(
    stream: u64,
    width: u32,
    real: Instruction,
    pick: fn(&Native) -> u64,
    ours: impl Fn(&mut SseEnv, u64, u64) -> u64,
) {
    let mut rng = Rng::new(stream << 8 | u64::from(width));
    let mut bad = Mismatches::default();
    let n = cases(200_000);
    for _ in 0..n {
        let csr = mxcsr(&mut rng);
        let (a, b) = pair(&mut rng, width);
        let want = real(csr, a, b);
        let mut env = SseEnv::new(csr);
        let got = ours(&mut env, a, b);
        bad.check(got == pick(&want) && env.commit() == Ok(want.mxcsr), || {
            format!("mxcsr {csr:x} a {a:x} b {b:x}\n   real {want:x?}\n   ours {got:x} {env:x?}")
        });
    }
    bad.assert_none(n);
}

fn low32(n: &Native) -> u64 {
    n.xmm & 0xFFFF_FFFF
}

fn low64(n: &Native) -> u64 {
    n.xmm
}

fn rax(n: &Native) -> u64 {
    n.rax
}

/// The single and the double form of a two-operand instruction.
macro_rules! both {
    ($stream:literal, $ss:literal, $sd:literal, $op:path) => {
        compare($stream, 32, native!($ss), low32, |e, a, b| $op(e, a as u32, b as u32).into());
        compare($stream, 64, native!($sd), low64, $op);
    };
}

#[test]
fn addition_is_the_processors() {
    both!(1, "addss xmm0, xmm1", "addsd xmm0, xmm1", sse::add);
}

#[test]
fn subtraction_is_the_processors() {
    both!(2, "subss xmm0, xmm1", "subsd xmm0, xmm1", sse::sub);
}

#[test]
fn multiplication_is_the_processors() {
    both!(3, "mulss xmm0, xmm1", "mulsd xmm0, xmm1", sse::mul);
}

#[test]
fn division_is_the_processors() {
    both!(4, "divss xmm0, xmm1", "divsd xmm0, xmm1", sse::div);
}

#[test]
fn minimum_and_maximum_are_the_processors() {
    both!(5, "minss xmm0, xmm1", "minsd xmm0, xmm1", sse::min);
    both!(6, "maxss xmm0, xmm1", "maxsd xmm0, xmm1", sse::max);
}

#[test]
fn square_root_is_the_processors() {
    let ss = native!("sqrtss xmm0, xmm0");
    compare(7, 32, ss, low32, |e, a, _| sse::sqrt(e, a as u32).into());
    compare(7, 64, native!("sqrtsd xmm0, xmm0"), low64, |e, a, _| sse::sqrt(e, a));
}

#[test]
fn compare_to_eflags_is_the_processors() {
    let zpc = |n: &Native| u64::from(n.zf_pf_cf);
    compare(8, 32, native!("comiss xmm0, xmm1"), zpc, |e, a, b| sse::comi(e, a as u32, b as u32).zf_pf_cf().into());
    compare(8, 64, native!("comisd xmm0, xmm1"), zpc, |e, a, b| sse::comi(e, a, b).zf_pf_cf().into());
    compare(9, 32, native!("ucomiss xmm0, xmm1"), zpc, |e, a, b| sse::ucomi(e, a as u32, b as u32).zf_pf_cf().into());
    compare(9, 64, native!("ucomisd xmm0, xmm1"), zpc, |e, a, b| sse::ucomi(e, a, b).zf_pf_cf().into());
}

#[test]
fn every_legacy_predicate_is_the_processors() {
    let real = [
        (native!("cmpss xmm0, xmm1, 0"), native!("cmpsd xmm0, xmm1, 0")),
        (native!("cmpss xmm0, xmm1, 1"), native!("cmpsd xmm0, xmm1, 1")),
        (native!("cmpss xmm0, xmm1, 2"), native!("cmpsd xmm0, xmm1, 2")),
        (native!("cmpss xmm0, xmm1, 3"), native!("cmpsd xmm0, xmm1, 3")),
        (native!("cmpss xmm0, xmm1, 4"), native!("cmpsd xmm0, xmm1, 4")),
        (native!("cmpss xmm0, xmm1, 5"), native!("cmpsd xmm0, xmm1, 5")),
        (native!("cmpss xmm0, xmm1, 6"), native!("cmpsd xmm0, xmm1, 6")),
        (native!("cmpss xmm0, xmm1, 7"), native!("cmpsd xmm0, xmm1, 7")),
    ];
    for (i, (ss, sd)) in (0u8..).zip(real) {
        compare(10, 32, ss, low32, |e, a, b| if sse::compare(e, a as u32, b as u32, i) { 0xFFFF_FFFF } else { 0 });
        compare(10, 64, sd, low64, |e, a, b| if sse::compare(e, a, b, i) { u64::MAX } else { 0 });
    }
}

#[test]
fn the_vex_predicates_are_the_processors() {
    if !std::is_x86_feature_detected!("avx") {
        eprintln!("skipped: this processor has no AVX");
        return;
    }
    let real = [
        (8, native!("vcmpsd xmm0, xmm0, xmm1, 8")),
        (9, native!("vcmpsd xmm0, xmm0, xmm1, 9")),
        (10, native!("vcmpsd xmm0, xmm0, xmm1, 10")),
        (11, native!("vcmpsd xmm0, xmm0, xmm1, 11")),
        (12, native!("vcmpsd xmm0, xmm0, xmm1, 12")),
        (13, native!("vcmpsd xmm0, xmm0, xmm1, 13")),
        (14, native!("vcmpsd xmm0, xmm0, xmm1, 14")),
        (15, native!("vcmpsd xmm0, xmm0, xmm1, 15")),
        (16, native!("vcmpsd xmm0, xmm0, xmm1, 16")),
        (18, native!("vcmpsd xmm0, xmm0, xmm1, 18")),
        (22, native!("vcmpsd xmm0, xmm0, xmm1, 22")),
        (25, native!("vcmpsd xmm0, xmm0, xmm1, 25")),
        (31, native!("vcmpsd xmm0, xmm0, xmm1, 31")),
    ];
    for (i, sd) in real {
        compare(11, 64, sd, low64, |e, a, b| if sse::compare(e, a, b, i) { u64::MAX } else { 0 });
    }
}

#[test]
fn conversions_to_integers_are_the_processors() {
    let lo = |v: i32| u64::from(v as u32);
    compare(12, 32, native!("cvtss2si eax, xmm0"), rax, |e, a, _| lo(sse::to_i32(e, a as u32, e.round())));
    compare(12, 64, native!("cvtsd2si eax, xmm0"), rax, |e, a, _| lo(sse::to_i32(e, a, e.round())));
    compare(13, 32, native!("cvttss2si eax, xmm0"), rax, |e, a, _| lo(sse::to_i32(e, a as u32, Round::Zero)));
    compare(13, 64, native!("cvttsd2si eax, xmm0"), rax, |e, a, _| lo(sse::to_i32(e, a, Round::Zero)));
    compare(14, 32, native!("cvtss2si rax, xmm0"), rax, |e, a, _| sse::to_i64(e, a as u32, e.round()) as u64);
    compare(14, 64, native!("cvtsd2si rax, xmm0"), rax, |e, a, _| sse::to_i64(e, a, e.round()) as u64);
    compare(15, 64, native!("cvttsd2si rax, xmm0"), rax, |e, a, _| sse::to_i64(e, a, Round::Zero) as u64);
}

#[test]
fn conversions_from_integers_are_the_processors() {
    compare(16, 32, native!("cvtsi2ss xmm0, eax"), low32, |e, a, _| sse::from_i32::<u32>(e, a as i32).into());
    compare(16, 64, native!("cvtsi2sd xmm0, eax"), low64, |e, a, _| sse::from_i32(e, a as i32));
    compare(17, 64, native!("cvtsi2ss xmm0, rax"), low32, |e, a, _| sse::from_i64::<u32>(e, a as i64).into());
    compare(17, 64, native!("cvtsi2sd xmm0, rax"), low64, |e, a, _| sse::from_i64(e, a as i64));
}

#[test]
fn conversions_between_formats_are_the_processors() {
    compare(18, 32, native!("cvtss2sd xmm0, xmm0"), low64, |e, a, _| sse::widen(e, a as u32));
    compare(18, 64, native!("cvtsd2ss xmm0, xmm0"), low32, |e, a, _| sse::narrow(e, a).into());
    // Around the limits of the single format, which random doubles seldom meet.
    let squeeze = |a: u64| a & !(0x7FF << 52) | (0x3FF - 150 + (a >> 52 & 0x7F) * 2 + 20) << 52;
    let mut rng = Rng::new(99);
    let real = native!("cvtsd2ss xmm0, xmm0");
    for _ in 0..cases(200_000) {
        let (csr, a) = (mxcsr(&mut rng), squeeze(rng.word()));
        let want = real(csr, a, 0);
        let mut env = SseEnv::new(csr);
        let got = sse::narrow(&mut env, a);
        assert_eq!((u64::from(got), env.commit()), (low32(&want), Ok(want.mxcsr)), "{csr:x} {a:x}");
    }
}

#[test]
fn round_to_integral_is_the_processors() {
    if !std::is_x86_feature_detected!("sse4.1") {
        eprintln!("skipped: this processor has no SSE4.1");
        return;
    }
    let real = [
        (0, native!("roundss xmm0, xmm0, 0"), native!("roundsd xmm0, xmm0, 0")),
        (1, native!("roundss xmm0, xmm0, 1"), native!("roundsd xmm0, xmm0, 1")),
        (2, native!("roundss xmm0, xmm0, 2"), native!("roundsd xmm0, xmm0, 2")),
        (3, native!("roundss xmm0, xmm0, 3"), native!("roundsd xmm0, xmm0, 3")),
        (4, native!("roundss xmm0, xmm0, 4"), native!("roundsd xmm0, xmm0, 4")),
        (10, native!("roundss xmm0, xmm0, 10"), native!("roundsd xmm0, xmm0, 10")),
        (12, native!("roundss xmm0, xmm0, 12"), native!("roundsd xmm0, xmm0, 12")),
    ];
    for (imm, ss, sd) in real {
        compare(19, 32, ss, low32, |e, a, _| sse::round_to_integral(e, a as u32, imm).into());
        compare(19, 64, sd, low64, |e, a, _| sse::round_to_integral(e, a, imm));
    }
}

#[test]
fn approximations_are_within_the_documented_error_of_the_processors() {
    // Each is allowed 1.5 · 2^-12; special values must be equal.
    type Approximation = fn(u32) -> u32;
    let ops: [(Instruction, Approximation); 2] =
        [(native!("rcpss xmm0, xmm0"), sse::rcp), (native!("rsqrtss xmm0, xmm0"), sse::rsqrt)];
    for (real, ours) in ops {
        let mut rng = Rng::new(20);
        for _ in 0..cases(200_000) {
            let a = rng.b32();
            let want = real(DEFAULT, a.into(), 0).xmm as u32;
            let got = ours(a);
            let (w, g) = (f32::from_bits(want), f32::from_bits(got));
            // Results near the least normal may flush on one side only.
            let tiny = w.abs() < 1.2e-38 && g.abs() < 1.2e-38;
            if !tiny && w.is_normal() && g.is_normal() {
                let error = (f64::from(w) / f64::from(g) - 1.0).abs();
                assert!(error < 3.0 / 4096.0, "{a:x}: {want:x} {got:x}");
            } else {
                assert!(tiny || want == got, "{a:x}: {want:x} {got:x}");
            }
        }
    }
}
