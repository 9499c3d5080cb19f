//! The JSON API. Its fields are a contract: they are added to, and never change their meaning.

pub mod certificates;
pub mod changes;
pub mod correlations;
pub mod deployments;
pub mod endpoints;
pub mod events;
pub mod incidents;
pub mod news;
pub(super) mod query;
pub(super) mod trouble;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use super::Context;
use crate::health::State as Health;
use crate::outcome::phase::Phase;
use crate::record::recent::Percentiles;
use crate::record::row::RunResult;
use crate::record::snapshot::{CheckRecord, Snapshot};
use crate::report::Report;

/// `GET /api/v1/checks`
#[derive(Serialize)]
struct Checks {
    taken_at: jiff::Timestamp,
    /// Why this monitor cannot tell good from bad; `null` while it can.
    blind: Option<String>,
    checks: Vec<CheckView>,
}

#[derive(Serialize)]
struct CheckView {
    id: String,
    health: Health,
    since: jiff::Timestamp,
    last_run_at: Option<jiff::Timestamp>,
    runs: Runs,
    /// Seconds, over the last runs.
    percentiles: Option<Latency>,
    /// The last run, as `watchpost check --json` prints it.
    last: Option<Report>,
}

#[derive(Serialize)]
struct Runs {
    success: u64,
    failure: u64,
    inconclusive: u64,
    missed: u64,
}

#[derive(Serialize)]
struct Latency {
    runs: usize,
    total: Quantiles,
    phases: std::collections::BTreeMap<&'static str, Quantiles>,
}

#[derive(Serialize)]
struct Quantiles {
    p50: f64,
    p95: f64,
    p99: f64,
}

/// Every check with its state, percentiles and last run.
pub async fn checks(State(context): State<Context>) -> Response {
    match context.reader.look().await {
        Some(snapshot) => Json(view(&snapshot)).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn view(snapshot: &Snapshot) -> Checks {
    let checks = snapshot.checks.iter().map(|record| check(record)).collect();
    Checks { taken_at: snapshot.taken_at, blind: snapshot.sight.blind(), checks }
}

fn check(record: &CheckRecord) -> CheckView {
    let results = |result| record.ledger.results(result);
    let phase = |phase: Phase| Some((phase.as_str(), record.recent.phase(phase)?.into()));
    CheckView {
        id: record.check.id.to_string(),
        health: record.health.state(),
        since: record.health.since(),
        last_run_at: record.last_run_at,
        runs: Runs {
            success: results(RunResult::Success),
            failure: results(RunResult::Failure),
            inconclusive: results(RunResult::Inconclusive),
            missed: results(RunResult::Missed),
        },
        percentiles: record.recent.total().map(|total| Latency {
            runs: record.recent.len(),
            total: total.into(),
            phases: Phase::ALL.into_iter().filter_map(phase).collect(),
        }),
        last: record.last.as_ref().map(|outcome| Report::new(&record.check, outcome)),
    }
}

impl From<Percentiles> for Quantiles {
    fn from(percentiles: Percentiles) -> Self {
        Self {
            p50: percentiles.p50.as_secs_f64(),
            p95: percentiles.p95.as_secs_f64(),
            p99: percentiles.p99.as_secs_f64(),
        }
    }
}
