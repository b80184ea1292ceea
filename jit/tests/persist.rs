//! Translations kept from run to run: a second run finds them, and nothing that happens to their file changes a run.

mod shared;

use ferrite_core::cpu::ModelName;
use ferrite_core::interp::Interpreter;
use ferrite_core::machine::Machine;
use ferrite_jit::Config;
use ferrite_test_roms::{ROMS, Rom};
use shared::{is_missing, jit, rig, same_at};
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

thread_local! {
    /// What the engine has said.
    static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn said() -> Vec<String> {
    SAID.take()
}

fn config(dir: &Path) -> Config {
    Config {
        threshold: 2,
        background: false,
        translations: Some(dir.to_owned()),
        say: |line| SAID.with_borrow_mut(|said| said.push(line.to_owned())),
        ..Config::default()
    }
}

fn rom(name: &str) -> &'static Rom {
    ROMS.iter().find(|r| r.name == name).expect("a ROM of this name")
}

fn count(m: &Machine, name: &str) -> u64 {
    m.counters().iter().find(|c| c.0 == name).map_or_else(|| panic!("no count {name}"), |c| c.1)
}

/// Runs a ROM to its end and compares that with the interpreter's; gives how many regions were made, and how many found.
fn run(rom: &Rom, model: ModelName, dir: &Path) -> (u64, u64) {
    let mut want = rig::machine(rom, model, Box::new(Interpreter::new()));
    let mut got = rig::machine(rom, model, jit(&config(dir)));
    same_at(&mut want, &mut got, rig::INSNS).unwrap_or_else(|e| panic!("{}: {e}", rom.name));
    (count(&got, "jit_compiled"), count(&got, "jit_kept_found"))
}

/// The only file in a folder.
fn file(dir: &Path) -> PathBuf {
    let files: Vec<PathBuf> = fs::read_dir(dir).expect("the folder").map(|e| e.expect("an entry").path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

const NAME: &str = "hot/faults32";

#[test]
fn a_second_run_makes_none_of_the_translations_that_the_first_has_made() {
    if is_missing() {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (made, found) = run(rom(NAME), ModelName::Pentium4, dir.path());
    assert!(made > 10 && found < made, "{made} made, {found} found");
    let (made, found) = run(rom(NAME), ModelName::Pentium4, dir.path());
    assert!(made == 0 && found > 10, "{made} made, {found} found");
    // What another processor runs is not what this one runs.
    let (made, _) = run(rom(NAME), ModelName::Pentium3, dir.path());
    assert!(made > 10, "{made} made");
    assert_eq!(fs::read_dir(dir.path()).expect("the folder").count(), 2);
    assert!(said().is_empty());
}

#[test]
fn a_file_that_cannot_be_used_is_ignored_with_one_line_and_written_anew() {
    if is_missing() {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    run(rom(NAME), ModelName::Pentium4, dir.path());
    let path = file(dir.path());
    let good = fs::read(&path).expect("the file");
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let longer = [&good[..], b"x"].concat();
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("empty", Vec::new(), "no file of translations"),
        ("text", b"translations\n".repeat(100), "no file of translations"),
        ("its beginning", good[..60].to_vec(), "no file of translations"),
        ("cut", good[..good.len() - 1].to_vec(), "where its header says"),
        ("longer", longer, "where its header says"),
        ("magic", flipped(3), "no file of translations"),
        ("key", flipped(30), "another build"),
        ("length", flipped(57), "where its header says"),
        ("length beyond all", flipped(63), "where its header says"),
        ("checksum", flipped(80), "damaged"),
        ("first record", flipped(200), "damaged"),
        ("a record", flipped(good.len() / 2), "damaged"),
        ("index", flipped(good.len() - 2), "damaged"),
    ];
    for (name, bytes, want) in cases {
        fs::write(&path, bytes).expect("the file can be written");
        let (made, _) = run(rom(NAME), ModelName::Pentium4, dir.path());
        assert!(made > 10, "{name}: {made} made");
        let lines = said();
        assert!(lines.len() == 1 && lines[0].contains(want) && !lines[0].contains('\n'), "{name}: {lines:?}");
        let (made, found) = run(rom(NAME), ModelName::Pentium4, dir.path());
        assert!(made == 0 && found > 10 && said().is_empty(), "{name}: {made} made, {found} found");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_is_not_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    if is_missing() {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    run(rom(NAME), ModelName::Pentium4, dir.path());
    fs::set_permissions(file(dir.path()), fs::Permissions::from_mode(0o666)).expect("the file is ours");
    let (made, _) = run(rom(NAME), ModelName::Pentium4, dir.path());
    let lines = said();
    assert!(made > 10 && lines.len() == 1 && lines[0].contains("others"), "{made} made, {lines:?}");
    let (made, _) = run(rom(NAME), ModelName::Pentium4, dir.path());
    assert_eq!(made, 0);
}

#[test]
fn runs_at_the_same_time_lose_nothing_of_each_other() {
    if is_missing() {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let names = [NAME, "hot/events32", "code/selfmod", NAME];
    std::thread::scope(|s| {
        for name in names {
            let dir = dir.path();
            s.spawn(move || run(rom(name), ModelName::Pentium4, dir));
        }
    });
    file(dir.path());
    // At most what was written between another's look and its own writing is missing.
    let made: u64 = names.iter().map(|name| run(rom(name), ModelName::Pentium4, dir.path()).0).sum();
    let again: u64 = names.iter().map(|name| run(rom(name), ModelName::Pentium4, dir.path()).0).sum();
    assert!(again == 0 && said().is_empty(), "{made} made, then {again}");
}

#[test]
fn a_folder_that_goes_away_is_said_once_and_the_run_goes_on() {
    if is_missing() {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let gone = dir.path().join("gone");
    let (made, _) = run(rom(NAME), ModelName::Pentium4, &gone);
    let lines = said();
    assert!(made > 10 && lines.len() == 1 && lines[0].contains("not kept"), "{lines:?}");
}

#[test]
#[ignore = "every block is translated before it runs, twice: minutes"]
fn every_rom_ends_as_it_should_on_kept_translations() {
    if is_missing() {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let wanted = std::env::var("ROM").unwrap_or_default();
    let path = dir.path();
    rig::for_all(&wanted, |rom, model| {
        // Those of one processor share a file, and find each other's.
        for _ in 0..2 {
            rig::check(rom, model, &|| jit(&config(path)))?;
        }
        Ok(())
    });
    assert!(said().is_empty());
}
