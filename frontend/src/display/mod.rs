//! Showing the guest's screen, and what stands between a display and a session.
//!
//! The session runs the machine on one thread. A display lives on another: on the main thread, where windowing systems want
//! it. They meet in two places only. [`Shared`] holds the latest picture and the figures of a status line: the session writes
//! it, about 60 times a host second and only when something changed; the display reads it. A channel carries [`Command`]s the
//! other way: the session takes them between two runs of the machine, so that each enters the guest at a retired count.
//! Guest time therefore never depends on how fast, or whether, a display draws.

// The host's clock paces redraws here; nothing of it reaches the machine.
#![allow(clippy::disallowed_methods)]

pub mod scale;
pub mod terminal;
#[cfg(feature = "window")]
pub mod window;

use std::fmt;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ferrite_core::device::Key;
use ferrite_core::time::VTime;
use ferrite_devices::video::frame::{Frame, TextScreen};

use crate::Failure;
use crate::media::Slot;

/// `--display`: how the guest's screen is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// A window of the host.
    Window,
    /// The user's terminal.
    Terminal,
    /// Not at all.
    None,
}

/// Whether this build can open windows.
const HAS_WINDOW: bool = cfg!(feature = "window");

/// What `--display` takes, for messages.
const KINDS: &str = if HAS_WINDOW { "window, terminal or none" } else { "terminal or none" };

impl FromStr for Display {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "none" => Ok(Self::None),
            "window" if HAS_WINDOW => Ok(Self::Window),
            "terminal" => Ok(Self::Terminal),
            "window" | "vnc" => Err(format!("not in this build: {KINDS} is needed")),
            _ if s.starts_with("vnc=") => Err(format!("not in this build: {KINDS} is needed")),
            _ => Err(format!("{KINDS} is needed")),
        }
    }
}

impl fmt::Display for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Window => "window",
            Self::Terminal => "terminal",
            Self::None => "none",
        })
    }
}

impl Display {
    /// What is shown when nobody says: a window where the host has a display and the build has windows, else the terminal if
    /// standard input and output are one, else nothing.
    #[must_use]
    pub fn for_this_host() -> Self {
        if HAS_WINDOW && host_has_display() {
            Self::Window
        } else if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
            Self::Terminal
        } else {
            Self::None
        }
    }

    /// Whether a person sits before it.
    #[must_use]
    pub fn is_interactive(self) -> bool {
        self != Self::None
    }
}

fn host_has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    cfg!(any(target_os = "macos", windows)) || set("WAYLAND_DISPLAY") || set("DISPLAY")
}

/// Something that a display, or a script, wants of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A key goes down or up.
    Key {
        /// Which.
        key: Key,
        /// Down.
        pressed: bool,
    },
    /// The mouse moved, or its buttons changed.
    Mouse(Mouse),
    /// End the run, with status 0.
    Quit,
    /// Stop the guest's time.
    Pause,
    /// Let it go on.
    Resume,
    /// Write the picture as PNG.
    Screenshot(PathBuf),
    /// Write the text-mode screen as text.
    DumpScreen(PathBuf),
    /// Write a snapshot.
    Save(PathBuf),
    /// Put an image into a drive with a removable medium.
    Insert {
        /// The drive.
        slot: Slot,
        /// The image.
        file: PathBuf,
    },
    /// Take the medium out of a drive.
    Eject {
        /// The drive.
        slot: Slot,
    },
}

/// A movement of the mouse and the state of its buttons after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mouse {
    /// Right, in counts.
    pub dx: i16,
    /// Towards the user, in counts.
    pub dy: i16,
    /// Wheel steps towards the user.
    pub dz: i8,
    /// Bit 0 left, bit 1 right, bit 2 middle.
    pub buttons: u8,
}

/// What the machine is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// Time passes.
    #[default]
    Running,
    /// [`Command::Pause`] came.
    Paused,
    /// The session is over: the display closes.
    Ended,
}

/// Figures for a status line or a title.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// What the machine is doing.
    pub state: State,
    /// Million instructions a host second, of the last second or so.
    pub mips: f64,
    /// Virtual time since power-on.
    pub now: VTime,
    /// The keyboard's LEDs: bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock.
    pub leds: u8,
    /// What the session last had to say about a command, such as where a screenshot went, or why a medium was refused.
    pub message: Option<String>,
}

/// What a display draws from. Cloning it is cheap.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Counts the pictures: draw again when it differs from that of the last look. 0 before the first.
    pub picture: u64,
    /// Counts everything, [`Status`] too.
    pub version: u64,
    /// The picture, with text modes drawn.
    pub frame: Arc<Frame>,
    /// The characters, in text modes.
    pub text: Option<Arc<TextScreen>>,
    /// For the status line.
    pub status: Status,
}

/// Called when [`Shared`] has something new.
type Waker = Box<dyn Fn() + Send>;

/// Where the session leaves what displays draw.
#[derive(Default)]
pub struct Shared {
    view: Mutex<View>,
    changed: Condvar,
    waker: Mutex<Option<Waker>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("view", &self.lock()).finish_non_exhaustive()
    }
}

impl Shared {
    /// With a black picture.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn lock(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest.
    #[must_use]
    pub fn view(&self) -> View {
        self.lock().clone()
    }

    /// Waits until there is something newer than `version`, at most `timeout`, and gives the latest.
    #[must_use]
    pub fn wait(&self, version: u64, timeout: Duration) -> View {
        let guard = self.lock();
        let waited = self.changed.wait_timeout_while(guard, timeout, |v| v.version == version);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Sets what is called, on the session's thread, after every change; it must only wake the display's own loop.
    pub fn set_waker(&self, waker: impl Fn() + Send + 'static) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(waker));
    }

    /// A new picture.
    pub fn show(&self, frame: Frame, text: Option<TextScreen>) {
        self.update(|v| {
            v.picture += 1;
            v.frame = Arc::new(frame);
            v.text = text.map(Arc::new);
        });
    }

    /// New figures. A message stays until another comes.
    pub fn set_status(&self, status: Status) {
        self.update(|v| {
            let message = status.message.or(v.status.message.take());
            v.status = Status { message, ..status };
        });
    }

    /// The session is over.
    pub fn end(&self) {
        self.update(|v| v.status.state = State::Ended);
    }

    fn update(&self, change: impl FnOnce(&mut View)) {
        {
            let mut view = self.lock();
            change(&mut view);
            view.version += 1;
        }
        self.changed.notify_all();
        if let Some(wake) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }
}

/// A display that has been opened.
pub trait Screen {
    /// Shows what is in `shared`, and sends what the user does, until [`State::Ended`]. Called on the main thread. A display that the
    /// user closes sends [`Command::Quit`] and goes on until that state comes.
    ///
    /// # Errors
    /// [`Failure::Host`] when it can show no more; the run ends then.
    fn run(self: Box<Self>, shared: &Arc<Shared>, commands: &Sender<Command>) -> Result<(), Failure>;
}

/// Opens a display, or none for [`Display::None`]. Nothing is shown yet.
///
/// # Errors
/// [`Failure::Host`] when the host has no such thing.
pub fn open(kind: Display) -> Result<Option<Box<dyn Screen>>, Failure> {
    Ok(match kind {
        Display::None => None,
        Display::Terminal => Some(Box::new(terminal::TerminalDisplay::open()?)),
        #[cfg(feature = "window")]
        Display::Window => Some(Box::new(window::WindowDisplay::open()?)),
        #[cfg(not(feature = "window"))]
        Display::Window => {
            let why = format!("not in this build, which was made without the feature `window`: {KINDS} is needed");
            return Err(Failure::Host(format!("--display window: {why}")));
        }
    })
}

/// The first screenshot's name that is free in the present folder; none when all are taken.
fn free_name() -> Option<PathBuf> {
    (1..10_000).map(|n| PathBuf::from(format!("ferrite-{n}.png"))).find(|p| !p.exists())
}

/// Tells the display that the session is over, however it came to its end.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Runs `machine` and shows what it leaves in `shared` until it is over. With a screen the machine runs on a thread of its own,
/// since the main thread (the caller's) is the screen's.
///
/// # Errors
/// [`Failure::Host`] when the screen fails; the machine has come to its end before.
pub fn run<T: Send + 'static>(
    screen: Option<Box<dyn Screen>>,
    shared: &Arc<Shared>,
    commands: &Sender<Command>,
    machine: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let Some(screen) = screen else { return Ok(machine()) };
    let thread = start(shared, machine)?;
    let shown = screen.run(shared, commands);
    // Heard if the machine still runs; a session that is over has no ears.
    let _ = commands.send(Command::Quit);
    let done = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    shown.map(|()| done)
}

/// Starts the machine's thread.
fn start<T: Send + 'static>(
    shared: &Arc<Shared>,
    machine: impl FnOnce() -> T + Send + 'static,
) -> Result<std::thread::JoinHandle<T>, Failure> {
    let shared = Arc::clone(shared);
    let thread = std::thread::Builder::new().name("machine".to_owned());
    let spawned = thread.spawn(move || {
        let _ending = Ending(&shared);
        machine()
    });
    spawned.map_err(|e| Failure::Host(format!("a thread for the machine: {}", crate::cli::reason(&e))))
}

/// The session's side of [`Shared`]: decides when something is worth showing.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    last: Option<Instant>,
    /// The guest's picture differs from what is shown.
    dirty: bool,
    /// Where the present measurement of the speed began: host time and retired instructions.
    measured: (Instant, u64),
    mips: f64,
}

/// Between two pictures: 60 a host second.
const PICTURE: Duration = Duration::from_nanos(16_666_667);

/// Over which the speed is measured.
const MEASURE: Duration = Duration::from_millis(500);

impl Publisher {
    /// For a session that begins with `retired` instructions.
    #[must_use]
    pub fn new(shared: Arc<Shared>, retired: u64) -> Self {
        Self { shared, last: None, dirty: true, measured: (Instant::now(), retired), mips: 0.0 }
    }

    /// Whether it is time for [`Publisher::show`].
    #[must_use]
    pub fn due(&self) -> bool {
        self.last.is_none_or(|t| t.elapsed() >= PICTURE)
    }

    /// The picture has changed.
    pub fn mark(&mut self) {
        self.dirty = true;
    }

    /// Shows the figures, and the picture (which `picture` draws) if it has changed.
    pub fn show(&mut self, status: Status, retired: u64, picture: impl FnOnce() -> (Frame, Option<TextScreen>)) {
        self.last = Some(Instant::now());
        let elapsed = self.measured.0.elapsed();
        if elapsed >= MEASURE {
            self.mips = retired.saturating_sub(self.measured.1) as f64 / elapsed.as_secs_f64() / 1e6;
            self.measured = (Instant::now(), retired);
        }
        if std::mem::take(&mut self.dirty) {
            let (frame, text) = picture();
            self.shared.show(frame, text);
        }
        self.shared.set_status(Status { mips: self.mips, ..status });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_one_spelling_and_a_wrong_one_is_answered_with_the_right() {
        assert_eq!("none".parse(), Ok(Display::None));
        assert_eq!("terminal".parse(), Ok(Display::Terminal));
        assert_eq!("window".parse::<Display>().is_ok(), HAS_WINDOW);
        for bad in ["", "vnc=:1", "gtk"] {
            assert!(bad.parse::<Display>().unwrap_err().ends_with("none is needed"), "{bad}");
        }
    }

    #[test]
    fn a_waiting_display_sees_the_next_picture_and_the_end() {
        let shared = Shared::new();
        let other = Arc::clone(&shared);
        let (tx, rx) = std::sync::mpsc::channel();
        shared.set_waker(move || tx.send(()).unwrap_or_default());
        let thread = start(&shared, move || other.show(Frame::black(2, 1), None)).unwrap();
        thread.join().unwrap();
        let view = shared.wait(0, Duration::from_secs(10));
        assert_eq!((view.picture, view.frame.width, view.status.state), (1, 2, State::Ended));
        assert_eq!(rx.try_iter().count(), 2);
        assert_eq!(shared.wait(view.version, Duration::ZERO).version, view.version, "nothing newer");
    }

    /// Waits for the first picture, presses a key and waits for the end.
    struct Viewer;

    impl Screen for Viewer {
        fn run(self: Box<Self>, shared: &Arc<Shared>, commands: &Sender<Command>) -> Result<(), Failure> {
            let mut view = shared.view();
            while view.picture == 0 {
                view = shared.wait(view.version, Duration::from_secs(10));
            }
            commands.send(Command::Key { key: Key(0x1c), pressed: true }).unwrap();
            while view.status.state != State::Ended {
                view = shared.wait(view.version, Duration::from_secs(10));
            }
            Ok(())
        }
    }

    #[test]
    fn a_screen_and_a_machine_meet_in_both_directions() {
        let shared = Shared::new();
        let machine = Arc::clone(&shared);
        let (tx, rx) = std::sync::mpsc::channel();
        let done = run(Some(Box::new(Viewer)), &shared, &tx, move || {
            machine.show(Frame::black(1, 1), None);
            rx.recv()
        });
        assert_eq!(done, Ok(Ok(Command::Key { key: Key(0x1c), pressed: true })));
    }

    #[test]
    fn a_machine_that_dies_ends_the_display_too() {
        let shared = Shared::new();
        let thread = start(&shared, || panic!("for the test")).unwrap();
        assert!(thread.join().is_err());
        assert_eq!(shared.view().status.state, State::Ended);
    }

    #[test]
    fn a_picture_is_drawn_only_after_a_change_and_a_message_stays() {
        let shared = Shared::new();
        let mut p = Publisher::new(Arc::clone(&shared), 0);
        assert!(p.due());
        let picture = || (Frame::black(1, 1), None);
        p.show(Status { message: Some("hello".into()), ..Status::default() }, 10, picture);
        p.show(Status::default(), 20, || panic!("nothing changed"));
        assert_eq!((shared.view().picture, shared.view().status.message.as_deref()), (1, Some("hello")));
        p.mark();
        p.show(Status::default(), 30, picture);
        assert_eq!(shared.view().picture, 2);
    }
}
