//! The log goes to standard error, and nothing waits for whoever reads it there.

use std::io::{self, Stderr, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Lines that wait for the reader; what comes on top of them is dropped and counted.
const QUEUED_LINES: usize = 4096;

/// Lines of a burst are written together up to this size.
const BATCH_BYTES: usize = 64 * 1024;

/// Longest that the end of the program waits until its last lines are out.
const FLUSH: Duration = Duration::from_secs(1);

static UNQUEUED: OnceLock<ErrorCounter> = OnceLock::new();
static UNWRITTEN: AtomicU64 = AtomicU64::new(0);

/// Lines that were lost: the reader was stuck, or has gone away.
pub fn dropped() -> u64 {
    let unqueued = UNQUEUED.get().map_or(0, ErrorCounter::dropped_lines);
    unqueued as u64 + UNWRITTEN.load(Ordering::Relaxed)
}

/// Where lines are written to; a thread hands them on to standard error.
pub fn to_stderr() -> (NonBlocking, Guard) {
    let (writer, worker) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUED_LINES)
        .thread_name("log")
        .finish(Batch { lines: Vec::new(), to: io::stderr() });
    UNQUEUED.set(writer.error_counter()).ok();
    (writer, Guard(Some(worker)))
}

/// Writes the last lines when it is dropped.
#[derive(Debug)]
#[must_use = "without it, the last lines are lost"]
pub struct Guard(Option<WorkerGuard>);

impl Drop for Guard {
    fn drop(&mut self) {
        let worker = self.0.take();
        let (done, flushed) = mpsc::channel();
        // Where the reader is stuck, the worker's guard complains on standard output, which is
        // often the same pipe: this must not hold up the end.
        let flush = thread::Builder::new().spawn(move || {
            drop(worker);
            done.send(()).ok();
        });
        if flush.is_ok() {
            flushed.recv_timeout(FLUSH).ok();
        }
    }
}

/// The lines of one burst. To its writer it never fails: what cannot be written is counted.
struct Batch<W = Stderr> {
    lines: Vec<u8>,
    to: W,
}

impl<W: Write> Write for Batch<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.extend_from_slice(line);
        if self.lines.len() >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.to.write_all(&self.lines).is_err() {
            let lines = self.lines.iter().filter(|byte| **byte == b'\n').count();
            UNWRITTEN.fetch_add(lines as u64, Ordering::Relaxed);
        }
        self.lines.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe whose reader has gone away, once `gone`.
    #[derive(Default)]
    struct Pipe {
        writes: Vec<Vec<u8>>,
        gone: bool,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.gone {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.writes.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_burst_is_one_write_and_what_fails_is_counted() {
        let mut batch = Batch { lines: Vec::new(), to: Pipe::default() };
        batch.write_all(b"one\n").unwrap();
        batch.write_all(b"two\n").unwrap();
        assert!(batch.to.writes.is_empty());
        batch.flush().unwrap();
        assert_eq!(batch.to.writes, [b"one\ntwo\n".to_vec()]);
        let before = dropped();
        batch.to.gone = true;
        batch.write_all(b"three\nfour\n").unwrap();
        batch.flush().unwrap();
        assert_eq!(dropped() - before, 2);
        batch.to.gone = false;
        batch.write_all(b"five\n").unwrap();
        batch.flush().unwrap();
        assert_eq!(batch.to.writes.last().unwrap(), b"five\n");
    }

    #[test]
    fn a_burst_without_end_is_written_in_parts() {
        let mut batch = Batch { lines: Vec::new(), to: Pipe::default() };
        batch.write_all(&[b'x'; BATCH_BYTES]).unwrap();
        assert_eq!(batch.to.writes.len(), 1);
    }
}
