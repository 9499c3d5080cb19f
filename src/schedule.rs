//! Fixed slots, kept whatever the targets do. The probe arrives as a closure.

mod agenda;
mod lanes;
pub mod promise;
pub mod slot;

use std::mem::replace;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::check::{Check, CheckId};
use crate::clock::timer::Timer;
use agenda::{Agenda, Missed, Start};
use promise::Promise;
use slot::Slot;

/// How a slot ended. There is exactly one for every slot.
#[derive(Debug)]
pub struct SlotEnd<T> {
    /// The check.
    pub check: Arc<Check>,
    /// The slot.
    pub slot: Slot,
    /// How long after its due time the run began. Zero where there was none.
    pub delay: Duration,
    /// What came of it.
    pub end: End<T>,
}

/// What came of a slot.
#[derive(Debug)]
pub enum End<T> {
    /// The probe ran to its end.
    Ran(T),
    /// The probe panicked.
    Panicked,
    /// The daemon ended while the probe ran.
    CutOff,
    /// This slot, and those behind it up to this many, passed without a run.
    Missed {
        /// At least one.
        slots: u64,
    },
}

/// Asks for a run out of turn.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// Whose.
    pub check: CheckId,
    /// How long from now.
    pub after: Duration,
}

/// What is run, and how. Another plan takes its place while the daemon runs.
#[derive(Debug)]
pub struct Plan<F> {
    agenda: Agenda,
    probe: F,
}

impl<F> Plan<F> {
    /// So many runs of these checks at a time. Checks are known by their ids: one that was in the
    /// plan before keeps its slots. A run keeps the probe that it began with.
    ///
    /// Slots are reckoned from a moment that is known on both clocks. That is done here, so that
    /// it takes no time from the checks that run.
    pub fn new(
        checks: &[Arc<Check>],
        max_inflight: usize,
        (instant, now): (Instant, Timestamp),
        probe: F,
    ) -> Self {
        Self { agenda: Agenda::new(checks, max_inflight, instant, now), probe }
    }
}

/// How the scheduler keeps time.
#[derive(Debug)]
pub struct Pace {
    /// What wakes it.
    pub timer: Timer,
    /// Where it says when it will have turned.
    pub promise: Arc<Promise>,
    /// How long runs may go on once the daemon is told to end.
    pub grace: Duration,
}

/// Runs checks in their slots until `stop`.
///
/// A run that is still under way `grace` after that is cut off. Every slot is reported, also
/// those that were missed, in the words of the receiver; a report waits for room in the channel,
/// and while it does, its check does not run again.
pub async fn run<T, M, F, Fut>(
    Plan { mut agenda, mut probe }: Plan<F>,
    Pace { mut timer, promise, grace }: Pace,
    reports: mpsc::Sender<M>,
    mut confirms: mpsc::Receiver<Confirm>,
    mut plans: mpsc::Receiver<Plan<F>>,
    stop: CancellationToken,
) where
    T: Send + 'static,
    M: From<SlotEnd<T>> + Send + 'static,
    F: Fn(Arc<Check>, Slot) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = T> + Send + 'static,
{
    let mut runs = JoinSet::new();
    let cut = CancellationToken::new();
    loop {
        let now = Instant::now();
        for missed in agenda.take_due(now) {
            report_missed::<T, M>(&mut runs, &reports, missed);
        }
        while let Some(start) = agenda.start(now) {
            runs.spawn(one_run(start, probe.clone(), reports.clone(), cut.clone()));
        }
        promise.turned(agenda.next_due());
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(mut plan) = plans.recv() => {
                plan.agenda.take_over(&agenda);
                let old = (replace(&mut agenda, plan.agenda), replace(&mut probe, plan.probe));
                // Ten thousand checks are not taken apart while others are due.
                spawn_blocking(move || drop(old));
            }
            () = wait_until(&mut timer, agenda.next_due()) => {}
            Some(ended) = runs.join_next() => note(&mut agenda, ended),
            Some(confirm) = confirms.recv() => {
                agenda.confirm(&confirm.check, Instant::now() + confirm.after);
            }
        }
    }
    for missed in agenda.abandon() {
        report_missed::<T, M>(&mut runs, &reports, missed);
    }
    let all_done = async { while runs.join_next().await.is_some() {} };
    if timeout_at(Instant::now() + grace, all_done).await.is_err() {
        cut.cancel();
        while runs.join_next().await.is_some() {}
    }
}

/// A task that has ended: a run, whose permit comes back, or a report of a missed slot.
struct Ended {
    check: Arc<Check>,
    took: Duration,
}

fn note(agenda: &mut Agenda, ended: Result<Option<Ended>, tokio::task::JoinError>) {
    match ended {
        Ok(Some(Ended { check, took })) => agenda.finished(&check.id, took),
        Ok(None) => {}
        // Runs contain their panics, and nothing aborts them.
        Err(error) => tracing::error!(%error, "a task of the scheduler broke"),
    }
}

async fn wait_until(timer: &mut Timer, due: Option<Instant>) {
    match due {
        Some(due) => timer.until(due).await,
        None => std::future::pending().await,
    }
}

async fn one_run<T, M, F, Fut>(
    start: Start,
    probe: F,
    reports: mpsc::Sender<M>,
    cut: CancellationToken,
) -> Option<Ended>
where
    M: From<SlotEnd<T>>,
    F: Fn(Arc<Check>, Slot) -> Fut,
    Fut: Future<Output = T>,
{
    let Start { check, slot, delay } = start;
    let began = Instant::now();
    // What a panic leaves behind is dropped with the future; nothing of it is shared.
    let (job, ended) = (check.clone(), check.clone());
    let contained = AssertUnwindSafe(async move { probe(job, slot).await }).catch_unwind();
    let end = tokio::select! {
        done = contained => done.map_or(End::Panicked, End::Ran),
        () = cut.cancelled() => End::CutOff,
    };
    let took = began.elapsed();
    // Without a receiver there is nobody left to tell.
    reports.send(M::from(SlotEnd { check, slot, delay, end })).await.ok();
    Some(Ended { check: ended, took })
}

/// Reports from a task of its own, so that a full channel holds up no slot of another check.
///
/// There are no more of these than checks: a check misses one slot an interval, and a recorder
/// that takes nothing in for that long ends the daemon.
fn report_missed<T, M: From<SlotEnd<T>> + Send + 'static>(
    runs: &mut JoinSet<Option<Ended>>,
    reports: &mpsc::Sender<M>,
    missed: Missed,
) {
    let Missed { check, slot, slots } = missed;
    let end = End::Missed { slots };
    let report = M::from(SlotEnd { check, slot, delay: Duration::ZERO, end });
    if let Err(mpsc::error::TrySendError::Full(report)) = reports.try_send(report) {
        let reports = reports.clone();
        runs.spawn(async move {
            reports.send(report).await.ok();
            None
        });
    }
}

#[cfg(test)]
mod tests;
