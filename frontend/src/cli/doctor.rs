//! `ferrite doctor`: what this host offers and what is missing.

use std::io::IsTerminal;

use crate::Failure;
use crate::display::Display;

/// Prints the findings.
///
/// # Errors
/// None: what is missing is a finding.
pub fn run() -> Result<u8, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let found = [
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("host", format!("{} {}, {threads} threads", std::env::consts::ARCH, std::env::consts::OS)),
        ("interpreter", "yes".to_owned()),
        ("JIT", jit()),
        ("KVM", kvm()),
        ("terminal", if std::io::stdin().is_terminal() { "yes" } else { "no: standard input is not one" }.to_owned()),
        ("window", window().to_owned()),
        ("audio", "not in this build".to_owned()),
    ];
    for (what, text) in found {
        println!("{what:<12} {text}");
    }
    Ok(0)
}

/// Tried, not guessed: the code generator and memory that may hold code.
fn jit() -> String {
    match ferrite_jit::Jit::new(&ferrite_jit::Config::default()) {
        Ok(_) => "yes".to_owned(),
        Err(why) => format!("no: {why}"),
    }
}

fn window() -> &'static str {
    match (cfg!(feature = "window"), Display::for_this_host()) {
        (false, _) => "not in this build, which was made without the feature `window`",
        (true, Display::Window) => "yes",
        (true, _) => "no: no display was found (DISPLAY, WAYLAND_DISPLAY)",
    }
}

fn kvm() -> String {
    let path = std::path::Path::new("/dev/kvm");
    let host = if path.exists() {
        match std::fs::OpenOptions::new().read(true).write(true).open(path) {
            Ok(_) => "/dev/kvm can be opened",
            Err(_) => "/dev/kvm is there but cannot be opened",
        }
    } else {
        "no /dev/kvm"
    };
    format!("not in this build ({host})")
}
