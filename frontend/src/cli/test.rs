//! `ferrite test`: hardware-captured instruction tests against an engine.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use clap::Args;
use ferrite_core::engine::Engine;
use ferrite_core::vectors::engine::Bare;
use ferrite_core::vectors::metadata::{self, Metadata, Notes};
use ferrite_core::vectors::run::{self, Target};
use ferrite_core::vectors::suite::{Chip, Suite, Test};

use super::report::{Failed, FileReport, Report};
use super::{read_file, reason};
use crate::config::{Accel, CpuSpec};
use crate::{Failure, engine};

/// Options of `ferrite test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// CPU model: 8086, 80286 or 80386; without it each file's own
    #[arg(long, value_name = "MODEL")]
    cpu: Option<CpuSpec>,
    /// Engine: auto, jit or interp
    #[arg(long, default_value = "auto")]
    accel: Accel,
    /// Write a report as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a report as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Threads; without it one per host CPU
    #[arg(long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
    /// Vector files, or folders to search for them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Where each thread's engines come from.
#[derive(Debug, Clone, Copy)]
struct Engines {
    accel: Accel,
}

impl Engines {
    /// No instruction of a test runs often: each is translated at once, and before it runs.
    fn config(self) -> ferrite_jit::Config {
        ferrite_jit::Config { threshold: 1, background: false, ..ferrite_jit::Config::default() }
    }

    fn make(self) -> Result<Box<dyn Engine>, Failure> {
        engine::make(self.accel, &self.config(), |_| ())
    }
}

/// What decompressing one file may cost: a hundred times the largest file of the suites.
const MAX_FILE: u64 = 1 << 30;

/// What the suites' own metadata files are called.
const METADATA: [&str; 2] = ["flags.json", "metadata.json"];
const REVOCATIONS: &str = "revocation_list.txt";

/// Notes on the files of one folder.
#[derive(Debug, Default)]
struct Folder {
    notes: Metadata,
    revoked: BTreeSet<[u8; 20]>,
}

/// Runs the command.
///
/// # Errors
/// A path that cannot be read, a file that is no vector file, or no file at all.
pub fn run(args: &TestArgs) -> Result<u8, Failure> {
    let engines = Engines { accel: args.accel };
    // One that cannot be had is said before anything is read, and once.
    engine::make(args.accel, &engines.config(), |line| eprintln!("{line}"))?;
    let model = match &args.cpu {
        Some(spec) => Some(model_of(spec)?),
        None => None,
    };
    let mut files = Vec::new();
    for path in &args.paths {
        let before = files.len();
        find(path, &mut files)?;
        if files.len() == before {
            return Err(Failure::Usage(format!("{}: no vector files (.MOO, .json, either with .gz)", path.display())));
        }
    }
    let mut folders = BTreeMap::new();
    for dir in files.iter().map(|f| folder_of(f)) {
        if !folders.contains_key(&dir) {
            folders.insert(dir.clone(), read_folder(&dir)?);
        }
    }
    // Reports are opened first: an unwritable one must not cost a long run.
    let mut outputs = Vec::new();
    for (option, path) in [("--json", &args.json), ("--junit", &args.junit)] {
        if let Some(path) = path {
            let host = |e: std::io::Error| Failure::Host(format!("{option} {}: {}", path.display(), reason(&e)));
            outputs.push((option, path, std::fs::File::create(path).map_err(host)?));
        }
    }

    let threads = args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, usize::from);
    let reports = run_files(&files, &folders, model, engines, threads.min(files.len()))?;
    let report = Report::new(reports);
    for (option, path, file) in outputs {
        let mut out = std::io::BufWriter::new(file);
        let wrote = if option == "--json" { report.json(&mut out) } else { report.junit(&mut out) };
        wrote
            .and_then(|()| out.flush())
            .map_err(|e| Failure::Host(format!("{option} {}: {}", path.display(), reason(&e))))?;
    }
    print(&report);
    Ok(u8::from(report.failed != 0))
}

/// One line per failing case, and the sum.
fn print(report: &Report) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut text = || -> std::io::Result<()> {
        for f in &report.files {
            for t in &f.failed {
                writeln!(out, "{} #{} {} [{}]: {}", f.file, t.index, t.name, t.bytes, t.differences.join(", "))?;
            }
            if let Some(why) = f.skip_reason {
                writeln!(out, "{}: {} skipped: {why}", f.file, f.skipped)?;
            }
        }
        writeln!(out, "{} passed, {} failed, {} skipped", report.passed, report.failed, report.skipped)?;
        out.flush()
    };
    // A reader that has gone away wants no more lines; the exit status still tells.
    let _ = text();
}

fn model_of(spec: &CpuSpec) -> Result<&'static str, Failure> {
    let usage = |why: &str| Failure::Usage(format!("--cpu {}: {why}", spec.name));
    if spec.is_changed() {
        return Err(usage("vectors are for whole chips: no +feat or -feat"));
    }
    Chip::of_model(spec.name).and_then(Chip::model).ok_or_else(|| usage("there are vectors for 8086, 80286 and 80386"))
}

/// Whether a file in a folder looks like vectors by its name. A file named on the command line is always read.
fn is_vectors(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    (name.ends_with(".moo") || name.ends_with(".json")) && !METADATA.contains(&name)
}

fn find(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let host = |e: std::io::Error| Failure::Host(format!("{}: {}", path.display(), reason(&e)));
    if !std::fs::metadata(path).map_err(host)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(host)? {
        entries.push(entry.map_err(host)?);
    }
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // Links to folders are not followed: they can form a circle.
        let kind = entry.file_type().map_err(host)?;
        if kind.is_dir() {
            find(&entry.path(), files)?;
        } else if is_vectors(&entry.path()) {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Metadata lies beside the files or one folder up, and may be compressed as they are.
fn read_folder(dir: &Path) -> Result<Folder, Failure> {
    let mut out = Folder::default();
    let places = [dir.to_owned(), dir.join("..")];
    let metadata = places.iter().flat_map(|d| METADATA.map(|n| d.join(n))).find(|p| p.is_file());
    if let Some(path) = metadata {
        let bytes = read_file("vector metadata", &path)?;
        out.notes = Metadata::read(&bytes).map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?;
    }
    if let Some(path) = places.iter().map(|d| d.join(REVOCATIONS)).find(|p| p.is_file()) {
        let bytes = read_file("revocation list", &path)?;
        out.revoked = metadata::read_revocations(&String::from_utf8_lossy(&bytes))
            .map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?;
    }
    out.revoked.extend(metadata::wrong_captures());
    Ok(out)
}

/// The content of a vector file, decompressed if it is gzip, whatever its name says.
fn read_vectors(path: &Path) -> Result<Suite, Failure> {
    let mut bytes = read_file("vector file", path)?;
    let usage = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(&bytes[..])
            .take(MAX_FILE + 1)
            .read_to_end(&mut plain)
            .map_err(|e| usage(format!("gzip: {e}")))?;
        if plain.len() as u64 > MAX_FILE {
            return Err(usage(format!("gzip: more than {} MiB when decompressed", MAX_FILE >> 20)));
        }
        bytes = plain;
    }
    ferrite_core::vectors::read(&bytes).map_err(|e| usage(e.to_string()))
}

/// Runs the files in `threads` threads. Reports come in the order of `files`, and so does the error of the first bad one.
fn run_files(
    files: &[PathBuf],
    folders: &BTreeMap<PathBuf, Folder>,
    model: Option<&'static str>,
    engines: Engines,
    threads: usize,
) -> Result<Vec<FileReport>, Failure> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let done = Mutex::new(BTreeMap::new());
    let work = || {
        let mut targets = BTreeMap::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = files.get(i) else { break };
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let folder = &folders[&folder_of(path)];
            let result = run_file(path, folder, model, engines, &mut targets);
            if result.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(i, result);
        }
    };
    std::thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(work);
        }
    });
    done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_values().collect()
}

/// Which chip's rules hold for `suite`.
fn chip_of(path: &Path, suite: &Suite, folder: &Folder, model: Option<&'static str>) -> Result<Chip, Failure> {
    let named = suite.chip.or(folder.notes.chip);
    let usage = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
    match (named, model) {
        (Some(chip), None) => Ok(chip),
        (Some(chip), Some(model)) if chip.model().is_none_or(|m| m == model) => Ok(chip),
        (Some(chip), Some(model)) => Err(usage(format!("captured on an {chip}, but --cpu is {model}"))),
        (None, Some(model)) => Chip::of_model(model)
            .ok_or_else(|| usage(format!("--cpu {model}: there are vectors for 8086, 80286 and 80386"))),
        (None, None) => Err(usage("does not name its chip: --cpu 8086 or --cpu 80286 is needed".to_owned())),
    }
}

fn run_file(
    path: &Path,
    folder: &Folder,
    model: Option<&'static str>,
    engines: Engines,
    targets: &mut BTreeMap<Chip, Bare>,
) -> Result<FileReport, Failure> {
    let suite = read_vectors(path)?;
    let chip = chip_of(path, &suite, folder, model)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let notes = folder.notes.of(metadata::stem(&name)).cloned().unwrap_or_else(Notes::default);
    let mut report = FileReport {
        file: path.display().to_string(),
        chip: chip.to_string(),
        status: notes.status,
        passed: 0,
        skipped: 0,
        skip_reason: None,
        failed: Vec::new(),
    };
    let target = match targets.entry(chip) {
        std::collections::btree_map::Entry::Occupied(e) => e.into_mut(),
        std::collections::btree_map::Entry::Vacant(e) => match Bare::new(chip, engines.make()?) {
            Some(target) => e.insert(target),
            None => {
                report.skipped = suite.tests.len() as u64;
                report.skip_reason = Some("no CPU model behaves like this chip");
                return Ok(report);
            }
        },
    };
    for test in &suite.tests {
        if test.hash.is_some_and(|h| folder.revoked.contains(&h)) {
            report.skipped += 1;
            report.skip_reason = Some("known to be captured wrongly");
            continue;
        }
        match run_test(target, chip, &suite, test, notes.mask) {
            differences if differences.is_empty() => report.passed += 1,
            differences => report.failed.push(Failed {
                index: test.index,
                name: test.name.clone(),
                bytes: test.bytes.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" "),
                differences,
            }),
        }
    }
    Ok(report)
}

fn run_test(target: &mut dyn Target, chip: Chip, suite: &Suite, test: &Test, mask: u32) -> Vec<String> {
    run::run(target, chip, suite, test, mask).iter().map(ToString::to_string).collect()
}
