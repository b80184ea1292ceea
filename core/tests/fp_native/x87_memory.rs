//! x87 instructions with a memory operand.

use crate::operands::{Rng, cases};
use crate::x87::{Mismatches, control_word, same_status};
use crate::x87_native::{Instruction, native};
use ferrite_core::fp::x87;
use ferrite_core::fp::{F80, Round, X87Env};

fn memory(v: u64) -> [u8; 16] {
    let mut m = [0xA5; 16];
    m[..8].copy_from_slice(&v.to_le_bytes());
    m
}

/// Loads: `ours` gives the value pushed.
fn compare_load(
    stream: u64,
    real: Instruction,
    operand: fn(&mut Rng) -> u64,
    ours: fn(&mut X87Env, u64) -> Option<F80>,
) {
    let mut rng = Rng::new(stream);
    let mut bad = Mismatches::default();
    let n = cases(150_000);
    for _ in 0..n {
        let (cw, v) = (control_word(&mut rng), operand(&mut rng));
        let want = real(cw, F80::ONE, F80::ZERO, memory(v));
        let mut env = X87Env::from_control_word(cw);
        let got = ours(&mut env, v);
        let ok = match got {
            Some(r) => want.popped() == -1 && want.st0 == r,
            None => want.popped() == 0,
        };
        bad.check(ok && same_status(&env, &want), || {
            format!("cw {cw:03x} {v:x}\n   real {want:x?}\n   ours {got:x?} {env:?}")
        });
    }
    bad.assert_none(n);
}

#[test]
fn loads_are_the_processors() {
    let b32 = |r: &mut Rng| u64::from(r.b32());
    compare_load(20, native!("fld dword ptr [rdi]"), b32, |e, v| x87::load_f32(e, v as u32));
    compare_load(21, native!("fld qword ptr [rdi]"), Rng::b64, x87::load_f64);
    let word = |_: &mut X87Env, v: u64| Some(F80::from_i64((v as i16).into()));
    compare_load(22, native!("fild word ptr [rdi]"), Rng::word, word);
    let dword = |_: &mut X87Env, v: u64| Some(F80::from_i64((v as i32).into()));
    compare_load(23, native!("fild dword ptr [rdi]"), Rng::word, dword);
    let qword = |_: &mut X87Env, v: u64| Some(F80::from_i64(v as i64));
    compare_load(24, native!("fild qword ptr [rdi]"), Rng::word, qword);
}

/// Arithmetic with a widened memory operand.
fn compare_arith(
    stream: u64,
    real: Instruction,
    operand: fn(&mut Rng) -> u64,
    ours: fn(&mut X87Env, F80, u64) -> Option<F80>,
) {
    let mut rng = Rng::new(stream);
    let mut bad = Mismatches::default();
    let n = cases(150_000);
    for _ in 0..n {
        let (cw, a, v) = (control_word(&mut rng), rng.f80(), operand(&mut rng));
        let want = real(cw, a, F80::ZERO, memory(v));
        let mut env = X87Env::from_control_word(cw);
        let got = ours(&mut env, a, v);
        bad.check(same_status(&env, &want) && got.unwrap_or(a) == want.st0, || {
            format!("cw {cw:03x} {a:x?} {v:x}\n   real {want:x?}\n   ours {got:x?} {env:?}")
        });
    }
    bad.assert_none(n);
}

#[test]
fn arithmetic_on_memory_operands_is_the_processors() {
    let b32 = |r: &mut Rng| u64::from(r.b32());
    compare_arith(30, native!("fadd dword ptr [rdi]"), b32, |e, a, v| {
        let b = x87::widen_f32(e, v as u32);
        x87::add(e, a, b)
    });
    compare_arith(31, native!("fmul qword ptr [rdi]"), Rng::b64, |e, a, v| {
        let b = x87::widen_f64(e, v);
        x87::mul(e, a, b)
    });
    compare_arith(32, native!("fdivr dword ptr [rdi]"), b32, |e, a, v| {
        let b = x87::widen_f32(e, v as u32);
        x87::div(e, b, a)
    });
    compare_arith(33, native!("fdiv qword ptr [rdi]"), Rng::b64, |e, a, v| {
        let b = x87::widen_f64(e, v);
        x87::div(e, a, b)
    });
    compare_arith(34, native!("fisub word ptr [rdi]"), Rng::word, |e, a, v| {
        x87::sub(e, a, F80::from_i64((v as i16).into()))
    });
}

/// Stores that pop: `ours` gives the bytes stored.
fn compare_store(stream: u64, real: Instruction, ours: fn(&mut X87Env, F80) -> Option<Vec<u8>>) {
    let mut rng = Rng::new(stream);
    let mut bad = Mismatches::default();
    let n = cases(250_000);
    for _ in 0..n {
        let (cw, a) = (control_word(&mut rng), rng.f80());
        let want = real(cw, a, F80::ONE, [0xA5; 16]);
        let mut env = X87Env::from_control_word(cw);
        let got = ours(&mut env, a);
        let mut mem = [0xA5; 16];
        if let Some(bytes) = &got {
            mem[..bytes.len()].copy_from_slice(bytes);
        }
        let popped = i32::from(got.is_some());
        let ok = same_status(&env, &want) && mem == want.mem && popped == want.popped();
        bad.check(ok, || format!("cw {cw:03x} {a:x?}\n   real {want:x?}\n   ours {got:x?} {env:?}"));
    }
    bad.assert_none(n);
}

macro_rules! bytes {
    ($call:expr) => {
        $call.map(|v| v.to_le_bytes().to_vec())
    };
}

#[test]
fn fstp_single_is_the_processors() {
    compare_store(40, native!("fstp dword ptr [rdi]"), |e, a| bytes!(x87::to_f32(e, a)));
}

#[test]
fn fstp_double_is_the_processors() {
    compare_store(41, native!("fstp qword ptr [rdi]"), |e, a| bytes!(x87::to_f64(e, a)));
}

#[test]
fn fistp_is_the_processors() {
    compare_store(42, native!("fistp word ptr [rdi]"), |e, a| bytes!(x87::to_i16(e, a, e.round)));
    compare_store(43, native!("fistp dword ptr [rdi]"), |e, a| bytes!(x87::to_i32(e, a, e.round)));
    compare_store(44, native!("fistp qword ptr [rdi]"), |e, a| bytes!(x87::to_i64(e, a, e.round)));
}

#[test]
fn fisttp_is_the_processors() {
    compare_store(45, native!("fisttp word ptr [rdi]"), |e, a| bytes!(x87::to_i16(e, a, Round::Zero)));
    compare_store(46, native!("fisttp dword ptr [rdi]"), |e, a| bytes!(x87::to_i32(e, a, Round::Zero)));
    compare_store(47, native!("fisttp qword ptr [rdi]"), |e, a| bytes!(x87::to_i64(e, a, Round::Zero)));
}

#[test]
fn fbstp_is_the_processors() {
    compare_store(48, native!("fbstp tbyte ptr [rdi]"), |e, a| x87::to_bcd(e, a).map(|b| b.to_vec()));
}

#[test]
fn fbld_is_the_processors_for_decimal_digits() {
    let real = native!("fbld tbyte ptr [rdi]");
    let mut rng = Rng::new(49);
    for _ in 0..cases(50_000) {
        let mut mem = [0; 16];
        for b in &mut mem[..9] {
            *b = (rng.below(10) << 4 | rng.below(10)) as u8;
        }
        mem[9] = rng.next() as u8;
        let want = real(0x37F, F80::ONE, F80::ONE, mem);
        assert_eq!(x87::from_bcd(mem[..10].try_into().unwrap()), want.st0, "{mem:x?}");
    }
}
