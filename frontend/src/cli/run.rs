//! `ferrite run`: boots a machine from options, or from a `MACHINE.toml` with the same names, which options override.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use clap::Args;
use ferrite_core::engine::Engine;
use ferrite_core::time::VTime;
use ferrite_devices::boot::EntryChoice;
use serde::Deserialize;

use super::outputs::Outputs;
use super::{read_file, reason};
use crate::builder::{Builder, Kernel};
use crate::config::{
    Accel, Address, BootEntry, BootLetters, ClockSpec, CpuSpec, Debugcon, Drive, MachineKind, Output, SaveAt, Serial,
    Size,
};
use crate::display::{self, Display, Screen, Shared};
use crate::host::chars::Lines;
use crate::media::{self, Place};
use crate::pc::Image;
use crate::script::{self, Runner};
use crate::session::{self, Guest, Outside, Pace, Plan};
use crate::{Failure, engine};

/// Options of `ferrite run`, which are also the keys of `MACHINE.toml`.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct RunArgs {
    /// Machine description with the same names as the options; options override it
    #[arg(value_name = "MACHINE.toml")]
    #[serde(skip)]
    machine: Option<PathBuf>,
    /// RAM, such as 64M or 1G
    #[arg(short, long, value_name = "SIZE")]
    memory: Option<Size>,
    /// CPU model and features
    #[arg(long, value_name = "MODEL[,+feat,-feat]")]
    cpu: Option<CpuSpec>,
    /// Number of CPUs
    #[arg(long, value_name = "N")]
    smp: Option<u32>,
    /// Engine: auto, jit, interp or kvm
    #[arg(long)]
    accel: Option<Accel>,
    /// Run the JIT and the interpreter side by side, compare their states, and end with status 8 where they differ
    #[arg(long)]
    lockstep: bool,
    /// Host code that the JIT keeps at most; 64M
    #[arg(long, value_name = "SIZE")]
    code_cache: Option<Size>,
    /// Folder in which the JIT keeps translations from run to run
    #[arg(long, value_name = "DIR")]
    translation_cache: Option<PathBuf>,
    /// Write /tmp/perf-PID.map, in which `perf` finds the names of translated code
    #[arg(long)]
    perf_map: bool,
    /// Print the translation of the guest code at this linear address (hexadecimal): guest code, CLIF and host code
    #[arg(long, value_name = "ADDR")]
    dump_translation: Vec<Address>,
    /// Executions of a piece of guest code before the JIT translates it
    #[arg(long, value_name = "N")]
    jit_threshold: Option<NonZeroU32>,
    /// Executions of a piece of guest code before the JIT drafts it: writes plain host code, at once; 0 for never
    #[arg(long, value_name = "N")]
    jit_drafts: Option<u32>,
    /// Translate on the CPU's own thread, which waits for it
    #[arg(long)]
    jit_foreground: bool,
    /// Medium in the first floppy drive: a raw image of 160K to 2.88M
    #[arg(long, value_name = "FILE")]
    fda: Option<PathBuf>,
    /// Medium in the second floppy drive
    #[arg(long, value_name = "FILE")]
    fdb: Option<PathBuf>,
    /// CD in a drive at the secondary master: an ISO image
    #[arg(long, value_name = "FILE")]
    cdrom: Option<PathBuf>,
    /// Disk, primary master
    #[arg(long, value_name = "FILE")]
    hda: Option<PathBuf>,
    /// Disk, primary slave
    #[arg(long, value_name = "FILE")]
    hdb: Option<PathBuf>,
    /// Disk, secondary master
    #[arg(long, value_name = "FILE")]
    hdc: Option<PathBuf>,
    /// Disk, secondary slave
    #[arg(long, value_name = "FILE")]
    hdd: Option<PathBuf>,
    /// A drive in full: file=PATH,if=ide|floppy,media=disk|cdrom,format=raw,index=N,readonly=on
    #[arg(long, value_name = "SPEC")]
    drive: Vec<Drive>,
    /// Throw writes to disks and floppies away at the end
    #[arg(long)]
    disposable: bool,
    /// What firmware tries to start, in this order: a floppy, c disk, d CD, n network; acd, empty drives last
    #[arg(long, value_name = "ORDER")]
    boot: Option<BootLetters>,
    /// Board: pc or isapc
    #[arg(long = "machine", value_name = "BOARD")]
    #[serde(rename = "machine")]
    board: Option<MachineKind>,
    /// Firmware image, such as SeaBIOS
    #[arg(long, value_name = "FILE")]
    bios: Option<PathBuf>,
    /// Option ROM of the display adapter
    #[arg(long, value_name = "FILE")]
    vgabios: Option<PathBuf>,
    /// Linux bzImage or multiboot image to boot directly
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,
    /// Initial RAM disk of the kernel
    #[arg(long, value_name = "FILE")]
    initrd: Option<PathBuf>,
    /// Command line of the kernel
    #[arg(long, value_name = "STR", allow_hyphen_values = true)]
    append: Option<String>,
    /// Entry point of a Linux kernel: auto, 16, 32 or 64
    #[arg(long, value_name = "BITS")]
    boot_entry: Option<BootEntry>,
    /// Serial line, COM1 first: stdio, file:PATH, tcp:HOST:PORT, unix:PATH, pty or null
    #[arg(long, value_name = "END")]
    serial: Vec<Serial>,
    /// Where port E9h goes: stdio or file:PATH
    #[arg(long, value_name = "END")]
    debugcon: Option<Debugcon>,
    /// Where port 402h goes, which SeaBIOS and Bochs' firmware log to: stdio or file:PATH
    #[arg(long, value_name = "END")]
    firmware_log: Option<Debugcon>,
    /// Let a write of v to port F4h end the run with status (v << 1) | 1
    #[arg(long)]
    debug_exit: bool,
    /// How the screen is shown: window, terminal or none; the first that host and build have
    #[arg(long)]
    display: Option<Display>,
    /// Virtual time: virtual, virtual=MIPS, or host for one that does not run ahead of the host's; host where a person
    /// sits before a display and nothing else ends the run
    #[arg(long)]
    clock: Option<ClockSpec>,
    /// Statements that wait, type, press keys, take screenshots and so on (docs/script.md)
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Seed of every source of randomness in the machine
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Begin with a snapshot of the same machine
    #[arg(long, value_name = "SNAPSHOT")]
    load: Option<PathBuf>,
    /// Save a snapshot when so many instructions have retired
    #[arg(long, value_name = "INSNS:FILE")]
    save_at: Vec<SaveAt>,
    /// End with status 0 as soon as the text appears on a serial line
    #[arg(long, value_name = "TEXT")]
    until_serial: Option<String>,
    /// End with status 0 as soon as the text is on the screen; in graphics modes, as the display's firmware draws it
    #[arg(long, value_name = "TEXT")]
    until_screen: Option<String>,
    /// End with status 124 when so many instructions have retired
    #[arg(long, value_name = "N")]
    limit_insns: Option<u64>,
    /// End with status 124 after so much virtual time
    #[arg(long, value_name = "SECS", allow_negative_numbers = true)]
    limit_time: Option<f64>,
    /// Write a picture of the screen at the end of the run
    #[arg(long, value_name = "FILE.png")]
    screenshot: Option<PathBuf>,
    /// Write the text-mode screen as text at the end of the run
    #[arg(long, value_name = "FILE|-")]
    dump_screen: Option<Output>,
    /// Write figures of the run as JSON at its end
    #[arg(long, value_name = "FILE|-")]
    stats: Option<Output>,
    /// Print a hash of the machine's complete state at the end, on standard error
    #[arg(long)]
    state_hash: bool,
    /// Let a reset or a triple fault end the run
    #[arg(long)]
    no_reboot: bool,
}

impl RunArgs {
    /// Fills what the command line leaves open from the machine description.
    fn with_description(mut self) -> Result<Self, Failure> {
        let Some(path) = self.machine.take() else { return Ok(self) };
        let bytes = read_file("machine description", &path)?;
        let usage = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
        let text =
            String::from_utf8(bytes).map_err(|e| usage(format!("byte {}: not UTF-8", e.utf8_error().valid_up_to())))?;
        let mut file: Self = toml::from_str(&text).map_err(|e| usage(toml_error(&text, &e)))?;
        file.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(self.over(file))
    }

    /// Paths of a description are relative to its folder.
    fn resolve(&mut self, dir: &Path) {
        let consoles = [&mut self.debugcon, &mut self.firmware_log];
        let ends = self.serial.iter_mut().chain(consoles.into_iter().flatten().map(|d| &mut d.0));
        let ends = ends.filter_map(|s| match s {
            Serial::File(p) | Serial::Unix(p) => Some(p),
            _ => None,
        });
        let disks = [&mut self.hda, &mut self.hdb, &mut self.hdc, &mut self.hdd];
        let removable = [&mut self.fda, &mut self.fdb, &mut self.cdrom];
        let firmware = [&mut self.bios, &mut self.vgabios];
        let files = [&mut self.kernel, &mut self.initrd, &mut self.load, &mut self.script, &mut self.screenshot];
        let folders = [&mut self.translation_cache];
        let files = disks.into_iter().chain(removable).chain(files).chain(firmware).chain(folders).flatten();
        let outputs = [&mut self.stats, &mut self.dump_screen];
        let outputs = outputs.into_iter().flatten().filter(|s| !s.is_stdout()).map(|s| &mut s.0);
        let drives = self.drive.iter_mut().filter_map(|d| d.file.as_mut());
        let saves = self.save_at.iter_mut().map(|s| &mut s.file);
        for path in ends.chain(files).chain(outputs).chain(drives).chain(saves) {
            *path = dir.join(&*path);
        }
    }

    /// `self` where it says something, else `file`.
    fn over(self, file: Self) -> Self {
        fn list<T>(a: Vec<T>, b: Vec<T>) -> Vec<T> {
            if a.is_empty() { b } else { a }
        }
        Self {
            machine: None,
            memory: self.memory.or(file.memory),
            cpu: self.cpu.or(file.cpu),
            smp: self.smp.or(file.smp),
            accel: self.accel.or(file.accel),
            lockstep: self.lockstep || file.lockstep,
            code_cache: self.code_cache.or(file.code_cache),
            translation_cache: self.translation_cache.or(file.translation_cache),
            perf_map: self.perf_map || file.perf_map,
            dump_translation: list(self.dump_translation, file.dump_translation),
            jit_threshold: self.jit_threshold.or(file.jit_threshold),
            jit_drafts: self.jit_drafts.or(file.jit_drafts),
            jit_foreground: self.jit_foreground || file.jit_foreground,
            fda: self.fda.or(file.fda),
            fdb: self.fdb.or(file.fdb),
            cdrom: self.cdrom.or(file.cdrom),
            hda: self.hda.or(file.hda),
            hdb: self.hdb.or(file.hdb),
            hdc: self.hdc.or(file.hdc),
            hdd: self.hdd.or(file.hdd),
            drive: list(self.drive, file.drive),
            disposable: self.disposable || file.disposable,
            boot: self.boot.or(file.boot),
            board: self.board.or(file.board),
            bios: self.bios.or(file.bios),
            vgabios: self.vgabios.or(file.vgabios),
            kernel: self.kernel.or(file.kernel),
            initrd: self.initrd.or(file.initrd),
            append: self.append.or(file.append),
            boot_entry: self.boot_entry.or(file.boot_entry),
            serial: list(self.serial, file.serial),
            debugcon: self.debugcon.or(file.debugcon),
            firmware_log: self.firmware_log.or(file.firmware_log),
            debug_exit: self.debug_exit || file.debug_exit,
            display: self.display.or(file.display),
            clock: self.clock.or(file.clock),
            script: self.script.or(file.script),
            seed: self.seed.or(file.seed),
            load: self.load.or(file.load),
            save_at: list(self.save_at, file.save_at),
            until_serial: self.until_serial.or(file.until_serial),
            until_screen: self.until_screen.or(file.until_screen),
            limit_insns: self.limit_insns.or(file.limit_insns),
            limit_time: self.limit_time.or(file.limit_time),
            screenshot: self.screenshot.or(file.screenshot),
            dump_screen: self.dump_screen.or(file.dump_screen),
            stats: self.stats.or(file.stats),
            state_hash: self.state_hash || file.state_hash,
            no_reboot: self.no_reboot || file.no_reboot,
        }
    }

    /// What is wrong whatever the host has.
    fn check(&self) -> Result<(), Failure> {
        let usage = |text: String| Err(Failure::Usage(text));
        if let Some(n) = self.smp.filter(|n| *n != 1) {
            return usage(format!("--smp {n}: this build has one CPU"));
        }
        if self.serial.len() > 4 {
            return usage(format!("--serial: {} given; a PC has COM1 to COM4", self.serial.len()));
        }
        for (option, given) in [("--initrd", self.initrd.is_some()), ("--append", self.append.is_some())] {
            if given && self.kernel.is_none() {
                return usage(format!("{option}: only with --kernel"));
            }
        }
        self.check_engine()?;
        if self.boot_entry.is_some() && self.kernel.is_none() {
            return usage("--boot-entry: only with --kernel".to_owned());
        }
        for (option, text) in [("--until-serial", &self.until_serial), ("--until-screen", &self.until_screen)] {
            if text.as_ref().is_some_and(String::is_empty) {
                return usage(format!("{option}: an empty text is everywhere; some characters are needed"));
            }
        }
        if self.display == Some(Display::Terminal) && self.uses_stdio() {
            return usage(
                "--display terminal: the terminal is already that of --serial, --debugcon or --firmware-log stdio"
                    .to_owned(),
            );
        }
        match self.limit_time {
            Some(t) if !(0.0..=1e7).contains(&t) => {
                usage(format!("--limit-time {t}: seconds from 0 to 10000000 are needed"))
            }
            _ => Ok(()),
        }
    }

    /// Options of the JIT where there is none.
    fn check_engine(&self) -> Result<(), Failure> {
        let usage = |text: String| Err(Failure::Usage(text));
        let named = match self.accel {
            Some(Accel::Interp) => "interp",
            Some(Accel::Kvm) => "kvm",
            Some(Accel::Auto | Accel::Jit) | None => "",
        };
        let given = [
            ("--lockstep", self.lockstep),
            ("--code-cache", self.code_cache.is_some()),
            ("--translation-cache", self.translation_cache.is_some()),
            ("--perf-map", self.perf_map),
            ("--dump-translation", !self.dump_translation.is_empty()),
            ("--jit-threshold", self.jit_threshold.is_some()),
            ("--jit-drafts", self.jit_drafts.is_some()),
            ("--jit-foreground", self.jit_foreground),
        ];
        if let Some((option, _)) = given.iter().find(|(_, given)| *given && !named.is_empty()) {
            return usage(format!("{option}: only with the JIT, not with --accel {named}"));
        }
        match self.code_cache {
            Some(Size(bytes)) if !CODE_CACHE.contains(&bytes) => {
                let (least, most) = (CODE_CACHE.start() >> 20, CODE_CACHE.end() >> 20);
                usage(format!("--code-cache: {bytes} bytes; {least}M to {most}M is needed"))
            }
            _ => Ok(()),
        }
    }

    /// What the options say of the JIT.
    fn jit(&self) -> Result<ferrite_jit::Config, Failure> {
        let default = ferrite_jit::Config::default();
        if let Some(dir) = &self.translation_cache {
            let fail = |e| Failure::Host(format!("--translation-cache {}: {}", dir.display(), reason(&e)));
            std::fs::create_dir_all(dir).map_err(fail)?;
            ferrite_jit::check_folder(dir).map_err(fail)?;
        }
        let drafts = self.jit_drafts.unwrap_or(default.drafts);
        Ok(ferrite_jit::Config {
            // No host has an address space that the range's end does not fit in.
            code_cache: self.code_cache.map_or(default.code_cache, |s| s.0 as usize),
            translations: self.translation_cache.clone(),
            perf_map: self.perf_map,
            dump: self.dump_translation.iter().map(|a| a.0).collect(),
            threshold: self.jit_threshold.map_or(ferrite_jit::threshold(drafts), NonZeroU32::get),
            drafts,
            background: !self.jit_foreground,
            say: |line| eprintln!("{line}"),
        })
    }

    /// The engine of the run; under `--lockstep` that which is compared.
    fn engine(&self) -> Result<Box<dyn Engine>, Failure> {
        let accel = if self.lockstep { Accel::Jit } else { self.accel.unwrap_or_default() };
        engine::make(accel, &self.jit()?, |line| eprintln!("{line}"))
    }

    /// The drives that are asked for.
    fn drives(&self) -> Vec<media::Request> {
        let named = [
            ("--fda", &self.fda, Place::Floppy(Some(0))),
            ("--fdb", &self.fdb, Place::Floppy(Some(1))),
            ("--cdrom", &self.cdrom, Place::Cdrom(Some(2))),
            ("--hda", &self.hda, Place::Disk(Some(0))),
            ("--hdb", &self.hdb, Place::Disk(Some(1))),
            ("--hdc", &self.hdc, Place::Disk(Some(2))),
            ("--hdd", &self.hdd, Place::Disk(Some(3))),
        ];
        let named = named.into_iter().filter_map(|(option, file, place)| {
            let file = Some(file.clone()?);
            Some(media::Request { option: option.to_owned(), place, file, read_only: false })
        });
        let full = self.drive.iter().map(|d| {
            let Drive { file, place, read_only } = d.clone();
            media::Request { option: "--drive file".to_owned(), place, file, read_only }
        });
        named.chain(full).collect()
    }

    /// Whether something other than a display reads or writes the terminal.
    fn uses_stdio(&self) -> bool {
        let consoles = [&self.debugcon, &self.firmware_log];
        self.serial.iter().chain(consoles.into_iter().flatten().map(|d| &d.0)).any(|s| *s == Serial::Stdio)
    }

    /// Whether the run is made to come to an end without a person.
    fn is_unattended(&self) -> bool {
        let texts = self.until_serial.is_some() || self.until_screen.is_some();
        self.script.is_some() || texts || self.limit_insns.is_some() || self.limit_time.is_some()
    }

    /// The display that was asked for, or the one that suits the host.
    fn screen(&self) -> Result<Option<Box<dyn Screen>>, Failure> {
        if let Some(kind) = self.display {
            return display::open(kind);
        }
        let kind = match Display::for_this_host() {
            Display::Terminal if self.uses_stdio() => Display::None,
            kind => kind,
        };
        // Nobody asked: a display that does not come is no reason not to run.
        Ok(display::open(kind).unwrap_or_else(|e| {
            eprintln!("{e}; running without a display");
            None
        }))
    }

    fn script(&self) -> Result<Option<Runner>, Failure> {
        let Some(path) = &self.script else { return Ok(None) };
        let name = path.display().to_string();
        let text = String::from_utf8(read_file("--script", path)?).map_err(|e| {
            Failure::Usage(format!("--script {name}: byte {}: not UTF-8", e.utf8_error().valid_up_to()))
        })?;
        let script = script::parse(&name, &text).map_err(|e| Failure::Usage(format!("--script {e}")))?;
        Ok(Some(script.into()))
    }

    /// The kernel that is to be booted directly.
    fn kernel(&self) -> Result<Option<Kernel>, Failure> {
        let Some(image) = image("--kernel", &self.kernel)? else { return Ok(None) };
        let initrd = self.initrd.as_ref().map(|path| read_file("--initrd", path)).transpose()?;
        let append = self.append.clone().unwrap_or_default();
        Ok(Some(Kernel { image, initrd, append, entry: self.boot_entry.map_or(EntryChoice::Auto, |e| e.0) }))
    }
}

/// What `--code-cache` may be: below, hot code would throw itself out; above, a branch does not reach from end to end.
const CODE_CACHE: RangeInclusive<u64> = 1 << 20..=1 << 30;

/// An image given by an option.
fn image(option: &str, path: &Option<PathBuf>) -> Result<Option<Image>, Failure> {
    let read = |path: &PathBuf| Ok(Image { path: path.clone(), bytes: read_file(option, path)? });
    path.as_ref().map(read).transpose()
}

/// A TOML error as one line with its place.
fn toml_error(text: &str, e: &toml::de::Error) -> String {
    let message = e.message().trim().replace('\n', " ");
    match e.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(1, |l| l.chars().count() + 1);
            format!("line {line}, column {column}: {message}")
        }
        None => message,
    }
}

/// Runs the command.
///
/// # Errors
/// Options that do not fit together, files that cannot be opened or are not what they should be.
pub fn run(args: RunArgs) -> Result<u8, Failure> {
    let args = args.with_description()?;
    args.check()?;
    let engine = args.engine()?;
    let script = args.script()?;
    let kernel = args.kernel()?;
    let (bios, vgabios) = (image("--bios", &args.bios)?, image("--vgabios", &args.vgabios)?);
    let drives = media::open_all(&args.drives(), args.disposable)?;
    // A snapshot brings its own content.
    let built_in = kernel.is_none() && bios.is_none() && drives.is_empty() && args.load.is_none();
    let outputs = Outputs {
        screenshot: args.screenshot.clone(),
        dump_screen: args.dump_screen.clone(),
        stats: args.stats.clone(),
        state_hash: args.state_hash,
    };
    outputs.check()?;

    let screen = args.screen()?;
    let pace = match args.clock {
        Some(ClockSpec::Host) => Pace::Host,
        Some(ClockSpec::Virtual { .. }) => Pace::Free,
        // A person expects a second to last one; a run that only has to end should end soon.
        None if screen.is_some() && !args.is_unattended() => Pace::Host,
        None => Pace::Free,
    };

    let mut lines = Lines::default();
    if script.is_some() {
        lines.tap();
    }
    let mut serial = Vec::new();
    if built_in && screen.is_none() && args.serial.is_empty() && !args.is_unattended() {
        // Nobody sees the demonstration's screen: what it says of the machine comes by its serial line, up to its prompt.
        serial.push(lines.serial(0, &Serial::Stdio, Some("ferrite> "))?);
    }
    for (i, spec) in args.serial.iter().enumerate() {
        serial.push(lines.serial(i, spec, args.until_serial.as_deref())?);
    }
    if (args.until_serial.is_some() || script.is_some()) && serial.is_empty() {
        serial.push(lines.serial(0, &Serial::Null, args.until_serial.as_deref())?);
    }
    let mut console =
        |option: &str, end: &Option<Debugcon>| end.as_ref().map(|spec| lines.console(option, &spec.0)).transpose();
    let debugcon = console("--debugcon", &args.debugcon)?;
    let firmware_log = console("--firmware-log", &args.firmware_log)?;
    let builder = Builder {
        board: args.board.map_or_else(Default::default, |b| b.0),
        cpu: args.cpu.clone().map(Ok),
        accel: Accel::Auto,
        engine: None,
        memory: args.memory.map(|m| m.0),
        ps_per_insn: match args.clock {
            Some(ClockSpec::Virtual { ps_per_insn }) => ps_per_insn,
            Some(ClockSpec::Host) | None => None,
        },
        seed: args.seed.unwrap_or(0),
        start_time: (pace == Pace::Host).then(session::host_time).flatten(),
        drives,
        boot_order: args.boot.clone().map(|b| b.0),
        bios,
        vgabios,
        kernel,
        serial,
        debugcon,
        firmware_log,
        debug_exit: args.debug_exit,
        no_reboot: args.no_reboot,
        loads_snapshot: args.load.is_some(),
    };
    let snapshot = args.load.as_ref().map(|path| Ok((path, read_file("--load", path)?))).transpose()?;
    let refused = |path: &Path, e| Failure::Host(format!("--load {}: {e}", path.display()));
    let mut guest: Box<dyn Guest + Send> = if args.lockstep {
        let mut pair = builder.build_lockstep(engine)?;
        if let Some((path, bytes)) = &snapshot {
            pair.load(bytes).map_err(|e| refused(path, e))?;
        }
        Box::new(pair)
    } else {
        let mut pc = builder.engine(engine).build()?;
        if let Some((path, bytes)) = &snapshot {
            pc.load(bytes).map_err(|e| refused(path, e))?;
        }
        Box::new(pc)
    };
    drop(snapshot);
    let plan = Plan {
        limit_insns: args.limit_insns,
        limit_time: args.limit_time.map(|s| VTime((s * 1e12) as u64)),
        saves: args.save_at,
        pace,
        until_screen: args.until_screen,
        disposable: args.disposable,
    };
    let shared = Shared::new();
    let (commands, incoming) = std::sync::mpsc::channel();
    let outside = Outside {
        commands: screen.is_some().then_some(incoming),
        shared: screen.is_some().then(|| std::sync::Arc::clone(&shared)),
        script,
    };
    let (mut guest, report) = display::run(screen, &shared, &commands, move || {
        let report = session::run(guest.as_mut(), &lines, &plan, outside);
        drop(lines); // the terminal is its own again before anything is printed
        (guest, report)
    })?;
    outputs.write(guest.as_mut(), report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(text: &str) -> Result<RunArgs, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("machine.toml");
        std::fs::write(&path, text).unwrap();
        RunArgs { machine: Some(path), ..RunArgs::default() }.with_description()
    }

    #[test]
    fn a_description_uses_the_names_of_the_options() {
        let a = description(
            "memory = '64M'\ncpu = 'pentium3'\nserial = ['null', 'file:log']\nno-reboot = true\nlimit-insns = 5\n\
             kernel = 'vmlinuz'\nhda = '/abs/disk'\nclock = 'virtual=50'\nlimit-time = 2.5\nstats = '-'\n",
        )
        .unwrap();
        assert_eq!((a.memory, a.limit_insns, a.no_reboot), (Some(Size(64 << 20)), Some(5), true));
        let kernel = a.kernel.unwrap();
        assert!(kernel.is_absolute() && kernel.ends_with("vmlinuz"), "relative to the description");
        assert_eq!(a.hda, Some("/abs/disk".into()));
        assert_eq!(a.stats, Some("-".into()));
        assert!(matches!(&a.serial[1], Serial::File(p) if p.is_absolute()));
    }

    #[test]
    fn options_override_the_description() {
        let file = RunArgs { limit_insns: Some(1), append: Some("a".into()), ..RunArgs::default() };
        let a = RunArgs { limit_insns: Some(2), ..RunArgs::default() }.over(file);
        assert_eq!((a.limit_insns, a.append.as_deref()), (Some(2), Some("a")));
    }

    #[test]
    fn a_wrong_key_is_named_with_its_line() {
        let e = description("memory = '64M'\nmemroy = '1'\n").unwrap_err().to_string();
        assert!(e.contains("line 2, column 1") && e.contains("memroy") && !e.contains('\n'), "{e}");
        let e = description("memory = 'x'\n").unwrap_err().to_string();
        assert!(e.contains("64M or 1G"), "{e}");
    }

    #[test]
    fn options_that_do_not_fit_are_refused() {
        let says = |a: RunArgs, want: &str| {
            let e = a.check().unwrap_err();
            assert!(e.status() == 2 && e.to_string().contains(want), "{e}");
        };
        says(RunArgs { smp: Some(2), ..RunArgs::default() }, "--smp 2");
        says(RunArgs { initrd: Some("x".into()), ..RunArgs::default() }, "--initrd: only with --kernel");
        says(RunArgs { limit_time: Some(f64::NAN), ..RunArgs::default() }, "--limit-time");
        says(RunArgs { serial: vec![Serial::Null; 5], ..RunArgs::default() }, "COM4");
    }
}
