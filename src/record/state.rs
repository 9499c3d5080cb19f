//! What the recorder knows: rows in, snapshot out. No thread, no store.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::latency::{Cell, Latency};
use super::ledger::Ledger;
use super::presented::Presented;
use super::recent::Recent;
use super::row::{Row, RunResult};
use super::snapshot::{CheckRecord, EndpointRecord, LatencyRecord, Snapshot};
use crate::check::endpoint::EndpointName;
use crate::check::probe::ProbeKind;
use crate::check::{Check, CheckId};
use crate::health::{self, Health, Step};
use crate::outcome::Outcome;
use crate::outcome::phase::Phase;
use crate::outcome::reason::Reason;
use crate::outcome::verdict::Verdict;

/// Everything that is known, and where to find it.
#[derive(Debug)]
pub struct State {
    view: Snapshot,
    by_id: HashMap<CheckId, Place>,
}

/// Where the records of a check stand.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Among the checks.
    pub check: usize,
    endpoint: usize,
    latency: usize,
}

impl State {
    /// Knows nothing about these checks.
    pub fn new(checks: &[Arc<Check>], now: Timestamp) -> Self {
        let mut view = Snapshot {
            taken_at: now,
            started_at: now,
            checks: Vec::with_capacity(checks.len()),
            endpoints: Vec::new(),
            latencies: Vec::new(),
        };
        let mut endpoints: HashMap<EndpointName, usize> = HashMap::new();
        let mut latencies: HashMap<(EndpointName, ProbeKind), usize> = HashMap::new();
        let mut by_id = HashMap::with_capacity(checks.len());
        for (index, check) in checks.iter().enumerate() {
            let (endpoint, probe) = (check.endpoint.clone(), check.probe.kind());
            let at = *endpoints.entry(endpoint.name.clone()).or_insert_with(|| {
                let presented = Presented::default();
                view.endpoints
                    .push(Arc::new(EndpointRecord { endpoint: endpoint.clone(), presented }));
                view.endpoints.len() - 1
            });
            let latency = *latencies.entry((endpoint.name.clone(), probe)).or_insert_with(|| {
                let latency = Latency::default();
                view.latencies.push(Arc::new(LatencyRecord { endpoint, probe, latency }));
                view.latencies.len() - 1
            });
            by_id.insert(check.id.clone(), Place { check: index, endpoint: at, latency });
            view.checks.push(Arc::new(CheckRecord {
                check: check.clone(),
                health: Health::unknown(now),
                ledger: Ledger::default(),
                recent: Recent::default(),
                last_run_at: None,
                last_conclusive: None,
                failing: None,
                last: None,
                last_failed: None,
            }));
        }
        Self { view, by_id }
    }

    /// Where the records of a check stand, if it is one of ours.
    pub fn place(&self, id: &CheckId) -> Option<Place> {
        self.by_id.get(id).copied()
    }

    /// Takes in how a slot ended; the same for a live one and for one out of the store.
    pub fn apply(&mut self, place: Place, row: &Row) -> Step {
        let Some(record) = self.view.checks.get_mut(place.check) else { return Step::default() };
        let record = Arc::make_mut(record);
        record.ledger.count(row);
        let tells = matches!(row.result, RunResult::Success | RunResult::Failure);
        let step = match row.result.verdict() {
            Some(verdict) if tells => {
                let step = record.health.observe(verdict, row.at, &record.check.endpoint.health);
                record.last_conclusive = Some(row.result);
                if row.result == RunResult::Failure {
                    record.failing = row.reason.map(|reason| (row.phase, reason));
                } else if record.health.state() != health::State::Down {
                    record.failing = None;
                }
                step
            }
            // Neither an inconclusive run nor a missed one tells anything, and that for how long?
            _ => record.expire(row.at),
        };
        if row.result != RunResult::Missed {
            record.last_run_at = Some(row.at);
            self.remember(place, row);
            if let Some(latency) = self.view.latencies.get_mut(place.latency) {
                Arc::make_mut(latency).latency.add(row);
            }
        }
        step
    }

    /// Forgets what is history by now: after a restart, what was known long before it.
    pub fn expire(&mut self, now: Timestamp) {
        for record in &mut self.view.checks {
            Arc::make_mut(record).expire(now);
        }
    }

    /// Takes in a row for the percentiles of the last runs alone.
    pub fn remember(&mut self, place: Place, row: &Row) {
        if let Some(record) = self.view.checks.get_mut(place.check)
            && row.times_count()
        {
            Arc::make_mut(record).recent.push(&row.phases);
        }
    }

    /// Keeps what a run saw, beyond what is counted.
    pub fn keep(&mut self, place: Place, outcome: Outcome) {
        let Some(record) = self.view.checks.get_mut(place.check) else { return };
        let record = Arc::make_mut(record);
        let interval = SignedDuration::try_from(record.check.cadence.interval());
        if let Some(endpoint) = self.view.endpoints.get_mut(place.endpoint)
            && outcome.observation.chain.is_some()
        {
            let interval = interval.unwrap_or(SignedDuration::MAX);
            let presented = &mut Arc::make_mut(endpoint).presented;
            presented.note(&outcome.observation, outcome.started_at, interval);
        }
        let outcome = Arc::new(outcome);
        if outcome.verdict == Verdict::Fail {
            record.last_failed = Some(outcome.clone());
        }
        record.last = Some(outcome);
    }

    /// Puts back what was known of a check before a restart.
    pub fn restore_check(&mut self, place: Place, restored: CheckRestored) {
        let Some(record) = self.view.checks.get_mut(place.check) else { return };
        let record = Arc::make_mut(record);
        record.ledger = restored.ledger;
        record.last_run_at = restored.last_run_at;
        record.last_conclusive = restored.last_conclusive;
        record.failing = restored.failing;
        record.health = restored.health;
    }

    /// Puts back a histogram as it was before a restart.
    pub fn restore_cell(&mut self, endpoint: &str, probe: ProbeKind, cell: Cell) {
        let mine = |latency: &&mut Arc<LatencyRecord>| {
            &*latency.endpoint.name == endpoint && latency.probe == probe
        };
        if let Some(latency) = self.view.latencies.iter_mut().find(mine) {
            Arc::make_mut(latency).latency.restore(cell);
        }
    }

    /// Everything, as it is now.
    pub fn snapshot(&self, now: Timestamp) -> Arc<Snapshot> {
        Arc::new(Snapshot { taken_at: now, ..self.view.clone() })
    }
}

/// What the store knows of a check.
#[derive(Debug, Clone)]
pub struct CheckRestored {
    /// Its health when it was written down.
    pub health: Health,
    /// Its counts.
    pub ledger: Ledger,
    /// When it ran last.
    pub last_run_at: Option<Timestamp>,
    /// How it ended last.
    pub last_conclusive: Option<RunResult>,
    /// Why and where it failed last, if it did.
    pub failing: Option<(Option<Phase>, Reason)>,
}
