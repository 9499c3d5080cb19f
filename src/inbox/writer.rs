//! The thread that writes.

use std::io;
use std::path::Path;
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::mpsc;

use super::{Arrival, Errand, Inbox, InboxError, QUEUED_ERRANDS, Refused, Stored, schema};

/// Errands in one transaction at the most.
const BATCH: usize = 1024;

/// An open file.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

impl Store {
    /// Opens or makes a file.
    pub fn open(path: &Path) -> Result<Self, InboxError> {
        let connection = Connection::open(path)?;
        schema::prepare(&connection)?;
        Ok(Self { connection })
    }
}

/// The thread; it ends when every [`Inbox`] is gone.
#[derive(Debug)]
pub struct Writer {
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread.
    pub fn spawn(store: Store) -> io::Result<(Self, Inbox)> {
        let (errands, queue) = mpsc::channel(QUEUED_ERRANDS);
        let name = "inbox".to_owned();
        let thread = thread::Builder::new().name(name).spawn(move || serve(store, queue))?;
        Ok((Self { thread }, Inbox(errands)))
    }

    /// Waits for its end.
    pub fn join(self) -> thread::Result<()> {
        self.thread.join()
    }
}

fn serve(mut store: Store, mut queue: mpsc::Receiver<Errand>) {
    let mut batch = Vec::with_capacity(BATCH);
    while queue.blocking_recv_many(&mut batch, BATCH) > 0 {
        commit(&mut store, batch.drain(..));
    }
}

/// Whom to tell what, once the batch is on disk.
type Answer = Box<dyn FnOnce(Result<(), Refused>)>;

fn commit(store: &mut Store, errands: impl Iterator<Item = Errand>) {
    let mut answers: Vec<Answer> = Vec::new();
    let done = write(store, errands, &mut answers);
    if let Err(error) = &done {
        tracing::error!(%error, "the inbox cannot be written");
    }
    for answer in answers {
        answer(done.as_ref().map(|_| ()).map_err(|_| Refused::Broken));
    }
}

fn write(
    store: &mut Store,
    errands: impl Iterator<Item = Errand>,
    answers: &mut Vec<Answer>,
) -> rusqlite::Result<()> {
    let transaction = store.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for errand in errands {
        match errand {
            Errand::Store(arrival, sender) => {
                let stored = insert(&transaction, &arrival)?;
                answers.push(Box::new(move |done| {
                    sender.send(done.map(|()| stored)).ok();
                }));
            }
            Errand::Write { through, changes, answer } => {
                changes(&transaction)?;
                if let Some(through) = through {
                    let mut upsert = transaction
                        .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('through', ?1)")?;
                    upsert.execute(params![through as i64])?;
                }
                answers.push(Box::new(move |done| {
                    answer.send(done).ok();
                }));
            }
        }
    }
    transaction.commit()
}

fn insert(transaction: &Transaction<'_>, arrival: &Arrival) -> rusqlite::Result<Stored> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO events (id, receiver, received_us, at_us, kind, event) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let Arrival { receiver, received_at, event } = arrival;
    let text = serde_json::to_string(event)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let inserted = insert.execute(params![
        event.id.as_bytes(),
        receiver,
        received_at.as_microsecond(),
        event.at.as_microsecond(),
        event.kind.as_str(),
        text,
    ])?;
    Ok(if inserted == 1 { Stored::New } else { Stored::Duplicate })
}
