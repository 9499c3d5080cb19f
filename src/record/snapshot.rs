//! The read model: everything that an HTTP reader may see.

use std::sync::Arc;

use jiff::Timestamp;

use super::latency::Latency;
use super::ledger::Ledger;
use super::presented::Presented;
use super::recent::Recent;
use super::row::RunResult;
use crate::check::Check;
use crate::check::difference::{same_place, same_question};
use crate::check::endpoint::Endpoint;
use crate::check::probe::ProbeKind;
use crate::health::{Health, Step};
use crate::outcome::Outcome;
use crate::outcome::phase::Phase;
use crate::outcome::reason::Reason;
use crate::outcome::sight::Sight;

/// The state of everything at one moment; cheap to take, since its parts are shared.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The moment.
    pub taken_at: Timestamp,
    /// When the daemon began.
    pub started_at: Timestamp,
    /// In the order of the config.
    pub checks: Vec<Arc<CheckRecord>>,
    /// In the order of the config.
    pub endpoints: Vec<Arc<EndpointRecord>>,
    /// One for each endpoint and kind of probe.
    pub latencies: Vec<Arc<LatencyRecord>>,
    /// Whether this monitor can tell good from bad.
    pub sight: Arc<Sight>,
}

/// What is known of a check.
#[derive(Debug, Clone)]
pub struct CheckRecord {
    /// The check.
    pub check: Arc<Check>,
    /// Up, down or unknown.
    pub health: Health,
    /// How its slots ended.
    pub ledger: Ledger,
    /// The times of its last runs.
    pub recent: Recent,
    /// When it ran last, also before a restart.
    pub last_run_at: Option<Timestamp>,
    /// How it ended last, leaving out what says nothing about the endpoint.
    pub last_conclusive: Option<RunResult>,
    /// Why and where it fails: until it is up, also while it recovers.
    pub failing: Option<(Option<Phase>, Reason)>,
    /// Its last run since the daemon began.
    pub last: Option<Arc<Outcome>>,
    /// Its last run that failed, since the daemon began.
    pub last_failed: Option<Arc<Outcome>>,
}

impl CheckRecord {
    /// Of a check that takes the place of another with its id, or of none.
    ///
    /// Counts belong to the labels: they go on for as long as those are the same. All else is what
    /// was answered to one question, and begins anew with another.
    pub fn after(before: Option<Arc<Self>>, check: &Arc<Check>, now: Timestamp) -> Arc<Self> {
        let blank = |ledger| Self {
            check: check.clone(),
            health: Health::unknown(now),
            ledger,
            recent: Recent::default(),
            last_run_at: None,
            last_conclusive: None,
            failing: None,
            last: None,
            last_failed: None,
        };
        match before {
            None => Arc::new(blank(Ledger::default())),
            Some(mut record) if same_question(&record.check, check) => {
                Arc::make_mut(&mut record).check = check.clone();
                record
            }
            Some(record) if record.check.expect() == check.expect() => {
                Arc::new(blank(record.ledger.clone()))
            }
            Some(_) => Arc::new(blank(Ledger::default())),
        }
    }

    /// Forgets what was told by somebody who cannot tell good from bad. What was counted stays.
    pub fn forget(&mut self, now: Timestamp) {
        self.health = Health::unknown(now);
        self.last_conclusive = None;
        self.failing = None;
        self.last = None;
        self.last_failed = None;
    }

    /// Forgets what is history by `now`.
    pub fn expire(&mut self, now: Timestamp) -> Step {
        let step = self.health.expire(now, self.check.cadence.interval());
        if step.change.is_some() {
            self.last_conclusive = None;
            self.failing = None;
        }
        step
    }
}

/// What is known of an endpoint, whichever check saw it.
#[derive(Debug, Clone)]
pub struct EndpointRecord {
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
    /// The chains of its addresses.
    pub presented: Presented,
}

impl EndpointRecord {
    /// Of an endpoint that takes the place of another with its name, or of none: chains of other
    /// addresses are forgotten.
    pub fn after(before: Option<Arc<Self>>, endpoint: &Arc<Endpoint>) -> Arc<Self> {
        let presented = before.filter(|record| same_place(&record.endpoint, endpoint));
        let presented = presented.map(|record| record.presented.clone()).unwrap_or_default();
        Arc::new(Self { endpoint: endpoint.clone(), presented })
    }
}

/// What is known of an endpoint's latency in one kind of probe.
#[derive(Debug, Clone)]
pub struct LatencyRecord {
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
    /// The kind of probe.
    pub probe: ProbeKind,
    /// By phase and result.
    pub latency: Latency,
}

impl LatencyRecord {
    /// Of an endpoint that takes the place of another with its name, or of none: histograms are
    /// counts, and go on with the labels.
    pub fn after(
        before: Option<Arc<Self>>,
        endpoint: &Arc<Endpoint>,
        probe: ProbeKind,
    ) -> Arc<Self> {
        let endpoint = endpoint.clone();
        match before {
            None => Arc::new(Self { endpoint, probe, latency: Latency::default() }),
            Some(mut record) => {
                Arc::make_mut(&mut record).endpoint = endpoint;
                record
            }
        }
    }
}
