//! Far ends of serial lines and of the debug console.
//!
//! What the guest sends goes out at once into a buffer that [`Lines::flush`] empties. What comes in is read by a thread
//! and waits until the session takes it: it enters the machine only between two runs, stamped with their count.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use ferrite_devices::host::CharPort;

use super::tty::{Escape, RawMode};
use crate::Failure;
use crate::cli::reason;
use crate::config::Serial;

/// A writer that the guest's side and the session share.
type Sink = Arc<Mutex<BufWriter<Box<dyn Write + Send>>>>;

/// Something that came from outside.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Bytes for the serial line of this number.
    Bytes(usize, Vec<u8>),
    /// Ctrl-A X.
    Quit,
}

/// All lines of a machine, from the host's side.
pub struct Lines {
    sinks: Vec<Sink>,
    incoming: Receiver<Incoming>,
    sender: Sender<Incoming>,
    found: Arc<AtomicBool>,
    /// What serial lines have sent since a script last asked, if one does.
    taps: Option<Vec<Tap>>,
    _raw: Option<RawMode>,
    stdio: Option<Sink>,
    stdin_taken: bool,
}

/// A serial line's number and what it has sent.
type Tap = (usize, Arc<Mutex<Vec<u8>>>);

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("sinks", &self.sinks.len()).finish_non_exhaustive()
    }
}

impl Default for Lines {
    fn default() -> Self {
        let (sender, incoming) = channel();
        let found = Arc::new(AtomicBool::new(false));
        Self { sinks: Vec::new(), incoming, sender, found, taps: None, _raw: None, stdio: None, stdin_taken: false }
    }
}

impl Lines {
    /// Opens the far end of serial line `line`; `until` is the text that ends the run when it appears there.
    ///
    /// # Errors
    /// [`Failure::Host`] naming the option and what could not be opened, [`Failure::Usage`] for a second reader of
    /// standard input.
    pub fn serial(&mut self, line: usize, spec: &Serial, until: Option<&str>) -> Result<Box<dyn CharPort>, Failure> {
        let mut port = self.open("--serial", Some(line), spec)?;
        if let Some(taps) = &mut self.taps {
            let heard = Arc::default();
            taps.push((line, Arc::clone(&heard)));
            port = Box::new(Tapped { inner: port, heard });
        }
        Ok(match until {
            Some(text) => Box::new(Watch { inner: port, search: Search::new(text), found: Arc::clone(&self.found) }),
            None => port,
        })
    }

    /// Keeps what the lines that are opened from here on send, for [`Lines::heard`].
    pub fn tap(&mut self) {
        self.taps.get_or_insert_default();
    }

    /// What serial lines have sent since the last call, and their numbers.
    #[must_use]
    pub fn heard(&self) -> Vec<(usize, Vec<u8>)> {
        let take = |(line, heard): &Tap| {
            let bytes = std::mem::take(&mut *heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            (!bytes.is_empty()).then_some((*line, bytes))
        };
        self.taps.iter().flatten().filter_map(take).collect()
    }

    /// Opens what a port that only writes goes to, as `option` asks for it.
    ///
    /// # Errors
    /// [`Failure::Host`] naming the option and what could not be opened.
    pub fn console(&mut self, option: &str, spec: &Serial) -> Result<Box<dyn CharPort>, Failure> {
        self.open(option, None, spec)
    }

    fn open(&mut self, option: &str, line: Option<usize>, spec: &Serial) -> Result<Box<dyn CharPort>, Failure> {
        let fail = |what: &str, e: &io::Error| Failure::Host(format!("{option} {what}: {}", reason(e)));
        match spec {
            Serial::Null => Ok(Box::new(ferrite_devices::host::Null)),
            Serial::Stdio => {
                if let Some(line) = line {
                    if self.stdin_taken {
                        return Err(Failure::Usage(format!(
                            "{option} stdio: standard input is already another line's"
                        )));
                    }
                    self.stdin_taken = true;
                    self._raw = RawMode::enter();
                    let escape = self._raw.is_some().then(Escape::default);
                    self.listen(line, Box::new(io::stdin()), escape);
                }
                let sink = match &self.stdio {
                    Some(sink) => Arc::clone(sink),
                    None => self.sink(Box::new(io::stdout())),
                };
                self.stdio = Some(Arc::clone(&sink));
                Ok(Box::new(Out(sink)))
            }
            Serial::File(path) => {
                let file = File::create(path).map_err(|e| fail(&format!("file:{}", path.display()), &e))?;
                Ok(Box::new(Out(self.sink(Box::new(file)))))
            }
            Serial::Tcp(addr) => {
                let what = format!("tcp:{addr}");
                let stream = std::net::TcpStream::connect(addr).map_err(|e| fail(&what, &e))?;
                let _ = stream.set_nodelay(true); // an optimisation only
                let reader = stream.try_clone().map_err(|e| fail(&what, &e))?;
                Ok(self.duplex(line, Box::new(reader), Box::new(stream)))
            }
            #[cfg(unix)]
            Serial::Unix(path) => {
                let what = format!("unix:{}", path.display());
                let stream = std::os::unix::net::UnixStream::connect(path).map_err(|e| fail(&what, &e))?;
                let reader = stream.try_clone().map_err(|e| fail(&what, &e))?;
                Ok(self.duplex(line, Box::new(reader), Box::new(stream)))
            }
            #[cfg(unix)]
            Serial::Pty => {
                let (master, name) = open_pty().map_err(|e| fail("pty", &e))?;
                let reader = master.try_clone().map_err(|e| fail("pty", &e))?;
                eprintln!("serial {} is {name}", line.unwrap_or(0));
                Ok(self.duplex(line, Box::new(reader), Box::new(master)))
            }
            #[cfg(not(unix))]
            Serial::Unix(_) | Serial::Pty => Err(Failure::Host(format!("{option}: this host has no such thing"))),
        }
    }

    fn duplex(&mut self, line: Option<usize>, r: Box<dyn Read + Send>, w: Box<dyn Write + Send>) -> Box<dyn CharPort> {
        if let Some(line) = line {
            self.listen(line, r, None);
        }
        Box::new(Out(self.sink(w)))
    }

    fn sink(&mut self, w: Box<dyn Write + Send>) -> Sink {
        let sink = Arc::new(Mutex::new(BufWriter::new(w)));
        self.sinks.push(Arc::clone(&sink));
        sink
    }

    /// Reads in a thread that lives as long as its source, or the process.
    fn listen(&self, line: usize, mut from: Box<dyn Read + Send>, mut escape: Option<Escape>) {
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            let mut buf = [0; 4096];
            loop {
                let n = match from.read(&mut buf) {
                    Ok(0) => break,
                    Ok(n) => n,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Err(_) => break, // the far end has gone; the guest sees silence
                };
                let mut bytes = Vec::new();
                let quit = match &mut escape {
                    Some(e) => e.filter(&buf[..n], &mut bytes),
                    None => {
                        bytes.extend(&buf[..n]);
                        false
                    }
                };
                let sent = sender.send(Incoming::Bytes(line, bytes));
                if sent.is_err() || quit && sender.send(Incoming::Quit).is_err() {
                    break;
                }
            }
        });
    }

    /// What has come in since the last call.
    pub fn incoming(&self) -> impl Iterator<Item = Incoming> + '_ {
        self.incoming.try_iter()
    }

    /// Whether the text that ends the run has appeared.
    #[must_use]
    pub fn found(&self) -> bool {
        self.found.load(Ordering::Relaxed)
    }

    /// Hands everything that the guest sent to the host.
    pub fn flush(&self) {
        for sink in &self.sinks {
            // A reader that has gone away wants no more bytes; the guest goes on.
            let _ = sink.lock().unwrap_or_else(std::sync::PoisonError::into_inner).flush();
        }
    }
}

/// A new pseudo-terminal: its master end and the name of its slave.
#[cfg(unix)]
fn open_pty() -> io::Result<(File, String)> {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?.to_string_lossy().into_owned();
    // Bytes pass unchanged, as on a line without a terminal driver.
    let mut raw = rustix::termios::tcgetattr(&master)?;
    raw.make_raw();
    rustix::termios::tcsetattr(&master, rustix::termios::OptionalActions::Now, &raw)?;
    Ok((File::from(master), name))
}

/// A line's end that writes to a sink.
struct Out(Sink);

impl CharPort for Out {
    fn transmit(&mut self, byte: u8) {
        let mut out = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = out.write_all(&[byte]); // as in `flush`
    }
}

/// Keeps a copy of what passes until the session takes it, which it does at every look.
struct Tapped {
    inner: Box<dyn CharPort>,
    heard: Arc<Mutex<Vec<u8>>>,
}

/// More than a guest sends between two looks of the session; nobody may be there to take it.
const TAPPED: usize = 1 << 20;

impl CharPort for Tapped {
    fn transmit(&mut self, byte: u8) {
        self.inner.transmit(byte);
        let mut heard = self.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if heard.len() < TAPPED {
            heard.push(byte);
        }
    }
}

/// Looks for a text in what passes.
struct Watch {
    inner: Box<dyn CharPort>,
    search: Search,
    found: Arc<AtomicBool>,
}

impl CharPort for Watch {
    fn transmit(&mut self, byte: u8) {
        self.inner.transmit(byte);
        if self.search.feed(byte) {
            self.found.store(true, Ordering::Relaxed);
        }
    }
}

/// Finds a text in a stream of bytes (Knuth, Morris and Pratt).
#[derive(Debug)]
struct Search {
    text: Vec<u8>,
    /// Length of the longest proper border of each prefix.
    border: Vec<usize>,
    matched: usize,
}

impl Search {
    fn new(text: &str) -> Self {
        let text = text.as_bytes().to_vec();
        let mut border = vec![0; text.len()];
        let mut k = 0;
        for i in 1..text.len() {
            while k > 0 && text[i] != text[k] {
                k = border[k - 1];
            }
            k += usize::from(text[i] == text[k]);
            border[i] = k;
        }
        Self { text, border, matched: 0 }
    }

    /// Takes one byte; true when it completes the text.
    fn feed(&mut self, byte: u8) -> bool {
        while self.matched > 0 && self.text.get(self.matched) != Some(&byte) {
            self.matched = self.border[self.matched - 1];
        }
        self.matched += usize::from(self.text.get(self.matched) == Some(&byte));
        !self.text.is_empty() && self.matched == self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_across_a_false_start() {
        let find = |text: &str, stream: &str| {
            let mut s = Search::new(text);
            stream.bytes().position(|b| s.feed(b))
        };
        assert_eq!(find("aab", "aaab"), Some(3));
        assert_eq!(find("login: ", "login log login: x"), Some(16));
        assert_eq!(find("abab", "abaabab"), Some(6));
        assert_eq!(find("x", "abc"), None);
        assert_eq!(find("", "abc"), None);
    }

    #[test]
    fn a_file_line_holds_what_was_sent_and_is_watched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("serial");
        let mut lines = Lines::default();
        let mut port = lines.serial(0, &Serial::File(path.clone()), Some("done")).unwrap();
        b"all do".iter().for_each(|b| port.transmit(*b));
        assert!(!lines.found());
        b"ne".iter().for_each(|b| port.transmit(*b));
        assert!(lines.found());
        lines.flush();
        assert_eq!(std::fs::read(path).unwrap(), b"all done");
    }

    #[test]
    fn a_tapped_line_gives_what_was_sent_once() {
        let mut lines = Lines::default();
        lines.tap();
        let mut port = lines.serial(2, &Serial::Null, None).unwrap();
        b"ab".iter().for_each(|b| port.transmit(*b));
        assert_eq!(lines.heard(), [(2, b"ab".to_vec())]);
        assert!(lines.heard().is_empty());
    }

    #[test]
    fn a_socket_carries_both_ways() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut lines = Lines::default();
        let spec = Serial::Tcp(listener.local_addr().unwrap().to_string());
        let mut port = lines.serial(1, &spec, None).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        port.transmit(b'>');
        lines.flush();
        let mut got = [0];
        far.read_exact(&mut got).unwrap();
        far.write_all(b"<").unwrap();
        let came = lines.incoming.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
        assert_eq!((got, came), (*b">", Incoming::Bytes(1, b"<".to_vec())));
    }

    #[test]
    fn what_cannot_be_opened_is_named() {
        let mut lines = Lines::default();
        let e = lines.serial(0, &Serial::File("/no/such/file".into()), None).err().unwrap();
        assert_eq!(
            (e.status(), e.to_string()),
            (4, "--serial file:/no/such/file: No such file or directory".to_owned())
        );
    }
}
