//! The fuzz targets of `core/fuzz`, each run for a moment on inputs that are the same in every run, and all the
//! inputs that have found something.

#[allow(dead_code)]
#[path = "../fuzz/src/code.rs"]
mod code;
#[path = "../fuzz/src/decode.rs"]
mod decode;
#[allow(dead_code)]
#[path = "../fuzz/src/input.rs"]
mod input;
#[allow(dead_code)]
#[path = "../fuzz/src/snapshot.rs"]
mod snapshot;
#[path = "../fuzz/src/vectors.rs"]
mod vectors;

use input::Random;

/// Runs a target on `n` random inputs of up to `len` bytes.
fn run(target: fn(&[u8]), seed: u64, n: usize, len: usize) {
    let mut random = Random(seed);
    for _ in 0..n {
        let len = random.below(len + 1);
        target(&random.bytes(len));
    }
}

/// Opcodes that noise hits too seldom: each prefix and map in front of random bytes.
#[test]
fn decoding_any_bytes_gives_an_instruction_or_a_fault() {
    run(decode::target, 0x9e37_79b9_7f4a_7c15, 2000, 16);
    let mut random = Random(1);
    for opcode in 0..=0xffu8 {
        for start in [&[][..], &[0x0f], &[0x66, 0x0f], &[0xf2, 0x0f], &[0xf3, 0x0f], &[0x0f, 0x38], &[0x0f, 0x3a]] {
            let bytes = [start, &[opcode], &random.bytes(12)].concat();
            decode::target(&bytes);
        }
    }
}

#[test]
fn no_snapshot_file_panics_or_half_loads() {
    run(snapshot::target, 0x1234_5678_9abc_def1, 400, 200);
}

#[test]
fn no_vector_file_panics() {
    run(vectors::target, 7, 2000, 120);
    let mut random = Random(77);
    let json = br#"[{"name":"nop","bytes":[144],"initial":{"regs":{"ax":1,"ip":0},"ram":[[0,144]],"queue":[]},
        "final":{"regs":{"ip":1},"ram":[],"queue":[]},"cycles":[],"hash":"00"}]"#;
    // MOO File Format Specification: a header chunk, then tests.
    let moo = b"MOO \x0c\0\0\0\x01\x01\0\0\x01\0\0\x00386E\
        TEST\x3a\0\0\0\0\0\0\0NAME\x07\0\0\0\x03\0\0\0nopBYTS\x05\0\0\0\x01\0\0\0\x90\
        INIT\x12\0\0\0REGS\x06\0\0\0\x01\0\0\0\x07\x00RAM \x04\0\0\0\0\0\0\0";
    for _ in 0..2000 {
        vectors::target(&random.mutate(json));
        vectors::target(&random.mutate(moo));
    }
}

#[test]
fn no_code_in_any_mode_panics_or_runs_past_its_limits() {
    run(code::target, 0xfeed_face_cafe_f00d, 1000, 400);
    let mut random = Random(3);
    for _ in 0..8000 {
        let input = code::sample(&mut random);
        code::target(&input);
        code::target(&random.mutate(&input));
    }
}
