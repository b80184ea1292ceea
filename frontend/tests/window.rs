//! The real window, under Xvfb: it shows the demonstration, takes keys and the mouse by X events, is resized, and shows what the
//! guest draws, scaled. Says that it was skipped where there is no Xvfb.
#![cfg(all(feature = "window", target_os = "linux"))]
// The host's clock bounds how long the test waits for the X server.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ferrite::display::scale::{self, Fit};
use ferrite_devices::video::frame::Frame;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConfigureWindowAux, ConnectionExt as _, ImageFormat,
    InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// As long as a loaded host may take for anything here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends the process when the test ends, however it ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An X server of the test's own, and a connection to it.
struct X {
    _server: Process,
    display: String,
    connection: RustConnection,
    root: Window,
}

impl X {
    /// Starts a server on a free display; nothing where Xvfb is not installed, which is said.
    fn start() -> Option<X> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]);
        let Ok(mut child) = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
            println!("skipped: no Xvfb");
            return None;
        };
        let mut number = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut number).expect("the server names its display");
        let display = format!(":{}", number.trim());
        let (connection, screen) = x11rb::connect(Some(&display)).expect("the server answers");
        let root = connection.setup().roots[screen].root;
        Some(X { _server: Process(child), display, connection, root })
    }

    /// The window whose title begins with `Ferrite`.
    fn window(&self) -> Option<Window> {
        let children = self.connection.query_tree(self.root).ok()?.reply().ok()?.children;
        children.into_iter().find(|w| {
            let name = self.connection.get_property(false, *w, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64);
            name.ok().and_then(|c| c.reply().ok()).is_some_and(|r| r.value.starts_with(b"Ferrite"))
        })
    }

    fn fake(&self, kind: u8, detail: u8, x: i16, y: i16) {
        self.connection.xtest_fake_input(kind, detail, 0, self.root, x, y, 0).expect("XTEST").check().expect("XTEST");
        std::thread::sleep(Duration::from_millis(60));
    }

    /// Presses and releases keys of a Linux keyboard, by evdev's codes.
    fn keys(&self, codes: &[u8]) {
        for code in codes {
            self.fake(KEY_PRESS_EVENT, code + 8, 0, 0);
            self.fake(KEY_RELEASE_EVENT, code + 8, 0, 0);
        }
    }

    /// Ctrl-Alt with a key.
    fn shortcut(&self, code: u8) {
        self.fake(KEY_PRESS_EVENT, 29 + 8, 0, 0);
        self.fake(KEY_PRESS_EVENT, 56 + 8, 0, 0);
        self.keys(&[code]);
        self.fake(KEY_RELEASE_EVENT, 56 + 8, 0, 0);
        self.fake(KEY_RELEASE_EVENT, 29 + 8, 0, 0);
    }

    fn focus(&self, window: Window) {
        self.connection.set_input_focus(InputFocus::PARENT, window, 0u32).expect("focus").check().expect("focus");
    }

    fn size(&self, window: Window) -> (u32, u32) {
        let g = self.connection.get_geometry(window).expect("geometry").reply().expect("geometry");
        (g.width.into(), g.height.into())
    }

    /// What the window shows, `0x00RRGGBB`.
    fn picture(&self, window: Window) -> Vec<u32> {
        let (w, h) = self.size(window);
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, w as u16, h as u16, !0);
        let data = image.expect("image").reply().expect("image").data;
        data.chunks_exact(4).map(|p| u32::from_le_bytes([p[0], p[1], p[2], 0])).collect()
    }
}

/// Waits until `done` gives something.
fn wait<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Starts the command with a window on `x`, in `dir`.
fn ferrite(x: &X, dir: &Path, args: &[&str]) -> (Process, Window) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferrite"));
    command.args(["run", "--display", "window"]).args(args).current_dir(dir).stdin(Stdio::null());
    command.env("DISPLAY", &x.display).env_remove("WAYLAND_DISPLAY");
    let child = Process(command.spawn().expect("the command starts"));
    let window = wait("a window", || x.window());
    x.focus(window);
    (child, window)
}

fn ended(child: &mut Process) -> Option<i32> {
    wait("the end", || child.0.try_wait().expect("a child")).code()
}

fn frame(file: &Path) -> Frame {
    let decoder = png::Decoder::new(BufReader::new(std::fs::File::open(file).expect("a screenshot")));
    let mut reader = decoder.read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut bytes).expect("a PNG");
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    let pixels = bytes.chunks_exact(3).map(|p| u32::from_be_bytes([0, p[0], p[1], p[2]])).collect();
    Frame { width: info.width, height: info.height, pixels }
}

#[test]
fn the_demonstration_takes_keys_and_the_mouse() {
    let Some(x) = X::start() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let serial = dir.path().join("serial");
    let (mut child, window) = ferrite(&x, dir.path(), &["--serial", "file:serial"]);
    let said = |text: &str| {
        wait(text, || std::fs::read_to_string(&serial).ok().filter(|s| s.contains(text)));
    };
    said("ferrite> ");
    // Blue is the page's ground.
    wait("a picture", || x.picture(window).contains(&0x00_00aa).then_some(()));
    x.keys(&[35, 18, 38, 38, 24, 28]); // hello, Enter
    said("Hello from the guest.");
    // The first click takes the mouse, the second is the guest's.
    x.fake(MOTION_NOTIFY_EVENT, 0, 300, 200);
    for _ in 0..2 {
        x.fake(BUTTON_PRESS_EVENT, 1, 0, 0);
        x.fake(BUTTON_RELEASE_EVENT, 1, 0, 0);
    }
    x.fake(MOTION_NOTIFY_EVENT, 0, 330, 230);
    said("A mouse button was pressed.");
    x.shortcut(34); // G: the mouse is free again
    x.shortcut(16); // Q
    assert_eq!(ended(&mut child), Some(0));
}

#[test]
fn the_window_shows_the_headless_frame_scaled_at_any_size() {
    let Some(x) = X::start() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("picture.img"), still_picture()).expect("an image");
    let (mut child, window) = ferrite(&x, dir.path(), &["--fda", "picture.img"]);
    // Mode 13h, which leaves nothing of the text screen.
    wait("the picture", || x.picture(window).contains(&0xff_ffff).then_some(()));
    let shot: PathBuf = dir.path().join("ferrite-1.png");
    for (n, (width, height)) in [(720, 540), (1280, 960), (1000, 700), (640, 801)].into_iter().enumerate() {
        let to = ConfigureWindowAux::new().width(width).height(height);
        x.connection.configure_window(window, &to).expect("resize").check().expect("resize");
        if n == 0 {
            x.shortcut(31); // S
        }
        let guest = wait("a screenshot", || shot.is_file().then(|| frame(&shot)));
        assert_eq!((guest.width, guest.height), (320, 400));
        let at = scale::place((guest.width, guest.height), (width, height), Fit::Aspect);
        let mut want = vec![0; (width * height) as usize];
        scale::draw(&guest, at, &mut want, width);
        wait(&format!("{width} x {height}"), || {
            (x.size(window) == (width, height) && x.picture(window) == want).then_some(())
        });
    }
    x.shortcut(16);
    assert_eq!(ended(&mut child), Some(0));
}

/// A floppy whose boot sector fills the screen of mode 13h with all 256 colours and stops.
fn still_picture() -> Vec<u8> {
    let code = [
        0xb8, 0x13, 0x00, // mov ax, 13h
        0xcd, 0x10, // int 10h
        0xb8, 0x00, 0xa0, // mov ax, A000h
        0x8e, 0xc0, // mov es, ax
        0x31, 0xff, // xor di, di
        0x89, 0xf8, // next: mov ax, di
        0x00, 0xe0, // add al, ah
        0xaa, // stosb
        0x85, 0xff, // test di, di
        0x75, 0xf7, // jnz next
        0xf4, // stop: hlt
        0xeb, 0xfd, // jmp stop
    ];
    let mut image = vec![0; 1440 << 10];
    image[..code.len()].copy_from_slice(&code);
    image[510..512].copy_from_slice(&[0x55, 0xaa]);
    image
}
