//! Snapshot files: any bytes, and good files with a part changed and the checksum made right again.

use ferrite_core::cpu::ModelName;
use ferrite_core::machine::{Limits, Machine};
use ferrite_core::snapshot::{Reader, Section, Writer};
use ferrite_core::time::VTime;

use super::code;
use super::input::Input;

/// Loads what the input makes of a small machine's snapshot, and runs it if it loads.
///
/// # Panics
/// When a refused file has changed the machine.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (name, _) = input.choose(&ModelName::ALL);
    let mut m = code::machine(name);
    m.x.sys.mem.write(0x1234, b"something in memory");
    m.x.port_write(0x41, 1, 7);
    let file = changed(&m.save(), &mut input);
    attempt(&mut m, &file);
}

/// A changed snapshot: the rest of the input as it is, or one section of `saved` rewritten by it.
pub fn changed(saved: &[u8], input: &mut Input<'_>) -> Vec<u8> {
    if input.byte() == 0 {
        return input.rest().to_vec();
    }
    let reader = Reader::new(saved).expect("the machine has just saved it");
    let victim = input.below(reader.sections().len());
    let mut w = Writer::new();
    for (n, s) in reader.sections().iter().enumerate() {
        let Section { name, kind, version, bytes } = *s;
        if n == victim {
            let bytes = patched(bytes, input);
            w.section(name, kind, version ^ u32::from(input.byte() & 1), &bytes);
        } else {
            w.section(name, kind, version, bytes);
        }
    }
    w.finish()
}

/// `bytes` with pieces replaced, put in or taken out where the input says.
fn patched(bytes: &[u8], input: &mut Input<'_>) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let edits = 1 + input.below(8);
    for _ in 0..edits {
        let at = (input.number(2) as usize) % (out.len() + 1);
        let (old, new) = (input.below(16), input.below(16));
        let end = (at + old).min(out.len());
        let with = match new {
            15 => vec![0xff; old], // the longest numbers of the encoding
            14 => vec![0x80; old],
            n => input.take(n).to_vec(),
        };
        out.splice(at..end, with);
    }
    out
}

/// Loads `file` into `m`; a machine that takes it must run on, one that refuses it must be as before.
///
/// # Panics
/// When it is not.
pub fn attempt(m: &mut Machine, file: &[u8]) -> bool {
    let before = m.digest();
    if m.load(file).is_err() {
        assert!(m.digest() == before, "a refused snapshot has changed the machine");
        return false;
    }
    let insns = m.retired().saturating_add(200);
    let time = m.now().after(VTime::ms(20));
    m.run(Limits { insns, time });
    assert!(m.retired() <= insns, "{} instructions retired of {insns}", m.retired());
    true
}
