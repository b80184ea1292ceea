//! `--display window`: the guest's screen in a window of the host.
//!
//! | keys | what they do |
//! |---|---|
//! | Ctrl-Alt-G | take or release the mouse; a click into the window takes it, too |
//! | Ctrl-Alt-F | full screen, or back |
//! | Ctrl-Alt-I | whole factors of scaling only, or the largest picture |
//! | Ctrl-Alt-S | a screenshot, `ferrite-N.png` in the present folder |
//! | Ctrl-Alt-Q | end the run, as closing the window does |
//!
//! All others are the guest's, by their position on the keyboard, with presses and releases as they come; the guest's keyboard
//! repeats them itself. Only what the user does reaches the guest from here: its time does not depend on the window.

mod keys;
mod surface;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use ferrite_core::device::Key;
use winit::application::ApplicationHandler;
use winit::dpi::LogicalSize;
use winit::event::{DeviceEvent, DeviceId, ElementState, KeyEvent, MouseButton, MouseScrollDelta, WindowEvent};
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop};
use winit::keyboard::{KeyCode, ModifiersState, PhysicalKey};
use winit::window::{CursorGrabMode, Fullscreen, Window, WindowId};

use self::surface::Surface;
use super::scale::{self, Fit};
use super::{Command, Mouse, Screen, Shared, State, View, free_name};
use crate::Failure;

/// Inside of a new window, in the host's logical pixels: a text screen's width in the shape of a monitor.
const SIZE: LogicalSize<u32> = LogicalSize::new(720, 540);

/// Pixels of a touchpad's scrolling that make a step of a wheel.
const PIXELS_PER_STEP: f64 = 40.0;

/// A windowing system that answers.
pub struct WindowDisplay(EventLoop<()>);

impl WindowDisplay {
    /// Connects to the host's windowing system.
    ///
    /// # Errors
    /// [`Failure::Host`] where there is none.
    pub fn open() -> Result<Self, Failure> {
        let events = EventLoop::with_user_event().build();
        events
            .map(Self)
            .map_err(|e| Failure::Host(format!("--display window: {}; terminal or none would do", line(&e))))
    }
}

/// An error of a library as one line.
fn line(e: &impl std::fmt::Display) -> String {
    e.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

impl Screen for WindowDisplay {
    fn run(self: Box<Self>, shared: &Arc<Shared>, commands: &Sender<Command>) -> Result<(), Failure> {
        let proxy = self.0.create_proxy();
        // A loop that is over wants no waking.
        shared.set_waker(move || {
            let _ = proxy.send_event(());
        });
        self.0.set_control_flow(ControlFlow::Wait);
        let mut app = App {
            shared,
            commands,
            view: shared.view(),
            opened: None,
            fit: Fit::default(),
            modifiers: ModifiersState::empty(),
            pressed: BTreeSet::new(),
            swallowed: BTreeSet::new(),
            buttons: 0,
            motion: (0.0, 0.0),
            wheel: 0.0,
            grabbed: false,
            title: String::new(),
            failure: None,
        };
        let ran = self.0.run_app(&mut app);
        match (app.failure, ran) {
            (Some(why), _) => Err(Failure::Host(format!("--display window: {why}"))),
            (None, Err(e)) => Err(Failure::Host(format!("--display window: {}", line(&e)))),
            (None, Ok(())) => Ok(()),
        }
    }
}

struct Opened {
    window: Arc<Window>,
    surface: Surface,
    /// The picture that was drawn last.
    drawn: u64,
}

struct App<'a> {
    shared: &'a Shared,
    commands: &'a Sender<Command>,
    view: View,
    opened: Option<Opened>,
    fit: Fit,
    modifiers: ModifiersState,
    /// Keys that the guest holds down.
    pressed: BTreeSet<Key>,
    /// Keys whose press was ours, and whose release is, too.
    swallowed: BTreeSet<KeyCode>,
    buttons: u8,
    /// Movement that has not made a whole count yet.
    motion: (f64, f64),
    wheel: f64,
    grabbed: bool,
    title: String,
    failure: Option<String>,
}

impl App<'_> {
    /// A session that is over has no ears, and its end is on the way.
    fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    fn fail(&mut self, events: &ActiveEventLoop, why: String) {
        self.failure = Some(why);
        events.exit();
    }

    fn look(&mut self, events: &ActiveEventLoop) {
        self.view = self.shared.view();
        if self.view.status.state == State::Ended {
            events.exit();
            return;
        }
        let title = self.new_title();
        let Some(opened) = &self.opened else { return };
        if opened.drawn != self.view.picture {
            opened.window.request_redraw();
        }
        if title != self.title {
            opened.window.set_title(&title);
            self.title = title;
        }
    }

    fn new_title(&self) -> String {
        let status = &self.view.status;
        let state = match status.state {
            State::Running => format!("{:.0} MIPS", status.mips),
            State::Paused => "paused".to_owned(),
            State::Ended => "ended".to_owned(),
        };
        let mouse = if self.grabbed { " - Ctrl-Alt-G releases the mouse" } else { "" };
        let message = status.message.as_deref().map(|m| format!(" - {m}")).unwrap_or_default();
        format!("Ferrite - {state}{mouse}{message}")
    }

    fn draw(&mut self, events: &ActiveEventLoop) {
        let fit = self.fit;
        let Some(opened) = &mut self.opened else { return };
        let frame = Arc::clone(&self.view.frame);
        let size = opened.surface.size();
        let at = scale::place((frame.width, frame.height), size, fit);
        opened.window.pre_present_notify();
        let shown = opened.surface.present(|out| scale::draw(&frame, at, out, size.0));
        opened.drawn = self.view.picture;
        if let Err(why) = shown {
            self.fail(events, why);
        }
    }

    fn key(&mut self, events: &ActiveEventLoop, event: &KeyEvent) {
        let PhysicalKey::Code(code) = event.physical_key else { return };
        let down = event.state == ElementState::Pressed;
        if event.repeat {
            return; // the guest's keyboard has its own rate
        }
        if !down && self.swallowed.remove(&code) {
            return;
        }
        let ours = self.modifiers.control_key() && self.modifiers.alt_key();
        if down && ours && self.shortcut(events, code) {
            self.swallowed.insert(code);
            return;
        }
        let Some(key) = keys::key(code) else { return };
        let changed = if down { self.pressed.insert(key) } else { self.pressed.remove(&key) };
        if changed {
            self.send(Command::Key { key, pressed: down });
        }
    }

    /// What Ctrl-Alt with this key does here; false when it is the guest's.
    fn shortcut(&mut self, events: &ActiveEventLoop, code: KeyCode) -> bool {
        match code {
            KeyCode::KeyG => self.grab(!self.grabbed),
            KeyCode::KeyF => {
                if let Some(opened) = &self.opened {
                    let full = opened.window.fullscreen().is_none().then_some(Fullscreen::Borderless(None));
                    opened.window.set_fullscreen(full);
                }
            }
            KeyCode::KeyI => {
                self.fit = if self.fit == Fit::Aspect { Fit::Integer } else { Fit::Aspect };
                self.draw(events);
            }
            KeyCode::KeyS => match free_name() {
                Some(file) => self.send(Command::Screenshot(file)),
                None => tracing::warn!("ferrite-1.png to ferrite-9999.png are all there: no screenshot"),
            },
            KeyCode::KeyQ => self.send(Command::Quit),
            _ => return false,
        }
        true
    }

    /// Takes the mouse, or gives it back.
    fn grab(&mut self, take: bool) {
        let Some(opened) = &self.opened else { return };
        let window = &opened.window;
        if take {
            // Not every host can hold the pointer in one place; then it stays in the window.
            let held = window
                .set_cursor_grab(CursorGrabMode::Locked)
                .or_else(|_| window.set_cursor_grab(CursorGrabMode::Confined));
            if let Err(e) = held {
                tracing::warn!("the host does not give the mouse away: {e}");
            }
        } else if let Err(e) = window.set_cursor_grab(CursorGrabMode::None) {
            tracing::warn!("the mouse cannot be released: {e}");
        }
        window.set_cursor_visible(!take);
        self.grabbed = take;
        if !take && self.buttons != 0 {
            self.buttons = 0;
            self.mouse(0, 0, 0);
        }
        let title = self.new_title();
        if let Some(opened) = &self.opened {
            opened.window.set_title(&title);
        }
        self.title = title;
    }

    fn mouse(&self, dx: i16, dy: i16, dz: i8) {
        self.send(Command::Mouse(Mouse { dx, dy, dz, buttons: self.buttons }));
    }

    fn button(&mut self, button: MouseButton, state: ElementState) {
        let bit = match button {
            MouseButton::Left => 1,
            MouseButton::Right => 2,
            MouseButton::Middle => 4,
            _ => return,
        };
        match (self.grabbed, state) {
            (true, ElementState::Pressed) => self.buttons |= bit,
            (true, ElementState::Released) => self.buttons &= !bit,
            // The click that takes the mouse is not the guest's.
            (false, ElementState::Pressed) => return self.grab(true),
            (false, ElementState::Released) => return,
        }
        self.mouse(0, 0, 0);
    }

    fn scroll(&mut self, delta: MouseScrollDelta) {
        if !self.grabbed {
            return;
        }
        self.wheel -= match delta {
            MouseScrollDelta::LineDelta(_, y) => f64::from(y),
            MouseScrollDelta::PixelDelta(p) => p.y / PIXELS_PER_STEP,
        };
        let steps = self.wheel.trunc();
        self.wheel -= steps;
        if steps != 0.0 {
            self.mouse(0, 0, steps.clamp(-100.0, 100.0) as i8);
        }
    }

    /// The keyboard is another window's now: the guest must not hold keys that nobody will release.
    fn unfocused(&mut self) {
        for key in std::mem::take(&mut self.pressed) {
            self.send(Command::Key { key, pressed: false });
        }
        if self.grabbed {
            self.grab(false);
        }
    }
}

impl ApplicationHandler for App<'_> {
    fn resumed(&mut self, events: &ActiveEventLoop) {
        if self.opened.is_some() {
            return;
        }
        self.title = self.new_title();
        let attributes = Window::default_attributes().with_title(&self.title).with_inner_size(SIZE);
        let window = match events.create_window(attributes) {
            Ok(window) => Arc::new(window),
            Err(e) => return self.fail(events, line(&e)),
        };
        match Surface::new(&window) {
            Ok(surface) => self.opened = Some(Opened { window, surface, drawn: 0 }),
            Err(why) => return self.fail(events, why),
        }
        self.draw(events);
    }

    fn user_event(&mut self, events: &ActiveEventLoop, (): ()) {
        self.look(events);
    }

    fn window_event(&mut self, events: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested => self.send(Command::Quit),
            WindowEvent::Resized(size) => {
                let resized = self.opened.as_mut().map_or(Ok(()), |o| o.surface.resize(size));
                match resized {
                    Ok(()) => self.draw(events),
                    Err(why) => self.fail(events, why),
                }
            }
            WindowEvent::RedrawRequested => self.draw(events),
            WindowEvent::Focused(false) => self.unfocused(),
            WindowEvent::ModifiersChanged(m) => self.modifiers = m.state(),
            WindowEvent::KeyboardInput { event, is_synthetic: false, .. } => self.key(events, &event),
            WindowEvent::MouseInput { button, state, .. } => self.button(button, state),
            WindowEvent::MouseWheel { delta, .. } => self.scroll(delta),
            _ => {}
        }
    }

    fn device_event(&mut self, _: &ActiveEventLoop, _: DeviceId, event: DeviceEvent) {
        let DeviceEvent::MouseMotion { delta: (dx, dy) } = event else { return };
        if !self.grabbed {
            return;
        }
        let (x, y) = (self.motion.0 + dx, self.motion.1 + dy);
        let whole = (x.trunc(), y.trunc());
        self.motion = (x - whole.0, y - whole.1);
        if whole != (0.0, 0.0) {
            // Float to integer saturates.
            self.mouse(whole.0 as i16, whole.1 as i16, 0);
        }
    }

    fn about_to_wait(&mut self, events: &ActiveEventLoop) {
        // A wake that came before the window was there.
        if self.view.version != self.shared.view().version {
            self.look(events);
        }
    }
}
