//! Hardware test vectors: one instruction run on a real chip, with the registers and memory before it and what
//! had changed after it.
//!
//! Document: *MOO File Format Specification, Version 1.1* (dbalsom/moo), and the READMEs of the SingleStepTests
//! suites for the 8088, 8086, 80286 and 80386, which also define the JSON form.
//!
//! | module | holds |
//! | --- | --- |
//! | [`suite`] | the common model: a file of tests, a test, a state |
//! | [`moo`] | the binary form, from bytes that are no longer compressed |
//! | [`json`] | the JSON form |
//! | [`metadata`] | which flags the manuals define, per file: `flags.json`, `metadata.json`, revocation lists |
//! | [`engine`] | such a target over the interpreter |
//! | [`run`] | loading a test into a [`run::Target`], running it, and the comparison |
//!
//! *Not modelled:* bus cycles and the prefetch queue. They are read past: Ferrite promises instructions, not clocks.

pub mod engine;
pub mod json;
pub mod metadata;
pub mod moo;
pub mod run;
pub mod suite;

use thiserror::Error;

/// Why a vector file was refused. Nothing of it has been run when this is returned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VectorError {
    /// Neither a MOO file nor a JSON array of tests.
    #[error("offset 0: neither a MOO file (which begins with `MOO `) nor a JSON array of tests")]
    NotVectors,
    /// The file ends, or its enclosing chunk ends, within `field`.
    #[error("offset {offset:#x}: truncated in {field}: {need} bytes needed, {have} there")]
    Truncated {
        /// Where the field begins.
        offset: usize,
        /// Chunk or field.
        field: &'static str,
        /// Bytes that the field needs.
        need: usize,
        /// Bytes left.
        have: usize,
    },
    /// A field holds what the format does not allow.
    #[error("offset {offset:#x}: {field}: {why}")]
    Field {
        /// Where the field begins.
        offset: usize,
        /// Chunk or field.
        field: &'static str,
        /// What is wrong and what would be right.
        why: String,
    },
    /// The JSON does not parse or does not have the shape of a test; the text names line and column.
    #[error("JSON: {0}")]
    Json(String),
    /// A JSON test is well formed but cannot be meant.
    #[error("test {index}: {field}: {why}")]
    Test {
        /// Position in the file.
        index: usize,
        /// The key.
        field: &'static str,
        /// What is wrong and what would be right.
        why: String,
    },
}

/// Reads a vector file in either form, told apart by its first bytes.
///
/// # Errors
/// [`VectorError`] names the offset and field, or for JSON the line and column.
pub fn read(bytes: &[u8]) -> Result<suite::Suite, VectorError> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes); // a UTF-8 byte order mark
    match text.iter().find(|b| !b.is_ascii_whitespace()) {
        _ if bytes.starts_with(moo::MAGIC) => moo::read(bytes),
        Some(b'[') => json::read(text),
        _ if moo::MAGIC.starts_with(bytes) && !bytes.is_empty() => moo::read(bytes),
        _ => Err(VectorError::NotVectors),
    }
}
