//! The host's own instructions as the reference.
#![allow(unsafe_code)]

use super::stubs::{IMMEDIATE_NAMES, NAMES, first, first_immediate};
use super::{FNV, Known, Registers, inputs, insn, known};
use std::arch::asm;
use std::mem::offset_of;

/// Bytes from one stub to the next.
const STRIDE: usize = 32;

fn host_has_all() -> bool {
    let ok = is_x86_feature_detected!("sse4.2")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("pclmulqdq");
    if !ok {
        eprintln!("skipped: the host lacks SSE4.2, AES-NI or PCLMULQDQ");
    }
    ok
}

/// Executes a stub on the host.
fn native(stub: *const u8, r: &mut Registers) {
    // SAFETY: `stub` is one of `stubs`: an instruction on the registers loaded here, and a return. MXCSR is the host's
    // own again before the block ends, and no x87 register stays in use.
    unsafe {
        asm!(
            "stmxcsr [r8 + {host_mxcsr}]",
            "movdqu xmm0, [r8]",
            "movdqu xmm1, [r8 + 16]",
            "movdqu xmm2, [r8 + 32]",
            "movq mm0, [r8 + {mm}]",
            "movq mm1, [r8 + {mm} + 8]",
            "mov rax, [r8 + {rax}]",
            "mov rcx, [r8 + {rax} + 8]",
            "mov rdx, [r8 + {rax} + 16]",
            "ldmxcsr [r8 + {mxcsr}]",
            "push qword ptr [r8 + {eflags}]",
            "popfq",
            "call r9",
            "pushfq",
            "pop qword ptr [r8 + {eflags}]",
            "stmxcsr [r8 + {mxcsr}]",
            "ldmxcsr [r8 + {host_mxcsr}]",
            "movdqu [r8], xmm0",
            "movdqu [r8 + 16], xmm1",
            "movdqu [r8 + 32], xmm2",
            "movq [r8 + {mm}], mm0",
            "movq [r8 + {mm} + 8], mm1",
            "emms",
            "mov [r8 + {rax}], rax",
            "mov [r8 + {rax} + 8], rcx",
            "mov [r8 + {rax} + 16], rdx",
            mm = const offset_of!(Registers, mm),
            rax = const offset_of!(Registers, rax),
            eflags = const offset_of!(Registers, eflags),
            mxcsr = const offset_of!(Registers, mxcsr),
            host_mxcsr = const offset_of!(Registers, host_mxcsr),
            inout("r8") &raw mut *r => _,
            inout("r9") stub => _,
            clobber_abi("C"),
        );
    }
    r.eflags &= super::ARITHMETIC;
}

/// The instruction of a stub.
fn bytes(stub: *const u8) -> Vec<u8> {
    // SAFETY: a stub is `STRIDE` bytes of code.
    let all = unsafe { std::slice::from_raw_parts(stub, STRIDE) };
    all[..usize::from(insn(&all[..15]).len)].to_vec()
}

/// All stubs as lines without a digest, each with its first address.
fn stubs() -> Vec<(Known, *const u8)> {
    let plain = NAMES.iter().enumerate().map(|(n, name)| (name, first().wrapping_add(n * STRIDE), false));
    let immediate = IMMEDIATE_NAMES
        .iter()
        .enumerate()
        .map(|(n, name)| (name, first_immediate().wrapping_add(256 * n * STRIDE), true));
    plain
        .chain(immediate)
        .map(|(name, at, immediate)| {
            let name = name.replace(['%', '$'], "");
            (Known { bytes: bytes(at), immediate, digest: 0, name }, at)
        })
        .collect()
}

/// RCPx and RSQRTx differ between processors.
fn is_approximate(name: &str) -> bool {
    name.starts_with("rcp") || name.starts_with("rsqrt")
}

/// DPPS and DPPD add products in an order that is not documented: which of several NaNs comes out, differs between processors.
fn is_sum(name: &str) -> bool {
    name.starts_with("dpp")
}

/// Whether two results are the same, but that a NaN of one is another NaN of the other.
fn same_but_for_nans(form: &str, a: &Registers, b: &Registers) -> bool {
    let bits = if form.starts_with("dpps") { 32 } else { 64 };
    let nan = |v: u64| if bits == 32 { f32::from_bits(v as u32).is_nan() } else { f64::from_bits(v).is_nan() };
    let lane = |v: u128, at: u32| (v >> at) as u64 & (u64::MAX >> (64 - bits));
    let lanes = (0..128).step_by(bits as usize).all(|at| {
        let (a, b) = (lane(a.xmm[0], at), lane(b.xmm[0], at));
        a == b || nan(a) && nan(b)
    });
    let mut other = *b;
    other.xmm[0] = a.xmm[0];
    lanes && other == *a
}

#[test]
fn every_form_computes_what_the_host_computes() {
    if !host_has_all() {
        return;
    }
    let mut wrong = Vec::new();
    for (form, at) in stubs() {
        if is_approximate(&form.name) {
            continue;
        }
        let mut failed = 0;
        form.run(|imm, before, after| {
            let mut want = *before;
            native(at.wrapping_add(imm as usize * STRIDE), &mut want);
            want.host_mxcsr = 0;
            let same = want == *after || is_sum(&form.name) && same_but_for_nans(&form.name, &want, after);
            if !same {
                if failed == 0 {
                    wrong.push(format!(
                        "{} imm {imm:#x}:\n  before {before:x?}\n  host   {want:x?}\n  here   {after:x?}",
                        form.name
                    ));
                }
                failed += 1;
            }
        });
        if failed != 0 {
            wrong.push(format!("{}: {failed} differ", form.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn approximations_are_as_close_as_documented() {
    if !host_has_all() {
        return;
    }
    let mut seen = 0;
    for (form, at) in stubs().into_iter().filter(|(f, _)| is_approximate(&f.name)) {
        form.run(|_, before, after| {
            let mut host = *before;
            native(at, &mut host);
            let (host, here) = (f32::from_bits(host.xmm[0] as u32), f32::from_bits(after.xmm[0] as u32));
            if host.is_nan() || here.is_nan() {
                assert_eq!(host.to_bits(), here.to_bits(), "{}", form.name);
            } else if host.is_infinite() || host.abs() < f32::MIN_POSITIVE {
                assert_eq!(host.to_bits(), here.to_bits(), "{} of {before:x?}", form.name);
            } else {
                // Each is within 1.5 * 2^-12 of the exact value.
                let error = (f64::from(here) / f64::from(host) - 1.0).abs();
                assert!(error <= 3.1 / 4096.0, "{}: {here} for {host}", form.name);
                seen += 1;
            }
        });
    }
    assert!(seen > 1000);
}

#[test]
fn the_known_results_are_those_that_the_host_was_asked_for() {
    let mut lines = String::new();
    let blessing = std::env::var_os("FERRITE_BLESS").is_some();
    let mut want = known().into_iter();
    for (mut form, _) in stubs() {
        if blessing {
            form.digest = form.run(|_, _, _| {});
            lines += &form.line();
            continue;
        }
        let known = want.next().unwrap_or_else(|| panic!("known.txt lacks {}", form.name));
        assert_ne!(known.digest, FNV);
        form.digest = known.digest;
        assert_eq!(known, form);
    }
    if blessing {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/isa/simd/tests/known.txt");
        std::fs::write(path, lines).unwrap();
    } else {
        assert!(want.next().is_none(), "known.txt has more than the stubs");
    }
    let _ = inputs::TRIALS;
}
