//! What people look at: the map for `perf`.

use std::io::Write;

/// Adds a line to the file that `perf` reads: address and length of the code, what it is, and its place in guest memory.
pub fn perf_map(what: &str, code: u64, len: usize, place: u64) {
    let path = std::env::temp_dir().join(format!("perf-{}.map", std::process::id()));
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    if let Ok(mut file) = file {
        // A profile that lacks a line is no reason to stop.
        let _ = writeln!(file, "{code:x} {len:x} {what}_{place:x}");
    }
}
