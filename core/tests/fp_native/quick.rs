//! The usual cases of the x87 operations: what they answer is the processor's answer, and they answer when they should.
//!
//! The operands crowd where a result of numbers stops being usual: carries and ties at the rounding, cancellation, sticky
//! bits of operands far apart, results beside the least and the largest number, every encoding that is not a number.

use crate::operands::{Rng, cases};
use crate::x87::Mismatches;
use crate::x87_native::{Instruction, native};
use ferrite_core::fp::x87::quick::{self, Number, Quick, number};
use ferrite_core::fp::{F80, Round};

const J: u64 = 1 << 63;

/// Any control word: RC, PC with the reserved encoding, masks; half of them ask for rounding to nearest with all masked.
fn control_word(rng: &mut Rng) -> u16 {
    let pc = (rng.below(4) as u16) << 8;
    if rng.below(2) == 0 { pc | 0x3f } else { (rng.below(4) as u16) << 10 | pc | rng.next() as u16 & 0x3f }
}

/// Significands whose sums, products and quotients end at a tie or a carry of 24, 53 or 64 bits, or beside one.
fn significand(rng: &mut Rng) -> u64 {
    let keep = [24, 32, 53, 64][rng.below(4) as usize];
    let unit = 1u64 << (64 - keep);
    let near = |v: u64, rng: &mut Rng| v.wrapping_add(rng.below(5)).wrapping_sub(2);
    let v = match rng.below(8) {
        0 => J,
        1 => near(J, rng),
        2 => near(0, rng),
        3 => rng.next() & !(unit - 1),
        4 => {
            let half = (rng.next() & !(unit - 1)) + unit / 2;
            near(half, rng)
        }
        5 => near((u64::MAX << (64 - keep)) + unit / 2, rng),
        6 => J | 1 << rng.below(63),
        _ => rng.next(),
    };
    v | J
}

/// A number; now and then any encoding.
fn operand(rng: &mut Rng) -> F80 {
    if rng.below(12) == 0 {
        return rng.f80();
    }
    let e = match rng.below(8) {
        0 => 1 + rng.below(70),
        1 => 0x7ffe - rng.below(70),
        _ => 0x3fff - 8 + rng.below(16),
    };
    F80::new((rng.next() as u16 & 0x8000) | e as u16, significand(rng))
}

/// A partner: of an exponent that makes sums cancel, just miss each other, or be sticky; or products and quotients extreme.
fn partner(rng: &mut Rng, a: F80) -> F80 {
    let e = i64::from(a.se & 0x7fff);
    let sign = rng.next() as u16 & 0x8000;
    let b = match rng.below(8) {
        0 => return operand(rng),
        1 => return F80::new(a.se ^ sign, a.sig ^ rng.below(2) << rng.below(64)),
        // A product or a quotient beside the ends of the range.
        2 => 0x3fff - e + rng.below(6) as i64 - 2,
        3 => 0x3fff + 0x7fff - e - rng.below(6) as i64,
        4 => e + 0x3fff - rng.below(6) as i64,
        5 => e - 0x3fff + rng.below(6) as i64,
        _ => {
            let d = [0, 1, 2, 10, 11, 12, 39, 40, 41, 62, 63, 64, 65, 66, 67, 126, 127, 128, 129, 200];
            let d = d[rng.below(20) as usize];
            if rng.below(2) == 0 { e + d } else { e - d }
        }
    };
    if !(1..0x7fff).contains(&b) {
        return operand(rng);
    }
    F80::new(sign | b as u16, significand(rng))
}

/// Compares where there is an answer. At least `share` of a hundred must have one.
fn check<T: core::fmt::Debug>(
    stream: u64,
    share: u64,
    real: Instruction,
    ours: impl Fn(u16, F80, F80) -> Option<Quick<T>>,
    same: impl Fn(&T, &crate::x87_native::Native) -> bool,
) {
    let mut rng = Rng::new(stream);
    let mut bad = Mismatches::default();
    let (n, mut answered) = (cases(400_000), 0);
    for _ in 0..n {
        let (cw, a) = (control_word(&mut rng), operand(&mut rng));
        let b = partner(&mut rng, a);
        let Some(got) = ours(cw, a, b) else { continue };
        answered += 1;
        let want = real(cw, a, b, [0; 16]);
        // PE and C1 only, and no summary of something unmasked.
        let ok = same(&got.value, &want) && want.sw & 0x2ff == got.status;
        bad.check(ok, || format!("cw {cw:03x} a {a:x?} b {b:x?}\n   real {want:x?}\n   ours {got:x?}"));
    }
    bad.assert_none(answered);
    assert!(answered * 100 >= n * share, "only {answered} of {n} are usual");
}

#[test]
fn usual_arithmetic_is_the_processors() {
    type Operation = fn(u16, Number, Number) -> Option<Quick<F80>>;
    let operations: [(Instruction, Operation); 4] = [
        (native!("fadd st(0), st(1)"), quick::add),
        (native!("fsub st(0), st(1)"), quick::sub),
        (native!("fmul st(0), st(1)"), quick::mul),
        (native!("fdiv st(0), st(1)"), quick::div),
    ];
    for (k, (real, f)) in (60..).zip(operations) {
        check(k, 20, real, |cw, a, b| f(cw, number(a)?, number(b)?), |v, n| *v == n.st0);
    }
}

#[test]
fn usual_functions_of_one_number_are_the_processors() {
    check(64, 20, native!("fsqrt"), |cw, a, _| quick::sqrt(cw, a), |v, n| *v == n.st0);
    check(65, 20, native!("frndint"), |cw, a, _| quick::round_to_integer(cw, a), |v, n| *v == n.st0);
}

#[test]
fn usual_comparisons_are_the_processors() {
    let ours = |_, a, b| quick::compare(a, b).map(|value| Quick { value, status: 0 });
    check(66, 70, native!("fcom st(1)"), ours, |v, n| *v == n.c3_c2_c0());
    check(67, 70, native!("fucomi st(0), st(1)"), ours, |v, n| *v == n.zf_pf_cf);
}

/// The value stored in `bytes` bytes.
fn stored(bytes: usize) -> impl Fn(&u64, &crate::x87_native::Native) -> bool {
    move |v, n| v.to_le_bytes()[..bytes] == n.mem[..bytes] && n.popped() == 1
}

/// Values beside the ends of the formats and of the integers.
fn narrowed(a: F80, b: F80) -> F80 {
    let ends =
        [0x3fff - 1022, 0x3fff + 1023, 0x3fff - 126, 0x3fff + 127, 0x3fff + 15, 0x3fff + 31, 0x3fff + 63, 0x3fff];
    let e = ends[(b.sig >> 20) as usize % 8] + (b.sig >> 8) as u16 % 6 - 3;
    if a.se & 0x7fff == 0x7fff || a.se & 0x7fff == 0 { a } else { F80::new(a.se & 0x8000 | e, a.sig) }
}

#[test]
fn usual_stores_are_the_processors() {
    fn run(stream: u64, real: Instruction, bytes: usize, f: impl Fn(u16, F80) -> Option<Quick<u64>>) {
        let mut rng = Rng::new(stream);
        let mut bad = Mismatches::default();
        let (n, mut answered) = (cases(300_000), 0);
        for _ in 0..n {
            let (cw, a) = (control_word(&mut rng), operand(&mut rng));
            let b = operand(&mut rng);
            let a = narrowed(a, b);
            let Some(got) = f(cw, a) else { continue };
            answered += 1;
            let want = real(cw, a, b, [0; 16]);
            let ok = stored(bytes)(&got.value, &want) && want.sw & 0x2ff == got.status;
            bad.check(ok, || format!("cw {cw:03x} a {a:x?}\n   real {want:x?}\n   ours {got:x?}"));
        }
        bad.assert_none(answered);
        assert!(answered * 100 >= n * 15, "only {answered} of {n} are usual");
    }
    let rc = |cw: u16| Round::from_rc(u32::from(cw) >> 10);
    run(70, native!("fstp dword ptr [rdi]"), 4, quick::to_f32);
    run(71, native!("fstp qword ptr [rdi]"), 8, quick::to_f64);
    run(72, native!("fistp word ptr [rdi]"), 2, |cw, a| quick::to_int::<15>(cw, a, rc(cw)));
    run(73, native!("fistp dword ptr [rdi]"), 4, |cw, a| quick::to_int::<31>(cw, a, rc(cw)));
    run(74, native!("fistp qword ptr [rdi]"), 8, |cw, a| quick::to_int::<63>(cw, a, rc(cw)));
    run(75, native!("fisttp word ptr [rdi]"), 2, |cw, a| quick::to_int::<15>(cw, a, Round::Zero));
    run(76, native!("fisttp dword ptr [rdi]"), 4, |cw, a| quick::to_int::<31>(cw, a, Round::Zero));
    run(77, native!("fisttp qword ptr [rdi]"), 8, |cw, a| quick::to_int::<63>(cw, a, Round::Zero));
}

#[test]
fn usual_memory_operands_are_the_processors() {
    let (single, double) = (native!("fld dword ptr [rdi]"), native!("fld qword ptr [rdi]"));
    let plain = |v: Number| quick::add(0x33f, v, number(F80::ONE)?);
    let mut rng = Rng::new(78);
    let (n, mut answered) = (cases(200_000), 0);
    for _ in 0..n {
        let (v, w) = (rng.b32(), rng.b64());
        let mut mem = [0; 16];
        mem[..4].copy_from_slice(&v.to_le_bytes());
        let want = single(0x37f, F80::ONE, F80::ONE, mem);
        if let Some(got) = quick::from_f32(v) {
            answered += 1;
            assert_eq!((got, want.sw & 0x2ff), (want.st0, 0), "{v:x}");
            // As a number the same, but for zeros.
            let sum = quick::number_f32(v).map(plain);
            assert_eq!(sum, number(got).map(plain), "{v:x}");
        }
        mem[..8].copy_from_slice(&w.to_le_bytes());
        let want = double(0x37f, F80::ONE, F80::ONE, mem);
        if let Some(got) = quick::from_f64(w) {
            answered += 1;
            assert_eq!((got, want.sw & 0x2ff), (want.st0, 0), "{w:x}");
            let sum = quick::number_f64(w).map(plain);
            assert_eq!(sum, number(got).map(plain), "{w:x}");
        }
    }
    assert!(answered > n, "only {answered} of {n} twice are usual");
    for v in [1, -1, 5, i64::MIN, i64::MAX, -32768] {
        assert_eq!(quick::number_int(v).map(plain), number(F80::from_i64(v)).map(plain), "{v}");
    }
    assert!(quick::number_int(0).is_none());
}
