//! Families with one series, or a few, for each check.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::Settings;
use crate::check::messaging::Level;
use crate::check::origin::Expect;
use crate::check::probe::ProbeKind;
use crate::drill;
use crate::health::State;
use crate::http::exposition::{Exposition, Kind, Labels};
use crate::outcome::Outcome;
use crate::outcome::failure::Failure;
use crate::outcome::phase::{Phase, PhaseTimes};
use crate::outcome::reason::Reason;
use crate::outcome::strikes::{can_strike, strikes};
use crate::outcome::warning::Warning;
use crate::record::row::RunResult;
use crate::record::snapshot::{CheckRecord, Snapshot};

/// Writes them all.
pub fn write(e: &mut Exposition, snapshot: &Snapshot, labels: &[Labels], settings: Settings) {
    let records = snapshot.checks.iter().map(AsRef::as_ref);
    let table: Vec<_> =
        records.zip(labels).map(|(record, labels)| Row::new(record, labels)).collect();
    gauge(
        e,
        &table,
        "probe_success",
        "Whether the last conclusive run met its expectation.",
        |row| row.last_conclusive.map(|result| f64::from(u8::from(result == RunResult::Success))),
    );
    gauge(e, &table, "probe_up", "Verdict over several runs. Absent while it is unknown.", |row| {
        match row.health {
            State::Unknown => None,
            State::Up => Some(1.0),
            State::Down => Some(0.0),
        }
    });
    let name = "probe_origin_accepted";
    let help = "Whether a page that must be refused got in at the last conclusive run.";
    gauge(e, &table, name, help, |row| {
        let result = row.last_conclusive.filter(|_| row.expect == Expect::Deny)?;
        Some(f64::from(u8::from(result == RunResult::Failure)))
    });
    runs(e, &table);
    failures(e, &table, settings);
    failure_info(e, &table);
    warnings(e, &table);
    let name = "probe_last_run_timestamp_seconds";
    gauge(e, &table, name, "When the last run began.", |row| {
        Some(row.last_run_at?.as_microsecond() as f64 / 1e6)
    });
    last_run(e, &table);
    websocket(e, &table);
    messaging(e, &table);
    cors(e, &table);
    http(e, &table);
}

/// What most families say of a check.
///
/// The records lie all over the memory: to fetch each of them for each family costs more than to
/// write the lines.
struct Row<'a> {
    labels: &'a Labels,
    record: &'a CheckRecord,
    expect: Expect,
    last_conclusive: Option<RunResult>,
    health: State,
    results: [u64; RunResult::ALL.len()],
    failing: Option<(Option<Phase>, Reason)>,
    last_run_at: Option<Timestamp>,
    last: Option<Last>,
    warnings: BTreeSet<Warning>,
}

/// What they say of its last run.
struct Last {
    phases: PhaseTimes,
    address: Option<IpAddr>,
    kind: ProbeKind,
    http_status: Option<u16>,
    upgraded: bool,
    messaging: Option<(Option<Level>, bool)>,
    cors: Option<bool>,
}

impl<'a> Row<'a> {
    fn new(record: &'a CheckRecord, labels: &'a Labels) -> Self {
        // A run of a blind monitor has seen nothing.
        let sees = |outcome: &&Arc<Outcome>| {
            !matches!(outcome.failure, Some(Failure::MonitorBlind { .. }))
        };
        let last = record.last.as_ref().filter(sees).map(|outcome| Last {
            phases: outcome.observation.phases,
            address: outcome.observation.address.map(|address| address.ip()),
            kind: record.check.probe.kind(),
            http_status: outcome.observation.http_status,
            upgraded: outcome.observation.upgraded,
            messaging: outcome
                .observation
                .messaging
                .as_ref()
                .map(|seen| (seen.reached, seen.stopped)),
            cors: outcome.observation.cors.as_ref().map(|seen| seen.blocked.is_none()),
        });
        Self {
            labels,
            record,
            expect: record.check.expect(),
            last_conclusive: record.last_conclusive,
            health: record.health.state(),
            results: RunResult::ALL.map(|result| record.ledger.results(result)),
            failing: record.failing,
            last_run_at: record.last_run_at,
            last,
            warnings: record
                .last
                .iter()
                .flat_map(|outcome| &outcome.remarks)
                .map(|remark| remark.warning)
                .collect(),
        }
    }

    /// Its last run, where its check is of one of these kinds.
    fn last_of(&self, kinds: &[ProbeKind]) -> Option<&Last> {
        self.last.as_ref().filter(|last| kinds.contains(&last.kind))
    }

    fn websocket(&self) -> Option<&Last> {
        self.last_of(&[ProbeKind::Websocket, ProbeKind::Messaging])
    }
}

fn gauge(
    e: &mut Exposition,
    table: &[Row<'_>],
    name: &str,
    help: &str,
    value: impl Fn(&Row<'_>) -> Option<f64>,
) {
    e.family(name, Kind::Gauge, help);
    for row in table {
        if let Some(value) = value(row) {
            e.sample(row.labels, value);
        }
    }
}

fn runs(e: &mut Exposition, table: &[Row<'_>]) {
    let name = "probe_runs_total";
    e.family(name, Kind::Counter, "Slots by how they ended. Every slot ends exactly once.");
    for row in table {
        for (result, count) in RunResult::ALL.into_iter().zip(row.results) {
            e.sample_with(row.labels, &[("result", result.as_str())], count);
        }
    }
}

fn failures(e: &mut Exposition, table: &[Row<'_>], settings: Settings) {
    let name = "probe_failures_total";
    e.family(name, Kind::Counter, "Runs that did not pass, by where they ended and why.");
    for Row { record, labels, .. } in table {
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

fn failure_info(e: &mut Exposition, table: &[Row<'_>]) {
    let name = "probe_failure_info";
    e.family(name, Kind::Info, "Why the check fails. Only there while it does.");
    for row in table {
        if let Some((phase, reason)) = row.failing {
            let phase = phase.map_or("none", Phase::as_str);
            e.sample_with(row.labels, &[("phase", phase), ("reason", reason.code())], 1.0);
        } else if drill::endpoint_of(&row.record.check.endpoint.name).is_some() {
            // No run of it failed, as it has none; alerts say the reason all the same.
            e.sample_with(row.labels, &[("phase", "none"), ("reason", "drill")], 1.0);
        }
    }
}

fn warnings(e: &mut Exposition, table: &[Row<'_>]) {
    let name = "probe_warning";
    e.family(name, Kind::Info, "What else the last run saw that is not well.");
    for row in table {
        for warning in &row.warnings {
            e.sample_with(row.labels, &[("warning", warning.code())], 1.0);
        }
    }
}

fn last_run(e: &mut Exposition, table: &[Row<'_>]) {
    gauge(e, table, "probe_duration_seconds", "How long the last run took.", |row| {
        Some(row.last.as_ref()?.phases.total().as_secs_f64())
    });
    gauge(e, table, "probe_dns_lookup_time_seconds", "How long the last run resolved.", |row| {
        Some(row.last.as_ref()?.phases.get(Phase::Resolve)?.as_secs_f64())
    });
    gauge(e, table, "probe_ip_protocol", "IP version of the last run: 4 or 6.", |row| {
        Some(if row.last.as_ref()?.address?.is_ipv4() { 4.0 } else { 6.0 })
    });
}

fn cors(e: &mut Exposition, table: &[Row<'_>]) {
    let name = "probe_cors_allowed";
    let help = "Whether the page could read the last answer, expected or not.";
    gauge(e, table, name, help, |row| Some(f64::from(u8::from(row.last.as_ref()?.cors?))));
}

fn http(e: &mut Exposition, table: &[Row<'_>]) {
    let name = "probe_http_status_code";
    let help = "Status of the last answer: of the preflight, where that kept the page from asking.";
    gauge(e, table, name, help, |row| {
        let last = row.last_of(&[ProbeKind::Cors, ProbeKind::Http])?;
        last.http_status.map(f64::from)
    });
    let name = "probe_http_duration_seconds";
    e.family(name, Kind::Gauge, "How long each phase of the last run took, where it was reached.");
    for row in table {
        if let Some(last) = row.last_of(&[ProbeKind::Http]) {
            phases(e, row.labels, last, Phase::Request);
        }
    }
}

/// The words of blackbox_exporter, with TLS taken out of `processing`.
fn phases(e: &mut Exposition, labels: &Labels, last: &Last, processing: Phase) {
    for (phase, time) in last.phases.iter() {
        let word = match phase {
            Phase::Resolve | Phase::Connect | Phase::Tls | Phase::Transfer => phase.as_str(),
            phase if phase == processing => "processing",
            _ => continue,
        };
        e.sample_with(labels, &[("phase", word)], time.as_secs_f64());
    }
}

fn messaging(e: &mut Exposition, table: &[Row<'_>]) {
    let name = "probe_messaging_level";
    let help = "How far up the last run came: 1 upgrade, 2 configuration, 3 session, 4 message.";
    gauge(e, table, name, help, |row| {
        let (reached, _) = row.last_of(&[ProbeKind::Messaging])?.messaging.unwrap_or_default();
        Some(reached.map_or(0.0, |level| f64::from(level.number())))
    });
    let name = "probe_messaging_sessions_stopped";
    let help = "Whether no session is asked for any more, as one began a conversation.";
    gauge(e, table, name, help, |row| {
        let (_, stopped) = row.last.as_ref()?.messaging?;
        Some(f64::from(u8::from(stopped)))
    });
}

fn websocket(e: &mut Exposition, table: &[Row<'_>]) {
    let name = "probe_websocket_duration_seconds";
    e.family(name, Kind::Gauge, "How long each phase of the last run took, where it was reached.");
    for row in table {
        let Some(last) = row.websocket() else { continue };
        phases(e, row.labels, last, Phase::Upgrade);
    }
    let name = "probe_websocket_status_code";
    let help = "Status of the answer to the last upgrade, also of a refusal.";
    gauge(e, table, name, help, |row| row.websocket()?.http_status.map(f64::from));
    let name = "probe_websocket_connection_upgraded";
    gauge(e, table, name, "Whether the last run was let in, expected or not.", |row| {
        Some(f64::from(u8::from(row.websocket()?.upgraded)))
    });
}
