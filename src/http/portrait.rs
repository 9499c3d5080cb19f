//! All that is known of one endpoint, for its page and for machines.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::chains::Held;
use super::drawings::{Drawings, MAX_CHECKS};
use super::past::heatmap::Heatmap;
use super::past::timeline::Timeline;
use crate::check::endpoint::EndpointName;
use crate::check::probe::ProbeKind;
use crate::health::State as Health;
use crate::record::snapshot::{CheckRecord, Snapshot};

/// An endpoint.
#[derive(Debug, Serialize)]
pub struct Portrait {
    /// Its name.
    pub endpoint: String,
    /// Its URL.
    pub url: String,
    /// When this was so.
    pub taken_at: Timestamp,
    /// Whether the past can be read.
    pub history: bool,
    /// How its checks did.
    pub checks: Vec<Days>,
    /// How long its runs took.
    pub latency: Vec<Times>,
    /// What its addresses present.
    pub chains: Vec<Held>,
    /// The records themselves, for what else is shown of them.
    #[serde(skip)]
    pub records: Vec<Arc<CheckRecord>>,
}

/// The last day of a check.
#[derive(Debug, Serialize)]
pub struct Days {
    /// Its id.
    pub id: String,
    /// Its health.
    pub health: Health,
    /// Since when.
    pub since: Timestamp,
    /// How its runs ended; `null` where the past cannot be read.
    pub day: Option<Timeline>,
}

/// The last day of a probe, over all pages.
#[derive(Debug, Clone, Serialize)]
pub struct Times {
    /// Which.
    pub probe: ProbeKind,
    /// How long its runs took.
    pub day: Heatmap,
}

impl Portrait {
    /// Of an endpoint of that name, if there is one.
    pub async fn of(snapshot: &Snapshot, name: &EndpointName, drawings: &Drawings) -> Option<Self> {
        let endpoint = snapshot.endpoints.iter().find(|record| record.endpoint.name == *name)?;
        let of_it = |record: &&Arc<CheckRecord>| record.check.endpoint.name == *name;
        let mut records: Vec<_> = snapshot.checks.iter().filter(of_it).cloned().collect();
        // What is wrong first.
        records.sort_by_key(|record| record.health.state().turn());
        let now = snapshot.taken_at;
        let looked_at = records.iter().take(MAX_CHECKS).map(|record| record.check.clone());
        let drawing = drawings.of(looked_at.collect(), now).await;
        let days = records.iter().map(|record| Days {
            id: record.check.id.to_string(),
            health: record.health.state(),
            since: record.health.since(),
            day: drawing.days.get(&record.check.id).cloned(),
        });
        Some(Self {
            endpoint: name.to_string(),
            url: endpoint.endpoint.target.to_string(),
            taken_at: now,
            history: drawing.history,
            checks: days.collect(),
            latency: drawing.latency.clone(),
            chains: Held::of(endpoint, now),
            records,
        })
    }
}
