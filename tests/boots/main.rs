//! Real guests: Debian's kernels with busybox and with a benchmark of everyday programs, from power-on to power-off.
//!
//! `tests/boots/fetch.sh` puts the images into `.cache/guests`; each test here is ignored until it is asked for with
//! `--ignored`, and says that it did not run where its images are missing. A guest passes when its checksums are those of the
//! same programs on the host's processor, and when it has switched the machine off by itself.

mod media;
mod pace;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The command line of every kernel. The self-tests of ciphers take longer than the rest of the boot.
const APPEND: &str = "console=ttyS0 nokaslr panic=-1 cryptomgr.notests";

/// Instructions after which a small guest is lost. The slowest takes 5,500 million, two thirds of which unpack its kernel.
const SMALL_LIMIT: u64 = 20_000_000_000;

/// Instructions after which the benchmark guest is lost.
const BENCH_LIMIT: u64 = 60_000_000_000;

/// What `init` prints, made with the same busybox on the host's processor.
const SMALL: &[(&str, &str)] = &[
    ("md5", "e071f707df7bbeee2a6a1eb48011ddd0"),
    ("sha256", "f6351f5ead9a700e34275480b3856ea7"),
    ("gzip", "e071f707df7bbeee2a6a1eb48011ddd0"),
    ("sort", "c7345da82422f5bbfb30e41a05540dc3"),
    ("awk", "36788.440738622"),
    ("dc", "1606938044259505653062694103672199063651968615055494942823377"),
];

/// The benchmark guest's workloads at a twentieth of their size, in a chroot on the host's processor. Two more depend on
/// the architecture or on the image: `awkfp`, which sums in 80 bits on i386, and `rsa_int`, which signs with a key of its own.
const BENCH: &[(&str, &str)] = &[
    ("sha_int", "dd77a80e"),
    ("sha_sse", "dd77a80e"),
    ("aes_int", "150b180d"),
    ("aes_sse", "150b180d"),
    ("xz", "e28ac246"),
    ("xzd", "8878a3e7"),
    ("7z", "7z-ok"),
    ("bzip2", "fa82f688"),
    ("gzip", "8878a3e7"),
    ("sort", "34946207"),
    ("grep", "5758"),
    ("python", "f2a87b40"),
    ("pyfloat", "32.107"),
    ("perl", "5577984 810612191"),
    ("sqlite", "5ec6987b"),
    ("bc", "abcadea3"),
    ("forkexec", "ok"),
    ("fork", "ok"),
    ("syscall", "ok"),
    ("pipe", "ok"),
    ("memcpy", "ok"),
    ("par2", "7dd40213"),
];

/// A guest's files.
struct Guest {
    kernel: PathBuf,
    initrd: PathBuf,
}

/// The guest, or nothing where an image or time is missing, which is said.
fn guest(kernel: &str, initrd: &str) -> Option<Guest> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/guests");
    let guest = Guest { kernel: dir.join(kernel), initrd: dir.join(initrd) };
    for file in [&guest.kernel, &guest.initrd] {
        if !file.is_file() {
            pace::not_run(&format!("no {} (tests/boots/fetch.sh makes it)", file.display()));
            return None;
        }
    }
    pace::may_start().then_some(guest)
}

/// A run that has ended.
struct Run {
    serial: String,
    errors: String,
    status: Option<i32>,
    /// `--stats`.
    stats: serde_json::Value,
}

impl Run {
    fn of(output: Output, dir: &TempDir) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\r', "");
        let stats = std::fs::read(dir.path().join("stats")).unwrap_or_default();
        Self {
            serial: text(output.stdout),
            errors: text(output.stderr),
            status: output.status.code(),
            stats: serde_json::from_slice(&stats).unwrap_or_default(),
        }
    }

    /// The last lines of the serial line, for a failure's message.
    fn tail(&self) -> String {
        let lines: Vec<&str> = self.serial.lines().collect();
        let last = &lines[lines.len().saturating_sub(30)..];
        format!("{}\n{}status {:?}, {}", last.join("\n"), self.errors, self.status, self.stats)
    }

    /// That a line of the guest's is exactly `want`.
    fn line(&self, want: &str) {
        assert!(self.serial.lines().any(|l| l == want), "no line `{want}`:\n{}", self.tail());
    }

    /// That the guest switched the machine off.
    fn powered_off(&self) {
        assert_eq!((self.status, &self.stats["end"]), (Some(0), &"power-off".into()), "{}", self.tail());
    }

    /// The complete state's hash.
    fn hash(&self) -> &str {
        let hash = self.errors.lines().find_map(|l| l.strip_prefix("state hash "));
        hash.unwrap_or_else(|| panic!("no state hash:\n{}", self.tail()))
    }
}

/// Adds the engine that the environment asks for, unless `more` names one.
fn engine(command: &mut Command, more: &[&str]) {
    if more.iter().any(|a| ["--accel", "--lockstep"].contains(a)) {
        return;
    }
    match std::env::var("FERRITE_ACCEL").unwrap_or_default().as_str() {
        "" => {}
        "lockstep" => {
            command.arg("--lockstep");
        }
        accel => {
            command.args(["--accel", accel]);
        }
    }
}

/// Runs `guest` on `cpu`; nothing when time runs out, which is said.
fn run(guest: &Guest, cpu: &str, append: &str, limit: u64, more: &[&str]) -> Option<Run> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrite"));
    command.arg("run").arg("--kernel").arg(&guest.kernel).arg("--initrd").arg(&guest.initrd);
    command.arg("--append").arg(format!("{APPEND} {append}")).args(["--cpu", cpu, "-m", "512M"]);
    command.args(["--display", "none", "--serial", "stdio", "--no-reboot"]);
    command.arg("--limit-insns").arg(limit.to_string()).args(["--limit-time", "1000"]);
    command.arg("--stats").arg(dir.path().join("stats")).args(more);
    engine(&mut command, more);
    let run = Run::of(pace::output(&mut command)?, &dir);
    let name = guest.kernel.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/guests"));
    let name = name.unwrap_or(&guest.kernel).display();
    println!("{name} on {cpu}: {} instructions, {} s", run.stats["instructions"], run.stats["host_seconds"]);
    Some(run)
}

/// Boots busybox.
fn small(kernel: &str, cpu: &str, machine: &str, append: &str) {
    small_with(kernel, cpu, machine, append, &[]);
}

/// The same with more options.
fn small_with(kernel: &str, cpu: &str, machine: &str, append: &str, more: &[&str]) {
    let arch = kernel.split('/').next().unwrap_or_default();
    let Some(guest) = guest(kernel, &format!("{arch}/small.cpio.gz")) else { return };
    let Some(run) = run(&guest, cpu, append, SMALL_LIMIT, more) else { return };
    run.line("USERSPACE");
    run.line(machine);
    for (name, value) in SMALL {
        run.line(&format!("SUM {name} {value}"));
    }
    run.line("DONE");
    run.powered_off();
}

/// Runs every workload of the benchmark guest; `own` are the results that this architecture or CPU has for itself.
fn bench(arch: &str, vmlinuz: &str, cpu: &str, own: &[(&'static str, &'static str)]) {
    bench_with(arch, vmlinuz, cpu, own, &[]);
}

/// The same with more options.
fn bench_with(arch: &str, vmlinuz: &str, cpu: &str, own: &[(&'static str, &'static str)], more: &[&str]) {
    let kernel = format!("bench/{arch}/{vmlinuz}");
    let Some(guest) = guest(&kernel, &format!("bench/{arch}/bench.cpio.gz")) else { return };
    let Some(run) = run(&guest, cpu, "mitigations=off DIV=20", BENCH_LIMIT, more) else { return };
    // `BENCH name seconds checksum`, where the seconds are the guest's
    let results: BTreeMap<&str, &str> = run
        .serial
        .lines()
        .filter_map(|l| l.strip_prefix("BENCH ")?.split_once(' '))
        .filter_map(|(name, rest)| Some((name, rest.split_once(' ')?.1)))
        .collect();
    let mut wrong = Vec::new();
    let mut expected: BTreeMap<&str, &str> = BENCH.iter().copied().collect();
    expected.extend(own.iter().copied());
    for (name, value) in &expected {
        if results.get(name) != Some(value) {
            wrong.push(format!("{name}: {:?}, {value} natively", results.get(name)));
        }
    }
    // one signature of the key file itself, which is what the workload does at this size
    let key = guest.initrd.with_file_name("root/data/key.pem");
    match signature(&key) {
        Some(sum) if results.get("rsa_int") != Some(&sum.as_str()) => {
            wrong.push(format!("rsa_int: {:?}, {sum} natively", results.get("rsa_int")));
        }
        Some(_) => {}
        None => println!("rsa_int not compared: no {}, or no openssl", key.display()),
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), run.tail());
    run.line("BENCH-DONE");
    run.powered_off();
}

/// The first eight digits of the MD5 of `key` signed with itself, by the host's programs.
fn signature(key: &Path) -> Option<String> {
    let script = "openssl dgst -sha256 -sign \"$0\" \"$0\" | md5sum | cut -c1-8";
    let out = Command::new("sh").args(["-c", script]).arg(key).output().ok()?;
    let sum = String::from_utf8(out.stdout).ok()?.trim().to_owned();
    let good = key.is_file() && Command::new("openssl").arg("version").output().is_ok_and(|o| o.status.success());
    good.then_some(sum)
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn i386_686_boots_on_a_pentium_iii() {
    small("i386/vmlinuz", "pentium3", "i686", "mitigations=off");
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn i386_pae_boots_on_a_pentium_4() {
    small("i386/vmlinuz2", "pentium4", "i686", "mitigations=off");
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn i386_pae_boots_on_everything_there_is_with_its_mitigations() {
    small("i386/vmlinuz2", "max", "i686", "");
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn i386_rt_boots_on_a_pentium_4() {
    small("i386/vmlinuz3", "pentium4", "i686", "mitigations=off");
}

/// The MD5 of the first `sectors` of a file, or of all of it, by the host's program.
fn md5(path: &Path, sectors: Option<u32>) -> String {
    let script = "head -c \"${1:-999999999999}\" \"$0\" | md5sum | cut -c1-32";
    let bytes = sectors.map(|n| (n * 512).to_string());
    let out = Command::new("sh").args(["-c", script]).arg(path).args(bytes).output().expect("a shell");
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn linux_reads_every_drive_as_the_host_does() {
    let Some(guest) = guest("i386/vmlinuz", "i386/sweep.cpio.gz") else { return };
    let media = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cache/guests/media");
    let drives = [
        ("fd0", "--fda", "syslinux-floppy.img"),
        ("sda", "--hda", "syslinux-disk.img"),
        ("sr0", "--cdrom", "isolinux.iso"),
    ];
    let mut options = vec!["--disposable".to_owned()];
    for (_, option, image) in drives {
        let path = media.join(image);
        if !path.is_file() {
            pace::not_run(&format!("no {} (tests/boots/fetch.sh makes it)", path.display()));
            return;
        }
        options.extend([option.to_owned(), path.display().to_string()]);
    }
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let Some(run) = run(&guest, "pentium3", "mitigations=off", SMALL_LIMIT, &options) else { return };
    for (drive, _, image) in drives {
        run.line(&format!("SUM {drive} {}", md5(&media.join(image), None)));
    }
    run.line(&format!("SUM written {}", md5(&media.join("syslinux-disk.img"), Some(100))));
    run.line("DONE");
    run.powered_off();
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn amd64_cloud_boots_on_x86_64_v2() {
    small("amd64/vmlinuz", "x86-64-v2", "x86_64", "mitigations=off");
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn amd64_cloud_boots_on_everything_there_is() {
    small("amd64/vmlinuz", "max", "x86_64", "mitigations=off");
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn amd64_cloud_boots_with_its_mitigations() {
    small("amd64/vmlinuz", "x86-64-v2", "x86_64", "");
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn amd64_generic_boots_on_x86_64_v2() {
    small("amd64/vmlinuz2", "x86-64-v2", "x86_64", "mitigations=off");
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn i386_programs_compute_what_the_host_does_on_a_pentium_iii() {
    // The two are told to use SSSE3, which this CPU does not have: they die of it, and this is the sum of nothing.
    let none = "d41d8cd9";
    bench("i386", "vmlinuz", "pentium3", &[("awkfp", "5.15071e+06"), ("sha_sse", none), ("aes_sse", none)]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn i386_programs_compute_what_the_host_does_on_x86_64_v2() {
    bench("i386", "vmlinuz", "x86-64-v2", &[("awkfp", "5.15071e+06")]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn i386_programs_compute_what_the_host_does_with_pae_on_everything_there_is() {
    bench("i386", "vmlinuz2", "max", &[("awkfp", "5.15071e+06")]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn amd64_programs_compute_what_the_host_does_on_x86_64_v2() {
    bench("amd64", "vmlinuz", "x86-64-v2", &[("awkfp", "5.15051e+06")]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn amd64_programs_compute_what_the_host_does_on_everything_there_is() {
    bench("amd64", "vmlinuz", "max", &[("awkfp", "5.15051e+06")]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh, and runs each instruction twice"]
fn lockstep_i386_686_boots_on_a_pentium_iii() {
    small_with("i386/vmlinuz", "pentium3", "i686", "mitigations=off", &["--lockstep"]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh, and runs each instruction twice"]
fn lockstep_i386_pae_boots_on_everything_there_is() {
    small_with("i386/vmlinuz2", "max", "i686", "", &["--lockstep"]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh, and runs each instruction twice"]
fn lockstep_amd64_cloud_boots_on_everything_there_is() {
    small_with("amd64/vmlinuz", "max", "x86_64", "mitigations=off", &["--lockstep"]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh, and runs each instruction twice"]
fn lockstep_amd64_generic_boots_on_x86_64_v2() {
    small_with("amd64/vmlinuz2", "x86-64-v2", "x86_64", "mitigations=off", &["--lockstep"]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn jit_i386_686_boots_on_a_pentium_iii() {
    small_with("i386/vmlinuz", "pentium3", "i686", "mitigations=off", &["--accel", "jit"]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn jit_i386_pae_boots_on_everything_there_is_with_its_mitigations() {
    small_with("i386/vmlinuz2", "max", "i686", "", &["--accel", "jit"]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn jit_amd64_cloud_boots_on_everything_there_is() {
    small_with("amd64/vmlinuz", "max", "x86_64", "mitigations=off", &["--accel", "jit"]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn jit_amd64_generic_boots_on_x86_64_v2_with_its_mitigations() {
    small_with("amd64/vmlinuz2", "x86-64-v2", "x86_64", "", &["--accel", "jit"]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn jit_i386_programs_compute_what_the_host_does_on_x86_64_v2() {
    bench_with("i386", "vmlinuz", "x86-64-v2", &[("awkfp", "5.15071e+06")], &["--accel", "jit"]);
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn jit_amd64_programs_compute_what_the_host_does_on_everything_there_is() {
    bench_with("amd64", "vmlinuz", "max", &[("awkfp", "5.15051e+06")], &["--accel", "jit"]);
}

/// Whatever thread translates, and whenever: the same run.
#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn jit_ends_in_the_interpreters_state() {
    let Some(guest) = guest("amd64/vmlinuz", "amd64/small.cpio.gz") else { return };
    let state = |more: &[&str]| {
        let run = run(&guest, "max", "mitigations=off", 300_000_000, &[&["--state-hash"], more].concat())?;
        assert_eq!((run.status, &run.stats["end"]), (Some(124), &"limit".into()), "{}", run.tail());
        Some((run.hash().to_owned(), run.serial))
    };
    let Some(want) = state(&["--accel", "interp"]) else { return };
    for more in [&["--accel", "jit"][..], &["--accel", "jit", "--jit-foreground", "--jit-threshold", "20"]] {
        let Some(got) = state(more) else { return };
        assert_eq!(got, want, "{more:?}");
    }
}

#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn a_panic_resets_the_machine() {
    let Some(guest) = guest("amd64/vmlinuz", "amd64/small.cpio.gz") else { return };
    let Some(run) = run(&guest, "x86-64-v2", "mitigations=off rdinit=/bin/nothing root=/dev/nothing", SMALL_LIMIT, &[])
    else {
        return;
    };
    assert!(run.serial.contains("Kernel panic - not syncing"), "{}", run.tail());
    assert_eq!((run.status, &run.stats["end"]), (Some(0), &"reset".into()), "{}", run.tail());
}

/// Two equal runs end in the same state, and so does one that goes on from a snapshot of the other.
#[test]
#[ignore = "needs tests/boots/fetch.sh"]
fn a_run_repeats_itself_and_a_snapshot_goes_on_as_if_nothing_had_been() {
    const END: u64 = 600_000_000;
    let Some(guest) = guest("amd64/vmlinuz", "amd64/small.cpio.gz") else { return };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let snapshot = dir.path().join("snapshot");
    let snapshot = snapshot.to_str().expect("a temporary folder has a plain name");
    let ends_at_the_limit = |more: &[&str]| {
        let run = run(&guest, "x86-64-v2", "mitigations=off", END, &[&["--state-hash"], more].concat())?;
        assert_eq!((run.status, &run.stats["end"]), (Some(124), &"limit".into()), "{}", run.tail());
        Some(run)
    };
    let Some(first) = ends_at_the_limit(&[]) else { return };
    let Some(saving) = ends_at_the_limit(&["--save-at", &format!("250000000:{snapshot}")]) else { return };
    assert_eq!(first.hash(), saving.hash(), "saving a snapshot changes the run, or runs differ");
    assert_eq!(first.serial, saving.serial);
    let Some(loaded) = ends_at_the_limit(&["--load", snapshot]) else { return };
    assert_eq!(first.hash(), loaded.hash(), "a run from a snapshot ends otherwise");
    assert!(first.serial.ends_with(&loaded.serial) && !loaded.serial.is_empty(), "{}", loaded.tail());
}
