//! What the recorder knows: rows in, snapshot out. No thread, no store.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::latency::Cell;
use super::ledger::Ledger;
use super::row::{Row, RunResult};
use super::snapshot::{CheckRecord, EndpointRecord, LatencyRecord, Snapshot};
use crate::check::difference::same_question;
use crate::check::endpoint::EndpointName;
use crate::check::probe::ProbeKind;
use crate::check::{Check, CheckId};
use crate::health::{self, Health, Step};
use crate::outcome::Outcome;
use crate::outcome::phase::Phase;
use crate::outcome::reason::Reason;
use crate::outcome::sight::Sight;
use crate::outcome::verdict::Verdict;

/// Everything that is known, and where to find it.
#[derive(Debug)]
pub struct State {
    view: Snapshot,
    by_id: HashMap<CheckId, Place>,
    blind: Option<Arc<str>>,
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
        let view = Snapshot {
            taken_at: now,
            started_at: now,
            checks: Vec::new(),
            endpoints: Vec::new(),
            latencies: Vec::new(),
            sight: Arc::default(),
        };
        let mut state = Self { view, by_id: HashMap::new(), blind: None };
        state.change(checks, now);
        state
    }

    /// Takes up another list of checks, by difference: what is known of a check goes on as long as
    /// it asks the same question, and what is not on the list is forgotten. Gives the checks whose
    /// health is known no more, with what it was.
    pub fn change(
        &mut self,
        checks: &[Arc<Check>],
        now: Timestamp,
    ) -> Vec<(CheckId, health::State)> {
        let mut forgotten = Vec::new();
        let old_checks = std::mem::take(&mut self.view.checks);
        let mut records: HashMap<_, _> =
            old_checks.into_iter().map(|record| (record.check.id.clone(), record)).collect();
        let old_endpoints = std::mem::take(&mut self.view.endpoints);
        let mut presented: HashMap<_, _> = old_endpoints
            .into_iter()
            .map(|record| (record.endpoint.name.clone(), record))
            .collect();
        let old_latencies = std::mem::take(&mut self.view.latencies);
        let mut measured: HashMap<_, _> = old_latencies
            .into_iter()
            .map(|record| ((record.endpoint.name.clone(), record.probe), record))
            .collect();
        let mut endpoints: HashMap<EndpointName, usize> = HashMap::new();
        let mut latencies: HashMap<(EndpointName, ProbeKind), usize> = HashMap::new();
        self.by_id = HashMap::with_capacity(checks.len());
        for (index, check) in checks.iter().enumerate() {
            let (endpoint, probe) = (&check.endpoint, check.probe.kind());
            let at = *endpoints.entry(endpoint.name.clone()).or_insert_with(|| {
                let before = presented.remove(&endpoint.name);
                self.view.endpoints.push(EndpointRecord::after(before, endpoint));
                self.view.endpoints.len() - 1
            });
            let key = (endpoint.name.clone(), probe);
            let latency = *latencies.entry(key).or_insert_with_key(|key| {
                let before = measured.remove(key);
                self.view.latencies.push(LatencyRecord::after(before, endpoint, probe));
                self.view.latencies.len() - 1
            });
            self.by_id.insert(check.id.clone(), Place { check: index, endpoint: at, latency });
            let before = records.remove(&check.id);
            let was = before.as_ref().map(|record| record.health.state());
            let record = CheckRecord::after(before, check, now);
            forgotten.extend(
                was.filter(|was| *was != record.health.state()).map(|was| (check.id.clone(), was)),
            );
            self.view.checks.push(record);
        }
        forgotten
    }

    /// Whether this monitor can tell good from bad.
    pub fn sight(&self) -> &Sight {
        &self.view.sight
    }

    /// Why nothing that this monitor says counts, while that is so.
    pub fn blind(&self) -> Option<&Arc<str>> {
        self.blind.as_ref()
    }

    /// Takes in whether this monitor can tell good from bad. If it cannot, nobody knows what is
    /// up or down.
    pub fn see(&mut self, sight: Sight, now: Timestamp) {
        let was_blind = self.blind.is_some();
        self.blind = sight.blind().map(Arc::from);
        self.view.sight = Arc::new(sight);
        if self.blind.is_some() && !was_blind {
            for record in &mut self.view.checks {
                Arc::make_mut(record).forget(now);
            }
        }
    }

    /// Where an answer to this check belongs: nowhere, if the check is gone or asks another
    /// question by now.
    pub fn place_of(&self, check: &Arc<Check>) -> Option<Place> {
        self.place(&check.id).filter(|place| {
            let record = self.view.checks.get(place.check);
            record.is_some_and(|record| {
                Arc::ptr_eq(&record.check, check) || same_question(&record.check, check)
            })
        })
    }

    /// Where the records of a check stand, if it is one of ours.
    pub fn place(&self, id: &CheckId) -> Option<Place> {
        self.by_id.get(id).copied()
    }

    /// The health of a check, and since when it has that.
    pub fn health(&self, place: Place) -> Option<(health::State, Timestamp)> {
        let record = self.view.checks.get(place.check)?;
        Some((record.health.state(), record.health.since()))
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

    /// Keeps what a run saw, beyond what is counted; gives it back to be shared.
    pub fn keep(&mut self, place: Place, outcome: Outcome) -> Arc<Outcome> {
        let outcome = Arc::new(outcome);
        let Some(record) = self.view.checks.get_mut(place.check) else { return outcome };
        let record = Arc::make_mut(record);
        let interval = SignedDuration::try_from(record.check.cadence.interval());
        if let Some(endpoint) = self.view.endpoints.get_mut(place.endpoint)
            && outcome.observation.chain.is_some()
        {
            let interval = interval.unwrap_or(SignedDuration::MAX);
            let presented = &mut Arc::make_mut(endpoint).presented;
            presented.note(&outcome.observation, outcome.started_at, interval);
        }
        if outcome.verdict == Verdict::Fail {
            record.last_failed = Some(outcome.clone());
        }
        record.last = Some(outcome.clone());
        outcome
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::config::Config;
    use crate::outcome::phase::PhaseTimes;
    use crate::schedule::slot::{Purpose, Slot};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// Checks of one endpoint, for two origins that expect to be let in or not.
    fn checks(url: &str, expect: &str, keys: &str) -> Vec<Arc<Check>> {
        let text = format!(
            "[[endpoints]]\nname = \"a\"\nurl = \"{url}\"\n{keys}\norigins = [\
             {{ origin = \"https://one.example\", name = \"one\", expect = \"{expect}\" }},\
             {{ origin = \"https://two.example\", name = \"two\" }}]\n"
        );
        Config::parse(Path::new("/tmp/config.toml"), &text).unwrap().checks
    }

    fn failure(second: i64) -> Row {
        let mut phases = PhaseTimes::default();
        phases.set(Phase::Connect, Duration::from_millis(5));
        let slot = Slot { number: 1, planned: at(second), purpose: Purpose::Scheduled };
        Row {
            result: RunResult::Failure,
            reason: Some(Reason::ConnectionRefused),
            phase: Some(Phase::Connect),
            phases,
            ..Row::blank(slot)
        }
    }

    /// Both checks have failed three times; then these are watched.
    fn after(checks_now: &[Arc<Check>]) -> (State, Vec<(CheckId, health::State)>) {
        let before = checks("ws://a.example/", "allow", "");
        let mut state = State::new(&before, at(0));
        for check in &before {
            let place = state.place_of(check).unwrap();
            for second in 1..=3 {
                state.apply(place, &failure(second));
            }
        }
        let forgotten = state.change(checks_now, at(9));
        (state, forgotten)
    }

    /// Health, counted failures and runs in the ring of each check; then those in a histogram.
    fn known(state: &State) -> (Vec<(health::State, u64, usize)>, u64) {
        let check = |record: &Arc<CheckRecord>| {
            let failures = record.ledger.results(RunResult::Failure);
            (record.health.state(), failures, record.recent.len())
        };
        let view = state.snapshot(at(9));
        let cells = view.latencies.iter().flat_map(|record| record.latency.cells());
        (view.checks.iter().map(check).collect(), cells.map(|cell| cell.histogram.len()).sum())
    }

    #[test]
    fn the_same_question_keeps_all_that_is_known() {
        let now = checks("ws://a.example/", "allow", "interval = \"5m\"\nteam = \"x\"");
        let (state, forgotten) = after(&now);
        assert_eq!(known(&state), (vec![(health::State::Down, 3, 3); 2], 6));
        assert_eq!(forgotten, []);
        let view = state.snapshot(at(9));
        assert_eq!(view.endpoints[0].endpoint.owner.team, "x");
        assert_eq!(view.latencies[0].endpoint.owner.team, "x");
        assert!(Arc::ptr_eq(&view.checks[0].check, &now[0]));
    }

    #[test]
    fn another_question_keeps_the_counts_of_its_labels_alone() {
        let down = health::State::Down;
        let (state, forgotten) = after(&checks("ws://b.example/", "allow", ""));
        assert_eq!(known(&state), (vec![(health::State::Unknown, 3, 0); 2], 6));
        assert_eq!(forgotten.len(), 2);
        let (state, forgotten) = after(&checks("ws://a.example/", "deny", ""));
        assert_eq!(known(&state), (vec![(health::State::Unknown, 0, 0), (down, 3, 3)], 6));
        assert_eq!(forgotten, [(CheckId::from_text("a/websocket/one"), down)]);
    }

    #[test]
    fn what_is_gone_is_forgotten_and_what_was_asked_before_has_no_place() {
        let before = checks("ws://a.example/", "allow", "");
        let (mut state, _) = after(&before[1..]);
        assert_eq!(known(&state), (vec![(health::State::Down, 3, 3)], 6));
        assert!(state.place_of(&before[0]).is_none() && state.place_of(&before[1]).is_some());
        state.change(&before, at(9));
        let (returned, _) = known(&state);
        assert_eq!(returned[0], (health::State::Unknown, 0, 0));
        state.change(&checks("ws://b.example/", "allow", ""), at(9));
        assert!(state.place_of(&before[1]).is_none());
        state.change(&[], at(9));
        assert_eq!(known(&state), (vec![], 0));
    }
}
