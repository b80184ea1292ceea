//! What `ferrite run` leaves at the end of a run, however it ended.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use super::reason;
use crate::Failure;
use crate::config::Output;
use crate::screen;
use crate::session::{End, Guest, Report, Stats};

/// Files and messages at the end.
#[derive(Debug, Default)]
pub struct Outputs {
    /// `--screenshot`.
    pub screenshot: Option<PathBuf>,
    /// `--dump-screen`.
    pub dump_screen: Option<Output>,
    /// `--stats`.
    pub stats: Option<Output>,
    /// `--state-hash`.
    pub state_hash: bool,
}

impl Outputs {
    /// Whether the files can be written: better now than after a long run.
    ///
    /// # Errors
    /// [`Failure::Host`] naming the option and the file.
    pub fn check(&self) -> Result<(), Failure> {
        let dump = self.dump_screen.as_ref().filter(|o| !o.is_stdout()).map(|o| &o.0);
        let stats = self.stats.as_ref().filter(|o| !o.is_stdout()).map(|o| &o.0);
        let files = [("--screenshot", self.screenshot.as_ref()), ("--dump-screen", dump), ("--stats", stats)];
        files.into_iter().filter_map(|(option, path)| Some((option, path?))).try_for_each(|(o, p)| writable(o, p))
    }

    /// Writes them, and gives the status of the command. The screen comes first: it is wanted most when something went wrong.
    ///
    /// # Errors
    /// That of the run, or the first of a file that cannot be written.
    pub fn write(&self, guest: &mut dyn Guest, report: Result<Report, Failure>) -> Result<u8, Failure> {
        let shown = self.write_screen(guest);
        let Report { end, stats, message } = report?;
        shown?;
        if end == End::Dead {
            eprintln!("the CPU is halted with interrupts off: nothing can wake it");
        }
        if self.state_hash {
            let hex: String = guest.digest().iter().map(|b| format!("{b:02x}")).collect();
            eprintln!("state hash {hex}");
        }
        if let Some(out) = &self.stats {
            write_stats(out, &stats)?;
        }
        if let (End::ScriptFailed | End::Diverged, Some(why)) = (end, message) {
            eprintln!("error: {why}");
        }
        Ok(end.status())
    }

    fn write_screen(&self, guest: &mut dyn Guest) -> Result<(), Failure> {
        if let Some(path) = &self.screenshot {
            screen::write_png("--screenshot", path, &guest.frame())?;
        }
        if let Some(out) = &self.dump_screen {
            let text = guest.text();
            if text.is_none() {
                eprintln!("--dump-screen: the screen is not in a text mode");
            }
            screen::write_text("--dump-screen", &out.0, text.as_ref())?;
        }
        Ok(())
    }
}

/// Opens a file for writing as a test, and leaves things as they were.
fn writable(option: &str, path: &Path) -> Result<(), Failure> {
    let fail = |e| Failure::Host(format!("{option} {}: {}", path.display(), reason(&e)));
    let existed = path.exists();
    OpenOptions::new().append(true).create(true).open(path).map_err(fail)?;
    if existed { Ok(()) } else { std::fs::remove_file(path).map_err(fail) }
}

fn write_stats(out: &Output, stats: &Stats) -> Result<(), Failure> {
    let fail = |why: String| Failure::Host(format!("--stats {out}: {why}"));
    let mut text = serde_json::to_string_pretty(stats).map_err(|e| fail(e.to_string()))?;
    text.push('\n');
    if out.is_stdout() {
        print!("{text}");
        return Ok(());
    }
    std::fs::write(&out.0, text).map_err(|e| fail(reason(&e)))
}
