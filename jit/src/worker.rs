//! Translation on a second thread. When a translation is ready changes nothing that the guest can see.
#![allow(clippy::disallowed_methods)] // the time a translation took is for statistics only

use crate::compile::{Compiler, Translation};
use crate::persist::{self, Shelf};
use crate::plan::Request;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

/// A region's number, its translation, and the nanoseconds that it took.
pub type Answer = (u32, Option<Translation>, u64);

/// See the module's text.
#[derive(Debug)]
pub struct Worker {
    ask: Option<Sender<Request>>,
    answers: Receiver<Answer>,
    /// Answers that were given and that were taken: a look at these costs less than one at the channel.
    told: Arc<AtomicU64>,
    taken: u64,
    thread: Option<JoinHandle<()>>,
    /// Nobody waits for what is still asked for.
    closing: Arc<AtomicBool>,
}

impl Worker {
    /// Starts the thread.
    pub fn new(mut compiler: Compiler, shelf: Option<Shelf>) -> Self {
        let (ask, requests) = channel::<Request>();
        let (tell, answers) = channel();
        let closing = Arc::new(AtomicBool::new(false));
        let closes = closing.clone();
        let told = Arc::new(AtomicU64::new(0));
        let tells = told.clone();
        let thread = std::thread::Builder::new()
            .name("translator".to_owned())
            .spawn(move || {
                for req in requests {
                    let (done, ns) = timed(|| persist::translate(&mut compiler, shelf.as_ref(), &req));
                    if closes.load(Ordering::Relaxed) || tell.send((req.id, done, ns)).is_err() {
                        return;
                    }
                    tells.fetch_add(1, Ordering::Release);
                }
            })
            .ok();
        Self { ask: Some(ask), answers, told, taken: 0, thread, closing }
    }

    /// Asks for a translation.
    pub fn ask(&mut self, req: Request) {
        if let Some(ask) = &self.ask {
            // Where the thread could not be started, nothing is ever ready.
            let _ = ask.send(req);
        }
    }

    /// Whether a translation is ready.
    #[inline]
    pub fn is_ready(&self) -> bool {
        self.told.load(Ordering::Acquire) != self.taken
    }

    /// A translation that is ready.
    #[inline]
    pub fn take(&mut self) -> Option<Answer> {
        if !self.is_ready() {
            return None;
        }
        let answer = self.answers.try_recv().ok()?;
        self.taken += 1;
        Some(answer)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What `f` gives, and the nanoseconds that it took.
pub fn timed<T>(f: impl FnOnce() -> T) -> (T, u64) {
    let start = Instant::now();
    let result = f();
    (result, start.elapsed().as_nanos() as u64)
}
