//! The host's time: when no further guest starts, and when one that runs is lost.
#![allow(clippy::disallowed_methods, reason = "how long the host may take, which no guest sees")]

use std::io::{Read as _, Seek as _};
use std::process::{Command, ExitStatus, Output, Stdio};
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

/// Whether the second since 1970 that a variable names is over.
fn is_over(variable: &str) -> bool {
    let end = std::env::var(variable).ok().and_then(|v| v.parse::<u64>().ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_secs());
    end.is_some_and(|end| now > end)
}

/// Whether the present test may start: up to the second that `FERRITE_CI_DEADLINE` names. Says if it may not.
pub fn may_start() -> bool {
    let late = is_over("FERRITE_CI_DEADLINE");
    if late {
        not_run("no time left");
    }
    !late
}

/// How a command came to its end.
enum End {
    Itself(ExitStatus),
    /// The second that `FERRITE_CI_END` names.
    NoTime,
    Lost,
}

/// Runs `command` to its end; nothing when it is stopped for want of time, which is said.
///
/// # Panics
/// When it does not end.
pub fn output(command: &mut Command) -> Option<Output> {
    let mut said = [(); 2].map(|()| tempfile::tempfile().expect("a temporary file"));
    let [out, err] = said.each_ref().map(|f| Stdio::from(f.try_clone().expect("a second handle")));
    let started = Instant::now();
    let lost = if command.get_args().any(|a| a == "--lockstep") { LOST_IN_STEP } else { LOST };
    let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().expect("the command starts");
    let end = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break End::Itself(status);
        }
        let stopped = is_over("FERRITE_CI_END").then_some(End::NoTime);
        if let Some(end) = stopped.or_else(|| (started.elapsed() > lost).then_some(End::Lost)) {
            // It may have ended by itself just now, which changes nothing.
            let _ = child.kill();
            let _ = child.wait();
            break end;
        }
        std::thread::sleep(GLANCE);
    };
    let [stdout, stderr] = said.each_mut().map(|f| {
        let mut bytes = Vec::new();
        f.rewind().and_then(|()| f.read_to_end(&mut bytes)).expect("a temporary file can be read");
        bytes
    });
    match end {
        End::Itself(status) => Some(Output { status, stdout, stderr }),
        End::NoTime => {
            not_run(&format!("stopped after {} s, no time left", started.elapsed().as_secs()));
            None
        }
        End::Lost => {
            let serial = String::from_utf8_lossy(&stdout);
            let tail = &serial[serial.floor_char_boundary(serial.len().saturating_sub(2000))..];
            panic!("no end after {} s: {command:?}\n{tail}\n{}", lost.as_secs(), String::from_utf8_lossy(&stderr));
        }
    }
}
