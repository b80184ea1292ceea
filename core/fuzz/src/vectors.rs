//! Files of hardware test vectors, binary and JSON.

use ferrite_core::vectors::metadata::{Metadata, read_revocations};
use ferrite_core::vectors::{json, moo, read};

/// Reads `bytes` as each kind of file there is.
pub fn target(bytes: &[u8]) {
    let _ = read(bytes);
    let _ = moo::read(bytes);
    let _ = json::read(bytes);
    let _ = Metadata::read(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = read_revocations(text);
    }
}
