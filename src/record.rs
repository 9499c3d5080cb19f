//! The single writer: outcomes in, snapshots out, on a thread of its own.

pub mod history;
pub mod latency;
pub mod ledger;
pub mod presented;
pub mod recent;
pub mod row;
pub mod snapshot;
pub mod state;
pub mod store;
pub mod told;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use metrics::{Histogram, counter, histogram};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::check::Check;
use crate::clock;
use crate::health;
use crate::outcome::failure::Failure;
use crate::outcome::sight::Sight;
use crate::outcome::{Outcome, lag};
use crate::schedule::{Confirm, End, SlotEnd};
use row::Row;
use snapshot::Snapshot;
use state::State;
use store::{Entry, Restored, Writer};
use told::{News, Tell, Told};

/// Messages that wait for the recorder. It needs microseconds for each.
pub const QUEUED_MESSAGES: usize = 4096;

/// How long outcomes may gather before the recorder looks again.
const LINGER: Duration = Duration::from_millis(10);

/// Rows that are handed to the store at a time at the most.
const BATCH_ROWS: usize = 1000;

/// Longest that a row waits for others.
const BATCH_AGE: Duration = Duration::from_secs(1);

/// Time between checkpoints; a start after a crash reads the rows since the last one.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

/// What the recorder takes in.
#[derive(Debug)]
pub enum Message {
    /// How a slot ended.
    Ended(Box<SlotEnd<Outcome>>),
    /// Somebody wants to see everything.
    Look(oneshot::Sender<Arc<Snapshot>>),
    /// Somebody wants to know whether the recorder works.
    Ping(oneshot::Sender<()>),
    /// Time passes: what waits is handed on.
    Tick,
    /// Another list of checks.
    Change(Vec<Arc<Check>>),
    /// Whether this monitor can tell good from bad.
    Sight(Sight),
}

impl From<SlotEnd<Outcome>> for Message {
    fn from(end: SlotEnd<Outcome>) -> Self {
        Self::Ended(Box::new(end))
    }
}

/// Readers' side of the recorder.
#[derive(Debug, Clone)]
pub struct Reader(mpsc::Sender<Message>);

impl Reader {
    /// A reader that asks through this channel.
    pub fn new(messages: mpsc::Sender<Message>) -> Self {
        Self(messages)
    }

    /// Everything, with all that was reported before; `None` once the recorder has ended.
    pub async fn look(&self) -> Option<Arc<Snapshot>> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(Message::Look(sender)).await.ok()?;
        receiver.await.ok()
    }

    /// Returns once all that was reported before is recorded; `None` once the recorder has ended.
    pub async fn ping(&self) -> Option<()> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(Message::Ping(sender)).await.ok()?;
        receiver.await.ok()
    }
}

/// The recorder, before its thread.
pub struct Recorder {
    state: State,
    writer: Writer,
    confirms: mpsc::Sender<Confirm>,
    seq: u64,
    batch: Vec<Entry>,
    batch_since: Instant,
    checkpoint_at: Instant,
    delays: Histogram,
    tell: Tell,
}

impl Recorder {
    /// Takes up where the store left off.
    pub fn new(
        checks: &[Arc<Check>],
        writer: Writer,
        restored: Restored,
        confirms: mpsc::Sender<Confirm>,
        tell: Tell,
    ) -> Self {
        let now = clock::now();
        let mut state = State::new(checks, now);
        for (id, check) in restored.checks {
            if let Some(place) = state.place(&id) {
                state.restore_check(place, check);
            }
        }
        for store::RestoredCell { endpoint, probe, cell } in restored.cells {
            state.restore_cell(&endpoint, probe, cell);
        }
        for entry in restored.entries {
            match state.place(&entry.check) {
                Some(place) if entry.seq > restored.through => {
                    state.apply(place, &entry.row);
                }
                Some(place) => state.remember(place, &entry.row),
                None => {}
            }
        }
        state.expire(now);
        Self {
            state,
            writer,
            confirms,
            seq: restored.last_seq,
            batch: Vec::new(),
            batch_since: Instant::now(),
            checkpoint_at: Instant::now() + CHECKPOINT_EVERY,
            delays: histogram!("watchpost_schedule_delay_seconds"),
            tell,
        }
    }

    /// Starts the thread; it ends when every sender of `messages` is gone.
    pub fn spawn(self, messages: mpsc::Receiver<Message>) -> std::io::Result<JoinHandle<()>> {
        thread::Builder::new().name("recorder".to_owned()).spawn(move || self.serve(messages))
    }

    fn serve(mut self, mut messages: mpsc::Receiver<Message>) {
        while let Some(message) = messages.blocking_recv() {
            self.take(message);
            while let Ok(message) = messages.try_recv() {
                self.take(message);
            }
            // Being woken for each outcome would cost more than the outcome.
            thread::sleep(LINGER);
        }
        let rows = store::Message::Rows(std::mem::take(&mut self.batch));
        let last = [rows, self.checkpoint()];
        self.writer.finish(last);
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Ended(end) => self.record(*end),
            Message::Look(asker) => {
                // Whoever asked may have gone away meanwhile.
                asker.send(self.state.snapshot(clock::now())).ok();
            }
            Message::Ping(asker) => {
                asker.send(()).ok();
            }
            Message::Tick => self.hand_on(),
            Message::Change(checks) => self.change(&checks),
            Message::Sight(sight) => self.see(sight),
        }
    }

    fn change(&mut self, checks: &[Arc<Check>]) {
        for (check, from) in self.state.change(checks, clock::now()) {
            warn!(target: "health", %check, %from, "unknown: it asks for something else now");
        }
        (self.tell)(News::Checks(checks.to_vec()));
        // Soon, so that a start after a crash does not take up what was forgotten.
        self.checkpoint_at = Instant::now();
    }

    fn see(&mut self, sight: Sight) {
        let was = self.state.sight().blind();
        let reds = |sight: &Sight| sight.red().map(|(check, _)| check).collect::<Vec<_>>();
        let changed = reds(self.state.sight()) != reds(&sight);
        match sight.blind() {
            Some(why) if changed => {
                error!(target: "health", why, "blind: nothing is called up or down until this is mended");
            }
            None if was.is_some() => info!(target: "health", "this monitor sees again"),
            _ => {}
        }
        self.state.see(sight, clock::now());
        if changed {
            (self.tell)(News::Blind(self.state.blind().cloned()));
        }
    }

    fn record(&mut self, mut end: SlotEnd<Outcome>) {
        let Some(place) = self.state.place_of(&end.check) else { return };
        if let (Some(why), End::Ran(outcome)) = (self.state.blind(), &mut end.end) {
            *outcome = outcome.unseen(why);
        }
        let row = Row::new(&end);
        log(&end, &row);
        self.delays.record(end.delay.as_secs_f64());
        if matches!(end.end, End::Panicked) {
            counter!("watchpost_probe_panics_total").increment(1);
        }
        if !lag::times_hold(row.stalled) {
            counter!("watchpost_runs_spoiled_total").increment(1);
        }
        let before = self.state.health(place);
        let step = self.state.apply(place, &row);
        if let Some((from, to)) = step.change {
            log_health(&end, &row, from, to);
        }
        if step.confirm {
            let after = end.check.endpoint.health.confirm_delay();
            // A full channel means that enough is being confirmed already.
            self.confirms.try_send(Confirm { check: end.check.id.clone(), after }).ok();
        }
        let outcome = match end.end {
            End::Ran(outcome) => Some(self.state.keep(place, outcome)),
            End::Panicked | End::CutOff | End::Missed { .. } => None,
        };
        if let (Some((from, _)), Some((to, since))) = (before, self.state.health(place)) {
            let (check, health) = (end.check.clone(), (from, to));
            let told = Told { check, row: row.clone(), health, since, outcome };
            (self.tell)(News::Run(Box::new(told)));
        }
        self.seq += 1;
        self.batch.push(Entry { seq: self.seq, check: end.check.id.clone(), row });
        if self.batch.len() >= BATCH_ROWS {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        let now = Instant::now();
        let due = now.duration_since(self.batch_since) >= BATCH_AGE;
        if self.batch.len() >= BATCH_ROWS || (due && !self.batch.is_empty()) {
            self.writer.send(store::Message::Rows(std::mem::take(&mut self.batch)));
            self.batch_since = now;
        }
        if now >= self.checkpoint_at && self.batch.is_empty() {
            let checkpoint = self.checkpoint();
            self.writer.send(checkpoint);
            self.checkpoint_at = now + CHECKPOINT_EVERY;
        }
    }

    fn checkpoint(&self) -> store::Message {
        store::Message::Checkpoint {
            snapshot: self.state.snapshot(clock::now()),
            through: self.seq,
        }
    }
}

/// One line for each outcome, here and nowhere else.
fn log(end: &SlotEnd<Outcome>, row: &Row) {
    let ms = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
    info!(
        target: "run",
        check = %end.check.id,
        result = %row.result.as_str(),
        reason = row.reason.map(tracing::field::display),
        phase = row.phase.map(tracing::field::display),
        status = row.http_status,
        duration_ms = ms(row.phases.total()),
        delay_ms = ms(row.delay),
        stalled_ms = (!lag::times_hold(row.stalled)).then(|| ms(row.stalled)),
        confirm = (!row.counts()).then_some(true),
        "run"
    );
}

/// One line for each change of health, with all that a person needs who sees nothing else.
fn log_health(end: &SlotEnd<Outcome>, row: &Row, from: health::State, to: health::State) {
    let check = &end.check.id;
    match to {
        health::State::Down => {
            let failure = match &end.end {
                End::Ran(outcome) => outcome.failure.as_ref(),
                _ => None,
            };
            let evidence = failure.map(Failure::evidence).filter(|evidence| !evidence.is_empty());
            warn!(
                target: "health",
                %check,
                %from,
                reason = row.reason.map(tracing::field::display),
                phase = row.phase.map(tracing::field::display),
                status = row.http_status,
                evidence,
                fix = row.reason.map(|reason| reason.fix()),
                "down"
            );
        }
        health::State::Up => info!(target: "health", %check, %from, "up"),
        health::State::Unknown => {
            warn!(target: "health", %check, %from, reason = row.reason.map(tracing::field::display), "unknown");
        }
    }
}
