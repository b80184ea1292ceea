//! Reports of `ferrite test`: JSON and JUnit XML.

use std::io::{self, Write};

use serde::Serialize;

/// A test that failed.
#[derive(Debug, Serialize)]
pub struct Failed {
    /// Index in the full corpus.
    pub index: u32,
    /// Disassembly.
    pub name: String,
    /// Instruction bytes in hex.
    pub bytes: String,
    /// Each difference as text.
    pub differences: Vec<String>,
}

/// The outcome of one file.
#[derive(Debug, Serialize)]
pub struct FileReport {
    /// Path as given or found.
    pub file: String,
    /// The chip that the file was captured on.
    pub chip: String,
    /// What the suite says about the opcode: `normal`, `undocumented` and so on.
    pub status: String,
    /// Tests that ended as on the chip.
    pub passed: u64,
    /// Tests that were not run, and why.
    pub skipped: u64,
    /// Why tests were skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<&'static str>,
    /// Tests that did not.
    pub failed: Vec<Failed>,
}

/// The outcome of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Tests that ended as on the chip.
    pub passed: u64,
    /// Tests that did not.
    pub failed: u64,
    /// Tests that were not run.
    pub skipped: u64,
    /// In the order of their paths.
    pub files: Vec<FileReport>,
}

impl Report {
    /// Adds up `files`.
    #[must_use]
    pub fn new(files: Vec<FileReport>) -> Self {
        Self {
            passed: files.iter().map(|f| f.passed).sum(),
            failed: files.iter().map(|f| f.failed.len() as u64).sum(),
            skipped: files.iter().map(|f| f.skipped).sum(),
            files,
        }
    }

    /// Writes JSON.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Writes JUnit XML: a suite for each file, a case for each failure and one for all that passed.
    pub fn junit(&self, out: &mut dyn Write) -> io::Result<()> {
        let total = self.passed + self.failed + self.skipped;
        let (failed, skipped) = (self.failed, self.skipped);
        writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
        writeln!(out, r#"<testsuites tests="{total}" failures="{failed}" skipped="{skipped}">"#)?;
        for f in &self.files {
            let file = escape(&f.file);
            let tests = f.passed + f.skipped + f.failed.len() as u64;
            let (failures, skipped) = (f.failed.len(), f.skipped);
            writeln!(out, r#"  <testsuite name="{file}" tests="{tests}" failures="{failures}" skipped="{skipped}">"#)?;
            if f.passed > 0 {
                writeln!(out, r#"    <testcase classname="{file}" name="{} passed"/>"#, f.passed)?;
            }
            if f.skipped > 0 {
                let why = escape(f.skip_reason.unwrap_or_default());
                writeln!(
                    out,
                    r#"    <testcase classname="{file}" name="{skipped} skipped"><skipped message="{why}"/></testcase>"#
                )?;
            }
            for t in &f.failed {
                let name = escape(&format!("{} {} [{}]", t.index, t.name, t.bytes));
                let text = escape(&t.differences.join("; "));
                writeln!(
                    out,
                    r#"    <testcase classname="{file}" name="{name}"><failure message="{text}"/></testcase>"#
                )?;
            }
            writeln!(out, "  </testsuite>")?;
        }
        writeln!(out, "</testsuites>")
    }
}

/// Text as XML takes it in attributes; characters that XML cannot hold become `?`.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('?'),
            c if c < ' ' && !matches!(c, '\t' | '\n' | '\r') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let failed = Failed {
            index: 3,
            name: "cmp <&\u{1}\">".into(),
            bytes: "38 00".into(),
            differences: vec!["CF=1 want 0".into()],
        };
        Report::new(vec![FileReport {
            file: "8086/38.MOO.gz".into(),
            chip: "8086".into(),
            status: "normal".into(),
            passed: 5,
            skipped: 2,
            skip_reason: Some("revoked"),
            failed: vec![failed],
        }])
    }

    #[test]
    fn junit_escapes_what_xml_reserves() {
        let mut out = Vec::new();
        report().junit(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(r#"tests="8" failures="1" skipped="2""#), "{text}");
        assert!(
            text.contains(r#"name="3 cmp &lt;&amp;?&quot;&gt; [38 00]"><failure message="CF=1 want 0"/>"#),
            "{text}"
        );
    }

    #[test]
    fn json_holds_every_difference() {
        let mut out = Vec::new();
        report().json(&mut out).unwrap();
        let v: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((v["passed"].as_u64(), v["failed"].as_u64()), (Some(5), Some(1)));
        assert_eq!(v["files"][0]["failed"][0]["differences"][0], "CF=1 want 0");
    }
}
