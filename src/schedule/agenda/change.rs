//! An agenda, and another one that takes its place while it runs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Agenda, Entry, Kind, find};
use crate::check::Check;
use crate::check::endpoint::Endpoint;
use crate::schedule::lanes::{Lane, Lanes};
use crate::schedule::slot::Grid;

/// Where an entry of the old agenda stands in the new one.
#[derive(Clone, Copy)]
struct Moved {
    to: usize,
    keeps_slots: bool,
}

impl Agenda {
    /// The schedule of these checks, from a moment that is known on both clocks.
    pub fn new(checks: &[Arc<Check>], limit: usize, instant: Instant, now: Timestamp) -> Self {
        let mut agenda = Self { lanes: Lanes::new(limit), ..Self::default() };
        let mut due = Vec::with_capacity(checks.len());
        agenda.entries.reserve(checks.len());
        agenda.by_id.reserve(checks.len());
        for check in checks {
            let endpoint = agenda.gate(&check.endpoint);
            let grid = Grid::new(&check.id, check.cadence.interval());
            let next = grid.first(now);
            let wait = Duration::try_from(now.duration_until(next.planned)).unwrap_or_default();
            due.push(Reverse((instant + wait, agenda.entries.len(), Kind::Scheduled)));
            agenda.add(Entry {
                check: check.clone(),
                endpoint,
                grid,
                next,
                lane: Lane::New,
                running: None,
                pending: None,
                leaving: false,
            });
        }
        agenda.due = due.into();
        agenda
    }

    /// Takes the place of another agenda, by difference: a check with the same id and interval
    /// keeps the very instants at which it is due; one with another interval begins its new slots.
    /// Runs under way go on, also those of checks that are not on the list any more.
    ///
    /// Nothing else of a removed check is taken along, so that nothing of it stays behind.
    pub fn take_over(&mut self, old: &Self) {
        let mut fresh = vec![true; self.entries.len()];
        let moved: Vec<_> = old.entries.iter().map(|entry| self.inherit(entry)).collect();
        for Moved { to, keeps_slots } in moved.iter().flatten() {
            if let Some(fresh) = fresh.get_mut(*to) {
                *fresh = !keeps_slots;
            }
        }
        let place = |index: usize| moved.get(index).copied().flatten();
        let kept = old.due.iter().filter_map(|Reverse((due, index, kind))| {
            let Moved { to, keeps_slots } = place(*index)?;
            (keeps_slots || *kind == Kind::Confirm).then_some(Reverse((*due, to, *kind)))
        });
        let mut due = std::mem::take(&mut self.due).into_vec();
        due.retain(|Reverse((_, index, _))| fresh.get(*index).copied().unwrap_or(false));
        due.extend(kept);
        self.due = BinaryHeap::from(due);
        for entry in &self.entries {
            if let Some(lane) = entry.running {
                self.lanes.resume(entry.endpoint, lane);
            }
        }
        for Moved { to, .. } in old.lanes.waiting().filter_map(place) {
            if let Some(entry) = self.entries.get(to) {
                self.lanes.request(to, entry.endpoint, entry.lane);
            }
        }
    }

    /// Takes over one entry, if anything of it goes on.
    fn inherit(&mut self, old: &Entry) -> Option<Moved> {
        if let Some((to, entry)) = find(&self.by_id, &mut self.entries, &old.check.id) {
            entry.lane = old.lane;
            entry.running = old.running;
            entry.pending = old.pending;
            let keeps_slots = entry.grid.interval() == old.grid.interval() && !old.leaving;
            if keeps_slots {
                entry.next = old.next;
            }
            return Some(Moved { to, keeps_slots });
        }
        // Its permit comes back when it ends.
        if old.running.is_some() {
            let endpoint = self.gate(&old.check.endpoint);
            let check = old.check.clone();
            self.add(Entry { check, endpoint, pending: None, leaving: true, ..*old });
        }
        None
    }

    fn add(&mut self, entry: Entry) {
        self.by_id.insert(entry.check.id.clone(), self.entries.len());
        self.entries.push(entry);
    }

    /// The gate of an endpoint.
    fn gate(&mut self, endpoint: &Endpoint) -> usize {
        if let Some(gate) = self.gates.get(&endpoint.name) {
            return *gate;
        }
        let gate = self.lanes.open(endpoint.max_inflight);
        self.gates.insert(endpoint.name.clone(), gate);
        gate
    }
}
