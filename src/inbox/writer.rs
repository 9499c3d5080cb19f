//! The thread that writes.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::batch;
use super::gauges::Gauges;
use super::numbers::Numbers;
use super::retention::{self, Swept};
use super::{Errand, Inbox, Limits, QUEUED_ERRANDS, Refused, Store, recovery};
use crate::clock;
use crate::database::{self, DatabaseError};

/// Errands in one transaction at the most.
const BATCH: usize = 1024;

/// Time between looks at what must go, while nothing arrives.
const IDLE: Duration = Duration::from_secs(1);

/// Errands after which the log is folded into the file: a few milliseconds' work.
const FOLD_EVERY: usize = 2_000;

/// Pages of the log that nobody folds because somebody reads; with more, readers are waited for.
const LONG_LOG: i64 = 32 * 1024;

/// How long they are waited for.
const READERS: Duration = Duration::from_millis(20);

/// Time between two slices of what must go: what arrives meanwhile waits for one at the most.
const SWEEP_EVERY: Duration = Duration::from_millis(50);

/// Events that are deleted at a time, or twice what arrived since, so that deleting keeps up.
const SLICE: std::ops::RangeInclusive<usize> = 250..=1000;

/// Time between tries to write again: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The thread; it ends when every [`Inbox`] is gone.
#[derive(Debug)]
pub struct Writer {
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread.
    pub fn spawn(store: Store, limits: watch::Receiver<Limits>) -> io::Result<(Self, Inbox)> {
        let (errands, queue) = mpsc::channel(QUEUED_ERRANDS);
        let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
        let numbers = Arc::new(Numbers::default());
        numbers.found(backlog(&store), limits.borrow().capacity, false);
        let desk = Desk {
            store,
            limits,
            numbers: numbers.clone(),
            gauges: Gauges::new(),
            since_fold: 0,
            since_sweep: 0,
            swept: Swept::More,
            trouble: None,
            swept_at: Instant::now(),
            looked_at: Instant::now(),
        };
        let name = "inbox".to_owned();
        let serve = move || runtime.block_on(desk.serve(queue));
        let thread = thread::Builder::new().name(name).spawn(serve)?;
        Ok((Self { thread }, Inbox { errands, numbers }))
    }

    /// Waits for its end.
    pub fn join(self) -> thread::Result<()> {
        self.thread.join()
    }
}

/// Events that nothing was made of yet.
fn backlog(store: &Store) -> u64 {
    let last = store.known.last.map_or(0, |(seq, _)| seq);
    (last - store.known.through).max(0).unsigned_abs()
}

/// The disk fails.
#[derive(Debug)]
struct Trouble {
    next_try: Instant,
    wait: Duration,
    /// As the log has it already.
    told: String,
}

struct Desk {
    store: Store,
    limits: watch::Receiver<Limits>,
    numbers: Arc<Numbers>,
    gauges: Gauges,
    /// Errands since the log was folded into the file.
    since_fold: usize,
    /// Errands since the last slice, and what that came to.
    since_sweep: usize,
    swept: Swept,
    swept_at: Instant,
    trouble: Option<Trouble>,
    looked_at: Instant,
}

impl Desk {
    /// The only task of its runtime: what it does may block.
    async fn serve(mut self, mut queue: mpsc::Receiver<Errand>) {
        // Before anything is taken: see there.
        self.try_again();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            if let Ok(0) = timeout(self.patience(), queue.recv_many(&mut batch, BATCH)).await {
                break;
            }
            let taken = batch.len();
            if self.trouble.as_ref().is_some_and(|trouble| trouble.next_try <= Instant::now()) {
                self.try_again();
            }
            if self.trouble.is_some() {
                batch.drain(..).for_each(|errand| errand.refuse(Refused::Broken));
            } else if taken > 0 {
                self.write(&mut batch);
            }
            if self.trouble.is_none() {
                self.look_after(taken);
            }
            self.numbers.unqueued(taken as u64);
        }
        if let Some(connection) = &self.store.connection
            && let Err(error) = recovery::fold(connection, "TRUNCATE")
        {
            tracing::warn!(%error, "the log of the events file stays beside it");
        }
    }

    /// How long to wait for an errand.
    fn patience(&self) -> Duration {
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        let idle = if self.swept == Swept::More { SWEEP_EVERY } else { IDLE };
        self.trouble.as_ref().map_or(idle, |trouble| left(trouble.next_try))
    }

    fn write(&mut self, batch: &mut Vec<Errand>) {
        let began = Instant::now();
        self.since_fold += batch.len();
        let mut buried = Vec::new();
        let worked = batch::work(&mut self.store, batch.drain(..), &mut buried);
        self.gauges.buried(&buried);
        match worked {
            Ok(()) => self.gauges.commit(began.elapsed()),
            Err(error) => self.fail(error.into()),
        }
    }

    /// Between batches: what must go, and the log.
    fn look_after(&mut self, taken: usize) {
        let is_idle = taken == 0;
        let is_due = self.looked_at.elapsed() >= IDLE || is_idle;
        if is_due {
            self.looked_at = Instant::now();
        }
        match self.tend(taken, is_due, is_idle) {
            Ok(no_room) => {
                let limits = *self.limits.borrow();
                self.numbers.found(backlog(&self.store), limits.capacity, no_room);
            }
            Err(error) => self.fail(error.into()),
        }
        self.gauges.length(self.numbers.length(), self.numbers.capacity());
    }

    /// Says whether there is no room for more.
    fn tend(&mut self, taken: usize, is_due: bool, is_idle: bool) -> rusqlite::Result<bool> {
        let Some(connection) = &self.store.connection else { return Ok(false) };
        let limits = *self.limits.borrow();
        self.since_sweep += taken;
        if self.swept_at.elapsed() >= SWEEP_EVERY {
            let slice = (2 * self.since_sweep).clamp(*SLICE.start(), *SLICE.end());
            self.swept = retention::sweep(&self.store, connection, limits, slice)?;
            if self.swept == Swept::More {
                self.since_fold += slice;
            }
            (self.since_sweep, self.swept_at) = (0, Instant::now());
        }
        if is_idle && self.swept != Swept::More {
            retention::tidy(&self.store, connection, limits)?;
        }
        if self.since_fold >= FOLD_EVERY || (is_idle && self.since_fold > 0) {
            if recovery::fold(connection, "PASSIVE")? > LONG_LOG {
                connection.busy_timeout(READERS)?;
                recovery::fold(connection, "RESTART")?;
                connection.busy_timeout(database::BUSY)?;
            }
            self.since_fold = 0;
        }
        if is_due {
            let oldest = retention::oldest(connection)?.map(|(_, stored_us)| stored_us);
            self.gauges.file(&self.store.path, oldest);
        }
        Ok(self.swept == Swept::NoRoom)
    }

    /// The handle counts as lost; a broken file is set aside.
    fn fail(&mut self, error: DatabaseError) {
        self.store.connection = None;
        self.gauges.failure();
        let is_corrupt =
            matches!(&error, DatabaseError::Sqlite(error) if database::is_corrupt(error));
        if is_corrupt {
            match self.store.begin_anew(clock::now()) {
                Ok(kept) => {
                    let kept = kept.display();
                    tracing::error!(%error, %kept, "the events file is broken: it is set aside, and a new one begun");
                }
                Err(error) => tracing::error!(%error, "the events file is broken"),
            }
        } else {
            tracing::error!(%error, "the events file cannot be written: events are refused until it can");
        }
        let next_try = Instant::now() + if is_corrupt { Duration::ZERO } else { RETRY.0 };
        self.trouble = Some(Trouble { next_try, wait: RETRY.0, told: error.to_string() });
        self.numbers.set_broken(true);
        self.gauges.writable(false);
    }

    fn try_again(&mut self) {
        let began = Instant::now();
        let error = match recovery::recover(&mut self.store) {
            Ok(()) => {
                self.gauges.commit(began.elapsed());
                if self.trouble.take().is_some() {
                    tracing::info!("the events file can be written again");
                }
                self.since_fold = 0;
                self.numbers.set_broken(false);
                self.gauges.writable(true);
                return;
            }
            Err(error) => error,
        };
        let is_corrupt =
            matches!(&error, DatabaseError::Sqlite(error) if database::is_corrupt(error));
        let (wait, told) = match self.trouble.take() {
            Some(trouble) => ((trouble.wait * 2).min(RETRY.1), trouble.told),
            None => (RETRY.0, String::new()),
        };
        if is_corrupt {
            self.fail(error);
            // A new file that is broken as soon as it is made is the disk's fault: not one after
            // the other for as long as that lasts.
            self.trouble.as_mut().into_iter().for_each(|trouble| {
                (trouble.next_try, trouble.wait) = (Instant::now() + wait, wait);
            });
            return;
        }
        if error.to_string() != told {
            tracing::error!(%error, "the events file cannot be written: events are refused until it can");
        }
        let next_try = Instant::now() + wait;
        self.trouble = Some(Trouble { next_try, wait, told: error.to_string() });
        self.numbers.set_broken(true);
        self.gauges.writable(false);
    }
}
