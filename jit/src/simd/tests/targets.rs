//! Every back end accepts every operation.

use super::compile::{Known, code, ir};
use super::{forms, shapes};
use crate::simd::Host;
use cranelift_codegen::isa::{self, CallConv};
use cranelift_codegen::settings::{self, Configurable};
use ferrite_core::isa::select_simd::describe;

fn compiles_on(name: &str, enable: &[&str]) {
    let mut isa = isa::lookup_by_name(name).unwrap();
    for f in enable {
        isa.enable(f).unwrap();
    }
    let mut flags = settings::builder();
    flags.set("preserve_frame_pointers", "true").unwrap();
    let isa = isa.finish(settings::Flags::new(flags)).unwrap();
    let host = Host::of(&*isa).unwrap();
    let mut compiled = 0;
    for form in forms() {
        let Some(v) = describe(&form.instruction()) else { continue };
        for imm in if form.immediate { vec![0, 1, 2, 3, 7, 9, 17, 0xe4, 0xff] } else { vec![0] } {
            for &shape in shapes(&v) {
                for known in [Known::Nothing, Known::Plain] {
                    if let Some(f) = ir(&v, imm, shape, known, host, CallConv::Tail) {
                        assert!(!code(f, &*isa).is_empty());
                        compiled += 1;
                    }
                }
            }
        }
    }
    assert!(compiled > 3000, "{compiled}");
}

#[test]
fn x86_64_accepts_every_operation() {
    compiles_on("x86_64-unknown-linux-gnu", &["has_sse3", "has_ssse3", "has_sse41"]);
}

#[test]
fn x86_64_with_avx_accepts_every_operation() {
    let all = ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_avx", "has_avx2", "has_fma"];
    compiles_on("x86_64-unknown-linux-gnu", &all);
}

#[test]
fn aarch64_accepts_every_operation() {
    compiles_on("aarch64-unknown-linux-gnu", &[]);
}

#[test]
fn riscv64_with_vectors_accepts_every_operation() {
    compiles_on("riscv64gc-unknown-linux-gnu", &["has_v"]);
}

#[test]
fn s390x_accepts_every_operation() {
    compiles_on("s390x-unknown-linux-gnu", &[]);
}

#[test]
fn a_host_without_vectors_is_refused() {
    let finish =
        |name: &str| isa::lookup_by_name(name).unwrap().finish(settings::Flags::new(settings::builder())).unwrap();
    assert_eq!(Host::of(&*finish("riscv64gc-unknown-linux-gnu")), None);
    assert_eq!(Host::of(&*finish("x86_64-unknown-linux-gnu")), None);
}
