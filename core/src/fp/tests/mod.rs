//! Known results, on every host. The comparison with a real processor is `tests/fp_native`.

mod transcendental;

use super::x87::{self, Reduced};
use super::{Class, F80, Flags, Round, SseEnv, X87Env, sse};

const DEFAULT_CW: u16 = 0x37F;

fn x87_env() -> X87Env {
    X87Env::from_control_word(DEFAULT_CW)
}

#[test]
fn one_third_rounds_by_rc_and_pc() {
    let three = F80::from_i64(3);
    for (cw, sig, up) in [
        (0x37F, 0xAAAA_AAAA_AAAA_AAAB, true),
        (0x77F, 0xAAAA_AAAA_AAAA_AAAA, false),
        (0xB7F, 0xAAAA_AAAA_AAAA_AAAB, true),
        (0xF7F, 0xAAAA_AAAA_AAAA_AAAA, false),
        (0x27F, 0xAAAA_AAAA_AAAA_A800, false),
        (0x07F, 0xAAAA_AB00_0000_0000, true),
    ] {
        let mut env = X87Env::from_control_word(cw);
        assert_eq!(x87::div(&mut env, F80::ONE, three), Some(F80::new(0x3FFD, sig)), "{cw:x}");
        assert_eq!((env.flags, env.rounded_up), (Flags::PE, up), "{cw:x}");
    }
}

#[test]
fn an_unmasked_divide_by_zero_has_no_result() {
    let mut env = X87Env::from_control_word(DEFAULT_CW & !4);
    assert_eq!(x87::div(&mut env, F80::ONE, F80::ZERO), None);
    assert_eq!(env.unmasked(), Flags::ZE);

    let mut env = x87_env();
    assert_eq!(x87::div(&mut env, F80::ONE, F80::ZERO), Some(F80::INFINITY));
    assert_eq!(env.unmasked(), Flags::empty());
}

#[test]
fn unmasked_overflow_delivers_an_adjusted_exponent() {
    let huge = F80::new(0x7FFE, 1 << 63);
    let mut env = X87Env::from_control_word(DEFAULT_CW & !8);
    assert_eq!(x87::add(&mut env, huge, huge), Some(F80::new(0x7FFF - 24576, 1 << 63)));
    assert_eq!(env.flags, Flags::OE);
}

#[test]
fn unmasked_underflow_delivers_an_adjusted_exponent() {
    let least = F80::new(1, 1 << 63);
    let half = F80::new(0x3FFE, 1 << 63);
    let mut env = X87Env::from_control_word(DEFAULT_CW & !0x10);
    assert_eq!(x87::mul(&mut env, least, half), Some(F80::new(24576, 1 << 63)));
    assert_eq!(env.flags, Flags::UE, "exact, but tiny");

    let mut env = x87_env();
    assert_eq!(x87::mul(&mut env, least, half), Some(F80::new(0, 1 << 62)));
    assert_eq!(env.flags, Flags::empty(), "masked underflow needs inexactness too");
}

#[test]
fn unsupported_encodings_are_invalid() {
    for v in [F80::new(1, 1), F80::new(0x7FFF, 0), F80::new(0x7FFF, 1 << 62)] {
        assert_eq!(v.class(), Class::Unsupported);
        let mut env = x87_env();
        assert_eq!(x87::add(&mut env, v, F80::ONE), Some(F80::INDEFINITE));
        assert_eq!(env.flags, Flags::IE);
    }
}

#[test]
fn of_two_nans_the_larger_significand_wins_on_the_x87_and_the_first_operand_in_sse() {
    let (small, large) = (F80::new(0x7FFF, 0xC << 60), F80::new(0xFFFF, 0xD << 60));
    assert_eq!(x87::add(&mut x87_env(), small, large), Some(large));
    assert_eq!(x87::add(&mut x87_env(), large, small), Some(large));

    let (small, large) = (0x7FC0_0001u32, 0xFFC0_0002u32);
    assert_eq!(sse::add(&mut SseEnv::new(0x1F80), small, large), small);
    assert_eq!(sse::add(&mut SseEnv::new(0x1F80), large, small), large);
}

#[test]
fn packed_decimal_goes_there_and_back() {
    let mut env = x87_env();
    let v = F80::from_i64(-123_456_789_012_345_678);
    let bcd = x87::to_bcd(&mut env, v);
    assert_eq!(bcd, Some([0x78, 0x56, 0x34, 0x12, 0x90, 0x78, 0x56, 0x34, 0x12, 0x80]));
    assert_eq!(bcd.map(x87::from_bcd), Some(v));
    assert_eq!(env.flags, Flags::empty());
}

#[test]
fn a_partial_remainder_says_so_and_reduces_the_exponent() {
    let a = F80::new(0x3FFF + 200, 0xF << 60);
    let b = F80::from_i64(7);
    let r = x87::fprem(&mut x87_env(), a, b);
    assert!(r.is_some_and(|r| r.partial && r.value.biased_exp() < a.biased_exp() - 31));
}

#[test]
fn fprem1_rounds_the_quotient_to_even() {
    let f = |a, b| x87::fprem1(&mut x87_env(), F80::from_i64(a), F80::from_i64(b));
    assert_eq!(f(5, 2).map(|r| (r.value, r.quotient)), Some((F80::ONE, 2)));
    assert_eq!(f(7, 2).map(|r| (r.value, r.quotient)), Some((F80::ONE.neg(), 4)));
}

#[test]
fn an_argument_of_two_to_the_63_is_out_of_range() {
    let limit = F80::new(0x3FFF + 63, 1 << 63);
    assert_eq!(x87::fsin(&mut x87_env(), limit), Some(Reduced::OutOfRange));
    assert_eq!(x87::fptan(&mut x87_env(), limit.neg()), Some(Reduced::OutOfRange));
}

#[test]
fn the_fast_path_and_the_exact_path_agree() {
    // PE set and masked opens the fast path; clear, it is closed.
    let (open, closed) = (0x1FA0, 0x1F80);
    let mut x = 0x9E37_79B9_7F4A_7C15u64;
    for _ in 0..200_000 {
        x = x.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        let a = x;
        x = x.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        // Exponents near each other, now and then at an end of the range.
        let b = if x & 7 == 0 { x } else { a & 0xFFF << 52 ^ x >> 9 };
        for op in [sse::add, sse::sub, sse::mul, sse::div, |e: &mut SseEnv, a, _| sse::sqrt(e, a)] {
            let (mut fast, mut exact) = (SseEnv::new(open), SseEnv::new(closed));
            assert_eq!(op(&mut fast, a, b), op(&mut exact, a, b), "{a:x} {b:x}");
            assert_eq!(fast.flags | Flags::PE, exact.flags | Flags::PE, "{a:x} {b:x}");
        }
    }
}

#[test]
fn ftz_acts_only_while_underflow_is_masked() {
    const FTZ: u32 = 0x8000;
    let least = 1u64 << 52;
    let three_quarters = 0x3FE8_0000_0000_0000;
    let mut env = SseEnv::new(0x1F80 | FTZ);
    assert_eq!(sse::mul(&mut env, least, three_quarters), 0);
    assert_eq!(env.commit(), Ok(0x1F80 | FTZ | 0x30));

    let mut env = SseEnv::new((0x1F80 | FTZ) & !0x800);
    sse::mul(&mut env, least, three_quarters);
    assert_eq!(env.commit(), Err((0x1F80 | FTZ) & !0x800 | 0x10), "tiny, and not inexact");
}

#[test]
fn an_unmasked_invalid_operation_hides_the_flags_of_other_elements() {
    let signaling = 0x7F80_0001u32;
    let mut env = SseEnv::new(0x1F80 & !0x80);
    sse::add(&mut env, signaling, 0);
    sse::div(&mut env, 1.0f32.to_bits(), 3.0f32.to_bits());
    assert_eq!(env.flags, Flags::IE | Flags::PE);
    assert_eq!(env.commit(), Err((0x1F80 & !0x80) | 1));
}

#[test]
fn round_suppresses_the_precision_exception_on_request() {
    for (imm, flags) in [(Round::Up as u8, Flags::PE), (Round::Up as u8 | 8, Flags::empty())] {
        let mut env = SseEnv::new(0x1F80);
        let r = sse::round_to_integral(&mut env, 0.25f64.to_bits(), imm);
        assert_eq!((f64::from_bits(r), env.flags), (1.0, flags));
    }
}
