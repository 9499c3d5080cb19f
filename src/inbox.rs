//! What arrives, on disk before it is acknowledged; and whatever is made of it, in the same file.
//!
//! The file has one writer, the thread behind [`Inbox`]. It takes all that waits into one
//! transaction and syncs it once: an answer says "stored" only after that. A file of its own, so
//! that no acknowledgement waits for a sweep of results, and trouble with one loses nothing of the
//! other.

mod batch;
mod gauges;
pub mod letter;
pub mod meters;
mod numbers;
pub mod reader;
mod recovery;
pub mod replay;
mod retention;
mod row;
mod schema;
mod store;
mod writer;

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Transaction;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::database::DatabaseError;
use crate::event::AnalyticsEvent;
pub use letter::DeadLetter;
use numbers::Numbers;
pub use retention::Limits;
use row::Row;
pub use store::Store;
pub use writer::Writer;

/// Errands that wait for the writer. What finds no room is refused: the sender keeps it.
pub const QUEUED_ERRANDS: usize = 8192;

/// An event, with what its arrival tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// The receiver that took it in.
    pub receiver: Arc<str>,
    /// When.
    pub received_at: Timestamp,
    /// The event.
    pub event: AnalyticsEvent,
}

/// What became of an event that was taken in. In each case it is on disk, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It was not known.
    New,
    /// It was there already.
    Duplicate,
    /// Another event was there already under its id, and stays.
    Conflict,
}

/// Why an event was not taken in: its sender must keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// More waits than there is room for.
    #[error("the inbox is full")]
    Full,
    /// The disk.
    #[error("the inbox cannot be written")]
    Broken,
    /// What was to be written cannot be, whatever the disk does: a bug of whoever asked.
    #[error("this cannot be written")]
    Failed,
    /// The daemon ends.
    #[error("the inbox has ended")]
    Ended,
}

/// Changes to the tables of the casebook.
pub type Changes = Box<dyn FnOnce(&Transaction<'_>) -> rusqlite::Result<()> + Send>;

/// Told what came of an errand.
type Answer<T> = oneshot::Sender<Result<T, Refused>>;

/// What the writer is asked to do.
enum Errand {
    /// Store an event.
    Store(Box<Row>, Answer<Stored>),
    /// Keep what could not be read.
    Bury(Box<DeadLetter>, Answer<()>),
    /// Write what was made of events up to this one.
    Write { through: Option<u64>, changes: Changes, answer: Answer<()> },
}

impl Errand {
    /// Tells whoever asked that nothing was done.
    fn refuse(self, why: Refused) {
        // Whoever asked may have gone away meanwhile, here and elsewhere.
        match self {
            Self::Store(_, answer) => drop(answer.send(Err(why))),
            Self::Bury(_, answer) => drop(answer.send(Err(why))),
            Self::Write { answer, .. } => drop(answer.send(Err(why))),
        }
    }
}

/// The way to the writer.
#[derive(Debug, Clone)]
pub struct Inbox {
    errands: mpsc::Sender<Errand>,
    numbers: Arc<Numbers>,
}

impl std::fmt::Debug for Errand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Store(..) => "Store",
            Self::Bury(..) => "Bury",
            Self::Write { .. } => "Write",
        })
    }
}

impl Inbox {
    /// Stores an event; once this returns `Ok`, no crash and no power cut loses it.
    pub async fn store(&self, arrival: Arrival) -> Result<Stored, Refused> {
        if self.numbers.is_full() {
            return Err(Refused::Full);
        }
        // Here, so that the one writer has less to do.
        let row = Row::new(&arrival).map_err(|_| Refused::Failed)?;
        let (answer, stored) = oneshot::channel();
        self.send(Errand::Store(Box::new(row), answer))?;
        stored.await.unwrap_or(Err(Refused::Ended))
    }

    /// Returns once the writer has ended.
    pub async fn ended(&self) {
        self.errands.closed().await;
    }

    /// Keeps what could not be read, for `watchpost events replay`; once this returns `Ok`, it is
    /// on disk.
    pub async fn bury(&self, letter: DeadLetter) -> Result<(), Refused> {
        let (answer, buried) = oneshot::channel();
        self.send(Errand::Bury(Box::new(letter), answer))?;
        buried.await.unwrap_or(Err(Refused::Ended))
    }

    /// Writes what was made of events, and waits until it is on disk.
    ///
    /// Changes that fail, or panic, are undone; nothing else suffers from them.
    pub async fn write(&self, through: Option<u64>, changes: Changes) -> Result<(), Refused> {
        let (answer, written) = oneshot::channel();
        let permit = self.errands.reserve().await.map_err(|_| Refused::Ended)?;
        self.numbers.queued(1);
        permit.send(Errand::Write { through, changes, answer });
        written.await.unwrap_or(Err(Refused::Ended))
    }

    /// Events that nothing was made of yet, with those that are on their way to the disk.
    pub fn length(&self) -> u64 {
        self.numbers.length()
    }

    /// As many of them as there may be.
    pub fn capacity(&self) -> u64 {
        self.numbers.capacity()
    }

    fn send(&self, errand: Errand) -> Result<(), Refused> {
        // A broken disk is no reason to let a sender wait.
        if self.numbers.is_broken() {
            return Err(Refused::Broken);
        }
        self.numbers.queued(1);
        self.errands.try_send(errand).map_err(|error| {
            self.numbers.unqueued(1);
            match error {
                TrySendError::Full(_) => Refused::Full,
                TrySendError::Closed(_) => Refused::Ended,
            }
        })
    }
}

/// Why the file of events cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the events file: {0}")]
pub struct InboxError(#[from] pub DatabaseError);

impl From<rusqlite::Error> for InboxError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.into())
    }
}
