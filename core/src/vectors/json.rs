//! The JSON form: an array of tests, as the 8088 suites are published and as `moo2json.py` writes the others.
//!
//! Document: SingleStepTests/8088 and SingleStepTests/80386, `README.md`, "Test Format".
//!
//! Keys that are not needed to run a test (`cycles`, `queue`, `ea`) are read past.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::VectorError;
use super::suite::{Chip, Raised, Reg, Regs, State, Suite, Test, Width};

#[derive(Deserialize)]
struct JsonTest {
    #[serde(default)]
    name: String,
    #[serde(default)]
    bytes: Vec<u8>,
    initial: JsonState,
    #[serde(rename = "final")]
    last: JsonState,
    exception: Option<JsonException>,
    #[serde(alias = "test_hash")]
    hash: Option<String>,
    #[serde(alias = "test_num")]
    idx: Option<u32>,
}

#[derive(Deserialize)]
struct JsonState {
    #[serde(default)]
    regs: BTreeMap<String, u32>,
    #[serde(default)]
    masks: BTreeMap<String, u32>,
    #[serde(default)]
    ram: Vec<(u32, u8)>,
}

#[derive(Deserialize)]
struct JsonException {
    number: u8,
    flag_address: u32,
}

/// Reads a JSON file of tests.
///
/// The chip is known only where 32-bit registers show an 80386.
///
/// # Errors
/// [`VectorError::Json`] with line and column, or [`VectorError::Test`] with the test and key.
pub fn read(bytes: &[u8]) -> Result<Suite, VectorError> {
    let list: Vec<JsonTest> = serde_json::from_slice(bytes).map_err(|e| VectorError::Json(e.to_string()))?;
    let mut width = Width::Word;
    let mut tests = Vec::with_capacity(list.len());
    for (index, t) in list.into_iter().enumerate() {
        let mut masks = Regs::default();
        for m in [&t.initial.masks, &t.last.masks] {
            read_regs(index, "masks", m, &mut masks, &mut width)?;
        }
        let raised = t.exception.map(|e| Raised { vector: e.number, flags_at: e.flag_address });
        let hash = match &t.hash {
            Some(hex) => Some(parse_hash(hex).ok_or_else(|| VectorError::Test {
                index,
                field: "hash",
                why: format!("`{hex}`: 40 hexadecimal digits expected"),
            })?),
            None => None,
        };
        tests.push(Test {
            name: t.name,
            index: t.idx.unwrap_or_else(|| u32::try_from(index).unwrap_or(u32::MAX)),
            bytes: t.bytes,
            initial: read_state(index, "initial", t.initial, &mut width)?,
            last: read_state(index, "final", t.last, &mut width)?,
            raised,
            masks,
            hash,
        });
    }
    let chip = (width == Width::Dword).then_some(Chip::I80386);
    Ok(Suite { chip, width, masks: Regs::default(), tests })
}

fn read_state(index: usize, field: &'static str, s: JsonState, width: &mut Width) -> Result<State, VectorError> {
    let mut regs = Regs::default();
    read_regs(index, field, &s.regs, &mut regs, width)?;
    Ok(State { regs, ram: s.ram })
}

fn read_regs(
    index: usize,
    field: &'static str,
    from: &BTreeMap<String, u32>,
    into: &mut Regs,
    width: &mut Width,
) -> Result<(), VectorError> {
    let bad = |why| VectorError::Test { index, field, why };
    for (name, &val) in from {
        let (reg, w) = Reg::from_name(name).ok_or_else(|| bad(format!("no register is called `{name}`")))?;
        if w == Width::Dword && !reg.is_segment() {
            *width = Width::Dword;
        } else if val > 0xffff {
            return Err(bad(format!("{name} = {val:#x} does not fit 16 bits")));
        }
        into.set(reg, val);
    }
    Ok(())
}

/// 40 hexadecimal digits.
#[must_use]
pub fn parse_hash(hex: &str) -> Option<[u8; 20]> {
    let digits: Vec<u8> = hex.chars().map_while(|c| c.to_digit(16).map(|d| d as u8)).collect();
    if digits.len() != hex.len() || digits.len() != 40 {
        return None;
    }
    let mut out = [0; 20];
    for (o, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *o = pair[0] << 4 | pair[1];
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD: &str = r#"[{"name":"inc ax","bytes":[64],
        "initial":{"regs":{"ax":1,"flags":61442},"ram":[[65536,64]],"queue":[]},
        "final":{"regs":{"ax":2},"ram":[],"queue":[144]},
        "cycles":[[0,760971,"CS","R--","---",0,0,"CODE","T2","F",0]],
        "hash":"d32f3371444cd1d30d05aec40f65284c9d6c85ec","idx":3}]"#;

    #[test]
    fn a_16_bit_test_is_read_and_its_cycles_are_not() {
        let s = read(WORD.as_bytes()).unwrap();
        assert_eq!((s.chip, s.width), (None, Width::Word));
        let t = &s.tests[0];
        assert_eq!((t.index, t.initial.regs.get(Reg::Eflags)), (3, Some(61442)));
        assert_eq!((t.last.regs.get(Reg::Eax), t.hash.unwrap()[0]), (Some(2), 0xd3));
    }

    #[test]
    fn extended_registers_show_an_80386() {
        let text = r#"[{"bytes":[244],"initial":{"regs":{"eax":4294967295,"cs":1}},"final":{},
            "exception":{"number":13,"flag_address":461420}}]"#;
        let s = read(text.as_bytes()).unwrap();
        assert_eq!((s.chip, s.width), (Some(Chip::I80386), Width::Dword));
        assert_eq!(s.tests[0].raised, Some(Raised { vector: 13, flags_at: 461_420 }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let says = |text: &str, want: &str| {
            let e = super::super::read(text.as_bytes()).unwrap_err().to_string();
            assert!(e.contains(want), "{e}");
        };
        says(&WORD.replace("\"ax\":1", "\"rx\":1"), "test 0: initial: no register is called `rx`");
        says(&WORD.replace("\"ax\":1", "\"ax\":65536"), "ax = 0x10000 does not fit 16 bits");
        says(&WORD.replace("d32f", "d32"), "hash");
        says(&WORD[..80], "line");
        says(&WORD.replace("[65536,64]", "[65536,256]"), "256");
        says("{}", "neither a MOO file");
        says(&"[".repeat(100_000), "JSON");
    }
}
