//! What the suites say about their own files: which flags the manuals define, and which tests are revoked.
//!
//! Three spellings are in use: `flags.json` (`{"F7.6": {"mask": 63274, "status": "normal"}}`), the `metadata.json`
//! of the 8088 and 8086 suites (`{"cpu": "8088", "opcodes": {"F7": {"reg": {"6": {"flags-mask": 63274}}}}}`), and
//! the same with `flags_mask`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::VectorError;
use super::json::parse_hash;
use super::suite::Chip;

/// Notes on one file of tests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Notes {
    /// AND mask of the flags that the manuals define.
    #[serde(default = "all_ones", alias = "flags-mask", alias = "flags_mask")]
    pub mask: u32,
    /// `normal`, `prefix`, `alias`, `undocumented`, `undefined` or `fpu`.
    #[serde(default)]
    pub status: String,
}

fn all_ones() -> u32 {
    u32::MAX
}

impl Default for Notes {
    fn default() -> Self {
        Self { mask: u32::MAX, status: String::new() }
    }
}

/// Notes on a folder of test files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The chip, where the notes name it.
    pub chip: Option<Chip>,
    files: BTreeMap<String, Notes>,
}

impl Metadata {
    /// Reads any of the spellings.
    ///
    /// # Errors
    /// [`VectorError::Json`] naming the place or the opcode.
    pub fn read(bytes: &[u8]) -> Result<Self, VectorError> {
        let bad = |at: &str, e: serde_json::Error| VectorError::Json(format!("{at}{e}"));
        let root: Value = serde_json::from_slice(bytes).map_err(|e| bad("", e))?;
        let chip = root.get("cpu").and_then(Value::as_str).and_then(Chip::from_id);
        let Some(list) = root.get("opcodes").unwrap_or(&root).as_object() else {
            return Err(VectorError::Json("an object of opcodes was expected".into()));
        };
        let mut files = BTreeMap::new();
        for (key, val) in list {
            if !val.is_object() {
                continue; // `url`, `version` and such, where opcodes stand at the top
            }
            let key = key.to_ascii_uppercase();
            for (reg, val) in val.get("reg").and_then(Value::as_object).into_iter().flatten() {
                let notes = Notes::deserialize(val).map_err(|e| bad(&format!("{key}.{reg}: "), e))?;
                files.insert(format!("{key}.{reg}"), notes);
            }
            let notes = Notes::deserialize(val).map_err(|e| bad(&format!("{key}: "), e))?;
            files.insert(key, notes);
        }
        Ok(Self { chip, files })
    }

    /// The notes on the file called `stem` (its name up to the first extension: `F7.6`, `660FAF`), if there are any.
    ///
    /// Size prefixes (66, 67) ahead of an 80386 opcode do not change which flags are defined.
    #[must_use]
    pub fn of(&self, stem: &str) -> Option<&Notes> {
        let stem = stem.to_ascii_uppercase();
        let mut key = stem.as_str();
        loop {
            if let Some(n) = self.files.get(key) {
                return Some(n);
            }
            match key.strip_prefix("66").or_else(|| key.strip_prefix("67")) {
                Some(rest) if !rest.is_empty() && !rest.starts_with('.') => key = rest,
                _ => break,
            }
        }
        // A group opcode that is described as a whole.
        let (opcode, _reg) = stem.split_once('.')?;
        self.files.get(opcode)
    }
}

/// The opcode part of a file name: `F7.6` of `F7.6.MOO.gz`.
#[must_use]
pub fn stem(file_name: &str) -> &str {
    let mut stem = file_name;
    for end in [".gz", ".GZ", ".moo", ".MOO", ".json", ".JSON"] {
        stem = stem.strip_suffix(end).unwrap_or(stem);
    }
    stem
}

/// Captures that are known to be wrong and that no list of their suite names yet, as a revocation list.
///
/// 80286 `CE` #1193, INTO: where CS (F238h) was pushed the capture has SS's value (F050h). Of all software interrupts in the
/// suites it is the only one; no stack, table or prefetch overlap explains it. Such tests are reported as skipped.
const WRONG_CAPTURES: &str = "7df1d2a948c416f5a4416e2f747d2d357d497570 # 80286 CE #1193";

/// The tests that are skipped whatever the suite's folder says.
#[must_use]
pub fn wrong_captures() -> BTreeSet<[u8; 20]> {
    // The list is ours and is tested; one that did not parse would skip nothing.
    read_revocations(WRONG_CAPTURES).unwrap_or_default()
}

/// Reads a revocation list: one SHA-1 hash per line, `#` begins a comment.
///
/// # Errors
/// [`VectorError::Test`] with the line number (counted from 0) of a line that is neither.
pub fn read_revocations(text: &str) -> Result<BTreeSet<[u8; 20]>, VectorError> {
    let mut out = BTreeSet::new();
    for (index, line) in text.lines().enumerate() {
        let word = line.split('#').next().unwrap_or("").trim();
        if word.is_empty() {
            continue;
        }
        let hash = parse_hash(word).ok_or_else(|| VectorError::Test {
            index,
            field: "revocation list",
            why: format!("`{word}`: 40 hexadecimal digits expected"),
        })?;
        out.insert(hash);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_json_is_looked_up_by_file() {
        let m = Metadata::read(br#"{"F7.6":{"mask":63274,"status":"normal"},"0FAF":{"mask":1}}"#).unwrap();
        assert_eq!(m.of("F7.6").unwrap().mask, 63274);
        assert_eq!(m.of("67660FAF").unwrap().mask, 1, "size prefixes are passed over");
        assert_eq!(m.of("90"), None);
    }

    #[test]
    fn metadata_json_nests_reg_fields() {
        let text =
            br#"{"cpu":"8088","version":"2","opcodes":{"f6":{"reg":{"0":{"status":"normal","flags-mask":65519}}},
            "8F":{"status":"undocumented"},"66":{"status":"alias","flags":"..","flags-mask":7}}}"#;
        let m = Metadata::read(text).unwrap();
        assert_eq!(m.chip, Some(Chip::I8088));
        assert_eq!(m.of("F6.0").unwrap().mask, 65519);
        assert_eq!(m.of("66").unwrap().mask, 7, "66 is an opcode of its own on the 8088");
        assert_eq!(m.of("8F.3").unwrap().status, "undocumented");
        assert_eq!(m.of("F6.0").unwrap().status, "normal");
    }

    #[test]
    fn a_mask_that_is_no_number_is_named() {
        let e = Metadata::read(br#"{"F7.6":{"mask":"x"}}"#).unwrap_err().to_string();
        assert!(e.contains("F7.6"), "{e}");
        assert!(Metadata::read(b"[]").is_err());
        assert!(Metadata::read(b"{").is_err());
    }

    #[test]
    fn our_own_list_of_wrong_captures_parses() {
        assert_eq!(wrong_captures().len(), 1);
    }

    #[test]
    fn a_revocation_list_has_comments() {
        let text = "# list\n8abbbc61a5866292b0bc816660d7b334bea7962a\n\n";
        assert_eq!(read_revocations(text).unwrap().len(), 1);
        assert!(read_revocations("8abb").is_err());
    }

    #[test]
    fn a_stem_is_the_name_without_its_formats() {
        assert_eq!(stem("F7.6.MOO.gz"), "F7.6");
        assert_eq!(stem("00.json"), "00");
    }
}
