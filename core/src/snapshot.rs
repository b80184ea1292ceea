//! Snapshots: what every part of the machine saves, and the container that holds it.
//!
//! The file: the magic, the format's number, then sections (name, kind, version, length, bytes),
//! then the SHA-256 of all before it. All numbers are little-endian. A section's bytes are the
//! part's saved state in postcard's encoding, except memory, which is cut into chunks that are
//! zero, raw or LZ4 blocks.
//!
//! A file is not trusted: no length in it is believed before as many bytes are there, memory is
//! never larger than the machine's own, and every field passes its part's `load`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::memory::GuestMemory;

/// Why a snapshot was refused. The machine is unchanged whenever this is returned.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// The first bytes are not those of a snapshot.
    #[error("not a Ferrite snapshot: the file begins with other bytes")]
    Magic,
    /// The container has a format that this build does not know.
    #[error("snapshot format {0}: this build reads format {FORMAT}")]
    Format(u32),
    /// The file ends too early.
    #[error("the snapshot ends inside {0}")]
    Truncated(&'static str),
    /// The checksum does not match.
    #[error("the snapshot is damaged: its SHA-256 does not match")]
    Checksum,
    /// A section that the machine has is not in the file.
    #[error("no section `{0}` in the snapshot: it is of another machine")]
    Missing(String),
    /// A section that the machine has no part for.
    #[error("no device `{0}` in this machine")]
    UnknownDevice(String),
    /// A section holds another kind of part than the machine has there.
    #[error("`{name}` is a {found} in the snapshot and a {expected} in this machine")]
    Kind {
        /// The section.
        name: String,
        /// Its kind in the file.
        found: String,
        /// The kind of the machine's part.
        expected: &'static str,
    },
    /// A newer build wrote it.
    #[error("`{kind}` version {found}: this build reads up to {newest}")]
    TooNew {
        /// The part.
        kind: &'static str,
        /// Version in the file.
        found: u32,
        /// Newest version that is understood.
        newest: u32,
    },
    /// The state's encoding is broken.
    #[error("the state of `{kind}` cannot be decoded")]
    Encoding {
        /// The part.
        kind: &'static str,
    },
    /// A field holds a value that no run produces.
    #[error("`{field}` holds {value:#x}, which no guest can reach")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: u64,
    },
    /// The memory in the file has another size.
    #[error("the snapshot holds {found} bytes of memory and the machine has {expected}")]
    MemorySize {
        /// In the file.
        found: u64,
        /// In the machine.
        expected: u64,
    },
}

/// A part of the machine that can be saved and loaded. Both directions destructure without `..`,
/// so that a new field cannot be forgotten.
pub trait Snapshot {
    /// The part's name in a snapshot.
    const KIND: &'static str;
    /// The newest version of its saved form.
    const VERSION: u32;
    /// The saved form.
    type State: Serialize + DeserializeOwned;

    /// The state, whole.
    fn save(&self) -> Self::State;

    /// Takes the state over.
    ///
    /// # Errors
    /// When a field holds what no run produces. The part may then be changed; [`crate::system::System`]
    /// puts it back.
    fn load(&mut self, state: Self::State) -> Result<(), LoadError>;

    /// Reads the bytes of any version up to [`Snapshot::VERSION`]; a part with older versions
    /// overrides it and converts them.
    ///
    /// # Errors
    /// When the version is another one or the bytes are not of it.
    fn decode(version: u32, bytes: &[u8]) -> Result<Self::State, LoadError> {
        if version != Self::VERSION {
            return Err(LoadError::TooNew { kind: Self::KIND, found: version, newest: Self::VERSION });
        }
        decode(Self::KIND, bytes)
    }
}

/// Encodes a saved form.
pub fn encode<T: Serialize>(state: &T) -> Vec<u8> {
    // A saved form is plain data and the target grows as needed: postcard has no failure left.
    postcard::to_stdvec(state).expect("plain data encodes")
}

/// Decodes a saved form; all bytes must be used.
///
/// # Errors
/// [`LoadError::Encoding`].
pub fn decode<T: DeserializeOwned>(kind: &'static str, bytes: &[u8]) -> Result<T, LoadError> {
    match postcard::take_from_bytes(bytes) {
        Ok((state, [])) => Ok(state),
        _ => Err(LoadError::Encoding { kind }),
    }
}

const MAGIC: &[u8; 8] = b"FERRITE\x1a";
const FORMAT: u32 = 1;
const SUM_LEN: usize = 32;

/// Writes a snapshot, section by section.
pub struct Writer {
    out: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        Writer::new()
    }
}

impl Writer {
    /// An empty container.
    pub fn new() -> Writer {
        let mut out = MAGIC.to_vec();
        out.extend(FORMAT.to_le_bytes());
        Writer { out }
    }

    /// Adds a part under `name`.
    pub fn part<T: Snapshot>(&mut self, name: &str, part: &T) {
        self.section(name, T::KIND, T::VERSION, &encode(&part.save()));
    }

    /// Adds a section with bytes of any form.
    pub fn section(&mut self, name: &str, kind: &str, version: u32, bytes: &[u8]) {
        for text in [name, kind] {
            // Names are ours, short and fixed; a length beyond u16 would be a defect.
            let len = u16::try_from(text.len()).expect("section names are short");
            self.out.extend(len.to_le_bytes());
            self.out.extend(text.as_bytes());
        }
        self.out.extend(version.to_le_bytes());
        self.out.extend((bytes.len() as u64).to_le_bytes());
        self.out.extend(bytes);
    }

    /// The finished file.
    pub fn finish(mut self) -> Vec<u8> {
        let sum = Sha256::digest(&self.out);
        self.out.extend(sum);
        self.out
    }

    /// The SHA-256 of all sections so far: two machines in the same state have the same digest.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.out).into()
    }
}

/// One section of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// The part's name in its machine.
    pub name: &'a str,
    /// What it is.
    pub kind: &'a str,
    /// Version of its saved form.
    pub version: u32,
    /// Its saved form.
    pub bytes: &'a [u8],
}

/// A snapshot that was checked and can be taken apart.
#[derive(Debug)]
pub struct Reader<'a> {
    sections: Vec<Section<'a>>,
}

impl<'a> Reader<'a> {
    /// Checks the container and its checksum.
    ///
    /// # Errors
    /// When it is no snapshot, truncated, damaged or of another format.
    pub fn new(file: &'a [u8]) -> Result<Reader<'a>, LoadError> {
        if !file.starts_with(MAGIC) {
            return Err(LoadError::Magic);
        }
        let body_len = file.len().checked_sub(SUM_LEN).ok_or(LoadError::Truncated("its checksum"))?;
        let (body, sum) = file.split_at(body_len);
        let mut rest = Bytes(body.get(MAGIC.len()..).ok_or(LoadError::Truncated("its header"))?);
        let format = rest.u32("its header")?;
        if format != FORMAT {
            return Err(LoadError::Format(format));
        }
        if Sha256::digest(body)[..] != *sum {
            return Err(LoadError::Checksum);
        }
        let mut sections = Vec::new();
        while !rest.0.is_empty() {
            sections.push(Section {
                name: rest.text()?,
                kind: rest.text()?,
                version: rest.u32("a section's header")?,
                bytes: rest.section_bytes()?,
            });
        }
        Ok(Reader { sections })
    }

    /// All sections, in the file's order.
    pub fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }

    /// The section `name`, which must be of this kind.
    ///
    /// # Errors
    /// When it is missing or of another kind.
    pub fn section(&self, name: &str, kind: &'static str) -> Result<Section<'a>, LoadError> {
        let s = self.sections.iter().find(|s| s.name == name).ok_or_else(|| LoadError::Missing(name.into()))?;
        if s.kind != kind {
            return Err(LoadError::Kind { name: name.into(), found: s.kind.into(), expected: kind });
        }
        Ok(*s)
    }

    /// Loads the part `name`.
    ///
    /// # Errors
    /// As [`Reader::section`], and what the part's own `load` refuses.
    pub fn part<T: Snapshot>(&self, name: &str, part: &mut T) -> Result<(), LoadError> {
        let s = self.section(name, T::KIND)?;
        part.load(T::decode(s.version, s.bytes)?)
    }
}

/// Bytes still to be parsed.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize, what: &'static str) -> Result<&'a [u8], LoadError> {
        let (head, tail) = self.0.split_at_checked(n).ok_or(LoadError::Truncated(what))?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], LoadError> {
        let mut a = [0; N];
        a.copy_from_slice(self.take(N, what)?);
        Ok(a)
    }

    fn u32(&mut self, what: &'static str) -> Result<u32, LoadError> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn text(&mut self) -> Result<&'a str, LoadError> {
        let len = u16::from_le_bytes(self.array("a section's header")?);
        let bytes = self.take(len.into(), "a section's name")?;
        std::str::from_utf8(bytes).map_err(|_| LoadError::Encoding { kind: "section name" })
    }

    fn section_bytes(&mut self) -> Result<&'a [u8], LoadError> {
        let len = u64::from_le_bytes(self.array("a section's header")?);
        let len = usize::try_from(len).map_err(|_| LoadError::Truncated("a section"))?;
        self.take(len, "a section")
    }
}

/// Section kind of memory.
pub const MEMORY_KIND: &str = "memory";
/// Version of the memory section.
pub const MEMORY_VERSION: u32 = 1;
/// Memory is compressed in pieces of this many bytes, which bounds what decompression allocates.
const CHUNK: usize = 64 * 1024;

/// How a chunk is held. The byte before its length.
const CHUNK_ZERO: u8 = 0;
const CHUNK_RAW: u8 = 1;
const CHUNK_LZ4: u8 = 2;

/// The backing of `memory`, compressed: its size, then chunks.
pub fn encode_memory(memory: &GuestMemory) -> Vec<u8> {
    let mut out = memory.backing_size().to_le_bytes().to_vec();
    for chunk in memory.backing().chunks(CHUNK) {
        if chunk.iter().all(|b| *b == 0) {
            out.push(CHUNK_ZERO);
            continue;
        }
        let packed = lz4_flex::block::compress(chunk);
        let (form, bytes) = if packed.len() < chunk.len() { (CHUNK_LZ4, &packed[..]) } else { (CHUNK_RAW, chunk) };
        out.push(form);
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(bytes);
    }
    out
}

/// Unpacks a memory section for a backing of exactly `expected` bytes.
///
/// # Errors
/// When the size differs or a chunk is broken. Allocates no more than `expected` and one chunk.
pub fn decode_memory(bytes: &[u8], expected: u64) -> Result<Vec<u8>, LoadError> {
    let mut rest = Bytes(bytes);
    let found = u64::from_le_bytes(rest.array("memory")?);
    if found != expected {
        return Err(LoadError::MemorySize { found, expected });
    }
    let broken = LoadError::Encoding { kind: MEMORY_KIND };
    let mut out = vec![0; expected as usize]; // the machine's own size, not the file's word
    for chunk in out.chunks_mut(CHUNK) {
        let [form] = rest.array("memory")?;
        if form == CHUNK_ZERO {
            continue;
        }
        let len = rest.u32("memory")? as usize;
        let packed = rest.take(len, "memory")?;
        match form {
            CHUNK_RAW if len == chunk.len() => chunk.copy_from_slice(packed),
            CHUNK_LZ4 => match lz4_flex::block::decompress_into(packed, chunk) {
                Ok(n) if n == chunk.len() => {}
                _ => return Err(broken),
            },
            _ => return Err(broken),
        }
    }
    if rest.0.is_empty() { Ok(out) } else { Err(broken) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Clock, VTime};

    fn sample() -> Vec<u8> {
        let mut w = Writer::new();
        let mut clock = Clock::default();
        clock.skip_to(VTime::ms(7));
        w.part("clock", &clock);
        let mut mem = GuestMemory::flat(0x3_1000);
        mem.write(0x1234, b"some text that is in memory");
        mem.write(0x2_0000, &std::array::from_fn::<u8, 256, _>(|i| ((i * 77) >> 3) as u8));
        w.section("memory", MEMORY_KIND, MEMORY_VERSION, &encode_memory(&mem));
        w.finish()
    }

    fn open(file: &[u8]) -> Result<(Clock, Vec<u8>), LoadError> {
        let reader = Reader::new(file)?;
        let mut clock = Clock::default();
        reader.part("clock", &mut clock)?;
        let memory = decode_memory(reader.section("memory", MEMORY_KIND)?.bytes, 0x3_1000)?;
        Ok((clock, memory))
    }

    /// Puts a right checksum on whatever the body is.
    fn resealed(file: &[u8]) -> Vec<u8> {
        let mut body = file[..file.len() - SUM_LEN].to_vec();
        let sum = Sha256::digest(&body);
        body.extend(sum);
        body
    }

    #[test]
    fn what_was_written_is_read() {
        let (clock, memory) = open(&sample()).unwrap();
        assert_eq!(clock.now(), VTime::ms(7));
        assert_eq!(&memory[0x1234..0x123d], b"some text");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let file = sample();
        for len in 0..file.len() {
            assert!(open(&file[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn every_flipped_bit_is_an_error() {
        let file = sample();
        for i in 0..file.len() {
            let mut bad = file.clone();
            bad[i] ^= 0x10;
            assert!(open(&bad).is_err(), "byte {i}");
        }
    }

    #[test]
    fn a_forged_length_allocates_nothing_and_is_an_error() {
        let file = sample();
        let mut refused = 0;
        for i in 12..file.len() - SUM_LEN - 8 {
            let mut bad = file.clone();
            bad[i..i + 8].fill(0xff);
            refused += usize::from(open(&resealed(&bad)).is_err());
        }
        assert!(refused > 20, "headers and lengths lie among these bytes");
    }

    #[test]
    fn memory_of_another_size_is_refused_before_it_is_unpacked() {
        let mut bytes = u64::MAX.to_le_bytes().to_vec();
        bytes.push(CHUNK_ZERO);
        let error = decode_memory(&bytes, 0x1000).unwrap_err();
        assert_eq!(error, LoadError::MemorySize { found: u64::MAX, expected: 0x1000 });
    }

    #[test]
    fn a_newer_version_names_itself() {
        let mut w = Writer::new();
        w.section("clock", "clock", 9, &[]);
        let file = w.finish();
        let error = Reader::new(&file).unwrap().part("clock", &mut Clock::default()).unwrap_err();
        assert_eq!(error.to_string(), "`clock` version 9: this build reads up to 1");
    }
}
