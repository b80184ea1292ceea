//! What people look at: the map for `perf`.

use std::io::Write;

/// Adds a line to the file that `perf` reads: address and length of the code, and a name by its place in guest memory.
pub fn perf_map(code: u64, len: usize, page: u64, entry: u16) {
    let path = std::env::temp_dir().join(format!("perf-{}.map", std::process::id()));
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    if let Ok(mut file) = file {
        // A profile that lacks a line is no reason to stop.
        let _ = writeln!(file, "{code:x} {len:x} guest_{:x}", page + u64::from(entry));
    }
}
