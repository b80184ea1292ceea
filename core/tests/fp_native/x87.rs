//! Register-to-register x87 instructions.

use crate::operands::{Rng, cases};
use crate::x87_native::{Instruction, Native, native};
use ferrite_core::fp::x87::{self, Constant, Remainder, Unordered};
use ferrite_core::fp::{Class, F80, Flags, Round, X87Env};

/// A control word: all RC, all PC but the reserved one, exceptions masked three times in four.
pub fn control_word(rng: &mut Rng) -> u16 {
    let pc = [0, 2, 3][rng.below(3) as usize];
    let masks = if rng.below(4) == 0 { rng.next() as u16 & 0x3F } else { 0x3F };
    (rng.below(4) as u16) << 10 | pc << 8 | masks
}

/// Flags, and C1, and ES.
pub fn same_status(env: &X87Env, n: &Native) -> bool {
    env.flags.bits() == n.flags() && env.rounded_up == n.c1() && (n.sw & 0x80 == 0) == env.unmasked().is_empty()
}

/// Reports the first mismatches with everything one needs to follow them up.
#[derive(Default)]
pub struct Mismatches(Vec<String>);

impl Mismatches {
    pub fn check(&mut self, ok: bool, what: impl FnOnce() -> String) {
        if !ok {
            self.0.push(what());
        }
    }

    pub fn assert_none(self, cases: u64) {
        let shown = self.0.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
        assert!(self.0.is_empty(), "{} of {cases} differ:\n{shown}", self.0.len());
    }
}

/// Whether a denormal goes through an instruction as it is though underflow is unmasked: some processors report that, others do not.
fn passes_unmasked(cw: u16, a: F80, b: F80, neutral: Class) -> bool {
    cw & u16::from(Flags::UE.bits()) == 0 && a.class() == Class::Denormal && b.class() == neutral
}

fn compare_op(stream: u64, n: u64, real: Instruction, ours: fn(&mut X87Env, F80, F80) -> Option<F80>) {
    compare_where(stream, n, real, ours, |_, _, _| true);
}

/// Compares for the control words and operands that `alike` says processors agree on.
fn compare_where(
    stream: u64,
    n: u64,
    real: Instruction,
    ours: fn(&mut X87Env, F80, F80) -> Option<F80>,
    alike: fn(u16, F80, F80) -> bool,
) {
    let mut rng = Rng::new(stream);
    let mut bad = Mismatches::default();
    let n = cases(n);
    for _ in 0..n {
        let (cw, a) = (control_word(&mut rng), rng.f80());
        let b = rng.near(a);
        if !alike(cw, a, b) {
            continue;
        }
        let want = real(cw, a, b, [0; 16]);
        let mut env = X87Env::from_control_word(cw);
        let got = ours(&mut env, a, b);
        // Without a result the destination is unchanged.
        bad.check(same_status(&env, &want) && got.unwrap_or(a) == want.st0, || {
            format!("cw {cw:03x} a {a:x?} b {b:x?}\n   real {want:x?}\n   ours {got:x?} {env:?}")
        });
    }
    bad.assert_none(n);
}

#[test]
fn fadd_is_the_processors() {
    compare_op(1, 400_000, native!("fadd st(0), st(1)"), x87::add);
}

#[test]
fn fsub_is_the_processors() {
    compare_op(2, 400_000, native!("fsub st(0), st(1)"), x87::sub);
}

#[test]
fn fmul_is_the_processors() {
    compare_op(3, 400_000, native!("fmul st(0), st(1)"), x87::mul);
}

#[test]
fn fdiv_is_the_processors() {
    compare_op(4, 400_000, native!("fdiv st(0), st(1)"), x87::div);
}

#[test]
fn fsqrt_is_the_processors() {
    compare_op(5, 300_000, native!("fsqrt"), |env, a, _| x87::sqrt(env, a));
}

#[test]
fn frndint_is_the_processors() {
    compare_op(6, 300_000, native!("frndint"), |env, a, _| x87::round_to_integer(env, a));
}

#[test]
fn fscale_is_the_processors() {
    compare_where(7, 400_000, native!("fscale"), x87::scale, |cw, a, b| !passes_unmasked(cw, a, b, Class::Zero));
}

/// FPREM and FPREM1: the value and all four condition codes.
fn compare_remainder(stream: u64, real: Instruction, ours: fn(&mut X87Env, F80, F80) -> Option<Remainder>) {
    let mut rng = Rng::new(stream);
    let mut bad = Mismatches::default();
    let n = cases(400_000);
    for _ in 0..n {
        let (cw, a) = (control_word(&mut rng), rng.f80());
        let b = rng.near(a);
        if passes_unmasked(cw, a, b, Class::Infinity) {
            continue;
        }
        let want = real(cw, a, b, [0; 16]);
        let mut env = X87Env::from_control_word(cw);
        let got = ours(&mut env, a, b);
        let r = got.unwrap_or(Remainder { value: a, quotient: 0, partial: false });
        let q = r.quotient;
        let codes = (q >> 1 & 1) << 2 | u8::from(r.partial) << 1 | q >> 2;
        let ok = env.flags.bits() == want.flags()
            && r.value == want.st0
            && (got.is_none() || (codes == want.c3_c2_c0() && (q & 1 != 0) == want.c1()));
        bad.check(ok, || format!("cw {cw:03x} a {a:x?} b {b:x?}\n   real {want:x?}\n   ours {got:x?} {env:?}"));
    }
    bad.assert_none(n);
}

#[test]
fn fprem_is_the_processors() {
    compare_remainder(8, native!("fprem"), x87::fprem);
}

#[test]
fn fprem1_is_the_processors() {
    compare_remainder(9, native!("fprem1"), x87::fprem1);
}

#[test]
fn fxtract_is_the_processors() {
    let real = native!("fxtract");
    let mut rng = Rng::new(10);
    let mut bad = Mismatches::default();
    let n = cases(200_000);
    for _ in 0..n {
        let (cw, a) = (control_word(&mut rng), rng.f80());
        let want = real(cw, a, F80::ONE, [0; 16]);
        let mut env = X87Env::from_control_word(cw);
        let got = x87::extract(&mut env, a);
        let ok = match got {
            Some((exp, sig)) => want.popped() == -1 && want.st0 == sig && want.st1 == exp,
            None => want.popped() == 0 && want.st0 == a,
        };
        bad.check(ok && same_status(&env, &want), || {
            format!("cw {cw:03x} a {a:x?}\n   real {want:x?}\n   ours {got:x?} {env:?}")
        });
    }
    bad.assert_none(n);
}

#[test]
fn compares_are_the_processors() {
    let ops = [
        (native!("fcom st(1)"), Unordered::Invalid, false),
        (native!("fucom st(1)"), Unordered::Quiet, false),
        (native!("fcomi st(0), st(1)"), Unordered::Invalid, true),
        (native!("fucomi st(0), st(1)"), Unordered::Quiet, true),
        (native!("ftst"), Unordered::Invalid, false),
        (native!("fcomp st(1)"), Unordered::Invalid, false),
    ];
    let mut rng = Rng::new(11);
    let mut bad = Mismatches::default();
    let n = cases(80_000);
    for _ in 0..n {
        let (cw, a) = (control_word(&mut rng), rng.f80());
        let b = rng.near(a);
        for (i, (real, nan, eflags)) in ops.into_iter().enumerate() {
            let b = if i == 4 { F80::ZERO } else { b };
            let want = real(cw, a, b, [0; 16]);
            let mut env = X87Env::from_control_word(cw);
            let got = x87::compare(&mut env, a, b, nan);
            let codes = if eflags { want.zf_pf_cf } else { want.c3_c2_c0() };
            // Under an unmasked exception processors differ in the codes; none pops.
            let pop = i == 5 && got.is_some();
            let ok = same_status(&env, &want)
                && got.is_none_or(|r| r.zf_pf_cf() == codes)
                && want.popped() == i32::from(pop);
            bad.check(ok, || format!("{i} {cw:03x} a {a:x?} b {b:x?}\n   real {want:x?}\n   ours {got:x?} {env:?}"));
        }
    }
    bad.assert_none(n);
}

#[test]
fn fxam_is_the_processors() {
    let real = native!("fxam");
    let mut rng = Rng::new(12);
    for _ in 0..cases(100_000) {
        let a = rng.f80();
        let want = real(0x37F, a, F80::ONE, [0; 16]);
        assert_eq!(a.class().c3_c2_c0(), want.c3_c2_c0(), "{a:x?}");
        assert_eq!(a.is_negative(), want.c1(), "{a:x?}");
    }
}

#[test]
fn constants_are_the_processors() {
    let ops = [
        (Constant::One, native!("fld1")),
        (Constant::L2t, native!("fldl2t")),
        (Constant::L2e, native!("fldl2e")),
        (Constant::Pi, native!("fldpi")),
        (Constant::Lg2, native!("fldlg2")),
        (Constant::Ln2, native!("fldln2")),
        (Constant::Zero, native!("fldz")),
    ];
    for (c, real) in ops {
        for rc in 0..4u16 {
            let want = real(rc << 10 | 0x37F, F80::ONE, F80::ONE, [0; 16]);
            assert_eq!(x87::constant(c, Round::from_rc(rc.into())), want.st0, "{c:?} RC {rc}");
        }
    }
}
