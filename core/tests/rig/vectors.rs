//! The hardware-captured vectors on any engine: for this crate's tests and the JIT's.
//!
//! The suites are in `FERRITE_TESTDATA`, or in `../shared/testdata` beside the checkout; without them a test says so and
//! passes. Each file's first tests run; `FERRITE_VECTORS=all` runs every one, `FERRITE_VECTOR_FILE=NAME` one file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ferrite_core::engine::Engine;
use ferrite_core::vectors::engine::Bare;
use ferrite_core::vectors::metadata::{Metadata, stem};
use ferrite_core::vectors::run::run;
use ferrite_core::vectors::suite::Chip;

/// Tests of each file that run by default.
const SAMPLE: usize = 20;

fn folder(chip: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("FERRITE_TESTDATA") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/testdata"),
    };
    Some(root.join("singlestep").join(chip)).filter(|p| p.is_dir())
}

fn read(path: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    let file = File::open(path).expect("a vector file opens");
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut out).expect("a vector file decompresses");
    out
}

/// Runs a sample of a chip's vectors on `engine`.
///
/// # Panics
/// When one fails.
pub fn check(name: &str, chip: Chip, engine: Box<dyn Engine>) {
    let Some(dir) = folder(name) else {
        println!("skipped: no {name} vectors (set FERRITE_TESTDATA to the folder that holds `singlestep`)");
        return;
    };
    let sample = if std::env::var_os("FERRITE_VECTORS").is_some_and(|v| v == "all") { usize::MAX } else { SAMPLE };
    let only = std::env::var("FERRITE_VECTOR_FILE").ok();
    let notes =
        std::fs::read(dir.join("flags.json")).map(|b| Metadata::read(&b).expect("flags.json")).unwrap_or_default();
    let mut files: Vec<_> = dir.read_dir().expect("a folder").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    let mut cpu = Bare::new(chip, engine).expect("a model");
    let (mut passed, mut bad) = (0, Vec::new());
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "gz")) {
        let file = path.file_name().and_then(|n| n.to_str()).expect("a name");
        if only.as_ref().is_some_and(|o| o != stem(file)) {
            continue;
        }
        let suite = ferrite_core::vectors::read(&read(path)).expect("a vector file");
        let mask = notes.of(stem(file)).map_or(u32::MAX, |n| n.mask);
        for t in suite.tests.iter().take(sample) {
            let diffs = run(&mut cpu, chip, &suite, t, mask);
            if diffs.is_empty() {
                passed += 1;
                continue;
            }
            let text: Vec<_> = diffs.iter().map(ToString::to_string).collect();
            bad.push(format!("{file} #{} {} {:02x?}: {}", t.index, t.name, t.bytes, text.join(" ")));
        }
    }
    println!("{name}: {passed} passed, {} failed", bad.len());
    assert!(bad.is_empty(), "{} of {} failed:\n{}", bad.len(), bad.len() + passed, bad.join("\n"));
}
