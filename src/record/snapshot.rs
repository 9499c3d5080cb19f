//! The read model: everything that an HTTP reader may see.

use std::sync::Arc;

use jiff::Timestamp;

use super::latency::Latency;
use super::ledger::Ledger;
use super::presented::Presented;
use super::recent::Recent;
use super::row::RunResult;
use crate::check::Check;
use crate::check::endpoint::Endpoint;
use crate::check::probe::ProbeKind;
use crate::health::{Health, Step};
use crate::outcome::Outcome;
use crate::outcome::phase::Phase;
use crate::outcome::reason::Reason;

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
