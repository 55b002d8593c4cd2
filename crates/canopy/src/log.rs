//! The log: lines on standard error, as text or JSON. A reader that is slow, stuck or gone holds nothing up.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::environment::Environment;

/// Lines that wait for the reader, some hundred bytes each. Further ones are lost, and their number is told.
const WAITING: usize = 8192;
/// How long the end waits for the reader.
const FAREWELL: Duration = Duration::from_millis(500);

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people, in colour on a terminal
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

/// Begins the log of the process. What waits is written when the guard is dropped.
pub(crate) fn begin(format: LogFormat, environment: &Environment) -> LogGuard {
    let filter = environment
        .var("CANOPY_LOG")
        .unwrap_or_else(|| "warn,canopy=info".to_owned());
    IS_JSON.store(format == LogFormat::Json, Ordering::Relaxed);
    let (lines, guard) = lines(|| io::stderr().lock());
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(lines);
    match format {
        LogFormat::Text => {
            let is_colourful = io::stderr().is_terminal() && environment.var("NO_COLOR").is_none();
            log.with_ansi(is_colourful).with_target(false).init();
        }
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .init(),
    }
    guard
}

/// Tells the person at the terminal something that is no line of the log; where that is JSON, it becomes one, so that all of
/// standard error is. Nobody may be reading.
pub(crate) fn note(text: &str) {
    if IS_JSON.load(Ordering::Relaxed) {
        tracing::info!("{text}");
    } else {
        let _nobody_reads = writeln!(io::stderr(), "{text}");
    }
}

/// The same for why the program ends without having done what it was to do.
pub(crate) fn failure(text: &str) {
    if IS_JSON.load(Ordering::Relaxed) {
        tracing::error!("{text}");
    } else {
        let _nobody_reads = writeln!(io::stderr(), "canopy: {text}");
    }
}

/// Whether the log of this process is JSON.
static IS_JSON: AtomicBool = AtomicBool::new(false);

enum Message {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

/// Hands lines to a thread of their own, and never waits.
#[derive(Clone)]
struct Lines {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

/// Writes what waits when it is dropped.
pub(crate) struct LogGuard(SyncSender<Message>);

fn lines<W: io::Write>(open: impl Fn() -> W + Send + 'static) -> (Lines, LogGuard) {
    let (sender, receiver) = sync_channel(WAITING);
    let lost = Arc::<AtomicU64>::default();
    let lines = Lines {
        sender: sender.clone(),
        lost: Arc::clone(&lost),
    };
    // Without a thread there is no log; everything else works all the same.
    let _ = std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write(&receiver, &lost, open));
    (lines, LogGuard(sender))
}

fn write<W: io::Write>(messages: &Receiver<Message>, lost: &AtomicU64, open: impl Fn() -> W) {
    for message in messages {
        match message {
            // A reader that is gone may be followed by another, e.g. at a named pipe.
            Message::Line(line) => {
                let mut output = open();
                let _nobody_reads = output.write_all(&line);
                let lost = lost.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    let told = if IS_JSON.load(Ordering::Relaxed) {
                        format!(
                            "{{\"level\":\"WARN\",\"message\":\"lines of the log were lost here, as nobody read them in time\",\"lost\":{lost}}}"
                        )
                    } else {
                        format!(
                            "canopy: {lost} lines of the log were lost here, as nobody read them in time"
                        )
                    };
                    let _nobody_reads = writeln!(output, "{told}");
                }
            }
            Message::Flush(done) => {
                // Whoever asked may have gone on.
                let _ = done.try_send(());
            }
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        // Where the queue is full nobody reads.
        if self.0.try_send(Message::Flush(done)).is_ok() {
            let _ = written.recv_timeout(FAREWELL);
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for Lines {
    /// Each call is one line: the subscriber writes them whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.sender.try_send(Message::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    /// Keeps what is written, each write once it is allowed.
    struct Stuck {
        kept: Arc<Mutex<Vec<u8>>>,
        allowed: Arc<Mutex<Receiver<()>>>,
    }

    impl io::Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.allowed.lock().unwrap().recv().unwrap();
            self.kept.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_stuck_holds_nothing_up_and_losses_are_told() {
        let kept = Arc::<Mutex<Vec<u8>>>::default();
        let (allow, allowed) = channel();
        let allowed = Arc::new(Mutex::new(allowed));
        let open = {
            let kept = Arc::clone(&kept);
            move || Stuck {
                kept: Arc::clone(&kept),
                allowed: Arc::clone(&allowed),
            }
        };
        let (mut lines, guard) = lines(open);
        for number in 0..WAITING + 10 {
            lines.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        for _ in 0..WAITING * 3 {
            allow.send(()).unwrap();
        }
        // Once it is read again, the queue empties, and the end waits for it.
        while lines
            .sender
            .try_send(Message::Line(b"last\n".to_vec()))
            .is_err()
        {
            std::thread::yield_now();
        }
        drop(guard);
        let kept = String::from_utf8(kept.lock().unwrap().clone()).unwrap();
        assert!(kept.starts_with("0\n"), "the first is there");
        assert!(
            kept.contains("lines of the log were lost here"),
            "the loss is told"
        );
    }

    #[test]
    fn a_reader_that_is_gone_is_no_failure() {
        struct Gone;
        impl io::Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (mut lines, guard) = lines(|| Gone);
        for _ in 0..3 {
            lines.write_all(b"line\n").unwrap();
        }
        drop(guard);
    }
}
