//! Incidents: opened, followed, closed.

mod changes;
mod exhibits;
mod leaves;
mod rows;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use metrics::{counter, gauge};
use tokio::sync::watch;

use super::archive::{self, Filter};
use super::changes as archived;
use crate::check::Check;
use crate::clock;
use crate::correlate::Window;
use crate::inbox::reader::Reader;
use crate::inbox::{Arrival, Changes, InboxError};
use crate::incident::cases::Cases;
use crate::incident::cause::Cause;
use crate::incident::id::IncidentId;
use crate::incident::notice::Subscription;
use crate::incident::record::Incident;
use crate::incident::run::Run;
use crate::incident::{ChangeEvent, ChangeSource};
use crate::outcome::failure::Failure;
use crate::record::told::Told;
use changes::Doors;
use exhibits::Exhibits;
use leaves::Leaves;
use rows::Rows;

/// Time between two deletions of what is kept no longer.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Changes that wait to be written, while nothing can be.
const MAX_UNWRITTEN: usize = 10_000;

/// Who wants to be told; it may change while the daemon runs.
pub type Subscriptions = watch::Receiver<Arc<[Subscription]>>;

/// What is open, and what was changed lately.
#[derive(Debug, Default)]
pub struct Incidents {
    cases: Cases,
    leaves: Leaves,
    exhibits: Exhibits,
    changes: Vec<ChangeEvent>,
    /// Changes that others tell better, and that the file may still have.
    superseded: Vec<ChangeEvent>,
    /// The endpoints of deployments.
    doors: Doors,
    subscriptions: Option<Subscriptions>,
    now: Timestamp,
    swept_at: Option<Timestamp>,
    sweeping: bool,
}

impl Incidents {
    /// As the file knows them.
    pub fn restore(
        reader: &Reader,
        checks: &[Arc<Check>],
        now: Timestamp,
    ) -> Result<Self, InboxError> {
        let connection = reader.connection();
        let (incidents, changes) = rows::restore(connection, now)?;
        let cases = Cases::restore(incidents, changes, checks, now);
        let mut leaves = Leaves::restore(connection, now)?;
        leaves.keep(checks);
        for source in ChangeSource::ALL {
            counter!("watchpost_change_events_total", "source" => source.as_str()).absolute(0);
        }
        let doors = Doors::of(checks);
        let incidents = Self { cases, leaves, doors, now, ..Self::default() };
        incidents.show();
        Ok(incidents)
    }

    /// Those who want to be told.
    pub fn telling(&mut self, subscriptions: Subscriptions) {
        self.subscriptions = Some(subscriptions);
    }

    /// Takes in how a run ended.
    pub fn told(&mut self, reader: &Reader, told: Told) {
        let now = clock::now();
        if let Some(change) = self.leaves.look(&told, now) {
            self.changed(reader, change);
        }
        let endpoint = told.check.endpoint.name.clone();
        self.cases.run(&endpoint, run(&told), now);
        self.exhibits.take(told, &mut self.cases);
    }

    /// Takes up another list of checks.
    pub fn change(&mut self, checks: &[Arc<Check>]) {
        self.cases.change(checks, clock::now());
        self.exhibits.keep(checks);
        self.leaves.keep(checks);
        self.doors = Doors::of(checks);
    }

    /// Takes in a change, once: also where it is told of again after a restart.
    pub fn changed(&mut self, reader: &Reader, mut change: ChangeEvent) {
        // As the file has it: after a restart it must be known again.
        change.at = Timestamp::from_microsecond(change.at.as_microsecond()).unwrap_or(change.at);
        // Where the file cannot be read, it may come twice rather than not at all.
        let mut known = archived::known(reader.connection(), &change).unwrap_or_default();
        known.extend(self.changes.iter().filter(|known| known.is(&change)).cloned());
        if known.iter().any(|known| !change.tells_more_than(known)) {
            return;
        }
        for known in &known {
            self.changes.retain(|other| other != known);
            self.cases.superseded(known);
        }
        let is_new = known.is_empty();
        self.superseded.extend(known);
        if self.cases.changed(&change) {
            if is_new {
                let source = change.source.as_str();
                counter!("watchpost_change_events_total", "source" => source).increment(1);
            }
            if self.changes.len() < MAX_UNWRITTEN {
                self.changes.push(change);
            }
        }
    }

    /// Takes in an event: it may tell of a change. It may come again after a failed write.
    pub fn event(&mut self, reader: &Reader, arrival: &Arrival) {
        if let Some(change) = changes::of_event(&arrival.event, &self.doors) {
            self.changed(reader, change);
        }
    }

    /// Takes in whether this monitor is blind.
    pub fn blind(&mut self, why: Option<Arc<str>>) {
        self.cases.blind(why.as_deref(), clock::now());
    }

    /// Takes in what the contact centre says of itself.
    pub fn hint(&mut self, hint: Option<Arc<str>>) {
        self.cases.hint(hint);
    }

    /// Takes in how a window was judged.
    pub fn window(&mut self, window: &Window) {
        self.cases.window(window, clock::now());
    }

    /// Time passes.
    pub fn tick(&mut self, now: Timestamp) {
        self.now = now;
        self.cases.tick(now);
        self.show();
    }

    /// What is to be written, if anything. It stays to be written until [`Self::written`].
    pub fn unwritten(&mut self) -> Option<Changes> {
        let (incidents, notices) = self.cases.unwritten(self.now);
        let mut rows = Rows::default();
        for incident in incidents {
            rows.incident(incident);
        }
        let subscriptions = self.subscriptions.as_ref().map(|all| all.borrow().clone());
        for notice in notices {
            for subscription in subscriptions.iter().flat_map(|all| all.iter()) {
                rows.messages.extend(subscription.message(notice));
            }
        }
        rows.bundles = self.exhibits.unwritten().to_vec();
        rows.changes.clone_from(&self.changes);
        rows.superseded.clone_from(&self.superseded);
        let due = |at: Timestamp| self.now < at || self.now.duration_since(at) >= SWEEP_EVERY;
        self.sweeping = self.swept_at.is_none_or(due);
        if self.sweeping {
            // Their table is written anew, without the addresses that are forgotten.
            self.leaves.rewrite();
        }
        rows.leaves = self.leaves.unwritten();
        let sweep = self.sweeping.then_some(self.now);
        (!rows.is_empty() || sweep.is_some()).then(|| rows.write(self.now, sweep))
    }

    /// It was written.
    pub fn written(&mut self) {
        for notice in self.cases.unwritten(self.now).1 {
            let (id, title) = (&notice.incident.id, notice.incident.title());
            tracing::info!(target: "incident", %id, title, "{}", notice.event.as_str());
        }
        self.cases.written(self.now);
        self.exhibits.written();
        self.changes.clear();
        self.superseded.clear();
        self.leaves.written();
        if self.sweeping {
            self.swept_at = Some(self.now);
        }
    }

    /// The file is another one: it gets all that is known.
    pub fn rewrite(&mut self) {
        self.cases.rewrite();
        self.leaves.rewrite();
    }

    /// Those that are wanted, as they are now: what is not written yet goes before the file.
    pub fn list(&self, reader: &Reader, filter: &Filter) -> rusqlite::Result<Vec<Incident>> {
        let mut incidents = archive::list(reader.connection(), filter)?;
        incidents.retain(|incident| self.cases.find(&incident.id).is_none());
        incidents.extend(self.cases.known().filter(|known| filter.takes(known)).cloned());
        incidents.sort_by(|a, b| b.id.cmp(&a.id));
        incidents.truncate(filter.limit);
        Ok(incidents)
    }

    /// One, as it is now.
    pub fn find(&self, reader: &Reader, id: &IncidentId) -> rusqlite::Result<Option<Incident>> {
        let connection = reader.connection();
        let Some(mut incident) = self.cases.find(id).cloned() else {
            return archive::find(connection, id);
        };
        archive::add_notices(connection, &mut incident)?;
        Ok(Some(incident))
    }

    /// A bundle of evidence.
    pub fn evidence(
        &self,
        reader: &Reader,
        id: &IncidentId,
        n: u32,
    ) -> rusqlite::Result<Option<String>> {
        match self.exhibits.find(id, n) {
            Some(bundle) => Ok(Some(bundle)),
            None => archive::evidence(reader.connection(), id, n),
        }
    }

    fn show(&self) {
        for (severity, open) in self.cases.open_by_severity() {
            let severity = severity.as_str();
            gauge!("watchpost_incidents_open", "severity" => severity).set(open as f64);
        }
    }
}

/// What an incident wants to know of a run.
fn run(told: &Told) -> Run {
    let failure = told.outcome.as_ref().and_then(|outcome| outcome.failure.as_ref());
    let of_row = told.row.reason.map(|reason| Cause {
        reason: Some(reason),
        phase: told.row.phase,
        fault: Some(reason.fault()),
    });
    Run {
        check: told.check.id.clone(),
        expect: told.check.expect(),
        at: told.row.at,
        verdict: told.row.result.verdict(),
        cause: failure.map(|failure: &Failure| Cause::of(failure)).or(of_row),
        confirm: !told.row.counts(),
        health: told.health.1,
        since: told.since,
    }
}
