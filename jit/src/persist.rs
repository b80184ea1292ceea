//! Translations kept from run to run: a file in a folder that the user names.
//!
//! Found again by what they are of, not by where it is: mode, offset in the page, and the bytes of the region's runs. A kept region is
//! good wherever those bytes are, whichever runs would be asked for now: it is as exact as any other, so a second run of a system, in
//! which other blocks are hot at the moment of asking, finds most of its regions.
//!
//! A file belongs to one processor model and one build: [`Key`] holds a fingerprint of the sources, the compiler and the host's features.
//! Everything in it is under SHA-256. That finds damage; who may write the user's files needs no cache to run code as the user, so a
//! file that others own or may write is not looked at. Files are only ever replaced as a whole, by renaming.
//!
//! Layout: [`Header`], records one behind the other, then the index: postcard's form of a list of [`Listed`].

use crate::compile::{Compiler, Patch, Translation};
use crate::links::Link;
use crate::plan::Request;
use ferrite_core::cpu::Model;
use ferrite_core::exec::{CodeSize, Exec};
use ferrite_core::isa::{Insn, decode};
use ferrite_core::memory::PAGE_SIZE;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Bytes of a file at most: what was not used for longest is left out.
const MAX_FILE: u64 = 256 << 20;
/// Translations in a file at most.
const MAX_RECORDS: usize = 1 << 18;
/// Bytes that are new before the file is written while the run goes on.
const MUCH: u64 = 8 << 20;

const MAGIC: [u8; 24] = *b"Ferrite translations 1\r\n";

type Digest = [u8; 32];
type Runs = Vec<(u16, u16)>;

/// What a file is good for, as a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(Digest);

impl Key {
    /// Of translations by this build, with a code generator of this description, for a processor.
    fn new(generator: &str, model: &Model) -> Self {
        let text = format!(
            "{} {} {generator} {model:?} {} {}",
            env!("FERRITE_BUILD"),
            cranelift_codegen::VERSION,
            size_of::<Exec>(),
            size_of::<Insn>(),
        );
        Self(Sha256::digest(text).into())
    }
}

/// The start of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    key: Key,
    /// Bytes of all records.
    records: u64,
    /// Bytes of the index.
    index: u64,
    /// Of the index.
    digest: Digest,
}

const HEADER: usize = MAGIC.len() + 32 + 8 + 8 + 32;

impl Header {
    fn bytes(&self) -> [u8; HEADER] {
        let Self { key, records, index, digest } = self;
        let mut out = [0; HEADER];
        out[..24].copy_from_slice(&MAGIC);
        out[24..56].copy_from_slice(&key.0);
        out[56..64].copy_from_slice(&records.to_le_bytes());
        out[64..72].copy_from_slice(&index.to_le_bytes());
        out[72..].copy_from_slice(digest);
        out
    }

    fn parse(bytes: &[u8; HEADER]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<24>()?;
        let (key, rest) = rest.split_first_chunk::<32>()?;
        let (records, rest) = rest.split_first_chunk::<8>()?;
        let (index, rest) = rest.split_first_chunk::<8>()?;
        let (digest, _) = rest.split_first_chunk::<32>()?;
        let (records, index) = (u64::from_le_bytes(*records), u64::from_le_bytes(*index));
        (*magic == MAGIC).then_some(Self { key: Key(*key), records, index, digest: *digest })
    }
}

/// A translation's line in the index.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Listed {
    mode: u32,
    entry: u16,
    runs: Runs,
    slow: Vec<u16>,
    /// [`quick_hash`] of the bytes of the runs.
    hash: u64,
    /// Length of the record; it begins where the one before ends.
    len: u32,
    /// Of the record.
    digest: Digest,
    /// Runs of the emulator since it was last used.
    idle: u16,
}

/// A translation's record. Instructions are kept as places in the page: they are decoded anew.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    text: Vec<u8>,
    places: Vec<u16>,
    patches: Vec<(u32, u32, i64)>,
    links: Vec<(u32, u32, u16)>,
    count: u32,
    entries: Vec<u16>,
    code: Vec<u8>,
}

/// Where a record is.
#[derive(Clone, Debug)]
enum Place {
    File(Arc<File>, u64),
    /// Not written yet.
    Memory(Arc<[u8]>),
}

#[derive(Clone, Debug)]
struct Kept {
    listed: Listed,
    place: Place,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is no file of translations")]
    Foreign,
    #[error("it was made by another build of Ferrite, or on a host that differs")]
    Stale,
    #[error("it has {found} bytes where its header says {want}")]
    Length { found: u64, want: u64 },
    #[error("it is damaged at byte {at}: its checksum differs")]
    Damaged { at: u64 },
    #[error("others than its user may write it")]
    Open,
}

/// Counts for `--stats`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Translations that were made.
    pub made: u64,
    /// Translations that were found.
    pub found: u64,
    /// Translations that are kept now.
    pub kept: u64,
}

/// All that is kept, as the CPU's thread and the translator's share it.
pub type Shelf = Arc<Mutex<Store>>;

/// The translations of a file, and new ones.
pub struct Store {
    dir: PathBuf,
    generator: String,
    say: fn(&str),
    /// The processor, when that is known.
    model: Option<Model>,
    kept: BTreeMap<(u32, u16), Vec<Kept>>,
    /// Something is to be written; so many bytes are new.
    changed: bool,
    new_bytes: u64,
    written: u64,
    counts: Counts,
    /// A file could not be written: it is said once, and not tried again.
    gave_up: bool,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dir", &self.dir).field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// Translates, unless the shelf has it; what is new goes there.
pub fn translate(compiler: &mut Compiler, shelf: Option<&Shelf>, req: &Request) -> Option<Translation> {
    let Some(shelf) = shelf else { return compiler.translate(req) };
    if let Some(found) = shelf.lock().ok().and_then(|mut s| s.find(req)) {
        return Some(found);
    }
    let made = compiler.translate(req)?;
    if let Ok(mut s) = shelf.lock() {
        s.put(req, &made);
    }
    Some(made)
}

impl Store {
    /// For files in a folder. Lines for the user go to `say`.
    pub fn new(dir: &Path, generator: String, say: fn(&str)) -> Self {
        Self {
            dir: dir.to_owned(),
            generator,
            say,
            model: None,
            kept: BTreeMap::new(),
            changed: false,
            new_bytes: 0,
            written: 0,
            counts: Counts::default(),
            gave_up: false,
        }
    }

    /// Takes up the processor's file, if there is one that can be used.
    pub fn open(&mut self, model: &Model) {
        if self.model == Some(*model) {
            return;
        }
        self.save();
        self.model = Some(*model);
        self.kept.clear();
        let Some(path) = self.path() else { return };
        match self.load(&path) {
            Ok(list) => {
                for mut k in list {
                    k.listed.idle = k.listed.idle.saturating_add(1);
                    self.add(k);
                }
            }
            Err(Unusable::Io(e)) if e.kind() == io::ErrorKind::NotFound => {}
            Err(why) => {
                (self.say)(&format!("--translation-cache: {}: {why}; it is ignored, and written anew", path.display()));
            }
        }
    }

    pub fn counts(&self) -> Counts {
        Counts { kept: self.kept.values().map(|list| list.len() as u64).sum(), ..self.counts }
    }

    /// The file of the processor.
    fn path(&self) -> Option<PathBuf> {
        let model = self.model.as_ref()?;
        let tag = quick_hash(format!("{model:?}").bytes()) as u32;
        let name = format!("{}-{tag:08x}-{}.translations", model.name.as_str(), std::env::consts::ARCH);
        Some(self.dir.join(name))
    }

    fn load(&self, path: &Path) -> Result<Vec<Kept>, Unusable> {
        let mut file = File::open(path)?;
        let meta = file.metadata()?;
        is_ours(&self.dir, &meta)?;
        let mut head = [0; HEADER];
        file.read_exact(&mut head).map_err(|_| Unusable::Foreign)?;
        let head = Header::parse(&head).ok_or(Unusable::Foreign)?;
        let model = self.model.as_ref().ok_or(Unusable::Stale)?;
        if head.key != Key::new(&self.generator, model) {
            return Err(Unusable::Stale);
        }
        let index_at = (HEADER as u64).saturating_add(head.records);
        let want = index_at.saturating_add(head.index);
        if want != meta.len() || want > 2 * MAX_FILE {
            return Err(Unusable::Length { found: meta.len(), want });
        }
        let damaged = |at| Unusable::Damaged { at };
        file.seek(SeekFrom::Start(index_at))?;
        let mut index = vec![0; head.index as usize];
        file.read_exact(&mut index)?;
        if Digest::from(Sha256::digest(&index)) != head.digest {
            return Err(damaged(index_at));
        }
        let index: Vec<Listed> = postcard::from_bytes(&index).map_err(|_| damaged(index_at))?;
        let file = Arc::new(file);
        let mut at = HEADER as u64;
        let mut all = Vec::with_capacity(index.len());
        for listed in index {
            let end = at + u64::from(listed.len);
            if end > index_at || !listed.is_sound() {
                return Err(damaged(at));
            }
            let kept = Kept { listed, place: Place::File(file.clone(), at) };
            kept.read()?.ok_or(damaged(at))?;
            all.push(kept);
            at = end;
        }
        if at == index_at { Ok(all) } else { Err(damaged(at)) }
    }

    /// Adds a translation, in the place of one of the same code.
    fn add(&mut self, k: Kept) {
        let list = self.kept.entry((k.listed.mode, k.listed.entry)).or_default();
        list.retain(|other| other.listed.hash != k.listed.hash || other.listed.runs != k.listed.runs);
        list.push(k);
    }

    /// Whether there is a translation for an entry in a page.
    pub fn knows(&self, mode: u32, entry: u16, page: &[u8]) -> bool {
        self.kept.get(&(mode, entry)).is_some_and(|list| list.iter().any(|k| k.listed.fits(page)))
    }

    /// A kept translation that is as good as the one that is asked for.
    fn find(&mut self, req: &Request) -> Option<Translation> {
        if self.model != Some(req.model) {
            return None;
        }
        let list = self.kept.get_mut(&(req.mode.number() as u32, req.runs.first()?.0))?;
        let fits = |k: &&mut Kept| req.slow.iter().all(|at| k.listed.slow.contains(at)) && k.listed.fits(&req.text);
        // The one that has learnt most, then the largest.
        let best = list.iter_mut().filter(fits).max_by_key(|k| (k.listed.slow.len(), k.listed.bytes()))?;
        let bytes = match best.read() {
            Ok(Some(bytes)) => bytes,
            Ok(None) | Err(_) => {
                // The file was whole when it was opened.
                self.kept.clear();
                self.changed = true;
                (self.say)("--translation-cache: the file changed while it was in use; the rest of it is ignored");
                return None;
            }
        };
        let done = best.revive(&bytes, req)?;
        best.listed.idle = 0;
        self.counts.found += 1;
        Some(done)
    }

    /// Keeps a new translation.
    fn put(&mut self, req: &Request, made: &Translation) {
        self.counts.made += 1;
        if self.model != Some(req.model) || self.gave_up {
            return;
        }
        // A new field belongs into the record, or the file's translations would lack it.
        let Translation { code, patches, links, insns: _, places, count, entries, of: _ } = made;
        let record = Record {
            text: req.runs.iter().flat_map(|&(a, b)| &req.text[usize::from(a)..usize::from(b)]).copied().collect(),
            places: places.clone(),
            patches: patches.iter().map(|p| (p.at, p.import, p.addend)).collect(),
            links: links.iter().map(|l| (l.at, l.miss, l.to)).collect(),
            count: *count as u32,
            entries: entries.clone(),
            code: code.clone(),
        };
        let Ok(bytes) = postcard::to_stdvec(&record) else { return };
        let Ok(len) = u32::try_from(bytes.len()) else { return };
        let listed = Listed {
            mode: req.mode.number() as u32,
            entry: req.runs.first().map_or(0, |r| r.0),
            runs: req.runs.clone(),
            slow: req.slow.clone(),
            hash: quick_hash(record.text.iter().copied()),
            len,
            digest: Sha256::digest(&bytes).into(),
            idle: 0,
        };
        if !listed.is_sound() {
            return;
        }
        self.changed = true;
        self.new_bytes += u64::from(len);
        self.add(Kept { listed, place: Place::Memory(bytes.into()) });
        if self.new_bytes > MUCH.max(self.written) {
            self.save();
        }
    }

    /// Writes the file, if there is anything new.
    pub fn save(&mut self) {
        if !self.changed || self.gave_up {
            return;
        }
        let Some(path) = self.path() else { return };
        // What another run of the emulator has put there since is kept, too.
        if let Ok(others) = self.load(&path) {
            for k in others {
                let Listed { mode, entry, .. } = k.listed;
                let same = |o: &Kept| o.listed.hash == k.listed.hash && o.listed.runs == k.listed.runs;
                if !self.kept.get(&(mode, entry)).is_some_and(|list| list.iter().any(same)) {
                    self.add(k);
                }
            }
        }
        if let Err(e) = self.write(&path) {
            self.gave_up = true;
            self.kept.values_mut().for_each(|list| list.retain(|k| matches!(k.place, Place::File(..))));
            (self.say)(&format!("--translation-cache: {}: {e}; translations are not kept", path.display()));
        }
    }

    fn write(&mut self, path: &Path) -> io::Result<()> {
        let Some(model) = &self.model else { return Ok(()) };
        let key = Key::new(&self.generator, model);
        let mut all: Vec<Kept> = std::mem::take(&mut self.kept).into_values().flatten().collect();
        all.sort_by_key(|k| k.listed.idle);
        let (name, file) = new_file(&self.dir)?;
        let done = write_all(&file, key, &all).and_then(|places| {
            std::fs::rename(&name, path)?;
            Ok(places)
        });
        let places = match done {
            Ok(places) => places,
            Err(e) => {
                let _ = std::fs::remove_file(&name);
                all.into_iter().for_each(|k| self.add(k));
                return Err(e);
            }
        };
        let file = Arc::new(file);
        (self.changed, self.new_bytes) = (false, 0);
        self.written = places.last().map_or(0, |p| *p);
        for (mut k, at) in all.into_iter().zip(places) {
            k.place = Place::File(file.clone(), at);
            self.add(k);
        }
        Ok(())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.save();
    }
}

/// Writes records, as many as there is room for, and the index; gives where each is.
fn write_all(file: &File, key: Key, all: &[Kept]) -> io::Result<Vec<u64>> {
    let mut out = io::BufWriter::with_capacity(1 << 18, file);
    out.write_all(&[0; HEADER])?;
    let (mut index, mut places, mut at) = (Vec::new(), Vec::new(), HEADER as u64);
    for k in all {
        let len = u64::from(k.listed.len);
        if at + len > MAX_FILE || index.len() >= MAX_RECORDS {
            break;
        }
        let Some(bytes) = k.read()? else { return Err(io::Error::other("its records changed while it was in use")) };
        out.write_all(&bytes)?;
        index.push(&k.listed);
        places.push(at);
        at += len;
    }
    let index = postcard::to_stdvec(&index).map_err(io::Error::other)?;
    out.write_all(&index)?;
    let digest = Sha256::digest(&index).into();
    let head = Header { key, records: at - HEADER as u64, index: index.len() as u64, digest };
    out.seek(SeekFrom::Start(0))?;
    out.write_all(&head.bytes())?;
    out.flush()?;
    Ok(places)
}

impl Listed {
    /// Whether its runs lie in a page and begin at the entry.
    fn is_sound(&self) -> bool {
        self.runs.first().is_some_and(|r| r.0 == self.entry)
            && self.runs.iter().all(|&(a, b)| a < b && u64::from(b) <= PAGE_SIZE)
    }

    /// Whether a page has the bytes that the translation is of. A hash: the record has the bytes themselves.
    fn fits(&self, page: &[u8]) -> bool {
        self.hash == quick_hash(self.text_in(page))
    }

    fn text_in<'a>(&'a self, page: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
        self.runs.iter().flat_map(|&(a, b)| page.get(usize::from(a)..usize::from(b)).unwrap_or_default()).copied()
    }

    fn bytes(&self) -> usize {
        self.runs.iter().map(|&(a, b)| usize::from(b - a)).sum()
    }
}

impl Kept {
    /// The record's bytes; `None` when they are not what the index says.
    fn read(&self) -> io::Result<Option<Arc<[u8]>>> {
        match &self.place {
            Place::Memory(bytes) => Ok(Some(bytes.clone())),
            Place::File(file, at) => {
                let mut bytes = vec![0; self.listed.len as usize];
                let mut file: &File = file;
                file.seek(SeekFrom::Start(*at))?;
                file.read_exact(&mut bytes)?;
                let same = Digest::from(Sha256::digest(&bytes)) == self.listed.digest;
                Ok(same.then(|| bytes.into()))
            }
        }
    }

    /// The translation of a record, for a page that its hash fits.
    fn revive(&self, bytes: &[u8], req: &Request) -> Option<Translation> {
        let Record { text, places, patches, links, count, entries, code } = postcard::from_bytes(bytes).ok()?;
        if !self.listed.text_in(&req.text).eq(text.iter().copied()) {
            return None;
        }
        let patches = patches.into_iter().map(|(at, import, addend)| Patch { at, import, addend });
        let patches: Vec<Patch> = patches.collect();
        if patches.iter().any(|p| (p.at as usize).saturating_add(8) > code.len()) {
            return None;
        }
        let links: Vec<Link> = links.into_iter().map(|(at, miss, to)| Link { at, miss, to }).collect();
        if !links.iter().all(|l| l.is_sound(code.len())) {
            return None;
        }
        if entries.first() != Some(&self.listed.entry) || entries.len() > crate::abi::MAX_ENTRIES {
            return None;
        }
        let insns = places.iter().map(|&at| instruction(&req.text, at, req.mode.code(), &req.model));
        let insns = insns.collect::<Option<Box<[Insn]>>>()?;
        let of = Some((self.listed.runs.clone(), self.listed.slow.clone()));
        Some(Translation { code, patches, links, insns, places, count: count as usize, entries, of })
    }
}

/// The instruction at an offset of a page, as translations refer to it.
fn instruction(page: &[u8], at: u16, code: CodeSize, model: &Model) -> Option<Insn> {
    let rest = page.get(usize::from(at)..)?;
    let mut insn = decode::decode(&rest[..rest.len().min(decode::MAX_LENGTH)], code, model).ok()?;
    insn.end = u16::from(insn.len);
    Some(insn)
}

/// FNV-1a, 64 bits.
fn quick_hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// A new file in a folder, for this user alone.
fn new_file(dir: &Path) -> io::Result<(PathBuf, File)> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Not what somebody has put there, nor what it leads to.
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    loop {
        let name = dir.join(format!(".{}-{}.new", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        match options.open(&name) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done.map(|file| (name, file)),
        }
    }
}

/// Whether translations can be kept in a folder: a file is made there, and taken away.
///
/// # Errors
/// Those of the host.
pub fn check_folder(dir: &Path) -> io::Result<()> {
    let (name, _) = new_file(dir)?;
    std::fs::remove_file(name)
}

/// That nobody but the user can have written a file.
fn is_ours(dir: &Path, meta: &std::fs::Metadata) -> Result<(), Unusable> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (name, file) = new_file(dir)?;
        let user = file.metadata()?.uid();
        let _ = std::fs::remove_file(name);
        if meta.mode() & 0o022 != 0 || meta.uid() != user {
            return Err(Unusable::Open);
        }
    }
    let _ = (dir, meta);
    Ok(())
}
