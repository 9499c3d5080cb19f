//! What arrives, on disk before it is acknowledged; and whatever is made of it, in the same file.
//!
//! The file has one writer, the thread behind [`Inbox`]. It takes all that waits into one
//! transaction and syncs it once: an answer says "stored" only after that. A file of its own, so
//! that no acknowledgement waits for a sweep of results, and trouble with one loses nothing of the
//! other.

pub mod reader;
mod schema;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Transaction;
use tokio::sync::{mpsc, oneshot};

use crate::event::AnalyticsEvent;
pub use writer::{Store, Writer};

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
    /// The daemon ends.
    #[error("the inbox has ended")]
    Ended,
}

/// Changes to the tables of the casebook.
pub type Changes = Box<dyn FnOnce(&Transaction<'_>) -> rusqlite::Result<()> + Send>;

/// What the writer is asked to do.
pub enum Errand {
    /// Store an event.
    Store(Box<Arrival>, oneshot::Sender<Result<Stored, Refused>>),
    /// Write what was made of events up to this one.
    Write {
        /// The last event that is part of it.
        through: Option<u64>,
        /// What to write; all of it or nothing.
        changes: Changes,
        /// Told what came of it.
        answer: oneshot::Sender<Result<(), Refused>>,
    },
}

impl std::fmt::Debug for Errand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Store(..) => "Store",
            Self::Write { .. } => "Write",
        })
    }
}

/// The way to the writer.
#[derive(Debug, Clone)]
pub struct Inbox(mpsc::Sender<Errand>);

impl Inbox {
    /// Stores an event; once this returns `Ok`, no crash and no power cut loses it.
    pub async fn store(&self, arrival: Arrival) -> Result<Stored, Refused> {
        let (answer, stored) = oneshot::channel();
        self.0.try_send(Errand::Store(Box::new(arrival), answer)).map_err(refusal)?;
        stored.await.unwrap_or(Err(Refused::Ended))
    }

    /// Writes what was made of events, and waits until it is on disk.
    pub async fn write(&self, through: Option<u64>, changes: Changes) -> Result<(), Refused> {
        let (answer, written) = oneshot::channel();
        let errand = Errand::Write { through, changes, answer };
        self.0.send(errand).await.map_err(|_| Refused::Ended)?;
        written.await.unwrap_or(Err(Refused::Ended))
    }
}

fn refusal(error: mpsc::error::TrySendError<Errand>) -> Refused {
    match error {
        mpsc::error::TrySendError::Full(_) => Refused::Full,
        mpsc::error::TrySendError::Closed(_) => Refused::Ended,
    }
}

/// Why the file of events cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// The file or its folder.
    #[error("cannot use the events file {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A later release wrote it.
    #[error(
        "the events file has version {found}, and this watchpost knows version {known}: update it"
    )]
    Newer {
        /// The file's version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// SQLite.
    #[error("events file: {0}")]
    Sqlite(#[from] rusqlite::Error),
}
