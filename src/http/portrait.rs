//! All that is known of one endpoint, for its page and for machines.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::chains::Held;
use super::past::heatmap::Heatmap;
use super::past::timeline::Timeline;
use super::past::{MAX_ROWS, day};
use crate::check::endpoint::EndpointName;
use crate::check::probe::ProbeKind;
use crate::health::State as Health;
use crate::record::history::History;
use crate::record::snapshot::{CheckRecord, EndpointRecord, Snapshot};
use crate::record::store::past::Past;

/// How long the past is waited for: without it, all else is told.
const PATIENCE: Duration = Duration::from_secs(3);

/// Checks of which the past is read; those beyond are told of without it.
const MAX_CHECKS: usize = 24;

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
#[derive(Debug, Serialize)]
pub struct Times {
    /// Which.
    pub probe: ProbeKind,
    /// How long its runs took.
    pub day: Heatmap,
}

impl Portrait {
    /// Of an endpoint of that name, if there is one.
    pub async fn of(snapshot: &Snapshot, name: &EndpointName, history: &History) -> Option<Self> {
        let record = snapshot.endpoints.iter().find(|record| record.endpoint.name == *name)?;
        let of_it = |record: &&Arc<CheckRecord>| record.check.endpoint.name == *name;
        let mut records: Vec<_> = snapshot.checks.iter().filter(of_it).cloned().collect();
        // What is wrong first.
        records.sort_by_key(|record| record.health.state().turn());
        let now = snapshot.taken_at;
        let ids: Vec<_> =
            records.iter().take(MAX_CHECKS).map(|record| record.check.id.clone()).collect();
        let asked = history.rows(ids, day(now), MAX_ROWS);
        let pasts = timeout(PATIENCE, asked).await.ok().flatten();
        // Hundreds of thousands of rows may be looked at: not where all requests are answered.
        let record = record.clone();
        let drawn = spawn_blocking(move || Self::with(&record, records, pasts, now));
        drawn.await.ok()
    }

    /// With what is known of its past.
    fn with(
        endpoint: &EndpointRecord,
        records: Vec<Arc<CheckRecord>>,
        pasts: Option<Vec<Past>>,
        now: Timestamp,
    ) -> Self {
        let span = day(now);
        let history = pasts.is_some();
        let pasts = pasts.unwrap_or_default();
        let past = |index: usize| pasts.get(index);
        let days = records.iter().enumerate().map(|(index, record)| Days {
            id: record.check.id.to_string(),
            health: record.health.state(),
            since: record.health.since(),
            day: past(index).map(|past| Timeline::of(past, span)),
        });
        let mut kinds: Vec<_> = records.iter().map(|record| record.check.probe.kind()).collect();
        kinds.sort();
        kinds.dedup();
        let times = kinds.into_iter().map(|probe| {
            let of_it = records.iter().zip(&pasts);
            let of_it = of_it.filter(|(record, _)| record.check.probe.kind() == probe);
            Times { probe, day: Heatmap::of(of_it.map(|(_, past)| past), span) }
        });
        Self {
            endpoint: endpoint.endpoint.name.to_string(),
            url: endpoint.endpoint.target.to_string(),
            taken_at: now,
            history,
            checks: days.collect(),
            latency: times.filter(|times| times.day.used().is_some()).collect(),
            chains: Held::of(endpoint, now),
            records,
        }
    }
}
