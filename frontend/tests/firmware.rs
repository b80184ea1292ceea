//! The built-in firmware as a guest meets it: what it starts, what it says of the machine, what a reset comes to.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A floppy disk that begins with `code`, at 0000:7C00.
fn floppy(dir: &TempDir, code: &[u8], signature: bool) -> String {
    let mut image = vec![0; 360 << 10];
    image[..code.len()].copy_from_slice(code);
    if signature {
        image[510..512].copy_from_slice(&[0x55, 0xaa]);
    }
    let path = dir.path().join("floppy");
    std::fs::write(&path, image).expect("a file in the temporary folder");
    plain(&path)
}

fn plain(path: &Path) -> String {
    path.to_str().expect("a temporary folder has a plain name").to_owned()
}

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrite"));
    command.args(["run", "--display", "none", "--limit-time", "20"]).args(args).stdin(Stdio::null());
    command.output().expect("the command starts")
}

/// Status, and how the run ended.
fn ends(floppy: &str, more: &[&str]) -> (Option<i32>, String) {
    let out = run(&[&["--fda", floppy, "--stats", "-"], more].concat());
    let stats: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap_or_default();
    (out.status.code(), stats["end"].as_str().unwrap_or_default().to_owned())
}

/// `mov al, 'k'; out E9h, al; jmp $`, behind a jump over where a file system's parameters would be.
const SAY_K: [u8; 8] = [0xeb, 0x00, 0xb0, b'k', 0xe6, 0xe9, 0xeb, 0xfe];

#[test]
fn a_floppy_needs_no_signature_where_it_begins_like_a_program() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (board, cpu) in [("pc", "max"), ("isapc", "8086")] {
        for signature in [false, true] {
            let image = floppy(&dir, &SAY_K, signature);
            let said = plain(&dir.path().join("said"));
            let args = ["--machine", board, "--cpu", cpu, "--fda", &image, "--debugcon", &format!("file:{said}")];
            run(&[&args[..], &["--limit-insns", "5000000"]].concat());
            assert_eq!(std::fs::read(&said).expect("it is there"), b"k", "{board}, signature: {signature}");
        }
    }
}

/// The AT's rule, BOOT_STRAP_1 of its ROM BIOS listing: a first byte of 06h or more, and nine first words that are not all alike.
#[test]
fn a_floppy_without_signature_is_judged_by_its_first_byte_and_its_first_nine_words() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let said = plain(&dir.path().join("said"));
    let behind = |first: &[u8]| [first, &SAY_K[..]].concat();
    // `push es; pop es`, `add ax, 0690h`, and a slide of NOPs
    let (least, below, slide) =
        (behind(&[0x06, 0x07]), behind(&[0x05, 0x90, 0x06]), |words: usize| behind(&vec![0x90; 2 * words]));
    for (code, signature, runs) in [
        (&least, false, true),
        (&below, false, false),
        (&below, true, true),
        (&slide(8), false, true),
        (&slide(9), false, false),
        (&slide(9), true, true),
    ] {
        let image = floppy(&dir, code, signature);
        run(&["--fda", &image, "--debugcon", &format!("file:{said}"), "--limit-insns", "5000000"]);
        let expected: &[u8] = if runs { b"k" } else { b"" };
        assert_eq!(std::fs::read(&said).expect("it is there"), expected, "{code:x?}, signature: {signature}");
    }
}

#[test]
fn a_floppy_without_program_and_signature_is_passed_over() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let alike = [[0x12, 0x34].repeat(9), b"ends here".to_vec()].concat();
    let low = [0x05, 0xeb, 0xfe];
    for code in [&alike[..], &low] {
        let image = floppy(&dir, code, false);
        let out = run(&["--fda", &image, "--until-screen", "not bootable: no signature"]);
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    }
    let image = floppy(&dir, &[], false);
    assert_eq!(run(&["--fda", &image, "--until-screen", "no program in the boot sector"]).status.code(), Some(0));
}

#[test]
fn a_reset_of_the_processor_alone_becomes_one_of_the_machine() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    // 8042: pulse RESET; port 92h: bit 0; a jump to the reset vector; a triple fault is a reset of its own.
    let ways: [&[u8]; 3] = [
        &[0xb0, 0xfe, 0xe6, 0x64, 0xeb, 0xfe],
        &[0xe4, 0x92, 0x0c, 0x01, 0xe6, 0x92, 0xeb, 0xfe],
        &[0xea, 0xf0, 0xff, 0x00, 0xf0],
    ];
    for code in ways {
        let image = floppy(&dir, code, true);
        assert_eq!(ends(&image, &["--no-reboot"]), (Some(0), "reset".to_owned()), "{code:x?}");
    }
}

#[test]
fn a_program_that_left_a_shutdown_status_comes_back_from_a_reset_of_the_processor() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    // 40:67 = 0000:back; CMOS 0Fh = 0Ah; pulse RESET. back: `mov al, 2; out F4h, al`.
    let code = [
        0x31, 0xc0, 0x8e, 0xd8, 0xc7, 0x06, 0x67, 0x04, 0x1c, 0x7c, 0xa3, 0x69, 0x04, 0xb0, 0x8f, 0xe6, 0x70, 0xb0,
        0x0a, 0xe6, 0x71, 0xb0, 0xfe, 0xe6, 0x64, 0xeb, 0xfe, 0x90, 0xb0, 0x02, 0xe6, 0xf4, 0xeb, 0xfe,
    ];
    let image = floppy(&dir, &code, true);
    assert_eq!(ends(&image, &["--no-reboot", "--debug-exit"]), (Some(5), "debug-exit".to_owned()));
}

#[test]
fn an_8086_is_told_of_no_memory_that_it_cannot_reach() {
    for (cpu, extended) in [("8086", " 0 KiB extended"), ("80286", " 15360 KiB extended")] {
        let shown = run(&["--machine", "isapc", "--cpu", cpu, "-m", "16M", "--until-screen", extended]);
        assert_eq!(shown.status.code(), Some(0), "{cpu}");
    }
}

#[test]
fn firmware_that_looks_for_a_log_finds_one() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let said = plain(&dir.path().join("said"));
    // `mov dx, 402h; in al, dx; out dx, al; jmp $`: SeaBIOS logs where the port reads E9h.
    let image = floppy(&dir, &[0xba, 0x02, 0x04, 0xec, 0xee, 0xeb, 0xfe], true);
    run(&["--fda", &image, "--firmware-log", &format!("file:{said}"), "--limit-insns", "5000000"]);
    assert_eq!(std::fs::read(&said).expect("it is there"), [0xe9]);
}

#[test]
fn text_in_a_graphics_mode_is_found_on_the_screen() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (mode, colour) in [(0x04, 3), (0x06, 1), (0x0d, 14), (0x10, 14), (0x12, 14), (0x13, 40)] {
        // `mov ax, mode; int 10h; mov si, text; next: lodsb; mov ah, 0Eh; mov bx, colour; int 10h; loop next; jmp $`
        let code = [
            &[0x31, 0xc0, 0x8e, 0xd8, 0xb8, mode, 0x00, 0xcd, 0x10, 0xbe, 0x1d, 0x7c, 0xb9, 0x0c, 0x00][..],
            &[0xac, 0xb4, 0x0e, 0xbb, colour, 0x00, 0xcd, 0x10, 0xe2, 0xf6, 0xeb, 0xfe, 0x90, 0x90],
            b"\r\nSign: #42!",
        ]
        .concat();
        let image = floppy(&dir, &code, true);
        let out = run(&["--fda", &image, "--until-screen", "Sign: #42!"]);
        assert_eq!(out.status.code(), Some(0), "mode {mode:x}: {}", String::from_utf8_lossy(&out.stderr));
    }
}
