//! What is due, what waits, what runs: the scheduler without its clock, as a state machine.

mod change;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::lanes::{Lane, Lanes};
use super::slot::{Grid, Purpose, Slot};
use crate::check::endpoint::EndpointName;
use crate::check::{Check, CheckId};

/// The state of the schedule.
#[derive(Debug, Default)]
pub struct Agenda {
    entries: Vec<Entry>,
    by_id: HashMap<CheckId, usize>,
    gates: HashMap<EndpointName, usize>,
    due: BinaryHeap<Reverse<(Instant, usize, Kind)>>,
    lanes: Lanes,
}

#[derive(Debug)]
struct Entry {
    check: Arc<Check>,
    endpoint: usize,
    grid: Grid,
    next: Slot,
    lane: Lane,
    /// The lane of the permit that its run under way has.
    running: Option<Lane>,
    pending: Option<Pending>,
    /// It is not on the list any more, and has no slots: its last run is under way.
    leaving: bool,
}

/// A slot that is due and has not begun.
#[derive(Debug, Clone, Copy)]
struct Pending {
    slot: Slot,
    due: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Scheduled,
    Confirm,
}

/// A run that begins now.
#[derive(Debug, Clone)]
pub struct Start {
    /// The check; told of its end with [`Agenda::finished`].
    pub check: Arc<Check>,
    /// The slot that it fills.
    pub slot: Slot,
    /// How long after its due time it begins.
    pub delay: Duration,
}

/// Slots of one check that end without a run.
#[derive(Debug, Clone)]
pub struct Missed {
    /// The check.
    pub check: Arc<Check>,
    /// The first of them.
    pub slot: Slot,
    /// How many there are in a row.
    pub slots: u64,
}

impl Agenda {
    /// When the next slot is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((due, ..))| *due)
    }

    /// Takes in all that is due; gives the slots that are thereby missed.
    ///
    /// A slot that has not begun when the next one of its check is due is missed: because its
    /// predecessor still runs, because no permit came free, or because this process slept.
    pub fn take_due(&mut self, now: Instant) -> Vec<Missed> {
        let mut missed = Vec::new();
        while let Some(Reverse((due, index, kind))) = self.due.peek().copied()
            && due <= now
        {
            self.due.pop();
            let Some(entry) = self.entries.get_mut(index) else { continue };
            if kind == Kind::Confirm {
                // A check that runs or is about to run confirms by itself.
                if entry.running.is_none() && entry.pending.is_none() {
                    let slot = Slot { purpose: Purpose::Confirm, ..entry.next };
                    entry.pending = Some(Pending { slot, due });
                    self.lanes.request(index, entry.endpoint, entry.lane);
                }
                continue;
            }
            let interval = entry.grid.interval();
            // After a sleep of the whole machine, all but the last slot are long past.
            let late = now.saturating_duration_since(due).as_nanos();
            let past = u64::try_from(late / interval.as_nanos().max(1)).unwrap_or(u64::MAX);
            if past > 0 {
                let check = entry.check.clone();
                missed.push(Missed { check, slot: entry.next, slots: past });
                entry.next = entry.grid.slot(entry.next.number.saturating_add(past));
            }
            let due = due + Duration::from_nanos_u128(interval.as_nanos() * u128::from(past));
            let slot = entry.next;
            entry.next = entry.grid.slot(slot.number + 1);
            self.due.push(Reverse((due + interval, index, Kind::Scheduled)));
            match entry.pending.replace(Pending { slot, due }) {
                Some(Pending { slot, .. }) if slot.purpose == Purpose::Scheduled => {
                    missed.push(Missed { check: entry.check.clone(), slot, slots: 1 });
                }
                Some(_) => {}
                None if entry.running.is_some() => {}
                None => self.lanes.request(index, entry.endpoint, entry.lane),
            }
        }
        missed
    }

    /// The next run that may begin.
    pub fn start(&mut self, now: Instant) -> Option<Start> {
        let (index, lane) = self.lanes.grant()?;
        let entry = self.entries.get_mut(index)?;
        let Pending { slot, due } = entry.pending.take()?;
        entry.running = Some(lane);
        let delay = now.saturating_duration_since(due);
        Some(Start { check: entry.check.clone(), slot, delay })
    }

    /// A run has ended after this long.
    pub fn finished(&mut self, id: &CheckId, took: Duration) {
        let Some((index, entry)) = find(&self.by_id, &mut self.entries, id) else { return };
        let Some(lane) = entry.running.take() else { return };
        let quick = took < entry.check.cadence.timeout() / 2;
        entry.lane = if quick { Lane::Quick } else { Lane::Slow };
        self.lanes.release(entry.endpoint, lane, entry.lane);
        if entry.pending.is_some() {
            self.lanes.request(index, entry.endpoint, entry.lane);
        }
    }

    /// Runs a check once more, out of turn.
    pub fn confirm(&mut self, id: &CheckId, at: Instant) {
        if let Some((index, entry)) = find(&self.by_id, &mut self.entries, id)
            && !entry.leaving
        {
            self.due.push(Reverse((at, index, Kind::Confirm)));
        }
    }

    /// What has begun neither in time nor at all when the daemon ends.
    pub fn abandon(&mut self) -> Vec<Missed> {
        let scheduled = |entry: &mut Entry| {
            let pending = entry.pending.take()?;
            let check = entry.check.clone();
            let counts = pending.slot.purpose == Purpose::Scheduled;
            counts.then_some(Missed { check, slot: pending.slot, slots: 1 })
        };
        self.entries.iter_mut().filter_map(scheduled).collect()
    }
}

fn find<'a>(
    by_id: &HashMap<CheckId, usize>,
    entries: &'a mut [Entry],
    id: &CheckId,
) -> Option<(usize, &'a mut Entry)> {
    let index = *by_id.get(id)?;
    Some((index, entries.get_mut(index)?))
}
