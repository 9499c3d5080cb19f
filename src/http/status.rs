//! `GET /`: every check in one table, for people.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, StatusCode};
use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, Markup, html};

use super::Context;
use crate::health::State as Health;
use crate::outcome::reason::Fault;
use crate::outcome::verdict::Verdict;
use crate::record::snapshot::{CheckRecord, Snapshot};

/// Nothing from elsewhere, and no script at all.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("status.css");

/// The page.
pub async fn page(State(context): State<Context>) -> Response {
    let Some(snapshot) = context.reader.look().await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the recorder has ended\n").into_response();
    };
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, render(&snapshot)).into_response()
}

fn render(snapshot: &Snapshot) -> Markup {
    let now = snapshot.taken_at;
    let count =
        |state| snapshot.checks.iter().filter(|record| record.health.state() == state).count();
    let (down, unknown) = (count(Health::Down), count(Health::Unknown));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="15";
                title { "Watchpost: " (down) " down" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Watchpost" }
                    p {
                        strong { (down) " down" } ", " (unknown) " unknown, "
                        (count(Health::Up)) " up, as of "
                        time { (clock(now)) } "."
                    }
                }
                main { (table(snapshot, now)) }
                footer {
                    a href="/metrics" { "/metrics" } " · "
                    a href="/api/v1/checks" { "/api/v1/checks" }
                }
            }
        }
    }
}

fn table(snapshot: &Snapshot, now: Timestamp) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th { "Endpoint" } th { "Page" } th { "Probe" } th { "Health" }
                    th { "What is wrong" } th { "Median" } th { "Last run" } th { "Certificate" }
                }
            }
            tbody {
                @for record in &snapshot.checks { (row(snapshot, record, now)) }
            }
        }
    }
}

fn row(snapshot: &Snapshot, record: &CheckRecord, now: Timestamp) -> Markup {
    let check = &record.check;
    let (class, word) = match record.health.state() {
        Health::Up => ("up", "▲ up"),
        Health::Down => ("down", "▼ down"),
        Health::Unknown => ("unknown", "? unknown"),
    };
    let outcome = record.last.as_deref();
    let failure = outcome.and_then(|outcome| outcome.failure.as_ref());
    html! {
        tr {
            td { b { (&*check.endpoint.name) } br; small { (check.endpoint.target) } }
            td {
                @if let Some(rule) = &check.origin {
                    (rule.name)
                    @if rule.expect.as_str() == "deny" { " " em { "must be refused" } }
                }
            }
            td { (check.probe.kind()) }
            td class=(class) { (word) br; small { "for " (age(record.health.since(), now)) } }
            td {
                @if let Some(failure) = failure {
                    b { (failure.reason().code()) }
                    @if let Some(phase) = failure.phase() { " in " (phase) }
                    @if outcome.is_some_and(|outcome| outcome.verdict == Verdict::Inconclusive) {
                        " (says nothing about the endpoint)"
                    }
                    br; (failure.reason().sentence()) " " (failure.evidence())
                    br; small { (whose(failure.fault())) " " (failure.reason().fix()) }
                } @else if let Some((phase, reason)) = record.failing {
                    b { (reason) } @if let Some(phase) = phase { " in " (phase) }
                }
            }
            td {
                @if let Some(total) = record.recent.total() {
                    (format!("{:.1} ms", total.p50.as_secs_f64() * 1e3))
                }
            }
            td { @if let Some(at) = record.last_run_at { (age(at, now)) " ago" } @else { "not yet" } }
            td { (certificate(snapshot, record, now)) }
        }
    }
}

fn certificate(snapshot: &Snapshot, record: &CheckRecord, now: Timestamp) -> Markup {
    let mine = |endpoint: &&std::sync::Arc<crate::record::snapshot::EndpointRecord>| {
        endpoint.endpoint.name == record.check.endpoint.name
    };
    let presented = snapshot.endpoints.iter().find(mine).map(|endpoint| &endpoint.presented);
    let leaves = presented.iter().flat_map(|presented| presented.iter());
    let ends = leaves.filter_map(|at| at.chain.leaf()?.facts.as_ref()).map(|facts| facts.not_after);
    html! {
        @match ends.min() {
            Some(end) if end > now => { (age(now, end)) " left" }
            Some(end) => { "expired " (age(end, now)) " ago" }
            None => {}
        }
    }
}

fn whose(fault: Fault) -> &'static str {
    match fault {
        Fault::Target => "Theirs.",
        Fault::Path => "On the way there.",
        Fault::Monitor => "Ours: it says nothing about the endpoint.",
    }
}

/// `12 s`, `3 min`, `5 h`, `89 d`.
fn age(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).max(SignedDuration::ZERO).as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn clock(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
