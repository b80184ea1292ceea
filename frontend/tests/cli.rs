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
        (&["--drive", "file=x,if=floppy,index=2"], &["--drive", "index=2", "0 or 1"]),
        (&["--drive", "file=x,format=qcow2"], &["--drive", "format=qcow2", "format=raw"]),
        (&["--boot", "x"], &["--boot", "c (disk)"]),
        (&["--boot", "aa"], &["--boot", "each once"]),
        (&["--display", "gtk"], &["--display", "none"]),
        (&["--display", "vnc=:1"], &["--display", "not in this build", "none"]),
        (&["--until-screen", ""], &["--until-screen", "empty"]),
        (&["--until-serial", ""], &["--until-serial", "empty"]),
        (&["--drive", "if=ide"], &["--drive", "file=PATH"]),
        (&["--save-at", "5"], &["--save-at", "INSNS:FILE"]),
        (&["--limit-time=-1"], &["--limit-time", "seconds"]),
        (&["--limit-insns", "soon"], &["soon", "--limit-insns"]),
        (&["--initrd", "x"], &["--initrd", "only with --kernel"]),
        (&["--smp", "2"], &["--smp 2", "one CPU"]),
        (&["--memroy", "64M"], &["--memroy"]),
        (&["--accel", "fast"], &["--accel", "auto, jit, interp or kvm"]),
        (&["--accel", "interp", "--lockstep"], &["--lockstep", "--accel interp"]),
        (&["--accel", "kvm", "--lockstep"], &["--lockstep", "--accel kvm"]),
        (&["--accel", "interp", "--perf-map"], &["--perf-map", "only with the JIT"]),
        (&["--accel", "interp", "--code-cache", "8M"], &["--code-cache", "only with the JIT"]),
        (&["--accel", "interp", "--translation-cache", "x"], &["--translation-cache", "only with the JIT"]),
        (&["--accel", "interp", "--dump-translation", "7c00"], &["--dump-translation", "only with the JIT"]),
        (&["--accel", "interp", "--jit-threshold", "5"], &["--jit-threshold", "only with the JIT"]),
        (&["--accel", "interp", "--jit-foreground"], &["--jit-foreground", "only with the JIT"]),
        (&["--code-cache", "4K"], &["--code-cache", "1M to 1024M"]),
        (&["--code-cache", "2G"], &["--code-cache", "1M to 1024M"]),
        (&["--jit-threshold", "0"], &["--jit-threshold"]),
        (&["--dump-translation", "c010:0"], &["--dump-translation", "hexadecimal"]),
        (&["--dump-translation", ""], &["--dump-translation", "hexadecimal"]),
        (&["--dump-translation", "zz"], &["--dump-translation", "hexadecimal"]),
        (&["--dump-translation", "12345678123456789"], &["--dump-translation", "hexadecimal"]),
        (&["--code-cache", "all"], &["--code-cache", "64M"]),
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
    refused(
        &["run", "--accel", "jit", "--translation-cache", &format!("{other}/x")],
        4,
        &["--translation-cache", &other],
    );
    refused(&["run", "--accel", "jit", "--translation-cache", &other], 4, &["--translation-cache", &other]);
    if cfg!(target_os = "linux") {
        // Nobody can make a file there.
        refused(
            &["run", "--accel", "jit", "--translation-cache", "/proc/self"],
            4,
            &["--translation-cache", "/proc/self"],
        );
    }
    refused(&["run", "--accel", "kvm"], 4, &["--accel kvm", "interp or auto"]);
    refused(&["test", "--accel", "kvm", gone], 4, &["--accel kvm"]);
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
    assert!(String::from_utf8_lossy(&out.stdout).ends_with("ferrite> "), "up to its prompt");
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
fn a_script_types_into_the_demonstration_and_every_run_is_the_same() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let png = dir.path().join("a.png");
    let script = format!(
        "wait screen \"ferrite> \" timeout 10\ntype \"help me, Q~|?\\n\"\nwait screen \"ferrite> help me, Q~|?\"\n\
         wait still 0.2\nscreenshot \"{}\"\nexit 3\n",
        png.to_str().expect("a temporary folder has a plain name")
    );
    let script = file(dir.path(), "script", script.as_bytes());
    let run = |more: &[&str]| {
        let out = ferrite(&[&["run", "--display", "none", "--script", &script, "--state-hash"], more].concat());
        assert_eq!(out.status.code(), Some(3), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    let first = run(&[]);
    assert!(first.starts_with("state hash "));
    let save = format!("777777:{}", dir.path().join("s").to_str().expect("plain"));
    assert_eq!(run(&["--save-at", &save]), first, "whatever else stops the machine");
    let picture = png::Decoder::new(std::io::Cursor::new(std::fs::read(&png).expect("a screenshot"))).read_info();
    let info = picture.as_ref().map(|r| (r.info().width, r.info().height)).expect("a PNG");
    assert_eq!(info, (720, 400));
    let until = ferrite(&["run", "--display", "none", "--until-screen", "ferrite> ", "--dump-screen", "-"]);
    let text = String::from_utf8_lossy(&until.stdout).into_owned();
    assert!(until.status.code() == Some(0) && text.lines().any(|l| l == "ferrite>"), "{text}");
}

/// 64 KiB of firmware that is entered at its beginning.
fn firmware(code: &[u8]) -> Vec<u8> {
    let mut rom = vec![0xf4; 0x1_0000];
    rom[..code.len()].copy_from_slice(code);
    rom[0xfff0..0xfff5].copy_from_slice(&[0xea, 0x00, 0x00, 0x00, 0xf0]); // jmp F000:0
    rom
}

/// `mov dx, 3F8h; mov al, 'k'; out dx, al; jmp $`
const SAY_K: [u8; 8] = [0xba, 0xf8, 0x03, 0xb0, b'k', 0xee, 0xeb, 0xfe];

#[test]
fn images_that_cannot_be_used_are_named_with_the_reason() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let f = |name: &str, len: usize| file(dir.path(), name, &vec![0; len]);
    let (empty, odd, huge, good) = (f("empty", 0), f("odd", 1000), f("huge", 4 << 20), f("good", 1 << 20));
    let folder = dir.path().to_str().expect("a temporary folder has a plain name");
    for option in ["--fda", "--fdb", "--cdrom", "--hda", "--hdd"] {
        refused(&["run", option, folder], 4, &[option, folder, "directory"]);
        refused(&["run", option, &empty], 4, &[option, &empty, "empty"]);
        refused(&["run", option, "/dev/null"], 4, &[option, "/dev/null", "no file"]);
        refused(&["run", option, "gone"], 4, &[option, "gone", "No such file"]);
    }
    for option in ["--fda", "--hda"] {
        refused(&["run", option, &odd], 4, &[option, &odd, "1000 bytes", "512", "--disposable"]);
    }
    refused(&["run", "--fda", &huge], 4, &["--fda", &huge, "1.44M", "2.88M"]);
    refused(&["run", "--hda", &good, "--hdb", &good], 2, &["--hdb", &good, "same file as --hda"]);
    refused(&["run", "--hdc", &good, "--cdrom", &odd], 2, &["--cdrom", "--hdc", "IDE position 2"]);
    let full = format!("file={odd},index=1");
    refused(&["run", "--hdb", &good, "--drive", &full], 2, &["--drive", "--hdb already", "position 1"]);
    let packed = file(dir.path(), "packed", b"\x1f\x8b\x08 and so on");
    refused(&["run", "--hda", &packed, "--disposable"], 4, &["--hda", &packed, "gzip", "raw"]);
}

#[test]
fn an_image_that_says_it_is_longer_is_truncated() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut iso = vec![0; 17 * 2048];
    iso[16 * 2048..][..7].copy_from_slice(b"\x01CD001\x01");
    iso[16 * 2048 + 80..][..4].copy_from_slice(&1000u32.to_le_bytes());
    iso[16 * 2048 + 128..][..2].copy_from_slice(&2048u16.to_le_bytes());
    let iso = file(dir.path(), "iso", &iso);
    refused(&["run", "--cdrom", &iso], 4, &["--cdrom", &iso, "truncated", "ISO 9660", "34816"]);
}

#[test]
fn an_image_in_use_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let image = file(dir.path(), "image", &[0; 1024]);
    let held = std::fs::File::open(&image).expect("it is there");
    held.lock().expect("nobody else has it");
    refused(&["run", "--hda", &image], 4, &["--hda", &image, "in use", "locked"]);
    refused(&["run", "--cdrom", &image], 4, &["--cdrom", &image, "locked"]);
    held.unlock().expect("it was locked");
    held.lock_shared().expect("nobody else has it");
    refused(&["run", "--hda", &image], 4, &["--hda", &image, "in use"]);
    let rom = file(dir.path(), "rom", &firmware(&SAY_K));
    let shared = ferrite(&["run", "--bios", &rom, "--hda", &image, "--disposable", "--limit-insns", "10"]);
    assert_eq!(shared.status.code(), Some(124), "{}", String::from_utf8_lossy(&shared.stderr));
}

#[cfg(unix)]
#[test]
fn a_read_only_image_needs_disposable() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut image = file(dir.path(), "image", &[0; 1024]);
    std::fs::set_permissions(&image, PermissionsExt::from_mode(0o444)).expect("it is ours");
    let denied = |image: &str| std::fs::OpenOptions::new().write(true).open(image).is_err();
    if !denied(&image) {
        // The superuser may write every file but those that the kernel makes up and takes no writes for.
        image = "/sys/devices/system/cpu/online".to_owned();
        if std::fs::File::open(&image).is_err() || !denied(&image) {
            println!("skipped: this user may write everything");
            return;
        }
    }
    refused(&["run", "--hda", &image], 4, &["--hda", &image, "read-only", "--disposable"]);
}

#[test]
fn scripts_are_refused_before_the_machine_runs() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let cases: &[(&str, &[&str])] = &[
        ("wait time 1\nwiat screen x\n", &[":2: ", "unknown word `wiat`", "wait, timeout"]),
        ("type \"open\n", &[":1: ", "closing"]),
        ("key ctrl-foo", &[":1: ", "no key `foo`"]),
        ("insert fdx a", &[":1: ", "no drive `fdx`", "fda"]),
    ];
    for (text, want) in cases {
        let script = file(dir.path(), "script", text.as_bytes());
        refused(&["run", "--script", &script], 2, &[&["--script", &*script][..], want].concat());
    }
    let binary = file(dir.path(), "binary", &[b'a', 0xff]);
    refused(&["run", "--script", &binary], 2, &["--script", &binary, "byte 1", "UTF-8"]);
    refused(&["run", "--script", "gone"], 4, &["--script gone", "No such file"]);
}

#[test]
fn a_script_ends_the_run_with_its_status_or_says_what_did_not_come() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let rom = file(dir.path(), "rom", &firmware(&SAY_K));
    let run = |text: &str| {
        let script = file(dir.path(), "script", text.as_bytes());
        let out = ferrite(&["run", "--bios", &rom, "--display", "none", "--script", &script]);
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    assert_eq!(run("wait serial k timeout 1\nlog \"it came\"\nexit 7\n"), (Some(7), "it came\n".to_owned()));
    let (status, text) = run("wait serial z timeout 0.1\n");
    assert_eq!((status, text.lines().count()), (Some(124), 1), "{text}");
    assert!(
        text.starts_with("error: ") && text.contains("script:1: wait serial z") && text.contains("0.1 s"),
        "{text}"
    );
    let (status, text) = run("eject cdrom\n");
    assert!(status == Some(2) && text.contains("script:1: eject cdrom") && text.contains("no drive"), "{text}");
    let (status, text) = run("insert fda gone\n");
    assert!(status == Some(4) && text.contains("script:1: fda gone: No such file"), "{text}");
}

/// Writes A5h 5Ah to sector 5 of the primary master through its ports, flushes, says `!` and stops there:
/// 1F6h = E0h, 1F2h = 1, 1F3h = 5, 1F4h = 1F5h = 0, WRITE SECTORS, 256 words, FLUSH CACHE.
#[cfg(unix)]
const WRITE_A_SECTOR: [u8; 71] = [
    0xba, 0xf6, 0x01, 0xb0, 0xe0, 0xee, 0xba, 0xf2, 0x01, 0xb0, 0x01, 0xee, 0x42, 0xb0, 0x05, 0xee, 0x42, 0x30, 0xc0,
    0xee, 0x42, 0xee, 0xba, 0xf7, 0x01, 0xb0, 0x30, 0xee, 0xec, 0xa8, 0x80, 0x75, 0xfb, 0xa8, 0x08, 0x74, 0xf7, 0xba,
    0xf0, 0x01, 0xb9, 0x00, 0x01, 0xb8, 0xa5, 0x5a, 0xef, 0xe2, 0xfd, 0xba, 0xf7, 0x01, 0xec, 0xa8, 0x80, 0x75, 0xfb,
    0xb0, 0xe7, 0xee, 0xec, 0xa8, 0x80, 0x75, 0xfb, 0xb0, b'!', 0xe6, 0xe9, 0xeb, 0xfe,
];

#[cfg(unix)]
#[test]
fn what_the_guest_flushed_is_in_the_file_when_the_emulator_is_killed() {
    use std::io::Read;
    let dir = tempfile::tempdir().expect("a temporary folder");
    let rom = file(dir.path(), "rom", &firmware(&WRITE_A_SECTOR));
    let image = file(dir.path(), "image", &[0; 16 * 512]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_ferrite"))
        .args(["run", "--machine", "isapc", "--bios", &rom, "--hda", &image, "--debugcon", "stdio"])
        .args(["--display", "none", "--limit-time", "600"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut said = [0];
    child.stdout.take().expect("it is piped").read_exact(&mut said).expect("it says something");
    child.kill().expect("it runs");
    child.wait().expect("it ran");
    let bytes = std::fs::read(&image).expect("it is there");
    let want = [vec![0; 5 * 512], [0xa5, 0x5a].repeat(256), vec![0; 10 * 512]].concat();
    assert!(said == *b"!" && bytes == want);
    // And the lock is gone with the process.
    let again = ferrite(&["run", "--bios", &rom, "--hda", &image, "--limit-insns", "10"]);
    assert_eq!(again.status.code(), Some(124));
}

#[test]
fn the_screen_is_written_however_the_run_ends() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let rom = file(dir.path(), "rom", &firmware(&SAY_K));
    let (png, text) = (dir.path().join("a.png"), dir.path().join("a.txt"));
    let (png_name, text_name) = (png.to_str().expect("plain"), text.to_str().expect("plain"));
    for end in [&["--limit-insns", "10"][..], &["--until-serial", "k"], &["--limit-time", "0.01"]] {
        let args = ["run", "--bios", &rom, "--display", "none", "--screenshot", png_name, "--dump-screen", text_name];
        ferrite(&[&args, end].concat());
        let bytes = std::fs::read(&png).expect("a screenshot");
        assert!(bytes.starts_with(b"\x89PNG"), "{end:?}");
        assert!(text.exists(), "{end:?}");
        std::fs::remove_file(&png).and_then(|()| std::fs::remove_file(&text)).expect("they are there");
    }
    let nowhere = dir.path().join("no").join("a.png");
    let nowhere = nowhere.to_str().expect("plain");
    for option in ["--screenshot", "--dump-screen", "--stats"] {
        refused(&["run", "--bios", &rom, option, nowhere], 4, &[option, nowhere, "No such file"]);
    }
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

/// Runs the demonstration for a while on the JIT; gives what is on standard error.
fn demonstration_on_the_jit(more: &[&str]) -> String {
    let plain = ["run", "--accel", "jit", "--jit-threshold", "5", "--jit-foreground", "--display", "none", "-m", "8M"];
    let args = [&plain[..], &["--limit-insns", "3000000"], more].concat();
    let out = ferrite(&args);
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(124), "{args:?}: {errors}");
    errors
}

#[test]
fn kept_translations_are_found_by_the_next_run_and_a_damaged_file_is_ignored_with_one_line() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path().join("new/folder");
    let stats = dir.path().join("stats");
    let (folder_name, stats_name) = (folder.to_string_lossy(), stats.to_string_lossy());
    let run = || {
        let errors =
            demonstration_on_the_jit(&["--translation-cache", &folder_name, "--stats", &stats_name, "--state-hash"]);
        let json = std::fs::read_to_string(&stats).expect("the figures");
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let compiled = json["jit_compiled"].as_u64().expect("the JIT's figures");
        assert!(json["hottest"][0]["address"].is_string() && json["hottest"][0]["instructions"].is_u64(), "{json}");
        (errors, compiled)
    };
    let (first, made) = run();
    assert!(first.starts_with("state hash ") && first.lines().count() == 1 && made > 50, "{first} {made}");
    let (second, again) = run();
    assert!(second == first && again * 10 < made, "{second} {again} of {made}");
    let file = std::fs::read_dir(&folder).expect("the folder").next().expect("a file").expect("an entry").path();
    let mut bytes = std::fs::read(&file).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&file, &bytes).expect("the file can be written");
    let (damaged, anew) = run();
    let lines: Vec<&str> = damaged.lines().collect();
    assert!(
        lines.len() == 2 && lines[0].starts_with("--translation-cache: ") && lines[0].contains("damaged"),
        "{damaged}"
    );
    assert!(first.starts_with(lines[1]) && anew > made / 2, "{damaged} {anew} of {made}");
    let (healed, again) = run();
    assert!(healed == first && again * 10 < made, "{healed} {again} of {made}");
}

#[test]
fn translations_are_shown_on_request_and_where_there_is_none_a_line_says_so() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let stats = dir.path().join("stats");
    demonstration_on_the_jit(&["--stats", &stats.to_string_lossy()]);
    let json = std::fs::read_to_string(&stats).expect("the figures");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let address = json["hottest"][0]["address"].as_str().expect("an address");
    let shown = demonstration_on_the_jit(&["--dump-translation", address, "--dump-translation", "123456"]);
    for part in [&*format!("--dump-translation {address}: region entered at"), "guest code:", "CLIF:", "host code:"] {
        assert!(shown.contains(part), "no `{part}` in: {shown}");
    }
    assert!(
        shown.lines().any(|l| l == "--dump-translation 123456: no translation of the code there was run"),
        "{shown}"
    );
}

/// The host's refusal is a limit on its address space, which code memory of a gibibyte does not fit into.
#[cfg(target_os = "linux")]
#[test]
fn a_host_that_gives_no_code_memory_has_its_line_and_status_4_or_the_interpreter() {
    let run = |accel: &str| {
        let command = format!(
            "ulimit -v 1200000; exec '{}' run --accel {accel} --code-cache 1024M --display none -m 8M --limit-insns 1000",
            env!("CARGO_BIN_EXE_ferrite")
        );
        let out = Command::new("sh").args(["-c", &command]).stdin(std::process::Stdio::null()).output();
        let out = out.expect("the shell starts");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (status, errors) = run("jit");
    assert_eq!((status, errors.lines().count()), (Some(4), 1), "{errors}");
    assert!(errors.starts_with("error: --accel jit: the host refuses executable memory: "), "{errors}");
    let (status, errors) = run("auto");
    assert_eq!(status, Some(124), "{errors}");
    let says_so = errors.lines().count() == 1 && errors.contains("refuses executable memory");
    assert!(errors.is_empty() || says_so && errors.contains("interpreting instead"), "{errors}");
}

/// The state that the demonstration is in after a while, as every engine must have it.
#[test]
fn engines_by_name_end_in_the_same_state_and_so_do_both_at_once() {
    let hash = |more: &[&str]| {
        let args =
            [&["run", "--display", "none", "-m", "8M", "--limit-insns", "300000", "--state-hash"], more].concat();
        let out = ferrite(&args);
        let errors = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(124), "{args:?}: {errors}");
        errors
    };
    let want = hash(&["--accel", "interp"]);
    assert!(want.starts_with("state hash ") && want.lines().count() == 1, "{want}");
    assert_eq!(hash(&["--accel", "jit", "--jit-threshold", "1", "--jit-foreground"]), want);
    assert_eq!(hash(&["--lockstep", "--jit-threshold", "2", "--code-cache", "2M"]), want);
    assert_eq!(hash(&["--accel", "auto"]), want);
}

#[test]
fn what_the_doctor_says_of_the_jit_is_what_asking_for_it_leads_to() {
    let said = String::from_utf8(ferrite(&["doctor"]).stdout).unwrap();
    let has_it = said.lines().any(|l| l.split_whitespace().eq(["JIT", "yes"]));
    assert!(has_it || said.lines().any(|l| l.starts_with("JIT ") && l.contains("no: ")), "{said}");
    let asked = ferrite(&["run", "--accel", "jit", "--display", "none", "--limit-insns", "1"]);
    assert_eq!(asked.status.code(), Some(if has_it { 124 } else { 4 }), "{said}");
}
