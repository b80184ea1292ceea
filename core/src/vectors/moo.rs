//! The MOO form: a flat list of chunks, each a 4-byte ASCII id, a u32 length, and that many bytes; little-endian.
//!
//! Document: *MOO File Format Specification, Version 1.1*.
//!
//! Every count in the file is checked against the bytes that are there before anything is allocated for it, so a
//! hostile file costs at most a small multiple of its own size.

use super::VectorError;
use super::suite::{Chip, Raised, Reg, Regs, State, Suite, Test, Width};

/// The first bytes of a MOO file.
pub const MAGIC: &[u8] = b"MOO ";

/// The newest major version whose chunks this module knows.
const MAJOR: u8 = 1;

/// Bytes of an entry of a `RAM ` chunk: u32 address, u8 value.
const RAM_ENTRY: usize = 5;

/// A cursor over one chunk's bytes that knows its place in the file.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// One chunk: its id, and a cursor over its payload.
type Chunk<'a> = ([u8; 4], Cursor<'a>);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize, field: &'static str) -> Result<&'a [u8], VectorError> {
        let Some((head, tail)) = self.bytes.split_at_checked(n) else {
            return Err(VectorError::Truncated { offset: self.at, field, need: n, have: self.bytes.len() });
        };
        self.bytes = tail;
        self.at += n;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], VectorError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, field)?);
        Ok(out)
    }

    fn u8(&mut self, field: &'static str) -> Result<u8, VectorError> {
        self.array(field).map(|[b]| b)
    }

    fn u16(&mut self, field: &'static str) -> Result<u16, VectorError> {
        self.array(field).map(u16::from_le_bytes)
    }

    fn u32(&mut self, field: &'static str) -> Result<u32, VectorError> {
        self.array(field).map(u32::from_le_bytes)
    }

    fn len(&mut self, field: &'static str) -> Result<usize, VectorError> {
        self.u32(field).map(|n| usize::try_from(n).unwrap_or(usize::MAX))
    }

    /// The next chunk, or `None` at the end.
    fn chunk(&mut self, field: &'static str) -> Result<Option<Chunk<'a>>, VectorError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let id = self.array(field)?;
        let len = self.len(field)?;
        let at = self.at;
        Ok(Some((id, Cursor { bytes: self.take(len, field)?, at })))
    }

    /// A u32 count and that many bytes.
    fn counted(&mut self, field: &'static str) -> Result<&'a [u8], VectorError> {
        let n = self.len(field)?;
        self.take(n, field)
    }
}

/// Reads a MOO file.
///
/// # Errors
/// [`VectorError`] with offset and field.
pub fn read(bytes: &[u8]) -> Result<Suite, VectorError> {
    let mut file = Cursor { bytes, at: 0 };
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) || bytes.is_empty() {
        return Err(VectorError::NotVectors);
    }
    let Some((_, header)) = file.chunk("MOO header")? else { return Err(VectorError::NotVectors) };
    let (chip, count) = read_header(header)?;
    let width = if chip == Chip::I80386 { Width::Dword } else { Width::Word };
    let mut suite = Suite { chip: Some(chip), width, masks: Regs::default(), tests: Vec::new() };

    while let Some((id, mut body)) = file.chunk("top-level chunk")? {
        match &id {
            b"TEST" => suite.tests.push(read_test(body)?),
            b"RMSK" => read_words(&mut body, &mut suite.masks, "RMSK")?,
            b"RM32" => read_dwords(&mut body, &mut suite.masks, "RM32")?,
            _ => {} // META repeats the header; an unknown id is for a later version
        }
    }
    if (suite.tests.len() as u64) < u64::from(count) {
        let why = format!("{count} tests announced, {} there: the file is truncated", suite.tests.len());
        return Err(VectorError::Field { offset: 12, field: "MOO header, number of tests", why });
    }
    Ok(suite)
}

/// `MOO `: u8 major, u8 minor, 2 spare, u32 number of tests, 4-byte CPU id.
fn read_header(mut c: Cursor<'_>) -> Result<(Chip, u32), VectorError> {
    let offset = c.at;
    let major = c.u8("MOO header, version")?;
    if major != MAJOR {
        let why = format!("version {major}: this build reads version {MAJOR}");
        return Err(VectorError::Field { offset, field: "MOO header, version", why });
    }
    c.take(3, "MOO header, version")?;
    let count = c.u32("MOO header, number of tests")?;
    let offset = c.at;
    let id = c.array::<4>("MOO header, CPU id")?;
    let text = id.escape_ascii().to_string();
    let chip = Chip::from_id(&text).ok_or_else(|| {
        let why = format!("`{text}`: known are 8088, 8086, V20, V30, 186, C286 and 386E");
        VectorError::Field { offset, field: "MOO header, CPU id", why }
    })?;
    Ok((chip, count))
}

fn read_test(mut c: Cursor<'_>) -> Result<Test, VectorError> {
    let offset = c.at;
    let mut test = Test { index: c.u32("TEST, index")?, ..Test::default() };
    let (mut init, mut fina) = (false, false);
    while let Some((id, mut body)) = c.chunk("chunk of a TEST")? {
        match &id {
            b"NAME" => test.name = String::from_utf8_lossy(body.counted("NAME")?).into_owned(),
            b"BYTS" => test.bytes = body.counted("BYTS")?.to_vec(),
            b"INIT" => {
                init = true;
                test.initial = read_state(body, &mut test.masks)?;
            }
            b"FINA" => {
                fina = true;
                test.last = read_state(body, &mut test.masks)?;
            }
            b"RMSK" => read_words(&mut body, &mut test.masks, "RMSK")?,
            b"RM32" => read_dwords(&mut body, &mut test.masks, "RM32")?,
            b"EXCP" => {
                let vector = body.u8("EXCP, vector")?;
                test.raised = Some(Raised { vector, flags_at: body.u32("EXCP, flags address")? });
            }
            b"HASH" => test.hash = Some(body.array("HASH")?),
            _ => {} // CYCL, GMET, and what later versions add
        }
    }
    if !(init && fina) {
        let missing = if init { "FINA" } else { "INIT" };
        let why = format!("test {} has no {missing} chunk", test.index);
        return Err(VectorError::Field { offset, field: "TEST", why });
    }
    Ok(test)
}

fn read_state(mut c: Cursor<'_>, masks: &mut Regs) -> Result<State, VectorError> {
    let mut state = State::default();
    while let Some((id, mut body)) = c.chunk("chunk of a state")? {
        match &id {
            b"REGS" => read_words(&mut body, &mut state.regs, "REGS")?,
            b"RG32" => read_dwords(&mut body, &mut state.regs, "RG32")?,
            b"RMSK" => read_words(&mut body, masks, "RMSK")?,
            b"RM32" => read_dwords(&mut body, masks, "RM32")?,
            b"RAM " => {
                let n = body.len("RAM, count")?;
                let bytes = body.take(n.saturating_mul(RAM_ENTRY), "RAM")?;
                let entry = |e: &[u8]| match *e {
                    [a, b, c, d, v] => (u32::from_le_bytes([a, b, c, d]), v),
                    _ => (0, 0), // chunks_exact yields nothing else
                };
                state.ram = bytes.chunks_exact(RAM_ENTRY).map(entry).collect();
            }
            _ => {} // QUEU and EA32 are not needed to run the test
        }
    }
    Ok(state)
}

/// `REGS`, `RMSK`: a u16 bitmap, then a u16 for each set bit, lowest first.
fn read_words(c: &mut Cursor<'_>, into: &mut Regs, field: &'static str) -> Result<(), VectorError> {
    let offset = c.at;
    let map = c.u16(field)?;
    if map >> Reg::WORDS.len() != 0 {
        let why = format!("bitmap {map:#06x} names registers past `flags` (bit 13)");
        return Err(VectorError::Field { offset, field, why });
    }
    for (i, reg) in Reg::WORDS.into_iter().enumerate() {
        if map >> i & 1 != 0 {
            into.set(reg, c.u16(field)?.into());
        }
    }
    Ok(())
}

/// `RG32`, `RM32`: a u32 bitmap, then a u32 for each set bit, lowest first.
fn read_dwords(c: &mut Cursor<'_>, into: &mut Regs, field: &'static str) -> Result<(), VectorError> {
    let offset = c.at;
    let map = c.u32(field)?;
    if map >> Reg::ALL.len() != 0 {
        let why = format!("bitmap {map:#010x} names registers past `dr7` (bit 19)");
        return Err(VectorError::Field { offset, field, why });
    }
    for (i, reg) in Reg::ALL.into_iter().enumerate() {
        if map >> i & 1 != 0 {
            let val = c.u32(field)?;
            into.set(reg, if reg.is_segment() { val & 0xffff } else { val });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut out = id.to_vec();
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out
    }

    fn header(count: u32, id: &[u8; 4]) -> Vec<u8> {
        chunk(b"MOO ", &[&[1, 1, 0, 0][..], &count.to_le_bytes(), id].concat())
    }

    /// INC AX (40) at 1000:0000 on an 8086, ax 1 to 2, with every kind of chunk.
    fn sample() -> Vec<u8> {
        let mut regs = vec![0xff, 0x3f];
        for r in Reg::WORDS {
            regs.extend(match r {
                Reg::Cs => 0x1000u16.to_le_bytes(),
                Reg::Eax => [1, 0],
                _ => [0, 0],
            });
        }
        let ram = [&1u32.to_le_bytes()[..], &0x10000u32.to_le_bytes(), &[0x40]].concat();
        let init = [chunk(b"REGS", &regs), chunk(b"RAM ", &ram), chunk(b"QUEU", &[0; 4])].concat();
        let fina = [chunk(b"REGS", &[1, 0, 2, 0]), chunk(b"RMSK", &[0, 0x20, 0xef, 0xff])].concat();
        let test = [
            7u32.to_le_bytes().to_vec(),
            chunk(b"NAME", b"\x06\0\0\0inc ax"),
            chunk(b"BYTS", &[1, 0, 0, 0, 0x40]),
            chunk(b"INIT", &init),
            chunk(b"FINA", &fina),
            chunk(b"EXCP", &[13, 0x34, 0x12, 0, 0]),
            chunk(b"XXXX", &[9; 3]),
            chunk(b"HASH", &[0xab; 20]),
        ];
        [header(1, b"8086"), chunk(b"RMSK", &[1, 0, 0xff, 0]), chunk(b"TEST", &test.concat())].concat()
    }

    #[test]
    fn a_file_is_read_whole() {
        let suite = read(&sample()).unwrap();
        assert_eq!((suite.chip, suite.width), (Some(Chip::I8086), Width::Word));
        assert_eq!(suite.masks.iter().collect::<Vec<_>>(), [(Reg::Eax, 0xff)]);
        let t = &suite.tests[0];
        assert_eq!((t.index, t.name.as_str(), &t.bytes[..]), (7, "inc ax", &[0x40][..]));
        assert_eq!(t.initial.regs.get(Reg::Cs), Some(0x1000));
        assert_eq!(t.initial.regs.iter().count(), 14);
        assert_eq!(t.initial.ram, [(0x10000, 0x40)]);
        assert_eq!(t.last.regs.iter().collect::<Vec<_>>(), [(Reg::Eax, 2)]);
        assert_eq!(t.masks.get(Reg::Eflags), Some(0xffef));
        assert_eq!(t.raised, Some(Raised { vector: 13, flags_at: 0x1234 }));
        assert_eq!(t.hash, Some([0xab; 20]));
    }

    #[test]
    fn every_truncation_is_an_error_and_none_panics() {
        let whole = sample();
        for n in 0..whole.len() {
            assert!(super::super::read(&whole[..n]).is_err(), "{n} of {} bytes", whole.len());
        }
    }

    #[test]
    fn every_single_byte_change_is_survived() {
        let whole = sample();
        for i in 0..whole.len() {
            for v in [0, 0x7f, 0xff] {
                let mut bad = whole.clone();
                bad[i] = v;
                let _ = super::super::read(&bad);
            }
        }
    }

    #[test]
    fn a_count_beyond_the_chunk_is_named_with_its_offset() {
        let test = [0u32.to_le_bytes().to_vec(), chunk(b"INIT", &chunk(b"RAM ", &[0xff; 4]))].concat();
        let bytes = [header(1, b"8086"), chunk(b"TEST", &test)].concat();
        let e = read(&bytes).unwrap_err();
        assert!(matches!(e, VectorError::Truncated { offset: 52, field: "RAM", .. }), "{e}");
    }

    #[test]
    fn another_version_or_an_unknown_chip_is_refused() {
        let mut v2 = header(0, b"8086");
        v2[8] = 2;
        assert!(read(&v2).unwrap_err().to_string().contains("version 2: this build reads version 1"));
        assert!(read(&header(0, b"Z80 ")).unwrap_err().to_string().contains("`Z80 `"));
    }

    #[test]
    fn a_32_bit_state_keeps_16_bits_of_a_selector() {
        let mut regs = Regs::default();
        let bytes = [&(1u32 << 10 | 1 << 2).to_le_bytes()[..], &[1, 2, 3, 4], &[0x34, 0x12, 0xff, 0xff]].concat();
        read_dwords(&mut Cursor { bytes: &bytes, at: 0 }, &mut regs, "RG32").unwrap();
        assert_eq!((regs.get(Reg::Eax), regs.get(Reg::Cs)), (Some(0x0403_0201), Some(0x1234)));
    }
}
