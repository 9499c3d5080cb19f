//! Every endpoint's incidents, and what was changed lately.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::ChangeEvent;
use super::case::{BEFORE, Case, Dirt};
use super::id::IncidentId;
use super::minutes::UserMinute;
use super::notice::Notice;
use super::record::Incident;
use super::run::Run;
use super::severity::Severity;
use crate::check::Check;
use crate::check::endpoint::EndpointName;
use crate::correlate::Window;

/// Changes that are remembered for incidents to come.
const MAX_CHANGES: usize = 1000;

/// Notices that wait to be written, while nothing can be.
const MAX_NOTICES: usize = 10_000;

/// How long counts may wait to be written.
const COUNTS_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Incidents of every endpoint.
#[derive(Debug, Default)]
pub struct Cases {
    cases: BTreeMap<EndpointName, Case>,
    /// Oldest first.
    changes: VecDeque<ChangeEvent>,
    blind: bool,
    hint: Option<Arc<str>>,
    notices: VecDeque<Notice>,
    counts_written_at: Option<Timestamp>,
}

impl Cases {
    /// Takes up incidents as they were written: the open ones, and the last of each endpoint.
    pub fn restore(
        incidents: impl IntoIterator<Item = Incident>,
        changes: impl IntoIterator<Item = ChangeEvent>,
        checks: &[Arc<Check>],
        now: Timestamp,
    ) -> Self {
        let mut cases = Self::default();
        for incident in incidents {
            let case = cases.case(&incident.endpoint.clone());
            // Of two, the open one counts, or else the later one.
            let before = case.incident.as_ref();
            if before.is_none_or(|before| !before.is_open() && before.id < incident.id) {
                case.restore(incident);
            }
        }
        for change in changes {
            cases.changed(&change);
        }
        cases.change(checks, now);
        cases
    }

    /// Takes up another list of checks.
    pub fn change(&mut self, checks: &[Arc<Check>], now: Timestamp) {
        let mut by_endpoint: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for check in checks {
            by_endpoint.entry(check.endpoint.name.clone()).or_default().push(check);
        }
        for endpoint in by_endpoint.keys() {
            self.case(endpoint);
        }
        let mut notices = Vec::new();
        for (endpoint, case) in &mut self.cases {
            let checks = by_endpoint.get(endpoint).map(Vec::as_slice).unwrap_or_default();
            notices.extend(case.change(checks, now));
        }
        self.queue(notices);
    }

    /// Takes in a run of an endpoint's check.
    pub fn run(&mut self, endpoint: &EndpointName, run: Run, now: Timestamp) {
        if let Some(case) = self.cases.get_mut(endpoint) {
            let notice = case.run(run, &self.changes, now);
            self.queue(notice);
        }
    }

    /// Takes in a window, or another judgement of one.
    pub fn window(&mut self, window: &Window, now: Timestamp) {
        if let Some(case) = self.cases.get_mut(&window.endpoint) {
            let notice = case.minute(UserMinute::of(window), &self.changes, now);
            self.queue(notice);
        }
    }

    /// Takes in a change; gives whether it was not known.
    pub fn changed(&mut self, change: &ChangeEvent) -> bool {
        if self.changes.iter().any(|known| known.is(change)) {
            return false;
        }
        let at = self.changes.partition_point(|known| known.at <= change.at);
        self.changes.insert(at, change.clone());
        if self.changes.len() > MAX_CHANGES {
            self.changes.pop_front();
        }
        for (endpoint, case) in &mut self.cases {
            if change.concerns(endpoint) {
                case.changed(change);
            }
        }
        true
    }

    /// A change is told better by another one: it was never there.
    pub fn superseded(&mut self, change: &ChangeEvent) {
        self.changes.retain(|known| known != change);
        self.cases.values_mut().for_each(|case| case.superseded(change));
    }

    /// Takes in whether the monitor is blind.
    pub fn blind(&mut self, why: Option<&str>, now: Timestamp) {
        self.blind = why.is_some();
        for case in self.cases.values_mut() {
            case.blind(why, now);
        }
    }

    /// Takes in what the contact centre says of itself; nothing where all is well.
    pub fn hint(&mut self, hint: Option<Arc<str>>) {
        for case in self.cases.values_mut() {
            case.hint.clone_from(&hint);
        }
        self.hint = hint;
    }

    /// Time passes.
    pub fn tick(&mut self, now: Timestamp) {
        // A case may begin with a failure that is some minutes old.
        let old = now.saturating_sub(BEFORE * 4).unwrap_or(now);
        while self.changes.front().is_some_and(|change| change.at < old) {
            self.changes.pop_front();
        }
        let mut notices = Vec::new();
        for case in self.cases.values_mut() {
            notices.extend(case.judge(&self.changes, now));
        }
        self.queue(notices);
        self.cases.retain(|_, case| !case.is_over(now));
    }

    /// The open incident of an endpoint.
    pub fn open_at(&mut self, endpoint: &EndpointName) -> Option<&mut Incident> {
        let case = self.cases.get_mut(endpoint)?;
        let open = case.incident.as_mut().filter(|incident| incident.is_open())?;
        Some(open)
    }

    /// The file is another one, which knows none of them.
    pub fn rewrite(&mut self) {
        for case in self.cases.values_mut().filter(|case| case.incident.is_some()) {
            case.dirt = Dirt::Story;
        }
    }

    /// Its evidence is another: it must be written.
    pub fn soil(&mut self, endpoint: &EndpointName) {
        if let Some(case) = self.cases.get_mut(endpoint) {
            case.dirt = Dirt::Story;
        }
    }

    /// Those that are open, and the last of each endpoint where none is.
    pub fn known(&self) -> impl Iterator<Item = &Incident> {
        self.cases.values().filter_map(|case| case.incident.as_ref())
    }

    /// One of them.
    pub fn find(&self, id: &IncidentId) -> Option<&Incident> {
        self.known().find(|incident| incident.id == *id)
    }

    /// How many are open, by severity.
    pub fn open_by_severity(&self) -> [(Severity, usize); 3] {
        Severity::ALL.map(|severity| {
            let open = self.known().filter(|incident| incident.is_open());
            (severity, open.filter(|incident| incident.severity == severity).count())
        })
    }

    /// Incidents that must be written, and what others are to be told with them.
    pub fn unwritten(&self, now: Timestamp) -> (Vec<&Incident>, Vec<&Notice>) {
        let least = self.least(now);
        let over = self.cases.values().flat_map(|case| &case.unwritten);
        let dirty = self.cases.values().filter(|case| case.dirt >= least);
        let dirty = dirty.filter_map(|case| case.incident.as_ref());
        (over.chain(dirty).collect(), self.notices.iter().collect())
    }

    /// All of that was written: what was unwritten at that moment.
    pub fn written(&mut self, now: Timestamp) {
        let least = self.least(now);
        for case in self.cases.values_mut() {
            case.unwritten.clear();
            if case.dirt >= least {
                case.dirt = Dirt::None;
            }
        }
        if least == Dirt::Counts {
            self.counts_written_at = Some(now);
        }
        self.notices.clear();
    }

    /// Counts are written from time to time, all else at once.
    fn least(&self, now: Timestamp) -> Dirt {
        let due = |at: Timestamp| now < at || now.duration_since(at) >= COUNTS_EVERY;
        if self.counts_written_at.is_none_or(due) { Dirt::Counts } else { Dirt::Story }
    }

    fn case(&mut self, endpoint: &EndpointName) -> &mut Case {
        self.cases.entry(endpoint.clone()).or_insert_with(|| {
            let mut case = Case::new(endpoint.clone());
            case.hint.clone_from(&self.hint);
            case
        })
    }

    fn queue(&mut self, notices: impl IntoIterator<Item = Notice>) {
        self.notices.extend(notices);
        while self.notices.len() > MAX_NOTICES {
            self.notices.pop_front();
        }
    }
}
