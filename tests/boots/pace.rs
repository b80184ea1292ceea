//! The host's time: when no further guest starts, and when one that runs is lost.
#![allow(clippy::disallowed_methods, reason = "how long the host may take, which no guest sees")]

use std::io::{Read as _, Seek as _};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// After this long a guest hangs. The slowest, a pass of memtest86+ on the interpreter, takes 13 minutes of a core.
const LOST: Duration = Duration::from_secs(1200);

/// The same where each instruction is run by both engines and compared.
const LOST_IN_STEP: Duration = Duration::from_secs(3 * 3600);

const GLANCE: Duration = Duration::from_millis(20);

/// Says why the present test does not run; `.ci/run` lists it.
pub fn not_run(why: &str) {
    let thread = std::thread::current();
    println!("not run: {}: {why}", thread.name().unwrap_or("a boot test"));
}

/// Whether the present test may start: up to the second since 1970 that `FERRITE_CI_DEADLINE` names. Says if it may not.
pub fn may_start() -> bool {
    let end = std::env::var("FERRITE_CI_DEADLINE").ok().and_then(|v| v.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_secs());
    let late = end.is_some_and(|end| now > end);
    if late {
        not_run("no time left");
    }
    !late
}

/// Runs `command` to its end.
///
/// # Panics
/// When it does not end.
pub fn output(command: &mut Command) -> Output {
    let mut said = [(); 2].map(|()| tempfile::tempfile().expect("a temporary file"));
    let [out, err] = said.each_ref().map(|f| Stdio::from(f.try_clone().expect("a second handle")));
    let started = Instant::now();
    let lost = if command.get_args().any(|a| a == "--lockstep") { LOST_IN_STEP } else { LOST };
    let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().expect("the command starts");
    let ended = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break Some(status);
        }
        if started.elapsed() > lost {
            // It may have ended by itself just now, which changes nothing.
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(GLANCE);
    };
    let [stdout, stderr] = said.each_mut().map(|f| {
        let mut bytes = Vec::new();
        f.rewind().and_then(|()| f.read_to_end(&mut bytes)).expect("a temporary file can be read");
        bytes
    });
    match ended {
        Some(status) => Output { status, stdout, stderr },
        None => {
            let serial = String::from_utf8_lossy(&stdout);
            let tail = &serial[serial.floor_char_boundary(serial.len().saturating_sub(2000))..];
            panic!("no end after {} s: {command:?}\n{tail}\n{}", lost.as_secs(), String::from_utf8_lossy(&stderr));
        }
    }
}
