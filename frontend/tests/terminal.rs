//! The terminal display in a real terminal, that of a tmux session: it shows the demonstration, passes keys on, is resized, and
//! leaves the terminal as it found it. Says that it was skipped where there is no tmux.
#![cfg(unix)]
// The host's clock bounds how long the test waits for the terminal.
#![allow(clippy::disallowed_methods)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// As long as a loaded host may take for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

const GLANCE: Duration = Duration::from_millis(50);

/// What runs in the terminal: settings and texts before and after show what the display left behind.
const SCRIPT: &str = r#"
stty -g >before
echo This stood there before.
"$FERRITE" run --display terminal
status=$?
stty -g >after
echo "status $status"
exec sleep 1000
"#;

/// A tmux server of the test's own, with one pane.
struct Tmux {
    dir: TempDir,
}

impl Tmux {
    /// Starts `script` in a pane of 100 by 30 characters; nothing where tmux is not installed, which is said.
    fn start(script: &str) -> Option<Tmux> {
        if Command::new("tmux").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            println!("skipped: no tmux");
            return None;
        }
        let tmux = Tmux { dir: tempfile::tempdir().expect("a temporary folder") };
        std::fs::write(tmux.dir.path().join("script"), script).expect("a file in the temporary folder");
        tmux.run(&["new-session", "-d", "-x", "100", "-y", "30", "sh script"]);
        Some(tmux)
    }

    /// The command `args` of tmux, and what it printed.
    fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.dir.path().join("socket")).args(["-f", "/dev/null", "-u"]).args(args);
        command.env("FERRITE", env!("CARGO_BIN_EXE_ferrite")).env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        let out = command.current_dir(self.dir.path()).stdin(Stdio::null()).output().expect("tmux starts");
        assert!(out.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// What the terminal shows.
    fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// Waits until the terminal shows `text`.
    fn wait(&self, text: &str) {
        let began = Instant::now();
        while !self.screen().contains(text) {
            assert!(began.elapsed() < PATIENCE, "no `{text}`:\n{}", self.screen());
            std::thread::sleep(GLANCE);
        }
    }

    /// Types names of keys, as tmux has them.
    fn keys(&self, names: &[&str]) {
        self.run(&[&["send-keys"], names].concat());
    }

    fn type_line(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
        self.keys(&["Enter"]);
    }

    /// A format of tmux, of the pane.
    fn is(&self, format: &str) -> bool {
        self.run(&["display-message", "-p", &format!("#{{{format}}}")]).trim() == "1"
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let mut command = Command::new("tmux");
        let _ = command.arg("-S").arg(self.dir.path().join("socket")).arg("kill-server").stderr(Stdio::null()).status();
    }
}

#[test]
fn the_terminal_shows_the_demonstration_takes_keys_and_is_given_back() {
    let Some(tmux) = Tmux::start(SCRIPT) else { return };
    tmux.wait("Type help and press Enter.");
    tmux.wait("Ctrl-A X ends");
    assert!(tmux.is("alternate_on") && !tmux.screen().contains("before"), "the display has a screen of its own");

    tmux.type_line("hello");
    tmux.wait("Hello from the guest.");
    // What would end a program in a terminal is the guest's.
    tmux.keys(&["C-c", "C-z", "C-\\"]);
    tmux.keys(&["BSpace", "BSpace", "BSpace"]);
    tmux.type_line("colors");
    tmux.wait("▀▀▀▀▀▀▀▀");
    tmux.keys(&["Space"]);
    tmux.wait("That was mode 13h.");

    tmux.run(&["resize-window", "-x", "40", "-y", "10"]);
    tmux.type_line("resized");
    tmux.wait("That is not a command.");

    tmux.keys(&["C-a"]);
    tmux.wait("Ctrl-A and then: X ends");
    tmux.keys(&["x"]);
    tmux.wait("status 0");
    tmux.wait("This stood there before.");
    assert!(!tmux.is("alternate_on") && tmux.is("cursor_flag"), "{}", tmux.screen());
    let settings = ["before", "after"].map(|name| tmux.file(name));
    assert!(!settings[0].is_empty());
    assert_eq!(settings[0], settings[1], "the terminal's settings");
}
