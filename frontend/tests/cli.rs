//! The `ferrite` command from outside: wrong input gives one line that names what, where and what would be right.

use std::path::Path;
use std::process::{Command, Output};

fn ferrite(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrite"));
    command.args(args).stdin(std::process::Stdio::null());
    command.output().expect("the command starts")
}

/// That `args` end with `status`, nothing on standard output and one line on standard error that holds each of `want`.
fn refused(args: &[&str], status: i32, want: &[&str]) {
    let out = ferrite(args);
    let (text, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!((out.status.code(), &*text), (Some(status), ""), "{args:?}: {errors}");
    assert!(errors.starts_with("error: ") && errors.lines().count() == 1, "{args:?}: {errors}");
    for w in want {
        assert!(errors.contains(w), "{args:?}: no `{w}` in: {errors}");
    }
}

/// A file with these bytes, and its path as text.
fn file(dir: &Path, name: &str, bytes: &[u8]) -> String {
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("a file in the temporary folder");
    path.to_str().expect("a temporary folder has a plain name").to_owned()
}

#[test]
fn values_that_are_none_are_refused_with_what_would_be_right() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["-m", "many"], &["many", "--memory", "64M or 1G"]),
        (&["--machine", "xt"], &["--machine", "xt", "isapc"]),
        (&["-m", "0"], &["--memory", "needs some memory"]),
        (&["-m", "99999999G"], &["--memory", "at most"]),
        (&["--cpu", "pentium9"], &["pentium9", "--cpu", "pentium3", "x86-64-v2", "max"]),
        (&["--cpu", "pentium3,+nothing"], &["pentium3", "nothing"]),
        (&["--clock", "fast"], &["--clock", "virtual=MIPS or host"]),
        (&["--serial", "tcp:x"], &["--serial", "tcp:HOST:PORT"]),
        (&["--drive", "file=/dev/null,if=scsi"], &["--drive", "if=scsi", "if=ide"]),
        (&["--drive", "if=ide"], &["--drive", "file=PATH"]),
        (&["--save-at", "5"], &["--save-at", "INSNS:FILE"]),
        (&["--limit-time=-1"], &["--limit-time", "seconds"]),
        (&["--limit-insns", "soon"], &["soon", "--limit-insns"]),
        (&["--initrd", "x"], &["--initrd", "only with --kernel"]),
        (&["--smp", "2"], &["--smp 2", "one CPU"]),
        (&["--memroy", "64M"], &["--memroy"]),
    ];
    for (args, want) in cases {
        refused(&[&["run"], *args].concat(), 2, want);
    }
}

#[test]
fn files_that_are_missing_are_named_with_their_option() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let gone = dir.path().join("gone");
    let gone = gone.to_str().expect("a temporary folder has a plain name");
    let other = file(dir.path(), "other", b"anything");
    refused(&["run", "--kernel", &other, "--initrd", gone], 4, &["--initrd", gone]);
    refused(&["run", "--hda", gone], 4, &["--hda", gone]);
    refused(&["run", "--kernel", gone], 4, &["--kernel", gone, "No such file"]);
    refused(&["run", gone], 4, &["machine description", gone]);
    refused(&["test", gone], 4, &[gone, "No such file"]);
    let folder = dir.path().to_str().expect("a temporary folder has a plain name");
    refused(&["run", "--hda", folder], 4, &["--hda", "directory"]);
}

#[test]
fn files_that_are_something_else_are_refused_with_what_they_should_be() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let text = file(dir.path(), "text", b"hello\n");
    let empty = file(dir.path(), "empty", b"");
    for kernel in [&text, &empty] {
        refused(&["run", "--kernel", kernel], 2, &["--kernel", kernel, "bzImage", "multiboot"]);
    }
    // a Linux header, and then the end: "HdrS" at 202h under the boot signature
    let mut cut = vec![0; 0x210];
    cut[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    cut[0x202..0x206].copy_from_slice(b"HdrS");
    let cut = file(dir.path(), "cut", &cut);
    refused(&["run", "--kernel", &cut], 2, &["--kernel", &cut]);
    refused(&["run", &text], 2, &[&text, "line 1, column"]);
    let binary = file(dir.path(), "binary", &[b'a', 0xff]);
    refused(&["run", &binary], 2, &[&binary, "byte 1", "UTF-8"]);
    refused(&["test", &text], 2, &[&text, "offset 0", "MOO"]);
}

#[test]
fn the_demonstration_runs_to_its_end_and_limits_end_it_before() {
    let out = ferrite(&["run", "--display", "none"]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(String::from_utf8_lossy(&out.stdout).contains("all well"));
    let limited = ferrite(&["run", "--limit-insns", "1000", "--state-hash", "--stats", "-"]);
    assert_eq!(limited.status.code(), Some(124));
    let stats: serde_json::Value = {
        let text = String::from_utf8_lossy(&limited.stdout).into_owned();
        serde_json::from_str(&text[text.find('{').expect("statistics")..]).expect("JSON")
    };
    assert_eq!((&stats["instructions"], &stats["end"]), (&1000.into(), &"limit".into()));
    assert!(String::from_utf8_lossy(&limited.stderr).starts_with("state hash "));
}

#[test]
fn firmware_of_the_wrong_size_is_named_with_what_would_be_right() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let odd = file(dir.path(), "odd.bin", &[0x90; 5000]);
    let rom = file(dir.path(), "rom.bin", &[0xf4; 0x1_0000]);
    let empty = file(dir.path(), "empty.bin", b"");
    refused(&["run", "--bios", &odd], 4, &["--bios", &odd, "5000", "4096"]);
    refused(&["run", "--bios", &empty], 4, &["--bios", &empty, "4096"]);
    refused(&["run", "--bios", &rom, "--vgabios", &odd], 4, &["--vgabios", &odd, "5000", "512"]);
    refused(&["run", "--bios", &rom, "--vgabios", &rom], 4, &["--vgabios", &rom, "55 aa"]);
}
