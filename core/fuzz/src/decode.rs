//! Bytes to an instruction: every model in every mode that it has.

use ferrite_core::cpu::{Model, ModelName};
use ferrite_core::exec::CodeSize;
use ferrite_core::isa::decode::{Error, MAX_LENGTH, decode};

/// Prefixes that Ferrite's 8086 sees as such ahead of one instruction.
const MAX_PREFIXES: usize = 9;

/// Decodes `bytes` everywhere, and each of their beginnings.
///
/// # Panics
/// When a length is impossible, or when more bytes change what fewer bytes were decoded to.
pub fn target(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(MAX_LENGTH)];
    for (name, spelling) in ModelName::ALL {
        let model = Model::new(name);
        let sizes = match name {
            ModelName::I8086 | ModelName::I80286 => &[CodeSize::Bits16][..],
            n if n < ModelName::X86_64V1 => &[CodeSize::Bits16, CodeSize::Bits32],
            _ => &[CodeSize::Bits16, CodeSize::Bits32, CodeSize::Bits64],
        };
        for &size in sizes {
            let whole = decode(bytes, size, &model);
            let Ok(insn) = whole else { continue };
            if name == ModelName::I8086 && leading_prefixes(bytes) > MAX_PREFIXES {
                continue; // the first of too many is an instruction, which shows in the last of them only
            }
            let len = usize::from(insn.len);
            assert!((1..=bytes.len()).contains(&len), "{spelling} {size:?}: length {len} of {bytes:02x?}");
            let exact = decode(&bytes[..len], size, &model).map(|i| (i.len, i.code, i.imm, i.disp));
            let same = Ok((insn.len, insn.code, insn.imm, insn.disp));
            assert_eq!(exact, same, "{spelling} {size:?}: {bytes:02x?}");
            // The fetch of an instruction that crosses a page feeds it byte by byte.
            for have in 1..len {
                let part = decode(&bytes[..have], size, &model);
                assert!(
                    matches!(part, Err(Error::Short)),
                    "{spelling} {size:?}: {have} bytes of {:02x?} give {part:?}",
                    &bytes[..len]
                );
            }
        }
    }
}

/// Bytes that the 8086 takes for prefixes.
fn leading_prefixes(bytes: &[u8]) -> usize {
    let is_prefix = |b: &&u8| matches!(**b, 0x26 | 0x2e | 0x36 | 0x3e | 0xf0..=0xf3);
    bytes.iter().take_while(is_prefix).count()
}
