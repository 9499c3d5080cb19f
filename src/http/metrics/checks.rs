//! Families with one series, or a few, for each check.

use super::Settings;
use crate::check::probe::ProbeKind;
use crate::health::State;
use crate::http::exposition::{Exposition, Kind, Labels};
use crate::outcome::Outcome;
use crate::outcome::phase::Phase;
use crate::outcome::reason::Reason;
use crate::outcome::strikes::{can_strike, strikes};
use crate::record::row::RunResult;
use crate::record::snapshot::{CheckRecord, Snapshot};

/// Writes them all.
pub fn write(e: &mut Exposition, snapshot: &Snapshot, labels: &[Labels], settings: Settings) {
    let table = Table { snapshot, labels };
    table.gauge(e, "probe_success", "Whether the last conclusive run met its expectation.", |r| {
        r.last_conclusive.map(|result| f64::from(u8::from(result == RunResult::Success)))
    });
    table.gauge(
        e,
        "probe_up",
        "Verdict over several runs. Absent while it is unknown.",
        |record| match record.health.state() {
            State::Unknown => None,
            State::Up => Some(1.0),
            State::Down => Some(0.0),
        },
    );
    runs(e, &table);
    failures(e, &table, settings);
    failure_info(e, &table);
    let name = "probe_last_run_timestamp_seconds";
    table.gauge(e, name, "When the last run began.", |record| {
        Some(record.last_run_at?.as_microsecond() as f64 / 1e6)
    });
    last_run(e, &table);
    websocket(e, &table);
}

struct Table<'a> {
    snapshot: &'a Snapshot,
    labels: &'a [Labels],
}

impl Table<'_> {
    fn rows(&self) -> impl Iterator<Item = (&CheckRecord, &Labels)> {
        self.snapshot.checks.iter().map(AsRef::as_ref).zip(self.labels)
    }

    fn gauge(
        &self,
        e: &mut Exposition,
        name: &str,
        help: &str,
        value: impl Fn(&CheckRecord) -> Option<f64>,
    ) {
        e.family(name, Kind::Gauge, help);
        for (record, labels) in self.rows() {
            if let Some(value) = value(record) {
                e.sample(labels, value);
            }
        }
    }
}

fn runs(e: &mut Exposition, table: &Table<'_>) {
    let name = "probe_runs_total";
    e.family(name, Kind::Counter, "Slots by how they ended. Every slot ends exactly once.");
    for (record, labels) in table.rows() {
        for result in RunResult::ALL {
            let count = record.ledger.results(result);
            e.sample_with(labels, &[("result", result.as_str())], count);
        }
    }
}

fn failures(e: &mut Exposition, table: &Table<'_>, settings: Settings) {
    let name = "probe_failures_total";
    e.family(name, Kind::Counter, "Runs that did not pass, by where they ended and why.");
    for (record, labels) in table.rows() {
        let mut write = |phase: Option<Phase>, reason: Reason, count| {
            let phase = phase.map_or("none", Phase::as_str);
            e.sample_with(labels, &[("phase", phase), ("reason", reason.code())], count);
        };
        let primed =
            |phase, reason| settings.prime_failures && can_strike(&record.check, phase, reason);
        if settings.prime_failures {
            for (phase, reason) in strikes(&record.check) {
                write(phase, reason, record.ledger.failures(phase, reason));
            }
        }
        for (phase, reason, count) in record.ledger.all_failures() {
            if !primed(phase, reason) {
                write(phase, reason, count);
            }
        }
    }
}

fn failure_info(e: &mut Exposition, table: &Table<'_>) {
    let name = "probe_failure_info";
    e.family(name, Kind::Info, "Why the check fails. Only there while it does.");
    for (record, labels) in table.rows() {
        if let Some((phase, reason)) = record.failing {
            let phase = phase.map_or("none", Phase::as_str);
            e.sample_with(labels, &[("phase", phase), ("reason", reason.code())], 1.0);
        }
    }
}

fn last_run(e: &mut Exposition, table: &Table<'_>) {
    let last = |record: &CheckRecord, value: fn(&Outcome) -> Option<f64>| {
        record.last.as_deref().and_then(value)
    };
    table.gauge(e, "probe_duration_seconds", "How long the last run took.", |record| {
        last(record, |outcome| Some(outcome.observation.phases.total().as_secs_f64()))
    });
    table.gauge(e, "probe_dns_lookup_time_seconds", "How long the last run resolved.", |record| {
        last(record, |outcome| Some(outcome.observation.phases.get(Phase::Resolve)?.as_secs_f64()))
    });
    table.gauge(e, "probe_ip_protocol", "IP version of the last run: 4 or 6.", |record| {
        last(record, |outcome| Some(if outcome.observation.address?.is_ipv4() { 4.0 } else { 6.0 }))
    });
}

fn websocket(e: &mut Exposition, table: &Table<'_>) {
    let name = "probe_websocket_duration_seconds";
    e.family(name, Kind::Gauge, "How long each phase of the last run took, where it was reached.");
    for (record, labels) in table.rows() {
        let Some(outcome) = websocket_run(record) else { continue };
        for (phase, time) in outcome.observation.phases.iter() {
            // The words of blackbox_exporter, with TLS taken out of `processing`.
            let phase = match phase {
                Phase::Upgrade => "processing",
                Phase::Resolve | Phase::Connect | Phase::Tls | Phase::Transfer => phase.as_str(),
                Phase::Close => continue,
            };
            e.sample_with(labels, &[("phase", phase)], time.as_secs_f64());
        }
    }
    let name = "probe_websocket_status_code";
    table.gauge(
        e,
        name,
        "Status of the answer to the last upgrade, also of a refusal.",
        |record| websocket_run(record)?.observation.http_status.map(f64::from),
    );
    let name = "probe_websocket_connection_upgraded";
    table.gauge(e, name, "Whether the last run was let in, expected or not.", |record| {
        Some(f64::from(u8::from(websocket_run(record)?.observation.upgraded)))
    });
}

fn websocket_run(record: &CheckRecord) -> Option<&Outcome> {
    let websocket = record.check.probe.kind() == ProbeKind::Websocket;
    record.last.as_deref().filter(|_| websocket)
}
