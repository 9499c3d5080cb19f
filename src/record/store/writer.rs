//! The thread that writes: a slow disk holds up nobody else.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use metrics::{counter, gauge};
use tokio::sync::watch;

use super::{Entry, Limits, Store, StoreError, checkpoint, retention, rows};
use crate::clock;
use crate::database::{self, aside};
use crate::record::snapshot::Snapshot;

/// Batches that wait for the disk. At one a second that is a minute; then rows are lost and
/// counted, rather than memory without end.
const QUEUED_BATCHES: usize = 64;

/// Time between sweeps of what is too old.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// What the recorder hands over.
#[derive(Debug)]
pub enum Message {
    /// Rows, in order.
    Rows(Vec<Entry>),
    /// Everything as of a row.
    Checkpoint {
        /// What is known.
        snapshot: Arc<Snapshot>,
        /// The last row that is part of it.
        through: u64,
    },
}

/// The way to the thread.
#[derive(Debug)]
pub struct Writer {
    queue: SyncSender<Message>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread.
    pub fn spawn(store: Store, limits: watch::Receiver<Limits>) -> std::io::Result<Self> {
        let (queue, messages) = sync_channel(QUEUED_BATCHES);
        let name = "store".to_owned();
        let thread =
            thread::Builder::new().name(name).spawn(move || serve(store, &limits, &messages))?;
        Ok(Self { queue, thread })
    }

    /// Hands over without waiting; what finds no room is lost and counted.
    pub fn send(&self, message: Message) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.queue.try_send(message)
        {
            counter!("watchpost_store_write_failures_total").increment(1);
        }
    }

    /// Hands over the last of it and waits until it is on disk.
    pub fn finish(self, last: impl IntoIterator<Item = Message>) {
        for message in last {
            if self.queue.send(message).is_err() {
                break;
            }
        }
        drop(self.queue);
        if self.thread.join().is_err() {
            tracing::error!("the store's thread broke");
        }
    }
}

fn serve(mut store: Store, limits: &watch::Receiver<Limits>, messages: &Receiver<Message>) {
    loop {
        match messages.recv_timeout(SWEEP_EVERY) {
            Ok(message) => note(write(&mut store, message)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        note(sweep(&store, *limits.borrow()));
    }
    // Folds the log into the file, which is then whole by itself.
    if let Err(error) = store.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::warn!(%error, "the store's log stays beside it");
    }
}

fn write(store: &mut Store, message: Message) -> Result<(), StoreError> {
    match &message {
        Message::Rows(entries) => store.learn(entries.iter().map(|entry| &entry.check))?,
        Message::Checkpoint { snapshot, .. } => {
            store.learn(snapshot.checks.iter().map(|record| &record.check.id))?;
        }
    }
    let transaction = store.connection.transaction()?;
    match message {
        Message::Rows(entries) => rows::insert(&transaction, &entries, &store.keys)?,
        Message::Checkpoint { snapshot, through } => {
            checkpoint::write(&transaction, &snapshot, &store.keys, through)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn sweep(store: &Store, limits: Limits) -> Result<(), StoreError> {
    retention::sweep(&store.connection, limits, clock::now())?;
    gauge!("watchpost_store_size_bytes").set(database::file_bytes(&store.path) as f64);
    let broken = aside::count(&store.path) as f64;
    gauge!("watchpost_store_quarantined", "file" => "results").set(broken);
    let oldest = retention::oldest(&store.connection)?;
    let seconds = oldest.map_or(f64::NAN, |oldest| oldest.as_microsecond() as f64 / 1e6);
    gauge!("watchpost_store_oldest_record_timestamp_seconds").set(seconds);
    Ok(())
}

fn note(done: Result<(), StoreError>) {
    if let Err(error) = done {
        counter!("watchpost_store_write_failures_total").increment(1);
        tracing::error!(%error, "the store cannot be written; results are lost until it can");
    }
}
