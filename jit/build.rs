//! Computes a fingerprint of all that decides what a translation looks like, for the files of `src/persist.rs`: the sources of this
//! crate and of the core (whose structures translated code reaches into), the locked dependencies, the compiler and its options.
#![allow(missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// FNV-1a, 128 bits. It tells builds apart; it keeps nobody out.
struct Hash(u128);

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for &b in bytes.len().to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u128::from(b)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}

/// All files below `path`, in the order of their names.
fn files(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let Ok(entries) = std::fs::read_dir(path) else { return };
        let mut entries: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        entries.sort();
        for e in entries {
            files(&e, into);
        }
    } else {
        into.push(path.to_owned());
    }
}

fn main() {
    let mut hash = Hash(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
    for path in ["build.rs", "src", "../core/src", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
        let mut list = Vec::new();
        files(Path::new(path), &mut list);
        for file in list {
            hash.add(file.to_string_lossy().as_bytes());
            hash.add(&std::fs::read(&file).unwrap_or_default());
        }
    }
    for name in ["CARGO_PKG_VERSION", "TARGET", "PROFILE", "OPT_LEVEL", "DEBUG", "CARGO_ENCODED_RUSTFLAGS"] {
        hash.add(std::env::var(name).unwrap_or_default().as_bytes());
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    if let Ok(version) = Command::new(rustc).arg("-vV").output() {
        hash.add(&version.stdout);
    }
    println!("cargo::rustc-env=FERRITE_BUILD={:032x}", hash.0);
}
